// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;

namespace StapelClient
{
    /// <summary>A request failed. The message says what was found, and what would help.</summary>
    public sealed class ClientException : Exception
    {
        internal ClientException(
            string code, string message, int status = 0, IReadOnlyList<Refusal> rows = null, Exception cause = null,
            string request = null)
            : base(message, cause)
        {
            Code = code;
            Status = status;
            Rows = rows ?? new Refusal[0];
            Request = request;
        }

        /// <summary>The same of a question.</summary>
        internal ClientException Of(string name)
        {
            return new ClientException(Code, Message, Status, Rows, this, name);
        }

        internal static ClientException BadReply(int status, Exception cause)
        {
            return new ClientException("bad_reply", "the reply, with status " + status + ", is none of stapel partner "
                + "serve's: see whether another program has its socket or port", status, null, cause);
        }

        /// <summary>The stable code: the server's or the library's, such as "rows_refused"; "unreachable" where no
        /// reply came in time, and "bad_reply" where what came is none of the server's.</summary>
        public string Code { get; }

        /// <summary>That of HTTP; 0 without a reply.</summary>
        public int Status { get; }

        /// <summary>With "rows_refused", why each row was refused that was given.</summary>
        public IReadOnlyList<Refusal> Rows { get; }

        /// <summary>The name of the question that was asked: under it, it may be asked again without being asked twice.
        /// Null where none was asked.</summary>
        public string Request { get; }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;

namespace Stapel
{
    /// <summary>
    /// What the library did not do. <see cref="Exception.Message"/> says in a sentence what was found and what to do.
    /// </summary>
    /// <remarks>
    /// A rejection by the broker is no exception but a <see cref="Rejection"/>, and an address that was refused is a
    /// row that says so.
    /// </remarks>
    public sealed class StapelException : Exception
    {
        private StapelException(int status, string code, string message, string number) : base(message)
        {
            Status = status;
            Code = code;
            Number = number;
        }

        /// <summary>The number that stapel.h gives it. A later version of the library may have more of them.</summary>
        public int Status { get; }

        /// <summary>The stable code, such as "folder_in_use": the same in every language and version.</summary>
        public string Code { get; }

        /// <summary>Of one home that was refused: the canonical form of its house number, where that is certain; else
        /// null.</summary>
        public string Number { get; }

        /// <summary>Throws what a status says, unless it says that all is well.</summary>
        internal static void Check(int status, string number = null)
        {
            if (status == 0)
            {
                return;
            }
            // The sentence is this thread's, until its next call that fails.
            string message = Utf8.ReadToNul(Native.stapel_last_error_message());
            throw new StapelException(status, StapelLibrary.CodeOf(status), message, number);
        }
    }
}

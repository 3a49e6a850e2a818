// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace StapelClient
{
    /// <summary>
    /// Lets an HttpClient go through a Unix socket: one request a connection, whose reply is all that comes until the
    /// server closes it. .NET from 5 on can do so itself (SocketsHttpHandler.ConnectCallback); .NET Framework and Mono
    /// cannot.
    /// </summary>
    internal sealed class UnixSocketHandler : HttpMessageHandler
    {
        private const string LengthField = "Content-Length:";

        private readonly EndPoint server;

        internal UnixSocketHandler(string path)
        {
            server = new UnixEndPoint(path);
        }

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellation)
        {
            byte[] body = request.Content == null
                ? new byte[0]
                : await request.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
            string head = request.Method + " " + request.RequestUri.PathAndQuery + " HTTP/1.1\r\n"
                + "Host: localhost\r\nConnection: close\r\n";
            if (request.Content != null)
            {
                head += "Content-Type: " + request.Content.Headers.ContentType + "\r\n"
                    + "Content-Length: " + body.Length.ToString(CultureInfo.InvariantCulture) + "\r\n";
            }
            foreach (KeyValuePair<string, IEnumerable<string>> field in request.Headers)
            {
                head += field.Key + ": " + string.Join(", ", field.Value) + "\r\n";
            }
            byte[] first = Encoding.ASCII.GetBytes(head + "\r\n");
            byte[] reply = await Task.Run(() => Exchange(first, body, cancellation)).ConfigureAwait(false);
            HttpResponseMessage response = Response(reply);
            response.RequestMessage = request;
            return response;
        }

        /// <summary>Sends both, and gives what comes until the other side closes the connection.</summary>
        private byte[] Exchange(byte[] head, byte[] body, CancellationToken cancellation)
        {
            using (Socket socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.IP))
            // The end of the time limit closes the socket, which ends whatever waits for it.
            using (cancellation.Register(socket.Dispose))
            using (MemoryStream reply = new MemoryStream())
            {
                try
                {
                    socket.Connect(server);
                    using (NetworkStream stream = new NetworkStream(socket))
                    {
                        stream.Write(head, 0, head.Length);
                        stream.Write(body, 0, body.Length);
                        stream.CopyTo(reply);
                    }
                }
                catch (ObjectDisposedException)
                {
                    throw new IOException("no reply came in time");
                }
                return reply.ToArray();
            }
        }

        /// <summary>Takes a reply apart. One that is not whole counts as lost.</summary>
        private static HttpResponseMessage Response(byte[] reply)
        {
            string text = Encoding.ASCII.GetString(reply);
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0)
            {
                throw new IOException("the reply is cut off");
            }
            string[] lines = text.Substring(0, end).Split(new[] { "\r\n" }, StringSplitOptions.None);
            string[] first = lines[0].Split(' ');
            int length = -1;
            foreach (string line in lines)
            {
                if (line.StartsWith(LengthField, StringComparison.OrdinalIgnoreCase))
                {
                    length = Number(line.Substring(LengthField.Length).Trim());
                }
            }
            if (first.Length < 2 || !first[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || length < 0)
            {
                throw new IOException("the reply is not of HTTP/1.1 with a length");
            }
            byte[] body = new byte[reply.Length - end - 4];
            Array.Copy(reply, end + 4, body, 0, body.Length);
            if (body.Length != length)
            {
                throw new IOException("the reply is cut off");
            }
            return new HttpResponseMessage((HttpStatusCode)Number(first[1])) { Content = new ByteArrayContent(body) };
        }

        private static int Number(string digits)
        {
            bool isNumber = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
            return isNumber ? number : throw new IOException("the reply has no number where one must be");
        }

        /// <summary>The address of a Unix socket, which .NET Standard 2.0 has no class for.</summary>
        private sealed class UnixEndPoint : EndPoint
        {
            /// <summary>Where the path begins in Linux's struct, and how long it may be, its NUL included.</summary>
            private const int Start = 2, Most = 108;

            private readonly byte[] path;

            internal UnixEndPoint(string path)
            {
                this.path = Encoding.UTF8.GetBytes(path);
                if (this.path.Length == 0 || this.path.Length >= Most)
                {
                    throw new ArgumentException("the path of a socket has 1 to 107 bytes", nameof(path));
                }
            }

            public override AddressFamily AddressFamily => AddressFamily.Unix;

            public override SocketAddress Serialize()
            {
                SocketAddress address = new SocketAddress(AddressFamily.Unix, Start + path.Length + 1);
                for (int at = 0; at < path.Length; at++)
                {
                    address[Start + at] = path[at];
                }
                return address;
            }

            public override EndPoint Create(SocketAddress address)
            {
                return this;
            }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.Serialization;
using System.Threading.Tasks;

namespace StapelClient
{
    /// <summary>
    /// A partner's folder that <c>stapel partner serve</c> owns, so that any number of processes use it at once. Who
    /// calls needs no libstapel, no keys and no rights in the folder. It is reached through its Unix socket (<see
    /// cref="Unix"/>), or at a port of this machine with a token (<see cref="Loopback"/>).
    /// </summary>
    /// <example><code>
    /// using (var desk = Client.Unix("/run/stapel/police.sock"))
    /// {
    ///     var by = new Case("j.jansen", "2026-0117");
    ///     Row[] rows = { "Dam 1-A, 1012 JS Amsterdam" };
    ///     await desk.FlagAsync(rows, by);
    ///     Question question = await desk.AskAsync(rows, by); // its answer comes after the server's next sync
    ///     Answer[] answers = (await desk.AnswersAsync(question.Request, by)).Answers;
    /// }
    /// </code></example>
    /// <remarks>
    /// What fails throws <see cref="ClientException"/>, which has the stable code. A request whose reply was lost, or
    /// that comes while the server starts anew or is busy, is made again by itself, because each may be: nothing is
    /// flagged or asked twice by it. Any thread may use a client. docs/partner-serve.md says what each request does.
    /// </remarks>
    public sealed class Client : IDisposable
    {
        /// <summary>The server's limit. Whoever sends more is cut off, which would look like a lost reply.</summary>
        private const int MostBytes = 16 * 1024 * 1024;

        private readonly HttpClient http;
        private readonly string server;
        private readonly string host;
        private readonly TimeSpan wait;

        private Client(HttpMessageHandler handler, string server, string host, TimeSpan? wait)
        {
            http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(60) };
            this.server = server;
            this.host = host;
            this.wait = wait ?? TimeSpan.FromSeconds(5);
        }

        /// <summary>Through a Unix socket. Nothing is sent yet. A request that gets no reply is made again for up to
        /// <paramref name="wait"/>: null is five seconds.</summary>
        public static Client Unix(string path, TimeSpan? wait = null)
        {
            return new Client(new UnixSocketHandler(path), path, "http://localhost", wait);
        }

        /// <summary>At a port of 127.0.0.1, with the token of the server's configuration. <paramref name="wait"/> is as
        /// for <see cref="Unix"/>.</summary>
        public static Client Loopback(int port, string token, TimeSpan? wait = null)
        {
            string host = "http://127.0.0.1:" + port;
            // No proxy, whatever the system says.
            Client client = new Client(new HttpClientHandler { UseProxy = false }, host, host, wait);
            client.http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return client;
        }

        /// <summary>
        /// Flags addresses, until a last valid day; or with <paramref name="renew"/>, a reason of the policy, lets
        /// flags stand longer. A row that is refused is not flagged, and says why.
        /// </summary>
        /// <exception cref="ClientException">"rows_refused" where all are refused.</exception>
        public Task<Flagged> FlagAsync(
            IEnumerable<Row> rows, Case by, DateTime? until = null, string renew = null, bool numberOnly = false)
        {
            return Post<Flagged>("/v1/flag", new Request(by)
            {
                Rows = rows.ToArray(),
                Until = until?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
                Renew = renew,
                NumberOnly = numberOnly,
            });
        }

        /// <summary>Withdraws the flags of addresses. One that is not flagged stays so.</summary>
        public Task<Withdrawn> WithdrawAsync(IEnumerable<Row> rows, Case by, bool numberOnly = false)
        {
            return Post<Withdrawn>("/v1/withdraw", new Request(by) { Rows = rows.ToArray(), NumberOnly = numberOnly });
        }

        /// <summary>
        /// Asks about addresses. The question goes to the broker with the server's next sync; <see
        /// cref="AnswersAsync"/> has what came. <paramref name="request"/> is the caller's own name of it, by default a
        /// random one. A caller that may end before it has the reply keeps a name of its own first: under it, the same
        /// question is never asked twice.
        /// </summary>
        public Task<Question> AskAsync(
            IEnumerable<Row> rows,
            Case by,
            string request = null,
            string sweep = null,
            bool numbers = false,
            bool numberOnly = false)
        {
            return Post<Question>("/v1/ask", new Request(by)
            {
                Rows = rows.ToArray(),
                Name = request ?? Guid.NewGuid().ToString(),
                Sweep = sweep,
                Numbers = numbers,
                NumberOnly = numberOnly,
            });
        }

        /// <summary>Asks about all that the partner flags.</summary>
        public Task<Question> AskOwnAsync(Case by, string request = null)
        {
            return Post<Question>("/v1/ask-own", new Request(by) { Name = request ?? Guid.NewGuid().ToString() });
        }

        /// <summary>What came of a question, for the actor and the case that asked it; to others it is
        /// "not_found".</summary>
        public Task<Question> AnswersAsync(string request, Case by)
        {
            string name = request ?? throw new ArgumentNullException(nameof(request));
            return Post<Question>("/v1/answers", new Request(by) { Name = name });
        }

        /// <summary>What changed over own flags. It is given again until <see cref="SeenAsync"/> marks it as
        /// seen.</summary>
        public Task<News> NewsAsync(Case by)
        {
            return Post<News>("/v1/news", new Request(by));
        }

        /// <summary>Marks news as seen, and gives how much.</summary>
        /// <exception cref="ClientException">"news_changed" where other news came since, or where this was marked
        /// before, perhaps by a request whose reply was lost: then read the news again.</exception>
        public async Task<int> SeenAsync(News news, Case by)
        {
            if (news.Mark == null)
            {
                return 0;
            }
            Request request = new Request(by) { Mark = news.Mark };
            return (await Post<Seen>("/v1/news/seen", request).ConfigureAwait(false)).Count;
        }

        /// <summary>What was done with an address. The journal has first who looked.</summary>
        public Task<Dossier> DossierAsync(Row row, Case by)
        {
            return Post<Dossier>("/v1/dossier", new Request(by) { Row = row });
        }

        /// <summary>How it goes, without addresses and cases.</summary>
        public Task<Status> StatusAsync()
        {
            return Send<Status>("/v1/status", null);
        }

        /// <summary>Lets connections go.</summary>
        public void Dispose()
        {
            http.Dispose();
        }

        private Task<T> Post<T>(string path, Request request)
            where T : class
        {
            byte[] body = Wire.Write(request);
            if (body.Length > MostBytes)
            {
                throw new ClientException(
                    "too_large", "the request has more than 16 MiB; nothing was done: hand over fewer rows");
            }
            return Send<T>(path, body);
        }

        /// <summary>Makes a request, again and again until a reply came or the time is over.</summary>
        private async Task<T> Send<T>(string path, byte[] body)
            where T : class
        {
            System.Diagnostics.Stopwatch since = System.Diagnostics.Stopwatch.StartNew();
            TimeSpan pause = TimeSpan.FromMilliseconds(50);
            while (true)
            {
                try
                {
                    return await Attempt<T>(path, body).ConfigureAwait(false);
                }
                catch (ClientException error)
                    when ((error.Code == "unreachable" || error.Code == "busy") && since.Elapsed + pause <= wait)
                {
                    // It is made again.
                }
                await Task.Delay(pause).ConfigureAwait(false);
                pause = TimeSpan.FromMilliseconds(Math.Min(2 * pause.TotalMilliseconds, 1000));
            }
        }

        private async Task<T> Attempt<T>(string path, byte[] body)
            where T : class
        {
            int status;
            byte[] content;
            try
            {
                using (HttpRequestMessage request = new HttpRequestMessage(HttpMethod.Get, host + path))
                {
                    if (body != null)
                    {
                        request.Method = HttpMethod.Post;
                        request.Content = new ByteArrayContent(body);
                        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                    }
                    using (HttpResponseMessage response = await http.SendAsync(request).ConfigureAwait(false))
                    {
                        status = (int)response.StatusCode;
                        content = await response.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
                    }
                }
            }
            catch (Exception error)
                when (error is HttpRequestException || error is IOException || error is SocketException
                    || error is OperationCanceledException)
            {
                throw new ClientException("unreachable", "no reply came through " + server + " (" + error.Message
                    + "): see whether stapel partner serve runs there", 0, null, error);
            }
            try
            {
                if (status == 200)
                {
                    return Wire.Read<T>(content);
                }
                Problem problem = Wire.Read<Problem>(content);
                Refusal[] rows = (problem.Rows ?? new RowResult[0]).Select(row => row.Refused).ToArray();
                throw new ClientException(problem.Code, problem.Detail, status, rows);
            }
            catch (Exception error) when (error is SerializationException || error is FormatException
                || error is System.Xml.XmlException)
            {
                throw ClientException.BadReply(status, error);
            }
        }
    }
}

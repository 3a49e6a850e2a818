// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.Serialization;
using System.Text.RegularExpressions;
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
    ///     var by = new Acting("j.jansen", "2026-0117");
    ///     Row[] rows = { "Dam 1-A, 1012 JS Amsterdam" };
    ///     await desk.FlagAsync(rows, by);
    ///     Question question = await desk.AskAsync(rows, by); // its answer comes after the server's next sync
    ///     Answer[] answers = (await desk.AnswersAsync(question.Request, by)).Answers;
    /// }
    /// </code></example>
    /// <remarks>
    /// <para>What fails throws <see cref="ClientException"/>, which has the stable code. A request whose reply was
    /// lost, or that comes while the server starts anew or is busy, is made again by itself: within one call nothing is
    /// flagged or asked twice. Where <see cref="AskAsync"/> or <see cref="AskOwnAsync"/> fails all the same, <see
    /// cref="ClientException.Request"/> has the name of the question: ask again under that name, since under another it
    /// would be a second question. A reply of status 500 is not asked for again: whether that helps depends on its
    /// code, as docs/partner-serve.md says, which has also what each request does.</para>
    /// <para>Values that a later server knows and this version does not are no error: of an enumeration the text is
    /// kept, and all else is passed over. Any thread may use a client.</para>
    /// </remarks>
    public sealed class Client : IDisposable
    {
        /// <summary>The server's limit. Whoever sends more is cut off, which would look like a lost reply.</summary>
        private const int MostBytes = 16 * 1024 * 1024;

        /// <summary>That of W3C Trace Context. Whatever has another form counts for none, there as here.</summary>
        private static readonly Regex TraceparentForm =
            new Regex(@"\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\z");

        private readonly HttpClient http;
        private readonly string server;
        private readonly string host;
        private readonly TimeSpan wait;

        private Client(HttpMessageHandler handler, string server, string host, TimeSpan? wait, TimeSpan? timeout)
        {
            http = new HttpClient(handler) { Timeout = timeout ?? TimeSpan.FromSeconds(60) };
            this.server = server;
            this.host = host;
            this.wait = wait ?? TimeSpan.FromSeconds(5);
        }

        /// <summary>Through a Unix socket. Nothing is sent yet. A request that gets no reply is made again for up to
        /// <paramref name="wait"/>, by default five seconds; one may take <paramref name="timeout"/>, by default a
        /// minute.</summary>
        public static Client Unix(string path, TimeSpan? wait = null, TimeSpan? timeout = null)
        {
            return new Client(new UnixSocketHandler(path), path, "http://localhost", wait, timeout);
        }

        /// <summary>At a port of 127.0.0.1, with the token of the server's configuration. The times are as
        /// for <see cref="Unix"/>.</summary>
        public static Client Loopback(int port, string token, TimeSpan? wait = null, TimeSpan? timeout = null)
        {
            string host = "http://127.0.0.1:" + port;
            // No proxy, whatever the system says.
            Client client = new Client(new HttpClientHandler { UseProxy = false }, host, host, wait, timeout);
            client.http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return client;
        }

        /// <summary>
        /// Flags addresses, to the latest day that the policy allows, or <paramref name="until"/> one, which
        /// is the last of a month. <paramref name="renew"/> lets flags stand longer, for a <see cref="RenewalReason"/>.
        /// With <paramref name="numberOnly"/> an address that is in order but for what follows its house number is
        /// flagged as that house number, instead of being refused; for policies that count house numbers. With
        /// <paramref name="forward"/> what is flagged now is put forward too. A row that is refused is not flagged, and
        /// says why.
        /// </summary>
        /// <exception cref="ClientException">"rows_refused" where all are refused.</exception>
        public Task<FlagResult> FlagAsync(
            IEnumerable<Row> rows, Acting by, DateTime? until = null, string renew = null, bool numberOnly = false,
            bool forward = false)
        {
            return Post<FlagResult>("/v1/flag", new Request(by)
            {
                Rows = rows.ToArray(),
                Until = until?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
                Renew = renew,
                NumberOnly = numberOnly,
                Forward = forward,
            });
        }

        /// <summary>Withdraws the flags of addresses. One that is not flagged stays so.</summary>
        public Task<WithdrawResult> WithdrawAsync(IEnumerable<Row> rows, Acting by, bool numberOnly = false)
        {
            Request request = new Request(by) { Rows = rows.ToArray(), NumberOnly = numberOnly };
            return Post<WithdrawResult>("/v1/withdraw", request);
        }

        /// <summary>
        /// Asks about addresses. The question goes to the broker with the server's next sync; <see
        /// cref="AnswersAsync"/> has what came. <paramref name="request"/> is the caller's own name of it, by default a
        /// random one, which the result has, and the exception where it fails: under the same name, the same question
        /// is never asked twice. A caller that may be ended meanwhile keeps a name of its own first. <paramref
        /// name="sweep"/> is a reason of the policy, for what the partner need not flag itself; with <paramref
        /// name="numbers"/> the house number of each address is asked about too.
        /// </summary>
        public Task<Question> AskAsync(
            IEnumerable<Row> rows,
            Acting by,
            string request = null,
            string sweep = null,
            bool numbers = false,
            bool numberOnly = false)
        {
            return Ask("/v1/ask", new Request(by)
            {
                Rows = rows.ToArray(),
                Name = request,
                Sweep = sweep,
                Numbers = numbers,
                NumberOnly = numberOnly,
            });
        }

        /// <summary>Asks about all that the partner flags. <paramref name="request"/> is as for <see
        /// cref="AskAsync"/>.</summary>
        public Task<Question> AskOwnAsync(Acting by, string request = null)
        {
            return Ask("/v1/ask-own", new Request(by) { Name = request });
        }

        /// <summary>What came of a question, for the actor and the case that asked it; to others it is
        /// "not_asked".</summary>
        public Task<Question> AnswersAsync(string request, Acting by)
        {
            string name = request ?? throw new ArgumentNullException(nameof(request));
            return Post<Question>("/v1/answers", new Request(by) { Name = name });
        }

        /// <summary>What changed over own flags. It is given again until <see cref="SeenAsync"/> marks it as
        /// seen.</summary>
        public Task<NewsResult> NewsAsync(Acting by)
        {
            return Post<NewsResult>("/v1/news", new Request(by));
        }

        /// <summary>Marks news as seen, and gives how much.</summary>
        /// <exception cref="ClientException">"news_changed" where other news came since, or where this was marked
        /// before, perhaps by a request whose reply was lost: then read the news again.</exception>
        public async Task<int> SeenAsync(NewsResult news, Acting by)
        {
            if (news.Mark == null)
            {
                return 0;
            }
            Request request = new Request(by) { Mark = news.Mark };
            return (await Post<Seen>("/v1/news/seen", request).ConfigureAwait(false)).Count;
        }

        /// <summary>What was done with an address. The journal has first who looked.</summary>
        public Task<DossierResult> DossierAsync(Row row, Acting by)
        {
            return Post<DossierResult>("/v1/dossier", new Request(by) { Row = row });
        }

        /// <summary>What people do after a hit: <paramref name="call"/> is the last part of a path of /v1/after-hit in
        /// partner-openapi.json, such as "forward" or "news/seen", and <paramref name="given"/> what its request has
        /// besides actor and case, as an object of JSON, which may be left out. Gives the result as JSON of that
        /// document. A note that is written again after a lost reply is written once.</summary>
        /// <exception cref="ArgumentException">What is given is no object of JSON.</exception>
        public Task<string> AfterHitAsync(string call, Acting by, string given = "{}")
        {
            byte[] body = Wire.Write(new Request(by), given);
            return Send<string>("/v1/after-hit/" + call, Bounded(body), by.Traceparent);
        }

        /// <summary>How it goes, without addresses and cases.</summary>
        public Task<StatusResult> StatusAsync()
        {
            return Send<StatusResult>("/v1/status", null, null);
        }

        /// <summary>Lets connections go.</summary>
        public void Dispose()
        {
            http.Dispose();
        }

        /// <summary>Asks, under a random name where the caller gave none, which whatever fails has.</summary>
        private async Task<Question> Ask(string path, Request request)
        {
            request.Name = request.Name ?? Guid.NewGuid().ToString();
            try
            {
                return await Post<Question>(path, request).ConfigureAwait(false);
            }
            catch (ClientException error)
            {
                throw error.Of(request.Name);
            }
        }

        private Task<T> Post<T>(string path, Request request)
            where T : class
        {
            return Send<T>(path, Bounded(Wire.Write(request)), request.By.Traceparent);
        }

        private static byte[] Bounded(byte[] body)
        {
            if (body.Length > MostBytes)
            {
                throw new ClientException(
                    "too_large", "the request has more than 16 MiB; nothing was done: hand over fewer rows");
            }
            return body;
        }

        /// <summary>Makes a request, again and again until a reply came or the time is over.</summary>
        private async Task<T> Send<T>(string path, byte[] body, string traceparent)
            where T : class
        {
            System.Diagnostics.Stopwatch since = System.Diagnostics.Stopwatch.StartNew();
            TimeSpan pause = TimeSpan.FromMilliseconds(50);
            while (true)
            {
                try
                {
                    return await Attempt<T>(path, body, traceparent).ConfigureAwait(false);
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

        private async Task<T> Attempt<T>(string path, byte[] body, string traceparent)
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
                    if (traceparent != null && TraceparentForm.IsMatch(traceparent))
                    {
                        request.Headers.Add("traceparent", traceparent);
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
                || error is System.Xml.XmlException || error is TargetInvocationException)
            {
                throw ClientException.BadReply(status, error);
            }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Stapel.Example
{
    /// <summary>A partner flags the addresses of a file, tells the broker, asks about them, and prints what came
    /// back.</summary>
    internal static class Program
    {
        private static readonly Case By = new Case("example", "examples");

        private static int Main(string[] arguments)
        {
            string step = arguments.Length > 2 ? arguments[2] : "all";
            if (arguments.Length < 2 || arguments.Length > 4
                || Array.IndexOf(new[] { "all", "send", "read", "errors" }, step) < 0)
            {
                Console.Error.WriteLine("usage: run SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]");
                return 2;
            }
            string partnerFolder = Path.Combine(arguments[0], arguments.Length > 3 ? arguments[3] : "partner");
            try
            {
                using (TextWriter output = Utf8Writer(Console.OpenStandardOutput()))
                {
                    if (step == "errors")
                    {
                        ShowErrors(partnerFolder, output);
                    }
                    else
                    {
                        Run(step, arguments[0], partnerFolder, arguments[1], output);
                    }
                }
                return 0;
            }
            catch (StapelException error)
            {
                return Fail(error.Code, error.Message);
            }
            catch (EndException error)
            {
                return Fail(error.Code, error.Message);
            }
            catch (IOException error)
            {
                return Fail("io", error.Message);
            }
            catch (UnauthorizedAccessException error)
            {
                return Fail("io", error.Message);
            }
            catch (DecoderFallbackException error)
            {
                return Fail("not_utf8", error.Message);
            }
        }

        private static void Run(string step, string sandbox, string partnerFolder, string file, TextWriter output)
        {
            List<string> references = new List<string>();
            List<string> texts = new List<string>();
            ReadCsv(file, references, texts);
            string brokerFolder = Path.Combine(sandbox, "broker");

            using (Addresses rows = Addresses.FromTexts(texts, references))
            using (Partner partner = Partner.Open(partnerFolder))
            using (Broker broker = Broker.Open(brokerFolder, Path.Combine(brokerFolder, "keys")))
            {
                Standing[] standings = new Standing[rows.Count];
                Answer head = null;
                switch (step)
                {
                    case "send":
                        partner.Flag(rows, By, DateTimeOffset.UtcNow);
                        List<byte[]> messages = new List<byte[]>(partner.Deliver(DateTimeOffset.UtcNow));
                        messages.AddRange(partner.Ask(rows, By, DateTimeOffset.UtcNow));
                        foreach (byte[] message in messages)
                        {
                            broker.Handle(message, DateTimeOffset.UtcNow);
                        }
                        return;
                    case "read":
                        head = Carry(partner.InFlight(), partner, broker, rows, standings);
                        break;
                    default:
                        partner.Flag(rows, By, DateTimeOffset.UtcNow);
                        Carry(partner.Deliver(DateTimeOffset.UtcNow), partner, broker, rows, standings);
                        head = Carry(partner.Ask(rows, By, DateTimeOffset.UtcNow), partner, broker, rows, standings);
                        break;
                }
                Print(head, rows, standings, output);
            }
        }

        /// <summary>
        /// Brings messages to the broker and reads its replies. A program of a partner has the broker elsewhere, and
        /// sends them over HTTPS.
        /// </summary>
        /// <returns>The last answer, of which the head can still be looked at; null where there was none.</returns>
        private static Answer Carry(
            IEnumerable<byte[]> messages, Partner partner, Broker broker, Addresses rows, Standing[] standings)
        {
            Answer last = null;
            foreach (byte[] message in messages)
            {
                byte[] bytes = broker.Handle(message, DateTimeOffset.UtcNow);
                using (Reply reply = partner.Read(bytes, DateTimeOffset.UtcNow))
                {
                    if (reply is Rejection rejection)
                    {
                        throw new EndException(rejection.Code, rejection.Sentence);
                    }
                    if (reply is Answer answer)
                    {
                        answer.FillStandings(rows, standings);
                        last = answer;
                    }
                }
            }
            return last;
        }

        private static void Print(Answer head, Addresses rows, Standing[] standings, TextWriter output)
        {
            if (head == null)
            {
                throw new EndException("error", "no question was in flight");
            }
            output.Write("organisations " + head.Organisations + ", fresh " + head.Fresh + "\n");
            foreach (AddressRow row in rows)
            {
                output.Write(row.Reference + "\t" + (row.Canonical ?? "-") + "\t" + Words(row, standings[row.Row])
                    + "\n");
            }
        }

        private static string Words(AddressRow row, Standing standing)
        {
            if (row.IsRefused)
            {
                return "refused " + row.Code;
            }
            switch (standing.Kind)
            {
                case StandingKind.BelowThreshold:
                    return "below threshold";
                case StandingKind.NoOwnFlag:
                    return "no own flag";
                case StandingKind.Stacked:
                    return "stacked";
                case StandingKind.AtLeast:
                    return "stacked at least " + standing.Count;
                case StandingKind.Count:
                    return "stacked " + standing.Count;
                default:
                    return "not answered";
            }
        }

        private static void ShowErrors(string partnerFolder, TextWriter output)
        {
            Partner partner = Partner.Open(partnerFolder);
            string twice = CodeOf(() => Partner.Open(partnerFolder, null, TimeSpan.Zero).Dispose());
            output.Write("open twice\t" + twice + "\n");
            byte[] garbage = Encoding.ASCII.GetBytes("this is no reply");
            output.Write("reply of garbage\t" + CodeOf(() => partner.Read(garbage, DateTimeOffset.UtcNow).Dispose())
                + "\n");
            output.Write("empty reply\t" + CodeOf(() => partner.Read(new byte[0], DateTimeOffset.UtcNow).Dispose())
                + "\n");
            partner.Dispose();
            partner.Dispose();
            output.Write("close twice\tharmless\n");
            string after = "went through";
            try
            {
                partner.Deliver(DateTimeOffset.UtcNow);
            }
            catch (ObjectDisposedException)
            {
                after = "refused";
            }
            output.Write("use after close\t" + after + "\n");
        }

        private static string CodeOf(Action call)
        {
            try
            {
                call();
                return "no error";
            }
            catch (StapelException error)
            {
                return error.Code;
            }
        }

        /// <summary>Two fields on a line, a semicolon between them, as README.md in the folder above says.</summary>
        private static void ReadCsv(string file, List<string> references, List<string> texts)
        {
            string[] lines = new UTF8Encoding(false, true).GetString(File.ReadAllBytes(file)).Split('\n');
            for (int number = 1; number < lines.Length; number++)
            {
                string line = lines[number].EndsWith("\r") ? lines[number].Remove(lines[number].Length - 1)
                    : lines[number];
                if (line.Length != 0)
                {
                    int at = 0;
                    references.Add(Field(line, ref at));
                    texts.Add(Field(line, ref at));
                }
            }
        }

        /// <summary>The field that begins at a place in a line; the place becomes that of the next.</summary>
        private static string Field(string line, ref int at)
        {
            StringBuilder field = new StringBuilder();
            if (at < line.Length && line[at] == '"')
            {
                at++;
                while (at < line.Length)
                {
                    char c = line[at++];
                    if (c == '"' && (at == line.Length || line[at] != '"'))
                    {
                        break;
                    }
                    at += c == '"' ? 1 : 0;
                    field.Append(c);
                }
            }
            else
            {
                while (at < line.Length && line[at] != ';')
                {
                    field.Append(line[at++]);
                }
            }
            at += at < line.Length && line[at] == ';' ? 1 : 0;
            return field.ToString();
        }

        private static int Fail(string code, string sentence)
        {
            using (TextWriter errors = Utf8Writer(Console.OpenStandardError()))
            {
                errors.Write(code + ": " + sentence + "\n");
            }
            return 1;
        }

        /// <summary>UTF-8, whatever the locale says.</summary>
        private static TextWriter Utf8Writer(Stream stream)
        {
            return new StreamWriter(stream, new UTF8Encoding(false));
        }

        /// <summary>Ends the program.</summary>
        private sealed class EndException : Exception
        {
            internal EndException(string code, string sentence) : base(sentence)
            {
                Code = code;
            }

            internal string Code { get; }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using StapelClient;

namespace ClientTests
{
    /// <summary>What the example does not show, on ../clients/stub. Its arguments are the stub's socket and
    /// port.</summary>
    internal static class ClientTests
    {
        private const string Home = "9999XA|12|A";
        private static readonly Acting By = new Acting("j.jansen", "2026-0117");
        private static readonly DateTimeOffset Moment = new DateTimeOffset(2026, 12, 1, 9, 0, 0, TimeSpan.Zero);

        private static void Main(string[] arguments)
        {
            if (arguments[0] == "names")
            {
                Names();
                return;
            }
            int port = int.Parse(arguments[1]);
            using (Client desk = Client.Unix(arguments[0]))
            {
                WhatIsFlaggedAndWithdrawn(desk).GetAwaiter().GetResult();
                WhatIsAsked(desk).GetAwaiter().GetResult();
                WhatIsLookedAt(desk).GetAwaiter().GetResult();
                WhatFailsHasItsCode(desk, arguments[0], port).GetAwaiter().GetResult();
                AQuestionThatFailedHasItsName(desk, arguments[0]).GetAwaiter().GetResult();
                TheCallersActionIsSentWhereItIsInItsForm(desk, port).GetAwaiter().GetResult();
                WhatALaterServerKnowsIsNoError(desk).GetAwaiter().GetResult();
                WhatComesAfterAHit(desk).GetAwaiter().GetResult();
            }
        }

        private static async Task WhatIsFlaggedAndWithdrawn(Client desk)
        {
            Row[] rows =
            {
                Home, "nowhere", "x|number", Row.BagId("0363010012345678"), Row.Address(Home),
                Row.Fields(new AddressFields { Number = "1", Letter = "" }),
            };
            FlagResult flagged = await desk.FlagAsync(rows, By, until: new DateTime(2027, 3, 31));
            Equal("5 2 3 1 4 1", flagged.Added + " " + flagged.Changed + " " + flagged.Unchanged + " " + flagged.Lapsed
                + " " + flagged.Repeated + " " + flagged.Refused);
            AllEqual(new[] { Home, null, "9999XA|12", "0363010012345678", Home, "|1||||" },
                flagged.Rows.Select(row => row.Address));
            AllEqual(new[] { "read", null, "read", "bag_id", "address", "fields" },
                flagged.Rows.Select(row => row.How));
            AllEqual(new[] { Level.Unit, null, Level.Number, Level.Unit, Level.Unit, Level.Unit },
                flagged.Rows.Select(row => row.Level));
            Refusal refusal = flagged.Rows[1].Refused;
            Equal("no_postcode line as it is", refusal.Code + " " + refusal.Field + " " + refusal.Message);
            Equal("x", flagged.Rows[2].OnlyNumber.Code);
            Equal(new DateTime(2027, 3, 31), flagged.Rows[0].LastDay);
            Equal(true, flagged.Rows[1].LastDay == null && flagged.Rows[0].Refused == null && !flagged.Rows[0].Lapsed);
            Row fields = Row.Fields(new AddressFields
            {
                Number = "1", Postcode = "1012JS", Letter = "A", Addition = "2", Street = "Dam", Town = "Amsterdam",
            });
            Equal("1012JS|1|A|2|Dam|Amsterdam", (await desk.FlagAsync(new[] { fields }, By)).Rows[0].Address);
            try
            {
                Row.Fields(new AddressFields { Postcode = "1012JS" });
                throw new Exception("an address without a number was made");
            }
            catch (ArgumentException error)
            {
                Equal("fields", error.ParamName);
            }
            FlagResult renewed = await desk.FlagAsync(
                new Row[] { Home, Home }, By, renew: RenewalReason.ObservedAgain, numberOnly: true);
            Equal(true, renewed.Added == 0 && renewed.Rows[1].Lapsed && renewed.Rows[1].LastDay == null);
            WithdrawResult withdrawn = await desk.WithdrawAsync(new Row[] { Home, Home }, By);
            Equal("1 2 3 0", withdrawn.Withdrawn + " " + withdrawn.Unchanged + " " + withdrawn.Repeated + " "
                + withdrawn.Refused);
            AllEqual(new[] { true, false }, withdrawn.Rows.Select(row => row.WasFlagged));
            AllEqual(new[] { "9999XA|12" }, withdrawn.Rows[0].Stay);
            Equal(0, flagged.Rows[0].Stay.Count);
        }

        private static async Task WhatIsAsked(Client desk)
        {
            Question question = await desk.AskAsync(new Row[] { Home, "nowhere" }, By);
            Equal(36, question.Request.Length);
            Equal("answered 1 1", question.State + " " + question.Repeated + " " + question.Refused);
            Equal("no_postcode", question.Rows[1].Refused.Code);
            Answer answer = question.Answers.Single();
            Equal("1 7 4 3", answer.Epoch + " " + answer.Release + " " + answer.Organisations + " " + answer.Fresh);
            Equal(true, answer.AsOf == Moment && answer.Until == Moment);
            AllEqual(new[] { "stacked at least 3", "stacked 2", "stacked", "below threshold", "no own flag" },
                answer.Rows.Select(row => row.InWords()));
            Equal("StapelClient.AnswerRow", answer.Rows[0].ToString());
            AnswerRow first = answer.Rows[0];
            Equal(Home + " Molenstraat 12-A, é", first.Address + " " + first.Typed);
            Equal(true, first.Level == Level.Unit && first.Count == null && first.AtLeast == 3);
            Equal(true, answer.Rows[1].Typed == null && answer.Rows[1].Count == 2);
            Equal(Level.Number, answer.Rows[2].Level);
            AllEqual(new[] { Standing.Stacked, Standing.BelowThreshold, Standing.NoOwnFlag },
                answer.Rows.Skip(2).Select(row => row.Standing));
            Row[] rows = { Home };
            Question waiting = await desk.AskAsync(
                rows, By, request: "a-question-waiting", sweep: "verhuizing", numbers: true, numberOnly: true);
            Equal("a-question-waiting waiting", waiting.Request + " " + waiting.State);
            Equal(null, waiting.NotAccepted);
            Question refused = await desk.AnswersAsync("a-question-refused", By);
            Equal("not_accepted gap 0", refused.State + " " + refused.NotAccepted.Code + " " + refused.Rows.Count);
            Equal(QuestionState.Answered, (await desk.AskOwnAsync(By)).State);
            await Fails("not_asked", 404, () => desk.AnswersAsync("nobody-asked-this", By));
            await Fails("bad_request", 400, () => desk.AskOwnAsync(By, "short"));
        }

        private static async Task WhatIsLookedAt(Client desk)
        {
            NewsResult news = await desk.NewsAsync(By);
            AllEqual(new[] { Change.CountChanged, Change.NewlyStacked, Change.NoLongerStacked },
                news.News.Select(row => row.Change));
            Equal(true, news.News[0].Before.Count == 2 && news.News[0].Now.AtLeast == 3 && news.News[0].Typed == null);
            Equal(true, news.News[1].Before == null && news.News[1].Now.Count == 2);
            Equal("Kerkplein 5", news.News[1].Typed);
            Equal(true, news.News[2].Before.Count == null && news.News[2].Now == null);
            Equal(3, await desk.SeenAsync(news, By));
            DossierResult dossier = await desk.DossierAsync(Home, By);
            DossierEntry[] entries = dossier.Entries;
            AllEqual(new[] { "flagged", "renewed", "asked", "answered", "news_shown", "lead_written" },
                entries.Select(entry => entry.Event));
            Equal("1 j.jansen 2026-0117 local_user 1001", entries[0].Record + " " + entries[0].Actor + " "
                + entries[0].Case + " " + entries[0].Caller + " " + entries[0].Uid);
            Equal(true, entries[0].Time == Moment && entries[0].LastDay == new DateTime(2027, 5, 31));
            Equal("observed_again", entries[1].Reason);
            Equal("1 9 verhuizing", entries[2].Epoch + " " + entries[2].Number + " " + entries[2].Sweep);
            Equal(true, entries[2].LastDay == null && entries[2].Standing == null && entries[2].AsOf == null);
            Equal("stacked 3 7", entries[3].Standing + " " + entries[3].AtLeast + " " + entries[3].Release);
            Equal(true, entries[3].AsOf == Moment && entries[3].Actor == null && entries[4].Count == 2);
            Equal("2 3,5", string.Join(",", entries[5].Conversations) + " " + string.Join(",", entries[5].To));
            Equal(null, entries[4].To);
            Equal(6L, dossier.Pruned.Records);
            Equal(true, dossier.Pruned.From.Year == 2026 && dossier.Pruned.To == Moment);
            StatusResult status = await desk.StatusAsync();
            Equal("1 2 3 4 5 6 7 10 8 9", status.Partner + " " + status.PolicyVersion + " " + status.Flags + " "
                + status.Undelivered + " " + status.Waiting.Flags + " " + status.Waiting.Questions + " "
                + status.Waiting.Status + " " + status.Waiting.Talk + " " + status.JournalRecords + " "
                + status.Complaints);
            Equal(true, status.HasRegister && !status.CountsHouseNumbers && status.Sync.LastRun == Moment);
            Equal("waiting unreachable", status.Sync.State + " " + status.Sync.LastCode);
            Equal(null, status.Sync.LastDone);
            Due due = status.AfterHit;
            Equal("11 12 13 14 15 16 17 18", due.Unanswered + " " + due.Late + " " + due.UnreadNotes + " "
                + due.NotAtBroker + " " + due.NotesWaiting + " " + due.NotesDaySpent + " " + due.NotesTooManyWait + " "
                + due.Undecided);
            Equal(true, due.RowsSpent && due.UnansweredSince == new DateTime(2026, 11, 2) && due.AnswerBy == null);
            Equal(5, (await desk.FlagAsync(new Row[] { Home }, By, forward: true)).PutForward);
            Equal(null, (await desk.FlagAsync(new Row[] { Home }, By)).PutForward);
        }

        private static async Task WhatFailsHasItsCode(Client desk, string socket, int port)
        {
            ClientException error = await Fails("rows_refused", 422, () => desk.FlagAsync(new Row[] { "nowhere" }, By));
            AllEqual(new[] { "no_postcode" }, error.Rows.Select(row => row.Code));
            await Fails("case", 422, () => desk.NewsAsync(new Acting("", "2026-0117")));
            await Fails("bad_reply", 200, () => desk.NewsAsync(new Acting("another server", "2026-0117")));
            await Fails("bad_reply", 200, () => desk.DossierAsync(Home, new Acting("another calendar", "2026-0117")));
            await Fails("too_large", 0, () => desk.FlagAsync(new Row[] { new string('x', 17 * 1024 * 1024) }, By));
            using (Client nowhere = Client.Unix(socket + ".none", TimeSpan.Zero))
            {
                await Fails("unreachable", 0, () => nowhere.StatusAsync());
            }
            using (Client loopback = Client.Loopback(port, "token", timeout: TimeSpan.FromMinutes(2)))
            {
                Equal(1, (await loopback.StatusAsync()).Partner);
                Equal(1, (await loopback.FlagAsync(new Row[] { Home }, By)).Added);
            }
            using (Client loopback = Client.Loopback(port, "another"))
            {
                await Fails("unauthorized", 401, () => loopback.StatusAsync());
            }
        }

        private static async Task AQuestionThatFailedHasItsName(Client desk, string socket)
        {
            Row[] rows = { Home };
            using (Client nowhere = Client.Unix(socket + ".none", wait: TimeSpan.Zero))
            {
                Equal(36, (await Fails("unreachable", 0, () => nowhere.AskAsync(rows, By))).Request.Length);
                Equal(36, (await Fails("unreachable", 0, () => nowhere.AskOwnAsync(By))).Request.Length);
                Equal(null, (await Fails("unreachable", 0, () => nowhere.NewsAsync(By))).Request);
            }
            Acting nobody = new Acting("", "2026-0117");
            ClientException error = await Fails(
                "case", 422, () => desk.AskAsync(rows, nobody, request: "a-name-of-the-caller"));
            Equal("a-name-of-the-caller", error.Request);
        }

        private static async Task TheCallersActionIsSentWhereItIsInItsForm(Client desk, int port)
        {
            const string Action = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            using (Client loopback = Client.Loopback(port, "token"))
            {
                foreach (Client client in new[] { desk, loopback })
                {
                    Equal(Action, await Traced(client, Action));
                    Equal("by nobody", await Traced(client, null));
                    Equal("by nobody", await Traced(client, Action + "\r\nX: y"));
                }
            }
        }

        private static async Task<string> Traced(Client client, string action)
        {
            Acting by = new Acting("traced", "2026-0117", action);
            return (await Fails("traced", 409, () => client.NewsAsync(by))).Message;
        }

        private static async Task WhatALaterServerKnowsIsNoError(Client desk)
        {
            Acting later = new Acting("a later server", "2026-0117");
            Row[] home = { Home };
            RowResult[] rows = (await desk.FlagAsync(new Row[] { Home, "nowhere" }, later)).Rows;
            Equal("of_later of_later no_postcode", rows[0].Level + " " + rows[0].How + " " + rows[1].Refused.Code);
            Question question = await desk.AskAsync(home, later);
            AnswerRow row = question.Answers[0].Rows[3];
            Equal("of_later of_later of_later of later",
                question.State + " " + row.Level + " " + row.Standing + " " + row.InWords());
            AllEqual(new[] { "of_later", "of_later", "of_later" },
                (await desk.NewsAsync(later)).News.Select(one => one.Change));
            DossierEntry entry = (await desk.DossierAsync(Home, later)).Entries[3];
            Equal("of_later of_later of_later", entry.Event + " " + entry.Level + " " + entry.Standing);
            await Fails("rows_refused", 422, () => desk.FlagAsync(new Row[] { "nowhere" }, later));
        }

        private static async Task WhatComesAfterAHit(Client desk)
        {
            string found = await desk.AfterHitAsync("conversations", By, "{\"conversation\": 3}");
            Equal("{\"conversations\": [{\"conversation\": 3, \"typed\": \"Molenstraat 12-A, \\u00e9\"}]}", found);
            Equal("{\"news\": [], \"given\": {}}", await desk.AfterHitAsync("news", By));
            await Fails("no_conversation", 409,
                () => desk.AfterHitAsync("conversations", By, " { \"conversation\": 7 } "));
            try
            {
                await desk.AfterHitAsync("news", By, "[]");
                Equal("refused", "went through");
            }
            catch (ArgumentException)
            {
                // It is no object.
            }
        }

        /// <summary>Prints what there is, for ../clients/names.</summary>
        private static void Names()
        {
            const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly;
            foreach (Type one in typeof(Client).Assembly.GetExportedTypes())
            {
                IEnumerable<string> told = one.GetProperties(Own).Select(property => property.Name);
                if (one == typeof(Client))
                {
                    told = one.GetMethods(Own).Select(method => method.Name).Where(name => name.EndsWith("Async"))
                        .Select(name => name.Substring(0, name.Length - "Async".Length));
                }
                else if (one.IsAbstract)
                {
                    told = one.GetFields().Select(constant => (string)constant.GetValue(null));
                }
                else if (one == typeof(AddressFields) || one == typeof(Row))
                {
                    continue;
                }
                told = told.Select(name => Regex.Replace(name, "(?<=[a-z])[A-Z]", "_$0").ToLowerInvariant());
                Console.Out.Write(one.Name.Replace("Exception", "Error") + ": "
                    + string.Join(" ", told.OrderBy(name => name, StringComparer.Ordinal)) + "\n");
            }
        }

        private static async Task<ClientException> Fails(string code, int status, Func<Task> call)
        {
            try
            {
                await call();
            }
            catch (ClientException error)
            {
                Equal(code + " " + status, error.Code + " " + error.Status);
                Equal(false, error.Message.Length == 0);
                return error;
            }
            throw new Exception("went through: " + code + " was to come");
        }

        private static void Equal(object expected, object found)
        {
            if (!object.Equals(expected, found))
            {
                throw new Exception("expected " + expected + ", found " + found);
            }
        }

        private static void AllEqual<T>(IEnumerable<T> expected, IEnumerable<T> found)
        {
            Equal(string.Join("; ", expected), string.Join("; ", found));
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using StapelClient;

namespace ClientTests
{
    /// <summary>What the example does not show, on ../clients/stub. Its arguments are the stub's socket and
    /// port.</summary>
    internal static class ClientTests
    {
        private const string Home = "9999XA|12|A";
        private static readonly Case By = new Case("j.jansen", "2026-0117");
        private static readonly DateTimeOffset Moment = new DateTimeOffset(2026, 12, 1, 9, 0, 0, TimeSpan.Zero);

        private static void Main(string[] arguments)
        {
            using (Client desk = Client.Unix(arguments[0]))
            {
                WhatIsFlaggedAndWithdrawn(desk).GetAwaiter().GetResult();
                WhatIsAsked(desk).GetAwaiter().GetResult();
                WhatIsLookedAt(desk).GetAwaiter().GetResult();
                WhatFailsHasItsCode(desk, arguments[0], int.Parse(arguments[1])).GetAwaiter().GetResult();
            }
        }

        private static async Task WhatIsFlaggedAndWithdrawn(Client desk)
        {
            Row[] rows =
            {
                Home, "nowhere", "x|number", Row.BagId("0363010012345678"), Row.Address(Home), Row.Fields("1"),
            };
            Flagged flagged = await desk.FlagAsync(rows, By, new DateTime(2027, 3, 31));
            Equal("5 2 3 1 4 1", flagged.Added + " " + flagged.Changed + " " + flagged.Unchanged + " " + flagged.Lapsed
                + " " + flagged.Repeated + " " + flagged.Refused);
            AllEqual(new[] { Home, null, "9999XA|12", "0363010012345678", Home, "1" },
                flagged.Rows.Select(row => row.Address));
            AllEqual(new[] { "read", null, "read", "bag_id", "address", "number" },
                flagged.Rows.Select(row => row.How));
            AllEqual(new Level?[] { Level.Unit, null, Level.Number, Level.Unit, Level.Unit, Level.Unit },
                flagged.Rows.Select(row => row.Level));
            Refusal refusal = flagged.Rows[1].Refused;
            Equal("no_postcode line as it is", refusal.Code + " " + refusal.Field + " " + refusal.Message);
            Equal("x", flagged.Rows[2].OnlyNumber.Code);
            Equal(new DateTime(2027, 3, 31), flagged.Rows[0].LastDay);
            Equal(true, flagged.Rows[1].LastDay == null && flagged.Rows[0].Refused == null && !flagged.Rows[0].Lapsed);
            Row fields = Row.Fields("1", "1012JS", "A", "2", "Dam", "Amsterdam");
            string sent = (await desk.FlagAsync(new[] { fields }, By)).Rows[0].Address;
            AllEqual(new[] { "1", "1012JS", "2", "A", "Amsterdam", "Dam" },
                sent.Split('|').OrderBy(part => part, StringComparer.Ordinal));
            Flagged renewed = await desk.FlagAsync(new Row[] { Home, Home }, By, null, "observed_again", true);
            Equal(true, renewed.Added == 0 && renewed.Rows[1].Lapsed && renewed.Rows[1].LastDay == null);
            Withdrawn withdrawn = await desk.WithdrawAsync(new Row[] { Home, Home }, By);
            Equal("1 2 3 0", withdrawn.Count + " " + withdrawn.Unchanged + " " + withdrawn.Repeated + " "
                + withdrawn.Refused);
            AllEqual(new[] { true, false }, withdrawn.Rows.Select(row => row.WasFlagged));
            AllEqual(new[] { "9999XA|12" }, withdrawn.Rows[0].Stay);
            Equal(0, flagged.Rows[0].Stay.Count);
        }

        private static async Task WhatIsAsked(Client desk)
        {
            Question question = await desk.AskAsync(new Row[] { Home, "nowhere" }, By);
            Equal(36, question.Request.Length);
            Equal("Answered 1 1", question.State + " " + question.Repeated + " " + question.Refused);
            Equal("no_postcode", question.Rows[1].Refused.Code);
            Answer answer = question.Answers.Single();
            Equal("1 7 4 3", answer.Epoch + " " + answer.Release + " " + answer.Organisations + " " + answer.Fresh);
            Equal(true, answer.AsOf == Moment && answer.Until == Moment);
            AllEqual(new[] { "stacked at least 3", "stacked 2", "stacked", "below threshold", "no own flag" },
                answer.Rows.Select(row => row.ToString()));
            Standing first = answer.Rows[0];
            Equal(Home + " Molenstraat 12-A, é", first.Address + " " + first.Typed);
            Equal(true, first.Level == Level.Unit && first.Count == null && first.AtLeast == 3);
            Equal(true, answer.Rows[1].Typed == null && answer.Rows[1].Count == 2);
            Equal(Level.Number, answer.Rows[2].Level);
            AllEqual(new[] { StandingKind.Stacked, StandingKind.BelowThreshold, StandingKind.NoOwnFlag },
                answer.Rows.Skip(2).Select(row => row.Kind));
            Row[] rows = { Home };
            Question waiting = await desk.AskAsync(rows, By, "a-question-waiting", "verhuizing", true, true);
            Equal("a-question-waiting Waiting", waiting.Request + " " + waiting.State);
            Equal(null, waiting.NotAccepted);
            Question refused = await desk.AnswersAsync("a-question-refused", By);
            Equal("NotAccepted gap 0", refused.State + " " + refused.NotAccepted + " " + refused.Rows.Count);
            Equal(QuestionState.Answered, (await desk.AskOwnAsync(By)).State);
            await Fails("not_found", 404, () => desk.AnswersAsync("nobody-asked-this", By));
            await Fails("bad_request", 400, () => desk.AskOwnAsync(By, "short"));
        }

        private static async Task WhatIsLookedAt(Client desk)
        {
            News news = await desk.NewsAsync(By);
            AllEqual(new[] { Change.CountChanged, Change.NewlyStacked, Change.NoLongerStacked },
                news.Rows.Select(row => row.Change));
            Equal(true, news.Rows[0].Before.Count == 2 && news.Rows[0].Now.AtLeast == 3 && news.Rows[0].Typed == null);
            Equal(true, news.Rows[1].Before == null && news.Rows[1].Now.Count == 2);
            Equal("Kerkplein 5", news.Rows[1].Typed);
            Equal(true, news.Rows[2].Before.Count == null && news.Rows[2].Now == null);
            Equal(3, await desk.SeenAsync(news, By));
            Dossier dossier = await desk.DossierAsync(Home, By);
            DossierEntry[] entries = dossier.Entries;
            AllEqual(new[] { "flagged", "renewed", "asked", "answered", "news_shown" },
                entries.Select(entry => entry.Event));
            Equal("1 j.jansen 2026-0117 local_user 1001", entries[0].Record + " " + entries[0].Actor + " "
                + entries[0].Reference + " " + entries[0].Caller + " " + entries[0].Uid);
            Equal(true, entries[0].Time == Moment && entries[0].LastDay == new DateTime(2027, 5, 31));
            Equal("observed_again", entries[1].Reason);
            Equal("1 9 verhuizing", entries[2].Epoch + " " + entries[2].Number + " " + entries[2].Sweep);
            Equal(true, entries[2].LastDay == null && entries[2].Standing == null && entries[2].AsOf == null);
            Equal("Stacked 3 7", entries[3].Standing + " " + entries[3].AtLeast + " " + entries[3].Release);
            Equal(true, entries[3].AsOf == Moment && entries[3].Actor == null && entries[4].Count == 2);
            Equal(6L, dossier.Pruned.Records);
            Equal(true, dossier.Pruned.From.Year == 2026 && dossier.Pruned.To == Moment);
            Status status = await desk.StatusAsync();
            Equal("1 2 3 4 5 6 7 8 9", status.Partner + " " + status.PolicyVersion + " " + status.Flags + " "
                + status.Undelivered + " " + status.Waiting.Flags + " " + status.Waiting.Questions + " "
                + status.Waiting.Status + " " + status.JournalRecords + " " + status.Complaints);
            Equal(true, status.HasRegister && !status.CountsHouseNumbers && status.Sync.LastRun == Moment);
            Equal("waiting unreachable", status.Sync.State + " " + status.Sync.LastCode);
            Equal(null, status.Sync.LastDone);
        }

        private static async Task WhatFailsHasItsCode(Client desk, string socket, int port)
        {
            ClientException error = await Fails("rows_refused", 422, () => desk.FlagAsync(new Row[] { "nowhere" }, By));
            AllEqual(new[] { "no_postcode" }, error.Rows.Select(row => row.Code));
            await Fails("case", 422, () => desk.NewsAsync(new Case("", "2026-0117")));
            await Fails("bad_reply", 200, () => desk.NewsAsync(new Case("another server", "2026-0117")));
            await Fails("too_large", 0, () => desk.FlagAsync(new Row[] { new string('x', 17 * 1024 * 1024) }, By));
            using (Client nowhere = Client.Unix(socket + ".none", TimeSpan.Zero))
            {
                await Fails("unreachable", 0, () => nowhere.StatusAsync());
            }
            using (Client loopback = Client.Loopback(port, "token"))
            {
                Equal(1, (await loopback.StatusAsync()).Partner);
                Equal(1, (await loopback.FlagAsync(new Row[] { Home }, By)).Added);
            }
            using (Client loopback = Client.Loopback(port, "another"))
            {
                await Fails("unauthorized", 401, () => loopback.StatusAsync());
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

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Linq;
using System.Threading.Tasks;
using StapelClient;

namespace Desk
{
    /// <summary>What a program at a desk does through <c>stapel partner serve</c>: flags addresses, asks, looks, and
    /// withdraws them. Its arguments are the server's socket and the addresses.</summary>
    internal static class Program
    {
        private static int Main(string[] arguments)
        {
            if (arguments.Length < 2)
            {
                Console.Error.WriteLine("usage: Desk SOCKET ADDRESS...");
                return 2;
            }
            try
            {
                Row[] rows = arguments.Skip(1).Select(Row.Text).ToArray();
                using (Client desk = Client.Unix(arguments[0]))
                {
                    AtDesk(desk, rows).GetAwaiter().GetResult();
                }
                return 0;
            }
            catch (ClientException error)
            {
                Console.Error.WriteLine(error.Code + ": " + error.Message);
                return 1;
            }
        }

        private static async Task AtDesk(Client desk, Row[] rows)
        {
            Acting by = new Acting("example", "examples");

            FlagResult flagged = await desk.FlagAsync(rows, by);
            Say("flagged " + flagged.Added + ", refused " + flagged.Refused);
            foreach (RowResult row in flagged.Rows)
            {
                Say(row.Address ?? "refused " + row.Refused.Code);
            }

            // Where the broker was not asked yet, AnswersAsync has the answer after the server's next sync.
            Question question = await desk.AskAsync(rows, by);
            Say("question " + question.State);
            foreach (Answer answer in (await desk.AnswersAsync(question.Request, by)).Answers)
            {
                Say("organisations " + answer.Organisations + ", fresh " + answer.Fresh);
                foreach (AnswerRow row in answer.Rows)
                {
                    Say(row.Address + "\t" + row.InWords());
                }
            }

            NewsResult news = await desk.NewsAsync(by);
            foreach (NewsRow row in news.News)
            {
                Say("news " + row.Address);
            }
            Say("seen " + await desk.SeenAsync(news, by));
            foreach (DossierEntry entry in (await desk.DossierAsync(rows[0], by)).Entries)
            {
                Say(entry.Event + "\t" + (entry.Actor ?? "-"));
            }
            Say("withdrawn " + (await desk.WithdrawAsync(rows, by)).Withdrawn);
            Say("flags " + (await desk.StatusAsync()).Flags);
        }

        private static void Say(string line)
        {
            Console.Out.Write(line + "\n");
        }
    }
}

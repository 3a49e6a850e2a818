// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;

namespace Stapel.Tests
{
    /// <summary>Tests on a sandbox that nothing else uses, in order: each begins where the one before it
    /// ended.</summary>
    internal static class Tests
    {
        private static readonly Case By = new Case("tester é", "zaak-1");
        private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

        private static string partnerFolder;
        private static string brokerFolder;
        private static string keysFolder;
        private static string sandbox;

        private static int Main(string[] arguments)
        {
            if (arguments.Length != 1)
            {
                Console.Error.WriteLine("usage: test SANDBOX_DIR");
                return 2;
            }
            sandbox = arguments[0];
            partnerFolder = Path.Combine(sandbox, "partner");
            brokerFolder = Path.Combine(sandbox, "broker");
            keysFolder = Path.Combine(brokerFolder, "keys");
            Action[] tests =
            {
                TheLibraryIsTheOne, OneAddressIsRead, TheNumberOfARefusedHome, ARegisterCompletes,
                ARegisterHasANumberOfARefusedHome, ARegisterIsLookedAt,
                RowsAreReadAndRefused, OddTextsAreRowsLikeOthers, ManyRowsCrossInOneCall,
                AFirstQuestionGivesAHit, ADeliveryIsResentUntilItsReplyIsRead, FlagsComeAndGo, RejectionsAreReplies,
                ErrorsHaveTheirCodes, FoldersAreMade, DisposingTwiceIsHarmless, WhatWasDisposedOfIsRefused,
                OnePartnerServesFourThreads, DisposingWhileOthersUseItIsSafe, AConversationAfterAHit,
                TotalsAreTold, WhatIsLostIsFreed,
            };
            foreach (Action test in tests)
            {
                Stopwatch watch = Stopwatch.StartNew();
                try
                {
                    test();
                }
                catch (Exception error)
                {
                    Console.WriteLine("FAILED: " + test.Method.Name + ": " + error);
                    return 1;
                }
                Console.WriteLine("ok: " + test.Method.Name + " (" + watch.ElapsedMilliseconds + " ms)");
            }
            return 0;
        }

        private static void TheLibraryIsTheOne()
        {
            Equal(1L, StapelLibrary.AbiVersion);
            That(StapelLibrary.Version.Split('.').Length == 3, StapelLibrary.Version);
            Equal("ok", StapelLibrary.CodeOf(0));
            Equal("folder_in_use", StapelLibrary.CodeOf(120));
            Equal("unknown", StapelLibrary.CodeOf(int.MinValue));
        }

        private static void OneAddressIsRead()
        {
            Address address = Address.FromText("Dam 1-a, 1012 JS Amsterdam");
            Equal("1012JS|1|A", address.Unit);
            Equal("1012JS|1", address.Number);
            Equal("1012JS|1|A", Address.FromFields(new AddressFields("1012 js", "1", "A", null)).Unit);
            StapelException error = Throws<StapelException>(() => Address.FromText("Dam, 1012 JS Amsterdam"));
            Equal("no_number", error.Code);
            Equal(210, error.Status);
            That(error.Message.Length > 20, error.Message);
            Equal("no_postcode", Throws<StapelException>(() => Address.FromFields(new AddressFields())).Code);
            Throws<ArgumentNullException>(() => Address.FromText(null));
        }

        private static void TheNumberOfARefusedHome()
        {
            Equal("1012JS|1",
                Throws<StapelException>(() => Address.FromText("Dam 1, 2e verdieping, 1012 JS")).Number);
            Equal("1012JS|1", Throws<StapelException>(
                () => Address.FromFields(new AddressFields("1012JS", "1", "AB", null))).Number);
            Equal(null, Throws<StapelException>(() => Address.FromText("Dam 1")).Number);
            string[] texts = { "Dam 1, 2e verdieping, 1012 JS", "Dam 1", "Dam 1-a, 1012 JS" };
            using (Addresses rows = Addresses.FromTexts(texts))
            using (Addresses numbers = rows.Numbers())
            {
                Equal("1012JS|1,,1012JS|1", string.Join(",", rows.Select(row => row.Number)));
                Equal("1012JS|1,,1012JS|1", string.Join(",", numbers.Select(row => row.Number)));
                using (Addresses alone = rows.RefusedNumbers())
                {
                    using (Addresses picked = rows.Pick(2, 0))
                    using (Addresses none = rows.Pick())
                    {
                        Equal("1012JS|1|A,", string.Join(",", picked.CanonicalForms()));
                        Equal(texts[2], picked[0].Typed);
                        Equal(0, none.Count);
                    }
                    Throws<ArgumentOutOfRangeException>(() => rows.Pick(3));
                    AddressRow one = alone.Single();
                    Equal("1012JS|1 Number None", one.Canonical + " " + one.Level + " " + one.How);
                    Equal(texts[0], one.Typed);
                }
            }
        }

        private static void ARegisterCompletes()
        {
            using (Register register = Register.Open(Path.Combine(sandbox, "bag.stapel")))
            {
                Action<string, string, How> found = (text, unit, how) =>
                {
                    Address address = Address.FromText(text, register);
                    Equal(unit, address.Unit);
                    Equal(how, address.How);
                };
                found("Kerkplein 5, 9999 XB", "9999XB|5|", How.Registered);
                found("9999200000000001", "9999XA|12|A", How.ById);
                found("Kerkplein 5, Voorbeeldstad", "9999XB|5|", How.Completed);
                found("Kotter 38-2, 9999 XG", "9999XG|2|", How.Street);
                found("Havenweg 105-hs, 9999 XC", "9999XC|105|H", How.OtherSpelling);
                found("Kerkplein 99, 9999 XB", "9999XB|99|", How.Unregistered);
                found("Kerkplein 7, 9999 XB", "9999XB|7|", How.Withdrawn);
                Equal(How.None, Address.FromText("Kerkplein 5, 9999 XB").How);
                AddressFields garage = new AddressFields(null, "16", null, "g1", "Lindelaan", "Voorbeeldstad");
                Equal("9999200000000014", Address.FromFields(garage, register).Unit);
                Equal(null, Address.FromFields(garage, register).Number);
                Equal("no_postcode", Throws<StapelException>(() => Address.FromFields(garage)).Code);
                Action<string, string> refused = (text, code) =>
                    Equal(code, Throws<StapelException>(() => Address.FromText(text, register)).Code);
                refused("9999200000000099", "bag_id_unknown");
                refused("9999200000000005", "bag_id_withdrawn");
                refused("Kerkplein 99, Voorbeeldstad", "not_in_register");
                refused("Dorpsstraat 3, Voorbeeldstad", "several_in_register");

                string[] references = { "Z-1", "Z-2", "Z-3" };
                string[] texts = { "Kerkplein 5, Voorbeeldstad", "Dorpsstraat 3, Voorbeeldstad",
                    "Kerkplein 99, 9999 XB" };
                AddressFields[] fields = { new AddressFields(null, "5", null, null, "Kerkplein", "Voorbeeldstad"),
                    new AddressFields(null, "3", null, null, "Dorpsstraat", "Voorbeeldstad"),
                    new AddressFields("9999XB", "99", null, null) };
                Addresses ofTexts = Addresses.FromTexts(texts, references, register);
                Addresses ofFields = Addresses.FromFields(fields, references, register);
                foreach (Addresses rows in new[] { ofTexts, ofFields })
                {
                    Equal("9999XB|5|,,9999XB|99|", string.Join(",", rows.Select(row => row.Canonical)));
                    Equal("Completed,None,Unregistered", string.Join(",", rows.Select(row => row.How)));
                    Equal("9999XB|5,,9999XB|99", string.Join(",", rows.Select(row => row.Number)));
                    Equal("Kerkplein 5 Voorbeeldstad", rows[0].Typed.Replace(",", ""));
                    AddressRow one = rows.Refused.Single();
                    Equal("several_in_register line Z-2", one.Code + " " + one.Field + " " + one.Reference);
                    HowCounts counts = rows.HowCounts;
                    Equal(1, counts.Completed);
                    Equal(1, counts.Unregistered);
                    Equal(0, counts.Registered + counts.ById + counts.Street + counts.OtherSpelling + counts.Withdrawn);
                    rows.Dispose();
                }
                using (Addresses rows = Addresses.FromFields(fields, references))
                {
                    Equal("no_postcode,no_postcode,ok", string.Join(",", rows.Select(row => row.Code)));
                    Equal(0, rows.HowCounts.Completed + rows.HowCounts.Unregistered);
                }
            }
        }

        private static void ARegisterHasANumberOfARefusedHome()
        {
            string[] texts = { "Kerkplein 5, 2e verdieping, 9999 XB", "Kerkplein 99, 2e verdieping, 9999 XB" };
            using (Register register = Register.Open(Path.Combine(sandbox, "bag.stapel")))
            using (Addresses rows = Addresses.FromTexts(texts, new[] { "Z-1", "Z-2" }, register))
            using (Addresses alone = rows.RefusedNumbers())
            {
                AddressRow one = alone.Single();
                Equal("9999XB|5 Number Registered Z-1",
                    string.Join(" ", one.Canonical, one.Level, one.How, one.Reference));
            }
        }

        private static void ARegisterIsLookedAt()
        {
            Register register = Register.Open(Path.Combine(sandbox, "bag.stapel"));
            Equal(19, register.Count);
            Equal(1, register.WithdrawnCount);
            That(Math.Abs((register.SourceDay - DateTime.UtcNow).TotalDays) < 2, register.SourceDay.ToString());
            Findings found = register.LookUp("9999XB|7|");
            Equal("9999XB|5|", found.Now);
            RegisterEntry entry = found.Entries.Single();
            Equal("9999XB|7| Kerkplein 7 9999XB Voorbeeldstad", entry.Canonical + " " + entry.Street + " "
                + entry.Number + entry.Letter + entry.Addition + " " + entry.Postcode + " " + entry.Town);
            Equal("9999200000000005 9999010000000004 9999100000000001",
                entry.Id + " " + entry.Object + " " + entry.Building);
            That(entry.Latitude == 53.25 && entry.Longitude == 4.5, "it is elsewhere");
            That(entry.IsWithdrawn && !entry.IsSecondary, "it was withdrawn");
            That(register.LookUp("9999XB|9|").Entries.Single().IsSecondary, "it is a second address");
            entry = register.LookUp("9999200000000014").Entries.Single();
            That(entry.Latitude == null && entry.Longitude == null && entry.Postcode == "", "a garage box");
            Equal("G1", entry.Addition);
            Equal(0, register.LookUp("9999XB|99|").Entries.Count);
            Equal(null, register.LookUp("9999XB|99|").Now);
            Equal("not_canonical", Throws<StapelException>(() => register.LookUp("Kerkplein 5, 9999 XB")).Code);
            Throws<ArgumentNullException>(() => register.LookUp(null));
            using (Addresses rows = Addresses.FromTexts(new[] { "Kerkplein 5, Voorbeeldstad" }, null, register))
            {
                register.Dispose();
                register.Dispose();
                Equal("9999XB|5|", rows[0].Canonical);
            }
            Throws<ObjectDisposedException>(() => register.LookUp("9999XB|7|"));
            Throws<ObjectDisposedException>(() => Address.FromText("9999XB|7|", register));
            Throws<ObjectDisposedException>(() => Addresses.FromTexts(new[] { "9999XB|7|" }, null, register));
            Equal("register",
                Throws<StapelException>(() => Register.Open(Path.Combine(sandbox, "policy.toml"))).Code);
            Equal("io", Throws<StapelException>(() => Register.Open(Path.Combine(sandbox, "geen.stapel"))).Code);
            Throws<ArgumentNullException>(() => Register.Open(null));
        }

        private static void RowsAreReadAndRefused()
        {
            string[] texts = { "Dam 1, 1012 JS", "Lindelaan 10 t/m 14, 9999 XD", null, "Dam 1, 1012JS" };
            string[] references = { "Z-é-€-\U0001F600", "Z-2", null, "Z-4" };
            using (Addresses rows = Addresses.FromTexts(texts, references))
            {
                Equal(4, rows.Count);
                Equal(2, rows.RefusedCount);
                Equal("Z-é-€-\U0001F600", rows[0].Reference);
                Equal("1012JS|1|", rows[0].Canonical);
                Equal("Dam 1, 1012 JS", rows[0].Typed);
                Equal(Level.Unit, rows[0].Level);
                That(!rows[0].IsRefused && rows[0].Field == null && rows[0].Message == null, "row 0 was refused");
                // Nothing prints what people wrote.
                Equal("Stapel.AddressRow", rows[0].ToString());
                AddressRow[] refused = rows.Refused.ToArray();
                Equal(2, refused.Length);
                Equal(1, refused[0].Row);
                Equal("Z-2", refused[0].Reference);
                Equal(null, refused[0].Typed);
                Equal("range_unclear", refused[0].Code);
                Equal("huisnummer", refused[0].Field);
                Equal(Level.None, refused[0].Level);
                That(refused[0].Canonical == null && refused[0].Message.Length > 20, refused[0].Message);
                Equal("empty", refused[1].Code);
                Equal("", refused[1].Reference);
                Equal("0,1,2,3", string.Join(",", rows.Select(row => row.Row)));
                Equal("1012JS|1|,,,1012JS|1|", string.Join(",", rows.CanonicalForms()));
                using (Addresses numbers = rows.Numbers())
                {
                    Equal("1012JS|1", numbers[3].Canonical);
                    Equal(Level.Number, numbers[3].Level);
                    Equal("Z-2", numbers.Refused.First().Reference);
                }
                Throws<ArgumentOutOfRangeException>(() => rows[4].ToString());
                Throws<ArgumentOutOfRangeException>(() => rows[-1].ToString());
            }
            AddressFields[] fields = { new AddressFields("1012JS", "1", "a", "2"),
                new AddressFields("1012JS", "0", "", "") };
            using (Addresses rows = Addresses.FromFields(fields))
            {
                That(rows[0].Reference == null, "a reference from nowhere");
                Equal("1012JS|1|A2", rows[0].Canonical);
                Equal("number_zero", rows[1].Code);
                Equal("huisnummer", rows[1].Field);
            }
        }

        private static void OddTextsAreRowsLikeOthers()
        {
            using (Addresses none = Addresses.FromTexts(new string[0], new string[0]))
            {
                Equal(0, none.Count);
                Equal(0, none.CanonicalForms().Length + none.Count());
            }
            // Half a surrogate pair; a NUL, which is as a space and ends nothing; and far too long.
            string[] texts = { "Dam 1\uD83D, 1012 JS", "Dam 1\0, 1012 JS", new string('a', 100000), "1012JS|1|" };
            using (Addresses rows = Addresses.FromTexts(texts))
            {
                Equal("character,ok,too_long,ok", string.Join(",", rows.Select(row => row.Code)));
            }
            Throws<ArgumentException>(() => Addresses.FromTexts(new[] { "1012JS|1|" }, new[] { "\uDE00" }));
            Throws<ArgumentException>(() => Addresses.FromTexts(new[] { "1012JS|1|" }, new string[0]));
            Throws<ArgumentNullException>(() => Addresses.FromTexts(null));
            Throws<ArgumentNullException>(() => Addresses.FromFields(null));
        }

        private static void ManyRowsCrossInOneCall()
        {
            const int Rows = 100000;
            string[] texts = new string[Rows];
            string[] references = new string[Rows];
            AddressFields[] fields = new AddressFields[Rows];
            for (int row = 0; row < Rows; row++)
            {
                int number = row % 1000 + 1;
                string postcode = 1000 + row / 1000 + "AB";
                texts[row] = row % 1000 == 999 ? "geen adres" : "Straat " + number + ", " + postcode + " Plaats";
                references[row] = "R" + row;
                fields[row] = new AddressFields(postcode, number.ToString(), "", "");
            }
            using (Addresses fromTexts = Addresses.FromTexts(texts, references))
            using (Addresses fromFields = Addresses.FromFields(fields))
            {
                Equal(Rows, fromTexts.Count);
                Equal(100, fromTexts.RefusedCount);
                Equal(0, fromFields.RefusedCount);
                That(fromTexts.Refused.All(row => row.Reference == "R" + row.Row && row.Row % 1000 == 999),
                    "refused rows");
                string[] forms = fromTexts.CanonicalForms();
                string[] others = fromFields.CanonicalForms();
                for (int row = 0; row < Rows; row++)
                {
                    That(forms[row] == (row % 1000 == 999 ? null : others[row]), "row " + row);
                }
                That(fromTexts.All(row => row.Reference == references[row.Row] && row.Canonical == forms[row.Row]),
                    "enumerated rows");
                using (Partner partner = Partner.Open(partnerFolder))
                using (Broker broker = OpenBroker())
                {
                    Standing[] standings = new Standing[Rows];
                    foreach (Answer answer in Carry(partner.Ask(fromTexts, By, Now), partner, broker).Cast<Answer>())
                    {
                        answer.FillStandings(fromTexts, standings);
                        answer.Dispose();
                    }
                    for (int row = 0; row < Rows; row++)
                    {
                        Equal(row % 1000 == 999 ? StandingKind.Refused : StandingKind.NoOwnFlag, standings[row].Kind);
                    }
                }
            }
        }

        private static void AFirstQuestionGivesAHit()
        {
            using (Addresses rows = Sandbox())
            using (Partner partner = Partner.Open(partnerFolder))
            using (Broker broker = OpenBroker())
            {
                Equal(1, partner.Number);
                Changed changed = partner.Flag(rows, By, Now);
                Equal("7 0 0 0 1", string.Join(
                    " ", changed.Added, changed.Altered, changed.Withdrawn, changed.Unchanged, changed.Refused));
                Receipt receipt = (Receipt)Carry(partner.Deliver(Now), partner, broker).Single();
                // The homes, and the house numbers that they are in.
                Equal(14L, receipt.Added);
                Equal(14L, receipt.Held);
                Equal(32, receipt.Log.Leaf.Length);
                That(receipt.Log.Leaf.Any(octet => octet != 0), "the receipt names no line of the log");

                Answer answer = (Answer)Carry(partner.Ask(rows, By, Now), partner, broker).Single();
                using (answer)
                {
                    Equal("tester é", answer.Actor);
                    Equal("zaak-1", answer.Reference);
                    Equal(4, answer.Organisations);
                    Equal(4, answer.Fresh);
                    Equal(7, answer.Count);
                    Equal(1L, answer.Epoch);
                    That(Math.Abs((answer.AsOf - Now).TotalMinutes) < 10, answer.AsOf.ToString());
                    That(answer.Until >= answer.AsOf, answer.Until.ToString());
                    Standing[] standings = answer.Standings(rows);
                    Equal(
                        "AtLeast 3,AtLeast 3,Count 2,Count 2,AtLeast 3,BelowThreshold,BelowThreshold,Refused",
                        string.Join(",", standings));
                    That(standings[0].IsStacked && !standings[5].IsStacked && !standings[7].IsStacked, "IsStacked");
                    Equal(
                        string.Join(",", rows.CanonicalForms().Take(7)),
                            string.Join(",", answer.Select(row => row.Canonical)));
                    That(rows[2].Typed.Contains("Kerkplein"), rows[2].Typed);
                    Equal(rows[2].Typed, answer[2].Typed);
                    That(answer[2].Level == Level.Unit && answer[2].Standing.Equals(standings[2]),
                        "row 2 of the answer");
                    Throws<ArgumentOutOfRangeException>(() => answer[7].ToString());
                    StapelException error = Throws<StapelException>(() => answer.FillStandings(rows, new Standing[7]));
                    Equal("invalid_argument", error.Code);
                }
                IReadOnlyList<Change> news = partner.News();
                Equal(5, news.Count);
                Equal("9999XA|12|A", news[0].Canonical);
                Equal(rows[0].Typed, news[0].Typed);
                Equal(ChangeKind.NewlyStacked, news[0].Kind);
                Equal(Level.Unit, news[0].Level);
                Equal(StandingKind.None, news[0].Before.Kind);
                Equal(new Standing(StandingKind.AtLeast, 3), news[0].Now);
                Equal(0, partner.News().Count);

                Position position = (Position)Carry(partner.Status(Now), partner, broker).Single();
                Equal(14L, position.Held);
                That(position.AcceptedState > 0 && position.HighestState >= position.AcceptedState, "state numbers");
                That(position.HighestQuestion > 0 && position.NewFlagsLeft > 0 && position.AskedLeftToday > 0,
                    "budgets");
                That(!position.FullSetRequired && position.Complaint == null && position.ComplaintCode == null,
                    "complaint");
                That(position.Log.Index > receipt.Log.Index && position.Log.Leaf.Any(octet => octet != 0),
                    "the line of the log");
                That(broker.Status().StartsWith("{") && broker.Status().Contains("\"held\":14"), broker.Status());
                That(broker.Release(Now).StartsWith("["), "releases");
            }
        }

        private static void ADeliveryIsResentUntilItsReplyIsRead()
        {
            using (Addresses home = Addresses.FromTexts(new[] { "1111AA|1|" }))
            using (Partner partner = Partner.Open(partnerFolder))
            using (Broker broker = OpenBroker())
            {
                Equal(0, partner.Deliver(Now).Count);
                partner.Flag(home, By, Now);
                Equal(1L, partner.Undelivered);
                byte[] message = partner.Deliver(Now).Single();
                Equal(0L, partner.Undelivered);
                That(message.SequenceEqual(partner.Deliver(Now).Single()), "another message");
                That(message.SequenceEqual(partner.InFlight().Single()), "another message in flight");
                byte[] reply = broker.Handle(message, Now);
                That(reply.SequenceEqual(broker.Handle(message, Now)), "another reply");
                Equal(ReplyKind.Receipt, partner.Read(reply, Now).Kind);
                Equal(0, partner.InFlight().Count);
                Equal(2L, ((Receipt)partner.Read(reply, Now)).Added);
                Equal(ReplyKind.Receipt, Carry(partner.Confirm(Now), partner, broker).Single().Kind);

                partner.Withdraw(home, By, Now);
                message = partner.Deliver(Now).Single();
                partner.GiveUp(message, Now);
                Equal("unexpected_reply", Throws<StapelException>(() => partner.GiveUp(message, Now)).Code);
                Equal(2L, ((Receipt)Carry(partner.Deliver(Now), partner, broker).Single()).Withdrawn);
            }
        }

        private static void FlagsComeAndGo()
        {
            using (Addresses rows = Sandbox())
            using (Addresses two = Addresses.FromTexts(new[] { "2222BB|1|", "2222BB|1|B" }))
            using (Addresses numbers = two.Numbers())
            using (Partner partner = Partner.Open(partnerFolder))
            using (Broker broker = OpenBroker())
            {
                DateTime monthEnd = new DateTime(Now.Year, Now.Month, 1).AddMonths(2).AddDays(-1);
                Equal(2L, partner.FlagUntil(two, monthEnd, By, Now).Added);
                Equal(2L, partner.FlagUntil(two, monthEnd.AddDays(1).AddMonths(1).AddDays(-1), By, Now).Altered);
                Equal("last_day",
                    Throws<StapelException>(() => partner.FlagUntil(two, monthEnd.AddDays(-1), By, Now)).Code);
                Equal(1L, partner.Flag(numbers, By, Now).Added);
                Equal(1L, partner.Withdraw(numbers, By, Now).Withdrawn);
                Equal(2L, partner.Flag(two, By, Now).Unchanged);
                Equal(2L, partner.Renew(two, "being_acted_on", By, Now).Altered);
                using (Addresses flags = partner.Flags())
                {
                    Equal(9, flags.Count);
                    Equal("2222BB|1|", flags[0].Canonical);
                    That(flags[0].Reference == null, "a reference from nowhere");
                }
                Equal("shrink", Throws<StapelException>(() => partner.ReplaceAll(two, By, Now)).Code);
                Equal(7L, partner.ReplaceAll(two, By, Now, allowShrink: true).Withdrawn);
                using (Addresses never = Addresses.FromTexts(new[] { "3333CC|1|" }))
                {
                    Equal("not_flagged",
                        Throws<StapelException>(() => partner.Renew(never, "being_acted_on", By, Now)).Code);
                }
                Equal(7L, partner.ReplaceAll(rows, By, Now, true).Added);
                That(Carry(partner.Deliver(Now), partner, broker).All(reply => reply is Receipt), "no receipt");
                using (Answer answer = (Answer)Carry(partner.AskOwn(By, Now), partner, broker).Single())
                {
                    Equal(14, answer.Count);
                    Equal(10, answer.Count(row => row.Standing.IsStacked));
                }
                Equal("not_permitted", Throws<StapelException>(() => partner.Sweep(two, "toezicht", By, Now)).Code);
            }
        }

        private static void RejectionsAreReplies()
        {
            using (Addresses home = Addresses.FromTexts(new[] { "3333CC|1|" }))
            using (Partner partner = Partner.Open(Path.Combine(sandbox, "others", "woningcorporatie")))
            using (Broker broker = OpenBroker())
            {
                Rejection hint = (Rejection)partner.Read(broker.Handle(new byte[] { 1, 2, 3 }, Now), Now);
                Equal(ReplyKind.Hint, hint.Kind);
                Equal(Next.Nothing, hint.Next);
                That(hint.Sentence.Length > 20, hint.Sentence);

                // A partner whose clock is a day ahead; none that the other tests use.
                byte[] question = partner.Ask(home, By, Now.AddDays(1)).Single();
                Rejection rejection = (Rejection)partner.Read(broker.Handle(question, Now), Now.AddDays(1));
                Equal(ReplyKind.Rejection, rejection.Kind);
                Equal("clock", rejection.Code);
                Equal(118, rejection.Status);
                Equal(Next.SetClock, rejection.Next);
                That(rejection.Sentence.Length > 20, rejection.Sentence);
                That(rejection.Log.Leaf.Any(octet => octet != 0), "the rejection names no line of the log");
                Equal(0, partner.InFlight().Count);
                // The clock is set right, and somebody says so.
                Equal("clock", Throws<StapelException>(() => partner.Ask(home, By, Now)).Code);
                Equal(0L, partner.AcceptClock(By, Now));
                Equal(1, partner.Ask(home, By, Now).Count);
            }
        }

        private static void ErrorsHaveTheirCodes()
        {
            using (Addresses rows = Sandbox())
            using (Partner partner = Partner.Open(partnerFolder))
            using (OpenBroker())
            {
                StapelException error = Throws<StapelException>(
                    () => Partner.Open(partnerFolder, null, TimeSpan.FromMilliseconds(20)));
                Equal("folder_in_use", error.Code);
                foreach (TimeSpan wrong in new[] { TimeSpan.FromTicks(-1), TimeSpan.FromDays(2) })
                {
                    Throws<ArgumentOutOfRangeException>(() => Partner.Open(partnerFolder, null, wrong));
                }
                Equal(120, error.Status);
                That(error.Message.Contains(partnerFolder), error.Message);
                Equal("folder_in_use", Throws<StapelException>(() => OpenBroker()).Code);
                Equal("malformed",
                    Throws<StapelException>(() => partner.Read(Encoding.ASCII.GetBytes("garbage"), Now)).Code);
                Equal("malformed", Throws<StapelException>(() => partner.Read(new byte[0], Now)).Code);
                Equal("case", Throws<StapelException>(() => partner.Flag(rows, new Case("", "zaak"), Now)).Code);
                Equal("case", Throws<StapelException>(() => partner.Ask(rows, new Case("a\nb", "zaak"), Now)).Code);
                Throws<ArgumentNullException>(() => partner.Flag(null, By, Now));
                Throws<ArgumentNullException>(() => partner.Flag(rows, null, Now));
                Throws<ArgumentNullException>(() => partner.Read(null, Now));
                Throws<ArgumentOutOfRangeException>(() =>
                    partner.Deliver(new DateTimeOffset(1969, 1, 1, 0, 0, 0, TimeSpan.Zero)));
                Throws<ArgumentException>(() => partner.AddSecret("\uD83D"));
                Equal("io", Throws<StapelException>(() => partner.AddSecret(Path.Combine(sandbox, "geen"))).Code);
                Equal("policy_successor", Throws<StapelException>(
                    () => partner.AdoptPolicy(Path.Combine(sandbox, "policy.toml"), Now)).Code);
            }
            Equal("io", Throws<StapelException>(() => Partner.Open(Path.Combine(sandbox, "geen"))).Code);
            Throws<ArgumentNullException>(() => Partner.Open(null));
        }

        private static void FoldersAreMade()
        {
            string folder = Path.Combine(sandbox, "nieuw-é-€");
            Equal(64, Partner.Init(folder, 9).Length);
            That(Directory.Exists(folder), folder + " is not there");
            Equal("partner_folder", Throws<StapelException>(() => Partner.Init(folder, 9)).Code);
            Equal("not_in_roster", Throws<StapelException>(
                () => { Partner.Join(folder, Path.Combine(sandbox, "policy.toml")); Partner.Open(folder); }).Code);
            Throws<ArgumentOutOfRangeException>(() => Partner.Init(folder, 65536));
            string data = Path.Combine(sandbox, "apart"), secret = Path.Combine(sandbox, "apart-keys");
            Equal(64, Partner.Init(data, 9, secret).Length);
            That(File.Exists(Path.Combine(secret, "partner.key")), "the key is with the keys");
            That(!File.Exists(Path.Combine(data, "partner.key")), "the key is with the keys alone");
            Equal("partner_folder", Throws<StapelException>(() => Partner.Open(data)).Code);
            Equal("not_in_roster", Throws<StapelException>(
                () => Partner.Join(data, Path.Combine(sandbox, "policy.toml"), secret)).Code);
            Equal("io", Throws<StapelException>(() => Partner.Open(data, secret)).Code);
            string keys = Path.Combine(sandbox, "sleutels");
            BrokerKeys made = Broker.InitKeys(keys);
            That(made.VerifyingKey.Length == 64 && made.CheckpointKey.Length == 64, "keys");
            Equal(made.VerifyingKey, Broker.InitKeys(keys).VerifyingKey);
            string policy = Path.Combine(sandbox, "policy.toml");
            Equal("policy_operator", Throws<StapelException>(
                () => Broker.Create(Path.Combine(sandbox, "ander"), keys, policy, Now)).Code);
            using (Broker broker = Broker.Create(Path.Combine(sandbox, "makelaar"), keysFolder, policy, Now))
            {
                That(broker.Status().Contains("\"policy_version\":1"), broker.Status());
            }
        }

        private static void DisposingTwiceIsHarmless()
        {
            Partner partner = Partner.Open(partnerFolder);
            Broker broker = OpenBroker();
            Addresses rows = Sandbox();
            Reply answer = Carry(partner.Ask(rows, By, Now), partner, broker).Single();
            foreach (IDisposable thing in new IDisposable[] { partner, broker, rows, answer, partner, broker, rows,
                answer })
            {
                thing.Dispose();
            }
            // The folders are free again.
            Partner.Open(partnerFolder).Dispose();
            OpenBroker().Dispose();
        }

        private static void WhatWasDisposedOfIsRefused()
        {
            Partner partner = Partner.Open(partnerFolder);
            Broker broker = OpenBroker();
            Addresses rows = Sandbox();
            Answer answer = (Answer)Carry(partner.Ask(rows, By, Now), partner, broker).Single();
            partner.Dispose();
            broker.Dispose();
            // What came from them outlives them.
            Equal(StandingKind.AtLeast, answer.Standings(rows)[0].Kind);
            answer.Dispose();
            Equal(7, answer.Count);
            Throws<ObjectDisposedException>(() => answer.Standings(rows));
            Throws<ObjectDisposedException>(() => answer[0].ToString());
            Throws<ObjectDisposedException>(() => partner.Deliver(Now));
            Throws<ObjectDisposedException>(() => partner.Flag(rows, By, Now));
            Throws<ObjectDisposedException>(() => partner.Read(new byte[3], Now));
            Throws<ObjectDisposedException>(() => partner.News());
            Throws<ObjectDisposedException>(() => broker.Handle(new byte[3], Now));
            rows.Dispose();
            Throws<ObjectDisposedException>(() => rows[0].ToString());
            Throws<ObjectDisposedException>(() => rows.Numbers());
            using (Partner again = Partner.Open(partnerFolder))
            {
                Throws<ObjectDisposedException>(() => again.Flag(rows, By, Now));
            }
        }

        private static void OnePartnerServesFourThreads()
        {
            const int Threads = 4;
            const int Rows = 250;
            using (Addresses rows = Sandbox())
            using (Partner partner = Partner.Open(partnerFolder))
            using (Broker broker = OpenBroker())
            {
                InThreads(Threads, thread =>
                {
                    for (int row = 0; row < Rows; row++)
                    {
                        using (Addresses home = Addresses.FromTexts(new[] { "4444DD|" + (thread * Rows + row + 1)
                            + "|" }))
                        {
                            Equal(1L, partner.Flag(home, By, Now).Added);
                        }
                        Equal("range_unclear", rows.Refused.Single().Code);
                        // Each thread has its own last error.
                        string text = thread % 2 == 0 ? "Dam, 1012 JS" : "Dam 1";
                        StapelException error = Throws<StapelException>(() => Address.FromText(text));
                        Equal(thread % 2 == 0 ? "no_number" : "no_postcode", error.Code);
                        That(error.Message.Contains(thread % 2 == 0 ? "number" : "postcode"), error.Message);
                        broker.Status();
                    }
                });
                using (Addresses flags = partner.Flags())
                {
                    Equal(7 + Threads * Rows, flags.Count);
                }
                That(Carry(partner.Deliver(Now), partner, broker).All(reply => reply is Receipt), "no receipt");
                // Each asks a case of its own, and reads the answer to its own question. A question with a lower number
                // than one that arrived before is stale (SPEC.md 5.2), so they travel one after another.
                object carrier = new object();
                InThreads(Threads, thread =>
                {
                    Case by = new Case("thread " + thread, "zaak");
                    List<Reply> replies;
                    lock (carrier)
                    {
                        replies = Carry(partner.Ask(rows, by, Now), partner, broker);
                    }
                    using (Answer answer = (Answer)replies.Single())
                    {
                        Equal("thread " + thread, answer.Actor);
                        Equal(5, answer.Standings(rows).Count(standing => standing.IsStacked));
                    }
                });
            }
        }

        private static void DisposingWhileOthersUseItIsSafe()
        {
            for (int round = 0; round < 20; round++)
            {
                Addresses rows = Sandbox();
                Partner partner = Partner.Open(partnerFolder);
                InThreads(4, thread =>
                {
                    try
                    {
                        while (thread != 0)
                        {
                            Equal("9999XA|12|A", rows[0].Canonical);
                            partner.Flags().Dispose();
                        }
                        Thread.Sleep(5);
                        rows.Dispose();
                        partner.Dispose();
                    }
                    catch (ObjectDisposedException)
                    {
                    }
                });
            }
        }

        private static void WhatIsLostIsFreed()
        {
            Equal(0, StapelLibrary.OpenHandles);
            // On a thread that ends, so that no stack frame keeps anything.
            Thread loser = new Thread(() =>
            {
                for (int times = 0; times < 100; times++)
                {
                    Sandbox();
                }
                Partner partner = Partner.Open(partnerFolder);
                partner.Flags();
                That(StapelLibrary.OpenHandles > 2, "nothing was open");
            });
            loser.Start();
            loser.Join();
            for (int times = 0; times < 100 && StapelLibrary.OpenHandles != 0; times++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(10);
            }
            // Mono scans stacks without knowing what is a reference, so that one or two may seem to be in use.
            That(StapelLibrary.OpenHandles <= 2, StapelLibrary.OpenHandles + " handles are open");
        }

        private static Addresses Sandbox()
        {
            string[] file = File.ReadAllLines(Path.Combine(sandbox, "addresses.csv"));
            string[][] lines = file.Skip(1).Select(line => line.Split(';')).ToArray();
            return Addresses.FromTexts(lines.Select(line => line[1]).ToArray(),
                lines.Select(line => line[0]).ToArray());
        }

        private static Broker OpenBroker()
        {
            return Broker.Open(brokerFolder, keysFolder);
        }

        private static List<Reply> Carry(IEnumerable<byte[]> messages, Partner partner, Broker broker)
        {
            List<Reply> replies = messages.Select(message => partner.Read(broker.Handle(message, Now), Now)).ToList();
            foreach (Rejection rejection in replies.OfType<Rejection>())
            {
                throw new InvalidOperationException(rejection.Code + ": " + rejection.Sentence);
            }
            return replies;
        }

        private static void AConversationAfterAHit()
        {
            const string Key = "1012JS|1|A";
            const string Home = "Dam 1-A, 1012 JS Amsterdam";
            using (Meeting town = new Meeting(Path.Combine(sandbox, "meeting")))
            using (Addresses homes = Addresses.FromTexts(new[] { Home }))
            {
                Partner police = town.All[0];
                Partner tax = town.All[1];
                Partner coordinator = town.All[5];
                Func<Action, string> code = call => Throws<StapelException>(call).Code;
                Equal("no_flag", code(() => police.PutForward(homes, By, town.Now)));
                foreach (Partner partner in town.All.Take(3))
                {
                    partner.Flag(homes, By, town.Now);
                }
                town.Run();
                town.Until(() => true);
                Equal(1, police.PutForward(homes, By, town.Now));
                Equal(0, police.PutForward(homes, By, town.Now));
                PutForward mine = police.Forwarded(By, town.Now).Single();
                Equal(Key, mine.Canonical);
                Equal(Home, mine.Typed);
                Equal(town.Now.Date, mine.Since);
                Equal((DateTime?)null, mine.StandsUntil);
                That(mine.Epoch == 1 && !mine.Ended && mine.More.Count == 0, "it is as it was agreed to");

                town.Until(() => tax.Asked(By, town.Now).Count == 1);
                That(police.Forwarded(By, town.Now).Single().StandsUntil > town.Now.Date, "it stands at the broker");
                TalkNews news = tax.TalkNews(By, town.Now).Single();
                Equal(TalkNewsKind.Asked, news.Kind);
                Equal(Key, news.Canonical);
                Equal(0, tax.TalkNews(By, town.Now).Count);
                PutForwardByOther asked = tax.Asked(By, town.Now).Single();
                Equal(Home, asked.Typed);
                Equal(null, asked.Answer);
                Equal(news.AnswerBy, asked.AnswerBy);
                Equal("invalid_argument", code(() => tax.Answer(Key, "yes", By, town.Now)));
                Equal("not_canonical", code(() => tax.Answer(Home, "join", By, town.Now)));
                tax.Answer(asked.Canonical, "join", By, town.Now);
                asked = tax.Asked(By, town.Now).Single();
                Equal("join", asked.Answer);
                Equal(town.Now.Date, asked.Answered);
                That(asked.IsPutForward, "a join puts it forward");

                town.Until(() => tax.Conversations(By, town.Now).Count == 1);
                town.Until(() => coordinator.Agenda(By, town.Now)[0].Joined.Count == 2);
                AgendaItem item = coordinator.Agenda(By, town.Now).Single();
                That(item.IsNew && item.Lead == 0 && item.Decision == null && item.Outcome == null, "it is new");
                Equal(Key, item.Addresses.Single().Canonical);
                Equal(Home, item.Addresses.Single().Typed);
                Equal("first_decision", item.WaitsFor);
                That(item.Ended == null && item.Left.Count == 0, "it is on the agenda, and nobody left");
                Equal("politie", item.Joined[0].Organisation);
                Conversation talk = police.Conversations(By, town.Now).Single();
                Equal(Key, talk.Canonical);
                Equal("2 belastingdienst,6 coordinatiepunt", string.Join(",", talk.Introduced
                    .OrderBy(who => who.Partner).Select(who => who.Partner + " " + who.Organisation)));
                Equal(NoteKind.Address, talk.Notes[0].Kind);
                long ours = talk.Number;
                long theirs = tax.Conversations(By, town.Now).Single().Number;

                Equal("no_conversation", code(() => police.WriteText(99, "x", By, town.Now)));
                Equal("note_text", code(() => police.WriteText(ours, "", By, town.Now)));
                Throws<ArgumentOutOfRangeException>(() => police.WriteText(ours, "x", By, town.Now, 65536));
                Throws<ArgumentOutOfRangeException>(() => police.Leave(-1, By, town.Now));
                Equal("not_leading", code(() => police.WriteLead(ours, 2, "", By, town.Now)));
                Equal("not_permitted", code(() => police.WriteDecision(ours, "x", By, town.Now)));
                police.WriteText(ours, "Wij gaan kijken", By, town.Now, 2);
                police.WriteLead(ours, 1, "", By, town.Now);
                IReadOnlyList<Note> written = police.Conversations(By, town.Now, ours).Single().Notes;
                Note own = written[written.Count - 2];
                Equal("Wij gaan kijken", own.Text);
                Equal(0, own.From);
                Equal(2, own.Copies.Single().To);
                Equal(NoteProgress.Waiting, own.Copies.Single().Progress);
                town.Until(() => tax.Conversations(By, town.Now, theirs).Single().Lead == 1);
                That(town.HasNews(tax, TalkNewsKind.Note), "a note came");
                Equal("Wij gaan kijken", tax.Conversations(By, town.Now, theirs).Single().Notes
                    .Single(note => note.From == 1 && note.Kind == NoteKind.Text).Text);
                DateTime next = new DateTime(2027, 1, 31);
                coordinator.WriteDecision(item.Conversation, "Belasting leidt", By, town.Now, 2, next);
                town.Until(() => police.Conversations(By, town.Now, ours).Single().Decision != null);
                talk = police.Conversations(By, town.Now, ours).Single();
                Equal("Belasting leidt", talk.Decision);
                Equal(2, talk.Lead);
                Equal(next, talk.Next);
                That(talk.DecidedAt < town.Now, "it was decided before");
                Equal("invalid_argument", code(() => tax.WriteOutcome(theirs, "done", "", By, town.Now)));
                tax.WriteOutcome(theirs, "nothing_found", "", By, town.Now);
                town.Until(() => police.Conversations(By, town.Now, ours).Single().Outcome == "nothing_found");
                tax.Leave(theirs, By, town.Now);
                Equal(town.Now.Date, tax.Conversations(By, town.Now, theirs).Single().Left);
                town.Until(() => town.HasNews(police, TalkNewsKind.Left));
                Equal("no_conversation", code(() => police.WriteText(ours, "x", By, town.Now, 2)));
                Equal(1, police.TakeBack(homes, By, town.Now));
                Equal(0, police.Forwarded(By, town.Now).Count);

                YearCell cell = police.YearCells(2026).Single();
                Equal((YearWays)31, cell.Ways);
                Equal(0L, cell.Number);
                Equal("not_permitted", code(() => police.ReportYear(2026, town.Now)));
                town.Now = town.Now.AddDays(30);
                town.Broker.Release(town.Now, true);
                Talked kept = (Talked)town.Carry(police, police.ReportYear(2026, town.Now).Single());
                Equal(ReplyKind.Kept, kept.Kind);
                Equal(null, kept.Totals);
                Equal("year_reported", code(() => police.ReportYear(2026, town.Now)));
                Equal("not_permitted", code(() => police.Totals(town.Now)));
            }
        }

        private static void TotalsAreTold()
        {
            string folder = Path.Combine(sandbox, "meeting", "totals");
            DateTimeOffset later = DateTimeOffset.FromUnixTimeSeconds(1796126400).AddDays(1);
            using (Partner partner = Partner.Open(Path.Combine(folder, "1")))
            using (Broker broker = Broker.Open(Path.Combine(folder, "broker"), Path.Combine(folder, "keys")))
            {
                byte[] reply = broker.Handle(partner.Totals(later).Single(), later);
                Talked told = (Talked)partner.Read(reply, later);
                Equal(ReplyKind.Totals, told.Kind);
                Equal(240L, told.Totals.Flags);
                Equal("2026 4", told.Totals.Year + " " + told.Totals.Quarter);
                TotalsCell cell = told.Totals.Cells.Single();
                Equal("2 0 70", cell.From + " " + cell.To + " " + cell.Number);
            }
        }

        /// <summary>A consortium in which police (1) and tax office (2) meet directly, and others by the coordinator
        /// (6).</summary>
        private sealed class Meeting : IDisposable
        {
            /// <summary>Noon on its first day.</summary>
            internal DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1796126400);

            internal readonly Broker Broker;
            internal readonly List<Partner> All;

            internal Meeting(string folder)
            {
                Broker = Broker.Open(Path.Combine(folder, "broker"), Path.Combine(folder, "keys"));
                All = Enumerable.Range(1, 6).Select(number => Partner.Open(Path.Combine(folder, number.ToString())))
                    .ToList();
            }

            internal Reply Carry(Partner partner, byte[] message)
            {
                return partner.Read(Broker.Handle(message, Now), Now);
            }

            /// <summary>What each partner sends in a day.</summary>
            internal void Run()
            {
                foreach (Partner partner in All.Take(5))
                {
                    foreach (byte[] message in partner.Confirm(Now))
                    {
                        Carry(partner, message);
                    }
                }
                foreach (Partner partner in All)
                {
                    for (byte[] next = partner.Talk(Now); next != null; next = partner.Talk(Now))
                    {
                        Equal(null, ((Talked)Carry(partner, next)).ComplaintCode);
                    }
                }
            }

            /// <summary>Days pass until something is so.</summary>
            internal void Until(Func<bool> isSo)
            {
                for (int day = 0; day < 8; day++)
                {
                    Now = Now.AddDays(1);
                    Run();
                    if (isSo())
                    {
                        return;
                    }
                }
                That(false, "it is so within eight days");
            }

            internal bool HasNews(Partner partner, TalkNewsKind kind)
            {
                return partner.TalkNews(By, Now).Any(news => news.Kind == kind);
            }

            public void Dispose()
            {
                All.ForEach(partner => partner.Dispose());
                Broker.Dispose();
            }
        }

        private static void InThreads(int count, Action<int> work)
        {
            Exception[] errors = new Exception[count];
            Thread[] threads = Enumerable.Range(0, count).Select(number => new Thread(() =>
            {
                try
                {
                    work(number);
                }
                catch (Exception error)
                {
                    errors[number] = error;
                }
            })).ToArray();
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Exception first = errors.FirstOrDefault(error => error != null);
            if (first != null)
            {
                throw new InvalidOperationException("a thread failed", first);
            }
        }

        private static void That(bool condition, string what)
        {
            if (!condition)
            {
                throw new InvalidOperationException("not so: " + what);
            }
        }

        private static void Equal<T>(T expected, T found)
        {
            That(EqualityComparer<T>.Default.Equals(expected, found), "expected " + expected + ", found " + found);
        }

        private static T Throws<T>(Action call) where T : Exception
        {
            try
            {
                call();
            }
            catch (T error)
            {
                return error;
            }
            throw new InvalidOperationException("no " + typeof(T).Name);
        }
    }
}

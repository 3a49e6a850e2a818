// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Globalization;

namespace Stapel
{
    /// <summary>Who acts, and for which case. Stays in the partner's own journal; the broker never sees it.</summary>
    public sealed class Case
    {
        /// <summary>Both are 1 to 200 characters on one line.</summary>
        /// <param name="actor">The acting user, as the partner's own systems name them.</param>
        /// <param name="reference">The reference of the case.</param>
        public Case(string actor, string reference)
        {
            if (actor == null)
            {
                throw new ArgumentNullException(nameof(actor));
            }
            if (reference == null)
            {
                throw new ArgumentNullException(nameof(reference));
            }
            Actor = actor;
            Reference = reference;
        }

        /// <summary>The acting user.</summary>
        public string Actor { get; }

        /// <summary>The reference of the case.</summary>
        public string Reference { get; }
    }

    /// <summary>What a call changed over the partner's flags.</summary>
    public sealed class Changed
    {
        internal Changed(NativeChanged changed)
        {
            Added = (long)changed.Added;
            Altered = (long)changed.Changed;
            Withdrawn = (long)changed.Withdrawn;
            Unchanged = (long)changed.Unchanged;
            Lapsed = (long)changed.Lapsed;
            Refused = (long)changed.Refused;
            Repeated = (long)changed.Repeated;
        }

        /// <summary>Addresses that were not flagged before.</summary>
        public long Added { get; }

        /// <summary>Addresses that were flagged, with another last valid day now.</summary>
        public long Altered { get; }

        /// <summary>Addresses that were flagged, and are no longer.</summary>
        public long Withdrawn { get; }

        /// <summary>Addresses that are as they were.</summary>
        public long Unchanged { get; }

        /// <summary>Addresses that were not flagged: their flag ended within the last 30 days, and only a renewal lets
        /// it go on.</summary>
        public long Lapsed { get; }

        /// <summary>Rows that were left out, because their addresses were refused when they were read.</summary>
        public long Refused { get; }

        /// <summary>Rows of which another row names the same address: each address counts once.</summary>
        public long Repeated { get; }
    }

    /// <summary>
    /// A partner with its folder open: its key, its flags, its journal. One at a time, of all processes, can have a
    /// folder open.
    /// </summary>
    /// <remarks>
    /// Everything that a call did is on disk when it returns. Any thread may use it; calls take turns. The library
    /// reads no clock: each call that needs the time is told it. Every call throws <see cref="StapelException"/> for
    /// what stapel.h lists as its errors, and
    /// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>. Messages are carried to the broker by the
    /// caller, in their order, and to nobody else: every partner of the consortium could find the addresses in them.
    /// </remarks>
    public sealed class Partner : IDisposable
    {
        private readonly PartnerHandle handle;

        private Partner(PartnerHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>
        /// Makes the folder of a new partner: its key, the key of its journal, and an empty journal. Done once, before
        /// the coordinator puts the partner into the roster.
        /// </summary>
        /// <param name="folder">The folder.</param>
        /// <param name="number">The number that it is to have in the roster.</param>
        /// <param name="keys">A folder of its own for what is secret, so that no copy of the other need hold it; it is
        /// named again wherever the other is. Null where the keys are in that.</param>
        /// <returns>The public key of its messages, 64 hexadecimal digits, for the coordinator.</returns>
        public static string Init(string folder, int number, string keys = null)
        {
            Native.Ready();
            if (number < 0 || number > ushort.MaxValue)
            {
                throw new ArgumentOutOfRangeException(nameof(number), "a partner's number is 0 to 65535");
            }
            byte[] path = Utf8.Bytes(folder, nameof(folder));
            byte[] secret = keys == null ? null : Utf8.Bytes(keys, nameof(keys));
            StapelException.Check(Native.stapel_partner_init(
                path, Memory.Length(path), secret, Memory.LengthOrNone(secret), (ushort)number,
                out BufferHandle verifyingKey));
            return Memory.TakeText(verifyingKey);
        }

        /// <summary>
        /// Copies a first policy, with the signatures beside it, into the folder of a partner that has none yet. It is
        /// taken on the word of whoever hands it over; later ones come through <see cref="AdoptPolicy"/>.
        /// </summary>
        public static void Join(string folder, string policyFile, string keys = null)
        {
            Native.Ready();
            byte[] path = Utf8.Bytes(folder, nameof(folder));
            byte[] secret = keys == null ? null : Utf8.Bytes(keys, nameof(keys));
            byte[] policy = Utf8.Bytes(policyFile, nameof(policyFile));
            StapelException.Check(Native.stapel_partner_join(
                path, Memory.Length(path), secret, Memory.LengthOrNone(secret), policy, Memory.Length(policy)));
        }

        /// <summary>Opens a partner's folder, until <see cref="Dispose"/>. Where its keys are in a folder of their own,
        /// <paramref name="keys"/> names that. Where another has it open, it is waited for up to about <paramref
        /// name="wait"/>, in turn with others that wait: null is five seconds, and zero not at all.</summary>
        /// <exception cref="StapelException">"folder_in_use" where another has it open all that time, or what is wrong
        /// in it.</exception>
        public static Partner Open(string folder, string keys = null, TimeSpan? wait = null)
        {
            Native.Ready();
            uint waitMs = Time.Milliseconds(wait ?? TimeSpan.FromSeconds(5), nameof(wait));
            byte[] path = Utf8.Bytes(folder, nameof(folder));
            byte[] secret = keys == null ? null : Utf8.Bytes(keys, nameof(keys));
            StapelException.Check(Native.stapel_partner_open(
                path, Memory.Length(path), secret, Memory.LengthOrNone(secret), waitMs, out PartnerHandle handle));
            return new Partner(handle);
        }

        /// <summary>Takes a newer policy into force, from its file and the signatures beside it, and keeps a copy in
        /// the folder.</summary>
        public void AdoptPolicy(string policyFile, DateTimeOffset now)
        {
            byte[] policy = Utf8.Bytes(policyFile, nameof(policyFile));
            StapelException.Check(Native.stapel_partner_adopt_policy(handle, policy, Memory.Length(policy),
                Time.Seconds(now)));
        }

        /// <summary>Keeps a copy of the file of an epoch's secret in the folder, and uses it.</summary>
        public void AddSecret(string secretFile)
        {
            byte[] secret = Utf8.Bytes(secretFile, nameof(secretFile));
            StapelException.Check(Native.stapel_partner_add_secret(handle, secret, Memory.LengthOrNone(secret)));
        }

        /// <summary>The partner's number in the roster.</summary>
        public int Number
        {
            get
            {
                StapelException.Check(Native.stapel_partner_number(handle, out ushort number));
                return number;
            }
        }

        /// <summary>
        /// How many of its flags no message has told the broker yet: those since the last delivery, and those that wait
        /// because of the policy's budgets. They go with the next deliveries, as many as the budgets take.
        /// </summary>
        public long Undelivered
        {
            get
            {
                StapelException.Check(Native.stapel_partner_undelivered(handle, out UIntPtr count));
                return checked((long)count.ToUInt64());
            }
        }

        /// <summary>
        /// The homes that the partner flags, in the order of their canonical forms; without references. Those whose
        /// flags ended go when the partner does something on a later day.
        /// </summary>
        public Addresses Flags()
        {
            StapelException.Check(Native.stapel_partner_flags(handle, out AddressesHandle flags));
            return new Addresses(flags);
        }

        /// <summary>
        /// Flags homes, through the latest month's end that the policy's max_days reach. Those that are flagged already
        /// stay as they are: looked at again, they are renewed, with <see cref="Renew"/>. The broker hears of it with
        /// <see cref="Deliver"/>.
        /// </summary>
        public Changed Flag(Addresses homes, Case by, DateTimeOffset now)
        {
            return Change(Native.stapel_partner_flag, homes, by, now);
        }

        /// <summary>
        /// Flags homes through <paramref name="lastDay"/>, a month's last. It can also bring the end of a flag forward,
        /// or put it back within the policy's max_days of its first day.
        /// </summary>
        public Changed FlagUntil(Addresses homes, DateTime lastDay, Case by, DateTimeOffset now)
        {
            byte[] day = Utf8.Strict.GetBytes(lastDay.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            ChangeCall call = (PartnerHandle partner, AddressesHandle rows, ref NativeCase acts, ulong time,
                out NativeChanged changed) =>
                Native.stapel_partner_flag_until(partner, rows, day, Memory.Length(day), ref acts, time, out changed);
            return Change(call, homes, by, now);
        }

        /// <summary>Renews the flags of homes that were looked at again, also of those that ended or were withdrawn
        /// within the last 30 days. The broker's log counts it.</summary>
        /// <param name="homes">The homes.</param>
        /// <param name="reason">Why: "observed_again", "being_acted_on", "procedure_pending" or "under_supervision".
        /// </param>
        /// <param name="by">Who acts, and for which case.</param>
        /// <param name="now">The time.</param>
        /// <exception cref="StapelException">"not_flagged" where one of them has no such flag, "too_many_renewals"
        /// where one cannot last longer; then none is renewed.</exception>
        public Changed Renew(Addresses homes, string reason, Case by, DateTimeOffset now)
        {
            byte[] why = Utf8.Strict.GetBytes(reason);
            ChangeCall call = (PartnerHandle partner, AddressesHandle rows, ref NativeCase acts, ulong time,
                out NativeChanged changed) =>
                Native.stapel_partner_renew(partner, rows, why, Memory.Length(why), ref acts, time, out changed);
            return Change(call, homes, by, now);
        }

        /// <summary>
        /// Says that somebody saw that the clock is right, where calls fail with "clock" or "clock_ahead". How many
        /// flags end with that, because their last valid day has passed.
        /// </summary>
        public long AcceptClock(Case by, DateTimeOffset now)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(
                    Native.stapel_partner_accept_clock(handle, ref acts, Time.Seconds(now), out UIntPtr ended));
                return checked((long)ended.ToUInt64());
            }
        }

        /// <summary>Withdraws the flags of homes. Withdrawing what is not flagged does nothing.</summary>
        public Changed Withdraw(Addresses homes, Case by, DateTimeOffset now)
        {
            return Change(Native.stapel_partner_withdraw, homes, by, now);
        }

        /// <summary>
        /// Makes the flags exactly those of <paramref name="homes"/>: a full set. Those that were flagged already keep
        /// their days; all others are withdrawn, also those of refused rows: see to those first.
        /// </summary>
        /// <param name="homes">All that the partner flags.</param>
        /// <param name="by">Who acts, and for which case.</param>
        /// <param name="now">The time.</param>
        /// <param name="allowShrink">That it is meant where more than the policy's share of the flags would go.</param>
        /// <exception cref="StapelException">"shrink" where too many flags would go unsaid.</exception>
        public Changed ReplaceAll(Addresses homes, Case by, DateTimeOffset now, bool allowShrink = false)
        {
            ChangeCall call = (PartnerHandle partner, AddressesHandle rows, ref NativeCase acts, ulong time,
                out NativeChanged changed) =>
                Native.stapel_partner_replace_all(partner, rows, allowShrink ? 1 : 0, ref acts, time, out changed);
            return Change(call, homes, by, now);
        }

        /// <summary>
        /// The messages that bring the broker up to date, in the order in which it must get them; none where it is.
        /// Until their replies were read, the same call gives the same bytes again.
        /// </summary>
        public IReadOnlyList<byte[]> Deliver(DateTimeOffset now)
        {
            StapelException.Check(Native.stapel_partner_deliver(handle, Time.Seconds(now),
                out MessagesHandle messages));
            return Take(messages);
        }

        /// <summary>As <see cref="Deliver"/>; where there is nothing to deliver, the message that nothing
        /// changed.</summary>
        public IReadOnlyList<byte[]> Confirm(DateTimeOffset now)
        {
            StapelException.Check(Native.stapel_partner_confirm(handle, Time.Seconds(now),
                out MessagesHandle messages));
            return Take(messages);
        }

        /// <summary>
        /// The questions for the standings of homes or house numbers; several where there are more than 100,000
        /// different ones. <see cref="Answer.FillStandings"/> brings the answers back to the rows.
        /// </summary>
        public IReadOnlyList<byte[]> Ask(Addresses addresses, Case by, DateTimeOffset now)
        {
            if (addresses == null)
            {
                throw new ArgumentNullException(nameof(addresses));
            }
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                return addresses.Handle.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_partner_ask(
                        handle, addresses.Handle, ref acts, Time.Seconds(now), out MessagesHandle messages));
                    return Take(messages);
                });
            }
        }

        /// <summary>
        /// As <see cref="Ask"/>, about all that the partner itself flags, house numbers included where the policy
        /// counts them. What changed is told by <see cref="News"/>.
        /// </summary>
        public IReadOnlyList<byte[]> AskOwn(Case by, DateTimeOffset now)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(Native.stapel_partner_ask_own(handle, ref acts, Time.Seconds(now),
                    out MessagesHandle messages));
                return Take(messages);
            }
        }

        /// <summary>
        /// As <see cref="Ask"/>, about addresses that the partner need not flag itself, for a reason that the policy
        /// lists.
        /// </summary>
        public IReadOnlyList<byte[]> Sweep(Addresses addresses, string reason, Case by, DateTimeOffset now)
        {
            if (addresses == null)
            {
                throw new ArgumentNullException(nameof(addresses));
            }
            byte[] why = Utf8.Bytes(reason, nameof(reason));
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                return addresses.Handle.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_partner_sweep(
                        handle, addresses.Handle, why, Memory.Length(why), ref acts, Time.Seconds(now),
                            out MessagesHandle messages));
                    return Take(messages);
                });
            }
        }

        /// <summary>The request where the partner stands with the broker. It takes the place of one in
        /// flight.</summary>
        public IReadOnlyList<byte[]> Status(DateTimeOffset now)
        {
            StapelException.Check(Native.stapel_partner_status(handle, Time.Seconds(now), out MessagesHandle messages));
            return Take(messages);
        }

        /// <summary>
        /// The messages whose replies were not read yet, those that tell what is flagged first: to send them after a
        /// program ended in between.
        /// </summary>
        public IReadOnlyList<byte[]> InFlight()
        {
            StapelException.Check(Native.stapel_partner_in_flight(handle, out MessagesHandle messages));
            return Take(messages);
        }

        /// <summary>
        /// Reads a reply of the broker: checks that it is the broker's, that it is to a message in flight, and that it
        /// speaks of no older release than was seen; then does what it says. A rejection is a reply, and no exception.
        /// </summary>
        /// <exception cref="StapelException">"malformed" and others, by none of which anything changes.</exception>
        public Reply Read(byte[] reply, DateTimeOffset now)
        {
            if (reply == null)
            {
                throw new ArgumentNullException(nameof(reply));
            }
            StapelException.Check(
                Native.stapel_partner_read(handle, reply, Memory.Length(reply), Time.Seconds(now),
                    out ReplyHandle read));
            return Reply.Of(read);
        }

        /// <summary>
        /// No longer waits for the reply to a message; nor for those that tell what is flagged after it. What they said
        /// is still to be said.
        /// </summary>
        public void GiveUp(byte[] message, DateTimeOffset now)
        {
            if (message == null)
            {
                throw new ArgumentNullException(nameof(message));
            }
            StapelException.Check(
                Native.stapel_partner_give_up(handle, message, Memory.Length(message), Time.Seconds(now)));
        }

        /// <summary>
        /// What changed between the answers that were read when this was called last, and those read since; over the
        /// partner's own flags, ascending by address.
        /// </summary>
        public IReadOnlyList<Change> News()
        {
            StapelException.Check(Native.stapel_partner_news(handle, out NewsHandle news));
            using (news)
            {
                return news.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_news_count(news, out UIntPtr count));
                    Change[] changes = new Change[Memory.Int(count)];
                    for (int index = 0; index < changes.Length; index++)
                    {
                        StapelException.Check(Native.stapel_news_get(news, (UIntPtr)index, out NativeNewsRow row));
                        changes[index] = new Change(row);
                    }
                    return changes;
                });
            }
        }

        /// <summary>
        /// Puts own flags forward, until they are taken back or end. How many were not put forward yet.
        /// </summary>
        /// <exception cref="StapelException">"no_flag" where one of them is not flagged, and then none is put
        /// forward.</exception>
        public int PutForward(Addresses homes, Case by, DateTimeOffset now)
        {
            return Count(Native.stapel_partner_put_forward, homes, by, now);
        }

        /// <summary>Takes back what was put forward; who was introduced stays so. How many were.</summary>
        public int TakeBack(Addresses homes, Case by, DateTimeOffset now)
        {
            return Count(Native.stapel_partner_take_back, homes, by, now);
        }

        /// <summary>
        /// What is put forward, in the order in which it was, for a person to be shown, whom the journal has.
        /// </summary>
        public IReadOnlyList<PutForward> Forwarded(Case by, DateTimeOffset now)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(Native.stapel_partner_forwarded(handle, ref acts, Time.Seconds(now),
                    out ForwardedHandle forwarded));
                return AfterHit.Take(forwarded);
            }
        }

        /// <summary>
        /// What others put forward that this partner flags too, for a person to be shown, whom the journal has.
        /// </summary>
        public IReadOnlyList<PutForwardByOther> Asked(Case by, DateTimeOffset now)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(Native.stapel_partner_asked(handle, ref acts, Time.Seconds(now),
                    out AskedHandle asked));
                return AfterHit.Take(asked);
            }
        }

        /// <summary>Answers where another put an own flag forward.</summary>
        /// <param name="canonical">The canonical form of the address.</param>
        /// <param name="answer">"join", which puts it forward too; "not_now"; or "review".</param>
        /// <param name="by">Who acts, and for which case.</param>
        /// <param name="now">The time.</param>
        public void Answer(string canonical, string answer, Case by, DateTimeOffset now)
        {
            byte[] address = Utf8.Bytes(canonical, nameof(canonical));
            byte[] said = Utf8.Bytes(answer, nameof(answer));
            Act(by, (ref NativeCase acts) => Native.stapel_partner_answer(handle, address, Memory.Length(address), said,
                Memory.Length(said), ref acts, Time.Seconds(now)));
        }

        /// <summary>
        /// The next message of what comes after a hit, or null: call it until then, after <see cref="Deliver"/>, once a
        /// day or more often. Carry each message, and read its reply before the next call.
        /// </summary>
        public byte[] Talk(DateTimeOffset now)
        {
            StapelException.Check(Native.stapel_partner_talk(handle, Time.Seconds(now), out MessagesHandle messages));
            IReadOnlyList<byte[]> taken = Take(messages);
            return taken.Count == 0 ? null : taken[0];
        }

        /// <summary>
        /// What is new of what comes after a hit, told once, for a person to be shown, whom the journal has. At most
        /// 500 at a time, the oldest first: where there are as many, call it again.
        /// </summary>
        public IReadOnlyList<TalkNews> TalkNews(Case by, DateTimeOffset now)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(Native.stapel_partner_talk_news(handle, ref acts, Time.Seconds(now),
                    out TalkNewsHandle news));
                return AfterHit.Take(news);
            }
        }

        /// <summary>
        /// All conversations, oldest first, for a person to be shown, whom the journal has; or that of a number.
        /// </summary>
        /// <param name="by">Who is shown them, and for which case.</param>
        /// <param name="now">The time.</param>
        /// <param name="number">The number of one; 0 for all.</param>
        /// <exception cref="StapelException">"no_conversation" where there is none of that number.</exception>
        public IReadOnlyList<Conversation> Conversations(Case by, DateTimeOffset now, long number = 0)
        {
            uint one = Unsigned(number, uint.MaxValue, nameof(number));
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(Native.stapel_partner_conversations(handle, one, ref acts, Time.Seconds(now),
                    out ConversationsHandle conversations));
                return AfterHit.Take(conversations);
            }
        }

        /// <summary>Writes a text in a conversation.</summary>
        /// <param name="conversation">Its number.</param>
        /// <param name="text">What it says.</param>
        /// <param name="by">Who acts, and for which case.</param>
        /// <param name="now">The time.</param>
        /// <param name="to">Whom it is for: its number in the roster; 0 for all.</param>
        public void WriteText(long conversation, string text, Case by, DateTimeOffset now, int to = 0)
        {
            uint number = Unsigned(conversation, uint.MaxValue, nameof(conversation));
            ushort other = (ushort)Unsigned(to, ushort.MaxValue, nameof(to));
            byte[] note = Utf8.Bytes(text, nameof(text));
            Act(by, (ref NativeCase acts) => Native.stapel_partner_write_text(handle, number, other, note,
                Memory.Length(note), ref acts, Time.Seconds(now)));
        }

        /// <summary>
        /// Says who leads: this partner, where nobody does yet, or whom it hands the lead over to. The text may be
        /// empty.
        /// </summary>
        public void WriteLead(long conversation, int lead, string text, Case by, DateTimeOffset now)
        {
            uint number = Unsigned(conversation, uint.MaxValue, nameof(conversation));
            ushort leads = (ushort)Unsigned(lead, ushort.MaxValue, nameof(lead));
            byte[] note = Utf8.Bytes(text, nameof(text));
            Act(by, (ref NativeCase acts) => Native.stapel_partner_write_lead(handle, number, leads, note,
                Memory.Length(note), ref acts, Time.Seconds(now)));
        }

        /// <summary>Says how a conversation ended, to all of it. The text may be empty.</summary>
        /// <param name="conversation">Its number.</param>
        /// <param name="outcome">"taken_up_together", "taken_up_by_one", "not_taken_up", "nothing_found" or
        /// "wrong_signal".</param>
        /// <param name="text">What goes with it.</param>
        /// <param name="by">Who acts, and for which case.</param>
        /// <param name="now">The time.</param>
        public void WriteOutcome(long conversation, string outcome, string text, Case by, DateTimeOffset now)
        {
            uint number = Unsigned(conversation, uint.MaxValue, nameof(conversation));
            byte[] how = Utf8.Bytes(outcome, nameof(outcome));
            byte[] note = Utf8.Bytes(text, nameof(text));
            Act(by, (ref NativeCase acts) => Native.stapel_partner_write_outcome(handle, number, how,
                Memory.Length(how), note, Memory.Length(note), ref acts, Time.Seconds(now)));
        }

        /// <summary>Writes what the coordinator decides, to all of a conversation.</summary>
        /// <param name="conversation">Its number.</param>
        /// <param name="text">What is decided.</param>
        /// <param name="by">Who acts, and for which case.</param>
        /// <param name="now">The time.</param>
        /// <param name="lead">Who leads: its number in the roster; 0 where that stays as it is.</param>
        /// <param name="next">The day on which it is looked at next; null for none.</param>
        public void WriteDecision(
            long conversation, string text, Case by, DateTimeOffset now, int lead = 0, DateTime? next = null)
        {
            uint number = Unsigned(conversation, uint.MaxValue, nameof(conversation));
            ushort leads = (ushort)Unsigned(lead, ushort.MaxValue, nameof(lead));
            byte[] day = Days.Write(next);
            byte[] note = Utf8.Bytes(text, nameof(text));
            Act(by, (ref NativeCase acts) => Native.stapel_partner_write_decision(handle, number, leads, day,
                Memory.Length(day), note, Memory.Length(note), ref acts, Time.Seconds(now)));
        }

        /// <summary>
        /// Leaves a conversation: nobody can write to this partner there any more. What was written stays here.
        /// </summary>
        public void Leave(long conversation, Case by, DateTimeOffset now)
        {
            uint number = Unsigned(conversation, uint.MaxValue, nameof(conversation));
            Act(by, (ref NativeCase acts) =>
                Native.stapel_partner_leave(handle, number, ref acts, Time.Seconds(now)));
        }

        /// <summary>
        /// The coordinator's agenda, oldest first, for a person to be shown, whom the journal has.
        /// </summary>
        public IReadOnlyList<AgendaItem> Agenda(Case by, DateTimeOffset now)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(Native.stapel_partner_agenda(handle, ref acts, Time.Seconds(now),
                    out AgendaHandle agenda));
                return AfterHit.Take(agenda);
            }
        }

        /// <summary>
        /// The request how many of the organisation's flags are stacked, where the policy answers no more: one message.
        /// </summary>
        public IReadOnlyList<byte[]> Totals(DateTimeOffset now)
        {
            StapelException.Check(Native.stapel_partner_totals(handle, Time.Seconds(now), out MessagesHandle messages));
            return Take(messages);
        }

        /// <summary>
        /// How the conversations went that began in a year, as <see cref="ReportYear"/> reports it.
        /// </summary>
        public IReadOnlyList<YearCell> YearCells(int year)
        {
            ushort of = (ushort)Unsigned(year, ushort.MaxValue, nameof(year));
            // One for each way in which a conversation can go, at the most.
            NativeYearCell[] cells = new NativeYearCell[5];
            StapelException.Check(Native.stapel_partner_year_cells(handle, of, cells, (UIntPtr)cells.Length,
                out UIntPtr count));
            YearCell[] told = new YearCell[Memory.Int(count)];
            for (int at = 0; at < told.Length; at++)
            {
                told[at] = new YearCell(cells[at]);
            }
            return told;
        }

        /// <summary>The report of a year that is over, which is made once: one message.</summary>
        /// <exception cref="StapelException">"year_reported" where it was reported already.</exception>
        public IReadOnlyList<byte[]> ReportYear(int year, DateTimeOffset now)
        {
            ushort of = (ushort)Unsigned(year, ushort.MaxValue, nameof(year));
            StapelException.Check(Native.stapel_partner_report_year(handle, of, Time.Seconds(now),
                out MessagesHandle messages));
            return Take(messages);
        }

        /// <summary>Closes the partner, and lets its folder go once the calls that are under way on other threads have
        /// ended.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private delegate int ChangeCall(
            PartnerHandle partner, AddressesHandle homes, ref NativeCase by, ulong now, out NativeChanged changed);

        private Changed Change(ChangeCall call, Addresses homes, Case by, DateTimeOffset now)
        {
            if (homes == null)
            {
                throw new ArgumentNullException(nameof(homes));
            }
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                return homes.Handle.Keeping(() =>
                {
                    StapelException.Check(call(handle, homes.Handle, ref acts, Time.Seconds(now),
                        out NativeChanged changed));
                    return new Changed(changed);
                });
            }
        }

        private delegate int CountCall(
            PartnerHandle partner, AddressesHandle homes, ref NativeCase by, ulong now, out UIntPtr count);

        private int Count(CountCall call, Addresses homes, Case by, DateTimeOffset now)
        {
            if (homes == null)
            {
                throw new ArgumentNullException(nameof(homes));
            }
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                return homes.Handle.Keeping(() =>
                {
                    StapelException.Check(call(handle, homes.Handle, ref acts, Time.Seconds(now), out UIntPtr count));
                    return Memory.Int(count);
                });
            }
        }

        private delegate int ActCall(ref NativeCase by);

        private static void Act(Case by, ActCall call)
        {
            using (Pins pins = new Pins())
            {
                NativeCase acts = pins.Case(by);
                StapelException.Check(call(ref acts));
            }
        }

        /// <summary>
        /// A number that fits: the library would be handed another one in the place of one that does not.
        /// </summary>
        private static uint Unsigned(long number, uint most, string parameter)
        {
            if (number < 0 || number > most)
            {
                throw new ArgumentOutOfRangeException(parameter, "it must be from 0 to " + most);
            }
            return (uint)number;
        }

        private static IReadOnlyList<byte[]> Take(MessagesHandle messages)
        {
            using (messages)
            {
                return messages.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_messages_count(messages, out UIntPtr count));
                    byte[][] taken = new byte[Memory.Int(count)][];
                    for (int index = 0; index < taken.Length; index++)
                    {
                        StapelException.Check(Native.stapel_messages_get(messages, (UIntPtr)index, out IntPtr bytes,
                            out UIntPtr length));
                        taken[index] = Memory.Copy(bytes, length);
                    }
                    return taken;
                });
            }
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Globalization;

namespace Stapel
{
    /// <summary>What is new of what comes after a hit.</summary>
    public enum TalkNewsKind
    {
        /// <summary>Something that this version of the library does not know.</summary>
        Other = 0,
        /// <summary>Somebody put forward what this partner flags too: <see cref="Partner.Answer"/>.</summary>
        Asked = 1,
        /// <summary>This partner was introduced to another.</summary>
        Introduced = 2,
        /// <summary>A note came.</summary>
        Note = 3,
        /// <summary>The coordinator decided.</summary>
        Decision = 4,
        /// <summary>Another left.</summary>
        Left = 5,
        /// <summary>What is put forward ended with its epoch: it is put forward again.</summary>
        RowEnded = 6,
        /// <summary>The policy lets more know of it than was agreed to: it is put forward again.</summary>
        RowWider = 7,
        /// <summary>Something of another was passed over, because no certificate of it came: ask its organisation
        /// why.</summary>
        NeverCertified = 8,
        /// <summary>A note of another was passed over, because its writer may not say what it says.</summary>
        Refused = 9,
        /// <summary>Something of another could not be read here, and was passed over; it does not know: ask its
        /// organisation to write anew.</summary>
        Unreadable = 10,
    }

    /// <summary>What a note is.</summary>
    public enum NoteKind
    {
        /// <summary>One that this version of the library does not know.</summary>
        Other = 0,
        /// <summary>A text.</summary>
        Text = 1,
        /// <summary>Which address the conversation is about: what the coordinator is told.</summary>
        Address = 2,
        /// <summary>Who leads from now on.</summary>
        Lead = 3,
        /// <summary>How it ended.</summary>
        Outcome = 4,
        /// <summary>What the coordinator decided.</summary>
        Decision = 5,
    }

    /// <summary>How far an own note came.</summary>
    public enum NoteProgress
    {
        /// <summary>In a way that this version of the library does not know.</summary>
        Other = 0,
        /// <summary>It goes with the next exchange.</summary>
        Waiting = 1,
        /// <summary>The broker did not take it on that day; it goes on the next.</summary>
        PutOff = 2,
        /// <summary>The broker has it.</summary>
        Kept = 3,
        /// <summary>The other says that it read it.</summary>
        Read = 4,
        /// <summary>The broker did not take it: one of the two left.</summary>
        NotIntroduced = 5,
    }

    /// <summary>How a conversation went; several may be told together.</summary>
    [Flags]
    public enum YearWays
    {
        /// <summary>In no way.</summary>
        None = 0,
        /// <summary>Nobody said how it ended.</summary>
        Open = 1,
        /// <summary>Those introduced took it up together.</summary>
        TakenUpTogether = 2,
        /// <summary>One of them took it up.</summary>
        TakenUpByOne = 4,
        /// <summary>Nobody took it up, or a flag was wrong.</summary>
        NotTakenUp = 8,
        /// <summary>They looked, and found nothing.</summary>
        NothingFound = 16,
    }

    /// <summary>An own flag that is put forward.</summary>
    public sealed class PutForward
    {
        internal PutForward(NativeForwardedRow row)
        {
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Level = row.Level;
            Since = Days.Read(row.Since).Value;
            Epoch = row.Epoch;
            Ended = row.Ended != 0;
            More = Utf8.Names(row.More);
            StandsUntil = Days.Read(row.StandsUntil);
        }

        /// <summary>The canonical form of the address.</summary>
        public string Canonical { get; }

        /// <summary>As it was written when it was flagged; null where there was no text.</summary>
        public string Typed { get; }

        /// <summary>Whether it is of a home or of a house number.</summary>
        public Level Level { get; }

        /// <summary>The day on which it was put forward last.</summary>
        public DateTime Since { get; }

        /// <summary>The epoch in which it is put forward.</summary>
        public long Epoch { get; }

        /// <summary>Whether that epoch is over: put it forward again.</summary>
        public bool Ended { get; }

        /// <summary>
        /// The organisations that the policy in force lets be told of it too, beside those that were agreed to: they
        /// are not told, unless it is put forward again.
        /// </summary>
        public IReadOnlyList<string> More { get; }

        /// <summary>The last day on which it stands at the broker; null where that does not have it yet.</summary>
        public DateTime? StandsUntil { get; }
    }

    /// <summary>An own flag that somebody else put forward. Who did is not said.</summary>
    public sealed class PutForwardByOther
    {
        internal PutForwardByOther(NativeAskedRow row)
        {
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Level = row.Level;
            Day = Days.Read(row.Day).Value;
            AnswerBy = Days.Read(row.AnswerBy).Value;
            Answer = Utf8.Read(row.Answer);
            Answered = Days.Read(row.Answered);
            IsPutForward = row.IsPutForward != 0;
        }

        /// <summary>The canonical form of the address.</summary>
        public string Canonical { get; }

        /// <summary>As it was written when it was flagged; null where there was no text.</summary>
        public string Typed { get; }

        /// <summary>Whether it is of a home or of a house number.</summary>
        public Level Level { get; }

        /// <summary>The day on which that was decided.</summary>
        public DateTime Day { get; }

        /// <summary>The last day on which an answer is in time.</summary>
        public DateTime AnswerBy { get; }

        /// <summary>What was answered: "join", "not_now" or "review"; null where nothing was yet.</summary>
        public string Answer { get; }

        /// <summary>The day of the answer.</summary>
        public DateTime? Answered { get; }

        /// <summary>Whether it is put forward here too.</summary>
        public bool IsPutForward { get; }
    }

    /// <summary>Something new of what comes after a hit.</summary>
    public sealed class TalkNews
    {
        internal TalkNews(NativeTalkNewsRow row)
        {
            Kind = row.Kind;
            Conversation = row.Conversation;
            Partner = row.Partner;
            Name = Utf8.Read(row.Name);
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            AnswerBy = Days.Read(row.AnswerBy);
            Actor = Utf8.Read(row.Actor);
            CaseReference = Utf8.Read(row.CaseReference);
            More = Utf8.Names(row.More);
        }

        /// <summary>What it is.</summary>
        public TalkNewsKind Kind { get; }

        /// <summary>The number of the conversation that it is in; 0 where it is in none.</summary>
        public long Conversation { get; }

        /// <summary>Who was introduced, wrote or left, or whose certificate is missing: its number in the roster; 0
        /// where it is nobody.</summary>
        public int Partner { get; }

        /// <summary>Its name in the roster, or null.</summary>
        public string Name { get; }

        /// <summary>The canonical form of the address, also of what is in a conversation; null at the coordinator, and
        /// where it is about no address.</summary>
        public string Canonical { get; }

        /// <summary>The address as it was written when it was flagged, or null.</summary>
        public string Typed { get; }

        /// <summary>Of Asked the last day on which an answer is in time.</summary>
        public DateTime? AnswerBy { get; }

        /// <summary>Who put the address forward here last; null where nobody did.</summary>
        public string Actor { get; }

        /// <summary>For which case; null where nobody put it forward.</summary>
        public string CaseReference { get; }

        /// <summary>Of RowWider the organisations, by their short names, that the policy lets know too.</summary>
        public IReadOnlyList<string> More { get; }
    }

    /// <summary>Somebody that a partner was introduced to.</summary>
    public sealed class Introduced
    {
        internal Introduced(NativeIntroduced row)
        {
            Partner = row.Partner;
            Name = Utf8.Read(row.Name);
            Organisation = Utf8.Read(row.Organisation);
            Since = Days.Read(row.Since);
            Left = Days.Read(row.Left);
            MissesNote = row.MissesNote != 0;
        }

        /// <summary>Its number in the roster.</summary>
        public int Partner { get; }

        /// <summary>Its name in the roster; null where it is there no longer.</summary>
        public string Name { get; }

        /// <summary>Its organisation, by the short name of the policy; null as the name.</summary>
        public string Organisation { get; }

        /// <summary>The day on which the introduction was decided; null in
        /// <see cref="AgendaItem.Left"/>.</summary>
        public DateTime? Since { get; }

        /// <summary>The day on which it left; null where it did not.</summary>
        public DateTime? Left { get; }

        /// <summary>Whether a note of it is missing: a later one came.</summary>
        public bool MissesNote { get; }
    }

    /// <summary>An own note to one partner.</summary>
    public sealed class NoteCopy
    {
        internal NoteCopy(NativeNoteCopy row)
        {
            To = row.To;
            Progress = row.Progress;
            PutOff = Days.Read(row.PutOff);
            Reason = Utf8.Read(row.Reason);
        }

        /// <summary>Whom it is for: its number in the roster.</summary>
        public int To { get; }

        /// <summary>How far it came.</summary>
        public NoteProgress Progress { get; }

        /// <summary>Of PutOff the day.</summary>
        public DateTime? PutOff { get; }

        /// <summary>Of PutOff why: "day_spent" or "too_many_wait"; else null.</summary>
        public string Reason { get; }
    }

    /// <summary>A note in a conversation. What its kind does not have is null, or of a number 0.</summary>
    public sealed class Note
    {
        internal Note(NativeNote row, IReadOnlyList<NoteCopy> copies)
        {
            Kind = row.Kind;
            From = row.From;
            Lead = row.Lead;
            Time = Stapel.Time.Moment(row.Time);
            Text = Utf8.Read(row.Text);
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Outcome = Utf8.Read(row.Outcome);
            Next = Days.Read(row.Next);
            Copies = copies;
        }

        /// <summary>What it is.</summary>
        public NoteKind Kind { get; }

        /// <summary>Who wrote it: its number in the roster; 0 for this partner.</summary>
        public int From { get; }

        /// <summary>Of Lead and Decision who leads; 0 where a decision leaves that as it is.</summary>
        public int Lead { get; }

        /// <summary>When it was written, by its writer's clock.</summary>
        public DateTimeOffset Time { get; }

        /// <summary>What it says.</summary>
        public string Text { get; }

        /// <summary>Of Address the canonical form.</summary>
        public string Canonical { get; }

        /// <summary>Of Address the address as it was written.</summary>
        public string Typed { get; }

        /// <summary>Of Outcome how it ended, as <see cref="Conversation.Outcome"/> says it.</summary>
        public string Outcome { get; }

        /// <summary>Of Decision the day on which it is looked at next.</summary>
        public DateTime? Next { get; }

        /// <summary>Of an own note to whom it goes, and how far it came.</summary>
        public IReadOnlyList<NoteCopy> Copies { get; }
    }

    /// <summary>All that those who were introduced over one address said to each other. What is not there is null, or
    /// of a number 0.</summary>
    public sealed class Conversation
    {
        internal Conversation(NativeConversation row, IReadOnlyList<Introduced> introduced, IReadOnlyList<Note> notes)
        {
            Number = row.Number;
            Epoch = row.Epoch;
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Began = Days.Read(row.Began).Value;
            Lead = row.Lead;
            Outcome = Utf8.Read(row.Outcome);
            Decision = Utf8.Read(row.Decision);
            DecidedAt = row.DecidedAt == 0 ? (DateTimeOffset?)null : Time.Moment(row.DecidedAt);
            Next = Days.Read(row.Next);
            Left = Days.Read(row.Left);
            Introduced = introduced;
            Notes = notes;
        }

        /// <summary>By which it is written in and left; it is this partner's own.</summary>
        public long Number { get; }

        /// <summary>The epoch in which it began.</summary>
        public long Epoch { get; }

        /// <summary>The canonical form of the address; null at the coordinator, who has it from a note.</summary>
        public string Canonical { get; }

        /// <summary>As it was written when it was flagged; null where there was no text.</summary>
        public string Typed { get; }

        /// <summary>The day of its first introduction.</summary>
        public DateTime Began { get; }

        /// <summary>Who leads: its number in the roster.</summary>
        public int Lead { get; }

        /// <summary>How it ended, as was said last: "taken_up_together", "taken_up_by_one", "not_taken_up",
        /// "nothing_found" or "wrong_signal".</summary>
        public string Outcome { get; }

        /// <summary>What the coordinator decided last.</summary>
        public string Decision { get; }

        /// <summary>When it decided that.</summary>
        public DateTimeOffset? DecidedAt { get; }

        /// <summary>The day on which it is looked at next.</summary>
        public DateTime? Next { get; }

        /// <summary>The day on which this partner left.</summary>
        public DateTime? Left { get; }

        /// <summary>Whom this partner was introduced to, in that order.</summary>
        public IReadOnlyList<Introduced> Introduced { get; }

        /// <summary>What was written, own notes and others', in the order in which it came.</summary>
        public IReadOnlyList<Note> Notes { get; }
    }

    /// <summary>An address that a note said.</summary>
    public sealed class AgendaPlace
    {
        internal AgendaPlace(NativeAgendaPlace row)
        {
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
        }

        /// <summary>The canonical form.</summary>
        public string Canonical { get; }

        /// <summary>As it was written; null where there was no text.</summary>
        public string Typed { get; }
    }

    /// <summary>A conversation on the coordinator's agenda, or one that was. What is not there is null, or of a number
    /// 0.</summary>
    public sealed class AgendaItem
    {
        internal AgendaItem(NativeAgendaRow row, IReadOnlyList<Introduced> joined, IReadOnlyList<Introduced> left,
            IReadOnlyList<AgendaPlace> addresses)
        {
            Conversation = row.Conversation;
            IsNew = row.IsNew != 0;
            Began = Days.Read(row.Began).Value;
            WaitingSince = Days.Read(row.WaitingSince);
            WaitsFor = Utf8.Read(row.WaitsFor);
            Ended = Utf8.Read(row.Ended);
            EndedOn = Days.Read(row.EndedOn);
            Lead = row.Lead;
            Decision = Utf8.Read(row.Decision);
            Next = Days.Read(row.Next);
            Outcome = Utf8.Read(row.Outcome);
            Joined = joined;
            Left = left;
            Addresses = addresses;
        }

        /// <summary>The number of the conversation.</summary>
        public long Conversation { get; }

        /// <summary>Whether the coordinator wrote nothing in it yet.</summary>
        public bool IsNew { get; }

        /// <summary>The day of its first introduction.</summary>
        public DateTime Began { get; }

        /// <summary>Since which day it waits for the coordinator.</summary>
        public DateTime? WaitingSince { get; }

        /// <summary>For what it waits: "first_decision", "joined", "note", "next_day" or "leader_left"; null
        /// where it does not.</summary>
        public string WaitsFor { get; }

        /// <summary>Why it is on the agenda no longer: "all_said", "closed", "all_left" or "coordinator_left"; null
        /// where it is on it.</summary>
        public string Ended { get; }

        /// <summary>Since which day that is so.</summary>
        public DateTime? EndedOn { get; }

        /// <summary>Who leads: its number in the roster.</summary>
        public int Lead { get; }

        /// <summary>What was decided last.</summary>
        public string Decision { get; }

        /// <summary>When it is looked at next.</summary>
        public DateTime? Next { get; }

        /// <summary>How it ended, as <see cref="Stapel.Conversation.Outcome"/> says it.</summary>
        public string Outcome { get; }

        /// <summary>Who joined, in that order, without those who left.</summary>
        public IReadOnlyList<Introduced> Joined { get; }

        /// <summary>Who joined and left again.</summary>
        public IReadOnlyList<Introduced> Left { get; }

        /// <summary>The addresses that notes said it is about, each once.</summary>
        public IReadOnlyList<AgendaPlace> Addresses { get; }
    }

    /// <summary>How many of the flags are stacked by some numbers of organisations.</summary>
    public sealed class TotalsCell
    {
        internal TotalsCell(NativeTotalsCell row)
        {
            From = row.From;
            To = row.To;
            Number = row.Number;
        }

        /// <summary>The fewest organisations.</summary>
        public int From { get; }

        /// <summary>The most; 0 for all above.</summary>
        public int To { get; }

        /// <summary>Addresses, rounded down to tens.</summary>
        public long Number { get; }
    }

    /// <summary>How many of the organisation's flags are stacked, for a policy that tells no more.</summary>
    public sealed class Totals
    {
        internal Totals(NativeTotals row, IReadOnlyList<TotalsCell> cells)
        {
            Release = row.Release;
            AsOf = Time.Moment(row.AsOf);
            Year = row.Year;
            Quarter = row.Quarter;
            Flags = row.Flags;
            Cells = cells;
        }

        /// <summary>The release that they are of.</summary>
        public ulong Release { get; }

        /// <summary>When that release took place.</summary>
        public DateTimeOffset AsOf { get; }

        /// <summary>The year of that moment.</summary>
        public int Year { get; }

        /// <summary>The quarter of that moment, 1 to 4.</summary>
        public int Quarter { get; }

        /// <summary>The organisation's released flags, rounded down to tens.</summary>
        public long Flags { get; }

        /// <summary>How many of them are stacked; none where there are fewer than 100 flags.</summary>
        public IReadOnlyList<TotalsCell> Cells { get; }
    }

    /// <summary>How many of a year's conversations went in some ways. One of all ways with the number 0 says that they
    /// are fewer than ten together.</summary>
    public sealed class YearCell
    {
        internal YearCell(NativeYearCell row)
        {
            Ways = (YearWays)row.Ways;
            Number = row.Number;
        }

        /// <summary>The ways.</summary>
        public YearWays Ways { get; }

        /// <summary>How many.</summary>
        public long Number { get; }
    }

    /// <summary>From the lists of what comes after a hit that the library made to what they say. Each is then
    /// freed.</summary>
    internal static class AfterHit
    {
        internal static IReadOnlyList<PutForward> Take(ForwardedHandle list)
        {
            return Take(list, Native.stapel_forwarded_count, at =>
            {
                StapelException.Check(Native.stapel_forwarded_get(list, at, out NativeForwardedRow row));
                return new PutForward(row);
            });
        }

        internal static IReadOnlyList<PutForwardByOther> Take(AskedHandle list)
        {
            return Take(list, Native.stapel_asked_count, at =>
            {
                StapelException.Check(Native.stapel_asked_get(list, at, out NativeAskedRow row));
                return new PutForwardByOther(row);
            });
        }

        internal static IReadOnlyList<TalkNews> Take(TalkNewsHandle list)
        {
            return Take(list, Native.stapel_talk_news_count, at =>
            {
                StapelException.Check(Native.stapel_talk_news_get(list, at, out NativeTalkNewsRow row));
                return new TalkNews(row);
            });
        }

        internal static IReadOnlyList<Conversation> Take(ConversationsHandle list)
        {
            return Take(list, Native.stapel_conversations_count, index =>
            {
                StapelException.Check(Native.stapel_conversations_get(list, index, out NativeConversation row));
                Introduced[] introduced = Parts(row.Introduced, at =>
                {
                    StapelException.Check(Native.stapel_conversations_introduced(list, index, at,
                        out NativeIntroduced who));
                    return new Introduced(who);
                });
                return new Conversation(row, introduced, Parts(row.Notes, at => Note(list, index, at)));
            });
        }

        internal static IReadOnlyList<AgendaItem> Take(AgendaHandle list)
        {
            return Take(list, Native.stapel_agenda_count, index =>
            {
                StapelException.Check(Native.stapel_agenda_get(list, index, out NativeAgendaRow row));
                Introduced[] joined = Parts(row.Joined, at =>
                {
                    StapelException.Check(Native.stapel_agenda_joined(list, index, at, out NativeIntroduced who));
                    return new Introduced(who);
                });
                Introduced[] left = Parts(row.Left, at =>
                {
                    StapelException.Check(Native.stapel_agenda_left(list, index, at, out NativeIntroduced who));
                    return new Introduced(who);
                });
                AgendaPlace[] addresses = Parts(row.Addresses, at =>
                {
                    StapelException.Check(Native.stapel_agenda_address(list, index, at, out NativeAgendaPlace place));
                    return new AgendaPlace(place);
                });
                return new AgendaItem(row, joined, left, addresses);
            });
        }

        /// <summary>The totals of a reply, which stays the caller's.</summary>
        internal static Totals Totals(ReplyHandle reply)
        {
            StapelException.Check(Native.stapel_reply_totals(reply, out NativeTotals totals));
            return new Totals(totals, Parts(totals.Cells, at =>
            {
                StapelException.Check(Native.stapel_reply_totals_cell(reply, at, out NativeTotalsCell cell));
                return new TotalsCell(cell);
            }));
        }

        private static Note Note(ConversationsHandle list, UIntPtr index, UIntPtr at)
        {
            StapelException.Check(Native.stapel_conversations_note(list, index, at, out NativeNote note));
            return new Note(note, Parts(note.Copies, copy =>
            {
                StapelException.Check(Native.stapel_conversations_copy(list, index, at, copy, out NativeNoteCopy to));
                return new NoteCopy(to);
            }));
        }

        private delegate int CountCall<T>(T list, out UIntPtr count);

        private static IReadOnlyList<TRow> Take<T, TRow>(T list, CountCall<T> counting, Func<UIntPtr, TRow> row)
            where T : StapelHandle
        {
            using (list)
            {
                return list.Keeping(() =>
                {
                    StapelException.Check(counting(list, out UIntPtr count));
                    return Parts(count, row);
                });
            }
        }

        /// <summary>So many parts, each by its index.</summary>
        private static T[] Parts<T>(UIntPtr count, Func<UIntPtr, T> part)
        {
            T[] parts = new T[Memory.Int(count)];
            for (int at = 0; at < parts.Length; at++)
            {
                parts[at] = part((UIntPtr)at);
            }
            return parts;
        }
    }

    /// <summary>Days, as the library writes them.</summary>
    internal static class Days
    {
        internal static DateTime? Read(NativeText text)
        {
            string day = Utf8.Read(text);
            return day == null
                ? (DateTime?)null
                : DateTime.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        }

        internal static byte[] Write(DateTime? day)
        {
            string text = day.HasValue ? day.Value.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : "";
            return Utf8.Strict.GetBytes(text);
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections;
using System.Collections.Generic;

namespace Stapel
{
    /// <summary>What a reply is.</summary>
    public enum ReplyKind
    {
        /// <summary>One that this version of the library does not know.</summary>
        Other = 0,
        /// <summary>The broker accepted what was delivered: a <see cref="Stapel.Receipt"/>.</summary>
        Receipt = 1,
        /// <summary>It answered a question: an <see cref="Stapel.Answer"/>.</summary>
        Answer = 2,
        /// <summary>Where the partner stands: a <see cref="Position"/>.</summary>
        Status = 3,
        /// <summary>It did not accept a message: a <see cref="Stapel.Rejection"/>.</summary>
        Rejection = 4,
        /// <summary>It did not accept a message that the partner no longer waited for; nothing changed.</summary>
        Late = 5,
        /// <summary>
        /// Somebody, perhaps the broker, says that a message was not accepted, and could not sign that. Nothing
        /// changed: if it is true, the message, the roster or the carrier needs a look; if not, the right reply is
        /// still to come.
        /// </summary>
        Hint = 6,
        /// <summary>
        /// The broker keeps what is put forward, or the report of a year: a <see cref="Talked"/>.
        /// </summary>
        Kept = 7,
        /// <summary>
        /// What waited at the broker of what comes after a hit, such as introductions and notes: a <see
        /// cref="Talked"/>.
        /// </summary>
        Posted = 8,
        /// <summary>How many of the organisation's flags are stacked: a <see cref="Talked"/>.</summary>
        Totals = 9,
    }

    /// <summary>
    /// A reply that was read: a <see cref="Receipt"/>, an <see cref="Answer"/>, a <see cref="Position"/>, a <see
    /// cref="Talked"/> or a <see cref="Rejection"/>. It never changes, and outlives the partner that read it.
    /// </summary>
    public abstract class Reply : IDisposable
    {
        internal Reply(ReplyKind kind)
        {
            Kind = kind;
        }

        /// <summary>What it is.</summary>
        public ReplyKind Kind { get; }

        /// <summary>Frees an answer; the others hold nothing.</summary>
        public virtual void Dispose()
        {
        }

        /// <summary>Owns the handle: an answer keeps it, of all else a copy is made at once.</summary>
        internal static Reply Of(ReplyHandle handle)
        {
            ReplyKind kind;
            bool keep = false;
            try
            {
                StapelException.Check(Native.stapel_reply_kind(handle, out kind));
                keep = kind == ReplyKind.Answer;
                return handle.Keeping(() => Of(kind, handle));
            }
            catch
            {
                keep = false;
                throw;
            }
            finally
            {
                if (!keep)
                {
                    handle.Dispose();
                }
            }
        }

        private static Reply Of(ReplyKind kind, ReplyHandle handle)
        {
            switch (kind)
            {
                case ReplyKind.Receipt:
                    StapelException.Check(Native.stapel_reply_receipt(handle, out NativeReceipt receipt));
                    return new Receipt(receipt);
                case ReplyKind.Answer:
                    StapelException.Check(Native.stapel_reply_answer(handle, out NativeAnswer answer));
                    return new Answer(answer, handle);
                case ReplyKind.Status:
                    StapelException.Check(Native.stapel_reply_status(handle, out NativePosition position));
                    return new Position(position);
                case ReplyKind.Rejection:
                case ReplyKind.Late:
                case ReplyKind.Hint:
                    StapelException.Check(Native.stapel_reply_rejection(handle, out NativeRejection rejection));
                    return new Rejection(kind, rejection);
                case ReplyKind.Kept:
                case ReplyKind.Posted:
                case ReplyKind.Totals:
                    StapelException.Check(Native.stapel_reply_talked(handle, out NativeTalked talked));
                    return new Talked(kind, talked, kind == ReplyKind.Totals ? AfterHit.Totals(handle) : null);
                default:
                    return new OtherReply();
            }
        }
    }

    /// <summary>A reply of a kind that this version does not know.</summary>
    public sealed class OtherReply : Reply
    {
        internal OtherReply() : base(ReplyKind.Other)
        {
        }
    }

    /// <summary>The line of the broker's audit log that a reply was logged with.</summary>
    public sealed class LogEntry
    {
        private readonly byte[] leaf;

        internal LogEntry(NativeLogEntry entry)
        {
            Index = entry.Index;
            leaf = entry.Leaf;
        }

        /// <summary>The number of the line, counted from 0.</summary>
        public ulong Index { get; }

        /// <summary>The line's RFC 6962 leaf hash, 32 bytes; zeros where there is no line.</summary>
        public byte[] Leaf => (byte[])leaf.Clone();
    }

    /// <summary>What was delivered was accepted, and is kept.</summary>
    public sealed class Receipt : Reply
    {
        internal Receipt(NativeReceipt receipt) : base(ReplyKind.Receipt)
        {
            Release = receipt.Release;
            Added = receipt.Added;
            Altered = receipt.Changed;
            Withdrawn = receipt.Withdrawn;
            Held = receipt.Held;
            Part = receipt.Part;
            Parts = receipt.Parts;
            Log = new LogEntry(receipt.Log);
        }

        /// <summary>The release in force when it was accepted; its flags show from a later one on.</summary>
        public ulong Release { get; }

        /// <summary>Flags that were not held before.</summary>
        public long Added { get; }

        /// <summary>Flags that were held, with another last valid day.</summary>
        public long Altered { get; }

        /// <summary>Flags that were held and are no longer.</summary>
        public long Withdrawn { get; }

        /// <summary>
        /// All flags that the broker now holds of the partner in this epoch, homes and house numbers.
        /// </summary>
        public long Held { get; }

        /// <summary>Of a full set in parts: the part. 0 for all else.</summary>
        public int Part { get; }

        /// <summary>Of a full set in parts: of how many. 0 for all else.</summary>
        public int Parts { get; }

        /// <summary>The line of the broker's audit log.</summary>
        public LogEntry Log { get; }
    }

    /// <summary>One row of an answer.</summary>
    public sealed class AnswerRow
    {
        internal AnswerRow(NativeAnswerRow row)
        {
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Level = row.Level;
            Standing = row.Standing;
        }

        /// <summary>The canonical form.</summary>
        public string Canonical { get; }

        /// <summary>The address as it was written when it was asked about, or else when it was flagged; null where
        /// there was no text.</summary>
        public string Typed { get; }

        /// <summary>Whether it is of a home or of a house number.</summary>
        public Level Level { get; }

        /// <summary>Its standing.</summary>
        public Standing Standing { get; }
    }

    /// <summary>The answer to a question; its rows are in the order in which they were asked.</summary>
    public sealed class Answer : Reply, IReadOnlyList<AnswerRow>
    {
        private readonly ReplyHandle handle;

        internal Answer(NativeAnswer answer, ReplyHandle handle) : base(ReplyKind.Answer)
        {
            this.handle = handle;
            Actor = Utf8.Read(answer.Actor);
            Reference = Utf8.Read(answer.Reference);
            Release = answer.Release;
            AsOf = Time.Moment(answer.AsOf);
            Until = Time.Moment(answer.Until);
            Count = Memory.Int(answer.Rows);
            Epoch = answer.Epoch;
            Organisations = answer.Organisations;
            Fresh = answer.Fresh;
            Log = new LogEntry(answer.Log);
        }

        /// <summary>Who asked.</summary>
        public string Actor { get; }

        /// <summary>For which case.</summary>
        public string Reference { get; }

        /// <summary>The release that all of it speaks of.</summary>
        public ulong Release { get; }

        /// <summary>When that release took place.</summary>
        public DateTimeOffset AsOf { get; }

        /// <summary>Until then, unless a policy is adopted, the same question has the same answer.</summary>
        public DateTimeOffset Until { get; }

        /// <summary>How many addresses it speaks of.</summary>
        public int Count { get; }

        /// <summary>The epoch in which it was asked.</summary>
        public long Epoch { get; }

        /// <summary>How many organisations may flag.</summary>
        public int Organisations { get; }

        /// <summary>How many of them are fresh: where it is few, "below threshold" may be "nobody delivers".</summary>
        public int Fresh { get; }

        /// <summary>The line of the broker's audit log.</summary>
        public LogEntry Log { get; }

        /// <summary>
        /// The standings of rows, in their order, for duplicates and refused rows too; of the kind None for what it
        /// does not speak of.
        /// </summary>
        public Standing[] Standings(Addresses addresses)
        {
            if (addresses == null)
            {
                throw new ArgumentNullException(nameof(addresses));
            }
            Standing[] standings = new Standing[addresses.Count];
            FillStandings(addresses, standings);
            return standings;
        }

        /// <summary>
        /// As <see cref="Standings"/>, into an array that is there. Of rows that this answer does not speak of the
        /// elements stay as they are, so that where a question was cut into several, each answer in turn fills in its
        /// part.
        /// </summary>
        public void FillStandings(Addresses addresses, Standing[] standings)
        {
            if (addresses == null)
            {
                throw new ArgumentNullException(nameof(addresses));
            }
            if (standings == null)
            {
                throw new ArgumentNullException(nameof(standings));
            }
            addresses.Handle.Keeping(() =>
            {
                StapelException.Check(
                    Native.stapel_reply_standings(handle, addresses.Handle, standings, (UIntPtr)standings.Length));
                return standings;
            });
        }

        /// <summary>A row, counted from 0.</summary>
        public AnswerRow this[int index]
        {
            get
            {
                if (index < 0 || index >= Count)
                {
                    throw new ArgumentOutOfRangeException(nameof(index));
                }
                return handle.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_reply_row(handle, (UIntPtr)index, out NativeAnswerRow row));
                    return new AnswerRow(row);
                });
            }
        }

        /// <summary>All rows, in the order in which they were asked.</summary>
        public IEnumerator<AnswerRow> GetEnumerator()
        {
            for (int index = 0; index < Count; index++)
            {
                yield return this[index];
            }
        }

        IEnumerator IEnumerable.GetEnumerator()
        {
            return GetEnumerator();
        }

        /// <summary>Frees the answer.</summary>
        public override void Dispose()
        {
            handle.Dispose();
        }
    }

    /// <summary>Where a partner stands with the broker.</summary>
    public sealed class Position : Reply
    {
        internal Position(NativePosition position) : base(ReplyKind.Status)
        {
            Release = position.Release;
            AsOf = Time.Moment(position.AsOf);
            Until = Time.Moment(position.Until);
            AcceptedState = position.AcceptedState;
            HighestState = position.HighestState;
            HighestQuestion = position.HighestQuestion;
            Held = position.Held;
            NewFlagsLeft = position.NewFlagsLeft;
            FirstSetsLeft = position.FirstSetsLeft;
            HeldLeft = position.HeldLeft;
            AskedLeftToday = position.AskedLeftToday;
            AskedLeftEpoch = position.AskedLeftEpoch;
            SweptLeftToday = position.SweptLeftToday;
            StatusLeftToday = position.StatusLeftToday;
            FullSetRequired = position.FullSetRequired != 0;
            ComplaintCode = position.Complaint == 0 ? null : StapelLibrary.CodeOf(position.Complaint);
            Complaint = Utf8.Read(position.ComplaintText);
            Log = new LogEntry(position.Log);
        }

        /// <summary>The release in force.</summary>
        public ulong Release { get; }

        /// <summary>When it took place.</summary>
        public DateTimeOffset AsOf { get; }

        /// <summary>No release takes place before this moment, unless a policy is adopted.</summary>
        public DateTimeOffset Until { get; }

        /// <summary>The number of the last state message that was accepted; 0 for none.</summary>
        public ulong AcceptedState { get; }

        /// <summary>The highest state number that was used.</summary>
        public ulong HighestState { get; }

        /// <summary>The highest question number that was used.</summary>
        public ulong HighestQuestion { get; }

        /// <summary>Flags that the broker holds of the partner in this epoch.</summary>
        public long Held { get; }

        /// <summary>
        /// What is left of its organisation's budget of new flags today. All budgets are the organisation's.
        /// </summary>
        public long NewFlagsLeft { get; }

        /// <summary>
        /// How many flags beyond these first full sets of the organisation's partners may bring in this epoch.
        /// </summary>
        public long FirstSetsLeft { get; }

        /// <summary>How many flags more the organisation may hold in this epoch.</summary>
        public long HeldLeft { get; }

        /// <summary>What is left of today's budget of addresses asked.</summary>
        public long AskedLeftToday { get; }

        /// <summary>What is left of the epoch's budget of addresses asked.</summary>
        public long AskedLeftEpoch { get; }

        /// <summary>What is left of today's budget of addresses swept.</summary>
        public long SweptLeftToday { get; }

        /// <summary>What is left of today's budget of status requests.</summary>
        public long StatusLeftToday { get; }

        /// <summary>Whether the next delivery must be a full set; it will be one.</summary>
        public bool FullSetRequired { get; }

        /// <summary>
        /// Null, or what is wrong with what the broker said: "log_inconsistent", "checkpoint" or "unannounced_restore"
        /// for its audit log, "false_introduction" or "late_introduction" for whom it introduced. The evidence is in
        /// files in the partner's folder.
        /// </summary>
        public string ComplaintCode { get; }

        /// <summary>Null, or what was found, and what to do.</summary>
        public string Complaint { get; }

        /// <summary>The line of the broker's audit log.</summary>
        public LogEntry Log { get; }
    }

    /// <summary>What to do after a rejection.</summary>
    public enum Next
    {
        /// <summary>Nothing: it was no longer waited for, or nobody signed it.</summary>
        Nothing = 0,
        /// <summary>Deliver or ask again: what was wrong is put right in the next message.</summary>
        Again = 1,
        /// <summary>Send the same bytes again later.</summary>
        Resend = 2,
        /// <summary>Fetch the policy in force, adopt it, and deliver or ask again.</summary>
        FetchPolicy = 3,
        /// <summary>
        /// Deliver again, which says as much as the budgets take and the rest later, or ask about less. A day's budgets
        /// are new at 00:00 UTC, an epoch's with the next epoch.
        /// </summary>
        Wait = 4,
        /// <summary>See whether the set is complete, and say that its shrinking is meant.</summary>
        DeclareShrink = 5,
        /// <summary>Look at the flags again, and renew those that are still right.</summary>
        Renew = 6,
        /// <summary>Set this side's clock right; where it is, the message came too late.</summary>
        SetClock = 7,
        /// <summary>Ask the coordinator: this software, the roster and the broker do not agree.</summary>
        AskCoordinator = 8,
        /// <summary>
        /// Withdraw the flags that cannot be renewed any more, or give them an earlier last valid day.
        /// </summary>
        End = 9,
    }

    /// <summary>Why a message was not accepted: a rejection, one that came late, or a hint, as <see cref="Reply.Kind"/>
    /// says.</summary>
    public sealed class Rejection : Reply
    {
        internal Rejection(ReplyKind kind, NativeRejection rejection) : base(kind)
        {
            Status = rejection.Status;
            Next = rejection.Next;
            Number = rejection.Number;
            Sentence = Utf8.Read(rejection.Sentence);
            Log = new LogEntry(rejection.Log);
        }

        /// <summary>Why: the number that stapel.h gives it.</summary>
        public int Status { get; }

        /// <summary>Why: the stable code, such as "over_budget".</summary>
        public string Code => StapelLibrary.CodeOf(Status);

        /// <summary>What to do.</summary>
        public Next Next { get; }

        /// <summary>
        /// What the status says that it is: the state number expected, the lowest number still free, what is left of a
        /// budget.
        /// </summary>
        public ulong Number { get; }

        /// <summary>What was wrong and what to do, in English, as the broker says it.</summary>
        public string Sentence { get; }

        /// <summary>The line of the broker's audit log.</summary>
        public LogEntry Log { get; }
    }
}

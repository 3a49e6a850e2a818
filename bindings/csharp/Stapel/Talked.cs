// SPDX-License-Identifier: EUPL-1.2
namespace Stapel
{
    /// <summary>
    /// What the broker said of what comes after a hit: <see cref="Reply.Kind"/> is Kept, Posted or Totals. What that
    /// does not speak of is 0.
    /// </summary>
    public sealed class Talked : Reply
    {
        internal Talked(ReplyKind kind, NativeTalked talked, Totals totals) : base(kind)
        {
            Kept = talked.Kept;
            Unflagged = talked.Unflagged;
            Added = talked.Added;
            NewLeft = talked.NewLeft;
            HeldLeft = talked.HeldLeft;
            News = talked.News;
            PassedOver = talked.PassedOver;
            More = talked.More != 0;
            ComplaintCode = talked.Complaint == 0 ? null : StapelLibrary.CodeOf(talked.Complaint);
            Complaint = Utf8.Read(talked.ComplaintText);
            Log = new LogEntry(talked.Log);
            Totals = totals;
        }

        /// <summary>How many of the addresses put forward the broker keeps.</summary>
        public long Kept { get; }

        /// <summary>How many it does not keep, because it holds no flag of the partner there.</summary>
        public long Unflagged { get; }

        /// <summary>How many of those that it keeps are new.</summary>
        public long Added { get; }

        /// <summary>How many new ones the organisation may put forward today still.</summary>
        public long NewLeft { get; }

        /// <summary>How many more the organisation may have put forward in this epoch.</summary>
        public long HeldLeft { get; }

        /// <summary>How much is new, such as an introduction or a note.</summary>
        public long News { get; }

        /// <summary>How much was passed over, because it is not for this partner or does not open.</summary>
        public long PassedOver { get; }

        /// <summary>Whether more waits.</summary>
        public bool More { get; }

        /// <summary>
        /// Null, or what is wrong with an introduction: "false_introduction" or "late_introduction". The evidence is in
        /// files in the partner's folder.
        /// </summary>
        public string ComplaintCode { get; }

        /// <summary>Null, or what was found, and what to do.</summary>
        public string Complaint { get; }

        /// <summary>The line of the broker's audit log.</summary>
        public LogEntry Log { get; }

        /// <summary>Of the kind Totals what it tells; else null.</summary>
        public Totals Totals { get; }
    }
}

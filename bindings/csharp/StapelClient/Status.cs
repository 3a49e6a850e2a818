// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>How it goes; numbers and days alone.</summary>
    [DataContract]
    public sealed class StatusResult
    {
        /// <summary>Its number in the roster.</summary>
        [DataMember(Name = "partner", IsRequired = true)]
        public int Partner { get; private set; }

        /// <summary>The policy's version.</summary>
        [DataMember(Name = "policy_version", IsRequired = true)]
        public int PolicyVersion { get; private set; }

        /// <summary>The policy's digest.</summary>
        [DataMember(Name = "policy", IsRequired = true)]
        public string Policy { get; private set; }

        /// <summary>How many flags there are.</summary>
        [DataMember(Name = "flags", IsRequired = true)]
        public long Flags { get; private set; }

        /// <summary>How many of them are in no delivery yet.</summary>
        [DataMember(Name = "undelivered", IsRequired = true)]
        public long Undelivered { get; private set; }

        /// <summary>Messages whose replies are waited for.</summary>
        [DataMember(Name = "waiting", IsRequired = true)]
        public Waiting Waiting { get; private set; }

        /// <summary>How many records the journal has.</summary>
        [DataMember(Name = "journal_records", IsRequired = true)]
        public long JournalRecords { get; private set; }

        /// <summary>The head of its chain.</summary>
        [DataMember(Name = "journal_head", IsRequired = true)]
        public string JournalHead { get; private set; }

        /// <summary>How many complaints there are about the broker's log.</summary>
        [DataMember(Name = "complaints", IsRequired = true)]
        public int Complaints { get; private set; }

        /// <summary>Whether rows are looked up in a register of addresses.</summary>
        [DataMember(Name = "has_register", IsRequired = true)]
        public bool HasRegister { get; private set; }

        /// <summary>Whether the policy counts house numbers.</summary>
        [DataMember(Name = "counts_house_numbers", IsRequired = true)]
        public bool CountsHouseNumbers { get; private set; }

        /// <summary>How the exchange with the broker goes.</summary>
        [DataMember(Name = "sync", IsRequired = true)]
        public Sync Sync { get; private set; }

        /// <summary>What waits after a hit.</summary>
        [DataMember(Name = "after_hit", IsRequired = true)]
        public Due AfterHit { get; private set; }
    }

    /// <summary>What waits after a hit: numbers and days alone. A day is null where nothing waits.</summary>
    [DataContract]
    public sealed class Due
    {
        [DataMember(Name = "unanswered_since")]
        private string unansweredSince = null;

        [DataMember(Name = "answer_by")]
        private string answerBy = null;

        [DataMember(Name = "not_at_broker_since")]
        private string notAtBrokerSince = null;

        [DataMember(Name = "notes_waiting_since")]
        private string notesWaitingSince = null;

        [DataMember(Name = "undecided_since")]
        private string undecidedSince = null;

        /// <summary>What others put forward and nobody here answered.</summary>
        [DataMember(Name = "unanswered", IsRequired = true)]
        public int Unanswered { get; private set; }

        /// <summary>Since when the oldest of these waits.</summary>
        public DateTime? UnansweredSince { get; private set; }

        /// <summary>How many of these are past their day.</summary>
        [DataMember(Name = "late", IsRequired = true)]
        public int Late { get; private set; }

        /// <summary>The first day by which one of them was or is to be answered.</summary>
        public DateTime? AnswerBy { get; private set; }

        /// <summary>Notes and decisions that nobody was shown.</summary>
        [DataMember(Name = "unread_notes", IsRequired = true)]
        public int UnreadNotes { get; private set; }

        /// <summary>What was put forward before today and does not stand at the broker.</summary>
        [DataMember(Name = "not_at_broker", IsRequired = true)]
        public int NotAtBroker { get; private set; }

        /// <summary>When the oldest of these was put forward.</summary>
        public DateTime? NotAtBrokerSince { get; private set; }

        /// <summary>Whether the organisation's budget of what is put forward was spent, when the broker last said
        /// so.</summary>
        [DataMember(Name = "rows_spent", IsRequired = true)]
        public bool RowsSpent { get; private set; }

        /// <summary>Own notes that the broker does not have, each counted for each whom it is for.</summary>
        [DataMember(Name = "notes_waiting", IsRequired = true)]
        public int NotesWaiting { get; private set; }

        /// <summary>When the oldest of these was written.</summary>
        public DateTime? NotesWaitingSince { get; private set; }

        /// <summary>How many of these the broker put off because the organisation's notes of the day were
        /// spent.</summary>
        [DataMember(Name = "notes_day_spent", IsRequired = true)]
        public int NotesDaySpent { get; private set; }

        /// <summary>How many of these the broker put off because as many wait for the other as may.</summary>
        [DataMember(Name = "notes_too_many_wait", IsRequired = true)]
        public int NotesTooManyWait { get; private set; }

        /// <summary>At the coordinator, conversations that wait for it.</summary>
        [DataMember(Name = "undecided", IsRequired = true)]
        public int Undecided { get; private set; }

        /// <summary>Since when the oldest of these waits.</summary>
        public DateTime? UndecidedSince { get; private set; }

        [OnDeserialized]
        private void Read(StreamingContext context)
        {
            UnansweredSince = Wire.DayOrNone(unansweredSince);
            AnswerBy = Wire.DayOrNone(answerBy);
            NotAtBrokerSince = Wire.DayOrNone(notAtBrokerSince);
            NotesWaitingSince = Wire.DayOrNone(notesWaitingSince);
            UndecidedSince = Wire.DayOrNone(undecidedSince);
        }
    }

    /// <summary>Messages whose replies are waited for.</summary>
    [DataContract]
    public sealed class Waiting
    {
        /// <summary>Messages of what is flagged.</summary>
        [DataMember(Name = "flags", IsRequired = true)]
        public int Flags { get; private set; }

        /// <summary>Questions.</summary>
        [DataMember(Name = "questions", IsRequired = true)]
        public int Questions { get; private set; }

        /// <summary>Requests where this partner stands.</summary>
        [DataMember(Name = "status", IsRequired = true)]
        public int Status { get; private set; }

        /// <summary>Messages of what comes after a hit.</summary>
        [DataMember(Name = "talk", IsRequired = true)]
        public int Talk { get; private set; }
    }

    /// <summary>How the exchange with the broker goes.</summary>
    [DataContract]
    public sealed class Sync
    {
        /// <summary>"off", "waiting" or "running".</summary>
        [DataMember(Name = "state", IsRequired = true)]
        public string State { get; private set; }

        /// <summary>When the last run ended; null before the first.</summary>
        public DateTimeOffset? LastRun { get; private set; }

        [DataMember(Name = "last_run")]
        private string lastRun = null;

        /// <summary>The code of what went wrong in it; null where nothing did.</summary>
        [DataMember(Name = "last_code")]
        public string LastCode { get; private set; }

        /// <summary>When the last run ended in which nothing went wrong; null before the first.</summary>
        public DateTimeOffset? LastDone { get; private set; }

        [DataMember(Name = "last_done")]
        private string lastDone = null;

        [OnDeserialized]
        private void ReadDates(StreamingContext context)
        {
            LastRun = Wire.MomentOrNone(lastRun);
            LastDone = Wire.MomentOrNone(lastDone);
        }
    }
}

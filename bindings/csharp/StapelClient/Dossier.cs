// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>What was done with an address.</summary>
    [DataContract]
    public sealed class DossierResult
    {
        /// <summary>What was done, oldest first.</summary>
        [DataMember(Name = "entries", IsRequired = true)]
        public DossierEntry[] Entries { get; private set; }

        /// <summary>The records that the journal no longer has; null where it has all.</summary>
        [DataMember(Name = "pruned")]
        public Pruned Pruned { get; private set; }
    }

    /// <summary>The records that the journal no longer has.</summary>
    [DataContract]
    public sealed class Pruned
    {
        /// <summary>How many.</summary>
        [DataMember(Name = "records", IsRequired = true)]
        public long Records { get; private set; }

        /// <summary>When the first of them was written.</summary>
        public DateTimeOffset From { get; private set; }

        [DataMember(Name = "from", IsRequired = true)]
        private string from = null;

        /// <summary>When the last of them was written.</summary>
        public DateTimeOffset To { get; private set; }

        [DataMember(Name = "to", IsRequired = true)]
        private string to = null;

        [OnDeserialized]
        private void ReadDates(StreamingContext context)
        {
            From = Wire.Moment(from);
            To = Wire.Moment(to);
        }
    }

    /// <summary>What was done with an address once. What an event does not have is null.</summary>
    [DataContract]
    public sealed class DossierEntry
    {
        /// <summary>The number of the journal's record.</summary>
        [DataMember(Name = "record", IsRequired = true)]
        public long Record { get; private set; }

        /// <summary>When.</summary>
        public DateTimeOffset Time { get; private set; }

        [DataMember(Name = "time", IsRequired = true)]
        private string time = null;

        /// <summary>What: "flagged", "renewed", "asked", and others.</summary>
        [DataMember(Name = "event", IsRequired = true)]
        public string Event { get; private set; }

        /// <summary>The address.</summary>
        [DataMember(Name = "address", IsRequired = true)]
        public string Address { get; private set; }

        /// <summary>Whether it is a home or a house number.</summary>
        [DataMember(Name = "level", IsRequired = true)]
        public string Level { get; private set; }

        /// <summary>As it was written then.</summary>
        [DataMember(Name = "typed")]
        public string Typed { get; private set; }

        /// <summary>Who did it.</summary>
        [DataMember(Name = "actor")]
        public string Actor { get; private set; }

        /// <summary>For which case.</summary>
        [DataMember(Name = "case")]
        public string Case { get; private set; }

        /// <summary>How the call came in.</summary>
        [DataMember(Name = "caller")]
        public string Caller { get; private set; }

        /// <summary>The number of the local user, where the kernel named one.</summary>
        [DataMember(Name = "uid")]
        public long? Uid { get; private set; }

        /// <summary>Of a flag.</summary>
        public DateTime? LastDay { get; private set; }

        [DataMember(Name = "last_day")]
        private string lastDay = null;

        /// <summary>Why it was renewed.</summary>
        [DataMember(Name = "reason")]
        public string Reason { get; private set; }

        /// <summary>Of a question.</summary>
        [DataMember(Name = "epoch")]
        public int? Epoch { get; private set; }

        /// <summary>Of a question.</summary>
        [DataMember(Name = "number")]
        public long? Number { get; private set; }

        /// <summary>The reason of a sweep.</summary>
        [DataMember(Name = "sweep")]
        public string Sweep { get; private set; }

        /// <summary>What was answered.</summary>
        [DataMember(Name = "standing")]
        public string Standing { get; private set; }

        /// <summary>How many organisations flag it, exactly.</summary>
        [DataMember(Name = "count")]
        public int? Count { get; private set; }

        /// <summary>How many organisations flag it at least.</summary>
        [DataMember(Name = "at_least")]
        public int? AtLeast { get; private set; }

        /// <summary>The release that the answer speaks of.</summary>
        [DataMember(Name = "release")]
        public long? Release { get; private set; }

        /// <summary>When that release took place.</summary>
        public DateTimeOffset? AsOf { get; private set; }

        [DataMember(Name = "as_of")]
        private string asOf = null;

        /// <summary>After a hit: in which of this partner's conversations.</summary>
        [DataMember(Name = "conversations")]
        public int[] Conversations { get; private set; }

        /// <summary>The numbers of the partners that a note was written to.</summary>
        [DataMember(Name = "to")]
        public int[] To { get; private set; }

        [OnDeserialized]
        private void ReadDates(StreamingContext context)
        {
            Time = Wire.Moment(time);
            LastDay = Wire.DayOrNone(lastDay);
            AsOf = Wire.MomentOrNone(asOf);
        }
    }
}

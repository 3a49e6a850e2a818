// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>Why a row is no address, or none that can be used.</summary>
    [DataContract]
    public sealed class Refusal
    {
        /// <summary>The stable code.</summary>
        [DataMember(Name = "code", IsRequired = true)]
        public string Code { get; private set; }

        /// <summary>What of the row is at fault.</summary>
        [DataMember(Name = "field", IsRequired = true)]
        public string Field { get; private set; }

        /// <summary>What was found, and what would help.</summary>
        [DataMember(Name = "message", IsRequired = true)]
        public string Message { get; private set; }
    }

    /// <summary>What became of a row: it was refused, or it is an address.</summary>
    [DataContract]
    public sealed class RowResult
    {
        /// <summary>Why it was refused; null where it was not.</summary>
        [DataMember(Name = "refused")]
        public Refusal Refused { get; private set; }

        /// <summary>The address, such as 1012JS|1|A; null where it was refused.</summary>
        [DataMember(Name = "address")]
        public string Address { get; private set; }

        /// <summary>Whether it is a home or a house number; null where it was refused.</summary>
        [DataMember(Name = "level")]
        public string Level { get; private set; }

        /// <summary>How it was found: "read" without a register; null where it was refused.</summary>
        [DataMember(Name = "how")]
        public string How { get; private set; }

        /// <summary>Why it is no home, where it counts for its house number alone; else null.</summary>
        [DataMember(Name = "only_number")]
        public Refusal OnlyNumber { get; private set; }

        /// <summary>The last valid day of its flag; null where none was flagged.</summary>
        public DateTime? LastDay { get; private set; }

        [DataMember(Name = "last_day")]
        private string lastDay = null;

        /// <summary>Whether it is not flagged because its flag ended within the last 30 days, and only a renewal lets
        /// it go on.</summary>
        [DataMember(Name = "lapsed")]
        public bool Lapsed { get; private set; }

        /// <summary>Whether it was flagged before it was withdrawn.</summary>
        [DataMember(Name = "was_flagged")]
        public bool WasFlagged { get; private set; }

        /// <summary>Own flags that stay when it is withdrawn, and that may be meant too.</summary>
        public IReadOnlyList<string> Stay => stay ?? new string[0];

        [DataMember(Name = "stay")]
        private string[] stay = null;

        [OnDeserialized]
        private void ReadDates(StreamingContext context)
        {
            LastDay = Wire.DayOrNone(lastDay);
        }
    }

    /// <summary>What a call changed over the partner's flags.</summary>
    [DataContract]
    public sealed class FlagResult
    {
        /// <summary>Addresses that were not flagged before.</summary>
        [DataMember(Name = "added", IsRequired = true)]
        public int Added { get; private set; }

        /// <summary>Addresses that were flagged, with another last valid day now.</summary>
        [DataMember(Name = "changed", IsRequired = true)]
        public int Changed { get; private set; }

        /// <summary>Addresses that are as they were.</summary>
        [DataMember(Name = "unchanged", IsRequired = true)]
        public int Unchanged { get; private set; }

        /// <summary>Addresses whose flags ended, and that only a renewal lets go on.</summary>
        [DataMember(Name = "lapsed", IsRequired = true)]
        public int Lapsed { get; private set; }

        /// <summary>Rows that repeat the address of another.</summary>
        [DataMember(Name = "repeated", IsRequired = true)]
        public int Repeated { get; private set; }

        /// <summary>Rows that were refused.</summary>
        [DataMember(Name = "refused", IsRequired = true)]
        public int Refused { get; private set; }

        /// <summary>Where that was asked for, how many are put forward and were not before, or are anew; else
        /// null.</summary>
        [DataMember(Name = "put_forward")]
        public int? PutForward { get; private set; }

        /// <summary>What became of each row, in the order in which they were given.</summary>
        [DataMember(Name = "rows", IsRequired = true)]
        public RowResult[] Rows { get; private set; }
    }

    /// <summary>What was withdrawn.</summary>
    [DataContract]
    public sealed class WithdrawResult
    {
        /// <summary>Addresses that were flagged, and are no longer.</summary>
        [DataMember(Name = "withdrawn", IsRequired = true)]
        public int Withdrawn { get; private set; }

        /// <summary>Addresses that were not flagged.</summary>
        [DataMember(Name = "unchanged", IsRequired = true)]
        public int Unchanged { get; private set; }

        /// <summary>Rows that repeat the address of another.</summary>
        [DataMember(Name = "repeated", IsRequired = true)]
        public int Repeated { get; private set; }

        /// <summary>Rows that were refused.</summary>
        [DataMember(Name = "refused", IsRequired = true)]
        public int Refused { get; private set; }

        /// <summary>What became of each row, in the order in which they were given.</summary>
        [DataMember(Name = "rows", IsRequired = true)]
        public RowResult[] Rows { get; private set; }
    }
}

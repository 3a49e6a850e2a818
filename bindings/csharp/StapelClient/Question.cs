// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>A question, and what came of it so far.</summary>
    [DataContract]
    public sealed class Question
    {
        /// <summary>The caller's name of it.</summary>
        [DataMember(Name = "request", IsRequired = true)]
        public string Request { get; private set; }

        /// <summary>What became of it, of <see cref="QuestionState"/>.</summary>
        [DataMember(Name = "state", IsRequired = true)]
        public string State { get; private set; }

        /// <summary>What was answered so far; a large question has several.</summary>
        [DataMember(Name = "answers", IsRequired = true)]
        public Answer[] Answers { get; private set; }

        /// <summary>Why it was not accepted; null where it was, or waits.</summary>
        [DataMember(Name = "not_accepted")]
        public NotAccepted NotAccepted { get; private set; }

        /// <summary>Rows that repeat the address of another.</summary>
        [DataMember(Name = "repeated")]
        public int Repeated { get; private set; }

        /// <summary>Rows that were refused.</summary>
        [DataMember(Name = "refused")]
        public int Refused { get; private set; }

        /// <summary>What became of each row that was given, in their order; of a question that was asked before there
        /// are none.</summary>
        public IReadOnlyList<RowResult> Rows => rows ?? new RowResult[0];

        [DataMember(Name = "rows")]
        private RowResult[] rows = null;
    }

    /// <summary>Why a question was not accepted.</summary>
    [DataContract]
    public sealed class NotAccepted
    {
        /// <summary>The broker's code; "dropped" where a person gave it up, or it never left.</summary>
        [DataMember(Name = "code", IsRequired = true)]
        public string Code { get; private set; }
    }

    /// <summary>The broker's answer to a question, or to a part of a large one.</summary>
    [DataContract]
    public sealed class Answer
    {
        /// <summary>The epoch of the question.</summary>
        [DataMember(Name = "epoch", IsRequired = true)]
        public int Epoch { get; private set; }

        /// <summary>The release that it speaks of.</summary>
        [DataMember(Name = "release", IsRequired = true)]
        public long Release { get; private set; }

        /// <summary>When that release took place.</summary>
        public DateTimeOffset AsOf { get; private set; }

        [DataMember(Name = "as_of", IsRequired = true)]
        private string asOf = null;

        /// <summary>Until then the same question has the same answer.</summary>
        public DateTimeOffset Until { get; private set; }

        [DataMember(Name = "until", IsRequired = true)]
        private string until = null;

        /// <summary>How many organisations may flag.</summary>
        [DataMember(Name = "organisations", IsRequired = true)]
        public int Organisations { get; private set; }

        /// <summary>How many of them were fresh at that release.</summary>
        [DataMember(Name = "fresh", IsRequired = true)]
        public int Fresh { get; private set; }

        /// <summary>The addresses, in the order in which they were asked.</summary>
        [DataMember(Name = "rows", IsRequired = true)]
        public AnswerRow[] Rows { get; private set; }

        [OnDeserialized]
        private void ReadDates(StreamingContext context)
        {
            AsOf = Wire.Moment(asOf);
            Until = Wire.Moment(until);
        }
    }

    /// <summary>What was answered about an address.</summary>
    [DataContract]
    public sealed class AnswerRow
    {
        /// <summary>The address.</summary>
        [DataMember(Name = "address", IsRequired = true)]
        public string Address { get; private set; }

        /// <summary>Whether it is a home or a house number.</summary>
        [DataMember(Name = "level", IsRequired = true)]
        public string Level { get; private set; }

        /// <summary>As it was written; null where there was no text.</summary>
        [DataMember(Name = "typed")]
        public string Typed { get; private set; }

        /// <summary>What the answer says, of <see cref="StapelClient.Standing"/>.</summary>
        [DataMember(Name = "standing", IsRequired = true)]
        public string Standing { get; private set; }

        /// <summary>How many organisations flag it, exactly; null where that is not shown.</summary>
        [DataMember(Name = "count")]
        public int? Count { get; private set; }

        /// <summary>How many organisations flag it at least; null where that is not shown.</summary>
        [DataMember(Name = "at_least")]
        public int? AtLeast { get; private set; }

        /// <summary>The standing, such as "stacked at least 3".</summary>
        public string InWords()
        {
            if (Count != null)
            {
                return "stacked " + Count;
            }
            return AtLeast != null ? "stacked at least " + AtLeast : Standing.Replace('_', ' ');
        }
    }
}

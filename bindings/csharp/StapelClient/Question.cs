// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>What became of a question.</summary>
    public enum QuestionState
    {
        /// <summary>It waits for the broker's answer.</summary>
        Waiting,
        /// <summary>It was answered.</summary>
        Answered,
        /// <summary>By the broker, or it was given up.</summary>
        NotAccepted,
        /// <summary>There was no address to ask about.</summary>
        Nothing
    }

    /// <summary>What a standing says.</summary>
    public enum StandingKind
    {
        /// <summary>Fewer organisations flag it than the policy's threshold.</summary>
        BelowThreshold,
        /// <summary>The partner does not flag it itself, so it is not told.</summary>
        NoOwnFlag,
        /// <summary>At least the threshold's number of organisations flag it.</summary>
        Stacked
    }

    /// <summary>A question, and what came of it so far.</summary>
    [DataContract]
    public sealed class Question
    {
        /// <summary>The caller's name of it.</summary>
        [DataMember(Name = "request", IsRequired = true)]
        public string Request { get; private set; }

        /// <summary>What became of it.</summary>
        public QuestionState State => Wire.Enum<QuestionState>(state);

        [DataMember(Name = "state", IsRequired = true)]
        private string state = null;

        /// <summary>What was answered so far; a large question has several.</summary>
        [DataMember(Name = "answers", IsRequired = true)]
        public Answer[] Answers { get; private set; }

        /// <summary>The broker's code where it was not accepted, "dropped" where a person gave it up, or it never left;
        /// else null.</summary>
        public string NotAccepted => notAccepted?.Code;

        [DataMember(Name = "not_accepted")]
        private Cause notAccepted = null;

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

        [DataContract]
        private sealed class Cause
        {
            [DataMember(Name = "code", IsRequired = true)]
            internal string Code { get; private set; }
        }
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
        public DateTimeOffset AsOf => Wire.Moment(asOf);

        [DataMember(Name = "as_of", IsRequired = true)]
        private string asOf = null;

        /// <summary>Until then the same question has the same answer.</summary>
        public DateTimeOffset Until => Wire.Moment(until);

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
        public Standing[] Rows { get; private set; }
    }

    /// <summary>What was answered about an address.</summary>
    [DataContract]
    public sealed class Standing
    {
        /// <summary>The address.</summary>
        [DataMember(Name = "address", IsRequired = true)]
        public string Address { get; private set; }

        /// <summary>Whether it is a home or a house number.</summary>
        public Level Level => Wire.Enum<Level>(level);

        [DataMember(Name = "level", IsRequired = true)]
        private string level = null;

        /// <summary>As it was written; null where there was no text.</summary>
        [DataMember(Name = "typed")]
        public string Typed { get; private set; }

        /// <summary>What the answer says.</summary>
        public StandingKind Kind => Wire.Enum<StandingKind>(kind);

        [DataMember(Name = "standing", IsRequired = true)]
        private string kind = null;

        /// <summary>How many organisations flag it, exactly; null where that is not shown.</summary>
        [DataMember(Name = "count")]
        public int? Count { get; private set; }

        /// <summary>How many organisations flag it at least; null where that is not shown.</summary>
        [DataMember(Name = "at_least")]
        public int? AtLeast { get; private set; }

        /// <summary>The standing in words, such as "stacked at least 3"; without the address.</summary>
        public override string ToString()
        {
            if (Count != null)
            {
                return "stacked " + Count;
            }
            return AtLeast != null ? "stacked at least " + AtLeast : kind.Replace('_', ' ');
        }
    }
}

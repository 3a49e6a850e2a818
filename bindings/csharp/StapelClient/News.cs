// SPDX-License-Identifier: EUPL-1.2
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>What changed, until it is marked as seen.</summary>
    [DataContract]
    public sealed class NewsResult
    {
        /// <summary>What tells this news from other news; null where there is none.</summary>
        [DataMember(Name = "mark")]
        public string Mark { get; private set; }

        /// <summary>What changed, ascending by address.</summary>
        [DataMember(Name = "news", IsRequired = true)]
        public NewsRow[] News { get; private set; }
    }

    /// <summary>How many organisations flag an address; both are null where that is not shown.</summary>
    [DataContract]
    public sealed class Told
    {
        /// <summary>Exactly.</summary>
        [DataMember(Name = "count")]
        public int? Count { get; private set; }

        /// <summary>At least.</summary>
        [DataMember(Name = "at_least")]
        public int? AtLeast { get; private set; }
    }

    /// <summary>An own flag whose standing changed.</summary>
    [DataContract]
    public sealed class NewsRow
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

        /// <summary>How it changed.</summary>
        [DataMember(Name = "change", IsRequired = true)]
        public string Change { get; private set; }

        /// <summary>What was told before; null where it was not stacked.</summary>
        [DataMember(Name = "before")]
        public Told Before { get; private set; }

        /// <summary>What is told now; null where it is not stacked.</summary>
        [DataMember(Name = "now")]
        public Told Now { get; private set; }
    }
}

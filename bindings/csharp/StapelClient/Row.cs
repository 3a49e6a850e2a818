// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Runtime.Serialization;

namespace StapelClient
{
    /// <summary>An address as it is handed over, in one of four ways. A string is one line, as people write
    /// it.</summary>
    [DataContract]
    public sealed class Row
    {
        [DataMember(Name = "text", EmitDefaultValue = false)]
        private string SentText { get; set; }

        [DataMember(Name = "number", EmitDefaultValue = false)]
        private string SentNumber { get; set; }

        [DataMember(Name = "postcode", EmitDefaultValue = false)]
        private string SentPostcode { get; set; }

        [DataMember(Name = "letter", EmitDefaultValue = false)]
        private string SentLetter { get; set; }

        [DataMember(Name = "addition", EmitDefaultValue = false)]
        private string SentAddition { get; set; }

        [DataMember(Name = "street", EmitDefaultValue = false)]
        private string SentStreet { get; set; }

        [DataMember(Name = "town", EmitDefaultValue = false)]
        private string SentTown { get; set; }

        [DataMember(Name = "bag_id", EmitDefaultValue = false)]
        private string SentBagId { get; set; }

        [DataMember(Name = "address", EmitDefaultValue = false)]
        private string SentAddress { get; set; }

        private Row()
        {
        }

        /// <summary>One line, as people write it, such as "Dam 1-A, 1012 JS Amsterdam".</summary>
        public static Row Text(string text)
        {
            return new Row { SentText = text ?? throw new ArgumentNullException(nameof(text)) };
        }

        /// <summary>As <see cref="Text"/>.</summary>
        public static implicit operator Row(string text)
        {
            return Text(text);
        }

        /// <summary>Separate fields, such as <c>new AddressFields { Postcode = "1012JS", Number = "1", Letter = "A"
        /// }</c>.
        /// </summary>
        /// <exception cref="ArgumentException">without a number.</exception>
        public static Row Fields(AddressFields fields)
        {
            return new Row
            {
                SentPostcode = NullIfEmpty(fields.Postcode),
                SentNumber = NullIfEmpty(fields.Number)
                    ?? throw new ArgumentException("an address of fields needs a number", nameof(fields)),
                SentLetter = NullIfEmpty(fields.Letter),
                SentAddition = NullIfEmpty(fields.Addition),
                SentStreet = NullIfEmpty(fields.Street),
                SentTown = NullIfEmpty(fields.Town),
            };
        }

        /// <summary>The BAG id of an address, where the server has a register.</summary>
        public static Row BagId(string number)
        {
            return new Row { SentBagId = number ?? throw new ArgumentNullException(nameof(number)) };
        }

        /// <summary>An address as results have it, such as 1012JS|1|A: docs/partner-serve.md has its form.</summary>
        public static Row Address(string canonical)
        {
            return new Row { SentAddress = canonical ?? throw new ArgumentNullException(nameof(canonical)) };
        }

        private static string NullIfEmpty(string text)
        {
            return string.IsNullOrEmpty(text) ? null : text;
        }
    }

    /// <summary>An address of separate fields. The number must be there. Without a postcode the server needs a
    /// register, and street and town.</summary>
    public sealed class AddressFields
    {
        /// <summary>The postcode.</summary>
        public string Postcode { get; set; }

        /// <summary>The house number.</summary>
        public string Number { get; set; }

        /// <summary>The house letter.</summary>
        public string Letter { get; set; }

        /// <summary>The addition.</summary>
        public string Addition { get; set; }

        /// <summary>The street, which a register looks at.</summary>
        public string Street { get; set; }

        /// <summary>The town, which a register looks at.</summary>
        public string Town { get; set; }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections;
using System.Collections.Generic;

namespace Stapel
{
    /// <summary>The separate fields of one address, as a register or a table has them. Any may be null or empty. With a
    /// register, street and town are used where there is no postcode.</summary>
    public struct AddressFields
    {
        /// <summary>The fields of one address.</summary>
        public AddressFields(string postcode, string number, string letter, string addition, string street = null,
            string town = null)
        {
            Postcode = postcode;
            Number = number;
            Letter = letter;
            Addition = addition;
            Street = street;
            Town = town;
        }

        /// <summary>The postcode.</summary>
        public string Postcode { get; }

        /// <summary>The house number (huisnummer).</summary>
        public string Number { get; }

        /// <summary>The house letter (huisletter).</summary>
        public string Letter { get; }

        /// <summary>The house number's addition (huisnummertoevoeging).</summary>
        public string Addition { get; }

        /// <summary>The street (openbare ruimte).</summary>
        public string Street { get; }

        /// <summary>The town (woonplaats).</summary>
        public string Town { get; }
    }

    /// <summary>The canonical forms of one address.</summary>
    public sealed class Address
    {
        private Address(NativeAddress address)
        {
            Unit = Utf8.ReadToNul(address.Unit);
            Number = NumberOf(address);
            How = address.How;
        }

        /// <summary>That of the home: postcode, number and addition, as in "1012JS|1|A"; of one without a postcode, its
        /// BAG id.</summary>
        public string Unit { get; }

        /// <summary>That of the house number that it is in, as in "1012JS|1"; null for a home without a
        /// postcode.</summary>
        public string Number { get; }

        /// <summary>How the register found it.</summary>
        public How How { get; }

        /// <summary>
        /// Reads one address as people write it, such as "Dam 1-a, 1012 JS Amsterdam", or in the canonical form of a
        /// home. With a register also a BAG id, or street, number and town.
        /// </summary>
        /// <exception cref="StapelException">Why it was refused; its Number is that of the house, where that is
        /// certain.</exception>
        public static Address FromText(string text, Register register = null)
        {
            Native.Ready();
            if (text == null)
            {
                throw new ArgumentNullException(nameof(text));
            }
            byte[] bytes = Utf8.Lenient.GetBytes(text);
            NativeAddress address = Blank();
            int status = Native.stapel_address_from_text(
                Register.HandleOf(register), bytes, Memory.Length(bytes), ref address);
            return Read(status, address);
        }

        /// <summary>Reads the separate fields of one address.</summary>
        /// <exception cref="StapelException">As <see cref="FromText"/>.</exception>
        public static Address FromFields(AddressFields fields, Register register = null)
        {
            Native.Ready();
            using (Pins pins = new Pins())
            {
                NativeFields native = new NativeFields
                {
                    Postcode = pins.Text(Utf8.Lenient.GetBytes(fields.Postcode ?? "")),
                    Number = pins.Text(Utf8.Lenient.GetBytes(fields.Number ?? "")),
                    Letter = pins.Text(Utf8.Lenient.GetBytes(fields.Letter ?? "")),
                    Addition = pins.Text(Utf8.Lenient.GetBytes(fields.Addition ?? "")),
                    Street = pins.Text(Utf8.Lenient.GetBytes(fields.Street ?? "")),
                    Town = pins.Text(Utf8.Lenient.GetBytes(fields.Town ?? "")),
                };
                NativeAddress address = Blank();
                int status = Native.stapel_address_from_fields(Register.HandleOf(register), ref native, ref address);
                return Read(status, address);
            }
        }

        /// <summary>A place for one, which a call that fails may leave as it is.</summary>
        private static NativeAddress Blank()
        {
            return new NativeAddress { Unit = new byte[24], Number = new byte[16] };
        }

        private static Address Read(int status, NativeAddress address)
        {
            StapelException.Check(status, NumberOf(address));
            return new Address(address);
        }

        private static string NumberOf(NativeAddress address)
        {
            string number = Utf8.ReadToNul(address.Number);
            return number.Length == 0 ? null : number;
        }
    }

    /// <summary>What became of one row.</summary>
    public sealed class AddressRow
    {
        internal AddressRow(NativeRow row)
        {
            Row = Memory.Int(row.Row);
            Status = row.Status;
            Level = row.Level;
            How = row.How;
            Reference = Utf8.Read(row.Reference);
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Number = Utf8.Read(row.Number);
            Field = Utf8.Read(row.Field);
            Message = Utf8.Read(row.Message);
        }

        /// <summary>The number of the row, counted from 0.</summary>
        public int Row { get; }

        /// <summary>Whether the address was refused: then it is left out of what is flagged and asked.</summary>
        public bool IsRefused => Status != 0;

        /// <summary>0, or the number that stapel.h gives to why it was refused.</summary>
        public int Status { get; }

        /// <summary>"ok", or the stable code of why it was refused, such as "no_number".</summary>
        public string Code => StapelLibrary.CodeOf(Status);

        /// <summary>What it names.</summary>
        public Level Level { get; }

        /// <summary>How the register found it.</summary>
        public How How { get; }

        /// <summary>The caller's own reference; null where none were given.</summary>
        public string Reference { get; }

        /// <summary>The canonical form; null where it was refused.</summary>
        public string Canonical { get; }

        /// <summary>The address as it was given; null where it was refused.</summary>
        public string Typed { get; }

        /// <summary>The canonical form of the house number; null for a home without a postcode. A refused row has it
        /// where it is certain: <see cref="Addresses.RefusedNumbers"/> makes rows of these.</summary>
        public string Number { get; }

        /// <summary>
        /// Of a refused one, the field at fault: "postcode", "huisnummer", "huisletter", "toevoeging", "straat",
        /// "woonplaats" or "line"; else null.
        /// </summary>
        public string Field { get; }

        /// <summary>Of a refused one, what was found and what would help; else null.</summary>
        public string Message { get; }
    }

    /// <summary>
    /// Rows of addresses that were read, each with its canonical form or why it was refused. They never change: any
    /// number of threads may use the same rows, and the same rows can be given to any number of calls. They outlive the
    /// partner that they came from.
    /// </summary>
    public sealed class Addresses : IReadOnlyList<AddressRow>, IDisposable
    {
        private readonly int count;
        private readonly int refused;

        internal Addresses(AddressesHandle handle)
        {
            Handle = handle;
            StapelException.Check(Native.stapel_addresses_count(handle, out UIntPtr rows, out UIntPtr refusedRows));
            count = Memory.Int(rows);
            refused = Memory.Int(refusedRows);
        }

        internal AddressesHandle Handle { get; }

        /// <summary>Reads rows of addresses as people write them, all in one call of the library.</summary>
        /// <param name="texts">The addresses; null is as empty. One that is refused does not stop the others.</param>
        /// <param name="references">Null, or the caller's own references, one for each row, which come back with the
        /// row.</param>
        /// <param name="register">Null, or a register: then a text may be a BAG id, or lack its postcode.</param>
        /// <exception cref="ArgumentException">Another number of references than of rows, or over 2 GiB of
        /// texts.</exception>
        public static Addresses FromTexts(IReadOnlyList<string> texts, IReadOnlyList<string> references = null,
            Register register = null)
        {
            Native.Ready();
            if (texts == null)
            {
                throw new ArgumentNullException(nameof(texts));
            }
            using (Pins pins = new Pins())
            {
                NativePacked column = pins.Column(new Column(texts.Count, row => texts[row], Utf8.Lenient));
                StapelException.Check(Native.stapel_addresses_from_packed_texts(
                    Register.HandleOf(register), ref column, References(pins, references, texts.Count),
                        (UIntPtr)texts.Count, out AddressesHandle handle));
                return new Addresses(handle);
            }
        }

        /// <summary>Reads rows of separate fields. As <see cref="FromTexts"/>.</summary>
        /// <exception cref="ArgumentException">Another number of references than of rows, or over 2 GiB of
        /// texts.</exception>
        public static Addresses FromFields(IReadOnlyList<AddressFields> fields, IReadOnlyList<string> references = null,
            Register register = null)
        {
            Native.Ready();
            if (fields == null)
            {
                throw new ArgumentNullException(nameof(fields));
            }
            using (Pins pins = new Pins())
            {
                NativePackedFields columns = new NativePackedFields
                {
                    Postcode = pins.Column(new Column(fields.Count, row => fields[row].Postcode, Utf8.Lenient)),
                    Number = pins.Column(new Column(fields.Count, row => fields[row].Number, Utf8.Lenient)),
                    Letter = pins.Column(new Column(fields.Count, row => fields[row].Letter, Utf8.Lenient)),
                    Addition = pins.Column(new Column(fields.Count, row => fields[row].Addition, Utf8.Lenient)),
                    Street = pins.Column(new Column(fields.Count, row => fields[row].Street, Utf8.Lenient)),
                    Town = pins.Column(new Column(fields.Count, row => fields[row].Town, Utf8.Lenient)),
                };
                StapelException.Check(Native.stapel_addresses_from_packed_fields(
                    Register.HandleOf(register), ref columns, References(pins, references, fields.Count),
                        (UIntPtr)fields.Count, out AddressesHandle handle));
                return new Addresses(handle);
            }
        }

        /// <summary>
        /// The house numbers that these homes are in, row by row, to ask about where the policy counts house numbers.
        /// References and refused rows are the same.
        /// </summary>
        public Addresses Numbers()
        {
            StapelException.Check(Native.stapel_addresses_numbers(Handle, out AddressesHandle numbers));
            return new Addresses(numbers);
        }

        /// <summary>
        /// The house numbers of the refused rows where only the home is not certain, each with the reference and the
        /// text of its row, to flag, withdraw or ask about where the policy counts the level "number". They count for
        /// that number alone, and for no home. Of rows that were read with a register, there are only the numbers at
        /// which it has an address.
        /// </summary>
        public Addresses RefusedNumbers()
        {
            StapelException.Check(Native.stapel_addresses_refused_numbers(Handle, out AddressesHandle numbers));
            return new Addresses(numbers);
        }

        /// <summary>Some of the rows, by their numbers and in that order, each as it is: to withdraw one of
        /// <see cref="Partner.Flags"/>, for example.</summary>
        public Addresses Pick(params int[] indices)
        {
            if (indices == null)
            {
                throw new ArgumentNullException(nameof(indices));
            }
            ulong[] rows = new ulong[indices.Length];
            for (int at = 0; at < rows.Length; at++)
            {
                if (indices[at] < 0 || indices[at] >= count)
                {
                    throw new ArgumentOutOfRangeException(nameof(indices));
                }
                rows[at] = (ulong)indices[at];
            }
            StapelException.Check(Native.stapel_addresses_pick(
                Handle, rows, (UIntPtr)rows.Length, out AddressesHandle picked));
            return new Addresses(picked);
        }

        /// <summary>How many rows there are, refused ones included.</summary>
        public int Count => count;

        /// <summary>How many rows were refused.</summary>
        public int RefusedCount => refused;

        /// <summary>How many rows were found in the register in each way.</summary>
        public HowCounts HowCounts
        {
            get
            {
                StapelException.Check(Native.stapel_addresses_how_counts(Handle, out NativeHowCounts counts));
                return new HowCounts(counts);
            }
        }

        /// <summary>What became of a row, counted from 0.</summary>
        public AddressRow this[int index]
        {
            get
            {
                if (index < 0 || index >= count)
                {
                    throw new ArgumentOutOfRangeException(nameof(index));
                }
                return Handle.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_addresses_row(Handle, (UIntPtr)index, out NativeRow row));
                    return new AddressRow(row);
                });
            }
        }

        /// <summary>All rows, in their order.</summary>
        public IEnumerator<AddressRow> GetEnumerator()
        {
            for (int index = 0; index < count; index++)
            {
                yield return this[index];
            }
        }

        IEnumerator IEnumerable.GetEnumerator()
        {
            return GetEnumerator();
        }

        /// <summary>The rows that were refused, in their order, without a look at the others.</summary>
        public IEnumerable<AddressRow> Refused
        {
            get
            {
                for (int index = 0; index < refused; index++)
                {
                    UIntPtr place = (UIntPtr)index;
                    yield return Handle.Keeping(() =>
                    {
                        StapelException.Check(Native.stapel_addresses_refused_row(Handle, place, out NativeRow row));
                        return new AddressRow(row);
                    });
                }
            }
        }

        /// <summary>The canonical form of every row, in one call of the library; null for a refused row.</summary>
        public string[] CanonicalForms()
        {
            StapelException.Check(Native.stapel_addresses_lines(Handle, out BufferHandle buffer));
            string lines = Memory.TakeText(buffer);
            string[] forms = new string[count];
            int begin = 0;
            for (int row = 0; row < count; row++)
            {
                int end = lines.IndexOf('\n', begin);
                forms[row] = end == begin ? null : lines.Substring(begin, end - begin);
                begin = end + 1;
            }
            return forms;
        }

        /// <summary>Frees the rows.</summary>
        public void Dispose()
        {
            Handle.Dispose();
        }

        private static NativePacked[] References(Pins pins, IReadOnlyList<string> references, int rows)
        {
            if (references == null)
            {
                return null;
            }
            if (references.Count != rows)
            {
                throw new ArgumentException(
                    "there are " + references.Count + " references for " + rows + " rows: give one for each",
                        nameof(references));
            }
            return new[] { pins.Column(new Column(rows, row => references[row], Utf8.Strict)) };
        }
    }
}

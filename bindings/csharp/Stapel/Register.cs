// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Globalization;

namespace Stapel
{
    /// <summary>How an address was found in a register.</summary>
    public enum How
    {
        /// <summary>It was read without a register, or refused.</summary>
        None = 0,
        /// <summary>As it was given; the register has it.</summary>
        Registered = 1,
        /// <summary>By its BAG id.</summary>
        ById = 2,
        /// <summary>From street, number and town, which only one address has.</summary>
        Completed = 3,
        /// <summary>By the name of its street, without which it could not be told which number is the
        /// house's.</summary>
        Street = 4,
        /// <summary>The register has only another spelling of that floor, as H for hs.</summary>
        OtherSpelling = 5,
        /// <summary>As it was given; the register has no such address.</summary>
        Unregistered = 6,
        /// <summary>As it was given; the register says that the address was withdrawn.</summary>
        Withdrawn = 7,
    }

    /// <summary>How many rows were found in a register in each way. All are 0 where none was given.</summary>
    public sealed class HowCounts
    {
        internal HowCounts(NativeHowCounts counts)
        {
            Registered = Memory.Int(counts.Registered);
            ById = Memory.Int(counts.ById);
            Completed = Memory.Int(counts.Completed);
            Street = Memory.Int(counts.Street);
            OtherSpelling = Memory.Int(counts.OtherSpelling);
            Unregistered = Memory.Int(counts.Unregistered);
            Withdrawn = Memory.Int(counts.Withdrawn);
        }

        /// <summary>Of the kind Registered.</summary>
        public int Registered { get; }

        /// <summary>Of the kind ById.</summary>
        public int ById { get; }

        /// <summary>Of the kind Completed.</summary>
        public int Completed { get; }

        /// <summary>Of the kind Street.</summary>
        public int Street { get; }

        /// <summary>Of the kind OtherSpelling.</summary>
        public int OtherSpelling { get; }

        /// <summary>Of the kind Unregistered. Show these to somebody: they are flagged and asked about as they were
        /// given.</summary>
        public int Unregistered { get; }

        /// <summary>Of the kind Withdrawn. Show these to somebody too.</summary>
        public int Withdrawn { get; }
    }

    /// <summary>An address as a register has it. Texts that it does not have are empty.</summary>
    public sealed class RegisterEntry
    {
        internal RegisterEntry(NativeRegisterEntry entry)
        {
            Canonical = Utf8.Read(entry.Canonical);
            Street = Utf8.Read(entry.Street);
            Town = Utf8.Read(entry.Town);
            Postcode = Utf8.Read(entry.Postcode);
            Number = checked((int)entry.Number);
            Letter = Utf8.Read(entry.Letter);
            Addition = Utf8.Read(entry.Addition);
            Id = Utf8.Read(entry.Id);
            Object = Utf8.Read(entry.Object);
            Building = Utf8.Read(entry.Building);
            Latitude = double.IsNaN(entry.Latitude) ? (double?)null : entry.Latitude;
            Longitude = double.IsNaN(entry.Longitude) ? (double?)null : entry.Longitude;
            IsSecondary = entry.IsSecondary != 0;
            IsWithdrawn = entry.IsWithdrawn != 0;
        }

        /// <summary>The canonical form.</summary>
        public string Canonical { get; }

        /// <summary>The street (openbare ruimte).</summary>
        public string Street { get; }

        /// <summary>The town (woonplaats).</summary>
        public string Town { get; }

        /// <summary>The postcode; empty for an address without one.</summary>
        public string Postcode { get; }

        /// <summary>The house number.</summary>
        public int Number { get; }

        /// <summary>The house letter.</summary>
        public string Letter { get; }

        /// <summary>The house number's addition.</summary>
        public string Addition { get; }

        /// <summary>The id of the nummeraanduiding.</summary>
        public string Id { get; }

        /// <summary>The id of the verblijfsobject, ligplaats or standplaats.</summary>
        public string Object { get; }

        /// <summary>The id of the building (pand).</summary>
        public string Building { get; }

        /// <summary>The latitude in degrees (ETRS89); null where the register has no coordinates.</summary>
        public double? Latitude { get; }

        /// <summary>The longitude in degrees; null where there is no latitude.</summary>
        public double? Longitude { get; }

        /// <summary>Whether it is a second address (nevenadres) of its object.</summary>
        public bool IsSecondary { get; }

        /// <summary>Whether it was withdrawn.</summary>
        public bool IsWithdrawn { get; }
    }

    /// <summary>What a register says of an address.</summary>
    public sealed class Findings
    {
        internal Findings(IReadOnlyList<RegisterEntry> entries, string now)
        {
            Entries = entries;
            Now = now;
        }

        /// <summary>Its entries, those that were withdrawn among them; several where it is that of more than one
        /// object.</summary>
        public IReadOnlyList<RegisterEntry> Entries { get; }

        /// <summary>Where all of them were withdrawn, the canonical form of the address that their object has now; else
        /// null.</summary>
        public string Now { get; }
    }

    /// <summary>
    /// A local register of the addresses that exist (BAG), which <c>stapel register build</c> made. Open it once; any
    /// number of threads may use it. What is looked up stays in the process.
    /// </summary>
    public sealed class Register : IDisposable
    {
        private readonly RegisterHandle handle;

        private Register(RegisterHandle handle)
        {
            this.handle = handle;
            StapelException.Check(Native.stapel_register_describe(handle, out NativeRegisterAbout about));
            Count = Memory.Int(about.Addresses);
            WithdrawnCount = Memory.Int(about.Withdrawn);
            string day = Utf8.ReadToNul(about.SourceDay);
            SourceDay = DateTime.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        }

        /// <summary>Opens a register.</summary>
        /// <exception cref="StapelException">The file is none, is damaged, or cannot be read.</exception>
        public static Register Open(string file)
        {
            Native.Ready();
            byte[] path = Utf8.Bytes(file, nameof(file));
            StapelException.Check(Native.stapel_register_open(path, Memory.Length(path), out RegisterHandle handle));
            return new Register(handle);
        }

        /// <summary>How many addresses it has, those that were withdrawn included.</summary>
        public int Count { get; }

        /// <summary>How many of its addresses were withdrawn.</summary>
        public int WithdrawnCount { get; }

        /// <summary>The day of the extract that it was built from.</summary>
        public DateTime SourceDay { get; }

        /// <summary>What it says of a canonical form, such as that of a row.</summary>
        public Findings LookUp(string canonical)
        {
            byte[] bytes = Utf8.Bytes(canonical, nameof(canonical));
            StapelException.Check(
                Native.stapel_register_look_up(handle, bytes, Memory.Length(bytes), out FindingsHandle findings));
            using (findings)
            {
                return findings.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_findings_count(findings, out UIntPtr count));
                    RegisterEntry[] entries = new RegisterEntry[Memory.Int(count)];
                    for (int index = 0; index < entries.Length; index++)
                    {
                        StapelException.Check(
                            Native.stapel_findings_get(findings, (UIntPtr)index, out NativeRegisterEntry entry));
                        entries[index] = new RegisterEntry(entry);
                    }
                    StapelException.Check(Native.stapel_findings_now(findings, out NativeText now));
                    return new Findings(entries, Utf8.Read(now));
                });
            }
        }

        /// <summary>Frees it, once the calls that are under way on other threads have ended.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        internal static RegisterHandle HandleOf(Register register)
        {
            return register == null ? RegisterHandle.None : register.handle;
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Runtime.InteropServices;

namespace Stapel
{
    /// <summary>How much of an address is named.</summary>
    public enum Level
    {
        /// <summary>The row was refused.</summary>
        None = 0,
        /// <summary>One home.</summary>
        Unit = 1,
        /// <summary>One house number.</summary>
        Number = 2,
    }

    /// <summary>What a standing says.</summary>
    public enum StandingKind : byte
    {
        /// <summary>Nothing: no answer spoke of it.</summary>
        None = 0,
        /// <summary>Its address was refused when it was read, so it was not asked.</summary>
        Refused = 1,
        /// <summary>Fewer organisations flag it than the policy's threshold. Unknown, withdrawn and expired are the
        /// same.</summary>
        BelowThreshold = 2,
        /// <summary>The partner does not flag it itself, so it is not told.</summary>
        NoOwnFlag = 3,
        /// <summary>At least the threshold's number of organisations flag it, the partner's own included; more is not
        /// told.</summary>
        Stacked = 4,
        /// <summary><see cref="Standing.Count"/> organisations or more flag it.</summary>
        AtLeast = 5,
        /// <summary>Exactly <see cref="Standing.Count"/> organisations flag it.</summary>
        Count = 6,
    }

    /// <summary>The standing of one address.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Standing : IEquatable<Standing>
    {
        // Two bytes as in stapel.h: an array of them is filled in by the library where it is.
        private readonly StandingKind kind;
        private readonly byte count;

        /// <summary>A standing of a kind, with its number of organisations or 0.</summary>
        public Standing(StandingKind kind, byte count)
        {
            this.kind = kind;
            this.count = count;
        }

        /// <summary>What it says.</summary>
        public StandingKind Kind => kind;

        /// <summary>The number of organisations, where the kind has one; else 0.</summary>
        public int Count => count;

        /// <summary>Whether so many organisations flag it that the policy tells.</summary>
        public bool IsStacked => kind >= StandingKind.Stacked;

        /// <summary>Whether both say the same.</summary>
        public bool Equals(Standing other)
        {
            return kind == other.kind && count == other.count;
        }

        /// <summary>Whether both say the same.</summary>
        public override bool Equals(object other)
        {
            return other is Standing && Equals((Standing)other);
        }

        /// <summary>Equal for standings that say the same.</summary>
        public override int GetHashCode()
        {
            return ((int)kind << 8) | count;
        }

        /// <summary>The kind and the number, for a log.</summary>
        public override string ToString()
        {
            return count == 0 ? kind.ToString() : kind + " " + count;
        }
    }

    /// <summary>What changed over an address.</summary>
    public enum ChangeKind
    {
        /// <summary>It is stacked now.</summary>
        NewlyStacked = 1,
        /// <summary>It was stacked, and another number of organisations flag it now.</summary>
        CountChanged = 2,
        /// <summary>It was stacked, and is no longer.</summary>
        NoLongerStacked = 3,
    }

    /// <summary>A change over one of the partner's own addresses.</summary>
    public sealed class Change
    {
        internal Change(NativeNewsRow row)
        {
            Canonical = Utf8.Read(row.Canonical);
            Typed = Utf8.Read(row.Typed);
            Level = row.Level;
            Kind = row.Change;
            Before = row.Before;
            Now = row.Now;
        }

        /// <summary>The canonical form of the address.</summary>
        public string Canonical { get; }

        /// <summary>As it was written when it was flagged; null where there was no text.</summary>
        public string Typed { get; }

        /// <summary>Whether it is of a home or of a house number.</summary>
        public Level Level { get; }

        /// <summary>What changed.</summary>
        public ChangeKind Kind { get; }

        /// <summary>The standing before; of the kind None where it was not stacked.</summary>
        public Standing Before { get; }

        /// <summary>The standing now; of the kind None where it is not stacked.</summary>
        public Standing Now { get; }
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * The standing of one address.
 *
 * @param kind what it says
 * @param count the number of organisations, where the kind has one; else 0
 */
public record Standing(Kind kind, int count) {
    /** What a standing says. */
    public enum Kind {
        /** Nothing: no answer spoke of it. */
        NONE,
        /** Its address was refused when it was read, so it was not asked. */
        REFUSED,
        /** Fewer organisations flag it than the policy's threshold. Unknown, withdrawn and expired are the same. */
        BELOW_THRESHOLD,
        /** The partner does not flag it itself, so it is not told. */
        NO_OWN_FLAG,
        /** At least the threshold's number of organisations flag it, the partner's own included; more is not told. */
        STACKED,
        /** {@link Standing#count} organisations or more flag it. */
        AT_LEAST,
        /** Exactly {@link Standing#count} organisations flag it. */
        COUNT;

        private static final Kind[] ALL = values();

        static Kind of(int number) {
            return ALL[number];
        }
    }

    /**
     * Whether so many organisations flag it that the policy tells.
     *
     * @return whether it is stacked
     */
    public boolean isStacked() {
        return kind.compareTo(Kind.STACKED) >= 0;
    }

    static Standing of(Lib.StandingOut out) {
        return of(out.kind, out.count);
    }

    static Standing of(byte kind, byte count) {
        return new Standing(Kind.of(kind), Byte.toUnsignedInt(count));
    }
}

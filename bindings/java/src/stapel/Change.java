// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * A change over one of the partner's own addresses.
 *
 * @param canonical the canonical form of the address
 * @param typed as it was written when it was flagged; null where there was no text
 * @param level whether it is of a home or of a house number
 * @param kind what changed
 * @param before the standing before; of the kind NONE where it was not stacked
 * @param now the standing now; of the kind NONE where it is not stacked
 */
public record Change(String canonical, String typed, Level level, Kind kind, Standing before, Standing now) {
    /** What changed. */
    public enum Kind {
        /** It is stacked now. */
        NEWLY_STACKED,
        /** It was stacked, and another number of organisations flag it now. */
        COUNT_CHANGED,
        /** It was stacked, and is no longer. */
        NO_LONGER_STACKED
    }

    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "Change[canonical=" + canonical + ", level=" + level + ", kind=" + kind + ", before=" + before
                + ", now=" + now + "]";
    }

    static Change of(Lib.NewsRowOut out) {
        return new Change(
                out.canonical.text(),
                out.typed.text(),
                Level.of(out.level),
                Kind.values()[out.change - 1],
                Standing.of(out.before),
                Standing.of(out.now));
    }
}

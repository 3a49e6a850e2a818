// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;
import java.util.List;

/**
 * An own flag that is put forward.
 *
 * @param canonical the canonical form of the address
 * @param typed as it was written when it was flagged; null where there was no text
 * @param level whether it is of a home or of a house number
 * @param since the day on which it was put forward last
 * @param epoch the epoch in which it is put forward
 * @param ended whether that epoch is over: put it forward again
 * @param more the organisations that the policy in force lets be told of it too, beside those that were agreed to: they
 *     are not told, unless it is put forward again
 * @param standsUntil the last day on which it stands at the broker, as far as is known; null where the broker does not
 *     have it yet
 */
public record PutForward(
        String canonical,
        String typed,
        Level level,
        LocalDate since,
        long epoch,
        boolean ended,
        List<String> more,
        LocalDate standsUntil) {
    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "PutForward[canonical=" + canonical + ", since=" + since + ", ended=" + ended + ", more=" + more
                + ", standsUntil=" + standsUntil + "]";
    }

    static PutForward of(Lib.ForwardedOut out) {
        return new PutForward(out.canonical.text(), out.typed.text(), Level.of(out.level), out.since.day(),
                Integer.toUnsignedLong(out.epoch), out.ended != 0, out.more.names(), out.standsUntil.day());
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;

/**
 * An own flag that is put forward.
 *
 * @param canonical the canonical form of the address
 * @param typed as it was written when it was flagged; null where there was no text
 * @param level whether it is of a home or of a house number
 * @param since the day on which it was put forward
 * @param standsUntil the last day on which it stands at the broker, as far as is known; null where the broker does not
 *     have it yet
 */
public record PutForward(String canonical, String typed, Level level, LocalDate since, LocalDate standsUntil) {
    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "PutForward[canonical=" + canonical + ", since=" + since + ", standsUntil=" + standsUntil + "]";
    }

    static PutForward of(Lib.ForwardedOut out) {
        return new PutForward(out.canonical.text(), out.typed.text(), Level.of(out.level), out.since.day(),
                out.standsUntil.day());
    }
}

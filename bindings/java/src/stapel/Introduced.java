// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;

/**
 * Somebody that a partner was introduced to.
 *
 * @param partner its number in the roster
 * @param name its name in the roster; null where it is there no longer
 * @param organisation its organisation, by the short name of the policy; null where it is in the roster no longer
 * @param since the day on which the introduction was decided; null in {@link AgendaItem#left}
 * @param left the day on which it left; null where it did not
 * @param missesNote whether a note of it is missing: a later one came
 */
public record Introduced(
        int partner, String name, String organisation, LocalDate since, LocalDate left, boolean missesNote) {
    static Introduced of(Lib.IntroducedOut out) {
        return new Introduced(Short.toUnsignedInt(out.partner), out.name.text(), out.organisation.text(),
                out.since.day(), out.left.day(), out.missesNote != 0);
    }
}

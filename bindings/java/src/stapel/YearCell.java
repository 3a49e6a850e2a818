// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.util.EnumSet;
import java.util.Set;

/**
 * How many of a year's conversations went in some ways. One of all ways with the number 0 says that they are fewer than
 * ten together.
 *
 * @param ways the ways
 * @param number how many
 */
public record YearCell(Set<Way> ways, long number) {
    /** How a conversation went. */
    public enum Way {
        /** Nobody said how it ended. */
        OPEN,
        /** Those introduced took it up together. */
        TAKEN_UP_TOGETHER,
        /** One of them took it up. */
        TAKEN_UP_BY_ONE,
        /** Nobody took it up, or a flag was wrong. */
        NOT_TAKEN_UP,
        /** They looked, and found nothing. */
        NOTHING_FOUND
    }

    static YearCell of(int bits, int number) {
        Set<Way> ways = EnumSet.noneOf(Way.class);
        for (Way way : Way.values()) {
            if ((bits >> way.ordinal() & 1) == 1) {
                ways.add(way);
            }
        }
        return new YearCell(ways, Integer.toUnsignedLong(number));
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

/** How much of an address is named. */
public enum Level {
    /** The row was refused. */
    NONE,
    /** One home. */
    UNIT,
    /** One house number. */
    NUMBER;

    private static final Level[] ALL = values();

    static Level of(int number) {
        return ALL[number];
    }
}

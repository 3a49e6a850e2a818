// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/** How much of an address a row names. A text that a later server has and this version does not know is kept. */
public final class Level extends Text {
    /** One home. */
    public static final Level UNIT = new Level("unit");

    /** One postcode and house number. */
    public static final Level NUMBER = new Level("number");

    private Level(String text) {
        super(text);
    }

    static Level of(String text) {
        return known(text, Level::new, UNIT, NUMBER);
    }
}

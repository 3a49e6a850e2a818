// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/** How the standing of an own flag changed. A text that a later server has and this version does not know is kept. */
public final class Change extends Text {
    /** It is stacked now. */
    public static final Change NEWLY_STACKED = new Change("newly_stacked");

    /** It was stacked, and another number of organisations flag it now. */
    public static final Change COUNT_CHANGED = new Change("count_changed");

    /** It was stacked, and is no longer. */
    public static final Change NO_LONGER_STACKED = new Change("no_longer_stacked");

    private Change(String text) {
        super(text);
    }

    static Change of(String text) {
        return known(text, Change::new, NEWLY_STACKED, COUNT_CHANGED, NO_LONGER_STACKED);
    }
}

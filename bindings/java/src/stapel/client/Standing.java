// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/** What is answered about an address. A text that a later server has and this version does not know is kept. */
public final class Standing extends Text {
    /** Fewer organisations flag it than the policy's threshold. */
    public static final Standing BELOW_THRESHOLD = new Standing("below_threshold");

    /** The partner does not flag it itself, so it is not told. */
    public static final Standing NO_OWN_FLAG = new Standing("no_own_flag");

    /** At least the threshold's number of organisations flag it. */
    public static final Standing STACKED = new Standing("stacked");

    private Standing(String text) {
        super(text);
    }

    static Standing of(String text) {
        return known(text, Standing::new, BELOW_THRESHOLD, NO_OWN_FLAG, STACKED);
    }
}

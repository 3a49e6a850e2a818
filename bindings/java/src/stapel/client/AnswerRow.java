// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * What was answered about an address.
 *
 * @param address the address
 * @param level whether it is a home or a house number
 * @param typed as it was written; null where there was no text
 * @param standing what the answer says
 * @param count how many organisations flag it, exactly; null where that is not shown
 * @param atLeast how many organisations flag it at least; null where that is not shown
 */
public record AnswerRow(
    String address, Level level, String typed, Standing standing, Integer count, Integer atLeast) {
    /** Refuses a reply that lacks what it must have. */
    public AnswerRow {
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(level, "level");
        Objects.requireNonNull(standing, "standing");
    }

    /**
     * The standing, such as "stacked at least 3".
     *
     * @return those words
     */
    public String inWords() {
        if (count != null) {
            return "stacked " + count;
        }
        return atLeast != null ? "stacked at least " + atLeast : standing.toString().replace('_', ' ');
    }

    /** The names of its fields alone: a log is to have nothing of them. */
    @Override
    public String toString() {
        return Discreet.names(this);
    }
}

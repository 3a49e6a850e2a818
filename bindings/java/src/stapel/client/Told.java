// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/**
 * How many organisations flag an address; both are null where that is not shown.
 *
 * @param count exactly
 * @param atLeast at least
 */
public record Told(Integer count, Integer atLeast) {
    /** The names of its fields alone: a log is to have nothing of them. */
    @Override
    public String toString() {
        return Discreet.names(this);
    }
}

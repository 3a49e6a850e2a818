// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * An own flag whose standing changed.
 *
 * @param address the address
 * @param level whether it is a home or a house number
 * @param typed as it was written; null where there was no text
 * @param change how it changed
 * @param before what was told before; null where it was not stacked
 * @param now what is told now; null where it is not stacked
 */
public record NewsRow(String address, Level level, String typed, Change change, Told before, Told now) {
    /** Refuses a reply that lacks what it must have. */
    public NewsRow {
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(level, "level");
        Objects.requireNonNull(change, "change");
    }

    /** The names of its fields alone: a log is to have nothing of them. */
    @Override
    public String toString() {
        return Discreet.names(this);
    }
}

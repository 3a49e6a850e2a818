// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.LocalDate;
import java.util.List;

/**
 * What became of a row: it was refused, or it is an address.
 *
 * @param refused why it was refused; null where it was not
 * @param address the address, such as 1012JS|1|A; null where it was refused
 * @param level whether it is a home or a house number; null where it was refused
 * @param how how it was found: "read" without a register; null where it was refused
 * @param onlyNumber why it is no home, where it counts for its house number alone; else null
 * @param lastDay the last valid day of its flag; null where none was flagged
 * @param lapsed whether it is not flagged because its flag ended within the last 30 days, and only a renewal lets it
 *     go on
 * @param wasFlagged whether it was flagged before it was withdrawn
 * @param stay own flags that stay when it is withdrawn, and that may be meant too
 */
public record RowResult(
    Refusal refused, String address, Level level, String how, Refusal onlyNumber, LocalDate lastDay, boolean lapsed,
    boolean wasFlagged, List<String> stay) {
    /** Refuses a reply that is neither. */
    public RowResult {
        if ((refused == null) == (address == null)) {
            throw new IllegalArgumentException("a row that is neither refused nor an address");
        }
        stay = stay == null ? List.of() : List.copyOf(stay);
    }

    /** The names of its fields alone: a log is to have nothing of them. */
    @Override
    public String toString() {
        return Discreet.names(this);
    }
}

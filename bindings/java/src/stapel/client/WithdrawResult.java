// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.List;

/**
 * What was withdrawn.
 *
 * @param withdrawn addresses that were flagged, and are no longer
 * @param unchanged addresses that were not flagged
 * @param repeated rows that repeat the address of another
 * @param refused rows that were refused
 * @param rows what became of each row, in the order in which they were given
 */
public record WithdrawResult(int withdrawn, int unchanged, int repeated, int refused, List<RowResult> rows) {
    /** Refuses a reply that lacks what it must have. */
    public WithdrawResult {
        rows = List.copyOf(rows);
    }
}

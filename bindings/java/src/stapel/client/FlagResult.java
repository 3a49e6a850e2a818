// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.List;

/**
 * What a call changed over the partner's flags.
 *
 * @param added addresses that were not flagged before
 * @param changed addresses that were flagged, with another last valid day now
 * @param unchanged addresses that are as they were
 * @param lapsed addresses whose flags ended, and that only a renewal lets go on
 * @param repeated rows that repeat the address of another
 * @param refused rows that were refused
 * @param putForward where that was asked for, how many are put forward and were not before, or are anew; else null
 * @param rows what became of each row, in the order in which they were given
 */
public record FlagResult(
    int added, int changed, int unchanged, int lapsed, int repeated, int refused, Integer putForward,
    List<RowResult> rows) {
    /** Refuses a reply that lacks what it must have. */
    public FlagResult {
        rows = List.copyOf(rows);
    }
}

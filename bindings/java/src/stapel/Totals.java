// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * How many of the organisation's flags are stacked, for a policy that tells no more.
 *
 * @param release the release that they are of
 * @param asOf when that release took place
 * @param year the year of that moment
 * @param quarter the quarter of that moment, 1 to 4
 * @param flags the organisation's released flags, rounded down to tens
 * @param cells how many of them are stacked; none where there are fewer than 100 flags
 */
public record Totals(long release, Instant asOf, int year, int quarter, long flags, List<Cell> cells) {
    /**
     * How many of the flags are stacked by some numbers of organisations.
     *
     * @param from the fewest organisations
     * @param to the most; 0 for all above
     * @param number addresses, rounded down to tens
     */
    public record Cell(int from, int to, long number) {}

    static Totals of(Pointer reply) {
        Lib.TotalsOut out = new Lib.TotalsOut();
        StapelException.check(Lib.stapel_reply_totals(reply, out));
        List<Cell> cells = new ArrayList<>();
        Lib.TotalsCellOut cell = new Lib.TotalsCellOut();
        for (int index = 0; index < out.cells.intValue(); index++) {
            StapelException.check(Lib.stapel_reply_totals_cell(reply, new Lib.SizeT(index), cell));
            cells.add(new Cell(Byte.toUnsignedInt(cell.from), Byte.toUnsignedInt(cell.to),
                    Integer.toUnsignedLong(cell.number)));
        }
        return new Totals(out.release, Scratch.moment(out.asOf), Short.toUnsignedInt(out.year), out.quarter,
                Integer.toUnsignedLong(out.flags), Collections.unmodifiableList(cells));
    }
}

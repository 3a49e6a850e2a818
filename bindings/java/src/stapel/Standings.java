// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.util.AbstractList;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * The standings of rows, in their order, for duplicates and refused rows too. Two bytes a row; {@link Answer#fill}
 * writes them.
 */
public final class Standings extends AbstractList<Standing> implements RandomAccess {
    private static final int WIDTH = 2;

    /** As in stapel.h: a kind and a count for each row, which the library fills in. */
    final byte[] bytes;

    /**
     * Standings of which nothing is known yet.
     *
     * @param rows the number of rows
     */
    public Standings(int rows) {
        bytes = new byte[Math.multiplyExact(rows, WIDTH)];
    }

    @Override
    public Standing get(int row) {
        Objects.checkIndex(row, size());
        return Standing.of(bytes[row * WIDTH], bytes[row * WIDTH + 1]);
    }

    @Override
    public int size() {
        return bytes.length / WIDTH;
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;

/**
 * Rows of addresses that were read, each with its canonical form or why it was refused. They never change: any number
 * of threads may use the same rows, and the same rows can be given to any number of calls. They outlive the partner
 * that they came from.
 */
public final class Addresses implements Iterable<AddressRow>, AutoCloseable {
    /** For the calls that take rows. */
    final Handle handle;

    private final int size;
    private final int refusedSize;

    Addresses(PointerByReference made) {
        handle = new Handle("the rows", made, Lib::stapel_addresses_free);
        Lib.SizeTByReference rows = new Lib.SizeTByReference();
        Lib.SizeTByReference refusedRows = new Lib.SizeTByReference();
        handle.use(pointer -> {
            StapelException.check(Lib.stapel_addresses_count(pointer, rows, refusedRows));
            return null;
        });
        size = rows.count();
        refusedSize = refusedRows.count();
    }

    /**
     * Reads rows of addresses as people write them, all in one call of the library.
     *
     * @param texts the addresses; null is as empty. One that is refused does not stop the others
     * @return the rows
     * @throws IllegalArgumentException over 2 GiB of texts
     */
    public static Addresses fromTexts(List<String> texts) {
        return fromTexts(texts, null);
    }

    /**
     * Reads rows of addresses as people write them, all in one call of the library.
     *
     * @param texts the addresses; null is as empty. One that is refused does not stop the others
     * @param references null, or the caller's own references, one for each row, which come back with the row
     * @return the rows
     * @throws IllegalArgumentException another number of references than of rows, or over 2 GiB of texts
     */
    public static Addresses fromTexts(List<String> texts, List<String> references) {
        return fromTexts(texts, references, null);
    }

    /**
     * Reads rows of addresses as people write them, as a register has them.
     *
     * @param texts the addresses; null is as empty. One that is refused does not stop the others. With a register a
     * text may be a BAG id, or lack its postcode
     * @param references null, or the caller's own references, one for each row, which come back with the row
     * @param register the register, or null
     * @return the rows
     * @throws IllegalArgumentException another number of references than of rows, or over 2 GiB of texts
     */
    public static Addresses fromTexts(List<String> texts, List<String> references, Register register) {
        try (Scratch scratch = new Scratch()) {
            Lib.Packed column = new Lib.Packed();
            scratch.put(column, texts.size(), texts::get, Scratch.lenient());
            Lib.Packed names = references(scratch, references, texts.size());
            return Register.use(register, pointer -> {
                PointerByReference made = new PointerByReference();
                StapelException.check(Lib.stapel_addresses_from_packed_texts(
                        pointer, column, names, new Lib.SizeT(texts.size()), made));
                return new Addresses(made);
            });
        }
    }

    /**
     * Reads rows of separate fields, all in one call of the library.
     *
     * @param fields the addresses
     * @param references null, or the caller's own references, one for each row, which come back with the row
     * @return the rows
     * @throws IllegalArgumentException another number of references than of rows, or over 2 GiB of texts
     */
    public static Addresses fromFields(List<AddressFields> fields, List<String> references) {
        return fromFields(fields, references, null);
    }

    /**
     * Reads rows of separate fields, as a register has them.
     *
     * @param fields the addresses; with a register, street and town are used where there is no postcode
     * @param references null, or the caller's own references, one for each row, which come back with the row
     * @param register the register, or null
     * @return the rows
     * @throws IllegalArgumentException another number of references than of rows, or over 2 GiB of texts
     */
    public static Addresses fromFields(List<AddressFields> fields, List<String> references, Register register) {
        int rows = fields.size();
        try (Scratch scratch = new Scratch()) {
            Lib.PackedFields columns = new Lib.PackedFields();
            scratch.put(columns.postcode, rows, row -> fields.get(row).postcode(), Scratch.lenient());
            scratch.put(columns.number, rows, row -> fields.get(row).number(), Scratch.lenient());
            scratch.put(columns.letter, rows, row -> fields.get(row).letter(), Scratch.lenient());
            scratch.put(columns.addition, rows, row -> fields.get(row).addition(), Scratch.lenient());
            scratch.put(columns.street, rows, row -> fields.get(row).street(), Scratch.lenient());
            scratch.put(columns.town, rows, row -> fields.get(row).town(), Scratch.lenient());
            Lib.Packed names = references(scratch, references, rows);
            return Register.use(register, pointer -> {
                PointerByReference made = new PointerByReference();
                StapelException.check(
                        Lib.stapel_addresses_from_packed_fields(pointer, columns, names, new Lib.SizeT(rows), made));
                return new Addresses(made);
            });
        }
    }

    /**
     * The house numbers that these homes are in, row by row, to ask about where the policy counts house numbers.
     *
     * @return rows with the same references, and the same ones refused
     */
    public Addresses numbers() {
        return handle.use(pointer -> {
            PointerByReference made = new PointerByReference();
            StapelException.check(Lib.stapel_addresses_numbers(pointer, made));
            return new Addresses(made);
        });
    }

    /**
     * The house numbers of the refused rows where only the home is not certain, to flag, withdraw or ask about where
     * the policy counts the level "number". They count for that number alone, and for no home.
     *
     * @return rows with the references and the texts of those rows; none of them refused. Of rows that were read with a
     * register, only the numbers at which it has an address
     */
    public Addresses refusedNumbers() {
        return handle.use(pointer -> {
            PointerByReference made = new PointerByReference();
            StapelException.check(Lib.stapel_addresses_refused_numbers(pointer, made));
            return new Addresses(made);
        });
    }

    /**
     * Some of the rows, each as it is: to withdraw one of {@link Partner#flags}, for example.
     *
     * @param indices their numbers, counted from 0
     * @return those rows, in that order
     */
    public Addresses pick(int... indices) {
        long[] rows = new long[indices.length];
        for (int at = 0; at < rows.length; at++) {
            rows[at] = Objects.checkIndex(indices[at], size);
        }
        return handle.use(pointer -> {
            PointerByReference made = new PointerByReference();
            StapelException.check(Lib.stapel_addresses_pick(pointer, rows, new Lib.SizeT(rows.length), made));
            return new Addresses(made);
        });
    }

    /**
     * How many rows there are.
     *
     * @return refused ones included
     */
    public int size() {
        return size;
    }

    /**
     * How many rows were refused.
     *
     * @return the number of {@link #refused}
     */
    public int refusedSize() {
        return refusedSize;
    }

    /**
     * How many rows were found in the register in each way.
     *
     * @return a number for each
     */
    public HowCounts howCounts() {
        return handle.use(pointer -> {
            Lib.HowCountsOut counts = new Lib.HowCountsOut();
            StapelException.check(Lib.stapel_addresses_how_counts(pointer, counts));
            return HowCounts.of(counts);
        });
    }

    /**
     * What became of a row.
     *
     * @param index its number, counted from 0
     * @return the row
     */
    public AddressRow get(int index) {
        Objects.checkIndex(index, size);
        return row(Lib::stapel_addresses_row, index, new Lib.RowOut());
    }

    /** All rows, in their order. {@link #canonicalForms} is faster where there are many. */
    @Override
    public Iterator<AddressRow> iterator() {
        return new Rows(Lib::stapel_addresses_row, size);
    }

    /**
     * The rows that were refused, without a look at the others.
     *
     * @return those rows, in their order
     */
    public Iterable<AddressRow> refused() {
        return () -> new Rows(Lib::stapel_addresses_refused_row, refusedSize);
    }

    /**
     * The canonical form of every row, in one call of the library.
     *
     * @return in the order of the rows; null for a refused row
     */
    public List<String> canonicalForms() {
        String lines = handle.use(pointer -> {
            PointerByReference made = new PointerByReference();
            StapelException.check(Lib.stapel_addresses_lines(pointer, made));
            return Scratch.takeText(made);
        });
        String[] forms = new String[size];
        int begin = 0;
        for (int row = 0; row < size; row++) {
            int end = lines.indexOf('\n', begin);
            forms[row] = end == begin ? null : lines.substring(begin, end);
            begin = end + 1;
        }
        return Collections.unmodifiableList(Arrays.asList(forms));
    }

    /** Frees the rows. Again, it does nothing. */
    @Override
    public void close() {
        handle.close();
    }

    private AddressRow row(RowCall call, int index, Lib.RowOut place) {
        return handle.use(pointer -> {
            StapelException.check(call.row(pointer, new Lib.SizeT(index), place));
            return place.row();
        });
    }

    private static Lib.Packed references(Scratch scratch, List<String> references, int rows) {
        if (references == null) {
            return null;
        }
        if (references.size() != rows) {
            throw new IllegalArgumentException(
                    "there are " + references.size() + " references for " + rows + " rows: give one for each");
        }
        Lib.Packed column = new Lib.Packed();
        scratch.put(column, rows, references::get, Scratch.strict());
        return column;
    }

    @FunctionalInterface
    private interface RowCall {
        int row(Pointer addresses, Lib.SizeT index, Lib.RowOut row);
    }

    private final class Rows implements Iterator<AddressRow> {
        private final RowCall call;
        private final int end;
        private final Lib.RowOut place = new Lib.RowOut();
        private int next;

        Rows(RowCall call, int end) {
            this.call = call;
            this.end = end;
        }

        @Override
        public boolean hasNext() {
            return next < end;
        }

        @Override
        public AddressRow next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return row(call, next++, place);
        }
    }
}

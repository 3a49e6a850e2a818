// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * The canonical forms of one address.
 *
 * @param unit that of the home: postcode, number and addition, as in "1012JS|1|A"
 * @param number that of the house number that it is in, as in "1012JS|1"
 */
public record Address(String unit, String number) {
    /**
     * Reads one address as people write it, or in the canonical form of a home.
     *
     * @param text such as "Dam 1-a, 1012 JS Amsterdam"
     * @return its canonical forms
     * @throws StapelException why it was refused
     */
    public static Address fromText(String text) {
        byte[] bytes = Scratch.utf8OfAddress(text);
        Lib.AddressOut address = new Lib.AddressOut();
        StapelException.check(Lib.stapel_address_from_text(bytes, Scratch.length(bytes), address));
        return of(address);
    }

    /**
     * Reads the separate fields of one address.
     *
     * @param fields the fields
     * @return its canonical forms
     * @throws StapelException why it was refused
     */
    public static Address fromFields(AddressFields fields) {
        try (Scratch scratch = new Scratch()) {
            Lib.Fields in = new Lib.Fields();
            scratch.put(in.postcode, fields.postcode());
            scratch.put(in.number, fields.number());
            scratch.put(in.letter, fields.letter());
            scratch.put(in.addition, fields.addition());
            Lib.AddressOut address = new Lib.AddressOut();
            StapelException.check(Lib.stapel_address_from_fields(in, address));
            return of(address);
        }
    }

    private static Address of(Lib.AddressOut out) {
        return new Address(Scratch.text(out.unit), Scratch.text(out.number));
    }
}

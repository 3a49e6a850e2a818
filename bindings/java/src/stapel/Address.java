// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import java.util.function.BiFunction;

/**
 * The canonical forms of one address.
 *
 * @param unit that of the home: postcode, number and addition, as in "1012JS|1|A"; of one without a postcode, its BAG
 * id
 * @param number that of the house number that it is in, as in "1012JS|1"; null for a home without a postcode
 * @param how how the register found it
 */
public record Address(String unit, String number, How how) {
    /**
     * Reads one address as people write it, or in the canonical form of a home.
     *
     * @param text such as "Dam 1-a, 1012 JS Amsterdam"
     * @return its canonical forms
     * @throws StapelException why it was refused; its number is that of the house, where that is certain
     */
    public static Address fromText(String text) {
        return fromText(text, null);
    }

    /**
     * Reads one address as people write it, as a register has it.
     *
     * @param text such as "Dam 1-a, 1012 JS Amsterdam"; with a register also "Dam 1-a, Amsterdam", or a BAG id
     * @param register the register, or null
     * @return its canonical forms, and how it was found
     * @throws StapelException why it was refused; its number is that of the house, where that is certain
     */
    public static Address fromText(String text, Register register) {
        byte[] bytes = Scratch.utf8OfAddress(text);
        return read(register, (pointer, address) ->
                Lib.stapel_address_from_text(pointer, bytes, Scratch.length(bytes), address));
    }

    /**
     * Reads the separate fields of one address.
     *
     * @param fields the fields
     * @return its canonical forms
     * @throws StapelException why it was refused; its number is that of the house, where that is certain
     */
    public static Address fromFields(AddressFields fields) {
        return fromFields(fields, null);
    }

    /**
     * Reads the separate fields of one address, as a register has it.
     *
     * @param fields the fields; with a register, street and town are used where there is no postcode
     * @param register the register, or null
     * @return its canonical forms, and how it was found
     * @throws StapelException why it was refused; its number is that of the house, where that is certain
     */
    public static Address fromFields(AddressFields fields, Register register) {
        try (Scratch scratch = new Scratch()) {
            Lib.Fields in = new Lib.Fields();
            scratch.put(in.postcode, fields.postcode());
            scratch.put(in.number, fields.number());
            scratch.put(in.letter, fields.letter());
            scratch.put(in.addition, fields.addition());
            scratch.put(in.street, fields.street());
            scratch.put(in.town, fields.town());
            return read(register, (pointer, address) -> Lib.stapel_address_from_fields(pointer, in, address));
        }
    }

    private static Address read(Register register, BiFunction<Pointer, Lib.AddressOut, Integer> call) {
        return Register.use(register, pointer -> {
            Lib.AddressOut out = new Lib.AddressOut();
            int status = call.apply(pointer, out);
            String number = Scratch.text(out.number);
            number = number.isEmpty() ? null : number;
            StapelException.check(status, number);
            return new Address(Scratch.text(out.unit), number, How.of(out.how));
        });
    }
}

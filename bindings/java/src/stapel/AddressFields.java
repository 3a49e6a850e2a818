// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * The separate fields of one address, as a register or a table has them. Any may be null or empty.
 *
 * @param postcode the postcode
 * @param number the house number (huisnummer)
 * @param letter the house letter (huisletter)
 * @param addition the house number's addition (huisnummertoevoeging)
 * @param street the street (openbare ruimte): with a register used where there is no postcode
 * @param town the town (woonplaats): as the street
 */
public record AddressFields(String postcode, String number, String letter, String addition, String street,
    String town) {
    /**
     * The fields of an address without street and town.
     *
     * @param postcode the postcode
     * @param number the house number
     * @param letter the house letter
     * @param addition the house number's addition
     */
    public AddressFields(String postcode, String number, String letter, String addition) {
        this(postcode, number, letter, addition, null, null);
    }

    /** Without what people wrote. */
    @Override
    public String toString() {
        return "AddressFields";
    }
}

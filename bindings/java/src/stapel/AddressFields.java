// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * The separate fields of one address, as a register or a table has them. Any may be null or empty.
 *
 * @param postcode the postcode
 * @param number the house number (huisnummer)
 * @param letter the house letter (huisletter)
 * @param addition the house number's addition (huisnummertoevoeging)
 */
public record AddressFields(String postcode, String number, String letter, String addition) {}

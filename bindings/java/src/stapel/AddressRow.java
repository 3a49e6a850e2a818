// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * What became of one row.
 *
 * @param row the number of the row, counted from 0
 * @param status 0, or the number that stapel.h gives to why it was refused
 * @param level what it names
 * @param how how the register found it
 * @param reference the caller's own reference; null where none were given
 * @param canonical the canonical form; null where it was refused
 * @param typed the address as it was given; null where it was refused
 * @param number the canonical form of the house number; null for a home without a postcode. A refused row has it where
 * it is certain: {@link Addresses#refusedNumbers} makes rows of these
 * @param field of a refused one, the field at fault: "postcode", "huisnummer", "huisletter", "toevoeging", "straat",
 * "woonplaats" or "line"; else null
 * @param message of a refused one, what was found and what would help; else null
 */
public record AddressRow(int row, int status, Level level, How how, String reference, String canonical, String typed,
    String number, String field, String message) {
    /** Without the reference, and without the address as it was given, in which people write more than one. */
    @Override
    public String toString() {
        return "AddressRow[row=" + row + ", status=" + status + ", level=" + level + ", how=" + how + ", canonical="
                + canonical + ", number=" + number + ", field=" + field + ", message=" + message + "]";
    }

    /**
     * Whether the address was refused: then it is left out of what is flagged and asked.
     *
     * @return whether it was
     */
    public boolean isRefused() {
        return status != 0;
    }

    /**
     * The stable code of why it was refused.
     *
     * @return such as "no_number"; "ok" where it was not refused
     */
    public String code() {
        return Stapel.codeOf(status);
    }
}

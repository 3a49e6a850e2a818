// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * An address as a register has it. Texts that it does not have are empty.
 *
 * @param canonical its canonical form
 * @param street the street (openbare ruimte)
 * @param town the town (woonplaats)
 * @param postcode the postcode; empty for an address without one
 * @param number the house number
 * @param letter the house letter
 * @param addition the house number's addition
 * @param id the id of the nummeraanduiding
 * @param object the id of the verblijfsobject, ligplaats or standplaats
 * @param building the id of the building (pand)
 * @param place where it is; null where the register has no coordinates
 * @param isSecondary whether it is a second address (nevenadres) of its object
 * @param isWithdrawn whether it was withdrawn
 */
public record RegisterEntry(
        String canonical,
        String street,
        String town,
        String postcode,
        int number,
        String letter,
        String addition,
        String id,
        String object,
        String building,
        Place place,
        boolean isSecondary,
        boolean isWithdrawn) {
    /**
     * A place on earth, in degrees (ETRS89).
     *
     * @param latitude the latitude
     * @param longitude the longitude
     */
    public record Place(double latitude, double longitude) {}

    static RegisterEntry of(Lib.RegisterEntryOut out) {
        return new RegisterEntry(
                out.canonical.text(),
                out.street.text(),
                out.town.text(),
                out.postcode.text(),
                out.number,
                out.letter.text(),
                out.addition.text(),
                out.id.text(),
                out.object.text(),
                out.building.text(),
                Double.isNaN(out.latitude) ? null : new Place(out.latitude, out.longitude),
                out.isSecondary != 0,
                out.isWithdrawn != 0);
    }
}

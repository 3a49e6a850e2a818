// SPDX-License-Identifier: EUPL-1.2
package stapel;

/** How an address was found in a register. */
public enum How {
    /** It was read without a register, or refused. */
    NONE,
    /** As it was given; the register has it. */
    REGISTERED,
    /** By its BAG id. */
    BY_ID,
    /** From street, number and town, which only one address has. */
    COMPLETED,
    /** By the name of its street, without which it could not be told which number is the house's. */
    STREET,
    /** The register has only another spelling of that floor, as H for hs. */
    OTHER_SPELLING,
    /** As it was given; the register has no such address. */
    UNREGISTERED,
    /** As it was given; the register says that the address was withdrawn. */
    WITHDRAWN;

    private static final How[] ALL = values();

    static How of(int number) {
        return ALL[number];
    }
}

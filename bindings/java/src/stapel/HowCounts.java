// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * How many rows were found in a register in each way. All are 0 where none was given.
 *
 * @param registered as they were given
 * @param byId by their BAG ids
 * @param completed from street, number and town
 * @param street by the names of their streets
 * @param otherSpelling in another spelling
 * @param unregistered that the register does not have: show these to somebody, for they are flagged and asked about as
 * they were given
 * @param withdrawn that were withdrawn: show these too
 */
public record HowCounts(int registered, int byId, int completed, int street, int otherSpelling, int unregistered,
    int withdrawn) {
    static HowCounts of(Lib.HowCountsOut out) {
        return new HowCounts(
                out.registered.intValue(),
                out.byId.intValue(),
                out.completed.intValue(),
                out.street.intValue(),
                out.otherSpelling.intValue(),
                out.unregistered.intValue(),
                out.withdrawn.intValue());
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * What a call changed over the partner's flags.
 *
 * @param added addresses that were not flagged before
 * @param altered addresses that were flagged, with another last valid day now
 * @param withdrawn addresses that were flagged, and are no longer
 * @param unchanged addresses that are as they were
 * @param lapsed addresses that were not flagged: their flag ended within the last 30 days, and only a renewal lets it
 * go on
 * @param refused rows that were left out, because their addresses were refused when they were read
 * @param repeated rows of which another row names the same address: each address counts once
 */
public record Changed(long added, long altered, long withdrawn, long unchanged, long lapsed, long refused,
        long repeated) {
    static Changed of(Lib.ChangedOut out) {
        return new Changed(out.added, out.changed, out.withdrawn, out.unchanged, out.lapsed, out.refused, out.repeated);
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import java.time.Instant;

/**
 * Where a partner stands with the broker.
 *
 * @param release the release in force
 * @param asOf when it took place
 * @param until no release takes place before this moment, unless a policy is adopted
 * @param acceptedState the number of the last state message that was accepted; 0 for none
 * @param highestState the highest state number that was used
 * @param highestQuestion the highest question number that was used
 * @param held flags that the broker holds of the partner in this epoch
 * @param newFlagsLeft what is left of its organisation's budget of new flags today; all budgets are the organisation's
 * @param firstSetsLeft how many flags beyond these first full sets of the organisation's partners may bring in this
 * epoch
 * @param heldLeft how many flags more the organisation may hold in this epoch
 * @param askedLeftToday what is left of today's budget of addresses asked
 * @param askedLeftEpoch what is left of the epoch's budget of addresses asked
 * @param sweptLeftToday what is left of today's budget of addresses swept
 * @param statusLeftToday what is left of today's budget of status requests
 * @param fullSetRequired whether the next delivery must be a full set; it will be one
 * @param complaint null, or what is wrong with what the broker said. The evidence is in files in the
 * partner's folder
 * @param log the line of the broker's audit log
 */
public record Position(
        long release,
        Instant asOf,
        Instant until,
        long acceptedState,
        long highestState,
        long highestQuestion,
        long held,
        long newFlagsLeft,
        long firstSetsLeft,
        long heldLeft,
        long askedLeftToday,
        long askedLeftEpoch,
        long sweptLeftToday,
        long statusLeftToday,
        boolean fullSetRequired,
        Complaint complaint,
        LogEntry log)
        implements Reply {
    /**
     * What is wrong with what the broker said.
     *
     * @param code "log_inconsistent", "checkpoint" or "unannounced_restore" for its audit log, "false_introduction" or
     * "late_introduction" for whom it introduced
     * @param text what was found, and what to do
     */
    public record Complaint(String code, String text) {}

    @Override
    public Kind kind() {
        return Kind.STATUS;
    }

    static Position of(Pointer reply) {
        Lib.PositionOut out = new Lib.PositionOut();
        StapelException.check(Lib.stapel_reply_status(reply, out));
        return new Position(
                out.release,
                Scratch.moment(out.asOf),
                Scratch.moment(out.until),
                out.acceptedState,
                out.highestState,
                out.highestQuestion,
                Integer.toUnsignedLong(out.held),
                Integer.toUnsignedLong(out.newFlagsLeft),
                Integer.toUnsignedLong(out.firstSetsLeft),
                Integer.toUnsignedLong(out.heldLeft),
                Integer.toUnsignedLong(out.askedLeftToday),
                Integer.toUnsignedLong(out.askedLeftEpoch),
                Integer.toUnsignedLong(out.sweptLeftToday),
                Integer.toUnsignedLong(out.statusLeftToday),
                out.fullSetRequired != 0,
                out.complaint == 0 ? null : new Complaint(Stapel.codeOf(out.complaint), out.complaintText.text()),
                LogEntry.of(out.log));
    }
}

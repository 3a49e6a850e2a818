// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;

/**
 * What the broker said of what comes after a hit. What its kind does not speak of is 0.
 *
 * @param kind what it is: KEPT, POSTED or TOTALS
 * @param kept how many of the addresses put forward the broker keeps
 * @param unflagged how many it does not keep, because it holds no flag of the partner there
 * @param added how many of those that it keeps are new
 * @param newLeft how many new ones the organisation may put forward today still
 * @param heldLeft how many more the organisation may have put forward in this epoch
 * @param news how much is new, such as an introduction or a note
 * @param passedOver how much was passed over, because it is not for this partner or does not open
 * @param more whether more waits
 * @param complaint null, or what is wrong with an introduction. The evidence is in files in the partner's folder
 * @param log the line of the broker's audit log
 * @param totals of TOTALS what it tells; else null
 */
public record Talked(
        Reply.Kind kind,
        long kept,
        long unflagged,
        long added,
        long newLeft,
        long heldLeft,
        long news,
        long passedOver,
        boolean more,
        Position.Complaint complaint,
        LogEntry log,
        Totals totals)
        implements Reply {
    static Talked of(Pointer reply, Reply.Kind kind) {
        Lib.TalkedOut out = new Lib.TalkedOut();
        StapelException.check(Lib.stapel_reply_talked(reply, out));
        String code = out.complaint == 0 ? null : Stapel.codeOf(out.complaint);
        return new Talked(
                kind,
                Integer.toUnsignedLong(out.kept),
                Integer.toUnsignedLong(out.unflagged),
                Integer.toUnsignedLong(out.added),
                Integer.toUnsignedLong(out.newLeft),
                Integer.toUnsignedLong(out.heldLeft),
                Integer.toUnsignedLong(out.news),
                Integer.toUnsignedLong(out.passedOver),
                out.more != 0,
                code == null ? null : new Position.Complaint(code, out.complaintText.text()),
                LogEntry.of(out.log),
                kind == Reply.Kind.TOTALS ? Totals.of(reply) : null);
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;

/**
 * Why a message was not accepted.
 *
 * @param kind whether it is a rejection, one that came late, or a hint
 * @param status why: the number that stapel.h gives it
 * @param next what to do
 * @param number what the status says that it is: the state number expected, the lowest number still free, what is left
 * of a budget
 * @param sentence what was wrong and what to do, in English, as the broker says it
 * @param log the line of the broker's audit log
 */
public record Rejection(Reply.Kind kind, int status, Next next, long number, String sentence,
    LogEntry log) implements Reply {
    /** What to do after a rejection. */
    public enum Next {
        /** Nothing: it was no longer waited for, or nobody signed it. */
        NOTHING,
        /** Deliver or ask again: what was wrong is put right in the next message. */
        AGAIN,
        /** Send the same bytes again later. */
        RESEND,
        /** Fetch the policy in force, adopt it, and deliver or ask again. */
        FETCH_POLICY,
        /**
         * Deliver again, which says as much as the budgets take and the rest later, or ask about less. A day's budgets
         * are new at 00:00 UTC, an epoch's with the next epoch.
         */
        WAIT,
        /** See whether the set is complete, and say that its shrinking is meant. */
        DECLARE_SHRINK,
        /** Look at the flags again, and renew those that are still right. */
        RENEW,
        /** Set this side's clock right; where it is, the message came too late. */
        SET_CLOCK,
        /** Ask the coordinator: this software, the roster and the broker do not agree. */
        ASK_COORDINATOR,
        /** Withdraw the flags that cannot be renewed any more, or give them an earlier last valid day. */
        END
    }

    /**
     * Why: the stable code.
     *
     * @return such as "over_budget"
     */
    public String code() {
        return Stapel.codeOf(status);
    }

    static Rejection of(Pointer reply, Reply.Kind kind) {
        Lib.RejectionOut out = new Lib.RejectionOut();
        StapelException.check(Lib.stapel_reply_rejection(reply, out));
        return new Rejection(
                kind, out.status, Next.values()[out.next], out.number, out.sentence.text(), LogEntry.of(out.log));
    }
}

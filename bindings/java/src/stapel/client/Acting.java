// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * Who acts, and for which case; each 1 to 200 characters on one line. Stays in the partner's own journal.
 *
 * @param actor the acting user, as the caller's own system names them
 * @param case_ the reference of the case
 * @param traceparent that of the action of the caller's own program (W3C Trace Context), for its logs: the records of
 *     what is done here name it as theirs; null where there is none. One that is in no such form counts for none
 */
public record Acting(String actor, String case_, String traceparent) {
    /**
     * Neither actor nor case is null.
     *
     * @param actor the acting user
     * @param case_ the reference of the case
     * @param traceparent that of the action of the caller's own program, or null
     */
    public Acting {
        Objects.requireNonNull(actor, "actor");
        Objects.requireNonNull(case_, "case_");
    }

    /**
     * Without the action of the caller's own program.
     *
     * @param actor the acting user
     * @param case_ the reference of the case
     */
    public Acting(String actor, String case_) {
        this(actor, case_, null);
    }

    /** The names of its fields alone: a log is to have nothing of them. */
    @Override
    public String toString() {
        return Discreet.names(this);
    }
}

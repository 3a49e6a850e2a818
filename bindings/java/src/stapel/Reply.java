// SPDX-License-Identifier: EUPL-1.2
package stapel;

/** A reply that was read. It never changes, and outlives the partner that read it. */
public sealed interface Reply extends AutoCloseable permits Receipt, Answer, Position, Rejection, Talked,
    OtherReply {
    /** What a reply is. */
    enum Kind {
        /** One that this version of the library does not know: an {@link OtherReply}. */
        OTHER,
        /** The broker accepted what was delivered: a {@link Receipt}. */
        RECEIPT,
        /** It answered a question: an {@link Answer}. */
        ANSWER,
        /** Where the partner stands: a {@link Position}. */
        STATUS,
        /** It did not accept a message: a {@link Rejection}. */
        REJECTION,
        /** It did not accept a message that the partner no longer waited for; nothing changed: a {@link Rejection}. */
        LATE,
        /**
         * Somebody, perhaps the broker, says that a message was not accepted, and could not sign that. Nothing changed:
         * if it is true, the message, the roster or the carrier needs a look; if not, the right reply is still to come:
         * a {@link Rejection}.
         */
        HINT,
        /** The broker keeps what is put forward, or the report of a year: a {@link Talked}. */
        KEPT,
        /** What waited at the broker of what comes after a hit, such as introductions and notes: a {@link Talked}. */
        POSTED,
        /** How many of the organisation's flags are stacked: a {@link Talked}. */
        TOTALS
    }

    /**
     * What it is.
     *
     * @return the kind
     */
    Kind kind();

    /** Frees an answer; the others hold nothing. */
    @Override
    default void close() {}
}

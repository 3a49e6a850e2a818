// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;
import java.util.List;

/**
 * Something new of what comes after a hit.
 *
 * @param kind what it is
 * @param conversation the number of the conversation that it is in; 0 where it is in none
 * @param partner who was introduced, wrote or left, or whose certificate is missing: its number in the roster; 0 where
 *     it is nobody
 * @param name its name in the roster, or null
 * @param canonical the canonical form of the address, also of what is in a conversation; null at the coordinator, and
 *     where it is about no address
 * @param typed the address as it was written when it was flagged; null where there was no text
 * @param answerBy of ASKED the last day on which an answer is in time; else null
 * @param actor who put the address forward here last; null where nobody did
 * @param caseReference for which case; null where nobody put it forward
 * @param more of ROW_WIDER the organisations, by their short names, that the policy lets know too
 */
public record TalkNews(
        Kind kind,
        long conversation,
        int partner,
        String name,
        String canonical,
        String typed,
        LocalDate answerBy,
        String actor,
        String caseReference,
        List<String> more) {
    /** What is new. */
    public enum Kind {
        /** Something that this version of the library does not know. */
        OTHER,
        /** Somebody put forward what this partner flags too: {@link Partner#answer}. */
        ASKED,
        /** This partner was introduced to another. */
        INTRODUCED,
        /** A note came. */
        NOTE,
        /** The coordinator decided. */
        DECISION,
        /** Another left. */
        LEFT,
        /** What is put forward ended with its epoch: it is put forward again. */
        ROW_ENDED,
        /** The policy lets more know of it than was agreed to: it is put forward again. */
        ROW_WIDER,
        /** Something of another was passed over, because no certificate of it came: ask its organisation why. */
        NEVER_CERTIFIED,
        /** A note of another was passed over, because its writer may not say what it says. */
        REFUSED,
        /**
         * Something of another could not be read here, and was passed over; it does not know: ask its organisation to
         * write anew.
         */
        UNREADABLE
    }

    /** Without the address as it was written, and who put it forward. */
    @Override
    public String toString() {
        return "TalkNews[kind=" + kind + ", conversation=" + conversation + ", partner=" + partner + ", canonical="
                + canonical + "]";
    }

    static TalkNews of(Lib.TalkNewsOut out) {
        return new TalkNews(Kind.values()[out.kind], Integer.toUnsignedLong(out.conversation),
                Short.toUnsignedInt(out.partner), out.name.text(), out.canonical.text(), out.typed.text(),
                out.answerBy.day(), out.actor.text(), out.caseReference.text(), out.more.names());
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;

/**
 * Something new of what comes after a hit.
 *
 * @param kind what it is
 * @param conversation the number of the conversation that it is in; 0 where it is in none
 * @param partner who was introduced, wrote or left: its number in the roster; 0 where it is nobody
 * @param name its name in the roster, or null
 * @param canonical of what is in no conversation the canonical form of the address; else null
 * @param typed of what is in no conversation the address as it was written when it was flagged; null where there was
 *     no text
 * @param answerBy of ASKED the last day on which an answer is in time; else null
 */
public record TalkNews(
        Kind kind,
        long conversation,
        int partner,
        String name,
        String canonical,
        String typed,
        LocalDate answerBy) {
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
        ROW_WIDER
    }

    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "TalkNews[kind=" + kind + ", conversation=" + conversation + ", partner=" + partner + ", canonical="
                + canonical + "]";
    }

    static TalkNews of(Lib.TalkNewsOut out) {
        return new TalkNews(Kind.values()[out.kind], Integer.toUnsignedLong(out.conversation),
                Short.toUnsignedInt(out.partner), out.name.text(), out.canonical.text(), out.typed.text(),
                out.answerBy.day());
    }
}

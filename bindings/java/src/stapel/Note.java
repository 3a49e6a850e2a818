// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;

/**
 * A note in a conversation. What its kind does not have is null, or of a number 0.
 *
 * @param kind what it is
 * @param from who wrote it: its number in the roster; 0 for this partner
 * @param lead of LEAD and DECISION who leads; 0 where a decision leaves that as it is
 * @param time when it was written, by its writer's clock
 * @param text what it says
 * @param canonical of ADDRESS the canonical form
 * @param typed of ADDRESS the address as it was written
 * @param outcome of OUTCOME how it ended, as {@link Conversation#outcome} says it
 * @param next of DECISION the day on which it is looked at next
 * @param copies of an own note to whom it goes, and how far it came
 */
public record Note(
        Kind kind,
        int from,
        int lead,
        Instant time,
        String text,
        String canonical,
        String typed,
        String outcome,
        LocalDate next,
        List<Copy> copies) {
    /** What a note is. */
    public enum Kind {
        /** One that this version of the library does not know. */
        OTHER,
        /** A text. */
        TEXT,
        /** Which address the conversation is about: what the coordinator is told. */
        ADDRESS,
        /** Who leads from now on. */
        LEAD,
        /** How it ended. */
        OUTCOME,
        /** What the coordinator decided. */
        DECISION
    }

    /** How far an own note came. */
    public enum Progress {
        /** In a way that this version of the library does not know. */
        OTHER,
        /** It goes with one of the next exchanges. */
        WAITING,
        /** The broker did not take it on that day; it goes on the next. */
        PUT_OFF,
        /** The broker has it. */
        KEPT,
        /** The other says that it read it. */
        READ,
        /** The broker did not take it: one of the two left. */
        NOT_INTRODUCED
    }

    /**
     * An own note to one partner.
     *
     * @param to whom it is for: its number in the roster
     * @param progress how far it came
     * @param putOff of PUT_OFF the day; else null
     * @param reason of PUT_OFF why: "day_spent" or "too_many_wait"; else null
     */
    public record Copy(int to, Progress progress, LocalDate putOff, String reason) {
        static Copy of(Lib.NoteCopyOut out) {
            return new Copy(Short.toUnsignedInt(out.to), Progress.values()[out.progress], out.putOff.day(),
                    out.reason.text());
        }
    }

    /** Without what it says. */
    @Override
    public String toString() {
        return "Note[kind=" + kind + ", from=" + from + ", lead=" + lead + ", time=" + time + ", copies=" + copies
                + "]";
    }

    static Note of(Lib.NoteOut out, List<Copy> copies) {
        return new Note(Kind.values()[out.kind], Short.toUnsignedInt(out.from), Short.toUnsignedInt(out.lead),
                Scratch.moment(out.time), out.text.text(), out.canonical.text(), out.typed.text(), out.outcome.text(),
                out.next.day(), copies);
    }
}

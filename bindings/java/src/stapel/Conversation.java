// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;

/**
 * All that those who were introduced over one address said to each other. What is not there is null, or of a number 0.
 *
 * @param number by which it is written in and left; it is this partner's own
 * @param epoch the epoch in which it began
 * @param canonical the canonical form of the address; null at the coordinator, who has it from a note
 * @param typed as it was written here when it was flagged
 * @param began the day of its first introduction
 * @param lead who leads: its number in the roster
 * @param outcome how it ended, as was said last: taken_up_together, taken_up_by_one, not_taken_up, nothing_found or
 *     wrong_signal
 * @param decision what the coordinator decided last
 * @param decidedAt when it decided that
 * @param next the day on which it is looked at next
 * @param left the day on which this partner left
 * @param introduced whom this partner was introduced to, in that order
 * @param notes what was written, own notes and others', in the order in which it came
 */
public record Conversation(
        long number,
        long epoch,
        String canonical,
        String typed,
        LocalDate began,
        int lead,
        String outcome,
        String decision,
        Instant decidedAt,
        LocalDate next,
        LocalDate left,
        List<Introduced> introduced,
        List<Note> notes) {
    /** Without the address as it was written, and what was decided. */
    @Override
    public String toString() {
        return "Conversation[number=" + number + ", canonical=" + canonical + ", began=" + began + ", lead=" + lead
                + ", outcome=" + outcome + ", introduced=" + introduced + ", notes=" + notes + "]";
    }

    static Conversation of(Lib.ConversationOut out, List<Introduced> introduced, List<Note> notes) {
        return new Conversation(Integer.toUnsignedLong(out.number), Integer.toUnsignedLong(out.epoch),
                out.canonical.text(), out.typed.text(), out.began.day(), Short.toUnsignedInt(out.lead),
                out.outcome.text(), out.decision.text(), out.decidedAt == 0 ? null : Scratch.moment(out.decidedAt),
                out.next.day(), out.left.day(), introduced, notes);
    }
}

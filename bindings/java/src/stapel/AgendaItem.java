// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;
import java.util.List;

/**
 * A conversation on the coordinator's agenda, or one that was. What is not there is null, or of a number 0.
 *
 * @param conversation the number of the conversation
 * @param isNew whether the coordinator wrote nothing in it yet
 * @param began the day of its first introduction
 * @param waitingSince since which day it waits for the coordinator
 * @param waitsFor for what: "first_decision", "joined", "note", "next_day" or "leader_left"; null where it
 *     does not wait
 * @param ended why it is on the agenda no longer: "all_said", "closed", "all_left" or "coordinator_left"; null where it
 *     is on it
 * @param endedOn since which day that is so
 * @param lead who leads: its number in the roster
 * @param decision what was decided last
 * @param next when it is looked at next
 * @param outcome how it ended, as {@link Conversation#outcome} says it
 * @param joined who joined, in that order, without those who left
 * @param left who joined and left again
 * @param addresses the addresses that notes said it is about, each once
 */
public record AgendaItem(
        long conversation,
        boolean isNew,
        LocalDate began,
        LocalDate waitingSince,
        String waitsFor,
        String ended,
        LocalDate endedOn,
        int lead,
        String decision,
        LocalDate next,
        String outcome,
        List<Introduced> joined,
        List<Introduced> left,
        List<Place> addresses) {
    /**
     * An address that a note said.
     *
     * @param canonical the canonical form
     * @param typed as it was written; null where there was no text
     */
    public record Place(String canonical, String typed) {
        /** Without the address as it was written: in such texts people write more than an address. */
        @Override
        public String toString() {
            return "Place[canonical=" + canonical + "]";
        }

        static Place of(Lib.AgendaPlaceOut out) {
            return new Place(out.canonical.text(), out.typed.text());
        }
    }

    /** Without the addresses, and what was decided. */
    @Override
    public String toString() {
        return "AgendaItem[conversation=" + conversation + ", isNew=" + isNew + ", began=" + began + ", waitingSince="
                + waitingSince + ", waitsFor=" + waitsFor + ", ended=" + ended + ", lead=" + lead + ", next=" + next
                + ", outcome=" + outcome + ", joined=" + joined + "]";
    }

    static AgendaItem of(Lib.AgendaOut out, List<Introduced> joined, List<Introduced> left, List<Place> addresses) {
        return new AgendaItem(Integer.toUnsignedLong(out.conversation), out.isNew != 0, out.began.day(),
                out.waitingSince.day(), out.waitsFor.text(), out.ended.text(), out.endedOn.day(),
                Short.toUnsignedInt(out.lead), out.decision.text(), out.next.day(), out.outcome.text(), joined, left,
                addresses);
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.time.LocalDate;

/**
 * An own flag that somebody else put forward. Who did is not said.
 *
 * @param canonical the canonical form of the address
 * @param typed as it was written when it was flagged; null where there was no text
 * @param level whether it is of a home or of a house number
 * @param day the day on which that was decided
 * @param answerBy the last day on which an answer is in time; a later one is no less an answer
 * @param answer what was answered: join, not_now or review; null where nothing was yet
 * @param answered the day of the answer, or null
 * @param isPutForward whether it is put forward here too
 */
public record PutForwardByOther(
        String canonical,
        String typed,
        Level level,
        LocalDate day,
        LocalDate answerBy,
        String answer,
        LocalDate answered,
        boolean isPutForward) {
    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "PutForwardByOther[canonical=" + canonical + ", day=" + day + ", answerBy=" + answerBy + ", answer="
                + answer + "]";
    }

    static PutForwardByOther of(Lib.AskedOut out) {
        return new PutForwardByOther(out.canonical.text(), out.typed.text(), Level.of(out.level), out.day.day(),
                out.answerBy.day(), out.answer.text(), out.answered.day(), out.isPutForward != 0);
    }
}

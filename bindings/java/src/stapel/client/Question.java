// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.List;
import java.util.Objects;

/**
 * A question, and what came of it so far.
 *
 * @param request the caller's name of it
 * @param state what became of it
 * @param answers what was answered so far; a large question has several
 * @param notAccepted why it was not accepted; null where it was, or waits
 * @param repeated rows that repeat the address of another
 * @param refused rows that were refused
 * @param rows what became of each row that was given, in their order
 */
public record Question(
    String request, QuestionState state, List<Answer> answers, NotAccepted notAccepted, int repeated, int refused,
    List<RowResult> rows) {
    /** Refuses a reply that lacks what it must have. */
    public Question {
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(state, "state");
        answers = List.copyOf(answers);
        // Of a question that was asked before there are none.
        rows = rows == null ? List.of() : List.copyOf(rows);
    }
}

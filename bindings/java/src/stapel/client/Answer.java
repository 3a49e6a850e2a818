// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * The broker's answer to a question, or to a part of a large one.
 *
 * @param epoch the epoch of the question
 * @param release the release that it speaks of
 * @param asOf when that release took place
 * @param until until then the same question has the same answer
 * @param organisations how many organisations may flag
 * @param fresh how many of them were fresh at that release
 * @param rows the addresses, in the order in which they were asked
 */
public record Answer(
    int epoch, long release, Instant asOf, Instant until, int organisations, int fresh, List<AnswerRow> rows) {
    /** Refuses a reply that lacks what it must have. */
    public Answer {
        Objects.requireNonNull(asOf, "asOf");
        Objects.requireNonNull(until, "until");
        rows = List.copyOf(rows);
    }
}

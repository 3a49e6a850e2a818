// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.Instant;
import java.util.Objects;

/**
 * The records that the journal no longer has.
 *
 * @param records how many
 * @param from when the first of them was written
 * @param to when the last of them was written
 */
public record Pruned(long records, Instant from, Instant to) {
    /** Refuses a reply that lacks what it must have. */
    public Pruned {
        Objects.requireNonNull(from, "from");
        Objects.requireNonNull(to, "to");
    }
}

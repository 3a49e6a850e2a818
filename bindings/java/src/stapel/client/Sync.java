// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.Instant;
import java.util.Objects;

/**
 * How the exchange with the broker goes.
 *
 * @param state "off", "waiting" or "running"
 * @param lastRun when the last run ended; null before the first
 * @param lastCode the code of what went wrong in it; null where nothing did
 * @param lastDone when the last run ended in which nothing went wrong; null before the first
 */
public record Sync(String state, Instant lastRun, String lastCode, Instant lastDone) {
    /** Refuses a reply that lacks what it must have. */
    public Sync {
        Objects.requireNonNull(state, "state");
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.Instant;
import java.util.Objects;

/**
 * How it goes; numbers alone.
 *
 * @param partner its number in the roster
 * @param policyVersion the policy's version
 * @param policy the policy's digest
 * @param flags how many flags there are
 * @param undelivered how many of them are in no delivery yet
 * @param waiting messages whose replies are waited for
 * @param journalRecords how many records the journal has
 * @param journalHead the head of its chain
 * @param complaints how many complaints there are about the broker's log
 * @param hasRegister whether rows are looked up in a register of addresses
 * @param countsHouseNumbers whether the policy counts house numbers
 * @param sync how the exchange with the broker goes
 */
public record Status(
    int partner, int policyVersion, String policy, long flags, long undelivered, Waiting waiting, long journalRecords,
    String journalHead, int complaints, boolean hasRegister, boolean countsHouseNumbers, Sync sync) {
    /** Refuses a reply that lacks what it must have. */
    public Status {
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(waiting, "waiting");
        Objects.requireNonNull(sync, "sync");
    }

    /**
     * Messages whose replies are waited for.
     *
     * @param flags messages of what is flagged
     * @param questions questions
     * @param status requests where this partner stands
     */
    public record Waiting(int flags, int questions, int status) {
    }

    /**
     * How the exchange with the broker goes.
     *
     * @param state "off", "waiting" or "running"
     * @param lastRun when the last run ended; null before the first
     * @param lastCode the code of what went wrong in it; null where nothing did
     * @param lastDone when the last run ended in which nothing went wrong; null before the first
     */
    public record Sync(String state, Instant lastRun, String lastCode, Instant lastDone) {
    }
}

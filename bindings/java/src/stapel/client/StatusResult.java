// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * How it goes; numbers and days alone.
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
 * @param afterHit what waits after a hit
 */
public record StatusResult(
    int partner, int policyVersion, String policy, long flags, long undelivered, Waiting waiting, long journalRecords,
    String journalHead, int complaints, boolean hasRegister, boolean countsHouseNumbers, Sync sync, Due afterHit) {
    /** Refuses a reply that lacks what it must have. */
    public StatusResult {
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(waiting, "waiting");
        Objects.requireNonNull(sync, "sync");
        Objects.requireNonNull(afterHit, "afterHit");
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.annotations.SerializedName;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;

/**
 * What was done with an address.
 *
 * @param entries what was done, oldest first
 * @param pruned the records that the journal no longer has; null where it has all
 */
public record Dossier(List<Entry> entries, Pruned pruned) {
    /** Refuses a reply that lacks what it must have. */
    public Dossier {
        entries = List.copyOf(entries);
    }

    /**
     * The records that the journal no longer has.
     *
     * @param records how many
     * @param from when the first of them was written
     * @param to when the last of them was written
     */
    public record Pruned(long records, Instant from, Instant to) {
    }

    /**
     * What was done once. What an event does not have is null.
     *
     * @param record the number of the journal's record
     * @param time when
     * @param event what: "flagged", "renewed", "asked", and others
     * @param address the address
     * @param level whether it is a home or a house number
     * @param typed as it was written then
     * @param actor who did it
     * @param reference for which case
     * @param caller how the call came in
     * @param uid the number of the local user, where the kernel named one
     * @param lastDay of a flag
     * @param reason why it was renewed
     * @param epoch of a question
     * @param number of a question
     * @param sweep the reason of a sweep
     * @param standing what was answered
     * @param count how many organisations flag it, exactly
     * @param atLeast how many organisations flag it at least
     * @param release the release that the answer speaks of
     * @param asOf when that release took place
     */
    public record Entry(
            long record,
            Instant time,
            String event,
            String address,
            Level level,
            String typed,
            String actor,
            @SerializedName("case") String reference,
            String caller,
            Long uid,
            LocalDate lastDay,
            String reason,
            Integer epoch,
            Long number,
            String sweep,
            Standing.Kind standing,
            Integer count,
            Integer atLeast,
            Long release,
            Instant asOf) {
        /** Refuses a reply that lacks what it must have. */
        public Entry {
            Objects.requireNonNull(time, "time");
            Objects.requireNonNull(event, "event");
            Objects.requireNonNull(address, "address");
        }

        /** Without what people wrote, and the reference of the case. */
        @Override
        public String toString() {
            return "Entry[record=" + record + ", time=" + time + ", event=" + event + ", address=" + address
                    + ", actor=" + actor + "]";
        }
    }
}

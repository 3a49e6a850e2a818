// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.annotations.SerializedName;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;

/**
 * What was done with an address once. What an event does not have is null.
 *
 * @param record the number of the journal's record
 * @param time when
 * @param event what: "flagged", "renewed", "asked", and others
 * @param address the address
 * @param level whether it is a home or a house number
 * @param typed as it was written then
 * @param actor who did it
 * @param case_ for which case
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
 * @param conversations after a hit: in which of this partner's
 * @param to the numbers of the partners that a note was written to
 */
public record DossierEntry(
        long record,
        Instant time,
        String event,
        String address,
        Level level,
        String typed,
        String actor,
        @SerializedName("case") String case_,
        String caller,
        Long uid,
        LocalDate lastDay,
        String reason,
        Integer epoch,
        Long number,
        String sweep,
        Standing standing,
        Integer count,
        Integer atLeast,
        Long release,
        Instant asOf,
        List<Integer> conversations,
        List<Integer> to) {
    /** Refuses a reply that lacks what it must have. */
    public DossierEntry {
        Objects.requireNonNull(time, "time");
        Objects.requireNonNull(event, "event");
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(level, "level");
    }

    /** The names of its fields alone: a log is to have nothing of them. */
    @Override
    public String toString() {
        return Discreet.names(this);
    }
}

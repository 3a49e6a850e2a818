// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.annotations.SerializedName;
import java.util.List;
import java.util.Objects;

/**
 * What changed, until it is marked as seen.
 *
 * @param mark what tells this news from other news; null where there is none
 * @param news what changed, ascending by address
 */
public record News(String mark, List<Row> news) {
    /** Refuses a reply that lacks what it must have. */
    public News {
        news = List.copyOf(news);
    }

    /** How the standing of an own flag changed. */
    public enum Change {
        /** It is stacked now. */
        @SerializedName("newly_stacked")
        NEWLY_STACKED,
        /** It was stacked, and another number of organisations flag it now. */
        @SerializedName("count_changed")
        COUNT_CHANGED,
        /** It was stacked, and is no longer. */
        @SerializedName("no_longer_stacked")
        NO_LONGER_STACKED
    }

    /**
     * How many organisations flag an address; both are null where that is not shown.
     *
     * @param count exactly
     * @param atLeast at least
     */
    public record Told(Integer count, Integer atLeast) {
    }

    /**
     * An own flag whose standing changed.
     *
     * @param address the address
     * @param level whether it is a home or a house number
     * @param typed as it was written; null where there was no text
     * @param change how it changed
     * @param before what was told before; null where it was not stacked
     * @param now what is told now; null where it is not stacked
     */
    public record Row(String address, Level level, String typed, Change change, Told before, Told now) {
        /** Refuses a reply that lacks what it must have. */
        public Row {
            Objects.requireNonNull(address, "address");
            Objects.requireNonNull(change, "change");
        }

        /** Without the address as it was written: in such texts people write more than an address. */
        @Override
        public String toString() {
            return "Row[address=" + address + ", level=" + level + ", change=" + change + ", before=" + before
                    + ", now=" + now + "]";
        }
    }
}

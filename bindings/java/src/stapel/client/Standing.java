// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.annotations.SerializedName;
import java.util.Locale;
import java.util.Objects;

/**
 * What was answered about an address.
 *
 * @param address the address
 * @param level whether it is a home or a house number
 * @param typed as it was written; null where there was no text
 * @param standing what the answer says
 * @param count how many organisations flag it, exactly; null where that is not shown
 * @param atLeast how many organisations flag it at least; null where that is not shown
 */
public record Standing(String address, Level level, String typed, Kind standing, Integer count, Integer atLeast) {
    /** Refuses a reply that lacks what it must have. */
    public Standing {
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(standing, "standing");
    }

    /** What a standing says. */
    public enum Kind {
        /** Fewer organisations flag it than the policy's threshold. */
        @SerializedName("below_threshold")
        BELOW_THRESHOLD,
        /** The partner does not flag it itself, so it is not told. */
        @SerializedName("no_own_flag")
        NO_OWN_FLAG,
        /** At least the threshold's number of organisations flag it. */
        @SerializedName("stacked")
        STACKED
    }

    /**
     * The standing in words, without the address.
     *
     * @return such as "stacked at least 3"
     */
    public String words() {
        if (count != null) {
            return "stacked " + count;
        }
        if (atLeast != null) {
            return "stacked at least " + atLeast;
        }
        return standing.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "Standing[address=" + address + ", level=" + level + ", " + words() + "]";
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.annotations.SerializedName;

/** How much of an address a row names. */
public enum Level {
    /** One home. */
    @SerializedName("unit")
    UNIT,
    /** One postcode and house number. */
    @SerializedName("number")
    NUMBER
}

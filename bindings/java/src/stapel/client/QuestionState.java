// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.annotations.SerializedName;

/** What became of a question. */
public enum QuestionState {
    /** It waits for the broker's answer. */
    @SerializedName("waiting")
    WAITING,
    /** It was answered. */
    @SerializedName("answered")
    ANSWERED,
    /** By the broker, or it was given up: {@link Question#notAccepted} has the code. */
    @SerializedName("not_accepted")
    NOT_ACCEPTED,
    /** There was no address to ask about. */
    @SerializedName("nothing")
    NOTHING
}

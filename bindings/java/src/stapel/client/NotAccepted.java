// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * Why a question was not accepted.
 *
 * @param code the broker's code; "dropped" where a person gave it up, or it never left
 */
public record NotAccepted(String code) {
    /** Refuses a reply that lacks what it must have. */
    public NotAccepted {
        Objects.requireNonNull(code, "code");
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * Why a row is no address, or none that can be used.
 *
 * @param code the stable code
 * @param field what of the row is at fault
 * @param message what was found, and what would help
 */
public record Refusal(String code, String field, String message) {
    /** Refuses a reply that lacks what it must have. */
    public Refusal {
        Objects.requireNonNull(code, "code");
    }

    /** Without the message, which may have the address in it. */
    @Override
    public String toString() {
        return "Refusal[code=" + code + ", field=" + field + "]";
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Objects;

/**
 * Who acts, and for which case; each 1 to 200 characters on one line. Stays in the partner's own journal.
 *
 * @param actor the acting user, as the caller's own system names them
 * @param reference the reference of the case
 */
public record Case(String actor, String reference) {
    /**
     * Neither is null.
     *
     * @param actor the acting user
     * @param reference the reference of the case
     */
    public Case {
        Objects.requireNonNull(actor, "actor");
        Objects.requireNonNull(reference, "reference");
    }

    /** Without the reference of the case. */
    @Override
    public String toString() {
        return "Case[actor=" + actor + "]";
    }
}

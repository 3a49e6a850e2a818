// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Locale;

/** Why a flag may stand longer. A policy allows some of these. */
public enum RenewalReason {
    /** The partner itself observed again what it flagged. */
    OBSERVED_AGAIN,
    /** An investigation, a visit or a measure of its own is under way. */
    BEING_ACTED_ON,
    /** A procedure of a court, an objection or a permit is pending. */
    PROCEDURE_PENDING,
    /** A measure was imposed or agreed, and it is watched whether it is kept. */
    UNDER_SUPERVISION;

    /** As the server has it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

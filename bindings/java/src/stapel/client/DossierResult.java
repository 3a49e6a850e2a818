// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.List;

/**
 * What was done with an address.
 *
 * @param entries what was done, oldest first
 * @param pruned the records that the journal no longer has; null where it has all
 */
public record DossierResult(List<DossierEntry> entries, Pruned pruned) {
    /** Refuses a reply that lacks what it must have. */
    public DossierResult {
        entries = List.copyOf(entries);
    }
}

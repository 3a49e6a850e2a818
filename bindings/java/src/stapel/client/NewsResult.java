// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.List;

/**
 * What changed, until it is marked as seen.
 *
 * @param mark what tells this news from other news; null where there is none
 * @param news what changed, ascending by address
 */
public record NewsResult(String mark, List<NewsRow> news) {
    /** Refuses a reply that lacks what it must have. */
    public NewsResult {
        news = List.copyOf(news);
    }
}

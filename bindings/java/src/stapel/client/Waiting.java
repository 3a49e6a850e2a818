// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/**
 * Messages whose replies are waited for.
 *
 * @param flags messages of what is flagged
 * @param questions questions
 * @param status requests where this partner stands
 * @param talk messages of what comes after a hit
 */
public record Waiting(int flags, int questions, int status, int talk) {
}

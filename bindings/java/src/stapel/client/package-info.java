// SPDX-License-Identifier: EUPL-1.2
/** A partner's folder through {@code stapel partner serve}: {@link stapel.client.Client} is where to begin. */
package stapel.client;

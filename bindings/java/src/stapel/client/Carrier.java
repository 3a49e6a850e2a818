// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.io.IOException;
import java.time.Duration;

/** Carries a request to the server, and its reply back. */
interface Carrier {
    /**
     * One attempt.
     *
     * @param path the request's path
     * @param body what is posted; null for a request without a body
     * @param traceparent a field of its head; null for none
     * @return a reply that came whole
     * @throws IOException where none did
     */
    Reply carry(String path, byte[] body, String traceparent) throws IOException;

    /**
     * The same server, with another time that a request may take.
     *
     * @param timeout the time
     * @return a carrier
     */
    Carrier within(Duration timeout);

    /** A reply of HTTP. */
    record Reply(int status, byte[] body) {
    }
}

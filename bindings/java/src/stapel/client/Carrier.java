// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.io.IOException;

/** Carries a request to the server, and its reply back. */
interface Carrier {
    /**
     * One attempt.
     *
     * @param path the request's path
     * @param body what is posted; null for a request without a body
     * @return a reply that came whole
     * @throws IOException where none did
     */
    Reply carry(String path, byte[] body) throws IOException;

    /** A reply of HTTP. */
    record Reply(int status, byte[] body) {
    }
}

// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** At a port of this machine, with Java's own client. */
final class LoopbackCarrier implements Carrier {
    private final HttpClient client;
    private final int port;
    private final String base;
    private final String token;
    private final Duration timeout;

    LoopbackCarrier(int port, String token, Duration timeout) {
        // No proxy, whatever the system's properties say.
        client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(timeout)
            .build();
        this.port = port;
        base = "http://127.0.0.1:" + port;
        this.token = token;
        this.timeout = timeout;
    }

    @Override
    public Reply carry(String path, byte[] body, String traceparent) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
            .timeout(timeout)
            .header("Authorization", "Bearer " + token);
        if (body != null) {
            request.header("Content-Type", "application/json").POST(BodyPublishers.ofByteArray(body));
        }
        if (traceparent != null) {
            request.header("traceparent", traceparent);
        }
        try {
            HttpResponse<byte[]> response = client.send(request.build(), BodyHandlers.ofByteArray());
            return new Reply(response.statusCode(), response.body());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    @Override
    public Carrier within(Duration time) {
        return new LoopbackCarrier(port, token, time);
    }

    @Override
    public String toString() {
        return base;
    }
}

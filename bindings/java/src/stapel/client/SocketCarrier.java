// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * Through a Unix socket, of which Java's own client of HTTP knows nothing: one request a connection, whose reply is all
 * that comes until the server closes it.
 */
final class SocketCarrier implements Carrier {
    private static final String LENGTH = "content-length:";

    private final Path socket;
    private final Duration timeout;

    SocketCarrier(Path socket, Duration timeout) {
        this.socket = socket;
        this.timeout = timeout;
    }

    @Override
    public Reply carry(String path, byte[] body, String traceparent) throws IOException {
        StringBuilder head = new StringBuilder(body == null ? "GET " : "POST ").append(path);
        head.append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        if (body != null) {
            head.append("Content-Type: application/json\r\nContent-Length: ").append(body.length).append("\r\n");
        }
        if (traceparent != null) {
            head.append("traceparent: ").append(traceparent).append("\r\n");
        }
        ByteBuffer first = ByteBuffer.wrap(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        return reply(exchange(first, ByteBuffer.wrap(body == null ? new byte[0] : body)));
    }

    @Override
    public Carrier within(Duration time) {
        return new SocketCarrier(socket, time);
    }

    /** Sends both, and gives what comes until the other side closes the connection. */
    private byte[] exchange(ByteBuffer head, ByteBuffer body) throws IOException {
        long until = System.nanoTime() + timeout.toNanos();
        ByteArrayOutputStream reply = new ByteArrayOutputStream();
        ByteBuffer part = ByteBuffer.allocate(16 * 1024);
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                Selector selector = Selector.open()) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.configureBlocking(false);
            SelectionKey key = channel.register(selector, SelectionKey.OP_WRITE);
            while (true) {
                long left = (until - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    throw new SocketTimeoutException("no reply after " + timeout.toSeconds() + " s");
                }
                selector.select(left);
                selector.selectedKeys().clear();
                if (body.hasRemaining() || head.hasRemaining()) {
                    channel.write(new ByteBuffer[] {head, body});
                    key.interestOps(body.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
                    continue;
                }
                int count = channel.read(part.clear());
                if (count < 0) {
                    return reply.toByteArray();
                }
                reply.write(part.array(), 0, count);
            }
        }
    }

    /** Takes a reply apart. One that is not whole counts as lost. */
    private static Reply reply(byte[] bytes) throws IOException {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new EOFException("the reply is cut off");
        }
        String[] lines = text.substring(0, end).split("\r\n");
        String[] status = lines[0].split(" ", 3);
        int length = -1;
        for (String line : lines) {
            if (line.toLowerCase(Locale.ROOT).startsWith(LENGTH)) {
                length = number(line.substring(LENGTH.length()).trim());
            }
        }
        if (status.length < 2 || !status[0].startsWith("HTTP/1.") || length < 0) {
            throw new ProtocolException("the reply is not of HTTP/1.1 with a length");
        }
        byte[] body = Arrays.copyOfRange(bytes, end + 4, bytes.length);
        if (body.length != length) {
            throw new EOFException("the reply is cut off");
        }
        return new Reply(number(status[1]), body);
    }

    private static int number(String digits) throws ProtocolException {
        try {
            return Integer.parseInt(digits);
        } catch (NumberFormatException error) {
            throw new ProtocolException("the reply has no number where one must be");
        }
    }

    @Override
    public String toString() {
        return socket.toString();
    }
}

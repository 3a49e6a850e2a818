// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Memory outside of the heap for the arguments of one call, and what goes in and out of it: texts, columns, moments,
 * buffers.
 */
final class Scratch implements AutoCloseable {
    private final List<Memory> taken = new ArrayList<>();

    /** A text that must come back as it was given: half a surrogate pair is an {@link IllegalArgumentException}. */
    static byte[] utf8(String text) {
        try {
            ByteBuffer bytes = strict().encode(CharBuffer.wrap(text));
            return Arrays.copyOf(bytes.array(), bytes.limit());
        } catch (CharacterCodingException error) {
            throw new IllegalArgumentException("a text holds half a surrogate pair, which UTF-8 cannot write", error);
        }
    }

    /**
     * A text that is an address or a part of one: half a surrogate pair becomes U+FFFD, for which the library refuses
     * it.
     */
    static byte[] utf8OfAddress(String text) {
        try {
            ByteBuffer bytes = lenient().encode(CharBuffer.wrap(text));
            return Arrays.copyOf(bytes.array(), bytes.limit());
        } catch (CharacterCodingException error) {
            throw new AssertionError("what cannot be written is replaced", error);
        }
    }

    static CharsetEncoder strict() {
        return StandardCharsets.UTF_8.newEncoder();
    }

    static CharsetEncoder lenient() {
        return StandardCharsets.UTF_8.newEncoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .replaceWith("\uFFFD".getBytes(StandardCharsets.UTF_8));
    }

    /** A text that ends with a NUL. */
    static String text(Pointer text) {
        return text.getString(0, StandardCharsets.UTF_8.name());
    }

    /** An array of a struct that ends with a NUL. */
    static String text(byte[] text) {
        int end = 0;
        while (text[end] != 0) {
            end++;
        }
        return new String(text, 0, end, StandardCharsets.UTF_8);
    }

    static Lib.SizeT length(byte[] bytes) {
        return new Lib.SizeT(bytes.length);
    }

    /** The length of what may be none. */
    static Lib.SizeT lengthOrNone(byte[] bytes) {
        return new Lib.SizeT(bytes == null ? 0 : bytes.length);
    }

    /** A path; null for none. */
    static byte[] path(Path path) {
        return path == null ? null : utf8(path.toString());
    }

    static long seconds(Instant now) {
        if (now.getEpochSecond() < 0) {
            throw new IllegalArgumentException("the time is before 1970: set the clock right");
        }
        return now.getEpochSecond();
    }

    static int milliseconds(Duration wait) {
        if (wait.isNegative() || wait.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException("a wait must be from zero to one day");
        }
        return (int) wait.plusNanos(999_999).toMillis();
    }

    static Instant moment(long seconds) {
        boolean past = seconds < 0 || seconds > Instant.MAX.getEpochSecond();
        return past ? Instant.MAX : Instant.ofEpochSecond(seconds);
    }

    /** All that is in a buffer that the library made, which is then freed. */
    static byte[] take(PointerByReference made) {
        try (Handle buffer = new Handle("the buffer", made, Lib::stapel_buffer_free)) {
            return buffer.use(pointer -> {
                PointerByReference bytes = new PointerByReference();
                Lib.SizeTByReference length = new Lib.SizeTByReference();
                StapelException.check(Lib.stapel_buffer_bytes(pointer, bytes, length));
                return bytes.getValue().getByteArray(0, length.count());
            });
        }
    }

    static String takeText(PointerByReference made) {
        return new String(take(made), StandardCharsets.UTF_8);
    }

    Lib.CaseIn by(Case by) {
        Lib.CaseIn in = new Lib.CaseIn();
        put(in.actor, utf8(by.actor()));
        put(in.reference, utf8(by.reference()));
        return in;
    }

    /** A text of an address; null is as empty. */
    void put(Lib.Str place, String text) {
        put(place, utf8OfAddress(text == null ? "" : text));
    }

    /**
     * One column of texts in one piece, so that any number of rows cross to the library in one call; null is as empty.
     */
    void put(Lib.Packed place, int rows, IntFunction<String> text, CharsetEncoder encoder) {
        long[] ends = new long[rows];
        ByteBuffer bytes = ByteBuffer.allocate(Math.max(64, Math.min(rows, 1 << 20) * 32));
        for (int row = 0; row < rows; row++) {
            String value = text.apply(row);
            bytes = encode(value == null ? "" : value, encoder, bytes);
            ends[row] = bytes.position();
        }
        place.bytes = copy(bytes.array(), bytes.position());
        place.bytesLength = new Lib.SizeT(bytes.position());
        Memory columnEnds = memory(rows * (long) Long.BYTES);
        columnEnds.write(0, ends, 0, rows);
        place.ends = columnEnds;
    }

    @Override
    public void close() {
        taken.forEach(Memory::close);
    }

    private void put(Lib.Str place, byte[] bytes) {
        place.ptr = copy(bytes, bytes.length);
        place.len = length(bytes);
    }

    private Memory copy(byte[] bytes, int length) {
        Memory memory = memory(length);
        memory.write(0, bytes, 0, length);
        return memory;
    }

    private Memory memory(long length) {
        Memory memory = new Memory(Math.max(1, length));
        taken.add(memory);
        return memory;
    }

    /** Appends a text, to a larger buffer where that one is full. */
    private static ByteBuffer encode(String text, CharsetEncoder encoder, ByteBuffer bytes) {
        CharBuffer rest = CharBuffer.wrap(text);
        ByteBuffer place = bytes;
        encoder.reset();
        for (;;) {
            CoderResult result = encoder.encode(rest, place, true);
            if (result.isError()) {
                throw new IllegalArgumentException("a reference holds half a surrogate pair, which UTF-8 cannot write");
            }
            if (result.isUnderflow()) {
                return place;
            }
            long larger = Math.min(place.capacity() * 2L, Integer.MAX_VALUE - 8);
            if (larger == place.capacity()) {
                throw new IllegalArgumentException("the texts are over 2 GiB together: read them in several calls");
            }
            place = ByteBuffer.allocate((int) larger).put(place.flip());
        }
    }
}

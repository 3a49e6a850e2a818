// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import java.time.Instant;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;

/**
 * The answer to a question; its rows are in the order in which they were asked. Its head can be read after it was
 * closed, too.
 */
public final class Answer implements Reply, Iterable<AnswerRow> {
    /**
     * What an answer says of itself.
     *
     * @param actor who asked
     * @param reference for which case
     * @param release the release that all of it speaks of
     * @param asOf when that release took place
     * @param until until then, unless a policy is adopted, the same question has the same answer
     * @param epoch the epoch in which it was asked
     * @param organisations how many organisations may flag
     * @param fresh how many of them are fresh: where it is few, "below threshold" may be "nobody delivers"
     * @param log the line of the broker's audit log
     */
    public record Head(
            String actor,
            String reference,
            long release,
            Instant asOf,
            Instant until,
            long epoch,
            int organisations,
            int fresh,
            LogEntry log) {
        /** Without the reference of the case. */
        @Override
        public String toString() {
            return "Head[actor=" + actor + ", release=" + release + ", asOf=" + asOf + ", until=" + until + ", epoch="
                    + epoch + ", organisations=" + organisations + ", fresh=" + fresh + ", log=" + log + "]";
        }
    }

    private final Handle handle;
    private final Head head;
    private final int size;

    private Answer(Handle handle, Head head, int size) {
        this.handle = handle;
        this.head = head;
        this.size = size;
    }

    @Override
    public Kind kind() {
        return Kind.ANSWER;
    }

    /**
     * What it says of itself.
     *
     * @return the head
     */
    public Head head() {
        return head;
    }

    /**
     * How many addresses it speaks of.
     *
     * @return the number of its rows
     */
    public int size() {
        return size;
    }

    /**
     * The standings of rows.
     *
     * @param addresses the rows
     * @return for each row, in their order; of the kind NONE for what this answer does not speak of
     */
    public Standings standings(Addresses addresses) {
        Standings standings = new Standings(addresses.size());
        fill(addresses, standings);
        return standings;
    }

    /**
     * As {@link #standings}, into standings that are there. Those of rows that this answer does not speak of stay as
     * they are, so that where a question was cut into several, each answer in turn fills in its part.
     *
     * @param addresses the rows
     * @param standings what becomes their standings
     */
    public void fill(Addresses addresses, Standings standings) {
        handle.use(reply -> addresses.handle.use(rows -> {
            StapelException.check(Lib.stapel_reply_standings(reply, rows, standings.bytes,
                new Lib.SizeT(standings.size())));
            return null;
        }));
    }

    /**
     * A row.
     *
     * @param index its number, counted from 0
     * @return the row
     */
    public AnswerRow get(int index) {
        Objects.checkIndex(index, size);
        return handle.use(pointer -> {
            Lib.AnswerRowOut row = new Lib.AnswerRowOut();
            StapelException.check(Lib.stapel_reply_row(pointer, new Lib.SizeT(index), row));
            return AnswerRow.of(row);
        });
    }

    /** All rows, in the order in which they were asked. */
    @Override
    public Iterator<AnswerRow> iterator() {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < size;
            }

            @Override
            public AnswerRow next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return get(next++);
            }
        };
    }

    /** Frees the answer. Again, it does nothing. */
    @Override
    public void close() {
        handle.close();
    }

    static Answer of(Pointer reply, Handle handle) {
        Lib.AnswerOut out = new Lib.AnswerOut();
        StapelException.check(Lib.stapel_reply_answer(reply, out));
        Head head = new Head(
                out.actor.text(),
                out.reference.text(),
                out.release,
                Scratch.moment(out.asOf),
                Scratch.moment(out.until),
                Integer.toUnsignedLong(out.epoch),
                Short.toUnsignedInt(out.organisations),
                Short.toUnsignedInt(out.fresh),
                LogEntry.of(out.log));
        return new Answer(handle, head, Math.toIntExact(out.rows.longValue()));
    }
}

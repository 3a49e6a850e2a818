// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * A handle of the library, freed once: when it is closed and no call uses it any more, or, where nobody closed it, some
 * time after its owner was lost. A call after it was closed is an {@link IllegalStateException}.
 */
final class Handle implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final State state;
    private final Cleaner.Cleanable cleanable;

    /**
     * @param what what it is, for the text of an error
     * @param made where the library wrote it
     * @param free what frees it
     */
    Handle(String what, PointerByReference made, ToIntFunction<Pointer> free) {
        state = new State(what, made.getValue(), free);
        cleanable = CLEANER.register(this, state);
    }

    /**
     * Makes a call with it. Until the call returns it is not freed, whatever other threads do, so that pointers which
     * it gives out are good within the call.
     */
    <T> T use(Function<Pointer, T> call) {
        state.begin();
        try {
            return call.apply(state.pointer);
        } finally {
            state.end();
            // The garbage collector must not think this lost while the call runs, and have it closed.
            Reference.reachabilityFence(this);
        }
    }

    /** Closes it. Again, it does nothing. */
    @Override
    public void close() {
        cleanable.clean();
    }

    /** Apart from the handle, so that what cleans up after it does not keep it. */
    private static final class State implements Runnable {
        private final String what;
        private final Pointer pointer;
        private final ToIntFunction<Pointer> free;
        private int calls;
        private boolean closed;

        State(String what, Pointer pointer, ToIntFunction<Pointer> free) {
            this.what = what;
            this.pointer = pointer;
            this.free = free;
        }

        synchronized void begin() {
            if (closed) {
                throw new IllegalStateException(what + " is closed");
            }
            calls++;
        }

        void end() {
            boolean last;
            synchronized (this) {
                calls--;
                last = closed && calls == 0;
            }
            if (last) {
                free.applyAsInt(pointer);
            }
        }

        /** Closes it; the cleaner sees to it that this is called once. */
        @Override
        public void run() {
            boolean last;
            synchronized (this) {
                closed = true;
                last = calls == 0;
            }
            if (last) {
                free.applyAsInt(pointer);
            }
        }
    }
}

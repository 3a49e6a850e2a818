// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;

/** From a reply that the library made to what it says. */
final class Replies {
    private Replies() {}

    /** Owns what the library made: an answer keeps it, of all else a copy is made at once. */
    static Reply of(PointerByReference made) {
        Handle handle = new Handle("the answer", made, Lib::stapel_reply_free);
        Reply reply = null;
        try {
            reply = handle.use(pointer -> of(pointer, handle));
            return reply;
        } finally {
            if (!(reply instanceof Answer)) {
                handle.close();
            }
        }
    }

    private static Reply of(Pointer pointer, Handle handle) {
        IntByReference number = new IntByReference();
        StapelException.check(Lib.stapel_reply_kind(pointer, number));
        Reply.Kind kind = Reply.Kind.values()[number.getValue()];
        return switch (kind) {
            case RECEIPT -> Receipt.of(pointer);
            case ANSWER -> Answer.of(pointer, handle);
            case STATUS -> Position.of(pointer);
            case REJECTION, LATE, HINT -> Rejection.of(pointer, kind);
            case KEPT, POSTED, TOTALS -> Talked.of(pointer, kind);
            case OTHER -> new OtherReply();
        };
    }
}

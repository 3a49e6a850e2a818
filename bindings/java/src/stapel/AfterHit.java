// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;

/** From the lists of what comes after a hit that the library made to what they say. */
final class AfterHit {
    private AfterHit() {}

    /** Counts the rows of a list. */
    @FunctionalInterface
    interface Count {
        int count(Pointer list, Lib.SizeTByReference count);
    }

    /** Makes a row of a list. */
    @FunctionalInterface
    interface Row<T> {
        T row(Pointer list, Lib.SizeT index);
    }

    /** All rows of a list, which is then freed. */
    static <T> List<T> take(PointerByReference made, ToIntFunction<Pointer> free, Count counting, Row<T> row) {
        try (Handle list = new Handle("the list", made, free)) {
            return list.use(pointer -> {
                Lib.SizeTByReference count = new Lib.SizeTByReference();
                StapelException.check(counting.count(pointer, count));
                return parts(count.count(), index -> row.row(pointer, new Lib.SizeT(index)));
            });
        }
    }

    static List<PutForward> forwarded(PointerByReference made) {
        return take(made, Lib::stapel_forwarded_free, Lib::stapel_forwarded_count, (list, index) -> {
            Lib.ForwardedOut row = new Lib.ForwardedOut();
            StapelException.check(Lib.stapel_forwarded_get(list, index, row));
            return PutForward.of(row);
        });
    }

    static List<PutForwardByOther> asked(PointerByReference made) {
        return take(made, Lib::stapel_asked_free, Lib::stapel_asked_count, (list, index) -> {
            Lib.AskedOut row = new Lib.AskedOut();
            StapelException.check(Lib.stapel_asked_get(list, index, row));
            return PutForwardByOther.of(row);
        });
    }

    static List<TalkNews> news(PointerByReference made) {
        return take(made, Lib::stapel_talk_news_free, Lib::stapel_talk_news_count, (list, index) -> {
            Lib.TalkNewsOut row = new Lib.TalkNewsOut();
            StapelException.check(Lib.stapel_talk_news_get(list, index, row));
            return TalkNews.of(row);
        });
    }

    static List<Conversation> conversations(PointerByReference made) {
        return take(made, Lib::stapel_conversations_free, Lib::stapel_conversations_count, (list, index) -> {
            Lib.ConversationOut row = new Lib.ConversationOut();
            StapelException.check(Lib.stapel_conversations_get(list, index, row));
            List<Introduced> introduced = parts(row.introduced.intValue(), at -> {
                Lib.IntroducedOut who = new Lib.IntroducedOut();
                StapelException.check(Lib.stapel_conversations_introduced(list, index, new Lib.SizeT(at), who));
                return Introduced.of(who);
            });
            return Conversation.of(row, introduced, parts(row.notes.intValue(), at -> note(list, index, at)));
        });
    }

    static List<AgendaItem> agenda(PointerByReference made) {
        return take(made, Lib::stapel_agenda_free, Lib::stapel_agenda_count, (list, index) -> {
            Lib.AgendaOut row = new Lib.AgendaOut();
            StapelException.check(Lib.stapel_agenda_get(list, index, row));
            List<Introduced> joined = parts(row.joined.intValue(), at -> {
                Lib.IntroducedOut who = new Lib.IntroducedOut();
                StapelException.check(Lib.stapel_agenda_joined(list, index, new Lib.SizeT(at), who));
                return Introduced.of(who);
            });
            List<Introduced> left = parts(row.left.intValue(), at -> {
                Lib.IntroducedOut who = new Lib.IntroducedOut();
                StapelException.check(Lib.stapel_agenda_left(list, index, new Lib.SizeT(at), who));
                return Introduced.of(who);
            });
            List<AgendaItem.Place> addresses = parts(row.addresses.intValue(), at -> {
                Lib.AgendaPlaceOut place = new Lib.AgendaPlaceOut();
                StapelException.check(Lib.stapel_agenda_address(list, index, new Lib.SizeT(at), place));
                return AgendaItem.Place.of(place);
            });
            return AgendaItem.of(row, joined, left, addresses);
        });
    }

    private static Note note(Pointer list, Lib.SizeT index, int number) {
        Lib.SizeT at = new Lib.SizeT(number);
        Lib.NoteOut note = new Lib.NoteOut();
        StapelException.check(Lib.stapel_conversations_note(list, index, at, note));
        return Note.of(note, parts(note.copies.intValue(), copy -> {
            Lib.NoteCopyOut to = new Lib.NoteCopyOut();
            StapelException.check(Lib.stapel_conversations_copy(list, index, at, new Lib.SizeT(copy), to));
            return Note.Copy.of(to);
        }));
    }

    /** So many parts, each by its index. */
    private static <T> List<T> parts(int count, IntFunction<T> part) {
        List<T> parts = new ArrayList<>(count);
        for (int at = 0; at < count; at++) {
            parts.add(part.apply(at));
        }
        return Collections.unmodifiableList(parts);
    }
}

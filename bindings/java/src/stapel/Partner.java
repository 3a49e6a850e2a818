// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import com.sun.jna.ptr.ShortByReference;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A partner with its folder open: its key, its flags, its journal. One at a time, of all processes, can have a folder
 * open.
 *
 * <p>Everything that a call did is on disk when it returns. Any thread may use it; calls take turns. The library reads
 * no clock: each call that needs the time is told it. Every call throws {@link StapelException} for what stapel.h lists
 * as its errors, and
 * {@link IllegalStateException} after {@link #close}. Messages are carried to the broker by the caller, in their order,
 * and to nobody else: every partner of the consortium could find the addresses in them.
 */
public final class Partner implements AutoCloseable {
    /** The most cells of a year: one for each way in which a conversation can go. */
    private static final int YEAR_CELLS = 5;

    private final Handle handle;

    private Partner(PointerByReference made) {
        handle = new Handle("the partner", made, Lib::stapel_partner_free);
    }

    /**
     * Makes the folder of a new partner: its key, the key of its journal, and an empty journal. Done once, before the
     * coordinator puts the partner into the roster.
     *
     * @param folder the folder
     * @param number the number that it is to have in the roster
     * @return the public key of its messages, 64 hexadecimal digits, for the coordinator
     */
    public static String init(Path folder, int number) {
        return init(folder, null, number);
    }

    /**
     * As {@link #init(Path, int)}, with a folder of its own for what is secret, so that no copy of the other need hold
     * it.
     *
     * @param folder the folder
     * @param keys the folder of its keys, to be named again wherever the other is; null where they are in that
     * @param number the number that it is to have in the roster
     * @return the public key of its messages, 64 hexadecimal digits, for the coordinator
     */
    public static String init(Path folder, Path keys, int number) {
        if (number < 0 || number > 0xFFFF) {
            throw new IllegalArgumentException("a partner's number is 0 to 65535, not " + number);
        }
        byte[] path = Scratch.utf8(folder.toString());
        byte[] secret = Scratch.path(keys);
        PointerByReference verifyingKey = new PointerByReference();
        StapelException.check(Lib.stapel_partner_init(path, Scratch.length(path), secret, Scratch.lengthOrNone(secret),
            (short) number, verifyingKey));
        return Scratch.takeText(verifyingKey);
    }

    /**
     * Copies a first policy, with the signatures beside it, into the folder of a partner that has none yet. It is taken
     * on the word of whoever hands it over; later ones come through {@link #adoptPolicy}.
     *
     * @param folder the folder
     * @param policyFile the policy
     */
    public static void join(Path folder, Path policyFile) {
        join(folder, null, policyFile);
    }

    /**
     * As {@link #join(Path, Path)}, where the keys are in a folder of their own.
     *
     * @param folder the folder
     * @param keys the folder of its keys, or null
     * @param policyFile the policy
     */
    public static void join(Path folder, Path keys, Path policyFile) {
        byte[] path = Scratch.utf8(folder.toString());
        byte[] secret = Scratch.path(keys);
        byte[] policy = Scratch.utf8(policyFile.toString());
        StapelException.check(Lib.stapel_partner_join(path, Scratch.length(path), secret, Scratch.lengthOrNone(secret),
            policy, Scratch.length(policy)));
    }

    /** For how long a folder is waited for that is in use, where nothing else is said. */
    private static final Duration WAIT = Duration.ofSeconds(5);

    /**
     * Opens a partner's folder. Where another has it open, it is waited for up to about five seconds.
     *
     * @param folder the folder
     * @return the partner, open until {@link #close}
     * @throws StapelException "folder_in_use" where another has it open all that time, or what is wrong in it
     */
    public static Partner open(Path folder) {
        return open(folder, null);
    }

    /**
     * Opens a partner's folder whose keys are in a folder of their own. Where another has it open, it is waited for up
     * to about five seconds.
     *
     * @param folder the folder
     * @param keys the folder of its keys, or null
     * @return the partner, open until {@link #close}
     * @throws StapelException "partner_folder" where a key is missing; as {@link #open(Path)}
     */
    public static Partner open(Path folder, Path keys) {
        return open(folder, keys, WAIT);
    }

    /**
     * Opens a partner's folder, and waits for it where another has it open, in turn with others that wait.
     *
     * @param folder the folder
     * @param keys the folder of its keys, or null
     * @param wait up to about how long it is waited for; zero is not at all
     * @return the partner, open until {@link #close}
     * @throws StapelException "partner_folder" where a key is missing; as {@link #open(Path)}
     */
    public static Partner open(Path folder, Path keys, Duration wait) {
        int waitMs = Scratch.milliseconds(wait);
        byte[] path = Scratch.utf8(folder.toString());
        byte[] secret = Scratch.path(keys);
        PointerByReference made = new PointerByReference();
        StapelException.check(
            Lib.stapel_partner_open(path, Scratch.length(path), secret, Scratch.lengthOrNone(secret), waitMs, made));
        return new Partner(made);
    }

    /**
     * Takes a newer policy into force, from its file and the signatures beside it, and keeps a copy in the folder.
     *
     * @param policyFile the policy
     * @param now the time
     */
    public void adoptPolicy(Path policyFile, Instant now) {
        byte[] policy = Scratch.utf8(policyFile.toString());
        handle.use(partner -> {
            StapelException.check(Lib.stapel_partner_adopt_policy(partner, policy, Scratch.length(policy),
                Scratch.seconds(now)));
            return null;
        });
    }

    /**
     * Keeps a copy of the file of an epoch's secret in the folder, and uses it.
     *
     * @param secretFile the secret
     */
    public void addSecret(Path secretFile) {
        byte[] secret = Scratch.utf8(secretFile.toString());
        handle.use(partner -> {
            StapelException.check(Lib.stapel_partner_add_secret(partner, secret, Scratch.lengthOrNone(secret)));
            return null;
        });
    }

    /**
     * The partner's number in the roster.
     *
     * @return the number
     */
    public int number() {
        return handle.use(partner -> {
            ShortByReference number = new ShortByReference();
            StapelException.check(Lib.stapel_partner_number(partner, number));
            return Short.toUnsignedInt(number.getValue());
        });
    }

    /**
     * How many of its flags no message has told the broker yet: those since the last delivery, and those that wait
     * because of the policy's budgets. They go with the next deliveries, as many as the budgets take.
     *
     * @return the number of flags
     */
    public long undelivered() {
        return handle.use(partner -> {
            Lib.SizeTByReference count = new Lib.SizeTByReference();
            StapelException.check(Lib.stapel_partner_undelivered(partner, count));
            return (long) count.count();
        });
    }

    /**
     * The homes that the partner flags. Those whose flags ended go when the partner does something on a later day.
     *
     * @return in the order of their canonical forms; without references
     */
    public Addresses flags() {
        return handle.use(partner -> {
            PointerByReference flags = new PointerByReference();
            StapelException.check(Lib.stapel_partner_flags(partner, flags));
            return new Addresses(flags);
        });
    }

    /**
     * Flags homes, through the latest month's end that the policy's max_days reach. Those that are flagged already stay
     * as they are: looked at again, they are renewed, with {@link #renew}. The broker hears of it with {@link
     * #deliver}.
     *
     * @param homes the homes
     * @param by who acts, and for which case
     * @param now the time
     * @return what changed
     */
    public Changed flag(Addresses homes, Case by, Instant now) {
        return change(homes, by, now, Lib::stapel_partner_flag);
    }

    /**
     * Flags homes through a day. It can also bring the end of a flag forward, or put it back within the policy's
     * max_days of its first day.
     *
     * @param homes the homes
     * @param lastDay a month's last
     * @param by who acts, and for which case
     * @param now the time
     * @return what changed
     */
    public Changed flagUntil(Addresses homes, LocalDate lastDay, Case by, Instant now) {
        byte[] day = Scratch.utf8(lastDay.toString());
        return change(homes, by, now, (partner, rows, acts, time, changed) ->
                Lib.stapel_partner_flag_until(partner, rows, day, Scratch.length(day), acts, time, changed));
    }

    /**
     * Renews the flags of homes that were looked at again, also of those that ended or were withdrawn within the last
     * 30 days. The broker's log counts it.
     *
     * @param homes the homes
     * @param reason why: "observed_again", "being_acted_on", "procedure_pending" or "under_supervision"
     * @param by who acts, and for which case
     * @param now the time
     * @return what changed
     * @throws StapelException "not_flagged" where one of them has no such flag, "too_many_renewals" where one cannot
     * last longer; then none is renewed
     */
    public Changed renew(Addresses homes, String reason, Case by, Instant now) {
        byte[] why = Scratch.utf8(reason);
        return change(homes, by, now, (partner, rows, acts, time, changed) ->
                Lib.stapel_partner_renew(partner, rows, why, Scratch.length(why), acts, time, changed));
    }

    /**
     * Says that somebody saw that the clock is right, where calls fail with "clock" or "clock_ahead".
     *
     * @param by who says so, and for which case
     * @param now the time
     * @return how many flags end with that, because their last valid day has passed
     */
    public long acceptClock(Case by, Instant now) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            Lib.SizeTByReference ended = new Lib.SizeTByReference();
            return handle.use(partner -> {
                StapelException.check(Lib.stapel_partner_accept_clock(partner, acts, Scratch.seconds(now), ended));
                return (long) ended.count();
            });
        }
    }

    /**
     * Withdraws the flags of homes. Withdrawing what is not flagged does nothing.
     *
     * @param homes the homes
     * @param by who acts, and for which case
     * @param now the time
     * @return what changed
     */
    public Changed withdraw(Addresses homes, Case by, Instant now) {
        return change(homes, by, now, Lib::stapel_partner_withdraw);
    }

    /**
     * Makes the flags exactly those of homes: a full set. Those that were flagged already keep their days; all others
     * are withdrawn, also those of refused rows: see to those first.
     *
     * @param homes all that the partner flags
     * @param allowShrink that it is meant where more than the policy's share of the flags would go
     * @param by who acts, and for which case
     * @param now the time
     * @return what changed
     * @throws StapelException "shrink" where too many flags would go unsaid
     */
    public Changed replaceAll(Addresses homes, boolean allowShrink, Case by, Instant now) {
        return change(homes, by, now, (partner, rows, acts, time, changed) ->
                Lib.stapel_partner_replace_all(partner, rows, allowShrink ? 1 : 0, acts, time, changed));
    }

    /**
     * The messages that bring the broker up to date. Until their replies were read, the same call gives the same bytes
     * again.
     *
     * @param now the time
     * @return in the order in which the broker must get them; none where it is up to date
     */
    public List<byte[]> deliver(Instant now) {
        return messages((partner, made) -> Lib.stapel_partner_deliver(partner, Scratch.seconds(now), made));
    }

    /**
     * As {@link #deliver}; where there is nothing to deliver, the message that nothing changed.
     *
     * @param now the time
     * @return in the order in which the broker must get them
     */
    public List<byte[]> confirm(Instant now) {
        return messages((partner, made) -> Lib.stapel_partner_confirm(partner, Scratch.seconds(now), made));
    }

    /**
     * The questions for the standings of homes or house numbers; several where there are more than 100,000 different
     * ones. {@link Answer#fill} brings the answers back to the rows.
     *
     * @param addresses the homes or house numbers
     * @param by who acts, and for which case
     * @param now the time
     * @return the questions
     */
    public List<byte[]> ask(Addresses addresses, Case by, Instant now) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            return addresses.handle.use(rows -> messages(
                    (partner, made) -> Lib.stapel_partner_ask(partner, rows, acts, Scratch.seconds(now), made)));
        }
    }

    /**
     * As {@link #ask}, about all that the partner itself flags, house numbers included where the policy counts them.
     * What changed is told by {@link #news}.
     *
     * @param by who acts, and for which case
     * @param now the time
     * @return the questions
     */
    public List<byte[]> askOwn(Case by, Instant now) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            return messages((partner, made) -> Lib.stapel_partner_ask_own(partner, acts, Scratch.seconds(now), made));
        }
    }

    /**
     * As {@link #ask}, about addresses that the partner need not flag itself.
     *
     * @param addresses the homes or house numbers
     * @param reason one that the policy lists
     * @param by who acts, and for which case
     * @param now the time
     * @return the questions
     */
    public List<byte[]> sweep(Addresses addresses, String reason, Case by, Instant now) {
        byte[] why = Scratch.utf8(reason);
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            return addresses.handle.use(rows -> messages((partner, made) ->
                    Lib.stapel_partner_sweep(partner, rows, why, Scratch.length(why), acts, Scratch.seconds(now),
                        made)));
        }
    }

    /**
     * The request where the partner stands with the broker. It takes the place of one in flight.
     *
     * @param now the time
     * @return one message
     */
    public List<byte[]> status(Instant now) {
        return messages((partner, made) -> Lib.stapel_partner_status(partner, Scratch.seconds(now), made));
    }

    /**
     * The messages whose replies were not read yet: to send them after a program ended in between.
     *
     * @return those that tell what is flagged first
     */
    public List<byte[]> inFlight() {
        return messages(Lib::stapel_partner_in_flight);
    }

    /**
     * Reads a reply of the broker: checks that it is the broker's, that it is to a message in flight, and that it
     * speaks of no older release than was seen; then does what it says. A rejection is a reply, and no exception.
     *
     * @param reply the bytes of the reply
     * @param now the time
     * @return what it says
     * @throws StapelException "malformed" and others, by none of which anything changes
     */
    public Reply read(byte[] reply, Instant now) {
        return handle.use(partner -> {
            PointerByReference made = new PointerByReference();
            StapelException.check(Lib.stapel_partner_read(partner, reply, Scratch.length(reply), Scratch.seconds(now),
                made));
            return Replies.of(made);
        });
    }

    /**
     * No longer waits for the reply to a message; nor for those that tell what is flagged after it. What they said is
     * still to be said.
     *
     * @param message the bytes of the message
     * @param now the time
     */
    public void giveUp(byte[] message, Instant now) {
        handle.use(partner -> {
            StapelException.check(Lib.stapel_partner_give_up(partner, message, Scratch.length(message),
                Scratch.seconds(now)));
            return null;
        });
    }

    /**
     * What changed between the answers that were read when this was called last, and those read since; over the
     * partner's own flags.
     *
     * @return ascending by address
     */
    public List<Change> news() {
        PointerByReference made = new PointerByReference();
        handle.use(partner -> {
            StapelException.check(Lib.stapel_partner_news(partner, made));
            return null;
        });
        try (Handle news = new Handle("the news", made, Lib::stapel_news_free)) {
            return news.use(pointer -> {
                Lib.SizeTByReference count = new Lib.SizeTByReference();
                StapelException.check(Lib.stapel_news_count(pointer, count));
                List<Change> changes = new ArrayList<>(count.count());
                Lib.NewsRowOut row = new Lib.NewsRowOut();
                for (int index = 0; index < count.count(); index++) {
                    StapelException.check(Lib.stapel_news_get(pointer, new Lib.SizeT(index), row));
                    changes.add(Change.of(row));
                }
                return Collections.unmodifiableList(changes);
            });
        }
    }

    /**
     * Puts own flags forward, until they are taken back or end.
     *
     * @param homes the homes
     * @param by who acts, and for which case
     * @param now the time
     * @return how many were not put forward yet
     * @throws StapelException "no_flag" where one of them is not flagged, and then none is put forward
     */
    public int putForward(Addresses homes, Case by, Instant now) {
        return count(homes, by, now, Lib::stapel_partner_put_forward);
    }

    /**
     * Takes back what was put forward; who was introduced stays so.
     *
     * @param homes the homes; what is not put forward is passed over
     * @param by who acts, and for which case
     * @param now the time
     * @return how many were taken back
     */
    public int takeBack(Addresses homes, Case by, Instant now) {
        return count(homes, by, now, Lib::stapel_partner_take_back);
    }

    /**
     * What is put forward, for a person to be shown, whom the journal has.
     *
     * @param by who is shown it, and for which case
     * @param now the time
     * @return in the order in which it was
     */
    public List<PutForward> forwarded(Case by, Instant now) {
        return AfterHit.forwarded(shown(by, now, Lib::stapel_partner_forwarded));
    }

    /**
     * What others put forward that this partner flags too, for a person to be shown, whom the journal has.
     *
     * @param by who is shown it, and for which case
     * @param now the time
     * @return oldest first
     */
    public List<PutForwardByOther> asked(Case by, Instant now) {
        return AfterHit.asked(shown(by, now, Lib::stapel_partner_asked));
    }

    /**
     * Answers where another put an own flag forward.
     *
     * @param canonical the canonical form of the address
     * @param answer join, which puts it forward too; not_now; or review
     * @param by who acts, and for which case
     * @param now the time
     * @throws StapelException "not_put_forward" where nobody put it forward
     */
    public void answer(String canonical, String answer, Case by, Instant now) {
        byte[] address = Scratch.utf8(canonical);
        byte[] said = Scratch.utf8(answer);
        act(by, now, (partner, acts, time) -> Lib.stapel_partner_answer(partner, address, Scratch.length(address), said,
                Scratch.length(said), acts, time));
    }

    /**
     * The next message of what comes after a hit: call it until there is none, after {@link #deliver}, once a day or
     * more often. Carry each message, and read its reply before the next call.
     *
     * @param now the time
     * @return the message, if there is one
     */
    public Optional<byte[]> talk(Instant now) {
        return messages((partner, made) -> Lib.stapel_partner_talk(partner, Scratch.seconds(now), made)).stream()
                .findFirst();
    }

    /**
     * What is new of what comes after a hit, told once, for a person to be shown, whom the journal has. At most 500 at
     * a time, the oldest first: where there are as many, call it again.
     *
     * @param by who is shown it, and for which case
     * @param now the time
     * @return in the order in which it came
     */
    public List<TalkNews> talkNews(Case by, Instant now) {
        return AfterHit.news(shown(by, now, Lib::stapel_partner_talk_news));
    }

    /**
     * All conversations, for a person to be shown, whom the journal has.
     *
     * @param by who is shown them, and for which case
     * @param now the time
     * @return oldest first
     */
    public List<Conversation> conversations(Case by, Instant now) {
        return AfterHit.conversations(shown(by, now, (partner, acts, time, made) ->
                Lib.stapel_partner_conversations(partner, 0, acts, time, made)));
    }

    /**
     * One conversation, for a person to be shown, whom the journal has.
     *
     * @param number its number
     * @param by who is shown it, and for which case
     * @param now the time
     * @return the conversation
     * @throws StapelException "no_conversation" where there is none of that number
     */
    public Conversation conversation(long number, Case by, Instant now) {
        int one = unsigned(number, 1, 0xFFFF_FFFFL, "a conversation's number");
        return AfterHit.conversations(shown(by, now, (partner, acts, time, made) ->
                Lib.stapel_partner_conversations(partner, one, acts, time, made))).get(0);
    }

    /**
     * Writes a text in a conversation, to all of it.
     *
     * @param conversation its number
     * @param text what it says
     * @param by who acts, and for which case
     * @param now the time
     * @throws StapelException "no_conversation" where there is nobody to write to, "note_text"
     */
    public void writeText(long conversation, String text, Case by, Instant now) {
        writeText(conversation, 0, text, by, now);
    }

    /**
     * Writes a text in a conversation, to one partner.
     *
     * @param conversation its number
     * @param to whom it is for: its number in the roster; 0 for all
     * @param text what it says
     * @param by who acts, and for which case
     * @param now the time
     * @throws StapelException "no_conversation" where the other cannot be written to, "note_text"
     */
    public void writeText(long conversation, int to, String text, Case by, Instant now) {
        int number = conversation(conversation);
        short other = (short) unsigned(to, 0, 0xFFFF, "a partner's number");
        byte[] note = Scratch.utf8(text);
        act(by, now, (partner, acts, time) -> Lib.stapel_partner_write_text(partner, number, other, note,
                Scratch.length(note), acts, time));
    }

    /**
     * Says who leads: this partner, where nobody does yet, or whom it hands the lead over to.
     *
     * @param conversation its number
     * @param lead who leads: its number in the roster
     * @param text what goes with it; may be empty
     * @param by who acts, and for which case
     * @param now the time
     * @throws StapelException "not_leading" where another leads
     */
    public void writeLead(long conversation, int lead, String text, Case by, Instant now) {
        int number = conversation(conversation);
        short leads = (short) unsigned(lead, 0, 0xFFFF, "a partner's number");
        byte[] note = Scratch.utf8(text);
        act(by, now, (partner, acts, time) -> Lib.stapel_partner_write_lead(partner, number, leads, note,
                Scratch.length(note), acts, time));
    }

    /**
     * Says how a conversation ended, to all of it.
     *
     * @param conversation its number
     * @param outcome taken_up_together, taken_up_by_one, not_taken_up, nothing_found or wrong_signal
     * @param text what goes with it; may be empty
     * @param by who acts, and for which case
     * @param now the time
     */
    public void writeOutcome(long conversation, String outcome, String text, Case by, Instant now) {
        int number = conversation(conversation);
        byte[] how = Scratch.utf8(outcome);
        byte[] note = Scratch.utf8(text);
        act(by, now, (partner, acts, time) -> Lib.stapel_partner_write_outcome(partner, number, how,
                Scratch.length(how), note, Scratch.length(note), acts, time));
    }

    /**
     * Writes what the coordinator decides, to all of a conversation.
     *
     * @param conversation its number
     * @param lead who leads: its number in the roster; 0 where that stays as it is
     * @param next the day on which it is looked at next; null for none
     * @param text what is decided
     * @param by who acts, and for which case
     * @param now the time
     * @throws StapelException "not_permitted" for another than the coordinator
     */
    public void writeDecision(long conversation, int lead, LocalDate next, String text, Case by, Instant now) {
        int number = conversation(conversation);
        short leads = (short) unsigned(lead, 0, 0xFFFF, "a partner's number");
        byte[] day = Scratch.utf8(next == null ? "" : next.toString());
        byte[] note = Scratch.utf8(text);
        act(by, now, (partner, acts, time) -> Lib.stapel_partner_write_decision(partner, number, leads, day,
                Scratch.length(day), note, Scratch.length(note), acts, time));
    }

    /**
     * Leaves a conversation: nobody can write to this partner there any more. What was written stays here.
     *
     * @param conversation its number
     * @param by who acts, and for which case
     * @param now the time
     * @throws StapelException "no_conversation" where it was left already
     */
    public void leave(long conversation, Case by, Instant now) {
        int number = conversation(conversation);
        act(by, now, (partner, acts, time) -> Lib.stapel_partner_leave(partner, number, acts, time));
    }

    /**
     * The coordinator's agenda, for a person to be shown, whom the journal has.
     *
     * @param by who is shown it, and for which case
     * @param now the time
     * @return oldest first
     */
    public List<AgendaItem> agenda(Case by, Instant now) {
        return AfterHit.agenda(shown(by, now, Lib::stapel_partner_agenda));
    }

    /**
     * The request how many of the organisation's flags are stacked, where the policy answers no more.
     *
     * @param now the time
     * @return one message
     */
    public List<byte[]> totals(Instant now) {
        return messages((partner, made) -> Lib.stapel_partner_totals(partner, Scratch.seconds(now), made));
    }

    /**
     * How the conversations went that began in a year, as {@link #reportYear} reports it.
     *
     * @param year the year
     * @return cells, of which none is small
     */
    public List<YearCell> yearCells(int year) {
        short of = (short) unsigned(year, 0, 0xFFFF, "a year");
        try (Memory room = Lib.YearCellOut.room(YEAR_CELLS)) {
            Lib.SizeTByReference count = new Lib.SizeTByReference();
            handle.use(partner -> {
                StapelException.check(Lib.stapel_partner_year_cells(partner, of, room, new Lib.SizeT(YEAR_CELLS),
                    count));
                return null;
            });
            List<YearCell> cells = new ArrayList<>();
            for (int index = 0; index < count.count(); index++) {
                cells.add(Lib.YearCellOut.cell(room, index));
            }
            return Collections.unmodifiableList(cells);
        }
    }

    /**
     * The report of a year that is over, which is made once.
     *
     * @param year the year
     * @param now the time
     * @return one message
     * @throws StapelException "year_reported" where it was reported already
     */
    public List<byte[]> reportYear(int year, Instant now) {
        short of = (short) unsigned(year, 0, 0xFFFF, "a year");
        return messages((partner, made) -> Lib.stapel_partner_report_year(partner, of, Scratch.seconds(now), made));
    }

    /** Closes the partner, and lets its folder go once the calls that are under way on other threads have ended. */
    @Override
    public void close() {
        handle.close();
    }

    @FunctionalInterface
    private interface CountCall {
        int count(Pointer partner, Pointer homes, Lib.CaseIn by, long now, Lib.SizeTByReference count);
    }

    private int count(Addresses homes, Case by, Instant now, CountCall call) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            Lib.SizeTByReference count = new Lib.SizeTByReference();
            return handle.use(partner -> homes.handle.use(rows -> {
                StapelException.check(call.count(partner, rows, acts, Scratch.seconds(now), count));
                return count.count();
            }));
        }
    }

    @FunctionalInterface
    private interface ActCall {
        int act(Pointer partner, Lib.CaseIn by, long now);
    }

    private void act(Case by, Instant now, ActCall call) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            handle.use(partner -> {
                StapelException.check(call.act(partner, acts, Scratch.seconds(now)));
                return null;
            });
        }
    }

    @FunctionalInterface
    private interface ShowCall {
        int show(Pointer partner, Lib.CaseIn by, long now, PointerByReference made);
    }

    private PointerByReference shown(Case by, Instant now, ShowCall call) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            return made((partner, made) -> call.show(partner, acts, Scratch.seconds(now), made));
        }
    }

    private PointerByReference made(MessagesCall call) {
        PointerByReference made = new PointerByReference();
        handle.use(partner -> {
            StapelException.check(call.messages(partner, made));
            return null;
        });
        return made;
    }

    private static int conversation(long number) {
        return unsigned(number, 0, 0xFFFF_FFFFL, "a conversation's number");
    }

    /** A number that fits: the library would be handed another one in the place of one that does not. */
    private static int unsigned(long number, long least, long most, String what) {
        if (number < least || number > most) {
            throw new IllegalArgumentException(what + " is " + least + " to " + most + ", not " + number);
        }
        return (int) number;
    }

    @FunctionalInterface
    private interface ChangeCall {
        int change(Pointer partner, Pointer homes, Lib.CaseIn by, long now, Lib.ChangedOut changed);
    }

    private Changed change(Addresses homes, Case by, Instant now, ChangeCall call) {
        try (Scratch scratch = new Scratch()) {
            Lib.CaseIn acts = scratch.by(by);
            Lib.ChangedOut changed = new Lib.ChangedOut();
            return handle.use(partner -> homes.handle.use(rows -> {
                StapelException.check(call.change(partner, rows, acts, Scratch.seconds(now), changed));
                return Changed.of(changed);
            }));
        }
    }

    @FunctionalInterface
    private interface MessagesCall {
        int messages(Pointer partner, PointerByReference messages);
    }

    private List<byte[]> messages(MessagesCall call) {
        PointerByReference made = new PointerByReference();
        handle.use(partner -> {
            StapelException.check(call.messages(partner, made));
            return null;
        });
        try (Handle messages = new Handle("the messages", made, Lib::stapel_messages_free)) {
            return messages.use(pointer -> {
                Lib.SizeTByReference count = new Lib.SizeTByReference();
                StapelException.check(Lib.stapel_messages_count(pointer, count));
                List<byte[]> taken = new ArrayList<>(count.count());
                PointerByReference bytes = new PointerByReference();
                Lib.SizeTByReference length = new Lib.SizeTByReference();
                for (int index = 0; index < count.count(); index++) {
                    StapelException.check(Lib.stapel_messages_get(pointer, new Lib.SizeT(index), bytes, length));
                    taken.add(bytes.getValue().getByteArray(0, length.count()));
                }
                return Collections.unmodifiableList(taken);
            });
        }
    }
}

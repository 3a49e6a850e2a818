// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.IntegerType;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.PointerByReference;
import com.sun.jna.ptr.ShortByReference;
import java.nio.charset.StandardCharsets;

/** The functions and structs of stapel.h, as they are there. Direct mapping, which is JNA's fastest. */
final class Lib {
    /** The version of the ABI that this file describes. */
    private static final int ABI_VERSION = 1;

    static {
        // stapel.dll, libstapel.so or libstapel.dylib.
        Native.register(Lib.class, NativeLibrary.getInstance("stapel"));
        int found = stapel_abi_version();
        if (found != ABI_VERSION) {
            throw new UnsatisfiedLinkError(
                    "the library stapel that was found has ABI version " + found
                        + ", and these classes are for version " + ABI_VERSION
                            + ": install the library that came with them");
        }
    }

    private Lib() {}

    static native Pointer stapel_version();

    static native int stapel_abi_version();

    static native Pointer stapel_status_code(int status);

    static native Pointer stapel_last_error_message();

    static native int stapel_open_handles(SizeTByReference count);

    static native int stapel_address_from_text(Pointer register, byte[] text, SizeT textLength, AddressOut address);

    static native int stapel_address_from_fields(Pointer register, Fields fields, AddressOut address);

    static native int stapel_addresses_from_packed_texts(Pointer register, Packed texts, Packed references, SizeT count,
        PointerByReference addresses);

    static native int stapel_addresses_from_packed_fields(
            Pointer register, PackedFields fields, Packed references, SizeT count, PointerByReference addresses);

    static native int stapel_addresses_numbers(Pointer addresses, PointerByReference numbers);

    static native int stapel_addresses_refused_numbers(Pointer addresses, PointerByReference numbers);

    static native int stapel_addresses_pick(Pointer addresses, long[] rows, SizeT count, PointerByReference picked);

    static native int stapel_addresses_count(Pointer addresses, SizeTByReference rows, SizeTByReference refused);

    static native int stapel_addresses_how_counts(Pointer addresses, HowCountsOut counts);

    static native int stapel_addresses_row(Pointer addresses, SizeT index, RowOut row);

    static native int stapel_addresses_refused_row(Pointer addresses, SizeT index, RowOut row);

    static native int stapel_addresses_lines(Pointer addresses, PointerByReference lines);

    static native int stapel_addresses_free(Pointer addresses);

    static native int stapel_register_open(byte[] file, SizeT fileLength, PointerByReference register);

    static native int stapel_register_describe(Pointer register, RegisterAboutOut about);

    static native int stapel_register_look_up(Pointer register, byte[] canonical, SizeT canonicalLength,
        PointerByReference findings);

    static native int stapel_register_free(Pointer register);

    static native int stapel_findings_count(Pointer findings, SizeTByReference count);

    static native int stapel_findings_get(Pointer findings, SizeT index, RegisterEntryOut entry);

    static native int stapel_findings_now(Pointer findings, Str now);

    static native int stapel_findings_free(Pointer findings);

    static native int stapel_buffer_bytes(Pointer buffer, PointerByReference bytes, SizeTByReference length);

    static native int stapel_buffer_free(Pointer buffer);

    static native int stapel_messages_count(Pointer messages, SizeTByReference count);

    static native int stapel_messages_get(Pointer messages, SizeT index, PointerByReference bytes,
        SizeTByReference length);

    static native int stapel_messages_free(Pointer messages);

    static native int stapel_reply_kind(Pointer reply, com.sun.jna.ptr.IntByReference kind);

    static native int stapel_reply_receipt(Pointer reply, ReceiptOut receipt);

    static native int stapel_reply_answer(Pointer reply, AnswerOut answer);

    static native int stapel_reply_standings(Pointer reply, Pointer addresses, byte[] standings, SizeT count);

    static native int stapel_reply_row(Pointer reply, SizeT index, AnswerRowOut row);

    static native int stapel_reply_status(Pointer reply, PositionOut position);

    static native int stapel_reply_rejection(Pointer reply, RejectionOut rejection);

    static native int stapel_reply_talked(Pointer reply, TalkedOut talked);

    static native int stapel_reply_totals(Pointer reply, TotalsOut totals);

    static native int stapel_reply_totals_cell(Pointer reply, SizeT index, TotalsCellOut cell);

    static native int stapel_reply_free(Pointer reply);

    static native int stapel_news_count(Pointer news, SizeTByReference count);

    static native int stapel_news_get(Pointer news, SizeT index, NewsRowOut row);

    static native int stapel_news_free(Pointer news);

    static native int stapel_partner_init(byte[] folder, SizeT folderLength, byte[] keys, SizeT keysLength,
        short number, PointerByReference verifyingKey);

    static native int stapel_partner_join(byte[] folder, SizeT folderLength, byte[] keys, SizeT keysLength,
        byte[] policyFile, SizeT policyFileLength);

    static native int stapel_partner_open(byte[] folder, SizeT folderLength, byte[] keys, SizeT keysLength, int waitMs,
        PointerByReference partner);

    static native int stapel_partner_adopt_policy(Pointer partner, byte[] policyFile, SizeT policyFileLength,
        long now);

    static native int stapel_partner_add_secret(Pointer partner, byte[] secretFile, SizeT secretFileLength);

    static native int stapel_partner_number(Pointer partner, ShortByReference number);

    static native int stapel_partner_undelivered(Pointer partner, SizeTByReference count);

    static native int stapel_partner_flags(Pointer partner, PointerByReference flags);

    static native int stapel_partner_flag(Pointer partner, Pointer homes, CaseIn by, long now, ChangedOut changed);

    static native int stapel_partner_flag_until(
            Pointer partner, Pointer homes, byte[] lastDay, SizeT lastDayLength, CaseIn by, long now,
                ChangedOut changed);

    static native int stapel_partner_renew(
            Pointer partner, Pointer homes, byte[] reason, SizeT reasonLength, CaseIn by, long now, ChangedOut changed);

    static native int stapel_partner_accept_clock(Pointer partner, CaseIn by, long now, SizeTByReference ended);

    static native int stapel_partner_withdraw(Pointer partner, Pointer homes, CaseIn by, long now, ChangedOut changed);

    static native int stapel_partner_replace_all(
            Pointer partner, Pointer homes, int allowShrink, CaseIn by, long now, ChangedOut changed);

    static native int stapel_partner_deliver(Pointer partner, long now, PointerByReference messages);

    static native int stapel_partner_confirm(Pointer partner, long now, PointerByReference messages);

    static native int stapel_partner_ask(Pointer partner, Pointer addresses, CaseIn by, long now,
        PointerByReference messages);

    static native int stapel_partner_ask_own(Pointer partner, CaseIn by, long now, PointerByReference messages);

    static native int stapel_partner_sweep(
            Pointer partner, Pointer addresses, byte[] reason, SizeT reasonLength, CaseIn by, long now,
                PointerByReference messages);

    static native int stapel_partner_status(Pointer partner, long now, PointerByReference messages);

    static native int stapel_partner_in_flight(Pointer partner, PointerByReference messages);

    static native int stapel_partner_read(Pointer partner, byte[] bytes, SizeT bytesLength, long now,
        PointerByReference reply);

    static native int stapel_partner_give_up(Pointer partner, byte[] message, SizeT messageLength, long now);

    static native int stapel_partner_news(Pointer partner, PointerByReference news);

    static native int stapel_partner_put_forward(Pointer partner, Pointer homes, CaseIn by, long now,
        SizeTByReference count);

    static native int stapel_partner_take_back(Pointer partner, Pointer homes, CaseIn by, long now,
        SizeTByReference count);

    static native int stapel_partner_forwarded(Pointer partner, CaseIn by, long now, PointerByReference forwarded);

    static native int stapel_forwarded_count(Pointer forwarded, SizeTByReference count);

    static native int stapel_forwarded_get(Pointer forwarded, SizeT index, ForwardedOut row);

    static native int stapel_forwarded_free(Pointer forwarded);

    static native int stapel_partner_asked(Pointer partner, CaseIn by, long now, PointerByReference asked);

    static native int stapel_asked_count(Pointer asked, SizeTByReference count);

    static native int stapel_asked_get(Pointer asked, SizeT index, AskedOut row);

    static native int stapel_asked_free(Pointer asked);

    static native int stapel_partner_answer(Pointer partner, byte[] canonical, SizeT canonicalLength, byte[] answer,
        SizeT answerLength, CaseIn by, long now);

    static native int stapel_partner_talk(Pointer partner, long now, PointerByReference messages);

    static native int stapel_partner_talk_news(Pointer partner, CaseIn by, long now, PointerByReference news);

    static native int stapel_talk_news_count(Pointer news, SizeTByReference count);

    static native int stapel_talk_news_get(Pointer news, SizeT index, TalkNewsOut row);

    static native int stapel_talk_news_free(Pointer news);

    static native int stapel_partner_conversations(Pointer partner, int conversation, CaseIn by, long now,
        PointerByReference conversations);

    static native int stapel_conversations_count(Pointer conversations, SizeTByReference count);

    static native int stapel_conversations_get(Pointer conversations, SizeT index, ConversationOut conversation);

    static native int stapel_conversations_introduced(Pointer conversations, SizeT index, SizeT at,
        IntroducedOut introduced);

    static native int stapel_conversations_note(Pointer conversations, SizeT index, SizeT at, NoteOut note);

    static native int stapel_conversations_copy(Pointer conversations, SizeT index, SizeT at, SizeT copy,
        NoteCopyOut to);

    static native int stapel_conversations_free(Pointer conversations);

    static native int stapel_partner_write_text(Pointer partner, int conversation, short to, byte[] note,
        SizeT noteLength, CaseIn by, long now);

    static native int stapel_partner_write_lead(Pointer partner, int conversation, short lead, byte[] note,
        SizeT noteLength, CaseIn by, long now);

    static native int stapel_partner_write_outcome(Pointer partner, int conversation, byte[] outcome,
        SizeT outcomeLength, byte[] note, SizeT noteLength, CaseIn by, long now);

    static native int stapel_partner_write_decision(Pointer partner, int conversation, short lead, byte[] next,
        SizeT nextLength, byte[] note, SizeT noteLength, CaseIn by, long now);

    static native int stapel_partner_leave(Pointer partner, int conversation, CaseIn by, long now);

    static native int stapel_partner_agenda(Pointer partner, CaseIn by, long now, PointerByReference agenda);

    static native int stapel_agenda_count(Pointer agenda, SizeTByReference count);

    static native int stapel_agenda_get(Pointer agenda, SizeT index, AgendaOut item);

    static native int stapel_agenda_joined(Pointer agenda, SizeT index, SizeT at, IntroducedOut joined);

    static native int stapel_agenda_left(Pointer agenda, SizeT index, SizeT at, IntroducedOut left);

    static native int stapel_agenda_address(Pointer agenda, SizeT index, SizeT at, AgendaPlaceOut address);

    static native int stapel_agenda_free(Pointer agenda);

    static native int stapel_partner_totals(Pointer partner, long now, PointerByReference messages);

    static native int stapel_partner_year_cells(Pointer partner, short year, Pointer cells, SizeT room,
        SizeTByReference count);

    static native int stapel_partner_report_year(Pointer partner, short year, long now, PointerByReference messages);

    static native int stapel_partner_free(Pointer partner);

    static native int stapel_broker_init_keys(
            byte[] keysFolder, SizeT keysFolderLength, PointerByReference verifyingKey,
                PointerByReference checkpointKey);

    static native int stapel_broker_create(
            byte[] folder,
            SizeT folderLength,
            byte[] keysFolder,
            SizeT keysFolderLength,
            byte[] policyFile,
            SizeT policyFileLength,
            long now,
            PointerByReference broker);

    static native int stapel_broker_open(
            byte[] folder, SizeT folderLength, byte[] keysFolder, SizeT keysFolderLength, PointerByReference broker);

    static native int stapel_broker_handle(Pointer broker, byte[] message, SizeT messageLength, long now,
        PointerByReference reply);

    static native int stapel_broker_certify(Pointer broker, byte[] file, SizeT fileLength, long now);

    static native int stapel_broker_release(Pointer broker, long now, int acceptClock, PointerByReference releases);

    static native int stapel_broker_status(Pointer broker, PointerByReference status);

    static native int stapel_broker_free(Pointer broker);

    /** The size_t at a place. */
    private static int count(Pointer place, int offset) {
        return Math.toIntExact(
                Native.SIZE_T_SIZE == Long.BYTES ? place.getLong(offset)
                    : Integer.toUnsignedLong(place.getInt(offset)));
    }

    /** The text of the stapel_str at a place; null where there is none. */
    private static String text(Pointer place, int offset) {
        Pointer text = place.getPointer(offset);
        int length = count(place, offset + Native.POINTER_SIZE);
        return text == null ? null : new String(text.getByteArray(0, length), StandardCharsets.UTF_8);
    }

    // JNA makes these itself and looks at their fields, so all of them are public; and the class that they are in is
    // not.

    /** A size_t. */
    public static final class SizeT extends IntegerType {
        private static final long serialVersionUID = 1;

        /** Zero. */
        public SizeT() {
            this(0);
        }

        /** A length or an index. */
        public SizeT(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    /** A place for a size_t. */
    public static final class SizeTByReference extends com.sun.jna.ptr.ByReference {
        /** A place with zero in it. */
        public SizeTByReference() {
            super(Native.SIZE_T_SIZE);
            getPointer().clear(Native.SIZE_T_SIZE);
        }

        int count() {
            return Lib.count(getPointer(), 0);
        }
    }

    /** stapel_str. */
    @FieldOrder({"ptr", "len"})
    public static final class Str extends Structure {
        public Pointer ptr;
        public SizeT len = new SizeT();

        /** The text, which a handle gave out and which is good until that is freed; null where there is none. */
        String text() {
            return Lib.text(getPointer(), 0);
        }

        /** Names with a space between; none where there is no text. */
        java.util.List<String> names() {
            String text = text();
            return text == null ? java.util.List.of() : java.util.List.of(text.split(" "));
        }

        /** The day that it names; null where there is none. */
        java.time.LocalDate day() {
            String text = text();
            return text == null ? null : java.time.LocalDate.parse(text);
        }
    }

    /** stapel_address. */
    @FieldOrder({"unit", "number", "how"})
    public static final class AddressOut extends Structure {
        public byte[] unit = new byte[24];
        public byte[] number = new byte[16];
        public int how;
    }

    /** stapel_fields. */
    @FieldOrder({"postcode", "number", "letter", "addition", "street", "town"})
    public static final class Fields extends Structure {
        public Str postcode;
        public Str number;
        public Str letter;
        public Str addition;
        public Str street;
        public Str town;
    }

    /** stapel_packed. */
    @FieldOrder({"bytes", "bytesLength", "ends"})
    public static final class Packed extends Structure {
        public Pointer bytes;
        public SizeT bytesLength = new SizeT();
        public Pointer ends;
    }

    /** stapel_packed_fields. */
    @FieldOrder({"postcode", "number", "letter", "addition", "street", "town"})
    public static final class PackedFields extends Structure {
        public Packed postcode;
        public Packed number;
        public Packed letter;
        public Packed addition;
        public Packed street;
        public Packed town;
    }

    /**
     * stapel_row. There may be a million, so JNA does not read all of its fields one by one; {@link #row} takes what is
     * there from where JNA laid it out.
     */
    @FieldOrder({"row", "status", "level", "how", "reference", "canonical", "typed", "number", "field", "message"})
    public static final class RowOut extends Structure {
        private static final RowOut LAYOUT = new RowOut();
        private static final int STATUS = LAYOUT.fieldOffset("status");
        private static final int LEVEL = LAYOUT.fieldOffset("level");
        private static final int HOW = LAYOUT.fieldOffset("how");
        private static final int REFERENCE = LAYOUT.fieldOffset("reference");
        private static final int CANONICAL = LAYOUT.fieldOffset("canonical");
        private static final int TYPED = LAYOUT.fieldOffset("typed");
        private static final int NUMBER = LAYOUT.fieldOffset("number");
        private static final int FIELD = LAYOUT.fieldOffset("field");
        private static final int MESSAGE = LAYOUT.fieldOffset("message");

        public SizeT row = new SizeT();
        public int status;
        public int level;
        public int how;
        public Str reference;
        public Str canonical;
        public Str typed;
        public Str number;
        public Str field;
        public Str message;

        /** A row that is not there yet. */
        public RowOut() {
            setAutoSynch(false);
        }

        AddressRow row() {
            Pointer place = getPointer();
            return new AddressRow(
                    count(place, 0),
                    place.getInt(STATUS),
                    Level.of(place.getInt(LEVEL)),
                    How.of(place.getInt(HOW)),
                    text(place, REFERENCE),
                    text(place, CANONICAL),
                    text(place, TYPED),
                    text(place, NUMBER),
                    text(place, FIELD),
                    text(place, MESSAGE));
        }
    }

    /** stapel_how_counts. */
    @FieldOrder({"registered", "byId", "completed", "street", "otherSpelling", "unregistered", "withdrawn"})
    public static final class HowCountsOut extends Structure {
        public SizeT registered = new SizeT();
        public SizeT byId = new SizeT();
        public SizeT completed = new SizeT();
        public SizeT street = new SizeT();
        public SizeT otherSpelling = new SizeT();
        public SizeT unregistered = new SizeT();
        public SizeT withdrawn = new SizeT();
    }

    /** stapel_register_about. */
    @FieldOrder({"addresses", "withdrawn", "sourceDay"})
    public static final class RegisterAboutOut extends Structure {
        public SizeT addresses = new SizeT();
        public SizeT withdrawn = new SizeT();
        public byte[] sourceDay = new byte[16];
    }

    /** stapel_register_entry. */
    @FieldOrder({
        "canonical", "street", "town", "postcode", "number", "letter", "addition", "id", "object", "building",
        "latitude", "longitude", "isSecondary", "isWithdrawn"
    })
    public static final class RegisterEntryOut extends Structure {
        public Str canonical;
        public Str street;
        public Str town;
        public Str postcode;
        public int number;
        public Str letter;
        public Str addition;
        public Str id;
        public Str object;
        public Str building;
        public double latitude;
        public double longitude;
        public int isSecondary;
        public int isWithdrawn;
    }

    /** stapel_log_entry. */
    @FieldOrder({"index", "leaf"})
    public static final class LogEntryOut extends Structure {
        public long index;
        public byte[] leaf = new byte[32];
    }

    /** stapel_receipt. */
    @FieldOrder({"release", "added", "changed", "withdrawn", "held", "part", "parts", "log"})
    public static final class ReceiptOut extends Structure {
        public long release;
        public int added;
        public int changed;
        public int withdrawn;
        public int held;
        public short part;
        public short parts;
        public LogEntryOut log;
    }

    /** stapel_answer. */
    @FieldOrder({"actor", "reference", "release", "asOf", "until", "rows", "epoch", "organisations", "fresh", "log"})
    public static final class AnswerOut extends Structure {
        public Str actor;
        public Str reference;
        public long release;
        public long asOf;
        public long until;
        public SizeT rows = new SizeT();
        public int epoch;
        public short organisations;
        public short fresh;
        public LogEntryOut log;
    }

    /** stapel_standing. */
    @FieldOrder({"kind", "count"})
    public static final class StandingOut extends Structure {
        public byte kind;
        public byte count;
    }

    /** stapel_answer_row. */
    @FieldOrder({"canonical", "typed", "level", "standing"})
    public static final class AnswerRowOut extends Structure {
        public Str canonical;
        public Str typed;
        public int level;
        public StandingOut standing;
    }

    /** stapel_position. */
    @FieldOrder({
        "release", "asOf", "until", "acceptedState", "highestState", "highestQuestion", "held", "newFlagsLeft",
        "firstSetsLeft", "heldLeft", "askedLeftToday", "askedLeftEpoch", "sweptLeftToday", "statusLeftToday",
        "fullSetRequired", "complaint", "complaintText", "log"
    })
    public static final class PositionOut extends Structure {
        public long release;
        public long asOf;
        public long until;
        public long acceptedState;
        public long highestState;
        public long highestQuestion;
        public int held;
        public int newFlagsLeft;
        public int firstSetsLeft;
        public int heldLeft;
        public int askedLeftToday;
        public int askedLeftEpoch;
        public int sweptLeftToday;
        public int statusLeftToday;
        public int fullSetRequired;
        public int complaint;
        public Str complaintText;
        public LogEntryOut log;
    }

    /** stapel_talked. */
    @FieldOrder({
        "kept", "unflagged", "added", "newLeft", "heldLeft", "news", "passedOver", "more", "complaint",
        "complaintText", "log"
    })
    public static final class TalkedOut extends Structure {
        public int kept;
        public int unflagged;
        public int added;
        public int newLeft;
        public int heldLeft;
        public int news;
        public int passedOver;
        public int more;
        public int complaint;
        public Str complaintText;
        public LogEntryOut log;
    }

    /** stapel_rejection. */
    @FieldOrder({"status", "next", "number", "sentence", "log"})
    public static final class RejectionOut extends Structure {
        public int status;
        public int next;
        public long number;
        public Str sentence;
        public LogEntryOut log;
    }

    /** stapel_news_row. */
    @FieldOrder({"canonical", "typed", "level", "change", "before", "now"})
    public static final class NewsRowOut extends Structure {
        public Str canonical;
        public Str typed;
        public int level;
        public int change;
        public StandingOut before;
        public StandingOut now;
    }

    /** stapel_forwarded_row. */
    @FieldOrder({"canonical", "typed", "level", "since", "epoch", "ended", "more", "standsUntil"})
    public static final class ForwardedOut extends Structure {
        public Str canonical;
        public Str typed;
        public int level;
        public Str since;
        public int epoch;
        public int ended;
        public Str more;
        public Str standsUntil;
    }

    /** stapel_asked_row. */
    @FieldOrder({"canonical", "typed", "level", "day", "answerBy", "answer", "answered", "isPutForward"})
    public static final class AskedOut extends Structure {
        public Str canonical;
        public Str typed;
        public int level;
        public Str day;
        public Str answerBy;
        public Str answer;
        public Str answered;
        public int isPutForward;
    }

    /** stapel_talk_news_row. */
    @FieldOrder({
        "kind", "conversation", "partner", "name", "canonical", "typed", "answerBy", "actor", "caseReference", "more"
    })
    public static final class TalkNewsOut extends Structure {
        public int kind;
        public int conversation;
        public short partner;
        public Str name;
        public Str canonical;
        public Str typed;
        public Str answerBy;
        public Str actor;
        public Str caseReference;
        public Str more;
    }

    /** stapel_conversation. */
    @FieldOrder({
        "number", "epoch", "canonical", "typed", "began", "lead", "outcome", "decision", "decidedAt", "next",
        "left", "introduced", "notes"
    })
    public static final class ConversationOut extends Structure {
        public int number;
        public int epoch;
        public Str canonical;
        public Str typed;
        public Str began;
        public short lead;
        public Str outcome;
        public Str decision;
        public long decidedAt;
        public Str next;
        public Str left;
        public SizeT introduced = new SizeT();
        public SizeT notes = new SizeT();
    }

    /** stapel_introduced. */
    @FieldOrder({"partner", "name", "organisation", "since", "left", "missesNote"})
    public static final class IntroducedOut extends Structure {
        public short partner;
        public Str name;
        public Str organisation;
        public Str since;
        public Str left;
        public int missesNote;
    }

    /** stapel_note. */
    @FieldOrder({"kind", "from", "lead", "time", "text", "canonical", "typed", "outcome", "next", "copies"})
    public static final class NoteOut extends Structure {
        public int kind;
        public short from;
        public short lead;
        public long time;
        public Str text;
        public Str canonical;
        public Str typed;
        public Str outcome;
        public Str next;
        public SizeT copies = new SizeT();
    }

    /** stapel_note_copy. */
    @FieldOrder({"to", "progress", "putOff", "reason"})
    public static final class NoteCopyOut extends Structure {
        public short to;
        public int progress;
        public Str putOff;
        public Str reason;
    }

    /** stapel_agenda_row. */
    @FieldOrder({
        "conversation", "isNew", "began", "waitingSince", "waitsFor", "ended", "endedOn", "lead", "decision", "next",
        "outcome", "joined", "left", "addresses"
    })
    public static final class AgendaOut extends Structure {
        public int conversation;
        public int isNew;
        public Str began;
        public Str waitingSince;
        public Str waitsFor;
        public Str ended;
        public Str endedOn;
        public short lead;
        public Str decision;
        public Str next;
        public Str outcome;
        public SizeT joined = new SizeT();
        public SizeT left = new SizeT();
        public SizeT addresses = new SizeT();
    }

    /** stapel_agenda_place. */
    @FieldOrder({"canonical", "typed"})
    public static final class AgendaPlaceOut extends Structure {
        public Str canonical;
        public Str typed;
    }

    /** stapel_totals. */
    @FieldOrder({"release", "asOf", "cells", "flags", "year", "quarter", "log"})
    public static final class TotalsOut extends Structure {
        public long release;
        public long asOf;
        public SizeT cells = new SizeT();
        public int flags;
        public short year;
        public byte quarter;
        public LogEntryOut log;
    }

    /** stapel_totals_cell. */
    @FieldOrder({"from", "to", "number"})
    public static final class TotalsCellOut extends Structure {
        public byte from;
        public byte to;
        public int number;
    }

    /** stapel_year_cell. */
    @FieldOrder({"ways", "number"})
    public static final class YearCellOut extends Structure {
        private static final YearCellOut LAYOUT = new YearCellOut();
        private static final int SIZE = LAYOUT.size();
        private static final int NUMBER = LAYOUT.fieldOffset("number");

        public byte ways;
        public int number;

        /** Room for so many. */
        static com.sun.jna.Memory room(int count) {
            return new com.sun.jna.Memory((long) count * SIZE);
        }

        /** The one at an index of such room. */
        static YearCell cell(Pointer cells, int index) {
            long at = (long) index * SIZE;
            return YearCell.of(cells.getByte(at), cells.getInt(at + NUMBER));
        }
    }

    /** stapel_case. */
    @FieldOrder({"actor", "reference"})
    public static final class CaseIn extends Structure {
        public Str actor;
        public Str reference;
    }

    /** stapel_changed. */
    @FieldOrder({"added", "changed", "withdrawn", "unchanged", "lapsed", "refused", "repeated"})
    public static final class ChangedOut extends Structure {
        public long added;
        public long changed;
        public long withdrawn;
        public long unchanged;
        public long lapsed;
        public long refused;
        public long repeated;
    }
}

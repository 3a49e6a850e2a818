/* Stapel: count how many public organisations are concerned about one address, without any of them showing its files.
 * SPDX-License-Identifier: EUPL-1.2
 *
 * The C ABI of the partner's side and of the broker's. Made by cbindgen from the comments in ffi/src; not to be
 * edited.
 *
 * THE WAY OF THE DATA. A partner reads rows of addresses (stapel_addresses_from_...), flags them
 * (stapel_partner_flag), carries the messages that tell the broker (stapel_partner_deliver) there, and gives the
 * broker's replies to stapel_partner_read. Then it asks (stapel_partner_ask), and stapel_reply_standings brings the
 * answer back to the rows. What carries messages and replies is the caller's: HTTPS, for instance. A broker takes a
 * message and gives the reply (stapel_broker_handle).
 *
 * AFTER A HIT a partner says which of its flags others may learn of by its name (stapel_partner_put_forward), and
 * answers where another did (stapel_partner_asked, stapel_partner_answer). stapel_partner_talk makes the messages. Who
 * agreed is introduced, and they write to each other (stapel_partner_conversations, stapel_partner_write_...). What is
 * shown to a person of it takes who that is, and for which case: that is in the journal before it is handed out.
 *
 * A REGISTER of the addresses that exist (stapel_register_open) may be given to the functions that read addresses: then
 * more of them are read, and those that do not exist are told. Without one they take NULL.
 *
 * STATUS. Every function that can fail returns a stapel_status. STAPEL_OK is 0; stapel_status_code gives the stable
 * code of any other, and stapel_last_error_message the sentence. Results come last, and are written only when
 * STAPEL_OK is returned, unless the function says otherwise. Whatever the arguments, as far as the rules for pointers
 * below are held to, no function crashes or ends the program; a panic inside is a status.
 *
 * POINTERS. A pointer is NULL, which is STAPEL_ERROR_NULL_ARGUMENT unless it says otherwise, or points to what its
 * type says, aligned, for as long as the call lasts; an array has as many elements as its length says. Two results
 * must not be in the same place. The library keeps no pointer of the caller's.
 *
 * TEXTS are UTF-8: a pointer to bytes and their number, without a NUL at the end. Instead of a number
 * STAPEL_NUL_TERMINATED may be given, where the text ends with a NUL. Texts that the library gives out do not end with
 * a NUL, except those that are returned as const char *. Paths are texts on every system.
 *
 * HANDLES (stapel_partner *, and so on) are opaque: nothing is behind the pointer. What is made by a function is freed
 * once by the caller, with the function named after it, and by nothing else; a handle that was freed, or is of another
 * kind, is STAPEL_ERROR_INVALID_HANDLE. Pointers that a handle gave out are good until it is freed. Order does not
 * matter: rows, messages and replies outlive the partner that they came from.
 *
 * THREADS. Any thread may call any function with any handle, at the same time too. Calls about one partner take turns;
 * calls about one broker run side by side; all other handles stand for what never changes. A handle may be freed while
 * a call on another thread uses it: that call ends as if it were not. But nobody may use a pointer that a freed handle
 * gave out. A process that forks uses partners and brokers on one side of the fork only.
 *
 * PROCESSES. A partner's folder and a broker's store are open once, in one process: else STAPEL_ERROR_FOLDER_IN_USE.
 *
 * TIME is seconds since 1970-01-01T00:00:00Z. The library reads no clock: each call that needs the time is told it.
 *
 * SECRETS stay inside: no secret, no private key and no single pseudonym is ever given out; keys and secrets are wiped
 * from memory when their handle is freed.
 *
 * THE PROMISE. STAPEL_ABI_VERSION, and the number in the name of the shared library (libstapel.so.1), change when a
 * program compiled with an earlier header could go wrong: when a function, its arguments, a struct or the meaning of a
 * number changes or goes. New functions and new status numbers may come without it. A status number never comes to
 * mean another code. */

#ifndef STAPEL_H
#define STAPEL_H

#include <stddef.h>
#include <stdint.h>

/** The length of a text that ends with a NUL. */
#define STAPEL_NUL_TERMINATED SIZE_MAX

/** The broker's side: stapel_broker and its functions. A library can be built without it (cargo's feature `broker`
 * switched off); a program for such a library defines STAPEL_NO_BROKER before it includes this header. */
#ifndef STAPEL_NO_BROKER
#define STAPEL_BROKER
#endif

/** The version of the ABI that this header describes. */
#define STAPEL_ABI_VERSION 1

/**
 * What came of a call.
 *
 * 1 to 99 are of this layer; 100 to 199 the library's errors; 200 to 299 say why an address was refused; 300 and on
 * why the broker did not accept a message. A later version may add some: treat a number that is not listed here as an
 * error.
 */
enum stapel_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** It was done. */
    STAPEL_OK = 0,
    /** A pointer that must not be NULL was. */
    STAPEL_ERROR_NULL_ARGUMENT = 1,
    /**
     * A length, an index, a row count, an alignment, a day or a reason cannot be; or a reply is not of the kind that
     * was read.
     */
    STAPEL_ERROR_INVALID_ARGUMENT = 2,
    /** A handle is not one, is of another kind, or was freed. */
    STAPEL_ERROR_INVALID_HANDLE = 3,
    /**
     * A bug in the library. The call was stopped, and the program can go on; free the partner or broker that it was
     * about and open it again.
     */
    STAPEL_ERROR_PANIC = 4,
    /**
     * There is not enough memory for what was handed in. Nothing was done: hand in fewer rows at a time. Where a reply
     * was to be read, it may be in the journal: read the same reply again.
     */
    STAPEL_ERROR_OUT_OF_MEMORY = 5,
    /** A file could not be read or written. */
    STAPEL_ERROR_IO = 100,
    /** A file that holds a secret can be read by others than its owner. */
    STAPEL_ERROR_FILE_MODE = 101,
    /** A secret file, or a part of one, is not as it was written. */
    STAPEL_ERROR_SECRET_FILE = 102,
    /** The parts of a secret do not fit together. */
    STAPEL_ERROR_SECRET_PARTS = 103,
    /** A key file does not hold a raw 32-byte seed. */
    STAPEL_ERROR_KEY_FILE = 104,
    /** A policy's text is not a well-formed policy. */
    STAPEL_ERROR_POLICY_TEXT = 105,
    /** A policy is well-formed, but must not be in force. */
    STAPEL_ERROR_POLICY_UNSAFE = 106,
    /** A policy does not bear the signatures it needs. */
    STAPEL_ERROR_POLICY_SIGNATURES = 107,
    /** A signature of a policy could not be made or read. */
    STAPEL_ERROR_POLICY_SIGNATURE = 108,
    /** A policy may not take the place of the one in force. */
    STAPEL_ERROR_POLICY_SUCCESSOR = 109,
    /** The bytes are not a message, or not in the one form that it has. */
    STAPEL_ERROR_MALFORMED = 110,
    /** A message has more bytes or pseudonyms than one may have. */
    STAPEL_ERROR_TOO_LARGE = 111,
    /** A signature is not that of the key it should be of. */
    STAPEL_ERROR_BAD_SIGNATURE = 112,
    /** The broker's store could not be opened, read or written. */
    STAPEL_ERROR_STORE = 113,
    /** The broker's store has a format that this version does not know. */
    STAPEL_ERROR_STORE_FORMAT = 114,
    /** The broker's store holds what no broker writes. */
    STAPEL_ERROR_STORE_DAMAGED = 115,
    /** The policy names another broker than the one whose keys these are. */
    STAPEL_ERROR_POLICY_OPERATOR = 116,
    /** The policy is not valid yet. */
    STAPEL_ERROR_POLICY_NOT_YET = 117,
    /**
     * The clock went back: set it right, or where it is right, accept it. Or a message was rejected because its time,
     * or a last valid day, is too long ago or too far ahead.
     */
    STAPEL_ERROR_CLOCK = 118,
    /** The folder of a partner is not one, or not one that can be used. */
    STAPEL_ERROR_PARTNER_FOLDER = 119,
    /** Another process, or another handle, has the folder open. */
    STAPEL_ERROR_FOLDER_IN_USE = 120,
    /** A record of a partner's journal is not as it was written. */
    STAPEL_ERROR_JOURNAL_DAMAGED = 121,
    /** The roster does not have this partner. */
    STAPEL_ERROR_NOT_IN_ROSTER = 122,
    /** A secret is not the one that the policy names. */
    STAPEL_ERROR_SECRET_MISMATCH = 123,
    /** There is no epoch in which a message can be made. */
    STAPEL_ERROR_NO_EPOCH = 124,
    /** The roster does not let this partner do this. */
    STAPEL_ERROR_NOT_PERMITTED = 125,
    /** An address is of a level that cannot be used here. */
    STAPEL_ERROR_LEVEL = 126,
    /** A last valid day cannot be used. */
    STAPEL_ERROR_LAST_DAY = 127,
    /** An address has no flag that could be renewed, nor had one within 30 days. */
    STAPEL_ERROR_NOT_FLAGGED = 128,
    /** The acting user or the case reference is missing or cannot be used. */
    STAPEL_ERROR_CASE = 129,
    /** A full set would withdraw more flags than the policy lets pass unsaid. */
    STAPEL_ERROR_SHRINK = 130,
    /** A reply is not to a message that is in flight. */
    STAPEL_ERROR_UNEXPECTED_REPLY = 131,
    /** The broker forgot what it had signed, and does not say that it was restored. */
    STAPEL_ERROR_UNANNOUNCED_RESTORE = 132,
    /** A line of the audit log is not in the one form that it has. */
    STAPEL_ERROR_LOG_LINE = 133,
    /** An exported audit log is not in the one form that it has. */
    STAPEL_ERROR_LOG_FILE = 134,
    /** An audit log is not the one that was signed. */
    STAPEL_ERROR_LOG_ALTERED = 135,
    /** A checkpoint of the audit log cannot be used. */
    STAPEL_ERROR_CHECKPOINT = 136,
    /** A proof does not prove what it should. */
    STAPEL_ERROR_LOG_PROOF = 137,
    /** What the broker signed of its audit log is not one history. */
    STAPEL_ERROR_LOG_INCONSISTENT = 138,
    /**
     * The clock is so far past the last release, or past what the partner did last, that it may be wrong; or it is
     * given in milliseconds.
     */
    STAPEL_ERROR_CLOCK_AHEAD = 139,
    /** The operating system gave no randomness. */
    STAPEL_ERROR_RANDOM = 140,
    /** The store's log does not continue what was signed under its name. */
    STAPEL_ERROR_LOG_BEHIND = 141,
    /** The folder with the broker's keys lacks what the store needs, or something in it is not as it was written. */
    STAPEL_ERROR_BROKER_KEYS = 142,
    /** Work cannot be spread over so many threads. */
    STAPEL_ERROR_THREADS = 143,
    /** Pseudonyms are missing that a source has to be asked for first. */
    STAPEL_ERROR_PSEUDONYMS_PENDING = 144,
    /** A key holder of a source of pseudonyms gave a reply that no honest one gives. */
    STAPEL_ERROR_SOURCE_FAULT = 145,
    /** The caller says that the clock is not to be trusted. */
    STAPEL_ERROR_CLOCK_UNTRUSTED = 146,
    /** A partner has a receipt with this broker's own signature that the broker does not know. */
    STAPEL_ERROR_FORGOTTEN = 147,
    /** A certificate or a suspension of a partner cannot be used. */
    STAPEL_ERROR_CERTIFICATE = 148,
    /**
     * The partner's certificate does not name its key, has ended, or is a suspension; or a message was rejected
     * because the broker's does not hold.
     */
    STAPEL_ERROR_NOT_CERTIFIED = 149,
    /** The partner or the broker was opened by another process, of which this one is a fork. */
    STAPEL_ERROR_OTHER_PROCESS = 150,
    /** A folder belongs to another user than the one that this runs as, who may be root. */
    STAPEL_ERROR_OTHER_USER = 151,
    /** An epoch's secrets may still be needed. */
    STAPEL_ERROR_EPOCH_IN_USE = 152,
    /** There was no release for days, and nobody has said since that the clock is right. */
    STAPEL_ERROR_CLOCK_UNCONFIRMED = 153,
    /** A file is not a local register, or is damaged. */
    STAPEL_ERROR_REGISTER = 154,
    /** A row of what a local register is built from cannot be used. */
    STAPEL_ERROR_REGISTER_ROW = 155,
    /** A local register has no object with a BAG id. */
    STAPEL_ERROR_BAG_ID_UNKNOWN = 156,
    /** By a local register a BAG id was withdrawn. */
    STAPEL_ERROR_BAG_ID_WITHDRAWN = 157,
    /** A local register has not that street in that town, or not that number in it. */
    STAPEL_ERROR_NOT_IN_REGISTER = 158,
    /** What was given fits more than one address of a local register. */
    STAPEL_ERROR_SEVERAL_IN_REGISTER = 159,
    /** The policy requires a register of addresses, and an address was not looked up in one. */
    STAPEL_ERROR_REGISTER_REQUIRED = 160,
    /** An address that is to be put forward is not flagged by this partner. */
    STAPEL_ERROR_NO_FLAG = 161,
    /** Nobody put an address forward, as far as this partner was told: there is nothing to answer. */
    STAPEL_ERROR_NOT_PUT_FORWARD = 162,
    /** There is no conversation of that number, or nobody in it who could be written to. */
    STAPEL_ERROR_NO_CONVERSATION = 163,
    /** Another partner leads a conversation, and who leads hands it over. */
    STAPEL_ERROR_NOT_LEADING = 164,
    /** The text of a note is empty or too long, or has what a note must not have. */
    STAPEL_ERROR_NOTE_TEXT = 165,
    /** Another message of what comes after a hit waits for its reply, and there is one at a time. */
    STAPEL_ERROR_TALK_IN_FLIGHT = 166,
    /** A year was reported already, which is done once. */
    STAPEL_ERROR_YEAR_REPORTED = 167,
    /** The broker introduced somebody who did not put forward what it says. */
    STAPEL_ERROR_FALSE_INTRODUCTION = 168,
    /** The broker introduced this partner by what did not stand then. */
    STAPEL_ERROR_LATE_INTRODUCTION = 169,
    /**
     * It is not known whether the broker kept what was done last. Open the broker again, and send the same bytes
     * again.
     */
    STAPEL_ERROR_OUTCOME_UNKNOWN = 170,
    /** An address was refused: it is longer than one address can be. */
    STAPEL_ERROR_TOO_LONG = 200,
    /** An address was refused: it is not UTF-8; of any other text too. */
    STAPEL_ERROR_NOT_UTF8 = 201,
    /** An address was refused: it holds no letter and no digit. */
    STAPEL_ERROR_EMPTY = 202,
    /** An address was refused: a character is one that no address is written with, or only looks like one that is. */
    STAPEL_ERROR_CHARACTER = 203,
    /** An address was refused: it has bars, and is not the canonical form of a unit. */
    STAPEL_ERROR_NOT_CANONICAL = 204,
    /** An address was refused: it has no postcode. */
    STAPEL_ERROR_NO_POSTCODE = 205,
    /** An address was refused: it has two postcodes. */
    STAPEL_ERROR_TWO_POSTCODES = 206,
    /** An address was refused: the postcode is not four digits and two letters. */
    STAPEL_ERROR_POSTCODE_FORM = 207,
    /** An address was refused: the postcode begins with 0, as none does. */
    STAPEL_ERROR_POSTCODE_FIRST_DIGIT = 208,
    /** An address was refused: the postcode ends in SA, SD or SS, as none does. */
    STAPEL_ERROR_POSTCODE_LETTERS = 209,
    /** An address was refused: it has no house number. */
    STAPEL_ERROR_NO_NUMBER = 210,
    /** An address was refused: it has two house numbers. */
    STAPEL_ERROR_TWO_NUMBERS = 211,
    /** An address was refused: the house number is not a number in digits alone. */
    STAPEL_ERROR_NUMBER_FORM = 212,
    /** An address was refused: the house number is zero, as none is. */
    STAPEL_ERROR_NUMBER_ZERO = 213,
    /** An address was refused: the house number has more than five digits. */
    STAPEL_ERROR_NUMBER_TOO_LONG = 214,
    /** An address was refused: a number may be the house number or a part of another name. */
    STAPEL_ERROR_NUMBER_UNCLEAR = 215,
    /** An address was refused: a number may be an ordinal or a house number. */
    STAPEL_ERROR_ORDINAL_UNCLEAR = 216,
    /** An address was refused: a number may be a year in the street's name or a house number. */
    STAPEL_ERROR_YEAR_UNCLEAR = 217,
    /** An address was refused: it may be several house numbers, or one with an addition. */
    STAPEL_ERROR_RANGE_UNCLEAR = 218,
    /** An address was refused: letter and addition are longer than five characters together. */
    STAPEL_ERROR_SUFFIX_TOO_LONG = 219,
    /** An address was refused: a word may be an addition or something else. */
    STAPEL_ERROR_SUFFIX_UNCLEAR = 220,
    /** An address was refused: it describes a part of the building in words. */
    STAPEL_ERROR_SUFFIX_IN_WORDS = 221,
    /** An address was refused: the letter is not one letter. */
    STAPEL_ERROR_LETTER_FORM = 222,
    /** An address was refused: the addition is not letters and digits with single separators between unlike ones. */
    STAPEL_ERROR_ADDITION_FORM = 223,
    /** An address was refused: it names a place near, not the house itself. */
    STAPEL_ERROR_NOT_THE_HOUSE = 224,
    /** An address was refused: it is a box or reply number, not a place. */
    STAPEL_ERROR_NOT_A_PLACE = 225,
    /** An address was refused: it looks like a BAG id but has not 16 digits. */
    STAPEL_ERROR_BAG_ID_LENGTH = 226,
    /** An address was refused: it is not the BAG id of an address. */
    STAPEL_ERROR_BAG_ID_TYPE = 227,
    /** An address was refused: it is a BAG id, which only a local register can turn into an address. */
    STAPEL_ERROR_BAG_ID_NEEDS_REGISTER = 228,
    /** An address was refused: it is a BAG id with its leading zero lost, as spreadsheets lose it. */
    STAPEL_ERROR_BAG_ID_ZERO_LOST = 229,
    /** An address was refused: the addition is how a program writes an empty value, such as NULL. */
    STAPEL_ERROR_EMPTY_VALUE = 230,
    /** An address was refused: the addition is a date, which a spreadsheet made of one such as 1-3. */
    STAPEL_ERROR_SPREADSHEET_DATE = 231,
    /** An address was refused: it may be a number and an addition, or the number of a street and a house number. */
    STAPEL_ERROR_NUMBERED_STREET = 232,
    /** An address was refused: it names a Belgian town, with letters that may be the code of a country or language. */
    STAPEL_ERROR_BELGIAN_TOWN = 233,
    /** A message was rejected: the roster has no partner of that number. */
    STAPEL_ERROR_UNKNOWN_PARTNER = 302,
    /** A message was rejected: the message is for another consortium. */
    STAPEL_ERROR_WRONG_CONSORTIUM = 304,
    /** A message was rejected: the message is for another purpose. */
    STAPEL_ERROR_WRONG_PURPOSE = 305,
    /** A message was rejected: the key id is not that of the epoch. */
    STAPEL_ERROR_WRONG_KEY_ID = 306,
    /** A message was rejected: the policy's digest is not that of the policy in force. */
    STAPEL_ERROR_WRONG_POLICY = 307,
    /**
     * A message was rejected: the policy has no such epoch, or it is not open today, or the organisation joined with a
     * later one.
     */
    STAPEL_ERROR_WRONG_EPOCH = 308,
    /**
     * A message was rejected: the state number before it is not the last that was accepted; `number` is the one
     * expected.
     */
    STAPEL_ERROR_GAP = 309,
    /** A message was rejected: the number was used before; `number` is the lowest still free. */
    STAPEL_ERROR_STALE = 310,
    /** A message was rejected: a budget does not reach; `number` is what is left of it. */
    STAPEL_ERROR_OVER_BUDGET = 312,
    /**
     * A message was rejected: a flag would last longer than the policy's days since its first, and the message gives
     * no reason.
     */
    STAPEL_ERROR_RENEWAL_NOT_DECLARED = 315,
    /** A message was rejected: the partner's first state message in this epoch must be a full set. */
    STAPEL_ERROR_FULL_SET_REQUIRED = 317,
    /** A message was rejected: the broker was restored from an older store and needs this partner's full set first. */
    STAPEL_ERROR_RECOVERING = 318,
    /** A message was rejected: the broker cannot keep anything now; send the same bytes again later. */
    STAPEL_ERROR_UNAVAILABLE = 319,
    /** A message was rejected: another epoch answers questions; `number` is that epoch. Ask again. */
    STAPEL_ERROR_OTHER_EPOCH = 320,
    /**
     * A message was rejected: no epoch answers questions yet, because some organisations have not delivered. Ask again
     * after the next release.
     */
    STAPEL_ERROR_NOT_YET_ANSWERING = 321,
    /**
     * Flags cannot be renewed any more: they would last longer since their first day than the policy's most renewals
     * allow. Of a rejected message, `number` is how many.
     */
    STAPEL_ERROR_TOO_MANY_RENEWALS = 323,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_status stapel_status;
#else
typedef int32_t stapel_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** How an address was found in a register. */
enum stapel_how
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** It was read without a register, or refused. */
    STAPEL_HOW_NONE = 0,
    /** As it was given; the register has it. */
    STAPEL_HOW_REGISTERED = 1,
    /** By its BAG id. */
    STAPEL_HOW_BY_ID = 2,
    /** From street, number and town, which only one address has. */
    STAPEL_HOW_COMPLETED = 3,
    /** By the name of its street, without which it could not be told which number is the house's. */
    STAPEL_HOW_STREET = 4,
    /** The register has only another spelling of that floor, as H for hs. */
    STAPEL_HOW_OTHER_SPELLING = 5,
    /** As it was given; the register has no such address. */
    STAPEL_HOW_UNREGISTERED = 6,
    /** As it was given; the register says that the address was withdrawn. */
    STAPEL_HOW_WITHDRAWN = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_how stapel_how;
#else
typedef int32_t stapel_how;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** How much of an address a row names. */
enum stapel_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** The row was refused. */
    STAPEL_LEVEL_NONE = 0,
    /** One home. */
    STAPEL_LEVEL_UNIT = 1,
    /** One house number. */
    STAPEL_LEVEL_NUMBER = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_level stapel_level;
#else
typedef int32_t stapel_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** What a reply is, and which function tells more. */
enum stapel_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** One that this version of the library does not know. */
    STAPEL_KIND_OTHER = 0,
    /** The broker accepted what was delivered: stapel_reply_receipt. */
    STAPEL_KIND_RECEIPT = 1,
    /** It answered a question: stapel_reply_answer, stapel_reply_standings, stapel_reply_row. */
    STAPEL_KIND_ANSWER = 2,
    /** Where the partner stands: stapel_reply_status. */
    STAPEL_KIND_STATUS = 3,
    /** It did not accept a message: stapel_reply_rejection. */
    STAPEL_KIND_REJECTION = 4,
    /** It did not accept a message that the partner no longer waited for; nothing changed: stapel_reply_rejection. */
    STAPEL_KIND_LATE = 5,
    /**
     * Somebody, perhaps the broker, says that a message was not accepted, and could not sign that. Nothing changed: if
     * it is true, the message, the roster or the carrier needs a look; if not, the right reply is still to come:
     * stapel_reply_rejection.
     */
    STAPEL_KIND_HINT = 6,
    /** The broker keeps what is put forward, or the report of a year: stapel_reply_talked. */
    STAPEL_KIND_KEPT = 7,
    /** What waited at the broker of what comes after a hit, such as introductions and notes: stapel_reply_talked. */
    STAPEL_KIND_POSTED = 8,
    /** How many of the organisation's flags are stacked: stapel_reply_totals. */
    STAPEL_KIND_TOTALS = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_kind stapel_kind;
#else
typedef int32_t stapel_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** What a standing says. */
enum stapel_standing_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** Nothing: no answer spoke of it. */
    STAPEL_STANDING_NONE = 0,
    /** Its address was refused when it was read, so it was not asked. */
    STAPEL_STANDING_REFUSED = 1,
    /** Fewer organisations flag it than the policy's threshold. Unknown, withdrawn and expired are the same. */
    STAPEL_STANDING_BELOW_THRESHOLD = 2,
    /** The partner does not flag it itself, so it is not told. */
    STAPEL_STANDING_NO_OWN_FLAG = 3,
    /** Stacked: as many organisations as the threshold or more flag it, the partner's own included; no more is told. */
    STAPEL_STANDING_STACKED = 4,
    /** Stacked: `count` organisations or more flag it. */
    STAPEL_STANDING_AT_LEAST = 5,
    /** Stacked: exactly `count` organisations flag it. */
    STAPEL_STANDING_COUNT = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_standing_kind stapel_standing_kind;
#else
typedef uint8_t stapel_standing_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** What to do after a rejection. */
enum stapel_next
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** Nothing: it was no longer waited for, or nobody signed it. */
    STAPEL_NEXT_NOTHING = 0,
    /**
     * Deliver or ask again: what was wrong is put right in the next message. Where another epoch answers, in which the
     * organisation takes no part, ask once its own does.
     */
    STAPEL_NEXT_AGAIN = 1,
    /** Send the same bytes again later. */
    STAPEL_NEXT_RESEND = 2,
    /** Fetch the policy in force, adopt it, and deliver or ask again. */
    STAPEL_NEXT_FETCH_POLICY = 3,
    /**
     * Where no epoch answers yet, ask after the next release. Else deliver again, which says as much as the budgets
     * take and the rest later, or ask about less. A day's budgets are new at 00:00 UTC, and an epoch's with the next
     * epoch.
     */
    STAPEL_NEXT_WAIT = 4,
    /** See whether the set is complete, and say that its shrinking is meant. */
    STAPEL_NEXT_DECLARE_SHRINK = 5,
    /** Look at the flags again, and renew those that are still right. */
    STAPEL_NEXT_RENEW = 6,
    /** Set this side's clock right; where it is, the message came too late: deliver or ask again. */
    STAPEL_NEXT_SET_CLOCK = 7,
    /** Ask the coordinator: this software, the roster and the broker do not agree. */
    STAPEL_NEXT_ASK_COORDINATOR = 8,
    /** Withdraw the flags that cannot be renewed any more, or give them an earlier last valid day. */
    STAPEL_NEXT_END = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_next stapel_next;
#else
typedef int32_t stapel_next;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** What changed. */
enum stapel_change
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** It is stacked now. */
    STAPEL_CHANGE_NEWLY_STACKED = 1,
    /** It was stacked, and another number of organisations flag it now. */
    STAPEL_CHANGE_COUNT_CHANGED = 2,
    /** It was stacked, and is no longer. */
    STAPEL_CHANGE_NO_LONGER_STACKED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_change stapel_change;
#else
typedef int32_t stapel_change;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** What is new. */
enum stapel_talk_news_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** Something that this version of the library does not know. */
    STAPEL_TALK_NEWS_OTHER = 0,
    /** Somebody put forward what this partner flags too: stapel_partner_answer. */
    STAPEL_TALK_NEWS_ASKED = 1,
    /** This partner was introduced to another. */
    STAPEL_TALK_NEWS_INTRODUCED = 2,
    /** A note came. */
    STAPEL_TALK_NEWS_NOTE = 3,
    /** The coordinator decided. */
    STAPEL_TALK_NEWS_DECISION = 4,
    /** Another left. */
    STAPEL_TALK_NEWS_LEFT = 5,
    /** What is put forward ended with its epoch: stapel_partner_put_forward puts it forward in the one that answers. */
    STAPEL_TALK_NEWS_ROW_ENDED = 6,
    /**
     * The policy lets more know of what is put forward than was agreed to: `more` in stapel_forwarded_row. They are
     * not told, unless somebody agrees to that by putting it forward again.
     */
    STAPEL_TALK_NEWS_ROW_WIDER = 7,
    /** Something of another was passed over, because for two weeks no certificate of it came: ask its organisation. */
    STAPEL_TALK_NEWS_NEVER_CERTIFIED = 8,
    /** A note of another was passed over, because its writer may not say what it says. */
    STAPEL_TALK_NEWS_REFUSED = 9,
    /**
     * Something of another could not be read here, and was passed over; it does not know: ask its organisation to
     * write anew, or to put the address forward anew.
     */
    STAPEL_TALK_NEWS_UNREADABLE = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_talk_news_kind stapel_talk_news_kind;
#else
typedef int32_t stapel_talk_news_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** What a note is. */
enum stapel_note_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** One that this version of the library does not know. */
    STAPEL_NOTE_OTHER = 0,
    /** A text. */
    STAPEL_NOTE_TEXT = 1,
    /** Which address the conversation is about: what the coordinator is told. */
    STAPEL_NOTE_ADDRESS = 2,
    /** Who leads from now on. */
    STAPEL_NOTE_LEAD = 3,
    /** How it ended. */
    STAPEL_NOTE_OUTCOME = 4,
    /** What the coordinator decided. */
    STAPEL_NOTE_DECISION = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_note_kind stapel_note_kind;
#else
typedef int32_t stapel_note_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** How far an own note came. */
enum stapel_note_progress
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** In a way that this version of the library does not know. */
    STAPEL_PROGRESS_OTHER = 0,
    /** It goes with one of the next exchanges. */
    STAPEL_PROGRESS_WAITING = 1,
    /** The broker did not take it on the day `put_off`; `reason` says why. It goes on the next day. */
    STAPEL_PROGRESS_PUT_OFF = 2,
    /** The broker has it. */
    STAPEL_PROGRESS_KEPT = 3,
    /** The other says that it read it. */
    STAPEL_PROGRESS_READ = 4,
    /** The broker did not take it: one of the two left. */
    STAPEL_PROGRESS_NOT_INTRODUCED = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum stapel_note_progress stapel_note_progress;
#else
typedef int32_t stapel_note_progress;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Rows of addresses that were read, each with its canonical form or why it was refused. They never change: any number
 * of threads may use the same rows at once, and the same rows can be given to any number of calls.
 */
typedef struct stapel_addresses stapel_addresses;

/**
 * The coordinator's agenda, oldest first, with what has ended. It never changes: any number of threads may look at it
 * at once.
 */
typedef struct stapel_agenda stapel_agenda;

/**
 * What others put forward that this partner flags too, oldest first. It never changes: any number of threads may look
 * at it at once.
 */
typedef struct stapel_asked stapel_asked;

#if defined(STAPEL_BROKER)
/**
 * A broker with its store open. One handle at a time, of all processes, can have a store open.
 *
 * What it replied to is on disk when the call returns. Any number of threads may use it at once.
 */
typedef struct stapel_broker stapel_broker;
#endif

/**
 * Bytes that the library made, such as a reply or a text. They never change: any number of threads may read them at
 * once.
 */
typedef struct stapel_buffer stapel_buffer;

/** Conversations, oldest first. They never change: any number of threads may look at them at once. */
typedef struct stapel_conversations stapel_conversations;

/** What a register says of the address of a key. It never changes: any number of threads may look at it at once. */
typedef struct stapel_findings stapel_findings;

/**
 * What this partner puts forward, in the order in which it was. It never changes: any number of threads may look at it
 * at once.
 */
typedef struct stapel_forwarded stapel_forwarded;

/**
 * Messages for the broker, in the order in which it must get them. They never change: any number of threads may read
 * them at once.
 */
typedef struct stapel_messages stapel_messages;

/**
 * What changed over a partner's own flags, ascending by address. It never changes: any number of threads may look at
 * it at once.
 */
typedef struct stapel_news stapel_news;

/**
 * A partner with its folder open: its key, its flags, its journal. One handle at a time, of all processes, can have a
 * folder open.
 *
 * Everything that a call did is on disk when it returns. Any thread may use it; calls take turns.
 */
typedef struct stapel_partner stapel_partner;

/**
 * A local register of the addresses that exist (BAG), which `stapel register build` made. Open it once, and give it to
 * the calls that read addresses. It never changes: any number of threads may look things up in it at once. What is
 * looked up stays in the process.
 */
typedef struct stapel_register stapel_register;

/** A reply that was read. It never changes: any number of threads may look at it at once. */
typedef struct stapel_reply stapel_reply;

/**
 * What is new of what comes after a hit, in the order in which it came. It never changes: any number of threads may
 * look at it at once.
 */
typedef struct stapel_talk_news stapel_talk_news;

/** The canonical forms of an address, each ending with a NUL. */
typedef struct {
    /**
     * Of the home: postcode, number and addition, as in "1012JS|1|A"; of one without a postcode, its BAG id. Empty
     * where it was refused.
     */
    char unit[24];
    /**
     * Of the house number that it is in, as in "1012JS|1"; empty for a home without a postcode. Where the home was
     * refused, this is filled in still if the house number is certain.
     */
    char number[16];
    /** How the register found it; STAPEL_HOW_NONE without a register. */
    stapel_how how;
} stapel_address;

/**
 * A text in UTF-8: where it begins, and how many bytes it has. One that the library gives out does not end with a NUL;
 * its pointer is NULL where there is none.
 */
typedef struct {
    /** The first byte. May be NULL where there are none. */
    const char *ptr;
    /** The number of bytes; in what is given to the library also STAPEL_NUL_TERMINATED. */
    size_t len;
} stapel_str;

/**
 * The separate fields of one address, as a register or a table has them. Any may be empty, and is so where its pointer
 * is NULL.
 */
typedef struct {
    /** The postcode. */
    stapel_str postcode;
    /** The house number (huisnummer). */
    stapel_str number;
    /** The house letter (huisletter). */
    stapel_str letter;
    /** The house number's addition (huisnummertoevoeging). */
    stapel_str addition;
    /**
     * The street (openbare ruimte): with a register used where there is no postcode; else it stands only in the text
     * that is kept of the address.
     */
    stapel_str street;
    /** The town (woonplaats): as the street. */
    stapel_str town;
} stapel_fields;

/**
 * A column of texts in one piece: all texts one after the other, and where each ends. What a program in Python, Java,
 * C# or PHP can hand over fastest.
 */
typedef struct {
    /** All texts, one after the other, with nothing between them. */
    const char *bytes;
    /** The number of bytes in all. */
    size_t bytes_len;
    /**
     * For each row the place in `bytes` where its text ends, which is where that of the next row begins: never less
     * than the one before, and the last one `bytes_len`.
     */
    const uint64_t *ends;
} stapel_packed;

/** The columns of separate fields, each in one piece. */
typedef struct {
    /** The postcodes. */
    stapel_packed postcode;
    /** The house numbers. */
    stapel_packed number;
    /** The house letters. */
    stapel_packed letter;
    /** The additions. */
    stapel_packed addition;
    /** The streets, as in stapel_fields. Zeros for no such column. */
    stapel_packed street;
    /** The towns. Zeros for no such column. */
    stapel_packed town;
} stapel_packed_fields;

/** How many rows were found in a register in each way. All are 0 where none was given. */
typedef struct {
    /** STAPEL_HOW_REGISTERED. */
    size_t registered;
    /** STAPEL_HOW_BY_ID. */
    size_t by_id;
    /** STAPEL_HOW_COMPLETED. */
    size_t completed;
    /** STAPEL_HOW_STREET. */
    size_t street;
    /** STAPEL_HOW_OTHER_SPELLING. */
    size_t other_spelling;
    /** STAPEL_HOW_UNREGISTERED. */
    size_t unregistered;
    /** STAPEL_HOW_WITHDRAWN. */
    size_t withdrawn;
} stapel_how_counts;

/** What became of one row. Its texts stay as long as the rows that they are of. */
typedef struct {
    /** The number of the row, counted from 0. */
    size_t row;
    /**
     * STAPEL_OK, or why the address was refused: STAPEL_ERROR_TOO_LONG and those after it; with a register also
     * _BAG_ID_UNKNOWN, _BAG_ID_WITHDRAWN, _NOT_IN_REGISTER and _SEVERAL_IN_REGISTER.
     */
    stapel_status status;
    /** What it names. */
    stapel_level level;
    /** How the register found it; STAPEL_HOW_NONE without a register. */
    stapel_how how;
    /** The caller's own reference; NULL where none were given. */
    stapel_str reference;
    /** The canonical form; NULL where it was refused. */
    stapel_str canonical;
    /**
     * The address as it was given; of fields, those that are not empty, as on one line. NULL where it was refused, and
     * for a house number that stapel_addresses_numbers made of a home.
     */
    stapel_str typed;
    /**
     * The canonical form of the house number; NULL for a home without a postcode. A refused row has it too where the
     * house number is certain and only the home in it is not: stapel_addresses_refused_numbers makes rows of these.
     */
    stapel_str number;
    /**
     * Of a refused one, the field at fault: "postcode", "huisnummer", "huisletter", "toevoeging", "straat",
     * "woonplaats" or "line".
     */
    stapel_str field;
    /** Of a refused one, what was found and what would help. */
    stapel_str message;
} stapel_row;

/** What a register says of itself. */
typedef struct {
    /** How many addresses it has, those that were withdrawn included. */
    size_t addresses;
    /** How many of them were withdrawn. */
    size_t withdrawn;
    /** The day of the extract that it was built from, as in "2026-11-01"; ends with a NUL. */
    char source_day[16];
} stapel_register_about;

/** An address as the register has it. Texts that it does not have are empty. */
typedef struct {
    /** Its canonical form. */
    stapel_str canonical;
    /** The street (openbare ruimte). */
    stapel_str street;
    /** The town (woonplaats). */
    stapel_str town;
    /** The postcode; empty for an address without one. */
    stapel_str postcode;
    /** The house number. */
    uint32_t number;
    /** The house letter. */
    stapel_str letter;
    /** The house number's addition. */
    stapel_str addition;
    /** The id of the nummeraanduiding. */
    stapel_str id;
    /** The id of the verblijfsobject, ligplaats or standplaats. */
    stapel_str object;
    /** The id of the building (pand). */
    stapel_str building;
    /** The latitude in degrees (ETRS89); NaN where the register has no coordinates. */
    double latitude;
    /** The longitude in degrees; NaN where there is no latitude. */
    double longitude;
    /** Not 0 where it is a second address (nevenadres) of its object. */
    int32_t is_secondary;
    /** Not 0 where it was withdrawn. */
    int32_t is_withdrawn;
} stapel_register_entry;

/** The line of the broker's audit log that a reply was logged with. */
typedef struct {
    /** The number of the line, counted from 0. */
    uint64_t index;
    /** The line's RFC 6962 leaf hash; zeros where there is no line. */
    uint8_t leaf[32];
} stapel_log_entry;

/** What was delivered was accepted, and is kept. */
typedef struct {
    /** The release in force when it was accepted; its flags show from a later one on. */
    uint64_t release;
    /** Flags that were not held before. */
    uint32_t added;
    /** Flags that were held, with another last valid day. */
    uint32_t changed;
    /** Flags that were held and are no longer. */
    uint32_t withdrawn;
    /** All flags that the broker now holds of the partner in this epoch, homes and house numbers. */
    uint32_t held;
    /** Of a full set in parts: the part. 0 for all else. */
    uint16_t part;
    /** Of a full set in parts: of how many. 0 for all else. */
    uint16_t parts;
    /** The line of the broker's audit log. */
    stapel_log_entry log;
} stapel_receipt;

/** What an answer says of itself. */
typedef struct {
    /** Who asked. */
    stapel_str actor;
    /** For which case. */
    stapel_str reference;
    /** The release that all of it speaks of. */
    uint64_t release;
    /** When that release took place. */
    uint64_t as_of;
    /** Until then, unless a policy is adopted, the same question has the same answer. */
    uint64_t until;
    /** How many addresses it speaks of, for stapel_reply_row. */
    size_t rows;
    /** The epoch in which it was asked. */
    uint32_t epoch;
    /** How many organisations may flag. */
    uint16_t organisations;
    /** How many of them are fresh: where it is few, "below threshold" may be "nobody delivers". */
    uint16_t fresh;
    /** The line of the broker's audit log. */
    stapel_log_entry log;
} stapel_answer;

/** The standing of one address: two bytes. */
typedef struct {
    /** What it says. It is stacked from STAPEL_STANDING_STACKED on. */
    stapel_standing_kind kind;
    /** The number of organisations, where the kind has one; else 0. */
    uint8_t count;
} stapel_standing;

/** One row of an answer. */
typedef struct {
    /** The canonical form of the address. */
    stapel_str canonical;
    /**
     * As it was written when it was asked about, or else when it was flagged; of a house number as its homes were
     * flagged. NULL where there was no text.
     */
    stapel_str typed;
    /** What it names. */
    stapel_level level;
    /** Its standing. */
    stapel_standing standing;
} stapel_answer_row;

/** Where a partner stands with the broker. */
typedef struct {
    /** The release in force. */
    uint64_t release;
    /** When it took place. */
    uint64_t as_of;
    /** No release takes place before this moment, unless a policy is adopted. */
    uint64_t until;
    /** The number of the last state message that was accepted; 0 for none. */
    uint64_t accepted_state;
    /** The highest state number that was used. */
    uint64_t highest_state;
    /** The highest question number that was used. */
    uint64_t highest_question;
    /** Flags that the broker holds of the partner in this epoch. */
    uint32_t held;
    /** What is left of its organisation's budget of new flags today. All budgets are the organisation's. */
    uint32_t new_flags_left;
    /** How many flags beyond these first full sets of the organisation's partners may bring in this epoch. */
    uint32_t first_sets_left;
    /** How many flags more the organisation may hold in this epoch. */
    uint32_t held_left;
    /** What is left of today's budget of addresses asked. */
    uint32_t asked_left_today;
    /** What is left of the epoch's budget of addresses asked. */
    uint32_t asked_left_epoch;
    /** What is left of today's budget of addresses swept. */
    uint32_t swept_left_today;
    /** What is left of today's budget of status requests. */
    uint32_t status_left_today;
    /** Not 0 where the next delivery must be a full set; it will be one. */
    int32_t full_set_required;
    /**
     * STAPEL_OK, or what is wrong with what the broker said: STAPEL_ERROR_LOG_INCONSISTENT, _CHECKPOINT or
     * _UNANNOUNCED_RESTORE for its audit log, _FALSE_INTRODUCTION or _LATE_INTRODUCTION for whom it introduced. The
     * evidence is in files in the partner's folder.
     */
    stapel_status complaint;
    /** What was found, and what to do. */
    stapel_str complaint_text;
    /** The line of the broker's audit log. */
    stapel_log_entry log;
} stapel_position;

/** Why a message was not accepted. */
typedef struct {
    /** Why: its code is that of the rejection. */
    stapel_status status;
    /** What to do. */
    stapel_next next;
    /**
     * What the status says that it is: the last state number accepted, the lowest number still free, what is left of a
     * budget.
     */
    uint64_t number;
    /** What was wrong and what to do, in English, as the broker says it. */
    stapel_str sentence;
    /** The line of the broker's audit log. */
    stapel_log_entry log;
} stapel_rejection;

/** A change over one of the partner's own addresses, home or house number. */
typedef struct {
    /** The canonical form of the address. */
    stapel_str canonical;
    /** As it was written when it was flagged; of a house number as its homes were. NULL where there was no text. */
    stapel_str typed;
    /** What it names. */
    stapel_level level;
    /** What changed. */
    stapel_change change;
    /** The standing before; STAPEL_STANDING_NONE where it was not stacked. */
    stapel_standing before;
    /** The standing now; STAPEL_STANDING_NONE where it is not stacked. */
    stapel_standing now;
} stapel_news_row;

/** Who acts, and for which case. Stays in the partner's own journal; the broker never sees it. */
typedef struct {
    /** The acting user, as the partner's own systems name them: 1 to 200 characters on one line. */
    stapel_str actor;
    /** The reference of the case: 1 to 200 characters on one line. */
    stapel_str reference;
} stapel_case;

/** What a call changed over the partner's flags. */
typedef struct {
    /** Addresses that were not flagged before. */
    uint64_t added;
    /** Addresses that were flagged, with another last valid day now. */
    uint64_t changed;
    /** Addresses that were flagged, and are no longer. */
    uint64_t withdrawn;
    /** Addresses that are as they were. */
    uint64_t unchanged;
    /** Addresses that were not flagged: their flag ended within the last 30 days, and only a renewal lets it go on. */
    uint64_t lapsed;
    /** Rows that were left out, because their addresses were refused when they were read. */
    uint64_t refused;
    /** How many rows repeat the address of another row: each address counts once. */
    uint64_t repeated;
} stapel_changed;

/** What the broker said of what comes after a hit. What the kind of the reply does not speak of is 0. */
typedef struct {
    /** STAPEL_KIND_KEPT: how many of the addresses put forward the broker keeps. */
    uint32_t kept;
    /** STAPEL_KIND_KEPT: how many it does not keep, because it holds no flag of the partner there. */
    uint32_t unflagged;
    /** STAPEL_KIND_KEPT: how many of those that it keeps are new. */
    uint32_t added;
    /** STAPEL_KIND_KEPT: how many new ones the organisation may put forward today still. */
    uint32_t new_left;
    /** STAPEL_KIND_KEPT: how many more the organisation may have put forward in this epoch. */
    uint32_t held_left;
    /** STAPEL_KIND_POSTED: how much is new, such as an introduction or a note. */
    uint32_t news;
    /** STAPEL_KIND_POSTED: how much was passed over, because it is not for this partner or does not open. */
    uint32_t passed_over;
    /**
     * STAPEL_KIND_POSTED: not 0 where more waits: it comes with the next exchange that
     * stapel_partner_talk makes.
     */
    int32_t more;
    /**
     * STAPEL_KIND_POSTED: STAPEL_OK, or what is wrong with an introduction: STAPEL_ERROR_FALSE_INTRODUCTION or
     * _LATE_INTRODUCTION. The evidence is in files in the partner's folder.
     */
    stapel_status complaint;
    /** What was found, and what to do. */
    stapel_str complaint_text;
    /** The line of the broker's audit log. */
    stapel_log_entry log;
} stapel_talked;

/** How many of the organisation's flags are stacked, for a policy that tells no more. */
typedef struct {
    /** The release that they are of. */
    uint64_t release;
    /** When that release took place. */
    uint64_t as_of;
    /** How many cells there are, for stapel_reply_totals_cell: none where there are fewer than 100 flags. */
    size_t cells;
    /** The organisation's released flags, rounded down to tens. */
    uint32_t flags;
    /** The year of that moment. */
    uint16_t year;
    /** The quarter of that moment, 1 to 4. */
    uint8_t quarter;
    /** The line of the broker's audit log. */
    stapel_log_entry log;
} stapel_totals;

/** How many of the flags are stacked by some numbers of organisations. */
typedef struct {
    /** The fewest organisations. */
    uint8_t from;
    /** The most; 0 for all above. */
    uint8_t to;
    /** Addresses, rounded down to tens. */
    uint32_t number;
} stapel_totals_cell;

/** How many of a year's conversations went in some ways. */
typedef struct {
    /**
     * The ways, added up: 1 open, 2 taken up together, 4 taken up by one, 8 not taken up, 16 nothing found. A wrong
     * signal counts as not taken up.
     */
    uint8_t ways;
    /** How many; 0 in one cell of all ways where they are fewer than ten together. */
    uint32_t number;
} stapel_year_cell;

/** An own flag that is put forward. */
typedef struct {
    /** The canonical form of the address. */
    stapel_str canonical;
    /** As it was written when it was flagged. NULL where there was no text. */
    stapel_str typed;
    /** What it names. */
    stapel_level level;
    /** The day on which it was put forward last, written as in "2027-05-31". */
    stapel_str since;
    /** The epoch in which it is put forward: the one that answered on that day. */
    uint32_t epoch;
    /**
     * Not 0 where that epoch is over. Nobody is introduced by it any more: put it forward again, in the epoch that
     * answers.
     */
    int32_t ended;
    /**
     * The organisations that the policy in force lets be told of it too, beside those that somebody agreed to by
     * putting it forward: their short names in the policy, with a space between. They are not told: put it forward
     * again to agree to that. NULL where there are none.
     */
    stapel_str more;
    /**
     * The last day on which it stands at the broker, as far as is known; each day's message moves it on. NULL where
     * the broker does not have it yet: it has no flag there yet, there is nobody it could be introduced to, or the
     * budget of new ones is spent; and where it ended.
     */
    stapel_str stands_until;
} stapel_forwarded_row;

/** An own flag that somebody else put forward. Who did is not said. */
typedef struct {
    /** The canonical form of the address: what stapel_partner_answer takes. */
    stapel_str canonical;
    /** As it was written when it was flagged. NULL where there was no text. */
    stapel_str typed;
    /** What it names. */
    stapel_level level;
    /** The day on which that was decided, written as in "2027-05-31". */
    stapel_str day;
    /** The last day on which an answer is in time. A later one is no less an answer. */
    stapel_str answer_by;
    /** What was answered: "join", "not_now" or "review". NULL where nothing was yet. */
    stapel_str answer;
    /** The day of the answer. NULL where there is none. */
    stapel_str answered;
    /** Not 0 where it is put forward here too. */
    int32_t is_put_forward;
} stapel_asked_row;

/** Something new of what comes after a hit. */
typedef struct {
    /** What it is. */
    stapel_talk_news_kind kind;
    /** The number of the conversation that it is in; 0 where it is in none. */
    uint32_t conversation;
    /**
     * Who was introduced, wrote or left, or whose certificate is missing: its number in the roster. 0 where it is
     * nobody.
     */
    uint16_t partner;
    /** Its name in the roster. NULL where it is nobody, or in the roster no longer. */
    stapel_str name;
    /**
     * The canonical form of the address, also of what is in a conversation. NULL at the coordinator, who has it from a
     * note, and where it is about no address.
     */
    stapel_str canonical;
    /** The address as it was written when it was flagged. NULL where there was no text. */
    stapel_str typed;
    /** STAPEL_TALK_NEWS_ASKED: the last day on which an answer is in time, written as in "2027-05-31". Else NULL. */
    stapel_str answer_by;
    /** Who put the address forward here last. NULL where nobody did, or the journal has it no longer. */
    stapel_str actor;
    /** The case for which that was done. NULL where `actor` is. */
    stapel_str case_reference;
    /**
     * STAPEL_TALK_NEWS_ROW_WIDER: the organisations that the policy lets know too, as in stapel_forwarded_row. Else
     * NULL, and where somebody agreed to it since.
     */
    stapel_str more;
} stapel_talk_news_row;

/**
 * A conversation: all that those who were introduced over one address said to each other. Days are written as in
 * "2027-05-31".
 */
typedef struct {
    /** By which it is written in and left. It is this partner's own. */
    uint32_t number;
    /** The epoch in which it began. */
    uint32_t epoch;
    /** The canonical form of the address. NULL at the coordinator, who has it from a note. */
    stapel_str canonical;
    /** As it was written here when it was flagged. NULL where there was no text. */
    stapel_str typed;
    /** The day of its first introduction. */
    stapel_str began;
    /** Who leads: its number in the roster. 0 where nobody does. */
    uint16_t lead;
    /**
     * How it ended, as was said last: "taken_up_together", "taken_up_by_one", "not_taken_up", "nothing_found" or
     * "wrong_signal". NULL where nobody said.
     */
    stapel_str outcome;
    /** What the coordinator decided last. NULL where it decided nothing. */
    stapel_str decision;
    /** When it decided that; 0 where it decided nothing. */
    uint64_t decided_at;
    /** The day on which it is looked at next. NULL where the decision names none. */
    stapel_str next;
    /** The day on which this partner left. NULL where it did not. */
    stapel_str left;
    /** How many partners this one was introduced to, for stapel_conversations_introduced. */
    size_t introduced;
    /** How many notes were written, for stapel_conversations_note. */
    size_t notes;
} stapel_conversation;

/** Somebody that this partner was introduced to. Days are written as in "2027-05-31". */
typedef struct {
    /** Its number in the roster. */
    uint16_t partner;
    /** Its name in the roster. NULL where it is there no longer. */
    stapel_str name;
    /** Its organisation, by the short name of the policy. NULL where it is in the roster no longer. */
    stapel_str organisation;
    /** The day on which the introduction was decided. Of stapel_agenda_left NULL. */
    stapel_str since;
    /** The day on which it left. NULL where it did not. */
    stapel_str left;
    /** Not 0 where a note of it is missing: a later one came. */
    int32_t misses_note;
} stapel_introduced;

/** A note in a conversation. */
typedef struct {
    /** What it is. */
    stapel_note_kind kind;
    /** Who wrote it: its number in the roster. 0 for this partner. */
    uint16_t from;
    /** STAPEL_NOTE_LEAD: who leads. STAPEL_NOTE_DECISION: who leads, or 0 where that stays as it is. Else 0. */
    uint16_t lead;
    /** When it was written, by its writer's clock. */
    uint64_t time;
    /** What it says; of an address NULL, and where it says nothing besides. */
    stapel_str text;
    /** STAPEL_NOTE_ADDRESS: the canonical form. Else NULL. */
    stapel_str canonical;
    /** STAPEL_NOTE_ADDRESS: as it was written. NULL where there was no text. */
    stapel_str typed;
    /** STAPEL_NOTE_OUTCOME: how it ended, as in stapel_conversation. Else NULL. */
    stapel_str outcome;
    /**
     * STAPEL_NOTE_DECISION: the day on which it is looked at next, written as in "2027-05-31". NULL where there is
     * none.
     */
    stapel_str next;
    /** Of an own note: to how many it goes, for stapel_conversations_copy. Else 0. */
    size_t copies;
} stapel_note;

/** An own note to one partner. */
typedef struct {
    /** Whom it is for: its number in the roster. */
    uint16_t to;
    /** How far it came. */
    stapel_note_progress progress;
    /** STAPEL_PROGRESS_PUT_OFF: the day, written as in "2027-05-31". Else NULL. */
    stapel_str put_off;
    /**
     * STAPEL_PROGRESS_PUT_OFF: why: "day_spent", where the organisation's notes of that day were spent, or
     * "too_many_wait", where as many wait for the other as may, until its own exchanges bring it some. Else NULL.
     */
    stapel_str reason;
} stapel_note_copy;

/** A conversation on the coordinator's agenda, or one that was. Days are written as in "2027-05-31". */
typedef struct {
    /** The number of the conversation: stapel_partner_conversations has what was written in it. */
    uint32_t conversation;
    /** Not 0 where the coordinator wrote nothing in it yet. */
    int32_t is_new;
    /** The day of its first introduction. */
    stapel_str began;
    /** Since which day it waits for the coordinator. NULL where it does not. */
    stapel_str waiting_since;
    /**
     * For what: "first_decision", where nothing was decided yet; or, after the last decision, "joined", where somebody
     * joined who has not got it, "note", where somebody wrote, "next_day", where the day has come on which it was to
     * be looked at, or "leader_left", where who leads has left. Of several the earliest. NULL where it does not wait.
     */
    stapel_str waits_for;
    /**
     * Why it is on the agenda no longer: "all_said", where all who joined said how it ended, "closed", where the
     * coordinator did, "all_left", or "coordinator_left". NULL where it is on the agenda.
     */
    stapel_str ended;
    /** Since which day that is so. NULL where `ended` is. */
    stapel_str ended_on;
    /** Who leads: its number in the roster. 0 where nobody does. */
    uint16_t lead;
    /** What was decided last. NULL where nothing was. */
    stapel_str decision;
    /** When it is looked at next. NULL where the decision names no day. */
    stapel_str next;
    /** How it ended, as in stapel_conversation. NULL where nobody said. */
    stapel_str outcome;
    /** How many joined, without those who left, for stapel_agenda_joined. */
    size_t joined;
    /** How many joined and left again, for stapel_agenda_left. */
    size_t left;
    /**
     * How many addresses notes said that it is about, each once, for stapel_agenda_address: more than one where they
     * differ.
     */
    size_t addresses;
} stapel_agenda_row;

/** An address that a note said. */
typedef struct {
    /** The canonical form. */
    stapel_str canonical;
    /** As it was written; of different spellings all, with "; " between. NULL where there was no text. */
    stapel_str typed;
} stapel_agenda_place;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/** The version of the library, such as "0.1.0". The text is static. */
const char *stapel_version(void);

/**
 * The version of the ABI that the library has. A program compares it with STAPEL_ABI_VERSION, for which it was
 * compiled: they must be equal.
 */
uint32_t stapel_abi_version(void);

/**
 * The stable code of a status in snake_case, such as "folder_in_use"; the same in every language and version. "ok" for
 * STAPEL_OK, "unknown" for a number that this version does not know.
 *
 * The text is static: it is not freed, and stays.
 */
const char *stapel_status_code(int32_t status);

/**
 * What was wrong with the last call on this thread that failed: a sentence in English that says what was found and
 * what to do; empty where none failed. Like the errors of the library it says nothing of keys and pseudonyms; it may
 * quote the address or the path that the caller gave.
 *
 * The text is the library's and ends with a NUL; it stays until the next call on this thread that fails, or the
 * thread's end. Call this on the thread on which the call failed, before anything else is called there.
 */
const char *stapel_last_error_message(void);

/** How many handles are open, of all kinds: what a program that freed everything finds to be 0. */
stapel_status stapel_open_handles(size_t *count);

/**
 * Reads one address as people write it, such as "Dam 1-a, 1012 JS Amsterdam", or in the canonical form of a home.
 *
 * `local_register` is NULL, or a register, which has it read as the registered address that it means: then a BAG id
 * alone is enough, and so are street, number and town without a postcode.
 *
 * Where it is refused, `address` is written too: its `number`, if that is certain.
 *
 * Errors: why it was refused, STAPEL_ERROR_TOO_LONG and those after it; with a register also _BAG_ID_UNKNOWN,
 * _BAG_ID_WITHDRAWN, _NOT_IN_REGISTER, _SEVERAL_IN_REGISTER, and _REGISTER and _IO where its file is at fault.
 */
stapel_status stapel_address_from_text(const stapel_register *local_register,
                                       const char *text,
                                       size_t text_len,
                                       stapel_address *address);

/** Reads the separate fields of one address. As stapel_address_from_text. */
stapel_status stapel_address_from_fields(const stapel_register *local_register,
                                         const stapel_fields *fields,
                                         stapel_address *address);

/**
 * Reads rows of addresses as people write them: an array of texts.
 *
 * `local_register` is NULL or a register, as for stapel_address_from_text: then a text may be a BAG id alone, and
 * `how` of each row and stapel_addresses_how_counts tell how they were found.
 *
 * A row that is refused, also because it is not UTF-8, does not stop the others: stapel_addresses_row tells why, and
 * the calls that take the rows leave it out. `references` is NULL, or an array of the caller's own references, one for
 * each row, which come back with the row; the library copies them, and they are in no message.
 *
 * The text of a row stays with it. A partner that flags it or asks about it keeps the text too, sealed in its own
 * folder, the first 200 visible characters, and shows it in answers and news. It is in no message.
 *
 * Errors: STAPEL_ERROR_NOT_UTF8 for a reference; _REGISTER and _IO where the register's file is at fault.
 */
stapel_status stapel_addresses_from_texts(const stapel_register *local_register,
                                          const stapel_str *texts,
                                          const stapel_str *references,
                                          size_t count,
                                          stapel_addresses **addresses);

/** Reads rows of separate fields: an array of them. As stapel_addresses_from_texts. */
stapel_status stapel_addresses_from_fields(const stapel_register *local_register,
                                           const stapel_fields *fields,
                                           const stapel_str *references,
                                           size_t count,
                                           stapel_addresses **addresses);

/**
 * Reads rows of addresses as people write them: a column in one piece. As stapel_addresses_from_texts; `references` is
 * NULL or a column.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT where the ends of a column do not fit it.
 */
stapel_status stapel_addresses_from_packed_texts(const stapel_register *local_register,
                                                 const stapel_packed *texts,
                                                 const stapel_packed *references,
                                                 size_t count,
                                                 stapel_addresses **addresses);

/** Reads rows of separate fields: columns, each in one piece. As stapel_addresses_from_packed_texts. */
stapel_status stapel_addresses_from_packed_fields(const stapel_register *local_register,
                                                  const stapel_packed_fields *fields,
                                                  const stapel_packed *references,
                                                  size_t count,
                                                  stapel_addresses **addresses);

/**
 * The house numbers that homes are in, row by row, to ask about where the policy counts house numbers. An address
 * without a postcode, which is in none, stays as it is, with its text. References and refused rows are the same.
 */
stapel_status stapel_addresses_numbers(const stapel_addresses *addresses,
                                       stapel_addresses **numbers);

/**
 * The house numbers of refused rows, where only the home is not certain ("Dam 1, 2e verdieping, 1012 JS"): rows of
 * these numbers alone, in the order of the refused ones, to be flagged, withdrawn or asked about where the policy
 * counts the level `number`. They count for no home: show the refused rows to somebody all the same.
 *
 * Each has the reference of its row, and its text as it was given. Where the rows were read with a register, there are
 * only those numbers at which it has an address, found as STAPEL_HOW_REGISTERED. None of them is refused.
 */
stapel_status stapel_addresses_refused_numbers(const stapel_addresses *addresses,
                                               stapel_addresses **numbers);

/**
 * Some of the rows, named by their numbers, counted from 0: in that order, each as it is, with its text and reference.
 *
 * So is one flag withdrawn whose address cannot be read again, such as a home without a postcode whose id the register
 * says was withdrawn since: pick its row of stapel_partner_flags, and give that to stapel_partner_withdraw.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a number past the last.
 */
stapel_status stapel_addresses_pick(const stapel_addresses *addresses,
                                    const uint64_t *rows,
                                    size_t count,
                                    stapel_addresses **picked);

/** How many rows there are, and how many of them were refused. */
stapel_status stapel_addresses_count(const stapel_addresses *addresses, size_t *rows, size_t *refused);

/**
 * How many rows were found in the register in each way. Show the last two to somebody: these addresses are flagged and
 * asked about as they were given.
 */
stapel_status stapel_addresses_how_counts(const stapel_addresses *addresses,
                                          stapel_how_counts *counts);

/**
 * What became of row `index`, counted from 0. The texts belong to the rows.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_addresses_row(const stapel_addresses *addresses, size_t index, stapel_row *row);

/**
 * The refused row number `index` of those that were refused, counted from 0: to tell of them without looking at all
 * the others.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_addresses_refused_row(const stapel_addresses *addresses,
                                           size_t index,
                                           stapel_row *row);

/**
 * All canonical forms in one text, a line for each row, each line ending with a line feed; the line of a refused row
 * is empty.
 *
 * The text is the caller's, to be freed with stapel_buffer_free.
 */
stapel_status stapel_addresses_lines(const stapel_addresses *addresses,
                                     stapel_buffer **lines);

/** Frees rows of addresses. NULL is no error. */
stapel_status stapel_addresses_free(stapel_addresses *addresses);

/**
 * Opens a register. `local_register` is to be freed with stapel_register_free. A new file may be put in the place of
 * one that is open, which goes on with what it was.
 *
 * Errors: STAPEL_ERROR_REGISTER where the file is none or is damaged; _IO.
 */
stapel_status stapel_register_open(const char *file,
                                   size_t file_len,
                                   stapel_register **local_register);

/** How many addresses a register has, and of which day they are. */
stapel_status stapel_register_describe(const stapel_register *local_register, stapel_register_about *about);

/**
 * Looks up what a register says of a canonical form, such as `canonical` of a row. `findings` is to be freed with
 * stapel_findings_free.
 *
 * Errors: STAPEL_ERROR_NOT_CANONICAL; _REGISTER and _IO where the register's file is at fault.
 */
stapel_status stapel_register_look_up(const stapel_register *local_register,
                                      const char *canonical,
                                      size_t canonical_len,
                                      stapel_findings **findings);

/** Frees a register. NULL is no error. Rows that were read with it stay. */
stapel_status stapel_register_free(stapel_register *local_register);

/**
 * How many entries the register has for the address, those that were withdrawn among them: 0 where it does not have
 * it, several where it is that of more than one object.
 */
stapel_status stapel_findings_count(const stapel_findings *findings,
                                    size_t *count);

/**
 * Entry `index`, counted from 0. The texts belong to the findings.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_findings_get(const stapel_findings *findings,
                                  size_t index,
                                  stapel_register_entry *entry);

/**
 * Where all entries were withdrawn, the canonical form of the address that their object has now; NULL where it has
 * none, or not all were withdrawn. The text belongs to the findings.
 */
stapel_status stapel_findings_now(const stapel_findings *findings,
                                  stapel_str *now);

/** Frees findings. NULL is no error. */
stapel_status stapel_findings_free(stapel_findings *findings);

/**
 * Where the bytes of a buffer are, and how many. They stay until the buffer is freed. Texts in buffers are UTF-8 and
 * end with no NUL.
 */
stapel_status stapel_buffer_bytes(const stapel_buffer *buffer,
                                  const uint8_t **bytes,
                                  size_t *bytes_len);

/** Frees a buffer. NULL is no error. */
stapel_status stapel_buffer_free(stapel_buffer *buffer);

/** How many messages there are; 0 where there is nothing to say. */
stapel_status stapel_messages_count(const stapel_messages *messages, size_t *count);

/**
 * Where the bytes of message `index` are, counted from 0, and how many. They stay until the messages are freed.
 *
 * What carries them must reach the broker alone: every partner of the consortium could find the addresses in them.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_messages_get(const stapel_messages *messages,
                                  size_t index,
                                  const uint8_t **bytes,
                                  size_t *bytes_len);

/**
 * Frees messages. NULL is no error. They are in the partner's folder until their replies were read, and can be had
 * again.
 */
stapel_status stapel_messages_free(stapel_messages *messages);

/** What a reply is. */
stapel_status stapel_reply_kind(const stapel_reply *reply, stapel_kind *kind);

/**
 * What a receipt says.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
 */
stapel_status stapel_reply_receipt(const stapel_reply *reply, stapel_receipt *receipt);

/**
 * What an answer says of itself. The texts belong to the reply.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
 */
stapel_status stapel_reply_answer(const stapel_reply *reply, stapel_answer *answer);

/**
 * The standings of rows, in their order: `standings[i]` becomes that of row i of `addresses`, for duplicates and
 * refused rows too.
 *
 * `count` is the number of rows. Set the array to zeros first. Of rows that this answer does not speak of the elements
 * stay as they are, so that where a question was cut into several, each answer in turn fills in its part.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind, and for another number of rows.
 */
stapel_status stapel_reply_standings(const stapel_reply *reply,
                                     const stapel_addresses *addresses,
                                     stapel_standing *standings,
                                     size_t count);

/**
 * Row `index` of an answer, counted from 0, in the order in which it was asked. The text belongs to the reply.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind, and for an index past the last.
 */
stapel_status stapel_reply_row(const stapel_reply *reply,
                               size_t index,
                               stapel_answer_row *row);

/**
 * Where the partner stands with the broker. The text belongs to the reply.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
 */
stapel_status stapel_reply_status(const stapel_reply *reply, stapel_position *status);

/**
 * Why a message was not accepted: of a rejection, one that came late, or a hint. The text belongs to the reply.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
 */
stapel_status stapel_reply_rejection(const stapel_reply *reply,
                                     stapel_rejection *rejection);

/** Frees a reply. NULL is no error. */
stapel_status stapel_reply_free(stapel_reply *reply);

/** How many changes there are. */
stapel_status stapel_news_count(const stapel_news *news, size_t *count);

/**
 * Change `index`, counted from 0. The text belongs to the news.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_news_get(const stapel_news *news, size_t index, stapel_news_row *row);

/** Frees news. NULL is no error. */
stapel_status stapel_news_free(stapel_news *news);

/**
 * Makes the folder of a new partner: its key, the key of its journal, and an empty journal. Done once, before the
 * coordinator puts the partner into the roster.
 *
 * `keys` names a folder of its own for what is secret, the epochs' secrets among it, so that no copy of `dir` need
 * hold it; NULL where that is `dir` too. It is named again wherever `dir` is.
 *
 * `number` is the one it is to have in the roster. `verifying_key` becomes the public key of its messages, 64
 * hexadecimal digits, for the coordinator; to be freed with stapel_buffer_free.
 *
 * Errors: STAPEL_ERROR_PARTNER_FOLDER where there is one already; _IO, _FOLDER_IN_USE, _RANDOM.
 */
stapel_status stapel_partner_init(const char *dir,
                                  size_t dir_len,
                                  const char *keys,
                                  size_t keys_len,
                                  uint16_t number,
                                  stapel_buffer **verifying_key);

/**
 * Copies a first policy, with the signatures beside it, into the folder of a partner that has none yet. It is taken on
 * the word of whoever hands it over; later ones come through stapel_partner_adopt_policy.
 *
 * `keys` as for stapel_partner_init.
 *
 * Errors: those of stapel_partner_open; STAPEL_ERROR_PARTNER_FOLDER where the folder has a policy.
 */
stapel_status stapel_partner_join(const char *dir,
                                  size_t dir_len,
                                  const char *keys,
                                  size_t keys_len,
                                  const char *policy_file,
                                  size_t policy_file_len);

/**
 * Opens a partner's folder. `partner` is to be freed with stapel_partner_free, which lets the folder go. `keys` as for
 * stapel_partner_init.
 *
 * Where another has the folder open, the call waits for it for about `wait_ms` milliseconds, in which the thread
 * sleeps; 0 is not at all. Those that wait take turns, so that many processes can open and close one folder all day.
 * 5000 is what whoever waits for a web page bears. A thread that has the folder open itself waits in vain.
 *
 * Errors: STAPEL_ERROR_FOLDER_IN_USE where another has it open all that time; _PARTNER_FOLDER where its keys are
 * missing, and their folder is to be named; that, _JOURNAL_DAMAGED, _KEY_FILE, _SECRET_FILE, _FILE_MODE and _IO for
 * its files; _POLICY_TEXT, _POLICY_UNSAFE, _POLICY_SIGNATURES and _POLICY_SIGNATURE for its policy;
 * _NOT_IN_ROSTER, _SECRET_MISMATCH where they do not fit each other.
 */
stapel_status stapel_partner_open(const char *dir,
                                  size_t dir_len,
                                  const char *keys,
                                  size_t keys_len,
                                  uint32_t wait_ms,
                                  stapel_partner **partner);

/**
 * Takes a newer policy into force, from its file and the signatures beside it, and keeps a copy in the folder.
 *
 * Errors: STAPEL_ERROR_POLICY_SUCCESSOR where it may not follow the one in force; _POLICY_NOT_YET before its first
 * day; those of reading it; _NOT_IN_ROSTER, _IO.
 */
stapel_status stapel_partner_adopt_policy(const stapel_partner *partner,
                                          const char *policy_file,
                                          size_t policy_file_len,
                                          uint64_t now);

/**
 * Keeps a copy of the file of an epoch's secret in the folder, and uses it.
 *
 * Errors: STAPEL_ERROR_SECRET_FILE, _FILE_MODE, _IO; _SECRET_MISMATCH where it is not the one that the policy names.
 */
stapel_status stapel_partner_add_secret(const stapel_partner *partner,
                                        const char *secret_file,
                                        size_t secret_file_len);

/** The partner's number in the roster. */
stapel_status stapel_partner_number(const stapel_partner *partner, uint16_t *number);

/**
 * The homes that the partner flags, and the house numbers that it flags alone, as rows in the order of their canonical
 * forms, with the text in which each was flagged; without references. To be freed with stapel_addresses_free. Those
 * whose flags ended go when the partner does something on a later day.
 *
 * They can be given to stapel_partner_withdraw, all or some (stapel_addresses_pick): no register is asked, so that a
 * home goes too whose id was withdrawn since.
 */
stapel_status stapel_partner_flags(const stapel_partner *partner,
                                   stapel_addresses **flags);

/**
 * How many of its flags no message has told the broker yet, in the newest epoch in which the partner delivers: those
 * since the last delivery, and those that wait because of the policy's budgets. They go with the next deliveries, as
 * many as the budgets take.
 */
stapel_status stapel_partner_undelivered(const stapel_partner *partner,
                                         size_t *count);

/**
 * Says that somebody saw that the clock is right, where calls are refused with STAPEL_ERROR_CLOCK or _CLOCK_AHEAD: a
 * wrong time would end flags for good. `ended` is how many flags end with that, because their last valid day has
 * passed. The journal has who said it.
 *
 * Errors: STAPEL_ERROR_CLOCK_AHEAD for a time after the last day of the policy's last epoch; _CASE, _IO.
 */
stapel_status stapel_partner_accept_clock(const stapel_partner *partner,
                                          const stapel_case *by,
                                          uint64_t now,
                                          size_t *ended);

/**
 * Flags homes, through the latest month's end that the policy's max_days reach. Those that are flagged already stay as
 * they are: looked at again, they are renewed, with stapel_partner_renew. The broker hears of it with
 * stapel_partner_deliver.
 *
 * House numbers follow from their homes. Where the policy counts them, a row of one
 * (stapel_addresses_refused_numbers) flags that number alone, for where it is certain and the home is not: it counts
 * for no home.
 *
 * `now` is in seconds since 1970-01-01T00:00:00Z, here and everywhere: the library reads no clock.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED where the roster does not let the partner flag; _LEVEL for house numbers where
 * the policy does not count those; _REGISTER_REQUIRED where the policy requires a register, and one of them was not
 * looked up; _LAST_DAY where no month ends within max_days; _CASE for an acting user or case that cannot be; _IO.
 */
stapel_status stapel_partner_flag(const stapel_partner *partner,
                                  const stapel_addresses *homes,
                                  const stapel_case *by,
                                  uint64_t now,
                                  stapel_changed *changed);

/**
 * Flags homes through `last_day`, a month's last, written as in "2027-05-31". It can also bring the end of a flag
 * forward, or put it back as far as that needs no further renewal.
 *
 * Errors: those of stapel_partner_flag; STAPEL_ERROR_LAST_DAY for a day that is over, not a month's last, or too far
 * off; _INVALID_ARGUMENT for what is not a day.
 */
stapel_status stapel_partner_flag_until(const stapel_partner *partner,
                                        const stapel_addresses *homes,
                                        const char *last_day,
                                        size_t last_day_len,
                                        const stapel_case *by,
                                        uint64_t now,
                                        stapel_changed *changed);

/**
 * Renews the flags of homes that were looked at again, also of those that ended or were withdrawn within the last 30
 * days. `reason` says why: "observed_again", "being_acted_on", "procedure_pending" or "under_supervision". It goes
 * with the flag to the broker, whose log counts renewals.
 *
 * Errors: those of stapel_partner_flag; STAPEL_ERROR_NOT_FLAGGED where one of them has no such flag;
 * _TOO_MANY_RENEWALS where one cannot last longer; _INVALID_ARGUMENT for what is not a reason. Then none is renewed.
 */
stapel_status stapel_partner_renew(const stapel_partner *partner,
                                   const stapel_addresses *homes,
                                   const char *reason,
                                   size_t reason_len,
                                   const stapel_case *by,
                                   uint64_t now,
                                   stapel_changed *changed);

/**
 * Withdraws the flags of homes, and of house numbers that were flagged alone. Withdrawing what is not flagged does
 * nothing.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED, _CASE, _IO.
 */
stapel_status stapel_partner_withdraw(const stapel_partner *partner,
                                      const stapel_addresses *homes,
                                      const stapel_case *by,
                                      uint64_t now,
                                      stapel_changed *changed);

/**
 * Makes the flags exactly those of `homes`: a full set. Those that were flagged already keep their days; all others
 * are withdrawn, also those of refused rows: see to those first.
 *
 * A truncated export must not wipe a partner out: where more than the policy's share of the flags would go,
 * `allow_shrink` must not be 0, to say that it is meant.
 *
 * Errors: those of stapel_partner_flag; STAPEL_ERROR_SHRINK.
 */
stapel_status stapel_partner_replace_all(const stapel_partner *partner,
                                         const stapel_addresses *homes,
                                         int32_t allow_shrink,
                                         const stapel_case *by,
                                         uint64_t now,
                                         stapel_changed *changed);

/**
 * The messages that bring the broker up to date, in the order in which it must get them; none where it is. To be freed
 * with stapel_messages_free.
 *
 * What is new beyond the policy's budgets waits for a later day, those flagged last: see stapel_partner_undelivered.
 *
 * Until their replies were read, the same call gives the same bytes again.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED; _NO_EPOCH where no epoch is open, or its secret is missing; _IO.
 */
stapel_status stapel_partner_deliver(const stapel_partner *partner,
                                     uint64_t now,
                                     stapel_messages **messages);

/**
 * As stapel_partner_deliver; where there is nothing to deliver, the message that nothing changed, by which silence
 * differs from no change.
 */
stapel_status stapel_partner_confirm(const stapel_partner *partner,
                                     uint64_t now,
                                     stapel_messages **messages);

/**
 * The questions for the standings of addresses, of homes or house numbers; several where there are more than 100,000
 * different ones. To be freed with stapel_messages_free. stapel_reply_standings brings the answers back to the rows.
 *
 * As long as a question of the same call (addresses, actor and case) is in flight, those in flight come again, byte
 * for byte.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED; _REGISTER_REQUIRED where the policy requires a register, and one of them was not
 * looked up; _LEVEL for a house number where the policy does not count those; _NO_EPOCH, _CASE, _IO.
 */
stapel_status stapel_partner_ask(const stapel_partner *partner,
                                 const stapel_addresses *addresses,
                                 const stapel_case *by,
                                 uint64_t now,
                                 stapel_messages **messages);

/**
 * As stapel_partner_ask, about all that the partner itself flags, house numbers included where the policy counts them.
 * What changed is told by stapel_partner_news.
 */
stapel_status stapel_partner_ask_own(const stapel_partner *partner,
                                     const stapel_case *by,
                                     uint64_t now,
                                     stapel_messages **messages);

/**
 * As stapel_partner_ask, about addresses that the partner need not flag itself, for a reason that the policy lists.
 *
 * Errors: those of stapel_partner_ask; STAPEL_ERROR_NOT_PERMITTED also for a reason that the policy does not list;
 * _INVALID_ARGUMENT for one that cannot be.
 */
stapel_status stapel_partner_sweep(const stapel_partner *partner,
                                   const stapel_addresses *addresses,
                                   const char *reason,
                                   size_t reason_len,
                                   const stapel_case *by,
                                   uint64_t now,
                                   stapel_messages **messages);

/**
 * The request where the partner stands with the broker: one message. It takes the place of one in flight.
 *
 * Errors: STAPEL_ERROR_NO_EPOCH, _IO.
 */
stapel_status stapel_partner_status(const stapel_partner *partner, uint64_t now, stapel_messages **messages);

/**
 * The messages whose replies were not read yet, those that tell what is flagged first: to send them after a program
 * ended in between.
 */
stapel_status stapel_partner_in_flight(const stapel_partner *partner,
                                       stapel_messages **messages);

/**
 * Reads a reply of the broker: checks that it is the broker's, that it is to a message in flight, and that it speaks
 * of no older release than was seen; then does what it says. `reply` is to be freed with stapel_reply_free.
 *
 * A rejection is a reply, and no error. A receipt or an answer that was read before is given again as it was, and
 * changes nothing.
 *
 * Errors, by none of which anything changes: STAPEL_ERROR_MALFORMED, _TOO_LARGE; _BAD_SIGNATURE for another broker's;
 * _UNEXPECTED_REPLY for one to another message, or an answer to a question that was given up; _IO, _JOURNAL_DAMAGED.
 * Only after STAPEL_ERROR_OUT_OF_MEMORY an answer may be in the journal already: read it again, and it is given again.
 */
stapel_status stapel_partner_read(const stapel_partner *partner,
                                  const uint8_t *bytes,
                                  size_t bytes_len,
                                  uint64_t now,
                                  stapel_reply **reply);

/**
 * No longer waits for the reply to a message, given by its bytes; nor for those that tell what is flagged after it.
 * What they said is still to be said.
 *
 * Errors: STAPEL_ERROR_UNEXPECTED_REPLY where no such message is in flight; _IO.
 */
stapel_status stapel_partner_give_up(const stapel_partner *partner,
                                     const uint8_t *message,
                                     size_t message_len,
                                     uint64_t now);

/**
 * What changed between the answers that were read when this was called last, and those read since; over the partner's
 * own flags. To be freed with stapel_news_free. stapel_partner_ask_own asks for all of them.
 *
 * Errors: STAPEL_ERROR_IO.
 */
stapel_status stapel_partner_news(const stapel_partner *partner,
                                  stapel_news **news);

/**
 * Closes a partner, and lets its folder go once the calls that are under way on other threads have ended. NULL is no
 * error.
 */
stapel_status stapel_partner_free(stapel_partner *partner);

/**
 * What the broker said of what comes after a hit. The text belongs to the reply. What it says is in the partner's
 * folder and journal already: stapel_partner_talk_news tells what is new, and stapel_reply_totals the totals.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
 */
stapel_status stapel_reply_talked(const stapel_reply *reply,
                                  stapel_talked *talked);

/**
 * Puts own flags forward: whoever flags the same and puts it forward too is told so, and this partner of them,
 * directly or by the coordinator, as the policy says. It lasts until it is taken back, or the flag or its epoch ends;
 * the broker hears of it with stapel_partner_talk. It is told to those organisations alone that the policy in force
 * now lets be told of it: put forward again, it is agreed to anew. `count` is how many were not put forward yet, or
 * are anew. Refused rows are left out.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED where the policy has no `[meet]`, or the partner may not flag; _LEVEL for house
 * numbers where the policy does not count those; _NO_FLAG where one of them is not flagged, and then none is put
 * forward; _NO_EPOCH where none is open whose secret is here; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_put_forward(const stapel_partner *partner,
                                         const stapel_addresses *homes,
                                         const stapel_case *by,
                                         uint64_t now,
                                         size_t *count);

/**
 * Takes back what was put forward; what is not put forward is passed over. Whoever was introduced stays so. `count` is
 * how many were taken back. The broker hears of it with stapel_partner_talk.
 *
 * Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_take_back(const stapel_partner *partner,
                                       const stapel_addresses *homes,
                                       const stapel_case *by,
                                       uint64_t now,
                                       size_t *count);

/**
 * The next message of what comes after a hit, or none: once today's (UTC) have gone, of which there are as many on
 * each day, whatever there is to say or to fetch; once after a message that was not accepted, which ends the run; and
 * always where this partner has no part in it: the policy has no `[meet]`, or it may neither flag nor coordinate.
 * Call it until then, after stapel_partner_deliver, once a day: carry each message, and read its reply before the next
 * call. To be freed with stapel_messages_free.
 *
 * Until its reply was read, the same call gives the same bytes again.
 *
 * Errors: STAPEL_ERROR_NO_EPOCH where no epoch is open; _NOT_CERTIFIED, _CLOCK, _CLOCK_AHEAD, _RANDOM, _IO.
 */
stapel_status stapel_partner_talk(const stapel_partner *partner,
                                  uint64_t now,
                                  stapel_messages **messages);

/**
 * How many of the organisation's flags are stacked.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
 */
stapel_status stapel_reply_totals(const stapel_reply *reply, stapel_totals *totals);

/**
 * Cell `index` of totals, counted from 0, ascending by the number of organisations.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind, and for an index past the last.
 */
stapel_status stapel_reply_totals_cell(const stapel_reply *reply, size_t index, stapel_totals_cell *cell);

/**
 * The request how many of the organisation's flags are stacked, for a policy whose answers are totals: one message, to
 * be freed with stapel_messages_free. stapel_reply_totals reads its reply. The same bytes come again as long as that
 * was not read.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED where answers are not totals, or the partner may not ask; _TALK_IN_FLIGHT while
 * another message of what comes after a hit waits for its reply; _NO_EPOCH, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_totals(const stapel_partner *partner,
                                    uint64_t now,
                                    stapel_messages **messages);

/**
 * How the conversations went that began in a year, as stapel_partner_report_year reports it: a cell under ten is
 * merged with the smallest other. `cells` has room for `room` of them; 5 are the most. `count` is how many there are.
 * Nothing is written.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT where there is too little room, and then none is filled in.
 */
stapel_status stapel_partner_year_cells(const stapel_partner *partner,
                                        uint16_t year,
                                        stapel_year_cell *cells,
                                        size_t room,
                                        size_t *count);

/**
 * The report how a year's conversations went, for a year that is over: one message, to be freed with
 * stapel_messages_free. The same bytes come again as long as its reply was not read; once it was, the year is not
 * reported again.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED for a year that is not over, where the policy has no `[meet]`, or where the
 * partner may not flag; _YEAR_REPORTED; _TALK_IN_FLIGHT as for stapel_partner_totals; _NO_EPOCH, _CLOCK, _CLOCK_AHEAD,
 * _IO.
 */
stapel_status stapel_partner_report_year(const stapel_partner *partner,
                                         uint16_t year,
                                         uint64_t now,
                                         stapel_messages **messages);

/**
 * What this partner puts forward, for a person to be shown. To be freed with stapel_forwarded_free. Before it is
 * handed out the journal has who is shown it, and for which case.
 *
 * Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_forwarded(const stapel_partner *partner,
                                       const stapel_case *by,
                                       uint64_t now,
                                       stapel_forwarded **forwarded);

/** How many rows there are. */
stapel_status stapel_forwarded_count(const stapel_forwarded *forwarded, size_t *count);

/**
 * Row `index`, counted from 0. The texts belong to the list.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_forwarded_get(const stapel_forwarded *forwarded,
                                   size_t index,
                                   stapel_forwarded_row *row);

/** Frees the list. NULL is no error. */
stapel_status stapel_forwarded_free(stapel_forwarded *forwarded);

/**
 * What others put forward that this partner flags too, for a person to be shown, until 30 days after an answer was
 * due. To be freed with stapel_asked_free. Before it is handed out the journal has who is shown it, and for which
 * case.
 *
 * Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_asked(const stapel_partner *partner,
                                   const stapel_case *by,
                                   uint64_t now,
                                   stapel_asked **asked);

/** How many rows there are. */
stapel_status stapel_asked_count(const stapel_asked *asked, size_t *count);

/**
 * Row `index`, counted from 0. The texts belong to the list.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_asked_get(const stapel_asked *asked, size_t index, stapel_asked_row *row);

/** Frees the list. NULL is no error. */
stapel_status stapel_asked_free(stapel_asked *asked);

/**
 * Notes what somebody answers where another put an own flag forward, given by its canonical form. `answer` is "join",
 * which puts it forward here too, as stapel_partner_put_forward does; "not_now"; or "review", where the own flag is to
 * be looked at again. The last two take back what is put forward here, and nobody else is told of them.
 *
 * Errors: STAPEL_ERROR_NOT_CANONICAL; _INVALID_ARGUMENT for what is no answer; _NOT_PUT_FORWARD where nobody put it
 * forward; for "join" those of stapel_partner_put_forward; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_answer(const stapel_partner *partner,
                                    const char *canonical,
                                    size_t canonical_len,
                                    const char *answer,
                                    size_t answer_len,
                                    const stapel_case *by,
                                    uint64_t now);

/**
 * What is new of what comes after a hit since this was called last, for a person to be shown. To be freed with
 * stapel_talk_news_free. Before it is handed out the journal has who is shown it, and for which case. It is told once;
 * after an error it is told again. At most 500 are told at a time, the oldest first: where it tells as many, call it
 * again. What it is about stays in stapel_partner_asked and stapel_partner_conversations.
 *
 * Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _JOURNAL_DAMAGED, _IO.
 */
stapel_status stapel_partner_talk_news(const stapel_partner *partner,
                                       const stapel_case *by,
                                       uint64_t now,
                                       stapel_talk_news **news);

/** How many there are. */
stapel_status stapel_talk_news_count(const stapel_talk_news *news, size_t *count);

/**
 * Number `index`, counted from 0. The texts belong to the news.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_talk_news_get(const stapel_talk_news *news, size_t index, stapel_talk_news_row *row);

/** Frees news. NULL is no error. */
stapel_status stapel_talk_news_free(stapel_talk_news *news);

/**
 * Conversations, for a person to be shown: that of a number, or all where it is 0. To be freed with
 * stapel_conversations_free. Before they are handed out the journal has who is shown them, and for which case.
 *
 * Errors: STAPEL_ERROR_NO_CONVERSATION; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_conversations(const stapel_partner *partner,
                                           uint32_t conversation,
                                           const stapel_case *by,
                                           uint64_t now,
                                           stapel_conversations **conversations);

/** How many conversations there are. */
stapel_status stapel_conversations_count(const stapel_conversations *conversations, size_t *count);

/**
 * Conversation `index`, counted from 0. The texts belong to the conversations.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_conversations_get(const stapel_conversations *conversations,
                                       size_t index,
                                       stapel_conversation *conversation);

/**
 * Number `at`, counted from 0, of those that this partner was introduced to in conversation `index`, in that order.
 * The texts belong to the conversations.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_conversations_introduced(const stapel_conversations *conversations,
                                              size_t index,
                                              size_t at,
                                              stapel_introduced *introduced);

/**
 * Note `at`, counted from 0, of conversation `index`, own notes and others', in the order in which they came. The
 * texts belong to the conversations.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_conversations_note(const stapel_conversations *conversations,
                                        size_t index,
                                        size_t at,
                                        stapel_note *note);

/**
 * Copy `copy`, counted from 0, of note `at` of conversation `index`: to whom an own note goes, and how far it came.
 * The text belongs to the conversations.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_conversations_copy(const stapel_conversations *conversations,
                                        size_t index,
                                        size_t at,
                                        size_t copy,
                                        stapel_note_copy *to);

/** Frees conversations. NULL is no error. */
stapel_status stapel_conversations_free(stapel_conversations *conversations);

/**
 * Writes a text in a conversation: to the partner `to`, or where that is 0 to all that this partner was introduced to
 * there and that did not leave. stapel_partner_talk brings it. It has at most 1,020 bytes, in one line or several.
 *
 * Errors: STAPEL_ERROR_NO_CONVERSATION where there is no such conversation, nobody in it to write to, or `to` is
 * not in it; _NOTE_TEXT; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_write_text(const stapel_partner *partner,
                                        uint32_t conversation,
                                        uint16_t to,
                                        const char *note,
                                        size_t note_len,
                                        const stapel_case *by,
                                        uint64_t now);

/**
 * Says who leads a conversation from now on: this partner, where nobody leads yet, or the one that it hands the lead
 * over to. `note` may be empty.
 *
 * Errors: those of stapel_partner_write_text; STAPEL_ERROR_NOT_LEADING where another leads; _NOT_PERMITTED for
 * somebody who was not introduced.
 */
stapel_status stapel_partner_write_lead(const stapel_partner *partner,
                                        uint32_t conversation,
                                        uint16_t lead,
                                        const char *note,
                                        size_t note_len,
                                        const stapel_case *by,
                                        uint64_t now);

/**
 * Says how a conversation ended, to all of it: `outcome` is "taken_up_together", "taken_up_by_one", "not_taken_up",
 * "nothing_found" or "wrong_signal". `note` may be empty.
 *
 * Errors: those of stapel_partner_write_text; STAPEL_ERROR_INVALID_ARGUMENT for what is no outcome.
 */
stapel_status stapel_partner_write_outcome(const stapel_partner *partner,
                                           uint32_t conversation,
                                           const char *outcome,
                                           size_t outcome_len,
                                           const char *note,
                                           size_t note_len,
                                           const stapel_case *by,
                                           uint64_t now);

/**
 * Writes what the coordinator decides, to all of a conversation. `lead` is who leads, or 0 where that stays as it is;
 * whoever gets it learns who leads. `next` is the day on which it is looked at next, written as in "2027-05-31"; NULL
 * or empty for none.
 *
 * Errors: those of stapel_partner_write_text; STAPEL_ERROR_NOT_PERMITTED for another than the coordinator, for a lead
 * of somebody who was not introduced, and for a `next` that is over; _INVALID_ARGUMENT for what is not a day.
 */
stapel_status stapel_partner_write_decision(const stapel_partner *partner,
                                            uint32_t conversation,
                                            uint16_t lead,
                                            const char *next,
                                            size_t next_len,
                                            const char *note,
                                            size_t note_len,
                                            const stapel_case *by,
                                            uint64_t now);

/**
 * Leaves a conversation: takes back what is put forward there, and has the broker tell the others, with the next
 * exchange. Nobody can write to this partner there any more. What was written stays here.
 *
 * Errors: STAPEL_ERROR_NO_CONVERSATION where there is none of that number, or it was left already; _CASE, _CLOCK,
 * _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_leave(const stapel_partner *partner,
                                   uint32_t conversation,
                                   const stapel_case *by,
                                   uint64_t now);

/**
 * The coordinator's agenda, for a person to be shown: all conversations, oldest first, those that have ended among
 * them (`ended` in stapel_agenda_row). To be freed with stapel_agenda_free. Before it is handed out the journal has
 * who is shown it, and for which case.
 *
 * Errors: STAPEL_ERROR_NOT_PERMITTED for another than the coordinator; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
 */
stapel_status stapel_partner_agenda(const stapel_partner *partner,
                                    const stapel_case *by,
                                    uint64_t now,
                                    stapel_agenda **agenda);

/** How many conversations are on an agenda. */
stapel_status stapel_agenda_count(const stapel_agenda *agenda, size_t *count);

/**
 * Row `index` of an agenda, counted from 0. The texts belong to the agenda.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_agenda_get(const stapel_agenda *agenda, size_t index, stapel_agenda_row *item);

/**
 * Number `at`, counted from 0, of those who joined row `index` of an agenda, in that order: `left` is always NULL and
 * `misses_note` 0. The texts belong to the agenda.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_agenda_joined(const stapel_agenda *agenda,
                                   size_t index,
                                   size_t at,
                                   stapel_introduced *joined);

/**
 * Number `at`, counted from 0, of those who joined row `index` of an agenda and left again, in the order in which they
 * joined: `left` is the day on which it left, `since` always NULL and `misses_note` 0. The texts belong to the agenda.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_agenda_left(const stapel_agenda *agenda,
                                 size_t index,
                                 size_t at,
                                 stapel_introduced *left);

/**
 * Address `at`, counted from 0, that notes said row `index` of an agenda is about. The texts belong to the agenda.
 *
 * Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
 */
stapel_status stapel_agenda_address(const stapel_agenda *agenda,
                                    size_t index,
                                    size_t at,
                                    stapel_agenda_place *address);

/** Frees an agenda. NULL is no error. */
stapel_status stapel_agenda_free(stapel_agenda *agenda);

#if defined(STAPEL_BROKER)
/**
 * Draws a broker's keys and writes them to the folder `keys_dir`, which is made if it is not there; keys that are
 * there already stay.
 *
 * `verifying_key` and `checkpoint_key` become the public keys, 64 hexadecimal digits each, for the operator's table in
 * the policy; to be freed with stapel_buffer_free.
 *
 * Errors: STAPEL_ERROR_IO, _FILE_MODE, _KEY_FILE, _RANDOM.
 */
stapel_status stapel_broker_init_keys(const char *keys_dir,
                                      size_t keys_dir_len,
                                      stapel_buffer **verifying_key,
                                      stapel_buffer **checkpoint_key);
#endif

#if defined(STAPEL_BROKER)
/**
 * Makes a broker in the folder `dir`, with the keys in `keys_dir`, under the policy in `policy_file`, with the
 * signatures and certificates beside it. `broker` is to be freed with stapel_broker_free.
 *
 * Errors: STAPEL_ERROR_STORE where there is one already; _FOLDER_IN_USE; _POLICY_OPERATOR where the policy names other
 * keys; _POLICY_NOT_YET; _POLICY_TEXT, _POLICY_UNSAFE, _POLICY_SIGNATURES, _POLICY_SIGNATURE, _CERTIFICATE; _KEY_FILE,
 * _FILE_MODE, _IO, _RANDOM.
 */
stapel_status stapel_broker_create(const char *dir,
                                   size_t dir_len,
                                   const char *keys_dir,
                                   size_t keys_dir_len,
                                   const char *policy_file,
                                   size_t policy_file_len,
                                   uint64_t now,
                                   stapel_broker **broker);
#endif

#if defined(STAPEL_BROKER)
/**
 * Opens the broker in the folder `dir`, with the keys in `keys_dir`. `broker` is to be freed with stapel_broker_free.
 *
 * Errors: STAPEL_ERROR_FOLDER_IN_USE while another has it open; _STORE, _STORE_DAMAGED, _STORE_FORMAT; _POLICY_TEXT,
 * _POLICY_UNSAFE, _POLICY_SIGNATURES, _POLICY_SIGNATURE; _KEY_FILE, _BROKER_KEYS, _FILE_MODE, _IO.
 */
stapel_status stapel_broker_open(const char *dir,
                                 size_t dir_len,
                                 const char *keys_dir,
                                 size_t keys_dir_len,
                                 stapel_broker **broker);
#endif

#if defined(STAPEL_BROKER)
/**
 * Takes a message, and gives the reply to carry back: the whole protocol. Whatever the bytes, there is a reply; what
 * was not accepted is a rejection in it, and no error. `reply` is to be freed with stapel_buffer_free.
 *
 * `now` is the broker's time.
 *
 * Errors: STAPEL_ERROR_OUTCOME_UNKNOWN where the broker cannot tell whether it kept what the message says: then there
 * is no reply. Free the broker and open it again, and the same bytes get theirs.
 */
stapel_status stapel_broker_handle(const stapel_broker *broker,
                                   const uint8_t *message,
                                   size_t message_len,
                                   uint64_t now,
                                   stapel_buffer **reply);
#endif

#if defined(STAPEL_BROKER)
/**
 * Keeps a certificate or a suspension of a partner, which its organisation signed, from its file. One that was
 * kept before is no error.
 *
 * Errors: STAPEL_ERROR_CERTIFICATE where it does not hold under the policy in force, or its serial is not above those
 * that are kept; _STORE, _IO, _RANDOM.
 */
stapel_status stapel_broker_certify(const stapel_broker *broker,
                                    const char *file,
                                    size_t file_len,
                                    uint64_t now);
#endif

#if defined(STAPEL_BROKER)
/**
 * Makes the releases that are due, closes epochs whose last day has passed, and purges what went. stapel_broker_handle
 * releases too; a broker needs this once a day.
 *
 * `accept_clock` is 0, or, where there was no release for more than three days and somebody saw that the clock is
 * right, not 0: until then no epoch is closed, and nothing destroyed or purged. `releases` becomes a text, a JSON
 * array with an object for each release: epoch, release, as_of, full (whether new flags show), flags, tags; to be
 * freed with stapel_buffer_free.
 *
 * Errors: STAPEL_ERROR_CLOCK where `now` is before the last release, _CLOCK_AHEAD where there was none for more than
 * two weeks, in all times of more than three days, or it is accepted after the last day of the policy's last epoch:
 * adopt a newer policy first; _STORE.
 */
stapel_status stapel_broker_release(const stapel_broker *broker,
                                    uint64_t now,
                                    int32_t accept_clock,
                                    stapel_buffer **releases);
#endif

#if defined(STAPEL_BROKER)
/**
 * Numbers for the operator, as a JSON object: as_of and latest (the latest time that the broker was told, and acted
 * on), policy_version, policy, closes (the last day of its last epoch), silence (since, seconds; null where there was
 * none or a person said that the clock is right), last_backup (or null), epochs (number, release, as_of, tags,
 * next_release, shows_from, shows_by, changed, min_changed, waits_since, partners (number, held, released, heard,
 * full_set_seen), uncertified, without_full_set (numbers of partners)), certificates (epoch, partner, serial,
 * suspends, first_day, last_day), last_fault, log_behind (why the audit log is not signed on, or null), faults
 * (severity, code, since, finding: what stands). `status` is to be freed with stapel_buffer_free. Another process
 * reads the same with `stapel broker status`, while this one has the broker open.
 */
stapel_status stapel_broker_status(const stapel_broker *broker,
                                   stapel_buffer **status);
#endif

#if defined(STAPEL_BROKER)
/**
 * Closes a broker, and lets its store go once the calls that are under way on other threads have ended. NULL is no
 * error.
 */
stapel_status stapel_broker_free(stapel_broker *broker);
#endif

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* STAPEL_H */

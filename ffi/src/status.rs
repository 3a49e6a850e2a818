//! Every status that a function can return: the codes of the library's errors, of refused addresses and of the broker's
//! rejections, each with a number that is fixed here by hand, and never used again for another.

use std::ffi::{CStr, c_char};

use stapel_status::*;

/// What came of a call.
///
/// 1 to 99 are of this layer; 100 to 199 the library's errors; 200 to 299 say why an address was refused; 300 and on
/// why the broker did not accept a message. A later version may add some: treat a number that is not listed here as an
/// error.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum stapel_status {
    /// It was done.
    STAPEL_OK = 0,
    /// A pointer that must not be NULL was.
    STAPEL_ERROR_NULL_ARGUMENT = 1,
    /// A length, an index, a row count, an alignment, a day or a reason cannot be; or a reply is not of the kind that
    /// was read.
    STAPEL_ERROR_INVALID_ARGUMENT = 2,
    /// A handle is not one, is of another kind, or was freed.
    STAPEL_ERROR_INVALID_HANDLE = 3,
    /// A bug in the library. The call was stopped, and the program can go on; free the partner or broker that it was
    /// about and open it again.
    STAPEL_ERROR_PANIC = 4,
    /// There is not enough memory for what was handed in. Nothing was done: hand in fewer rows at a time. Where a reply
    /// was to be read, it may be in the journal: read the same reply again.
    STAPEL_ERROR_OUT_OF_MEMORY = 5,
    /// A file could not be read or written.
    STAPEL_ERROR_IO = 100,
    /// A file that holds a secret can be read by others than its owner.
    STAPEL_ERROR_FILE_MODE = 101,
    /// A secret file, or a part of one, is not as it was written.
    STAPEL_ERROR_SECRET_FILE = 102,
    /// The parts of a secret do not fit together.
    STAPEL_ERROR_SECRET_PARTS = 103,
    /// A key file does not hold a raw 32-byte seed.
    STAPEL_ERROR_KEY_FILE = 104,
    /// A policy's text is not a well-formed policy.
    STAPEL_ERROR_POLICY_TEXT = 105,
    /// A policy is well-formed, but must not be in force.
    STAPEL_ERROR_POLICY_UNSAFE = 106,
    /// A policy does not bear the signatures it needs.
    STAPEL_ERROR_POLICY_SIGNATURES = 107,
    /// A signature of a policy could not be made or read.
    STAPEL_ERROR_POLICY_SIGNATURE = 108,
    /// A policy may not take the place of the one in force.
    STAPEL_ERROR_POLICY_SUCCESSOR = 109,
    /// The bytes are not a message, or not in the one form that it has.
    STAPEL_ERROR_MALFORMED = 110,
    /// A message has more bytes or pseudonyms than one may have.
    STAPEL_ERROR_TOO_LARGE = 111,
    /// A signature is not that of the key it should be of.
    STAPEL_ERROR_BAD_SIGNATURE = 112,
    /// The broker's store could not be opened, read or written.
    STAPEL_ERROR_STORE = 113,
    /// The broker's store has a format that this version does not know.
    STAPEL_ERROR_STORE_FORMAT = 114,
    /// The broker's store holds what no broker writes.
    STAPEL_ERROR_STORE_DAMAGED = 115,
    /// The policy names another broker than the one whose keys these are.
    STAPEL_ERROR_POLICY_OPERATOR = 116,
    /// The policy is not valid yet.
    STAPEL_ERROR_POLICY_NOT_YET = 117,
    /// The clock went back: set it right, or where it is right, accept it. Or a message was rejected because its time,
    /// or a last valid day, is too long ago or too far ahead.
    STAPEL_ERROR_CLOCK = 118,
    /// The folder of a partner is not one, or not one that can be used.
    STAPEL_ERROR_PARTNER_FOLDER = 119,
    /// Another process, or another handle, has the folder open.
    STAPEL_ERROR_FOLDER_IN_USE = 120,
    /// A record of a partner's journal is not as it was written.
    STAPEL_ERROR_JOURNAL_DAMAGED = 121,
    /// The roster does not have this partner.
    STAPEL_ERROR_NOT_IN_ROSTER = 122,
    /// A secret is not the one that the policy names.
    STAPEL_ERROR_SECRET_MISMATCH = 123,
    /// There is no epoch in which a message can be made.
    STAPEL_ERROR_NO_EPOCH = 124,
    /// The roster does not let this partner do this.
    STAPEL_ERROR_NOT_PERMITTED = 125,
    /// An address is of a level that cannot be used here.
    STAPEL_ERROR_LEVEL = 126,
    /// A last valid day cannot be used.
    STAPEL_ERROR_LAST_DAY = 127,
    /// An address has no flag that could be renewed, nor had one within 30 days.
    STAPEL_ERROR_NOT_FLAGGED = 128,
    /// The acting user or the case reference is missing or cannot be used.
    STAPEL_ERROR_CASE = 129,
    /// A full set would withdraw more flags than the policy lets pass unsaid.
    STAPEL_ERROR_SHRINK = 130,
    /// A reply is not to a message that is in flight.
    STAPEL_ERROR_UNEXPECTED_REPLY = 131,
    /// The broker forgot what it had signed, and does not say that it was restored.
    STAPEL_ERROR_UNANNOUNCED_RESTORE = 132,
    /// A line of the audit log is not in the one form that it has.
    STAPEL_ERROR_LOG_LINE = 133,
    /// An exported audit log is not in the one form that it has.
    STAPEL_ERROR_LOG_FILE = 134,
    /// An audit log is not the one that was signed.
    STAPEL_ERROR_LOG_ALTERED = 135,
    /// A checkpoint of the audit log cannot be used.
    STAPEL_ERROR_CHECKPOINT = 136,
    /// A proof does not prove what it should.
    STAPEL_ERROR_LOG_PROOF = 137,
    /// What the broker signed of its audit log is not one history.
    STAPEL_ERROR_LOG_INCONSISTENT = 138,
    /// The clock is so far past the last release, or past what the partner did last, that it may be wrong; or it is
    /// given in milliseconds.
    STAPEL_ERROR_CLOCK_AHEAD = 139,
    /// The operating system gave no randomness.
    STAPEL_ERROR_RANDOM = 140,
    /// The store's log does not continue what was signed under its name.
    STAPEL_ERROR_LOG_BEHIND = 141,
    /// The folder with the broker's keys lacks what the store needs, or something in it is not as it was written.
    STAPEL_ERROR_BROKER_KEYS = 142,
    /// Work cannot be spread over so many threads.
    STAPEL_ERROR_THREADS = 143,
    /// Pseudonyms are missing that a source has to be asked for first.
    STAPEL_ERROR_PSEUDONYMS_PENDING = 144,
    /// A key holder of a source of pseudonyms gave a reply that no honest one gives.
    STAPEL_ERROR_SOURCE_FAULT = 145,
    /// The caller says that the clock is not to be trusted.
    STAPEL_ERROR_CLOCK_UNTRUSTED = 146,
    /// A partner has a receipt with this broker's own signature that the broker does not know.
    STAPEL_ERROR_FORGOTTEN = 147,
    /// A certificate or a suspension of a partner cannot be used.
    STAPEL_ERROR_CERTIFICATE = 148,
    /// The partner's certificate does not name its key, has ended, or is a suspension; or a message was rejected
    /// because the broker's does not hold.
    STAPEL_ERROR_NOT_CERTIFIED = 149,
    /// The partner or the broker was opened by another process, of which this one is a fork.
    STAPEL_ERROR_OTHER_PROCESS = 150,
    /// A folder belongs to another user than the one that this runs as, who may be root.
    STAPEL_ERROR_OTHER_USER = 151,
    /// An epoch's secrets may still be needed.
    STAPEL_ERROR_EPOCH_IN_USE = 152,
    /// There was no release for days, and nobody has said since that the clock is right.
    STAPEL_ERROR_CLOCK_UNCONFIRMED = 153,
    /// A file is not a local register, or is damaged.
    STAPEL_ERROR_REGISTER = 154,
    /// A row of what a local register is built from cannot be used.
    STAPEL_ERROR_REGISTER_ROW = 155,
    /// A local register has no object with a BAG id.
    STAPEL_ERROR_BAG_ID_UNKNOWN = 156,
    /// By a local register a BAG id was withdrawn.
    STAPEL_ERROR_BAG_ID_WITHDRAWN = 157,
    /// A local register has not that street in that town, or not that number in it.
    STAPEL_ERROR_NOT_IN_REGISTER = 158,
    /// What was given fits more than one address of a local register.
    STAPEL_ERROR_SEVERAL_IN_REGISTER = 159,
    /// The policy requires a register of addresses, and an address was not looked up in one.
    STAPEL_ERROR_REGISTER_REQUIRED = 160,
    /// An address that is to be put forward is not flagged by this partner.
    STAPEL_ERROR_NO_FLAG = 161,
    /// Nobody put an address forward, as far as this partner was told: there is nothing to answer.
    STAPEL_ERROR_NOT_PUT_FORWARD = 162,
    /// There is no conversation of that number, or nobody in it who could be written to.
    STAPEL_ERROR_NO_CONVERSATION = 163,
    /// Another partner leads a conversation, and who leads hands it over.
    STAPEL_ERROR_NOT_LEADING = 164,
    /// The text of a note is empty or too long, or has what a note must not have.
    STAPEL_ERROR_NOTE_TEXT = 165,
    /// Another message of what comes after a hit waits for its reply, and there is one at a time.
    STAPEL_ERROR_TALK_IN_FLIGHT = 166,
    /// A year was reported already, which is done once.
    STAPEL_ERROR_YEAR_REPORTED = 167,
    /// The broker introduced somebody who did not put forward what it says.
    STAPEL_ERROR_FALSE_INTRODUCTION = 168,
    /// The broker introduced this partner by what did not stand then.
    STAPEL_ERROR_LATE_INTRODUCTION = 169,
    /// It is not known whether the broker kept what was done last. Open the broker again, and send the same bytes
    /// again.
    STAPEL_ERROR_OUTCOME_UNKNOWN = 170,
    /// An address was refused: it is longer than one address can be.
    STAPEL_ERROR_TOO_LONG = 200,
    /// An address was refused: it is not UTF-8; of any other text too.
    STAPEL_ERROR_NOT_UTF8 = 201,
    /// An address was refused: it holds no letter and no digit.
    STAPEL_ERROR_EMPTY = 202,
    /// An address was refused: a character is one that no address is written with, or only looks like one that is.
    STAPEL_ERROR_CHARACTER = 203,
    /// An address was refused: it has bars, and is not the canonical form of a unit.
    STAPEL_ERROR_NOT_CANONICAL = 204,
    /// An address was refused: it has no postcode.
    STAPEL_ERROR_NO_POSTCODE = 205,
    /// An address was refused: it has two postcodes.
    STAPEL_ERROR_TWO_POSTCODES = 206,
    /// An address was refused: the postcode is not four digits and two letters.
    STAPEL_ERROR_POSTCODE_FORM = 207,
    /// An address was refused: the postcode begins with 0, as none does.
    STAPEL_ERROR_POSTCODE_FIRST_DIGIT = 208,
    /// An address was refused: the postcode ends in SA, SD or SS, as none does.
    STAPEL_ERROR_POSTCODE_LETTERS = 209,
    /// An address was refused: it has no house number.
    STAPEL_ERROR_NO_NUMBER = 210,
    /// An address was refused: it has two house numbers.
    STAPEL_ERROR_TWO_NUMBERS = 211,
    /// An address was refused: the house number is not a number in digits alone.
    STAPEL_ERROR_NUMBER_FORM = 212,
    /// An address was refused: the house number is zero, as none is.
    STAPEL_ERROR_NUMBER_ZERO = 213,
    /// An address was refused: the house number has more than five digits.
    STAPEL_ERROR_NUMBER_TOO_LONG = 214,
    /// An address was refused: a number may be the house number or a part of another name.
    STAPEL_ERROR_NUMBER_UNCLEAR = 215,
    /// An address was refused: a number may be an ordinal or a house number.
    STAPEL_ERROR_ORDINAL_UNCLEAR = 216,
    /// An address was refused: a number may be a year in the street's name or a house number.
    STAPEL_ERROR_YEAR_UNCLEAR = 217,
    /// An address was refused: it may be several house numbers, or one with an addition.
    STAPEL_ERROR_RANGE_UNCLEAR = 218,
    /// An address was refused: letter and addition are longer than five characters together.
    STAPEL_ERROR_SUFFIX_TOO_LONG = 219,
    /// An address was refused: a word may be an addition or something else.
    STAPEL_ERROR_SUFFIX_UNCLEAR = 220,
    /// An address was refused: it describes a part of the building in words.
    STAPEL_ERROR_SUFFIX_IN_WORDS = 221,
    /// An address was refused: the letter is not one letter.
    STAPEL_ERROR_LETTER_FORM = 222,
    /// An address was refused: the addition is not letters and digits with single separators between unlike ones.
    STAPEL_ERROR_ADDITION_FORM = 223,
    /// An address was refused: it names a place near, not the house itself.
    STAPEL_ERROR_NOT_THE_HOUSE = 224,
    /// An address was refused: it is a box or reply number, not a place.
    STAPEL_ERROR_NOT_A_PLACE = 225,
    /// An address was refused: it looks like a BAG id but has not 16 digits.
    STAPEL_ERROR_BAG_ID_LENGTH = 226,
    /// An address was refused: it is not the BAG id of an address.
    STAPEL_ERROR_BAG_ID_TYPE = 227,
    /// An address was refused: it is a BAG id, which only a local register can turn into an address.
    STAPEL_ERROR_BAG_ID_NEEDS_REGISTER = 228,
    /// An address was refused: it is a BAG id with its leading zero lost, as spreadsheets lose it.
    STAPEL_ERROR_BAG_ID_ZERO_LOST = 229,
    /// An address was refused: the addition is how a program writes an empty value, such as NULL.
    STAPEL_ERROR_EMPTY_VALUE = 230,
    /// An address was refused: the addition is a date, which a spreadsheet made of one such as 1-3.
    STAPEL_ERROR_SPREADSHEET_DATE = 231,
    /// An address was refused: it may be a number and an addition, or the number of a street and a house number.
    STAPEL_ERROR_NUMBERED_STREET = 232,
    /// An address was refused: it names a Belgian town, with letters that may be the code of a country or language.
    STAPEL_ERROR_BELGIAN_TOWN = 233,
    /// A message was rejected: the roster has no partner of that number.
    STAPEL_ERROR_UNKNOWN_PARTNER = 302,
    /// A message was rejected: the message is for another consortium.
    STAPEL_ERROR_WRONG_CONSORTIUM = 304,
    /// A message was rejected: the message is for another purpose.
    STAPEL_ERROR_WRONG_PURPOSE = 305,
    /// A message was rejected: the key id is not that of the epoch.
    STAPEL_ERROR_WRONG_KEY_ID = 306,
    /// A message was rejected: the policy's digest is not that of the policy in force.
    STAPEL_ERROR_WRONG_POLICY = 307,
    /// A message was rejected: the policy has no such epoch, or it is not open today, or the organisation joined with a
    /// later one.
    STAPEL_ERROR_WRONG_EPOCH = 308,
    /// A message was rejected: the state number before it is not the last that was accepted; `number` is the one
    /// expected.
    STAPEL_ERROR_GAP = 309,
    /// A message was rejected: the number was used before; `number` is the lowest still free.
    STAPEL_ERROR_STALE = 310,
    /// A message was rejected: a budget does not reach; `number` is what is left of it.
    STAPEL_ERROR_OVER_BUDGET = 312,
    /// A message was rejected: a flag would last longer than the policy's days since its first, and the message gives
    /// no reason.
    STAPEL_ERROR_RENEWAL_NOT_DECLARED = 315,
    /// A message was rejected: the partner's first state message in this epoch must be a full set.
    STAPEL_ERROR_FULL_SET_REQUIRED = 317,
    /// A message was rejected: the broker was restored from an older store and needs this partner's full set first.
    STAPEL_ERROR_RECOVERING = 318,
    /// A message was rejected: the broker cannot keep anything now; send the same bytes again later.
    STAPEL_ERROR_UNAVAILABLE = 319,
    /// A message was rejected: another epoch answers questions; `number` is that epoch. Ask again.
    STAPEL_ERROR_OTHER_EPOCH = 320,
    /// A message was rejected: no epoch answers questions yet, because some organisations have not delivered. Ask again
    /// after the next release.
    STAPEL_ERROR_NOT_YET_ANSWERING = 321,
    /// Flags cannot be renewed any more: they would last longer since their first day than the policy's most renewals
    /// allow. Of a rejected message, `number` is how many.
    STAPEL_ERROR_TOO_MANY_RENEWALS = 323,
}

/// The code of each, as `stapel_status_code` gives it.
const CODES: &[(stapel_status, &CStr)] = &[
    (STAPEL_OK, c"ok"),
    (STAPEL_ERROR_NULL_ARGUMENT, c"null_argument"),
    (STAPEL_ERROR_INVALID_ARGUMENT, c"invalid_argument"),
    (STAPEL_ERROR_INVALID_HANDLE, c"invalid_handle"),
    (STAPEL_ERROR_PANIC, c"panic"),
    (STAPEL_ERROR_OUT_OF_MEMORY, c"out_of_memory"),
    (STAPEL_ERROR_IO, c"io"),
    (STAPEL_ERROR_FILE_MODE, c"file_mode"),
    (STAPEL_ERROR_SECRET_FILE, c"secret_file"),
    (STAPEL_ERROR_SECRET_PARTS, c"secret_parts"),
    (STAPEL_ERROR_KEY_FILE, c"key_file"),
    (STAPEL_ERROR_POLICY_TEXT, c"policy_text"),
    (STAPEL_ERROR_POLICY_UNSAFE, c"policy_unsafe"),
    (STAPEL_ERROR_POLICY_SIGNATURES, c"policy_signatures"),
    (STAPEL_ERROR_POLICY_SIGNATURE, c"policy_signature"),
    (STAPEL_ERROR_POLICY_SUCCESSOR, c"policy_successor"),
    (STAPEL_ERROR_MALFORMED, c"malformed"),
    (STAPEL_ERROR_TOO_LARGE, c"too_large"),
    (STAPEL_ERROR_BAD_SIGNATURE, c"bad_signature"),
    (STAPEL_ERROR_STORE, c"store"),
    (STAPEL_ERROR_STORE_FORMAT, c"store_format"),
    (STAPEL_ERROR_STORE_DAMAGED, c"store_damaged"),
    (STAPEL_ERROR_POLICY_OPERATOR, c"policy_operator"),
    (STAPEL_ERROR_POLICY_NOT_YET, c"policy_not_yet"),
    (STAPEL_ERROR_CLOCK, c"clock"),
    (STAPEL_ERROR_PARTNER_FOLDER, c"partner_folder"),
    (STAPEL_ERROR_FOLDER_IN_USE, c"folder_in_use"),
    (STAPEL_ERROR_JOURNAL_DAMAGED, c"journal_damaged"),
    (STAPEL_ERROR_NOT_IN_ROSTER, c"not_in_roster"),
    (STAPEL_ERROR_SECRET_MISMATCH, c"secret_mismatch"),
    (STAPEL_ERROR_NO_EPOCH, c"no_epoch"),
    (STAPEL_ERROR_NOT_PERMITTED, c"not_permitted"),
    (STAPEL_ERROR_LEVEL, c"level"),
    (STAPEL_ERROR_LAST_DAY, c"last_day"),
    (STAPEL_ERROR_NOT_FLAGGED, c"not_flagged"),
    (STAPEL_ERROR_CASE, c"case"),
    (STAPEL_ERROR_SHRINK, c"shrink"),
    (STAPEL_ERROR_UNEXPECTED_REPLY, c"unexpected_reply"),
    (STAPEL_ERROR_UNANNOUNCED_RESTORE, c"unannounced_restore"),
    (STAPEL_ERROR_LOG_LINE, c"log_line"),
    (STAPEL_ERROR_LOG_FILE, c"log_file"),
    (STAPEL_ERROR_LOG_ALTERED, c"log_altered"),
    (STAPEL_ERROR_CHECKPOINT, c"checkpoint"),
    (STAPEL_ERROR_LOG_PROOF, c"log_proof"),
    (STAPEL_ERROR_LOG_INCONSISTENT, c"log_inconsistent"),
    (STAPEL_ERROR_CLOCK_AHEAD, c"clock_ahead"),
    (STAPEL_ERROR_RANDOM, c"random"),
    (STAPEL_ERROR_LOG_BEHIND, c"log_behind"),
    (STAPEL_ERROR_BROKER_KEYS, c"broker_keys"),
    (STAPEL_ERROR_THREADS, c"threads"),
    (STAPEL_ERROR_PSEUDONYMS_PENDING, c"pseudonyms_pending"),
    (STAPEL_ERROR_SOURCE_FAULT, c"source_fault"),
    (STAPEL_ERROR_CLOCK_UNTRUSTED, c"clock_untrusted"),
    (STAPEL_ERROR_CLOCK_UNCONFIRMED, c"clock_unconfirmed"),
    (STAPEL_ERROR_FORGOTTEN, c"forgotten"),
    (STAPEL_ERROR_CERTIFICATE, c"certificate"),
    (STAPEL_ERROR_NOT_CERTIFIED, c"not_certified"),
    (STAPEL_ERROR_OTHER_PROCESS, c"other_process"),
    (STAPEL_ERROR_OTHER_USER, c"other_user"),
    (STAPEL_ERROR_EPOCH_IN_USE, c"epoch_in_use"),
    (STAPEL_ERROR_REGISTER, c"register"),
    (STAPEL_ERROR_REGISTER_ROW, c"register_row"),
    (STAPEL_ERROR_BAG_ID_UNKNOWN, c"bag_id_unknown"),
    (STAPEL_ERROR_BAG_ID_WITHDRAWN, c"bag_id_withdrawn"),
    (STAPEL_ERROR_NOT_IN_REGISTER, c"not_in_register"),
    (STAPEL_ERROR_SEVERAL_IN_REGISTER, c"several_in_register"),
    (STAPEL_ERROR_REGISTER_REQUIRED, c"register_required"),
    (STAPEL_ERROR_NO_FLAG, c"no_flag"),
    (STAPEL_ERROR_NOT_PUT_FORWARD, c"not_put_forward"),
    (STAPEL_ERROR_NO_CONVERSATION, c"no_conversation"),
    (STAPEL_ERROR_NOT_LEADING, c"not_leading"),
    (STAPEL_ERROR_NOTE_TEXT, c"note_text"),
    (STAPEL_ERROR_TALK_IN_FLIGHT, c"talk_in_flight"),
    (STAPEL_ERROR_YEAR_REPORTED, c"year_reported"),
    (STAPEL_ERROR_FALSE_INTRODUCTION, c"false_introduction"),
    (STAPEL_ERROR_LATE_INTRODUCTION, c"late_introduction"),
    (STAPEL_ERROR_OUTCOME_UNKNOWN, c"outcome_unknown"),
    (STAPEL_ERROR_TOO_LONG, c"too_long"),
    (STAPEL_ERROR_NOT_UTF8, c"not_utf8"),
    (STAPEL_ERROR_EMPTY, c"empty"),
    (STAPEL_ERROR_CHARACTER, c"character"),
    (STAPEL_ERROR_NOT_CANONICAL, c"not_canonical"),
    (STAPEL_ERROR_NO_POSTCODE, c"no_postcode"),
    (STAPEL_ERROR_TWO_POSTCODES, c"two_postcodes"),
    (STAPEL_ERROR_POSTCODE_FORM, c"postcode_form"),
    (STAPEL_ERROR_POSTCODE_FIRST_DIGIT, c"postcode_first_digit"),
    (STAPEL_ERROR_POSTCODE_LETTERS, c"postcode_letters"),
    (STAPEL_ERROR_NO_NUMBER, c"no_number"),
    (STAPEL_ERROR_TWO_NUMBERS, c"two_numbers"),
    (STAPEL_ERROR_NUMBER_FORM, c"number_form"),
    (STAPEL_ERROR_NUMBER_ZERO, c"number_zero"),
    (STAPEL_ERROR_NUMBER_TOO_LONG, c"number_too_long"),
    (STAPEL_ERROR_NUMBER_UNCLEAR, c"number_unclear"),
    (STAPEL_ERROR_ORDINAL_UNCLEAR, c"ordinal_unclear"),
    (STAPEL_ERROR_YEAR_UNCLEAR, c"year_unclear"),
    (STAPEL_ERROR_RANGE_UNCLEAR, c"range_unclear"),
    (STAPEL_ERROR_SUFFIX_TOO_LONG, c"suffix_too_long"),
    (STAPEL_ERROR_SUFFIX_UNCLEAR, c"suffix_unclear"),
    (STAPEL_ERROR_SUFFIX_IN_WORDS, c"suffix_in_words"),
    (STAPEL_ERROR_LETTER_FORM, c"letter_form"),
    (STAPEL_ERROR_ADDITION_FORM, c"addition_form"),
    (STAPEL_ERROR_NOT_THE_HOUSE, c"not_the_house"),
    (STAPEL_ERROR_NOT_A_PLACE, c"not_a_place"),
    (STAPEL_ERROR_BAG_ID_LENGTH, c"bag_id_length"),
    (STAPEL_ERROR_BAG_ID_TYPE, c"bag_id_type"),
    (STAPEL_ERROR_BAG_ID_NEEDS_REGISTER, c"bag_id_needs_register"),
    (STAPEL_ERROR_BAG_ID_ZERO_LOST, c"bag_id_zero_lost"),
    (STAPEL_ERROR_EMPTY_VALUE, c"empty_value"),
    (STAPEL_ERROR_SPREADSHEET_DATE, c"spreadsheet_date"),
    (STAPEL_ERROR_NUMBERED_STREET, c"numbered_street"),
    (STAPEL_ERROR_BELGIAN_TOWN, c"belgian_town"),
    (STAPEL_ERROR_UNKNOWN_PARTNER, c"unknown_partner"),
    (STAPEL_ERROR_WRONG_CONSORTIUM, c"wrong_consortium"),
    (STAPEL_ERROR_WRONG_PURPOSE, c"wrong_purpose"),
    (STAPEL_ERROR_WRONG_KEY_ID, c"wrong_key_id"),
    (STAPEL_ERROR_WRONG_POLICY, c"wrong_policy"),
    (STAPEL_ERROR_WRONG_EPOCH, c"wrong_epoch"),
    (STAPEL_ERROR_GAP, c"gap"),
    (STAPEL_ERROR_STALE, c"stale"),
    (STAPEL_ERROR_OVER_BUDGET, c"over_budget"),
    (STAPEL_ERROR_RENEWAL_NOT_DECLARED, c"renewal_not_declared"),
    (STAPEL_ERROR_FULL_SET_REQUIRED, c"full_set_required"),
    (STAPEL_ERROR_RECOVERING, c"recovering"),
    (STAPEL_ERROR_UNAVAILABLE, c"unavailable"),
    (STAPEL_ERROR_OTHER_EPOCH, c"other_epoch"),
    (STAPEL_ERROR_NOT_YET_ANSWERING, c"not_yet_answering"),
    (STAPEL_ERROR_TOO_MANY_RENEWALS, c"too_many_renewals"),
];

/// The stable code of a status in snake_case, such as "folder_in_use"; the same in every language and version. "ok" for
/// STAPEL_OK, "unknown" for a number that this version does not know.
///
/// The text is static: it is not freed, and stays.
#[unsafe(no_mangle)]
pub extern "C" fn stapel_status_code(status: i32) -> *const c_char {
    let known = CODES.iter().find(|(known, _)| *known as i32 == status);
    known.map_or(c"unknown", |(_, code)| *code).as_ptr()
}

impl stapel_status {
    /// The status of a code of the library's.
    pub(crate) fn of(code: &str) -> stapel_status {
        let known = CODES.iter().find(|(_, known)| known.to_bytes() == code.as_bytes());
        // A test holds the list to the library's codes, so there is no other.
        known.map_or(STAPEL_ERROR_PANIC, |(status, _)| *status)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "broker")]
    use std::collections::BTreeSet;

    use super::*;

    /// The library's codes, and those of this layer. A build without the broker has fewer, with the same numbers.
    #[cfg(feature = "broker")]
    fn expected() -> BTreeSet<&'static str> {
        let own = ["ok", "null_argument", "invalid_argument", "invalid_handle", "panic", "out_of_memory"];
        let rejections = stapel::message::Code::ALL.iter().map(|code| code.as_str());
        own.into_iter().chain(stapel::Error::codes()).chain(rejections).collect()
    }

    #[cfg(feature = "broker")]
    #[test]
    fn every_code_of_the_library_has_a_status_and_no_other_has() {
        let codes: Vec<&str> = CODES.iter().map(|(_, code)| code.to_str().unwrap()).collect();
        assert_eq!(codes.iter().copied().collect::<BTreeSet<_>>(), expected());
        assert_eq!(codes.len(), expected().len());
        for (status, code) in CODES {
            assert_eq!(stapel_status::of(code.to_str().unwrap()), *status);
            // SAFETY: it is a static text.
            assert_eq!(unsafe { CStr::from_ptr(stapel_status_code(*status as i32)) }, *code);
        }
        // SAFETY: it is a static text.
        assert_eq!(unsafe { CStr::from_ptr(stapel_status_code(-1)) }, c"unknown");
        assert_eq!(stapel_status::of("no such code"), STAPEL_ERROR_PANIC);
    }

    #[test]
    fn a_status_is_named_after_its_code() {
        for (status, code) in &CODES[1..] {
            let name = format!("STAPEL_ERROR_{}", code.to_str().unwrap().to_uppercase());
            assert_eq!(format!("{status:?}"), name);
        }
        let source = include_str!("status.rs");
        let (_, source) = source.split_once("pub enum stapel_status {").unwrap();
        let (variants, _) = source.split_once("\n}").unwrap();
        let variants = variants.lines().filter(|line| line.contains(" = ")).count();
        assert_eq!(variants, CODES.len(), "each is in the list");
    }
}

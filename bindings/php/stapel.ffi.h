/* Made from stapel.h by the script `declarations`; not to be edited. */
enum stapel_status
 {
    STAPEL_OK = 0,
    STAPEL_ERROR_NULL_ARGUMENT = 1,
    STAPEL_ERROR_INVALID_ARGUMENT = 2,
    STAPEL_ERROR_INVALID_HANDLE = 3,
    STAPEL_ERROR_PANIC = 4,
    STAPEL_ERROR_OUT_OF_MEMORY = 5,
    STAPEL_ERROR_IO = 100,
    STAPEL_ERROR_FILE_MODE = 101,
    STAPEL_ERROR_SECRET_FILE = 102,
    STAPEL_ERROR_SECRET_PARTS = 103,
    STAPEL_ERROR_KEY_FILE = 104,
    STAPEL_ERROR_POLICY_TEXT = 105,
    STAPEL_ERROR_POLICY_UNSAFE = 106,
    STAPEL_ERROR_POLICY_SIGNATURES = 107,
    STAPEL_ERROR_POLICY_SIGNATURE = 108,
    STAPEL_ERROR_POLICY_SUCCESSOR = 109,
    STAPEL_ERROR_MALFORMED = 110,
    STAPEL_ERROR_TOO_LARGE = 111,
    STAPEL_ERROR_BAD_SIGNATURE = 112,
    STAPEL_ERROR_STORE = 113,
    STAPEL_ERROR_STORE_FORMAT = 114,
    STAPEL_ERROR_STORE_DAMAGED = 115,
    STAPEL_ERROR_POLICY_OPERATOR = 116,
    STAPEL_ERROR_POLICY_NOT_YET = 117,
    STAPEL_ERROR_CLOCK = 118,
    STAPEL_ERROR_PARTNER_FOLDER = 119,
    STAPEL_ERROR_FOLDER_IN_USE = 120,
    STAPEL_ERROR_JOURNAL_DAMAGED = 121,
    STAPEL_ERROR_NOT_IN_ROSTER = 122,
    STAPEL_ERROR_SECRET_MISMATCH = 123,
    STAPEL_ERROR_NO_EPOCH = 124,
    STAPEL_ERROR_NOT_PERMITTED = 125,
    STAPEL_ERROR_LEVEL = 126,
    STAPEL_ERROR_LAST_DAY = 127,
    STAPEL_ERROR_NOT_FLAGGED = 128,
    STAPEL_ERROR_CASE = 129,
    STAPEL_ERROR_SHRINK = 130,
    STAPEL_ERROR_UNEXPECTED_REPLY = 131,
    STAPEL_ERROR_UNANNOUNCED_RESTORE = 132,
    STAPEL_ERROR_LOG_LINE = 133,
    STAPEL_ERROR_LOG_FILE = 134,
    STAPEL_ERROR_LOG_ALTERED = 135,
    STAPEL_ERROR_CHECKPOINT = 136,
    STAPEL_ERROR_LOG_PROOF = 137,
    STAPEL_ERROR_LOG_INCONSISTENT = 138,
    STAPEL_ERROR_CLOCK_AHEAD = 139,
    STAPEL_ERROR_RANDOM = 140,
    STAPEL_ERROR_LOG_BEHIND = 141,
    STAPEL_ERROR_BROKER_KEYS = 142,
    STAPEL_ERROR_THREADS = 143,
    STAPEL_ERROR_PSEUDONYMS_PENDING = 144,
    STAPEL_ERROR_SOURCE_FAULT = 145,
    STAPEL_ERROR_CLOCK_UNTRUSTED = 146,
    STAPEL_ERROR_FORGOTTEN = 147,
    STAPEL_ERROR_CERTIFICATE = 148,
    STAPEL_ERROR_NOT_CERTIFIED = 149,
    STAPEL_ERROR_OTHER_PROCESS = 150,
    STAPEL_ERROR_OTHER_USER = 151,
    STAPEL_ERROR_EPOCH_IN_USE = 152,
    STAPEL_ERROR_CLOCK_UNCONFIRMED = 153,
    STAPEL_ERROR_REGISTER = 154,
    STAPEL_ERROR_REGISTER_ROW = 155,
    STAPEL_ERROR_BAG_ID_UNKNOWN = 156,
    STAPEL_ERROR_BAG_ID_WITHDRAWN = 157,
    STAPEL_ERROR_NOT_IN_REGISTER = 158,
    STAPEL_ERROR_SEVERAL_IN_REGISTER = 159,
    STAPEL_ERROR_REGISTER_REQUIRED = 160,
    STAPEL_ERROR_NO_FLAG = 161,
    STAPEL_ERROR_NOT_PUT_FORWARD = 162,
    STAPEL_ERROR_NO_CONVERSATION = 163,
    STAPEL_ERROR_NOT_LEADING = 164,
    STAPEL_ERROR_NOTE_TEXT = 165,
    STAPEL_ERROR_TALK_IN_FLIGHT = 166,
    STAPEL_ERROR_YEAR_REPORTED = 167,
    STAPEL_ERROR_FALSE_INTRODUCTION = 168,
    STAPEL_ERROR_LATE_INTRODUCTION = 169,
    STAPEL_ERROR_OUTCOME_UNKNOWN = 170,
    STAPEL_ERROR_TOO_LONG = 200,
    STAPEL_ERROR_NOT_UTF8 = 201,
    STAPEL_ERROR_EMPTY = 202,
    STAPEL_ERROR_CHARACTER = 203,
    STAPEL_ERROR_NOT_CANONICAL = 204,
    STAPEL_ERROR_NO_POSTCODE = 205,
    STAPEL_ERROR_TWO_POSTCODES = 206,
    STAPEL_ERROR_POSTCODE_FORM = 207,
    STAPEL_ERROR_POSTCODE_FIRST_DIGIT = 208,
    STAPEL_ERROR_POSTCODE_LETTERS = 209,
    STAPEL_ERROR_NO_NUMBER = 210,
    STAPEL_ERROR_TWO_NUMBERS = 211,
    STAPEL_ERROR_NUMBER_FORM = 212,
    STAPEL_ERROR_NUMBER_ZERO = 213,
    STAPEL_ERROR_NUMBER_TOO_LONG = 214,
    STAPEL_ERROR_NUMBER_UNCLEAR = 215,
    STAPEL_ERROR_ORDINAL_UNCLEAR = 216,
    STAPEL_ERROR_YEAR_UNCLEAR = 217,
    STAPEL_ERROR_RANGE_UNCLEAR = 218,
    STAPEL_ERROR_SUFFIX_TOO_LONG = 219,
    STAPEL_ERROR_SUFFIX_UNCLEAR = 220,
    STAPEL_ERROR_SUFFIX_IN_WORDS = 221,
    STAPEL_ERROR_LETTER_FORM = 222,
    STAPEL_ERROR_ADDITION_FORM = 223,
    STAPEL_ERROR_NOT_THE_HOUSE = 224,
    STAPEL_ERROR_NOT_A_PLACE = 225,
    STAPEL_ERROR_BAG_ID_LENGTH = 226,
    STAPEL_ERROR_BAG_ID_TYPE = 227,
    STAPEL_ERROR_BAG_ID_NEEDS_REGISTER = 228,
    STAPEL_ERROR_BAG_ID_ZERO_LOST = 229,
    STAPEL_ERROR_EMPTY_VALUE = 230,
    STAPEL_ERROR_SPREADSHEET_DATE = 231,
    STAPEL_ERROR_NUMBERED_STREET = 232,
    STAPEL_ERROR_BELGIAN_TOWN = 233,
    STAPEL_ERROR_UNKNOWN_PARTNER = 302,
    STAPEL_ERROR_WRONG_CONSORTIUM = 304,
    STAPEL_ERROR_WRONG_PURPOSE = 305,
    STAPEL_ERROR_WRONG_KEY_ID = 306,
    STAPEL_ERROR_WRONG_POLICY = 307,
    STAPEL_ERROR_WRONG_EPOCH = 308,
    STAPEL_ERROR_GAP = 309,
    STAPEL_ERROR_STALE = 310,
    STAPEL_ERROR_OVER_BUDGET = 312,
    STAPEL_ERROR_RENEWAL_NOT_DECLARED = 315,
    STAPEL_ERROR_FULL_SET_REQUIRED = 317,
    STAPEL_ERROR_RECOVERING = 318,
    STAPEL_ERROR_UNAVAILABLE = 319,
    STAPEL_ERROR_OTHER_EPOCH = 320,
    STAPEL_ERROR_NOT_YET_ANSWERING = 321,
    STAPEL_ERROR_TOO_MANY_RENEWALS = 323,
};
typedef int32_t stapel_status;
enum stapel_how
 {
    STAPEL_HOW_NONE = 0,
    STAPEL_HOW_REGISTERED = 1,
    STAPEL_HOW_BY_ID = 2,
    STAPEL_HOW_COMPLETED = 3,
    STAPEL_HOW_STREET = 4,
    STAPEL_HOW_OTHER_SPELLING = 5,
    STAPEL_HOW_UNREGISTERED = 6,
    STAPEL_HOW_WITHDRAWN = 7,
};
typedef int32_t stapel_how;
enum stapel_level
 {
    STAPEL_LEVEL_NONE = 0,
    STAPEL_LEVEL_UNIT = 1,
    STAPEL_LEVEL_NUMBER = 2,
};
typedef int32_t stapel_level;
enum stapel_kind
 {
    STAPEL_KIND_OTHER = 0,
    STAPEL_KIND_RECEIPT = 1,
    STAPEL_KIND_ANSWER = 2,
    STAPEL_KIND_STATUS = 3,
    STAPEL_KIND_REJECTION = 4,
    STAPEL_KIND_LATE = 5,
    STAPEL_KIND_HINT = 6,
    STAPEL_KIND_KEPT = 7,
    STAPEL_KIND_POSTED = 8,
    STAPEL_KIND_TOTALS = 9,
};
typedef int32_t stapel_kind;
enum stapel_standing_kind
 {
    STAPEL_STANDING_NONE = 0,
    STAPEL_STANDING_REFUSED = 1,
    STAPEL_STANDING_BELOW_THRESHOLD = 2,
    STAPEL_STANDING_NO_OWN_FLAG = 3,
    STAPEL_STANDING_STACKED = 4,
    STAPEL_STANDING_AT_LEAST = 5,
    STAPEL_STANDING_COUNT = 6,
};
typedef uint8_t stapel_standing_kind;
enum stapel_next
 {
    STAPEL_NEXT_NOTHING = 0,
    STAPEL_NEXT_AGAIN = 1,
    STAPEL_NEXT_RESEND = 2,
    STAPEL_NEXT_FETCH_POLICY = 3,
    STAPEL_NEXT_WAIT = 4,
    STAPEL_NEXT_DECLARE_SHRINK = 5,
    STAPEL_NEXT_RENEW = 6,
    STAPEL_NEXT_SET_CLOCK = 7,
    STAPEL_NEXT_ASK_COORDINATOR = 8,
    STAPEL_NEXT_END = 9,
};
typedef int32_t stapel_next;
enum stapel_change
 {
    STAPEL_CHANGE_NEWLY_STACKED = 1,
    STAPEL_CHANGE_COUNT_CHANGED = 2,
    STAPEL_CHANGE_NO_LONGER_STACKED = 3,
};
typedef int32_t stapel_change;
enum stapel_talk_news_kind
 {
    STAPEL_TALK_NEWS_OTHER = 0,
    STAPEL_TALK_NEWS_ASKED = 1,
    STAPEL_TALK_NEWS_INTRODUCED = 2,
    STAPEL_TALK_NEWS_NOTE = 3,
    STAPEL_TALK_NEWS_DECISION = 4,
    STAPEL_TALK_NEWS_LEFT = 5,
    STAPEL_TALK_NEWS_ROW_ENDED = 6,
    STAPEL_TALK_NEWS_ROW_WIDER = 7,
    STAPEL_TALK_NEWS_NEVER_CERTIFIED = 8,
    STAPEL_TALK_NEWS_REFUSED = 9,
    STAPEL_TALK_NEWS_UNREADABLE = 10,
};
typedef int32_t stapel_talk_news_kind;
enum stapel_note_kind
 {
    STAPEL_NOTE_OTHER = 0,
    STAPEL_NOTE_TEXT = 1,
    STAPEL_NOTE_ADDRESS = 2,
    STAPEL_NOTE_LEAD = 3,
    STAPEL_NOTE_OUTCOME = 4,
    STAPEL_NOTE_DECISION = 5,
};
typedef int32_t stapel_note_kind;
enum stapel_note_progress
 {
    STAPEL_PROGRESS_OTHER = 0,
    STAPEL_PROGRESS_WAITING = 1,
    STAPEL_PROGRESS_PUT_OFF = 2,
    STAPEL_PROGRESS_KEPT = 3,
    STAPEL_PROGRESS_READ = 4,
    STAPEL_PROGRESS_NOT_INTRODUCED = 5,
};
typedef int32_t stapel_note_progress;
typedef struct stapel_addresses stapel_addresses;
typedef struct stapel_agenda stapel_agenda;
typedef struct stapel_asked stapel_asked;
typedef struct stapel_broker stapel_broker;
typedef struct stapel_buffer stapel_buffer;
typedef struct stapel_conversations stapel_conversations;
typedef struct stapel_findings stapel_findings;
typedef struct stapel_forwarded stapel_forwarded;
typedef struct stapel_messages stapel_messages;
typedef struct stapel_news stapel_news;
typedef struct stapel_partner stapel_partner;
typedef struct stapel_register stapel_register;
typedef struct stapel_reply stapel_reply;
typedef struct stapel_talk_news stapel_talk_news;
typedef struct {
    char unit[24];
    char number[16];
    stapel_how how;
} stapel_address;
typedef struct {
    const char *ptr;
    size_t len;
} stapel_str;
typedef struct {
    stapel_str postcode;
    stapel_str number;
    stapel_str letter;
    stapel_str addition;
    stapel_str street;
    stapel_str town;
} stapel_fields;
typedef struct {
    const char *bytes;
    size_t bytes_len;
    const uint64_t *ends;
} stapel_packed;
typedef struct {
    stapel_packed postcode;
    stapel_packed number;
    stapel_packed letter;
    stapel_packed addition;
    stapel_packed street;
    stapel_packed town;
} stapel_packed_fields;
typedef struct {
    size_t registered;
    size_t by_id;
    size_t completed;
    size_t street;
    size_t other_spelling;
    size_t unregistered;
    size_t withdrawn;
} stapel_how_counts;
typedef struct {
    size_t row;
    stapel_status status;
    stapel_level level;
    stapel_how how;
    stapel_str reference;
    stapel_str canonical;
    stapel_str typed;
    stapel_str number;
    stapel_str field;
    stapel_str message;
} stapel_row;
typedef struct {
    size_t addresses;
    size_t withdrawn;
    char source_day[16];
} stapel_register_about;
typedef struct {
    stapel_str canonical;
    stapel_str street;
    stapel_str town;
    stapel_str postcode;
    uint32_t number;
    stapel_str letter;
    stapel_str addition;
    stapel_str id;
    stapel_str object;
    stapel_str building;
    double latitude;
    double longitude;
    int32_t is_secondary;
    int32_t is_withdrawn;
} stapel_register_entry;
typedef struct {
    uint64_t index;
    uint8_t leaf[32];
} stapel_log_entry;
typedef struct {
    uint64_t release;
    uint32_t added;
    uint32_t changed;
    uint32_t withdrawn;
    uint32_t held;
    uint16_t part;
    uint16_t parts;
    stapel_log_entry log;
} stapel_receipt;
typedef struct {
    stapel_str actor;
    stapel_str reference;
    uint64_t release;
    uint64_t as_of;
    uint64_t until;
    size_t rows;
    uint32_t epoch;
    uint16_t organisations;
    uint16_t fresh;
    stapel_log_entry log;
} stapel_answer;
typedef struct {
    stapel_standing_kind kind;
    uint8_t count;
} stapel_standing;
typedef struct {
    stapel_str canonical;
    stapel_str typed;
    stapel_level level;
    stapel_standing standing;
} stapel_answer_row;
typedef struct {
    uint64_t release;
    uint64_t as_of;
    uint64_t until;
    uint64_t accepted_state;
    uint64_t highest_state;
    uint64_t highest_question;
    uint32_t held;
    uint32_t new_flags_left;
    uint32_t first_sets_left;
    uint32_t held_left;
    uint32_t asked_left_today;
    uint32_t asked_left_epoch;
    uint32_t swept_left_today;
    uint32_t status_left_today;
    int32_t full_set_required;
    stapel_status complaint;
    stapel_str complaint_text;
    stapel_log_entry log;
} stapel_position;
typedef struct {
    stapel_status status;
    stapel_next next;
    uint64_t number;
    stapel_str sentence;
    stapel_log_entry log;
} stapel_rejection;
typedef struct {
    stapel_str canonical;
    stapel_str typed;
    stapel_level level;
    stapel_change change;
    stapel_standing before;
    stapel_standing now;
} stapel_news_row;
typedef struct {
    stapel_str actor;
    stapel_str reference;
} stapel_case;
typedef struct {
    uint64_t added;
    uint64_t changed;
    uint64_t withdrawn;
    uint64_t unchanged;
    uint64_t lapsed;
    uint64_t refused;
    uint64_t repeated;
} stapel_changed;
typedef struct {
    uint32_t kept;
    uint32_t unflagged;
    uint32_t added;
    uint32_t new_left;
    uint32_t held_left;
    uint32_t news;
    uint32_t passed_over;
    int32_t more;
    stapel_status complaint;
    stapel_str complaint_text;
    stapel_log_entry log;
} stapel_talked;
typedef struct {
    uint64_t release;
    uint64_t as_of;
    size_t cells;
    uint32_t flags;
    uint16_t year;
    uint8_t quarter;
    stapel_log_entry log;
} stapel_totals;
typedef struct {
    uint8_t from;
    uint8_t to;
    uint32_t number;
} stapel_totals_cell;
typedef struct {
    uint8_t ways;
    uint32_t number;
} stapel_year_cell;
typedef struct {
    stapel_str canonical;
    stapel_str typed;
    stapel_level level;
    stapel_str since;
    uint32_t epoch;
    int32_t ended;
    stapel_str more;
    stapel_str stands_until;
} stapel_forwarded_row;
typedef struct {
    stapel_str canonical;
    stapel_str typed;
    stapel_level level;
    stapel_str day;
    stapel_str answer_by;
    stapel_str answer;
    stapel_str answered;
    int32_t is_put_forward;
} stapel_asked_row;
typedef struct {
    stapel_talk_news_kind kind;
    uint32_t conversation;
    uint16_t partner;
    stapel_str name;
    stapel_str canonical;
    stapel_str typed;
    stapel_str answer_by;
    stapel_str actor;
    stapel_str case_reference;
    stapel_str more;
} stapel_talk_news_row;
typedef struct {
    uint32_t number;
    uint32_t epoch;
    stapel_str canonical;
    stapel_str typed;
    stapel_str began;
    uint16_t lead;
    stapel_str outcome;
    stapel_str decision;
    uint64_t decided_at;
    stapel_str next;
    stapel_str left;
    size_t introduced;
    size_t notes;
} stapel_conversation;
typedef struct {
    uint16_t partner;
    stapel_str name;
    stapel_str organisation;
    stapel_str since;
    stapel_str left;
    int32_t misses_note;
} stapel_introduced;
typedef struct {
    stapel_note_kind kind;
    uint16_t from;
    uint16_t lead;
    uint64_t time;
    stapel_str text;
    stapel_str canonical;
    stapel_str typed;
    stapel_str outcome;
    stapel_str next;
    size_t copies;
} stapel_note;
typedef struct {
    uint16_t to;
    stapel_note_progress progress;
    stapel_str put_off;
    stapel_str reason;
} stapel_note_copy;
typedef struct {
    uint32_t conversation;
    int32_t is_new;
    stapel_str began;
    stapel_str waiting_since;
    stapel_str waits_for;
    stapel_str ended;
    stapel_str ended_on;
    uint16_t lead;
    stapel_str decision;
    stapel_str next;
    stapel_str outcome;
    size_t joined;
    size_t left;
    size_t addresses;
} stapel_agenda_row;
typedef struct {
    stapel_str canonical;
    stapel_str typed;
} stapel_agenda_place;
const char *stapel_version(void);
uint32_t stapel_abi_version(void);
const char *stapel_status_code(int32_t status);
const char *stapel_last_error_message(void);
stapel_status stapel_open_handles(size_t *count);
stapel_status stapel_address_from_text(const stapel_register *local_register,
                                       const char *text,
                                       size_t text_len,
                                       stapel_address *address);
stapel_status stapel_address_from_fields(const stapel_register *local_register,
                                         const stapel_fields *fields,
                                         stapel_address *address);
stapel_status stapel_addresses_from_texts(const stapel_register *local_register,
                                          const stapel_str *texts,
                                          const stapel_str *references,
                                          size_t count,
                                          stapel_addresses **addresses);
stapel_status stapel_addresses_from_fields(const stapel_register *local_register,
                                           const stapel_fields *fields,
                                           const stapel_str *references,
                                           size_t count,
                                           stapel_addresses **addresses);
stapel_status stapel_addresses_from_packed_texts(const stapel_register *local_register,
                                                 const stapel_packed *texts,
                                                 const stapel_packed *references,
                                                 size_t count,
                                                 stapel_addresses **addresses);
stapel_status stapel_addresses_from_packed_fields(const stapel_register *local_register,
                                                  const stapel_packed_fields *fields,
                                                  const stapel_packed *references,
                                                  size_t count,
                                                  stapel_addresses **addresses);
stapel_status stapel_addresses_numbers(const stapel_addresses *addresses,
                                       stapel_addresses **numbers);
stapel_status stapel_addresses_refused_numbers(const stapel_addresses *addresses,
                                               stapel_addresses **numbers);
stapel_status stapel_addresses_pick(const stapel_addresses *addresses,
                                    const uint64_t *rows,
                                    size_t count,
                                    stapel_addresses **picked);
stapel_status stapel_addresses_count(const stapel_addresses *addresses, size_t *rows, size_t *refused);
stapel_status stapel_addresses_how_counts(const stapel_addresses *addresses,
                                          stapel_how_counts *counts);
stapel_status stapel_addresses_row(const stapel_addresses *addresses, size_t index, stapel_row *row);
stapel_status stapel_addresses_refused_row(const stapel_addresses *addresses,
                                           size_t index,
                                           stapel_row *row);
stapel_status stapel_addresses_lines(const stapel_addresses *addresses,
                                     stapel_buffer **lines);
stapel_status stapel_addresses_free(stapel_addresses *addresses);
stapel_status stapel_register_open(const char *file,
                                   size_t file_len,
                                   stapel_register **local_register);
stapel_status stapel_register_describe(const stapel_register *local_register, stapel_register_about *about);
stapel_status stapel_register_look_up(const stapel_register *local_register,
                                      const char *canonical,
                                      size_t canonical_len,
                                      stapel_findings **findings);
stapel_status stapel_register_free(stapel_register *local_register);
stapel_status stapel_findings_count(const stapel_findings *findings,
                                    size_t *count);
stapel_status stapel_findings_get(const stapel_findings *findings,
                                  size_t index,
                                  stapel_register_entry *entry);
stapel_status stapel_findings_now(const stapel_findings *findings,
                                  stapel_str *now);
stapel_status stapel_findings_free(stapel_findings *findings);
stapel_status stapel_buffer_bytes(const stapel_buffer *buffer,
                                  const uint8_t **bytes,
                                  size_t *bytes_len);
stapel_status stapel_buffer_free(stapel_buffer *buffer);
stapel_status stapel_messages_count(const stapel_messages *messages, size_t *count);
stapel_status stapel_messages_get(const stapel_messages *messages,
                                  size_t index,
                                  const uint8_t **bytes,
                                  size_t *bytes_len);
stapel_status stapel_messages_free(stapel_messages *messages);
stapel_status stapel_reply_kind(const stapel_reply *reply, stapel_kind *kind);
stapel_status stapel_reply_receipt(const stapel_reply *reply, stapel_receipt *receipt);
stapel_status stapel_reply_answer(const stapel_reply *reply, stapel_answer *answer);
stapel_status stapel_reply_standings(const stapel_reply *reply,
                                     const stapel_addresses *addresses,
                                     stapel_standing *standings,
                                     size_t count);
stapel_status stapel_reply_row(const stapel_reply *reply,
                               size_t index,
                               stapel_answer_row *row);
stapel_status stapel_reply_status(const stapel_reply *reply, stapel_position *status);
stapel_status stapel_reply_rejection(const stapel_reply *reply,
                                     stapel_rejection *rejection);
stapel_status stapel_reply_free(stapel_reply *reply);
stapel_status stapel_news_count(const stapel_news *news, size_t *count);
stapel_status stapel_news_get(const stapel_news *news, size_t index, stapel_news_row *row);
stapel_status stapel_news_free(stapel_news *news);
stapel_status stapel_partner_init(const char *dir,
                                  size_t dir_len,
                                  const char *keys,
                                  size_t keys_len,
                                  uint16_t number,
                                  stapel_buffer **verifying_key);
stapel_status stapel_partner_join(const char *dir,
                                  size_t dir_len,
                                  const char *keys,
                                  size_t keys_len,
                                  const char *policy_file,
                                  size_t policy_file_len);
stapel_status stapel_partner_open(const char *dir,
                                  size_t dir_len,
                                  const char *keys,
                                  size_t keys_len,
                                  uint32_t wait_ms,
                                  stapel_partner **partner);
stapel_status stapel_partner_adopt_policy(const stapel_partner *partner,
                                          const char *policy_file,
                                          size_t policy_file_len,
                                          uint64_t now);
stapel_status stapel_partner_add_secret(const stapel_partner *partner,
                                        const char *secret_file,
                                        size_t secret_file_len);
stapel_status stapel_partner_number(const stapel_partner *partner, uint16_t *number);
stapel_status stapel_partner_flags(const stapel_partner *partner,
                                   stapel_addresses **flags);
stapel_status stapel_partner_undelivered(const stapel_partner *partner,
                                         size_t *count);
stapel_status stapel_partner_accept_clock(const stapel_partner *partner,
                                          const stapel_case *by,
                                          uint64_t now,
                                          size_t *ended);
stapel_status stapel_partner_flag(const stapel_partner *partner,
                                  const stapel_addresses *homes,
                                  const stapel_case *by,
                                  uint64_t now,
                                  stapel_changed *changed);
stapel_status stapel_partner_flag_until(const stapel_partner *partner,
                                        const stapel_addresses *homes,
                                        const char *last_day,
                                        size_t last_day_len,
                                        const stapel_case *by,
                                        uint64_t now,
                                        stapel_changed *changed);
stapel_status stapel_partner_renew(const stapel_partner *partner,
                                   const stapel_addresses *homes,
                                   const char *reason,
                                   size_t reason_len,
                                   const stapel_case *by,
                                   uint64_t now,
                                   stapel_changed *changed);
stapel_status stapel_partner_withdraw(const stapel_partner *partner,
                                      const stapel_addresses *homes,
                                      const stapel_case *by,
                                      uint64_t now,
                                      stapel_changed *changed);
stapel_status stapel_partner_replace_all(const stapel_partner *partner,
                                         const stapel_addresses *homes,
                                         int32_t allow_shrink,
                                         const stapel_case *by,
                                         uint64_t now,
                                         stapel_changed *changed);
stapel_status stapel_partner_deliver(const stapel_partner *partner,
                                     uint64_t now,
                                     stapel_messages **messages);
stapel_status stapel_partner_confirm(const stapel_partner *partner,
                                     uint64_t now,
                                     stapel_messages **messages);
stapel_status stapel_partner_ask(const stapel_partner *partner,
                                 const stapel_addresses *addresses,
                                 const stapel_case *by,
                                 uint64_t now,
                                 stapel_messages **messages);
stapel_status stapel_partner_ask_own(const stapel_partner *partner,
                                     const stapel_case *by,
                                     uint64_t now,
                                     stapel_messages **messages);
stapel_status stapel_partner_sweep(const stapel_partner *partner,
                                   const stapel_addresses *addresses,
                                   const char *reason,
                                   size_t reason_len,
                                   const stapel_case *by,
                                   uint64_t now,
                                   stapel_messages **messages);
stapel_status stapel_partner_status(const stapel_partner *partner, uint64_t now, stapel_messages **messages);
stapel_status stapel_partner_in_flight(const stapel_partner *partner,
                                       stapel_messages **messages);
stapel_status stapel_partner_read(const stapel_partner *partner,
                                  const uint8_t *bytes,
                                  size_t bytes_len,
                                  uint64_t now,
                                  stapel_reply **reply);
stapel_status stapel_partner_give_up(const stapel_partner *partner,
                                     const uint8_t *message,
                                     size_t message_len,
                                     uint64_t now);
stapel_status stapel_partner_news(const stapel_partner *partner,
                                  stapel_news **news);
stapel_status stapel_partner_free(stapel_partner *partner);
stapel_status stapel_reply_talked(const stapel_reply *reply,
                                  stapel_talked *talked);
stapel_status stapel_partner_put_forward(const stapel_partner *partner,
                                         const stapel_addresses *homes,
                                         const stapel_case *by,
                                         uint64_t now,
                                         size_t *count);
stapel_status stapel_partner_take_back(const stapel_partner *partner,
                                       const stapel_addresses *homes,
                                       const stapel_case *by,
                                       uint64_t now,
                                       size_t *count);
stapel_status stapel_partner_talk(const stapel_partner *partner,
                                  uint64_t now,
                                  stapel_messages **messages);
stapel_status stapel_reply_totals(const stapel_reply *reply, stapel_totals *totals);
stapel_status stapel_reply_totals_cell(const stapel_reply *reply, size_t index, stapel_totals_cell *cell);
stapel_status stapel_partner_totals(const stapel_partner *partner,
                                    uint64_t now,
                                    stapel_messages **messages);
stapel_status stapel_partner_year_cells(const stapel_partner *partner,
                                        uint16_t year,
                                        stapel_year_cell *cells,
                                        size_t room,
                                        size_t *count);
stapel_status stapel_partner_report_year(const stapel_partner *partner,
                                         uint16_t year,
                                         uint64_t now,
                                         stapel_messages **messages);
stapel_status stapel_partner_forwarded(const stapel_partner *partner,
                                       const stapel_case *by,
                                       uint64_t now,
                                       stapel_forwarded **forwarded);
stapel_status stapel_forwarded_count(const stapel_forwarded *forwarded, size_t *count);
stapel_status stapel_forwarded_get(const stapel_forwarded *forwarded,
                                   size_t index,
                                   stapel_forwarded_row *row);
stapel_status stapel_forwarded_free(stapel_forwarded *forwarded);
stapel_status stapel_partner_asked(const stapel_partner *partner,
                                   const stapel_case *by,
                                   uint64_t now,
                                   stapel_asked **asked);
stapel_status stapel_asked_count(const stapel_asked *asked, size_t *count);
stapel_status stapel_asked_get(const stapel_asked *asked, size_t index, stapel_asked_row *row);
stapel_status stapel_asked_free(stapel_asked *asked);
stapel_status stapel_partner_answer(const stapel_partner *partner,
                                    const char *canonical,
                                    size_t canonical_len,
                                    const char *answer,
                                    size_t answer_len,
                                    const stapel_case *by,
                                    uint64_t now);
stapel_status stapel_partner_talk_news(const stapel_partner *partner,
                                       const stapel_case *by,
                                       uint64_t now,
                                       stapel_talk_news **news);
stapel_status stapel_talk_news_count(const stapel_talk_news *news, size_t *count);
stapel_status stapel_talk_news_get(const stapel_talk_news *news, size_t index, stapel_talk_news_row *row);
stapel_status stapel_talk_news_free(stapel_talk_news *news);
stapel_status stapel_partner_conversations(const stapel_partner *partner,
                                           uint32_t conversation,
                                           const stapel_case *by,
                                           uint64_t now,
                                           stapel_conversations **conversations);
stapel_status stapel_conversations_count(const stapel_conversations *conversations, size_t *count);
stapel_status stapel_conversations_get(const stapel_conversations *conversations,
                                       size_t index,
                                       stapel_conversation *conversation);
stapel_status stapel_conversations_introduced(const stapel_conversations *conversations,
                                              size_t index,
                                              size_t at,
                                              stapel_introduced *introduced);
stapel_status stapel_conversations_note(const stapel_conversations *conversations,
                                        size_t index,
                                        size_t at,
                                        stapel_note *note);
stapel_status stapel_conversations_copy(const stapel_conversations *conversations,
                                        size_t index,
                                        size_t at,
                                        size_t copy,
                                        stapel_note_copy *to);
stapel_status stapel_conversations_free(stapel_conversations *conversations);
stapel_status stapel_partner_write_text(const stapel_partner *partner,
                                        uint32_t conversation,
                                        uint16_t to,
                                        const char *note,
                                        size_t note_len,
                                        const stapel_case *by,
                                        uint64_t now);
stapel_status stapel_partner_write_lead(const stapel_partner *partner,
                                        uint32_t conversation,
                                        uint16_t lead,
                                        const char *note,
                                        size_t note_len,
                                        const stapel_case *by,
                                        uint64_t now);
stapel_status stapel_partner_write_outcome(const stapel_partner *partner,
                                           uint32_t conversation,
                                           const char *outcome,
                                           size_t outcome_len,
                                           const char *note,
                                           size_t note_len,
                                           const stapel_case *by,
                                           uint64_t now);
stapel_status stapel_partner_write_decision(const stapel_partner *partner,
                                            uint32_t conversation,
                                            uint16_t lead,
                                            const char *next,
                                            size_t next_len,
                                            const char *note,
                                            size_t note_len,
                                            const stapel_case *by,
                                            uint64_t now);
stapel_status stapel_partner_leave(const stapel_partner *partner,
                                   uint32_t conversation,
                                   const stapel_case *by,
                                   uint64_t now);
stapel_status stapel_partner_agenda(const stapel_partner *partner,
                                    const stapel_case *by,
                                    uint64_t now,
                                    stapel_agenda **agenda);
stapel_status stapel_agenda_count(const stapel_agenda *agenda, size_t *count);
stapel_status stapel_agenda_get(const stapel_agenda *agenda, size_t index, stapel_agenda_row *item);
stapel_status stapel_agenda_joined(const stapel_agenda *agenda,
                                   size_t index,
                                   size_t at,
                                   stapel_introduced *joined);
stapel_status stapel_agenda_left(const stapel_agenda *agenda,
                                 size_t index,
                                 size_t at,
                                 stapel_introduced *left);
stapel_status stapel_agenda_address(const stapel_agenda *agenda,
                                    size_t index,
                                    size_t at,
                                    stapel_agenda_place *address);
stapel_status stapel_agenda_free(stapel_agenda *agenda);
stapel_status stapel_broker_init_keys(const char *keys_dir,
                                      size_t keys_dir_len,
                                      stapel_buffer **verifying_key,
                                      stapel_buffer **checkpoint_key);
stapel_status stapel_broker_create(const char *dir,
                                   size_t dir_len,
                                   const char *keys_dir,
                                   size_t keys_dir_len,
                                   const char *policy_file,
                                   size_t policy_file_len,
                                   uint64_t now,
                                   stapel_broker **broker);
stapel_status stapel_broker_open(const char *dir,
                                 size_t dir_len,
                                 const char *keys_dir,
                                 size_t keys_dir_len,
                                 stapel_broker **broker);
stapel_status stapel_broker_handle(const stapel_broker *broker,
                                   const uint8_t *message,
                                   size_t message_len,
                                   uint64_t now,
                                   stapel_buffer **reply);
stapel_status stapel_broker_certify(const stapel_broker *broker,
                                    const char *file,
                                    size_t file_len,
                                    uint64_t now);
stapel_status stapel_broker_release(const stapel_broker *broker,
                                    uint64_t now,
                                    int32_t accept_clock,
                                    stapel_buffer **releases);
stapel_status stapel_broker_status(const stapel_broker *broker,
                                   stapel_buffer **status);
stapel_status stapel_broker_free(stapel_broker *broker);

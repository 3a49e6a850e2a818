/* From addresses to hits and news, with every way in and every function, as a program in C uses them. */

#include "check.h"

#define DAY 86400

static void one_address(void) {
    stapel_address address;
    OK(stapel_address_from_text(NULL, "Dam 1-a, 1012 JS Amsterdam", NUL, &address));
    THAT(strcmp(address.unit, "1012JS|1|A") == 0 && strcmp(address.number, "1012JS|1") == 0);
    OK(stapel_address_from_text(NULL, "1012JS 2 and what comes after is not read", 8, &address));
    THAT(strcmp(address.unit, "1012JS|2|") == 0);
    stapel_fields fields = {.postcode = {"1012js", NUL}, .number = {"00001", NUL}, .letter = {"A", 1}};
    OK(stapel_address_from_fields(NULL, &fields, &address));
    THAT(strcmp(address.unit, "1012JS|1|A") == 0);
    OK(stapel_address_from_text(NULL, "1012JS|99999|AB123", NUL, &address));
    THAT(strcmp(address.unit, "1012JS|99999|AB123") == 0 && strcmp(address.number, "1012JS|99999") == 0);

    IS(STAPEL_ERROR_RANGE_UNCLEAR, stapel_address_from_text(NULL, "Dam 1 t/m 5, 1012 JS", NUL, &address));
    THAT(address.unit[0] == 0 && address.number[0] == 0 && address.how == STAPEL_HOW_NONE);
    THAT(strstr(stapel_last_error_message(), "may be several house numbers") != NULL);
    THAT(strcmp(stapel_status_code(STAPEL_ERROR_RANGE_UNCLEAR), "range_unclear") == 0);

    /* The home is not certain, and the house number is. */
    IS(STAPEL_ERROR_SUFFIX_IN_WORDS, stapel_address_from_text(NULL, "Dam 1, 2e verdieping, 1012 JS", NUL, &address));
    THAT(address.unit[0] == 0 && strcmp(address.number, "1012JS|1") == 0);
    fields.letter = str("AB");
    IS(STAPEL_ERROR_LETTER_FORM, stapel_address_from_fields(NULL, &fields, &address));
    THAT(address.unit[0] == 0 && strcmp(address.number, "1012JS|1") == 0);
    /* What says nothing of an address writes none. */
    stapel_address untouched = address;
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_address_from_text(NULL, "Dam 1", NUL - 1, &address));
    THAT(memcmp(&untouched, &address, sizeof address) == 0);
}

/* The police's rows: an array of texts. Row 1 is refused, row 3 is row 0 written otherwise. */
static stapel_addresses *of_texts(void) {
    stapel_str texts[] = {str("Dam 1-A, 1012 JS Amsterdam"), str("Dam 1 t/m 5, 1012 JS"), {"1012JS|7|", 9},
                          str("1012js 1a"), str("1012JS 9")};
    stapel_str references[] = {str("zaak-1"), str("zaak-2"), str("zaak-3"), {NULL, 0}, str("zaak-\xc3\xa9\xc3\xa9n")};
    stapel_addresses *rows = NULL;
    OK(stapel_addresses_from_texts(NULL, texts, references, 5, &rows));

    size_t count = 0, refused = 0;
    stapel_row row;
    OK(stapel_addresses_count(rows, &count, &refused));
    THAT(count == 5 && refused == 1);
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(row.row == 0 && row.status == STAPEL_OK && row.level == STAPEL_LEVEL_UNIT);
    THAT(same(row.reference, "zaak-1") && same(row.canonical, "1012JS|1|A") && row.message.ptr == NULL);
    THAT(same(row.number, "1012JS|1") && row.how == STAPEL_HOW_NONE && same(row.typed, "Dam 1-A, 1012 JS Amsterdam"));
    OK(stapel_addresses_row(rows, 4, &row));
    THAT(same(row.reference, "zaak-\xc3\xa9\xc3\xa9n") && same(row.canonical, "1012JS|9|"));
    OK(stapel_addresses_row(rows, 3, &row));
    THAT(row.reference.len == 0);
    stapel_row again;
    OK(stapel_addresses_row(rows, 1, &row));
    OK(stapel_addresses_refused_row(rows, 0, &again));
    THAT(row.row == 1 && again.row == 1 && row.status == STAPEL_ERROR_RANGE_UNCLEAR && again.status == row.status);
    THAT(row.level == STAPEL_LEVEL_NONE && same(row.reference, "zaak-2") && row.canonical.ptr == NULL);
    THAT(same(row.field, "huisnummer") && row.message.len > 20 && row.number.ptr == NULL);
    THAT(row.typed.ptr == NULL);
    return rows;
}

/* The tax office's: an array of fields. */
static stapel_addresses *of_fields(void) {
    stapel_fields fields[] = {{.postcode = str("1012JS"), .number = str("1"), .letter = str("A"), .addition = str("")},
                              {.postcode = str("1012JS"), .number = str("15"), .addition = str("bis")}};
    stapel_addresses *rows = NULL;
    OK(stapel_addresses_from_fields(NULL, fields, NULL, 2, &rows));
    stapel_row row;
    OK(stapel_addresses_row(rows, 1, &row));
    THAT(row.reference.ptr == NULL && same(row.canonical, "1012JS|15|BIS") && same(row.typed, "15 bis 1012JS"));
    return rows;
}

/* The housing association's: a column in one piece. */
static stapel_addresses *of_packed_texts(void) {
    uint64_t ends[] = {8, 8, 18}, reference_ends[] = {1, 3, 6};
    stapel_packed texts = {"1012JS 71012 JS 11", 18, ends}, references = {"abbccc", 6, reference_ends};
    stapel_addresses *rows = NULL;
    OK(stapel_addresses_from_packed_texts(NULL, &texts, &references, 3, &rows));
    stapel_row row;
    OK(stapel_addresses_row(rows, 1, &row));
    THAT(row.status == STAPEL_ERROR_EMPTY && same(row.reference, "bb") && row.number.ptr == NULL);
    OK(stapel_addresses_row(rows, 2, &row));
    THAT(same(row.canonical, "1012JS|11|") && same(row.reference, "ccc") && same(row.typed, "1012 JS 11"));

    stapel_buffer *lines = NULL;
    const uint8_t *bytes = NULL;
    size_t bytes_len = 0;
    OK(stapel_addresses_lines(rows, &lines));
    OK(stapel_buffer_bytes(lines, &bytes, &bytes_len));
    THAT(bytes_len == 22 && memcmp(bytes, "1012JS|7|\n\n1012JS|11|\n", 22) == 0);
    OK(stapel_buffer_free(lines));
    return rows;
}

/* The municipality's: four columns in one piece each. */
static stapel_addresses *of_packed_fields(void) {
    uint64_t six[] = {6}, two[] = {2}, none[] = {0}, three[] = {3}, nine[] = {9};
    stapel_packed_fields fields = {.postcode = {"1012JS", 6, six}, .number = {"13", 2, two}, .letter = {NULL, 0, none},
                                   .addition = {"A1", 2, two}, .street = {"Dam", 3, three},
                                   .town = {"Amsterdam", 9, nine}};
    stapel_addresses *rows = NULL;
    OK(stapel_addresses_from_packed_fields(NULL, &fields, NULL, 1, &rows));
    stapel_row row;
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(same(row.canonical, "1012JS|13|A1") && same(row.typed, "Dam 13 A1 1012JS Amsterdam"));
    return rows;
}

static void flag(stapel_partner *partner, const stapel_addresses *homes, uint64_t now, uint64_t added,
    uint64_t refused) {
    stapel_case by_whom = by();
    stapel_changed changed;
    size_t before = 0, after = 0;
    OK(stapel_partner_undelivered(partner, &before));
    OK(stapel_partner_flag(partner, homes, &by_whom, now, &changed));
    THAT(changed.added == added && changed.refused == refused && changed.withdrawn == 0);
    OK(stapel_partner_undelivered(partner, &after));
    THAT(after == before + added);
    OK(stapel_partner_flag(partner, homes, &by_whom, now, &changed));
    THAT(changed.added == 0 && changed.unchanged == added);
}

/* Asks, and gives the reply, which is an answer. */
static stapel_reply *ask(stapel_partner *partner, stapel_broker *broker, const stapel_addresses *rows, uint64_t now) {
    stapel_case by_whom = by();
    stapel_messages *messages = NULL;
    OK(stapel_partner_ask(partner, rows, &by_whom, now, &messages));
    stapel_reply *reply = carry(partner, broker, messages, now);
    THAT(kind_of(reply) == STAPEL_KIND_ANSWER);
    return reply;
}

/* Reads an answer twice: it comes again as it was, with the texts of its rows. */
static void read_twice(stapel_partner *partner, stapel_broker *broker, const stapel_addresses *rows, uint64_t now) {
    stapel_case by_whom = {{"j.jansen", NUL}, {"twice", NUL}};
    stapel_messages *messages = NULL;
    stapel_buffer *buffer = NULL;
    const uint8_t *bytes = NULL;
    size_t bytes_len = 0;
    OK(stapel_partner_ask(partner, rows, &by_whom, now, &messages));
    OK(stapel_messages_get(messages, 0, &bytes, &bytes_len));
    OK(stapel_broker_handle(broker, bytes, bytes_len, now, &buffer));
    OK(stapel_buffer_bytes(buffer, &bytes, &bytes_len));
    for (int i = 0; i < 2; i++) {
        stapel_reply *reply = NULL;
        stapel_answer answer;
        stapel_answer_row row;
        OK(stapel_partner_read(partner, bytes, bytes_len, now, &reply));
        OK(stapel_reply_answer(reply, &answer));
        THAT(answer.rows == 4 && same(answer.reference, "twice"));
        OK(stapel_reply_row(reply, 0, &row));
        THAT(same(row.canonical, "1012JS|1|A") && same(row.typed, "Dam 1-A, 1012 JS Amsterdam"));
        THAT(row.standing.kind == STAPEL_STANDING_COUNT && row.standing.count == 2);
        OK(stapel_reply_free(reply));
    }
    OK(stapel_buffer_free(buffer));
    OK(stapel_messages_free(messages));
}

static void standing_is(stapel_standing standing, stapel_standing_kind kind, uint8_t count) {
    THAT(standing.kind == kind && standing.count == count);
}

static void hits(stapel_partner *police, stapel_broker *broker, const stapel_addresses *rows, uint64_t now) {
    stapel_standing standings[5] = {{0, 0}};
    stapel_reply *reply = ask(police, broker, rows, now);
    OK(stapel_reply_standings(reply, rows, standings, 5));
    standing_is(standings[0], STAPEL_STANDING_COUNT, 2);
    standing_is(standings[1], STAPEL_STANDING_REFUSED, 0);
    standing_is(standings[2], STAPEL_STANDING_COUNT, 2);
    standing_is(standings[3], STAPEL_STANDING_COUNT, 2);
    standing_is(standings[4], STAPEL_STANDING_BELOW_THRESHOLD, 0);

    stapel_answer answer;
    stapel_answer_row row;
    OK(stapel_reply_answer(reply, &answer));
    THAT(same(answer.actor, "j.jansen") && same(answer.reference, "2026-0117"));
    THAT(answer.rows == 4 && answer.epoch == 1 && answer.organisations == 4 && answer.fresh == 4);
    THAT(answer.as_of <= now && answer.until > now && answer.release >= 1);
    OK(stapel_reply_row(reply, 1, &row));
    THAT(same(row.canonical, "1012JS|7|") && row.level == STAPEL_LEVEL_UNIT);
    /* It was written as its canonical form is, and the first in the words of people. */
    THAT(row.typed.ptr == NULL);
    OK(stapel_reply_row(reply, 0, &row));
    THAT(same(row.canonical, "1012JS|1|A") && same(row.typed, "Dam 1-A, 1012 JS Amsterdam"));
    OK(stapel_reply_row(reply, 1, &row));
    standing_is(row.standing, STAPEL_STANDING_COUNT, 2);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_row(reply, 4, &row));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_standings(reply, rows, standings, 4));
    OK(stapel_reply_free(reply));

    /* House numbers: those of the police's rows, in their order. */
    stapel_addresses *numbers = NULL;
    stapel_row number;
    OK(stapel_addresses_numbers(rows, &numbers));
    OK(stapel_addresses_row(numbers, 0, &number));
    THAT(same(number.canonical, "1012JS|1") && number.level == STAPEL_LEVEL_NUMBER);
    THAT(same(number.reference, "zaak-1") && number.typed.ptr == NULL);
    reply = ask(police, broker, numbers, now);
    memset(standings, 0, sizeof standings);
    OK(stapel_reply_standings(reply, numbers, standings, 5));
    standing_is(standings[2], STAPEL_STANDING_COUNT, 2);
    standing_is(standings[1], STAPEL_STANDING_REFUSED, 0);
    /* The answer is about house numbers, so of homes it says nothing. */
    memset(standings, 0, sizeof standings);
    OK(stapel_reply_standings(reply, rows, standings, 5));
    standing_is(standings[0], STAPEL_STANDING_NONE, 0);
    standing_is(standings[1], STAPEL_STANDING_REFUSED, 0);
    OK(stapel_reply_free(reply));
    OK(stapel_addresses_free(numbers));
}

/* What others may see: the tax office bands, the housing association presence. */
static void others(stapel_partner *tax, stapel_partner *housing, stapel_broker *broker, uint64_t now) {
    stapel_str texts[] = {str("1012JS 1A"), str("1012JS 7"), str("1012JS 99")};
    stapel_addresses *rows = NULL;
    stapel_standing standings[3] = {{0, 0}};
    OK(stapel_addresses_from_texts(NULL, texts, NULL, 3, &rows));
    stapel_reply *reply = ask(tax, broker, rows, now);
    OK(stapel_reply_standings(reply, rows, standings, 3));
    standing_is(standings[0], STAPEL_STANDING_AT_LEAST, 2);
    standing_is(standings[1], STAPEL_STANDING_NO_OWN_FLAG, 0);
    OK(stapel_reply_free(reply));
    reply = ask(housing, broker, rows, now);
    OK(stapel_reply_standings(reply, rows, standings, 3));
    standing_is(standings[0], STAPEL_STANDING_NO_OWN_FLAG, 0);
    standing_is(standings[1], STAPEL_STANDING_STACKED, 0);
    OK(stapel_reply_free(reply));
    OK(stapel_addresses_free(rows));
}

static void sweep(stapel_partner *municipality, stapel_broker *broker, uint64_t now) {
    stapel_str text = str("1012JS 7");
    stapel_case by_whom = by();
    stapel_addresses *rows = NULL;
    stapel_messages *messages = NULL;
    stapel_standing standing = {0, 0};
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &rows));
    IS(STAPEL_ERROR_NOT_PERMITTED, stapel_partner_sweep(municipality, rows, "zomaar", NUL, &by_whom, now, &messages));
    OK(stapel_partner_sweep(municipality, rows, "brand", NUL, &by_whom, now, &messages));
    stapel_reply *reply = carry(municipality, broker, messages, now);
    OK(stapel_reply_standings(reply, rows, &standing, 1));
    standing_is(standing, STAPEL_STANDING_STACKED, 0);
    OK(stapel_reply_free(reply));
    OK(stapel_addresses_free(rows));
}

static void news(stapel_partner *police, stapel_broker *broker, uint64_t now) {
    stapel_case by_whom = by();
    stapel_messages *messages = NULL;
    stapel_news *changes = NULL;
    stapel_news_row row;
    size_t count = 0;
    OK(stapel_partner_ask_own(police, &by_whom, now, &messages));
    stapel_reply *own = carry(police, broker, messages, now);
    stapel_answer head;
    OK(stapel_reply_answer(own, &head));
    int typed = 0;
    for (size_t i = 0; i < head.rows; i++) {
        stapel_answer_row told;
        OK(stapel_reply_row(own, i, &told));
        typed += same(told.canonical, "1012JS|1|A") && same(told.typed, "Dam 1-A, 1012 JS Amsterdam");
        typed += same(told.canonical, "1012JS|1") && same(told.typed, "Dam 1-A, 1012 JS Amsterdam");
    }
    THAT(typed == 2);
    OK(stapel_reply_free(own));
    OK(stapel_partner_news(police, &changes));
    OK(stapel_news_count(changes, &count));
    THAT(count == 4);
    OK(stapel_news_get(changes, 0, &row));
    THAT(same(row.canonical, "1012JS|1") && row.level == STAPEL_LEVEL_NUMBER);
    THAT(same(row.typed, "Dam 1-A, 1012 JS Amsterdam"));
    THAT(row.change == STAPEL_CHANGE_NEWLY_STACKED);
    standing_is(row.before, STAPEL_STANDING_NONE, 0);
    standing_is(row.now, STAPEL_STANDING_COUNT, 2);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_news_get(changes, 4, &row));
    OK(stapel_news_free(changes));
    OK(stapel_partner_news(police, &changes));
    OK(stapel_news_count(changes, &count));
    THAT(count == 0);
    OK(stapel_news_free(changes));
}

/* Withdraw, renew, another last day, a full set; and what is refused of it. */
static void changes(stapel_partner *police, stapel_broker *broker, const stapel_addresses *rows, uint64_t now) {
    stapel_case by_whom = by();
    stapel_changed changed;
    stapel_addresses *flags = NULL, *few = NULL, *strange = NULL, *number = NULL;
    size_t count = 0, refused = 0;
    OK(stapel_partner_flags(police, &flags));
    OK(stapel_addresses_count(flags, &count, &refused));
    THAT(count == 3 && refused == 0);
    stapel_row flagged;
    OK(stapel_addresses_row(flags, 0, &flagged));
    THAT(same(flagged.canonical, "1012JS|1|A") && same(flagged.typed, "Dam 1-A, 1012 JS Amsterdam"));
    OK(stapel_addresses_row(flags, 1, &flagged));
    THAT(same(flagged.canonical, "1012JS|7|") && flagged.typed.ptr == NULL);

    OK(stapel_partner_flag_until(police, flags, "2027-01-31", 10, &by_whom, now, &changed));
    THAT(changed.changed == 3);
    IS(STAPEL_ERROR_LAST_DAY, stapel_partner_flag_until(police, flags, "2027-01-30", NUL, &by_whom, now, &changed));
    IS(STAPEL_ERROR_INVALID_ARGUMENT,
        stapel_partner_flag_until(police, flags, "31-1-2027", NUL, &by_whom, now, &changed));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_partner_renew(police, rows, "because", NUL, &by_whom, now, &changed));
    OK(stapel_partner_renew(police, rows, "being_acted_on", NUL, &by_whom, now, &changed));
    THAT(changed.changed == 3 && changed.refused == 1);
    stapel_str other = str("1012JS 98");
    OK(stapel_addresses_from_texts(NULL, &other, NULL, 1, &strange));
    IS(STAPEL_ERROR_NOT_FLAGGED,
        stapel_partner_renew(police, strange, "being_acted_on", NUL, &by_whom, now, &changed));
    OK(stapel_addresses_numbers(strange, &number));
    /* Under a policy that counts house numbers one can be flagged alone. */
    OK(stapel_partner_flag(police, number, &by_whom, now, &changed));
    THAT(changed.added == 1);
    OK(stapel_partner_withdraw(police, number, &by_whom, now, &changed));
    THAT(changed.withdrawn == 1);
    stapel_case nobody = {{"", NUL}, {"1", NUL}};
    IS(STAPEL_ERROR_CASE, stapel_partner_flag(police, strange, &nobody, now, &changed));

    stapel_str text = str("1012JS 9");
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &few));
    IS(STAPEL_ERROR_SHRINK, stapel_partner_replace_all(police, few, 0, &by_whom, now, &changed));
    /* A time that cannot be right changes nothing; one that somebody saw to be right goes on. */
    size_t ended = 7;
    IS(STAPEL_ERROR_CLOCK_AHEAD, stapel_partner_withdraw(police, few, &by_whom, now * 1000, &changed));
    IS(STAPEL_ERROR_CLOCK, stapel_partner_withdraw(police, few, &by_whom, now - 100, &changed));
    IS(STAPEL_ERROR_CLOCK_AHEAD, stapel_partner_accept_clock(police, &by_whom, now * 1000, &ended));
    OK(stapel_partner_accept_clock(police, &by_whom, now, &ended));
    THAT(ended == 0);
    OK(stapel_partner_withdraw(police, few, &by_whom, now, &changed));
    THAT(changed.withdrawn == 1);
    THAT(deliver(police, broker, now) == 4);
    OK(stapel_partner_replace_all(police, few, 1, &by_whom, now, &changed));
    THAT(changed.added == 1 && changed.withdrawn == 2);
    THAT(deliver(police, broker, now) == 2);

    OK(stapel_addresses_free(flags));
    OK(stapel_addresses_free(few));
    OK(stapel_addresses_free(strange));
    OK(stapel_addresses_free(number));
}

/* Nothing changed; where does the partner stand; a message that is lost, and given up. */
static void upkeep(stapel_partner *police, stapel_broker *broker, const stapel_addresses *rows, uint64_t now) {
    stapel_messages *messages = NULL, *waiting = NULL;
    stapel_position position;
    stapel_receipt receipt;
    size_t count = 0;
    OK(stapel_partner_deliver(police, now, &messages));
    OK(stapel_messages_count(messages, &count));
    THAT(count == 0);
    OK(stapel_messages_free(messages));
    OK(stapel_partner_confirm(police, now, &messages));
    stapel_reply *reply = carry(police, broker, messages, now);
    OK(stapel_reply_receipt(reply, &receipt));
    THAT(receipt.added == 0 && receipt.held == 2 && receipt.parts == 0);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_status(reply, &position));
    OK(stapel_reply_free(reply));

    OK(stapel_partner_status(police, now, &messages));
    reply = carry(police, broker, messages, now);
    THAT(kind_of(reply) == STAPEL_KIND_STATUS);
    OK(stapel_reply_status(reply, &position));
    THAT(position.held == 2 && position.full_set_required == 0 && position.complaint == STAPEL_OK);
    THAT(position.accepted_state == position.highest_state && position.log.index > receipt.log.index);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_receipt(reply, &receipt));
    OK(stapel_reply_free(reply));

    stapel_case by_whom = by();
    const uint8_t *bytes = NULL;
    size_t bytes_len = 0;
    OK(stapel_partner_ask(police, rows, &by_whom, now, &messages));
    OK(stapel_partner_in_flight(police, &waiting));
    OK(stapel_messages_count(waiting, &count));
    THAT(count == 1);
    OK(stapel_messages_get(waiting, 0, &bytes, &bytes_len));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_messages_get(waiting, 1, &bytes, &bytes_len));
    OK(stapel_partner_give_up(police, bytes, bytes_len, now));
    IS(STAPEL_ERROR_UNEXPECTED_REPLY, stapel_partner_give_up(police, bytes, bytes_len, now));
    OK(stapel_messages_free(waiting));
    OK(stapel_messages_free(messages));
}

/* The broker does not know a sender: a hint, since it cannot sign for one. */
static void rejection(stapel_partner *police, stapel_broker *broker, uint64_t now) {
    stapel_messages *messages = NULL;
    const uint8_t *bytes = NULL;
    size_t bytes_len = 0;
    stapel_buffer *buffer = NULL;
    stapel_reply *reply = NULL;
    stapel_rejection why;
    stapel_answer answer;
    OK(stapel_partner_status(police, now, &messages));
    OK(stapel_messages_get(messages, 0, &bytes, &bytes_len));
    uint8_t *altered = malloc(bytes_len);
    THAT(altered != NULL);
    memcpy(altered, bytes, bytes_len);
    altered[bytes_len - 1] ^= 1;
    OK(stapel_broker_handle(broker, altered, bytes_len, now, &buffer));
    free(altered);
    OK(stapel_buffer_bytes(buffer, &bytes, &bytes_len));
    OK(stapel_partner_read(police, bytes, bytes_len, now, &reply));
    THAT(kind_of(reply) == STAPEL_KIND_HINT);
    OK(stapel_reply_rejection(reply, &why));
    THAT(why.status == STAPEL_ERROR_BAD_SIGNATURE && why.next == STAPEL_NEXT_NOTHING && why.sentence.len > 20);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_answer(reply, &answer));
    OK(stapel_reply_free(reply));
    OK(stapel_buffer_free(buffer));

    /* A clock that is wrong by far: signed. */
    OK(stapel_broker_handle(broker, NULL, 0, now, &buffer));
    OK(stapel_buffer_free(buffer));
    OK(stapel_messages_free(messages));
    OK(stapel_partner_status(police, now + 30 * DAY, &messages));
    reply = carry(police, broker, messages, now);
    THAT(kind_of(reply) == STAPEL_KIND_REJECTION);
    OK(stapel_reply_rejection(reply, &why));
    THAT(why.status == STAPEL_ERROR_CLOCK && why.next == STAPEL_NEXT_SET_CLOCK);
    OK(stapel_reply_free(reply));
}

static void operator(stapel_broker *broker, uint64_t now) {
    stapel_buffer *text = NULL;
    const uint8_t *bytes = NULL;
    size_t bytes_len = 0;
    OK(stapel_broker_status(broker, &text));
    OK(stapel_buffer_bytes(text, &bytes, &bytes_len));
    THAT(bytes_len > 100 && memcmp(bytes, "{\"as_of\":\"2026-12-", 18) == 0);
    OK(stapel_buffer_free(text));
    OK(stapel_broker_release(broker, now + DAY, 0, &text));
    OK(stapel_buffer_bytes(text, &bytes, &bytes_len));
    THAT(bytes_len > 50 && memcmp(bytes, "[{\"epoch\":1,\"release\":", 22) == 0);
    OK(stapel_buffer_free(text));
    IS(STAPEL_ERROR_CLOCK, stapel_broker_release(broker, now - 10 * DAY, 0, &text));
    IS(STAPEL_ERROR_CLOCK_AHEAD, stapel_broker_release(broker, now + 20 * DAY, 0, &text));
    OK(stapel_broker_release(broker, now + 20 * DAY, 1, &text));
    OK(stapel_buffer_free(text));
}

/* A new partner and a new broker, from nothing. */
static void founding(const char *root, uint64_t now) {
    char *dir = in(root, "new"), *keys = in(root, "new-keys"), *policy = in(root, "policy.toml"),
        *again = in(root, "6");
    char *good_keys = in(root, "keys"), *second = in(root, "second"), *secret = in(root, "epoch-1.secret");
    stapel_buffer *key = NULL, *checkpoint_key = NULL;
    stapel_partner *partner = NULL;
    stapel_broker *broker = NULL;
    const uint8_t *bytes = NULL;
    size_t bytes_len = 0;
    OK(stapel_broker_init_keys(keys, NUL, &key, &checkpoint_key));
    OK(stapel_buffer_bytes(checkpoint_key, &bytes, &bytes_len));
    THAT(bytes_len == 64);
    OK(stapel_buffer_free(key));
    OK(stapel_buffer_free(checkpoint_key));
    IS(STAPEL_ERROR_POLICY_OPERATOR, stapel_broker_create(dir, NUL, keys, NUL, policy, NUL, now, &broker));
    THAT(broker == NULL);
    OK(stapel_broker_create(second, NUL, good_keys, NUL, policy, NUL, now, &broker));
    OK(stapel_broker_free(broker));

    OK(stapel_partner_init(again, NUL, NULL, 0, 6, &key));
    OK(stapel_buffer_bytes(key, &bytes, &bytes_len));
    THAT(bytes_len == 64);
    OK(stapel_buffer_free(key));
    IS(STAPEL_ERROR_PARTNER_FOLDER, stapel_partner_init(again, NUL, NULL, 0, 6, &key));
    IS(STAPEL_ERROR_NOT_IN_ROSTER, stapel_partner_join(again, NUL, NULL, 0, policy, NUL));
    IS(STAPEL_ERROR_IO, stapel_partner_open(again, NUL, NULL, 0, 0, &partner));

    /* With its keys in a folder of their own, which is named again. */
    char *data = in(root, "data"), *apart = in(root, "apart");
    OK(stapel_partner_init(data, NUL, apart, NUL, 6, &key));
    OK(stapel_buffer_free(key));
    IS(STAPEL_ERROR_PARTNER_FOLDER, stapel_partner_open(data, NUL, NULL, 0, 0, &partner));
    THAT(strstr(stapel_last_error_message(), "journal.key") != NULL);
    IS(STAPEL_ERROR_NOT_IN_ROSTER, stapel_partner_join(data, NUL, apart, NUL, policy, NUL));
    IS(STAPEL_ERROR_IO, stapel_partner_open(data, NUL, apart, NUL, 0, &partner));
    free(data);
    free(apart);

    partner = open_partner(root, "5");
    OK(stapel_partner_add_secret(partner, secret, NUL));
    IS(STAPEL_ERROR_POLICY_SUCCESSOR, stapel_partner_adopt_policy(partner, policy, NUL, now));
    uint16_t number = 0;
    OK(stapel_partner_number(partner, &number));
    THAT(number == 5);
    OK(stapel_partner_free(partner));
    free(dir), free(keys), free(policy), free(again), free(good_keys), free(second), free(secret);
}

int main(int argc, char **argv) {
    THAT(argc == 3);
    const char *root = argv[1];
    uint64_t now = strtoull(argv[2], NULL, 10), next = now + DAY;
    THAT(stapel_abi_version() == STAPEL_ABI_VERSION && strlen(stapel_version()) >= 5);

    one_address();
    stapel_broker *broker = open_broker(root);
    stapel_partner *police = open_partner(root, "1"), *tax = open_partner(root, "2");
    stapel_partner *housing = open_partner(root, "3"), *municipality = open_partner(root, "4");
    stapel_addresses *rows[] = {of_texts(), of_fields(), of_packed_texts(), of_packed_fields()};
    flag(police, rows[0], now, 3, 1);
    flag(tax, rows[1], now, 2, 0);
    flag(housing, rows[2], now, 2, 1);
    flag(municipality, rows[3], now, 1, 0);
    THAT(deliver(police, broker, now) == 6);
    THAT(deliver(tax, broker, now) == 4);
    THAT(deliver(housing, broker, now) == 4);
    THAT(deliver(municipality, broker, now) == 2);

    hits(police, broker, rows[0], next);
    read_twice(police, broker, rows[0], next);
    others(tax, housing, broker, next);
    sweep(municipality, broker, next);
    news(police, broker, next);
    changes(police, broker, rows[0], next);
    upkeep(police, broker, rows[0], next);
    rejection(police, broker, next);
    operator(broker, next);
    founding(root, now);

    for (int i = 0; i < 4; i++) {
        OK(stapel_addresses_free(rows[i]));
    }
    OK(stapel_partner_free(police));
    OK(stapel_partner_free(tax));
    OK(stapel_partner_free(housing));
    OK(stapel_partner_free(municipality));
    OK(stapel_broker_free(broker));
    size_t open = 1;
    OK(stapel_open_handles(&open));
    THAT(open == 0);
    puts("the journey is done");
    return 0;
}

/* What no program should do: NULL everywhere, lengths that cannot be, handles that are none, frees in any order,
 * threads. Nothing crashes, nothing is written, nothing leaks. */

#include <pthread.h>

#include "check.h"

#define HUGE_LEN (SIZE_MAX / 2 + 1)

static stapel_partner *partner;
static stapel_broker *broker;
static stapel_addresses *rows;
static stapel_messages *messages;
static stapel_reply *receipt_reply;
static stapel_register *bag;
static stapel_findings *found;
static uint64_t now;

static void null_everywhere(void) {
#define NIL(call) IS(STAPEL_ERROR_NULL_ARGUMENT, call)
    stapel_case whom = by();
    stapel_case half = {{"j.jansen", NUL}, {NULL, 0}};
    stapel_changed changed;
    stapel_address address;
    stapel_fields fields = {.postcode = {NULL, 0}};
    stapel_fields no_text = {.number = {NULL, NUL}}, no_town = {.town = {NULL, NUL}};
    stapel_str text = str("1012JS 1"), none = {NULL, 3};
    uint64_t end = 8;
    stapel_packed column = {"1012JS 1", 8, &end}, no_bytes = {NULL, 8, &end}, no_ends = {"1012JS 1", 8, NULL};
    stapel_packed_fields columns = {.postcode = column, .number = column, .letter = column, .addition = column};
    stapel_packed_fields no_columns = columns, no_towns = columns;
    no_columns.letter = no_ends;
    no_towns.town = no_ends;
    stapel_register *register_made = NULL;
    stapel_findings *findings = NULL;
    stapel_register_about about;
    stapel_register_entry entry;
    stapel_how_counts counts;
    stapel_str moved;
    stapel_addresses *a = NULL;
    stapel_buffer *buffer = NULL, *other = NULL;
    stapel_messages *m = NULL;
    stapel_partner *p = NULL;
    stapel_broker *b = NULL;
    stapel_reply *r = NULL;
    stapel_news *news = NULL;
    stapel_forwarded *forwarded = NULL;
    stapel_asked *asked = NULL;
    stapel_talk_news *talk_news = NULL;
    stapel_conversations *talks = NULL;
    stapel_agenda *agenda = NULL;
    stapel_forwarded_row forwarded_row;
    stapel_asked_row asked_row;
    stapel_talk_news_row talk_news_row;
    stapel_conversation conversation;
    stapel_introduced introduced;
    stapel_note note;
    stapel_note_copy copy;
    stapel_agenda_row agenda_row;
    stapel_agenda_place place;
    stapel_totals totals;
    stapel_totals_cell cell;
    stapel_year_cell cells[5];
    stapel_row row;
    stapel_news_row news_row;
    stapel_answer answer;
    stapel_answer_row answer_row;
    stapel_receipt receipt;
    stapel_position position;
    stapel_rejection rejection;
    stapel_talked talked;
    stapel_standing standing;
    stapel_kind kind;
    const uint8_t *bytes = NULL;
    size_t size = 0;
    uint16_t number = 0;

    NIL(stapel_open_handles(NULL));
    NIL(stapel_address_from_text(NULL, NULL, 1, &address));
    NIL(stapel_address_from_text(NULL, NULL, NUL, &address));
    NIL(stapel_address_from_text(NULL, "1012JS 1", NUL, NULL));
    NIL(stapel_address_from_fields(NULL, NULL, &address));
    NIL(stapel_address_from_fields(NULL, &no_text, &address));
    NIL(stapel_address_from_fields(NULL, &fields, NULL));
    NIL(stapel_address_from_fields(bag, &no_town, &address));
    NIL(stapel_addresses_from_fields(bag, &no_town, NULL, 1, &a));
    NIL(stapel_addresses_from_packed_fields(bag, &no_towns, NULL, 1, &a));
    NIL(stapel_register_open(NULL, 0, &register_made));
    NIL(stapel_register_open("nowhere", NUL, NULL));
    NIL(stapel_register_describe(NULL, &about));
    NIL(stapel_register_describe(bag, NULL));
    NIL(stapel_register_look_up(NULL, "9999XA|1|", NUL, &findings));
    NIL(stapel_register_look_up(bag, NULL, 0, &findings));
    NIL(stapel_register_look_up(bag, "9999XA|1|", NUL, NULL));
    NIL(stapel_findings_count(NULL, &size));
    NIL(stapel_findings_count(found, NULL));
    NIL(stapel_findings_get(NULL, 0, &entry));
    NIL(stapel_findings_get(found, 0, NULL));
    NIL(stapel_findings_now(NULL, &moved));
    NIL(stapel_findings_now(found, NULL));
    NIL(stapel_addresses_how_counts(NULL, &counts));
    NIL(stapel_addresses_how_counts(rows, NULL));
    NIL(stapel_addresses_from_texts(NULL, NULL, NULL, 1, &a));
    NIL(stapel_addresses_from_texts(NULL, &none, NULL, 1, &a));
    NIL(stapel_addresses_from_texts(NULL, &text, &none, 1, &a));
    NIL(stapel_addresses_from_texts(NULL, &text, NULL, 1, NULL));
    NIL(stapel_addresses_from_fields(NULL, NULL, NULL, 1, &a));
    NIL(stapel_addresses_from_fields(NULL, &no_text, NULL, 1, &a));
    NIL(stapel_addresses_from_fields(NULL, &fields, &none, 1, &a));
    NIL(stapel_addresses_from_fields(NULL, &fields, NULL, 1, NULL));
    NIL(stapel_addresses_from_packed_texts(NULL, NULL, NULL, 1, &a));
    NIL(stapel_addresses_from_packed_texts(NULL, &no_bytes, NULL, 1, &a));
    NIL(stapel_addresses_from_packed_texts(NULL, &no_ends, NULL, 1, &a));
    NIL(stapel_addresses_from_packed_texts(NULL, &column, &no_ends, 1, &a));
    NIL(stapel_addresses_from_packed_texts(NULL, &column, NULL, 1, NULL));
    NIL(stapel_addresses_from_packed_fields(NULL, NULL, NULL, 1, &a));
    NIL(stapel_addresses_from_packed_fields(NULL, &no_columns, NULL, 1, &a));
    NIL(stapel_addresses_from_packed_fields(NULL, &columns, &no_bytes, 1, &a));
    NIL(stapel_addresses_from_packed_fields(NULL, &columns, NULL, 1, NULL));
    NIL(stapel_addresses_numbers(NULL, &a));
    NIL(stapel_addresses_numbers(rows, NULL));
    NIL(stapel_addresses_refused_numbers(NULL, &a));
    NIL(stapel_addresses_pick(NULL, &end, 1, &a));
    NIL(stapel_addresses_pick(rows, NULL, 1, &a));
    NIL(stapel_addresses_pick(rows, &end, 1, NULL));
    NIL(stapel_addresses_refused_numbers(rows, NULL));
    NIL(stapel_addresses_count(NULL, &size, &size));
    NIL(stapel_addresses_count(rows, NULL, &size));
    NIL(stapel_addresses_count(rows, &size, NULL));
    NIL(stapel_addresses_row(NULL, 0, &row));
    NIL(stapel_addresses_row(rows, 0, NULL));
    NIL(stapel_addresses_refused_row(NULL, 0, &row));
    NIL(stapel_addresses_refused_row(rows, 0, NULL));
    NIL(stapel_addresses_lines(NULL, &buffer));
    NIL(stapel_addresses_lines(rows, NULL));
    NIL(stapel_buffer_bytes(NULL, &bytes, &size));
    NIL(stapel_messages_count(NULL, &size));
    NIL(stapel_messages_count(messages, NULL));
    NIL(stapel_messages_get(NULL, 0, &bytes, &size));
    NIL(stapel_messages_get(messages, 0, NULL, &size));
    NIL(stapel_messages_get(messages, 0, &bytes, NULL));
    NIL(stapel_reply_kind(NULL, &kind));
    NIL(stapel_reply_kind(receipt_reply, NULL));
    NIL(stapel_reply_receipt(NULL, &receipt));
    NIL(stapel_reply_receipt(receipt_reply, NULL));
    NIL(stapel_reply_answer(NULL, &answer));
    NIL(stapel_reply_answer(receipt_reply, NULL));
    NIL(stapel_reply_standings(NULL, rows, &standing, 1));
    NIL(stapel_reply_standings(receipt_reply, NULL, &standing, 1));
    NIL(stapel_reply_standings(receipt_reply, rows, NULL, 1));
    NIL(stapel_reply_row(NULL, 0, &answer_row));
    NIL(stapel_reply_row(receipt_reply, 0, NULL));
    NIL(stapel_reply_status(NULL, &position));
    NIL(stapel_reply_status(receipt_reply, NULL));
    NIL(stapel_reply_rejection(NULL, &rejection));
    NIL(stapel_reply_rejection(receipt_reply, NULL));
    NIL(stapel_reply_talked(NULL, &talked));
    NIL(stapel_reply_talked(receipt_reply, NULL));
    NIL(stapel_news_count(NULL, &size));
    NIL(stapel_news_get(NULL, 0, &news_row));
    NIL(stapel_partner_init(NULL, 0, NULL, 0, 1, &buffer));
    NIL(stapel_partner_init("nowhere", NUL, NULL, 0, 1, NULL));
    NIL(stapel_partner_join(NULL, 0, NULL, 0, "nowhere", NUL));
    NIL(stapel_partner_join("nowhere", NUL, NULL, 0, NULL, 0));
    NIL(stapel_partner_open(NULL, NUL, NULL, 0, 0, &p));
    NIL(stapel_partner_open("nowhere", NUL, NULL, 0, 0, NULL));
    NIL(stapel_partner_open("nowhere", NUL, NULL, 7, 0, &p));
    NIL(stapel_partner_adopt_policy(NULL, "nowhere", NUL, now));
    NIL(stapel_partner_adopt_policy(partner, NULL, 0, now));
    NIL(stapel_partner_add_secret(NULL, "nowhere", NUL));
    NIL(stapel_partner_add_secret(partner, NULL, 0));
    NIL(stapel_partner_number(NULL, &number));
    NIL(stapel_partner_number(partner, NULL));
    NIL(stapel_partner_undelivered(NULL, &size));
    NIL(stapel_partner_undelivered(partner, NULL));
    NIL(stapel_partner_flags(NULL, &a));
    NIL(stapel_partner_flags(partner, NULL));
    NIL(stapel_partner_flag(NULL, rows, &whom, now, &changed));
    NIL(stapel_partner_flag(partner, NULL, &whom, now, &changed));
    NIL(stapel_partner_flag(partner, rows, NULL, now, &changed));
    NIL(stapel_partner_flag(partner, rows, &half, now, &changed));
    NIL(stapel_partner_flag(partner, rows, &whom, now, NULL));
    NIL(stapel_partner_flag_until(NULL, rows, "2027-01-31", NUL, &whom, now, &changed));
    NIL(stapel_partner_flag_until(partner, NULL, "2027-01-31", NUL, &whom, now, &changed));
    NIL(stapel_partner_flag_until(partner, rows, NULL, 10, &whom, now, &changed));
    NIL(stapel_partner_flag_until(partner, rows, "2027-01-31", NUL, NULL, now, &changed));
    NIL(stapel_partner_flag_until(partner, rows, "2027-01-31", NUL, &whom, now, NULL));
    NIL(stapel_partner_renew(NULL, rows, "observed_again", NUL, &whom, now, &changed));
    NIL(stapel_partner_renew(partner, NULL, "observed_again", NUL, &whom, now, &changed));
    NIL(stapel_partner_renew(partner, rows, NULL, 14, &whom, now, &changed));
    NIL(stapel_partner_renew(partner, rows, "observed_again", NUL, NULL, now, &changed));
    NIL(stapel_partner_renew(partner, rows, "observed_again", NUL, &whom, now, NULL));
    size_t ended;
    NIL(stapel_partner_accept_clock(NULL, &whom, now, &ended));
    NIL(stapel_partner_accept_clock(partner, NULL, now, &ended));
    NIL(stapel_partner_accept_clock(partner, &whom, now, NULL));
    NIL(stapel_partner_withdraw(NULL, rows, &whom, now, &changed));
    NIL(stapel_partner_withdraw(partner, NULL, &whom, now, &changed));
    NIL(stapel_partner_withdraw(partner, rows, NULL, now, &changed));
    NIL(stapel_partner_withdraw(partner, rows, &whom, now, NULL));
    NIL(stapel_partner_replace_all(NULL, rows, 0, &whom, now, &changed));
    NIL(stapel_partner_replace_all(partner, NULL, 0, &whom, now, &changed));
    NIL(stapel_partner_replace_all(partner, rows, 0, NULL, now, &changed));
    NIL(stapel_partner_replace_all(partner, rows, 0, &whom, now, NULL));
    NIL(stapel_partner_deliver(NULL, now, &m));
    NIL(stapel_partner_deliver(partner, now, NULL));
    NIL(stapel_partner_confirm(NULL, now, &m));
    NIL(stapel_partner_confirm(partner, now, NULL));
    NIL(stapel_partner_ask(NULL, rows, &whom, now, &m));
    NIL(stapel_partner_ask(partner, NULL, &whom, now, &m));
    NIL(stapel_partner_ask(partner, rows, NULL, now, &m));
    NIL(stapel_partner_ask(partner, rows, &whom, now, NULL));
    NIL(stapel_partner_ask_own(NULL, &whom, now, &m));
    NIL(stapel_partner_ask_own(partner, NULL, now, &m));
    NIL(stapel_partner_ask_own(partner, &whom, now, NULL));
    NIL(stapel_partner_sweep(NULL, rows, "brand", NUL, &whom, now, &m));
    NIL(stapel_partner_sweep(partner, NULL, "brand", NUL, &whom, now, &m));
    NIL(stapel_partner_sweep(partner, rows, NULL, 0, &whom, now, &m));
    NIL(stapel_partner_sweep(partner, rows, "brand", NUL, NULL, now, &m));
    NIL(stapel_partner_sweep(partner, rows, "brand", NUL, &whom, now, NULL));
    NIL(stapel_partner_put_forward(NULL, rows, &whom, now, &size));
    NIL(stapel_partner_put_forward(partner, NULL, &whom, now, &size));
    NIL(stapel_partner_put_forward(partner, rows, NULL, now, &size));
    NIL(stapel_partner_put_forward(partner, rows, &whom, now, NULL));
    NIL(stapel_partner_take_back(NULL, rows, &whom, now, &size));
    NIL(stapel_partner_take_back(partner, NULL, &whom, now, &size));
    NIL(stapel_partner_take_back(partner, rows, NULL, now, &size));
    NIL(stapel_partner_take_back(partner, rows, &whom, now, NULL));
    NIL(stapel_partner_talk(NULL, now, &m));
    NIL(stapel_partner_talk(partner, now, NULL));
    NIL(stapel_partner_status(NULL, now, &m));
    NIL(stapel_partner_status(partner, now, NULL));
    NIL(stapel_partner_in_flight(NULL, &m));
    NIL(stapel_partner_in_flight(partner, NULL));
    NIL(stapel_partner_read(NULL, (const uint8_t *)"", 0, now, &r));
    NIL(stapel_partner_read(partner, NULL, 1, now, &r));
    NIL(stapel_partner_read(partner, (const uint8_t *)"", 0, now, NULL));
    NIL(stapel_partner_give_up(NULL, (const uint8_t *)"", 0, now));
    NIL(stapel_partner_give_up(partner, NULL, 1, now));
    NIL(stapel_partner_news(NULL, &news));
    NIL(stapel_partner_news(partner, NULL));
    NIL(stapel_partner_forwarded(NULL, &whom, now, &forwarded));
    NIL(stapel_partner_forwarded(partner, NULL, now, &forwarded));
    NIL(stapel_partner_forwarded(partner, &whom, now, NULL));
    NIL(stapel_forwarded_count(NULL, &size));
    NIL(stapel_forwarded_get(NULL, 0, &forwarded_row));
    NIL(stapel_partner_asked(NULL, &whom, now, &asked));
    NIL(stapel_partner_asked(partner, NULL, now, &asked));
    NIL(stapel_partner_asked(partner, &whom, now, NULL));
    NIL(stapel_asked_count(NULL, &size));
    NIL(stapel_asked_get(NULL, 0, &asked_row));
    NIL(stapel_partner_answer(NULL, "1012JS|1|A", NUL, "join", NUL, &whom, now));
    NIL(stapel_partner_answer(partner, NULL, 0, "join", NUL, &whom, now));
    NIL(stapel_partner_answer(partner, "1012JS|1|A", NUL, NULL, 0, &whom, now));
    NIL(stapel_partner_answer(partner, "1012JS|1|A", NUL, "join", NUL, NULL, now));
    NIL(stapel_partner_talk_news(NULL, &whom, now, &talk_news));
    NIL(stapel_partner_talk_news(partner, NULL, now, &talk_news));
    NIL(stapel_partner_talk_news(partner, &whom, now, NULL));
    NIL(stapel_talk_news_count(NULL, &size));
    NIL(stapel_talk_news_get(NULL, 0, &talk_news_row));
    NIL(stapel_partner_conversations(NULL, 0, &whom, now, &talks));
    NIL(stapel_partner_conversations(partner, 0, NULL, now, &talks));
    NIL(stapel_partner_conversations(partner, 0, &whom, now, NULL));
    NIL(stapel_conversations_count(NULL, &size));
    NIL(stapel_conversations_get(NULL, 0, &conversation));
    NIL(stapel_conversations_introduced(NULL, 0, 0, &introduced));
    NIL(stapel_conversations_note(NULL, 0, 0, &note));
    NIL(stapel_conversations_copy(NULL, 0, 0, 0, &copy));
    NIL(stapel_partner_write_text(NULL, 1, 0, "x", NUL, &whom, now));
    NIL(stapel_partner_write_text(partner, 1, 0, NULL, 0, &whom, now));
    NIL(stapel_partner_write_text(partner, 1, 0, "x", NUL, NULL, now));
    NIL(stapel_partner_write_lead(NULL, 1, 1, "", 0, &whom, now));
    NIL(stapel_partner_write_lead(partner, 1, 1, NULL, 0, &whom, now));
    NIL(stapel_partner_write_lead(partner, 1, 1, "", 0, NULL, now));
    NIL(stapel_partner_write_outcome(NULL, 1, "not_taken_up", NUL, "", 0, &whom, now));
    NIL(stapel_partner_write_outcome(partner, 1, NULL, 0, "", 0, &whom, now));
    NIL(stapel_partner_write_outcome(partner, 1, "not_taken_up", NUL, NULL, 0, &whom, now));
    NIL(stapel_partner_write_outcome(partner, 1, "not_taken_up", NUL, "", 0, NULL, now));
    NIL(stapel_partner_write_decision(NULL, 1, 0, NULL, 0, "x", NUL, &whom, now));
    NIL(stapel_partner_write_decision(partner, 1, 0, NULL, 0, NULL, 0, &whom, now));
    NIL(stapel_partner_write_decision(partner, 1, 0, NULL, 0, "x", NUL, NULL, now));
    NIL(stapel_partner_leave(NULL, 1, &whom, now));
    NIL(stapel_partner_leave(partner, 1, NULL, now));
    NIL(stapel_partner_agenda(NULL, &whom, now, &agenda));
    NIL(stapel_partner_agenda(partner, NULL, now, &agenda));
    NIL(stapel_partner_agenda(partner, &whom, now, NULL));
    NIL(stapel_agenda_count(NULL, &size));
    NIL(stapel_agenda_get(NULL, 0, &agenda_row));
    NIL(stapel_agenda_joined(NULL, 0, 0, &introduced));
    NIL(stapel_agenda_left(NULL, 0, 0, &introduced));
    NIL(stapel_agenda_address(NULL, 0, 0, &place));
    NIL(stapel_partner_totals(NULL, now, &m));
    NIL(stapel_partner_totals(partner, now, NULL));
    NIL(stapel_partner_year_cells(NULL, 2026, cells, 5, &size));
    NIL(stapel_partner_year_cells(partner, 2026, NULL, 5, &size));
    NIL(stapel_partner_year_cells(partner, 2026, cells, 5, NULL));
    NIL(stapel_partner_report_year(NULL, 2026, now, &m));
    NIL(stapel_partner_report_year(partner, 2026, now, NULL));
    NIL(stapel_reply_totals(NULL, &totals));
    NIL(stapel_reply_totals(receipt_reply, NULL));
    NIL(stapel_reply_totals_cell(NULL, 0, &cell));
    NIL(stapel_reply_totals_cell(receipt_reply, 0, NULL));
    NIL(stapel_broker_init_keys(NULL, 0, &buffer, &other));
    NIL(stapel_broker_init_keys("nowhere", NUL, NULL, &other));
    NIL(stapel_broker_init_keys("nowhere", NUL, &buffer, NULL));
    NIL(stapel_broker_create(NULL, 0, "nowhere", NUL, "nowhere", NUL, now, &b));
    NIL(stapel_broker_create("nowhere", NUL, NULL, 0, "nowhere", NUL, now, &b));
    NIL(stapel_broker_create("nowhere", NUL, "nowhere", NUL, NULL, 0, now, &b));
    NIL(stapel_broker_create("nowhere", NUL, "nowhere", NUL, "nowhere", NUL, now, NULL));
    NIL(stapel_broker_open(NULL, 0, "nowhere", NUL, &b));
    NIL(stapel_broker_open("nowhere", NUL, NULL, 0, &b));
    NIL(stapel_broker_open("nowhere", NUL, "nowhere", NUL, NULL));
    NIL(stapel_broker_handle(NULL, (const uint8_t *)"", 0, now, &buffer));
    NIL(stapel_broker_handle(broker, NULL, 1, now, &buffer));
    NIL(stapel_broker_handle(broker, (const uint8_t *)"", 0, now, NULL));
    NIL(stapel_broker_certify(NULL, "nowhere", NUL, now));
    NIL(stapel_broker_certify(broker, NULL, 0, now));
    NIL(stapel_broker_release(NULL, now, 0, &buffer));
    NIL(stapel_broker_release(broker, now, 0, NULL));
    NIL(stapel_broker_status(NULL, &buffer));
    NIL(stapel_broker_status(broker, NULL));

    /* Two that need something of their own first. */
    OK(stapel_broker_status(broker, &buffer));
    NIL(stapel_buffer_bytes(buffer, NULL, &size));
    NIL(stapel_buffer_bytes(buffer, &bytes, NULL));
    OK(stapel_buffer_free(buffer));
    OK(stapel_partner_news(partner, &news));
    NIL(stapel_news_count(news, NULL));
    NIL(stapel_news_get(news, 0, NULL));
    OK(stapel_news_free(news));

    /* Nothing was written, and to free nothing is no error. */
    THAT(register_made == NULL && findings == NULL && forwarded == NULL && asked == NULL && talk_news == NULL);
    THAT(talks == NULL && agenda == NULL);
    OK(stapel_forwarded_free(NULL));
    OK(stapel_asked_free(NULL));
    OK(stapel_talk_news_free(NULL));
    OK(stapel_conversations_free(NULL));
    OK(stapel_agenda_free(NULL));
    THAT(a == NULL && other == NULL && m == NULL && p == NULL && b == NULL && r == NULL && bytes == NULL && size == 0);
    OK(stapel_addresses_free(NULL));
    OK(stapel_buffer_free(NULL));
    OK(stapel_messages_free(NULL));
    OK(stapel_reply_free(NULL));
    OK(stapel_news_free(NULL));
    OK(stapel_partner_free(NULL));
    OK(stapel_broker_free(NULL));
    OK(stapel_register_free(NULL));
    OK(stapel_findings_free(NULL));
#undef NIL
}

static void lengths(void) {
#define BAD(call) IS(STAPEL_ERROR_INVALID_ARGUMENT, call)
    stapel_address address;
    stapel_addresses *a = NULL;
    stapel_reply *r = NULL;
    stapel_buffer *buffer = NULL;
    stapel_partner *p = NULL;
    stapel_messages *m = NULL;
    stapel_standing standing;
    stapel_case whom = by(), long_name = {{"j.jansen", HUGE_LEN}, {"1", 1}};
    stapel_changed changed;
    stapel_str text = str("1012JS 1"), huge = {"1012JS 1", HUGE_LEN};
    stapel_fields fields = {.postcode = huge, .number = text}, far_street = {.street = huge};
    const uint8_t byte = 1;
    uint64_t ends[] = {8, 4}, past[] = {8, 9}, far[] = {UINT64_MAX, UINT64_MAX}, right[] = {4, 8};
    _Alignas(8) char unaligned[64] = {0};

    /* None at all is fine. */
    IS(STAPEL_ERROR_EMPTY, stapel_address_from_text(NULL, NULL, 0, &address));
    IS(STAPEL_ERROR_EMPTY, stapel_address_from_text(NULL, "", NUL, &address));
    size_t count = 9, refused = 9;
    stapel_packed none = {NULL, 0, NULL};
    stapel_packed_fields no_columns = {.postcode = none};
    OK(stapel_addresses_from_texts(NULL, NULL, NULL, 0, &a));
    OK(stapel_addresses_free(a));
    OK(stapel_addresses_from_fields(NULL, NULL, NULL, 0, &a));
    OK(stapel_addresses_free(a));
    OK(stapel_addresses_from_packed_fields(NULL, &no_columns, &none, 0, &a));
    OK(stapel_addresses_free(a));
    OK(stapel_addresses_from_packed_texts(NULL, &none, NULL, 0, &a));
    OK(stapel_addresses_count(a, &count, &refused));
    THAT(count == 0 && refused == 0);
    stapel_row row;
    BAD(stapel_addresses_row(a, 0, &row));
    BAD(stapel_addresses_refused_row(a, 0, &row));
    BAD(stapel_addresses_row(rows, SIZE_MAX, &row));
    OK(stapel_partner_flag(partner, a, &whom, now, &changed));
    THAT(changed.added == 0);
    OK(stapel_partner_ask(partner, a, &whom, now, &m));
    OK(stapel_messages_count(m, &count));
    THAT(count == 0);
    OK(stapel_messages_free(m));
    OK(stapel_addresses_free(a));
    IS(STAPEL_ERROR_MALFORMED, stapel_partner_read(partner, NULL, 0, now, &r));
    OK(stapel_broker_handle(broker, NULL, 0, now, &buffer));
    OK(stapel_buffer_free(buffer));
    buffer = NULL;

    /* More than there can be. */
    a = NULL;
    BAD(stapel_address_from_text(NULL, "1012JS 1", HUGE_LEN, &address));
    BAD(stapel_address_from_text(NULL, "1012JS 1", SIZE_MAX - 1, &address));
    BAD(stapel_address_from_fields(NULL, &fields, &address));
    BAD(stapel_addresses_from_texts(NULL, &text, NULL, HUGE_LEN, &a));
    BAD(stapel_addresses_from_texts(NULL, &text, NULL, SIZE_MAX, &a));
    BAD(stapel_addresses_from_texts(NULL, &text, NULL, SIZE_MAX / sizeof text, &a));
    BAD(stapel_addresses_from_texts(NULL, &huge, NULL, 1, &a));
    BAD(stapel_addresses_from_texts(NULL, &text, &huge, 1, &a));
    BAD(stapel_addresses_from_fields(NULL, &fields, NULL, HUGE_LEN, &a));
    BAD(stapel_addresses_from_fields(NULL, &fields, NULL, 1, &a));
    BAD(stapel_addresses_from_fields(bag, &far_street, NULL, 1, &a));
    BAD(stapel_address_from_fields(bag, &far_street, &address));
    stapel_register *register_made = NULL;
    stapel_findings *findings = NULL;
    stapel_register_entry entry;
    BAD(stapel_register_open("nowhere", HUGE_LEN, &register_made));
    BAD(stapel_register_look_up(bag, "9999XA|1|", HUGE_LEN, &findings));
    BAD(stapel_findings_get(found, 1, &entry));
    BAD(stapel_findings_get(found, SIZE_MAX, &entry));
    THAT(register_made == NULL && findings == NULL);
    stapel_packed back = {"1012JS 1", 8, ends}, over = {"1012JS 1", 8, past}, away = {"1012JS 1", 8, far};
    stapel_packed short_of = {"1012JS 12", 9, right}, too_long = {"1012JS 1", HUGE_LEN, right};
    stapel_packed good = {"1012JS 1", 8, right};
    stapel_packed *columns[] = {&back, &over, &away, &short_of, &too_long};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        stapel_packed_fields four = {.postcode = good, .number = good, .letter = good, .addition = *columns[i]};
        stapel_packed_fields street = {.postcode = good, .number = good, .letter = good, .addition = good,
                                       .street = *columns[i]};
        BAD(stapel_addresses_from_packed_texts(NULL, columns[i], NULL, 2, &a));
        BAD(stapel_addresses_from_packed_texts(NULL, &good, columns[i], 2, &a));
        BAD(stapel_addresses_from_packed_fields(NULL, &four, NULL, 2, &a));
        BAD(stapel_addresses_from_packed_fields(NULL, &street, NULL, 2, &a));
    }
    BAD(stapel_addresses_from_packed_texts(NULL, &good, NULL, HUGE_LEN, &a));
    BAD(stapel_addresses_from_packed_texts(NULL, &good, NULL, 1, &a));
    uint64_t there_and_back[] = {2, 4, 3, 8};
    stapel_packed third = {"1012JS 1", 8, there_and_back};
    BAD(stapel_addresses_from_packed_texts(NULL, &third, NULL, 4, &a));
    THAT(strcmp(stapel_last_error_message(), "the ends of texts go back after row 1") == 0);
    BAD(stapel_partner_open("nowhere", HUGE_LEN, NULL, 0, 0, &p));
    BAD(stapel_partner_open("nowhere", 65537, NULL, 0, 0, &p));
    BAD(stapel_partner_open("nowhere", NUL, "nowhere", HUGE_LEN, 0, &p));
    BAD(stapel_partner_join("nowhere", NUL, "nowhere", 65537, "nowhere", NUL));
    BAD(stapel_partner_init("nowhere", NUL, "nowhere", HUGE_LEN, 1, &buffer));
    BAD(stapel_partner_flag(partner, rows, &long_name, now, &changed));
    BAD(stapel_partner_read(partner, &byte, HUGE_LEN, now, &r));
    BAD(stapel_partner_read(partner, &byte, NUL, now, &r));
    BAD(stapel_partner_give_up(partner, &byte, HUGE_LEN, now));
    BAD(stapel_broker_handle(broker, &byte, HUGE_LEN, now, &buffer));
    BAD(stapel_broker_handle(broker, &byte, NUL, now, &buffer));
    BAD(stapel_reply_standings(receipt_reply, rows, &standing, HUGE_LEN));
    BAD(stapel_reply_standings(receipt_reply, rows, &standing, SIZE_MAX));
    BAD(stapel_reply_standings(receipt_reply, rows, &standing, 1));

    /* Texts that are none. */
    IS(STAPEL_ERROR_NOT_UTF8, stapel_address_from_text(NULL, "\xff", 1, &address));
    IS(STAPEL_ERROR_NOT_UTF8, stapel_partner_open("\xff", NUL, NULL, 0, 0, &p));
    stapel_str latin = str("caf\xe9");
    IS(STAPEL_ERROR_NOT_UTF8, stapel_addresses_from_texts(NULL, &text, &latin, 1, &a));
    stapel_case odd = {{"\xe9", 1}, {"1", 1}};
    IS(STAPEL_ERROR_NOT_UTF8, stapel_partner_flag(partner, rows, &odd, now, &changed));

    /* Where nothing of the type can be. */
    BAD(stapel_open_handles((size_t *)(void *)(unaligned + 1)));
    BAD(stapel_addresses_from_texts(NULL, (const stapel_str *)(void *)(unaligned + 1), NULL, 1, &a));
    THAT(a == NULL && r == NULL && buffer == NULL && p == NULL);
#undef BAD
}

static void handles(void) {
#define GONE(call) IS(STAPEL_ERROR_INVALID_HANDLE, call)
    stapel_addresses *a = NULL, *freed;
    stapel_str text = str("1012JS 1");
    stapel_kind kind;
    size_t size = 0, before = 0, after = 0;
    int local = 0;
    OK(stapel_open_handles(&before));
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &a));
    freed = a;
    OK(stapel_open_handles(&after));
    THAT(after == before + 1);
    OK(stapel_addresses_free(a));
    GONE(stapel_addresses_free(freed));
    GONE(stapel_addresses_count(freed, &size, &size));
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &a));
    THAT(a != freed);
    GONE(stapel_addresses_count(freed, &size, &size));
    OK(stapel_addresses_free(a));
    OK(stapel_open_handles(&after));
    THAT(after == before);

    /* Of another kind, or of none. */
    GONE(stapel_reply_kind((stapel_reply *)(void *)rows, &kind));
    GONE(stapel_partner_free((stapel_partner *)(void *)broker));
    GONE(stapel_messages_free((stapel_messages *)(void *)&local));
    GONE(stapel_broker_free((stapel_broker *)(void *)partner));
    GONE(stapel_buffer_free((stapel_buffer *)(void *)messages));
    GONE(stapel_news_free((stapel_news *)(void *)receipt_reply));
    GONE(stapel_register_free((stapel_register *)(void *)found));
    GONE(stapel_findings_free((stapel_findings *)(void *)bag));
    GONE(stapel_addresses_from_texts((stapel_register *)(void *)rows, &text, NULL, 1, &a));
    THAT(strstr(stapel_last_error_message(), "freed") != NULL);
    THAT(strcmp(stapel_status_code(STAPEL_ERROR_INVALID_HANDLE), "invalid_handle") == 0);
    THAT(strcmp(stapel_status_code(12345), "unknown") == 0);
#undef GONE
}

/* Eight threads on the same handles, while one of them is freed under their hands. */

static stapel_addresses *shared_rows;

static void *work(void *unused) {
    (void)unused;
    stapel_case whom = by();
    for (int i = 0; i < 20; i++) {
        stapel_messages *m = NULL;
        stapel_buffer *reply = NULL;
        stapel_row row;
        stapel_address address;
        size_t count = 0, refused = 0;
        const uint8_t *bytes = NULL;
        size_t bytes_len = 0;
        uint16_t number = 0;
        OK(stapel_partner_ask(partner, rows, &whom, now, &m));
        OK(stapel_messages_get(m, 0, &bytes, &bytes_len));
        OK(stapel_broker_handle(broker, bytes, bytes_len, now, &reply));
        OK(stapel_buffer_free(reply));
        OK(stapel_messages_free(m));
        OK(stapel_addresses_row(rows, 0, &row));
        THAT(same(row.canonical, "1012JS|1|"));
        OK(stapel_partner_number(partner, &number));
        OK(stapel_broker_status(broker, &reply));
        OK(stapel_buffer_free(reply));
        OK(stapel_address_from_text(bag, "Lindepad 12, Lelie", NUL, &address));
        THAT(strcmp(address.unit, "9999XA|12|") == 0 && address.how == STAPEL_HOW_COMPLETED);
        stapel_status status = stapel_addresses_count(shared_rows, &count, &refused);
        THAT(status == STAPEL_OK ? count == 1 : status == STAPEL_ERROR_INVALID_HANDLE);
        /* Each thread has its own last error. */
        IS(STAPEL_ERROR_NO_NUMBER, stapel_address_from_text(NULL, "1012JS", NUL, &address));
        THAT(strstr(stapel_last_error_message(), "house number") != NULL);
    }
    return NULL;
}

static void threads(void) {
    enum { COUNT = 8 };
    pthread_t thread[COUNT];
    stapel_str text = str("1012JS 1");
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &shared_rows));
    for (int i = 0; i < COUNT; i++) {
        THAT(pthread_create(&thread[i], NULL, work, NULL) == 0);
    }
    OK(stapel_addresses_free(shared_rows));
    for (int i = 0; i < COUNT; i++) {
        THAT(pthread_join(thread[i], NULL) == 0);
    }
}

int main(int argc, char **argv) {
    THAT(argc == 3);
    const char *root = argv[1];
    stapel_partner *second = NULL;
    stapel_broker *other = NULL;
    stapel_str text = str("1012JS 1");
    stapel_case whom = by();
    stapel_changed changed;
    stapel_messages *delivery = NULL;
    now = strtoull(argv[2], NULL, 10);
    THAT(strcmp(stapel_last_error_message(), "") == 0);
    partner = open_partner(root, "1");
    broker = open_broker(root);
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &rows));
    OK(stapel_partner_flag(partner, rows, &whom, now, &changed));
    OK(stapel_partner_deliver(partner, now, &delivery));
    receipt_reply = carry(partner, broker, delivery, now);
    OK(stapel_partner_ask(partner, rows, &whom, now, &messages));

    char *bag_file = in(root, "bag.stapel");
    OK(stapel_register_open(bag_file, NUL, &bag));
    OK(stapel_register_look_up(bag, "9999XA|12|", NUL, &found));
    free(bag_file);

    /* A folder is open once. */
    char *dir = in(root, "1"), *store = in(root, "broker"), *keys = in(root, "keys");
    IS(STAPEL_ERROR_FOLDER_IN_USE, stapel_partner_open(dir, NUL, NULL, 0, 0, &second));
    IS(STAPEL_ERROR_FOLDER_IN_USE, stapel_partner_open(dir, NUL, NULL, 0, 20, &second));
    IS(STAPEL_ERROR_FOLDER_IN_USE, stapel_broker_open(store, NUL, keys, NUL, &other));

    null_everywhere();
    lengths();
    handles();
    threads();

    /* The partner first, then what it made: all of it goes on. */
    size_t count = 0;
    const uint8_t *bytes = NULL;
    stapel_row row;
    OK(stapel_partner_free(partner));
    OK(stapel_partner_open(dir, NUL, NULL, 0, 0, &second));
    OK(stapel_partner_free(second));
    OK(stapel_broker_free(broker));
    OK(stapel_broker_open(store, NUL, keys, NUL, &other));
    OK(stapel_broker_free(other));
    OK(stapel_messages_get(messages, 0, &bytes, &count));
    THAT(bytes[0] == 1 && count > 100);
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(same(row.canonical, "1012JS|1|"));
    THAT(kind_of(receipt_reply) == STAPEL_KIND_RECEIPT);
    OK(stapel_register_free(bag));
    OK(stapel_findings_count(found, &count));
    THAT(count == 1);
    OK(stapel_findings_free(found));
    OK(stapel_messages_free(messages));
    OK(stapel_addresses_free(rows));
    OK(stapel_reply_free(receipt_reply));
    OK(stapel_open_handles(&count));
    THAT(count == 0);
    free(dir), free(store), free(keys);
    puts("the misuse is done");
    return 0;
}

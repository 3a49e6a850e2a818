/* A conversation after a hit, whole: put forward, asked, introduced, notes, lead, decision, outcome, leaving, the year.
 * Police (1) and tax office (2) meet directly, and others by the coordinator (6). */

#include "check.h"

#define DAY 86400
#define HOME "Dam 1-A, 1012 JS Amsterdam"
#define KEY "1012JS|1|A"

static stapel_partner *all[7]; /* by their numbers */
static stapel_broker *broker;
static stapel_case who;
static uint64_t now;

/* What each partner sends in a day. */
static void run(void) {
    for (int number = 1; number <= 5; number++) {
        stapel_messages *messages = NULL;
        OK(stapel_partner_confirm(all[number], now, &messages));
        OK(stapel_reply_free(carry(all[number], broker, messages, now)));
    }
    for (int number = 1; number <= 6; number++) {
        for (;;) {
            stapel_messages *messages = NULL;
            size_t count = 0;
            OK(stapel_partner_talk(all[number], now, &messages));
            OK(stapel_messages_count(messages, &count));
            if (count == 0) {
                OK(stapel_messages_free(messages));
                break;
            }
            stapel_reply *reply = carry(all[number], broker, messages, now);
            stapel_talked said;
            stapel_totals totals;
            OK(stapel_reply_talked(reply, &said));
            THAT(said.complaint == STAPEL_OK);
            IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_totals(reply, &totals));
            OK(stapel_reply_free(reply));
        }
    }
}

static void next_day(void) {
    now += DAY;
    run();
}

/* The first conversation of a partner, and how many it has; those that were shown are the caller's. */
static size_t talks(stapel_partner *partner, stapel_conversations **shown, stapel_conversation *first) {
    size_t count = 99;
    OK(stapel_partner_conversations(partner, 0, &who, now, shown));
    OK(stapel_conversations_count(*shown, &count));
    if (count > 0) {
        OK(stapel_conversations_get(*shown, 0, first));
    } else {
        memset(first, 0, sizeof *first);
    }
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_conversations_get(*shown, count, first));
    return count;
}

/* The first row of an agenda, and how many it has. */
static size_t plans(stapel_agenda **agenda, stapel_agenda_row *first) {
    size_t count = 99;
    OK(stapel_partner_agenda(all[6], &who, now, agenda));
    OK(stapel_agenda_count(*agenda, &count));
    memset(first, 0, sizeof *first);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_get(*agenda, count, first));
    if (count > 0) {
        OK(stapel_agenda_get(*agenda, 0, first));
    }
    return count;
}

/* Whether there is news of a kind for a partner; each piece is told once. */
static int has_news(stapel_partner *partner, stapel_talk_news_kind kind, stapel_talk_news_row *found) {
    stapel_talk_news *news = NULL;
    size_t count = 0;
    int has = 0;
    OK(stapel_partner_talk_news(partner, &who, now, &news));
    OK(stapel_talk_news_count(news, &count));
    for (size_t at = 0; at < count; at++) {
        stapel_talk_news_row row;
        OK(stapel_talk_news_get(news, at, &row));
        if (row.kind == kind) {
            has = 1;
            *found = row;
            THAT(kind != STAPEL_TALK_NEWS_ASKED || (same(row.canonical, KEY) && same(row.typed, HOME)));
            THAT(kind != STAPEL_TALK_NEWS_ASKED || (row.answer_by.len == 10 && row.conversation == 0));
            THAT(kind != STAPEL_TALK_NEWS_ASKED || row.actor.ptr == NULL);
            THAT(kind != STAPEL_TALK_NEWS_INTRODUCED || row.name.len > 0);
            THAT(kind != STAPEL_TALK_NEWS_NOTE || (row.partner == 1 && same(row.name, "System 1")));
            THAT(kind != STAPEL_TALK_NEWS_NOTE || (same(row.canonical, KEY) && same(row.typed, HOME)));
            THAT(kind != STAPEL_TALK_NEWS_NOTE || (same(row.case_reference, who.reference.ptr) && row.actor.len > 0));
            THAT(row.more.ptr == NULL);
        }
    }
    stapel_talk_news_row past;
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_talk_news_get(news, count, &past));
    OK(stapel_talk_news_free(news));
    return has;
}

/* The first row of what others put forward, and how many there are. */
static size_t asked_of(stapel_partner *partner, stapel_asked **asked, stapel_asked_row *first) {
    size_t count = 99;
    OK(stapel_partner_asked(partner, &who, now, asked));
    OK(stapel_asked_count(*asked, &count));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_asked_get(*asked, count, first));
    if (count > 0) {
        OK(stapel_asked_get(*asked, 0, first));
    }
    return count;
}

static void put_forward(const stapel_addresses *homes) {
    stapel_forwarded *rows = NULL;
    stapel_forwarded_row row;
    size_t count = 99;
    OK(stapel_partner_put_forward(all[1], homes, &who, now, &count));
    THAT(count == 1);
    OK(stapel_partner_forwarded(all[1], &who, now, &rows));
    OK(stapel_forwarded_count(rows, &count));
    OK(stapel_forwarded_get(rows, 0, &row));
    THAT(count == 1 && same(row.canonical, KEY) && same(row.typed, HOME) && row.level == STAPEL_LEVEL_UNIT);
    THAT(row.since.len == 10 && row.stands_until.ptr == NULL);
    THAT(row.epoch == 1 && !row.ended && row.more.ptr == NULL);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_forwarded_get(rows, 1, &row));
    OK(stapel_forwarded_free(rows));
    next_day();
    OK(stapel_partner_forwarded(all[1], &who, now, &rows));
    OK(stapel_forwarded_get(rows, 0, &row));
    THAT(row.stands_until.len == 10);
    OK(stapel_forwarded_free(rows));
}

static void answer(void) {
    stapel_asked *asked = NULL;
    stapel_asked_row row;
    stapel_talk_news_row news;
    IS(STAPEL_ERROR_NOT_PUT_FORWARD, stapel_partner_answer(all[2], KEY, NUL, "join", NUL, &who, now));
    for (int day = 0;; day++) {
        THAT(day < 8);
        next_day();
        size_t count = asked_of(all[2], &asked, &row);
        if (count == 1) {
            break;
        }
        OK(stapel_asked_free(asked));
    }
    THAT(same(row.canonical, KEY) && same(row.typed, HOME) && row.level == STAPEL_LEVEL_UNIT);
    THAT(row.day.len == 10 && row.answer_by.len == 10 && row.answer.ptr == NULL && row.answered.ptr == NULL);
    THAT(!row.is_put_forward);
    OK(stapel_asked_free(asked));
    THAT(has_news(all[2], STAPEL_TALK_NEWS_ASKED, &news));
    THAT(!has_news(all[2], STAPEL_TALK_NEWS_ASKED, &news));
    IS(STAPEL_ERROR_NOT_CANONICAL, stapel_partner_answer(all[2], HOME, NUL, "join", NUL, &who, now));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_partner_answer(all[2], KEY, NUL, "yes", NUL, &who, now));
    OK(stapel_partner_answer(all[2], KEY, NUL, "join", NUL, &who, now));
    OK(stapel_partner_answer(all[3], KEY, NUL, "review", NUL, &who, now));
    THAT(asked_of(all[2], &asked, &row) == 1);
    THAT(same(row.answer, "join") && row.answered.len == 10 && row.is_put_forward);
    OK(stapel_asked_free(asked));
}

/* Days pass until the tax office has a conversation, and the coordinator one that both joined. */
static void introduced(uint32_t *police, uint32_t *tax, uint32_t *coordinator) {
    stapel_conversations *shown = NULL;
    stapel_conversation talk;
    stapel_agenda *agenda = NULL;
    stapel_agenda_row plan;
    stapel_introduced other;
    for (int day = 0;; day++) {
        THAT(day < 8);
        next_day();
        OK(stapel_conversations_free(shown));
        OK(stapel_agenda_free(agenda));
        size_t count = talks(all[2], &shown, &talk);
        if (plans(&agenda, &plan) == 1 && plan.joined == 2 && plan.addresses > 0 && count == 1) {
            break;
        }
    }
    *tax = talk.number;
    *coordinator = plan.conversation;
    THAT(plan.is_new && plan.lead == 0 && plan.decision.ptr == NULL && plan.next.ptr == NULL);
    THAT(plan.outcome.ptr == NULL && plan.began.len == 10 && plan.waiting_since.len == 10);
    THAT(same(plan.waits_for, "first_decision") && plan.ended.ptr == NULL && plan.ended_on.ptr == NULL);
    THAT(plan.left == 0);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_left(agenda, 0, 0, &other));
    OK(stapel_agenda_joined(agenda, 0, 0, &other));
    THAT(other.partner == 1 && same(other.organisation, "politie") && other.left.ptr == NULL);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_joined(agenda, 0, 2, &other));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_joined(agenda, 1, 0, &other));
    stapel_agenda_place place;
    OK(stapel_agenda_address(agenda, 0, 0, &place));
    THAT(same(place.canonical, KEY) && same(place.typed, HOME));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_address(agenda, 0, plan.addresses, &place));
    OK(stapel_agenda_free(agenda));
    OK(stapel_conversations_free(shown));

    THAT(talks(all[1], &shown, &talk) == 1);
    *police = talk.number;
    THAT(same(talk.canonical, KEY) && same(talk.typed, HOME) && talk.epoch == 1 && talk.began.len == 10);
    THAT(talk.lead == 0 && talk.outcome.ptr == NULL && talk.decision.ptr == NULL && talk.decided_at == 0);
    THAT(talk.introduced == 2 && talk.left.ptr == NULL);
    for (size_t at = 0; at < 2; at++) {
        OK(stapel_conversations_introduced(shown, 0, at, &other));
        THAT(other.partner == 2 || other.partner == 6);
        THAT(other.partner == 6 || (same(other.name, "System 2") && same(other.organisation, "belastingdienst")));
        THAT(other.since.len == 10 && other.left.ptr == NULL && !other.misses_note);
    }
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_conversations_introduced(shown, 0, 2, &other));
    /* The address went to the coordinator by itself. */
    stapel_note note;
    stapel_note_copy copy;
    OK(stapel_conversations_note(shown, 0, 0, &note));
    THAT(note.kind == STAPEL_NOTE_ADDRESS && note.from == 0 && same(note.canonical, KEY) && same(note.typed, HOME));
    THAT(note.copies == 1 && note.text.ptr == NULL && note.time > 0);
    OK(stapel_conversations_copy(shown, 0, 0, 0, &copy));
    THAT(copy.to == 6 && copy.progress >= STAPEL_PROGRESS_KEPT && copy.put_off.ptr == NULL);
    THAT(copy.reason.ptr == NULL);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_conversations_copy(shown, 0, 0, 1, &copy));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_conversations_note(shown, 0, talk.notes, &note));
    OK(stapel_conversations_free(shown));
}

/* Days pass until a partner's first conversation is so. */
#define UNTIL(partner, is_so)                                  \
    for (int day = 0;; day++) {                                \
        stapel_conversations *shown = NULL;                    \
        stapel_conversation talk;                              \
        THAT(day < 8);                                         \
        next_day();                                            \
        THAT(talks(partner, &shown, &talk) == 1);              \
        int so = (is_so);                                      \
        OK(stapel_conversations_free(shown));                  \
        if (so) {                                              \
            break;                                             \
        }                                                      \
    }

static void write(uint32_t police, uint32_t tax, uint32_t coordinator) {
    IS(STAPEL_ERROR_NO_CONVERSATION, stapel_partner_write_text(all[1], 99, 0, "x", NUL, &who, now));
    IS(STAPEL_ERROR_NOTE_TEXT, stapel_partner_write_text(all[1], police, 0, " ", NUL, &who, now));
    IS(STAPEL_ERROR_NULL_ARGUMENT, stapel_partner_write_text(all[1], police, 0, NULL, 0, &who, now));
    IS(STAPEL_ERROR_NOT_LEADING, stapel_partner_write_lead(all[1], police, 2, "", 0, &who, now));
    IS(STAPEL_ERROR_NOT_PERMITTED, stapel_partner_write_decision(all[1], police, 0, NULL, 0, "x", NUL, &who, now));
    OK(stapel_partner_write_text(all[1], police, 2, "Wij gaan kijken", NUL, &who, now));
    OK(stapel_partner_write_lead(all[1], police, 1, "", 0, &who, now));
    UNTIL(all[2], talk.lead == 1);
    stapel_talk_news_row news;
    THAT(has_news(all[2], STAPEL_TALK_NEWS_NOTE, &news) && news.conversation == tax);

    /* Of the tax office's notes, the two of the police in the order in which they were written. */
    stapel_conversations *shown = NULL;
    stapel_conversation talk;
    stapel_note note;
    THAT(talks(all[2], &shown, &talk) == 1);
    int texts = 0;
    for (size_t at = 0; at < talk.notes; at++) {
        OK(stapel_conversations_note(shown, 0, at, &note));
        if (note.from == 1) {
            THAT(texts == 0 ? note.kind == STAPEL_NOTE_TEXT && same(note.text, "Wij gaan kijken")
                            : note.kind == STAPEL_NOTE_LEAD && note.lead == 1 && note.text.ptr == NULL);
            THAT(note.copies == 0 && note.outcome.ptr == NULL && note.next.ptr == NULL);
            texts++;
        }
    }
    THAT(texts == 2);
    OK(stapel_conversations_free(shown));

    IS(STAPEL_ERROR_INVALID_ARGUMENT,
       stapel_partner_write_decision(all[6], coordinator, 2, "morgen", NUL, "x", NUL, &who, now));
    OK(stapel_partner_write_decision(all[6], coordinator, 2, "2027-01-31", NUL, "Belasting leidt", NUL, &who, now));
    UNTIL(all[1], talk.decision.ptr != NULL);
    THAT(talks(all[1], &shown, &talk) == 1);
    THAT(same(talk.decision, "Belasting leidt") && talk.decided_at > 0 && same(talk.next, "2027-01-31"));
    THAT(talk.lead == 2);
    OK(stapel_conversations_note(shown, 0, talk.notes - 1, &note));
    THAT(note.kind == STAPEL_NOTE_DECISION && note.from == 6 && note.lead == 2 && same(note.next, "2027-01-31"));
    OK(stapel_conversations_free(shown));
    stapel_agenda *agenda = NULL;
    stapel_agenda_row plan;
    THAT(plans(&agenda, &plan) == 1);
    THAT(plan.waits_for.ptr == NULL && plan.waiting_since.ptr == NULL);
    THAT(!plan.is_new && plan.lead == 2 && same(plan.decision, "Belasting leidt") && same(plan.next, "2027-01-31"));
    OK(stapel_agenda_free(agenda));

    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_partner_write_outcome(all[2], tax, "done", NUL, "", 0, &who, now));
    OK(stapel_partner_write_outcome(all[2], tax, "nothing_found", NUL, "Niets", NUL, &who, now));
    UNTIL(all[1], talk.outcome.ptr != NULL);
    THAT(talks(all[1], &shown, &talk) == 1);
    THAT(same(talk.outcome, "nothing_found"));
    OK(stapel_conversations_note(shown, 0, talk.notes - 1, &note));
    THAT(note.kind == STAPEL_NOTE_OUTCOME && same(note.outcome, "nothing_found") && same(note.text, "Niets"));
    OK(stapel_conversations_free(shown));
    IS(STAPEL_ERROR_NO_CONVERSATION, stapel_partner_conversations(all[1], 99, &who, now, &shown));
}

static void leave(uint32_t police, uint32_t tax, uint32_t coordinator) {
    stapel_conversations *shown = NULL;
    stapel_conversation talk;
    stapel_introduced other;
    stapel_talk_news_row news;
    OK(stapel_partner_leave(all[2], tax, &who, now));
    IS(STAPEL_ERROR_NO_CONVERSATION, stapel_partner_leave(all[2], tax, &who, now));
    THAT(talks(all[2], &shown, &talk) == 1 && talk.left.len == 10);
    OK(stapel_conversations_free(shown));
    for (int day = 0;; day++) {
        THAT(day < 8);
        next_day();
        if (has_news(all[1], STAPEL_TALK_NEWS_LEFT, &news)) {
            break;
        }
    }
    THAT(news.partner == 2 && news.conversation == police);
    int left = 0;
    THAT(talks(all[1], &shown, &talk) == 1);
    for (size_t at = 0; at < talk.introduced; at++) {
        OK(stapel_conversations_introduced(shown, 0, at, &other));
        left += other.left.ptr != NULL;
        THAT((other.left.ptr != NULL) == (other.partner == 2));
    }
    THAT(left == 1);
    OK(stapel_conversations_free(shown));
    stapel_agenda *agenda = NULL;
    stapel_agenda_row plan;
    THAT(plans(&agenda, &plan) == 1 && plan.joined == 1 && plan.left == 1);
    OK(stapel_agenda_left(agenda, 0, 0, &other));
    THAT(other.partner == 2 && same(other.name, "System 2") && other.left.len == 10 && other.since.ptr == NULL);
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_left(agenda, 0, 1, &other));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_agenda_left(agenda, 1, 0, &other));
    OK(stapel_agenda_free(agenda));
    OK(stapel_partner_leave(all[6], coordinator, &who, now));
    THAT(plans(&agenda, &plan) == 1 && same(plan.ended, "coordinator_left") && plan.ended_on.len == 10);
    THAT(plan.waits_for.ptr == NULL);
    OK(stapel_agenda_free(agenda));
    IS(STAPEL_ERROR_NO_CONVERSATION, stapel_partner_write_text(all[1], police, 2, "x", NUL, &who, now));
}

static void year(void) {
    stapel_year_cell cells[5];
    stapel_messages *messages = NULL;
    stapel_buffer *releases = NULL;
    stapel_talked said;
    size_t count = 99;
    OK(stapel_partner_year_cells(all[1], 2026, cells, 5, &count));
    THAT(count == 1 && cells[0].ways == 31 && cells[0].number == 0);
    count = 99;
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_partner_year_cells(all[1], 2026, NULL, 0, &count));
    THAT(count == 99);
    IS(STAPEL_ERROR_NOT_PERMITTED, stapel_partner_report_year(all[1], 2026, now, &messages));
    now += 30 * DAY;
    OK(stapel_broker_release(broker, now, 1, &releases));
    OK(stapel_buffer_free(releases));
    OK(stapel_partner_report_year(all[1], 2026, now, &messages));
    IS(STAPEL_ERROR_NOT_PERMITTED, stapel_partner_totals(all[1], now, &messages));
    stapel_reply *reply = carry(all[1], broker, messages, now);
    THAT(kind_of(reply) == STAPEL_KIND_KEPT);
    OK(stapel_reply_talked(reply, &said));
    THAT(said.kept == 0 && said.log.index > 0);
    stapel_totals_cell cell;
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_totals_cell(reply, 0, &cell));
    OK(stapel_reply_free(reply));
    IS(STAPEL_ERROR_YEAR_REPORTED, stapel_partner_report_year(all[1], 2026, now, &messages));
}

int main(int argc, char **argv) {
    THAT(argc == 3);
    now = strtoull(argv[2], NULL, 10);
    who = by();
    const char *names[] = {"1", "2", "3", "4", "5", "6"};
    for (int number = 1; number <= 6; number++) {
        all[number] = open_partner(argv[1], names[number - 1]);
    }
    broker = open_broker(argv[1]);
    stapel_addresses *homes = NULL;
    stapel_str text = str(HOME);
    stapel_changed changed;
    OK(stapel_addresses_from_texts(NULL, &text, NULL, 1, &homes));
    for (int number = 1; number <= 3; number++) {
        OK(stapel_partner_flag(all[number], homes, &who, now, &changed));
    }
    run();
    next_day();

    uint32_t police, tax, coordinator;
    put_forward(homes);
    answer();
    introduced(&police, &tax, &coordinator);
    write(police, tax, coordinator);
    leave(police, tax, coordinator);
    year();

    OK(stapel_addresses_free(homes));
    for (int number = 1; number <= 6; number++) {
        OK(stapel_partner_free(all[number]));
    }
    OK(stapel_broker_free(broker));
    size_t open = 1;
    OK(stapel_open_handles(&open));
    THAT(open == 0);
    puts("a conversation is done");
    return 0;
}

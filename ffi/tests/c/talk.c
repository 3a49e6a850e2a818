/* What comes after a hit: two partners that may be introduced directly put the same home forward, and are. */

#include "check.h"

#define DAY 86400

static stapel_partner *all[5];
static stapel_broker *broker;

/* What a partner's messages of what comes after a hit came to. */
typedef struct {
    int messages;
    int kept_replies;
    uint32_t kept;
    uint32_t news;
} told;

static told talk(stapel_partner *partner, uint64_t now) {
    told all_told = {0, 0, 0, 0};
    for (;;) {
        stapel_messages *messages = NULL, *again = NULL;
        size_t count = 0;
        OK(stapel_partner_talk(partner, now, &messages));
        OK(stapel_messages_count(messages, &count));
        if (count == 0) {
            OK(stapel_messages_free(messages));
            return all_told;
        }
        THAT(count == 1 && ++all_told.messages < 12);
        /* Until its reply was read, it comes again. */
        OK(stapel_partner_talk(partner, now, &again));
        OK(stapel_messages_count(again, &count));
        THAT(count == 1);
        OK(stapel_messages_free(again));
        OK(stapel_partner_in_flight(partner, &again));
        OK(stapel_messages_count(again, &count));
        THAT(count == 1);
        OK(stapel_messages_free(again));

        stapel_reply *reply = carry(partner, broker, messages, now);
        stapel_talked said;
        OK(stapel_reply_talked(reply, &said));
        THAT(said.complaint == STAPEL_OK && said.complaint_text.ptr == NULL && said.log.index > 0);
        if (kind_of(reply) == STAPEL_KIND_KEPT) {
            all_told.kept_replies++;
            all_told.kept = said.kept;
            THAT(said.unflagged == 0 && said.added <= said.kept && said.news == 0 && said.more == 0);
            THAT(said.new_left > 0 && said.held_left > 0);
        } else {
            THAT(kind_of(reply) == STAPEL_KIND_POSTED);
            all_told.news += said.news;
            THAT(said.kept == 0 && said.held_left == 0 && said.passed_over == 0);
        }
        stapel_rejection rejection;
        IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_rejection(reply, &rejection));
        OK(stapel_reply_free(reply));
    }
}

/* Each partner tells the broker that nothing changed, or what did. */
static void a_day(uint64_t now) {
    for (int at = 0; at < 5; at++) {
        stapel_messages *messages = NULL;
        OK(stapel_partner_confirm(all[at], now, &messages));
        stapel_reply *reply = carry(all[at], broker, messages, now);
        stapel_talked said;
        THAT(kind_of(reply) == STAPEL_KIND_RECEIPT);
        IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_reply_talked(reply, &said));
        OK(stapel_reply_free(reply));
    }
}

static void forward(stapel_partner *partner, const stapel_addresses *homes, uint64_t now, size_t expected) {
    stapel_case by_whom = by();
    size_t count = 99;
    OK(stapel_partner_put_forward(partner, homes, &by_whom, now, &count));
    THAT(count == expected);
}

int main(int argc, char **argv) {
    THAT(argc == 3);
    uint64_t now = strtoull(argv[2], NULL, 10) + DAY / 2;
    const char *names[] = {"1", "2", "3", "4", "5"};
    for (int at = 0; at < 5; at++) {
        all[at] = open_partner(argv[1], names[at]);
    }
    stapel_partner *police = all[0], *tax = all[1];
    broker = open_broker(argv[1]);
    stapel_case by_whom = by();
    stapel_addresses *homes = NULL, *two = NULL;
    stapel_str texts[] = {str("1012JS 1"), str("1012JS 3"), str("Dam 1 t/m 5, 1012 JS")};
    OK(stapel_addresses_from_texts(NULL, texts, NULL, 1, &homes));
    OK(stapel_addresses_from_texts(NULL, texts, NULL, 3, &two));
    stapel_changed changed;
    for (int at = 0; at < 3; at++) {
        OK(stapel_partner_flag(all[at], homes, &by_whom, now, &changed));
    }
    a_day(now);
    now += DAY;
    a_day(now);

    /* What is not flagged is not put forward, and then nothing is. */
    size_t count = 99;
    IS(STAPEL_ERROR_NO_FLAG, stapel_partner_put_forward(police, two, &by_whom, now, &count));
    THAT(count == 99);
    forward(police, homes, now, 1);
    forward(police, homes, now, 0);
    told said = talk(police, now);
    THAT(said.kept_replies == 1 && said.kept == 1 && said.news == 0);
    forward(tax, homes, now, 1);
    said = talk(tax, now);
    THAT(said.kept_replies == 1 && said.kept == 1 && said.news == 0);

    /* At the next release they are introduced. */
    now += DAY;
    a_day(now);
    said = talk(police, now);
    THAT(said.kept_replies == 1 && said.kept == 1 && said.news > 0);
    said = talk(tax, now);
    THAT(said.news > 0);

    /* What is taken back, refused rows aside, is gone with the message of the next day. */
    OK(stapel_partner_take_back(police, two, &by_whom, now, &count));
    THAT(count == 1);
    OK(stapel_partner_take_back(police, homes, &by_whom, now, &count));
    THAT(count == 0);
    said = talk(police, now);
    THAT(said.kept_replies == 0 && said.news == 0);
    now += DAY;
    a_day(now);
    said = talk(police, now);
    THAT(said.kept_replies == 1 && said.kept == 0);

    OK(stapel_addresses_free(homes));
    OK(stapel_addresses_free(two));
    for (int at = 0; at < 5; at++) {
        OK(stapel_partner_free(all[at]));
    }
    OK(stapel_broker_free(broker));
    size_t open = 1;
    OK(stapel_open_handles(&open));
    THAT(open == 0);
    puts("what comes after a hit is done");
    return 0;
}

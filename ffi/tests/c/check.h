/* What the tests in C have in common. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stapel.h"

#define NUL STAPEL_NUL_TERMINATED

/* A call gives this status. */
#define IS(status, call) is((status), (call), #call, __FILE__, __LINE__)
#define OK(call) IS(STAPEL_OK, call)

/* Something is so. */
#define THAT(what) that((what) != 0, #what, __FILE__, __LINE__)

static inline void is(stapel_status expected, stapel_status got, const char *call, const char *file, int line) {
    if (got != expected) {
        fprintf(stderr, "%s:%d: %s gave %s, not %s: %s\n", file, line, call, stapel_status_code(got),
                stapel_status_code(expected), stapel_last_error_message());
        exit(1);
    }
}

static inline void that(int so, const char *what, const char *file, int line) {
    if (!so) {
        fprintf(stderr, "%s:%d: it is not so that %s\n", file, line, what);
        exit(1);
    }
}

/* A text that ends with a NUL, as an element of an array. */
static inline stapel_str str(const char *text) {
    stapel_str made = {text, NUL};
    return made;
}

static inline int same(stapel_str text, const char *expected) {
    return text.len == strlen(expected) && memcmp(text.ptr, expected, text.len) == 0;
}

/* The path of a name in a folder, to be freed. */
static inline char *in(const char *folder, const char *name) {
    size_t length = strlen(folder) + strlen(name) + 2;
    char *path = malloc(length);
    THAT(path != NULL);
    snprintf(path, length, "%s/%s", folder, name);
    return path;
}

static inline stapel_case by(void) {
    stapel_case made = {{"j.jansen", NUL}, {"2026-0117", NUL}};
    return made;
}

static inline stapel_partner *open_partner(const char *root, const char *name) {
    stapel_partner *partner = NULL;
    char *dir = in(root, name);
    OK(stapel_partner_open(dir, NUL, NULL, 0, 0, &partner));
    free(dir);
    return partner;
}

static inline stapel_broker *open_broker(const char *root) {
    stapel_broker *broker = NULL;
    char *dir = in(root, "broker"), *keys = in(root, "keys");
    OK(stapel_broker_open(dir, NUL, keys, NUL, &broker));
    free(dir);
    free(keys);
    return broker;
}

/* Carries messages to the broker and its replies back, and frees the messages. The last reply is the caller's. */
static inline stapel_reply *carry(stapel_partner *partner, stapel_broker *broker, stapel_messages *messages,
                                  uint64_t now) {
    stapel_reply *reply = NULL;
    size_t count = 0;
    OK(stapel_messages_count(messages, &count));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = NULL;
        size_t bytes_len = 0;
        stapel_buffer *buffer = NULL;
        OK(stapel_messages_get(messages, i, &bytes, &bytes_len));
        OK(stapel_broker_handle(broker, bytes, bytes_len, now, &buffer));
        OK(stapel_buffer_bytes(buffer, &bytes, &bytes_len));
        OK(stapel_reply_free(reply));
        OK(stapel_partner_read(partner, bytes, bytes_len, now, &reply));
        OK(stapel_buffer_free(buffer));
    }
    OK(stapel_messages_free(messages));
    return reply;
}

static inline stapel_kind kind_of(stapel_reply *reply) {
    stapel_kind kind = STAPEL_KIND_OTHER;
    OK(stapel_reply_kind(reply, &kind));
    return kind;
}

/* Delivers, and expects a receipt; gives the number of flags that the broker then holds. */
static inline uint32_t deliver(stapel_partner *partner, stapel_broker *broker, uint64_t now) {
    stapel_messages *messages = NULL;
    stapel_receipt receipt;
    OK(stapel_partner_deliver(partner, now, &messages));
    stapel_reply *reply = carry(partner, broker, messages, now);
    THAT(kind_of(reply) == STAPEL_KIND_RECEIPT);
    OK(stapel_reply_receipt(reply, &receipt));
    OK(stapel_reply_free(reply));
    return receipt.held;
}

#endif

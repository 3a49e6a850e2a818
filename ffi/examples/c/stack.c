/* Flags the addresses of a file, tells the broker, asks about them, and prints what came back.
 *
 *     stack SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]
 *
 * README.md in the folder above says what each step does, and what it prints. */

#include <stapel.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is open, and what was read. */
typedef struct {
    stapel_partner *partner;
    stapel_broker *broker;
    stapel_addresses *rows;
    size_t count;
    stapel_standing *standings; /* of the rows, in their order */
    uint16_t organisations;
    uint16_t fresh;
    bool answered;
} program;

static const stapel_case BY = {{"example", STAPEL_NUL_TERMINATED}, {"examples", STAPEL_NUL_TERMINATED}};

/* The rows of a CSV file, in columns that point into its bytes. */
typedef struct {
    char *bytes;
    stapel_str *references;
    stapel_str *texts;
    size_t count;
} table;

static bool read_csv(const char *file, table *rows);
static void free_table(table *rows);
static stapel_status open_all(program *p, const char *sandbox, const char *partner, const table *rows);
static stapel_status flag(program *p);
static stapel_status deliver(program *p, bool read);
static stapel_status ask(program *p, bool read);
static stapel_status resend(program *p);
static void print(const program *p);
static int show_errors(const char *sandbox, const char *partner);
static void close_all(program *p);

int main(int argc, char **argv) {
    const char *step = argc > 3 ? argv[3] : "all";
    const char *partner = argc > 4 ? argv[4] : "partner";
    bool all = strcmp(step, "all") == 0, send = strcmp(step, "send") == 0, read = strcmp(step, "read") == 0;
    bool errors = strcmp(step, "errors") == 0;
    if (argc < 3 || argc > 5 || !(all || send || read || errors)) {
        fputs("usage: stack SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]\n", stderr);
        return 2;
    }
    if (stapel_abi_version() != STAPEL_ABI_VERSION) {
        fputs("abi: the library has another ABI than the one this was compiled for\n", stderr);
        return 1;
    }
    if (errors) {
        return show_errors(argv[1], partner);
    }

    program p = {0};
    table rows = {0};
    if (!read_csv(argv[2], &rows) || (p.standings = calloc(rows.count + 1, sizeof *p.standings)) == NULL) {
        fprintf(stderr, "io: %s cannot be read\n", argv[2]);
        free_table(&rows);
        return 1;
    }
    stapel_status status = open_all(&p, argv[1], partner, &rows);
    free_table(&rows);
    if (status == STAPEL_OK && (all || send)) {
        status = flag(&p);
    }
    if (status == STAPEL_OK && (all || send)) {
        status = deliver(&p, all);
    }
    if (status == STAPEL_OK && (all || send)) {
        status = ask(&p, all);
    }
    if (status == STAPEL_OK && read) {
        status = resend(&p);
    }
    /* A rejection was told where it was read; it is no failed call. */
    if (status != STAPEL_OK && status < 300) {
        fprintf(stderr, "%s: %s\n", stapel_status_code(status), stapel_last_error_message());
    }
    bool done = status == STAPEL_OK && (send || p.answered);
    if (status == STAPEL_OK && !done) {
        fputs("error: no question was in flight\n", stderr);
    }
    if (done && !send) {
        print(&p);
    }
    close_all(&p);
    return done ? 0 : 1;
}

static uint64_t now(void) {
    return (uint64_t)time(NULL);
}

/* ---- Opening ---- */

static stapel_status open_all(program *p, const char *sandbox, const char *partner, const table *rows) {
    char partner_dir[4096], broker_dir[4096], keys_dir[4096];
    snprintf(partner_dir, sizeof partner_dir, "%s/%s", sandbox, partner);
    snprintf(broker_dir, sizeof broker_dir, "%s/broker", sandbox);
    snprintf(keys_dir, sizeof keys_dir, "%s/broker/keys", sandbox);

    /* The library copies what it needs. */
    p->count = rows->count;
    stapel_status status = stapel_addresses_from_texts(NULL, rows->texts, rows->references, rows->count, &p->rows);
    if (status == STAPEL_OK) {
        status = stapel_partner_open(partner_dir, STAPEL_NUL_TERMINATED, NULL, 0, 0, &p->partner);
    }
    if (status == STAPEL_OK) {
        status = stapel_broker_open(broker_dir, STAPEL_NUL_TERMINATED, keys_dir, STAPEL_NUL_TERMINATED, &p->broker);
    }
    return status;
}

static void close_all(program *p) {
    stapel_addresses_free(p->rows);
    stapel_partner_free(p->partner);
    stapel_broker_free(p->broker);
    free(p->standings);
}

/* ---- Flagging, delivering, asking ---- */

static stapel_status read_reply(program *p, const uint8_t *bytes, size_t len);

static stapel_status flag(program *p) {
    stapel_changed changed;
    return stapel_partner_flag(p->partner, p->rows, &BY, now(), &changed);
}

/* Carries messages to the broker, and reads its replies unless they are to be lost. Frees the messages. A real program
 * sends the bytes over HTTPS; what comes back is the reply. */
static stapel_status carry(program *p, stapel_messages *messages, bool read) {
    size_t count = 0;
    stapel_status status = stapel_messages_count(messages, &count);
    for (size_t i = 0; status == STAPEL_OK && i < count; i++) {
        const uint8_t *bytes = NULL;
        size_t len = 0;
        stapel_buffer *reply = NULL;
        status = stapel_messages_get(messages, i, &bytes, &len);
        if (status == STAPEL_OK) {
            status = stapel_broker_handle(p->broker, bytes, len, now(), &reply);
        }
        if (status == STAPEL_OK) {
            status = stapel_buffer_bytes(reply, &bytes, &len);
        }
        if (status == STAPEL_OK && read) {
            status = read_reply(p, bytes, len);
        }
        stapel_buffer_free(reply);
    }
    stapel_messages_free(messages);
    return status;
}

static stapel_status deliver(program *p, bool read) {
    stapel_messages *messages = NULL;
    stapel_status status = stapel_partner_deliver(p->partner, now(), &messages);
    return status == STAPEL_OK ? carry(p, messages, read) : status;
}

static stapel_status ask(program *p, bool read) {
    stapel_messages *messages = NULL;
    stapel_status status = stapel_partner_ask(p->partner, p->rows, &BY, now(), &messages);
    return status == STAPEL_OK ? carry(p, messages, read) : status;
}

/* What another program sent, perhaps, and got no reply to: the broker gives the same reply again. */
static stapel_status resend(program *p) {
    stapel_messages *messages = NULL;
    stapel_status status = stapel_partner_in_flight(p->partner, &messages);
    return status == STAPEL_OK ? carry(p, messages, true) : status;
}

/* Reads a reply. Of an answer, the standings of the rows that it speaks of are filled in. */
static stapel_status read_reply(program *p, const uint8_t *bytes, size_t len) {
    stapel_reply *reply = NULL;
    stapel_status status = stapel_partner_read(p->partner, bytes, len, now(), &reply);
    stapel_kind kind = STAPEL_KIND_OTHER;
    if (status == STAPEL_OK) {
        status = stapel_reply_kind(reply, &kind);
    }
    if (status == STAPEL_OK && kind == STAPEL_KIND_ANSWER) {
        stapel_answer answer;
        status = stapel_reply_answer(reply, &answer);
        if (status == STAPEL_OK) {
            p->organisations = answer.organisations;
            p->fresh = answer.fresh;
            p->answered = true;
            status = stapel_reply_standings(reply, p->rows, p->standings, p->count);
        }
    } else if (status == STAPEL_OK && kind >= STAPEL_KIND_REJECTION) {
        stapel_rejection rejection;
        status = stapel_reply_rejection(reply, &rejection);
        if (status == STAPEL_OK) {
            fprintf(stderr, "%s: %.*s\n", stapel_status_code(rejection.status), (int)rejection.sentence.len,
                rejection.sentence.ptr);
            status = rejection.status;
        }
    }
    stapel_reply_free(reply);
    return status;
}

/* ---- Printing ---- */

static void print_text(stapel_str text) {
    fwrite(text.ptr, 1, text.len, stdout);
}

static void print_standing(stapel_standing standing) {
    switch (standing.kind) {
    case STAPEL_STANDING_BELOW_THRESHOLD: fputs("below threshold", stdout); break;
    case STAPEL_STANDING_NO_OWN_FLAG: fputs("no own flag", stdout); break;
    case STAPEL_STANDING_STACKED: fputs("stacked", stdout); break;
    case STAPEL_STANDING_AT_LEAST: printf("stacked at least %u", standing.count); break;
    case STAPEL_STANDING_COUNT: printf("stacked %u", standing.count); break;
    default: fputs("not answered", stdout); break;
    }
}

static void print(const program *p) {
    printf("organisations %u, fresh %u\n", p->organisations, p->fresh);
    for (size_t i = 0; i < p->count; i++) {
        stapel_row row;
        if (stapel_addresses_row(p->rows, i, &row) != STAPEL_OK) {
            return;
        }
        print_text(row.reference);
        putchar('\t');
        if (row.status != STAPEL_OK) {
            printf("-\trefused %s\n", stapel_status_code(row.status));
            continue;
        }
        print_text(row.canonical);
        putchar('\t');
        print_standing(p->standings[i]);
        putchar('\n');
    }
}

/* ---- What goes wrong ---- */

static int show_errors(const char *sandbox, const char *partner) {
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/%s", sandbox, partner);
    stapel_partner *first = NULL, *second = NULL;
    stapel_reply *reply = NULL;
    stapel_status status = stapel_partner_open(dir, STAPEL_NUL_TERMINATED, NULL, 0, 0, &first);
    if (status != STAPEL_OK) {
        fprintf(stderr, "%s: %s\n", stapel_status_code(status), stapel_last_error_message());
        return 1;
    }
    status = stapel_partner_open(dir, STAPEL_NUL_TERMINATED, NULL, 0, 0, &second);
    printf("open twice\t%s\n", stapel_status_code(status));
    status = stapel_partner_read(first, (const uint8_t *)"garbage", 7, now(), &reply);
    printf("reply of garbage\t%s\n", stapel_status_code(status));
    status = stapel_partner_read(first, (const uint8_t *)"", 0, now(), &reply);
    printf("empty reply\t%s\n", stapel_status_code(status));
    stapel_partner_free(first);
    status = stapel_partner_free(first);
    printf("close twice\t%s\n", status == STAPEL_OK || status == STAPEL_ERROR_INVALID_HANDLE ? "harmless" : "harmful");
    uint16_t number = 0;
    status = stapel_partner_number(first, &number);
    printf("use after close\t%s\n", status == STAPEL_ERROR_INVALID_HANDLE ? "refused" : "went through");
    return 0;
}

/* ---- CSV ---- */

/* Takes a field off a line, without its quotes, in place; `*line` becomes what is after it. */
static stapel_str take_field(char **line) {
    char *from = *line, *to = *line;
    const char *begin = to;
    bool quoted = *from == '"';
    if (quoted) {
        from++;
    }
    for (; *from != '\0' && (quoted || *from != ';'); from++) {
        if (quoted && *from == '"') {
            if (from[1] != '"') {
                quoted = false;
                continue;
            }
            from++;
        }
        *to++ = *from;
    }
    *line = *from == ';' ? from + 1 : from;
    return (stapel_str){begin, (size_t)(to - begin)};
}

/* The whole file, with a NUL after it; NULL where it cannot be read. */
static char *read_file(const char *name) {
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *bytes = NULL;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        bytes = malloc((size_t)size + 1);
    }
    if (bytes != NULL && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    if (bytes != NULL) {
        bytes[size] = '\0';
    }
    return bytes;
}

static void free_table(table *rows) {
    free(rows->bytes);
    free(rows->references);
    free(rows->texts);
}

static bool read_csv(const char *file, table *rows) {
    rows->bytes = read_file(file);
    if (rows->bytes == NULL) {
        return false;
    }
    size_t lines = 1;
    for (const char *c = rows->bytes; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    rows->references = calloc(lines, sizeof *rows->references);
    rows->texts = calloc(lines, sizeof *rows->texts);
    if (rows->references == NULL || rows->texts == NULL) {
        return false;
    }
    char *line = rows->bytes;
    for (bool first = true; line != NULL; first = false) {
        char *end = strchr(line, '\n');
        char *next = NULL;
        if (end != NULL) {
            *end = '\0';
            next = end + 1;
        }
        char *last = strchr(line, '\0');
        if (last > line && last[-1] == '\r') {
            last[-1] = '\0';
        }
        if (!first && *line != '\0') {
            rows->references[rows->count] = take_field(&line);
            rows->texts[rows->count] = take_field(&line);
            rows->count++;
        }
        line = next;
    }
    return true;
}

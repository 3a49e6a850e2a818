/* A million addresses across the boundary: `million texts|fields` reads them, `million flag DIR NOW` flags them. The
 * program that runs it times the same from Rust. The addresses are the same there: see million.rs. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "stapel.h"

#define ROWS 1000000

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void ok(stapel_status status) {
    if (status != STAPEL_OK) {
        fprintf(stderr, "%s: %s\n", stapel_status_code(status), stapel_last_error_message());
        exit(1);
    }
}

/* A column of the rows, as a program has it that read a file. */
struct column {
    char *bytes;
    stapel_str *strs;
    uint64_t *ends;
    size_t length;
};

static struct column column(FILE *from) {
    struct column made = {NULL, calloc(ROWS, sizeof(stapel_str)), calloc(ROWS, sizeof(uint64_t)), 0};
    size_t *starts = calloc(ROWS, sizeof(size_t)), room = 64u << 20;
    made.bytes = malloc(room);
    if (made.bytes == NULL || made.strs == NULL || made.ends == NULL || starts == NULL) exit(1);
    for (size_t row = 0; row < ROWS; row++) {
        if (fgets(made.bytes + made.length, (int)(room - made.length), from) == NULL) exit(1);
        starts[row] = made.length;
        made.length += strlen(made.bytes + made.length) - 1;
        made.ends[row] = made.length;
    }
    for (size_t row = 0; row < ROWS; row++) {
        made.strs[row].ptr = made.bytes + starts[row];
        made.strs[row].len = made.ends[row] - starts[row];
    }
    free(starts);
    return made;
}

static void report(const char *what, double start) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s %.6f %ld\n", what, seconds() - start, usage.ru_maxrss);
}

int main(int argc, char **argv) {
    if (argc < 3) return 1;
    FILE *from = fopen(argv[2], "r");
    if (from == NULL) return 1;
    stapel_addresses *rows = NULL;
    if (strcmp(argv[1], "texts") == 0 || strcmp(argv[1], "flag") == 0) {
        struct column texts = column(from);
        for (int round = 0; round < 5; round++) {
            ok(stapel_addresses_free(rows));
            double start = seconds();
            ok(stapel_addresses_from_texts(NULL, texts.strs, NULL, ROWS, &rows));
            report("texts", start);
            ok(stapel_addresses_free(rows));
            start = seconds();
            stapel_packed packed = {texts.bytes, texts.length, texts.ends};
            ok(stapel_addresses_from_packed_texts(NULL, &packed, NULL, ROWS, &rows));
            report("packed texts", start);
        }
    } else {
        struct column four[4] = {column(from), column(from), column(from), column(from)};
        stapel_fields *fields = calloc(ROWS, sizeof(stapel_fields));
        if (fields == NULL) return 1;
        for (size_t row = 0; row < ROWS; row++) {
            stapel_fields made = {.postcode = four[0].strs[row], .number = four[1].strs[row],
                                  .letter = four[2].strs[row], .addition = four[3].strs[row]};
            fields[row] = made;
        }
        for (int round = 0; round < 5; round++) {
            ok(stapel_addresses_free(rows));
            double start = seconds();
            ok(stapel_addresses_from_fields(NULL, fields, NULL, ROWS, &rows));
            report("fields", start);
            ok(stapel_addresses_free(rows));
            start = seconds();
            stapel_packed_fields packed = {.postcode = {four[0].bytes, four[0].length, four[0].ends},
                                           .number = {four[1].bytes, four[1].length, four[1].ends},
                                           .letter = {four[2].bytes, four[2].length, four[2].ends},
                                           .addition = {four[3].bytes, four[3].length, four[3].ends}};
            ok(stapel_addresses_from_packed_fields(NULL, &packed, NULL, ROWS, &rows));
            report("packed fields", start);
        }
    }
    if (strcmp(argv[1], "flag") == 0 && argc == 5) {
        stapel_partner *partner = NULL;
        stapel_changed changed;
        stapel_case by = {{"j.jansen", STAPEL_NUL_TERMINATED}, {"1", STAPEL_NUL_TERMINATED}};
        ok(stapel_partner_open(argv[3], STAPEL_NUL_TERMINATED, NULL, 0, 0, &partner));
        double start = seconds();
        ok(stapel_partner_flag(partner, rows, &by, strtoull(argv[4], NULL, 10), &changed));
        report("flag", start);
        if (changed.added < ROWS / 2) return 1;
        ok(stapel_partner_free(partner));
    }
    ok(stapel_addresses_free(rows));
    return 0;
}

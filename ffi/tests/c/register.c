/* A local register: addresses that it completes, in each shape in which rows are handed over, and what it has on
 * them. */

#include <math.h>

#include "check.h"

#define BOX "9999200000000003" /* of a garage box without a postcode */

static stapel_register *bag;

static void is_read(const char *text, const char *unit, stapel_how how) {
    stapel_address address;
    OK(stapel_address_from_text(bag, text, NUL, &address));
    THAT(strcmp(address.unit, unit) == 0 && address.how == how);
}

static void one_address(void) {
    is_read("Lindepad 12, 9999 XA Lelie", "9999XA|12|", STAPEL_HOW_REGISTERED);
    is_read("9999200000000001", "9999XA|12|", STAPEL_HOW_BY_ID);
    is_read("Lindepad 12, Lelie", "9999XA|12|", STAPEL_HOW_COMPLETED);
    is_read("Kotter 38-02, 9999 XB Lelie", "9999XB|2|", STAPEL_HOW_STREET);
    is_read("Lindepad 14-hs, 9999 XA", "9999XA|14|H", STAPEL_HOW_OTHER_SPELLING);
    is_read("Lindepad 99, 9999 XA", "9999XA|99|", STAPEL_HOW_UNREGISTERED);
    is_read("Lindepad 10, 9999 XA", "9999XA|10|", STAPEL_HOW_WITHDRAWN);
    is_read("Lindepad 12 G1, Lelie", BOX, STAPEL_HOW_COMPLETED);

    stapel_address address;
    OK(stapel_address_from_text(bag, "Lindepad 12 G1, Lelie", NUL, &address));
    THAT(address.number[0] == 0);
    IS(STAPEL_ERROR_SUFFIX_UNCLEAR, stapel_address_from_text(NULL, "Lindepad 12, Lelie", NUL, &address));
    IS(STAPEL_ERROR_SEVERAL_IN_REGISTER, stapel_address_from_text(bag, "Lindepad 18, Lelie", NUL, &address));
    THAT(strstr(stapel_last_error_message(), "more than one address") != NULL);
    THAT(address.unit[0] == 0 && address.number[0] == 0 && address.how == STAPEL_HOW_NONE);
    IS(STAPEL_ERROR_NOT_IN_REGISTER, stapel_address_from_text(bag, "Lindepad 19, Lelie", NUL, &address));
    IS(STAPEL_ERROR_BAG_ID_UNKNOWN, stapel_address_from_text(bag, "9999200000000099", NUL, &address));
    IS(STAPEL_ERROR_BAG_ID_WITHDRAWN, stapel_address_from_text(bag, "9999200000000007", NUL, &address));
    THAT(strstr(stapel_last_error_message(), "9999XA|12|") != NULL);
    IS(STAPEL_ERROR_SUFFIX_IN_WORDS,
        stapel_address_from_text(bag, "Lindepad 12, 2e verdieping, 9999 XA", NUL, &address));
    THAT(address.unit[0] == 0 && strcmp(address.number, "9999XA|12") == 0);

    stapel_fields fields = {.number = str("12"), .addition = str("g1"), .street = str("Lindepad"),
                            .town = str("Lelie")};
    OK(stapel_address_from_fields(bag, &fields, &address));
    THAT(strcmp(address.unit, BOX) == 0 && address.how == STAPEL_HOW_COMPLETED);
    IS(STAPEL_ERROR_NO_POSTCODE, stapel_address_from_fields(NULL, &fields, &address));
    fields.street = str("\xff");
    IS(STAPEL_ERROR_NOT_UTF8, stapel_address_from_fields(bag, &fields, &address));
    THAT(strstr(stapel_last_error_message(), "straat") != NULL);
}

/* What every batch of three has: one that is completed, one that is refused, one that the register does not have. */
static void rows_are_those(stapel_addresses *rows, const char *typed) {
    stapel_row row;
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(row.status == STAPEL_OK && row.how == STAPEL_HOW_COMPLETED && same(row.canonical, "9999XA|12|"));
    THAT(same(row.number, "9999XA|12") && same(row.reference, "Z-1"));
    THAT(same(row.typed, typed));
    OK(stapel_addresses_refused_row(rows, 0, &row));
    THAT(row.row == 1 && row.status == STAPEL_ERROR_SEVERAL_IN_REGISTER && row.how == STAPEL_HOW_NONE);
    THAT(row.canonical.ptr == NULL && row.number.ptr == NULL && same(row.field, "line") && row.message.len > 20);
    THAT(same(row.reference, "Z-2"));
    OK(stapel_addresses_row(rows, 2, &row));
    THAT(row.how == STAPEL_HOW_UNREGISTERED && same(row.canonical, "9999XA|99|"));

    stapel_how_counts counts;
    OK(stapel_addresses_how_counts(rows, &counts));
    THAT(counts.completed == 1 && counts.unregistered == 1 && counts.registered == 0 && counts.by_id == 0);
    THAT(counts.street == 0 && counts.other_spelling == 0 && counts.withdrawn == 0);

    /* House numbers are found as their homes were. */
    stapel_addresses *numbers = NULL;
    OK(stapel_addresses_numbers(rows, &numbers));
    OK(stapel_addresses_row(numbers, 2, &row));
    THAT(row.how == STAPEL_HOW_UNREGISTERED && same(row.canonical, "9999XA|99") && same(row.number, "9999XA|99"));
    OK(stapel_addresses_row(numbers, 1, &row));
    THAT(row.status == STAPEL_ERROR_SEVERAL_IN_REGISTER);
    OK(stapel_addresses_free(numbers));
    OK(stapel_addresses_free(rows));
}

static void rows_in_each_shape(void) {
    stapel_addresses *rows = NULL;
    stapel_str references[] = {str("Z-1"), str("Z-2"), str("Z-3")};
    uint64_t reference_ends[] = {3, 6, 9};
    stapel_packed packed_references = {"Z-1Z-2Z-3", 9, reference_ends};

    stapel_str texts[] = {str("Lindepad 12, Lelie"), str("Lindepad 18, Lelie"), str("Lindepad 99, 9999 XA")};
    OK(stapel_addresses_from_texts(bag, texts, references, 3, &rows));
    rows_are_those(rows, "Lindepad 12, Lelie");

    stapel_str street = str("Lindepad"), town = str("Lelie");
    stapel_fields fields[] = {{.number = str("12"), .street = street, .town = town},
                              {.number = str("18"), .street = street, .town = town},
                              {.postcode = str("9999XA"), .number = str("99")}};
    OK(stapel_addresses_from_fields(bag, fields, references, 3, &rows));
    rows_are_those(rows, "Lindepad 12 Lelie");

    uint64_t text_ends[] = {18, 36, 56};
    stapel_packed packed = {"Lindepad 12, LelieLindepad 18, LelieLindepad 99, 9999 XA", 56, text_ends};
    OK(stapel_addresses_from_packed_texts(bag, &packed, &packed_references, 3, &rows));
    rows_are_those(rows, "Lindepad 12, Lelie");

    uint64_t none[] = {0, 0, 0}, postcodes[] = {0, 0, 6}, numbers[] = {2, 4, 6}, streets[] = {8, 16, 16};
    uint64_t towns[] = {5, 10, 10};
    stapel_packed_fields columns = {.postcode = {"9999XA", 6, postcodes},
                                    .number = {"121899", 6, numbers},
                                    .letter = {NULL, 0, none},
                                    .addition = {NULL, 0, none},
                                    .street = {"LindepadLindepad", 16, streets},
                                    .town = {"LelieLelie", 10, towns}};
    OK(stapel_addresses_from_packed_fields(bag, &columns, &packed_references, 3, &rows));
    rows_are_those(rows, "Lindepad 12 Lelie");

    /* Without a register street and town decide nothing, and with one they may be left out. */
    stapel_row row;
    OK(stapel_addresses_from_packed_fields(NULL, &columns, NULL, 3, &rows));
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(row.status == STAPEL_ERROR_NO_POSTCODE && row.how == STAPEL_HOW_NONE);
    stapel_how_counts counts = {1, 1, 1, 1, 1, 1, 1}, no_counts = {0, 0, 0, 0, 0, 0, 0};
    OK(stapel_addresses_how_counts(rows, &counts));
    THAT(memcmp(&counts, &no_counts, sizeof counts) == 0);
    OK(stapel_addresses_free(rows));
    stapel_packed no_column = {NULL, 0, NULL};
    columns.street = columns.town = no_column;
    OK(stapel_addresses_from_packed_fields(bag, &columns, NULL, 3, &rows));
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(row.status == STAPEL_ERROR_NO_POSTCODE);
    OK(stapel_addresses_row(rows, 2, &row));
    THAT(row.how == STAPEL_HOW_UNREGISTERED && row.number.len > 0);
    OK(stapel_addresses_free(rows));

    /* Ids, of which one lost its zeros: as texts. A home without a postcode is in no house number. */
    stapel_str ids[] = {str(BOX), str("9999010000000002"), str("99")};
    OK(stapel_addresses_from_texts(bag, ids, NULL, 3, &rows));
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(row.how == STAPEL_HOW_BY_ID && same(row.canonical, BOX) && row.number.ptr == NULL);
    /* So it stays as it is where house numbers are made of the rows, with its text. */
    stapel_addresses *in_numbers = NULL;
    OK(stapel_addresses_numbers(rows, &in_numbers));
    OK(stapel_addresses_row(in_numbers, 0, &row));
    THAT(row.how == STAPEL_HOW_BY_ID && same(row.canonical, BOX) && same(row.typed, BOX));
    OK(stapel_addresses_row(in_numbers, 1, &row));
    THAT(same(row.canonical, "9999XA|14") && row.typed.ptr == NULL);
    OK(stapel_addresses_free(in_numbers));
    OK(stapel_addresses_row(rows, 1, &row));
    THAT(same(row.canonical, "9999XA|14|H"));
    OK(stapel_addresses_free(rows));
}

/* The house numbers of refused rows count alone, but for those that the register does not have or that are no more. */
static void numbers_of_refused(const char *root, uint64_t now) {
    stapel_str texts[] = {str("Lindepad 12, 2e verdieping, 9999 XA"), str("geen adres"),
                          str("Lindepad 77, 2e verdieping, 9999 XA"), str("Lindepad 10, 2e verdieping, 9999 XA"),
                          str("Lindepad 12, Lelie"), str("Lindepad 12, 3e verdieping, 9999 XA")};
    stapel_str references[] = {str("Z-1"), str("Z-2"), str("Z-3"), str("Z-4"), str("Z-5"), str("Z-6")};
    stapel_addresses *rows = NULL, *numbers = NULL, *of_numbers = NULL, *flags = NULL;
    stapel_how_counts counts;
    stapel_row row;
    size_t count = 0, refused = 0;
    OK(stapel_addresses_from_texts(bag, texts, references, 6, &rows));
    OK(stapel_addresses_refused_numbers(rows, &numbers));
    OK(stapel_addresses_count(numbers, &count, &refused));
    THAT(count == 2 && refused == 0);
    OK(stapel_addresses_row(numbers, 0, &row));
    THAT(row.status == STAPEL_OK && row.level == STAPEL_LEVEL_NUMBER && row.how == STAPEL_HOW_REGISTERED);
    THAT(same(row.canonical, "9999XA|12") && same(row.number, "9999XA|12") && same(row.reference, "Z-1"));
    THAT(same(row.typed, "Lindepad 12, 2e verdieping, 9999 XA"));
    OK(stapel_addresses_row(numbers, 1, &row));
    THAT(same(row.canonical, "9999XA|12") && same(row.reference, "Z-6"));
    THAT(same(row.typed, "Lindepad 12, 3e verdieping, 9999 XA"));
    OK(stapel_addresses_how_counts(numbers, &counts));
    THAT(counts.registered == 2 && counts.unregistered == 0 && counts.withdrawn == 0);
    /* The rows themselves say nothing else than before. */
    OK(stapel_addresses_refused_row(rows, 2, &row));
    THAT(row.row == 2 && row.typed.ptr == NULL && same(row.number, "9999XA|77"));

    stapel_partner *partner = open_partner(root, "1");
    stapel_case by_whom = by();
    stapel_changed changed;
    stapel_messages *messages = NULL;
    OK(stapel_partner_flag(partner, numbers, &by_whom, now, &changed));
    THAT(changed.added == 1 && changed.repeated == 1 && changed.refused == 0);
    OK(stapel_partner_flags(partner, &flags));
    OK(stapel_addresses_row(flags, 0, &row));
    THAT(row.level == STAPEL_LEVEL_NUMBER && same(row.canonical, "9999XA|12"));
    THAT(same(row.typed, "Lindepad 12, 2e verdieping, 9999 XA"));
    OK(stapel_partner_ask(partner, numbers, &by_whom, now, &messages));
    OK(stapel_partner_withdraw(partner, numbers, &by_whom, now, &changed));
    THAT(changed.withdrawn == 1);
    OK(stapel_messages_free(messages));
    OK(stapel_addresses_free(flags));
    OK(stapel_addresses_free(numbers));

    /* The numbers of the rows have them too. */
    OK(stapel_addresses_numbers(rows, &of_numbers));
    OK(stapel_addresses_refused_numbers(of_numbers, &numbers));
    OK(stapel_addresses_row(numbers, 1, &row));
    THAT(same(row.reference, "Z-6") && same(row.typed, "Lindepad 12, 3e verdieping, 9999 XA"));
    OK(stapel_addresses_free(numbers));
    OK(stapel_addresses_free(of_numbers));
    OK(stapel_addresses_free(rows));

    /* Without a register all that are certain. */
    stapel_fields fields[] = {{.postcode = str("9999XA"), .number = str("77"), .addition = str("2 hoog"),
                               .street = str("Lindepad")},
                              {.postcode = str("9999XA"), .number = str("12")}};
    OK(stapel_addresses_from_fields(NULL, fields, NULL, 2, &rows));
    OK(stapel_addresses_refused_numbers(rows, &numbers));
    OK(stapel_addresses_count(numbers, &count, &refused));
    THAT(count == 1);
    OK(stapel_addresses_row(numbers, 0, &row));
    THAT(same(row.canonical, "9999XA|77") && row.how == STAPEL_HOW_NONE && row.reference.ptr == NULL);
    THAT(same(row.typed, "Lindepad 77 2 hoog 9999XA"));
    OK(stapel_addresses_free(numbers));
    OK(stapel_addresses_free(rows));
    OK(stapel_partner_free(partner));
}

/* A home without a postcode is withdrawn by its row among the flags: without a register its id cannot be read, and a
 * later one may say that it was withdrawn. */
static void flags_are_picked(const char *root, uint64_t now) {
    stapel_str texts[] = {str("Lindepad 12, Lelie"), str("geen adres"), str("Lindepad 12 G1, Lelie"),
                          str("Lindepad 14H, Lelie"), str("Lindepad 12, 2e verdieping, 9999 XA")};
    stapel_str references[] = {str("Z-1"), str("Z-2"), str("Z-3"), str("Z-4"), str("Z-5")};
    stapel_addresses *rows = NULL, *flags = NULL, *picked = NULL, *alone = NULL;
    stapel_partner *partner = open_partner(root, "1");
    stapel_case by_whom = by();
    stapel_changed changed;
    stapel_row row;
    size_t count = 0, refused = 0;
    OK(stapel_addresses_from_texts(bag, texts, references, 5, &rows));
    OK(stapel_partner_flag(partner, rows, &by_whom, now, &changed));
    THAT(changed.added == 3 && changed.refused == 2);

    /* In the order that they are named in, refused ones too. */
    uint64_t some[] = {2, 1, 4, 2};
    OK(stapel_addresses_pick(rows, some, 4, &picked));
    OK(stapel_addresses_count(picked, &count, &refused));
    THAT(count == 4 && refused == 2);
    OK(stapel_addresses_row(picked, 0, &row));
    THAT(same(row.canonical, BOX) && same(row.reference, "Z-3") && row.how == STAPEL_HOW_COMPLETED);
    THAT(same(row.typed, "Lindepad 12 G1, Lelie"));
    OK(stapel_addresses_row(picked, 1, &row));
    THAT(row.status != STAPEL_OK && same(row.reference, "Z-2") && row.row == 1);
    OK(stapel_addresses_row(picked, 3, &row));
    THAT(same(row.canonical, BOX) && row.row == 3);
    OK(stapel_addresses_refused_numbers(picked, &alone));
    OK(stapel_addresses_row(alone, 0, &row));
    THAT(same(row.reference, "Z-5") && same(row.typed, "Lindepad 12, 2e verdieping, 9999 XA"));
    OK(stapel_addresses_free(alone));
    OK(stapel_addresses_free(picked));
    picked = NULL;
    uint64_t past[] = {5}, far[] = {UINT64_MAX};
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_addresses_pick(rows, past, 1, &picked));
    IS(STAPEL_ERROR_INVALID_ARGUMENT, stapel_addresses_pick(rows, far, 1, &picked));
    THAT(picked == NULL);
    OK(stapel_addresses_pick(rows, NULL, 0, &picked));
    OK(stapel_addresses_count(picked, &count, &refused));
    THAT(count == 0);
    OK(stapel_addresses_free(picked));

    OK(stapel_partner_flags(partner, &flags));
    OK(stapel_addresses_row(flags, 0, &row));
    THAT(same(row.canonical, BOX) && same(row.typed, "Lindepad 12 G1, Lelie"));
    uint64_t box[] = {0};
    OK(stapel_addresses_pick(flags, box, 1, &picked));
    OK(stapel_partner_withdraw(partner, picked, &by_whom, now, &changed));
    THAT(changed.withdrawn == 1);
    /* All of them: the box is gone already. */
    OK(stapel_partner_withdraw(partner, flags, &by_whom, now, &changed));
    THAT(changed.withdrawn == 2 && changed.unchanged == 1);
    OK(stapel_addresses_free(picked));
    OK(stapel_addresses_free(flags));
    OK(stapel_addresses_free(rows));
    OK(stapel_partner_free(partner));
}

static stapel_findings *look_up(const char *canonical, size_t expected) {
    stapel_findings *findings = NULL;
    size_t count = 0;
    OK(stapel_register_look_up(bag, canonical, NUL, &findings));
    OK(stapel_findings_count(findings, &count));
    THAT(count == expected);
    return findings;
}

static void findings(void) {
    stapel_register_entry entry;
    stapel_str now;
    stapel_findings *found = look_up("9999XA|14|H", 1);
    OK(stapel_findings_get(found, 0, &entry));
    THAT(same(entry.canonical, "9999XA|14|H") && same(entry.street, "Lindepad") && same(entry.town, "Lelie"));
    THAT(same(entry.postcode, "9999XA") && entry.number == 14 && same(entry.letter, "H") && entry.addition.len == 0);
    THAT(same(entry.id, "9999200000000002") && same(entry.object, "9999010000000002"));
    THAT(same(entry.building, "9999100000000001") && !entry.is_secondary && !entry.is_withdrawn);
    THAT(fabs(entry.latitude - 52.329131) < 1e-6 && fabs(entry.longitude - 5.035145) < 1e-6);
    OK(stapel_findings_now(found, &now));
    THAT(now.ptr == NULL);
    OK(stapel_findings_free(found));

    found = look_up(BOX, 1);
    OK(stapel_findings_get(found, 0, &entry));
    THAT(entry.postcode.len == 0 && same(entry.addition, "G1") && isnan(entry.latitude) && isnan(entry.longitude));
    OK(stapel_findings_free(found));

    /* Withdrawn, and its object has another address now. */
    found = look_up("9999XA|10|", 1);
    OK(stapel_findings_get(found, 0, &entry));
    THAT(entry.is_withdrawn);
    OK(stapel_findings_now(found, &now));
    THAT(same(now, "9999XA|12|"));
    OK(stapel_findings_free(found));

    OK(stapel_findings_free(look_up("9999XA|16|", 2)));
    OK(stapel_findings_free(look_up("9999XA|99|", 0)));
    found = NULL;
    IS(STAPEL_ERROR_NOT_CANONICAL, stapel_register_look_up(bag, "Lindepad 12, 9999 XA", NUL, &found));
    THAT(found == NULL);
}

int main(int argc, char **argv) {
    THAT(argc == 3);
    char *file = in(argv[1], "bag.stapel"), *no_register = in(argv[1], "policy.toml"), *none = in(argv[1], "none");
    stapel_register_about about;
    IS(STAPEL_ERROR_IO, stapel_register_open(none, NUL, &bag));
    IS(STAPEL_ERROR_REGISTER, stapel_register_open(no_register, NUL, &bag));
    THAT(bag == NULL);
    OK(stapel_register_open(file, NUL, &bag));
    OK(stapel_register_describe(bag, &about));
    THAT(about.addresses == 9 && about.withdrawn == 1 && strcmp(about.source_day, "2026-11-01") == 0);

    one_address();
    rows_in_each_shape();
    numbers_of_refused(argv[1], strtoull(argv[2], NULL, 10));
    flags_are_picked(argv[1], strtoull(argv[2], NULL, 10));
    findings();

    /* Rows that were read with it stay. */
    stapel_addresses *rows = NULL;
    stapel_str text = str("Lindepad 12, Lelie");
    stapel_row row;
    OK(stapel_addresses_from_texts(bag, &text, NULL, 1, &rows));
    OK(stapel_register_free(bag));
    IS(STAPEL_ERROR_INVALID_HANDLE, stapel_register_free(bag));
    OK(stapel_addresses_row(rows, 0, &row));
    THAT(same(row.canonical, "9999XA|12|"));
    stapel_address address;
    IS(STAPEL_ERROR_INVALID_HANDLE, stapel_address_from_text(bag, "1012JS 1", NUL, &address));
    OK(stapel_addresses_free(rows));

    size_t open = 1;
    OK(stapel_open_handles(&open));
    THAT(open == 0);
    free(file), free(no_register), free(none);
    puts("the register is done");
    return 0;
}

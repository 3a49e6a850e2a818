// What the example does not show, on a fresh sandbox: test SANDBOX_DIR.

#include "stapel.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

const stapel::acting BY{"é. tester", "T-1"};

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            std::cerr << __FILE__ << ':' << __LINE__ << ": " #what << '\n';  \
            std::exit(1);                                                    \
        }                                                                    \
    } while (false)

template <class Call> std::string code_of(Call call) {
    try {
        call();
        return "went through";
    } catch (const stapel::error &error) {
        CHECK(!std::string_view(error.what()).empty());
        return error.code();
    }
}

// Whether an argument is refused before the library is called.
template <class Call> bool refuses(Call call) {
    try {
        call();
        return false;
    } catch (const std::invalid_argument &) {
        return true;
    }
}

static_assert(!std::is_copy_constructible_v<stapel::partner> && std::is_nothrow_move_constructible_v<stapel::partner>);
static_assert(!std::is_copy_assignable_v<stapel::reply> && std::is_nothrow_move_assignable_v<stapel::reply>);

template <class Flag>
constexpr bool is_accepted =
    std::is_invocable_v<decltype(&stapel::broker::release), stapel::broker, Flag, std::uint64_t>
    || std::is_invocable_v<decltype(&stapel::partner::replace_all), stapel::partner, const stapel::addresses &, Flag,
        const stapel::acting &, std::uint64_t>;
static_assert(is_accepted<bool> && is_accepted<const bool &>);
// Of a text C++ would make true, and of the time where nothing else is given.
static_assert(!is_accepted<const char *> && !is_accepted<std::uint64_t> && !is_accepted<int> && !is_accepted<double>);
static_assert(!is_accepted<std::nullptr_t> && !is_accepted<std::string>);

void test_addresses() {
    auto rows = stapel::addresses::from_texts({"Dam 1-a, 1012 JS Amsterdam", "geen adres", "\xff", {}, "1012JS|1|A"},
        {"a", "b", {}, "d", "é"});
    CHECK(rows.size() == 5 && rows.refused() == 3);
    CHECK(rows.lines().text() == "1012JS|1|A\n\n\n\n1012JS|1|A\n");
    CHECK(rows[2].status == STAPEL_ERROR_NOT_UTF8 && rows[3].code() == std::string_view("empty"));
    CHECK(rows[4].reference == "é" && rows[2].reference.empty() && rows.refused_row(2).index == 3);
    CHECK(rows.numbers()[0].canonical == "1012JS|1" && rows.numbers()[0].level == STAPEL_LEVEL_NUMBER);
    CHECK(code_of([&] { rows[5]; }) == "invalid_argument");

    auto moved = std::move(rows);
    CHECK(!rows.is_open() && moved.size() == 5);
    CHECK(code_of([&] { rows.size(); }) == "invalid_handle");

    auto of_fields = stapel::addresses::from_fields({{"1012JS", "1", "a", {}}, {"1012JS", "0", {}, {}}});
    CHECK(of_fields[0].canonical == "1012JS|1|A" && of_fields[0].reference.empty());
    CHECK(of_fields[1].status == STAPEL_ERROR_NUMBER_ZERO && of_fields[1].field == "huisnummer"
        && !of_fields[1].message.empty());
    CHECK(stapel::addresses::from_texts({}).size() == 0);
    CHECK(code_of([] { stapel::addresses::from_texts({"a"}, {"\xff"}); }) == "not_utf8");
    try {
        stapel::addresses::from_texts({"a"}, {"b", "c"});
        CHECK(!"went through");
    } catch (const std::invalid_argument &) {
    }
    CHECK(stapel::address::from_text("Dam 1-a, 1012 JS Amsterdam").unit == "1012JS|1|A");
    CHECK(stapel::address::from_fields({"1012JS", "1", {}, {}}).number == "1012JS|1");
    CHECK(code_of([] { stapel::address::from_text({}); }) == "empty");
}

void test_number_of_a_refused_home() {
    auto number_of = [](auto call) {
        try {
            call();
            return std::string("went through");
        } catch (const stapel::error &error) {
            return std::string(error.number());
        }
    };
    CHECK(number_of([] { stapel::address::from_text("Dam 1, 2e verdieping, 1012 JS"); }) == "1012JS|1");
    CHECK(number_of([] { stapel::address::from_fields({"1012JS", "1", "AB", {}}); }) == "1012JS|1");
    CHECK(number_of([] { stapel::address::from_text("Dam 1"); }).empty());
    auto rows = stapel::addresses::from_texts({"Dam 1, 2e verdieping, 1012 JS", "Dam 1", "Dam 1-a, 1012 JS"});
    CHECK(rows[0].refused() && rows[0].number == "1012JS|1" && rows[1].number.empty() && rows[2].number == "1012JS|1");
    CHECK(rows.numbers()[0].refused() && rows.numbers()[0].number == "1012JS|1");
    auto picked = rows.pick({2, 0});
    CHECK(picked.size() == 2 && picked[0].canonical == "1012JS|1|A" && picked[0].typed == "Dam 1-a, 1012 JS");
    CHECK(picked[1].refused() && rows.pick({}).size() == 0);
    CHECK(code_of([&] { rows.pick({3}); }) == "invalid_argument");
    auto alone = rows.refused_numbers();
    CHECK(alone.size() == 1 && alone[0].canonical == "1012JS|1" && alone[0].level == STAPEL_LEVEL_NUMBER);
    CHECK(alone[0].typed == "Dam 1, 2e verdieping, 1012 JS" && alone[0].how == STAPEL_HOW_NONE);
}

void test_register(const std::string &sandbox) {
    auto bag = stapel::local_register::open(sandbox + "/bag.stapel");
    auto about = bag.describe();
    CHECK(about.addresses == 19 && about.withdrawn == 1 && std::string_view(about.source_day).size() == 10);
    const std::string_view garage = "9999200000000014";
    struct {
        std::string_view text, unit;
        stapel_how how;
    } cases[] = {
        {"Kerkplein 5, 9999 XB", "9999XB|5|", STAPEL_HOW_REGISTERED},
        {"9999200000000001", "9999XA|12|A", STAPEL_HOW_BY_ID},
        {"Kerkplein 5, Voorbeeldstad", "9999XB|5|", STAPEL_HOW_COMPLETED},
        {"Kotter 38-2, 9999 XG", "9999XG|2|", STAPEL_HOW_STREET},
        {"Havenweg 105-hs, 9999 XC", "9999XC|105|H", STAPEL_HOW_OTHER_SPELLING},
        {"Kerkplein 99, 9999 XB", "9999XB|99|", STAPEL_HOW_UNREGISTERED},
        {"Kerkplein 7, 9999 XB", "9999XB|7|", STAPEL_HOW_WITHDRAWN},
    };
    for (const auto &one : cases) {
        auto read = stapel::address::from_text(one.text, &bag);
        CHECK(read.unit == one.unit && read.how == one.how);
    }
    auto of_fields = stapel::address::from_fields({{}, "16", {}, "g1", "Lindelaan", "Voorbeeldstad"}, &bag);
    CHECK(of_fields.unit == garage && of_fields.number.empty() && of_fields.how == STAPEL_HOW_COMPLETED);
    CHECK(code_of([] { stapel::address::from_fields({{}, "5", {}, {}, "Kerkplein", "Voorbeeldstad"}); })
        == "no_postcode");
    CHECK(code_of([&] { stapel::address::from_text("9999200000000099", &bag); }) == "bag_id_unknown");
    CHECK(code_of([&] { stapel::address::from_text("9999200000000005", &bag); }) == "bag_id_withdrawn");
    CHECK(code_of([&] { stapel::address::from_text("Kerkplein 99, Voorbeeldstad", &bag); }) == "not_in_register");
    CHECK(code_of([&] { stapel::address::from_text("Dorpsstraat 3, Voorbeeldstad", &bag); }) == "several_in_register");

    stapel::addresses batches[] = {
        stapel::addresses::from_texts({"Kerkplein 5, Voorbeeldstad", "Dorpsstraat 3, Voorbeeldstad",
            "Kerkplein 99, 9999 XB"}, {"Z-1", "Z-2", "Z-3"}, &bag),
        stapel::addresses::from_fields({{{}, "5", {}, {}, "Kerkplein", "Voorbeeldstad"},
            {{}, "3", {}, {}, "Dorpsstraat", "Voorbeeldstad"}, {"9999XB", "99", {}, {}}}, {"Z-1", "Z-2", "Z-3"}, &bag),
    };
    for (const auto &rows : batches) {
        CHECK(rows[0].canonical == "9999XB|5|" && rows[0].how == STAPEL_HOW_COMPLETED && rows[0].number == "9999XB|5");
        CHECK(rows[1].code() == std::string_view("several_in_register") && rows[1].how == STAPEL_HOW_NONE);
        CHECK(rows[0].typed.substr(0, 11) == "Kerkplein 5" && rows[1].typed.empty());
        CHECK(rows[1].field == "line" && rows[1].reference == "Z-2" && rows[1].number.empty());
        CHECK(rows[2].canonical == "9999XB|99|" && rows[2].how == STAPEL_HOW_UNREGISTERED);
        auto counts = rows.how_counts();
        CHECK(counts.completed == 1 && counts.unregistered == 1 && counts.registered == 0 && counts.withdrawn == 0);
    }

    auto alone = stapel::addresses::from_texts({"Kerkplein 5, 2e verdieping, 9999 XB",
        "Kerkplein 99, 2e verdieping, 9999 XB"}, {"Z-1", "Z-2"}, &bag).refused_numbers();
    CHECK(alone.size() == 1 && alone[0].canonical == "9999XB|5" && alone[0].how == STAPEL_HOW_REGISTERED);
    CHECK(alone[0].reference == "Z-1");

    auto found = bag.look_up("9999XB|7|");
    CHECK(found.size() == 1 && found.now() == "9999XB|5|");
    for (const stapel::register_entry &entry : found) {
        CHECK(entry.canonical == "9999XB|7|" && entry.street == "Kerkplein" && entry.town == "Voorbeeldstad");
        CHECK(entry.postcode == "9999XB" && entry.number == 7 && entry.letter.empty() && entry.addition.empty());
        CHECK(entry.id == "9999200000000005" && entry.object == "9999010000000004");
        CHECK(entry.building == "9999100000000001" && entry.at == std::pair(53.25, 4.5));
        CHECK(entry.is_withdrawn && !entry.is_secondary);
    }
    CHECK(bag.look_up("9999XB|9|")[0].is_secondary && bag.look_up("9999XB|9|").now().empty());
    CHECK(!bag.look_up(garage)[0].at && bag.look_up(garage)[0].addition == "G1");
    CHECK(bag.look_up("9999XB|99|").size() == 0);
    CHECK(code_of([&] { bag.look_up("Kerkplein 5, 9999 XB"); }) == "not_canonical");
    bag.close();
    CHECK(code_of([&] { stapel::address::from_text("9999XB|5|", &bag); }) == "invalid_handle");
    CHECK(batches[0][0].canonical == "9999XB|5|");
    CHECK(code_of([&] { stapel::local_register::open(sandbox + "/policy.toml"); }) == "register");
    CHECK(code_of([&] { stapel::local_register::open(sandbox + "/no.stapel"); }) == "io");
}

void test_partner_and_broker(const std::string &sandbox) {
    auto rows = stapel::addresses::from_texts({"Molenstraat 12-A, 9999 XA", "Kerkplein 5, 9999 XB",
        "Nieuwweg 1, 9999 XX"});
    auto partner = stapel::partner::open(sandbox + "/partner");
    auto broker = stapel::broker::open(sandbox + "/broker", sandbox + "/broker/keys");
    auto carry = [&](const stapel::messages &messages) {
        CHECK(messages.size() == 1);
        return partner.read(broker.handle_message(messages[0]).bytes());
    };

    CHECK(partner.number() == 1 && partner.flags().size() == 0);
    CHECK(code_of([&] { partner.renew(rows, "being_acted_on", BY); }) == "not_flagged");
    CHECK(code_of([&] { partner.flag_until(rows, "2020-01-31", BY); }) == "last_day");
    CHECK(code_of([&] { partner.flag_until(rows, {}, BY); }) == "invalid_argument");
    CHECK(code_of([&] { partner.flag(rows, {{}, "T-1"}); }) == "case");
    CHECK(partner.flag(rows, BY).added == 3);
    CHECK(partner.renew(rows, "being_acted_on", BY).added == 0);
    CHECK(partner.flags().lines().text() == "9999XA|12|A\n9999XB|5|\n9999XX|1|\n");
    CHECK(partner.flags()[0].typed == "Molenstraat 12-A, 9999 XA" && rows[0].typed == "Molenstraat 12-A, 9999 XA");
    auto receipt = carry(partner.deliver());
    CHECK(receipt.kind() == STAPEL_KIND_RECEIPT && receipt.receipt().held == 6);
    CHECK(code_of([&] { receipt.answer(); }) == "invalid_argument");

    auto own = carry(partner.ask_own(BY));
    CHECK(own.size() == 6 && own.answer().organisations == 4);
    std::string told;
    for (const stapel::answer_row &row : own) {
        if (row.canonical == "9999XA|12|A" || row.canonical == "9999XA|12") {
            CHECK(row.typed == "Molenstraat 12-A, 9999 XA");
        }
        if (row.level == STAPEL_LEVEL_UNIT) {
            told += std::string(row.canonical) + " " + stapel::to_string(row.standing) + "\n";
        }
    }
    CHECK(told == "9999XA|12|A stacked at least 3\n9999XB|5| stacked 2\n9999XX|1| below threshold\n");
    auto more = stapel::addresses::from_texts({"x", "Kerkplein 5, 9999 XB", "Elders 1, 9999 XY"});
    std::vector<stapel_standing> standings;
    own.standings(more, standings);
    CHECK(standings.size() == 3 && standings[0].kind == STAPEL_STANDING_REFUSED);
    CHECK(stapel::to_string(standings[1]) == "stacked 2" && stapel::to_string(standings[2]).empty());
    std::vector<stapel_standing> none;
    own.standings(stapel::addresses::from_texts({}), none);
    CHECK(none.empty());
    auto news = partner.news();
    CHECK(news.size() == 4 && news[3].canonical == "9999XB|5|" && news[3].change == STAPEL_CHANGE_NEWLY_STACKED);
    CHECK(news[3].typed == "Kerkplein 5, 9999 XB" && news[0].typed == "Molenstraat 12-A, 9999 XA");
    CHECK(partner.news().size() == 0);

    CHECK(code_of([&] { partner.sweep(more, "verhuizing", BY); }) == "not_permitted");
    auto question = partner.ask(more, BY);
    CHECK(partner.in_flight().size() == 1);
    partner.give_up(question[0]);
    CHECK(partner.in_flight().size() == 0);
    CHECK(code_of([&] { partner.read(broker.handle_message(question[0]).bytes()); }) == "unexpected_reply");
    auto hint = partner.read(broker.handle_message(std::string_view("nothing")).bytes());
    CHECK(hint.is_rejection() && hint.kind() == STAPEL_KIND_HINT && hint.rejection().status == STAPEL_ERROR_MALFORMED);
    CHECK(carry(partner.confirm()).kind() == STAPEL_KIND_RECEIPT);
    CHECK(carry(partner.status()).status().held == 6);

    CHECK(code_of([&] { partner.replace_all(stapel::addresses::from_texts({}), false, BY); }) == "shrink");
    CHECK(partner.replace_all(stapel::addresses::from_texts({}), true, BY).withdrawn == 3);
    CHECK(partner.withdraw(rows, BY).withdrawn == 0);
    CHECK(partner.accept_clock(BY) == 0);
    CHECK(broker.status().find("\"policy_version\":1") != std::string::npos && broker.release()[0] == '[');
    CHECK(code_of([&] { partner.adopt_policy(sandbox + "/policy.toml"); }) == "policy_successor");
    CHECK(code_of([&] { partner.add_secret(sandbox + "/no.secret"); }) == "io");
}

void test_new_folders(const std::string &sandbox) {
    std::string here = sandbox + "/new";
    std::filesystem::create_directory(here);
    CHECK(stapel::partner::init(here + "/nieuw", 9).size() == 64);
    CHECK(code_of([&] { stapel::partner::init(here + "/nieuw", 9); }) == "partner_folder");
    CHECK(code_of([&] { stapel::partner::join(here + "/nieuw", sandbox + "/policy.toml"); }) == "not_in_roster");
    std::string data = here + "/data", apart = here + "/apart";
    CHECK(stapel::partner::init(data, 9, apart).size() == 64);
    CHECK(std::filesystem::exists(apart + "/partner.key") && !std::filesystem::exists(data + "/partner.key"));
    CHECK(code_of([&] { stapel::partner::open(data); }) == "partner_folder");
    CHECK(code_of([&] { stapel::partner::join(data, sandbox + "/policy.toml", apart); }) == "not_in_roster");
    CHECK(code_of([&] { stapel::partner::open(data, apart); }) == "io");
    const auto self = stapel::partner::open(sandbox + "/partner");
    CHECK(code_of([&] { stapel::partner::open(sandbox + "/partner", {}, std::chrono::milliseconds(20)); })
        == "folder_in_use");
    CHECK(refuses([&] { stapel::partner::open(sandbox + "/partner", {}, std::chrono::milliseconds(-1)); }));
    CHECK(refuses([&] { stapel::partner::open(sandbox + "/partner", {}, std::chrono::hours(25)); }));
    auto keys = stapel::broker::init_keys(here + "/keys");
    CHECK(keys.first.size() == 64 && keys.second.size() == 64 && keys.first != keys.second);
    CHECK(code_of([&] { stapel::broker::create(here + "/broker", here + "/keys", sandbox
        + "/policy.toml"); }) == "policy_operator");
}

// A consortium in which police (1) and tax office (2) meet directly, and others by the coordinator (6).
struct meeting {
    std::vector<stapel::partner> all;
    stapel::broker broker;
    std::uint64_t now = 1'796'126'400; // noon on its first day

    explicit meeting(const std::string &folder) : broker(stapel::broker::open(folder + "/broker", folder + "/keys")) {
        for (int number = 1; number <= 6; number++) {
            all.push_back(stapel::partner::open(folder + '/' + std::to_string(number)));
        }
    }

    stapel::reply carry(stapel::partner &partner, const stapel::messages &messages) {
        stapel::reply reply;
        for (stapel::bytes_view message : messages) {
            reply = partner.read(broker.handle_message(message, now).bytes(), now);
        }
        return reply;
    }

    // What each partner sends in a day.
    void run() {
        for (std::size_t at = 0; at < 5; at++) {
            carry(all[at], all[at].confirm(now));
        }
        for (stapel::partner &partner : all) {
            for (auto messages = partner.talk(now); messages.size() > 0; messages = partner.talk(now)) {
                CHECK(messages.size() == 1);
                auto reply = carry(partner, messages);
                CHECK(reply.is_talked() && reply.talked().complaint == STAPEL_OK);
            }
        }
    }

    // Days pass until something is so.
    template <class IsSo> void until(IsSo is_so) {
        for (int day = 0; day < 8; day++) {
            now += 86'400;
            run();
            if (is_so()) {
                return;
            }
        }
        CHECK(!"it is not so after eight days");
    }

    bool has_news(stapel::partner &partner, stapel_talk_news_kind kind) {
        bool has = false;
        auto news = partner.talk_news(BY, now);
        for (auto row : news) {
            has = has || row.kind == kind;
        }
        return has;
    }
};

void test_a_conversation_after_a_hit(const std::string &folder) {
    meeting town(folder);
    auto &police = town.all[0], &tax = town.all[1], &coordinator = town.all[5];
    const std::string_view key = "1012JS|1|A", home = "Dam 1-A, 1012 JS Amsterdam";
    auto homes = stapel::addresses::from_texts({home});
    CHECK(code_of([&] { police.put_forward(homes, BY, town.now); }) == "no_flag");
    for (std::size_t at = 0; at < 3; at++) {
        town.all[at].flag(homes, BY, town.now);
    }
    town.until([] { return true; });
    CHECK(police.put_forward(homes, BY, town.now) == 1 && police.put_forward(homes, BY, town.now) == 0);
    auto mine = police.forwarded(BY, town.now);
    CHECK(mine.size() == 1 && mine[0].canonical == key && mine[0].typed == home && mine[0].stands_until.empty());
    CHECK(mine[0].epoch == 1 && !mine[0].ended && mine[0].more.empty());

    town.until([&] { return tax.asked(BY, town.now).size() == 1; });
    CHECK(!police.forwarded(BY, town.now)[0].stands_until.empty());
    auto news = tax.talk_news(BY, town.now);
    CHECK(news.size() == 1 && news[0].kind == STAPEL_TALK_NEWS_ASKED && news[0].canonical == key);
    CHECK(news[0].answer_by.size() == 10 && tax.talk_news(BY, town.now).size() == 0);
    auto asked = tax.asked(BY, town.now);
    CHECK(asked[0].typed == home && asked[0].answer.empty() && !asked[0].is_put_forward);
    CHECK(code_of([&] { tax.answer(key, "yes", BY, town.now); }) == "invalid_argument");
    tax.answer(asked[0].canonical, "join", BY, town.now);
    asked = tax.asked(BY, town.now);
    CHECK(asked[0].answer == "join" && asked[0].answered.size() == 10 && asked[0].is_put_forward);

    town.until([&] { return tax.conversations(0, BY, town.now).size() == 1; });
    town.until([&] { return coordinator.agenda(BY, town.now)[0].joined.size() == 2; });
    auto agenda = coordinator.agenda(BY, town.now);
    CHECK(agenda.size() == 1 && agenda[0].is_new && agenda[0].lead == 0 && agenda[0].decision.empty());
    CHECK(agenda[0].addresses.size() == 1 && agenda[0].addresses[0].canonical == key);
    CHECK(agenda[0].waits_for == "first_decision" && agenda[0].ended.empty() && agenda[0].left.empty());
    CHECK(agenda[0].addresses[0].typed == home && agenda[0].joined[0].organisation == "politie");
    auto shown = police.conversations(0, BY, town.now);
    auto talk = shown[0];
    CHECK(talk.canonical == key && talk.typed == home && talk.introduced.size() == 2 && talk.left.empty());
    CHECK(talk.notes[0].kind == STAPEL_NOTE_ADDRESS && talk.notes[0].copies.at(0).to == 6);
    std::uint32_t theirs = tax.conversations(0, BY, town.now)[0].number;

    CHECK(code_of([&] { police.write_text(99, 0, "x", BY, town.now); }) == "no_conversation");
    CHECK(code_of([&] { police.write_text(talk.number, 0, {}, BY, town.now); }) == "note_text");
    CHECK(code_of([&] { police.write_decision(talk.number, 0, {}, "x", BY, town.now); }) == "not_permitted");
    police.write_text(talk.number, 2, "Wij gaan kijken", BY, town.now);
    police.write_lead(talk.number, 1, {}, BY, town.now);
    auto waiting = police.conversations(talk.number, BY, town.now);
    const auto own = waiting[0].notes.back();
    CHECK(own.kind == STAPEL_NOTE_LEAD && own.from == 0 && own.copies[0].progress == STAPEL_PROGRESS_WAITING);
    town.until([&] { return tax.conversations(theirs, BY, town.now)[0].lead == 1; });
    CHECK(town.has_news(tax, STAPEL_TALK_NEWS_NOTE));
    auto heard = tax.conversations(theirs, BY, town.now);
    bool is_there = false;
    for (const auto &note : heard[0].notes) {
        is_there = is_there || (note.from == 1 && note.text == "Wij gaan kijken");
    }
    CHECK(is_there);
    coordinator.write_decision(agenda[0].conversation, 2, "2027-01-31", "Belasting leidt", BY, town.now);
    town.until([&] { return !police.conversations(0, BY, town.now)[0].decision.empty(); });
    shown = police.conversations(0, BY, town.now);
    CHECK(shown[0].decision == "Belasting leidt" && shown[0].lead == 2 && shown[0].next == "2027-01-31");
    CHECK(shown[0].decided_at > 0 && shown[0].notes.back().next == "2027-01-31");
    CHECK(code_of([&] { tax.write_outcome(theirs, "done", {}, BY, town.now); }) == "invalid_argument");
    tax.write_outcome(theirs, "nothing_found", {}, BY, town.now);
    town.until([&] { return police.conversations(0, BY, town.now)[0].outcome == "nothing_found"; });
    tax.leave(theirs, BY, town.now);
    CHECK(tax.conversations(0, BY, town.now)[0].left.size() == 10);
    town.until([&] { return town.has_news(police, STAPEL_TALK_NEWS_LEFT); });
    CHECK(code_of([&] { police.write_text(shown[0].number, 2, "x", BY, town.now); }) == "no_conversation");
    CHECK(police.take_back(homes, BY, town.now) == 1 && police.forwarded(BY, town.now).size() == 0);

    auto cells = police.year_cells(2026);
    CHECK(cells.size() == 1 && cells[0].ways == 31 && cells[0].number == 0);
    CHECK(code_of([&] { police.report_year(2026, town.now); }) == "not_permitted");
    town.now += 30 * 86'400;
    town.broker.release(true, town.now);
    auto kept = town.carry(police, police.report_year(2026, town.now));
    CHECK(kept.kind() == STAPEL_KIND_KEPT && kept.talked().kept == 0);
    CHECK(code_of([&] { kept.totals(); }) == "invalid_argument");
    CHECK(code_of([&] { kept.totals_cell(0); }) == "invalid_argument");
    CHECK(code_of([&] { police.report_year(2026, town.now); }) == "year_reported");
    CHECK(code_of([&] { police.totals(town.now); }) == "not_permitted");
}

void test_totals(const std::string &folder) {
    auto partner = stapel::partner::open(folder + "/1");
    auto broker = stapel::broker::open(folder + "/broker", folder + "/keys");
    const std::uint64_t later = 1'796'126'400 + 86'400;
    auto request = partner.totals(later);
    CHECK(request.size() == 1);
    auto reply = partner.read(broker.handle_message(request[0], later).bytes(), later);
    CHECK(reply.is_talked() && reply.kind() == STAPEL_KIND_TOTALS && reply.talked().log.index > 0);
    auto totals = reply.totals();
    CHECK(totals.flags == 240 && totals.cells == 1 && totals.year == 2026 && totals.quarter == 4);
    auto cell = reply.totals_cell(0);
    CHECK(cell.from == 2 && cell.to == 0 && cell.number == 70);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: test SANDBOX_DIR\n";
        return 2;
    }
    test_addresses();
    test_number_of_a_refused_home();
    test_register(argv[1]);
    test_partner_and_broker(argv[1]);
    test_new_folders(argv[1]);
    test_a_conversation_after_a_hit(std::string(argv[1]) + "/meeting");
    test_totals(std::string(argv[1]) + "/meeting/totals");
    std::size_t open = 1;
    CHECK(stapel_open_handles(&open) == STAPEL_OK && open == 0);
    return 0;
}

// Stapel in C++17: a header over stapel.h, and nothing besides it.
// SPDX-License-Identifier: EUPL-1.2
//
// Objects own what they stand for: they are moved and never copied, and free it at their end, or at close(). What fails
// throws stapel::error, which has the stable code. Text that is given out is a std::string_view into the object that
// gave it, good until that object ends. stapel.h says what each call means, and what it throws; threads are as there.

#ifndef STAPEL_HPP
#define STAPEL_HPP

#include <stapel.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace stapel {

// A call that failed.
class error : public std::runtime_error {
public:
    error(stapel_status status, const char *message, std::string_view number = {})
        : std::runtime_error(message), status_(status) {
        number.copy(number_, sizeof number_ - 1);
    }

    stapel_status status() const noexcept { return status_; }
    // Such as "folder_in_use": the same in every language and version.
    const char *code() const noexcept { return stapel_status_code(status_); }
    // Of one home that was refused: the canonical form of its house number, where that is certain; else empty.
    const char *number() const noexcept { return number_; }

private:
    stapel_status status_;
    char number_[sizeof stapel_address::number] = {};
};

// The computer's clock. Every call that needs the time takes another as its last argument.
inline std::uint64_t now() {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

// True or false, and nothing that C++ makes one of: of a text, or of the time as the only argument, it would make true.
class only_bool {
public:
    template <class Bool, class = std::enable_if_t<std::is_same_v<Bool, bool>>>
    constexpr only_bool(Bool value) noexcept : value_(value) {}

    constexpr explicit operator bool() const noexcept { return value_; }

private:
    bool value_;
};

// Who acts, and for which case. Stays in the partner's own journal.
struct acting {
    std::string_view actor;
    std::string_view reference;
};

// The separate fields of one address; any may be empty. With a register, street and town are used where there is no
// postcode.
struct fields {
    std::string_view postcode;
    std::string_view number;
    std::string_view letter;
    std::string_view addition;
    std::string_view street = {};
    std::string_view town = {};
};

// Bytes that another object owns.
class bytes_view {
public:
    bytes_view() noexcept = default;
    bytes_view(const void *data, std::size_t size) noexcept {
        if (data != nullptr) {
            data_ = static_cast<const std::uint8_t *>(data);
            size_ = size;
        }
    }
    bytes_view(std::string_view text) noexcept : bytes_view(text.data(), text.size()) {}
    bytes_view(const std::vector<std::uint8_t> &bytes) noexcept : bytes_view(bytes.data(), bytes.size()) {}

    const std::uint8_t *data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    const std::uint8_t *begin() const noexcept { return data_; }
    const std::uint8_t *end() const noexcept { return data_ + size_; }

private:
    // Never null: the library takes no null, whatever the length.
    const std::uint8_t *data_ = reinterpret_cast<const std::uint8_t *>("");
    std::size_t size_ = 0;
};

namespace detail {

inline void check(stapel_status status) {
    if (status != STAPEL_OK) {
        throw error(status, stapel_last_error_message());
    }
}

inline stapel_str give(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline std::string_view take(stapel_str text) noexcept {
    return text.ptr == nullptr ? std::string_view() : std::string_view(text.ptr, text.len);
}
// Of a text that must be there, whose pointer must not be null.
inline const char *start(std::string_view text) noexcept { return text.data() == nullptr ? "" : text.data(); }
inline stapel_case give(const acting &by) noexcept {
    return {{start(by.actor), by.actor.size()}, {start(by.reference), by.reference.size()}};
}

// Owns a handle.
template <class T, stapel_status (*Free)(T *)> class handle {
public:
    handle() noexcept = default;
    explicit handle(T *raw) noexcept : raw_(raw) {}

    // Frees it now. Doing so twice is harmless.
    void close() noexcept { raw_.reset(); }
    bool is_open() const noexcept { return raw_ != nullptr; }
    // For calls of stapel.h. Throws where it was closed or moved away.
    T *raw() const {
        if (raw_ == nullptr) {
            throw error(STAPEL_ERROR_INVALID_HANDLE, "it was closed, or moved away");
        }
        return raw_.get();
    }

private:
    struct deleter {
        void operator()(T *raw) const noexcept { Free(raw); }
    };
    std::unique_ptr<T, deleter> raw_;
};

// What `call(T **)` makes.
template <class T, class Call> T *make(Call call) {
    T *made = nullptr;
    check(call(&made));
    return made;
}

// What `call(T *)` fills in.
template <class T, class Call> T get(Call call) {
    T value{};
    check(call(&value));
    return value;
}

// Goes over anything that has size() and operator[].
template <class Rows> class iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = decltype(std::declval<const Rows &>()[0]);
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type *;
    using reference = value_type;

    iterator(const Rows &rows, std::size_t at) noexcept : rows_(&rows), at_(at) {}
    value_type operator*() const { return (*rows_)[at_]; }
    iterator &operator++() noexcept {
        ++at_;
        return *this;
    }
    iterator operator++(int) noexcept { return {*rows_, at_++}; }
    bool operator==(const iterator &other) const noexcept { return at_ == other.at_; }
    bool operator!=(const iterator &other) const noexcept { return at_ != other.at_; }

private:
    const Rows *rows_;
    std::size_t at_;
};

// begin() and end() for what has size() and operator[].
template <class Rows> class iterable {
public:
    iterator<Rows> begin() const { return {static_cast<const Rows &>(*this), 0}; }
    iterator<Rows> end() const { return {static_cast<const Rows &>(*this), static_cast<const Rows &>(*this).size()}; }
};

} // namespace detail

// Bytes that the library made.
class buffer : public detail::handle<stapel_buffer, stapel_buffer_free> {
public:
    using handle::handle;

    bytes_view bytes() const {
        const std::uint8_t *bytes = nullptr;
        std::size_t size = 0;
        detail::check(stapel_buffer_bytes(raw(), &bytes, &size));
        return {bytes, size};
    }
    std::string_view text() const {
        bytes_view all = bytes();
        return {reinterpret_cast<const char *>(all.data()), all.size()};
    }
};

// An address as a register has it. Texts that it does not have are empty.
struct register_entry {
    std::string_view canonical;
    std::string_view street;
    std::string_view town;
    std::string_view postcode;
    std::uint32_t number;
    std::string_view letter;
    std::string_view addition;
    std::string_view id;       // of the nummeraanduiding
    std::string_view object;   // the id of the verblijfsobject, ligplaats or standplaats
    std::string_view building; // the id of the pand
    std::optional<std::pair<double, double>> at; // latitude and longitude in degrees (ETRS89)
    bool is_secondary;
    bool is_withdrawn;
};

// What a register says of an address: a range of stapel::register_entry, those that were withdrawn among them.
class findings : public detail::handle<stapel_findings, stapel_findings_free>, public detail::iterable<findings> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_findings_count(raw(), out); });
    }
    register_entry operator[](std::size_t index) const {
        using detail::take;
        auto e = detail::get<stapel_register_entry>([&](auto out) { return stapel_findings_get(raw(), index, out); });
        std::optional<std::pair<double, double>> at;
        if (!std::isnan(e.latitude)) {
            at.emplace(e.latitude, e.longitude);
        }
        return {take(e.canonical), take(e.street), take(e.town), take(e.postcode), e.number, take(e.letter),
            take(e.addition), take(e.id), take(e.object), take(e.building), at, e.is_secondary != 0,
            e.is_withdrawn != 0};
    }
    // Where all entries were withdrawn, the address that their object has now; empty where it has none.
    std::string_view now() const {
        return detail::take(detail::get<stapel_str>([&](auto out) { return stapel_findings_now(raw(), out); }));
    }
};

// A local register of the addresses that exist (BAG), which `stapel register build` made. Open it once, and name it to
// the calls that read addresses; they keep nothing of it. What is looked up stays in the process.
class local_register : public detail::handle<stapel_register, stapel_register_free> {
public:
    using handle::handle;

    static local_register open(std::string_view file) {
        return local_register(detail::make<stapel_register>([&](auto out) {
            return stapel_register_open(detail::start(file), file.size(), out);
        }));
    }
    // How many addresses it has, and of which day they are.
    stapel_register_about describe() const {
        return detail::get<stapel_register_about>([&](auto out) { return stapel_register_describe(raw(), out); });
    }
    // What it says of a canonical form, such as that of a row.
    findings look_up(std::string_view canonical) const {
        return findings(detail::make<stapel_findings>([&](auto out) {
            return stapel_register_look_up(raw(), detail::start(canonical), canonical.size(), out);
        }));
    }
};

namespace detail {

inline stapel_fields give(const fields &f) noexcept {
    return {give(f.postcode), give(f.number), give(f.letter), give(f.addition), give(f.street), give(f.town)};
}
// NULL for none.
inline const stapel_register *give(const local_register *bag) { return bag == nullptr ? nullptr : bag->raw(); }

} // namespace detail

// What became of one row.
struct row {
    std::size_t index;
    stapel_status status; // STAPEL_OK, or why the address was refused
    stapel_level level;
    stapel_how how; // how the register found it; STAPEL_HOW_NONE without one
    std::string_view reference;
    std::string_view canonical;
    std::string_view typed;   // the address as it was given; of a refused one empty
    std::string_view number;  // the canonical form of the house number; of a refused one too, where that is certain
    std::string_view field;   // of a refused one, the field at fault
    std::string_view message; // of a refused one, what was found and what would help

    bool refused() const noexcept { return status != STAPEL_OK; }
    const char *code() const noexcept { return stapel_status_code(status); }
};

// Rows of addresses that were read: a range of stapel::row.
class addresses : public detail::handle<stapel_addresses, stapel_addresses_free>, public detail::iterable<addresses> {
public:
    using handle::handle;

    // As people write them, or with a register BAG ids. `references`, where there are any, are as many as the texts.
    static addresses from_texts(const std::vector<std::string_view> &texts,
        const std::vector<std::string_view> &references = {}, const local_register *bag = nullptr) {
        return read(texts, references, bag, stapel_addresses_from_texts);
    }
    static addresses from_fields(const std::vector<fields> &rows,
        const std::vector<std::string_view> &references = {}, const local_register *bag = nullptr) {
        return read(rows, references, bag, stapel_addresses_from_fields);
    }

    addresses numbers() const {
        return addresses(detail::make<stapel_addresses>([&](auto out) {
            return stapel_addresses_numbers(raw(), out);
        }));
    }
    // The house numbers of the refused rows where only the home is not certain; with a register those that it has. They
    // count for that number alone, and for no home, where the policy counts the level `number`.
    addresses refused_numbers() const {
        return addresses(detail::make<stapel_addresses>([&](auto out) {
            return stapel_addresses_refused_numbers(raw(), out);
        }));
    }
    // Some of the rows, by their index and in that order: to withdraw one of partner::flags, for example.
    addresses pick(const std::vector<std::uint64_t> &indices) const {
        return addresses(detail::make<stapel_addresses>([&](auto out) {
            return stapel_addresses_pick(raw(), indices.data(), indices.size(), out);
        }));
    }
    std::size_t size() const { return counts().first; }
    std::size_t refused() const { return counts().second; }
    // How many rows were found in the register in each way.
    stapel_how_counts how_counts() const {
        return detail::get<stapel_how_counts>([&](auto out) { return stapel_addresses_how_counts(raw(), out); });
    }
    stapel::row operator[](std::size_t index) const {
        return take(detail::get<stapel_row>([&](auto out) { return stapel_addresses_row(raw(), index, out); }));
    }
    // The refused row number `index` of those that were refused.
    stapel::row refused_row(std::size_t index) const {
        return take(detail::get<stapel_row>([&](auto out) { return stapel_addresses_refused_row(raw(), index, out); }));
    }
    // All canonical forms, a line each.
    buffer lines() const {
        return buffer(detail::make<stapel_buffer>([&](auto out) { return stapel_addresses_lines(raw(), out); }));
    }

private:
    template <class Row, class Call>
    static addresses read(const std::vector<Row> &rows,
        const std::vector<std::string_view> &references, const local_register *bag, Call call) {
        if (!references.empty() && references.size() != rows.size()) {
            throw std::invalid_argument("there must be a reference for each row, or none");
        }
        const stapel_register *of = detail::give(bag);
        std::vector<decltype(detail::give(rows[0]))> given;
        std::vector<stapel_str> names;
        // One more than there are, so that there is a place to point to where there are none.
        given.reserve(rows.size() + 1);
        names.reserve(references.size());
        for (const Row &row : rows) {
            given.push_back(detail::give(row));
        }
        for (std::string_view reference : references) {
            names.push_back(detail::give(reference));
        }
        const stapel_str *named = names.empty() ? nullptr : names.data();
        return addresses(detail::make<stapel_addresses>([&](auto out) {
            return call(of, given.data(), named, given.size(), out);
        }));
    }
    std::pair<std::size_t, std::size_t> counts() const {
        std::pair<std::size_t, std::size_t> counts;
        detail::check(stapel_addresses_count(raw(), &counts.first, &counts.second));
        return counts;
    }
    static stapel::row take(const stapel_row &row) noexcept {
        using detail::take;
        return {row.row, row.status, row.level, row.how, take(row.reference),
            take(row.canonical), take(row.typed), take(row.number), take(row.field), take(row.message)};
    }
};

// Messages for the broker, in the order in which it must get them: a range of bytes.
class messages : public detail::handle<stapel_messages, stapel_messages_free>, public detail::iterable<messages> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_messages_count(raw(), out); });
    }
    bytes_view operator[](std::size_t index) const {
        const std::uint8_t *bytes = nullptr;
        std::size_t size = 0;
        detail::check(stapel_messages_get(raw(), index, &bytes, &size));
        return {bytes, size};
    }
};

// One row of an answer.
struct answer_row {
    std::string_view canonical;
    std::string_view typed; // as it was written when it was asked about or flagged
    stapel_level level;
    stapel_standing standing;
};

// A reply that was read. Of an answer it is a range of stapel::answer_row.
class reply : public detail::handle<stapel_reply, stapel_reply_free>, public detail::iterable<reply> {
public:
    using handle::handle;

    stapel_kind kind() const {
        return detail::get<stapel_kind>([&](auto out) { return stapel_reply_kind(raw(), out); });
    }
    // Whether rejection() tells why a message was not accepted.
    bool is_rejection() const {
        stapel_kind what = kind();
        return what == STAPEL_KIND_REJECTION || what == STAPEL_KIND_LATE || what == STAPEL_KIND_HINT;
    }
    // Whether talked() tells something of what comes after a hit.
    bool is_talked() const {
        stapel_kind what = kind();
        return what == STAPEL_KIND_KEPT || what == STAPEL_KIND_POSTED || what == STAPEL_KIND_TOTALS;
    }
    stapel_receipt receipt() const {
        return detail::get<stapel_receipt>([&](auto out) { return stapel_reply_receipt(raw(), out); });
    }
    stapel_answer answer() const {
        return detail::get<stapel_answer>([&](auto out) { return stapel_reply_answer(raw(), out); });
    }
    stapel_position status() const {
        return detail::get<stapel_position>([&](auto out) { return stapel_reply_status(raw(), out); });
    }
    stapel_rejection rejection() const {
        return detail::get<stapel_rejection>([&](auto out) { return stapel_reply_rejection(raw(), out); });
    }
    stapel_talked talked() const {
        return detail::get<stapel_talked>([&](auto out) { return stapel_reply_talked(raw(), out); });
    }
    stapel_totals totals() const {
        return detail::get<stapel_totals>([&](auto out) { return stapel_reply_totals(raw(), out); });
    }
    stapel_totals_cell totals_cell(std::size_t index) const {
        return detail::get<stapel_totals_cell>([&](auto out) { return stapel_reply_totals_cell(raw(), index, out); });
    }

    // Fills in the standings of those of the rows that this answer speaks of; `standings` is made as long as the rows.
    void standings(const addresses &rows, std::vector<stapel_standing> &standings) const {
        std::size_t count = rows.size();
        standings.resize(count);
        // One more, so that there is a place to point to where there are none.
        standings.reserve(count + 1);
        detail::check(stapel_reply_standings(raw(), rows.raw(), standings.data(), count));
    }
    std::size_t size() const { return kind() == STAPEL_KIND_ANSWER ? answer().rows : 0; }
    answer_row operator[](std::size_t index) const {
        auto row = detail::get<stapel_answer_row>([&](auto out) { return stapel_reply_row(raw(), index, out); });
        return {detail::take(row.canonical), detail::take(row.typed), row.level, row.standing};
    }
};

// A change over one of the partner's own addresses.
struct news_row {
    std::string_view canonical;
    std::string_view typed; // as it was written when it was flagged
    stapel_level level;
    stapel_change change;
    stapel_standing before;
    stapel_standing now;
};

// What changed over a partner's own flags: a range of stapel::news_row.
class news : public detail::handle<stapel_news, stapel_news_free>, public detail::iterable<news> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_news_count(raw(), out); });
    }
    news_row operator[](std::size_t index) const {
        auto row = detail::get<stapel_news_row>([&](auto out) { return stapel_news_get(raw(), index, out); });
        return {detail::take(row.canonical), detail::take(row.typed), row.level, row.change, row.before, row.now};
    }
};

// What comes after a hit. Days are written as in "2027-05-31"; a text that is not there is empty, and a number that is
// not there 0. stapel.h says more of each field.

// An own flag that is put forward.
struct forwarded_row {
    std::string_view canonical;
    std::string_view typed; // as it was written when it was flagged
    stapel_level level;
    std::string_view since;
    std::uint32_t epoch;
    bool ended;            // with its epoch: put it forward again
    std::string_view more; // organisations, with a space between, that the policy lets know beside those agreed to
    std::string_view stands_until; // empty where the broker does not have it yet
};

// An own flag that somebody else put forward. Who did is not said.
struct asked_row {
    std::string_view canonical;
    std::string_view typed; // as it was written when it was flagged
    stapel_level level;
    std::string_view day;
    std::string_view answer_by;
    std::string_view answer; // join, not_now or review
    std::string_view answered;
    bool is_put_forward;
};

// Something new of what comes after a hit.
struct talk_news_row {
    stapel_talk_news_kind kind;
    std::uint32_t conversation;
    std::uint16_t partner;
    std::string_view name;
    std::string_view canonical; // empty at the coordinator, and where it is about no address
    std::string_view typed;
    std::string_view answer_by;      // of STAPEL_TALK_NEWS_ASKED
    std::string_view actor;          // who put the address forward here last
    std::string_view case_reference; // for which case
    std::string_view more;           // of STAPEL_TALK_NEWS_ROW_WIDER, as in forwarded_row
};

// Somebody that a partner was introduced to.
struct introduced {
    std::uint16_t partner;
    std::string_view name;
    std::string_view organisation;
    std::string_view since;
    std::string_view left;
    bool misses_note;
};

// An own note to one partner.
struct note_copy {
    std::uint16_t to;
    stapel_note_progress progress;
    std::string_view put_off; // of STAPEL_PROGRESS_PUT_OFF, the day
    std::string_view reason;  // of STAPEL_PROGRESS_PUT_OFF: day_spent or too_many_wait
};

// A note in a conversation.
struct note {
    stapel_note_kind kind;
    std::uint16_t from; // 0 for this partner
    std::uint16_t lead;
    std::uint64_t time; // by its writer's clock
    std::string_view text;
    std::string_view canonical;
    std::string_view typed;
    std::string_view outcome;
    std::string_view next;
    std::vector<note_copy> copies;
};

// All that those who were introduced over one address said to each other.
struct conversation {
    std::uint32_t number;
    std::uint32_t epoch;
    std::string_view canonical; // empty at the coordinator, who has it from a note
    std::string_view typed;
    std::string_view began;
    std::uint16_t lead;
    std::string_view outcome;
    std::string_view decision;
    std::uint64_t decided_at;
    std::string_view next;
    std::string_view left;
    std::vector<stapel::introduced> introduced;
    std::vector<note> notes;
};

// An address that a note said.
struct agenda_place {
    std::string_view canonical;
    std::string_view typed;
};

// A conversation on the coordinator's agenda, or one that was.
struct agenda_row {
    std::uint32_t conversation;
    bool is_new;
    std::string_view began;
    std::string_view waiting_since;
    std::string_view waits_for; // first_decision, joined, note, next_day or leader_left
    std::string_view ended;     // all_said, closed, all_left or coordinator_left; empty where it is on the agenda
    std::string_view ended_on;
    std::uint16_t lead;
    std::string_view decision;
    std::string_view next;
    std::string_view outcome;
    std::vector<introduced> joined;
    std::vector<introduced> left; // without since
    std::vector<agenda_place> addresses;
};

namespace detail {

inline introduced take(const stapel_introduced &who) noexcept {
    return {who.partner, take(who.name), take(who.organisation), take(who.since), take(who.left),
        who.misses_note != 0};
}

} // namespace detail

// What a partner puts forward: a range of stapel::forwarded_row.
class forwarded : public detail::handle<stapel_forwarded, stapel_forwarded_free>, public detail::iterable<forwarded> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_forwarded_count(raw(), out); });
    }
    forwarded_row operator[](std::size_t index) const {
        using detail::take;
        auto row = detail::get<stapel_forwarded_row>([&](auto out) {
            return stapel_forwarded_get(raw(), index, out);
        });
        return {take(row.canonical), take(row.typed), row.level, take(row.since), row.epoch, row.ended != 0,
            take(row.more), take(row.stands_until)};
    }
};

// What others put forward that a partner flags too: a range of stapel::asked_row.
class asked : public detail::handle<stapel_asked, stapel_asked_free>, public detail::iterable<asked> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_asked_count(raw(), out); });
    }
    asked_row operator[](std::size_t index) const {
        using detail::take;
        auto row = detail::get<stapel_asked_row>([&](auto out) { return stapel_asked_get(raw(), index, out); });
        return {take(row.canonical), take(row.typed), row.level, take(row.day), take(row.answer_by), take(row.answer),
            take(row.answered), row.is_put_forward != 0};
    }
};

// What is new of what comes after a hit: a range of stapel::talk_news_row.
class talk_news : public detail::handle<stapel_talk_news, stapel_talk_news_free>, public detail::iterable<talk_news> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_talk_news_count(raw(), out); });
    }
    talk_news_row operator[](std::size_t index) const {
        using detail::take;
        auto row = detail::get<stapel_talk_news_row>([&](auto out) {
            return stapel_talk_news_get(raw(), index, out);
        });
        return {row.kind, row.conversation, row.partner, take(row.name), take(row.canonical), take(row.typed),
            take(row.answer_by), take(row.actor), take(row.case_reference), take(row.more)};
    }
};

// Conversations: a range of stapel::conversation.
class conversations : public detail::handle<stapel_conversations, stapel_conversations_free>,
                      public detail::iterable<conversations> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_conversations_count(raw(), out); });
    }
    conversation operator[](std::size_t index) const {
        using detail::take;
        auto row = detail::get<stapel_conversation>([&](auto out) {
            return stapel_conversations_get(raw(), index, out);
        });
        conversation made{row.number, row.epoch, take(row.canonical), take(row.typed), take(row.began), row.lead,
            take(row.outcome), take(row.decision), row.decided_at, take(row.next), take(row.left), {}, {}};
        for (std::size_t at = 0; at < row.introduced; at++) {
            made.introduced.push_back(take(detail::get<stapel_introduced>([&](auto out) {
                return stapel_conversations_introduced(raw(), index, at, out);
            })));
        }
        for (std::size_t at = 0; at < row.notes; at++) {
            made.notes.push_back(note_at(index, at));
        }
        return made;
    }

private:
    note note_at(std::size_t index, std::size_t at) const {
        using detail::take;
        auto row = detail::get<stapel_note>([&](auto out) {
            return stapel_conversations_note(raw(), index, at, out);
        });
        note made{row.kind, row.from, row.lead, row.time, take(row.text), take(row.canonical), take(row.typed),
            take(row.outcome), take(row.next), {}};
        for (std::size_t copy = 0; copy < row.copies; copy++) {
            auto to = detail::get<stapel_note_copy>([&](auto out) {
                return stapel_conversations_copy(raw(), index, at, copy, out);
            });
            made.copies.push_back({to.to, to.progress, take(to.put_off), take(to.reason)});
        }
        return made;
    }
};

// The coordinator's agenda: a range of stapel::agenda_row.
class agenda : public detail::handle<stapel_agenda, stapel_agenda_free>, public detail::iterable<agenda> {
public:
    using handle::handle;

    std::size_t size() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_agenda_count(raw(), out); });
    }
    agenda_row operator[](std::size_t index) const {
        using detail::take;
        auto row = detail::get<stapel_agenda_row>([&](auto out) { return stapel_agenda_get(raw(), index, out); });
        agenda_row made{row.conversation, row.is_new != 0, take(row.began), take(row.waiting_since),
            take(row.waits_for), take(row.ended), take(row.ended_on), row.lead, take(row.decision), take(row.next),
            take(row.outcome), {}, {}, {}};
        for (std::size_t at = 0; at < row.joined; at++) {
            made.joined.push_back(take(detail::get<stapel_introduced>([&](auto out) {
                return stapel_agenda_joined(raw(), index, at, out);
            })));
        }
        for (std::size_t at = 0; at < row.left; at++) {
            made.left.push_back(take(detail::get<stapel_introduced>([&](auto out) {
                return stapel_agenda_left(raw(), index, at, out);
            })));
        }
        for (std::size_t at = 0; at < row.addresses; at++) {
            auto place = detail::get<stapel_agenda_place>([&](auto out) {
                return stapel_agenda_address(raw(), index, at, out);
            });
            made.addresses.push_back({take(place.canonical), take(place.typed)});
        }
        return made;
    }
};

// A partner with its folder open.
class partner : public detail::handle<stapel_partner, stapel_partner_free> {
public:
    using handle::handle;

    // Where the keys are in a folder of their own, `keys` names that. Where another has the folder open, it is waited
    // for up to about `wait`, in turn with others that wait; zero is not at all.
    static partner open(
        std::string_view dir, std::string_view keys = {}, std::chrono::milliseconds wait = std::chrono::seconds(5)) {
        using detail::start;
        if (wait.count() < 0 || wait > std::chrono::hours(24)) {
            throw std::invalid_argument("stapel::partner::open: wait must be from zero to one day");
        }
        return partner(detail::make<stapel_partner>([&](auto out) {
            return stapel_partner_open(start(dir), dir.size(), keys.data(), keys.size(),
                static_cast<std::uint32_t>(wait.count()), out);
        }));
    }
    // Makes the folder of a new partner. Gives its verifying key, for the coordinator.
    static std::string init(std::string_view dir, std::uint16_t number, std::string_view keys = {}) {
        using detail::start;
        buffer key(detail::make<stapel_buffer>([&](auto out) {
            return stapel_partner_init(start(dir), dir.size(), keys.data(), keys.size(), number, out);
        }));
        return std::string(key.text());
    }
    static void join(std::string_view dir, std::string_view policy_file, std::string_view keys = {}) {
        using detail::start;
        detail::check(stapel_partner_join(start(dir), dir.size(), keys.data(), keys.size(), start(policy_file),
            policy_file.size()));
    }

    void adopt_policy(std::string_view policy_file, std::uint64_t now = stapel::now()) {
        detail::check(stapel_partner_adopt_policy(raw(), detail::start(policy_file), policy_file.size(), now));
    }
    void add_secret(std::string_view secret_file) {
        detail::check(stapel_partner_add_secret(raw(), detail::start(secret_file), secret_file.size()));
    }
    std::uint16_t number() const {
        return detail::get<std::uint16_t>([&](auto out) { return stapel_partner_number(raw(), out); });
    }
    /// How many of its flags are in no delivery yet.
    std::size_t undelivered() const {
        return detail::get<std::size_t>([&](auto out) { return stapel_partner_undelivered(raw(), out); });
    }
    addresses flags() const {
        return addresses(detail::make<stapel_addresses>([&](auto out) { return stapel_partner_flags(raw(), out); }));
    }

    stapel_changed flag(const addresses &homes, const acting &by, std::uint64_t now = stapel::now()) {
        return change(by, [&](auto who, auto out) { return stapel_partner_flag(raw(), homes.raw(), who, now, out); });
    }
    stapel_changed flag_until(const addresses &homes, std::string_view last_day, const acting &by,
        std::uint64_t now = stapel::now()) {
        return change(by, [&](auto who, auto out) {
            return stapel_partner_flag_until(raw(), homes.raw(), detail::start(last_day), last_day.size(), who, now,
                out);
        });
    }
    // reason: observed_again, being_acted_on, procedure_pending or under_supervision.
    stapel_changed renew(const addresses &homes, std::string_view reason, const acting &by,
        std::uint64_t now = stapel::now()) {
        return change(by, [&](auto who, auto out) {
            return stapel_partner_renew(raw(), homes.raw(), detail::start(reason), reason.size(), who, now, out);
        });
    }
    // Says that somebody saw that the clock is right, where calls fail with "clock" or "clock_ahead". How many flags
    // end with that, because their last valid day has passed.
    std::size_t accept_clock(const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return detail::get<std::size_t>([&](auto out) { return stapel_partner_accept_clock(raw(), &who, now, out); });
    }
    stapel_changed withdraw(const addresses &homes, const acting &by, std::uint64_t now = stapel::now()) {
        return change(by, [&](auto who, auto out) {
            return stapel_partner_withdraw(raw(), homes.raw(), who, now, out);
        });
    }
    stapel_changed replace_all(const addresses &homes, only_bool allow_shrink, const acting &by,
        std::uint64_t now = stapel::now()) {
        return change(by, [&](auto who, auto out) {
            return stapel_partner_replace_all(raw(), homes.raw(), bool(allow_shrink), who, now, out);
        });
    }

    messages deliver(std::uint64_t now = stapel::now()) {
        return make([&](auto out) { return stapel_partner_deliver(raw(), now, out); });
    }
    messages confirm(std::uint64_t now = stapel::now()) {
        return make([&](auto out) { return stapel_partner_confirm(raw(), now, out); });
    }
    messages ask(const addresses &rows, const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return make([&](auto out) { return stapel_partner_ask(raw(), rows.raw(), &who, now, out); });
    }
    messages ask_own(const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return make([&](auto out) { return stapel_partner_ask_own(raw(), &who, now, out); });
    }
    messages sweep(const addresses &rows, std::string_view reason, const acting &by,
        std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return make([&](auto out) {
            return stapel_partner_sweep(raw(), rows.raw(), detail::start(reason), reason.size(), &who, now, out);
        });
    }
    messages status(std::uint64_t now = stapel::now()) {
        return make([&](auto out) { return stapel_partner_status(raw(), now, out); });
    }
    messages in_flight() const {
        return make([&](auto out) { return stapel_partner_in_flight(raw(), out); });
    }

    stapel::reply read(bytes_view reply, std::uint64_t now = stapel::now()) {
        return stapel::reply(
            detail::make<stapel_reply>([&](auto out) {
                return stapel_partner_read(raw(), reply.data(), reply.size(), now, out);
            }));
    }
    void give_up(bytes_view message, std::uint64_t now = stapel::now()) {
        detail::check(stapel_partner_give_up(raw(), message.data(), message.size(), now));
    }
    stapel::news news() {
        return stapel::news(detail::make<stapel_news>([&](auto out) { return stapel_partner_news(raw(), out); }));
    }

    // Puts own flags forward, until they are taken back or end. How many were not put forward yet.
    std::size_t put_forward(const addresses &homes, const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return detail::get<std::size_t>([&](auto out) {
            return stapel_partner_put_forward(raw(), homes.raw(), &who, now, out);
        });
    }
    // Takes back what was put forward; who was introduced stays so. How many were.
    std::size_t take_back(const addresses &homes, const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return detail::get<std::size_t>([&](auto out) {
            return stapel_partner_take_back(raw(), homes.raw(), &who, now, out);
        });
    }
    // For a person to be shown, whom the journal has; as asked(), talk_news(), conversations() and agenda().
    stapel::forwarded forwarded(const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return stapel::forwarded(detail::make<stapel_forwarded>([&](auto out) {
            return stapel_partner_forwarded(raw(), &who, now, out);
        }));
    }
    stapel::asked asked(const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return stapel::asked(detail::make<stapel_asked>([&](auto out) {
            return stapel_partner_asked(raw(), &who, now, out);
        }));
    }
    // answer: join, which puts it forward too; not_now; review.
    void answer(std::string_view canonical, std::string_view answer, const acting &by,
        std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        detail::check(stapel_partner_answer(raw(), detail::start(canonical), canonical.size(), detail::start(answer),
            answer.size(), &who, now));
    }
    // The next message of what comes after a hit: one, or none. Call it until then, after deliver(), once a day or more
    // often; carry each message, and read its reply before the next call.
    messages talk(std::uint64_t now = stapel::now()) {
        return make([&](auto out) { return stapel_partner_talk(raw(), now, out); });
    }
    // Told once; at most 500 at a time, the oldest first: where there are as many, call it again.
    stapel::talk_news talk_news(const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return stapel::talk_news(detail::make<stapel_talk_news>([&](auto out) {
            return stapel_partner_talk_news(raw(), &who, now, out);
        }));
    }
    // All, where the number is 0.
    stapel::conversations conversations(std::uint32_t number, const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return stapel::conversations(detail::make<stapel_conversations>([&](auto out) {
            return stapel_partner_conversations(raw(), number, &who, now, out);
        }));
    }
    // To one partner, or where `to` is 0 to all of the conversation.
    void write_text(std::uint32_t conversation, std::uint16_t to, std::string_view text, const acting &by,
        std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        detail::check(stapel_partner_write_text(raw(), conversation, to, detail::start(text), text.size(), &who, now));
    }
    // This partner leads, where nobody does yet, or whom it hands the lead over to. The text may be empty.
    void write_lead(std::uint32_t conversation, std::uint16_t lead, std::string_view text, const acting &by,
        std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        detail::check(stapel_partner_write_lead(raw(), conversation, lead, detail::start(text), text.size(), &who,
            now));
    }
    // outcome: taken_up_together, taken_up_by_one, not_taken_up, nothing_found or wrong_signal. The text may be empty.
    void write_outcome(std::uint32_t conversation, std::string_view outcome, std::string_view text, const acting &by,
        std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        detail::check(stapel_partner_write_outcome(raw(), conversation, detail::start(outcome), outcome.size(),
            detail::start(text), text.size(), &who, now));
    }
    // What the coordinator decides. Who leads, or 0 where that stays; the day on which it is looked at next, or none.
    void write_decision(std::uint32_t conversation, std::uint16_t lead, std::string_view next, std::string_view text,
        const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        detail::check(stapel_partner_write_decision(raw(), conversation, lead, detail::start(next), next.size(),
            detail::start(text), text.size(), &who, now));
    }
    void leave(std::uint32_t conversation, const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        detail::check(stapel_partner_leave(raw(), conversation, &who, now));
    }
    stapel::agenda agenda(const acting &by, std::uint64_t now = stapel::now()) {
        stapel_case who = detail::give(by);
        return stapel::agenda(detail::make<stapel_agenda>([&](auto out) {
            return stapel_partner_agenda(raw(), &who, now, out);
        }));
    }
    // The request how many of the organisation's flags are stacked, where the policy answers no more.
    messages totals(std::uint64_t now = stapel::now()) {
        return make([&](auto out) { return stapel_partner_totals(raw(), now, out); });
    }
    // How the conversations went that began in a year, as report_year() reports it.
    std::vector<stapel_year_cell> year_cells(std::uint16_t year) const {
        std::vector<stapel_year_cell> cells(5);
        cells.resize(detail::get<std::size_t>([&](auto out) {
            return stapel_partner_year_cells(raw(), year, cells.data(), cells.size(), out);
        }));
        return cells;
    }
    // The report of a year that is over, which is made once.
    messages report_year(std::uint16_t year, std::uint64_t now = stapel::now()) {
        return make([&](auto out) { return stapel_partner_report_year(raw(), year, now, out); });
    }

private:
    template <class Call> static stapel_changed change(const acting &by, Call call) {
        stapel_case who = detail::give(by);
        return detail::get<stapel_changed>([&](auto out) { return call(&who, out); });
    }
    template <class Call> static messages make(Call call) { return messages(detail::make<stapel_messages>(call)); }
};

// A broker with its store open.
class broker : public detail::handle<stapel_broker, stapel_broker_free> {
public:
    using handle::handle;

    // Draws a broker's keys. Gives the verifying key and the checkpoint key, for the policy.
    static std::pair<std::string, std::string> init_keys(std::string_view keys_dir) {
        stapel_buffer *verifying = nullptr, *checkpoint = nullptr;
        detail::check(stapel_broker_init_keys(detail::start(keys_dir), keys_dir.size(), &verifying, &checkpoint));
        buffer first(verifying), second(checkpoint);
        return {std::string(first.text()), std::string(second.text())};
    }
    static broker create(std::string_view dir, std::string_view keys_dir, std::string_view policy_file,
        std::uint64_t now = stapel::now()) {
        using detail::start;
        return broker(detail::make<stapel_broker>([&](auto out) {
            return stapel_broker_create(start(dir), dir.size(), start(keys_dir), keys_dir.size(),
                start(policy_file), policy_file.size(),
                                        now, out);
        }));
    }
    static broker open(std::string_view dir, std::string_view keys_dir) {
        using detail::start;
        return broker(detail::make<stapel_broker>(
            [&](auto out) {
                return stapel_broker_open(start(dir), dir.size(), start(keys_dir), keys_dir.size(), out);
            }));
    }

    buffer handle_message(bytes_view message, std::uint64_t now = stapel::now()) const {
        return buffer(
            detail::make<stapel_buffer>([&](auto out) {
                return stapel_broker_handle(raw(), message.data(), message.size(), now, out);
            }));
    }
    // Keeps a certificate or a suspension of a partner. One that was kept before is no error.
    void certify(std::string_view file, std::uint64_t now = stapel::now()) const {
        detail::check(stapel_broker_certify(raw(), detail::start(file), file.size(), now));
    }
    // Gives a JSON array.
    std::string release(only_bool accept_clock = false, std::uint64_t now = stapel::now()) const {
        buffer json(detail::make<stapel_buffer>([&](auto out) {
            return stapel_broker_release(raw(), now, bool(accept_clock), out);
        }));
        return std::string(json.text());
    }
    // Gives a JSON object.
    std::string status() const {
        buffer json(detail::make<stapel_buffer>([&](auto out) { return stapel_broker_status(raw(), out); }));
        return std::string(json.text());
    }
};

// The canonical forms of one address.
struct address {
    std::string unit;
    std::string number; // empty for a home without a postcode
    stapel_how how;     // how the register found it; STAPEL_HOW_NONE without one

    // As people write it, or with a register a BAG id. Where it is refused, number() of the error may tell its house
    // number.
    static address from_text(std::string_view text, const local_register *bag = nullptr) {
        return read([&](auto out) {
            return stapel_address_from_text(detail::give(bag), detail::start(text), text.size(), out);
        });
    }
    static address from_fields(const fields &f, const local_register *bag = nullptr) {
        stapel_fields given = detail::give(f);
        return read([&](auto out) { return stapel_address_from_fields(detail::give(bag), &given, out); });
    }

private:
    template <class Call> static address read(Call call) {
        stapel_address made{};
        stapel_status status = call(&made);
        if (status != STAPEL_OK) {
            throw error(status, stapel_last_error_message(), made.number);
        }
        return {made.unit, made.number, made.how};
    }
};

// How a standing reads, in English; empty where no answer spoke of it.
inline std::string to_string(stapel_standing standing) {
    switch (standing.kind) {
    case STAPEL_STANDING_BELOW_THRESHOLD: return "below threshold";
    case STAPEL_STANDING_NO_OWN_FLAG: return "no own flag";
    case STAPEL_STANDING_STACKED: return "stacked";
    case STAPEL_STANDING_AT_LEAST: return "stacked at least " + std::to_string(standing.count);
    case STAPEL_STANDING_COUNT: return "stacked " + std::to_string(standing.count);
    default: return "";
    }
}

} // namespace stapel

#endif // STAPEL_HPP

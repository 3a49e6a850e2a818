// Flags the addresses of a file, tells the broker, asks about them, and prints what came back.
//
//     stack SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]
//
// ffi/examples/README.md says what each step does, and what it prints.

#include "stapel.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

const stapel::acting BY{"example", "examples"};

// The rows of a CSV file, in columns.
struct table {
    std::vector<std::string> references;
    std::vector<std::string> texts;
};

// The broker did not accept a message.
struct rejected : std::runtime_error {
    explicit rejected(const stapel_rejection &why)
        : std::runtime_error(std::string(why.sentence.ptr, why.sentence.len)), code(stapel_status_code(why.status)) {}
    std::string code;
};

// Takes a field off a line, without its quotes.
std::string take_field(std::string_view &line) {
    std::string field;
    std::size_t at = 0;
    bool quoted = !line.empty() && line[0] == '"';
    for (at = quoted ? 1 : 0; at < line.size() && (quoted || line[at] != ';'); at++) {
        if (quoted && line[at] == '"') {
            if (line.substr(at + 1, 1) != "\"") {
                quoted = false;
                continue;
            }
            at++;
        }
        field += line[at];
    }
    line.remove_prefix(at < line.size() ? at + 1 : at);
    return field;
}

table read_csv(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    if (!file) {
        throw std::runtime_error(name + " cannot be read");
    }
    table rows;
    std::string text;
    std::getline(file, text);
    while (std::getline(file, text)) {
        if (!text.empty() && text.back() == '\r') {
            text.pop_back();
        }
        if (!text.empty()) {
            std::string_view line = text;
            rows.references.push_back(take_field(line));
            rows.texts.push_back(take_field(line));
        }
    }
    return rows;
}

stapel::addresses read_addresses(const std::string &csv) {
    table rows = read_csv(csv);
    return stapel::addresses::from_texts({rows.texts.begin(), rows.texts.end()},
        {rows.references.begin(), rows.references.end()});
}

class program {
public:
    program(const std::string &sandbox, const std::string &csv, const std::string &partner)
        : rows(read_addresses(csv)), self(stapel::partner::open(sandbox + "/" + partner)),
          broker(stapel::broker::open(sandbox + "/broker", sandbox + "/broker/keys")) {}

    void all() {
        self.flag(rows, BY);
        carry(self.deliver());
        carry(self.ask(rows, BY));
        print();
    }

    void send() {
        self.flag(rows, BY);
        stapel::messages delivery = self.deliver(), questions = self.ask(rows, BY);
        for (const stapel::messages *messages : {&delivery, &questions}) {
            for (stapel::bytes_view message : *messages) {
                broker.handle_message(message);
            }
        }
    }

    void read() {
        carry(self.in_flight());
        print();
    }

private:
    // Carries messages to the broker, and reads its replies.
    void carry(const stapel::messages &messages) {
        for (stapel::bytes_view message : messages) {
            stapel::buffer bytes = broker.handle_message(message);
            stapel::reply reply = self.read(bytes.bytes());
            if (reply.is_rejection()) {
                throw rejected(reply.rejection());
            }
            if (reply.kind() == STAPEL_KIND_ANSWER) {
                reply.standings(rows, standings);
                organisations = reply.answer().organisations;
                fresh = reply.answer().fresh;
                answered = true;
            }
        }
    }

    void print() const {
        if (!answered) {
            throw std::runtime_error("no question was in flight");
        }
        std::cout << "organisations " << organisations << ", fresh " << fresh << '\n';
        for (const stapel::row &row : rows) {
            std::cout << row.reference << '\t';
            if (row.refused()) {
                std::cout << "-\trefused " << row.code() << '\n';
                continue;
            }
            std::string standing = stapel::to_string(standings[row.index]);
            std::cout << row.canonical << '\t' << (standing.empty() ? "not answered" : standing) << '\n';
        }
    }

    stapel::addresses rows;
    stapel::partner self;
    stapel::broker broker;
    std::vector<stapel_standing> standings;
    unsigned organisations = 0;
    unsigned fresh = 0;
    bool answered = false;
};

// The code of the error that `call` throws.
template <class Call> std::string code_of(Call call) {
    try {
        call();
        return "went through";
    } catch (const stapel::error &error) {
        return error.code();
    }
}

void show_errors(const std::string &dir) {
    stapel::partner partner = stapel::partner::open(dir);
    const std::chrono::milliseconds no_wait(0);
    std::cout << "open twice\t" << code_of([&] { stapel::partner::open(dir, {}, no_wait); }) << '\n';
    std::cout << "reply of garbage\t" << code_of([&] { partner.read(std::string_view("garbage")); }) << '\n';
    std::cout << "empty reply\t" << code_of([&] { partner.read({}); }) << '\n';
    partner.close();
    partner.close();
    std::cout << "close twice\tharmless\n";
    std::string after = code_of([&] { partner.number(); });
    std::cout << "use after close\t" << (after == "invalid_handle" ? "refused" : after) << '\n';
}

} // namespace

int main(int argc, char **argv) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    std::string step = arguments.size() > 2 ? arguments[2] : "all";
    std::string partner = arguments.size() > 3 ? arguments[3] : "partner";
    bool known = step == "all" || step == "send" || step == "read" || step == "errors";
    if (arguments.size() < 2 || arguments.size() > 4 || !known) {
        std::cerr << "usage: stack SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]\n";
        return 2;
    }
    try {
        if (step == "errors") {
            show_errors(arguments[0] + "/" + partner);
            return 0;
        }
        program program(arguments[0], arguments[1], partner);
        if (step == "all") {
            program.all();
        } else if (step == "send") {
            program.send();
        } else {
            program.read();
        }
    } catch (const stapel::error &error) {
        std::cerr << error.code() << ": " << error.what() << '\n';
        return 1;
    } catch (const rejected &error) {
        std::cerr << error.code << ": " << error.what() << '\n';
        return 1;
    } catch (const std::exception &error) {
        std::cerr << "error: " << error.what() << '\n';
        return 1;
    }
    return 0;
}

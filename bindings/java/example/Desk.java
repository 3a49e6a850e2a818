// SPDX-License-Identifier: EUPL-1.2
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import stapel.client.Acting;
import stapel.client.Answer;
import stapel.client.AnswerRow;
import stapel.client.Client;
import stapel.client.ClientException;
import stapel.client.DossierEntry;
import stapel.client.FlagResult;
import stapel.client.NewsResult;
import stapel.client.NewsRow;
import stapel.client.Question;
import stapel.client.Row;
import stapel.client.RowResult;

/**
 * What a program at a desk does through {@code stapel partner serve}: flags addresses, asks, looks, and withdraws them.
 * Its arguments are the server's socket and the addresses.
 */
public final class Desk {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Desk() {
    }

    /**
     * The program.
     *
     * @param arguments SOCKET ADDRESS...
     */
    public static void main(String[] arguments) {
        if (arguments.length < 2) {
            System.err.println("usage: Desk SOCKET ADDRESS...");
            System.exit(2);
        }
        List<Row> rows = Stream.of(arguments).skip(1).map(Row::text).toList();
        try {
            atDesk(Client.unix(Path.of(arguments[0])), rows);
        } catch (ClientException error) {
            System.err.println(error.code() + ": " + error.getMessage());
            System.exit(1);
        }
    }

    private static void atDesk(Client desk, List<Row> rows) {
        Acting by = new Acting("example", "examples");

        FlagResult flagged = desk.flag(rows, by);
        say("flagged " + flagged.added() + ", refused " + flagged.refused());
        for (RowResult row : flagged.rows()) {
            say(row.refused() == null ? row.address() : "refused " + row.refused().code());
        }

        // Where the broker was not asked yet, `answers` has the answer after the server's next sync.
        Question question = desk.ask(rows, by);
        say("question " + question.state());
        for (Answer answer : desk.answers(question.request(), by).answers()) {
            say("organisations " + answer.organisations() + ", fresh " + answer.fresh());
            for (AnswerRow row : answer.rows()) {
                say(row.address() + "\t" + row.inWords());
            }
        }

        NewsResult news = desk.news(by);
        for (NewsRow row : news.news()) {
            say("news " + row.address());
        }
        say("seen " + desk.seen(news, by));
        for (DossierEntry entry : desk.dossier(rows.get(0), by).entries()) {
            say(entry.event() + "\t" + Objects.requireNonNullElse(entry.actor(), "-"));
        }
        say("withdrawn " + desk.withdraw(rows, by).withdrawn());
        say("flags " + desk.status().flags());
    }

    private static void say(String line) {
        OUT.print(line + "\n");
    }
}

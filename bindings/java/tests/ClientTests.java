// SPDX-License-Identifier: EUPL-1.2
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import stapel.client.Answer;
import stapel.client.Case;
import stapel.client.Client;
import stapel.client.ClientException;
import stapel.client.Dossier;
import stapel.client.Flagged;
import stapel.client.Level;
import stapel.client.News;
import stapel.client.Question;
import stapel.client.QuestionState;
import stapel.client.Refusal;
import stapel.client.Row;
import stapel.client.RowResult;
import stapel.client.Standing;
import stapel.client.Status;
import stapel.client.Withdrawn;

/** What the example does not show, on ../clients/stub. Its arguments are the stub's socket and port. */
public final class ClientTests {
    private static final Case BY = new Case("j.jansen", "2026-0117");
    private static final Instant MOMENT = Instant.parse("2026-12-01T09:00:00Z");
    private static final String HOME = "9999XA|12|A";
    private static final List<Row> ROWS = List.of(Row.text(HOME));

    private final Path socket;
    private final Client desk;

    private ClientTests(Path socket) {
        this.socket = socket;
        this.desk = Client.unix(socket);
    }

    /**
     * The tests.
     *
     * @param arguments SOCKET PORT
     */
    public static void main(String[] arguments) {
        ClientTests tests = new ClientTests(Path.of(arguments[0]));
        tests.whatIsFlaggedAndWithdrawn();
        tests.whatIsAsked();
        tests.whatIsLookedAt();
        tests.whatFailsHasItsCode(Integer.parseInt(arguments[1]));
        tests.nothingPrintsWhatPeopleWrote();
    }

    private void whatIsFlaggedAndWithdrawn() {
        List<Row> rows = List.of(Row.text(HOME), Row.text("nowhere"), Row.text("x|number"),
            Row.bagId("0363010012345678"), Row.address(HOME), Row.fields("", "1", "", "", "", ""));
        LocalDate day = LocalDate.of(2027, 3, 31);
        Flagged flagged = desk.flag(rows, BY, day, null, false);
        same(List.of(5, 2, 3, 1, 4, 1), List.of(flagged.added(), flagged.changed(), flagged.unchanged(),
            flagged.lapsed(), flagged.repeated(), flagged.refused()));
        Refusal refusal = new Refusal("no_postcode", "line", "as it is");
        Refusal number = new Refusal("x", "line", "as it is");
        same(List.of(
            new RowResult(null, HOME, Level.UNIT, "read", null, day, false, false, List.of()),
            new RowResult(refusal, null, null, null, null, null, false, false, List.of()),
            new RowResult(null, "9999XA|12", Level.NUMBER, "read", number, day, false, false, List.of()),
            new RowResult(null, "0363010012345678", Level.UNIT, "bag_id", null, day, false, false, List.of()),
            new RowResult(null, HOME, Level.UNIT, "address", null, day, false, false, List.of()),
            new RowResult(null, "1", Level.UNIT, "number", null, day, false, false, List.of())), flagged.rows());
        // Gson may hand the fields over in any order.
        Row fields = Row.fields("1012JS", "1", "A", "2", "Dam", "Amsterdam");
        String[] sent = desk.flag(List.of(fields), BY).rows().get(0).address().split("\\|");
        Arrays.sort(sent);
        same(List.of("1", "1012JS", "2", "A", "Amsterdam", "Dam"), List.of(sent));
        Flagged renewed = desk.flag(List.of(Row.text(HOME), Row.text(HOME)), BY, null, "observed_again", true);
        same(0, renewed.added());
        same(true, renewed.rows().get(1).lapsed());
        same(null, renewed.rows().get(1).lastDay());
        Withdrawn withdrawn = desk.withdraw(List.of(Row.text(HOME), Row.text(HOME)), BY);
        same(List.of(1, 2, 3, 0), List.of(withdrawn.withdrawn(), withdrawn.unchanged(), withdrawn.repeated(),
            withdrawn.refused()));
        same(List.of(true, false), withdrawn.rows().stream().map(RowResult::wasFlagged).toList());
        same(List.of("9999XA|12"), withdrawn.rows().get(0).stay());
    }

    private void whatIsAsked() {
        List<Row> rows = List.of(Row.text(HOME), Row.text("nowhere"));
        Question question = desk.ask(rows, BY);
        same(36, question.request().length());
        same(QuestionState.ANSWERED, question.state());
        same(List.of(1, 1), List.of(question.repeated(), question.refused()));
        same("no_postcode", question.rows().get(1).refused().code());
        List<Standing> told = List.of(
            new Standing(HOME, Level.UNIT, "Molenstraat 12-A, é", Standing.Kind.STACKED, null, 3),
            new Standing("9999XB|5|", Level.UNIT, null, Standing.Kind.STACKED, 2, null),
            new Standing("9999XB|6", Level.NUMBER, null, Standing.Kind.STACKED, null, null),
            new Standing("9999XC|7|", Level.UNIT, null, Standing.Kind.BELOW_THRESHOLD, null, null),
            new Standing("9999XD|8|", Level.UNIT, null, Standing.Kind.NO_OWN_FLAG, null, null));
        same(List.of(new Answer(1, 7, MOMENT, MOMENT, 4, 3, told)), question.answers());
        same(List.of("stacked at least 3", "stacked 2", "stacked", "below threshold", "no own flag"),
            question.answers().get(0).rows().stream().map(Standing::words).toList());
        Question waiting = desk.ask(ROWS, BY, "a-question-waiting", "verhuizing", true, true);
        same("a-question-waiting", waiting.request());
        same(QuestionState.WAITING, waiting.state());
        same(null, waiting.notAccepted());
        Question refused = desk.answers("a-question-refused", BY);
        same(QuestionState.NOT_ACCEPTED, refused.state());
        same("gap", refused.notAccepted().code());
        same(List.of(), refused.rows());
        same(QuestionState.ANSWERED, desk.askOwn(BY).state());
        fails("not_found", 404, () -> desk.answers("nobody-asked-this", BY));
        fails("bad_request", 400, () -> desk.askOwn(BY, "short"));
    }

    private void whatIsLookedAt() {
        News news = desk.news(BY);
        same(List.of(
            new News.Row(HOME, Level.UNIT, null, News.Change.COUNT_CHANGED, new News.Told(2, null),
                new News.Told(null, 3)),
            new News.Row("9999XB|5|", Level.UNIT, "Kerkplein 5", News.Change.NEWLY_STACKED, null,
                new News.Told(2, null)),
            new News.Row("9999XC|7", Level.NUMBER, null, News.Change.NO_LONGER_STACKED, new News.Told(null, null),
                null)), news.news());
        same(3, desk.seen(news, BY));
        same(0, desk.seen(new News(null, List.of()), BY));
        fails("news_changed", 409, () -> desk.seen(new News("0".repeat(64), List.of()), BY));
        Dossier dossier = desk.dossier(Row.text(HOME), BY);
        List<Dossier.Entry> entries = dossier.entries();
        same(List.of("flagged", "renewed", "asked", "answered", "news_shown"),
            entries.stream().map(Dossier.Entry::event).toList());
        same(new Dossier.Entry(1, MOMENT, "flagged", HOME, Level.UNIT, "Molenstraat 12-A, é", "j.jansen", "2026-0117",
            "local_user", 1001L, LocalDate.of(2027, 5, 31), null, null, null, null, null, null, null, null, null),
            entries.get(0));
        same("observed_again", entries.get(1).reason());
        same(new Dossier.Entry(3, MOMENT, "asked", HOME, Level.UNIT, null, "j.jansen", "2026-0117", "local_user", 1001L,
            null, null, 1, 9L, "verhuizing", null, null, null, null, null), entries.get(2));
        same(new Dossier.Entry(4, MOMENT, "answered", HOME, Level.UNIT, null, null, null, null, null, null, null, null,
            null, null, Standing.Kind.STACKED, null, 3, 7L, MOMENT), entries.get(3));
        same(2, entries.get(4).count());
        same(new Dossier.Pruned(6, Instant.parse("2026-01-01T00:00:00Z"), MOMENT), dossier.pruned());
        same(new Status(1, 2, "12".repeat(32), 3, 4, new Status.Waiting(5, 6, 7), 8, "34".repeat(32), 9, true, false,
            new Status.Sync("waiting", MOMENT, "unreachable", null)), desk.status());
    }

    private void whatFailsHasItsCode(int port) {
        ClientException error = fails("rows_refused", 422, () -> desk.flag(List.of(Row.text("nowhere")), BY));
        same(List.of(new Refusal("no_postcode", "line", "as it is")), error.rows());
        fails("case", 422, () -> desk.news(new Case("", "2026-0117")));
        fails("bad_reply", 200, () -> desk.news(new Case("another server", "2026-0117")));
        Client nowhere = Client.unix(Path.of(socket + ".none")).waiting(Duration.ZERO);
        fails("unreachable", 0, nowhere::status);
        fails("too_large", 0, () -> desk.flag(List.of(Row.text("x".repeat(17 * 1024 * 1024))), BY));
        same(1, Client.loopback(port, "token").status().partner());
        same(1, Client.loopback(port, "token").flag(ROWS, BY).added());
        fails("unauthorized", 401, () -> Client.loopback(port, "another").status());
    }

    private void nothingPrintsWhatPeopleWrote() {
        String printed = desk.ask(ROWS, BY) + " " + desk.dossier(ROWS.get(0), BY) + " " + desk.news(BY) + " " + BY
            + " " + Row.text("Molenstraat 12-A");
        for (String secret : List.of("Molenstraat", "Kerkplein 5", "2026-0117")) {
            same(false, printed.contains(secret));
        }
    }

    private static ClientException fails(String code, int status, Runnable call) {
        try {
            call.run();
        } catch (ClientException error) {
            same(code, error.code());
            same(status, error.status());
            same(false, error.getMessage().isEmpty());
            return error;
        }
        throw new AssertionError("went through: " + code + " was to come");
    }

    private static void same(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }
}

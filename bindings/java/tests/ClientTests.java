// SPDX-License-Identifier: EUPL-1.2
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import stapel.client.Acting;
import stapel.client.Answer;
import stapel.client.AnswerRow;
import stapel.client.AskOptions;
import stapel.client.Change;
import stapel.client.Client;
import stapel.client.ClientException;
import stapel.client.DossierEntry;
import stapel.client.DossierResult;
import stapel.client.Due;
import stapel.client.FlagOptions;
import stapel.client.FlagResult;
import stapel.client.Level;
import stapel.client.NewsResult;
import stapel.client.NewsRow;
import stapel.client.NotAccepted;
import stapel.client.Pruned;
import stapel.client.Question;
import stapel.client.QuestionState;
import stapel.client.Refusal;
import stapel.client.RenewalReason;
import stapel.client.Row;
import stapel.client.RowResult;
import stapel.client.Standing;
import stapel.client.StatusResult;
import stapel.client.Sync;
import stapel.client.Told;
import stapel.client.Waiting;
import stapel.client.WithdrawResult;

/** What the example does not show, on ../clients/stub. Its arguments are the stub's socket and port. */
public final class ClientTests {
    private static final Acting BY = new Acting("j.jansen", "2026-0117");
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
     * @param arguments SOCKET PORT; or names
     * @throws IOException where what is compiled cannot be read
     * @throws ReflectiveOperationException where it cannot be looked at
     * @throws URISyntaxException where it is at no file
     */
    public static void main(String[] arguments)
            throws IOException, ReflectiveOperationException, URISyntaxException {
        if (arguments[0].equals("names")) {
            names();
            return;
        }
        ClientTests tests = new ClientTests(Path.of(arguments[0]));
        tests.whatIsFlaggedAndWithdrawn();
        tests.whatIsAsked();
        tests.whatIsLookedAt();
        int port = Integer.parseInt(arguments[1]);
        tests.whatFailsHasItsCode(port);
        tests.aQuestionThatFailedHasItsName();
        tests.theCallersActionIsSentWhereItIsInItsForm(port);
        tests.whatALaterServerKnowsIsNoError();
        tests.whatComesAfterAHit();
        tests.nothingThatIsPrintedSaysOfWhomOrWhat();
    }

    private void whatIsFlaggedAndWithdrawn() {
        List<Row> rows = List.of(Row.text(HOME), Row.text("nowhere"), Row.text("x|number"),
            Row.bagId("0363010012345678"), Row.address(HOME), Row.fields().number("1").letter("").build());
        LocalDate day = LocalDate.of(2027, 3, 31);
        FlagResult flagged = desk.flag(rows, BY, new FlagOptions().until(day));
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
            new RowResult(null, "|1||||", Level.UNIT, "fields", null, day, false, false, List.of())), flagged.rows());
        Row fields = Row.fields().number("1").postcode("1012JS").letter("A").addition("2").street("Dam")
            .town("Amsterdam").build();
        same("1012JS|1|A|2|Dam|Amsterdam", desk.flag(List.of(fields), BY).rows().get(0).address());
        try {
            Row.fields().postcode("1012JS").build();
            throw new AssertionError("an address without a number was made");
        } catch (IllegalStateException error) {
            same("an address of fields needs a number", error.getMessage());
        }
        FlagOptions again = new FlagOptions().renew(RenewalReason.OBSERVED_AGAIN).numberOnly();
        FlagResult renewed = desk.flag(List.of(Row.text(HOME), Row.text(HOME)), BY, again);
        same(0, renewed.added());
        same(true, renewed.rows().get(1).lapsed());
        same(null, renewed.rows().get(1).lastDay());
        WithdrawResult withdrawn = desk.withdraw(List.of(Row.text(HOME), Row.text(HOME)), BY);
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
        List<AnswerRow> told = List.of(
            new AnswerRow(HOME, Level.UNIT, "Molenstraat 12-A, é", Standing.STACKED, null, 3),
            new AnswerRow("9999XB|5|", Level.UNIT, null, Standing.STACKED, 2, null),
            new AnswerRow("9999XB|6", Level.NUMBER, null, Standing.STACKED, null, null),
            new AnswerRow("9999XC|7|", Level.UNIT, null, Standing.BELOW_THRESHOLD, null, null),
            new AnswerRow("9999XD|8|", Level.UNIT, null, Standing.NO_OWN_FLAG, null, null));
        same(List.of(new Answer(1, 7, MOMENT, MOMENT, 4, 3, told)), question.answers());
        same(List.of("stacked at least 3", "stacked 2", "stacked", "below threshold", "no own flag"),
            question.answers().get(0).rows().stream().map(AnswerRow::inWords).toList());
        Question waiting = desk.ask(ROWS, BY,
            new AskOptions().request("a-question-waiting").sweep("verhuizing").numbers().numberOnly());
        same("a-question-waiting", waiting.request());
        same(QuestionState.WAITING, waiting.state());
        same(null, waiting.notAccepted());
        Question refused = desk.answers("a-question-refused", BY);
        same(QuestionState.NOT_ACCEPTED, refused.state());
        same(new NotAccepted("gap"), refused.notAccepted());
        same(List.of(), refused.rows());
        same(QuestionState.ANSWERED, desk.askOwn(BY).state());
        fails("not_asked", 404, () -> desk.answers("nobody-asked-this", BY));
        fails("bad_request", 400, () -> desk.askOwn(BY, "short"));
    }

    private void whatIsLookedAt() {
        NewsResult news = desk.news(BY);
        same(List.of(
            new NewsRow(HOME, Level.UNIT, null, Change.COUNT_CHANGED, new Told(2, null),
                new Told(null, 3)),
            new NewsRow("9999XB|5|", Level.UNIT, "Kerkplein 5", Change.NEWLY_STACKED, null,
                new Told(2, null)),
            new NewsRow("9999XC|7", Level.NUMBER, null, Change.NO_LONGER_STACKED, new Told(null, null),
                null)), news.news());
        same(3, desk.seen(news, BY));
        same(0, desk.seen(new NewsResult(null, List.of()), BY));
        fails("news_changed", 409, () -> desk.seen(new NewsResult("0".repeat(64), List.of()), BY));
        DossierResult dossier = desk.dossier(Row.text(HOME), BY);
        List<DossierEntry> entries = dossier.entries();
        same(List.of("flagged", "renewed", "asked", "answered", "news_shown", "lead_written"),
            entries.stream().map(DossierEntry::event).toList());
        same(new DossierEntry(1, MOMENT, "flagged", HOME, Level.UNIT, "Molenstraat 12-A, é", "j.jansen", "2026-0117",
            "local_user", 1001L, LocalDate.of(2027, 5, 31), null, null, null, null, null, null, null, null, null, null,
            null),
            entries.get(0));
        same("observed_again", entries.get(1).reason());
        same(new DossierEntry(3, MOMENT, "asked", HOME, Level.UNIT, null, "j.jansen", "2026-0117", "local_user", 1001L,
            null, null, 1, 9L, "verhuizing", null, null, null, null, null, null, null), entries.get(2));
        same(new DossierEntry(4, MOMENT, "answered", HOME, Level.UNIT, null, null, null, null, null, null, null, null,
            null, null, Standing.STACKED, null, 3, 7L, MOMENT, null, null), entries.get(3));
        same(2, entries.get(4).count());
        same(null, entries.get(4).to());
        same(List.of(2), entries.get(5).conversations());
        same(List.of(3, 5), entries.get(5).to());
        same(new Pruned(6, Instant.parse("2026-01-01T00:00:00Z"), MOMENT), dossier.pruned());
        same(new StatusResult(1, 2, "12".repeat(32), 3, 4, new Waiting(5, 6, 7, 10), 8, "34".repeat(32), 9, true,
            false, new Sync("waiting", MOMENT, "unreachable", null),
            new Due(11, LocalDate.of(2026, 11, 2), 12, null, 13, 14, null, true, 15, LocalDate.of(2026, 11, 3), 16, 17,
                18, null)), desk.status());
        same(5, desk.flag(List.of(Row.text(HOME)), BY, new FlagOptions().forward()).putForward());
        same(null, desk.flag(List.of(Row.text(HOME)), BY).putForward());
    }

    private void whatFailsHasItsCode(int port) {
        ClientException error = fails("rows_refused", 422, () -> desk.flag(List.of(Row.text("nowhere")), BY));
        same(List.of(new Refusal("no_postcode", "line", "as it is")), error.rows());
        fails("case", 422, () -> desk.news(new Acting("", "2026-0117")));
        fails("bad_reply", 200, () -> desk.news(new Acting("another server", "2026-0117")));
        fails("bad_reply", 200, () -> desk.dossier(ROWS.get(0), new Acting("another calendar", "2026-0117")));
        Client nowhere = Client.unix(Path.of(socket + ".none")).withWait(Duration.ZERO);
        fails("unreachable", 0, nowhere::status);
        fails("too_large", 0, () -> desk.flag(List.of(Row.text("x".repeat(17 * 1024 * 1024))), BY));
        same(1, Client.loopback(port, "token").withTimeout(Duration.ofMinutes(2)).status().partner());
        same(1, Client.loopback(port, "token").flag(ROWS, BY).added());
        fails("unauthorized", 401, () -> Client.loopback(port, "another").status());
    }

    private void aQuestionThatFailedHasItsName() {
        Client nowhere = Client.unix(Path.of(socket + ".none")).withWait(Duration.ZERO);
        same(36, fails("unreachable", 0, () -> nowhere.ask(ROWS, BY)).request().length());
        same(36, fails("unreachable", 0, () -> nowhere.askOwn(BY)).request().length());
        AskOptions named = new AskOptions().request("a-name-of-the-caller");
        ClientException error = fails("case", 422, () -> desk.ask(ROWS, new Acting("", "2026-0117"), named));
        same("a-name-of-the-caller", error.request());
        same(null, fails("unreachable", 0, () -> nowhere.news(BY)).request());
    }

    private void theCallersActionIsSentWhereItIsInItsForm(int port) {
        String action = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (Client client : List.of(desk, Client.loopback(port, "token"))) {
            same(action, traced(client, action));
            same("by nobody", traced(client, null));
            same("by nobody", traced(client, action + "\r\nX: y"));
        }
    }

    private static String traced(Client client, String action) {
        return fails("traced", 409, () -> client.news(new Acting("traced", "2026-0117", action))).getMessage();
    }

    private void whatALaterServerKnowsIsNoError() {
        Acting later = new Acting("a later server", "2026-0117");
        List<RowResult> rows = desk.flag(List.of(Row.text(HOME), Row.text("nowhere")), later).rows();
        same("of_later of_later", rows.get(0).level() + " " + rows.get(0).how());
        same(new Refusal("no_postcode", "line", "as it is"), rows.get(1).refused());
        Question question = desk.ask(ROWS, later);
        AnswerRow row = question.answers().get(0).rows().get(3);
        same("of_later of_later of_later of later",
            question.state() + " " + row.level() + " " + row.standing() + " " + row.inWords());
        same(question.state(), desk.ask(ROWS, later).state());
        same(List.of("of_later", "of_later", "of_later"),
            desk.news(later).news().stream().map(one -> one.change().toString()).toList());
        DossierEntry entry = desk.dossier(ROWS.get(0), later).entries().get(3);
        same("of_later of_later of_later", entry.event() + " " + entry.level() + " " + entry.standing());
        fails("rows_refused", 422, () -> desk.flag(List.of(Row.text("nowhere")), later));
        same(true, desk.ask(ROWS, BY).state() == QuestionState.ANSWERED);
    }

    private void whatComesAfterAHit() {
        same("{\"conversations\":[{\"conversation\":3,\"typed\":\"Molenstraat 12-A, é\"}]}",
            desk.afterHit("conversations", BY, "{\"conversation\": 3}"));
        same("{\"news\":[],\"given\":{}}", desk.afterHit("news", BY, "{}"));
        fails("no_conversation", 409, () -> desk.afterHit("conversations", BY, "{\"conversation\": 7}"));
        try {
            desk.afterHit("news", BY, "[]");
            same("refused", "went through");
        } catch (IllegalArgumentException error) {
            same("what is given is no object of JSON", error.getMessage());
        }
    }

    /** Prints what there is, for ../clients/names. */
    private static void names() throws IOException, ReflectiveOperationException, URISyntaxException {
        Path classes = Path.of(Client.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<Path> files;
        try (Stream<Path> listed = Files.list(classes.resolve("stapel/client"))) {
            files = listed.filter(file -> !file.toString().contains("$")).sorted().toList();
        }
        for (Path file : files) {
            String name = file.getFileName().toString().replace(".class", "");
            Class<?> one = name.equals("package-info") ? Object.class : Class.forName("stapel.client." + name);
            List<String> told = names(one);
            if (Modifier.isPublic(one.getModifiers()) && !told.isEmpty()) {
                System.out.println(name.replace("Exception", "Error") + ": " + String.join(" ", told));
            }
        }
    }

    private static List<String> names(Class<?> one) throws ReflectiveOperationException {
        Stream<String> told = Stream.empty();
        if (one.isRecord()) {
            told = Stream.of(one.getRecordComponents()).map(RecordComponent::getName);
        } else if (one == Client.class || one == ClientException.class) {
            told = Stream.of(one.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()) && !Modifier.isStatic(method.getModifiers()))
                .map(Method::getName)
                .filter(name -> !name.startsWith("with") || name.equals("withdraw"));
        } else {
            Stream.Builder<String> constants = Stream.builder();
            for (Field field : one.getFields()) {
                if (field.getType() == one) {
                    constants.add(field.get(null).toString());
                }
            }
            told = constants.build();
        }
        return told.map(name -> name.replaceAll("([a-z])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT))
            .map(name -> name.replaceAll("_$", "")).distinct().sorted().toList();
    }

    private void nothingThatIsPrintedSaysOfWhomOrWhat() {
        String printed = desk.flag(ROWS, BY) + " " + desk.withdraw(ROWS, BY) + " " + desk.ask(ROWS, BY) + " "
            + desk.dossier(ROWS.get(0), BY) + " " + desk.news(BY) + " " + BY + " " + Row.text("Molenstraat 12-A");
        for (String secret : List.of("Molenstraat", "Kerkplein", "9999X", "j.jansen", "2026-0117", "stacked")) {
            same(false, printed.contains(secret));
        }
        same("NewsRow[address, level, typed, change, before, now]", desk.news(BY).news().get(0).toString());
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

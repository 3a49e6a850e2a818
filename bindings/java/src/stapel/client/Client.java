// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * A partner's folder that {@code stapel partner serve} owns, so that any number of processes use it at once. Who calls
 * needs no libstapel, no keys and no rights in the folder. It is reached through its Unix socket ({@link #unix}), or at
 * a port of this machine with a token ({@link #loopback}).
 *
 * <pre>{@code
 * Client desk = Client.unix(Path.of("/run/stapel/police.sock"));
 * Acting by = new Acting("j.jansen", "2026-0117");
 * List<Row> rows = List.of(Row.text("Dam 1-A, 1012 JS Amsterdam"));
 * desk.flag(rows, by);
 * Question question = desk.ask(rows, by); // its answer comes after the server's next sync
 * desk.answers(question.request(), by).answers();
 * }</pre>
 *
 * <p>What fails throws {@link ClientException}, which has the stable code. A request whose reply was lost, or that
 * comes while the server starts anew or is busy, is made again by itself: within one call nothing is flagged or asked
 * twice. Where {@link #ask} or {@link #askOwn} fails all the same, {@link ClientException#request} has the name of the
 * question: ask again under that name, since under another it would be a second question. A reply of status 500 is not
 * asked for again: whether that helps depends on its code, as docs/partner-serve.md says, which has also what each
 * request does.
 *
 * <p>Values that a later server knows and this version does not are no error: of an enumeration the text is kept, and
 * all else is passed over. Any thread may use a client.
 */
public final class Client {
    /** For how long a request is made again that gets no reply, where nothing else is said. */
    private static final Duration WAIT = Duration.ofSeconds(5);

    /** How long one may take. */
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    /** The server's limit. Whoever sends more is cut off, which would look like a lost reply. */
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    /** That of W3C Trace Context. Whatever has another form counts for none, there as here. */
    private static final Pattern TRACEPARENT = Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    private static final Gson GSON = new GsonBuilder()
            .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
            .registerTypeAdapter(Instant.class, read(Instant::parse))
            .registerTypeAdapter(LocalDate.class, read(LocalDate::parse))
            .registerTypeAdapter(Level.class, read(Level::of))
            .registerTypeAdapter(Standing.class, read(Standing::of))
            .registerTypeAdapter(QuestionState.class, read(QuestionState::of))
            .registerTypeAdapter(Change.class, read(Change::of))
            .create();

    private final Carrier carrier;
    private final Duration wait;

    private Client(Carrier carrier, Duration wait) {
        this.carrier = carrier;
        this.wait = wait;
    }

    /**
     * Through a Unix socket. Nothing is sent yet.
     *
     * @param socket the server's
     * @return a client that makes a request again for five seconds where it gets no reply
     */
    public static Client unix(Path socket) {
        return new Client(new SocketCarrier(socket, TIMEOUT), WAIT);
    }

    /**
     * At a port of 127.0.0.1. Nothing is sent yet.
     *
     * @param port the server's
     * @param token that of the server's configuration
     * @return a client that makes a request again for five seconds where it gets no reply
     */
    public static Client loopback(int port, String token) {
        return new Client(new LoopbackCarrier(port, token, TIMEOUT), WAIT);
    }

    /**
     * The same, with another time for which a request is made again.
     *
     * @param time for how long a request is made again that gets no reply; zero is not at all
     * @return a client
     */
    public Client withWait(Duration time) {
        return new Client(carrier, Objects.requireNonNull(time, "time"));
    }

    /**
     * The same, with another time that a request may take; it is a minute where nothing else is said.
     *
     * @param time how long a request may take
     * @return a client
     */
    public Client withTimeout(Duration time) {
        return new Client(carrier.within(Objects.requireNonNull(time, "time")), wait);
    }

    /**
     * Flags addresses, to the latest day that the policy allows. A row that is refused is not flagged, and says why.
     *
     * @param rows the addresses
     * @param by who acts
     * @return what became of them
     * @throws ClientException "rows_refused" where all are refused
     */
    public FlagResult flag(List<Row> rows, Acting by) {
        return flag(rows, by, new FlagOptions());
    }

    /**
     * Flags addresses, or lets flags stand longer.
     *
     * @param rows the addresses
     * @param by who acts
     * @param options such as {@code new FlagOptions().renew(RenewalReason.OBSERVED_AGAIN)}
     * @return what became of them
     * @throws ClientException "rows_refused" where all are refused
     */
    public FlagResult flag(List<Row> rows, Acting by, FlagOptions options) {
        Map<String, Object> given = given(by, rows, options.numberOnly);
        given.put("until", options.until == null ? null : options.until.toString());
        given.put("renew", options.renew == null ? null : options.renew.toString());
        given.put("forward", options.forward ? true : null);
        return post("/v1/flag", by, given, FlagResult.class);
    }

    /**
     * Withdraws the flags of addresses. One that is not flagged stays so.
     *
     * @param rows the addresses
     * @param by who acts
     * @return what became of them
     */
    public WithdrawResult withdraw(List<Row> rows, Acting by) {
        return withdraw(rows, by, false);
    }

    /**
     * Withdraws the flags of addresses. One that is not flagged stays so.
     *
     * @param rows the addresses
     * @param by who acts
     * @param numberOnly whether an address that is in order but for what follows its house number counts for that house
     *     number, instead of being refused
     * @return what became of them
     */
    public WithdrawResult withdraw(List<Row> rows, Acting by, boolean numberOnly) {
        return post("/v1/withdraw", by, given(by, rows, numberOnly), WithdrawResult.class);
    }

    /**
     * Asks about addresses. The question goes to the broker with the server's next sync; {@link #answers} has what
     * came.
     *
     * @param rows the addresses
     * @param by who asks
     * @return what is known of the question, under a random name
     */
    public Question ask(List<Row> rows, Acting by) {
        return ask(rows, by, new AskOptions());
    }

    /**
     * Asks about addresses. A caller that may be ended before it has the reply keeps a name of its own first.
     *
     * @param rows the addresses
     * @param by who asks
     * @param options such as {@code new AskOptions().request(name)}
     * @return what is known of the question
     */
    public Question ask(List<Row> rows, Acting by, AskOptions options) {
        Map<String, Object> given = given(by, rows, options.numberOnly);
        given.put("sweep", options.sweep);
        given.put("numbers", options.numbers ? true : null);
        return question("/v1/ask", by, options.request, given);
    }

    /**
     * Asks about all that the partner flags.
     *
     * @param by who asks
     * @return what is known of the question, under a random name
     */
    public Question askOwn(Acting by) {
        return question("/v1/ask-own", by, null, given(by));
    }

    /**
     * Asks about all that the partner flags, under a name of the caller's own.
     *
     * @param by who asks
     * @param request the name, as for {@link AskOptions#request}
     * @return what is known of the question
     */
    public Question askOwn(Acting by, String request) {
        return question("/v1/ask-own", by, Objects.requireNonNull(request, "request"), given(by));
    }

    /**
     * What came of a question.
     *
     * @param request its name
     * @param by who asked it, and for which case
     * @return what is known of it
     * @throws ClientException "not_asked" for all others
     */
    public Question answers(String request, Acting by) {
        Map<String, Object> given = given(by);
        given.put("request", Objects.requireNonNull(request, "request"));
        return post("/v1/answers", by, given, Question.class);
    }

    /**
     * What changed over own flags. It is given again until {@link #seen} marks it as seen.
     *
     * @param by who looks
     * @return what changed
     */
    public NewsResult news(Acting by) {
        return post("/v1/news", by, given(by), NewsResult.class);
    }

    /**
     * Marks news as seen.
     *
     * @param news what was seen
     * @param by who saw it
     * @return how much of it there was
     * @throws ClientException "news_changed" where other news came since, or where this was marked before, perhaps by a
     *     request whose reply was lost: then read the news again
     */
    public int seen(NewsResult news, Acting by) {
        if (news.mark() == null) {
            return 0;
        }
        Map<String, Object> given = given(by);
        given.put("mark", news.mark());
        return post("/v1/news/seen", by, given, Seen.class).seen();
    }

    /**
     * What was done with an address. The journal has first who looked.
     *
     * @param row the address
     * @param by who looks
     * @return what was done, oldest first
     */
    public DossierResult dossier(Row row, Acting by) {
        Map<String, Object> given = given(by);
        given.put("row", row.sent);
        return post("/v1/dossier", by, given, DossierResult.class);
    }

    /**
     * What people do after a hit. A note that is written again after a lost reply is written once.
     *
     * @param call the last part of a path of /v1/after-hit in partner-openapi.json, such as "forward" or "news/seen"
     * @param by who does it
     * @param given what its request has besides actor and case, as JSON: {@code "{}"} where it has no more
     * @return the result, as JSON of that document
     * @throws IllegalArgumentException where what is given is no object of JSON
     */
    public String afterHit(String call, Acting by, String given) {
        JsonObject body;
        try {
            body = Objects.requireNonNull(GSON.fromJson(given, JsonObject.class), "given");
        } catch (JsonParseException error) {
            throw new IllegalArgumentException("what is given is no object of JSON", error);
        }
        Map<String, Object> all = given(by);
        body.entrySet().forEach(one -> all.put(one.getKey(), one.getValue()));
        return post("/v1/after-hit/" + call, by, all, JsonObject.class).toString();
    }

    /**
     * How it goes, without addresses and cases.
     *
     * @return numbers alone
     */
    public StatusResult status() {
        return read(request("/v1/status", null, null), StatusResult.class);
    }

    private static <T> JsonDeserializer<T> read(Function<String, T> of) {
        return (found, type, context) -> of.apply(found.getAsString());
    }

    private record Seen(Integer seen) {
        private Seen {
            Objects.requireNonNull(seen, "seen");
        }
    }

    /** What the server says of a request that it did not do. */
    private record Problem(String code, String detail, List<RowResult> rows) {
        private Problem {
            Objects.requireNonNull(code, "code");
            rows = rows == null ? List.of() : List.copyOf(rows);
        }
    }

    private static Map<String, Object> given(Acting by) {
        return new HashMap<>(Map.of("actor", by.actor(), "case", by.case_()));
    }

    private static Map<String, Object> given(Acting by, List<Row> rows, boolean numberOnly) {
        Map<String, Object> given = given(by);
        given.put("rows", rows.stream().map(row -> row.sent).toList());
        given.put("number_only", numberOnly ? true : null);
        return given;
    }

    /** Asks, under a random name where the caller gave none, which whatever fails has. */
    private Question question(String path, Acting by, String request, Map<String, Object> given) {
        String name = request == null ? UUID.randomUUID().toString() : request;
        given.put("request", name);
        try {
            return post(path, by, given, Question.class);
        } catch (ClientException error) {
            throw error.of(name);
        }
    }

    private <T> T post(String path, Acting by, Map<String, Object> given, Class<T> made) {
        byte[] body = GSON.toJson(given).getBytes(StandardCharsets.UTF_8);
        if (body.length > MOST_BYTES) {
            String finding = "the request has more than 16 MiB; nothing was done: hand over fewer rows";
            throw new ClientException("too_large", finding, 0, List.of());
        }
        String traceparent = by.traceparent();
        boolean isOne = traceparent != null && TRACEPARENT.matcher(traceparent).matches();
        return read(request(path, body, isOne ? traceparent : null), made);
    }

    /** Makes a request, again and again until a reply came or the time is over. */
    private Carrier.Reply request(String path, byte[] body, String traceparent) {
        long until = System.nanoTime() + wait.toNanos();
        long pause = 50;
        while (true) {
            Exception missed = null;
            Carrier.Reply reply = null;
            try {
                reply = carrier.carry(path, body, traceparent);
                if (reply.status() != 503) {
                    return reply;
                }
            } catch (IOException error) {
                missed = error;
            }
            if (System.nanoTime() + pause * 1_000_000 - until > 0) {
                if (reply != null) {
                    return reply;
                }
                throw unreachable(missed);
            }
            try {
                Thread.sleep(pause);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
                throw unreachable(error);
            }
            pause = Math.min(2 * pause, 1_000);
        }
    }

    private ClientException unreachable(Exception error) {
        return new ClientException("unreachable", "no reply came through " + carrier + " (" + error
                + "): see whether stapel partner serve runs there", 0, List.of(), null, error);
    }

    private static <T> T read(Carrier.Reply reply, Class<T> made) {
        String text = new String(reply.body(), StandardCharsets.UTF_8);
        if (reply.status() == 200) {
            return parse(text, made, reply.status());
        }
        Problem problem = parse(text, Problem.class, reply.status());
        List<Refusal> rows = problem.rows().stream().map(RowResult::refused).toList();
        throw new ClientException(problem.code(), String.valueOf(problem.detail()), reply.status(), rows);
    }

    /** What a record must have and has not is an exception of its own, which Gson passes on in others. */
    private static <T> T parse(String text, Class<T> made, int status) {
        try {
            return Objects.requireNonNull(GSON.fromJson(text, made), "a reply");
        } catch (RuntimeException error) {
            throw ClientException.badReply(status, error);
        }
    }
}

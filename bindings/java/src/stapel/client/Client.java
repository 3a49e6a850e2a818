// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
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

/**
 * A partner's folder that {@code stapel partner serve} owns, so that any number of processes use it at once. Who calls
 * needs no libstapel, no keys and no rights in the folder. It is reached through its Unix socket ({@link #unix}), or at
 * a port of this machine with a token ({@link #loopback}).
 *
 * <pre>{@code
 * Client desk = Client.unix(Path.of("/run/stapel/police.sock"));
 * Case by = new Case("j.jansen", "2026-0117");
 * List<Row> rows = List.of(Row.text("Dam 1-A, 1012 JS Amsterdam"));
 * desk.flag(rows, by);
 * Question question = desk.ask(rows, by); // its answer comes after the server's next sync
 * desk.answers(question.request(), by).answers();
 * }</pre>
 *
 * <p>What fails throws {@link ClientException}, which has the stable code. A request whose reply was lost, or that
 * comes while the server starts anew or is busy, is made again by itself, because each may be: nothing is flagged or
 * asked twice by it. Any thread may use a client. docs/partner-serve.md says what each request does.
 */
public final class Client {
    /** For how long a request is made again that gets no reply, where nothing else is said. */
    private static final Duration WAIT = Duration.ofSeconds(5);

    /** How long one may take. */
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    /** The server's limit. Whoever sends more is cut off, which would look like a lost reply. */
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    private static final Gson GSON = new GsonBuilder()
            .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
            .registerTypeAdapter(Instant.class,
                (JsonDeserializer<Instant>) (found, type, context) -> Instant.parse(found.getAsString()))
            .registerTypeAdapter(LocalDate.class,
                (JsonDeserializer<LocalDate>) (found, type, context) -> LocalDate.parse(found.getAsString()))
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
     * The same with another time.
     *
     * @param wait for how long a request is made again that gets no reply; zero is not at all
     * @return a client
     */
    public Client waiting(Duration wait) {
        return new Client(carrier, Objects.requireNonNull(wait, "wait"));
    }

    /**
     * Flags addresses, until the latest day that the policy allows. A row that is refused is not flagged, and says why.
     *
     * @param rows the addresses
     * @param by who acts
     * @return what became of them
     * @throws ClientException "rows_refused" where all are refused
     */
    public Flagged flag(List<Row> rows, Case by) {
        return flag(rows, by, null, null, false);
    }

    /**
     * Flags addresses, or lets flags stand longer.
     *
     * @param rows the addresses
     * @param by who acts
     * @param until the last valid day; null for the latest that the policy allows
     * @param renew a reason for which flags stand longer, such as "observed_again"; null for new flags
     * @param numberOnly whether a row of which only the house number is certain counts for that alone
     * @return what became of them
     * @throws ClientException "rows_refused" where all are refused
     */
    public Flagged flag(List<Row> rows, Case by, LocalDate until, String renew, boolean numberOnly) {
        Map<String, Object> given = given(by, rows, numberOnly);
        given.put("until", until == null ? null : until.toString());
        given.put("renew", renew);
        return post("/v1/flag", given, Flagged.class);
    }

    /**
     * Withdraws the flags of addresses. One that is not flagged stays so.
     *
     * @param rows the addresses
     * @param by who acts
     * @return what became of them
     */
    public Withdrawn withdraw(List<Row> rows, Case by) {
        return withdraw(rows, by, false);
    }

    /**
     * Withdraws the flags of addresses. One that is not flagged stays so.
     *
     * @param rows the addresses
     * @param by who acts
     * @param numberOnly whether a row of which only the house number is certain counts for that alone
     * @return what became of them
     */
    public Withdrawn withdraw(List<Row> rows, Case by, boolean numberOnly) {
        return post("/v1/withdraw", given(by, rows, numberOnly), Withdrawn.class);
    }

    /**
     * Asks about addresses. The question goes to the broker with the server's next sync; {@link #answers} has what
     * came.
     *
     * @param rows the addresses
     * @param by who asks
     * @return what is known of the question, under a random name
     */
    public Question ask(List<Row> rows, Case by) {
        return ask(rows, by, UUID.randomUUID().toString(), null, false, false);
    }

    /**
     * Asks about addresses, under a name of the caller's own: under it, the same question is never asked twice. A
     * caller that may end before it has the reply keeps the name first.
     *
     * @param rows the addresses
     * @param by who asks
     * @param request the name: 16 to 64 letters, digits, "-" and "_"
     * @param sweep a reason of the policy, for what the partner need not flag itself; null for none
     * @param numbers whether the house number of each address is asked about too
     * @param numberOnly whether a row of which only the house number is certain counts for that alone
     * @return what is known of the question
     */
    public Question ask(
            List<Row> rows, Case by, String request, String sweep, boolean numbers, boolean numberOnly) {
        Map<String, Object> given = given(by, rows, numberOnly);
        given.put("request", Objects.requireNonNull(request, "request"));
        given.put("sweep", sweep);
        given.put("numbers", numbers ? true : null);
        return post("/v1/ask", given, Question.class);
    }

    /**
     * Asks about all that the partner flags.
     *
     * @param by who asks
     * @return what is known of the question, under a random name
     */
    public Question askOwn(Case by) {
        return askOwn(by, UUID.randomUUID().toString());
    }

    /**
     * Asks about all that the partner flags, under a name of the caller's own.
     *
     * @param by who asks
     * @param request the name
     * @return what is known of the question
     */
    public Question askOwn(Case by, String request) {
        Map<String, Object> given = given(by);
        given.put("request", Objects.requireNonNull(request, "request"));
        return post("/v1/ask-own", given, Question.class);
    }

    /**
     * What came of a question.
     *
     * @param request its name
     * @param by who asked it, and for which case
     * @return what is known of it
     * @throws ClientException "not_found" for all others
     */
    public Question answers(String request, Case by) {
        Map<String, Object> given = given(by);
        given.put("request", Objects.requireNonNull(request, "request"));
        return post("/v1/answers", given, Question.class);
    }

    /**
     * What changed over own flags. It is given again until {@link #seen} marks it as seen.
     *
     * @param by who looks
     * @return what changed
     */
    public News news(Case by) {
        return post("/v1/news", given(by), News.class);
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
    public int seen(News news, Case by) {
        if (news.mark() == null) {
            return 0;
        }
        Map<String, Object> given = given(by);
        given.put("mark", news.mark());
        return post("/v1/news/seen", given, Seen.class).seen();
    }

    /**
     * What was done with an address. The journal has first who looked.
     *
     * @param row the address
     * @param by who looks
     * @return what was done, oldest first
     */
    public Dossier dossier(Row row, Case by) {
        Map<String, Object> given = given(by);
        given.put("row", row.sent);
        return post("/v1/dossier", given, Dossier.class);
    }

    /**
     * How it goes, without addresses and cases.
     *
     * @return numbers alone
     */
    public Status status() {
        return read(request("/v1/status", null), Status.class);
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

    private static Map<String, Object> given(Case by) {
        return new HashMap<>(Map.of("actor", by.actor(), "case", by.reference()));
    }

    private static Map<String, Object> given(Case by, List<Row> rows, boolean numberOnly) {
        Map<String, Object> given = given(by);
        given.put("rows", rows.stream().map(row -> row.sent).toList());
        given.put("number_only", numberOnly ? true : null);
        return given;
    }

    private <T> T post(String path, Map<String, Object> given, Class<T> made) {
        byte[] body = GSON.toJson(given).getBytes(StandardCharsets.UTF_8);
        if (body.length > MOST_BYTES) {
            String finding = "the request has more than 16 MiB; nothing was done: hand over fewer rows";
            throw new ClientException("too_large", finding, 0, List.of());
        }
        return read(request(path, body), made);
    }

    /** Makes a request, again and again until a reply came or the time is over. */
    private Carrier.Reply request(String path, byte[] body) {
        long until = System.nanoTime() + wait.toNanos();
        long pause = 50;
        while (true) {
            Exception missed = null;
            Carrier.Reply reply = null;
            try {
                reply = carrier.carry(path, body);
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
                + "): see whether stapel partner serve runs there", error);
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

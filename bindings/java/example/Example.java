// SPDX-License-Identifier: EUPL-1.2
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import stapel.Addresses;
import stapel.AddressRow;
import stapel.Answer;
import stapel.Broker;
import stapel.Case;
import stapel.Partner;
import stapel.Rejection;
import stapel.Reply;
import stapel.Standing;
import stapel.Standings;
import stapel.StapelException;

/** A partner flags the addresses of a file, tells the broker, asks about them, and prints what came back. */
public final class Example {
    private static final Case BY = new Case("example", "examples");

    // UTF-8, whatever the locale says.
    private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false,
        StandardCharsets.UTF_8);
    private static final PrintStream ERR = new PrintStream(new FileOutputStream(FileDescriptor.err), true,
        StandardCharsets.UTF_8);

    private Example() {}

    /**
     * Does the job.
     *
     * @param arguments SANDBOX_DIR ADDRESSES_CSV [STEP [PARTNER]]
     */
    public static void main(String[] arguments) {
        String step = arguments.length > 2 ? arguments[2] : "all";
        if (arguments.length < 2 || arguments.length > 4 || !Set.of("all", "send", "read", "errors").contains(step)) {
            ERR.print("usage: run SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]\n");
            System.exit(2);
        }
        Path sandbox = Path.of(arguments[0]);
        Path partnerFolder = sandbox.resolve(arguments.length > 3 ? arguments[3] : "partner");
        try {
            if (step.equals("errors")) {
                showErrors(partnerFolder);
            } else {
                run(step, sandbox, partnerFolder, Path.of(arguments[1]));
            }
            OUT.flush();
        } catch (StapelException error) {
            fail(error.code(), error.getMessage());
        } catch (EndException error) {
            fail(error.code, error.getMessage());
        } catch (NoSuchFileException error) {
            fail("io", error.getMessage() + ": there is no such file");
        } catch (IOException error) {
            fail("io", error.getMessage());
        }
    }

    private static void run(String step, Path sandbox, Path partnerFolder, Path file) throws IOException {
        List<String> references = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        readCsv(file, references, texts);
        Path brokerFolder = sandbox.resolve("broker");

        try (Addresses rows = Addresses.fromTexts(texts, references);
                Partner partner = Partner.open(partnerFolder);
                Broker broker = Broker.open(brokerFolder, brokerFolder.resolve("keys"))) {
            Standings standings = new Standings(rows.size());
            switch (step) {
                case "send" -> {
                    partner.flag(rows, BY, Instant.now());
                    List<byte[]> messages = new ArrayList<>(partner.deliver(Instant.now()));
                    messages.addAll(partner.ask(rows, BY, Instant.now()));
                    for (byte[] message : messages) {
                        broker.handle(message, Instant.now());
                    }
                }
                case "read" -> print(carry(partner.inFlight(), partner, broker, rows, standings), rows, standings);
                default -> {
                    partner.flag(rows, BY, Instant.now());
                    carry(partner.deliver(Instant.now()), partner, broker, rows, standings);
                    print(carry(partner.ask(rows, BY, Instant.now()), partner, broker, rows, standings), rows,
                        standings);
                }
            }
        }
    }

    /**
     * Brings messages to the broker and reads its replies. A program of a partner has the broker elsewhere, and sends
     * them over HTTPS.
     *
     * @return the head of the last answer; null where there was none
     */
    private static Answer.Head carry(
            List<byte[]> messages, Partner partner, Broker broker, Addresses rows, Standings standings) {
        Answer.Head head = null;
        for (byte[] message : messages) {
            byte[] bytes = broker.handle(message, Instant.now());
            try (Reply reply = partner.read(bytes, Instant.now())) {
                if (reply instanceof Rejection rejection) {
                    throw new EndException(rejection.code(), rejection.sentence());
                }
                if (reply instanceof Answer answer) {
                    answer.fill(rows, standings);
                    head = answer.head();
                }
            }
        }
        return head;
    }

    private static void print(Answer.Head head, Addresses rows, Standings standings) {
        if (head == null) {
            throw new EndException("error", "no question was in flight");
        }
        OUT.print("organisations " + head.organisations() + ", fresh " + head.fresh() + "\n");
        for (AddressRow row : rows) {
            String canonical = row.isRefused() ? "-" : row.canonical();
            OUT.print(row.reference() + "\t" + canonical + "\t" + words(row, standings.get(row.row())) + "\n");
        }
    }

    private static String words(AddressRow row, Standing standing) {
        if (row.isRefused()) {
            return "refused " + row.code();
        }
        return switch (standing.kind()) {
            case BELOW_THRESHOLD -> "below threshold";
            case NO_OWN_FLAG -> "no own flag";
            case STACKED -> "stacked";
            case AT_LEAST -> "stacked at least " + standing.count();
            case COUNT -> "stacked " + standing.count();
            case NONE, REFUSED -> "not answered";
        };
    }

    private static void showErrors(Path partnerFolder) {
        Partner partner = Partner.open(partnerFolder);
        OUT.print("open twice\t" + codeOf(() -> Partner.open(partnerFolder, null, Duration.ZERO).close()) + "\n");
        byte[] garbage = "this is no reply".getBytes(StandardCharsets.UTF_8);
        OUT.print("reply of garbage\t" + codeOf(() -> partner.read(garbage, Instant.now()).close()) + "\n");
        OUT.print("empty reply\t" + codeOf(() -> partner.read(new byte[0], Instant.now()).close()) + "\n");
        partner.close();
        partner.close();
        OUT.print("close twice\tharmless\n");
        String after = "went through";
        try {
            partner.deliver(Instant.now());
        } catch (IllegalStateException error) {
            after = "refused";
        }
        OUT.print("use after close\t" + after + "\n");
    }

    private static String codeOf(Runnable call) {
        try {
            call.run();
            return "no error";
        } catch (StapelException error) {
            return error.code();
        }
    }

    /** Two fields on a line, a semicolon between them, as README.md in the folder above says. */
    private static void readCsv(Path file, List<String> references, List<String> texts) throws IOException {
        String text = Files.readString(file, StandardCharsets.UTF_8);
        String[] lines = text.split("\r?\n", -1);
        for (int number = 1; number < lines.length; number++) {
            if (!lines[number].isEmpty()) {
                StringBuilder reference = new StringBuilder();
                int next = readField(lines[number], 0, reference);
                references.add(reference.toString());
                StringBuilder address = new StringBuilder();
                readField(lines[number], next, address);
                texts.add(address.toString());
            }
        }
    }

    /**
     * Reads the field that begins at a place in a line.
     *
     * @return the place where the next one begins
     */
    private static int readField(String line, int begin, StringBuilder field) {
        int at = begin;
        if (at < line.length() && line.charAt(at) == '"') {
            at++;
            while (at < line.length()) {
                char c = line.charAt(at++);
                if (c == '"') {
                    if (at == line.length() || line.charAt(at) != '"') {
                        break;
                    }
                    at++;
                }
                field.append(c);
            }
        } else {
            while (at < line.length() && line.charAt(at) != ';') {
                field.append(line.charAt(at++));
            }
        }
        return at < line.length() && line.charAt(at) == ';' ? at + 1 : at;
    }

    private static void fail(String code, String sentence) {
        ERR.print(code + ": " + sentence + "\n");
        System.exit(1);
    }

    /** Ends the program. */
    private static final class EndException extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final String code;

        EndException(String code, String sentence) {
            super(sentence);
            this.code = code;
        }
    }
}

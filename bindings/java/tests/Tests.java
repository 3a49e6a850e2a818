// SPDX-License-Identifier: EUPL-1.2
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import stapel.Address;
import stapel.AddressFields;
import stapel.AddressRow;
import stapel.Addresses;
import stapel.AgendaItem;
import stapel.Answer;
import stapel.AnswerRow;
import stapel.Broker;
import stapel.Case;
import stapel.Change;
import stapel.Changed;
import stapel.Conversation;
import stapel.Findings;
import stapel.How;
import stapel.HowCounts;
import stapel.Introduced;
import stapel.Level;
import stapel.LogEntry;
import stapel.Note;
import stapel.Partner;
import stapel.Position;
import stapel.PutForward;
import stapel.PutForwardByOther;
import stapel.Receipt;
import stapel.Register;
import stapel.RegisterEntry;
import stapel.Rejection;
import stapel.Reply;
import stapel.Standing;
import stapel.Standings;
import stapel.Stapel;
import stapel.StapelException;
import stapel.TalkNews;
import stapel.Talked;
import stapel.Totals;
import stapel.YearCell;

/** Tests on a sandbox that nothing else uses, in order: each begins where the one before it ended. */
public final class Tests {
    private static final Case BY = new Case("tester é", "zaak-1");
    private static final Instant NOW = Instant.now();

    private final Path sandbox;
    private final Path partnerFolder;
    private final Path brokerFolder;
    private final Path keysFolder;

    private Tests(Path sandbox) {
        this.sandbox = sandbox;
        partnerFolder = sandbox.resolve("partner");
        brokerFolder = sandbox.resolve("broker");
        keysFolder = brokerFolder.resolve("keys");
    }

    /**
     * Runs them.
     *
     * @param arguments the sandbox's folder
     */
    public static void main(String[] arguments) {
        if (arguments.length != 1) {
            System.err.println("usage: test SANDBOX_DIR");
            System.exit(2);
        }
        Tests tests = new Tests(Path.of(arguments[0]));
        run("the library is the one", tests::theLibraryIsTheOne);
        run("one address is read", tests::oneAddressIsRead);
        run("the number of a refused home", tests::theNumberOfARefusedHome);
        run("a register completes", tests::aRegisterCompletes);
        run("nothing prints what people wrote", tests::nothingPrintsWhatPeopleWrote);
        run("a register is looked at", tests::aRegisterIsLookedAt);
        run("rows are read and refused", tests::rowsAreReadAndRefused);
        run("odd texts are rows like others", tests::oddTextsAreRowsLikeOthers);
        run("many rows cross in one call", tests::manyRowsCrossInOneCall);
        run("a first question gives a hit", tests::aFirstQuestionGivesAHit);
        run("a delivery is resent until its reply is read", tests::aDeliveryIsResentUntilItsReplyIsRead);
        run("flags come and go", tests::flagsComeAndGo);
        run("rejections are replies", tests::rejectionsAreReplies);
        run("errors have their codes", tests::errorsHaveTheirCodes);
        run("folders are made", tests::foldersAreMade);
        run("closing twice is harmless", tests::closingTwiceIsHarmless);
        run("what was closed is refused", tests::whatWasClosedIsRefused);
        run("one partner serves four threads", tests::onePartnerServesFourThreads);
        run("closing while others use it is safe", tests::closingWhileOthersUseItIsSafe);
        run("what is in use is not collected", tests::whatIsInUseIsNotCollected);
        run("a conversation after a hit", tests::aConversationAfterAHit);
        run("totals are told", tests::totalsAreTold);
        run("what is lost is freed", tests::whatIsLostIsFreed);
    }

    private void theLibraryIsTheOne() {
        equal(1, Stapel.abiVersion());
        equal(3, Stapel.version().split("\\.").length);
        equal("ok", Stapel.codeOf(0));
        equal("folder_in_use", Stapel.codeOf(120));
        equal("unknown", Stapel.codeOf(Integer.MIN_VALUE));
    }

    private void oneAddressIsRead() {
        equal(new Address("1012JS|1|A", "1012JS|1", How.NONE), Address.fromText("Dam 1-a, 1012 JS Amsterdam"));
        equal("1012JS|1|A", Address.fromFields(new AddressFields("1012 js", "1", "A", null)).unit());
        StapelException error = refused(() -> Address.fromText("Dam, 1012 JS Amsterdam"));
        equal("no_number", error.code());
        equal(210, error.status());
        that(error.getMessage().length() > 20, error.getMessage());
        equal("no_postcode", code(() -> Address.fromFields(new AddressFields(null, null, null, null))));
        equal("empty", code(() -> Address.fromText("")));
        fails(NullPointerException.class, () -> Address.fromText(null));
    }

    private void theNumberOfARefusedHome() {
        equal("1012JS|1", refused(() -> Address.fromText("Dam 1, 2e verdieping, 1012 JS")).number());
        AddressFields letters = new AddressFields("1012JS", "1", "AB", null);
        equal("1012JS|1", refused(() -> Address.fromFields(letters)).number());
        equal(null, refused(() -> Address.fromText("Dam 1")).number());
        List<String> texts = List.of("Dam 1, 2e verdieping, 1012 JS", "Dam 1", "Dam 1-a, 1012 JS");
        try (Addresses rows = Addresses.fromTexts(texts);
                Addresses numbers = rows.numbers()) {
            List<String> expected = Arrays.asList("1012JS|1", null, "1012JS|1");
            equal(expected, all(rows).stream().map(AddressRow::number).toList());
            equal(expected, all(numbers).stream().map(AddressRow::number).toList());
            try (Addresses alone = rows.refusedNumbers()) {
                equal(List.of(new AddressRow(0, 0, Level.NUMBER, How.NONE, null, "1012JS|1", texts.get(0), "1012JS|1",
                        null, null)), all(alone));
            }
        }
    }

    private void aRegisterCompletes() {
        try (Register register = Register.open(sandbox.resolve("bag.stapel"))) {
            for (Object[] one : new Object[][] {
                {"Kerkplein 5, 9999 XB", "9999XB|5|", How.REGISTERED},
                {"9999200000000001", "9999XA|12|A", How.BY_ID},
                {"Kerkplein 5, Voorbeeldstad", "9999XB|5|", How.COMPLETED},
                {"Kotter 38-2, 9999 XG", "9999XG|2|", How.STREET},
                {"Havenweg 105-hs, 9999 XC", "9999XC|105|H", How.OTHER_SPELLING},
                {"Kerkplein 99, 9999 XB", "9999XB|99|", How.UNREGISTERED},
                {"Kerkplein 7, 9999 XB", "9999XB|7|", How.WITHDRAWN},
            }) {
                Address address = Address.fromText((String) one[0], register);
                equal(one[1], address.unit());
                equal(one[2], address.how());
            }
            AddressFields garage = new AddressFields(null, "16", null, "g1", "Lindelaan", "Voorbeeldstad");
            equal(new Address("9999200000000014", null, How.COMPLETED), Address.fromFields(garage, register));
            equal("no_postcode", code(() -> Address.fromFields(garage)));
            equal("bag_id_unknown", code(() -> Address.fromText("9999200000000099", register)));
            equal("bag_id_withdrawn", code(() -> Address.fromText("9999200000000005", register)));
            equal("not_in_register", code(() -> Address.fromText("Kerkplein 99, Voorbeeldstad", register)));
            equal("several_in_register", code(() -> Address.fromText("Dorpsstraat 3, Voorbeeldstad", register)));

            List<String> references = List.of("Z-1", "Z-2", "Z-3");
            List<String> texts =
                    List.of("Kerkplein 5, Voorbeeldstad", "Dorpsstraat 3, Voorbeeldstad", "Kerkplein 99, 9999 XB");
            List<AddressFields> fields = List.of(
                    new AddressFields(null, "5", null, null, "Kerkplein", "Voorbeeldstad"),
                    new AddressFields(null, "3", null, null, "Dorpsstraat", "Voorbeeldstad"),
                    new AddressFields("9999XB", "99", null, null));
            for (Addresses read : List.of(
                    Addresses.fromTexts(texts, references, register),
                    Addresses.fromFields(fields, references, register))) {
                try (Addresses rows = read) {
                    equal(Arrays.asList("9999XB|5|", null, "9999XB|99|"), rows.canonicalForms());
                    equal(List.of(How.COMPLETED, How.NONE, How.UNREGISTERED),
                            all(rows).stream().map(AddressRow::how).toList());
                    equal(Arrays.asList("9999XB|5", null, "9999XB|99"),
                            all(rows).stream().map(AddressRow::number).toList());
                    equal("Kerkplein 5 Voorbeeldstad", rows.get(0).typed().replace(",", ""));
                    AddressRow one = rows.refused().iterator().next();
                    equal("several_in_register line Z-2", one.code() + " " + one.field() + " " + one.reference());
                    equal(new HowCounts(0, 0, 1, 0, 0, 1, 0), rows.howCounts());
                }
            }
            List<String> floors =
                    List.of("Kerkplein 5, 2e verdieping, 9999 XB", "Kerkplein 99, 2e verdieping, 9999 XB");
            try (Addresses rows = Addresses.fromTexts(floors, List.of("Z-1", "Z-2"), register);
                    Addresses alone = rows.refusedNumbers()) {
                equal(List.of(new AddressRow(0, 0, Level.NUMBER, How.REGISTERED, "Z-1", "9999XB|5", floors.get(0),
                        "9999XB|5", null, null)), all(alone));
            }
            try (Addresses rows = Addresses.fromFields(fields, references)) {
                equal("no_postcode", rows.get(0).code());
                equal(new HowCounts(0, 0, 0, 0, 0, 0, 0), rows.howCounts());
            }
        }
    }

    private void nothingPrintsWhatPeopleWrote() {
        Standing two = new Standing(Standing.Kind.COUNT, 2);
        String text = "Dam 1, Buurvrouw";
        try (Addresses rows = Addresses.fromTexts(List.of("Dam 1-a, 1012 JS Buurvrouw"), List.of("Zaak-7"))) {
            LogEntry log = new LogEntry(1, "0".repeat(64));
            String printed = List.of(
                    rows.get(0),
                    new AnswerRow("1012JS|1|B", text, Level.UNIT, two),
                    new Change("1012JS|1|C", text, Level.UNIT, Change.Kind.NEWLY_STACKED, two, two),
                    new AddressFields("1012JS", "1", null, null, text, text),
                    new Answer.Head("j.jansen", "Zaak-7", 1, NOW, NOW, 1, 4, 4, log),
                    new Case("j.jansen", "Zaak-7")).toString();
            that(!printed.contains("Buurvrouw") && !printed.contains("Zaak-7"), printed);
            for (String form : List.of("1012JS|1|A", "1012JS|1|B", "1012JS|1|C", "COUNT", "j.jansen")) {
                that(printed.contains(form), printed);
            }
        }
    }

    private void aRegisterIsLookedAt() {
        Register register = Register.open(sandbox.resolve("bag.stapel"));
        equal(19, register.size());
        equal(1, register.withdrawnSize());
        long days = LocalDate.now(ZoneOffset.UTC).toEpochDay() - register.sourceDay().toEpochDay();
        that(Math.abs(days) < 2, register.sourceDay().toString());
        RegisterEntry entry = new RegisterEntry("9999XB|7|", "Kerkplein", "Voorbeeldstad", "9999XB", 7, "", "",
                "9999200000000005", "9999010000000004", "9999100000000001", new RegisterEntry.Place(53.25, 4.5), false,
                true);
        equal(new Findings(List.of(entry), "9999XB|5|"), register.lookUp("9999XB|7|"));
        that(register.lookUp("9999XB|9|").entries().get(0).isSecondary(), "it is a second address");
        RegisterEntry garage = register.lookUp("9999200000000014").entries().get(0);
        that(garage.place() == null && garage.postcode().isEmpty(), "a garage box");
        equal("G1", garage.addition());
        equal(new Findings(List.of(), null), register.lookUp("9999XB|99|"));
        equal("not_canonical", code(() -> register.lookUp("Kerkplein 5, 9999 XB")));
        fails(NullPointerException.class, () -> register.lookUp(null));
        try (Addresses rows = Addresses.fromTexts(List.of("Kerkplein 5, Voorbeeldstad"), null, register)) {
            register.close();
            register.close();
            equal("9999XB|5|", rows.get(0).canonical());
        }
        fails(IllegalStateException.class, () -> register.lookUp("9999XB|7|"));
        fails(IllegalStateException.class, () -> Address.fromText("9999XB|7|", register));
        fails(IllegalStateException.class, () -> Addresses.fromTexts(List.of("9999XB|7|"), null, register));
        equal("register", code(() -> Register.open(sandbox.resolve("policy.toml"))));
        equal("io", code(() -> Register.open(sandbox.resolve("geen.stapel"))));
    }

    private void rowsAreReadAndRefused() {
        List<String> texts = Arrays.asList("Dam 1, 1012 JS", "Lindelaan 10 t/m 14, 9999 XD", null, "Dam 1, 1012JS");
        List<String> references = Arrays.asList("Z-é-€-\uD83D\uDE00", "Z-2", null, "Z-4");
        try (Addresses rows = Addresses.fromTexts(texts, references)) {
            equal(4, rows.size());
            equal(2, rows.refusedSize());
            equal(new AddressRow(0, 0, Level.UNIT, How.NONE, "Z-é-€-\uD83D\uDE00", "1012JS|1|", "Dam 1, 1012 JS",
                    "1012JS|1", null, null), rows.get(0));
            equal("ok", rows.get(0).code());
            List<AddressRow> refused = all(rows.refused());
            equal(2, refused.size());
            equal(1, refused.get(0).row());
            equal("Z-2", refused.get(0).reference());
            equal("range_unclear", refused.get(0).code());
            equal("huisnummer", refused.get(0).field());
            equal(Level.NONE, refused.get(0).level());
            that(refused.get(0).isRefused() && refused.get(0).canonical() == null, "a form of what was refused");
            equal(null, refused.get(0).typed());
            that(refused.get(0).message().length() > 20, refused.get(0).message());
            equal("empty", refused.get(1).code());
            equal("", refused.get(1).reference());
            equal(List.of(0, 1, 2, 3), all(rows).stream().map(AddressRow::row).toList());
            equal(Arrays.asList("1012JS|1|", null, null, "1012JS|1|"), rows.canonicalForms());
            try (Addresses numbers = rows.numbers()) {
                equal("1012JS|1", numbers.get(3).canonical());
                equal(Level.NUMBER, numbers.get(3).level());
                equal("Z-2", numbers.refused().iterator().next().reference());
            }
            fails(IndexOutOfBoundsException.class, () -> rows.get(4));
            fails(IndexOutOfBoundsException.class, () -> rows.get(-1));
        }
        List<AddressFields> fields =
                List.of(new AddressFields("1012JS", "1", "a", "2"), new AddressFields("1012JS", "0", "", ""));
        try (Addresses rows = Addresses.fromFields(fields, null)) {
            equal(null, rows.get(0).reference());
            equal("1012JS|1|A2", rows.get(0).canonical());
            equal("number_zero", rows.get(1).code());
            equal("huisnummer", rows.get(1).field());
        }
    }

    private void oddTextsAreRowsLikeOthers() {
        try (Addresses none = Addresses.fromTexts(List.of(), List.of())) {
            equal(0, none.size());
            equal(List.of(), none.canonicalForms());
            equal(List.of(), all(none));
        }
        // Half a surrogate pair; a NUL, which is as a space and ends nothing; and far too long.
        List<String> texts = List.of("Dam 1\uD83D, 1012 JS", "Dam 1\0, 1012 JS", "a".repeat(100_000), "1012JS|1|");
        try (Addresses rows = Addresses.fromTexts(texts)) {
            equal(List.of("character", "ok", "too_long", "ok"), all(rows).stream().map(AddressRow::code).toList());
        }
        fails(IllegalArgumentException.class, () -> Addresses.fromTexts(List.of("1012JS|1|"), List.of("\uDE00")));
        fails(IllegalArgumentException.class, () -> Addresses.fromTexts(List.of("1012JS|1|"), List.of()));
        fails(NullPointerException.class, () -> Addresses.fromTexts(null));
        fails(NullPointerException.class, () -> Addresses.fromFields(null, null));
    }

    private void manyRowsCrossInOneCall() {
        int count = 100_000;
        List<String> texts = new ArrayList<>();
        List<String> references = new ArrayList<>();
        List<AddressFields> fields = new ArrayList<>();
        for (int row = 0; row < count; row++) {
            int number = row % 1000 + 1;
            String postcode = 1000 + row / 1000 + "AB";
            texts.add(number == 1000 ? "geen adres" : "Straat " + number + ", " + postcode + " Plaats");
            references.add("R" + row);
            fields.add(new AddressFields(postcode, Integer.toString(number), "", ""));
        }
        try (Addresses fromTexts = Addresses.fromTexts(texts, references);
                Addresses fromFields = Addresses.fromFields(fields, null)) {
            equal(count, fromTexts.size());
            equal(100, fromTexts.refusedSize());
            equal(0, fromFields.refusedSize());
            for (AddressRow row : fromTexts.refused()) {
                that(row.row() % 1000 == 999 && row.reference().equals("R" + row.row()), "refused row " + row);
            }
            List<String> forms = fromTexts.canonicalForms();
            List<String> others = fromFields.canonicalForms();
            for (AddressRow row : fromTexts) {
                equal("R" + row.row(), row.reference());
                equal(forms.get(row.row()), row.canonical());
                equal(row.row() % 1000 == 999 ? null : others.get(row.row()), row.canonical());
            }
            try (Partner partner = Partner.open(partnerFolder); Broker broker = openBroker()) {
                Standings standings = new Standings(count);
                equal(Standing.Kind.NONE, standings.get(0).kind());
                for (Reply reply : carry(partner.ask(fromTexts, BY, NOW), partner, broker)) {
                    try (Answer answer = (Answer) reply) {
                        answer.fill(fromTexts, standings);
                    }
                }
                for (int row = 0; row < count; row++) {
                    Standing.Kind expected = row % 1000 == 999 ? Standing.Kind.REFUSED : Standing.Kind.NO_OWN_FLAG;
                    equal(expected, standings.get(row).kind());
                }
            }
        }
    }

    private void aFirstQuestionGivesAHit() {
        try (Addresses rows = sandboxRows();
                Partner partner = Partner.open(partnerFolder);
                Broker broker = openBroker()) {
            equal(1, partner.number());
            equal(new Changed(7, 0, 0, 0, 0, 1, 0), partner.flag(rows, BY, NOW));
            Receipt receipt = (Receipt) only(carry(partner.deliver(NOW), partner, broker));
            // The homes, and the house numbers that they are in.
            equal(14L, receipt.added());
            equal(14L, receipt.held());
            equal(64, receipt.log().leaf().length());
            that(!receipt.log().leaf().equals("0".repeat(64)), "the receipt names no line of the log");

            try (Answer answer = (Answer) only(carry(partner.ask(rows, BY, NOW), partner, broker))) {
                Answer.Head head = answer.head();
                equal("tester é", head.actor());
                equal("zaak-1", head.reference());
                equal(4, head.organisations());
                equal(4, head.fresh());
                equal(1L, head.epoch());
                that(Duration.between(head.asOf(), NOW).abs().toMinutes() < 10, head.asOf().toString());
                that(!head.until().isBefore(head.asOf()), head.until().toString());
                equal(7, answer.size());
                Standings standings = answer.standings(rows);
                Standing three = new Standing(Standing.Kind.AT_LEAST, 3);
                Standing two = new Standing(Standing.Kind.COUNT, 2);
                Standing below = new Standing(Standing.Kind.BELOW_THRESHOLD, 0);
                Standing refused = new Standing(Standing.Kind.REFUSED, 0);
                equal(List.of(three, three, two, two, three, below, below, refused), standings);
                that(three.isStacked() && two.isStacked() && !below.isStacked() && !refused.isStacked(), "isStacked");
                equal(rows.canonicalForms().subList(0, 7), all(answer).stream().map(AnswerRow::canonical).toList());
                String typed = rows.get(2).typed();
                that(typed.contains("Kerkplein"), typed);
                equal(new AnswerRow("9999XB|3|BIS", typed, Level.UNIT, two), answer.get(2));
                fails(IndexOutOfBoundsException.class, () -> answer.get(7));
                equal("invalid_argument", code(() -> answer.fill(rows, new Standings(7))));

                List<Change> news = partner.news();
                equal(5, news.size());
                Standing none = new Standing(Standing.Kind.NONE, 0);
                String first = rows.get(0).typed();
                Change change = new Change("9999XA|12|A", first, Level.UNIT, Change.Kind.NEWLY_STACKED, none, three);
                equal(change, news.get(0));
                equal(List.of(), partner.news());
            }

            Position position = (Position) only(carry(partner.status(NOW), partner, broker));
            equal(14L, position.held());
            that(position.acceptedState() > 0 && position.highestState() >= position.acceptedState(), "state numbers");
            that(position.highestQuestion() > 0 && position.newFlagsLeft() > 0 && position.askedLeftToday() > 0,
                "budgets");
            that(!position.fullSetRequired() && position.complaint() == null, "complaint");
            that(position.log().index() > receipt.log().index(), "the line of the log");
            that(!position.log().leaf().equals("0".repeat(64)), "the status names no line of the log");
            that(broker.status().startsWith("{") && broker.status().contains("\"held\":14"), broker.status());
            that(broker.release(NOW, false).startsWith("["), "releases");
        }
    }

    private void aDeliveryIsResentUntilItsReplyIsRead() {
        try (Addresses home = Addresses.fromTexts(List.of("1111AA|1|"));
                Partner partner = Partner.open(partnerFolder);
                Broker broker = openBroker()) {
            equal(List.of(), partner.deliver(NOW));
            partner.flag(home, BY, NOW);
            equal(1L, partner.undelivered());
            byte[] message = only(partner.deliver(NOW));
            equal(0L, partner.undelivered());
            that(Arrays.equals(message, only(partner.deliver(NOW))), "another message");
            that(Arrays.equals(message, only(partner.inFlight())), "another message in flight");
            byte[] reply = broker.handle(message, NOW);
            that(Arrays.equals(reply, broker.handle(message, NOW)), "another reply");
            Reply first = partner.read(reply, NOW);
            equal(Reply.Kind.RECEIPT, first.kind());
            equal(List.of(), partner.inFlight());
            equal(first, partner.read(reply, NOW));
            equal(Reply.Kind.RECEIPT, only(carry(partner.confirm(NOW), partner, broker)).kind());

            partner.withdraw(home, BY, NOW);
            byte[] given = only(partner.deliver(NOW));
            partner.giveUp(given, NOW);
            equal("unexpected_reply", code(() -> partner.giveUp(given, NOW)));
            equal(2L, ((Receipt) only(carry(partner.deliver(NOW), partner, broker))).withdrawn());
        }
    }

    private void flagsComeAndGo() {
        try (Addresses rows = sandboxRows();
                Addresses two = Addresses.fromTexts(List.of("2222BB|1|", "2222BB|1|B"));
                Addresses numbers = two.numbers();
                Partner partner = Partner.open(partnerFolder);
                Broker broker = openBroker()) {
            LocalDate month = LocalDate.ofInstant(NOW, ZoneOffset.UTC).withDayOfMonth(1);
            equal(2L, partner.flagUntil(two, month.plusMonths(2).minusDays(1), BY, NOW).added());
            equal(2L, partner.flagUntil(two, month.plusMonths(3).minusDays(1), BY, NOW).altered());
            equal("last_day", code(() -> partner.flagUntil(two, month.plusMonths(2).minusDays(2), BY, NOW)));
            equal(1L, partner.flag(numbers, BY, NOW).added());
            equal(1L, partner.withdraw(numbers, BY, NOW).withdrawn());
            equal(2L, partner.flag(two, BY, NOW).unchanged());
            equal(2L, partner.renew(two, "being_acted_on", BY, NOW).altered());
            try (Addresses flags = partner.flags()) {
                equal(9, flags.size());
                equal(new AddressRow(0, 0, Level.UNIT, How.NONE, null, "2222BB|1|", null, "2222BB|1", null, null),
                        flags.get(0));
                equal(rows.get(0).typed(), flags.get(2).typed());
                try (Addresses one = flags.pick(2, 0);
                        Addresses none = flags.pick()) {
                    equal(List.of(flags.get(2).canonical(), flags.get(0).canonical()), one.canonicalForms());
                    equal(rows.get(0).typed(), one.get(0).typed());
                    equal(0, none.size());
                }
                fails(IndexOutOfBoundsException.class, () -> flags.pick(9));
            }
            equal("shrink", code(() -> partner.replaceAll(two, false, BY, NOW)));
            equal(7L, partner.replaceAll(two, true, BY, NOW).withdrawn());
            try (Addresses never = Addresses.fromTexts(List.of("3333CC|1|"))) {
                equal("not_flagged", code(() -> partner.renew(never, "being_acted_on", BY, NOW)));
            }
            equal(7L, partner.replaceAll(rows, true, BY, NOW).added());
            carry(partner.deliver(NOW), partner, broker);
            try (Answer answer = (Answer) only(carry(partner.askOwn(BY, NOW), partner, broker))) {
                equal(14, answer.size());
                equal(10L, all(answer).stream().filter(row -> row.standing().isStacked()).count());
            }
            equal("not_permitted", code(() -> partner.sweep(two, "toezicht", BY, NOW)));
        }
    }

    private void rejectionsAreReplies() {
        try (Addresses home = Addresses.fromTexts(List.of("3333CC|1|"));
                Partner partner = Partner.open(sandbox.resolve("others").resolve("woningcorporatie"));
                Broker broker = openBroker()) {
            Rejection hint = (Rejection) partner.read(broker.handle(new byte[] {1, 2, 3}, NOW), NOW);
            equal(Reply.Kind.HINT, hint.kind());
            equal(Rejection.Next.NOTHING, hint.next());
            that(hint.sentence().length() > 20, hint.sentence());

            // A partner whose clock is a day ahead; none that the other tests use.
            Instant tomorrow = NOW.plus(Duration.ofDays(1));
            byte[] question = only(partner.ask(home, BY, tomorrow));
            Rejection rejection = (Rejection) partner.read(broker.handle(question, NOW), tomorrow);
            equal(Reply.Kind.REJECTION, rejection.kind());
            equal("clock", rejection.code());
            equal(118, rejection.status());
            equal(Rejection.Next.SET_CLOCK, rejection.next());
            that(rejection.sentence().length() > 20, rejection.sentence());
            that(!rejection.log().leaf().equals("0".repeat(64)), "the rejection names no line of the log");
            equal(List.of(), partner.inFlight());
            // The clock is set right, and somebody says so.
            equal("clock", fails(StapelException.class, () -> partner.ask(home, BY, NOW)).code());
            equal(0L, partner.acceptClock(BY, NOW));
            equal(1, partner.ask(home, BY, NOW).size());
        }
    }

    private void errorsHaveTheirCodes() {
        try (Addresses rows = sandboxRows();
                Partner partner = Partner.open(partnerFolder);
                Broker broker = openBroker()) {
            StapelException error = refused(() -> Partner.open(partnerFolder, null, Duration.ofMillis(20)));
            equal("folder_in_use", error.code());
            for (Duration wrong : List.of(Duration.ofNanos(-1), Duration.ofDays(2))) {
                fails(IllegalArgumentException.class, () -> Partner.open(partnerFolder, null, wrong));
            }
            equal(120, error.status());
            that(error.getMessage().contains(partnerFolder.toString()), error.getMessage());
            equal("folder_in_use", code(this::openBroker));
            equal("malformed", code(() -> partner.read("garbage".getBytes(StandardCharsets.UTF_8), NOW)));
            equal("malformed", code(() -> partner.read(new byte[0], NOW)));
            equal("case", code(() -> partner.flag(rows, new Case("", "zaak"), NOW)));
            equal("case", code(() -> partner.ask(rows, new Case("a\nb", "zaak"), NOW)));
            fails(NullPointerException.class, () -> partner.flag(null, BY, NOW));
            fails(NullPointerException.class, () -> partner.flag(rows, null, NOW));
            fails(NullPointerException.class, () -> partner.read(null, NOW));
            fails(NullPointerException.class, () -> new Case(null, "zaak"));
            fails(IllegalArgumentException.class, () -> partner.deliver(Instant.ofEpochSecond(-1)));
            equal("io", code(() -> partner.addSecret(sandbox.resolve("geen"))));
            equal("policy_successor", code(() -> partner.adoptPolicy(sandbox.resolve("policy.toml"), NOW)));
            that(broker.status().length() > 2, "the broker's status");
        }
        equal("io", code(() -> Partner.open(sandbox.resolve("geen"))));
        fails(NullPointerException.class, () -> Partner.open(null));
    }

    private void foldersAreMade() {
        Path folder = sandbox.resolve("nieuw-é-€");
        equal(64, Partner.init(folder, 9).length());
        that(Files.isDirectory(folder), folder + " is not there");
        equal("partner_folder", code(() -> Partner.init(folder, 9)));
        Path policy = sandbox.resolve("policy.toml");
        equal("not_in_roster", code(() -> {
            Partner.join(folder, policy);
            Partner.open(folder);
        }));
        fails(IllegalArgumentException.class, () -> Partner.init(folder, 65536));
        Path data = sandbox.resolve("apart");
        Path secret = sandbox.resolve("apart-keys");
        equal(64, Partner.init(data, secret, 9).length());
        that(Files.exists(secret.resolve("partner.key")), "the key is with the keys");
        that(!Files.exists(data.resolve("partner.key")), "the key is with the keys alone");
        equal("partner_folder", code(() -> Partner.open(data)));
        equal("not_in_roster", code(() -> Partner.join(data, secret, policy)));
        equal("io", code(() -> Partner.open(data, secret)));
        Path keys = sandbox.resolve("sleutels");
        Broker.Keys made = Broker.initKeys(keys);
        equal(128, (made.verifyingKey() + made.checkpointKey()).length());
        equal(made, Broker.initKeys(keys));
        equal("policy_operator", code(() -> Broker.create(sandbox.resolve("ander"), keys, policy, NOW)));
        try (Broker broker = Broker.create(sandbox.resolve("makelaar"), keysFolder, policy, NOW)) {
            that(broker.status().contains("\"policy_version\":1"), broker.status());
        }
    }

    private void closingTwiceIsHarmless() {
        Partner partner = Partner.open(partnerFolder);
        Broker broker = openBroker();
        Addresses rows = sandboxRows();
        Answer answer = (Answer) only(carry(partner.ask(rows, BY, NOW), partner, broker));
        for (int times = 0; times < 2; times++) {
            partner.close();
            broker.close();
            rows.close();
            answer.close();
        }
        // The folders are free again.
        Partner.open(partnerFolder).close();
        openBroker().close();
        equal(0, Stapel.openHandles());
    }

    private void whatWasClosedIsRefused() {
        Partner partner = Partner.open(partnerFolder);
        Broker broker = openBroker();
        Addresses rows = sandboxRows();
        Answer answer = (Answer) only(carry(partner.ask(rows, BY, NOW), partner, broker));
        partner.close();
        broker.close();
        // What came from them outlives them.
        equal(Standing.Kind.AT_LEAST, answer.standings(rows).get(0).kind());
        answer.close();
        equal(7, answer.size());
        equal(4, answer.head().organisations());
        Iterable<AddressRow> refused = rows.refused();
        for (Runnable call : List.<Runnable>of(
                () -> answer.standings(rows),
                () -> answer.get(0),
                () -> partner.deliver(NOW),
                () -> partner.flag(rows, BY, NOW),
                () -> partner.read(new byte[3], NOW),
                partner::news,
                () -> broker.handle(new byte[3], NOW))) {
            fails(IllegalStateException.class, call);
        }
        rows.close();
        fails(IllegalStateException.class, () -> rows.get(0));
        fails(IllegalStateException.class, () -> rows.iterator().next());
        fails(IllegalStateException.class, () -> refused.iterator().next());
        fails(IllegalStateException.class, rows::numbers);
        Partner again = Partner.open(partnerFolder);
        fails(IllegalStateException.class, () -> again.flag(rows, BY, NOW));
        again.close();
        Partner.open(partnerFolder).close();
        equal(0, Stapel.openHandles());
    }

    private void onePartnerServesFourThreads() {
        int threads = 4;
        int homes = 250;
        try (Addresses rows = sandboxRows();
                Partner partner = Partner.open(partnerFolder);
                Broker broker = openBroker()) {
            inThreads(threads, thread -> {
                for (int home = 0; home < homes; home++) {
                    String text = "4444DD|" + (thread * homes + home + 1) + "|";
                    try (Addresses one = Addresses.fromTexts(List.of(text))) {
                        equal(1L, partner.flag(one, BY, NOW).added());
                    }
                    equal("range_unclear", rows.refused().iterator().next().code());
                    // Each thread has its own last error.
                    boolean even = thread % 2 == 0;
                    StapelException error = refused(() -> Address.fromText(even ? "Dam, 1012 JS" : "Dam 1"));
                    equal(even ? "no_number" : "no_postcode", error.code());
                    that(error.getMessage().contains(even ? "number" : "postcode"), error.getMessage());
                    broker.status();
                }
            });
            try (Addresses flags = partner.flags()) {
                equal(7 + threads * homes, flags.size());
            }
            carry(partner.deliver(NOW), partner, broker);
            // Each asks a case of its own, and reads the answer to its own question. A question with a lower number
            // than one that arrived before is stale (SPEC.md 5.2), so they travel one after another.
            Object carrier = new Object();
            inThreads(threads, thread -> {
                Case by = new Case("thread " + thread, "zaak");
                List<Reply> replies;
                synchronized (carrier) {
                    replies = carry(partner.ask(rows, by, NOW), partner, broker);
                }
                try (Answer answer = (Answer) only(replies)) {
                    equal("thread " + thread, answer.head().actor());
                    equal(5L, answer.standings(rows).stream().filter(Standing::isStacked).count());
                }
            });
        }
    }

    private void closingWhileOthersUseItIsSafe() {
        for (int round = 0; round < 20; round++) {
            Addresses rows = sandboxRows();
            Partner partner = Partner.open(partnerFolder);
            inThreads(4, thread -> {
                if (thread == 0) {
                    sleep(5);
                    rows.close();
                    partner.close();
                    return;
                }
                fails(IllegalStateException.class, () -> {
                    for (;;) {
                        equal("9999XA|12|A", rows.get(0).canonical());
                        partner.flags().close();
                    }
                });
            });
            equal(0, Stapel.openHandles());
        }
    }

    /** Rows of which nothing but the call itself knows, while the garbage collector runs. */
    private void whatIsInUseIsNotCollected() {
        inThreads(3, thread -> {
            for (int times = 0; times < 2000; times++) {
                if (thread == 0) {
                    System.gc();
                    times += 49;
                } else {
                    equal("1012JS|1|", Addresses.fromTexts(List.of("Dam 1, 1012 JS")).iterator().next().canonical());
                    equal(List.of("1012JS|1|"), Addresses.fromTexts(List.of("Dam 1, 1012 JS")).canonicalForms());
                }
            }
        });
    }

    private void whatIsLostIsFreed() {
        for (int times = 0; times < 100; times++) {
            sandboxRows();
        }
        Partner.open(partnerFolder).flags();
        for (int times = 0; times < 500 && Stapel.openHandles() != 0; times++) {
            System.gc();
            sleep(10);
        }
        equal(0, Stapel.openHandles());
        Partner.open(partnerFolder).close();
    }

    private Addresses sandboxRows() {
        try {
            List<String> lines = Files.readAllLines(sandbox.resolve("addresses.csv"));
            List<String[]> rows = lines.stream().skip(1).map(line -> line.split(";")).toList();
            return Addresses.fromTexts(
                    rows.stream().map(row -> row[1]).toList(), rows.stream().map(row -> row[0]).toList());
        } catch (java.io.IOException error) {
            throw new AssertionError(error);
        }
    }

    private Broker openBroker() {
        return Broker.open(brokerFolder, keysFolder);
    }

    private static List<Reply> carry(List<byte[]> messages, Partner partner, Broker broker) {
        List<Reply> replies = new ArrayList<>();
        for (byte[] message : messages) {
            Reply reply = partner.read(broker.handle(message, NOW), NOW);
            if (reply instanceof Rejection rejection) {
                throw new AssertionError(rejection.code() + ": " + rejection.sentence());
            }
            replies.add(reply);
        }
        return replies;
    }

    private static void run(String name, Runnable test) {
        long start = System.nanoTime();
        try {
            test.run();
        } catch (RuntimeException | Error error) {
            System.out.println("FAILED: " + name);
            error.printStackTrace(System.out);
            System.exit(1);
        }
        System.out.println("ok: " + name + " (" + (System.nanoTime() - start) / 1_000_000 + " ms)");
    }

    private void aConversationAfterAHit() {
        String key = "1012JS|1|A";
        String home = "Dam 1-A, 1012 JS Amsterdam";
        try (Meeting town = new Meeting(sandbox.resolve("meeting"));
                Addresses homes = Addresses.fromTexts(List.of(home))) {
            Partner police = town.all.get(0);
            Partner tax = town.all.get(1);
            Partner coordinator = town.all.get(5);
            equal("no_flag", code(() -> police.putForward(homes, BY, town.now)));
            for (Partner partner : town.all.subList(0, 3)) {
                partner.flag(homes, BY, town.now);
            }
            town.run();
            town.until(() -> true);
            equal(1, police.putForward(homes, BY, town.now));
            equal(0, police.putForward(homes, BY, town.now));
            equal(List.of(new PutForward(key, home, Level.UNIT, town.day(), 1, false, List.of(), null)),
                    police.forwarded(BY, town.now));
            that(!police.forwarded(BY, town.now).toString().contains("Amsterdam"), "a text is printed");

            town.until(() -> !tax.asked(BY, town.now).isEmpty());
            that(only(police.forwarded(BY, town.now)).standsUntil().isAfter(town.day()), "it stands at the broker");
            TalkNews news = only(tax.talkNews(BY, town.now));
            equal(TalkNews.Kind.ASKED, news.kind());
            equal(key, news.canonical());
            equal(List.of(), tax.talkNews(BY, town.now));
            PutForwardByOther asked = only(tax.asked(BY, town.now));
            equal(news.answerBy(), asked.answerBy());
            equal(new PutForwardByOther(key, home, Level.UNIT, town.day(), asked.answerBy(), null, null, false), asked);
            equal("invalid_argument", code(() -> tax.answer(key, "yes", BY, town.now)));
            equal("not_canonical", code(() -> tax.answer(home, "join", BY, town.now)));
            tax.answer(asked.canonical(), "join", BY, town.now);
            asked = only(tax.asked(BY, town.now));
            equal("join", asked.answer());
            equal(town.day(), asked.answered());
            that(asked.isPutForward(), "a join puts it forward");

            town.until(() -> !tax.conversations(BY, town.now).isEmpty());
            town.until(() -> coordinator.agenda(BY, town.now).get(0).joined().size() == 2);
            AgendaItem item = only(coordinator.agenda(BY, town.now));
            that(item.isNew() && item.lead() == 0 && item.decision() == null, item.toString());
            equal(List.of(new AgendaItem.Place(key, home)), item.addresses());
            equal("first_decision", item.waitsFor());
            that(item.ended() == null && item.left().isEmpty(), "it is on the agenda, and nobody left");
            equal("politie", item.joined().get(0).organisation());
            Conversation talk = only(police.conversations(BY, town.now));
            equal(key, talk.canonical());
            equal(List.of("belastingdienst", "coordinatiepunt"),
                    talk.introduced().stream().map(Introduced::organisation).sorted().toList());
            equal(Note.Kind.ADDRESS, talk.notes().get(0).kind());
            long ours = talk.number();
            long theirs = only(tax.conversations(BY, town.now)).number();

            equal("no_conversation", code(() -> police.writeText(99, "x", BY, town.now)));
            equal("note_text", code(() -> police.writeText(ours, "", BY, town.now)));
            fails(IllegalArgumentException.class, () -> police.writeText(ours, 65_536, "x", BY, town.now));
            fails(IllegalArgumentException.class, () -> police.leave(-1, BY, town.now));
            equal("not_leading", code(() -> police.writeLead(ours, 2, "", BY, town.now)));
            equal("not_permitted", code(() -> police.writeDecision(ours, 0, null, "x", BY, town.now)));
            police.writeText(ours, 2, "Wij gaan kijken", BY, town.now);
            police.writeLead(ours, 1, "", BY, town.now);
            List<Note> written = police.conversation(ours, BY, town.now).notes();
            Note own = written.get(written.size() - 2);
            equal("Wij gaan kijken", own.text());
            equal(0, own.from());
            equal(List.of(new Note.Copy(2, Note.Progress.WAITING, null, null)), own.copies());
            that(!own.toString().contains("kijken"), own.toString());
            town.until(() -> tax.conversation(theirs, BY, town.now).lead() == 1);
            that(town.hasNews(tax, TalkNews.Kind.NOTE), "a note came");
            equal(List.of("Wij gaan kijken"), tax.conversation(theirs, BY, town.now).notes().stream()
                    .filter(note -> note.from() == 1 && note.kind() == Note.Kind.TEXT).map(Note::text).toList());
            LocalDate next = LocalDate.of(2027, 1, 31);
            coordinator.writeDecision(item.conversation(), 2, next, "Belasting leidt", BY, town.now);
            town.until(() -> police.conversation(ours, BY, town.now).decision() != null);
            talk = police.conversation(ours, BY, town.now);
            equal("Belasting leidt", talk.decision());
            equal(2, talk.lead());
            equal(next, talk.next());
            that(talk.decidedAt().isBefore(town.now), "it was decided before");
            equal("invalid_argument", code(() -> tax.writeOutcome(theirs, "done", "", BY, town.now)));
            tax.writeOutcome(theirs, "nothing_found", "", BY, town.now);
            town.until(() -> "nothing_found".equals(police.conversation(ours, BY, town.now).outcome()));
            tax.leave(theirs, BY, town.now);
            equal(town.day(), tax.conversation(theirs, BY, town.now).left());
            town.until(() -> town.hasNews(police, TalkNews.Kind.LEFT));
            equal("no_conversation", code(() -> police.writeText(ours, 2, "x", BY, town.now)));
            equal(1, police.takeBack(homes, BY, town.now));
            equal(List.of(), police.forwarded(BY, town.now));

            YearCell cell = only(police.yearCells(2026));
            equal(Set.of(YearCell.Way.values()), cell.ways());
            equal(0L, cell.number());
            equal("not_permitted", code(() -> police.reportYear(2026, town.now)));
            town.now = town.now.plus(Duration.ofDays(30));
            town.broker.release(town.now, true);
            Talked kept = (Talked) town.carry(police, only(police.reportYear(2026, town.now)));
            equal(Reply.Kind.KEPT, kept.kind());
            equal(null, kept.totals());
            equal("year_reported", code(() -> police.reportYear(2026, town.now)));
            equal("not_permitted", code(() -> police.totals(town.now)));
        }
    }

    private void totalsAreTold() {
        Path folder = sandbox.resolve("meeting/totals");
        Instant later = Instant.ofEpochSecond(1_796_126_400L).plus(Duration.ofDays(1));
        try (Partner partner = Partner.open(folder.resolve("1"));
                Broker broker = Broker.open(folder.resolve("broker"), folder.resolve("keys"))) {
            byte[] reply = broker.handle(only(partner.totals(later)), later);
            Talked told = (Talked) partner.read(reply, later);
            equal(Reply.Kind.TOTALS, told.kind());
            equal(240L, told.totals().flags());
            equal(2026, told.totals().year());
            equal(4, told.totals().quarter());
            equal(List.of(new Totals.Cell(2, 0, 70)), told.totals().cells());
        }
    }

    /** A consortium in which police (1) and tax office (2) meet directly, and others by the coordinator (6). */
    private static final class Meeting implements AutoCloseable {
        /** Noon on its first day. */
        private Instant now = Instant.ofEpochSecond(1_796_126_400L);

        private final Broker broker;
        private final List<Partner> all = new ArrayList<>();

        Meeting(Path folder) {
            broker = Broker.open(folder.resolve("broker"), folder.resolve("keys"));
            for (int number = 1; number <= 6; number++) {
                all.add(Partner.open(folder.resolve(Integer.toString(number))));
            }
        }

        LocalDate day() {
            return LocalDate.ofInstant(now, ZoneOffset.UTC);
        }

        Reply carry(Partner partner, byte[] message) {
            return partner.read(broker.handle(message, now), now);
        }

        /** What each partner sends in a day. */
        void run() {
            for (Partner partner : all.subList(0, 5)) {
                partner.confirm(now).forEach(message -> carry(partner, message));
            }
            for (Partner partner : all) {
                for (Optional<byte[]> next = partner.talk(now); next.isPresent(); next = partner.talk(now)) {
                    Talked said = (Talked) carry(partner, next.get());
                    equal(null, said.complaint());
                }
            }
        }

        /** Days pass until something is so. */
        void until(BooleanSupplier isSo) {
            for (int day = 0; day < 8; day++) {
                now = now.plus(Duration.ofDays(1));
                run();
                if (isSo.getAsBoolean()) {
                    return;
                }
            }
            throw new AssertionError("it is not so after eight days");
        }

        boolean hasNews(Partner partner, TalkNews.Kind kind) {
            return partner.talkNews(BY, now).stream().anyMatch(news -> news.kind() == kind);
        }

        @Override
        public void close() {
            all.forEach(Partner::close);
            broker.close();
        }
    }

    @FunctionalInterface
    private interface Work {
        void run(int thread);
    }

    private static void inThreads(int count, Work work) {
        ExecutorService pool = Executors.newFixedThreadPool(count);
        try {
            List<Future<?>> all = IntStream.range(0, count)
                    .mapToObj(thread -> pool.submit(() -> work.run(thread)))
                    .collect(Collectors.toList());
            for (Future<?> one : all) {
                one.get();
            }
        } catch (InterruptedException | ExecutionException error) {
            throw new AssertionError("a thread failed", error);
        } finally {
            pool.shutdown();
        }
    }

    private static void sleep(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException error) {
            throw new AssertionError(error);
        }
    }

    private static <T> List<T> all(Iterable<T> rows) {
        return StreamSupport.stream(rows.spliterator(), false).collect(Collectors.toList());
    }

    private static <T> T only(List<T> list) {
        equal(1, list.size());
        return list.get(0);
    }

    private static void that(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("not so: " + what);
        }
    }

    private static void equal(Object expected, Object found) {
        that(Objects.equals(expected, found), "expected " + expected + ", found " + found);
    }

    private static String code(Runnable call) {
        return refused(call).code();
    }

    private static StapelException refused(Runnable call) {
        return fails(StapelException.class, call);
    }

    private static <T extends Exception> T fails(Class<T> kind, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException error) {
            if (kind.isInstance(error)) {
                return kind.cast(error);
            }
            throw error;
        }
        throw new AssertionError("no " + kind.getSimpleName());
    }
}

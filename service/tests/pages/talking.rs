//! What a case worker sees and does after a hit.

use std::io::{BufRead, Write};

use stapel::AddressKey;
use stapel::partner::{AskAnswer, NewNote};
use stapel::talk::NoteContent;

use super::meeting::{COORDINATOR, DAM, HOUSING, KEY, Meeting, POLICE, TAX, TOWN_HALL, has, lacks, look, send};
use super::{TOKEN, refusal, text};

#[test]
fn somebody_who_is_asked_sees_who_would_be_told_and_answers_once() {
    let meeting = Meeting::new();
    meeting.stack();
    let mut browser = meeting.browser(TAX, &["meet"]);
    has(
        &look(&mut browser, "/en/asked", "Z-1"),
        &["Nobody put forward what you flag.", "Nothing is put forward here."],
    );
    meeting.put_forward(POLICE, KEY);
    (0..2).for_each(|_| meeting.day());
    // An empty case shows nothing.
    let before = meeting.journal_length(TAX);
    let mut browser = meeting.browser(TAX, &["meet"]);
    has(&look(&mut browser, "/nl/asked", " "), &["role=\"alert\"", "Geef 1 tot 200 tekens", "aria-invalid=\"true\""]);
    assert_eq!(meeting.journal_length(TAX), before);

    let list = look(&mut browser, "/nl/asked", "<script>Z-1</script>");
    has(&list, &[DAM, KEY, "nog geen", "value=\"not_now\"", "&lt;script&gt;Z-1"]);
    lacks(&list, &["<script", "System 1"]);
    let ask = |browser: &mut _, what| send(browser, &list, &["value=\"join\""], &[("what", what)]);
    let before = meeting.journal_length(TAX);
    has(&ask(&mut browser, "not_now"), &["Niemand hoort iets", "Nu niet"]);
    let asks = ask(&mut browser, "join");
    has(
        &asks,
        &["Wie hoort wat, en wanneer", "System 6", "de coördinator", "System 1", "5 december 2026", "<b>&lt;script"],
    );
    assert_eq!(meeting.journal_length(TAX), before, "nothing was done yet");
    let yes = |browser: &mut _| send(browser, &asks, &["value=\"yes\""], &[]);
    has(&yes(&mut browser), &["<h2>Gedaan</h2>", "Meedoen: Dam 1-A"]);
    assert_eq!(meeting.journal_length(TAX), before + 1);
    has(&yes(&mut browser), &["Dit was al gedaan"]);
    assert_eq!(meeting.journal_length(TAX), before + 1);
    let answer = meeting.partner(TAX, |partner, _, _| partner.asked().next().unwrap());
    assert_eq!((answer.answer.map(|(answer, _)| answer), answer.is_put_forward), (Some(AskAnswer::Join), true));

    // It is taken back, which the form of before does not undo.
    let list = look(&mut browser, "/en/asked", "Z-1");
    has(&list, &["put forward here too", "Take back"]);
    lacks(&list, &["value=\"join\""]);
    let asks_back = send(&mut browser, &list, &["value=\"take_back\""], &[("what", "take_back")]);
    has(&asks_back, &["Take back: Dam 1-A", "nobody more is told of you there"]);
    has(&send(&mut browser, &asks_back, &["value=\"yes\""], &[]), &["<h2>Done</h2>"]);
    let before = meeting.journal_length(TAX);
    has(&yes(&mut browser), &["Dit was al gedaan"]);
    has(&send(&mut browser, &asks_back, &["value=\"yes\""], &[]), &["This was done already"]);
    assert_eq!(meeting.journal_length(TAX), before);

    // Put forward again on the same day, all is as that form saw it: it was confirmed, and does nothing again.
    meeting.put_forward(TAX, KEY);
    let before = meeting.journal_length(TAX);
    has(&send(&mut browser, &asks_back, &["value=\"yes\""], &[]), &["This was done already"]);
    // What was never asked so is not done: another deed, another case, another's form.
    let list = look(&mut browser, "/en/asked", "Z-1");
    let asks_back = send(&mut browser, &list, &["value=\"take_back\""], &[("what", "take_back")]);
    let not_asked = (409, "not_asked".to_owned());
    for other in [("token", ""), ("case", "Z-2"), ("what", "not_now")] {
        assert_eq!(refusal(&send(&mut browser, &asks_back, &["value=\"yes\""], &[other])), not_asked, "{other:?}");
    }
    assert_eq!(meeting.partner(TAX, |partner, _, _| partner.put_forward_rows().count()), 1);
    assert_eq!(meeting.journal_length(TAX), before + 2, "the list was shown");
    // Somebody else answers meanwhile.
    let asks = send(&mut browser, &list, &["value=\"not_now\""], &[("what", "not_now")]);
    let key = AddressKey::from_canonical(KEY).unwrap();
    meeting.partner(TAX, |partner, by, now| partner.answer(&key, AskAnswer::Review, by, now).unwrap());
    has(&send(&mut browser, &asks, &["value=\"yes\""], &[]), &["has changed since you saw it"]);

    let bad = (400, "bad_request".to_owned());
    assert_eq!(refusal(&send(&mut browser, &list, &["value=\"not_now\""], &[("what", "perhaps")])), bad);
    assert_eq!(refusal(&send(&mut browser, &list, &["value=\"not_now\""], &[("what", "join"), ("address", "x")])), bad);
}

#[test]
fn the_pages_are_of_who_may_meet_and_of_the_partner_that_has_them() {
    let meeting = Meeting::new();
    let mut looking = meeting.browser(POLICE, &["look"]);
    let mut coordinator = meeting.browser(COORDINATOR, &["meet"]);
    let mut police = meeting.browser(POLICE, &["meet"]);
    for path in ["/nl/asked", "/nl/conversations"] {
        assert_eq!(refusal(&looking.get(path)), (403, "not_for_you".to_owned()));
        assert_eq!(refusal(&coordinator.get(path)), (404, "not_found".to_owned()));
        assert_eq!(police.get(path).status, 200);
    }
    assert_eq!(refusal(&police.get("/nl/agenda")), (404, "not_found".to_owned()));
    has(&coordinator.get("/nl/agenda"), &["href=\"/nl/agenda\""]);
    lacks(&police.get("/nl"), &["/nl/agenda"]);
    lacks(&looking.get("/nl"), &["/nl/asked", "/nl/conversations"]);
    let csrf = looking.csrf();
    let said = looking.post("/nl/conversations", &format!("csrf={csrf}&case=Z-1"));
    assert_eq!(refusal(&said), (403, "not_for_you".to_owned()));
}

#[test]
fn the_coordinators_people_begin_with_the_agenda_and_see_nothing_of_a_case_workers() {
    let meeting = Meeting::new();
    meeting.introduce(&[POLICE, HOUSING]);
    let mut browser = meeting.browser(COORDINATOR, &["look", "flag", "meet"]);
    for (lang, said) in [
        ("nl", ["Gesprekken die op u wachten: 1; het langste sinds", "Laatste geslaagde uitwisseling", "aandragen: "]),
        ("en", ["Conversations that wait for you: 1; the longest since", "Last successful exchange", "meet: "]),
    ] {
        let begun = browser.get(&format!("/{lang}"));
        assert_eq!((begun.status, begun.field("location")), (303, Some(format!("/{lang}/agenda"))));
        let page = browser.get(&format!("/{lang}/agenda"));
        has(&page, &said);
        lacks(
            &page,
            &["/flag", "/map", "/asked", "/conversations", ">Begin<", ">Start<", "Eigen meldingen", "Own flags"],
        );
        lacks(&page, &["melden: ", "flag: ", "Geen antwoord", "Peilmoment"]);
    }
    // Whoever may not meet there has a first page, with nothing of flags.
    let mut looking = meeting.browser(COORDINATOR, &["look"]);
    let page = looking.get("/nl");
    has(&page, &["Laatste geslaagde uitwisseling", "Wie u bent en wat u mag", ">Begin<"]);
    lacks(&page, &["Eigen meldingen", "Uw meldingen", "/nl/flags", "/nl/map", "Gesprekken die op u wachten"]);
}

#[test]
fn those_who_were_introduced_read_write_lead_say_how_it_ended_and_leave() {
    let meeting = Meeting::new();
    let mut browser = meeting.browser(POLICE, &["meet"]);
    has(&look(&mut browser, "/nl/conversations", "Z-1"), &["Er zijn geen gesprekken."]);
    meeting.introduce(&[POLICE, TAX]);
    let evil = "<script>alert(1)</script>\nBelt u mij?";
    meeting.partner(TAX, |partner, by, now| {
        partner.write_note(1, &NewNote::Text { text: evil, to: Some(POLICE) }, by, now).unwrap();
    });
    (0..2).for_each(|_| meeting.day());
    let news = |number| meeting.partner(number, |partner, _, _| partner.talk_news().len());
    assert!(news(POLICE) > 0);

    let mut browser = meeting.browser(POLICE, &["meet"]);
    let list = look(&mut browser, "/nl/conversations", "Z-1");
    has(&list, &["Wacht op u: 1", DAM, "System 2", "System 6"]);
    let one = send(&mut browser, &list, &["value=\"open\""], &[]);
    has(&one, &["&lt;script&gt;alert(1)&lt;/script&gt;\nBelt u mij?", "Het adres is"]);
    lacks(&one, &["<script"]);
    assert_eq!(news(POLICE), 0, "whoever reads it has seen it");

    // A text that is too long, empty or hidden is said beside the form, which keeps it.
    let form = "value=\"text\"";
    let before = meeting.partner(POLICE, |partner, _, _| partner.conversations().next().unwrap().notes.len());
    let long = format!("{}</textarea><b>", "é".repeat(511));
    let said = send(&mut browser, &one, &[form], &[("text", &long), ("to", "2")]);
    has(&said, &["De tekst is 1.036 bytes", "1.020", "href=\"#text-text\"", "éé&lt;/textarea&gt;&lt;b&gt;"]);
    has(&said, &["<details open>"]);
    has(&said, &["<option value=\"2\" selected>"]);
    has(&send(&mut browser, &one, &[form], &[("text", " \n ")]), &["Er staat niets"]);
    has(&send(&mut browser, &one, &[form], &[("text", "a\u{202e}b")]), &["Teken 2 van de tekst is niet te zien"]);

    // One confirmation, and once.
    let asks = send(&mut browser, &one, &[form], &[("text", "Ja & nee\r\n<b>morgen</b>"), ("to", "2")]);
    has(
        &asks,
        &[
            "Een bericht schrijven?",
            "System 2 (belastingdienst): dit, zonder uw zaak en naam",
            "Ja &amp; nee",
            "Niemand anders",
        ],
    );
    lacks(&asks, &["System 6"]);
    let back = send(&mut browser, &asks, &["value=\"open\""], &[]);
    has(&back, &["Ja &amp; nee", "&lt;b&gt;morgen&lt;/b&gt;</textarea>"]);
    for done in ["<h2>Gedaan</h2>", "Dit was al gedaan", "Dit was al gedaan"] {
        has(&send(&mut browser, &asks, &["value=\"yes\""], &[]), &[done]);
    }
    let notes = meeting.partner(POLICE, |partner, _, _| partner.conversations().next().unwrap().notes);
    assert_eq!(
        (notes.len(), &notes[before].content),
        (before + 1, &NoteContent::Text("Ja & nee\n<b>morgen</b>".into()))
    );

    // Who has not seen what was written since, writes nothing.
    let stale = send(&mut browser, &one, &["value=\"lead\""], &[("text", "wij doen het")]);
    has(&stale, &["Zeggen wie trekt?"]);
    has(&send(&mut browser, &stale, &["value=\"yes\""], &[]), &["Er kwam intussen een bericht bij", "wij doen het"]);
    let open = |browser: &mut _| {
        let list = look(browser, "/en/conversations", "Z-1");
        send(browser, &list, &["value=\"open\""], &[])
    };
    let mut act = |form: &str, filled: &[(&str, &str)], told: &str| {
        let one = open(&mut browser);
        let asks = send(&mut browser, &one, &[form], filled);
        has(&asks, &[told]);
        let done = send(&mut browser, &asks, &["value=\"yes\""], &[]);
        has(&done, &["<h2>Done</h2>"]);
        has(&send(&mut browser, &asks, &["value=\"yes\""], &[]), &["This was done already"]);
    };
    act("value=\"lead\"", &[], "your organisation");
    act("value=\"outcome\"", &[("outcome", "wrong_signal")], "stays among them");
    act("value=\"leave\"", &[], "that your organisation left");
    let one = open(&mut browser);
    has(&one, &["Nobody can write here any more.", "your organisation left on", "Leads</dt><dd>your organisation"]);
    has(&look(&mut browser, "/en/conversations", "Z-1"), &["Ended: 1"]);
    let csrf = browser.csrf();
    let nowhere = browser.post("/nl/conversations", &format!("csrf={csrf}&case=1&do=open&conversation=7"));
    assert_eq!(refusal(&nowhere), (409, "no_conversation".to_owned()));
    for wrong in ["do=open", "do=open&conversation=x", "do=ask&conversation=1&kind=shout&after=0"] {
        let said = browser.post("/nl/conversations", &format!("csrf={csrf}&case=1&{wrong}"));
        assert_eq!(refusal(&said), (400, "bad_request".to_owned()), "{wrong}");
    }
}

#[test]
fn the_coordinator_prints_the_agenda_decides_and_closes() {
    let meeting = Meeting::new();
    let mut browser = meeting.browser(COORDINATOR, &["meet"]);
    has(&look(&mut browser, "/nl/agenda", "overleg"), &["Er zijn geen gesprekken die lopen."]);
    meeting.introduce(&[POLICE, HOUSING]);
    let mut browser = meeting.browser(COORDINATOR, &["meet"]);
    let list = look(&mut browser, "/nl/agenda", "overleg");
    has(&list, &["Agenda zaanstad, 6 december 2026", "1 gesprek, 1 nieuw, 1 wacht op u", "NIEUW", DAM, KEY]);
    has(&list, &["er is nog niets besloten", "System 1", "System 3", "class=\"room\""]);
    has(&look(&mut browser, "/en/agenda", "overleg"), &["1 conversation, 1 new, 1 waits for you"]);
    let one = send(&mut browser, &list, &["value=\"open\""], &[]);
    let form = "value=\"decision\"";
    let next = [("text", "Samen op huisbezoek"), ("lead", "1"), ("next", "2026-12-01")];
    has(&send(&mut browser, &one, &[form], &next), &["Die dag is voorbij", "Samen op huisbezoek</textarea>"]);
    has(&send(&mut browser, &one, &[form], &[("text", ""), ("next", "gisteren")]), &["Dit is geen dag"]);
    has(&send(&mut browser, &one, &[form], &[("text", "")]), &["Er staat niets"]);
    let filled = [("text", "Samen op huisbezoek"), ("lead", "1"), ("next", "2026-12-20")];
    let asks = send(&mut browser, &one, &[form], &filled);
    has(&asks, &["Besluiten?", "20 december 2026", "Zij lezen allen dat System 1", "System 3"]);
    for done in ["<h2>Gedaan</h2>", "Dit was al gedaan"] {
        has(&send(&mut browser, &asks, &["value=\"yes\""], &[]), &[done]);
    }
    let list = look(&mut browser, "/nl/agenda", "overleg");
    has(&list, &["niet op u", "Samen op huisbezoek", "20 december 2026"]);
    lacks(&list, &["NIEUW"]);
    let mut officer = meeting.browser(COORDINATOR, &["officer"]);
    let (form, given) = (["name=\"address\""], [("case", "Z-1"), ("address", KEY)]);
    for (path, found) in [("/nl/dossier", "Dossier van"), ("/nl/journal", "Gevonden: ")] {
        let page = officer.get(path);
        let said = "een besluit geschreven, gesprek 1, aan System 1 (politie), System 3 (zaanwonen)";
        let page = send(&mut officer, &page, &form, &given);
        has(&page, &[found, said]);
    }
    (0..2).for_each(|_| meeting.day());
    let mut police = meeting.browser(POLICE, &["meet"]);
    let theirs = look(&mut police, "/nl/conversations", "Z-1");
    has(&send(&mut police, &theirs, &["value=\"open\""], &[]), &["Samen op huisbezoek", "uw organisatie", "Besluit"]);

    let mut browser = meeting.browser(COORDINATOR, &["meet"]);
    let list = look(&mut browser, "/nl/agenda", "overleg");
    let one = send(&mut browser, &list, &["value=\"open\""], &[]);
    lacks(&one, &["value=\"lead\""]);
    has(&send(&mut browser, &one, &["value=\"outcome\""], &[]), &["Kies hoe het afliep"]);
    let asks = send(&mut browser, &one, &["value=\"outcome\""], &[("outcome", "nothing_found"), ("text", "Afgerond")]);
    has(&asks, &["Sluiten: zeggen hoe het afliep?", "niets gevonden"]);
    has(&send(&mut browser, &asks, &["value=\"yes\""], &[]), &["<h2>Gedaan</h2>"]);
    let list = look(&mut browser, "/nl/agenda", "overleg");
    has(&list, &["Er zijn geen gesprekken die lopen."]);
    has(
        &send(&mut browser, &list, &["value=\"ended\""], &[]),
        &["Afgelopen gesprekken", "door de coördinator gesloten"],
    );
    assert!(!text(&list).contains(DAM));

    // A note brings it back, and the page says that it was closed.
    let said = NewNote::Text { text: "Toch weer bewoond", to: None };
    meeting.partner(POLICE, |partner, by, now| partner.write_note(1, &said, by, now)).unwrap();
    (0..2).for_each(|_| meeting.day());
    let mut browser = meeting.browser(COORDINATOR, &["meet"]);
    let list = look(&mut browser, "/nl/agenda", "overleg");
    has(&list, &["er kwam een bericht na het besluit", "was gesloten op 8 december 2026"]);
    lacks(&list, &["en heeft dat niet"]);
    has(&send(&mut browser, &list, &["value=\"open\""], &[]), &["Toch weer bewoond", "UTC; gekomen op "]);
    // One that joins has not got it.
    meeting.put_forward(TAX, KEY);
    (0..2).for_each(|_| meeting.day());
    let mut browser = meeting.browser(COORDINATOR, &["meet"]);
    let list = look(&mut browser, "/nl/agenda", "overleg");
    has(&list, &["System 2", "NIEUW", "kwam erbij na wat het laatst is besloten, en heeft dat niet"]);
}

/// Pages of all, at which `tests/pages/run` has their people meet in browsers. Each line that it writes is done: a day
/// passes, or a partner flags or puts forward.
#[test]
fn pages_to_meet_at() {
    let is_served = std::env::var("STAPEL_MEET").is_ok();
    let meeting = Meeting::of_one_user_each();
    let mut browser = meeting.browser_of_the_one_user(COORDINATOR);
    assert_eq!(browser.post("/nl/sign-in", &format!("token={TOKEN}")).status, 303);
    has(&browser.get("/nl/agenda"), &["Agenda"]);
    if !is_served {
        return;
    }
    let mut out = std::io::stdout();
    let mut say = |line: &str| writeln!(out, "\n{line}").and_then(|()| out.flush()).unwrap();
    for number in [POLICE, TAX, HOUSING, TOWN_HALL, COORDINATOR] {
        say(&format!("SITE {number} {}", meeting.origin(number)));
    }
    say("READY");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.splitn(3, ' ');
        let (what, number) = (words.next().unwrap(), words.next().and_then(|number| number.parse().ok()));
        match (what, number, words.next()) {
            ("day", None, None) => meeting.day(),
            ("flag", Some(number), Some(typed)) => meeting.flag(number, typed),
            ("forward", Some(number), Some(key)) => meeting.put_forward(number, key),
            _ => panic!("{line}"),
        }
        say("DONE");
    }
}

#[test]
fn a_conversation_that_nobody_opened_is_something_new_until_it_is_opened() {
    let meeting = Meeting::new();
    meeting.introduce(&[POLICE, HOUSING]);
    let mut browser = meeting.browser(HOUSING, &["look", "meet"]);
    let begin = browser.get("/nl");
    has(&begin, &["Nieuwe gesprekken, nog niet geopend: </a>1", "Gesprekken die nog niemand opende: 1"]);
    lacks(&begin, &["Niets wacht op u.", "Er is niets nieuws."]);
    let list = look(&mut browser, "/nl/conversations", "Z-1");
    has(&send(&mut browser, &list, &["value=\"open\""], &[]), &["<dt>Gesprek</dt><dd>1, sinds"]);
    lacks(&browser.get("/nl"), &["nog niet geopend", "nog niemand opende"]);
}

#[test]
fn who_is_asked_reads_of_whom_the_policy_lets_them_hear() {
    let meeting = Meeting::new();
    meeting.stack();
    let direct = meeting.browser(TAX, &["meet"]).get("/nl/asked");
    has(&direct, &["alleen als dat", "System 1", "System 6", "de coördinator"]);
    lacks(&direct, &["System 3"]);
    let coordinator_alone = meeting.browser(HOUSING, &["meet"]).get("/nl/asked");
    has(&coordinator_alone, &["Wie het aandroeg, hoort u niet: wie meedoet, spreekt met", "System 6"]);
    lacks(&coordinator_alone, &["pas als u meedoet"]);
}

#[test]
fn the_coordinators_dossier_says_what_it_cannot_find() {
    let meeting = Meeting::of_one_user_each();
    let mut browser = meeting.browser_of_the_one_user(COORDINATOR);
    assert_eq!(browser.post("/nl/sign-in", &format!("token={TOKEN}")).status, 303);
    let form = browser.get("/nl/dossier");
    let page = send(&mut browser, &form, &["name=\"address\""], &[("case", "Z-1"), ("address", KEY)]);
    has(&page, &["De coördinator kent een adres alleen uit wat berichten", "Het journaal heeft niets van dit adres."]);
}

//! The privacy officer's pages: what they show, what they note, and what is refused.

use stapel::partner::{ActKind, ActQuery, Caller, DossierEvent, Given, RequestAnswer, RequestAnswered};
use stapel::{AddressKey, Case};

use super::{Browser, Office, TOKEN, refusal, text, write_secret};
use crate::desk::{Response, Served};

const DAM: &str = "Dam 1-A, 1012 JS Amsterdam";

const SCRIPT: &str = "<script>alert(1)</script>";

/// Paths of all of them.
const PATHS: [&str; 5] = ["/journal", "/dossier", "/requests", "/removed", "/log"];

fn officer(office: &Office) -> (Browser, String) {
    let mut browser = office.signed_in("f.officer", &["officer"]);
    let csrf = browser.csrf();
    (browser, csrf)
}

/// The name that a form's value is sent as.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The value of a hidden field of the last form of a page that has it.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.rsplit_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn flag(office: &Office, text: &str, case: &str) {
    let address = AddressKey::parse(DAM).unwrap();
    let by = Case::new("j.jansen", case).unwrap();
    let given = Given::from(&address).typed(text);
    office.served.desk.lend().flag([given], &by, office.served.desk.time()).unwrap();
}

fn acts(office: &Office) -> Vec<stapel::partner::Act> {
    let by = Case::new("test", "test").unwrap();
    office.served.desk.lend().acts(&ActQuery::default(), &by, office.served.desk.time()).unwrap()
}

#[test]
fn they_are_for_the_officer_alone_and_have_nothing_inline() {
    let office = Office::new();
    let mut other = office.signed_in("j.jansen", &["look"]);
    let csrf = other.csrf();
    let (mut browser, own) = officer(&office);
    let before = office.journal_length();
    for lang in ["nl", "en"] {
        for path in PATHS {
            let at = format!("/{lang}{path}");
            assert_eq!(office.browser().get(&at).status, 303, "{at}");
            assert_eq!(refusal(&other.get(&at)), (403, "not_for_you".to_owned()), "{at}");
            let form = format!("csrf={csrf}&case=Z-1&address={}", encoded(DAM));
            assert_eq!(refusal(&other.post(&at, &form)), (403, "not_for_you".to_owned()), "{at}");
            let refused = browser.post(&at, &form);
            let no_form = path == "/removed";
            let (status, code) = if no_form { (405, "method_not_allowed") } else { (403, "form") };
            assert_eq!(refusal(&refused), (status, code.to_owned()), "of another's session: {at}");
            let page = browser.get(&at);
            let shown = text(&page);
            assert_eq!(page.status, 200, "{at}: {shown}");
            assert!(!shown.contains("<script") && !shown.contains(" style=") && !shown.contains("<style"), "{shown}");
            assert!(!shown.contains(" onclick") && !shown.contains("javascript:"), "{shown}");
            let policy = page.field("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        }
    }
    let empty = browser.post("/nl/dossier", &format!("csrf={own}&case=Z-1&address="));
    assert!(text(&empty).contains("role=\"alert\""));
    assert_eq!(office.journal_length(), before, "nothing was looked for");
}

#[test]
fn the_journal_is_found_by_address_and_by_year() {
    let office = Office::new();
    flag(&office, "", "Z-1");
    let (mut browser, csrf) = officer(&office);
    let mut look = |query: &str| text(&browser.post("/nl/journal", &format!("csrf={csrf}&case=AUDIT-1&{query}")));
    let page = look(&format!("address={}&year=2026", encoded(DAM)));
    assert!(page.contains("Gevonden: 1<") && page.contains("gemeld") && page.contains("1012JS|1|A"), "{page}");
    assert!(look("address=1012JS%7C1&about=Z-1").contains("Gevonden: 1<"), "by its house number, in canonical form");
    assert!(look("year=2027").contains("Gevonden: 0<"));
    for wrong in ["year=26", "year=abcd", "year=9999", "year=2026&from=2026-12-01", "from=2026-12-02&to=2026-12-01"] {
        let page = look(wrong);
        assert!(page.contains("role=\"alert\"") && !page.contains("Gevonden"), "{wrong}");
    }
}

#[test]
fn a_long_answer_has_pages_and_a_file_and_each_look_is_noted() {
    let office = Office::new();
    for number in 1..=205 {
        let by = Case::new("=1+1", &format!("Z-{number}")).unwrap();
        let home = AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap();
        office.served.desk.lend().flag([home], &by, office.served.desk.time()).unwrap();
    }
    let (mut browser, csrf) = officer(&office);
    let query = format!("csrf={csrf}&case=AUDIT-1&year=2026");
    let first = text(&browser.post("/en/journal", &query));
    assert!(first.contains("Found: 205<") && first.contains("These are 1 up to 200, the latest first."), "{first}");
    assert!(first.contains("Z-205<") && !first.contains("data-label=\"Case\"><div>Z-5<"), "{first}");
    // What came since is not on the next page, which goes on where the first one ended.
    let before = hidden(&first, "before");
    assert_eq!(before, "205");
    let second = text(&browser.post("/en/journal", &format!("{query}&before={before}&page=1")));
    assert!(second.contains("Found: 205<") && second.contains("These are 201 up to 205"), "{second}");
    assert!(second.contains("data-label=\"Case\"><div>Z-5<") && !second.contains("Z-206"), "{second}");
    assert!(text(&browser.post("/en/journal", &format!("{query}&before={before}&page=99"))).contains("These are 201"));

    let file = browser.post("/en/journal", &format!("{query}&before={before}&file=csv"));
    assert_eq!(file.field("content-type").as_deref(), Some("text/csv; charset=utf-8"));
    assert_eq!(file.field("content-disposition").as_deref(), Some("attachment; filename=\"journal.csv\""));
    assert_eq!(file.field("cache-control").as_deref(), Some("no-store"));
    let lines = text(&file);
    assert_eq!(lines.lines().count(), 206);
    assert!(lines.starts_with("\u{feff}\"record\";\"time\";"), "{lines}");
    let one = "\"0\";\"2026-12-01T12:00:00Z\";\"flagged\";\"1012JS|1|\";\"'=1+1\";\"Z-1\";\"own process\"";
    assert_eq!(lines.lines().nth(1), Some(one));
    assert_eq!(office.journal_length(), 205 + 4, "each page and the file are looks");
}

#[test]
fn a_dossier_has_all_of_an_address_and_its_own_line() {
    let office = Office::new();
    flag(&office, SCRIPT, "<b>Z-1</b>");
    let (mut browser, csrf) = officer(&office);
    let form = format!("csrf={csrf}&case=REQUEST-7&address={}", encoded(DAM));
    let page = text(&browser.post("/nl/dossier", &form));
    assert!(page.contains("gemeld tot en met ") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("gemeld tot en met 20"), "a day as people write it: {page}");
    assert!(page.contains("&lt;b&gt;Z-1") && !page.contains("<script") && !page.contains("<b>Z"), "{page}");
    let page = text(&browser.post("/en/dossier", &form));
    assert!(page.contains("looked up") && page.contains("REQUEST-7") && page.contains("a page, signed in"), "{page}");
    let address = AddressKey::parse(DAM).unwrap();
    let by = Case::new("test", "test").unwrap();
    let entries = office.served.desk.lend().dossier(&address, &by, office.served.desk.time()).unwrap();
    let looked: Vec<_> = entries.iter().filter(|entry| entry.event == DossierEvent::LookedUp).collect();
    let by = looked[0].by.as_ref().unwrap();
    assert_eq!((looked.len(), by.actor(), by.caller()), (2, "f.officer", Caller::SignedIn));
    // What is no address or no case notes nothing.
    let before = office.journal_length();
    for wrong in ["case=1&address=Kerkplein", "case=&address=1012JS%7C1%7CA", "case=1&address=%3Cscript%3E"] {
        let page = text(&browser.post("/nl/dossier", &format!("csrf={csrf}&{wrong}")));
        assert!(page.contains("role=\"alert\"") && !page.contains("<script"), "{page}");
    }
    assert_eq!(office.journal_length(), before);
    let none = text(&browser.post("/nl/dossier", &format!("csrf={csrf}&case=1&address=9999XA%7C1%7C")));
    assert!(none.contains("Het journaal heeft niets van dit adres."), "{none}");
}

#[test]
fn a_request_by_a_data_subject_is_noted_until_its_answer() {
    let office = Office::new();
    let (mut browser, csrf) = officer(&office);
    assert!(text(&browser.get("/nl/requests")).contains("Er is nog geen verzoek genoteerd."));
    let note = |browser: &mut Browser, form: &str| browser.post("/nl/requests", &format!("csrf={csrf}&{form}"));
    for wrong in [
        "case=&received=2026-12-01",
        "case=R-1&received=",
        "case=R-1&received=2026-12-02",
        "case=R-1&received=2026-12-01&answer=told",
        "case=R-1&received=2026-12-01&answer=told&answered=2026-11-30",
        "case=R-1&received=2026-12-01&answered=2026-12-01",
        "case=R-1&received=2026-12-01&answer=made_up&answered=2026-12-01",
    ] {
        let page = text(&note(&mut browser, wrong));
        assert!(page.contains("role=\"alert\"") && page.contains("aria-invalid"), "{wrong}: {page}");
    }
    assert_eq!(office.journal_length(), 0);
    note(&mut browser, "case=%3Cb%3ER-1&received=2026-10-15");
    let page = text(&note(&mut browser, "case=R-2&received=2026-12-01"));
    assert!(page.contains("Genoteerd.") && page.contains("te laat: moest uiterlijk op 15 november 2026"), "{page}");
    let before = office.journal_length();
    let again = text(&note(&mut browser, "case=R-2&received=2026-12-01"));
    assert!(again.contains("Dit stond er al") && office.journal_length() == before, "{again}");
    assert!(page.contains("uiterlijk op 1 januari 2027") && page.contains("&lt;b&gt;R-1"), "{page}");
    let page = text(&note(&mut browser, "case=R-2&received=2026-12-01&answer=nothing_known&answered=2026-12-01"));
    assert!(page.contains("1 december 2026: verteld dat niets bekend is") && page.contains("Verzoeken: 2<"), "{page}");
    assert!(!page.contains("(te laat"), "{page}");
    let late = text(&note(&mut browser, "case=R-3&received=2026-10-15&answer=told&answered=2026-11-30"));
    assert!(late.contains("(te laat: moest uiterlijk op 15 november 2026)"), "{late}");
    let acts = acts(&office);
    assert!(acts.iter().all(|act| matches!(act.kind, ActKind::RequestNoted { .. }) && act.addresses.is_empty()));
    assert_eq!((acts.len(), acts[2].by.as_ref().unwrap().caller()), (4, Caller::SignedIn));
}

#[test]
fn what_was_removed_is_shown_with_who_did_it() {
    let mut office = Office::new();
    office.served = Served::under("[retention]\nlog_days = 30\n");
    let settings = office.settings();
    office.listen(&settings).unwrap();
    let (mut browser, csrf) = officer(&office);
    let page = text(&browser.get("/nl/removed"));
    assert!(page.contains("minstens 30 dagen") && page.contains("Er is nog niets gewist."), "{page}");
    browser.post("/nl/journal", &format!("csrf={csrf}&case=AUDIT-1"));
    office.pass(32 * 86_400);
    let by = Case::new("a.beheer", "jaarlijks").unwrap();
    office.served.desk.lend().prune_journal(None, &by, office.served.desk.time()).unwrap().unwrap();
    let (mut browser, csrf) = officer(&office);
    let page = text(&browser.get("/nl/removed"));
    assert!(page.contains("Gewist: 1<") && page.contains("1 regel van het begin gewist"), "{page}");
    assert!(page.contains("a.beheer") && page.contains("jaarlijks"), "{page}");
    let page = text(&browser.post("/en/journal", &format!("csrf={csrf}&case=AUDIT-2")));
    assert!(
        page.contains("the journal&#39;s first 1 records") || page.contains("the journal's first 1 records"),
        "{page}"
    );
}

#[test]
fn what_is_proven_and_what_is_not_is_said() {
    let office = Office::new();
    flag(&office, "", "Z-1");
    office.served.carry();
    let (mut browser, csrf) = officer(&office);
    let head = office.served.desk.lend().journal_head().to_string();
    let page = text(&browser.get("/en/log"));
    assert!(page.contains(&head) && page.contains("none was shown yet"), "{page}");
    assert!(page.contains(", message of 1 December 2026<"), "{page}");
    let mut check = |given: &str| text(&browser.post("/en/log", &format!("csrf={csrf}&head={given}")));
    assert!(check("").contains("Checked: the journal is one whole chain."));
    let page = check(&head);
    assert!(page.contains("that head is of its first 3 records."), "{page}");
    let page = check(&"ab".repeat(32));
    assert!(page.contains("This journal never had that head.") && page.contains("head_unknown"), "{page}");
    assert!(check("abc").contains("This is no head"));
    let path = office.served.path("1/journal.sealed");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused: Response = browser.post("/nl/log", &format!("csrf={csrf}&head="));
    assert_eq!(refusal(&refused), (409, "journal_damaged".to_owned()));
    let page = text(&refused);
    assert!(page.contains("Het journaal is beschadigd bij regel 0,") && !page.contains("<span lang=\"en\">"), "{page}");
}

#[test]
fn what_the_partner_refuses_is_said_in_the_language_of_the_page() {
    let office = Office::new();
    flag(&office, "", "Z-1");
    office.pass(36 * 86_400);
    let (mut browser, csrf) = officer(&office);
    let refused = browser.post("/nl/journal", &format!("csrf={csrf}&case=AUDIT-1"));
    assert_eq!(refusal(&refused), (409, "clock_ahead".to_owned()));
    assert!(text(&refused).contains("De klok van deze machine staat voor"), "{}", text(&refused));
    let refused = text(&browser.post("/en/journal", &format!("csrf={csrf}&case=AUDIT-1")));
    assert!(refused.contains("35 days") && !refused.contains("lang=\"en\">The"), "{refused}");
}

/// Pages that `tests/pages/run` uses with a browser: of a partner that did nothing yet, and of one that did much.
#[test]
fn pages_for_an_officer() {
    use std::io::{Read, Write};
    let office = |fill: fn(&Office)| {
        let mut office = Office::new();
        office.served = Served::written("[retention]\nlog_days = 30\n", |text| {
            text.replacen("[[partner]]\n", "[[partner]]\nsign_in = \"one-user\"\n", 1)
        });
        let mut settings = office.settings();
        (settings.provider, settings.user) = (None, Some("f.officer".to_owned()));
        write_secret(&office.served, "one-user", TOKEN);
        settings.token = Some(office.served.path("one-user"));
        fill(&office);
        office.listen(&settings).unwrap();
        office
    };
    let (empty, filled) = (office(|_| {}), office(much));
    if std::env::var_os("STAPEL_OFFICER").is_none() {
        return;
    }
    let mut out = std::io::stdout();
    for (name, office) in [("empty", &empty), ("filled", &filled)] {
        writeln!(out, "\nSITE {name} {}", office.pages().origin()).unwrap();
    }
    writeln!(out, "READY").unwrap();
    out.flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// What a partner does in a month, with names and texts that are long, or are markup.
fn much(office: &Office) {
    let desk = &office.served.desk;
    let at = |number: u32| AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap();
    let by = |actor: &str, case: &str| Case::new(actor, case).unwrap();
    let old = by("j.jansen", "Z-2026-1");
    // Two lines of the log that are not proven yet, of a flag that no longer keeps the journal's first records.
    desk.lend().flag([at(1)], &old, desk.time()).unwrap();
    office.served.carry();
    desk.lend().withdraw([at(1)], &old, desk.time()).unwrap();
    office.served.carry();
    office.pass(32 * 86_400);
    let mut partner = desk.lend();
    let now = desk.time();
    partner.prune_journal(None, &by("a.beheer", "jaarlijks"), now).unwrap().unwrap();
    let typed = format!("{SCRIPT} Dam 1-A te Amsterdam {}", "a".repeat(80));
    let address = AddressKey::parse(DAM).unwrap();
    let long = by("een.medewerker.met.een.lange.naam@gemeente.example", &"<b>Z-0123456789</b>".repeat(4));
    partner.flag([Given::from(&address).typed(&typed)], &long, now).unwrap();
    partner.flag((1..=60).map(at), &by("j.jansen", "Z-2026-2"), now).unwrap();
    for number in 1..=205 {
        partner.withdraw([at(number % 60 + 1)], &by("m.smit", &format!("Z-{number}")), now).unwrap();
        partner.flag([at(number % 60 + 1)], &by("m.smit", &format!("Z-{number}")), now).unwrap();
    }
    let day = |back: u16| stapel::Day(now.day().0 - back);
    for (case, received, answered) in [
        ("VERZOEK-1", day(40), None),
        ("VERZOEK-2", day(3), None),
        ("VERZOEK-3", day(20), Some(RequestAnswered { day: day(1), answer: RequestAnswer::Told })),
    ] {
        partner.note_data_subject_request(received, answered, &by("f.officer", case), now).unwrap();
    }
}

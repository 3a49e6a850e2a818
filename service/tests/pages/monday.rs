//! What a case worker sees who opens the pages: what is new, what ends, what is gone, and why.

use stapel::partner::{ActKind, ActQuery, Given};
use stapel::{AddressKey, Case};

use super::{Browser, Office, refusal, text};
use crate::desk::Served;

pub(super) const DAM: &str = "Dam 1-A, 1012 JS Amsterdam";
pub(super) const MEET: &str = "[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n";

impl Office {
    pub(super) fn that_meets() -> Office {
        Office::of(Served::that_meet(MEET), |settings| settings.idle_minutes = Some(120))
    }

    pub(super) fn flag(&self, typed: &str, case: &str) {
        let key = AddressKey::parse(typed).unwrap();
        let by = Case::new("j.jansen", case).unwrap();
        let now = self.served.desk.time();
        self.served.desk.lend().flag([Given::from(key).typed(typed)], &by, now).unwrap();
    }

    /// Delivers, asks about all own flags, and reads what comes back.
    pub(super) fn exchange(&self) {
        self.served.carry();
        let now = self.served.desk.time();
        self.served.desk.lend().ask_own(&Case::new("sync", "day").unwrap(), now).unwrap();
        self.served.carry();
    }

    /// Another organisation flags an address too, and the next release shows it.
    pub(super) fn stacked(&self, typed: &str) {
        self.served.carry();
        self.served.others_flag(&[typed]);
        self.pass(0);
        self.exchange();
    }
}

/// A page as a reader has it: without markup, each run of spaces one.
pub(super) fn read(browser: &mut Browser, path: &str) -> String {
    let response = browser.get(path);
    assert_eq!(response.status, 200, "{path}: {}", text(&response));
    plain(&text(&response))
}

pub(super) fn plain(page: &str) -> String {
    let mut read = String::new();
    for part in page.split('<') {
        read.push(' ');
        read.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    read.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn who_has_nothing_is_told_so_in_both_languages() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = read(&mut browser, "/nl");
    for said in [
        "Er is nog geen antwoord gelezen.",
        "Niets wacht op u.",
        "Het journaal kent geen eerder bezoek van u",
        "Er is niets nieuws.",
        "Geweigerde regels Geen. Van voordat deze dienst startte, zijn ze niet meer bekend.",
        "Uw organisatie meldt nog niets.",
        "Een treffer bewijst niets.",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let page = read(&mut browser, "/en");
    for said in ["Nothing waits for you.", "There is nothing new.", "Your organisation flags nothing yet."] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(read(&mut browser, "/nl/flags").contains("Niets gevonden."));
}

#[test]
fn while_the_broker_does_not_reply_the_first_page_says_so() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let since = office.served.desk.time();
    office.served.desk.tell_sync(|runs| (runs.is_running, runs.silent_since) = (true, Some(since)));
    let page = read(&mut browser, "/nl");
    let said = "De teller antwoordt niet, sinds 1 december 2026, 12:00 UTC. Het wordt opnieuw geprobeerd.";
    assert!(page.contains(said), "{page}");
    office.served.desk.tell_sync(|runs| runs.silent_since = None);
    assert!(!read(&mut browser, "/nl").contains("antwoordt niet"));
}

#[test]
fn a_flag_is_not_delivered_then_in_no_release_then_a_hit_and_then_none() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    office.flag(DAM, "Z-1");
    assert!(read(&mut browser, "/nl").contains("Nog niet aangeleverd"));
    office.served.carry();
    let page = read(&mut browser, "/nl");
    assert!(page.contains("Aangeleverd op 1 december 2026, nog niet in een peilmoment"), "{page}");
    assert!(page.contains("Dam 1-A, 1012 JS Amsterdam 1012JS 1-A") && page.contains("Z-1"), "{page}");

    office.stacked(DAM);
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = read(&mut browser, "/nl");
    assert!(page.contains("U was hier het laatst op 1 december 2026, 12:00 UTC."), "{page}");
    assert!(page.contains("Nieuw u en ten minste één ander , sinds 2 december 2026"), "{page}");
    assert!(page.contains("Het huisnummer als geheel:") && !page.contains("nog niet in een peilmoment"), "{page}");
    assert!(!page.contains("2 organisaties") && !page.to_lowercase().contains("score"), "{page}");
    let page = read(&mut browser, "/en");
    assert!(page.contains("New you and at least one other , since 2 December 2026"), "still new today: {page}");
    assert!(!page.contains("No longer a hit"));

    // On another day it is no longer new, to this person.
    office.pass(86_400);
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = read(&mut browser, "/nl");
    assert!(page.contains("Er is niets nieuws.") && page.contains("u en ten minste één ander"), "{page}");
    assert!(read(&mut office.signed_in("m.smit", &["look"]), "/nl").contains("Nieuw u en ten minste één ander"));

    // Others fall away, and nobody is told which.
    office.served.other_withdraws(DAM);
    office.pass(0);
    office.exchange();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = read(&mut browser, "/nl");
    let said = "anderen halen de drempel niet meer. Welke anderen wordt nooit verteld.";
    assert!(page.contains("Geen treffer meer") && page.contains(said), "{page}");
    assert!(page.contains("Geen treffer: alleen u, of te weinig anderen"), "{page}");
    assert!(read(&mut browser, "/nl/flags?show=gone").contains(said));
}

#[test]
fn a_withdrawn_hit_is_gone_for_a_reason_of_ones_own() {
    let office = Office::new();
    office.flag(DAM, "Z-1");
    office.stacked(DAM);
    let (by, now) = (Case::new("m.smit", "Z-2").unwrap(), office.served.desk.time());
    office.served.desk.lend().withdraw([AddressKey::parse(DAM).unwrap()], &by, now).unwrap();
    let page = read(&mut office.signed_in("j.jansen", &["look"]), "/nl");
    assert!(page.contains("uw eigen melding eindigde of werd ingetrokken"), "{page}");
    assert!(
        page.contains("Dam 1-A, 1012 JS Amsterdam , 2 december 2026") && !page.contains("halen de drempel"),
        "{page}"
    );
    // Flagged again it is no hit before an answer says so.
    office.flag(DAM, "Z-4");
    let page = read(&mut office.signed_in("j.jansen", &["look"]), "/nl");
    assert!(page.contains("Z-4") && !page.contains("u en ten minste één ander"), "{page}");
}

#[test]
fn what_is_old_says_so_and_what_ends_is_named() {
    let office = Office::new();
    office.flag(DAM, "Z-1");
    office.stacked(DAM);
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = read(&mut browser, "/nl");
    assert!(page.contains("Organisaties die bijgewerkt zijn 4 van 4") && !page.contains("Dit is oud."), "{page}");
    assert!(page.contains("Meldingen die eindigen binnen 30 dagen Geen."), "{page}");
    // A flag of 1 December ends on 28 February or 31 May: 30 days before that it is named.
    let last_day = office.served.desk.lend().flags().next().unwrap().last_day;
    let days = u64::from(last_day.0) - office.served.desk.time().0 / 86_400 - 20;
    let by = Case::new("a", "clock").unwrap();
    office.pass(days * 86_400);
    let now = office.served.desk.time();
    office.served.desk.lend().accept_clock(&by, now).unwrap();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let response = browser.get("/nl");
    assert!(text(&response).contains("class=\"standing stale\""));
    let page = plain(&text(&response));
    assert!(page.contains("Dit is oud. Het is gelezen op 2 december 2026"), "{page}");
    assert!(page.contains(&format!("{DAM} : tot en met ")) && page.contains(", zaak Z-1"), "{page}");
    assert!(read(&mut browser, "/nl/flags?show=ending").contains("Eindigt binnen 30 dagen: 1"));
}

#[test]
fn who_may_not_look_sees_no_flag_and_who_looks_is_in_the_journal() {
    let office = Office::new();
    office.flag(DAM, "Z-1");
    office.stacked(DAM);
    let mut officer = office.signed_in("f.officer", &["officer"]);
    let before = office.journal_length();
    let page = read(&mut officer, "/nl");
    assert!(
        !page.contains("Dam 1-A") && !page.contains("Uw meldingen") && page.contains("Hoe het ervoor staat"),
        "{page}"
    );
    for path in ["/nl/flags", "/nl/flag"] {
        assert_eq!(refusal(&officer.get(path)), (403, "not_for_you".into()), "{path}");
    }
    assert_eq!(office.journal_length(), before);
    let mut browser = office.signed_in("j.jansen", &["look"]);
    assert_eq!(refusal(&browser.get("/nl/flag")), (403, "not_for_you".into()));
    for path in ["/nl", "/nl/flags", "/en", "/nl/flags?show=hits"] {
        read(&mut browser, path);
    }
    let now = office.served.desk.time();
    let acts = office.served.desk.lend().acts(&ActQuery::default(), &Case::new("t", "t").unwrap(), now).unwrap();
    let shown: Vec<_> = acts.iter().filter(|act| act.kind == ActKind::NewsShown).collect();
    assert_eq!(shown.len(), 1, "once a day, where nothing is new");
    assert_eq!(shown[0].by.as_ref().map(Case::actor), Some("j.jansen"));
    assert!(shown[0].addresses.contains(&AddressKey::parse(DAM).unwrap()));
}

#[test]
fn markup_in_addresses_and_cases_is_shown_as_text() {
    let office = Office::new();
    let key = AddressKey::parse(DAM).unwrap();
    let by = Case::new("j.jansen", "<img src=x onerror=alert(1)>").unwrap();
    let given = Given::from(key).typed("<script>alert(1)</script> \"Dam\" 1");
    let now = office.served.desk.time();
    office.served.desk.lend().flag([given], &by, now).unwrap();
    let mut browser = office.signed_in("j.jansen", &["look", "flag", "meet"]);
    for path in ["/nl", "/nl/flags"] {
        let page = text(&browser.get(path));
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&lt;img src=x"), "{page}");
    }
    let page = text(&browser.get("/nl/flags"));
    assert!(page.contains("aria-label=\"Kies &lt;script&gt;alert(1)&lt;/script&gt; &quot;Dam&quot; 1\""), "{page}");
}

#[test]
fn a_list_is_searched_and_leafed_through_without_an_address_in_a_history() {
    let office = Office::new();
    let by = Case::new("j.jansen", "Z-9").unwrap();
    let keys: Vec<AddressKey> =
        (1..=120).map(|number| AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap()).collect();
    let now = office.served.desk.time();
    office.served.desk.lend().flag(&keys, &by, now).unwrap();
    office.flag(DAM, "Z-1");
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let csrf = browser.csrf();
    let mut search = |fields: &str| {
        let form = format!("csrf={csrf}&do=search&{fields}");
        plain(&text(&browser.post("/nl/flags", &form)))
    };
    assert!(search("").contains("Alle meldingen: 121") && search("").contains("Bladzijde 1 van 3"));
    assert!(search("page=3").contains("Bladzijde 3 van 3") && search("page=99").contains("Bladzijde 3 van 3"));
    assert!(!search("page=0").contains("Bladzijde 1"));
    for (looked, found) in [("dam+1a", 1), ("z-1", 1), ("Z9", 120), ("1012js+120", 1), ("kerk", 0), ("%3Cb%3E", 0)] {
        let page = search(&format!("q={looked}"));
        assert!(page.contains(&format!("Alle meldingen: {found} ")), "{looked}: {page}");
    }
    assert!(search("q=dam+1a").contains("Alleen wat u zocht: dam 1a , van alle 121"));
    assert!(!search("").contains("Alleen wat u zocht"));
    assert!(search("show=hits").contains("Alleen treffers: 0"));
    assert!(search("show=waiting").contains("Nog niet in een peilmoment: 121"));
    let raw = text(&browser.post("/nl/flags", &format!("csrf={csrf}&do=search&q=%22%3E%3Cb%3E")));
    assert!(raw.contains("value=\"&quot;&gt;&lt;b&gt;\""), "{raw}");
}

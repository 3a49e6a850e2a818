//! What people do with flags: each for a case, confirmed once, and done once.

use stapel::partner::{ActKind, ActQuery};
use stapel::{AddressKey, Case};

use super::monday::{DAM, plain};
use super::{Browser, Office, refusal, text};

const KEY: &str = "1012JS%7C1%7CA";

/// The token with which a page asks to confirm.
pub(super) fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap_or_else(|| panic!("asks nothing: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

impl Office {
    fn kinds(&self) -> Vec<ActKind> {
        let now = self.served.desk.time();
        let by = Case::new("test", "test").unwrap();
        let acts = self.served.desk.lend().acts(&ActQuery::default(), &by, now).unwrap();
        acts.into_iter().map(|act| act.kind).filter(|kind| !matches!(kind, ActKind::Queried(_))).collect()
    }

    fn is_flagged(&self, typed: &str) -> bool {
        self.served.desk.lend().flag_of(&AddressKey::parse(typed).unwrap()).is_some()
    }
}

impl Browser {
    /// Sends a form of a page with its text of the session.
    pub(super) fn send(&mut self, path: &str, form: &str) -> (u16, String) {
        let csrf = self.csrf();
        let response = self.post(path, &format!("csrf={csrf}&{form}"));
        (response.status, text(&response))
    }

    pub(super) fn confirm(&mut self, path: &str, token: &str) -> (u16, String) {
        self.send(path, &format!("do=confirm&token={token}"))
    }
}

#[test]
fn flagging_says_who_learns_of_it_and_is_done_once() {
    let office = Office::that_meets();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let lines = "Dam+1-A%2C+1012+JS+Amsterdam%0D%0A%0D%0AKerkplein%0D%0A%3Cb%3E1%3C%2Fb%3E";
    let (status, page) = browser.send("/nl/flag", &format!("do=flag&case=Z-1&addresses={lines}"));
    let said = plain(&page);
    assert_eq!(status, 200, "{said}");
    for part in [
        "Wilt u dit melden?",
        "Nieuw gemeld 1",
        "Dam 1-A, 1012 JS Amsterdam 1012JS 1-A",
        "Niet te lezen, en niet meegenomen: 2",
        "Regel 3: Kerkplein – ",
        "Wie dit te weten komt",
        "De teller krijgt bij de volgende uitwisseling een pseudoniem",
        "De melding geldt ten langste tot en met ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(page.contains("&lt;b&gt;1&lt;/b&gt;") && !page.contains("<b>1"), "{page}");
    assert!(!office.is_flagged(DAM), "nothing is done before it is confirmed");

    let token = token(&page);
    let mut other = office.signed_in("m.smit", &["look", "flag"]);
    let refused = other.confirm("/nl/flag", &token);
    assert!(refused.0 == 409 && refused.1.contains("<code>not_asked</code>") && !office.is_flagged(DAM));
    let (status, page) = browser.confirm("/nl/flag", &token);
    assert_eq!(
        (status, plain(&page).contains("Gedaan Zaak Z-1 Nieuw gemeld 1 Niet te lezen 2")),
        (200, true),
        "{page}"
    );
    assert!(office.is_flagged(DAM));
    let (status, page) = browser.confirm("/nl/flag", &token);
    assert!(status == 200 && plain(&page).contains("Dit was al gedaan, één keer"), "{page}");
    let flagged = office.kinds().into_iter().filter(|kind| *kind == ActKind::Flagged).count();
    assert_eq!(flagged, 1);
    assert!(plain(&text(&browser.get("/nl/flags"))).contains("Z-1"));

    // What was refused is there to be mended, to this person, on the page and as a file.
    assert!(plain(&text(&browser.get("/nl"))).contains("Geweigerde regels 2 van 1 december 2026, 12:00 UTC"));
    assert!(plain(&text(&other.get("/nl"))).contains("Geweigerde regels Geen."));
    let page = text(&browser.get("/nl/flag"));
    assert!(page.contains("Geweigerd, om te herstellen: 2") && page.contains(">Kerkplein\n&lt;b&gt;1"), "{page}");
    assert!(page.contains("value=\"Z-1\""), "for the case for which they were given: {page}");
    let file = browser.get("/nl/flag?refused=file");
    let disposition = file.field("content-disposition").unwrap();
    assert!(disposition == "attachment; filename=\"stapel-refused.csv\"", "{disposition}");
    assert!(text(&file).contains("\"Kerkplein\"\r\n"), "{}", text(&file));
    let mended = "do=flag&case=Z-1&addresses=Kerkplein+1%2C+1012+JS";
    let (_, page) = browser.send("/nl/flag", mended);
    browser.confirm("/nl/flag", &self::token(&page));
    assert!(plain(&text(&browser.get("/nl"))).contains("Geweigerde regels Geen."));
    assert_eq!(refusal(&browser.get("/nl/flag?refused=file")), (404, "not_found".into()));
}

#[test]
fn what_is_flagged_already_stays_until_the_day_that_is_said() {
    let office = Office::new();
    office.flag(DAM, "Z-1");
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let again = "do=flag&case=Z-2&addresses=Dam+1-A%2C+1012+JS+Amsterdam";
    let (_, page) = browser.send("/nl/flag", again);
    let said = plain(&page);
    for part in [
        "Blijft zoals het is 1 Die meldingen gelden tot en met ",
        "Dam 1-A, 1012 JS Amsterdam 1012JS 1-A , u meldt dit al, tot en met ",
        "Van wat u al meldt, verneemt niemand iets nieuws",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("een organisatie meer is") && !said.contains("een pseudoniem"), "{said}");
    let (_, page) = browser.confirm("/nl/flag", &token(&page));
    assert!(plain(&page).contains("Blijft zoals het is 1 Die meldingen gelden tot en met "), "{page}");
    // Beside a new one, both are said.
    let (_, page) = browser.send("/nl/flag", &format!("{again}%0ADam+2%2C+1012+JS"));
    let said = plain(&page);
    for part in ["Nieuw gemeld 1", "een organisatie meer is", "Van wat u al meldt, verneemt niemand iets nieuws"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.matches("u meldt dit al").count(), 1, "{said}");
}

#[test]
fn what_is_wrong_is_named_with_a_link_and_what_was_typed_stays() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let (status, page) = browser.send("/nl/flag", "do=flag&case=&addresses=Dam+1%2C+1012+JS");
    assert_eq!(status, 200);
    assert!(page.contains("role=\"alert\"") && page.contains("<a href=\"#case\">Voor welke zaak is dit?"), "{page}");
    assert!(page.contains(">Dam 1, 1012 JS</textarea>") && page.contains("aria-invalid=\"true\""), "{page}");
    let (_, page) = browser.send("/nl/flag", "do=flag&case=Z-1&addresses=");
    assert!(
        page.contains("<a href=\"#addresses\">Geef minstens één adres.") && page.contains("value=\"Z-1\""),
        "{page}"
    );
    let (_, page) = browser.send("/en/flag", "do=flag&case=Z-1&addresses=Kerkplein");
    assert!(page.contains("None of these can be read") && page.contains(">Kerkplein</textarea>"), "{page}");
    let many = "a%0A".repeat(1_001);
    let (_, page) = browser.send("/nl/flag", &format!("do=flag&case=Z-1&addresses={many}"));
    assert!(page.contains("hoogstens 1.000 adressen"), "{page}");
    let (_, page) = browser.send("/nl/flags", "do=renew&case=");
    for part in ["#case", "#row-0", "#reason"] {
        assert!(page.contains(&format!("<a href=\"{part}\">")), "{part}: {page}");
    }
    for form in ["do=", "do=other", "", "do=withdraw&case=Z-1&address=%3Cb%3E"] {
        assert_eq!(browser.send("/nl/flags", form).0, 400, "{form}");
    }
    for (path, token) in [("/nl/flag", ""), ("/nl/flags", "a"), ("/nl/flags", &"a".repeat(43))] {
        assert_eq!(browser.confirm(path, token).0, 409, "{path}");
    }
    assert_eq!(office.kinds(), [ActKind::NewsShown]);
}

#[test]
fn flags_are_renewed_with_a_reason_and_withdrawn() {
    let office = Office::new();
    office.flag(DAM, "Z-1");
    let first = office.served.desk.lend().flags().next().unwrap().last_day;
    office.pass(40 * 86_400);
    let by = Case::new("a", "clock").unwrap();
    let now = office.served.desk.time();
    office.served.desk.lend().accept_clock(&by, now).unwrap();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let chosen = format!("case=Z-2&address={KEY}");
    let (_, page) = browser.send("/nl/flags", &format!("do=renew&reason=observed_again&{chosen}"));
    let said = plain(&page);
    assert!(said.contains("Reden opnieuw waargenomen door onszelf"), "{said}");
    assert!(said.contains("en telt de redenen in zijn logboek") && said.contains("blijft gelijk"), "{said}");
    let (_, page) = browser.confirm("/nl/flags", &token(&page));
    assert!(plain(&page).contains("Verlengd of met een andere laatste dag 1"), "{page}");
    let flag = *office.served.desk.lend().flags().next().unwrap();
    assert!(flag.last_day > first && flag.renewal.is_some());
    assert!(plain(&text(&browser.get("/nl/flags"))).contains("Z-2"), "the case of whoever looked last");

    // What the partner refuses is said beside the list, and what was typed stays.
    let other = "do=renew&reason=observed_again&case=Z-2&address=1012JS%7C9%7C";
    let (status, page) = browser.send("/nl/flags", other);
    assert!(
        status == 200 && page.contains("<a href=\"#row-0\">Bij 1 van deze adressen is niets te verlengen"),
        "{page}"
    );
    assert!(page.contains("value=\"Z-2\""), "{page}");

    let (_, page) = browser.send("/nl/flags", &format!("do=withdraw&{chosen}"));
    let said = plain(&page);
    assert!(said.contains("De melding telt niet meer mee vanaf de dag nadat de teller het hoort"), "{said}");
    let token = token(&page);
    browser.confirm("/nl/flags", &token);
    browser.confirm("/nl/flags", &token);
    assert!(!office.is_flagged(DAM));
    let withdrawn = office.kinds().into_iter().filter(|kind| *kind == ActKind::Withdrawn).count();
    assert_eq!(withdrawn, 1);
}

#[test]
fn a_hit_is_put_forward_to_those_who_are_named() {
    let office = Office::that_meets();
    office.flag(DAM, "Z-1");
    office.stacked(DAM);
    let mut browser = office.signed_in("m.meet", &["look", "meet"]);
    let chosen = format!("case=Z-3&address={KEY}");
    let (_, page) = browser.send("/nl/flags", &format!("do=forward&{chosen}"));
    let said = plain(&page);
    for part in [
        "Wilt u deze adressen aandragen?",
        "Aangedragen 1",
        "horen dat ook als hetzelfde adres daar is aangedragen",
        "en nooit wie.",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, page) = browser.confirm("/nl/flags", &token(&page));
    assert!(plain(&page).contains("Gedaan Zaak Z-3 Aangedragen 1"), "{page}");
    assert!(plain(&text(&browser.get("/nl/flags"))).contains("Door ons aangedragen"));
    assert_eq!(office.served.desk.lend().put_forward_rows().count(), 1);
}

#[test]
fn nobody_does_what_their_role_is_not_for() {
    let office = Office::that_meets();
    office.flag(DAM, "Z-1");
    office.stacked(DAM);
    let before = office.kinds().len();
    let mut look = office.signed_in("l.look", &["look"]);
    let mut flag = office.signed_in("j.jansen", &["look", "flag"]);
    let mut meet = office.signed_in("m.meet", &["look", "meet"]);
    let chosen = format!("case=Z-2&reason=observed_again&address={KEY}");
    for (browser, does) in [
        (&mut look, &["withdraw", "renew", "forward"][..]),
        (&mut flag, &["forward"][..]),
        (&mut meet, &["withdraw", "renew"][..]),
    ] {
        for does in does {
            let (status, page) = browser.send("/nl/flags", &format!("do={does}&{chosen}"));
            assert!(status == 403 && page.contains("<code>not_for_you</code>"), "{does}: {page}");
        }
    }
    assert_eq!(look.send("/nl/flag", "do=flag&case=Z-1&addresses=a").0, 403);
    let page = text(&look.get("/nl/flags"));
    assert!(!page.contains("checkbox") && !page.contains("value=\"withdraw\""), "{page}");
    let page = text(&meet.get("/nl/flags"));
    assert!(page.contains("value=\"forward\"") && !page.contains("value=\"withdraw\""), "{page}");
    // What somebody may not confirm any more, for another signed in here.
    let (_, page) = flag.send("/nl/flags", &format!("do=withdraw&{chosen}"));
    let mut nobody = office.browser();
    let form = format!("csrf=a&do=confirm&token={}", token(&page));
    let signed_out = nobody.post("/nl/flags", &form);
    assert_eq!(refusal(&signed_out), (403, "signed_out".into()));
    let page = text(&signed_out);
    assert!(page.contains("U bent niet meer aangemeld") && page.contains("href=\"/nl/sign-in\""), "{page}");
    assert!(office.is_flagged(DAM));
    let kinds = office.kinds();
    assert!(kinds[before..].iter().all(|kind| *kind == ActKind::NewsShown), "{kinds:?}");
}

#[test]
fn what_is_confirmed_late_or_after_many_others_is_not_done() {
    let office = Office::that_meets();
    let mut browser = office.signed_in("j.jansen", &["look", "flag"]);
    let mut ask = |number: u32| {
        let form = format!("do=flag&case=Z-1&addresses=Dam+{number}%2C+1012+JS");
        token(&browser.send("/nl/flag", &form).1)
    };
    let tokens: Vec<String> = (1..=6).map(&mut ask).collect();
    // Five wait at once, of one session.
    assert_eq!(browser.confirm("/nl/flag", &tokens[0]).0, 409);
    assert_eq!(browser.confirm("/nl/flag", &tokens[1]).0, 200);
    office.pass(3_600);
    let (status, page) = browser.confirm("/nl/flag", &tokens[2]);
    assert!(status == 409 && page.contains("Kijk in de lijst of het gedaan is"), "{page}");
    assert!(!office.is_flagged("Dam 1, 1012 JS") && office.is_flagged("Dam 2, 1012 JS"));
    assert_eq!(office.served.desk.lend().flags().len(), 1);
}

//! No page in Dutch has English on it: each screen with something on it, and what is refused there.

use super::acting::token;
use super::meeting::{COORDINATOR, HOUSING, Meeting, POLICE, TAX, look, send};
use super::monday::{DAM, plain};
use super::sheets::Lines;
use super::{Browser, Office, text};
use crate::desk::Response;

/// Words of English that no Dutch text has.
const ENGLISH: [&str; 33] = [
    "the",
    "and",
    "not",
    "you",
    "your",
    "with",
    "from",
    "this",
    "that",
    "which",
    "address",
    "flag",
    "flags",
    "are",
    "give",
    "cannot",
    "has",
    "by",
    "for",
    "to",
    "no",
    "release",
    "organisation",
    "organisations",
    "broker",
    "counter",
    "semicolons",
    "sheet",
    "unknown",
    "nobody",
    "names",
    "row",
    "rows",
];

/// Whether a page is in Dutch, its codes and commands and the link to the English one aside.
fn is_dutch(at: &str, page: &str) {
    let mut shown = page.to_owned();
    for (begin, end) in [("<code>", "</code>"), ("<code class", "</code>"), ("lang=\"en\"", "</a>")] {
        while let Some(from) = shown.find(begin) {
            let to = shown[from..].find(end).unwrap_or_else(|| panic!("{at}: {shown}"));
            // An attribute's text ends the tag it is in.
            let rest = if begin.starts_with('<') { "" } else { "><" };
            shown.replace_range(from..from + to, rest);
        }
    }
    let labels = shown.split("aria-label=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    let said = format!("{} {}", plain(&shown), labels.collect::<Vec<_>>().join(" "));
    let words = said.split(|c: char| !c.is_alphanumeric() && c != '-').map(str::to_lowercase);
    let english: Vec<String> = words.filter(|word| ENGLISH.contains(&word.as_str())).collect();
    assert!(english.is_empty(), "{at}: {english:?} in {said}");
}

fn check(at: &str, response: &Response) -> String {
    let page = text(response);
    is_dutch(at, &page);
    page
}

/// The screens of one partner, by whoever may see all of them.
const PATHS: [&str; 11] = [
    "",
    "/flags",
    "/flag",
    "/map",
    "/asked",
    "/conversations",
    "/journal",
    "/dossier",
    "/requests",
    "/removed",
    "/log",
];

fn post(browser: &mut Browser, path: &str, form: &str) -> String {
    let csrf = browser.csrf();
    let response = browser.post(&format!("/nl{path}"), &format!("csrf={csrf}&{form}"));
    check(&format!("{path} {form}"), &response)
}

#[test]
fn every_screen_of_one_partner_is_in_dutch_and_so_is_what_it_refuses() {
    let office = Office::that_meets();
    office.served.desk.read_sheets_with(Lines);
    office.flag(DAM, "Z-1");
    office.flag("Dam 2, 1012 JS", "Z-2");
    office.stacked(DAM);
    let mut browser = office.signed_in("j.jansen", &["look", "flag", "meet", "officer"]);
    for path in PATHS {
        check(path, &browser.get(&format!("/nl{path}")));
    }
    for show in ["hits", "new", "ending", "waiting", "gone"] {
        check(show, &browser.get(&format!("/nl/flags?show={show}")));
    }
    let key = "1012JS%7C1%7CA";
    for (path, form) in [
        ("/flag", "do=flag&case=&addresses="),
        ("/flag", "do=flag&case=Z-1&addresses=Kerkplein%0D%0ABogus+1%2C+0012+JS%0D%0ADam+1+tot+5%2C+1012+JS"),
        ("/flag", "do=flag&case=Z-1&addresses=Dam+3%2C+1012+JS%0D%0AKerkplein"),
        ("/flag", "do=confirm&token=a"),
        ("/flag", "do=columns&token=a"),
        ("/flag", "do=what"),
        ("/flags", "do=renew&case="),
        ("/flags", "do=renew&case=Z-1&reason=observed_again&address=1012JS%7C9%7C"),
        ("/flags", "do=forward&case=Z-1&address=1012JS%7C9%7C"),
        ("/asked", "do=look&case=Z-1"),
        ("/asked", "do=ask&case=Z-1&what=join&address=1012JS%7C9%7C"),
        ("/asked", "do=yes&case=Z-1&what=join&address=1012JS%7C9%7C"),
        ("/conversations", "do=look&case=Z-1"),
        ("/conversations", "do=open&case=Z-1&conversation=7"),
        ("/journal", "case=Z-1"),
        ("/journal", "case=&from=x"),
        ("/dossier", "case=Z-1&address=Kerkplein"),
        ("/dossier", &format!("case=Z-1&address={key}")),
        ("/requests", "case=R-1&received=2026-12-09"),
        ("/requests", "case=R-1&received=2026-11-01"),
        ("/log", "head=x"),
        ("/log", "head="),
        ("/nothing", ""),
    ] {
        post(&mut browser, path, form);
    }
    for deed in ["renew&reason=observed_again", "forward", "withdraw"] {
        let page = post(&mut browser, "/flags", &format!("do={deed}&case=Z-1&address={key}"));
        post(&mut browser, "/flags", &format!("do=confirm&token={}", token(&page)));
    }
    for (case, file) in [
        ("Z-1", &b"adres\nDam 4, 1012 JS\nKerkplein\n"[..]),
        ("Z-1", b"plek\nDam 4, 1012 JS\n"),
        ("Z-1", b"\xff"),
        ("", b""),
    ] {
        is_dutch("sheet", &browser.give(case, file).1);
    }
    check("refused file", &browser.get("/nl/flag?refused=file"));
    let mut looking = office.signed_in("l.look", &["look"]);
    // The clock went back, so that the journal can have nothing.
    office.served.now.fetch_sub(3_600, std::sync::atomic::Ordering::SeqCst);
    for path in PATHS {
        check(path, &browser.get(&format!("/nl{path}")));
    }
    post(&mut browser, "/journal", "case=Z-1");
    post(&mut browser, "/flag", "do=flag&case=Z-1&addresses=Dam+3%2C+1012+JS");
    check("not for you", &looking.get("/nl/log"));
    check("form", &looking.post("/nl/flags", "csrf=a"));
    let mut nobody = office.browser();
    for path in ["/nl/sign-in", "/nl/signed-out", "/nl/sign-in/begin?to=/nl", "/sign-in/return?code=a&state=b"] {
        check(path, &nobody.get(path));
    }
}

#[test]
fn every_screen_after_a_hit_is_in_dutch() {
    let meeting = Meeting::new();
    meeting.introduce(&[POLICE, TAX, HOUSING]);
    for (number, path, kinds) in [
        (POLICE, "/nl/conversations", &["text", "lead", "outcome", "leave"][..]),
        (COORDINATOR, "/nl/agenda", &["text", "decision", "outcome", "leave"]),
    ] {
        let mut browser = meeting.browser(number, &["look", "meet"]);
        check(path, &browser.get(path));
        let list = look(&mut browser, path, "Z-1");
        check(path, &list);
        let one = send(&mut browser, &list, &["value=\"open\""], &[]);
        check("one", &one);
        for kind in kinds {
            let form = format!("value=\"{kind}\"");
            check(kind, &send(&mut browser, &one, &[&form], &[("text", &"a".repeat(2_000))]));
            let filled = [("text", "a"), ("outcome", "wrong_signal"), ("next", "2026-12-20")];
            let asks = send(&mut browser, &one, &[&form], &filled);
            check(kind, &asks);
            for _ in 0..2 {
                check(kind, &send(&mut browser, &asks, &["value=\"yes\""], &[]));
            }
        }
    }
    let mut browser = meeting.browser(HOUSING, &["look", "meet"]);
    let list = look(&mut browser, "/nl/asked", "Z-1");
    check("asked", &list);
    let asks = send(&mut browser, &list, &["take_back"], &[("what", "take_back")]);
    check("take back", &asks);
    for _ in 0..2 {
        check("take back", &send(&mut browser, &asks, &["value=\"yes\""], &[]));
    }
}

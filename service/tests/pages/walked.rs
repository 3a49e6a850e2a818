//! Pages that `tests/pages/run` walks through with a browser: of a partner without flags, with ten, and with 5,000.

use std::io::{Read, Write};

use stapel::partner::Given;
use stapel::{AddressKey, Case};
use stapel_testkit::DAY;

use super::map::use_register;
use super::monday::{DAM, MEET, read};
use super::sheets::Lines;
use super::{Browser, Office, TOKEN, write_secret};
use crate::desk::Served;

/// Pages of one user, without a provider, so that a browser signs in with the token alone.
fn office() -> Office {
    let allowed = |text: String| text.replacen("[[partner]]\n", "[[partner]]\nsign_in = \"one-user\"\n", 1);
    let served = Served::that_meet_under(MEET, allowed);
    write_secret(&served, "one-user", TOKEN);
    let token = served.path("one-user");
    Office::of(served, |settings| {
        (settings.provider, settings.user, settings.token) = (None, Some("j.jansen".to_owned()), Some(token));
        settings.idle_minutes = Some(120);
    })
}

impl Office {
    fn sign_in(&self) -> Browser {
        let mut browser = self.browser();
        assert_eq!(browser.post("/nl/sign-in", &format!("token={TOKEN}")).status, 303);
        browser
    }

    fn flag_numbers(&self, numbers: std::ops::RangeInclusive<u32>, case: &str) {
        let key = |number: u32| AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap();
        let texts: Vec<_> = numbers.map(|number| (key(number), format!("Damstraat {number}, 1012 JS"))).collect();
        let given = texts.iter().map(|(key, text)| Given::from(key).typed(text));
        let (by, now) = (Case::new("j.jansen", case).unwrap(), self.served.desk.time());
        self.served.desk.lend().flag(given, &by, now).unwrap();
    }
}

/// Ten flags of every kind: hits, hits of a house number, one that is gone, some that no release shows yet, and some
/// that nobody delivered.
fn ten() -> Office {
    let office = office();
    use_register(&office.served);
    office.served.desk.read_sheets_with(Lines);
    office.flag(DAM, "Z-2026-0001");
    office.flag("Molenstraat 12-B, 1012 JT Amsterdam", "Z-2026-0002");
    office.flag("Kerkstraat 1, 1012 JT", "<b>Z-3</b>");
    office.flag("Stationsplein 110 bis, 1012 JW Amsterdam", "Z-2026-0004");
    office.flag("Lange Niezelsteegdwarsstraat 3, 1012 JX Amsterdam-Centrum", "Een zaak met een lang kenmerk 2026/0005");
    let others = [DAM, "Molenstraat 12-C, 1012 JT Amsterdam", "Stationsplein 110 bis, 1012 JW Amsterdam"];
    office.served.carry();
    office.served.others_flag(&others);
    office.exchange();
    office.served.other_withdraws("Stationsplein 110 bis, 1012 JW Amsterdam");
    office.exchange();
    office.flag_numbers(7..=8, "Z-2026-0006");
    office.served.carry();
    office.flag_numbers(9..=11, "Z-2026-0007");
    office
}

fn many() -> Office {
    let office = office();
    office.flag_numbers(1..=5_000, "Z-2026-1000");
    office.served.carry();
    let others: Vec<String> = (1..=300).map(|number| format!("Damstraat {number}, 1012 JS")).collect();
    office.served.others_flag(&others.iter().map(String::as_str).collect::<Vec<_>>());
    // So many new ones go in two days.
    for _ in 0..2 {
        office.exchange();
        office.served.now.fetch_add(DAY, std::sync::atomic::Ordering::SeqCst);
    }
    office.exchange();
    office
}

#[test]
fn pages_for_a_case_worker() {
    let is_walked = std::env::var("STAPEL_CASE_WORKER").is_ok();
    let ten = ten();
    let page = read(&mut ten.sign_in(), "/nl");
    assert!(page.contains("Alle meldingen: 10") && page.contains("Geen treffer meer"), "{page}");
    if !is_walked {
        return;
    }
    let (empty, many) = (office(), many());
    let mut browser = many.sign_in();
    let page = read(&mut browser, "/nl");
    assert!(page.contains("Alle meldingen: 5.000") && page.contains("Nieuw u en ten minste"), "{page}");
    let mut out = std::io::stdout();
    writeln!(out, "\nTOKEN {TOKEN}").unwrap();
    for (name, office) in [("empty", &empty), ("ten", &ten), ("many", &many)] {
        writeln!(out, "SITE {name} {}", office.pages().origin()).unwrap();
    }
    writeln!(out, "READY").unwrap();
    out.flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

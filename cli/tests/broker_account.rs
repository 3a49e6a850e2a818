//! How a year's conversations went, over all partners, as the operator tells it.

use serde_json::json;
use stapel::message::{Part, Request, Year, YearCell};
use stapel::{Broker, Timestamp};
use stapel_testkit::{Client, ROSTER, RULES, START, code, day, noon, policy_text, read, stored_keys, write_policy};

use crate::common::{Desk, text};

/// Has partners report 2026.
fn report(desk: &Desk, reports: &[(u16, &[(u8, u32)])], now: Timestamp) {
    let broker = Broker::open(&desk.path("broker"), stored_keys(&desk.path("keys"))).unwrap();
    broker.accept_clock(now).unwrap();
    for (partner, cells) in reports {
        let cells = cells.iter().map(|(ways, number)| YearCell { ways: *ways, number: *number }).collect();
        let mut client = Client::new(*partner, &broker.policy());
        assert_eq!(code(&client.say(&broker, &Request::Year(Year { year: 2026, cells }), now)), "ok");
    }
}

#[test]
fn a_years_conversations_are_told_over_all_partners_once_all_have_reported() {
    let desk = Desk::new();
    let meet = "[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n";
    write_policy(&desk.path("policy.toml"), &policy_text(&ROSTER, &format!("{RULES}{meet}")));
    let keys = stored_keys(&desk.path("keys"));
    drop(Broker::create(&desk.path("broker"), keys, &desk.path("policy.toml"), START).unwrap());
    let line = "broker account --dir broker --keys keys --year 2026";
    let now = day("2027-01-02").start();
    let each: &[(u8, u32)] = &[(0x01, 12), (0x02, 30), (0x04, 11), (0x08, 10), (0x10, 40)];
    // Partner 2 had few of which the first two could be told apart, and 4 had few of any.
    report(&desk, &[(1, each), (2, &[(0x03, 15), (0x04, 10), (0x08, 10), (0x10, 10)]), (4, &[(0x1f, 0)])], now);
    let told = desk.json(line).remove(0);
    assert_eq!(told["totals"], "wait");
    let partner = |partner: u16, organisation: &str| json!({ "partner": partner, "organisation": organisation });
    let reported = [partner(1, "politie"), partner(2, "belastingdienst"), partner(4, "gemeente")];
    assert_eq!(told["reported"], json!(reported));
    assert_eq!(told["missing"], json!([partner(3, "zaanwonen"), partner(5, "gemeente")]));
    assert!(told.get("cells").is_none() && told.get("partners_with_fewer_than_ten").is_none(), "{told}");
    let dutch = desk.stapel(&format!("{line} --lang nl"));
    assert!(dutch.contains("\nNog niet gemeld: zaanwonen (partner 3); gemeente (partner 5)\n"), "{dutch}");
    assert!(dutch.ends_with("anders na 31 december 2027.\n"), "{dutch}");

    report(&desk, &[(3, each), (5, each)], now);
    let told = desk.json(line).remove(0);
    assert_eq!((&told["totals"], &told["missing"]), (&json!("told"), &json!([])));
    let cells = json!([
        { "ways": ["open", "taken_up_together"], "number": 141 },
        { "ways": ["taken_up_by_one"], "number": 43 },
        { "ways": ["not_taken_up"], "number": 40 },
        { "ways": ["nothing_found"], "number": 130 },
    ]);
    assert_eq!(told["cells"], cells);
    assert_eq!((&told["partners_counted"], &told["partners_with_fewer_than_ten"]), (&json!(4), &json!(1)));
    let dutch = desk.stapel(&format!("{line} --lang nl"));
    for line in ["Nog niet gemeld: niemand", "       141 nog open of samen opgepakt", "        43 door één opgepakt"]
    {
        assert!(dutch.lines().any(|one| one == line), "{dutch}");
    }
    assert!(dutch.contains("tien gesprekken of meer, 4. Niet meegeteld: partners met minder dan tien, 1."), "{dutch}");
    let english = desk.stapel(line);
    assert!(english.lines().any(|one| one == "       141 open or taken up together"), "{english}");
    assert!(english.contains("Not reported yet: nobody\n"), "{english}");

    // Of another year nobody reported, and nobody can.
    let told = desk.json("broker account --dir broker --keys keys --year 2025").remove(0);
    assert_eq!((&told["totals"], told.get("cells")), (&json!("too_few"), None));
    assert!(desk.stapel("broker account --dir broker --keys keys --year 2025").contains("fewer than three organ"));
}

#[test]
fn the_status_says_who_fetched_when() {
    let desk = crate::consortium::consortium_that_meets("answer_days = 4");
    let said = desk.stapel("broker status --dir broker");
    assert!(said.contains("\n  partner 1: nothing fetched yet\n"), "{said}");
    assert!(said.contains("\n  coordinator, partner 5: nothing fetched yet\n"), "{said}");
    let told = desk.json("broker status --dir broker").remove(0);
    let partners = told["after_hit"]["partners"].as_array().unwrap();
    assert_eq!(
        (partners.len(), &partners[4]["coordinates"], &partners[4]["exchanged"]),
        (5, &json!(true), &json!(null))
    );
}

#[test]
fn the_account_of_the_log_has_the_turns_also_where_nobody_was_introduced() {
    let desk = Desk::new();
    let meet = "[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n";
    write_policy(&desk.path("policy.toml"), &policy_text(&ROSTER, &format!("{RULES}{meet}")));
    let keys = stored_keys(&desk.path("keys"));
    let broker = Broker::create(&desk.path("broker"), keys, &desk.path("policy.toml"), START).unwrap();
    for number in 1..=5 {
        let set = Client::new(number, &broker.policy()).full_set(&[], Part { number: 1, of: 1 }, START);
        assert_eq!(code(&read(&broker.handle(&set, START))), "ok");
    }
    for days in [1, 2] {
        broker.release(noon(days)).unwrap();
    }
    drop(broker);
    desk.stapel("broker log --dir broker --keys keys --out log.jsonl --checkpoints checkpoints");
    let account = |more: &str| {
        let line = "audit account --policy policy.toml --log log.jsonl --checkpoints checkpoints --year 2026";
        text(&desk.run(&format!("{line} {more}"), &[], b"").stdout)
    };
    let made: serde_json::Value = serde_json::from_str(&account("--json")).unwrap();
    assert_eq!(made["introduced"], json!({ "turns": 2, "pairs": 0 }));
    let said = account("--lang nl");
    let sentence = "Keren dat bekeken is wie aan elkaar voorgesteld wordt: 2. Voorgestelde paren: 0.";
    assert!(said.lines().any(|line| line == sentence), "{said}");
    let said = account("");
    let sentence = "Turns at which it was looked at who is introduced: 2. Pairs introduced: 0.";
    assert!(said.lines().any(|line| line == sentence), "{said}");
}

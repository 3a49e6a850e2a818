//! Holds the broker's answers to tests/vectors/v1/standings.json, where own flags and sources decide.
//!
//! The rows about numbers alone, up to 300 organisations, are held to the file where standings are made, in
//! src/message/standing.rs.

use serde::Deserialize;
use stapel::Timestamp;
use stapel::message::{FullSet, Group, Part, Question, Reply, Request};
use stapel_testkit as testkit;
use stapel_testkit::{Client, Entry, START, broker, code, day, policy_text, pseudonym, signed};

#[derive(Deserialize)]
struct File {
    standings: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    threshold: u8,
    min_sources: u16,
    count_cap: u8,
    own_flag_required: bool,
    sees: String,
    organisations: u16,
    sources: u16,
    own_flag: bool,
    sweep: bool,
    standing: u8,
}

const ROSTER: [Entry; 10] = {
    const fn entry(number: u16, organisation: &'static str) -> Entry {
        Entry { number, organisation, may: r#""flag", "ask", "sweep""#, sees: "count" }
    }
    [
        entry(1, "org-1"),
        entry(2, "org-2"),
        entry(3, "org-3"),
        entry(4, "org-4"),
        entry(5, "org-5"),
        entry(6, "org-6"),
        entry(7, "org-7"),
        entry(8, "org-8"),
        entry(9, "org-9"),
        entry(10, "org-10"),
    ]
};

/// Has the first organisations flag the pseudonym, the asker among them or not, and the next ones another one.
fn answer(row: &Row) -> u8 {
    let counting = format!(
        "[[override]]\nrule = \"own-flag\"\nreason = \"a test\"\n[[override]]\nrule = \"names-somebody\"\n\
         reason = \"a test\"\n\
         [counting]\nthreshold = {}\nmin_sources = {}\ncount_cap = {}\nown_flag_required = {}\n[budgets]",
        row.threshold, row.min_sources, row.count_cap, row.own_flag_required
    );
    let policy = signed(&policy_text(&ROSTER, &testkit::RULES.replace("[budgets]", &counting)));
    let broker = broker(&policy);
    let (asked, other) = ([pseudonym(1)], [pseudonym(9)]);
    let asker = if row.own_flag { 1 } else { 10 };
    let mut clients: Vec<Client> = ROSTER.iter().map(|entry| Client::new(entry.number, &policy)).collect();
    for client in &mut clients {
        let pseudonyms = if client.number <= row.organisations { &asked } else { &other };
        let group = Group { terms: testkit::until(day("2027-03-31")), pseudonyms };
        let flagged = if client.number <= row.sources { vec![group] } else { vec![] };
        let set = FullSet { shrink: false, part: Part { number: 1, of: 1 }, flagged };
        assert_eq!(code(&client.say(&broker, &Request::FullSet(set), START)), "ok");
    }
    let sweep = row.sweep.then(|| "brand".parse().unwrap());
    let released = Timestamp((START.0 / 86_400 + 1) * 86_400);
    let client = clients.iter_mut().find(|client| client.number == asker).unwrap();
    match client.say(&broker, &Request::Question(Question { sweep, pseudonyms: &asked }), released) {
        Reply::Answer(answer) => answer.standings[0],
        other => panic!("{}", code(&other)),
    }
}

#[test]
fn own_flags_and_sources_come_before_the_number() {
    let file: File = serde_json::from_str(include_str!("vectors/v1/standings.json")).unwrap();
    let rows: Vec<Row> = file.standings.into_iter().filter(|row| row.sources < 10).collect();
    assert!(rows.len() > 30 && rows.iter().all(|row| row.sees == "count" && row.organisations <= row.sources));
    for row in rows {
        let Row { organisations, sources, own_flag, sweep, own_flag_required, .. } = row;
        assert_eq!(
            answer(&row),
            row.standing,
            "{organisations} of {sources}, own flag {own_flag}, sweep {sweep}, own flag required {own_flag_required}"
        );
    }
}

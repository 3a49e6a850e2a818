//! What those who watch over a broker are shown of what comes after a hit: spec/threats.md, L70 and L71.

use super::*;
use crate::broker::AfterHitStatus;

fn shown(town: &Town) -> AfterHitStatus {
    town.broker.status().after_hit.unwrap()
}

/// The faults that stand at a town's moment, of those that are about fetching.
fn faults(town: &Town) -> Vec<(String, String)> {
    let faults = town.broker.status().faults_at(town.now, 9_999);
    let is_about_it = |code: &str| ["not_fetched", "coordinator_absent"].contains(&code);
    faults.into_iter().filter(|fault| is_about_it(&fault.code)).map(|fault| (fault.code, fault.finding)).collect()
}

#[test]
fn how_much_there_is_changes_with_the_month_alone_and_by_whole_tens() {
    let flags: Vec<u8> = (1..=25).collect();
    let mut town = Town::begin(&[("[meet]", "[meet]\nnotes_a_day = 70")]);
    for partner in [1, 2] {
        assert_eq!(town.flag(partner, &flags), "ok");
    }
    let numbers = |town: &Town| {
        let AfterHitStatus { counted_on, put_forward, conversations, notes, .. } = shown(town);
        (counted_on.unwrap().to_string(), put_forward, conversations, notes)
    };
    let before = ("2026-12-01".to_owned(), 0, 0, 0);
    while town.now.day() < "2026-12-28".parse().unwrap() {
        town.turn();
        assert_eq!(numbers(&town), before);
    }
    town.put(1, &flags[..19]);
    town.put(2, &flags[..12]);
    town.turn();
    let entries = town.exchange(1, Exchange::default()).entries;
    let id = entries.iter().filter(|entry| what(entry) == ("introduced", 2)).find_map(conversation).unwrap();
    for number in [1, 5, 9, 13] {
        let notes = (number..number + 4).map(|number| slot(id, 2, number)).collect();
        assert_eq!(town.exchange(1, Exchange { notes, ..Exchange::default() }).sent, [NoteFate::Kept; 4]);
    }
    assert_eq!(numbers(&town), before, "the day on which all of it came");
    for _ in 0..2 {
        town.turn();
        assert_eq!(numbers(&town), before);
    }
    town.turn();
    assert_eq!(numbers(&town), ("2027-01-01".to_owned(), 30, 10, 10), "31 rows, 12 conversations and 16 notes");
    // A broker that is opened anew counts nothing in between.
    town.put(1, &[]);
    town.turn();
    town.reopen();
    assert_eq!(numbers(&town), ("2027-01-01".to_owned(), 30, 10, 10));
}

#[test]
fn the_operator_is_told_of_those_that_do_not_fetch() {
    let mut town = Town::begin(&[]);
    let silent = |town: &Town| {
        let partners = shown(town).partners;
        partners.iter().map(|one| (one.number, one.exchanged.is_some(), one.silent_since)).collect::<Vec<_>>()
    };
    // The policy was adopted on 1 December, a Tuesday, and now it is Wednesday.
    let first = START.day();
    assert_eq!(silent(&town), [1, 2, 3, 4, 5].map(|number| (number, false, first)), "none has come yet");
    let coordinates: Vec<bool> = shown(&town).partners.iter().map(|one| one.coordinates).collect();
    assert_eq!(coordinates, [false, false, false, false, true]);
    for partner in [1, 2, 4, 5] {
        town.exchange(partner, Exchange::default());
    }
    ends::suspend(&mut town, 4);
    let today = town.now.day();
    assert_eq!(silent(&town), [(1, true, today), (2, true, today), (3, false, first), (5, true, today)]);
    let codes = |town: &Town| faults(town).into_iter().map(|fault| fault.0).collect::<Vec<_>>();
    // Thursday, Friday and Monday are over on Tuesday.
    while town.now.day() < first.plus(6) {
        town.turn();
        assert_eq!(codes(&town), NOBODY);
    }
    town.exchange(1, Exchange::default());
    town.turn();
    assert_eq!(codes(&town), ["not_fetched", "coordinator_absent"]);
    let findings = faults(&town);
    assert!(findings[0].1.contains("by partner 3,"), "{findings:?}");
    assert!(findings[1].1.contains("by the coordinator, partner 5,"), "{findings:?}");
    let of = |town: &Town, code: &str| {
        let faults = town.broker.status().faults_at(town.now, 9_999);
        faults.into_iter().find(|fault| fault.code == code).and_then(|fault| fault.since).unwrap()
    };
    assert_eq!(of(&town, "not_fetched"), first.plus(1).start());
    assert_eq!(of(&town, "coordinator_absent"), today.plus(1).start());
    town.exchange(5, Exchange::default());
    town.turn();
    assert!(faults(&town)[0].1.contains("by partner 2, 3,"), "{:?}", faults(&town));
    assert_eq!(codes(&town), ["not_fetched"]);
    town.reopen();
    assert!(faults(&town)[0].1.contains("by partner 2, 3,"), "it is kept");
    for partner in [2, 3] {
        town.exchange(partner, Exchange::default());
    }
    assert_eq!(codes(&town), NOBODY);
    while town.now.day() < first.plus(20) {
        town.turn();
    }
    let findings = faults(&town);
    assert!(findings[0].1.contains("by partner 1, 2, 3,") && findings.len() == 2, "{findings:?}");
}

const NOBODY: [&str; 0] = [];

#[test]
fn nobody_is_waited_for_where_nobody_meets_or_since_before_a_restore() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), key_folder());
    let policy = sample::folder(&sample::text_with_meet());
    let at = |name: &str| folder.path().join(name);
    let open = || BrokerKeys::open(keys.path()).unwrap();
    // Its policy is adopted three days after the epoch opened.
    let founded = START.plus(3 * DAY);
    let broker = Broker::create(&at("broker"), open(), &policy.path().join("policy.toml"), founded).unwrap();
    assert!(broker.status().after_hit.unwrap().partners.iter().all(|one| one.silent_since == founded.day()));
    broker.backup(&at("copy"), founded).unwrap();
    drop(broker);
    let later = founded.plus(DAY);
    let broker = Broker::restore(&at("copy"), &at("restored"), open(), later).unwrap();
    assert!(broker.status().after_hit.unwrap().partners.iter().all(|one| one.silent_since == later.day()));
    let without = sample::folder(&sample::changed_text(&[]));
    let keys = key_folder();
    let keys = BrokerKeys::open(keys.path()).unwrap();
    let broker = Broker::create(&at("without"), keys, &without.path().join("policy.toml"), START).unwrap();
    assert_eq!(broker.status().after_hit, None);
}

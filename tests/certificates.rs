//! Partners' keys, as their organisations certify them: a key that was lost or stolen is replaced, and a partner
//! suspended, without a newer policy.

use stapel::audit::{Event, LogRow};
use stapel::message::{
    self, Delta, FullSet, Group, Header, Kind, Part, Question, Reply, Request, StatusRequest, Terms,
};
use stapel::policy::{Certificate, PartnerKeys, Policy, PolicySignature, SignedPolicy, Statement};
use stapel::secret::SigningKey;
use stapel::{Broker, Day, Timestamp};
use stapel_testkit::{
    Client, DAY, ROSTER, RULES, START, broker, broker_keys, certificate, certificates, code, day, key, partner_keys,
    policy_key, policy_text, pseudonym, read, signed, stored_keys, until, write_policy,
};

const MARCH: &str = "2027-03-31";

fn policy() -> SignedPolicy {
    signed(&policy_text(&ROSTER, RULES))
}

/// Midnight, so many days after the first; the interval's release takes place then.
fn midnight(days: u64) -> Timestamp {
    Timestamp((START.0 / DAY + days) * DAY)
}

fn clients(policy: &SignedPolicy) -> Vec<Client> {
    ROSTER.iter().map(|entry| Client::new(entry.number, policy)).collect()
}

/// All partners, each with its first full set delivered: the first three flag 1.
fn everyone(broker: &Broker, policy: &SignedPolicy) -> Vec<Client> {
    let mut clients = clients(policy);
    for (client, flags) in clients.iter_mut().zip([&[1][..], &[1], &[1], &[2], &[]]) {
        assert_eq!(code(&full_set(client, broker, flags, START)), "ok");
    }
    clients
}

fn full_set(client: &mut Client, broker: &Broker, flags: &[u8], now: Timestamp) -> Reply {
    let rows: Vec<_> = flags.iter().map(|number| pseudonym(*number)).collect();
    let mut flagged = vec![Group { terms: until(day(MARCH)), pseudonyms: &rows }];
    flagged.retain(|group| !group.pseudonyms.is_empty());
    let part = Part { number: 1, of: 1 };
    client.say(broker, &Request::FullSet(FullSet { shrink: true, part, flagged }), now)
}

/// The reply to a full set of what a partner says that it flags from today on, until a day.
fn flag_anew(client: &mut Client, broker: &Broker, flags: &[u8], last: &str, now: Timestamp) -> Reply {
    let rows: Vec<_> = flags.iter().map(|number| pseudonym(*number)).collect();
    let terms = Terms { first_day: now.day(), ..until(day(last)) };
    let flagged = vec![Group { terms, pseudonyms: &rows }];
    client.say(broker, &Request::FullSet(FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged }), now)
}

/// Releases on all these days, so that the broker's clock is never in doubt.
fn pass_days(broker: &Broker, days: std::ops::RangeInclusive<u64>) {
    days.for_each(|at| drop(broker.release(midnight(at)).unwrap()));
}

/// A second epoch, which opens on a day.
fn second_epoch(opens: &str) -> String {
    format!(
        "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = {opens}\ncloses = 2027-12-30\n"
    )
}

fn standing(client: &mut Client, broker: &Broker, asked: u8, now: Timestamp) -> u8 {
    let rows = [pseudonym(asked)];
    match client.say(broker, &Request::Question(Question { sweep: None, pseudonyms: &rows }), now) {
        Reply::Answer(answer) => answer.standings[0],
        other => panic!("{}", code(&other)),
    }
}

/// The code of the reply to a confirm of a client that signs with the key of another number; whether it was signed.
fn confirm_with(client: &mut Client, broker: &Broker, signer: u16, now: Timestamp) -> (&'static str, bool) {
    let header = client.header(Kind::Confirm, now);
    let body = Request::Confirm.encode().unwrap();
    let reply = broker.handle(&message::sign(&header, &body, &key(signer)).unwrap(), now);
    let said = read(&reply);
    if matches!(said, Reply::Receipt(_)) {
        client.accepted = client.highest_state;
    }
    let is_hint = matches!(&said, Reply::Rejection(rejection) if !rejection.log.is_line());
    (code(&said), !is_hint)
}

/// The keys of a partner, with another message key: that of `signer`.
fn rekeyed(partner: u16, signer: u16) -> PartnerKeys {
    PartnerKeys { message: key(signer).verifying_key(), ..partner_keys(partner, 1) }
}

/// A statement on partner 1 from a day on.
fn from(policy: &Policy, serial: u32, keys: Option<PartnerKeys>, first_day: Day) -> Certificate {
    let statement = Statement { partner: 1, epoch: 1, serial, keys, first_day, last_day: day("2027-11-30") };
    Certificate::sign(policy, statement, &policy_key("politie")).unwrap()
}

fn refused(broker: &Broker, certificate: &Certificate, now: Timestamp) -> String {
    let error = broker.keep_certificate(certificate, now).unwrap_err();
    assert_eq!(error.code(), "certificate");
    error.to_string()
}

/// The serials of the log's lines on certificates of a partner, with whether they suspend it.
fn logged(broker: &Broker, of: u16) -> Vec<(u32, bool)> {
    let mut found = Vec::new();
    broker
        .log_rows(|_, row| {
            if let LogRow::Line(line) = row
                && let Event::Certificate { partner, serial, suspends, .. } = line.event
                && partner == of
            {
                found.push((serial, suspends));
            }
            Ok(())
        })
        .unwrap();
    found
}

fn lines(broker: &Broker) -> usize {
    let mut lines = 0;
    broker
        .log_rows(|_, _| {
            lines += 1;
            Ok(())
        })
        .unwrap();
    lines
}

#[test]
fn a_lost_message_key_is_replaced_without_a_newer_policy_and_the_numbers_go_on() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    let newer = certificate(policy.policy(), 1, 1, 2, Some(rekeyed(1, 101)));
    assert!(broker.keep_certificate(&newer, START).unwrap());
    assert!(!broker.keep_certificate(&newer, START).unwrap(), "once more changes nothing");
    assert_eq!(logged(&broker, 1), [(1, false), (2, false)]);
    assert_eq!(
        confirm_with(&mut clients[0], &broker, 101, START),
        ("ok", true),
        "a delta follows what the old key sent"
    );
    assert_eq!(broker.status().epochs[0].partners[0].held, 1);
    assert_eq!(broker.policy().digest(), policy.digest());
}

#[test]
fn a_stolen_message_key_is_worth_nothing_once_another_is_certified() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    assert_eq!(standing(&mut clients[1], &broker, 1, midnight(1)), 2);
    broker.keep_certificate(&certificate(policy.policy(), 1, 1, 2, Some(rekeyed(1, 101))), midnight(1)).unwrap();
    let theft = confirm_with(&mut clients[0], &broker, 1, midnight(1));
    assert_eq!(theft, ("bad_signature", false), "as for any stranger");
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, midnight(1)), ("ok", true));
}

#[test]
fn the_day_before_its_first_the_certificate_before_counts() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    let tomorrow = from(policy.policy(), 2, Some(rekeyed(1, 101)), midnight(1).day());
    broker.keep_certificate(&tomorrow, START).unwrap();
    let last = Timestamp(midnight(1).0 - 1);
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, last).0, "bad_signature");
    assert_eq!(confirm_with(&mut clients[0], &broker, 1, last).0, "ok");
    assert_eq!(confirm_with(&mut clients[0], &broker, 1, midnight(1)).0, "bad_signature");
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, midnight(1)).0, "ok");
}

#[test]
fn a_suspended_partner_stops_at_once_and_its_flags_end_with_the_day() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    let noon = |days| midnight(days).plus(DAY / 2);
    assert_eq!(standing(&mut clients[1], &broker, 1, midnight(1)), 2);
    let asked = clients[0].question(&[pseudonym(1)], midnight(1));
    assert_eq!(code(&clients[0].send(&broker, &asked, midnight(1))), "ok");
    // A flag that was never released ends too.
    let unreleased = clients[0].delta(&[(pseudonym(7), day(MARCH))], &[], noon(1));
    assert_eq!(code(&clients[0].send(&broker, &unreleased, noon(1))), "ok");

    broker.keep_certificate(&from(policy.policy(), 2, None, noon(1).day()), noon(1)).unwrap();
    assert_eq!(logged(&broker, 1), [(1, false), (2, true)]);
    assert_eq!(confirm_with(&mut clients[0], &broker, 1, noon(1)), ("not_certified", true));
    assert_eq!(
        confirm_with(&mut clients[0], &broker, 101, noon(1)),
        ("bad_signature", false),
        "a stranger is told nothing"
    );
    let status = clients[0].message(&Request::Status(StatusRequest::default()), noon(1));
    assert_eq!(code(&read(&broker.handle(&status, noon(1)))), "not_certified");
    for message in [&asked, &unreleased] {
        assert_eq!(code(&read(&broker.handle(message, noon(1)))), "stale", "not even an earlier reply again");
    }
    assert_eq!(standing(&mut clients[1], &broker, 1, noon(1)), 2, "until the turn of the day");
    assert_eq!(standing(&mut clients[1], &broker, 1, midnight(2)), 2, "two are left");
    assert_eq!(standing(&mut clients[2], &broker, 1, midnight(2)), 255);
    let withdrawn = clients[2].delta(&[], &[pseudonym(1)], noon(2));
    assert_eq!(code(&clients[2].send(&broker, &withdrawn, noon(2))), "ok");
    assert_eq!(standing(&mut clients[1], &broker, 1, midnight(3)), 0, "and with one less it is no stack");
    let epoch = &broker.status().epochs[0];
    let police = &epoch.partners[0];
    assert_eq!((police.number, police.held, police.released, police.full_set_seen), (1, 0, 0, false));

    // A later certificate lifts it, and it begins anew. Its numbers go on where they were.
    broker.keep_certificate(&from(policy.policy(), 3, Some(partner_keys(1, 1)), noon(3).day()), noon(3)).unwrap();
    let delta = Request::Delta(Delta { flagged: vec![], withdrawn: &[pseudonym(1)] });
    assert_eq!(code(&clients[0].say(&broker, &delta, noon(3))), "full_set_required");
    assert_eq!(code(&full_set(&mut clients[0], &broker, &[1], noon(3))), "ok");
    broker.accept_clock(midnight(7)).unwrap();
    assert_eq!(standing(&mut clients[0], &broker, 1, midnight(7)), 2);
}

#[test]
fn a_suspension_ends_flags_also_where_it_is_over_before_the_day_turns() {
    let policy = policy();
    let noon = midnight(1).plus(DAY / 2);
    let suspend = |broker: &Broker, last_day| {
        let statement = Statement { partner: 1, epoch: 1, serial: 2, keys: None, first_day: noon.day(), last_day };
        let suspension = Certificate::sign(policy.policy(), statement, &policy_key("politie")).unwrap();
        broker.keep_certificate(&suspension, noon).unwrap();
    };
    let later = from(policy.policy(), 3, Some(partner_keys(1, 1)), noon.day());
    for (is_certified, comes_back) in [(false, false), (true, false), (true, true)] {
        let broker = broker(&policy);
        let mut clients = everyone(&broker, &policy);
        assert_eq!(standing(&mut clients[1], &broker, 1, midnight(1)), 2);
        suspend(&broker, noon.day());
        if is_certified {
            broker.keep_certificate(&later, noon).unwrap();
            let delta = Request::Delta(Delta { flagged: vec![], withdrawn: &[pseudonym(1)] });
            assert_eq!(code(&clients[0].say(&broker, &delta, noon)), "full_set_required");
        }
        if comes_back {
            assert_eq!(code(&full_set(&mut clients[0], &broker, &[1, 5], noon)), "ok");
        }
        assert_eq!(standing(&mut clients[1], &broker, 1, midnight(2)), 2);
        let police = broker.status().epochs[0].partners[0].clone();
        let expected = if comes_back { (2, 1, true) } else { (0, 0, false) };
        assert_eq!((police.held, police.released, police.full_set_seen), expected);
    }
}

#[test]
fn flags_that_a_suspension_ended_are_remembered_with_their_first_days() {
    const MAX_DAYS: &str = "[retention]\nmax_days = 62\nmax_renewals = 0\n[budgets]";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = policy_text(&ROSTER, &RULES.replace("[budgets]", MAX_DAYS));
    write_policy(&at("1.toml"), &text);
    let policy = signed(&text);
    let reopen = || Broker::open(&at("broker"), stored_keys(&at("keys"))).unwrap();
    let broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    let mut police = Client::new(1, &policy);
    // More than a few, so that the store keeps what comes after them apart.
    let flags: Vec<u8> = [1].into_iter().chain(10..20).collect();
    assert_eq!(code(&flag_anew(&mut police, &broker, &flags, "2027-01-31", START)), "ok");
    pass_days(&broker, 1..=57);
    // On 27 January, and never released.
    let noon = midnight(57).plus(DAY / 2);
    let other = police.delta(&[(pseudonym(2), day("2027-02-28"))], &[], noon);
    assert_eq!(code(&police.send(&broker, &other, noon)), "ok");
    broker.keep_certificate(&from(policy.policy(), 2, None, noon.day()), noon).unwrap();
    let status = |broker: &Broker| broker.status().epochs[0].partners[0].clone();
    drop(broker);
    let mut broker = reopen();
    assert_eq!((status(&broker).held, status(&broker).released), (0, 11), "shown until the turn of the day");
    broker.keep_certificate(&from(policy.policy(), 3, Some(partner_keys(1, 1)), noon.day()), noon).unwrap();
    pass_days(&broker, 58..=58);
    // There is a full release on the 63rd day, and what ended on the 56th is known through the 86th.
    for (days, reopened) in [(58, false), (58, true), (63, false), (63, true), (86, true)] {
        if reopened {
            drop(broker);
            broker = reopen();
        }
        if status(&broker).heard.is_none() {
            assert_eq!((status(&broker).held, status(&broker).released, status(&broker).full_set_seen), (0, 0, false));
        }
        pass_days(&broker, broker.status().epochs[0].as_of.0 / DAY - START.0 / DAY + 1..=days);
        for flag in [1, 2] {
            let again = flag_anew(&mut police, &broker, &[flag], "2027-03-31", midnight(days));
            assert_eq!(code(&again), "too_many_renewals", "{flag} after {days} days");
        }
    }
    pass_days(&broker, 87..=87);
    assert_eq!(code(&flag_anew(&mut police, &broker, &[1, 2], "2027-03-31", midnight(87))), "ok", "a new observation");
}

/// What a suspension ended is not taken for released once more where a delta that came before it is released after it.
#[test]
fn flags_that_a_suspension_ended_stay_ended_whatever_last_days_a_delta_gave_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    let reopen = || Broker::open(&at("broker"), stored_keys(&at("keys"))).unwrap();
    let mut broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    let mut police = Client::new(1, &broker.policy());
    // So many that the store keeps a delta on one of them apart.
    let flags: Vec<u8> = (0..40).collect();
    assert_eq!(code(&flag_anew(&mut police, &broker, &flags, "2027-01-31", START)), "ok");
    pass_days(&broker, 1..=8);
    let status = |broker: &Broker| broker.status().epochs[0].partners[0].clone();
    let noon = midnight(8).plus(DAY / 2);
    let longer = police.delta(&[(pseudonym(1), day("2027-02-28"))], &[], noon);
    assert_eq!(code(&police.send(&broker, &longer, noon)), "ok");
    assert_eq!((status(&broker).held, status(&broker).released), (40, 40));
    let suspension = from(broker.policy().policy(), 2, None, noon.day());
    broker.keep_certificate(&suspension, noon).unwrap();
    // There is a full release on the 14th day.
    for days in [9..=9, 10..=14] {
        pass_days(&broker, days.clone());
        drop(broker);
        broker = reopen();
        assert_eq!((status(&broker).held, status(&broker).released), (0, 0), "{days:?}");
    }
}

#[test]
fn a_suspension_whose_days_all_pass_while_the_broker_is_down_ends_flags_too() {
    let policy = policy();
    for later in [None, Some(from(policy.policy(), 3, Some(partner_keys(1, 1)), midnight(4).day()))] {
        let broker = broker(&policy);
        everyone(&broker, &policy);
        let (first_day, last_day) = (midnight(3).day(), midnight(3).day());
        let statement = Statement { partner: 1, epoch: 1, serial: 2, keys: None, first_day, last_day };
        let suspension = Certificate::sign(policy.policy(), statement, &policy_key("politie")).unwrap();
        broker.keep_certificate(&suspension, START).unwrap();
        later.iter().for_each(|later| assert!(broker.keep_certificate(later, START).unwrap()));
        pass_days(&broker, 1..=2);
        assert_eq!(broker.status().epochs[0].partners[0].held, 1);
        broker.accept_clock(midnight(6)).unwrap();
        let police = &broker.status().epochs[0].partners[0];
        assert_eq!((police.held, police.released, police.full_set_seen), (0, 0, false));
    }
}

/// A certificate that is kept in time calls a suspension off before it begins.
#[test]
fn a_suspension_that_never_counted_ends_nothing() {
    let policy = policy();
    let broker = broker(&policy);
    everyone(&broker, &policy);
    broker.keep_certificate(&from(policy.policy(), 2, None, midnight(3).day()), START).unwrap();
    let instead = from(policy.policy(), 3, Some(partner_keys(1, 1)), midnight(2).day());
    broker.keep_certificate(&instead, START).unwrap();
    pass_days(&broker, 1..=4);
    assert_eq!(broker.status().epochs[0].partners[0].held, 1);
}

#[test]
fn in_doubt_the_highest_serial_counts_whatever_its_first_day() {
    let policy = policy();
    // The broker was down for three weeks. Its clock is right, and nobody has said so yet.
    let now = midnight(23).plus(DAY / 2);
    let withdrawal = |client: &mut Client| client.delta(&[], &[pseudonym(1)], now);
    for keys in [None, Some(rekeyed(1, 101))] {
        let broker = broker(&policy);
        let mut clients = everyone(&broker, &policy);
        pass_days(&broker, 1..=2);
        let accepted = clients[0].accepted;
        let stolen = withdrawal(&mut clients[0]);
        clients[0].accepted = accepted;
        broker.keep_certificate(&from(policy.policy(), 2, keys, now.day()), now).unwrap();
        // Whether the suspension has begun is in doubt too.
        let expected = if keys.is_none() { "unavailable" } else { "bad_signature" };
        assert_eq!(code(&read(&broker.handle(&stolen, now))), expected);
        assert_eq!(broker.status().epochs[0].partners[0].held, 1, "the thief withdrew nothing");
        if keys.is_some() {
            assert_eq!(confirm_with(&mut clients[0], &broker, 101, now).0, "unavailable", "in doubt, and known");
        }
        // One that is meant for a later day counts once the clock is not in doubt, and that day has come.
        broker.keep_certificate(&from(policy.policy(), 3, Some(rekeyed(1, 102)), midnight(25).day()), now).unwrap();
        assert_eq!(confirm_with(&mut clients[0], &broker, 102, now).0, "unavailable");
        broker.accept_clock(now).unwrap();
        assert_eq!(confirm_with(&mut clients[0], &broker, 102, now).0, "bad_signature");
        assert_eq!(broker.status().epochs[0].partners[0].held, u32::from(keys.is_some()));
        if keys.is_some() {
            assert_eq!(confirm_with(&mut clients[0], &broker, 101, now).0, "ok");
        }
    }
}

/// In doubt nobody knows whether a suspension of a later day has begun: neither a number nor a line is used for that.
#[test]
fn in_doubt_a_partner_that_is_suspended_later_is_put_off_and_told_no_wrong_thing() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    broker.keep_certificate(&from(policy.policy(), 2, None, midnight(30).day()), START).unwrap();
    pass_days(&broker, 1..=2);
    let now = midnight(20).plus(DAY / 2);
    let accepted = clients[0].accepted;
    let withdrawal = clients[0].delta(&[], &[pseudonym(1)], now);
    clients[0].accepted = accepted;
    let asks = clients[0].message(&Request::Status(StatusRequest::default()), now);
    let before = lines(&broker);
    for message in [&withdrawal, &asks] {
        let Reply::Rejection(rejection) = read(&broker.handle(message, now)) else { panic!("accepted") };
        assert_eq!((rejection.code.as_str(), rejection.log.is_line()), ("unavailable", false));
    }
    assert_eq!(lines(&broker), before);
    broker.accept_clock(now).unwrap();
    assert_eq!(code(&clients[0].send(&broker, &withdrawal, now)), "ok", "its number was not used up");
    assert_eq!(code(&read(&broker.handle(&withdrawal, now))), "ok");
    broker.accept_clock(midnight(30)).unwrap();
    assert_eq!(code(&read(&broker.handle(&withdrawal, midnight(30)))), "stale", "it has begun");
}

#[test]
fn first_set_flags_are_had_once_whatever_is_suspended_and_whichever_epoch_comes_first() {
    const BUDGETS: &str = "[budgets]\nnew_flags_a_day = 1\nfirst_set_flags = 45";
    let rules = |opens| format!("{}{}", RULES.replace("[budgets]", BUDGETS), second_epoch(opens));
    let flags: Vec<u8> = (0..45).collect();
    let newer = |client: &mut Client, policy: &SignedPolicy| {
        (client.epoch, client.key_id) = (2, policy.policy().epochs[1].key_id);
    };
    for suspended in [false, true] {
        let policy = signed(&policy_text(&ROSTER, &rules("2026-12-10")));
        let broker = broker(&policy);
        let mut police = Client::new(1, &policy);
        assert_eq!(code(&full_set(&mut police, &broker, &[1], START)), "ok");
        pass_days(&broker, 1..=8);
        if suspended {
            let at = midnight(8).plus(60);
            broker.keep_certificate(&from(policy.policy(), 2, None, at.day()), at).unwrap();
            broker.keep_certificate(&from(policy.policy(), 3, Some(partner_keys(1, 1)), at.day()), at).unwrap();
            let Reply::Status(status) = police.say(&broker, &Request::Status(StatusRequest::default()), at) else {
                panic!("no status")
            };
            assert_eq!((status.full_set_required, status.held, status.first_sets_left), (true, 0, 0));
        }
        pass_days(&broker, 9..=10);
        newer(&mut police, &policy);
        assert_eq!(code(&full_set(&mut police, &broker, &flags, midnight(10))), "over_budget", "{suspended}");
    }
    let policy = signed(&policy_text(&ROSTER, &rules("2026-12-01")));
    let broker = broker(&policy);
    let mut police = Client::new(1, &policy);
    let older = (police.epoch, police.key_id);
    newer(&mut police, &policy);
    assert_eq!(code(&full_set(&mut police, &broker, &flags, START)), "ok");
    (police.epoch, police.key_id) = older;
    assert_eq!(code(&full_set(&mut police, &broker, &flags, START)), "over_budget");
}

#[test]
fn what_a_partner_asked_of_the_epochs_budget_stays_spent_over_a_suspension() {
    let policy =
        signed(&policy_text(&ROSTER, &RULES.replace("[budgets]", "[budgets]\nasked_a_day = 5\nasked_an_epoch = 5")));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    let left = |client: &mut Client, now| match client.say(&broker, &Request::Status(StatusRequest::default()), now) {
        Reply::Status(status) => status.asked_left_epoch,
        other => panic!("{}", code(&other)),
    };
    assert_eq!(standing(&mut clients[0], &broker, 9, midnight(1)), 1);
    assert_eq!(left(&mut clients[0], midnight(1)), 4);
    broker.keep_certificate(&from(policy.policy(), 2, None, midnight(1).day()), midnight(1)).unwrap();
    broker.release(midnight(2)).unwrap();
    broker
        .keep_certificate(&from(policy.policy(), 3, Some(partner_keys(1, 1)), midnight(2).day()), midnight(2))
        .unwrap();
    assert_eq!(left(&mut clients[0], midnight(2)), 4);
}

#[test]
fn what_does_not_hold_is_refused_and_changes_nothing() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    let own = |serial, keys| certificate(policy.policy(), 1, 1, serial, Some(keys));
    broker.keep_certificate(&own(5, rekeyed(1, 101)), START).unwrap();
    assert!(refused(&broker, &own(4, rekeyed(1, 102)), START).contains("not above 5"));
    assert!(refused(&broker, &own(5, rekeyed(1, 102)), START).contains("not above 5"));
    assert!(refused(&broker, &own(6, partner_keys(2, 1)), START).contains("another seal key"));
    // The housing association says what the keys of the police are.
    let text = policy_text(&ROSTER, RULES);
    let (police, housing) = (policy_key("politie").verifying_key(), policy_key("zaanwonen").verifying_key());
    let swapped = text.replace(&police.to_string(), "x").replace(&housing.to_string(), &police.to_string());
    let swapped = Policy::parse(&swapped.replace("\"x\"", &format!("\"{housing}\""))).unwrap();
    let statement = own(6, rekeyed(1, 103)).claimed().clone();
    let foreign = Certificate::sign(&swapped, statement, &policy_key("zaanwonen")).unwrap();
    assert!(refused(&broker, &foreign, START).contains("'politie'"));
    assert_eq!(logged(&broker, 1), [(1, false), (5, false)]);
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, START).0, "ok");
}

#[test]
fn a_certificate_that_has_ended_before_its_epoch_says_so() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy);
    let last_day = midnight(1).day();
    let statement = Statement { last_day, ..from(policy.policy(), 2, Some(rekeyed(1, 1)), Day(0)).claimed().clone() };
    broker
        .keep_certificate(&Certificate::sign(policy.policy(), statement, &policy_key("politie")).unwrap(), START)
        .unwrap();
    assert_eq!(confirm_with(&mut clients[0], &broker, 1, Timestamp(midnight(2).0 - 1)), ("ok", true));
    assert_eq!(confirm_with(&mut clients[0], &broker, 1, midnight(2)), ("not_certified", true));
}

/// Two epochs that are open at once: each has certificates of its own.
#[test]
fn each_epoch_has_its_own_certificates() {
    let second = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2026-12-01\n\
                  closes = 2027-12-30\n";
    let policy = signed(&policy_text(&ROSTER, &format!("{RULES}{second}")));
    let broker = broker(&policy);
    let mut police = Client::new(1, &policy);
    assert_eq!(code(&full_set(&mut police, &broker, &[1], START)), "ok");
    let keys = PartnerKeys { message: key(101).verifying_key(), ..partner_keys(1, 2) };
    broker.keep_certificate(&certificate(policy.policy(), 1, 2, 2, Some(keys)), START).unwrap();
    assert_eq!(confirm_with(&mut police, &broker, 1, START).0, "ok");
    (police.epoch, police.key_id) = (2, policy.policy().epochs[1].key_id);
    assert_eq!(confirm_with(&mut police, &broker, 1, START).0, "bad_signature");
    assert_eq!(confirm_with(&mut police, &broker, 101, START), ("full_set_required", true));
    // In an epoch that is none it is known by its newest key, and told so; a stranger is told nothing.
    police.epoch = 9;
    assert_eq!(confirm_with(&mut police, &broker, 101, START).0, "wrong_epoch");
    assert_eq!(confirm_with(&mut police, &broker, 66, START), ("bad_signature", false));
}

/// A key that was replaced in the epoch that is open is the newest one still in an epoch to come, for which it was
/// certified before: whoever stole it must not use up its partner's numbers through that one, or through one that is
/// none.
#[test]
fn a_replaced_key_uses_up_no_number_in_an_epoch_that_is_not_open() {
    let second = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2027-06-01\n\
                  closes = 2027-12-30\n";
    let policy = signed(&policy_text(&ROSTER, &format!("{RULES}{second}")));
    let broker = broker(&policy);
    let mut police = Client::new(1, &policy);
    assert_eq!(code(&full_set(&mut police, &broker, &[1], START)), "ok");
    broker.keep_certificate(&certificate(policy.policy(), 1, 1, 2, Some(rekeyed(1, 101))), START).unwrap();
    let before = lines(&broker);
    let mut thief = police.clone();
    for (epoch, leap) in [(2, 1), (9, 2)] {
        thief.epoch = epoch;
        for kind in [Kind::Confirm, Kind::Question, Kind::Status] {
            let header = Header { sequence: leap << 32, ..thief.header(kind, START) };
            let reply = read(&broker.handle(&message::sign(&header, &[], &key(1)).unwrap(), START));
            let Reply::Rejection(rejection) = reply else { panic!("{}", code(&reply)) };
            assert_eq!(rejection.code.as_str(), "wrong_epoch");
        }
    }
    assert_eq!(lines(&broker), before, "such messages are counted by the hour, and have no line");
    assert_eq!(confirm_with(&mut police, &broker, 101, START), ("ok", true));
    // Once that epoch is open, the key that is certified in it is as good as any: docs/keys.md says to replace both.
    thief.epoch = 2;
    let later = Timestamp((day("2027-06-01").0 as u64) * DAY);
    assert_ne!(confirm_with(&mut thief, &broker, 1, later).0, "wrong_epoch");
}

/// A policy with another policy key for the police ends what the old key certified, and takes up what lies beside it.
#[test]
fn a_rekeyed_organisation_certifies_its_partners_anew() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("new")).unwrap();
    let first = policy();
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    let broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    let mut clients = everyone(&broker, &first);
    // The thief of the policy key has the partner's number, and tries to leave no higher serial.
    let thiefs = |serial| certificate(first.policy(), 1, 1, serial, Some(rekeyed(1, 66)));
    assert_eq!(broker.keep_certificate(&thiefs(u32::MAX), START).unwrap_err().code(), "certificate");
    broker.keep_certificate(&thiefs(1_001), START).unwrap();
    assert_eq!(confirm_with(&mut clients[0], &broker, 66, START).0, "ok");

    let (old, new) = (policy_key("politie"), policy_key("politie-2"));
    let version = format!("version = 2\nprevious = \"{}\"", first.digest());
    let text = policy_text(&ROSTER, &RULES.replace("version = 1", &version))
        .replace(&old.verifying_key().to_string(), &new.verifying_key().to_string());
    let second = Policy::parse(&text).unwrap();
    std::fs::write(at("new/2.toml"), &text).unwrap();
    let sign = |key: &SigningKey| PolicySignature::sign_under(&second, &second, key);
    let mut signatures: Vec<_> =
        ["belastingdienst", "zaanwonen", "gemeente"].map(|slug| sign(&policy_key(slug)).unwrap()).into();
    signatures.push(sign(&new).unwrap());
    signatures.push(PolicySignature::sign_under(&second, first.policy(), &old).unwrap());
    for (number, signature) in signatures.iter().enumerate() {
        std::fs::write(at(&format!("new/2.toml.{number}.sig")), signature.to_text()).unwrap();
    }
    let keys = Some(PartnerKeys { seal: partner_keys(77, 1).seal, ..rekeyed(1, 101) });
    let statement = Statement { serial: 1, keys, ..certificates(first.policy())[0].claimed().clone() };
    let anew = Certificate::sign(&second, statement, &new).unwrap();
    std::fs::write(at("new/1.1.1.cert"), anew.to_text()).unwrap();
    // What the old key certified counts for nothing, beside the policy too.
    let stale = certificate(first.policy(), 1, 1, 9, Some(rekeyed(1, 66)));
    std::fs::write(at("new/1.1.9.cert"), stale.to_text()).unwrap();
    broker.adopt_policy(&at("new/2.toml"), midnight(1)).unwrap();
    let of_police = |broker: &Broker| -> Vec<u32> {
        let status = broker.status();
        status.certificates.iter().filter(|one| one.partner == 1).map(|one| one.serial).collect()
    };
    assert_eq!(of_police(&broker), [1]);
    drop(broker);
    let broker = Broker::open(&at("broker"), stored_keys(&at("keys"))).unwrap();
    assert_eq!(of_police(&broker), [1]);
    clients[0].policy = second.digest();
    for stolen in [1, 66] {
        assert_eq!(confirm_with(&mut clients[0], &broker, stolen, midnight(1)).0, "bad_signature");
    }
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, midnight(1)), ("ok", true));
}

#[test]
fn certificates_outlive_the_broker_and_one_that_left_takes_its_along() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let first = policy();
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    let broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    let mut clients = everyone(&broker, &first);
    broker.keep_certificate(&certificate(first.policy(), 1, 1, 2, Some(rekeyed(1, 101))), START).unwrap();
    drop(broker);
    let broker = Broker::open(&at("broker"), stored_keys(&at("keys"))).unwrap();
    assert_eq!(confirm_with(&mut clients[0], &broker, 1, START).0, "bad_signature");
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, START).0, "ok");
    let version = format!("version = 2\nprevious = \"{}\"", first.digest());
    write_policy(&at("2.toml"), &policy_text(&ROSTER[..4], &RULES.replace("version = 1", &version)));
    broker.adopt_policy(&at("2.toml"), midnight(1)).unwrap();
    drop(broker);
    let broker = Broker::open(&at("broker"), stored_keys(&at("keys"))).unwrap();
    let kept: Vec<_> = broker.status().certificates.iter().map(|one| (one.partner, one.serial)).collect();
    assert_eq!(kept, [(1, 1), (1, 2), (2, 1), (3, 1), (4, 1)]);
    clients[0].policy = broker.policy().digest();
    assert_eq!(confirm_with(&mut clients[0], &broker, 101, midnight(1)).0, "ok");
}

/// A file that somebody put beside the policy, and that is none, stops the making of a broker rather than being lost.
#[test]
fn a_file_that_is_no_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    std::fs::write(at("9.1.1.cert"), "torn").unwrap();
    let error = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap_err();
    assert!(error.code() == "certificate" && error.to_string().contains("9.1.1.cert"), "{error}");
}

#[test]
fn a_partner_without_a_certificate_in_an_open_epoch_is_told_so() {
    let second = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2026-12-01\n\
                  closes = 2027-12-30\n";
    let policy = signed(&policy_text(&ROSTER, &format!("{RULES}{second}")));
    let mut given = certificates(policy.policy());
    given.retain(|certificate| certificate.claimed().epoch == 1 && certificate.claimed().partner != 2);
    let broker = Broker::in_memory(broker_keys(), policy.clone(), &given, START).unwrap();
    let (mut police, mut tax) = (Client::new(1, &policy), Client::new(2, &policy));
    (police.epoch, police.key_id) = (2, policy.policy().epochs[1].key_id);
    assert_eq!(confirm_with(&mut police, &broker, 1, START), ("not_certified", true));
    assert_eq!(confirm_with(&mut tax, &broker, 2, START), ("bad_signature", false), "it has none at all");
}

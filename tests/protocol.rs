//! What a partner meets at the broker, message by message: every rejection, resends, budgets, releases, policies.

use std::collections::BTreeSet;
use std::thread;

use stapel::audit::{Event, Line, LogRow};
use stapel::message::{
    self, Code, Delta, FullSet, Group, Header, Kind, MAX_MESSAGE, Part, Question, Receipt, RenewalReason, Reply,
    Request, Role, StatusReply, StatusRequest, Terms, Unverified,
};
use stapel::policy::{Policy, SignedPolicy};
use stapel::secret::KeyId;
use stapel::{Broker, Clock, Pseudonym, Timestamp};
use stapel_testkit::{
    Client, DAY, Entry, ROSTER, RULES, START, broker, broker_keys, checkpoint_key, code, day, key, numbered,
    policy_text, pseudonym, read, signed, stored_keys, until, write_policy,
};

const HOUR: u64 = 3600;
const NAMES: &str = "[[override]]\nrule = \"names-somebody\"\nreason = \"a test\"\n";
const MARCH: &str = "2027-03-31";

fn policy() -> SignedPolicy {
    signed(&policy_text(&ROSTER, RULES))
}

/// The five partners of the roster, each with its first full set delivered.
fn everyone(broker: &Broker, policy: &SignedPolicy, flags: &[&[u8]; 5], now: Timestamp) -> Vec<Client> {
    let mut clients: Vec<Client> = ROSTER.iter().map(|entry| Client::new(entry.number, policy)).collect();
    for (client, flags) in clients.iter_mut().zip(flags) {
        assert_eq!(code(&full_set(client, broker, flags, now)), "ok");
    }
    clients
}

fn full_set(client: &mut Client, broker: &Broker, flags: &[u8], now: Timestamp) -> Reply {
    set(client, broker, flags, true, now)
}

fn set(client: &mut Client, broker: &Broker, flags: &[u8], shrink: bool, now: Timestamp) -> Reply {
    let rows: Vec<_> = flags.iter().map(|number| pseudonym(*number)).collect();
    let flagged = groups(&rows, MARCH);
    let part = Part { number: 1, of: 1 };
    client.say(broker, &Request::FullSet(FullSet { shrink, part, flagged }), now)
}

fn groups<'a>(rows: &'a [Pseudonym], last: &str) -> Vec<Group<'a>> {
    if rows.is_empty() { vec![] } else { vec![Group { terms: until(day(last)), pseudonyms: rows }] }
}

fn flag(client: &mut Client, broker: &Broker, flags: &[u8], now: Timestamp) -> Reply {
    flag_until(client, broker, flags, MARCH, now)
}

fn flag_until(client: &mut Client, broker: &Broker, flags: &[u8], last: &str, now: Timestamp) -> Reply {
    flag_on(client, broker, flags, until(day(last)), now)
}

fn flag_on(client: &mut Client, broker: &Broker, flags: &[u8], terms: Terms, now: Timestamp) -> Reply {
    let pseudonyms: Vec<_> = flags.iter().map(|number| pseudonym(*number)).collect();
    let flagged = vec![Group { terms, pseudonyms: &pseudonyms }];
    client.say(broker, &Request::Delta(Delta { flagged, withdrawn: &[] }), now)
}

/// The terms of flags that were renewed because of `reason`.
fn renewed(last: &str, reason: RenewalReason) -> Terms {
    Terms { renewal: Some(reason), ..until(day(last)) }
}

fn withdraw(client: &mut Client, broker: &Broker, flags: &[u8], now: Timestamp) -> Reply {
    let rows: Vec<_> = flags.iter().map(|number| pseudonym(*number)).collect();
    client.say(broker, &Request::Delta(Delta { flagged: vec![], withdrawn: &rows }), now)
}

fn ask(client: &mut Client, broker: &Broker, asked: &[u8], now: Timestamp) -> Reply {
    let rows: Vec<_> = asked.iter().map(|number| pseudonym(*number)).collect();
    client.say(broker, &Request::Question(Question { sweep: None, pseudonyms: &rows }), now)
}

fn sweep(client: &mut Client, broker: &Broker, reason: &str, asked: &[u8], now: Timestamp) -> Reply {
    let rows: Vec<_> = asked.iter().map(|number| pseudonym(*number)).collect();
    let sweep = Some(reason.parse().unwrap());
    client.say(broker, &Request::Question(Question { sweep, pseudonyms: &rows }), now)
}

fn standings(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Answer(answer) => answer.standings,
        other => panic!("{}", code(&other)),
    }
}

fn held(client: &mut Client, broker: &Broker, now: Timestamp) -> u32 {
    match client.say(broker, &Request::Status(StatusRequest::default()), now) {
        Reply::Status(status) => status.held,
        other => panic!("{}", code(&other)),
    }
}

/// The numbers of the lines that the broker proves to a client that asks for the first twenty.
fn proven(client: &mut Client, broker: &Broker, now: Timestamp) -> Vec<u64> {
    match client.say(
        broker,
        &Request::Status(StatusRequest { lines: (0..20).collect(), ..StatusRequest::default() }),
        now,
    ) {
        Reply::Status(status) => status.lines.iter().map(|line| line.index).collect(),
        other => panic!("{}", code(&other)),
    }
}

fn receipt(reply: Reply) -> Receipt {
    match reply {
        Reply::Receipt(receipt) => receipt,
        other => panic!("{}", code(&other)),
    }
}

fn rejected(reply: Reply) -> (Code, u64) {
    match reply {
        Reply::Rejection(rejection) => {
            assert!(rejection.sentence.len() > 20, "a sentence that says what to do: {}", rejection.sentence);
            (rejection.code, rejection.number)
        }
        _ => panic!("it was accepted"),
    }
}

/// Next day's midnight, at which the interval's release takes place.
fn midnight(days: u64) -> Timestamp {
    Timestamp((START.0 / DAY + days) * DAY)
}

#[test]
fn the_broker_proves_the_lines_of_the_one_who_asks() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1, 3], &[1], &[1, 4], &[1, 4]], START);
    let mut lines = vec![Vec::new(); clients.len()];
    broker
        .log_rows(|index, row| {
            if let LogRow::Line(Line { event: Event::Message { partner, .. }, .. }) = row {
                lines[clients.iter().position(|client| client.number == *partner).unwrap()].push(index);
            }
            Ok(())
        })
        .unwrap();
    for client in &mut clients {
        assert!(proven(client, &broker, START).is_empty(), "there is no checkpoint of them yet");
    }
    for (client, lines) in clients.iter_mut().zip(lines) {
        assert_eq!(lines.len(), 1);
        assert_eq!(proven(client, &broker, midnight(1))[0], lines[0]);
    }
    let all: Vec<_> = clients.iter_mut().map(|client| proven(client, &broker, midnight(2))).collect();
    let different: BTreeSet<_> = all.iter().flatten().collect();
    assert_eq!(different.len(), all.iter().map(Vec::len).sum::<usize>(), "nobody is shown the line of another");
}

#[test]
fn a_stack_is_told_to_those_who_flag_it_and_as_the_roster_says() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1, 3], &[1], &[1, 4], &[1, 4]], START);
    let now = midnight(1);
    // Politie sees a count, which is capped at one less than all four; the tax office a band; the housing association
    // that there is one.
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2, 3, 9], now)), [3, 0, 1, 1]);
    assert_eq!(standings(ask(&mut clients[1], &broker, &[1, 2, 3, 9], now)), [2, 1, 0, 1]);
    assert_eq!(standings(ask(&mut clients[2], &broker, &[1, 2, 3, 9], now)), [255, 1, 1, 1]);
    // Two systems of one organisation are one organisation.
    assert_eq!(standings(ask(&mut clients[4], &broker, &[1, 4], now)), [3, 0]);
}

#[test]
fn nothing_shows_before_the_release_and_all_of_it_after() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 3], &[1], &[1], &[], &[]], START);
    assert_eq!(rejected(ask(&mut clients[0], &broker, &[1], START.plus(60))), (Code::NotYetAnswering, 0));
    let Reply::Answer(after) = ask(&mut clients[0], &broker, &[1], midnight(1)) else { panic!() };
    assert_eq!((after.release, after.as_of, after.organisations, after.fresh), (START.0 + 1, midnight(1), 4, 4));
    assert_eq!(after.standings, [3]);
    // What is withdrawn goes at the turn of the day, whoever else changed; a new flag of one organisation alone waits.
    assert_eq!(code(&withdraw(&mut clients[0], &broker, &[1], midnight(1).plus(5))), "ok");
    assert_eq!(code(&flag(&mut clients[1], &broker, &[2], midnight(1).plus(5))), "ok");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1).plus(6))), [3]);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(2))), [1]);
    assert_eq!(standings(ask(&mut clients[1], &broker, &[1, 2], midnight(2))), [2, 1]);
    for days in 3..7 {
        broker.release(midnight(days)).unwrap();
    }
    assert_eq!(standings(ask(&mut clients[1], &broker, &[1, 2], Timestamp(midnight(7).0 - 1))), [2, 1]);
    // Every max_wait_days after the epoch opened it is released alone.
    assert_eq!(standings(ask(&mut clients[1], &broker, &[1, 2], midnight(7))), [2, 0]);
}

#[test]
fn what_is_accepted_after_a_moment_waits_for_the_next_even_if_nobody_looked() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[1], &[], &[]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1))), [3]);
    assert_eq!(code(&flag(&mut clients[0], &broker, &[2], midnight(1).plus(HOUR))), "ok");
    assert_eq!(code(&flag(&mut clients[2], &broker, &[2], midnight(1).plus(HOUR))), "ok");
    assert_eq!(code(&flag(&mut clients[1], &broker, &[3], midnight(2).plus(HOUR))), "ok");
    // At the second midnight two organisations had new flags; the third's came an hour later.
    assert_eq!(standings(ask(&mut clients[0], &broker, &[2], midnight(2).plus(2 * HOUR))), [1]);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[2], midnight(3))), [2]);
}

#[test]
fn a_withdrawal_counts_at_the_turn_of_the_day_and_what_is_flagged_again_after_it_is_new() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1, 2], &[1, 2], &[], &[]], START);
    broker.release(midnight(1)).unwrap();
    // Withdrawn and flagged again on one day, it goes on showing; so does one that gets a later last day.
    assert_eq!(code(&withdraw(&mut clients[1], &broker, &[1, 2], midnight(1))), "ok");
    assert_eq!(code(&flag(&mut clients[1], &broker, &[1], midnight(1).plus(HOUR))), "ok");
    assert_eq!(code(&flag_until(&mut clients[2], &broker, &[1], "2027-04-30", midnight(1).plus(HOUR))), "ok");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], midnight(2))), [3, 2]);
    assert_eq!(code(&flag(&mut clients[1], &broker, &[2], midnight(2))), "ok");
    for days in 3..7 {
        assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], midnight(days))), [3, 2], "day {days}");
    }
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], midnight(7))), [3, 3]);
}

#[test]
fn a_shortened_flag_ends_on_its_new_last_day_although_no_full_release_came() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1, 9], &[1], &[], &[]], START);
    for days in 1..=30 {
        broker.release(midnight(days)).unwrap();
    }
    // The thirty-first day of December is no seventh after the first.
    assert_eq!(code(&flag_until(&mut clients[1], &broker, &[1], "2026-12-31", midnight(30))), "ok");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(30).plus(DAY - 1))), [3]);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(31))), [2]);
}

/// A flag that ends before it shows must not help to bring another organisation's flag out.
#[test]
fn a_flag_that_has_ended_does_not_count_towards_a_release() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1], &[1], &[], &[]], START);
    for days in 1..=30 {
        broker.release(midnight(days)).unwrap();
    }
    let now = midnight(30).plus(60);
    assert_eq!(code(&flag_until(&mut clients[2], &broker, &[9], "2026-12-31", now)), "ok");
    assert_eq!(code(&flag(&mut clients[1], &broker, &[2], now)), "ok");
    assert_eq!(code(&flag(&mut clients[3], &broker, &[2], now)), "ok");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[2], midnight(31))), [0]);
}

/// New flags, later and earlier last days, withdrawals: all that one organisation does counts as one.
#[test]
fn who_changes_something_each_day_learns_nothing_of_a_single_other_flag() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1], &[1], &[], &[]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[2], midnight(1))), [0]);
    assert_eq!(code(&flag(&mut clients[1], &broker, &[2], midnight(1).plus(60))), "ok");
    for days in 1..6 {
        let now = midnight(days.into()).plus(HOUR);
        assert_eq!(code(&flag(&mut clients[0], &broker, &[50 + days], now)), "ok");
        assert_eq!(code(&withdraw(&mut clients[0], &broker, &[49 + days], now)), "ok");
        let last = ["2027-04-30", "2027-03-31"][usize::from(days) % 2];
        assert_eq!(code(&flag_until(&mut clients[0], &broker, &[1], last, now)), "ok");
        assert_eq!(standings(ask(&mut clients[0], &broker, &[2], midnight(u64::from(days) + 1))), [0], "day {days}");
    }
    assert_eq!(standings(ask(&mut clients[0], &broker, &[2], midnight(7))), [2]);
}

#[test]
fn fewer_sources_than_the_policy_asks_are_below_the_threshold() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[], &[], &[]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1))), [0]);
    for (number, client) in (7..10).zip(&mut clients) {
        assert_eq!(code(&flag(client, &broker, &[number], midnight(1))), "ok");
    }
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(2))), [2]);
}

#[test]
fn an_organisation_counts_while_one_of_its_systems_flags() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[2], &[3], &[1], &[1]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1))), [2]);
    assert_eq!(code(&withdraw(&mut clients[3], &broker, &[1], midnight(1))), "ok");
    assert_eq!(code(&flag(&mut clients[1], &broker, &[4], midnight(1))), "ok");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(2))), [2]);
    assert_eq!(
        standings(ask(&mut clients[3], &broker, &[1], midnight(2))),
        [1],
        "the system that withdrew no longer flags it"
    );
}

#[test]
fn a_flag_ends_on_its_last_valid_day_and_a_renewed_one_does_not() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[], &[1, 2], &[1, 2], &[], &[]], START);
    assert_eq!(code(&flag_until(&mut clients[0], &broker, &[1, 2], "2026-12-31", START)), "ok");
    let last = day("2026-12-31").start();
    broker.accept_clock(last).unwrap();
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], last.plus(DAY - 1))), [3, 3]);
    assert_eq!(code(&flag_until(&mut clients[0], &broker, &[2], "2027-02-28", last.plus(DAY - 1))), "ok");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], last.plus(DAY))), [1, 3]);
    assert_eq!(standings(ask(&mut clients[1], &broker, &[1, 2], last.plus(DAY))), [2, 2]);
    assert_eq!(held(&mut clients[0], &broker, last.plus(DAY)), 1);
}

/// The sample's rules: 180 days, and one renewal.
#[test]
fn a_flag_is_renewed_for_a_reason_and_a_limited_number_of_times() {
    let policy = policy();
    let broker = broker(&policy);
    let client = &mut everyone(&broker, &policy, &[&[1], &[], &[], &[], &[]], START)[0];
    let far = "2027-06-30";
    assert_eq!(rejected(flag_until(client, &broker, &[2], far, START)).0, Code::NotPermitted);
    assert_eq!(rejected(flag_until(client, &broker, &[1], far, START)).0, Code::NotPermitted);
    let reason = RenewalReason::ProcedurePending;
    assert_eq!(rejected(flag_on(client, &broker, &[1], renewed(far, reason), START)).0, Code::NotPermitted);

    // 180 days from 2026-12-01 end on 2027-05-30.
    let later = day("2027-01-15").start();
    broker.accept_clock(later).unwrap();
    assert_eq!(code(&flag_until(client, &broker, &[1], "2027-04-30", later)), "ok");
    assert_eq!(rejected(flag_until(client, &broker, &[1], far, later)).0, Code::RenewalNotDeclared);
    for (reason, changed) in RenewalReason::ALL.into_iter().zip([1, 0, 0, 0]) {
        let receipt = receipt(flag_on(client, &broker, &[1], renewed(far, reason), later));
        assert_eq!((receipt.changed, receipt.renewed), (changed, changed), "the same days renew nothing");
    }
    assert_eq!(rejected(flag_until(client, &broker, &[1], "2026-12-31", later)).0, Code::Clock);

    // Twice 180 days end on 2027-11-26, whoever gives which reason.
    let last = day("2027-06-15").start();
    broker.accept_clock(last).unwrap();
    assert_eq!(rejected(flag_until(client, &broker, &[1], "2027-10-31", last)).0, Code::RenewalNotDeclared);
    let receipt = receipt(flag_on(client, &broker, &[1], renewed("2027-10-31", reason), last));
    assert_eq!((receipt.changed, receipt.renewed), (1, 0), "it is within what was renewed");
    let most = rejected(flag_on(client, &broker, &[1, 2], renewed("2027-11-30", reason), last));
    assert_eq!(most, (Code::TooManyRenewals, 1), "one of the two flags is too old");
    let house_number = Terms { house_number: true, ..renewed("2027-11-30", reason) };
    let round = flag_on(client, &broker, &[1], house_number, last);
    assert_eq!(rejected(round).0, Code::NotPermitted, "no house numbers are counted, and no flag is said to be of one");
    assert_eq!(code(&flag_on(client, &broker, &[2], until(day("2027-11-30")), last)), "ok");
}

#[test]
fn flagging_again_within_thirty_days_goes_on_with_the_same_flag() {
    let policy = policy();
    let broker = broker(&policy);
    let client = &mut everyone(&broker, &policy, &[&[1, 2], &[], &[], &[], &[]], START)[0];
    let reason = RenewalReason::ObservedAgain;
    let until_april = |client: &mut Client, now| flag_until(client, &broker, &[1, 2], "2027-04-30", now);
    assert_eq!(code(&until_april(client, START)), "ok");

    // Withdrawn and flagged again: by a delta at once, over a full set, and after a release.
    for (date, by_set) in [("2027-01-02", false), ("2027-02-01", true), ("2027-03-03", false)] {
        let now = day(date).start();
        broker.accept_clock(now).unwrap();
        let withdrawn = match by_set {
            false => withdraw(client, &broker, &[1, 2], now),
            true => full_set(client, &broker, &[], now),
        };
        assert_eq!(receipt(withdrawn).withdrawn, 2);
        for wait in [0, 29 * DAY] {
            let again = now.plus(wait);
            broker.accept_clock(again).unwrap();
            assert_eq!(rejected(flag_until(client, &broker, &[1], "2027-06-30", again)).0, Code::RenewalNotDeclared);
        }
        assert_eq!(code(&until_april(client, now.plus(29 * DAY))), "ok");
    }

    // Ended on 2027-04-30: within 30 days it is renewed or not flagged.
    let now = day("2027-05-30").start();
    broker.accept_clock(now).unwrap();
    assert_eq!(held(client, &broker, now), 0);
    assert_eq!(rejected(flag_until(client, &broker, &[1], "2027-07-31", now)).0, Code::RenewalNotDeclared);
    let again = receipt(flag_on(client, &broker, &[1], renewed("2027-07-31", reason), now));
    assert_eq!((again.added, again.renewed), (1, 1));
    // A day later the other one is forgotten, and begins anew.
    let now = now.plus(DAY);
    broker.accept_clock(now).unwrap();
    assert_eq!(receipt(flag_until(client, &broker, &[2], "2027-10-31", now)).renewed, 0);
}

/// Where the broker has no record, the partner's word holds it; where it has one, the earlier of the two.
#[test]
fn a_flag_is_held_to_the_first_day_that_its_partner_names() {
    let levels = "[counting]\nlevels = [\"unit\", \"number\"]\n[budgets]";
    let policy = signed(&policy_text(&ROSTER, &RULES.replace("[budgets]", levels)));
    let broker = broker(&policy);
    let client = &mut everyone(&broker, &policy, &[&[1], &[], &[], &[], &[]], START)[0];
    let since = |first: &str| Terms { first_day: day(first), ..until(day(MARCH)) };
    let reason = Some(RenewalReason::UnderSupervision);
    // 180 days before 2027-03-31 is 2026-10-02, and twice as many 2026-04-05.
    assert_eq!(code(&flag_on(client, &broker, &[2], since("2026-10-02"), START)), "ok");
    assert_eq!(rejected(flag_on(client, &broker, &[3], since("2026-10-01"), START)).0, Code::RenewalNotDeclared);
    let renewed = |first| Terms { renewal: reason, ..since(first) };
    assert_eq!(receipt(flag_on(client, &broker, &[3], renewed("2026-04-05"), START)).renewed, 0, "not by this message");
    assert_eq!(rejected(flag_on(client, &broker, &[4], renewed("2026-04-04"), START)), (Code::TooManyRenewals, 1));
    // An earlier day than the broker has holds, and a later one does not.
    assert_eq!(rejected(flag_on(client, &broker, &[1], renewed("2026-04-04"), START)).0, Code::TooManyRenewals);
    assert_eq!(rejected(flag_on(client, &broker, &[3], since("2026-12-01"), START)).0, Code::RenewalNotDeclared);
    // A house number follows the homes at it: the day that is named holds.
    let number = |first| Terms { house_number: true, ..since(first) };
    assert_eq!(receipt(flag_on(client, &broker, &[3], number("2026-12-01"), START)).renewed, 0);
    assert_eq!(rejected(flag_on(client, &broker, &[3], number("2026-04-04"), START)).0, Code::TooManyRenewals);
}

#[test]
fn a_first_full_set_carries_first_days_and_is_held_to_them() {
    let policy = policy();
    let broker = broker(&policy);
    let mut client = Client::new(1, &policy);
    let rows = [pseudonym(1)];
    let part = Part { number: 1, of: 1 };
    let set = |first: &str, renewal| {
        let terms = Terms { first_day: day(first), renewal, ..until(day(MARCH)) };
        let flagged = vec![Group { terms, pseudonyms: &rows }];
        Request::FullSet(FullSet { shrink: false, part, flagged })
    };
    let reason = Some(RenewalReason::BeingActedOn);
    assert_eq!(rejected(client.say(&broker, &set("2026-04-01", reason), START)).0, Code::TooManyRenewals);
    assert_eq!(rejected(client.say(&broker, &set("2026-09-01", None), START)).0, Code::RenewalNotDeclared);
    assert_eq!(receipt(client.say(&broker, &set("2026-09-01", reason), START)).renewed, 0);
    // From here on the broker knows it: withdrawn and flagged anew, it goes on.
    assert_eq!(code(&withdraw(&mut client, &broker, &[1], START)), "ok");
    assert_eq!(rejected(flag(&mut client, &broker, &[1], START)).0, Code::RenewalNotDeclared);
}

#[test]
fn what_is_not_authenticated_gets_an_unsigned_rejection() {
    let policy = policy();
    let broker = broker(&policy);
    let mut client = Client::new(1, &policy);
    let unsigned = |bytes: &[u8]| {
        let reply = broker.handle(bytes, START);
        let unverified = Unverified::parse(&reply, Role::Broker).unwrap();
        unverified.danger_unsigned_rejection().expect("unsigned").code
    };
    let good = client.message(&Request::Confirm, START);
    assert_eq!(unsigned(b""), Code::Malformed);
    assert_eq!(unsigned(b"GET / HTTP/1.1\r\n"), Code::Malformed);
    assert_eq!(unsigned(&[&[0x02], &good[1..]].concat()), Code::Malformed);
    assert_eq!(unsigned(&vec![1; MAX_MESSAGE + 1]), Code::TooLarge);
    let altered = |change: &dyn Fn(&mut Header)| {
        let mut header = client.clone().header(Kind::Confirm, START);
        change(&mut header);
        message::sign(&header, &[], &key(1)).unwrap()
    };
    assert_eq!(unsigned(&altered(&|header| header.consortium = "elders".parse().unwrap())), Code::WrongConsortium);
    assert_eq!(unsigned(&altered(&|header| header.partner = 99)), Code::UnknownPartner);
    assert_eq!(unsigned(&altered(&|header| header.partner = 2)), Code::BadSignature);
    let mut flipped = good;
    let end = flipped.len() - 1;
    flipped[end] ^= 1;
    assert_eq!(unsigned(&flipped), Code::BadSignature);
}

#[test]
fn what_is_authenticated_but_wrong_gets_a_signed_one() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[], &[], &[], &[]], START);
    let client = &mut clients[0];
    let mut wrong = |change: &dyn Fn(&mut Header)| {
        let mut header = client.header(Kind::Confirm, START);
        change(&mut header);
        let message = message::sign(&header, &[], &key(1)).unwrap();
        rejected(client.send(&broker, &message, START))
    };
    assert_eq!(wrong(&|header| header.purpose = "iets-anders".parse().unwrap()).0, Code::WrongPurpose);
    assert_eq!(wrong(&|header| header.epoch = 2).0, Code::WrongEpoch);
    assert_eq!(wrong(&|header| header.key_id = KeyId([0; 16])).0, Code::WrongKeyId);
    assert_eq!(wrong(&|header| header.policy.0[0] ^= 1).0, Code::WrongPolicy);
    assert_eq!(wrong(&|header| header.time = Timestamp(START.0 - 24 * HOUR - 1)).0, Code::Clock);
    assert_eq!(wrong(&|header| header.time = START.plus(601)).0, Code::Clock);
    for time in [Timestamp(START.0 - 24 * HOUR), START, START.plus(600)] {
        assert_eq!(wrong(&|header| (header.time, header.previous) = (time, 0)), (Code::Gap, 1));
    }
    let message = message::sign(&client.header(Kind::Confirm, START), &[0], &key(1)).unwrap();
    assert_eq!(rejected(client.send(&broker, &message, START)).0, Code::Malformed);
    let rows = numbered(0..=message::MAX_QUESTION as u128);
    let now = midnight(1);
    let question = Request::Question(Question { sweep: None, pseudonyms: &rows });
    assert_eq!(rejected(client.say(&broker, &question, now)).0, Code::TooLarge);
    let mut other = client.header(Kind::Confirm, now);
    (other.purpose, other.sequence) = ("iets-anders".parse().unwrap(), u64::MAX);
    let other = message::sign(&other, &[], &key(1)).unwrap();
    assert_eq!(
        rejected(client.send(&broker, &other, now)).0,
        Code::WrongPurpose,
        "and no number of this purpose is used"
    );
    assert_eq!(code(&client.say(&broker, &Request::Confirm, now)), "ok", "after all of that the series goes on");
}

#[test]
fn numbers_are_used_once() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[], &[], &[], &[]], START);
    let client = &mut clients[0];
    let first = client.message(&Request::Confirm, START);
    let receipt = broker.handle(&first, START);
    assert_eq!(code(&client.send(&broker, &first, START.plus(60 * DAY))), "ok", "a resend, however late");
    assert_eq!(broker.handle(&first, START.plus(61 * DAY)), receipt, "the same bytes");
    let now = START.plus(61 * DAY);
    broker.accept_clock(now).unwrap();
    client.highest_state -= 1;
    assert_eq!(rejected(flag(client, &broker, &[2], now)), (Code::Stale, 3), "another message of that number");
    client.highest_state = 6;
    assert_eq!(code(&client.say(&broker, &Request::Confirm, now)), "ok", "numbers may be skipped");
    assert_eq!(rejected(client.send(&broker, &first, now)), (Code::Stale, 8), "an older one is stale");
    // A rejected number is used, too.
    client.accepted = 1;
    let gap = client.message(&Request::Confirm, now);
    assert_eq!(rejected(client.send(&broker, &gap, now)), (Code::Gap, 7));
    assert_eq!(rejected(client.send(&broker, &gap, now)), (Code::Stale, 9));
    client.highest_state = 7 + (1 << 32);
    client.accepted = 7;
    assert_eq!(code(&client.say(&broker, &Request::Confirm, now)), "ok");
    let last = client.clone();
    client.highest_state = 100;
    assert_eq!(rejected(client.say(&broker, &Request::Confirm, now)), (Code::Stale, last.highest_state + 1));
}

fn status(client: &mut Client, now: Timestamp) -> Vec<u8> {
    client.message(&Request::Status(StatusRequest::default()), now)
}

/// The lines of the log on messages that used up no number: how many such messages each counts.
fn replayed(broker: &Broker) -> Vec<u32> {
    let mut counts = Vec::new();
    broker
        .log_rows(|_, row| {
            if let LogRow::Line(Line { event: Event::Replayed { count, .. }, .. }) = row {
                counts.push(count.get());
            }
            Ok(())
        })
        .unwrap();
    counts
}

fn lines(broker: &Broker) -> u64 {
    let mut lines = 0;
    let count = |_, _: &LogRow| {
        lines += 1;
        Ok(())
    };
    broker.log_rows(count).unwrap();
    lines
}

#[test]
fn a_status_request_has_a_number_and_again_gets_the_same_reply() {
    let policy = policy();
    let broker = broker(&policy);
    let client = &mut everyone(&broker, &policy, &[&[1, 2], &[1], &[], &[], &[]], START)[0];
    let first = status(client, START);
    let reply = broker.handle(&first, START);
    assert_eq!(code(&read(&reply)), "ok");
    assert_eq!(code(&flag(client, &broker, &[3], START)), "ok");
    let before = lines(&broker);
    assert_eq!(broker.handle(&first, START.plus(HOUR)), reply, "over another of the broker's addresses");
    assert_eq!(lines(&broker), before);
    // One whose clock was set back is answered, because the number decides and not the time.
    assert_eq!(code(&client.say(&broker, &Request::Status(StatusRequest::default()), Timestamp(START.0 - HOUR))), "ok");
    assert_eq!(rejected(client.send(&broker, &first, START)), (Code::Stale, 3));
    // A folder that was lost begins with number 1, and learns which is free.
    let mut lost = Client::new(1, &policy);
    assert_eq!(rejected(lost.say(&broker, &Request::Status(StatusRequest::default()), START)), (Code::Stale, 3));
    lost.highest_status = 2;
    assert_eq!(code(&lost.say(&broker, &Request::Status(StatusRequest::default()), START)), "ok");
}

#[test]
fn who_kept_messages_fills_neither_log_nor_disk_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    write_policy(&path, &policy_text(&ROSTER, RULES));
    let keys = || stored_keys(&folder.path().join("keys"));
    let home = folder.path().join("broker");
    let broker = Broker::create(&home, keys(), &path, START).unwrap();
    let policy = broker.policy();
    let client = &mut everyone(&broker, &policy, &[&[1, 2], &[1], &[], &[], &[]], START)[0];
    let now = midnight(1).plus(60);
    let mut kept = vec![status(client, now), status(client, now)];
    for request in [
        Request::Confirm,
        Request::Confirm,
        Request::Question(Question { sweep: None, pseudonyms: &[pseudonym(1)] }),
        Request::Question(Question { sweep: None, pseudonyms: &[pseudonym(2)] }),
    ] {
        kept.push(client.message(&request, now));
        client.accepted = client.highest_state;
    }
    for message in &kept {
        assert_eq!(code(&read(&broker.handle(message, now))), "ok");
    }
    // One that leaps too far, and one that is meant for another purpose.
    let header = Header { sequence: u64::MAX, ..client.header(Kind::Confirm, now) };
    kept.push(message::sign(&header, &[], &key(1)).unwrap());
    let header = Header { purpose: "iets-anders".parse().unwrap(), ..header };
    kept.push(message::sign(&header, &[], &key(1)).unwrap());
    let replay = |broker: &Broker, times: usize, now: Timestamp| {
        (0..times).for_each(|_| kept.iter().for_each(|message| assert!(!broker.handle(message, now).is_empty())));
        let ledger = home.join("store").join("ledger.redb");
        ledger.metadata().unwrap().len()
    };
    let bytes = replay(&broker, 20, now);
    let before = lines(&broker);
    assert_eq!(replay(&broker, 100, now), bytes, "800 more leave nothing on the disk");
    assert_eq!(lines(&broker), before);
    // What was counted holds for the next process, too. Of eight messages three are the last of their kind.
    drop(broker);
    let broker = Broker::open(&home, keys()).unwrap();
    replay(&broker, 1, now.plus(60));
    assert_eq!(lines(&broker), before);
    replay(&broker, 1, now.plus(HOUR));
    assert_eq!((lines(&broker), replayed(&broker)), (before + 1, vec![121 * 5]));
    broker.release(now.plus(2 * HOUR)).unwrap();
    assert_eq!(replayed(&broker), [121 * 5, 5]);
}

#[test]
fn a_question_again_costs_nothing_until_the_next_release() {
    let policy =
        signed(&policy_text(&ROSTER, &RULES.replace("[budgets]", "[budgets]\nasked_a_day = 3\nasked_an_epoch = 5")));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1], &[1], &[], &[]], START);
    let client = &mut clients[0];
    let now = midnight(1);
    let rows: Vec<_> = [5, 6, 7].map(pseudonym).into();
    let question = client.message(&Request::Question(Question { sweep: None, pseudonyms: &rows }), now);
    let answer = broker.handle(&question, now);
    assert_eq!(broker.handle(&question, now.plus(HOUR)), answer);
    assert_eq!(rejected(ask(client, &broker, &[8], now)), (Code::OverBudget, 0));
    assert_eq!(code(&ask(client, &broker, &[1, 2], now)), "ok", "own flags, once a release, are free");
    assert_eq!(rejected(ask(client, &broker, &[1], now)), (Code::OverBudget, 0));
    assert_eq!(rejected(client.send(&broker, &question, midnight(2))).0, Code::Stale, "there was a release since");
    assert_eq!(code(&ask(client, &broker, &[1, 2, 8, 9], midnight(2))), "ok", "another day, another release");
    assert_eq!(
        rejected(ask(client, &broker, &[8], midnight(3))),
        (Code::OverBudget, 0),
        "the epoch's budget is used up"
    );
}

#[test]
fn new_flags_have_a_budget_that_withdrawing_does_not_give_back() {
    let budgets = "[budgets]\nnew_flags_a_day = 3\nflags_held = 6";
    let policy = signed(&policy_text(&ROSTER, &RULES.replace("[budgets]", budgets)));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2, 3, 4], &[], &[], &[], &[]], START);
    let client = &mut clients[0];
    assert_eq!(code(&flag(client, &broker, &[5, 6], START)), "ok");
    assert_eq!(rejected(flag(client, &broker, &[7], START)), (Code::OverBudget, 0), "flags held");
    assert_eq!(code(&withdraw(client, &broker, &[5, 6], START)), "ok");
    assert_eq!(rejected(flag(client, &broker, &[5, 6], START)), (Code::OverBudget, 1));
    assert_eq!(
        rejected(set(client, &broker, &[3, 4, 8, 9], true, START)),
        (Code::OverBudget, 3),
        "so many a full set may have: the two that are held, and one"
    );
    assert_eq!(held(client, &broker, START), 4, "nothing of that was kept");
    assert_eq!(code(&flag(client, &broker, &[5, 6], midnight(1))), "ok");
    assert_eq!(rejected(set(client, &broker, &[1, 2, 3, 4, 5, 6, 7], true, midnight(1))), (Code::OverBudget, 6));
}

/// What a status reply says that is left.
fn left(client: &mut Client, broker: &Broker, now: Timestamp) -> StatusReply {
    match client.say(broker, &Request::Status(StatusRequest::default()), now) {
        Reply::Status(status) => status,
        other => panic!("{}", code(&other)),
    }
}

#[test]
fn two_partners_have_the_budgets_of_one_organisation() {
    let budgets = "[budgets]\nnew_flags_a_day = 3\nfirst_set_flags = 2\nflags_held = 8\nasked_a_day = 4\n\
                   asked_an_epoch = 6\nstatus_a_day = 5";
    let mut roster = ROSTER;
    roster[4] = Entry { number: 5, ..roster[3] };
    let rules = RULES.replace("[budgets]", budgets).replace("swept_a_day = 100", "swept_a_day = 3");
    let broker = broker(&signed(&policy_text(&roster, &rules)));
    let policy = broker.policy();
    // Both are of the municipality.
    let mut clients: Vec<Client> = (1..=5).map(|number| Client::new(number, &policy)).collect();
    for client in &mut clients[..3] {
        assert_eq!(code(&full_set(client, &broker, &[1, 2], START)), "ok");
    }
    let [.., one, other] = &mut clients[..] else { panic!() };
    // First full sets, and new flags of the day.
    assert_eq!(code(&full_set(one, &broker, &[1, 2, 3], START)), "ok");
    assert_eq!(rejected(full_set(other, &broker, &[1, 2, 3], START)), (Code::OverBudget, 2));
    assert_eq!(code(&full_set(other, &broker, &[1], START)), "ok");
    assert_eq!(rejected(flag(one, &broker, &[4, 5], START)), (Code::OverBudget, 1));
    assert_eq!(code(&flag(one, &broker, &[4], START)), "ok");
    assert_eq!(rejected(flag(other, &broker, &[4], START)), (Code::OverBudget, 0));
    // Flags held: five, and three more on the next day.
    let now = midnight(1);
    assert_eq!(code(&flag(other, &broker, &[2, 3, 4], now)), "ok");
    let now = midnight(2);
    assert_eq!(rejected(flag(one, &broker, &[5], now)), (Code::OverBudget, 0), "of flags held none is left");
    assert_eq!(rejected(full_set(one, &broker, &[1, 2, 3, 4, 5], now)), (Code::OverBudget, 4));
    assert_eq!(code(&withdraw(other, &broker, &[2], now)), "ok", "what adds none passes");
    assert_eq!(code(&flag(one, &broker, &[5], now)), "ok");
    // Asked and swept: own flags are free as before.
    assert_eq!(code(&ask(one, &broker, &[1, 21, 22, 23], now)), "ok");
    assert_eq!(rejected(ask(other, &broker, &[24, 25], now)), (Code::OverBudget, 1));
    assert_eq!(code(&ask(other, &broker, &[1, 24], now)), "ok");
    assert_eq!(code(&sweep(one, &broker, "brand", &[1, 2], now)), "ok");
    assert_eq!(rejected(sweep(other, &broker, "brand", &[1, 2], now)), (Code::OverBudget, 1));
    let now = midnight(3);
    assert_eq!(code(&ask(one, &broker, &[21], now)), "ok");
    assert_eq!(rejected(ask(other, &broker, &[22, 23], now)), (Code::OverBudget, 1), "the epoch's");
    // Status requests, which say what is left of all.
    let status = left(other, &broker, now);
    assert_eq!((status.held, status.held_left, status.new_flags_left, status.first_sets_left), (3, 0, 3, 0));
    assert_eq!((status.asked_left_today, status.asked_left_epoch, status.swept_left_today), (3, 1, 3));
    assert_eq!(status.status_left_today, 4);
    (0..3).for_each(|_| drop(left(one, &broker, now)));
    assert_eq!(left(other, &broker, now).status_left_today, 0);
    assert_eq!(rejected(other.say(&broker, &Request::Status(StatusRequest::default()), now)), (Code::OverBudget, 0));
    assert_eq!(left(one, &broker, midnight(4)).status_left_today, 4);
}

#[test]
fn two_partners_that_flag_at_once_have_the_budget_of_one() {
    let rules = RULES.replace("[budgets]", "[budgets]\nnew_flags_a_day = 20\nfirst_set_flags = 0");
    let policy = signed(&policy_text(&ROSTER, &rules));
    let broker = &broker(&policy);
    let mut clients = [4, 5].map(|number| Client::new(number, &policy));
    clients.iter_mut().for_each(|client| assert_eq!(code(&full_set(client, broker, &[], START)), "ok"));
    let accepted: usize = thread::scope(|scope| {
        let flag_each = |client: &mut Client| {
            (0..40).filter(|number| code(&flag(client, broker, &[*number], START)) == "ok").count()
        };
        let threads = clients.each_mut().map(|client| scope.spawn(move || flag_each(client)));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(accepted, 20);
}

#[test]
fn a_first_full_set_is_as_large_as_what_was_held_in_the_epoch_before() {
    let rules = RULES
        .replace("[budgets]", "[budgets]\nnew_flags_a_day = 3\nfirst_set_flags = 4")
        .replace("closes = 2027-11-30", "closes = 2027-01-31")
        + "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2027-01-15\n\
           closes = 2027-12-31\n";
    let policy = signed(&policy_text(&ROSTER, &rules));
    let broker = broker(&policy);
    let mut clients: Vec<Client> = (1..=5).map(|number| Client::new(number, &policy)).collect();
    assert_eq!(rejected(full_set(&mut clients[0], &broker, &[1, 2, 3, 4, 5, 6, 7, 8], START)), (Code::OverBudget, 7));
    assert_eq!(code(&full_set(&mut clients[0], &broker, &[1, 2, 3, 4, 5, 6, 7], START)), "ok");
    assert_eq!(code(&withdraw(&mut clients[0], &broker, &[6, 7], START)), "ok");
    for (at, flags) in [(1, &[1, 2][..]), (3, &[1]), (4, &[1, 2])] {
        assert_eq!(code(&full_set(&mut clients[at], &broker, flags, START)), "ok");
    }
    let now = day("2027-01-15").start();
    broker.accept_clock(now).unwrap();
    for client in &mut clients {
        (client.epoch, client.key_id) = (2, policy.policy().epochs[1].key_id);
    }
    // Five and a day's three; also others than those.
    let nine: Vec<u8> = (21..30).collect();
    assert_eq!(left(&mut clients[0], &broker, now).first_sets_left, 5);
    assert_eq!(rejected(full_set(&mut clients[0], &broker, &nine, now)), (Code::OverBudget, 8));
    assert_eq!(code(&full_set(&mut clients[0], &broker, &nine[1..], now)), "ok");
    assert_eq!(rejected(flag(&mut clients[0], &broker, &[1], now)), (Code::OverBudget, 0));
    // Of an organisation with two partners the one has what the other leaves.
    assert_eq!(code(&full_set(&mut clients[3], &broker, &nine[..4], now)), "ok");
    assert_eq!(rejected(full_set(&mut clients[4], &broker, &[1, 2, 3], now)), (Code::OverBudget, 2));
    assert_eq!(code(&full_set(&mut clients[4], &broker, &[1, 2], now)), "ok");
    // What was held when the epoch before closed; and one that delivered nothing in it begins in this one.
    let now = day("2027-02-02").start();
    broker.accept_clock(now).unwrap();
    assert_eq!(broker.status().epochs.len(), 1);
    assert_eq!(rejected(full_set(&mut clients[1], &broker, &nine[..6], now)), (Code::OverBudget, 5));
    assert_eq!(rejected(full_set(&mut clients[2], &broker, &nine[..8], now)), (Code::OverBudget, 7));
    assert_eq!(code(&full_set(&mut clients[1], &broker, &nine[..5], now)), "ok");
    assert_eq!(code(&full_set(&mut clients[2], &broker, &nine[..7], now)), "ok");
}

#[test]
fn a_full_set_that_shrinks_says_so() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2, 3, 4, 5], &[], &[], &[], &[]], START);
    assert_eq!(rejected(set(&mut clients[0], &broker, &[1, 2, 3], false, START)), (Code::Shrink, 2));
    assert_eq!(held(&mut clients[0], &broker, START), 5);
    assert_eq!(
        code(&set(&mut clients[0], &broker, &[1, 2, 3, 4], false, START)),
        "ok",
        "a fifth is what the policy allows"
    );
    assert_eq!(code(&set(&mut clients[0], &broker, &[1], true, START)), "ok");
    assert_eq!(held(&mut clients[0], &broker, START), 1);
}

#[test]
fn a_full_set_in_parts_takes_effect_with_its_last() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[], &[], &[], &[]], START);
    let client = &mut clients[0];
    let part = |client: &mut Client, number, of, flags: &[u8]| {
        let rows: Vec<_> = flags.iter().map(|n| pseudonym(*n)).collect();
        let set = FullSet { shrink: true, part: Part { number, of }, flagged: groups(&rows, MARCH) };
        client.say(&broker, &Request::FullSet(set), START)
    };
    let Reply::Receipt(receipt) = part(client, 1, 3, &[5, 6]) else { panic!() };
    assert_eq!((receipt.part, receipt.added, receipt.withdrawn, receipt.held), ((1, 3), 0, 0, 2));
    assert_eq!(rejected(part(client, 3, 3, &[7])), (Code::Gap, 2), "the second is missing");
    assert_eq!(rejected(part(client, 2, 2, &[7])).0, Code::Gap, "of another number of parts");
    assert_eq!(code(&part(client, 2, 3, &[7])), "ok");
    assert_eq!(rejected(part(client, 3, 3, &[5])).0, Code::Malformed, "it stands in the first part");
    let Reply::Receipt(receipt) = part(client, 3, 3, &[1, 8]) else { panic!() };
    assert_eq!((receipt.part, receipt.added, receipt.withdrawn, receipt.held), ((3, 3), 4, 1, 5));
    // Any other state message abandons a set.
    assert_eq!(code(&part(client, 1, 2, &[9])), "ok");
    assert_eq!(code(&client.say(&broker, &Request::Confirm, START)), "ok");
    assert_eq!(rejected(part(client, 2, 2, &[10])).0, Code::Gap);
    assert_eq!(held(client, &broker, START), 5);
}

#[test]
fn the_first_state_message_is_a_full_set() {
    let policy = policy();
    let broker = broker(&policy);
    let mut client = Client::new(1, &policy);
    assert_eq!(rejected(flag(&mut client, &broker, &[1], START)).0, Code::FullSetRequired);
    assert_eq!(rejected(client.say(&broker, &Request::Confirm, START)).0, Code::FullSetRequired);
    let Reply::Status(status) = client.say(&broker, &Request::Status(StatusRequest::default()), START) else {
        panic!()
    };
    assert!(status.full_set_required);
    assert_eq!((status.accepted_state, status.highest_state), (0, 2), "from this a lost folder finds its numbers");
    assert_eq!(code(&full_set(&mut client, &broker, &[], START)), "ok", "an empty one will do");
}

#[test]
fn a_sweep_needs_permission_a_reason_and_its_own_budget() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[1], &[], &[]], START);
    let now = midnight(1);
    assert_eq!(standings(sweep(&mut clients[3], &broker, "brand", &[1, 2], now)), [255, 0]);
    assert_eq!(rejected(sweep(&mut clients[3], &broker, "zomaar", &[1], now)).0, Code::NotPermitted);
    assert_eq!(rejected(sweep(&mut clients[0], &broker, "brand", &[1], now)).0, Code::NotPermitted);
    let many: Vec<u8> = (1..=99).collect();
    assert_eq!(rejected(sweep(&mut clients[3], &broker, "brand", &many, now)), (Code::OverBudget, 98));
}

#[test]
fn a_partner_does_what_the_roster_lets_it() {
    let mut roster = ROSTER;
    roster[0] = Entry { may: r#""ask""#, ..roster[0] };
    roster[1] = Entry { may: r#""flag""#, ..roster[1] };
    let policy = signed(&policy_text(&roster, &RULES.replace("[budgets]", &format!("{NAMES}[budgets]"))));
    let broker = broker(&policy);
    assert_eq!(rejected(full_set(&mut Client::new(1, &policy), &broker, &[], START)).0, Code::NotPermitted);
    assert_eq!(rejected(ask(&mut Client::new(2, &policy), &broker, &[1], START)).0, Code::NotPermitted);
}

#[test]
fn unknown_below_threshold_withdrawn_and_expired_are_one_byte() {
    let rules = &format!(
        "[[override]]\nrule = \"own-flag\"\nreason = \"a test\"\n{NAMES}[counting]\nown_flag_required = false\n\
         [budgets]"
    );
    let policy = signed(&policy_text(&ROSTER, &RULES.replace("[budgets]", rules)));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 9], &[2, 9], &[2, 9], &[], &[]], START);
    assert_eq!(code(&flag_until(&mut clients[0], &broker, &[3], "2026-12-31", START)), "ok");
    assert_eq!(code(&flag_until(&mut clients[1], &broker, &[3], "2026-12-31", START)), "ok");
    assert_eq!(standings(ask(&mut clients[4], &broker, &[1, 2, 3, 4, 9], midnight(1))), [0, 2, 2, 0, 3]);
    assert_eq!(code(&withdraw(&mut clients[1], &broker, &[2], midnight(1))), "ok");
    assert_eq!(code(&withdraw(&mut clients[2], &broker, &[2], midnight(1))), "ok");
    let after = day("2027-01-01").start();
    broker.accept_clock(after).unwrap();
    // 1 was never stacked, 2 was withdrawn, 3 has ended, 4 nobody ever flagged.
    assert_eq!(standings(ask(&mut clients[4], &broker, &[1, 2, 3, 4, 9], after)), [0, 0, 0, 0, 3]);
}

#[test]
fn an_organisation_is_fresh_within_the_window() {
    let policy = signed(&policy_text(&ROSTER, &format!("freshness_days = 5\n{RULES}")));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[1], &[], &[]], START);
    let fresh = |client: &mut Client, now| match ask(client, &broker, &[1], now) {
        Reply::Answer(answer) => answer.fresh,
        other => panic!("{}", code(&other)),
    };
    assert_eq!(fresh(&mut clients[0], midnight(1)), 4);
    broker.accept_clock(midnight(5)).unwrap();
    assert_eq!(code(&clients[1].say(&broker, &Request::Confirm, midnight(5))), "ok");
    assert_eq!(fresh(&mut clients[0], midnight(5)), 4);
    assert_eq!(fresh(&mut clients[0], midnight(6)), 1);
}

#[test]
fn a_closed_epoch_is_gone() {
    let epochs = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\n\
                  opens = 2026-12-10\ncloses = 2027-12-09\n";
    let policy = signed(&policy_text(
        &ROSTER,
        &RULES
            .replace("[budgets]", "[[override]]\nrule = \"epoch-length\"\nreason = \"a test\"\n[budgets]")
            .replace("2027-11-30", "2026-12-20")
            .replace("closes = 2026-12-20\n", &format!("closes = 2026-12-20\n{epochs}")),
    ));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[1], &[], &[]], START);
    assert_eq!(broker.status().epochs.len(), 1);
    let overlap = day("2026-12-10").start();
    broker.accept_clock(overlap).unwrap();
    assert_eq!(broker.status().epochs.len(), 2);
    let after = day("2026-12-21").start();
    broker.accept_clock(after).unwrap();
    assert_eq!(rejected(ask(&mut clients[0], &broker, &[1], after)).0, Code::WrongEpoch);
    assert_eq!(broker.status().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [2]);
    let mut header = clients[0].header(Kind::Confirm, after);
    (header.epoch, header.key_id) = (2, KeyId([0x22; 16]));
    let message = message::sign(&header, &[], &key(1)).unwrap();
    assert_eq!(
        rejected(clients[0].send(&broker, &message, after)).0,
        Code::FullSetRequired,
        "each epoch starts with one"
    );
}

#[test]
fn a_clock_that_went_back_is_refused() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[], &[], &[], &[]], START);
    broker.release(midnight(1)).unwrap();
    assert_eq!(broker.release(START).unwrap_err().code(), "clock");
    assert_eq!(rejected(ask(&mut clients[0], &broker, &[1], START)).0, Code::Unavailable);
    assert!(broker.status().last_fault.unwrap().contains("set the clock right"));
    clients[0].highest_question -= 1;
    assert_eq!(code(&ask(&mut clients[0], &broker, &[1], midnight(1))), "ok", "the number was not used up");
}

#[test]
fn a_clock_that_is_far_ahead_releases_nothing_until_somebody_says_that_it_is_right() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[1], &[], &[]], START);
    let far = midnight(40);
    assert_eq!(broker.release(far).unwrap_err().code(), "clock_ahead");
    assert_eq!(rejected(ask(&mut clients[0], &broker, &[1], far)).0, Code::Unavailable);
    assert_eq!(broker.status().epochs.len(), 1);
    broker.accept_clock(far).unwrap();
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], far.plus(1))), [3]);
}

/// Somebody who was wrongly flagged does not wait for a clock to be mended, and nobody is told of what may have ended.
#[test]
fn a_withdrawal_is_accepted_whatever_the_clock_says_and_nothing_else_is() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1, 2], &[1, 2], &[1, 3], &[3], &[]], START);
    let now = midnight(1).plus(HOUR);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], now)), [3, 2]);
    let status = broker.status();
    let rows = [pseudonym(1), pseudonym(2)];
    // An hour before what was done, three weeks after the last release, and one that the caller does not trust; the
    // message's own time is not judged by any of them.
    let wrong = [Clock::from(midnight(1)), Clock::from(midnight(22)), Clock::untrusted(now)];
    for (clock, gone) in wrong.into_iter().zip([1, 2, 9]) {
        let handle = |client: &mut Client, request: Request<'_>, clock: Clock| {
            let reply = read(&broker.handle(&client.message(&request, now), clock));
            if code(&reply) == "unavailable" {
                match request.kind() {
                    Kind::Question => client.highest_question -= 1,
                    _ => client.highest_state -= 1,
                }
            }
            reply
        };
        let question = Request::Question(Question { sweep: None, pseudonyms: &rows });
        assert_eq!(rejected(handle(&mut clients[0], question, clock)), (Code::Unavailable, 0));
        let flagged = groups(&rows, MARCH);
        let set = FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged: flagged.clone() };
        let mixed = Delta { flagged, withdrawn: &[pseudonym(3)] };
        for request in [Request::FullSet(set), Request::Delta(mixed), Request::Confirm] {
            assert_eq!(rejected(handle(&mut clients[2], request, clock)), (Code::Unavailable, 0));
        }
        let withdrawn = [pseudonym(gone)];
        let delta = Request::Delta(Delta { flagged: vec![], withdrawn: &withdrawn });
        let Reply::Receipt(receipt) = handle(&mut clients[1], delta, clock) else { panic!("{clock:?}") };
        clients[1].accepted = clients[1].highest_state;
        assert_eq!(receipt.withdrawn, u32::from(gone != 9));
        let asks = Request::Status(StatusRequest::default());
        assert!(matches!(handle(&mut clients[1], asks, clock), Reply::Status(_)));
        assert!(broker.release(clock).is_err());
    }
    assert!(broker.status().last_fault.is_some());
    let after = broker.status().epochs[0].clone();
    assert_eq!(
        (after.release, after.partners[1].heard),
        (status.epochs[0].release, status.epochs[0].partners[1].heard)
    );
    // Nothing is done yet, and all of it is at the next turn of the day that can be trusted.
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], now)), [3, 2]);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], midnight(2))), [2, 0]);
}

#[test]
fn in_doubt_there_is_no_release_where_each_message_is_one_either() {
    let immediate = "version = 1\nvalid_from = 2026-12-01\ntest = true\n[release]\nimmediate = true\n";
    let policy = signed(&policy_text(&ROSTER, &RULES.replace("version = 1\nvalid_from = 2026-12-01\n", immediate)));
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[], &[], &[]], START);
    let release = broker.status().epochs[0].release;
    let rows = [pseudonym(1)];
    let withdrawal = clients[1].message(&Request::Delta(Delta { flagged: vec![], withdrawn: &rows }), START);
    let reply = read(&broker.handle(&withdrawal, Clock::untrusted(START)));
    assert_eq!((code(&reply), broker.status().epochs[0].release), ("ok", release));
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], START)), [0], "it counts once the clock is trusted");
}

#[test]
fn an_epoch_answers_once_all_have_delivered_or_the_wait_is_over() {
    let policy = policy();
    for late in [None, Some(3)] {
        let broker = broker(&policy);
        let mut clients: Vec<Client> = ROSTER.iter().map(|entry| Client::new(entry.number, &policy)).collect();
        for at in [0, 1, 2] {
            assert_eq!(code(&full_set(&mut clients[at], &broker, &[1], START)), "ok");
        }
        let until = late.unwrap_or(7);
        for days in 0..until {
            let now = midnight(days).plus(12 * HOUR);
            let left = |client: &mut Client| match client.say(&broker, &Request::Status(StatusRequest::default()), now)
            {
                Reply::Status(status) => (status.asked_left_today, status.asked_left_epoch),
                other => panic!("{}", code(&other)),
            };
            let before = left(&mut clients[0]);
            assert_eq!(rejected(ask(&mut clients[0], &broker, &[1, 2], now)), (Code::NotYetAnswering, 0));
            assert_eq!(left(&mut clients[0]), before, "such a question costs nothing");
            if late == Some(days + 1) {
                // The fourth organisation, with an empty set of one of its two systems.
                assert_eq!(code(&full_set(&mut clients[4], &broker, &[], now)), "ok");
            }
        }
        assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], midnight(until))), [3, 1]);
    }
}

#[test]
fn a_newer_policy_is_adopted_and_the_one_before_has_grace() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let first = policy();
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    let broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    let mut clients = everyone(&broker, &first, &[&[1], &[1], &[1], &[1], &[]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1))), [3]);

    let rules = RULES.replace("version = 1", &format!("version = 2\nprevious = \"{}\"", first.digest()));
    let second =
        policy_text(&ROSTER, &rules.replace("[budgets]", &format!("{NAMES}[counting]\nthreshold = 3\n[budgets]")));
    write_policy(&at("2.toml"), &second);
    let differences = broker.adopt_policy(&at("2.toml"), midnight(1)).unwrap();
    assert!(differences.iter().any(|line| line.contains('3')), "{differences:?}");
    let now = midnight(1).plus(HOUR);
    assert_eq!(rejected(ask(&mut clients[0], &broker, &[1], now)).0, Code::WrongPolicy, "questions have no grace");
    assert_eq!(code(&flag(&mut clients[0], &broker, &[2], now)), "ok", "flags have");
    let late = midnight(1).plus(14 * DAY + 1);
    broker.accept_clock(late).unwrap();
    assert_eq!(rejected(flag(&mut clients[0], &broker, &[3], late)).0, Code::WrongPolicy);
    let digest = signed(&second).digest();
    clients.iter_mut().for_each(|client| client.policy = digest);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], late)), [3]);

    // It is still in force after a restart; and a lower threshold has no grace.
    drop(broker);
    let keys = stored_keys(&at("keys"));
    assert_eq!(Broker::open(&at("broker"), keys).unwrap().policy().digest(), digest);
}

#[test]
fn a_lower_threshold_has_no_grace_and_a_partner_that_left_is_gone() {
    let rules = RULES.replace("[budgets]", &format!("{NAMES}[counting]\nthreshold = 3\n[budgets]"));
    let first = signed(&policy_text(&ROSTER, &rules));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_policy(&at("1.toml"), &policy_text(&ROSTER, &rules));
    let broker = Broker::create(&at("broker"), broker_keys(), &at("1.toml"), START).unwrap();
    let mut clients = everyone(&broker, &first, &[&[1], &[1], &[1], &[], &[1]], START);
    assert_eq!(standings(ask(&mut clients[4], &broker, &[1], midnight(1))), [3]);
    let rules = RULES
        .replace("version = 1", &format!("version = 2\nprevious = \"{}\"", first.digest()))
        .replace("[budgets]", &format!("{NAMES}[budgets]"));
    // The second system of the municipality leaves; the municipality stays.
    let second = policy_text(&ROSTER[..4], &rules);
    write_policy(&at("2.toml"), &second);
    broker.adopt_policy(&at("2.toml"), midnight(1)).unwrap();
    assert_eq!(rejected(flag(&mut clients[0], &broker, &[2], midnight(1))).0, Code::WrongPolicy);
    let digest = signed(&second).digest();
    clients.iter_mut().for_each(|client| client.policy = digest);
    let reply = broker.handle(&clients[4].message(&Request::Confirm, midnight(1)), midnight(1));
    assert_eq!(code(&read(&reply)), "unknown_partner");
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1))), [3]);
    assert_eq!(broker.status().epochs[0].partners.len(), 4);
    assert_eq!(broker.adopt_policy(&at("1.toml"), midnight(1)).unwrap_err().code(), "policy_successor");
}

#[test]
fn the_flags_of_who_may_no_longer_flag_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let first = policy();
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    let broker = Broker::create(&at("broker"), broker_keys(), &at("1.toml"), START).unwrap();
    let mut clients = everyone(&broker, &first, &[&[1, 2], &[1, 2], &[1], &[2], &[]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], midnight(1))), [3, 3]);
    // It has also flagged something that does not show yet.
    assert_eq!(code(&flag(&mut clients[1], &broker, &[3], midnight(1))), "ok");

    let rules = RULES.replace("version = 1", &format!("version = 2\nprevious = \"{}\"", first.digest()));
    let rules = rules.replace("[budgets]", &format!("{NAMES}[budgets]"));
    let mut roster = ROSTER;
    roster[1].may = r#""ask""#;
    let second = policy_text(&roster, &rules);
    write_policy(&at("2.toml"), &second);
    broker.adopt_policy(&at("2.toml"), midnight(1).plus(HOUR)).unwrap();
    clients.iter_mut().for_each(|client| client.policy = Policy::parse(&second).unwrap().digest());
    for days in [1, 8] {
        let now = midnight(days).plus(2 * HOUR);
        broker.accept_clock(now).unwrap();
        assert_eq!(standings(ask(&mut clients[0], &broker, &[1, 2], now)), [2, 2]);
        assert_eq!(rejected(withdraw(&mut clients[1], &broker, &[1], now)).0, Code::NotPermitted);
    }
}

/// The tax office leaves with epoch 2, unsigned, and the fire brigade joins in it: from then on the one counts nowhere,
/// and the other in no older epoch.
#[test]
fn organisations_leave_and_join_at_an_epochs_start() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let first = policy();
    write_policy(&at("1.toml"), &policy_text(&ROSTER, RULES));
    let broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    let mut clients = everyone(&broker, &first, &[&[1], &[1, 2], &[1], &[9], &[]], START);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], midnight(1))), [3]);
    assert_eq!(code(&withdraw(&mut clients[1], &broker, &[2], midnight(1))), "ok", "it withdraws until it leaves");

    let rules = RULES
        .replace("version = 1", &format!("version = 2\nprevious = \"{}\"", first.digest()))
        .replace("valid_from = 2026-12-01", "valid_from = 2026-12-03")
        // In the older epoch only two may still flag.
        .replace("[budgets]", &format!("{NAMES}[budgets]"))
        .replace("closes = 2027-11-30", "closes = 2026-12-31")
        + "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\n\
           opens = 2026-12-03\ncloses = 2027-11-30\n\
           [unsigned]\norganisation = \"belastingdienst\"\nbecause = \"leaves\"\nversion = 2\nepoch = 2\n";
    let mut roster = ROSTER;
    roster[1] = Entry { number: 6, organisation: "brandweer", may: r#""flag", "ask""#, sees: "count" };
    let slug = "slug = \"brandweer\"\n";
    let text = policy_text(&roster, &rules).replace(slug, &format!("{slug}first_epoch = 2\n"));
    write_policy(&at("2.toml"), &text);
    assert_eq!(broker.adopt_policy(&at("2.toml"), midnight(1)).unwrap_err().code(), "policy_not_yet");
    broker.adopt_policy(&at("2.toml"), midnight(2)).unwrap();

    let digest = Policy::parse(&text).unwrap().digest();
    clients.iter_mut().for_each(|client| client.policy = digest);
    let now = midnight(2).plus(HOUR);
    assert_eq!(standings(ask(&mut clients[0], &broker, &[1], now)), [2], "its flags ended in every epoch");
    let leaver = broker.handle(&clients[1].message(&Request::Confirm, now), now);
    assert_eq!(code(&read(&leaver)), "unknown_partner");
    let mut joiner = Client::of(6, &Policy::parse(&text).unwrap());
    assert_eq!(rejected(full_set(&mut joiner, &broker, &[1], now)).0, Code::WrongEpoch);
    (joiner.epoch, joiner.key_id) = (2, KeyId([0x22; 16]));
    assert_eq!(code(&full_set(&mut joiner, &broker, &[1], now)), "ok");
    match ask(&mut clients[0], &broker, &[1], now) {
        Reply::Answer(answer) => {
            assert_eq!((answer.organisations, answer.fresh), (3, 3), "it counts in no older epoch")
        }
        other => panic!("{}", code(&other)),
    }

    // A day late is not too late.
    let broker = Broker::create(&at("late"), stored_keys(&at("late-keys")), &at("1.toml"), START).unwrap();
    broker.adopt_policy(&at("2.toml"), midnight(3)).unwrap();
}

/// A version that drops an epoch before it opens would end all that is flagged in it once it has.
#[test]
fn a_late_version_does_not_end_an_epoch_that_has_opened() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let second = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\n\
                  opens = 2026-12-05\ncloses = 2027-11-30\n";
    let first = policy_text(&ROSTER, &format!("{RULES}{second}"));
    write_policy(&at("1.toml"), &first);
    let version = format!("version = 2\nprevious = \"{}\"", signed(&first).digest());
    let moved = second.replace("2026-12-05", "2026-12-20");
    for (name, epochs) in [("dropped", ""), ("moved", moved.as_str())] {
        std::fs::create_dir(at(name)).unwrap();
        let newer = at(&format!("{name}/2.toml"));
        write_policy(&newer, &policy_text(&ROSTER, &format!("{}{epochs}", RULES.replace("version = 1", &version))));
        for (days, epochs) in [(3, 1), (4, 2)] {
            let of = |what: &str| at(&format!("{name}-{days}-{what}"));
            let broker = Broker::create(&of("broker"), stored_keys(&of("keys")), &at("1.toml"), START).unwrap();
            broker.accept_clock(midnight(days)).unwrap();
            let adopted = broker.adopt_policy(&newer, midnight(days)).map_err(|error| error.code());
            assert_eq!(adopted.is_ok(), epochs == 1, "{name}, {days}: {adopted:?}");
            assert_eq!(broker.status().epochs.len(), epochs);
        }
    }
}

/// A version that lets an organisation join is adopted late, and where its epoch has shown flags, another takes its
/// place.
#[test]
fn one_joins_until_its_first_epoch_has_shown_flags() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let epoch = |number: u32, opens: &str| {
        format!("[[epoch]]\nnumber = {number}\nkey_id = \"{number:032}\"\nopens = {opens}\ncloses = 2027-11-30\n")
    };
    let rules = RULES.to_owned() + &epoch(2, "2026-12-02");
    let first = policy_text(&ROSTER, &rules);
    write_policy(&at("1.toml"), &first);
    let previous = format!("version = 2\nprevious = \"{}\"", signed(&first).digest());
    let mut roster = ROSTER.to_vec();
    roster.push(Entry { number: 7, organisation: "brandweer", may: r#""flag", "ask""#, sees: "count" });
    let slug = "slug = \"brandweer\"\n";
    let joins =
        |rules: &str, epoch: u32| policy_text(&roster, rules).replace(slug, &format!("{slug}first_epoch = {epoch}\n"));
    let second = joins(&rules.replace("version = 1", &previous), 2);
    write_policy(&at("2.toml"), &second);

    let broker = Broker::create(&at("broker"), stored_keys(&at("keys")), &at("1.toml"), START).unwrap();
    broker.release(midnight(3)).unwrap();
    assert_eq!(broker.status().epochs.len(), 2, "its first epoch opened two days ago");
    broker.adopt_policy(&at("2.toml"), midnight(3)).unwrap();

    let broker = Broker::create(&at("late"), stored_keys(&at("late-keys")), &at("1.toml"), START).unwrap();
    (1..9).for_each(|days| drop(broker.release(midnight(days)).unwrap()));
    // The broker comes to the first full release of epoch 2 and to the version at once: the release comes first.
    let late = broker.adopt_policy(&at("2.toml"), midnight(9)).unwrap_err();
    assert!(late.code() == "policy_successor" && late.to_string().contains("begin to flag in epoch 2"), "{late}");
    let voids = format!("{previous}\nvoids = [\"{}\"]", signed(&second).digest());
    // Two epochs are open at a time.
    let third = rules
        .replace("version = 1", &voids)
        .replace("valid_from = 2026-12-01", "valid_from = 2026-12-10")
        .replacen("closes = 2027-11-30", "closes = 2026-12-19", 1);
    let third = joins(&(third + &epoch(3, "2026-12-20")), 3);
    write_policy(&at("3.toml"), &third);
    let differences = broker.adopt_policy(&at("3.toml"), midnight(9)).unwrap();
    assert!(differences.iter().any(|line| line.starts_with("VOID WITH THIS")), "{differences:?}");
    assert_eq!(broker.adopt_policy(&at("2.toml"), midnight(9)).unwrap_err().code(), "policy_successor");
}

#[test]
fn a_broker_needs_the_keys_its_policy_names() {
    let other = stapel::secret::SigningKey::from_seed(&[9; 32]).unwrap();
    let keys = stapel::BrokerKeys::in_memory(other, checkpoint_key());
    assert_eq!(Broker::in_memory(keys, policy(), &[], START).unwrap_err().code(), "policy_operator");
    let early = Timestamp(START.0 - DAY);
    assert_eq!(Broker::in_memory(broker_keys(), policy(), &[], early).unwrap_err().code(), "policy_not_yet");
}

/// Every byte flipped and every cut: nothing of the broker changes but numbers.
#[test]
fn mutated_messages_change_nothing() {
    let policy = policy();
    let broker = broker(&policy);
    let mut clients = everyone(&broker, &policy, &[&[1], &[1], &[1], &[], &[]], START);
    let now = midnight(1);
    broker.release(now).unwrap();
    let client = &mut clients[0];
    let rows = [pseudonym(2), pseudonym(3)];
    let deltas = Request::Delta(Delta { flagged: groups(&rows, MARCH), withdrawn: &[pseudonym(1)] });
    let question = Request::Question(Question { sweep: None, pseudonyms: &rows });
    for request in [deltas, question] {
        let before = broker.status();
        let message = client.message(&request, now);
        for at in 0..message.len() {
            for bits in [0x01, 0x80, 0xff] {
                let mut mutated = message.clone();
                mutated[at] ^= bits;
                assert!(matches!(read(&broker.handle(&mutated, now)), Reply::Rejection(_)), "byte {at}");
            }
            assert!(matches!(read(&broker.handle(&message[..at], now)), Reply::Rejection(_)), "cut at {at}");
        }
        assert_eq!(broker.status(), before);
        assert_eq!(code(&client.send(&broker, &message, now)), "ok", "not even its number was used");
    }
}

#[test]
fn counts_do_not_depend_on_the_order_of_partners() {
    let policy = policy();
    let flags: [&[u8]; 5] = [&[1, 2, 3], &[2, 3, 4], &[3, 4, 5], &[1, 3, 5], &[2]];
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]];
    let answers = orders.map(|order| {
        let broker = broker(&policy);
        let mut clients: Vec<Client> = ROSTER.iter().map(|entry| Client::new(entry.number, &policy)).collect();
        for partner in order {
            assert_eq!(code(&full_set(&mut clients[partner], &broker, flags[partner], START)), "ok");
        }
        standings(ask(&mut clients[0], &broker, &[1, 2, 3, 4, 5], midnight(1)))
    });
    assert_eq!(answers[0], [2, 3, 3, 1, 1]);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

/// Whoever signs once with a partner's key must not leave the partner without numbers.
#[test]
fn no_message_uses_up_all_the_numbers() {
    let policy = signed(&policy_text(&ROSTER, RULES));
    let broker = broker(&policy);
    let mut client = Client::new(1, &policy);
    for kind in [Kind::Confirm, Kind::Question] {
        let asked = Request::Question(Question { sweep: None, pseudonyms: &[pseudonym(1)] });
        let body = if kind == Kind::Question { asked.encode().unwrap() } else { vec![] };
        for (leap, used) in [(u64::MAX, false), ((1 << 32) + 1, false), (1 << 32, true)] {
            let header = Header { sequence: leap, ..client.header(kind, START) };
            let reply = broker.handle(&message::sign(&header, &body, &key(1)).unwrap(), START);
            let Reply::Rejection(rejection) = read(&reply) else {
                assert!(used && kind == Kind::Question);
                continue;
            };
            if used {
                assert_ne!(rejection.code, Code::Stale, "so far a number may be above the highest");
            } else {
                assert_eq!((rejection.code, rejection.number), (Code::Stale, 1), "the number is not used by this");
            }
        }
    }
}

/// What a rejection says must not depend on the order of tags, which only the broker can make.
#[test]
fn days_that_no_flag_may_have_are_said_whatever_else_is_wrong() {
    let policy = signed(&policy_text(&ROSTER, RULES));
    let broker = broker(&policy);
    let mut client = Client::new(1, &policy);
    let set = |client: &mut Client, flags: &[u8], now| {
        let pseudonyms: Vec<_> = flags.iter().map(|number| pseudonym(*number)).collect();
        let flagged = vec![Group { terms: until(day("2027-04-30")), pseudonyms: &pseudonyms }];
        let part = Part { number: 1, of: 1 };
        client.say(&broker, &Request::FullSet(FullSet { shrink: false, part, flagged }), now)
    };
    assert_eq!(code(&set(&mut client, &[1, 2, 3], START)), "ok");
    let later = START.plus(86_400);
    let mut said = BTreeSet::new();
    for number in 10..60 {
        let (own, passed, far) = ([pseudonym(1)], [pseudonym(number)], [pseudonym(number + 100)]);
        let [passed, own, far] = [("2026-11-30", &passed), ("2027-05-31", &own), ("2027-08-31", &far)]
            .map(|(last_day, pseudonyms)| Group { terms: until(day(last_day)), pseudonyms });
        let flagged = vec![passed, own, far];
        let reply = client.say(&broker, &Request::Delta(Delta { flagged, withdrawn: &[] }), later);
        let Reply::Rejection(rejection) = reply else { panic!("accepted") };
        said.insert((rejection.code, rejection.sentence.clone()));
        let flagged = vec![own, far];
        let reply = client.say(&broker, &Request::Delta(Delta { flagged, withdrawn: &[] }), later);
        let Reply::Rejection(rejection) = reply else { panic!("accepted") };
        said.insert((rejection.code, rejection.sentence.clone()));
    }
    let codes: Vec<_> = said.iter().map(|(code, _)| *code).collect();
    assert_eq!((said.len(), codes.contains(&Code::Clock), codes.contains(&Code::NotPermitted)), (2, true, true));
}

//! Eight threads ask while four deliver and one makes releases: every answer is of exactly one release.
//!
//! The model records what each release shows. Deliverers and the releaser record what they did; who asks waits for
//! nobody, and is checked afterwards against the release that its answer names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use stapel::message::{Answer, Code, Delta, FullSet, Group, Part, Question, Reply, Request};
use stapel::{Broker, Pseudonym, Timestamp};
use stapel_testkit::{
    Client, Entry, RULES, START, code, day, policy_text, pseudonym, signed, stored_keys, until, write_policy,
};

const HOUR: u64 = 3_600;
const RELEASES: u64 = 25;
const PSEUDONYMS: u8 = 120;

/// Four who deliver, of an organisation each, and eight who ask.
const DELIVERERS: usize = 4;
const ASKERS: usize = 8;
const ROSTER: [Entry; DELIVERERS + ASKERS] = [
    deliverer(1, "politie"),
    deliverer(2, "belastingdienst"),
    deliverer(3, "zaanwonen"),
    deliverer(4, "gemeente"),
    asker(5),
    asker(6),
    asker(7),
    asker(8),
    asker(9),
    asker(10),
    asker(11),
    asker(12),
];

const fn deliverer(number: u16, organisation: &'static str) -> Entry {
    Entry { number, organisation, may: r#""flag", "ask""#, sees: "count" }
}

const fn asker(number: u16) -> Entry {
    deliverer(number, "gemeente")
}

/// Whether a deliverer flags a pseudonym in its message of a round: of each pair of pseudonyms it flags one, so that a
/// mixture of two releases shows, and which one is another in every round.
fn flags(partner: usize, round: u64) -> BTreeSet<u8> {
    let side = |flag: &u8| {
        let pair = u64::from(flag / 2);
        let hash =
            (pair + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(round.wrapping_mul(0xbf58_476d_1ce4_e5b9));
        ((hash ^ (partner as u64).wrapping_mul(0x94d0_49bb_1331_11eb)) >> 40) % 2 == u64::from(flag % 2)
    };
    (0..PSEUDONYMS).filter(side).collect()
}

fn rows(flags: impl IntoIterator<Item = u8>) -> Vec<Pseudonym> {
    flags.into_iter().map(pseudonym).collect()
}

/// What the partners hold, and what each release shows of it.
#[derive(Default)]
struct Model {
    held: [BTreeSet<u8>; DELIVERERS],
    shown: [BTreeSet<u8>; DELIVERERS],
    /// Whether a first full release took place.
    answers: bool,
    releases: BTreeMap<u64, [BTreeSet<u8>; DELIVERERS]>,
}

fn standings(released: &[BTreeSet<u8>; DELIVERERS]) -> Vec<u8> {
    let sources = released.iter().filter(|flags| !flags.is_empty()).count();
    let standing = |flag| match released.iter().filter(|flags| flags.contains(&flag)).count() {
        count if count < 2 || sources < 3 => 0,
        count => count.min(3) as u8,
    };
    (0..PSEUDONYMS).map(standing).collect()
}

#[test]
fn every_answer_is_of_exactly_one_release() {
    let (head, rest) = RULES.split_once("[budgets]").unwrap();
    let epochs = &rest[rest.find("[[epoch]]").unwrap()..];
    let tables = r#"[[override]]
rule = "own-flag"
reason = "every number is looked at"
[[override]]
rule = "names-somebody"
reason = "every number is looked at"
[[override]]
rule = "first-set"
reason = "no budget is to end"
[counting]
own_flag_required = false
[release]
interval_hours = 1
[budgets]
new_flags_a_day = 10000000
asked_a_day = 10000000
asked_an_epoch = 100000000
"#;
    let text = policy_text(&ROSTER, &format!("{head}{tables}{epochs}"));
    let policy = signed(&text);
    let folder = tempfile::tempdir().unwrap();
    write_policy(&folder.path().join("policy.toml"), &text);
    let keys = stored_keys(&folder.path().join("keys"));
    let broker =
        Broker::create(&folder.path().join("broker"), keys, &folder.path().join("policy.toml"), START).unwrap();

    let clock = AtomicU64::new(START.0);
    let model = Mutex::new(Model::default());
    let first = broker.status().epochs[0].release;
    model.lock().unwrap().releases.insert(first, Default::default());
    let done = AtomicBool::new(false);
    let ready = Barrier::new(DELIVERERS + ASKERS + 1);
    let now = || Timestamp(clock.load(Ordering::SeqCst));

    let deliver = |partner: usize| {
        let mut client = Client::new(ROSTER[partner].number, &policy);
        ready.wait();
        let mut round = 0;
        while !done.load(Ordering::SeqCst) {
            let after = flags(partner, round);
            let flagged = rows(after.iter().copied());
            let flagged = vec![Group { terms: until(day("2027-03-31")), pseudonyms: &flagged }];
            // Who else delivers and who releases waits here, so that it is known what a release has; who asks does not.
            let mut model = model.lock().unwrap();
            let withdrawn = rows(model.held[partner].difference(&after).copied());
            let request = if round % 7 == 0 {
                Request::FullSet(FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged })
            } else {
                Request::Delta(Delta { flagged, withdrawn: &withdrawn })
            };
            let reply = client.say(&broker, &request, now());
            let Reply::Receipt(receipt) = reply else { panic!("{}", code(&reply)) };
            assert_eq!(receipt.held as usize, after.len());
            model.held[partner] = after;
            drop(model);
            round += 1;
            thread::sleep(std::time::Duration::from_millis(1));
        }
        round
    };

    let ask = |at: usize| {
        let mut client = Client::new(ROSTER[DELIVERERS + at].number, &policy);
        let asked = rows(0..PSEUDONYMS);
        let mut answers: Vec<Answer> = vec![];
        ready.wait();
        while !done.load(Ordering::SeqCst) {
            let mut at = now();
            let message = client.message(&Request::Question(Question { sweep: None, pseudonyms: &asked }), at);
            loop {
                match client.send(&broker, &message, at) {
                    Reply::Answer(answer) => break answers.push(answer),
                    Reply::Rejection(rejection) if rejection.code == Code::NotYetAnswering => break,
                    // A release took place after this thread looked at the clock. Then the same bytes are to be sent
                    // again.
                    other => assert!(code(&other) == "unavailable" && now() > at, "{}", code(&other)),
                }
                at = now();
            }
        }
        answers
    };

    let release = || {
        ready.wait();
        for _ in 0..RELEASES {
            // The clock moves on only when everything accepted is known, and the release that is due is made and
            // written down before anything else is accepted. Questions may be what makes it: then it is there already.
            let mut model = model.lock().unwrap();
            let hour = Timestamp(clock.load(Ordering::SeqCst) / HOUR * HOUR + HOUR);
            clock.store(hour.0, Ordering::SeqCst);
            broker.release(hour).unwrap();
            let number = broker.status().epochs[0].release;
            let shown = model.shown.clone();
            let changed = (0..DELIVERERS).filter(|at| !model.held[*at].is_subset(&shown[*at])).count();
            let delivered = model.held.iter().filter(|held| !held.is_empty()).count();
            if if model.answers { changed >= 3 } else { delivered == DELIVERERS } {
                model.shown = model.held.clone();
                model.answers = true;
            } else if hour == hour.day().start() {
                // What was withdrawn goes at the turn of the day.
                let Model { held, shown, .. } = &mut *model;
                shown.iter_mut().zip(held).for_each(|(shown, held)| shown.retain(|flag| held.contains(flag)));
            }
            // Where too little changed there is no release, or at the turn of the day one that shows nothing new.
            let shown = model.shown.clone();
            model.releases.entry(number).or_insert(shown);
            drop(model);
            thread::sleep(std::time::Duration::from_millis(20));
        }
        done.store(true, Ordering::SeqCst);
    };

    let (rounds, answers) = thread::scope(|scope| {
        let deliverers: Vec<_> = (0..DELIVERERS).map(|partner| scope.spawn(move || deliver(partner))).collect();
        let askers: Vec<_> = (0..ASKERS).map(|at| scope.spawn(move || ask(at))).collect();
        scope.spawn(release).join().unwrap();
        let rounds: Vec<u64> = deliverers.into_iter().map(|thread| thread.join().unwrap()).collect();
        let answers: Vec<Vec<Answer>> = askers.into_iter().map(|thread| thread.join().unwrap()).collect();
        (rounds, answers)
    });

    let model = model.into_inner().unwrap();
    let mut seen = BTreeSet::new();
    for answers in &answers {
        assert!(answers.is_sorted_by_key(|answer| answer.release), "nobody is told of an older release again");
        for answer in answers {
            let released = &model.releases[&answer.release];
            assert_eq!(answer.standings, standings(released), "release {}", answer.release);
            seen.insert(answer.release);
        }
    }
    assert!(rounds.iter().all(|round| *round > 5), "every deliverer delivered: {rounds:?}");
    assert!(seen.len() as u64 > RELEASES / 2, "only {} releases were asked about", seen.len());
}

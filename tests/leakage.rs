//! The leakage profile of spec/threats.md, section 2: a test for each line that can be tested, named by it.
//!
//! Most of them put one partner in two worlds that differ only in what the others do, and demand that it is told the
//! same. The numbers of the log are left out of that: they differ, as line L7 says.

use stapel::audit::UnverifiedCheckpoint;
use stapel::broker::{Overview, Stacks};
use stapel::message::{
    self, Answer, Delta, Entry as TalkEntry, EntryKind, Exchange, FullSet, Group, Header, Kind, LogEntry, Part, Post,
    PutForward, Question, RenewalReason, Reply, Request, Role, StatusRequest, Terms, Unverified, Year, YearCell,
};
#[cfg(feature = "partner")]
use stapel::partner::NewNote;
use stapel::policy::SignedPolicy;
use stapel::secret::KeyId;
use stapel::talk::{ConversationId, RowCode, Subject};
use stapel::{AddressKey, Broker, Day, Pseudonym, Timestamp};
use stapel_testkit::*;

#[cfg(feature = "partner")]
use crate::after_a_hit::{by, home, stacked};

/// The last valid day of a flag that is to outlast a test.
const MARCH: &str = "2027-03-31";
const DECEMBER: &str = "2026-12-31";

/// A broker with its partners, in the roster's order.
struct World {
    broker: Broker,
    clients: Vec<Client>,
}

/// What a partner is told, but for the number of the log.
#[derive(Debug, PartialEq)]
enum Told {
    Signed(Box<Header>, Reply),
    Unsigned(Reply),
}

impl World {
    /// All partners of `roster`, each with the first full set that `flags` has for it.
    fn of(roster: &[Entry], policy: &SignedPolicy, flags: &[&[u8]]) -> World {
        let clients = roster.iter().map(|entry| Client::new(entry.number, policy)).collect();
        let mut world = World { broker: broker(policy), clients };
        for (at, flags) in flags.iter().enumerate() {
            assert_eq!(code(&world.full_set(at, flags, START)), "ok");
        }
        world
    }

    /// The five partners of the common roster.
    fn new(flags: [&[u8]; 5]) -> World {
        World::of(&ROSTER, &signed(&policy_text(&ROSTER, RULES)), &flags)
    }

    fn full_set(&mut self, at: usize, flags: &[u8], now: Timestamp) -> Reply {
        let rows = rows(flags);
        let flagged = groups(&rows, MARCH);
        let part = Part { number: 1, of: 1 };
        self.say(at, &Request::FullSet(FullSet { shrink: true, part, flagged }), now)
    }

    fn delta(&mut self, at: usize, flags: &[u8], withdrawn: &[u8], last: &str, now: Timestamp) -> Reply {
        let (flags, withdrawn) = (rows(flags), rows(withdrawn));
        let flagged = groups(&flags, last);
        self.say(at, &Request::Delta(Delta { flagged, withdrawn: &withdrawn }), now)
    }

    fn ask(&mut self, at: usize, asked: &[u8], now: Timestamp) -> Answer {
        self.question(at, None, asked, now)
    }

    fn sweep(&mut self, at: usize, asked: &[u8], now: Timestamp) -> Answer {
        self.question(at, Some("brand"), asked, now)
    }

    fn question(&mut self, at: usize, sweep: Option<&str>, asked: &[u8], now: Timestamp) -> Answer {
        let sweep = sweep.map(|reason| reason.parse().unwrap());
        match self.say(at, &Request::Question(Question { sweep, pseudonyms: &rows(asked) }), now) {
            Reply::Answer(answer) => answer,
            other => panic!("{}", code(&other)),
        }
    }

    fn say(&mut self, at: usize, request: &Request<'_>, now: Timestamp) -> Reply {
        self.broker.accept_clock(now).unwrap();
        unlogged(self.clients[at].say(&self.broker, request, now))
    }

    /// Hands the broker any bytes.
    fn told(&self, bytes: &[u8], now: Timestamp) -> Told {
        self.broker.accept_clock(now).unwrap();
        let reply = self.broker.handle(bytes, now);
        let unverified = Unverified::parse(&reply, Role::Broker).unwrap();
        if let Some(hint) = unverified.danger_unsigned_rejection() {
            return Told::Unsigned(unlogged(Reply::Rejection(hint)));
        }
        let verified = unverified.verify(&operator_key().verifying_key()).unwrap();
        Told::Signed(Box::new(verified.header().clone()), unlogged(verified.reply().unwrap()))
    }
}

/// Two worlds in which politie flags 1 to 3; what the others flag is wholly different.
fn two_worlds() -> [World; 2] {
    let own: &[u8] = &[1, 2, 3];
    [World::new([own, &[1, 2], &[1, 9], &[1, 2], &[2]]), World::new([own, &[8], &[7, 8], &[6], &[5]])]
}

/// A reply without what is random of it: where in the log it stands, and the log's root.
fn unlogged(mut reply: Reply) -> Reply {
    let log = match &mut reply {
        Reply::Receipt(receipt) => &mut receipt.log,
        Reply::Answer(answer) => &mut answer.log,
        Reply::Status(status) => &mut status.log,
        Reply::Rejection(rejection) => &mut rejection.log,
        Reply::Kept(kept) => &mut kept.log,
        Reply::Post(post) => &mut post.log,
        Reply::Totals(totals) => &mut totals.log,
        _ => panic!("no reply of this test"),
    };
    *log = LogEntry::NONE;
    if let Reply::Post(post) = &mut reply {
        // A hash under the broker's own random pepper.
        for entry in &mut post.entries {
            if let EntryKind::Introduced { conversation, .. } = &mut entry.told {
                *conversation = ConversationId::NONE;
            }
        }
    }
    if let Reply::Status(status) = &mut reply {
        // The root is over lines with salts of their own, so of a checkpoint only the size can say anything.
        let size = UnverifiedCheckpoint::parse(&status.checkpoint).unwrap().claimed_size();
        status.checkpoint = size.to_string().into_bytes();
    }
    reply
}

fn rows(numbers: &[u8]) -> Vec<Pseudonym> {
    numbers.iter().map(|number| pseudonym(*number)).collect()
}

fn groups<'a>(rows: &'a [Pseudonym], last: &str) -> Vec<Group<'a>> {
    if rows.is_empty() { vec![] } else { vec![Group { terms: until(day(last)), pseudonyms: rows }] }
}

/// The midnight that many days after the start, at which a release takes place.
fn midnight(days: u64) -> Timestamp {
    Timestamp((START.0 / DAY + days) * DAY)
}

#[test]
fn l4_who_is_not_authenticated_is_told_nothing_of_flags() {
    let [one, two] = two_worlds();
    let policy = signed(&policy_text(&ROSTER, RULES));
    let mut client = Client::new(1, &policy);
    let good = client.message(&Request::Confirm, midnight(1));
    let signed_as = |header: Header, number: u16| message::sign(&header, &[], &key(number)).unwrap();
    let header = client.header(Kind::Confirm, midnight(1));
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let strange = [
        (vec![], "malformed"),
        (good[..good.len() - 1].to_vec(), "malformed"),
        (vec![1; message::MAX_MESSAGE + 1], "too_large"),
        (flipped, "bad_signature"),
        (signed_as(header.clone(), 2), "bad_signature"),
        (signed_as(Header { partner: 99, ..header.clone() }, 1), "unknown_partner"),
        (signed_as(Header { consortium: "elders".parse().unwrap(), ..header }, 1), "wrong_consortium"),
    ];
    for (bytes, expected) in strange {
        let told = one.told(&bytes, midnight(1));
        assert_eq!(told, two.told(&bytes, midnight(1)));
        let Told::Unsigned(rejection) = told else { panic!("{expected} is signed") };
        assert_eq!(code(&rejection), expected);
    }
}

/// Messages of politie that are rejected, each for another reason.
fn rejected(world: &mut World, now: Timestamp) -> Vec<(Vec<u8>, &'static str)> {
    let client = &mut world.clients[0];
    let many = numbered(0..10_001);
    let new = numbered(1 << 100..(1 << 100) + 1_001);
    let ask = |sweep: Option<&str>, pseudonyms| {
        Request::Question(Question { sweep: sweep.map(|reason| reason.parse().unwrap()), pseudonyms }).encode().unwrap()
    };
    let add = |rows, last| Request::Delta(Delta { flagged: groups(rows, last), withdrawn: &[] }).encode().unwrap();
    let none = FullSet { shrink: false, part: Part { number: 1, of: 1 }, flagged: vec![] };
    let (one, other) = ([pseudonym(1)], [pseudonym(2)]);
    let mut made = Vec::new();
    let mut make = |kind, body: Vec<u8>, code, change: &dyn Fn(&mut Header)| {
        let mut header = client.header(kind, now);
        change(&mut header);
        made.push((message::sign(&header, &body, &key(1)).unwrap(), code));
    };
    make(Kind::Question, ask(None, &many), "over_budget", &|_| ());
    make(Kind::Question, ask(Some("brand"), &one), "not_permitted", &|_| ());
    make(Kind::Question, b"\0".to_vec(), "malformed", &|_| ());
    make(Kind::Question, ask(None, &other), "stale", &|header| header.sequence = 1);
    make(Kind::Question, ask(None, &one), "clock", &|header| header.time = START.plus(90 * DAY));
    make(Kind::Question, ask(None, &one), "wrong_policy", &|header| header.policy = stapel::Digest::NONE);
    make(Kind::Question, ask(None, &one), "wrong_epoch", &|header| header.epoch = 9);
    make(Kind::Question, ask(None, &one), "wrong_purpose", &|header| header.purpose = "zorg".parse().unwrap());
    make(Kind::Question, ask(None, &one), "wrong_key_id", &|header| header.key_id.0[0] ^= 1);
    make(Kind::Confirm, vec![], "gap", &|header| header.previous += 9);
    make(Kind::Delta, add(&new, MARCH), "over_budget", &|_| ());
    make(Kind::Delta, add(&one, "2027-05-31"), "renewal_not_declared", &|_| ());
    let old = vec![Group { terms: Terms { first_day: Day(1), ..until(day(MARCH)) }, pseudonyms: &other }];
    let old = Request::Delta(Delta { flagged: old, withdrawn: &[] }).encode().unwrap();
    make(Kind::Delta, old, "too_many_renewals", &|_| ());
    make(Kind::Delta, add(&one, "2026-10-31"), "clock", &|_| ());
    make(Kind::FullSet, Request::FullSet(none).encode().unwrap(), "shrink", &|_| ());
    made
}

#[test]
fn l5_a_rejection_says_nothing_of_the_flags_of_others() {
    let [mut one, mut two] = two_worlds();
    let now = midnight(1);
    // So that the number 1 was used.
    one.ask(0, &[1], now);
    two.ask(0, &[1], now);
    let messages = rejected(&mut one, now);
    assert_eq!(messages, rejected(&mut two, now));
    for (bytes, expected) in messages {
        let told = one.told(&bytes, now);
        let Told::Signed(_, reply) = &told else { panic!("{expected} is not signed") };
        assert_eq!(code(reply), expected);
        assert_eq!(told, two.told(&bytes, now));
    }
}

#[test]
fn l6_others_learn_nothing_of_a_rejected_message() {
    let [mut quiet, _] = two_worlds();
    let [mut loud, _] = two_worlds();
    loud.ask(0, &[1], midnight(1));
    for (bytes, expected) in rejected(&mut loud, midnight(1)) {
        let Told::Signed(_, reply) = loud.told(&bytes, midnight(1)) else { panic!() };
        assert_eq!(code(&reply), expected);
    }
    for days in [1, 2, 9] {
        for at in 1..5 {
            assert_eq!(quiet.ask(at, &[1, 2, 9], midnight(days)), loud.ask(at, &[1, 2, 9], midnight(days)));
        }
    }
}

#[test]
fn l9_a_receipt_says_nothing_of_the_flags_of_others() {
    let [mut one, mut two] = two_worlds();
    for (flags, withdrawn) in [(&[4, 8][..], &[1, 9][..]), (&[2, 7], &[]), (&[], &[3])] {
        let receipts = [&mut one, &mut two].map(|world| world.delta(0, flags, withdrawn, DECEMBER, midnight(1)));
        assert!(matches!(&receipts[0], Reply::Receipt(receipt) if receipt.held > 0));
        assert_eq!(receipts[0], receipts[1]);
    }
    assert_eq!(one.full_set(0, &[1, 8], midnight(1)), two.full_set(0, &[1, 8], midnight(1)));
    // What was withdrawn is flagged again, and renewed: its first day is the sender's own, whoever else flags it.
    let pseudonyms = rows(&[2, 3]);
    for (last, renewal) in [("2027-05-31", None), ("2027-05-31", Some(RenewalReason::ObservedAgain))] {
        let told = [&mut one, &mut two].map(|world| {
            let terms = Terms { renewal, ..until(day(last)) };
            let flagged = vec![Group { terms, pseudonyms: &pseudonyms }];
            world.say(0, &Request::Delta(Delta { flagged, withdrawn: &[] }), midnight(10))
        });
        assert_eq!(code(&told[0]), if renewal.is_some() { "ok" } else { "renewal_not_declared" });
        assert_eq!(told[0], told[1]);
        if let Reply::Receipt(receipt) = &told[0] {
            assert_eq!((receipt.added, receipt.renewed), (2, 2));
        }
    }
}

#[test]
fn l10_l22_l24_between_two_releases_an_answer_stays_what_it_is() {
    let [mut world, _] = two_worlds();
    let asked = [1, 2, 3, 9];
    let before = world.ask(0, &asked, midnight(1));
    assert_eq!(before.standings, [3, 3, 0, 1]);
    let question =
        world.clients[0].message(&Request::Question(Question { sweep: None, pseudonyms: &rows(&asked) }), midnight(1));
    let reply = world.broker.handle(&question, midnight(1));
    let later = midnight(1).plus(DAY - 1);
    for at in 1..5 {
        assert_eq!(code(&world.delta(at, &[3], &[1, 2], MARCH, midnight(1).plus(60))), "ok");
        world.ask(at, &[1, 2, 3], midnight(1).plus(120));
    }
    world.sweep(3, &[1, 2, 3], midnight(1).plus(180));
    assert_eq!(world.broker.handle(&question, later), reply, "the same question, sent again");
    assert_eq!(world.ask(0, &asked, later), before);
    assert_eq!(world.ask(0, &asked, midnight(2)).standings, [0, 0, 3, 1], "all of it shows with the release");
}

#[test]
fn l11_a_confirm_shows_as_a_number_from_the_next_release_on() {
    let [mut silent, _] = two_worlds();
    let [mut heard, _] = two_worlds();
    let sent = midnight(20).plus(60);
    for world in [&mut silent, &mut heard] {
        world.ask(0, &[1], sent);
    }
    heard.say(2, &Request::Confirm, sent);
    // Until the next release, and as long as all are fresh without it, nothing.
    for now in [sent.plus(60), midnight(21)] {
        assert_eq!(silent.ask(0, &[1, 2], now), heard.ask(0, &[1, 2], now));
    }
    let [without, with] = [&mut silent, &mut heard].map(|world| world.ask(0, &[1, 2], midnight(40)));
    assert_eq!((without.fresh, with.fresh), (0, 1));
    assert_eq!(Answer { fresh: 0, ..with }, without);
}

#[test]
fn l12_l13_order_cannot_be_told() {
    let [mut world, _] = two_worlds();
    let turned = rows(&[2, 1]);
    let bodies = [
        Request::Question(Question { sweep: None, pseudonyms: &turned }),
        Request::Delta(Delta { flagged: groups(&turned, MARCH), withdrawn: &[] }),
        Request::Delta(Delta { flagged: vec![], withdrawn: &turned }),
    ];
    for request in bodies {
        assert_eq!(code(&world.say(0, &request, midnight(1))), "malformed");
    }
}

#[test]
fn l14_who_does_not_flag_is_told_the_same_whatever_others_do() {
    let [mut one, mut two] = two_worlds();
    let strange = [5, 6, 7, 8, 9, 200];
    let answer = one.ask(0, &strange, midnight(1));
    assert_eq!(answer.standings, [1; 6]);
    assert_eq!(answer, two.ask(0, &strange, midnight(1)));
    // An own flag that is not released yet counts for nothing.
    for world in [&mut one, &mut two] {
        world.delta(0, &strange, &[], MARCH, midnight(1));
    }
    assert_eq!(one.ask(0, &strange, midnight(1)), two.ask(0, &strange, midnight(1)));
}

#[test]
fn l33_who_flags_one_home_learns_whether_its_house_number_is_stacked() {
    let key = |form: &str| AddressKey::from_canonical(form).unwrap();
    // No register has the first; its number is that of the others all the same.
    let (made_up, others) = (key("1012JS|1|ZZ"), [key("1012JS|1|A"), key("1012JS|1|B")]);
    assert!(others.iter().all(|other| other.number_key() == made_up.number_key()));
    const MADE_UP: u8 = 1;
    const OTHERS: [u8; 2] = [2, 3];
    const NUMBER: u8 = 4;
    let own: &[u8] = &[MADE_UP, NUMBER];
    let mut stacked = World::new([own, &[OTHERS[0], NUMBER], &[OTHERS[1], NUMBER], &[], &[]]);
    let mut alone = World::new([own, &[OTHERS[0]], &[OTHERS[1]], &[], &[]]);
    let asked = [MADE_UP, OTHERS[0], OTHERS[1], NUMBER];
    assert_eq!(stacked.ask(0, &asked, midnight(1)).standings, [0, 1, 1, 3]);
    assert_eq!(alone.ask(0, &asked, midnight(1)).standings, [0, 1, 1, 0]);
    // The number alone tells of the number as much, and of no home.
    let mut number_alone = World::new([&[NUMBER], &[OTHERS[0], NUMBER], &[OTHERS[1], NUMBER], &[], &[]]);
    assert_eq!(number_alone.ask(0, &asked, midnight(1)).standings, [1, 1, 1, 3]);
}

#[test]
fn l15_all_that_is_below_the_threshold_is_one_byte() {
    // 1 is stacked, so that there are sources; 7 is unknown, flagged by one, withdrawn, or expired.
    let mut worlds = [(); 4].map(|()| World::new([&[1], &[1], &[1], &[], &[]]));
    let [_, few, withdrawn, expired] = &mut worlds;
    few.delta(1, &[7], &[], MARCH, START);
    few.delta(2, &[8], &[], MARCH, START);
    for at in [1, 2] {
        withdrawn.delta(at, &[7], &[], MARCH, START);
        expired.delta(at, &[7], &[], DECEMBER, START);
    }
    assert_eq!(withdrawn.sweep(3, &[7], midnight(1)).standings, [255]);
    assert_eq!(expired.sweep(3, &[7], midnight(1)).standings, [255]);
    for at in [1, 2] {
        withdrawn.delta(at, &[], &[7], MARCH, midnight(1));
    }
    for world in &mut worlds {
        assert_eq!(world.sweep(3, &[1, 7], midnight(40)).standings, [255, 0]);
    }
}

#[test]
fn l16_with_few_sources_all_is_below_the_threshold() {
    let mut two_sources = World::new([&[1], &[1, 2], &[], &[], &[]]);
    let mut three = World::new([&[1], &[1], &[9], &[], &[]]);
    assert_eq!(two_sources.ask(0, &[1], midnight(1)).standings, [0]);
    assert_eq!(two_sources.sweep(3, &[1, 2, 3], midnight(1)).standings, [0, 0, 0]);
    assert_eq!(three.ask(0, &[1], midnight(1)).standings, [2]);
}

/// Ten organisations; the last three are those that ask, and each sees something else.
const MANY: [Entry; 10] = {
    const fn entry(number: u16, organisation: &'static str, sees: &'static str) -> Entry {
        Entry { number, organisation, may: r#""flag", "ask""#, sees }
    }
    [
        entry(1, "org-1", "presence"),
        entry(2, "org-2", "presence"),
        entry(3, "org-3", "presence"),
        entry(4, "org-4", "presence"),
        entry(5, "org-5", "presence"),
        entry(6, "org-6", "presence"),
        entry(7, "org-7", "presence"),
        entry(8, "org-8", "presence"),
        entry(9, "org-9", "band"),
        entry(10, "org-10", "count"),
    ]
};

#[test]
fn l17_l18_l19_a_number_shows_as_far_as_the_roster_says() {
    // Pseudonym n is flagged by n organisations: those who ask among them, and the first of the others.
    let flags: Vec<Vec<u8>> = (0..10u8).map(|at| (1..=10).filter(|n| at >= 7 || at + 3 < *n).collect()).collect();
    let flags: Vec<&[u8]> = flags.iter().map(Vec::as_slice).collect();
    let mut world = World::of(&MANY, &signed(&policy_text(&MANY, RULES)), &flags);
    let asked = [3, 4, 5, 6, 7, 8, 9, 10];
    let mut told = |at| world.ask(at, &asked, midnight(1)).standings;
    assert_eq!(told(7), [255; 8], "presence");
    assert_eq!(told(8), [2, 4, 4, 4, 4, 8, 8, 8], "the lower end of the band");
    assert_eq!(told(9), [3, 4, 5, 6, 7, 8, 9, 9], "the number, capped at one less than all");
}

#[test]
fn l20_systems_and_repetitions_do_not_count() {
    let mut once = World::new([&[1], &[1], &[9], &[1], &[]]);
    let mut often = World::new([&[1], &[1], &[9], &[1], &[1]]);
    for _ in 0..3 {
        for at in 1..5 {
            often.delta(at, &[9], &[], MARCH, START);
            often.delta(at, &[], &[9], MARCH, START);
        }
        often.full_set(1, &[1], START);
        often.full_set(2, &[9], START);
    }
    assert_eq!(once.ask(0, &[1], midnight(1)), often.ask(0, &[1], midnight(1)));
}

#[test]
fn l26_a_status_says_nothing_of_the_flags_of_others() {
    let worlds = two_worlds();
    let [one, two] = worlds.map(|mut world| {
        world.ask(0, &[1, 8], midnight(1));
        world.say(0, &Request::Status(StatusRequest::default()), midnight(1))
    });
    assert!(matches!(&one, Reply::Status(status) if status.held == 3 && status.release == START.0 + 1));
    assert_eq!(one, two);
}

#[test]
fn l28_a_turn_of_the_day_shows_no_new_flag() {
    let rules = format!("{RULES}[release]\ninterval_hours = 720\n");
    let policy = signed(&policy_text(&ROSTER, &rules));
    let mut world = World::of(&ROSTER, &policy, &[&[1, 2], &[2], &[9], &[2], &[]]);
    for at in [0, 1] {
        assert_eq!(code(&world.delta(at, &[3], &[], DECEMBER, START)), "ok");
    }
    // The last full release of the year, and then the first multiple of 720 hours of the next.
    let before = world.ask(0, &[1, 2, 3], midnight(28));
    assert_eq!(before.standings, [0, 3, 2]);
    for at in [1, 2, 3] {
        assert_eq!(code(&world.delta(at, &[1], &[2], MARCH, midnight(28).plus(60))), "ok");
    }
    let after = world.ask(0, &[1, 2, 3], midnight(31));
    assert!(after.release > before.release && midnight(30).day() == day(DECEMBER));
    // The asker's own flag on 3 ended too, so it is told no more than that.
    assert_eq!(after.standings, [0, 0, 1]);
    assert_eq!(world.ask(0, &[1, 2, 3], midnight(32)).standings, [3, 0, 1]);
}

#[test]
fn l10a_what_is_withdrawn_shows_from_the_next_turn_of_the_day_on_and_no_other_change() {
    let [mut quiet, _] = two_worlds();
    let [mut busy, _] = two_worlds();
    let asked = [1, 2, 3];
    for world in [&mut quiet, &mut busy] {
        assert_eq!(world.ask(0, &asked, midnight(1)).standings, [3, 3, 0]);
        assert_eq!(code(&world.delta(1, &[], &[1], MARCH, midnight(1).plus(60))), "ok");
        assert_eq!(code(&world.delta(2, &[], &[1], MARCH, midnight(1).plus(60))), "ok");
    }
    // New flags and later days of others do not show with it.
    assert_eq!(code(&busy.delta(1, &[3], &[], MARCH, midnight(1).plus(60))), "ok");
    assert_eq!(code(&busy.delta(3, &[2], &[], "2027-04-30", midnight(1).plus(60))), "ok");
    let told = [&mut quiet, &mut busy].map(|world| world.ask(0, &asked, midnight(2)));
    assert_eq!(told[0].standings, [2, 3, 0]);
    assert_eq!(told[0], told[1]);
}

/// The rules of a consortium of four, with a second epoch that opens on 20 December.
fn two_epochs() -> String {
    RULES.replace("closes = 2027-11-30", "closes = 2027-01-31")
        + "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2026-12-20\n\
           closes = 2027-11-30\n"
}

#[test]
fn l38_a_change_of_epochs_and_a_restore_tell_of_as_many_other_addresses() {
    let rules = two_epochs().replace("[budgets]", "[budgets]\nnew_flags_a_day = 1\nfirst_set_flags = 49");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_policy(&at("policy.toml"), &policy_text(&ROSTER, &rules));
    let keys = || stored_keys(&at("keys"));
    let broker = Broker::create(&at("broker"), keys(), &at("policy.toml"), START).unwrap();
    let mut clients: Vec<Client> = (1..5).map(|number| Client::new(number, &broker.policy())).collect();
    // Politie flags fifty, then fifty others, then fifty others again.
    let all: Vec<u8> = (0..150).collect();
    let deliver = |clients: &mut [Client], broker: &Broker, from: usize, epoch: u32, now: Timestamp| {
        for (client, place) in clients.iter_mut().zip(0..) {
            (client.epoch, client.key_id) = (epoch, KeyId([epoch as u8 * 0x11; 16]));
            let rows = rows(if place == 0 { &all[from..from + 50] } else { &all[..49] });
            let set = FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged: groups(&rows, MARCH) };
            assert_eq!(code(&client.say(broker, &Request::FullSet(set), now)), "ok", "{}", client.number);
        }
    };
    let now = day("2026-12-20").start();
    deliver(&mut clients, &broker, 0, 1, START);
    broker.accept_clock(now).unwrap();
    deliver(&mut clients, &broker, 50, 2, now);
    broker.backup(&at("copy"), now).unwrap();
    drop(broker);
    let restored = now.plus(60);
    let broker = Broker::restore(&at("copy"), &at("restored"), keys(), restored).unwrap();
    clients.iter_mut().for_each(|client| client.accepted = 0);
    deliver(&mut clients, &broker, 100, 2, restored.plus(60));
    let now = day("2026-12-21").start();
    broker.release(now).unwrap();
    let rows = rows(&all[100..]);
    match clients[0].say(&broker, &Request::Question(Question { sweep: None, pseudonyms: &rows }), now) {
        Reply::Answer(answer) => assert_eq!(answer.standings, [0; 50], "of each it is told that it is not stacked"),
        other => panic!("{}", code(&other)),
    }
}

/// Of each four addresses the first is flagged by none of three others, the next by one, and so on. The figures are
/// those of spec/threats.md, 4.1.
#[test]
fn l39_what_rises_at_a_change_of_epochs_is_what_a_joiner_flags() {
    let shown = ["presence", "count"].map(|sees| {
        let entry = |number, organisation| Entry { number, organisation, may: r#""flag", "ask""#, sees };
        let roster = [entry(1, "een"), entry(2, "twee"), entry(3, "drie"), entry(4, "vier"), entry(5, "vijf")];
        let version = format!("version = 2\nprevious = \"{}\"", "0".repeat(64));
        let (rules, slug) = (two_epochs().replace("version = 1", &version), "slug = \"vijf\"\n");
        let policy = signed(&policy_text(&roster, &rules).replace(slug, &format!("{slug}first_epoch = 2\n")));
        let all: Vec<u8> = (0..40).collect();
        let of = |least: u8| all.iter().copied().filter(|n| n % 4 >= least).collect::<Vec<u8>>();
        let flags = [&all, &of(1), &of(2), &of(3), &all].map(Vec::clone);
        let mut world = World::of(&roster, &policy, &flags.each_ref().map(Vec::as_slice)[..4]);
        let go_to = |client: &mut Client, epoch: u32| {
            (client.epoch, client.key_id) = (epoch, KeyId([epoch as u8 * 0x11; 16]));
        };
        for (at, flags) in flags.iter().enumerate() {
            go_to(&mut world.clients[at], 2);
            world.broker.accept_clock(midnight(19)).unwrap();
            assert_eq!(code(&world.full_set(at, flags, midnight(19))), "ok");
        }
        // The older one answers until max_wait_days after the newer one opened.
        go_to(&mut world.clients[0], 1);
        let before = world.ask(0, &all, midnight(25)).standings;
        go_to(&mut world.clients[0], 2);
        let after = world.ask(0, &all, midnight(26)).standings;
        before.iter().zip(&after).filter(|(before, after)| before != after).count()
    });
    assert_eq!(shown, [10, 20]);
}

#[test]
fn l51_a_message_more_adds_no_line_that_shows() {
    let policy = signed(&policy_text(&ROSTER, RULES));
    let mut world = World::of(&ROSTER, &policy, &[&[1], &[2], &[3], &[4], &[5]]);
    let shown = |world: &World, days| world.broker.overview(midnight(days)).log_size;
    let start = shown(&world, 0);
    for number in 10..14 {
        assert_eq!(code(&world.delta(1, &[number], &[], MARCH, START)), "ok");
        assert_eq!(shown(&world, 0), start);
    }
    world.broker.release(midnight(1)).unwrap();
    let signed = world.broker.overview(midnight(1)).checkpoint.unwrap().size;
    assert!(signed > start + 4, "{signed}");
    assert_eq!(shown(&world, 1), signed, "whoever is admitted has it too");
}

/// What partners send and are sent on each day after a hit, as it looks from outside, in a town where somebody has much
/// to say, or nobody anything.
#[cfg(feature = "partner")]
fn seen_after_a_hit(talks: bool) -> Vec<Vec<(usize, usize, u64)>> {
    const POLICE: u16 = 1;
    const TAX: u16 = 2;
    let mut town = stacked("direct = [[\"politie\", \"belastingdienst\"]]");
    let mut seen = Vec::new();
    for day in 2..9 {
        if talks && day == 2 {
            [POLICE, TAX].into_iter().for_each(|number| town.put_forward(number, home(1), noon(day)));
        }
        for number in 1..=5 {
            let now = noon(day);
            if number != 5 {
                town.deliver(number, now);
            }
            // A message that puts forward is seen in steps: L40.
            let step = |(length, reply, line): (usize, usize, u64)| (length.max(4_096), reply, line);
            seen.push(town.talk(number, now).into_iter().map(step).collect());
            let partner = town.partner(number);
            let known = partner.conversations().map(|one| one.number).next();
            let Some(conversation) = known else { continue };
            for written in 0..7 * u64::from(day < 6) {
                let text = format!("bericht {written}");
                partner.write_note(conversation, &NewNote::Text { text: &text, to: None }, &by(), now).unwrap();
            }
            if number == TAX && day == 6 {
                partner.leave(conversation, &by(), now).unwrap();
                partner.take_back([&home(1)], &by(), now).unwrap();
            }
        }
    }
    let notes = town.partner(POLICE).conversations().flat_map(|one| one.notes).count();
    assert_eq!(notes > 20, talks);
    seen
}

#[cfg(feature = "partner")]
#[test]
fn l59_there_are_as_many_messages_on_a_day_whatever_there_is_to_say() {
    let (quiet, busy) = (seen_after_a_hit(false), seen_after_a_hit(true));
    assert!(quiet.iter().all(|of_a_day| of_a_day.len() >= 4));
    assert!(quiet == busy, "{quiet:?} {busy:?}");
}

/// The common roster, under a policy by which all of its organisations meet directly.
fn world_that_meets(flags: [&[u8]; 5]) -> World {
    let meet = "[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n";
    World::of(&ROSTER, &signed(&policy_text(&ROSTER, &format!("{RULES}{meet}"))), &flags)
}

/// Has a partner put all of these forward, for 13 days, with a code for each other; how many are kept.
fn put_forward(world: &mut World, at: usize, numbers: &[u8], now: Timestamp) -> u32 {
    let own = world.clients[at].number;
    let receivers: Vec<u16> = (1..=5).filter(|other| *other != own).collect();
    let code_for = |receiver: u16, number: u8| {
        RowCode::from_bytes([own as u8, receiver as u8, number, 1].repeat(4).try_into().unwrap())
    };
    let codes = |number: u8| receivers.iter().map(|receiver| code_for(*receiver, number)).collect();
    let rows = numbers.iter().map(|number| (pseudonym(*number), codes(*number))).collect();
    let said = PutForward::new(now.day().plus(13), receivers.clone(), rows);
    match world.clients[at].say(&world.broker, &Request::PutForward(said), now) {
        Reply::Kept(kept) => kept.kept,
        other => panic!("{}", code(&other)),
    }
}

fn exchange(world: &mut World, at: usize, now: Timestamp) -> Post {
    match world.clients[at].say(&world.broker, &Request::Exchange(Exchange::default()), now) {
        Reply::Post(post) => post,
        other => panic!("{}", code(&other)),
    }
}

#[test]
fn l70_who_watches_does_not_see_for_whom_something_waits() {
    let worlds = [false, true].map(|are_hits| {
        let mut world = world_that_meets([&[1, 2], &[1, 3], &[1, 2], &[4], &[]]);
        let mut told = Vec::new();
        for days in 1..=12 {
            let now = midnight(days);
            world.broker.release(now).unwrap();
            for (at, numbers) in [[1, 2], [1, 3], [1, 2]].iter().enumerate().filter(|_| are_hits && days < 4) {
                assert_eq!(put_forward(&mut world, at, numbers, now), 2);
            }
            // Partner 3 does not fetch, whatever there is.
            for at in [0, 1, 3, 4] {
                exchange(&mut world, at, now);
            }
            let status = world.broker.status();
            let faults = status.faults_at(now, 99).into_iter().map(|fault| (fault.code, fault.since, fault.finding));
            told.push((faults.collect::<Vec<_>>(), status.after_hit.unwrap()));
        }
        let waited = exchange(&mut world, 2, midnight(12)).entries.len();
        assert_eq!(waited > 0, are_hits);
        told
    });
    assert_eq!(worlds[0], worlds[1]);
    let (faults, _) = worlds[0].last().unwrap();
    assert!(faults.iter().any(|(code, ..)| code == "not_fetched"), "{faults:?}");
}

#[test]
fn l71_who_watches_sees_of_no_row_on_which_day_it_came() {
    let flags: Vec<u8> = (1..=20).collect();
    let shown = [10, 19, 20].map(|many| {
        let mut world = world_that_meets([&flags, &[1, 100], &[2, 101], &[102], &[]]);
        let mut told = Vec::new();
        for days in 1..=31 {
            world.broker.release(midnight(days)).unwrap();
            if days == 24 {
                assert_eq!(put_forward(&mut world, 0, &flags[..many], midnight(days)), many as u32);
            }
            let shown = world.broker.status().after_hit.unwrap();
            told.push((shown.counted_on.unwrap().to_string(), shown.put_forward));
        }
        assert!(told[..30].iter().all(|one| *one == ("2026-12-01".to_owned(), 0)), "{told:?}");
        told.pop().unwrap()
    });
    let of_january = |number| ("2027-01-01".to_owned(), number);
    assert_eq!(shown, [of_january(10), of_january(10), of_january(20)]);
}

#[test]
fn l46_l47_l48_who_watches_sees_no_single_flag() {
    let numbers = |last: u8| (1..=last).collect::<Vec<u8>>();
    let policy = signed(&policy_text(&ROSTER, RULES));
    // Of two organisations 12 pseudonyms, or 13; of three none, or one.
    let worlds = [(12, vec![], 24), (13, vec![1], 25)].map(|(second, third, fourth)| {
        let (first, second, fourth) = (numbers(30), numbers(second), (100..100 + fourth).collect::<Vec<u8>>());
        World::of(&ROSTER, &policy, &[&first, &second, &third, &fourth, &[200]])
    });
    let [one, other] = worlds.map(|mut world| {
        let before = world.broker.overview(START);
        assert!(before.epochs[0].stacks.is_empty(), "no release shows it yet");
        for days in 1..=7 {
            world.broker.release(midnight(days)).unwrap();
        }
        let released = world.broker.overview(midnight(7));
        // What comes after the release changes nothing of that, though it is one of two organisations now.
        assert_eq!(code(&world.delta(2, &[20, 21, 22], &[], MARCH, midnight(7))), "ok");
        let after = world.broker.overview(midnight(7));
        assert_eq!(after.epochs[0].stacks, released.epochs[0].stacks);
        let flags =
            |overview: &Overview| overview.epochs[0].partners.iter().map(|one| one.released).collect::<Vec<_>>();
        assert_eq!(flags(&after), flags(&released));
        assert_eq!(after.budgets, released.budgets);
        released
    });
    let told = |stacks: &Stacks| (stacks.from, stacks.to, stacks.at_least);
    assert_eq!(one.epochs[0].stacks.iter().map(told).collect::<Vec<_>>(), [(2, None, 10)]);
    assert_eq!(one.epochs[0].partners.iter().map(|one| one.released).collect::<Vec<_>>(), [30, 10, 0, 20, 0]);
    assert_eq!(one.epochs[0].stacks, other.epochs[0].stacks);
    assert_eq!(one.budgets, other.budgets);
    let flags = |overview: &Overview| overview.epochs[0].partners.iter().map(|one| one.released).collect::<Vec<_>>();
    assert_eq!(flags(&one), flags(&other));
}

/// The coordinator's number, beside the common roster.
const COORDINATOR: u16 = 6;

/// Places of the clients of [`World::meeting`]: four of four organisations, the first two of which meet directly.
const POLITIE: usize = 0;
const BELASTINGDIENST: usize = 1;
const ZAANWONEN: usize = 2;
const GEMEENTE: usize = 3;
const REGIE: usize = 5;

/// When something is put forward, on that day and those after it.
const MORNING: u64 = 60;

impl World {
    /// The common roster and a coordinator, who meet after a hit; all flags are released on day 1.
    fn meeting(rules: &str, flags: [&[u8]; 5]) -> World {
        World::meeting_under(rules, &flags, |text| text)
    }

    /// The same, with changes to the policy; `flags` are those of the first partners of the roster.
    fn meeting_under(rules: &str, flags: &[&[u8]], change: impl Fn(String) -> String) -> World {
        let meet = "[meet]\ndirect = [[\"belastingdienst\", \"politie\"]]\n";
        let coordinator = format!(
            "{}[[partner]]\nnumber = {COORDINATOR}\nname = \"Coordinator\"\norganisation = \"regie\"\n\
             may = [\"coordinate\"]\nlegal_basis_coordinate = \"basis\"\n",
            organisation_text("regie")
        );
        let policy = signed(&change(policy_text(&ROSTER, &format!("{rules}{meet}")) + &coordinator));
        let mut world = World::of(&ROSTER, &policy, flags);
        world.clients.push(Client::new(COORDINATOR, &policy));
        world
    }

    /// All that is said from now on is of this epoch.
    fn go_to(&mut self, epoch: u32) {
        for client in &mut self.clients {
            (client.epoch, client.key_id) = (epoch, KeyId([epoch as u8 * 0x11; 16]));
        }
    }

    /// Puts all of these forward, and says what is kept. A partner does that once a day.
    fn put(&mut self, at: usize, numbers: &[u8], days: u64) -> Reply {
        let now = midnight(days).plus(MORNING);
        let sender = self.clients[at].number;
        let receivers: Vec<u16> = (1..=COORDINATOR).filter(|other| *other != sender).collect();
        let code =
            |number: u8, receiver: u16| [sender as u8, receiver as u8, number, 0xc0].repeat(4).try_into().unwrap();
        let codes = |number: u8| receivers.iter().map(|to| RowCode::from_bytes(code(number, *to))).collect();
        let rows = numbers.iter().map(|number| (pseudonym(*number), codes(*number))).collect();
        self.say(at, &Request::PutForward(PutForward::new(now.day().plus(9), receivers.clone(), rows)), now)
    }

    /// All that waits for a partner on a day, which it does not say to have read.
    fn post(&mut self, at: usize, days: u64) -> Post {
        match self.say(at, &Request::Exchange(Exchange::default()), midnight(days).plus(MORNING)) {
            Reply::Post(post) => post,
            other => panic!("{}", code(&other)),
        }
    }

    /// What a partner is told over some days: whether it is asked, and to whom it is introduced.
    fn told_of(&mut self, at: usize, days: u64) -> Vec<(&'static str, u16)> {
        let what = |entry: &TalkEntry| match entry.told {
            EntryKind::Asked { .. } => ("asked", 0),
            EntryKind::Introduced { partner, .. } => ("introduced", partner),
            _ => ("left", 0),
        };
        self.post(at, days).entries.iter().map(what).collect()
    }
}

#[test]
fn l53_what_is_kept_says_nothing_of_others() {
    // Politie flags 1 to 4 in all of them, and puts 1 to 5 forward.
    let own: &[u8] = &[1, 2, 3, 4];
    let mut alone = World::meeting(RULES, [own, &[8], &[9], &[7], &[6]]);
    let mut flagged = World::meeting(RULES, [own, &[1, 5], &[1, 2, 5], &[2, 4, 5], &[5]]);
    let mut forward = World::meeting(RULES, [own, &[1, 5], &[1, 2, 5], &[2, 4, 5], &[5]]);
    for (at, numbers) in [(BELASTINGDIENST, &[1, 5][..]), (ZAANWONEN, &[1, 2, 5]), (GEMEENTE, &[2, 4, 5])] {
        assert_eq!(code(&forward.put(at, numbers, 1)), "ok");
    }
    let more: Vec<u8> = (1..=40).collect();
    for (days, numbers) in [(1, &[1, 2, 3, 5][..]), (2, &[1, 3]), (3, &more), (4, &[])] {
        let kept = [&mut alone, &mut flagged, &mut forward].map(|world| world.put(POLITIE, numbers, days));
        if days == 1 {
            let Reply::Kept(first) = &kept[0] else { panic!("{}", code(&kept[0])) };
            assert_eq!((first.kept, first.unflagged, first.new), (3, 1, 3), "5 is no flag of its own");
            assert_eq!((first.new_left, first.held_left), (17, 197));
        }
        assert!(kept[0] == kept[1] && kept[0] == kept[2], "day {days}: {kept:?}");
    }
}

#[test]
fn l54_who_is_asked_is_told_that_somebody_put_it_forward_and_not_who() {
    let all: [&[u8]; 5] = [&[1], &[1], &[1], &[1], &[1]];
    let worlds: [&[usize]; 4] = [&[POLITIE], &[BELASTINGDIENST], &[GEMEENTE], &[POLITIE, BELASTINGDIENST, GEMEENTE]];
    let mut seen = worlds.map(|forward| {
        let mut world = World::meeting(RULES, all);
        for at in forward {
            assert_eq!(code(&world.put(*at, &[1], 1)), "ok");
        }
        let asked = world.post(ZAANWONEN, 2);
        assert_eq!(asked.entries.len(), 1);
        // It joins, and is still not told who the others are.
        world.put(ZAANWONEN, &[1], 2);
        assert_eq!(world.told_of(ZAANWONEN, 3), [("asked", 0), ("introduced", COORDINATOR)]);
        (asked, world.post(ZAANWONEN, 4))
    });
    let first = seen[0].clone();
    assert!(seen.iter_mut().all(|one| *one == first));
    let mut nobody = World::meeting(RULES, all);
    assert_eq!(nobody.told_of(ZAANWONEN, 2), []);

    // Politie meets two of three others by the coordinator alone: it is never asked, whoever puts it forward.
    let silent = [&[][..], &[ZAANWONEN], &[BELASTINGDIENST], &[ZAANWONEN, GEMEENTE]].map(|forward| {
        let mut world = World::meeting(RULES, all);
        for at in forward {
            assert_eq!(code(&world.put(*at, &[1], 1)), "ok");
        }
        (world.post(POLITIE, 2), world.post(POLITIE, 3))
    });
    assert!(silent.iter().all(|one| *one == silent[0]) && silent[0].0.entries.is_empty());
}

#[test]
fn l55_l58_who_is_introduced_is_told_of_nobody_else() {
    let rules = format!("{RULES}[counting]\nthreshold = 2\n");
    // Besides the two that are introduced one flags it, and in some worlds puts it forward too.
    let worlds = [(ZAANWONEN, false), (ZAANWONEN, true), (GEMEENTE, false), (GEMEENTE, true)];
    let seen = worlds.map(|(third, joins)| {
        let flags = |at: usize| if at == third { &[1][..] } else { &[9] };
        let mut world = World::meeting(&rules, [&[1], &[1], flags(ZAANWONEN), flags(GEMEENTE), &[8]]);
        world.put(POLITIE, &[1], 1);
        world.put(BELASTINGDIENST, &[1], 1);
        if joins {
            assert_eq!(code(&world.put(third, &[1], 1)), "ok");
        }
        let told = world.told_of(POLITIE, 2);
        assert_eq!(told, [("introduced", 2), ("introduced", COORDINATOR)]);
        let answer = world.ask(POLITIE, &[1], midnight(2).plus(MORNING));
        assert_eq!(answer.standings, [3], "one more than the two that it knows of");
        (world.post(POLITIE, 2), world.post(POLITIE, 3), answer)
    });
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[test]
fn l56_the_coordinator_is_told_who_put_it_forward_and_no_pseudonym() {
    const NUMBER: u8 = 161;
    let flags: [[&[u8]; 5]; 3] = [
        [&[NUMBER], &[9], &[NUMBER], &[9], &[9]],
        [&[NUMBER], &[NUMBER], &[NUMBER], &[9], &[9]],
        [&[NUMBER], &[NUMBER], &[NUMBER], &[NUMBER], &[NUMBER]],
    ];
    let seen = flags.map(|flags| {
        let mut world = World::meeting(RULES, flags);
        world.put(POLITIE, &[NUMBER], 1);
        world.put(ZAANWONEN, &[NUMBER], 1);
        assert_eq!(world.told_of(REGIE, 2), [("introduced", 1), ("introduced", 3)]);
        let exchange = Request::Exchange(Exchange::default());
        let message = world.clients[REGIE].message(&exchange, midnight(2).plus(MORNING));
        let reply = world.broker.handle(&message, midnight(2).plus(MORNING));
        let has = |what: &[u8]| reply.windows(what.len()).any(|window| window == what);
        assert!(has(Subject::of(&pseudonym(NUMBER)).expose_bytes()));
        assert!(!has(&pseudonym(NUMBER).expose_bytes()[..8]), "half a pseudonym");
        (world.post(REGIE, 2), world.post(REGIE, 3))
    });
    assert!(seen.iter().all(|one| *one == seen[0]), "how many others flag it is not told");
}

/// Whoever has no part in it is told the same, whether others put something forward or not.
#[test]
fn l57_who_has_no_row_or_no_flag_there_is_told_nothing() {
    type Others = fn(&mut World);
    let no_others: Others = |_| ();
    // What one partner is told over some days, in the same world with and without what the others do there.
    let same = |what: &str, at: usize, flags: [&[u8]; 5], own: Others, others: Others| {
        let [with, without] = [others, no_others].map(|others| {
            let mut world = World::meeting(RULES, flags);
            own(&mut world);
            others(&mut world);
            let posts = [2, 3, 4].map(|days| world.post(at, days));
            (posts, world.post(REGIE, 4).entries.len())
        });
        assert_eq!(with.0, without.0, "{what}");
        (with.1, without.1)
    };
    let two: Others = |world| {
        for at in [POLITIE, BELASTINGDIENST] {
            assert_eq!(code(&world.put(at, &[1], 1)), "ok");
        }
    };
    let here: &[u8] = &[1];
    let told = same("it has no flag there", GEMEENTE, [here, here, here, &[9], &[9]], no_others, two);
    assert_eq!(told, (2, 0), "but the coordinator is told of both");
    let unreleased: Others = |world| {
        assert_eq!(code(&world.delta(GEMEENTE, &[1], &[], MARCH, midnight(1).plus(1))), "ok");
        assert_eq!(code(&world.put(GEMEENTE, &[1], 1)), "ok");
    };
    same("its flag is not released", GEMEENTE, [here, here, here, &[9], &[9]], unreleased, two);
    let other_address: Others = |world| {
        assert_eq!(code(&world.put(GEMEENTE, &[9], 1)), "ok");
    };
    let elsewhere =
        same("what it flags is below the threshold", GEMEENTE, [here, here, here, &[9], &[8]], other_address, two);
    assert_eq!(elsewhere, (2, 0));
    // One that flags what nobody else has a released flag on, though another puts it forward.
    let alone: Others = |world| {
        assert_eq!(code(&world.delta(POLITIE, &[9], &[], MARCH, midnight(1).plus(1))), "ok");
        assert_eq!(code(&world.put(POLITIE, &[9], 1)), "ok");
        assert_eq!(code(&world.delta(POLITIE, &[], &[9], MARCH, midnight(1).plus(99))), "ok");
    };
    let flags: [&[u8]; 5] = [here, here, here, &[9], &[8]];
    assert_eq!(same("the other's flag was withdrawn before a release", GEMEENTE, flags, other_address, alone), (0, 0));
    let no_row = same("it put nothing forward, and is never asked", BELASTINGDIENST, [here; 5], no_others, |world| {
        assert_eq!(code(&world.put(POLITIE, &[1], 1)), "ok");
    });
    assert_eq!(no_row, (1, 0));
}

#[test]
fn l57_who_took_its_row_back_is_told_nothing_of_who_comes_later() {
    let [with, without] = [true, false].map(|comes| {
        // Alone on day 1, so that its row is met by nobody; the others' flags are released by day 9.
        let mut world = World::meeting(RULES, [&[1], &[5], &[5], &[5], &[6]]);
        assert_eq!(code(&world.put(POLITIE, &[1], 1)), "ok");
        assert_eq!(code(&world.put(POLITIE, &[], 2)), "ok");
        for at in [BELASTINGDIENST, ZAANWONEN, GEMEENTE] {
            assert_eq!(code(&world.delta(at, &[1], &[], MARCH, midnight(2).plus(90))), "ok");
        }
        if comes {
            for at in [BELASTINGDIENST, ZAANWONEN] {
                assert_eq!(code(&world.put(at, &[1], 2)), "ok");
            }
        }
        let posts = [3, 9, 10].map(|days| world.post(POLITIE, days));
        (posts, world.told_of(BELASTINGDIENST, 11).len())
    });
    assert_eq!(with.0, without.0);
    assert_eq!((with.1, without.1), (1, 0), "it was a stack, and the coordinator was told");
}

/// Of two epochs that are open one answers; what is put forward in the other is refused, and tells nobody anything.
#[test]
fn l57_who_is_in_another_epoch_is_told_nothing() {
    let [with, without] = [true, false].map(|forward| {
        let mut world = World::meeting(&two_epochs(), [&[1], &[1], &[1], &[1], &[6]]);
        world.go_to(2);
        for at in 0..5 {
            assert_eq!(code(&world.full_set(at, &[1], midnight(19))), "ok");
        }
        // The older one answers until day 26.
        for (days, expected) in [(20, "other_epoch"), (26, "ok")] {
            for at in [POLITIE, BELASTINGDIENST, ZAANWONEN] {
                assert!(!forward || code(&world.put(at, &[1], days)) == expected);
            }
            if days == 20 {
                assert_eq!(world.told_of(REGIE, 25), []);
            }
        }
        let told = [POLITIE, ZAANWONEN, GEMEENTE, REGIE].map(|at| world.post(at, 26));
        (told, world.told_of(REGIE, 28).len())
    });
    assert_eq!(with.0, without.0);
    assert_eq!((with.1, without.1), (3, 0), "what is put forward in the newer one, once it answers, is told");
}

/// Whoever joins with a newer epoch is told of nothing that was put forward in an older one, also where that has codes
/// for it and its own flags are the same: before its epoch answers and after.
#[test]
fn l57_who_joined_later_is_told_nothing() {
    let slug = "slug = \"zaanwonen\"\n";
    let direct = "direct = [[\"belastingdienst\", \"politie\"]";
    // Nobody joins with the first version.
    let version = format!("version = 2\nprevious = \"{}\"", "0".repeat(64));
    let policy = |text: String| {
        let joins = text
            .replace("version = 1", &version)
            .replace(", \"sweep\"", "")
            .replace(slug, &format!("{slug}first_epoch = 2\n"));
        joins.replace(direct, &format!("{direct}, [\"politie\", \"zaanwonen\"]"))
    };
    let told = [&[][..], &[POLITIE], &[POLITIE, BELASTINGDIENST]].map(|forwarding| {
        let mut world = World::meeting_under(&two_epochs(), &[&[1], &[1]], policy);
        assert_eq!(code(&world.full_set(GEMEENTE, &[1], START)), "ok");
        assert_eq!(code(&world.full_set(4, &[6], START)), "ok");
        for at in forwarding {
            assert_eq!(code(&world.put(*at, &[1], 22)), "ok");
        }
        world.go_to(2);
        for at in 0..5 {
            assert_eq!(code(&world.full_set(at, &[1], midnight(23))), "ok");
        }
        let refused = code(&world.put(ZAANWONEN, &[1], 24)).to_owned();
        let joined: Vec<Post> = [24, 28, 29, 30].map(|days| world.post(ZAANWONEN, days)).into();
        assert_eq!(code(&world.put(ZAANWONEN, &[1], 30)), "ok");
        let joined = (refused, joined, world.post(ZAANWONEN, 31));
        (joined, world.told_of(REGIE, 31).len())
    });
    assert_eq!(told[0].0, told[1].0);
    assert_eq!(told[0].0, told[2].0);
    assert_eq!(told[0].0.0, "other_epoch");
    assert_eq!(told.each_ref().map(|told| told.1), [1, 2, 3], "its own, and those that were told in the older epoch");
}

#[test]
fn l60_totals_tell_tens_and_the_same_in_a_whole_quarter() {
    let rules = format!("{RULES}[counting]\nanswers = \"totals\"\n");
    let policy = signed(&policy_text(&ROSTER, &rules));
    let numbers = |from: u8, to: u8| (from..to).collect::<Vec<u8>>();
    let own = numbers(0, 120);
    let of = |second: u8, own_flags: &[u8]| {
        World::of(&ROSTER, &policy, &[own_flags, &numbers(0, second), &[200], &[201], &[]])
    };
    let told = |world: &mut World, days| match world.say(POLITIE, &Request::Totals, midnight(days)) {
        Reply::Totals(totals) => totals,
        other => panic!("{}", code(&other)),
    };
    let [one, other, more] = [20, 29, 30].map(|second| {
        let mut world = of(second, &own);
        let first = told(&mut world, 1);
        let new = numbers(60, 110);
        assert_eq!(code(&world.delta(BELASTINGDIENST, &new, &[], MARCH, midnight(1).plus(60))), "ok");
        assert_eq!(code(&world.delta(ZAANWONEN, &new, &[], MARCH, midnight(1).plus(60))), "ok");
        assert_eq!(told(&mut world, 25), first, "in the same quarter");
        let next = told(&mut world, 32);
        assert!(next.quarter == 1 && next.cells != first.cells);
        first
    });
    assert_eq!(one, other, "nine more of another do not show");
    assert_ne!(one, more);
    assert_eq!(one.flags, 120);
    let few = told(&mut of(50, &own[..99]), 1);
    assert_eq!((few.flags, few.cells.len()), (90, 0), "with fewer than a hundred flags nothing is told");
}

#[test]
fn l61_no_cell_of_a_year_under_ten_reaches_the_broker() {
    let cell = |ways, number| YearCell { ways, number };
    let report = |cells: &[YearCell]| {
        let mut world = World::meeting(RULES, [&[1], &[1], &[1], &[1], &[6]]);
        let year = Request::Year(Year { year: 2026, cells: cells.to_vec() });
        code(&world.say(POLITIE, &year, midnight(40))).to_owned()
    };
    assert_eq!(report(&[cell(0x01, 10), cell(0x1e, 11)]), "ok");
    assert_eq!(report(&[cell(0x1f, 0)]), "ok", "fewer than ten in all");
    assert_eq!(report(&[cell(0x01, 9), cell(0x1e, 11)]), "malformed");
    assert_eq!(report(&[cell(0x01, 10), cell(0x1e, 0)]), "malformed", "none would be told too");
    assert_eq!(report(&[cell(0x1f, 9)]), "malformed");
}

/// A conversation from the first row to its end, and then all that the broker has and all that left it.
#[cfg(feature = "partner")]
#[test]
fn l52_the_broker_has_no_address_and_nothing_that_was_written() {
    use crate::after_a_hit::{COORDINATOR, HOUSING, POLICE, TAX, TOWN_HALL, Town, by, home, secret_of_sample};
    use stapel::PseudonymKey;
    use stapel::broker::LogPlace;
    use stapel::partner::NewNote;
    use stapel::talk::{NoteContent, Outcome};

    // No eight letters in a row of them are in the policy, which the broker keeps.
    const TEXTS: [&str; 4] = [
        "Zwarte bestelbus, Dam 1-A, 1012 JS Amsterdam.",
        "Met de wijkagent langsgaan, donderdagochtend.",
        "Eerst opbellen, vervolgens aanbellen.",
        "Vals alarm: loodgieter, blauw busje.",
    ];
    let mut town = Town::on_disk("direct = [[\"politie\", \"belastingdienst\"]]");
    for number in [POLICE, TAX, HOUSING] {
        town.flag(number, home(4321), noon(0));
    }
    town.flag(TOWN_HALL, home(8765), noon(0));
    town.begin();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let note = |town: &mut Town, number: u16, note: &NewNote<'_>, days: u64| {
        town.partner(number).write_note(1, note, &by(), noon(days)).unwrap();
    };
    for number in [POLICE, TAX] {
        town.put_forward(number, home(4321), noon(1));
    }
    town.sync_all(noon(1));
    for days in 1..=8 {
        match days {
            3 => note(&mut town, POLICE, &NewNote::Text { text: TEXTS[0], to: Some(TAX) }, days),
            4 => {
                note(&mut town, TAX, &NewNote::Text { text: TEXTS[1], to: None }, days);
                let decision = NewNote::Decision { lead: Some(POLICE), next: Some(noon(20).day()), text: TEXTS[2] };
                note(&mut town, COORDINATOR, &decision, days);
            }
            6 => note(&mut town, POLICE, &NewNote::Outcome { outcome: Outcome::WrongSignal, text: TEXTS[3] }, days),
            7 => town.partner(TAX).leave(1, &by(), noon(days)).unwrap(),
            _ => (),
        }
        // One after another, so that each finds the broker while something waits for the next.
        for number in 1..=5 {
            town.sync(number, noon(days));
            kept.extend(files_below(&town.folder.path().join("broker")));
        }
    }
    town.broker.backup(&town.folder.path().join("copy"), noon(8)).unwrap();
    kept.extend(files_below(&town.folder.path().join("copy")));

    // Those who were introduced have all of it.
    assert_eq!(town.partner(COORDINATOR).agenda(noon(8).day()).unwrap()[0].addresses[0].0, home(4321).as_str());
    let texts = |town: &mut Town, number: u16| {
        let known: Vec<_> = town.partner(number).conversations().collect();
        let notes = known.iter().flat_map(|one| &one.notes).map(|note| note.content.clone());
        notes.filter_map(|content| if let NoteContent::Text(text) = content { Some(text) } else { None }).collect()
    };
    let (of_tax, of_police): (Vec<String>, Vec<String>) = (texts(&mut town, TAX), texts(&mut town, POLICE));
    for text in &TEXTS[..2] {
        assert!(of_tax.iter().any(|one| one == text) && of_police.iter().any(|one| one == text), "{text}");
    }
    let note_key = PseudonymKey::new(&secret_of_sample().secret, &secret_of_sample().scope);
    let pseudonyms = [home(4321), home(8765)].map(|home| *note_key.pseudonym(&home).expose_bytes());

    let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
    for text in TEXTS {
        secrets.push((text.to_owned(), text.as_bytes().to_vec()));
    }
    for number in [4321, 8765] {
        secrets.push((format!("address {number}"), format!("JS|{number}|").into_bytes()));
    }
    secrets.push(("case".into(), b"Z-2026-1".to_vec()));
    secrets.push(("person".into(), b"j.jansen".to_vec()));
    secrets.extend(pseudonyms.iter().map(|one| ("pseudonym".into(), one.to_vec())));
    // Eight bytes in a row, as they are or in hexadecimal. Most places are passed over by their first two bytes.
    let mut pieces = std::collections::BTreeSet::new();
    for (_, secret) in &secrets {
        for piece in secret.windows(8) {
            pieces.insert(piece.to_vec());
            pieces.insert(data_encoding::HEXLOWER.encode(piece).into_bytes());
        }
    }
    let mut begins = vec![false; 1 << 16];
    let place = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    pieces.iter().for_each(|piece| begins[place(piece)] = true);
    // The piece that is found first; all of it is made up.
    let found = |bytes: &[u8]| {
        let piece = |at: usize| {
            [8, 16].iter().find_map(|length| bytes.get(at..at + length).filter(|piece| pieces.contains(*piece)))
        };
        let at = (0..bytes.len().saturating_sub(7)).filter(|at| begins[place(&bytes[*at..])]).find_map(piece);
        at.map(|piece| piece.escape_ascii().to_string())
    };
    let has = |bytes: &[u8]| found(bytes).is_some();
    assert!(has(b"... Vals alarm: ..."), "what is looked for is found where it is");
    assert!(has(format!("{:02x?}", pseudonyms[0]).replace([',', ' ', '['], "").as_bytes()));
    let (bytes, replies) = (kept.iter().map(Vec::len).sum::<usize>(), town.replies.len());
    assert!(bytes > 100_000 && replies > 60, "{bytes} {replies}");
    for bytes in &kept {
        assert_eq!(found(bytes), None, "in what the broker keeps");
    }
    for bytes in &town.replies {
        assert_eq!(found(bytes), None, "in a reply");
    }

    let (now, broker) = (noon(8), &town.broker);
    let mut told =
        format!("{broker:?}{:?}{:?}{:?}", broker.status(), broker.overview(now), broker.status().faults_at(now, 7));
    told += &format!("{:?}", broker.processings("https://example.nl/register/1", LogPlace::default()).unwrap());
    broker
        .log_rows(|index, row| {
            told += &format!("{row:?}{}", row.to_json(index));
            Ok(())
        })
        .unwrap();
    assert!(told.contains("introduced"), "the log tells how many were introduced");
    assert_eq!(leaks(&told, &secrets), std::collections::BTreeSet::new());
}

#[test]
fn l29_the_store_has_no_pseudonym() {
    let folder = tempfile::tempdir().unwrap();
    let (path, place) = (folder.path().join("policy.toml"), folder.path().join("broker"));
    let text = policy_text(&ROSTER, RULES);
    write_policy(&path, &text);
    let broker = Broker::create(&place, broker_keys(), &path, START).unwrap();
    let policy = signed(&text);
    let random = |n: u8| stapel::Digest::of(&[&[n]]).0[..16].try_into().unwrap();
    let mut rows: Vec<_> = (0..200).map(random).map(Pseudonym::danger_from_remote_source).collect();
    rows.sort_unstable();
    let mut clients = ROSTER.map(|entry| Client::new(entry.number, &policy));
    for client in &mut clients {
        let part = Part { number: 1, of: 2 };
        let set = |part, rows| FullSet { shrink: true, part, flagged: groups(rows, MARCH) };
        assert_eq!(code(&client.say(&broker, &Request::FullSet(set(part, &rows[..90])), START)), "ok");
        let part = Part { number: 2, of: 2 };
        assert_eq!(code(&client.say(&broker, &Request::FullSet(set(part, &rows[90..180])), START)), "ok");
        let delta = Delta { flagged: groups(&rows[180..190], MARCH), withdrawn: &rows[..40] };
        assert_eq!(code(&client.say(&broker, &Request::Delta(delta), START)), "ok");
        let part = Part { number: 1, of: 3 };
        assert_eq!(code(&client.say(&broker, &Request::FullSet(set(part, &rows[190..])), START)), "ok", "unfinished");
    }
    let question = Question { sweep: None, pseudonyms: &rows };
    assert_eq!(code(&clients[0].say(&broker, &Request::Question(question), midnight(1))), "ok");
    drop(broker);
    let files = files_below(&place);
    assert!(files.iter().map(Vec::len).sum::<usize>() > 180 * 16 * 5, "the flags are there");
    let wanted: std::collections::BTreeSet<&[u8]> = rows.iter().map(|row| &row.expose_bytes()[..8]).collect();
    let hex: Vec<String> = rows.iter().map(|row| data_encoding::HEXLOWER.encode(&row.expose_bytes()[..8])).collect();
    let wanted_hex: std::collections::BTreeSet<&[u8]> = hex.iter().map(String::as_bytes).collect();
    for file in files {
        assert!(!file.windows(8).any(|window| wanted.contains(window)), "half a pseudonym");
        assert!(!file.windows(16).any(|window| wanted_hex.contains(window)), "half a pseudonym in hex");
    }
}

/// The content of all files in a folder and its folders.
fn files_below(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![std::fs::read(path).unwrap()] })
        .collect()
}

#[test]
fn l31_debug_output_and_errors_have_no_secret_and_no_pseudonym() {
    use stapel::secret::{Scope, Secret, SecretFile};
    use stapel::{AddressKey, PseudonymKey};
    let scope = Scope { purpose: "doel".parse().unwrap(), epoch: 1 };
    let secret = Secret::from_bytes([0xa7; 32]);
    let key = PseudonymKey::new(&secret, &scope);
    let made = key.pseudonym(&AddressKey::from_canonical("1012JS|1|A").unwrap());
    let [world, _] = two_worlds();
    let file = SecretFile { scope, secret };
    let shown = format!("{key:?} {made:?} {file:?} {:?} {:?}", world.broker, world.broker.status());
    let told = |bytes: &[u8]| {
        let hex = data_encoding::HEXLOWER.encode(bytes);
        shown.to_lowercase().contains(&hex[..8]) || shown.contains(&format!("{}, {}, {}", bytes[0], bytes[1], bytes[2]))
    };
    assert!(!told(made.expose_bytes()) && !told(&[0xa7; 32]) && !told(pseudonym(1).expose_bytes()), "{shown}");
    // A rejection's sentence, too.
    for (bytes, _) in rejected(&mut World::new([&[1], &[], &[], &[], &[]]), midnight(1)) {
        let Told::Signed(_, Reply::Rejection(rejection)) = world.told(&bytes, midnight(1)) else { continue };
        assert!(!rejection.sentence.contains("0101"), "{}", rejection.sentence);
    }
}

//! Two histories that differ only in what a partner must not learn: its answers and the officer's log are the same.

use std::collections::BTreeMap;

use stapel::audit::{Checkpoint, Event, ExportedLog, LogKey, LogRow, Outcome, UnverifiedCheckpoint};
use stapel::message::{
    self, Delta, FullSet, Group, Kind, LogEntry, Part, Question, Reply, Request, Role, StatusRequest, Unverified,
};
use stapel::policy::SignedPolicy;
use stapel::{Broker, Clock, Pseudonym, Timestamp};
use stapel_testkit::{
    Client, DAY, Flag, ROSTER, RULES, START, code, day, key, operator_key, policy_text, signed, stored_keys, until,
    write_policy,
};

fn midnight(days: u64) -> Timestamp {
    Timestamp((START.0 / DAY + days) * DAY)
}

/// Pseudonyms that no accident puts into a log line.
fn pseudonym(number: u8) -> Pseudonym {
    let bytes = stapel::Digest::of(&[b"games", &[number]]).0[..16].try_into().unwrap();
    Pseudonym::danger_from_remote_source(bytes)
}

fn rows(numbers: &[u8]) -> Vec<Pseudonym> {
    let mut rows: Vec<_> = numbers.iter().map(|number| pseudonym(*number)).collect();
    rows.sort_unstable();
    rows
}

/// A broker on disk, and its partners in the roster's order.
struct World {
    folder: tempfile::TempDir,
    policy: SignedPolicy,
    broker: Broker,
    clients: Vec<Client>,
}

impl World {
    fn new() -> World {
        let text = policy_text(&ROSTER, RULES);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        write_policy(&path, &text);
        let keys = stored_keys(&folder.path().join("keys"));
        let broker = Broker::create(&folder.path().join("broker"), keys, &path, START).unwrap();
        let policy = signed(&text);
        let clients = ROSTER.iter().map(|entry| Client::new(entry.number, &policy)).collect();
        World { folder, policy, broker, clients }
    }

    fn say(&mut self, at: usize, request: &Request<'_>, now: Timestamp) -> Reply {
        let reply = self.clients[at].say(&self.broker, request, now);
        assert_eq!(code(&reply), "ok");
        reply
    }

    fn full_set(&mut self, at: usize, flags: &[u8], now: Timestamp) {
        let rows = rows(flags);
        let flagged = vec![Group { terms: until(day("2027-03-31")), pseudonyms: &rows }];
        let part = Part { number: 1, of: 1 };
        self.say(at, &Request::FullSet(FullSet { shrink: true, part, flagged }), now);
    }

    fn delta(&mut self, at: usize, flags: &[u8], now: Timestamp) {
        let rows = rows(flags);
        let flagged = vec![Group { terms: until(day("2027-03-31")), pseudonyms: &rows }];
        self.say(at, &Request::Delta(Delta { flagged, withdrawn: &[] }), now);
    }

    /// What the first partner is told when it asks and looks at the log, from the size of the tree that it knows: the
    /// header and all of the body but what is random. The checkpoint's proof must hold.
    fn told(&mut self, asked: &[u8], known: &mut Option<Checkpoint>, now: Timestamp) -> Vec<String> {
        let tree_size = known.as_ref().map_or(0, Checkpoint::size);
        let asked = rows(asked);
        let question = Request::Question(Question { sweep: None, pseudonyms: &asked });
        let mut told = vec![];
        for request in [question, Request::Status(StatusRequest { tree_size, ..StatusRequest::default() })] {
            let message = self.clients[0].message(&request, now);
            let bytes = self.broker.handle(&message, now);
            let verified =
                Unverified::parse(&bytes, Role::Broker).unwrap().verify(&operator_key().verifying_key()).unwrap();
            let header =
                format!("{:?} {:?} {}", verified.header().kind, verified.header().sequence, verified.header().time);
            let mut reply = verified.reply().unwrap();
            match &mut reply {
                Reply::Answer(answer) => blank(&mut answer.log),
                Reply::Status(status) => {
                    blank(&mut status.log);
                    let newer = Checkpoint::verify(&status.checkpoint, &LogKey::of(self.policy.policy())).unwrap();
                    if let Some(older) = known.take() {
                        let hashes = status.consistency.clone();
                        stapel::audit::ConsistencyProof::of_hashes(older.size(), newer.size(), hashes)
                            .verify(&older, &newer)
                            .unwrap();
                    }
                    // Of hashes only their number can say anything: every line under them has its own random salt.
                    status.checkpoint = newer.size().to_string().into_bytes();
                    status.consistency.iter_mut().for_each(|hash| *hash = stapel::Digest::NONE);
                    *known = Some(newer);
                }
                other => panic!("{}", code(other)),
            }
            told.push(format!("{header} {} bytes {reply:?}", bytes.len()));
        }
        told
    }

    fn lines(&self) -> Vec<(u64, LogRow)> {
        let mut lines = vec![];
        self.broker
            .log_rows(|index, row| {
                lines.push((index, row.clone()));
                Ok(())
            })
            .unwrap();
        lines
    }
}

/// The leaf is a hash over a random salt; the line's number stays.
fn blank(log: &mut LogEntry) {
    (log.leaf, log.salt) = (stapel::Digest::NONE, [0; 16]);
}

/// The first partner of a world in which `deliverer` sent the delta and the other of the two confirmed.
fn view_of_the_first(deliverer: usize) -> Vec<String> {
    let mut world = World::new();
    for (at, flags) in [&[1, 2, 3][..], &[1, 4], &[1, 5], &[6, 7], &[8]].into_iter().enumerate() {
        world.full_set(at, flags, START);
    }
    let mut known = None;
    let mut told = world.told(&[1, 2, 3], &mut known, midnight(1).plus(1));
    // Two others flag something new in both worlds, so that the delta of the deliverer shows with the next release.
    world.delta(0, &[9], midnight(1).plus(9));
    world.delta(3, &[9], midnight(1).plus(10));
    for at in [1, 2] {
        if at == deliverer {
            world.delta(at, &[2, 10], midnight(1).plus(20));
        } else {
            world.say(at, &Request::Confirm, midnight(1).plus(20));
        }
    }
    told.extend(world.told(&[1, 2, 3], &mut known, midnight(1).plus(30)));
    for days in 2..4 {
        told.extend(world.told(&[1, 2, 3], &mut known, midnight(days).plus(1)));
    }
    told
}

#[test]
fn nobody_can_tell_which_of_two_others_delivered() {
    let (second, third) = (view_of_the_first(1), view_of_the_first(2));
    assert_eq!(second, third);
    // The game is about something: what was delivered did become visible.
    assert_ne!(
        second[2].split("standings").nth(1),
        second[4].split("standings").nth(1),
        "the delta shows at the release"
    );
}

/// The partner whose flags differ between the two worlds: it flags this pseudonym beside 1 and 2, and nobody else does.
const OTHER: usize = 1;
const ONE_WORLDS_FLAG: u8 = 20;
const OTHER_WORLDS_FLAG: u8 = 21;

/// All that left the broker in one world, in order: to whom, how many bytes, and what they say. Left out are hashes
/// over the log's random salts and the signatures over those; and of what the partner said whose flags differ, the
/// digest.
struct Play {
    world: World,
    left: Vec<String>,
}

impl Play {
    fn new() -> Play {
        Play { world: World::new(), left: vec![] }
    }

    /// Sends the same bytes twice.
    fn send(&mut self, at: usize, message: &[u8], now: impl Into<Clock>) {
        let now = now.into();
        for _ in 0..2 {
            let bytes = self.world.broker.handle(message, now);
            self.hear(at, &bytes);
        }
    }

    fn hear(&mut self, at: usize, bytes: &[u8]) {
        let unverified = Unverified::parse(bytes, Role::Broker).unwrap();
        if let Some(hint) = unverified.danger_unsigned_rejection() {
            self.left.push(format!("{at}: {} bytes, {hint:?}", bytes.len()));
            return;
        }
        let verified = unverified.verify(&operator_key().verifying_key()).unwrap();
        let mut header = verified.header().clone();
        if at == OTHER {
            header.context = stapel::Digest::NONE;
        }
        let mut reply = verified.reply().unwrap();
        if let Reply::Receipt(_) = reply {
            self.world.clients[at].accepted = header.sequence;
        }
        match &mut reply {
            Reply::Receipt(receipt) => blank(&mut receipt.log),
            Reply::Answer(answer) => blank(&mut answer.log),
            Reply::Rejection(rejection) => blank(&mut rejection.log),
            Reply::Status(status) => {
                blank(&mut status.log);
                let size = UnverifiedCheckpoint::parse(&status.checkpoint).unwrap().claimed_size();
                status.checkpoint = format!("{size}, {} bytes", status.checkpoint.len()).into_bytes();
                status.consistency.iter_mut().for_each(|hash| *hash = stapel::Digest::NONE);
                status.lines.iter_mut().flat_map(|line| &mut line.path).for_each(|hash| *hash = stapel::Digest::NONE);
            }
            _ => panic!("no reply of this test"),
        }
        self.left.push(format!("{at}: {} bytes, {header:?} {reply:?}", bytes.len()));
    }

    fn say(&mut self, at: usize, request: &Request<'_>, now: impl Into<Clock>) {
        let now = now.into();
        let message = self.world.clients[at].message(request, now.now);
        self.send(at, &message, now);
    }

    fn set(&mut self, at: usize, flags: &[u8], now: Timestamp) {
        let flags: Vec<Flag> = rows(flags).into_iter().map(|row| (row, day("2027-03-31"))).collect();
        let (first, second) = flags.split_at(flags.len() / 2);
        for (number, flags) in [(1, first), (2, second)] {
            let accepted = self.world.clients[at].accepted;
            let message = self.world.clients[at].full_set(flags, Part { number, of: 2 }, now);
            self.world.clients[at].accepted = accepted;
            self.send(at, &message, now);
        }
    }

    fn change(&mut self, at: usize, flags: &[u8], withdrawn: &[u8], now: impl Into<Clock>) {
        let now = now.into();
        let flags: Vec<Flag> = rows(flags).into_iter().map(|row| (row, day("2027-03-31"))).collect();
        let accepted = self.world.clients[at].accepted;
        let message = self.world.clients[at].delta(&flags, &rows(withdrawn), now.now);
        self.world.clients[at].accepted = accepted;
        self.send(at, &message, now);
    }

    /// All that all but the one partner can ask, each kind of message once and some that are rejected.
    fn look(&mut self, now: impl Into<Clock>) {
        let now = now.into();
        for at in [0, 2, 3, 4] {
            let asked = rows(&[1, 2, 3, 4, 5]);
            self.say(at, &Request::Question(Question { sweep: None, pseudonyms: &asked }), now);
            let header = self.world.clients[at].header(Kind::Question, now.now);
            let malformed = message::sign(&header, b"\0", &key(header.partner)).unwrap();
            self.send(at, &malformed, now);
            self.say(
                at,
                &Request::Question(Question { sweep: Some("brand".parse().unwrap()), pseudonyms: &asked }),
                now,
            );
            let lines: Vec<u64> = (0..5).collect();
            self.say(at, &Request::Status(StatusRequest { tree_size: 3, lines, ..StatusRequest::default() }), now);
            self.say(at, &Request::Confirm, now);
            let mut client = self.world.clients[at].clone();
            client.accepted += 9;
            let gap = client.message(&Request::Confirm, now.now);
            self.send(at, &gap, now);
            client.policy = stapel::Digest::NONE;
            let other_policy = client.message(&Request::Confirm, now.now);
            self.send(at, &other_policy, now);
            self.world.clients[at].highest_state = client.highest_state;
            let mut forged = other_policy;
            *forged.last_mut().unwrap() ^= 1;
            self.send(at, &forged, now);
        }
    }

    /// The log, line by line, but for salts and for the digests of what that partner said.
    fn log(&self) -> Vec<String> {
        let lines = self.world.lines().into_iter().map(|(index, row)| {
            let LogRow::Line(mut line) = row else { panic!("nothing was pruned") };
            line.salt = [0; 16];
            match &mut line.event {
                Event::Message { partner, message, .. } if *partner == ROSTER[OTHER].number => {
                    *message = stapel::Digest::NONE;
                }
                Event::Restore { .. } => return format!("{index} restore"),
                _ => {}
            }
            format!("{index} {}", line.to_json())
        });
        lines.collect()
    }

    /// Days of all kinds: before the first release, after it, with a clock in doubt, and after a restore.
    fn of(flag: u8) -> Play {
        let mut play = Play::new();
        play.change(4, &[8], &[], START);
        for (at, flags) in [&[1, 2, 3][..], &[1, 2, flag], &[1, 5], &[1, 6, 7], &[8]].into_iter().enumerate() {
            play.set(at, flags, START);
        }
        play.look(START.plus(60));
        play.look(midnight(1).plus(1));
        play.change(0, &[9], &[3], midnight(1).plus(2));
        play.change(OTHER, &[4], &[flag], midnight(1).plus(3));
        play.change(OTHER, &[flag], &[], midnight(1).plus(4));
        play.look(Clock::untrusted(midnight(1).plus(5)));
        play.change(2, &[], &[5], Clock::untrusted(midnight(1).plus(6)));
        for days in 2..10 {
            play.look(midnight(days).plus(1));
        }
        let (copy, folder) = (play.world.folder.path().join("copy"), play.world.folder.path().join("restored"));
        play.world.broker.backup(&copy, midnight(10)).unwrap();
        let keys = || stored_keys(&play.world.folder.path().join("keys"));
        play.world.broker = Broker::restore(&copy, &folder, keys(), midnight(10).plus(1)).unwrap();
        play.look(midnight(10).plus(2));
        for (at, flags) in [&[1, 2][..], &[1, 2, 4, flag], &[1], &[1, 6, 7], &[8]].into_iter().enumerate() {
            play.set(at, flags, midnight(10).plus(3));
        }
        for days in [11, 18] {
            play.look(midnight(days).plus(1));
        }
        play
    }
}

#[test]
fn two_worlds_that_differ_in_one_flag_of_one_other_say_the_same_through_every_kind_of_message() {
    let (one, other) = (Play::of(ONE_WORLDS_FLAG), Play::of(OTHER_WORLDS_FLAG));
    for (one, other) in one.left.iter().zip(&other.left) {
        assert_eq!(one, other);
    }
    assert_eq!(one.left.len(), other.left.len());
    assert_eq!(one.log(), other.log());
    // A flag on what another flags and asks about does show.
    assert_ne!(Play::of(3).left, one.left);
    // What was compared has every kind of reply and many codes.
    let all = one.left.join("\n");
    for said in [
        "Receipt(",
        "Answer(",
        "Status(",
        "NotYetAnswering",
        "Unavailable",
        "Recovering",
        "Gap",
        "WrongPolicy",
        "Malformed",
        "BadSignature",
        "NotPermitted",
        "FullSetRequired",
    ] {
        assert!(all.contains(said), "no {said}");
    }
    assert!(one.left.iter().any(|told| told.contains("standings: [3")), "the others are stacked");
}

#[test]
fn the_officers_lines_have_no_pseudonym_no_tag_and_of_stacked_only_daily_totals() {
    let mut world = World::new();
    for (at, flags) in [&[1, 2, 3][..], &[1, 4], &[1, 5], &[6, 7], &[1, 8]].into_iter().enumerate() {
        world.full_set(at, flags, START);
    }
    let mut known = None;
    // On the second day two partners' questions have stacked answers and not stacked ones.
    world.told(&[1, 2], &mut known, midnight(1).plus(1));
    world.delta(1, &[11], midnight(1).plus(5));
    world.told(&[1, 3], &mut known, midnight(1).plus(9));
    let asked = rows(&[1, 4, 5]);
    world.say(1, &Request::Question(Question { sweep: None, pseudonyms: &asked }), midnight(1).plus(11));
    let sweep = Question { sweep: Some("brand".parse().unwrap()), pseudonyms: &asked };
    world.say(3, &Request::Question(sweep), midnight(1).plus(12));
    let refused = world.clients[0].say(
        &world.broker,
        &Request::Question(Question { sweep: Some("brand".parse().unwrap()), pseudonyms: &asked }),
        midnight(1).plus(13),
    );
    assert_eq!(code(&refused), "not_permitted");
    world.broker.release(midnight(2).plus(1)).unwrap();
    world.broker.backup(&world.folder.path().join("backup"), midnight(2).plus(2)).unwrap();
    world.broker.release(midnight(3).plus(1)).unwrap();

    let lines = world.lines();
    let mut log = ExportedLog::default();
    let mut totals = BTreeMap::new();
    let mut kinds = BTreeMap::<&str, u32>::new();
    let pepper = pepper(&world);
    let secrets: Vec<[u8; 16]> =
        (1..=11).flat_map(|number| [*pseudonym(number).expose_bytes(), tag(&pepper, &pseudonym(number))]).collect();
    for (index, row) in &lines {
        let LogRow::Line(line) = row else { panic!("nothing was pruned") };
        let text = row.to_json(*index);
        log.push(text.as_bytes()).unwrap();
        *kinds.entry(line.event.kind()).or_default() += 1;
        // Parts are looked for that are too long to stand in a salt or a digest by chance.
        for secret in &secrets {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            for part in [&hex[..12], &hex[20..]] {
                assert!(!text.to_lowercase().contains(part), "line {index}");
            }
            assert!(!text.as_bytes().windows(8).any(|window| window == &secret[..8]), "line {index}");
        }
        match &line.event {
            Event::Told { day, stacked, not_stacked, .. } => {
                assert_eq!(totals.insert(*day, (*stacked, *not_stacked)), None, "one total a day");
            }
            // A line of a message says how many pseudonyms it had, and that is all.
            Event::Message { count, outcome, .. } => {
                assert!(*count <= 3 && matches!(outcome, Outcome::Accepted | Outcome::Rejected(_)));
                assert!(!text.contains("stacked"), "line {index}");
            }
            _ => assert!(!text.contains("stacked"), "line {index}"),
        }
    }
    // Pseudonym 1 is stacked in every one of the four questions; 2, 3, 4 and 5, and 4 and 5 again, are not.
    assert_eq!(totals, BTreeMap::from([(midnight(1).day(), (4, 6))]));
    for kind in
        ["full_set", "delta", "question", "sweep", "status", "release", "told", "backup", "epoch_opened", "policy"]
    {
        assert!(kinds.contains_key(kind), "no line of kind {kind}: {kinds:?}");
    }
    let name = LogKey::of(world.policy.policy());
    let checkpoints: Vec<_> =
        world.broker.checkpoints().unwrap().iter().map(|bytes| Checkpoint::verify(bytes, &name).unwrap()).collect();
    log.check(&checkpoints).unwrap();
}

/// The pepper of the epoch, which only the broker's folder of keys has.
fn pepper(world: &World) -> Vec<u8> {
    std::fs::read(world.folder.path().join("keys/epoch-1.pepper")).unwrap()
}

/// A tag as SPEC.md makes it.
fn tag(pepper: &[u8], pseudonym: &Pseudonym) -> [u8; 16] {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(pepper).unwrap();
    mac.update(pseudonym.expose_bytes());
    mac.finalize().into_bytes()[..16].try_into().unwrap()
}

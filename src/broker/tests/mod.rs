//! The broker on a disk that fails: what is refused, what is still answered, and that all goes on once the disk works
//! again.

mod clock;
mod conflicts;
mod meet;
mod published;
mod unknown_outcome;

use std::io::ErrorKind;

use super::*;
use crate::audit::{Checkpoint, ExportedLog, LogKey, LogRow};
use crate::day::Day;
use crate::digest::Digest;
use crate::files;
use crate::message::{self, Delta, FullSet, Group, Header, Part, Question, Reply, Request, Role, Terms, Unverified};
use crate::policy::sample;
use crate::pseudonym::Pseudonym;
use crate::store::SimDisk;

/// 2026-12-01T12:00:00Z, the first day of the sample.
const START: Timestamp = Timestamp(1_796_126_400);
const DAY: u64 = 86_400;

/// A broker's disk and keys, which outlive it.
struct Place {
    disk: SimDisk,
    keys: tempfile::TempDir,
}

/// A partner of the sample: its numbers are all that it has.
struct Client {
    number: u8,
    state: u64,
    question: u64,
    accepted: u64,
}

impl Place {
    /// A broker to which three partners have delivered, and a question was answered from what was released.
    fn begin() -> (Place, Broker, [Client; 3]) {
        let keys = key_folder();
        let place = Place { disk: SimDisk::default(), keys };
        let store = place.disk.create_store(place.keys()).unwrap();
        let broker = begin(place.keys(), Box::new(store)).unwrap();
        let mut clients = [1, 2, 3].map(|number| Client { number, state: 0, question: 0, accepted: 0 });
        for client in &mut clients {
            let message = client.full_set(&[1, 2, 3], START);
            assert_eq!(client.send(&broker, &message, START), "ok");
        }
        deliver_nothing(4, &broker);
        assert_eq!(broker.release(day(1)).unwrap().len(), 1);
        (place, broker, clients)
    }

    fn keys(&self) -> Arc<BrokerKeys> {
        Arc::new(BrokerKeys::open(self.keys.path()).unwrap())
    }

    fn reopen(&self, disk: &SimDisk) -> Broker {
        let keys = self.keys();
        let store = disk.open_store(keys.clone()).unwrap();
        Broker::resume(keys, Box::new(store), None, |_| Ok(sample::signed())).unwrap()
    }
}

/// A new broker under the sample, with certificates of all its partners.
fn begin(keys: Arc<BrokerKeys>, store: Box<dyn Store>) -> Result<Broker, BrokerError> {
    Broker::begin(keys, store, sample::signed(), &sample::certificates(&sample::policy()), START)
}

/// The last organisation delivers too, so that the epoch answers.
fn deliver_nothing(number: u8, broker: &Broker) {
    let mut client = Client { number, state: 0, question: 0, accepted: 0 };
    let set = client.full_set(&[], START);
    assert_eq!(client.send(broker, &set, START), "ok");
}

impl Client {
    fn sign(&self, request: &Request<'_>, sequence: u64, previous: u64, now: Timestamp) -> Vec<u8> {
        let policy = sample::signed();
        let header = Header {
            version: message::VERSION,
            kind: request.kind(),
            consortium: policy.policy().consortium.clone(),
            purpose: policy.policy().purpose.clone(),
            epoch: 1,
            key_id: sample::secret_file(1).key_id(),
            partner: self.number.into(),
            sequence,
            previous,
            time: now,
            policy: policy.digest(),
            context: Digest::NONE,
            body_length: 0,
        };
        message::sign(&header, &request.encode().unwrap(), &sample::partner_key(self.number)).unwrap()
    }

    fn full_set(&mut self, flags: &[u8], now: Timestamp) -> Vec<u8> {
        self.state += 1;
        let pseudonyms: Vec<_> = flags.iter().map(|flag| pseudonym(*flag)).collect();
        let mut flagged = vec![Group { terms: until(last_day()), pseudonyms: &pseudonyms }];
        flagged.retain(|group| !group.pseudonyms.is_empty());
        let part = Part { number: 1, of: 1 };
        let request = Request::FullSet(FullSet { shrink: true, part, flagged });
        self.sign(&request, self.state, self.accepted, now)
    }

    fn delta(&mut self, flag: u8, now: Timestamp) -> Vec<u8> {
        self.state += 1;
        let pseudonyms = [pseudonym(flag)];
        let flagged = vec![Group { terms: until(last_day()), pseudonyms: &pseudonyms }];
        let request = Request::Delta(Delta { flagged, withdrawn: &[] });
        self.sign(&request, self.state, self.accepted, now)
    }

    fn question(&mut self, now: Timestamp) -> Vec<u8> {
        self.question += 1;
        let request = Request::Question(Question { sweep: None, pseudonyms: &[1, 2, 9].map(pseudonym) });
        self.sign(&request, self.question, 0, now)
    }

    fn send(&mut self, broker: &Broker, message: &[u8], now: Timestamp) -> &'static str {
        let reply = broker.handle(message, now);
        if matches!(read(&reply), Reply::Receipt(_)) {
            self.accepted = self.state;
        }
        code(&reply)
    }
}

fn pseudonym(number: u8) -> Pseudonym {
    Pseudonym::danger_from_remote_source([number; 16])
}

fn until(last_day: Day) -> Terms {
    Terms { last_day, first_day: last_day, renewal: None, house_number: false }
}

fn last_day() -> Day {
    "2027-03-31".parse().unwrap()
}

fn day(number: u64) -> Timestamp {
    START.plus(number * DAY)
}

fn read(reply: &[u8]) -> Reply {
    let unverified = Unverified::parse(reply, Role::Broker).unwrap();
    unverified.verify(&sample::operator_key().verifying_key()).unwrap().reply().unwrap()
}

fn code(reply: &[u8]) -> &'static str {
    match read(reply) {
        Reply::Rejection(rejection) => rejection.code.as_str(),
        _ => "ok",
    }
}

/// What the operator sees except for faults, and how long the log is.
fn seen(broker: &Broker) -> (Vec<EpochStatus>, u64) {
    (broker.status().epochs, broker.database.store().leaves().unwrap().len() as u64)
}

/// Keys as the sample names them, in a folder of their own.
fn key_folder() -> tempfile::TempDir {
    let keys = tempfile::tempdir().unwrap();
    for (path, key) in [(keys.path().join("signing.key"), 0xb0), (keys.path().join("checkpoint.key"), 0xc0)] {
        files::create_private(&path, &[key; 32]).unwrap();
    }
    keys
}

fn verify_log(broker: &Broker) {
    let mut log = ExportedLog::default();
    broker.log_rows(|index, row| Ok(log.push(row.to_json(index).as_bytes()).map(drop)?)).unwrap();
    let name = LogKey::of(broker.policy().policy());
    let checkpoints: Vec<_> =
        broker.checkpoints().unwrap().iter().map(|bytes| Checkpoint::verify(bytes, &name).unwrap()).collect();
    log.check(&checkpoints).unwrap();
}

#[test]
fn a_broker_whose_disk_is_full_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room() {
    for (kind, sentence) in
        [(ErrorKind::StorageFull, "the disk is full"), (ErrorKind::ReadOnlyFilesystem, "the file system is read-only")]
    {
        let (place, broker, mut clients) = Place::begin();
        let now = day(1).plus(60);
        let [first, second, _] = &mut clients;
        let asked = first.question(now);
        let answer = broker.handle(&asked, now);
        assert_eq!(code(&answer), "ok");
        let before = seen(&broker);

        place.disk.fail(0, kind);
        let (delta, question) = (second.delta(7, now), second.question(now));
        for _ in 0..2 {
            assert_eq!(second.send(&broker, &delta, now), "unavailable", "{kind}");
            assert_eq!(
                second.send(&broker, &question, now),
                "unavailable",
                "a question has a line and a charge to be kept"
            );
            assert!(broker.handle(&asked, now) == answer, "what was answered is answered again");
            let Reply::Rejection(rejection) = read(&broker.handle(&delta, now)) else { panic!("accepted") };
            assert!(rejection.sentence.contains("send the same bytes again"), "{}", rejection.sentence);
            assert_eq!(rejection.log, message::LogEntry::NONE, "it has no line in the log");
            assert!(broker.status().last_fault.unwrap().contains(sentence), "{:?}", broker.status().last_fault);
            assert!(broker.purge(now).is_err());
            assert!(seen(&broker) == before, "nothing is half done");
        }
        // Nor does a day that turns take anything away.
        assert!(broker.release(day(2)).is_err());
        assert!(broker.handle(&asked, now) == answer);

        assert!(place.disk.heal());
        assert_eq!(second.send(&broker, &question, now), "ok", "the same broker, without another opening");
        assert_eq!(second.send(&broker, &delta, now), "ok");
        assert_eq!(broker.status().epochs[0].partners[1].held, 4);
        broker.release(day(2)).unwrap();
        broker.purge(day(2)).unwrap();
        verify_log(&broker);
        let after = seen(&broker);
        drop(broker);
        assert!(seen(&place.reopen(&place.disk)) == after);
    }
}

#[test]
fn whenever_the_disk_fails_a_message_is_there_whole_or_not_at_all() {
    let (place, broker, mut clients) = Place::begin();
    let (mut refused, mut taken) = (0, 0);
    for more in 0..60 {
        let now = day(1).plus(60 + more);
        let client = &mut clients[more as usize % 3];
        let message = if more % 2 == 0 {
            client.delta(100 + more as u8, now)
        } else {
            client.full_set(&[1, 40 + more as u8], now)
        };
        let before = seen(&broker);
        place.disk.fail(more / 2, ErrorKind::StorageFull);
        let reply = client.send(&broker, &message, now);
        place.disk.heal();
        if reply == "ok" {
            taken += 1;
        } else {
            refused += 1;
            assert_eq!(reply, "unavailable");
            assert!(seen(&broker) == before, "after {more}");
            assert_eq!(client.send(&broker, &message, now), "ok", "the same bytes, after {more}");
        }
    }
    assert!(refused > 10 && taken > 5, "{refused} refused, {taken} taken");
    verify_log(&broker);
    let after = seen(&broker);
    drop(broker);
    assert!(seen(&place.reopen(&place.disk)) == after);
}

#[test]
fn no_crash_leaves_more_noted_as_signed_than_is_in_the_store() {
    let (place, broker, mut clients) = Place::begin();
    let message = clients[0].delta(7, day(1));
    assert_eq!(clients[0].send(&broker, &message, day(1)), "ok");
    drop(broker);
    let noted = place.keys.path().join("signed.logs");
    let before = std::fs::read(&noted).unwrap();
    let base = place.disk.copy();
    let (mut step, mut signed, mut noted_alone) = (0, false, false);
    while !signed {
        files::replace_private(&noted, &before).unwrap();
        let disk = base.copy();
        let broker = place.reopen(&disk);
        disk.fail(step, ErrorKind::StorageFull);
        signed = broker.release(day(2)).is_ok();
        drop(broker);
        // The power goes: what was not synced is lost.
        let disk = disk.without_what_was_not_synced();
        noted_alone |= !signed && std::fs::read(&noted).unwrap() != before;
        let broker = place.reopen(&disk);
        assert_eq!(broker.status().log_behind, None, "step {step}");
        broker.release(day(2)).unwrap();
        assert_eq!(broker.checkpoints().unwrap().len(), 3, "step {step}");
        verify_log(&broker);
        step += 1;
    }
    assert!(step > 8 && noted_alone, "the order was looked at: {step} steps");
}

#[test]
fn a_copy_of_a_broker_that_has_signed_since_shows_in_its_status() {
    let (place, broker, _) = Place::begin();
    drop(broker);
    let copy = place.disk.copy();
    let broker = place.reopen(&place.disk);
    broker.release(day(2)).unwrap();
    drop(broker);
    assert!(place.reopen(&copy).status().log_behind.is_some());
    assert_eq!(place.reopen(&place.disk).status().log_behind, None);
}

/// How many batches the store has of a partner, and how many rows these have.
fn batches(broker: &Broker, partner: u16) -> (usize, usize) {
    let (mut batches, mut rows) = (0, 0);
    broker
        .database
        .store()
        .batches(&mut |batch| {
            batches += usize::from(batch.id.partner == partner);
            rows += if batch.id.partner == partner { batch.rows.len() } else { 0 };
            Ok(())
        })
        .unwrap();
    (batches, rows)
}

#[test]
fn a_partner_that_says_the_same_again_and_again_fills_no_disk() {
    let (place, broker, mut clients) = Place::begin();
    let flags: Vec<_> = (100..200).map(pseudonym).collect();
    let last_days: [Day; 2] = ["2027-03-31", "2027-04-30"].map(|day| day.parse().unwrap());
    let mut most = 0;
    for turn in 0..200 {
        let now = day(1).plus(60 + turn);
        let client = &mut clients[0];
        client.state += 1;
        // Other flags every now and then, so that it is not one batch that comes again.
        let some = if turn % 7 == 3 { &flags[..40] } else { &flags[..] };
        let flagged = vec![Group { terms: until(last_days[turn as usize % 2]), pseudonyms: some }];
        let withdrawn = if turn % 7 == 3 { &flags[40..60] } else { &[] };
        let request = Request::Delta(Delta { flagged, withdrawn });
        let message = client.sign(&request, client.state, client.accepted, now);
        assert_eq!(client.send(&broker, &message, now), "ok");
        most = most.max(batches(&broker, 1).1);
    }
    // 3 are released; of 100 it is said what they are, and 16 messages wait to be looked at.
    assert!(most <= 3 + 2 * 100 + 16 * 100, "{most} rows");
    assert!(most >= 1_000, "they are not folded each time: {most} rows");
    let held = broker.status().epochs[0].partners[0].held;
    drop(broker);
    let broker = place.reopen(&place.disk);
    assert_eq!(broker.status().epochs[0].partners[0].held, held);

    // Sets in the place of sets, whole and in parts.
    let mut set = |part: Part, flags: &[Pseudonym], now: Timestamp| {
        let client = &mut clients[0];
        client.state += 1;
        let flagged = vec![Group { terms: until(last_days[0]), pseudonyms: flags }];
        let request = Request::FullSet(FullSet { shrink: true, part, flagged });
        let message = client.sign(&request, client.state, client.accepted, now);
        assert_eq!(client.send(&broker, &message, now), "ok");
    };
    for turn in 0..20 {
        let now = day(1).plus(1_000 + turn);
        if turn % 2 == 0 {
            set(Part { number: 1, of: 1 }, &flags[..90], now);
            assert_eq!(batches(&broker, 1), (2, 3 + 103), "what is released; the set, and what ended with it");
        } else {
            set(Part { number: 1, of: 2 }, &flags[..50], now);
            set(Part { number: 2, of: 2 }, &flags[50..80], now);
            assert_eq!(batches(&broker, 1), (3, 3 + 103));
        }
    }
    set(Part { number: 1, of: 3 }, &flags[..10], day(1).plus(2_000));
    let before = seen(&broker);
    drop(broker);
    let broker = place.reopen(&place.disk);
    assert!(seen(&broker) == before);
    assert_eq!(before.0[0].partners[0].held, 80);
    // All waited long enough, and what the disk has is what was said last.
    broker.accept_clock(day(9)).unwrap();
    assert_eq!(broker.status().epochs[0].partners[0].released, 80);
    let asked = clients[0].question(day(9));
    let Reply::Answer(answer) = read(&broker.handle(&asked, day(9))) else { panic!("no answer") };
    assert_eq!(answer.standings, [1, 1, 1], "its first flags went with the set");
}

impl Client {
    /// Sends a part of a full set, with the shrink bit.
    fn send_part(&mut self, broker: &Broker, (number, of): (u16, u16), flag: u8, now: Timestamp) {
        self.state += 1;
        let pseudonyms = [pseudonym(flag)];
        let flagged = vec![Group { terms: until(last_day()), pseudonyms: &pseudonyms }];
        let request = Request::FullSet(FullSet { shrink: true, part: Part { number, of }, flagged });
        let message = self.sign(&request, self.state, self.accepted, now);
        assert_eq!(self.send(broker, &message, now), "ok");
    }
}

/// A full release comes between the parts of a set: it releases none of them, and none is lost after it.
#[test]
fn parts_of_a_set_that_is_not_whole_are_not_released_with_what_is() {
    for parts in [2, 3] {
        let (place, mut broker, mut clients) = Place::begin();
        for number in 2..=6 {
            broker.release(day(number)).unwrap();
        }
        let client = &mut clients[0];
        // The forced full release is seven days after the epoch's opening day.
        let midnight = |day: u64| Timestamp(START.0 - DAY / 2 + day * DAY);
        for part in 1..parts {
            client.send_part(&broker, (part, parts), 100 + part as u8, Timestamp(midnight(7).0 - 60));
        }
        assert!(broker.release(midnight(7)).unwrap()[0].full);
        client.send_part(&broker, (parts, parts), 1, midnight(7).plus(60));
        let held = u32::from(parts);
        for day in 8..=15 {
            broker.release(midnight(day)).unwrap();
            let before = broker.status().epochs;
            let partner = &before[0].partners[0];
            // What it held before and not in the set goes at the turn of the day; what is new waits for the week's end.
            let released = if day < 14 { 1 } else { held };
            assert_eq!((partner.held, partner.released), (held, released), "of {parts} parts, day {day}");
            drop(broker);
            broker = place.reopen(&place.disk);
            assert!(broker.status().epochs == before, "of {parts} parts, day {day}");
        }
    }
}

#[test]
fn a_backup_is_made_in_doubt_and_no_line_bears_a_doubted_time() {
    let (folder, copies, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), key_folder());
    let open_keys = || BrokerKeys::open(keys.path()).unwrap();
    let policy = sample::folder(&sample::TEXT);
    let broker = Broker::create(folder.path(), open_keys(), &policy.path().join("policy.toml"), START).unwrap();
    broker.release(day(1)).unwrap();
    for (at, clock) in [Clock::from(day(365)), Clock::from(START), Clock::untrusted(day(1))].into_iter().enumerate() {
        assert!(broker.purge(clock).is_err(), "in doubt nothing is erased");
        broker.backup(&copies.path().join(at.to_string()), clock).unwrap();
        let fault = broker.status().last_fault.unwrap();
        assert!(fault.contains(&clock.now.to_string()) && !fault.contains("nothing was done"), "{fault}");
        assert!(fault.contains("only withdrawals are accepted and backups made"), "{fault}");
    }
    let mut times = Vec::new();
    let visit = |_, row: &LogRow| {
        if let LogRow::Line(line) = row
            && matches!(line.event, Event::Backup | Event::Purge { .. })
        {
            times.push(line.time);
        }
        Ok(())
    };
    broker.log_rows(visit).unwrap();
    assert_eq!(times, [day(1); 3]);
    drop(broker);
    Broker::open(folder.path(), open_keys()).unwrap().release(day(2)).unwrap();

    let restore = |now| {
        let to = tempfile::tempdir().unwrap();
        let restored = Broker::restore(&copies.path().join("2"), to.path(), open_keys(), now);
        assert!(restored.is_ok() || Broker::open(to.path(), open_keys()).is_err(), "nothing is put in place");
        restored
    };
    let error = restore(Timestamp(day(1).0 - 61)).unwrap_err();
    assert_eq!(error.code(), "clock", "{error}");
    let broker = restore(Timestamp(day(1).0 - 60)).unwrap();
    assert_eq!(broker.database.begin().unwrap().restored(), Some(day(1)));
}

#[test]
fn a_time_in_milliseconds_is_refused_as_one() {
    let (folder, copies, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), key_folder());
    let open_keys = || BrokerKeys::open(keys.path()).unwrap();
    let newer = sample::folder(&sample::changed_text(&[(
        "version = 1\n",
        &format!("version = 2\nprevious = \"{}\"\n", sample::signed().digest()),
    )]));
    let newer = newer.path().join("policy.toml");
    let policy = sample::folder(&sample::TEXT);
    let policy = policy.path().join("policy.toml");
    let now = Timestamp(START.0 * 1000 + 5);
    let refused = |what: &str, error: Option<BrokerError>| {
        let error = error.expect(what);
        assert_eq!(error.code(), "clock_ahead", "{what}");
        let text = error.to_string();
        assert!(text.contains(", which looks like milliseconds: give whole seconds, is after 2149"), "{what}: {text}");
    };
    refused("create", Broker::create(folder.path(), open_keys(), &policy, now).err());
    refused("in memory", Broker::in_memory(open_keys(), sample::signed(), &[], now).err());
    let broker = Broker::create(folder.path(), open_keys(), &policy, START).unwrap();
    refused("release", broker.release(now).err());
    refused("accept_clock", broker.accept_clock(now).err());
    refused("purge", broker.purge(now).err());
    refused("adopt_policy", broker.adopt_policy(&newer, now).err());
    // What does not wait for a clock that is right goes on, and the operator sees it in the status.
    let is_told = || broker.status().last_fault.unwrap().contains("looks like milliseconds");
    broker.backup(&copies.path().join("copy"), now).unwrap();
    assert!(is_told());
    *broker.last_fault() = None;
    let mut client = Client { number: 1, state: 0, question: 0, accepted: 0 };
    broker.handle(&client.full_set(&[1], START), now);
    assert!(is_told());
    let restored = folder.path().join("restored");
    refused("restore", Broker::restore(&copies.path().join("copy"), &restored, open_keys(), now).err());
    let untrusted = broker.release(Clock::untrusted(Timestamp(u64::MAX))).unwrap_err();
    assert!(untrusted.code() == "clock_ahead" && !untrusted.to_string().contains("milli"), "{untrusted}");
    assert!(untrusted.to_string().contains("seconds since 1970, is after 2149"), "{untrusted}");
}

#[test]
fn a_reply_that_nobody_can_verify_names_the_restore_too() {
    let (lost, copy, restored, keys) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), key_folder());
    let open_keys = || BrokerKeys::open(keys.path()).unwrap();
    let policy = sample::folder(&sample::TEXT);
    let broker = Broker::create(lost.path(), open_keys(), &policy.path().join("policy.toml"), START).unwrap();
    broker.backup(copy.path(), START).unwrap();
    drop(Broker::restore(copy.path(), restored.path(), open_keys(), day(1)).unwrap());
    let other = keys.path().join("signing.key");
    std::fs::remove_file(&other).unwrap();
    files::create_private(&other, &[0xee; 32]).unwrap();
    let broker = Broker::open(restored.path(), open_keys()).unwrap();
    let reply = broker.handle(&Client { number: 1, state: 0, question: 0, accepted: 0 }.question(day(1)), day(1));
    let verified = Unverified::parse(&reply, Role::Broker).unwrap().verify(&broker.keys.verifying_key()).unwrap();
    let Reply::Rejection(rejection) = verified.reply().unwrap() else { panic!("accepted") };
    assert_eq!((rejection.code.as_str(), rejection.log.restored), ("unavailable", day(1)));
}

/// Whatever is there after the process ended, it is no broker, and the same call makes it.
#[test]
fn a_broker_whose_making_broke_off_is_made_again() {
    let policy = sample::folder(&sample::TEXT);
    let policy = policy.path().join("policy.toml");
    for steps in 0.. {
        let (folder, keys) = (tempfile::tempdir().unwrap(), key_folder());
        let open_keys = || BrokerKeys::open(keys.path()).unwrap();
        files::crash::after(Some(steps));
        let made = Broker::create(folder.path(), open_keys(), &policy, START).map(drop);
        files::crash::after(None);
        let opened = Broker::open(folder.path(), open_keys()).map(drop);
        if made.is_ok() {
            opened.unwrap();
            let again = Broker::create(folder.path(), open_keys(), &policy, START).unwrap_err();
            assert!(again.to_string().contains("it exists already; nothing was changed: see"), "{again}");
            assert!(!folder::making(folder.path()).exists());
            assert!(steps > 20, "policy, keys and store");
            break;
        }
        // The last steps are after the store got its place. Whoever tries again does so later, and the log is then
        // another.
        if opened.is_err() {
            Broker::create(folder.path(), open_keys(), &policy, START.plus(9)).unwrap();
        }
        let broker = Broker::open(folder.path(), open_keys()).unwrap();
        broker.release(day(1)).unwrap();
        assert_eq!(broker.status().log_behind, None, "step {steps}");
        assert!(!broker.checkpoints().unwrap().is_empty());
    }
}

#[test]
fn one_at_a_time_makes_a_broker_in_a_folder() {
    let policy = sample::folder(&sample::TEXT);
    let policy = policy.path().join("policy.toml");
    let (folder, keys) = (tempfile::tempdir().unwrap(), key_folder());
    let create = || Broker::create(folder.path(), BrokerKeys::open(keys.path()).unwrap(), &policy, START);
    let made = folder::making(folder.path()).join("store");
    let other = folder::begin(folder.path()).unwrap();
    std::fs::create_dir_all(&made).unwrap();
    assert_eq!(create().unwrap_err().code(), "folder_in_use");
    assert!(made.exists(), "what the other one is making stays");
    drop(other);
    drop(create().unwrap());
    // What another process left there after there was a broker goes when that is opened.
    std::fs::create_dir_all(&made).unwrap();
    Broker::open(folder.path(), BrokerKeys::open(keys.path()).unwrap()).unwrap();
    assert!(!folder::making(folder.path()).exists());
}

#[test]
fn a_backup_that_broke_off_is_no_backup_and_is_made_again() {
    let (lost, keys) = (tempfile::tempdir().unwrap(), key_folder());
    let open_keys = || BrokerKeys::open(keys.path()).unwrap();
    let policy = sample::folder(&sample::TEXT);
    let broker = Broker::create(lost.path(), open_keys(), &policy.path().join("policy.toml"), START).unwrap();
    for steps in 0.. {
        let (copy, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        files::crash::after(Some(steps));
        let made = broker.backup(copy.path(), START);
        files::crash::after(None);
        if made.is_err() {
            let error = Broker::restore(copy.path(), folder.path(), open_keys(), day(1)).map(drop).unwrap_err();
            assert!(error.to_string().contains("no whole backup"), "step {steps}: {error}");
            assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "step {steps}");
            broker.backup(copy.path(), START).unwrap();
        }
        assert_eq!(broker.backup(copy.path(), START).unwrap_err().code(), "store");
        Broker::restore(copy.path(), folder.path(), open_keys(), day(1)).unwrap();
        if made.is_ok() {
            assert!(steps > 10, "policy, signatures and the name");
            break;
        }
    }
}

/// A copy that opened without this would show flags that were withdrawn since.
#[test]
fn a_restore_that_broke_off_leaves_no_broker_that_does_not_wait_for_full_sets() {
    let (lost, copy, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), key_folder());
    let open_keys = || BrokerKeys::open(keys.path()).unwrap();
    let policy = sample::folder(&sample::TEXT);
    for certificate in sample::certificates(&sample::policy()) {
        std::fs::write(policy.path().join(certificate.file_name()), certificate.to_text()).unwrap();
    }
    let broker = Broker::create(lost.path(), open_keys(), &policy.path().join("policy.toml"), START).unwrap();
    let mut client = Client { number: 1, state: 0, question: 0, accepted: 0 };
    let set = client.full_set(&[1, 2], START);
    assert_eq!(client.send(&broker, &set, START), "ok");
    broker.backup(copy.path(), day(1)).unwrap();
    drop(broker);
    for steps in 0.. {
        let folder = tempfile::tempdir().unwrap();
        files::crash::after(Some(steps));
        let restored = Broker::restore(copy.path(), folder.path(), open_keys(), day(1)).map(drop);
        files::crash::after(None);
        let opened = Broker::open(folder.path(), open_keys());
        let broker = match opened {
            Ok(broker) => broker,
            Err(_) => Broker::restore(copy.path(), folder.path(), open_keys(), day(1)).unwrap(),
        };
        let asked = client.question(day(1));
        assert_eq!(code(&broker.handle(&asked, day(1))), "recovering", "step {steps}");
        if restored.is_ok() {
            assert!(steps > 20, "policies, signatures and two files");
            break;
        }
    }
    // Nor where a key is missing that is put back later.
    let (folder, pepper) = (tempfile::tempdir().unwrap(), keys.path().join("epoch-1.pepper"));
    let away = keys.path().join("away");
    std::fs::rename(&pepper, &away).unwrap();
    assert!(Broker::restore(copy.path(), folder.path(), open_keys(), day(1)).is_err());
    std::fs::rename(&away, &pepper).unwrap();
    let error = Broker::open(folder.path(), open_keys()).unwrap_err();
    assert!(error.to_string().contains("there is no store"), "{error}");
    let broker = Broker::restore(copy.path(), folder.path(), open_keys(), day(1)).unwrap();
    assert_eq!(code(&broker.handle(&client.question(day(1)), day(1))), "recovering");
}

#[test]
fn keys_that_a_crash_left_of_epochs_that_closed_are_destroyed_when_the_day_turns() {
    let (place, broker, _) = Place::begin();
    drop(broker);
    // 0 and 1000 are in no policy; 1001 is neither, but its keys were being destroyed.
    for epoch in [0, 1000, 1001] {
        place.keys().draw(epoch).unwrap();
    }
    std::fs::write(place.keys.path().join("epoch-1001.destroyed"), []).unwrap();
    let broker = place.reopen(&place.disk);
    broker.release(day(2)).unwrap();
    let has = |name: &str| place.keys.path().join(name).exists();
    for epoch in [0, 1001] {
        assert!(!has(&format!("epoch-{epoch}.pepper")) && !has(&format!("epoch-{epoch}.blobs")), "{epoch}");
        assert!(has(&format!("epoch-{epoch}.destroyed")), "{epoch}");
    }
    // A policy that was adopted after a restored copy was made may list a later epoch.
    for epoch in [1, 1000] {
        assert!(has(&format!("epoch-{epoch}.pepper")) && has(&format!("epoch-{epoch}.blobs")), "{epoch}");
        assert!(!has(&format!("epoch-{epoch}.destroyed")), "{epoch}");
    }
}

//! What one thread changes while another decides on a message, makes a release or purges.
//!
//! The store pauses in the midst of that: when it stages a batch, or when it was purged.

use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::*;
use crate::audit::Line;
use crate::policy::{Certificate, Statement};
use crate::store::{Batch, Change, Purged, Staged, StoreError, Ticket, Upkeep};

/// A store in memory, shared by its clones, that pauses once at a chosen step.
#[derive(Clone, Default)]
struct PausingStore(Arc<(MemoryStore, Mutex<Option<PauseAt>>)>);

/// The step that pauses the store, the sender that tells of it, and the receiver that ends with the pause.
type PauseAt = (Step, Sender<()>, Receiver<()>);

#[derive(PartialEq)]
enum Step {
    /// Before a batch of this partner is staged.
    Stage(u16),
    /// After the purge, before its caller goes on.
    Purged,
}

/// Ends the pause when it is dropped, so that no thread waits for ever where an assertion fails.
struct Pause {
    reached: Receiver<()>,
    _ends_when_dropped: Sender<()>,
}

impl PausingStore {
    /// Pauses the next time that it comes to `step`.
    fn pause(&self, step: Step) -> Pause {
        let (reach, reached) = mpsc::channel();
        let (_ends_when_dropped, ended) = mpsc::channel();
        *self.0.1.lock().unwrap() = Some((step, reach, ended));
        Pause { reached, _ends_when_dropped }
    }

    fn pass(&self, step: Step) {
        let pause = self.0.1.lock().unwrap().take_if(|(chosen, ..)| *chosen == step);
        if let Some((_, reach, ended)) = pause {
            reach.send(()).unwrap();
            let _ = ended.recv();
        }
    }
}

impl Pause {
    fn wait_until_reached(&self) {
        self.reached.recv_timeout(Duration::from_secs(60)).expect("the store never came to that step");
    }
}

impl Store for PausingStore {
    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError> {
        self.pass(Step::Stage(batch.id.partner));
        self.0.0.stage(batch)
    }

    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        self.0.0.rows()
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.0.0.batches(visit)
    }

    fn leaves(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        self.0.0.leaves()
    }

    fn lines(&self, range: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.0.0.lines(range)
    }

    fn submit(&self, change: Change) -> Result<Ticket, StoreError> {
        self.0.0.submit(change)
    }

    fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.0.0.wait(ticket)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }
}

/// A store in memory has nothing to purge, and only pauses.
impl Upkeep for PausingStore {
    fn purge(&self) -> Result<Purged, StoreError> {
        self.pass(Step::Purged);
        Ok(Purged::default())
    }

    fn backup(&self, to: &Path) -> Result<(), StoreError> {
        Err(StoreError::Store { path: to.into(), finding: "a store in memory has nothing on disk to copy".into() })
    }
}

/// Midnight, the only moment of a release, before which three partners have delivered and were released.
const MIDNIGHT: Timestamp = Timestamp(START.0 + DAY + DAY / 2);

/// A broker on a pausing store. Partners 1 to 3 hold three released flags and one that the next release shows, so that
/// it stages a batch of each that takes the place of two.
fn begin() -> (PausingStore, Broker, [Client; 3]) {
    let store = PausingStore::default();
    let keys = Arc::new(BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key()));
    let broker = super::begin(keys, Box::new(store.clone())).unwrap();
    let mut clients = [1, 2, 3].map(|number| Client { number, state: 0, question: 0, accepted: 0 });
    for client in &mut clients {
        let set = client.full_set(&[1, 2, 3], START);
        assert_eq!(client.send(&broker, &set, START), "ok");
    }
    deliver_nothing(4, &broker);
    let before = Timestamp(MIDNIGHT.0 - 60);
    assert_eq!(broker.release(before).unwrap().len(), 1);
    for client in &mut clients {
        let delta = client.delta(4, before);
        assert_eq!(client.send(&broker, &delta, before), "ok");
    }
    (store, broker, clients)
}

/// A folder with a policy that follows the sample, with another piece of it replaced.
fn newer_policy_with(from: &str, to: &str) -> tempfile::TempDir {
    let digest = sample::signed().digest();
    let version = format!("version = 2\nprevious = \"{digest}\"\n");
    sample::folder(&sample::changed_text(&[("version = 1\n", &version), (from, to)]))
}

fn newer_policy() -> tempfile::TempDir {
    newer_policy_with("075 000 00 00", "075 000 00 01")
}

/// The kinds of the log's lines; no line bears an earlier time than the one before it.
fn log_of(store: &PausingStore) -> Vec<&'static str> {
    let lines = store.lines(0..u64::MAX).unwrap();
    let lines: Vec<Line> = lines.iter().map(|(_, bytes)| Line::parse(bytes).unwrap()).collect();
    for (index, pair) in lines.windows(2).enumerate() {
        assert!(pair[0].time <= pair[1].time, "line {} is of before the one before it", index + 1);
    }
    lines.iter().map(|line| line.event.kind()).collect()
}

/// Has `decided` decided at `now`, and before that is kept `other`, with which the day turns at `midnight`. The
/// replies to both.
fn straddle(
    (store, broker): (&PausingStore, &Broker),
    (decided, now): (&[u8], Timestamp),
    (other, midnight): (&[u8], Timestamp),
) -> [Vec<u8>; 2] {
    let deciding = store.pause(Step::Stage(1));
    thread::scope(|scope| {
        let handled = scope.spawn(|| broker.handle(decided, now));
        deciding.wait_until_reached();
        let turned = broker.handle(other, midnight);
        drop(deciding);
        [handled.join().unwrap(), turned]
    })
}

#[test]
fn a_message_of_before_midnight_closes_no_epoch_that_opened_at_midnight() {
    let (store, broker, [mut first, mut second, _]) = begin();
    let next = format!(
        "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = {}\ncloses = 2027-12-31\n\n\
         [[organisation]]\nslug = \"politie\"",
        MIDNIGHT.day()
    );
    let newer = newer_policy_with("[[organisation]]\nslug = \"politie\"", &next);
    broker.adopt_policy(&newer.path().join("policy.toml"), Timestamp(MIDNIGHT.0 - 30)).unwrap();
    let before = Timestamp(MIDNIGHT.0 - 1);
    let (delta, other) = (first.delta(5, before), second.delta(5, MIDNIGHT));
    let replies = straddle((&store, &broker), (&delta, before), (&other, MIDNIGHT));
    assert_eq!(replies.each_ref().map(|reply| code(reply)), ["ok", "ok"]);
    let times = replies.map(|reply| Unverified::parse(&reply, Role::Broker).unwrap().unverified_header().time);
    assert_eq!(times, [MIDNIGHT, MIDNIGHT]);
    assert_eq!(broker.status().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [1, 2]);
    assert!(broker.keys.pepper(2).is_some() && !broker.keys.is_destroyed(2));
    let kinds = log_of(&store);
    assert!(kinds.contains(&"epoch_opened") && !kinds.contains(&"epoch_closed"), "{kinds:?}");
}

#[test]
fn a_flag_that_ended_while_its_withdrawal_waited_is_not_withdrawn() {
    let (store, broker, [mut first, mut second, _]) = begin();
    let last_day: Day = "2026-12-31".parse().unwrap();
    let midnight = last_day.plus(1).start();
    let (evening, before) = (Timestamp(midnight.0 - 90_000), Timestamp(midnight.0 - 1));
    broker.accept_clock(evening).unwrap();
    let flags = [pseudonym(1)];
    let flagged = vec![Group { terms: until(last_day), pseudonyms: &flags }];
    let set = Request::FullSet(FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged });
    first.state += 1;
    let set = first.sign(&set, first.state, first.accepted, evening);
    assert_eq!(first.send(&broker, &set, evening), "ok");
    broker.release(Timestamp(midnight.0 - 60)).unwrap();
    first.state += 1;
    let withdraws = Request::Delta(Delta { flagged: vec![], withdrawn: &flags });
    let withdraws = first.sign(&withdraws, first.state, first.accepted, before);
    let replies = straddle((&store, &broker), (&withdraws, before), (&second.delta(5, midnight), midnight));
    let Reply::Receipt(receipt) = read(&replies[0]) else { panic!("{}", code(&replies[0])) };
    assert_eq!((receipt.withdrawn, receipt.held), (0, 0), "it ended with the day before");
    log_of(&store);
}

#[test]
fn no_line_bears_an_earlier_time_than_the_line_before_it() {
    let (store, broker, [mut first, ..]) = begin();
    let at = |seconds: u64| Timestamp(MIDNIGHT.0 - seconds);
    // A stranger's message has its line when the broker ends, and others act on a later moment before that.
    broker.handle(b"?", at(55));
    assert_eq!(code(&broker.handle(&first.question(at(20)), at(20))), "ok");
    broker.purge(at(50)).unwrap();
    broker.release(at(45)).unwrap();
    drop(broker);
    assert_eq!(log_of(&store).last(), Some(&"unauthenticated"));
}

#[test]
fn a_message_decided_under_a_policy_that_was_replaced_meanwhile_is_decided_anew() {
    let (store, broker, [mut client, ..]) = begin();
    let now = Timestamp(MIDNIGHT.0 - 30);
    let newer = newer_policy();
    let delta = client.delta(5, now);
    let pause = store.pause(Step::Stage(1));
    thread::scope(|scope| {
        let handled = scope.spawn(|| broker.handle(&delta, now));
        pause.wait_until_reached();
        broker.adopt_policy(&newer.path().join("policy.toml"), now).unwrap();
        drop(pause);
        let reply = handled.join().unwrap();
        let header = Unverified::parse(&reply, Role::Broker).unwrap().unverified_header().clone();
        assert_eq!((broker.policy().policy().version, header.policy), (2, broker.policy().digest()));
    });
}

#[test]
fn a_message_decided_before_a_release_that_began_meanwhile_is_not_lost_with_it() {
    let (store, broker, [mut client, ..]) = begin();
    let now = Timestamp(MIDNIGHT.0 - 30);
    let delta = client.delta(5, now);
    let deciding = store.pause(Step::Stage(1));
    thread::scope(|scope| {
        let (reply, replied) = mpsc::channel();
        let (broker, delta) = (&broker, &delta);
        scope.spawn(move || reply.send(broker.handle(delta, now)).unwrap());
        deciding.wait_until_reached();
        let releasing = store.pause(Step::Stage(2));
        let released = scope.spawn(|| broker.release(MIDNIGHT));
        releasing.wait_until_reached();
        drop(deciding);
        // Applied now, it would be gone when the release takes the place of what partners held when it began.
        assert!(replied.recv_timeout(Duration::from_millis(200)).is_err(), "it waits for the release");
        drop(releasing);
        assert!(released.join().unwrap().unwrap()[0].full);
        assert_eq!(code(&replied.recv().unwrap()), "ok");
    });
    let partner = &broker.status().epochs[0].partners[0];
    assert_eq!((partner.held, partner.released), (5, 4));
}

#[test]
fn while_a_release_is_made_questions_are_answered_and_state_messages_wait() {
    let (_, broker, [mut client, ..]) = begin();
    let now = Timestamp(MIDNIGHT.0 - 30);
    let delta = client.delta(5, now);
    let question = client.question(now);
    let in_progress = broker.database.begin().unwrap().begin_release().unwrap();
    thread::scope(|scope| {
        // Dropped where an assertion fails, so that the other thread ends.
        let in_progress = in_progress;
        let (reply, replied) = mpsc::channel();
        let (broker, delta) = (&broker, &delta);
        scope.spawn(move || reply.send(broker.handle(delta, now)).unwrap());
        assert!(replied.recv_timeout(Duration::from_millis(100)).is_err(), "it waits");
        // That its own state message waits does not keep a partner from asking.
        assert_eq!(code(&broker.handle(&question, now)), "ok");
        assert!(replied.try_recv().is_err(), "it still waits");
        drop(in_progress);
        assert_eq!(code(&replied.recv().unwrap()), "ok");
    });
}

#[test]
fn a_policy_is_not_adopted_while_another_thread_makes_a_release() {
    let (store, broker, _) = begin();
    let newer = newer_policy();
    let releasing = store.pause(Step::Stage(1));
    thread::scope(|scope| {
        let releasing = releasing;
        let (adopt, adopted) = mpsc::channel();
        let (broker, newer) = (&broker, &newer);
        scope.spawn(move || {
            let differences = broker.adopt_policy(&newer.path().join("policy.toml"), MIDNIGHT);
            adopt.send(differences.map(drop)).unwrap();
        });
        releasing.wait_until_reached();
        // A change that is not kept: what the release was made from is read anew, and another thread makes it.
        let mut lost = broker.database.begin().unwrap();
        lost.change();
        drop(lost);
        let in_progress = broker.database.begin().unwrap().begin_release().unwrap();
        drop(releasing);
        assert!(adopted.recv_timeout(Duration::from_millis(300)).is_err(), "it waits for the release");
        assert_eq!(broker.policy().policy().version, 1);
        drop(in_progress);
        adopted.recv().unwrap().unwrap();
    });
    assert_eq!(broker.policy().policy().version, 2);
}

#[test]
fn a_suspension_is_not_lost_with_a_release_that_is_being_made() {
    for kept_at in [MIDNIGHT, Timestamp(MIDNIGHT.0 - 1)] {
        let (store, broker, _) = begin();
        keep_a_suspension_while_a_release_is_made(&store, &broker, kept_at);
    }
}

/// The suspension begins with the day of the release, so that it has begun whenever the release is over.
fn keep_a_suspension_while_a_release_is_made(store: &PausingStore, broker: &Broker, kept_at: Timestamp) {
    let (first_day, last_day) = (MIDNIGHT.day(), MIDNIGHT.day());
    let statement = Statement { partner: 1, epoch: 1, serial: 2, keys: None, first_day, last_day };
    let suspension = Certificate::sign(&sample::policy(), statement, &sample::policy_key("politie")).unwrap();
    let releasing = store.pause(Step::Stage(1));
    thread::scope(|scope| {
        let releasing = releasing;
        let (keep, kept) = mpsc::channel();
        let suspension = &suspension;
        let released = scope.spawn(|| broker.release(MIDNIGHT));
        releasing.wait_until_reached();
        scope.spawn(move || keep.send(broker.keep_certificate(suspension, kept_at)).unwrap());
        assert!(kept.recv_timeout(Duration::from_millis(200)).is_err(), "it waits for the release");
        drop(releasing);
        released.join().unwrap().unwrap();
        assert!(kept.recv().unwrap().unwrap());
    });
    let police = || broker.status().epochs[0].partners[0].clone();
    assert_eq!((police().held, police().released, police().full_set_seen), (0, 4, false), "until the next release");
    broker.release(MIDNIGHT.plus(DAY)).unwrap();
    assert_eq!((police().held, police().released), (0, 0));
}

#[test]
fn what_is_removed_during_a_purge_is_left_to_the_next() {
    let (store, broker, _) = begin();
    let now = Timestamp(MIDNIGHT.0 - 30);
    let remove = |rows| {
        let mut transaction = broker.database.begin().unwrap();
        let (state, change) = transaction.change();
        state.count_removed(rows, change);
        transaction.commit().unwrap();
    };
    broker.purge(now).unwrap();
    remove(3);
    let purging = store.pause(Step::Purged);
    thread::scope(|scope| {
        let purging = purging;
        let purged = scope.spawn(|| broker.purge(now));
        purging.wait_until_reached();
        remove(4);
        drop(purging);
        assert_eq!(purged.join().unwrap().unwrap().rows, 3);
    });
    assert_eq!(load(&store).unwrap().state.unpurged, 4);
    assert_eq!(broker.purge(now).unwrap().rows, 4);
    assert_eq!(load(&store).unwrap().state.unpurged, 0);
}

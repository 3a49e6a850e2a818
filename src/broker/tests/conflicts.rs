//! What changes between deciding on a message and applying the decision: the policy, or a release that begins.
//!
//! The store pauses when it stages a batch, which is between the two.

use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::*;
use crate::store::{Batch, Change, Purged, Staged, StoreError, Ticket};

/// A store in memory, shared by its clones, that pauses when a batch of a chosen partner is staged.
#[derive(Clone, Default)]
struct PausingStore(Arc<(MemoryStore, Mutex<Option<PauseAt>>)>);

/// The partner whose batch pauses the store, the sender that tells of it, and the receiver that ends with the pause.
type PauseAt = (u16, Sender<()>, Receiver<()>);

/// Ends the pause when it is dropped, so that no thread waits for ever where an assertion fails.
struct Pause {
    reached: Receiver<()>,
    _ends_when_dropped: Sender<()>,
}

impl PausingStore {
    /// Pauses the next time that a batch of `partner` is staged.
    fn pause(&self, partner: u16) -> Pause {
        let (reach, reached) = mpsc::channel();
        let (_ends_when_dropped, ended) = mpsc::channel();
        *self.0.1.lock().unwrap() = Some((partner, reach, ended));
        Pause { reached, _ends_when_dropped }
    }
}

impl Pause {
    fn wait_until_reached(&self) {
        self.reached.recv_timeout(Duration::from_secs(60)).expect("no batch was staged");
    }
}

impl Store for PausingStore {
    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError> {
        let pause = self.0.1.lock().unwrap().take_if(|(partner, ..)| *partner == batch.id.partner);
        if let Some((_, reach, ended)) = pause {
            reach.send(()).unwrap();
            let _ = ended.recv();
        }
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

    fn purge(&self) -> Result<Purged, StoreError> {
        self.0.0.purge()
    }

    fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.0.0.backup(to)
    }
}

/// Midnight, the only moment of a release, before which three partners have delivered and were released.
const MIDNIGHT: Timestamp = Timestamp(START.0 + DAY + DAY / 2);

/// A broker on a pausing store. Partners 1 to 3 hold three released flags and one that the next release shows, so that
/// it stages a batch of each that takes the place of two.
fn begin() -> (PausingStore, Broker, [Client; 3]) {
    let store = PausingStore::default();
    let keys = Arc::new(BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key()));
    let broker = Broker::begin(keys, Box::new(store.clone()), sample::signed(), START).unwrap();
    let mut clients = [1, 2, 3].map(|number| Client { number, state: 0, question: 0, accepted: 0 });
    for client in &mut clients {
        let set = client.full_set(&[1, 2, 3], START);
        assert_eq!(client.send(&broker, &set, START), "ok");
    }
    let before = Timestamp(MIDNIGHT.0 - 60);
    assert_eq!(broker.release(before).unwrap().len(), 1);
    for client in &mut clients {
        let delta = client.delta(4, before);
        assert_eq!(client.send(&broker, &delta, before), "ok");
    }
    (store, broker, clients)
}

#[test]
fn a_message_decided_under_a_policy_that_was_replaced_meanwhile_is_decided_anew() {
    let (store, broker, [mut client, ..]) = begin();
    let now = Timestamp(MIDNIGHT.0 - 30);
    let digest = sample::signed().digest();
    let text = sample::changed_text(&[
        ("version = 1\n", &format!("version = 2\nprevious = \"{digest}\"\n")),
        ("075 000 00 00", "075 000 00 01"),
    ]);
    let newer = sample::folder(&text);
    let delta = client.delta(5, now);
    let pause = store.pause(1);
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
    let deciding = store.pause(1);
    thread::scope(|scope| {
        let (reply, replied) = mpsc::channel();
        let (broker, delta) = (&broker, &delta);
        scope.spawn(move || reply.send(broker.handle(delta, now)).unwrap());
        deciding.wait_until_reached();
        let releasing = store.pause(2);
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

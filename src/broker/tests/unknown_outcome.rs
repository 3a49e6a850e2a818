//! A store that cannot say whether it kept a change: the broker tells nobody anything, and goes on from what the store
//! shows once it is opened again.

use std::ops::Range;

use super::*;
use crate::audit::Line;
use crate::store::{Batch, Change, Staged, StoreError, Ticket, Upkeep};

/// A store in memory, which is opened again by a clone. Once it is told to, it loses track of what is submitted next.
#[derive(Clone, Default)]
struct LosingStore {
    kept: Arc<MemoryStore>,
    /// How the next change ends; `None` as it should. Each opening has its own.
    loses: Arc<Mutex<Option<Loses>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Loses {
    /// The change is kept, and the confirmation of that is lost.
    Confirmation,
    Change,
    /// It lost one before, and does nothing more.
    Everything,
}

impl LosingStore {
    fn opened_again(&self) -> LosingStore {
        LosingStore { kept: Arc::clone(&self.kept), loses: Arc::default() }
    }
}

impl Store for LosingStore {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        self.kept.rows()
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.kept.batches(visit)
    }

    fn leaves(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        self.kept.leaves()
    }

    fn lines(&self, range: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.kept.lines(range)
    }

    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError> {
        self.kept.stage(batch)
    }

    fn submit(&self, change: Change) -> Result<Ticket, StoreError> {
        if matches!(*self.loses.lock().unwrap(), None | Some(Loses::Confirmation)) {
            self.kept.submit(change)?;
        }
        Ok(Ticket::committed())
    }

    fn wait(&self, _: Ticket) -> Result<(), StoreError> {
        let mut loses = self.loses.lock().unwrap();
        if loses.is_none() {
            return Ok(());
        }
        *loses = Some(Loses::Everything);
        Err(StoreError::OutcomeUnknown { path: "lost".into() })
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        None
    }
}

fn messages_in_log(store: &LosingStore) -> usize {
    let lines = store.lines(0..u64::MAX).unwrap();
    lines.iter().filter(|(_, line)| matches!(Line::parse(line).unwrap().event, Event::Message { .. })).count()
}

#[test]
fn nobody_is_told_anything_until_the_store_was_opened_again() {
    for loses in [Loses::Confirmation, Loses::Change] {
        let keys = Arc::new(BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key()));
        let store = LosingStore::default();
        let broker = begin(keys.clone(), Box::new(store.clone())).unwrap();
        let mut client = Client { number: 1, state: 0, question: 0, accepted: 0 };
        let set = client.full_set(&[1, 2], START);
        assert_eq!(client.send(&broker, &set, START), "ok");
        let before = messages_in_log(&store);

        *store.loses.lock().unwrap() = Some(loses);
        let delta = client.delta(3, START);
        assert!(broker.handle(&delta, START).is_empty());
        let question = client.question(START);
        for message in [&delta, &set, &question] {
            assert!(broker.handle(message, START).is_empty(), "also what was answered before");
        }
        assert_eq!(broker.release(day(1)).unwrap_err().code(), "outcome_unknown");
        assert_eq!(broker.purge(START).unwrap_err().code(), "outcome_unknown");
        assert!(broker.status().faults.iter().any(|fault| fault.code == "outcome_unknown"));
        let is_kept = loses == Loses::Confirmation;
        assert_eq!(messages_in_log(&store), before + usize::from(is_kept), "nothing is written after it");
        drop(broker);

        let store = store.opened_again();
        let broker = Broker::resume(keys, Box::new(store.clone()), None, |_| Ok(sample::signed())).unwrap();
        assert_eq!(client.send(&broker, &delta, START), "ok");
        assert_eq!(messages_in_log(&store), before + 1, "once, whether it was kept before or now");
        let next = client.delta(4, START);
        assert_eq!(client.send(&broker, &next, START), "ok");
        assert!(broker.status().epochs[0].partners.iter().any(|partner| partner.held == 4));
    }
}

//! What every store must do, whatever it is kept in: each of these is run for each store.

use std::io::ErrorKind;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

/// Where a store is kept: it can be made there, closed by dropping it, and opened again.
trait Home {
    fn create(&self, keys: Arc<dyn BlobKeys>) -> Box<dyn Store>;

    fn open(&self, keys: Arc<dyn BlobKeys>) -> Result<Box<dyn Store>, StoreError>;

    /// Has the store fail at the write after so many more, and at all later ones, until [`Home::heal`]. `false` where
    /// this store cannot fail.
    fn fail(&self, more: u64) -> bool;

    fn heal(&self);

    /// Whether the store seals what belongs to an epoch.
    fn seals(&self) -> bool;
}

/// A store in memory, which stays while a test has it closed.
#[derive(Default)]
struct InMemory(Arc<MemoryStore>);

impl Home for InMemory {
    fn create(&self, _: Arc<dyn BlobKeys>) -> Box<dyn Store> {
        Box::new(Arc::clone(&self.0))
    }

    fn open(&self, _: Arc<dyn BlobKeys>) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(Arc::clone(&self.0)))
    }

    fn fail(&self, _: u64) -> bool {
        false
    }

    fn heal(&self) {}

    fn seals(&self) -> bool {
        false
    }
}

/// The store on disk, on a simulated one.
#[derive(Default)]
struct OnDisk(SimDisk);

impl Home for OnDisk {
    fn create(&self, keys: Arc<dyn BlobKeys>) -> Box<dyn Store> {
        Box::new(self.0.create_store(keys).unwrap())
    }

    fn open(&self, keys: Arc<dyn BlobKeys>) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(self.0.open_store(keys)?))
    }

    fn fail(&self, more: u64) -> bool {
        self.0.fail(more, ErrorKind::Other);
        true
    }

    fn heal(&self) {
        self.0.heal();
    }

    fn seals(&self) -> bool {
        true
    }
}

/// A store that several hold.
impl<S: Store> Store for Arc<S> {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        S::rows(self)
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), StoreError>) -> Result<(), StoreError> {
        S::batches(self, visit)
    }

    fn leaves(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        S::leaves(self)
    }

    fn lines(&self, range: Range<u64>) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        S::lines(self, range)
    }

    fn stage(&self, batch: &Batch) -> Result<Staged, StoreError> {
        S::stage(self, batch)
    }

    fn submit(&self, change: Change) -> Result<Ticket, StoreError> {
        S::submit(self, change)
    }

    fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        S::wait(self, ticket)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        S::upkeep(self)
    }
}

/// Runs the functions below as tests of the store of one home.
macro_rules! tests_of {
    ($store:ident, $home:ty, [$($test:ident),+ $(,)?]) => {
        mod $store {
            $(
                #[test]
                fn $test() {
                    super::$test(&<$home>::default());
                }
            )+
        }
    };
    ($($store:ident: $home:ty),+ $(,)?) => {
        $(
            tests_of!($store, $home, [
                it_keeps_what_the_model_does_and_still_does_when_opened_again,
                a_line_that_does_not_follow_is_refused_with_all_that_came_with_it,
                changes_are_kept_in_the_order_in_which_they_were_submitted,
                many_threads_share_writes_and_lose_nothing,
                a_write_that_fails_leaves_it_as_it_was_and_readable,
                a_batch_under_a_key_that_is_gone_is_an_error,
                what_is_sealed_of_an_epoch_whose_keys_were_destroyed_is_dropped,
            ]);
        )+
    };
}

tests_of!(memory: super::InMemory, disk: super::OnDisk);

fn it_keeps_what_the_model_does_and_still_does_when_opened_again(home: &dyn Home) {
    let mut random = Random(1);
    let model = MemoryStore::default();
    let mut store = home.create(keys());
    for number in 0..120 {
        let mut change = change(&contents(&model).unwrap(), number, &mut random);
        model.commit(&change).unwrap();
        if number % 3 == 0 {
            for added in &mut change.added {
                let Staged::Whole(batch) = added else { panic!("it is staged already") };
                *added = store.stage(batch).unwrap();
            }
        }
        store.commit(&change).unwrap();
        if number % 20 == 0 {
            drop(store);
            store = home.open(keys()).unwrap();
        }
        if number % 30 == 0 {
            store.upkeep().map(|upkeep| upkeep.purge().unwrap());
        }
    }
    let model = contents(&model).unwrap();
    let (batches, lines, leaves) = (model.batches.len(), model.lines.len(), model.leaves.len());
    assert!(batches > 2 && lines > 20 && lines < leaves, "{batches} {lines} {leaves}");
    assert!(contents(&*store).unwrap() == model);
    let end = model.leaves.len() as u64;
    assert!(store.lines(end - 5..end).unwrap().into_iter().map(|line| line.0).eq(end - 5..end));
}

fn a_line_that_does_not_follow_is_refused_with_all_that_came_with_it(home: &dyn Home) {
    let store = home.create(keys());
    let line = |index| Line { index, bytes: vec![index as u8], leaf: [index as u8; 32] };
    let lines = |indices: &[u64]| Change {
        lines: indices.iter().map(|index| line(*index)).collect(),
        rows: vec![(Key::Policy, Some(vec![indices.len() as u8]))],
        ..Change::default()
    };
    store.commit(&lines(&[0, 1])).unwrap();
    for wrong in [[1, 2].as_slice(), &[3], &[2, 4], &[0]] {
        assert_eq!(store.commit(&lines(wrong)).unwrap_err().code(), "store");
    }
    store.commit(&lines(&[2])).unwrap();
    assert_eq!(store.leaves().unwrap(), [[0; 32], [1; 32], [2; 32]]);
    assert_eq!(store.rows().unwrap(), [(Key::Policy, vec![1])]);
}

fn changes_are_kept_in_the_order_in_which_they_were_submitted(home: &dyn Home) {
    let store = home.create(keys());
    let change = |value| Change { rows: vec![(Key::Policy, Some(vec![value]))], ..Change::default() };
    let tickets: Vec<Ticket> = (0..50).map(|value| store.submit(change(value)).unwrap()).collect();
    tickets.into_iter().rev().for_each(|ticket| store.wait(ticket).unwrap());
    assert_eq!(store.rows().unwrap(), [(Key::Policy, vec![49])]);
}

fn many_threads_share_writes_and_lose_nothing(home: &dyn Home) {
    let store = home.create(keys());
    let sequence = AtomicU64::new(0);
    thread::scope(|scope| {
        for partner in 1..=8 {
            let (store, sequence) = (&store, &sequence);
            scope.spawn(move || {
                let mut random = Random(partner.into());
                for _ in 0..25 {
                    let id = BatchId { epoch: 1, partner, sequence: sequence.fetch_add(1, Ordering::Relaxed) };
                    let added = vec![store.stage(&batch(id, 50, &mut random)).unwrap()];
                    let rows = vec![(Key::Partner(partner), Some(id.sequence.to_le_bytes().to_vec()))];
                    store.commit(&Change { added, rows, ..Change::default() }).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..5 {
                store.upkeep().map(|upkeep| upkeep.purge().unwrap());
                contents(&*store).map(drop).unwrap();
            }
        });
    });
    let kept = contents(&*store).unwrap();
    drop(store);
    let store = home.open(keys()).unwrap();
    assert!(contents(&*store).unwrap() == kept);
    assert_eq!(kept.batches.len(), 200);
    for (key, value) in kept.rows {
        let Key::Partner(partner) = key else { panic!("{key:?}") };
        let last = kept.batches.iter().map(|batch| batch.id).filter(|id| id.partner == partner).max().unwrap();
        assert_eq!(value, last.sequence.to_le_bytes());
    }
}

/// A change with a row, a large batch and a line, which follows what a store has.
fn next(store: &dyn Store) -> Change {
    let index = store.leaves().unwrap().len() as u64;
    let id = BatchId { epoch: 1, partner: 1, sequence: index };
    Change {
        rows: vec![(Key::Policy, Some(index.to_le_bytes().to_vec()))],
        added: vec![whole(batch(id, 9_000, &mut Random(index)))],
        lines: vec![Line { index, bytes: vec![7; 100], leaf: [index as u8; 32] }],
        ..Change::default()
    }
}

fn a_write_that_fails_leaves_it_as_it_was_and_readable(home: &dyn Home) {
    let store = home.create(keys());
    let mut failed = 0;
    for more in 0..40 {
        let before = contents(&*store).unwrap();
        let change = next(&*store);
        if !home.fail(more) {
            return;
        }
        let committed = store.commit(&change);
        if let Err(error) = &committed {
            failed += 1;
            assert_eq!(error.code(), "store");
            assert!(contents(&*store).unwrap() == before, "{more}: it can be read while it fails");
        }
        home.heal();
        if committed.is_err() {
            store.commit(&change).unwrap();
        }
        assert_eq!(contents(&*store).unwrap().leaves.len(), before.leaves.len() + 1);
    }
    assert!(failed > 5, "{failed}");
    let kept = contents(&*store).unwrap();
    drop(store);
    assert!(contents(&*home.open(keys()).unwrap()).unwrap() == kept);
}

fn a_batch_under_a_key_that_is_gone_is_an_error(home: &dyn Home) {
    struct Gone;
    impl BlobKeys for Gone {
        fn blob_key(&self, _: u32) -> Result<Arc<Key32>, StoreError> {
            Err(StoreError::StoreDamaged { finding: "no key" })
        }
    }
    if !home.seals() {
        return;
    }
    let store = home.create(keys());
    store.commit(&next(&*store)).unwrap();
    let id = BatchId { epoch: 99, partner: 1, sequence: 1 };
    let added = vec![whole(batch(id, 1, &mut Random(1)))];
    assert_eq!(store.commit(&Change { added, ..Change::default() }).unwrap_err().code(), "random");
    drop(store);
    assert_eq!(home.open(Arc::new(Gone)).err().unwrap().code(), "store_damaged");
}

fn what_is_sealed_of_an_epoch_whose_keys_were_destroyed_is_dropped(home: &dyn Home) {
    struct Destroyed;
    impl BlobKeys for Destroyed {
        fn blob_key(&self, epoch: u32) -> Result<Arc<Key32>, StoreError> {
            if epoch == 1 { Err(SystemError::Random.into()) } else { Keys.blob_key(epoch) }
        }

        fn is_destroyed(&self, epoch: u32) -> bool {
            epoch == 1
        }
    }
    if !home.seals() {
        return;
    }
    let store = home.create(keys());
    store.commit(&next(&*store)).unwrap();
    let id = |epoch| BatchId { epoch, partner: 1, sequence: 100 };
    let added = [1, 2].map(|epoch| whole(batch(id(epoch), 9_000, &mut Random(epoch.into())))).into();
    let rows = [1, 2].map(|epoch| (Key::PutForward(epoch, 1), Some(b"what is put forward".to_vec()))).into();
    store.commit(&Change { rows, added, ..Change::default() }).unwrap();
    let before = contents(&*store).unwrap();
    drop(store);
    for keys in [Arc::new(Destroyed) as Arc<dyn BlobKeys>, keys()] {
        let after = contents(&*home.open(keys).unwrap()).unwrap();
        let others: Vec<_> = before.batches.iter().filter(|batch| batch.id.epoch != 1).map(|batch| batch.id).collect();
        assert!(!others.is_empty() && after.batches.iter().map(|batch| batch.id).eq(others));
        let rows: Vec<_> = before.rows.iter().filter(|(key, _)| key.sealed_in() != Some(1)).cloned().collect();
        assert!(
            rows.len() < before.rows.len() && rows.contains(&(Key::PutForward(2, 1), b"what is put forward".into()))
        );
        assert!(after.rows == rows && after.lines == before.lines);
    }
}

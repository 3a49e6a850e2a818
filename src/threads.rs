//! Threads for large batches: so many as whoever runs the program says.
//!
//! One, the default, is the caller's own thread: nothing is started, nothing handed over. Whatever the count, what comes out is the
//! same, byte for byte.

use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::system::SystemError;

/// The most threads that can be asked for.
const MOST: usize = 256;

/// The fewest items that are handed to a thread: some hundred microseconds of hashing, beside which the handing over is nothing. So a
/// question about a few addresses never waits for another thread.
const LEAST: usize = 512;

/// The threads that pseudonyms and tags of a large batch are made on. Clones share them; they end with the last clone.
#[derive(Clone, Default)]
pub struct Threads(Option<Arc<ThreadPool>>);

impl Threads {
    /// Starts so many threads; 1 starts none, and is what [`Threads::default`] gives.
    ///
    /// More than the machine has cores do not help.
    ///
    /// # Errors
    ///
    /// [`SystemError::Threads`] for 0 or more than 256, and where the operating system does not give so many.
    pub fn new(count: usize) -> Result<Threads, SystemError> {
        match count {
            1 => Ok(Threads(None)),
            2..=MOST => start(ThreadPoolBuilder::new().num_threads(count), count),
            _ => Err(SystemError::Threads { count, finding: format!("give 1 to {MOST}") }),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(1, |pool| pool.current_num_threads())
    }

    /// What `to` makes of each item, in their order: for reading addresses, as pseudonyms are made.
    pub fn map<T: Sync, U: Send>(&self, items: &[T], to: impl Fn(&T) -> U + Send + Sync) -> Vec<U> {
        let mut made = Vec::new();
        self.extend(&mut made, items, to);
        made
    }

    /// Adds what `to` makes of each item to `made`, in their order.
    pub(crate) fn extend<T: Sync, U: Send>(&self, made: &mut Vec<U>, items: &[T], to: impl Fn(&T) -> U + Send + Sync) {
        match self.pool_for(items) {
            None => made.extend(items.iter().map(to)),
            Some(pool) => pool.install(|| made.par_extend(items.par_iter().with_min_len(LEAST).map(to))),
        }
    }

    /// What `to` makes of the items, one piece after the other: of so many each where several threads share them, else all in one.
    pub(crate) fn map_pieces<T: Sync, U: Send>(
        &self,
        items: &[T],
        piece: usize,
        to: impl Fn(&[T]) -> Vec<U> + Send + Sync,
    ) -> Vec<U> {
        match self.pool_for(items) {
            None => to(items),
            Some(pool) => pool.install(|| items.par_chunks(piece).flat_map_iter(to).collect()),
        }
    }

    /// What `to` makes of each item, in their order, where each is as much work as a large batch.
    pub(crate) fn map_large<T: Sync, U: Send>(&self, items: &[T], to: impl Fn(&T) -> U + Send + Sync) -> Vec<U> {
        match self.0.as_deref().filter(|_| items.len() > 1) {
            None => items.iter().map(to).collect(),
            Some(pool) => pool.install(|| items.par_iter().with_max_len(1).map(to).collect()),
        }
    }

    /// How many threads so many items are spread over.
    pub(crate) fn count_for(&self, items: usize) -> usize {
        if items < 2 * LEAST { 1 } else { self.count() }
    }

    fn pool_for<T>(&self, items: &[T]) -> Option<&ThreadPool> {
        self.0.as_deref().filter(|_| self.count_for(items.len()) > 1)
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Threads({})", self.count())
    }
}

fn start(builder: ThreadPoolBuilder, count: usize) -> Result<Threads, SystemError> {
    let pool = builder.thread_name(|number| format!("stapel-{number}")).build();
    pool.map(|pool| Threads(Some(Arc::new(pool)))).map_err(|error| SystemError::Threads {
        count,
        finding: format!("the operating system does not start them ({error}); give fewer, or 1"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_callers_own() {
        let one = Threads::new(1).unwrap();
        assert_eq!((one.count(), Threads::default().count()), (1, 1));
        let here = std::thread::current().id();
        assert!(one.map(&[0; 3 * LEAST], |_| std::thread::current().id()).iter().all(|id| *id == here));
    }

    #[test]
    fn a_large_batch_is_spread_and_keeps_its_order() {
        let two = Threads::new(2).unwrap();
        assert_eq!((two.count(), format!("{two:?}")), (2, "Threads(2)".to_owned()));
        let here = std::thread::current().id();
        let spread = |items: &[usize]| two.map(items, |item| (*item, std::thread::current().id() == here));
        let items: Vec<usize> = (0..2 * LEAST).collect();
        assert!(spread(&items).into_iter().eq(items.iter().map(|item| (*item, false))));
        assert!(spread(&items[1..]).into_iter().eq(items[1..].iter().map(|item| (*item, true))), "a small one is not");

        let mut after = vec![7];
        two.extend(&mut after, &items, |item| item + 1);
        assert!(after.into_iter().eq([7].into_iter().chain(1..=2 * LEAST)));
        let piece = |items: &[usize]| vec![(items.len(), items[0], std::thread::current().id() == here)];
        let pieces = two.map_pieces(&items, 1_000, piece);
        assert_eq!(pieces, [(1_000, 0, false), (2 * LEAST - 1_000, 1_000, false)]);
        assert_eq!(two.map_pieces(&items[1..], 1_000, piece), [(2 * LEAST - 1, 1, true)]);
        let places = two.map_large(&items[..3], |item| (*item, std::thread::current().id() == here));
        assert_eq!(places, [(0, false), (1, false), (2, false)]);
        assert_eq!(two.map_large(&items[..1], |item| (*item, std::thread::current().id() == here)), [(0, true)]);
        assert_eq!((two.count_for(2 * LEAST), two.count_for(2 * LEAST - 1)), (2, 1));
    }

    #[test]
    fn threads_that_cannot_be_are_an_error() {
        for count in [0, MOST + 1, usize::MAX] {
            let error = Threads::new(count).unwrap_err();
            assert_eq!((error.code(), error.to_string().ends_with("give 1 to 256")), ("threads", true), "{error}");
        }
        // No machine has room for such stacks.
        let error = start(ThreadPoolBuilder::new().num_threads(2).stack_size(1 << 60), 2).unwrap_err();
        assert!(error.to_string().starts_with("2 threads cannot be used: the operating system does not"), "{error}");
    }
}

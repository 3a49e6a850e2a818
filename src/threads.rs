//! How many threads the work on a large batch is spread over: as many as whoever runs the program says.
//!
//! One, the default, is the caller's own thread: nothing is started, nothing handed over. The results are the same,
//! byte for byte, whatever the count. Starting more takes the feature `threads`.

use std::fmt;

#[cfg(feature = "threads")]
use {rayon::ThreadPool, rayon::ThreadPoolBuilder, rayon::prelude::*, std::sync::Arc};

use crate::system::SystemError;

/// The most threads that can be asked for.
const MOST: usize = 256;

/// The fewest items worth a thread. They are some hundred microseconds of hashing, beside which handing them over takes
/// no time. So a question about a few addresses never waits for another thread.
#[cfg(feature = "threads")]
const LEAST: usize = 512;

/// The threads that large batches are hashed, looked up and released on. Clones share them; they end with the last
/// clone.
#[derive(Clone, Default)]
pub struct Threads {
    /// `None` for the caller's own thread.
    #[cfg(feature = "threads")]
    pool: Option<Arc<ThreadPool>>,
}

impl Threads {
    /// Starts `count` threads; 1 starts none, and is what [`Threads::default`] gives.
    ///
    /// More than the machine has cores do not help.
    ///
    /// # Errors
    ///
    /// [`SystemError::Threads`] for 0 or more than 256, where the operating system does not give so many, and for more
    /// than 1 where the library was built without the feature `threads`.
    pub fn new(count: usize) -> Result<Threads, SystemError> {
        match count {
            1 => Ok(Threads::default()),
            2..=MOST => start(count),
            _ => Err(SystemError::Threads { count, finding: format!("give 1 to {MOST}") }),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        #[cfg(feature = "threads")]
        if let Some(pool) = &self.pool {
            return pool.current_num_threads();
        }
        1
    }

    /// The results of `f` for each item, in the items' order. For reading addresses on the threads that make
    /// pseudonyms.
    pub fn map<T: Sync, U: Send>(&self, items: &[T], f: impl Fn(&T) -> U + Send + Sync) -> Vec<U> {
        let mut results = Vec::new();
        self.extend(&mut results, items, f);
        results
    }

    /// Adds the results of `f` for each item to `results`, in the items' order.
    pub(crate) fn extend<T: Sync, U: Send>(
        &self,
        results: &mut Vec<U>,
        items: &[T],
        f: impl Fn(&T) -> U + Send + Sync,
    ) {
        #[cfg(feature = "threads")]
        if let Some(pool) = self.pool_for(items.len()) {
            return pool.install(|| results.par_extend(items.par_iter().with_min_len(LEAST).map(f)));
        }
        results.extend(items.iter().map(f));
    }

    /// The results of `f` for consecutive pieces of the items, joined in order. The pieces have `piece` items each
    /// where several threads share the work; else there is one piece.
    #[cfg_attr(not(feature = "threads"), allow(unused_variables))]
    pub(crate) fn map_pieces<T: Sync, U: Send>(
        &self,
        items: &[T],
        piece: usize,
        f: impl Fn(&[T]) -> Vec<U> + Send + Sync,
    ) -> Vec<U> {
        #[cfg(feature = "threads")]
        if let Some(pool) = self.pool_for(items.len()) {
            return pool.install(|| items.par_chunks(piece).flat_map_iter(f).collect());
        }
        f(items)
    }

    /// The results of `f` for each item, in the items' order, where each item is as much work as a large batch.
    pub(crate) fn map_large<T: Sync, U: Send>(&self, items: &[T], f: impl Fn(&T) -> U + Send + Sync) -> Vec<U> {
        #[cfg(feature = "threads")]
        if let Some(pool) = self.pool.as_deref().filter(|_| items.len() > 1) {
            return pool.install(|| items.par_iter().with_max_len(1).map(f).collect());
        }
        items.iter().map(f).collect()
    }

    #[cfg(feature = "threads")]
    fn pool_for(&self, items: usize) -> Option<&ThreadPool> {
        self.pool.as_deref().filter(|_| items >= 2 * LEAST)
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Threads({})", self.count())
    }
}

#[cfg(feature = "threads")]
fn start(count: usize) -> Result<Threads, SystemError> {
    start_with(ThreadPoolBuilder::new(), count)
}

#[cfg(feature = "threads")]
fn start_with(builder: ThreadPoolBuilder, count: usize) -> Result<Threads, SystemError> {
    let pool = builder.num_threads(count).thread_name(|number| format!("stapel-{number}")).build();
    pool.map(|pool| Threads { pool: Some(Arc::new(pool)) }).map_err(|error| SystemError::Threads {
        count,
        finding: format!("the operating system does not start them ({error}); give fewer, or 1"),
    })
}

#[cfg(not(feature = "threads"))]
fn start(count: usize) -> Result<Threads, SystemError> {
    let finding = "this program was built without the feature 'threads' of stapel; give 1".into();
    Err(SystemError::Threads { count, finding })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_callers_own() {
        let one = Threads::new(1).unwrap();
        assert_eq!((one.count(), Threads::default().count()), (1, 1));
        let here = std::thread::current().id();
        assert!(one.map(&[0; 3_000], |_| std::thread::current().id()).iter().all(|id| *id == here));
    }

    #[cfg(not(feature = "threads"))]
    #[test]
    fn without_the_feature_there_is_one() {
        let error = Threads::new(2).unwrap_err();
        assert!(error.to_string().ends_with("without the feature 'threads' of stapel; give 1"), "{error}");
    }

    #[cfg(feature = "threads")]
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
    }

    #[test]
    fn threads_that_cannot_be_are_an_error() {
        for count in [0, MOST + 1, usize::MAX] {
            let error = Threads::new(count).unwrap_err();
            assert_eq!((error.code(), error.to_string().ends_with("give 1 to 256")), ("threads", true), "{error}");
        }
    }

    #[cfg(feature = "threads")]
    #[test]
    fn threads_that_the_system_does_not_start_are_an_error() {
        // No machine has room for such stacks.
        let error = start_with(ThreadPoolBuilder::new().stack_size(1 << 60), 2).unwrap_err();
        assert!(error.to_string().starts_with("2 threads cannot be used: the operating system does not"), "{error}");
    }
}

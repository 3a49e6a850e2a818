//! Places for connections, of which there are so many: where all are taken, the connection that has been silent longest
//! gives way to a new one. So whoever opens connections and says nothing keeps nobody out.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The places.
pub(crate) struct Places {
    most: usize,
    taken: Mutex<Taken>,
    /// A place got free, or one that was told to give way does not.
    changed: Notify,
}

#[derive(Default)]
struct Taken {
    /// Counts what happens, so that the smallest number is that of whoever has been silent longest.
    next: u64,
    by: BTreeMap<u64, Holder>,
}

/// A connection that has a place.
struct Holder {
    /// Since when nothing is done for it; `None` while something is.
    silent: Option<u64>,
    /// Whether it is to give way.
    is_told: bool,
    told: Arc<Notify>,
}

/// A connection's place, as long as this lives.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    told: Arc<Notify>,
}

/// Keeps a connection's place for it while something is done for it.
pub(crate) struct Busy(Arc<Place>);

impl Taken {
    fn count(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Places> {
        Arc::new(Places { most, taken: Mutex::default(), changed: Notify::new() })
    }

    /// A place for a connection that has come. Where all are taken it waits for one, and has the connection give way
    /// that has been silent longest.
    pub(crate) async fn take(self: &Arc<Places>) -> Place {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the look, so that what changes in between is not missed.
            changed.as_mut().enable();
            if let Some(place) = self.take_free() {
                return place;
            }
            changed.await;
        }
    }

    fn take_free(self: &Arc<Places>) -> Option<Place> {
        let mut taken = self.taken();
        if taken.by.len() < self.most {
            let (number, told) = (taken.count(), Arc::new(Notify::new()));
            taken.by.insert(number, Holder { silent: Some(number), is_told: false, told: told.clone() });
            return Some(Place { places: self.clone(), number, told });
        }
        // One is enough: connections are taken one after another.
        if !taken.by.values().any(|holder| holder.is_told) {
            let silent = taken.by.values_mut().filter(|holder| holder.silent.is_some());
            if let Some(oldest) = silent.min_by_key(|holder| holder.silent) {
                oldest.is_told = true;
                oldest.told.notify_one();
            }
        }
        None
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Something is done for the connection: until what this gives is dropped it does not give way.
    pub(crate) fn keep(self: &Arc<Place>) -> Busy {
        self.set(false);
        Busy(self.clone())
    }

    /// Waits until the connection is to give way, which it does by ending at once.
    pub(crate) async fn give_way(&self) {
        loop {
            let is_told = self.places.taken().by.get(&self.number).is_some_and(|holder| holder.is_told);
            if is_told {
                return;
            }
            self.told.notified().await;
        }
    }

    fn set(&self, is_silent: bool) {
        let mut taken = self.places.taken();
        let now = taken.count();
        if let Some(holder) = taken.by.get_mut(&self.number) {
            (holder.silent, holder.is_told) = (is_silent.then_some(now), false);
        }
        drop(taken);
        // Whoever waits for a place may have another give way.
        self.places.changed.notify_waiters();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().by.remove(&self.number);
        self.places.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    /// Whether a place is told to give way.
    async fn is_told(place: &Place) -> bool {
        tokio::select! {
            biased;
            () = place.give_way() => true,
            () = yield_now() => false,
        }
    }

    #[test]
    fn whoever_has_been_silent_longest_gives_way() {
        run(async {
            let places = Places::new(3);
            let [one, two, three] = [places.take().await, places.take().await, places.take().await].map(Arc::new);
            // The first has been silent for less long than the others, once its request was answered.
            drop(one.keep());
            let new = tokio::spawn({
                let places = places.clone();
                async move { places.take().await }
            });
            yield_now().await;
            assert_eq!([is_told(&one).await, is_told(&two).await, is_told(&three).await], [false, true, false]);
            // It does something at the last moment, and the next one gives way.
            let busy = two.keep();
            yield_now().await;
            assert_eq!([is_told(&one).await, is_told(&two).await, is_told(&three).await], [false, false, true]);
            drop(three);
            let four = new.await.unwrap();
            drop((busy, four));
            assert_eq!(places.taken().by.len(), 2);
        });
    }

    #[test]
    fn nobody_gives_way_while_something_is_done_for_all() {
        run(async {
            let places = Places::new(1);
            let only = Arc::new(places.take().await);
            let busy = only.keep();
            let new = tokio::spawn({
                let places = places.clone();
                async move { places.take().await }
            });
            yield_now().await;
            assert!(!is_told(&only).await);
            drop(busy);
            yield_now().await;
            assert!(is_told(&only).await, "it is silent now, and another waits");
            drop(only);
            drop(new.await.unwrap());
            assert!(places.taken().by.is_empty());
        });
    }
}

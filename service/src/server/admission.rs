//! What is let in before it is read and worked on, so that memory and threads are bounded and no organisation keeps out
//! the others. spec/carrier.md 4.
//!
//! There are two lanes. Small messages, which are nearly all, and what is fetched have one of their own, so that they
//! never wait for large messages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;
use stapel::Slug;
use stapel::policy::Oin;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::config::Bounds;
use super::problem::Problem;
use crate::carrier::ProblemCode;

/// Messages of at most so many bytes are small.
const SMALL: usize = 65_536;

/// Who may have a request under way.
#[derive(Debug)]
pub(super) struct Admission {
    bounds: Bounds,
    small: Arc<Lane>,
    large: Arc<Lane>,
    workers: Arc<Semaphore>,
}

/// Whose share of a lane a request takes: an organisation's in one consortium, whichever of its OINs it connects with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    Organisation {
        consortium: Slug,
        organisation: Slug,
    },
    /// An OIN of several organisations, such as a service centre's: whose message it is shows only in the message.
    Shared {
        consortium: Slug,
        oin: Oin,
    },
}

impl Holder {
    /// The holder of what comes with an OIN of these organisations.
    pub(super) fn of(consortium: &Slug, organisations: &[Slug], oin: Oin) -> Holder {
        let consortium = consortium.clone();
        match organisations {
            [organisation] => Holder::Organisation { consortium, organisation: organisation.clone() },
            _ => Holder::Shared { consortium, oin },
        }
    }
}

/// Places for requests of one kind.
#[derive(Debug)]
struct Lane {
    places: usize,
    /// The most of one holder.
    each: usize,
    /// The last places are for whoever holds none of the lane, so that a few holders cannot fill it.
    kept: usize,
    counts: Mutex<Counts>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    taken: BTreeMap<Holder, usize>,
    waiting: BTreeMap<Holder, usize>,
}

/// A place in a lane, until it is dropped.
#[derive(Debug)]
struct Place(Arc<Lane>, Holder);

/// Who waits for a place, until it is dropped.
struct Waiting<'a>(&'a Lane, Holder);

/// A request's place, until its reply is written.
#[derive(Debug)]
pub(super) struct Admitted {
    is_small: bool,
    _place: Place,
}

impl Admission {
    /// Nobody is let in yet.
    pub(super) fn new(bounds: &Bounds) -> Admission {
        Admission {
            bounds: bounds.clone(),
            small: Lane::new(bounds.small, bounds.small_an_organisation),
            large: Lane::new(bounds.large, bounds.large_an_organisation),
            workers: Arc::new(Semaphore::new(bounds.workers)),
        }
    }

    /// Lets a message of `length` bytes in, or says `busy`.
    pub(super) async fn admit(&self, holder: &Holder, length: usize) -> Result<Admitted, Problem> {
        if length <= SMALL {
            return self.admit_small(holder);
        }
        let place = match self.large.take(holder) {
            Some(place) => Some(place),
            None => {
                let wait = self.large.wait(holder, self.bounds.large_waiting);
                timeout(self.bounds.large_wait, wait).await.ok().flatten()
            }
        };
        Ok(Admitted { is_small: false, _place: place.ok_or_else(busy)? })
    }

    /// Lets a small message in, or a request that has no body; or says `busy`.
    pub(super) fn admit_small(&self, holder: &Holder) -> Result<Admitted, Problem> {
        let place = self.small.take(holder).ok_or_else(busy)?;
        Ok(Admitted { is_small: true, _place: place })
    }

    /// Waits for a worker. Large messages have no need to: there are as many workers for them as may be under way.
    pub(super) async fn worker(&self, admitted: &Admitted) -> Option<OwnedSemaphorePermit> {
        if admitted.is_small { self.small_worker().await } else { None }
    }

    pub(super) async fn small_worker(&self) -> Option<OwnedSemaphorePermit> {
        self.workers.clone().acquire_owned().await.ok()
    }

    /// Reads a body, which must come at the least rate, and as a whole within the time for that: at the least rate
    /// alone the longest message would keep its place for most of an hour.
    pub(super) async fn read(&self, mut body: Body, length: usize) -> Result<Vec<u8>, Problem> {
        // Room is made as bytes come, so that a length that is only claimed costs nothing.
        let mut bytes = Vec::with_capacity(length.min(SMALL));
        let by = Instant::now() + self.bounds.whole;
        let (mut window, mut since) = (Instant::now() + self.bounds.body_window, 0);
        while !body.is_end_stream() {
            match timeout_at(window.min(by), body.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    since += data.len();
                    bytes.extend_from_slice(&data);
                    if bytes.len() > length {
                        break;
                    }
                }
                Ok(Some(Err(_))) => {
                    return Err(Problem::new(ProblemCode::BadRequest, "the body broke off"));
                }
                Err(_) if since >= self.bounds.body_least && Instant::now() < by => {
                    (window, since) = (Instant::now() + self.bounds.body_window, 0);
                }
                Err(_) => return Err(Problem::new(ProblemCode::TooSlow, "the body came too slowly")),
            }
        }
        if bytes.len() != length {
            return Err(Problem::new(ProblemCode::BadRequest, "the body is not as long as its Content-Length"));
        }
        Ok(bytes)
    }
}

fn busy() -> Problem {
    Problem::new(ProblemCode::Busy, "too many requests at once; send the same bytes again")
}

impl Lane {
    fn new(places: usize, each: usize) -> Arc<Lane> {
        let kept = (places / 4).max(1);
        Arc::new(Lane { places, each, kept, counts: Mutex::default(), freed: Notify::new() })
    }

    fn take(self: &Arc<Lane>, holder: &Holder) -> Option<Place> {
        let mut counts = self.counts();
        let free = self.places - counts.taken.values().sum::<usize>();
        let own = counts.taken.get(holder).copied().unwrap_or_default();
        let for_others = if own == 0 { 0 } else { self.kept };
        if own >= self.each || free <= for_others {
            return None;
        }
        counts.taken.insert(holder.clone(), own + 1);
        Some(Place(Arc::clone(self), holder.clone()))
    }

    /// Waits for a place; `None` where `most` of this holder wait already.
    async fn wait(self: &Arc<Lane>, holder: &Holder, most: usize) -> Option<Place> {
        let _waiting = self.begin_to_wait(holder, most)?;
        loop {
            // Made before the look, so that a place that gets free in between wakes it.
            let freed = self.freed.notified();
            if let Some(place) = self.take(holder) {
                return Some(place);
            }
            freed.await;
        }
    }

    fn begin_to_wait(&self, holder: &Holder, most: usize) -> Option<Waiting<'_>> {
        let mut counts = self.counts();
        let own = counts.waiting.entry(holder.clone()).or_default();
        if *own >= most {
            return None;
        }
        *own += 1;
        Some(Waiting(self, holder.clone()))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        one_less(&mut self.0.counts().taken, &self.1);
        self.0.freed.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        one_less(&mut self.0.counts().waiting, &self.1);
    }
}

/// Whoever has none is not kept, so that the counts grow with what is under way and not with who ever came.
fn one_less(counts: &mut BTreeMap<Holder, usize>, holder: &Holder) {
    if let Some(count) = counts.get_mut(holder) {
        *count -= 1;
        if *count == 0 {
            counts.remove(holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};
    use std::time::Duration;

    use axum::body::Bytes;
    use hyper::body::Frame;
    use tokio::time::{Sleep, sleep};

    use super::*;

    /// A byte each millisecond.
    struct Trickle {
        left: usize,
        next: Pin<Box<Sleep>>,
    }

    impl HttpBody for Trickle {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            ready!(self.next.as_mut().poll(cx));
            self.left -= 1;
            self.next = Box::pin(sleep(Duration::from_millis(1)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a")))))
        }
    }

    /// What comes of a body of so many bytes.
    fn read(length: usize, whole: Duration) -> Result<usize, ProblemCode> {
        let window = Duration::from_secs(3_600);
        let bounds = Bounds { body_window: window, body_least: 1, whole, ..Bounds::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let body = Body::new(Trickle { left: length, next: Box::pin(sleep(Duration::ZERO)) });
            let read = Admission::new(&bounds).read(body, length).await;
            read.map(|bytes| bytes.len()).map_err(|problem| problem.code)
        })
    }

    #[test]
    fn a_body_that_comes_steadily_has_a_time_as_a_whole() {
        assert_eq!(read(5_000, Duration::from_millis(50)), Err(ProblemCode::TooSlow));
        assert_eq!(read(5, Duration::from_secs(3_600)), Ok(5));
    }

    fn holder(consortium: &str, organisation: &str) -> Holder {
        let oin = "00000099000000001000".parse().unwrap();
        Holder::of(&consortium.parse().unwrap(), &[organisation.parse().unwrap()], oin)
    }

    #[test]
    fn the_last_places_are_for_whoever_holds_none() {
        let lane = Lane::new(4, 3);
        let [police, tax, town] = ["politie", "belastingdienst", "gemeente"].map(|slug| holder("zaanstad", slug));
        let elsewhere = holder("utrecht", "politie");
        let mut places: Vec<_> = (0..3).map(|_| lane.take(&police).unwrap()).collect();
        assert!(lane.take(&police).is_none(), "its share is full");
        let other = lane.take(&tax).unwrap();
        assert!(lane.take(&town).is_none(), "the lane is full");
        drop(places.pop());
        assert!(lane.take(&police).is_none() && lane.take(&tax).is_none(), "both hold one already");
        let newcomer = lane.take(&elsewhere).expect("an organisation of that name in another consortium is another");
        drop((other, newcomer, places));
        assert!(lane.counts().taken.is_empty());
        // A lane of one place serves whoever comes.
        let single = Lane::new(1, 1);
        drop(single.take(&police).unwrap());
        assert!(single.take(&tax).is_some());
    }

    #[test]
    fn a_few_of_a_holder_wait_and_get_the_place_that_gets_free() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let lane = Lane::new(2, 1);
            let police = holder("zaanstad", "politie");
            let place = lane.take(&police).unwrap();
            let waits = {
                let (lane, police) = (lane.clone(), police.clone());
                tokio::spawn(async move { lane.wait(&police, 1).await })
            };
            tokio::task::yield_now().await;
            assert!(lane.wait(&police, 1).await.is_none(), "one waits already");
            drop(place);
            let place = waits.await.unwrap();
            assert!(place.is_some() && lane.counts().waiting.is_empty());
            // Who goes away waits no longer.
            let waits = {
                let (lane, police) = (lane.clone(), police.clone());
                tokio::spawn(async move { lane.wait(&police, 1).await })
            };
            tokio::task::yield_now().await;
            assert_eq!(lane.counts().waiting.len(), 1);
            waits.abort();
            assert!(waits.await.is_err() && lane.counts().waiting.is_empty());
        });
    }

    #[test]
    fn the_oins_of_an_organisation_have_one_share_and_an_oin_of_several_has_its_own() {
        let oin = |number: u8| format!("0000009900000000{number}000").parse().unwrap();
        let name: Slug = "zaanstad".parse().unwrap();
        let [police, tax]: [Slug; 2] = ["politie", "belastingdienst"].map(|slug| slug.parse().unwrap());
        let both = [police, tax];
        let [police, tax] = [&both[..1], &both[1..]];
        let of = |organisations: &[Slug], number| Holder::of(&name, organisations, oin(number));
        assert_eq!(of(police, 1), of(police, 2));
        assert_ne!(of(police, 1), of(tax, 1));
        assert_eq!(of(&both, 3), of(&both, 3));
        assert_ne!(of(&both, 3), of(&both, 4));
    }
}

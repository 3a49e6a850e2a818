//! What is let in before its body is read, so that memory is bounded and no organisation keeps out the others.
//!
//! Small messages, which are nearly all, have a lane of their own, so that they never wait for large ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;
use stapel::policy::Oin;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::config::Bounds;
use super::problem::Problem;
use crate::carrier::ProblemCode;

/// Messages of at most so many bytes are small.
const SMALL: usize = 65_536;

/// Who may have a message under way.
#[derive(Debug)]
pub struct Admission {
    bounds: Bounds,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    shares: Mutex<BTreeMap<Oin, Share>>,
}

/// What one OIN may have under way.
#[derive(Clone, Debug)]
struct Share {
    small: Arc<Semaphore>,
    /// Of those, at work on.
    large: Arc<Semaphore>,
    /// At work on, or waiting.
    large_or_waiting: Arc<Semaphore>,
}

/// A message's place, until its reply is written.
#[derive(Debug)]
pub(super) struct Admitted {
    is_small: bool,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Admission {
    /// Nobody is let in yet.
    pub fn new(bounds: &Bounds) -> Admission {
        Admission {
            bounds: bounds.clone(),
            small: Arc::new(Semaphore::new(bounds.small)),
            large: Arc::new(Semaphore::new(bounds.large)),
            workers: Arc::new(Semaphore::new(bounds.workers)),
            shares: Mutex::default(),
        }
    }

    /// Lets a message of `length` bytes in, or says `busy`. `oin` is one that a policy names, so that few are kept.
    pub(super) async fn admit(&self, oin: Oin, length: usize) -> Result<Admitted, Problem> {
        let busy = || Problem::new(ProblemCode::Busy, "too many messages at once; send the same bytes again");
        let share = self.share(oin);
        let now = |semaphore: &Arc<Semaphore>| semaphore.clone().try_acquire_owned().map_err(|_| busy());
        if length <= SMALL {
            let permits = vec![now(&share.small)?, now(&self.small)?];
            return Ok(Admitted { is_small: true, _permits: permits });
        }
        let place = now(&share.large_or_waiting)?;
        let wait = async {
            // Its own first: who waits for its own holds none of the others'.
            let own = share.large.clone().acquire_owned().await.ok()?;
            Some(vec![place, own, self.large.clone().acquire_owned().await.ok()?])
        };
        let permits = timeout(self.bounds.large_wait, wait).await.ok().flatten().ok_or_else(busy)?;
        Ok(Admitted { is_small: false, _permits: permits })
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

    fn share(&self, oin: Oin) -> Share {
        let bounds = &self.bounds;
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Share {
            small: Arc::new(Semaphore::new(bounds.small_an_oin)),
            large: Arc::new(Semaphore::new(bounds.large_an_oin)),
            large_or_waiting: Arc::new(Semaphore::new(bounds.large_an_oin + bounds.large_waiting)),
        };
        shares.entry(oin).or_insert_with(new).clone()
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
}

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

    /// Reads a body, which must come at the least rate.
    pub(super) async fn read(&self, mut body: Body, length: usize) -> Result<Vec<u8>, Problem> {
        // Room is made as bytes come, so that a length that is only claimed costs nothing.
        let mut bytes = Vec::with_capacity(length.min(SMALL));
        let (mut window, mut since) = (Instant::now() + self.bounds.body_window, 0);
        while !body.is_end_stream() {
            match timeout_at(window, body.frame()).await {
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
                Err(_) if since >= self.bounds.body_least => {
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

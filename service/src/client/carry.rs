//! One message and its reply, over all addresses, as often as it takes: spec/carrier.md 3.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stapel::message::MAX_MESSAGE;
use stapel::{Digest, Slug, TraceContext};

use super::attempt::{Failed, Request, Target};
use super::error::CarrierError;
use super::settings::Settings;
use super::timing::{Pace, WallPace};
use crate::carrier;

/// Carries messages to the broker of one consortium.
///
/// It makes each connection anew: a partner sends few messages a day, and nothing that is left on a connection is ever
/// taken for the reply to another message.
pub struct Carrier {
    targets: Vec<Target>,
    consortium: String,
    fields: Vec<(String, String)>,
    pace: Arc<dyn Pace>,
    tell: Box<dyn Fn(&Missed) + Send + Sync>,
}

/// That all addresses were tried and none replied, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missed {
    /// How many times all were tried.
    pub rounds: u32,
    /// What happened at each.
    pub findings: Vec<String>,
    /// How long is waited before they are tried again.
    pub wait: Duration,
}

/// The longest wait that is drawn between two rounds, in seconds.
const MAX_DRAWN_WAIT: u64 = 300;

impl Carrier {
    /// How messages get to the broker of `consortium`, whose policy names `addresses` (`operator.addresses`). Files are
    /// read, and nothing is connected to.
    ///
    /// # Errors
    ///
    /// [`CarrierError::Settings`] and [`CarrierError::File`].
    pub fn new(settings: &Settings, addresses: &[String], consortium: &Slug) -> Result<Carrier, CarrierError> {
        let addresses = settings.targets(addresses)?;
        let proxy = settings.proxy()?;
        let tls = if addresses.iter().all(|address| address.is_outway) { None } else { Some(settings.tls()?) };
        let targets = addresses.into_iter().map(|address| Target::new(address, tls.as_ref(), proxy.as_ref()));
        Ok(Carrier {
            targets: targets.collect(),
            consortium: consortium.as_str().to_owned(),
            fields: settings.fields()?,
            pace: Arc::new(WallPace::default()),
            tell: Box::new(|_| {}),
        })
    }

    /// With another time and chance than the machine's.
    pub fn with_pace(mut self, pace: Arc<dyn Pace>) -> Carrier {
        self.pace = pace;
        self
    }

    /// Calls `tell` before each wait.
    pub fn telling(mut self, tell: impl Fn(&Missed) + Send + Sync + 'static) -> Carrier {
        self.tell = Box::new(tell);
        self
    }

    /// Sends a message until its reply came, at each of the addresses, for about as long as `patience`; an attempt that
    /// was begun is not broken off. The reply is not verified: that is [`stapel::Partner::read`]'s.
    ///
    /// # Errors
    ///
    /// [`CarrierError::Unreachable`] and [`CarrierError::Stopped`], after which the same bytes may be sent again;
    /// [`CarrierError::Refused`] and [`CarrierError::Certificate`], which are for a person to look at.
    pub fn exchange(&self, message: &[u8], patience: Duration) -> Result<Vec<u8>, CarrierError> {
        let path = self.path("messages");
        // A reply is at most as long as a message.
        let (media, most) = (carrier::REPLY, MAX_MESSAGE as u64);
        let mut fields = self.fields.clone();
        fields.push(("traceparent".to_owned(), TraceContext::of(Digest::of(&[message])).traceparent()));
        let request = Request { path: &path, message: Some(message), media, most, fields: &fields };
        self.over_all(&request, patience).map(|(_, reply)| reply)
    }

    /// Fetches something, and says from where.
    pub(super) fn fetch(
        &self,
        what: &str,
        media: &str,
        most: u64,
        patience: Duration,
    ) -> Result<(&str, Vec<u8>), CarrierError> {
        let path = self.path(what);
        let request = Request { path: &path, message: None, media, most, fields: &self.fields };
        self.over_all(&request, patience)
    }

    fn path(&self, what: &str) -> String {
        format!("/v1/{}/{what}", self.consortium)
    }

    /// Tries all addresses in an order drawn anew, and again after a wait, until one gives what is asked for.
    fn over_all(&self, request: &Request<'_>, patience: Duration) -> Result<(&str, Vec<u8>), CarrierError> {
        let end = self.pace.now().saturating_add(patience);
        let mut rounds = 0;
        loop {
            rounds += 1;
            let (mut refusal, mut findings, mut least) = (None, Vec::new(), 0);
            for target in self.drawn() {
                match target.attempt(request, &self.pace) {
                    Ok(reply) => return Ok((&target.address.text, reply)),
                    Err(Failed::Again { finding, retry_after }) => {
                        findings.push(finding);
                        // An address that gives no response takes back nothing of what another asked for.
                        least = retry_after.unwrap_or(least);
                    }
                    // The other addresses may be configured better.
                    Err(Failed::Stop(error)) => refusal = Some(error),
                }
            }
            if let Some(error) = refusal {
                return Err(error);
            }
            let most = 2u64.saturating_pow(rounds).min(MAX_DRAWN_WAIT);
            let drawn = Duration::from_millis(self.pace.draw(most * 1_000 + 1));
            let wait = drawn.max(Duration::from_secs(least));
            if self.pace.now().saturating_add(wait) >= end {
                return Err(CarrierError::Unreachable { finding: findings.join("; ") });
            }
            let missed = Missed { rounds, findings, wait };
            (self.tell)(&missed);
            if !self.pace.wait(wait) {
                return Err(CarrierError::Stopped);
            }
        }
    }

    /// The addresses in an order in which each is as likely to be first as any other.
    fn drawn(&self) -> Vec<&Target> {
        let mut targets: Vec<_> = self.targets.iter().collect();
        for left in (2..=targets.len()).rev() {
            targets.swap(left - 1, self.pace.draw(left as u64) as usize);
        }
        targets
    }
}

/// Shows no field of the head.
impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.targets.iter().map(|target| &target.address.text).collect();
        write!(f, "Carrier({}, {addresses:?})", self.consortium)
    }
}

//! A Logboek Dataverwerkingen elsewhere, to which a broker that runs and a partner's day send what they recorded.
//!
//! Nothing is sent while it happens: the broker's log and the partner's journal are what is durable, and records are
//! made of those, in their order, from where the last ones that were confirmed ended. So none is lost where the
//! receiver is away, and one that is sent twice has the same ids.
//!
//! - [`settings`](LogboekSettings): where to, and how it is known;
//! - [`Collector`]: sends records over OTLP/HTTP. Without the feature `otlp` there is none to be had;
//! - [`SentUpTo`]: what was confirmed.

#[cfg(feature = "otlp")]
#[path = "otlp.rs"]
mod collector;
#[cfg(not(feature = "otlp"))]
#[path = "no_otlp.rs"]
mod collector;
mod sent;
mod settings;

pub use collector::Collector;
pub use sent::SentUpTo;
pub use settings::{LogboekError, LogboekSettings};

//! How a partner reaches the broker: spec/carrier.md, 3 and 6.
//!
//! - `settings`: certificates, proxy and addresses; `file`: the configuration file that has them; `pages`: its tables
//!   on pages for people;
//! - `carry`: one message and its reply, over all addresses, as often as it takes; `attempt`: one request at one
//!   address; `channel`: its connection, of which the TLS records show no more than its length;
//! - `fetch`: policies, signatures, certificates and the checkpoint;
//! - `timing`: time and chance, so that tests need neither;
//! - `error`: what goes wrong.
//!
//! At the level trace of the crate `log`, ureq logs the bytes that it sends and gets, and so pseudonyms. A program with
//! this in it is built without that level, in all that logs through that crate.

mod attempt;
mod carry;
mod channel;
mod error;
mod fetch;
mod file;
mod pages;
mod settings;
mod timing;

const _: () = assert!(
    log::STATIC_MAX_LEVEL as usize <= log::LevelFilter::Debug as usize,
    "something in this program asks for log's level trace, at which ureq logs messages"
);

pub use carry::{Carrier, Missed};
pub use error::CarrierError;
pub use fetch::{Policies, PolicyVersion};
pub use file::{Configuration, ServeSettings};
pub use pages::{MaySettings, PagesSettings, ProviderSettings};
pub use settings::Settings;
pub use timing::{Pace, WallPace};

//! How a partner reaches the broker: spec/carrier.md, 3 and 6.
//!
//! - `settings`: certificates, proxy and addresses; `file`: the configuration file that has them;
//! - `carry`: one message and its reply, over all addresses, as often as it takes; `attempt`: one request at one
//!   address;
//! - `fetch`: policies, signatures, certificates and the checkpoint;
//! - `pace`: time and chance, so that tests need neither;
//! - `error`: what goes wrong.

mod attempt;
mod carry;
mod error;
mod fetch;
mod file;
mod pace;
mod settings;

pub use carry::{Carrier, Missed};
pub use error::CarrierError;
pub use fetch::{Policies, PolicyVersion};
pub use file::Configuration;
pub use pace::{Pace, WallPace};
pub use settings::Settings;

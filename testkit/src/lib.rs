//! What the tests, benchmarks and fuzz targets share: a small consortium, a client that speaks in messages alone, and a
//! seeded random source.
//!
//! All of it panics where something is not as a test expects. Its keys and secrets are known to everybody.

#![forbid(unsafe_code)]

mod client;
mod consortium;
mod files;
#[cfg(all(feature = "partner", feature = "broker"))]
mod folders;
mod leaks;
mod random;

pub use client::{Client, Flag, code, read, until};
#[cfg(feature = "partner")]
pub use consortium::partner_folder;
pub use consortium::{
    DAY, Entry, ROSTER, RULES, START, certificate, certificates, checkpoint_key, day, key, noon, numbered,
    operator_key, organisation_text, partner_keys, policy_key, policy_key_seed, policy_text, pseudonym,
    sample_policy_text, secret, signatures, signed, two_epochs, write_policy,
};
#[cfg(feature = "broker")]
pub use consortium::{broker, broker_keys, stored_keys};
pub use files::write_private;
#[cfg(all(feature = "partner", feature = "broker"))]
pub use folders::Consortium;
pub use leaks::leaks;
pub use random::Seeded;

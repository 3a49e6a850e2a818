//! What the tests, benchmarks and fuzz targets share: a small consortium, a client that speaks in messages alone, and a
//! seeded random source.
//!
//! All of it panics where something is not as a test expects. Its keys and secrets are known to everybody.

#![forbid(unsafe_code)]

mod client;
mod consortium;
mod files;
mod folders;
mod random;

pub use client::{Client, Flag, code, read};
pub use consortium::{
    DAY, Entry, ROSTER, RULES, START, broker, broker_keys, checkpoint_key, day, key, operator_key, partner_folder,
    policy_text, pseudonym, secret, signatures, signed, stored_keys, write_policy,
};
pub use files::write_private;
pub use folders::Consortium;
pub use random::Seeded;

//! Stapel tells public partners that something is going on at an address, and how many of them think so, without telling what
//! or who.
//!
//! Each partner turns addresses into pseudonyms with an HMAC under a key that the partners share and the broker never holds.
//! The broker counts, per pseudonym, how many distinct organisations flag it, and answers under an open, signed policy.
//!
//! Data flows one way, and each step takes the type that the step before it made, so that to skip canonicalising or
//! verifying does not compile:
//!
//! ```text
//! address text -> AddressKey -> Pseudonym -> signed message -> | Broker: verify -> tag -> store -> release | -> answer
//! ```
//!
//! A partner and a broker, as programs have them; what carries the bytes between the two is yours, HTTPS for instance:
//!
#![cfg_attr(all(feature = "partner", feature = "broker"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "partner", feature = "broker")), doc = "```text")]
//! use std::path::Path;
//!
//! use stapel::partner::Received;
//! use stapel::{AddressKey, Broker, BrokerKeys, Case, Error, Partner, Timestamp};
//!
//! fn main() -> Result<(), Error> {
//!     let now = Timestamp(1_796_126_400); // the library reads no clock
//!     let broker = Broker::open(Path::new("broker"), BrokerKeys::open(Path::new("broker/keys"))?)?;
//!     let mut police = Partner::open(Path::new("police"))?;
//!     let by = Case::new("j.jansen", "2026-0117")?;
//!     police.flag(&[AddressKey::parse("Dam 1-A, 1012 JS Amsterdam")?], &by, now)?;
//!     for message in police.deliver(now)? {
//!         police.read(&broker.handle(&message, now), now)?;
//!     }
//!     for message in police.ask_own(&by, now)? {
//!         if let Received::Answer(answer) = police.read(&broker.handle(&message, now), now)? {
//!             for (address, standing) in &answer.rows {
//!                 println!("{address}: {standing:?}");
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Where things are:
//!
//! - [`address`]: text and fields to an [`AddressKey`];
//! - [`secret`]: keys and the files they are in; [`label`]: what each key and signature is for;
//! - [`PseudonymKey`], [`PseudonymSource`]: address keys to pseudonyms, one at a time, in batches, or elsewhere;
//! - [`Threads`]: for large batches, where one core is too slow;
//! - [`message`]: what goes over the wire, byte for byte;
//! - [`policy`]: the consortium's rules, their signatures, and what they mean in plain words;
//! - [`partner`]: the partner's side; [`broker`]: the broker's;
//! - [`audit`]: the log, its checkpoints and its proofs, checked without the broker;
//! - [`Error`]: what can go wrong, each with a stable code.
//!
//! The formats are specified in `SPEC.md`.

#![forbid(unsafe_code)]
// The ground floor holds what either side needs. A build of one side leaves the other's part of it unused, and only the build of both
// finds what nothing uses.
#![cfg_attr(not(all(feature = "partner", feature = "broker")), allow(dead_code, unused_imports))]

pub mod address;
pub mod audit;
#[cfg(feature = "broker")]
pub mod broker;
mod codec;
mod codes;
mod day;
mod digest;
mod error;
mod files;
mod hex;
mod json;
pub mod label;
pub mod message;
#[cfg(feature = "partner")]
pub mod partner;
pub mod policy;
mod pseudonym;
pub mod secret;
mod slots;
mod slug;
#[cfg(feature = "broker")]
mod store;
mod system;
#[cfg(feature = "broker")]
mod tag;
mod threads;
#[allow(unused)]
mod trace;

pub use address::{ADDRESS_CODES, AddressError, AddressKey, Fields, Level};
#[cfg(feature = "broker")]
pub use broker::{Broker, BrokerKeys};
pub use day::{Day, NotADay, NotAMoment, Timestamp};
pub use digest::{Digest, NotADigest};
pub use error::Error;
#[cfg(feature = "partner")]
pub use partner::{Case, Partner};
pub use policy::{Policy, PolicySignature, SignedPolicy};
pub use pseudonym::{Pseudonym, PseudonymKey, PseudonymSource};
pub use slug::{NotASlug, Slug};
pub use system::SystemError;
pub use threads::Threads;

/// The README's example, compiled.
#[cfg(all(doctest, feature = "partner", feature = "broker"))]
#[doc = include_str!("../README.md")]
struct Readme;

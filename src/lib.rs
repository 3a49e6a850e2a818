//! Tells public partners that something is going on at an address, and how many of them think so, without telling what
//! or who.
//!
//! Each partner turns addresses into pseudonyms with an HMAC under a key that the partners share and the broker never
//! holds. The broker counts, per pseudonym, how many distinct organisations flag it, and answers under an open, signed
//! policy.
//!
//! Data flows one way. Each step takes the type that the step before it made, so that skipping one does not compile:
//!
//! ```text
//! address text -> AddressKey -> Pseudonym -> signed message -> | Broker: verify -> tag -> store -> release | -> answer
//! ```
//!
//! A partner's day, and what the broker does meanwhile. What carries the bytes between the two is yours, HTTPS for
//! instance:
//!
#![cfg_attr(all(feature = "partner", feature = "broker"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "partner", feature = "broker")), doc = "```text")]
//! use std::convert::Infallible;
//! use std::error::Error;
//! use std::path::Path;
//!
//! use stapel::partner::Received;
//! use stapel::{AddressKey, Broker, BrokerKeys, Case, Partner, Timestamp};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let now = Timestamp(1_796_126_400); // the library reads no clock
//!
//!     // The broker has keys of its own and never the partners' secret. The policy lies in its folder.
//!     let broker = Broker::open(Path::new("broker"), BrokerKeys::open(Path::new("broker/keys"))?)?;
//!     // A partner's folder holds its keys, the policy, the epochs' secrets, its flags, and a journal of who did what.
//!     let mut police = Partner::open(Path::new("police"))?;
//!
//!     // Text becomes an address key, the one form that all partners hash. What can be read in two ways is refused.
//!     let home = AddressKey::parse("Dam 1-A, 1012 JS Amsterdam")?;
//!     // The flag is written to the journal, with who set it and for which case. The broker hears of neither.
//!     let by = Case::new("j.jansen", "2026-0117")?;
//!     police.flag(&[home], &by, now)?;
//!
//!     // Signed messages tell the broker the pseudonyms. It checks the signature, keeps tags in their place, and signs
//!     // a receipt. New flags become visible to others at the next release. Where it accepts no message, `carry`
//!     // gives an error.
//!     let send = |message: &[u8]| Ok::<_, Infallible>(broker.handle(message, now));
//!     let messages = police.deliver(now)?;
//!     police.carry(&messages, now, send)?;
//!
//!     // A question about the partner's own flags. Each is below the threshold, or stacked.
//!     let questions = police.ask_own(&by, now)?;
//!     for received in police.carry(&questions, now, send)? {
//!         if let Received::Answer(answer) = received {
//!             for (address, standing) in &answer.rows {
//!                 println!("{address}: {standing:?}");
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Where things are
//!
//! - [`address`]: from text and fields to an [`AddressKey`];
//! - [`register`]: a local copy of the addresses that exist, which completes what text lacks;
//! - [`PseudonymKey`], [`PseudonymSource`]: from address keys to pseudonyms, with the shared key or elsewhere;
//! - [`secret`]: the epochs' secrets, signing keys, and the files that hold them;
//! - [`policy`]: the consortium's rules, their signatures, and what they mean in plain words;
//! - [`message`]: what goes over the wire, byte for byte;
//! - `partner`: the partner's side; `broker`: the broker's;
//! - [`audit`]: the broker's log, its checkpoints and its proofs, checked without the broker;
//! - [`Threads`]: for batches that one core is too slow for;
//! - [`Error`]: what can go wrong, each with a stable code.
//!
//! # Features
//!
//! - `partner` (default): the partner's side;
//! - `broker` (default): the broker's side and its store;
//! - `threads`: more than one thread for large batches;
//! - `tracing`: events for the program's log, of faults that are otherwise seen in a status alone.
//!
//! The formats are specified in `SPEC.md`.

#![forbid(unsafe_code)]
// The ground floor holds what either side needs. A build of one side leaves the other's part of it unused, and only the
// build of both finds what nothing uses.
#![cfg_attr(not(all(feature = "partner", feature = "broker")), allow(dead_code, unused_imports, unused_macros))]

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
mod hidden;
mod json;
mod label;
mod lock;
pub mod message;
#[cfg(feature = "partner")]
pub mod partner;
pub mod policy;
mod pseudonym;
pub mod register;
pub mod secret;
mod slug;
#[cfg(feature = "broker")]
mod store;
mod system;
#[cfg(feature = "broker")]
mod tag;
pub mod talk;
mod threads;
mod trace;
mod trace_context;

pub use address::{ADDRESS_CODES, AddressError, AddressKey, Fields, Level};
#[cfg(feature = "broker")]
pub use broker::{Broker, BrokerError, BrokerKeys, Clock};
pub use day::{Day, NotADay, NotAMoment, Timestamp};
pub use digest::{Digest, NotADigest};
pub use error::Error;
pub use hidden::{is_hidden, shown_path};
#[cfg(feature = "partner")]
pub use partner::{Case, Partner};
pub use policy::{Policy, PolicySignature, SignedPolicy};
pub use pseudonym::{Finished, Pseudonym, PseudonymKey, PseudonymSource, SourceReply, SourceRequest};
pub use slug::{NotASlug, Slug};
#[cfg(feature = "broker")]
pub use store::StoreError;
pub use system::SystemError;
pub use threads::Threads;
pub use trace_context::{NotATraceContext, TraceContext};

/// The README's example, compiled.
#[cfg(all(doctest, feature = "partner", feature = "broker"))]
#[doc = include_str!("../README.md")]
struct Readme;

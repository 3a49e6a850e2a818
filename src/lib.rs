//! Stapel.

#![forbid(unsafe_code)]

pub mod address;
pub mod broker;
mod codec;
mod day;
mod digest;
pub mod error;
mod files;
pub mod label;
pub mod message;
pub mod partner;
pub mod policy;
mod pseudonym;
pub mod secret;
mod slug;
mod store;

pub use address::{ADDRESS_CODES, AddressError, AddressKey, Fields, Level};
pub use broker::{Broker, BrokerKeys};
pub use day::{Day, NotADay, Timestamp};
pub use digest::{Digest, NotADigest};
pub use error::Error;
pub use partner::{Case, Partner};
pub use policy::{Policy, PolicySignature, SignedPolicy};
pub use pseudonym::{Pseudonym, PseudonymKey, PseudonymSource};
pub use slug::{NotASlug, Slug};

//! The rules of a consortium: one readable TOML file, signed by its organisations.
//!
//! [`Policy::parse`] reads the text, and a [`Policy`] exists only if the text is well-formed. [`Policy::check`] finds
//! what is unsafe. A policy that is safe and that enough organisations have signed becomes a [`SignedPolicy`], which is
//! what brokers and partners take. [`Policy::explain`] and [`Policy::difference`] say in Dutch and in English what it
//! means.

mod canonical;
mod check;
mod error;
mod explain;
mod files;
mod model;
#[cfg(test)]
pub(crate) mod sample;
mod signature;
mod signed;
mod succession;
mod text;

pub use check::{Check, Finding, Reveal};
pub use error::PolicyError;
pub use explain::{Lang, NotALang};
pub use model::{
    Budgets, ChangeRules, Counting, Epoch, MessageRules, NotAnOin, Oin, OldKey, Operator, Override, Permissions,
    Policy, ReleaseRules, Retention, RosterEntry, Rules, Sees,
};
pub use signature::PolicySignature;
pub use signed::SignedPolicy;
pub use text::MAX_TEXT;

/// The text of a policy to start from. It is safe, its texts are illustrations, and everybody knows its private keys.
pub const SAMPLE: &str = include_str!("sample.toml");

//! The rules of a consortium: one readable TOML file, signed by its organisations.
//!
//! A [`Policy`] comes only out of [`Policy::parse`], so one that breaks a rule of the file's format does not exist.
//! What is well-formed but unsafe, [`Policy::check`] refuses; only a policy that passes it and bears enough signatures
//! becomes a [`SignedPolicy`], which is what brokers and partners take.

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

/// The text of a policy to start from: it is safe, its texts are illustrations, and its private keys are known to
/// everybody.
pub const SAMPLE: &str = include_str!("sample.toml");

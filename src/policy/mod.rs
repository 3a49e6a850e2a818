//! The rules of a consortium: one readable TOML file, signed by its organisations.
//!
//! [`Policy::parse`] reads the text, and a [`Policy`] exists only if the text is well-formed. [`Policy::check`] finds
//! what is unsafe. A policy that is safe and that enough organisations have signed becomes a [`SignedPolicy`], which is
//! what brokers and partners take. A [`Certificate`] says in its place which keys a
//! partner has. [`Policy::explain`] and [`Policy::difference`] say in Dutch and in English what it
//! means.

mod canonical;
mod certificate;
mod check;
mod enrolment;
mod error;
mod explain;
mod files;
mod following;
mod founding;
#[doc(hidden)]
pub mod fuzzing;
mod introductions;
mod layout;
mod model;
mod published;
#[cfg(test)]
pub(crate) mod sample;
mod signature;
mod signed;
mod signing_record;
mod succession;
mod text;

pub(crate) use certificate::latest;
pub use certificate::{Certificate, PartnerKeys, Statement};
pub use check::{Check, Finding, Reveal};
pub use enrolment::{Enrolment, EnrolmentError, KeysOfPartner, SecretOfEpoch};
pub use error::PolicyError;
pub use explain::{Lang, Letter, NotALang, OPEN, Paper, Paragraph};
pub use following::{Change, Following};
pub use founding::Founding;
pub use model::{
    Answers, Because, Budgets, ChangeRules, ContactPoint, Counting, Epoch, LegalAct, Meet, MessageRules, NotAnOin, Oin,
    Operator, Organisation, Override, Permissions, Policy, RegisterUse, ReleaseRules, Retention, RosterEntry, Rules,
    Sees, SignIn, Unsigned,
};
pub use published::sample_text;
pub use signature::PolicySignature;
pub use signed::SignedPolicy;
pub(crate) use succession::VETO_DAYS;
pub use text::MAX_TEXT;

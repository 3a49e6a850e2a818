//! What can be wrong with a policy, with its signatures, and with its place after the policy before it.

use crate::codes::codes;
use crate::day::Day;
use crate::system::SystemError;

/// A policy or a signature of one cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The machine failed: a file could not be read.
    #[error(transparent)]
    System(#[from] SystemError),

    /// A policy's text is not a well-formed policy.
    #[error("the policy is not well-formed, {place}: {finding}")]
    PolicyText {
        /// The line and the key.
        place: String,
        /// What was found there, and what to write instead.
        finding: String,
    },

    /// A policy is well-formed, but must not be in force.
    #[error("the policy is not safe to use:{}", listed(refusals))]
    PolicyUnsafe {
        /// What is unsafe, each with its rule's name and what to do.
        refusals: Vec<String>,
    },

    /// A policy does not bear the signatures it needs.
    #[error("the policy is not in force: {finding}")]
    PolicySignatures {
        /// How many are needed, whose are there, and what is wrong with those set aside.
        finding: String,
    },

    /// A signature of a policy could not be made or read.
    #[error("the policy's signature cannot be used: {finding}")]
    PolicySignature {
        /// What was found, and what to do.
        finding: String,
    },

    /// A certificate or a suspension of a partner cannot be used.
    #[error("the certificate cannot be used: {finding}")]
    Certificate {
        /// What was found, and what to do.
        finding: String,
    },

    /// A policy may not take the place of the one in force.
    #[error("the policy cannot follow the one in force: {finding}")]
    PolicySuccessor {
        /// What stands in the way, and what to do.
        finding: String,
    },

    /// A policy is not valid yet.
    #[error("the policy is valid from {valid_from}, and it is {today}: take it into force on that day")]
    PolicyNotYet {
        /// Its first day.
        valid_from: Day,
        /// The day that the caller gave.
        today: Day,
    },
}

codes!(PolicyError {
    PolicyText => "policy_text",
    PolicyUnsafe => "policy_unsafe",
    PolicySignatures => "policy_signatures",
    PolicySignature => "policy_signature",
    Certificate => "certificate",
    PolicySuccessor => "policy_successor",
    PolicyNotYet => "policy_not_yet",
} wraps System);

/// Each item on a line of its own.
fn listed(items: &[String]) -> String {
    items.iter().map(|item| format!("\n- {item}")).collect()
}

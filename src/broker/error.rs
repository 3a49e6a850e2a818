//! What can go wrong at the broker.

use crate::audit::AuditError;
use crate::codes::codes;
use crate::day::{Day, Timestamp};
use crate::policy::PolicyError;
use crate::secret::{SecretError, VerifyingKey};
use crate::store::StoreError;
use crate::system::SystemError;

/// The broker cannot do what its operator asks, or cannot keep what a partner sends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The machine failed.
    #[error(transparent)]
    System(#[from] SystemError),

    /// A key file cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),

    /// A policy or a signature of one was refused.
    #[error(transparent)]
    Policy(#[from] PolicyError),

    /// The log could not be signed.
    #[error(transparent)]
    Audit(#[from] AuditError),

    /// The store, or a key that it is sealed with, cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// The policy names another broker than the one whose keys these are.
    #[error(
        "the policy's operator has other keys than this broker: give the folder with the keys that it names, or have \
         it name these, under [operator]: verifying_key = \"{verifying_key}\" and checkpoint_key = \"{checkpoint_key}\""
    )]
    PolicyOperator {
        /// The key of this broker's replies.
        verifying_key: VerifyingKey,
        /// The key of this broker's checkpoints.
        checkpoint_key: VerifyingKey,
    },

    /// The clock went back.
    #[error(
        "the latest moment that was acted on is {latest}, ahead of this clock, {now}, by {}: set the clock right; \
         if it is right, it was wrong then: wait until that moment, or restore a backup of before it (stapel \
         broker restore). Until then only withdrawals are accepted and backups made",
        hours_and_minutes(latest.since(*now))
    )]
    Clock {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The latest moment at which something was done.
        latest: Timestamp,
    },

    /// The caller says that the clock is not to be trusted.
    #[error(
        "the clock says {now} and is not to be trusted: call again once it is; until then only withdrawals are \
         accepted and backups made"
    )]
    ClockUntrusted {
        /// The time that the caller says it is.
        now: Timestamp,
    },

    /// The time is after the last day that can be written.
    #[error(
        "the time given, {} seconds since 1970{}, is after 2149-06-06, the last day that can be written: set \
         the clock right",
        now.0,
        now.unit_hint()
    )]
    ClockRange {
        /// The time that the caller says it is.
        now: Timestamp,
    },

    /// The clock is so far past the last release that it may be wrong.
    #[error(
        "the time {now} is too long after the last release, {as_of}: there was none for more than two weeks, in all \
         times of more than three days since a person last said that the clock is right. See whether it is, and if so, \
         say it with stapel broker accept-clock (accept_clock in a program); until then only withdrawals are accepted \
         and backups made"
    )]
    ClockAhead {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The moment of the last release.
        as_of: Timestamp,
    },

    /// There was no release for days, and nobody has said since that the clock is right.
    #[error(
        "there was no release for more than three days after {since}, and nobody has said since that the clock is \
         right. The broker goes on, but closes no epoch, destroys no keys, and prunes and purges nothing: see whether \
         the clock is right, and if it is, say so with stapel broker accept-clock (accept_clock in a program)"
    )]
    ClockUnconfirmed {
        /// The last release before that.
        since: Timestamp,
    },

    /// The caller is not sure enough of the clock to destroy what it says is over.
    #[error(
        "the clock says {now}, and there is no good reason to trust it with what cannot be undone: it is not kept in \
         step with others, or it was set since the broker began. The broker goes on, but closes no epoch, destroys no \
         keys, and prunes and purges nothing: have it kept in step. Or see whether it is right, and if it is, say so \
         with stapel broker accept-clock (accept_clock in a program), which closes, destroys, prunes and purges what \
         waits, and nothing later: a purge by itself stays refused until the clock is kept in step"
    )]
    ClockUncertain {
        /// The time that the caller says it is.
        now: Timestamp,
    },

    /// The clock is so far past the latest moment of a copy that it may be wrong.
    #[error(
        "the time {now} is more than three days after the latest that this backup acted on, {latest}: see whether the \
         clock is right; if it is, restore with --date and today's date (restore_under in a program); \
         nothing was done"
    )]
    ClockAheadOfCopy {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The latest moment that the copy acted on.
        latest: Timestamp,
    },

    /// The time is after the last day of the policy's last epoch.
    #[error(
        "the time {now} is after {closes}, the last day of the policy's last epoch: adopt a newer policy first, or \
         set the clock right; at a restore, give the newer one with --policy (restore_under in a program); nothing was \
         done"
    )]
    ClockPastEpochs {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The last day of the last epoch.
        closes: Day,
    },

    /// A broker is to be made with keys that its first day's end would destroy.
    #[error(
        "the keys' folder has keys of epoch {epoch}, which would be over at {now}: set the clock right; if it is \
         right, remove epoch-{epoch}.pepper and epoch-{epoch}.blobs there; nothing was done"
    )]
    ClockPastKeys {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The epoch.
        epoch: u32,
    },

    /// A partner has a receipt that this broker signed and does not know.
    #[error(
        "partner {partner} has a receipt of this broker's own signature, for line {index} of the log, that the store \
         does not have: an older store was put in its place, or another runs with its keys. Stop it, put the newest \
         store back, or restore the backup with stapel broker restore, and tell the partners. The receipt is kept in \
         the broker's folder"
    )]
    Forgotten {
        /// The partner's number.
        partner: u16,
        /// The number of the line that the receipt names.
        index: u64,
    },

    /// The store's log does not continue what was signed under its name.
    #[error(
        "the audit log cannot be signed on as '{origin}': {finding}. Questions and flags are answered, without new \
         checkpoints. Tell the partners what happened, and let the consortium adopt a policy with a new log_origin"
    )]
    LogBehind {
        /// The policy's `log_origin`.
        origin: String,
        /// What was signed, and what the store has.
        finding: String,
    },
}

/// How long a time is, in words.
fn hours_and_minutes(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    format!("{} hours and {} minutes", minutes / 60, minutes % 60)
}

codes!(BrokerError {
    PolicyOperator => "policy_operator",
    Clock => "clock",
    ClockAhead | ClockAheadOfCopy | ClockPastEpochs | ClockPastKeys | ClockRange => "clock_ahead",
    ClockUncertain | ClockUnconfirmed => "clock_unconfirmed",
    ClockUntrusted => "clock_untrusted",
    Forgotten => "forgotten",
    LogBehind => "log_behind",
} wraps System, Secret, Policy, Audit, Store);

//! What can go wrong, each with a stable code, a sentence that says what was found, and what to do about it.

use std::path::PathBuf;

use crate::address::AddressError;
use crate::codec::Malformed;
use crate::day::{Day, Timestamp};
use crate::secret::VerifyingKey;

/// Any failure of the library. [`Error::code`] is stable across versions and the same in every language binding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address was refused.
    #[error(transparent)]
    Address(#[from] AddressError),

    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: `read`, `write`, `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// A file that holds a secret can be read by others than its owner.
    #[error("{} can be read by others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    FileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// A secret file, or a part of one, is not as it was written.
    #[error("{} is not a secret file that can be used: {finding}", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What was found, and what would help. Nothing of the secret.
        finding: &'static str,
    },

    /// The parts of a secret do not fit together.
    #[error("the parts do not make a secret: {finding}")]
    SecretParts {
        /// What was found, and what would help. Nothing of the secret.
        finding: &'static str,
    },

    /// A key file does not hold the 32 bytes of a key.
    #[error("{} is not a key file: it holds {length} bytes, and a key is 32; put the file back as it was", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The number of bytes in it.
        length: usize,
    },

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

    /// A policy may not take the place of the one in force.
    #[error("the policy cannot follow the one in force: {finding}")]
    PolicySuccessor {
        /// What stands in the way, and what to do.
        finding: String,
    },

    /// The bytes are not a message, or not in the one form that it has.
    #[error("not a message: {finding}")]
    Malformed {
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// A message has more bytes or pseudonyms than one may have.
    #[error("too large for one message: {finding}")]
    TooLarge {
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// A signature is not that of the key it should be of.
    #[error("the signature is wrong: the message was altered, or made with another key than the policy lists")]
    BadSignature,

    /// The broker's store could not be opened, read or written.
    #[error("the store {} cannot be used: {finding}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What was found.
        finding: String,
    },

    /// The broker's store has a format that this version does not know.
    #[error("the store has format {found}, and this version knows {known}: use the version that wrote it")]
    StoreFormat {
        /// The format found.
        found: u32,
        /// The format that this version knows.
        known: u32,
    },

    /// The broker's store holds what no broker writes.
    #[error("the store is damaged: {finding}; restore it from a backup")]
    StoreDamaged {
        /// What was found.
        finding: &'static str,
    },

    /// The policy names another broker than the one whose keys these are.
    #[error(
        "the policy's operator has other keys than this broker: give the folder with the keys that it names, or have it name these, \
         under [operator]: verifying_key = \"{verifying_key}\" and checkpoint_key = \"{checkpoint_key}\""
    )]
    PolicyOperator {
        /// The key of this broker's replies.
        verifying_key: VerifyingKey,
        /// The key of this broker's checkpoints.
        checkpoint_key: VerifyingKey,
    },

    /// The policy is not valid yet.
    #[error("the policy is valid from {valid_from}, and today is {today}: take it into force on that day")]
    PolicyNotYet {
        /// Its first day.
        valid_from: Day,
        /// Today, as the caller says.
        today: Day,
    },

    /// The clock went back.
    #[error("the time {now} is before the last release, {as_of}: set the clock right; nothing was done")]
    Clock {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The moment of the last release.
        as_of: Timestamp,
    },

    /// The folder of a partner is not one, or not one that can be used.
    #[error("{} is not a partner's folder that can be used: {finding}", path.display())]
    PartnerFolder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// Another has the folder of the partner or of the broker's store open: another process, or this one a second time.
    #[error("{} is in use: another has it open; let that one end first, or give another folder", path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },

    /// A record of a partner's journal is not as it was written.
    #[error("the journal {} is damaged at record {record}: {finding}", path.display())]
    JournalDamaged {
        /// The file.
        path: PathBuf,
        /// The record's number, counted from 0.
        record: u64,
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// The roster does not have this partner.
    #[error("the roster does not have this partner: {finding}")]
    NotInRoster {
        /// What was found, and what would help.
        finding: String,
    },

    /// A secret is not the one that the policy names.
    #[error("the secret of epoch {epoch} does not fit the policy: {finding}")]
    SecretMismatch {
        /// The epoch that it is said to be of.
        epoch: u32,
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// There is no epoch in which a message can be made.
    #[error("no message can be made on {day}: {finding}")]
    NoEpoch {
        /// The day.
        day: Day,
        /// What is missing.
        finding: &'static str,
    },

    /// The roster does not let this partner do this.
    #[error("not permitted: {finding}")]
    NotPermitted {
        /// What is not, and what the policy would have to say.
        finding: String,
    },

    /// An address is of a level that cannot be used here.
    #[error("an address is of the wrong level: {finding}")]
    Level {
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// A last valid day cannot be used.
    #[error("the last valid day cannot be used: {finding}")]
    LastDay {
        /// What was found, and what would help.
        finding: String,
    },

    /// An address has no flag.
    #[error("{missing} of the addresses have no flag that could be renewed: flag them")]
    NotFlagged {
        /// How many.
        missing: usize,
    },

    /// The acting user or the case reference is missing or cannot be used.
    #[error("the {field} cannot be used: give 1 to 200 characters on one line")]
    Case {
        /// `acting user` or `case reference`.
        field: &'static str,
    },

    /// A full set would withdraw more flags than the policy lets pass unsaid.
    #[error(
        "the set would withdraw {withdrawn} of {flags} flags, more than {percent} per cent: look whether it is complete, and \
         say that it is meant (allow_shrink)"
    )]
    Shrink {
        /// How many flags it would withdraw.
        withdrawn: usize,
        /// How many flags there are.
        flags: usize,
        /// The policy's share.
        percent: u8,
    },

    /// A reply is not to a message that is in flight.
    #[error("the reply was not expected: {finding}")]
    UnexpectedReply {
        /// What does not fit, and what would help.
        finding: &'static str,
    },

    /// A reply speaks of an older release than one that was already seen in its epoch.
    #[error("the reply speaks of release {release}, and release {seen} was seen before: give it up and ask again")]
    OlderRelease {
        /// The reply's release.
        release: u64,
        /// The latest that was seen.
        seen: u64,
    },

    /// A line of the audit log is not in the one form that it has.
    #[error("not a line of an audit log: {finding}; take it as the broker exported it")]
    LogLine {
        /// What was found.
        finding: &'static str,
    },

    /// An exported audit log is not in the one form that it has.
    #[error("not an exported audit log, row {row}: {finding}; export it again")]
    LogFile {
        /// The number of the row, counted from 0.
        row: u64,
        /// What was found.
        finding: &'static str,
    },

    /// An audit log is not the one that was signed.
    #[error("the audit log was altered: {finding}; keep it and the checkpoint, and tell the coordinator")]
    LogAltered {
        /// What was found, and where.
        finding: String,
    },

    /// A checkpoint cannot be used.
    #[error("not a checkpoint of this log: {finding}")]
    Checkpoint {
        /// What was found, and what to do.
        finding: &'static str,
    },

    /// A proof does not prove what it should, or what it is about is not what it proves.
    #[error("this does not prove it: {finding}")]
    LogProof {
        /// What was found, and what to do.
        finding: &'static str,
    },

    /// Two checkpoints, both signed by the broker, are not of one log that only grew.
    #[error(
        "the broker's audit log is not one log that only grew: {finding}. Keep both checkpoints, they are the evidence. Compare \
         them with those of other partners, ask the operator whether the store was restored from a backup, and tell the coordinator.\n\n{}\n{}",
        String::from_utf8_lossy(older),
        String::from_utf8_lossy(newer)
    )]
    LogInconsistent {
        /// What does not fit.
        finding: String,
        /// The checkpoint that was held, signature included.
        older: Vec<u8>,
        /// The one that does not fit it, signature included; empty where the broker showed none.
        newer: Vec<u8>,
    },

    /// The store's log does not continue what was signed under its name.
    #[error(
        "the audit log cannot be signed on as '{origin}': {finding}. Questions and flags are answered, without new checkpoints. \
         Tell the partners what happened, and let the consortium adopt a policy with a new log_origin"
    )]
    LogBehind {
        /// The policy's `log_origin`.
        origin: String,
        /// What was signed, and what the store has.
        finding: String,
    },

    /// The folder with the broker's keys lacks what the store needs, or something in it is not as it was written.
    #[error("the broker's keys cannot be used, {}: {finding}", path.display())]
    BrokerKeys {
        /// The file.
        path: PathBuf,
        /// What was found, and what to do.
        finding: String,
    },

    /// The clock is so far past the last release that it may be wrong.
    #[error(
        "the time {now} is more than three days after the last release, {as_of}: see whether the clock is right, and if it is, \
         release with --accept-clock (accept_clock in a program); nothing was done"
    )]
    ClockAhead {
        /// The time that the caller says it is.
        now: Timestamp,
        /// The moment of the last release.
        as_of: Timestamp,
    },

    /// Work cannot be spread over so many threads.
    #[error("{count} threads cannot be used: {finding}")]
    Threads {
        /// How many were asked for.
        count: usize,
        /// What stands in the way, and what to do.
        finding: String,
    },

    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes; nothing was made; try again once it does")]
    Random,
}

impl Error {
    /// Every code but those of refused addresses, which are [`ADDRESS_CODES`](crate::ADDRESS_CODES).
    pub const CODES: &'static [&'static str] = &[
        "io",
        "file_mode",
        "secret_file",
        "secret_parts",
        "key_file",
        "policy_text",
        "policy_unsafe",
        "policy_signatures",
        "policy_signature",
        "policy_successor",
        "malformed",
        "too_large",
        "bad_signature",
        "store",
        "store_format",
        "store_damaged",
        "policy_operator",
        "policy_not_yet",
        "clock",
        "partner_folder",
        "folder_in_use",
        "journal_damaged",
        "not_in_roster",
        "secret_mismatch",
        "no_epoch",
        "not_permitted",
        "level",
        "last_day",
        "not_flagged",
        "case",
        "shrink",
        "unexpected_reply",
        "older_release",
        "log_line",
        "log_file",
        "log_altered",
        "checkpoint",
        "log_proof",
        "log_inconsistent",
        "log_behind",
        "broker_keys",
        "clock_ahead",
        "threads",
        "random",
    ];

    /// The stable code of this error, in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Address(error) => error.code(),
            Error::Io { .. } => "io",
            Error::FileMode { .. } => "file_mode",
            Error::SecretFile { .. } => "secret_file",
            Error::SecretParts { .. } => "secret_parts",
            Error::KeyFile { .. } => "key_file",
            Error::PolicyText { .. } => "policy_text",
            Error::PolicyUnsafe { .. } => "policy_unsafe",
            Error::PolicySignatures { .. } => "policy_signatures",
            Error::PolicySignature { .. } => "policy_signature",
            Error::PolicySuccessor { .. } => "policy_successor",
            Error::Malformed { .. } => "malformed",
            Error::TooLarge { .. } => "too_large",
            Error::BadSignature => "bad_signature",
            Error::Store { .. } => "store",
            Error::StoreFormat { .. } => "store_format",
            Error::StoreDamaged { .. } => "store_damaged",
            Error::PolicyOperator { .. } => "policy_operator",
            Error::PolicyNotYet { .. } => "policy_not_yet",
            Error::Clock { .. } => "clock",
            Error::PartnerFolder { .. } => "partner_folder",
            Error::FolderInUse { .. } => "folder_in_use",
            Error::JournalDamaged { .. } => "journal_damaged",
            Error::NotInRoster { .. } => "not_in_roster",
            Error::SecretMismatch { .. } => "secret_mismatch",
            Error::NoEpoch { .. } => "no_epoch",
            Error::NotPermitted { .. } => "not_permitted",
            Error::Level { .. } => "level",
            Error::LastDay { .. } => "last_day",
            Error::NotFlagged { .. } => "not_flagged",
            Error::Case { .. } => "case",
            Error::Shrink { .. } => "shrink",
            Error::UnexpectedReply { .. } => "unexpected_reply",
            Error::OlderRelease { .. } => "older_release",
            Error::LogLine { .. } => "log_line",
            Error::LogFile { .. } => "log_file",
            Error::LogAltered { .. } => "log_altered",
            Error::Checkpoint { .. } => "checkpoint",
            Error::LogProof { .. } => "log_proof",
            Error::LogInconsistent { .. } => "log_inconsistent",
            Error::LogBehind { .. } => "log_behind",
            Error::BrokerKeys { .. } => "broker_keys",
            Error::ClockAhead { .. } => "clock_ahead",
            Error::Threads { .. } => "threads",
            Error::Random => "random",
        }
    }
}

/// Each item on a line of its own.
fn listed(items: &[String]) -> String {
    items.iter().map(|item| format!("\n- {item}")).collect()
}

impl From<Malformed> for Error {
    fn from(Malformed(finding): Malformed) -> Error {
        Error::Malformed { finding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compiler holds `code` to the variants; this holds the list to `code`.
    #[test]
    fn the_list_of_codes_is_whole() {
        let (_, code) = include_str!("error.rs").split_once("pub fn code(&self)").unwrap();
        let (code, _) = code.split_once("\n    }\n").unwrap();
        let given: Vec<&str> = code.split('"').skip(1).step_by(2).collect();
        assert_eq!(given, Error::CODES);
        assert!(Error::CODES.contains(&Error::Random.code()));
    }
}

//! What can go wrong at a partner.

use std::path::PathBuf;

use crate::audit::AuditError;
use crate::codes::codes;
use crate::day::{Day, Timestamp};
use crate::hidden::shown_path;
use crate::message::MessageError;
use crate::policy::PolicyError;
use crate::secret::SecretError;
use crate::system::SystemError;
use crate::talk::NoteTextError;

/// A failure at a partner, in the order of who can mend it: the caller, whoever keeps policy and secrets, whoever keeps
/// the partner's folder, the holders of a source's key, the broker. What stands beside it is another folder's failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartnerError {
    /// The machine failed.
    #[error(transparent)]
    System(#[from] SystemError),

    /// A file with a secret or a key cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),

    /// A policy or a signature of one was refused.
    #[error(transparent)]
    Policy(#[from] PolicyError),

    /// Bytes are not a message that can be used.
    #[error(transparent)]
    Message(#[from] MessageError),

    /// A log, a checkpoint or a proof was refused.
    #[error(transparent)]
    Audit(#[from] AuditError),

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

    /// The policy requires a register of addresses, and an address was not looked up in one.
    #[error(
        "the policy requires that addresses are looked up in a register before they are flagged or asked about: \
         resolve each with a local register, which stapel register build makes, and give what that resolved"
    )]
    RegisterRequired,

    /// A last valid day cannot be used.
    #[error("the last valid day cannot be used: {finding}")]
    LastDay {
        /// What was found, and what would help.
        finding: String,
    },

    /// An address has no flag.
    #[error("{missing} of the addresses have no flag that could be renewed, nor had one within 30 days: flag them")]
    NotFlagged {
        /// How many.
        missing: usize,
    },

    /// What is to be put forward is not flagged.
    #[error("this partner does not flag {missing} of the addresses: flag them first, and then put them forward")]
    NoFlag {
        /// How many.
        missing: usize,
    },

    /// Nobody put this forward.
    #[error("nobody put this address forward, as far as this partner was told: there is nothing to answer")]
    NotPutForward,

    /// There is no such conversation, or nobody in it.
    #[error(
        "there is no conversation {conversation} in which somebody can be written to: see which there are, and who \
         left (conversations)"
    )]
    NoConversation {
        /// Its number.
        conversation: u32,
    },

    /// Another leads.
    #[error(
        "{} leads this conversation: who leads hands it over, and where nobody does one claims it for oneself",
        leads.map_or("nobody".to_owned(), |leads| format!("partner {leads}"))
    )]
    NotLeading {
        /// Who leads.
        leads: Option<u16>,
    },

    /// A text does not fit a note.
    #[error(transparent)]
    NoteText(#[from] NoteTextError),

    /// Another message of what comes after a hit waits for its reply.
    #[error("another message waits for its reply, and there is one at a time: carry it to the broker first (talk)")]
    TalkInFlight,

    /// A year was reported already.
    #[error(
        "the year {year} was reported on {day}, which is done once, and the broker takes no other report of it: see \
         what was reported (reported_years, or stapel partner year-report --dry-run)"
    )]
    YearReported {
        /// The year.
        year: u16,
        /// The day on which the broker's reply was read.
        day: Day,
    },

    /// A flag was renewed as often as the policy lets it be.
    #[error(
        "{homes} of the addresses cannot be renewed any more: the policy lets a flag stand for {days} days in all, and \
         they do that already. Let them end, and flag them again only on a new observation"
    )]
    TooManyRenewals {
        /// How many.
        homes: usize,
        /// The most days that a flag stands in all, with its renewals.
        days: u32,
    },

    /// The acting user or the case reference is missing or cannot be used, or one that is searched for.
    #[error("the {field} cannot be used: {expected}")]
    Case {
        /// Which of them, such as `acting user`, or `name of the request`.
        field: &'static str,
        /// What can be used.
        expected: &'static str,
    },

    /// A full set would withdraw more flags than the policy lets pass unsaid.
    #[error(
        "the set would withdraw {withdrawn} of {flags} flags, more than {percent} per cent: look whether it is \
         complete, and say that it is meant (allow_shrink)"
    )]
    Shrink {
        /// How many flags it would withdraw.
        withdrawn: usize,
        /// How many flags there are.
        flags: usize,
        /// The policy's share.
        percent: u8,
    },

    /// The roster does not have this partner.
    #[error("the roster has no partner {number}, which this folder is of: ask the coordinator for the policy that has")]
    NotInRoster {
        /// The partner's number.
        number: u16,
    },

    /// What the partner would sign would not be accepted.
    #[error(
        "partner {partner} cannot sign in epoch {epoch}: {finding}; ask whoever keeps your organisation's policy key \
         for a certificate, and add it"
    )]
    NotCertified {
        /// The partner's number.
        partner: u16,
        /// The epoch.
        epoch: u32,
        /// What its certificate says.
        finding: String,
    },

    /// A secret is not the one that the policy names, or another epoch has it too.
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

    /// An epoch's secrets may still be needed.
    #[error("the secrets of epoch {epoch} are still needed: {finding}")]
    EpochInUse {
        /// The epoch.
        epoch: u32,
        /// What needs them, and until when.
        finding: String,
    },

    /// The folder of a partner is not one, or not one that can be used.
    #[error("{} is not a partner's folder that can be used: {finding}", shown_path(path))]
    PartnerFolder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What was found, and what would help.
        finding: String,
    },

    /// A record of a partner's journal is not as it was written.
    #[error("the journal {} is damaged at record {record}: {finding}", shown_path(path))]
    JournalDamaged {
        /// The file.
        path: PathBuf,
        /// The record's number, counted from 0.
        record: u64,
        /// What was found, and what would help.
        finding: &'static str,
    },

    /// The clock went back.
    #[error(
        "the time {now} is before the latest that this partner acted on, {latest}: set the clock right; if it is \
         right, say so with stapel partner accept-clock --dir DIR --actor NAME --case REFERENCE --date DATE, and \
         today's date from a calendar (accept_clock in a program); nothing was done"
    )]
    Clock {
        /// The time given.
        now: Timestamp,
        /// The latest moment that the journal has.
        latest: Timestamp,
    },

    /// The clock is so far past the latest record that it may be wrong.
    #[error(
        "the time {now}, {} seconds since 1970{}, is more than {days} days after the latest that this partner acted \
         on, {latest}, or past the policy's last epoch: see whether the clock is right; if it is, adopt the newer \
         policy, where there is one, and say so with stapel partner accept-clock --dir DIR --actor NAME --case \
         REFERENCE --date DATE, and today's date from a calendar (accept_clock in a program); nothing was done",
        now.0, now.unit_hint()
    )]
    ClockAhead {
        /// The time given.
        now: Timestamp,
        /// The latest moment that the journal has.
        latest: Timestamp,
        /// How many days may pass.
        days: u16,
    },

    /// Pseudonyms are missing that a source has to be asked for first.
    #[error(
        "{missing} pseudonyms are not made yet: send the requests of their source to its holders, give the \
         replies back, and do this again (source_requests, source_replies)"
    )]
    PseudonymsPending {
        /// How many are missing.
        missing: usize,
    },

    /// A key holder of a source of pseudonyms gave a reply that no honest one gives.
    #[error(
        "the key holder '{holder}' gave a reply that no honest one gives: keep {}, which shows it, and tell the \
         coordinator",
        shown_path(evidence)
    )]
    SourceFault {
        /// The holder, as the source names it.
        holder: String,
        /// The file that shows it.
        evidence: PathBuf,
    },

    /// A reply is not to a message that is in flight.
    #[error("the reply was not expected: {finding}")]
    UnexpectedReply {
        /// What does not fit, and what would help.
        finding: &'static str,
    },

    /// The broker forgot what it had signed, and does not say that its store was put back from a copy.
    #[error(
        "the broker forgot what it had signed, and does not say that it was restored: {finding}. Keep the files, they \
         are the evidence. Ask the operator whether an older store was put in the place of the newest, and tell the \
         coordinator"
    )]
    UnannouncedRestore {
        /// What it forgot.
        finding: String,
    },

    /// The broker told of somebody with a code that is wrong.
    #[error(
        "this partner was introduced with a code that is wrong: {finding}. Either the broker made it up, or the other \
         sent a wrong code, and was told of this partner. Keep the files, they are the evidence, and tell the \
         coordinator. Nothing of it was taken over"
    )]
    FalseIntroduction {
        /// What is false.
        finding: String,
    },

    /// The broker introduced this partner by what it put forward and what did not stand at that turn: it had been taken
    /// back, or was rejected, or the day that is said of it cannot be.
    #[error(
        "the broker introduced this partner by what did not stand then: {finding}. Keep the files, they are the \
         evidence, and tell the coordinator. The other knows of this partner: leave the conversation if it should not \
         go on"
    )]
    LateIntroduction {
        /// What did not stand, and why.
        finding: String,
    },
}

codes!(PartnerError {
    NotPermitted => "not_permitted",
    Level => "level",
    RegisterRequired => "register_required",
    LastDay => "last_day",
    NotFlagged => "not_flagged",
    NoFlag => "no_flag",
    NotPutForward => "not_put_forward",
    NoConversation => "no_conversation",
    NotLeading => "not_leading",
    NoteText => "note_text",
    TalkInFlight => "talk_in_flight",
    YearReported => "year_reported",
    TooManyRenewals => "too_many_renewals",
    Case => "case",
    Shrink => "shrink",
    NotInRoster => "not_in_roster",
    NotCertified => "not_certified",
    SecretMismatch => "secret_mismatch",
    NoEpoch => "no_epoch",
    EpochInUse => "epoch_in_use",
    PartnerFolder => "partner_folder",
    JournalDamaged => "journal_damaged",
    Clock => "clock",
    ClockAhead => "clock_ahead",
    PseudonymsPending => "pseudonyms_pending",
    SourceFault => "source_fault",
    UnexpectedReply => "unexpected_reply",
    UnannouncedRestore => "unannounced_restore",
    FalseIntroduction => "false_introduction",
    LateIntroduction => "late_introduction",
} wraps System, Secret, Policy, Message, Audit);

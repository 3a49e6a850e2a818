//! What the broker's log records: one kind of event for each thing that the broker does.

use std::collections::BTreeMap;

use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::Code;
use crate::slug::Slug;

/// What the broker did, or what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A partner's message was accepted or rejected.
    Message {
        /// The partner's number.
        partner: u16,
        /// The epoch that the message names.
        epoch: u32,
        /// What the message was.
        subject: Subject,
        /// The digest of all its bytes.
        message: Digest,
        /// The head of the partner's journal that it names; [`Digest::NONE`] where it names none.
        journal: Digest,
        /// The number of pseudonyms in its body; 0 where the body could not be read.
        count: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// Messages came whose sender was not authenticated. They are counted by the minute, not logged one by one.
    Unauthenticated {
        /// The first moment of that minute.
        minute: Timestamp,
        /// The number of messages by the reason for which they were rejected. Not empty, and no number is 0.
        rejected: BTreeMap<Code, u32>,
    },
    /// A release took place.
    Release {
        /// The epoch.
        epoch: u32,
        /// The release's number in that epoch.
        release: u64,
        /// The moment that it speaks of.
        as_of: Timestamp,
        /// Whether accepted flags became visible. If not, flags only ended.
        full: bool,
    },
    /// The standings that all partners together were told on one day.
    Told {
        /// The day.
        day: Day,
        /// The epoch.
        epoch: u32,
        /// Standings that were stacked.
        stacked: u64,
        /// All others.
        not_stacked: u64,
    },
    /// The policy that the line names was taken into force.
    PolicyAdopted {
        /// Its version.
        version: u32,
        /// The digest of the one before it; `None` for the broker's first.
        previous: Option<Digest>,
    },
    /// An epoch was opened: its pepper was drawn.
    EpochOpened {
        /// The epoch.
        epoch: u32,
    },
    /// An epoch was closed: its rows and its keys were destroyed.
    EpochClosed {
        /// The epoch.
        epoch: u32,
    },
    /// The operator confirmed the clock after a time without releases.
    ClockAccepted {
        /// The moment of the last release before.
        last: Timestamp,
    },
    /// Ended flags were erased from the store's files.
    Purge {
        /// The number of rows that were erased.
        flags: u64,
        /// The number of bytes by which the files shrank.
        bytes: u64,
    },
    /// The store was copied.
    Backup,
    /// The store was restored from a copy.
    Restore,
    /// Lines were pruned: their texts are gone, and their hashes stay.
    Prune {
        /// The first day whose lines stay.
        before: Day,
        /// The number of lines that went now.
        lines: u64,
        /// The number of lines that went since the log began, these included.
        total: u64,
    },
}

/// What kind of message a partner sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A delta.
    Delta {
        /// Flags that it renewed past the policy's `max_days`; 0 where it was rejected.
        renewed: u32,
    },
    /// A full set, or a part of one.
    FullSet {
        /// As for a delta.
        renewed: u32,
    },
    /// A confirm.
    Confirm,
    /// A question that is no sweep, or whose body could not be read.
    Question,
    /// A sweep.
    Sweep {
        /// The reason that it gives.
        reason: Slug,
    },
    /// A status request.
    Status,
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was accepted, or answered.
    Accepted,
    /// It was rejected.
    Rejected(Code),
}

impl Event {
    /// The word for the event in the line.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Message { subject, .. } => subject.kind(),
            Event::Unauthenticated { .. } => "unauthenticated",
            Event::Release { .. } => "release",
            Event::Told { .. } => "told",
            Event::PolicyAdopted { .. } => "policy",
            Event::EpochOpened { .. } => "epoch_opened",
            Event::EpochClosed { .. } => "epoch_closed",
            Event::ClockAccepted { .. } => "clock_accepted",
            Event::Purge { .. } => "purge",
            Event::Backup => "backup",
            Event::Restore => "restore",
            Event::Prune { .. } => "prune",
        }
    }
}

impl Subject {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Subject::Delta { .. } => "delta",
            Subject::FullSet { .. } => "full_set",
            Subject::Confirm => "confirm",
            Subject::Question => "question",
            Subject::Sweep { .. } => "sweep",
            Subject::Status => "status",
        }
    }
}

impl Outcome {
    /// `ok`, or the rejection's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "ok",
            Outcome::Rejected(code) => code.as_str(),
        }
    }
}

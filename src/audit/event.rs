//! What the broker's log records: one kind of event for each thing that the broker does.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::Code;
use crate::slug::Slug;

/// What the broker did, or what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Messages came whose sender was not authenticated. They are counted by the minute, not logged one by one.
    Unauthenticated {
        /// The first moment of that minute.
        #[serde(deserialize_with = "minute")]
        minute: Timestamp,
        /// The number of messages by the reason for which they were rejected. Not empty, and no number is 0.
        #[serde(deserialize_with = "counts")]
        rejected: BTreeMap<Code, u32>,
    },
    /// Messages of authenticated partners were rejected that used up no number: theirs was used before or is too far
    /// ahead, or they are for another purpose or an epoch that is not open. They are counted by the hour, because
    /// whoever kept one can send it again and again.
    Replayed {
        /// The first moment of that hour.
        #[serde(deserialize_with = "hour")]
        hour: Timestamp,
        /// How many there were; not 0.
        count: NonZeroU32,
    },
    /// A release took place.
    Release {
        /// The epoch.
        epoch: u32,
        /// The release's number in that epoch.
        #[serde(with = "bounded")]
        release: u64,
        /// The moment that it speaks of.
        as_of: Timestamp,
        /// Whether accepted flags became visible. If not, flags only ended.
        full: bool,
    },
    /// It was looked at who is to be introduced, at a turn of the day under a policy with `[meet]`.
    Introduced {
        /// The day.
        day: Day,
        /// The epoch.
        epoch: u32,
        /// How many pairs of partners were.
        pairs: u32,
    },
    /// The standings that all partners together were told on one day.
    Told {
        /// The day.
        day: Day,
        /// The epoch.
        epoch: u32,
        /// Standings that were stacked.
        #[serde(with = "bounded")]
        stacked: u64,
        /// All others.
        #[serde(with = "bounded")]
        not_stacked: u64,
    },
    /// The policy that the line names was taken into force.
    #[serde(rename = "policy")]
    PolicyAdopted {
        /// Its version.
        version: u32,
        /// The digest of the one before it; `None` for the broker's first.
        #[serde(skip_serializing_if = "Option::is_none")]
        previous: Option<Digest>,
    },
    /// A version that says that an organisation lost its policy key was announced. It can be adopted 30 days later.
    PolicyAnnounced {
        /// Its version.
        version: u32,
        /// Its digest.
        announced: Digest,
        /// The organisation, which may veto.
        organisation: Slug,
    },
    /// A certificate or a suspension of a partner was kept.
    Certificate {
        /// The partner's number.
        partner: u16,
        /// The epoch.
        epoch: u32,
        /// Its serial.
        serial: u32,
        /// The digest of its file.
        certificate: Digest,
        /// Whether it suspends the partner.
        suspends: bool,
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
    /// The operator confirmed the clock after a time without releases, or to restore a copy that is days old.
    ClockAccepted {
        /// The moment of the last release before; at a restore the latest that the copy acted on.
        last: Timestamp,
    },
    /// Ended flags were erased from the store's files.
    Purge {
        /// The number of rows that were erased.
        #[serde(with = "bounded")]
        flags: u64,
        /// The number of bytes by which the files shrank.
        #[serde(with = "bounded")]
        bytes: u64,
    },
    /// The store was copied.
    Backup,
    /// The store was restored from a copy, and a log of its own begins.
    Restore {
        /// The latest checkpoint that the broker knows to have signed before; `None` where it knows of none.
        #[serde(flatten)]
        last: Option<SignedTree>,
    },
    /// A partner showed a receipt of this broker's own signature that its log does not have.
    Forgotten {
        /// The partner's number.
        partner: u16,
        /// The digest of the receipt's bytes.
        receipt: Digest,
        /// Whether a restore that the broker knows of explains it.
        announced: bool,
    },
    /// Lines were pruned: their texts are gone, and their hashes stay.
    Prune {
        /// The first day whose lines stay.
        before: Day,
        /// The number of lines that went now.
        #[serde(with = "bounded")]
        lines: u64,
        /// The number of lines that went since the log began, these included.
        #[serde(with = "bounded")]
        total: u64,
    },
    /// A partner's message was accepted or rejected.
    // Its kind is that of its subject. Serde wants such a variant last.
    #[serde(untagged)]
    Message {
        /// The partner's number.
        partner: u16,
        /// The epoch that the message names.
        epoch: u32,
        /// What the message was.
        #[serde(flatten)]
        subject: Subject,
        /// The digest of all its bytes.
        message: Digest,
        /// The head of the partner's journal that it names; [`Digest::NONE`] where it names none.
        #[serde(default, skip_serializing_if = "is_none")]
        journal: Digest,
        /// The number of pseudonyms in its body; 0 where the body could not be read.
        count: u32,
        /// What came of it.
        outcome: Outcome,
    },
}

/// A tree of the log that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTree {
    /// The origin that it was signed under.
    pub origin: String,
    /// How many lines it had.
    #[serde(with = "bounded")]
    pub size: u64,
    /// Its root.
    pub root: Digest,
}

/// What kind of message a partner sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
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
    /// What a partner puts forward.
    PutForward,
    /// An exchange of notes.
    Exchange,
    /// A request for totals.
    Totals,
    /// A report of a year.
    Year,
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
            Event::Replayed { .. } => "replayed",
            Event::Release { .. } => "release",
            Event::Introduced { .. } => "introduced",
            Event::Told { .. } => "told",
            Event::PolicyAdopted { .. } => "policy",
            Event::PolicyAnnounced { .. } => "policy_announced",
            Event::Certificate { .. } => "certificate",
            Event::EpochOpened { .. } => "epoch_opened",
            Event::EpochClosed { .. } => "epoch_closed",
            Event::ClockAccepted { .. } => "clock_accepted",
            Event::Purge { .. } => "purge",
            Event::Backup => "backup",
            Event::Restore { .. } => "restore",
            Event::Forgotten { .. } => "forgotten",
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
            Subject::PutForward => "put_forward",
            Subject::Exchange => "exchange",
            Subject::Totals => "totals",
            Subject::Year => "year",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Outcome, D::Error> {
        match String::deserialize(from)?.as_str() {
            "ok" => Ok(Outcome::Accepted),
            code => Code::named(code).map(Outcome::Rejected).ok_or_else(|| D::Error::custom("unknown outcome")),
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

/// Whether a message names no journal.
fn is_none(journal: &Digest) -> bool {
    *journal == Digest::NONE
}

/// The first moment of a minute.
fn minute<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let minute = Timestamp::deserialize(from)?;
    if minute.0.is_multiple_of(60) { Ok(minute) } else { Err(D::Error::custom("not the start of a minute")) }
}

/// The first moment of an hour.
fn hour<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let hour = Timestamp::deserialize(from)?;
    if hour.0.is_multiple_of(3_600) { Ok(hour) } else { Err(D::Error::custom("not the start of an hour")) }
}

/// At least one code, none of them zero times.
fn counts<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Code, u32>, D::Error> {
    let counts = BTreeMap::<Code, u32>::deserialize(from)?;
    let is_sound = !counts.is_empty() && counts.values().all(|count| *count > 0);
    if is_sound { Ok(counts) } else { Err(D::Error::custom("nothing was counted")) }
}

/// Numbers that have no bound of their own, cut to what JSON keeps exact in every language (RFC 8785, RFC 7493). No
/// count of a broker comes near that.
pub(super) mod bounded {
    use super::*;

    pub(in crate::audit) const MAX_NUMBER: u64 = (1 << 53) - 1;

    pub(in crate::audit) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(*number.min(&MAX_NUMBER))
    }

    pub(in crate::audit) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let number = u64::deserialize(from)?;
        if number <= MAX_NUMBER { Ok(number) } else { Err(D::Error::custom("larger than a number can be")) }
    }
}

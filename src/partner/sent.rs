//! The messages that a partner sent, and what a reply to one of them must fit: SPEC.md 7.3, steps 7 to 9.

use super::error::PartnerError;
use super::record::Series;
use crate::codec::{encode_fields, encode_variants};
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::{
    Code, Header, Kind, LONGEST_LEAP, MessageError, Receipt, Rejection, Reply, Request, Role, Unverified,
};
use crate::policy::SignedPolicy;
use crate::secret::{KeyId, VerifyingKey};
use crate::slug::Slug;

/// What is known of a message without its bytes.
#[derive(Clone)]
pub(super) struct MessageHead {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
    pub(super) epoch: u32,
    pub(super) key_id: KeyId,
    pub(super) sequence: u64,
    pub(super) previous: u64,
    /// The latest release seen in the epoch when it was made.
    pub(super) release: u64,
    /// Of a full set in several parts: which part, and of how many. Both 0 for all else.
    pub(super) part: (u16, u16),
    /// The pseudonyms that it flags; of a full set, with those of the parts before it.
    pub(super) flagged: u32,
    /// The pseudonyms that a delta withdraws.
    pub(super) withdrawn: u32,
    /// All pseudonyms of its body.
    pub(super) count: u32,
    /// The reason of a sweep.
    pub(super) sweep: Option<Slug>,
    /// The head of the journal that it names.
    pub(super) journal: Digest,
    /// The lowest number that its line in the broker's log can have: how many lines were known when it was made.
    pub(super) first_line: u64,
    /// When the broker was last restored, as far as was known when it was made; 0 for never.
    pub(super) restored: Timestamp,
    /// The last state message that the broker had said to have accepted when it was made; 0 for none.
    pub(super) accepted: u64,
    /// When it was made.
    pub(super) time: Timestamp,
}

/// A message that was made and whose reply was not read yet.
pub(super) struct SignedMessage {
    pub(super) head: MessageHead,
    /// Whether the broker knows more of the partner's flags in the epoch once it accepts this: a delta, or the last
    /// part of a full set.
    pub(super) settles: bool,
    /// Whether the broker said that it cannot take it now.
    pub(super) put_off: bool,
    pub(super) bytes: Vec<u8>,
}

/// A message that is no longer waited for.
pub(super) struct PastMessage {
    pub(super) head: MessageHead,
    pub(super) end: End,
}

/// Why a message is no longer waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its reply was read.
    Read,
    /// The reply to another message says that it was accepted; its own receipt may still come.
    Implied,
    /// It was given up, or a message before it in the chain was rejected.
    Dropped,
}

impl SignedMessage {
    /// What it says. `key` is the partner's own.
    pub(super) fn request(&self, key: &VerifyingKey) -> Result<Request<'_>, MessageError> {
        Unverified::parse(&self.bytes, Role::Partner).and_then(|message| message.verify(key))?.request()
    }

    /// The lines whose inclusion a status request asks to be proven.
    pub(super) fn asked_lines(&self, key: &VerifyingKey) -> Vec<u64> {
        match self.request(key) {
            Ok(Request::Status(status)) => status.lines,
            _ => Vec::new(),
        }
    }
}

impl MessageHead {
    /// An error where a reply is none to this message, by a partner that holds to `policy`.
    pub(super) fn refuse_unfit(
        &self,
        header: &Header,
        reply: &Reply,
        policy: &SignedPolicy,
    ) -> Result<(), PartnerError> {
        let repeats = (header.epoch, header.key_id, header.sequence, header.previous)
            == (self.epoch, self.key_id, self.sequence, self.previous);
        if !repeats {
            return unexpected("its header does not repeat that of the message it replies to");
        }
        let ahead = u64::from(policy.policy().messages.max_ahead_minutes) * 60;
        if header.policy == policy.digest() && self.needs_clock(reply) && header.time.plus(ahead) < self.time {
            return unexpected("by its time the broker would have refused the message, which is of a later one");
        }
        match (Series::of(self.kind), reply) {
            (Series::State, Reply::Receipt(receipt)) => self.refuse_unfit_receipt(receipt),
            (Series::Question, Reply::Answer(_)) | (Series::Status, Reply::Status(_)) => Ok(()),
            (Series::Talk, reply) if self.is_answered_by(reply) => Ok(()),
            (_, Reply::Rejection(rejection)) => self.refuse_unfit_rejection(rejection),
            _ => unexpected("its kind is not one of a reply to that message"),
        }
    }

    /// Whether a message of what comes after a hit has such a reply.
    fn is_answered_by(&self, reply: &Reply) -> bool {
        matches!(
            (self.kind, reply),
            (Kind::PutForward | Kind::Year, Reply::Kept(_))
                | (Kind::Exchange, Reply::Post(_))
                | (Kind::TotalsRequest, Reply::Totals(_))
        )
    }

    /// Whether a broker gives such a reply only while its clock is not in doubt: then its time does not stand still,
    /// and the message is not further ahead of it than the policy allows.
    fn needs_clock(&self, reply: &Reply) -> bool {
        match reply {
            Reply::Answer(_) => true,
            Reply::Receipt(_) => self.kind != Kind::Delta || self.flagged > 0,
            Reply::Kept(_) | Reply::Post(_) | Reply::Totals(_) => true,
            Reply::Status(_) | Reply::Rejection(_) => false,
        }
    }

    /// What a reply to this message says that was not so any more when it was made: then the broker went back, and says
    /// nothing of a restore.
    pub(super) fn went_back(&self, header: &Header, reply: &Reply) -> Option<String> {
        let log = reply.log_entry();
        if log.restored > header.time {
            let (restored, time) = (log.restored, header.time);
            return Some(format!(
                "it says that it was restored at {restored}, in a reply of {time}, which is before that"
            ));
        }
        if log.restored > self.restored {
            return None;
        }
        if log.restored < self.restored {
            return Some(format!("it was restored at {}, and no longer says so", self.restored));
        }
        let lower = |what: &str, now: u64, before: u64| {
            (now < before).then(|| format!("{what} is {now}, and {before} was said before"))
        };
        let release = |release| lower("the release in force", release, self.release);
        let accepted = |number| lower("the last state message accepted", number, self.accepted);
        match reply {
            Reply::Receipt(receipt) => release(receipt.release),
            Reply::Answer(answer) => release(answer.release),
            Reply::Status(status) => release(status.release).or_else(|| accepted(status.accepted_state)),
            Reply::Rejection(rejection) => match (rejection.code, Series::of(self.kind)) {
                (Code::Gap, _) => accepted(rejection.number),
                (Code::Stale, Series::State) => lower("the highest state number", rejection.number - 1, self.accepted),
                _ => None,
            },
            Reply::Totals(totals) => release(totals.release),
            Reply::Kept(_) | Reply::Post(_) => None,
        }
    }

    fn refuse_unfit_receipt(&self, receipt: &Receipt) -> Result<(), PartnerError> {
        if receipt.part != self.part {
            return unexpected("it is the receipt of another part");
        }
        let told = u64::from(receipt.added) + u64::from(receipt.changed);
        let withdrawn = receipt.withdrawn <= self.withdrawn || self.kind == Kind::FullSet;
        // Once it has its last part, the broker holds the full set and nothing else, less what ended since an earlier
        // part.
        let is_whole = self.kind == Kind::FullSet && self.part.0 == self.part.1;
        let held = !is_whole || receipt.held <= self.flagged;
        if told > self.flagged.into() || receipt.renewed > self.flagged || !withdrawn || !held {
            return unexpected("it counts other flags than the message has");
        }
        Ok(())
    }

    fn refuse_unfit_rejection(&self, rejection: &Rejection) -> Result<(), PartnerError> {
        if !rejection.code.rejects(self.kind) {
            return unexpected("no message of that kind is rejected with such a code");
        }
        let (number, sequence) = (rejection.number, self.sequence);
        let is_right = match rejection.code {
            // What was accepted was numbered before this message.
            Code::Gap => number < sequence,
            // The number was used, or is too far above the lowest that is free.
            Code::Stale => number > sequence || sequence - number >= LONGEST_LEAP,
            _ => true,
        };
        if is_right { Ok(()) } else { unexpected("the number that it names cannot be right for that message") }
    }
}

fn unexpected(finding: &'static str) -> Result<(), PartnerError> {
    Err(PartnerError::UnexpectedReply { finding })
}

encode_fields! {
    MessageHead {
        digest, kind, epoch, key_id, sequence, previous, release, part, flagged, withdrawn, count, sweep, journal,
        first_line, restored, accepted, time
    }
}

encode_fields! { SignedMessage { head, settles, put_off, bytes } }

encode_fields! { PastMessage { head, end } }

encode_variants! { End { 1 => Read, 2 => Implied, 3 => Dropped }, else "why a message is past is unknown" }

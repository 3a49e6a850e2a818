//! The partner's own lines in the broker's audit log: what each must say, and which are not proven to be in it yet.
//! spec/audit-log.md, section 3.

use super::sent::MessageHead;
use crate::audit::{Checkpoint, Event, Line, Outcome, Subject, verify_inclusion};
use crate::codec::encode_fields;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{Header, Kind, LineProof, MAX_PROVEN_LINES, Reply};

/// The most lines that wait for a proof. The journal has all; of more than these the oldest are no longer asked for.
const MAX_UNPROVEN: usize = 100_000;

/// The lines on the partner's messages, as the broker's replies named them.
#[derive(Default)]
pub(super) struct OwnLines {
    /// The origin of the log; empty before the first line.
    pub(super) origin: String,
    /// When the broker's store was last put back from a copy; 0 for never.
    pub(super) restored: Timestamp,
    /// The lowest number that the line of a new message can have.
    pub(super) next: u64,
    /// Those that no checkpoint was shown to have yet, ascending by number.
    pub(super) unproven: Vec<OwnLine>,
}

/// A line that a signed reply named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnLine {
    pub(super) index: u64,
    pub(super) leaf: Digest,
    /// The journal's record that has the reply.
    pub(super) record: u64,
    /// The day on which the message was made that it is on.
    pub(super) day: Day,
    /// The day of the reply, by the broker's clock.
    pub(super) told: Day,
}

/// What does not fit of the log that a reply shows.
pub(super) struct LogConflict {
    pub(super) finding: String,
    /// The line that a reply should have named; empty where it is not about one reply's line.
    pub(super) line: String,
    /// The record of the journal with the other reply that shows it, where there is one.
    pub(super) other: Option<u64>,
}

impl OwnLines {
    /// The lowest number that the line of a new message can have in the log of this origin.
    pub(super) fn next(&self, origin: &str) -> u64 {
        if self.origin == origin { self.next } else { 0 }
    }

    /// The oldest lines of the log of this origin that are to be proven, as many as one request may name.
    pub(super) fn to_prove(&self, origin: &str) -> Vec<u64> {
        let lines = self.unproven.iter().filter(|_| self.origin == origin);
        lines.take(MAX_PROVEN_LINES).map(|line| line.index).collect()
    }

    /// Notes the line that a reply named. Where the log went back behind what was seen, that was complained of, and
    /// what comes is held to the log as it is now.
    pub(super) fn note(&mut self, origin: &str, restored: Timestamp, went_back: bool, line: OwnLine) {
        if restored < self.restored && !went_back {
            // A reply of before the restore, which came late.
            return;
        }
        if self.origin != origin {
            *self = OwnLines { origin: origin.to_owned(), restored, ..OwnLines::default() };
        }
        let next = line.index.saturating_add(1);
        if went_back {
            self.next = next;
            self.unproven.retain(|other| other.index < line.index);
        }
        self.next = self.next.max(next);
        if let Err(at) = self.unproven.binary_search_by_key(&line.index, |other| other.index) {
            self.unproven.insert(at, line);
        }
        let over = self.unproven.len().saturating_sub(MAX_UNPROVEN);
        self.unproven.drain(..over);
    }

    /// No longer asks for these lines.
    pub(super) fn settle(&mut self, lines: &[u64]) {
        self.unproven.retain(|line| lines.binary_search(&line.index).is_err());
    }

    /// What does not fit of the line that a reply to a message names.
    pub(super) fn conflict(
        &self,
        origin: &str,
        message: &MessageHead,
        header: &Header,
        reply: &Reply,
    ) -> Option<LogConflict> {
        let log = reply.log_entry();
        let right = lines(message, header, reply);
        let line = || right.first().map(Line::to_json).unwrap_or_default();
        let conflict = |finding| Some(LogConflict { finding, line: line(), other: None });
        if !log.is_line() {
            let kept_nothing = matches!(reply, Reply::Rejection(rejection) if !rejection.code.is_logged());
            return if kept_nothing { None } else { conflict("the reply names no line of it".into()) };
        }
        let index = log.index;
        if !right.iter().any(|line| line.leaf() == log.leaf) {
            return conflict(format!("line {index}, which the reply names, is not on the message that it replies to"));
        }
        let known = self.unproven.iter().find(|line| line.index == index && self.origin == origin);
        if let Some(known) = known.filter(|known| known.leaf != log.leaf) {
            let finding = format!("another reply named line {index} too, with another hash");
            return Some(LogConflict { finding, line: line(), other: Some(known.record) });
        }
        if log.restored == message.restored && index < message.first_line {
            let before = message.first_line;
            return conflict(format!("it had {before} lines when the message was made, whose line is number {index}"));
        }
        None
    }

    /// What shows that the broker no longer signs its log: a status reply, of the day `told` by its own clock, to a
    /// request of the day `asked`, shows a checkpoint of `size` lines, without one that was told at least two days
    /// before. It signs at each turn of the day. If the clock stands still in status replies, the latest day that any
    /// other reply bears is used, up to the request's.
    pub(super) fn overdue(&self, origin: &str, size: u64, (told, asked): (Day, Day)) -> Option<LogConflict> {
        let lines = || self.unproven.iter().filter(|_| self.origin == origin);
        let before = lines().map(|line| line.told).filter(|day| *day <= asked).max();
        let latest = before.max(Some(told))?;
        let is_overdue = |line: &&OwnLine| line.index >= size && line.told.plus(2) <= latest;
        let OwnLine { index, record, told, .. } = lines().find(is_overdue)?;
        let finding = format!(
            "its latest checkpoint has {size} lines, without line {index}, which a reply of {told} named: it signs one \
             on each day after new lines"
        );
        Some(LogConflict { finding, line: String::new(), other: Some(*record) })
    }

    /// Of the lines that were asked for, those that need not be asked for again: they are proven to be among those of
    /// a checkpoint, or so old that the broker may have pruned them. Or what does not fit.
    pub(super) fn proven(
        &self,
        origin: &str,
        asked: &[u64],
        proofs: &[LineProof],
        checkpoint: &Checkpoint,
        pruned_before: Day,
    ) -> Result<Vec<u64>, LogConflict> {
        let mut proven = Vec::new();
        if self.origin != origin {
            // The lines were of the log before a restore, which the request did not know of yet.
            return Ok(proven);
        }
        for line in self.unproven.iter().filter(|line| asked.binary_search(&line.index).is_ok()) {
            let OwnLine { index, leaf, record, day, .. } = *line;
            if index >= checkpoint.size() {
                continue;
            }
            let proof = proofs.binary_search_by_key(&index, |proof| proof.index).ok().map(|at| &proofs[at].path);
            let is_proven = |path: &Vec<_>| verify_inclusion(leaf, index, checkpoint.size(), checkpoint.root(), path);
            if proof.is_some_and(is_proven) || (proof.is_none() && day < pruned_before) {
                proven.push(index);
                continue;
            }
            let finding = match proof {
                Some(_) => format!("its {} lines have another one as number {index} than was named", checkpoint.size()),
                None => format!("it is not shown that its {} lines have line {index}", checkpoint.size()),
            };
            return Err(LogConflict { finding, line: String::new(), other: Some(record) });
        }
        Ok(proven)
    }
}

/// What the line that a reply names may say. Of a rejected message nothing tells whether its body was looked at.
fn lines(message: &MessageHead, header: &Header, reply: &Reply) -> Vec<Line> {
    let (outcome, renewed) = match reply {
        Reply::Receipt(receipt) => (Outcome::Accepted, receipt.renewed),
        Reply::Rejection(rejection) => (Outcome::Rejected(rejection.code), 0),
        _ => (Outcome::Accepted, 0),
    };
    let subject = |sweep: Option<_>| match (message.kind, sweep) {
        (Kind::Delta, _) => Subject::Delta { renewed },
        (Kind::FullSet, _) => Subject::FullSet { renewed },
        (Kind::Confirm, _) => Subject::Confirm,
        (Kind::Question, Some(reason)) => Subject::Sweep { reason },
        (Kind::Question, None) => Subject::Question,
        (Kind::PutForward, _) => Subject::PutForward,
        (Kind::Exchange, _) => Subject::Exchange,
        (Kind::TotalsRequest, _) => Subject::Totals,
        (Kind::Year, _) => Subject::Year,
        _ => Subject::Status,
    };
    let line = |subject, count| Line {
        salt: reply.log_entry().salt,
        time: header.time,
        policy: header.policy,
        event: Event::Message {
            partner: header.partner,
            epoch: header.epoch,
            subject,
            message: message.digest,
            journal: message.journal,
            count,
            outcome,
        },
    };
    let whole = line(subject(message.sweep.clone()), message.count);
    if outcome == Outcome::Accepted { vec![whole] } else { vec![whole, line(subject(None), 0)] }
}

encode_fields! {
    OwnLines { origin, restored, next, unproven }
    where |lines| lines.unproven.is_sorted_by(|a, b| a.index < b.index),
    else "own lines of the log are not ascending, each once"
}

encode_fields! { OwnLine { index, leaf, record, day, told } }

//! A small broker for tests: it keeps flags in maps, knows nothing of releases and budgets, and remembers every number.

use std::collections::BTreeMap;

use crate::audit::{Checkpoint, Event, Line, Log, LogKey, Outcome, Subject};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{
    self, Answer, Code, Group, Header, Kind, LineProof, LogEntry, Receipt, Rejection, Reply, Request, Role,
    StatusReply, Terms, Unverified,
};
use crate::policy::SignedPolicy;
use crate::policy::sample;
use crate::pseudonym::Pseudonym;
use crate::secret::SigningKey;

pub(super) struct Broker {
    pub(super) key: SigningKey,
    pub(super) policy: SignedPolicy,
    pub(super) release: u64,
    /// The answer for a pseudonym; 0 for all others.
    pub(super) standings: BTreeMap<Pseudonym, u8>,
    /// What it holds in each epoch.
    pub(super) held: BTreeMap<u32, BTreeMap<Pseudonym, Day>>,
    /// Rejects the next message for this.
    pub(super) reject_next: Option<(Code, u64)>,
    pub(super) accepted: u64,
    pub(super) highest: [u64; 3],
    pub(super) last: Option<(Digest, Vec<u8>)>,
    /// The lines of its log.
    pub(super) log: Log,
    /// Whether it shows a checkpoint of it.
    pub(super) signs: bool,
    /// When it was restored; 0 for never.
    pub(super) restored: Timestamp,
    /// The seconds after a message was made at which it replies.
    pub(super) late: u64,
    /// Whether the partner may not know what is held: the broker told its numbers since the last full set, or that one
    /// is stale, or an old copy of the partner's state was put back.
    pub(super) partner_is_unsure: bool,
    staged: Option<(u32, u16, BTreeMap<Pseudonym, Day>)>,
    /// Every number that was ever seen, in each series, with the one message that it may be of.
    numbers: [BTreeMap<u64, Digest>; 4],
}

/// Has a reply name a line.
pub(super) fn set_log(reply: &mut Reply, log: LogEntry) {
    match reply {
        Reply::Receipt(it) => it.log = log,
        Reply::Answer(it) => it.log = log,
        Reply::Status(it) => it.log = log,
        Reply::Rejection(it) => it.log = log,
        Reply::Kept(it) => it.log = log,
        Reply::Post(it) => it.log = log,
        Reply::Totals(it) => it.log = log,
    }
}

impl Broker {
    pub(super) fn new(policy: SignedPolicy) -> Broker {
        Broker {
            key: sample::operator_key(),
            policy,
            release: 0,
            standings: BTreeMap::new(),
            held: BTreeMap::new(),
            reject_next: None,
            accepted: 0,
            highest: [0; 3],
            last: None,
            log: Log::new(),
            signs: false,
            restored: Timestamp(0),
            late: 0,
            partner_is_unsure: false,
            staged: None,
            numbers: Default::default(),
        }
    }

    /// Its reply. Panics where one number comes with two different messages.
    pub(super) fn handle(&mut self, bytes: &[u8], now: Timestamp) -> Vec<u8> {
        let (header, digest, mut reply) = self.decide(bytes, now);
        if header.kind.is_state() && self.last.as_ref().is_some_and(|(last, _)| *last == digest) {
            return self.last.clone().unwrap().1;
        }
        let is_logged = |rejection: &Rejection| rejection.code.is_logged();
        if !matches!(&reply, Reply::Rejection(rejection) if !is_logged(rejection)) {
            let line = self.line(bytes, &header, digest, &reply);
            let index = self.log.append(line.leaf());
            set_log(&mut reply, LogEntry { restored: self.restored, index, leaf: line.leaf(), salt: line.salt });
        }
        let bytes = self.sign(&header, digest, &reply);
        if matches!(reply, Reply::Receipt(_)) {
            self.last = Some((digest, bytes.clone()));
        }
        bytes
    }

    /// A reply to a message of what comes after a hit, which a test made.
    pub(super) fn reply(&mut self, bytes: &[u8], mut reply: Reply) -> Vec<u8> {
        let unverified = Unverified::parse(bytes, Role::Partner).unwrap();
        let key = sample::partner_key(unverified.claimed_partner() as u8).verifying_key();
        let message = unverified.verify(&key).unwrap();
        let time = message.header().time.plus(self.late);
        let (header, digest) = (Header { time, ..message.header().clone() }, message.digest());
        let known = *self.numbers[3].entry(header.sequence).or_insert(digest);
        assert_eq!(known, digest, "one number for two messages");
        if !matches!(&reply, Reply::Rejection(rejection) if !rejection.code.is_logged()) {
            let line = self.line(bytes, &header, digest, &reply);
            let index = self.log.append(line.leaf());
            set_log(&mut reply, LogEntry { restored: self.restored, index, leaf: line.leaf(), salt: line.salt });
        }
        self.sign(&header, digest, &reply)
    }

    pub(super) fn sign(&self, header: &Header, digest: Digest, reply: &Reply) -> Vec<u8> {
        let (kind, policy) = (reply.kind(), self.policy.digest());
        let header = Header { kind, policy, context: digest, ..header.clone() };
        message::sign(&header, &reply.encode().unwrap(), &self.key).unwrap()
    }

    /// The line of the log on a message.
    pub(super) fn line(&self, bytes: &[u8], header: &Header, digest: Digest, reply: &Reply) -> Line {
        let key = sample::partner_key(header.partner as u8).verifying_key();
        let message = Unverified::parse(bytes, Role::Partner).unwrap().verify(&key).unwrap();
        let rows = |groups: &[Group<'_>]| groups.iter().map(|group| group.pseudonyms.len()).sum::<usize>();
        let (subject, count) = match message.request().unwrap() {
            Request::Delta(delta) => (Subject::Delta { renewed: 0 }, rows(&delta.flagged) + delta.withdrawn.len()),
            Request::FullSet(set) => (Subject::FullSet { renewed: 0 }, rows(&set.flagged)),
            Request::Confirm => (Subject::Confirm, 0),
            Request::Question(question) => {
                let subject = question.sweep.map_or(Subject::Question, |reason| Subject::Sweep { reason });
                (subject, question.pseudonyms.len())
            }
            Request::Status(_) => (Subject::Status, 0),
            Request::PutForward(said) => (Subject::PutForward, said.rows().len()),
            Request::Exchange(_) => (Subject::Exchange, 0),
            Request::Totals => (Subject::Totals, 0),
            Request::Year(_) => (Subject::Year, 0),
        };
        let outcome = match reply {
            Reply::Rejection(rejection) => Outcome::Rejected(rejection.code),
            _ => Outcome::Accepted,
        };
        let (partner, epoch, journal, count) = (header.partner, header.epoch, header.context, count as u32);
        let event = Event::Message { partner, epoch, subject, message: digest, journal, count, outcome };
        Line { salt: [self.log.size() as u8; 16], time: header.time, policy: self.policy.digest(), event }
    }

    /// A checkpoint of its log.
    pub(super) fn checkpoint(&self) -> Vec<u8> {
        let key = LogKey::of(self.policy.policy()).after_restore(self.restored);
        Checkpoint::sign(&self.log, &key, &sample::checkpoint_key()).unwrap().as_bytes().to_vec()
    }

    /// Lets a partner that lost its folder begin its numbers anew, which this broker would panic at; it is then told
    /// that they are stale.
    pub(super) fn forget_numbers(&mut self) {
        self.numbers = Default::default();
    }

    fn decide(&mut self, bytes: &[u8], now: Timestamp) -> (Header, Digest, Reply) {
        let unverified = Unverified::parse(bytes, Role::Partner).unwrap();
        let key = sample::partner_key(unverified.claimed_partner() as u8).verifying_key();
        let message = unverified.verify(&key).unwrap();
        let (header, digest) = (message.header().clone(), message.digest());
        assert_eq!(header.key_id, self.policy.policy().epoch(header.epoch).unwrap().key_id);
        assert!(header.time <= now);
        let reject = |code, number| Reply::Rejection(Rejection::new(code, number, "no"));
        let log = LogEntry::NONE;
        let (release, as_of, until) = (self.release, Timestamp(self.release), Timestamp(self.release + 1));
        let series = match header.kind {
            Kind::Status => 2,
            Kind::Question => 1,
            _ => 0,
        };
        let known = *self.numbers[series].entry(header.sequence).or_insert(digest);
        assert_eq!(known, digest, "one number for two messages");
        if header.kind.is_state() && self.last.as_ref().is_some_and(|(last, _)| *last == digest) {
            return (header, digest, reject(Code::Stale, 0));
        }
        if header.sequence <= self.highest[series] {
            let number = self.highest[series] + 1;
            self.partner_is_unsure |= header.kind.is_state();
            return (header, digest, reject(Code::Stale, number));
        }
        if self.reject_next.is_none_or(|(code, _)| code != Code::Unavailable) {
            self.highest[series] = header.sequence;
        }
        if let Some((code, number)) = self.reject_next.take() {
            return (header, digest, reject(code, number));
        }
        if header.kind.is_state() && header.previous != self.accepted {
            let number = self.accepted;
            self.partner_is_unsure = true;
            return (header, digest, reject(Code::Gap, number));
        }
        let day = now.day();
        let held = self.held.get(&header.epoch).map(|held| {
            held.iter().filter(|(_, last_day)| **last_day >= day).map(|(row, last_day)| (*row, *last_day)).collect()
        });
        let before: Option<BTreeMap<Pseudonym, Day>> = held;
        let mut after = before.clone().unwrap_or_default();
        let mut part = (0, 0);
        let request = message.request().unwrap();
        let retention = &self.policy.policy().retention;
        let too_long = day.plus(retention.max_days);
        let refused = |terms: &Terms| match retention.renewals(terms.first_day, terms.last_day) {
            _ if terms.last_day > too_long => Some(Code::NotPermitted),
            needed if needed > retention.max_renewals.into() => Some(Code::TooManyRenewals),
            needed if needed > 0 && terms.renewal.is_none() => Some(Code::RenewalNotDeclared),
            _ => None,
        };
        match request {
            Request::PutForward(_) | Request::Exchange(_) | Request::Totals | Request::Year(_) => {
                panic!("a test replies to what comes after a hit itself")
            }
            Request::Question(question) => {
                let standing = |row: &Pseudonym| self.standings.get(row).copied().unwrap_or(0);
                let standings = question.pseudonyms.iter().map(standing).collect();
                let answer = Answer { log, release, as_of, until, organisations: 4, fresh: 3, standings };
                return (header, digest, Reply::Answer(answer));
            }
            Request::Status(asked) => {
                self.partner_is_unsure = true;
                let (mut checkpoint, mut consistency, mut lines) = (Vec::new(), Vec::new(), Vec::new());
                if self.signs {
                    let size = self.log.size();
                    checkpoint = self.checkpoint();
                    if asked.tree_size > 0 {
                        consistency = self.log.prove_consistency(asked.tree_size, size).unwrap_or_default();
                    }
                    let path = |index: &u64| self.log.prove_inclusion(*index, size);
                    let proof = |index: &u64| Some(LineProof { index: *index, path: path(index)? });
                    lines = asked.lines.iter().filter_map(proof).collect();
                }
                let status = StatusReply {
                    log,
                    release,
                    as_of,
                    until,
                    accepted_state: self.accepted,
                    highest_state: self.highest[0],
                    highest_question: self.highest[1],
                    held: after.len() as u32,
                    full_set_required: before.is_none(),
                    new_flags_left: 1_000,
                    first_sets_left: 100_000,
                    held_left: 100_000,
                    asked_left_today: 1,
                    asked_left_epoch: 1,
                    swept_left_today: 1,
                    status_left_today: 1,
                    checkpoint,
                    consistency,
                    lines,
                };
                return (header, digest, Reply::Status(status));
            }
            Request::FullSet(set) => {
                let (_, parts, mut rows) =
                    self.staged.take().filter(|_| set.part.number > 1).unwrap_or((header.epoch, 0, BTreeMap::new()));
                assert_eq!(parts + 1, set.part.number);
                part = if set.part.of > 1 { (set.part.number, set.part.of) } else { (0, 0) };
                for Group { terms, pseudonyms } in &set.flagged {
                    if let Some(code) = refused(terms) {
                        return (header, digest, reject(code, 0));
                    }
                    for row in *pseudonyms {
                        assert!(rows.insert(*row, terms.last_day).is_none());
                    }
                }
                if set.part.number == set.part.of {
                    let gone = before.iter().flatten().filter(|(row, _)| !rows.contains_key(*row)).count();
                    let shrinks = gone * 100 > after.len() * usize::from(self.policy.policy().max_shrink_percent);
                    if shrinks && !set.shrink {
                        return (header, digest, reject(Code::Shrink, gone as u64));
                    }
                    after = rows;
                    self.partner_is_unsure = false;
                    self.held.insert(header.epoch, after.clone());
                } else {
                    self.staged = Some((header.epoch, set.part.number, rows));
                }
            }
            _ if before.is_none() => return (header, digest, reject(Code::FullSetRequired, 0)),
            Request::Delta(delta) => {
                for Group { terms, pseudonyms } in &delta.flagged {
                    if let Some(code) = refused(terms) {
                        return (header, digest, reject(code, 0));
                    }
                    for row in *pseudonyms {
                        let was = after.insert(*row, terms.last_day);
                        assert_ne!(was, Some(terms.last_day), "a delta says only what is new");
                    }
                }
                for row in delta.withdrawn {
                    let was_held = after.remove(row).is_some();
                    assert!(was_held || self.partner_is_unsure, "a delta withdraws only what is held");
                }
                self.held.insert(header.epoch, after.clone());
            }
            Request::Confirm => {}
        }
        self.accepted = header.sequence;
        let held = after.len() as u32;
        (
            header,
            digest,
            Reply::Receipt(Receipt { log, release, part, added: 0, changed: 0, withdrawn: 0, held, renewed: 0 }),
        )
    }
}

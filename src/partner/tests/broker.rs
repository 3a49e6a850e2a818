//! A small broker for tests: it keeps flags in maps, knows nothing of releases and budgets, and remembers every number.

use std::collections::BTreeMap;

use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{
    self, Answer, Code, Header, Kind, LogEntry, Receipt, Rejection, Reply, Request, Role, StatusReply, Unverified,
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
    pub(super) highest: [u64; 2],
    pub(super) last: Option<(Digest, Vec<u8>)>,
    staged: Option<(u32, u16, BTreeMap<Pseudonym, Day>)>,
    /// Every number that was ever seen, in each series, with the one message that it may be of.
    numbers: [BTreeMap<u64, Digest>; 2],
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
            highest: [0; 2],
            last: None,
            staged: None,
            numbers: Default::default(),
        }
    }

    /// Its reply. Panics where one number comes with two different messages.
    pub(super) fn handle(&mut self, bytes: &[u8], now: Timestamp) -> Vec<u8> {
        let (header, digest, reply) = self.decide(bytes, now);
        if header.kind.is_state() && self.last.as_ref().is_some_and(|(last, _)| *last == digest) {
            return self.last.clone().unwrap().1;
        }
        let bytes = self.sign(&header, digest, &reply);
        if matches!(reply, Reply::Receipt(_)) {
            self.last = Some((digest, bytes.clone()));
        }
        bytes
    }

    pub(super) fn sign(&self, header: &Header, digest: Digest, reply: &Reply) -> Vec<u8> {
        let (kind, policy) = (reply.kind(), self.policy.digest());
        let header = Header { kind, policy, context: digest, ..header.clone() };
        message::sign(&header, &reply.encode().unwrap(), &self.key).unwrap()
    }

    /// Lets a partner that lost its folder begin its numbers anew, which this broker would panic at; it is then told
    /// that they are stale.
    pub(super) fn forget_numbers(&mut self) {
        self.numbers = Default::default();
    }

    fn decide(&mut self, bytes: &[u8], now: Timestamp) -> (Header, Digest, Reply) {
        let unverified = Unverified::parse(bytes, Role::Partner).unwrap();
        let partner = self.policy.policy().partner(unverified.claimed_partner()).unwrap();
        let message = unverified.verify(&partner.verifying_key).unwrap();
        let (header, digest) = (message.header().clone(), message.digest());
        assert_eq!(header.key_id, self.policy.policy().epoch(header.epoch).unwrap().key_id);
        assert!(header.time <= now);
        let reject = |code, number| Reply::Rejection(Rejection::new(code, number, "no"));
        let log = LogEntry { index: 7, leaf: Digest([9; 32]) };
        let (release, as_of, until) = (self.release, Timestamp(self.release), Timestamp(self.release + 1));
        if header.kind != Kind::Status {
            let series = usize::from(header.kind == Kind::Question);
            let known = *self.numbers[series].entry(header.sequence).or_insert(digest);
            assert_eq!(known, digest, "one number for two messages");
            if header.kind.is_state() && self.last.as_ref().is_some_and(|(last, _)| *last == digest) {
                return (header, digest, reject(Code::Stale, 0));
            }
            if header.sequence <= self.highest[series] {
                let number = self.highest[series] + 1;
                return (header, digest, reject(Code::Stale, number));
            }
            if self.reject_next.is_none_or(|(code, _)| code != Code::Unavailable) {
                self.highest[series] = header.sequence;
            }
        }
        if let Some((code, number)) = self.reject_next.take() {
            return (header, digest, reject(code, number));
        }
        if header.kind.is_state() && header.previous != self.accepted {
            let number = self.accepted;
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
        let extends =
            |row: &Pseudonym, day: &Day| before.as_ref().and_then(|b| b.get(row)).is_some_and(|was| was < day);
        match request {
            Request::Question(question) => {
                let standing = |row: &Pseudonym| self.standings.get(row).copied().unwrap_or(0);
                let standings = question.pseudonyms.iter().map(standing).collect();
                let answer = Answer { log, release, as_of, until, organisations: 4, fresh: 3, standings };
                return (header, digest, Reply::Answer(answer));
            }
            Request::Status(_) => {
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
                    asked_left_today: 1,
                    asked_left_epoch: 1,
                    swept_left_today: 1,
                    checkpoint: Vec::new(),
                    consistency: Vec::new(),
                };
                return (header, digest, Reply::Status(status));
            }
            Request::FullSet(set) => {
                let (_, parts, mut rows) =
                    self.staged.take().filter(|_| set.part.number > 1).unwrap_or((header.epoch, 0, BTreeMap::new()));
                assert_eq!(parts + 1, set.part.number);
                part = if set.part.of > 1 { (set.part.number, set.part.of) } else { (0, 0) };
                for group in &set.flagged {
                    for row in group.pseudonyms {
                        if extends(row, &group.last_day) && !set.renewal {
                            return (header, digest, reject(Code::RenewalNotDeclared, 0));
                        }
                        assert!(rows.insert(*row, group.last_day).is_none());
                    }
                }
                if set.part.number == set.part.of {
                    let gone = before.iter().flatten().filter(|(row, _)| !rows.contains_key(*row)).count();
                    let shrinks = gone * 100 > after.len() * usize::from(self.policy.policy().max_shrink_percent);
                    if shrinks && !set.shrink {
                        return (header, digest, reject(Code::Shrink, gone as u64));
                    }
                    after = rows;
                    self.held.insert(header.epoch, after.clone());
                } else {
                    self.staged = Some((header.epoch, set.part.number, rows));
                }
            }
            _ if before.is_none() => return (header, digest, reject(Code::FullSetRequired, 0)),
            Request::Delta(delta) => {
                for group in &delta.flagged {
                    for row in group.pseudonyms {
                        if extends(row, &group.last_day) && !delta.renewal {
                            return (header, digest, reject(Code::RenewalNotDeclared, 0));
                        }
                        let was = after.insert(*row, group.last_day);
                        assert_ne!(was, Some(group.last_day), "a delta says only what is new");
                    }
                }
                for row in delta.withdrawn {
                    assert!(after.remove(row).is_some(), "a delta withdraws only what is held");
                }
                self.held.insert(header.epoch, after.clone());
            }
            Request::Confirm => {}
        }
        self.accepted = header.sequence;
        let held = after.len() as u32;
        (header, digest, Reply::Receipt(Receipt { log, release, part, added: 0, changed: 0, withdrawn: 0, held }))
    }
}

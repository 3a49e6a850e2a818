//! A partner that is nothing but its numbers and its key, so that it can say what the library's own partner never
//! would.

use std::collections::BTreeMap;

#[cfg(feature = "broker")]
use stapel::Broker;
use stapel::message::{
    self, Delta, FullSet, Group, Header, Kind, Part, Question, Reply, Request, Role, Terms, Unverified,
};
use stapel::policy::{Policy, SignedPolicy};
use stapel::secret::KeyId;
use stapel::{Day, Digest, Pseudonym, Slug, Timestamp};

use crate::consortium::{key, operator_key};

/// A flag: a pseudonym, and its last valid day.
pub type Flag = (Pseudonym, Day);

/// A partner of a test, which makes messages and reads replies. A test may set its fields to say something wrong.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its number in the roster, from which its key follows.
    pub number: u16,
    /// What its headers say of the consortium.
    pub consortium: Slug,
    /// What its headers say of the purpose.
    pub purpose: Slug,
    /// The policy that its headers name.
    pub policy: Digest,
    /// The epoch that its headers name.
    pub epoch: u32,
    /// The key id that its headers name.
    pub key_id: KeyId,
    /// The number of its last state message that was accepted.
    pub accepted: u64,
    /// The number of the last state message that it made.
    pub highest_state: u64,
    /// The number of the last question that it made.
    pub highest_question: u64,
    /// The number of the last status request that it made.
    pub highest_status: u64,
    /// The number of the last message that it made of what comes after a hit.
    pub highest_talk: u64,
}

impl Client {
    /// A client that has said nothing yet, in the policy's first epoch.
    ///
    /// # Panics
    ///
    /// If the policy has no epoch.
    pub fn new(number: u16, policy: &SignedPolicy) -> Client {
        Client::of(number, policy.policy())
    }

    /// The same, under a policy that need not be signed.
    ///
    /// # Panics
    ///
    /// If the policy has no epoch.
    pub fn of(number: u16, policy: &Policy) -> Client {
        let epoch = policy.epochs.first().expect("a policy has an epoch");
        Client {
            number,
            consortium: policy.consortium.clone(),
            purpose: policy.purpose.clone(),
            policy: policy.digest(),
            epoch: epoch.number,
            key_id: epoch.key_id,
            accepted: 0,
            highest_state: 0,
            highest_question: 0,
            highest_status: 0,
            highest_talk: 0,
        }
    }

    /// The header of its next message of a kind.
    pub fn header(&mut self, kind: Kind, now: Timestamp) -> Header {
        let (sequence, previous) = match kind {
            Kind::Status | Kind::StatusReply => {
                self.highest_status += 1;
                (self.highest_status, 0)
            }
            Kind::Question | Kind::Answer => {
                self.highest_question += 1;
                (self.highest_question, 0)
            }
            Kind::PutForward | Kind::Exchange | Kind::TotalsRequest | Kind::Year => {
                self.highest_talk += 1;
                (self.highest_talk, 0)
            }
            _ => {
                self.highest_state += 1;
                (self.highest_state, self.accepted)
            }
        };
        Header {
            version: message::VERSION,
            kind,
            consortium: self.consortium.clone(),
            purpose: self.purpose.clone(),
            epoch: self.epoch,
            key_id: self.key_id,
            partner: self.number,
            sequence,
            previous,
            time: now,
            policy: self.policy,
            context: Digest::NONE,
            body_length: 0,
        }
    }

    /// Its next message, signed.
    ///
    /// # Panics
    ///
    /// If the request is too large for a message.
    pub fn message(&mut self, request: &Request<'_>, now: Timestamp) -> Vec<u8> {
        let header = self.header(request.kind(), now);
        let body = request.encode().expect("a body that fits");
        message::sign(&header, &body, &key(self.number)).expect("a body that fits")
    }

    /// A part of its full set, which may be smaller than the one before it. It is counted as accepted at once, so that
    /// many messages can be made before the first is sent.
    pub fn full_set(&mut self, flags: &[Flag], part: Part, now: Timestamp) -> Vec<u8> {
        let columns = by_last_day(flags);
        let flagged = groups(&columns);
        let message = self.message(&Request::FullSet(FullSet { shrink: true, part, flagged }), now);
        self.accepted = self.highest_state;
        message
    }

    /// What it flags and withdraws besides; it, too, is counted as accepted at once.
    pub fn delta(&mut self, flags: &[Flag], withdrawn: &[Pseudonym], now: Timestamp) -> Vec<u8> {
        let columns = by_last_day(flags);
        let mut withdrawn = withdrawn.to_vec();
        withdrawn.sort_unstable();
        let delta = Delta { flagged: groups(&columns), withdrawn: &withdrawn };
        let message = self.message(&Request::Delta(delta), now);
        self.accepted = self.highest_state;
        message
    }

    /// A question about pseudonyms, each once.
    pub fn question(&mut self, pseudonyms: &[Pseudonym], now: Timestamp) -> Vec<u8> {
        let mut pseudonyms = pseudonyms.to_vec();
        pseudonyms.sort_unstable();
        pseudonyms.dedup();
        self.message(&Request::Question(Question { sweep: None, pseudonyms: &pseudonyms }), now)
    }

    /// Sends a message that it made, checks that the reply is signed and is for this message, and reads it.
    ///
    /// # Panics
    ///
    /// If the reply is not signed by the operator, or is for another message or partner.
    #[cfg(feature = "broker")]
    pub fn send(&mut self, broker: &Broker, message: &[u8], now: Timestamp) -> Reply {
        let bytes = broker.handle(message, now);
        let unverified = Unverified::parse(&bytes, Role::Broker).expect("every reply is a message");
        let verified = unverified.verify(&operator_key().verifying_key()).expect("the operator signed it");
        assert_eq!(verified.header().context, Digest::of(&[message]), "the reply is for another message");
        assert_eq!(verified.header().partner, self.number, "the reply is for another partner");
        let reply = verified.reply().expect("a reply that can be read");
        if matches!(reply, Reply::Receipt(_)) {
            self.accepted = self.highest_state;
        }
        reply
    }

    /// Makes its next message, sends it and reads the reply.
    #[cfg(feature = "broker")]
    pub fn say(&mut self, broker: &Broker, request: &Request<'_>, now: Timestamp) -> Reply {
        let message = self.message(request, now);
        self.send(broker, &message, now)
    }
}

/// What a signed reply says; for an unsigned one, its rejection.
///
/// # Panics
///
/// If it is no reply, or is signed by somebody else.
pub fn read(bytes: &[u8]) -> Reply {
    let unverified = Unverified::parse(bytes, Role::Broker).expect("every reply is a message");
    match unverified.danger_unsigned_rejection() {
        Some(rejection) => Reply::Rejection(rejection),
        None => {
            let verified = unverified.verify(&operator_key().verifying_key()).expect("the operator signed it");
            verified.reply().expect("a reply that can be read")
        }
    }
}

/// The code of a rejection, in `snake_case`; "ok" for any other reply.
pub fn code(reply: &Reply) -> &'static str {
    match reply {
        Reply::Rejection(rejection) => rejection.code.as_str(),
        _ => "ok",
    }
}

/// The pseudonyms of flags by last day, each day's in order.
fn by_last_day(flags: &[Flag]) -> BTreeMap<Day, Vec<Pseudonym>> {
    let mut columns = BTreeMap::<Day, Vec<Pseudonym>>::new();
    for (pseudonym, last_day) in flags {
        columns.entry(*last_day).or_default().push(*pseudonym);
    }
    columns.values_mut().for_each(|column| column.sort_unstable());
    columns
}

fn groups(columns: &BTreeMap<Day, Vec<Pseudonym>>) -> Vec<Group<'_>> {
    columns.iter().map(|(last_day, pseudonyms)| Group { terms: until(*last_day), pseudonyms }).collect()
}

/// The terms of flags through `last_day` that were never renewed, and are flagged first on the day on which the broker
/// gets them: no later day is one that they were flagged on.
pub fn until(last_day: Day) -> Terms {
    Terms { last_day, first_day: last_day, renewal: None, house_number: false }
}

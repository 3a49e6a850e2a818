//! A small consortium for the protocol tests, spoken to through messages alone.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses its own part of this")]

use std::path::Path;

use stapel::message::{self, Header, Kind, Reply, Request, Role, Unverified};
use stapel::policy::{Policy, PolicySignature, SignedPolicy};
use stapel::secret::{KeyId, SigningKey};
use stapel::{Broker, BrokerKeys, Day, Digest, Timestamp};

/// 2026-12-01T12:00:00Z, half a day into the sample policy.
pub const START: Timestamp = Timestamp(1_796_126_400);

pub const KEY_ID: KeyId = KeyId([0x11; 8]);

/// A partner of the test roster.
#[derive(Clone, Copy)]
pub struct Entry {
    pub number: u16,
    pub organisation: &'static str,
    pub may: &'static str,
    pub sees: &'static str,
}

/// Five systems of four organisations.
pub const ROSTER: [Entry; 5] = [
    Entry { number: 1, organisation: "politie", may: r#""flag", "ask""#, sees: "count" },
    Entry { number: 2, organisation: "belastingdienst", may: r#""flag", "ask""#, sees: "band" },
    Entry { number: 3, organisation: "zaanwonen", may: r#""flag", "ask""#, sees: "presence" },
    Entry { number: 4, organisation: "gemeente", may: r#""flag", "ask", "sweep""#, sees: "presence" },
    Entry { number: 5, organisation: "gemeente", may: r#""flag", "ask""#, sees: "count" },
];

/// The text of a policy for `roster`, with `rules` put in as they stand.
pub fn policy_text(roster: &[Entry], rules: &str) -> String {
    let public = |seed: u8| SigningKey::from_seed(&[seed; 32]).unwrap().verifying_key();
    let (verifying_key, checkpoint_key) = (public(0xb0), public(0xc0));
    let mut text = format!(
        r#"format = 1
consortium = "zaanstad"
purpose = "ondermijning-zaanstad"
legal_basis = "basis"
flag_criterion = "own observation"
after_hit = "call"
coordinator = "coordinator@example.nl"
{rules}
[operator]
name = "Operator"
oin = "00000009000000000000"
verifying_key = "{verifying_key}"
checkpoint_key = "{checkpoint_key}"
log_origin = "example.nl/zaanstad"
"#
    );
    for Entry { number, organisation, may, sees } in roster {
        let key = public(*number as u8);
        let oin = organisation.bytes().fold(0u64, |sum, b| sum * 31 % 1_000_000_007 + u64::from(b));
        let ask = if may.contains("ask") { "legal_basis_ask = \"basis\"\n" } else { "" };
        let flag = if may.contains("flag") { "legal_basis_flag = \"basis\"\n" } else { "" };
        text += &format!(
            "[[partner]]\nnumber = {number}\nname = \"System {number}\"\noin = \"0000000{:013}\"\norganisation = \"{organisation}\"\n\
             verifying_key = \"{key}\"\nmay = [{may}]\nsees = \"{sees}\"\n{flag}{ask}",
            oin
        );
    }
    text
}

/// Rules that the tests begin from: version 1, and one epoch of a year.
pub const RULES: &str = r#"version = 1
valid_from = 2026-12-01
[budgets]
swept_a_day = 100
sweep_reasons = ["brand"]
[[epoch]]
number = 1
key_id = "1111111111111111"
opens = 2026-12-01
closes = 2027-11-30
"#;

/// Signs a policy with the first system of every organisation.
pub fn signatures(policy: &Policy) -> Vec<PolicySignature> {
    policy.partners.iter().map(|partner| PolicySignature::sign(policy, &key(partner.number)).unwrap()).collect()
}

pub fn signed(text: &str) -> SignedPolicy {
    let policy = Policy::parse(text).unwrap();
    let signatures = signatures(&policy);
    SignedPolicy::verify(policy, &signatures).unwrap()
}

/// Writes a policy and its signatures as files.
pub fn write_policy(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    for signature in signatures(&Policy::parse(text).unwrap()) {
        std::fs::write(signature.path_beside(path), signature.to_text()).unwrap();
    }
}

pub fn key(number: u16) -> SigningKey {
    SigningKey::from_seed(&[number as u8; 32]).unwrap()
}

pub fn broker_keys() -> BrokerKeys {
    let key = |seed| SigningKey::from_seed(&[seed; 32]).unwrap();
    BrokerKeys::in_memory(key(0xb0), key(0xc0))
}

/// The same keys in files in `folder`, so that what an epoch's keys are stays from one opening to the next.
pub fn stored_keys(folder: &Path) -> BrokerKeys {
    if !folder.exists() {
        std::fs::create_dir(folder).unwrap();
        for (name, seed) in [("signing.key", 0xb0), ("checkpoint.key", 0xc0)] {
            std::fs::write(folder.join(name), [seed; 32]).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(folder.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
    BrokerKeys::open(folder).unwrap()
}

pub fn broker(policy: &SignedPolicy) -> Broker {
    Broker::in_memory(broker_keys(), policy.clone(), START).unwrap()
}

/// A partner that is nothing but its numbers, so that it can say what no library would let it say.
#[derive(Clone)]
pub struct Client {
    pub number: u16,
    pub policy: Digest,
    pub epoch: u32,
    pub key_id: KeyId,
    pub accepted: u64,
    pub highest_state: u64,
    pub highest_question: u64,
}

impl Client {
    pub fn new(number: u16, policy: &SignedPolicy) -> Client {
        Client {
            number,
            policy: policy.digest(),
            epoch: 1,
            key_id: KEY_ID,
            accepted: 0,
            highest_state: 0,
            highest_question: 0,
        }
    }

    /// The header of its next message of a kind.
    pub fn header(&mut self, kind: Kind, now: Timestamp) -> Header {
        let (sequence, previous) = match kind {
            Kind::Status => (0, 0),
            Kind::Question => {
                self.highest_question += 1;
                (self.highest_question, 0)
            }
            _ => {
                self.highest_state += 1;
                (self.highest_state, self.accepted)
            }
        };
        Header {
            version: message::VERSION,
            kind,
            consortium: "zaanstad".parse().unwrap(),
            purpose: "ondermijning-zaanstad".parse().unwrap(),
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
    pub fn message(&mut self, request: &Request<'_>, now: Timestamp) -> Vec<u8> {
        let header = self.header(request.kind(), now);
        message::sign(&header, &request.encode(), &key(self.number)).unwrap()
    }

    /// Sends a message that it made, checks the signature of the reply and that it is for this message, and reads it.
    pub fn send(&mut self, broker: &Broker, message: &[u8], now: Timestamp) -> Reply {
        let bytes = broker.handle(message, now);
        let reply = read(&bytes);
        if matches!(reply, Reply::Receipt(_)) {
            self.accepted = self.highest_state;
        }
        let verified = Unverified::parse(&bytes, Role::Broker).unwrap().verify(&key(0xb0).verifying_key()).unwrap();
        assert_eq!(verified.header().context, Digest::of(&[message]));
        assert_eq!(verified.header().partner, self.number);
        reply
    }

    pub fn say(&mut self, broker: &Broker, request: &Request<'_>, now: Timestamp) -> Reply {
        let message = self.message(request, now);
        self.send(broker, &message, now)
    }
}

/// What a signed reply says; for an unsigned one, its rejection.
pub fn read(bytes: &[u8]) -> Reply {
    let unverified = Unverified::parse(bytes, Role::Broker).unwrap();
    match unverified.danger_unsigned_rejection() {
        Some(rejection) => Reply::Rejection(rejection),
        None => unverified.verify(&key(0xb0).verifying_key()).unwrap().reply().unwrap(),
    }
}

/// The code of a rejection, in `snake_case`; "ok" for any other reply.
pub fn code(reply: &Reply) -> &'static str {
    match reply {
        Reply::Rejection(rejection) => rejection.code.as_str(),
        _ => "ok",
    }
}

pub fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// A pseudonym that tests tell apart by a number.
pub fn pseudonym(number: u8) -> [u8; 16] {
    [number; 16]
}

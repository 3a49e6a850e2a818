//! A line of the log: what happened, when and under which policy, and its one form as canonical JSON.

use data_encoding::HEXLOWER;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::error::AuditError;
use super::event::Event;
use super::tree::leaf_hash;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::hex::from_hex;
use crate::json::canonical;
use crate::secret::random;
use crate::system::SystemError;

/// The most bytes of a line.
pub const MAX_LINE: usize = 1_024;

/// A line of the log. Its only form is canonical JSON, of which the leaf hash is taken.
///
/// It holds no pseudonym, tag or address, and does not say how many standings of a single question were stacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// 16 random bytes. Without them, whoever holds only a pruned line's hash could find its text by trying all texts.
    #[serde(with = "hex")]
    pub salt: [u8; 16],
    /// When it happened, by the broker's clock.
    pub time: Timestamp,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Line {
    /// A line with a fresh salt.
    ///
    /// # Errors
    ///
    /// [`SystemError::Random`] where the operating system gives no randomness.
    pub fn new(time: Timestamp, policy: Digest, event: Event) -> Result<Line, SystemError> {
        Ok(Line { salt: random()?, time, policy, event })
    }

    /// The line's one form: canonical JSON (RFC 8785), without a line break.
    pub fn to_json(&self) -> String {
        canonical(self)
    }

    /// Reads a line, in its one form only.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogLine`].
    pub fn parse(bytes: &[u8]) -> Result<Line, AuditError> {
        let wrong = |finding| AuditError::LogLine { finding };
        if bytes.len() > MAX_LINE {
            return Err(wrong("it is longer than any line is"));
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
            return Err(wrong("it is not a JSON object"));
        };
        let line = serde_json::from_value::<Line>(Value::Object(fields));
        let line = line.map_err(|_| wrong("a field is missing, or not of its form"))?;
        // This one comparison refuses white space, another order, a field that is there twice and a field that no line
        // of this kind has.
        if line.to_json().as_bytes() == bytes { Ok(line) } else { Err(wrong("it is not in canonical form")) }
    }

    /// The leaf hash.
    pub fn leaf(&self) -> Digest {
        leaf_hash(self.to_json().as_bytes())
    }
}

/// Bytes in lower-case hexadecimal.
mod hex {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        from_hex(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("not in hexadecimal"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;
    use serde_json::Map;

    use super::super::event::bounded::MAX_NUMBER;
    use super::super::event::{Outcome, SignedTree, Subject};
    use super::*;
    use crate::message::Code;
    use crate::slug::Slug;

    /// One line of every kind, and of every form that a kind has.
    pub(crate) fn examples() -> Vec<Line> {
        let message = |subject, outcome| Event::Message {
            partner: 7,
            epoch: 1,
            subject,
            message: Digest([0xab; 32]),
            journal: Digest([0xcd; 32]),
            count: 3,
            outcome,
        };
        let reason: Slug = "wijkactie".parse().unwrap();
        let as_of = Timestamp(1_795_910_400);
        let events = vec![
            Event::PolicyAdopted { version: 1, previous: None },
            Event::EpochOpened { epoch: 1 },
            message(Subject::FullSet { renewed: 0 }, Outcome::Accepted),
            message(Subject::Delta { renewed: 2 }, Outcome::Accepted),
            message(Subject::Confirm, Outcome::Rejected(Code::FullSetRequired)),
            Event::Release { epoch: 1, release: 1, as_of, full: true },
            message(Subject::Question, Outcome::Accepted),
            message(Subject::Sweep { reason }, Outcome::Rejected(Code::OverBudget)),
            Event::Message {
                partner: u16::MAX,
                epoch: u32::MAX,
                subject: Subject::Status,
                message: Digest([0; 32]),
                journal: Digest::NONE,
                count: 0,
                outcome: Outcome::Accepted,
            },
            Event::Unauthenticated {
                minute: Timestamp(1_795_910_400),
                rejected: [(Code::BadSignature, 3), (Code::Malformed, 1), (Code::TooLarge, u32::MAX)].into(),
            },
            Event::Release { epoch: 1, release: 2, as_of, full: false },
            Event::Told { day: as_of.day(), epoch: 1, stacked: 1, not_stacked: 2 },
            Event::PolicyAdopted { version: 2, previous: Some(Digest([3; 32])) },
            Event::ClockAccepted { last: as_of },
            Event::Purge { flags: 12, bytes: 345_678 },
            Event::Backup,
            Event::Restore {
                last: Some(SignedTree { origin: "a.example/b/1".into(), size: MAX_NUMBER, root: Digest([4; 32]) }),
            },
            Event::EpochClosed { epoch: 1 },
            Event::Prune { before: as_of.day(), lines: 4, total: MAX_NUMBER },
            Event::Replayed { hour: as_of, count: NonZeroU32::MAX },
        ];
        events.into_iter().enumerate().map(example).collect()
    }

    /// Those that no log of one broker has beside the others.
    fn more_examples() -> Vec<Line> {
        let forgotten = Event::Forgotten { partner: 7, receipt: Digest([5; 32]), announced: true };
        let certificate = Digest([6; 32]);
        let suspended = Event::Certificate { partner: 7, epoch: 1, serial: 2, certificate, suspends: true };
        let organisation = "politie".parse().unwrap();
        let announced = Event::PolicyAnnounced { version: 2, announced: Digest([7; 32]), organisation };
        [Event::Restore { last: None }, forgotten, suspended, announced].into_iter().enumerate().map(example).collect()
    }

    fn example((at, event): (usize, Event)) -> Line {
        Line { salt: [at as u8; 16], time: Timestamp(1_795_996_799 + at as u64), policy: Digest([0xee; 32]), event }
    }

    #[test]
    fn every_line_comes_back_and_stays_within_bounds() {
        for line in examples().into_iter().chain(more_examples()) {
            let json = line.to_json();
            assert_eq!(Line::parse(json.as_bytes()).unwrap(), line, "{json}");
            assert!(json.contains(&format!("\"kind\":\"{}\"", line.event.kind())), "{json}");
            assert!(json.len() < MAX_LINE && json.is_ascii() && !json.contains(['\n', ' ']), "{json}");
            assert_eq!(line.leaf(), leaf_hash(json.as_bytes()));
        }
        let all = Code::ALL.into_iter().map(|code| (code, u32::MAX)).collect();
        let event = Event::Unauthenticated { minute: Timestamp(0), rejected: all };
        let longest = Line { event, ..examples().remove(0) };
        assert!(longest.to_json().len() <= MAX_LINE);
        let event = Event::Message {
            partner: u16::MAX,
            epoch: u32::MAX,
            subject: Subject::Sweep { reason: "a".repeat(64).parse().unwrap() },
            message: Digest([1; 32]),
            journal: Digest([1; 32]),
            count: u32::MAX,
            outcome: Outcome::Rejected(Code::RenewalNotDeclared),
        };
        assert!(Line { event, ..longest }.to_json().len() <= MAX_LINE);
    }

    #[test]
    fn the_form_is_the_one_specified() {
        let delta = &examples()[3];
        let expected = concat!(
            r#"{"count":3,"epoch":1,"journal":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","#,
            r#""kind":"delta","message":"abababababababababababababababababababababababababababababababab","#,
            r#""outcome":"ok","#,
            r#""partner":7,"policy":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","renewed":2,"#,
            r#""salt":"03030303030303030303030303030303","time":"2026-11-30T00:00:02Z"}"#,
        );
        assert_eq!(delta.to_json(), expected);
    }

    #[test]
    fn other_forms_are_refused() {
        for line in examples().into_iter().chain(more_examples()) {
            let json = line.to_json();
            let refused = |text: &str| {
                let code = Line::parse(text.as_bytes()).expect_err(text).code();
                assert_eq!(code, "log_line", "{text}");
            };
            refused(&json.replacen(',', ", ", 1));
            refused(&format!("{json}\n"));
            refused(&json.replacen('{', "{\"address\":\"1012JS|1|\",", 1));
            refused(&json.replacen("\"kind\":\"", "\"kind\":\"x", 1));
            refused(&json.replacen("\"salt\":\"0", "\"salt\":\"", 1).replacen("\"salt\":\"1", "\"salt\":\"", 1));
            refused(&json.replacen("ee\"", "EE\"", 1));
            refused(&json.replacen("Z\"", "+00:00\"", 1));
            for at in 0..json.len() {
                refused(&json[..at]);
            }
            // Each field taken away, or there twice.
            let fields: Map<String, Value> = serde_json::from_str(&json).unwrap();
            for (key, value) in &fields {
                let field = format!("\"{key}\":{value}");
                refused(&json.replacen(&field, &format!("{field},{field}"), 1));
                let without = json.replacen(&format!("{field},"), "", 1).replacen(&format!(",{field}}}"), "}", 1);
                if key == "journal" || key == "previous" {
                    assert_ne!(Line::parse(without.as_bytes()).unwrap(), line, "{without}");
                } else {
                    refused(&without);
                }
            }
        }
        let line = &examples()[9];
        for (from, to) in [
            ("\"bad_signature\":3", "\"bad_signature\":0"),
            ("\"bad_signature\":3", "\"bad_signature\":4294967296"),
            ("\"bad_signature\":3", "\"unknown\":3"),
            ("\"2026-11-29T00:00:00Z\"", "\"2026-11-29T00:00:01Z\""),
            ("{\"bad_signature\":3,\"malformed\":1,\"too_large\":4294967295}", "{}"),
        ] {
            let changed = line.to_json().replacen(from, to, 1);
            assert_ne!(changed, line.to_json());
            assert!(Line::parse(changed.as_bytes()).is_err(), "{changed}");
        }
        let zeros =
            examples()[8].to_json().replacen("\"kind\"", &format!("\"journal\":\"{}\",\"kind\"", Digest::NONE), 1);
        assert!(Line::parse(zeros.as_bytes()).is_err(), "no journal is not written as zeros");
        let total = examples()[18].to_json().replacen("9007199254740991", "9007199254740992", 1);
        assert!(Line::parse(total.as_bytes()).is_err(), "{total}");
    }

    #[test]
    fn every_flipped_bit_changes_the_leaf_hash_or_is_refused() {
        for line in examples() {
            let json = line.to_json().into_bytes();
            for at in 0..json.len() {
                for bit in 0..8 {
                    let mut flipped = json.clone();
                    flipped[at] ^= 1 << bit;
                    if let Ok(other) = Line::parse(&flipped) {
                        assert!(other != line && other.leaf() != line.leaf(), "byte {at} bit {bit}");
                    }
                }
            }
        }
    }

    #[test]
    fn salts_are_drawn() {
        let line = || Line::new(Timestamp(0), Digest::NONE, Event::Backup).unwrap();
        assert_ne!(line().salt, line().salt);
        assert_ne!(line().leaf(), line().leaf());
    }

    proptest! {
        #[test]
        fn lines_of_any_numbers_come_back(
            salt: [u8; 16], time in 0..=u64::from(u16::MAX) * 86_400 + 86_399, partner: u16, epoch: u32, count: u32,
            message: [u8; 32], journal: [u8; 32], renewed: u32, code in 0..20usize, release in 0..=MAX_NUMBER,
        ) {
            let outcome = code.checked_sub(1).map_or(Outcome::Accepted, |at| Outcome::Rejected(Code::ALL[at]));
            let (message, journal) = (Digest(message), Digest(journal));
            let subject = Subject::Delta { renewed };
            let time = Timestamp(time);
            for event in [
                Event::Message { partner, epoch, subject, message, journal, count, outcome },
                Event::Release { epoch, release, as_of: time, full: count % 2 == 0 },
            ] {
                let line = Line { salt, time, policy: message, event };
                prop_assert_eq!(Line::parse(line.to_json().as_bytes()).unwrap(), line);
            }
        }
    }
}

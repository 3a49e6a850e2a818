//! A line of the log: what happened, when and under which policy, and its one form as canonical JSON.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};

use super::error::AuditError;
use super::event::{Event, Outcome, Subject};
use super::tree::leaf_hash;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::hex::from_hex;
use crate::json::{Json, number, object, text};
use crate::message::Code;
use crate::secret::random;
use crate::system::SystemError;

/// The most bytes of a line.
pub const MAX_LINE: usize = 1_024;

/// The largest whole number that JSON keeps exact in every language (RFC 8785, RFC 7493). No count of a broker comes
/// near it.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// A line of the log. Its only form is canonical JSON, of which the leaf hash is taken.
///
/// It holds no pseudonym, tag or address, and does not say how many standings of a single question were stacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// 16 random bytes. Without them, whoever holds only a pruned line's hash could find its text by trying all texts.
    pub salt: [u8; 16],
    /// When it happened, by the broker's clock.
    pub time: Timestamp,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// What happened.
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
        let mut fields = vec![
            ("kind", text(self.event.kind())),
            ("policy", text(self.policy)),
            ("salt", text(HEXLOWER.encode(&self.salt))),
            ("time", text(self.time)),
        ];
        write(&self.event, &mut fields);
        object(fields).to_string()
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
        let line = read(&LineFields(&fields)).ok_or_else(|| wrong("a field is missing, or not of its form"))?;
        // This one comparison refuses white space, another order, a field that is there twice and a field that no line
        // of this kind has.
        if line.to_json().as_bytes() == bytes { Ok(line) } else { Err(wrong("it is not in canonical form")) }
    }

    /// The leaf hash.
    pub fn leaf(&self) -> Digest {
        leaf_hash(self.to_json().as_bytes())
    }
}

/// Adds the fields that the event has, to those that every line has.
fn write(event: &Event, fields: &mut Vec<(&'static str, Json)>) {
    match event {
        Event::Message { partner, epoch, subject, message, journal, count, outcome } => {
            fields.extend([
                ("partner", number(*partner)),
                ("epoch", number(*epoch)),
                ("message", text(message)),
                ("count", number(*count)),
                ("outcome", text(outcome.as_str())),
            ]);
            if *journal != Digest::NONE {
                fields.push(("journal", text(journal)));
            }
            match subject {
                Subject::Delta { renewed } | Subject::FullSet { renewed } => {
                    fields.push(("renewed", number(*renewed)));
                }
                Subject::Sweep { reason } => fields.push(("reason", text(reason))),
                Subject::Confirm | Subject::Question | Subject::Status => {}
            }
        }
        Event::Unauthenticated { minute, rejected } => {
            let rejected = rejected.iter().map(|(code, count)| (code.as_str(), number(*count)));
            fields.extend([("minute", text(minute)), ("rejected", object(rejected))]);
        }
        Event::Release { epoch, release, as_of, full } => fields.extend([
            ("epoch", number(*epoch)),
            ("release", large(*release)),
            ("as_of", text(as_of)),
            ("full", Json::Bool(*full)),
        ]),
        Event::Told { day, epoch, stacked, not_stacked } => fields.extend([
            ("day", text(day)),
            ("epoch", number(*epoch)),
            ("stacked", large(*stacked)),
            ("not_stacked", large(*not_stacked)),
        ]),
        Event::PolicyAdopted { version, previous } => {
            fields.push(("version", number(*version)));
            fields.extend(previous.map(|previous| ("previous", text(previous))));
        }
        Event::EpochOpened { epoch } | Event::EpochClosed { epoch } => fields.push(("epoch", number(*epoch))),
        Event::ClockAccepted { last } => fields.push(("last", text(last))),
        Event::Purge { flags, bytes } => fields.extend([("flags", large(*flags)), ("bytes", large(*bytes))]),
        Event::Backup | Event::Restore => {}
        Event::Prune { before, lines, total } => {
            fields.extend([("before", text(before)), ("lines", large(*lines)), ("total", large(*total))]);
        }
    }
}

/// A number without a bound of its own, cut to what JSON keeps exact.
fn large(value: u64) -> Json {
    Json::Number(value.min(MAX_NUMBER))
}

/// The fields of a line, each read into a type that cannot be wrong.
struct LineFields<'a>(&'a Map<String, Value>);

impl LineFields<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        let number = self.0.get(key)?.as_u64().filter(|number| *number <= MAX_NUMBER)?;
        T::try_from(number).ok()
    }

    fn parsed<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    /// `None` where the value is malformed, `Some(None)` where there is none.
    fn digest_if_there(&self, key: &str) -> Option<Option<Digest>> {
        if self.0.contains_key(key) { self.parsed(key).map(Some) } else { Some(None) }
    }
}

fn read(fields: &LineFields<'_>) -> Option<Line> {
    Some(Line {
        salt: from_hex(fields.text("salt")?)?,
        time: fields.parsed("time")?,
        policy: fields.parsed("policy")?,
        event: read_event(fields)?,
    })
}

fn read_event(fields: &LineFields<'_>) -> Option<Event> {
    let kind = fields.text("kind")?;
    Some(match kind {
        "unauthenticated" => {
            let minute: Timestamp = fields.parsed("minute")?;
            let rejected = read_rejected(fields.0.get("rejected")?.as_object()?)?;
            minute.0.is_multiple_of(60).then_some(Event::Unauthenticated { minute, rejected })?
        }
        "release" => Event::Release {
            epoch: fields.number("epoch")?,
            release: fields.number("release")?,
            as_of: fields.parsed("as_of")?,
            full: fields.0.get("full")?.as_bool()?,
        },
        "told" => Event::Told {
            day: fields.parsed("day")?,
            epoch: fields.number("epoch")?,
            stacked: fields.number("stacked")?,
            not_stacked: fields.number("not_stacked")?,
        },
        "policy" => {
            Event::PolicyAdopted { version: fields.number("version")?, previous: fields.digest_if_there("previous")? }
        }
        "epoch_opened" => Event::EpochOpened { epoch: fields.number("epoch")? },
        "epoch_closed" => Event::EpochClosed { epoch: fields.number("epoch")? },
        "clock_accepted" => Event::ClockAccepted { last: fields.parsed("last")? },
        "purge" => Event::Purge { flags: fields.number("flags")?, bytes: fields.number("bytes")? },
        "backup" => Event::Backup,
        "restore" => Event::Restore,
        "prune" => Event::Prune {
            before: fields.parsed("before")?,
            lines: fields.number("lines")?,
            total: fields.number("total")?,
        },
        _ => Event::Message {
            partner: fields.number("partner")?,
            epoch: fields.number("epoch")?,
            subject: read_subject(kind, fields)?,
            message: fields.parsed("message")?,
            journal: fields.digest_if_there("journal")?.unwrap_or(Digest::NONE),
            count: fields.number("count")?,
            outcome: match fields.text("outcome")? {
                "ok" => Outcome::Accepted,
                code => Outcome::Rejected(code_named(code)?),
            },
        },
    })
}

fn read_subject(kind: &str, fields: &LineFields<'_>) -> Option<Subject> {
    Some(match kind {
        "delta" => Subject::Delta { renewed: fields.number("renewed")? },
        "full_set" => Subject::FullSet { renewed: fields.number("renewed")? },
        "confirm" => Subject::Confirm,
        "question" => Subject::Question,
        "sweep" => Subject::Sweep { reason: fields.parsed("reason")? },
        "status" => Subject::Status,
        _ => return None,
    })
}

fn read_rejected(fields: &Map<String, Value>) -> Option<BTreeMap<Code, u32>> {
    let numbers = LineFields(fields);
    let rejected: BTreeMap<Code, u32> = fields
        .keys()
        .map(|code| Some((code_named(code)?, numbers.number(code).filter(|count| *count > 0)?)))
        .collect::<Option<_>>()?;
    (!rejected.is_empty()).then_some(rejected)
}

fn code_named(name: &str) -> Option<Code> {
    Code::ALL.into_iter().find(|code| code.as_str() == name)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
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
            Event::Restore,
            Event::EpochClosed { epoch: 1 },
            Event::Prune { before: as_of.day(), lines: 4, total: MAX_NUMBER },
        ];
        let line = |(at, event)| Line {
            salt: [at as u8; 16],
            time: Timestamp(1_795_996_799 + at as u64),
            policy: Digest([0xee; 32]),
            event,
        };
        events.into_iter().enumerate().map(line).collect()
    }

    #[test]
    fn every_line_comes_back_and_stays_within_bounds() {
        for line in examples() {
            let json = line.to_json();
            assert_eq!(Line::parse(json.as_bytes()).unwrap(), line, "{json}");
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
        for line in examples() {
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

//! The log as records of Logboek Dataverwerkingen, the Dutch standard for logging data processing (Logius).
//!
//! The names and forms of the fields are those of the standard's chapter "Component: Logboek", section "Interface".

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Value, json};

use super::event::{Event, Outcome, Subject};
use super::line::Line;
use crate::digest::Digest;
use crate::json::canonical;
use crate::message::Code;
use crate::policy::{Oin, Policy};

/// Writes lines of the log as records of a Logboek Dataverwerkingen.
#[derive(Clone, Debug)]
pub struct Ldv<'a> {
    activity: &'a str,
    policies: Vec<(Digest, &'a Policy)>,
}

impl<'a> Ldv<'a> {
    /// Takes the URI of the processing activity in the operator's register (Register van Verwerkingsactiviteiten), and
    /// the policies that were in force, from which partners' OINs are taken: each line's from the policy that it names.
    pub fn new(activity: &'a str, policies: &'a [Policy]) -> Ldv<'a> {
        Ldv { activity, policies: policies.iter().map(|policy| (policy.digest(), policy)).collect() }
    }

    /// Whether the policy that a line names was given. Without it a record names neither organisation nor consortium.
    pub fn has_policy_of(&self, line: &Line) -> bool {
        self.policy(line).is_some()
    }

    /// The record of line `index`, as one line of JSON; `None` for lines that are of no processing of flags.
    ///
    /// What the broker cannot know is left out: who it is about (`dpl.core.data_subject_id`), for it knows no
    /// addresses.
    pub fn record(&self, index: u64, line: &Line) -> Option<String> {
        let status = match &line.event {
            // In the standard, a fault of the caller is no error of the processing.
            Event::Message { outcome: Outcome::Accepted, .. } => "STATUS_CODE_OK",
            Event::Message { outcome: Outcome::Rejected(Code::Unavailable), .. } => "STATUS_CODE_ERROR",
            Event::Message { .. } => "STATUS_CODE_UNSET",
            Event::Release { .. }
            | Event::EpochClosed { .. }
            | Event::Purge { .. }
            | Event::Backup
            | Event::Restore { .. }
            | Event::Forgotten { .. } => "STATUS_CODE_OK",
            _ => return None,
        };
        let milliseconds = line.time.0.saturating_mul(1000);
        let (trace_id, span_id) = ids(&line.leaf());
        let mut record = json!({
            "trace_id": trace_id,
            "span_id": span_id,
            "status_code": status,
            "name": format!("stapel.{}", line.event.kind()),
            "start_time": milliseconds,
            "end_time": milliseconds,
            "resource": {"attributes": self.resource(line)},
            "attributes": self.attributes(index, line),
        });
        if let Event::Message { partner, message, .. } = &line.event
            && let Some(oin) = self.oin(line, *partner)
        {
            let (trace_id, span_id) = ids(message);
            record["foreign_operation"] =
                json!({"trace_id": trace_id, "span_id": span_id, "entity": format!("urn:oin:{oin}")});
        }
        Some(canonical(&record))
    }

    fn resource(&self, line: &Line) -> Vec<Value> {
        let mut attributes = vec![attribute("name", "stapel"), attribute("version", env!("CARGO_PKG_VERSION"))];
        if let Some(policy) = self.policy(line) {
            attributes.push(attribute("consortium", &policy.consortium));
            attributes.push(attribute("purpose", &policy.purpose));
            attributes.push(attribute("log_origin", &policy.operator.log_origin));
        }
        attributes
    }

    fn attributes(&self, index: u64, line: &Line) -> Vec<Value> {
        let mut attributes = vec![
            attribute("dpl.core.processing_activity_id", self.activity),
            attribute("dpl.stapel.line", index),
            attribute("dpl.stapel.policy", line.policy),
        ];
        if let Event::Message { partner, epoch, count, outcome, subject, .. } = &line.event {
            attributes.extend([
                attribute("dpl.stapel.partner", partner),
                attribute("dpl.stapel.epoch", epoch),
                attribute("dpl.stapel.count", count),
                attribute("dpl.stapel.outcome", outcome),
            ]);
            if let Subject::Sweep { reason } = subject {
                attributes.push(attribute("dpl.stapel.reason", reason));
            }
        }
        attributes
    }

    fn policy(&self, line: &Line) -> Option<&'a Policy> {
        self.policies.iter().find(|(digest, _)| *digest == line.policy).map(|(_, policy)| *policy)
    }

    /// Only from the policy that the line names: another, of whatever consortium, may have another organisation under
    /// that number.
    fn oin(&self, line: &Line, partner: u16) -> Option<Oin> {
        let policy = self.policy(line)?;
        Some(policy.organisation(&policy.partner(partner)?.organisation)?.oin)
    }
}

/// A trace id and a span id from a digest: its first 16 bytes and the next 8. So caller and broker give one message the
/// same ids without exchanging them.
fn ids(Digest(bytes): &Digest) -> (String, String) {
    (HEXLOWER.encode(&bytes[..16]), HEXLOWER.encode(&bytes[16..24]))
}

fn attribute(key: &str, value: impl Serialize) -> Value {
    json!({"key": key, "value": value})
}

#[cfg(test)]
mod tests {

    use super::super::line::tests::examples;
    use super::*;
    use crate::policy::sample;

    const ACTIVITY: &str = "https://register.example.nl/verwerkingen/12";

    fn records() -> Vec<(Line, Value)> {
        let policies = [sample::policy()];
        let ldv = Ldv::new(ACTIVITY, &policies);
        let read = |text: String| serde_json::from_str(&text).unwrap();
        let mut lines = examples();
        for line in &mut lines {
            line.policy = policies[0].digest();
            if let Event::Message { partner, .. } = &mut line.event {
                *partner = 2 + *partner / 100;
            }
        }
        let record = |(index, line): (usize, Line)| ldv.record(index as u64, &line).map(|text| (line, read(text)));
        lines.into_iter().enumerate().filter_map(record).collect()
    }

    /// The mandatory fields of the standard, and no others than it has.
    #[test]
    fn records_have_the_fields_of_the_standard() {
        let known = [
            "trace_id",
            "span_id",
            "status_code",
            "name",
            "start_time",
            "end_time",
            "foreign_operation",
            "resource",
            "attributes",
        ];
        for (line, record) in records() {
            let record = record.as_object().unwrap();
            assert!(record.keys().all(|key| known.contains(&key.as_str())), "{record:?}");
            for key in known.iter().filter(|key| **key != "foreign_operation") {
                assert!(record.contains_key(*key), "{key}");
            }
            let id = |value: &Value, bytes: usize| {
                HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap().len() == bytes
            };
            assert!(id(&record["trace_id"], 16) && id(&record["span_id"], 8));
            assert_eq!(record["name"], format!("stapel.{}", line.event.kind()));
            assert_eq!(record["start_time"], line.time.0 * 1000);
            assert_eq!(record["end_time"], record["start_time"]);
            let attributes = record["attributes"].as_array().unwrap();
            assert_eq!(attributes[0]["key"], "dpl.core.processing_activity_id");
            assert_eq!(attributes[0]["value"], ACTIVITY);
            assert!(attributes.iter().all(|pair| pair["key"].as_str().unwrap().starts_with("dpl.")));
        }
    }

    #[test]
    fn every_processing_has_a_record_and_nothing_else_has() {
        let kinds: Vec<_> =
            records().iter().map(|(line, record)| (line.event.kind(), record["status_code"].clone())).collect();
        let expected = [
            ("full_set", "OK"),
            ("delta", "OK"),
            ("confirm", "UNSET"),
            ("release", "OK"),
            ("question", "OK"),
            ("sweep", "UNSET"),
            ("status", "OK"),
            ("release", "OK"),
            ("purge", "OK"),
            ("backup", "OK"),
            ("restore", "OK"),
            ("epoch_closed", "OK"),
        ];
        assert_eq!(kinds, expected.map(|(kind, status)| (kind, Value::from(format!("STATUS_CODE_{status}")))));
        let Event::Message { partner, epoch, subject, message, journal, count, .. } = examples().remove(3).event else {
            panic!()
        };
        let outcome = Outcome::Rejected(Code::Unavailable);
        let event = Event::Message { partner, epoch, subject, message, journal, count, outcome };
        let record = Ldv::new(ACTIVITY, &[]).record(0, &Line { event, ..examples().remove(3) }).unwrap();
        assert!(record.contains("\"status_code\":\"STATUS_CODE_ERROR\""), "{record}");
    }

    #[test]
    fn the_caller_is_named_by_what_it_can_make_of_its_own_message() {
        let records = records();
        let (_, delta) = &records[1];
        let caller = &delta["foreign_operation"];
        assert_eq!(caller["trace_id"], "ab".repeat(16));
        assert_eq!(caller["span_id"], "ab".repeat(8));
        assert_eq!(caller["entity"], "urn:oin:00000099000000002000");
        let (line, status) = &records[6];
        assert!(matches!(line.event, Event::Message { partner: 657, .. }), "{line:?}");
        assert!(status.get("foreign_operation").is_none(), "a partner that no policy names has no OIN");
        let (mut other, _) = records[1].clone();
        other.policy = Digest([9; 32]);
        let policies = [sample::policy()];
        let ldv = Ldv::new(ACTIVITY, &policies);
        assert!(ldv.has_policy_of(&records[1].0) && !ldv.has_policy_of(&other));
        let record = ldv.record(1, &other).unwrap();
        assert!(!record.contains("urn:oin") && !record.contains("zaanstad"), "it is under another policy: {record}");
        let (_, release) = &records[3];
        assert!(release.get("foreign_operation").is_none());
        let resource = release["resource"]["attributes"].as_array().unwrap();
        assert_eq!(resource[2], serde_json::json!({"key": "consortium", "value": "zaanstad"}));
    }
}

//! The broker's log as records of a Logboek Dataverwerkingen.

use super::event::{Event, Outcome, Subject};
use super::line::Line;
use super::processing_record::{AttributeValue, ForeignOperation, ProcessingRecord, ProcessingStatus};
use crate::digest::Digest;
use crate::message::Code;
use crate::policy::{Oin, Policy};
use crate::trace_context::TraceContext;

/// Writes lines of the log as records of a Logboek Dataverwerkingen.
#[derive(Clone, Debug)]
pub struct Ldv<'a> {
    activity: &'a str,
    policies: Vec<(Digest, &'a Policy)>,
}

impl<'a> Ldv<'a> {
    /// Takes the URI of the processing activity in the operator's register (Register van Verwerkingsactiviteiten), and
    /// the policies that were in force, from which partners' OINs are taken: each line's from the policy that it names.
    pub fn new(activity: &'a str, policies: impl IntoIterator<Item = &'a Policy>) -> Ldv<'a> {
        Ldv { activity, policies: policies.into_iter().map(|policy| (policy.digest(), policy)).collect() }
    }

    /// Whether the policy that a line names was given. Without it a record names neither organisation nor consortium.
    pub fn has_policy_of(&self, line: &Line) -> bool {
        self.policy(line).is_some()
    }

    /// The record of line `index`; `None` for lines that are of no processing of flags.
    pub fn record(&self, index: u64, line: &Line) -> Option<ProcessingRecord> {
        let status = match &line.event {
            Event::Message { outcome: Outcome::Accepted, .. } => ProcessingStatus::Ok,
            Event::Message { outcome: Outcome::Rejected(Code::Unavailable), .. } => ProcessingStatus::Error,
            // In the standard, a fault of the caller is no error of the processing.
            Event::Message { .. } => ProcessingStatus::Unset,
            Event::Release { .. }
            | Event::EpochClosed { .. }
            | Event::Purge { .. }
            | Event::Backup
            | Event::Restore { .. }
            | Event::Forgotten { .. } => ProcessingStatus::Ok,
            _ => return None,
        };
        Some(ProcessingRecord {
            action: TraceContext::of(line.leaf()),
            status,
            name: format!("stapel.{}", line.event.kind()),
            // The log has one moment of what was done.
            start: line.time,
            end: line.time,
            foreign_operation: self.foreign_operation(line),
            resource: self.resource(line),
            attributes: self.attributes(index, line),
        })
    }

    /// The partner's sending of a message, which its own record names in the same way.
    fn foreign_operation(&self, line: &Line) -> Option<ForeignOperation> {
        let Event::Message { partner, message, .. } = line.event else { return None };
        Some(ForeignOperation::of_oin(TraceContext::of(message), &self.oin(line, partner)?))
    }

    fn resource(&self, line: &Line) -> Vec<(&'static str, AttributeValue)> {
        let mut attributes = vec![("name", "stapel".into()), ("version", env!("CARGO_PKG_VERSION").into())];
        if let Some(policy) = self.policy(line) {
            attributes.push(("consortium", policy.consortium.as_str().into()));
            attributes.push(("purpose", policy.purpose.as_str().into()));
            attributes.push(("log_origin", policy.operator.log_origin.as_str().into()));
        }
        attributes
    }

    fn attributes(&self, index: u64, line: &Line) -> Vec<(&'static str, AttributeValue)> {
        let mut attributes = vec![
            ("dpl.core.processing_activity_id", self.activity.into()),
            ("dpl.stapel.line", index.into()),
            ("dpl.stapel.policy", line.policy.to_string().into()),
        ];
        if let Event::Message { partner, epoch, count, outcome, subject, .. } = &line.event {
            attributes.extend([
                ("dpl.stapel.partner", u64::from(*partner).into()),
                ("dpl.stapel.epoch", u64::from(*epoch).into()),
                ("dpl.stapel.count", u64::from(*count).into()),
                ("dpl.stapel.outcome", outcome.as_str().into()),
            ]);
            if let Subject::Sweep { reason } = subject {
                attributes.push(("dpl.stapel.reason", reason.as_str().into()));
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

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::Value;

    use super::super::line::tests::examples;
    use super::*;
    use crate::policy::sample;

    const ACTIVITY: &str = "https://register.example.nl/verwerkingen/12";

    fn records() -> Vec<(Line, Value)> {
        let policies = [sample::policy()];
        let ldv = Ldv::new(ACTIVITY, &policies);
        let read = |record: ProcessingRecord| serde_json::from_str(&record.to_string()).unwrap();
        let mut lines = examples();
        for line in &mut lines {
            line.policy = policies[0].digest();
            if let Event::Message { partner, .. } = &mut line.event {
                *partner = 2 + *partner / 100;
            }
        }
        let record = |(index, line): (usize, Line)| ldv.record(index as u64, &line).map(|record| (line, read(record)));
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
        let record = Ldv::new(ACTIVITY, []).record(0, &Line { event, ..examples().remove(3) }).unwrap();
        assert_eq!(record.status, ProcessingStatus::Error);
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
        let record = ldv.record(1, &other).unwrap().to_string();
        assert!(!record.contains("urn:oin") && !record.contains("zaanstad"), "it is under another policy: {record}");
        let (_, release) = &records[3];
        assert!(release.get("foreign_operation").is_none());
        let resource = release["resource"]["attributes"].as_array().unwrap();
        assert_eq!(resource[2], serde_json::json!({"key": "consortium", "value": "zaanstad"}));
    }
}

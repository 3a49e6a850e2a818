//! A record of a Logboek Dataverwerkingen, the Dutch standard for logging data processing (Logius).
//!
//! The names and forms of the fields are those of the standard's chapter "Component: Logboek", section "Interface".

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::day::Timestamp;
use crate::json::canonical;
use crate::policy::Oin;
use crate::trace_context::TraceContext;

/// One action of a processing, as a record of a Logboek Dataverwerkingen.
///
/// It never has `dpl.core.data_subject_id`: an address is no person, and neither side knows who lives there. It has no
/// user either, as the standard decided: whose action it was is in the partner's journal, under the record's number.
///
/// Prints as its one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessingRecord {
    /// `trace_id` and `span_id`.
    pub action: TraceContext,
    /// How it went.
    pub status: ProcessingStatus,
    /// What was done: `stapel.` and a word.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// The action of another party that this one was asked for by.
    pub foreign_operation: Option<ForeignOperation>,
    /// Of which system it is.
    pub resource: Vec<(&'static str, AttributeValue)>,
    /// What there is to say of it; all names begin with `dpl.`.
    pub attributes: Vec<(&'static str, AttributeValue)>,
}

/// How an action went, as the standard has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ProcessingStatus {
    /// Done without a fault of the system's own; so also what was refused to whoever asked it.
    #[serde(rename = "STATUS_CODE_UNSET")]
    Unset,
    /// Done, and known to have gone as it was meant.
    #[serde(rename = "STATUS_CODE_OK")]
    Ok,
    /// It could not be done for a fault of the system's own.
    #[serde(rename = "STATUS_CODE_ERROR")]
    Error,
}

/// An action of another party.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignOperation {
    /// Its trace and span there.
    pub action: TraceContext,
    /// A URI that names the party.
    pub entity: String,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
}

impl ForeignOperation {
    /// An action of the organisation with this OIN.
    pub(crate) fn of_oin(action: TraceContext, oin: &Oin) -> ForeignOperation {
        ForeignOperation { action, entity: format!("urn:oin:{oin}") }
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> AttributeValue {
        AttributeValue::Text(text)
    }
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> AttributeValue {
        AttributeValue::Text(text.to_owned())
    }
}

impl From<u64> for AttributeValue {
    fn from(number: u64) -> AttributeValue {
        AttributeValue::Number(number)
    }
}

impl fmt::Display for ProcessingRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProcessingRecord { action, status, name, start, end, foreign_operation, resource, attributes } = self;
        let milliseconds = |moment: &Timestamp| moment.0.saturating_mul(1000);
        let mut record = json!({
            "trace_id": action.trace_id(),
            "span_id": action.span_id(),
            "status_code": status,
            "name": name,
            "start_time": milliseconds(start),
            "end_time": milliseconds(end),
            "resource": {"attributes": pairs(resource)},
            "attributes": pairs(attributes),
        });
        if let Some(ForeignOperation { action, entity }) = foreign_operation {
            record["foreign_operation"] =
                json!({"trace_id": action.trace_id(), "span_id": action.span_id(), "entity": entity});
        }
        f.write_str(&canonical(&record))
    }
}

fn pairs(attributes: &[(&'static str, AttributeValue)]) -> Vec<Value> {
    attributes.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

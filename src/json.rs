//! Canonical JSON: RFC 8785 (JCS) of the part of JSON that policies and log lines need.
//!
//! The writer is our own and sorts by itself: whether `serde_json` keeps the order of insertion depends on what else is in
//! the build. Numbers are whole and not negative, so that how RFC 8785 writes fractions does not matter.

use std::collections::BTreeMap;
use std::fmt;

/// A value. Keys are ASCII, so that byte order is RFC 8785's order of UTF-16 units.
pub(crate) enum Json {
    Text(String),
    Number(u64),
    Bool(bool),
    List(Vec<Json>),
    Object(BTreeMap<&'static str, Json>),
}

pub(crate) fn object(entries: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Object(entries.into_iter().collect())
}

pub(crate) fn list<T>(items: &[T], form: impl Fn(&T) -> Json) -> Json {
    Json::List(items.iter().map(form).collect())
}

pub(crate) fn text(value: impl ToString) -> Json {
    Json::Text(value.to_string())
}

pub(crate) fn number(value: impl Into<u64>) -> Json {
    Json::Number(value.into())
}

/// One line, without white space.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // serde_json escapes '"', '\' and what is below U+0020, and nothing else, as RFC 8785 wants it.
            Json::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Json::Number(number) => write!(f, "{number}"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Json::Object(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}\"{key}\":{value}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

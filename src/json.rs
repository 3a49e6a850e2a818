//! Writes canonical JSON (RFC 8785) for policies and log lines, of which digests are taken.
//!
//! `serde_json` writes the texts only. Its maps may keep the order of insertion, depending on features that other
//! crates of the build switch on. Numbers are whole and not negative, so RFC 8785's rules for fractions are not needed.

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

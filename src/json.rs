//! Values as JSON: the canonical form (RFC 8785) of policies and log lines, of which digests are taken, and values that
//! stand in it as text.

use serde::Serialize;

/// The canonical JSON of a value, one line without white space.
///
/// Keys are ASCII, so that their byte order is RFC 8785's order of UTF-16 units, and numbers are whole and not
/// negative, so that its rules for fractions are not needed. Of strings `serde_json` escapes what RFC 8785 wants
/// escaped.
pub(crate) fn canonical(value: &impl Serialize) -> String {
    let mut value = serde_json::to_value(value).expect("every key of a map is a string");
    // Maps may keep the order of insertion, where another crate of the build switches that on.
    value.sort_all_objects();
    value.to_string()
}

/// Serialises a type of one public value as its text in formats that people read, such as JSON, and as the value in all
/// others. `$parse` reads the text.
macro_rules! serde_as_text {
    ($type:ident, $parse:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                if !from.is_human_readable() {
                    return serde::Deserialize::deserialize(from).map($type);
                }
                let text = String::deserialize(from)?;
                let parse: fn(&str) -> Option<$type> = $parse;
                parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("not the text of a ", stringify!($type))))
            }
        }
    };
}

pub(crate) use serde_as_text;

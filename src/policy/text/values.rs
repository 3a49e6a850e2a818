//! Single values of a policy's text: each is read into a type that cannot be wrong, or refused with its line and key.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::Spanned;
use toml::value::Datetime;

use super::super::error::PolicyError;
use crate::day::Day;
use crate::hidden::is_hidden;
use crate::secret::VerifyingKey;

/// The longest name, in characters.
pub(super) const NAME: usize = 200;

/// The longest address of a broker, in bytes.
const MAX_ADDRESS: usize = 200;

/// The longest other text, in characters.
pub(super) const PROSE: usize = 4_000;

/// The text of a policy's file. A value of the TOML parser knows its offset in the text, from which a refusal gets its
/// line.
pub(super) struct PolicyFile<'a>(pub(super) &'a str);

impl PolicyFile<'_> {
    pub(super) fn or<T: TryFrom<i64>>(
        &self,
        key: &str,
        raw: &Option<Spanned<i64>>,
        range: RangeInclusive<i64>,
        default: T,
    ) -> Result<T, PolicyError> {
        raw.as_ref().map_or(Ok(default), |raw| self.number(key, raw, range))
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        key: &str,
        raw: &Spanned<i64>,
        range: RangeInclusive<i64>,
    ) -> Result<T, PolicyError> {
        let number = *raw.get_ref();
        let fits = if range.contains(&number) { T::try_from(number).ok() } else { None };
        fits.ok_or_else(|| {
            let finding = format!("{number} is not between {} and {}", range.start(), range.end());
            self.wrong(raw.span().start, key, finding)
        })
    }

    /// A value of a type that parses itself: a slug, a digest or an OIN.
    pub(super) fn read<T: FromStr<Err: Display>>(&self, key: &str, raw: &Spanned<String>) -> Result<T, PolicyError> {
        raw.get_ref()
            .parse()
            .map_err(|error: T::Err| self.wrong(raw.span().start, key, format!("{} is {error}", shown(raw.get_ref()))))
    }

    pub(super) fn key(&self, key: &str, raw: &Spanned<String>) -> Result<VerifyingKey, PolicyError> {
        // The text is not shown, because it may be a private key by mistake.
        let wrong = |finding: &str| self.wrong(raw.span().start, key, finding);
        let found = VerifyingKey::from_hex(raw.get_ref());
        let found = found.ok_or_else(|| wrong("not a public key: use 64 lower-case hexadecimal digits"))?;
        if found.is_weak() {
            return Err(wrong("a key that anybody can sign for, such as zeros: put the public key of its owner here"));
        }
        Ok(found)
    }

    pub(super) fn day(&self, key: &str, raw: &Spanned<Datetime>) -> Result<Day, PolicyError> {
        let day = match raw.get_ref() {
            Datetime { date: Some(date), time: None, offset: None } => {
                Day::from_ymd(date.year.into(), date.month, date.day)
            }
            _ => None,
        };
        day.ok_or_else(|| {
            let finding = format!("{} is not a date alone, from 1970 on; write it as 2026-12-01", raw.get_ref());
            self.wrong(raw.span().start, key, finding)
        })
    }

    /// A text as one line. Runs of white space become one space, so that the digest does not depend on line breaks.
    pub(super) fn text(&self, key: &str, raw: &Spanned<String>, max: usize) -> Result<String, PolicyError> {
        let at = raw.span().start;
        let line = raw.get_ref().split([' ', '\t', '\r', '\n']).filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ");
        let length = line.chars().count();
        if length == 0 {
            return Err(self.wrong(at, key, "it is empty; write what it is for readers of the policy"));
        }
        if length > max {
            return Err(self.wrong(at, key, format!("it has {length} characters, and at most {max} are read")));
        }
        match line.chars().find(|c| is_hidden(*c)) {
            Some(hidden) => Err(self.wrong(at, key, not_visible(hidden))),
            None => Ok(line),
        }
    }

    /// Refuses hidden characters anywhere in the text, in its comments too: a reader would see another text than is
    /// signed.
    pub(super) fn refuse_hidden(&self) -> Result<(), PolicyError> {
        let is_layout = |c| matches!(c, '\t' | '\r' | '\n');
        match self.0.char_indices().find(|(_, c)| is_hidden(*c) && !is_layout(*c)) {
            Some((at, hidden)) => Err(self.wrong(at, "its text", not_visible(hidden))),
            None => Ok(()),
        }
    }

    /// A list of known words, each there at most once.
    pub(super) fn words<'r>(
        &self,
        key: &str,
        raw: &'r [Spanned<String>],
        known: &[&str],
    ) -> Result<BTreeSet<&'r str>, PolicyError> {
        let mut words = BTreeSet::new();
        for word in raw {
            let (at, word) = (word.span().start, word.get_ref().as_str());
            if !known.contains(&word) {
                let finding = format!("{} is none of \"{}\"", shown(word), known.join("\", \""));
                return Err(self.wrong(at, key, finding));
            }
            if !words.insert(word) {
                return Err(self.twice(at, key, word));
            }
        }
        Ok(words)
    }

    pub(super) fn twice(&self, at: usize, key: &str, what: &str) -> PolicyError {
        self.wrong(at, key, format!("{what} is there twice; each may be there once"))
    }

    pub(super) fn wrong(&self, at: usize, key: &str, finding: impl Into<String>) -> PolicyError {
        PolicyError::PolicyText { place: format!("line {}, {key}", self.line(at).0), finding: finding.into() }
    }

    /// What the TOML parser or the shape of the file refused.
    pub(super) fn refused(&self, error: &toml::de::Error) -> PolicyError {
        let (number, line) = self.line(error.span().map_or(0, |span| span.start));
        let missing = error.message().starts_with("missing field");
        // The refusal names a key or a table's header, but shows no value, which may be a private key by mistake, and
        // no line of a file that is no policy. A missing key has no line: the parser gives that of the table which
        // lacks it.
        let key = line.split('=').next().unwrap_or_default().trim();
        let is_key = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.' | '[' | ']');
        let place = if key.is_empty() || !key.chars().all(is_key) || missing && !key.starts_with('[') {
            format!("line {number}")
        } else {
            format!("line {number}, {}", shown(key))
        };
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        let message = message
            .replace("missing field", "there is no key")
            .replace("unknown field", "there is no such key as")
            .replace(" as i128", "")
            .replace("expected i64", "expected a whole number")
            .replace("expected a TOML datetime", "expected a date without quotes, like 2026-12-01");
        // What is no i64 the parser names by its digits, and says that it expected a whole number.
        let is_too_large = message.starts_with("invalid type: integer") && message.ends_with("a whole number");
        let message = if is_too_large {
            "the number is larger than any that may stand here; expected a whole number in the key's bounds"
        } else {
            message.as_str()
        };
        PolicyError::PolicyText { place, finding: format!("{message}; SPEC.md lists every key with its form") }
    }

    /// The number of the line at an offset, counted from 1, and the line.
    fn line(&self, at: usize) -> (usize, &str) {
        let before = self.0.as_bytes().get(..at).unwrap_or(self.0.as_bytes());
        let number = before.iter().filter(|b| **b == b'\n').count() + 1;
        (number, self.0.split('\n').nth(number - 1).unwrap_or_default())
    }
}

/// Whether a text is the address of a broker: `https://`, a host, perhaps a port, perhaps a path.
pub(super) fn is_broker_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").filter(|_| text.len() <= MAX_ADDRESS) else { return false };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_segment = |segment: &str| {
        let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        !matches!(segment, "" | "." | "..") && segment.bytes().all(is_unreserved)
    };
    is_host(host) && port.is_none_or(is_port) && path.is_none_or(|path| path.split('/').all(is_segment))
}

/// Whether a text is a host's name in lower case.
pub(super) fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

/// Whether a text is the number of a port, without a zero at the beginning.
pub(super) fn is_port(port: &str) -> bool {
    !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

pub(in crate::policy) fn not_visible(hidden: char) -> String {
    format!("the character {} is not visible, or changes how others read; take it out", hidden.escape_unicode())
}

/// The first 40 characters of what was found, in quotes, with escapes for what cannot be printed.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    format!("'{shown}'")
}

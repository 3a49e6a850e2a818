//! Slugs: the short names of purposes, consortia and organisations, which keys and messages are bound to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codec::{Encode, Malformed, Reader, Writer};

/// A name of 1 to 64 characters `a` to `z`, `0` to `9` and `-`, such as `ondermijning-zaanstad`.
///
/// Purposes (doel), consortia and organisations are named by slugs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A name was not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a slug: use 1 to 64 of a to z, 0 to 9 and '-'")]
pub struct NotASlug;

impl Slug {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = NotASlug;

    fn from_str(text: &str) -> Result<Slug, NotASlug> {
        Slug::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Slug {
    type Error = NotASlug;

    fn try_from(text: String) -> Result<Slug, NotASlug> {
        let fits = (1..=64).contains(&text.len());
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits && plain { Ok(Slug(text)) } else { Err(NotASlug) }
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> String {
        slug.0
    }
}

impl Encode for Slug {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.0);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Slug, Malformed> {
        Slug::try_from(reader.get::<String>()?).map_err(|_| Malformed("a name is not a slug"))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        let longest = "a".repeat(64);
        for good in ["a", "ondermijning-zaanstad", "0-9", longest.as_str()] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(65);
        for bad in ["", "A", "a b", "é", "a\0", too_long.as_str()] {
            assert_eq!(bad.parse::<Slug>(), Err(NotASlug));
        }
    }
}

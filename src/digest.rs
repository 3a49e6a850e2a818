//! SHA-256 digests, by which messages, policies and log lines are named.

use std::str::FromStr;

use sha2::Sha256;

use crate::codec::encode_fields;
use crate::hex::{from_hex, shown_as_hex};
use crate::json::serde_as_text;

/// A SHA-256 digest (FIPS 180-4). Prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

shown_as_hex!(Digest);
serde_as_text!(Digest, |text| from_hex(text).map(Digest));
encode_fields! { Digest { 0 } }

/// A digest was not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: use 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl Digest {
    /// Thirty-two zero bytes: stands where there is nothing to name.
    pub const NONE: Digest = Digest([0; 32]);

    /// The digest of `pieces`, one after the other.
    pub fn of(pieces: &[&[u8]]) -> Digest {
        let mut hash = <Sha256 as sha2::Digest>::new();
        for piece in pieces {
            sha2::Digest::update(&mut hash, piece);
        }
        Digest(sha2::Digest::finalize(hash).into())
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Digest, NotADigest> {
        from_hex(text).map(Digest).ok_or(NotADigest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4, the example of one block.
    #[test]
    fn a_known_answer() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(&[b"a", b"bc"]).to_string(), text);
        assert_eq!(text.parse(), Ok(Digest::of(&[b"abc"])));
        assert_eq!(text.to_uppercase().parse::<Digest>(), Err(NotADigest));
    }

    #[test]
    fn json_has_it_in_hex_and_binary_forms_as_bytes() {
        let digest = Digest([0xab; 32]);
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(text, format!("\"{}\"", "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>(&text.to_uppercase()).is_err());
        assert_eq!(crate::codec::encode(&digest, 32).unwrap(), [0xab; 32]);
        assert_eq!(crate::codec::decode_prefix::<Digest>(&[0xab; 32]).unwrap(), (digest, 32));
    }
}

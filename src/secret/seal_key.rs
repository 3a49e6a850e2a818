//! X25519 keys (RFC 7748), to which others seal notes to a partner, as raw 32 bytes.

use std::fmt;
use std::path::Path;

use x25519_dalek::{PublicKey, StaticSecret, x25519};
use zeroize::Zeroizing;

use super::error::SecretError;
use super::{Key32, random};
use crate::codec::encode_fields;
use crate::files;
use crate::hex::{from_hex, shown_as_hex};
use crate::system::SystemError;

/// A private X25519 key, which opens what was sealed to its [`SealKey`].
pub struct UnsealingKey(StaticSecret);

/// A public X25519 key, to which others seal notes to a partner.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealKey([u8; 32]);

shown_as_hex!(SealKey);
encode_fields! { SealKey { 0 } }

impl UnsealingKey {
    /// Reads a key file: 32 raw bytes that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], [`SystemError::FileMode`], and [`SecretError::KeyFile`] where it is not 32 bytes long.
    pub fn read(path: &Path) -> Result<UnsealingKey, SecretError> {
        Ok(UnsealingKey(StaticSecret::from(*Key32::read(path)?.expose_secret())))
    }

    /// Draws a new key and writes it to a file that does not exist yet, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], also where the file exists, and [`SystemError::Random`].
    pub fn create(path: &Path) -> Result<UnsealingKey, SystemError> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(random()?);
        files::create_private(path, &*bytes)?;
        Ok(UnsealingKey(StaticSecret::from(*bytes)))
    }

    /// Takes 32 bytes that were drawn at random elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> UnsealingKey {
        UnsealingKey(StaticSecret::from(bytes))
    }

    /// The raw key, for the crate that seals notes.
    pub(crate) fn expose_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// What this key and the other's make together (RFC 7748, section 6.1); `None` where everybody could make it.
    pub(crate) fn agree(&self, other: &SealKey) -> Option<Zeroizing<[u8; 32]>> {
        let shared = self.0.diffie_hellman(&PublicKey::from(other.0));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }

    /// The public key.
    pub fn seal_key(&self) -> SealKey {
        SealKey(PublicKey::from(&self.0).to_bytes())
    }
}

impl fmt::Debug for UnsealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsealingKey(..)")
    }
}

impl SealKey {
    /// The key of 32 raw bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> SealKey {
        SealKey(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<SealKey> {
        from_hex(text).map(SealKey)
    }

    /// Whether it is a point of small order, with which every private key makes the same: 32 zeros. Anybody could open
    /// what is sealed to it. A private key is a multiple of 8, so that one private key shows it.
    pub(crate) fn is_weak(&self) -> bool {
        x25519([0; 32], self.0) == [0; 32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epoch-1.seal");
        let made = UnsealingKey::create(&path).unwrap();
        assert_eq!(UnsealingKey::read(&path).unwrap().seal_key(), made.seal_key());
        assert_eq!(UnsealingKey::create(&path).unwrap_err().code(), "io");
        assert!(!made.seal_key().is_weak());
        assert_eq!(format!("{made:?}"), "UnsealingKey(..)");
    }

    /// RFC 7748, section 6.1: Alice's keys.
    #[test]
    fn the_public_key_is_that_of_the_rfc() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alice.seal");
        let private: [u8; 32] = from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a").unwrap();
        files::create_private(&path, &private).unwrap();
        let public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
        assert_eq!(UnsealingKey::read(&path).unwrap().seal_key().to_string(), public);
    }

    /// The u coordinates of the points of small order on the curve and its twist, with the highest bit set too.
    #[test]
    fn a_key_that_anybody_opens_is_weak() {
        let (zero, mut one, mut p) = ([0; 32], [0; 32], [0xff; 32]);
        (one[0], p[0], p[31]) = (1, 0xed, 0x7f);
        let (mut below, mut above) = (p, p);
        (below[0], above[0]) = (0xec, 0xee);
        let eighths = [
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        ];
        for mut bytes in [zero, one, below, p, above].into_iter().chain(eighths.map(|hex| from_hex(hex).unwrap())) {
            assert!(SealKey(bytes).is_weak(), "{bytes:?}");
            bytes[31] |= 0x80;
            assert!(SealKey(bytes).is_weak(), "{bytes:?}");
        }
        assert!((2..=255).map(|byte| SealKey([byte; 32])).all(|key| !key.is_weak()));
    }
}

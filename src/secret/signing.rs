//! Ed25519 keys (RFC 8032) as raw 32-byte seeds and public keys.

use std::fmt;
use std::path::Path;

use data_encoding::HEXLOWER;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::files;

/// An Ed25519 signature.
pub type Signature = [u8; 64];

/// A private Ed25519 key.
pub struct SigningKey(Ed25519KeyPair);

/// A public Ed25519 key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerifyingKey([u8; 32]);

/// A public key was not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a public key: use 64 lower-case hexadecimal digits")]
pub struct NotAKey;

impl SigningKey {
    /// Draws a new key and gives it with its seed, which is what a key file holds.
    ///
    /// # Errors
    ///
    /// [`Error::Random`] where the operating system gives no randomness.
    pub fn generate() -> Result<(SigningKey, Zeroizing<[u8; 32]>), Error> {
        let seed = Zeroizing::new(super::random()?);
        Ok((SigningKey::from_seed(&seed)?, seed))
    }

    /// The key of a raw 32-byte seed.
    ///
    /// # Errors
    ///
    /// [`Error::Random`] never in practice: every 32-byte seed is a key.
    pub fn from_seed(seed: &[u8; 32]) -> Result<SigningKey, Error> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(SigningKey).map_err(|_| Error::Random)
    }

    /// Reads a key file: 32 raw bytes that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::FileMode`], and [`Error::KeyFile`] where it is not 32 bytes long.
    pub fn read(path: &Path) -> Result<SigningKey, Error> {
        let bytes = files::read_private(path)?;
        let seed: &[u8; 32] =
            bytes.as_slice().try_into().map_err(|_| Error::KeyFile { path: path.into(), length: bytes.len() })?;
        SigningKey::from_seed(seed)
    }

    /// Draws a new key and writes it to a file that does not exist yet, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], also where the file exists, and [`Error::Random`].
    pub fn create(path: &Path) -> Result<SigningKey, Error> {
        let (key, seed) = SigningKey::generate()?;
        files::create_private(path, &*seed)?;
        Ok(key)
    }

    /// The public key.
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        VerifyingKey(bytes)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl VerifyingKey {
    /// The key of 32 raw bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> VerifyingKey {
        VerifyingKey(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<VerifyingKey> {
        super::from_hex(text).map(VerifyingKey)
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl TryFrom<String> for VerifyingKey {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<VerifyingKey, NotAKey> {
        VerifyingKey::from_hex(&text).ok_or(NotAKey)
    }
}

impl From<VerifyingKey> for String {
    fn from(key: VerifyingKey) -> String {
        key.to_string()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_its_message_and_key() {
        let key = SigningKey::from_seed(&[1; 32]).unwrap();
        let signature = key.sign(b"message");
        assert!(key.verifying_key().verifies(b"message", &signature));
        assert!(!key.verifying_key().verifies(b"massage", &signature));
        assert!(!SigningKey::from_seed(&[2; 32]).unwrap().verifying_key().verifies(b"message", &signature));
    }

    #[test]
    fn key_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partner.key");
        let made = SigningKey::create(&path).unwrap();
        assert_eq!(SigningKey::read(&path).unwrap().verifying_key(), made.verifying_key());
        assert_eq!(SigningKey::create(&path).unwrap_err().code(), "io");
        let short = folder.path().join("short.key");
        files::create_private(&short, &[1; 31]).unwrap();
        assert_eq!(SigningKey::read(&short).unwrap_err().code(), "key_file");
    }
}

//! Ed25519 keys (RFC 8032) as raw 32-byte seeds and public keys.

use std::fmt;
use std::path::Path;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::Key32;
use super::error::SecretError;
use crate::codec::encode_fields;
use crate::files;
use crate::hex::{from_hex, shown_as_hex};
use crate::json::serde_as_text;
use crate::system::SystemError;

/// An Ed25519 signature.
pub type Signature = [u8; 64];

/// A private Ed25519 key.
pub struct SigningKey(Ed25519KeyPair);

/// A public Ed25519 key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerifyingKey([u8; 32]);

shown_as_hex!(VerifyingKey);
serde_as_text!(VerifyingKey, VerifyingKey::from_hex);
encode_fields! { VerifyingKey { 0 } }

/// The y coordinates of the points of small order, in all their encodings: 0, 1, p - 1, those of order 8, p and p + 1.
const SMALL_ORDER: [[u8; 32]; 7] = {
    let (mut one, mut below) = ([0; 32], [0xff; 32]);
    (one[0], below[0], below[31]) = (1, 0xec, 0x7f);
    let (mut p, mut above) = (below, below);
    (p[0], above[0]) = (0xed, 0xee);
    let eighth = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    let minus_eighth = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    [[0; 32], one, below, eighth, minus_eighth, p, above]
};

impl SigningKey {
    /// Draws a new key and gives it with its seed, which is what a key file holds.
    ///
    /// # Errors
    ///
    /// [`SystemError::Random`] where the operating system gives no randomness.
    pub fn generate() -> Result<(SigningKey, Zeroizing<[u8; 32]>), SystemError> {
        let seed = Zeroizing::new(super::random()?);
        Ok((SigningKey::from_seed(&seed)?, seed))
    }

    /// The key of a raw 32-byte seed.
    ///
    /// # Errors
    ///
    /// [`SystemError::Random`] never in practice: every 32-byte seed is a key.
    pub fn from_seed(seed: &[u8; 32]) -> Result<SigningKey, SystemError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(SigningKey).map_err(|_| SystemError::Random)
    }

    /// Reads a key file: 32 raw bytes that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], [`SystemError::FileMode`], and [`SecretError::KeyFile`] where it is not 32 bytes long.
    pub fn read(path: &Path) -> Result<SigningKey, SecretError> {
        Ok(SigningKey::from_seed(Key32::read(path)?.expose_secret())?)
    }

    /// Draws a new key and writes it to a file that does not exist yet, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`], also where the file exists, and [`SystemError::Random`].
    pub fn create(path: &Path) -> Result<SigningKey, SystemError> {
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
        from_hex(text).map(VerifyingKey)
    }

    /// Whether it is a point of small order (RFC 8032, section 7: the curve has a cofactor of 8), for which anybody can
    /// make signatures. Nobody draws such a key by chance; 64 zeros, which a file that is not filled in has, are one.
    pub(crate) fn is_weak(&self) -> bool {
        let mut y = self.0;
        y[31] &= 0x7f;
        SMALL_ORDER.contains(&y)
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
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
    fn a_key_that_anybody_signs_for_is_weak() {
        // R is the neutral point and S is 0: a signature for whatever message makes h a multiple of the key's order.
        let mut forged = [0; 64];
        forged[0] = 1;
        for mut bytes in SMALL_ORDER {
            for sign in [0, 0x80] {
                bytes[31] = bytes[31] & 0x7f | sign;
                let key = VerifyingKey(bytes);
                assert!(key.is_weak(), "{key}");
                assert!((0..=255u8).any(|message| key.verifies(&[message], &forged)), "{key}");
            }
        }
        for seed in 0..=255 {
            assert!(!SigningKey::from_seed(&[seed; 32]).unwrap().verifying_key().is_weak());
        }
    }

    #[test]
    fn the_published_edge_cases_come_out_as_they_are_specified() {
        #[derive(serde::Deserialize)]
        struct Edge {
            name: String,
            key: VerifyingKey,
            message: String,
            signature: String,
            verifies: bool,
            small_order: bool,
        }
        #[derive(serde::Deserialize)]
        struct File {
            cases: Vec<Edge>,
        }
        let file: File = serde_json::from_str(include_str!("../../tests/vectors/v1/signatures.json")).unwrap();
        assert_eq!(file.cases.len(), 12);
        for case in file.cases {
            let message = data_encoding::HEXLOWER.decode(case.message.as_bytes()).unwrap();
            let signature: Signature = from_hex(&case.signature).unwrap();
            assert_eq!(case.key.verifies(&message, &signature), case.verifies, "{}", case.name);
            assert_eq!(case.key.is_weak(), case.small_order, "{}", case.name);
        }
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

//! Keys and secrets: wiped when dropped, redacted in `Debug`, compared in constant time.
//!
//! All derivations from an epoch's secret are in this file; the formulas are in SPEC.md.

mod error;
mod file;
mod seal_key;
mod signing;

use std::fmt;
use std::path::Path;

use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use error::SecretError;
pub use file::{SecretFile, SecretPart};
pub use seal_key::{SealKey, UnsealingKey};
pub use signing::{Signature, SigningKey, VerifyingKey};

use crate::codec::encode_fields;
use crate::files;
use crate::hex::{from_hex, shown_as_hex};
use crate::json::serde_as_text;
use crate::label;
use crate::slug::Slug;
use crate::system::SystemError;

/// The 32 random bytes that the partners of a consortium share during one epoch. The broker never holds it.
///
/// Whoever holds it can turn every address of the country into its pseudonym in seconds.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

/// What shows that two sides hold the same secret for the same profile, purpose and epoch, without showing the secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 16]);

shown_as_hex!(KeyId);
serde_as_text!(KeyId, KeyId::from_hex);
encode_fields! { KeyId { 0 } }

/// What a key is derived for: a purpose and an epoch, under the profile of this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The consortium's purpose (doel).
    pub purpose: Slug,
    /// The key period.
    pub epoch: u32,
}

/// A 32-byte key derived from a [`Secret`] or drawn at random.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key32([u8; 32]);

impl Secret {
    /// Draws a new secret from the operating system's generator.
    ///
    /// # Errors
    ///
    /// [`SystemError::Random`] where the operating system gives no randomness.
    pub fn generate() -> Result<Secret, SystemError> {
        Ok(Secret(*Zeroizing::new(random()?)))
    }

    /// Takes 32 bytes that were drawn at random elsewhere. Never a passphrase.
    pub fn from_bytes(bytes: [u8; 32]) -> Secret {
        Secret(bytes)
    }

    /// The raw secret. Handle with care: it opens every pseudonym of its epoch.
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// K, the key of the pseudonym HMAC.
    pub(crate) fn pseudonym_key(&self, scope: &Scope) -> Key32 {
        Key32(self.derive(label::PSEUDONYM, scope))
    }

    /// The key id of this secret under `scope`.
    pub fn key_id(&self, scope: &Scope) -> KeyId {
        let fingerprint = Zeroizing::new(self.derive(label::FINGERPRINT, scope));
        let mut id = [0; 16];
        id.copy_from_slice(&fingerprint[..16]);
        KeyId(id)
    }

    /// HKDF-SHA256(salt "stapel/v1", ikm this secret, info `label` 0x00 profile 0x00 purpose 0x00 u32be(epoch)), 32
    /// bytes.
    fn derive(&self, label: &[u8], scope: &Scope) -> [u8; 32] {
        let epoch = scope.epoch.to_be_bytes();
        let info: [&[u8]; 7] =
            [label, &[0], label::PROFILE.as_bytes(), &[0], scope.purpose.as_str().as_bytes(), &[0], &epoch];
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, label::SALT)
            .extract(&self.0)
            .expand(&info, Length32)
            .and_then(|okm| okm.fill(&mut key))
            .expect("HKDF-SHA256 gives up to 8,160 bytes, and 32 are asked");
        key
    }
}

/// In constant time.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl KeyId {
    /// Reads 32 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<KeyId> {
        from_hex(text).map(KeyId)
    }
}

impl Key32 {
    /// Draws a new key from the operating system's generator.
    pub(crate) fn generate() -> Result<Key32, SystemError> {
        Ok(Key32(*Zeroizing::new(random()?)))
    }

    /// Takes 32 bytes that were drawn at random elsewhere.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Key32 {
        Key32(bytes)
    }

    /// Reads a key file: 32 raw bytes that only its owner can read.
    pub(crate) fn read(path: &Path) -> Result<Key32, SecretError> {
        let bytes = files::read_private(path)?;
        let key: Option<[u8; 32]> = bytes.as_slice().try_into().ok();
        key.map(Key32).ok_or_else(|| SecretError::KeyFile { path: path.into(), length: bytes.len() })
    }

    /// The raw key.
    pub(crate) fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(..)")
    }
}

/// `N` bytes from the operating system's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SystemError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SystemError::Random)?;
    Ok(bytes)
}

struct Length32;

impl hkdf::KeyType for Length32 {
    fn len(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(purpose: &str, epoch: u32) -> Scope {
        Scope { purpose: purpose.parse().unwrap(), epoch }
    }

    #[test]
    fn every_part_of_the_scope_changes_the_key_id() {
        let secret = Secret::from_bytes([7; 32]);
        let id = secret.key_id(&scope("doel", 1));
        assert_eq!(id, Secret::from_bytes([7; 32]).key_id(&scope("doel", 1)));
        assert_ne!(id, secret.key_id(&scope("doel", 2)));
        assert_ne!(id, secret.key_id(&scope("doe", 1)));
        assert_ne!(id, Secret::from_bytes([8; 32]).key_id(&scope("doel", 1)));
    }

    #[test]
    fn the_key_id_is_not_a_prefix_of_the_key() {
        let secret = Secret::from_bytes([7; 32]);
        let scope = scope("doel", 1);
        assert_ne!(secret.pseudonym_key(&scope).expose_secret()[..16], secret.key_id(&scope).0);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from_bytes([0xab; 32])), "Secret(..)");
        assert_eq!(format!("{:?}", Key32::from_bytes([0xab; 32])), "Key32(..)");
        assert_eq!(format!("{:?}", SigningKey::from_seed(&[0xab; 32]).unwrap()), "SigningKey(..)");
    }
}

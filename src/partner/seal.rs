//! What stands on the partner's own disk is sealed under a key of that partner alone.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

use super::error::PartnerError;
use crate::label;
use crate::message::MessageError;
use crate::secret::{Key32, random};

/// Bytes that sealing adds: a nonce before, a tag after.
pub(super) const OVERHEAD: usize = NONCE + 16;

/// Bytes of a nonce.
pub(super) const NONCE: usize = NONCE_LEN;

/// AES-256-GCM under one of the two keys that come from the folder's `journal.key`.
pub(super) struct Sealer(LessSafeKey);

/// What was opened, in the place where it was sealed.
pub(super) struct Opened {
    bytes: Zeroizing<Vec<u8>>,
    end: usize,
}

impl Sealer {
    /// The key for `purpose`: HKDF-SHA256(salt "stapel/v1", ikm `key`, info `purpose`), 32 bytes.
    ///
    /// State and journal have a key each, so that neither's number of nonces weighs on the other.
    pub(super) fn new(key: &Key32, purpose: &'static [u8; 16]) -> Sealer {
        let info: [&[u8]; 1] = [purpose];
        let sealing: UnboundKey = hkdf::Salt::new(hkdf::HKDF_SHA256, label::SALT)
            .extract(key.expose_secret())
            .expand(&info, &AES_256_GCM)
            .map(UnboundKey::from)
            .expect("HKDF-SHA256 gives up to 8,160 bytes, and 32 are asked");
        Sealer(LessSafeKey::new(sealing))
    }

    /// Seals in place. `bytes` is `from` bytes, then [`NONCE`] bytes of room, then the plaintext: the nonce is filled
    /// in, the plaintext encrypted, and the authentication tag appended.
    ///
    /// In place, because it may be large. The nonce is random: the limit of 2^32 under one key is far from what one
    /// partner writes.
    pub(super) fn seal(&self, additional: &[u8], bytes: &mut Vec<u8>, from: usize) -> Result<(), PartnerError> {
        let nonce: [u8; NONCE] = random()?;
        let (head, text) = bytes.split_at_mut(from + NONCE);
        head[from..].copy_from_slice(&nonce);
        let tag = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(additional), text);
        let tag = tag.map_err(|_| MessageError::TooLarge { finding: "more than 64 GiB cannot be sealed at once" })?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// What was sealed; `None` where any bit of it or of the additional data is another.
    pub(super) fn open(&self, additional: &[u8], sealed: Vec<u8>) -> Option<Opened> {
        let mut bytes = Zeroizing::new(sealed);
        let (nonce, text) = bytes.split_first_chunk_mut::<NONCE>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, Aad::from(additional), text).ok()?.len();
        Some(Opened { bytes, end: NONCE + length })
    }
}

impl Opened {
    /// What was sealed.
    pub(super) fn plain(&self) -> &[u8] {
        &self.bytes[NONCE..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else() {
        let key = Key32::from_bytes([1; 32]);
        let sealer = Sealer::new(&key, label::PARTNER_STATE);
        let sealed = || {
            let mut bytes = [b"head".as_slice(), &[0; NONCE], b"text"].concat();
            sealer.seal(b"data", &mut bytes, 4).unwrap();
            assert!(bytes.starts_with(b"head") && !bytes.ends_with(b"text"));
            bytes.split_off(4)
        };
        let bytes = sealed();
        assert_eq!(bytes.len(), 4 + OVERHEAD);
        assert_eq!(sealer.open(b"data", bytes.clone()).unwrap().plain(), b"text");
        assert!(sealer.open(b"date", bytes.clone()).is_none());
        assert!(Sealer::new(&key, label::JOURNAL_RECORD).open(b"data", bytes.clone()).is_none());
        assert_ne!(sealed(), bytes, "a nonce is never used twice");
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(sealer.open(b"data", other).is_none(), "byte {at}");
            assert!(sealer.open(b"data", bytes[..at].to_vec()).is_none(), "cut at {at}");
        }
    }
}

//! What stands on the partner's own disk is sealed under a key of that partner alone.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::label;
use crate::secret::{Key32, random};

/// Bytes that sealing adds: a nonce before, a tag after.
pub(super) const OVERHEAD: usize = NONCE_LEN + 16;

/// AES-256-GCM under one of the two keys that come from the folder's `journal.key`.
pub(super) struct Sealer(LessSafeKey);

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

    /// Nonce, ciphertext and tag. The nonce is random: the limit of 2^32 under one key is far from what one partner writes.
    pub(super) fn seal(&self, additional: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let text = &mut sealed[NONCE_LEN..];
        let tag = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(additional), text);
        let tag = tag.map_err(|_| Error::TooLarge { finding: "more than 64 GiB cannot be sealed at once" })?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed; `None` where any bit of it or of the additional data is another.
    pub(super) fn open(&self, additional: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, Aad::from(additional), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else() {
        let key = Key32::from_bytes([1; 32]);
        let sealer = Sealer::new(&key, label::PARTNER_STATE);
        let sealed = sealer.seal(b"data", b"text").unwrap();
        assert_eq!(sealed.len(), 4 + OVERHEAD);
        assert_eq!(sealer.open(b"data", &sealed).unwrap().as_slice(), b"text");
        assert!(sealer.open(b"date", &sealed).is_none());
        assert!(Sealer::new(&key, label::JOURNAL_RECORD).open(b"data", &sealed).is_none());
        assert_ne!(sealer.seal(b"data", b"text").unwrap(), sealed, "a nonce is never used twice");
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert!(sealer.open(b"data", &other).is_none(), "byte {at}");
            assert!(sealer.open(b"data", &sealed[..at]).is_none(), "cut at {at}");
        }
    }
}

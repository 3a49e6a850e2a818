//! Random texts that only one browser has.

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// 256 random bits as text; `None` where the system gives none.
pub(super) fn random_text() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(BASE64URL_NOPAD.encode(&bytes))
}

/// What a secret is known by. Found by it, how long the search takes tells nothing of the secret.
pub(super) type Fingerprint = [u8; 32];

pub(super) fn fingerprint(secret: &str) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    bytes
}

/// Whether two texts are the same, in a time that tells nothing of where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    fingerprint(one) == fingerprint(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_new_and_has_256_bits() {
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        assert_eq!((one.len(), other.len()), (43, 43));
        assert!(one != other && !is_same(&one, &other) && is_same(&one, &one.clone()));
    }
}

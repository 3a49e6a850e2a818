//! Address keys to pseudonyms: one at a time, in batches, and behind a trait that may be remote.

use std::cmp::Ordering;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::address::AddressKey;
use crate::error::Error;
use crate::secret::{Key32, KeyId, Scope, Secret};
use crate::threads::Threads;

/// What partners send in place of an address: the first 16 bytes of HMAC-SHA256(K, level byte || canonical address key).
///
/// Under the law it is personal data; whoever holds the consortium's secret can find the address of it. So `Debug` shows
/// nothing, and there is no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Pseudonym(pub [u8; 16]);

/// Where pseudonyms come from.
///
/// The consortium's shared key is one source. The trait is batched, fallible and possibly remote, so that an oblivious PRF
/// (RFC 9497), under which no partner holds the key, can take its place without a change to the broker or the wire.
pub trait PseudonymSource {
    /// The key id that messages with these pseudonyms bear.
    fn key_id(&self) -> KeyId;

    /// The pseudonyms of `keys`, in their order. Unit and building keys may be mixed.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from answering; the shared key never fails.
    fn pseudonyms(&self, keys: &[AddressKey]) -> Result<Vec<Pseudonym>, Error>;

    /// Offers threads to make large batches on. A source that makes its pseudonyms elsewhere has no use for them.
    fn use_threads(&mut self, _threads: &Threads) {}
}

/// The shared key of one purpose and epoch, its HMAC state made once.
pub struct PseudonymKey {
    mac: Hmac<Sha256>,
    key_id: KeyId,
    threads: Threads,
}

/// The broker's own keyed hash of pseudonyms, its state made once.
pub(crate) struct Pepper {
    mac: Hmac<Sha256>,
}

/// What the broker keeps in place of a pseudonym: the first 16 bytes of HMAC-SHA256(pepper, pseudonym).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub(crate) struct Tag(pub(crate) [u8; 16]);

impl PseudonymKey {
    /// The key of `secret` for `scope`.
    pub fn new(secret: &Secret, scope: &Scope) -> PseudonymKey {
        let (mac, key_id) = (keyed(&secret.pseudonym_key(scope)), secret.key_id(scope));
        PseudonymKey { mac, key_id, threads: Threads::default() }
    }

    /// The pseudonym of one address key.
    pub fn pseudonym(&self, key: &AddressKey) -> Pseudonym {
        let mut mac = self.mac.clone();
        mac.update(&[key.level() as u8]);
        mac.update(key.as_bytes());
        Pseudonym(first16(mac))
    }
}

impl PseudonymSource for PseudonymKey {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn pseudonyms(&self, keys: &[AddressKey]) -> Result<Vec<Pseudonym>, Error> {
        Ok(self.threads.map(keys, |key| self.pseudonym(key)))
    }

    fn use_threads(&mut self, threads: &Threads) {
        self.threads = threads.clone();
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PseudonymKey({}, ..)", self.key_id)
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(..)")
    }
}

impl Pepper {
    pub(crate) fn new(key: &Key32) -> Pepper {
        Pepper { mac: keyed(key) }
    }

    pub(crate) fn tag(&self, pseudonym: &[u8; 16]) -> Tag {
        let mut mac = self.mac.clone();
        mac.update(pseudonym);
        Tag(first16(mac))
    }
}

impl Tag {
    /// The tag as a number: its order is that of the bytes, and takes two instructions.
    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl Ord for Tag {
    fn cmp(&self, other: &Tag) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Tag {
    fn partial_cmp(&self, other: &Tag) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

fn keyed(key: &Key32) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.expose_secret()).expect("HMAC takes a key of any length")
}

fn first16(mac: Hmac<Sha256>) -> [u8; 16] {
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::from_hex;
    use proptest::prelude::*;

    fn key() -> PseudonymKey {
        let scope = Scope { purpose: "doel".parse().unwrap(), epoch: 1 };
        PseudonymKey::new(&Secret::from_bytes([7; 32]), &scope)
    }

    #[test]
    fn a_batch_is_the_single_ones_in_order() {
        let units: Vec<_> = (1..50).map(|n| AddressKey::from_canonical(&format!("1012JS|{n}|A")).unwrap()).collect();
        let mixed: Vec<_> = units.iter().flat_map(|unit| [*unit, unit.building()]).collect();
        let batch = key().pseudonyms(&mixed).unwrap();
        let single: Vec<_> = mixed.iter().map(|k| key().pseudonym(k)).collect();
        assert_eq!(batch, single);
        let distinct: std::collections::BTreeSet<_> = batch.iter().collect();
        assert_eq!(distinct.len(), 98, "a unit and its building differ");
    }

    proptest! {
        #[test]
        fn threads_change_nothing(count in 0u32..5_000, threads in 2usize..6) {
            let address = |n| AddressKey::from_canonical(&format!("{}JS|{}|", 1000 + n / 500, 1 + n % 500)).unwrap();
            let keys: Vec<_> = (0..count).map(address).collect();
            let mut several = key();
            several.use_threads(&Threads::new(threads).unwrap());
            prop_assert!(several.pseudonyms(&keys).unwrap() == key().pseudonyms(&keys).unwrap());
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let pseudonym = key().pseudonym(&AddressKey::from_canonical("1012JS|1|A").unwrap());
        assert_eq!(format!("{pseudonym:?}"), "Pseudonym(..)");
        assert!(format!("{:?}", key()).ends_with(", ..)"));
        let pepper = Pepper::new(&Key32::from_bytes([1; 32]));
        assert_eq!(format!("{pepper:?}{:?}", pepper.tag(&pseudonym.0)), "Pepper(..)Tag(..)");
    }

    /// The vectors' intermediates that nothing outside gets to see.
    #[test]
    fn the_vectors_of_keys_and_tags() {
        #[derive(serde::Deserialize)]
        struct File {
            derivations: Vec<Derivation>,
        }
        #[derive(serde::Deserialize)]
        struct Derivation {
            secret: String,
            purpose: String,
            epoch: u32,
            k: String,
            pepper: String,
            pseudonyms: Vec<Row>,
        }
        #[derive(serde::Deserialize)]
        struct Row {
            pseudonym: String,
            tag: String,
        }
        let file: File = serde_json::from_str(include_str!("../tests/vectors/v1/derivations.json")).unwrap();
        assert!(file.derivations.len() > 5);
        for row in file.derivations {
            let scope = Scope { purpose: row.purpose.parse().unwrap(), epoch: row.epoch };
            let secret = Secret::from_bytes(from_hex(&row.secret).unwrap());
            assert_eq!(Some(*secret.pseudonym_key(&scope).expose_secret()), from_hex(&row.k));
            let pepper = Pepper::new(&Key32::from_bytes(from_hex(&row.pepper).unwrap()));
            assert!(!row.pseudonyms.is_empty());
            for one in row.pseudonyms {
                assert_eq!(Some(pepper.tag(&from_hex(&one.pseudonym).unwrap()).0), from_hex(&one.tag));
            }
        }
    }
}

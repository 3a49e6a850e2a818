//! Pseudonyms, which partners send in place of addresses, and the sources that make them.

use std::fmt;

use bytemuck::{AnyBitPattern, NoUninit, TransparentWrapper};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::address::AddressKey;
use crate::error::Error;
use crate::secret::{Key32, KeyId, Scope, Secret};
use crate::threads::Threads;

/// What partners send in place of an address: the first 16 bytes of HMAC-SHA256(K, level byte || canonical address
/// key).
///
/// Under the law it is personal data; whoever holds the consortium's secret can find the address of it. So `Debug`
/// shows nothing, and there is no `Display`. Only a source of pseudonyms makes one, so nothing else can get into a
/// message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, TransparentWrapper)]
#[repr(transparent)]
pub struct Pseudonym(Bytes);

/// The bytes of a pseudonym. A type that only this crate can name: with `[u8; 16]` in its place, any crate could make a
/// pseudonym through `bytemuck`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AnyBitPattern, NoUninit)]
#[repr(transparent)]
struct Bytes([u8; 16]);

/// Where pseudonyms come from.
///
/// The consortium's shared key is one source. The trait is batched, fallible and possibly remote, so that an oblivious
/// PRF (RFC 9497), under which no partner holds the key, can take its place without a change to the broker or the wire.
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

impl Pseudonym {
    /// Stands where a pseudonym is going to be written.
    pub(crate) const BLANK: Pseudonym = Pseudonym(Bytes([0; 16]));

    /// Takes what a source outside this library made, such as the servers of an oblivious PRF (RFC 9497).
    ///
    /// The bytes are sent to the broker as they are. Bytes that are no pseudonym, an address for one, would be told to
    /// it.
    pub fn danger_from_remote_source(bytes: [u8; 16]) -> Pseudonym {
        Pseudonym(Bytes(bytes))
    }

    /// The raw bytes. They are personal data: keep them out of logs and errors.
    pub fn expose_bytes(&self) -> &[u8; 16] {
        &self.0.0
    }

    /// The pseudonym as a number. Numbers have the order of the bytes and compare in two instructions.
    pub(crate) fn number(&self) -> u128 {
        u128::from_be_bytes(self.0.0)
    }

    /// A message's rows as pseudonyms, where they are.
    pub(crate) fn of_rows(rows: &[[u8; 16]]) -> &[Pseudonym] {
        Pseudonym::wrap_slice(bytemuck::cast_slice::<_, Bytes>(rows))
    }

    /// Pseudonyms as the rows of a message, where they are.
    pub(crate) fn as_rows(pseudonyms: &[Pseudonym]) -> &[[u8; 16]] {
        bytemuck::cast_slice(Pseudonym::peel_slice(pseudonyms))
    }
}

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
        Pseudonym(Bytes(first16(mac)))
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

/// The state of the HMAC under `key`, from which each of its hashes starts.
pub(crate) fn keyed(key: &Key32) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.expose_secret()).expect("HMAC takes a key of any length")
}

/// The first half of an HMAC.
pub(crate) fn first16(mac: Hmac<Sha256>) -> [u8; 16] {
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::from_hex;
    #[cfg(feature = "threads")]
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

    #[cfg(feature = "threads")]
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
    }

    /// The vectors' keys, which nothing outside gets to see.
    #[test]
    fn the_vectors_of_keys() {
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
        }
        let file: File = serde_json::from_str(include_str!("../tests/vectors/v1/derivations.json")).unwrap();
        assert!(file.derivations.len() > 5);
        for row in file.derivations {
            let scope = Scope { purpose: row.purpose.parse().unwrap(), epoch: row.epoch };
            let secret = Secret::from_bytes(from_hex(&row.secret).unwrap());
            assert_eq!(Some(*secret.pseudonym_key(&scope).expose_secret()), from_hex(&row.k));
        }
    }
}

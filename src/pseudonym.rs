//! Pseudonyms, which partners send in place of addresses, and the sources that make them.

use std::fmt;

use bytemuck::{AnyBitPattern, NoUninit, TransparentWrapper};
use hmac::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::address::AddressKey;
use crate::codec::encode_fields;
use crate::day::Timestamp;
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

encode_fields! { Pseudonym { 0 } }
encode_fields! { Bytes { 0 } }

/// Where pseudonyms come from.
///
/// The consortium's shared key is one source, and answers at once. Another may have to be asked, such as an oblivious
/// PRF (RFC 9497) whose key several holders share: then the partner [begins](PseudonymSource::begin) an evaluation, the
/// program carries its requests to the holders, and the partner [finishes](PseudonymSource::finish) it with their
/// replies.
pub trait PseudonymSource {
    /// The key id that messages with these pseudonyms bear.
    fn key_id(&self) -> KeyId;

    /// The pseudonyms of `keys`, in their order, where the source makes them here, at once and at no cost: the partner
    /// then makes them anew each time and stores none. `None` where it has to be asked; what it made is then kept.
    fn at_once(&self, _keys: &[AddressKey]) -> Option<Vec<Pseudonym>> {
        None
    }

    /// Begins to make the pseudonyms of `keys`, each of which comes once; unit and number keys may be mixed.
    ///
    /// The first of what it returns is all that [`PseudonymSource::finish`] will need, `keys` included. The partner
    /// keeps it, sealed, before it hands out the requests, so that after a crash the same requests are sent again and
    /// nothing is asked twice. `random` are 32 random bytes for this evaluation alone: a source draws none itself.
    fn begin(&self, keys: &[AddressKey], random: &[u8; 32]) -> (Vec<u8>, Vec<SourceRequest>);

    /// Goes on with an evaluation, given replies to its requests: all of them, or those that have come.
    ///
    /// A source may change `pending`, to keep what it took from these replies; unless it is done, the partner keeps
    /// that.
    fn finish(&self, pending: &mut Vec<u8>, replies: &[SourceReply]) -> Finished;

    /// Offers threads to make large batches on. A source that makes its pseudonyms elsewhere has no use for them.
    fn use_threads(&mut self, _threads: &Threads) {}
}

/// What a source of pseudonyms asks of one of its key holders.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceRequest {
    /// The holder, as the source names it.
    pub holder: String,
    /// The bytes to send there.
    pub bytes: Vec<u8>,
}

encode_fields! { SourceRequest { holder, bytes } }

/// What a key holder answered.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceReply {
    /// The holder that it is from, as the source names it.
    pub holder: String,
    /// The bytes that came.
    pub bytes: Vec<u8>,
}

/// How far an evaluation is.
#[non_exhaustive]
pub enum Finished {
    /// The pseudonyms, in the order of the keys that the evaluation began with.
    Done(Vec<Pseudonym>),
    /// Replies are missing: these requests are still to be answered, or come new, from `not_before` on.
    Need {
        /// All that is still to be asked.
        requests: Vec<SourceRequest>,
        /// The moment before which the holders do not answer, for a quota perhaps; `None` for at once.
        not_before: Option<Timestamp>,
    },
    /// A reply is not one that an honest holder gives.
    Bad {
        /// The holder.
        holder: String,
        /// What shows it. Nothing of the partner's addresses.
        evidence: Vec<u8>,
    },
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

    /// The pseudonyms of many address keys, in their order.
    pub fn pseudonyms(&self, keys: &[AddressKey]) -> Vec<Pseudonym> {
        self.threads.map(keys, |key| self.pseudonym(key))
    }
}

impl PseudonymSource for PseudonymKey {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn at_once(&self, keys: &[AddressKey]) -> Option<Vec<Pseudonym>> {
        Some(self.pseudonyms(keys))
    }

    /// Nothing has to be asked: what is pending are the pseudonyms themselves.
    fn begin(&self, keys: &[AddressKey], _random: &[u8; 32]) -> (Vec<u8>, Vec<SourceRequest>) {
        (Pseudonym::as_rows(&self.pseudonyms(keys)).as_flattened().to_vec(), Vec::new())
    }

    fn finish(&self, pending: &mut Vec<u8>, _replies: &[SourceReply]) -> Finished {
        Finished::Done(Pseudonym::of_rows(pending.as_chunks::<16>().0).to_vec())
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

/// Shows no bytes.
impl fmt::Debug for SourceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceRequest(to {:?}, ..)", self.holder)
    }
}

/// Shows no bytes.
impl fmt::Debug for SourceReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceReply(from {:?}, ..)", self.holder)
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

/// The first half of an HMAC. All of it is wiped here, as a slice. What `finalize` gives wipes itself too, but byte by
/// byte wherever another crate asks that of the arrays it is made of, which costs a row of pseudonyms 9 per cent.
pub(crate) fn first16(mac: Hmac<Sha256>) -> [u8; 16] {
    let mut full = mac.finalize_fixed();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    full.as_mut_slice().zeroize();
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
        let mixed: Vec<_> = units.iter().flat_map(|unit| [*unit, unit.number_key()]).collect();
        let batch = key().pseudonyms(&mixed);
        let single: Vec<_> = mixed.iter().map(|k| key().pseudonym(k)).collect();
        assert_eq!(batch, single);
        assert_eq!(key().at_once(&mixed), Some(single.clone()));
        let (mut pending, requests) = key().begin(&mixed, &[0; 32]);
        assert!(requests.is_empty());
        assert!(matches!(key().finish(&mut pending, &[]), Finished::Done(made) if made == single));
        let distinct: std::collections::BTreeSet<_> = batch.iter().collect();
        assert_eq!(distinct.len(), 98, "a unit and its house number differ");
    }

    #[cfg(feature = "threads")]
    proptest! {
        #[test]
        fn threads_change_nothing(count in 0u32..5_000, threads in 2usize..6) {
            let address = |n| AddressKey::from_canonical(&format!("{}JS|{}|", 1000 + n / 500, 1 + n % 500)).unwrap();
            let keys: Vec<_> = (0..count).map(address).collect();
            let mut several = key();
            several.use_threads(&Threads::new(threads).unwrap());
            prop_assert!(several.pseudonyms(&keys) == key().pseudonyms(&keys));
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

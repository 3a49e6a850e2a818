//! Seals a note from one partner to another, and opens it: HPKE in auth mode (RFC 9180), DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256, AES-256-GCM.
//!
//! Auth mode tells the receiver that the sender's seal key made it. Who has the receiver's key can make a note to the
//! receiver that looks like any sender's: spec/threats.md.

use std::convert::Infallible;
use std::fmt;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::{Zeroize, Zeroizing};

use super::note::{NOTE, Note, NoteTextError};
use super::subject::Subject;
use crate::codec::encode_fields;
use crate::label;
use crate::secret::{SealKey, UnsealingKey};
use crate::slug::Slug;

/// The bytes of the encapsulated key.
const KEY: usize = 32;

/// The bytes of a sealed note: the encapsulated key, the note and the tag.
const SEALED: usize = KEY + NOTE + 16;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;

/// A sealed note: the encapsulated key, then the ciphertext; 1,096 bytes, whatever it says.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedNote(pub(crate) [u8; SEALED]);

encode_fields! { SealedNote { 0 } }

/// What a note is bound to: under another it does not open.
#[derive(Clone, Copy)]
pub struct NoteScope<'a> {
    /// The consortium.
    pub consortium: &'a Slug,
    /// The purpose (doel).
    pub purpose: &'a Slug,
    /// The epoch whose seal keys it is sealed with.
    pub epoch: u32,
    /// What the conversation is about.
    pub subject: &'a Subject,
    /// The epoch in which the conversation began.
    pub began: u32,
    /// Who writes.
    pub sender: u16,
    /// Who reads.
    pub receiver: u16,
    /// The number of the note, of this sender to this receiver in this conversation.
    pub number: u64,
}

/// A note was not sealed by that sender to that receiver, as what it was said to be; or what is in it is no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the note does not open: it was not sealed by this sender, for this receiver, as this note")]
pub struct NotOpened;

impl NoteScope<'_> {
    /// Seals a note. `random` are 32 random bytes for this one alone.
    ///
    /// # Errors
    ///
    /// [`NoteTextError`] where its text does not fit.
    ///
    /// # Panics
    ///
    /// Where `to` is a key of small order, to which everybody could open it: no certificate names one.
    pub fn seal(
        &self,
        note: &Note,
        own: &UnsealingKey,
        to: &SealKey,
        random: &[u8; 32],
    ) -> Result<SealedNote, NoteTextError> {
        let plain = Zeroizing::new(note.encode()?);
        Ok(self.seal_bytes(&plain, own, to, random))
    }

    fn seal_bytes(&self, plain: &[u8], own: &UnsealingKey, to: &SealKey, random: &[u8; 32]) -> SealedNote {
        let mode = OpModeS::Auth((private(own), public(&own.seal_key())));
        let mut random = Drawn(Zeroizing::new(*random));
        let (key, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &mode,
            &public(to),
            &self.info(),
            plain,
            &[],
            &mut random,
        )
        .expect("a certified seal key is not of small order, and a note is short");
        let mut bytes = [0; SEALED];
        bytes[..KEY].copy_from_slice(&key.to_bytes());
        bytes[KEY..].copy_from_slice(&sealed);
        SealedNote(bytes)
    }

    /// Opens a note.
    ///
    /// # Errors
    ///
    /// [`NotOpened`].
    pub fn open(&self, sealed: &SealedNote, own: &UnsealingKey, from: &SealKey) -> Result<Note, NotOpened> {
        let (key, sealed) = sealed.0.split_at(KEY);
        let key = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(key).map_err(|_| NotOpened)?;
        let plain = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Auth(public(from)),
            &private(own),
            &key,
            &self.info(),
            sealed,
            &[],
        );
        let plain = Zeroizing::new(plain.map_err(|_| NotOpened)?);
        Note::decode(&plain).map_err(|_| NotOpened)
    }

    fn info(&self) -> Vec<u8> {
        [
            label::NOTE,
            self.consortium.as_str().as_bytes(),
            &[0],
            self.purpose.as_str().as_bytes(),
            &[0],
            &self.epoch.to_le_bytes(),
            self.subject.expose_bytes(),
            &self.began.to_le_bytes(),
            &self.sender.to_le_bytes(),
            &self.receiver.to_le_bytes(),
            &self.number.to_le_bytes(),
        ]
        .concat()
    }
}

fn private(key: &UnsealingKey) -> PrivateKey {
    PrivateKey::from_bytes(&*key.expose_bytes()).expect("it has 32 bytes")
}

fn public(key: &SealKey) -> PublicKey {
    PublicKey::from_bytes(key.as_bytes()).expect("it has 32 bytes")
}

/// Gives 32 bytes that were drawn elsewhere, which is all that sealing asks.
struct Drawn(Zeroizing<[u8; 32]>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("sealing asks for bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("sealing asks for bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&*self.0);
        self.0.zeroize();
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

impl fmt::Debug for SealedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedNote(..)")
    }
}

impl SealedNote {
    /// The 1,096 raw bytes.
    pub fn as_bytes(&self) -> &[u8; SEALED] {
        &self.0
    }

    /// Takes 1,096 raw bytes.
    pub fn from_bytes(bytes: [u8; SEALED]) -> SealedNote {
        SealedNote(bytes)
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use sha2::Sha256;

    use super::*;
    use crate::day::Timestamp;
    use crate::pseudonym::Pseudonym;
    use crate::talk::NoteContent;

    fn key(number: u8) -> UnsealingKey {
        UnsealingKey::from_bytes([number; 32])
    }

    fn note() -> Note {
        let content = NoteContent::Text("Zullen we bellen?".into());
        Note { received: 3, time: Timestamp(1_796_126_400), content }
    }

    fn subject(number: u8) -> Subject {
        Subject::of(&Pseudonym::danger_from_remote_source([number; 16]))
    }

    fn with_scope<T>(run: impl FnOnce(NoteScope<'_>) -> T) -> T {
        let (consortium, purpose) = ("zaanstad".parse().unwrap(), "ondermijning-zaanstad".parse().unwrap());
        run(NoteScope {
            consortium: &consortium,
            purpose: &purpose,
            epoch: 2,
            subject: &subject(1),
            began: 1,
            sender: 3,
            receiver: 4,
            number: 5,
        })
    }

    #[test]
    fn a_note_opens_for_its_receiver_alone_and_as_of_its_sender_alone() {
        let (sender, receiver, other) = (key(1), key(2), key(3));
        with_scope(|scope| {
            let sealed = scope.seal(&note(), &sender, &receiver.seal_key(), &[7; 32]).unwrap();
            assert!(scope.open(&sealed, &receiver, &sender.seal_key()) == Ok(note()));
            assert!(scope.open(&sealed, &other, &sender.seal_key()) == Err(NotOpened), "another receiver");
            assert!(scope.open(&sealed, &receiver, &other.seal_key()) == Err(NotOpened), "another sender");
            assert!(scope.open(&sealed, &sender, &receiver.seal_key()) == Err(NotOpened), "sent back");
            let again = scope.seal(&note(), &sender, &receiver.seal_key(), &[8; 32]).unwrap();
            assert!(sealed != again, "two of the same text do not look the same");
        });
    }

    #[test]
    fn no_part_of_a_sealed_note_can_be_changed() {
        let (sender, receiver) = (key(1), key(2));
        with_scope(|scope| {
            let sealed = scope.seal(&note(), &sender, &receiver.seal_key(), &[7; 32]).unwrap();
            // Each opening agrees on keys twice, so not every byte is tried.
            for at in (0..SEALED).step_by(97).chain([KEY - 1, KEY, SEALED - 17, SEALED - 1]) {
                let mut other = sealed.clone();
                other.0[at] ^= 1;
                assert!(scope.open(&other, &receiver, &sender.seal_key()) == Err(NotOpened), "{at}");
            }
            let mut weak = sealed.clone();
            weak.0[..KEY].fill(0);
            assert!(scope.open(&weak, &receiver, &sender.seal_key()) == Err(NotOpened), "a key of small order");
        });
    }

    #[test]
    fn a_note_is_bound_to_each_field_of_its_scope() {
        let (sender, receiver) = (key(1), key(2));
        let (consortium, purpose) = ("zaandam".parse().unwrap(), "zorg".parse().unwrap());
        let subject = subject(2);
        with_scope(|scope| {
            let sealed = scope.seal(&note(), &sender, &receiver.seal_key(), &[7; 32]).unwrap();
            let others = [
                NoteScope { consortium: &consortium, ..scope },
                NoteScope { purpose: &purpose, ..scope },
                NoteScope { epoch: 3, ..scope },
                NoteScope { subject: &subject, ..scope },
                NoteScope { began: 2, ..scope },
                NoteScope { sender: 5, ..scope },
                NoteScope { receiver: 5, ..scope },
                NoteScope { number: 6, ..scope },
            ];
            for (at, other) in others.iter().enumerate() {
                assert!(other.open(&sealed, &receiver, &sender.seal_key()) == Err(NotOpened), "{at}");
            }
        });
    }

    #[test]
    fn what_is_sealed_and_is_no_note_does_not_open() {
        let (sender, receiver) = (key(1), key(2));
        with_scope(|scope| {
            let sealed = scope.seal_bytes(&[0; NOTE], &sender, &receiver.seal_key(), &[7; 32]);
            assert!(scope.open(&sealed, &receiver, &sender.seal_key()) == Err(NotOpened));
        });
    }

    /// What auth mode does not stop (RFC 9180, section 9.1.1): to make a note that looks like a sender's takes the
    /// private key of the sender, or that of the receiver. Here nothing of the sender is used but its public key.
    #[test]
    fn whoever_has_the_receivers_private_key_makes_notes_that_look_like_anybodys() {
        let (receiver, drawn) = (key(2), key(9));
        let claimed = key(1).seal_key();
        with_scope(|scope| {
            let to = receiver.seal_key();
            let shared = [&drawn.agree(&to).unwrap()[..], &receiver.agree(&claimed).unwrap()[..]].concat();
            let keys = [&drawn.seal_key().as_bytes()[..], to.as_bytes(), claimed.as_bytes()].concat();
            let plain = note().encode().unwrap();
            let mut forged = [0; SEALED];
            forged[..KEY].copy_from_slice(drawn.seal_key().as_bytes());
            forged[KEY..].copy_from_slice(&seal_by_hand(&shared, &keys, &scope.info(), plain));
            assert!(scope.open(&SealedNote(forged), &receiver, &claimed) == Ok(note()));
        });
    }

    /// RFC 9180, sections 4.1, 5.1 and 5.2 in auth mode, from what the key agreements give: `shared` are both of them,
    /// `keys` the encapsulated key, the receiver's and the sender's.
    fn seal_by_hand(shared: &[u8], keys: &[u8], info: &[u8], mut plain: Vec<u8>) -> Vec<u8> {
        let mac = |key: &[u8], parts: &[&[u8]]| {
            let mut mac: Hmac<Sha256> = Hmac::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        };
        let (kem, suite) = (b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02");
        let extract =
            |suite: &[u8], salt: &[u8], label: &[u8], input: &[u8]| mac(salt, &[b"HPKE-v1", suite, label, input]);
        let expand = |suite: &[u8], key: &[u8], label: &[u8], info: &[u8], length: u8| {
            mac(key, &[&[0, length], b"HPKE-v1", suite, label, info, &[1]])[..length.into()].to_vec()
        };
        let agreed = extract(kem, b"", b"eae_prk", shared);
        let agreed = expand(kem, &agreed, b"shared_secret", keys, 32);
        let (no_psk, info) = (extract(suite, b"", b"psk_id_hash", b""), extract(suite, b"", b"info_hash", info));
        let context = [&[2][..], &no_psk, &info].concat();
        let secret = extract(suite, &agreed, b"secret", b"");
        let key = expand(suite, &secret, b"key", &context, 32);
        let nonce = expand(suite, &secret, b"base_nonce", &context, 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut plain).unwrap();
        plain
    }
}

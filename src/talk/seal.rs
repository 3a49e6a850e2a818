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

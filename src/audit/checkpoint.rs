//! Checkpoints: the log's size and root, signed by the broker. The form is C2SP's tlog-checkpoint, a signed note with
//! an Ed25519 key.
//!
//! The crates for it (signed_note, tlog_tiles) bring a second Ed25519 and SHA-256, and ICU, for one signature over
//! three lines. So it is written here, and a test holds it to the known answer of the reference implementation.

use data_encoding::BASE64;

use super::error::AuditError;
use super::tree::Log;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::label;
use crate::policy::Policy;
use crate::secret::{Signature, SigningKey, VerifyingKey};

/// The most bytes of a checkpoint, as many as a status reply can carry. That is room for far more than the 16
/// signatures that C2SP asks readers to take.
pub const MAX_CHECKPOINT: usize = u16::MAX as usize;

/// A signature line begins with an em dash and a space.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// What identifies a log: the origin line of its checkpoints, which is the name of its key too, and that key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    origin: String,
    key: VerifyingKey,
}

/// A checkpoint whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    size: u64,
    root: Digest,
    bytes: Vec<u8>,
}

/// A checkpoint whose signature has not been verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedCheckpoint {
    origin: String,
    size: u64,
    root: Digest,
    signatures: Vec<NoteSignature>,
}

/// A signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl LogKey {
    /// The log of the broker that the policy names.
    pub fn of(policy: &Policy) -> LogKey {
        LogKey { origin: policy.operator.log_origin.clone(), key: policy.operator.checkpoint_key }
    }

    /// The log that the broker began when its store was put back from a copy at this moment; the same log for 0.
    pub fn after_restore(mut self, restored: Timestamp) -> LogKey {
        if restored.0 > 0 {
            self.origin = format!("{}/{}", self.origin, restored.0);
        }
        self
    }

    /// The log that `checkpoint` claims to be of: the policy's `log_origin`, or `log_origin/<seconds>`, which was begun
    /// at a restore; the first for any other claim.
    pub fn of_checkpoint(policy: &Policy, checkpoint: &[u8]) -> LogKey {
        let name = LogKey::of(policy);
        let claimed = UnverifiedCheckpoint::parse(checkpoint).ok();
        let restored =
            claimed.as_ref().and_then(|it| it.claimed_origin().strip_prefix(name.origin())?.strip_prefix('/'));
        match restored.and_then(|restored| restored.parse::<u64>().ok().filter(|it| it.to_string() == restored)) {
            Some(restored) => name.after_restore(Timestamp(restored)),
            None => name,
        }
    }

    /// The origin line.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// C2SP's key id: SHA-256(name || 0x0A || 0x01 || public key), first 4 bytes.
    fn id(&self) -> [u8; 4] {
        let Digest([a, b, c, d, ..]) =
            Digest::of(&[self.origin.as_bytes(), b"\n", label::NOTE_ED25519, self.key.as_bytes()]);
        [a, b, c, d]
    }
}

impl Checkpoint {
    /// Signs the size and the root of `log` under the origin of `name`.
    ///
    /// A broker must never sign two checkpoints of which neither continues the other.
    ///
    /// # Errors
    ///
    /// [`AuditError::Checkpoint`] where `key` is not the policy's `checkpoint_key`.
    pub fn sign(log: &Log, name: &LogKey, key: &SigningKey) -> Result<Checkpoint, AuditError> {
        if key.verifying_key() != name.key {
            return Err(wrong("the key is not the policy's checkpoint_key"));
        }
        let (size, root) = (log.size(), log.root());
        let text = body(&name.origin, size, root);
        let signature = NoteSignature {
            name: name.origin.clone(),
            key_id: name.id(),
            signature: key.sign(text.as_bytes()).to_vec(),
        };
        Ok(Checkpoint { size, root, bytes: format!("{text}\n{}", signature.to_line()).into_bytes() })
    }

    /// Reads a checkpoint, and verifies that it is one of the log that `key` identifies.
    ///
    /// # Errors
    ///
    /// [`AuditError::Checkpoint`].
    pub fn verify(bytes: &[u8], key: &LogKey) -> Result<Checkpoint, AuditError> {
        UnverifiedCheckpoint::parse(bytes)?.verify(key)
    }

    /// The number of lines that the log had.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash of those lines.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The checkpoint's bytes as they were signed: keep these, and show them as evidence.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl UnverifiedCheckpoint {
    /// Reads a checkpoint without verifying its signature.
    ///
    /// # Errors
    ///
    /// [`AuditError::Checkpoint`], where it is not exactly of the form: three lines, and signatures after an empty one.
    pub fn parse(bytes: &[u8]) -> Result<UnverifiedCheckpoint, AuditError> {
        if bytes.len() > MAX_CHECKPOINT {
            return Err(wrong("it is longer than 65,535 bytes"));
        }
        let Some(text) =
            std::str::from_utf8(bytes).ok().filter(|text| !text.contains(|c: char| c.is_control() && c != '\n'))
        else {
            return Err(wrong("it is not text in UTF-8, or holds control characters"));
        };
        let parted = text.split_once("\n\n");
        let (body, signatures) = parted.ok_or_else(|| wrong("no empty line parts its text from its signatures"))?;
        let [origin, size, root] = body.split('\n').collect::<Vec<_>>()[..] else {
            return Err(wrong("its text is not the three lines origin, size and root"));
        };
        if origin.is_empty() {
            return Err(wrong("its first line, the origin, is empty"));
        }
        let size = decimal(size).ok_or_else(|| wrong("its second line is not a size in decimal digits"))?;
        let root = base64_digest(root).ok_or_else(|| wrong("its third line is not a hash in base 64"))?;
        let lines = signatures.strip_suffix('\n').unwrap_or_default().split('\n');
        match lines.map(NoteSignature::parse).collect() {
            Some(signatures) => Ok(UnverifiedCheckpoint { origin: origin.into(), size, root, signatures }),
            None => Err(wrong("after the empty line there is something else than whole signature lines")),
        }
    }

    /// Verifies that it is a checkpoint of the log that `key` identifies. Signatures of others, such as witnesses, are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`AuditError::Checkpoint`].
    pub fn verify(&self, key: &LogKey) -> Result<Checkpoint, AuditError> {
        if self.origin != key.origin {
            return Err(wrong("its origin is another than the policy's log_origin"));
        }
        let (id, text) = (key.id(), body(&self.origin, self.size, self.root));
        let mut signatures =
            self.signatures.iter().filter(|line| line.name == key.origin && line.key_id == id).peekable();
        if signatures.peek().is_none() {
            return Err(wrong("no signature is of the policy's checkpoint_key"));
        }
        let right = |line: &NoteSignature| {
            let signature: Option<&Signature> = line.signature.as_slice().try_into().ok();
            signature.is_some_and(|signature| key.key.verifies(text.as_bytes(), signature))
        };
        if !signatures.all(right) {
            return Err(wrong("its signature is wrong: it was altered, or made with another key"));
        }
        Ok(Checkpoint { size: self.size, root: self.root, bytes: self.to_text().into_bytes() })
    }

    /// The origin that it claims.
    pub fn claimed_origin(&self) -> &str {
        &self.origin
    }

    /// The size that it claims.
    pub fn claimed_size(&self) -> u64 {
        self.size
    }

    /// The root that it claims.
    pub(crate) fn claimed_root(&self) -> Digest {
        self.root
    }

    /// The text that was parsed, byte for byte.
    pub fn to_text(&self) -> String {
        let signatures: String = self.signatures.iter().map(NoteSignature::to_line).collect();
        format!("{}\n{signatures}", body(&self.origin, self.size, self.root))
    }
}

impl NoteSignature {
    /// Reads a line without its line break.
    fn parse(line: &str) -> Option<NoteSignature> {
        let (name, signature) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        let bytes = base64(signature)?;
        let (key_id, signature) = bytes.split_first_chunk::<4>().filter(|(_, signature)| !signature.is_empty())?;
        Some(NoteSignature { name: name.into(), key_id: *key_id, signature: signature.into() })
    }

    fn to_line(&self) -> String {
        let bytes = [self.key_id.as_slice(), &self.signature].concat();
        format!("{SIGNATURE_MARK}{} {}\n", self.name, BASE64.encode(&bytes))
    }
}

/// A whole number without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// A hash in base 64, with its padding.
pub(super) fn base64_digest(text: &str) -> Option<Digest> {
    base64(text)?.try_into().ok().map(Digest)
}

/// Standard base 64 (RFC 4648, 4), in its one form: the decoder also takes several encodings one after the other.
fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).ok().filter(|bytes| BASE64.encode(bytes) == text)
}

/// The text that is signed.
fn body(origin: &str, size: u64, root: Digest) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64.encode(&root.0))
}

fn wrong(finding: &'static str) -> AuditError {
    AuditError::Checkpoint { finding }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::audit::tree::leaf_hash;
    use crate::policy::sample;

    /// The log of the sample policy.
    pub(crate) fn log_key() -> LogKey {
        LogKey::of(&sample::policy())
    }

    pub(crate) fn sign(log: &Log) -> Checkpoint {
        Checkpoint::sign(log, &log_key(), &sample::checkpoint_key()).unwrap()
    }

    fn example() -> Checkpoint {
        sign(&(0..5u8).map(|line| leaf_hash(&[line])).collect())
    }

    /// golang.org/x/mod/sumdb/note, the example of its documentation: private key, text and note.
    #[test]
    fn the_known_answer_of_signed_notes() {
        let private = BASE64.decode(b"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
        let key = SigningKey::from_seed(private[1..].try_into().unwrap()).unwrap();
        let name = LogKey { origin: "PeterNeumann".into(), key: key.verifying_key() };
        assert_eq!(name.id(), [0xc7, 0x4f, 0x20, 0xa3]);
        let public = [label::NOTE_ED25519.as_slice(), key.verifying_key().as_bytes().as_slice()].concat();
        assert_eq!(BASE64.encode(&public), "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let line = NoteSignature {
            name: name.origin.clone(),
            key_id: name.id(),
            signature: key.sign(text.as_bytes()).to_vec(),
        };
        let expected = "\u{2014} PeterNeumann \
                        x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(line.to_line(), expected);
        assert_eq!(NoteSignature::parse(expected.trim_end()), Some(line));
    }

    #[test]
    fn a_signed_checkpoint_verifies_and_has_its_form() {
        let checkpoint = example();
        let text = std::str::from_utf8(checkpoint.as_bytes()).unwrap();
        let start = format!(
            "stapel.example.nl/zaanstad\n5\n{}\n\n\u{2014} stapel.example.nl/zaanstad ",
            BASE64.encode(&checkpoint.root().0)
        );
        assert!(text.starts_with(&start) && text.ends_with("=\n"), "{text}");
        assert_eq!(Checkpoint::verify(checkpoint.as_bytes(), &log_key()).unwrap(), checkpoint);
        let empty = sign(&Log::new());
        assert_eq!(Checkpoint::verify(empty.as_bytes(), &log_key()).unwrap().size(), 0);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let bytes = example().as_bytes().to_vec();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let error = Checkpoint::verify(&flipped, &log_key()).expect_err(&format!("byte {at} bit {bit}"));
                assert_eq!(error.code(), "checkpoint");
            }
            assert!(Checkpoint::verify(&bytes[..at], &log_key()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_log_or_key_is_refused() {
        let checkpoint = example();
        let other_key = LogKey { key: sample::operator_key().verifying_key(), ..log_key() };
        assert!(Checkpoint::verify(checkpoint.as_bytes(), &other_key).is_err());
        let other_origin = LogKey { origin: "stapel.example.nl/utrecht".into(), ..log_key() };
        assert!(Checkpoint::verify(checkpoint.as_bytes(), &other_origin).is_err());
        assert!(Checkpoint::sign(&Log::new(), &log_key(), &sample::operator_key()).is_err());
    }

    #[test]
    fn signatures_of_others_are_left_aside_and_one_that_is_wrong_is_not() {
        let checkpoint = example();
        let text = String::from_utf8(checkpoint.as_bytes().to_vec()).unwrap();
        let witness = format!("{SIGNATURE_MARK}witness.example {}\n", BASE64.encode(&[7; 80]));
        for with in
            [format!("{text}{witness}"), text.replacen(SIGNATURE_MARK, &format!("{witness}{SIGNATURE_MARK}"), 1)]
        {
            let verified = Checkpoint::verify(with.as_bytes(), &log_key()).unwrap();
            assert_eq!((verified.size(), verified.as_bytes()), (5, with.as_bytes()));
        }
        let many = format!("{text}{}", witness.repeat(100));
        assert!(Checkpoint::verify(many.as_bytes(), &log_key()).is_ok());
        let own = NoteSignature { name: log_key().origin, key_id: log_key().id(), signature: vec![7; 64] };
        for signature in [vec![7; 64], vec![7; 63], vec![7]] {
            let line = NoteSignature { signature, ..own.clone() }.to_line();
            assert!(Checkpoint::verify(format!("{text}{line}").as_bytes(), &log_key()).is_err(), "{line}");
        }
        let pieces = format!("{SIGNATURE_MARK}witness.example {}{}\n", BASE64.encode(&[7; 80]), BASE64.encode(&[7; 2]));
        assert!(UnverifiedCheckpoint::parse(format!("{text}{pieces}").as_bytes()).is_err(), "two encodings in a row");
        let other_id = NoteSignature { key_id: [0; 4], ..own.clone() }.to_line();
        assert!(Checkpoint::verify(format!("{text}{other_id}").as_bytes(), &log_key()).is_ok());
        let (body, _) = text.split_once("\n\n").unwrap();
        assert!(Checkpoint::verify(format!("{body}\n\n{witness}").as_bytes(), &log_key()).is_err());
        let too_long = format!("{text}{}", witness.repeat(600));
        assert!(too_long.len() > MAX_CHECKPOINT && Checkpoint::verify(too_long.as_bytes(), &log_key()).is_err());
    }

    #[test]
    fn other_forms_are_refused() {
        let text = String::from_utf8(example().as_bytes().to_vec()).unwrap();
        for (from, to) in [
            ("\n5\n", "\n05\n"),
            ("\n5\n", "\n+5\n"),
            ("\n5\n", "\n\n"),
            ("\n5\n", "\n18446744073709551616\n"),
            ("\n5\n", "\n5\r\n"),
            ("=\n\n", "=\nextension\n\n"),
            ("=\n\n", "\n\n"),
            ("=\n\n", "=\n\n\n"),
            ("\n\n", "\n"),
            ("stapel.example.nl/zaanstad\n5", "\n5"),
            ("\u{2014} ", "- "),
            ("\u{2014} stapel.example.nl/zaanstad ", "\u{2014}  "),
            ("\u{2014} stapel.example.nl", "\u{2014} stapel+example.nl"),
            ("\u{2014} stapel.example.nl", "\u{2014} stapel\u{a0}example.nl"),
            ("\u{2014} stapel.example.nl", "\u{2014} stapel\u{9b}example.nl"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert!(UnverifiedCheckpoint::parse(changed.as_bytes()).is_err(), "{changed}");
        }
        assert!(UnverifiedCheckpoint::parse(format!("{text}\n").as_bytes()).is_err());
        assert!(UnverifiedCheckpoint::parse(text.trim_end().as_bytes()).is_err());
        let (body, _) = text.split_once("\n\n").unwrap();
        assert!(UnverifiedCheckpoint::parse(format!("{body}\n\n").as_bytes()).is_err());
        assert_eq!(UnverifiedCheckpoint::parse(text.as_bytes()).unwrap().to_text(), text);
    }
}

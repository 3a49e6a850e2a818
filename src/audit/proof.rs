//! Proofs as files: that a line is in the log, in C2SP's tlog-proof form, and that a log continues an earlier one.

use data_encoding::BASE64;

use super::checkpoint::{Checkpoint, LogKey, MAX_CHECKPOINT, UnverifiedCheckpoint, base64_digest, decimal};
use super::error::AuditError;
use super::tree::{Log, verify_consistency, verify_inclusion};
use crate::digest::Digest;
use crate::policy::Policy;

const INCLUSION: &str = "c2sp.org/tlog-proof@v1";

const CONSISTENCY: &str = "stapel-consistency-proof v1";

/// The most hashes of a proof: a log of up to 2^64 lines needs no more.
const MAX_HASHES: usize = 65;

/// The most bytes of a proof's text before the checkpoint: a few short lines, and 45 bytes a hash.
const MAX_HEAD: usize = 100 + 45 * MAX_HASHES;

/// The proof that a line is in the log of a checkpoint, with that checkpoint. Nothing of it is verified before
/// [`InclusionProof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    index: u64,
    hashes: Vec<Digest>,
    checkpoint: UnverifiedCheckpoint,
}

/// The proof that the log of one size begins with that of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    old: u64,
    new: u64,
    hashes: Vec<Digest>,
}

impl InclusionProof {
    /// The log that the proof's checkpoint claims to be of.
    pub fn log_key(&self, policy: &Policy) -> LogKey {
        LogKey::of_checkpoint(policy, self.checkpoint.to_text().as_bytes())
    }

    /// Proves that line `index` of `log` is in the log of `checkpoint`.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogProof`] where the checkpoint's log has no such line; [`AuditError::LogAltered`] where `log` is
    /// not the checkpoint's.
    pub fn make(log: &Log, index: u64, checkpoint: &Checkpoint) -> Result<InclusionProof, AuditError> {
        refuse_other(log, checkpoint)?;
        let hashes = log.prove_inclusion(index, checkpoint.size());
        let hashes =
            hashes.ok_or_else(|| wrong("the checkpoint is of a time before this line; take a later checkpoint"))?;
        Ok(InclusionProof { index, hashes, checkpoint: UnverifiedCheckpoint::parse(checkpoint.as_bytes())? })
    }

    /// Reads a proof's text.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogProof`], [`AuditError::Checkpoint`].
    pub fn parse(bytes: &[u8]) -> Result<InclusionProof, AuditError> {
        let (head, checkpoint) = divided(bytes)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(INCLUSION) {
            return Err(wrong("the first line is not 'c2sp.org/tlog-proof@v1'"));
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or_else(|| wrong("the second line is not 'index' and a number"))?;
        let hashes = hashes(lines)?;
        Ok(InclusionProof { index, hashes, checkpoint: UnverifiedCheckpoint::parse(checkpoint)? })
    }

    /// The proof's text, for a file that ends in `.tlog-proof`.
    pub fn to_text(&self) -> String {
        let hashes: String = self.hashes.iter().map(base64_line).collect();
        format!("{INCLUSION}\nindex {}\n{hashes}\n{}", self.index, self.checkpoint.to_text())
    }

    /// The number of the line that this is about.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Checks that the line with the leaf hash `leaf` is in the log of `key`, and gives the checkpoint that says so.
    ///
    /// # Errors
    ///
    /// [`AuditError::Checkpoint`], [`AuditError::LogProof`].
    pub fn verify(&self, leaf: Digest, key: &LogKey) -> Result<Checkpoint, AuditError> {
        let checkpoint = self.checkpoint.verify(key)?;
        if verify_inclusion(leaf, self.index, checkpoint.size(), checkpoint.root(), &self.hashes) {
            Ok(checkpoint)
        } else {
            Err(wrong(
                "the line is not in the checkpoint's log at this number; have it proved anew, and if that fails, \
                 complain",
            ))
        }
    }
}

impl ConsistencyProof {
    /// Proves that the log of `newer` begins with that of `older`.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogAltered`] where `log` is not that of both; [`AuditError::LogProof`] where `older` is the
    /// larger.
    pub fn make(log: &Log, older: &Checkpoint, newer: &Checkpoint) -> Result<ConsistencyProof, AuditError> {
        refuse_other(log, older)?;
        refuse_other(log, newer)?;
        let (old, new) = (older.size(), newer.size());
        let hashes = log.prove_consistency(old, new).ok_or_else(|| {
            wrong("the older checkpoint has more lines than the newer one; give them the other way round")
        })?;
        Ok(ConsistencyProof { old, new, hashes })
    }

    /// The proof that a status reply carries: from the size that the request named to that of the reply's checkpoint.
    pub fn of_hashes(old: u64, new: u64, hashes: Vec<Digest>) -> ConsistencyProof {
        ConsistencyProof { old, new, hashes }
    }

    /// Reads a proof's text.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogProof`].
    pub fn parse(bytes: &[u8]) -> Result<ConsistencyProof, AuditError> {
        let (head, rest) = divided(bytes)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(CONSISTENCY) {
            return Err(wrong("the first line is not 'stapel-consistency-proof v1'"));
        }
        let mut size = |prefix| lines.next().and_then(|line| line.strip_prefix(prefix)).and_then(decimal);
        let (Some(old), Some(new)) = (size("old "), size("new ")) else {
            return Err(wrong("lines two and three are not 'old' and 'new', each with a size"));
        };
        if !rest.is_empty() {
            return Err(wrong("there is more after the empty line at its end"));
        }
        Ok(ConsistencyProof { old, new, hashes: hashes(lines)? })
    }

    /// The text.
    pub fn to_text(&self) -> String {
        let hashes: String = self.hashes.iter().map(base64_line).collect();
        format!("{CONSISTENCY}\nold {}\nnew {}\n{hashes}\n", self.old, self.new)
    }

    /// Checks that the log of `newer` begins with that of `older`.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogProof`].
    pub fn verify(&self, older: &Checkpoint, newer: &Checkpoint) -> Result<(), AuditError> {
        if (self.old, self.new) != (older.size(), newer.size()) {
            return Err(wrong(
                "the proof is of other sizes than those of the two checkpoints; have one made for these",
            ));
        }
        if verify_consistency(self.old, older.root(), self.new, newer.root(), &self.hashes) {
            Ok(())
        } else {
            Err(wrong(
                "the newer checkpoint's log does not begin with the older's by this proof; have it made anew, and if \
                 that fails, complain with both checkpoints",
            ))
        }
    }
}

/// Refuses a log whose first lines are not those of `checkpoint`.
pub(super) fn refuse_other(log: &Log, checkpoint: &Checkpoint) -> Result<(), AuditError> {
    let size = checkpoint.size();
    match log.root_at(size) {
        Some(root) if root == checkpoint.root() => Ok(()),
        Some(_) => Err(AuditError::LogAltered {
            finding: format!("its first {size} lines are not those of the checkpoint of {size}"),
        }),
        None => Err(AuditError::LogAltered {
            finding: format!(
                "it has {} lines, and there is a signed checkpoint of {size}: it was cut short, or the log is older \
                 than the checkpoint: export it again first",
                log.size()
            ),
        }),
    }
}

/// What stands before the first empty line, and what stands after it.
fn divided(bytes: &[u8]) -> Result<(&str, &[u8]), AuditError> {
    if bytes.len() > MAX_HEAD + MAX_CHECKPOINT {
        return Err(wrong("it is longer than any proof"));
    }
    let at = bytes.windows(2).position(|pair| pair == b"\n\n");
    let at = at.ok_or_else(|| wrong("no empty line ends the hashes; give the file as it was written"))?;
    match std::str::from_utf8(&bytes[..at]) {
        Ok(head) => Ok((head, &bytes[at + 2..])),
        Err(_) => Err(wrong("it is not text")),
    }
}

fn hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Digest>, AuditError> {
    let hashes: Option<Vec<Digest>> = lines.take(MAX_HASHES + 1).map(base64_digest).collect();
    match hashes {
        Some(hashes) if hashes.len() <= MAX_HASHES => Ok(hashes),
        Some(_) => Err(wrong("there are more hashes than any log needs")),
        None => Err(wrong("a line is not a hash in base 64; give the file as it was written")),
    }
}

fn base64_line(hash: &Digest) -> String {
    BASE64.encode(&hash.0) + "\n"
}

fn wrong(finding: &'static str) -> AuditError {
    AuditError::LogProof { finding }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::{log_key, sign};
    use super::super::tree::leaf_hash;
    use super::*;

    fn log(size: u8) -> Log {
        (0..size).map(|line| leaf_hash(&[line])).collect()
    }

    #[test]
    fn proofs_come_back_and_verify_at_every_size() {
        let log = log(20);
        let checkpoints: Vec<_> = (0..=20).map(|size| sign(&self::log(size))).collect();
        for newer in &checkpoints {
            for index in 0..newer.size() {
                let text = InclusionProof::make(&log, index, newer).unwrap().to_text();
                let proof = InclusionProof::parse(text.as_bytes()).unwrap();
                assert_eq!((proof.to_text(), proof.index()), (text, index));
                assert_eq!(proof.verify(log.leaf(index).unwrap(), &log_key()).unwrap(), *newer);
                assert_eq!(proof.verify(leaf_hash(b"other"), &log_key()).unwrap_err().code(), "log_proof");
            }
            assert_eq!(InclusionProof::make(&log, newer.size(), newer).unwrap_err().code(), "log_proof");
            for older in &checkpoints {
                let made = ConsistencyProof::make(&log, older, newer);
                if older.size() > newer.size() {
                    assert_eq!(made.unwrap_err().code(), "log_proof");
                    continue;
                }
                let text = made.unwrap().to_text();
                let proof = ConsistencyProof::parse(text.as_bytes()).unwrap();
                assert_eq!(proof.to_text(), text);
                proof.verify(older, newer).unwrap();
                if older.size() != newer.size() {
                    assert_eq!(proof.verify(newer, older).unwrap_err().code(), "log_proof");
                }
            }
        }
    }

    #[test]
    fn no_proof_is_made_of_another_log() {
        let other: Log = (10..30u8).map(|line| leaf_hash(&[line])).collect();
        let (older, newer) = (sign(&log(3)), sign(&log(20)));
        assert_eq!(InclusionProof::make(&other, 2, &newer).unwrap_err().code(), "log_altered");
        assert_eq!(ConsistencyProof::make(&other, &older, &newer).unwrap_err().code(), "log_altered");
        assert_eq!(InclusionProof::make(&log(19), 2, &newer).unwrap_err().code(), "log_altered");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_proof_is_noticed() {
        let log = log(11);
        let (older, newer) = (sign(&self::log(6)), sign(&log));
        let leaf = log.leaf(6).unwrap();
        let inclusion = InclusionProof::make(&log, 6, &newer).unwrap().to_text();
        let holds =
            |bytes: &[u8]| InclusionProof::parse(bytes).and_then(|proof| proof.verify(leaf, &log_key())).is_ok();
        assert!(holds(inclusion.as_bytes()));
        all_spoilt(inclusion.as_bytes(), |bytes| assert!(!holds(bytes)));
        let consistency = ConsistencyProof::make(&log, &older, &newer).unwrap().to_text();
        let holds =
            |bytes: &[u8]| ConsistencyProof::parse(bytes).and_then(|proof| proof.verify(&older, &newer)).is_ok();
        assert!(holds(consistency.as_bytes()));
        all_spoilt(consistency.as_bytes(), |bytes| assert!(!holds(bytes)));
        assert!(!holds(format!("{consistency}\n").as_bytes()));
    }

    fn all_spoilt(bytes: &[u8], check: impl Fn(&[u8])) {
        for at in 0..bytes.len() {
            check(&bytes[..at]);
            for bit in 0..8 {
                let mut flipped = bytes.to_vec();
                flipped[at] ^= 1 << bit;
                check(&flipped);
            }
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let log = log(11);
        let text = InclusionProof::make(&log, 6, &sign(&log)).unwrap().to_text();
        for (from, to) in [
            ("index 6", "index 06"),
            ("index 6", "index +6"),
            ("index 6", "extra AAAA\nindex 6"),
            ("@v1", "@v2"),
            ("index 6\n", "index 6\n\n"),
        ] {
            assert!(InclusionProof::parse(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
        let hashes = format!("{}\n", BASE64.encode(&[7; 32])).repeat(66);
        let many = format!("{CONSISTENCY}\nold 1\nnew 2\n{hashes}\n");
        assert!(ConsistencyProof::parse(many.as_bytes()).is_err());
        let most = format!("{CONSISTENCY}\nold 1\nnew 2\n{}\n", &hashes[45..]);
        assert_eq!(ConsistencyProof::parse(most.as_bytes()).unwrap().to_text(), most);
    }
}

//! The vectors of the audit log: lines, hashes, checkpoints and proofs are as `tests/vectors/v1/log.json` says.
//!
//! The file was made by an implementation of its own, in Python.

use serde::Deserialize;
use stapel::Policy;
use stapel::audit::{Checkpoint, ConsistencyProof, InclusionProof, Line, Log, LogKey};
use stapel::secret::SigningKey;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    #[serde(rename = "about")]
    _about: String,
    lines: Vec<ValidLine>,
    invalid_lines: Vec<InvalidLine>,
    roots: Vec<Root>,
    origin: String,
    checkpoint_seed: String,
    checkpoint_key: String,
    checkpoint_key_id: String,
    checkpoints: Vec<Signed>,
    invalid_checkpoints: Vec<InvalidCheckpoint>,
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
    invalid_proofs: Vec<InvalidProof>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidLine {
    name: String,
    line: String,
    leaf: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvalidLine {
    name: String,
    line: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    size: u64,
    root: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    size: u64,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvalidCheckpoint {
    name: String,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inclusion {
    index: u64,
    size: u64,
    proof: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consistency {
    old: u64,
    new: u64,
    proof: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvalidProof {
    name: String,
    proof: String,
}

impl Vectors {
    fn read() -> Vectors {
        serde_json::from_str(include_str!("vectors/v1/log.json")).unwrap()
    }

    fn log(&self, size: u64) -> Log {
        let lines = self.lines.iter().take(size as usize);
        lines.map(|vector| Line::parse(vector.line.as_bytes()).expect(&vector.name).leaf()).collect()
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        let vector = self.checkpoints.iter().find(|vector| vector.size == size).unwrap();
        Checkpoint::verify(vector.checkpoint.as_bytes(), &log_key()).unwrap()
    }
}

/// The sample policy names the origin and the key of the vectors.
fn log_key() -> LogKey {
    LogKey::of(&Policy::parse(&stapel_testkit::sample_policy_text()).unwrap())
}

#[test]
fn lines() {
    let vectors = Vectors::read();
    for vector in &vectors.lines {
        let line = Line::parse(vector.line.as_bytes()).expect(&vector.name);
        assert_eq!(line.to_json(), vector.line, "{}", vector.name);
        assert_eq!(line.leaf().to_string(), vector.leaf, "{}", vector.name);
    }
    for vector in &vectors.invalid_lines {
        assert_eq!(Line::parse(vector.line.as_bytes()).expect_err(&vector.name).code(), "log_line", "{}", vector.name);
    }
    for vector in &vectors.roots {
        assert_eq!(vectors.log(vector.size).root().to_string(), vector.root, "size {}", vector.size);
    }
}

#[test]
fn checkpoints() {
    let vectors = Vectors::read();
    let seed = data_encoding::HEXLOWER.decode(vectors.checkpoint_seed.as_bytes()).unwrap();
    let key = SigningKey::from_seed(seed.as_slice().try_into().unwrap()).unwrap();
    assert_eq!(key.verifying_key().to_string(), vectors.checkpoint_key);
    assert_eq!(log_key().origin(), vectors.origin);
    for vector in &vectors.checkpoints {
        let checkpoint = Checkpoint::verify(vector.checkpoint.as_bytes(), &log_key()).unwrap();
        let signed = Checkpoint::sign(&vectors.log(vector.size), &log_key(), &key).unwrap();
        assert_eq!((checkpoint.size(), checkpoint.root()), (vector.size, signed.root()));
        // Some bear a witness's signature after the log's own.
        assert!(vector.checkpoint.as_bytes().starts_with(signed.as_bytes()), "{}", vector.checkpoint);
        let line = vector.checkpoint.lines().nth(4).unwrap().rsplit(' ').next().unwrap();
        let bytes = data_encoding::BASE64.decode(line.as_bytes()).unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes[..4]), vectors.checkpoint_key_id);
    }
    for vector in &vectors.invalid_checkpoints {
        let error = Checkpoint::verify(vector.checkpoint.as_bytes(), &log_key()).expect_err(&vector.name);
        assert_eq!(error.code(), "checkpoint", "{}", vector.name);
    }
}

#[test]
fn proofs() {
    let vectors = Vectors::read();
    let log = vectors.log(20);
    for vector in &vectors.inclusion {
        let checkpoint = vectors.checkpoint(vector.size);
        let made = InclusionProof::make(&log, vector.index, &checkpoint).unwrap();
        assert_eq!(made.to_text(), vector.proof, "{} of {}", vector.index, vector.size);
        let read = InclusionProof::parse(vector.proof.as_bytes()).unwrap();
        assert_eq!(read.verify(log.leaf(vector.index).unwrap(), &log_key()).unwrap(), checkpoint);
    }
    for vector in &vectors.consistency {
        let (older, newer) = (vectors.checkpoint(vector.old), vectors.checkpoint(vector.new));
        let made = ConsistencyProof::make(&log, &older, &newer).unwrap();
        assert_eq!(made.to_text(), vector.proof, "{} to {}", vector.old, vector.new);
        ConsistencyProof::parse(vector.proof.as_bytes()).unwrap().verify(&older, &newer).unwrap();
    }
    let leaf = log.leaf(4).unwrap();
    let (older, newer) = (vectors.checkpoint(13), vectors.checkpoint(20));
    for vector in &vectors.invalid_proofs {
        let bytes = vector.proof.as_bytes();
        let inclusion = InclusionProof::parse(bytes).and_then(|proof| proof.verify(leaf, &log_key()));
        assert!(inclusion.is_err(), "{}", vector.name);
        let consistency = ConsistencyProof::parse(bytes).and_then(|proof| proof.verify(&older, &newer));
        assert!(consistency.is_err(), "{}", vector.name);
    }
}

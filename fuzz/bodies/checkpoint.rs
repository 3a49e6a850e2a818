//! Bytes that claim to be a checkpoint or a proof: what is read is written as the same bytes, and nothing is taken on
//! the word of whoever has not the key.

use std::sync::OnceLock;

use stapel::audit::{
    Checkpoint, ConsistencyProof, InclusionProof, Log, LogKey, UnverifiedCheckpoint, follow, leaf_hash,
};
use stapel::policy::Policy;
use stapel_testkit::{checkpoint_key, sample_policy_text};

pub fn run(data: &[u8]) {
    let Fixture { name, log, signed } = fixture();
    if let Ok(checkpoint) = UnverifiedCheckpoint::parse(data) {
        assert_eq!(checkpoint.to_text().as_bytes(), data, "a checkpoint has one form");
    }
    if let Ok(checkpoint) = Checkpoint::verify(data, name) {
        assert_eq!(checkpoint.as_bytes(), data);
        assert!(signed.iter().any(|own| (own.size(), own.root()) == (checkpoint.size(), checkpoint.root())));
    }
    if let Ok(proof) = InclusionProof::parse(data) {
        assert_eq!(proof.to_text().as_bytes(), data, "a proof has one form");
        for index in 0..log.size() {
            if proof.verify(log.leaf(index).expect("it is there"), name).is_ok() {
                assert_eq!(proof.index(), index, "a line is in one place");
            }
        }
    }
    if let Ok(proof) = ConsistencyProof::parse(data) {
        assert_eq!(proof.to_text().as_bytes(), data, "a proof has one form");
        for pair in signed.windows(2) {
            if proof.verify(&pair[0], &pair[1]).is_ok() {
                assert_eq!(
                    Ok(proof.to_text()),
                    ConsistencyProof::make(log, &pair[0], &pair[1]).map(|it| it.to_text()).map_err(drop)
                );
            }
        }
    }
    let kept = signed[1].as_bytes();
    if let Ok(followed) = follow(Some(kept), data, &[], name) {
        let followed = followed.expect("a log that was there is still");
        assert_eq!((followed.size(), followed.root()), (signed[1].size(), signed[1].root()), "more needs a proof");
    }
}

/// Checkpoints and proofs to begin from.
#[allow(dead_code, reason = "the fuzz target has a corpus of its own")]
pub fn seeds() -> Vec<Vec<u8>> {
    let Fixture { log, signed, .. } = fixture();
    let newest = signed.last().expect("there are some");
    let mut seeds: Vec<Vec<u8>> = signed.iter().map(|checkpoint| checkpoint.as_bytes().to_vec()).collect();
    for index in 0..log.size() {
        seeds.push(InclusionProof::make(log, index, newest).expect("it is there").to_text().into_bytes());
    }
    for pair in signed.windows(2) {
        let proof = ConsistencyProof::make(log, &pair[0], &pair[1]).expect("it grew");
        seeds.push(proof.to_text().into_bytes());
    }
    seeds
}

struct Fixture {
    name: LogKey,
    log: Log,
    signed: Vec<Checkpoint>,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let policy = Policy::parse(&sample_policy_text()).expect("the sample is a policy");
        let name = LogKey::of(&policy);
        let key = checkpoint_key();
        let leaf = |line: u8| leaf_hash(&[line]);
        let sign = |size: u8| Checkpoint::sign(&(0..size).map(leaf).collect(), &name, &key).expect("its key");
        let signed = [0, 3, 4, 11].map(sign).to_vec();
        Fixture { log: (0..11).map(leaf).collect(), signed, name }
    })
}

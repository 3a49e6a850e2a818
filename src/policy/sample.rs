//! The sample policy, with keys that everybody knows: for tests.

use std::fs;

use tempfile::TempDir;

use super::{Policy, PolicySignature, SignedPolicy};
use crate::secret::{Scope, Secret, SecretFile, SigningKey};

/// Its text: four partners of four organisations, which flag and ask.
pub(crate) const TEXT: &str = super::SAMPLE;

/// The sample.
pub(crate) fn policy() -> Policy {
    Policy::parse(TEXT).unwrap()
}

/// The sample's text with pieces of it replaced, each of which must be there.
pub(crate) fn changed_text(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(TEXT.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the sample has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// The sample with pieces of its text replaced.
pub(crate) fn changed(changes: &[(&str, &str)]) -> Policy {
    Policy::parse(&changed_text(changes)).unwrap()
}

/// The sample in force, signed by all four.
pub(crate) fn signed() -> SignedPolicy {
    signed_by_all(policy())
}

/// A policy in force, signed with the keys of partners 1 to 4.
pub(crate) fn signed_by_all(policy: Policy) -> SignedPolicy {
    let signatures: Vec<_> =
        (1..=4).map(|number| PolicySignature::sign(&policy, &partner_key(number)).unwrap()).collect();
    SignedPolicy::verify(policy, &signatures).unwrap()
}

/// A folder with a policy, `policy.toml`, and the signatures of partners 1 to 4.
pub(crate) fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, text).unwrap();
    let policy = Policy::parse(text).unwrap();
    for number in 1..=4 {
        let signature = PolicySignature::sign(&policy, &partner_key(number)).unwrap();
        fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
    }
    folder
}

/// The key of a partner, by number.
pub(crate) fn partner_key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

/// The key of the broker's replies.
pub(crate) fn operator_key() -> SigningKey {
    SigningKey::from_seed(&[0xb0; 32]).unwrap()
}

/// The key of the log's checkpoints.
pub(crate) fn checkpoint_key() -> SigningKey {
    SigningKey::from_seed(&[0xc0; 32]).unwrap()
}

/// The secret of an epoch, as partners hold it. The sample has epoch 1.
pub(crate) fn secret_file(epoch: u8) -> SecretFile {
    let scope = Scope { purpose: policy().purpose.clone(), epoch: epoch.into() };
    SecretFile { scope, secret: Secret::from_bytes([0x70 + epoch; 32]) }
}

#[test]
fn the_sample_has_the_keys_it_says() {
    let policy = policy();
    for partner in &policy.partners {
        assert_eq!(partner.verifying_key, partner_key(partner.number as u8).verifying_key());
    }
    assert_eq!(policy.operator.verifying_key, operator_key().verifying_key());
    assert_eq!(policy.operator.checkpoint_key, checkpoint_key().verifying_key());
}

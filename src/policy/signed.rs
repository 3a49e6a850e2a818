//! A policy that is in force: it is safe, and enough organisations have signed it.

use std::collections::BTreeSet;

use super::error::PolicyError;
use super::model::Policy;
use super::signature::{PolicySignature, refuse_unsafe};
use crate::digest::Digest;
use crate::slug::Slug;

/// The most names that an error lists.
const MAX_LISTED: usize = 20;

/// A policy that is safe and bears the signatures it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPolicy {
    policy: Policy,
    digest: Digest,
    signed_by: BTreeSet<Slug>,
}

impl SignedPolicy {
    /// Takes a policy into force: it must be safe, and as many distinct organisations of its roster must have signed it
    /// as it asks for; all of them where it says that others are void. Signatures that do not hold are not counted.
    ///
    /// Only the first policy is taken in this way, on the word of whoever hands it over. A later one comes through
    /// [`SignedPolicy::succeed`].
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicyUnsafe`] and [`PolicyError::PolicySignatures`].
    pub fn verify(policy: Policy, signatures: &[PolicySignature]) -> Result<SignedPolicy, PolicyError> {
        refuse_unsafe(&policy)?;
        let digest = policy.digest();
        let needed = policy.signatures_for(&policy);
        let signed_by = signers(&policy, digest, signatures, needed, "its own roster")?;
        Ok(SignedPolicy { policy, digest, signed_by })
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The organisations of its own roster whose signatures hold.
    pub fn signed_by(&self) -> &BTreeSet<Slug> {
        &self.signed_by
    }
}

/// The organisations of `policy`'s roster that signed `digest`; an error where there are fewer than `needed`.
///
/// `roster` is what the error calls that roster.
pub(super) fn signers(
    policy: &Policy,
    digest: Digest,
    signatures: &[PolicySignature],
    needed: usize,
    roster: &str,
) -> Result<BTreeSet<Slug>, PolicyError> {
    let keys = policy.organisations.iter().map(|one| (one.policy_key, &one.slug)).collect();
    let mut signed_by = BTreeSet::new();
    let mut aside = Vec::new();
    for signature in signatures.iter().filter(|signature| !signature.is_veto()) {
        match signature.verify(&keys, digest) {
            Ok(()) => _ = signed_by.insert(signature.organisation.clone()),
            Err(why) => aside.push(format!("{} ({why})", signature.organisation)),
        }
    }
    if signed_by.len() >= needed {
        return Ok(signed_by);
    }
    let missing = policy.organisations.iter().map(|one| &one.slug).filter(|slug| !signed_by.contains(*slug));
    let mut finding = format!(
        "it needs the signatures of {needed} organisations under {roster} and bears those of {}: {}; missing: {}",
        signed_by.len(),
        listed(signed_by.iter()),
        listed(missing),
    );
    if !aside.is_empty() {
        finding.push_str(&format!("; set aside: {}", listed(aside.iter())));
    }
    finding.push_str("; let who is missing run `stapel policy sign`");
    Err(PolicyError::PolicySignatures { finding })
}

fn listed(items: impl Iterator<Item = impl ToString>) -> String {
    let mut items: Vec<_> = items.map(|item| item.to_string()).collect();
    let more = items.len().saturating_sub(MAX_LISTED);
    items.truncate(MAX_LISTED);
    match (items.is_empty(), more) {
        (true, _) => "none".into(),
        (false, 0) => items.join(", "),
        (false, more) => format!("{} and {more} more", items.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn sign(policy: &Policy, names: &[&str]) -> Vec<PolicySignature> {
        names.iter().map(|name| PolicySignature::sign(policy, &sample::policy_key(name)).unwrap()).collect()
    }

    #[test]
    fn in_force_with_all_signatures_only() {
        let policy = sample::policy();
        let all = sign(&policy, &sample::ORGANISATIONS);
        let signed = SignedPolicy::verify(policy.clone(), &all).unwrap();
        assert_eq!((signed.digest(), signed.signed_by().len()), (policy.digest(), 4));
        let error = SignedPolicy::verify(policy.clone(), &all[..3]).unwrap_err();
        assert_eq!(error.code(), "policy_signatures");
        assert!(error.to_string().contains("missing: zaanwonen;"), "{error}");
        let twice = [&all[..3], &all[..1]].concat();
        assert_eq!(SignedPolicy::verify(policy, &twice).unwrap_err().code(), "policy_signatures");
    }

    #[test]
    fn two_systems_of_one_organisation_sign_once() {
        let changes = [
            ("organisation = \"gemeente-zaanstad\"", "organisation = \"politie\""),
            (sample::entry_of("gemeente-zaanstad"), ""),
        ];
        let policy = sample::changed(&changes);
        assert_eq!((policy.organisations.len(), policy.partners.len(), policy.changes.signatures), (3, 4, 3));
        let all = sign(&policy, &["politie", "belastingdienst", "zaanwonen"]);
        let twice = [&all[..2], &all[..1]].concat();
        assert_eq!(SignedPolicy::verify(policy.clone(), &twice).unwrap_err().code(), "policy_signatures");
        assert!(SignedPolicy::verify(policy, &all).is_ok());
    }

    #[test]
    fn what_does_not_hold_is_set_aside_and_said() {
        let policy = sample::policy();
        let good = sign(&policy, &sample::ORGANISATIONS);
        let refused = |signature: PolicySignature, why: &str| {
            let mut signatures = good.clone();
            signatures[3] = signature.clone();
            let error = SignedPolicy::verify(policy.clone(), &signatures).unwrap_err();
            assert_eq!(error.code(), "policy_signatures");
            assert!(error.to_string().contains(why), "{error}");
            signatures.push(good[3].clone());
            assert!(SignedPolicy::verify(policy.clone(), &signatures).is_ok(), "a bad one spoils nothing");
        };
        let mut altered = good[3].clone();
        altered.signature[0] ^= 1;
        refused(altered, "zaanwonen (it was altered)");
        let other = sample::changed(&[("threshold = 2", "threshold = 3")]);
        refused(sign(&other, &["zaanwonen"]).remove(0), "over another text");
        let mut relabelled = good[2].clone();
        relabelled.organisation = good[3].organisation.clone();
        refused(relabelled, "not that organisation's");
        let mut redigested = sign(&other, &["zaanwonen"]).remove(0);
        redigested.digest = policy.digest();
        refused(redigested, "it was altered");
    }

    #[test]
    fn what_is_unsafe_is_neither_signed_nor_in_force() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 1")]);
        let police = sample::policy_key("politie");
        assert_eq!(PolicySignature::sign(&policy, &police).unwrap_err().code(), "policy_unsafe");
        let error = SignedPolicy::verify(policy, &[]).unwrap_err();
        assert_eq!(error.code(), "policy_unsafe");
        assert!(error.to_string().contains("\n- threshold: "), "{error}");
    }
}

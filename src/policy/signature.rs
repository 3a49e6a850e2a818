//! One organisation's signature or veto over a policy: making it, its text, and whether it holds.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::error::PolicyError;
use super::explain::Lang;
use super::model::Policy;
use crate::digest::Digest;
use crate::hex::from_hex;
use crate::label;
use crate::secret::{Signature, SigningKey, VerifyingKey};
use crate::slug::Slug;

/// The most bytes of a signature's file that are read. The longest there can be has 335.
pub(super) const MAX_SIGNATURE_TEXT: usize = 1_024;

/// An organisation's Ed25519 signature over a policy's digest, by its policy key: that it agrees to that policy, or
/// that it vetoes every version that follows that policy and says its key is lost. Only
/// [`SignedPolicy`](super::SignedPolicy) verifies it: until then it says what it claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySignature {
    says: Says,
    pub(super) organisation: Slug,
    key: VerifyingKey,
    pub(super) digest: Digest,
    pub(super) signature: Signature,
}

/// What a signature over a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Agreed,
    Vetoed,
}

impl Says {
    const ALL: [Says; 2] = [Says::Agreed, Says::Vetoed];

    /// The first line of its file, without the version.
    fn header(self) -> &'static str {
        match self {
            Says::Agreed => "stapel-policy-signature ",
            Says::Vetoed => "stapel-policy-veto ",
        }
    }

    /// What is signed: a label, so that no other signature of the same key is one over a policy, and the digest.
    fn signed_bytes(self, digest: &Digest) -> Vec<u8> {
        let label = match self {
            Says::Agreed => label::SIGN_POLICY,
            Says::Vetoed => label::SIGN_VETO,
        };
        [label.as_slice(), &digest.0].concat()
    }
}

impl PolicySignature {
    /// Signs a policy with the policy key of one of its organisations.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is none of these; [`PolicyError::PolicyUnsafe`] where
    /// [`Policy::check`] refuses.
    pub fn sign(policy: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        PolicySignature::sign_under(policy, policy, key)
    }

    /// Signs `newer` with a policy key of `in_force`, the policy that it is to follow. An organisation that leaves, or
    /// that has another key in the newer policy, agrees to it in this way.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is not in that policy; [`PolicyError::PolicyUnsafe`] where
    /// [`Policy::check`] refuses.
    pub fn sign_under(newer: &Policy, in_force: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        refuse_unsafe(newer)?;
        PolicySignature::make(Says::Agreed, newer, in_force, key)
    }

    /// Vetoes every version that follows `in_force` and says that this policy key of it is lost. Neither a broker nor a
    /// partner that has the veto takes one: so a version that was vetoed is not handed out anew in other words.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is not in that policy.
    pub fn veto(in_force: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        PolicySignature::make(Says::Vetoed, in_force, in_force, key)
    }

    /// A signature over `policy`, by the organisation whose key it is in `roster`.
    fn make(says: Says, policy: &Policy, roster: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        let verifying_key = key.verifying_key();
        let organisation = roster.organisations.iter().find(|organisation| organisation.policy_key == verifying_key);
        let organisation = organisation.ok_or_else(|| PolicyError::PolicySignature {
            finding: format!("the key {verifying_key} is no organisation's policy key; sign with one of these"),
        })?;
        let digest = policy.digest();
        let signature = key.sign(&says.signed_bytes(&digest));
        Ok(PolicySignature { says, organisation: organisation.slug.clone(), key: verifying_key, digest, signature })
    }

    /// Whether it is a veto.
    pub fn is_veto(&self) -> bool {
        self.says == Says::Vetoed
    }

    /// The organisation that the signature claims to be of.
    pub fn organisation(&self) -> &Slug {
        &self.organisation
    }

    /// The key that it claims to be made with.
    pub fn key(&self) -> VerifyingKey {
        self.key
    }

    /// The digest of the policy that it claims to be over.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Reads a signature's text: exactly the five lines that [`PolicySignature::to_text`] writes.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`], naming the line.
    pub fn parse(text: &str) -> Result<PolicySignature, PolicyError> {
        let wrong = |finding: &str| PolicyError::PolicySignature { finding: finding.to_owned() };
        if text.len() > MAX_SIGNATURE_TEXT {
            return Err(wrong("it is too long to be a signature's file"));
        }
        if text.starts_with('\u{feff}') {
            return Err(wrong(
                "it begins with a byte order mark, which an editor put there; give it as it was written",
            ));
        }
        if text.contains('\r') {
            return Err(wrong(
                "its lines end in CR LF and not in LF, as an editor or mail made them; give it as it was written",
            ));
        }
        let mut lines = text.split_inclusive('\n');
        let mut line = |prefix: &str, problem: &str| {
            let line = lines.next().and_then(|line| line.strip_suffix('\n')).and_then(|line| line.strip_prefix(prefix));
            line.ok_or_else(|| wrong(problem))
        };
        let first = line("", "line 1 does not end; give the file as it was written")?;
        let said = Says::ALL.into_iter().find_map(|says| Some((says, first.strip_prefix(says.header())?)));
        let (says, version) = said.ok_or_else(|| {
            wrong("line 1 is not 'stapel-policy-signature v1', nor a veto's; give the file as it was written")
        })?;
        if version != "v1" {
            return Err(wrong("line 1 names another version; this version reads v1"));
        }
        let organisation = line("organisation: ", "line 2 does not begin with 'organisation: '")?;
        let key = line("key: ", "line 3 does not begin with 'key: '")?;
        let digest = line("digest: ", "line 4 does not begin with 'digest: '")?;
        let signature = line("signature: ", "line 5 does not begin with 'signature: '")?;
        if lines.next().is_some() {
            return Err(wrong("there is more after line 5; give the file as it was written"));
        }
        Ok(PolicySignature {
            says,
            organisation: organisation.parse().map_err(|_| wrong("line 2 does not name an organisation"))?,
            key: VerifyingKey::from_hex(key).ok_or_else(|| wrong("line 3 needs 64 lower-case hex digits"))?,
            digest: digest.parse().map_err(|_| wrong("line 4 needs 64 lower-case hex digits"))?,
            signature: from_hex(signature).ok_or_else(|| wrong("line 5 needs 128 lower-case hex digits"))?,
        })
    }

    /// The signature as text, for a file beside the policy.
    pub fn to_text(&self) -> String {
        let (header, organisation, key, digest) = (self.says.header(), &self.organisation, self.key, self.digest);
        let signature = HEXLOWER.encode(&self.signature);
        format!("{header}v1\norganisation: {organisation}\nkey: {key}\ndigest: {digest}\nsignature: {signature}\n")
    }

    /// Checks that this is a signature over `digest` by an organisation of the roster, or says why it is not.
    pub(super) fn verify(&self, roster: &BTreeMap<VerifyingKey, &Slug>, digest: Digest) -> Result<(), &'static str> {
        if self.digest != digest {
            Err("it is over another text than this one")
        } else if roster.get(&self.key) != Some(&&self.organisation) {
            Err("its key is not that organisation's policy key")
        } else if !self.key.verifies(&self.says.signed_bytes(&digest), &self.signature) {
            Err("it was altered")
        } else {
            Ok(())
        }
    }
}

/// Nobody signs a policy that must not be in force, and nobody takes it into force.
pub(super) fn refuse_unsafe(policy: &Policy) -> Result<(), PolicyError> {
    let check = policy.check();
    let refusals: Vec<_> =
        check.standing().map(|refusal| format!("{}: {}", refusal.rule, refusal.text(Lang::En))).collect();
    if refusals.is_empty() { Ok(()) } else { Err(PolicyError::PolicyUnsafe { refusals }) }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// The online keys of partners and operator sign messages and nothing else.
    #[test]
    fn only_a_policy_key_signs() {
        for other in [sample::partner_key(1), sample::operator_key(), sample::checkpoint_key()] {
            let error = PolicySignature::sign(&sample::policy(), &other).unwrap_err();
            assert_eq!(error.code(), "policy_signature");
        }
    }

    #[test]
    fn text_comes_back_and_every_change_of_it_is_refused_or_counts_for_nothing() {
        let policy = sample::policy();
        let signature = PolicySignature::sign(&policy, &sample::policy_key("politie")).unwrap();
        let text = signature.to_text();
        assert_eq!(PolicySignature::parse(&text).unwrap(), signature);
        let keys = policy.organisations.iter().map(|one| (one.policy_key, &one.slug)).collect();
        assert_eq!(signature.verify(&keys, policy.digest()), Ok(()));
        for at in 0..text.len() {
            assert_eq!(PolicySignature::parse(&text[..at]).unwrap_err().code(), "policy_signature", "cut at {at}");
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = PolicySignature::parse(std::str::from_utf8(&bytes).unwrap()) else { continue };
            assert_ne!(changed.verify(&keys, policy.digest()), Ok(()), "byte {at}");
        }
        for longer in [format!("{text}\n"), format!("{text}a"), text.replace('\n', "\r\n"), text.replace("v1", "v12")] {
            assert_eq!(PolicySignature::parse(&longer).unwrap_err().code(), "policy_signature", "{longer}");
        }
        for (altered, said) in
            [(text.replace('\n', "\r\n"), "end in CR LF"), (format!("\u{feff}{text}"), "a byte order mark")]
        {
            let error = PolicySignature::parse(&altered).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}

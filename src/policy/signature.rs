//! One organisation's signature over a policy: making it, its text, and whether it holds.

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

const HEADER: &str = "stapel-policy-signature v1";

/// The most bytes of a signature's file that are read. The longest there can be has 335.
pub(super) const MAX_SIGNATURE_TEXT: usize = 1_024;

/// An organisation's Ed25519 signature over a policy's digest. Only [`SignedPolicy`](super::SignedPolicy) verifies it:
/// until then it says what it claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySignature {
    pub(super) organisation: Slug,
    key: VerifyingKey,
    pub(super) digest: Digest,
    pub(super) signature: Signature,
}

impl PolicySignature {
    /// Signs a policy with the key of a partner in its roster, for that partner's organisation.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is not in the roster; [`PolicyError::PolicyUnsafe`] where
    /// [`Policy::check`] refuses.
    pub fn sign(policy: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        PolicySignature::sign_under(policy, policy, key)
    }

    /// Signs `newer` with the key of a partner of `in_force`, the policy that it is to follow. An organisation that
    /// leaves, or that has another key in the newer policy, agrees to it in this way.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is not in that roster; [`PolicyError::PolicyUnsafe`] where
    /// [`Policy::check`] refuses.
    pub fn sign_under(newer: &Policy, in_force: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        refuse_unsafe(newer)?;
        let verifying_key = key.verifying_key();
        let partner = in_force.partners.iter().find(|partner| partner.verifying_key == verifying_key);
        let partner = partner.ok_or_else(|| PolicyError::PolicySignature {
            finding: format!("the key {verifying_key} is not in the roster; sign with the key of one of its partners"),
        })?;
        let digest = newer.digest();
        let signature = key.sign(&signed_bytes(&digest));
        Ok(PolicySignature { organisation: partner.organisation.clone(), key: verifying_key, digest, signature })
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
        let header = line(HEADER, "line 1 is not 'stapel-policy-signature v1'; give the file as it was written")?;
        if !header.is_empty() {
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
            organisation: organisation.parse().map_err(|_| wrong("line 2 does not name an organisation"))?,
            key: VerifyingKey::from_hex(key).ok_or_else(|| wrong("line 3 needs 64 lower-case hex digits"))?,
            digest: digest.parse().map_err(|_| wrong("line 4 needs 64 lower-case hex digits"))?,
            signature: from_hex(signature).ok_or_else(|| wrong("line 5 needs 128 lower-case hex digits"))?,
        })
    }

    /// The signature as text, for a file beside the policy.
    pub fn to_text(&self) -> String {
        let (organisation, key, digest) = (&self.organisation, self.key, self.digest);
        let signature = HEXLOWER.encode(&self.signature);
        format!("{HEADER}\norganisation: {organisation}\nkey: {key}\ndigest: {digest}\nsignature: {signature}\n")
    }

    /// Checks that this is a signature over `digest` by an organisation of the roster, or says why it is not.
    pub(super) fn verify(&self, roster: &BTreeMap<VerifyingKey, &Slug>, digest: Digest) -> Result<(), &'static str> {
        if self.digest != digest {
            Err("it is over another text than this one")
        } else if roster.get(&self.key) != Some(&&self.organisation) {
            Err("its key is not one of that organisation's in the roster")
        } else if !self.key.verifies(&signed_bytes(&digest), &self.signature) {
            Err("it was altered")
        } else {
            Ok(())
        }
    }
}

/// What is signed: a label, so that no other signature of the same key is one over a policy, and the policy's digest.
fn signed_bytes(digest: &Digest) -> Vec<u8> {
    [label::SIGN_POLICY.as_slice(), &digest.0].concat()
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

    #[test]
    fn an_old_key_signs_nothing() {
        let old = sample::partner_key(99).verifying_key();
        let line = format!("sees = \"presence\"\nold_key = {{ verifying_key = \"{old}\", until = 2026-12-31 }}");
        let policy = sample::changed(&[("sees = \"presence\"", &line)]);
        let error = PolicySignature::sign(&policy, &sample::partner_key(99)).unwrap_err();
        assert_eq!(error.code(), "policy_signature");
        assert_eq!(PolicySignature::sign(&policy, &sample::operator_key()).unwrap_err().code(), "policy_signature");
    }

    #[test]
    fn text_comes_back_and_every_change_of_it_is_refused_or_counts_for_nothing() {
        let policy = sample::policy();
        let signature = PolicySignature::sign(&policy, &sample::partner_key(1)).unwrap();
        let text = signature.to_text();
        assert_eq!(PolicySignature::parse(&text).unwrap(), signature);
        let keys = policy.partners.iter().map(|p| (p.verifying_key, &p.organisation)).collect();
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

//! Signatures of organisations over a policy, and which policy may take the place of which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

use super::error::PolicyError;
use super::explain::Lang;
use super::model::{Epoch, Policy};
use super::text::MAX_TEXT;
use crate::day::Day;
use crate::digest::Digest;
use crate::files::io;
use crate::label;
use crate::secret::{Signature, SigningKey, VerifyingKey, from_hex};
use crate::slug::Slug;
use crate::system::SystemError;

const HEADER: &str = "stapel-policy-signature v1";

/// A signature's file takes 335 bytes at most.
const MAX_SIGNATURE_TEXT: usize = 1_024;

/// So many names an error lists.
const MAX_LISTED: usize = 20;

/// An organisation's signature over a policy's digest: not verified, save by [`SignedPolicy`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySignature {
    organisation: Slug,
    key: VerifyingKey,
    digest: Digest,
    signature: Signature,
}

/// A policy that is safe and bears the signatures it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPolicy {
    policy: Policy,
    digest: Digest,
    signed_by: BTreeSet<Slug>,
}

impl PolicySignature {
    /// Signs a policy with the key of a partner in its roster, for that partner's organisation.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is not in the roster; [`PolicyError::PolicyUnsafe`] where [`Policy::check`] refuses.
    pub fn sign(policy: &Policy, key: &SigningKey) -> Result<PolicySignature, PolicyError> {
        PolicySignature::sign_under(policy, policy, key)
    }

    /// Signs `newer` with the key of a partner of `in_force`, the policy that it is to follow: for an organisation that leaves,
    /// or whose key is another in the newer one.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is not in that roster; [`PolicyError::PolicyUnsafe`] where [`Policy::check`] refuses.
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

    /// The organisation that is said to have signed.
    pub fn organisation(&self) -> &Slug {
        &self.organisation
    }

    /// The key that is said to have signed.
    pub fn key(&self) -> VerifyingKey {
        self.key
    }

    /// The digest of the policy that is said to be signed.
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

    /// Where this signature belongs: `policy.toml.<organisation>.sig` beside `policy.toml`.
    pub fn path_beside(&self, policy: &Path) -> PathBuf {
        let mut name = policy.as_os_str().to_owned();
        name.push(format!(".{}.sig", self.organisation));
        name.into()
    }

    /// As [`PolicySignature::path_beside`], apart from the organisation's signatures with other keys: one that changes its key signs
    /// with both.
    pub(crate) fn path_of_key_beside(&self, policy: &Path) -> PathBuf {
        let mut name = policy.as_os_str().to_owned();
        name.push(format!(".{}.{}.sig", self.organisation, self.key));
        name.into()
    }

    /// Reads every signature beside a policy's file: the files whose names are the policy's, a dot, and anything that ends in
    /// `.sig`. They are ordered by name.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`], and [`PolicyError::PolicySignature`], naming the file, where one cannot be read.
    pub fn read_beside(policy: &Path) -> Result<Vec<PolicySignature>, PolicyError> {
        let folder = match policy.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let prefix = format!("{}.", policy.file_name().unwrap_or_default().to_string_lossy());
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|source| io("read", folder, source))? {
            let path = entry.map_err(|source| io("read", folder, source))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(&prefix) && name.ends_with(".sig") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| PolicySignature::read(path)).collect()
    }

    fn read(path: &Path) -> Result<PolicySignature, PolicyError> {
        let named = |finding: &dyn std::fmt::Display| PolicyError::PolicySignature {
            finding: format!("{}: {finding}", path.display()),
        };
        let bytes = read_up_to(path, MAX_SIGNATURE_TEXT)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| named(&"it is not text"))?;
        PolicySignature::parse(text).map_err(|error| match error {
            PolicyError::PolicySignature { finding } => named(&finding),
            other => other,
        })
    }

    /// Why this is not a signature of one of the roster's organisations over `digest`; `Ok` if it is.
    fn verify(&self, roster: &BTreeMap<VerifyingKey, &Slug>, digest: Digest) -> Result<(), &'static str> {
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

impl SignedPolicy {
    /// Takes a policy into force: it must be safe and bear the signatures of as many distinct organisations of its roster as
    /// it asks for. Signatures that do not hold are not counted.
    ///
    /// This is for the first policy that one takes, on the word of whoever hands it over; a later one comes through
    /// [`SignedPolicy::succeed`].
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicyUnsafe`] and [`PolicyError::PolicySignatures`].
    pub fn verify(policy: Policy, signatures: &[PolicySignature]) -> Result<SignedPolicy, PolicyError> {
        refuse_unsafe(&policy)?;
        let digest = policy.digest();
        let signed_by = signers(&policy, digest, signatures, policy.changes.signatures.into(), "its own roster")?;
        Ok(SignedPolicy { policy, digest, signed_by })
    }

    /// Takes a newer policy into force in the place of this one. Beyond what [`SignedPolicy::verify`] asks, it must follow this
    /// one, and this one's organisations must have signed it under this one's keys, so that nobody replaces the roster alone.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySuccessor`], [`PolicyError::PolicyUnsafe`] and [`PolicyError::PolicySignatures`].
    pub fn succeed(&self, newer: Policy, signatures: &[PolicySignature]) -> Result<SignedPolicy, PolicyError> {
        self.refuse_stranger(&newer)?;
        let newer = SignedPolicy::verify(newer, signatures)?;
        let approved =
            signers(&self.policy, newer.digest, signatures, self.approvals(&newer.policy), "the roster in force")?;
        self.refuse_taken_over(&newer.policy, &approved)?;
        Ok(newer)
    }

    /// Reads a policy's file and the signatures beside it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`], [`PolicyError::PolicyText`], [`PolicyError::PolicySignature`], [`PolicyError::PolicyUnsafe`], [`PolicyError::PolicySignatures`].
    pub fn read(path: &Path) -> Result<SignedPolicy, PolicyError> {
        SignedPolicy::verify(Policy::read(path)?, &PolicySignature::read_beside(path)?)
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The organisations whose signatures hold.
    pub fn signed_by(&self) -> &BTreeSet<Slug> {
        &self.signed_by
    }

    /// Whether `newer` may be adopted on a day: it must not let an epoch close later that has closed by then.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySuccessor`].
    pub(crate) fn refuse_reopened(&self, newer: &Policy, today: Day) -> Result<(), PolicyError> {
        let reopened = shared_epochs(&self.policy, newer)
            .find(|(known, epoch)| known.closes < today && epoch.closes > known.closes);
        reopened.map_or(Ok(()), |(known, _)| Err(PolicyError::PolicySuccessor { finding: stays_closed(known) }))
    }

    /// How many of this policy's organisations must have signed `newer`: as many as it asks for itself, but those that leave
    /// cannot block it, and fewer than a majority are never enough.
    fn approvals(&self, newer: &Policy) -> usize {
        let own = self.policy.organisation_names();
        let remaining = newer.organisation_names().intersection(&own).count();
        remaining.max(own.len() / 2 + 1).min(self.policy.changes.signatures.into())
    }

    fn refuse_stranger(&self, newer: &Policy) -> Result<(), PolicyError> {
        let old = &self.policy;
        let wrong = |finding: String| Err(PolicyError::PolicySuccessor { finding });
        if newer.consortium != old.consortium || newer.purpose != old.purpose {
            return wrong(format!(
                "it is of '{}' for '{}', and the one in force of '{}' for '{}'; another purpose is another consortium",
                newer.consortium, newer.purpose, old.consortium, old.purpose
            ));
        }
        if newer.version <= old.version {
            return wrong(format!("its version {} is not after {}", newer.version, old.version));
        }
        if newer.previous != Some(self.digest) {
            return wrong(format!(
                "it must name the digest of the one in force: previous = \"{}\"; where versions between the two were missed, adopt those first",
                self.digest
            ));
        }
        if newer.valid_from < old.valid_from {
            return wrong(format!(
                "it is valid from {}, before the one in force ({})",
                newer.valid_from, old.valid_from
            ));
        }
        for (known, epoch) in shared_epochs(old, newer) {
            if known.key_id != epoch.key_id {
                return wrong(format!("epoch {} has another key id; a new key is a new epoch", epoch.number));
            }
            if known.closes < newer.valid_from && epoch.closes != known.closes {
                return wrong(stays_closed(known));
            }
        }
        for partner in &newer.partners {
            if old.partner(partner.number).is_some_and(|known| known.organisation != partner.organisation) {
                return wrong(format!(
                    "partner {} is of another organisation; give a new partner a number never used before",
                    partner.number
                ));
            }
        }
        self.refuse_key_of_leavers(newer)
    }

    /// Who holds a partner's number can ask about its flags and withdraw them: others do not give its number another key.
    fn refuse_taken_over(&self, newer: &Policy, approved: &BTreeSet<Slug>) -> Result<(), PolicyError> {
        for partner in &newer.partners {
            let Some(known) = self.policy.partner(partner.number) else { continue };
            let is_new = |key| !known.all_keys().any(|before| before == key);
            if partner.all_keys().any(is_new) && !approved.contains(&partner.organisation) {
                return Err(PolicyError::PolicySignatures {
                    finding: format!(
                        "partner {} has another key in it, and '{}' has not signed with a key that it has in the roster in force; \
                         one that lost its keys gets a number never used before",
                        partner.number, partner.organisation
                    ),
                });
            }
        }
        Ok(())
    }

    /// Whoever left still holds the key of the epochs there were.
    fn refuse_key_of_leavers(&self, newer: &Policy) -> Result<(), PolicyError> {
        let (old, days) = (&self.policy, self.policy.changes.new_epoch_within_days);
        let stay = newer.organisation_names();
        let Some(leaver) = old.organisation_names().into_iter().find(|name| !stay.contains(name)) else {
            return Ok(());
        };
        let until = newer.valid_from.plus(days);
        let (known, new): (Vec<_>, Vec<_>) = newer.epochs.iter().partition(|e| old.epoch(e.number).is_some());
        if new.iter().any(|epoch| epoch.opens <= until) && known.iter().all(|epoch| epoch.closes <= until) {
            return Ok(());
        }
        let finding = format!(
            "'{leaver}' leaves and holds the key: within {days} days, so by {until}, a new epoch must open, and those that \
             it knows must close"
        );
        Err(PolicyError::PolicySuccessor { finding })
    }
}

impl Policy {
    /// Reads a policy's file, without its signatures.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`] and [`PolicyError::PolicyText`].
    pub fn read(path: &Path) -> Result<Policy, PolicyError> {
        Policy::read_with_text(path).map(|(policy, _)| policy)
    }

    /// As [`Policy::read`], with the text that was read: a copy of a policy that was verified is made of that, because the file may
    /// be another by then.
    pub(crate) fn read_with_text(path: &Path) -> Result<(Policy, String), PolicyError> {
        let text = String::from_utf8(read_up_to(path, MAX_TEXT)?).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            PolicyError::PolicyText {
                place: format!("line {line}"),
                finding: "it is not UTF-8; save it as UTF-8".into(),
            }
        })?;
        Ok((Policy::parse(&text)?, text))
    }
}

/// The epochs of which both have the number.
fn shared_epochs<'a>(old: &'a Policy, newer: &'a Policy) -> impl Iterator<Item = (&'a Epoch, &'a Epoch)> {
    newer.epochs.iter().filter_map(|epoch| Some((old.epoch(epoch.number)?, epoch)))
}

fn stays_closed(epoch: &Epoch) -> String {
    format!(
        "epoch {} closed on {}, and its keys are destroyed: leave its last day as it is, and open a new epoch",
        epoch.number, epoch.closes
    )
}

fn signed_bytes(digest: &Digest) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[..16].copy_from_slice(label::SIGN_POLICY);
    bytes[16..].copy_from_slice(&digest.0);
    bytes
}

fn refuse_unsafe(policy: &Policy) -> Result<(), PolicyError> {
    let check = policy.check();
    let refusals: Vec<_> =
        check.standing().map(|refusal| format!("{}: {}", refusal.rule, refusal.text(Lang::En))).collect();
    if refusals.is_empty() { Ok(()) } else { Err(PolicyError::PolicyUnsafe { refusals }) }
}

/// The organisations of `policy` that signed `digest`, if there are `needed` of them.
fn signers(
    policy: &Policy,
    digest: Digest,
    signatures: &[PolicySignature],
    needed: usize,
    roster: &str,
) -> Result<BTreeSet<Slug>, PolicyError> {
    let keys = policy.partners.iter().map(|partner| (partner.verifying_key, &partner.organisation)).collect();
    let mut signed_by = BTreeSet::new();
    let mut aside = Vec::new();
    for signature in signatures {
        match signature.verify(&keys, digest) {
            Ok(()) => _ = signed_by.insert(signature.organisation.clone()),
            Err(why) => aside.push(format!("{} ({why})", signature.organisation)),
        }
    }
    if signed_by.len() >= needed {
        return Ok(signed_by);
    }
    let missing = policy.organisation_names().into_iter().filter(|name| !signed_by.contains(*name));
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

/// A file's bytes, but no more of them than one over `limit`, so that the reader refuses it for its length.
fn read_up_to(path: &Path, limit: usize) -> Result<Vec<u8>, SystemError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| io("open", path, source))?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|source| io("read", path, source))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn sign(policy: &Policy, keys: &[u8]) -> Vec<PolicySignature> {
        keys.iter().map(|key| PolicySignature::sign(policy, &sample::partner_key(*key)).unwrap()).collect()
    }

    /// The sample's text as version 2, changed further.
    fn newer(changes: &[(&str, &str)]) -> Policy {
        let version = format!("version = 2\nprevious = \"{}\"", sample::policy().digest());
        let changes: Vec<_> = [("version = 1", version.as_str())].into_iter().chain(changes.iter().copied()).collect();
        sample::changed(&changes)
    }

    fn succeed(policy: &Policy, signatures: &[PolicySignature]) -> &'static str {
        sample::signed().succeed(policy.clone(), signatures).map_or_else(|error| error.code(), |_| "in force")
    }

    /// The sample's text without its last partner, as version 2.
    fn without_partner_4(changes: &[(&str, &str)]) -> Policy {
        let start = sample::TEXT.rfind("[[partner]]").unwrap();
        newer(&[&[(&sample::TEXT[start..], "")], changes].concat())
    }

    const NEW_EPOCH: (&str, &str) = (
        "closes = 2027-11-30",
        "closes = 2026-12-31\n[[epoch]]\nnumber = 2\nkey_id = \"0123456789abcdef\"\nopens = 2026-12-15\ncloses = 2027-06-30",
    );

    #[test]
    fn in_force_with_all_signatures_only() {
        let policy = sample::policy();
        let all = sign(&policy, &[1, 2, 3, 4]);
        let signed = SignedPolicy::verify(policy.clone(), &all).unwrap();
        assert_eq!((signed.digest(), signed.signed_by().len()), (policy.digest(), 4));
        let error = SignedPolicy::verify(policy.clone(), &all[..3]).unwrap_err();
        assert_eq!(error.code(), "policy_signatures");
        assert!(error.to_string().contains("missing: gemeente-zaanstad;"), "{error}");
        let twice = [&all[..3], &all[..1]].concat();
        assert_eq!(SignedPolicy::verify(policy, &twice).unwrap_err().code(), "policy_signatures");
    }

    #[test]
    fn two_systems_of_one_organisation_sign_once() {
        let changes = [
            ("organisation = \"gemeente-zaanstad\"", "organisation = \"politie\""),
            ("00000004000000000000", "00000001000000000000"),
            ("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]"),
        ];
        let policy = sample::changed(&changes);
        assert_eq!(policy.organisations(), 3);
        let error = SignedPolicy::verify(policy.clone(), &sign(&policy, &[1, 2, 4])).unwrap_err();
        assert_eq!(error.code(), "policy_signatures");
        assert!(SignedPolicy::verify(policy.clone(), &sign(&policy, &[2, 3, 4])).is_ok());
    }

    #[test]
    fn what_does_not_hold_is_set_aside_and_said() {
        let policy = sample::policy();
        let good = sign(&policy, &[1, 2, 3, 4]);
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
        refused(altered, "gemeente-zaanstad (it was altered)");
        let other = sample::changed(&[("threshold = 2", "threshold = 3")]);
        refused(sign(&other, &[4]).remove(0), "over another text");
        let mut relabelled = good[2].clone();
        relabelled.organisation = good[3].organisation.clone();
        refused(relabelled, "not one of that organisation's");
        let mut redigested = sign(&other, &[4]).remove(0);
        redigested.digest = policy.digest();
        refused(redigested, "it was altered");
    }

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
    fn what_is_unsafe_is_neither_signed_nor_in_force() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 1")]);
        assert_eq!(PolicySignature::sign(&policy, &sample::partner_key(1)).unwrap_err().code(), "policy_unsafe");
        let error = SignedPolicy::verify(policy, &[]).unwrap_err();
        assert_eq!(error.code(), "policy_unsafe");
        assert!(error.to_string().contains("\n- threshold: "), "{error}");
    }

    #[test]
    fn text_comes_back_and_every_change_of_it_is_refused_or_counts_for_nothing() {
        let policy = sample::policy();
        let signature = sign(&policy, &[1]).remove(0);
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
    }

    #[test]
    fn files_beside_the_policy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, sample::TEXT).unwrap();
        for signature in sign(&sample::policy(), &[1, 2, 3, 4]) {
            assert_eq!(SignedPolicy::read(&path).unwrap_err().code(), "policy_signatures");
            fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
        }
        assert!(folder.path().join("policy.toml.politie.sig").exists());
        assert_eq!(SignedPolicy::read(&path).unwrap(), sample::signed());
        fs::write(folder.path().join("other.toml.a.sig"), "of another policy").unwrap();
        assert!(SignedPolicy::read(&path).is_ok());
        fs::write(folder.path().join("policy.toml.b.sig"), "torn").unwrap();
        let error = SignedPolicy::read(&path).unwrap_err();
        assert!(error.code() == "policy_signature" && error.to_string().contains("policy.toml.b.sig"), "{error}");
        fs::write(&path, b"format = 1\n\xff").unwrap();
        let error = SignedPolicy::read(&path).unwrap_err();
        assert!(error.code() == "policy_text" && error.to_string().contains("line 2"), "{error}");
        assert_eq!(SignedPolicy::read(&folder.path().join("none.toml")).unwrap_err().code(), "io");
    }

    #[test]
    fn a_successor_names_the_one_before_and_is_signed_under_both_rosters() {
        let policy = newer(&[]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3, 4])), "in force");
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "policy_signatures");
        let version_5 = newer(&[("version = 2", "version = 5")]);
        assert_eq!(succeed(&version_5, &sign(&version_5, &[1, 2, 3, 4])), "in force");
    }

    #[test]
    fn a_stranger_is_no_successor() {
        let digest = sample::policy().digest().to_string();
        let id = sample::secret_file(1).key_id().to_string();
        for change in [
            ("consortium = \"zaanstad\"", "consortium = \"haarlem\""),
            ("purpose = \"ondermijning-zaanstad\"", "purpose = \"iets-anders\""),
            (digest.as_str(), &"0".repeat(64)),
            ("valid_from = 2026-12-01", "valid_from = 2026-11-30"),
            (id.as_str(), "0123456789abcdef"),
        ] {
            let policy = newer(&[change]);
            assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3, 4])), "policy_successor", "{change:?}");
        }
        let first = sample::policy();
        assert_eq!(succeed(&first, &sign(&first, &[1, 2, 3, 4])), "policy_successor");
        let second = sample::signed().succeed(newer(&[]), &sign(&newer(&[]), &[1, 2, 3, 4])).unwrap();
        let again = sample::changed(&[("version = 1", &format!("version = 2\nprevious = \"{}\"", second.digest()))]);
        assert_eq!(second.succeed(again.clone(), &sign(&again, &[1, 2, 3, 4])).unwrap_err().code(), "policy_successor");
    }

    #[test]
    fn an_epoch_that_has_closed_is_not_opened_again() {
        let longer = newer(&[("closes = 2027-11-30", "closes = 2027-12-31")]);
        let (last, after): (Day, Day) = ("2027-11-30".parse().unwrap(), "2027-12-01".parse().unwrap());
        assert!(sample::signed().refuse_reopened(&longer, last).is_ok());
        let error = sample::signed().refuse_reopened(&longer, after).unwrap_err();
        assert_eq!(error.code(), "policy_successor");
        assert!(error.to_string().contains("epoch 1 closed on 2027-11-30"), "{error}");
        assert!(sample::signed().refuse_reopened(&newer(&[]), after).is_ok());
    }

    #[test]
    fn a_number_stays_with_its_organisation() {
        let swapped = [("number = 3", "number = 9"), ("number = 4", "number = 3")];
        let policy = newer(&swapped);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3, 4])), "policy_successor");
    }

    #[test]
    fn who_leaves_need_not_sign_but_takes_the_key_along() {
        let policy = without_partner_4(&[]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "policy_successor", "no new epoch");
        let late = (NEW_EPOCH.0, &*NEW_EPOCH.1.replace("2026-12-31", "2027-01-01"));
        let policy = without_partner_4(&[late]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "policy_successor", "the old epoch closes late");
        let policy = without_partner_4(&[NEW_EPOCH]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "in force");
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2])), "policy_signatures");
    }

    /// One organisation makes a roster of itself and two inventions, all of which sign.
    #[test]
    fn nobody_replaces_the_roster_alone() {
        let key = |number| sample::partner_key(number).verifying_key().to_string();
        let (two, three, ten, eleven) = (key(2), key(3), key(10), key(11));
        let policy = without_partner_4(&[
            NEW_EPOCH,
            (&two, &ten),
            (&three, &eleven),
            ("organisation = \"belastingdienst\"", "organisation = \"verzonnen-een\""),
            ("organisation = \"zaanwonen\"", "organisation = \"verzonnen-twee\""),
            ("number = 2\nname", "number = 12\nname"),
            ("number = 3\nname", "number = 13\nname"),
        ]);
        let mut signatures = sign(&policy, &[1, 10, 11]);
        assert!(SignedPolicy::verify(policy.clone(), &signatures).is_ok());
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        // A majority of those in force may do it: three of four.
        let leaving = |number| PolicySignature::sign_under(&policy, &sample::policy(), &sample::partner_key(number));
        signatures.push(leaving(2).unwrap());
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        signatures.push(leaving(4).unwrap());
        assert_eq!(succeed(&policy, &signatures), "in force");
    }

    #[test]
    fn a_new_key_is_vouched_for_by_the_old_one() {
        let (old, new) = (sample::partner_key(2), sample::partner_key(22));
        let policy = newer(&[(&old.verifying_key().to_string(), &new.verifying_key().to_string())]);
        let mut signatures = sign(&policy, &[1, 22, 3, 4]);
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        signatures.push(PolicySignature::sign_under(&policy, &sample::policy(), &old).unwrap());
        assert_eq!(succeed(&policy, &signatures), "in force");
    }

    #[test]
    fn fewer_signatures_when_the_policy_in_force_says_so() {
        let three = [("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]")];
        let in_force = sample::changed(&three);
        let signed = SignedPolicy::verify(in_force.clone(), &sign(&in_force, &[1, 2, 4])).unwrap();
        let previous = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let policy = sample::changed(&[three[0], ("version = 1", &previous)]);
        assert!(signed.succeed(policy.clone(), &sign(&policy, &[2, 3, 4])).is_ok());
        assert_eq!(signed.succeed(policy.clone(), &sign(&policy, &[2, 3])).unwrap_err().code(), "policy_signatures");

        // Three do not take over the number of the fourth, by its key or by an old one, and with it the fourth's flags.
        let (theirs, own) = (sample::partner_key(44).verifying_key().to_string(), sample::partner_key(4));
        let key = own.verifying_key().to_string();
        let line = format!("verifying_key = \"{key}\"");
        let beside = format!("{line}\nold_key = {{ verifying_key = \"{theirs}\", until = 2027-11-30 }}");
        for change in [(key.as_str(), theirs.as_str()), (line.as_str(), beside.as_str())] {
            let policy = sample::changed(&[three[0], ("version = 1", &previous), change]);
            let mut signatures = sign(&policy, &[1, 2, 3]);
            let error = signed.succeed(policy.clone(), &signatures).unwrap_err();
            assert!(error.code() == "policy_signatures" && error.to_string().contains("partner 4"), "{error}");
            signatures.push(PolicySignature::sign_under(&policy, &in_force, &own).unwrap());
            assert!(signed.succeed(policy, &signatures).is_ok(), "it says so itself");
        }
    }
}

//! What a policy key has signed, kept in a file beside it, so that it never signs two successors of one policy; and
//! what shows that a key did.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::PolicyError;
use super::model::Policy;
use super::signature::PolicySignature;
use crate::digest::Digest;
use crate::files::{self, io};
use crate::hidden::shown_path;
use crate::secret::SigningKey;
use crate::slug::Slug;

impl PolicySignature {
    /// Signs a policy with an organisation's policy key, unless `record` says that this key has signed another
    /// successor of the same policy that this one does not say is void. `record` is a file beside the key, which is
    /// made with the first signature.
    ///
    /// `void` are the versions that the policy names in `voids`: nobody signs that one is void which he has not seen,
    /// because it could be kept back and shown to others.
    ///
    /// `in_force` is the policy that this one is to follow; `None` for a first version. The signature is for the
    /// organisation that has the key in `policy`, or, where it leaves or changes its key, in `in_force`.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where the key is of no organisation, the policy does not follow `in_force`, or
    /// `void` are not those that it names, another one was signed, or `record` is no such record;
    /// [`PolicyError::PolicyUnsafe`] where [`Policy::check`] refuses; [`PolicyError::System`].
    pub fn sign_recorded(
        policy: &Policy,
        in_force: Option<&Policy>,
        void: &[Policy],
        key: &SigningKey,
        record: &Path,
    ) -> Result<PolicySignature, PolicyError> {
        let wrong = |finding: String| PolicyError::PolicySignature { finding };
        if policy.previous != in_force.map(Policy::digest) {
            return Err(wrong(match in_force {
                None => format!("version {} follows another one: give the policy in force with it", policy.version),
                Some(_) => "it does not name the digest of the policy in force as `previous`".into(),
            }));
        }
        if let Some(unseen) = policy.voids.iter().find(|digest| void.iter().all(|one| one.digest() != **digest)) {
            return Err(wrong(format!(
                "it says that {unseen} is void: give that version with it (--void), and read it"
            )));
        }
        if let Some(other) =
            void.iter().find(|one| one.previous != policy.previous || !policy.voids.contains(&one.digest()))
        {
            return Err(wrong(format!(
                "it does not say that {} is void, or that one follows another policy",
                other.digest()
            )));
        }
        let in_own = policy.organisations.iter().any(|one| one.policy_key == key.verifying_key());
        let signature = match in_force {
            Some(in_force) if !in_own => PolicySignature::sign_under(policy, in_force, key)?,
            _ => PolicySignature::sign(policy, key)?,
        };
        let mut kept = RecordFile::open(record)?;
        let before = policy.previous.map_or_else(|| "first".to_owned(), |digest| digest.to_string());
        let follows = format!("{} {before} ", policy.consortium);
        let digest = signature.digest().to_string();
        let signed: Vec<&str> = kept.text.lines().filter_map(|line| line.strip_prefix(&follows)).collect();
        let is_void = |signed: &str| policy.voids.iter().any(|void| void.to_string() == signed);
        if let Some(other) = signed.iter().find(|signed| **signed != digest && !is_void(signed)) {
            return Err(wrong(format!(
                "this key has signed another policy that follows the same one, {other}: two such signatures are \
                 evidence against the organisation, unless the later one names the other in `voids`"
            )));
        }
        // The record is on disk before the signature is handed out.
        if !signed.contains(&digest.as_str()) {
            kept.append(&format!("{follows}{digest}\n"))?;
        }
        Ok(signature)
    }
}

/// The record, locked while a signature is made, so that two at once do not both find that nothing was signed.
struct RecordFile<'a> {
    path: &'a Path,
    file: File,
    text: String,
}

impl RecordFile<'_> {
    /// Opens the record, or makes it. A last line that was not written whole is taken away: its signature was never
    /// handed out.
    fn open(path: &Path) -> Result<RecordFile<'_>, PolicyError> {
        let failed = |action| move |source| PolicyError::from(io(action, path, source));
        let mut file = files::private_options().read(true).create(true).open(path).map_err(failed("open"))?;
        file.lock().map_err(failed("lock"))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed("read"))?;
        text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
        if let Some(line) = text.lines().position(|line| !is_entry(line)) {
            let path = shown_path(path);
            let finding = format!(
                "line {} of {path} is no record of a signature: put a copy of that file back, for without it nothing \
                 says what this key has signed",
                line + 1
            );
            return Err(PolicyError::PolicySignature { finding });
        }
        Ok(RecordFile { path, file, text })
    }

    /// Returns when the line is on disk.
    fn append(&mut self, line: &str) -> Result<(), PolicyError> {
        let end = self.text.len() as u64;
        let mut write = || {
            self.file.set_len(end)?;
            self.file.seek(SeekFrom::Start(end))?;
            self.file.write_all(line.as_bytes())?;
            self.file.sync_all()
        };
        write().map_err(|source| io("write", self.path, source))?;
        Ok(files::sync_folder(self.path)?)
    }
}

/// Whether a line has a consortium, the digest of a policy or `first`, and the digest of the one that follows.
fn is_entry(line: &str) -> bool {
    let is_digest = |text: &str| text.parse::<Digest>().is_ok();
    let words: Vec<&str> = line.split(' ').collect();
    matches!(words[..], [consortium, before, signed]
        if consortium.parse::<Slug>().is_ok() && (before == "first" || is_digest(before)) && is_digest(signed))
}

impl Policy {
    /// The organisations that signed both this policy and `other` with one key, although both follow the same one:
    /// evidence that they tried to let some believe in the one and others in the other.
    ///
    /// Empty where the two are the same, do not follow the same one, or one says that the other is void.
    /// `signatures` may be those of both, mixed.
    pub fn signed_twice(&self, other: &Policy, signatures: &[PolicySignature]) -> Vec<Slug> {
        let rivals = self.consortium == other.consortium && self.previous == other.previous;
        let is_void = self.voids.contains(&other.digest()) || other.voids.contains(&self.digest());
        if !rivals || is_void || self.digest() == other.digest() {
            return Vec::new();
        }
        let signed = |policy: &Policy, one: &PolicySignature| {
            let keys = [(one.key(), one.organisation())].into();
            !one.is_veto() && one.verify(&keys, policy.digest()).is_ok()
        };
        let is_theirs = |one: &&PolicySignature| {
            [self, other].iter().any(|policy| {
                policy.organisation(one.organisation()).is_some_and(|known| known.policy_key == one.key())
            })
        };
        let mut twice: Vec<Slug> = signatures
            .iter()
            .filter(is_theirs)
            .filter(|one| {
                signed(self, one) && signatures.iter().any(|two| two.key() == one.key() && signed(other, two))
            })
            .map(|one| one.organisation().clone())
            .collect();
        twice.sort_unstable();
        twice.dedup();
        twice
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn second(change: (&str, &str)) -> Policy {
        let version = format!("version = 2\nprevious = \"{}\"", sample::policy().digest());
        sample::changed(&[("version = 1", &version), change])
    }

    #[test]
    fn a_key_signs_one_successor() {
        let folder = tempfile::tempdir().unwrap();
        let (record, key) = (folder.path().join("politie.key.signed"), sample::policy_key("politie"));
        let first = sample::policy();
        let sign = |policy: &Policy, in_force| PolicySignature::sign_recorded(policy, in_force, &[], &key, &record);
        assert!(sign(&first, None).is_ok());
        let (one, other) = (second(("threshold = 2", "threshold = 3")), second(("hours = 24", "hours = 48")));
        let error = sign(&one, None).unwrap_err();
        assert!(error.to_string().contains("give the policy in force"), "{error}");
        assert!(sign(&one, Some(&other)).is_err());
        let signature = sign(&one, Some(&first)).unwrap();
        assert_eq!(sign(&one, Some(&first)).unwrap(), signature, "the same one again");
        let error = sign(&other, Some(&first)).unwrap_err();
        assert!(error.code() == "policy_signature" && error.to_string().contains(&one.digest().to_string()), "{error}");
        let anew = sample::changed(&[("threshold = 2", "threshold = 3")]);
        assert!(sign(&anew, None).is_err(), "another first version of the consortium");
        let left = sign(&second(("acaabdd87f", "acaabdd88f")), Some(&first));
        assert!(left.is_err(), "the one before was signed, also where the key is that of the policy in force");
    }

    /// A version that could not come into force is replaced by one that names it, and by nothing else.
    #[test]
    fn a_key_signs_another_successor_that_says_the_first_is_void() {
        let folder = tempfile::tempdir().unwrap();
        let (record, key) = (folder.path().join("politie.key.signed"), sample::policy_key("politie"));
        let first = sample::policy();
        let sign = |policy: &Policy, void: &[Policy]| {
            PolicySignature::sign_recorded(policy, Some(&first), void, &key, &record).map_err(|error| error.to_string())
        };
        let one = second(("threshold = 2", "threshold = 3"));
        sign(&one, &[]).unwrap();
        let voids = |digests: &[String]| format!("voids = [\"{}\"]\n[operator]", digests.join("\", \""));
        let other = second(("[operator]", &voids(&[one.digest().to_string()])));
        let unseen = sign(&other, &[]).unwrap_err();
        assert!(unseen.contains(&one.digest().to_string()) && unseen.contains("--void"), "{unseen}");
        assert!(sign(&other, &[one.clone(), first.clone()]).unwrap_err().contains("does not say"), "one too many");
        sign(&other, std::slice::from_ref(&one)).unwrap();
        assert!(sign(&one, &[]).unwrap_err().contains("signed another policy"), "the void one is not signed again");
        let both = [sign(&other, std::slice::from_ref(&one)).unwrap(), PolicySignature::sign(&one, &key).unwrap()];
        assert!(one.signed_twice(&other, &both).is_empty() && other.signed_twice(&one, &both).is_empty());
        // A third one names both, or it is evidence beside the one that it leaves out.
        let third = second(("[operator]", &voids(&[other.digest().to_string()])));
        assert!(sign(&third, std::slice::from_ref(&other)).unwrap_err().contains(&one.digest().to_string()));
        let third = second(("[operator]", &voids(&[other.digest().to_string(), one.digest().to_string()])));
        sign(&third, &[one, other]).unwrap();
    }

    #[test]
    fn a_record_that_is_no_record_is_refused_and_a_line_that_was_broken_off_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (record, key) = (folder.path().join("politie.key.signed"), sample::policy_key("politie"));
        let sign = || PolicySignature::sign_recorded(&sample::policy(), None, &[], &key, &record);
        for junk in ["nothing\n", "stapel first\n", "Zaan first 00\n"] {
            std::fs::write(&record, junk).unwrap();
            let error = sign().unwrap_err();
            assert!(error.code() == "policy_signature" && error.to_string().contains("line 1 of"), "{error}");
            assert_eq!(std::fs::read_to_string(&record).unwrap(), junk);
        }
        std::fs::write(&record, "zaanstad first 0123").unwrap();
        sign().unwrap();
        let kept = std::fs::read_to_string(&record).unwrap();
        assert_eq!(kept, format!("{} first {}\n", sample::policy().consortium, sample::policy().digest()));
    }

    #[test]
    fn of_two_successors_that_are_signed_at_once_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let versions = [second(("threshold = 2", "threshold = 3")), second(("hours = 24", "hours = 48"))];
        for round in 0..20 {
            let record = &folder.path().join(round.to_string());
            let sign = |version| {
                let key = sample::policy_key("politie");
                PolicySignature::sign_recorded(version, Some(&sample::policy()), &[], &key, record).is_ok()
            };
            let signed = std::thread::scope(|scope| {
                versions.each_ref().map(|version| scope.spawn(move || sign(version))).map(|one| one.join().unwrap())
            });
            assert_eq!(signed.into_iter().filter(|signed| *signed).count(), 1);
        }
    }

    #[test]
    fn two_signatures_are_evidence() {
        let (one, other) = (second(("threshold = 2", "threshold = 3")), second(("hours = 24", "hours = 48")));
        let sign = |policy: &Policy, name| PolicySignature::sign(policy, &sample::policy_key(name)).unwrap();
        let signatures = [sign(&one, "politie"), sign(&one, "zaanwonen"), sign(&other, "politie")];
        let names: Vec<_> = one.signed_twice(&other, &signatures).iter().map(|slug| slug.to_string()).collect();
        assert_eq!(names, ["politie"]);
        assert!(one.signed_twice(&one, &signatures).is_empty());
        assert!(one.signed_twice(&sample::policy(), &signatures).is_empty(), "one follows the other");
        // Nobody is accused by a signature that somebody else made.
        let forged = signatures[1].to_text().replace(&one.digest().to_string(), &other.digest().to_string());
        let forged = [signatures[1].clone(), PolicySignature::parse(&forged).unwrap()];
        assert!(one.signed_twice(&other, &forged).is_empty());
    }
}

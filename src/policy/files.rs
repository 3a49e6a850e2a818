//! A policy, its signatures and its partners' certificates as files: `policy.toml`, and beside it
//! `policy.toml.<organisation>.sig` for each signature and `<partner>.<epoch>.<serial>.cert` for each certificate.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::certificate::{Certificate, MAX_CERTIFICATE_TEXT};
use super::error::PolicyError;
use super::model::Policy;
use super::signature::{MAX_SIGNATURE_TEXT, PolicySignature};
use super::signed::SignedPolicy;
use super::text::MAX_TEXT;
use crate::digest::Digest;
use crate::files::{io, refuse_special, replace_private};
use crate::hidden::shown_path;
use crate::system::SystemError;

impl Policy {
    /// Reads a policy's file, without its signatures.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`] and [`PolicyError::PolicyText`].
    pub fn read(path: &Path) -> Result<Policy, PolicyError> {
        Policy::read_with_text(path).map(|(policy, _)| policy)
    }

    /// As [`Policy::read`], with the text. Whoever keeps a copy of a policy that was verified writes this text, because
    /// the file may have changed since.
    pub(crate) fn read_with_text(path: &Path) -> Result<(Policy, String), PolicyError> {
        let text = read_text(path)?;
        Ok((Policy::parse(&text)?, text))
    }
}

/// The text of a policy's file, or of an enrolment's.
pub(super) fn read_text(path: &Path) -> Result<String, PolicyError> {
    String::from_utf8(read_up_to(path, MAX_TEXT)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        PolicyError::PolicyText { place: format!("line {line}"), finding: "it is not UTF-8; save it as UTF-8".into() }
    })
}

impl SignedPolicy {
    /// Reads a policy's file and the signatures beside it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`], [`PolicyError::PolicyText`], [`PolicyError::PolicySignature`],
    /// [`PolicyError::PolicyUnsafe`] and [`PolicyError::PolicySignatures`].
    pub fn read(path: &Path) -> Result<SignedPolicy, PolicyError> {
        SignedPolicy::verify(Policy::read(path)?, &PolicySignature::read_beside(path)?)
    }
}

impl PolicySignature {
    /// Where this signature belongs: `policy.toml.<organisation>.sig` beside `policy.toml`, and a veto
    /// `policy.toml.<organisation>.veto.sig`.
    pub fn path_beside(&self, policy: &Path) -> PathBuf {
        beside(policy, format_args!("{}{}", self.organisation(), self.suffix()))
    }

    /// As [`PolicySignature::path_beside`], but another path for each key: an organisation that changes its key signs
    /// with both the old and the new one.
    pub(crate) fn path_of_key_beside(&self, policy: &Path) -> PathBuf {
        beside(policy, self.owner())
    }

    /// The middle of a file's name that no other signature of the same policy has.
    pub(crate) fn owner(&self) -> String {
        format!("{}.{}{}", self.organisation(), self.key(), self.suffix())
    }

    fn suffix(&self) -> &'static str {
        if self.is_veto() { ".veto" } else { "" }
    }

    /// Reads a veto, and checks that it holds under `in_force`, and so against the versions that follow that.
    pub(crate) fn read_veto(path: &Path, in_force: &Policy) -> Result<PolicySignature, PolicyError> {
        let veto = PolicySignature::read(path)?;
        let keys = in_force.organisations.iter().map(|one| (one.policy_key, &one.slug)).collect();
        let wrong =
            |finding: &str| PolicyError::PolicySignature { finding: format!("{}: {finding}", shown_path(path)) };
        if !veto.is_veto() {
            return Err(wrong("it is a signature and no veto; lay it beside its policy"));
        }
        veto.verify(&keys, in_force.digest()).map_err(wrong)?;
        Ok(veto)
    }

    /// Keeps a veto in `folder` for the day on which a version comes that it holds against.
    pub(crate) fn keep_veto(&self, folder: &Path) -> Result<(), SystemError> {
        replace_private(&self.path_of_key_beside(&vetoed(folder, self.digest)), self.to_text().as_bytes())
    }

    /// The vetoes kept in `folder` that hold against a version that follows the policy of the digest `previous`.
    pub(crate) fn kept_vetoes(folder: &Path, previous: Option<Digest>) -> Result<Vec<PolicySignature>, PolicyError> {
        previous.map_or(Ok(Vec::new()), |previous| PolicySignature::read_beside(&vetoed(folder, previous)))
    }

    /// Reads every signature beside a policy's file, ordered by name: the files whose names begin with that file's name
    /// and a dot, and end in `.sig`.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`], and [`PolicyError::PolicySignature`], naming the file, where one cannot be read.
    pub fn read_beside(policy: &Path) -> Result<Vec<PolicySignature>, PolicyError> {
        let prefix = format!("{}.", policy.file_name().unwrap_or_default().to_string_lossy());
        let is_signature = |name: &str| name.starts_with(&prefix) && name.ends_with(".sig");
        paths_beside(policy, is_signature)?.iter().map(|path| PolicySignature::read(path)).collect()
    }

    fn read(path: &Path) -> Result<PolicySignature, PolicyError> {
        let named = |finding: &dyn Display| PolicyError::PolicySignature {
            finding: format!("{}: {finding}", shown_path(path)),
        };
        let bytes = read_up_to(path, MAX_SIGNATURE_TEXT)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| named(&"it is not text"))?;
        PolicySignature::parse(text).map_err(|error| match error {
            PolicyError::PolicySignature { finding } => named(&finding),
            other => other,
        })
    }
}

impl Certificate {
    /// Reads a certificate's or a suspension's file.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`], and [`PolicyError::Certificate`], naming the file.
    pub fn read(path: &Path) -> Result<Certificate, PolicyError> {
        let named =
            |finding: &dyn Display| PolicyError::Certificate { finding: format!("{}: {finding}", shown_path(path)) };
        let bytes = read_up_to(path, MAX_CERTIFICATE_TEXT)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| named(&"it is not text"))?;
        Certificate::parse(text).map_err(|error| match error {
            PolicyError::Certificate { finding } => named(&finding),
            other => other,
        })
    }

    /// Reads every certificate in the folder of a policy's file, lower serials first: the files whose names end in
    /// `.cert`.
    ///
    /// # Errors
    ///
    /// [`PolicyError::System`], and [`PolicyError::Certificate`], naming the file, where one cannot be read.
    pub fn read_beside(policy: &Path) -> Result<Vec<Certificate>, PolicyError> {
        let paths = paths_beside(policy, |name| name.ends_with(".cert"))?;
        let mut read = paths.iter().map(|path| Certificate::read(path)).collect::<Result<Vec<_>, _>>()?;
        read.sort_by_key(|certificate| certificate.claimed().serial);
        Ok(read)
    }
}

/// The files in the folder of a policy's file that have such a name, by name.
fn paths_beside(policy: &Path, fits: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, SystemError> {
    let folder = match policy.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| io("read", folder, source))? {
        let path = entry.map_err(|source| io("read", folder, source))?.path();
        if fits(&path.file_name().unwrap_or_default().to_string_lossy()) {
            refuse_special(&path)?;
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Vetoes are kept as if a file of this name were the policy that they are over.
fn vetoed(folder: &Path, policy: Digest) -> PathBuf {
    folder.join(format!("vetoed-{policy}"))
}

fn beside(policy: &Path, whose: impl Display) -> PathBuf {
    let mut name = policy.as_os_str().to_owned();
    name.push(format!(".{whose}.sig"));
    name.into()
}

/// The bytes of a file, at most one more than `limit`: enough for the parser to refuse it for its length.
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

    #[test]
    fn files_beside_the_policy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, &*sample::TEXT).unwrap();
        let sign = |name: &str| PolicySignature::sign(&sample::policy(), &sample::policy_key(name)).unwrap();
        for signature in sample::ORGANISATIONS.map(sign) {
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
        // A pipe that somebody laid there is not waited for.
        let pipe = folder.path().join("policy.toml.zz.sig");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::remove_file(folder.path().join("policy.toml.b.sig")).unwrap();
        let error = SignedPolicy::read(&path).unwrap_err();
        assert!(error.code() == "io" && error.to_string().contains("policy.toml.zz.sig"), "{error}");
        fs::write(&path, b"format = 1\n\xff").unwrap();
        let error = SignedPolicy::read(&path).unwrap_err();
        assert!(error.code() == "policy_text" && error.to_string().contains("line 2"), "{error}");
        assert_eq!(SignedPolicy::read(&folder.path().join("none.toml")).unwrap_err().code(), "io");
    }
}

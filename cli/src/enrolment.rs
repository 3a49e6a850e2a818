//! Enrolment files, as the commands write and read them.

use std::io::Write;
use std::path::{Path, PathBuf};

use stapel::policy::{Enrolment, EnrolmentError};
use stapel::secret::VerifyingKey;

use crate::failure::Failure;
use crate::files;
use crate::output::{Output, Shown};

/// A public key that stands for one that is not drawn yet, so that what else is enrolled is looked at before.
pub(crate) fn any_key() -> VerifyingKey {
    // RFC 8032, 7.1, test 1.
    VerifyingKey::from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        .unwrap_or_else(|| unreachable!("it is a key"))
}

/// Another one.
pub(crate) fn other_key() -> VerifyingKey {
    // RFC 8032, 7.1, test 2.
    VerifyingKey::from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        .unwrap_or_else(|| unreachable!("it is a key"))
}

/// Refuses a file that is there: an enrolment may have been handed over already.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match path.try_exists() {
        Ok(false) => Ok(()),
        _ => {
            let finding = "is there already, and nothing was done: give another name, or take it away";
            Err(Failure::new("io", format!("{} {finding}", path.shown())))
        }
    }
}

/// Writes an enrolment, and says its check code.
pub(crate) fn write(path: &Path, enrolment: &Enrolment, out: &mut Output) -> Result<(), Failure> {
    files::replace(path, enrolment.to_text().as_bytes())?;
    writeln!(out, "enrolment of {}: {}", enrolment.what(), path.shown())?;
    writeln!(out, "check code: {}", enrolment.check_code())?;
    Ok(())
}

/// Reads enrolments, each with the name of its file. What is wrong with several is said at once.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<(String, Enrolment)>, Failure> {
    let (mut enrolments, mut findings) = (Vec::new(), Vec::new());
    for path in paths {
        match Enrolment::read(path) {
            Ok(enrolment) => enrolments.push((path.shown(), enrolment)),
            Err(error) => findings.extend(error.findings.iter().map(|finding| match finding.contains(&path.shown()) {
                true => finding.clone(),
                false => format!("{}: {finding}", path.shown()),
            })),
        }
    }
    if findings.is_empty() { Ok(enrolments) } else { Err(EnrolmentError { findings }.into()) }
}

impl From<EnrolmentError> for Failure {
    fn from(error: EnrolmentError) -> Failure {
        Failure::new(
            "enrolment",
            match error.findings.len() {
                1 => error.to_string(),
                _ => format!("nothing was written, because of these:{error}"),
            },
        )
    }
}

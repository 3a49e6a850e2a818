//! Enrolment files, as the commands write and read them.

use std::io::Write;
use std::path::PathBuf;

use stapel::policy::{Enrolment, EnrolmentError};
use stapel::secret::VerifyingKey;
use stapel_service::client::Configuration;

use crate::failure::Failure;
use crate::files::Reserved;
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

/// The file of an enrolment, if one is asked for, from before a key is drawn: so that none is drawn whose enrolment
/// cannot be written, and no file is lost, such as a key.
pub(crate) fn reserve(path: Option<&PathBuf>) -> Result<Option<Reserved>, Failure> {
    path.map(|path| Reserved::create(path)).transpose()
}

/// Writes an enrolment, and says its check code.
pub(crate) fn write(to: Reserved, enrolment: &Enrolment, out: &mut Output) -> Result<(), Failure> {
    let path = to.path().to_owned();
    // What it enrols was drawn, and is there.
    to.write(enrolment.to_text().as_bytes()).map_err(|failure| {
        let more = "what it enrols was made all the same, and is not made again: take it away before you repeat this";
        Failure::Partly(Box::new(failure.and(more)))
    })?;
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
            Err(_) if Configuration::read(path).is_ok() => findings.push(format!(
                "{}: this is a configuration file (--config); an enrolment is expected, as --enrolment writes it",
                path.shown()
            )),
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

//! What the fuzz target `enrolment` needs of the file's form.

use super::enrolment::{Enrolment, EnrolmentError};

/// Reads an enrolment file's text whatever its check code: so what is fuzzed reaches what comes after.
///
/// # Errors
///
/// [`EnrolmentError`]
pub fn parse_unchecked(text: &str) -> Result<Enrolment, EnrolmentError> {
    Enrolment::parse_unchecked(text)
}

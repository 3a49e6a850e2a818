//! Who acts, and for which case.

use super::error::PartnerError;
use crate::codec::encode_fields;
use crate::hidden::is_hidden;

/// The most characters of an acting user's name or a case reference.
const MAX_CHARACTERS: usize = 200;

/// Who acts, and for which case. Stays in the partner's own journal; the broker never sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    actor: String,
    reference: String,
}

impl Case {
    /// The acting user as the partner's own systems name them, and the reference of the case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Case`] where either is empty, longer than 200 characters, not on one line, or has a character
    /// that is not visible.
    pub fn new(actor: &str, reference: &str) -> Result<Case, PartnerError> {
        let line = |text: &str, field| {
            let text = text.trim();
            let fits = (1..=MAX_CHARACTERS).contains(&text.chars().count());
            if fits && !text.chars().any(is_hidden) { Ok(text.to_owned()) } else { Err(PartnerError::Case { field }) }
        };
        Ok(Case { actor: line(actor, "acting user")?, reference: line(reference, "case reference")? })
    }

    /// The acting user.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The case reference.
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

encode_fields! {
    Case { actor, reference }
    // `new` trims what it is given, and what was stored is trimmed.
    where |case| Case::new(&case.actor, &case.reference).is_ok_and(|again| again == *case),
    else "an acting user or a case reference cannot be one"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_needed() {
        let case = Case::new(" j.jansen ", "2026-0117").unwrap();
        assert_eq!((case.actor(), case.reference()), ("j.jansen", "2026-0117"));
        let long = "é".repeat(201);
        for (actor, reference) in
            [("", "1"), ("a", " \t"), ("a\nb", "1"), ("a", "1\0"), ("a\u{202e}b", "1"), (long.as_str(), "1")]
        {
            assert_eq!(Case::new(actor, reference).unwrap_err().code(), "case");
        }
        assert!(Case::new(&long[2..], "1").is_ok());
    }
}

//! Address text and fields to [`AddressKey`].

mod key;

pub use key::{AddressKey, Level};

/// The separate fields of one address, as a register or a CSV file has them; an absent field is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The postcode.
    pub postcode: &'a str,
    /// The house number (huisnummer).
    pub number: &'a str,
    /// The house letter (huisletter).
    pub letter: &'a str,
    /// The house number's addition (huisnummertoevoeging).
    pub addition: &'a str,
}

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct AddressError {
    code: &'static str,
    field: &'static str,
    message: String,
}

impl AddressError {
    /// The stable code of this refusal, in `snake_case`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The field that was at fault: `postcode`, `huisnummer`, `huisletter`, `toevoeging` or `line`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What was found, and what would help.
    pub fn message(&self) -> &str {
        &self.message
    }
}

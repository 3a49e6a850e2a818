//! Fields as the register itself writes them, to a key.

use crate::address::{AddressError, AddressKey, Fields};

/// The key of fields as the register itself writes them: what would be refused as a word elsewhere, such as an addition
/// `NA`, is there what it says.
pub(super) fn registered_key(fields: &Fields<'_>) -> Result<AddressKey, AddressError> {
    let plain = |text: &str| text.trim().to_ascii_uppercase();
    let [postcode, number, letter, addition] =
        [fields.postcode, fields.number, fields.letter, fields.addition].map(plain);
    let is_letter = letter.len() <= 1 && letter.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_letter {
        let number = number.trim_start_matches('0');
        // Where the letter or the addition has another sign in it, this is no canonical form.
        if let Ok(key) = AddressKey::from_canonical(&format!("{postcode}|{number}|{letter}{addition}")) {
            return Ok(key);
        }
    }
    AddressKey::from_fields(fields)
}

/// Stands where an address has no postcode, or none that is known, while its number and suffix are read.
pub(super) const ANY_POSTCODE: &str = "1000AA";

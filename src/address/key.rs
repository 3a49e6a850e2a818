//! The canonical form of an address.

use std::fmt;

use super::AddressError;

/// How much of an address a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// One home: postcode, number and addition.
    Unit = 1,
    /// One house number: postcode and number.
    Building = 2,
}

/// An address in the one form that all partners hash: `1012JS|1|A` (unit) or `1012JS|1` (building).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey {
    // At most 6 + 1 + 5 + 1 + 5 bytes; the rest is zero, so that equal keys are equal bytes.
    bytes: [u8; 18],
    length: u8,
    level: Level,
}

impl AddressKey {
    /// Reads a canonical form, and nothing but that.
    ///
    /// # Errors
    ///
    /// Code `not_canonical` for any other text.
    pub fn from_canonical(text: &str) -> Result<AddressKey, AddressError> {
        let level = if text.bytes().filter(|b| *b == b'|').count() == 2 { Level::Unit } else { Level::Building };
        let mut bytes = [0; 18];
        bytes.get_mut(..text.len()).map(|b| b.copy_from_slice(text.as_bytes())).ok_or(AddressError {
            code: "not_canonical",
            field: "line",
            message: "not a canonical address".into(),
        })?;
        Ok(AddressKey { bytes, length: text.len() as u8, level })
    }

    /// What the key names.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The canonical form in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The key of the house number that this address is in; itself, if it is one.
    pub fn building(&self) -> AddressKey {
        let text = self.as_str();
        let end = text.match_indices('|').nth(1).map_or(text.len(), |(at, _)| at);
        let mut bytes = [0; 18];
        bytes[..end].copy_from_slice(&self.bytes[..end]);
        AddressKey { bytes, length: end as u8, level: Level::Building }
    }
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! One address of the register, and how it lies in a block: each row says what differs from the one before it.

use super::varint::{Bytes, put, put_signed};
use crate::address::AddressKey;
use crate::codec::Malformed;

/// An address, as the register has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// A postcode's number, see [`postcode_number`]; 0 for none.
    pub(super) postcode: u32,
    /// The place of its street in the table of streets.
    pub(super) street: u32,
    pub(super) number: u32,
    pub(super) suffix: Suffix,
    /// The id of its nummeraanduiding.
    pub(super) id: u64,
    /// The id of what stands there: a verblijfsobject, ligplaats or standplaats; 0 for none.
    pub(super) object: u64,
    /// The id of the building (pand); 0 for none.
    pub(super) building: u64,
    /// Latitude and longitude in millionths of a degree (ETRS89).
    pub(super) at: Option<(i32, i32)>,
    /// Whether it is a second address (nevenadres) of its object.
    pub(super) is_secondary: bool,
    pub(super) is_withdrawn: bool,
}

/// Letter and addition joined, as an address key has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Suffix {
    bytes: [u8; 5],
    length: u8,
    /// Whether the first byte is the house letter.
    pub(super) has_letter: bool,
}

/// Where a row stands in the order of the file: by postcode, or by street where it has none; then by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) postcode: u32,
    pub(super) street: u32,
    pub(super) number: u32,
}

impl Place {
    pub(super) const FIRST: Place = Place { postcode: 0, street: 0, number: 0 };
    pub(super) const LAST: Place = Place { postcode: u32::MAX, street: u32::MAX, number: u32::MAX };
}

/// The digits and letters of a postcode as a number above 0, in the order of postcodes.
pub(super) fn postcode_number(postcode: &[u8; 6]) -> u32 {
    let digits = postcode[..4].iter().fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
    let letters = postcode[4..].iter().fold(0, |n, letter| n * 26 + u32::from(letter - b'A'));
    digits * 676 + letters
}

/// The postcode of a number.
pub(super) fn postcode_text(number: u32) -> String {
    // Without the machinery of formats, as in the key below: they are much of what making a key costs.
    let mut text = (number / 676).to_string();
    text.extend([number % 676 / 26, number % 26].map(|letter| char::from(b'A' + letter as u8)));
    text
}

/// An id of 16 digits.
pub(super) fn id_text(id: u64) -> String {
    format!("{id:016}")
}

impl Suffix {
    /// Of at most five capitals and digits; `None` for any other bytes.
    pub(super) fn of(text: &[u8], has_letter: bool) -> Option<Suffix> {
        if !text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return None;
        }
        let mut bytes = [0; 5];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Suffix { bytes, length: text.len() as u8, has_letter: has_letter && !text.is_empty() })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Row {
    pub(super) fn place(&self) -> Place {
        let street = if self.postcode == 0 { self.street } else { 0 };
        Place { postcode: self.postcode, street, number: self.number }
    }

    /// Its key; `None` if the row is not a valid address, as in a damaged file.
    pub(super) fn key(&self) -> Option<AddressKey> {
        let form = match self.postcode {
            0 => id_text(self.id),
            postcode => {
                let (postcode, number) = (postcode_text(postcode), self.number.to_string());
                [&postcode, "|", &number, "|", self.suffix.as_str()].concat()
            }
        };
        AddressKey::from_canonical(&form).ok()
    }
}

const NEW_POSTCODE: u8 = 1;
const NEW_STREET: u8 = 2;
const SECONDARY: u8 = 4;
const WITHDRAWN: u8 = 8;
const OBJECT: u8 = 16;
const BUILDING: u8 = 32;
const AT: u8 = 64;
const SUFFIX: u8 = 128;

/// What the rows before said; before the first row, nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Before {
    row: Row,
    /// Of the last row that had one.
    object: u64,
    building: u64,
    at: (i32, i32),
}

impl Before {
    /// Appends a row, which comes after the one before it in the order of [`Place`].
    pub(super) fn write(&mut self, row: &Row, bytes: &mut Vec<u8>) {
        let Before { row: before, object, building, at } = *self;
        let is_new_place = (row.postcode, row.place().street) != (before.postcode, before.place().street);
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        bytes.push(
            flag(row.postcode != before.postcode, NEW_POSTCODE)
                | flag(row.street != before.street, NEW_STREET)
                | flag(row.is_secondary, SECONDARY)
                | flag(row.is_withdrawn, WITHDRAWN)
                | flag(row.object != 0, OBJECT)
                | flag(row.building != 0, BUILDING)
                | flag(row.at.is_some(), AT)
                | flag(!row.suffix.as_bytes().is_empty(), SUFFIX),
        );
        if row.postcode != before.postcode {
            put(bytes, u64::from(row.postcode - before.postcode));
        }
        if row.street != before.street {
            put(bytes, row.street.into());
        }
        let number = if is_new_place { 0 } else { before.number };
        put(bytes, u64::from(row.number - number));
        if !row.suffix.as_bytes().is_empty() {
            bytes.push(row.suffix.length | u8::from(row.suffix.has_letter) << 7);
            bytes.extend_from_slice(row.suffix.as_bytes());
        }
        put_signed(bytes, difference(row.id, before.id));
        if row.object != 0 {
            put_signed(bytes, difference(row.object, object));
        }
        if row.building != 0 {
            put_signed(bytes, difference(row.building, building));
        }
        if let Some((latitude, longitude)) = row.at {
            put_signed(bytes, i64::from(latitude) - i64::from(at.0));
            put_signed(bytes, i64::from(longitude) - i64::from(at.1));
        }
        self.row = *row;
        self.follow();
    }

    /// Reads the next row; `None` at the end of the block. It is read in its place, since most rows of a block are only
    /// passed.
    pub(super) fn read(&mut self, bytes: &mut Bytes<'_>) -> Result<Option<&Row>, Malformed> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let flags = bytes.byte()?;
        let has = |flag: u8| flags & flag != 0;
        let row = &mut self.row;
        (row.is_secondary, row.is_withdrawn) = (has(SECONDARY), has(WITHDRAWN));
        if has(NEW_POSTCODE) {
            row.postcode = row.postcode.checked_add(bytes.small()?).ok_or(OVERFLOW)?;
        }
        if has(NEW_STREET) {
            row.street = bytes.small()?;
        }
        let is_new_place = has(NEW_POSTCODE) || (has(NEW_STREET) && row.postcode == 0);
        let number = if is_new_place { 0 } else { row.number };
        row.number = number.checked_add(bytes.small()?).ok_or(OVERFLOW)?;
        row.suffix = Suffix::default();
        if has(SUFFIX) {
            let length = bytes.byte()?;
            let text = bytes.take(usize::from(length & 0x7f))?;
            row.suffix = Suffix::of(text, length & 0x80 != 0).ok_or(Malformed("a suffix is none"))?;
        }
        row.id = sum(row.id, bytes.signed()?)?;
        row.object = if has(OBJECT) { sum(self.object, bytes.signed()?)? } else { 0 };
        row.building = if has(BUILDING) { sum(self.building, bytes.signed()?)? } else { 0 };
        row.at = None;
        if has(AT) {
            let sum = |before: i32, bytes: &mut Bytes<'_>| {
                let sum = i64::from(before).checked_add(bytes.signed()?);
                sum.and_then(|sum| i32::try_from(sum).ok()).ok_or(OVERFLOW)
            };
            row.at = Some((sum(self.at.0, bytes)?, sum(self.at.1, bytes)?));
        }
        self.follow();
        Ok(Some(&self.row))
    }

    /// What a row leaves out is as in the last one that had it.
    fn follow(&mut self) {
        let row = &self.row;
        if row.object != 0 {
            self.object = row.object;
        }
        if row.building != 0 {
            self.building = row.building;
        }
        if let Some(at) = row.at {
            self.at = at;
        }
    }
}

const OVERFLOW: Malformed = Malformed("a number is too large");

fn difference(now: u64, before: u64) -> i64 {
    now.wrapping_sub(before) as i64
}

fn sum(before: u64, difference: i64) -> Result<u64, Malformed> {
    before.checked_add_signed(difference).ok_or(OVERFLOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = Row> {
        let suffix = ("[A-Z0-9]{0,5}", any::<bool>());
        let suffix = suffix.prop_map(|(text, has_letter)| Suffix::of(text.as_bytes(), has_letter).unwrap());
        let ids = || prop_oneof![Just(0u64), 1..10_000_000_000_000_000u64];
        let at = proptest::option::of((any::<i32>(), any::<i32>()));
        let place = (prop_oneof![Just(0u32), 676_000..6_760_000u32], any::<u32>(), 1..100_000u32);
        (place, suffix, ids(), ids(), ids(), at, any::<bool>(), any::<bool>()).prop_map(
            |((postcode, street, number), suffix, id, object, building, at, is_secondary, is_withdrawn)| Row {
                postcode,
                street,
                number,
                suffix,
                id,
                object,
                building,
                at,
                is_secondary,
                is_withdrawn,
            },
        )
    }

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(mut rows in prop::collection::vec(row(), 1..60)) {
            rows.sort_by_key(|row| (row.place(), row.suffix));
            let mut bytes = Vec::new();
            let mut before = Before::default();
            rows.iter().for_each(|row| before.write(row, &mut bytes));
            let (mut before, mut rest) = (Before::default(), Bytes::of(&bytes));
            let read: Vec<Row> = std::iter::from_fn(|| before.read(&mut rest).unwrap().copied()).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (mut before, mut rest) = (Before::default(), Bytes::of(&bytes));
            while let Ok(Some(row)) = before.read(&mut rest) {
                let suffix = row.suffix.as_bytes();
                prop_assert!(suffix.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{suffix:?}");
            }
        }
    }

    #[test]
    fn a_suffix_has_letters_and_digits_alone() {
        assert!(Suffix::of(b"", false).is_some() && Suffix::of(b"AZ09B", true).is_some());
        for other in [&b"\xc1"[..], b"a", b"A-1", b"A\xc3", b"|", b"ABCDEF"] {
            assert_eq!(Suffix::of(other, true), None, "{other:?}");
        }
    }

    #[test]
    fn postcodes_are_numbers_in_their_order() {
        for text in ["1000AA", "1012JS", "1384CA", "9999ZZ"] {
            let number = postcode_number(text.as_bytes().try_into().unwrap());
            assert!(number > 0);
            assert_eq!(postcode_text(number), text);
        }
        assert!(postcode_number(b"1012JZ") < postcode_number(b"1012KA"));
        assert_eq!(id_text(424_200_000_017_336), "0424200000017336");
    }
}

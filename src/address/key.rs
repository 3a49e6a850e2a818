//! The canonical form of an address.

use std::cmp::Ordering;
use std::fmt;

use super::error::{AddressError, Problem, Refusal, not_utf8};
use super::fields::{self, Fields};
use super::fold::fold;
use super::parts::{Parts, SUFFIX_MAX, Suffix, postcode};
use super::text;
use crate::codes::named;

named! {
    /// How much of an address a key names.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(u8)]
    pub enum Level {
        /// One home: postcode, number and addition; or the id of an address that has no postcode.
        Unit = 1 => "unit",
        /// One house number: postcode and number.
        Number = 2 => "number",
    }
}

/// An address in the one form that all partners hash: `1012JS|1|A` (unit) or `1012JS|1` (number).
///
/// ```
/// use stapel::{AddressKey, Fields};
///
/// let unit = AddressKey::parse("Dam 1-a, 1012 JS Amsterdam")?;
/// assert_eq!(unit.as_str(), "1012JS|1|A");
/// assert_eq!(unit.number_key().as_str(), "1012JS|1");
///
/// let fields = Fields { postcode: "1012js", number: "00001", letter: "A", addition: "" };
/// assert_eq!(AddressKey::from_fields(&fields)?, unit);
///
/// let refused = AddressKey::parse("Dam 1 t/m 5, 1012 JS").unwrap_err();
/// assert_eq!(refused.code(), "range_unclear");
/// # Ok::<(), stapel::AddressError>(())
/// ```
///
/// The key of an address without a postcode, which only a register gives, is the id of its nummeraanduiding in the BAG:
/// `0424200000017336`, a unit.
///
/// Keys are ordered as their canonical forms are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKey {
    // The canonical form, then zeros, so that equal keys are equal bytes.
    bytes: [u8; LONGEST],
    length: u8,
    level: Level,
}

/// Postcode, bar, number, bar and addition at their longest.
const LONGEST: usize = 6 + 1 + 5 + 1 + SUFFIX_MAX;

/// The digits of a BAG id; the fifth and sixth of a nummeraanduiding's are 20.
const ID: usize = 16;

impl AddressKey {
    /// Reads a line as people write an address, and gives its unit key. Also reads the canonical form of a unit
    /// that has a postcode: a typed id needs a register, and [`AddressKey::from_canonical`] reads it as a key.
    ///
    /// The postcode must be in the line. What stands in street and town is not part of the key, and is read only to
    /// know which number is the house's own.
    ///
    /// # Errors
    ///
    /// Any code of [`ADDRESS_CODES`](super::ADDRESS_CODES) but `not_utf8` and those of separate fields: whatever can
    /// be read as two different addresses is refused.
    pub fn parse(text: &str) -> Result<AddressKey, AddressError> {
        if text.len() > text::LINE_MAX {
            return Err(Problem::TooLong.at(0).of_line(text));
        }
        if text.as_bytes().contains(&b'|') {
            return match canonical(text.as_bytes()) {
                Some(key) if key.level == Level::Unit => Ok(key),
                _ => Err(Problem::NotCanonical.at(0).of_line(text)),
            };
        }
        match fold::<128, { text::LINE_MAX }, _>(text, text::read) {
            Ok(parts) => Ok(parts.unit()),
            Err(refusal) => Err(line_error(text, refusal)),
        }
    }

    /// Reads a line of bytes as [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and `not_utf8`.
    pub fn parse_bytes(line: &[u8]) -> Result<AddressKey, AddressError> {
        AddressKey::parse(line_from_utf8(line)?)
    }

    /// Makes the unit key of separate fields, as a register or a table has them.
    ///
    /// Letter and addition are joined: which of the two holds a single letter differs from system to system.
    ///
    /// # Errors
    ///
    /// `too_long` and `character` with the field's name; `no_postcode`, `postcode_form`, `postcode_first_digit`,
    /// `postcode_letters`; `no_number`, `number_form`, `number_zero`, `number_too_long` and the codes of BAG ids;
    /// `letter_form`; `addition_form`, `suffix_too_long`, `suffix_in_words`, `empty_value`, `spreadsheet_date`,
    /// `range_unclear`, `not_the_house`, `not_a_place`.
    pub fn from_fields(fields: &Fields<'_>) -> Result<AddressKey, AddressError> {
        fields::read(fields).map(|parts| parts.unit())
    }

    /// Reads a canonical form of either level, and nothing but that.
    ///
    /// # Errors
    ///
    /// Code `not_canonical` for any other text.
    pub fn from_canonical(text: &str) -> Result<AddressKey, AddressError> {
        canonical(text.as_bytes()).ok_or_else(|| Problem::NotCanonical.at(0).of_line(text))
    }

    /// What the key names.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        ascii(self.as_bytes())
    }

    /// The canonical form in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Whether it is the id of an address that has no postcode.
    fn is_id(&self) -> bool {
        self.bytes[6] != b'|'
    }

    /// The postcode, as in `1012JS`; empty for an address that has none.
    pub fn postcode(&self) -> &str {
        if self.is_id() { "" } else { ascii(&self.bytes[..6]) }
    }

    /// The house number: 1 to 99999; 0 for an address without a postcode.
    pub fn number(&self) -> u32 {
        if self.is_id() {
            return 0;
        }
        self.as_bytes()[7..].iter().take_while(|b| **b != b'|').fold(0, |n, digit| n * 10 + u32::from(digit - b'0'))
    }

    /// Letter and addition joined: at most five of `A` to `Z` and `0` to `9`; empty if there are none, and for a
    /// house number.
    pub fn addition(&self) -> &str {
        ascii(self.after_number().get(1..).unwrap_or_default())
    }

    /// The key of the house number that this address is in; itself, if it is one. An address without a postcode is in
    /// none that others could write the same way: it is its own key, at the level [`Level::Unit`].
    pub fn number_key(&self) -> AddressKey {
        if self.is_id() {
            return *self;
        }
        let form = self.number_bytes();
        let mut bytes = [0; LONGEST];
        bytes[..form.len()].copy_from_slice(form);
        AddressKey { bytes, length: form.len() as u8, level: Level::Number }
    }

    /// Whether both have the same postcode and house number.
    pub(crate) fn shares_number(&self, other: &AddressKey) -> bool {
        self.number_bytes() == other.number_bytes()
    }

    /// The canonical form of the house number, in ASCII.
    fn number_bytes(&self) -> &[u8] {
        let form = self.as_bytes();
        &form[..form.len() - self.after_number().len()]
    }

    /// What follows the number: the second bar and the addition of a unit, nothing of a house number.
    fn after_number(&self) -> &[u8] {
        let rest = &self.as_bytes()[7..];
        &rest[rest.iter().position(|b| *b == b'|').unwrap_or(rest.len())..]
    }

    /// The bytes as numbers, which have the same order. The bytes show the level too, since a unit has one bar more.
    fn numbers(&self) -> (u128, u16) {
        let [high @ .., y, z] = self.bytes;
        (u128::from_be_bytes(high), u16::from_be_bytes([y, z]))
    }
}

impl AddressError {
    /// The key of the house number, where that is certain and only the home in it is not. It is no key of the home: use
    /// it where house numbers are what is counted.
    ///
    /// ```
    /// use stapel::AddressKey;
    ///
    /// let refused = AddressKey::parse("Dam 1, 2e verdieping, 1012 JS").unwrap_err();
    /// assert_eq!(refused.code(), "suffix_in_words");
    /// assert_eq!(refused.number_key().unwrap().as_str(), "1012JS|1");
    /// ```
    pub fn number_key(&self) -> Option<AddressKey> {
        let (postcode, number) = self.house()?;
        Some(Parts { postcode, number, suffix: Suffix::default() }.unit().number_key())
    }
}

/// Compares numbers and not bytes, because comparing is most of what sorting a million addresses costs.
impl Ord for AddressKey {
    fn cmp(&self, other: &AddressKey) -> Ordering {
        self.numbers().cmp(&other.numbers())
    }
}

impl PartialOrd for AddressKey {
    fn partial_cmp(&self, other: &AddressKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for AddressKey {
    type Err = AddressError;

    /// As [`AddressKey::parse`].
    fn from_str(text: &str) -> Result<AddressKey, AddressError> {
        AddressKey::parse(text)
    }
}

impl Parts {
    fn unit(&self) -> AddressKey {
        let mut bytes = [0; LONGEST];
        bytes[..6].copy_from_slice(&self.postcode);
        bytes[6] = b'|';
        let mut length = 7;
        // The digits from the left, without leading zeros.
        for power in [10_000, 1000, 100, 10, 1] {
            if self.number >= power {
                bytes[length] = b'0' + (self.number / power % 10) as u8;
                length += 1;
            }
        }
        bytes[length] = b'|';
        length += 1;
        for byte in self.suffix.as_bytes() {
            bytes[length] = *byte;
            length += 1;
        }
        AddressKey { bytes, length: length as u8, level: Level::Unit }
    }
}

/// The text of a line of bytes.
#[inline(always)]
pub(crate) fn line_from_utf8(line: &[u8]) -> Result<&str, AddressError> {
    if line.len() > text::LINE_MAX {
        return Err(Problem::TooLong.at(0).of_line(&String::from_utf8_lossy(&line[..text::LINE_MAX])));
    }
    std::str::from_utf8(line).map_err(|error| not_utf8("line", line, error))
}

/// The error for a refused line, which is read once more for a house number that is certain.
#[cold]
fn line_error(text: &str, refusal: Refusal) -> AddressError {
    let house = fold::<128, { text::LINE_MAX }, _>(text, |line| Ok(text::certain_house(line)));
    refusal.of_line(text).with_house(house.ok().flatten())
}

/// Reads the canonical form of a key, and nothing else.
fn canonical(text: &[u8]) -> Option<AddressKey> {
    if text.len() > LONGEST || text.get(6) != Some(&b'|') {
        return id(text);
    }
    let (code, rest) = (&text[..6], &text[7..]);
    if !code[..4].iter().all(u8::is_ascii_digit) || !code[4..].iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    postcode(&code[..4], &code[4..], 0).ok()?;
    let bar = rest.iter().position(|b| *b == b'|');
    let (digits, level) = match bar {
        Some(bar) => (&rest[..bar], Level::Unit),
        None => (rest, Level::Number),
    };
    if digits.is_empty() || digits.len() > 5 || digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let suffix = bar.map_or(&[][..], |bar| &rest[bar + 1..]);
    if suffix.len() > SUFFIX_MAX || !suffix.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; LONGEST];
    bytes[..text.len()].copy_from_slice(text);
    Some(AddressKey { bytes, length: text.len() as u8, level })
}

/// The key of an address without a postcode.
#[cold]
fn id(text: &[u8]) -> Option<AddressKey> {
    let id: &[u8; ID] = text.try_into().ok()?;
    let mut bytes = [0; LONGEST];
    bytes[..ID].copy_from_slice(id);
    let is_id = id.iter().all(u8::is_ascii_digit) && &id[4..6] == b"20";
    is_id.then_some(AddressKey { bytes, length: ID as u8, level: Level::Unit })
}

fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_forms_are() {
        let forms =
            ["1012JS|1", "1012JS|1|", "1012JS|1|A", "1012JS|10", "1012JS|10|", "1012JS|2|", "1012JS|99999|AB123"];
        let more = ["1012JS|99999|AB124", "1012JS|99999|AC", "1012JT|1", "1013AA|1|", "9999ZZ|1|A"];
        let forms = [forms.as_slice(), &more].concat();
        for (a, b) in forms.iter().flat_map(|a| forms.iter().map(move |b| (a, b))) {
            let key = |form: &str| AddressKey::from_canonical(form).unwrap();
            // A bar stands after digits and letters in ASCII; what is shorter comes first.
            assert_eq!(key(a).cmp(&key(b)), a.cmp(b), "{a} {b}");
        }
    }

    #[test]
    fn canonical_forms_of_both_levels() {
        let unit = AddressKey::from_canonical("1012JS|99999|AB123").unwrap();
        assert_eq!(
            (unit.level(), unit.postcode(), unit.number(), unit.addition()),
            (Level::Unit, "1012JS", 99999, "AB123")
        );
        let number_key = unit.number_key();
        assert_eq!(
            (number_key.level(), number_key.as_str(), number_key.addition()),
            (Level::Number, "1012JS|99999", "")
        );
        assert_eq!(number_key.number(), 99999);
        assert_eq!(number_key, AddressKey::from_canonical("1012JS|99999").unwrap());
        assert_eq!(number_key.number_key(), number_key);
        for (form, shared) in
            [("1012JS|99999|", true), ("1012JS|99999", true), ("1012JS|9999|9", false), ("1012JT|99999|", false)]
        {
            let other = AddressKey::from_canonical(form).unwrap();
            assert_eq!((unit.shares_number(&other), other.shares_number(&unit)), (shared, shared), "{form}");
        }
        assert_eq!(AddressKey::from_canonical("1012JS|1|").unwrap().addition(), "");
        assert_eq!(format!("[{unit:>20}] {number_key:?}"), "[  1012JS|99999|AB123] 1012JS|99999");
        assert_eq!("1012JS|1|A".parse(), AddressKey::from_canonical("1012JS|1|A"));
    }

    #[test]
    fn an_address_without_a_postcode_is_its_id() {
        let key = AddressKey::from_canonical("0424200000017336").unwrap();
        assert_eq!((key.level(), key.as_str(), key.number_key()), (Level::Unit, "0424200000017336", key));
        assert_eq!((key.postcode(), key.number(), key.addition()), ("", 0, ""));
        let other = AddressKey::from_canonical("0424200000017337").unwrap();
        assert!(key.shares_number(&key) && !key.shares_number(&other) && key < other);
        for form in
            ["0424010000017336", "424200000017336", "04242000000173360", "0424200000017336|", "042420000001733A"]
        {
            assert_eq!(AddressKey::from_canonical(form).map_err(|e| e.code()), Err("not_canonical"), "{form}");
        }
        assert_eq!(AddressKey::parse("0424200000017336").unwrap_err().code(), "bag_id_needs_register");
    }

    #[test]
    fn nothing_but_a_canonical_form_is_one() {
        for text in [
            "",
            "|",
            "||",
            "1012JS",
            "1012JS|",
            "1012JS||",
            "1012JS||A",
            "1012JS|0",
            "1012JS|0|",
            "1012JS|01|",
            "1012JS|100000",
            "1012JS|1|a",
            "1012js|1|",
            "1012JS|1|ABCDEF",
            "1012JS|1|A-",
            "1012JS|1|A|",
            "1012JS|1|A ",
            " 1012JS|1|",
            "0012JS|1|",
            "1012SS|1",
            "1012SA|1|",
            "1012SD|1|A",
            "1012J|1|",
            "1O12JS|1|",
            "1012JS|1|é",
            "1012JS|1a|",
            "101éJS|1",
            "1012JS|-1",
            "1012JS|1\n",
            "1012JS|1|A\0",
            "1012JSS|1|",
        ] {
            assert_eq!(AddressKey::from_canonical(text).map_err(|e| e.code()), Err("not_canonical"), "{text:?}");
        }
        assert_eq!(AddressKey::parse("1012JS|1").map_err(|e| e.code()), Err("not_canonical"), "text names a unit");
    }
}

//! Why an address was refused: the codes, and the error that carries one.

use std::fmt;
use std::str::Utf8Error;

/// Declares the codes as the parsers name them, and the table of what each says, from one list.
macro_rules! address_codes {
    ($($variant:ident = $code:literal of $field:literal: $finding:literal; $remedy:literal,)+) => {
        /// The codes as the parsers name them; the value is the row in [`ADDRESS_CODES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Problem {
            $($variant,)+
        }

        /// Every code of an [`AddressError`], with the field of a line that it is about, what was found, and
        /// what would help. Codes are stable across versions; the sentences may be improved.
        pub const ADDRESS_CODES: &[AddressCode] =
            &[$(AddressCode { code: $code, field: $field, finding: $finding, remedy: $remedy },)+];
    };
}

address_codes! {
    TooLong = "too_long" of "line":
        "is longer than one address can be";
        "give one address in at most 1000 bytes (a separate field: 100)",
    NotUtf8 = "not_utf8" of "line":
        "is not valid UTF-8";
        "convert the file to UTF-8 first",
    Empty = "empty" of "line":
        "holds no letter and no digit";
        "give postcode and house number",
    Character = "character" of "line":
        "is a character that no address is written with, or only looks like one that is";
        "type it again with plain letters and digits",
    NotCanonical = "not_canonical" of "line":
        "is not the canonical form of a unit";
        "write postcode|number|addition such as 1012JS|1|A, or leave the bars out",
    NoPostcode = "no_postcode" of "postcode":
        "names no postcode";
        "add it, as in 1012 JS",
    TwoPostcodes = "two_postcodes" of "postcode":
        "is a second postcode";
        "give one address a line",
    PostcodeForm = "postcode_form" of "postcode":
        "is not a postcode";
        "write four digits and two letters, as in 1012 JS",
    PostcodeFirstDigit = "postcode_first_digit" of "postcode":
        "begins with 0, as no postcode does";
        "look the postcode up",
    PostcodeLetters = "postcode_letters" of "postcode":
        "ends in SA, SD or SS, as no postcode does";
        "look the postcode up",
    BelgianTown = "belgian_town" of "postcode":
        "is a Belgian postcode and a code of a country or language, or a Dutch postcode";
        "leave out what is not in the Netherlands, or the town",
    NoNumber = "no_number" of "huisnummer":
        "names no house number";
        "add it after the street",
    TwoNumbers = "two_numbers" of "huisnummer":
        "is a second number beside the house number";
        "give one house number; write an addition in digits with a hyphen, as in 12-3",
    NumberForm = "number_form" of "huisnummer":
        "is not a number in digits alone";
        "put letter and addition in their own fields",
    NumberZero = "number_zero" of "huisnummer":
        "is zero, as no house number is";
        "look the number up",
    NumberTooLong = "number_too_long" of "huisnummer":
        "has more than five digits";
        "look the number up; house numbers go up to 99999",
    NumberUnclear = "number_unclear" of "huisnummer":
        "may be the house number or a part of another name";
        "write street, a space and the number, as in Dam 1, 1012 JS",
    OrdinalUnclear = "ordinal_unclear" of "huisnummer":
        "may be an ordinal or a house number";
        "write the street in full before the number, and an addition with a hyphen, as in 2-E",
    YearUnclear = "year_unclear" of "huisnummer":
        "may be a year in the street's name or a house number";
        "give the number as separate fields",
    NumberedStreet = "numbered_street" of "huisnummer":
        "may be a number and an addition, or the number of a street and a house number";
        "give number and addition as separate fields: streets have numbers there",
    RangeUnclear = "range_unclear" of "huisnummer":
        "may be several house numbers, or one with an addition";
        "give one address a line, or number and addition as separate fields",
    SuffixTooLong = "suffix_too_long" of "toevoeging":
        "makes letter and addition longer than five characters together";
        "give the letter and the addition as registered; put a comma before a town or a remark",
    SuffixUnclear = "suffix_unclear" of "toevoeging":
        "may be an addition or something else";
        "write an addition against its number with a hyphen, as in 12-A, and the town after the postcode",
    SuffixInWords = "suffix_in_words" of "toevoeging":
        "describes a part of the building in words";
        "give the letter and addition as registered, as in 12-A",
    EmptyValue = "empty_value" of "toevoeging":
        "is how a program writes an empty value, and no addition";
        "leave it out; if it is registered so, write the canonical form, as in 1012JS|1|NA",
    SpreadsheetDate = "spreadsheet_date" of "toevoeging":
        "is a date, which a spreadsheet made of an addition such as 1-3";
        "have the spreadsheet keep the column as text, and give the addition as registered",
    LetterForm = "letter_form" of "huisletter":
        "is not one letter";
        "put all else in the addition's field",
    AdditionForm = "addition_form" of "toevoeging":
        "is not letters and digits with single separators between unlike ones";
        "give the addition as registered, without other signs",
    NotTheHouse = "not_the_house" of "line":
        "names a place near, not the house itself";
        "give the address of the house itself",
    NotAPlace = "not_a_place" of "line":
        "is a box or reply number, not a place";
        "give the address of the house itself",
    BagIdLength = "bag_id_length" of "line":
        "looks like a BAG id but has not 16 digits";
        "give all 16",
    BagIdZeroLost = "bag_id_zero_lost" of "line":
        "is a BAG id with its leading zero lost";
        "put zeros before it until it has 16 digits; have the spreadsheet keep the column as text",
    BagIdType = "bag_id_type" of "line":
        "is not the BAG id of an address, of which digits 5 and 6 are 01, 02, 03 or 20";
        "give the id of the nummeraanduiding or of the verblijfsobject",
    BagIdNeedsRegister = "bag_id_needs_register" of "line":
        "is a BAG id, which only a local register can turn into an address";
        "load a register, or give postcode and house number",
}

/// One row of [`ADDRESS_CODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddressCode {
    /// The code, in `snake_case`.
    pub code: &'static str,
    /// The field of a line that it is about. For separate fields, the error names the one at fault instead.
    pub field: &'static str,
    /// What was found, to be read after a quotation of it.
    pub finding: &'static str,
    /// What would help.
    pub remedy: &'static str,
}

/// Postcode and number of a house.
pub(super) type House = ([u8; 6], u32);

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct AddressError {
    code: &'static str,
    field: &'static str,
    message: String,
    house: Option<House>,
}

impl AddressError {
    /// The stable code of this refusal, in `snake_case`: one of [`ADDRESS_CODES`].
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The field that was at fault: `postcode`, `huisnummer`, `huisletter`, `toevoeging` or `line`; with a register
    /// also `straat` or `woonplaats`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// What was found, and what would help.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Names the house that is certain, by postcode and number.
    pub(super) fn with_house(self, house: Option<House>) -> AddressError {
        AddressError { house, ..self }
    }

    /// The house that is certain.
    pub(super) fn house(&self) -> Option<House> {
        self.house
    }
}

/// A refusal before its text is made: what is wrong, and the character (not byte) of the input where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) problem: Problem,
    pub(super) at: usize,
}

impl Problem {
    /// The refusal for this at character `at`.
    pub(super) fn at(self, at: usize) -> Refusal {
        Refusal { problem: self, at }
    }

    fn row(self) -> &'static AddressCode {
        &ADDRESS_CODES[self as usize]
    }
}

impl Refusal {
    /// The error for a refused line of text.
    #[cold]
    pub(super) fn of_line(self, line: &str) -> AddressError {
        self.of_field(self.problem.row().field, line)
    }

    /// The error for a refused separate field.
    #[cold]
    pub(super) fn of_field(self, field: &'static str, input: &str) -> AddressError {
        let row = self.problem.row();
        let message = format!("{} {}; {}", Quote { input, at: self.at }, row.finding, row.remedy);
        AddressError { code: row.code, field, message, house: None }
    }
}

/// The error for bytes that are not text, in `field`.
#[cold]
pub(super) fn not_utf8(field: &'static str, bytes: &[u8], error: Utf8Error) -> AddressError {
    let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
    Problem::NotUtf8.at(valid.chars().count()).of_field(field, &String::from_utf8_lossy(bytes))
}

/// At most 24 characters of the input from where the trouble is, with control characters and what cannot be seen
/// escaped.
struct Quote<'a> {
    input: &'a str,
    at: usize,
}

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.input.chars().skip(self.at);
        f.write_str(if self.at > 0 { "\"…" } else { "\"" })?;
        for c in rest.by_ref().take(24) {
            // `escape_debug` would show a quotation mark in the input as an escape, which people do not read well.
            match c {
                '"' | '\'' => write!(f, "{c}")?,
                _ => write!(f, "{}", c.escape_debug())?,
            }
        }
        f.write_str(if rest.next().is_some() { "…\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_code_is_given_twice() {
        let distinct: BTreeSet<_> = ADDRESS_CODES.iter().map(|row| row.code).collect();
        assert_eq!(distinct.len(), ADDRESS_CODES.len());
        assert_eq!(Problem::BagIdNeedsRegister.row().code, "bag_id_needs_register");
    }

    #[test]
    fn a_quotation_is_short_and_shows_what_cannot_be_seen() {
        let long = "x".repeat(500);
        let error = Problem::Empty.at(0).of_line(&long);
        assert!(error.message().starts_with(&format!("\"{}…\"", "x".repeat(24))), "{error}");
        let error = Problem::Character.at(3).of_line("Dam\u{202e}\u{7}1");
        assert!(error.message().starts_with("\"…\\u{202e}\\u{7}1\" "), "{error}");
        assert_eq!(error.field(), "line");
        assert_eq!(
            Problem::Character.at(0).of_field("huisletter", "é").to_string().split(':').next(),
            Some("huisletter")
        );
    }
}

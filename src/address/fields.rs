//! Separate fields to the parts of a unit.

use std::str::Utf8Error;

use super::error::{AddressError, Problem, Refusal, not_utf8};
use super::fold::fold;
use super::parts::{self, Parts, Suffix};

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

impl<'a> Fields<'a> {
    /// The fields of bytes: postcode, number, letter and addition.
    ///
    /// # Errors
    ///
    /// `not_utf8` and `too_long`, with the name of the first field at fault.
    // Inlined always, as is what it calls: separate calls would add a fifth to the time that reading four fields takes.
    #[inline(always)]
    pub fn from_utf8([postcode, number, letter, addition]: [&'a [u8]; 4]) -> Result<Fields<'a>, AddressError> {
        Ok(Fields {
            postcode: text(postcode).map_err(|fault| fault.of(NAMES[0], postcode))?,
            number: text(number).map_err(|fault| fault.of(NAMES[1], number))?,
            letter: text(letter).map_err(|fault| fault.of(NAMES[2], letter))?,
            addition: text(addition).map_err(|fault| fault.of(NAMES[3], addition))?,
        })
    }
}

/// The most bytes that one field may have: registers pad to fixed widths well below it.
const FIELD_MAX: usize = 100;

/// Why the bytes of a field cannot be read as text.
enum NoText {
    TooLong,
    NotUtf8(Utf8Error),
}

#[inline(always)]
fn text(bytes: &[u8]) -> Result<&str, NoText> {
    match bytes {
        // The common case of letters and additions.
        [] => Ok(""),
        _ if bytes.len() > FIELD_MAX => Err(NoText::TooLong),
        _ => std::str::from_utf8(bytes).map_err(NoText::NotUtf8),
    }
}

impl NoText {
    #[cold]
    fn of(self, field: &'static str, bytes: &[u8]) -> AddressError {
        match self {
            NoText::TooLong => {
                let start = bytes.get(..FIELD_MAX).unwrap_or(bytes);
                Problem::TooLong.at(0).of_field(field, &String::from_utf8_lossy(start))
            }
            NoText::NotUtf8(error) => not_utf8(field, bytes, error),
        }
    }
}

/// The fields' names in errors, in the order in which they are read.
const NAMES: [&str; 4] = ["postcode", "huisnummer", "huisletter", "toevoeging"];

/// Reads the fields in order; the first that is at fault is reported.
pub(super) fn read(fields: &Fields<'_>) -> Result<Parts, AddressError> {
    // The error and its text are made only here: a result that carries them is larger, and slows the usual case down.
    parts(fields).map_err(|(at, refusal)| {
        let inputs = [fields.postcode, fields.number, fields.letter, fields.addition];
        refusal.of_field(NAMES[at], inputs[at])
    })
}

/// A refusal comes with the place of its field in [`NAMES`].
fn parts(fields: &Fields<'_>) -> Result<Parts, (usize, Refusal)> {
    let postcode = field(0, fields.postcode, postcode)?;
    let number = field(1, fields.number, number)?;
    let mut suffix = field(2, fields.letter, letter)?;
    if !fields.addition.is_empty() {
        field(3, fields.addition, |trimmed| addition(trimmed, &mut suffix))?;
    }
    Ok(Parts { postcode, number, suffix })
}

/// Folds the field at `at`, takes the spaces around it off and reads what is left; its refusals speak of the whole
/// field.
#[inline]
fn field<T>(at: usize, input: &str, read: impl FnOnce(&[u8]) -> Result<T, Problem>) -> Result<T, (usize, Refusal)> {
    fold::<16, FIELD_MAX, _>(input, |folded| read(trim(folded)).map_err(|problem| problem.at(0)))
        .map_err(|refusal| (at, refusal))
}

fn trim(mut folded: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = folded {
        folded = rest;
    }
    while let [rest @ .., b' '] = folded {
        folded = rest;
    }
    folded
}

fn postcode(trimmed: &[u8]) -> Result<[u8; 6], Problem> {
    if trimmed.is_empty() {
        return Err(Problem::NoPostcode);
    }
    let (Some((digits, _)), Some((middle, letters))) =
        (trimmed.split_first_chunk::<4>(), trimmed.split_last_chunk::<2>())
    else {
        return Err(Problem::PostcodeForm);
    };
    // Six bytes at least, or the letters would be digits too.
    let middle = middle.get(4..).ok_or(Problem::PostcodeForm)?;
    let middle_fits = matches!(middle, [] | [b' '] | [b'-']) || {
        let mut signs = middle.iter().filter(|b| **b != b' ');
        matches!((signs.next(), signs.next()), (None | Some(b'-'), None))
    };
    if !digits.iter().all(u8::is_ascii_digit) || !letters.iter().all(u8::is_ascii_uppercase) || !middle_fits {
        return Err(Problem::PostcodeForm);
    }
    parts::postcode(digits, letters, 0).map_err(|refusal| refusal.problem)
}

fn number(trimmed: &[u8]) -> Result<u32, Problem> {
    if trimmed.is_empty() {
        return Err(Problem::NoNumber);
    }
    if !trimmed.iter().all(u8::is_ascii_digit) {
        return Err(Problem::NumberForm);
    }
    parts::number(trimmed, 0).map_err(|refusal| refusal.problem)
}

fn letter(trimmed: &[u8]) -> Result<Suffix, Problem> {
    let mut suffix = Suffix::default();
    match trimmed {
        [] => Ok(suffix),
        [letter] if letter.is_ascii_uppercase() && suffix.push(trimmed) => Ok(suffix),
        _ => Err(Problem::LetterForm),
    }
}

/// Reads runs of letters and digits, parted by spaces with at most one `-` or `/`. One such sign may also stand before
/// the first run.
fn addition(trimmed: &[u8], suffix: &mut Suffix) -> Result<(), Problem> {
    if trimmed.is_empty() {
        return Ok(());
    }
    let mut rest = match trimmed {
        [b'-' | b'/', rest @ ..] => rest.trim_ascii_start(),
        _ => trimmed,
    };
    let mut before: &[u8] = &[];
    let mut slash = false;
    loop {
        let end = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (token, gap) = rest.split_at(end);
        // Two numbers would run together: 1-4 is not 14.
        let digits_meet =
            before.last().is_some_and(u8::is_ascii_digit) && token.first().is_some_and(u8::is_ascii_digit);
        if token.is_empty() || digits_meet || (slash && abbreviation(before, token)) {
            return Err(Problem::AdditionForm);
        }
        if !suffix.push(token) {
            return Err(Problem::SuffixTooLong);
        }
        if gap.is_empty() {
            return Ok(());
        }
        let end = gap.iter().position(|b| !matches!(b, b' ' | b'-' | b'/')).unwrap_or(gap.len());
        let (gap, next) = gap.split_at(end);
        if gap.iter().filter(|b| **b != b' ').count() > 1 {
            return Err(Problem::AdditionForm);
        }
        slash = gap == b"/";
        before = token;
        rest = next;
    }
}

/// Whether two tokens with a slash between them are t/o (opposite) or t/m (up to and including), as in `t/m14`.
pub(super) fn abbreviation(before: &[u8], after: &[u8]) -> bool {
    let single = |token: &[u8]| token.get(1).is_none_or(u8::is_ascii_digit);
    before == b"T" && matches!(after.first(), Some(b'O' | b'M')) && single(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::AddressKey;

    #[test]
    fn fields_of_bytes() {
        let fields = Fields::from_utf8([b"1012JS", b"1", b"", "\u{ff21}".as_bytes()]).unwrap();
        assert_eq!(fields, Fields { postcode: "1012JS", number: "1", letter: "", addition: "\u{ff21}" });
        assert_eq!(AddressKey::from_fields(&fields).unwrap().as_str(), "1012JS|1|A");
        let long = [b'0'; FIELD_MAX + 1];
        for (fields, code, field) in [
            ([b"1012JS".as_slice(), b"1", b"\xff", b"\xff"], "not_utf8", "huisletter"),
            ([b"1012JS", &long, b"", b"\xff"], "too_long", "huisnummer"),
        ] {
            let error = Fields::from_utf8(fields).unwrap_err();
            assert_eq!((error.code(), error.field()), (code, field));
        }
    }
}

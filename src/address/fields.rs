//! Separate fields to the parts of a unit.

use std::str::Utf8Error;

use super::error::{AddressError, House, Problem, Refusal, not_utf8};
use super::fold::fold;
use super::parts::{self, Parts, Suffix};
use super::suffix::{self, Gap};

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

/// A field of bytes beside those of an address, called `name` in errors.
pub(crate) fn other_field<'a>(name: &'static str, bytes: &'a [u8]) -> Result<&'a str, AddressError> {
    text(bytes).map_err(|fault| fault.of(name, bytes))
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
    parts(fields).map_err(|(at, refusal)| error(fields, at, refusal))
}

/// The error for the field at `at`. A letter or an addition that cannot be read leaves the house number certain, unless
/// it says that there are several, or another.
#[cold]
fn error(fields: &Fields<'_>, at: usize, refusal: Refusal) -> AddressError {
    let inputs = [fields.postcode, fields.number, fields.letter, fields.addition];
    let other =
        matches!(refusal.problem, Problem::TooLong | Problem::NotTheHouse | Problem::NotAPlace | Problem::RangeUnclear);
    let house = if at < 2 || other { None } else { house(fields) };
    refusal.of_field(NAMES[at], inputs[at]).with_house(house)
}

/// A refusal comes with the place of its field in [`NAMES`].
fn parts(fields: &Fields<'_>) -> Result<Parts, (usize, Refusal)> {
    let postcode = field(0, fields.postcode, postcode).map_err(|fault| id_alone(fields).unwrap_or(fault))?;
    let number = field(1, fields.number, number)?;
    let mut suffix = field(2, fields.letter, letter)?;
    if !fields.addition.is_empty() {
        field(3, fields.addition, |trimmed| addition(trimmed, number, &mut suffix))?;
    }
    Ok(Parts { postcode, number, suffix })
}

/// The house of an address whose postcode and number can be read.
#[cold]
fn house(fields: &Fields<'_>) -> Option<House> {
    // Closures of their own: what is used once only is inlined where the usual case is read.
    let postcode = field(0, fields.postcode, postcode).ok()?;
    let number = field(1, fields.number, number).ok()?;
    Some((postcode, number))
}

/// What is wrong with the number of an address without a postcode where it is a BAG id, or was meant for one: that says
/// more than that the postcode is missing.
#[cold]
fn id_alone(fields: &Fields<'_>) -> Option<(usize, Refusal)> {
    let fault = field(1, fields.number, number).err()?;
    let is_id = matches!(
        fault.1.problem,
        Problem::BagIdNeedsRegister | Problem::BagIdType | Problem::BagIdLength | Problem::BagIdZeroLost
    );
    let no_postcode = field(0, fields.postcode, |trimmed| Ok(trimmed.is_empty())).unwrap_or(false);
    (is_id && no_postcode).then_some(fault)
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
        // 12-mrt, once 12-3.
        let is_date = written(trimmed, &mut [0; FIELD_MAX]).is_some_and(suffix::is_date);
        return Err(if is_date { Problem::SpreadsheetDate } else { Problem::NumberForm });
    }
    parts::number(trimmed, 0).map_err(|refusal| refusal.problem)
}

fn letter(trimmed: &[u8]) -> Result<Suffix, Problem> {
    let mut suffix = Suffix::default();
    match trimmed {
        [] => Ok(suffix),
        [letter] if letter.is_ascii_uppercase() && suffix.push(trimmed) => Ok(suffix),
        _ if written(trimmed, &mut [0; FIELD_MAX]).is_some_and(suffix::is_no_value) => Err(Problem::EmptyValue),
        _ => Err(Problem::LetterForm),
    }
}

/// Reads an addition onto the letter.
fn addition(trimmed: &[u8], number: u32, suffix: &mut Suffix) -> Result<(), Problem> {
    if trimmed.is_empty() {
        return Ok(());
    }
    let plain = suffix::is_plain(trimmed);
    if !plain && !trimmed.iter().all(u8::is_ascii_alphanumeric) {
        return tokens(trimmed, number, suffix);
    }
    if !plain {
        suffix::check_written(trimmed)?;
    }
    if !suffix.push(trimmed) {
        return Err(Problem::SuffixTooLong);
    }
    if plain { Ok(()) } else { suffix::check_joined(suffix.as_bytes()) }
}

/// Reads runs of letters and digits, parted by spaces with at most one `-` or `/`, onto the letter. One such sign may
/// also stand before the first run.
#[inline(never)]
fn tokens(trimmed: &[u8], number: u32, suffix: &mut Suffix) -> Result<(), Problem> {
    check_whole(trimmed)?;
    let mut rest = match trimmed {
        [b'-' | b'/', rest @ ..] => rest.trim_ascii_start(),
        _ => trimmed,
    };
    let mut before: &[u8] = &[];
    let mut gap = Gap::new(&[]);
    loop {
        let end = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        if token.is_empty() {
            return Err(Problem::AdditionForm);
        }
        suffix::follows(number, before, gap, token).map_err(|problem| match problem {
            Problem::SuffixUnclear => Problem::AdditionForm,
            other => other,
        })?;
        if !suffix.push(token) {
            return Err(Problem::SuffixTooLong);
        }
        if after.is_empty() {
            return suffix::check_joined(suffix.as_bytes());
        }
        let end = after.iter().position(|b| !matches!(b, b' ' | b'-' | b'/')).unwrap_or(after.len());
        let (between, next) = after.split_at(end);
        gap = Gap::new(between);
        if gap.separators > 1 {
            return Err(Problem::AdditionForm);
        }
        before = token;
        rest = next;
    }
}

/// Refuses the whole of a field that is no addition, such as a date or a value that is none.
fn check_whole(trimmed: &[u8]) -> Result<(), Problem> {
    let mut buffer = [0; FIELD_MAX];
    let Some(written) = written(trimmed, &mut buffer) else { return Ok(()) };
    let signs = trimmed.iter().filter(|b| matches!(b, b'-' | b'/')).count();
    // 1-3-2026
    if (6..=8).contains(&written.len()) && signs == 2 && written.iter().all(u8::is_ascii_digit) {
        return Err(Problem::SpreadsheetDate);
    }
    suffix::check_written(written)
}

/// A field without its spaces, signs and dots; `None` if it has other signs.
fn written<'a>(trimmed: &[u8], buffer: &'a mut [u8; FIELD_MAX]) -> Option<&'a [u8]> {
    let kept = trimmed.iter().filter(|b| !matches!(b, b' ' | b'-' | b'/' | b'.'));
    let mut length = 0;
    for byte in kept {
        *buffer.get_mut(length).filter(|_| byte.is_ascii_alphanumeric())? = *byte;
        length += 1;
    }
    Some(&buffer[..length])
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

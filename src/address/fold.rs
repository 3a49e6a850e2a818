//! Characters: each character of the input becomes one byte of a small alphabet, or is refused.
//!
//! The alphabet: `A`-`Z` and `0`-`9`; a space for white space of any kind; `-` `/` `.` `,` `'` `(` `)` `&`; and
//! [`OTHER`] for a letter that is no ASCII letter, which can stand in a name and never in a postcode, number or
//! addition.

use std::borrow::Cow;

use super::error::{Problem, Refusal};
use crate::hidden::is_hidden;

/// A letter of the Latin script outside ASCII, or a combining mark.
pub(super) const OTHER: u8 = b'~';

/// Folds a text of at most `MAX` bytes and reads the folded bytes, one for each character.
///
/// Most texts have at most `USUAL` bytes: their buffer is not worth clearing at its full size.
#[inline]
pub(super) fn fold<const USUAL: usize, const MAX: usize, T>(
    text: &str,
    read: impl FnOnce(&[u8]) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if text.len() <= USUAL {
        let mut buffer = [0; USUAL];
        let length = fold_into(text, &mut buffer)?;
        read(&buffer[..length])
    } else if text.len() <= MAX {
        let mut buffer = [0; MAX];
        let length = fold_into(text, &mut buffer)?;
        read(&buffer[..length])
    } else {
        Err(Problem::TooLong.at(0))
    }
}

/// Folds a text into a buffer of at least its length in bytes, and gives the number of characters.
#[inline]
fn fold_into(text: &str, buffer: &mut [u8]) -> Result<usize, Refusal> {
    let mut length = 0;
    for (place, byte) in buffer.iter_mut().zip(text.bytes()) {
        if !byte.is_ascii() {
            return fold_rest(text, length, buffer);
        }
        *place = ASCII[usize::from(byte)];
        if *place == REFUSED {
            return Err(Problem::Character.at(length));
        }
        length += 1;
    }
    Ok(length)
}

/// Goes on after `ascii` bytes that are folded already, with the first character outside ASCII.
#[inline(never)]
fn fold_rest(text: &str, ascii: usize, buffer: &mut [u8]) -> Result<usize, Refusal> {
    let mut length = ascii;
    for (place, c) in buffer[ascii..].iter_mut().zip(text[ascii..].chars()) {
        *place = if c.is_ascii() { ASCII[c as usize] } else { wide(c) };
        if *place == REFUSED {
            return Err(Problem::Character.at(length));
        }
        length += 1;
    }
    Ok(length)
}

/// A text in which each character that is folded to an ASCII sign is that sign: full-width forms, and spaces, hyphens
/// and hidden characters of any kind. All else, and what is ASCII already, stays as it is.
pub(crate) fn in_ascii(text: &str) -> Cow<'_, str> {
    let sign = |c: char| match c {
        '\0' => ' ',
        '\u{1}'..='\u{7f}' => c,
        _ => match wide(c) {
            OTHER | REFUSED => c,
            sign => char::from(sign),
        },
    };
    if text.chars().all(|c| sign(c) == c) { text.into() } else { text.chars().map(sign).collect::<String>().into() }
}

const REFUSED: u8 = 0;

/// The table for ASCII: entry c is the class of character c.
const ASCII: [u8; 128] = {
    let mut table = [REFUSED; 128];
    let mut c = 0;
    while c < 128 {
        table[c as usize] = match c {
            // NUL pads fixed-width fields: it separates as a space does.
            0 | 9..=13 | b' ' => b' ',
            b'0'..=b'9' | b'A'..=b'Z' | b'-' | b'/' | b'.' | b'&' => c,
            b'a'..=b'z' => c - b'a' + b'A',
            b',' | b';' | b':' | b'"' => b',',
            b'\'' | b'`' => b'\'',
            b'(' | b'[' => b'(',
            b')' | b']' => b')',
            _ => REFUSED,
        };
        c += 1;
    }
    table
};

/// The class of a character outside ASCII.
fn wide(c: char) -> u8 {
    match c {
        // Control characters have no place in an address, and these change the order in which digits are read.
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => REFUSED,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => b' ',
        _ if is_hidden(c) => b' ',
        // Word processors turn a hyphen into these. Separators are dropped, so no two addresses meet by it.
        '\u{2010}'..='\u{2015}' | '\u{2212}' => b'-',
        '\u{b4}' | '\u{2bc}' | '\u{2018}' | '\u{2019}' => b'\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => b',',
        // The multiplication and division signs stand amid the letters.
        '\u{d7}' | '\u{f7}' => REFUSED,
        '\u{c0}'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}' => OTHER,
        // The full-width forms of ! to ~, in ASCII's order.
        '\u{ff01}'..='\u{ff5e}' => ASCII[c as usize - 0xff01 + 0x21],
        _ => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Result<String, Refusal> {
        fold::<16, 100, _>(text, |bytes| Ok(String::from_utf8(bytes.to_vec()).unwrap()))
    }

    #[test]
    fn one_byte_a_character() {
        assert_eq!(folded("Dam １２-a\0,\u{200b}’\u{fe0f}s\u{34f}").unwrap(), "DAM 12-A , ' S ");
        assert_eq!(folded("Bührmann Bu\u{308}hr").unwrap(), "B~HRMANN BU~HR");
        assert_eq!(folded("").unwrap(), "");
        assert_eq!(folded(&"é".repeat(50)).unwrap(), "~".repeat(50));
        assert_eq!(folded(&"é".repeat(51)), Err(Problem::TooLong.at(0)));
    }

    #[test]
    fn signs_outside_ascii_that_are_folded_to_it_are_written_in_it() {
        assert_eq!(in_ascii("Ｃaf\u{e9}\u{200b}１２\u{2013}a\0|х👍"), "Caf\u{e9} 12-a |х👍");
        assert!(matches!(in_ascii("Caf\u{e9} 12-a"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_only_looks_like_a_letter_or_digit_is_refused() {
        for c in "²½①٣३Аαℓ𝟏👍\u{202e}\u{2067}\u{81}\u{7}|+*#_=<>@!?$%^{}~\\".chars() {
            assert_eq!(folded(&format!("12{c}")), Err(Problem::Character.at(2)), "{c:?}");
        }
    }
}

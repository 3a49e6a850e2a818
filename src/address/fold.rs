//! Characters: each character of the input becomes one byte of a small alphabet, or is refused.
//!
//! The alphabet: `A`-`Z` and `0`-`9`; a space for white space of any kind; `-` `/` `.` `,` `'` `(` `)`; and
//! [`OTHER`] for a letter that is no ASCII letter, which can stand in a name and never in a postcode, number or addition.

use super::error::{Code, Refusal};

/// A letter of the Latin script outside ASCII, or a combining mark.
pub(super) const OTHER: u8 = b'~';

/// Folded text: at most `N` bytes, one for each character.
pub(super) struct Folded<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Folded<N> {
    /// Folds a text.
    pub(super) fn new(text: &str) -> Result<Folded<N>, Refusal> {
        if text.len() > N {
            return Err(Code::TooLong.at(0));
        }
        let mut folded = Folded { bytes: [b' '; N], length: 0 };
        let source = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = source.get(at) {
            let class = if byte.is_ascii() {
                at += 1;
                ASCII[usize::from(*byte)]
            } else {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                at += c.len_utf8();
                wide(c)
            };
            if class == REFUSED {
                return Err(Code::Character.at(folded.length));
            }
            // One byte for each character, so never more than the text has bytes.
            folded.bytes[folded.length] = class;
            folded.length += 1;
        }
        Ok(folded)
    }

    /// The folded bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
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
            b'0'..=b'9' | b'A'..=b'Z' | b'-' | b'/' | b'.' => c,
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
        // White space, and what has no width of its own. Bidirectional overrides change how digits read: refused.
        '\u{85}' | '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{180e}' => b' ',
        '\u{2000}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{2060}'..='\u{2064}' => b' ',
        '\u{3000}' | '\u{feff}' => b' ',
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

    fn fold(text: &str) -> Result<String, Refusal> {
        Folded::<100>::new(text).map(|folded| String::from_utf8(folded.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn one_byte_a_character() {
        assert_eq!(fold("Dam １２-a\0,\u{200b}’s").unwrap(), "DAM 12-A , 'S");
        assert_eq!(fold("Bührmann Bu\u{308}hr").unwrap(), "B~HRMANN BU~HR");
        assert_eq!(fold("").unwrap(), "");
        assert_eq!(fold(&"é".repeat(50)).unwrap(), "~".repeat(50));
        assert_eq!(fold(&"é".repeat(51)), Err(Code::TooLong.at(0)));
    }

    #[test]
    fn what_only_looks_like_a_letter_or_digit_is_refused() {
        for c in "²½①٣३Аαℓ𝟏👍\u{202e}\u{7}|&+*#_=<>@!?$%^{}~\\".chars() {
            assert_eq!(fold(&format!("12{c}")), Err(Code::Character.at(2)), "{c:?}");
        }
    }
}

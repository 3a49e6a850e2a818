//! What a unit's key is made of, postcode, number and addition, checked one by one.

use super::error::{Problem, Refusal};

/// The most characters that letter and addition have together: the BAG allows one and four.
pub(super) const SUFFIX_MAX: usize = 5;

/// The parts of a unit, each already in its canonical form.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) postcode: [u8; 6],
    pub(super) number: u32,
    pub(super) suffix: Suffix,
}

/// Letter and addition joined, as far as they have been read.
#[derive(Clone, Copy, Default)]
pub(super) struct Suffix {
    bytes: [u8; SUFFIX_MAX],
    length: usize,
}

impl Suffix {
    /// Adds a token of folded letters and digits; `false` if there is no room for it.
    pub(super) fn push(&mut self, token: &[u8]) -> bool {
        let end = self.length + token.len();
        match self.bytes.get_mut(self.length..end) {
            Some(room) => {
                room.copy_from_slice(token);
                self.length = end;
                true
            }
            None => false,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Checks six folded bytes, four digits and two letters, for what no postcode is; `at` is where they stand.
pub(super) fn postcode(digits: &[u8], letters: &[u8], at: usize) -> Result<[u8; 6], Refusal> {
    let mut postcode = [0; 6];
    postcode[..4].copy_from_slice(&digits[..4]);
    postcode[4..].copy_from_slice(&letters[..2]);
    if postcode[0] == b'0' {
        return Err(Problem::PostcodeFirstDigit.at(at));
    }
    // Never given out, for what they stood for in the war.
    if matches!(&postcode[4..], b"SA" | b"SD" | b"SS") {
        return Err(Problem::PostcodeLetters.at(at));
    }
    Ok(postcode)
}

/// The house number that a run of digits is; `at` is where it stands.
pub(super) fn number(digits: &[u8], at: usize) -> Result<u32, Refusal> {
    if digits.len() > 5 {
        return Err(long_number(digits).at(at));
    }
    match digits.iter().fold(0, |n, digit| n * 10 + u32::from(digit - b'0')) {
        0 => Err(Problem::NumberZero.at(at)),
        number => Ok(number),
    }
}

/// What more than five digits are: the id of a BAG object, or something that was meant for one, or neither.
fn long_number(digits: &[u8]) -> Problem {
    // The type stands ten digits before the end. A municipality's number begins with up to three zeros.
    let is_address = |digits: &[u8]| matches!(&digits[digits.len() - 12..][..2], b"01" | b"02" | b"03" | b"20");
    match digits.len() {
        16 if is_address(digits) => Problem::BagIdNeedsRegister,
        16 => Problem::BagIdType,
        13..=15 if is_address(digits) => Problem::BagIdZeroLost,
        13..=19 => Problem::BagIdLength,
        _ => Problem::NumberTooLong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_an_id_says_so() {
        let problem = |digits: &str| number(digits.as_bytes(), 0).unwrap_err().problem;
        for kind in ["01", "02", "03", "20"] {
            assert_eq!(problem(&format!("0424{kind}0000017336")), Problem::BagIdNeedsRegister);
        }
        assert_eq!(problem("0424100000017336"), Problem::BagIdType, "a pand has no address of its own");
        assert_eq!(problem("0424300000017336"), Problem::BagIdType);
        assert_eq!(problem("424200000017336"), Problem::BagIdZeroLost, "a spreadsheet took the zero");
        assert_eq!(problem("3200000017336"), Problem::BagIdZeroLost, "and three zeros of municipality 0003");
        assert_eq!(problem("424100000017336"), Problem::BagIdLength);
        assert_eq!(problem("042420000001733"), Problem::BagIdLength, "cut short at the end");
        assert_eq!(problem("123456"), Problem::NumberTooLong);
        assert_eq!(problem("0"), Problem::NumberZero);
        assert_eq!(number(b"00012", 0), Ok(12));
    }
}

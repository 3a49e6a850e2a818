//! What letter and addition cannot be, in a line of text and in separate fields alike.

use super::error::Problem;
use super::parts::SUFFIX_MAX;
use super::words::{self, Meanings};

/// What is between two tokens of a number and its addition: spaces, hyphens and slashes.
#[derive(Clone, Copy)]
pub(super) struct Gap {
    /// Hyphens and slashes.
    pub(super) separators: usize,
    /// It has a space, so what follows may not belong to the number.
    pub(super) apart: bool,
    /// It is a slash alone.
    slash: bool,
}

impl Gap {
    pub(super) fn new(gap: &[u8]) -> Gap {
        let separators = gap.iter().filter(|b| **b != b' ').count();
        Gap { separators, apart: separators < gap.len(), slash: gap == b"/" }
    }
}

/// Whether a token may go on with the addition of a house number after the token before it, which is empty at first.
///
/// Joined, `I-II` would be `III`, and `1-4` would be `14`; and what has the make of the token before it is the end of
/// a range, as in `12a-c`. A word in use as an addition is known for what it is: `B-BG` is `BBG`.
pub(super) fn follows(number: u32, before: &[u8], gap: Gap, token: &[u8]) -> Result<(), Problem> {
    let (Some(last), Some(first)) = (before.last(), token.first()) else { return Ok(()) };
    if gap.slash && before == b"T" && matches!(first, b'O' | b'M') && token.get(1).is_none_or(u8::is_ascii_digit) {
        return Err(if *first == b'O' { Problem::NotTheHouse } else { Problem::RangeUnclear });
    }
    let either = |range: bool| if range && gap.separators > 0 { Problem::RangeUnclear } else { Problem::SuffixUnclear };
    let digit_before = before[0].is_ascii_digit();
    let digit_after = token[token.len() - 1].is_ascii_digit();
    match (last.is_ascii_digit(), first.is_ascii_digit()) {
        (true, true) => Err(Problem::SuffixUnclear),
        // A1-A3.
        (true, false) if !digit_before && digit_after => Err(either(true)),
        // 1a-1c.
        (false, true) if digit_before && !digit_after => Err(either(true)),
        (false, true) if gap.separators > 0 && goes_on(number, token) => Err(Problem::RangeUnclear),
        // 1a-c.
        (false, false) if digit_before && token.len() == 1 => Err(either(true)),
        (false, false) if !digit_before && token.iter().all(u8::is_ascii_uppercase) => {
            let roman = words::is_roman(before) && words::is_roman(token);
            let known = |word: &[u8]| words::meanings(word) & words::ADDITION != 0;
            match roman || !(known(before) || known(token)) {
                true => Err(either(roman || (before.len() == 1 && token.len() == 1))),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Whether a number and a token after it can be a range, as in `12-14` and `12-12a`; or backwards, as in `14-12`, on
/// one side of the street and near. What goes on with digits, as in `1-5A3`, ends no range.
pub(super) fn may_be_range(number: u32, token: &[u8]) -> bool {
    let Some((second, lettered)) = second_number(token) else { return false };
    let backwards = number > 9 && digits(second) == digits(number) && (2..=20).contains(&number.saturating_sub(second));
    second > number || (second == number && lettered) || (backwards && (number - second).is_multiple_of(2))
}

/// Whether a token after a number and its letter goes on where they began, as in `12a-14` or `3a-3c`. In use are
/// `6b-13`, `6b-8` and `6b-1a`.
fn goes_on(number: u32, token: &[u8]) -> bool {
    second_number(token).is_some_and(|(second, lettered)| {
        digits(second) == digits(number) && second >= number && (number > 9 || lettered)
    })
}

/// The number that a token of digits, and letters after them, begins with; and whether there are letters.
fn second_number(token: &[u8]) -> Option<(u32, bool)> {
    let end = token.iter().position(|b| !b.is_ascii_digit()).unwrap_or(token.len());
    let (number, letters) = token.split_at(end);
    // A long one is only known to be large.
    let value = |n: u32, digit: &u8| n.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
    let fits = !number.is_empty() && letters.iter().all(u8::is_ascii_uppercase);
    fits.then(|| (number.iter().fold(0, value), !letters.is_empty()))
}

fn digits(number: u32) -> u32 {
    number.checked_ilog10().unwrap_or(0)
}

/// Whether an addition is one letter or a number, as most are: nothing else can be meant, and the checks that follow
/// would find nothing.
#[inline]
pub(super) fn is_plain(written: &[u8]) -> bool {
    match written {
        [b'A'..=b'Z'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Refuses an addition that is a word or a value of another kind, or none. `written` is the addition of a field or of a
/// line, without its spaces, signs and dots.
pub(super) fn check_written(written: &[u8]) -> Result<(), Problem> {
    if is_date(written) {
        Err(Problem::SpreadsheetDate)
    } else if written.iter().all(u8::is_ascii_uppercase) {
        check_word(written)
    } else if is_no_value(written) {
        Err(Problem::EmptyValue)
    } else {
        Ok(())
    }
}

/// Refuses a word that is no addition.
fn check_word(word: &[u8]) -> Result<(), Problem> {
    // Each that is a word begins with one of these.
    if matches!(word.first(), None | Some(b'N' | b'G' | b'O')) && is_no_value(word) {
        return Err(Problem::EmptyValue);
    }
    let meanings = words::meanings(word);
    refuse_anywhere(meanings)?;
    let is_part = match word.len() {
        ..=SUFFIX_MAX => meanings & words::PART_AFTER != 0 && meanings & words::ADDITION == 0,
        _ => words::ends_as_part(word),
    };
    match word {
        b"TO" => Err(Problem::NotTheHouse),
        _ if is_part => Err(Problem::SuffixInWords),
        _ => Ok(()),
    }
}

/// Refuses letter and addition, joined, where they are a joining word and a second number, as in `12en14`, or a floor,
/// as in `1hoog` and `1e`.
pub(super) fn check_joined(suffix: &[u8]) -> Result<(), Problem> {
    match suffix {
        [b'0'..=b'9', .., b'E' | b'G'] => {
            let digits = suffix.iter().take_while(|b| b.is_ascii_digit()).count();
            let is_floor = matches!(&suffix[digits..], b"E" | b"DE" | b"STE" | b"HG" | b"HOOG");
            if is_floor { Err(Problem::SuffixInWords) } else { Ok(()) }
        }
        [b'E' | b'O' | b'T', .., b'0'..=b'9'] => {
            let letters = suffix.iter().take_while(|b| b.is_ascii_uppercase()).count();
            let (word, rest) = suffix.split_at(letters);
            let joins = matches!(word, b"EN" | b"OF" | b"TOT" | b"TM" | b"TO") && rest.iter().all(u8::is_ascii_digit);
            if joins { Err(Problem::RangeUnclear) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// Whether this is how a program writes that there is no value: zeros, a word, or signs that are taken off already.
pub(super) fn is_no_value(written: &[u8]) -> bool {
    matches!(written, b"NULL" | b"NONE" | b"NAN" | b"NA" | b"NVT" | b"GEEN" | b"ONG")
        || written.iter().all(|b| *b == b'0')
}

/// Whether letters and digits are a date with a month's name: a spreadsheet makes `1-mrt`, or `mrt-01`, of 1-3.
pub(super) fn is_date(written: &[u8]) -> bool {
    let start = written.iter().position(u8::is_ascii_uppercase).unwrap_or(0);
    let month = written.get(start..start + 3).is_some_and(|month| {
        matches!(
            month,
            b"JAN"
                | b"FEB"
                | b"MRT"
                | b"MAR"
                | b"APR"
                | b"MEI"
                | b"MAY"
                | b"JUN"
                | b"JUL"
                | b"AUG"
                | b"SEP"
                | b"OKT"
                | b"OCT"
                | b"NOV"
                | b"DEC"
        )
    });
    month && written[start + 3..].iter().all(u8::is_ascii_digit)
}

/// Refuses a word that cannot be in the line of a house, wherever it stands.
pub(super) fn refuse_anywhere(meanings: Meanings) -> Result<(), Problem> {
    if meanings & words::NOT_A_PLACE != 0 {
        Err(Problem::NotAPlace)
    } else if meanings & words::NOT_THE_HOUSE != 0 {
        Err(Problem::NotTheHouse)
    } else if meanings & words::PART != 0 {
        Err(Problem::SuffixInWords)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(number: u32, before: &str, gap: &str, token: &str) -> Result<(), Problem> {
        follows(number, before.as_bytes(), Gap::new(gap.as_bytes()), token.as_bytes())
    }

    #[test]
    fn tokens_that_join_are_one_addition() {
        for (before, gap, token) in [
            ("", " ", "A"),
            ("A", "-", "4"),
            ("A", " ", "20"),
            ("R", " ", "A59"),
            ("E", "-", "H18C"),
            ("B", "-", "BG"),
            ("BIS", " ", "A"),
            ("A", " ", "III"),
            ("B", "-", "31"),
        ] {
            assert_eq!(followed(6, before, gap, token), Ok(()), "{before}{gap}{token}");
        }
    }

    #[test]
    fn tokens_of_one_make_are_the_ends_of_a_range() {
        for (before, gap, token) in [
            ("A", "-", "C"),
            ("A", "/", "B"),
            ("1A", "-", "C"),
            ("1A", "-", "1C"),
            ("A1", " / ", "A3"),
            ("I", "-", "II"),
            ("I", "-", "III"),
            ("A", "-", "14"),
            ("A", "/", "12C"),
            ("T", "/", "M14"),
        ] {
            assert_eq!(followed(12, before, gap, token), Err(Problem::RangeUnclear), "{before}{gap}{token}");
        }
        // Without a sign between them they still may not run together.
        for (before, token) in [("I", "II"), ("D", "K"), ("1", "4"), ("A1", "A3")] {
            assert_eq!(followed(12, before, " ", token), Err(Problem::SuffixUnclear), "{before} {token}");
        }
        assert_eq!(followed(12, "T", "/", "O"), Err(Problem::NotTheHouse));
    }

    #[test]
    fn a_second_number_is_a_range_by_its_size() {
        for (number, token, is_range) in [
            (12, "14", true),
            (12, "13", true),
            (12, "1400", true),
            (12, "12A", true),
            (14, "12", true),
            (12, "12", false),
            (12, "11", false),
            (12, "2", false),
            (4, "2", false),
            (146, "120", false),
            (1, "5A3", false),
            (1, "4294967299", true),
        ] {
            assert_eq!(may_be_range(number, token.as_bytes()), is_range, "{number}-{token}");
        }
        for (number, token, is_range) in [
            (12, "14", true),
            (12, "12C", true),
            (3, "3C", true),
            (4, "6B", true),
            (12, "11", false),
            (6, "8", false),
            (6, "1A", false),
            (6, "13A", false),
        ] {
            assert_eq!(goes_on(number, token.as_bytes()), is_range, "{number}a-{token}");
        }
    }

    #[test]
    fn what_is_written_is_an_addition_or_it_is_not() {
        for (written, problem) in [
            ("", Some(Problem::EmptyValue)),
            ("000", Some(Problem::EmptyValue)),
            ("NULL", Some(Problem::EmptyValue)),
            ("ONG", Some(Problem::EmptyValue)),
            ("1MRT", Some(Problem::SpreadsheetDate)),
            ("MRT01", Some(Problem::SpreadsheetDate)),
            ("1MAR2026", Some(Problem::SpreadsheetDate)),
            ("TO", Some(Problem::NotTheHouse)),
            ("BY", Some(Problem::NotTheHouse)),
            ("POSTBUS", Some(Problem::NotAPlace)),
            ("ACHTERHUIS", Some(Problem::SuffixInWords)),
            ("TUINKAMER", Some(Problem::SuffixInWords)),
            ("HOOG", Some(Problem::SuffixInWords)),
            ("NC", None),
            ("OK", None),
            ("GB7", None),
            ("HUIS", None),
            ("01", None),
            ("MR1T", None),
        ] {
            assert_eq!(check_written(written.as_bytes()).err(), problem, "{written}");
            if is_plain(written.as_bytes()) {
                assert_eq!(problem, None, "{written}");
            }
        }
        for (suffix, problem) in [
            ("EN14", Some(Problem::RangeUnclear)),
            ("TM1", Some(Problem::RangeUnclear)),
            ("1E", Some(Problem::SuffixInWords)),
            ("2HOOG", Some(Problem::SuffixInWords)),
            ("E1", None),
            ("TO", None),
            ("B1E", None),
            ("1AE", None),
        ] {
            assert_eq!(check_joined(suffix.as_bytes()).err(), problem, "{suffix}");
        }
    }
}

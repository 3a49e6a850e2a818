//! A folded line of text to the parts of a unit: one pass from left to right over a few kinds of token.
//!
//! A line is words, one postcode and one house number with its addition, in any order, parted by commas or not. The
//! words are street and town and are not part of a key; but the number must be the house's own, so what may be an
//! ordinal, a year, a range, a second number or half an addition is refused. spec/nl-address-1.md has the rules.

use super::error::{Problem, Refusal};
use super::fields::abbreviation;
use super::fold::OTHER;
use super::parts::{self, Parts, Suffix};
use super::words::{self, Meanings};

/// The most bytes that a line may have.
pub(super) const LINE_MAX: usize = 1000;

/// The numbers that can be a year in a street's name.
const YEARS: std::ops::RangeInclusive<u32> = 1500..=2099;

/// Reads a folded line.
pub(super) fn read(line: &[u8]) -> Result<Parts, Refusal> {
    let mut reader = LineReader { line, segment_start: true, ..LineReader::default() };
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        at = match byte {
            b'0'..=b'9' => reader.digits(at)?,
            b'A'..=b'Z' | OTHER => reader.word(at)?,
            b',' => {
                reader.end_run(false)?;
                reader.begin_segment(false);
                at + 1
            }
            b'-' | b'/' | b'(' | b')' => {
                reader.word = None;
                at + 1
            }
            // A space, a dot, an apostrophe.
            _ => at + 1,
        };
    }
    reader.end_run(false)?;
    match (reader.postcode, reader.number) {
        (Some(postcode), Some((number, suffix))) => Ok(Parts { postcode, number, suffix }),
        _ if !reader.any => Err(Problem::Empty.at(0)),
        (None, _) => Err(Problem::NoPostcode.at(0)),
        (_, None) => Err(Problem::NoNumber.at(0)),
    }
}

/// What has been read of a line so far.
#[derive(Default)]
struct LineReader<'a> {
    line: &'a [u8],
    postcode: Option<[u8; 6]>,
    number: Option<(u32, Suffix)>,
    run: Run,
    /// The word that was the last token, if only spaces, dots and apostrophes came after it.
    word: Option<Word>,
    /// Neither a word nor a number has come since the line's start, a comma or a postcode.
    segment_start: bool,
    /// The last token was the postcode.
    after_postcode: bool,
    /// A letter or a digit has been seen.
    any: bool,
    /// A year of the street's name was passed over.
    year: bool,
    /// An ordinal of the street's name was passed over, before the number.
    ordinal: bool,
}

/// What a house number has to know of the word before it.
#[derive(Clone, Copy)]
struct Word {
    letters: usize,
    meanings: Meanings,
}

/// The words since the last comma, postcode or number.
#[derive(Default)]
struct Run {
    /// It began after the postcode, where towns stand.
    after_postcode: bool,
    letters: usize,
    words: usize,
    /// Start and end of the first word.
    first: (usize, usize),
}

impl LineReader<'_> {
    /// Ends a run of words, and begins the next. After the number a short run may be an addition that stands apart,
    /// unless it follows the postcode or is a town.
    fn end_run(&mut self, at_postcode: bool) -> Result<(), Refusal> {
        let run = std::mem::replace(&mut self.run, Run { after_postcode: at_postcode, ..Run::default() });
        let short = (1..=parts::SUFFIX_MAX).contains(&run.letters);
        if self.number.is_some() && short && !run.after_postcode {
            let (start, end) = run.first;
            if run.words > 1 || !words::is_short_town(&self.line[start..end]) {
                return Err(Problem::SuffixUnclear.at(start));
            }
        }
        Ok(())
    }

    /// A word outside of an addition.
    fn word(&mut self, start: usize) -> Result<usize, Refusal> {
        let end = end_of(self.line, start, is_letter);
        let word = &self.line[start..end];
        let meanings = words::meanings(word);
        self.any = true;
        let is_part_after = self.number.is_some() && (meanings & words::PART_AFTER != 0 || words::ends_as_part(word));
        if (meanings != 0 || is_part_after) && !self.is_exempt(word, end) {
            refuse_anywhere(meanings).map_err(|problem| problem.at(start))?;
            let hyphenated = self.at(end) == b'-' && is_letter(self.at(end + 1));
            if is_part_after && !hyphenated {
                return Err(Problem::SuffixInWords.at(start));
            }
        }
        if word == b"T" && self.is_opposite(end) {
            return Err(Problem::NotTheHouse.at(start));
        }
        if self.run.words == 0 {
            self.run.first = (start, end);
        }
        self.run.words += 1;
        self.run.letters += word.len();
        self.go_on(Some(Word { letters: word.len(), meanings }));
        Ok(end)
    }

    /// A comma or a postcode was read: the next part of the line begins.
    fn begin_segment(&mut self, at_postcode: bool) {
        self.word = None;
        self.segment_start = true;
        self.after_postcode = at_postcode;
    }

    /// A word or a number was read: the part of the line goes on.
    fn go_on(&mut self, word: Option<Word>) {
        self.word = word;
        self.segment_start = false;
        self.after_postcode = false;
    }

    /// Whether a word that would be refused begins the name of a town, such as Wijk bij Duurstede.
    fn is_exempt(&self, word: &[u8], end: usize) -> bool {
        let second = || &self.line[end_of(self.line, end, |b| b == b' ')..];
        words::exempt_before(word).is_some_and(|name| second().starts_with(name))
    }

    /// Whether a word T goes on as t/o, t.o. or t.h.v.
    fn is_opposite(&self, end: usize) -> bool {
        let joined = |at: usize| matches!(self.at(at), b'.' | b'/');
        let ends = |at: usize| !is_letter(self.at(at)) && self.at(at) != b'\'';
        (joined(end) && self.at(end + 1) == b'O' && ends(end + 2))
            || (joined(end) && self.at(end + 1) == b'H' && joined(end + 2) && self.at(end + 3) == b'V' && ends(end + 4))
    }

    /// A run of digits: a postcode, an ordinal or a year of the street's name, or the house number.
    fn digits(&mut self, start: usize) -> Result<usize, Refusal> {
        self.any = true;
        if let Some(shape) = self.postcode_at(start) {
            let postcode = parts::postcode(&self.line[start..], &self.line[shape.letters..], start)?;
            if self.postcode.replace(postcode).is_some() {
                return Err(Problem::TwoPostcodes.at(start));
            }
            self.end_run(true)?;
            self.begin_segment(true);
            return Ok(shape.end);
        }
        let end = end_of(self.line, start, |b| b.is_ascii_digit());
        let digits = &self.line[start..end];
        if digits.len() > 5 {
            return Err(parts::number(digits, start).err().unwrap_or(Problem::NumberTooLong.at(start)));
        }
        let before = if start == 0 { b' ' } else { self.line[start - 1] };
        if is_letter(before) || matches!(before, b'\'' | b'(') {
            return Err(Problem::NumberUnclear.at(start));
        }
        if let Some(end) = self.ordinal_at(start, end)? {
            self.go_on(None);
            return Ok(end);
        }
        if self.number.is_some() {
            return Err(Problem::TwoNumbers.at(start));
        }
        if let Some(next) = self.year_at(start, end)? {
            self.year = true;
            return Ok(next);
        }
        self.house_number(start, end)
    }

    /// The house number and what belongs to it.
    fn house_number(&mut self, start: usize, end: usize) -> Result<usize, Refusal> {
        let parted = self.line[..start].iter().rev().find(|b| **b != b' ').is_some_and(|b| matches!(b, b'-' | b'/'));
        let dotted = start > 0 && self.line[start - 1] == b'.';
        if (parted && !self.after_postcode) || (dotted && self.word.is_none()) {
            return Err(Problem::NumberUnclear.at(start));
        }
        match self.word {
            // Block B 12 is not 12.
            Some(word) if word.letters == 1 => return Err(Problem::NumberUnclear.at(start)),
            Some(word) if word.meanings & words::BEFORE != 0 => return Err(Problem::NotTheHouse.at(start)),
            Some(word) if word.meanings & words::BOX_BEFORE != 0 => return Err(Problem::NotAPlace.at(start)),
            None if self.ordinal => return Err(Problem::NumberUnclear.at(start)),
            _ => {}
        }
        let number = parts::number(&self.line[start..end], start)?;
        if self.year && YEARS.contains(&number) {
            return Err(Problem::YearUnclear.at(start));
        }
        // The street before the number is never an addition.
        self.end_run(false)?;
        let (suffix, next) = self.suffix(number, start, end)?;
        self.number = Some((number, suffix));
        self.go_on(None);
        Ok(next)
    }

    /// The addition after a house number that ends at `end`, and where the line goes on.
    fn suffix(&self, number: u32, start: usize, end: usize) -> Result<(Suffix, usize), Refusal> {
        let mut suffix = Suffix::default();
        let mut at = end_of(self.line, end, is_alphanumeric);
        let mut before = &self.line[end..at];
        if !suffix.push(before) {
            return Err(Problem::SuffixTooLong.at(end));
        }
        loop {
            if matches!(self.at(at), OTHER | b'\'') {
                return Err(Problem::SuffixUnclear.at(at));
            }
            let gap_start = at;
            at = end_of(self.line, at, |b| matches!(b, b' ' | b'-' | b'/'));
            let gap = Gap::new(&self.line[gap_start..at]);
            if gap.separators > 1 {
                return Err(Problem::SuffixUnclear.at(gap_start));
            }
            let next = self.at(at);
            if !is_alphanumeric(next) {
                if gap.separators > 0 || !self.ends_addition(at) {
                    return Err(Problem::SuffixUnclear.at(at));
                }
                break;
            }
            if next.is_ascii_digit() && self.postcode_at(at).is_some() {
                break;
            }
            let token_end = end_of(self.line, at, is_alphanumeric);
            let token = &self.line[at..token_end];
            match follows(number, &suffix, before, gap, token) {
                Ok(Follows::Addition) => {}
                Ok(Follows::Country) => break,
                // Reported at the house number, because a range is both numbers.
                Err(Problem::RangeUnclear) => return Err(Problem::RangeUnclear.at(start)),
                Err(problem) => return Err(problem.at(at)),
            }
            if !suffix.push(token) {
                return Err(Problem::SuffixTooLong.at(at));
            }
            before = token;
            at = token_end;
        }
        if joins_numbers(suffix.as_bytes()) {
            return Err(Problem::RangeUnclear.at(start));
        }
        Ok((suffix, at))
    }

    /// Whether a house number and its addition may end before a place where no letter or digit is: at the line's end or
    /// a comma, or at a dot that ends a part of the line.
    fn ends_addition(&self, at: usize) -> bool {
        let dotted = self.at(at) == b'.';
        let after = if dotted { end_of(self.line, at, |b| matches!(b, b'.' | b' ')) } else { at };
        matches!(self.at(after), 0 | b',' | b')') || (dotted && self.postcode_at(after).is_some())
    }

    /// The postcode that begins at a digit: four digits, spaces with at most one `-` among them, two letters, and no
    /// letter or digit on either side.
    fn postcode_at(&self, start: usize) -> Option<Shape> {
        let line = self.line;
        let four = line.get(start..start + 4)?;
        if !four.iter().all(u8::is_ascii_digit) || (start > 0 && is_glue(line[start - 1])) {
            return None;
        }
        let mut letters = end_of(line, start + 4, |b| b == b' ');
        if self.at(letters) == b'-' {
            letters = end_of(line, letters + 1, |b| b == b' ');
        }
        let two = self.at(letters).is_ascii_uppercase() && self.at(letters + 1).is_ascii_uppercase();
        (two && !is_glue(self.at(letters + 2))).then_some(Shape { letters, end: letters + 2 })
    }

    /// Where an ordinal ends that belongs to the name after it, as in `2e Dorpsstraat`; `None` if there is none.
    ///
    /// It must begin its part of the line, and too many letters must follow before the next number for the `e` to
    /// begin an addition.
    fn ordinal_at(&mut self, start: usize, digits_end: usize) -> Result<Option<usize>, Refusal> {
        let end = end_of(self.line, digits_end, |b| b.is_ascii_uppercase());
        let name = end_of(self.line, end, |b| b == b' ');
        let is_ordinal = self.segment_start
            && digits_end - start <= 2
            && matches!(&self.line[digits_end..end], b"E" | b"DE" | b"STE")
            && name > end
            && (is_letter(self.at(name)) || self.at(name) == b'\'');
        if !is_ordinal {
            return Ok(None);
        }
        if self.number.is_some() {
            // The towns 1e and 2e Exloërmond and 2e Valthermond; all else may be a floor or a second address.
            let rest = &self.line[name..];
            return Ok((rest.starts_with(b"EXLO") || rest.starts_with(b"VALTH")).then_some(end));
        }
        let letters = self.line[name..]
            .iter()
            .take_while(|b| !b.is_ascii_digit() && !matches!(b, b',' | b'/' | b'(' | b')'))
            .filter(|b| is_letter(**b))
            .take(parts::SUFFIX_MAX)
            .count();
        if letters < parts::SUFFIX_MAX {
            return Err(Problem::OrdinalUnclear.at(start));
        }
        self.ordinal = true;
        Ok(Some(end))
    }

    /// Where the house number begins after a year, or a range of years, that belongs to the street's name, as in
    /// `Plein 1940-45 3`; `None` if there is none.
    fn year_at(&self, start: usize, end: usize) -> Result<Option<usize>, Refusal> {
        let year = small_number(&self.line[start..end]);
        if self.word.is_none() || self.year || end - start != 4 || !YEARS.contains(&year) {
            return Ok(None);
        }
        let spaces = end_of(self.line, end, |b| b == b' ');
        if matches!(self.at(spaces), b'-' | b'/') {
            let second = end_of(self.line, spaces + 1, |b| b == b' ');
            let second_end = end_of(self.line, second, |b| b.is_ascii_digit());
            let last = small_number(&self.line[second..second_end]);
            let is_range = match second_end - second {
                2 => last > year % 100,
                4 => last > year && YEARS.contains(&last) && self.postcode_at(second).is_none(),
                _ => false,
            };
            return match self.number_after(second_end) {
                _ if !is_range => Ok(None),
                None => Err(Problem::YearUnclear.at(start)),
                next => Ok(next),
            };
        }
        Ok(self.number_after(end))
    }

    /// Where a number begins of which only spaces stand before it, if it is no postcode.
    fn number_after(&self, end: usize) -> Option<usize> {
        let next = end_of(self.line, end, |b| b == b' ');
        (next > end && self.at(next).is_ascii_digit() && self.postcode_at(next).is_none()).then_some(next)
    }

    /// The byte at a place. Past the end it is 0, which no folded line has.
    fn at(&self, at: usize) -> u8 {
        self.line.get(at).copied().unwrap_or(0)
    }
}

/// Where a postcode's letters begin and where it ends.
struct Shape {
    letters: usize,
    end: usize,
}

/// What is between two tokens of a number and its addition.
#[derive(Clone, Copy)]
struct Gap {
    /// Hyphens and slashes.
    separators: usize,
    /// It has a space, so what follows may not belong to the number.
    apart: bool,
    /// It is a slash alone.
    slash: bool,
}

impl Gap {
    fn new(gap: &[u8]) -> Gap {
        let separators = gap.iter().filter(|b| **b != b' ').count();
        Gap { separators, apart: separators < gap.len(), slash: gap == b"/" }
    }
}

/// What a token after a house number is.
enum Follows {
    /// The addition, or more of it.
    Addition,
    /// The country: the addition has ended.
    Country,
}

/// What a token is that follows a number and what has been read of its addition, of which `before` is the last token.
fn follows(number: u32, suffix: &Suffix, before: &[u8], gap: Gap, token: &[u8]) -> Result<Follows, Problem> {
    if token[0].is_ascii_digit() {
        match suffix.as_bytes().last() {
            None if gap.separators == 0 => return Err(Problem::TwoNumbers),
            None if may_be_range(number, token) => return Err(Problem::RangeUnclear),
            // Two numbers would run together: 12-1-4 is not 12-14.
            Some(last) if last.is_ascii_digit() => return Err(Problem::SuffixUnclear),
            _ => {}
        }
    } else if token.iter().all(u8::is_ascii_uppercase) {
        let meanings = words::meanings(token);
        refuse_anywhere(meanings)?;
        if gap.apart && meanings & words::JOINS != 0 {
            return Err(Problem::RangeUnclear);
        }
        if gap.apart && meanings & words::UNCLEAR != 0 {
            return Err(Problem::SuffixUnclear);
        }
        if gap.apart && gap.separators == 0 && meanings & words::COUNTRY != 0 {
            return Ok(Follows::Country);
        }
        if gap.apart && !words::can_stand_apart(token) {
            return Err(if token.len() > parts::SUFFIX_MAX { Problem::SuffixTooLong } else { Problem::SuffixUnclear });
        }
    }
    if gap.slash && abbreviation(before, token) {
        return Err(if token[0] == b'O' { Problem::NotTheHouse } else { Problem::RangeUnclear });
    }
    Ok(Follows::Addition)
}

/// Refuses a word that cannot be in the line of a house, wherever it stands.
fn refuse_anywhere(meanings: Meanings) -> Result<(), Problem> {
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

/// Whether a number and the addition after it can be a range, as in `12-14` or `12-14a`: both on one side of a street,
/// and near. What goes on with digits, as in `1-5A3`, ends no range.
fn may_be_range(number: u32, addition: &[u8]) -> bool {
    let (digits, letters) = addition.split_at(end_of(addition, 0, |b| b.is_ascii_digit()));
    let last = small_number(digits);
    let is_number = letters.iter().all(u8::is_ascii_uppercase);
    is_number && last > number && last - number <= 20 && (last - number).is_multiple_of(2)
}

/// Whether an addition is a joining word and a second number, as in `12en14` or `12 t.m. 14`.
fn joins_numbers(suffix: &[u8]) -> bool {
    let digits = end_of(suffix, 0, |b| b.is_ascii_uppercase());
    let (word, rest) = suffix.split_at(digits);
    matches!(word, b"EN" | b"OF" | b"TOT" | b"TM" | b"TO") && !rest.is_empty() && rest.iter().all(u8::is_ascii_digit)
}

/// The value of a run of digits; a long one is only known to be large.
fn small_number(digits: &[u8]) -> u32 {
    digits.iter().fold(0_u32, |n, digit| n.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}

/// The first place from `start` whose byte is not of the kind.
fn end_of(line: &[u8], start: usize, is_kind: impl Fn(u8) -> bool) -> usize {
    let rest = line.get(start..).unwrap_or_default();
    start + rest.iter().position(|b| !is_kind(*b)).unwrap_or(rest.len())
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == OTHER
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// Whether a postcode beside this byte would be a part of something longer.
fn is_glue(byte: u8) -> bool {
    is_alphanumeric(byte) || matches!(byte, OTHER | b'\'')
}

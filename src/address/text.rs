//! A folded line of text to the parts of a unit: one pass from left to right over a few kinds of token.
//!
//! A line is words, one postcode and one house number with its addition, in any order, parted by commas or not. The
//! words are street and town and are not part of a key; but the number must be the house's own, so what may be an
//! ordinal, a year, a range, a second number or half an addition is refused. spec/nl-address-1.md has the rules.

use super::error::{House, Problem, Refusal};
use super::fold::OTHER;
use super::line::{Line, is_alphanumeric, is_letter, small_number};
use super::parts::{self, Parts, Suffix};
use super::suffix::{self, Gap};
use super::words::{self, Meanings};

/// The most bytes that a line may have.
pub(super) const LINE_MAX: usize = 1000;

/// The numbers that can be a year in a street's name.
const YEARS: std::ops::RangeInclusive<u32> = 1500..=2099;

/// Reads a folded line.
pub(super) fn read(line: &[u8]) -> Result<Parts, Refusal> {
    LineReader::new(line).read()
}

/// The house of a refused line, without an addition, where it is certain although the home is not: the line has one
/// postcode, no number after the house's own but at most that of the part which is described in words, and no word that
/// names another house.
pub(super) fn certain_house(line: &[u8]) -> Option<House> {
    let mut reader = LineReader::new(line);
    let line = reader.line;
    let problem = reader.read().err()?.problem;
    let start = reader.house?;
    let in_words = matches!(problem, Problem::SuffixInWords | Problem::EmptyValue | Problem::SpreadsheetDate);
    if !in_words && !matches!(problem, Problem::SuffixUnclear | Problem::SuffixTooLong) {
        return None;
    }
    let number_end = line.end_of(start, |b| b.is_ascii_digit());
    let is_ordinal = line.ordinal_end(number_end).is_some_and(|end| line.at(end) == b' ');
    let mut postcode = None;
    let mut others = 0;
    let mut at = 0;
    while at < line.len() {
        let (digits, letters) = (line.end_of(at, |b| b.is_ascii_digit()), line.end_of(at, is_letter));
        at = if let Some(shape) = line.postcode_or_glued_at(at) {
            if postcode.replace(parts::postcode(&line[at..], &line[shape.letters..], at).ok()?).is_some() {
                return None;
            }
            shape.end
        } else if digits > at {
            // What is in brackets is an addition: 16 (2).
            others += usize::from(at > start && line[at - 1] != b'(');
            digits
        } else if letters > at {
            if at > start && line.names_another(line.between(at, letters), letters) {
                return None;
            }
            letters
        } else {
            at + 1
        };
    }
    let postcode = postcode.filter(|postcode| !words::has_numbered_streets(&postcode[..4]))?;
    let number = parts::number(line.between(start, number_end), start).ok()?;
    (!is_ordinal && others <= usize::from(in_words)).then_some((postcode, number))
}

/// What has been read of a line so far.
#[derive(Default)]
struct LineReader<'a> {
    line: Line<'a>,
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
    /// An ordinal of the street's name, or a number that it begins with, was passed over.
    ordinal: bool,
    /// Where the house number begins.
    house: Option<usize>,
    /// Where a Belgian town, or Belgium, is named.
    belgian: Option<usize>,
}

/// What a house number has to know of the word before it.
#[derive(Clone, Copy)]
struct Word {
    letters: usize,
    meanings: Meanings,
    /// A number after it may be its own: Block B 12 is not 12.
    takes_number: bool,
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
    fn new(line: &[u8]) -> LineReader<'_> {
        LineReader { line: Line(line), segment_start: true, ..LineReader::default() }
    }

    fn read(&mut self) -> Result<Parts, Refusal> {
        let line = self.line;
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            at = match byte {
                b'0'..=b'9' => self.digits(at)?,
                b'A'..=b'Z' | OTHER => self.word(at)?,
                b',' => {
                    self.end_run(false)?;
                    self.begin_segment(false);
                    at + 1
                }
                b'-' | b'/' | b'(' | b')' => {
                    self.word = None;
                    at + 1
                }
                // As the word "en" does, it joins two names, or two numbers.
                b'&' => {
                    self.word = Some(Word { letters: 1, meanings: words::BEFORE, takes_number: false });
                    at + 1
                }
                // A space, a dot, an apostrophe.
                _ => at + 1,
            };
        }
        self.end_run(false)?;
        match (self.postcode, self.number) {
            (Some(postcode), Some((number, suffix))) => {
                self.check_area(&postcode, &suffix)?;
                Ok(Parts { postcode, number, suffix })
            }
            _ if !self.any => Err(Problem::Empty.at(0)),
            (None, _) => Err(Problem::NoPostcode.at(0)),
            (_, None) => Err(Problem::NoNumber.at(0)),
        }
    }

    /// Refuses what can be read in two ways because of where it is: Belgium, or where streets are numbered.
    fn check_area(&self, postcode: &[u8; 6], suffix: &Suffix) -> Result<(), Refusal> {
        if let Some(town) = self.belgian
            && words::is_belgian_code(&postcode[4..])
        {
            return Err(Problem::BelgianTown.at(town));
        }
        let is_number = suffix.as_bytes().first().is_some_and(u8::is_ascii_digit);
        if is_number && words::has_numbered_streets(&postcode[..4]) {
            return Err(Problem::NumberedStreet.at(self.house.unwrap_or(0)));
        }
        Ok(())
    }

    /// Ends a run of words, and begins the next. After the number a short run may be an addition that stands apart,
    /// unless it is a town; after the postcode, one of one or two letters may be.
    #[inline]
    fn end_run(&mut self, at_postcode: bool) -> Result<(), Refusal> {
        let run = std::mem::replace(&mut self.run, Run { after_postcode: at_postcode, ..Run::default() });
        let is_short = (1..=parts::SUFFIX_MAX).contains(&run.letters);
        if is_short && self.number.is_some() { self.refuse_no_town(&run) } else { Ok(()) }
    }

    /// Apart from the others, so that a line without such a run does not pay for it.
    #[inline(never)]
    fn refuse_no_town(&self, run: &Run) -> Result<(), Refusal> {
        let (start, end) = run.first;
        let first = self.line.between(start, end);
        let is_town = match (run.after_postcode, run.words) {
            (true, 1) => words::is_told_last(first) || !self.line.stands_alone(start, end),
            (true, _) => true,
            (false, 1) => words::is_short_town(first),
            (false, _) => first == b"TE",
        };
        if is_town { Ok(()) } else { Err(Problem::SuffixUnclear.at(start)) }
    }

    /// A word outside of an addition.
    fn word(&mut self, start: usize) -> Result<usize, Refusal> {
        let end = self.line.end_of(start, is_letter);
        let word = self.line.between(start, end);
        let meanings = words::meanings(word);
        let is_part_after = self.number.is_some() && (meanings & words::PART_AFTER != 0 || words::ends_as_part(word));
        if (meanings != 0 || is_part_after) && !self.line.begins_town(word, end) && !self.begins_street(word, end) {
            suffix::refuse_anywhere(meanings).map_err(|problem| problem.at(start))?;
            let hyphenated = self.line.at(end) == b'-' && is_letter(self.line.at(end + 1));
            if is_part_after && !hyphenated {
                return Err(Problem::SuffixInWords.at(start));
            }
            if meanings & words::CORNER != 0 && self.number.is_none() {
                return Err(Problem::NotTheHouse.at(start));
            }
            if meanings & words::BELGIAN != 0 {
                self.belgian = Some(start);
            }
        }
        if word == b"T" && self.line.is_opposite(end) {
            return Err(Problem::NotTheHouse.at(start));
        }
        // 12, 1234 AB II: the addition may have been written last, also after a town.
        if words::may_be_suffix_alone(word)
            && self.number.is_some()
            && (self.after_postcode || word.len() > 1)
            && self.line.stands_alone(start, end)
        {
            return Err(Problem::SuffixUnclear.at(start));
        }
        let takes_number = word.len() == 1
            && self.word.map_or(!self.segment_start, |before| {
                before.letters == 1 || before.meanings & (words::LETTERED | words::BEFORE) != 0
            });
        self.any = true;
        if self.run.words == 0 {
            self.run.first = (start, end);
        }
        self.run.words += 1;
        self.run.letters += word.len();
        self.go_on(Some(Word { letters: word.len(), meanings, takes_number }));
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

    /// Whether a word begins a street such as Bij de Westermolen: at the line's start or after the postcode.
    fn begins_street(&self, word: &[u8], end: usize) -> bool {
        let begins = self.segment_start && self.number.is_none() && (!self.any || self.postcode.is_some());
        let second = self.line.end_of(end, |b| matches!(b, b' ' | b'\''));
        begins
            && matches!(word, b"BIJ" | b"BY")
            && words::is_article(self.line.between(second, self.line.end_of(second, is_letter)))
    }

    /// A run of digits: a postcode, an ordinal or a year of the street's name, or the house number.
    fn digits(&mut self, start: usize) -> Result<usize, Refusal> {
        self.any = true;
        if let Some(shape) = self.line.postcode_or_glued_at(start) {
            let postcode = parts::postcode(&self.line[start..], &self.line[shape.letters..], start)?;
            if self.postcode.replace(postcode).is_some() {
                return Err(Problem::TwoPostcodes.at(start));
            }
            self.end_run(true)?;
            self.begin_segment(true);
            return Ok(shape.end);
        }
        let end = self.line.end_of(start, |b| b.is_ascii_digit());
        let digits = self.line.between(start, end);
        if digits.len() > 5 {
            return Err(parts::number(digits, start).err().unwrap_or(Problem::NumberTooLong.at(start)));
        }
        let before = if start == 0 { b' ' } else { self.line[start - 1] };
        // Right after the postcode it is glued: 1012JS1.
        if before == b'(' || (is_letter(before) && !self.after_postcode) {
            // 16 (2).
            let is_addition = before == b'(' && self.number.is_some();
            return Err(if is_addition { Problem::SuffixUnclear } else { Problem::NumberUnclear }.at(start));
        }
        // What an ordinal goes on with; or a name that begins with a number.
        if (matches!(self.line.at(end), b'E' | b'D' | b'S')
            || (self.segment_start && matches!(self.line.at(end), b' ' | b'-')))
            && let Some(end) = self.ordinal_at(start, end)?
        {
            self.go_on(None);
            return Ok(end);
        }
        if self.number.is_some() {
            return Err(if self.line.is_floor(end) { Problem::SuffixInWords } else { Problem::TwoNumbers }.at(start));
        }
        if let Some(next) = self.year_at(start, end)? {
            self.year = true;
            return Ok(next);
        }
        if before == b'\'' {
            return Err(Problem::NumberUnclear.at(start));
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
            Some(word) if word.takes_number => return Err(Problem::NumberUnclear.at(start)),
            Some(word) if word.meanings & words::BEFORE != 0 => return Err(Problem::NotTheHouse.at(start)),
            Some(word) if word.meanings & words::BOX_BEFORE != 0 => return Err(Problem::NotAPlace.at(start)),
            None if self.ordinal => return Err(Problem::NumberUnclear.at(start)),
            _ => {}
        }
        let number = parts::number(self.line.between(start, end), start)?;
        if self.year && YEARS.contains(&number) {
            return Err(Problem::YearUnclear.at(start));
        }
        // The street before the number is never an addition.
        self.end_run(false)?;
        self.house = Some(start);
        let (suffix, next) = self.suffix(number, start, end)?;
        self.number = Some((number, suffix));
        self.go_on(None);
        Ok(next)
    }

    /// The addition after a house number that ends at `end`, and where the line goes on.
    fn suffix(&self, number: u32, start: usize, end: usize) -> Result<(Suffix, usize), Refusal> {
        let mut suffix = Suffix::default();
        let mut at = self.line.end_of(end, is_alphanumeric);
        let mut before = self.line.between(end, at);
        if !suffix.push(before) {
            return Err(Problem::SuffixTooLong.at(end));
        }
        // A KIX code, as in 1012JS1XA, has an X between number and addition.
        if before.len() > 1 && before[0] == b'X' && start > 0 && is_letter(self.line[start - 1]) {
            return Err(Problem::SuffixUnclear.at(end));
        }
        loop {
            if matches!(self.line.at(at), OTHER | b'\'') {
                return Err(Problem::SuffixUnclear.at(at));
            }
            let gap_start = at;
            at = self.line.end_of(at, |b| matches!(b, b' ' | b'-' | b'/'));
            let gap = Gap::new(self.line.between(gap_start, at));
            if gap.separators > 1 {
                return Err(Problem::SuffixUnclear.at(gap_start));
            }
            let refusal = |problem| of_suffix(problem, start, at);
            let ended = match self.line.at(at) {
                b'0'..=b'9' if self.line.postcode_at(at).is_some() => true,
                b'0'..=b'9' => {
                    self.check_digits((number, end), &suffix, gap, at).map_err(refusal)?;
                    false
                }
                b'A'..=b'Z' | OTHER | b'\'' => self.word_ends_addition(at, gap).map_err(refusal)?,
                b'&' => return Err(Problem::RangeUnclear.at(start)),
                _ if gap.separators == 0 && self.line.ends_addition(at) => true,
                _ => return Err(Problem::SuffixUnclear.at(at)),
            };
            if ended {
                break;
            }
            let token_end = self.line.end_of(at, is_alphanumeric);
            let token = self.line.between(at, token_end);
            suffix::follows(number, before, gap, token).map_err(refusal)?;
            if !suffix.push(token) {
                return Err(Problem::SuffixTooLong.at(at));
            }
            before = token;
            at = token_end;
        }
        let whole = suffix.as_bytes();
        if !whole.is_empty() && !suffix::is_plain(whole) {
            let checked = suffix::check_written(whole).and_then(|()| suffix::check_joined(whole));
            checked.map_err(|problem| of_suffix(problem, start, end))?;
        }
        Ok((suffix, at))
    }

    /// Refuses digits after a number, which ends at a place, and what has been read of its addition, where they may be
    /// another number.
    fn check_digits(&self, (number, end): (u32, usize), suffix: &Suffix, gap: Gap, at: usize) -> Result<(), Problem> {
        if gap.apart && self.line.is_floor(self.line.end_of(at, |b| b.is_ascii_digit())) {
            return Err(Problem::SuffixInWords);
        }
        let read = suffix.as_bytes();
        if read.is_empty() {
            let token = self.line.between(at, self.line.end_of(at, is_alphanumeric));
            return match gap.separators {
                0 => Err(Problem::TwoNumbers),
                _ if suffix::may_be_range(number, token) => Err(Problem::RangeUnclear),
                _ => Ok(()),
            };
        }
        // Streets have ordinals too: Staartjeshof 40e 18.
        if gap.separators == 0 && self.line.ordinal_end(end) == Some(end + read.len()) {
            return Err(Problem::OrdinalUnclear);
        }
        Ok(())
    }

    /// Whether a house number and its addition were complete before the word at a place: before the country or a town.
    fn word_ends_addition(&self, at: usize, gap: Gap) -> Result<bool, Problem> {
        let end = self.line.end_of(at, is_letter);
        // A20.
        if self.line.at(end).is_ascii_digit() {
            return Ok(false);
        }
        let word = self.line.between(at, end);
        let meanings = words::meanings(word);
        let is_near = meanings & words::NOT_THE_HOUSE != 0;
        let apart = gap.apart && gap.separators == 0;
        if apart && !is_near && self.line.begins_town(word, end) {
            return Ok(true);
        }
        suffix::refuse_anywhere(meanings)?;
        if !gap.apart {
            return Ok(false);
        }
        if meanings & words::JOINS != 0 {
            return Err(Problem::RangeUnclear);
        }
        if meanings & words::UNCLEAR != 0 {
            return Err(Problem::SuffixUnclear);
        }
        let plain = !word.is_empty() && !word.contains(&OTHER) && self.line.at(end) != b'\'';
        if plain && words::can_stand_apart(word) {
            // Te Haarlem.
            return Ok(apart && word == b"TE" && self.line.ahead(end).is_some_and(|ahead| ahead.letters > 1));
        }
        if meanings & words::PART_AFTER != 0 || words::ends_as_part(word) {
            return Err(Problem::SuffixInWords);
        }
        if apart && meanings & words::COUNTRY != 0 {
            return Ok(true);
        }
        let unclear = if word.len() > parts::SUFFIX_MAX { Problem::SuffixTooLong } else { Problem::SuffixUnclear };
        let Some(ahead) = self.line.ahead(at).filter(|_| apart && meanings & !words::BELGIAN == 0) else {
            return Err(unclear);
        };
        let street_before = self.word.is_some();
        if !street_before && words::takes_number(word) {
            // 5 Meiplein, without a house number.
            return Err(Problem::NumberUnclear);
        }
        match plain && ahead.words == 1 {
            true if word.len() > parts::SUFFIX_MAX || words::is_short_town(word) => Ok(true),
            // As NEN 5825 prints letter and addition joined, after the street: 12 Atraf.
            true if street_before => Ok(false),
            false if ahead.letters > parts::SUFFIX_MAX => Ok(true),
            _ => Err(unclear),
        }
    }

    /// Where an ordinal or a number ends that belongs to the name after it, as in `2e Dorpsstraat`; `None` if there is
    /// none.
    ///
    /// It must begin its part of the line, and too many letters must follow before the next number for the `e` to
    /// begin an addition; or a kind of street must follow and then the number, as in `Waterpad 3e Straat 41`.
    fn ordinal_at(&mut self, start: usize, digits_end: usize) -> Result<Option<usize>, Refusal> {
        let Some(end) = self.line.ordinal_end(digits_end) else {
            let is_name = self.segment_start && self.number.is_none() && self.line.street_takes(digits_end);
            self.ordinal |= is_name;
            return Ok(is_name.then_some(digits_end));
        };
        let name = self.line.end_of(end, |b| b == b' ');
        let named = name > end && (is_letter(self.line.at(name)) || self.line.at(name) == b'\'');
        if digits_end - start > 2 || !named {
            return Ok(None);
        }
        if self.number.is_some() {
            // The towns 1e and 2e Exloërmond and 2e Valthermond; all else may be a floor or a second address.
            let rest = &self.line[name..];
            let is_town = self.segment_start && (rest.starts_with(b"EXLO") || rest.starts_with(b"VALTH"));
            return Ok(is_town.then_some(end));
        }
        if !self.segment_start {
            let is_name = self.line.street_takes(end);
            self.ordinal |= is_name;
            return Ok(is_name.then_some(end));
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
    /// `Plein 1940-45 3` and `Plein '40-'45 3`; `None` if there is none.
    fn year_at(&self, start: usize, end: usize) -> Result<Option<usize>, Refusal> {
        let (full, two) = (end - start == 4, end - start == 2);
        if !(full || two) || self.word.is_none() || self.year {
            return Ok(None);
        }
        let short = two && self.line[start - 1] == b'\'';
        if two && !short {
            return Ok(None);
        }
        let year = small_number(self.line.between(start, end));
        if full && !YEARS.contains(&year) {
            return Ok(None);
        }
        let spaces = self.line.end_of(end, |b| b == b' ');
        if matches!(self.line.at(spaces), b'-' | b'/') {
            let second = self.line.end_of(spaces + 1, |b| b == b' ');
            let second = if self.line.at(second) == b'\'' { second + 1 } else { second };
            let second_end = self.line.end_of(second, |b| b.is_ascii_digit());
            let last = small_number(self.line.between(second, second_end));
            let is_range = match second_end - second {
                2 => last > year % 100,
                4 => full && last > year && YEARS.contains(&last) && self.line.postcode_at(second).is_none(),
                _ => false,
            };
            return match self.line.number_after(second_end) {
                _ if !is_range => Ok(None),
                None => Err(Problem::YearUnclear.at(start)),
                next => Ok(next),
            };
        }
        Ok(if short { None } else { self.line.number_after(end) })
    }
}

/// A refusal of what stands at a place after the house number at `start`.
#[cold]
fn of_suffix(problem: Problem, start: usize, at: usize) -> Refusal {
    // A range is both numbers.
    problem.at(if problem == Problem::RangeUnclear { start } else { at })
}

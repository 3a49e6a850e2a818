//! What stands at a place of a folded line: looked at without regard to what was read before it.

use std::ops::Deref;

use super::fold::OTHER;
use super::words;

/// A folded line.
#[derive(Clone, Copy, Default)]
pub(super) struct Line<'a>(pub(super) &'a [u8]);

impl Deref for Line<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

/// Where a postcode's letters begin and where it ends.
pub(super) struct Shape {
    pub(super) letters: usize,
    pub(super) end: usize,
}

/// The words from a place to the comma or the postcode after it.
#[derive(Default)]
pub(super) struct Ahead {
    pub(super) letters: usize,
    pub(super) words: usize,
}

impl<'a> Line<'a> {
    /// The bytes from a place to another.
    pub(super) fn between(self, start: usize, end: usize) -> &'a [u8] {
        &self.0[start..end]
    }

    /// The first place from `start` whose byte is not of the kind.
    pub(super) fn end_of(self, start: usize, is_kind: impl Fn(u8) -> bool) -> usize {
        let rest = self.0.get(start..).unwrap_or_default();
        start + rest.iter().position(|b| !is_kind(*b)).unwrap_or(rest.len())
    }

    /// The byte at a place. Past the end it is 0, which no folded line has.
    pub(super) fn at(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The postcode that begins at a digit: four digits, spaces with at most one `-` among them, two letters, and no
    /// letter or digit on either side.
    pub(super) fn postcode_at(self, start: usize) -> Option<Shape> {
        self.shape_at(start).filter(|shape| !is_glue(self.at(shape.end)))
    }

    /// The postcode that begins at a digit, or begins the line and has the house number glued to it: 1012JS1A.
    pub(super) fn postcode_or_glued_at(self, start: usize) -> Option<Shape> {
        self.shape_at(start).filter(|shape| {
            let next = self.at(shape.end);
            !is_glue(next) || (next.is_ascii_digit() && self.0[..start].iter().all(|b| *b == b' '))
        })
    }

    /// Digits and letters as a postcode has them, whatever follows.
    fn shape_at(self, start: usize) -> Option<Shape> {
        let line = self.0;
        let four = line.get(start..start + 4)?;
        if !four.iter().all(u8::is_ascii_digit) || (start > 0 && is_glue(line[start - 1])) {
            return None;
        }
        let mut letters = self.end_of(start + 4, |b| b == b' ');
        if self.at(letters) == b'-' {
            letters = self.end_of(letters + 1, |b| b == b' ');
        }
        let two = self.at(letters).is_ascii_uppercase() && self.at(letters + 1).is_ascii_uppercase();
        two.then_some(Shape { letters, end: letters + 2 })
    }

    /// Where an ordinal ends whose digits end at a place, as in 2e, 2de and 1ste; `None` if there is none.
    pub(super) fn ordinal_end(self, digits_end: usize) -> Option<usize> {
        let end = self.end_of(digits_end, |b| b.is_ascii_uppercase());
        matches!(self.between(digits_end, end), b"E" | b"DE" | b"STE").then_some(end)
    }

    /// Whether what ends at a place belongs to the kind of street after it, and a number follows: 250 singel 4.
    pub(super) fn street_takes(self, end: usize) -> bool {
        let name = self.end_of(end, |b| b == b' ');
        let name = if name == end && self.at(end) == b'-' { end + 1 } else { name };
        let name_end = self.end_of(name, is_letter);
        name > end && words::takes_number(self.between(name, name_end)) && self.number_after(name_end).is_some()
    }

    /// Where a number begins of which only spaces stand before it, if it is no postcode.
    pub(super) fn number_after(self, end: usize) -> Option<usize> {
        let next = self.end_of(end, |b| b == b' ');
        (next > end && self.at(next).is_ascii_digit() && self.postcode_at(next).is_none()).then_some(next)
    }

    /// Whether digits that end at a place, and what follows them, are a floor or its like in words: 2hoog, 2e etage.
    pub(super) fn is_floor(self, digits_end: usize) -> bool {
        let word = |start| self.between(start, self.end_of(start, is_letter));
        if words::is_storey(word(digits_end)) {
            return true;
        }
        let ordinal = self.ordinal_end(digits_end);
        let next = word(self.end_of(ordinal.unwrap_or(digits_end), |b| b == b' '));
        let is_part = words::meanings(next) & (words::PART | words::PART_AFTER) != 0 || words::ends_as_part(next);
        words::is_storey(next) || (ordinal.is_some() && is_part)
    }

    /// The words from a place to a comma or a postcode; `None` if something else comes first.
    pub(super) fn ahead(self, start: usize) -> Option<Ahead> {
        let mut ahead = Ahead::default();
        let mut at = start;
        loop {
            at = match self.at(at) {
                b',' => return Some(ahead),
                b' ' | b'\'' | b'-' | b'.' | b'/' => at + 1,
                byte if is_letter(byte) => {
                    let end = self.end_of(at, is_letter);
                    ahead.words += 1;
                    ahead.letters += end - at;
                    end
                }
                _ => return self.postcode_at(at).map(|_| ahead),
            };
        }
    }

    /// Whether a house number and its addition may end before a place where no letter or digit is: at the line's end or
    /// a comma, or at a dot that ends a part of the line.
    pub(super) fn ends_addition(self, at: usize) -> bool {
        let dotted = self.at(at) == b'.';
        let after = if dotted { self.end_of(at, |b| matches!(b, b'.' | b' ')) } else { at };
        matches!(self.at(after), 0 | b',' | b')') || (dotted && self.postcode_at(after).is_some())
    }

    /// Whether a word that would be refused begins the name of a town, such as Wijk bij Duurstede.
    pub(super) fn begins_town(self, word: &[u8], end: usize) -> bool {
        let second = || &self.0[self.end_of(end, |b| b == b' ')..];
        words::exempt_before(word).is_some_and(|name| second().starts_with(name))
    }

    /// Whether a word is joined to nothing, as the H of `H.I. Ambacht` and of `'s-Hage` is.
    pub(super) fn stands_alone(self, start: usize, end: usize) -> bool {
        let after = self.end_of(end, |b| b == b'.');
        matches!(self.at(after), 0 | b' ' | b',' | b'(' | b')') && (start == 0 || self.0[start - 1] != b'\'')
    }

    /// Whether a word T goes on as t/o, t.o. or t.h.v.
    pub(super) fn is_opposite(self, end: usize) -> bool {
        let joined = |at: usize| matches!(self.at(at), b'.' | b'/');
        let ends = |at: usize| !is_letter(self.at(at)) && self.at(at) != b'\'';
        (joined(end) && self.at(end + 1) == b'O' && ends(end + 2))
            || (joined(end) && self.at(end + 1) == b'H' && joined(end + 2) && self.at(end + 3) == b'V' && ends(end + 4))
    }

    /// Whether a word after the number names a place near the house, a box, or several houses.
    pub(super) fn names_another(self, word: &[u8], end: usize) -> bool {
        let another = words::NOT_THE_HOUSE | words::NOT_A_PLACE | words::JOINS;
        let named = words::meanings(word) & another != 0 && !self.begins_town(word, end);
        named || self.at(self.end_of(end, |b| b == b' ')) == b'&' || (word == b"T" && self.is_opposite(end))
    }
}

/// The value of a run of digits; a long one is only known to be large.
pub(super) fn small_number(digits: &[u8]) -> u32 {
    digits.iter().fold(0_u32, |n, digit| n.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}

pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == OTHER
}

pub(super) fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// Whether a postcode beside this byte would be a part of something longer.
pub(super) fn is_glue(byte: u8) -> bool {
    is_alphanumeric(byte) || matches!(byte, OTHER | b'\'')
}

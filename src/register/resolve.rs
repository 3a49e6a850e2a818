//! From text, fields or an id to the one address of the register that they name.

use std::collections::BTreeSet;
use std::ops::Range;

use super::error::RegisterError;
use super::fields::{ANY_POSTCODE, registered_key};
use super::ids::{id_digits, id_in, is_digits};
use super::names::{plain, words};
use super::rows::{Place, Row, Suffix, id_text, postcode_number, postcode_text};
use super::spelling::other_spelling;
use super::streets::Street;
use super::{How, Register, Resolved};
use crate::address::{AddressError, AddressKey, Fields, in_ascii};

const NO_NUMBER: &str = "the register has no such number in that street: look the number up";
const NO_STREET: &str = "the register has no such street in that town: look both up, or give the postcode";

/// The most words of a line in which street, number and town are looked for.
const MOST_WORDS: usize = 24;

impl Register {
    pub(super) fn resolve_text(&self, text: &str) -> Result<Resolved, RegisterError> {
        let read = AddressKey::parse(text);
        // What was read as a postcode must be found as one.
        let text = &in_ascii(text);
        if let Err(refusal) = &read
            && is_digits(id_in(text))
        {
            return self.resolve_id(text).map_err(|error| or_refusal(error, refusal));
        }
        match postcodes(text)[..] {
            [] => match read {
                // The number is joined to the postcode, and no street stands before it: 1234AB12.
                Ok(key) => self.settle(key, How::Registered),
                Err(refusal) => self.complete(text, refusal),
            },
            [(postcode, ref place)] => self.at_postcode(text, postcode, place, read),
            _ => read.map_err(RegisterError::from).and_then(|key| self.settle(key, How::Registered)),
        }
    }

    /// Separate fields with a postcode; or without one, in a street of a town.
    pub(super) fn resolve_fields(
        &self,
        fields: &Fields<'_>,
        street: &str,
        town: &str,
    ) -> Result<Resolved, RegisterError> {
        let read = AddressKey::from_fields(fields);
        let has_street = !street.trim().is_empty() && !town.trim().is_empty();
        match read {
            Err(refusal) if fields.postcode.trim().is_empty() && has_street => {
                // What is wrong with them must not speak of a postcode that nobody gave.
                let Ok(wanted) = registered_key(&Fields { postcode: ANY_POSTCODE, ..*fields }) else {
                    return Err(refusal.into());
                };
                let streets = self.front.streets.find(&plain(street), &plain(town));
                if streets.is_empty() {
                    return Err(RegisterError::NotRegistered { finding: NO_STREET });
                }
                self.only_of(self.in_streets(&streets, &wanted)?, true, refusal)
            }
            Ok(key) => self.settle(key, How::Registered),
            Err(refusal) => match registered_key(fields) {
                // An addition that is refused as a word, and that the register has.
                Ok(key) if self.is_registered(&key)? => Ok(Resolved { key, how: How::Registered }),
                _ => Err(refusal.into()),
            },
        }
    }

    /// Whether a street that stands beside an address, with its house number or without, is another than the one that
    /// the register has it in. It must be one that the register knows: in that town, or where it has none of that name
    /// there, anywhere. Where it has not the address, those of its house number count, or else those of its postcode.
    ///
    /// # Errors
    ///
    /// As [`Register::look_up`].
    pub fn is_of_other_street(&self, key: &AddressKey, street: &str, town: &str) -> Result<bool, RegisterError> {
        let (town, given) = (plain(town), words(&in_ascii(street)));
        let Some((street, number)) = self.known_street(&given) else { return Ok(false) };
        let streets = self.streets_of_key(key)?;
        let own: Vec<Street<'_>> = streets.into_iter().filter_map(|own| self.front.streets.get(own)).collect();
        // The number may be a part of a longer name, shortened: Plein 40-45.
        let is_longer = |own: &Street<'_>| own.plain.strip_prefix(&street).is_some_and(|rest| rest.starts_with(' '));
        if own.is_empty() || (number.is_some() && own.iter().any(is_longer)) {
            return Ok(false);
        }
        let is_in_town = !self.front.streets.find(&street, &town).is_empty();
        let is_it = |own: &Street<'_>| own.plain == street && (!is_in_town || plain(own.town) == town);
        let is_of_other_number = number.is_some_and(|number| number != key.number()) && !key.postcode().is_empty();
        Ok(is_of_other_number || !own.iter().any(is_it))
    }

    /// The street of a name that begins so, in whichever town, and the number after it.
    fn known_street(&self, words: &[(String, Range<usize>)]) -> Option<(String, Option<u32>)> {
        (1..=words.len()).rev().find_map(|end| {
            let names: Vec<&str> = words[..end].iter().map(|(word, _)| word.as_str()).collect();
            let name = names.join(" ");
            let number = match words.get(end) {
                Some((word, _)) => {
                    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
                    Some(word[..digits].parse().ok()?)
                }
                None => None,
            };
            self.front.streets.has(&name).then_some((name, number))
        })
    }

    /// The streets of an address: of its own rows, or of its house number's, or else of its postcode's.
    fn streets_of_key(&self, key: &AddressKey) -> Result<Vec<u32>, RegisterError> {
        if key.postcode().is_empty() {
            let id = key.as_str().parse().unwrap_or_default();
            return Ok(self.rows_of_id(id)?.iter().map(|row| row.street).collect());
        }
        let rows = self.rows_of_number(key)?;
        let own: Vec<u32> = rows.iter().filter(|row| is_of(&row.suffix, key)).map(|row| row.street).collect();
        match (own.is_empty(), rows.is_empty()) {
            (false, _) => Ok(own),
            (true, false) => Ok(rows.iter().map(|row| row.street).collect()),
            (true, true) => {
                let postcode = key.postcode().as_bytes().try_into().map(postcode_number).unwrap_or_default();
                self.streets_of(postcode)
            }
        }
    }

    fn is_registered(&self, key: &AddressKey) -> Result<bool, RegisterError> {
        Ok(self.rows_of_number(key)?.iter().any(|row| !row.is_withdrawn && is_of(&row.suffix, key)))
    }

    pub(super) fn resolve_id(&self, text: &str) -> Result<Resolved, RegisterError> {
        let text = &*id_digits(text);
        // A spreadsheet drops leading zeros.
        let has_length = is_digits(text) && (13..=16).contains(&text.len());
        let number: u64 = text.parse().ok().filter(|_| has_length).unwrap_or_default();
        if !matches!(number / 10_000_000_000 % 100, 1..=3 | 20) {
            // Says what is wrong with it.
            let refusal =
                AddressKey::from_fields(&Fields { postcode: ANY_POSTCODE, number: text, ..Fields::default() });
            return Err(refusal.err().map_or(RegisterError::IdUnknown { id: text.to_owned() }, RegisterError::from));
        }
        let rows = self.rows_of_id(number)?;
        if rows.is_empty() {
            let id = id_text(number);
            return match text.len() {
                16 => Err(RegisterError::IdUnknown { id }),
                // With a length that none has it is no id for certain.
                _ => Err(AddressKey::parse(text).err().map_or(RegisterError::IdUnknown { id }, RegisterError::from)),
            };
        }
        let standing: Vec<&Row> = rows.iter().filter(|row| !row.is_withdrawn).collect();
        // An object's own address, before its second ones.
        let first: Vec<&Row> = standing.iter().copied().filter(|row| row.id == number || !row.is_secondary).collect();
        let keys = keys_of(if first.is_empty() { &standing } else { &first });
        match (keys.first(), keys.len()) {
            (Some(key), 1) => Ok(Resolved { key: *key, how: How::ById }),
            (None, _) => Err(RegisterError::IdWithdrawn { id: id_text(number), now: self.renumbered(&rows)? }),
            _ => Err(RegisterError::Several { finding: "the object has several first addresses" }),
        }
    }

    /// The address that the object of withdrawn rows has now.
    pub(super) fn renumbered(&self, withdrawn: &[Row]) -> Result<Option<AddressKey>, RegisterError> {
        let mut now = Vec::new();
        for object in withdrawn.iter().map(|row| row.object).filter(|object| *object != 0).collect::<BTreeSet<_>>() {
            now.extend(self.rows_of_id(object)?.into_iter().filter(|row| !row.is_withdrawn && !row.is_secondary));
        }
        let keys = keys_of(&now.iter().collect::<Vec<_>>());
        Ok(keys.first().filter(|_| keys.len() == 1).copied())
    }

    /// A line with a postcode: read as it stands, or with the name of a street of that postcode taken off, so that a
    /// number in the name is not taken for the house's.
    fn at_postcode(
        &self,
        text: &str,
        postcode: u32,
        place: &Range<usize>,
        read: Result<AddressKey, AddressError>,
    ) -> Result<Resolved, RegisterError> {
        let (mut by_street, mut begins_with_street) = (BTreeSet::new(), false);
        // What the line would be in a street whose name has no number, also where text alone is refused.
        let mut plainly = BTreeSet::new();
        for street in self.streets_of(postcode)? {
            let Some(street) = self.front.streets.get(street) else { continue };
            let is_numbered = street.plain.bytes().any(|byte| byte.is_ascii_digit());
            let Some(rest) = without_street(text, place, street.plain) else { continue };
            if is_numbered || is_of_numbered_street(&read) {
                begins_with_street = true;
                by_street.extend(after_street(&rest, &postcode_text(postcode)));
            } else {
                plainly.extend(as_fields(&rest, &postcode_text(postcode)));
            }
        }
        let mut registered = Vec::new();
        for key in &by_street {
            if self.is_registered(key)? {
                registered.push(*key);
            }
        }
        for key in &plainly {
            if !registered.is_empty() && self.is_registered(key)? && !registered.contains(key) {
                registered.push(*key);
            }
        }
        match (read, &registered[..]) {
            (Ok(key), []) if !begins_with_street || self.is_registered(&key)? => self.settle(key, How::Registered),
            // The street is there, and its number is not: what the line says without the street would be another's.
            (Ok(_), []) => Err(RegisterError::NotRegistered { finding: NO_NUMBER }),
            (Ok(key), [other]) if key == *other => self.settle(key, How::Registered),
            (Ok(key), [other]) if !self.is_registered(&key)? => Ok(Resolved { key: *other, how: How::Street }),
            (Err(_), [other]) => Ok(Resolved { key: *other, how: How::Street }),
            (Err(_), []) if begins_with_street && !by_street.is_empty() => {
                Err(RegisterError::NotRegistered { finding: NO_NUMBER })
            }
            (Err(refusal), []) => Err(refusal.into()),
            _ => {
                Err(RegisterError::Several { finding: "the number may be a part of the street's name or the house's" })
            }
        }
    }

    /// A line without a postcode: street, number, suffix and town, in that order.
    fn complete(&self, text: &str, refusal: AddressError) -> Result<Resolved, RegisterError> {
        let words = words(text);
        if words.len() > MOST_WORDS || matches!(refusal.code(), "character" | "too_long") {
            return Err(refusal.into());
        }
        let name = |range: Range<usize>| {
            let words: Vec<&str> = words[range].iter().map(|(word, _)| word.as_str()).collect();
            words.join(" ")
        };
        let (mut found, mut knows_street) = (BTreeSet::new(), false);
        // As in a line with a postcode: what it would be in a street whose name has no number.
        let mut plainly = BTreeSet::new();
        for number in 1..words.len() {
            if !words[number].0.starts_with(|c: char| c.is_ascii_digit()) {
                continue;
            }
            let street = name(0..number);
            for town in number + 1..words.len() {
                let streets = self.front.streets.find(&street, &name(town..words.len()));
                if streets.is_empty() {
                    continue;
                }
                // With all signs before the town, so that none is lost that an address is not written with.
                let written = text[words[number].1.start..words[town].1.start].trim_end_matches([' ', ',']);
                let line = format!("{written}, {ANY_POSTCODE}");
                if let Some(wanted) = AddressKey::parse(&line).ok().filter(|wanted| says_no_more(written, wanted)) {
                    knows_street = true;
                    found.extend(self.in_streets(&streets, &wanted)?);
                }
                if let Some(wanted) = as_fields(&line, ANY_POSTCODE).filter(|wanted| says_no_more(written, wanted)) {
                    plainly.extend(self.in_streets(&streets, &wanted)?);
                }
            }
        }
        if !found.is_empty() {
            found.append(&mut plainly);
        }
        // A word after the number can be no other's than the town's.
        let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        let number = words.iter().rposition(|(word, _)| is_number(word)).filter(|number| *number > 0);
        let has_town = number.is_some_and(|number| number + 1 < words.len());
        if found.is_empty() && !knows_street && has_town && refusal.code() == "no_postcode" {
            return Err(RegisterError::NotRegistered { finding: NO_STREET });
        }
        self.only_of(found, knows_street, refusal)
    }

    fn only_of(
        &self,
        found: BTreeSet<AddressKey>,
        knows_street: bool,
        refusal: AddressError,
    ) -> Result<Resolved, RegisterError> {
        match (found.first(), found.len()) {
            (Some(key), 1) => Ok(Resolved { key: *key, how: How::Completed }),
            (None, _) if knows_street => Err(RegisterError::NotRegistered { finding: NO_NUMBER }),
            (None, _) => Err(refusal.into()),
            _ => Err(RegisterError::Several { finding: "street, number and town are those of more than one address" }),
        }
    }

    /// The standing addresses in these streets with the number and suffix of `wanted`, or with the only other spelling
    /// of that suffix there.
    fn in_streets(&self, streets: &[u32], wanted: &AddressKey) -> Result<BTreeSet<AddressKey>, RegisterError> {
        let mut there = Vec::new();
        for place in streets {
            let postcodes = self.front.streets.get(*place).map(|street| street.postcodes).unwrap_or_default();
            for postcode in postcodes {
                let street = if postcode == 0 { *place } else { 0 };
                let rows = self.rows_at(Place { postcode, street, number: wanted.number() })?;
                there.extend(rows.into_iter().filter(|row| row.street == *place && !row.is_withdrawn));
            }
        }
        let of = |suffix: &[u8]| -> BTreeSet<AddressKey> {
            there.iter().filter(|row| row.suffix.as_bytes() == suffix).filter_map(Row::key).collect()
        };
        let exact = of(wanted.addition().as_bytes());
        if !exact.is_empty() {
            return Ok(exact);
        }
        let suffixes: Vec<Suffix> = there.iter().map(|row| row.suffix).collect();
        Ok(other_spelling(wanted.addition(), &suffixes).map(|other| of(other.as_bytes())).unwrap_or_default())
    }

    /// What the register has of a key: itself, another spelling of its suffix, or nothing.
    pub(super) fn settle(&self, key: AddressKey, how: How) -> Result<Resolved, RegisterError> {
        if key.postcode().is_empty() {
            return self.resolve_id(key.as_str()).map(|found| Resolved { how, ..found });
        }
        let rows = self.rows_of_number(&key)?;
        let standing: Vec<Suffix> = rows.iter().filter(|row| !row.is_withdrawn).map(|row| row.suffix).collect();
        if standing.iter().any(|suffix| is_of(suffix, &key)) {
            return Ok(Resolved { key, how });
        }
        if let Some(other) = other_spelling(key.addition(), &standing) {
            let form = format!("{}|{}", key.number_key(), other.as_str());
            return Ok(Resolved { key: AddressKey::from_canonical(&form)?, how: How::OtherSpelling });
        }
        let is_withdrawn = rows.iter().any(|row| is_of(&row.suffix, &key));
        Ok(Resolved { key, how: if is_withdrawn { How::Withdrawn } else { How::Unregistered } })
    }

    /// The rows of the house number of a key that has a postcode.
    pub(super) fn rows_of_number(&self, key: &AddressKey) -> Result<Vec<Row>, RegisterError> {
        match key.postcode().as_bytes().try_into() {
            Ok(postcode) => {
                self.rows_at(Place { postcode: postcode_number(postcode), street: 0, number: key.number() })
            }
            Err(_) => Ok(Vec::new()),
        }
    }
}

fn is_of(suffix: &Suffix, key: &AddressKey) -> bool {
    suffix.as_str() == key.addition()
}

/// The keys of rows, each once.
fn keys_of(rows: &[&Row]) -> Vec<AddressKey> {
    let mut keys: Vec<AddressKey> = rows.iter().filter_map(|row| row.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// An id that the register says nothing of is refused as it would be without one.
fn or_refusal(error: RegisterError, refusal: &AddressError) -> RegisterError {
    match error {
        RegisterError::Address(_) => refusal.clone().into(),
        error => error,
    }
}

/// The postcodes in a text, and where they stand.
fn postcodes(text: &str) -> Vec<(u32, Range<usize>)> {
    let words = words(text);
    let mut found: Vec<(u32, Range<usize>)> = Vec::new();
    for (at, (word, place)) in words.iter().enumerate() {
        let next = words.get(at + 1);
        let (code, place) = match (word.len(), next) {
            (6, _) => (word.clone(), place.clone()),
            (4, Some((letters, after))) if is_gap(text.get(place.end..after.start)) => {
                (format!("{word}{letters}"), place.start..after.end)
            }
            _ => continue,
        };
        let is_code = |code: &[u8; 6]| {
            matches!(code[0], b'1'..=b'9')
                && code[1..4].iter().all(u8::is_ascii_digit)
                && code[4..].iter().all(u8::is_ascii_uppercase)
        };
        if let Some(code) = code.as_bytes().try_into().ok().filter(is_code) {
            found.push((postcode_number(&code), place));
        }
    }
    found
}

/// Whether a text is a number and a suffix, and no word besides.
fn says_no_more(written: &str, key: &AddressKey) -> bool {
    let signs = plain(written).replace(' ', "");
    signs.trim_start_matches('0') == format!("{}{}", key.number(), key.addition())
}

/// Whether only white space and a hyphen part two pieces of a postcode.
fn is_gap(between: Option<&str>) -> bool {
    between.is_some_and(|between| between.chars().all(|c| c.is_whitespace() || c == '-'))
}

/// Whether text alone could not tell the number of a street from that of a house.
fn is_of_numbered_street(read: &Result<AddressKey, AddressError>) -> bool {
    read.as_ref().is_err_and(|refusal| refusal.code() == "numbered_street")
}

/// The key of a line from which the name of its street was taken.
fn after_street(rest: &str, postcode: &str) -> Option<AddressKey> {
    let read = AddressKey::parse(rest);
    if !is_of_numbered_street(&read) {
        return read.ok();
    }
    // Which street has numbers is known here.
    as_fields(rest, postcode)
}

/// What stands before the comma as a number and an addition.
fn as_fields(rest: &str, postcode: &str) -> Option<AddressKey> {
    let (written, _) = rest.split_once(',')?;
    let digits = written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len());
    let (number, addition) = written.split_at(digits);
    // However many signs and spaces part the two, they say nothing more.
    let addition = addition.trim_start_matches(['-', '/', ' ']).trim_end();
    AddressKey::from_fields(&Fields { postcode, number, letter: "", addition }).ok()
}

/// The line without the name of a street, with which it begins before or after its postcode: number and suffix, a
/// comma, then the postcode and all that follows. `None` where the line does not begin so.
fn without_street(text: &str, postcode: &Range<usize>, plain_street: &str) -> Option<String> {
    let (before, after) = (text.get(..postcode.start)?, text.get(postcode.end..)?);
    let code = text.get(postcode.clone())?;
    let comes_first = words(before).is_empty();
    let part = if comes_first { after } else { before };
    let mut end = 0;
    let mut words = words(part).into_iter();
    for expected in plain_street.split(' ') {
        let (word, place) = words.next()?;
        if word != expected {
            return None;
        }
        end = place.end;
    }
    // The number of a numbered street's house is often written after a hyphen, with a zero before it.
    let rest = part.get(end..)?.trim_start_matches(['-', '/', ' ', ',']).trim_end_matches([' ', ',']);
    let number = rest.trim_start_matches('0');
    let rest = if number.starts_with(|c: char| c.is_ascii_digit()) { number } else { rest };
    Some(format!("{rest}, {code}{}", if comes_first { "" } else { after }))
}

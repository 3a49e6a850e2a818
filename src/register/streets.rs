//! The streets of a register, each with its town and the postcodes in it.

use std::collections::HashMap;

use super::names::plain;
use super::varint::{Bytes, put};
use crate::codec::Malformed;

/// All streets, in the order of their plain names, and of their towns'.
pub(super) struct Streets {
    towns: Vec<Town>,
    /// One entry after another.
    bytes: Vec<u8>,
    /// Where each entry begins.
    starts: Vec<u32>,
}

struct Town {
    plain: String,
    name: String,
}

/// A street as it is kept.
pub(super) struct Street<'a> {
    pub(super) plain: &'a str,
    pub(super) name: &'a str,
    pub(super) town: &'a str,
    /// The numbers of its postcodes, ascending; 0 stands for addresses without one.
    pub(super) postcodes: Vec<u32>,
}

/// Streets while a register is built: each gets a number at once, and its place at the end.
#[derive(Default)]
pub(super) struct Collected {
    numbers: HashMap<(String, String), u32>,
}

impl Collected {
    /// The number of a street in a town.
    pub(super) fn number(&mut self, street: &str, town: &str) -> u32 {
        let next = self.numbers.len() as u32;
        // The usual row is of a street that is known.
        *self.numbers.entry((street.to_owned(), town.to_owned())).or_insert(next)
    }

    /// For each number, the place of its street in the order of [`Streets`]; and the streets' names in that order.
    pub(super) fn order(self) -> (Vec<u32>, Vec<(String, String)>) {
        let mut streets: Vec<_> = self.numbers.into_iter().collect();
        streets.sort_by_cached_key(|((street, town), _)| (plain(street), plain(town), street.clone(), town.clone()));
        let mut places = vec![0; streets.len()];
        for (place, (_, number)) in (0..).zip(&streets) {
            places[*number as usize] = place;
        }
        (places, streets.into_iter().map(|(names, _)| names).collect())
    }
}

impl Streets {
    /// Of names in their order, and the postcodes of each, ascending.
    pub(super) fn of(names: &[(String, String)], postcodes: &[Vec<u32>]) -> Streets {
        let mut towns: Vec<&str> = names.iter().map(|(_, town)| town.as_str()).collect();
        towns.sort_unstable();
        towns.dedup();
        let (mut bytes, mut starts) = (Vec::new(), Vec::with_capacity(names.len()));
        for ((street, town), postcodes) in names.iter().zip(postcodes) {
            starts.push(bytes.len() as u32);
            put_text(&mut bytes, &plain(street));
            put_text(&mut bytes, street);
            put(&mut bytes, towns.binary_search(&town.as_str()).unwrap_or_default() as u64);
            put(&mut bytes, postcodes.len() as u64);
            let mut before = 0;
            for postcode in postcodes {
                put(&mut bytes, (postcode - before).into());
                before = *postcode;
            }
        }
        let towns = towns.into_iter().map(|name| Town { plain: plain(name), name: name.to_owned() }).collect();
        Streets { towns, bytes, starts }
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.towns.len() as u64);
        self.towns.iter().for_each(|town| put_text(bytes, &town.name));
        put(bytes, self.starts.len() as u64);
        put(bytes, self.bytes.len() as u64);
        bytes.extend_from_slice(&self.bytes);
    }

    pub(super) fn read(rest: &mut Bytes<'_>) -> Result<Streets, Malformed> {
        let mut towns = Vec::new();
        for _ in 0..rest.number()? {
            let name = text(rest)?.to_owned();
            towns.push(Town { plain: plain(&name), name });
        }
        let (count, length) = (rest.number()?, rest.number()?);
        let bytes = rest.take(usize::try_from(length).unwrap_or(usize::MAX))?.to_vec();
        let mut starts = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(bytes.len() / 4));
        let mut entries = Bytes::of(&bytes);
        while !entries.is_empty() {
            let start = u32::try_from(bytes.len() - entries.len()).map_err(|_| Malformed("it has too many streets"))?;
            starts.push(start);
            skip(&mut entries, towns.len() as u64)?;
        }
        if starts.len() as u64 != count {
            return Err(Malformed("it has another number of streets than it says"));
        }
        Ok(Streets { towns, bytes, starts })
    }

    /// The street at a place.
    pub(super) fn get(&self, place: u32) -> Option<Street<'_>> {
        let start = *self.starts.get(place as usize)?;
        let mut rest = Bytes::of(self.bytes.get(start as usize..)?);
        let (plain, name) = (text(&mut rest).ok()?, text(&mut rest).ok()?);
        let town = self.towns.get(usize::try_from(rest.number().ok()?).ok()?)?;
        let mut postcodes = Vec::new();
        let mut postcode = 0u32;
        for _ in 0..rest.number().ok()? {
            postcode = postcode.checked_add(rest.small().ok()?)?;
            postcodes.push(postcode);
        }
        Some(Street { plain, name, town: &town.name, postcodes })
    }

    /// The places of the streets of a plain name in the town of a plain name. There can be several, whose names people
    /// write alike.
    pub(super) fn find(&self, plain_street: &str, plain_town: &str) -> Vec<u32> {
        let wanted = (plain_street, plain_town);
        let first = self.starts.partition_point(|start| self.plain_at(*start) < wanted);
        let found = self.starts[first..].iter().take_while(|start| self.plain_at(**start) == wanted).count();
        (first..first + found).filter_map(|place| u32::try_from(place).ok()).collect()
    }

    /// Whether a street has this plain name, in whichever town.
    pub(super) fn has(&self, plain_street: &str) -> bool {
        let first = self.starts.partition_point(|start| self.plain_at(*start).0 < plain_street);
        self.starts.get(first).is_some_and(|start| self.plain_at(*start).0 == plain_street)
    }

    /// The plain names of the street of an entry, and of its town.
    fn plain_at(&self, start: u32) -> (&str, &str) {
        let mut rest = Bytes::of(self.bytes.get(start as usize..).unwrap_or_default());
        let mut read = || {
            let street = text(&mut rest)?;
            text(&mut rest)?;
            let town = usize::try_from(rest.number()?).ok().and_then(|town| self.towns.get(town));
            Ok::<_, Malformed>((street, town.map_or("", |town| town.plain.as_str())))
        };
        read().unwrap_or_default()
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn text<'a>(rest: &mut Bytes<'a>) -> Result<&'a str, Malformed> {
    std::str::from_utf8(rest.text()?).map_err(|_| Malformed("a name is not UTF-8"))
}

/// Passes over an entry, and checks it.
fn skip(rest: &mut Bytes<'_>, towns: u64) -> Result<(), Malformed> {
    text(rest)?;
    text(rest)?;
    if rest.number()? >= towns {
        return Err(Malformed("a street has no town"));
    }
    for _ in 0..rest.number()? {
        rest.small()?;
    }
    Ok(())
}

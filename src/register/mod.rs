//! A local register of addresses (BAG): whether an address exists, and which one an id, a street or another spelling
//! names.
//!
//! It only ever completes or warns: it never turns one existing address into another. What it is asked stays here.
//!
//! - `resolve`: from text, fields or an id to a key, and how it was found;
//! - `spelling`: suffixes that are written in different ways for one floor;
//! - `names`: the plain form of names;
//! - `fields`: fields as the register itself writes them;
//! - `ids`: the forms of an id;
//! - `build`: from the rows of an extract to the file;
//! - `file`, `rows`, `streets`, `varint`: how the file is laid out.

mod build;
mod error;
mod fields;
mod file;
#[doc(hidden)]
pub mod fuzzing;
mod ids;
mod names;
mod resolve;
mod rows;
mod spelling;
mod streets;
mod varint;

use std::ops::RangeInclusive;
use std::path::Path;

pub use build::{RegisterBuilder, RegisterRow};
pub use error::RegisterError;
pub use ids::id_digits;

use crate::address::{AddressError, AddressKey, Fields, Level, line_from_utf8, other_field};
use crate::codec::Malformed;
use crate::codes::named;
use crate::day::Day;
use file::{Front, Input, Key};
use rows::{Before, Place, Row, id_text, postcode_text};
use varint::Bytes;

/// A register that is open for look-ups. It can be shared by threads.
pub struct Register {
    input: Input,
    front: Front,
}

/// What is looked up.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'a> {
    /// A line as people write an address; one without a postcode needs street, number and town, in that order. Also a
    /// BAG id, or the canonical form of a unit.
    Text(&'a str),
    /// Separate fields, with a postcode.
    Fields(Fields<'a>),
    /// Separate fields with street and town, which are used where there is no postcode.
    Place {
        /// Postcode, number, letter and addition.
        fields: Fields<'a>,
        /// The street (openbare ruimte).
        street: &'a str,
        /// The town (woonplaats).
        town: &'a str,
    },
    /// The id of a nummeraanduiding, verblijfsobject, ligplaats or standplaats, also as in
    /// `NL.IMBAG.Nummeraanduiding.0363200003761447`, or as the end of a URL. One that lost leading zeros is found.
    Id(&'a str),
}

impl<'a> Lookup<'a> {
    /// A line of bytes, as [`AddressKey::parse_bytes`] takes them.
    ///
    /// # Errors
    ///
    /// `not_utf8` and `too_long`.
    pub fn text_from_utf8(line: &'a [u8]) -> Result<Lookup<'a>, AddressError> {
        line_from_utf8(line).map(Lookup::Text)
    }

    /// Separate fields of bytes, as [`Fields::from_utf8`] takes them, with street and town.
    ///
    /// # Errors
    ///
    /// `not_utf8` and `too_long`, with the name of the first field at fault.
    pub fn place_from_utf8(
        fields: [&'a [u8]; 4],
        street: &'a [u8],
        town: &'a [u8],
    ) -> Result<Lookup<'a>, AddressError> {
        Ok(Lookup::Place {
            fields: Fields::from_utf8(fields)?,
            street: other_field("straat", street)?,
            town: other_field("woonplaats", town)?,
        })
    }
}

/// The address that was found, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its key: postcode, number and addition; of an address without a postcode, the id of its nummeraanduiding.
    pub key: AddressKey,
    /// How it was found.
    pub how: How,
}

named! {
    /// How an address was found.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(u8)]
    pub enum How {
        /// As it was given; the register has it.
        Registered = 1 => "registered",
        /// By its BAG id.
        ById = 2 => "by_id",
        /// From street, number and town, which only one address has.
        Completed = 3 => "completed",
        /// By the name of its street, without which it could not be told which number is the house's.
        Street = 4 => "street",
        /// The register has only another spelling of that floor, as `H` for `hs`.
        OtherSpelling = 5 => "other_spelling",
        /// As it was given; the register has no such address.
        Unregistered = 6 => "unregistered",
        /// As it was given; the register says that the address was withdrawn.
        Withdrawn = 7 => "withdrawn",
    }
}

/// An address, as the register has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterEntry {
    /// Its key.
    pub key: AddressKey,
    /// The street (openbare ruimte).
    pub street: String,
    /// The town (woonplaats).
    pub town: String,
    /// The postcode; empty for none.
    pub postcode: String,
    /// The house number.
    pub number: u32,
    /// The house letter; empty for none.
    pub letter: String,
    /// The house number's addition; empty for none.
    pub addition: String,
    /// The id of the nummeraanduiding.
    pub id: String,
    /// The id of the verblijfsobject, ligplaats or standplaats; empty for none.
    pub object: String,
    /// The id of the building (pand); empty for none.
    pub building: String,
    /// Latitude and longitude in degrees (ETRS89).
    pub at: Option<(f64, f64)>,
    /// Whether it is a second address (nevenadres) of its object.
    pub is_secondary: bool,
    /// Whether it was withdrawn.
    pub is_withdrawn: bool,
}

/// What the register says of the address of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// Its entries, those that were withdrawn among them; several where it is that of more than one object.
    pub entries: Vec<RegisterEntry>,
    /// Where all of them were withdrawn: the address that their object has now, if it is one.
    pub now: Option<AddressKey>,
}

impl Register {
    /// Opens a register that [`RegisterBuilder`] wrote. It reads some megabytes; each look-up reads some hundred
    /// bytes more.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Unusable`] where it is none or is damaged; [`SystemError::Io`](crate::SystemError::Io).
    pub fn open(path: &Path) -> Result<Register, RegisterError> {
        let (input, front) = Input::open(path)?;
        Ok(Register { input, front })
    }

    /// The day of the extract that it was built from.
    pub fn source_day(&self) -> Day {
        self.front.source
    }

    /// How many addresses it has, those that were withdrawn included.
    pub fn len(&self) -> usize {
        self.front.rows as usize
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.front.rows == 0
    }

    /// How many of its addresses were withdrawn.
    pub fn withdrawn(&self) -> usize {
        self.front.withdrawn as usize
    }

    /// The one address that is meant. Where the register has another spelling only of a suffix, that; where it does not
    /// know the address, the key as it would be without a register. What could be two addresses is refused.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Address`] where it is refused as without a register; [`RegisterError::IdUnknown`],
    /// [`RegisterError::IdWithdrawn`]; [`RegisterError::NotRegistered`], [`RegisterError::Several`];
    /// [`RegisterError::Unusable`] and [`SystemError::Io`](crate::SystemError::Io) where its file is at fault.
    pub fn resolve(&self, lookup: Lookup<'_>) -> Result<Resolved, RegisterError> {
        match lookup {
            Lookup::Text(text) => self.resolve_text(text),
            Lookup::Fields(fields) => self.resolve_fields(&fields, "", ""),
            Lookup::Place { fields, street, town } => self.resolve_fields(&fields, street, town),
            Lookup::Id(id) => self.resolve_id(id),
        }
    }

    /// What it says of the address of a key; of a house number, all addresses that it has at it.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Unusable`] and [`SystemError::Io`](crate::SystemError::Io).
    pub fn look_up(&self, key: &AddressKey) -> Result<Findings, RegisterError> {
        let mut rows = match key.as_str().parse() {
            Ok(id) if key.postcode().is_empty() => self.rows_of_id(id)?,
            _ => self.rows_of_number(key)?,
        };
        let is_home = key.level() == Level::Unit;
        rows.retain(|row| row.key().is_some_and(|own| own == *key || (!is_home && own.number_key() == *key)));
        let is_gone = is_home && !rows.is_empty() && rows.iter().all(|row| row.is_withdrawn);
        let now = if is_gone { self.renumbered(&rows)? } else { None };
        Ok(Findings { entries: rows.iter().map(|row| self.entry(row)).collect::<Result<_, _>>()?, now })
    }

    /// All addresses of a postcode, as `1012JS`, those that were withdrawn among them; none for what is no postcode.
    ///
    /// # Errors
    ///
    /// As [`Register::look_up`].
    pub fn of_postcode(&self, postcode: &str) -> Result<Vec<RegisterEntry>, RegisterError> {
        let bytes = postcode.as_bytes().first_chunk::<6>().filter(|bytes| bytes.len() == postcode.len());
        let is_one = |bytes: &&[u8; 6]| {
            bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4..].iter().all(u8::is_ascii_uppercase)
        };
        let Some(bytes) = bytes.filter(is_one) else { return Ok(Vec::new()) };
        let postcode = rows::postcode_number(bytes);
        let [from, to] = [0, u32::MAX].map(|number| Place { postcode, street: number, number });
        let mut entries = Vec::new();
        self.scan(from..=to, |row| {
            entries.push(self.entry(row)?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// Shows every address, in the order of postcodes.
    ///
    /// # Errors
    ///
    /// As [`Register::look_up`].
    pub fn entries(&self, mut visit: impl FnMut(RegisterEntry)) -> Result<(), RegisterError> {
        let mut rows = 0;
        self.scan(Place::FIRST..=Place::LAST, |row| {
            rows += 1;
            visit(self.entry(row)?);
            Ok(())
        })?;
        if rows == self.len() { Ok(()) } else { Err(self.input.unusable("it has other rows than it says")) }
    }

    /// How many keys are each that of several standing addresses, which nothing in an address tells apart.
    ///
    /// # Errors
    ///
    /// As [`Register::look_up`].
    pub fn shared_keys(&self) -> Result<usize, RegisterError> {
        let (mut shared, mut before, mut is_counted) = (0, None::<Row>, false);
        self.scan(Place::FIRST..=Place::LAST, |row| {
            // The key of an address without a postcode is its id.
            if row.is_withdrawn || row.postcode == 0 {
                return Ok(());
            }
            // A letter and an addition are one suffix in the key.
            let has_same_key = |other: &Row| {
                (other.postcode, other.number) == (row.postcode, row.number)
                    && other.suffix.as_bytes() == row.suffix.as_bytes()
            };
            match before.filter(has_same_key) {
                Some(other) => {
                    shared += usize::from(!is_counted && other.id != row.id);
                    is_counted |= other.id != row.id;
                }
                None => (before, is_counted) = (Some(*row), false),
            }
            Ok(())
        })?;
        Ok(shared)
    }

    fn entry(&self, row: &Row) -> Result<RegisterEntry, RegisterError> {
        let unusable = |finding| self.input.unusable(finding);
        let street = self.front.streets.get(row.street).ok_or_else(|| unusable("an address is in no street"))?;
        let (letter, addition) = row.suffix.as_str().split_at(usize::from(row.suffix.has_letter));
        let optional = |id: u64| if id == 0 { String::new() } else { id_text(id) };
        let degrees = |millionths: i32| f64::from(millionths) / 1e6;
        Ok(RegisterEntry {
            key: row.key().ok_or_else(|| unusable("a row is no address"))?,
            street: street.name.to_owned(),
            town: street.town.to_owned(),
            postcode: if row.postcode == 0 { String::new() } else { postcode_text(row.postcode) },
            number: row.number,
            letter: letter.to_owned(),
            addition: addition.to_owned(),
            id: id_text(row.id),
            object: optional(row.object),
            building: optional(row.building),
            at: row.at.map(|(latitude, longitude)| (degrees(latitude), degrees(longitude))),
            is_secondary: row.is_secondary,
            is_withdrawn: row.is_withdrawn,
        })
    }

    /// All rows at a place.
    fn rows_at(&self, place: Place) -> Result<Vec<Row>, RegisterError> {
        let mut found = Vec::new();
        self.scan(place..=place, |row| {
            found.push(*row);
            Ok(())
        })?;
        Ok(found)
    }

    /// The streets in which addresses of a postcode are, each once.
    fn streets_of(&self, postcode: u32) -> Result<Vec<u32>, RegisterError> {
        let mut streets = Vec::new();
        let [from, to] = [0, u32::MAX].map(|number| Place { postcode, street: number, number });
        self.scan(from..=to, |row| {
            if !streets.contains(&row.street) {
                streets.push(row.street);
            }
            Ok(())
        })?;
        Ok(streets)
    }

    /// Shows all rows at places in a range.
    fn scan(
        &self,
        range: RangeInclusive<Place>,
        mut visit: impl FnMut(&Row) -> Result<(), RegisterError>,
    ) -> Result<(), RegisterError> {
        let blocks = &self.front.addresses;
        self.input.blocks(blocks, blocks.with(*range.start(), *range.end()), |bytes| {
            let (mut before, mut rest) = (Before::default(), Bytes::of(bytes));
            while let Some(row) = self.sound(before.read(&mut rest))? {
                if range.contains(&row.place()) {
                    visit(row)?;
                }
            }
            Ok(())
        })
    }

    /// The rows with an id, of a nummeraanduiding or of an object.
    fn rows_of_id(&self, id: u64) -> Result<Vec<Row>, RegisterError> {
        let blocks = &self.front.ids;
        let mut rows = Vec::new();
        self.input.blocks(blocks, blocks.with(id, id), |bytes| {
            let (mut known, mut row, mut rest) = (0u64, 0i64, Bytes::of(bytes));
            while known <= id && !rest.is_empty() {
                known = known.wrapping_add(self.sound(rest.number())?);
                row = row.wrapping_add(self.sound(rest.signed())?);
                if known == id {
                    rows.push(self.row(row)?);
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// The row of a number, counted from 0.
    fn row(&self, number: i64) -> Result<Row, RegisterError> {
        let nowhere = || self.input.unusable("an id leads nowhere");
        let number = usize::try_from(number).map_err(|_| nowhere())?;
        let (block, mut left) = (number / Place::ENTRIES, number % Place::ENTRIES);
        let mut found = None;
        self.input.blocks(&self.front.addresses, block..block + 1, |bytes| {
            let (mut before, mut rest) = (Before::default(), Bytes::of(bytes));
            while let Some(row) = self.sound(before.read(&mut rest))? {
                if left == 0 {
                    found = Some(*row);
                    break;
                }
                left -= 1;
            }
            Ok(())
        })?;
        found.ok_or_else(nowhere)
    }

    fn sound<T>(&self, read: Result<T, Malformed>) -> Result<T, RegisterError> {
        read.map_err(|Malformed(finding)| self.input.unusable(finding))
    }
}

/// Whether two keys may be of one home, because people write the suffix of one floor differently: `12 hs` and `12 H`.
/// Only a register can tell.
pub fn may_be_one(a: &AddressKey, b: &AddressKey) -> bool {
    a != b && a.shares_number(b) && spelling::are_of_one_floor(a.addition(), b.addition())
}

/// Whether other organisations may write the suffix of this key in another way: hs, H, BG, I, 1.
pub fn has_other_spellings(key: &AddressKey) -> bool {
    spelling::has_other_spellings(key.addition())
}

//! From the rows of an extract to a register's file.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::RegisterError;
use super::fields::{ANY_POSTCODE, registered_key};
use super::file::{BlockWriter, Front, Output};
use super::rows::{Before, Row, Suffix, postcode_number};
use super::streets::{Collected, Streets};
use super::varint::{put, put_signed};
use crate::address::Fields;
use crate::day::Day;
use crate::files;

/// One address of an extract of the BAG, each field as text; an absent one is empty.
///
/// One row may stand for each address of an object: its first, and its second ones (nevenadressen).
#[derive(Clone, Copy, Debug, Default)]
pub struct RegisterRow<'a> {
    /// The street (openbare ruimte).
    pub street: &'a str,
    /// The town (woonplaats).
    pub town: &'a str,
    /// The postcode, house number, letter and addition.
    pub fields: Fields<'a>,
    /// The id of the nummeraanduiding: 16 digits.
    pub id: &'a str,
    /// The id of the verblijfsobject, ligplaats or standplaats.
    pub object: &'a str,
    /// The id of the building (pand).
    pub building: &'a str,
    /// Latitude and longitude in degrees (ETRS89), as in `52.329131`.
    pub at: [&'a str; 2],
    /// Whether it is a second address (nevenadres) of its object.
    pub is_secondary: bool,
    /// Whether the address was withdrawn (naamgeving ingetrokken).
    pub is_withdrawn: bool,
}

/// Collects the rows of an extract, and writes them as a register.
#[derive(Default)]
pub struct RegisterBuilder {
    streets: Collected,
    rows: Vec<Row>,
    /// Number of rows already checked for duplicate ids.
    single: usize,
}

/// How many rows and ids there can be.
const MOST_ROWS: usize = 1 << 31;

impl RegisterBuilder {
    /// One without rows.
    pub fn new() -> RegisterBuilder {
        RegisterBuilder::default()
    }

    /// How many rows were added.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row. One that is refused is left out.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Address`] where its fields are no address, [`RegisterError::Row`] for all else.
    pub fn add(&mut self, row: &RegisterRow<'_>) -> Result<(), RegisterError> {
        if self.rows.len() == MOST_ROWS {
            return refused("a register has at most two thousand million rows");
        }
        let has_postcode = !row.fields.postcode.trim().is_empty();
        let postcode = if has_postcode { row.fields.postcode } else { ANY_POSTCODE };
        let key = registered_key(&Fields { postcode, ..row.fields })?;
        if row.street.trim().is_empty() || row.town.trim().is_empty() {
            return refused("it has no street or no town");
        }
        let has_letter = !row.fields.letter.trim().is_empty();
        let suffix = Suffix::of(key.addition().as_bytes(), has_letter).unwrap_or_default();
        let postcode = key.postcode().as_bytes().try_into().map(postcode_number).unwrap_or_default();
        self.rows.push(Row {
            postcode: if has_postcode { postcode } else { 0 },
            street: self.streets.number(row.street.trim(), row.town.trim()),
            number: key.number(),
            suffix,
            id: id(row.id, "nummeraanduiding", &["20"])?,
            object: optional_id(row.object, "object", &["01", "02", "03"])?,
            building: optional_id(row.building, "pand", &["10"])?,
            at: place_on_earth(row.at)?,
            is_secondary: row.is_secondary,
            is_withdrawn: row.is_withdrawn,
        });
        Ok(())
    }

    /// Takes out rows of different addresses that have one nummeraanduiding, and were not withdrawn: it is unknown
    /// which address the id belongs to. For each such id, the numbers of its rows, counted from 0 as they were added.
    pub fn take_out_doubles(&mut self) -> Vec<Vec<usize>> {
        let rows = &self.rows;
        let mut ids: Vec<(u64, u32)> =
            rows.iter().zip(0..).filter(|(row, _)| !row.is_withdrawn).map(|(row, at)| (row.id, at)).collect();
        ids.sort_unstable();
        let address = |at: u32| (rows[at as usize].place(), rows[at as usize].suffix.as_bytes());
        let mut doubles: Vec<Vec<usize>> = Vec::new();
        for of_id in ids.chunk_by(|(one, _), (other, _)| one == other) {
            if of_id.iter().any(|(_, at)| address(*at) != address(of_id[0].1)) {
                doubles.push(of_id.iter().map(|(_, at)| *at as usize).collect());
            }
        }
        let mut out: Vec<usize> = doubles.concat();
        out.sort_unstable();
        let mut at = 0..;
        self.rows.retain(|_| at.next().is_some_and(|at| out.binary_search(&at).is_err()));
        self.single = self.rows.len();
        doubles
    }

    /// Writes the register, of an extract of this day. What stands at the path is replaced in one step. Rows that
    /// [`take_out_doubles`](Self::take_out_doubles) tells of are left out.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn finish(mut self, path: &Path, source: Day) -> Result<(), RegisterError> {
        if self.single != self.rows.len() {
            self.take_out_doubles();
        }
        let RegisterBuilder { streets, mut rows, .. } = self;
        let (places, names) = streets.order();
        for row in &mut rows {
            row.street = places[row.street as usize];
        }
        rows.sort_unstable_by_key(|row| (row.place(), row.suffix, row.street, row.id, row.object));
        rows.dedup();
        drop(files::rename_public(path, |file| write(file, &rows, &names, source))?);
        files::sync_folder(path)?;
        Ok(())
    }
}

fn write(file: &mut File, rows: &[Row], names: &[(String, String)], source: Day) -> io::Result<()> {
    let mut output = Output::begin(file)?;
    let mut table = BlockWriter::new(&mut output);
    let mut before = Before::default();
    for row in rows {
        table.entry(row.place(), |is_first, bytes| {
            if is_first {
                before = Before::default();
            }
            before.write(row, bytes);
        })?;
    }
    let addresses = table.finish()?;

    let mut ids: Vec<(u64, u32)> = Vec::with_capacity(2 * rows.len());
    for (row, at) in rows.iter().zip(0..) {
        ids.push((row.id, at));
        if row.object != 0 {
            ids.push((row.object, at));
        }
    }
    ids.sort_unstable();
    let mut table = BlockWriter::new(&mut output);
    let mut before = (0, 0);
    for (id, at) in &ids {
        table.entry(*id, |is_first, bytes| {
            if is_first {
                before = (0, 0);
            }
            put(bytes, id - before.0);
            put_signed(bytes, i64::from(*at) - i64::from(before.1));
            before = (*id, *at);
        })?;
    }
    let ids = table.finish()?;

    let mut postcodes: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
    for row in rows {
        let of_street = &mut postcodes[row.street as usize];
        if of_street.last() != Some(&row.postcode) {
            of_street.push(row.postcode);
        }
    }
    let withdrawn = rows.iter().filter(|row| row.is_withdrawn).count() as u32;
    let streets = Streets::of(names, &postcodes);
    output.end(&Front { source, rows: rows.len() as u32, withdrawn, addresses, ids, streets })
}

fn refused<T>(finding: impl Into<String>) -> Result<T, RegisterError> {
    Err(RegisterError::Row { finding: finding.into() })
}

fn optional_id(text: &str, what: &str, types: &[&str]) -> Result<u64, RegisterError> {
    if text.trim().is_empty() { Ok(0) } else { id(text, what, types) }
}

/// A BAG id of one of these types.
fn id(text: &str, what: &str, types: &[&str]) -> Result<u64, RegisterError> {
    let text = text.trim();
    let is_id = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit()) && types.contains(&&text[4..6]);
    match text.parse() {
        Ok(id) if is_id => Ok(id),
        _ => refused(format!("its {what} id is not 16 digits of which the fifth and sixth are {}", types.join(", "))),
    }
}

/// Degrees to their millionths.
fn place_on_earth([latitude, longitude]: [&str; 2]) -> Result<Option<(i32, i32)>, RegisterError> {
    let millionths = |text: &str| {
        let degrees: f64 = text.trim().parse().ok().filter(|degrees: &f64| degrees.abs() <= 180.0)?;
        Some((degrees * 1e6).round() as i32)
    };
    match (latitude.trim(), longitude.trim()) {
        ("", "") => Ok(None),
        (latitude, longitude) => match (millionths(latitude), millionths(longitude)) {
            (Some(latitude), Some(longitude)) => Ok(Some((latitude, longitude))),
            _ => refused("its latitude and longitude are not in degrees, as in 52.329131"),
        },
    }
}

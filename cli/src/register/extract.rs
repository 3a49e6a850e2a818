//! The columns of an extract of the BAG, as NLExtract and the municipalities write them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use stapel::register::RegisterRow;
use stapel::{Day, Fields};

use crate::failure::Failure;
use crate::output::plain;
use crate::rows::{bare_utf16, is_bare_utf16, may_be_in_key, may_be_suffix};

/// What a column of an extract can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Street,
    Number,
    Letter,
    Addition,
    Postcode,
    Town,
    Id,
    Object,
    Building,
    Secondary,
    Status,
    /// The day from which it is no more.
    End,
    Latitude,
    Longitude,
}

/// Names in lower case, without what is no letter or digit.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Street, &["street", "straat", "straatnaam", "openbareruimte", "openbareruimtenaam"]),
    (Column::Number, &["huisnummer"]),
    (Column::Letter, &["huisletter"]),
    (Column::Addition, &["toevoeging", "huisnummertoevoeging"]),
    (Column::Postcode, &["postcode"]),
    (Column::Town, &["woonplaats", "woonplaatsnaam"]),
    (Column::Id, &["nummeraanduidingid", "nummeraanduiding", "nummeraanduidingidentificatie"]),
    (Column::Object, &["objectid", "adresseerbaarobjectid", "adresseerbaarobject", "adresseerbaarobjectidentificatie"]),
    (Column::Building, &["pandid", "pand", "pandidentificatie"]),
    (Column::Secondary, &["nevenadres"]),
    (Column::Status, &["status", "nummeraanduidingstatus", "verblijfsobjectstatus"]),
    (Column::End, &["einddatum", "eindgeldigheid", "datumeinde", "einddatumgeldigheid"]),
    (Column::Latitude, &["lat", "latitude", "breedtegraad"]),
    (Column::Longitude, &["lon", "longitude", "lengtegraad"]),
];

/// Without these no row is an address of a register, or homes at one number are one.
const NEEDED: &[Column] =
    &[Column::Street, Column::Number, Column::Letter, Column::Addition, Column::Postcode, Column::Town, Column::Id];

/// The most bytes of a header.
const LONGEST_HEADER: u64 = 1 << 16;

/// A file of an extract, whose header was read.
pub(super) struct Extract {
    path: PathBuf,
    reader: csv::Reader<BufReader<File>>,
    names: Vec<String>,
    /// What each column is.
    columns: Vec<Option<Column>>,
}

impl Extract {
    pub(super) fn open(path: &Path) -> Result<Extract, Failure> {
        let io = |source| Failure::from(stapel::SystemError::Io { action: "read", path: path.to_owned(), source });
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(io)?);
        let mut header = Vec::new();
        file.by_ref().take(LONGEST_HEADER).read_until(b'\n', &mut header).map_err(io)?;
        if is_bare_utf16(&header) {
            return Err(Failure::of_file(path)(bare_utf16()));
        }
        let header = String::from_utf8(header).map_err(|_| {
            Failure::new("register_row", format!("{}: the header is not UTF-8", crate::output::Shown::shown(path)))
        })?;
        let header = header.trim_start_matches('\u{feff}').trim_end();
        let delimiter =
            [';', '\t', ',', '|'].into_iter().max_by_key(|sign| header.matches(*sign).count()).unwrap_or(';');
        let names: Vec<String> = header.split(delimiter).map(|name| name.trim_matches(['"', ' ']).to_owned()).collect();
        let columns: Vec<Option<Column>> = names.iter().map(|name| named(name)).collect();
        // A letter that is passed over would make two homes one.
        let doubtful = names.iter().zip(&columns).find(|(name, column)| column.is_none() && may_be_suffix(name));
        if let Some((name, _)) = doubtful {
            let finding = format!(
                "the column '{}' may have letters or additions, and is not read: call it huisletter or \
                 huisnummertoevoeging, or take it out",
                plain(name)
            );
            return Err(refused(path, &finding));
        }
        for (column, known) in NAMES {
            let of: Vec<&String> =
                names.iter().zip(&columns).filter(|(_, is)| **is == Some(*column)).map(|(name, _)| name).collect();
            if of.len() > 1 && *column != Column::Status {
                return Err(refused(path, &format!("'{}' and '{}' are the same column", plain(of[0]), plain(of[1]))));
            }
            if of.is_empty() && NEEDED.contains(column) {
                let needed = NAMES.iter().filter(|(column, _)| NEEDED.contains(column));
                let needed: Vec<&str> = needed.map(|(_, known)| known[0]).collect();
                let finding = format!(
                    "no column is called {}; the extract needs {}, also where all its cells are empty",
                    known.join(" or "),
                    needed.join(", ")
                );
                return Err(Failure::of_file(path)(Failure::new("header", finding)));
            }
        }
        let reader =
            ReaderBuilder::new().has_headers(false).delimiter(delimiter as u8).flexible(true).from_reader(file);
        Ok(Extract { path: path.to_owned(), reader, names, columns })
    }

    /// Which columns are read, and which are passed over.
    pub(super) fn columns(&self) -> String {
        let of = |is_read: bool| {
            let names = self.names.iter().zip(&self.columns).filter(|(_, column)| column.is_some() == is_read);
            let names: Vec<String> = names.map(|(name, _)| plain(name)).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        };
        format!("columns read: {}; passed over: {}", of(true), of(false))
    }

    /// The columns that are passed over, and could be of an address.
    pub(super) fn doubtful(&self) -> impl Iterator<Item = String> {
        let passed_over = self.names.iter().zip(&self.columns).filter(|(_, column)| column.is_none());
        passed_over.filter(|(name, _)| may_be_in_key(name)).map(|(name, _)| plain(name))
    }

    /// Shows each row, with the line on which it begins, and whether it ended up to a day, which is the extract's; or
    /// what is wrong with the day on which it did.
    pub(super) fn rows(
        &mut self,
        date: Day,
        mut visit: impl FnMut(u64, &RegisterRow<'_>, Result<bool, &'static str>),
    ) -> Result<(), Failure> {
        let date = date.to_string();
        let mut record = StringRecord::new();
        // The header was the first line.
        while self.reader.read_record(&mut record).map_err(|error| refused(&self.path, &error.to_string()))? {
            let line = record.position().map_or(0, csv::Position::line) + 1;
            if record.len() != self.columns.len() {
                let finding = format!("line {line} has {} cells, and the header {}", record.len(), self.columns.len());
                return Err(refused(&self.path, &finding));
            }
            if record.iter().any(|cell| cell.contains('\n')) {
                let finding = format!("line {line} has a cell of several lines: a quotation mark is not closed");
                return Err(refused(&self.path, &finding));
            }
            let mut row = RegisterRow::default();
            let (mut fields, mut has_ended) = (Fields::default(), Ok(false));
            for (column, cell) in self.columns.iter().zip(&record) {
                match column {
                    Some(Column::Street) => row.street = cell,
                    Some(Column::Number) => fields.number = cell,
                    Some(Column::Letter) => fields.letter = cell,
                    Some(Column::Addition) => fields.addition = cell,
                    Some(Column::Postcode) => fields.postcode = cell,
                    Some(Column::Town) => row.town = cell,
                    Some(Column::Id) => row.id = cell,
                    Some(Column::Object) => row.object = cell,
                    Some(Column::Building) => row.building = cell,
                    Some(Column::Secondary) => row.is_secondary = matches!(cell, "t" | "true" | "1" | "J" | "ja"),
                    Some(Column::Status) => row.is_withdrawn |= is_gone(cell),
                    Some(Column::End) if cell.trim().is_empty() => {}
                    Some(Column::End) => {
                        let end = iso_day(cell.trim()).ok_or("its end is not a day, as in 2026-11-01");
                        has_ended = end.map(|end| end <= date);
                    }
                    Some(Column::Latitude) => row.at[0] = cell,
                    Some(Column::Longitude) => row.at[1] = cell,
                    None => {}
                }
            }
            row.fields = fields;
            row.is_withdrawn |= has_ended == Ok(true);
            visit(line, &row, has_ended);
        }
        Ok(())
    }
}

/// Whether a status says that the address or what stands there is no more, or never came to be.
fn is_gone(status: &str) -> bool {
    let status = status.to_lowercase();
    ["ingetrokken", "niet gerealiseerd", "ten onrechte", "gesloopt"].iter().any(|gone| status.contains(gone))
}

/// A day as 2026-11-01, whatever time is after it: also of 20261101 and of 01-11-2026. It may be one that never comes,
/// as 9999-12-31.
fn iso_day(text: &str) -> Option<String> {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let parts: Vec<&str> = day.split(['-', '/']).collect();
    let [year, month, day] = match parts[..] {
        [all] if all.len() == 8 => [all.get(..4)?, all.get(4..6)?, all.get(6..)?],
        [year, month, day] if year.len() == 4 => [year, month, day],
        [day, month, year] => [year, month, day],
        _ => return None,
    };
    let is_number = |text: &str, length: usize, most: u32| {
        let is_digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && text.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
    };
    (is_number(year, 4, 9999) && is_number(month, 2, 12) && is_number(day, 2, 31))
        .then(|| format!("{year}-{month}-{day}"))
}

fn named(name: &str) -> Option<Column> {
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.iter().find(|(_, names)| names.contains(&bare.as_str())).map(|(column, _)| *column)
}

fn refused(path: &Path, finding: &str) -> Failure {
    Failure::of_file(path)(Failure::new("register_row", finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_the_forms_of_extracts() {
        for text in ["2026-11-01", "2026-11-01T00:00:00.000Z", "2026-11-01 00:00:00+01", "20261101", "01-11-2026"] {
            assert_eq!(iso_day(text).as_deref(), Some("2026-11-01"), "{text}");
        }
        assert_eq!(iso_day("9999-12-31").as_deref(), Some("9999-12-31"));
        for text in ["", "ja", "2026", "2026-13-01", "1-11-2026", "2026-11", "infinity", "20261100", "é2026-1"] {
            assert_eq!(iso_day(text), None, "{text}");
        }
    }
}

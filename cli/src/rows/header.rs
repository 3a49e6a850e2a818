//! Finds out which column of a spreadsheet holds which field.

use std::str::FromStr;

use csv::StringRecord;

use super::REFUSAL_COLUMNS;
use crate::failure::Failure;
use crate::output::plain;

/// What a column may be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Postcode,
    Number,
    Letter,
    Addition,
    Line,
    Reference,
}

/// The value of `--map`: a column, and what to read it as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    column: String,
    field: Field,
}

/// Where the address of a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Fields { postcode: usize, number: usize, letter: Option<usize>, addition: Option<usize> },
    Line { line: usize, postcode: Option<usize> },
}

/// Which column is what.
pub(super) struct Layout {
    /// The names of the columns, without those of a file of refused rows.
    pub(super) header: Vec<String>,
    /// How many columns there are, those included.
    pub(super) width: usize,
    /// The places of those.
    pub(super) passed_over: Vec<usize>,
    pub(super) source: Source,
    pub(super) reference: Option<usize>,
}

const NAMES: &[(Field, &[&str])] = &[
    (Field::Postcode, &["postcode", "postcode6", "pc6", "pc"]),
    (Field::Number, &["huisnummer", "nummer", "huisnr"]),
    (Field::Letter, &["huisletter"]),
    (Field::Addition, &["toevoeging", "huisnummertoevoeging", "huisnrtoevoeging"]),
    (Field::Line, &["adres", "address"]),
    (Field::Reference, &["ref"]),
];

/// The most names of columns that an error shows.
const MOST_SHOWN: usize = 20;

/// Beginnings of the names of columns with BAG ids.
const BAG_IDS: &[&str] =
    &["bag", "nummeraanduiding", "verblijfsobject", "adresseerbaarobject", "ligplaats", "standplaats", "pand"];

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Mapping, String> {
        let (column, name) = text.rsplit_once('=').ok_or("write COLUMN=FIELD, as in Huisnr=huisnummer")?;
        if column.trim().is_empty() {
            return Err("the column has no name; write COLUMN=FIELD, as in Huisnr=huisnummer".into());
        }
        let field = Field::named(name).ok_or_else(|| {
            if is_bag_id(name) {
                "a BAG id needs a local register; give postcode and huisnummer".to_owned()
            } else {
                format!("'{name}' is not a field; use postcode, huisnummer, huisletter, toevoeging, adres or ref")
            }
        })?;
        Ok(Mapping { column: column.to_owned(), field })
    }
}

impl Field {
    fn named(name: &str) -> Option<Field> {
        let name = bare(name);
        NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| *field)
    }

    fn word(self) -> &'static str {
        match self {
            Field::Postcode => "postcode",
            Field::Number => "huisnummer",
            Field::Letter => "huisletter",
            Field::Addition => "toevoeging",
            Field::Line => "adres",
            Field::Reference => "ref",
        }
    }
}

impl Layout {
    pub(super) fn read(record: &StringRecord, maps: &[Mapping], reference: Option<&str>) -> Result<Layout, Failure> {
        let prefix = REFUSAL_COLUMNS[0].split_inclusive('_').next().unwrap_or_default();
        let is_refusal = |name: &str| name.trim().to_lowercase().starts_with(prefix);
        let (mut header, mut passed_over) = (Vec::new(), Vec::new());
        for (at, name) in record.iter().enumerate() {
            if is_refusal(name) { passed_over.push(at) } else { header.push(name.to_owned()) }
        }
        let columns = Columns { record, maps, passed_over: &passed_over };
        for mapping in maps {
            columns.place(&mapping.column)?;
        }
        let reference = match reference {
            Some(name) => Some(columns.place(name)?),
            None => columns.find(Field::Reference)?,
        };
        let source = columns.source()?;
        Ok(Layout { width: record.len(), header, passed_over, source, reference })
    }
}

struct Columns<'a> {
    record: &'a StringRecord,
    maps: &'a [Mapping],
    passed_over: &'a [usize],
}

impl Columns<'_> {
    fn source(&self) -> Result<Source, Failure> {
        let (postcode, number) = (self.find(Field::Postcode)?, self.find(Field::Number)?);
        let (letter, addition) = (self.find(Field::Letter)?, self.find(Field::Addition)?);
        let line = self.find(Field::Line)?;
        match (postcode, number, line) {
            (Some(postcode), Some(number), _) => Ok(Source::Fields { postcode, number, letter, addition }),
            (_, _, Some(_)) if letter.is_some() || addition.is_some() => {
                let message = "beside an address in one column, letter and addition in columns of their own would be \
                               lost; give postcode and huisnummer too, or map a column to each with --map";
                Err(Failure::new("header", message))
            }
            (postcode, _, Some(line)) => Ok(Source::Line { line, postcode }),
            _ if self.names().any(|(_, name)| is_bag_id(name)) => {
                let message = "a BAG id needs a local register to become an address; give postcode and huisnummer";
                Err(Failure::new("bag_id_needs_register", message))
            }
            _ => {
                let message = format!(
                    "the first line names no address: {}; it needs postcode and huisnummer, or adres; say which is \
                     which with --map \"Huisnr=huisnummer\"",
                    self.shown()
                );
                Err(Failure::new("header", message))
            }
        }
    }

    /// The column of a field: the one that is mapped to it, or else the one whose name says so.
    fn find(&self, field: Field) -> Result<Option<usize>, Failure> {
        let mut mapped = self.maps.iter().filter(|mapping| mapping.field == field);
        match (mapped.next(), mapped.next()) {
            (Some(_), Some(_)) => {
                return Err(Failure::new("map", format!("two columns are mapped to {}", field.word())));
            }
            (Some(mapping), None) => return self.place(&mapping.column).map(Some),
            (None, _) => {}
        }
        let is_mapped = |name: &str| self.maps.iter().any(|mapping| same(&mapping.column, name));
        let mut named = self.names().filter(|(_, name)| Field::named(name) == Some(field) && !is_mapped(name));
        match (named.next(), named.next()) {
            (Some((_, first)), Some((_, second))) => {
                let word = field.word();
                if same(first, second) {
                    return Err(named_twice("header", word));
                }
                let message = if is_plausible(first) && is_plausible(second) {
                    format!("both '{first}' and '{second}' may be the {word}; choose with --map \"{first}={word}\"")
                } else {
                    format!("several columns may be the {word}; choose with --map \"COLUMN={word}\"")
                };
                Err(Failure::new("header", message))
            }
            (first, _) => Ok(first.map(|(at, _)| at)),
        }
    }

    /// The column of that name.
    fn place(&self, column: &str) -> Result<usize, Failure> {
        let mut found = self.names().filter(|(_, name)| same(name, column));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(named_twice("map", &plain(column))),
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(Failure::new("map", format!("the first line names no column '{}'", plain(column)))),
        }
    }

    /// The columns' names, or how many there are where the first line may hold something else than names.
    fn shown(&self) -> String {
        let names: Vec<_> = self.names().map(|(_, name)| name.trim()).collect();
        if names.len() <= MOST_SHOWN && names.iter().all(|name| is_plausible(name)) {
            return format!("its columns are {}", names.join(", "));
        }
        let count = names.len();
        let columns = if count == 1 { "column" } else { "columns" };
        format!("it has {count} {columns}, and is not shown because it may be an address or a key instead of names")
    }

    fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.record.iter().enumerate().filter(|(at, _)| !self.passed_over.contains(at))
    }
}

/// Whether a cell can only be a column's name. The first line of a file that was named by mistake may be a secret key,
/// or an address where there is no header; an error must repeat neither.
fn is_plausible(name: &str) -> bool {
    let name = name.trim();
    let is_plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ' ');
    (1..=40).contains(&name.len()) && name.chars().all(is_plain)
}

fn named_twice(code: &'static str, name: &str) -> Failure {
    Failure::new(code, format!("two columns are named '{name}': give each a name of its own in the first line"))
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn is_bag_id(name: &str) -> bool {
    let name = bare(name);
    name.ends_with("id") && BAG_IDS.iter().any(|beginning| name.starts_with(beginning))
}

/// Letters and digits alone, in lower case: `Huis-nr.` is `huisnr`.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

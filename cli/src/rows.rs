//! Spreadsheets as they come: CSV with any delimiter, in UTF-8 or Windows-1252, under the headers that people use.
//!
//! A [`Sheet`] has the rows that are addresses, each with its local reference, and the rows that were refused. The
//! latter can be written to a file with columns beside them that say why; mended there, that file can be fed again.

mod header;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use stapel::{AddressError, AddressKey, Fields};

use crate::failure::{self, Failure, note};
use crate::files;
use crate::output::{Shown, counted};
use crate::progress::Progress;
use header::{Layout, Source};
use text::{Delimiter, LineCounter, Text};

pub(crate) use header::Mapping;

/// The columns that a file of refused rows has before the others. All that begin so are passed over when it is read.
const REFUSAL_COLUMNS: [&str; 4] = ["stapel_line", "stapel_code", "stapel_field", "stapel_message"];

/// The most refused rows that are named on standard error, one a line.
const TOLD: usize = 10;

/// The most bytes of a spreadsheet: twice what ten million rows take.
const MAX_BYTES: usize = 2 << 30;

/// Where rows come from, and what happens to those that are refused.
#[derive(clap::Args)]
pub(crate) struct RowArgs {
    /// CSV with a header, or - for standard input, which is the default. The delimiter (semicolon, comma or tab) and
    /// the encoding are detected; columns are postcode, huisnummer, huisletter and toevoeging, or adres with a line of
    /// text
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Read a column as a field: postcode, huisnummer, huisletter, toevoeging, adres or ref. May be given again
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    maps: Vec<Mapping>,
    /// The column of local references, which come back with the hits and never leave this side [default: ref]
    #[arg(long = "ref", value_name = "COLUMN")]
    reference: Option<String>,
    /// Read the rows and say what would be done; change nothing, and make no message
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the rows that were refused to FILE, with columns that say why; mended, it can be fed again
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
}

/// What a spreadsheet holds.
pub(crate) struct Sheet {
    /// The rows that are addresses, in their order.
    pub(crate) rows: Rows,
    /// Those that are not.
    pub(crate) refused: Vec<RefusedRow>,
    text: TextForm,
    header: Vec<String>,
}

/// Rows that are addresses, each with its local reference: packed, because there may be millions of them.
#[derive(Default)]
pub(crate) struct Rows {
    rows: Vec<(AddressKey, Span)>,
    /// All references, one after another.
    references: String,
}

/// Where in a text a reference begins and ends. A spreadsheet has fewer bytes than this can count.
pub(crate) type Span = (u32, u32);

/// A row that is not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefusedRow {
    /// The line on which it begins, counted from 1.
    pub(crate) line: u64,
    /// The stable code of the refusal.
    pub(crate) code: &'static str,
    /// The field at fault.
    pub(crate) field: &'static str,
    /// What was found, and what would help.
    pub(crate) message: String,
    cells: Vec<String>,
}

/// How the rows were written, so that the refused ones can be written alike.
struct TextForm {
    charset: text::Charset,
    delimiter: Delimiter,
    crlf: bool,
}

impl Rows {
    pub(crate) fn push(&mut self, address: AddressKey, reference: &str) {
        let from = self.references.len() as u32;
        self.references.push_str(reference);
        self.rows.push((address, (from, self.references.len() as u32)));
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Sorts by address; rows of one address stay in their order.
    pub(crate) fn sort(&mut self) {
        self.rows.sort_unstable();
    }

    /// Takes it apart: the addresses, each with where its reference is, and all references.
    pub(crate) fn into_parts(self) -> (Vec<(AddressKey, Span)>, String) {
        (self.rows, self.references)
    }

    /// The addresses, in the order of the rows, doubles included.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &AddressKey> {
        self.rows.iter().map(|(address, _)| address)
    }
}

impl RowArgs {
    /// Reads the rows, writes the refused ones to their file, and says on standard error how many there were of each.
    /// A refusal makes the exit status 3, whatever is done with the other rows; with `--strict` it is an error.
    pub(crate) fn read(&self) -> Result<Sheet, Failure> {
        let stdin = Path::new("-");
        let path = self.file.as_deref().unwrap_or(stdin);
        let limit = MAX_BYTES + 1;
        let bytes = if path == stdin { files::read_stdin(limit)? } else { files::read_up_to(path, limit)? };
        if bytes.len() > MAX_BYTES {
            return Err(Failure::new("too_large", "a spreadsheet may have 2 GiB at most: cut it into several"));
        }
        let name = if path == stdin { Path::new("standard input") } else { path };
        let sheet = Sheet::read(&bytes, &self.maps, self.reference.as_deref()).map_err(Failure::of_file(name))?;
        self.tell(name, &sheet);
        if let Some(refused) = &self.refused {
            if fs::canonicalize(refused).is_ok_and(|to| fs::canonicalize(path).is_ok_and(|from| from == to)) {
                let message = "--refused names the file that is read: give another, so that no row is lost";
                return Err(Failure::new("refused_file", message));
            }
            files::replace(refused, &sheet.refused_text()?)?;
        }
        match sheet.refused.len() {
            0 => {}
            rows if failure::is_strict() => {
                let finding = format!("{rows} rows were refused, and so, with --strict, nothing was done: mend them");
                return Err(Failure::new("rows_refused", finding));
            }
            _ => failure::some_refused(),
        }
        Ok(sheet)
    }

    fn tell(&self, name: &Path, sheet: &Sheet) {
        let (accepted, refused) = (sheet.rows.len(), sheet.refused.len());
        let name = name.shown();
        let (charset, delimiter) = (sheet.text.charset.name(), sheet.text.delimiter.name());
        let total = accepted + refused;
        let total = counted(total, "row", "rows");
        let accepted = counted(accepted, "address", "addresses");
        note(&format!("{name}: {total} ({charset}, {delimiter}), {accepted}, {refused} refused"));
        for row in sheet.refused.iter().take(TOLD) {
            note(&format!("line {}: {}: {} [{}]", row.line, row.field, row.message, row.code));
        }
        if refused > TOLD {
            let where_all = if self.refused.is_some() { "see the file" } else { "use --refused FILE to have all" };
            note(&format!("and {} more: {where_all}", refused - TOLD));
        }
    }
}

impl Sheet {
    /// Reads a spreadsheet's bytes.
    pub(crate) fn read(bytes: &[u8], maps: &[Mapping], reference: Option<&str>) -> Result<Sheet, Failure> {
        let text = Text::read(bytes)?;
        let form = TextForm { charset: text.charset, delimiter: text.delimiter, crlf: text.text.contains("\r\n") };
        let mut reader = ReaderBuilder::new()
            .delimiter(text.delimiter.read_byte())
            .has_headers(false)
            .flexible(true)
            .from_reader(text.text.as_bytes());
        let mut record = StringRecord::new();
        let wrong = |error: csv::Error| Failure::new("csv", format!("the spreadsheet cannot be read: {error}"));
        if !reader.read_record(&mut record).map_err(wrong)? {
            return Err(Failure::new("header", "there is nothing in it: the first line must name the columns"));
        }
        let layout = Layout::read(&record, maps, reference)?;
        let mut sheet = Sheet { rows: Rows::default(), refused: Vec::new(), text: form, header: layout.header.clone() };
        let progress = Progress::of(text.text.len() as u64, "bytes of rows");
        let mut lines = LineCounter::new(&text.text, text.first_line);
        let mut read = 0;
        while reader.read_record(&mut record).map_err(wrong)? {
            let from = record.position().map_or(0, csv::Position::byte) as usize;
            progress.add((from - read) as u64);
            read = from;
            let cells = layout.own_cells(&record);
            if cells.clone().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            match layout.address(&record) {
                Ok(address) => sheet.rows.push(address, layout.reference(&record)),
                Err(refusal) => {
                    let (code, field, message) = refusal.parts();
                    let cells = cells.map(str::to_owned).collect();
                    sheet.refused.push(RefusedRow { line: lines.line_at(from), code, field, message, cells });
                }
            }
        }
        Ok(sheet)
    }

    /// The refused rows as they were, in the form that they came in, each with the columns that say why before it.
    fn refused_text(&self) -> Result<Vec<u8>, Failure> {
        let TextForm { charset, delimiter, crlf } = &self.text;
        let terminator = if *crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter.write_byte())
            .terminator(terminator)
            .flexible(true)
            .from_writer(Vec::new());
        let wrong = |error: csv::Error| Failure::new("csv", format!("the refused rows cannot be written: {error}"));
        let header = REFUSAL_COLUMNS.iter().copied().chain(self.header.iter().map(String::as_str));
        writer.write_record(header).map_err(wrong)?;
        for row in &self.refused {
            let line = row.line.to_string();
            let why = [line.as_str(), row.code, row.field, row.message.as_str()];
            let blank = self.header.len().saturating_sub(row.cells.len());
            let cells = row.cells.iter().map(String::as_str).chain(std::iter::repeat_n("", blank));
            writer.write_record(why.into_iter().chain(cells)).map_err(wrong)?;
        }
        let text = writer.into_inner().map_err(|error| wrong(error.into_error().into()))?;
        Ok(charset.encode(text))
    }
}

/// Why a row is not an address.
enum Refusal {
    Address(AddressError),
    /// It has more cells that hold something than the header names; the numbers of both.
    Columns {
        cells: usize,
        named: usize,
    },
}

impl Refusal {
    fn parts(self) -> (&'static str, &'static str, String) {
        match self {
            Refusal::Address(error) => (error.code(), error.field(), error.message().to_owned()),
            Refusal::Columns { cells, named } => {
                let message = format!(
                    "the row has {cells} cells, and the header names {named}; put quotes around a cell that has the \
                     delimiter in it"
                );
                ("columns", "line", message)
            }
        }
    }
}

impl Layout {
    fn address(&self, record: &StringRecord) -> Result<AddressKey, Refusal> {
        let rest = record.iter().skip(self.width);
        if rest.clone().any(|cell| !cell.trim().is_empty()) {
            let passed_over = self.width - self.header.len();
            return Err(Refusal::Columns { cells: record.len() - passed_over, named: self.header.len() });
        }
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let address = match self.source {
            Source::Fields { postcode, number, letter, addition } => AddressKey::from_fields(&Fields {
                postcode: cell(Some(postcode)),
                number: cell(Some(number)),
                letter: cell(letter),
                addition: cell(addition),
            }),
            Source::Line { line, postcode } => match (cell(Some(line)), cell(postcode).trim()) {
                (line, "") => AddressKey::parse(line),
                (line, postcode) => AddressKey::parse(&format!("{line}, {postcode}")),
            },
        };
        address.map_err(Refusal::Address)
    }

    fn reference<'a>(&self, record: &'a StringRecord) -> &'a str {
        self.reference.and_then(|at| record.get(at)).unwrap_or_default().trim()
    }

    /// The cells that are not of a file of refused rows.
    fn own_cells<'a>(&'a self, record: &'a StringRecord) -> impl Iterator<Item = &'a str> + Clone {
        record.iter().enumerate().filter(|(at, _)| !self.passed_over.contains(at)).map(|(_, cell)| cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Sheet {
        sheet(text.as_bytes())
    }

    fn sheet(bytes: &[u8]) -> Sheet {
        Sheet::read(bytes, &[], None).unwrap_or_else(|failure| panic!("{}", failure.line()))
    }

    fn code(text: &str, maps: &[&str]) -> String {
        let maps: Vec<Mapping> = maps.iter().map(|map| map.parse().unwrap()).collect();
        match Sheet::read(text.as_bytes(), &maps, None) {
            Err(Failure::Refused { code, .. }) => code.to_owned(),
            Err(_) => "other".to_owned(),
            Ok(sheet) => format!("{} rows", sheet.rows.len()),
        }
    }

    fn addresses(sheet: &Sheet) -> Vec<&str> {
        sheet.rows.addresses().map(AddressKey::as_str).collect()
    }

    fn references(sheet: &Sheet) -> Vec<&str> {
        sheet.rows.rows.iter().map(|(_, (from, to))| &sheet.rows.references[*from as usize..*to as usize]).collect()
    }

    #[test]
    fn every_delimiter() {
        for text in [
            "postcode;huisnummer;toevoeging\n1012 JS;1;a\n",
            "postcode,huisnummer,toevoeging\n1012 JS,1,a",
            "postcode\thuisnummer\ttoevoeging\r\n1012 JS\t1\ta\r\n",
            "sep=;\r\npostcode;huisnummer;toevoeging\r\n1012 JS;1;a\r\n",
            "\"postcode\";\"a,b,c,d\";huisnummer;toevoeging\n1012 JS;,,,;1;a\n",
            "adres\nDam 1-A, 1012 JS Amsterdam\n",
            "adres;postcode\n\"Dam 1-A; boven\";1012JS\nDam 1-A;1012 JS",
        ] {
            let sheet = read(text);
            assert_eq!(addresses(&sheet), ["1012JS|1|A"], "{text}");
        }
    }

    #[test]
    fn quotes_as_rfc_4180_has_them() {
        let sheet = read("ref;adres\n\"a \"\"b\"\";c\";\"Dam 1,\n1012 JS\"\nd;\"Dam 2, 1012 JS\"\n");
        assert_eq!(addresses(&sheet), ["1012JS|1|", "1012JS|2|"]);
        assert_eq!(references(&sheet)[0], "a \"b\";c");
    }

    #[test]
    fn a_quote_that_never_ends_swallows_no_row() {
        assert_eq!(code("adres;x\n\"Dam 1, 1012 JS;1\nDam 2, 1012 JS;2\n", &[]), "csv");
        assert_eq!(code("adres;x\nDam 1, 1012 JS;15\" scherm\nDam 2, 1012 JS;2\n", &[]), "2 rows");
    }

    #[test]
    fn encodings() {
        let utf8 = "adres;ref\nCoördinaat 1, 1012 JS;ë\n";
        let windows: Vec<u8> = utf8.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let utf16: Vec<u8> = "\u{feff}".chars().chain(utf8.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
        for (bytes, name) in [
            (utf8.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", utf8.as_bytes()].concat(), "UTF-8"),
            (windows, "Windows-1252"),
            (utf16, "UTF-16"),
        ] {
            let sheet = sheet(&bytes);
            assert_eq!((addresses(&sheet), sheet.text.charset.name()), (vec!["1012JS|1|"], name));
            assert_eq!(references(&sheet)[0], "ë", "{name}");
        }
        assert_eq!(
            Sheet::read(b"\xef\xbb\xbfadres\n\xff", &[], None).err().map(|f| f.line().contains("[encoding]")),
            Some(true)
        );
    }

    #[test]
    fn headers_that_people_use() {
        for header in ["Postcode;Huisnummer;X", "POSTCODE;nummer;x", "pc6; Huis-nr. ;x", "postcode;huisnr;bag_id"] {
            assert_eq!(addresses(&read(&format!("{header}\n1012JS;1;9\n"))), ["1012JS|1|"], "{header}");
        }
        assert_eq!(addresses(&read("huisletter;huisnummertoevoeging;postcode;nummer\na;2;1012JS;1")), ["1012JS|1|A2"]);
        assert_eq!(code("pc;nr\n1012JS;1\n", &["pc=postcode", "NR=huisnummer"]), "1 rows");
        assert_eq!(code("postcode;nummer;huisnr\n1012JS;1;1\n", &[]), "header");
        assert_eq!(code("postcode;nummer;huisnr\n1012JS;1;1\n", &["huisnr=huisnummer"]), "1 rows");
        assert_eq!(code("postcode;straat\n1012JS;Dam\n", &[]), "header");
        assert_eq!(code("pc;nr\n1012JS;1\n", &["nr=huisnummer", "postkode=postcode"]), "map");
        assert_eq!(code("nummeraanduiding_id\n0363200000000001\n", &[]), "bag_id_needs_register");
        assert_eq!(code("", &[]), "header");
        assert_eq!(code("\u{feff}", &[]), "header");
        // Beside a line of text, a suffix in a column of its own would be lost.
        assert_eq!(code("adres;postcode;toevoeging\nDam 1;1012JS;A\n", &[]), "header");
        assert!("x".parse::<Mapping>().is_err() && "x=straat".parse::<Mapping>().is_err());
        assert!("x=bag_id".parse::<Mapping>().is_err() && "=adres".parse::<Mapping>().is_err());
    }

    #[test]
    fn the_column_of_references_can_be_named() {
        let text = "zaak;ref;adres\nZ1;r;Dam 1, 1012 JS\n;r;Dam 2, 1012 JS";
        let sheet = Sheet::read(text.as_bytes(), &[], Some("Zaak")).ok().unwrap();
        assert_eq!(references(&sheet), ["Z1", ""]);
        assert!(Sheet::read(text.as_bytes(), &[], Some("nummer")).is_err());
        let mapped = Sheet::read(text.as_bytes(), &["zaak=ref".parse().unwrap()], None).ok().unwrap();
        assert_eq!(references(&mapped)[0], "Z1");
    }

    #[test]
    fn refused_rows_have_their_lines() {
        let sheet = read("postcode;huisnummer\n\n1012JS;1\n;;\n1012JS;1;A\n\r\n1012JS\n0012JS;1\n\"1012\nJS\";x\n;4\n");
        assert_eq!(addresses(&sheet), ["1012JS|1|"]);
        let refused: Vec<_> = sheet.refused.iter().map(|row| (row.line, row.code, row.field)).collect();
        assert_eq!(
            refused,
            [
                (5, "columns", "line"),
                (7, "no_number", "huisnummer"),
                (8, "postcode_first_digit", "postcode"),
                (9, "number_form", "huisnummer"),
                (11, "no_postcode", "postcode"),
            ]
        );
    }

    #[test]
    fn refused_rows_go_round() {
        let text = "ref;adres;opmerking\r\n1;Coördinaat 1;\"a;b\"\r\n2;Dam 2, 1012 JS;\r\n3;Plein 3;\"x\"\"y\"\r\n\
                    4;Dam 4;a;b\r\n";
        let windows: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let first = sheet(&windows);
        assert_eq!(addresses(&first), ["1012JS|2|"]);
        let written = first.refused_text().ok().unwrap();
        let again = sheet(&written);
        assert_eq!(again.text.charset.name(), "Windows-1252");
        assert_eq!(again.header, ["ref", "adres", "opmerking"]);
        let cells = |sheet: &Sheet| sheet.refused.iter().map(|row| row.cells.clone()).collect::<Vec<_>>();
        assert_eq!(cells(&again), cells(&first));
        let twice = again.refused_text().ok().unwrap();
        assert_eq!(cells(&sheet(&twice)), cells(&first), "the columns that say why are not piled up");
        // Each byte as a character, and back.
        let mended: String = written.iter().map(|byte| char::from(*byte)).collect();
        let mended = mended
            .replace("dinaat 1", "dinaat 1, 1012 JS")
            .replace("Plein 3", "Plein 3, 1012 JS")
            .replace("Dam 4;a;b", "Dam 4, 1012 JS;a");
        let mended: Vec<u8> = mended.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let mended = sheet(&mended);
        assert_eq!(addresses(&mended), ["1012JS|1|", "1012JS|3|", "1012JS|4|"]);
        assert_eq!(references(&mended)[1], "3");
        assert!(mended.refused.is_empty());
    }

    #[test]
    fn a_file_of_one_column_goes_round() {
        let first = read("adres\nDam 1; boven, Amsterdam\n\"Dam 2, 1012 JS\"\n");
        let again = sheet(&first.refused_text().ok().unwrap());
        assert_eq!(again.refused[0].cells, ["Dam 1; boven, Amsterdam"]);
    }

    #[test]
    fn no_bytes_are_too_strange() {
        let samples: [&[u8]; 8] =
            [b"\0", b"\"", b"\xff\xfe", b"\xfe\xff\0", b"adres\n\0\0\n\xff\n", b";\n;", b"sep=", b"adres\r\"\r\"\r"];
        for bytes in samples {
            if let Ok(sheet) = Sheet::read(bytes, &[], None) {
                assert!(sheet.rows.len() == 0);
                assert!(sheet.refused_text().is_ok());
            }
        }
    }
}

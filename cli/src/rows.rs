//! Spreadsheets as they come: CSV with any delimiter, in UTF-8 or Windows-1252, xlsx and ods, under the headers that
//! people use.
//!
//! A [`Sheet`] has the rows that are addresses, each with its local reference or its branch, and the rows that were
//! refused. The latter can be written to a file with columns beside them that say why; mended there, that file can be
//! fed again.

mod grid;
mod header;
mod kind;
mod names;
mod ods;
mod package;
mod page;
mod row;
mod text;
mod workbook;
mod xlsx;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use csv::{StringRecord, WriterBuilder};
use serde_json::{Value, json};
use stapel::AddressKey;
use stapel::partner::Given;
use stapel::register::{How, has_other_spellings, id_digits};

use crate::failure::{self, Failure, note, warn};
use crate::files;
use crate::output::{Shown, counted};
use crate::progress::Progress;
use grid::Odd;
use kind::Kind;
use text::{Charset, Delimiter, LineCounter, Text};

pub(crate) use header::{ColumnArgs, Layout};
pub(crate) use page::PageSheets;
use row::Certain;
pub(crate) use row::{Found, Refusal, resolve};
pub(crate) use text::{bare_utf16, is_bare_utf16};

/// Whether a column's name looks like one of letters or additions.
pub(crate) fn may_be_suffix(name: &str) -> bool {
    matches!(names::Field::suspected(name), Some(names::Field::Letter | names::Field::Addition))
}

/// Whether a column of this name could be of an address in another way than as its status.
pub(crate) fn may_be_in_key(name: &str) -> bool {
    let field = names::Field::named(name).or_else(|| names::Field::suspected(name));
    field.is_some_and(|field| field.is_looked_at() && field != names::Field::Status)
}

/// The columns that a file of refused rows has before the others. All that begin so are passed over when it is read.
const REFUSAL_COLUMNS: [&str; 4] = ["stapel_line", "stapel_code", "stapel_field", "stapel_message"];

/// The most refused rows that are named on standard error, one a line.
const TOLD: usize = 10;

/// The most rows that count only for their house number that are named so: each stands for a home that does not count.
const TOLD_NUMBERS: usize = 20;

/// The most bytes of a spreadsheet: twice what ten million rows take.
const MAX_BYTES: usize = 2 << 30;

/// Where rows come from, and what happens to those that are refused.
#[derive(clap::Args)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct RowArgs {
    /// CSV, xlsx or ods with a header, or - for standard input, which is the default. The delimiter (semicolon, comma,
    /// tab or bar) and the encoding are detected; columns are postcode, huisnummer, huisletter and toevoeging, or adres
    /// with a line of text. A column that could be of an address and is not read is refused: map it, or pass it over
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnArgs,
    /// The line of the header, where a title stands above it [default: the first that is not blank]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    header_row: Option<u64>,
    /// The sheet of a workbook [default: the only one that has rows]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Read the rows and say what would be done; change nothing, and make no message
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the rows that were refused to FILE, with columns that say why; mended, it can be fed again
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// Let a row that is refused as a home, and whose house number is certain, count for that number alone, and for no
    /// home; each is said. For policies that count house numbers
    #[arg(long)]
    pub(crate) number_only: bool,
}

/// What a spreadsheet holds.
pub(crate) struct Sheet {
    /// The rows that are addresses, in their order or sorted.
    pub(crate) rows: Rows,
    /// Those that are not.
    pub(crate) refused: Vec<RefusedRow>,
    /// The first of those that count only for their house number.
    numbers: Vec<NumberRow>,
    /// How many of the refused rows have a house number that is certain.
    certain: usize,
    /// How many addresses have rows with different BAG ids.
    doubtful: usize,
    counts: Counts,
    layout: Layout,
    text: TextForm,
}

/// How many there are of each kind.
#[derive(Default)]
pub(crate) struct Counts {
    /// Rows, the refused ones included.
    pub(crate) rows: usize,
    /// Addresses, each counted once.
    pub(crate) addresses: usize,
    /// Addresses with a suffix that others may write differently: hs, H, BG, I, 1.
    pub(crate) other_spellings: usize,
    /// Rows that repeat the address of another.
    pub(crate) repeated: usize,
    /// Rows that are no address.
    pub(crate) refused: usize,
    /// Rows that count only for their house number, where that is allowed.
    pub(crate) number_only: Option<usize>,
    /// How a register found the others; empty without one.
    pub(crate) how: BTreeMap<How, usize>,
}

/// Rows that are addresses, each with its local reference, and as it was written: packed, because there may be millions
/// of them.
#[derive(Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    /// All references, one after another.
    references: String,
    /// All addresses as they were written, one after another.
    typed: String,
    /// Whether a register found them.
    are_resolved: bool,
}

/// A row, and where its texts are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    address: AddressKey,
    reference: Span,
    typed: Span,
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

/// A row that counts only for its house number.
#[derive(Debug, PartialEq, Eq)]
struct NumberRow {
    line: u64,
    number: AddressKey,
    /// Why it is no home.
    code: &'static str,
    field: &'static str,
    message: String,
}

/// How the rows were written, so that the refused ones can be written alike: those of a workbook as CSV.
struct TextForm {
    charset: Charset,
    delimiter: Delimiter,
    crlf: bool,
    /// In words.
    said: String,
}

impl Rows {
    pub(crate) fn push(&mut self, address: AddressKey, reference: &str, typed: &str) {
        let (reference, typed) = (push(&mut self.references, reference), push(&mut self.typed, typed));
        self.rows.push(Row { address, reference, typed });
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Sorts by address; rows of one address stay in their order.
    pub(crate) fn sort(&mut self) {
        self.rows.sort_unstable();
    }

    /// How many addresses there are, each counted once, and how many of them have a suffix that others may write
    /// differently.
    fn distinct(&self) -> (usize, usize) {
        let mut addresses: Vec<AddressKey> = self.addresses().copied().collect();
        if !addresses.is_sorted() {
            addresses.sort_unstable();
        }
        addresses.dedup();
        (addresses.len(), addresses.iter().filter(|address| has_other_spellings(address)).count())
    }

    /// The addresses in the order of the rows, each with what stands beside it: its branch or its local reference.
    pub(crate) fn with_texts(&self) -> impl Iterator<Item = (&AddressKey, &str)> {
        self.rows
            .iter()
            .map(|Row { address, reference: (from, to), .. }| (address, &self.references[*from as usize..*to as usize]))
    }

    /// Takes it apart: the addresses, each with where its reference is, and all references.
    pub(crate) fn into_references(self) -> (Vec<(AddressKey, Span)>, String) {
        (self.rows.into_iter().map(|row| (row.address, row.reference)).collect(), self.references)
    }

    /// The rows, in their order, as a partner is given them.
    pub(crate) fn given(&self) -> impl Iterator<Item = Given<'_>> {
        self.rows.iter().map(|Row { address, typed: (from, to), .. }| {
            let typed = &self.typed[*from as usize..*to as usize];
            let given = Given::from(address).typed(typed);
            if self.are_resolved { given.resolved() } else { given }
        })
    }

    /// The addresses, in the order of the rows, doubles included.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &AddressKey> {
        self.rows.iter().map(|row| &row.address)
    }
}

/// Writes a text after others, and says where it stands.
fn push(texts: &mut String, text: &str) -> Span {
    let from = texts.len() as u32;
    texts.push_str(text);
    (from, texts.len() as u32)
}

impl Counts {
    /// On one line, with the form that the rows came in.
    pub(crate) fn told(&self, form: &str) -> String {
        let Counts { rows, addresses, other_spellings, repeated, refused, number_only, .. } = *self;
        let (rows, repeated) = (counted(rows, "row", "rows"), counted(repeated, "repeat", "repeats"));
        let addresses = counted(addresses, "address", "addresses");
        let spellings = match other_spellings {
            0 => String::new(),
            some => format!("; {some} with a suffix that others may write differently"),
        };
        let numbers = match number_only {
            None | Some(0) => String::new(),
            Some(some) => format!("; {}", counted(some, "row only as a house number", "rows only as house numbers")),
        };
        format!("{rows}{form}, {addresses}, {repeated}, {refused} refused{numbers}{spellings}{}", self.by_register())
    }

    /// How a register found the rows, in words.
    fn by_register(&self) -> String {
        if self.how.is_empty() {
            return String::new();
        }
        let hows: Vec<String> = self.how.iter().map(|(how, rows)| format!("{rows} {}", said(*how))).collect();
        format!("; by the register: {}", hows.join(", "))
    }

    pub(crate) fn json(&self, layout: &Layout) -> Value {
        let Counts { rows, addresses, other_spellings, repeated, refused, number_only, ref how } = *self;
        let mut all = json!({
            "columns": layout.json(), "rows": rows, "addresses": addresses, "other_spellings": other_spellings,
            "repeated": repeated, "refused": refused,
        });
        if let Some(rows) = number_only {
            all["number_only"] = rows.into();
        }
        if !how.is_empty() {
            all["how"] = how.iter().map(|(how, rows)| (how.as_str().to_owned(), Value::from(*rows))).collect();
        }
        all
    }
}

impl RowArgs {
    /// Whether a register is given, in which each row is looked up.
    pub(crate) fn has_register(&self) -> bool {
        self.columns.register.is_some()
    }

    /// The register that is given.
    pub(crate) fn register(&self) -> Option<&Path> {
        self.columns.register.as_deref()
    }

    /// Reads the rows, writes the refused ones to their file, and says on standard error how many there were of each.
    /// A refusal makes the exit status 3, whatever is done with the other rows; with `--strict` it is an error.
    pub(crate) fn read(&self) -> Result<Sheet, Failure> {
        self.read_in(false, HashSet::new())
    }

    /// The same, of rows that may each name one of the own flags by its canonical form.
    pub(crate) fn read_of(&self, own: HashSet<AddressKey>) -> Result<Sheet, Failure> {
        self.read_in(false, own)
    }

    /// The same, of rows that have a branch in the place of a local reference.
    pub(crate) fn read_with_branch(mut self, column: String) -> Result<Sheet, Failure> {
        self.columns.branch = Some(column);
        self.read()
    }

    /// The same, with the rows sorted by address.
    pub(crate) fn read_sorted(&self) -> Result<Sheet, Failure> {
        self.read_in(true, HashSet::new())
    }

    fn read_in(&self, sorted: bool, own: HashSet<AddressKey>) -> Result<Sheet, Failure> {
        let stdin = Path::new("-");
        let path = self.file.as_deref().unwrap_or(stdin);
        let limit = MAX_BYTES + 1;
        let bytes = if path == stdin { files::read_stdin(limit)? } else { files::read_up_to(path, limit)? };
        if bytes.len() > MAX_BYTES {
            return Err(Failure::new("too_large", "a spreadsheet may have 2 GiB at most: cut it into several"));
        }
        let name = if path == stdin { Path::new("standard input") } else { path };
        let sheet = Sheet::read(&bytes, self, sorted, own).map_err(Failure::of_file(name))?;
        drop(bytes);
        self.tell(name, &sheet);
        if let Some(refused) = &self.refused {
            if fs::canonicalize(refused).is_ok_and(|to| fs::canonicalize(path).is_ok_and(|from| from == to)) {
                let message = "--refused names the file that is read: give another, so that no row is lost";
                return Err(Failure::new("refused_file", message));
            }
            files::replace_at(refused, &sheet.refused_text()?)?;
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
        let (name, refused) = (name.shown(), sheet.refused.len());
        note(&format!("{name}: {}", sheet.layout.told()));
        note(&format!("{name}: {}", sheet.counts.told(&format!(" ({})", sheet.text.said))));
        let not_there: usize =
            [How::Unregistered, How::Withdrawn].iter().filter_map(|how| sheet.counts.how.get(how)).sum();
        if not_there > 0 {
            let rows = counted(not_there, "row is", "rows are");
            warn(&format!(
                "{name}: {rows} of addresses that the register does not have, or that were withdrawn: look them up"
            ));
        }
        if sheet.doubtful > 0 {
            let addresses = counted(sheet.doubtful, "address has", "addresses have");
            warn(&format!(
                "{name}: {addresses} rows with different BAG ids: where those are two homes, a column with their \
                 letters or additions is missing; see that it is there, and mapped"
            ));
        }
        let alone = sheet.counts.number_only.unwrap_or(0);
        if alone > 0 {
            let rows = counted(alone, "row counts", "rows count");
            warn(&format!("{name}: {rows} only for a house number, and for no home; to have the homes, mend them"));
        }
        for NumberRow { line, number, code, field, message } in &sheet.numbers {
            note(&format!("line {line}: only as the house number {number}: {field}: {message} [{code}]"));
        }
        if alone > sheet.numbers.len() {
            note(&format!("and {} more only as house numbers", alone - sheet.numbers.len()));
        }
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
    fn read(bytes: &[u8], args: &RowArgs, sorted: bool, own: HashSet<AddressKey>) -> Result<Sheet, Failure> {
        let mut odd = None;
        let (mut text, said) = match Kind::of(bytes)? {
            Kind::Text if args.sheet.is_some() => {
                return Err(Failure::new("sheet", "--sheet is of a workbook, and this is none: leave it out"));
            }
            Kind::Text => (Text::read(bytes)?, None),
            Kind::Archive => {
                let (grid, said) = workbook::read(bytes, args.sheet.as_deref())?;
                odd = Some(grid.odd);
                (Text::of_sheet(grid.text), Some(said))
            }
        };
        text.find_header(args.header_row)?;
        let form = TextForm::of(&text, said);
        let layout = read_header(&text, args, own)?;
        text.refuse_open_quote()?;
        let (mut rows, mut refused, mut hows) = (Rows::default(), Vec::new(), BTreeMap::new());
        rows.are_resolved = layout.register.is_some();
        let mut typed = String::new();
        let (mut numbers, mut alone, mut certain) = (Vec::new(), 0, 0);
        let progress = Progress::of(text.text.len() as u64, "bytes of rows");
        let mut lines = LineCounter::new(&text.text, text.first_line);
        let mut ids = Vec::new();
        let (mut reader, mut record, mut read) = (text.rows(), StringRecord::new(), 0);
        // The header.
        reader.read_record(&mut record).map_err(unreadable)?;
        while reader.read_record(&mut record).map_err(unreadable)? {
            let from = record.position().map_or(0, csv::Position::byte) as usize;
            progress.add((from - read) as u64);
            read = from;
            let cells = layout.own_cells(&record);
            if cells.clone().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let address = match &odd {
                None => layout.address(&record),
                Some(odd) => layout.address_in(&record, odd_of(odd, lines.line_at(from))),
            };
            match address {
                Ok(Found { key: address, how }) => {
                    if let Some(how) = how {
                        *hows.entry(how).or_default() += 1;
                    }
                    let id = layout.id(&record);
                    if !id.is_empty() {
                        ids.push((address, hash(&same_id(id))));
                    }
                    layout.write_typed(&record, &mut typed);
                    rows.push(address, layout.beside(&record), &typed);
                }
                Err(refusal) => {
                    let refusal = refusal.or_end()?;
                    let found = layout.certain_number(&record, &refusal)?;
                    let (code, field, mut message) = refusal.parts();
                    let number = match found {
                        Certain::Number(number) => Some(number),
                        Certain::NotInRegister if args.number_only => {
                            message +=
                                "; its house number does not count alone, since the register has no address at it";
                            None
                        }
                        Certain::NotInRegister | Certain::None => None,
                    };
                    if let Some(number) = number.filter(|_| args.number_only) {
                        layout.write_typed(&record, &mut typed);
                        rows.push(number, layout.beside(&record), &typed);
                        alone += 1;
                        if numbers.len() < TOLD_NUMBERS {
                            let line = lines.line_at(from);
                            numbers.push(NumberRow { line, number, code, field, message });
                        }
                        continue;
                    }
                    certain += usize::from(number.is_some());
                    let cells = cells.map(str::to_owned).collect();
                    refused.push(RefusedRow { line: lines.line_at(from), code, field, message, cells });
                }
            }
        }
        if sorted {
            rows.sort();
        }
        let (accepted, refusals) = (rows.len(), refused.len());
        let (addresses, other_spellings) = rows.distinct();
        let (all, repeated) = (accepted + refusals, accepted - addresses);
        let number_only = args.number_only.then_some(alone);
        let counts =
            Counts { rows: all, addresses, other_spellings, repeated, refused: refusals, number_only, how: hows };
        Ok(Sheet { rows, refused, numbers, certain, doubtful: doubtful(ids), counts, layout, text: form })
    }

    /// Says what the rows come to under a policy that counts house numbers, or does not: an error where they are to
    /// count for those, and it does not.
    pub(crate) fn count_numbers(&self, counts: bool) -> Result<(), Failure> {
        if self.counts.number_only.is_some() && !counts {
            return Err(Failure::new("level", "the policy does not count house numbers: leave --number-only out"));
        }
        if self.certain > 0 && counts {
            let one = "refused row has a house number that is certain: with --number-only it counts";
            let more = "refused rows have a house number that is certain: with --number-only they count";
            note(&format!("{} for that alone", counted(self.certain, one, more)));
        }
        Ok(())
    }

    /// What was read: which column as what, and how many of each.
    pub(crate) fn json(&self) -> Value {
        self.counts.json(&self.layout)
    }

    /// The refused rows as they were, in the form that they came in, each with the columns that say why before it.
    fn refused_text(&self) -> Result<Vec<u8>, Failure> {
        let header = REFUSAL_COLUMNS.iter().map(|name| (*name).to_owned());
        let header = header.chain(self.layout.own_names().map(str::to_owned)).collect();
        let row = |row: &RefusedRow| {
            let why = [row.line.to_string(), row.code.to_owned(), row.field.to_owned(), row.message.clone()];
            // One that is too short stays so, and is refused again until it is mended.
            why.into_iter().chain(row.cells.iter().cloned()).collect()
        };
        self.written_alike([header].into_iter().chain(self.refused.iter().map(row)))
    }

    /// Rows in the form that those of this spreadsheet came in.
    pub(crate) fn written_alike(&self, rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, Failure> {
        let TextForm { charset, delimiter, crlf, .. } = &self.text;
        let terminator = if *crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter.write_byte())
            .terminator(terminator)
            .flexible(true)
            .from_writer(Vec::new());
        let wrong = |error: csv::Error| Failure::new("csv", format!("the rows cannot be written: {error}"));
        for row in rows {
            writer.write_record(row).map_err(wrong)?;
        }
        let text = writer.into_inner().map_err(|error| wrong(error.into_error().into()))?;
        Ok(charset.encode(text))
    }
}

impl TextForm {
    /// Of a workbook it is known what was read.
    fn of(text: &Text<'_>, workbook: Option<String>) -> TextForm {
        let (charset, delimiter) = (text.charset, text.delimiter);
        if let Some(said) = workbook {
            return TextForm { charset, delimiter: Delimiter::Semicolon, crlf: true, said };
        }
        let said = format!("{}, {}", charset.name(), delimiter.name());
        TextForm { charset, delimiter, crlf: text.text.contains("\r\n"), said }
    }
}

/// How many addresses stand for several ids.
fn doubtful(mut ids: Vec<(AddressKey, u64)>) -> usize {
    ids.sort_unstable();
    ids.dedup();
    ids.chunk_by(|(one, _), (next, _)| one == next).filter(|rows| rows.len() > 1).count()
}

/// An id as it is equal in all its forms: without the zeros that a spreadsheet drops from its beginning.
fn same_id(id: &str) -> String {
    id_digits(id).trim_start_matches('0').to_owned()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The columns that are odd in the row on a line, which counts from 1.
fn odd_of(odd: &[((u32, u32), Odd)], line: u64) -> impl Iterator<Item = (usize, Odd)> {
    let start = odd.partition_point(|((row, _), _)| u64::from(*row) + 1 < line);
    let of_row = odd[start..].iter().take_while(move |((row, _), _)| u64::from(*row) + 1 == line);
    of_row.map(|((_, column), odd)| (*column as usize, *odd))
}

/// How a register found an address, in words.
fn said(how: How) -> &'static str {
    match how {
        How::Registered => "as given",
        How::ById => "by id",
        How::Completed => "completed",
        How::Street => "by the street's name",
        How::OtherSpelling => "in another spelling",
        How::Unregistered => "that it does not have",
        How::Withdrawn => "that were withdrawn",
    }
}

/// Reads the header, or says on which line it is where it is not on the first.
fn read_header(text: &Text<'_>, args: &RowArgs, own: HashSet<AddressKey>) -> Result<Layout, Failure> {
    let mut header = StringRecord::new();
    if !text.rows().read_record(&mut header).map_err(unreadable)? {
        return Err(Failure::new("header", "there is nothing in it: the first line must name the columns"));
    }
    let reads_ids = header::reads_ids(&args.columns, &own);
    Layout::read(&header, &args.columns, own).map_err(|failure| {
        let is_header = |record: &StringRecord| Layout::names_address(record, &args.columns, reads_ids);
        if args.header_row.is_some() || is_header(&header) {
            return failure;
        }
        match text.header_below(is_header) {
            Some(line) => {
                let message =
                    format!("the first line names no address, and line {line} does: give --header-row {line}");
                Failure::new("header", message)
            }
            None => failure,
        }
    })
}

fn unreadable(error: csv::Error) -> Failure {
    Failure::new("csv", format!("the spreadsheet cannot be read: {error}"))
}

#[cfg(test)]
mod books;
#[cfg(test)]
mod tests;

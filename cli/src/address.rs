//! `stapel address` and `stapel pseudonym`: addresses on standard input to JSON Lines.

use std::collections::HashSet;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use csv::StringRecord;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::Serialize;
use stapel::register::{How, Lookup, Register, has_other_spellings};
use stapel::secret::{Scope, Secret, SecretFile};
use stapel::{AddressKey, Level, Pseudonym, PseudonymKey, Slug};
use zeroize::Zeroizing;

use crate::failure::{self, Failure, note};
use crate::files;
use crate::output::Output;
use crate::progress::Progress;
use crate::rows::{ColumnArgs, Counts, Found, Layout, Refusal, resolve};

/// The most bytes of a line that are kept: one of over 1,000 is refused anyway, and this much of it is shown.
const LINE_KEPT: usize = 1 << 20;

/// The progress bar is told of lines in batches of this size.
const PACE: u64 = 1 << 12;

/// Write addresses on standard input in canonical form
///
/// Reads one address a line and writes one line of JSON for each, in order:
/// {"line":1,"input":"...","unit":"1012JS|1|A","number":"1012JS|1"}, or
/// {"line":1,"input":"...","error":{"code":"...","field":"...","message":"..."}}. Where the house number is certain and
/// only the home in it is not, the error has the number's key too, as "number".
/// The exit status is 0 when every line was handled, refused ones included; with --strict it is 3 where one was
/// refused.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  echo 'Dam 1-A, 1012 JS Amsterdam' | stapel address\n  stapel address --fields < \
                  register.tsv")]
pub(crate) struct AddressArgs {
    #[command(flatten)]
    fields: FieldArgs,
}

/// Whether lines are rows of a table.
#[derive(clap::Args)]
struct FieldArgs {
    /// Read TSV without quotes, whose line 1 names the columns, as in `stapel partner flag`; the last line printed is
    /// of the whole: {"summary":{"columns":[...],"rows":2,"addresses":1,"other_spellings":0,...}}
    #[arg(long)]
    fields: bool,
    #[command(flatten)]
    columns: ColumnArgs,
}

/// Write addresses on standard input in canonical form, with their pseudonyms
///
/// As `stapel address`, with "unit_pseudonym" and "number_pseudonym" in hex. Pseudonyms are personal data: whoever
/// holds the secret can find the address of each.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel pseudonym --secret epoch-1.secret < addresses.txt")]
pub(crate) struct PseudonymArgs {
    #[command(flatten)]
    fields: FieldArgs,

    /// The epoch's secret file
    #[arg(long, value_name = "FILE", required_unless_present = "secret_hex", conflicts_with = "secret_hex")]
    secret: Option<PathBuf>,

    /// For tests only, since others on this machine can see it: the secret as 64 hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "purpose", requires = "epoch")]
    secret_hex: Option<String>,

    /// For tests: the purpose, beside --secret-hex
    #[arg(long, value_name = "SLUG", requires = "secret_hex")]
    purpose: Option<Slug>,

    /// For tests: the epoch, beside --secret-hex
    #[arg(long, value_name = "N", requires = "secret_hex")]
    epoch: Option<u32>,
}

pub(crate) fn address(args: &AddressArgs, out: &mut Output) -> Result<(), Failure> {
    convert(io::stdin().lock(), &args.fields, None, out)
}

pub(crate) fn pseudonym(args: &PseudonymArgs, out: &mut Output) -> Result<(), Failure> {
    let key = match (&args.secret, &args.secret_hex, &args.purpose, args.epoch) {
        (Some(path), ..) => {
            let file = SecretFile::read(path)?;
            PseudonymKey::new(&file.secret, &file.scope)
        }
        (None, Some(hex), Some(purpose), Some(epoch)) => {
            PseudonymKey::new(&secret_of(hex)?, &Scope { purpose: purpose.clone(), epoch })
        }
        _ => return Err(Failure::Usage("give --secret, or for tests --secret-hex, --purpose and --epoch".into())),
    };
    convert(io::stdin().lock(), &args.fields, Some(&key), out)
}

/// A line that is an address.
#[derive(Serialize)]
struct Accepted<'a> {
    line: u64,
    input: &'a str,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a str>,
    /// How a register found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_pseudonym: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_pseudonym: Option<&'a str>,
}

/// A line that is not.
#[derive(Serialize)]
struct Refused<'a> {
    line: u64,
    input: &'a str,
    error: Reason<'a>,
}

/// Why a line is not an address.
#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    field: &'a str,
    message: &'a str,
    /// The key of the house number, if it is certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a str>,
}

/// The header of a table, and what its rows came to.
struct Table {
    layout: Layout,
    row: StringRecord,
    seen: HashSet<AddressKey>,
    counts: Counts,
}

fn convert(
    mut input: impl BufRead,
    args: &FieldArgs,
    key: Option<&PseudonymKey>,
    out: &mut Output,
) -> Result<(), Failure> {
    if !args.fields && args.columns.are_given() {
        return Err(Failure::Usage("--map, --ignore and --ref are of columns: give --fields too".into()));
    }
    // A table opens its own.
    let register = args.columns.register.as_deref().filter(|_| !args.fields).map(Register::open).transpose()?;
    let watched = !io::stdout().is_terminal() && !io::stdin().is_terminal();
    let progress = if watched { Progress::counting("lines") } else { Progress::none() };
    let mut line = 0;
    let mut bytes = Vec::new();
    let mut table: Option<Table> = None;
    while read_line(&mut input, &mut bytes).map_err(files::stdin_error)? {
        line += 1;
        if line % PACE == 0 {
            progress.add(PACE);
        }
        let row = match (line, bytes.strip_prefix(b"\xef\xbb\xbf")) {
            (1, Some(rest)) => rest,
            _ => &bytes,
        };
        if args.fields && table.is_none() {
            table = Some(Table::read(&String::from_utf8_lossy(row), &args.columns)?);
            continue;
        }
        let address = match &mut table {
            None => match (&register, std::str::from_utf8(row)) {
                (Some(register), Ok(text)) => resolve(register, Lookup::Text(text)),
                _ => AddressKey::parse_bytes(row).map(Found::from).map_err(Refusal::Address),
            },
            Some(table) => table.address(row),
        };
        let shown = String::from_utf8_lossy(row);
        match address {
            Ok(found) => accept(line, &shown, &found, key, out)?,
            Err(refusal) => refuse(line, &shown, refusal.or_end()?, out)?,
        }
    }
    match &table {
        Some(table) => table.sum_up(out),
        None => Ok(()),
    }
}

fn accept(line: u64, input: &str, found: &Found, key: Option<&PseudonymKey>, out: &mut Output) -> Result<(), Failure> {
    let (unit, how) = (&found.key, found.how.map(How::as_str));
    // An address without a postcode is in no house number.
    let number_key = Some(unit.number_key()).filter(|key| key.level() == Level::Number);
    let mut hex = [[0; 32]; 2];
    let [unit_hex, number_hex] = &mut hex;
    let unit_pseudonym = key.map(|key| to_hex(key.pseudonym(unit), unit_hex));
    let number_pseudonym = key.zip(number_key).map(|(key, number)| to_hex(key.pseudonym(&number), number_hex));
    let (unit, number) = (unit.as_str(), number_key.as_ref().map(AddressKey::as_str));
    out.json(&Accepted { line, input, unit, number, how, unit_pseudonym, number_pseudonym })
}

fn refuse(line: u64, input: &str, refusal: Refusal, out: &mut Output) -> Result<(), Failure> {
    let certain = refusal.number_key();
    let number = certain.as_ref().map(AddressKey::as_str);
    let (code, field, message) = refusal.parts();
    failure::some_warned();
    out.json(&Refused { line, input, error: Reason { code, field, message: &message, number } })
}

fn to_hex(pseudonym: Pseudonym, hex: &mut [u8; 32]) -> &str {
    HEXLOWER.encode_mut(pseudonym.expose_bytes(), hex);
    std::str::from_utf8(hex).unwrap_or_default()
}

/// Reads a line into `bytes`, its end (LF or CR LF) taken off; false at the end of the input.
fn read_line(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<bool> {
    bytes.clear();
    if io::Read::take(&mut *input, LINE_KEPT as u64).read_until(b'\n', bytes)? == 0 {
        return Ok(false);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    } else if bytes.len() == LINE_KEPT {
        input.skip_until(b'\n')?;
    }
    Ok(true)
}

fn secret_of(hex: &str) -> Result<Secret, Failure> {
    let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map(Zeroizing::new).unwrap_or_default();
    let bytes: Option<[u8; 32]> = bytes.as_slice().try_into().ok();
    let bytes = bytes.ok_or_else(|| Failure::Usage("--secret-hex takes 64 hexadecimal digits".into()))?;
    Ok(Secret::from_bytes(bytes))
}

impl Table {
    fn read(header: &str, args: &ColumnArgs) -> Result<Table, Failure> {
        let layout = Layout::read(&header.split('\t').collect::<StringRecord>(), args, HashSet::new())?;
        note(&layout.told());
        Ok(Table { layout, row: StringRecord::new(), seen: HashSet::new(), counts: Counts::default() })
    }

    fn address(&mut self, row: &[u8]) -> Result<Found, Refusal> {
        self.counts.rows += 1;
        // What is not text is refused as a line is, with the place in it.
        let address = match std::str::from_utf8(row) {
            Err(_) => AddressKey::parse_bytes(row).map(Found::from).map_err(Refusal::Address),
            Ok(text) => {
                self.row.clear();
                self.row.extend(text.split('\t'));
                self.layout.address(&self.row)
            }
        };
        if let Ok(Found { how: Some(how), .. }) = address {
            *self.counts.how.entry(how).or_default() += 1;
        }
        match &address {
            Err(_) => self.counts.refused += 1,
            Ok(found) if self.seen.insert(found.key) => {
                self.counts.addresses += 1;
                self.counts.other_spellings += usize::from(has_other_spellings(&found.key));
            }
            Ok(_) => self.counts.repeated += 1,
        }
        address
    }

    fn sum_up(&self, out: &mut Output) -> Result<(), Failure> {
        note(&self.counts.told(""));
        out.json(&serde_json::json!({ "summary": self.counts.json(&self.layout) }))
    }
}

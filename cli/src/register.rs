//! `stapel register`: a local register of addresses, from an extract of the BAG.
//!
//! - `extract`: the columns of an extract;
//! - `check`: a partner's own flags against a register.

mod check;
mod extract;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stapel::Day;
use stapel::register::{Lookup, Register, RegisterBuilder, RegisterEntry, RegisterError};

use crate::failure::{self, Failure, note};
use crate::files;
use crate::output::{Output, Shown, counted, plain};
use crate::progress::Progress;
use extract::Extract;

/// Build a local register of addresses (BAG), and look at it
///
/// With a register, BAG ids and addresses without a postcode become address keys, and what it does not know is said.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel register build bagadres.csv --date 2026-11-01 --out bag.stapel\n  \
                        stapel register show --register bag.stapel 'Dam 1, Amsterdam'")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Build(BuildArgs),
    Show(ShowArgs),
    Check(check::CheckArgs),
}

/// Build a register from an extract of the BAG
///
/// CSV or TSV with a header, one address a row, as NLExtract's bagadres has them. Read are street, house number, letter
/// and addition, postcode and town, the ids of nummeraanduiding, object and building (pand), nevenadres, status, and
/// latitude and longitude in degrees, and the day on which a row ended (eindgeldigheid, einddatum), with which it is
/// withdrawn; other columns are passed over, and said. A row that is no address is left out, and said, as are rows of
/// different addresses with one id. How many keys are those of several addresses is said, too.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel register build bagadres.csv --date 2026-11-01 --out bag.stapel")]
struct BuildArgs {
    /// The files of the extract
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The day of the extract
    #[arg(long, value_name = "DATE")]
    date: Day,
    /// The register to write; what is there is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A register.
#[derive(clap::Args)]
pub(crate) struct RegisterArgs {
    /// The register, as stapel register build wrote it
    #[arg(long, value_name = "FILE")]
    register: PathBuf,
}

/// Show what a register has on an address
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel register show --register bag.stapel 'Dam 1, Amsterdam'\n  \
                        stapel register show --register bag.stapel 0363200003761447")]
struct ShowArgs {
    #[command(flatten)]
    register: RegisterArgs,
    /// The address as people write it, in canonical form, or a BAG id
    address: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn only_shows(&self) -> bool {
        matches!(self.command, Command::Show(_) | Command::Check(_))
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Build(args) => build(args, out),
        Command::Show(args) => show(args, out),
        Command::Check(args) => check::check(args, out),
    }
}

impl RegisterArgs {
    pub(crate) fn open(&self) -> Result<Register, Failure> {
        Ok(Register::open(&self.register)?)
    }
}

/// The most rows that are left out and named, one a line.
const TOLD: usize = 10;

/// What a build came to.
#[derive(Serialize)]
struct Built<'a> {
    register: &'a Path,
    source_date: String,
    addresses: usize,
    withdrawn: usize,
    left_out: usize,
    shared_keys: usize,
}

/// One key in so many may be that of several addresses before it is warned of.
const USUAL: usize = 1_000;

/// Refuses to write where there is something else than a file, or one of the extracts.
fn refuse_out(args: &BuildArgs) -> Result<(), Failure> {
    let out = std::fs::canonicalize(&args.out).ok();
    if out.as_ref().is_some_and(|out| out.is_dir()) {
        let source = std::io::ErrorKind::IsADirectory.into();
        return Err(files::error("write", &args.out, source));
    }
    let is_out = |file: &&PathBuf| out.is_some() && std::fs::canonicalize(file).ok() == out;
    if let Some(extract) = args.files.iter().find(is_out) {
        let finding = format!("--out names {}, which is read: give another, so that it is not lost", extract.shown());
        return Err(Failure::new("out_file", finding));
    }
    files::refuse_special(&args.out)?;
    // What builds that were killed left is as large as a register.
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::read_dir(folder).map_err(|source| files::error("read", folder, source))?;
    files::remove_leftovers(folder);
    Ok(())
}

fn build(args: &BuildArgs, out: &mut Output) -> Result<(), Failure> {
    refuse_out(args)?;
    let mut builder = RegisterBuilder::new();
    let (mut left_out, mut ended) = (0, 0);
    let tell = |left_out: &mut usize, place: &str, what: &str| {
        *left_out += 1;
        if *left_out <= TOLD {
            note(&format!("{place}: left out: {}", plain(what)));
        }
    };
    // The line of each row, and at which row each file begins.
    let (mut lines, mut begins): (Vec<u32>, Vec<usize>) = (Vec::new(), Vec::new());
    for path in &args.files {
        let mut extract = Extract::open(path)?;
        note(&format!("{}: {}", path.shown(), extract.columns()));
        for name in extract.doubtful() {
            failure::some_warned();
            note(&format!("{}: the column '{name}' could be of an address, and is passed over", path.shown()));
        }
        begins.push(lines.len());
        let progress = Progress::counting("addresses");
        extract.rows(args.date, |line, row, has_ended| {
            progress.add(1);
            let added = match has_ended {
                Ok(_) => builder.add(row),
                Err(finding) => Err(RegisterError::Row { finding: finding.to_owned() }),
            };
            match added {
                Ok(()) => {
                    ended += usize::from(has_ended == Ok(true));
                    lines.push(u32::try_from(line).unwrap_or(u32::MAX));
                }
                Err(error) => {
                    let error = stapel::Error::from(error);
                    let what = format!("{error} [{}]", error.code());
                    tell(&mut left_out, &format!("{} line {line}", path.shown()), &what);
                }
            }
        })?;
    }
    let place = |row: usize| {
        let file = begins.partition_point(|begin| *begin <= row).saturating_sub(1);
        format!("{} line {}", args.files[file].shown(), lines[row])
    };
    for rows in builder.take_out_doubles() {
        let first = place(rows[0]);
        for row in &rows {
            // Of the others, one is enough to look it up by.
            let other = if *row == rows[0] { place(rows[rows.len() - 1]) } else { first.clone() };
            let what = format!(
                "its nummeraanduiding is also that of another address, {other}: see of which of them it is \
                 [register_row]"
            );
            tell(&mut left_out, &place(*row), &what);
        }
    }
    if ended > 0 {
        let are = if ended == 1 { "is" } else { "are" };
        let rows = counted(ended, "row had ended", "rows had ended");
        note(&format!("{rows} by {}, and {are} withdrawn in the register", args.date));
    }
    if left_out > TOLD {
        note(&format!("and {} more like these", left_out - TOLD));
    }
    if builder.is_empty() {
        return Err(Failure::new("register_row", "no row is an address: no register was written"));
    }
    if left_out > 0 && failure::is_strict() {
        let rows = counted(left_out, "row was", "rows were");
        let finding = format!("{rows} left out, and so, with --strict, no register was written");
        return Err(Failure::new("rows_refused", finding));
    }
    if left_out > 0 {
        failure::some_refused();
    }
    builder.finish(&args.out, args.date)?;
    let register = Register::open(&args.out)?;
    let built = Built {
        register: &args.out,
        source_date: args.date.to_string(),
        addresses: register.len(),
        withdrawn: register.withdrawn(),
        left_out,
        shared_keys: register.shared_keys()?,
    };
    if built.shared_keys * USUAL > built.addresses - built.withdrawn {
        failure::some_warned();
        let keys = counted(built.shared_keys, "key is that", "keys are each that");
        note(&format!(
            "{keys} of several standing addresses, more than one in {USUAL}: see that the extract has all house \
             letters and additions"
        ));
    }
    if args.json {
        return out.json(&built);
    }
    let addresses = counted(built.addresses, "address", "addresses");
    writeln!(
        out,
        "{}: {addresses} of {}, {} of them withdrawn; {} of several addresses; {} left out",
        args.out.shown(),
        args.date,
        built.withdrawn,
        counted(built.shared_keys, "key", "keys"),
        counted(left_out, "row", "rows")
    )?;
    Ok(())
}

/// An address as JSON has it.
#[derive(Serialize)]
struct ShownAddress<'a> {
    key: &'a str,
    how: &'a str,
    entries: Vec<EntryRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<String>,
}

/// One entry of the register.
#[derive(Serialize)]
struct EntryRow<'a> {
    street: &'a str,
    number: u32,
    letter: &'a str,
    addition: &'a str,
    postcode: &'a str,
    town: &'a str,
    nummeraanduiding: &'a str,
    object: &'a str,
    building: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude: Option<f64>,
    secondary: bool,
    withdrawn: bool,
}

impl<'a> EntryRow<'a> {
    fn of(entry: &'a RegisterEntry) -> EntryRow<'a> {
        EntryRow {
            street: &entry.street,
            number: entry.number,
            letter: &entry.letter,
            addition: &entry.addition,
            postcode: &entry.postcode,
            town: &entry.town,
            nummeraanduiding: &entry.id,
            object: &entry.object,
            building: &entry.building,
            latitude: entry.at.map(|at| at.0),
            longitude: entry.at.map(|at| at.1),
            secondary: entry.is_secondary,
            withdrawn: entry.is_withdrawn,
        }
    }
}

fn show(args: &ShowArgs, out: &mut Output) -> Result<(), Failure> {
    let register = args.register.open()?;
    let found = register.resolve(Lookup::Text(&args.address))?;
    let findings = register.look_up(&found.key)?;
    if args.json {
        return out.json(&ShownAddress {
            key: found.key.as_str(),
            how: found.how.as_str(),
            entries: findings.entries.iter().map(EntryRow::of).collect(),
            now: findings.now.map(|now| now.to_string()),
        });
    }
    writeln!(out, "{}: {}", found.key, found.how.as_str())?;
    for entry in &findings.entries {
        writeln!(out, "  {}", line(entry))?;
    }
    if let Some(now) = findings.now {
        writeln!(out, "  its object has the address {now} now")?;
    }
    Ok(())
}

/// An entry in one line.
fn line(entry: &RegisterEntry) -> String {
    let between = if entry.letter.is_empty() && !entry.addition.is_empty() { "-" } else { "" };
    let mut line = format!("{} {}{}{between}{}", plain(&entry.street), entry.number, entry.letter, entry.addition);
    if !entry.postcode.is_empty() {
        line.push_str(&format!(", {}", entry.postcode));
    }
    line.push_str(&format!(" {}; nummeraanduiding {}", plain(&entry.town), entry.id));
    for (what, id) in [("object", &entry.object), ("pand", &entry.building)] {
        if !id.is_empty() {
            line.push_str(&format!(", {what} {id}"));
        }
    }
    if let Some((latitude, longitude)) = entry.at {
        line.push_str(&format!(", at {latitude:.6} {longitude:.6}"));
    }
    if entry.is_secondary {
        line.push_str(", a second address of its object");
    }
    if entry.is_withdrawn {
        line.push_str(", withdrawn");
    }
    line
}

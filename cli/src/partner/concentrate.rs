//! `partner concentrate`: streets where a branch is far more common than in its town, for a person to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::json;
use stapel::register::{Register, RegisterEntry};

use crate::failure::{Failure, note, warn};
use crate::files;
use crate::output::{Output, Shown, counted, plain};
use crate::rows::{RowArgs, Sheet};

/// Find streets where a branch is far more common than in its town
///
/// Of a table of establishments, one a row, with address and branch: ten barbers in one small street. A branch is found
/// in a street where it has at least --at-least addresses, and where its share of the addresses with an establishment
/// is at least --times its share in the town. Streets and towns are the register's. The addresses of what was found are
/// written to --out, with the numbers: a person reads them, takes out what is of no concern, and may flag the rest with
/// stapel partner flag. Nothing is flagged or sent here. It is about places: of a row nothing is used but address and
/// branch.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner concentrate --register bag.stapel --branch sbi --at-least 5 \
                        --times 10 \\\n      --out streets.csv establishments.csv")]
pub(super) struct ConcentrateArgs {
    #[command(flatten)]
    rows: RowArgs,
    /// The column of the branch; its cells are compared without regard to case, and to spaces before and after
    #[arg(long, value_name = "COLUMN")]
    branch: String,
    #[command(flatten)]
    rule: Rule,
    /// The file to write to: text (CSV), with the separators and the encoding of the table
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON Lines, one for each street and branch
    #[arg(long)]
    json: bool,
}

/// When a branch is concentrated in a street.
#[derive(Clone, Copy, clap::Args)]
struct Rule {
    /// The fewest addresses of the branch in one street
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    at_least: u32,
    /// How many times its share in the town its share in the street is at least, as 10 or 2.5
    #[arg(long, value_name = "X")]
    times: Times,
}

/// A number of times, in tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Times(u64);

/// A street of a town.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Street {
    town: String,
    name: String,
}

/// An address with an establishment.
struct Place<'a> {
    street: Street,
    branch: &'a str,
    entry: &'a RegisterEntry,
}

/// Entries by house number and key.
type Entries<'a> = BTreeMap<(u32, &'a str), &'a RegisterEntry>;

/// A branch that is concentrated in a street. All numbers are of addresses, each counted once.
struct Concentration {
    street: Street,
    branch: String,
    /// Those of the branch in the street.
    here: u64,
    /// Those of any branch in the street.
    all_here: u64,
    /// Those of the branch in the town.
    in_town: u64,
    /// Those of any branch in the town.
    all_in_town: u64,
    /// Ascending by house number, each once.
    entries: Vec<RegisterEntry>,
}

/// The columns of what is written. Each address is in those that `partner flag` reads; it passes over the others.
const COLUMNS: [&str; 14] = [
    "straat",
    "woonplaats",
    "postcode",
    "huisnummer",
    "huisletter",
    "toevoeging",
    "nummeraanduiding_id",
    "branche",
    "branche_hier",
    "alle_hier",
    "branche_totaal",
    "alle_totaal",
    "keer",
    "toelichting",
];

pub(super) fn concentrate(args: ConcentrateArgs, out: &mut Output) -> Result<(), Failure> {
    let Some(register) = args.rows.register().map(Register::open).transpose()? else {
        let finding = "it is the register that says which street an address is in: give it with --register FILE; \
                       stapel register build makes one";
        return Err(Failure::new("register_required", finding));
    };
    if args.rows.number_only {
        return Err(Failure::new("level", "establishments are counted by address: leave --number-only out"));
    }
    let is_dry = args.rows.dry_run;
    refuse_workbook(&args.out)?;
    let read = [args.rows.file.as_deref(), args.rows.register()];
    if read.into_iter().flatten().any(|read| is_same_file(read, &args.out)) {
        let finding = "--out names a file that is read: give another, so that nothing of it is lost";
        return Err(Failure::new("out_file", finding));
    }
    let sheet = args.rows.read_with_branch(args.branch)?;
    let known = known(&sheet, &register)?;
    let found = args.rule.concentrations(places(&known));
    if !is_dry {
        files::replace_at(&args.out, &args.rule.table(&found, &sheet)?)?;
    }
    for one in &found {
        match args.json {
            true => out.json(&one.json())?,
            false => writeln!(out, "{}", one.sentence())?,
        }
    }
    let addresses: usize = found.iter().map(|one| one.entries.len()).sum();
    let addresses = counted(addresses, "address", "addresses");
    let out = args.out.shown();
    let found = counted(found.len(), "branch in a street is", "branches in streets are");
    note(&match (addresses.as_str(), is_dry) {
        ("0 addresses", _) => format!("in no street there is a branch with {}", args.rule),
        (some, true) => format!("{found} found with {}: {some} would be written to {out}", args.rule),
        (some, false) => {
            format!("{found} found with {}: {some} are in {out}; read them before any is flagged", args.rule)
        }
    });
    Ok(())
}

/// Refuses a name that says that a workbook is in the file, where text is written.
fn refuse_workbook(out: &Path) -> Result<(), Failure> {
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some(ending @ ("xlsx" | "xlsm" | "xls" | "ods")) => {
            let finding = format!("--out names a workbook (.{ending}), and text is written: name a file in .csv");
            Err(Failure::new("out_file", finding))
        }
        _ => Ok(()),
    }
}

/// A cell that no spreadsheet takes for a formula: where it begins as one, an apostrophe stands before it.
fn defused(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// The register's entry of each row that has a branch, beside that branch. Rows without one of the two are not counted,
/// and that is said.
fn known(sheet: &Sheet, register: &Register) -> Result<Vec<(RegisterEntry, String)>, Failure> {
    let (mut known, mut unregistered, mut without) = (Vec::new(), 0, 0);
    for (address, branch) in sheet.rows.with_texts() {
        if branch.is_empty() {
            without += 1;
            continue;
        }
        let mut entries = register.look_up(address)?.entries;
        entries.sort_by_key(|entry| entry.is_withdrawn);
        match entries.into_iter().next() {
            Some(entry) => known.push((entry, plain(branch))),
            None => unregistered += 1,
        }
    }
    if unregistered > 0 {
        let rows = counted(unregistered, "row is", "rows are");
        warn(&format!("{rows} not counted: the register does not have the address, and so not its street"));
    }
    if without > 0 {
        warn(&format!("{} not counted: no branch stands there", counted(without, "row is", "rows are")));
    }
    Ok(known)
}

fn places(known: &[(RegisterEntry, String)]) -> impl Iterator<Item = Place<'_>> {
    known.iter().map(|(entry, branch)| {
        let street = Street { town: entry.town.clone(), name: entry.street.clone() };
        Place { street, branch, entry }
    })
}

impl Rule {
    /// Where branches are concentrated, ascending by town, street and branch.
    fn concentrations<'a>(self, places: impl Iterator<Item = Place<'a>>) -> Vec<Concentration> {
        let mut shown: BTreeMap<String, String> = BTreeMap::new();
        let mut by_branch: BTreeMap<(Street, String), Entries<'a>> = BTreeMap::new();
        let mut by_street: BTreeMap<Street, BTreeSet<&str>> = BTreeMap::new();
        let mut by_town: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut by_branch_of_town: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
        for Place { street, branch, entry } in places {
            let key = entry.key.as_str();
            let same = branch.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            shown.entry(same.clone()).or_insert_with(|| branch.to_owned());
            by_town.entry(street.town.clone()).or_default().insert(key);
            by_branch_of_town.entry((street.town.clone(), same.clone())).or_default().insert(key);
            by_street.entry(street.clone()).or_default().insert(key);
            by_branch.entry((street, same)).or_default().insert((entry.number, key), entry);
        }
        let count = |set: Option<&BTreeSet<&str>>| set.map_or(0, BTreeSet::len) as u64;
        let concentration = |((street, same), entries): ((Street, String), Entries<'a>)| Concentration {
            here: entries.len() as u64,
            all_here: count(by_street.get(&street)),
            in_town: count(by_branch_of_town.get(&(street.town.clone(), same.clone()))),
            all_in_town: count(by_town.get(&street.town)),
            entries: entries.into_values().cloned().collect(),
            branch: shown.get(&same).cloned().unwrap_or(same),
            street,
        };
        by_branch.into_iter().map(concentration).filter(|one| self.holds(one)).collect()
    }

    fn holds(self, one: &Concentration) -> bool {
        one.here >= u64::from(self.at_least) && one.times() >= self.times
    }

    /// What is written: a row for each address of each concentration.
    fn table(self, found: &[Concentration], sheet: &Sheet) -> Result<Vec<u8>, Failure> {
        let header = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
        let rows = found.iter().flat_map(|one| one.entries.iter().map(move |entry| one.row(entry, self)));
        let rows = rows.map(|row| row.into_iter().map(defused).collect());
        sheet.written_alike([header].into_iter().chain(rows))
    }

    /// In Dutch, for whoever reads the table.
    fn in_dutch(self) -> String {
        format!(
            "regel: ten minste {}, en ten minste {} keer het aandeel",
            self.at_least,
            self.times.to_string().replace('.', ",")
        )
    }
}

impl Concentration {
    /// How many times its share in the town its share in the street is, in whole tenths, rounded down.
    fn times(&self) -> Times {
        let part = u128::from(self.here) * u128::from(self.all_in_town) * 10;
        let whole = u128::from(self.all_here) * u128::from(self.in_town);
        Times(u64::try_from(part.checked_div(whole).unwrap_or(0)).unwrap_or(u64::MAX))
    }

    fn row(&self, entry: &RegisterEntry, rule: Rule) -> Vec<String> {
        let Concentration { street, branch, here, all_here, in_town, all_in_town, .. } = self;
        let times = self.times().to_string().replace('.', ",");
        let why = format!(
            "{here} van de {all_here} adressen met een vestiging in {} zijn {branch}, en {in_town} van de \
             {all_in_town} in {}: {times} keer het aandeel; {}",
            street.name,
            street.town,
            rule.in_dutch()
        );
        let number = entry.number.to_string();
        let address = [&street.name, &street.town, &entry.postcode, &number, &entry.letter, &entry.addition, &entry.id];
        let numbers = [here, all_here, in_town, all_in_town].map(u64::to_string);
        let cells = address.into_iter().chain([branch]).cloned();
        cells.chain(numbers).chain([times, why]).collect()
    }

    fn sentence(&self) -> String {
        let Concentration { street, branch, here, all_here, in_town, all_in_town, .. } = self;
        format!(
            "{}, {}: {here} of {all_here} addresses with an establishment are '{branch}', and {in_town} of \
             {all_in_town} in the town: {} times the share",
            street.name,
            street.town,
            self.times()
        )
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "street": self.street.name, "town": self.street.town, "branch": self.branch, "here": self.here,
            "all_here": self.all_here, "in_town": self.in_town, "all_in_town": self.all_in_town,
            "times": self.times().to_string(),
        })
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "at least {} addresses in the street, and at least {} times the share in the town",
            self.at_least, self.times
        )
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, tenths) => write!(f, "{whole}.{tenths}"),
        }
    }
}

impl FromStr for Times {
    type Err = String;

    fn from_str(text: &str) -> Result<Times, String> {
        let wrong = || "write a number from 1 to 1000, with at most one decimal, as 10 or 2.5".to_owned();
        let (whole, tenths) = text.split_once(['.', ',']).unwrap_or((text, "0"));
        let is_number = |part: &str, most: usize| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 4) || !is_number(tenths, 1) {
            return Err(wrong());
        }
        let (whole, tenths): (u64, u64) = whole.parse().ok().zip(tenths.parse().ok()).ok_or_else(wrong)?;
        let times = whole * 10 + tenths;
        if (10..=10_000).contains(&times) { Ok(Times(times)) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stapel::AddressKey;

    fn entry(street: &str, number: u32, town: &str) -> RegisterEntry {
        RegisterEntry {
            key: AddressKey::from_canonical(&format!("1012JS|{number}|{}", &street[..1])).unwrap(),
            street: street.into(),
            town: town.into(),
            postcode: "1012JS".into(),
            number,
            letter: String::new(),
            addition: String::new(),
            id: String::new(),
            object: String::new(),
            building: String::new(),
            at: None,
            is_secondary: false,
            is_withdrawn: false,
        }
    }

    fn rule(at_least: u32, times: &str) -> Rule {
        Rule { at_least, times: times.parse().unwrap() }
    }

    /// Ten addresses of a street A, the first of them barbers, and thirty bakers in B.
    fn town(barbers: u32) -> Vec<(RegisterEntry, String)> {
        let branch = |number| if number <= barbers { "Kapper" } else { "bakker" };
        let here = (1..=10).map(|number| (entry("A-straat", number, "Weesp"), branch(number).to_owned()));
        here.chain((1..=30).map(|number| (entry("B-straat", number, "Weesp"), "bakker".to_owned()))).collect()
    }

    fn found(rule: Rule, known: &[(RegisterEntry, String)]) -> Vec<(String, String, [u64; 4], String)> {
        let one = |one: Concentration| {
            let numbers = [one.here, one.all_here, one.in_town, one.all_in_town];
            (one.street.name.clone(), one.branch.clone(), numbers, one.times().to_string())
        };
        rule.concentrations(places(known)).into_iter().map(one).collect()
    }

    #[test]
    fn a_branch_is_found_from_both_limits_on() {
        let barbers = ("A-straat".to_owned(), "Kapper".to_owned(), [5, 10, 5, 40], "4".to_owned());
        assert_eq!(found(rule(5, "4"), &town(5)), [barbers]);
        assert_eq!(found(rule(6, "4"), &town(5)), []);
        assert_eq!(found(rule(5, "4.1"), &town(5)), []);
        // 30 of 30 bakers in B, and 35 of 40 in the town: 1.142 times.
        let bakers = ("B-straat".to_owned(), "bakker".to_owned(), [30, 30, 35, 40], "1.1".to_owned());
        assert_eq!(found(rule(20, "1.1"), &town(5)), [bakers]);
        assert_eq!(found(rule(20, "1.2"), &town(5)), []);
    }

    /// An address counts once, however many rows it has; for each of its branches, and once among all.
    #[test]
    fn an_address_counts_once() {
        let mut known = town(5);
        known.extend(town(5));
        known.push((entry("A-straat", 1, "Weesp"), " KAPPER ".to_owned()));
        known.push((entry("A-straat", 10, "Weesp"), "kapper".to_owned()));
        let barbers = ("A-straat".to_owned(), "Kapper".to_owned(), [6, 10, 6, 40], "4".to_owned());
        assert_eq!(found(rule(5, "2"), &known), [barbers]);
    }

    #[test]
    fn a_street_of_the_same_name_in_another_town_is_another() {
        let mut known = town(3);
        known.extend((1..=10).map(|number| (entry("A-straat", 100 + number, "Muiden"), "kapper".to_owned())));
        let there = ("A-straat".to_owned(), "Kapper".to_owned(), [10, 10, 10, 10], "1".to_owned());
        assert_eq!(found(rule(4, "1"), &known)[0], there);
        assert_eq!(found(rule(4, "1.1"), &known), []);
    }

    #[test]
    fn times_are_numbers_with_one_decimal() {
        for (text, tenths) in [("1", 10), ("2.5", 25), ("2,5", 25), ("1000", 10_000)] {
            assert_eq!(text.parse(), Ok(Times(tenths)));
        }
        for text in ["", "0", "0.9", "1000.1", "1.25", "-1", "+1", "1e3", ".5", "2.", "99999"] {
            assert!(text.parse::<Times>().is_err(), "{text}");
        }
    }
}

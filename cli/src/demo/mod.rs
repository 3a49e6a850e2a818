//! `stapel demo`: the main job, end to end and for real, on a simulated clock, and checked.
//!
//! Four organisations with five systems flag overlapping shares of a town. Every message, answer and file is what it would be
//! in earnest; the clock, the town's flags and the people are made up.
//!
//! - `town`, `chance`: the town, made or read;
//! - `writing`: how each system writes addresses;
//! - `plan`: who flags what;
//! - `consortium`: keys, policy and folders;
//! - `play`: partners and broker at work;
//! - `truth`: the plain count, which checks them;
//! - `scan`: the search for what must not be with the broker;
//! - `story`, `show`: what happens, and how it is told.

mod chance;
mod consortium;
mod plan;
mod play;
mod scan;
mod show;
mod story;
mod town;
mod truth;
mod writing;

use std::error::Error;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};

use consortium::{SYSTEMS, organisations};
use play::{Play, Tally};
use show::Show;
use story::{Outcome, Story};
use town::Town;

/// Plays a consortium on a whole town, shows what each side sees, and checks every answer
///
/// Four organisations flag overlapping shares of a town, each from files in its own messy style; they deliver, ask, withdraw
/// and renew, months end, and releases take place, on a simulated clock. Every standing is compared with a plain count made without
/// cryptography, and all that the broker keeps and says is searched for addresses, the secret and raw pseudonyms. If anything differs
/// or is found, the exit code is 1.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  stapel demo
  stapel demo --addresses 20000 --seed 7
  stapel demo --register bag_weesp.tsv --json")]
pub(crate) struct Args {
    /// Take the town from a register: TSV whose first line names street, huisnummer, huisletter, toevoeging, postcode and
    /// woonplaats. Rows without a postcode are reported and left out
    #[arg(long, value_name = "FILE", conflicts_with = "addresses")]
    register: Option<PathBuf>,

    /// Make up a town of so many homes
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    addresses: u32,

    /// What the town and the flags are made up from: the same number makes the same again. Keys are new each time
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Print one JSON object in place of the text
    #[arg(long)]
    json: bool,

    /// Keep all files in DIR, keys and the secret included; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs it; an error also where an answer was wrong or something was found at the broker.
pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let since = Instant::now();
    let town = match &args.register {
        Some(path) => Town::read(path)?,
        None => Town::made(args.addresses as usize, args.seed)?,
    };
    if town.homes.len() < FEWEST_HOMES {
        let found = town.homes.len();
        return Err(
            format!("the register has {found} addresses with a postcode, and a town needs {FEWEST_HOMES}").into()
        );
    }
    let base = Base::new(args.keep.as_deref())?;
    let out = io::stdout().lock();
    let mut out = BufWriter::new(out);
    let show = Show::new((!args.json).then_some(&mut out));
    let (outcome, play) = Story::begin(&town, args.seed, base.path(), show, since)?.tell()?;
    let seconds = since.elapsed().as_secs_f64();
    if args.json {
        writeln!(out, "{}", object(args, &town, &outcome, &play, seconds))?;
    } else {
        let verdict = if failures(&outcome, &play.tally).is_some() { "NOT as it should be" } else { "as it should be" };
        writeln!(out, "\nAll in {seconds:.1} seconds, and {verdict}.")?;
        if let Some(kept) = &args.keep {
            writeln!(out, "The files are kept in {}; keys and the secret are among them.", kept.display())?;
        }
    }
    out.flush()?;
    match failures(&outcome, &play.tally) {
        Some(failures) => Err(failures.into()),
        None => Ok(()),
    }
}

/// Fewer homes are too few for stacks of every height.
const FEWEST_HOMES: usize = 100;

/// What went wrong, in words.
fn failures(outcome: &Outcome, tally: &Tally) -> Option<String> {
    let mut found = Vec::new();
    if tally.mismatches > 0 {
        let first = tally.differences.first().map_or("", String::as_str);
        found.push(format!("{} differences from the plain count, first {first}", tally.mismatches));
    }
    if let Some(first) = outcome.leaks.first() {
        found.push(format!("{} finds that must not be, first {first}", outcome.leaks.len()));
    }
    (!found.is_empty()).then(|| format!("the demonstration failed: {}", found.join("; ")))
}

fn object(args: &Args, town: &Town, outcome: &Outcome, play: &Play, seconds: f64) -> Value {
    let heights = |stacks: &std::collections::BTreeMap<usize, usize>| {
        stacks.iter().map(|(height, count)| (height.to_string(), json!(count))).collect::<Map<String, Value>>()
    };
    let rounded = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
    let mut phases: Map<String, Value> =
        outcome.seconds.iter().map(|(phase, seconds)| ((*phase).to_owned(), json!(rounded(*seconds)))).collect();
    phases.insert("total".to_owned(), json!(rounded(seconds)));
    let tally = &play.tally;
    let (sent, received) = tally.bytes();
    json!({
        "partners": SYSTEMS.len(),
        "organisations": organisations().len(),
        "town": town.name,
        "seed": args.seed,
        "addresses": town.homes.len(),
        "rows": town.rows,
        "refused": { "rows": town.left_out.len(), "lines": tally.refused.len() },
        "rows_of_known_addresses": town.shared,
        "flags": outcome.flags,
        "building_flags": outcome.building_flags,
        "stacked": heights(&outcome.stacked),
        "stacked_buildings": heights(&outcome.stacked_buildings),
        "messages": tally.sent.len(),
        "bytes": { "sent": sent, "returned": received },
        "releases": tally.releases,
        "standings_checked": tally.standings,
        "other_checks": tally.others,
        "mismatches": tally.mismatches,
        "searched": { "files": outcome.searched.0, "bytes": outcome.searched.1 },
        "leaks": outcome.leaks.len(),
        "seconds": phases,
    })
}

/// Where all folders are made: gone afterwards, unless they are to be kept.
enum Base {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Base {
    fn new(keep: Option<&Path>) -> Result<Base, Box<dyn Error>> {
        let Some(folder) = keep else {
            return Ok(Base::Passing(tempfile::Builder::new().prefix("stapel-demo-").tempdir()?));
        };
        let cannot = |error: io::Error| format!("cannot use {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(cannot)?;
        if fs::read_dir(folder).map_err(cannot)?.next().is_some() {
            return Err(format!("{} is not empty: name a folder that does not exist yet", folder.display()).into());
        }
        Ok(Base::Kept(folder.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Base::Kept(folder) => folder,
            Base::Passing(folder) => folder.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_or_a_find_is_a_failure() {
        let (outcome, tally) = (Outcome::default(), Tally::default());
        assert_eq!(failures(&outcome, &tally), None);
        let wrong = Tally { mismatches: 2, differences: vec!["a count".to_owned()], ..Tally::default() };
        assert!(failures(&outcome, &wrong).unwrap().contains("2 differences from the plain count, first a count"));
        let leaking = Outcome { leaks: vec!["the secret".to_owned()], ..Outcome::default() };
        assert!(failures(&leaking, &tally).unwrap().contains("1 finds that must not be, first the secret"));
    }

    #[test]
    fn a_folder_is_kept_only_if_it_was_empty() {
        let outer = tempfile::tempdir().unwrap();
        let new = outer.path().join("new");
        assert_eq!(Base::new(Some(&new)).unwrap().path(), new);
        fs::write(new.join("file"), b"").unwrap();
        assert!(Base::new(Some(&new)).err().unwrap().to_string().contains("is not empty"));
        let passing = Base::new(None).unwrap();
        let path = passing.path().to_owned();
        assert!(path.is_dir());
        drop(passing);
        assert!(!path.exists());
    }
}

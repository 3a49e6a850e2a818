//! A Stapel consortium on one machine: the demonstration that `stapel demo` plays, and the sandbox that `stapel
//! sandbox` makes.
//!
//! In the demonstration four organisations with five systems flag overlapping shares of a town, from their keys to the
//! end of their flags; and after a hit they and a coordinator meet and talk, for a month. Messages, answers and files
//! are real; the clock is simulated, and the flags and the people are made up. Every standing, and every introduction,
//! is compared with a plain count made without cryptography, and all that the broker keeps and says is searched for
//! addresses, the secret, raw pseudonyms and what was written in notes.
//!
//! - `founding`: keys, folders, secret and signed policy of any small consortium; [`sandbox`]: one for a developer's
//!   program;
//! - [`certificates`]: TLS certificates for trying;
//! - `consortium`: the one of the demonstration;
//! - `town`, `chance`: the town, made or read from a register;
//! - `writing`: how each system writes addresses;
//! - `plan`: who flags what;
//! - `play`: partners and broker at work;
//! - `talking`: partners and coordinator at work after a hit;
//! - `truth`, `meetings`: the plain count, of flags and of who meets;
//! - `scan`: the search at the broker;
//! - `story`, `show`: what happens, and how it is told.

#![forbid(unsafe_code)]

pub mod certificates;
mod chance;
mod consortium;
mod error;
mod founding;
mod meetings;
mod plan;
mod play;
pub mod sandbox;
mod scan;
mod show;
mod story;
mod talking;
mod town;
mod truth;
mod writing;

pub use error::DemoError;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};

use consortium::{SYSTEMS, organisations};
use error::Result;
use play::{Play, Tally};
use show::Show;
use story::{Month, Outcome, Story};
use town::Town;

/// A demonstration to be played.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Where the town comes from.
    pub town: TownSource,
    /// What the town and the flags are made up from: the same number makes the same again. Keys are new each time.
    pub seed: u64,
    /// Print one JSON object in place of the text.
    pub json: bool,
    /// The folder in which all files are kept, keys and the secret included; it must not exist yet, or be empty. With
    /// `None` they are gone afterwards.
    pub keep: Option<PathBuf>,
}

/// Where a town comes from.
#[derive(Clone, Debug)]
pub enum TownSource {
    /// A register: TSV whose first line names `street`, `huisnummer`, `huisletter`, `toevoeging`, `postcode` and
    /// `woonplaats`.
    Register(PathBuf),
    /// It is made up.
    MadeUp {
        /// How many homes it has: at least 100.
        homes: u32,
    },
}

impl Demo {
    /// Plays it, and tells of it on `out`.
    ///
    /// # Errors
    ///
    /// [`DemoError::Failed`] where an answer was wrong, something was found at the broker, or the town cannot be had;
    /// else what the library, the broker, a file or `out` refused.
    pub fn run(&self, out: &mut impl Write) -> Result<()> {
        let since = Instant::now();
        let town = match &self.town {
            TownSource::Register(path) => Town::read(path)?,
            TownSource::MadeUp { homes } => Town::made(*homes as usize, self.seed)?,
        };
        if town.homes.len() < FEWEST_HOMES {
            let found = town.homes.len();
            return Err(format!("the town has {found} addresses with a postcode, and it needs {FEWEST_HOMES}").into());
        }
        let base = Base::new(self.keep.as_deref())?;
        let show = Show::new((!self.json).then_some(&mut *out));
        let (outcome, play) = Story::begin(&town, self.seed, base.path(), show, since)?.tell()?;
        let seconds = since.elapsed().as_secs_f64();
        let failures = failures(&outcome, &play.tally);
        if self.json {
            writeln!(out, "{}", object(self.seed, &town, &outcome, &play, seconds))?;
        } else {
            let verdict = if failures.is_some() { "NOT as it should be" } else { "as it should be" };
            writeln!(out, "\nAll in {seconds:.1} seconds, and {verdict}.")?;
            if let Some(kept) = &self.keep {
                writeln!(out, "The files are kept in {}; keys and the secret are among them.", kept.display())?;
            }
        }
        out.flush()?;
        match failures {
            Some(failures) => Err(failures.into()),
            None => Ok(()),
        }
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

/// What `--json` prints.
fn object(seed: u64, town: &Town, outcome: &Outcome, play: &Play, seconds: f64) -> Value {
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
        "seed": seed,
        "addresses": town.homes.len(),
        "rows": town.rows,
        "refused": { "rows": town.left_out.len(), "lines": tally.refused.len() },
        "rows_of_known_addresses": town.shared,
        "flags": outcome.flags,
        "number_flags": outcome.number_flags,
        "after_a_hit": of_month(&outcome.month),
        "stacked": heights(&outcome.stacked),
        "stacked_numbers": heights(&outcome.stacked_numbers),
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

/// What `--json` prints of the month after hits.
fn of_month(month: &Month) -> Value {
    json!({
        "days": month.days,
        "flags": month.flags,
        "stacked": month.hits,
        "put_forward": month.put_forward,
        "asked": month.asked,
        "introduced": month.introduced,
        "addresses": month.addresses,
        "longest_wait_days": month.longest_wait,
        "notes": month.notes,
        "outcomes": month.outcomes,
    })
}

/// Where all folders are made: gone afterwards, unless they are to be kept.
enum Base {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Base {
    fn new(keep: Option<&Path>) -> Result<Base> {
        let Some(folder) = keep else {
            let made = tempfile::Builder::new().prefix("stapel-demo-").tempdir();
            return Ok(Base::Passing(made.map_err(DemoError::file("make a folder in", &std::env::temp_dir()))?));
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

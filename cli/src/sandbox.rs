//! `stapel sandbox`: a consortium on one machine for whoever writes a program that takes part in one.
//!
//! Three partners play; the fourth is the developer's own, for the program to open.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use stapel::Timestamp;
use stapel_demo::sandbox;

use crate::failure::Failure;
use crate::files;
use crate::now::Clock;
use crate::output::{Output, Shown};

/// Make a small consortium on this machine for a program to take part in: keys, signed policy, broker, and three
/// playing partners
///
/// The program opens DIR/partner as a partner and DIR/broker as the broker, flags DIR/addresses.csv and asks; the
/// others flagged some of these addresses, so that the first question gives a hit. DIR/bag.stapel is a register of the
/// town, for `--register`. Flags show at once, which only a test may. All in it is made up; its keys are for nothing
/// else.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  stapel sandbox --dir sandbox
  cd sandbox
  stapel partner flag --dir partner --actor me --case Z-1 addresses.csv
  stapel partner deliver --dir partner
  stapel broker handle --dir broker partner/outbox
  stapel partner read --dir partner
  stapel partner ask --dir partner --actor me --case Z-1 addresses.csv
  stapel broker handle --dir broker partner/outbox
  stapel partner read --dir partner")]
pub(crate) struct Args {
    /// The folder to make; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object: the folders and the files
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let now = args.clock.time()?;
    refuse_occupied(&args.dir)?;
    files::create_folder(&args.dir)?;
    // Made aside and moved at the end, so that what is there is whole.
    let making = args.dir.join(MAKING);
    files::create_folder(&making)?;
    make(&making, now).and_then(|()| move_up(&making, &args.dir)).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&making);
    })?;
    tell(args, out)
}

const MAKING: &str = "making";

fn make(base: &Path, now: Timestamp) -> Result<(), Failure> {
    sandbox::make(base, now)?;
    sandbox::register(&base.join("bag.stapel"), now.day())?;
    files::replace(&base.join("addresses.csv"), sandbox::addresses_csv().as_bytes())
}

/// A folder that is not empty is somebody's, but for what an earlier attempt left.
fn refuse_occupied(dir: &Path) -> Result<(), Failure> {
    let entries = match std::fs::read_dir(dir) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|source| files::error("read", dir, source))?,
    };
    for entry in entries {
        let path = entry.map_err(|source| files::error("read", dir, source))?.path();
        if path.file_name().is_none_or(|name| name != MAKING) {
            return Err(Failure::new(
                "folder_not_empty",
                format!("{} is not empty: name a folder that is not there yet, or remove it first", dir.shown()),
            ));
        }
        std::fs::remove_dir_all(&path).map_err(|source| files::error("remove", &path, source))?;
    }
    Ok(())
}

fn move_up(from: &Path, to: &Path) -> Result<(), Failure> {
    let entries = std::fs::read_dir(from).map_err(|source| files::error("read", from, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| files::error("read", from, source))?;
        let path = entry.path();
        std::fs::rename(&path, to.join(entry.file_name())).map_err(|source| files::error("move", &path, source))?;
    }
    std::fs::remove_dir(from).map_err(|source| files::error("remove", from, source))
}

fn tell(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let dir = &args.dir;
    let path = |name: &str| dir.join(name).display().to_string();
    if args.json {
        return out.json(&json!({
            "partner": path("partner"), "broker": path("broker"), "broker_keys": path("broker/keys"),
            "policy": path("policy.toml"), "addresses": path("addresses.csv"),
            "register": path("bag.stapel"),
        }));
    }
    writeln!(
        out,
        "A consortium is in {}, and three partners in it have flagged. For your program:\n\
         \n\
         \x20 partner       {}\n\
         \x20 broker        {}, its keys in {}\n\
         \x20 addresses     {}\n\
         \x20 a register    {}\n\
         \x20 the rules     {}\n\
         \n\
         Flag the addresses and ask about them: some are stacked, two to four high. `stapel sandbox --help` shows it \
         with this command.",
        dir.shown(),
        path("partner"),
        path("broker"),
        path("broker/keys"),
        path("addresses.csv"),
        path("bag.stapel"),
        path("policy.toml"),
    )?;
    Ok(())
}

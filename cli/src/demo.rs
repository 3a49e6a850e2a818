//! `stapel demo`: the main job, end to end and for real, on a simulated clock, and checked. The crate `stapel-demo`
//! does it.

use std::path::PathBuf;

use stapel_demo::{Demo, TownSource};

use crate::failure::Failure;
use crate::output::Output;

/// Plays a consortium on a whole town, shows what each side sees, and checks every answer
///
/// Four organisations flag overlapping shares of a town, each from files in its own messy style; they deliver, ask,
/// withdraw and renew, months end, and releases take place, on a simulated clock. Every standing is compared with a
/// plain count made without cryptography, and all that the broker keeps and says is searched for addresses, the secret
/// and raw pseudonyms. If anything differs or is found, the exit code is 1.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  stapel demo
  stapel demo --addresses 20000 --seed 7
  stapel demo --register bag_weesp.tsv --json")]
pub(crate) struct Args {
    /// Take the town from a register: TSV whose first line names street, huisnummer, huisletter, toevoeging, postcode
    /// and woonplaats. Rows without a postcode are reported and left out
    #[arg(long, value_name = "FILE", conflicts_with = "addresses")]
    register: Option<PathBuf>,

    /// Make up a town of so many homes
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(100..=200_000))]
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

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let town = match &args.register {
        Some(path) => TownSource::Register(path.clone()),
        None => TownSource::MadeUp { homes: args.addresses },
    };
    let demo = Demo { town, seed: args.seed, json: args.json, keep: args.keep.clone() };
    demo.run(out)?;
    Ok(())
}

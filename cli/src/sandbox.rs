//! `stapel sandbox`: a consortium on one machine for whoever writes a program that takes part in one.
//!
//! Three partners play; the fourth is the developer's own, for the program to open. With `--serve` its broker runs over
//! HTTPS besides.

use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stapel::Timestamp;
use stapel_demo::sandbox;

use crate::broker::serve::{self, LogForm};
use crate::failure::Failure;
use crate::files;
use crate::now::Clock;
use crate::output::{self, Output, Shown};

/// Make a small consortium on this machine for a program to take part in: keys, signed policy, broker, and three
/// playing partners
///
/// The program opens DIR/partner as a partner and DIR/broker as the broker, flags DIR/addresses.csv and asks; the
/// others flagged some of these addresses, so that the first question gives a hit. DIR/bag.stapel is a register of the
/// town, for `--register`. Flags show at once, which only a test may. All in it is made up; its keys are for nothing
/// else.
///
/// With --serve its broker runs over HTTPS until Ctrl-C, at the address that the policy names, and each partner has a
/// configuration file for `--config`: DIR/partner.toml, and those of the others in DIR/others. What is to be typed next
/// is said. Once it was made, `stapel broker serve --config DIR/broker.toml` serves it again.
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
  stapel partner read --dir partner

Over HTTPS:
  stapel sandbox --dir sandbox --serve")]
pub(crate) struct Args {
    /// The folder to make; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Serve its broker over HTTPS on a free port of this machine, until Ctrl-C or SIGTERM
    #[arg(long)]
    serve: bool,
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
    let port = if args.serve { Some(free_port()?) } else { None };
    make(&making, now, port).and_then(|()| move_up(&making, &args.dir)).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&making);
    })?;
    let Some(port) = port else { return tell(args, out) };
    let mut told = Ok(());
    // What it says is of use while it runs, and only once it listens.
    serve::until_told(&args.dir.join("broker.toml"), &args.clock, LogForm::Human, || {
        told = tell_served(args, port, out).and_then(|()| out.finish());
    })?;
    told
}

/// A port at which nobody listens. The policy names it, so that it is chosen before there is a broker to listen.
fn free_port() -> Result<u16, Failure> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map(|own| own.port());
    port.map_err(|error| Failure::new("serve", format!("there is no port to listen at: {error}")))
}

const MAKING: &str = "making";

fn make(base: &Path, now: Timestamp, port: Option<u16>) -> Result<(), Failure> {
    sandbox::make(base, now, port)?;
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
            let mut finding =
                format!("{} is not empty: name a folder that is not there yet, or remove it first", dir.shown());
            let config = dir.join("broker.toml");
            if config.exists() {
                let config = config.shown();
                finding += &format!("; its broker is served again with stapel broker serve --config {config}");
            }
            return Err(Failure::new("folder_not_empty", finding));
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

/// What is in the folder, for programs.
fn object(args: &Args) -> Value {
    let path = |name: &str| args.dir.join(name).display().to_string();
    json!({
        "partner": path("partner"), "broker": path("broker"), "broker_keys": path("broker/keys"),
        "policy": path("policy.toml"), "addresses": path("addresses.csv"),
        "register": path("bag.stapel"),
    })
}

fn tell(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let dir = &args.dir;
    let path = |name: &str| dir.join(name).display().to_string();
    if args.json {
        return out.json(&object(args));
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

fn tell_served(args: &Args, port: u16, out: &mut Output) -> Result<(), Failure> {
    let address = sandbox::address(port);
    let file = |name: &str| args.dir.join(name);
    let (config, others, broker) = (file("partner.toml"), file("others"), file("broker.toml"));
    if args.json {
        let mut object = object(args);
        let more = json!({
            "address": address, "config": config.display().to_string(), "broker_config": broker.display().to_string(),
        });
        output::merge(&mut object, more);
        return out.json(&object);
    }
    let (config, addresses) = (config.shown(), file("addresses.csv").shown());
    writeln!(
        out,
        "A consortium is in {}. Its broker is at {address} until Ctrl-C, and three partners have flagged.\n\
         Now type in another shell, in this folder. One row is no single home and is refused, so the first and the \
         third end with exit status 3:\n\
         \n\
         \x20 stapel partner flag --config {config} --case Z-1 {addresses}\n\
         \x20 stapel partner sync --config {config} --at-once\n\
         \x20 stapel partner ask --config {config} --case Z-1 {addresses}\n\
         \x20 stapel partner sync --config {config} --show\n\
         \n\
         The other partners' files are in {}, as politie.toml. To serve it again: stapel broker serve --config {}",
        args.dir.shown(),
        others.shown(),
        broker.shown(),
    )?;
    Ok(())
}

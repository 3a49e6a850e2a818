//! The `stapel` command: every role of a consortium, played through files.
//!
//! Each group of subcommands is a module of its own. What they print goes through [`output::Output`], so that a reader
//! who stops reading ends the command quietly; what goes wrong is a [`failure::Failure`], which knows its code and exit
//! status.

#![forbid(unsafe_code)]

mod address;
mod audit;
mod broker;
mod demo;
mod enrolment;
mod failure;
mod files;
mod keygen;
mod now;
mod output;
mod pages;
mod partner;
mod policy;
mod progress;
mod register;
mod rows;
mod sandbox;
mod threads;
mod ways;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::Failure;
use output::Output;

/// Count how many public organisations are concerned about one address, without any of them showing its files
#[derive(Parser)]
#[command(name = "stapel", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  echo 'Dam 1-A, 1012 JS Amsterdam' | stapel address\n\n\
                        Errors go to standard error as 'stapel: MESSAGE [CODE]'.\n\n\
                        Exit status:\n  0   done\n  1   nothing was done\n  2   the command line is wrong\n  \
                        3   something was refused, and the rest was done\n  \
                        4   (audit) some lines of a log are not proven yet\n  \
                        74  what it did is done, and not all of it could be said\n  \
                        75  nothing is wrong with what was given: try the same again later\n\n\
                        Only 'stapel broker status --check' has those of a monitor's plug-in.")]
struct Cli {
    /// Take each warning for a refusal (exit status 3), and do nothing where a row is refused
    #[arg(long, global = true)]
    strict: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Sandbox(sandbox::Args),
    Address(address::AddressArgs),
    Pseudonym(address::PseudonymArgs),
    Keygen(keygen::Args),
    Policy(policy::Args),
    Partner(Box<partner::Args>),
    Coordinator(partner::coordinator::Args),
    Broker(broker::Args),
    Audit(audit::Args),
    Register(register::Args),
    Pages(pages::Args),
}

fn main() -> ExitCode {
    let result = match parsed() {
        Ok(cli) => {
            failure::be_strict(cli.strict);
            let only_shows = only_shows(&cli.command);
            let mut out = Output::open();
            let ended = run(cli.command, &mut out);
            let flushed = out.finish();
            match ended.and(flushed) {
                // Whoever reads the output has seen enough of it.
                Err(failure) if only_shows && failure.is_broken_pipe() => return ExitCode::SUCCESS,
                other => other,
            }
        }
        Err(failure) => Err(failure),
    };
    ExitCode::from(match result {
        Ok(()) => failure::ended(),
        Err(failure) => failure.report(),
    })
}

/// The command line, and beneath it what the configuration file of a partner says.
fn parsed() -> Result<Cli, Failure> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let command = partner::with_configuration(Cli::command(), &words)?;
    let matches = command.try_get_matches_from(words).map_err(|error| partner::with_hint(&error))?;
    Cli::from_arg_matches(&matches).map_err(|error| Failure::from_clap(&error))
}

/// Whether a command changes nothing, and its exit status is no verdict: so that nothing is left undone or unsaid where
/// nobody reads its output to the end.
fn only_shows(command: &Command) -> bool {
    match command {
        Command::Demo(_) | Command::Address(_) | Command::Pseudonym(_) => true,
        Command::Policy(args) => args.only_shows(),
        Command::Partner(args) => args.only_shows(),
        Command::Coordinator(args) => args.only_shows(),
        Command::Broker(args) => args.only_shows(),
        Command::Register(args) => args.only_shows(),
        Command::Audit(_) | Command::Sandbox(_) | Command::Keygen(_) | Command::Pages(_) => false,
    }
}

fn run(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, out),
        Command::Sandbox(args) => sandbox::run(&args, out),
        Command::Address(args) => address::address(&args, out),
        Command::Pseudonym(args) => address::pseudonym(&args, out),
        Command::Keygen(args) => keygen::run(&args, out),
        Command::Policy(args) => policy::run(&args, out),
        Command::Partner(args) => partner::run(*args, out),
        Command::Coordinator(args) => partner::coordinator::run(&args, out),
        Command::Broker(args) => broker::run(args, std::env::args_os().skip(1), out),
        Command::Audit(args) => audit::run(&args, out),
        Command::Register(args) => register::run(&args, out),
        Command::Pages(args) => pages::run(&args, Cli::command(), out),
    }
}

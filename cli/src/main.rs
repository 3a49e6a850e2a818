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
mod failure;
mod files;
mod keygen;
mod now;
mod output;
mod partner;
mod policy;
mod progress;
mod rows;
mod sandbox;
mod threads;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use output::Output;

/// Count how many public organisations are concerned about one address, without any of them showing its files
#[derive(Parser)]
#[command(name = "stapel", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  echo 'Dam 1-A, 1012 JS Amsterdam' | stapel address\n\n\
                        Errors go to standard error as 'stapel: MESSAGE [CODE]'. Exit status: 0 done, 1 error, 2 wrong \
                        usage.")]
struct Cli {
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
    Partner(partner::Args),
    Broker(broker::Args),
    Audit(audit::Args),
}

fn main() -> ExitCode {
    let result = match Cli::try_parse() {
        Ok(cli) => {
            let mut out = Output::open();
            run(cli.command, &mut out).and_then(|()| out.finish())
        }
        Err(error) => Err(Failure::from_clap(&error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
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
        Command::Partner(args) => partner::run(args, out),
        Command::Broker(args) => broker::run(&args, out),
        Command::Audit(args) => audit::run(&args, out),
    }
}

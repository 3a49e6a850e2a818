//! `stapel register check`: a partner's own flags against a register.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Serialize;
use stapel::register::Register;
use stapel::{AddressKey, Level};

use super::RegisterArgs;
use crate::failure::{self, Failure};
use crate::output::{Output, counted};
use crate::partner::PartnerFolder;

/// Say which of a partner's own flags are on addresses that a register does not know
///
/// Those that it has not, that were withdrawn or renumbered, and that stand for more than one object. Of a house number
/// that is flagged alone, whether it has an address at it. Nothing is changed: a person looks at each.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel register check --dir police --register bag.stapel")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    register: RegisterArgs,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
}

/// What is to be looked at with a flag.
#[derive(Serialize)]
struct Finding {
    address: String,
    finding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<String>,
}

pub(super) fn check(args: &CheckArgs, out: &mut Output) -> Result<(), Failure> {
    let register = args.register.open()?;
    let partner = args.place.open()?;
    let (mut flags, mut found) = (0usize, 0usize);
    for flag in partner.flags() {
        flags += 1;
        let Some(finding) = finding(&register, &flag.address)? else { continue };
        found += 1;
        if args.json {
            out.json(&finding)?;
        } else {
            let now = finding.now.map(|now| format!(": its object has the address {now} now")).unwrap_or_default();
            writeln!(out, "{}: {}{now}", finding.address, said(finding.finding))?;
        }
    }
    if !args.json {
        let flags = counted(flags, "flag", "flags");
        writeln!(out, "{flags}, {found} to look at, by the register of {}", register.source_day())?;
    }
    if found > 0 {
        failure::some_warned();
    }
    Ok(())
}

fn finding(register: &Register, address: &AddressKey) -> Result<Option<Finding>, Failure> {
    let findings = register.look_up(address)?;
    let standing: Vec<_> = findings.entries.iter().filter(|entry| !entry.is_withdrawn).collect();
    let objects: BTreeSet<_> = standing.iter().map(|entry| &entry.object).collect();
    let finding = match (findings.entries.len(), standing.len()) {
        (0, _) => "unregistered",
        (_, 0) if findings.now.is_some() => "renumbered",
        (_, 0) => "withdrawn",
        _ if objects.len() > 1 && address.level() == Level::Unit => "several_objects",
        _ => return Ok(None),
    };
    Ok(Some(Finding { address: address.to_string(), finding, now: findings.now.map(|now| now.to_string()) }))
}

fn said(finding: &str) -> &'static str {
    match finding {
        "unregistered" => "the register has no such address",
        "renumbered" => "it was withdrawn, and renumbered",
        "withdrawn" => "it was withdrawn",
        _ => "it is the address of more than one object",
    }
}

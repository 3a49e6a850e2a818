//! `stapel audit`: the broker's log, checked from exported files alone.

mod account;
mod compare;
mod trusted;

use std::io::Write;
use std::path::PathBuf;

use clap::ArgGroup;
use serde_json::{Value, json};
use stapel::Digest;
use stapel::audit::{
    AuditError, ConsistencyProof, ExportedLog, InclusionProof, Ldv, Line, LogRow, MAX_CHECKPOINT, Report, leaf_hash,
};

use crate::failure::{Failure, UNPROVEN, note, warn};
use crate::files;
use crate::output::counted;
use trusted::{Trusted, read, read_line, read_log, read_log_by};

/// The code of lines of a log whose policy was not given.
const POLICY_NOT_GIVEN: &str = "policy_not_given";

/// No proof's file is longer.
const MAX_PROOF: usize = MAX_CHECKPOINT + 4_096;

/// Check the broker's audit log from files, without the broker
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel audit verify --policy policy.toml --log log.jsonl --checkpoints checkpoints/"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Verify(VerifyArgs),
    Prove(ProveArgs),
    Check(CheckArgs),
    Compare(compare::CompareArgs),
    Export(ExportArgs),
    Account(account::AccountArgs),
}

/// Whose log it is.
#[derive(clap::Args)]
struct Policies {
    /// The policy, with its signatures beside it; again for each earlier one whose checkpoints or partners are met
    #[arg(long, value_name = "FILE", required = true)]
    policy: Vec<PathBuf>,
}

/// Check an exported log against signed checkpoints
///
/// Every row must be in its one form, every checkpoint signed and of this very log, and every line that is gone pruned.
///
/// The first line of what is printed says of which lines nothing is proven, because they are after the latest
/// checkpoint; the exit status is 4 where there are any, and the code [unproven].
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel audit verify --policy policy.toml --log log.jsonl --checkpoints checkpoints/"
)]
struct VerifyArgs {
    #[command(flatten)]
    policies: Policies,
    /// The exported log
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// Checkpoints, and folders of files that end in .checkpoint
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    checkpoints: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prove to a partner that a line is in the log, or that the log continues an older checkpoint
#[derive(clap::Args)]
#[command(group(ArgGroup::new("of").required(true).args(["number", "reply", "older"])))]
#[command(
    after_help = "Example:\n  stapel audit prove --policy policy.toml --log log.jsonl --checkpoint new.checkpoint \
                        --reply receipt.msg --out receipt.tlog-proof"
)]
struct ProveArgs {
    #[command(flatten)]
    policies: Policies,
    /// The exported log
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// The checkpoint to prove it for: the newer one, where there are two
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// Prove the line of this number, counted from 0
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    /// Prove the line that this receipt, answer or other reply names
    #[arg(long, value_name = "FILE")]
    reply: Option<PathBuf>,
    /// Prove that the log continues this checkpoint
    #[arg(long, value_name = "FILE")]
    older: Option<PathBuf>,
    /// Write the proof here instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Check a proof: of a receipt or an answer, of a line, or of two checkpoints
#[derive(clap::Args)]
#[command(group(ArgGroup::new("of").required(true).multiple(true).args(["reply", "line", "older"])))]
#[command(after_help = "Examples:\n  stapel audit check --policy policy.toml --proof receipt.tlog-proof --reply \
                  receipt.msg\n  stapel audit check --policy policy.toml --proof proof.txt --older old.checkpoint \
                  --newer new.checkpoint")]
struct CheckArgs {
    #[command(flatten)]
    policies: Policies,
    /// The proof
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// The receipt, answer or other reply, as the broker sent it
    #[arg(long, value_name = "FILE", conflicts_with = "older")]
    reply: Option<PathBuf>,
    /// The line itself, in its canonical form; with --reply it must also say what the reply says
    #[arg(long, value_name = "FILE", conflicts_with = "older")]
    line: Option<PathBuf>,
    /// The older checkpoint
    #[arg(long, value_name = "FILE", requires = "newer")]
    older: Option<PathBuf>,
    /// The newer checkpoint
    #[arg(long, value_name = "FILE", requires = "older")]
    newer: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Write the log's processings as records of a Logboek Dataverwerkingen, one line of JSON each
///
/// With checkpoints the log is first checked against them, as by `stapel audit verify`: a log that is not as it was
/// signed gives no records, and the exit status is 4 where it has lines after the latest checkpoint, of which nothing
/// is proven; how many is said on standard error. Without any, nothing is proven of what is written.
///
/// Each line names the policy that it was written under, and only that one says which organisation a partner is of.
/// Give all of them: a line whose policy was not given has no organisation in its record, how many there are is said on
/// standard error, and the exit status is 3. A log that has no line under any of those given is refused.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel audit export --ldv --policy policy.toml --log log.jsonl \
                        --checkpoints checkpoints/ --activity https://register.example.nl/verwerkingen/12 > ldv.jsonl")]
struct ExportArgs {
    #[command(flatten)]
    policies: Policies,
    /// In the form of the standard Logboek Dataverwerkingen
    #[arg(long, required = true)]
    ldv: bool,
    /// The exported log
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// Checkpoints to check the log against, and folders of files that end in .checkpoint
    #[arg(long, value_name = "PATH", num_args = 1..)]
    checkpoints: Vec<PathBuf>,
    /// The processing activity's URI in the operator's register
    #[arg(long, value_name = "URI", value_parser = uri)]
    activity: String,
}

/// Does it, and says on `out` what was found. What does not hold is a failure.
pub(crate) fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    match &args.command {
        Command::Verify(args) => verify(args, out),
        Command::Prove(args) => prove(args, out),
        Command::Check(args) => check(args, out),
        Command::Compare(args) => compare::compare_both(args, out),
        Command::Export(args) => export(args, out),
        Command::Account(args) => account::account(args, out),
    }
}

fn verify(args: &VerifyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let checkpoints = trusted.checkpoints(&args.checkpoints)?;
    let report = read_log(&args.log)?.check(&checkpoints)?;
    let Report { lines, pruned, covered, .. } = report;
    let mut sentences = vec![match unproven(&report) {
        0 => format!("All {lines} lines of the log are as they were signed; none is unproven."),
        last => format!("Of the last {last} of {lines} lines nothing is proven: they are after the latest checkpoint."),
    }];
    let checkpoints = counted(report.checkpoints as u64, "checkpoint", "checkpoints");
    sentences.push(format!("{covered} lines are as they were signed, held to {checkpoints}."));
    if pruned > 0 {
        sentences.push(format!("Of these {pruned} were pruned: their hashes are proven, and not what they said."));
    }
    sentences.extend(report.kinds.iter().map(|(kind, count)| format!("{count:>10} {kind}")));
    let json = json!({
        "lines": lines, "pruned": pruned, "checkpoints": report.checkpoints, "covered": covered,
        "unproven": unproven(&report), "kinds": report.kinds,
    });
    say(out, args.json, &sentences, &json)?;
    refuse_unproven(&report, out)
}

/// How many lines are after the latest checkpoint.
fn unproven(report: &Report) -> u64 {
    report.lines.saturating_sub(report.covered)
}

/// The failure where nothing is proven of some lines, once all that is to be printed was.
fn refuse_unproven(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    out.flush()?;
    match unproven(report) {
        0 => Ok(()),
        last => Err(Failure::new(
            UNPROVEN,
            format!("nothing is proven of the last {last} lines: check again with the operator's next checkpoint"),
        )),
    }
}

fn prove(args: &ProveArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let checkpoint = trusted.checkpoint(&args.checkpoint)?;
    let log = read_log(&args.log)?;
    let text = if let Some(older) = &args.older {
        ConsistencyProof::make(log.log(), &trusted.checkpoint(older)?, &checkpoint)?.to_text()
    } else {
        let index = match &args.reply {
            None => args.number.unwrap_or_default(),
            Some(path) => {
                let entry = trusted.reply(path)?.entry();
                if log.log().leaf(entry.index) != Some(entry.leaf) {
                    let finding = format!("line {} is not the one that the broker's reply names", entry.index);
                    return Err(AuditError::LogAltered { finding }.into());
                }
                entry.index
            }
        };
        InclusionProof::make(log.log(), index, &checkpoint)?.to_text()
    };
    match &args.out {
        Some(path) => files::replace_at(path, text.as_bytes()),
        None => Ok(out.write_all(text.as_bytes())?),
    }
}

fn check(args: &CheckArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let proof = read(&args.proof, MAX_PROOF)?;
    match (&args.older, &args.newer) {
        (Some(older), Some(newer)) => {
            let (older, newer) = (trusted.checkpoint(older)?, trusted.checkpoint(newer)?);
            let proved = ConsistencyProof::parse(&proof).and_then(|proof| proof.verify(&older, &newer));
            proved.map_err(Failure::of_file(&args.proof))?;
            let (old, new) = (older.size(), newer.size());
            let sentence = format!("The log of {new} lines begins with the {old} lines of the older checkpoint.");
            say(out, args.json, &[sentence], &json!({ "old": old, "new": new }))
        }
        _ => {
            let proof = InclusionProof::parse(&proof).map_err(Failure::of_file(&args.proof))?;
            check_line(args, &trusted, &proof, out)
        }
    }
}

/// Checks that the line of a reply, or a line itself, is in the log.
fn check_line(
    args: &CheckArgs,
    trusted: &Trusted,
    proof: &InclusionProof,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let reply = args.reply.as_deref().map(|path| trusted.reply(path)).transpose()?;
    let line = args.line.as_deref().map(read_line).transpose()?;
    let leaf = match (&reply, &line) {
        (Some(reply), _) if reply.entry().index != proof.index() => {
            return Err(AuditError::LogProof { finding: "the proof is of another line than the reply names" }.into());
        }
        (Some(reply), _) => reply.entry().leaf,
        (None, Some(line)) => leaf_hash(line),
        (None, None) => Digest::NONE,
    };
    let line = match (&reply, &line) {
        (Some(reply), Some(line)) => Some(reply.check_line(line)?),
        (None, Some(line)) => Some(Line::parse(line)?),
        (_, None) => None,
    };
    let checkpoint = trusted.first(|policy| proof.verify(leaf, &proof.log_key(policy)));
    let checkpoint = checkpoint.map_err(Failure::of_file(&args.proof))?;
    let (index, size) = (proof.index(), checkpoint.size());
    let what = if reply.is_some() { "The line that the reply names" } else { "The line" };
    let mut sentences = vec![format!("{what} is number {index} in the log of {size} lines that the broker signed.")];
    if reply.is_some() && line.is_some() {
        sentences.push("The line says of the message what the reply says.".into());
    }
    let json = json!({
        "index": index, "size": size, "leaf": leaf.to_string(), "kind": line.map(|line| line.event.kind()),
    });
    say(out, args.json, &sentences, &json)
}

fn export(args: &ExportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let ldv = Ldv::new(&args.activity, &trusted.0);
    let checkpoints = match args.checkpoints.as_slice() {
        [] => Vec::new(),
        given => trusted.checkpoints(given)?,
    };
    if checkpoints.is_empty() {
        warn("no checkpoint was given: nothing is proven of these lines");
    }
    // Before anything of it is written.
    let mut policies = LinePolicies::default();
    let log = read_log_by(&args.log, |line| policies.count(&ldv, line))?;
    if !checkpoints.is_empty() {
        log.check(&checkpoints)?;
    }
    policies.refuse_none().map_err(Failure::of_file(&args.log))?;
    let mut policies = LinePolicies::default();
    let read = ExportedLog::read(&args.log, |index, row| {
        let LogRow::Line(line) = row else { return Ok(()) };
        match ldv.record(index, line) {
            Some(record) => {
                policies.count(&ldv, line);
                writeln!(out, "{record}").map_err(Failure::from)
            }
            None => Ok(()),
        }
    });
    let log = read.map_err(Failure::of_file(&args.log))?;
    // What was written, and not only what was read before.
    let proven = match checkpoints.is_empty() {
        true => Ok(()),
        false => refuse_unproven(&log.check(&checkpoints)?, out),
    };
    out.flush()?;
    match (policies.refuse_some(), proven) {
        (Ok(()), proven) => proven,
        (Err(unnamed), Ok(())) => Err(unnamed),
        // Each day's export has lines that are not proven yet: that status would hide this one.
        (Err(unnamed), Err(unproven @ Failure::Refused { .. })) => {
            note(&unproven.line());
            Err(unnamed)
        }
        (Err(_), proven) => proven,
    }
}

/// Under which policies the lines of a log are.
#[derive(Default)]
struct LinePolicies {
    /// How many lines are under a policy that was given.
    given: u64,
    /// How many are under another.
    others: u64,
    /// The policy of the first of these.
    first: Option<Digest>,
}

impl LinePolicies {
    fn count(&mut self, ldv: &Ldv<'_>, line: &Line) {
        if ldv.has_policy_of(line) {
            self.given += 1;
        } else {
            self.others += 1;
            self.first.get_or_insert(line.policy);
        }
    }

    /// Refuses a log of which no line is under a policy that was given.
    fn refuse_none(&self) -> Result<(), Failure> {
        match self.first {
            Some(first) if self.given == 0 => Err(Failure::new(
                POLICY_NOT_GIVEN,
                format!(
                    "no line is under a policy that was given, and nothing was written: give the policies of this log \
                     as --policy, each; the first line names the one with digest {first}"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The failure where some records name no organisation, once all of them were written.
    fn refuse_some(&self) -> Result<(), Failure> {
        let Some(first) = self.first else { return Ok(()) };
        let failure = Failure::new(
            POLICY_NOT_GIVEN,
            format!(
                "{} of the {} records name no organisation, because the policy of their lines was not given: give \
                 each as --policy, first the one with digest {first}",
                self.others,
                self.others + self.given
            ),
        );
        Err(Failure::Partly(Box::new(failure)))
    }
}

pub(crate) fn uri(text: &str) -> Result<String, String> {
    let shaped = text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_graphic())
    });
    if shaped { Ok(text.into()) } else { Err("not a URI; write one such as https://register.example.nl/12".into()) }
}

fn say(out: &mut impl Write, as_json: bool, sentences: &[String], json: &Value) -> Result<(), Failure> {
    if as_json {
        writeln!(out, "{json}")?;
    } else {
        writeln!(out, "{}", sentences.join("\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! `stapel audit`: the broker's log, checked from exported files alone.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ArgGroup;
use serde_json::{Value, json};
use stapel::Digest;
use stapel::audit::{
    AuditError, Checkpoint, Comparison, ConsistencyProof, ExportedLog, InclusionProof, Ldv, Line, LogKey, LogRow,
    LoggedReply, MAX_CHECKPOINT, MAX_LINE, compare, leaf_hash,
};
use stapel::message::MAX_MESSAGE;
use stapel::policy::{Policy, SignedPolicy};

use crate::failure::Failure;
use crate::files;
use crate::progress::Progress;

/// No proof's file is longer.
const MAX_PROOF: usize = MAX_CHECKPOINT + 4_096;

/// What the names of checkpoints in a folder end in.
const CHECKPOINT: &str = ".checkpoint";

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
    Compare(CompareArgs),
    Export(ExportArgs),
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
    /// A checkpoint, or a folder of files that end in .checkpoint; may be given again
    #[arg(long, value_name = "PATH", required = true)]
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

/// Compare the checkpoints of two parties: were both shown the same log?
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel audit compare --policy policy.toml --ours checkpoints/ --theirs politie/")]
struct CompareArgs {
    #[command(flatten)]
    policies: Policies,
    /// A checkpoint of ours, or a folder of files that end in .checkpoint
    #[arg(long, value_name = "PATH")]
    ours: PathBuf,
    /// One of theirs, or a folder
    #[arg(long, value_name = "PATH")]
    theirs: PathBuf,
    /// The proof that the larger of the latest of both continues the other
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Write the log's processings as records of a Logboek Dataverwerkingen, one line of JSON each
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel audit export --ldv --policy policy.toml --log log.jsonl \
                        --activity https://register.example.nl/verwerkingen/12 > ldv.jsonl")]
struct ExportArgs {
    #[command(flatten)]
    policies: Policies,
    /// In the form of the standard Logboek Dataverwerkingen
    #[arg(long, required = true)]
    ldv: bool,
    /// The exported log
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
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
        Command::Compare(args) => compare_both(args, out),
        Command::Export(args) => export(args, out),
    }
}

fn verify(args: &VerifyArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let checkpoints = trusted.checkpoints(&args.checkpoints)?;
    let report = read_log(&args.log)?.check(&checkpoints)?;
    let uncovered = report.lines - report.covered;
    let mut sentences = vec![format!(
        "The log is as it was signed: {} lines, held to {} checkpoints, the latest of {} lines.",
        report.lines, report.checkpoints, report.covered
    )];
    if report.pruned > 0 {
        sentences.push(format!("{} lines were pruned, and only their hashes are left.", report.pruned));
    }
    if uncovered > 0 {
        sentences.push(format!("Of the last {uncovered} lines nothing is shown until there is a later checkpoint."));
    }
    sentences.extend(report.kinds.iter().map(|(kind, count)| format!("{count:>10} {kind}")));
    let json = json!({
        "lines": report.lines, "pruned": report.pruned, "checkpoints": report.checkpoints, "covered": report.covered,
        "kinds": report.kinds,
    });
    say(out, args.json, &sentences, &json)
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
        Some(path) => files::replace(path, text.as_bytes()),
        None => Ok(out.write_all(text.as_bytes())?),
    }
}

fn check(args: &CheckArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let proof = read(&args.proof, MAX_PROOF)?;
    match (&args.older, &args.newer) {
        (Some(older), Some(newer)) => {
            let (older, newer) = (trusted.checkpoint(older)?, trusted.checkpoint(newer)?);
            ConsistencyProof::parse(&proof)?.verify(&older, &newer)?;
            let (old, new) = (older.size(), newer.size());
            let sentence = format!("The log of {new} lines begins with the {old} lines of the older checkpoint.");
            say(out, args.json, &[sentence], &json!({ "old": old, "new": new }))
        }
        _ => check_line(args, &trusted, &InclusionProof::parse(&proof)?, out),
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
    let checkpoint = trusted.first(|policy| proof.verify(leaf, &LogKey::of(policy)))?;
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

fn compare_both(args: &CompareArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let ours = trusted.checkpoints(std::slice::from_ref(&args.ours))?;
    let theirs = trusted.checkpoints(std::slice::from_ref(&args.theirs))?;
    let mut same = Vec::new();
    for our in &ours {
        for their in theirs.iter().filter(|their| their.size() == our.size()) {
            compare(our, their, None)?;
            same.push(our.size());
        }
    }
    same.dedup();
    let (Some(our), Some(their)) = (ours.last(), theirs.last()) else {
        return Err(AuditError::Checkpoint { finding: "there is none to compare" }.into());
    };
    let proof = args.proof.as_deref().map(|path| read(path, MAX_PROOF)).transpose()?;
    let proof = proof.map(|bytes| ConsistencyProof::parse(&bytes)).transpose()?;
    let compared = compare(our, their, proof.as_ref())?;
    let (a, b) = (our.size(), their.size());
    let sentence = match (compared, same.last()) {
        (Comparison::Same, _) => format!("Both were shown the same log of {a} lines."),
        (Comparison::Continues, _) => {
            format!("Both were shown one log: the {} lines continue the {}.", a.max(b), a.min(b))
        }
        (Comparison::Unproved, Some(size)) => {
            format!("Both were shown the same first {size} lines; of those after them no proof was given.")
        }
        (Comparison::Unproved, None) => {
            let finding = "no two checkpoints are of one size, and no proof was given: have one made with 'stapel \
                           audit prove --older', and give it as --proof";
            return Err(AuditError::LogProof { finding }.into());
        }
    };
    let proved = compared != Comparison::Unproved;
    say(out, args.json, &[sentence], &json!({ "ours": a, "theirs": b, "same": same, "latest_proved": proved }))
}

fn export(args: &ExportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let ldv = Ldv::new(&args.activity, &trusted.0);
    ExportedLog::read(&args.log, |index, row| {
        let LogRow::Line(line) = row else { return Ok(()) };
        match ldv.record(index, line) {
            Some(record) => writeln!(out, "{record}").map_err(Failure::from),
            None => Ok(()),
        }
    })?;
    Ok(())
}

/// The policies whose keys are trusted.
struct Trusted(Vec<Policy>);

impl Trusted {
    fn read(policies: &Policies) -> Result<Trusted, Failure> {
        let read = |path: &PathBuf| SignedPolicy::read(path).map(|signed| signed.policy().clone());
        Ok(Trusted(policies.policy.iter().map(read).collect::<Result<_, _>>()?))
    }

    fn checkpoint(&self, path: &Path) -> Result<Checkpoint, Failure> {
        let bytes = read(path, MAX_CHECKPOINT)?;
        self.first(|policy| Checkpoint::verify(&bytes, &LogKey::of(policy)))
    }

    /// All checkpoints of files and folders, by size. At least one.
    fn checkpoints(&self, given: &[PathBuf]) -> Result<Vec<Checkpoint>, Failure> {
        let paths = files::expand(given, CHECKPOINT)?;
        let mut found = paths.iter().map(|path| self.checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            return Err(AuditError::Checkpoint { finding: "the folder has no file that ends in .checkpoint" }.into());
        }
        found.sort_by_key(Checkpoint::size);
        Ok(found)
    }

    fn reply(&self, path: &Path) -> Result<LoggedReply, Failure> {
        let bytes = read(path, MAX_MESSAGE)?;
        self.first(|policy| LoggedReply::verify(&bytes, policy))
    }

    /// What the first policy gives under which it succeeds; else the error under the first of all.
    fn first<T>(&self, attempt: impl Fn(&Policy) -> Result<T, AuditError>) -> Result<T, Failure> {
        let mut first_error = None;
        for policy in &self.0 {
            match attempt(policy) {
                Ok(found) => return Ok(found),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(AuditError::Checkpoint { finding: "no policy was given" }).into())
    }
}

fn read_log(path: &Path) -> Result<ExportedLog, Failure> {
    let progress = Progress::counting("lines");
    ExportedLog::read(path, |_, _| {
        progress.add(1);
        Ok(())
    })
}

/// Reads a file that is not larger than `limit`; of a larger one, a byte more, which no reader takes.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    files::read_up_to(path, limit + 1)
}

/// Reads a line, with or without a line break at its end.
fn read_line(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut line = read(path, MAX_LINE + 1)?;
    line.pop_if(|last| *last == b'\n');
    Ok(line)
}

fn uri(text: &str) -> Result<String, String> {
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
mod tests {
    use std::fs;

    use clap::Parser;
    use stapel::Error;
    use stapel::audit::{Event, Log, Outcome, Subject};
    use stapel::message::{self, Answer, Header, LogEntry, Reply};
    use stapel_testkit::{Client, START as NOW, checkpoint_key, operator_key, write_policy};

    use super::*;

    #[derive(Parser)]
    struct Audit {
        #[command(flatten)]
        args: Args,
    }

    /// A folder as an officer has it: policy, log, checkpoints, and a partner's answer.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Folder {
            let folder = Folder(tempfile::tempdir().unwrap());
            let text = include_str!("../../src/policy/sample.toml");
            let policy = Policy::parse(text).unwrap();
            write_policy(&folder.path("policy.toml"), text);
            fs::create_dir(folder.path("kept")).unwrap();
            let lines = lines(&policy);
            folder.write("log.jsonl", &rows(&lines));
            for size in [0, 4, 9] {
                folder.sign(&format!("kept/{size}.checkpoint"), &lines[..size]);
            }
            folder.write("line-6.json", &(lines[6].to_json() + "\n"));
            fs::write(folder.path("answer.msg"), answer(&policy, 6, &lines[6])).unwrap();
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).unwrap();
        }

        fn sign(&self, name: &str, lines: &[Line]) {
            let policy = Policy::parse(include_str!("../../src/policy/sample.toml")).unwrap();
            let log: Log = lines.iter().map(Line::leaf).collect();
            let checkpoint = Checkpoint::sign(&log, &LogKey::of(&policy), &checkpoint_key()).unwrap();
            fs::write(self.path(name), checkpoint.as_bytes()).unwrap();
        }

        /// Runs the command; words that begin with `@` are files of this folder.
        fn run(&self, words: &str) -> Result<String, Error> {
            let words = words.split(' ').map(|word| match word.strip_prefix('@') {
                Some(name) => self.path(name).into_os_string(),
                None => word.into(),
            });
            let policy = ["--policy".into(), self.path("policy.toml").into_os_string()];
            let words = ["audit".into()].into_iter().chain(words).chain(policy);
            let audit = Audit::try_parse_from(words).unwrap_or_else(|error| panic!("{error}"));
            let mut out = Vec::new();
            match run(&audit.args, &mut out) {
                Ok(()) => Ok(String::from_utf8(out).unwrap()),
                Err(Failure::Stapel(error)) => Err(error),
                Err(other) => panic!("{}", other.line()),
            }
        }

        fn code(&self, words: &str) -> &'static str {
            self.run(words).expect_err(words).code()
        }
    }

    fn lines(policy: &Policy) -> Vec<Line> {
        let question = |number: u8| Event::Message {
            partner: 2,
            epoch: 1,
            subject: Subject::Question,
            message: Digest([number; 32]),
            journal: Digest::NONE,
            count: 3,
            outcome: Outcome::Accepted,
        };
        let line = |number| Line { salt: [number; 16], time: NOW, policy: policy.digest(), event: question(number) };
        (0..11).map(line).collect()
    }

    fn rows(lines: &[Line]) -> String {
        lines.iter().enumerate().map(|(index, line)| LogRow::Line(line.clone()).to_json(index as u64) + "\n").collect()
    }

    fn answer(policy: &Policy, index: u64, line: &Line) -> Vec<u8> {
        let log = LogEntry { index, leaf: line.leaf() };
        let standings = vec![0, 1, 2];
        let answer = Answer { log, release: 1, as_of: NOW, until: NOW, organisations: 4, fresh: 4, standings };
        let reply = Reply::Answer(answer);
        let header = Header { context: Digest([6; 32]), ..Client::of(2, policy).header(reply.kind(), NOW) };
        message::sign(&header, &reply.encode(), &operator_key()).unwrap()
    }

    #[test]
    fn the_arguments_are_well_formed() {
        <Audit as clap::CommandFactory>::command().debug_assert();
        for (good, text) in
            [(true, "https://a.nl/1"), (true, "urn:x:1"), (false, "a.nl/1"), (false, "x:"), (false, "x:a b")]
        {
            assert_eq!(uri(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_log_is_verified() {
        let folder = Folder::new();
        let said = folder.run("verify --log @log.jsonl --checkpoints @kept").unwrap();
        assert!(said.contains("11 lines, held to 3 checkpoints, the latest of 9 lines."), "{said}");
        assert!(said.contains("Of the last 2 lines nothing is shown"), "{said}");
        let said = folder.run("verify --json --log @log.jsonl --checkpoints @kept/4.checkpoint").unwrap();
        let expected = r#"{"lines":11,"pruned":0,"checkpoints":1,"covered":4,"kinds":{"question":11}}"#;
        assert_eq!(said, format!("{expected}\n"));
        let text = fs::read_to_string(folder.path("log.jsonl")).unwrap();
        folder.write("log.jsonl", &text.replacen("\\\"count\\\":3", "\\\"count\\\":2", 1));
        assert_eq!(folder.code("verify --log @log.jsonl --checkpoints @kept"), "log_altered");
        folder.write("log.jsonl", &text.replacen("count", "amount", 1));
        assert_eq!(folder.code("verify --log @log.jsonl --checkpoints @kept"), "log_file");
        folder.write("kept/4.checkpoint", "nonsense");
        assert_eq!(folder.code("verify --log @log.jsonl --checkpoints @kept"), "checkpoint");
    }

    #[test]
    fn a_reply_is_proved_and_checked() {
        let folder = Folder::new();
        folder
            .run("prove --log @log.jsonl --checkpoint @kept/9.checkpoint --reply @answer.msg --out @a.tlog-proof")
            .unwrap();
        let said = folder.run("check --proof @a.tlog-proof --reply @answer.msg").unwrap();
        assert!(said.contains("The line that the reply names is number 6 in the log of 9 lines"), "{said}");
        let said = folder.run("check --proof @a.tlog-proof --reply @answer.msg --line @line-6.json").unwrap();
        assert!(said.contains("says of the message what the reply says"), "{said}");
        let said = folder.run("check --json --proof @a.tlog-proof --line @line-6.json").unwrap();
        assert!(
            said.starts_with(r#"{"index":6,"size":9,"leaf":""#) && said.contains(r#""kind":"question"}"#),
            "{said}"
        );
        let by_number = folder.run("prove --log @log.jsonl --checkpoint @kept/9.checkpoint --number 6").unwrap();
        assert_eq!(by_number, fs::read_to_string(folder.path("a.tlog-proof")).unwrap());
        folder.run("prove --log @log.jsonl --checkpoint @kept/9.checkpoint --number 5 --out @b.tlog-proof").unwrap();
        assert_eq!(folder.code("check --proof @b.tlog-proof --reply @answer.msg"), "log_proof");
        assert_eq!(folder.code("check --proof @b.tlog-proof --line @line-6.json"), "log_proof");
        assert_eq!(
            folder.code("prove --log @log.jsonl --checkpoint @kept/4.checkpoint --reply @answer.msg"),
            "log_proof"
        );
        assert_eq!(folder.code("check --proof @a.tlog-proof --reply @kept/9.checkpoint"), "malformed");
    }

    #[test]
    fn a_log_without_the_line_of_a_reply_proves_nothing() {
        let folder = Folder::new();
        let policy = Policy::parse(include_str!("../../src/policy/sample.toml")).unwrap();
        let mut lines = lines(&policy);
        lines.remove(6);
        folder.write("log.jsonl", &rows(&lines));
        folder.sign("other.checkpoint", &lines);
        let code = folder.code("prove --log @log.jsonl --checkpoint @other.checkpoint --reply @answer.msg");
        assert_eq!(code, "log_altered", "a receipt shows what was left out");
    }

    #[test]
    fn a_log_is_shown_to_continue() {
        let folder = Folder::new();
        let prove = "prove --log @log.jsonl --checkpoint @kept/9.checkpoint --older @kept/4.checkpoint --out @proof";
        folder.run(prove).unwrap();
        let said = folder.run("check --proof @proof --older @kept/4.checkpoint --newer @kept/9.checkpoint").unwrap();
        assert_eq!(said, "The log of 9 lines begins with the 4 lines of the older checkpoint.\n");
        assert_eq!(
            folder.code("check --proof @proof --older @kept/9.checkpoint --newer @kept/4.checkpoint"),
            "log_proof"
        );
    }

    #[test]
    fn two_parties_compare() {
        let folder = Folder::new();
        let policy = Policy::parse(include_str!("../../src/policy/sample.toml")).unwrap();
        let compare = "compare --ours @kept --theirs";
        assert!(folder.run(&format!("{compare} @kept")).unwrap().contains("the same log of 9 lines"));
        let said = folder.run(&format!("{compare} @kept/4.checkpoint")).unwrap();
        assert!(said.contains("the same first 4 lines; of those after them no proof"), "{said}");
        folder
            .run("prove --log @log.jsonl --checkpoint @kept/9.checkpoint --older @kept/4.checkpoint --out @proof")
            .unwrap();
        let said = folder.run(&format!("{compare} @kept/4.checkpoint --proof @proof")).unwrap();
        assert!(said.contains("the 9 lines continue the 4"), "{said}");
        folder.sign("seven", &lines(&policy)[..7]);
        assert_eq!(folder.code("compare --ours @kept/9.checkpoint --theirs @seven"), "log_proof");
        let mut forked = lines(&policy);
        forked.swap(0, 1);
        folder.sign("forked", &forked[..4]);
        let error = folder.run(&format!("{compare} @forked")).unwrap_err();
        assert_eq!(error.code(), "log_inconsistent");
        for evidence in ["kept/4.checkpoint", "forked"] {
            assert!(error.to_string().contains(&fs::read_to_string(folder.path(evidence)).unwrap()), "{error}");
        }
    }

    #[test]
    fn processings_are_exported() {
        let folder = Folder::new();
        let export = "export --ldv --log @log.jsonl --activity https://register.example.nl/12";
        let said = folder.run(export).unwrap();
        assert_eq!(said.lines().count(), 11);
        let record: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        assert_eq!(record["name"], "stapel.question");
        assert_eq!(record["foreign_operation"]["entity"], "urn:oin:00000002000000000000");
        folder.write("log.jsonl", "nonsense\n");
        assert_eq!(folder.code(export), "log_file");
    }
}

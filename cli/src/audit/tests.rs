//! The subcommands of `stapel audit` on a folder as an officer has it.

use std::fs;

use clap::Parser;
use stapel::Timestamp;
use stapel::audit::{Checkpoint, Event, Log, LogKey, LogRow, Outcome, Subject};
use stapel::message::{self, Answer, Header, LogEntry, Reply};
use stapel::policy::Policy;
use stapel_testkit::{Client, START as NOW, checkpoint_key, operator_key, sample_policy_text, write_policy};

use super::*;

#[derive(Parser)]
struct Audit {
    #[command(flatten)]
    args: Args,
}

fn policy() -> Policy {
    Policy::parse(&sample_policy_text()).unwrap()
}

/// A folder as an officer has it: policy, log, checkpoints, and a partner's answer.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let policy = policy();
        write_policy(&folder.path("policy.toml"), &sample_policy_text());
        fs::create_dir(folder.path("kept")).unwrap();
        let lines = lines(&policy);
        folder.write("log.jsonl", &rows(&lines));
        for size in [0, 4, 9] {
            folder.sign(&format!("kept/{size}.checkpoint"), &lines[..size]);
        }
        folder.write("line-6.json", &(lines[6].to_json() + "\n"));
        fs::write(folder.path("answer.msg"), answer(&policy, 6, &lines[6], Timestamp(0))).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn sign(&self, name: &str, lines: &[Line]) {
        let policy = policy();
        let log: Log = lines.iter().map(Line::leaf).collect();
        let checkpoint = Checkpoint::sign(&log, &LogKey::of(&policy), &checkpoint_key()).unwrap();
        fs::write(self.path(name), checkpoint.as_bytes()).unwrap();
    }

    /// What it prints, and how it fails all the same.
    fn said(&self, words: &str) -> (String, Option<(&'static str, String)>) {
        let mut out = Vec::new();
        let failure = self.run_to(words, &mut out).err();
        (String::from_utf8(out).unwrap(), failure)
    }

    /// Runs the command; words that begin with `@` are files of this folder. Of a failure the code and the sentence.
    fn run(&self, words: &str) -> Result<String, (&'static str, String)> {
        let mut out = Vec::new();
        self.run_to(words, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    fn run_to(&self, words: &str, out: &mut Vec<u8>) -> Result<(), (&'static str, String)> {
        let words = words.split(' ').map(|word| match word.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => word.into(),
        });
        let policy = ["--policy".into(), self.path("policy.toml").into_os_string()];
        let words = ["audit".into()].into_iter().chain(words).chain(policy);
        let audit = Audit::try_parse_from(words).unwrap_or_else(|error| panic!("{error}"));
        match run(&audit.args, out) {
            Ok(()) => Ok(()),
            Err(Failure::Stapel(error)) => Err((error.code(), error.to_string())),
            Err(Failure::Refused { code, message }) => Err((code, message)),
            Err(failure @ Failure::Partly(_)) => Err((failure.code(), format!("partly: {}", failure.line()))),
            Err(other) => panic!("{}", other.line()),
        }
    }

    fn code(&self, words: &str) -> &'static str {
        self.run(words).expect_err(words).0
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

fn answer(policy: &Policy, index: u64, line: &Line, restored: Timestamp) -> Vec<u8> {
    let log = LogEntry { restored, index, leaf: line.leaf(), salt: line.salt };
    let standings = vec![0, 1, 2];
    let answer = Answer { log, release: 1, as_of: NOW, until: NOW, organisations: 4, fresh: 4, standings };
    let reply = Reply::Answer(answer);
    let header = Header { context: Digest([6; 32]), ..Client::of(2, policy).header(reply.kind(), NOW) };
    message::sign(&header, &reply.encode().unwrap(), &operator_key()).unwrap()
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
    let (said, failure) = folder.said("verify --log @log.jsonl --checkpoints @kept");
    let first = "Of the last 2 of 11 lines nothing is proven: they are after the latest checkpoint.\n";
    assert!(
        said.starts_with(first) && said.contains("9 lines are as they were signed, held to 3 checkpoints"),
        "{said}"
    );
    assert_eq!(failure.map(|failure| failure.0), Some("unproven"));
    let (said, failure) = folder.said("verify --json --log @log.jsonl --checkpoints @kept/4.checkpoint");
    let expected = r#"{"lines":11,"pruned":0,"checkpoints":1,"covered":4,"unproven":7,"kinds":{"question":11}}"#;
    assert_eq!(said, format!("{expected}\n"));
    assert_eq!(failure.map(|failure| failure.0), Some("unproven"));
    let all = lines(&policy());
    folder.sign("kept/11.checkpoint", &all);
    let said = folder.run("verify --log @log.jsonl --checkpoints @kept").unwrap();
    assert!(said.starts_with("All 11 lines of the log are as they were signed; none is unproven.\n"), "{said}");
    let text = fs::read_to_string(folder.path("log.jsonl")).unwrap();
    folder.write("log.jsonl", &text.replacen("\\\"count\\\":3", "\\\"count\\\":2", 1));
    assert_eq!(folder.code("verify --log @log.jsonl --checkpoints @kept"), "log_altered");
    folder.write("log.jsonl", &text.replacen("count", "amount", 1));
    assert_eq!(folder.code("verify --log @log.jsonl --checkpoints @kept"), "log_file");
    folder.write("kept/4.checkpoint", "nonsense");
    let (code, error) = folder.run("verify --log @log.jsonl --checkpoints @kept").unwrap_err();
    assert!(code == "checkpoint" && error.contains("kept/4.checkpoint: "), "{error}");
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
    assert!(said.starts_with(r#"{"index":6,"size":9,"leaf":""#) && said.contains(r#""kind":"question"}"#), "{said}");
    let by_number = folder.run("prove --log @log.jsonl --checkpoint @kept/9.checkpoint --number 6").unwrap();
    assert_eq!(by_number, fs::read_to_string(folder.path("a.tlog-proof")).unwrap());
    folder.run("prove --log @log.jsonl --checkpoint @kept/9.checkpoint --number 5 --out @b.tlog-proof").unwrap();
    assert_eq!(folder.code("check --proof @b.tlog-proof --reply @answer.msg"), "log_proof");
    assert_eq!(folder.code("check --proof @b.tlog-proof --line @line-6.json"), "log_proof");
    assert_eq!(folder.code("prove --log @log.jsonl --checkpoint @kept/4.checkpoint --reply @answer.msg"), "log_proof");
    assert_eq!(folder.code("check --proof @a.tlog-proof --reply @kept/9.checkpoint"), "malformed");
}

#[test]
fn a_log_without_the_line_of_a_reply_proves_nothing() {
    let folder = Folder::new();
    let policy = policy();
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
    assert_eq!(folder.code("check --proof @proof --older @kept/9.checkpoint --newer @kept/4.checkpoint"), "log_proof");
}

#[test]
fn two_parties_compare() {
    let folder = Folder::new();
    let policy = policy();
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
    let (code, error) = folder.run(&format!("{compare} @forked")).unwrap_err();
    assert_eq!(code, "log_inconsistent");
    for evidence in ["kept/4.checkpoint", "forked"] {
        assert!(error.contains(&fs::read_to_string(folder.path(evidence)).unwrap()), "{error}");
    }
}

#[test]
fn replies_that_tell_of_different_restores_hide_nothing_of_the_logs() {
    let folder = Folder::new();
    let policy = policy();
    let mut forked = lines(&policy);
    let theirs = answer(&policy, 6, &forked[6], Timestamp(NOW.0 - 3_600));
    fs::write(folder.path("theirs.msg"), theirs).unwrap();
    forked.swap(0, 1);
    folder.sign("forked", &forked[..4]);
    let compare = "compare --our-reply @answer.msg --their-reply @theirs.msg --ours @kept --theirs";
    for (theirs, says) in [("@kept", "ask the operator that first"), ("@forked", "two different roots")] {
        let (code, error) = folder.run(&format!("{compare} {theirs}")).unwrap_err();
        assert!(code == "log_inconsistent" && error.contains(says), "{error}");
    }
    // The replies alone, where a log was held to all checkpoints already.
    let alone = "compare --our-reply @answer.msg --their-reply";
    assert_eq!(folder.code(&format!("{alone} @theirs.msg")), "log_inconsistent");
    let said = folder.run(&format!("{alone} @answer.msg")).unwrap();
    assert!(said.starts_with("The replies say the same of restores"), "{said}");
}

#[test]
fn processings_are_exported() {
    let folder = Folder::new();
    let export = "export --ldv --log @log.jsonl --activity https://register.example.nl/12";
    let said = folder.run(export).unwrap();
    assert_eq!(said.lines().count(), 11);
    let record: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(record["name"], "stapel.question");
    assert_eq!(record["foreign_operation"]["entity"], "urn:oin:00000099000000002000");
    // Held to checkpoints: what they do not cover is said, and what is not as it was signed is not written.
    let held = format!("{export} --checkpoints @kept");
    let (written, failure) = folder.said(&held);
    let (code, says) = failure.unwrap();
    assert_eq!((written.as_str(), code), (said.as_str(), "unproven"));
    assert!(says.contains("the last 2 lines"), "{says}");
    folder.sign("kept/11.checkpoint", &lines(&policy()));
    assert_eq!(folder.run(&held).unwrap(), said);
    assert_eq!(folder.run(&format!("{export} --checkpoints @kept/11.checkpoint")).unwrap(), said);
    // A policy says nothing of lines under another, also not one of the same log and the same numbers.
    let mut mixed = lines(&policy());
    (mixed[3].policy, mixed[4].policy) = (Digest([8; 32]), Digest([9; 32]));
    folder.write("log.jsonl", &rows(&mixed));
    folder.sign("mixed.checkpoint", &mixed[..9]);
    for held in [export.to_owned(), format!("{export} --checkpoints @mixed.checkpoint")] {
        let (written, failure) = folder.said(&held);
        let (code, says) = failure.unwrap();
        assert_eq!((code, written.lines().count()), ("policy_not_given", 11), "{says}");
        assert!(says.starts_with("partly: 2 of the 11 records name no organisation"), "{says}");
        assert!(says.contains(&Digest([8; 32]).to_string()), "{says}");
        let named: Vec<bool> = written.lines().map(|line| line.contains("urn:oin:")).collect();
        assert_eq!(named, (0..11).map(|index| index != 3 && index != 4).collect::<Vec<_>>());
    }
    mixed.iter_mut().for_each(|line| line.policy = Digest([9; 32]));
    folder.write("log.jsonl", &rows(&mixed));
    let (written, failure) = folder.said(export);
    let (code, says) = failure.unwrap();
    assert_eq!((written.as_str(), code), ("", "policy_not_given"));
    assert!(says.contains("log.jsonl: no line is under a policy that was given"), "{says}");
    folder.write("log.jsonl", "");
    assert_eq!(folder.run(export).unwrap(), "", "of no line there is no record, and nothing is wrong");

    let text = rows(&lines(&policy()));
    folder.write("log.jsonl", &text.replacen("\\\"count\\\":3", "\\\"count\\\":2", 1));
    let (written, failure) = folder.said(&held);
    assert_eq!((written.as_str(), failure.map(|failure| failure.0)), ("", Some("log_altered")));
    folder.write("log.jsonl", "nonsense\n");
    assert_eq!(folder.code(export), "log_file");
}

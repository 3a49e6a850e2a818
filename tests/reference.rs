//! The reference partner in Python, written from SPEC.md alone: it agrees with the vectors, and this broker accepts
//! what it sends and tells it what it can read.
//!
//! Skipped, with a line that says so, where there is no Python 3.11 with `cryptography`; with CI=true that is a
//! failure.

#![allow(clippy::print_stdout)] // A test that was left out says so.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use stapel::message::{self, Header, Role, Unverified};
use stapel::policy::SignedPolicy;
use stapel::secret::{Scope, Secret};
use stapel::{Broker, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{Entry, START, day};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/reference");
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/v1");
const SECRET: [u8; 32] = [0x42; 32];

/// The first Python that the reference runs on: what is in the path, or the system's own.
fn found() -> Option<&'static str> {
    static FOUND: OnceLock<Option<&str>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let probe = "import sys, tomllib, cryptography; assert sys.version_info >= (3, 11)";
        ["python3", "/usr/bin/python3"].into_iter().find(|python| {
            let status = Command::new(python).args(["-c", probe]).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        })
    })
}

fn python(arguments: &[&str]) -> Command {
    let mut command = Command::new(found().unwrap());
    command.current_dir(REFERENCE).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Whether there is a Python that the reference runs on.
fn there_is_python() -> bool {
    let there = found().is_some();
    if !there {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI has no Python 3.11 with cryptography");
        println!("skipped: no Python 3.11 with cryptography");
    }
    there
}

#[test]
fn it_agrees_with_every_vector() {
    if !there_is_python() {
        return;
    }
    let output = python(&["-m", "stapel_reference", "vectors", VECTORS]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.trim_end().ends_with(" passed, 0 failed"), "{told}");
}

#[test]
fn it_makes_the_vectors_that_are_here() {
    if !there_is_python() {
        return;
    }
    let output = python(&["make_vectors.py", "--check"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A partner in a process of its own.
struct Partner {
    process: Child,
    jobs: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Partner {
    fn open(entry: &Entry, policy: &SignedPolicy) -> Partner {
        let mut command = python(&["-m", "stapel_reference", "message"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (jobs, results) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut partner = Partner { process, jobs, results };
        let opened = partner.job(json!({
            "do": "open",
            "number": entry.number,
            "seed": HEXLOWER.encode(&[entry.number as u8; 32]),
            "consortium": "zaanstad",
            "purpose": "ondermijning-zaanstad",
            "epoch": 1,
            "secret": HEXLOWER.encode(&SECRET),
            "policy": policy.digest().to_string(),
            "broker_key": testkit::operator_key().verifying_key().to_string(),
            "threshold": policy.policy().counting.threshold,
            "count_cap": policy.policy().counting.count_cap,
            "sees": entry.sees,
            "organisations": policy.policy().organisations.len(),
        }));
        assert_eq!(opened["public"], testkit::key(entry.number).verifying_key().to_string());
        partner
    }

    fn job(&mut self, job: Value) -> Value {
        writeln!(self.jobs, "{job}").unwrap();
        let mut line = String::new();
        self.results.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Has a message made, hands it to the broker, and has the reply read.
    fn say(&mut self, broker: &Broker, job: Value, now: Timestamp) -> Value {
        let mut job = job;
        job["time"] = now.0.into();
        let made = self.job(job);
        let request = made["message"].as_str().unwrap_or_else(|| panic!("{made}"));
        let reply = broker.handle(&HEXLOWER.decode(request.as_bytes()).unwrap(), now);
        let told = self.job(json!({"do": "read", "request": request, "reply": HEXLOWER.encode(&reply)}));
        assert_eq!(told["conflicts"], json!([]), "{told}");
        told
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // It ends with its input; a test that failed half-way does not wait for it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_broker_accepts_what_it_sends_and_it_reads_what_the_broker_replies() {
    if !there_is_python() {
        return;
    }
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
    let key_id = Secret::from_bytes(SECRET).key_id(&scope).to_string();
    let levels = "[counting]\nlevels = [\"unit\", \"number\"]\n[budgets]";
    let rules = testkit::RULES.replace("11111111111111111111111111111111", &key_id).replace("[budgets]", levels);
    let policy = testkit::signed(&testkit::policy_text(&testkit::ROSTER, &rules));
    let broker = testkit::broker(&policy);
    let mut partners = testkit::ROSTER.each_ref().map(|entry| Partner::open(entry, &policy));
    let last = day("2027-03-31").0;
    let (dam, plein, kade) = ("1012JS|1|A", "1506AB|12|", "1506AB|14|BIS");

    let sets = [
        json!({dam: last, plein: last}),
        json!({dam: last, "1012JS|1": last}),
        json!({dam: last}),
        json!({kade: last}),
        json!({}),
    ];
    for (partner, flags) in partners.iter_mut().zip(&sets) {
        let told = partner.say(&broker, json!({"do": "full_set", "flag": flags}), START);
        assert_eq!(told["kind"], "receipt", "{told}");
        assert_eq!(told["body"]["held"], flags.as_object().unwrap().len());
    }
    let delta = json!({"do": "delta", "flag": {kade: last}, "withdraw": [plein]});
    let told = partners[0].say(&broker, delta, START.plus(60));
    assert_eq!((&told["body"]["added"], &told["body"]["withdrawn"]), (&json!(1), &json!(1)), "{told}");
    assert_eq!(partners[1].say(&broker, json!({"do": "confirm"}), START.plus(60))["kind"], "receipt");

    let released = Timestamp((START.0 / 86_400 + 1) * 86_400);
    let mut ask = |at: usize, asked: Value| {
        let told = partners[at].say(&broker, json!({"do": "question", "ask": asked}), released);
        assert_eq!(told["kind"], "answer", "{told}");
        assert_eq!((&told["body"]["release"], &told["body"]["fresh"]), (&json!(START.0 + 1), &json!(4)));
        told["standings"].clone()
    };
    assert_eq!(ask(0, json!([plein, kade, dam])), json!({dam: 3, kade: 2, plein: 1}), "politie sees counts");
    assert_eq!(ask(1, json!([dam, "1012JS|1"])), json!({dam: 2, "1012JS|1": 0}), "the tax office sees bands");
    assert_eq!(ask(2, json!([dam, kade])), json!({dam: 255, kade: 1}), "the housing association sees presence");
    let sweep = json!({"do": "question", "ask": [dam, plein], "sweep": "brand"});
    assert_eq!(partners[3].say(&broker, sweep, released)["standings"], json!({dam: 255, plein: 0}), "a sweep");

    let told = partners[0].say(&broker, json!({"do": "status", "tree_size": 0}), released);
    assert_eq!((&told["body"]["last_state"], &told["body"]["held"]), (&json!(2), &json!(2)), "{told}");
    let late = json!({"do": "delta", "flag": {dam: day("2026-11-30").0}});
    let told = partners[2].say(&broker, late, released);
    assert_eq!((&told["kind"], &told["body"]["code"]), (&json!("rejection"), &json!("clock")), "{told}");
    let told = partners[2].say(&broker, json!({"do": "delta", "flag": {plein: last}}), released);
    assert_eq!(told["kind"], "receipt", "its numbers go on after a rejection: {told}");
}

#[test]
fn it_refuses_replies_that_are_not_for_it() {
    if !there_is_python() {
        return;
    }
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
    let key_id = Secret::from_bytes(SECRET).key_id(&scope).to_string();
    let policy = testkit::signed(&testkit::policy_text(
        &testkit::ROSTER,
        &testkit::RULES.replace("11111111111111111111111111111111", &key_id),
    ));
    let broker = testkit::broker(&policy);
    let mut partner = Partner::open(&testkit::ROSTER[0], &policy);
    let mut said = |job: Value| {
        let made = partner.job(job)["message"].as_str().unwrap().to_owned();
        let reply = broker.handle(&HEXLOWER.decode(made.as_bytes()).unwrap(), START);
        (made, HEXLOWER.encode(&reply))
    };
    let (set, receipt) = said(json!({"do": "full_set", "time": START.0, "flag": {}}));
    let (status, reply) = said(json!({"do": "status", "time": START.0}));
    let mut flipped = HEXLOWER.decode(receipt.as_bytes()).unwrap();
    *flipped.last_mut().unwrap() ^= 1;
    // The same receipt, of a time at which the broker would have refused the message: ten minutes are the most.
    let early = HEXLOWER.decode(receipt.as_bytes()).unwrap();
    let early = Unverified::parse(&early, Role::Broker).unwrap();
    let early = early.verify(&testkit::operator_key().verifying_key()).unwrap();
    let header = Header { time: Timestamp(START.0 - 601), ..early.header().clone() };
    let early = message::sign(&header, &early.reply().unwrap().encode().unwrap(), &testkit::operator_key()).unwrap();
    let mut read = |request: &str, reply: &str| {
        let told = partner.job(json!({"do": "read", "request": request, "reply": reply}));
        told["error"].as_str().map(str::to_owned)
    };
    assert_eq!(read(&set, &reply).as_deref(), Some("wrong_reply"));
    assert_eq!(read(&status, &receipt).as_deref(), Some("wrong_reply"));
    assert_eq!(read(&set, &HEXLOWER.encode(&early)).as_deref(), Some("wrong_reply"));
    assert_eq!(read(&set, &HEXLOWER.encode(&flipped)).as_deref(), Some("bad_signature"));
    assert_eq!(read(&set, &set).as_deref(), Some("malformed"));
    assert_eq!(read(&set, &receipt), None);
    assert_eq!(read(&status, &reply), None);
}

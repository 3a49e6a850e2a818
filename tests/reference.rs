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
use stapel::policy::Policy;
use stapel::secret::{Scope, Secret};
use stapel::{Broker, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{Entry, START};

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
    fn open(entry: &Entry, policy: &str) -> Partner {
        let mut command = python(&["-m", "stapel_reference", "message"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (jobs, results) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut partner = Partner { process, jobs, results };
        let signatures = testkit::signatures(&Policy::parse(policy).unwrap());
        let opened = partner.job(json!({
            "do": "open",
            "number": entry.number,
            "seed": HEXLOWER.encode(&[entry.number as u8; 32]),
            "policy": policy,
            "signatures": signatures.iter().map(|one| one.to_text()).collect::<Vec<_>>(),
            "epoch": 1,
            "secret": HEXLOWER.encode(&SECRET),
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

    /// Has a person do something at the partner.
    fn does(&mut self, job: Value, now: Timestamp) {
        let mut job = job;
        job["now"] = now.0.into();
        assert_eq!(self.job(job), json!({}));
    }

    /// The messages that it makes.
    fn makes(&mut self, job: Value, now: Timestamp) -> Vec<Vec<u8>> {
        let mut job = job;
        job["now"] = now.0.into();
        let made = self.job(job);
        let messages = made["messages"].as_array().unwrap_or_else(|| panic!("{made}"));
        messages.iter().map(|message| HEXLOWER.decode(message.as_str().unwrap().as_bytes()).unwrap()).collect()
    }

    fn read(&mut self, reply: &[u8], now: Timestamp) -> Value {
        self.job(json!({"do": "read", "reply": HEXLOWER.encode(reply), "now": now.0}))
    }

    /// Has messages made, hands them to the broker, and has the replies read: the last of them.
    fn say(&mut self, broker: &Broker, job: Value, now: Timestamp) -> Value {
        self.say_to(broker, job, (now, now))
    }

    /// The same, with a clock of the partner's and one of the broker's.
    fn say_to(&mut self, broker: &Broker, job: Value, (own, brokers): (Timestamp, Timestamp)) -> Value {
        let mut last = Value::Null;
        for message in self.makes(job, own) {
            last = self.read(&broker.handle(&message, brokers), own);
            assert_eq!(last["complaints"], json!([]), "{last}");
        }
        last
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // It ends with its input; a test that failed half-way does not wait for it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A policy whose key id of epoch 1 is that of the secret.
fn policy_text(rules: &str) -> String {
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
    let key_id = Secret::from_bytes(SECRET).key_id(&scope).to_string();
    testkit::policy_text(&testkit::ROSTER, &rules.replace("11111111111111111111111111111111", &key_id))
}

#[test]
fn the_broker_accepts_what_it_sends_and_it_reads_what_the_broker_replies() {
    if !there_is_python() {
        return;
    }
    let levels = "[counting]\nlevels = [\"unit\", \"number\"]\n[budgets]";
    let text = policy_text(&testkit::RULES.replace("[budgets]", levels));
    let broker = testkit::broker(&testkit::signed(&text));
    let mut partners = testkit::ROSTER.each_ref().map(|entry| Partner::open(entry, &text));
    let (dam, plein, kade) = ("1012JS|1|A", "1506AB|12|", "1506AB|14|BIS");
    let deliver = || json!({"do": "deliver"});

    // Each home with its house number.
    let sets = [vec![dam, plein], vec![dam, "1012JS|1|B"], vec![dam], vec![kade], vec![]];
    for ((partner, homes), held) in partners.iter_mut().zip(&sets).zip([4, 3, 2, 2, 0]) {
        partner.does(json!({"do": "flag", "homes": homes}), START);
        let told = partner.say(&broker, deliver(), START);
        assert_eq!((&told["told"]["kind"], &told["body"]["held"]), (&json!("receipt"), &json!(held)), "{told}");
    }
    partners[0].does(json!({"do": "flag", "homes": [kade]}), START.plus(60));
    partners[0].does(json!({"do": "withdraw", "homes": [plein]}), START.plus(60));
    let told = partners[0].say(&broker, deliver(), START.plus(60));
    assert_eq!((&told["body"]["added"], &told["body"]["held"]), (&json!(2), &json!(4)), "{told}");
    let confirmed = partners[1].say(&broker, json!({"do": "confirm"}), START.plus(60));
    assert_eq!(confirmed["told"]["kind"], "receipt");

    let released = Timestamp((START.0 / 86_400 + 1) * 86_400);
    let mut ask = |at: usize, asked: Value| {
        let told = partners[at].say(&broker, json!({"do": "ask", "homes": asked}), released);
        assert_eq!(told["told"]["kind"], "answer", "{told}");
        assert_eq!((&told["body"]["release"], &told["body"]["fresh"]), (&json!(START.0 + 1), &json!(4)));
        told["told"]["standings"].clone()
    };
    assert_eq!(ask(0, json!([plein, kade, dam])), json!({dam: 3, kade: 2, plein: 1}), "politie sees counts");
    assert_eq!(ask(1, json!([dam, "1012JS|1"])), json!({dam: 2, "1012JS|1": 2}), "the tax office sees bands");
    assert_eq!(ask(2, json!([dam, kade])), json!({dam: 255, kade: 1}), "the housing association sees presence");
    let sweep = json!({"do": "ask", "homes": [dam, plein], "sweep": "brand"});
    let swept = partners[3].say(&broker, sweep, released);
    assert_eq!(swept["told"]["standings"], json!({dam: 255, plein: 0}), "a sweep");

    let told = partners[0].say(&broker, json!({"do": "status"}), released);
    assert_eq!((&told["body"]["last_state"], &told["body"]["held"]), (&json!(3), &json!(4)), "{told}");
    partners[2].does(json!({"do": "flag", "homes": [plein]}), released);
    let late = released.plus(25 * 3_600);
    let told = partners[2].say_to(&broker, deliver(), (released, late));
    assert_eq!((&told["told"]["code"], &told["told"]["next"]), (&json!("clock"), &json!("set_clock")), "{told}");
    let told = partners[2].say(&broker, deliver(), late);
    assert_eq!(told["told"]["kind"], "receipt", "its numbers go on after a rejection: {told}");
}

#[test]
fn it_refuses_replies_that_are_not_for_it() {
    if !there_is_python() {
        return;
    }
    let text = policy_text(testkit::RULES);
    let broker = testkit::broker(&testkit::signed(&text));
    let mut partner = Partner::open(&testkit::ROSTER[0], &text);
    let set = partner.makes(json!({"do": "deliver"}), START).remove(0);
    let receipt = broker.handle(&set, START);
    let mut flipped = receipt.clone();
    *flipped.last_mut().unwrap() ^= 1;
    // The same receipt, of a time at which the broker would have refused the message: ten minutes are the most.
    let early = Unverified::parse(&receipt, Role::Broker).unwrap();
    let early = early.verify(&testkit::operator_key().verifying_key()).unwrap();
    let header = Header { time: Timestamp(START.0 - 601), ..early.header().clone() };
    let early = message::sign(&header, &early.reply().unwrap().encode().unwrap(), &testkit::operator_key()).unwrap();
    let refused = [(&early, "unexpected_reply"), (&flipped, "bad_signature"), (&set, "malformed")];
    for (reply, code) in refused {
        assert_eq!(partner.read(reply, START)["error"], code);
    }
    assert_eq!(partner.read(&receipt, START)["told"]["kind"], "receipt");
}

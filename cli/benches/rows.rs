//! A partner's spreadsheet of a million rows to the signed parts of a full set, by the command itself, beside the bare
//! HMAC of the same rows at both levels: `cargo bench -p stapel-cli --bench rows`. `STAPEL_ROWS` says how many rows; a
//! million by default.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]
#![allow(dead_code, reason = "the tests use more of what is made in common")]

#[path = "../tests/common.rs"]
mod common;
#[path = "../tests/consortium.rs"]
mod consortium;

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::Desk;
use consortium::{BY, consortium_counting};
use hmac::{Hmac, KeyInit, Mac};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use sha2::Sha256;
use stapel::{AddressKey, Fields};

const ROUNDS: usize = 3;
const NOW: &str = "2026-12-01T09:00:00Z";

/// What a command took, or several one after another.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    user: Duration,
    system: Duration,
    /// Bytes.
    peak: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, arguments @ ..] = &arguments[..]
        && what == "measure"
    {
        return measure(arguments);
    }
    let count = std::env::var("STAPEL_ROWS").map_or(1_000_000, |rows| rows.parse().expect("a number of rows"));
    let desk = consortium_counting("levels = [\"unit\", \"number\"]\n");
    let rows: Vec<[String; 4]> = (0..count).map(row).collect();
    desk.write("rows.csv", sheet(&rows));
    let keys = keys(&rows);
    drop(rows);

    let bare = (0..2 * ROUNDS).map(|_| bare(&keys)).reduce(Took::best).unwrap();
    drop(keys);
    println!("| {count} rows | wall, s | user, s | system, s | peak, bytes a row |");
    println!("|---|---|---|---|---|");
    let seconds = |took: Duration| format!("{:.3}", took.as_secs_f64());
    let (wall, user, system) = (seconds(bare.wall), seconds(bare.user), seconds(bare.system));
    println!("| bare HMAC at both levels, one core | {wall} | {user} | {system} | |");
    let row = |what: &str, took: Took| {
        let peak = took.peak as f64 / count as f64;
        let (wall, user, system) = (seconds(took.wall), seconds(took.user), seconds(took.system));
        println!("| {what} | {wall} | {user} | {system} | {peak:.0} |");
    };
    for threads in [1, 2] {
        let rounds: Vec<[Took; 2]> = (0..ROUNDS).map(|_| round(&desk, threads)).collect();
        let best = |at: usize| rounds.iter().map(|round| round[at]).reduce(Took::best).unwrap();
        let (full, deliver) = (best(0), best(1));
        let both = full.then(deliver);
        row("full", full);
        row(&format!("deliver, threads {threads}"), deliver);
        row("both", both);
        let times = |took: Duration, bare: Duration| took.as_secs_f64() / bare.as_secs_f64();
        let (wall, processor) = (times(both.wall, bare.wall), times(both.processor(), bare.processor()));
        println!("| times the bare HMAC: wall {wall:.2}, processor {processor:.2} (at most 4) | | | | |");
    }
}

/// The two commands, by a partner that did nothing yet.
fn round(desk: &Desk, threads: usize) -> [Took; 2] {
    let _ = std::fs::remove_dir_all(desk.path("round"));
    std::fs::create_dir(desk.path("round")).unwrap();
    for file in desk.list("politie") {
        std::fs::copy(desk.path("politie").join(&file), desk.path("round").join(&file)).unwrap();
    }
    let full = measured(&desk.path(""), &format!("partner full --dir round {BY} rows.csv --now {NOW}"));
    let deliver = measured(&desk.path(""), &format!("partner deliver --dir round --threads {threads} --now {NOW}"));
    assert!(!desk.list("round/outbox").is_empty());
    [full, deliver]
}

/// Runs the command in a process of its own that measures it: what the system tells of a child's peak is never less
/// than that of the process which started it, and this one holds a million rows.
fn measured(folder: &Path, line: &str) -> Took {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.current_dir(folder).arg("measure").args(line.split(' ')).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{line}: {text}{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [wall, user, system] = [0, 1, 2].map(|at| Duration::from_micros(numbers[at]));
    Took { wall, user, system, peak: numbers[3] }
}

/// Runs the command, and prints what it took: three times in microseconds, and bytes.
fn measure(arguments: &[String]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command.output().unwrap();
    let wall = start.elapsed().as_micros();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (user, system) = processor(UsageWho::RUSAGE_CHILDREN);
    // KiB on Linux.
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() * 1024;
    println!("{wall} {} {} {peak}", user.as_micros(), system.as_micros());
}

/// The processor's time so far, the program's own and the system's for it.
fn processor(who: UsageWho) -> (Duration, Duration) {
    let usage = getrusage(who).unwrap();
    let time = |time: TimeVal| Duration::from_micros(time.num_microseconds() as u64);
    (time(usage.user_time()), time(usage.system_time()))
}

impl Took {
    fn processor(self) -> Duration {
        self.user + self.system
    }

    fn best(self, other: Took) -> Took {
        Took {
            wall: self.wall.min(other.wall),
            user: self.user.min(other.user),
            system: self.system.min(other.system),
            peak: self.peak.max(other.peak),
        }
    }

    fn then(self, next: Took) -> Took {
        Took {
            wall: self.wall + next.wall,
            user: self.user + next.user,
            system: self.system + next.system,
            peak: self.peak.max(next.peak),
        }
    }
}

/// Postcode, number, letter and addition of a home: streets of forty house numbers over the whole country, in which one
/// house of five has two homes or more.
fn row(at: usize) -> [String; 4] {
    // A number without a common divisor with the rows, so that they come in no order.
    let at = at * 700_001 % 9_999_991;
    let (street, home) = (at / 48, at % 48);
    let letters = |n: usize| char::from(b'A' + (n % 17) as u8);
    let postcode = format!("{} {}{}", 1000 + street % 9000, letters(street / 9000), letters(street / 9000 / 17));
    let (number, letter, addition) = match home {
        0..40 => (home, String::new(), String::new()),
        40..44 => ((home - 40) * 5, letters(home - 40).to_string(), String::new()),
        _ => ((home - 44) * 5 + 1, String::new(), ["bis", "2", "101", "hs"][home - 44].to_owned()),
    };
    [postcode, (2 * number + 1).to_string(), letter, addition]
}

fn sheet(rows: &[[String; 4]]) -> String {
    let mut text = String::from("ref;straat;postcode;huisnummer;huisletter;toevoeging;woonplaats\n");
    for (at, [postcode, number, letter, addition]) in rows.iter().enumerate() {
        writeln!(text, "Z{at:07};Dorpsstraat;{postcode};{number};{letter};{addition};Ons Dorp").unwrap();
    }
    text
}

/// What is hashed: the level's byte and the canonical form of each home and of its house number.
fn keys(rows: &[[String; 4]]) -> Vec<[Vec<u8>; 2]> {
    let input = |key: AddressKey| [&[key.level() as u8], key.as_bytes()].concat();
    let both = |[postcode, number, letter, addition]: &[String; 4]| {
        let home = AddressKey::from_fields(&Fields { postcode, number, letter, addition }).unwrap();
        [input(home), input(home.number_key())]
    };
    rows.iter().map(both).collect()
}

fn bare(keys: &[[Vec<u8>; 2]]) -> Took {
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(&[7; 32]).unwrap();
    let (start, before) = (Instant::now(), processor(UsageWho::RUSAGE_SELF));
    for input in keys.iter().flatten() {
        let mut mac = keyed.clone();
        mac.update(input);
        black_box(mac.finalize().into_bytes());
    }
    let after = processor(UsageWho::RUSAGE_SELF);
    Took { wall: start.elapsed(), user: after.0 - before.0, system: after.1 - before.1, peak: 0 }
}

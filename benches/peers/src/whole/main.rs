//! The whole job by Stapel: partners set their flags and deliver them, the broker releases, each partner asks.
//!
//! ```text
//! whole found FOLDER             makes a consortium, and the files that its partners and Stapel's peers start from
//! whole run FOLDER AT_ONCE       does the job, so many partners at a time, and prints what it took
//! ```
//!
//! As at a user's, the broker is a process, and each time that a partner does something is one; bytes go between them over a socket
//! of this machine. `run` starts them: `whole broker FOLDER`, `whole deliver FOLDER PARTNER PORT` and `whole ask FOLDER PARTNER PORT`.
//! What a process prints are lines of a name and a number: seconds, or MiB.
//!
//! `STAPEL_ADDRESSES` says how large the country is. For Linux, which tells what a process took in `/proc`.

mod broker;
mod found;
mod partner;
mod wire;
#[path = "../../../workload/mod.rs"]
mod workload;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Partners of the consortium.
const PARTNERS: u16 = 4;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["found", folder] => found::found(Path::new(folder)),
        ["run", folder, at_once] => run(folder, at_once.parse().expect("a number of partners")),
        ["broker", folder] => broker::serve(Path::new(folder)),
        ["deliver", folder, partner, port] => partner::deliver(Path::new(folder), number(partner), number(port)),
        ["ask", folder, partner, port] => partner::ask(Path::new(folder), number(partner), number(port)),
        _ => panic!("see the head of whole/main.rs"),
    }
}

fn run(folder: &str, at_once: usize) {
    let start = Instant::now();
    let mut broker = spawn(&["broker", folder]);
    let mut tell = broker.stdin.take().unwrap();
    let mut told = BufReader::new(broker.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = told.next().expect("the broker's port");
    // The partners' figures are of all of them together; of memory, the most.
    let mut figures = BTreeMap::<String, f64>::new();
    let mut each = |what: &str| {
        let start = Instant::now();
        let partners: Vec<u16> = (1..=PARTNERS).collect();
        for some in partners.chunks(at_once) {
            let running: Vec<Child> =
                some.iter().map(|partner| spawn(&[what, folder, &partner.to_string(), &port])).collect();
            for child in running {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "a partner failed to {what}");
                for line in String::from_utf8(output.stdout).unwrap().lines() {
                    let (name, value) = figure(line);
                    let all = figures.entry(name.clone()).or_default();
                    *all = if name.ends_with("peak") { all.max(value) } else { *all + value };
                }
            }
        }
        show(&format!("all {what}"), start.elapsed().as_secs_f64());
    };
    each("deliver");
    writeln!(tell, "release").unwrap();
    assert_eq!(told.next().as_deref(), Some("released"));
    each("ask");
    drop(tell);
    figures.extend(told.map(|line| figure(&line)));
    assert!(broker.wait().unwrap().success(), "the broker failed");
    show("wall", start.elapsed().as_secs_f64());
    for (name, value) in figures {
        show(&name, value);
    }
}

/// Starts this program with other arguments.
fn spawn(arguments: &[&str]) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Prints a figure.
fn show(name: &str, value: f64) {
    println!("{name}\t{value:.3}");
}

/// Prints what this process took of the processor, and the most memory that it had, under its name.
fn show_process(name: &str) {
    show(&format!("{name} processor"), workload::processor().as_secs_f64());
    show(&format!("{name} peak"), peak());
}

fn figure(line: &str) -> (String, f64) {
    let (name, value) = line.split_once('\t').expect("a name and a number");
    (name.to_owned(), number(value))
}

/// Does a piece of work, and adds the time that it took.
fn timed<T>(took: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let made = work();
    *took += start.elapsed();
    made
}

/// The most memory that this process had at any time, in MiB.
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    number::<f64>(line.trim().trim_end_matches(" kB")) / 1024.0
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no such number"))
}

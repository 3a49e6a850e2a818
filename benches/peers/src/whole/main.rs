//! The whole job by Stapel: partners set their flags and deliver them, the broker releases, each partner asks.
//!
//! ```text
//! whole found FOLDER             makes a consortium, and the files that its partners and Stapel's peers start from
//! whole run FOLDER AT_ONCE       does the job, so many partners at a time, and prints what it took
//! whole alone FOLDER AT_ONCE     lets the partners make their messages, and does the broker's side of the job
//! ```
//!
//! As at a user's, the broker is a process, and each time that a partner does something is one; bytes go between them
//! over a socket of this machine. What a process prints are lines of a name and a number: seconds, or MiB.
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
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

/// The numbers of the partners.
const PARTNERS: [&str; 4] = ["1", "2", "3", "4"];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["found", folder] => found::found(Path::new(folder)),
        ["run", folder, at_once] => run(folder, number(at_once)),
        ["alone", folder, at_once] => alone(folder, number(at_once)),
        // What those two start.
        ["broker", folder] => broker::serve(Path::new(folder)),
        ["deliver", folder, partner, port] => partner::deliver(Path::new(folder), number(partner), number(port)),
        ["ask", folder, partner, port] => partner::ask(Path::new(folder), number(partner), number(port)),
        ["write", folder, partner] => partner::write(Path::new(folder), number(partner)),
        ["read", folder, partner] => partner::read(Path::new(folder), number(partner)),
        _ => panic!("see the head of whole/main.rs"),
    }
}

/// The job: all partners deliver, the broker releases, all partners ask.
fn run(folder: &str, at_once: usize) {
    let start = Instant::now();
    let mut broker = BrokerProcess::start(folder);
    let port = broker.port.to_string();
    let mut figures = partners(at_once, |partner| vec!["deliver", folder, partner, &port]);
    broker.release();
    figures.extend(partners(at_once, |partner| vec!["ask", folder, partner, &port]));
    figures.extend(broker.stop());
    show("wall", start.elapsed().as_secs_f64());
    for (name, value) in figures {
        show(&name, value);
    }
}

/// The broker's side of the job: the clock runs from when the messages are there until the replies are.
fn alone(folder: &str, at_once: usize) {
    partners(at_once, |partner| vec!["write", folder, partner]);
    let start = Instant::now();
    let mut broker = BrokerProcess::start(folder);
    let port = broker.port;
    let carry_all = |what: &str| {
        for some in PARTNERS.chunks(at_once) {
            thread::scope(|scope| {
                for partner in some {
                    scope.spawn(|| carry(Path::new(folder), what, number(partner), port));
                }
            });
        }
    };
    carry_all("deliver");
    broker.release();
    carry_all("ask");
    let figures = broker.stop();
    show("wall", start.elapsed().as_secs_f64());
    for (name, value) in figures {
        show(&name, value);
    }
    partners(at_once, |partner| vec!["read", folder, partner]);
}

/// Brings a partner's messages to the broker, and the replies back.
fn carry(folder: &Path, what: &str, number: u16, port: u16) {
    let mut messages = BufReader::new(File::open(partner::mail(folder, what, number)).unwrap());
    let mut replies = BufWriter::new(File::create(partner::replies(folder, what, number)).unwrap());
    let mut stream = wire::connect(port);
    while let Some(message) = wire::take(&mut messages) {
        wire::send(&mut stream, &message);
        wire::send(&mut replies, &wire::take(&mut stream).expect("a reply"));
    }
    replies.flush().unwrap();
}

/// The broker as a process.
struct BrokerProcess {
    child: Child,
    tell: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl BrokerProcess {
    fn start(folder: &str) -> BrokerProcess {
        let mut child = spawn(&["broker", folder]);
        let tell = child.stdin.take().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = number(&told.next().expect("the broker's port").unwrap());
        BrokerProcess { child, tell, told, port }
    }

    fn release(&mut self) {
        writeln!(self.tell, "release").unwrap();
        assert_eq!(self.told.next().unwrap().unwrap(), "released");
    }

    /// Ends it, and gives what it took.
    fn stop(mut self) -> BTreeMap<String, f64> {
        drop(self.tell);
        let figures = self.told.map(|line| figure(&line.unwrap())).collect();
        assert!(self.child.wait().unwrap().success(), "the broker failed");
        figures
    }
}

/// Lets all partners do something, so many at a time. Their figures are of all of them together; of memory, the most.
fn partners<'a>(at_once: usize, arguments: impl Fn(&'a str) -> Vec<&'a str>) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::new();
    for some in PARTNERS.chunks(at_once) {
        let running: Vec<Child> = some.iter().map(|partner| spawn(&arguments(partner))).collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "a partner failed");
            for line in String::from_utf8(output.stdout).unwrap().lines() {
                let (name, value) = figure(line);
                let all: &mut f64 = figures.entry(name.clone()).or_default();
                *all = if name.ends_with("peak") { all.max(value) } else { *all + value };
            }
        }
    }
    figures
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

fn number<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no such number"))
}

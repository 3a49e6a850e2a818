//! A million addresses from C beside the same from Rust, in one run: `cargo bench -p stapel-ffi`.
//!
//! The two take turns, and the best rounds of each are compared, since other work on the machine only ever adds. The addresses are the
//! same texts and fields, and on both sides they are bytes of which nobody has seen yet that they are UTF-8. What is measured is what the
//! boundary costs: the arrays are ready before the clock starts.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/town/mod.rs"]
mod town;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use stapel::{AddressError, AddressKey, Case, Fields, Partner};

use town::Town;
use town::common::START;

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, texts, dir] = &arguments[..]
        && what == "flag"
    {
        return flag(texts, Path::new(dir));
    }
    let town = Town::new();
    let rows: Vec<[String; 4]> = (0..ROWS).map(row).collect();
    let texts: Vec<String> = rows.iter().map(text).collect();
    fs::write(town.path("texts"), texts.join("\n") + "\n").unwrap();
    let columns: String = (0..4).flat_map(|at| rows.iter().map(move |row| row[at].clone() + "\n")).collect();
    fs::write(town.path("fields"), columns).unwrap();
    let program = compiled(&town);

    let read_text = || texts.iter().map(|text| AddressKey::parse_bytes(text.as_bytes())).collect::<Read>();
    let read_fields = || rows.iter().map(|row| from_fields(row.each_ref().map(String::as_bytes))).collect::<Read>();
    let (mut of_texts, mut of_fields, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_texts.push(timed(read_text));
        c.extend(run(&program, &["texts", &town.text("texts")]));
        of_fields.push(timed(read_fields));
        c.extend(run(&program, &["fields", &town.text("fields")]));
    }
    let rust = [("texts", best(of_texts)), ("fields", best(of_fields))];

    println!("{:<16} {:>10} {:>10} {:>8}", "a million", "Rust, s", "C, s", "C / Rust");
    for (name, seconds) in rust {
        for layout in [name.to_owned(), format!("packed {name}")] {
            let across = best(c.iter().filter(|timed| timed.name == layout).map(|timed| timed.seconds).collect());
            println!("{layout:<16} {seconds:>10.3} {across:>10.3} {:>8.2}", across / seconds);
        }
    }

    // Each in a process of its own, since what a process did before makes its memory faster to get.
    let (mut within, mut across, mut peak) = (Vec::new(), Vec::new(), 0);
    for round in 0..5 {
        let (one, other) = (format!("rust-{round}"), format!("c-{round}"));
        town.partner(&one, 2);
        town.partner(&other, 2);
        let own = run(&std::env::current_exe().unwrap(), &["flag", &town.text("texts"), &town.text(&one)]);
        within.extend(own.iter().map(|timed| timed.seconds));
        let flagged = run(&program, &["flag", &town.text("texts"), &town.text(&other), &START.0.to_string()]);
        across.extend(flagged.iter().filter(|timed| timed.name == "flag").map(|timed| timed.seconds));
        peak = flagged.iter().map(|timed| timed.peak).max().unwrap_or(0).max(peak);
    }
    let (within, across) = (best(within), best(across));
    println!("{:<16} {within:>10.3} {across:>10.3} {:>8.2}", "flag", across / within);
    println!(
        "peak memory of the program in C that reads and flags them: {} MiB, of which its own texts and arrays take {} MiB",
        peak / 1024,
        (texts.iter().map(String::len).sum::<usize>() + ROWS * 32) >> 20
    );
}

/// What the program in C does when it flags.
fn flag(texts: &str, dir: &Path) {
    let texts = fs::read_to_string(texts).unwrap();
    let texts: Vec<&str> = texts.lines().collect();
    let mut homes = Read::default();
    for _ in 0..10 {
        homes = texts.iter().map(|text| AddressKey::parse_bytes(text.as_bytes())).collect();
    }
    let mut partner = Partner::open(dir).unwrap();
    let by = Case::new("j.jansen", "1").unwrap();
    let start = Instant::now();
    partner.flag(&homes.0, &by, START).unwrap();
    println!("flag {:.6} 0", start.elapsed().as_secs_f64());
}

/// What reading rows gives: those that were accepted, and those that were not.
#[derive(Default)]
struct Read(Vec<AddressKey>, Vec<AddressError>);

impl FromIterator<Result<AddressKey, AddressError>> for Read {
    fn from_iter<T: IntoIterator<Item = Result<AddressKey, AddressError>>>(rows: T) -> Read {
        let mut read = Read(Vec::with_capacity(ROWS), Vec::new());
        for row in rows {
            match row {
                Ok(key) => read.0.push(key),
                Err(error) => read.1.push(error),
            }
        }
        read
    }
}

/// Postcode, number, letter and addition; one in a hundred is refused.
fn row(at: usize) -> [String; 4] {
    let postcode = format!("{} {}{}", 1000 + at / 200 % 9000, letter(at / 40 + 7), letter(at / 1000));
    let number = if at % 100 == 99 { String::new() } else { (1 + at % 200).to_string() };
    let (house, addition) = match at % 5 {
        0 => (letter(at / 5).to_string(), String::new()),
        1 => (String::new(), (1 + at % 9).to_string()),
        _ => Default::default(),
    };
    [postcode, number, house, addition]
}

fn text([postcode, number, house, addition]: &[String; 4]) -> String {
    let hyphen = if addition.is_empty() { "" } else { "-" };
    format!("Dorpsstraat {number}{house}{hyphen}{addition}, {postcode} Ons Dorp")
}

fn from_fields(row: [&[u8]; 4]) -> Result<AddressKey, AddressError> {
    AddressKey::from_fields(&Fields::from_utf8(row)?)
}

fn letter(at: usize) -> char {
    char::from(b'A' + (at % 17) as u8)
}

fn timed(read: impl Fn() -> Read) -> f64 {
    let start = Instant::now();
    black_box(read());
    start.elapsed().as_secs_f64()
}

fn best(seconds: Vec<f64>) -> f64 {
    seconds.into_iter().fold(f64::INFINITY, f64::min)
}

/// What the program in C timed.
struct Timed {
    name: String,
    seconds: f64,
    /// KiB.
    peak: usize,
}

fn run(program: &Path, arguments: &[&str]) -> Vec<Timed> {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let read = |line: &str| {
        let mut words = line.rsplitn(3, ' ');
        let peak = words.next().unwrap().parse().unwrap();
        let seconds = words.next().unwrap().parse().unwrap();
        Timed { name: words.next().unwrap().to_owned(), seconds, peak }
    };
    lines.lines().map(read).collect()
}

/// Builds the library as it is shipped, alone and so optimised as a whole, as this program is; gives the folder that it is in.
fn built() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "rustc",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "stapel-ffi",
        "--lib",
        "--crate-type",
        "cdylib",
    ]);
    assert!(cargo.status().unwrap().success());
    // target/release/deps/million-...: the library is two folders up.
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().display().to_string()
}

fn compiled(town: &Town) -> PathBuf {
    let (source, program) = (Path::new(env!("CARGO_MANIFEST_DIR")), town.path("million"));
    let libraries = built();
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror"]).arg("-I").arg(source.join("include"));
    compiler.arg(source.join("benches/million.c")).arg("-o").arg(&program);
    compiler.args([format!("-L{libraries}"), "-lstapel_ffi".into(), format!("-Wl,-rpath,{libraries}")]);
    assert!(compiler.status().unwrap().success());
    program
}

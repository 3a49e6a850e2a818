//! A million addresses from C and from Python beside the same from Rust, in one run: `cargo bench -p stapel-ffi`.
//!
//! The programs take turns, now the one first and now the other, each in a process of its own that does the same in the
//! same order, and the medians of each are compared: flagging waits for the disk, which in some rounds is done a fifth
//! sooner than in most. The addresses are the same texts and fields, and to Rust and C they are bytes of which nobody
//! has seen yet that they are UTF-8. What is measured is what the boundary costs: the arrays are ready before the clock
//! starts. To Python they are its own texts, and what it takes to hand those over is in the time. Without Python 3 it
//! is left out, which a line says.

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use stapel::{AddressError, AddressKey, Case, Fields, Partner};

use stapel_testkit::{Consortium, START};

const ROWS: usize = 1_000_000;
/// How often a program reads the rows, the first times into memory that it has yet to get: as often as that in C does.
const READS: usize = 10;
const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "make", texts, fields] => make(texts, fields),
        [_, "texts", texts] => read_texts(texts),
        [_, "fields", fields] => read_fields(fields),
        [_, "flag", texts, dir, _] => flag(texts, Path::new(dir)),
        _ => compare(),
    }
}

/// A program that does all of it, and what it took so far.
struct Side {
    name: &'static str,
    /// The program, and what it is given first.
    program: Vec<PathBuf>,
    timed: Vec<Timed>,
}

/// Lets the programs do everything in turn, and shows what each took.
fn compare() {
    let consortium = Consortium::new();
    // By a process of its own: what the system tells of a child's peak is never less than that of the process which
    // started it.
    let mut maker = Command::new(std::env::current_exe().unwrap());
    assert!(maker.args(["make", &consortium.text("texts"), &consortium.text("fields")]).status().unwrap().success());

    let libraries = built();
    let side = |name, program| Side { name, program, timed: Vec::new() };
    let mut sides =
        vec![side("Rust", vec![std::env::current_exe().unwrap()]), side("C", vec![compiled(&consortium, &libraries)])];
    if Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/million.py");
        sides.push(side("Python", vec!["python3".into(), script]));
    } else {
        println!("there is no python3: Python is left out");
    }
    for round in 0..ROUNDS {
        for what in ["texts", "fields", "flag"] {
            let input = consortium.text(if what == "fields" { "fields" } else { "texts" });
            let count = sides.len();
            for turn in 0..count {
                let side = &mut sides[(round + turn) % count];
                let mut arguments = vec![what.to_owned(), input.clone()];
                if what == "flag" {
                    let folder = format!("{}-{round}", side.name);
                    consortium.add_partner(&folder, 2);
                    arguments.extend([consortium.text(&folder), START.0.to_string()]);
                }
                side.timed.extend(run(&side.program, &arguments, &libraries));
            }
        }
    }

    println!("{:<20} {:>8} {:>8} {:>8}", "a million", "s", "Rust, s", "/ Rust");
    for side in &sides[1..] {
        for name in ["texts", "packed texts", "fields", "packed fields", "flag"] {
            let rust = median(&sides[0].timed, name.trim_start_matches("packed ")).unwrap();
            if let Some(took) = median(&side.timed, name) {
                println!("{:<6} {name:<13} {took:>8.3} {rust:>8.3} {:>8.2}", side.name, took / rust);
            }
        }
        println!("{:<6} peak memory, reading texts and flagging them: {} MiB", side.name, side.peak() / 1024);
    }
    let own = (fs::metadata(consortium.path("texts")).unwrap().len() + ROWS as u64 * 32) >> 20;
    println!("of C's peak its own texts and arrays take {own} MiB");
}

/// Writes the rows to files, a line each: texts, and the columns of fields one after the other.
fn make(texts: &str, fields: &str) {
    let rows: Vec<[String; 4]> = (0..ROWS).map(row).collect();
    fs::write(texts, rows.iter().map(|row| text(row) + "\n").collect::<String>()).unwrap();
    let columns: String = (0..4).flat_map(|at| rows.iter().map(move |row| row[at].clone() + "\n")).collect();
    fs::write(fields, columns).unwrap();
}

impl Side {
    /// KiB.
    fn peak(&self) -> usize {
        self.timed.iter().filter(|timed| timed.name == "flag").map(|timed| timed.peak).max().unwrap_or(0)
    }
}

// What the program in C does, in Rust and with the rows in memory in the same form: a text for each column, and where
// each row is in it.

fn read_texts(texts: &str) {
    let texts = Column::read(texts).remove(0);
    let texts = texts.rows();
    for _ in 0..READS {
        timed("texts", || texts.iter().map(|text| AddressKey::parse_bytes(text)).collect::<Read>());
    }
}

fn read_fields(fields: &str) {
    let columns = Column::read(fields);
    let columns: Vec<Vec<&[u8]>> = columns.iter().map(Column::rows).collect();
    let rows: Vec<[&[u8]; 4]> = (0..ROWS).map(|row| [0, 1, 2, 3].map(|column| columns[column][row])).collect();
    for _ in 0..READS {
        timed("fields", || rows.iter().map(|row| from_fields(*row)).collect::<Read>());
    }
}

fn flag(texts: &str, dir: &Path) {
    let texts = Column::read(texts).remove(0);
    let texts = texts.rows();
    let mut homes = Read::default();
    for _ in 0..READS {
        // First, as there: rows that are read while others are held take more memory, and leave more of it at hand for
        // what comes.
        drop(homes);
        homes = timed("texts", || texts.iter().map(|text| AddressKey::parse_bytes(text)).collect());
    }
    let mut partner = Partner::open(dir).unwrap();
    let by = Case::new("j.jansen", "1").unwrap();
    timed("flag", || partner.flag(&homes.0, &by, START).unwrap());
}

/// A column of the rows, as the program in C has it: where a text begins decides how fast it is looked through.
struct Column {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Column {
    /// The columns of a file, one after the other.
    fn read(path: &str) -> Vec<Column> {
        let text = fs::read(path).unwrap();
        let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect();
        let column = |lines: &[&[u8]]| Column {
            bytes: lines.concat(),
            ends: lines
                .iter()
                .scan(0, |end, line| {
                    *end += line.len();
                    Some(*end)
                })
                .collect(),
        };
        lines.chunks(ROWS).map(column).collect()
    }

    fn rows(&self) -> Vec<&[u8]> {
        let mut start = 0;
        self.ends.iter().map(|end| &self.bytes[std::mem::replace(&mut start, *end)..*end]).collect()
    }
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

/// Tells what something took, in the form in which the program in C does.
fn timed<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let made = black_box(work());
    println!("{name} {:.6} 0", start.elapsed().as_secs_f64());
    made
}

fn median(timed: &[Timed], name: &str) -> Option<f64> {
    let mut seconds: Vec<f64> = timed.iter().filter(|timed| timed.name == name).map(|timed| timed.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

/// What a program timed.
struct Timed {
    name: String,
    seconds: f64,
    /// KiB.
    peak: usize,
}

fn run(program: &[PathBuf], arguments: &[String], libraries: &str) -> Vec<Timed> {
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).args(arguments);
    // For Python, which is told nowhere else.
    command.env("STAPEL_LIBRARY", format!("{libraries}/libstapel_ffi.so")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/python"));
    let output = command.output().unwrap();
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

/// Builds the library as it is shipped, alone and so optimised as a whole, as this program is; gives the folder that it
/// is in.
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

fn compiled(consortium: &Consortium, libraries: &str) -> PathBuf {
    let (source, program) = (Path::new(env!("CARGO_MANIFEST_DIR")), consortium.path("million"));
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror"]).arg("-I").arg(source.join("include"));
    compiler.arg(source.join("benches/million.c")).arg("-o").arg(&program);
    compiler.args([format!("-L{libraries}"), "-lstapel_ffi".into(), format!("-Wl,-rpath,{libraries}")]);
    assert!(compiler.status().unwrap().success());
    program
}

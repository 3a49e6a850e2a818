//! A million addresses from C beside the same from Rust, in one run: `cargo bench -p stapel-ffi`.
//!
//! The two take turns, now the one first and now the other, each in a process of its own that does the same in the same order, and the
//! medians of each are compared: flagging waits for the disk, which in some rounds is done a fifth sooner than in most. The addresses are the same texts and fields, and on both sides they are bytes of which nobody
//! has seen yet that they are UTF-8. What is measured is what the boundary costs: the arrays are ready before the clock starts.

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
/// How often a program reads the rows, the first times into memory that it has yet to get: as often as that in C does.
const READS: usize = 10;
const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "texts", texts] => read_texts(texts),
        [_, "fields", fields] => read_fields(fields),
        [_, "flag", texts, dir] => flag(texts, Path::new(dir)),
        _ => compare(),
    }
}

/// Lets both programs do everything in turn, and shows what each took.
fn compare() {
    let town = Town::new();
    let rows: Vec<[String; 4]> = (0..ROWS).map(row).collect();
    let texts: Vec<String> = rows.iter().map(text).collect();
    fs::write(town.path("texts"), texts.join("\n") + "\n").unwrap();
    let columns: String = (0..4).flat_map(|at| rows.iter().map(move |row| row[at].clone() + "\n")).collect();
    fs::write(town.path("fields"), columns).unwrap();
    let (rust, c) = (std::env::current_exe().unwrap(), compiled(&town));

    let (mut within, mut across) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (one, other) = (format!("rust-{round}"), format!("c-{round}"));
        town.partner(&one, 2);
        town.partner(&other, 2);
        let [texts, fields, one, other] = ["texts", "fields", &one, &other].map(|name| town.text(name));
        let now = START.0.to_string();
        let works = [
            (vec!["texts", &texts], vec!["texts", &texts]),
            (vec!["fields", &fields], vec!["fields", &fields]),
            (vec!["flag", &texts, &one], vec!["flag", &texts, &other, &now]),
        ];
        for (here, there) in works {
            let mut sides = [(&rust, here, &mut within), (&c, there, &mut across)];
            sides.rotate_left(round % 2);
            for (program, arguments, timed) in sides {
                timed.extend(run(program, &arguments));
            }
        }
    }

    println!("{:<16} {:>10} {:>10} {:>8}", "a million", "Rust, s", "C, s", "C / Rust");
    for name in ["texts", "packed texts", "fields", "packed fields", "flag"] {
        let (rust, c) = (median(&within, name.trim_start_matches("packed ")), median(&across, name));
        println!("{name:<16} {rust:>10.3} {c:>10.3} {:>8.2}", c / rust);
    }
    println!(
        "peak memory of the program in C that reads and flags them: {} MiB, of which its own texts and arrays take {} MiB",
        across.iter().filter(|timed| timed.name == "flag").map(|timed| timed.peak).max().unwrap_or(0) / 1024,
        (texts.iter().map(String::len).sum::<usize>() + ROWS * 32) >> 20
    );
}

// What the program in C does, in Rust and with the rows in memory in the same form: one text, and where each row is in it.

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
        // First, as there: rows that are read while others are held take more memory, and leave more of it at hand for what comes.
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

fn median(timed: &[Timed], name: &str) -> f64 {
    let mut seconds: Vec<f64> = timed.iter().filter(|timed| timed.name == name).map(|timed| timed.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// What a program timed.
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

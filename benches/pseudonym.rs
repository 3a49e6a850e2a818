//! Address to pseudonyms at both levels, beside the two bare HMAC calls that nobody can do without; on one core, and on two.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stapel::secret::{Scope, Secret};
use stapel::{AddressKey, Fields, Pseudonym, PseudonymKey, PseudonymSource, Threads};

const ROWS: usize = 10_000;

/// Rows as a register has them: postcode, number, letter, addition.
fn rows() -> Vec<[String; 4]> {
    let letters = ["", "", "", "A", "", "b", "C"];
    let additions = ["", "", "2", "", "bis", "12", "101"];
    let row = |n: usize| {
        let (a, b) = ((b'A' + (n / 26 % 18) as u8) as char, (b'B' + (n % 20) as u8) as char);
        let postcode = format!("{}{a}{b}", 1000 + n % 9000);
        [postcode, (n % 400 + 1).to_string(), letters[n % 7].to_owned(), additions[n % 7].to_owned()]
    };
    (0..ROWS).map(row).collect()
}

fn texts(rows: &[[String; 4]]) -> Vec<String> {
    rows.iter()
        .enumerate()
        .map(|(n, [postcode, number, letter, addition])| {
            let mark = match (letter.is_empty() && addition.is_empty(), n % 2) {
                (true, _) => "",
                (false, 0) => "-",
                (false, _) => "/",
            };
            match n % 3 {
                0 => format!("Dorpsstraat {number}{mark}{letter}{addition}, {postcode} Weesp"),
                1 => format!("{postcode} {number}{mark}{letter}{addition}"),
                _ => format!("Nieuwe Achtergracht {number}{mark}{letter}{addition} {} WEESP", postcode.to_lowercase()),
            }
        })
        .collect()
}

fn key() -> PseudonymKey {
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
    PseudonymKey::new(&Secret::from_bytes([7; 32]), &scope)
}

/// The pseudonyms of rows, of which `read` makes units.
fn both_levels<T: Sync>(
    key: &PseudonymKey,
    threads: &Threads,
    rows: &[T],
    read: impl Fn(&T) -> AddressKey + Send + Sync,
) -> Vec<Pseudonym> {
    let keys = threads.map(rows, |row| {
        let unit = read(row);
        [unit, unit.building()]
    });
    key.pseudonyms(&keys.into_flattened()).unwrap()
}

fn bench(c: &mut Criterion) {
    let rows = rows();
    let texts = texts(&rows);
    let fields = |row: &[String; 4]| {
        let [postcode, number, letter, addition] = row;
        AddressKey::from_fields(&Fields { postcode, number, letter, addition }).unwrap()
    };
    let units: Vec<AddressKey> = rows.iter().map(fields).collect();
    for (text, unit) in texts.iter().zip(&units) {
        assert_eq!(AddressKey::parse(text).as_ref(), Ok(unit), "{text}");
    }
    let parsed = |text: &String| AddressKey::parse(text).unwrap();
    let bare: Hmac<Sha256> = Hmac::new_from_slice(&[7; 32]).unwrap();

    let mut group = c.benchmark_group("address to both pseudonyms");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(30);
    group.bench_function("peer: two bare hmac + sha2 calls", |b| {
        let inputs: Vec<[Vec<u8>; 2]> = units
            .iter()
            .map(|unit| [unit, &unit.building()].map(|key| [&[key.level() as u8], key.as_bytes()].concat()))
            .collect();
        b.iter(|| {
            for input in inputs.iter().flatten() {
                let mut mac = bare.clone();
                mac.update(input);
                black_box(mac.finalize().into_bytes());
            }
        });
    });
    for (count, on) in [(1, ""), (2, ", two threads")] {
        let threads = Threads::new(count).unwrap();
        let mut key = key();
        key.use_threads(&threads);
        group.bench_function(format!("fields{on}"), |b| b.iter(|| both_levels(&key, &threads, &rows, fields)));
        group.bench_function(format!("text{on}"), |b| b.iter(|| both_levels(&key, &threads, &texts, parsed)));
    }
    group.bench_function("parsing alone: fields", |b| b.iter(|| rows.iter().map(fields).collect::<Vec<_>>()));
    group.bench_function("parsing alone: text", |b| {
        b.iter(|| texts.iter().map(parsed).collect::<Vec<_>>());
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

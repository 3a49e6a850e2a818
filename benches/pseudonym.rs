//! Address to pseudonyms at both levels, beside the two bare HMAC calls that nobody can do without; on one core, and on
//! two.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

mod workload;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stapel::{AddressKey, PseudonymKey, PseudonymSource, Threads};
use workload::addresses::{both_levels, from_fields, from_text, rows, texts};

const ROWS: usize = 10_000;

fn bench(c: &mut Criterion) {
    let rows = rows(ROWS);
    let texts = texts(&rows);
    let units: Vec<AddressKey> = rows.iter().map(from_fields).collect();
    for (text, unit) in texts.iter().zip(&units) {
        assert_eq!(AddressKey::parse(text).as_ref(), Ok(unit), "{text}");
    }
    let file = stapel_testkit::secret(1);
    let bare: Hmac<Sha256> = Hmac::new_from_slice(&[7; 32]).unwrap();

    let mut group = c.benchmark_group("address to both pseudonyms");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(30);
    group.bench_function("peer: two bare hmac + sha2 calls", |b| {
        let inputs: Vec<[Vec<u8>; 2]> = units
            .iter()
            .map(|unit| [unit, &unit.number_key()].map(|key| [&[key.level() as u8], key.as_bytes()].concat()))
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
        let mut key = PseudonymKey::new(&file.secret, &file.scope);
        key.use_threads(&threads);
        group.bench_function(format!("fields{on}"), |b| b.iter(|| both_levels(&key, &threads, &rows, from_fields)));
        group.bench_function(format!("text{on}"), |b| b.iter(|| both_levels(&key, &threads, &texts, from_text)));
    }
    group.bench_function("parsing alone: fields", |b| b.iter(|| rows.iter().map(from_fields).collect::<Vec<_>>()));
    group.bench_function("parsing alone: text", |b| b.iter(|| texts.iter().map(from_text).collect::<Vec<_>>()));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

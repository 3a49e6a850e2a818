//! The bodies of the fuzz targets under a seeded loop, so that every toolchain runs them.
//!
//! Inputs are what the project ships (the vectors, the sample policy, the frozen stores), mutated.
//! `STAPEL_FUZZ_ROUNDS` sets how many; the long forms run more.

#[path = "../fuzz/bodies/address.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod address;
#[path = "../fuzz/bodies/checkpoint.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod checkpoint;
#[path = "../fuzz/bodies/enrolment.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod enrolment;
#[path = "../fuzz/bodies/ledger_row.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod ledger_row;
#[path = "../fuzz/bodies/log_line.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod log_line;
#[path = "../fuzz/bodies/message.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod message;
#[path = "../fuzz/bodies/note.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod note;
#[path = "../fuzz/bodies/partner_form.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod partner_form;
#[path = "../fuzz/bodies/policy.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod policy;
#[path = "../fuzz/bodies/register.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod register;
#[path = "../fuzz/bodies/store.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod store;

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use stapel::broker::fuzzing::rewritten_rows;
use stapel::message::{Kind, Unverified};
use stapel::register::fuzzing::with_checksums;
use stapel::secret::VerifyingKey;
use stapel::talk::fuzzing::rewritten_note;
use stapel_testkit::Seeded;

fn rounds(usual: usize) -> usize {
    std::env::var("STAPEL_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Runs `body` over mutations of `seeds`: bytes changed, taken out, put in, doubled, and pieces of other seeds.
fn run(body: impl Fn(&[u8]), seeds: &[Vec<u8>], rounds: usize) {
    let mut random = Seeded::new(0x5741_5045_4c00_0001);
    for seed in seeds {
        body(seed);
    }
    for _ in 0..rounds {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            let at = random.below(input.len() + 1);
            match random.below(6) {
                0 => input.insert(at, random.byte()),
                1 if at < input.len() => drop(input.remove(at)),
                2 if at < input.len() => input[at] = random.byte(),
                3 if at < input.len() => input[at] ^= 1 << random.below(8),
                4 => {
                    let other = &seeds[random.below(seeds.len())];
                    let from = random.below(other.len());
                    let piece = other[from..(from + random.below(20)).min(other.len())].to_vec();
                    input.splice(at..at, piece);
                }
                _ => input.truncate(at),
            }
        }
        body(&input);
    }
}

/// All strings of a JSON file in `tests`, as bytes; those that are hexadecimal decoded.
fn seeds(file: &str) -> Vec<Vec<u8>> {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(shipped(file)).unwrap()).unwrap();
    let mut found = vec![];
    let mut open = vec![&json];
    while let Some(value) = open.pop() {
        match value {
            serde_json::Value::String(text) => {
                found.push(
                    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap_or_else(|_| text.clone().into_bytes()),
                );
            }
            serde_json::Value::Array(items) => open.extend(items),
            serde_json::Value::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    found
}

/// The body of each valid message that the vectors have whole, after the byte by which the target `message` picks its
/// kind.
fn message_bodies() -> Vec<Vec<u8>> {
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(shipped("vectors/v1/messages.json")).unwrap()).unwrap();
    let kinds: Vec<Kind> = (0..=255).filter_map(|byte| Kind::try_from(byte).ok()).collect();
    let rows = file["valid"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["header"].is_object() && row["signed"] != false);
    let bodies = rows.map(|row| {
        let bytes = whole(row);
        let kind = Kind::try_from(bytes[2]).unwrap();
        let key =
            VerifyingKey::from_hex(file["keys"][row["from"].as_str().unwrap()]["public"].as_str().unwrap()).unwrap();
        let message = Unverified::parse(&bytes, kind.role()).unwrap().verify(&key).unwrap();
        let body = match row["from"].as_str() {
            Some("partner") => message.request().unwrap().encode().unwrap(),
            _ => message.reply().unwrap().encode().unwrap(),
        };
        let at = kinds.iter().position(|one| *one == kind).unwrap();
        [&[u8::try_from(at).unwrap()], &body[..]].concat()
    });
    bodies.collect()
}

/// The bytes of a vector: its hexadecimal, or its pieces one after the other.
fn whole(row: &serde_json::Value) -> Vec<u8> {
    let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
    if let Some(text) = row["hex"].as_str() {
        return hex(text);
    }
    let pieces = row["pieces"].as_array().unwrap().iter();
    let pieces = pieces.map(|piece| match piece["hex"].as_str() {
        Some(text) => hex(text),
        None => vec![0; piece["zeros"].as_u64().unwrap().try_into().unwrap()],
    });
    pieces.flatten().collect()
}

/// The rows of the ledger of a broker that was kept.
fn ledger_rows() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("ledger.redb");
    std::fs::copy(shipped("stores/v1/broker/store/ledger.redb"), &copy).unwrap();
    let ledger = Database::open(copy).unwrap();
    let rows = ledger.begin_read().unwrap().open_table(TableDefinition::<&[u8; 7], &[u8]>::new("rows")).unwrap();
    rows.iter().unwrap().map(|row| row.unwrap().1.value().to_vec()).collect()
}

fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file)
}

#[test]
fn address_text() {
    run(address::run, &seeds("vectors/v1/addresses.json"), rounds(100_000));
}

#[test]
fn checkpoints_and_proofs() {
    run(checkpoint::run, &checkpoint::seeds(), rounds(20_000));
}

#[test]
fn ledger_row_bytes() {
    let rows = ledger_rows();
    assert!(rows.iter().any(|row| !rewritten_rows(row).is_empty()), "the seeds reach the decoders");
    run(ledger_row::run, &rows, rounds(100_000));
}

#[test]
fn log_lines() {
    run(log_line::run, &seeds("vectors/v1/log.json"), rounds(50_000));
}

#[test]
fn message_bytes() {
    let bodies = message_bodies();
    let kinds: std::collections::BTreeSet<u8> = bodies.iter().map(|body| body[0]).collect();
    assert!(kinds.into_iter().eq(0..16), "the seeds reach the decoder of every kind");
    run(message::run, &[seeds("vectors/v1/messages.json"), bodies].concat(), rounds(10_000));
}

#[test]
fn note_bytes() {
    let notes = seeds("vectors/v1/talk.json");
    let filled = notes.iter().map(|note| [&note[..], &vec![0; 1_048usize.saturating_sub(note.len())]].concat());
    assert!(filled.filter(|note| rewritten_note(note).is_some()).count() > 10, "the seeds reach the decoder");
    run(note::run, &notes, rounds(50_000));
}

#[test]
fn partner_form_bytes() {
    run(partner_form::run, &seeds("stores/v1/partner-forms.json"), rounds(50_000));
}

#[test]
fn policy_text() {
    let mut texts = [seeds("vectors/v1/policies.json"), seeds("vectors/v1/certificates.json")].concat();
    texts.retain(|text| text.len() > 100);
    run(policy::run, &texts, rounds(2_000));
}

#[test]
fn enrolments() {
    run(enrolment::run, &enrolment::seeds(), rounds(2_000));
}

#[test]
fn register_texts_and_files() {
    let seeds = register::seeds();
    let file = seeds.last().unwrap();
    assert_eq!(with_checksums(file).as_ref(), Some(file), "what is mended is what would have been written");
    run(register::run, &seeds, rounds(10_000) / 2);
    // Few of the changes to a file leave one that can be read.
    run(register::run, std::slice::from_ref(file), rounds(10_000) / 2);
    // Each byte of it in turn, as the bytes of a suffix.
    for at in 0..u16::try_from(file.len()).unwrap() {
        let [high, low] = at.to_be_bytes();
        for byte in [b'a', 0xc1] {
            register::run(&[high, low, byte]);
        }
    }
}

/// A round opens a broker on disk: a thousand times the work of the others.
#[test]
fn store_bytes() {
    run(store::run, &store::seeds(), rounds(300_000) / 1_000);
}

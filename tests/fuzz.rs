//! The bodies of the fuzz targets under a seeded loop, so that every toolchain runs them.
//!
//! Inputs are what the project ships (the vectors, the sample policy), mutated. `STAPEL_FUZZ_ROUNDS` sets how many; the
//! long forms run more.

#[path = "../fuzz/bodies/address.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod address;
#[path = "../fuzz/bodies/checkpoint.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod checkpoint;
#[path = "../fuzz/bodies/log_line.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod log_line;
#[path = "../fuzz/bodies/message.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod message;
#[path = "../fuzz/bodies/policy.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod policy;
#[path = "../fuzz/bodies/store.rs"]
#[allow(missing_docs, unreachable_pub, reason = "it is shared with the fuzz targets")]
mod store;

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

/// All strings of a vector file, as bytes; those that are hexadecimal decoded.
fn seeds(file: &str) -> Vec<Vec<u8>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v1").join(file);
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
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

#[test]
fn address_text() {
    run(address::run, &seeds("addresses.json"), rounds(100_000));
}

#[test]
fn checkpoints_and_proofs() {
    run(checkpoint::run, &checkpoint::seeds(), rounds(20_000));
}

#[test]
fn log_lines() {
    run(log_line::run, &seeds("log.json"), rounds(50_000));
}

#[test]
fn message_bytes() {
    run(message::run, &seeds("messages.json"), rounds(10_000));
}

#[test]
fn policy_text() {
    let mut seeds = seeds("policies.json");
    seeds.retain(|seed| seed.len() > 100);
    run(policy::run, &seeds, rounds(2_000));
}

/// A round opens a broker on disk: a thousand times the work of the others.
#[test]
fn store_bytes() {
    run(store::run, &store::seeds(), rounds(300_000) / 1_000);
}

//! A flag through `stapel partner serve`, beside the library's own call: `cargo bench -p stapel-service --bench desk`.
//!
//! Two partners' folders on one disk: one is flagged in by the process that has it open, the other through the server's
//! socket, over one connection that is kept and over one for each flag, as a PHP worker makes it. A flag of each in
//! turn, of one address, in one run; each is on disk before the next begins. The server shares the machine with its
//! caller. No log is written.
//!
//! Prints a table, and ends with an error where the median of either is more than twice that of the direct call.
//! `STAPEL_ROUNDS` says how many flags of each (1,000 by default), `STAPEL_FLAGS` how many there are before (10,000).
#![allow(clippy::print_stdout, missing_docs, reason = "a table is what it makes")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use stapel::partner::{Case, Given};
use stapel::{AddressKey, Partner};
use stapel_service::client::ServeSettings;
use stapel_service::desk::{Desk, Listening};
use stapel_testkit::{Consortium, START};

/// The most times the direct call's median that a flag through the server may take.
const LIMIT: f64 = 2.0;

fn main() -> ExitCode {
    let (rounds, before) = (setting("STAPEL_ROUNDS", 1_000), setting("STAPEL_FLAGS", 10_000));
    let consortium = Consortium::new();
    let case = Case::new("j.jansen", "2026-0117").unwrap();
    let opened = |folder: &str| {
        let mut partner = Partner::open(consortium.path(folder).as_path()).unwrap();
        partner.flag((0..before).map(|n| key(5_000, n)), &case, START).unwrap();
        partner
    };
    let mut direct = opened("1");
    let desk = Desk::new(opened("2"), None, || START).unwrap();
    let socket = consortium.path("serve.sock");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let listening = runtime.block_on(Listening::start(desk, &socket, &ServeSettings::default())).unwrap();

    let mut kept = UnixStream::connect(&socket).unwrap();
    let (mut directly, mut over_kept, mut over_new) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // In another order each time: a write to disk takes longer after that of another file.
        for way in 0..3 {
            match (round + way) % 3 {
                0 => directly.push(took(|| {
                    let text = line(1_000, round);
                    let given = Given::from(AddressKey::parse(&text).unwrap()).typed(&text);
                    assert_eq!(direct.flag([given], &case, START).unwrap().added, 1);
                })),
                1 => over_kept.push(took(|| call(&mut kept, &line(1_000, round)))),
                _ => over_new.push(took(|| call(&mut UnixStream::connect(&socket).unwrap(), &line(2_000, round)))),
            }
        }
    }
    assert!(runtime.block_on(listening.stop()));

    println!("| a flag of one address, {rounds} of each, {before} before | median, us | times the direct call |");
    println!("|---|---|---|");
    let direct = median(&mut directly);
    println!("| direct | {:.0} | 1 |", direct * 1e6);
    let mut is_within = true;
    for (name, times) in [("a connection that is kept", &mut over_kept), ("a connection each", &mut over_new)] {
        let median = median(times);
        println!("| through the socket, {name} | {:.0} | {:.2} |", median * 1e6, median / direct);
        is_within &= median <= LIMIT * direct;
    }
    if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

fn key(postcode: usize, number: usize) -> AddressKey {
    AddressKey::from_canonical(&format!("{}AB|{}|", postcode + number / 10_000, 1 + number % 10_000)).unwrap()
}

fn line(postcode: usize, number: usize) -> String {
    format!("Kerkstraat {}, {} AB Voorbeeldstad", 1 + number % 10_000, postcode + number / 10_000)
}

fn took(act: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    act();
    begun.elapsed()
}

/// Flags through a connection; it may be kept.
fn call(stream: &mut UnixStream, text: &str) {
    let body = format!(r#"{{"actor":"j.jansen","case":"2026-0117","rows":[{{"text":"{text}"}}]}}"#);
    let request = format!(
        "POST /v1/flag HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n\
         {body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "it was closed");
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            assert!(head.starts_with("HTTP/1.1 200") && body.contains(r#""added":1"#), "{text}");
            return;
        }
    }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

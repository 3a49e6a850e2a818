//! Holds the server and the client to tests/vectors/v1/carrier.json. Its README.md has the fields.

use std::io::Read;
use std::sync::Mutex;

use serde::Deserialize;
use stapel_service::carrier::REPLY;
use stapel_service::client::CarrierError;

use crate::client::{HOUR, carrier, settings};
use crate::serving::{Connection, Response, Running};
use crate::stub::{Pki, Server, dead_port};

#[derive(Deserialize)]
struct File {
    broker: Vec<Request>,
    partner: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Request {
    name: String,
    request: Vec<Piece>,
    status: u16,
    code: Option<String>,
    allow: Option<String>,
    #[serde(default)]
    may_close: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeated(String, usize),
}

#[derive(Deserialize)]
struct Scenario {
    name: String,
    addresses: Vec<Vec<String>>,
    ends: String,
    body: Option<String>,
    code: Option<String>,
    waits: Vec<(u64, u64)>,
}

fn file() -> File {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/v1/carrier.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The response after each `100`; that of a HEAD has no body, whatever its length says.
fn answer(connection: &mut Connection, request: &str) -> Option<Response> {
    connection.write(request);
    if request.starts_with("HEAD ") {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            connection.0.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head[9..12].parse().unwrap();
        return Some(Response { status, head: head.to_ascii_lowercase(), body: Vec::new() });
    }
    std::iter::from_fn(|| connection.read()).find(|response| response.status != 100)
}

#[test]
fn the_server_answers_as_the_vectors_say() {
    let running = Running::new();
    for row in file().broker {
        let pieces = row.request.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Repeated(text, times) => text.repeat(*times),
        });
        let request: String = pieces.collect();
        let name = row.name;
        let response = answer(&mut running.connect(1), &request);
        let is_bare = response.as_ref().is_none_or(|one| one.body.is_empty() && matches!(one.status, 400 | 431));
        if row.may_close && is_bare {
            continue;
        }
        let response = response.unwrap_or_else(|| panic!("{name}: no response"));
        assert_eq!(response.status, row.status, "{name}: {}", response.head);
        if let Some(code) = row.code {
            assert_eq!(response.code(), code, "{name}");
        }
        if let Some(allow) = row.allow {
            assert!(
                response.head.contains(&format!("allow: {}\r\n", allow.to_lowercase())),
                "{name}: {}",
                response.head
            );
        }
        for field in ["api-version: 1.0.0\r\n", "cache-control: no-store\r\n", "x-content-type-options: nosniff\r\n"] {
            assert!(response.head.contains(field), "{name}: no {field:?} in {}", response.head);
        }
        let is_padded = (response.head.len() + response.body.len()).is_multiple_of(4_096);
        assert!(is_padded, "{name}: {}", response.head);
        let is_reply = response.head.contains(&format!("content-type: {REPLY}\r\n"));
        assert_eq!(is_reply, row.status == 200 && request.starts_with("POST "), "{name}: {}", response.head);
    }
}

/// An address at which attempts get what is said, one after the other, and the last for ever.
fn address(pki: &Pki, foreign: &Pki, events: Vec<String>) -> String {
    let tls = match events[0].as_str() {
        "no_connection" => return format!("https://127.0.0.1:{}", dead_port()),
        "foreign_certificate" => foreign.server("127.0.0.1", 2099),
        _ => pki.server("127.0.0.1", 2099),
    };
    let next = Mutex::new(0);
    let server = Server::start(Some(tls), move |got| {
        assert_eq!(got.body, b"message");
        let mut next = next.lock().unwrap();
        let event = &events[*next];
        *next = (*next + 1).min(events.len() - 1);
        match event.as_str() {
            // To the carrier, no time for a response and a connection that ends are one thing.
            "closed" | "silent" => Vec::new(),
            response => response.as_bytes().to_vec(),
        }
    });
    server.address()
}

#[test]
fn the_client_does_as_the_vectors_say() {
    let (pki, foreign) = (Pki::new(), Pki::new());
    for row in file().partner {
        let name = row.name;
        let addresses = row.addresses.into_iter().map(|events| address(&pki, &foreign, events)).collect();
        let (carrier, pace) = carrier(&settings(&pki, addresses));
        let ended = carrier.exchange(b"message", HOUR);
        match (row.ends.as_str(), ended) {
            ("reply", Ok(reply)) => assert_eq!(String::from_utf8(reply).ok(), row.body, "{name}"),
            ("stops", Err(CarrierError::Refused { problem, .. })) => assert_eq!(problem, row.code, "{name}"),
            ("stops", Err(CarrierError::Certificate { .. })) => assert_eq!(row.code, None, "{name}"),
            ("waits", Err(CarrierError::Unreachable { .. })) => {}
            (due, ended) => panic!("{name}: {ended:?} is not {due}"),
        }
        let waits = pace.waits();
        let due = row.waits.len();
        assert!(waits.len() == due || row.ends == "waits" && waits.len() > due, "{name}: {waits:?}");
        for (waited, (least, most)) in waits.iter().zip(row.waits) {
            assert!((least..=most).contains(waited), "{name}: waited {waited} seconds, not {least} to {most}");
        }
    }
}

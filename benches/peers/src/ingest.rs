//! Durable ingest of the same flags by the broker, by SQLite and by fjall, in one run.
//!
//! The broker checks signatures, tags pseudonyms and releases. Its peers are handed ready-made rows, by ascending tag
//! in each message, which is in their favour. Each keeps one message durably before it takes the next.
//! `STAPEL_ADDRESSES` and `STAPEL_PARTNERS` as in the broker's own benchmark.
//!
//! The bare HMACs of the tags alone are measured too: what no broker can do without that keeps tags.
//!
//! Prints a line for each: name, flags, seconds, seconds of the processor. `ingest FOLDER` leaves the rows in a folder,
//! for peers that are written in Python.

#[path = "../../workload/mod.rs"]
mod workload;

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::thread;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::Connection;
use sha2::Sha256;
use stapel::Threads;
use stapel_testkit::{DAY, Flag, START};
use workload::{Country, MESSAGE, Manner, Took, deliver, setting, took};

fn main() {
    let country =
        Country { addresses: setting("STAPEL_ADDRESSES", 1_000_000), partners: setting("STAPEL_PARTNERS", 4) as u16 };
    let flags = country.flags();
    let show = |name: &str, took: Took| {
        println!("{name}\t{flags}\t{:.3}\t{:.3}", took.wall.as_secs_f64(), took.processor.as_secs_f64());
    };
    show("stapel", stapel(&country, 1));
    show("stapel-2", stapel(&country, 2));
    let messages = rows(&country);
    show("hmac", hmac(&messages));
    show("fjall", fjall(&messages));
    show("sqlite", sqlite(&messages));
    if let Some(folder) = env::args_os().nth(1) {
        leave(&messages, Path::new(&folder));
    }
}

/// With the messages of so many partners at a time, and a release on as many threads.
fn stapel(country: &Country, at_once: usize) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let broker = country.broker(folder.path());
    let broker = broker.with_threads(Threads::new(at_once).unwrap());
    let mut clients = country.clients(&broker.policy());
    let some = clients.len().div_ceil(at_once);
    let shares: Vec<_> = clients.chunks_mut(some).map(|clients| country.messages(clients, Manner::FullSet)).collect();
    took(|| {
        thread::scope(|scope| {
            for share in &shares {
                scope.spawn(|| deliver(&broker, share, START));
            }
        });
        assert!(broker.release(START.plus(DAY)).unwrap().iter().any(|release| release.full));
    })
}

/// What each message says, with the partner that says it: each partner's first message, each partner's second, and so
/// on.
fn rows(country: &Country) -> Vec<(u16, Vec<Flag>)> {
    let pieces = |partner| country.flagged(partner).chunks(MESSAGE).map(<[Flag]>::to_vec).collect::<Vec<_>>();
    let mut rows = Vec::new();
    for partner in 1..=country.partners {
        for (number, mut piece) in pieces(partner).into_iter().enumerate() {
            piece.sort_unstable();
            rows.push((number, partner, piece));
        }
    }
    rows.sort_by_key(|row| (row.0, row.1));
    rows.into_iter().map(|(_, partner, piece)| (partner, piece)).collect()
}

/// One for each flag, on one core.
fn hmac(messages: &[(u16, Vec<Flag>)]) -> Took {
    let key = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    took(|| {
        for (pseudonym, _) in messages.iter().flat_map(|(_, rows)| rows) {
            let mut mac = key.clone();
            mac.update(pseudonym.expose_bytes());
            black_box(mac.finalize().into_bytes());
        }
    })
}

fn sqlite(messages: &[(u16, Vec<Flag>)]) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = Connection::open(folder.path().join("flags.sqlite")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    let table = "CREATE TABLE flags (tag BLOB, partner INTEGER, first INTEGER, last INTEGER, \
                 PRIMARY KEY (tag, partner)) WITHOUT ROWID";
    connection.execute(table, ()).unwrap();
    took(|| {
        for (partner, rows) in messages {
            let transaction = connection.transaction().unwrap();
            {
                let mut insert =
                    transaction.prepare_cached("INSERT OR REPLACE INTO flags VALUES (?, ?, ?, ?)").unwrap();
                for (tag, last) in rows {
                    insert.execute((tag.expose_bytes(), partner, START.day().0, last.0)).unwrap();
                }
            }
            transaction.commit().unwrap();
        }
    })
}

fn fjall(messages: &[(u16, Vec<Flag>)]) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::builder(folder.path()).open().unwrap();
    let flags = database.keyspace("flags", KeyspaceCreateOptions::default).unwrap();
    took(|| {
        for (partner, rows) in messages {
            let mut batch = database.batch();
            for (tag, last) in rows {
                let mut key = [0; 18];
                key[..16].copy_from_slice(tag.expose_bytes());
                key[16..].copy_from_slice(&partner.to_be_bytes());
                batch.insert(&flags, key, [START.day().0.to_le_bytes(), last.0.to_le_bytes()].concat());
            }
            batch.commit().unwrap();
            database.persist(PersistMode::SyncAll).unwrap();
        }
    })
}

/// Writes a file for each message, `<number>-<partner>.rows`: the tags' upper halves, their lower halves, the last
/// days. Integers are little-endian; a column each, as a database that keeps columns likes them best.
fn leave(messages: &[(u16, Vec<Flag>)], folder: &Path) {
    for (number, (partner, rows)) in messages.iter().enumerate() {
        let half = |from: usize| {
            rows.iter().flat_map(move |(tag, _)| {
                let mut half: [u8; 8] = tag.expose_bytes()[from..from + 8].try_into().unwrap();
                half.reverse();
                half
            })
        };
        let days = rows.iter().flat_map(|(_, last)| last.0.to_le_bytes());
        let columns: Vec<u8> = half(0).chain(half(8)).chain(days).collect();
        fs::write(folder.join(format!("{number:05}-{partner}.rows")), columns).unwrap();
    }
}

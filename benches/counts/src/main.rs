//! The hot paths, each once over made-up rows, for `tests/counts` to count the instructions of.
//!
//! The argument is a path's name; what is printed is the number of its rows. Without one, the names are. What is
//! counted is what [`counted`] does, and nothing that comes before or after it.
//!
//! A harness such as gungraun wants a runner installed beside it, of the same version; a function that Callgrind knows
//! by its name is all that is needed here.
#![allow(clippy::print_stdout, reason = "what it prints is read by tests/counts")]

#[path = "../../workload/mod.rs"]
mod workload;

use std::hint::black_box;

use sha2::{Digest as _, Sha256};
use stapel::message::{Part, Reply};
use stapel::partner::Received;
use stapel::{AddressKey, Broker, Case, Partner, PseudonymKey, Threads, Timestamp};
use stapel_testkit::{Client, DAY, Flag, START};
use tempfile::TempDir;
use workload::addresses::{both_levels, from_fields, from_text, rows, texts};
use workload::{Country, Manner};

/// Addresses that a partner has to do with.
const ROWS: usize = 10_000;

/// The country that a broker serves: so many addresses that its work per flag outweighs that per shard and per message.
const COUNTRY: Country = Country { addresses: 150_000, partners: 4 };

const NEXT_DAY: Timestamp = Timestamp(START.0 + DAY);

/// Does a path's work, and gives the number of its rows.
type Path = fn() -> usize;

const PATHS: [(&str, Path); 11] = [
    ("sha256", sha256),
    ("text", text),
    ("fields", fields),
    ("pseudonyms", pseudonyms),
    ("flag", flag),
    ("deliver", deliver),
    ("accept", accept),
    ("release", release),
    ("ask", ask),
    ("answer", answer),
    ("read", read),
];

fn main() {
    match std::env::args().nth(1) {
        None => PATHS.iter().for_each(|(name, _)| println!("{name}")),
        Some(wanted) => match PATHS.iter().find(|(name, _)| *name == wanted) {
            Some((_, path)) => println!("{}", path()),
            None => panic!("there is no path {wanted}"),
        },
    }
}

/// Has the instructions of `work` counted.
fn measured<T>(work: impl FnOnce() -> T) -> T {
    // glibc merges the small blocks that were freed at the next large request: those of the preparations before the
    // count begins.
    drop(black_box(Vec::<u8>::with_capacity(1 << 20)));
    counted(work)
}

/// Callgrind knows it by its name.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// SHA-256 alone, by which its blocks elsewhere are counted; a row is a block of 64 bytes.
fn sha256() -> usize {
    let mut hash = Sha256::new();
    measured(|| (0..ROWS).for_each(|_| hash.update(black_box([7; 64]))));
    black_box(hash.finalize());
    ROWS
}

/// Text to address keys.
fn text() -> usize {
    let texts = texts(&rows(ROWS));
    measured(|| texts.iter().map(from_text).collect::<Vec<_>>()).len()
}

/// Separate fields to address keys.
fn fields() -> usize {
    let rows = rows(ROWS);
    measured(|| rows.iter().map(from_fields).collect::<Vec<_>>()).len()
}

/// Address keys to the pseudonyms of home and house number.
fn pseudonyms() -> usize {
    let (key, homes) = (key(), homes());
    measured(|| both_levels(&key, &Threads::default(), &homes, |home| *home)).len() / 2
}

/// A partner flags homes: on disk when the call returns.
fn flag() -> usize {
    let mut town = Town::new();
    let homes = homes();
    measured(|| town.partner.flag(&homes, &by(), START).unwrap()).added
}

/// A partner's full set, signed.
fn deliver() -> usize {
    let mut town = Town::new();
    let flagged = town.partner.flag(homes(), &by(), START).unwrap().added;
    assert_eq!(measured(|| town.partner.deliver(START).unwrap()).len(), 1);
    flagged
}

/// A broker accepts full sets, and keeps them in memory.
fn accept() -> usize {
    let broker = COUNTRY.broker_in_memory();
    let messages = COUNTRY.messages(&mut COUNTRY.clients(&broker.policy()), Manner::FullSet);
    let replies: Vec<_> = measured(|| messages.iter().map(|message| broker.handle(message, START)).collect());
    assert!(replies.iter().all(|reply| matches!(stapel_testkit::read(reply), Reply::Receipt(_))));
    COUNTRY.flags() as usize
}

/// A release of flags that are all new.
fn release() -> usize {
    let broker = COUNTRY.broker_in_memory();
    workload::deliver(&broker, &COUNTRY.messages(&mut COUNTRY.clients(&broker.policy()), Manner::FullSet), START);
    assert!(measured(|| broker.release(NEXT_DAY).unwrap()).iter().any(|release| release.full));
    COUNTRY.flags() as usize
}

/// A partner's question, signed, and the journal that says who asks.
fn ask() -> usize {
    let mut town = Town::new();
    let homes = homes();
    assert_eq!(measured(|| town.partner.ask(&homes, &by(), START).unwrap()).len(), 1);
    homes.len()
}

/// A broker answers a question about flags of the asker's own.
fn answer() -> usize {
    let broker = COUNTRY.broker_in_memory();
    let mut clients = COUNTRY.clients(&broker.policy());
    workload::deliver(&broker, &COUNTRY.messages(&mut clients, Manner::FullSet), START);
    broker.release(NEXT_DAY).unwrap();
    let own: Vec<_> = COUNTRY.flagged(1).into_iter().take(ROWS).map(|(pseudonym, _)| pseudonym).collect();
    let question = clients[0].question(&own, NEXT_DAY);
    let reply = measured(|| broker.handle(&question, NEXT_DAY));
    assert!(matches!(stapel_testkit::read(&reply), Reply::Answer(_)));
    own.len()
}

/// A partner reads an answer in which half of its flags are stacked.
fn read() -> usize {
    let mut town = Town::new();
    let homes = homes();
    town.partner.flag(&homes, &by(), START).unwrap();
    town.carry(|partner| partner.deliver(START).unwrap(), START);
    let last_day = town.partner.flags().next().unwrap().last_day;
    let flags: Vec<Flag> =
        key().pseudonyms(&homes[..ROWS / 2]).iter().map(|pseudonym| (*pseudonym, last_day)).collect();
    for client in &mut town.others {
        let message = client.full_set(&flags, Part { number: 1, of: 1 }, START);
        workload::deliver(&town.broker, &[message], START);
    }
    town.broker.release(NEXT_DAY).unwrap();
    let question = town.partner.ask(&homes, &by(), NEXT_DAY).unwrap().remove(0);
    let reply = town.broker.handle(&question, NEXT_DAY);
    let Received::Answer(answer) = measured(|| town.partner.read(&reply, NEXT_DAY).unwrap()) else {
        panic!("a question is answered");
    };
    let stacked = |standing| matches!(standing, stapel::message::Standing::Stacked(_));
    assert_eq!(answer.rows.iter().filter(|(_, standing)| stacked(*standing)).count(), ROWS / 2);
    answer.rows.len()
}

/// A partner, the broker, and the other partners.
struct Town {
    partner: Partner,
    broker: Broker,
    others: Vec<Client>,
    _folder: TempDir,
}

impl Town {
    fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let partner = COUNTRY.partner(folder.path(), 1);
        let broker = COUNTRY.broker_in_memory();
        let others = COUNTRY.clients(&broker.policy()).split_off(1);
        Town { partner, broker, others, _folder: folder }
    }

    fn carry(&mut self, make: impl FnOnce(&mut Partner) -> Vec<Vec<u8>>, now: Timestamp) {
        for message in make(&mut self.partner) {
            let _ = self.partner.read(&self.broker.handle(&message, now), now).unwrap();
        }
    }
}

fn homes() -> Vec<AddressKey> {
    rows(ROWS).iter().map(from_fields).collect()
}

fn key() -> PseudonymKey {
    let file = stapel_testkit::secret(1);
    PseudonymKey::new(&file.secret, &file.scope)
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

//! The broker at work: ingest, release, questions at rest and under load, memory, file, opening.
//!
//! Prints a table. `STAPEL_ADDRESSES` says how large the country is: a million by default; ten million is the
//! Netherlands. `STAPEL_PARTNERS` and `STAPEL_MANNER` (`sets` or `deltas`) say who speaks, and how; 4 and `sets` by
//! default.
#![allow(clippy::print_stdout, missing_docs, reason = "a table is what it makes")]

mod workload;

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use peak_alloc::PeakAlloc;
use sha2::Sha256;
use stapel::{Broker, Threads, Timestamp};
use stapel_testkit::{Client, DAY, Flag, START};
use workload::{Country, Manner, bytes_in, deliver, pseudonym, setting, took};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Bytes of a row in memory, pending or in a store that is in memory: tag, first day, last day, whether it is
/// withdrawn.
const ROW: u64 = 22;

fn main() {
    let country =
        Country { addresses: setting("STAPEL_ADDRESSES", 1_000_000), partners: setting("STAPEL_PARTNERS", 4) as u16 };
    let manner = match std::env::var("STAPEL_MANNER").as_deref() {
        Ok("deltas") => Manner::Deltas,
        _ => Manner::FullSet,
    };
    let folder = tempfile::tempdir().unwrap();
    let mut broker = country.broker(folder.path());
    let mut clients = country.clients(&broker.policy());
    row("addresses, partners, flags", format!("{}, {}, {}", country.addresses, country.partners, country.flags()));
    // Names of parts may be given: `cargo bench --bench broker -- ingest memory`.
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    if ["ingest", "questions", "file"].into_iter().any(wanted) {
        ingest(&broker, &country, &mut clients, manner);
    }
    if wanted("questions") {
        let now = START.plus(2 * DAY);
        for threads in [2, 1] {
            broker = broker.with_threads(Threads::new(threads).unwrap());
            large_question(&broker, &country, &mut clients[0], threads, now);
        }
        questions(&broker, &country, &mut clients, now);
    }
    if wanted("file") {
        file(broker, folder.path(), START.plus(3 * DAY));
    }
    if wanted("memory") {
        memory(&country, manner);
    }
}

/// All flags and their release, on disk; then a tenth of them changed.
fn ingest(broker: &Broker, country: &Country, clients: &mut [Client], manner: Manner) {
    let flags = country.flags();
    let messages = country.messages(clients, manner);
    let delivered = took(|| _ = deliver(broker, &messages, START));
    let released = took(|| release(broker, START.plus(DAY)));
    row("ingest, release included: flags a second", rate(flags, delivered.wall + released.wall));
    row("  messages, a flag", delivered.each(flags));
    row("  release, a flag", released.each(flags));
    let now = START.plus(DAY);
    let changes = changes(clients, country, now);
    row("changes of a tenth, a change", took(|| _ = deliver(broker, &changes, now)).each(flags / 10));
    row("  release, a flag", took(|| release(broker, now.plus(DAY))).each(flags));
}

/// The largest question there is, beside the hashing of its pseudonyms on one core.
fn large_question(broker: &Broker, country: &Country, client: &mut Client, threads: usize, now: Timestamp) {
    let own = country.flagged(1);
    let large = 100_000.min(own.len());
    let key = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    let (mut bare, mut asked) = (Duration::MAX, Duration::MAX);
    for round in 0..10 {
        let message = question(client, &own, large, round, now);
        bare = bare.min(time(|| {
            for (pseudonym, _) in &own[..large] {
                let mut mac = key.clone();
                mac.update(pseudonym.expose_bytes());
                black_box(mac.finalize().into_bytes());
            }
        }));
        asked = asked.min(deliver(broker, &[message], now));
    }
    row(&format!("bare HMAC of {large}: ms"), millis(bare));
    row(&format!("question of {large}, threads {threads}: ms"), millis(asked));
    row("  times the bare HMAC", times(asked, bare));
}

fn questions(broker: &Broker, country: &Country, clients: &mut [Client], now: Timestamp) {
    let own = country.flagged(1);
    let ask = |client: &mut Client, count: usize, from: usize| question(client, &own, count, from, now);
    let messages: Vec<Vec<u8>> = (0..1_000).map(|n| ask(&mut clients[0], 100, n * 7)).collect();
    let rest: Vec<Duration> =
        messages.iter().map(|message| deliver(broker, std::slice::from_ref(message), now)).collect();
    row("questions of 100 a second, one client", rate(1_000, rest.iter().sum()));
    let rest = row_of_times("  ms", rest);

    let askers = clients.len().min(16);
    let each = 4_000 / askers;
    let batches: Vec<Vec<Vec<u8>>> =
        clients[..askers].iter_mut().map(|client| (0..each).map(|n| ask(client, 100, n * 11)).collect()).collect();
    let took = time(|| {
        thread::scope(|scope| {
            for batch in &batches {
                scope.spawn(|| deliver(broker, batch, now));
            }
        });
    });
    row(&format!("questions of 100 a second, {askers} clients"), rate((each * askers) as u64, took));

    // New flags in messages of 100,000, a release of them, and as many again; questions meanwhile.
    let later = now.plus(DAY);
    let clock = AtomicU64::new(now.0);
    let messages: Vec<Vec<u8>> = (0..10_000).map(|n| ask(&mut clients[0], 100, n * 13)).collect();
    let load: Vec<Vec<u8>> = (0..16)
        .map(|message| {
            let fresh =
                |n: u64| (pseudonym(country.addresses * 3 + message * 100_000 + n), own[n as usize % own.len()].1);
            clients[1 + message as usize % 2].delta(&(0..100_000).map(fresh).collect::<Vec<_>>(), &[], now)
        })
        .collect();
    let done = AtomicBool::new(false);
    let (mut busy, mut released) = (Vec::new(), Duration::ZERO);
    thread::scope(|scope| {
        scope.spawn(|| {
            deliver(broker, &load[..12], now);
            released = time(|| release(broker, later));
            clock.store(later.0, Ordering::SeqCst);
            deliver(broker, &load[12..], later);
            done.store(true, Ordering::SeqCst);
        });
        for message in messages.iter().take_while(|_| !done.load(Ordering::SeqCst)) {
            let mut reply = Vec::new();
            let mut took = time(|| reply = broker.handle(message, Timestamp(clock.load(Ordering::SeqCst))));
            while matches!(stapel_testkit::read(&reply), stapel::message::Reply::Rejection(_)) {
                // The release came between the look at the clock and the question: the same bytes are sent again.
                took += time(|| reply = broker.handle(message, later));
            }
            busy.push(took);
        }
    });
    row("questions of 100 while large messages come and a release runs", busy.len().to_string());
    let busy = row_of_times("  ms", busy);
    row("  p99, times that at rest", times(busy, rest));
    row("  that release: seconds", seconds(released));
}

/// A question about `count` of the flags.
fn question(client: &mut Client, flags: &[Flag], count: usize, from: usize, now: Timestamp) -> Vec<u8> {
    let asked: Vec<_> = (0..count).map(|n| flags[(from + n * 31) % flags.len()].0).collect();
    client.question(&asked, now)
}

/// What the store takes, and what it takes to open it.
fn file(broker: Broker, folder: &Path, now: Timestamp) {
    let took = time(|| broker.purge(now).unwrap());
    let status = broker.status();
    let held: u64 = status.epochs[0].partners.iter().map(|partner| u64::from(partner.held)).sum();
    row("file after a purge: bytes a flag", each(bytes_in(&folder.join("broker/store")), held));
    row("  the purge: seconds", seconds(took));
    drop(broker);
    row(&format!("open at {} tags: seconds", status.epochs[0].tags), seconds(time(|| Country::open(folder))));
}

/// What the view holds of the heap: what is let go of when its epoch closes, but for rows, whose size and number are
/// known. The broker is in memory, so that no cache of a file's pages is in it.
fn memory(country: &Country, manner: Manner) {
    for changed in [false, true] {
        let broker = country.broker_in_memory();
        let mut clients = country.clients(&broker.policy());
        deliver(&broker, &country.messages(&mut clients, manner), START);
        let (mut now, mut stored, mut pending) = (START.plus(DAY), country.flags(), country.flags());
        if changed {
            release(&broker, now);
            deliver(&broker, &changes(&mut clients, country, now), now);
            pending = clients.len() as u64 * (country.flags_each() / 20 * 2);
            (now, stored) = (now.plus(DAY), stored + pending);
        }
        HEAP.reset_peak_usage();
        release(&broker, now);
        let (after, most) = (HEAP.current_usage() as u64, HEAP.peak_usage() as u64);
        let tags = broker.status().epochs[0].tags;
        // No clock is accepted past the epoch, and an ordinary release closes it.
        broker.accept_clock(START.plus(363 * DAY)).unwrap();
        broker.release(START.plus(365 * DAY)).unwrap();
        let view = (after - HEAP.current_usage() as u64).saturating_sub(stored * ROW);
        let what = if changed { "a tenth changed" } else { "all flags new" };
        row(&format!("view after a release, {what}: bytes a tag of {tags}"), each(view, tags));
        // Pending rows are let go of at its end.
        row("  at most during it", each((view + most - after).saturating_sub(pending * ROW), tags));
    }
}

/// Makes the release that is due.
fn release(broker: &Broker, now: Timestamp) {
    assert!(broker.release(now).unwrap().iter().any(|release| release.full));
}

/// A delta of each partner that withdraws a twentieth of what it flags, and flags as much anew.
fn changes(clients: &mut [Client], country: &Country, now: Timestamp) -> Vec<Vec<u8>> {
    let change = |client: &mut Client| {
        let flags = country.flagged(client.number);
        let count = flags.len() / 20;
        let withdrawn: Vec<_> = flags[..count].iter().map(|flag| flag.0).collect();
        let fresh = |n: usize| (pseudonym(country.addresses * u64::from(client.number) + n as u64), flags[n].1);
        let flagged: Vec<Flag> = (0..count).map(fresh).collect();
        client.delta(&flagged, &withdrawn, now)
    };
    clients.iter_mut().map(change).collect()
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// Shows the median, the 99th percentile and the longest; gives the second.
fn row_of_times(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    row(&format!("{what}: p50, p99, most"), format!("{}, {}, {}", millis(at(50)), millis(at(99)), millis(at(100))));
    at(99)
}

fn row(what: &str, value: String) {
    println!("| {what} | {value} |");
}

fn rate(count: u64, took: Duration) -> String {
    format!("{:.0}", count as f64 / took.as_secs_f64())
}

fn each(bytes: u64, count: u64) -> String {
    format!("{:.2}", bytes as f64 / count as f64)
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

fn millis(took: Duration) -> String {
    format!("{:.2}", took.as_secs_f64() * 1e3)
}

fn times(a: Duration, b: Duration) -> String {
    format!("{:.2}", a.as_secs_f64() / b.as_secs_f64())
}

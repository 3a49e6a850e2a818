//! A broker among hostile clients over HTTPS: `cargo bench -p stapel-service --bench hostile`.
//!
//! The server is a process of its own, with its bounds as they are by default; only those that are of one address or
//! one certificate are as high as those of all, because all clients here come from one machine. While each kind of
//! hostile client is at work, one good client asks questions on a connection of its own, each answered before the next.
//! What the server has in memory is what Linux says of it: its peak in each part (VmHWM), set back before.
//!
//! Prints a table, and ends with an error where a question was not answered, or where the server ever took more than
//! 192 MiB over what it had at rest.
#![allow(clippy::print_stdout, missing_docs, reason = "a table is what it makes")]

#[allow(dead_code, unreachable_pub, reason = "the tests use the rest")]
#[path = "../service/tests/serving/pki.rs"]
mod pki;

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use stapel::message::Part;
use stapel::{Broker, Timestamp};
use stapel_service::carrier::MESSAGE;
use stapel_service::server::clock::{FrozenForTests, ServiceClock};
use stapel_service::server::{Bounds, Config, Environment, Listen, Place, Serving, Tls};
use stapel_testkit::{
    Client, Consortium, DAY, START, Seeded, code, day, pseudonym, read, signed, stored_keys, write_private,
};

use pki::Authority;

/// Random bodies in all.
const BODIES: usize = 10_000;

/// Connections that send them.
const SENDERS: usize = 8;

/// The longest message.
const LONGEST: usize = 16_778_305;

/// What the server may take over what it had at rest, in KiB.
const MOST: u64 = 192 << 10;

/// Where the server finds its folder, when this program is started as the server.
const FOLDER: &str = "STAPEL_HOSTILE_FOLDER";

fn main() -> ExitCode {
    if let Ok(folder) = env::var(FOLDER) {
        serve(Path::new(&folder));
        return ExitCode::SUCCESS;
    }
    // No budget ends while it is measured.
    let budgets = "[budgets]\nasked_a_day = 1000000\nasked_an_epoch = 1000000000\n";
    let text = Consortium::policy(1).replace("[budgets]\n", budgets);
    let consortium = Consortium::under(&text);
    let authority = Authority::new("Test PKI");
    let server = authority.identity(&[], &["localhost"]);
    for (name, text) in [
        ("tls.pem", server.chain),
        ("tls.key", server.key),
        ("ca.pem", authority.pem()),
        ("ca.crl", authority.crl(&[])),
    ] {
        write_private(&consortium.path(name), text.as_bytes());
    }
    let policy = signed(&text);
    let mut clients = [1, 2, 3, 4, 5].map(|number| Client::new(number, &policy));
    let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
    for client in &mut clients {
        let flags: Vec<_> = (0..10).map(|number| (pseudonym(number), day("2027-01-31"))).collect();
        let message = client.full_set(&flags, Part { number: 1, of: 1 }, START);
        assert_eq!(code(&client.send(&broker, &message, START)), "ok");
    }
    broker.release(now()).unwrap();
    drop(broker);
    let identity = |partner: u16| {
        let organisation =
            policy.policy().organisation(&policy.policy().partner(partner).unwrap().organisation).unwrap();
        authority.client(Some(&authority.identity(&[organisation.oin.as_str()], &[])))
    };
    let town = Town { server: Started::new(&consortium.path("")), identities: [1, 2, 3, 4].map(identity) };
    let [client, ..] = clients;
    let mut good = Good { client, connection: town.connect(1) };
    let mut table = Table::default();

    // Allocators, threads and caches are warm before anything is compared.
    good.ask_for(200);
    table.rest = town.server.resident("VmRSS");
    table.measure("nobody else", &town, &mut good, || {}, |_| ());
    let town = &town;
    let random_bodies = |_: &()| {
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                scope.spawn(move || random_bodies(town, sender as u64));
            }
        });
    };
    table.measure("10,000 random bodies over 8 connections", town, &mut good, || {}, random_bodies);
    table.measure("256 connections half through TLS", town, &mut good, || town.half_open(256), |_| ());
    table.measure("1,000 idle connections", town, &mut good, || town.idle(1_000), |_| ());
    table.measure("128 heads without an end", town, &mut good, || town.heads(128), |_| ());
    table.measure("4 large bodies but for a byte, 4 that wait", town, &mut good, || town.large(), |_| ());
    let all = || (town.half_open(200), town.idle(600), town.heads(64), town.large());
    table.measure("all of these at once", town, &mut good, all, |_| random_bodies(&()));
    thread::sleep(Duration::from_secs(2));
    println!("| nobody else, afterwards | {} | | | |", town.server.resident("VmRSS") >> 10);
    if table.highest <= table.rest + MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The moment at which the broker is asked.
fn now() -> Timestamp {
    START.plus(DAY)
}

/// The rows of the table.
#[derive(Default)]
struct Table {
    /// What the server had at rest, and had at most ever, in KiB.
    rest: u64,
    highest: u64,
}

impl Table {
    /// Has hostile clients begin, then do something while they are there, and a good one ask questions all the while.
    fn measure<T>(
        &mut self,
        what: &str,
        town: &Town,
        good: &mut Good,
        begin: impl FnOnce() -> T,
        then: impl FnOnce(&T) + Send,
    ) where
        T: Sync,
    {
        if self.highest == 0 {
            println!("| | peak, MiB | good: questions | p50, ms | p99, ms |\n|---|---|---|---|---|");
        }
        town.server.forget_peak();
        let is_done = AtomicBool::new(false);
        let mut times = thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut times = Vec::new();
                while !is_done.load(Ordering::SeqCst) || times.len() < 200 {
                    times.extend(good.ask_for(1));
                }
                times
            });
            let hostile = begin();
            then(&hostile);
            is_done.store(true, Ordering::SeqCst);
            asking.join().unwrap()
        });
        let peak = town.server.resident("VmHWM");
        self.highest = self.highest.max(peak);
        times.sort_unstable();
        let at = |percent: usize| format!("{:.2}", times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3);
        println!("| {what} | {} | {} | {} | {} |", peak >> 10, times.len(), at(50), at(99));
    }
}

/// The server, and who connects to it.
struct Town {
    server: Started,
    /// Of partners 1 to 4, each of an organisation.
    identities: [Arc<ClientConfig>; 4],
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Town {
    fn connect(&self, partner: usize) -> Stream {
        let tcp = TcpStream::connect(self.server.address).unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(self.identities[partner - 1].clone(), name).unwrap();
        let mut stream = StreamOwned::new(connection, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
    }

    /// Connections that send the beginning of TLS, and no more.
    fn half_open(&self, count: usize) -> Vec<TcpStream> {
        let open = |_| {
            let mut stream = TcpStream::connect(self.server.address).unwrap();
            stream.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
            stream
        };
        (0..count).map(open).collect()
    }

    /// Connections that sent a message, and send no more.
    fn idle(&self, count: usize) -> Vec<Stream> {
        let open = |at| {
            let mut stream = self.connect(2 + at % 3);
            send(&mut stream, b"no message").unwrap();
            stream
        };
        (0..count).map(open).collect()
    }

    /// Connections that send fields until nobody takes them.
    fn heads(&self, count: usize) -> Vec<Stream> {
        let open = |at| {
            let mut stream = self.connect(2 + at % 3);
            // The server ends it at 32 KiB.
            let _ = stream.write_all(b"POST /v1/zaanstad/messages HTTP/1.1\r\n");
            let _ = stream.write_all("a: b\r\n".repeat(5_000).as_bytes()).and_then(|()| stream.flush());
            stream
        };
        (0..count).map(open).collect()
    }

    /// Large messages of two organisations, as many as may be under way, that lack their last byte; and as many more of
    /// each as may wait.
    fn large(&self) -> Vec<Stream> {
        let begin = |partner| {
            let mut stream = self.connect(partner);
            stream.write_all(head(LONGEST).as_bytes()).unwrap();
            stream.flush().unwrap();
            stream
        };
        let mut under_way: Vec<_> = [2, 2, 3, 3].map(begin).into();
        let waiting = [2, 2, 3, 3].map(begin);
        let body = vec![7; LONGEST - 1];
        for stream in &mut under_way {
            // Those that wait and got in first are not read; they are written to no further than the system takes.
            stream.sock.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
            let _ = stream.write_all(&body).and_then(|()| stream.flush());
        }
        under_way.extend(waiting);
        under_way
    }
}

/// Sends its share of the random bodies, on one connection as long as that lasts.
fn random_bodies(town: &Town, seed: u64) {
    let mut random = Seeded::new(seed);
    let mut stream = town.connect(2 + seed as usize % 3);
    for _ in 0..BODIES / SENDERS {
        // Most are short, as most messages are.
        let longest = if random.below(10) == 0 { 65_536 } else { 2_048 };
        let body: Vec<u8> = (0..random.below(longest)).map(|_| random.byte()).collect();
        if send(&mut stream, &body).is_err() {
            stream = town.connect(2 + seed as usize % 3);
        }
    }
}

/// A client that asks questions.
struct Good {
    client: Client,
    connection: Stream,
}

impl Good {
    /// Asks so many questions, each of ten pseudonyms; what each took.
    fn ask_for(&mut self, count: usize) -> Vec<Duration> {
        let asked: Vec<_> = (0..10).map(pseudonym).collect();
        let mut times = Vec::new();
        for _ in 0..count {
            let question = self.client.question(&asked, now());
            let begun = Instant::now();
            let reply = send(&mut self.connection, &question).unwrap();
            times.push(begun.elapsed());
            assert_eq!(code(&read(&reply)), "ok", "a good client is not served");
        }
        times
    }
}

fn head(length: usize) -> String {
    format!(
        "POST /v1/zaanstad/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: {MESSAGE}\r\ncontent-length: \
         {length}\r\n\r\n"
    )
}

/// Sends a message, and reads the whole of the response; its body.
fn send(stream: &mut Stream, body: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(&[head(body.len()).as_bytes(), body].concat())?;
    stream.flush()?;
    let mut response = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        response.extend_from_slice(&piece[..count]);
        let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&response[..end]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if response.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return Ok(response.split_off(end + 4));
        }
    }
}

/// The server as a process. It ends when its standard input does.
struct Started {
    child: Child,
    address: SocketAddr,
}

impl Started {
    fn new(folder: &Path) -> Started {
        let mut server = Command::new(env::current_exe().unwrap());
        server.env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = server.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Started { child, address: address.trim().parse().unwrap() }
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }

    /// What Linux says of its memory, in KiB.
    fn resident(&self, field: &str) -> u64 {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sets the peak back to what it has now.
    fn forget_peak(&self) {
        fs::write(self.proc("clear_refs"), "5").unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves the consortium in `folder`, and says at which address.
fn serve(folder: &Path) {
    let path = |name: &str| folder.join(name);
    let all = Bounds::default();
    let bounds =
        Bounds { connections_an_oin: all.connections, handshakes_an_address: all.handshakes, ..Bounds::default() };
    let tls = Tls {
        certificate: path("tls.pem"),
        key: path("tls.key"),
        client_ca: vec![path("ca.pem")],
        crls: vec![path("ca.crl")],
    };
    let place = Place::Tls(SocketAddr::from(([127, 0, 0, 1], 0)), tls);
    let config = Config {
        file: path("broker.toml"),
        runtime_dir: path("run"),
        consortia: vec![(path("broker"), path("keys"))],
        listen: vec![Listen { place, oin_header: None, gateway_oins: Vec::new() }],
        bounds,
        monitor: None,
        logboek: None,
    };
    let clock = Arc::new(|| ServiceClock::new(FrozenForTests(now())));
    let environment = Environment { clock, ..Environment::of_machine() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let serving = runtime.block_on(Serving::start(config, environment)).unwrap();
    println!("{}", serving.addresses()[0]);
    let _ = io::stdin().read_to_end(&mut Vec::new());
    runtime.block_on(serving.stop());
}

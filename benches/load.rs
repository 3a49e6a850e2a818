//! A broker under load over HTTPS, beside the same broker asked directly: `cargo bench -p stapel-service --bench load`.
//!
//! 64 partners of 64 organisations, each with a certificate and one connection that is kept (TLS 1.3), say at once what
//! they have to say: questions of 100 pseudonyms, and messages of 100,000 new flags, all signed beforehand. The same
//! broker gets as many such messages through `Broker::handle`, on as many threads as the server handles with. Both in
//! turn, in one run, on one store on disk.
//!
//! The partners share the machine with the broker, so that their work, TLS above all, is in the time over HTTPS: the
//! share of the direct rate is what remains with it. What their threads took of the processor stands apart, and the
//! share by the processor leaves it out: direct, beside what the server took for the same. No log is written.
//!
//! Prints a table, and ends with an error where the median share is under the limit: 50 per cent for questions, 80 for
//! flags. `STAPEL_ROUNDS` says how often (twice; 3 by default), `STAPEL_ADDRESSES` how large the country is.
#![allow(clippy::print_stdout, missing_docs, reason = "a table is what it makes")]

#[allow(dead_code, unreachable_pub, reason = "the tests use the rest")]
#[path = "../service/tests/serving/pki.rs"]
mod pki;
mod workload;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ProtocolVersion, StreamOwned};
use stapel::message::Reply;
use stapel::{Broker, Timestamp};
use stapel_service::carrier::MESSAGE;
use stapel_service::server::clock::{FrozenForTests, ServiceClock};
use stapel_service::server::{Bounds, Config, Environment, Listen, Place, Serving, Tls};
use stapel_testkit::{Client, DAY, START, read, write_private};

use pki::Authority;
use workload::{Country, Manner, Took, deliver, pseudonym, setting, took};

/// Partners, each with a connection.
const PARTNERS: u16 = 64;

/// Questions of each partner in a round.
const QUESTIONS: usize = 50;

/// Messages of each partner, in their order.
type Load = Vec<Vec<Vec<u8>>>;

fn main() -> ExitCode {
    let country = Country { addresses: setting("STAPEL_ADDRESSES", 1_000_000), partners: PARTNERS };
    let rounds = setting("STAPEL_ROUNDS", 3) as usize;
    let folder = tempfile::tempdir().unwrap();
    let broker = country.broker(folder.path());
    let mut clients = country.clients(&broker.policy());
    deliver(&broker, &country.messages(&mut clients, Manner::FullSet), START);
    let now = START.plus(DAY);
    broker.release(now).unwrap();
    let policy = broker.policy();
    drop(broker);

    let authority = Authority::new("Test PKI");
    // Connections are idle while the broker is asked directly; all come from one address.
    let bounds = Bounds { head: Duration::from_secs(3_600), ..Bounds::default() };
    // As many as there can be at once, each partner having one under way.
    let workers = bounds.workers.min(PARTNERS.into());
    let large = bounds.large;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let serving = runtime.block_on(serve(folder.path(), &authority, bounds, now));
    let consortium = serving.server().consortia().values().next().unwrap().clone();
    row("partners, addresses, flags", format!("{PARTNERS}, {}, {}", country.addresses, country.flags()));

    let own: Vec<_> = (1..=PARTNERS).map(|number| country.flagged(number)).collect();
    let question = |client: &mut Client, from: usize| {
        let flags = &own[usize::from(client.number) - 1];
        let asked: Vec<_> = (0..100).map(|n| flags[(from * 7 + n * 31) % flags.len()].0).collect();
        client.question(&asked, now)
    };
    let greetings: Vec<_> = clients.iter_mut().map(|client| question(client, 0)).collect();
    let identities: Vec<_> = (1..=PARTNERS)
        .map(|number| {
            let policy = policy.policy();
            let organisation = policy.organisation(&policy.partner(number).unwrap().organisation).unwrap();
            authority.client(Some(&authority.identity(&[&organisation.oin.to_string()], &[])))
        })
        .collect();
    let before = resident();
    let mut connections: Vec<_> =
        identities.iter().map(|identity| Connection::new(serving.addresses()[0], identity)).collect();
    for (connection, greeting) in connections.iter_mut().zip(&greetings) {
        check(&connection.send(greeting));
    }
    let grown = resident().saturating_sub(before);
    row("64 connections, both ends: KiB each", (grown / 1_024 / u64::from(PARTNERS)).to_string());

    // One partner alone, who waits for nobody.
    let alone: Load = vec![(0..2_000).map(|n| question(&mut clients[0], n)).collect()];
    let asked = Served::of(&mut connections[..1], &alone);
    row_of_times("question of 100, one partner: ms", asked.times);
    let alone: Vec<_> = (0..2_000).map(|n| question(&mut clients[0], n)).collect();
    let times = alone.iter().map(|message| deliver(&consortium.broker, std::slice::from_ref(message), now));
    row_of_times("  directly: ms", times.collect());

    let mut measure = |what: &str, limit: f64, threads: usize, make: &mut dyn FnMut(&mut Client) -> Vec<Vec<u8>>| {
        let mut compared = Compared::default();
        for round in 0..2 * rounds {
            let first: Load = clients.iter_mut().map(&mut *make).collect();
            let second: Load = clients.iter_mut().map(&mut *make).collect();
            compared.messages = first.iter().map(Vec::len).sum();
            let directly = |load: &Load| direct(&consortium.broker, load, threads, now);
            if round % 2 == 0 {
                compared.direct.push(directly(&first));
                compared.served.push(Served::of(&mut connections, &second));
            } else {
                compared.served.push(Served::of(&mut connections, &first));
                compared.direct.push(directly(&second));
            }
        }
        compared.show(what, threads, limit)
    };
    let mut from = 0;
    let mut ask = |client: &mut Client| {
        from += 1;
        (0..QUESTIONS).map(|n| question(client, from * QUESTIONS + n)).collect()
    };
    let answers = measure("questions of 100", 0.5, workers, &mut ask);
    let mut fresh = country.addresses * 3;
    let mut flag = |client: &mut Client| {
        let last_day = own[0][0].1;
        let flags: Vec<_> = (fresh..fresh + 100_000).map(|address| (pseudonym(address), last_day)).collect();
        fresh += 100_000;
        vec![client.delta(&flags, &[], now)]
    };
    let receipts = measure("messages of 100,000 flags", 0.8, large, &mut flag);
    row("all that is in memory in the end, partners too: MiB", (resident() >> 20).to_string());
    drop(connections);
    runtime.block_on(serving.stop());
    if answers && receipts { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Serves the broker in `folder` as `stapel broker serve` does.
async fn serve(folder: &Path, authority: &Authority, bounds: Bounds, now: Timestamp) -> Serving {
    let server = authority.identity(&[], &["localhost"]);
    let write = |name: &str, text: String| {
        write_private(&folder.join(name), text.as_bytes());
        folder.join(name)
    };
    let tls = Tls {
        certificate: write("tls.pem", server.chain),
        key: write("tls.key", server.key),
        client_ca: vec![write("ca.pem", authority.pem())],
        crls: vec![write("ca.crl", authority.crl(&[]))],
    };
    let place = Place::Tls(SocketAddr::from(([127, 0, 0, 1], 0)), tls);
    let config = Config {
        file: folder.join("broker.toml"),
        runtime_dir: folder.join("run"),
        consortia: vec![(folder.join("broker"), folder.join("keys"))],
        listen: vec![Listen { place, oin_header: None, gateway_oins: Vec::new() }],
        bounds,
        monitor: None,
        logboek: None,
    };
    let clock = Arc::new(move || ServiceClock::new(FrozenForTests(now)));
    Serving::start(config, Environment { clock, ..Environment::of_machine() }).await.unwrap()
}

/// Hands all to the broker, each partner's in their order, and says what that took.
fn direct(broker: &Broker, load: &Load, threads: usize, now: Timestamp) -> Took {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut replies = Vec::new();
        while let Some(messages) = load.get(next.fetch_add(1, Ordering::Relaxed)) {
            replies.extend(messages.iter().map(|message| broker.handle(message, now)));
        }
        replies
    };
    let mut replies = Vec::new();
    let took = took(|| {
        thread::scope(|scope| {
            let working: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            replies.extend(working.into_iter().flat_map(|thread| thread.join().unwrap()));
        });
    });
    replies.iter().for_each(|reply| check(reply));
    took
}

/// What it took over HTTPS.
struct Served {
    took: Took,
    /// What the partners' threads took of the processor.
    partners: Duration,
    /// From the first byte of each message to the last of its reply.
    times: Vec<Duration>,
}

impl Served {
    /// Sends each partner's messages over its connection, all partners at once.
    fn of(connections: &mut [Connection], load: &Load) -> Served {
        let mut sent = Vec::new();
        let took = took(|| {
            thread::scope(|scope| {
                let sending: Vec<_> = connections
                    .iter_mut()
                    .zip(load)
                    .map(|(connection, messages)| scope.spawn(|| connection.send_all(messages)))
                    .collect();
                sent.extend(sending.into_iter().map(|thread| thread.join().unwrap()));
            });
        });
        let mut served = Served { took, partners: Duration::ZERO, times: Vec::new() };
        for (replies, processor) in sent {
            served.partners += processor;
            for (reply, took) in replies {
                check(&reply);
                served.times.push(took);
            }
        }
        served
    }
}

/// Rounds of the same work, directly and over HTTPS.
#[derive(Default)]
struct Compared {
    /// In a round, each way.
    messages: usize,
    direct: Vec<Took>,
    served: Vec<Served>,
}

impl Compared {
    /// Shows it; whether the share of the direct rate is the limit at least.
    fn show(self, what: &str, threads: usize, limit: f64) -> bool {
        let messages = self.messages as f64;
        let each = |took: Duration| took.as_secs_f64() * 1e3 / messages;
        let own = |one: &Served| one.took.processor.saturating_sub(one.partners);
        let all = |direct: &[Duration], served: &[Duration]| {
            let share = |(direct, served): (&[Duration], &[Duration])| {
                direct.iter().sum::<Duration>().as_secs_f64() / served.iter().sum::<Duration>().as_secs_f64()
            };
            sorted(direct.chunks(2).zip(served.chunks(2)).map(share))
        };
        let of_direct = |of: fn(&Took) -> Duration| self.direct.iter().map(of).collect::<Vec<_>>();
        let of_served = |of: &dyn Fn(&Served) -> Duration| self.served.iter().map(of).collect::<Vec<_>>();
        let shares = all(&of_direct(|took| took.wall), &of_served(&|served| served.took.wall));
        let by_processor = all(&of_direct(|took| took.processor), &of_served(&own));
        let middle = |all: &[f64]| all[all.len() / 2];
        let range = |all: &[f64]| format!("{:.2} ({:.2} to {:.2})", middle(all), all[0], all[all.len() - 1]);
        let median = |all: Vec<f64>| middle(&sorted(all.into_iter()));
        let rate = |walls: Vec<f64>| format!("{:.1}", messages / median(walls));
        let directly = rate(self.direct.iter().map(|one| one.wall.as_secs_f64()).collect());
        row(&format!("{what}, directly, {threads} threads: a second"), directly);
        row("  over HTTPS: a second", rate(self.served.iter().map(|one| one.took.wall.as_secs_f64()).collect()));
        let processor = |all: Vec<f64>| format!("{:.2}", median(all));
        row("  processor, directly: ms each", processor(self.direct.iter().map(|one| each(one.processor)).collect()));
        row("  processor, server: ms each", processor(self.served.iter().map(|one| each(own(one))).collect()));
        row("  processor, partners: ms each", processor(self.served.iter().map(|one| each(one.partners)).collect()));
        row_of_times(
            "  over HTTPS, all partners at once: ms",
            self.served.into_iter().flat_map(|one| one.times).collect(),
        );
        row("  share by the server's processor", range(&by_processor));
        row("  share of the direct rate", range(&shares));
        let holds = middle(&shares) >= limit;
        row(&format!("  limit {limit:.2}"), if holds { "holds".into() } else { "DOES NOT HOLD".into() });
        holds
    }
}

fn sorted(all: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<_> = all.collect();
    all.sort_by(f64::total_cmp);
    all
}

/// A partner's connection.
struct Connection(StreamOwned<ClientConnection, TcpStream>);

impl Connection {
    fn new(address: SocketAddr, identity: &Arc<rustls::ClientConfig>) -> Connection {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = StreamOwned::new(ClientConnection::new(identity.clone(), name).unwrap(), tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        assert_eq!(stream.conn.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        Connection(stream)
    }

    /// Sends messages, each when the reply to the one before came. The replies, what each took, and what all took
    /// of the processor.
    fn send_all(&mut self, messages: &[Vec<u8>]) -> (Vec<(Vec<u8>, Duration)>, Duration) {
        let before = thread_processor();
        let mut timed = |message: &Vec<u8>| {
            let start = Instant::now();
            let reply = self.send(message);
            (reply, start.elapsed())
        };
        let replies = messages.iter().map(&mut timed).collect();
        (replies, thread_processor() - before)
    }

    /// Sends a message, padded as spec/carrier.md 2 has it, and gives the reply.
    fn send(&mut self, message: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "POST /v1/zaanstad/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: {MESSAGE}\r\ncontent-length: \
             {}\r\npadding: ",
            message.len()
        )
        .into_bytes();
        let unpadded = request.len() + 4 + message.len();
        request.resize(request.len() + unpadded.next_multiple_of(4_096) - unpadded, b'0');
        request.extend_from_slice(b"\r\n\r\n");
        request.extend_from_slice(message);
        self.0.write_all(&request).unwrap();
        self.0.flush().unwrap();

        let mut response = Vec::with_capacity(4_096);
        let mut piece = [0; 4_096];
        let mut end = None;
        loop {
            let count = self.0.read(&mut piece).unwrap();
            assert_ne!(count, 0, "the broker closed the connection");
            response.extend_from_slice(&piece[..count]);
            if end.is_none()
                && let Some(head) = response.windows(4).position(|four| four == b"\r\n\r\n")
            {
                let text = String::from_utf8_lossy(&response[..head]).to_ascii_lowercase();
                assert!(text.starts_with("http/1.1 200 "), "{text}");
                let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                end = Some((head + 4, head + 4 + length.parse::<usize>().unwrap()));
            }
            if let Some((body, end)) = end
                && response.len() >= end
            {
                response.drain(..body);
                return response;
            }
        }
    }
}

/// Every reply is a receipt or an answer.
fn check(reply: &[u8]) {
    match read(reply) {
        Reply::Receipt(_) | Reply::Answer(_) => {}
        Reply::Rejection(rejection) => panic!("{}: {}", rejection.code.as_str(), rejection.sentence),
        _ => panic!("nobody asked for that"),
    }
}

/// What this thread took of the processor so far.
fn thread_processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Bytes of this process that are in memory; Linux says it.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    1_024 * kibibytes.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0)
}

fn row_of_times(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| format!("{:.2}", times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3);
    row(&format!("{what}: p50, p99, most"), format!("{}, {}, {}", at(50), at(99), at(100)));
}

fn row(what: &str, value: String) {
    println!("| {what} | {value} |");
}

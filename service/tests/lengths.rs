//! What whoever sees the channel learns of lengths: spec/carrier.md 2. The lengths of TLS records are read between a
//! partner and a broker that runs.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use stapel::Timestamp;
use stapel::message::{Part, Request};
use stapel_service::client::{Carrier, Settings};
use stapel_testkit::{Client, DAY, START, code, day, numbered, pseudonym, read, write_private};

use crate::serving::Running;

/// The bytes of a TLS 1.3 record besides the plaintext that it has: its head aside, its type and the tag.
const OVERHEAD: usize = 17;

/// Passes one connection on, and keeps what went either way.
struct Tap {
    port: u16,
    up: Arc<Mutex<Vec<u8>>>,
    down: Arc<Mutex<Vec<u8>>>,
    passing: JoinHandle<()>,
}

impl Tap {
    fn new(to: SocketAddr) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (up, down) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let (seen_up, seen_down) = (up.clone(), down.clone());
        let passing = std::thread::spawn(move || {
            let near = listener.accept().unwrap().0;
            let far = TcpStream::connect(to).unwrap();
            let (from_far, to_near) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            let other = std::thread::spawn(move || pass(from_far, to_near, &seen_down));
            pass(near, far, &seen_up);
            other.join().unwrap();
        });
        Tap { port, up, down, passing }
    }

    /// The lengths of the records to the broker and from it, when the connection has ended.
    fn records(self) -> (Vec<usize>, Vec<usize>) {
        self.passing.join().unwrap();
        (lengths(&self.up), lengths(&self.down))
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, seen: &Mutex<Vec<u8>>) {
    let mut piece = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        seen.lock().unwrap().extend_from_slice(&piece[..count]);
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The lengths that the heads of TLS records have.
fn lengths(bytes: &Mutex<Vec<u8>>) -> Vec<usize> {
    let bytes = bytes.lock().unwrap();
    let (mut rest, mut lengths) = (&bytes[..], Vec::new());
    while let [_, _, _, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        lengths.push(length);
        rest = &after[length..];
    }
    lengths
}

/// A broker that answers, a partner of it, and how many records either has sent when TLS is set up.
struct Between {
    running: Running,
    client: Client,
    set_up: (usize, usize),
}

/// When they are: the release was made that the first answers need.
const NOW: Timestamp = Timestamp(START.0 + DAY);

impl Between {
    fn new() -> Between {
        let running = Running::new();
        let broker = running.serving.as_ref().unwrap().server().consortia().values().next().unwrap().clone();
        let mut clients: Vec<_> = (1..=5).map(|number| Client::new(number, &running.policy)).collect();
        for client in &mut clients {
            let full_set = client.full_set(&[(pseudonym(1), day("2027-01-31"))], Part { number: 1, of: 1 }, START);
            assert_eq!(code(&client.send(&broker.broker, &full_set, START)), "ok");
        }
        running.now.store(NOW.0, Ordering::SeqCst);
        broker.broker.release(NOW).unwrap();
        let client = clients.swap_remove(0);
        let identity = running.identity(1);
        std::fs::write(running.path("client.pem"), &identity.chain).unwrap();
        write_private(&running.path("client.key"), identity.key.as_bytes());
        let tap = Tap::new(running.address);
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(running.authority.client(Some(&identity)), name).unwrap();
        let mut stream = StreamOwned::new(session, TcpStream::connect(("127.0.0.1", tap.port)).unwrap());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        let from_broker = lengths(&tap.down).len();
        drop(stream);
        let set_up = (tap.records().0.len(), from_broker);
        Between { running, client, set_up }
    }

    /// The reply to a message, and the lengths of the records that it and its reply were in.
    fn exchange(&self, message: &[u8]) -> (Vec<u8>, (Vec<usize>, Vec<usize>)) {
        let tap = Tap::new(self.running.address);
        let mut settings = Settings::default();
        settings.certificate = Some(self.running.path("client.pem"));
        settings.key = Some(self.running.path("client.key"));
        settings.ca = vec![self.running.path("ca.pem")];
        settings.addresses = vec![format!("https://localhost:{}", tap.port)];
        let carrier = Carrier::new(&settings, &[], &"zaanstad".parse().unwrap()).unwrap();
        let reply = carrier.exchange(message, Duration::ZERO).unwrap();
        let (mut up, mut down) = tap.records();
        (reply, (up.split_off(self.set_up.0), down.split_off(self.set_up.1)))
    }
}

#[test]
fn messages_of_one_size_class_and_their_replies_look_alike() {
    let mut between = Between::new();
    let client = &mut between.client;
    let flags: Vec<_> = (4..=6).map(|number| (pseudonym(number), day("2027-01-31"))).collect();
    let messages = [
        ("delta of 3", client.delta(&flags, &[], NOW)),
        ("question of 1", client.question(&numbered(1..=1), NOW)),
        ("question of 40", client.question(&numbered(1..=40), NOW)),
        ("confirm", client.message(&Request::Confirm, NOW)),
    ];
    let mut seen = Vec::new();
    for (what, message) in &messages {
        let (reply, records) = between.exchange(message);
        assert_eq!(code(&read(&reply)), "ok", "{what}");
        seen.push((what, message.len(), reply.len(), records));
    }
    let lengths: BTreeSet<_> = seen.iter().map(|(_, message, reply, _)| (message, reply)).collect();
    assert_eq!(lengths.len(), seen.len(), "where they are as long, this shows nothing: {seen:?}");
    for (what, _, _, (up, down)) in &seen {
        assert_eq!(up, &[4_096 + OVERHEAD], "{what}: {seen:?}");
        // After the reply, the alert by which TLS ends.
        assert_eq!(down, &[4_096 + OVERHEAD, 2 + OVERHEAD], "{what}: {seen:?}");
    }
}

#[test]
fn records_of_a_large_message_and_of_its_reply_end_where_no_head_does() {
    let mut between = Between::new();
    for count in [70_000, 70_001] {
        let question = between.client.question(&numbered(1..=count), NOW);
        // It is over a budget, which is no matter here.
        let (reply, (up, mut down)) = between.exchange(&question);
        assert_eq!(down.pop(), Some(2 + OVERHEAD));
        for (records, length) in [(up, question.len()), (down, reply.len())] {
            let all: usize = records.iter().map(|record| record - OVERHEAD).sum();
            assert!(all.is_multiple_of(4_096) && (length..length + 8_192).contains(&all), "{length}: {records:?}");
            let full = all / 16_384;
            assert!(records[..full].iter().all(|record| *record == 16_384 + OVERHEAD), "{length}: {records:?}");
            assert!(records.len() - full <= 1, "{length}: {records:?}");
        }
    }
}

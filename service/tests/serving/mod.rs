//! A broker that runs over TLS, and who connects to it.

mod configuration;
mod connecting;
mod exchange;
mod fetched;
mod hostile;
mod monitor;
mod openapi;
mod pages;
pub(crate) mod pki;
mod stops;
mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use stapel::Slug;
use stapel::policy::{Oin, Policy, SignedPolicy};
use stapel_service::carrier::MESSAGE;
use stapel_service::server::clock::{ServiceClock, Source};
use stapel_service::server::operator::{Command, Perform};
use stapel_service::server::{Bounds, Config, Consortium as Opened, Environment, Listen, Place, Serving, Tls};
use stapel_testkit::{Consortium, START, signed, write_private};
use tokio::runtime::Runtime;

use pki::{Authority, Identity};

/// The OIN of the operator's gateway.
pub(crate) const GATEWAY: &str = "00000099000000007000";

/// The moment at which whoever asks what time it is panics.
pub(crate) const BROKEN: u64 = u64::MAX;

/// A machine on which it is the moment that a test says.
#[derive(Clone)]
struct Passing(Arc<AtomicU64>);

impl Source for Passing {
    fn wall(&self) -> Duration {
        let now = self.0.load(Ordering::SeqCst);
        assert_ne!(now, BROKEN, "the clock broke, as a test wants");
        Duration::from_secs(now)
    }

    fn boot(&self) -> Duration {
        self.wall()
    }

    fn is_synchronised(&self) -> bool {
        true
    }
}

/// Whoever has commands is told that there are none.
struct NoCommands;

impl Perform for NoCommands {
    fn perform(&self, _: &Arc<Opened>, _: &Command, _: Box<dyn Write>, _: Box<dyn Write>) -> u8 {
        1
    }
}

/// The consortium of the tests, served.
pub(crate) struct Running {
    pub(crate) consortium: Consortium,
    pub(crate) authority: Authority,
    pub(crate) policy: SignedPolicy,
    pub(crate) serving: Option<Serving>,
    pub(crate) config: Config,
    pub(crate) runtime: Runtime,
    pub(crate) address: SocketAddr,
    /// Seconds since 1970.
    pub(crate) now: Arc<AtomicU64>,
}

impl Running {
    pub(crate) fn new() -> Running {
        Running::bounded(|_| ())
    }

    /// One with other bounds.
    pub(crate) fn bounded(change: impl FnOnce(&mut Bounds)) -> Running {
        Running::under(&Consortium::policy(1), change)
    }

    /// One under another policy.
    pub(crate) fn under(policy: &str, change: impl FnOnce(&mut Bounds)) -> Running {
        let consortium = Consortium::under(policy);
        let authority = Authority::new("Test PKI");
        let path = |name: &str| consortium.path(name);
        let server = authority.identity(&[], &["localhost"]);
        std::fs::write(path("tls.pem"), &server.chain).unwrap();
        write_private(&path("tls.key"), server.key.as_bytes());
        std::fs::write(path("ca.pem"), authority.pem()).unwrap();
        std::fs::write(path("ca.crl"), authority.crl(&[])).unwrap();
        let mut bounds = Bounds::default();
        change(&mut bounds);
        let tls = Tls {
            certificate: path("tls.pem"),
            key: path("tls.key"),
            client_ca: vec![path("ca.pem")],
            crls: vec![path("ca.crl")],
        };
        let listen = Listen {
            place: Place::Tls("127.0.0.1:0".parse().unwrap(), tls),
            oin_header: Some("fsc-oin".parse().unwrap()),
            gateway_oins: vec![GATEWAY.parse().unwrap()],
        };
        let socket = Listen { place: Place::Socket(path("socket")), gateway_oins: Vec::new(), ..listen.clone() };
        let config = Config {
            file: path("broker.toml"),
            runtime_dir: path("run"),
            consortia: vec![(path("broker"), path("keys"))],
            listen: vec![listen, socket],
            bounds,
            monitor: None,
            logboek: None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let now = Arc::new(AtomicU64::new(START.0));
        let serving = runtime.block_on(Serving::start(config.clone(), environment(&now))).unwrap();
        let address = serving.addresses()[0];
        let policy = signed(policy);
        Running { consortium, authority, policy, serving: Some(serving), config, runtime, address, now }
    }

    pub(crate) fn reload(&mut self) -> Result<(), String> {
        let config = self.config.clone();
        let serving = self.serving.as_mut().unwrap();
        self.runtime.block_on(async { serving.reload(config) }).map_err(|error| error.to_string())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.consortium.path(name)
    }

    /// The OIN of a partner's organisation.
    pub(crate) fn oin(&self, partner: u16) -> String {
        oin(self.policy.policy(), partner).to_string()
    }

    /// A certificate of a partner's organisation.
    pub(crate) fn identity(&self, partner: u16) -> Identity {
        self.authority.identity(&[&self.oin(partner)], &[])
    }

    /// A connection of a partner.
    pub(crate) fn connect(&self, partner: u16) -> Connection {
        self.connect_as(Some(&self.identity(partner)))
    }

    pub(crate) fn connect_as(&self, identity: Option<&Identity>) -> Connection {
        self.connect_with(self.authority.client(identity))
    }

    pub(crate) fn connect_with(&self, tls: Arc<ClientConfig>) -> Connection {
        let tcp = TcpStream::connect(self.address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Connection(StreamOwned::new(ClientConnection::new(tls, name).unwrap(), tcp))
    }
}

/// The clock that a test sets, and no commands.
fn environment(now: &Arc<AtomicU64>) -> Environment {
    let clock = Passing(now.clone());
    let clock = Arc::new(move || ServiceClock::new(clock.clone()));
    Environment { clock, operator: Some(Arc::new(NoCommands)) }
}

/// The OIN of a partner's organisation.
fn oin(policy: &Policy, partner: u16) -> Oin {
    let organisation: &Slug = &policy.partner(partner).unwrap().organisation;
    policy.organisation(organisation).unwrap().oin
}

/// A connection on which a test writes what it likes.
pub(crate) struct Connection(pub(crate) StreamOwned<ClientConnection, TcpStream>);

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The code of its problem, or "ok".
    pub(crate) fn code(&self) -> String {
        if self.status == 200 {
            return "ok".to_owned();
        }
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// The head of a message.
pub(crate) fn head(length: usize) -> String {
    format!(
        "POST /v1/zaanstad/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MESSAGE}\r\nContent-Length: \
         {length}\r\n\r\n"
    )
}

impl Connection {
    /// Writes bytes, if the other end takes them.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).and_then(|()| self.0.flush()).is_ok()
    }

    /// The head of the next response, in small letters; `None` where the connection ended.
    pub(crate) fn read_head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if !matches!(self.0.read(&mut byte), Ok(1)) {
                return None;
            }
            head.push(byte[0]);
        }
        Some(String::from_utf8(head).unwrap().to_ascii_lowercase())
    }

    /// The next response; `None` where the connection ended.
    pub(crate) fn read(&mut self) -> Option<Response> {
        let head = self.read_head()?;
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let status = head[9..12].parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        Some(Response { status, head, body })
    }

    /// Sends bytes, and reads the response.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> Option<Response> {
        self.write(bytes);
        self.read()
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &[u8]) -> Option<Response> {
        self.write(head(message.len()));
        self.say(message)
    }
}

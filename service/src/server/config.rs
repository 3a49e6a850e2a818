//! `broker.toml`: which consortia one process serves, and where it listens. It is read strictly: unknown keys are
//! refused.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use axum::http::HeaderName;
use serde::Deserialize;
use stapel::policy::Oin;
use stapel::shown_path;
use toml::Spanned;

use crate::logboek::LogboekSettings;

/// What `broker.toml` says.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// Where the operator's sockets are.
    pub runtime_dir: PathBuf,
    /// The folders of the consortia, and those of their keys.
    pub consortia: Vec<(PathBuf, PathBuf)>,
    /// Where it listens.
    pub listen: Vec<Listen>,
    /// What it allows at once, and how long it waits.
    pub bounds: Bounds,
    /// Where a monitor asks; `None` where it cannot.
    pub monitor: Option<MonitorAt>,
    /// The Logboek Dataverwerkingen to which its log is sent as records; `None` where it is to none.
    pub logboek: Option<LogboekSettings>,
}

/// Where a monitor asks how the service is.
#[derive(Clone, Debug)]
pub struct MonitorAt {
    /// The address, at which there is no TLS.
    pub address: SocketAddr,
    /// The file of the token that a monitor gives. Without it the address is of this machine alone.
    pub token: Option<PathBuf>,
}

/// A place where the broker listens.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The place.
    pub place: Place,
    /// The field in which a gateway hands on the OIN that it has authenticated.
    pub oin_header: Option<HeaderName>,
    /// The OINs of gateways' own certificates, from which the field is taken over TLS.
    pub gateway_oins: Vec<Oin>,
}

/// Where and how.
#[derive(Clone, Debug)]
pub enum Place {
    /// TLS on a TCP port.
    Tls(SocketAddr, Tls),
    /// A Unix socket, for a gateway on the same machine.
    Socket(PathBuf),
}

impl Place {
    fn is_that_of(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Tls(one, _), Place::Tls(other, _)) => is_one(*one, *other),
            (Place::Socket(one), Place::Socket(other)) => one == other,
            _ => false,
        }
    }
}

/// Whether two addresses cannot both be listened on: 0.0.0.0 and [::] are all those of their family. Port 0 is another
/// port each time.
fn is_one(one: SocketAddr, other: SocketAddr) -> bool {
    let is_all = one.ip().is_unspecified() || other.ip().is_unspecified();
    let is_same_ip = one.ip() == other.ip() || (is_all && one.is_ipv4() == other.is_ipv4());
    one.port() == other.port() && one.port() != 0 && is_same_ip
}

/// The files of TLS, each in PEM, revocation lists in DER too.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The broker's certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// The authorities that partners' certificates are checked against.
    pub client_ca: Vec<PathBuf>,
    /// Their revocation lists.
    pub crls: Vec<PathBuf>,
}

/// What a broker allows at once, and how long it waits. spec/carrier.md 3 has the least that a broker allows.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections that are through with TLS.
    pub connections: usize,
    /// Of those, of one OIN; gateways are not counted.
    pub connections_an_oin: usize,
    /// Connections that are not yet through with TLS.
    pub handshakes: usize,
    /// Of those, from one network address.
    pub handshakes_an_address: usize,
    /// Small messages under way, and what is fetched. The last quarter is for organisations that have none of them
    /// under way.
    pub small: usize,
    /// Of those, of one organisation, or of an OIN that several share.
    pub small_an_organisation: usize,
    /// Large messages under way. The last quarter, at least one, is for organisations that have none of them under way.
    pub large: usize,
    /// Of those, of one organisation, or of an OIN that several share.
    pub large_an_organisation: usize,
    /// Large messages of one organisation that wait.
    pub large_waiting: usize,
    /// How long one waits.
    pub large_wait: Duration,
    /// Small messages and what is fetched that are at work at once, a thread each.
    pub workers: usize,
    /// Threads for large batches and releases, a consortium.
    pub threads: usize,
    /// How long TLS may take.
    pub handshake: Duration,
    /// How long a request's head may take, and a connection may be idle.
    pub head: Duration,
    /// The time in which at least [`Bounds::body_least`] bytes of a body must come, again and again.
    pub body_window: Duration,
    /// The least bytes of a body in each [`Bounds::body_window`].
    pub body_least: usize,
    /// How long a body may take as a whole, and a reply to be taken.
    pub whole: Duration,
    /// The time in which at least [`Bounds::write_least`] bytes of a response must be taken, again and again.
    pub write_window: Duration,
    /// The least bytes of a response that are taken in each [`Bounds::write_window`].
    pub write_least: usize,
    /// The longest life of a connection; the request that it is at is ended first.
    pub life: Duration,
    /// How long what is in flight may take when the broker stops.
    pub stop: Duration,
}

impl Default for Bounds {
    fn default() -> Bounds {
        let seconds = Duration::from_secs;
        Bounds {
            connections: 1_024,
            connections_an_oin: 64,
            handshakes: 256,
            handshakes_an_address: 32,
            small: 256,
            small_an_organisation: 64,
            large: 4,
            large_an_organisation: 2,
            large_waiting: 2,
            large_wait: seconds(60),
            // As many as may be under way: what changes flags waits in its thread while a release is made, for minutes,
            // and questions of others must find a thread meanwhile.
            workers: 256,
            threads: available_parallelism().map_or(1, |count| count.get()),
            handshake: seconds(10),
            head: seconds(10),
            body_window: seconds(10),
            body_least: 65_536,
            whole: seconds(300),
            write_window: seconds(10),
            write_least: 16_384,
            life: seconds(3_600),
            stop: seconds(60),
        }
    }
}

/// What is wrong with `broker.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, where it is one's.
    pub line: Option<usize>,
    /// What was found, and what to do.
    pub finding: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", shown_path(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.finding)
    }
}

impl std::error::Error for ConfigError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    runtime_dir: Option<PathBuf>,
    #[serde(default)]
    consortium: Vec<RawConsortium>,
    #[serde(default)]
    listen: Vec<Spanned<RawListen>>,
    bounds: Option<RawBounds>,
    monitor: Option<RawMonitor>,
    logboek: Option<LogboekSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMonitor {
    address: Spanned<String>,
    token: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConsortium {
    folder: Spanned<PathBuf>,
    keys: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListen {
    address: Option<Spanned<String>>,
    socket: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default)]
    client_ca: Vec<PathBuf>,
    #[serde(default)]
    crls: Vec<PathBuf>,
    oin_header: Option<Spanned<String>>,
    #[serde(default)]
    gateway_oins: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBounds {
    connections: Option<Spanned<usize>>,
    connections_an_oin: Option<Spanned<usize>>,
    handshakes: Option<Spanned<usize>>,
    handshakes_an_address: Option<Spanned<usize>>,
    small: Option<Spanned<usize>>,
    small_an_organisation: Option<Spanned<usize>>,
    large: Option<Spanned<usize>>,
    large_an_organisation: Option<Spanned<usize>>,
    large_waiting: Option<Spanned<usize>>,
    workers: Option<Spanned<usize>>,
    threads: Option<Spanned<usize>>,
    stop_seconds: Option<Spanned<usize>>,
}

/// The most of anything that is counted: more is a slip of the pen.
const MOST: usize = 100_000;

impl Config {
    /// Reads `broker.toml`. Paths in it are taken from its folder on.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it; [`check`](super::check) says all.
    pub fn read(file: &Path) -> Result<Config, ConfigError> {
        Config::sound(Config::read_all(file))
    }

    /// The same, of a text.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        Config::sound(Config::parse_all(file, text))
    }

    fn sound((config, wrong): (Config, Vec<ConfigError>)) -> Result<Config, ConfigError> {
        wrong.into_iter().next().map_or(Ok(config), Err)
    }

    /// What could be read of `broker.toml`, and all that is wrong with it. It can be served where nothing is.
    pub(super) fn read_all(file: &Path) -> (Config, Vec<ConfigError>) {
        match fs::read_to_string(file) {
            Ok(text) => Config::parse_all(file, &text),
            Err(error) => {
                let finding = format!("cannot be read: {error}; name the file with --config");
                (Config::empty(file), vec![ConfigError { file: file.to_owned(), line: None, finding }])
            }
        }
    }

    fn empty(file: &Path) -> Config {
        let (file, runtime_dir) = (file.to_owned(), "/run/stapel".into());
        Config {
            file,
            runtime_dir,
            consortia: Vec::new(),
            listen: Vec::new(),
            bounds: Bounds::default(),
            monitor: None,
            logboek: None,
        }
    }

    fn parse_all(file: &Path, text: &str) -> (Config, Vec<ConfigError>) {
        let folder = file.parent().unwrap_or(Path::new(""));
        let reader = Reader { file, text, folder, wrong: RefCell::default() };
        let mut config = Config::empty(file);
        match toml::from_str::<Raw>(text) {
            Ok(raw) => reader.config(raw, &mut config),
            Err(error) => reader.note(error.span(), error.message()),
        }
        (config, reader.wrong.into_inner())
    }
}

/// Reads one file, and notes all that is wrong with it.
struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    folder: &'a Path,
    wrong: RefCell<Vec<ConfigError>>,
}

impl Reader<'_> {
    fn note(&self, span: Option<Range<usize>>, finding: impl Into<String>) {
        let line_of = |span: Range<usize>| {
            let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
            before.iter().filter(|byte| **byte == b'\n').count() + 1
        };
        let error = ConfigError { file: self.file.to_owned(), line: span.map(line_of), finding: finding.into() };
        self.wrong.borrow_mut().push(error);
    }

    fn config(&self, raw: Raw, config: &mut Config) {
        if raw.consortium.is_empty() {
            self.note(None, "names no consortium: add [[consortium]] with folder = \"...\"");
        }
        if raw.listen.is_empty() {
            self.note(None, "listens nowhere: add [[listen]] with address = \"0.0.0.0:443\"");
        }
        if let Some(folder) = raw.runtime_dir {
            config.runtime_dir = self.path(&folder);
        }
        for RawConsortium { folder, keys } in raw.consortium {
            let path = self.path(folder.get_ref());
            if config.consortia.iter().any(|(there, _)| *there == path) {
                self.note(Some(folder.span()), "consortium.folder is there twice: take one away");
                continue;
            }
            let keys = keys.map_or_else(|| path.join("keys"), |keys| self.path(&keys));
            config.consortia.push((path, keys));
        }
        for one in raw.listen {
            let span = one.span();
            let Some(listen) = self.listen(one) else { continue };
            if config.listen.iter().any(|there| there.place.is_that_of(&listen.place)) {
                self.note(Some(span.clone()), "two [[listen]] have one address or socket: take one away");
            }
            config.listen.push(listen);
        }
        config.bounds = self.bounds(raw.bounds.unwrap_or_default());
        config.monitor = raw.monitor.map(|monitor| {
            let span = monitor.address.span();
            let monitor = self.monitor(monitor);
            let is_taken = |listen: &Listen| matches!(&listen.place, Place::Tls(at, _) if is_one(*at, monitor.address));
            if config.listen.iter().any(is_taken) {
                self.note(Some(span), "[monitor] and a [[listen]] have one address: give the monitor another port");
            }
            monitor
        });
        config.logboek = raw.logboek.map(|logboek| logboek.from_folder(self.folder));
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// A place, with what could be read of it; `None` where it is none.
    fn listen(&self, raw: Spanned<RawListen>) -> Option<Listen> {
        let whole = raw.span();
        let raw = raw.into_inner();
        let oin_header = raw.oin_header.as_ref().and_then(|name| {
            let parsed = HeaderName::from_bytes(name.get_ref().as_bytes()).ok();
            if parsed.is_none() {
                self.note(Some(name.span()), "listen.oin_header is no name of a field: letters and -");
            }
            parsed
        });
        let mut gateway_oins = Vec::new();
        for oin in &raw.gateway_oins {
            match oin.get_ref().parse() {
                Ok(parsed) => gateway_oins.push(parsed),
                Err(_) => self.note(Some(oin.span()), "listen.gateway_oins has what is no OIN: 20 digits each"),
            }
        }
        let place = match (&raw.address, &raw.socket) {
            (Some(address), None) => {
                if raw.oin_header.is_some() == raw.gateway_oins.is_empty() {
                    let finding = "listen.oin_header and listen.gateway_oins, of the gateways' own certificates, stand \
                                   together at an address: give both or neither";
                    self.note(Some(whole.clone()), finding);
                }
                Place::Tls(self.address(address, "listen"), self.tls(&raw, &whole))
            }
            (None, Some(socket)) => {
                let is_tls = raw.certificate.is_some() || raw.key.is_some();
                if is_tls || !raw.client_ca.is_empty() || !raw.crls.is_empty() || !raw.gateway_oins.is_empty() {
                    let finding = "[[listen]] has a socket, over which there is no TLS: take certificate, key, \
                                   client_ca, crls and gateway_oins away, or give an address";
                    self.note(Some(whole.clone()), finding);
                }
                if raw.oin_header.is_none() {
                    let finding = "[[listen]] has a socket and no oin_header, without which nobody is admitted: name \
                                   the field in which the gateway hands on the OIN";
                    self.note(Some(whole), finding);
                }
                Place::Socket(self.path(socket))
            }
            _ => {
                self.note(Some(whole), "[[listen]] is at an address or at a socket: name either, and not both");
                return None;
            }
        };
        Some(Listen { place, oin_header, gateway_oins })
    }

    fn monitor(&self, raw: RawMonitor) -> MonitorAt {
        let address = self.address(&raw.address, "monitor");
        if raw.token.is_none() && raw.address.get_ref().parse().is_ok_and(|at: SocketAddr| !at.ip().is_loopback()) {
            let finding = "monitor.address is not of this machine alone: give a token, or an address of 127.0.0.1";
            self.note(Some(raw.address.span()), finding);
        }
        MonitorAt { address, token: raw.token.map(|token| self.path(&token)) }
    }

    fn address(&self, address: &Spanned<String>, of: &str) -> SocketAddr {
        address.get_ref().parse().unwrap_or_else(|_| {
            let finding = format!("{of}.address is no address and port, such as 0.0.0.0:443 or [::]:443");
            self.note(Some(address.span()), finding);
            // It is never listened on: something is wrong with the file.
            SocketAddr::from(([0, 0, 0, 0], 0))
        })
    }

    fn tls(&self, raw: &RawListen, whole: &Range<usize>) -> Tls {
        let lacks = |key: &str| self.note(Some(whole.clone()), format!("[[listen]] has an address and no {key}"));
        if raw.certificate.is_none() {
            lacks("certificate");
        }
        if raw.key.is_none() {
            lacks("key");
        }
        if raw.client_ca.is_empty() {
            lacks("client_ca, the files of the authorities of partners' certificates");
        }
        Tls {
            certificate: raw.certificate.as_deref().map(|path| self.path(path)).unwrap_or_default(),
            key: raw.key.as_deref().map(|path| self.path(path)).unwrap_or_default(),
            client_ca: raw.client_ca.iter().map(|path| self.path(path)).collect(),
            crls: raw.crls.iter().map(|path| self.path(path)).collect(),
        }
    }

    fn bounds(&self, raw: RawBounds) -> Bounds {
        let mut bounds = Bounds::default();
        let mut stop = bounds.stop.as_secs() as usize;
        let all = [
            (raw.connections, &mut bounds.connections, "connections"),
            (raw.connections_an_oin, &mut bounds.connections_an_oin, "connections_an_oin"),
            (raw.handshakes, &mut bounds.handshakes, "handshakes"),
            (raw.handshakes_an_address, &mut bounds.handshakes_an_address, "handshakes_an_address"),
            (raw.small, &mut bounds.small, "small"),
            (raw.small_an_organisation, &mut bounds.small_an_organisation, "small_an_organisation"),
            (raw.large, &mut bounds.large, "large"),
            (raw.large_an_organisation, &mut bounds.large_an_organisation, "large_an_organisation"),
            (raw.large_waiting, &mut bounds.large_waiting, "large_waiting"),
            (raw.workers, &mut bounds.workers, "workers"),
            (raw.threads, &mut bounds.threads, "threads"),
            (raw.stop_seconds, &mut stop, "stop_seconds"),
        ];
        for (given, bound, key) in all {
            let Some(given) = given else { continue };
            if !(1..=MOST).contains(given.get_ref()) {
                self.note(Some(given.span()), format!("bounds.{key} is from 1 to {MOST}"));
                continue;
            }
            *bound = given.into_inner();
        }
        bounds.stop = Duration::from_secs(stop as u64);
        bounds
    }
}

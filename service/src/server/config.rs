//! `broker.toml`: which consortia one process serves, and where it listens. It is read strictly: unknown keys are
//! refused.

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
    /// The first thing that is wrong with it.
    pub fn read(file: &Path) -> Result<Config, ConfigError> {
        let text = fs::read_to_string(file).map_err(|error| ConfigError {
            file: file.to_owned(),
            line: None,
            finding: format!("cannot be read: {error}; name the file with --config"),
        })?;
        Config::parse(file, &text)
    }

    /// The same, of a text.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
        let reader = Reader { file, text, folder: file.parent().unwrap_or(Path::new("")) };
        let raw: Raw = toml::from_str(text).map_err(|error| reader.refuse(error.span(), error.message()))?;
        if raw.consortium.is_empty() {
            return Err(reader.refuse(None, "names no consortium: add [[consortium]] with folder = \"...\""));
        }
        if raw.listen.is_empty() {
            return Err(reader.refuse(None, "listens nowhere: add [[listen]] with address = \"0.0.0.0:443\""));
        }
        let mut consortia: Vec<(PathBuf, PathBuf)> = Vec::new();
        for RawConsortium { folder, keys } in raw.consortium {
            let path = reader.path(folder.get_ref());
            if consortia.iter().any(|(there, _)| *there == path) {
                return Err(reader.refuse(Some(folder.span()), "consortium.folder is there twice: take one away"));
            }
            let keys = keys.map_or_else(|| path.join("keys"), |keys| reader.path(&keys));
            consortia.push((path, keys));
        }
        let listen = raw.listen.into_iter().map(|one| reader.listen(one)).collect::<Result<_, _>>()?;
        Ok(Config {
            file: file.to_owned(),
            runtime_dir: raw.runtime_dir.map_or_else(|| "/run/stapel".into(), |path| reader.path(&path)),
            consortia,
            listen,
            bounds: reader.bounds(raw.bounds.unwrap_or_default())?,
        })
    }
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    folder: &'a Path,
}

impl Reader<'_> {
    fn refuse(&self, span: Option<Range<usize>>, finding: impl Into<String>) -> ConfigError {
        let line_of = |span: Range<usize>| {
            self.text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count() + 1
        };
        ConfigError { file: self.file.to_owned(), line: span.map(line_of), finding: finding.into() }
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    fn listen(&self, raw: Spanned<RawListen>) -> Result<Listen, ConfigError> {
        let whole = raw.span();
        let raw = raw.into_inner();
        let lacks = |key: &str| self.refuse(Some(whole.clone()), format!("[[listen]] has an address and no {key}"));
        let oin_header = match &raw.oin_header {
            None => None,
            Some(name) => {
                let wrong = || self.refuse(Some(name.span()), "listen.oin_header is no name of a field: letters and -");
                Some(HeaderName::from_bytes(name.get_ref().as_bytes()).map_err(|_| wrong())?)
            }
        };
        let mut gateway_oins = Vec::new();
        for oin in &raw.gateway_oins {
            let wrong = |_| self.refuse(Some(oin.span()), "listen.gateway_oins has what is no OIN: 20 digits each");
            gateway_oins.push(oin.get_ref().parse().map_err(wrong)?);
        }
        let place = match (&raw.address, &raw.socket) {
            (Some(address), None) => {
                let finding = "listen.address is no address and port, such as 0.0.0.0:443 or [::]:443";
                let parsed = address.get_ref().parse().map_err(|_| self.refuse(Some(address.span()), finding))?;
                if oin_header.is_some() == gateway_oins.is_empty() {
                    let finding = "listen.oin_header and listen.gateway_oins, of the gateways' own certificates, stand \
                                   together at an address: give both or neither";
                    return Err(self.refuse(Some(whole), finding));
                }
                let tls = Tls {
                    certificate: self.path(raw.certificate.as_deref().ok_or_else(|| lacks("certificate"))?),
                    key: self.path(raw.key.as_deref().ok_or_else(|| lacks("key"))?),
                    client_ca: raw.client_ca.iter().map(|path| self.path(path)).collect(),
                    crls: raw.crls.iter().map(|path| self.path(path)).collect(),
                };
                if tls.client_ca.is_empty() {
                    return Err(lacks("client_ca, the files of the authorities of partners' certificates"));
                }
                Place::Tls(parsed, tls)
            }
            (None, Some(socket)) => {
                let is_tls = raw.certificate.is_some() || raw.key.is_some();
                if is_tls || !raw.client_ca.is_empty() || !raw.crls.is_empty() || !gateway_oins.is_empty() {
                    let finding = "[[listen]] has a socket, over which there is no TLS: take certificate, key, \
                                   client_ca, crls and gateway_oins away, or give an address";
                    return Err(self.refuse(Some(whole), finding));
                }
                if oin_header.is_none() {
                    let finding = "[[listen]] has a socket and no oin_header, without which nobody is admitted: name \
                                   the field in which the gateway hands on the OIN";
                    return Err(self.refuse(Some(whole), finding));
                }
                Place::Socket(self.path(socket))
            }
            _ => return Err(self.refuse(Some(whole), "[[listen]] has one of address and socket")),
        };
        Ok(Listen { place, oin_header, gateway_oins })
    }

    fn bounds(&self, raw: RawBounds) -> Result<Bounds, ConfigError> {
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
                return Err(self.refuse(Some(given.span()), format!("bounds.{key} is from 1 to {MOST}")));
            }
            *bound = given.into_inner();
        }
        bounds.stop = Duration::from_secs(stop as u64);
        Ok(bounds)
    }
}

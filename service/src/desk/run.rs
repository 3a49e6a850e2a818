//! A desk that listens, on a socket and perhaps on a loopback address, until it is told to stop.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sd_notify::NotifyState;
use stapel::register::{Register, RegisterError};
use stapel::shown_path;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::Desk;
use super::routes::{Door, Server};
use crate::client::{PagesSettings, ServeSettings};
use crate::connection::{next, serve, stopped};
use crate::local::{Token, bind_socket, remedy_of};
use crate::pace::Paced;
use crate::pages::{ListeningPages, PagesError};
use crate::places::{Place, Places};
use crate::pulse::Pulse;
use crate::systemd;

/// The most connections. Where there are so many, one that is silent gives way to whoever comes.
const CONNECTIONS: usize = 1_024;

/// The most at the loopback address, at which whoever has no token may connect too.
const LOOPBACK_CONNECTIONS: usize = 64;

/// How long a head may take to come, also of the next request of a connection.
const LONGEST_HEAD: Duration = Duration::from_secs(60);

/// The time in which at least [`LEAST_TAKEN`] bytes of a response must be taken, again and again.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// The least bytes of a response that are taken in each [`TAKEN_WITHIN`].
const LEAST_TAKEN: usize = 16_384;

/// How long the partner's state may take to be written at the end.
const LONGEST_SAVE: Duration = Duration::from_secs(5);

/// How long what is under way may take once it was told to stop.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// How often it is tried whether the partner is to be had.
const TRIED_EVERY: Duration = Duration::from_secs(15);

/// The threads of calls, and some that look after the rest.
const THREADS: usize = 96;

/// Why a desk does not listen, or what was not taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The settings are wrong.
    #[error("[serve]: {0}")]
    Settings(String),
    /// The token cannot be used.
    #[error("{}: {finding}", shown_path(.path))]
    Token {
        /// Its file.
        path: PathBuf,
        /// What was found, and what would help.
        finding: String,
    },
    /// The register cannot be used.
    #[error("{}: {error}", shown_path(.path))]
    Register {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: RegisterError,
    },
    /// It cannot listen.
    #[error("cannot listen on {place}: {error}; {}", remedy_of(.error))]
    Listen {
        /// Where.
        place: String,
        /// Why.
        error: io::Error,
    },
    /// The pages for people cannot be served.
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// The process lacks what it runs on.
    #[error("cannot begin: {0}")]
    System(#[from] io::Error),
}

impl ServeError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ServeError::Settings(_) | ServeError::Token { .. } => "configuration",
            ServeError::Register { error, .. } => error.code(),
            ServeError::Listen { .. } | ServeError::System(_) => "serve",
            ServeError::Pages(error) => error.code(),
        }
    }
}

/// A desk that listens, within a tokio runtime.
pub struct Listening {
    server: Arc<Server>,
    socket: PathBuf,
    /// The places that the settings named.
    places: (Option<PathBuf>, Option<SocketAddr>),
    address: Option<SocketAddr>,
    token: Option<Arc<ArcSwap<Token>>>,
    stop: watch::Sender<bool>,
    gone: mpsc::Receiver<()>,
    /// When the partner was last to be had.
    partner: Pulse,
}

/// What ends connections, after the request that they are at.
#[derive(Clone)]
struct Ends {
    stop: watch::Receiver<bool>,
    /// Held until the connection is gone.
    _alive: mpsc::Sender<()>,
}

impl Listening {
    /// Listens on the socket, and where the settings say so on a loopback address.
    ///
    /// # Errors
    ///
    /// [`ServeError`]. It listens nowhere then.
    pub async fn start(desk: Arc<Desk>, socket: &Path, settings: &ServeSettings) -> Result<Listening, ServeError> {
        let loopback = match settings.loopback()? {
            Some((address, path)) => {
                let refuse = |error| ServeError::Listen { place: address.to_string(), error };
                Some((TcpListener::bind(address).await.map_err(refuse)?, read_token(path)?))
            }
            None => None,
        };
        let refuse = |error| ServeError::Listen { place: shown_path(socket), error };
        let unix = bind_socket(socket).map_err(refuse)?;
        let server = Server::new(desk);
        let (stop, stop_receiver) = watch::channel(false);
        let (alive, gone) = mpsc::channel(1);
        let ends = Ends { stop: stop_receiver, _alive: alive };
        let (mut address, mut token) = (None, None);
        if let Some((listener, read)) = loopback {
            address = Some(listener.local_addr()?);
            let token = token.insert(Arc::new(ArcSwap::from_pointee(read))).clone();
            tokio::spawn(accept_loopback(server.clone(), listener, token, LOOPBACK_CONNECTIONS, ends.clone()));
        }
        let partner = Pulse::default();
        tokio::spawn(try_partner(server.desk.clone(), partner.clone(), stop.subscribe()));
        tokio::spawn(accept_socket(server.clone(), unix, CONNECTIONS, ends));
        let places = (settings.socket.clone(), settings.listen);
        Ok(Listening { server, socket: socket.to_owned(), places, address, token, stop, gone, partner })
    }

    /// The loopback address, where it listens on one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether what must go on goes on, as of `now`: whoever waits for the partner gets it.
    pub fn is_alive(&self, now: Instant) -> bool {
        self.partner.is_alive(now)
    }

    /// Reads token and register again. The places stay.
    ///
    /// # Errors
    ///
    /// [`ServeError`]. All is as it was then.
    pub fn reload(&self, settings: &ServeSettings) -> Result<(), ServeError> {
        let loopback = settings.loopback()?;
        if (&settings.socket, settings.listen) != (&self.places.0, self.places.1) {
            let finding = "socket or listen is another than when it was started: restart it for those";
            return Err(ServeError::Settings(finding.into()));
        }
        let read = match self.token.as_ref().zip(loopback) {
            Some((token, (_, path))) => Some((token, read_token(path)?)),
            None => None,
        };
        let register = open_register(settings)?;
        if let Some((token, read)) = read {
            token.store(Arc::new(read));
        }
        self.server.desk.use_register(register);
        Ok(())
    }

    /// Ends what is under way, writes the partner's state, and stops. Whether all that was under way was ended.
    pub async fn stop(self) -> bool {
        let Listening { server, socket, stop, mut gone, .. } = self;
        // No new connection comes to a socket that has no name.
        let _ = fs::remove_file(&socket);
        server.desk.stop();
        let _ = stop.send(true);
        let is_ended = timeout(LONGEST_STOP, gone.recv()).await.is_ok();
        let desk = server.desk.clone();
        let saved = timeout(LONGEST_SAVE, tokio::task::spawn_blocking(move || desk.lend().save_state())).await;
        if !matches!(saved, Ok(Ok(Ok(())))) {
            tracing::warn!(
                "the partner's state was not written; its journal has all of it, and the next start reads it"
            );
        }
        is_ended
    }
}

impl ServeSettings {
    /// The loopback address, where there is one, and the file of its token.
    fn loopback(&self) -> Result<Option<(SocketAddr, &Path)>, ServeError> {
        match (self.listen, &self.token) {
            (None, None) => Ok(None),
            (Some(address), _) if !address.ip().is_loopback() => Err(ServeError::Settings(format!(
                "listen has {address}, which other machines reach: give an address of this machine alone, such as \
                 127.0.0.1:9650; nothing here is encrypted"
            ))),
            (Some(address), Some(token)) => Ok(Some((address, token))),
            (Some(_), None) => Err(ServeError::Settings(
                "listen without a token: every program of this machine could call; give token the path of a file \
                 with one, of openssl rand -hex 32"
                    .into(),
            )),
            (None, Some(_)) => Err(ServeError::Settings("a token without listen: take it out, or give both".into())),
        }
    }
}

/// Opens the register that the settings name.
///
/// # Errors
///
/// [`ServeError::Register`].
pub fn open_register(settings: &ServeSettings) -> Result<Option<Register>, ServeError> {
    let open =
        |path: &PathBuf| Register::open(path).map_err(|error| ServeError::Register { path: path.clone(), error });
    settings.register.as_ref().map(open).transpose()
}

/// Looks whether the settings can be served, as far as that is seen without listening.
///
/// # Errors
///
/// [`ServeError`]
pub fn check(settings: &ServeSettings) -> Result<(), ServeError> {
    if let Some((_, token)) = settings.loopback()? {
        read_token(token)?;
    }
    open_register(settings).map(drop)
}

/// Serves as a process, with pages for people where there are settings of them: until SIGTERM or SIGINT, with SIGHUP to
/// read token, register, certificate and secret again, and telling systemd. It calls `ready` once it listens, and
/// `stopping` when it is told to stop.
///
/// # Errors
///
/// [`ServeError`]
pub fn run(
    desk: Arc<Desk>,
    socket: &Path,
    settings: impl Fn() -> Result<(ServeSettings, Option<PagesSettings>), ServeError>,
    ready: impl FnOnce(),
    stopping: impl FnOnce(),
) -> Result<(), ServeError> {
    let (first, of_pages) = settings()?;
    let runtime = runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(THREADS).build()?;
    let served = runtime.block_on(async {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let pages = match &of_pages {
            Some(settings) => Some(ListeningPages::start(desk.clone(), settings).await?),
            None => None,
        };
        let listening = Listening::start(desk, socket, &first).await?;
        systemd::tell(&[NotifyState::Ready]);
        tracing::info!(
            socket = shown_path(socket),
            address = listening.address().map(|address| address.to_string()),
            pages = pages.as_ref().map(ListeningPages::origin),
            "ready"
        );
        ready();
        let mut watchdog = systemd::watchdog();
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = watchdog.tick() => systemd::tell_alive(listening.is_alive(Instant::now())),
                _ = hangup.recv() => {
                    systemd::tell_reloading();
                    match settings() {
                        Ok((serve, of_pages)) => {
                            match listening.reload(&serve) {
                                Ok(()) => tracing::info!("reloaded"),
                                Err(error) => tracing::error!(%error, "not reloaded: all is as it was"),
                            }
                            if let Err(error) = reload_pages(pages.as_ref(), of_pages.as_ref()).await {
                                tracing::error!(%error, "the pages are not reloaded: they are as they were");
                            }
                        }
                        Err(error) => tracing::error!(%error, "not reloaded: all is as it was"),
                    }
                    systemd::tell(&[NotifyState::Ready]);
                }
            }
        }
        systemd::tell(&[NotifyState::Stopping]);
        tracing::info!("stopping");
        stopping();
        let stop_pages = async {
            match pages {
                Some(pages) => pages.stop().await,
                None => true,
            }
        };
        let (is_ended, are_ended) = tokio::join!(listening.stop(), stop_pages);
        if !(is_ended && are_ended) {
            tracing::warn!("stopped before all that was under way was ended");
        }
        Ok(())
    });
    // A call that goes on for longer is cut off as by a kill.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn reload_pages(there: Option<&ListeningPages>, settings: Option<&PagesSettings>) -> Result<(), ServeError> {
    match (there, settings) {
        (Some(pages), Some(settings)) => Ok(pages.reload(settings).await?),
        (None, None) => Ok(()),
        _ => Err(ServeError::Settings("[pages] came or went: restart it for that".into())),
    }
}

/// Waits for the partner as its callers do, again and again, until it is told to stop.
async fn try_partner(desk: Arc<Desk>, partner: Pulse, mut stop: watch::Receiver<bool>) {
    let tried = async {
        loop {
            desk.try_partner().await;
            partner.beat();
            sleep(TRIED_EVERY).await;
        }
    };
    tokio::select! {
        () = tried => {}
        () = stopped(&mut stop) => {}
    }
}

fn read_token(path: &Path) -> Result<Token, ServeError> {
    Token::read(path).map_err(|finding| ServeError::Token { path: path.to_owned(), finding })
}

async fn accept_socket(server: Arc<Server>, listener: UnixListener, most: usize, ends: Ends) {
    let places = Places::new(most);
    let accept = || async {
        let (stream, _) = listener.accept().await?;
        io::Result::Ok((stream, places.take().await))
    };
    while let Some((stream, place)) = next(accept, &ends.stop).await {
        match stream.peer_cred() {
            Ok(peer) => {
                answer(server.clone(), stream, Door::Socket { uid: peer.uid() }, place, TAKEN_WITHIN, ends.clone())
            }
            Err(error) => tracing::warn!(%error, "a connection was closed: the system does not say whose it is"),
        }
    }
}

async fn accept_loopback(
    server: Arc<Server>,
    listener: TcpListener,
    token: Arc<ArcSwap<Token>>,
    most: usize,
    ends: Ends,
) {
    let places = Places::new(most);
    let accept = || async {
        let (stream, _) = listener.accept().await?;
        io::Result::Ok((stream, places.take().await))
    };
    while let Some((stream, place)) = next(accept, &ends.stop).await {
        let _ = stream.set_nodelay(true);
        answer(server.clone(), stream, Door::Loopback { token: token.clone() }, place, TAKEN_WITHIN, ends.clone());
    }
}

/// Answers the requests of a connection, whose other end takes the responses within `within`.
fn answer<S>(server: Arc<Server>, stream: S, door: Door, place: Place, within: Duration, ends: Ends)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let place = Arc::new(place);
        let Ends { mut stop, _alive } = ends;
        let stream = Paced::new(stream, within, LEAST_TAKEN);
        let own = place.clone();
        let respond = move |request| server.clone().respond(door.clone(), own.clone(), request);
        serve(stream, LONGEST_HEAD, respond, stopped(&mut stop), place.give_way()).await;
    });
}

#[cfg(test)]
mod tests {
    use stapel::{Partner, Timestamp};
    use stapel_testkit::{ROSTER, START, partner_folder, policy_text, secret, write_policy};
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[test]
    fn whoever_takes_no_response_loses_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        let rules = format!(
            "version = 1\nvalid_from = 2026-12-01\n[counting]\nthreshold = 2\n[budgets]\nswept_a_day = 100\n\
             sweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\nkey_id = \"{}\"\nopens = 2026-12-01\n\
             closes = 2027-11-30",
            secret(1).key_id()
        );
        write_policy(&policy, &policy_text(&ROSTER[..4], &rules));
        partner_folder(&folder.path().join("1"), 1, &policy, &[1]);
        let partner = Partner::open(folder.path().join("1").as_path()).unwrap();
        let desk = Desk::new(partner, None, || Timestamp(START.0)).unwrap();
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = duplex(1_024);
            let (_stop, stop) = watch::channel(false);
            let (alive, mut gone) = mpsc::channel(1);
            let place = Places::new(1).take().await;
            let ends = Ends { stop, _alive: alive };
            let within = Duration::from_millis(20);
            answer(Server::new(desk), near, Door::Socket { uid: 0 }, place, within, ends);
            far.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            // A test that hangs fails here.
            let ended = timeout(Duration::from_secs(30), gone.recv()).await;
            assert!(ended.is_ok_and(|nobody| nobody.is_none()));
        });
    }
}

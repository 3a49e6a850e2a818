//! A broker that runs: opened, listening, reloaded and stopped.

use std::fs;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sd_notify::NotifyState;
use stapel::{BrokerError, Slug, SystemError, Threads, shown_path};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::clock::{Machine, ServiceClock};
use super::config::{Config, ConfigError, Place};
use super::connections::{Accepting, Connections, Ends};
use super::consortium::Consortium;
use super::dates::{FileDates, TlsDates};
use super::monitor::{self, Monitor};
#[cfg(unix)]
use super::operator::Perform;
use super::routes::Server;
use super::tls;
use super::upkept::Upkept;
use crate::local::{Token, bind_socket, remedy_of};
use crate::logboek::{Collector, LogboekError};
use crate::pulse::Pulse;
use crate::systemd;

/// Why a broker does not run, or what was not taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// `broker.toml` is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The files of TLS are wrong: one finding a line.
    #[error("{}", .0.join("\n"))]
    Tls(Vec<String>),
    /// A consortium's broker cannot be opened.
    #[error("{}: {}", shown_path(.folder), Consortium::not_made(.folder).map_or(error.to_string(), str::to_owned))]
    Consortium {
        /// Its folder.
        folder: PathBuf,
        /// Why.
        error: BrokerError,
    },
    /// Two folders are of one consortium.
    #[error("two folders in the configuration are of the consortium {0}: take one away")]
    Twice(Slug),
    /// A consortium that is served has another folder.
    #[error("the consortium {0} has other folders than when the broker was started: restart it for those")]
    Moved(Slug),
    /// It cannot listen.
    #[error("cannot listen on {place}: {error}; {}", remedy_of(.error))]
    Listen {
        /// Where.
        place: String,
        /// Why.
        error: io::Error,
    },
    /// Threads cannot be started.
    #[error(transparent)]
    Threads(#[from] SystemError),
    /// The process lacks what it runs on.
    #[error("cannot begin: {0}")]
    System(#[from] io::Error),
    /// `[logboek]` cannot be used.
    #[error(transparent)]
    Logboek(#[from] LogboekError),
    /// Listeners are other ones.
    #[error(
        "[[listen]] or [monitor] has other places than when the broker was started, or [logboek] came or went: restart \
         it for those"
    )]
    Restart,
}

impl ServeError {
    /// A stable code: `configuration` for what [`check`](super::check) finds too, `serve` for what only shows when it
    /// is served, and a broker's own.
    pub fn code(&self) -> &'static str {
        match self {
            ServeError::Config(_)
            | ServeError::Tls(_)
            | ServeError::Twice(_)
            | ServeError::Moved(_)
            | ServeError::Restart => "configuration",
            ServeError::Consortium { error, .. } => error.code(),
            ServeError::Threads(error) => error.code(),
            ServeError::Logboek(error) => error.code(),
            ServeError::Listen { .. } | ServeError::System(_) => "serve",
        }
    }
}

/// What a broker runs with besides its configuration.
#[derive(Clone)]
pub struct Environment {
    /// Makes the clock of each consortium.
    pub clock: Arc<dyn Fn() -> ServiceClock + Send + Sync>,
    /// Does the operator's commands; without it none are taken.
    #[cfg(unix)]
    pub operator: Option<Arc<dyn Perform>>,
}

impl Environment {
    /// The clocks of this machine, and no commands.
    pub fn of_machine() -> Environment {
        Environment {
            clock: Arc::new(|| ServiceClock::new(Machine)),
            #[cfg(unix)]
            operator: None,
        }
    }
}

/// A broker that runs, within a tokio runtime.
pub struct Serving {
    server: Arc<Server>,
    config: Config,
    environment: Environment,
    dates: Arc<TlsDates>,
    upkept: Vec<Upkept>,
    listeners: Vec<(SocketAddr, Arc<ArcSwap<Accepting>>)>,
    stop: watch::Sender<bool>,
    reload: watch::Sender<u64>,
    gone: mpsc::Receiver<()>,
    workers: Pulse,
    trying: JoinHandle<()>,
    token: Arc<ArcSwap<Option<Token>>>,
    monitor: Option<SocketAddr>,
    collector: Option<Arc<ArcSwap<Collector>>>,
}

/// How often a worker is tried.
const TRIED_EVERY: Duration = Duration::from_secs(15);

impl Serving {
    /// Opens the brokers, and listens.
    ///
    /// # Errors
    ///
    /// [`ServeError`]. Nothing runs then.
    pub async fn start(config: Config, environment: Environment) -> Result<Serving, ServeError> {
        let accepting = accepting_of(&config)?;
        let token = Arc::new(ArcSwap::from_pointee(monitor::token_of(&config)?));
        let collector = config.logboek.as_ref().map(Collector::new).transpose()?;
        let collector = collector.map(|new| Arc::new(ArcSwap::from_pointee(new)));
        let dates = Arc::new(TlsDates::default());
        dates.replace(accepting.iter().map(|one| &one.dates));
        let mut upkept = open(&config, &environment, &dates, &[])?;
        refuse_twice(upkept.iter().map(|one| &one.consortium.name))?;
        let server = Server::new(upkept.iter().map(|one| one.consortium.clone()), &config.bounds);
        let connections = Connections::new(server.clone(), &config.bounds);
        let (stop, stop_receiver) = watch::channel(false);
        let (reload, reload_receiver) = watch::channel(0);
        let (alive, gone) = mpsc::channel(1);
        let ends = Ends { stop: stop_receiver, reload: reload_receiver, _alive: alive };
        // All are bound before any is served.
        let mut bound = Vec::new();
        for one in accepting {
            let place = one.listen.place.clone();
            let refuse = |place: String| move |error| ServeError::Listen { place, error };
            bound.push(match place {
                Place::Tls(address, _) => {
                    let listener = TcpListener::bind(address).await.map_err(refuse(address.to_string()))?;
                    (Bound::Tls(listener), one)
                }
                Place::Socket(path) => {
                    let listener = bind_socket(&path).map_err(refuse(shown_path(&path).to_string()))?;
                    (Bound::Socket(listener), one)
                }
            });
        }
        let monitor = match &config.monitor {
            Some(at) => {
                let refuse = |error| ServeError::Listen { place: at.address.to_string(), error };
                Some(TcpListener::bind(at.address).await.map_err(refuse)?)
            }
            None => None,
        };
        let begin = |one: &mut Upkept| one.begin(&config.runtime_dir, &environment, collector.as_ref());
        upkept.iter_mut().try_for_each(begin)?;
        let mut listeners = Vec::new();
        for (listener, one) in bound {
            let one = Arc::new(ArcSwap::from_pointee(one));
            let (connections, ends) = (connections.clone(), ends.clone());
            match listener {
                Bound::Tls(listener) => {
                    listeners.push((listener.local_addr()?, one.clone()));
                    tokio::spawn(connections.accept_tls(listener, one, ends));
                }
                Bound::Socket(listener) => {
                    listeners.push((SocketAddr::from(([0, 0, 0, 0], 0)), one.clone()));
                    tokio::spawn(connections.accept_socket(listener, one, ends));
                }
            }
        }
        for name in server.consortia().keys() {
            tracing::info!(consortium = name.as_str(), "served");
        }
        let workers = Pulse::default();
        let trying = tokio::spawn({
            let (server, workers) = (server.clone(), workers.clone());
            async move {
                loop {
                    server.try_worker().await;
                    workers.beat();
                    sleep(TRIED_EVERY).await;
                }
            }
        });
        let mut serving = Serving {
            server,
            config,
            environment,
            dates,
            upkept,
            listeners,
            stop,
            reload,
            gone,
            workers,
            trying,
            token,
            monitor: None,
            collector,
        };
        if let Some(listener) = monitor {
            serving.monitor = Some(listener.local_addr()?);
            let (server, workers, token) = (serving.server.clone(), serving.workers.clone(), serving.token.clone());
            let looking = Arc::new(Semaphore::new(1));
            tokio::spawn(Arc::new(Monitor { server, workers, token, looking }).accept(listener, ends));
        }
        Ok(serving)
    }

    /// Whether what must go on goes on, as of `now`: the schedule of every consortium makes its turns, and small
    /// messages get workers.
    pub fn is_alive(&self, now: Instant) -> bool {
        self.workers.is_alive(now) && self.upkept.iter().all(|one| one.is_alive(now))
    }

    /// The addresses that it listens on, in the order of the configuration; of a socket, one of zeros.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|(address, _)| *address).collect()
    }

    /// The addresses and sockets that it listens on, as its log names them.
    pub fn places(&self) -> Vec<String> {
        let place = |(address, accepting): &(SocketAddr, Arc<ArcSwap<Accepting>>)| match &accepting.load().listen.place
        {
            Place::Tls(..) => address.to_string(),
            Place::Socket(path) => shown_path(path).to_string(),
        };
        self.listeners.iter().map(place).collect()
    }

    /// Where a monitor asks, if it can.
    pub fn monitor(&self) -> Option<SocketAddr> {
        self.monitor
    }

    /// What answers.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Takes up other certificates and consortia. What is under way is ended as it was begun. Bounds and places stay.
    /// It opens new brokers, which may take minutes, and waits for those that are served no longer.
    ///
    /// # Errors
    ///
    /// [`ServeError`]. Everything is as it was then.
    pub fn reload(&mut self, config: Config) -> Result<(), ServeError> {
        let prepared = self.preparation()(config)?;
        drop(self.take_up(prepared)?);
        Ok(())
    }

    /// What reads and opens all that is new in a configuration: that of a large store takes minutes, so that it is done
    /// beside what goes on.
    fn preparation(&self) -> impl FnOnce(Config) -> Result<Prepared, ServeError> + Send + 'static {
        let (places, environment, dates) = (self.config.places(), self.environment.clone(), self.dates.clone());
        let has_logboek = self.config.logboek.is_some();
        let there: Vec<_> = self.upkept.iter().map(Upkept::folders).collect();
        move |config| {
            let accepting = accepting_of(&config)?;
            let token = monitor::token_of(&config)?;
            if config.places() != places || config.logboek.is_some() != has_logboek {
                return Err(ServeError::Restart);
            }
            let collector = config.logboek.as_ref().map(Collector::new).transpose()?;
            let new = open(&config, &environment, &dates, &there)?;
            Ok(Prepared { config, accepting, token, collector, new })
        }
    }

    /// Takes up what was prepared, and gives what is served no longer: it ends when it is dropped, after what is under
    /// way of it.
    fn take_up(&mut self, prepared: Prepared) -> Result<Vec<Upkept>, ServeError> {
        let Prepared { config, accepting, token, collector: read, mut new } = prepared;
        let is_named = |one: &Upkept| config.consortia.contains(&one.folders());
        let stay = self.upkept.iter().filter(|one| is_named(one));
        refuse_twice(stay.chain(&new).map(|one| &one.consortium.name))?;
        let is_moved = |name: &&Slug| self.upkept.iter().any(|one| one.consortium.name == **name);
        if let Some(name) = new.iter().map(|one| &one.consortium.name).find(is_moved) {
            return Err(ServeError::Moved(name.clone()));
        }
        // Before those end that are named no longer: what cannot be begun changes nothing.
        let (environment, collector) = (&self.environment, self.collector.as_ref());
        new.iter_mut().try_for_each(|one| one.begin(&config.runtime_dir, environment, collector))?;
        let (stay, ended): (Vec<_>, Vec<_>) = std::mem::take(&mut self.upkept).into_iter().partition(is_named);
        self.upkept = stay.into_iter().chain(new).collect();
        self.dates.replace(accepting.iter().map(|one| &one.dates));
        for ((_, current), next) in self.listeners.iter().zip(accepting) {
            current.store(Arc::new(next));
        }
        self.token.store(Arc::new(token));
        if let Some((current, read)) = self.collector.as_ref().zip(read) {
            current.store(Arc::new(read));
        }
        self.server.serve(self.upkept.iter().map(|one| one.consortium.clone()));
        self.config = config;
        self.reload.send_modify(|generation| *generation += 1);
        Ok(ended)
    }

    /// Ends what is in flight, for as long as the bounds allow, and stops. Whether all of it was ended.
    pub async fn stop(self) -> bool {
        let Serving { server, config, upkept, listeners, stop, mut gone, trying, .. } = self;
        trying.abort();
        // What comes on a connection that is open is answered `busy`; requests that are under way go on.
        server.stop();
        let _ = stop.send(true);
        let ended = timeout(config.bounds.stop, gone.recv()).await.is_ok();
        // All are told before one is waited for.
        upkept.iter().for_each(Upkept::tell_to_stop);
        drop(upkept);
        for (_, accepting) in listeners {
            if let Place::Socket(path) = &accepting.load().listen.place {
                let _ = fs::remove_file(path);
            }
        }
        ended
    }
}

/// What a reload takes up.
struct Prepared {
    config: Config,
    accepting: Vec<Accepting>,
    token: Option<Token>,
    collector: Option<Collector>,
    new: Vec<Upkept>,
}

enum Bound {
    Tls(TcpListener),
    Socket(UnixListener),
}

impl Place {
    /// What does not change while a broker runs.
    fn name(&self) -> String {
        match self {
            Place::Tls(address, _) => address.to_string(),
            Place::Socket(path) => path.display().to_string(),
        }
    }
}

impl Config {
    fn places(&self) -> Vec<String> {
        let monitor = self.monitor.iter().map(|one| format!("monitor {}", one.address));
        self.listen.iter().map(|one| one.place.name()).chain(monitor).collect()
    }
}

/// Serves as a process: until SIGTERM or SIGINT, with SIGHUP to read `file` again, and telling systemd. It calls
/// `ready` once it listens.
///
/// # Errors
///
/// [`ServeError`]
pub fn run(file: &Path, environment: Environment, ready: impl FnOnce()) -> Result<(), ServeError> {
    let config = Config::read(file)?;
    // Each worker that is promised finds a thread. A few more look after the rest, such as a reload.
    let threads = config.bounds.workers + config.bounds.large + 16;
    let stop = config.bounds.stop;
    let runtime = runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(threads).build()?;
    let served = runtime.block_on(async {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut serving = Serving::start(config, environment).await?;
        systemd::tell(&[NotifyState::Ready]);
        let monitor = serving.monitor().map(|address| address.to_string());
        tracing::info!(addresses = serving.places().join(" "), monitor, "ready");
        ready();
        let mut watchdog = systemd::watchdog();
        let mut reloading = None;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = watchdog.tick() => systemd::tell_alive(serving.is_alive(Instant::now())),
                // One that comes meanwhile is taken after.
                _ = hangup.recv(), if reloading.is_none() => {
                    systemd::tell_reloading();
                    let (file, prepare) = (file.to_owned(), serving.preparation());
                    reloading = Some(spawn_blocking(move || prepare(Config::read(&file)?).map(Some)));
                }
                done = step(&mut reloading) => {
                    reloading = None;
                    let taken_up = done.and_then(|prepared| prepared.map(|new| serving.take_up(new)).transpose());
                    match taken_up {
                        Ok(Some(ended)) => {
                            // It waits for what is under way, such as a release.
                            reloading = Some(spawn_blocking(move || {
                                drop(ended);
                                Ok(None)
                            }));
                            continue;
                        }
                        Ok(None) => tracing::info!("reloaded"),
                        Err(error) => tracing::error!(%error, "not reloaded: all is as it was"),
                    }
                    systemd::tell(&[NotifyState::Ready]);
                }
            }
        }
        systemd::tell(&[NotifyState::Stopping]);
        tracing::info!("stopping");
        if !serving.stop().await {
            tracing::warn!("stopped before all that was in flight was ended");
        }
        Ok(())
    });
    // A reload that is opening a store is not waited for to its end.
    runtime.shutdown_timeout(stop);
    served
}

/// A step of a reload: it is prepared, or all that is served no longer was ended.
type Step = Result<Option<Prepared>, ServeError>;

/// Waits for a step of a reload to be done; for ever, where there is none.
async fn step(reloading: &mut Option<JoinHandle<Step>>) -> Step {
    match reloading {
        Some(reloading) => reloading.await.unwrap_or_else(|error| Err(io::Error::other(error).into())),
        None => pending().await,
    }
}

fn accepting_of(config: &Config) -> Result<Vec<Accepting>, ServeError> {
    let (mut accepting, mut findings) = (Vec::new(), Vec::new());
    for listen in &config.listen {
        let (tls, dates) = match &listen.place {
            Place::Tls(_, files) => match tls::load(files) {
                Ok((tls, dates)) => (Some(tls), dates),
                Err(wrong) => {
                    findings.extend(wrong);
                    continue;
                }
            },
            Place::Socket(_) => (None, FileDates::default()),
        };
        accepting.push(Accepting { listen: listen.clone(), tls, dates });
    }
    if findings.is_empty() { Ok(accepting) } else { Err(ServeError::Tls(findings)) }
}

/// Opens the consortia of a configuration that are not there already.
fn open(
    config: &Config,
    environment: &Environment,
    dates: &Arc<TlsDates>,
    there: &[(PathBuf, PathBuf)],
) -> Result<Vec<Upkept>, ServeError> {
    let new = config.consortia.iter().filter(|folders| !there.contains(folders));
    new.map(|(folder, keys)| open_one(config, environment, dates, folder, keys)).collect()
}

fn refuse_twice<'a>(names: impl Iterator<Item = &'a Slug>) -> Result<(), ServeError> {
    let mut names: Vec<&Slug> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ServeError::Twice(pair[0].clone())),
        None => Ok(()),
    }
}

fn open_one(
    config: &Config,
    environment: &Environment,
    dates: &Arc<TlsDates>,
    folder: &Path,
    keys: &Path,
) -> Result<Upkept, ServeError> {
    let threads = Threads::new(config.bounds.threads)?;
    let clock = Arc::new((environment.clock)());
    let opened = Consortium::open(folder.to_owned(), keys.to_owned(), threads, clock)
        .map_err(|error| ServeError::Consortium { folder: folder.to_owned(), error })?;
    Ok(Upkept::new(Consortium { dates: dates.clone(), ..opened }))
}

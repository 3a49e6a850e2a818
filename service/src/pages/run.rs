//! Pages that are served, until they are told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use stapel::{Partner, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::routes::Pages;
use super::screens::coordinates;
use super::setup::{PagesError, Setup, Site, Way, allows_one_user, listen};
use crate::client::PagesSettings;
use crate::connection::{next, serve, stopped};
use crate::desk::Desk;
use crate::local::remedy_of;
use crate::pace::Paced;
use crate::places::{Place, Places};

/// The most connections. Where there are so many, one that is silent gives way to whoever comes.
const CONNECTIONS: usize = 256;

/// How long TLS may take to begin.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a head may take to come, also of the next request of a connection.
const LONGEST_HEAD: Duration = Duration::from_secs(60);

/// How long a connection may last, so that a certificate that was replaced is not used for days.
const LONGEST_CONNECTION: Duration = Duration::from_secs(3_600);

/// The time in which at least [`LEAST_TAKEN`] bytes of a response must be taken, again and again.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// The least bytes of a response that are taken in each [`TAKEN_WITHIN`].
const LEAST_TAKEN: usize = 16_384;

/// How long what is under way may take once it was told to stop.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// Pages that are served, within a tokio runtime.
pub struct ListeningPages {
    pages: Arc<Pages>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    gone: mpsc::Receiver<()>,
}

impl ListeningPages {
    /// Listens where the settings say.
    ///
    /// # Errors
    ///
    /// [`PagesError`]. It listens nowhere then.
    pub async fn start(desk: Arc<Desk>, settings: &PagesSettings) -> Result<ListeningPages, PagesError> {
        let setup = set_up(desk.clone(), settings).await?;
        let coordinates = read_ahead(desk.clone()).await;
        let place = listen(settings)?;
        let refuse = |error: io::Error| {
            PagesError::new("serve", format!("cannot listen on {place}: {error}; {}", remedy_of(&error)))
        };
        let listener = TcpListener::bind(place).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let site = Site::new(settings, address)?;
        let no_random = || PagesError::new("serve", "the system gives no random bits");
        let pages = Arc::new(Pages::new(desk, site, setup, coordinates).ok_or_else(no_random)?);
        let (stop, stop_receiver) = watch::channel(false);
        let (alive, gone) = mpsc::channel(1);
        tokio::spawn(accept(pages.clone(), listener, stop_receiver, alive));
        Ok(ListeningPages { pages, address, stop, gone })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What people type.
    pub fn origin(&self) -> &str {
        &self.pages.site.origin
    }

    /// Reads certificate, key, token, secret and authorities again. Where it listens and what people type stay. Where
    /// other settings are changed, all sign in anew.
    ///
    /// # Errors
    ///
    /// [`PagesError`]. All is as it was then.
    pub async fn reload(&self, settings: &PagesSettings) -> Result<(), PagesError> {
        let before = self.pages.setup.load_full();
        if (settings.listen, &settings.url) != (before.settings.listen, &before.settings.url) {
            let finding = "listen or url is another than when it was started: restart it for those";
            return Err(PagesError::new("configuration", finding));
        }
        let setup = set_up(self.pages.desk.clone(), settings).await?;
        if setup.tls.is_some() != before.tls.is_some() {
            let finding = "certificate and key came or went: restart it for those";
            return Err(PagesError::new("configuration", finding));
        }
        self.pages.setup.store(Arc::new(setup));
        if *settings != before.settings {
            self.pages.sessions.end_all();
        }
        Ok(())
    }

    /// Ends what is under way, and stops. Whether all that was under way was ended.
    pub async fn stop(mut self) -> bool {
        let _ = self.stop.send(true);
        timeout(LONGEST_STOP, self.gone.recv()).await.is_ok()
    }
}

/// Looks whether the settings can be served, and asks the provider for its document and keys. It waits for that.
/// Without a partner it is not looked whether the policy allows one user.
///
/// # Errors
///
/// [`PagesError`]
pub fn check(settings: &PagesSettings, partner: Option<&Partner>, now: Timestamp) -> Result<(), PagesError> {
    let setup = Setup::new(settings, partner.is_none_or(allows_one_user))?;
    Site::new(settings, listen(settings)?)?;
    let Way::Provider(provider) = &setup.way else { return Ok(()) };
    let unreachable = |finding| {
        let finding = format!("[pages.provider] the issuer cannot be reached, or says what it should not: {finding}");
        PagesError::new("pages_sign_in", finding)
    };
    provider.look(now).map_err(unreachable)
}

/// Reads what the settings name, in a thread of its own: it waits for the partner.
async fn set_up(desk: Arc<Desk>, settings: &PagesSettings) -> Result<Setup, PagesError> {
    let settings = settings.clone();
    let read = tokio::task::spawn_blocking(move || Setup::new(&settings, allows_one_user(&desk.lend()))).await;
    read.unwrap_or_else(|_| Err(PagesError::new("serve", "a fault of this program")))
}

/// Reads the journal for what became of own flags, which may take seconds: so nobody waits for it on a page. What is
/// wrong with it a page says. Whether the partner is the coordinator, which has no flags.
async fn read_ahead(desk: Arc<Desk>) -> bool {
    let read = move || {
        let partner = desk.lend();
        let coordinates = coordinates(&partner);
        if !coordinates {
            let _ = desk.history(&partner, desk.time()).map(drop);
        }
        coordinates
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

async fn accept(pages: Arc<Pages>, listener: TcpListener, stop: watch::Receiver<bool>, alive: mpsc::Sender<()>) {
    let places = Places::new(CONNECTIONS);
    let take = || async {
        let (stream, _) = listener.accept().await?;
        io::Result::Ok((stream, places.take().await))
    };
    while let Some((stream, place)) = next(take, &stop).await {
        let (pages, stop, alive) = (pages.clone(), stop.clone(), alive.clone());
        tokio::spawn(async move {
            let tls = pages.setup.load().tls.clone();
            connection(pages, stream, tls, Arc::new(place), stop).await;
            drop(alive);
        });
    }
}

async fn connection(
    pages: Arc<Pages>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    place: Arc<Place>,
    stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let stream = Paced::new(stream, TAKEN_WITHIN, LEAST_TAKEN);
    let Some(config) = tls else { return requests(pages, stream, place, stop).await };
    let handshake = timeout(LONGEST_HANDSHAKE, TlsAcceptor::from(config).accept(stream));
    let stream = tokio::select! {
        shaken = handshake => shaken,
        () = place.give_way() => return,
    };
    if let Ok(Ok(stream)) = stream {
        requests(pages, stream, place, stop).await;
    }
}

/// Answers the requests of a connection.
async fn requests<S>(pages: Arc<Pages>, stream: S, place: Arc<Place>, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let own = place.clone();
    let respond = move |request| {
        let (pages, place) = (pages.clone(), own.clone());
        async move { pages.respond(request, place).await }
    };
    let ended = async move {
        tokio::select! {
            () = stopped(&mut stop) => {}
            () = sleep(LONGEST_CONNECTION) => {}
        }
    };
    serve(stream, LONGEST_HEAD, respond, ended, place.give_way()).await;
}

//! Connections: how many there may be, how long each of their parts may take, and how they end.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use stapel::policy::Oin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::config::{Bounds, Listen};
use super::dates::{FileDates, end_of_certificate};
use super::identity::{Peer, oin_of_certificate};
use super::routes::Server;
use crate::connection::{next, serve, stopped};
use crate::pace::Paced;
use crate::places::{Place, Places};

/// What all connections share.
pub(super) struct Connections {
    pub(super) server: Arc<Server>,
    pub(super) bounds: Bounds,
    open: Arc<Semaphore>,
    handshakes: Arc<Places>,
    addresses: Counts<IpAddr>,
    /// By OIN; all that no policy names together, so that who is merely trusted takes nobody's place.
    oins: Counts<Option<Oin>>,
    closed: Closed,
}

/// What ends connections, after the request that they are at.
#[derive(Clone)]
pub(super) struct Ends {
    /// The broker stops.
    pub(super) stop: watch::Receiver<bool>,
    /// Other certificates were loaded.
    pub(super) reload: watch::Receiver<u64>,
    /// Held until the connection is gone.
    pub(super) _alive: mpsc::Sender<()>,
}

/// How a listener takes connections now.
pub(super) struct Accepting {
    pub(super) listen: Listen,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) dates: FileDates,
}

impl Ends {
    /// What ends a connection that begins now: reloads from now on. Called before its certificates are read, so that
    /// none is passed over.
    fn begun(&self) -> Ends {
        let mut ends = self.clone();
        ends.reload.mark_unchanged();
        ends
    }
}

impl Connections {
    pub(super) fn new(server: Arc<Server>, bounds: &Bounds) -> Arc<Connections> {
        Arc::new(Connections {
            server,
            bounds: bounds.clone(),
            open: Arc::new(Semaphore::new(bounds.connections)),
            handshakes: Places::new(bounds.handshakes),
            addresses: Counts::default(),
            oins: Counts::default(),
            closed: Closed::default(),
        })
    }

    /// Takes connections over TLS until the broker stops.
    pub(super) async fn accept_tls(
        self: Arc<Connections>,
        listener: TcpListener,
        accepting: Arc<ArcSwap<Accepting>>,
        ends: Ends,
    ) {
        loop {
            let Some((stream, address)) = next(|| listener.accept(), &ends.stop).await else { return };
            let address = address.ip().to_canonical();
            let network = network_of(address);
            // Whoever is one too many of an address is sent away at once, and takes nobody's place.
            let Some(counted) = self.addresses.take(network, self.bounds.handshakes_an_address) else {
                self.closed.tell("too many connections of one address before TLS", Some(address), None);
                continue;
            };
            let handshake = self.handshakes.take().await;
            let (this, ends) = (self.clone(), ends.begun());
            let accepting = accepting.load_full();
            tokio::spawn(async move { this.tls(stream, address, &accepting, (handshake, counted), ends).await });
        }
    }

    /// Takes connections over a socket until the broker stops.
    pub(super) async fn accept_socket(
        self: Arc<Connections>,
        listener: UnixListener,
        accepting: Arc<ArcSwap<Accepting>>,
        ends: Ends,
    ) {
        loop {
            let Some((stream, _)) = next(|| listener.accept(), &ends.stop).await else { return };
            let Ok(place) = self.open.clone().try_acquire_owned() else {
                self.closed.tell("too many connections, this one of a socket", None, None);
                continue;
            };
            let (this, ends) = (self.clone(), ends.begun());
            let peer = Peer { gateway: accepting.load().listen.oin_header.clone(), ..Peer::default() };
            let stream = Paced::new(stream, self.bounds.write_window, self.bounds.write_least);
            tokio::spawn(async move { this.http(stream, peer, place, ends).await });
        }
    }

    async fn tls(
        &self,
        stream: TcpStream,
        address: IpAddr,
        accepting: &Accepting,
        before: (Place, Counted<IpAddr>),
        ends: Ends,
    ) {
        let Some(config) = &accepting.tls else { return };
        let _ = stream.set_nodelay(true);
        let stream = Paced::new(stream, self.bounds.write_window, self.bounds.write_least);
        let handshake = TlsAcceptor::from(config.clone()).accept(stream);
        let handshake = async {
            tokio::select! {
                done = timeout(self.bounds.handshake, handshake) => Some(done),
                () = before.0.give_way() => None,
            }
        };
        let Some(done) = handshake.await else {
            self.closed.tell("too many connections that are not through with TLS", Some(address), None);
            return;
        };
        let stream = match done {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::info!(from = %address, %error, "no TLS with whoever connected");
                return;
            }
            Err(_) => {
                tracing::info!(from = %address, "TLS took too long");
                return;
            }
        };
        drop(before);
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let oin = certificate.and_then(|certificate| oin_of_certificate(certificate));
        let is_gateway = oin.is_some_and(|oin| accepting.listen.gateway_oins.contains(&oin));
        let gateway = accepting.listen.oin_header.clone().filter(|_| is_gateway);
        let _counted = if is_gateway {
            None
        } else {
            let known = oin.filter(|oin| self.server.knows(oin));
            let Some(counted) = self.oins.take(known, self.bounds.connections_an_oin) else {
                self.closed.tell(
                    if known.is_some() {
                        "too many connections of one OIN"
                    } else {
                        "too many connections of those whom no policy names"
                    },
                    Some(address),
                    oin,
                );
                return;
            };
            if let Some(known) = known
                && let Some(end) = certificate.and_then(|certificate| end_of_certificate(certificate))
            {
                self.server.saw_certificate(known, end);
            }
            Some(counted)
        };
        let Ok(place) = self.open.clone().try_acquire_owned() else {
            self.closed.tell("too many connections", Some(address), oin);
            return;
        };
        self.http(stream, Peer { oin, address: Some(address), gateway }, place, ends).await;
    }

    async fn http<S>(&self, stream: S, peer: Peer, _place: OwnedSemaphorePermit, mut ends: Ends)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (server, peer) = (self.server.clone(), Arc::new(peer));
        let respond = move |request| server.clone().respond(peer.clone(), request);
        let life = self.bounds.life;
        let is_over = async move {
            tokio::select! {
                () = ended(&mut ends) => {}
                () = sleep(life) => {}
            }
        };
        // Nothing has it give way: there are bounds for an address and for an OIN.
        serve(stream, self.bounds.head, respond, is_over, pending()).await;
    }
}

/// What was logged of connections that were closed because there were too many: each reason at once, and then at most
/// every ten seconds, with how many there were since. Whoever floods the broker is not to flood its log.
#[derive(Default)]
struct Closed(Mutex<BTreeMap<&'static str, (Instant, u64)>>);

impl Closed {
    const APART: Duration = Duration::from_secs(10);

    fn tell(&self, reason: &'static str, from: Option<IpAddr>, oin: Option<Oin>) {
        let Some(closed) = self.count(reason, Instant::now()) else { return };
        let (from, oin) = (from.map(|from| from.to_string()), oin.map(|oin| oin.to_string()));
        tracing::warn!(from, oin, closed, "{reason}");
    }

    /// One more was closed. How many there were since this was last said, where it is to be said now.
    fn count(&self, reason: &'static str, now: Instant) -> Option<u64> {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reasons.get_mut(reason) {
            Some((said, more)) if now.saturating_duration_since(*said) < Closed::APART => {
                *more += 1;
                None
            }
            there => {
                let more = there.map_or(0, |(_, more)| *more);
                reasons.insert(reason, (now, 0));
                Some(more + 1)
            }
        }
    }
}

/// What connections before TLS are counted by: an IPv4 address, and of IPv6 the network of 64 bits, all of which one
/// host may have.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Waits for what ends a connection.
async fn ended(ends: &mut Ends) {
    tokio::select! {
        () = stopped(&mut ends.stop) => {}
        _ = ends.reload.changed() => {}
    }
}

/// How many there are of each.
struct Counts<K>(Arc<Mutex<BTreeMap<K, usize>>>);

/// One of them, as long as this lives.
struct Counted<K: Ord>(Arc<Mutex<BTreeMap<K, usize>>>, K);

impl<K> Default for Counts<K> {
    fn default() -> Counts<K> {
        Counts(Arc::default())
    }
}

impl<K: Ord + Copy> Counts<K> {
    /// One more, if there are fewer than `most`.
    fn take(&self, key: K, most: usize) -> Option<Counted<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted(self.0.clone(), key))
    }
}

impl<K: Ord> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_in_a_line_every_ten_seconds() {
        let (closed, begun) = (Closed::default(), Instant::now());
        let after = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(closed.count("too many", begun), Some(1));
        assert!((0..100).all(|_| closed.count("too many", after(9)).is_none()));
        assert_eq!(closed.count("another", after(9)), Some(1));
        assert_eq!(closed.count("too many", after(10)), Some(101));
        assert_eq!(closed.count("too many", after(19)), None);
        assert_eq!(closed.count("too many", after(21)), Some(2));
    }

    #[test]
    fn hosts_of_one_ipv6_network_are_counted_together_and_ipv4_hosts_apart() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::7"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::7"), network("2001:db8:1:3::7"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}

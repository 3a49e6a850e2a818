//! A broker in an axum program of one's own, which has other routes too.
//!
//! `cargo run -p stapel-service --example http_broker`, and then the command that it prints. It runs until Ctrl-C.
//!
//! `Server::respond` does all that spec/carrier.md says of requests. Connections are this program's own, and it sets no
//! bounds to their number. `stapel broker serve` does.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use stapel::{Threads, Timestamp};
use stapel_demo::certificates::Authority;
use stapel_service::server::clock::{FrozenForTests, ServiceClock};
use stapel_service::server::{Bounds, Consortium, Peer, Server, Tls, oin_of_certificate, schedule};
use stapel_testkit::{DAY, START, write_private};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long TLS may take, and the head of a request.
const LONGEST: Duration = Duration::from_secs(10);

/// The OIN of partner 1's organisation.
const POLICE: &str = "00000099681237615000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The tests' consortium, moment and certificates. Yours: `stapel broker init`, `ServiceClock::new(Machine)`, and
    // PKIoverheid.
    let folder = stapel_testkit::Consortium::new();
    let clock = Arc::new(ServiceClock::new(FrozenForTests(START)));
    let authority = Authority::new("Test PKI", Timestamp(0))?;
    let until = START.plus(50 * 365 * DAY);
    let own = authority.identity(&[], &["localhost"], until)?;
    let partner = authority.identity(&[POLICE], &[], until)?;
    let files = ["own.pem", "own.key", "ca.pem", "1/tls.pem", "1/tls.key", "1/ca.pem"].map(|name| folder.path(name));
    let texts = [&own.chain, &own.key, &authority.pem(), &partner.chain, &partner.key, &authority.pem()];
    files.iter().zip(texts).for_each(|(file, text)| write_private(file, text.as_bytes()));
    let [certificate, key, ca, ..] = files;

    // A broker that does what is due on time, and answers messages.
    let threads = Threads::new(2)?;
    let consortium = Arc::new(Consortium::open(folder.path("broker"), folder.path("keys"), threads, clock)?);
    let stop = schedule::Stop::default();
    let schedule = schedule::start(consortium.clone(), stop.clone())?;
    let server = Server::new([consortium], &Bounds::default());

    let tls = Tls { certificate, key, client_ca: vec![ca], crls: Vec::new() };
    let acceptor = TlsAcceptor::from(tls.server_config()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (partner, port) = (folder.text("1"), listener.local_addr()?.port());
    println!("cargo run -p stapel-service --example http_partner -- {partner} https://localhost:{port}");
    let app = Router::new().route("/health", get(async || "up")).fallback(answer).with_state(server);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => drop(tokio::spawn(serve(acceptor.clone(), app.clone(), stream, from))),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    stop.stop();
    schedule.join().map_err(|_| "the schedule broke off".into())
}

async fn serve(
    acceptor: TlsAcceptor,
    app: Router,
    stream: TcpStream,
    from: SocketAddr,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stream = timeout(LONGEST, acceptor.accept(stream)).await??;
    // Who it is: the OIN in the certificate that was verified.
    let chain = stream.get_ref().1.peer_certificates();
    let oin = chain.and_then(|chain| oin_of_certificate(chain.first()?));
    let peer = Arc::new(Peer { oin, address: Some(from.ip()), gateway: None });
    let service = TowerToHyperService::new(app.layer(Extension(peer)));
    let http = http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(LONGEST).to_owned();
    Ok(http.serve_connection(TokioIo::new(stream), service).await?)
}

async fn answer(server: State<Arc<Server>>, peer: Extension<Arc<Peer>>, request: Request) -> Response {
    server.0.respond(peer.0, request).await
}

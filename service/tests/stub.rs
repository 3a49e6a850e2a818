//! A server over TLS or plain TCP that answers as a test says, well or badly; and the certificates for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use stapel::{Day, Timestamp};
use stapel_demo::certificates::Authority;
use stapel_testkit::write_private;

/// An authority, and the files of a partner that it knows.
pub(crate) struct Pki {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Pki {
    pub(crate) fn new() -> Pki {
        let authority = Authority::new("Test PKI", first_of(2000)).unwrap();
        let pki = Pki { folder: tempfile::tempdir().unwrap(), authority };
        std::fs::write(pki.path("ca.pem"), pki.authority.pem()).unwrap();
        let client = pki.authority.identity(&["00000099000000001000"], &[], first_of(2149)).unwrap();
        std::fs::write(pki.path("client.pem"), client.chain).unwrap();
        write_private(&pki.path("client.key"), client.key.as_bytes());
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a server for `host` goes by, with a certificate until a year, which asks for those of this authority.
    pub(crate) fn server(&self, host: &str, until: i32) -> Arc<ServerConfig> {
        let own = self.authority.identity(&[], &[host], first_of(until)).unwrap();
        let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.authority.pem())).unwrap();
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
        let chain = vec![certificate(&own.chain)];
        Arc::new(config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
    }
}

fn first_of(year: i32) -> Timestamp {
    Day::from_ymd(year, 1, 1).unwrap().start()
}

/// A request that came.
pub(crate) struct Got {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The bytes of a response; none for a connection that is closed instead.
pub(crate) type Answer = Vec<u8>;

/// A server on this machine, as long as the test runs.
pub(crate) struct Server {
    pub(crate) port: u16,
}

impl Server {
    /// Begins to serve, over TLS where a configuration is given.
    pub(crate) fn start(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Got) -> Answer + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, answer) = (tls.clone(), answer.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &*answer),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        serve(StreamOwned::new(connection, stream), &*answer);
                    }
                });
            }
        });
        Server { port }
    }

    pub(crate) fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

/// A port at which nobody listens.
pub(crate) fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve(mut stream: impl Read + Write + Closing, answer: &dyn Fn(&Got) -> Answer) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut got = Got { method, path, head, body: Vec::new() };
    let length = got.field("content-length").map_or(0, |length| length.parse().unwrap());
    if got.field("expect").is_some() && stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_err() {
        return;
    }
    got.body = vec![0; length];
    if stream.read_exact(&mut got.body).is_err() {
        return;
    }
    let answer = answer(&got);
    let _ = stream.write_all(&answer).and_then(|()| stream.flush());
    stream.close();
}

/// Ends a connection in good order.
pub(crate) trait Closing {
    fn close(&mut self);
}

impl Closing for TcpStream {
    fn close(&mut self) {}
}

impl Closing for StreamOwned<ServerConnection, TcpStream> {
    fn close(&mut self) {
        self.conn.send_close_notify();
        let _ = self.conn.complete_io(&mut self.sock);
    }
}

/// A response.
pub(crate) fn response(status: u16, fields: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("HTTP/1.1 {status} Some\r\n");
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// One that is as it should be.
pub(crate) fn whole(media: &str, body: &[u8]) -> Answer {
    response(200, &[("content-type", media), ("content-length", &body.len().to_string())], body)
}

/// What a test keeps of all requests.
pub(crate) type Kept<T> = Arc<Mutex<Vec<T>>>;

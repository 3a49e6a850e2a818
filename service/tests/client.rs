//! How a message is carried to a broker that does not behave, and what comes of it: spec/carrier.md 3.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stapel_service::carrier::{MESSAGE, PROBLEM, REPLY};
use stapel_service::client::{Carrier, CarrierError, Pace, Settings};

use crate::stub::{Answer, Got, Kept, Pki, Server, dead_port, response, whole};

/// Time that passes when it is waited for, and draws that are as far as they can be.
#[derive(Default)]
pub(crate) struct TestPace {
    now: Mutex<Duration>,
    waits: Mutex<Vec<u64>>,
}

impl Pace for TestPace {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn wait(&self, time: Duration) -> bool {
        *self.now.lock().unwrap() += time;
        self.waits.lock().unwrap().push(time.as_secs());
        true
    }

    fn draw(&self, bound: u64) -> u64 {
        bound - 1
    }
}

impl TestPace {
    pub(crate) fn waits(&self) -> Vec<u64> {
        self.waits.lock().unwrap().clone()
    }
}

pub(crate) fn settings(pki: &Pki, addresses: Vec<String>) -> Settings {
    let mut settings = Settings::default();
    settings.certificate = Some(pki.path("client.pem"));
    settings.key = Some(pki.path("client.key"));
    settings.ca = vec![pki.path("ca.pem")];
    settings.addresses = addresses;
    settings
}

pub(crate) fn carrier(settings: &Settings) -> (Carrier, Arc<TestPace>) {
    let pace = Arc::new(TestPace::default());
    let carrier = Carrier::new(settings, &[], &"zaanstad".parse().unwrap()).unwrap();
    (carrier.with_pace(pace.clone()), pace)
}

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// What a message gets where the answers come one after another, the last one for ever.
fn exchanged(answers: Vec<Answer>) -> (Result<Vec<u8>, CarrierError>, Vec<u64>, usize) {
    let pki = Pki::new();
    let bodies: Kept<Vec<u8>> = Kept::default();
    let seen = bodies.clone();
    let server = Server::start(Some(pki.server("127.0.0.1", 2099)), move |got| {
        let mut seen = seen.lock().unwrap();
        seen.push(got.body.clone());
        answers[(seen.len() - 1).min(answers.len() - 1)].clone()
    });
    let (carrier, pace) = carrier(&settings(&pki, vec![server.address()]));
    let reply = carrier.exchange(b"message", HOUR);
    let bodies = bodies.lock().unwrap();
    assert!(bodies.iter().all(|body| body == b"message"), "the same bytes each time");
    (reply, pace.waits(), bodies.len())
}

#[test]
fn a_reply_comes_back_and_a_request_is_as_the_text_says() {
    let pki = Pki::new();
    let heads: Kept<(usize, usize, String)> = Kept::default();
    let seen = heads.clone();
    let server = Server::start(Some(pki.server("127.0.0.1", 2099)), move |got: &Got| {
        assert_eq!((got.method.as_str(), got.path.as_str()), ("POST", "/sub/v1/zaanstad/messages"));
        assert_eq!((got.field("content-type"), got.field("grant")), (Some(MESSAGE), Some("$1")));
        seen.lock().unwrap().push((got.head.len(), got.body.len(), got.head.to_lowercase()));
        whole(REPLY, &got.body)
    });
    let mut settings = settings(&pki, vec![format!("{}/sub", server.address())]);
    settings.header = BTreeMap::from([("Grant".to_owned(), "$1".to_owned())]);
    let (carrier, pace) = carrier(&settings);
    for length in [0, 1, 351, 3_900, 4_096, 65_536, 65_537, 300_000] {
        let message = vec![7; length];
        assert_eq!(carrier.exchange(&message, HOUR).unwrap(), message);
    }
    assert_eq!(pace.waits().len(), 0);
    for (head_length, length, head) in heads.lock().unwrap().iter() {
        assert_eq!((head_length + length) % 4_096, 0, "{head}");
        for never in ["transfer-encoding", "content-encoding", "accept-encoding", "user-agent", "upgrade"] {
            assert!(!head.contains(never), "{head}");
        }
        assert_eq!(head.matches("content-length").count(), 1);
        assert_eq!(head.matches("host:").count(), 1);
        // Its head would go ahead, and the records after it would show the length of the body.
        assert!(!head.contains("expect"), "{head}");
    }
}

#[test]
fn the_same_bytes_go_again_where_no_reply_came() {
    let busy = |after: &str| {
        let body = br#"{"type":"about:blank","title":"Service Unavailable","status":503,"code":"busy","detail":"x"}"#;
        let length = body.len().to_string();
        response(503, &[("content-type", PROBLEM), ("content-length", &length), ("retry-after", after)], body)
    };
    let good = || whole(REPLY, b"reply");
    let short = response(200, &[("content-type", REPLY), ("content-length", "9")], b"reply");
    let long = response(200, &[("content-type", REPLY), ("content-length", "16778306")], b"reply");
    let unsaid = response(200, &[("content-type", REPLY)], b"reply");
    let other = whole("text/html", b"reply");
    let with_parameter = whole("application/vnd.stapel.reply; a=b", b"reply");
    let packed =
        response(200, &[("content-type", REPLY), ("content-encoding", "gzip"), ("content-length", "5")], b"reply");
    for bad in [Vec::new(), short, long, unsaid, other, with_parameter, packed, b"no HTTP at all\r\n\r\n".to_vec()] {
        let shown = String::from_utf8_lossy(&bad).into_owned();
        let (reply, waits, times) = exchanged(vec![bad, good()]);
        assert_eq!((reply.ok().as_deref(), waits, times), (Some(&b"reply"[..]), vec![2], 2), "{shown}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let (reply, waits, _) = exchanged(vec![response(status, &[("content-length", "0")], b""), good()]);
        assert_eq!((reply.ok().as_deref(), waits), (Some(&b"reply"[..]), vec![2]), "{status}");
    }
    // What a broker asks for is waited for, within bounds; of what is no number nothing follows.
    for (after, waited) in
        [("77", 77), ("3600", 2), ("3601", 2), ("1", 2), ("Wed, 01 Dec 2027 00:00:00 GMT", 2), ("-1", 2)]
    {
        let (reply, waits, _) = exchanged(vec![busy(after), good()]);
        let waited = if after == "3600" { Vec::new() } else { vec![waited] };
        assert_eq!((reply.is_ok(), waits), (after != "3600", waited), "{after}");
    }
}

#[test]
fn what_is_longer_than_it_says_is_cut_at_its_length() {
    let longer = response(200, &[("content-type", REPLY), ("content-length", "5")], b"replyHTTP/1.1 200 OK\r\n\r\n");
    let (reply, _, times) = exchanged(vec![longer]);
    assert_eq!((reply.ok().as_deref(), times), (Some(&b"reply"[..]), 1), "and the rest is read by nobody");
}

#[test]
fn what_comes_too_slowly_is_not_waited_for() {
    /// Ten seconds pass each time that somebody looks.
    #[derive(Default)]
    struct SlowPace(TestPace);
    impl Pace for SlowPace {
        fn now(&self) -> Duration {
            *self.0.now.lock().unwrap() += Duration::from_secs(10);
            self.0.now()
        }
        fn wait(&self, time: Duration) -> bool {
            self.0.wait(time)
        }
    }
    let pki = Pki::new();
    let said = |answer: Answer| {
        let server = Server::start(Some(pki.server("127.0.0.1", 2099)), move |_| answer.clone());
        let settings = settings(&pki, vec![server.address()]);
        let carrier = Carrier::new(&settings, &[], &"zaanstad".parse().unwrap()).unwrap();
        carrier.with_pace(Arc::new(SlowPace::default())).exchange(b"message", HOUR).unwrap_err().to_string()
    };
    let error = said(whole(REPLY, &[7; 16_383]));
    assert!(error.contains("too slowly"), "{error}");
    // Of a problem, what is left is its status.
    for status in [403, 503] {
        let error = said(problem(status, "some_code", &[]));
        assert!(error.contains(&format!("status {status}")) && !error.contains("some_code"), "{error}");
    }
}

/// A problem, with more fields than it needs.
fn problem(status: u16, code: &str, fields: &[(&str, &str)]) -> Answer {
    let body = format!(r#"{{"type":"about:blank","title":"Some","status":{status},"code":"{code}","detail":"x"}}"#);
    let length = body.len().to_string();
    let own = [("content-type", PROBLEM), ("content-length", &length)];
    response(status, &[&own, fields].concat(), body.as_bytes())
}

#[test]
fn what_a_broker_says_without_reading_is_read() {
    let pki = Pki::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = pki.server("127.0.0.1", 2099);
    // The head alone is read, and the connection broken off while most of the body is on its way.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // What waits to be sent would be lost with the connection.
            stream.set_nodelay(true).unwrap();
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            stream.read_exact(&mut [0; 1_000]).unwrap();
            stream.write_all(&problem(503, "busy", &[("retry-after", "3600")])).unwrap();
            stream.flush().unwrap();
        }
    });
    let (carrier, pace) = carrier(&settings(&pki, vec![format!("https://127.0.0.1:{port}")]));
    let error = carrier.exchange(&vec![7; 16_000_000], HOUR).unwrap_err();
    // It asks for more time than there is.
    assert!(error.code() == "unreachable" && pace.waits().is_empty(), "{error}");
    assert!(error.to_string().contains(&format!("https://127.0.0.1:{port}: status 503, busy: x")), "{error}");
}

#[test]
fn tls_1_2_without_the_extended_master_secret_is_not_taken() {
    let pki = Pki::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, alert) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 5];
        stream.read_exact(&mut head).unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut hello).unwrap();
        // A ServerHello of TLS 1.2: its random, no session, ECDHE with ECDSA and AES-128-GCM, and no extension.
        let body = [&[3, 3][..], &[7; 32], &[0], &[0xc0, 0x2b], &[0]].concat();
        let length = body.len() as u8;
        let record = [&[22, 3, 3, 0, length + 4, 2, 0, 0, length][..], &body].concat();
        stream.write_all(&record).unwrap();
        let mut answered = [0; 7];
        stream.read_exact(&mut answered).unwrap();
        told.send(answered).unwrap();
    });
    let (carrier, _) = carrier(&settings(&pki, vec![format!("https://127.0.0.1:{port}")]));
    let error = carrier.exchange(b"message", Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("ExtendedMasterSecret"), "{error}");
    // A fatal alert, handshake_failure.
    assert_eq!(alert.recv().unwrap(), [21, 3, 3, 0, 2, 2, 40]);
}

#[test]
fn waits_grow_to_five_minutes_and_end() {
    let (reply, waits, times) = exchanged(vec![Vec::new()]);
    let error = reply.unwrap_err();
    assert!(error.code() == "unreachable" && error.is_temporary(), "{error}");
    assert_eq!(waits[..10], [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert!(waits.iter().sum::<u64>() < 3_600 && times == waits.len() + 1);
}

#[test]
fn what_is_for_a_person_is_asked_once_and_shown() {
    let body =
        br#"{"type":"about:blank","title":"Forbidden","status":403,"code":"not_admitted","detail":"no \u001b[2J"}"#;
    let length = body.len().to_string();
    let problem = response(403, &[("content-type", PROBLEM), ("content-length", &length)], body);
    let (reply, waits, times) = exchanged(vec![problem]);
    let error = reply.unwrap_err();
    assert_eq!((error.code(), waits.len(), times), ("not_admitted", 0, 1));
    assert!(error.to_string().contains("\\u{1b}[2J") && !error.is_temporary(), "{error}");
    for status in [301, 302, 303, 307, 308, 400, 401, 404, 405, 411, 413, 415, 431] {
        let moved = response(status, &[("location", "https://127.0.0.1:1/"), ("content-length", "0")], b"");
        let (reply, waits, times) = exchanged(vec![moved]);
        let error = reply.unwrap_err();
        assert_eq!((error.code(), waits.len(), times), ("carrier_refused", 0, 1), "{status}: {error}");
    }
}

#[test]
fn of_two_addresses_one_that_works_is_enough() {
    let pki = Pki::new();
    let good = Server::start(Some(pki.server("127.0.0.1", 2099)), |_| whole(REPLY, b"reply"));
    let refusing =
        Server::start(Some(pki.server("127.0.0.1", 2099)), |_| response(404, &[("content-length", "0")], b""));
    let foreign = Pki::new();
    let untrusted = Server::start(Some(foreign.server("127.0.0.1", 2099)), |_| whole(REPLY, b"forged"));
    for bad in [format!("https://127.0.0.1:{}", dead_port()), refusing.address(), untrusted.address()] {
        let first = (0..20).filter(|_| {
            let mut settings = settings(&pki, vec![bad.clone(), good.address()]);
            settings.proxy = None;
            let carrier = Carrier::new(&settings, &[], &"zaanstad".parse().unwrap()).unwrap();
            carrier.exchange(b"message", HOUR).unwrap() == b"reply"
        });
        assert_eq!(first.count(), 20);
    }
}

#[test]
fn which_of_two_addresses_is_first_is_drawn() {
    /// Draws that are as near as they can be.
    struct NearPace;
    impl Pace for NearPace {
        fn now(&self) -> Duration {
            Duration::ZERO
        }
        fn wait(&self, _: Duration) -> bool {
            false
        }
        fn draw(&self, _: u64) -> u64 {
            0
        }
    }
    let pki = Pki::new();
    let [one, other] = [b"one", b"two"].map(|reply: &'static [u8; 3]| {
        Server::start(Some(pki.server("127.0.0.1", 2099)), move |_| whole(REPLY, reply))
    });
    let settings = settings(&pki, vec![one.address(), other.address()]);
    let reply = |pace: Arc<dyn Pace>| {
        let carrier = Carrier::new(&settings, &[], &"zaanstad".parse().unwrap()).unwrap();
        carrier.with_pace(pace).exchange(b"message", HOUR).unwrap()
    };
    assert_eq!(reply(Arc::new(TestPace::default())), b"one");
    assert_eq!(reply(Arc::new(NearPace)), b"two");
}

#[test]
fn a_broker_is_known_by_its_authority_name_and_dates_alone() {
    let (pki, foreign) = (Pki::new(), Pki::new());
    for (config, said) in [
        (foreign.server("127.0.0.1", 2099), "does not hold"),
        (pki.server("stapel.example.nl", 2099), "does not hold"),
        (pki.server("127.0.0.1", 2020), "does not hold"),
    ] {
        let server = Server::start(Some(config), |_| whole(REPLY, b"forged"));
        let (carrier, pace) = carrier(&settings(&pki, vec![server.address()]));
        let error = carrier.exchange(b"message", HOUR).unwrap_err();
        assert_eq!((error.code(), pace.waits().len()), ("connect_certificate", 0), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    // Nothing is trusted by default, and what does not fit is said before anything is connected to.
    let consortium = "zaanstad".parse().unwrap();
    let code = |settings: &Settings| Carrier::new(settings, &[], &consortium).unwrap_err().code();
    let good = || settings(&pki, vec!["https://127.0.0.1:1".into()]);
    assert!(Carrier::new(&good(), &[], &consortium).is_ok());
    for change in [
        (|one, _| one.ca.clear()) as fn(&mut Settings, &Pki),
        |one, _| one.certificate = None,
        |one, _| one.key = None,
        |one, _| one.addresses.clear(),
        |one, _| one.addresses = vec!["http://stapel.example.nl".into()],
        |one, foreign| one.key = Some(foreign.path("client.key")),
        |one, foreign| one.ca = vec![foreign.path("client.key")],
        |one, foreign| one.ca = vec![foreign.path("none.pem")],
    ] {
        let mut one = good();
        change(&mut one, &foreign);
        assert_eq!(code(&one), "connect_settings");
    }
}

#[test]
fn an_outway_on_this_machine_is_reached_without_tls() {
    let outway = Server::start(None, |got: &Got| whole(REPLY, got.field("fsc-grant-hash").unwrap().as_bytes()));
    let mut settings = Settings::default();
    settings.addresses = vec![format!("http://127.0.0.1:{}", outway.port)];
    settings.header = BTreeMap::from([("Fsc-Grant-Hash".to_owned(), "$1$4$x".to_owned())]);
    // It is not asked for through a proxy.
    settings.proxy = Some(format!("http://127.0.0.1:{}", dead_port()));
    let (carrier, _) = carrier(&settings);
    assert_eq!(carrier.exchange(b"message", HOUR).unwrap(), b"$1$4$x");
}

#[test]
fn a_proxy_is_what_the_settings_say() {
    let pki = Pki::new();
    let server = Server::start(Some(pki.server("127.0.0.1", 2099)), |_| whole(REPLY, b"reply"));
    let (proxy, asked) = connect_proxy();
    let mut settings = settings(&pki, vec![server.address()]);
    settings.proxy = Some(format!("http://user:geheim@127.0.0.1:{proxy}"));
    let (through, _) = carrier(&settings);
    assert_eq!(through.exchange(b"message", HOUR).unwrap(), b"reply");
    let head = asked.lock().unwrap().concat();
    assert!(head.starts_with(&format!("CONNECT 127.0.0.1:{} HTTP/1.1", server.port)), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic"), "{head}");
    // Where it is not there, nothing goes past it.
    settings.proxy = Some(format!("http://user:geheim@127.0.0.1:{}", dead_port()));
    let (through, _) = carrier(&settings);
    let error = through.exchange(b"message", Duration::ZERO).unwrap_err();
    assert!(error.code() == "unreachable" && !error.to_string().contains("geheim"), "{error}");
    let from = format!("{} through the proxy: io: ", server.address());
    assert!(error.to_string().contains(&from), "{error}");
}

/// A proxy that tunnels: its port, and the heads that came.
fn connect_proxy() -> (u16, Kept<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads: Kept<String> = Kept::default();
    let seen = heads.clone();
    std::thread::spawn(move || {
        for mut near in listener.incoming().map_while(Result::ok) {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && matches!(near.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let mut far = TcpStream::connect(head.split(' ').nth(1).unwrap()).unwrap();
            seen.lock().unwrap().push(head);
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let (mut from_near, mut to_far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_near, &mut to_far));
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut far, &mut near);
                let _ = near.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    (port, heads)
}

#[test]
fn a_certificate_that_the_broker_does_not_take_is_for_a_person() {
    let (pki, foreign) = (Pki::new(), Pki::new());
    let server = Server::start(Some(pki.server("127.0.0.1", 2099)), |_| whole(REPLY, b"reply"));
    let mut settings = settings(&pki, vec![server.address()]);
    settings.certificate = Some(foreign.path("client.pem"));
    settings.key = Some(foreign.path("client.key"));
    let (carrier, _) = carrier(&settings);
    let error = carrier.exchange(b"message", Duration::from_secs(30)).unwrap_err();
    // The alert may be lost with the connection.
    assert!(["connect_certificate", "unreachable"].contains(&error.code()), "{error}");
}

#[test]
fn what_is_fetched_is_what_the_list_says() {
    let pki = Pki::new();
    let lengths: Kept<usize> = Kept::default();
    let seen = lengths.clone();
    let text = stapel_testkit::Consortium::policy(1);
    let digest = stapel_testkit::signed(&text).digest();
    let served = text.clone();
    let server = Server::start(Some(pki.server("127.0.0.1", 2099)), move |got: &Got| {
        seen.lock().unwrap().push(got.head.len());
        match got.path.as_str() {
            "/v1/zaanstad/policies" => {
                let version = format!(r#"{{"version":1,"digest":"{digest}","valid_from":"2026-12-01","new":0}}"#);
                let one = format!(r#"{{"in_force":1,"versions":[{version}]}}"#);
                whole("application/json", one.as_bytes())
            }
            "/v1/zaanstad/policies/1" => whole("application/toml", served.as_bytes()),
            "/v1/zaanstad/policies/2" => whole("application/toml", served.as_bytes()),
            "/v1/zaanstad/policies/1/signatures" => whole("application/json", br#"{"signatures":["x"]}"#),
            "/v1/zaanstad/certificates" => whole("application/json", br#"{"certificates":[]}"#),
            _ => response(404, &[("content-length", "0")], b""),
        }
    });
    let (carrier, _) = carrier(&settings(&pki, vec![server.address()]));
    let listed = carrier.fetch_policies(HOUR).unwrap();
    assert_eq!((listed.in_force, listed.versions.len()), (1, 1));
    assert_eq!(carrier.fetch_policy(&listed.versions[0], HOUR).unwrap(), text);
    let mut other = listed.versions[0].clone();
    other.version = 2;
    assert_eq!(carrier.fetch_policy(&other, HOUR).unwrap_err().code(), "fetched");
    assert_eq!(carrier.fetch_signatures(1, HOUR).unwrap_err().code(), "fetched");
    assert_eq!(carrier.fetch_certificates(HOUR).unwrap().len(), 0);
    let error = carrier.fetch_checkpoint(HOUR).unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let lengths = lengths.lock().unwrap();
    assert!(lengths.len() == 6 && lengths.iter().all(|length| *length == 4_096), "{lengths:?}");
}

//! What is logged with everything switched on, by both sides and by what they are built on: nothing of a message, and
//! no key, secret or address.

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stapel::message::Part;
use stapel::{AddressKey, Case, Partner, Timestamp};
use stapel_service::client::{Carrier, Settings};
use stapel_testkit::{Client, START, day, leaks, numbered, write_private};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::serving::{Running, head};

/// All that this process logged, through either of the two crates that log. Other tests add theirs.
static LOGGED: Mutex<String> = Mutex::new(String::new());

fn note(line: &str) {
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    logged.push_str(line);
    logged.push('\n');
}

/// Notes everything, at every level.
struct Everything;

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        note(&format!("{} {} {}", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut fields);
        note(&fields.0);
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        note(&fields.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        note(&fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

const HOME: &str = "Zonnebloemstraat 17-A, 9999 XZ Voorbeeldstad";
const ACTOR: &str = "f.kwartelkoning";
const CASE: &str = "DOSSIER-7731-Q";
const TOKEN: &str = "outway-token-8f21d0c4";

/// What none may see who reads a log, and what each is.
#[derive(Default)]
struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((name.into(), bytes.into()));
    }

    /// A message or a reply: its signature, by which any of it would be known, which is last.
    fn add_signed(&mut self, name: &str, bytes: &[u8]) {
        self.add(name, &bytes[bytes.len() - 64..]);
    }

    /// A folder's keys: each file, as it is, and the bytes that it has as hexadecimal.
    fn add_keys(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ends = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
            if !["key", "secret", "pepper"].contains(&ends) {
                continue;
            }
            let (name, bytes) = (path.display().to_string(), std::fs::read(&path).unwrap());
            for word in String::from_utf8_lossy(&bytes).split(['"', '\n', ' ']) {
                let digit = |at| word.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
                let decoded: Option<Vec<u8>> = (0..word.len()).step_by(2).map(digit).collect();
                if let Some(decoded) = decoded.filter(|decoded| decoded.len() >= 16) {
                    self.add(format!("{name}, decoded"), decoded);
                }
                if word.len() >= 40 && word.is_ascii() {
                    self.add(name.clone(), word);
                }
            }
            if !bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
                self.add(name, bytes);
            }
        }
    }
}

#[test]
fn nothing_of_a_message_and_no_key_is_logged_with_everything_switched_on() {
    log::set_logger(&Everything).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing::subscriber::set_global_default(Everything).unwrap();
    let mut secrets = Secrets::default();
    for (name, text) in [("home", HOME), ("street", "Zonnebloemstraat"), ("actor", ACTOR), ("case", CASE)] {
        secrets.add(name, text);
    }
    secrets.add("a field's value", TOKEN);
    let pseudonyms = numbered((1..=9).map(|number| number * 0x0e3d_94b5_a1c7_2f68_83d9_471e_b6f0_5a2c));
    for (at, one) in pseudonyms.iter().enumerate() {
        secrets.add(format!("pseudonym {at}"), one.expose_bytes().as_slice());
    }

    let mut running = Running::bounded(|bounds| bounds.body_window = Duration::from_millis(300));
    let identity = running.identity(1);
    std::fs::write(running.path("1.pem"), &identity.chain).unwrap();
    write_private(&running.path("1.key"), identity.key.as_bytes());
    let mut settings = Settings::default();
    (settings.certificate, settings.key) = (Some(running.path("1.pem")), Some(running.path("1.key")));
    settings.ca = vec![running.path("ca.pem")];
    settings.header.insert("X-Token".into(), TOKEN.into());
    let address = format!("https://localhost:{}", running.address.port());
    let carrier = Carrier::new(&settings, &[address], &running.policy.policy().consortium).unwrap();

    // A partner flags and asks, and fetches what there is.
    let by = Case::new(ACTOR, CASE).unwrap();
    let home = AddressKey::parse(HOME).unwrap();
    let mut partner = Partner::open(&running.path("1")).unwrap();
    partner.flag(std::slice::from_ref(&home), &by, START).unwrap();
    let mut messages = partner.deliver(START).unwrap();
    let carry = |messages: &[Vec<u8>], secrets: &mut Secrets| {
        for message in messages {
            secrets.add_signed("a partner's message", message);
            let reply = carrier.exchange(message, Duration::ZERO).unwrap();
            secrets.add_signed("a reply to a partner", &reply);
        }
    };
    carry(&messages, &mut secrets);
    messages = partner.ask(std::slice::from_ref(&home), &by, START).unwrap();
    carry(&messages, &mut secrets);
    carrier.fetch_policies(Duration::ZERO).unwrap();
    carrier.fetch_certificates(Duration::ZERO).unwrap();
    carrier.fetch_checkpoint(Duration::ZERO).unwrap();

    // Flags and questions of a client that also says what is rejected: twice, changed, with another's certificate.
    let mut client = Client::new(2, &running.policy);
    let flags: Vec<_> = pseudonyms[..3].iter().map(|one| (*one, day("2027-01-31"))).collect();
    let full_set = client.full_set(&flags, Part { number: 1, of: 1 }, START);
    let question = client.question(&pseudonyms[3..6], START);
    let late = client.question(&pseudonyms[6..7], Timestamp(1));
    for message in [&full_set, &question, &full_set, &late] {
        secrets.add_signed("a client's message", message);
        secrets.add_signed("a reply to a client", &running.connect(2).send(message).unwrap().body);
        let changed: Vec<u8> = message.iter().rev().copied().collect();
        running.connect(2).send(&changed).unwrap();
        assert_eq!(running.connect(3).send(message).unwrap().code(), "not_admitted");
    }

    // Hostile ones, who put a pseudonym and a home wherever something can be put.
    let hex: String = pseudonyms[7].expose_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let word = HOME.replace(' ', "");
    for hostile in [
        head(3).replace("/messages", &format!("/{hex}")) + "abc",
        head(3).replace("zaanstad", &hex) + "abc",
        head(3).replace("/messages", &format!("/messages?{hex}&{word}")) + "abc",
        head(3).replace("POST", &hex) + "abc",
        head(3).replace("POST", &word) + "abc",
        head(3).replace("localhost", &word) + "abc",
        head(3).replace("\r\n\r\n", &format!("\r\n{hex}: {word}\r\nExpect: {hex}\r\n\r\n")) + "abc",
        head(3).replace("application/", &format!("{hex}/")) + "abc",
        head(3).replace(": 3", &format!(": {hex}")) + "abc",
        head(3).replace(": 3\r\n", &format!(": 3\r\nTransfer-Encoding: {hex}\r\n")) + "abc",
        head(9_000) + &hex + &word,
        format!("{hex}{word}\r\n\r\n"),
        format!("GET /v1/zaanstad/policies/{hex} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET /v1/zaanstad/tile/{hex}/{word} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let _ = running.connect(1).say(hostile);
    }
    let mut garbage = TcpStream::connect(running.address).unwrap();
    garbage.write_all(&[pseudonyms[8].expose_bytes().as_slice(), HOME.as_bytes()].concat().repeat(8)).unwrap();
    let _ = garbage.read_to_end(&mut Vec::new());
    let number = running.authority.identity(&[HOME], &[]);
    assert_eq!(running.connect_as(Some(&number)).send(&question).unwrap().code(), "not_admitted");
    // Files that are not what they are to be, as where the key stands in the certificate's place.
    let mut config = running.config.clone();
    let (folder, keys) = config.consortia[0].clone();
    config.consortia[0] = (keys, folder);
    let serving = running.serving.as_mut().unwrap();
    assert!(running.runtime.block_on(async { serving.reload(config) }).is_err());
    std::fs::copy(running.path("tls.key"), running.path("tls.pem")).unwrap();
    assert!(running.reload().is_err());

    for folder in ["", "1", "keys"] {
        secrets.add_keys(&running.path(folder));
    }
    for kind in ["partner.key", "signing.key", "epoch-1.secret", "pepper", "tls.key"] {
        assert!(secrets.0.iter().any(|(name, _)| name.contains(kind)), "{kind} is not looked for");
    }
    assert!(running.runtime.block_on(running.serving.take().unwrap().stop()));
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for told in ["ureq", "rustls", "stapel_service::server::routes", "milliseconds="] {
        assert!(logged.contains(told), "nothing was logged of {told}");
    }
    assert_eq!(leaks(&logged, &secrets.0), [].into());
}

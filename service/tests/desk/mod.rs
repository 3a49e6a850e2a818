//! A partner's folder that programs share: real requests through a real socket.

mod calls;
mod door;
mod openapi;
mod talk;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use stapel::partner::{Caller, Case, DossierEntry, Received};
use stapel::{AddressKey, Broker, Partner, SignedPolicy, Timestamp};
use stapel_service::client::ServeSettings;
use stapel_service::desk::{Desk, Listening};
use stapel_testkit::{
    DAY, ROSTER, START, broker, broker_keys, certificate, partner_folder, policy_text, secret, write_policy,
};
use tokio::runtime::Runtime;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A name of a request.
pub(crate) const NAME: &str = "3f2b0a4e-8d0c-4a8e-9a51-6c5c1a0f7f10";

/// A partner's folder that is served, and a broker.
pub(crate) struct Served {
    folder: tempfile::TempDir,
    pub(crate) desk: Arc<Desk>,
    pub(crate) runtime: Runtime,
    listening: Option<Listening>,
    broker: Broker,
    /// Seconds since 1970.
    pub(crate) now: Arc<AtomicU64>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// The head as it came.
    pub(crate) raw: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// The status, and the problem's code; "ok" where it is none.
    pub(crate) fn code(&self) -> (u16, String) {
        if self.status == 200 {
            return (200, "ok".to_owned());
        }
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

impl Served {
    pub(crate) fn new() -> Served {
        Served::under("")
    }

    /// Under a policy with more rules.
    pub(crate) fn under(rules: &str) -> Served {
        Served::written(rules, |text| text)
    }

    /// Under a policy of which the text is changed before it is signed.
    pub(crate) fn written(rules: &str, change: impl FnOnce(String) -> String) -> Served {
        Served::begin(rules, change, |policy, _| broker(policy))
    }

    /// The same, where partners have the keys that their certificates name, and so can be introduced.
    pub(crate) fn that_meet(rules: &str) -> Served {
        Served::that_meet_under(rules, |text| text)
    }

    /// The same, under a policy of which the text is changed before it is signed.
    pub(crate) fn that_meet_under(rules: &str, change: impl FnOnce(String) -> String) -> Served {
        Served::begin(rules, change, |policy, folder| {
            let places = [1, 2, 3, 4].map(|number: u16| folder.join(number.to_string()));
            for (number, place) in (1..).zip(&places) {
                fs::remove_file(place.join(format!("{number}.1.1.cert"))).unwrap();
            }
            let certified = |(number, place): (u16, &PathBuf)| {
                let keys = Partner::open(place.as_path()).unwrap().keys(1).unwrap();
                certificate(policy.policy(), number, 1, 1, Some(keys))
            };
            let all: Vec<_> = (1..).zip(&places).map(certified).collect();
            for place in &places {
                Partner::open(place.as_path()).unwrap().take_certificates(all.clone()).unwrap();
            }
            Broker::in_memory(broker_keys(), policy.clone(), &all, START).unwrap()
        })
    }

    fn begin(
        rules: &str,
        change: impl FnOnce(String) -> String,
        broker: impl FnOnce(&SignedPolicy, &Path) -> Broker,
    ) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        let rules = format!(
            "version = 1\nvalid_from = 2026-12-01\n{rules}[counting]\nthreshold = 2\nlevels = [\"unit\", \
             \"number\"]\n[budgets]\nswept_a_day = 100\nsweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\n\
             key_id = \"{}\"\nopens = 2026-12-01\ncloses = 2027-11-30",
            secret(1).key_id()
        );
        write_policy(&policy, &change(policy_text(&ROSTER[..4], &rules)));
        for number in 1..=4 {
            partner_folder(&folder.path().join(number.to_string()), number, &policy, &[1]);
        }
        let broker = broker(&SignedPolicy::read(&policy).unwrap(), folder.path());
        let partner = Partner::open(folder.path().join("1").as_path()).unwrap();
        let now = Arc::new(AtomicU64::new(START.0));
        let clock = now.clone();
        let desk = Desk::new(partner, None, move || Timestamp(clock.load(Ordering::SeqCst))).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let mut served = Served { folder, desk, runtime, listening: None, broker, now };
        fs::write(served.path("token"), format!("{TOKEN}\n")).unwrap();
        fs::set_permissions(served.path("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        served.listen(served.settings()).unwrap();
        served
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn settings(&self) -> ServeSettings {
        let mut settings = ServeSettings::default();
        settings.listen = Some("127.0.0.1:0".parse().unwrap());
        settings.token = Some(self.path("token"));
        settings
    }

    /// Listens anew, with other settings.
    pub(crate) fn listen(&mut self, settings: ServeSettings) -> Result<(), String> {
        let socket = self.path("serve.sock");
        let started = self.runtime.block_on(Listening::start(self.desk.clone(), &socket, &settings));
        self.listening = Some(started.map_err(|error| error.to_string())?);
        Ok(())
    }

    pub(crate) fn listening(&self) -> &Listening {
        self.listening.as_ref().unwrap()
    }

    /// Stops; whether all that was under way was ended.
    pub(crate) fn stop(&mut self) -> bool {
        let listening = self.listening.take().unwrap();
        self.runtime.block_on(listening.stop())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listening().address().unwrap()
    }

    /// What comes back for these bytes, through the socket.
    pub(crate) fn say(&self, request: &[u8]) -> Response {
        exchange(UnixStream::connect(self.path("serve.sock")).unwrap(), request)
    }

    /// The same, through the loopback address.
    pub(crate) fn say_loopback(&self, request: &[u8]) -> Response {
        exchange(TcpStream::connect(self.address()).unwrap(), request)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        self.say(&post(path, "", &body.to_string()))
    }

    /// What a call that is done comes to; `body` is completed by who acts.
    pub(crate) fn call(&self, path: &str, body: Value) -> Value {
        let response = self.post(path, &acting(body));
        assert_eq!(response.code(), (200, "ok".to_owned()), "{}", String::from_utf8_lossy(&response.body));
        response.json()
    }

    /// The status and code of a call that is refused.
    pub(crate) fn refused(&self, path: &str, body: Value) -> (u16, String) {
        self.post(path, &acting(body)).code()
    }

    /// Delivers what is flagged, and carries all messages to the broker and their replies back.
    pub(crate) fn carry(&self) -> Vec<Received> {
        let now = Timestamp(self.now.load(Ordering::SeqCst));
        let mut partner = self.desk.lend();
        partner.deliver(now).unwrap();
        let messages: Vec<Vec<u8>> = partner.in_flight().map(|message| message.bytes.to_vec()).collect();
        messages.iter().map(|message| partner.read(&self.broker.handle(message, now), now).unwrap()).collect()
    }

    /// The other organisations flag, the first of them the same, and a day later all of it shows.
    pub(crate) fn others_flag(&self, addresses: &[&str]) {
        let now = self.desk.time();
        let others = ["Kerkstraat 1, 1012 JT"];
        for (number, addresses) in [(2, addresses), (3, &others), (4, &others)] {
            let mut other = Partner::open(self.path(&number.to_string()).as_path()).unwrap();
            let addresses: Vec<_> = addresses.iter().map(|one| AddressKey::parse(one).unwrap()).collect();
            other.flag(addresses, &Case::new("p.peters", "B-1").unwrap(), now).unwrap();
            for message in other.deliver(now).unwrap() {
                let received = other.read(&self.broker.handle(&message, now), now).unwrap();
                assert!(matches!(received, Received::Receipt(_)), "{received:?}");
            }
        }
        self.now.fetch_add(DAY, Ordering::SeqCst);
    }

    /// Partner 2 withdraws an address, and a day later that shows.
    pub(crate) fn other_withdraws(&self, address: &str) {
        let now = self.desk.time();
        let mut other = Partner::open(self.path("2").as_path()).unwrap();
        let by = Case::new("p.peters", "B-1").unwrap();
        other.withdraw([AddressKey::parse(address).unwrap()], &by, now).unwrap();
        for message in other.deliver(now).unwrap() {
            let received = other.read(&self.broker.handle(&message, now), now).unwrap();
            assert!(matches!(received, Received::Receipt(_)), "{received:?}");
        }
        self.now.fetch_add(DAY, Ordering::SeqCst);
    }

    /// What the journal has on an address.
    pub(crate) fn dossier(&self, address: &str) -> Vec<DossierEntry> {
        let now = Timestamp(self.now.load(Ordering::SeqCst));
        let address = AddressKey::parse(address).unwrap();
        self.desk.lend().dossier(&address, &Case::new("test", "test").unwrap(), now).unwrap()
    }
}

/// The user of the tests.
pub(crate) fn own_user(served: &Served) -> Caller {
    use std::os::unix::fs::MetadataExt;
    Caller::LocalUser { uid: fs::metadata(served.path("policy.toml")).unwrap().uid() }
}

/// Adds who acts, where a body does not say it.
pub(crate) fn acting(mut body: Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    fields.entry("actor").or_insert(json!("j.jansen"));
    fields.entry("case").or_insert(json!("2026-0117"));
    body
}

/// A request, with more fields in its head.
pub(crate) fn post(path: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n{more}\r\n{body}"
    )
    .into_bytes()
}

pub(crate) fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Response {
    // What is too much is answered before it was all sent.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: head.to_ascii_lowercase(), raw: head, body: bytes[end + 4..].to_vec() }
}

//! A broker that `stapel broker serve` runs as a process over TLS, and who talks to it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use stapel::message::Part;
use stapel::policy::SignedPolicy;
use stapel::{Broker, Timestamp};
use stapel_service::client::{Carrier, Settings};
use stapel_testkit as testkit;
use stapel_testkit::{
    Client, DAY, ROSTER, RULES, START, policy_text, pseudonym, signed, stored_keys, write_policy, write_private,
};

use crate::common;
use crate::pki::Authority;

/// The partners that talk: of an organisation each.
pub(crate) const PARTNERS: u16 = 4;

/// What an organisation may ask on a day, and in the epoch: more than any test does.
pub(crate) const ASKED: u32 = 1_000_000_000;

/// For how long a test waits for what must come: no result hangs on it.
const AT_LONGEST: Duration = Duration::from_secs(120);

/// The text of a version of the policy; one after the first names the one before it.
pub(crate) fn policy(version: u32) -> String {
    let (head, rest) = RULES.split_once("[budgets]").unwrap();
    let epochs = &rest[rest.find("[[epoch]]").unwrap()..];
    let mut head = head.replace("version = 1", &format!("version = {version}"));
    if version > 1 {
        head += &format!("previous = \"{}\"\n", signed(&policy(version - 1)).digest());
    }
    let tables = format!(
        r#"[[override]]
rule = "own-flag"
reason = "one partner looks at every number"
[[override]]
rule = "names-somebody"
reason = "every number is looked at"
[[override]]
rule = "first-set"
reason = "no budget is to end"
[counting]
own_flag_required = false
[retention]
max_days = 365
max_renewals = 0
[budgets]
new_flags_a_day = {ASKED}
asked_a_day = {ASKED}
asked_an_epoch = {ASKED}
status_a_day = 100000
swept_a_day = 100
sweep_reasons = ["brand"]
"#
    );
    policy_text(&ROSTER, &format!("{head}{tables}{epochs}"))
}

/// A folder with a broker that has made its first release, its keys, and certificates. Its time is that of the policy's
/// second day, and passes as the test does.
pub(crate) struct Town {
    folder: tempfile::TempDir,
    pub(crate) policy: SignedPolicy,
    begun: Instant,
}

impl Town {
    /// A town, and its partners, each of which has delivered the flags that `flags` gives for its place.
    pub(crate) fn new(flags: impl Fn(usize) -> Vec<u8>) -> (Town, Vec<Client>) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let policy = signed(&policy(1));
        write_policy(&path("policy.toml"), &self::policy(1));
        let broker = Broker::create(&path("broker"), stored_keys(&path("keys")), &path("policy.toml"), START).unwrap();
        let mut clients: Vec<Client> = (1..=PARTNERS).map(|number| Client::new(number, &policy)).collect();
        for (at, client) in clients.iter_mut().enumerate() {
            let last_day = testkit::day("2027-06-30");
            let flags: Vec<_> = flags(at).into_iter().map(|flag| (pseudonym(flag), last_day)).collect();
            let message = client.full_set(&flags, Part { number: 1, of: 1 }, START);
            assert_eq!(testkit::code(&client.send(&broker, &message, START)), "ok");
        }
        broker.release(START.plus(DAY)).unwrap();
        drop(broker);

        let authority = Authority::new("Test PKI");
        let server = authority.identity(&[], &["127.0.0.1"]);
        std::fs::write(path("tls.pem"), &server.chain).unwrap();
        write_private(&path("tls.key"), server.key.as_bytes());
        std::fs::write(path("ca.pem"), authority.pem()).unwrap();
        std::fs::write(path("ca.crl"), authority.crl(&[])).unwrap();
        for number in 1..=PARTNERS {
            let organisation = &policy.policy().partner(number).unwrap().organisation;
            let oin = policy.policy().organisation(organisation).unwrap().oin;
            let identity = authority.identity(&[oin.as_str()], &[]);
            std::fs::write(path(&format!("{number}.pem")), &identity.chain).unwrap();
            write_private(&path(&format!("{number}.key")), identity.key.as_bytes());
        }
        let town = Town { folder, policy, begun: Instant::now() };
        town.configure("[[consortium]]\nfolder = \"broker\"\nkeys = \"keys\"\n");
        (town, clients)
    }

    /// Writes `broker.toml` with these consortia, or with what is none.
    pub(crate) fn configure(&self, consortia: &str) {
        let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"tls.pem\"\nkey = \"tls.key\"\n\
                      client_ca = [\"ca.pem\"]\ncrls = [\"ca.crl\"]\n";
        std::fs::write(self.path("broker.toml"), format!("runtime_dir = \"run\"\n{consortia}{listen}")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The time in the town.
    pub(crate) fn now(&self) -> Timestamp {
        START.plus(DAY + self.begun.elapsed().as_secs())
    }

    /// Begins to serve, and does not wait for it.
    pub(crate) fn spawn(&self) -> Server {
        // As a service has it that keeps its files to itself.
        let script = "umask 077; exec \"$0\" broker serve --config broker.toml --now \"$1\"";
        let mut child = Command::new("sh")
            .current_dir(self.folder.path())
            .args(["-c", script, env!("CARGO_BIN_EXE_stapel"), &self.now().to_string()])
            // As whoever looks for a fault might: it is to change nothing.
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, log) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(told.send(line))));
        Server { child, log, passed: Vec::new(), port: 0 }
    }

    /// Serves.
    pub(crate) fn serve(&self) -> Server {
        let mut server = self.spawn();
        let ready = server.wait_for("ready addresses=");
        server.port = ready.rsplit_once(':').unwrap().1.trim_matches('"').parse().unwrap();
        server
    }

    /// What carries a partner's messages to a server.
    pub(crate) fn carrier(&self, number: u16, server: &Server) -> Carrier {
        let mut settings = Settings::default();
        settings.certificate = Some(self.path(&format!("{number}.pem")));
        settings.key = Some(self.path(&format!("{number}.key")));
        settings.ca = vec![self.path("ca.pem")];
        let address = format!("https://127.0.0.1:{}", server.port);
        Carrier::new(&settings, &[address], &self.policy.policy().consortium).unwrap()
    }

    /// What a command says, both ways, and its exit status.
    pub(crate) fn run(&self, line: &str) -> (i32, String, String) {
        let output = common::run(self.folder.path(), line, &[], b"");
        (output.status.code().unwrap(), common::text(&output.stdout), common::text(&output.stderr))
    }
}

/// A process that serves. It ends with the test, at the latest.
pub(crate) struct Server {
    child: Child,
    log: Receiver<String>,
    /// What it logged and somebody waited for, or passed over.
    passed: Vec<String>,
    pub(crate) port: u16,
}

impl Server {
    /// The next line that it logs with this in it.
    pub(crate) fn wait_for(&mut self, what: &str) -> String {
        loop {
            match self.log.recv_timeout(AT_LONGEST) {
                Ok(line) => self.passed.push(line),
                Err(_) => panic!("it did not log {what:?}, but {:#?}", self.passed),
            }
            if let Some(line) = self.passed.last().filter(|line| line.contains(what)) {
                return line.clone();
            }
        }
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// The most memory that it had so far, in KiB, as Linux says.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Has it end in good order, and gives all that it logged.
    pub(crate) fn logged(mut self) -> String {
        self.signal("TERM");
        assert!(self.child.wait().unwrap().success());
        let lines = std::mem::take(&mut self.passed).into_iter().chain(self.log.iter());
        lines.map(|line| line + "\n").collect()
    }

    /// Has it end in good order.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

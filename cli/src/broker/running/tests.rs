//! Commands to a broker that runs do and say what they do and say where none runs.

use std::cell::RefCell;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use stapel::{Broker, Threads, Timestamp};
use stapel_service::server::clock::{ServiceClock, Source};
use stapel_service::server::operator::{OPERATOR, PLACE, STATUS, Sockets, listen};
use stapel_testkit::{DAY, ROSTER, RULES, START, policy_text, stored_keys, write_policy};

use super::*;

/// A clock that stands still.
struct At(Timestamp);

impl Source for At {
    fn wall(&self) -> Duration {
        Duration::from_secs(self.0.0)
    }

    fn boot(&self) -> Duration {
        Duration::from_secs(1_000)
    }

    fn is_synchronised(&self) -> bool {
        true
    }
}

const NOW: Timestamp = Timestamp(START.0 + 2 * DAY);

/// What is written to it is kept.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

struct Place(tempfile::TempDir);

impl Place {
    /// A broker in each of two folders, of the same first day.
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        write_policy(&place.path("policy.toml"), &policy_text(&ROSTER[..3], RULES));
        for name in ["run", "alone"] {
            fs::create_dir(place.path(name)).unwrap();
            let keys = stored_keys(&place.path(&format!("{name}/keys")));
            drop(
                Broker::create(&place.path(&format!("{name}/broker")), keys, &place.path("policy.toml"), START)
                    .unwrap(),
            );
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn serve(&self) -> (Arc<Consortium>, Sockets) {
        let clock = Arc::new(ServiceClock::new(At(NOW)));
        let (folder, keys) = (self.path("run/broker"), self.path("run/keys"));
        let consortium = Arc::new(Consortium::open(folder, keys, Threads::default(), clock).unwrap());
        let sockets = listen(&consortium, &self.path("sockets"), Arc::new(Operator)).unwrap();
        (consortium, sockets)
    }

    /// What a command says and how it ends; `DIR` stands for the folder of the broker.
    fn run(&self, name: &str, line: &str) -> (String, u8) {
        let line = line.replace("DIR", &self.path(name).display().to_string());
        let line = line.replace("HERE", &self.0.path().display().to_string());
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let cli = crate::Cli::try_parse_from(std::iter::once("stapel".into()).chain(words.clone())).ok().unwrap();
        let crate::Command::Broker(args) = cli.command else { panic!("{line}") };
        let kept = Kept::default();
        let err = Kept::default();
        let status = failure::apart(Box::new(err.clone()), || {
            failure::be_strict(cli.strict);
            let mut out = Output::to(Box::new(kept.clone()));
            let ended = super::super::run(args, words.into_iter(), &mut out).and_then(|()| out.finish());
            ended.map_or_else(Failure::report, |()| failure::ended())
        });
        (kept.text() + &err.text(), status)
    }
}

#[test]
fn a_command_says_the_same_whether_or_not_a_broker_runs() {
    let place = Place::new();
    let (consortium, sockets) = place.serve();
    let alone = |line: &str| place.run("alone", line);
    let run = |line: &str| place.run("run", line);
    let now = format!(" --now {NOW}");
    let commands = [
        "broker release --dir DIR/broker --keys DIR/keys --json",
        "broker release --dir DIR/broker --keys DIR/keys",
        "broker certify --dir DIR/broker --keys DIR/keys HERE/policy.toml",
        "broker adopt --dir DIR/broker --keys DIR/keys --policy HERE/policy.toml",
        "broker backup --dir DIR/broker --keys DIR/keys --to DIR/copy",
        "broker accept-clock --dir DIR/broker --keys DIR/keys",
        "broker accept-clock --dir DIR/broker --keys DIR/keys --date 2026-12-03",
        "broker status --dir DIR/broker --keys DIR/keys",
        "--strict broker status --dir DIR/broker --keys DIR/keys",
    ];
    for line in commands {
        let (told, status) = alone(&(line.to_owned() + &now));
        let (running, running_status) = run(line);
        // Standard error went past this test where the service said it.
        let told: String = told.lines().filter(|line| !line.starts_with("stapel: ")).collect();
        let running: String = running.replace("/run/", "/alone/").lines().collect();
        assert_eq!((running, running_status), (told, status), "{line}");
    }
    let verify = "broker verify --dir DIR/broker --keys DIR/keys --json";
    assert_eq!(run(verify), alone(verify));
    let (checkpoint, status) = run("broker checkpoint --dir DIR/broker --keys DIR/keys");
    assert!(status == 0 && checkpoint.starts_with("example.nl/zaanstad\n"), "{checkpoint}");
    assert_eq!(consortium.broker.checkpoints().unwrap().last().unwrap(), checkpoint.as_bytes());
    assert_eq!(
        run("broker log --dir DIR/broker --keys DIR/keys --out DIR/log.jsonl --checkpoints DIR/checkpoints").1,
        0
    );
    assert!(place.path("run/log.jsonl").exists());
    // Its numbers are of files that were opened less often.
    let (purged, status) = run("broker purge --dir DIR/broker --keys DIR/keys");
    assert!(status == 0 && purged.contains("0 flags and withdrawals went"), "{purged}");
    // The clock is the service's.
    assert_eq!(run(&format!("broker release --dir DIR/broker --keys DIR/keys{now}")).1, 1);
    // What is no command of a broker that runs stays as it was.
    assert_eq!(run("broker handle --dir DIR/broker --keys DIR/keys HERE/policy.toml").1, 75);

    // The service knows where its keys are.
    let without = "broker verify --dir DIR/broker --json";
    assert_eq!(run(without), run(verify));
    assert_eq!(run("broker status --dir DIR/broker"), run("broker status --dir DIR/broker --keys DIR/keys"));

    sockets.stop();
    let (told, status) = run(without);
    // Its keys are found where they were last, and the folder is this process's still.
    assert!(status == 75 && told.contains("[folder_in_use]"), "{told}");
    assert!(!place.path("run/broker").join(PLACE).exists());
    let (told, status) = run("broker release --dir DIR/broker --keys DIR/keys");
    assert!(status == 75 && told.contains("[folder_in_use]"), "{told}");
    drop(consortium);
    assert_eq!(run(&format!("broker release --dir DIR/broker --keys DIR/keys{now}")).1, 0);
}

#[test]
fn the_status_socket_shows_the_status_and_does_nothing() {
    let place = Place::new();
    let (consortium, sockets) = place.serve();
    let mode = |name| fs::metadata(sockets.folder().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(OPERATOR), mode(STATUS)), (0o600, 0o660));
    let ask = |name: &str, words: &[&str]| {
        let arguments = words.iter().map(|word| (*word).to_owned()).collect();
        let command = Command { folder: place.path(""), arguments, only_status: false };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = operator::ask(&sockets.folder().join(name), &command, &mut out, &mut err).unwrap();
        (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    };
    let (status, out, _) = ask(STATUS, &["broker", "status", "--dir", "run/broker"]);
    assert!(status == 0 && out.starts_with("as of "), "{out}");
    let (status, _, err) = ask(STATUS, &["broker", "status", "--dir", "alone/broker"]);
    assert!(status == 1 && err.contains("not in") && err.contains("[operator_socket]"), "{err}");
    let (status, _, err) = ask(STATUS, &["broker", "purge", "--dir", "run/broker"]);
    assert!(status == 2 && err.contains("only the status is shown here"), "{err}");
    // What a service does not do, it does not do for words that a command of this version would never send either.
    for words in [
        &["keygen", "secret", "--out", "x"][..],
        &["broker", "handle", "--dir", "x", "y"],
        &["broker", "init", "--dir", "new"],
        &["broker", "backup", "--dir", "x", "--verify", "y"],
        &["broker", "status", "--dir", "x", "--check"],
        &["--help"],
        &["broker"],
        &[],
        &["\u{1b}[2J"],
    ] {
        let (status, out, err) = ask(OPERATOR, words);
        assert!(status == 2 && out.is_empty() && err.contains("[usage]"), "{words:?}: {err}");
    }
    assert!(!place.path("new").exists());
    // One command's warnings are not another's.
    assert_eq!(ask(OPERATOR, &["--strict", "broker", "status", "--dir", "run/broker"]).0, 3);
    assert_eq!(ask(OPERATOR, &["broker", "status", "--dir", "run/broker"]).0, 0);
    drop(sockets);
    drop(consortium);
}

#[test]
fn sockets_of_one_name_are_one_services() {
    let place = Place::new();
    let (_consortium, sockets) = place.serve();
    let clock = Arc::new(ServiceClock::new(At(NOW)));
    let (folder, keys) = (place.path("alone/broker"), place.path("alone/keys"));
    let other = Arc::new(Consortium::open(folder, keys, Threads::default(), clock).unwrap());
    let refused = listen(&other, &place.path("sockets"), Arc::new(Operator)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AddrInUse, "{refused}");
    assert_eq!(place.run("run", "broker status --dir DIR/broker --keys DIR/keys").1, 0);

    // A service is told whose broker is meant.
    let line = format!("broker --runtime-dir {} purge --dir DIR/broker --keys DIR/keys", sockets.folder().display());
    assert_eq!(place.run("run", &line).1, 0);
    assert_eq!(place.run("alone", &line).1, 1);

    // Sockets that another put in the place of these are left to it.
    for name in [OPERATOR, STATUS] {
        fs::remove_file(sockets.folder().join(name)).unwrap();
    }
    let theirs = listen(&other, &place.path("sockets"), Arc::new(Operator)).unwrap();
    sockets.stop();
    assert!(theirs.folder().join(OPERATOR).exists() && theirs.folder().join(STATUS).exists());
    assert_eq!(place.run("alone", "broker status --dir DIR/broker --keys DIR/keys").1, 0);
}

#[test]
fn hostile_bytes_on_a_socket_end_with_it() {
    let place = Place::new();
    let (_consortium, sockets) = place.serve();
    let greeting = b"stapel operator 1\n";
    let sent: [&[u8]; 7] = [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        greeting,
        &[&greeting[..], &[0xff; 4]].concat(),
        &[&greeting[..], &[0, 0, 0, 2], b"{}"].concat(),
        &[&greeting[..], &[0, 0, 0, 9], b"[[[[[[[[["].concat(),
        &[&greeting[..], &[0, 1, 0, 0], &[b'['; 65_536]].concat(),
    ];
    for bytes in sent {
        let mut stream = UnixStream::connect(sockets.folder().join(OPERATOR)).unwrap();
        // The service may have closed it already.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        assert!(String::from_utf8_lossy(&told).contains("the service did not understand"), "{bytes:?}");
    }
    assert_eq!(place.run("run", "broker status --dir DIR/broker --keys DIR/keys").1, 0);
}

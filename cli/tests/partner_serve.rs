//! `stapel partner serve`, and programs that call it at once, each a process of its own, also while it is killed.
//!
//! `STAPEL_CALLER_SECONDS` says for how long they call, and `STAPEL_SERVE_KILLS` how often it is killed meanwhile;
//! without them each makes a few calls, and it is killed a few times.

#![allow(clippy::print_stdout)] // How much was met is what the long form of this is run for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stapel::message::Kind;
use stapel::partner::{AskedState, Caller, Case, DossierEvent};
use stapel::{AddressKey, Partner};
use stapel_testkit::{Consortium, START, Seeded};

use crate::common::text;
use crate::sync::Town;

/// How many processes call at once.
const CALLERS: usize = 16;

/// The calls of each, where no time is given.
const ROUNDS: usize = 12;

/// The variable by which a process of this program knows that it is one that calls, and which.
const CALLER: &str = "STAPEL_TEST_CALLER";

/// For how long a test waits for what must come: no result hangs on it.
const AT_LONGEST: Duration = Duration::from_secs(120);

/// A server that runs as a process.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    logged: String,
}

impl Server {
    fn start(folder: &Path, more: &[&str]) -> Server {
        let alone = ["--dir", "1", "--no-own", "--no-sync", "--now", &START.to_string()];
        Server::with(folder, &[&alone, more].concat())
    }

    fn with(folder: &Path, arguments: &[&str]) -> Server {
        Server::of(Command::new(env!("CARGO_BIN_EXE_stapel")).args(["partner", "serve"]).args(arguments), folder)
    }

    fn of(command: &mut Command, folder: &Path) -> Server {
        let mut child = command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut server = Server { child, log, logged: String::new() };
        server.wait_for("ready");
        server
    }

    /// Waits until it logs a line with this in it.
    fn wait_for(&mut self, wanted: &str) {
        loop {
            let before = self.logged.len();
            assert_ne!(self.log.read_line(&mut self.logged).unwrap(), 0, "it ended: {}", self.logged);
            if self.logged[before..].contains(wanted) {
                return;
            }
        }
    }

    /// Reads its log to the end, in a thread, so that it never waits for a reader.
    fn drain(self) -> (Child, std::thread::JoinHandle<String>) {
        let Server { child, mut log, mut logged } = self;
        let reading = std::thread::spawn(move || {
            let _ = log.read_to_string(&mut logged);
            logged
        });
        (child, reading)
    }

    fn signal(&self, name: &str) {
        signal(&self.child, name);
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// A consortium of which partner 1 is served.
fn consortium() -> Consortium {
    Consortium::new()
}

/// The response to a call, or why there was none.
fn call(socket: &Path, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
    let mut stream = UnixStream::connect(socket)?;
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
    Ok((status, serde_json::from_str(body).map_err(|_| cut())?))
}

/// A call that is made until there is a reply, and must be done then.
fn surely(socket: &Path, path: &str, body: &Value) -> Value {
    let until = Instant::now() + AT_LONGEST;
    loop {
        match call(socket, path, body) {
            Ok((200, told)) => return told,
            // It was told to stop, and said that nothing was done.
            Ok((503, _)) | Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            other => panic!("{path} {body}: {other:?}"),
        }
    }
}

/// The address of a round of a caller.
fn address(caller: usize, round: usize) -> String {
    format!("{}AB|{}|", 1000 + 20 * caller + round / 50_000, 1 + round % 50_000)
}

fn request(caller: usize, round: usize) -> String {
    format!("caller-{caller:02}-request-{round:06}")
}

fn actor(caller: usize) -> String {
    format!("employee.{caller}")
}

/// One of the processes that call: it flags an address in each round, withdraws one in three again, and asks about one
/// in four. Of what it did it says the number of rounds.
#[test]
fn a_caller_of_its_own() {
    let Some(caller) = std::env::var_os(CALLER) else { return };
    let caller: usize = caller.to_str().unwrap().parse().unwrap();
    let socket = PathBuf::from(std::env::var_os("STAPEL_TEST_SOCKET").unwrap());
    let seconds: Option<u64> = std::env::var("STAPEL_CALLER_SECONDS").ok().map(|text| text.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut rounds = 0;
    let end = std::env::var_os("STAPEL_TEST_END").map(PathBuf::from);
    let goes_on = |rounds| match (&end, seconds) {
        (Some(end), _) => !end.exists(),
        (None, Some(_)) => Instant::now() < until,
        (None, None) => rounds < ROUNDS,
    };
    while goes_on(rounds) {
        let by = |body: Value| {
            let mut body = body;
            body["actor"] = actor(caller).into();
            body["case"] = format!("case-{rounds}").into();
            body
        };
        let rows = json!([{ "address": address(caller, rounds) }]);
        let flagged = surely(&socket, "/v1/flag", &by(json!({ "rows": rows })));
        assert_eq!(flagged["refused"], 0, "{flagged}");
        if rounds.is_multiple_of(3) {
            surely(&socket, "/v1/withdraw", &by(json!({ "rows": rows })));
        }
        if rounds.is_multiple_of(4) {
            let asked = surely(&socket, "/v1/ask", &by(json!({ "rows": rows, "request": request(caller, rounds) })));
            assert_eq!(asked["state"], "waiting", "{asked}");
        }
        rounds += 1;
    }
    println!("rounds {rounds}");
}

/// Starts the processes that call; those that are given an end call until that file is there.
fn callers(socket: &Path, end: Option<&Path>) -> Vec<Child> {
    let start = |caller: usize| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "partner_serve::a_caller_of_its_own", "--nocapture"]);
        command.env(CALLER, caller.to_string()).env("STAPEL_TEST_SOCKET", socket).stdout(Stdio::piped());
        if let Some(end) = end {
            command.env("STAPEL_TEST_END", end);
        }
        command.spawn().unwrap()
    };
    (0..CALLERS).map(start).collect()
}

/// Waits for the processes, and gives the rounds of each.
fn rounds(callers: Vec<Child>) -> Vec<usize> {
    let ended = |child: Child| {
        let output = child.wait_with_output().unwrap();
        let out = text(&output.stdout);
        assert!(output.status.success(), "{out}");
        let said = out.lines().find_map(|line| line.split_once("rounds ")).expect("its rounds");
        said.1.parse().unwrap()
    };
    callers.into_iter().map(ended).collect()
}

/// Whether all that the callers were told was done is there, and nothing else.
fn check(folder: &Path, rounds: &[usize]) {
    let mut partner = Partner::open(folder).unwrap();
    partner.check_journal().unwrap();
    let (mut flagged, mut asked) = (BTreeSet::new(), BTreeMap::new());
    for (caller, rounds) in rounds.iter().enumerate() {
        assert!(*rounds > 0, "caller {caller} did nothing");
        for round in 0..*rounds {
            let key = AddressKey::from_canonical(&address(caller, round)).unwrap();
            if !round.is_multiple_of(3) {
                flagged.insert(key);
            }
            if round.is_multiple_of(4) {
                asked.insert(request(caller, round), (caller, round, key));
            }
        }
    }
    let there: BTreeSet<_> = partner.flags().map(|flag| flag.address).collect();
    assert!(there == flagged, "{} flags are there, of {}", there.len(), flagged.len());
    // Each question is there once.
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder).unwrap());
    let questions = partner.in_flight().filter(|message| message.kind == Kind::Question).count();
    assert_eq!(questions, asked.len());
    for (name, (caller, round, key)) in asked {
        let by = Case::new(&actor(caller), &format!("case-{round}")).unwrap();
        let by = by.through(Caller::LocalUser { uid }).in_request(&name).unwrap();
        let known = partner.asked_in(&by).unwrap().unwrap();
        assert!(known.state == AskedState::Waiting && known.by == by && known.is_about(&[key], None), "{known:?}");
    }
    // Of some, who did what: in order, and each by its own caller.
    let looker = Case::new("test", "test").unwrap();
    for (caller, rounds) in rounds.iter().enumerate() {
        let round = (rounds - 1) / 3 * 3;
        let key = AddressKey::from_canonical(&address(caller, round)).unwrap();
        let entries = partner.dossier(&key, &looker, START).unwrap();
        let by = |entry: &stapel::partner::DossierEntry| entry.by.clone().unwrap();
        assert!(entries.iter().all(|entry| by(entry).actor() == actor(caller)), "{entries:?}");
        assert!(entries.iter().all(|entry| by(entry).caller() == Caller::LocalUser { uid }), "{entries:?}");
        assert!(entries.is_sorted_by_key(|entry| entry.record), "{entries:?}");
        assert!(matches!(entries[0].event, DossierEvent::Flagged { .. }), "{entries:?}");
        assert!(entries.iter().any(|entry| entry.event == DossierEvent::Withdrawn), "{entries:?}");
    }
}

#[test]
fn sixteen_processes_share_a_folder_and_none_is_refused() {
    let consortium = consortium();
    let socket = consortium.path("1/serve.sock");
    let (mut child, log) = Server::start(&consortium.path(""), &[]).drain();
    let rounds = rounds(callers(&socket, None));
    signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
    let log = log.join().unwrap();
    assert!(!log.contains(" status=5") && !log.contains(" status=4"), "a call was refused");
    assert!(!log.contains("1000AB") && !log.contains("employee") && !log.contains("case-"), "the log says of whom");
    check(&consortium.path("1"), &rounds);
    println!("{} rounds of {CALLERS} processes", rounds.iter().sum::<usize>());
}

#[test]
fn nothing_is_lost_or_done_twice_where_the_server_is_killed() {
    let consortium = consortium();
    let socket = consortium.path("1/serve.sock");
    let kills: usize = std::env::var("STAPEL_SERVE_KILLS").map_or(3, |text| text.parse().unwrap());
    let mut random = Seeded::new(16);
    let mut server = Server::start(&consortium.path(""), &[]).drain();
    let end = consortium.path("end");
    let callers = callers(&socket, Some(&end));
    let mut kept = 0;
    for _ in 0..kills {
        // So that it is killed in the midst of things: after some more records, whenever those come.
        let until = Instant::now() + AT_LONGEST;
        let more = |kept: u64| records(&socket).ok().filter(|records| *records > kept);
        kept = loop {
            match more(kept) {
                Some(records) => break records,
                None => assert!(Instant::now() < until, "nothing is kept any more"),
            }
        };
        std::thread::sleep(Duration::from_micros(random.below(60_000) as u64));
        let (mut child, _) = server;
        child.kill().unwrap();
        child.wait().unwrap();
        server = Server::start(&consortium.path(""), &[]).drain();
    }
    std::fs::write(&end, "").unwrap();
    let rounds = rounds(callers);
    let (mut child, _) = server;
    signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
    check(&consortium.path("1"), &rounds);
    println!("{} rounds of {CALLERS} processes, and {kills} kills", rounds.iter().sum::<usize>());
}

/// How many records the journal has, as the server says.
fn records(socket: &Path) -> std::io::Result<u64> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let body = response.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?.1;
    let status: Value = serde_json::from_str(body)?;
    Ok(status["journal_records"].as_u64().unwrap_or_default())
}

#[test]
fn whoever_finds_the_folder_in_use_is_told_of_the_socket() {
    let consortium = consortium();
    let folder = consortium.path("");
    let mut server = Server::start(&folder, &["--socket", "other.sock", "--log", "json"]);
    let socket = consortium.path("other.sock");
    let stapel = |line: &str| crate::common::run(&folder, line, &[], b"");
    let output = stapel("partner news --dir 1");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(said.contains("[folder_in_use]") && said.contains(socket.to_str().unwrap()), "{said}");
    // What is wrong with its settings is said, and it goes on.
    server.signal("HUP");
    server.wait_for("reloaded");
    assert_eq!(call(&socket, "/v1/news", &json!({ "actor": "a", "case": "1" })).unwrap().0, 200);
    server.signal("TERM");
    server.wait_for("stopping");
    assert!(server.child.wait().unwrap().success());
    assert!(!socket.exists() && !consortium.path("1/serve.at").exists());
    assert!(server.logged.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", server.logged);
    assert!(stapel("partner news --dir 1").status.success());
    // What a server that was killed left is no server's: whoever has the folder then is waited for.
    let mut server = Server::start(&folder, &[]);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(consortium.path("1/serve.at").exists());
    let partner = Partner::open(&folder.join("1")).unwrap();
    let output = stapel("partner news --dir 1 --wait 0");
    let said = text(&output.stderr);
    assert!(said.contains("[folder_in_use]") && !said.contains("serve.sock"), "{said}");
    drop(partner);
    Server::start(&folder, &[]).child.kill().unwrap();
}

/// As a systemd with `WatchdogSec` hears it.
#[test]
fn a_service_manager_is_told_that_it_is_ready_and_that_it_lives() {
    let consortium = consortium();
    let folder = consortium.path("");
    let manager = UnixDatagram::bind(folder.join("notify")).unwrap();
    manager.set_read_timeout(Some(AT_LONGEST)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
    command.args(["partner", "serve", "--dir", "1", "--no-own", "--no-sync", "--now", &START.to_string()]);
    let server =
        Server::of(command.env("NOTIFY_SOCKET", folder.join("notify")).env("WATCHDOG_USEC", "200000"), &folder);
    let mut told = Vec::new();
    // Twice, so that it is not only said at the start.
    while told.iter().filter(|one| *one == "WATCHDOG=1").count() < 2 {
        let mut bytes = [0; 4_096];
        let length = manager.recv(&mut bytes).unwrap();
        told.extend(String::from_utf8(bytes[..length].to_vec()).unwrap().lines().map(str::to_owned));
    }
    assert_eq!(told[0], "READY=1");
    server.signal("TERM");
    let (mut child, _) = server.drain();
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_is_missing_is_said_before_anything_is_served() {
    let consortium = consortium();
    let folder = consortium.path("");
    let ended = |line: &str| {
        let output = crate::common::run(&folder, line, &[], b"");
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let (status, said) = ended("partner serve --dir 1");
    assert!(status == 2 && said.contains("--no-own"), "{said}");
    let (status, said) = ended("partner serve --dir 1 --actor a");
    assert!(status == 1 && said.contains("--no-sync"), "{said}");
    std::fs::write(folder.join("config.toml"), "[serve]\nlisten = \"0.0.0.0:9650\"\ntoken = \"token\"\n").unwrap();
    let (status, said) = ended("partner serve --dir 1 --no-own --no-sync --config config.toml");
    assert!(status == 1 && said.contains("[configuration]") && said.contains("other machines"), "{said}");
    assert!(!folder.join("1/serve.sock").exists() && !folder.join("1/serve.at").exists());
}

/// Pages of the configuration: what is wrong is said by `--check`, which serves nothing, and what is right is served.
#[test]
fn pages_of_the_configuration_are_looked_at_and_served() {
    let consortium = consortium();
    let folder = consortium.path("");
    let secret = |name: &str| {
        std::fs::write(folder.join(name), "0123456789abcdef0123456789abcdef\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(folder.join(name), mode).unwrap();
    };
    secret("secret");
    let check = |pages: &str| {
        std::fs::write(folder.join("police.toml"), format!("dir = \"1\"\n{pages}")).unwrap();
        let line = format!("partner serve --config police.toml --no-own --no-sync --check --now {START}");
        let output = crate::common::run(&folder, &line, &[], b"");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, said, _) = check("");
    assert_eq!((status, said.as_str()), (Some(0), "nothing is wrong with it\n"));
    assert!(!folder.join("1/serve.sock").exists());
    let (status, _, said) = check("[pages]\nlisten = \"192.0.2.1:443\"\nurl = \"https://a.nl\"\n");
    assert!(
        status == Some(1) && said.contains("[pages_not_encrypted]") && said.contains("give a certificate"),
        "{said}"
    );
    let (status, _, said) = check("[pages]\nlisten = \"127.0.0.1:0\"\nuser = \"m.smit\"\ntoken = \"secret\"\n");
    assert!(status == Some(1) && said.contains("[pages_one_user]") && said.contains("sign_in"), "{said}");
    let (status, _, said) = check("[pages]\nlisten = \"127.0.0.1:0\"\nscript = true\n");
    assert!(status == Some(1) && said.contains("line 4") && said.contains("script"), "{said}");
    let pages = "[pages]\nlisten = \"127.0.0.1:0\"\n[pages.provider]\nissuer = \"http://127.0.0.1:1\"\n\
                 client_id = \"a\"\nsecret = \"secret\"\n[pages.may]\nclaim = \"roles\"\nlook = [\"look\"]\n";
    let (status, _, said) = check(pages);
    assert!(status == Some(1) && said.contains("[pages_sign_in]") && said.contains("cannot be reached"), "{said}");
    // A provider that is away does not keep the pages from being served.
    let mut server = Server::with(
        &folder,
        &["--config", "police.toml", "--no-own", "--no-sync", "--log", "json", "--now", &START.to_string()],
    );
    let ready: Value = server.logged.lines().find(|line| line.contains("\"ready\"")).unwrap().parse().unwrap();
    let origin = ready["pages"].as_str().unwrap();
    let host = origin.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    write!(stream, "GET /nl/sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("lang=\"nl\""), "{page}");
    // The folder is in use, and all but the policy is looked at.
    let (status, _, said) = check(&pages.replace("client_id = \"a\"", "client_id = \"\""));
    assert!(status == Some(1) && said.contains("was not looked at") && said.contains("client_id is missing"), "{said}");
    server.signal("HUP");
    server.wait_for("the pages are not reloaded");
    server.signal("TERM");
    server.wait_for("stopping");
    assert!(server.child.wait().unwrap().success());
    assert!(std::net::TcpStream::connect(host.replace("localhost", "127.0.0.1")).is_err());
}

/// A spreadsheet that the one user gives on the pages is read as the commands read one.
#[test]
fn a_spreadsheet_is_given_on_the_pages() {
    let one_user = Consortium::policy(1).replacen("[[partner]]\n", "[[partner]]\nsign_in = \"one-user\"\n", 1);
    let consortium = Consortium::under(&one_user);
    let folder = consortium.path("");
    std::fs::write(folder.join("token"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.join("token"), mode).unwrap();
    let pages = "dir = \"1\"\n[pages]\nlisten = \"127.0.0.1:0\"\nuser = \"m.smit\"\ntoken = \"token\"\n";
    std::fs::write(folder.join("police.toml"), pages).unwrap();
    let now = START.to_string();
    let arguments = ["--config", "police.toml", "--no-own", "--no-sync", "--log", "json", "--now", &now];
    let server = Server::with(&folder, &arguments);
    let ready: Value = server.logged.lines().find(|line| line.contains("\"ready\"")).unwrap().parse().unwrap();
    let origin = ready["pages"].as_str().unwrap().to_owned();
    let host = origin.strip_prefix("http://").unwrap().to_owned();
    let ask = |head: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head}Host: {host}\r\nOrigin: {origin}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let signed_in =
        ask(&format!("POST /nl/sign-in HTTP/1.1\r\n{form}"), "token=0123456789abcdef0123456789abcdef&to=/nl");
    let between = |text: &str, before: &str, after: char| {
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
        rest.split(after).next().unwrap().to_owned()
    };
    let cookie = format!("Cookie: {}\r\n", between(&signed_in, "set-cookie: ", ';'));
    let page = ask(&format!("GET /nl/flag HTTP/1.1\r\n{cookie}"), "");
    let csrf = between(&page, "name=\"csrf\" value=\"", '"');
    let mut body = String::new();
    for (name, value) in [("csrf", csrf.as_str()), ("do", "sheet"), ("case", "Z-1")] {
        body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nStraat;Huisnr;Postcode\n\
             Dam;1;1012 JS\nDam;;1012 JS\n\r\n--b--\r\n";
    let head = format!("POST /nl/flag HTTP/1.1\r\n{cookie}Content-Type: multipart/form-data; boundary=b\r\n");
    let page = ask(&head, &body);
    assert!(page.contains("gelezen als: huisnummer") && page.contains("UTF-8, puntkomma's"), "{page}");
    let token = between(&page, "name=\"token\" value=\"", '"');
    let send =
        |fields: &str| ask(&format!("POST /nl/flag HTTP/1.1\r\n{cookie}{form}"), &format!("csrf={csrf}&{fields}"));
    let page = send(&format!("do=columns&next=ask&token={token}"));
    let token = between(&page, "name=\"token\" value=\"", '"');
    let page = send(&format!("do=confirm&token={token}"));
    assert!(page.contains("Gedaan") && page.contains("herstel ze"), "{page}");
    let kept = ask(&format!("GET /nl/flag?refused=file HTTP/1.1\r\n{cookie}"), "");
    assert!(kept.contains("stapel_code;stapel_field") && kept.contains(";Dam;;1012 JS"), "{kept}");
    server.signal("TERM");
    let (mut child, _) = server.drain();
    assert!(child.wait().unwrap().success());
    let partner = Partner::open(folder.join("1").as_path()).unwrap();
    assert!(partner.flag_of(&AddressKey::from_canonical("1012JS|1|").unwrap()).is_some());
    assert_eq!(partner.flags().len(), 1);
}

/// The journal of a partner from which nothing is carried goes to its Logboek all the same, from the start on.
#[cfg(feature = "otlp")]
#[test]
fn a_served_partner_sends_to_its_logboek_without_sync() {
    let consortium = consortium();
    let folder = consortium.path("");
    let configure = |otlp: &str| {
        let table = format!("[logboek]\nactivity = \"https://register.example.nl/12\"\notlp = {otlp:?}\n");
        std::fs::write(folder.join("config.toml"), table).unwrap();
    };
    configure("http://logboek.example.nl/v1/traces");
    let line = "partner serve --dir 1 --no-own --no-sync --config config.toml";
    let output = crate::common::run(&folder, line, &[], b"");
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("[logboek_settings]"), "{said}");
    assert!(!folder.join("1/serve.at").exists());
    let by = Case::new("j.jansen", "Z-1").unwrap();
    let mut partner = Partner::open(&folder.join("1")).unwrap();
    partner.flag([&AddressKey::from_canonical("1012JS|9|").unwrap()], &by, START).unwrap();
    let head = partner.journal_head();
    drop(partner);
    let (tell, told) = std::sync::mpsc::channel();
    let logboek = crate::stub::Server::start(None, move |request| {
        let request: Value = serde_json::from_slice(&request.body).unwrap();
        tell.send(crate::sync::spans(&request)).unwrap();
        crate::stub::whole("application/json", b"{}")
    });
    configure(&format!("http://127.0.0.1:{}/v1/traces", logboek.port));
    let server = Server::start(&folder, &["--config", "config.toml"]);
    let spans = told.recv_timeout(AT_LONGEST).unwrap();
    assert!(spans.len() == 1 && spans[0]["name"] == "stapel.flag", "{spans:?}");
    let until = Instant::now() + AT_LONGEST;
    let noted = || std::fs::read_to_string(folder.join("1/logboek.sent")).unwrap_or_default();
    while noted() != format!("{head}\n") {
        assert!(Instant::now() < until, "{}", noted());
        std::thread::sleep(Duration::from_millis(10));
    }
    server.signal("TERM");
    let (mut child, _) = server.drain();
    assert!(child.wait().unwrap().success());
}

/// What the page says to type does what it says, in one shell. The server ends with the shell.
#[test]
fn what_the_page_says_to_type_does_what_it_says() {
    let page = include_str!("../../docs/partner-serve.md");
    let blocks = |language: &str| -> Vec<&str> {
        let begin = format!("```{language}\n");
        page.split(&begin).skip(1).map(|rest| rest.split_once("```").expect("a block that ends").0).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let command = Path::new(env!("CARGO_BIN_EXE_stapel")).parent().unwrap();
    let path = format!("{}:{}", command.display(), std::env::var("PATH").unwrap_or_default());
    let lines = format!("trap 'kill $! 2> /dev/null || :' EXIT\n{}", blocks("sh").concat());
    let output =
        Command::new("sh").args(["-ec", &lines]).env("PATH", path).current_dir(folder.path()).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let [shown, standing] = blocks("text")[..] else { panic!("two blocks of what is printed") };
    let replies: Vec<Value> =
        out.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let [flagged, asked, answers, withdrawn, dossier, answered] = &replies[..] else { panic!("{out}") };
    assert_eq!((&flagged["added"], &flagged["refused"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&asked["state"], &answers["state"], &withdrawn["withdrawn"]),
        (&json!("waiting"), &json!("waiting"), &json!(1))
    );
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder.path()).unwrap());
    let dossier = dossier.to_string().replace(&format!("\"uid\":{uid}"), "\"uid\":1000");
    assert!(dossier.contains(&shown.lines().collect::<String>()), "{dossier}");
    assert_eq!(answered["state"], "answered");
    assert!(answered.to_string().contains(standing.trim_end()), "{answered}");
}

/// A program asks through the server, and the server carries it to a broker over HTTPS and back.
#[test]
fn a_question_goes_to_the_broker_and_its_answer_comes_back() {
    let town = Town::new();
    let folder = town.consortium.path("");
    let socket = folder.join("1/serve.sock");
    let by = |mut body: Value| {
        body["actor"] = "j.jansen".into();
        body["case"] = "Z-1".into();
        body
    };
    let rows = json!([{ "text": "Dam 1-A, 1012 JS Amsterdam" }]);
    let served = |day: u16, more: &[&str], act: &dyn Fn()| {
        // After the day's moment, so that its work is done at once.
        let now = town.at(day, 23).to_string();
        let server = Server::with(&folder, &[&["--config", "1.toml", "--now", &now], more].concat());
        act();
        let (mut child, log) = server.drain();
        signal(&child, "TERM");
        assert!(child.wait().unwrap().success());
        log.join().unwrap()
    };
    let until = |is_there: &dyn Fn() -> bool| {
        let end = Instant::now() + AT_LONGEST;
        while !is_there() {
            assert!(Instant::now() < end, "it does not come");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let status = || -> Value {
        let output = Command::new("curl").args(["-s", "--unix-socket"]).arg(&socket).arg("http://x/v1/status").output();
        serde_json::from_slice(&output.unwrap().stdout).unwrap()
    };
    served(0, &["--no-sync"], &|| drop(surely(&socket, "/v1/flag", &by(json!({ "rows": rows })))));
    served(0, &[], &|| {
        until(&|| status()["sync"]["last_done"].is_string());
        assert_eq!((&status()["undelivered"], &status()["sync"]["state"]), (&json!(0), &json!("waiting")));
    });
    for number in 2..5 {
        let now = town.at(0, 23);
        let flag = format!("partner flag --config {number}.toml --case 1 a.csv --now {now}");
        assert_eq!(town.run(&flag).0, 0);
        let (code, out, err) = town.run(&format!("partner sync --config {number}.toml --at-once --now {now}"));
        assert_eq!(code, 0, "{out}{err}");
    }
    let request = "3f2b0a4e-8d0c-4a8e-9a51-6c5c1a0f7f10";
    let ask = by(json!({ "rows": rows, "request": request }));
    served(1, &["--no-sync"], &|| assert_eq!(surely(&socket, "/v1/ask", &ask)["state"], "waiting"));
    let answers = || surely(&socket, "/v1/answers", &by(json!({ "request": request })));
    let log = served(1, &[], &|| {
        until(&|| answers()["state"] == "answered");
        until(&|| status()["sync"]["last_done"].is_string());
        let answered = answers();
        assert_eq!(answered["answers"][0]["rows"][0]["standing"], "stacked", "{answered}");
        assert_eq!(surely(&socket, "/v1/ask", &ask)["answers"], answered["answers"], "it is not asked again");
        let news = surely(&socket, "/v1/news", &by(json!({})));
        assert_eq!(news["news"][0]["change"], "newly_stacked", "{news}");
    });
    assert!(log.contains("answered about 1 address"), "{log}");
    // Begun again, it finds nothing that is due, and has heard nothing of the broker.
    served(1, &[], &|| {
        until(&|| status()["sync"]["last_run"].is_string());
        let sync = &status()["sync"];
        assert!(sync["last_done"].is_null() && sync["last_code"].is_null(), "{sync}");
    });
    assert!(!log.contains("1012JS") && !log.contains("jansen"), "{log}");
    let left = std::fs::read_dir(folder.join("1/outbox")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is left for somebody to read");
}

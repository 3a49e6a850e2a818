//! `stapel broker serve`, as a service manager runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use stapel::Policy;
use stapel_testkit::Consortium;

const CONFIGURATION: &str = "runtime_dir = \"run\"\n\n[[consortium]]\nfolder = \"broker\"\nkeys = \"keys\"\n\n\
                             [[listen]]\nsocket = \"gateway\"\noin_header = \"Fsc-Oin\"\n";

fn stapel(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
    command.current_dir(folder).args(["broker", "serve", "--config", "broker.toml"]);
    command
}

/// Waits until it logs a line with this in it, and adds all that it logs until then.
fn wait_for(log: &mut BufReader<ChildStderr>, all: &mut String, wanted: &str) {
    loop {
        let before = all.len();
        assert_ne!(log.read_line(all).unwrap(), 0, "it ended: {all}");
        if all[before..].contains(wanted) {
            return;
        }
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The status of a message with this body from whoever has this OIN.
fn status_of(socket: &Path, oin: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = body.len();
    let head = "POST /v1/zaanstad/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/vnd.stapel.message\r\n";
    write!(stream, "{head}Content-Length: {length}\r\nFsc-Oin: {oin}\r\n\r\n{body}").unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    String::from_utf8(status.to_vec()).unwrap()
}

#[test]
fn signals_reload_it_and_end_it() {
    let consortium = Consortium::new();
    let folder = consortium.path("");
    std::fs::write(consortium.path("broker.toml"), CONFIGURATION).unwrap();
    let mut child = stapel(&folder).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut logged = String::new();
    wait_for(&mut log, &mut logged, "ready");
    let policy = Policy::parse(&Consortium::policy(1)).unwrap();
    let member = policy.organisation(&policy.partner(1).unwrap().organisation).unwrap().oin;
    // The body of one is read, and that of the other is not.
    let asked = |oin: &str| status_of(&consortium.path("gateway"), oin, "not to be logged");
    let statuses = || [asked(member.as_str()), asked("00000099000000001000")];
    assert_eq!(statuses(), ["HTTP/1.1 200", "HTTP/1.1 403"]);
    // Its folder is its own, so that a check looks at all else.
    let checked = stapel(&folder).arg("--check").output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert!(String::from_utf8(checked.stdout).unwrap().contains("its store was not looked at"));
    let second = stapel(&folder).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(second.status.code() == Some(75) && said.contains("[folder_in_use]"), "{said}");
    // What is wrong changes nothing.
    std::fs::write(consortium.path("broker.toml"), "wrong").unwrap();
    signal(&child, "HUP");
    wait_for(&mut log, &mut logged, "not reloaded");
    std::fs::write(consortium.path("broker.toml"), CONFIGURATION).unwrap();
    signal(&child, "HUP");
    wait_for(&mut log, &mut logged, "INFO reloaded");
    assert_eq!(statuses(), ["HTTP/1.1 200", "HTTP/1.1 403"]);
    signal(&child, "TERM");
    wait_for(&mut log, &mut logged, "stopping");
    assert!(logged.matches(" received=16 ").count() == 4 && !logged.contains("not to be logged"), "{logged}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!consortium.path("gateway").exists());
}

#[test]
fn a_check_says_what_is_wrong_and_serves_nothing() {
    let consortium = Consortium::new();
    let folder = consortium.path("");
    std::fs::write(consortium.path("broker.toml"), CONFIGURATION).unwrap();
    let checked = stapel(&folder).arg("--check").output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    std::fs::write(consortium.path("broker.toml"), CONFIGURATION.replace("socket", "sokcet")).unwrap();
    let checked = stapel(&folder).arg("--check").output().unwrap();
    assert_eq!(checked.status.code(), Some(1));
    let served = stapel(&folder).output().unwrap();
    assert_eq!(served.status.code(), Some(1));
    for said in [checked.stderr, served.stderr] {
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("broker.toml, line 8") && said.contains("[configuration]"), "{said}");
    }
}

#[test]
fn a_log_for_programs_has_an_object_a_line() {
    let consortium = Consortium::new();
    let folder = consortium.path("");
    std::fs::write(consortium.path("broker.toml"), CONFIGURATION).unwrap();
    let mut child = stapel(&folder).args(["--log", "json"]).stderr(Stdio::piped()).spawn().unwrap();
    let (mut log, mut logged) = (BufReader::new(child.stderr.take().unwrap()), String::new());
    wait_for(&mut log, &mut logged, "ready");
    assert_eq!(status_of(&consortium.path("gateway"), "00000099000000001000", "x"), "HTTP/1.1 403");
    signal(&child, "TERM");
    log.read_to_string(&mut logged).unwrap();
    assert!(child.wait().unwrap().success());
    let lines: Vec<serde_json::Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{logged}");
    let request = lines.iter().find(|line| line["message"] == "request").unwrap();
    assert_eq!((&request["status"], &request["code"]), (&403.into(), &"not_admitted".into()), "{request}");
    assert!(lines.iter().any(|line| line["message"] == "stopping"), "{logged}");
}

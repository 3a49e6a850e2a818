//! `stapel broker serve`, as a service manager runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use stapel_testkit::Consortium;

const CONFIGURATION: &str = "runtime_dir = \"run\"\n\n[[consortium]]\nfolder = \"broker\"\nkeys = \"keys\"\n\n\
                             [[listen]]\nsocket = \"gateway\"\noin_header = \"Fsc-Oin\"\n";

fn stapel(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
    command.current_dir(folder).args(["broker", "serve", "--config", "broker.toml"]);
    command
}

/// Waits until it logs a line with this in it.
fn wait_for(log: &mut BufReader<ChildStderr>, wanted: &str) -> String {
    let mut all = String::new();
    loop {
        let before = all.len();
        assert_ne!(log.read_line(&mut all).unwrap(), 0, "it ended: {all}");
        if all[before..].contains(wanted) {
            return all;
        }
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn status_of(socket: &Path, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = body.len();
    let head = "POST /v1/zaanstad/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/vnd.stapel.message\r\n";
    write!(stream, "{head}Content-Length: {length}\r\nFsc-Oin: 00000099000000001000\r\n\r\n{body}").unwrap();
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
    wait_for(&mut log, "ready");
    assert_eq!(status_of(&consortium.path("gateway"), "not to be logged"), "HTTP/1.1 403");
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
    wait_for(&mut log, "not reloaded");
    std::fs::write(consortium.path("broker.toml"), CONFIGURATION).unwrap();
    signal(&child, "HUP");
    wait_for(&mut log, "reloaded");
    assert_eq!(status_of(&consortium.path("gateway"), "not to be logged"), "HTTP/1.1 403");
    signal(&child, "TERM");
    let all = wait_for(&mut log, "stopping");
    assert!(!all.contains("not to be logged"), "{all}");
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

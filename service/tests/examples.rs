//! The programs in `examples` that speak HTTPS: one's own broker, and one's own partner that reaches it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The program of an example, which `cargo test` builds beside the tests. Where this test alone was asked for, nobody
/// built it, or only its last version: then Cargo does so now.
fn built(example: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples").join(example);
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    if modified(&program) < modified(&own.join(format!("../examples/{example}.rs"))) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--example", example]).current_dir(own);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "{example} does not build");
    }
    program
}

#[test]
fn a_partner_of_ones_own_reaches_a_broker_of_ones_own() {
    let mut broker = Command::new(built("http_broker")).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(broker.stdout.take().unwrap());
    let mut said = String::new();
    out.read_line(&mut said).unwrap();
    // The broker prints the command by which the partner is run.
    let command = said.trim().strip_prefix("cargo run -p stapel-service --example http_partner -- ");
    let arguments = command.unwrap_or_else(|| panic!("{said}")).split(' ');
    let partner = Command::new(built("http_partner")).args(arguments).output().unwrap();
    // Ctrl-C: the broker ends by itself.
    kill_process(Pid::from_child(&broker), Signal::INT).unwrap();
    let ended = broker.wait().unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();

    let (out, err) = (String::from_utf8_lossy(&partner.stdout), String::from_utf8_lossy(&partner.stderr));
    assert!(partner.status.success(), "{out}{err}");
    assert_eq!(out, "partner 1: 2 flags held\n", "{err}");
    assert!(ended.success() && rest.is_empty(), "{ended} {rest}");
}

//! `broker.toml`, and what is said of it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use stapel::broker::BrokerStatus;
use stapel::{Threads, Timestamp};
use stapel_service::server::clock::{Machine, ServiceClock};
use stapel_service::server::{Config, Consortium as Opened, Environment, Place, Serving, check};
use stapel_testkit::{Consortium, START};

use super::Running;
use super::pki::Authority;

const WHOLE: &str = r#"[[consortium]]
folder = "broker"
keys = "keys"

[[listen]]
address = "127.0.0.1:0"
certificate = "tls.pem"
key = "tls.key"
client_ca = ["ca.pem"]
crls = ["ca.crl"]

[bounds]
connections = 10
"#;

#[test]
fn it_is_read_strictly() {
    let read = |text: &str| Config::parse(Path::new("/etc/stapel/broker.toml"), text);
    let config = read(WHOLE).unwrap();
    assert_eq!(config.consortia, [("/etc/stapel/broker".into(), "/etc/stapel/keys".into())]);
    assert_eq!((config.bounds.connections, config.runtime_dir.to_str()), (10, Some("/run/stapel")));
    assert!(matches!(&config.listen[0].place, Place::Tls(_, tls) if tls.key == Path::new("/etc/stapel/tls.key")));
    for (from, to, line, finding) in [
        ("connections = 10", "connexions = 10", 13, "connexions"),
        ("connections = 10", "connections = 0", 13, "from 1 to"),
        ("keys = \"keys\"", "keys = 1", 3, "invalid type"),
        ("127.0.0.1:0", "localhost", 6, "listen.address"),
        ("key = \"tls.key\"\n", "", 5, "no key"),
        ("client_ca = [\"ca.pem\"]", "client_ca = []", 5, "client_ca"),
        ("crls = [\"ca.crl\"]", "oin_header = \"Fsc-Oin\"", 5, "gateway_oins"),
        ("crls = [\"ca.crl\"]", "gateway_oins = [\"12\"]", 10, "20 digits"),
        ("address = \"127.0.0.1:0\"", "socket = \"s\"", 5, "no TLS"),
        ("[bounds]", "[[consortium]]\nfolder = \"broker\"\n[bounds]", 13, "twice"),
    ] {
        let text = WHOLE.replacen(from, to, 1);
        let error = read(&text).unwrap_err();
        assert_eq!(error.line, Some(line), "{to}: {error}");
        assert!(error.to_string().contains(finding), "{to}: {error}");
    }
    assert!(read("").unwrap_err().to_string().contains("[[consortium]]"));
}

#[test]
fn a_check_says_all_that_is_wrong() {
    let consortium = Consortium::new();
    let authority = Authority::new("Test PKI");
    let write = |name: &str, text: &str| std::fs::write(consortium.path(name), text).unwrap();
    let pair = authority.identity(&[], &["localhost"]);
    write("broker.toml", WHOLE);
    write("tls.pem", &pair.chain);
    write("tls.key", &pair.key);
    write("ca.pem", &authority.pem());
    write("ca.crl", &authority.crl(&[]));
    let found = |now: Timestamp| check(&consortium.path("broker.toml"), now).findings;
    assert_eq!(found(START), [""; 0]);
    let late = found(Timestamp(64_080_000_000)).join("\n");
    assert!(late.contains("ca.crl is outdated"), "{late}");
    write("tls.key", &authority.identity(&[], &[]).key);
    let other = found(START).join("\n");
    assert!(other.contains("tls.key is not the key of"), "{other}");
    write("tls.pem", &authority.identity_until(&[], &["localhost"], 2020).chain);
    write("ca.crl", "none");
    write("broker.toml", &WHOLE.replace("\"broker\"", "\"elsewhere\""));
    let all = found(START);
    let text = all.join("\n");
    assert!(all.len() >= 2 && text.contains("elsewhere") && text.contains("ca.crl"), "{text}");
}

#[test]
fn a_certificate_in_the_place_of_a_revocation_list_is_refused() {
    let running = Running::new();
    let Place::Tls(_, tls) = &running.config.listen[0].place else { panic!() };
    assert!(tls.server_config().is_ok());
    std::fs::write(running.path("ca.crl"), running.authority.pem()).unwrap();
    let refused = tls.server_config().unwrap_err().to_string();
    assert!(refused.contains("ca.crl has no revocation list in PEM"), "{refused}");
}

#[test]
fn what_cannot_start_leaves_the_alarm_of_a_service_that_was_killed() {
    let mut running = Running::new();
    let serving = running.serving.take().unwrap();
    assert!(running.runtime.block_on(serving.stop()));
    let folder = running.path("broker");
    let promised = |folder: &Path| BrokerStatus::read(folder).unwrap().again_within;
    {
        // As one leaves it that was killed.
        let keys = running.path("keys");
        let clock = Arc::new(ServiceClock::new(Machine));
        let opened = Opened::open(folder.clone(), keys, Threads::default(), clock).unwrap();
        opened.broker.write_status_at(START, Some(60));
    }
    assert_eq!(promised(&folder), Some(60));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = running.config.clone();
    let Place::Tls(_, tls) = config.listen[0].place.clone() else { panic!() };
    config.listen[0].place = Place::Tls(taken.local_addr().unwrap(), tls);
    assert!(running.runtime.block_on(Serving::start(config, Environment::of_machine())).is_err());
    assert_eq!(promised(&folder), Some(60));
}

#[test]
fn a_check_beside_a_broker_that_runs_says_what_it_did_not_look_at() {
    let running = Running::new();
    std::fs::write(running.path("broker.toml"), WHOLE).unwrap();
    let checked = check(&running.path("broker.toml"), START);
    assert_eq!(checked.findings, [""; 0]);
    let [unchecked] = checked.unchecked.as_slice() else { panic!("{checked:?}") };
    assert!(unchecked.contains("broker: a process has it open"), "{unchecked}");
    // What the lock does not forbid is looked at.
    std::fs::remove_file(running.path("keys/signing.key")).unwrap();
    std::fs::write(running.path("ca.crl"), "none").unwrap();
    let findings = check(&running.path("broker.toml"), START).findings.join("\n");
    assert!(findings.contains("signing.key") && findings.contains("ca.crl"), "{findings}");
}

//! `broker.toml`, and what is said of it.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use stapel::broker::BrokerStatus;
use stapel::{Threads, Timestamp};
use stapel_service::server::clock::{Machine, ServiceClock};
use stapel_service::server::{Bounds, Checked, Config, Consortium as Opened, Environment, Place, Serving, check};
use stapel_testkit::{Consortium, START, write_private};

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
        ("crls = [", "socket = \"s\"\ncrls = [", 5, "name either, and not both"),
    ] {
        let text = WHOLE.replacen(from, to, 1);
        let error = read(&text).unwrap_err();
        assert_eq!(error.line, Some(line), "{to}: {error}");
        assert!(error.to_string().contains(finding), "{to}: {error}");
    }
    for (listen, monitor, is_refused) in [
        ("127.0.0.1:9443", "127.0.0.1:9443", true),
        ("0.0.0.0:9443", "127.0.0.1:9443", true),
        ("127.0.0.1:9443", "127.0.0.1:9444", false),
        ("[::1]:9443", "127.0.0.1:9443", false),
        ("127.0.0.1:0", "127.0.0.1:0", false),
    ] {
        let monitor = format!("[monitor]\naddress = \"{monitor}\"\n[bounds]");
        let text = WHOLE.replace("127.0.0.1:0", listen).replace("[bounds]", &monitor);
        let refused = read(&text).err().map(|error| (error.line, error.to_string().contains("another port")));
        assert_eq!(refused, is_refused.then_some((Some(13), true)), "{listen} {monitor}");
    }
    assert!(read("").unwrap_err().to_string().contains("[[consortium]]"));
}

/// The files that [`WHOLE`] names, with nothing wrong.
fn whole(consortium: &Consortium, authority: &Authority) {
    let pair = authority.identity(&[], &["localhost"]);
    let write = |name: &str, text: &str| std::fs::write(consortium.path(name), text).unwrap();
    write("broker.toml", WHOLE);
    write("tls.pem", &pair.chain);
    write_private(&consortium.path("tls.key"), pair.key.as_bytes());
    write("ca.pem", &authority.pem());
    write("ca.crl", &authority.crl(&[]));
}

#[test]
fn a_check_says_all_that_is_wrong() {
    let consortium = Consortium::new();
    let authority = Authority::new("Test PKI");
    whole(&consortium, &authority);
    let write = |name: &str, text: &str| std::fs::write(consortium.path(name), text).unwrap();
    let found = |now: Timestamp| check(&consortium.path("broker.toml"), now).findings;
    assert_eq!(found(START), [""; 0]);
    let late = found(Timestamp(64_080_000_000)).join("\n");
    assert!(late.contains("ca.crl is outdated"), "{late}");
    write("tls.key", &authority.identity(&[], &[]).key);
    write("tls.pem", &authority.identity_until(&[], &["localhost"], 2020).chain);
    write("ca.crl", "none");
    write("second.pem", &Authority::new("Another").identity_until(&[], &[], 2020).chain);
    write(
        "broker.toml",
        &WHOLE
            .replace("\"broker\"", "\"elsewhere\"")
            .replace("[\"ca.pem\"]", "[\"ca.pem\", \"second.pem\"]")
            .replace("127.0.0.1:0", "localhost")
            .replace("crls =", "oin_header = \"(\"\ngateway_oins = [\"12\"]\ncrls =")
            .replace("connections = 10", "connections = 0\nlarge = 0"),
    );
    let findings = found(START);
    for (file, finding) in [
        ("line 6", "listen.address"),
        ("line 10", "listen.oin_header"),
        ("line 11", "listen.gateway_oins"),
        ("line 15", "bounds.connections"),
        ("line 16", "bounds.large"),
        ("elsewhere", "elsewhere"),
        ("tls.key", "is not the key of"),
        ("tls.pem", "ended on"),
        ("second.pem", "ended on"),
        ("ca.crl", "no revocation list"),
        ("the authorities in", "could not be parsed"),
    ] {
        let is_it = |one: &&String| one.contains(file) && one.contains(finding);
        assert_eq!(findings.iter().filter(is_it).count(), 1, "{file}, {finding}: {findings:#?}");
    }
    assert_eq!(findings.len(), 11, "nothing false: {findings:#?}");
}

#[test]
fn a_check_finds_what_would_only_show_when_it_is_served() {
    let consortium = Consortium::new();
    whole(&consortium, &Authority::new("Test PKI"));
    let path = |name: &str| consortium.path(name);
    std::fs::write(path("socket"), "").unwrap();
    let sockets = |name: &str| format!("\n[[listen]]\nsocket = \"{name}\"\noin_header = \"Fsc-Oin\"\n");
    let listen = &WHOLE[WHOLE.find("[[listen]]").unwrap()..WHOLE.find("[bounds]").unwrap()];
    let at_one = format!("runtime_dir = \"run\"\n{WHOLE}\n{listen}{listen}").replace(":0", ":8443");
    std::fs::write(path("broker.toml"), at_one + &sockets("socket") + &sockets("run/inway.sock")).unwrap();
    std::fs::set_permissions(path("tls.key"), Permissions::from_mode(0o644)).unwrap();
    let findings = check(&path("broker.toml"), START).findings;
    for finding in ["two [[listen]]", "socket is there and is no socket", "claim any OIN", "chmod 600"] {
        assert!(findings.iter().any(|one| one.contains(finding)), "{finding}: {findings:#?}");
    }
    let refused = Config::read(&path("broker.toml")).unwrap_err();
    assert!(refused.to_string().contains("two [[listen]]"), "{refused}");

    std::fs::set_permissions(path("tls.key"), Permissions::from_mode(0o600)).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let at_it = WHOLE.replace("127.0.0.1:0", &address);
    std::fs::write(path("broker.toml"), at_it.replace("\"broker\"", "\"nowhere\"")).unwrap();
    let findings = check(&path("broker.toml"), START).findings;
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(
        findings[0].ends_with(
            "nowhere: no broker is in this folder: make it with stapel broker init, or name \
                                   the folder of one"
        ),
        "{findings:#?}"
    );
    assert!(findings[1].starts_with(&format!("cannot listen on {address}")), "{findings:#?}");
    // So it is of a monitor's.
    let at_monitor = WHOLE.replace("[bounds]", &format!("[monitor]\naddress = \"{address}\"\n[bounds]"));
    std::fs::write(path("broker.toml"), at_monitor).unwrap();
    let found = check(&path("broker.toml"), START).findings;
    assert!(found.len() == 1 && found[0].starts_with(&format!("cannot listen on {address}")), "{found:#?}");
    // A broker that runs may be what has it.
    std::fs::write(path("broker.toml"), at_it).unwrap();
    let clock = Arc::new(ServiceClock::new(Machine));
    let _running = Opened::open(path("broker"), path("keys"), Threads::default(), clock).unwrap();
    let Checked { findings, unchecked } = check(&path("broker.toml"), START);
    assert_eq!((findings.len(), unchecked.len()), (0, 2), "{findings:#?} {unchecked:#?}");
}

#[test]
fn a_key_that_every_user_may_read_is_not_served_with() {
    let running = Running::new();
    let Place::Tls(_, tls) = &running.config.listen[0].place else { panic!() };
    std::fs::set_permissions(&tls.key, Permissions::from_mode(0o644)).unwrap();
    let refused = tls.server_config().unwrap_err().to_string();
    assert!(refused.contains("tls.key: every user of this machine can read it: chmod 600"), "{refused}");
}

#[test]
fn the_documented_configuration_is_read_and_has_the_bounds_that_it_says() {
    let page = include_str!("../../../docs/connect.md");
    let begin = page.find("```toml\n# /etc/stapel/broker.toml\n").unwrap() + "```toml\n".len();
    let text = &page[begin..];
    let config = Config::parse(Path::new("/etc/stapel/broker.toml"), &text[..text.find("```").unwrap()]).unwrap();
    assert_eq!(config.listen.len(), 3);
    assert_eq!(format!("{:?}", config.bounds), format!("{:?}", Bounds::default()));
    let Place::Socket(socket) = &config.listen[2].place else { panic!() };
    assert!(!socket.starts_with(&config.runtime_dir), "the group of the status is not the gateway's");
}

#[test]
fn a_gateways_socket_has_the_group_of_its_folder_and_no_others_may_open_it() {
    let mut running = Running::new();
    assert!(running.runtime.block_on(running.serving.take().unwrap().stop()));
    let folder = running.path("inway");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, Permissions::from_mode(0o2750)).unwrap();
    let mut config = running.config.clone();
    config.listen[1].place = Place::Socket(folder.join("inway.sock"));
    let serving = running.runtime.block_on(Serving::start(config, Environment::of_machine())).unwrap();
    let there = std::fs::metadata(folder.join("inway.sock")).unwrap();
    assert_eq!(there.permissions().mode() & 0o777, 0o660);
    assert_eq!(there.gid(), std::fs::metadata(&folder).unwrap().gid());
    assert!(running.runtime.block_on(serving.stop()));
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

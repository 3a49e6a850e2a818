//! Who connects.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use stapel::Timestamp;
use stapel::broker::BrokerStatus;
use stapel::message::Part;
use stapel_service::server::oin_of_certificate;
use stapel_service::server::schedule::Schedule;
use stapel_testkit::{Client, START, code, day, pseudonym, read};

use super::pki::Authority;
use super::{Connection, GATEWAY, Running, head};

/// What a connection with a certificate gets for a message of partner 1.
fn code_of(running: &Running, identity: Option<&super::pki::Identity>) -> String {
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    running.connect_as(identity).send(&question).map_or_else(|| "closed".to_owned(), |response| response.code())
}

#[test]
fn a_certificate_must_hold_and_its_oin_be_of_the_messages_sender() {
    let mut running = Running::new();
    let good = running.identity(1);
    let revoked = running.identity(1);
    let oin = running.oin(1);
    assert_eq!(code_of(&running, Some(&good)), "ok");
    assert_eq!(code_of(&running, Some(&revoked)), "ok");
    assert_eq!(code_of(&running, None), "closed");
    assert_eq!(code_of(&running, Some(&Authority::new("Another").identity(&[&oin], &[]))), "closed");
    assert_eq!(code_of(&running, Some(&running.authority.identity_until(&[&oin], &[], 2020))), "closed");
    assert_eq!(code_of(&running, Some(&running.identity(2))), "not_admitted", "of another organisation");
    for number in ["00000099000000001000", "1", "NTRNL-27378529"] {
        assert_eq!(code_of(&running, Some(&running.authority.identity(&[number], &[]))), "not_admitted", "{number}");
    }
    assert_eq!(code_of(&running, Some(&running.authority.identity(&[], &[]))), "not_admitted");
    std::fs::write(running.path("ca.crl"), running.authority.crl(&[revoked.serial])).unwrap();
    running.reload().unwrap();
    assert_eq!(code_of(&running, Some(&revoked)), "closed");
    assert_eq!(code_of(&running, Some(&good)), "ok");
}

#[test]
fn a_message_over_anothers_certificate_uses_no_number_and_has_no_line() {
    let running = Running::new();
    let mut client = Client::new(2, &running.policy);
    let last_day = day("2027-01-31");
    let lines = || {
        let consortia = running.serving.as_ref().unwrap().server().consortia();
        consortia.values().next().unwrap().broker.verify_log().unwrap().lines
    };
    let first = client.full_set(&[(pseudonym(1), last_day)], Part { number: 1, of: 1 }, START);
    assert_eq!(code(&read(&running.connect(2).send(&first).unwrap().body)), "ok");
    let before = lines();
    let next = client.delta(&[(pseudonym(2), last_day)], &[], START);
    assert_eq!(running.connect(1).send(&next).unwrap().code(), "not_admitted");
    assert_eq!(lines(), before);
    assert_eq!(code(&read(&running.connect(2).send(&next).unwrap().body)), "ok");
    assert_ne!(lines(), before);
}

/// Whoever connects and does not begin with TLS keeps nobody out, wherever it connects from.
#[test]
fn a_handshake_that_does_not_begin_gives_way_to_a_new_one() {
    let running = Running::bounded(|bounds| bounds.handshakes = 2);
    let silent: Vec<_> = (0..5).map(|_| std::net::TcpStream::connect(running.address).unwrap()).collect();
    assert_eq!(code_of(&running, Some(&running.identity(1))), "ok");
    drop(silent);
}

#[test]
fn all_whom_no_policy_names_have_the_connections_of_one() {
    let running = Running::bounded(|bounds| bounds.connections_an_oin = 2);
    let fetch = "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let status = |connection: &mut Connection| connection.say(fetch).map(|response| response.status);
    let strangers: [&[&str]; 3] = [&["00000099000000001000"], &["00000099000000002000"], &[]];
    let [mut first, mut second, mut third] =
        strangers.map(|numbers| running.connect_as(Some(&running.authority.identity(numbers, &[]))));
    assert_eq!((status(&mut first), status(&mut second), status(&mut third)), (Some(200), Some(200), None));
    assert_eq!((status(&mut running.connect(1)), status(&mut running.connect(2))), (Some(200), Some(200)));
}

#[test]
fn an_outdated_list_still_counts_and_the_operator_is_told() {
    let mut running = Running::new();
    let (good, revoked) = (running.identity(1), running.identity(1));
    let consortium = running.serving.as_ref().unwrap().server().consortia().values().next().unwrap().clone();
    let mut schedule = Schedule::new(consortium);
    let mut told = |running: &Running, now: Timestamp| -> Vec<String> {
        running.now.store(now.0, Ordering::SeqCst);
        schedule.turn();
        let faults = BrokerStatus::read(&running.path("broker")).unwrap().faults_at(now, 1_000);
        faults.into_iter().filter(|fault| fault.code == "crl_outdated").map(|fault| fault.finding).collect()
    };
    assert_eq!(told(&running, START), [""; 0]);
    // It is by the broker's clock that a list is outdated; this one is by any.
    let write = |list: String| std::fs::write(running.consortium.path("ca.crl"), list).unwrap();
    write(running.authority.crl_until(&[revoked.serial], (2026, 12, 2)));
    running.reload().unwrap();
    let midnight = Timestamp(START.0 + 43_200);
    assert_eq!(told(&running, midnight), [""; 0]);
    let late = told(&running, midnight.plus(1));
    assert!(late.len() == 1 && late[0].contains("ca.crl is outdated since 2026-12-02T00:00:00Z"), "{late:?}");
    std::fs::write(running.path("ca.crl"), running.authority.crl_until(&[revoked.serial], (2026, 1, 2))).unwrap();
    running.reload().unwrap();
    assert_eq!(told(&running, midnight.plus(2)).len(), 1);
    assert_eq!(code_of(&running, Some(&revoked)), "closed", "whom it names");
    assert_eq!(code_of(&running, Some(&good)), "ok", "whom it does not");
    std::fs::write(running.path("ca.crl"), running.authority.crl(&[])).unwrap();
    running.reload().unwrap();
    assert_eq!(told(&running, midnight.plus(3)), [""; 0]);
}

#[test]
fn a_subject_with_two_numbers_has_no_oin() {
    const NUMBER: &str = "00000099000000001000";
    let identity = Authority::new("Test PKI").identity(&[NUMBER], &[]);
    let der = CertificateDer::from_pem_slice(identity.chain.as_bytes()).unwrap().to_vec();
    assert_eq!(oin_of_certificate(&der).unwrap().to_string(), NUMBER);
    // No authority that a test has makes such a certificate: the subject's name, after the issuer's, becomes a second.
    let common_name = [6, 3, 0x55, 4, 3];
    let at = der.windows(5).rposition(|bytes| bytes == common_name).unwrap();
    let mut two = der.clone();
    two[at + 4] = 5;
    assert_eq!(oin_of_certificate(&two), None);
    assert_eq!(oin_of_certificate(&[der, vec![0]].concat()), None, "more than a certificate");
}

#[test]
fn a_service_centre_connects_for_the_organisations_that_name_it_and_for_no_other() {
    const CENTRE: &str = "00000099000000005000";
    let mut text = stapel_testkit::Consortium::policy(1);
    for slug in ["politie", "belastingdienst"] {
        let contact = format!("contact = \"{slug}\"\n");
        text = text.replace(&contact, &format!("{contact}tls_oins = [\"{CENTRE}\"]\n"));
    }
    let running = Running::under(&text, |_| ());
    let centre = running.authority.identity(&[CENTRE], &[]);
    let mut connection = running.connect_as(Some(&centre));
    for (partner, code) in [(1, "ok"), (2, "ok"), (3, "not_admitted")] {
        let question = Client::new(partner, &running.policy).question(&[pseudonym(1)], START);
        assert_eq!(connection.send(&question).unwrap().code(), code, "partner {partner}");
    }
    let own = running.identity(1);
    assert_eq!(code_of(&running, Some(&own)), "not_admitted", "its own is none of those that it names");
    let fetch = "GET /v1/zaanstad/policies HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(running.connect_as(Some(&centre)).say(fetch).unwrap().status, 200);
}

#[test]
fn whoever_is_not_admitted_learns_so_before_the_body() {
    let running = Running::new();
    let stranger = running.authority.identity(&["00000099000000001000"], &[]);
    let response = running.connect_as(Some(&stranger)).say(head(16_000_000)).unwrap();
    assert_eq!(response.code(), "not_admitted");
    assert!(response.head.contains("connection: close"));
    let fetch = "GET /v1/zaanstad/policies HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(running.connect_as(Some(&stranger)).say(fetch).unwrap().code(), "not_admitted");
}

#[test]
fn a_gateways_field_is_taken_from_the_gateway_alone() {
    let running = Running::new();
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    let own = running.oin(1);
    let with = |fields: &str| {
        let mut bytes = head(question.len()).replace("\r\n\r\n", &format!("\r\n{fields}\r\n")).into_bytes();
        bytes.extend_from_slice(&question);
        bytes
    };
    let gateway = running.authority.identity(&[GATEWAY], &[]);
    let says = |fields: &str| running.connect_as(Some(&gateway)).say(with(fields)).unwrap().code();
    let field = format!("Fsc-Oin: {own}\r\n");
    assert_eq!(says(&field), "ok");
    assert_eq!(says(""), "not_admitted");
    assert_eq!(says(&format!("{field}{field}")), "not_admitted");
    assert_eq!(says("Fsc-Oin: 12\r\n"), "not_admitted");
    assert_eq!(says(&format!("Fsc-Oin: {}\r\n", running.oin(2))), "not_admitted");
    // From everybody else it is passed over.
    assert_eq!(running.connect(2).say(with(&field)).unwrap().code(), "not_admitted");
    assert_eq!(running.connect(1).say(with(&format!("Fsc-Oin: {}\r\n", running.oin(2)))).unwrap().code(), "ok");
    let socket = running.path("socket").display().to_string();
    assert_eq!(running.serving.as_ref().unwrap().places(), [running.address.to_string(), socket], "as it is logged");
    // Over the socket it is always taken.
    let over_socket = |fields: &str| {
        let mut socket = UnixStream::connect(running.path("socket")).unwrap();
        socket.write_all(&with(fields)).unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert_eq!(over_socket(&field), "HTTP/1.1 200");
    assert_eq!(over_socket(""), "HTTP/1.1 403");
}

#[test]
fn a_bad_reload_changes_nothing_and_a_good_one_ends_connections_after_their_request() {
    let mut running = Running::new();
    let mut connection = running.connect(1);
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    assert_eq!(connection.send(&question).unwrap().status, 200);
    let key = std::fs::read(running.path("tls.key")).unwrap();
    std::fs::write(running.path("tls.key"), "no key").unwrap();
    let refused = running.reload().unwrap_err();
    assert!(refused.contains("tls.key"), "{refused}");
    assert_eq!(connection.send(&question).unwrap().status, 200);
    std::fs::write(running.path("tls.key"), key).unwrap();
    running.reload().unwrap();
    assert!(connection.send(&question).is_none_or(|response| response.head.contains("connection: close")));
    assert_eq!(running.connect(1).send(&question).unwrap().status, 200);
}

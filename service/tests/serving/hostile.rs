//! What a client sends that means harm, or is broken.

use std::net::TcpStream;
use std::time::Duration;

use stapel::policy::Policy;
use stapel_service::carrier::{MAX_FIELDS, MAX_HEAD, MESSAGE};
use stapel_testkit::{Client, Consortium, START, pseudonym};

use super::fetched::PUBLISHED;
use super::{Running, head};

/// The code of the response to bytes on a connection of their own; "closed" where there is none.
fn said(running: &Running, bytes: impl AsRef<[u8]>) -> String {
    let response = running.connect(1).say(bytes);
    response.map_or_else(
        || "closed".to_owned(),
        |response| match response.body.is_empty() {
            true => format!("bare {}", response.status),
            false => response.code(),
        },
    )
}

#[test]
fn each_head_that_is_not_allowed_has_its_problem() {
    let running = Running::new();
    let good = head(3);
    let change = |from: &str, to: &str| said(&running, good.replace(from, to) + "abc");
    assert_eq!(change("zaanstad", "elders"), "not_found");
    assert_eq!(change("/messages", "/message"), "not_found");
    assert_eq!(change("/messages", "/messages/"), "not_found");
    assert_eq!(change("zaanstad", "zaan%73tad"), "not_found");
    assert_eq!(change("/v1/", "/v%31/"), "not_found");
    assert_eq!(change("/messages", "/message%73"), "not_found");
    for encoded in [
        "%70olicies",
        "policies/%31",
        "policies/1/signature%73",
        "certificate%73",
        "%63heckpoint",
        "tile/%30/000.p/1",
        "tile/0/00%30.p/1",
        "tile/0/000%2Ep/1",
        "tile/0/000.p%2F1",
        "tile/0/000.p/%31",
    ] {
        let path = format!("GET /v1/zaanstad/{encoded} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(said(&running, path), "not_found", "{encoded}");
    }
    assert_eq!(change("/messages", "/messages?a=b"), "bad_request");
    assert_eq!(change("POST", "GET"), "method_not_allowed");
    assert_eq!(change("Content-Length: 3\r\n", ""), "length_required");
    assert_eq!(change("Content-Length: 3", "Content-Length: 16778306"), "too_large");
    assert_eq!(change("Content-Length: 3", "Content-Length: 3\r\nContent-Encoding: gzip"), "unsupported_media_type");
    assert_eq!(change(MESSAGE, "application/json"), "unsupported_media_type");
    assert_eq!(change(MESSAGE, &format!("{MESSAGE}; charset=utf-8")), "unsupported_media_type");
    assert_eq!(change("HTTP/1.1", "HTTP/1.0"), "bad_request");
    assert_eq!(change("POST /", "POST https://localhost/"), "ok", "a whole address counts as its path");
    assert_eq!(change("POST /v1", "POST https://localhost/v2"), "not_found");
    assert_eq!(change("POST /v1/zaanstad/messages", "CONNECT localhost:443"), "bad_request");
    assert_eq!(change("POST /v1/zaanstad/messages", "OPTIONS *"), "bad_request");
    assert_eq!(change("Host: localhost\r\n", ""), "bad_request");
    assert_eq!(change("Host: localhost\r\n", "Host: localhost\r\nHost: other\r\n"), "bad_request");
    assert_eq!(change("\r\n\r\n", &format!("\r\n{}\r\n", "A: b\r\n".repeat(101))), "head_too_large");
    assert_eq!(change("\r\n\r\n", &format!("\r\nA: {}\r\n\r\n", "b".repeat(17_000))), "head_too_large");
    let allowed = running.connect(1).say(good.replace("POST", "PUT") + "abc").unwrap();
    assert!(allowed.head.contains("allow: post"), "{}", allowed.head);
}

#[test]
fn the_longest_head_is_as_long_as_it_is_said_to_be() {
    let running = Running::new();
    for target in ["/v1/zaanstad/messages", "https://localhost/v1/zaanstad/messages"] {
        let of_length = |length: usize| {
            let short = head(3).replace("/v1/zaanstad/messages", target).replace("\r\n\r\n", "\r\nPadding: 0\r\n\r\n");
            let padded = short.replace(": 0\r", &format!(": {}\r", "0".repeat(1 + length - short.len())));
            assert_eq!(padded.len(), length);
            said(&running, padded + "abc")
        };
        assert_eq!(of_length(MAX_HEAD), "ok", "{target}");
        assert_eq!(of_length(MAX_HEAD + 1), "head_too_large", "{target}");
    }
    let fields = |count: usize| head(3).replace("\r\n\r\n", &format!("\r\n{}\r\n", "A: b\r\n".repeat(count - 3)));
    assert_eq!(said(&running, fields(MAX_FIELDS) + "abc"), "ok");
    assert_eq!(said(&running, fields(MAX_FIELDS + 1) + "abc"), "head_too_large");
}

#[test]
fn what_two_readers_might_read_otherwise_is_refused() {
    let running = Running::new();
    let good = head(3);
    let length = "Content-Length: 3";
    let change = |to: &str| said(&running, good.replace(length, to) + "abc");
    assert_eq!(change("Content-Length: 3\r\nContent-Length: 3"), "ok", "whoever reads it reads the same");
    assert_eq!(change("Content-Length: 3\r\nContent-Length: 4"), "bare 400");
    assert_eq!(change("Content-Length: 3, 4"), "bare 400");
    assert_eq!(change("Content-Length: +3"), "bare 400");
    assert_eq!(change("Content-Length: 3\r\nTransfer-Encoding: chunked"), "length_required");
    assert_eq!(change("Transfer-Encoding: chunked"), "length_required");
    assert_eq!(change("Transfer-Encoding: gzip, identity"), "bare 400");
    assert_eq!(change("Content-Length: 3\r\nA: b\r\n c"), "bare 400");
    assert_eq!(change("Content-Length : 3"), "bare 400");
    assert!(matches!(said(&running, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").as_str(), "closed" | "bare 400"));
    assert!(matches!(said(&running, [0u8; 64]).as_str(), "closed" | "bare 400"));
    // What is pipelined is answered in order, and what follows a refusal is not read.
    let mut connection = running.connect(1);
    connection.write(format!("{good}abc{good}abc"));
    assert_eq!([connection.read().unwrap().status, connection.read().unwrap().status], [200, 200]);
    let mut connection = running.connect(1);
    connection.write(format!("{}abc{good}abc", good.replace(MESSAGE, "text/plain")));
    assert_eq!(connection.read().unwrap().status, 415);
    assert!(connection.read().is_none());
}

#[test]
fn who_is_slow_is_ended_while_others_are_served() {
    let running = Running::bounded(|bounds| {
        let short = Duration::from_millis(300);
        (bounds.head, bounds.handshake, bounds.body_window) = (short, short, short);
    });
    let mut silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(running.address).unwrap()).collect();
    let mut slow_head = running.connect(1);
    slow_head.write("POST /v1/");
    let mut slow_body = running.connect(1);
    slow_body.write(head(1_000));
    slow_body.write("a");
    let mut half = running.connect(1);
    half.write(head(1_000));
    half.0.sock.shutdown(std::net::Shutdown::Write).unwrap();
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    assert_eq!(running.connect(1).send(&question).unwrap().status, 200);
    assert_eq!(slow_body.read().unwrap().code(), "too_slow");
    assert!(slow_head.read().is_none_or(|response| response.status == 408));
    assert!(half.read().is_none_or(|response| response.status >= 400));
    for stream in &mut silent {
        let mut byte = [0];
        assert!(matches!(std::io::Read::read(stream, &mut byte), Ok(0) | Err(_)));
    }
    assert_eq!(running.connect(1).send(&question).unwrap().status, 200);
}

#[test]
fn an_organisation_that_fills_its_share_leaves_the_others_theirs() {
    let running = Running::bounded(|bounds| {
        (bounds.large_an_organisation, bounds.large_waiting, bounds.large_wait) = (1, 1, Duration::from_millis(300));
        (bounds.small_an_organisation, bounds.connections_an_oin) = (1, 5);
    });
    let begin = |partner, length| {
        let mut connection = running.connect(partner);
        connection.write(head(length).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
        connection
    };
    let mut first = begin(1, 1_000_000);
    assert_eq!(first.read().unwrap().status, 100, "it is let in");
    // The next waits in vain, and is told so.
    let busy = begin(1, 1_000_000).read().unwrap();
    assert_eq!(busy.code(), "busy");
    assert!(busy.head.contains("retry-after: "), "{}", busy.head);
    assert_eq!(begin(2, 1_000_000).read().unwrap().status, 100, "another's place is free");
    let mut small = begin(1, 100);
    assert_eq!(small.read().unwrap().status, 100, "small ones do not wait for large ones");
    assert_eq!(begin(1, 100).read().unwrap().code(), "busy");
    for path in PUBLISHED {
        let fetch = format!("GET /v1/zaanstad/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(running.connect(1).say(&fetch).unwrap().code(), "busy", "what is fetched is in the same share");
        assert_eq!(running.connect(2).say(&fetch).unwrap().status, 200);
    }
    assert_eq!(begin(3, 100).read().unwrap().status, 100);
    // Connections are counted, too.
    let mut open: Vec<_> = (0..8).map(|_| running.connect(1)).collect();
    let answered = open.iter_mut().filter_map(|one| one.say(head(0))).count();
    assert!(answered <= 3, "{answered}");
}

#[test]
fn an_organisation_with_two_oins_has_one_share_and_leaves_a_place_to_newcomers() {
    const SECOND: &str = "00000099000000005000";
    let text = Consortium::policy(1);
    let first = super::oin(&Policy::parse(&text).unwrap(), 1);
    let contact = "contact = \"politie\"\n";
    let text = text.replace(contact, &format!("{contact}tls_oins = [\"{first}\", \"{SECOND}\"]\n"));
    let running = Running::under(&text, |bounds| bounds.large_wait = Duration::from_millis(100));
    let begin = |oin: &str| {
        let identity = running.authority.identity(&[oin], &[]);
        let mut connection = running.connect_as(Some(&identity));
        connection.write(head(1_000_000).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
        let status = connection.read().unwrap().status;
        (connection, status)
    };
    let held = [begin(&first.to_string()), begin(SECOND)];
    assert_eq!(held.each_ref().map(|(_, status)| *status), [100, 100]);
    assert_eq!(begin(SECOND).1, 503, "two an organisation, over all its OINs");
    // Of four places the last is for whoever holds none.
    let [second, third] = [2, 3].map(|number| running.oin(number));
    let other = begin(&second);
    assert_eq!((other.1, begin(&second).1, begin(&third).1), (100, 503, 100));
}

#[test]
fn what_is_in_flight_is_ended_before_it_stops() {
    let mut running = Running::new();
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    let mut connection = running.connect(1);
    connection.write(head(question.len()).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(connection.read().unwrap().status, 100);
    let stopping = running.runtime.spawn(running.serving.take().unwrap().stop());
    // Nobody else is taken, and this one is answered.
    while TcpStream::connect(running.address).is_ok() {
        std::thread::yield_now();
    }
    let response = connection.say(&question).unwrap();
    assert_eq!(response.status, 200);
    assert!(response.head.contains("connection: close"));
    drop(connection);
    assert!(running.runtime.block_on(stopping).unwrap());
}

//! Who is let in, and what of a request is refused before anything is done.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Served, TOKEN, acting, exchange, post};

/// A flag of one address.
fn flag() -> String {
    acting(json!({ "rows": [{ "text": "Dam 1, 1012 JS" }] })).to_string()
}

fn code(response: &super::Response) -> (u16, String) {
    response.code()
}

#[test]
fn what_is_not_in_its_form_is_refused_with_its_place() {
    let served = Served::new();
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        r#"{"actor":"a","case":"1"}"#,
        r#"{"actor":"a","case":"1","rows":[]}"#,
        r#"{"actor":"a","case":"1","rows":[{}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS","bag_id":"1"}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"postcode":"1012JS"}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"postcode":"1012JS","number":1}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":null}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"tekst":"Dam 1, 1012 JS"}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"}],"strict":true}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"}],"until":null}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"}],"until":"morgen"}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"}],"renew":"because"}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"}],"until":"2027-05-31","renew":"observed_again"}"#,
        r#"{"actor":"a","actor":"b","case":"1","rows":[{"text":"Dam 1, 1012 JS"}]}"#,
        r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"}]} {}"#,
        "{\"actor\":\"\u{0}\",\"case\":\"1\",\"rows\":[{\"text\":\"Dam 1, 1012 JS\"}]}",
    ];
    for body in bodies {
        let refused = served.say(&post("/v1/flag", "", body));
        assert_eq!(code(&refused), (400, "bad_request".to_owned()), "{body}");
    }
    let row = r#"{"actor":"a","case":"1","rows":[{"text":"Dam 1, 1012 JS"},{"number":"1","text":"a"}]}"#;
    let refused = served.say(&post("/v1/flag", "", row)).json();
    assert!(refused["detail"].as_str().unwrap().starts_with("rows[1]: "), "{refused}");
    assert_eq!(served.desk.lend().journal_length(), 0);
}

#[test]
fn other_paths_methods_and_types_are_refused() {
    let served = Served::new();
    let get = |line: &str| served.say(format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
    assert_eq!(code(&get("GET /v1/nothing")), (404, "not_found".to_owned()));
    assert_eq!(code(&get("GET /v1/status?a=1")), (400, "bad_request".to_owned()));
    let wrong = get("GET /v1/flag");
    assert_eq!(code(&wrong), (405, "method_not_allowed".to_owned()));
    assert!(wrong.head.contains("allow: post"), "{}", wrong.head);
    assert_eq!(get("HEAD /v1/status").status, 200);
    let old = served.say(b"GET /v1/status HTTP/1.0\r\nHost: x\r\n\r\n");
    assert_eq!(code(&old), (400, "bad_request".to_owned()));
    let two = served.say(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n");
    assert_eq!(code(&two), (400, "bad_request".to_owned()));

    let typed = |kind: &str| {
        let body = flag();
        let request = format!(
            "POST /v1/flag HTTP/1.1\r\nHost: x\r\n{kind}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        code(&served.say(request.as_bytes()))
    };
    let unsupported = (415, "unsupported_media_type".to_owned());
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/json; charset=utf-16\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
    ] {
        assert_eq!(typed(kind), unsupported, "{kind}");
    }
    assert_eq!(typed("Content-Type: Application/JSON; charset=UTF-8\r\n").0, 200);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let served = Served::new();
    let too_large = (413, "too_large".to_owned());
    let announced =
        "POST /v1/flag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n";
    assert_eq!(code(&served.say(announced.as_bytes())), too_large);
    let mut chunked = b"POST /v1/flag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                        Transfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    for _ in 0..17 {
        chunked.extend(b"100000\r\n");
        chunked.resize(chunked.len() + (1 << 20), b' ');
        chunked.extend(b"\r\n");
    }
    assert_eq!(code(&served.say(&chunked)), too_large);
    let many = format!("GET /v1/status HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert_eq!(code(&served.say(many.as_bytes())), (431, "head_too_large".to_owned()));
    let rows: Vec<_> = (0..50_001).map(|_| json!({ "text": "a" })).collect();
    let refused = served.refused("/v1/flag", json!({ "rows": rows }));
    assert_eq!(refused, (400, "bad_request".to_owned()));
    // In memory a row takes many times its bytes: those that are too many are not read.
    let rows = format!("{}{{}}, and what is no row", "{},".repeat(50_000));
    let refused = served.say(&post("/v1/flag", "", &format!("{{\"actor\":\"a\",\"case\":\"1\",\"rows\":[{rows}")));
    assert!(refused.json()["detail"].as_str().unwrap().contains("rows: give 1 to 50000"), "{:?}", refused.json());
}

#[test]
fn a_web_page_is_answered_by_neither_door() {
    let served = Served::new();
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    for origin in ["http://localhost", "null", "https://example.nl"] {
        let head = format!("Origin: {origin}\r\n");
        let forbidden = (403, "forbidden".to_owned());
        assert_eq!(code(&served.say(&post("/v1/flag", &head, &flag()))), forbidden);
        let refused = served.say_loopback(&post("/v1/flag", &(bearer.clone() + &head), &flag()));
        assert_eq!(code(&refused), forbidden);
        assert!(!refused.head.contains("access-control"), "{}", refused.head);
    }
    let preflight = "OPTIONS /v1/flag HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.nl\r\n\
                     Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n";
    assert_eq!(served.say_loopback(preflight.as_bytes()).status, 403);
    assert_eq!(served.desk.lend().journal_length(), 0);
}

#[test]
fn the_loopback_address_wants_this_machine_and_the_token() {
    let mut served = Served::new();
    let say = |served: &Served, host: &str, more: &str| {
        let body = flag();
        let request = format!(
            "POST /v1/flag HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        served.say_loopback(request.as_bytes())
    };
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(say(&served, "localhost", &bearer).status, 200);
    for host in ["example.nl", "localhost.example.nl", "192.0.2.1", ""] {
        assert_eq!(code(&say(&served, host, &bearer)), (403, "forbidden".to_owned()), "{host}");
    }
    let wrong = "fedcba9876543210fedcba9876543210";
    for more in [
        String::new(),
        format!("Authorization: Bearer {wrong}\r\n"),
        format!("Authorization: Bearer {TOKEN}0\r\n"),
        format!("Authorization: Basic {TOKEN}\r\n"),
        bearer.repeat(2),
    ] {
        let refused = say(&served, "localhost", &more);
        assert_eq!(code(&refused), (401, "unauthorized".to_owned()), "{more}");
        assert!(refused.head.contains("www-authenticate: bearer"), "{}", refused.head);
    }
    // Another token is taken up while it serves.
    fs::write(served.path("token"), wrong).unwrap();
    served.listening().reload(&served.settings()).unwrap();
    let mut elsewhere = served.settings();
    elsewhere.listen = Some("127.0.0.1:1".parse().unwrap());
    let mut other_socket = served.settings();
    other_socket.socket = Some(served.path("other.sock"));
    for settings in [elsewhere, other_socket] {
        let refused = served.listening().reload(&settings).unwrap_err().to_string();
        assert!(refused.contains("restart"), "a place that was not taken up is not said to be: {refused}");
    }
    assert_eq!(say(&served, "localhost", &bearer).status, 401);
    assert_eq!(say(&served, "localhost", &format!("Authorization: Bearer {wrong}\r\n")).status, 200);
    // What is wrong changes nothing.
    fs::set_permissions(served.path("token"), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = served.listening().reload(&served.settings()).unwrap_err().to_string();
    assert!(refused.contains("chmod 640"), "{refused}");
    assert!(served.stop());
}

#[test]
fn what_others_could_reach_is_refused_at_the_start() {
    let mut served = Served::new();
    served.stop();
    let refused = |served: &mut Served, change: fn(&mut stapel_service::client::ServeSettings)| {
        let mut settings = served.settings();
        change(&mut settings);
        served.listen(settings).unwrap_err()
    };
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "[2001:db8::1]:0"] {
        let mut settings = served.settings();
        settings.listen = Some(address.parse().unwrap());
        let refused = served.listen(settings).unwrap_err();
        assert!(refused.contains("other machines"), "{address}: {refused}");
    }
    assert!(refused(&mut served, |settings| settings.token = None).contains("without a token"));
    assert!(refused(&mut served, |settings| settings.listen = None).contains("without listen"));
    assert!(!served.path("serve.sock").exists(), "it listens nowhere");
    // A file that is no socket is nobody's to take away.
    fs::write(served.path("serve.sock"), "a file").unwrap();
    assert!(served.listen(served.settings()).is_err());
    assert_eq!(fs::read_to_string(served.path("serve.sock")).unwrap(), "a file");
}

#[test]
fn the_socket_is_for_its_user_and_group_and_one_that_was_left_is_replaced() {
    let mut served = Served::new();
    let mode = |served: &Served| fs::metadata(served.path("serve.sock")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&served), 0o660);
    // A server that lives keeps its socket.
    let other = served.listen(served.settings()).unwrap_err();
    assert!(other.contains("in use"), "{other}");
    // One that was killed leaves it.
    let left = served.path("serve.sock");
    served.stop();
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    assert!(UnixStream::connect(&left).is_err());
    served.listen(served.settings()).unwrap();
    assert_eq!(mode(&served), 0o660);
}

#[test]
fn it_lives_while_whoever_waits_for_the_partner_gets_it() {
    let served = Served::new();
    let listening = served.listening();
    let now = Instant::now();
    assert!(listening.is_alive(now) && listening.is_alive(now + Duration::from_secs(600)));
    // Whoever had it until now, and nobody after it.
    assert!(!listening.is_alive(Instant::now() + Duration::from_secs(1_000)));
}

#[test]
fn a_connection_takes_one_request_after_another_until_the_server_stops() {
    let mut served = Served::new();
    let mut stream = UnixStream::connect(served.path("serve.sock")).unwrap();
    let request = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(request).unwrap();
        let mut bytes = [0; 4_096];
        let read = stream.read(&mut bytes).unwrap();
        assert!(bytes[..read].starts_with(b"HTTP/1.1 200"));
    }
    assert!(served.stop(), "a connection without a request is closed");
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).unwrap(), 0);
}

/// A body that never comes holds nobody up.
#[test]
fn others_are_answered_while_one_is_slow() {
    let served = Served::new();
    let mut slow = UnixStream::connect(served.path("serve.sock")).unwrap();
    slow.write_all(
        b"POST /v1/flag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n",
    )
    .unwrap();
    for _ in 0..100 {
        let stream = UnixStream::connect(served.path("serve.sock")).unwrap();
        assert_eq!(exchange(stream, &post("/v1/flag", "", &flag())).status, 200);
    }
}

/// Whether a connection is open and nothing came on it.
fn is_waiting(mut stream: impl Read) -> bool {
    stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// As many large bodies that do not end as there is room for, and more.
#[test]
fn small_calls_and_those_of_others_are_answered_while_large_ones_are_slow() {
    let served = Served::new();
    let head =
        "POST /v1/flag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 16777216\r\n\r\n";
    let slow: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = UnixStream::connect(served.path("serve.sock")).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&[b' '; 70_000]).unwrap();
            stream
        })
        .collect();
    assert_eq!(served.say(&post("/v1/flag", "", &flag())).status, 200);
    let large = flag() + &" ".repeat(100_000);
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(served.say_loopback(&post("/v1/flag", &bearer, &large)).status, 200);
    for stream in slow {
        stream.set_nonblocking(true).unwrap();
        assert!(is_waiting(stream), "the others were answered before it");
    }
}

#[test]
fn a_silent_connection_gives_way_to_a_new_one() {
    let served = Served::new();
    let silent: Vec<_> = (0..70).map(|_| TcpStream::connect(served.address()).unwrap()).collect();
    // Its body does not come: nothing is done for it yet.
    let mut slow = TcpStream::connect(served.address()).unwrap();
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let request = post("/v1/flag", &bearer, &flag());
    slow.write_all(&request[..request.len() - 1]).unwrap();
    for _ in 0..3 {
        let stream = TcpStream::connect(served.address()).unwrap();
        // A test that hangs fails here.
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        assert_eq!(exchange(stream, &request).status, 200);
    }
    let open = silent.into_iter().filter(|stream| {
        stream.set_nonblocking(true).unwrap();
        is_waiting(stream)
    });
    assert!(open.count() >= 60, "only as many as were in the way");
    slow.write_all(&request[request.len() - 1..]).unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

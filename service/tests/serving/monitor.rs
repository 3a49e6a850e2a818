//! What a monitor is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use stapel_service::server::{MonitorAt, Serving};
use stapel_testkit::{Client, START, pseudonym};

use super::{Running, environment};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Has it serve again, with a place for a monitor.
fn watched(token: Option<&str>) -> (Running, SocketAddr) {
    let mut running = Running::new();
    assert!(running.runtime.block_on(running.serving.take().unwrap().stop()));
    running.config.monitor = Some(MonitorAt {
        address: "127.0.0.1:0".parse().unwrap(),
        token: token.map(|token| write_token(&running, token, 0o640)),
    });
    let serving = running.runtime.block_on(Serving::start(running.config.clone(), environment(&running.now))).unwrap();
    let address = serving.monitor().unwrap();
    running.address = serving.addresses()[0];
    running.serving = Some(serving);
    (running, address)
}

fn write_token(running: &Running, token: &str, mode: u32) -> PathBuf {
    let path = running.path("monitor.token");
    std::fs::write(&path, format!("{token}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

/// The status of a response, and all of it.
pub(crate) fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    (response[9..12].parse().unwrap(), response)
}

pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

#[test]
fn it_lives_is_ready_and_has_figures_that_follow_what_happens() {
    let (running, address) = watched(None);
    for path in ["/health/live", "/health/ready"] {
        let (status, response) = get(address, path);
        assert!(status == 200 && response.ends_with("\r\n\r\nok\n"), "{response}");
    }
    assert_eq!(get(address, "/").0, 200);
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    assert_eq!(running.connect(1).send(&question).unwrap().code(), "ok");
    assert_eq!(running.connect(2).send(&question).unwrap().code(), "not_admitted");
    let (status, text) = get(address, "/metrics");
    assert!(status == 200 && text.contains("content-type: application/openmetrics-text; version=1.0.0"), "{text}");
    for line in [
        "stapel_alive 1.0",
        "stapel_requests_total{consortium=\"zaanstad\",status=\"200\",code=\"\"} 1",
        "stapel_requests_total{consortium=\"zaanstad\",status=\"403\",code=\"not_admitted\"} 1",
        "stapel_policy_version{consortium=\"zaanstad\"} 1.0",
        "stapel_faults{consortium=\"zaanstad\",code=\"backup_overdue\",severity=\"warning\"} 1.0",
        "stapel_clock_in_step{consortium=\"zaanstad\"} 1.0",
        "stapel_flags_released{consortium=\"zaanstad\",epoch=\"1\",organisation=\"politie\",partner=\"1\"} 0.0",
        "# EOF",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert!(!text.contains("stapel_backup_timestamp_seconds{"), "there is none yet");
    let broker = running.serving.as_ref().unwrap().server().consortia();
    let broker = &broker.values().next().unwrap().broker;
    broker.backup(&running.path("copy"), START).unwrap();
    let text = get(address, "/metrics").1;
    let made = format!("stapel_backup_timestamp_seconds{{consortium=\"zaanstad\"}} {}.0", START.0);
    assert!(text.lines().any(|line| line == made) && !text.contains("backup_overdue"), "{text}");
    let disk = text.lines().find_map(|line| line.strip_prefix("stapel_disk_free_bytes{consortium=\"zaanstad\"} "));
    assert!(disk.unwrap().parse::<f64>().unwrap() > 0.0);

    running.serving.as_ref().unwrap().server().stop();
    assert_eq!((get(address, "/health/live").0, get(address, "/health/ready").0), (200, 503));
}

#[test]
fn silent_connections_keep_no_monitor_out() {
    let (_running, address) = watched(Some(TOKEN));
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    for _ in 0..3 {
        let (status, response) = ask(
            address,
            &format!("GET /health/live HTTP/1.1\r\nHost: monitor.example\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"),
        );
        assert!(status == 200, "{response}");
    }
    drop(silent);
}

#[test]
fn whoever_is_none_of_this_machine_needs_the_token() {
    let (mut running, address) = watched(None);
    for (request, status) in [
        ("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:9640\r\n\r\n", 200),
        ("HEAD /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n", 403),
        ("GET /metrics HTTP/1.1\r\n\r\n", 403),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        ("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET /v1/zaanstad/policies HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ] {
        let (got, response) = ask(address, request);
        assert_eq!(got, status, "{request}\n{response}");
        assert!(response.contains("cache-control: no-store"), "{response}");
        let is_problem = response.contains("content-type: application/problem+json") && response.contains("\"code\":");
        assert_eq!(is_problem, status != 200, "{response}");
    }
    assert!(running.runtime.block_on(running.serving.take().unwrap().stop()));

    let (mut running, address) = watched(Some(TOKEN));
    let with_path = |path: &str, fields: &str| {
        ask(address, &format!("GET {path} HTTP/1.1\r\nHost: monitor.example\r\n{fields}\r\n"))
    };
    let with = |fields: &str| with_path("/metrics", fields);
    let own = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(with(&own).0, 200);
    let wrong = ["".to_owned(), own.replace("0123", "1123"), own.replace("Bearer", "Basic"), own.repeat(2)];
    for fields in wrong {
        let (status, response) = with(&fields);
        assert!(
            status == 401 && response.contains("www-authenticate: Bearer\r\nwww-authenticate: Basic"),
            "{fields}{response}"
        );
    }
    // A browser gives it as a password, beside whatever name.
    let page = |pair: &str| {
        let given = data_encoding::BASE64.encode(pair.as_bytes());
        with_path("/", &format!("Authorization: Basic {given}\r\n")).0
    };
    assert_eq!((page(&format!("operator:{TOKEN}")), page(&format!(":{TOKEN}"))), (200, 200));
    let wrong = [TOKEN.to_owned(), format!("{TOKEN}:"), format!("x:{TOKEN}:"), format!("x:{}", &TOKEN[1..])];
    assert!(wrong.iter().all(|pair| page(pair) == 401), "no token");
    // Another token is taken up with a reload, and one that is none changes nothing.
    let other = TOKEN.replace('0', "f");
    for (token, mode, said) in [("short", 0o640, "openssl rand"), (&other, 0o644, "chmod 640")] {
        write_token(&running, token, mode);
        let refused = running.reload().unwrap_err();
        assert!(refused.contains(said) && !refused.contains(token), "{refused}");
        assert_eq!(with(&own).0, 200);
    }
    write_token(&running, &other, 0o600);
    running.reload().unwrap();
    assert_eq!((with(&own).0, with(&own.replace(TOKEN, &other)).0), (401, 200));
}

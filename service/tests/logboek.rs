//! A broker's log sent to a Logboek elsewhere.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use stapel::message::Request;
use stapel_service::logboek::{Collector, LogboekError, LogboekSettings};
use stapel_service::server::logboek::send;
use stapel_service::server::schedule::Stop;
use stapel_testkit::write_private;

use super::stub::{Got, Kept, Pki, Server, dead_port, response, whole};
use super::town::Town;

/// A Logboek that answers as a test says, and keeps what it was sent.
struct Logboek {
    server: Server,
    got: Kept<Value>,
    heads: Kept<String>,
    status: Arc<AtomicU16>,
    said: Arc<Mutex<&'static str>>,
}

impl Logboek {
    fn start(tls: Option<Arc<rustls::ServerConfig>>) -> Logboek {
        let (got, heads, status): (Kept<Value>, Kept<String>, _) =
            (Kept::default(), Kept::default(), Arc::new(AtomicU16::new(200)));
        let said = Arc::new(Mutex::new("{}"));
        let answer = {
            let (got, heads, status, said) = (got.clone(), heads.clone(), status.clone(), said.clone());
            move |request: &Got| {
                heads.lock().unwrap().push(request.head.clone());
                match status.load(Ordering::Relaxed) {
                    200 => {
                        got.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
                        whole("application/json", said.lock().unwrap().as_bytes())
                    }
                    other => response(other, &[("content-length", "0")], b""),
                }
            }
        };
        Logboek { server: Server::start(tls, answer), got, heads, status, said }
    }

    /// All spans that came, in their order.
    fn spans(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        let of_request = |request: &Value| request["resourceSpans"].as_array().unwrap().clone();
        let of_resource = |resource: Value| resource["scopeSpans"][0]["spans"].as_array().unwrap().clone();
        got.iter().flat_map(of_request).flat_map(of_resource).collect()
    }

    fn collector(&self) -> Collector {
        Collector::new(&settings(&format!("http://127.0.0.1:{}/v1/traces", self.server.port))).unwrap()
    }
}

fn settings(url: &str) -> LogboekSettings {
    toml::from_str(&format!("activity = \"https://register.example.nl/12\"\notlp = \"{url}\"")).unwrap()
}

#[test]
fn each_line_is_sent_once_and_what_is_new_after_it() {
    let mut town = Town::new();
    let logboek = Logboek::start(None);
    let send = |town: &Town| send(town.consortium(), &logboek.collector(), &Stop::default());
    send(&town).unwrap();
    let first = logboek.spans();
    assert!(first.len() >= 3, "three full sets: {first:?}");
    send(&town).unwrap();
    assert_eq!(logboek.spans(), first);
    let now = stapel_testkit::START.plus(3_600);
    town.clocks.pass_until(now);
    let confirm = town.clients[0].message(&Request::Confirm, now);
    assert_eq!(town.send(&confirm), "ok");
    town.open();
    send(&town).unwrap();
    let all = logboek.spans();
    assert_eq!((all.len(), &all[..first.len()]), (first.len() + 1, &first[..]));
    let new = all.last().unwrap();
    assert_eq!(new["name"], "stapel.confirm");
    assert_eq!(new["startTimeUnixNano"], format!("{}000000000", now.0));
    assert_eq!(new["status"]["code"], 1);
    let entity = new["links"][0]["attributes"][0]["value"]["stringValue"].as_str().unwrap();
    assert!(entity.starts_with("urn:oin:"), "{entity}");
    let line = new["attributes"].as_array().unwrap().iter().find(|pair| pair["key"] == "dpl.stapel.line").unwrap();
    assert!(line["value"]["intValue"].is_string(), "numbers of 64 bits are texts in OTLP's JSON: {line}");
    let head = &logboek.heads.lock().unwrap()[0];
    assert!(head.starts_with("POST /v1/traces ") && head.contains("application/json"), "{head}");
}

#[test]
fn what_was_not_confirmed_is_sent_again() {
    let town = Town::new();
    let logboek = Logboek::start(None);
    let sent = || send(town.consortium(), &logboek.collector(), &Stop::default());
    for (status, finding) in [(503, "was not reached"), (429, "was not reached"), (400, "did not take")] {
        logboek.status.store(status, Ordering::Relaxed);
        let said = sent().unwrap_err();
        assert!(said.contains(finding) && said.contains(&status.to_string()), "{said}");
    }
    logboek.status.store(200, Ordering::Relaxed);
    for said in [r#"{"partialSuccess":{"rejectedSpans":"1"}}"#, r#"{"partialSuccess":{"rejectedSpans":1}}"#, "no JSON"]
    {
        *logboek.said.lock().unwrap() = said;
        assert!(sent().unwrap_err().contains("did not take"), "{said}");
    }
    let once = logboek.spans().len() / 3;
    *logboek.said.lock().unwrap() = r#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"slow"}}"#;
    sent().unwrap();
    sent().unwrap();
    assert_eq!(logboek.spans().len(), 4 * once);
    let away = Collector::new(&settings(&format!("http://127.0.0.1:{}/v1/traces", dead_port()))).unwrap();
    std::fs::remove_file(town.path("broker/logboek.sent")).unwrap();
    assert!(send(town.consortium(), &away, &Stop::default()).unwrap_err().contains("was not reached"));
    sent().unwrap();
    assert_eq!(logboek.spans().len(), 5 * once, "without the note all is sent again, with the ids that it had");
}

#[test]
fn it_is_reached_over_tls_with_a_certificate_and_a_token() {
    let pki = Pki::new();
    let logboek = Logboek::start(Some(pki.server("127.0.0.1", 2100)));
    write_private(&pki.path("token"), b"a-token\n");
    let url = format!("{}/v1/traces", logboek.server.address());
    let mut settings = settings(&url);
    settings.ca = vec![pki.path("ca.pem")];
    let town = Town::new();
    let send = |settings: &LogboekSettings| {
        let collector = Collector::new(settings).unwrap();
        assert!(!format!("{collector:?}").contains("a-token"));
        send(town.consortium(), &collector, &Stop::default())
    };
    assert!(send(&settings).unwrap_err().contains("was not reached"), "it asks for a certificate");
    (settings.certificate, settings.key) = (Some(pki.path("client.pem")), Some(pki.path("client.key")));
    settings.token = Some(pki.path("token"));
    send(&settings).unwrap();
    assert!(logboek.heads.lock().unwrap()[0].contains("authorization: Bearer a-token\r\n"));
    settings.ca = vec![Pki::new().path("ca.pem")];
    std::fs::remove_file(town.path("broker/logboek.sent")).unwrap();
    let wrong = Collector::new(&settings);
    assert!(wrong.is_err(), "the file went with its folder");
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_what_to_do() {
    let pki = Pki::new();
    let https = "https://logboek.example.nl/v1/traces";
    let refused = |settings: LogboekSettings| match Collector::new(&settings) {
        Err(error @ LogboekError::Settings { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let with_secrets = ["https://user:secret@logboek.example.nl/v1/traces", "https://logboek.example.nl/?key=secret"];
    for url in with_secrets {
        let said = refused(settings(url));
        assert!(said.contains("token") && !said.contains("secret"), "{said}");
    }
    for url in ["http://logboek.example.nl/v1/traces", "ftp://127.0.0.1/", "logboek", ""] {
        assert!(refused(settings(url)).contains("otlp"), "{url}");
    }
    assert!(refused(settings(https)).contains("no ca"));
    let changed = |change: &dyn Fn(&mut LogboekSettings)| {
        let mut settings = settings(https);
        settings.ca = vec![pki.path("ca.pem")];
        change(&mut settings);
        settings
    };
    assert!(Collector::new(&changed(&|_| {})).is_ok());
    let refused = |change: &dyn Fn(&mut LogboekSettings)| refused(changed(change));
    assert!(refused(&|it| it.certificate = Some(pki.path("client.pem"))).contains("together"));
    assert!(refused(&|it| it.ca = vec![pki.path("client.key")]).contains("no certificate"));
    write_private(&pki.path("empty"), b"\n");
    std::fs::write(pki.path("open"), "a-token\n").unwrap();
    assert!(refused(&|it| it.token = Some(pki.path("open"))).contains("every user"));
    assert!(refused(&|it| it.token = Some(pki.path("empty"))).contains("no token"));
    assert!(refused(&|it| it.activity = "our register".into()).contains("activity"));
}

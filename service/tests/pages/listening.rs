//! Where pages are served, and what every response has.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use stapel_service::client::PagesSettings;

use super::{Office, write_secret};
use crate::serving::pki::{Authority, Identity};

#[test]
fn every_response_keeps_other_sites_and_caches_out() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    for path in ["/nl", "/nl/journal", "/nl/nothing", "/", "/nl/sign-in", "/nl/sign-in/begin"] {
        let response = browser.get(path);
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(response.field(name).as_deref(), Some(value), "{path} {name}");
        }
        let policy = response.field("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(response.field("strict-transport-security"), None, "this machine alone");
        assert_eq!(response.field("access-control-allow-origin"), None);
    }
    let page = super::text(&browser.get("/nl"));
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script"), "{page}");
    let at = page.split_once("rel=\"stylesheet\" href=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let style = browser.get(&at);
    assert_eq!((style.status, style.field("content-type").as_deref()), (200, Some("text/css; charset=utf-8")));
    assert!(style.field("cache-control").unwrap().contains("immutable"));
}

#[test]
fn over_the_network_it_is_tls_or_nothing() {
    let mut office = Office::new();
    let mut settings = office.settings();
    settings.listen = Some("0.0.0.0:0".parse().unwrap());
    settings.url = Some("https://stapel.example".to_owned());
    let (code, said) = office.listen(&settings).unwrap_err();
    assert!(code == "pages_not_encrypted" && said.contains("give a certificate and its key"), "{said}");

    let authority = Authority::new("Test");
    let own = authority.identity(&[], &["stapel.example"]);
    fs::write(office.served.path("pages.pem"), &own.chain).unwrap();
    write_secret(&office.served, "pages.key", &own.key);
    (settings.certificate, settings.key) =
        (Some(office.served.path("pages.pem")), Some(office.served.path("pages.key")));
    settings.url = Some("http://stapel.example".to_owned());
    assert_eq!(office.listen(&settings).unwrap_err().0, "pages_not_encrypted");
    settings.url = Some("https://stapel.example".to_owned());
    office.listen(&settings).unwrap();
    assert_eq!(office.pages().origin(), "https://stapel.example");
    let port = office.pages().address().port();
    let say = |host: &str| {
        let name = ServerName::try_from("stapel.example").unwrap();
        let session = ClientConnection::new(authority.client(None), name).unwrap();
        let mut stream = StreamOwned::new(session, TcpStream::connect(("127.0.0.1", port)).unwrap());
        write!(stream, "GET /nl/sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    let said = say("stapel.example");
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("strict-transport-security: max-age=31536000"), "{said}");
    assert!(say("localhost").starts_with("HTTP/1.1 421"));
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"GET /nl HTTP/1.1\r\nHost: stapel.example\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP/"), "{bytes:?}");
    // A new certificate is taken up, a wrong one is not.
    let newer = authority.identity(&[], &["stapel.example"]);
    fs::write(office.served.path("pages.pem"), &newer.chain).unwrap();
    let reload = |settings: &PagesSettings| office.served.runtime.block_on(office.pages().reload(settings));
    assert_eq!(reload(&settings).unwrap_err().code(), "configuration", "it has the key of the one before");
    assert!(say("stapel.example").starts_with("HTTP/1.1 200"));
    write_secret(&office.served, "pages.key", &newer.key);
    reload(&settings).unwrap();
    assert!(say("stapel.example").starts_with("HTTP/1.1 200"));
    fs::set_permissions(office.served.path("pages.key"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(reload(&settings).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn what_is_wrong_with_the_settings_says_what_to_do() {
    let mut office = Office::new();
    let right = office.settings();
    fs::write(office.served.path("open"), "abc\n").unwrap();
    let open = office.served.path("open");
    let mut refused = |change: &dyn Fn(&mut PagesSettings)| {
        let mut settings = right.clone();
        change(&mut settings);
        office.listen(&settings).unwrap_err()
    };
    let mut expect = |code: &str, says: &str, change: &dyn Fn(&mut PagesSettings)| {
        let (found, said) = refused(change);
        assert!(found == code && said.contains(says), "{found}: {said}");
        assert!(said.starts_with("[pages]: "), "{said}");
    };
    expect("configuration", "listen is missing", &|it| it.listen = None);
    expect("pages_sign_in", "how people sign in is not said", &|it| it.provider = None);
    expect("pages_sign_in", "both user and provider", &|it| it.user = Some("a".into()));
    expect("pages_sign_in", "nobody may anything", &|it| it.may.claim = None);
    expect("pages_sign_in", "nobody may anything", &|it| {
        let may = &mut it.may;
        for one in [&mut may.look, &mut may.flag, &mut may.meet, &mut may.officer] {
            one.clear();
        }
    });
    expect("configuration", "certificate and key go together", &|it| it.key = Some("a".into()));
    expect("configuration", "idle_minutes is 0: give 1 to 120", &|it| it.idle_minutes = Some(0));
    expect("configuration", "longest_hours is 25: give 1 to 24", &|it| it.longest_hours = Some(25));
    let provider = |it: &mut PagesSettings| it.provider.clone().unwrap();
    expect("configuration", "client_id is missing", &|it| {
        let mut changed = provider(it);
        changed.client_id.clear();
        it.provider = Some(changed);
    });
    expect("configuration", "begins with https://", &|it| {
        let mut changed = provider(it);
        changed.issuer = "http://login.example.nl".into();
        it.provider = Some(changed);
    });
    expect("configuration", "every user of this machine can read it", &|it| {
        let mut changed = provider(it);
        changed.secret = Some(open.clone());
        it.provider = Some(changed);
    });
    expect("configuration", "there is no certificate in PEM", &|it| {
        let mut changed = provider(it);
        (changed.issuer, changed.ca) = ("https://login.example.nl".into(), vec![open.clone()]);
        it.provider = Some(changed);
    });
}

/// Answers over TLS as a provider does that has no keys.
fn provider_over_https(own: &Identity) -> String {
    let chain = CertificateDer::pem_slice_iter(own.chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let own = issuer.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let mut head = [0; 2_048];
            let Ok(read) = stream.read(&mut head) else { continue };
            let said = match head[..read].starts_with(b"GET /jwks") {
                true => serde_json::json!({"keys": []}),
                false => serde_json::json!({
                    "issuer": own, "authorization_endpoint": format!("{own}/authorize"),
                    "token_endpoint": format!("{own}/token"), "jwks_uri": format!("{own}/jwks"),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                }),
            };
            let said = said.to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
            let _ = write!(stream, "{head} {}\r\n\r\n{said}", said.len()).and_then(|()| stream.flush());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    issuer
}

#[test]
fn a_provider_is_known_by_the_authorities_that_are_named() {
    let office = Office::new();
    let (authority, other) = (Authority::new("Login"), Authority::new("Other"));
    let issuer = provider_over_https(&authority.identity(&[], &["localhost"]));
    let check = |authority: &Authority| {
        fs::write(office.served.path("login.pem"), authority.pem()).unwrap();
        let mut settings = office.settings();
        let provider = settings.provider.as_mut().unwrap();
        (provider.issuer, provider.ca) = (issuer.clone(), vec![office.served.path("login.pem")]);
        let now = office.served.desk.time();
        stapel_service::pages::check(&settings, None, now).map_err(|error| (error.code(), error.to_string()))
    };
    check(&authority).unwrap();
    let (code, said) = check(&other).unwrap_err();
    assert!(code == "pages_sign_in" && said.contains("cannot be reached"), "{said}");
}

#[test]
fn the_check_reaches_the_provider() {
    let office = Office::new();
    let check = |settings: &PagesSettings| {
        let now = office.served.desk.time();
        stapel_service::pages::check(settings, None, now).map_err(|error| (error.code(), error.to_string()))
    };
    check(&office.settings()).unwrap();
    office.provider.state().is_down = true;
    let (code, said) = check(&office.settings()).unwrap_err();
    assert!(code == "pages_sign_in" && said.contains("cannot be reached"), "{said}");
}

/// As many connections as there are places for, and more, each with a form that does not come.
#[test]
fn a_slow_body_keeps_nobody_out() {
    let office = Office::new();
    let host = office.browser().host;
    let head = format!(
        "POST /nl/sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\na"
    );
    let slow: Vec<_> = (0..300)
        .map(|number| {
            let mut stream = TcpStream::connect(office.pages().address()).unwrap();
            let path = if number % 2 == 0 { "/nl/sign-in" } else { "/sign-out/back-channel" };
            stream.write_all(head.replacen("/nl/sign-in", path, 1).as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut browser = office.signed_in("f.officer", &["officer"]);
    let csrf = browser.csrf();
    assert_eq!(browser.post("/nl/journal", &format!("csrf={csrf}&case=Z-1")).status, 200);
    // None of them took so long that it was ended for that, and the latest have their places still.
    let mut last = slow.last().unwrap();
    last.set_nonblocking(true).unwrap();
    assert_eq!(last.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn told_to_stop_it_ends() {
    let mut office = Office::new();
    let address = office.pages().address();
    let mut idle = TcpStream::connect(address).unwrap();
    let pages = office.pages.take().unwrap();
    assert!(office.served.runtime.block_on(pages.stop()));
    // The port itself another test may have by now.
    idle.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let ended = idle.read(&mut [0]);
    assert!(matches!(&ended, Ok(0)) || ended.as_ref().is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
}

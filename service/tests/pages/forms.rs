//! Forms of other sites, names that lead here, and what is too much.

use super::{Office, refusal};

#[test]
fn a_form_is_of_this_session_and_of_this_site() {
    let office = Office::new();
    let mut browser = office.signed_in("f.officer", &["officer"]);
    let mut other = office.signed_in("m.smit", &["officer"]);
    let (csrf, theirs) = (browser.csrf(), other.csrf());
    let before = office.journal_length();
    let refused = (403, "form".to_owned());
    for form in [
        "case=Z-1".to_owned(),
        "csrf=&case=Z-1".to_owned(),
        format!("csrf={theirs}&case=Z-1"),
        format!("csrf={csrf}&csrf={csrf}&case=Z-1"),
    ] {
        assert_eq!(refusal(&browser.post("/nl/journal", &form)), refused, "{form}");
    }
    let own = format!("http://{}", browser.host);
    for more in [
        String::new(),
        "Origin: https://example.nl\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: {own}\r\nSec-Fetch-Site: cross-site\r\n"),
        format!("Origin: {own}.example.nl\r\n"),
        "Sec-Fetch-Site: same-site\r\n".to_owned(),
        format!("Origin: http://127.0.0.1:{}\r\n", browser.address.port()),
    ] {
        for path in ["/nl/journal", "/nl/sign-out"] {
            let said = browser.post_from(path, &format!("csrf={csrf}&case=Z-1"), &more);
            assert_eq!(refusal(&said), refused, "{path} {more}");
        }
    }
    assert_eq!(refusal(&browser.post("/nl/sign-out", &format!("csrf={theirs}"))), refused);
    assert!(browser.is_signed_in() && office.journal_length() == before);
    // Whoever is not signed in does nothing.
    let mut nobody = office.browser();
    let signed_out = nobody.post("/nl/journal", &format!("csrf={csrf}&case=Z-1"));
    assert_eq!(refusal(&signed_out), (403, "signed_out".to_owned()));
    assert_eq!(office.journal_length(), before);
    assert_eq!(browser.post("/nl/journal", &format!("csrf={csrf}&case=Z-1")).status, 200);
    assert_eq!(office.journal_length(), before + 1);
}

#[test]
fn a_name_that_leads_here_and_is_not_this_sites_is_refused() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let port = browser.address.port();
    for host in ["example.nl", "localhost", "localhost:1", &format!("127.0.0.1:{port}"), &format!("example.nl:{port}")]
    {
        let said = browser.say(&format!("GET /nl HTTP/1.1\r\nHost: {host}\r\n"), "");
        assert_eq!(refusal(&said), (421, "other_host".to_owned()), "{host}");
    }
    let whole = format!("GET http://example.nl/nl HTTP/1.1\r\nHost: localhost:{port}\r\n");
    assert_eq!(refusal(&browser.say(&whole, "")), (421, "other_host".to_owned()));
    let two = format!("GET /nl HTTP/1.1\r\nHost: localhost:{port}\r\nHost: example.nl\r\n");
    assert_eq!(refusal(&browser.say(&two, "")), (400, "bad_request".to_owned()));
}

#[test]
fn what_is_too_much_or_not_in_its_form_is_refused() {
    let office = Office::new();
    let mut browser = office.signed_in("f.officer", &["officer"]);
    let csrf = browser.csrf();
    let before = office.journal_length();
    let large = format!("csrf={csrf}&case={}", "a".repeat(65_536));
    assert_eq!(refusal(&browser.post("/nl/journal", &large)), (413, "too_large".to_owned()));
    let many = format!("csrf={csrf}&case=1{}", "&a=1".repeat(1_000));
    assert_eq!(refusal(&browser.post("/nl/journal", &many)), (413, "too_large".to_owned()));
    let origin = format!("Host: {}\r\nOrigin: http://{}\r\nContent-Length: 2\r\n", browser.host, browser.host);
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=a"] {
        let head = format!("POST /nl/journal HTTP/1.1\r\n{origin}Content-Type: {kind}\r\n");
        assert_eq!(refusal(&browser.say(&head, "{}")), (400, "bad_request".to_owned()), "{kind}");
    }
    let fields = format!("GET /nl HTTP/1.1\r\nHost: {}\r\n{}", browser.host, "a: b\r\n".repeat(101));
    assert_eq!(refusal(&browser.say(&fields, "")), (431, "head_too_large".to_owned()));
    let host = browser.host.clone();
    let put = browser.say(&format!("PUT /nl HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n"), "");
    assert_eq!(refusal(&put), (405, "method_not_allowed".to_owned()));
    assert_eq!(refusal(&browser.post("/nl", &format!("csrf={csrf}"))), (405, "method_not_allowed".to_owned()));
    assert_eq!(refusal(&browser.get("/nl/sign-out")), (405, "method_not_allowed".to_owned()));
    for path in ["/nl/nothing", "/de", "/nl/", "/v1/status", "/nl/journal/"] {
        assert_eq!(refusal(&browser.get(path)), (404, "not_found".to_owned()), "{path}");
    }
    assert!(browser.is_signed_in() && office.journal_length() == before);
}

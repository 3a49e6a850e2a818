//! Attacks on signing in: each is refused with its status, nobody is signed in, and nothing is in the journal.

use serde_json::{Value, json};

use super::provider::Signing;
use super::{Browser, Office, begin, refusal, text};

/// What comes of signing in where the provider's tokens are changed so.
fn twisted(office: &Office, twist: impl FnMut(&mut Value, &mut Value) + Send + 'static) -> (u16, String) {
    office.provider.state().twist = Some(Box::new(twist));
    let mut browser = office.browser();
    let code = office.provider.grant(&begin(&mut browser, "/nl"), "j.jansen", &["look"]);
    let back = browser.come_back(&code);
    office.provider.state().twist = None;
    if back.status != 303 {
        assert!(browser.session().is_none() && !browser.is_signed_in());
    }
    refusal(&back)
}

#[test]
fn a_token_that_is_not_for_here_and_now_is_refused() {
    let office = Office::new();
    let before = office.journal_length();
    let now = office.served.desk.time().0;
    let refused = (403, "id_token".to_owned());
    let claim = |name: &'static str, value: Value| twisted(&office, move |_, claims| claims[name] = value.clone());
    for (name, value) in [
        ("iss", json!("http://127.0.0.1:1")),
        ("iss", json!(format!("{}/", office.provider.issuer()))),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", json!([])),
        ("aud", json!(["stapel", "another"])),
        ("azp", json!("another")),
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("exp", json!(now - 60)),
        ("iat", json!(now + 61)),
        ("iat", json!(now - 661)),
        ("nbf", json!(now + 61)),
        ("nbf", json!("later")),
    ] {
        let said = claim(name, value.clone());
        // A claim without which a token is none is found before anything else.
        let is_none = value.is_null() && name == "iss" && said == (502, "provider_unreachable".to_owned());
        assert!(said == refused || is_none, "{name} {value}: {said:?}");
    }
    for (name, value) in [
        ("aud", json!(["stapel"])),
        ("azp", json!("stapel")),
        ("exp", json!(now - 59)),
        ("iat", json!(now + 60)),
        ("iat", json!(now - 660)),
        ("nbf", json!(now + 60)),
    ] {
        assert_eq!(claim(name, value.clone()).0, 303, "{name} {value}");
    }
    assert_eq!(office.journal_length(), before);
}

#[test]
fn a_token_that_the_provider_did_not_sign_is_refused() {
    let office = Office::new();
    office.pass(61);
    let signings = [Signing::OtherKey, Signing::UnknownKey, Signing::Hs256, Signing::PublicAsSecret, Signing::None];
    for signing in signings {
        office.provider.state().signing = signing;
        let said = twisted(&office, |_, _| {});
        assert!([(403, "id_token".to_owned()), (502, "provider_unreachable".to_owned())].contains(&said), "{said:?}");
    }
    office.provider.state().signing = Signing::Own;
    assert_eq!(twisted(&office, |header, _| header["crit"] = json!(["exp"])).0, 403);
    assert_eq!(twisted(&office, |header, _| header["typ"] = json!("at+jwt")).0, 403);
    assert_eq!(twisted(&office, |_, _| {}).0, 303);
    // Keys that nobody has are looked for once a minute and no more.
    office.pass(61);
    office.provider.state().signing = Signing::UnknownKey;
    office.provider.state().asked.clear();
    for _ in 0..3 {
        twisted(&office, |_, _| {});
    }
    let asked = office.provider.state().asked.iter().filter(|path| *path == "/jwks").count();
    assert_eq!(asked, 1);
}

#[test]
fn what_a_browser_brings_is_of_its_own_attempt_once_and_in_time() {
    let office = Office::new();
    let other = (403, "other_attempt".to_owned());
    let granted = |browser: &mut Browser| office.provider.grant(&begin(browser, "/nl"), "j.jansen", &["look"]);
    // A code of somebody else's attempt, in a link that they send.
    let (mut attacker, mut victim) = (office.browser(), office.browser());
    let code = granted(&mut attacker);
    let state = attacker.begun.clone().unwrap();
    let link = format!("/sign-in/return?code={code}&state={state}");
    assert_eq!(refusal(&victim.get(&link)), other);
    granted(&mut victim);
    assert_eq!(refusal(&victim.get(&link)), other);
    // With a state of one's own it is not the code of one's own.
    let own = victim.begun.clone().unwrap();
    let said = refusal(&victim.get(&format!("/sign-in/return?code={code}&state={own}")));
    assert_eq!(said, (403, "refused_by_provider".to_owned()), "PKCE");
    assert!(victim.session().is_none());
    // No state, two, or none of its own.
    for query in ["code=a", "code=a&state=", "code=a&state=x&state=y", "", "state=%00"] {
        let mut browser = office.browser();
        granted(&mut browser);
        assert_eq!(refusal(&browser.get(&format!("/sign-in/return?{query}"))), other, "{query}");
    }
    // The same again, also where the provider does not mind.
    office.provider.state().is_lax = true;
    let mut browser = office.browser();
    let code = granted(&mut browser);
    let before = browser.clone();
    assert_eq!(browser.come_back(&code).status, 303);
    let mut again = before;
    assert_eq!(refusal(&again.come_back(&code)), other);
    assert!(again.session().is_none());
    // Too late.
    let mut browser = office.browser();
    let code = granted(&mut browser);
    office.pass(600);
    assert_eq!(refusal(&browser.come_back(&code)), other);
}

#[test]
fn what_another_issuer_says_of_itself_is_refused() {
    let office = Office::new();
    let come = |issuer: Option<&str>| {
        let mut browser = office.browser();
        let code = office.provider.grant(&begin(&mut browser, "/nl"), "j.jansen", &["look"]);
        let state = browser.begun.clone().unwrap();
        let issuer = issuer.map_or(String::new(), |issuer| format!("&iss={issuer}"));
        browser.get(&format!("/sign-in/return?code={code}&state={state}{issuer}")).status
    };
    let own = office.provider.issuer();
    assert_eq!([come(None), come(Some(&own)), come(Some("https://a.nl")), come(Some(""))], [303, 303, 403, 403]);
    // A provider that says that it says it.
    office.provider.state().more = json!({"authorization_response_iss_parameter_supported": true});
    office.pass(86_401);
    assert_eq!([come(None), come(Some(&own))], [403, 303]);
}

#[test]
fn a_document_of_another_provider_or_of_places_that_are_not_encrypted_is_refused() {
    for more in [
        json!({"issuer": "http://127.0.0.1:1"}),
        json!({"token_endpoint": "http://example.nl/token"}),
        json!({"authorization_endpoint": "http://example.nl/authorize"}),
        json!({"jwks_uri": "http://example.nl/jwks"}),
        // Encrypted, by whom nobody knows.
        json!({"jwks_uri": "https://127.0.0.1:1/jwks"}),
    ] {
        let office = Office::new();
        office.provider.state().more = more.clone();
        let said = refusal(&office.browser().get("/nl/sign-in/begin"));
        assert_eq!(said, (502, "provider_unreachable".to_owned()), "{more}");
    }
}

#[test]
fn whoever_the_provider_did_not_let_in_or_has_no_role_is_not_in() {
    let office = Office::new();
    let mut browser = office.browser();
    begin(&mut browser, "/nl");
    let state = browser.begun.clone().unwrap();
    let denied = browser.get(&format!("/sign-in/return?error=access_denied&state={state}"));
    assert_eq!(refusal(&denied), (403, "refused_by_provider".to_owned()));
    for roles in [&[][..], &["Look"], &["another"]] {
        let code = office.provider.grant(&begin(&mut browser, "/nl"), "j.jansen", roles);
        assert_eq!(refusal(&browser.come_back(&code)), (403, "no_right".to_owned()), "{roles:?}");
        assert!(!browser.is_signed_in());
    }
    let code = office.provider.grant(&begin(&mut browser, "/nl"), "a\u{202e}b", &["look"]);
    assert_eq!(refusal(&browser.come_back(&code)), (403, "no_name".to_owned()));
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let csrf = browser.csrf();
    let before = office.journal_length();
    assert_eq!(refusal(&browser.get("/nl/journal")), (403, "not_for_you".to_owned()));
    let said = refusal(&browser.post("/nl/journal", &format!("csrf={csrf}&case=Z-1")));
    assert_eq!((said, office.journal_length()), ((403, "not_for_you".to_owned()), before));
}

#[test]
fn a_session_that_somebody_else_chose_or_that_is_over_is_none() {
    let office = Office::new();
    let mut browser = office.browser();
    let chosen = "A".repeat(43);
    browser.cookies.insert("__Host-stapel".to_owned(), chosen.clone());
    assert_eq!(browser.get("/nl").status, 303);
    let code = office.provider.grant(&begin(&mut browser, "/nl"), "j.jansen", &["look"]);
    browser.come_back(&code);
    let first = browser.session().unwrap().clone();
    assert!(first != chosen && browser.is_signed_in());
    // Signing in again gives another id, and the one before is over.
    let code = office.provider.grant(&begin(&mut browser, "/nl"), "m.smit", &["look"]);
    browser.come_back(&code);
    assert_ne!(browser.session(), Some(&first));
    let mut old = office.browser();
    for id in [&first, &chosen] {
        old.cookies.insert("__Host-stapel".to_owned(), id.clone());
        assert!(!old.is_signed_in());
    }
    // One that was signed out of is over, also for whoever kept the cookie.
    let mut kept = browser.clone();
    let csrf = browser.csrf();
    browser.post("/nl/sign-out", &format!("csrf={csrf}"));
    assert!(!kept.is_signed_in());
}

#[test]
fn after_signing_in_nobody_is_sent_to_another_site() {
    let office = Office::new();
    for to in ["https://example.nl", "//example.nl", "/%5Cexample.nl", "/nl/sign-out", "%0d%0aSet-Cookie:a=b"] {
        let mut browser = office.browser();
        let code = office.provider.grant(&begin(&mut browser, to), "j.jansen", &["look"]);
        let back = browser.come_back(&code);
        assert_eq!((back.status, back.field("location").as_deref()), (303, Some("/nl")), "{to}");
        let page = text(&browser.get(&format!("/nl/sign-in?to={to}")));
        assert!(!page.contains("example.nl") && page.contains("to=%2Fnl"), "{page}");
    }
}

#[test]
fn scripts_in_names_are_text() {
    let office = Office::new();
    let script = "<script>alert(1)</script>";
    office.provider.state().twist = Some(Box::new(move |_, claims| claims["name"] = json!(script)));
    let mut browser = office.signed_in("\"><img src=x>", &["look", "officer"]);
    let csrf = browser.csrf();
    let form = format!("csrf={csrf}&case=%22%3E%3Cscript%3E&actor=%3Cb%3E");
    browser.post("/nl/journal", &form);
    for page in [browser.get("/nl"), browser.post("/nl/journal", &form)] {
        let shown = text(&page);
        assert!(shown.contains("&lt;script&gt;"), "{shown}");
        assert!(!shown.contains("<script") && !shown.contains("<img"), "{shown}");
    }
}

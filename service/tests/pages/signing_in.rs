//! Somebody signs in, looks, and signs out.

use std::sync::atomic::Ordering;

use serde_json::json;
use stapel::partner::Caller;

use super::provider::Signing;
use super::{Office, TOKEN, begin, fields, refusal, text, write_secret};
use crate::desk::Served;

#[test]
fn somebody_signs_in_sees_who_they_are_and_signs_out_here_and_there() {
    let office = Office::new();
    let mut browser = office.browser();
    let first = browser.get("/en");
    assert_eq!((first.status, first.field("location").as_deref()), (303, Some("/en/sign-in?to=%2Fen")));
    assert!(text(&browser.get("/en/sign-in?to=%2Fen")).contains("href=\"/en/sign-in/begin?to=%2Fen\""));
    let begun = begin(&mut browser, "/en");
    assert_eq!(begun.back, format!("http://{}/sign-in/return", browser.host));
    let code = office.provider.grant(&begun, "j.jansen", &["look"]);
    let back = browser.come_back(&code);
    assert_eq!((back.status, back.field("location").as_deref()), (303, Some("/en")));
    assert!(!browser.cookies.contains_key("__Host-stapel-attempt"));
    let page = browser.get("/en");
    let shown = text(&page);
    assert_eq!(page.status, 200);
    for said in ["<html lang=\"en\">", "j.jansen", "look: what is flagged", "No answer was read yet", "zaanstad"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("/en/journal"), "the page of a role that they do not have");

    let csrf = browser.csrf();
    let out = browser.post("/en/sign-out", &format!("csrf={csrf}"));
    assert_eq!((out.status, browser.session()), (200, None));
    let (_, there) =
        out.field("refresh").unwrap().split_once("url=").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(there.starts_with(&format!("{}/end?", office.provider.issuer())), "{there}");
    let query = fields(there.split_once('?').unwrap().1);
    assert_eq!(query["post_logout_redirect_uri"], format!("http://{}/signed-out", browser.host));
    assert_eq!((query["client_id"].as_str(), query["id_token_hint"].matches('.').count()), ("stapel", 2));
    assert!(!browser.is_signed_in());
    assert_eq!(browser.get("/signed-out").field("location").as_deref(), Some("/nl/signed-out"));
    assert!(text(&browser.get("/nl/signed-out")).contains("U bent hier afgemeld"));
}

#[test]
fn what_is_known_of_the_release_is_shown_and_grey_once_it_is_old() {
    let office = Office::new();
    office.served.call("/v1/flag", json!({"rows": [{"text": "Kerkstraat 1, 1012 JT"}]}));
    office.served.carry();
    office.served.others_flag(&["Kerkstraat 1, 1012 JT"]);
    office.provider.set_time(office.served.now.load(Ordering::SeqCst));
    let request = json!({"rows": [{"text": "Kerkstraat 1, 1012 JT"}], "request": crate::desk::NAME});
    office.served.call("/v1/ask", request);
    office.served.carry();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let page = text(&browser.get("/en"));
    assert!(page.contains("4 of 4") && page.contains("class=\"standing\""), "{page}");
    assert!(page.contains("<dd>2 December 2026, 00:00 UTC</dd>"), "{page}");
    // It is noon, the next release is at midnight, and two days more are waited for it.
    office.pass(60 * 3_600);
    let mut browser = office.signed_in("j.jansen", &["look"]);
    assert!(text(&browser.get("/en")).contains("class=\"standing\""));
    office.pass(1);
    let page = text(&browser.get("/en"));
    assert!(page.contains("class=\"standing stale\"") && page.contains("This is old. It was read on "), "{page}");
}

#[test]
fn the_journal_has_the_verified_name_and_that_it_was_verified() {
    let office = Office::new();
    let mut browser = office.signed_in("f.officer", &["officer"]);
    let csrf = browser.csrf();
    let before = office.journal_length();
    assert_eq!(browser.get("/nl/journal").status, 200);
    assert_eq!(office.journal_length(), before, "an empty form is no search");
    let page = browser.post("/nl/journal", &format!("csrf={csrf}&case=AUDIT-1&actor=j.jansen&from=2026-12-01"));
    assert_eq!((page.status, office.journal_length()), (200, before + 1), "{}", text(&page));
    let page = browser.post("/nl/journal", &format!("csrf={csrf}&case=AUDIT-2"));
    let shown = text(&page);
    assert!(shown.contains("AUDIT-1") && shown.contains("een pagina, aangemeld"), "{shown}");
    let act = |partner: &mut stapel::Partner| {
        let by = stapel::Case::new("test", "test").unwrap();
        let now = stapel::Timestamp(office.served.now.load(Ordering::SeqCst));
        partner.acts(&stapel::partner::ActQuery::default(), &by, now).unwrap().remove(0).by.unwrap()
    };
    let by = act(&mut office.served.desk.lend());
    assert_eq!((by.actor(), by.reference(), by.caller()), ("f.officer", "AUDIT-1", Caller::SignedIn));
    // What cannot be looked for is said beside the form, and nothing is noted.
    let before = office.journal_length();
    for wrong in ["case=", "case=1&from=gisteren", "case=1&address=Kerkplein", "case=1&about=%E2%80%AE"] {
        let page = browser.post("/nl/journal", &format!("csrf={csrf}&{wrong}"));
        assert!(page.status == 200 && text(&page).contains("role=\"alert\""), "{wrong}");
    }
    assert_eq!(office.journal_length(), before);
}

#[test]
fn a_session_ends_by_itself_and_with_other_settings() {
    let office = Office::new();
    let mut browser = office.signed_in("j.jansen", &["look"]);
    office.pass(599);
    assert!(browser.is_signed_in());
    office.pass(600);
    assert!(!browser.is_signed_in());
    let mut browser = office.signed_in("j.jansen", &["look"]);
    let mut settings = office.settings();
    settings.idle_minutes = Some(10);
    let reload = |settings: &_| office.served.runtime.block_on(office.pages().reload(settings));
    reload(&settings).unwrap();
    assert!(browser.is_signed_in(), "the files were read again, and nothing else");
    settings.may.look = vec!["another".to_owned()];
    reload(&settings).unwrap();
    assert!(!browser.is_signed_in());
    settings.listen = Some("127.0.0.1:1".parse().unwrap());
    assert_eq!(reload(&settings).unwrap_err().code(), "configuration");
}

#[test]
fn the_provider_may_change_its_key_and_may_be_away_for_a_while() {
    let office = Office::new();
    office.signed_in("j.jansen", &["look"]);
    office.pass(61);
    office.provider.change_key();
    office.signed_in("j.jansen", &["look"]);
    // What is known of it is kept while it says nothing, but for what only it can say.
    office.pass(86_401);
    office.provider.state().is_down = true;
    let mut browser = office.browser();
    let begun = begin(&mut browser, "/nl");
    let code = office.provider.grant(&begun, "j.jansen", &["look"]);
    assert_eq!(refusal(&browser.come_back(&code)), (502, "provider_unreachable".into()));
    office.provider.state().is_down = false;
    office.signed_in("j.jansen", &["look"]);

    let office = Office::new();
    office.provider.state().is_down = true;
    let mut browser = office.browser();
    assert_eq!(refusal(&browser.get("/nl/sign-in/begin")), (502, "provider_unreachable".into()));
    office.provider.state().is_down = false;
    let asked = office.provider.state().asked.len();
    assert_eq!(browser.get("/nl/sign-in/begin").status, 502, "it is told at once");
    assert_eq!(office.provider.state().asked.len(), asked);
    office.pass(5);
    begin(&mut browser, "/nl");
}

#[test]
fn one_user_works_on_this_machine_where_the_policy_says_so_and_has_the_token() {
    let mut office = Office::new();
    let mut settings = office.settings();
    (settings.provider, settings.user) = (None, Some("m.smit".to_owned()));
    write_secret(&office.served, "one-user", TOKEN);
    settings.token = Some(office.served.path("one-user"));
    assert_eq!(office.listen(&settings).unwrap_err().0, "pages_one_user");

    let allowed = |text: String| text.replacen("[[partner]]\n", "[[partner]]\nsign_in = \"one-user\"\n", 1);
    office.served = Served::written("", allowed);
    write_secret(&office.served, "one-user", TOKEN);
    settings.token = Some(office.served.path("one-user"));
    office.listen(&settings).unwrap();
    let mut browser = office.browser();
    let page = text(&browser.get("/nl/sign-in"));
    assert!(page.contains("m.smit") && page.contains("type=\"password\""), "{page}");
    for wrong in ["token=", "", "token=fedcba9876543210fedcba9876543211", "user=m.smit"] {
        assert_eq!(refusal(&browser.post("/nl/sign-in", wrong)), (403, "token".into()), "{wrong}");
    }
    assert!(!browser.is_signed_in());
    let elsewhere = browser.post_from("/nl/sign-in", &format!("token={TOKEN}"), "Origin: https://example.nl\r\n");
    assert_eq!(refusal(&elsewhere), (403, "form".into()));
    let inside = browser.post("/nl/sign-in", &format!("token={TOKEN}&to=//example.nl"));
    assert_eq!((inside.status, inside.field("location").as_deref()), (303, Some("/nl")));
    let page = text(&browser.get("/nl"));
    assert!(page.contains("niemand controleerde wie dit is") && page.contains("m.smit"), "{page}");
    let csrf = browser.csrf();
    browser.post("/nl/journal", &format!("csrf={csrf}&case=Z-1"));
    let by = stapel::Case::new("test", "test").unwrap();
    let now = office.served.desk.time();
    let acts = office.served.desk.lend().acts(&stapel::partner::ActQuery::default(), &by, now).unwrap();
    let looked = acts[0].by.as_ref().unwrap();
    assert_eq!((looked.actor(), looked.caller()), ("m.smit", Caller::OneUser));
    let out = browser.post("/nl/sign-out", &format!("csrf={csrf}"));
    assert_eq!((out.status, out.field("refresh"), browser.is_signed_in()), (200, None, false));

    // A newer policy takes it away: whoever is signed in is no longer served, and nobody signs in.
    browser.post("/nl/sign-in", &format!("token={TOKEN}"));
    assert!(browser.is_signed_in());
    let rules = std::fs::read_to_string(office.served.path("policy.toml")).unwrap();
    let before = office.served.desk.lend().policy().digest();
    let newer = rules
        .replace("version = 1\n", &format!("version = 2\nprevious = \"{before}\"\n"))
        .replace("sign_in = \"one-user\"\n", "");
    std::fs::create_dir(office.served.path("newer")).unwrap();
    stapel_testkit::write_policy(&office.served.path("newer/policy.toml"), &newer);
    office.served.desk.lend().adopt_policy(&office.served.path("newer/policy.toml"), now).unwrap();
    let length = office.journal_length();
    assert_eq!(refusal(&browser.get("/nl")), (403, "one_user".into()));
    assert_eq!(refusal(&office.browser().post("/nl/sign-in", &format!("token={TOKEN}"))), (403, "one_user".into()));
    assert_eq!(office.journal_length(), length);
}

/// Pages at which `tests/pages/run` signs in with a browser, at a real provider.
#[test]
fn pages_to_sign_in_at() {
    use std::io::{Read, Write};
    let issuer = std::env::var("STAPEL_SIGN_IN").ok();
    let office = Office::with(|settings| {
        let Some(issuer) = &issuer else { return };
        let provider = settings.provider.as_mut().unwrap();
        (provider.issuer, provider.who) = (issuer.clone(), None);
        settings.may.claim = Some("stapel_roles".to_owned());
        settings.may.look = vec!["stapel-look".to_owned()];
        settings.may.officer = vec!["stapel-officer".to_owned()];
    });
    assert!(text(&office.browser().get("/nl/sign-in")).contains("/nl/sign-in/begin?to=%2Fnl"));
    if issuer.is_none() {
        return;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    office.served.now.store(now, Ordering::SeqCst);
    let mut out = std::io::stdout();
    writeln!(out, "\nSITE pages {}\nREADY", office.pages().origin()).unwrap();
    out.flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// As the provider itself says it, with no browser.
#[test]
fn whoever_signs_out_at_the_provider_is_signed_out_here() {
    let office = Office::new();
    let (mut one, mut other) = (office.signed_in("j.jansen", &["look"]), office.signed_in("m.smit", &["look"]));
    let tell = |token: &str| office.browser().post_from("/sign-out/back-channel", &format!("logout_token={token}"), "");
    let wrong: [fn(&mut serde_json::Value); 16] = [
        |claims| claims["aud"] = json!("another"),
        |claims| claims["iss"] = json!("http://127.0.0.1:1"),
        |claims| claims["exp"] = json!(1),
        |claims| claims["iat"] = json!(1),
        |claims| claims["nonce"] = json!("a"),
        |claims| claims["nonce"] = json!(null),
        |claims| claims["events"] = json!({}),
        |claims| claims["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": true}),
        |claims| claims["sub"] = json!(null),
        |claims| claims["sid"] = json!(null),
        |claims| claims["sid"] = json!(7),
        |claims| claims["aud"] = json!([]),
        |claims| claims["aud"] = json!(["stapel", "another"]),
        |claims| claims["azp"] = json!("another"),
        |claims| claims["exp"] = json!("later"),
        |claims| {
            for name in ["sub", "sid"] {
                claims.as_object_mut().unwrap().remove(name);
            }
        },
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let said = refusal(&tell(&office.provider.signed_out("j.jansen", change)));
        assert_eq!(said, (400, "logout_token".into()), "{number}");
    }
    for token in ["", "a.b.c"] {
        assert_eq!(refusal(&tell(token)), (400, "logout_token".into()));
    }
    for signing in [Signing::OtherKey, Signing::Hs256, Signing::None] {
        office.provider.state().signing = signing;
        assert_eq!(refusal(&tell(&office.provider.signed_out("j.jansen", |_| {}))).0, 400, "{signing:?}");
    }
    office.provider.state().signing = Signing::Own;
    let elsewhere = office.provider.signed_out("j.jansen", |claims| claims["sid"] = json!("another session of theirs"));
    assert_eq!(tell(&elsewhere).status, 200);
    assert!(one.is_signed_in() && other.is_signed_in());
    let said = tell(&office.provider.signed_out("j.jansen", |_| {}));
    assert_eq!((said.status, said.field("cache-control").as_deref()), (200, Some("no-store")));
    assert!(!one.is_signed_in() && other.is_signed_in());
    let all = office.provider.signed_out("m.smit", |claims| drop(claims.as_object_mut().unwrap().remove("sid")));
    tell(&all);
    assert!(!other.is_signed_in());
    // One session, of which it is not said whose it is.
    let (mut one, mut other) = (office.signed_in("j.jansen", &["look"]), office.signed_in("m.smit", &["look"]));
    let alone = office.provider.signed_out("m.smit", |claims| drop(claims.as_object_mut().unwrap().remove("sub")));
    assert_eq!(tell(&alone).status, 200);
    assert!(one.is_signed_in() && !other.is_signed_in());
}

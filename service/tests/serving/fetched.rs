//! What whoever is admitted may fetch.

use std::collections::BTreeSet;

use serde_json::Value;
use stapel::policy::{Certificate, Policy, PolicySignature, SignedPolicy};

use super::Running;

/// All that a consortium has for whoever is admitted.
pub(crate) const PUBLISHED: [&str; 6] =
    ["policies", "policies/1", "policies/1/signatures", "certificates", "checkpoint", "tile/0/000.p/1"];

#[test]
fn what_is_published_is_what_was_signed() {
    let running = Running::new();
    let name = running.policy.policy().consortium.clone();
    let get = |path: &str| {
        running.connect(1).say(format!("GET /v1/{name}/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).unwrap()
    };
    let json = |path: &str| -> Value {
        let response = get(path);
        assert_eq!(response.status, 200, "{path}");
        serde_json::from_slice(&response.body).unwrap()
    };
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };

    let listed = json("policies");
    assert_eq!((&listed["in_force"], listed["versions"].as_array().unwrap().len()), (&Value::from(1), 1));
    assert_eq!(listed["versions"][0]["digest"], running.policy.digest().to_string());
    let policy = Policy::parse(&String::from_utf8(get("policies/1").body).unwrap()).unwrap();
    let signatures = texts(&json("policies/1/signatures")["signatures"]);
    let signatures: Vec<_> = signatures.iter().map(|text| PolicySignature::parse(text).unwrap()).collect();
    assert_eq!(SignedPolicy::verify(policy, &signatures).unwrap().digest(), running.policy.digest());

    let certificates = texts(&json("certificates")["certificates"]);
    let certified = certificates.iter().map(|text| {
        let certificate = Certificate::parse(text).unwrap();
        certificate.verify(running.policy.policy()).unwrap().partner
    });
    let partners: BTreeSet<u16> = running.policy.policy().partners.iter().map(|one| one.number).collect();
    assert_eq!(certified.collect::<BTreeSet<u16>>(), partners);

    let checkpoint = String::from_utf8(get("checkpoint").body).unwrap();
    let size: u16 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(get(&format!("tile/0/000.p/{size}")).body.len(), 32 * usize::from(size));
    for missing in
        ["policies/2", "policies/01", "policies/2/signatures", "tile/0/000", "tile/entries/000", "tile/9/000.p/1"]
    {
        assert_eq!(get(missing).status, 404, "{missing}");
    }
}

#[test]
fn whoever_is_not_admitted_fetches_nothing() {
    let running = Running::new();
    let name = running.policy.policy().consortium.clone();
    let stranger = running.authority.identity(&["00000099000000123000"], &[]);
    for path in PUBLISHED {
        let head = format!("GET /v1/{name}/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = running.connect_as(Some(&stranger)).say(&head).unwrap();
        assert_eq!(response.status, 403, "{path}");
    }
}

#[test]
fn a_head_is_answered_as_a_get_is_without_the_body() {
    let running = Running::new();
    let mut connection = running.connect(1);
    for path in [
        "openapi.json",
        "zaanstad/policies",
        "zaanstad/policies/1",
        "zaanstad/policies/1/signatures",
        "zaanstad/certificates",
        "zaanstad/checkpoint",
        "zaanstad/tile/0/000.p/1",
        "zaanstad/policies/9",
        "elders/policies",
    ] {
        let request = format!("GET /v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let got = connection.say(&request).unwrap();
        connection.write(request.replacen("GET", "HEAD", 1));
        // Each is padded for what it sends.
        let unpadded = |head: &str| head.split("padding: ").next().unwrap().to_owned();
        assert_eq!(unpadded(&connection.read_head().unwrap()), unpadded(&got.head), "{path}");
    }
    let refused = running.connect(1).say("DELETE /v1/zaanstad/policies HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(refused.code(), "method_not_allowed");
    assert!(refused.head.contains("allow: get,head\r\n"), "{}", refused.head);
    let mut connection = running.connect(1);
    connection.write("HEAD /v1/zaanstad/messages HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = connection.read_head().unwrap();
    assert!(head.starts_with("http/1.1 405") && head.contains("allow: post\r\n"), "{head}");
}

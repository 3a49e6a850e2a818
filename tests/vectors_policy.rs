//! The policy vectors: each text has the canonical form and digest, or the error, that `tests/vectors/v1/policies.json`
//! says; and so with successions and certificates.
//!
//! The files were made by an implementation of its own, in Python.

use std::collections::BTreeSet;

use serde::Deserialize;
use stapel::policy::{Certificate, PolicySignature};
use stapel::{Policy, SignedPolicy, Slug};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    #[serde(rename = "about")]
    _about: String,
    valid: Vec<Valid>,
    invalid: Vec<Invalid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Valid {
    name: String,
    toml: String,
    canonical: String,
    digest: String,
    /// Of one with a `[meet]`: by epoch, the numbers of introduced that would name somebody.
    #[serde(default)]
    unsafe_introductions: Vec<(u32, Vec<usize>)>,
    /// The organisations of each epoch that are never asked, where those who put forward meet.
    #[serde(default)]
    never_asked: Vec<(u32, Vec<String>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invalid {
    name: String,
    toml: String,
    error: String,
}

fn vectors() -> Vectors {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/v1/policies.json")).unwrap();
    let names = vectors.valid.iter().map(|v| &v.name).chain(vectors.invalid.iter().map(|v| &v.name));
    let distinct: BTreeSet<_> = names.collect();
    assert_eq!(distinct.len(), vectors.valid.len() + vectors.invalid.len(), "every name is there once");
    vectors
}

#[test]
fn valid_policies_have_their_digest() {
    let vectors = vectors();
    assert!(vectors.valid.len() >= 10);
    for vector in vectors.valid {
        let name = &vector.name;
        let policy = Policy::parse(&vector.toml).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(policy.canonical_json(), vector.canonical, "{name}");
        assert_eq!(policy.digest().to_string(), vector.digest, "{name}");
        assert_eq!(policy.meet.is_some(), !vector.unsafe_introductions.is_empty(), "{name}");
        for (epoch, unsafe_numbers) in vector.unsafe_introductions {
            assert_eq!(policy.unsafe_introductions(epoch), unsafe_numbers, "{name}, epoch {epoch}");
        }
        assert_eq!(policy.meet.is_some(), !vector.never_asked.is_empty(), "{name}");
        for (epoch, organisations) in vector.never_asked {
            let never: Vec<_> = policy.never_asked(epoch).into_iter().map(Slug::as_str).collect();
            assert_eq!(never, organisations, "{name}, epoch {epoch}");
        }
    }
}

#[test]
fn invalid_policies_have_their_error() {
    let vectors = vectors();
    assert!(vectors.invalid.len() >= 60);
    for vector in vectors.invalid {
        let name = &vector.name;
        let error = match Policy::parse(&vector.toml) {
            Err(error) => error,
            // Safety is looked at before signatures are.
            Ok(policy) => SignedPolicy::verify(policy, &[]).expect_err(name),
        };
        assert_eq!(error.code(), vector.error, "{name}: {error}");
    }
}

#[test]
fn the_valid_but_the_minimal_differ() {
    let digests: BTreeSet<_> = vectors().valid.into_iter().map(|vector| vector.digest).collect();
    assert!(digests.len() >= 6);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Successions {
    #[serde(rename = "about")]
    _about: String,
    successions: Vec<Succession>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Succession {
    name: String,
    in_force: String,
    in_force_signatures: Vec<String>,
    newer: String,
    newer_signatures: Vec<String>,
    error: Option<String>,
}

#[test]
fn a_newer_policy_takes_the_place_or_has_its_error() {
    let signatures = |texts: &[String]| -> Vec<PolicySignature> {
        texts.iter().map(|text| PolicySignature::parse(text).unwrap()).collect()
    };
    let vectors: Successions = serde_json::from_str(include_str!("vectors/v1/succession.json")).unwrap();
    assert!(vectors.successions.len() >= 25);
    for row in vectors.successions {
        let name = &row.name;
        let old = Policy::parse(&row.in_force).unwrap();
        let old = SignedPolicy::verify(old, &signatures(&row.in_force_signatures)).expect(name);
        let newer = Policy::parse(&row.newer).unwrap();
        let followed = old.succeed(newer, &signatures(&row.newer_signatures));
        assert_eq!(followed.err().map(|error| error.code().to_owned()), row.error, "{name}");
    }
}

#[derive(Deserialize)]
struct Certificates {
    policy: String,
    valid: Vec<ValidCertificate>,
    invalid: Vec<InvalidCertificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidCertificate {
    name: String,
    text: String,
    digest: String,
    partner: u16,
    epoch: u32,
    serial: u32,
    suspends: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvalidCertificate {
    name: String,
    text: String,
    error: String,
}

/// Which of several counts is held to this file beside the code.
#[test]
fn certificates_hold_or_have_their_error() {
    let vectors: Certificates = serde_json::from_str(include_str!("vectors/v1/certificates.json")).unwrap();
    let policy = Policy::parse(&vectors.policy).unwrap();
    assert!(vectors.valid.len() >= 5 && vectors.invalid.len() >= 30);
    for row in vectors.valid {
        let certificate = Certificate::parse(&row.text).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        let states = certificate.verify(&policy).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        let made = (states.partner, states.epoch, states.serial, states.keys.is_none());
        assert_eq!(made, (row.partner, row.epoch, row.serial, row.suspends), "{}", row.name);
        assert_eq!((certificate.to_text(), certificate.digest().to_string()), (row.text, row.digest), "{}", row.name);
    }
    for row in vectors.invalid {
        let read = Certificate::parse(&row.text).and_then(|read| read.verify(&policy).cloned());
        assert_eq!(read.expect_err(&row.name).code(), row.error, "{}", row.name);
    }
}

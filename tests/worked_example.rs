//! Holds spec/worked-example.md to the vectors, and to the library.

use data_encoding::HEXLOWER;
use serde_json::Value;
use stapel::message::{Reply, Request, Role, Unverified};
use stapel::secret::{Scope, Secret, SigningKey};
use stapel::{AddressKey, Digest, Pseudonym, PseudonymKey, PseudonymSource};

/// The text of section `number`.
fn section(number: u8) -> &'static str {
    let example = include_str!("../spec/worked-example.md");
    let (_, rest) = example.split_once(&format!("\n## {number}. ")).unwrap();
    rest.split_once("\n## ").map_or(rest, |(text, _)| text)
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && HEXLOWER.decode(text.as_bytes()).is_ok()
}

/// The value beside a name, over as many lines as it takes.
fn value(number: u8, name: &str) -> String {
    let mut lines = section(number).lines().skip_while(|line| !line.starts_with(&format!("    {name} ")));
    let first = lines.next().unwrap()[4 + name.len()..].trim();
    let rest = lines.map_while(|line| line.strip_prefix("               ").map(str::trim));
    let value: String = [first].into_iter().chain(rest).collect();
    assert!(is_hex(&value), "{name}: {value}");
    value
}

/// The bytes of the message of a section: the hex that its indented lines begin with.
fn message(number: u8) -> Vec<u8> {
    let lines = section(number).lines().filter_map(|line| line.strip_prefix("    "));
    let hex: String = lines.filter_map(|line| line.split(' ').next()).filter(|first| is_hex(first)).collect();
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn bytes32(hex: &str) -> [u8; 32] {
    HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

#[test]
fn the_keys_are_those_of_the_vectors_and_the_library() {
    let file: Value = serde_json::from_str(include_str!("vectors/v1/derivations.json")).unwrap();
    let row = &file["derivations"][0];
    for (name, field) in [("secret", "secret"), ("prk", "prk"), ("info", "info"), ("K", "k"), ("key id", "key_id")] {
        assert_eq!(value(1, name), row[field].as_str().unwrap(), "{name}");
    }
    assert_eq!(value(1, "pepper"), row["pepper"].as_str().unwrap());
    let first = &row["pseudonyms"][0];
    for (name, field) in [("HMAC", "hmac"), ("pseudonym", "pseudonym"), ("tag", "tag")] {
        assert_eq!(value(1, name), first[field].as_str().unwrap(), "{name}");
    }
    let address = AddressKey::parse("Dam 1-A, 1012 JS Amsterdam").unwrap();
    assert_eq!(HEXLOWER.encode(&[&[1], address.as_bytes()].concat()), value(1, "message"));
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
    let key = PseudonymKey::new(&Secret::from_bytes(bytes32(&value(1, "secret"))), &scope);
    assert_eq!(key.key_id().to_string(), value(1, "key id"));
    assert_eq!(HEXLOWER.encode(key.pseudonym(&address).expose_bytes()), value(1, "pseudonym"));
}

#[test]
fn the_messages_are_those_of_the_vectors_and_the_library_reads_them() {
    let file: Value = serde_json::from_str(include_str!("vectors/v1/messages.json")).unwrap();
    let valid = file["valid"].as_array().unwrap();
    for (number, name) in [(2, "delta"), (3, "question"), (4, "answer")] {
        let vector = valid.iter().find(|v| v["name"] == format!("worked example: {name}")).unwrap();
        assert_eq!(HEXLOWER.encode(&message(number)), vector["hex"].as_str().unwrap(), "{name}");
    }
    let key = |number| {
        let key = SigningKey::from_seed(&bytes32(&value(number, "seed"))).unwrap().verifying_key();
        assert_eq!(key.to_string(), value(number, "public"));
        key
    };
    let pseudonym = value(1, "pseudonym");
    let (partner, broker) = (key(2), key(4));
    let hex = |pseudonyms: &[Pseudonym]| {
        HEXLOWER.encode(pseudonyms.iter().map(Pseudonym::expose_bytes).copied().collect::<Vec<_>>().as_flattened())
    };
    let delta = message(2);
    let delta = Unverified::parse(&delta, Role::Partner).unwrap().verify(&partner).unwrap();
    let Request::Delta(delta) = delta.request().unwrap() else { panic!("not a delta") };
    let terms = delta.flagged[0].terms;
    assert_eq!((terms.last_day.to_string(), terms.first_day.to_string()), ("2026-11-30".into(), "2026-11-29".into()));
    assert!(delta.withdrawn.is_empty());
    assert_eq!(hex(delta.flagged[0].pseudonyms), pseudonym);
    let asked = message(3);
    let question = Unverified::parse(&asked, Role::Partner).unwrap().verify(&partner).unwrap();
    let Request::Question(question) = question.request().unwrap() else { panic!("not a question") };
    assert_eq!(hex(question.pseudonyms), pseudonym);
    let told = message(4);
    let answer = Unverified::parse(&told, Role::Broker).unwrap().verify(&broker).unwrap();
    assert_eq!(answer.header().context, Digest::of(&[&asked]));
    let Reply::Answer(answer) = answer.reply().unwrap() else { panic!("not an answer") };
    assert_eq!(answer.standings, [2]);
}

//! Holds secrets, pseudonyms and secret files to tests/vectors/v1/derivations.json.
//!
//! What the library shows nobody (K, the whole HMAC, tags) is held to the same file where it is made: in src/secret and
//! src/pseudonym.rs. Here K and the PRK are made of the same parts from outside, which says that the file is right of
//! them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use stapel::secret::{KeyId, Scope, Secret, SecretFile, SecretPart};
use stapel::{AddressKey, PseudonymKey, PseudonymSource};

#[derive(Deserialize)]
struct File {
    derivations: Vec<Derivation>,
    secret_files: Vec<Text>,
    joined: Vec<Joined>,
}

#[derive(Deserialize)]
struct Derivation {
    secret: String,
    purpose: String,
    epoch: u32,
    info: String,
    prk: String,
    k: String,
    key_id: String,
    pseudonyms: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    level: u8,
    address_key: String,
    hmac: String,
    pseudonym: String,
}

#[derive(Deserialize)]
struct Text {
    name: String,
    text: String,
    purpose: Option<String>,
    epoch: Option<u32>,
    secret: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Joined {
    name: String,
    parts: Vec<String>,
    secret: String,
}

fn file() -> File {
    serde_json::from_str(include_str!("vectors/v1/derivations.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn secret(hex: &str) -> Secret {
    Secret::from_bytes(bytes(hex).try_into().unwrap())
}

fn hmac(key: &[u8], message: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message);
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[test]
fn key_ids_and_pseudonyms() {
    for row in file().derivations {
        let scope = Scope { purpose: row.purpose.parse().unwrap(), epoch: row.epoch };
        let key = PseudonymKey::new(&secret(&row.secret), &scope);
        assert_eq!(key.key_id().to_string(), row.key_id);
        assert_eq!(KeyId::from_hex(&row.key_id), Some(secret(&row.secret).key_id(&scope)));
        let keys: Vec<_> = row.pseudonyms.iter().map(|p| AddressKey::from_canonical(&p.address_key).unwrap()).collect();
        let made = key.pseudonyms(&keys);
        for ((due, address), made) in row.pseudonyms.iter().zip(&keys).zip(made) {
            assert_eq!(address.level() as u8, due.level, "{}", due.address_key);
            assert_eq!(HEXLOWER.encode(made.expose_bytes()), due.pseudonym, "{} of {}", due.address_key, row.purpose);
        }
    }
}

#[test]
fn intermediates() {
    for row in file().derivations {
        assert_eq!(hmac(b"stapel/v1", &bytes(&row.secret)), row.prk);
        // One block of HKDF-Expand is as long as K.
        let info = bytes(&row.info);
        assert_eq!(hmac(&bytes(&row.prk), &[&info[..], &[1]].concat()), row.k);
        for one in row.pseudonyms {
            let message = [&[one.level], one.address_key.as_bytes()].concat();
            assert_eq!(hmac(&bytes(&row.k), &message), one.hmac);
            assert_eq!(one.hmac[..32], one.pseudonym);
        }
    }
}

/// A folder with one file in it, readable by its owner only.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (folder, path)
}

#[test]
fn secret_files() {
    let rows = file().secret_files;
    assert!(rows.iter().any(|row| row.error.is_none()) && rows.len() > 10);
    for row in rows {
        let (folder, path) = written(&row.text);
        let read = SecretFile::read(&path);
        if let Some(error) = row.error {
            assert_eq!(read.err().map(|found| found.code().to_owned()), Some(error), "{}", row.name);
            continue;
        }
        let read = read.unwrap();
        let scope = Scope { purpose: row.purpose.unwrap().parse().unwrap(), epoch: row.epoch.unwrap() };
        assert_eq!(read, SecretFile { scope, secret: secret(&row.secret.unwrap()) }, "{}", row.name);
        let again = folder.path().join("again");
        read.create(&again).unwrap();
        assert_eq!(fs::read_to_string(again).unwrap(), row.text, "{}", row.name);
    }
}

#[test]
fn secrets_in_parts() {
    for row in file().joined {
        let mut parts: Vec<_> = row.parts.iter().map(|text| SecretPart::read(&written(text).1).unwrap()).collect();
        parts.reverse();
        assert_eq!(SecretFile::join(&parts).unwrap().secret, secret(&row.secret), "{}", row.name);
        parts.pop();
        assert!(SecretFile::join(&parts).is_err(), "{}, one of them missing", row.name);
    }
}

//! Folders for the tests: five partners of four organisations, a broker, a policy that all signed and the secret that they share.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses its own part of this")]

#[path = "../../../tests/common/mod.rs"]
pub mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{ROSTER, START};
use stapel::secret::{Scope, Secret, SecretFile};
use stapel::{Broker, BrokerKeys, Partner};

/// A folder with `policy.toml`, `epoch-1.secret`, the partners' folders `1` to `5`, and the broker's `broker` and `keys`.
pub struct Town(tempfile::TempDir);

impl Town {
    pub fn new() -> Town {
        let town = Town(tempfile::tempdir().unwrap());
        common::write_policy(&town.path("policy.toml"), &policy_text(1));
        secret(1).create(&town.path("epoch-1.secret")).unwrap();
        for entry in ROSTER {
            town.partner(&entry.number.to_string(), entry.number);
        }
        drop(common::stored_keys(&town.path("keys")));
        let keys = BrokerKeys::open(&town.path("keys")).unwrap();
        Broker::create(&town.path("broker"), keys, &town.path("policy.toml"), START).unwrap();
        town
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A path as the functions take it.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Makes the folder of a partner, with its policy and its secret.
    pub fn partner(&self, name: &str, number: u16) {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        write_private(&folder.join("partner.key"), &[number as u8; 32]);
        Partner::init(&folder, number).unwrap();
        Partner::join(&folder, &self.path("policy.toml")).unwrap();
        secret(1).create(&folder.join("epoch-1.secret")).unwrap();
    }
}

/// The policy: two organisations are a stack, three must have released flags, buildings count.
pub fn policy_text(version: u32) -> String {
    let previous = if version == 1 { String::new() } else { previous(version) };
    let rules = format!(
        "version = {version}\nvalid_from = 2026-12-01\n{previous}[counting]\nthreshold = 2\nmin_sources = 3\n\
         levels = [\"unit\", \"building\"]\n[budgets]\nswept_a_day = 100\nsweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\n\
         key_id = \"{}\"\nopens = 2026-12-01\ncloses = 2027-11-30\n",
        secret(1).key_id()
    );
    common::policy_text(&ROSTER, &rules)
}

pub fn secret(epoch: u32) -> SecretFile {
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch };
    SecretFile { scope, secret: Secret::from_bytes([epoch as u8; 32]) }
}

pub fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// The line that names the policy before.
fn previous(version: u32) -> String {
    format!("previous = \"{}\"\n", common::signed(&policy_text(version - 1)).digest())
}

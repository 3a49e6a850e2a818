//! A consortium in a temporary folder, as programs have one: partners' folders, a broker, its keys, and a signed
//! policy.

use std::path::PathBuf;

use stapel::Broker;
use tempfile::TempDir;

use crate::consortium::{ROSTER, START, partner_folder, policy_text, secret, signed, stored_keys, write_policy};

/// A temporary folder with `policy.toml`, `epoch-1.secret`, the partners' folders `1` to `5`, and the broker's `broker`
/// and `keys`. Nothing of it is open.
#[derive(Debug)]
pub struct Consortium(TempDir);

impl Consortium {
    /// Makes one, under version 1 of [`Consortium::policy`], from [`START`] on.
    ///
    /// # Panics
    ///
    /// If a file cannot be written.
    #[expect(clippy::new_without_default, reason = "it writes files")]
    pub fn new() -> Consortium {
        Consortium::under(&Consortium::policy(1))
    }

    /// Makes one under another policy, with the partners and the epoch of that.
    ///
    /// # Panics
    ///
    /// If a file cannot be written, or the text is no such policy.
    pub fn under(text: &str) -> Consortium {
        let consortium = Consortium(tempfile::tempdir().expect("a temporary folder"));
        let policy = consortium.path("policy.toml");
        write_policy(&policy, text);
        secret(1).create(&consortium.path("epoch-1.secret")).expect("a secret can be written");
        for entry in ROSTER {
            consortium.add_partner(&entry.number.to_string(), entry.number);
        }
        let keys = stored_keys(&consortium.path("keys"));
        Broker::create(&consortium.path("broker"), keys, &policy, START).expect("a broker can begin");
        consortium
    }

    /// The path of something in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same as text.
    ///
    /// # Panics
    ///
    /// If the temporary folder's path is not UTF-8.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// Makes one more folder for a partner, with its policy and its secret.
    ///
    /// # Panics
    ///
    /// If a file cannot be written.
    pub fn add_partner(&self, name: &str, number: u16) {
        partner_folder(&self.path(name), number, &self.path("policy.toml"), &[1]);
    }

    /// The policy's text: two organisations are a stack, three must have released flags, and house numbers count. A
    /// version after the first names the one before it.
    pub fn policy(version: u32) -> String {
        let previous = match version {
            1 => String::new(),
            _ => format!("previous = \"{}\"\n", signed(&Consortium::policy(version - 1)).digest()),
        };
        let rules = format!(
            r#"version = {version}
valid_from = 2026-12-01
{previous}[counting]
threshold = 2
min_sources = 3
levels = ["unit", "number"]
[budgets]
swept_a_day = 100
sweep_reasons = ["brand"]
[[epoch]]
number = 1
key_id = "{}"
opens = 2026-12-01
closes = 2027-11-30
"#,
            secret(1).key_id()
        );
        policy_text(&ROSTER, &rules)
    }
}

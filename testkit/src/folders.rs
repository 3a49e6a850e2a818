//! A consortium in a temporary folder, as programs have one: partners' folders, a broker, its keys, and a signed
//! policy.

use std::fs;
use std::path::PathBuf;

use stapel::partner::Received;
use stapel::policy::{Certificate, Statement};
use stapel::{AddressKey, Broker, Case, Partner};
use tempfile::TempDir;

use crate::consortium::{
    ROSTER, START, noon, organisation_text, partner_folder, policy_key, policy_text, secret, signed, stored_keys,
    write_policy,
};

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

    /// Makes one in which police and tax office, partners 1 and 2, meet directly and all others by the coordinator,
    /// partner 6. Partner 5 is of a fifth organisation here, so that three meet those two by the coordinator, and all
    /// are asked to join what another puts forward. Each folder has the certificates of all.
    ///
    /// # Panics
    ///
    /// If a file cannot be written.
    pub fn that_meets() -> Consortium {
        Consortium::that_meets_by(|text| text)
    }

    /// The same, under a policy of which the text is changed before it is signed.
    ///
    /// # Panics
    ///
    /// If a file cannot be written, or the text is no such policy.
    pub fn that_meets_by(change: impl FnOnce(String) -> String) -> Consortium {
        let meet = "[meet]\ndirect = [[\"politie\", \"belastingdienst\"]]\n[[epoch]]";
        let mut roster = ROSTER;
        roster[4].organisation = "woonbron";
        let text = policy_text(&roster, &Consortium::rules(1)).replacen("[[epoch]]", meet, 1)
            + &organisation_text("coordinatiepunt")
            + "[[partner]]\nnumber = 6\nname = \"System 6\"\norganisation = \"coordinatiepunt\"\n\
               may = [\"coordinate\"]\nlegal_basis_coordinate = \"basis\"\n";
        let consortium = Consortium::under(&change(text));
        partner_folder(&consortium.path("6"), 6, &consortium.path("policy.toml"), &[]);
        consortium.certify_all();
        consortium
    }

    /// Makes one whose broker tells totals alone. On [`START`] all five flagged 35 homes, and partner 1 another 88; a
    /// day later there was a release.
    ///
    /// # Panics
    ///
    /// If a file cannot be written, or the broker takes no flags.
    pub fn that_tells_totals() -> Consortium {
        let text = Consortium::policy(1).replacen("threshold = 2", "threshold = 2\nanswers = \"totals\"", 1);
        let consortium = Consortium::under(&text);
        let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys")));
        let broker = broker.expect("the broker that was made");
        let by = Case::new("j.jansen", "2026-0117").expect("a case");
        let home = |number: u32| AddressKey::parse(&format!("1012JS {number}")).expect("an address");
        for number in 1..=5 {
            let mut partner = Partner::open(&consortium.path(&number.to_string())).expect("a partner's folder");
            let homes: Vec<_> = (1..=if number == 1 { 123 } else { 35 }).map(home).collect();
            partner.flag(&homes, &by, START).expect("homes that can be flagged");
            for message in partner.deliver(START).expect("a delivery") {
                let reply = partner.read(&broker.handle(&message, START), START);
                assert!(matches!(reply, Ok(Received::Receipt(_))), "the broker takes flags");
            }
        }
        broker.release(noon(1)).expect("a release");
        consortium
    }

    /// Has each organisation certify the keys that its partner drew, in the place of seal keys whose private halves
    /// nobody has, and the broker begin anew with these certificates.
    fn certify_all(&self) {
        let certificates: Vec<Certificate> = (1..=6u16)
            .map(|partner| {
                let opened = Partner::open(&self.path(&partner.to_string())).expect("a partner's folder");
                let keys = Some(opened.keys(1).expect("a folder that can be written"));
                let policy = opened.policy().policy();
                let (first_day, last_day) = (policy.epochs[0].opens, policy.epochs[0].closes);
                let organisation = policy.partner(partner).expect("one of the roster").organisation.as_str();
                let statement = Statement { partner, epoch: 1, serial: 1, keys, first_day, last_day };
                Certificate::sign(policy, statement, &policy_key(organisation)).expect("a certificate")
            })
            .collect();
        for certificate in certificates {
            for folder in ["1", "2", "3", "4", "5", "6", "."] {
                let path = self.path(folder).join(certificate.file_name());
                fs::write(path, certificate.to_text()).expect("a file can be written");
            }
        }
        fs::remove_dir_all(self.path("broker")).expect("the broker that was");
        let keys = stored_keys(&self.path("keys"));
        Broker::create(&self.path("broker"), keys, &self.path("policy.toml"), START).expect("a broker can begin");
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
        policy_text(&ROSTER, &Consortium::rules(version))
    }

    fn rules(version: u32) -> String {
        let previous = match version {
            1 => String::new(),
            _ => format!("previous = \"{}\"\n", signed(&Consortium::policy(version - 1)).digest()),
        };
        format!(
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
        )
    }
}

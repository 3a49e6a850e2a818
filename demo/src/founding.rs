//! A consortium on one machine, from nothing: keys, folders, a secret, a policy that all sign, and certificates. The
//! demonstration plays one; the sandbox leaves one to play with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use stapel::partner::Partner;
use stapel::policy::{Certificate, Policy, PolicySignature, Sees, Statement};
use stapel::secret::{Scope, Secret, SecretFile, SigningKey};
use stapel::{BrokerKeys, Day, Slug};

use crate::error::{DemoError, Result};

/// A system of an organisation, as it stands in the roster.
pub(crate) struct Member {
    pub(crate) number: u16,
    pub(crate) name: &'static str,
    pub(crate) organisation: &'static str,
    /// The organisation's OIN.
    pub(crate) oin: &'static str,
    pub(crate) does: Does,
    /// Its folder, which is made.
    pub(crate) folder: PathBuf,
}

/// What a system takes part for.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    /// It flags and asks.
    Flag { sees: Sees, legal_basis_flag: &'static str, legal_basis_ask: &'static str },
    /// It brings together who put an address forward.
    Coordinate { legal_basis: &'static str },
}

/// What the consortium agrees on.
pub(crate) struct Terms {
    /// What the policy's first line says it is.
    pub(crate) remark: &'static str,
    pub(crate) name: &'static str,
    pub(crate) purpose: Slug,
    /// Where the broker is reached over HTTPS, if it is.
    pub(crate) address: Option<String>,
    /// The first day of policy and epoch.
    pub(crate) opens: Day,
    /// The last day of the epoch.
    pub(crate) closes: Day,
    /// Whether accepted flags show at once, which only a test may.
    pub(crate) immediate: bool,
    pub(crate) threshold: usize,
    pub(crate) min_sources: usize,
    pub(crate) count_cap: usize,
    pub(crate) min_changed: usize,
    pub(crate) max_wait_days: u64,
    pub(crate) freshness_days: u64,
    pub(crate) max_days: u16,
    pub(crate) new_flags_a_day: usize,
    pub(crate) first_set_flags: usize,
    pub(crate) flags_held: usize,
    pub(crate) asked_a_day: usize,
    pub(crate) asked_an_epoch: usize,
    /// The pairs of organisations that meet each other directly; the others meet by the coordinator.
    pub(crate) direct: &'static [[&'static str; 2]],
}

/// A consortium that is ready to begin, but for its broker's store.
pub(crate) struct Founded {
    /// In the order of the members.
    pub(crate) partners: Vec<Partner>,
    pub(crate) keys: BrokerKeys,
    pub(crate) secret: SecretFile,
    pub(crate) policy: Policy,
    /// Its signatures and certificates lie beside it.
    pub(crate) policy_path: PathBuf,
}

/// Set aside where a town is large: it is made up, and begins with what real partners would have flagged in years.
const FIRST_SET: &str = r#"
[[override]]
rule = "first-set"
reason = "Een demonstratie: de eerste lijsten zijn verzonnen, en zo groot als de stad het vraagt"
"#;

/// What is done after a hit.
const MEETING: &str = "\
De partner draagt de treffer aan en wordt dan genoemd aan de coördinator, en aan wie hem rechtstreeks ontmoet. Andere
partners die het adres melden, kiezen zelf of zij ook genoemd worden. De coördinator gaat na of de wet toelaat dat zij
gegevens over dit adres delen. Een medewerker beoordeelt iedere zaak zelf.";

/// The one epoch there is.
pub(crate) const EPOCH: u32 = 1;

/// Founds it: the policy in `base`, the organisations' policy keys in `policy-keys` there, the secret at `secret_path`,
/// the broker's keys in `broker_keys`, and each member's folder.
pub(crate) fn found(
    base: &Path,
    secret_path: &Path,
    broker_keys: &Path,
    terms: &Terms,
    members: &[Member],
) -> Result<Founded> {
    for member in members {
        Partner::init(&member.folder, member.number)?;
    }
    let key_folder = base.join("policy-keys");
    fs::create_dir_all(&key_folder).map_err(DemoError::file("create", &key_folder))?;
    let mut policy_keys: BTreeMap<&str, SigningKey> = BTreeMap::new();
    for Member { organisation, .. } in members {
        if !policy_keys.contains_key(organisation) {
            policy_keys.insert(organisation, SigningKey::create(&key_folder.join(format!("{organisation}.key")))?);
        }
    }
    let keys = BrokerKeys::create(broker_keys)?;
    let scope = Scope { purpose: terms.purpose.clone(), epoch: EPOCH };
    let secret = SecretFile { secret: Secret::generate()?, scope };
    secret.create(secret_path)?;

    let text = policy_text(terms, members, &policy_keys, &keys, &secret.key_id().to_string());
    let policy = Policy::parse(&text)?;
    let policy_path = base.join("policy.toml");
    write(&policy_path, &text)?;
    for key in policy_keys.values() {
        let signature = PolicySignature::sign(&policy, key)?;
        write(&signature.path_beside(&policy_path), &signature.to_text())?;
    }

    let mut partners = Vec::new();
    let mut certificates = Vec::new();
    for member in members {
        Partner::join(&member.folder, &policy_path)?;
        let mut partner = Partner::open(&member.folder)?;
        if let Does::Flag { .. } = member.does {
            partner.add_secret(secret_path)?;
        }
        let keys = Some(partner.keys(EPOCH)?);
        let (first_day, last_day) = (terms.opens, terms.closes);
        let statement = Statement { partner: member.number, epoch: EPOCH, serial: 1, keys, first_day, last_day };
        let certificate = Certificate::sign(&policy, statement, &policy_keys[member.organisation])?;
        let path = base.join(certificate.file_name());
        write(&path, &certificate.to_text())?;
        certificates.push(certificate);
        partners.push(partner);
    }
    // Each has those of all: what comes after a hit is for the others' keys.
    for partner in &mut partners {
        partner.take_certificates(certificates.clone())?;
    }
    Ok(Founded { partners, keys, secret, policy, policy_path })
}

/// Policies, signatures and certificates are open to all.
fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(DemoError::file("write", path))
}

fn policy_text(
    terms: &Terms,
    members: &[Member],
    policy_keys: &BTreeMap<&str, SigningKey>,
    operator: &BrokerKeys,
    key_id: &str,
) -> String {
    let Terms { remark, name, purpose, opens, closes, threshold, min_sources, count_cap, .. } = terms;
    let Terms { min_changed, max_wait_days, freshness_days, max_days, .. } = terms;
    let Terms { new_flags_a_day, first_set_flags, flags_held, asked_a_day, asked_an_epoch, .. } = terms;
    let (verifying_key, checkpoint_key) = (operator.verifying_key(), operator.checkpoint_key());
    let first_set = if first_set_flags + new_flags_a_day > 10_000 { FIRST_SET } else { "" };
    let addresses = terms.address.as_ref().map_or(String::new(), |address| format!("addresses = [\"{address}\"]\n"));
    let direct: Vec<_> = terms.direct.iter().map(|[one, other]| format!("[\"{one}\", \"{other}\"]")).collect();
    let direct = direct.join(", ");
    let (test, immediate) = if terms.immediate { ("test = true\n", "immediate = true\n") } else { ("", "") };
    let mut text = format!(
        r#"# {remark}

format = 1
consortium = "{name}"
version = 1
valid_from = {opens}
{test}purpose = "{purpose}"
legal_basis = "Ter illustratie: Wet gegevensverwerking door samenwerkingsverbanden, paragraaf 2.3"
flag_criterion = """
De partner heeft zelf, in het afgelopen halfjaar en uit eigen waarneming of een eigen lopend onderzoek, een concrete
aanwijzing dat op dit adres sprake is van ondermijnende criminaliteit. Nooit omdat een andere partner iets meldt, en
nooit omdat het adres hier als treffer naar voren kwam."""
after_hit = """
{MEETING}"""
coordinator = "Coördinatiepunt ondermijning, coordinatie@{name}.example"
freshness_days = {freshness_days}
{first_set}
[operator]
name = "Stichting Voorbeeldbroker"
oin = "00000099000000009000"
verifying_key = "{verifying_key}"
checkpoint_key = "{checkpoint_key}"
log_origin = "stapel.example.nl/{name}"
{addresses}
[contact_point]
name = "Privacyloket {name}"
postal_address = "Postbus 1, 1500 AA Zaandam"
email = "privacy@{name}.example"

[counting]
threshold = {threshold}
min_sources = {min_sources}
count_cap = {count_cap}
levels = ["unit", "number"]

[release]
{immediate}interval_hours = 24
min_changed = {min_changed}
max_wait_days = {max_wait_days}

[retention]
max_days = {max_days}

[budgets]
new_flags_a_day = {new_flags_a_day}
first_set_flags = {first_set_flags}
flags_held = {flags_held}
asked_a_day = {asked_a_day}
asked_an_epoch = {asked_an_epoch}

[meet]
direct = [{direct}]

[[epoch]]
number = {EPOCH}
key_id = "{key_id}"
opens = {opens}
closes = {closes}
"#
    );
    for (slug, key) in policy_keys {
        let oin = members.iter().find(|member| member.organisation == *slug).map_or("", |member| member.oin);
        let policy_key = key.verifying_key();
        text += &format!(
            r#"
[[organisation]]
slug = "{slug}"
name = "{slug}"
oin = "{oin}"
contact = "Sleutelbeheer, sleutels@{slug}.example"
policy_key = "{policy_key}"
"#
        );
    }
    for member in members {
        let Member { number, name, organisation, .. } = member;
        let does = match member.does {
            Does::Flag { sees, legal_basis_flag, legal_basis_ask } => format!(
                r#"may = ["flag", "ask"]
sees = "{}"
legal_basis_flag = "{legal_basis_flag}"
legal_basis_ask = "{legal_basis_ask}""#,
                sees.as_str()
            ),
            Does::Coordinate { legal_basis } => {
                format!("may = [\"coordinate\"]\nlegal_basis_coordinate = \"{legal_basis}\"")
            }
        };
        text += &format!(
            r#"
[[partner]]
number = {number}
name = "{name}"
organisation = "{organisation}"
{does}
"#
        );
    }
    text
}

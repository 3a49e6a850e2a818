//! A consortium of five systems of four organisations: its roster, its policy's text, its keys, and its folders.

use std::fs;
use std::path::Path;

#[cfg(feature = "partner")]
use stapel::Partner;
use stapel::policy::{Certificate, PartnerKeys, Policy, PolicySignature, SignedPolicy, Statement, sample_text};
use stapel::secret::{Scope, SealKey, Secret, SecretFile, SigningKey};
#[cfg(feature = "broker")]
use stapel::{Broker, BrokerKeys};
use stapel::{Day, Pseudonym, Timestamp};

#[cfg(any(feature = "partner", feature = "broker"))]
use crate::files::write_private;

/// 2026-12-01T12:00:00Z, half a day into the sample policy.
pub const START: Timestamp = Timestamp(1_796_126_400);

/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// An entry of a test's roster.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The partner's number, from which its key follows.
    pub number: u16,
    /// The organisation that it counts as.
    pub organisation: &'static str,
    /// What it may do, as the policy's text has it.
    pub may: &'static str,
    /// What it is told of a stack, as the policy's text has it.
    pub sees: &'static str,
}

/// Five systems of four organisations.
pub const ROSTER: [Entry; 5] = [
    Entry { number: 1, organisation: "politie", may: r#""flag", "ask""#, sees: "count" },
    Entry { number: 2, organisation: "belastingdienst", may: r#""flag", "ask""#, sees: "band" },
    Entry { number: 3, organisation: "zaanwonen", may: r#""flag", "ask""#, sees: "presence" },
    Entry { number: 4, organisation: "gemeente", may: r#""flag", "ask", "sweep""#, sees: "presence" },
    Entry { number: 5, organisation: "gemeente", may: r#""flag", "ask""#, sees: "count" },
];

/// The text of a policy for `roster`, with `rules` put in as they stand.
pub fn policy_text(roster: &[Entry], rules: &str) -> String {
    let (verifying_key, checkpoint_key) = (operator_key().verifying_key(), checkpoint_key().verifying_key());
    let mut text = format!(
        r#"format = 1
consortium = "zaanstad"
purpose = "ondermijning-zaanstad"
legal_basis = "basis"
flag_criterion = "own observation"
after_hit = "call"
coordinator = "coordinator@example.nl"
{rules}
[operator]
name = "Operator"
oin = "00000099999999999000"
verifying_key = "{verifying_key}"
checkpoint_key = "{checkpoint_key}"
log_origin = "example.nl/zaanstad"
[contact_point]
name = "Desk"
email = "privacy@example.nl"
"#
    );
    let mut organisations: Vec<&str> = roster.iter().map(|entry| entry.organisation).collect();
    organisations.sort_unstable();
    organisations.dedup();
    for organisation in organisations {
        text += &organisation_text(organisation);
    }
    for Entry { number, organisation, may, sees } in roster {
        let ask = if may.contains("ask") { "legal_basis_ask = \"basis\"\n" } else { "" };
        let flag = if may.contains("flag") { "legal_basis_flag = \"basis\"\n" } else { "" };
        text += &format!(
            r#"[[partner]]
number = {number}
name = "System {number}"
organisation = "{organisation}"
may = [{may}]
sees = "{sees}"
{flag}{ask}"#
        );
    }
    text
}

/// The text of the sample policy, with other keys in the place of the published ones, which no policy may have: for
/// organisations those that [`policy_key`] gives, and so on; without its `[meet]` and its coordinator.
///
/// # Panics
///
/// Never: the sample is a policy.
pub fn sample_policy_text() -> String {
    let text = sample_text(day("2026-12-01"));
    let text = without(&text, "[meet]\n", "[[epoch]]");
    let text = without(&text, "[[organisation]]\nslug = \"coordinatiepunt\"", "[[");
    let text = without(&text, "\n[[partner]]\nnumber = 5\n", "\n[[");
    let published = Policy::parse(&text).expect("the sample is a policy");
    let mut keys =
        vec![(published.operator.verifying_key, operator_key()), (published.operator.checkpoint_key, checkpoint_key())];
    keys.extend(published.organisations.iter().map(|one| (one.policy_key, policy_key(one.slug.as_str()))));
    let scope = Scope { purpose: published.purpose.clone(), epoch: 1 };
    let key_id = Secret::from_bytes([0x71; 32]).key_id(&scope).to_string();
    let text = text.replace(&published.epochs[0].key_id.to_string(), &key_id);
    keys.iter().fold(text, |text, (from, to)| text.replace(&from.to_string(), &to.verifying_key().to_string()))
}

/// The sample's text without what begins with `from`, up to the next `to` or the end.
fn without(text: &str, from: &str, to: &str) -> String {
    let (before, rest) = text.split_once(from).expect("the sample has it");
    let after = rest.find(to).map_or("", |at| &rest[at..]);
    format!("{before}{after}")
}

/// The table of an organisation in a policy's text.
pub fn organisation_text(organisation: &str) -> String {
    let policy_key = policy_key(organisation).verifying_key();
    let oin = organisation.bytes().fold(0u64, |sum, b| (sum * 31 + u64::from(b)) % 999_999_937) + 1;
    format!(
        r#"[[organisation]]
slug = "{organisation}"
name = "{organisation}"
oin = "00000099{oin:09}000"
contact = "{organisation}"
policy_key = "{policy_key}"
"#
    )
}

/// Rules that the tests begin from: version 1, and one epoch of a year.
pub const RULES: &str = r#"version = 1
valid_from = 2026-12-01
[budgets]
swept_a_day = 100
sweep_reasons = ["brand"]
[[epoch]]
number = 1
key_id = "11111111111111111111111111111111"
opens = 2026-12-01
closes = 2027-11-30
"#;

/// Rules of two epochs, the first of which closes on day 9: two organisations are a stack, and new flags show a day
/// later, whatever else.
pub fn two_epochs() -> String {
    let epoch = |number: u32, opens: &str, closes: &str| {
        let key_id = secret(number).key_id();
        format!("[[epoch]]\nnumber = {number}\nkey_id = \"{key_id}\"\nopens = {opens}\ncloses = {closes}\n")
    };
    let overrides = ["names-somebody", "max-wait", "epoch-length", "epoch-overlap", "own-flag"];
    let overrides = overrides.map(|rule| format!("[[override]]\nrule = \"{rule}\"\nreason = \"a test\"\n")).concat();
    let rest = "[counting]\nthreshold = 2\nown_flag_required = false\n[release]\nmax_wait_days = 1\n";
    let epochs = epoch(1, "2026-12-01", "2026-12-10") + &epoch(2, "2026-12-04", "2027-11-30");
    format!("version = 1\nvalid_from = 2026-12-01\n{overrides}{rest}{epochs}")
}

/// Noon of a day, counted from [`START`], which is that of day 0.
pub fn noon(number: u64) -> Timestamp {
    START.plus(number * DAY)
}

/// Signatures of every organisation of a policy.
///
/// # Panics
///
/// If the policy names another key for an organisation than [`policy_key`] gives.
pub fn signatures(policy: &Policy) -> Vec<PolicySignature> {
    let sign = |slug: &str| PolicySignature::sign(policy, &policy_key(slug)).unwrap();
    policy.organisations.iter().map(|organisation| sign(organisation.slug.as_str())).collect()
}

/// A policy that all have signed.
///
/// # Panics
///
/// If the text is no policy.
pub fn signed(text: &str) -> SignedPolicy {
    let policy = Policy::parse(text).unwrap();
    let signatures = signatures(&policy);
    SignedPolicy::verify(policy, &signatures).unwrap()
}

/// The public keys of a partner in an epoch: that of [`key`], and a seal key whose private half nobody has.
pub fn partner_keys(number: u16, epoch: u32) -> PartnerKeys {
    let mut seal = key_seed(number);
    seal[4..8].copy_from_slice(&epoch.to_be_bytes());
    PartnerKeys { message: key(number).verifying_key(), seal: SealKey::from_bytes(seal) }
}

/// A certificate of a partner, or with no keys a suspension, which holds on every day.
///
/// # Panics
///
/// If the policy has no such partner or epoch, or names another policy key than [`policy_key`] gives.
pub fn certificate(policy: &Policy, partner: u16, epoch: u32, serial: u32, keys: Option<PartnerKeys>) -> Certificate {
    let (first_day, last_day) = (Day(0), Day(u16::MAX));
    let statement = Statement { partner, epoch, serial, keys, first_day, last_day };
    let organisation = &policy.partner(partner).expect("the policy has the partner").organisation;
    Certificate::sign(policy, statement, &policy_key(organisation.as_str())).expect("a certificate that holds")
}

/// Certificates of all partners in all epochs of a policy that they take part in, of serial 1, with the keys of
/// [`partner_keys`].
///
/// # Panics
///
/// If the policy names another key for an organisation than [`policy_key`] gives.
pub fn certificates(policy: &Policy) -> Vec<Certificate> {
    let all = policy.partners.iter().flat_map(|one| policy.epochs.iter().map(move |epoch| (one, epoch.number)));
    let taking_part = all.filter(|(one, epoch)| policy.takes_part(&one.organisation, *epoch));
    let certify = |number, epoch| certificate(policy, number, epoch, 1, Some(partner_keys(number, epoch)));
    taking_part.map(|(one, epoch)| certify(one.number, epoch)).collect()
}

/// Writes a policy, its signatures, and certificates of all its partners as files.
///
/// # Panics
///
/// If the text is no policy, or a file cannot be written.
pub fn write_policy(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    let policy = Policy::parse(text).unwrap();
    for signature in signatures(&policy) {
        fs::write(signature.path_beside(path), signature.to_text()).unwrap();
    }
    for certificate in certificates(&policy) {
        fs::write(path.with_file_name(certificate.file_name()), certificate.to_text()).unwrap();
    }
}

/// The policy key of an organisation.
///
/// # Panics
///
/// Never: any seed makes a key.
pub fn policy_key(organisation: &str) -> SigningKey {
    SigningKey::from_seed(&policy_key_seed(organisation)).expect("any seed is a key")
}

/// What an organisation's policy key is made from, as in the sample policy: 0xd0 and its name, filled up with zeros.
pub fn policy_key_seed(organisation: &str) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[0] = 0xd0;
    for (byte, letter) in seed[1..].iter_mut().zip(organisation.bytes()) {
        *byte = letter;
    }
    seed
}

/// The key of a partner.
///
/// # Panics
///
/// Never: any seed makes a key.
pub fn key(number: u16) -> SigningKey {
    SigningKey::from_seed(&key_seed(number)).expect("any seed is a key")
}

/// What a partner's key is made from: its number 32 times, as in the sample policy. From 0xb0 on the operator's keys
/// are made like that, so those numbers stand after a byte that no such seed begins with.
fn key_seed(number: u16) -> [u8; 32] {
    let [high, low] = number.to_be_bytes();
    if number < 0xb0 { [low; 32] } else { std::array::from_fn(|at| [0xff, high, low][at.min(2)]) }
}

const OPERATOR_SEED: [u8; 32] = [0xb0; 32];
const CHECKPOINT_SEED: [u8; 32] = [0xc0; 32];

/// The operator's key, by which replies are signed.
///
/// # Panics
///
/// Never: any seed makes a key.
pub fn operator_key() -> SigningKey {
    SigningKey::from_seed(&OPERATOR_SEED).expect("any seed is a key")
}

/// The operator's key by which the log's checkpoints are signed.
///
/// # Panics
///
/// Never: any seed makes a key.
pub fn checkpoint_key() -> SigningKey {
    SigningKey::from_seed(&CHECKPOINT_SEED).expect("any seed is a key")
}

/// The secret that the partners share in an epoch.
///
/// # Panics
///
/// Never: the purpose is a slug.
pub fn secret(epoch: u32) -> SecretFile {
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().expect("a slug"), epoch };
    SecretFile { scope, secret: Secret::from_bytes([epoch as u8; 32]) }
}

/// The operator's keys, in memory.
#[cfg(feature = "broker")]
pub fn broker_keys() -> BrokerKeys {
    BrokerKeys::in_memory(operator_key(), checkpoint_key())
}

/// The operator's keys in files in `folder`, made there if it is not there yet, so that an epoch's pepper is the same
/// from one opening to the next.
///
/// # Panics
///
/// If the folder cannot be made or read.
#[cfg(feature = "broker")]
pub fn stored_keys(folder: &Path) -> BrokerKeys {
    if !folder.exists() {
        fs::create_dir(folder).expect("a folder can be made");
        write_private(&folder.join("signing.key"), &OPERATOR_SEED);
        write_private(&folder.join("checkpoint.key"), &CHECKPOINT_SEED);
    }
    BrokerKeys::open(folder).expect("keys that can be read")
}

/// A broker in memory, from [`START`] on, with certificates of all partners.
///
/// # Panics
///
/// If it cannot begin with this policy.
#[cfg(feature = "broker")]
pub fn broker(policy: &SignedPolicy) -> Broker {
    let certificates = certificates(policy.policy());
    Broker::in_memory(broker_keys(), policy.clone(), &certificates, START).expect("a policy to begin with")
}

/// Makes a partner's folder, with its key, the policy, its certificates and the secrets of some epochs.
///
/// # Panics
///
/// If a file cannot be written, or the policy does not name the partner.
#[cfg(feature = "partner")]
pub fn partner_folder(folder: &Path, number: u16, policy: &Path, epochs: &[u32]) {
    fs::create_dir(folder).expect("a folder can be made");
    write_private(&folder.join("partner.key"), &key_seed(number));
    Partner::init(folder, number).expect("a folder for a partner");
    Partner::join(folder, policy).expect("a policy that names it");
    let certificates = certificates(&Policy::read(policy).expect("a policy"));
    for certificate in certificates.iter().filter(|one| one.claimed().partner == number) {
        write_private(&folder.join(certificate.file_name()), certificate.to_text().as_bytes());
    }
    for epoch in epochs {
        let path = folder.join(format!("epoch-{epoch}.secret"));
        secret(*epoch).create(&path).expect("a secret can be written");
    }
}

/// The day that a text names.
///
/// # Panics
///
/// If it names none.
pub fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

/// A pseudonym that tests tell apart by a number.
pub fn pseudonym(number: u8) -> Pseudonym {
    Pseudonym::danger_from_remote_source([number; 16])
}

/// As many pseudonyms as are asked for, in order: big-endian numbers.
pub fn numbered(numbers: impl IntoIterator<Item = u128>) -> Vec<Pseudonym> {
    numbers.into_iter().map(|number| Pseudonym::danger_from_remote_source(number.to_be_bytes())).collect()
}

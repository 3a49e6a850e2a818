//! The sample policy with other keys than the published ones, which tests can sign with.

use std::fs;
use std::sync::LazyLock;

use tempfile::TempDir;

use super::{
    Certificate, Epoch, PartnerKeys, Policy, PolicySignature, RosterEntry, SignedPolicy, Statement, sample_text,
};
use crate::secret::{Scope, SealKey, Secret, SecretFile, SigningKey};

/// Its text: four partners of four organisations, which flag and ask, from 2026-12-01 on. It has no `[meet]` and no
/// coordinator, which most tests are not about: [`text_with_meet`] has both.
pub(crate) static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = without_coordinator(&sample_text("2026-12-01".parse().unwrap()));
    let published = Policy::parse(&text).unwrap();
    let mut keys =
        vec![(published.operator.verifying_key, operator_key()), (published.operator.checkpoint_key, checkpoint_key())];
    keys.extend(published.organisations.iter().map(|one| (one.policy_key, policy_key(one.slug.as_str()))));
    let scope = Scope { purpose: published.purpose.clone(), epoch: 1 };
    let text = text.replace(&published.epochs[0].key_id.to_string(), &secret(1).key_id(&scope).to_string());
    keys.iter().fold(text, |text, (from, to)| text.replace(&from.to_string(), &to.verifying_key().to_string()))
});

/// A text of the published sample without its `[meet]`, and without its coordinator and the organisation of that.
fn without_coordinator(text: &str) -> String {
    let cut = |text: String, from: &str, to: &str| {
        let (before, rest) = text.split_once(from).unwrap();
        let after = rest.find(to).map_or("", |at| &rest[at..]);
        format!("{before}{after}")
    };
    let text = cut(text.to_owned(), "[meet]\n", "[[epoch]]");
    let text = cut(text, &format!("[[organisation]]\nslug = \"{COORDINATOR}\""), "[[");
    cut(text, "\n[[partner]]\nnumber = 5\n", "\n[[")
}

/// Its table on the contact point.
pub(crate) const CONTACT_POINT: &str = "\
[contact_point]
name = \"Privacyloket ondermijning Zaanstad\"
postal_address = \"Postbus 1, 1500 AA Zaandam\"
email = \"privacy@zaanstad.example\"
";

/// The sample.
pub(crate) fn policy() -> Policy {
    Policy::parse(&TEXT).unwrap()
}

/// The sample's text with pieces of it replaced, each of which must be there.
pub(crate) fn changed_text(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(TEXT.clone(), |text, (from, to)| {
        assert!(text.contains(from), "the sample has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// The sample with pieces of its text replaced.
pub(crate) fn changed(changes: &[(&str, &str)]) -> Policy {
    Policy::parse(&changed_text(changes)).unwrap()
}

/// The sample with a coordinator, partner 5 of an organisation of its own, and a `[meet]` by which the police and the
/// tax office meet directly and all others by the coordinator; with pieces of its text replaced.
pub(crate) fn with_meet(changes: &[(&str, &str)]) -> Policy {
    let text = changes.iter().fold(text_with_meet(), |text, (from, to)| {
        assert!(text.contains(from), "the sample has no {from:?}");
        text.replacen(from, to, 1)
    });
    Policy::parse(&text).unwrap()
}

/// The text of [`with_meet`].
pub(crate) fn text_with_meet() -> String {
    let meet = "[meet]\ndirect = [[\"politie\", \"belastingdienst\"]]\n\n[[epoch]]";
    format!(
        "{}\n[[organisation]]\nslug = \"{COORDINATOR}\"\nname = \"Coördinatiepunt ondermijning\"\n\
         oin = \"00000099000000005000\"\ncontact = \"Sleutelbeheer, sleutels@coordinatie.example\"\n\
         policy_key = \"{}\"\n\n[[partner]]\nnumber = 5\nname = \"Coördinatiepunt ondermijning\"\n\
         organisation = \"{COORDINATOR}\"\nmay = [\"coordinate\"]\n\
         legal_basis_coordinate = \"Wet gegevensverwerking door samenwerkingsverbanden, artikel 2.20\"\n",
        changed_text(&[("[[epoch]]", meet)]),
        policy_key(COORDINATOR).verifying_key()
    )
}

/// A policy of [`with_meet`] in force, signed by all of its organisations.
pub(crate) fn signed_with_meet(policy: Policy) -> SignedPolicy {
    let names = policy.organisations.iter().map(|one| one.slug.as_str());
    let signatures: Vec<_> = names.map(|name| PolicySignature::sign(&policy, &policy_key(name)).unwrap()).collect();
    SignedPolicy::verify(policy, &signatures).unwrap()
}

/// The organisation of the coordinator of [`with_meet`].
pub(crate) const COORDINATOR: &str = "coordinatiepunt";

/// The sample in force, signed by all four.
pub(crate) fn signed() -> SignedPolicy {
    signed_by_all(policy())
}

/// A policy in force, signed by all of the sample's organisations.
pub(crate) fn signed_by_all(policy: Policy) -> SignedPolicy {
    let signatures = ORGANISATIONS.map(|name| PolicySignature::sign(&policy, &policy_key(name)).unwrap());
    SignedPolicy::verify(policy, &signatures).unwrap()
}

/// A folder with a policy, `policy.toml`, and the signatures of all of the sample's organisations; of the coordinator's
/// too, where it has one.
pub(crate) fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, text).unwrap();
    let policy = Policy::parse(text).unwrap();
    let coordinator = policy.coordinating_partner().map(|_| COORDINATOR);
    for name in ORGANISATIONS.into_iter().chain(coordinator) {
        let signature = PolicySignature::sign(&policy, &policy_key(name)).unwrap();
        fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
    }
    folder
}

/// The sample's organisations, ascending.
pub(crate) const ORGANISATIONS: [&str; 4] = ["belastingdienst", "gemeente-zaanstad", "politie", "zaanwonen"];

/// The policy key of an organisation: 0xd0 and its slug, filled up with zeros.
pub(crate) fn policy_key(slug: &str) -> SigningKey {
    let mut seed = [0; 32];
    seed[0] = 0xd0;
    seed[1..=slug.len()].copy_from_slice(slug.as_bytes());
    SigningKey::from_seed(&seed).unwrap()
}

/// The sample's text on one organisation, with its header.
pub(crate) fn entry_of(slug: &str) -> &'static str {
    let start = TEXT.find(&format!("[[organisation]]\nslug = \"{slug}\"")).unwrap();
    let length = TEXT[start + 1..].find("[[").unwrap() + 1;
    &TEXT[start..start + length]
}

/// The message key of a partner, by number.
pub(crate) fn partner_key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

/// The public keys of a partner in an epoch. Nobody has the private half of the seal key.
pub(crate) fn partner_keys(number: u8, epoch: u32) -> PartnerKeys {
    let mut seal = [number; 32];
    seal[0] = epoch as u8;
    PartnerKeys { message: partner_key(number).verifying_key(), seal: SealKey::from_bytes(seal) }
}

/// Certificates of all partners in all epochs of a policy, of serial 1.
pub(crate) fn certificates(policy: &Policy) -> Vec<Certificate> {
    let of = |partner: &RosterEntry, epoch: &Epoch| {
        let keys = Some(partner_keys(partner.number as u8, epoch.number));
        let (first_day, last_day) = (epoch.opens, epoch.closes);
        let statement =
            Statement { partner: partner.number, epoch: epoch.number, serial: 1, keys, first_day, last_day };
        Certificate::sign(policy, statement, &policy_key(partner.organisation.as_str())).unwrap()
    };
    policy.partners.iter().flat_map(|partner| policy.epochs.iter().map(move |epoch| of(partner, epoch))).collect()
}

/// The key of the broker's replies.
pub(crate) fn operator_key() -> SigningKey {
    SigningKey::from_seed(&[0xb0; 32]).unwrap()
}

/// The key of the log's checkpoints.
pub(crate) fn checkpoint_key() -> SigningKey {
    SigningKey::from_seed(&[0xc0; 32]).unwrap()
}

/// The secret of an epoch, as partners hold it. The sample has epoch 1.
pub(crate) fn secret_file(epoch: u8) -> SecretFile {
    let scope = Scope { purpose: policy().purpose.clone(), epoch: epoch.into() };
    SecretFile { scope, secret: secret(epoch) }
}

fn secret(epoch: u8) -> Secret {
    Secret::from_bytes([0x70 + epoch; 32])
}

#[test]
fn the_sample_has_the_keys_it_says() {
    let policy = policy();
    for organisation in &policy.organisations {
        assert_eq!(organisation.policy_key, policy_key(organisation.slug.as_str()).verifying_key());
    }
    assert_eq!(policy.operator.verifying_key, operator_key().verifying_key());
    assert_eq!(policy.operator.checkpoint_key, checkpoint_key().verifying_key());
}

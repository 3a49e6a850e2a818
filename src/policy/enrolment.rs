//! Enrolment files: what an operator, an organisation, a partner or a coordinator hands over for a policy to be made
//! of, and a partner for its certificate. Public facts alone, and a check code that both sides read over the
//! telephone.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::certificate::PartnerKeys;
use super::error::PolicyError;
use super::files::read_text;
use super::model::{Oin, Operator, Organisation, Permissions, RosterEntry, Sees};
use super::text::not_visible;
use crate::digest::Digest;
use crate::hidden::is_hidden;
use crate::json::canonical;
use crate::label;
use crate::secret::{KeyId, VerifyingKey};
use crate::slug::Slug;

/// One enrolment: the facts of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Enrolment {
    /// Who runs the broker, as the policy's `[operator]` says it.
    Operator(Operator),
    /// An organisation, as in the policy's `[[organisation]]`, but without `first_epoch`.
    Organisation(Organisation),
    /// A partner, as in the policy's `[[partner]]`.
    Partner(RosterEntry),
    /// The secret of an epoch.
    Epoch(SecretOfEpoch),
    /// A partner's public keys in an epoch, for its organisation to certify.
    Keys(KeysOfPartner),
}

/// What is public of an epoch's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SecretOfEpoch {
    /// The purpose that it is bound to.
    pub purpose: Slug,
    /// The epoch's number.
    pub number: u32,
    /// The id of its key.
    pub key_id: KeyId,
}

/// The public keys of a partner in an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeysOfPartner {
    /// The consortium.
    pub consortium: Slug,
    /// The partner's number.
    pub partner: u16,
    /// The epoch.
    pub epoch: u32,
    /// The keys.
    pub keys: PartnerKeys,
}

impl Serialize for KeysOfPartner {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let KeysOfPartner { consortium, partner, epoch, keys } = self;
        let (message, seal) = (keys.message.to_string(), keys.seal.to_string());
        let members = serde_json::json!({
            "consortium": consortium, "partner": partner, "epoch": epoch, "message_key": message, "seal_key": seal,
        });
        members.serialize(to)
    }
}

/// Enrolments cannot be used: everything that is wrong with them at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.findings))]
pub struct EnrolmentError {
    /// What was found, each with what to do.
    pub findings: Vec<String>,
}

impl EnrolmentError {
    pub(super) fn one(finding: String) -> EnrolmentError {
        EnrolmentError { findings: vec![finding] }
    }

    /// What a policy's reader says of an enrolment, without that it is of a policy.
    pub(super) fn of(error: PolicyError) -> EnrolmentError {
        EnrolmentError::one(match error {
            PolicyError::PolicyText { place, finding } => format!("{place}: {finding}"),
            other => other.to_string(),
        })
    }

    /// What the reader says of a policy that was not written: without the line, on which nobody can look, and with the
    /// option of the command that each key is from.
    pub(super) fn of_unwritten(error: PolicyError, options: &[(&str, &str)]) -> EnrolmentError {
        let PolicyError::PolicyText { place, finding } = error else { return EnrolmentError::of(error) };
        let key = without_line(&place);
        let option = options.iter().find(|(of, _)| *of == key).map(|(_, option)| format!(" ({option})"));
        EnrolmentError::one(format!("{key}{}: {finding}", option.unwrap_or_default()))
    }
}

fn listed(findings: &[String]) -> String {
    match findings {
        [one] => one.clone(),
        several => several.iter().map(|finding| format!("\n- {finding}")).collect(),
    }
}

/// How many hexadecimal digits a check code has: 80 bits, which nobody finds a second file for.
const CODE_DIGITS: usize = 20;

impl Enrolment {
    /// The enrolment of an operator. `log_origin` ends in `/` and the consortium's name.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`] where a fact is not as a policy takes it, as in the others below.
    pub fn of_operator(
        name: &str,
        oin: Oin,
        keys: [VerifyingKey; 2],
        log_origin: &str,
        addresses: &[String],
    ) -> Result<Enrolment, EnrolmentError> {
        let [verifying_key, checkpoint_key] = keys;
        let mut addresses = addresses.to_vec();
        addresses.sort();
        Enrolment::Operator(Operator {
            name: name.to_owned(),
            oin,
            verifying_key,
            checkpoint_key,
            log_origin: log_origin.to_owned(),
            addresses,
        })
        .checked()
    }

    /// The enrolment of an organisation. Without `tls_oins` its partners connect with its own OIN.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`].
    pub fn of_organisation(
        slug: Slug,
        name: &str,
        oin: Oin,
        contact: &str,
        policy_key: VerifyingKey,
        tls_oins: &[Oin],
    ) -> Result<Enrolment, EnrolmentError> {
        let mut tls_oins = tls_oins.to_vec();
        if tls_oins.is_empty() {
            tls_oins.push(oin);
        }
        tls_oins.sort();
        Enrolment::Organisation(Organisation {
            slug,
            name: name.to_owned(),
            oin,
            contact: contact.to_owned(),
            policy_key,
            tls_oins,
            first_epoch: None,
        })
        .checked()
    }

    /// The enrolment of a partner, which flags where it has a legal basis to flag, and asks where it has one to ask.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`].
    pub fn of_partner(
        number: u16,
        name: &str,
        organisation: Slug,
        sees: Sees,
        legal_basis_flag: Option<&str>,
        legal_basis_ask: Option<&str>,
        legal_basis_coordinate: Option<&str>,
    ) -> Result<Enrolment, EnrolmentError> {
        Enrolment::Partner(RosterEntry {
            number,
            name: name.to_owned(),
            organisation,
            may: Permissions {
                flag: legal_basis_flag.is_some(),
                ask: legal_basis_ask.is_some(),
                coordinate: legal_basis_coordinate.is_some(),
                ..Permissions::default()
            },
            sees,
            sign_in: None,
            legal_basis_flag: legal_basis_flag.map(str::to_owned),
            legal_basis_ask: legal_basis_ask.map(str::to_owned),
            legal_basis_coordinate: legal_basis_coordinate.map(str::to_owned),
        })
        .checked()
    }

    /// The enrolment of an epoch's secret.
    pub fn of_epoch(purpose: Slug, number: u32, key_id: KeyId) -> Enrolment {
        Enrolment::Epoch(SecretOfEpoch { purpose, number, key_id })
    }

    /// The enrolment of a partner's keys.
    pub fn of_keys(consortium: Slug, partner: u16, epoch: u32, keys: PartnerKeys) -> Enrolment {
        Enrolment::Keys(KeysOfPartner { consortium, partner, epoch, keys })
    }

    /// As it comes out of its own file: what no policy would take is refused.
    fn checked(self) -> Result<Enrolment, EnrolmentError> {
        // The reader refuses them in the whole of a file, and does not say whose they are.
        for (key, text) in self.texts() {
            if let Some(hidden) = text.chars().find(|c| is_hidden(*c) && !c.is_ascii_control()) {
                return Err(EnrolmentError::one(format!("{key}: {}", not_visible(hidden))));
            }
        }
        // Texts lose their line breaks when they are read, and the check code is of what is read.
        let written = self.text_with("");
        let wrong = |error: EnrolmentError| EnrolmentError {
            findings: error.findings.iter().map(|finding| without_line(finding)).collect(),
        };
        Enrolment::parse_unchecked(&written).map_err(wrong)
    }

    /// Reads an enrolment file.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`], where it cannot be read or is none.
    pub fn read(path: &Path) -> Result<Enrolment, EnrolmentError> {
        Enrolment::parse(&read_text(path).map_err(EnrolmentError::of)?)
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        self.text_with(&self.check_code())
    }

    /// The check code: the beginning of the SHA-256 of what the file says, in groups of four digits.
    pub fn check_code(&self) -> String {
        let digits = Digest::of(&[label::ENROLMENT, canonical(self).as_bytes()]).to_string();
        let groups: Vec<_> = digits.as_bytes()[..CODE_DIGITS].chunks(4).map(String::from_utf8_lossy).collect();
        groups.join(" ")
    }

    /// What it is of, in a few words.
    pub fn what(&self) -> String {
        match self {
            Enrolment::Operator(one) => format!("operator {}", one.name),
            Enrolment::Organisation(one) => format!("organisation {}", one.slug),
            Enrolment::Partner(one) => format!("partner {} of {}", one.number, one.organisation),
            Enrolment::Epoch(one) => format!("epoch {}", one.number),
            Enrolment::Keys(one) => format!("keys of partner {} in epoch {}", one.partner, one.epoch),
        }
    }

    /// What people wrote, each under its key in the file.
    fn texts(&self) -> Vec<(&'static str, &str)> {
        match self {
            Enrolment::Operator(one) => {
                let addresses = one.addresses.iter().map(|address| ("operator.addresses", address.as_str()));
                let own = [("operator.name", one.name.as_str()), ("operator.log_origin", &one.log_origin)];
                own.into_iter().chain(addresses).collect()
            }
            Enrolment::Organisation(one) => {
                vec![("organisation.name", &one.name), ("organisation.contact", &one.contact)]
            }
            Enrolment::Partner(one) => {
                let flag = one.legal_basis_flag.as_deref().map(|text| ("partner.legal_basis_flag", text));
                let ask = one.legal_basis_ask.as_deref().map(|text| ("partner.legal_basis_ask", text));
                [("partner.name", one.name.as_str())].into_iter().chain(flag).chain(ask).collect()
            }
            Enrolment::Epoch(_) | Enrolment::Keys(_) => Vec::new(),
        }
    }

    fn text_with(&self, check: &str) -> String {
        let mut text = format!(
            "# Stapel: an enrolment. It has public facts alone. Whoever gets it asks for its check code by telephone,\n\
             # at a number that was known before.\n\
             format = 1\n\
             check = \"{check}\"\n\n"
        );
        let (header, body) = match self {
            Enrolment::Operator(one) => ("operator", operator_lines(one)),
            Enrolment::Organisation(one) => ("organisation", organisation_lines(one)),
            Enrolment::Partner(one) => ("partner", partner_lines(one)),
            Enrolment::Epoch(SecretOfEpoch { purpose, number, key_id }) => {
                ("epoch", format!("purpose = \"{purpose}\"\nnumber = {number}\nkey_id = \"{key_id}\"\n"))
            }
            Enrolment::Keys(KeysOfPartner { consortium, partner, epoch, keys }) => (
                "keys",
                format!(
                    "consortium = \"{consortium}\"\npartner = {partner}\nepoch = {epoch}\nmessage_key = \
                     \"{}\"\nseal_key = \"{}\"\n",
                    keys.message, keys.seal
                ),
            ),
        };
        let _ = write!(text, "[{header}]\n{body}");
        text
    }
}

/// A finding of a file that was never written, or the place of one, without the number of its line.
fn without_line(finding: &str) -> String {
    let place = finding.strip_prefix("line ").and_then(|rest| rest.split_once(", "));
    place.map_or(finding, |(_, rest)| rest).to_owned()
}

/// A text as TOML has it. A string in JSON is one in TOML too.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The lines of an operator's table.
pub(super) fn operator_lines(operator: &Operator) -> String {
    let Operator { name, oin, verifying_key, checkpoint_key, log_origin, addresses } = operator;
    let mut lines = format!(
        "name = {}\noin = \"{oin}\"\nverifying_key = \"{verifying_key}\"\ncheckpoint_key = \
         \"{checkpoint_key}\"\nlog_origin = {}\n",
        quoted(name),
        quoted(log_origin)
    );
    if !addresses.is_empty() {
        let _ = writeln!(lines, "addresses = {}", strings(addresses));
    }
    lines
}

/// The lines of an organisation's table.
pub(super) fn organisation_lines(organisation: &Organisation) -> String {
    let Organisation { slug, name, oin, contact, policy_key, tls_oins, first_epoch } = organisation;
    let mut lines = format!(
        "slug = \"{slug}\"\nname = {}\noin = \"{oin}\"\ncontact = {}\npolicy_key = \"{policy_key}\"\n",
        quoted(name),
        quoted(contact)
    );
    if *tls_oins != [*oin] {
        let _ = writeln!(lines, "tls_oins = {}", strings(&tls_oins.iter().map(Oin::to_string).collect::<Vec<_>>()));
    }
    if let Some(first) = first_epoch {
        let _ = writeln!(lines, "first_epoch = {first}");
    }
    lines
}

/// The lines of a partner's table.
pub(super) fn partner_lines(partner: &RosterEntry) -> String {
    let RosterEntry {
        number,
        name,
        organisation,
        may,
        sees,
        sign_in,
        legal_basis_flag,
        legal_basis_ask,
        legal_basis_coordinate,
    } = partner;
    let mut lines = format!(
        "number = {number}\nname = {}\norganisation = \"{organisation}\"\nmay = {}\nsees = \"{}\"\n",
        quoted(name),
        strings(&may.named(["flag", "ask", "sweep", "coordinate"])),
        sees.as_str()
    );
    if let Some(sign_in) = sign_in {
        let _ = writeln!(lines, "sign_in = \"{}\"", sign_in.as_str());
    }
    let bases = [
        ("legal_basis_flag", legal_basis_flag),
        ("legal_basis_ask", legal_basis_ask),
        ("legal_basis_coordinate", legal_basis_coordinate),
    ];
    for (key, basis) in bases {
        if let Some(basis) = basis {
            let _ = writeln!(lines, "{key} = {}", quoted(basis));
        }
    }
    lines
}

/// A list of texts.
pub(super) fn strings(texts: &[impl AsRef<str>]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_read_and_has_its_check_code() {
        let section = include_str!("../../SPEC.md").split_once("### 8.3 Enrolments").unwrap().1;
        let example = section.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0;
        let read = Enrolment::parse(example).unwrap();
        assert_eq!(read.what(), "epoch 1");
        assert_eq!(Enrolment::parse(&read.to_text()), Ok(read));
        let changed = Enrolment::parse(&example.replace("number = 1", "number = 2")).unwrap_err().to_string();
        assert!(changed.contains("check: it is not that of what the file says"), "{changed}");
    }
}

//! The text of an enrolment file, read as strictly as a policy's and by the same readers.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::super::enrolment::{Enrolment, EnrolmentError, KeysOfPartner, SecretOfEpoch};
use super::super::error::PolicyError;
use super::roster::Taken;
use super::shape::{RawBudgets, RawOperator, RawOrganisation, RawPartner, Table};
use super::values::PolicyFile;
use super::{MAX_TEXT, U32};
use crate::policy::PartnerKeys;
use crate::secret::{KeyId, SealKey};
use crate::slug::Slug;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnrolment {
    #[serde(rename = "format")]
    _format: i64,
    check: Spanned<String>,
    operator: Option<Table<RawOperator>>,
    organisation: Option<Table<RawOrganisation>>,
    partner: Option<Table<RawPartner>>,
    epoch: Option<Table<RawSecret>>,
    keys: Option<Table<RawKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSecret {
    purpose: Spanned<String>,
    number: Spanned<i64>,
    key_id: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeys {
    consortium: Spanned<String>,
    partner: Spanned<i64>,
    epoch: Spanned<i64>,
    message_key: Spanned<String>,
    seal_key: Spanned<String>,
}

impl Enrolment {
    /// Reads an enrolment file's text.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`], naming the line and the key; also where the file's check code is not that of what it says.
    pub fn parse(text: &str) -> Result<Enrolment, EnrolmentError> {
        read(text, true).map_err(EnrolmentError::of)
    }

    /// The same, whatever its check code.
    pub(in crate::policy) fn parse_unchecked(text: &str) -> Result<Enrolment, EnrolmentError> {
        read(text, false).map_err(EnrolmentError::of)
    }
}

fn read(text: &str, has_code: bool) -> Result<Enrolment, PolicyError> {
    let file = PolicyFile(text);
    if text.len() > MAX_TEXT {
        return Err(file.wrong(0, "its text", "it is too long to be an enrolment"));
    }
    file.refuse_hidden()?;
    file.format()?;
    file.refuse_toml_1_1()?;
    let raw: RawEnrolment = toml::from_str(text).map_err(|error| file.refused(&error))?;
    let check = raw.check.clone();
    let enrolment = file.enrolment(raw)?;
    if has_code && enrolment.check_code() != *check.get_ref() {
        let finding = "it is not that of what the file says: the file was changed or damaged; have it made anew";
        return Err(file.wrong(check.span().start, "check", finding));
    }
    Ok(enrolment)
}

impl PolicyFile<'_> {
    fn enrolment(&self, raw: RawEnrolment) -> Result<Enrolment, PolicyError> {
        match (raw.operator, raw.organisation, raw.partner, raw.epoch, raw.keys) {
            (Some(Table(raw)), None, None, None, None) => {
                // The consortium is the end of the log's name, and is compared with the policy's when there is one.
                let origin = raw.log_origin.get_ref();
                let end = origin.rsplit('/').next().unwrap_or_default();
                let consortium: Slug = end.parse().map_err(|_| {
                    let finding = "end it in the consortium's name: stapel.example.nl/zaanstad";
                    self.wrong(raw.log_origin.span().start, "operator.log_origin", finding)
                })?;
                Ok(Enrolment::Operator(self.operator(&raw, &consortium)?))
            }
            (None, Some(Table(raw)), None, None, None) => {
                if let Some(first) = &raw.first_epoch {
                    let finding = "the policy says it, and no enrolment: take it out";
                    return Err(self.wrong(first.span().start, "organisation.first_epoch", finding));
                }
                Ok(Enrolment::Organisation(self.organisation(&raw, &mut Taken::default())?))
            }
            (None, None, Some(Table(raw)), None, None) => {
                let mut taken = Taken::default();
                taken.slugs = BTreeSet::from([self.read("partner.organisation", &raw.organisation)?]);
                let budgets = self.budgets(&RawBudgets::default())?;
                Ok(Enrolment::Partner(self.partner(&raw, &budgets, &mut taken)?))
            }
            (None, None, None, Some(Table(raw)), None) => Ok(Enrolment::Epoch(SecretOfEpoch {
                purpose: self.read("epoch.purpose", &raw.purpose)?,
                number: self.number("epoch.number", &raw.number, 0..=i64::from(u32::MAX))?,
                key_id: KeyId::from_hex(raw.key_id.get_ref()).ok_or_else(|| {
                    self.wrong(raw.key_id.span().start, "epoch.key_id", "use 32 lower-case hexadecimal digits")
                })?,
            })),
            (None, None, None, None, Some(Table(raw))) => Ok(Enrolment::Keys(KeysOfPartner {
                consortium: self.read("keys.consortium", &raw.consortium)?,
                partner: self.number("keys.partner", &raw.partner, 1..=i64::from(u16::MAX))?,
                epoch: self.number("keys.epoch", &raw.epoch, 0..=*U32.end())?,
                keys: PartnerKeys {
                    message: self.key("keys.message_key", &raw.message_key)?,
                    seal: SealKey::from_hex(raw.seal_key.get_ref()).ok_or_else(|| {
                        self.wrong(raw.seal_key.span().start, "keys.seal_key", "use 64 lower-case hexadecimal digits")
                    })?,
                },
            })),
            _ => {
                let finding =
                    "it has one table, and that alone: [operator], [organisation], [partner], [epoch] or [keys]";
                Err(self.wrong(0, "as a whole", finding))
            }
        }
    }
}

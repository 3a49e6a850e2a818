//! The roster of a policy's text: every partner, and that none is there twice under any name.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::super::error::PolicyError;
use super::super::model::{Budgets, Oin, OldKey, Permissions, RosterEntry, Sees};
use super::shape::{RawPartner, Table};
use super::values::{NAME, PROSE, PolicyFile, shown};
use crate::secret::VerifyingKey;
use crate::slug::Slug;

/// The most partners of one policy.
pub(super) const MAX_PARTNERS: usize = 10_000;

/// What the partners read so far have, so that the next one cannot have it too.
#[derive(Default)]
struct Taken {
    numbers: BTreeSet<u16>,
    /// Every key, with the number of the partner whose key it is.
    keys: BTreeMap<VerifyingKey, u16>,
    oin_of: BTreeMap<Slug, Oin>,
    organisation_of: BTreeMap<Oin, Slug>,
}

impl PolicyFile<'_> {
    pub(super) fn partners(
        &self,
        raw: &[Table<RawPartner>],
        budgets: &Budgets,
    ) -> Result<Vec<RosterEntry>, PolicyError> {
        if raw.is_empty() || raw.len() > MAX_PARTNERS {
            let finding = format!("there are {}; list at least one, and at most {MAX_PARTNERS}", raw.len());
            return Err(self.wrong(0, "partner", finding));
        }
        let mut taken = Taken::default();
        let partners = raw.iter().map(|Table(raw)| self.partner(raw, budgets, &mut taken));
        let mut partners = partners.collect::<Result<Vec<_>, _>>()?;
        partners.sort_unstable_by_key(|partner| partner.number);
        Ok(partners)
    }

    fn partner(&self, raw: &RawPartner, budgets: &Budgets, taken: &mut Taken) -> Result<RosterEntry, PolicyError> {
        let number = self.number("partner.number", &raw.number, 1..=i64::from(u16::MAX))?;
        if !taken.numbers.insert(number) {
            return Err(self.twice(raw.number.span().start, "partner.number", &number.to_string()));
        }
        let (oin, organisation) = self.organisation(raw, taken)?;
        let may = self.may(raw, budgets)?;
        Ok(RosterEntry {
            number,
            name: self.text("partner.name", &raw.name, NAME)?,
            oin,
            organisation,
            verifying_key: self.roster_key("partner.verifying_key", &raw.verifying_key, number, taken)?,
            old_key: match &raw.old_key {
                None => None,
                Some(Table(old)) => Some(OldKey {
                    verifying_key: self.roster_key(
                        "partner.old_key.verifying_key",
                        &old.verifying_key,
                        number,
                        taken,
                    )?,
                    until: self.day("partner.old_key.until", &old.until)?,
                }),
            },
            may,
            sees: self.sees(&raw.sees)?,
            legal_basis_flag: self.basis("legal_basis_flag", &raw.legal_basis_flag, ("flag", may.flag), raw)?,
            legal_basis_ask: self.basis("legal_basis_ask", &raw.legal_basis_ask, ("ask", may.ask), raw)?,
        })
    }

    /// One organisation has one OIN, and one OIN belongs to one organisation. Otherwise somebody could count twice.
    fn organisation(&self, raw: &RawPartner, taken: &mut Taken) -> Result<(Oin, Slug), PolicyError> {
        let oin: Oin = self.read("partner.oin", &raw.oin)?;
        let organisation: Slug = self.read("partner.organisation", &raw.organisation)?;
        let known = *taken.oin_of.entry(organisation.clone()).or_insert(oin);
        if known != oin {
            let finding = format!("another partner of '{organisation}' has OIN {known}; one organisation has one OIN");
            return Err(self.wrong(raw.oin.span().start, "partner.oin", finding));
        }
        let known = taken.organisation_of.entry(oin).or_insert_with(|| organisation.clone());
        if *known != organisation {
            let finding = format!("OIN {oin} is that of '{known}'; whoever has one OIN counts as one organisation");
            return Err(self.wrong(raw.organisation.span().start, "partner.organisation", finding));
        }
        Ok((oin, organisation))
    }

    fn roster_key(
        &self,
        key: &str,
        raw: &Spanned<String>,
        number: u16,
        taken: &mut Taken,
    ) -> Result<VerifyingKey, PolicyError> {
        let found = self.key(key, raw)?;
        match taken.keys.insert(found, number) {
            None => Ok(found),
            Some(other) => {
                let finding = format!("partner {other} has the same key; every partner has keys of its own");
                Err(self.wrong(raw.span().start, key, finding))
            }
        }
    }

    fn may(&self, raw: &RawPartner, budgets: &Budgets) -> Result<Permissions, PolicyError> {
        let words = self.words("partner.may", raw.may.get_ref(), &["flag", "ask", "sweep"])?;
        let has = |word| words.contains(word);
        if words.is_empty() || has("sweep") && !has("ask") {
            let finding =
                "name at least one of \"flag\" and \"ask\"; \"sweep\" is a way of asking and stands beside it";
            return Err(self.wrong(raw.may.span().start, "partner.may", finding));
        }
        if has("sweep") && (budgets.swept_a_day == 0 || budgets.sweep_reasons.is_empty()) {
            let finding = format!(
                "partner {} may sweep, but there is no budget or no reason for it; set budgets.swept_a_day and \
                 budgets.sweep_reasons, or take \"sweep\" away",
                raw.number.get_ref()
            );
            return Err(self.wrong(raw.may.span().start, "partner.may", finding));
        }
        Ok(Permissions { flag: has("flag"), ask: has("ask"), sweep: has("sweep") })
    }

    fn sees(&self, raw: &Option<Spanned<String>>) -> Result<Sees, PolicyError> {
        let Some(raw) = raw else { return Ok(Sees::default()) };
        Sees::named(raw.get_ref()).ok_or_else(|| {
            let finding = format!("{} is none of \"presence\", \"band\" and \"count\"", shown(raw.get_ref()));
            self.wrong(raw.span().start, "partner.sees", finding)
        })
    }

    fn basis(
        &self,
        key: &str,
        raw: &Option<Spanned<String>>,
        (what, may): (&str, bool),
        partner: &RawPartner,
    ) -> Result<Option<String>, PolicyError> {
        let path = format!("partner.{key}");
        match raw {
            Some(raw) if may => self.text(&path, raw, PROSE).map(Some),
            Some(raw) => {
                let finding = format!("\"{what}\" is not among what the partner may; take one away or add the other");
                Err(self.wrong(raw.span().start, &path, finding))
            }
            None if may => {
                let finding =
                    format!("it is missing; \"{what}\" needs the partner's own legal basis (grondslag) for it");
                Err(self.wrong(partner.may.span().start, &path, finding))
            }
            None => Ok(None),
        }
    }
}

//! The roster of a policy's text: every organisation and partner, and that none is there twice under any name.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::super::error::PolicyError;
use super::super::model::{Because, Budgets, Oin, Organisation, Permissions, RosterEntry, Sees, SignIn, Unsigned};
use super::shape::{RawOrganisation, RawPartner, RawPolicy, RawUnsigned, Table};
use super::values::{NAME, PROSE, PolicyFile, shown};
use crate::secret::VerifyingKey;
use crate::slug::Slug;

/// The most partners of one policy.
pub(super) const MAX_PARTNERS: usize = 10_000;

/// The most OINs in the TLS certificates of one organisation.
const MAX_TLS_OINS: usize = 100;

/// What was read so far, so that what comes next cannot have it too.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) slugs: BTreeSet<Slug>,
    organisation_of: BTreeMap<Oin, Slug>,
    numbers: BTreeSet<u16>,
    /// Every policy key, with the organisation whose key it is.
    keys: BTreeMap<VerifyingKey, Slug>,
}

impl PolicyFile<'_> {
    pub(super) fn roster(
        &self,
        raw: &RawPolicy,
        budgets: &Budgets,
    ) -> Result<(Vec<Organisation>, Vec<RosterEntry>), PolicyError> {
        for (key, count) in [("organisation", raw.organisations.len()), ("partner", raw.partners.len())] {
            if count == 0 || count > MAX_PARTNERS {
                let finding = format!("there are {count}; list at least one, and at most {MAX_PARTNERS}");
                return Err(self.wrong(0, key, finding));
            }
        }
        let mut taken = Taken::default();
        let organisations = raw.organisations.iter().map(|Table(raw)| self.organisation(raw, &mut taken));
        let mut organisations = organisations.collect::<Result<Vec<_>, _>>()?;
        let partners = raw.partners.iter().map(|Table(raw)| self.partner(raw, budgets, &mut taken));
        let mut partners = partners.collect::<Result<Vec<_>, _>>()?;
        let with_partner: BTreeSet<_> = partners.iter().map(|partner| &partner.organisation).collect();
        for (Table(raw), organisation) in raw.organisations.iter().zip(&organisations) {
            if !with_partner.contains(&organisation.slug) {
                let finding = format!("no partner is of '{}'; add one, or take it away", organisation.slug);
                return Err(self.wrong(raw.slug.span().start, "organisation.slug", finding));
            }
        }
        self.refuse_coordinators(raw, &partners)?;
        organisations.sort_unstable_by(|one, other| one.slug.cmp(&other.slug));
        partners.sort_unstable_by_key(|partner| partner.number);
        Ok((organisations, partners))
    }

    /// At most one partner coordinates, and its organisation has no other.
    fn refuse_coordinators(&self, raw: &RawPolicy, partners: &[RosterEntry]) -> Result<(), PolicyError> {
        let mut coordinators = raw.partners.iter().zip(partners).filter(|(_, partner)| partner.may.coordinate);
        let Some((Table(first), coordinator)) = coordinators.next() else { return Ok(()) };
        if let Some((Table(second), _)) = coordinators.next() {
            let finding = "there are two that coordinate; there is one, so that all know who it is";
            return Err(self.wrong(second.may.span().start, "partner.may", finding));
        }
        if partners.iter().filter(|partner| partner.organisation == coordinator.organisation).count() > 1 {
            let finding = format!(
                "'{}' has another partner besides; whoever coordinates is an organisation of its own",
                coordinator.organisation
            );
            return Err(self.wrong(first.may.span().start, "partner.may", finding));
        }
        Ok(())
    }

    pub(super) fn unsigned(
        &self,
        raw: &Option<Table<RawUnsigned>>,
        version: u32,
    ) -> Result<Option<Unsigned>, PolicyError> {
        let Some(Table(raw)) = raw else { return Ok(None) };
        let because = Because::named(raw.because.get_ref()).ok_or_else(|| {
            let finding = format!("{} is neither \"leaves\" nor \"lost-key\"", shown(raw.because.get_ref()));
            self.wrong(raw.because.span().start, "unsigned.because", finding)
        })?;
        if raw.announced.is_some() != (because == Because::LostKey) {
            let finding = "it is the day on which one that lost its key was told, and stands with \"lost-key\" alone";
            return Err(self.wrong(raw.because.span().start, "unsigned.announced", finding));
        }
        Ok(Some(Unsigned {
            organisation: self.read("unsigned.organisation", &raw.organisation)?,
            because,
            // All of a first version's organisations sign it.
            version: self.number("unsigned.version", &raw.version, 2..=i64::from(version))?,
            epoch: self.number("unsigned.epoch", &raw.epoch, 0..=i64::from(u32::MAX))?,
            announced: raw.announced.as_ref().map(|raw| self.day("unsigned.announced", raw)).transpose()?,
        }))
    }

    pub(super) fn organisation(&self, raw: &RawOrganisation, taken: &mut Taken) -> Result<Organisation, PolicyError> {
        let slug: Slug = self.read("organisation.slug", &raw.slug)?;
        if !taken.slugs.insert(slug.clone()) {
            return Err(self.twice(raw.slug.span().start, "organisation.slug", slug.as_str()));
        }
        let oin: Oin = self.read("organisation.oin", &raw.oin)?;
        if let Some(other) = taken.organisation_of.insert(oin, slug.clone()) {
            let finding = format!("OIN {oin} is that of '{other}'; whoever has one OIN counts as one organisation");
            return Err(self.wrong(raw.oin.span().start, "organisation.oin", finding));
        }
        let first_epoch = raw.first_epoch.as_ref();
        Ok(Organisation {
            name: self.text("organisation.name", &raw.name, NAME)?,
            oin,
            contact: self.text("organisation.contact", &raw.contact, PROSE)?,
            policy_key: self.policy_key(&raw.policy_key, &slug, taken)?,
            tls_oins: self.tls_oins(&raw.tls_oins, oin)?,
            first_epoch: first_epoch
                .map(|raw| self.number("organisation.first_epoch", raw, 0..=i64::from(u32::MAX)))
                .transpose()?,
            slug,
        })
    }

    pub(super) fn partner(
        &self,
        raw: &RawPartner,
        budgets: &Budgets,
        taken: &mut Taken,
    ) -> Result<RosterEntry, PolicyError> {
        let number = self.number("partner.number", &raw.number, 1..=i64::from(u16::MAX))?;
        if !taken.numbers.insert(number) {
            return Err(self.twice(raw.number.span().start, "partner.number", &number.to_string()));
        }
        let organisation: Slug = self.read("partner.organisation", &raw.organisation)?;
        if !taken.slugs.contains(&organisation) {
            let finding =
                format!("there is no [[organisation]] with the slug '{organisation}'; add it, or correct this");
            return Err(self.wrong(raw.organisation.span().start, "partner.organisation", finding));
        }
        let may = self.may(raw, budgets)?;
        Ok(RosterEntry {
            number,
            name: self.text("partner.name", &raw.name, NAME)?,
            organisation,
            may,
            sees: self.sees(&raw.sees)?,
            sign_in: self.sign_in(&raw.sign_in)?,
            legal_basis_flag: self.basis("legal_basis_flag", &raw.legal_basis_flag, ("flag", may.flag), raw)?,
            legal_basis_ask: self.basis("legal_basis_ask", &raw.legal_basis_ask, ("ask", may.ask), raw)?,
            legal_basis_coordinate: self.basis(
                "legal_basis_coordinate",
                &raw.legal_basis_coordinate,
                ("coordinate", may.coordinate),
                raw,
            )?,
        })
    }

    fn tls_oins(&self, raw: &Option<Spanned<Vec<Spanned<String>>>>, own: Oin) -> Result<Vec<Oin>, PolicyError> {
        const KEY: &str = "organisation.tls_oins";
        let Some(raw) = raw else { return Ok(vec![own]) };
        let mut oins = BTreeSet::new();
        for one in raw.get_ref() {
            if !oins.insert(self.read(KEY, one)?) {
                return Err(self.twice(one.span().start, KEY, one.get_ref()));
            }
        }
        if oins.is_empty() || oins.len() > MAX_TLS_OINS {
            let finding = format!(
                "there are {}; list at least one, and at most {MAX_TLS_OINS}, or leave it out for the organisation's \
                 own",
                oins.len()
            );
            return Err(self.wrong(raw.span().start, KEY, finding));
        }
        Ok(oins.into_iter().collect())
    }

    fn policy_key(&self, raw: &Spanned<String>, whose: &Slug, taken: &mut Taken) -> Result<VerifyingKey, PolicyError> {
        let found = self.key("organisation.policy_key", raw)?;
        match taken.keys.insert(found, whose.clone()) {
            None => Ok(found),
            Some(other) => {
                let finding = format!("'{other}' has the same key; a key has one owner");
                Err(self.wrong(raw.span().start, "organisation.policy_key", finding))
            }
        }
    }

    fn may(&self, raw: &RawPartner, budgets: &Budgets) -> Result<Permissions, PolicyError> {
        let words = self.words("partner.may", raw.may.get_ref(), &["flag", "ask", "sweep", "coordinate"])?;
        let has = |word| words.contains(word);
        if has("coordinate") && words.len() > 1 {
            let finding = "whoever coordinates neither flags nor asks; take \"coordinate\" or the others away";
            return Err(self.wrong(raw.may.span().start, "partner.may", finding));
        }
        if words.is_empty() || has("sweep") && !has("ask") {
            let finding = "name at least one of \"flag\" and \"ask\", or \"coordinate\" alone; \"sweep\" is a way of \
                           asking and stands beside it";
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
        Ok(Permissions { flag: has("flag"), ask: has("ask"), sweep: has("sweep"), coordinate: has("coordinate") })
    }

    fn sees(&self, raw: &Option<Spanned<String>>) -> Result<Sees, PolicyError> {
        let Some(raw) = raw else { return Ok(Sees::default()) };
        Sees::named(raw.get_ref()).ok_or_else(|| {
            let finding = format!("{} is none of \"presence\", \"band\" and \"count\"", shown(raw.get_ref()));
            self.wrong(raw.span().start, "partner.sees", finding)
        })
    }

    fn sign_in(&self, raw: &Option<Spanned<String>>) -> Result<Option<SignIn>, PolicyError> {
        let Some(raw) = raw else { return Ok(None) };
        let found = SignIn::named(raw.get_ref());
        let finding = || format!("{} is not \"one-user\"; leave it out where a provider is used", shown(raw.get_ref()));
        found.map(Some).ok_or_else(|| self.wrong(raw.span().start, "partner.sign_in", finding()))
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

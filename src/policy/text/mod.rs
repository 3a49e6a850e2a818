//! A policy's TOML text to a [`Policy`]. SPEC.md has every key, its default and its bounds.

mod contact;
mod enrolment;
mod meet;
mod roster;
mod shape;
mod toml_1_0;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use toml::Spanned;

use roster::MAX_PARTNERS;
use shape::{
    RawBudgets, RawChanges, RawCounting, RawEpoch, RawFormat, RawMessages, RawOperator, RawOverride, RawPolicy,
    RawRelease, RawRetention, Table,
};
pub(super) use values::not_visible;
use values::{NAME, PROSE, PolicyFile, is_broker_address, shown};

use super::check;
use super::error::PolicyError;
use super::model::{
    Answers, Budgets, ChangeRules, Counting, Epoch, LegalAct, MessageRules, Operator, Override, Policy, RegisterUse,
    ReleaseRules, Retention, Rules,
};
use crate::address::Level;
use crate::digest::Digest;
use crate::secret::KeyId;
use crate::slug::Slug;

/// The longest text of a policy, in bytes: 4 MiB.
pub const MAX_TEXT: usize = 4 << 20;

const MAX_EPOCHS: usize = 1_000;
const MAX_REASONS: usize = 100;
const MAX_VOIDS: usize = 100;
const MAX_ADDRESSES: usize = 8;

const U32: RangeInclusive<i64> = 1..=u32::MAX as i64;

impl Policy {
    /// Reads a policy's text.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicyText`], naming the line and the key, what was found, and what to write instead.
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        if text.len() > MAX_TEXT {
            let finding = format!("it has {} bytes, and at most {MAX_TEXT} are read", text.len());
            return Err(PolicyError::PolicyText { place: "as a whole".into(), finding });
        }
        let file = PolicyFile(text);
        file.refuse_hidden()?;
        file.format()?;
        file.refuse_toml_1_1()?;
        let raw: RawPolicy = toml::from_str(text).map_err(|error| file.refused(&error))?;
        file.policy(raw)
    }
}

impl PolicyFile<'_> {
    /// Checks the format's number before all else. Otherwise a file of a later format would be refused for keys that
    /// this version does not know.
    fn format(&self) -> Result<(), PolicyError> {
        let head: RawFormat = toml::from_str(self.0).map_err(|error| self.refused(&error))?;
        match head.format {
            None => Err(self.wrong(0, "format", "it is missing; begin the file with: format = 1")),
            Some(format) if *format.get_ref() == 1 => Ok(()),
            Some(format) => {
                let finding = format!("{} is not a format that this version reads; it reads 1", format.get_ref());
                Err(self.wrong(format.span().start, "format", finding))
            }
        }
    }

    fn policy(&self, raw: RawPolicy) -> Result<Policy, PolicyError> {
        let version = self.number("version", &raw.version, U32)?;
        let previous = raw.previous.as_ref().map(|raw| self.read("previous", raw)).transpose()?;
        if (version == 1) != previous.is_none() {
            let finding = "the first version names none, and every later one the digest of the version before it";
            return Err(self.wrong(raw.version.span().start, "previous", finding));
        }
        let consortium = self.consortium(&raw.consortium)?;
        let operator = self.operator(&raw.operator.0, &consortium)?;
        let budgets = self.budgets(&raw.budgets.0)?;
        let (organisations, partners) = self.roster(&raw, &budgets)?;
        if let Some(raw) = raw.organisations.iter().find_map(|Table(raw)| raw.first_epoch.as_ref())
            && version == 1
        {
            let finding = "nobody joins with the first version; leave it out, and all count in every epoch";
            return Err(self.wrong(raw.span().start, "organisation.first_epoch", finding));
        }
        let all = u16::try_from(organisations.len()).unwrap_or(u16::MAX);
        let mut policy = Policy(Rules {
            consortium,
            version,
            previous,
            voids: self.voids(&raw.voids)?,
            valid_from: self.day("valid_from", &raw.valid_from)?,
            test: raw.test,
            purpose: self.read("purpose", &raw.purpose)?,
            legal_basis: self.text("legal_basis", &raw.legal_basis, PROSE)?,
            legal_act: raw.legal_act.as_ref().map(|raw| self.legal_act(raw)).transpose()?,
            flag_criterion: self.text("flag_criterion", &raw.flag_criterion, PROSE)?,
            after_hit: self.text("after_hit", &raw.after_hit, PROSE)?,
            coordinator: self.text("coordinator", &raw.coordinator, PROSE)?,
            contact_point: raw.contact_point.as_ref().map(|Table(raw)| self.contact_point(raw)).transpose()?,
            operator,
            counting: self.counting(&raw.counting.0)?,
            release: self.release(&raw.release.0)?,
            retention: self.retention(&raw.retention.0)?,
            budgets,
            freshness_days: self.or("freshness_days", &raw.freshness_days, 1..=366, 35)?,
            max_shrink_percent: self.or("max_shrink_percent", &raw.max_shrink_percent, 0..=100, 20)?,
            meet: raw.meet.as_ref().map(|Table(meet)| self.meet(meet, &raw, &organisations)).transpose()?,
            messages: self.messages(&raw.messages.0)?,
            changes: self.changes(&raw.changes.0, all)?,
            overrides: self.overrides(&raw.overrides)?,
            unsigned: self.unsigned(&raw.unsigned, version)?,
            organisations,
            epochs: self.epochs(&raw.epochs, version)?,
            partners,
        });
        // These defaults follow from who may flag, and in which epoch.
        if raw.counting.0.count_cap.is_none() {
            // One less than may flag, so that "all of them" never shows.
            let cap = policy.fewest_flagging(0).saturating_sub(1);
            policy.0.counting.count_cap = cap.clamp(policy.counting.threshold.into(), 250) as u8;
        }
        if raw.release.0.min_changed.is_none() {
            policy.0.release.min_changed = check::fewest_changed(policy.flagging_organisations()) as u16;
        }
        Ok(policy)
    }

    fn voids(&self, raw: &Option<Spanned<Vec<Spanned<String>>>>) -> Result<Vec<Digest>, PolicyError> {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        let (at, raw) = (raw.span().start, raw.get_ref());
        if raw.is_empty() || raw.len() > MAX_VOIDS {
            let finding = format!("name 1 to {MAX_VOIDS} digests of other versions, or leave it out");
            return Err(self.wrong(at, "voids", finding));
        }
        let mut voids = BTreeSet::new();
        for digest in raw {
            if !voids.insert(self.read::<Digest>("voids", digest)?) {
                return Err(self.twice(digest.span().start, "voids", digest.get_ref()));
            }
        }
        Ok(voids.into_iter().collect())
    }

    fn legal_act(&self, raw: &Spanned<String>) -> Result<LegalAct, PolicyError> {
        LegalAct::named(raw.get_ref()).ok_or_else(|| {
            let finding =
                format!("{} is not an act whose bounds are known: \"wgs\", or leave it out", shown(raw.get_ref()));
            self.wrong(raw.span().start, "legal_act", finding)
        })
    }

    fn consortium(&self, raw: &Spanned<String>) -> Result<Slug, PolicyError> {
        let consortium: Slug = self.read("consortium", raw)?;
        // After a restore the log's name ends in "/" and a number, and no other log's may.
        if consortium.as_str().bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.wrong(raw.span().start, "consortium", "it is a number alone; give it a name"));
        }
        Ok(consortium)
    }

    fn operator(&self, raw: &RawOperator, consortium: &Slug) -> Result<Operator, PolicyError> {
        let operator = Operator {
            name: self.text("operator.name", &raw.name, NAME)?,
            oin: self.read("operator.oin", &raw.oin)?,
            verifying_key: self.key("operator.verifying_key", &raw.verifying_key)?,
            checkpoint_key: self.key("operator.checkpoint_key", &raw.checkpoint_key)?,
            log_origin: self.text("operator.log_origin", &raw.log_origin, NAME)?,
            addresses: self.addresses(&raw.addresses)?,
        };
        if operator.verifying_key == operator.checkpoint_key {
            let finding = "it is the operator's other key; make a key of its own for the log's checkpoints";
            return Err(self.wrong(raw.checkpoint_key.span().start, "operator.checkpoint_key", finding));
        }
        // The origin is the name of the key in a signed note, where C2SP allows neither spaces nor '+'.
        if !operator.log_origin.bytes().all(|b| b.is_ascii_graphic() && b != b'+') {
            let finding = "use a name like stapel.example.nl/zaanstad: visible ASCII, no spaces, no '+'";
            return Err(self.wrong(raw.log_origin.span().start, "operator.log_origin", finding));
        }
        // Two logs of one name and key would look like one log that was signed with two contents.
        if !operator.log_origin.ends_with(&format!("/{consortium}")) {
            let finding = format!("end it in the consortium's name: stapel.example.nl/{consortium}");
            return Err(self.wrong(raw.log_origin.span().start, "operator.log_origin", finding));
        }
        Ok(operator)
    }

    fn addresses(&self, raw: &Option<Spanned<Vec<Spanned<String>>>>) -> Result<Vec<String>, PolicyError> {
        const KEY: &str = "operator.addresses";
        let Some(raw) = raw else { return Ok(Vec::new()) };
        let mut addresses = BTreeSet::new();
        for one in raw.get_ref() {
            if !is_broker_address(one.get_ref()) {
                let finding = format!(
                    "{} is no address of a broker; write it as https://stapel.example.nl or \
                     https://stapel.example.nl:8443/path: lower case, no '/' at the end",
                    shown(one.get_ref())
                );
                return Err(self.wrong(one.span().start, KEY, finding));
            }
            if !addresses.insert(one.get_ref().clone()) {
                return Err(self.twice(one.span().start, KEY, one.get_ref()));
            }
        }
        if addresses.len() > MAX_ADDRESSES {
            let finding = format!("there are {}, and at most {MAX_ADDRESSES} are read", addresses.len());
            return Err(self.wrong(raw.span().start, KEY, finding));
        }
        Ok(addresses.into_iter().collect())
    }

    fn counting(&self, raw: &RawCounting) -> Result<Counting, PolicyError> {
        let threshold: u8 = self.or("counting.threshold", &raw.threshold, 1..=250, 2)?;
        let min_sources = u16::from(threshold).max(3);
        let levels = match &raw.levels {
            None => vec![Level::Unit],
            Some(words) => {
                let words = self.words("counting.levels", words.get_ref(), &["unit", "number"])?;
                Level::ALL.into_iter().filter(|level| words.contains(level.as_str())).collect()
            }
        };
        if let Some(raw) = &raw.levels
            && levels.first() != Some(&Level::Unit)
        {
            let finding = "\"unit\" is not among them; write levels = [\"unit\"] or levels = [\"unit\", \"number\"]";
            return Err(self.wrong(raw.span().start, "counting.levels", finding));
        }
        Ok(Counting {
            threshold,
            min_sources: self.or("counting.min_sources", &raw.min_sources, 1..=MAX_PARTNERS as i64, min_sources)?,
            count_cap: self.or("counting.count_cap", &raw.count_cap, i64::from(threshold)..=250, threshold)?,
            levels,
            own_flag_required: raw.own_flag_required.unwrap_or(true),
            register: self.register(&raw.register)?,
            answers: raw.answers.as_ref().map(|raw| self.answers(raw)).transpose()?,
        })
    }

    fn answers(&self, raw: &Spanned<String>) -> Result<Answers, PolicyError> {
        Answers::named(raw.get_ref()).ok_or_else(|| {
            let finding = format!("{} is not \"totals\"; leave it out for standings", shown(raw.get_ref()));
            self.wrong(raw.span().start, "counting.answers", finding)
        })
    }

    fn register(&self, raw: &Option<Spanned<String>>) -> Result<RegisterUse, PolicyError> {
        let Some(raw) = raw else { return Ok(RegisterUse::default()) };
        RegisterUse::named(raw.get_ref()).ok_or_else(|| {
            let finding = format!("{} is neither \"required\" nor \"optional\"", shown(raw.get_ref()));
            self.wrong(raw.span().start, "counting.register", finding)
        })
    }

    fn release(&self, raw: &RawRelease) -> Result<ReleaseRules, PolicyError> {
        Ok(ReleaseRules {
            interval_hours: self.or("release.interval_hours", &raw.interval_hours, 1..=720, 24)?,
            min_changed: self.or("release.min_changed", &raw.min_changed, 1..=MAX_PARTNERS as i64, 1)?,
            max_wait_days: self.or("release.max_wait_days", &raw.max_wait_days, 1..=14, 7)?,
            immediate: raw.immediate,
        })
    }

    fn retention(&self, raw: &RawRetention) -> Result<Retention, PolicyError> {
        Ok(Retention {
            max_days: self.or("retention.max_days", &raw.max_days, 1..=3_660, 180)?,
            max_renewals: self.or("retention.max_renewals", &raw.max_renewals, 0..=99, 1)?,
            log_days: self.or("retention.log_days", &raw.log_days, 1..=36_600, 365)?,
        })
    }

    fn messages(&self, raw: &RawMessages) -> Result<MessageRules, PolicyError> {
        Ok(MessageRules {
            max_delay_hours: self.or("messages.max_delay_hours", &raw.max_delay_hours, 1..=720, 24)?,
            max_ahead_minutes: self.or("messages.max_ahead_minutes", &raw.max_ahead_minutes, 0..=1_440, 10)?,
        })
    }

    fn changes(&self, raw: &RawChanges, organisations: u16) -> Result<ChangeRules, PolicyError> {
        let all = i64::from(organisations);
        Ok(ChangeRules {
            signatures: self.or("changes.signatures", &raw.signatures, 1..=all, organisations)?,
            grace_days: self.or("changes.grace_days", &raw.grace_days, 0..=366, 14)?,
            new_epoch_within_days: self.or("changes.new_epoch_within_days", &raw.new_epoch_within_days, 1..=366, 30)?,
        })
    }

    fn budgets(&self, raw: &RawBudgets) -> Result<Budgets, PolicyError> {
        if let Some(last) = raw.sweep_reasons.get(MAX_REASONS) {
            let finding = format!("at most {MAX_REASONS} reasons are read; take some away");
            return Err(self.wrong(last.span().start, "budgets.sweep_reasons", finding));
        }
        let mut reasons = BTreeSet::new();
        for reason in &raw.sweep_reasons {
            if !reasons.insert(self.read::<Slug>("budgets.sweep_reasons", reason)?) {
                return Err(self.twice(reason.span().start, "budgets.sweep_reasons", reason.get_ref()));
            }
        }
        Ok(Budgets {
            new_flags_a_day: self.or("budgets.new_flags_a_day", &raw.new_flags_a_day, U32, 1_000)?,
            first_set_flags: self.or(
                "budgets.first_set_flags",
                &raw.first_set_flags,
                0..=i64::from(u32::MAX),
                5_000,
            )?,
            flags_held: self.or("budgets.flags_held", &raw.flags_held, U32, 100_000)?,
            asked_a_day: self.or("budgets.asked_a_day", &raw.asked_a_day, U32, 10_000)?,
            asked_an_epoch: self.or("budgets.asked_an_epoch", &raw.asked_an_epoch, U32, 1_000_000)?,
            swept_a_day: self.or("budgets.swept_a_day", &raw.swept_a_day, 0..=i64::from(u32::MAX), 0)?,
            status_a_day: self.or("budgets.status_a_day", &raw.status_a_day, U32, 100)?,
            sweep_reasons: reasons.into_iter().collect(),
        })
    }

    fn overrides(&self, raw: &[Table<RawOverride>]) -> Result<Vec<Override>, PolicyError> {
        let mut overrides = BTreeMap::new();
        for Table(raw) in raw {
            let (rule, at) = (raw.rule.get_ref(), raw.rule.span().start);
            if check::NEVER_OVERRIDDEN.contains(&rule.as_str()) {
                let finding = format!("the rule '{rule}' can never be overridden; mend what it refuses");
                return Err(self.wrong(at, "override.rule", finding));
            }
            if !check::OVERRIDABLE.contains(&rule.as_str()) {
                let finding =
                    format!("{} is not a rule that can be overridden: {}", shown(rule), check::OVERRIDABLE.join(", "));
                return Err(self.wrong(at, "override.rule", finding));
            }
            let reason = self.text("override.reason", &raw.reason, PROSE)?;
            if overrides.insert(rule.clone(), reason).is_some() {
                return Err(self.twice(at, "override.rule", rule));
            }
        }
        Ok(overrides.into_iter().map(|(rule, reason)| Override { rule, reason }).collect())
    }

    fn epochs(&self, raw: &[Table<RawEpoch>], version: u32) -> Result<Vec<Epoch>, PolicyError> {
        if raw.is_empty() || raw.len() > MAX_EPOCHS {
            let finding = format!("there are {}; list at least one, and at most {MAX_EPOCHS}", raw.len());
            return Err(self.wrong(0, "epoch", finding));
        }
        let mut epochs: Vec<Epoch> = Vec::with_capacity(raw.len());
        let mut key_ids = BTreeSet::new();
        for Table(raw) in raw {
            let finding = "use 32 lower-case hexadecimal digits, as `stapel keygen` prints them";
            let epoch = Epoch {
                number: self.number("epoch.number", &raw.number, 0..=i64::from(u32::MAX))?,
                key_id: KeyId::from_hex(raw.key_id.get_ref())
                    .ok_or_else(|| self.wrong(raw.key_id.span().start, "epoch.key_id", finding))?,
                opens: self.day("epoch.opens", &raw.opens)?,
                closes: self.day("epoch.closes", &raw.closes)?,
            };
            if epoch.closes < epoch.opens {
                let finding = format!("{} is before the day it opens; it is the epoch's last day", epoch.closes);
                return Err(self.wrong(raw.closes.span().start, "epoch.closes", finding));
            }
            if version == 1 && epochs.is_empty() && epoch.number > 1 {
                let finding = format!("{} is the first; number epochs from 0 or 1", epoch.number);
                return Err(self.wrong(raw.number.span().start, "epoch.number", finding));
            }
            if let Some(last) = epochs.last() {
                // A later version may have left one out that was listed, and had not opened.
                let follows = match version {
                    1 => Some(epoch.number) == last.number.checked_add(1),
                    _ => epoch.number > last.number,
                };
                if !follows {
                    let finding =
                        format!("{} follows {}; numbers ascend, in version 1 by one", epoch.number, last.number);
                    return Err(self.wrong(raw.number.span().start, "epoch.number", finding));
                }
                if epoch.opens < last.opens {
                    let finding = format!("{} is before epoch {} opens ({})", epoch.opens, last.number, last.opens)
                        + "; an epoch with a higher number opens later";
                    return Err(self.wrong(raw.opens.span().start, "epoch.opens", finding));
                }
                // Otherwise the older one would answer again when the newer one has closed.
                if epoch.closes < last.closes {
                    let finding = format!("{} is before epoch {} closes ({})", epoch.closes, last.number, last.closes)
                        + "; an epoch with a higher number closes no earlier";
                    return Err(self.wrong(raw.closes.span().start, "epoch.closes", finding));
                }
            }
            // In each open epoch an organisation may ask about other addresses, as many as it held.
            if let [.., oldest, _] = &epochs[..]
                && oldest.closes >= epoch.opens
            {
                let finding = format!("epoch {} is open until {}", oldest.number, oldest.closes)
                    + "; two epochs are open at a time, so let this one open after that day";
                return Err(self.wrong(raw.opens.span().start, "epoch.opens", finding));
            }
            if !key_ids.insert(epoch.key_id.0) {
                return Err(self.twice(raw.key_id.span().start, "epoch.key_id", raw.key_id.get_ref()));
            }
            epochs.push(epoch);
        }
        Ok(epochs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::{Sees, sample};

    fn refusal(text: &str) -> String {
        let error = Policy::parse(text).unwrap_err();
        assert_eq!(error.code(), "policy_text");
        error.to_string().strip_prefix("the policy is not well-formed, ").unwrap().to_owned()
    }

    /// Refused at the key, with a part of what is said.
    fn refused(changes: &[(&str, &str)], key: &str, says: &str) {
        let text = sample::changed_text(changes);
        let said = refusal(&text);
        let at = said.split_once(": ").unwrap().0;
        assert!(at.ends_with(&format!(", {key}")) && said.contains(says), "{changes:?}: {said}");
        let line: usize = at.strip_prefix("line ").unwrap().split(',').next().unwrap().parse().unwrap();
        assert!((1..=text.lines().count()).contains(&line));
    }

    const EPOCH: &str = "[[epoch]]";
    const MAY: &str = "may = [\"flag\", \"ask\"] # politie";

    #[test]
    fn defaults() {
        let policy = sample::policy();
        assert_eq!((policy.counting.threshold, policy.counting.min_sources, policy.counting.count_cap), (2, 3, 3));
        assert_eq!((policy.changes.signatures, policy.test), (4, false));
        assert_eq!(policy.counting.register, RegisterUse::Optional);
        let four = sample::changed(&[("threshold = 2", "threshold = 4")]);
        assert_eq!((four.counting.min_sources, four.counting.count_cap), (4, 4), "at least the threshold");
        let none = sample::changed(&[("[counting]\nthreshold = 2", ""), ("[release]\ninterval_hours = 24", "")]);
        assert_eq!(none, policy);
        let plain = sample::changed(&[("sees = \"band\"", "")]);
        assert_eq!(plain.partner(2).unwrap().sees, Sees::Presence);
    }

    #[test]
    fn the_format_comes_first() {
        assert_eq!(refusal(""), "line 1, format: it is missing; begin the file with: format = 1");
        assert!(refusal("# later\nformat = 2\nnew = 1").starts_with("line 2, format: 2 is not a format"));
        assert!(refusal("format = \"1\"").starts_with("line 1, 'format': invalid type"));
        let large = refusal("format = 9999999999999999999999");
        assert!(large.starts_with("line 1, 'format': the number is larger than any that may stand here"), "{large}");
        // The first line of another file, such as a secret, is not repeated.
        assert!(refusal("5ec7e75ec7e7").starts_with("line 1: "), "{}", refusal("5ec7e75ec7e7"));
    }

    #[test]
    fn the_shape_of_the_file() {
        assert!(refusal("format = 1\nx").starts_with("line 2, 'x': "));
        assert!(refusal("format = 1").starts_with("line 1: there is no key `consortium`"));
        let treshold = sample::changed_text(&[("threshold = 2", "treshold = 2")]);
        assert!(
            refusal(&treshold).contains("'treshold': there is no such key as `treshold`, expected one of `threshold`")
        );
        let quoted = sample::changed_text(&[("valid_from = 2026-12-01", "valid_from = \"2026-12-01\"")]);
        assert!(refusal(&quoted).contains("a date without quotes, like 2026-12-01"));
        let missing = sample::changed_text(&[("opens = 2026-12-01\n", "")]);
        assert!(refusal(&missing).contains("'[[epoch]]': there is no key `opens`"));
        let unknown = sample::changed_text(&[("[operator]", "extra = 1\n[operator]")]);
        assert!(refusal(&unknown).contains("no such key as `extra`"));
        let large = sample::changed_text(&[("threshold = 2", "threshold = 99999999999999999999")]);
        assert!(refusal(&large).contains("expected a whole number"));
        let double = sample::changed_text(&[("version = 1", "version = 1\nversion = 1")]);
        assert!(refusal(&double).contains("duplicate key"));
    }

    #[test]
    fn an_array_of_values_is_not_a_table() {
        let array = sample::changed_text(&[
            ("[release]\ninterval_hours = 24\n", ""),
            ("purpose =", "release = [24]\npurpose ="),
        ]);
        assert!(refusal(&array).contains("expected a table"), "{}", refusal(&array));
        let tables = sample::changed_text(&[("[counting]", "[[counting]]")]);
        assert!(refusal(&tables).contains("expected a table"), "{}", refusal(&tables));
    }

    #[test]
    fn bounds() {
        for (table, key, low, high) in [
            ("counting", "threshold", 1, 250),
            ("counting", "min_sources", 1, 10_000),
            ("counting", "count_cap", 2, 250),
            ("release", "interval_hours", 1, 720),
            ("release", "min_changed", 1, 10_000),
            ("release", "max_wait_days", 1, 14),
            ("retention", "max_days", 1, 3_660),
            ("retention", "max_renewals", 0, 99),
            ("retention", "log_days", 1, 36_600),
            ("budgets", "new_flags_a_day", 1, i64::from(u32::MAX)),
            ("budgets", "first_set_flags", 0, i64::from(u32::MAX)),
            ("budgets", "flags_held", 1, i64::from(u32::MAX)),
            ("budgets", "asked_a_day", 1, i64::from(u32::MAX)),
            ("budgets", "asked_an_epoch", 1, i64::from(u32::MAX)),
            ("budgets", "swept_a_day", 0, i64::from(u32::MAX)),
            ("budgets", "status_a_day", 1, i64::from(u32::MAX)),
            ("messages", "max_delay_hours", 1, 720),
            ("messages", "max_ahead_minutes", 0, 1_440),
            ("changes", "signatures", 1, 4),
            ("changes", "grace_days", 0, 366),
            ("changes", "new_epoch_within_days", 1, 366),
            ("", "freshness_days", 1, 366),
            ("", "max_shrink_percent", 0, 100),
        ] {
            let with = |number: i64| {
                let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
                let line = format!("{header}{key} = {number}\n[operator]");
                sample::changed_text(&[
                    ("[counting]\nthreshold = 2", ""),
                    ("[release]\ninterval_hours = 24", ""),
                    ("[operator]", &line),
                ])
            };
            for inside in [low, high] {
                assert!(Policy::parse(&with(inside)).is_ok(), "{key} = {inside}");
            }
            for outside in [low - 1, high + 1, i64::MIN, i64::MAX] {
                let said = refusal(&with(outside));
                let path = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
                assert!(said.contains(&format!("{path}: {outside} is not between {low} and {high}")), "{said}");
            }
        }
        refused(
            &[("threshold = 2", "threshold = 5\ncount_cap = 4")],
            "counting.count_cap",
            "4 is not between 5 and 250",
        );
    }

    #[test]
    fn versions_and_days() {
        let digest = "0".repeat(64);
        refused(&[("version = 1", "version = 0")], "version", "0 is not between 1");
        refused(&[("purpose =", "legal_act = \"avg\"\npurpose =")], "legal_act", "\"wgs\", or leave it out");
        refused(&[("version = 1", "version = 2")], "previous", "every later one the digest");
        refused(&[("version = 1", &format!("version = 1\nprevious = \"{digest}\""))], "previous", "the first version");
        refused(&[("version = 1", "version = 2\nprevious = \"0\"")], "previous", "not a digest");
        refused(&[("valid_from = 2026-12-01", "valid_from = 2026-12-01T00:00:00")], "valid_from", "not a date alone");
        refused(&[("valid_from = 2026-12-01", "valid_from = 1969-12-31")], "valid_from", "not a date alone");
        refused(&[("purpose = \"ondermijning-zaanstad\"", "purpose = \"Ondermijning\"")], "purpose", "not a slug");
    }

    #[test]
    fn texts() {
        let name = "\"Stichting Voorbeeldbroker\"";
        refused(&[(name, "\" \\t\\n \"")], "operator.name", "empty");
        refused(&[(name, &format!("\"{}\"", "é".repeat(201)))], "operator.name", "201 characters");
        assert!(Policy::parse(&sample::changed_text(&[(name, &format!("\"{}\"", "é".repeat(200)))])).is_ok());
        for hidden in
            ["\\u0000", "\\u001b[2J", "\\u202e", "\\u200b", "\\u2028", "\\u0085", "\\ufeff", "\\u00ad", "\\U000E0041"]
        {
            refused(&[(name, &format!("\"a{hidden}b\""))], "operator.name", "is not visible");
        }
        for text in ["\u{feff}format", "# a comment \u{202e}\nformat", "\u{c}format"] {
            let error = Policy::parse(&sample::TEXT.replacen("format", text, 1)).unwrap_err();
            assert!(error.to_string().contains("is not visible"), "{error}");
        }
        let spaced = sample::changed(&[(name, "\"\"\"\n Sti\tch\r\n\n ting \"\"\"")]);
        assert_eq!(spaced.operator.name, "Sti ch ting");
    }

    #[test]
    fn the_operator() {
        let (reply, log) = (sample::operator_key().verifying_key(), sample::checkpoint_key().verifying_key());
        refused(&[(&log.to_string(), &reply.to_string())], "operator.checkpoint_key", "the operator's other key");
        let addresses = |list: &str| format!("[operator]\naddresses = [{list}]");
        for wrong in [
            "http://a.nl",
            "https://",
            "https://A.nl",
            "https://a.nl/",
            "https://a.nl:",
            "https://a.nl:0",
            "https://a.nl:65536",
            "https://a..nl",
            "https://-a.nl",
            "https://a.nl/./b",
            "https://a.nl/../b",
            "https://a.nl/b?c",
            "https://u@a.nl",
            "https://[::1]",
            "https://a.nl/b//c",
            "https://a.nl#b",
            "https://a.nl:+1",
        ] {
            refused(&[("[operator]", &addresses(&format!("\"{wrong}\"")))], "operator.addresses", "no address");
        }
        refused(&[("[operator]", &addresses("\"https://a.nl\", \"https://a.nl\""))], "operator.addresses", "twice");
        let nine = (0..9).map(|at| format!("\"https://a{at}.nl:8443/b\"")).collect::<Vec<_>>().join(", ");
        refused(&[("[operator]", &addresses(&nine))], "operator.addresses", "at most 8");
        let oins = |list: &str| format!("slug = \"politie\"\ntls_oins = [{list}]");
        let politie = "slug = \"politie\"";
        refused(&[(politie, &oins(""))], "organisation.tls_oins", "at least one");
        refused(&[(politie, &oins("\"1\""))], "organisation.tls_oins", "OIN");
        let twice = "\"00000099000000007000\", \"00000099000000007000\"";
        refused(&[(politie, &oins(twice))], "organisation.tls_oins", "twice");
        refused(&[("stapel.example.nl/zaanstad", "stapel example")], "operator.log_origin", "no spaces");
        refused(&[("stapel.example.nl/zaanstad", "stapel+example")], "operator.log_origin", "no '+'");
        for origin in ["stapel.example.nl", "stapel.example.nl/utrecht", "stapel.example.nl/bijzaanstad", "zaanstad"] {
            let says = "end it in the consortium's name: stapel.example.nl/zaanstad";
            refused(&[("stapel.example.nl/zaanstad", origin)], "operator.log_origin", says);
        }
        refused(&[("consortium = \"zaanstad\"", "consortium = \"7\"")], "consortium", "a number alone");
        refused(&[("00000099000000009000", "9000000000000")], "operator.oin", "not an OIN");
        refused(&[(&reply.to_string(), &reply.to_string().to_uppercase())], "operator.verifying_key", "lower-case");
        refused(&[(&reply.to_string(), &"0".repeat(64))], "operator.verifying_key", "anybody can sign");
    }

    #[test]
    fn levels() {
        let with = |levels: &str| [("threshold = 2", format!("levels = {levels}"))];
        for (levels, says) in [
            ("[]", "\"unit\" is not among them"),
            ("[\"number\"]", "\"unit\" is not among them"),
            ("[\"unit\", \"unit\"]", "there twice"),
            ("[\"unit\", \"street\"]", "'street' is none of"),
        ] {
            let changes = with(levels);
            refused(&[(changes[0].0, &changes[0].1)], "counting.levels", says);
        }
    }

    #[test]
    fn whether_a_register_is_required() {
        let with = |value: &str| format!("threshold = 2\nregister = {value}");
        for used in RegisterUse::ALL {
            let text = with(&format!("\"{}\"", used.as_str()));
            assert_eq!(sample::changed(&[("threshold = 2", &text)]).counting.register, used);
        }
        for value in ["\"\"", "\"Required\"", "\"required \"", "\"no\""] {
            let says = "is neither \"required\" nor \"optional\"";
            refused(&[("threshold = 2", &with(value))], "counting.register", says);
        }
        assert!(
            refusal(&sample::changed_text(&[("threshold = 2", &with("true"))])).contains("'register': invalid type")
        );
    }

    #[test]
    fn epochs() {
        let epoch = |number: u32, id: &str, opens: &str| {
            format!(
                "[[epoch]]\nnumber = {number}\nkey_id = \"{id}\"\nopens = {opens}\ncloses = 2028-01-31\n\n[[partner]]"
            )
        };
        let second = |text: String| [("[[partner]]", text)];
        let id = sample::secret_file(1).key_id().to_string();
        for (text, key, says) in [
            (epoch(1, "0123456789abcdef0123456789abcdef", "2027-11-01"), "epoch.number", "1 follows 1"),
            (
                epoch(2, "0123456789abcdef0123456789abcdef", "2026-11-30"),
                "epoch.opens",
                "2026-11-30 is before epoch 1 opens",
            ),
            (epoch(2, "0123456789abcdef0123456789abcdef", "2028-02-01"), "epoch.closes", "before the day it opens"),
            (epoch(3, "0123456789abcdef0123456789abcdef", "2027-11-01"), "epoch.number", "3 follows 1"),
            (
                epoch(2, "0123456789abcdef0123456789abcdef", "2027-01-01").replace("2028-01-31", "2027-11-29"),
                "epoch.closes",
                "2027-11-29 is before epoch 1 closes",
            ),
            (epoch(2, &id, "2027-11-01"), "epoch.key_id", "there twice"),
            (epoch(2, "0123456789ABCDEF0123456789ABCDEF", "2027-11-01"), "epoch.key_id", "32 lower-case"),
        ] {
            let changes = second(text);
            refused(&[(changes[0].0, &changes[0].1)], key, says);
        }
        let third = epoch(2, "0123456789abcdef0123456789abcdef", "2027-11-01") + "\n";
        let third = third.replace("[[partner]]", &epoch(3, "1123456789abcdef0123456789abcdef", "2027-11-30"));
        refused(&[("[[partner]]", &third)], "epoch.opens", "epoch 1 is open until 2027-11-30");
        refused(&[("number = 1\nkey_id", "number = 2\nkey_id")], "epoch.number", "number epochs from 0 or 1");
        let good = second(epoch(2, "0123456789abcdef0123456789abcdef", "2027-11-01"));
        assert_eq!(sample::changed(&[(good[0].0, &good[0].1)]).epochs.len(), 2, "overlap is allowed");
        let start = sample::TEXT.find(EPOCH).unwrap();
        let end = sample::TEXT.find("[[organisation]]").unwrap();
        let none = sample::changed_text(&[(&sample::TEXT[start..end], ""), ("purpose =", "epoch = []\npurpose =")]);
        assert!(refusal(&none).contains("epoch: there are 0; list at least one"));
    }

    #[test]
    fn the_roster() {
        refused(&[("number = 2\nname", "number = 1\nname")], "partner.number", "1 is there twice");
        refused(&[("number = 2\nname", "number = 0\nname")], "partner.number", "0 is not between 1 and 65535");
        let police = sample::policy_key("politie").verifying_key().to_string();
        let tax = sample::policy_key("belastingdienst").verifying_key().to_string();
        refused(&[(&police, &tax)], "organisation.policy_key", "'politie' has the same key");
        refused(&[("sees = \"band\"", &format!("verifying_key = \"{tax}\""))], "'verifying_key'", "no such key");
        let organisation = "organisation = \"belastingdienst\"";
        refused(&[(organisation, "organisation = \"politie\"")], "organisation.slug", "no partner is of");
        refused(&[(organisation, "organisation = \"fiscus\"")], "partner.organisation", "no [[organisation]]");
        let slug = "slug = \"belastingdienst\"";
        refused(&[(slug, "slug = \"politie\"")], "organisation.slug", "politie is there twice");
        refused(&[(slug, &format!("first_epoch = 1\n{slug}"))], "organisation.first_epoch", "nobody joins");
        refused(&[("00000099000000002000", "00000099000000001000")], "organisation.oin", "is that of");
        refused(&[("sees = \"band\"", "sees = \"all\"")], "partner.sees", "'all' is none of");
        let moved = sample::changed(&[("number = 1\nname", "number = 7\nname")]);
        assert_eq!(moved.partners.iter().map(|p| p.number).collect::<Vec<_>>(), [2, 3, 4, 7]);
        let start = sample::TEXT.find("[[partner]]").unwrap();
        let none = sample::changed_text(&[(&sample::TEXT[start..], ""), ("purpose =", "partner = []\npurpose =")]);
        assert!(refusal(&none).contains("partner: there are 0; list at least one"));
    }

    #[test]
    fn what_a_partner_may() {
        refused(&[(MAY, "may = []")], "partner.may", "at least one of");
        refused(&[(MAY, "may = [\"vlag\"]")], "partner.may", "'vlag' is none of");
        refused(&[(MAY, "may = [\"flag\", \"flag\"]")], "partner.may", "there twice");
        refused(&[(MAY, "may = [\"flag\", \"sweep\"]")], "partner.may", "\"sweep\" is a way of asking");
        refused(&[(MAY, "may = [\"ask\"]")], "partner.legal_basis_flag", "\"flag\" is not among");
        refused(&[("legal_basis_ask = \"Politiewet", "# \"Politiewet")], "partner.legal_basis_ask", "\"ask\" needs");
        let sweep = (MAY, "may = [\"flag\", \"ask\", \"sweep\"]");
        refused(&[sweep], "partner.may", "partner 1 may sweep, but there is no budget");
        refused(&[sweep, (EPOCH, "[budgets]\nswept_a_day = 1\n[[epoch]]")], "partner.may", "no budget or no reason");
        let reasons = "[budgets]\nswept_a_day = 1\nsweep_reasons = [\"b\", \"a\"]\n[[epoch]]";
        let policy = sample::changed(&[sweep, (EPOCH, reasons)]);
        assert!(policy.partner(1).unwrap().may.sweep);
        assert_eq!(policy.budgets.sweep_reasons[0].as_str(), "a");
        let twice = "[budgets]\nsweep_reasons = [\"a\", \"a\"]\n[[epoch]]";
        refused(&[(EPOCH, twice)], "budgets.sweep_reasons", "there twice");
        let many: Vec<_> = (0..101).map(|n| format!("\"a{n}\"")).collect();
        let many = format!("[budgets]\nsweep_reasons = [{}]\n[[epoch]]", many.join(","));
        refused(&[(EPOCH, &many)], "budgets.sweep_reasons", "at most 100");
    }

    #[test]
    fn overrides() {
        let with = |rule: &str| format!("[[override]]\nrule = \"{rule}\"\nreason = \"a\"\n[[epoch]]");
        refused(&[(EPOCH, &with("threshold"))], "override.rule", "can never be overridden");
        refused(&[(EPOCH, &with("treshold"))], "override.rule", "'treshold' is not a rule");
        refused(&[(EPOCH, &with("max-days")), (EPOCH, &with("max-days"))], "override.rule", "there twice");
        refused(&[(EPOCH, &with("max-days").replace("\"a\"", "\"\""))], "override.reason", "empty");
        let two = sample::changed(&[(EPOCH, &with("min-changed")), (EPOCH, &with("max-days"))]);
        assert_eq!(two.overrides.iter().map(|o| o.rule.as_str()).collect::<Vec<_>>(), ["max-days", "min-changed"]);
    }

    #[test]
    fn a_private_key_that_stands_in_the_wrong_place_is_not_shown() {
        let key = sample::operator_key().verifying_key().to_string();
        for wrong in [format!("verifying_key = \"{}", &key[1..]), "verifying_key = [\"5ec7e7".to_owned() + &key[6..]] {
            let text = sample::changed_text(&[(&format!("verifying_key = \"{key}"), &wrong)]);
            assert!(!refusal(&text).contains(&key[6..]), "{}", refusal(&text));
        }
    }

    #[test]
    fn sizes() {
        let long = format!("{}{}", *sample::TEXT, "#".repeat(MAX_TEXT));
        assert!(refusal(&long).starts_with("as a whole: it has "));
        let fits = format!("{}{}", *sample::TEXT, "#".repeat(MAX_TEXT - sample::TEXT.len()));
        assert!(Policy::parse(&fits).is_ok());
        let partners = |count: usize| {
            let partner = |n: usize| {
                format!(
                    "[[organisation]]\nslug='o{n}'\nname='a'\noin='00000099{n:09}000'\ncontact='a'\n\
                     policy_key='6{n:063x}'\n[[partner]]\nnumber={n}\nname='a'\norganisation='o{n}'\n\
                     may=['flag']\nlegal_basis_flag='a'\n"
                )
            };
            let start = sample::TEXT.find("[[organisation]]").unwrap();
            sample::TEXT[..start].to_owned() + &(1..=count).map(partner).collect::<String>()
        };
        assert_eq!(Policy::parse(&partners(MAX_PARTNERS)).unwrap().counting.count_cap, 250);
        assert!(refusal(&partners(MAX_PARTNERS + 1)).contains("there are 10001; list at least one, and at most 10000"));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        for deep in ["x = ".to_owned() + &"[".repeat(200_000), "a.".repeat(100_000) + "a = 1", "{a=".repeat(100_000)] {
            refusal(&format!("format = 1\n{deep}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(at in 0..sample::TEXT.len(), text in "\\PC{0,20}", cut in prop::bool::ANY) {
            let at = (0..=at).rev().find(|at| sample::TEXT.is_char_boundary(*at)).unwrap_or(0);
            let rest = if cut { "" } else { &sample::TEXT[at..] };
            let changed = format!("{}{text}{rest}", &sample::TEXT[..at]);
            if let Err(error) = Policy::parse(&changed) {
                prop_assert_eq!(error.code(), "policy_text");
            }
        }
    }
}

//! What changes between two versions of a policy, in plain words.

use std::collections::BTreeSet;

use super::super::model::{Policy, RosterEntry, level_word};
use super::lang::Lang;
use super::language::{Change, Label, Language};

/// What a policy says under each of some labels; an empty text where it says nothing.
type Labelled = Vec<(Label<'static>, String)>;

impl Policy {
    /// What is different in `newer`, one sentence for each change; nothing where both say the same.
    pub fn difference(&self, newer: &Policy, lang: Lang) -> Vec<String> {
        if self == newer {
            return Vec::new();
        }
        let words = lang.language();
        let follows = newer.previous == Some(self.digest());
        let mut lines = vec![words.change(Change::Version { older: self, newer, follows })];
        let (from, to) = (self.counting.threshold, newer.counting.threshold);
        if from != to {
            lines.push(words.change(Change::Threshold { from, to }));
        }
        lines.extend(changed("", &values(self, words), &values(newer, words), words));
        lines.extend(partners(self, newer, words));
        lines.extend(epochs(self, newer, words));
        lines.extend(overrides(self, newer, words));
        lines
    }
}

/// All that a policy says once, but for the threshold.
fn values(policy: &Policy, words: &dyn Language) -> Labelled {
    let yes = |value: bool| words.yes(value).to_owned();
    let number = |value: u32| words.number(value);
    let days = |value: u16| words.days(value);
    let (operator, counting, release) = (&policy.operator, &policy.counting, &policy.release);
    let (budgets, messages, changes) = (&policy.budgets, &policy.messages, &policy.changes);
    let levels: Vec<_> = counting.levels.iter().map(|level| level_word(*level)).collect();
    vec![
        (Label::Consortium, policy.consortium.to_string()),
        (Label::Test, yes(policy.test)),
        (Label::Purpose, policy.purpose.to_string()),
        (Label::LegalBasis, policy.legal_basis.clone()),
        (Label::FlagCriterion, policy.flag_criterion.clone()),
        (Label::AfterHit, policy.after_hit.clone()),
        (Label::Coordinator, policy.coordinator.clone()),
        (Label::Operator, operator.name.clone()),
        (Label::OperatorOin, operator.oin.to_string()),
        (Label::ReplyKey, operator.verifying_key.to_string()),
        (Label::CheckpointKey, operator.checkpoint_key.to_string()),
        (Label::LogOrigin, operator.log_origin.clone()),
        (Label::MinSources, number(counting.min_sources.into())),
        (Label::CountCap, number(counting.count_cap.into())),
        (Label::Levels, levels.join(", ")),
        (Label::OwnFlagRequired, yes(counting.own_flag_required)),
        (Label::IntervalHours, number(release.interval_hours.into())),
        (Label::MinChanged, number(release.min_changed.into())),
        (Label::MaxWaitDays, days(release.max_wait_days)),
        (Label::Immediate, yes(release.immediate)),
        (Label::MaxDays, days(policy.retention.max_days)),
        (Label::LogDays, days(policy.retention.log_days)),
        (Label::NewFlagsADay, number(budgets.new_flags_a_day)),
        (Label::FlagsHeld, number(budgets.flags_held)),
        (Label::AskedADay, number(budgets.asked_a_day)),
        (Label::AskedAnEpoch, number(budgets.asked_an_epoch)),
        (Label::SweptADay, number(budgets.swept_a_day)),
        (Label::SweepReasons, budgets.reasons()),
        (Label::FreshnessDays, days(policy.freshness_days)),
        (Label::MaxShrinkPercent, number(policy.max_shrink_percent.into())),
        (Label::MaxDelayHours, number(messages.max_delay_hours.into())),
        (Label::MaxAheadMinutes, number(messages.max_ahead_minutes.into())),
        (Label::Signatures, number(changes.signatures.into())),
        (Label::GraceDays, days(changes.grace_days)),
        (Label::NewEpochWithinDays, days(changes.new_epoch_within_days)),
    ]
}

fn partners(old: &Policy, new: &Policy, words: &dyn Language) -> Vec<String> {
    let mut lines = Vec::new();
    for number in all(old.partners.iter().map(|p| p.number), new.partners.iter().map(|p| p.number)) {
        match (old.partner(number), new.partner(number)) {
            (Some(was), Some(is)) => {
                let subject = format!("Partner {number}, {}: ", is.name);
                let (was, is) = (partner_values(old, was, words), partner_values(new, is, words));
                lines.extend(changed(&subject, &was, &is, words));
            }
            (None, Some(is)) => {
                lines.push(words.change(Change::PartnerCame(is)));
                let says = partner_values(new, is, words).into_iter().filter(|(_, value)| !value.is_empty());
                lines.extend(says.map(|(label, value)| format!("Partner {number}: {}: {value}", words.label(label))));
            }
            (Some(was), None) => lines.push(words.change(Change::PartnerWent(was))),
            (None, None) => {}
        }
    }
    lines
}

fn partner_values(policy: &Policy, partner: &RosterEntry, words: &dyn Language) -> Labelled {
    vec![
        (Label::PartnerName, partner.name.clone()),
        (Label::PartnerOrganisation, partner.organisation.to_string()),
        (Label::PartnerOin, partner.oin.to_string()),
        (Label::PartnerKey, partner.verifying_key.to_string()),
        (Label::PartnerOldKey, partner.old_key.as_ref().map(|old| words.old_key(old)).unwrap_or_default()),
        (Label::PartnerMay, words.permissions(partner.may)),
        (Label::PartnerSees, words.seen(&policy.counting, partner.sees)),
        (Label::PartnerBasisToFlag, partner.legal_basis_flag.clone().unwrap_or_default()),
        (Label::PartnerBasisToAsk, partner.legal_basis_ask.clone().unwrap_or_default()),
    ]
}

fn epochs(old: &Policy, new: &Policy, words: &dyn Language) -> Vec<String> {
    let numbers = all(old.epochs.iter().map(|e| e.number), new.epochs.iter().map(|e| e.number));
    let said = |policy: &Policy, number| policy.epoch(number).map(|epoch| words.epoch(epoch)).unwrap_or_default();
    let change = |number| change(&words.label(Label::Epoch(number)), &said(old, number), &said(new, number), words);
    numbers.into_iter().filter_map(change).collect()
}

fn overrides(old: &Policy, new: &Policy, words: &dyn Language) -> Vec<String> {
    let rules = all(old.overrides.iter().map(|o| &o.rule), new.overrides.iter().map(|o| &o.rule));
    let reason = |policy: &Policy, rule: &str| {
        let found = policy.overrides.iter().find(|aside| aside.rule == rule);
        found.map(|aside| aside.reason.clone()).unwrap_or_default()
    };
    let change =
        |rule: &String| change(&words.label(Label::Override(rule)), &reason(old, rule), &reason(new, rule), words);
    rules.into_iter().filter_map(change).collect()
}

/// The changes in two lists that have the same labels.
fn changed(subject: &str, old: &Labelled, new: &Labelled, words: &dyn Language) -> Vec<String> {
    let pairs = old.iter().zip(new);
    pairs
        .filter_map(|((label, was), (_, is))| change(&format!("{subject}{}", words.label(*label)), was, is, words))
        .collect()
}

/// What was and what is, where they differ.
fn change(label: &str, was: &str, becomes: &str, words: &dyn Language) -> Option<String> {
    (was != becomes).then(|| words.change(Change::Value { label, was, becomes }))
}

fn all<T: Ord>(old: impl Iterator<Item = T>, new: impl Iterator<Item = T>) -> BTreeSet<T> {
    old.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    fn differences(changes: &[(&str, &str)]) -> Vec<String> {
        let lines = sample::policy().difference(&sample::changed(changes), Lang::En);
        assert_eq!(lines.len(), sample::policy().difference(&sample::changed(changes), Lang::Nl).len());
        lines.into_iter().skip(1).collect()
    }

    #[test]
    fn the_same_policy_differs_in_nothing() {
        assert!(sample::policy().difference(&sample::policy(), Lang::Nl).is_empty());
        assert!(differences(&[]).is_empty());
    }

    #[test]
    fn a_lower_threshold_is_said_first() {
        let (two, three) = (sample::policy(), sample::changed(&[("threshold = 2", "threshold = 3")]));
        let down = three.difference(&two, Lang::Nl);
        assert!(down[1].starts_with("DE DREMPEL GAAT OMLAAG, van 3 naar 2"), "{down:?}");
        let up = two.difference(&three, Lang::En);
        assert!(up[1].starts_with("The threshold goes up, from 2 to 3"), "{up:?}");
    }

    #[test]
    fn a_successor_is_told_from_a_stranger() {
        let version = format!("version = 2\nprevious = \"{}\"", sample::policy().digest());
        let next = sample::changed(&[("version = 1", &version)]);
        assert_eq!(sample::policy().difference(&next, Lang::Nl), ["Versie 1 wordt versie 2, geldig vanaf 2026-12-01."]);
        let stranger = next.difference(&sample::policy(), Lang::Nl);
        assert!(stranger[0].contains("LET OP"), "{stranger:?}");
    }

    #[test]
    fn partners_epochs_and_overrides_come_go_and_change() {
        let start = sample::TEXT.rfind("[[partner]]").unwrap();
        let last = &sample::TEXT[start..];
        let gone = differences(&[(last, "")]);
        assert!(
            gone.iter().any(|line| line == "Gone: partner 4, Gemeente Zaanstad, team veiligheid (gemeente-zaanstad).")
        );
        let came = sample::changed(&[(last, "")]).difference(&sample::policy(), Lang::En);
        assert!(came.iter().any(|line| line.starts_with("New: partner 4, ")), "{came:?}");
        assert!(came.iter().any(|line| line == "Partner 4: may: flag, ask"), "{came:?}");
        assert_eq!(
            differences(&[("sees = \"presence\"", "sees = \"count\"")]),
            [
                "Partner 3, Woningcorporatie Zaanwonen: sees. Was: \"only that the address is stacked\". Becomes: \"the number \
              of organisations; 3 stands for 3 or more\"."
            ]
        );
        let rule = "[[override]]\nrule = \"max-days\"\nreason = \"Besloten\"\n[[epoch]]";
        assert_eq!(
            differences(&[("[[epoch]]", rule)]),
            ["Reason to set the safety rule 'max-days' aside. Was: nothing. Becomes: \"Besloten\"."]
        );
        assert!(differences(&[("closes = 2027-11-30", "closes = 2027-11-29")])[0].starts_with("Epoch 1. Was: "));
    }

    /// Whatever changes the digest shows as a difference: one line of the text is changed at a time.
    #[test]
    fn no_change_goes_unsaid() {
        let operator = "[operator]";
        let tables = [
            (
                "[counting]",
                "threshold = 2",
                &["min_sources = 4", "count_cap = 2", "levels = [\"unit\", \"building\"]", "own_flag_required = false"]
                    [..],
            ),
            ("[release]", "interval_hours = 24", &["min_changed = 3", "max_wait_days = 8", "immediate = true"]),
        ];
        let mut changes: Vec<(String, String)> = Vec::new();
        for (_, line, additions) in tables {
            changes.extend(additions.iter().map(|addition| (line.to_owned(), format!("{line}\n{addition}"))));
        }
        for top in ["test = true", "freshness_days = 36", "max_shrink_percent = 21"] {
            changes.push((operator.to_owned(), format!("{top}\n{operator}")));
        }
        for (table, keys) in [
            ("retention", &["max_days", "log_days"][..]),
            ("budgets", &["new_flags_a_day", "flags_held", "asked_a_day", "asked_an_epoch", "swept_a_day"]),
            ("messages", &["max_delay_hours", "max_ahead_minutes"]),
            ("changes", &["grace_days", "new_epoch_within_days"]),
        ] {
            changes.extend(keys.iter().map(|key| (operator.to_owned(), format!("[{table}]\n{key} = 77\n{operator}"))));
        }
        changes.push((operator.to_owned(), format!("[budgets]\nsweep_reasons = [\"a\"]\n{operator}")));
        changes.push((operator.to_owned(), format!("[changes]\nsignatures = 3\n{operator}")));
        changes.push(("interval_hours = 24".into(), "interval_hours = 25".into()));
        // Every text and name that stands in the sample in quotes of its own.
        for line in sample::TEXT.lines().filter(|line| line.ends_with('"') && !line.ends_with("\"\"\"")) {
            let changed = if line.starts_with("sees") {
                line.replace("presence", "band").replace("\"count\"", "\"presence\"")
            } else if line.contains("_key") || line.contains("key_id") || line.starts_with("oin") {
                line.replacen('0', "5", 1)
            } else {
                format!("{}x\"", &line[..line.len() - 1])
            };
            changes.push((line.to_owned(), changed));
        }
        assert!(changes.len() > 45);
        for (from, to) in changes.iter().filter(|(from, to)| from != to) {
            let newer = sample::changed(&[(from, to)]);
            assert_ne!(newer.digest(), sample::policy().digest(), "{to}");
            assert!(!differences(&[(from, to)]).is_empty(), "{to}");
        }
    }
}

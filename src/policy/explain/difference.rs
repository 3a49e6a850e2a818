//! What changes between two versions of a policy, in plain words.

use std::collections::BTreeSet;

use super::super::model::{Organisation, Policy, RosterEntry};
use super::catalogue::{Blank, Catalogue};
use super::facts::{labelled, of_organisation, of_partner};
use super::lang::Lang;
use crate::slug::Slug;

impl Policy {
    /// What is different in `newer`, one sentence for each change; nothing where both say the same.
    pub fn difference(&self, newer: &Policy, lang: Lang) -> Vec<String> {
        if self == newer {
            return Vec::new();
        }
        let words = lang.catalogue();
        let mut lines = vec![versions(self, newer, words)];
        lines.extend(threshold(self.counting.threshold, newer.counting.threshold, words));
        lines.extend(unsigned(newer, words));
        let void = newer.voids.iter().filter(|digest| !self.voids.contains(digest));
        lines.extend(void.map(|digest| words.say("version_void", &[("digest", digest.to_string())])));
        lines.extend(must_sign(self, newer, words));
        lines.extend(organisations(self, newer, words));
        lines.extend(changed("", &labelled(self, words), &labelled(newer, words), words));
        lines.extend(partners(self, newer, words));
        lines.extend(epochs(self, newer, words));
        lines.extend(overrides(self, newer, words));
        lines
    }
}

fn versions(old: &Policy, new: &Policy, words: &Catalogue) -> String {
    let name = if new.previous == Some(old.digest()) { "version_follows" } else { "version_differs" };
    let (older, newer) = (old.version.to_string(), new.version.to_string());
    words.say(name, &[("older", older), ("newer", newer), ("valid_from", new.valid_from.to_string())])
}

fn threshold(from: u8, to: u8, words: &Catalogue) -> Option<String> {
    let name = if to < from { "threshold_down" } else { "threshold_up" };
    (from != to).then(|| words.say(name, &[("from", from.to_string()), ("to", to.to_string())]))
}

/// That an organisation's signature will be missing, which those who sign should know first.
fn unsigned(new: &Policy, words: &Catalogue) -> Option<String> {
    let now = new.unsigned.as_ref().filter(|unsigned| unsigned.version == new.version);
    now.map(|unsigned| words.say("organisation_unsigned", &[("organisation", unsigned.organisation.to_string())]))
}

/// Who must sign because of what changes, where fewer than all sign otherwise: all, or those whose own place changes.
fn must_sign(old: &Policy, new: &Policy, words: &Catalogue) -> Vec<String> {
    if usize::from(old.changes.signatures) == old.organisations.len() {
        return Vec::new();
    }
    if old.signatures_for(new) == old.organisations.len() {
        return vec![words.word("all_sign")];
    }
    let slugs = old.organisations.iter().map(|organisation| &organisation.slug);
    let moved = slugs.filter(|slug| !old.says_the_same_of(new, slug));
    moved.map(|slug| words.say("organisation_own", &[("organisation", slug.to_string())])).collect()
}

fn organisations(old: &Policy, new: &Policy, words: &Catalogue) -> Vec<String> {
    let slugs = |policy: &Policy| policy.organisations.iter().map(|one| one.slug.clone()).collect::<Vec<Slug>>();
    let mut lines = Vec::new();
    let whole = |name: &str, one: &Organisation| {
        words.say(name, &[("organisation", one.slug.to_string()), ("name", one.name.clone())])
    };
    for slug in all(slugs(old).into_iter(), slugs(new).into_iter()) {
        let subject = format!("{slug}: ");
        match (old.organisation(&slug), new.organisation(&slug)) {
            (Some(was), Some(is)) => {
                if was.policy_key != is.policy_key {
                    let (organisation, key) = (slug.to_string(), is.policy_key.to_string());
                    lines.push(words.say("organisation_key", &[("organisation", organisation), ("key", key)]));
                }
                lines.extend(changed(&subject, &of_organisation(was), &of_organisation(is), words));
            }
            (None, Some(is)) => {
                lines.push(whole("organisation_came", is));
                let says = of_organisation(is).into_iter().filter(|(_, value)| !value.is_empty());
                lines.extend(says.map(|(name, value)| format!("{subject}{}: {value}", label(name, words))));
            }
            (Some(was), None) => lines.push(whole("organisation_went", was)),
            (None, None) => {}
        }
    }
    lines
}

fn partners(old: &Policy, new: &Policy, words: &Catalogue) -> Vec<String> {
    let mut lines = Vec::new();
    for number in all(old.partners.iter().map(|p| p.number), new.partners.iter().map(|p| p.number)) {
        match (old.partner(number), new.partner(number)) {
            (Some(was), Some(is)) => {
                let subject = format!("Partner {number}, {}: ", is.name);
                lines.extend(changed(&subject, &of_partner(old, was, words), &of_partner(new, is, words), words));
            }
            (None, Some(is)) => {
                lines.push(named("partner_came", is, words));
                let says = of_partner(new, is, words).into_iter().filter(|(_, value)| !value.is_empty());
                lines.extend(says.map(|(name, value)| format!("Partner {number}: {}: {value}", label(name, words))));
            }
            (Some(was), None) => lines.push(named("partner_went", was, words)),
            (None, None) => {}
        }
    }
    lines
}

fn named(name: &str, partner: &RosterEntry, words: &Catalogue) -> String {
    let (number, organisation) = (partner.number.to_string(), partner.organisation.to_string());
    words.say(name, &[("number", number), ("name", partner.name.clone()), ("organisation", organisation)])
}

fn epochs(old: &Policy, new: &Policy, words: &Catalogue) -> Vec<String> {
    let numbers = all(old.epochs.iter().map(|e| e.number), new.epochs.iter().map(|e| e.number));
    let days = |policy: &Policy, number| policy.epoch(number).map(|epoch| words.epoch(epoch)).unwrap_or_default();
    let change = |number: u32| {
        let label = words.say("label.epoch", &[("number", number.to_string())]);
        change(label, &days(old, number), &days(new, number), words)
    };
    numbers.into_iter().filter_map(change).collect()
}

fn overrides(old: &Policy, new: &Policy, words: &Catalogue) -> Vec<String> {
    let rules = all(old.overrides.iter().map(|o| &o.rule), new.overrides.iter().map(|o| &o.rule));
    let reason = |policy: &Policy, rule: &str| {
        let found = policy.overrides.iter().find(|aside| aside.rule == rule);
        found.map(|aside| aside.reason.clone()).unwrap_or_default()
    };
    let change = |rule: &String| {
        let label = words.say("label.override", &[("rule", rule.clone())]);
        change(label, &reason(old, rule), &reason(new, rule), words)
    };
    rules.into_iter().filter_map(change).collect()
}

/// The changes in two lists that have the same names.
fn changed(subject: &str, old: &[Blank], new: &[Blank], words: &Catalogue) -> Vec<String> {
    let pairs = old.iter().zip(new);
    pairs
        .filter_map(|((name, was), (_, is))| change(format!("{subject}{}", label(name, words)), was, is, words))
        .collect()
}

fn label(name: &str, words: &Catalogue) -> String {
    words.word(&format!("label.{name}"))
}

/// What was and what is, where they differ. An empty text stands for nothing.
fn change(label: String, was: &str, is: &str, words: &Catalogue) -> Option<String> {
    let shown = |text: &str| if text.is_empty() { words.word("nothing") } else { format!("\"{text}\"") };
    (was != is).then(|| words.say("value", &[("label", label), ("was", shown(was)), ("becomes", shown(is))]))
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
    fn who_must_sign_for_itself_is_said_where_not_all_need_to() {
        let three = ("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]");
        let (old, sees) = (sample::changed(&[three]), ("sees = \"band\"", "sees = \"count\""));
        let said = old
            .difference(&sample::changed(&[three, sees, ("[operator]", "freshness_days = 9\n[operator]")]), Lang::En);
        let own: Vec<_> = said.iter().filter(|line| line.contains("must sign this itself")).collect();
        assert!(own.len() == 1 && own[0].starts_with("belastingdienst must"), "{said:?}");
        let longer = old.difference(&sample::changed(&[three, sees, ("2027-11-30", "2027-12-01")]), Lang::En);
        assert!(longer.iter().any(|line| line.starts_with("All organisations must sign this")), "{longer:?}");
        let all = sample::policy().difference(&sample::changed(&[sees]), Lang::En);
        assert!(!all.iter().any(|line| line.contains("itself: what")), "{all:?}");
    }

    #[test]
    fn partners_epochs_and_overrides_come_go_and_change() {
        let start = sample::TEXT.rfind("[[partner]]").unwrap();
        let last = &sample::TEXT[start..];
        let gone = differences(&[(last, ""), (sample::entry_of("gemeente-zaanstad"), "")]);
        assert!(gone.iter().any(|line| line.starts_with("Gone: organisation gemeente-zaanstad (Gemeente Zaanstad).")));
        assert!(
            gone.iter().any(|line| line == "Gone: partner 4, Gemeente Zaanstad, team veiligheid (gemeente-zaanstad).")
        );
        let without = sample::changed(&[(last, ""), (sample::entry_of("gemeente-zaanstad"), "")]);
        let came = without.difference(&sample::policy(), Lang::En);
        assert!(came.iter().any(|line| line.starts_with("New: partner 4, ")), "{came:?}");
        assert!(came.iter().any(|line| line == "Partner 4: may: flag, ask"), "{came:?}");
        assert_eq!(
            differences(&[("sees = \"presence\"", "sees = \"count\"")]),
            ["Partner 3, Woningcorporatie Zaanwonen: sees. Was: \"only that the address is stacked\". Becomes: \
              \"the number of organisations; 3 stands for 3 or more\"."]
        );
        let rule = "[[override]]\nrule = \"max-days\"\nreason = \"Besloten\"\n[[epoch]]";
        assert_eq!(
            differences(&[("[[epoch]]", rule)]),
            ["Reason to set the safety rule 'max-days' aside. Was: nothing. Becomes: \"Besloten\"."]
        );
        assert!(differences(&[("closes = 2027-11-30", "closes = 2027-11-29")])[0].starts_with("Epoch 1. Was: "));
    }

    #[test]
    fn that_a_register_becomes_required_is_said() {
        let required = sample::changed(&[("threshold = 2", "threshold = 2\nregister = \"required\"")]);
        let said = |older: &Policy, newer: &Policy, lang| older.difference(newer, lang).split_off(1);
        assert_eq!(
            said(&sample::policy(), &required, Lang::En),
            ["Looking addresses up in the national register (BAG). Was: \"optional\". Becomes: \"required\"."]
        );
        assert_eq!(
            said(&required, &sample::policy(), Lang::Nl),
            ["Adressen opzoeken in de landelijke registratie (BAG). Was: \"verplicht\". Wordt: \"niet verplicht\"."]
        );
    }

    #[test]
    fn each_change_of_how_they_meet_is_said() {
        let policy = sample::with_meet(&[]);
        let direct = "[[\"politie\", \"belastingdienst\"]]";
        for (from, to) in [
            (direct, "[[\"politie\", \"zaanwonen\"]]"),
            ("[meet]", "[meet]\ntell_others = false"),
            ("[meet]", "[meet]\nanswer_days = 6"),
            ("[meet]", "[meet]\nnew_a_day = 21"),
            ("[meet]", "[meet]\nheld = 201"),
            ("[meet]", "[meet]\nnotes_a_day = 101"),
            ("[meet]", "[meet]\nexchanges_a_day = 5"),
            ("samenwerkingsverbanden, artikel 2.20", "samenwerkingsverbanden, artikel 2.21"),
        ] {
            let said = policy.difference(&sample::with_meet(&[(from, to)]), Lang::Nl);
            assert_eq!(said[1..].len(), 1, "{from} {to}: {said:?}");
        }
    }

    /// Whatever changes the digest shows as a difference: one line of the text is changed at a time.
    #[test]
    fn no_change_goes_unsaid() {
        let operator = "[operator]";
        let tables = [
            (
                "[counting]",
                "threshold = 2",
                &[
                    "min_sources = 4",
                    "count_cap = 2",
                    "levels = [\"unit\", \"number\"]",
                    "own_flag_required=false",
                    "register = \"required\"",
                    "answers = \"totals\"",
                ][..],
            ),
            ("[release]", "interval_hours = 24", &["min_changed = 4", "max_wait_days = 8", "immediate = true"]),
        ];
        let mut changes: Vec<(String, String)> = Vec::new();
        for (_, line, additions) in tables {
            changes.extend(additions.iter().map(|addition| (line.to_owned(), format!("{line}\n{addition}"))));
        }
        for top in ["test = true", "freshness_days = 36", "max_shrink_percent = 21"] {
            changes.push((operator.to_owned(), format!("{top}\n{operator}")));
        }
        for (table, keys) in [
            ("retention", &["max_days", "max_renewals", "log_days"][..]),
            ("budgets", &["new_flags_a_day", "first_set_flags", "flags_held", "asked_a_day", "asked_an_epoch"]),
            ("budgets", &["swept_a_day", "status_a_day"]),
            ("messages", &["max_delay_hours", "max_ahead_minutes"]),
            ("changes", &["grace_days", "new_epoch_within_days"]),
        ] {
            changes.extend(keys.iter().map(|key| (operator.to_owned(), format!("[{table}]\n{key} = 77\n{operator}"))));
        }
        changes.push((operator.to_owned(), format!("[meet]\n{operator}")));
        changes.push((operator.to_owned(), format!("[budgets]\nsweep_reasons = [\"a\"]\n{operator}")));
        changes.push((operator.to_owned(), format!("[changes]\nsignatures = 3\n{operator}")));
        let log_origin = "log_origin = \"stapel.example.nl/zaanstad\"";
        let address = "addresses = [\"https://stapel.example.nl\"]";
        changes.push((log_origin.to_owned(), format!("{log_origin}\n{address}")));
        let slug = "slug = \"politie\"";
        let sees = "sees = \"presence\"";
        changes.push((sees.to_owned(), format!("{sees}\nsign_in = \"one-user\"")));
        changes.push((slug.to_owned(), format!("{slug}\ntls_oins = [\"00000099000000007000\"]")));
        changes.push(("interval_hours = 24".into(), "interval_hours = 25".into()));
        // Every text and name that stands in the sample in quotes of its own.
        for line in sample::TEXT.lines().filter(|line| line.ends_with('"') && !line.ends_with("\"\"\"")) {
            // Others follow a slug: an organisation's tables, and of the consortium's the name of the log.
            let changed = if ["slug", "organisation", "consortium"].iter().any(|key| line.starts_with(key)) {
                continue;
            } else if line.starts_with("log_origin") {
                line.replace("stapel", "stapels")
            } else if line.starts_with("oin") {
                line.replacen("000000099", "000000098", 1)
            } else if line.starts_with("sees") {
                line.replace("presence", "band").replace("\"count\"", "\"presence\"")
            } else if line.contains("_key") || line.contains("key_id") {
                line.replacen('0', "5", 1)
            } else {
                format!("{}x\"", &line[..line.len() - 1])
            };
            changes.push((line.to_owned(), changed));
        }
        assert!(changes.len() > 45);
        let utrecht = ["consortium = \"zaanstad\"", "example.nl/zaanstad"];
        let [consortium, log] = utrecht.map(|from| (from, from.replace("zaanstad", "utrecht")));
        let both = differences(&[(consortium.0, &consortium.1), (log.0, &log.1)]);
        assert!(both.iter().any(|line| line.starts_with("Consortium. Was: ")), "{both:?}");
        for (from, to) in changes.iter().filter(|(from, to)| from != to) {
            let newer = sample::changed(&[(from, to)]);
            assert_ne!(newer.digest(), sample::policy().digest(), "{to}");
            assert!(!differences(&[(from, to)]).is_empty(), "{to}");
        }
    }
}

//! What changes between two versions of a policy, in plain words.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::explain::seen;
use super::lang::{Lang, days_of, thousands};
use super::{Partner, Policy, level_word};

/// What something is called and what it says.
type Labelled = (&'static str, String);

impl Policy {
    /// What is different in `newer`, one sentence for each change; nothing where both say the same.
    pub fn difference(&self, newer: &Policy, lang: Lang) -> Vec<String> {
        if self == newer {
            return Vec::new();
        }
        let mut lines = vec![versions(self, newer, lang)];
        lines.extend(threshold(self.counting.threshold, newer.counting.threshold, lang));
        lines.extend(changed("", &labelled(self, lang), &labelled(newer, lang), lang));
        lines.extend(partners(self, newer, lang));
        lines.extend(epochs(self, newer, lang));
        lines.extend(overrides(self, newer, lang));
        lines
    }
}

fn versions(old: &Policy, new: &Policy, lang: Lang) -> String {
    let (from, to, day) = (old.version, new.version, new.valid_from);
    let named = new.previous == Some(old.digest());
    match (lang, named) {
        (Lang::Nl, true) => format!("Versie {from} wordt versie {to}, geldig vanaf {day}."),
        (Lang::En, true) => format!("Version {from} becomes version {to}, valid from {day}."),
        (Lang::Nl, false) => {
            format!(
                "Versie {from} naast versie {to}, geldig vanaf {day}. LET OP: die volgt niet op deze versie {from}."
            )
        }
        (Lang::En, false) => {
            format!(
                "Version {from} beside version {to}, valid from {day}. NOTE: that does not follow this version {from}."
            )
        }
    }
}

fn threshold(old: u8, new: u8, lang: Lang) -> Option<String> {
    let text = if new < old {
        lang.pick(
            format!(
                "DE DREMPEL GAAT OMLAAG, van {old} naar {new}: er zijn minder organisaties nodig voor een treffer, ook voor \
                 meldingen die er al zijn: die tellen meteen volgens de nieuwe drempel. Wie dat niet wil, tekent niet, of trekt ze vooraf in."
            ),
            format!(
                "THE THRESHOLD GOES DOWN, from {old} to {new}: fewer organisations make a hit, also of flags that are there \
                 already: they count under the new threshold at once. Who does not want that does not sign, or withdraws them before."
            ),
        )
    } else if new > old {
        lang.pick(
            format!("De drempel gaat omhoog, van {old} naar {new}: er zijn meer organisaties nodig voor een treffer."),
            format!("The threshold goes up, from {old} to {new}: it takes more organisations to make a hit."),
        )
    } else {
        return None;
    };
    Some(text)
}

/// All that stands once in a policy, the threshold aside.
fn labelled(policy: &Policy, lang: Lang) -> Vec<Labelled> {
    let yes = |value: bool| lang.pick(if value { "ja" } else { "nee" }, if value { "yes" } else { "no" }).to_owned();
    let number = |value: u32| thousands(value, lang);
    let days = |value: u16| days_of(value, lang);
    let levels: Vec<_> = policy.counting.levels.iter().map(|level| level_word(*level)).collect();
    let reasons: Vec<_> = policy.budgets.sweep_reasons.iter().map(|reason| reason.as_str()).collect();
    let all = [
        ("Samenwerkingsverband", "Consortium", policy.consortium.to_string()),
        ("Alleen voor een test", "For tests only", yes(policy.test)),
        ("Doel", "Purpose", policy.purpose.to_string()),
        ("Grondslag", "Legal basis", policy.legal_basis.clone()),
        ("Wat een melding betekent", "What a flag means", policy.flag_criterion.clone()),
        ("Wat er na een treffer gebeurt", "What happens after a hit", policy.after_hit.clone()),
        ("Coördinator", "Coordinator", policy.coordinator.clone()),
        ("Beheerder van de teller", "Operator", policy.operator.name.clone()),
        ("OIN van de beheerder", "The operator's OIN", policy.operator.oin.to_string()),
        ("Sleutel van de antwoorden", "Key of the replies", policy.operator.verifying_key.to_string()),
        ("Sleutel van het logboek", "Key of the log", policy.operator.checkpoint_key.to_string()),
        ("Naam van het logboek", "Name of the log", policy.operator.log_origin.clone()),
        (
            "Organisaties die meldingen moeten hebben staan",
            "Organisations that must hold flags",
            number(policy.counting.min_sources.into()),
        ),
        ("Hoogste aantal dat getoond wordt", "Highest count shown", number(policy.counting.count_cap.into())),
        ("Niveaus", "Levels", levels.join(", ")),
        ("Eigen melding nodig om te vragen", "Own flag required to ask", yes(policy.counting.own_flag_required)),
        ("Uren tussen peilmomenten", "Hours between releases", number(policy.release.interval_hours.into())),
        (
            "Organisaties die gewijzigd moeten hebben voor een peilmoment",
            "Organisations that must have changed for a release",
            number(policy.release.min_changed.into()),
        ),
        ("Langste wachttijd op een peilmoment", "Longest wait for a release", days(policy.release.max_wait_days)),
        ("Meldingen direct zichtbaar", "Flags visible at once", yes(policy.release.immediate)),
        ("Langste duur van een melding", "Longest time that a flag stands", days(policy.retention.max_days)),
        ("Bewaartijd van het logboek", "Time that the log is kept", days(policy.retention.log_days)),
        ("Nieuwe meldingen per dag", "New flags a day", number(policy.budgets.new_flags_a_day)),
        ("Meldingen tegelijk", "Flags at a time", number(policy.budgets.flags_held)),
        ("Vragen per dag", "Asked a day", number(policy.budgets.asked_a_day)),
        ("Vragen per sleutelperiode", "Asked in an epoch", number(policy.budgets.asked_an_epoch)),
        ("Vragen zonder eigen melding per dag", "Swept a day", number(policy.budgets.swept_a_day)),
        ("Redenen om te vragen zonder eigen melding", "Reasons to sweep", reasons.join(", ")),
        ("Tijd waarin een partner moet hebben aangeleverd", "Freshness window", days(policy.freshness_days)),
        (
            "Procent van de meldingen dat in één keer weg mag",
            "Share of flags that may go at once, in per cent",
            number(policy.max_shrink_percent.into()),
        ),
        (
            "Uren die een bericht oud mag zijn",
            "Hours that a message may be old",
            number(policy.messages.max_delay_hours.into()),
        ),
        (
            "Minuten die een bericht vooruit mag lopen",
            "Minutes that a message may be ahead",
            number(policy.messages.max_ahead_minutes.into()),
        ),
        ("Handtekeningen die nodig zijn", "Signatures needed", number(policy.changes.signatures.into())),
        (
            "Tijd dat meldingen volgens de vorige versie meetellen",
            "Time that flags under the version before pass",
            days(policy.changes.grace_days),
        ),
        (
            "Tijd tot een nieuwe sleutel na vertrek",
            "Time to a new key when somebody leaves",
            days(policy.changes.new_epoch_within_days),
        ),
    ];
    all.into_iter().map(|(nl, en, value)| (lang.pick(nl, en), value)).collect()
}

fn partners(old: &Policy, new: &Policy, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    for number in all(old.partners.iter().map(|p| p.number), new.partners.iter().map(|p| p.number)) {
        let named = |partner: &Partner| format!("{number}, {} ({})", partner.name, partner.organisation);
        match (old.partner(number), new.partner(number)) {
            (Some(was), Some(is)) => {
                let subject = format!("Partner {number}, {}: ", is.name);
                lines.extend(changed(&subject, &of_partner(old, was, lang), &of_partner(new, is, lang), lang));
            }
            (None, Some(is)) => {
                lines.push(lang.pick("Nieuw: partner ", "New: partner ").to_owned() + &named(is) + ".");
                let says = of_partner(new, is, lang).into_iter().filter(|(_, value)| !value.is_empty());
                lines.extend(says.map(|(label, value)| format!("Partner {number}: {label}: {value}")));
            }
            (Some(was), None) => {
                lines.push(lang.pick("Vertrokken: partner ", "Gone: partner ").to_owned() + &named(was) + ".");
            }
            (None, None) => {}
        }
    }
    lines
}

fn of_partner(policy: &Policy, partner: &Partner, lang: Lang) -> Vec<Labelled> {
    let may = [
        (partner.may.flag, lang.pick("melden", "flag")),
        (partner.may.ask, lang.pick("vragen", "ask")),
        (partner.may.sweep, lang.pick("vragen zonder eigen melding (sweep)", "ask without a flag of its own (sweep)")),
    ];
    let may: Vec<_> = may.iter().filter(|(may, _)| *may).map(|(_, word)| *word).collect();
    let old_key = partner.old_key.as_ref().map(|old| {
        let (key, until) = (old.verifying_key, old.until);
        lang.pick(format!("{key}, tot en met {until}"), format!("{key}, until {until}, that day included"))
    });
    vec![
        (lang.pick("naam", "name"), partner.name.clone()),
        (lang.pick("organisatie", "organisation"), partner.organisation.to_string()),
        ("OIN", partner.oin.to_string()),
        (lang.pick("sleutel", "key"), partner.verifying_key.to_string()),
        (lang.pick("oude sleutel", "old key"), old_key.unwrap_or_default()),
        (lang.pick("mag", "may"), may.join(", ")),
        (lang.pick("ziet", "sees"), seen(policy, partner.sees, lang)),
        (
            lang.pick("grondslag om te melden", "legal basis to flag"),
            partner.legal_basis_flag.clone().unwrap_or_default(),
        ),
        (
            lang.pick("grondslag om te vragen", "legal basis to ask"),
            partner.legal_basis_ask.clone().unwrap_or_default(),
        ),
    ]
}

fn epochs(old: &Policy, new: &Policy, lang: Lang) -> Vec<String> {
    let numbers = all(old.epochs.iter().map(|e| e.number), new.epochs.iter().map(|e| e.number));
    let changes = numbers.into_iter().filter_map(|number| {
        let says = |policy: &Policy| {
            policy.epoch(number).map_or_else(String::new, |epoch| {
                let (opens, closes, id) = (epoch.opens, epoch.closes, epoch.key_id);
                lang.pick(
                    format!("{opens} tot en met {closes}, sleutelkenmerk {id}"),
                    format!("{opens} to {closes}, that day included, key id {id}"),
                )
            })
        };
        change(lang.pick(format!("Sleutelperiode {number}"), format!("Epoch {number}")), &says(old), &says(new), lang)
    });
    changes.collect()
}

fn overrides(old: &Policy, new: &Policy, lang: Lang) -> Vec<String> {
    let rules = all(old.overrides.iter().map(|o| &o.rule), new.overrides.iter().map(|o| &o.rule));
    let changes = rules.into_iter().filter_map(|rule| {
        let reason = |policy: &Policy| {
            let found = policy.overrides.iter().find(|o| o.rule == *rule);
            found.map_or_else(String::new, |found| found.reason.clone())
        };
        let label = lang.pick(
            format!("Reden om de veiligheidsregel '{rule}' terzijde te stellen"),
            format!("Reason to set the safety rule '{rule}' aside"),
        );
        change(label, &reason(old), &reason(new), lang)
    });
    changes.collect()
}

/// The changes in two lists that have the same labels.
fn changed(subject: &str, old: &[Labelled], new: &[Labelled], lang: Lang) -> Vec<String> {
    let pairs = old.iter().zip(new);
    pairs.filter_map(|((label, was), (_, is))| change(format!("{subject}{label}"), was, is, lang)).collect()
}

/// What was and what is, where they differ. An empty text stands for nothing.
fn change(label: impl Display, was: &str, is: &str, lang: Lang) -> Option<String> {
    let nothing = lang.pick("niets", "nothing");
    let shown = |text: &str| if text.is_empty() { nothing.to_owned() } else { format!("\"{text}\"") };
    (was != is).then(|| {
        let (was, is) = (shown(was), shown(is));
        lang.pick(format!("{label}. Was: {was}. Wordt: {is}."), format!("{label}. Was: {was}. Becomes: {is}."))
    })
}

fn all<T: Ord>(old: impl Iterator<Item = T>, new: impl Iterator<Item = T>) -> BTreeSet<T> {
    old.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

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

//! What a policy may not do although it is well-formed, and what its answers give away.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::lang::{Lang, numbers};
use super::{Policy, Sees};

/// Rules that a policy may set aside with a reason.
pub(super) const OVERRIDABLE: &[&str] = &[
    "epoch-length",
    "grace-days",
    "max-days",
    "min-changed",
    "min-sources",
    "names-somebody",
    "own-flag",
    "signatures",
];

/// Rules that hold whatever the reason.
pub(super) const NEVER_OVERRIDDEN: &[&str] = &["immediate", "operator-in-roster", "threshold"];

/// An answer that fewer sets of other organisations than this explain is said to name somebody.
const FEWEST_SETS: u64 = 3;

/// Sets are counted up to here; what is more is "more than a million".
const MOST_SETS: u64 = 1_000_001;

const LONGEST_FLAG_DAYS: u16 = 366;
const LONGEST_GRACE_DAYS: u16 = 60;
const LONGEST_EPOCH_DAYS: u16 = 400;

/// What was found in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What keeps it from being in force, unless overridden.
    pub refusals: Vec<Finding>,
    /// What is worth knowing.
    pub notes: Vec<Finding>,
    /// What each answer that a partner may be shown gives away.
    pub reveals: Vec<Reveal>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's name, which is stable.
    pub rule: &'static str,
    /// The reason for which the policy sets the rule aside, if it does.
    pub overridden: Option<String>,
    texts: [String; 2],
}

/// How many sets of other organisations explain an answer to whoever is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reveal {
    /// The partners that may be shown it, by number, ascending.
    pub partners: Vec<u16>,
    /// What they are shown of a count.
    pub sees: Sees,
    /// Whether the asker's organisation flags what it asks about.
    pub own_flag: bool,
    /// How many other organisations may flag.
    pub others: usize,
    /// The lowest count that gives this answer.
    pub low: usize,
    /// The highest count that gives it; `None` where it says "or more".
    pub high: Option<usize>,
    /// The sets of others, counted up to 1,000,001.
    pub sets: u64,
}

impl Policy {
    /// Looks for what is unsafe, and says what the answers give away.
    pub fn check(&self) -> Check {
        let reveals = reveals(self, self.flagging_organisations());
        let mut refusals = fixed_rules(self);
        refusals.extend(limits(self));
        refusals.extend(reveals.iter().filter(|reveal| reveal.sets < FEWEST_SETS).map(names_somebody));
        for refusal in &mut refusals {
            let overriding = self.overrides.iter().find(|overriding| overriding.rule == refusal.rule);
            refusal.overridden = overriding.map(|overriding| overriding.reason.clone());
        }
        let mut notes = notes(self);
        let refused: BTreeSet<_> = refusals.iter().map(|refusal| refusal.rule).collect();
        for idle in self.overrides.iter().filter(|overriding| !refused.contains(overriding.rule.as_str())) {
            notes.push(finding(
                "override-idle",
                format!("De regel '{}' is terzijde gesteld, maar er is niets dat die regel weigert.", idle.rule),
                format!("The rule '{}' is overridden, but there is nothing that it refuses.", idle.rule),
            ));
        }
        Check { refusals, notes, reveals }
    }
}

impl Check {
    /// Whether every refusal is overridden.
    pub fn is_safe(&self) -> bool {
        self.standing().next().is_none()
    }

    /// The refusals that are not overridden.
    pub fn standing(&self) -> impl Iterator<Item = &Finding> {
        self.refusals.iter().filter(|refusal| refusal.overridden.is_none())
    }
}

impl Finding {
    /// What was found, and what to do.
    pub fn text(&self, lang: Lang) -> &str {
        &self.texts[lang as usize]
    }
}

impl Reveal {
    /// The answer as it is shown, with what it leaves open.
    pub fn text(&self, lang: Lang) -> String {
        let (partners, answer, sets) =
            (numbers(&self.partners, lang), self.answer(lang), possible_sets(self.sets, lang));
        let who = if self.partners.len() == 1 { "Partner" } else { "Partners" };
        match lang {
            Lang::Nl => {
                let about =
                    if self.own_flag { "een adres met eigen melding" } else { "een adres zonder eigen melding" };
                format!("{who} {partners}, over {about}: bij het antwoord {answer} {sets}.")
            }
            Lang::En => {
                let about = match (self.own_flag, self.partners.len()) {
                    (true, 1) => "an address that it flags itself",
                    (true, _) => "an address that they flag themselves",
                    (false, 1) => "an address that it does not flag itself",
                    (false, _) => "an address that they do not flag themselves",
                };
                format!("{who} {partners}, about {about}: the answer {answer} leaves {sets}.")
            }
        }
    }

    /// The answer in quotes: "2", "2 to 3", "4 or more", or that there is a stack.
    pub fn answer(&self, lang: Lang) -> String {
        let (low, high) = (self.low, self.high);
        match (lang, self.sees, high) {
            (Lang::Nl, Sees::Presence, _) => "\"gestapeld\"".into(),
            (Lang::En, Sees::Presence, _) => "\"stacked\"".into(),
            (Lang::Nl, _, None) => format!("\"{low} of meer\""),
            (Lang::En, _, None) => format!("\"{low} or more\""),
            (_, _, Some(high)) if high == low => format!("\"{low}\""),
            (Lang::Nl, _, Some(high)) => format!("\"{low} tot en met {high}\""),
            (Lang::En, _, Some(high)) => format!("\"{low} to {high}\""),
        }
    }
}

fn possible_sets(sets: u64, lang: Lang) -> String {
    match (lang, sets) {
        (Lang::Nl, 1) => "past maar 1 mogelijke groep andere organisaties".into(),
        (Lang::Nl, MOST_SETS) => "passen meer dan een miljoen mogelijke groepen andere organisaties".into(),
        (Lang::Nl, _) => format!("passen {sets} mogelijke groepen andere organisaties"),
        (Lang::En, 1) => "only 1 possible set of other organisations".into(),
        (Lang::En, MOST_SETS) => "more than a million possible sets of other organisations".into(),
        (Lang::En, _) => format!("{sets} possible sets of other organisations"),
    }
}

fn finding(rule: &'static str, nl: impl Into<String>, en: impl Into<String>) -> Finding {
    Finding { rule, overridden: None, texts: [nl.into(), en.into()] }
}

/// The rules that nothing sets aside.
fn fixed_rules(policy: &Policy) -> Vec<Finding> {
    let operator = &policy.operator;
    let own = [operator.verifying_key, operator.checkpoint_key];
    let double = policy.partners.iter().filter(|partner| {
        let old = partner.old_key.as_ref().map(|old| old.verifying_key);
        partner.oin == operator.oin || own.contains(&partner.verifying_key) || old.is_some_and(|old| own.contains(&old))
    });
    let double: Vec<u16> = double.map(|partner| partner.number).collect();
    let mut found = Vec::new();
    if !double.is_empty() {
        let (nl, en) = (numbers(&double, Lang::Nl), numbers(&double, Lang::En));
        found.push(finding(
            "operator-in-roster",
            format!(
                "De beheerder van de teller is zelf partner (nummer {nl}): met de sleutel van de partners kan hij \
                 van elk nummer het adres vinden. Kies een andere beheerder."
            ),
            format!(
                "The operator is in the roster (partner {en}): with the partners' key it can find the address of \
                 every pseudonym. Choose another operator."
            ),
        ));
    }
    if policy.counting.threshold < 2 {
        found.push(finding(
            "threshold",
            "De drempel is lager dan 2: dan verraadt een antwoord de melding van één enkele organisatie. Maak hem 2 of hoger.",
            "The threshold is under 2: an answer would give away the flag of one organisation. Make it 2 or more.",
        ));
    }
    if policy.release.immediate && !policy.test {
        found.push(finding(
            "immediate",
            "Meldingen zijn direct zichtbaar (immediate): dan is te zien wie wanneer iets meldt. Dat mag alleen met test = true.",
            "Flags are visible at once (immediate), which shows who flags when. That is only for test = true.",
        ));
    }
    found
}

/// The rules that a reason sets aside, except the one on what answers give away.
fn limits(policy: &Policy) -> Vec<Finding> {
    let (counting, organisations) = (&policy.counting, policy.organisations());
    let mut found = Vec::new();
    if policy.release.min_changed < 2 {
        found.push(finding(
            "min-changed",
            "Een peilmoment komt er al na een wijziging van 1 organisatie: dan is elk nieuw antwoord aan haar toe te \
             schrijven. Maak release.min_changed 2 of hoger.",
            "A release takes place after a change of 1 organisation, so that every new answer is that one's doing. Make \
             release.min_changed 2 or more.",
        ));
    }
    if counting.min_sources < counting.threshold.into() {
        let (sources, threshold) = (counting.min_sources, counting.threshold);
        found.push(finding(
            "min-sources",
            format!("min_sources ({sources}) is lager dan de drempel ({threshold}). Maak het minstens {threshold}."),
            format!("min_sources ({sources}) is under the threshold ({threshold}). Make it {threshold} or more."),
        ));
    }
    if !counting.own_flag_required {
        found.push(finding(
            "own-flag",
            "Partners mogen vragen naar adressen waar zij zelf niets over melden. Zet own_flag_required aan; wie dit echt \
             nodig heeft, kan \"sweep\" krijgen, met een eigen budget en een reden in het logboek.",
            "Partners may ask about addresses that they do not flag. Set own_flag_required; whoever really needs this can \
             be given \"sweep\", with a budget of its own and a reason in the log.",
        ));
    }
    let days = policy.retention.max_days;
    if days > LONGEST_FLAG_DAYS {
        found.push(finding(
            "max-days",
            format!(
                "Een melding kan {days} dagen blijven staan. Maak retention.max_days {LONGEST_FLAG_DAYS} of lager."
            ),
            format!("A flag may stand for {days} days. Make retention.max_days {LONGEST_FLAG_DAYS} or less."),
        ));
    }
    let days = policy.changes.grace_days;
    if days > LONGEST_GRACE_DAYS {
        found.push(finding(
            "grace-days",
            format!(
                "Meldingen volgens de vorige regels tellen nog {days} dagen mee. Maak changes.grace_days \
                 {LONGEST_GRACE_DAYS} of lager."
            ),
            format!(
                "Flags under the previous rules pass for {days} days. Make changes.grace_days {LONGEST_GRACE_DAYS} or less."
            ),
        ));
    }
    for epoch in &policy.epochs {
        let days = u32::from(epoch.closes.0 - epoch.opens.0) + 1;
        if days > LONGEST_EPOCH_DAYS.into() {
            let number = epoch.number;
            found.push(finding(
                "epoch-length",
                format!(
                    "Sleutelperiode {number} duurt {days} dagen: zo lang is alles van die periode met een gestolen sleutel \
                     te lezen. Houd het op {LONGEST_EPOCH_DAYS} of minder."
                ),
                format!(
                    "Epoch {number} lasts {days} days: for so long a stolen key opens all of it. Keep it to \
                     {LONGEST_EPOCH_DAYS} or less."
                ),
            ));
        }
    }
    let signatures = policy.changes.signatures;
    if usize::from(signatures) * 2 <= organisations {
        let majority = organisations / 2 + 1;
        found.push(finding(
            "signatures",
            format!(
                "{signatures} van de {organisations} organisaties kunnen de regels vaststellen. Maak changes.signatures \
                 {majority} of hoger."
            ),
            format!(
                "{signatures} of the {organisations} organisations can set the rules. Make changes.signatures {majority} \
                 or more."
            ),
        ));
    }
    found
}

fn names_somebody(reveal: &Reveal) -> Finding {
    finding(
        "names-somebody",
        format!(
            "{} Dat wijst bijna iemand aan. Laat deze partners minder zien (sees), verlaag count_cap of neem meer \
             organisaties op.",
            reveal.text(Lang::Nl)
        ),
        format!(
            "{} That all but names somebody. Show these partners less (sees), lower count_cap, or enrol more organisations.",
            reveal.text(Lang::En)
        ),
    )
}

fn notes(policy: &Policy) -> Vec<Finding> {
    let (counting, flagging) = (&policy.counting, policy.flagging_organisations());
    let mut notes = Vec::new();
    if policy.test {
        notes.push(finding(
            "test",
            "DIT ZIJN REGELS VOOR EEN TEST. Gebruik ze nooit met adressen van echte mensen.",
            "THIS IS A POLICY FOR TESTS. Never use it with addresses of real people.",
        ));
    }
    let needed = usize::from(counting.min_sources).max(counting.threshold.into());
    if flagging < needed {
        notes.push(finding(
            "unreachable",
            format!(
                "Er melden {flagging} organisaties en er zijn er {needed} nodig: geen adres kan ooit gestapeld zijn."
            ),
            format!("{flagging} organisations flag and {needed} are needed: no address can ever be stacked."),
        ));
    }
    if flagging < policy.release.min_changed.into() {
        let days = policy.release.max_wait_days;
        notes.push(finding(
            "only-after-waiting",
            format!(
                "Er melden minder organisaties dan release.min_changed: een peilmoment komt er pas na {days} dagen."
            ),
            format!("Fewer organisations flag than release.min_changed: a release only takes place after {days} days."),
        ));
    }
    let days = policy.release.max_wait_days;
    notes.push(finding(
        "waited-release",
        format!(
            "Na {days} dagen wachten komt er een peilmoment, ook als maar 1 organisatie iets wijzigde. Wie dat weet, kan een \
             nieuw antwoord aan die organisatie toeschrijven."
        ),
        format!(
            "After waiting {days} days a release takes place even if only 1 organisation changed anything. Whoever knows \
             that can ascribe a new answer to it."
        ),
    ));
    let scarce = reveals(policy, flagging.min(counting.min_sources.into()));
    if let Some(worst) = scarce.iter().min_by_key(|reveal| reveal.sets).filter(|worst| worst.sets < FEWEST_SETS) {
        let sources = counting.min_sources;
        notes.push(finding(
            "few-sources",
            format!(
                "Zolang maar {sources} organisaties meldingen aanleveren, {} bij het antwoord {}, voor wie weet welke \
                 organisaties dat zijn. Een hogere min_sources helpt.",
                possible_sets(worst.sets, Lang::Nl),
                worst.answer(Lang::Nl)
            ),
            format!(
                "While only {sources} organisations deliver flags, the answer {} leaves {} to whoever knows which they \
                 are. A higher min_sources helps.",
                worst.answer(Lang::En),
                possible_sets(worst.sets, Lang::En)
            ),
        ));
    }
    let sweepers: Vec<u16> = policy.partners.iter().filter(|p| p.may.sweep).map(|p| p.number).collect();
    if !sweepers.is_empty() {
        let (nl, en) = (numbers(&sweepers, Lang::Nl), numbers(&sweepers, Lang::En));
        notes.push(finding(
            "sweep",
            format!(
                "Partner {nl} mag vragen naar adressen zonder eigen melding (sweep), met een reden in het logboek."
            ),
            format!(
                "Partner {en} may ask about addresses without a flag of its own (sweep), with a reason in the log."
            ),
        ));
    }
    let flagging_names = policy.flagging_organisation_names();
    let vain: Vec<u16> = policy
        .partners
        .iter()
        .filter(|p| {
            p.may.ask && !p.may.sweep && counting.own_flag_required && !flagging_names.contains(&p.organisation)
        })
        .map(|p| p.number)
        .collect();
    if !vain.is_empty() {
        let (nl, en) = (numbers(&vain, Lang::Nl), numbers(&vain, Lang::En));
        notes.push(finding(
            "asks-in-vain",
            format!("Partner {nl} mag vragen maar meldt zelf niets, en krijgt daarom nooit een antwoord."),
            format!("Partner {en} may ask but flags nothing itself, and so never gets an answer."),
        ));
    }
    if policy.max_shrink_percent == 100 {
        notes.push(finding(
            "no-shrink-guard",
            "max_shrink_percent is 100: een afgekapte export kan ongemerkt alle meldingen van een partner intrekken.",
            "max_shrink_percent is 100: a truncated export can withdraw all of a partner's flags unnoticed.",
        ));
    }
    notes
}

/// What every answer gives away while `flagging` organisations flag.
fn reveals(policy: &Policy, flagging: usize) -> Vec<Reveal> {
    let names = policy.flagging_organisation_names();
    let mut askers: BTreeMap<(Sees, bool, usize), Vec<u16>> = BTreeMap::new();
    for partner in policy.partners.iter().filter(|partner| partner.may.ask) {
        let flags = names.contains(&partner.organisation);
        let others = flagging.saturating_sub(flags.into());
        if flags {
            askers.entry((partner.sees, true, others)).or_default().push(partner.number);
        }
        if partner.may.sweep || !policy.counting.own_flag_required {
            askers.entry((partner.sees, false, others)).or_default().push(partner.number);
        }
    }
    let reveals = askers.into_iter().flat_map(|((sees, own_flag, others), partners)| {
        standings(policy, sees).into_iter().map(move |(low, high)| {
            let own = usize::from(own_flag);
            // The asker, if it flags, is one of those counted; the rest are some of the others.
            let range = low.saturating_sub(own)..=high.map_or(others, |high| high.saturating_sub(own));
            let sets = sets(others, range);
            Reveal { partners: partners.clone(), sees, own_flag, others, low, high, sets }
        })
    });
    // An answer that no set explains is never given.
    reveals.filter(|reveal| reveal.sets > 0).collect()
}

/// The counts that look the same to whoever `sees` that much: from the lowest to the highest, or "or more".
fn standings(policy: &Policy, sees: Sees) -> Vec<(usize, Option<usize>)> {
    let counting = &policy.counting;
    let lows: Vec<usize> = match sees {
        Sees::Presence => vec![counting.threshold.into()],
        Sees::Band => counting.bands().map(usize::from).collect(),
        Sees::Count => (counting.threshold..=counting.count_cap).map(usize::from).collect(),
    };
    let highs = lows.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
    lows.iter().copied().zip(highs).collect()
}

/// How many subsets of `of` things have a size in `sizes`, counted up to [`MOST_SETS`].
fn sets(of: usize, sizes: RangeInclusive<usize>) -> u64 {
    let mut sum = 0u64;
    for size in sizes {
        if size > of || sum >= MOST_SETS {
            break;
        }
        sum = sum.saturating_add(choose(of, size));
    }
    sum.min(MOST_SETS)
}

/// The binomial coefficient, up to [`MOST_SETS`].
fn choose(of: usize, size: usize) -> u64 {
    let size = size.min(of - size);
    let mut ways = 1u64;
    for taken in 0..size {
        // Of the smaller half each step is larger than the one before, so the first that is too large settles it.
        ways = ways * (of - taken) as u64 / (taken as u64 + 1);
        if ways >= MOST_SETS {
            return MOST_SETS;
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn refused(changes: &[(&str, &str)]) -> Vec<&'static str> {
        let check = sample::changed(changes).check();
        let rules: BTreeSet<_> = check.standing().map(|refusal| refusal.rule).collect();
        assert_eq!(check.is_safe(), rules.is_empty());
        rules.into_iter().collect()
    }

    fn noted(changes: &[(&str, &str)]) -> Vec<&'static str> {
        sample::changed(changes).check().notes.iter().map(|note| note.rule).collect()
    }

    const RULE: &str = "threshold = 2";
    const EPOCH: &str = "[[epoch]]";

    #[test]
    fn the_sample_is_safe() {
        assert!(refused(&[]).is_empty());
        assert_eq!(noted(&[]), ["waited-release", "few-sources"]);
    }

    #[test]
    fn each_rule_refuses() {
        let top =
            |line: &'static str| ("[operator]", Box::leak(format!("{line}\n[operator]").into_boxed_str()) as &str);
        let operator = ("oin = \"00000009000000000000\"", "oin = \"00000002000000000000\"");
        assert_eq!(refused(&[operator]), ["operator-in-roster"]);
        assert_eq!(refused(&[(RULE, "threshold = 1")]), ["names-somebody", "threshold"]);
        assert_eq!(refused(&[("interval_hours = 24", "immediate = true")]), ["immediate"]);
        assert!(refused(&[("interval_hours = 24", "immediate = true"), top("test = true")]).is_empty());
        assert_eq!(refused(&[("interval_hours = 24", "min_changed = 1")]), ["min-changed"]);
        assert_eq!(refused(&[(RULE, "threshold = 4\nmin_sources = 3")]), ["min-sources", "names-somebody"]);
        assert_eq!(refused(&[(RULE, "own_flag_required = false")]), ["names-somebody", "own-flag"]);
        assert_eq!(refused(&[(EPOCH, "[retention]\nmax_days = 367\n[[epoch]]")]), ["max-days"]);
        assert_eq!(refused(&[(EPOCH, "[changes]\ngrace_days = 61\n[[epoch]]")]), ["grace-days"]);
        assert_eq!(refused(&[(EPOCH, "[changes]\nsignatures = 2\n[[epoch]]")]), ["signatures"]);
        assert!(refused(&[(EPOCH, "[changes]\nsignatures = 3\n[[epoch]]")]).is_empty());
        assert_eq!(refused(&[("closes = 2027-11-30", "closes = 2028-01-05")]), ["epoch-length"]);
        assert!(refused(&[("closes = 2027-11-30", "closes = 2028-01-04")]).is_empty());
        assert_eq!(refused(&[(RULE, "threshold = 2\ncount_cap = 4")]), ["names-somebody"]);
    }

    #[test]
    fn an_operator_with_a_partners_key_is_in_the_roster() {
        let (partner, operator) = (sample::partner_key(3).verifying_key(), sample::operator_key().verifying_key());
        let checkpoint = sample::checkpoint_key().verifying_key();
        for own in [operator, checkpoint] {
            assert_eq!(refused(&[(&own.to_string(), &partner.to_string())]), ["operator-in-roster"]);
            let old = format!("old_key = {{ verifying_key = \"{own}\", until = 2026-12-31 }}\nsees = \"presence\"");
            assert_eq!(refused(&[("sees = \"presence\"", &old)]), ["operator-in-roster"]);
        }
    }

    #[test]
    fn a_reason_sets_a_rule_aside_and_stays_with_it() {
        let reason = "[[override]]\nrule = \"names-somebody\"\nreason = \"Besloten\"\n[[epoch]]";
        let changes = [(RULE, "threshold = 2\ncount_cap = 4"), (EPOCH, reason)];
        assert!(refused(&changes).is_empty());
        let check = sample::changed(&changes).check();
        assert!(check.refusals.iter().all(|refusal| refusal.overridden.as_deref() == Some("Besloten")));
        let refused: Vec<_> = check.refusals.iter().map(|refusal| refusal.text(Lang::En)).collect();
        assert!(refused.len() == 2 && refused[0].contains("\"4 or more\"") && refused[1].contains("\"4 or more\""));
        assert!(noted(&[(EPOCH, reason)]).contains(&"override-idle"));
    }

    #[test]
    fn notes() {
        assert_eq!(noted(&[("[operator]", "test = true\n[operator]")])[0], "test");
        assert!(noted(&[(RULE, "threshold = 2\nmin_sources = 5")]).contains(&"unreachable"));
        assert!(noted(&[("interval_hours = 24", "min_changed = 5")]).contains(&"only-after-waiting"));
        assert!(noted(&[("[operator]", "max_shrink_percent = 100\n[operator]")]).contains(&"no-shrink-guard"));
        let silent = [
            ("may = [\"flag\", \"ask\"] # gemeente", "may = [\"ask\"]"),
            ("legal_basis_flag = \"Gemeentewet", "# \"Gemeentewet"),
        ];
        assert!(noted(&silent).contains(&"asks-in-vain"));
        let sweep = [
            ("may = [\"flag\", \"ask\"] # zaanwonen", "may = [\"flag\", \"ask\", \"sweep\"]"),
            (EPOCH, "[budgets]\nswept_a_day = 5\nsweep_reasons = [\"a\"]\n[[epoch]]"),
        ];
        assert!(noted(&sweep).contains(&"sweep"));
        assert!(refused(&sweep).is_empty(), "without an own flag, \"stacked\" still leaves 3 + 1 sets of 3 others");
    }

    #[test]
    fn what_the_samples_counts_leave_open() {
        let reveals = sample::policy().check().reveals;
        let seen: Vec<_> = reveals.iter().map(|r| (r.partners.clone(), r.answer(Lang::En), r.sets)).collect();
        assert_eq!(
            seen,
            [
                (vec![3], "\"stacked\"".to_owned(), 7),
                (vec![2], "\"2 or more\"".to_owned(), 7),
                (vec![1, 4], "\"2\"".to_owned(), 3),
                (vec![1, 4], "\"3 or more\"".to_owned(), 4),
            ]
        );
        assert_eq!(
            reveals[2].text(Lang::En),
            "Partners 1 and 4, about an address that they flag themselves: the answer \"2\" leaves 3 possible sets of \
             other organisations."
        );
    }

    /// Against counting the subsets one by one.
    #[test]
    fn sets_are_counted_right() {
        for of in 0..12usize {
            for low in 0..13 {
                for high in low..13 {
                    let plain =
                        (0u32..1 << of).filter(|set| (low..=high).contains(&(set.count_ones() as usize))).count();
                    assert_eq!(sets(of, low..=high), plain as u64, "{of} {low} {high}");
                }
            }
        }
        assert_eq!(sets(10_000, 1..=9_999), MOST_SETS);
        assert_eq!(choose(10_000, 5_000), MOST_SETS);
        assert_eq!(choose(10_000, 9_999), 10_000);
        assert_eq!(choose(1_000_000_000, 2), MOST_SETS);
    }

    #[test]
    fn bands_and_counts_cover_every_count_once() {
        let policy = sample::changed(&[(RULE, "threshold = 3\ncount_cap = 30")]);
        for sees in [Sees::Presence, Sees::Band, Sees::Count] {
            let standings = standings(&policy, sees);
            assert_eq!(standings[0].0, 3);
            assert_eq!(standings.last().unwrap().1, None);
            assert!(standings.windows(2).all(|pair| pair[0].1 == Some(pair[1].0 - 1)));
        }
    }
}

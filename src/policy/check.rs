//! What a policy may not do although it is well-formed, and what its answers give away.
//!
//! Here is what is found; the sentences for it are in `explain`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::model::{Answers, Counting, LegalAct, Policy, RosterEntry, Sees, SignIn};
use super::published::has_published_key;
use crate::address::Level;
use crate::slug::Slug;

/// Rules that a policy may set aside with a reason.
pub(super) const OVERRIDABLE: &[&str] = &[
    "epoch-length",
    "epoch-overlap",
    "first-set",
    "flag-days",
    "grace-days",
    "leaver-days",
    "log-days",
    "max-days",
    "max-wait",
    "min-changed",
    "min-sources",
    "names-somebody",
    "own-flag",
    "signatures",
];

/// Rules that hold whatever the reason.
pub(super) const NEVER_OVERRIDDEN: &[&str] = &[
    "contact-point",
    "flag-days-wgs",
    "immediate",
    "log-days-wgs",
    "operator-in-roster",
    "published-key",
    "threshold",
];

/// The rule of the note that an organisation is never asked to join.
pub(super) const NOT_ASKED: &str = "not-asked";

/// The notes that the coordinator is brought of one address that one organisation puts forward: the address, a text,
/// and two that say that what the coordinator wrote was read.
const NOTES_OF_A_ROW: usize = 4;

/// The notes that one exchange brings: a post has so many slots.
const NOTES_OF_AN_EXCHANGE: usize = 4;

/// An answer names somebody when fewer sets of other organisations than this could have given rise to it.
const FEWEST_SETS: u64 = 3;

/// Sets are counted up to this number, which stands for "more than a million".
pub(super) const MOST_SETS: u64 = 1_000_001;

/// The most days that `retention.max_days` may give: a year.
const LONGEST_FLAG_DAYS: u16 = 366;

/// The days that reach a month's end from the first day of any month.
const FEWEST_FLAG_DAYS: u16 = 30;

/// The most days that a flag with its renewals, or the log, may be kept without a reason: a year.
const LONGEST_KEPT_DAYS: u16 = 366;

/// The fewest days that the log may be kept: a partner that is heard of once a month is to find its lines there.
const FEWEST_LOG_DAYS: u16 = 30;

/// The most days that either may be kept under the Wgs: five years.
const LONGEST_KEPT_DAYS_WGS: u16 = 1_827;

/// The most flags that an organisation may bring on its first day: as many as a small town has homes.
const MOST_ON_FIRST_DAY: u32 = 10_000;

/// The fewest days that `release.max_wait_days` may give: what so many days bring together is less often one's alone.
const FEWEST_WAIT_DAYS: u16 = 7;

/// The most days that `changes.new_epoch_within_days` may give: for so long a leaver can read what it gets hold of.
const LONGEST_LEAVER_DAYS: u16 = 60;

/// The most days that `changes.grace_days` may give.
const LONGEST_GRACE_DAYS: u16 = 60;

/// The fewest days of an epoch: in each an organisation may ask about as many other addresses as it held before.
const FEWEST_EPOCH_DAYS: u16 = 60;

/// The most days of an epoch: a year and some time to overlap with the next.
const LONGEST_EPOCH_DAYS: u16 = 400;

/// What [`Policy::check`] found in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What keeps the policy from being in force, unless it is overridden.
    pub refusals: Vec<Finding>,
    /// What is worth knowing.
    pub notes: Vec<Finding>,
    /// What each answer that a partner may be shown gives away.
    pub reveals: Vec<Reveal>,
}

/// One thing that was found in a policy: a refusal or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's name, which is stable.
    pub rule: &'static str,
    /// The reason for which the policy sets the rule aside, if it does.
    pub overridden: Option<String>,
    /// What fills the blanks of the rule's sentence (`problem.` and the rule's name), by the blanks' names.
    pub(super) facts: Vec<(&'static str, Fact)>,
}

/// A value in a sentence on a finding. How it is written depends on the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Number(usize),
    Rule(String),
    Partners(Vec<u16>),
    Organisations(Vec<Slug>),
    /// The answer that partners are shown.
    Answer(Reveal),
    /// How many sets of other organisations an answer leaves possible.
    Sets(u64),
    /// The answer, who may be shown it, and what it leaves open.
    Reveal(Reveal),
}

/// What one answer gives away to those who may be shown it: how many sets of other organisations it leaves possible.
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
    /// The number of sets of others that could have given rise to the answer, counted up to 1,000,001.
    pub sets: u64,
    /// The fewest of those that can be left where one of the others tells the asker whether it flags the address.
    pub sets_of_two: u64,
}

impl Policy {
    /// Looks for what is unsafe, and says what the answers give away.
    pub fn check(&self) -> Check {
        let reveals = reveals(self, usize::MAX);
        let mut refusals = fixed_rules(self);
        refusals.extend(limits(self));
        let naming = reveals.iter().filter(|reveal| reveal.sets < FEWEST_SETS);
        refusals
            .extend(naming.map(|reveal| Finding::new("names-somebody", [("reveal", Fact::Reveal(reveal.clone()))])));
        let mut notes = notes(self);
        for aside in &self.overrides {
            let mut refused = refusals.iter_mut().filter(|refusal| refusal.rule == aside.rule).peekable();
            if refused.peek().is_none() {
                notes.push(Finding::new("override-idle", [("rule", Fact::Rule(aside.rule.clone()))]));
            }
            refused.for_each(|refusal| refusal.overridden = Some(aside.reason.clone()));
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
    fn new(rule: &'static str, facts: impl IntoIterator<Item = (&'static str, Fact)>) -> Finding {
        Finding { rule, overridden: None, facts: facts.into_iter().collect() }
    }
}

fn number(number: impl Into<usize>) -> Fact {
    Fact::Number(number.into())
}

fn count(count: u32) -> Fact {
    Fact::Number(count as usize)
}

/// How many flags an organisation can bring on its first day: those of its first full sets and those of the day.
fn first_day(policy: &Policy) -> u32 {
    let budgets = &policy.budgets;
    budgets.first_set_flags.saturating_add(budgets.new_flags_a_day).min(budgets.flags_held)
}

/// The fewest organisations of `flagging` whose new flags may bring a release about: an asker that flags something to
/// bring it about, and two others, so that what is new is not one organisation's.
pub(super) fn fewest_changed(flagging: usize) -> usize {
    flagging.clamp(1, 3)
}

/// The rules that nothing sets aside.
fn fixed_rules(policy: &Policy) -> Vec<Finding> {
    let operator = &policy.operator;
    let own = [operator.verifying_key, operator.checkpoint_key];
    let is_operator = |organisation: &Slug| {
        let found = policy.organisation(organisation);
        found.is_some_and(|found| found.oin == operator.oin || own.contains(&found.policy_key))
    };
    let partners = numbers(policy, |partner| is_operator(&partner.organisation));
    let mut found = Vec::new();
    if !partners.is_empty() {
        found.push(Finding::new("operator-in-roster", [("partners", Fact::Partners(partners))]));
    }
    if policy.counting.threshold < 2 {
        found.push(Finding::new("threshold", []));
    }
    if policy.release.immediate && !policy.test {
        found.push(Finding::new("immediate", []));
    }
    if has_published_key(policy) && !policy.test {
        found.push(Finding::new("published-key", []));
    }
    if policy.contact_point.is_none() && !policy.test {
        found.push(Finding::new("contact-point", []));
    }
    if policy.legal_act == Some(LegalAct::Wgs) {
        found.extend(kept_longer(policy, LONGEST_KEPT_DAYS_WGS, "flag-days-wgs", "log-days-wgs"));
    }
    found
}

/// The rules that a reason sets aside, except the one on what answers give away.
fn limits(policy: &Policy) -> Vec<Finding> {
    let counting = &policy.counting;
    let mut found = Vec::new();
    let fewest = fewest_changed(policy.flagging_organisations());
    if usize::from(policy.release.min_changed) < fewest {
        let facts = [("min_changed", number(policy.release.min_changed)), ("fewest", number(fewest))];
        found.push(Finding::new("min-changed", facts));
    }
    let days = policy.release.max_wait_days;
    if days < FEWEST_WAIT_DAYS && !policy.test {
        let facts = [("days", number(days)), ("fewest", number(FEWEST_WAIT_DAYS))];
        found.push(Finding::new("max-wait", facts));
    }
    let (min_sources, threshold) = (counting.min_sources, counting.threshold);
    if min_sources < threshold.into() {
        let facts = [("min_sources", number(min_sources)), ("threshold", number(threshold))];
        found.push(Finding::new("min-sources", facts));
    }
    if !counting.own_flag_required {
        found.push(Finding::new("own-flag", []));
    }
    let days = policy.retention.max_days;
    if days > LONGEST_FLAG_DAYS {
        found.push(Finding::new("max-days", [("days", number(days)), ("most", number(LONGEST_FLAG_DAYS))]));
    }
    if policy.legal_act.is_none() {
        found.extend(kept_longer(policy, LONGEST_KEPT_DAYS, "flag-days", "log-days"));
    }
    let days = policy.retention.log_days;
    if days < FEWEST_LOG_DAYS {
        let most = if policy.legal_act.is_none() { LONGEST_KEPT_DAYS } else { LONGEST_KEPT_DAYS_WGS };
        found.push(Finding::new("log-days", kept_days(days.into(), most)));
    }
    if !policy.test && first_day(policy) > MOST_ON_FIRST_DAY {
        let facts = [("flags", count(first_day(policy))), ("most", count(MOST_ON_FIRST_DAY))];
        found.push(Finding::new("first-set", facts));
    }
    let days = policy.changes.grace_days;
    if days > LONGEST_GRACE_DAYS {
        found.push(Finding::new("grace-days", [("days", number(days)), ("most", number(LONGEST_GRACE_DAYS))]));
    }
    let days = policy.changes.new_epoch_within_days;
    if days > LONGEST_LEAVER_DAYS {
        found.push(Finding::new("leaver-days", [("days", number(days)), ("most", number(LONGEST_LEAVER_DAYS))]));
    }
    for epoch in &policy.epochs {
        let days = usize::from(epoch.closes.0 - epoch.opens.0) + 1;
        // One that has begun may have to close soon, because an organisation leaves that holds its secret.
        let is_short = days < FEWEST_EPOCH_DAYS.into() && epoch.opens >= policy.valid_from && !policy.test;
        if is_short || days > LONGEST_EPOCH_DAYS.into() {
            let (fewest, most) = (number(FEWEST_EPOCH_DAYS), number(LONGEST_EPOCH_DAYS));
            let epoch = Fact::Number(epoch.number as usize);
            let facts = [("epoch", epoch), ("days", number(days)), ("fewest", fewest), ("most", most)];
            found.push(Finding::new("epoch-length", facts));
        }
    }
    let fewest = usize::from(policy.release.max_wait_days) + 1;
    for (older, newer) in policy.epochs.iter().zip(policy.epochs.iter().skip(1)) {
        let days = (usize::from(older.closes.0) + 1).saturating_sub(newer.opens.0.into());
        // Of an epoch that is over by the time the policy is valid, nothing can be mended.
        if days < fewest && older.closes >= policy.valid_from {
            let [older, newer] = [older, newer].map(|epoch| Fact::Number(epoch.number as usize));
            found.push(Finding::new(
                "epoch-overlap",
                [("older", older), ("newer", newer), ("days", number(days)), ("fewest", number(fewest))],
            ));
        }
    }
    let organisations = policy.organisations.len();
    let (signatures, majority) = (policy.changes.signatures, organisations / 2 + 1);
    if usize::from(signatures) < majority {
        found.push(Finding::new(
            "signatures",
            [
                ("signatures", number(signatures)),
                ("organisations", number(organisations)),
                ("majority", number(majority)),
            ],
        ));
    }
    found
}

/// What is found where a flag with all its renewals, or the log, is kept for more than `most` days.
fn kept_longer(
    policy: &Policy,
    most: u16,
    flag_rule: &'static str,
    log_rule: &'static str,
) -> impl Iterator<Item = Finding> {
    let kept = [(flag_rule, policy.retention.longest_days()), (log_rule, policy.retention.log_days.into())];
    let longer = kept.into_iter().filter(move |(_, days)| *days > most.into());
    longer.map(move |(rule, days)| Finding::new(rule, kept_days(days, most)))
}

fn kept_days(days: u32, most: u16) -> [(&'static str, Fact); 3] {
    [("days", count(days)), ("fewest", number(FEWEST_LOG_DAYS)), ("most", number(most))]
}

fn notes(policy: &Policy) -> Vec<Finding> {
    let (counting, release) = (&policy.counting, &policy.release);
    let (flagging, fewest) = (policy.flagging_organisations(), policy.fewest_flagging(0));
    let days = number(release.max_wait_days);
    let mut notes = Vec::new();
    if policy.test {
        notes.push(Finding::new("test", []));
    }
    let needed = usize::from(counting.min_sources).max(counting.threshold.into());
    if flagging < needed {
        notes.push(Finding::new("unreachable", [("flagging", number(flagging)), ("needed", number(needed))]));
    }
    if fewest < flagging {
        notes.push(Finding::new("joins-later", [("fewest", number(fewest)), ("flagging", number(flagging))]));
    }
    if fewest < release.min_changed.into() {
        notes.push(Finding::new("only-after-waiting", [("days", days.clone())]));
    }
    // The asker's own organisation may be one of those that changed, and one of the others is named if it is alone.
    let withstood = usize::from(release.min_changed).saturating_sub(2);
    notes.push(Finding::new(
        "withstands",
        [
            ("min_changed", number(release.min_changed)),
            ("others", number(release.min_changed.saturating_sub(1))),
            ("together", number(withstood)),
            ("more", number(withstood + 1)),
        ],
    ));
    notes.push(Finding::new("waited-release", [("days", days)]));
    let scarce = reveals(policy, counting.min_sources.into());
    if let Some(worst) = scarce.into_iter().min_by_key(|reveal| reveal.sets).filter(|worst| worst.sets < FEWEST_SETS) {
        let (min_sources, sets) = (number(counting.min_sources), Fact::Sets(worst.sets));
        let facts = [("min_sources", min_sources), ("answer", Fact::Answer(worst)), ("sets", sets)];
        notes.push(Finding::new("few-sources", facts));
    }
    let month = first_day(policy).saturating_add(policy.budgets.new_flags_a_day.saturating_mul(29));
    let month = month.min(policy.budgets.flags_held);
    notes.push(Finding::new("own-flags", [("flags", count(first_day(policy))), ("month", count(month))]));
    let retention = &policy.retention;
    notes.push(Finding::new(
        "flag-time",
        [
            ("max_days", number(retention.max_days)),
            ("max_renewals", number(retention.max_renewals)),
            ("days", Fact::Number(retention.longest_days() as usize)),
        ],
    ));
    if retention.max_days < FEWEST_FLAG_DAYS {
        let days = retention.max_days;
        let facts = [("days", number(days)), ("open", number(days + 1)), ("fewest", number(FEWEST_FLAG_DAYS))];
        notes.push(Finding::new("short-flags", facts));
    }
    if counting.own_flag_required && counting.levels.contains(&Level::Number) {
        notes.push(Finding::new("number-level", []));
    }
    let partners = numbers(policy, |partner| partner.may.sweep);
    if !partners.is_empty() {
        notes.push(Finding::new("sweep", [("partners", Fact::Partners(partners))]));
    }
    let flagging = policy.flagging_organisation_names();
    let partners = numbers(policy, |partner| {
        partner.may.ask && !partner.may.sweep && counting.own_flag_required && !flagging.contains(&partner.organisation)
    });
    if !partners.is_empty() {
        notes.push(Finding::new("asks-in-vain", [("partners", Fact::Partners(partners))]));
    }
    let partners = numbers(policy, |partner| partner.sign_in == Some(SignIn::OneUser));
    if !partners.is_empty() {
        notes.push(Finding::new("one-user", [("partners", Fact::Partners(partners))]));
    }
    let (signatures, organisations) = (usize::from(policy.changes.signatures), policy.organisations.len());
    if signatures < organisations {
        let facts = [("signatures", number(signatures)), ("organisations", number(organisations))];
        notes.push(Finding::new("fewer-sign", facts));
    }
    if policy.max_shrink_percent == 100 {
        notes.push(Finding::new("no-shrink-guard", []));
    }
    notes.extend(of_meeting(policy));
    notes
}

/// What is worth knowing of how those who flag an address come to talk.
fn of_meeting(policy: &Policy) -> Vec<Finding> {
    let mut notes = Vec::new();
    let coordinator = policy.coordinating_partner();
    if policy.meet.is_none() {
        // Whoever coordinates has nothing to do then.
        notes.extend(coordinator.map(|_| Finding::new("coordinates-nothing", [])));
        return notes;
    }
    let flagging = policy.flagging_organisation_names();
    let apart = flagging.iter().flat_map(|one| flagging.iter().map(move |other| (one, other)));
    let apart = apart.filter(|(one, other)| one < other && !policy.meet_directly(one, other)).count();
    if coordinator.is_none() && apart > 0 {
        notes.push(Finding::new("nobody-introduces", [("pairs", number(apart))]));
    }
    let (mut of_epochs, mut last) = (Vec::new(), Vec::new());
    for epoch in policy.epochs.iter().filter(|epoch| epoch.closes >= policy.valid_from) {
        let unsafe_numbers = policy.unsafe_introductions(epoch.number);
        if !unsafe_numbers.is_empty() && unsafe_numbers != last {
            let numbers = unsafe_numbers.iter().map(|number| *number as u16).collect();
            let facts = [("epoch", Fact::Number(epoch.number as usize)), ("numbers", Fact::Partners(numbers))];
            of_epochs.push(Finding::new("not-introduced", facts));
        }
        last = unsafe_numbers;
    }
    notes.extend(of_epochs);
    notes.extend(few_exchanges(policy));
    if policy.meet.as_ref().is_some_and(|meet| meet.tell_others) {
        notes.extend(never_asked(policy));
    }
    notes
}

/// That the coordinator cannot be brought, on one day, what organisations may put forward on one, in the epoch in which
/// most of them are told to it.
fn few_exchanges(policy: &Policy) -> Option<Finding> {
    let meet = policy.meet.as_ref()?;
    let epochs = policy.epochs.iter().filter(|epoch| epoch.closes >= policy.valid_from);
    let told = |epoch: u32| {
        let flagging = policy.flagging_organisation_names().into_iter();
        flagging.filter(|one| policy.takes_part(one, epoch) && policy.meets_by_coordinator(one, epoch)).count()
    };
    let organisations = epochs.map(|epoch| told(epoch.number)).max().unwrap_or(0);
    let rows = organisations * meet.new_a_day as usize;
    let slots = usize::from(meet.exchanges_a_day) * NOTES_OF_AN_EXCHANGE;
    (rows * NOTES_OF_A_ROW > slots).then(|| {
        let facts = [
            ("organisations", number(organisations)),
            ("new_a_day", count(meet.new_a_day)),
            ("rows", number(rows)),
            ("notes", number(rows * NOTES_OF_A_ROW)),
            ("exchanges", number(meet.exchanges_a_day)),
            ("slots", number(slots)),
            ("carried", number(slots / NOTES_OF_A_ROW)),
        ];
        Finding::new("few-exchanges", facts)
    })
}

/// Which organisations are never asked, by epoch, where another than in the epoch before.
fn never_asked(policy: &Policy) -> Vec<Finding> {
    let (mut found, mut last) = (Vec::new(), Vec::new());
    for epoch in policy.epochs.iter().filter(|epoch| epoch.closes >= policy.valid_from) {
        let never = policy.never_asked(epoch.number).into_iter();
        let never: Vec<_> = never.map(|one| (one, policy.not_met_directly(one, epoch.number))).collect();
        for (organisation, others) in never.iter().filter(|one| !last.contains(*one)) {
            let others = others.iter().map(|other| (*other).clone()).collect();
            let facts = [
                ("epoch", Fact::Number(epoch.number as usize)),
                ("organisation", Fact::Organisations(vec![(*organisation).clone()])),
                ("others", Fact::Organisations(others)),
            ];
            found.push(Finding::new(NOT_ASKED, facts));
        }
        last = never;
    }
    found
}

/// The numbers of the partners of which something holds.
fn numbers(policy: &Policy, holds: impl Fn(&RosterEntry) -> bool) -> Vec<u16> {
    policy.partners.iter().filter(|partner| holds(partner)).map(|partner| partner.number).collect()
}

/// What every answer gives away while at most so many organisations flag.
fn reveals(policy: &Policy, at_most: usize) -> Vec<Reveal> {
    if policy.counting.answers == Some(Answers::Totals) {
        return Vec::new();
    }
    let names = policy.flagging_organisation_names();
    // By an asker's first epoch: nobody asks in an epoch before that.
    let mut fewest: BTreeMap<u32, usize> = BTreeMap::new();
    let mut askers: BTreeMap<(Sees, bool, usize), Vec<u16>> = BTreeMap::new();
    for partner in policy.partners.iter().filter(|partner| partner.may.ask) {
        let flags = names.contains(&partner.organisation);
        let first = policy.organisation(&partner.organisation).and_then(|found| found.first_epoch).unwrap_or(0);
        let flagging = *fewest.entry(first).or_insert_with(|| policy.fewest_flagging(first).min(at_most));
        let others = flagging.saturating_sub(flags.into());
        if flags {
            askers.entry((partner.sees, true, others)).or_default().push(partner.number);
        }
        if partner.may.sweep || !policy.counting.own_flag_required {
            askers.entry((partner.sees, false, others)).or_default().push(partner.number);
        }
    }
    let reveals = askers.into_iter().flat_map(|((sees, own_flag, others), partners)| {
        counts_shown(&policy.counting, sees).into_iter().map(move |(low, high)| {
            let own = usize::from(own_flag);
            // The asker, if it flags, is one of those counted; the rest are some of the others.
            let range = low.saturating_sub(own)..=high.map_or(others, |high| high.saturating_sub(own));
            let (sets, sets_of_two) = (sets(others, range.clone()), sets_of_two(others, range));
            Reveal { partners: partners.clone(), sees, own_flag, others, low, high, sets, sets_of_two }
        })
    });
    // An answer that no set explains is never given.
    reveals.filter(|reveal| reveal.sets > 0).collect()
}

/// The counts that look the same to whoever `sees` that much: from the lowest to the highest, or "or more".
pub(super) fn counts_shown(counting: &Counting, sees: Sees) -> Vec<(usize, Option<usize>)> {
    let lows: Vec<usize> = match sees {
        Sees::Presence => vec![counting.threshold.into()],
        Sees::Band => counting.bands().map(usize::from).collect(),
        Sees::Count => (counting.threshold..=counting.count_cap).map(usize::from).collect(),
    };
    let highs = lows.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
    lows.iter().copied().zip(highs).collect()
}

/// How many subsets of `of` things have a size in `sizes`, counted up to [`MOST_SETS`].
pub(super) fn sets(of: usize, sizes: RangeInclusive<usize>) -> u64 {
    let mut sum = 0u64;
    for size in sizes {
        if size > of || sum >= MOST_SETS {
            break;
        }
        sum = sum.saturating_add(choose(of, size));
    }
    sum.min(MOST_SETS)
}

/// The fewest of those subsets that are left to whoever knows of one of the things whether it is in them.
fn sets_of_two(of: usize, sizes: RangeInclusive<usize>) -> u64 {
    let Some(rest) = of.checked_sub(1) else { return sets(of, sizes) };
    let (low, high) = sizes.into_inner();
    let with_it = high.checked_sub(1).map_or(0, |high| sets(rest, low.saturating_sub(1)..=high));
    let without_it = sets(rest, low..=high);
    [with_it, without_it].into_iter().filter(|sets| *sets > 0).min().unwrap_or_default()
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
    use std::collections::BTreeSet;

    use super::super::explain::Lang;
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
        assert_eq!(noted(&[]), ["withstands", "waited-release", "few-sources", "own-flags", "flag-time"]);
    }

    #[test]
    fn each_rule_refuses() {
        let top =
            |line: &'static str| ("[operator]", Box::leak(format!("{line}\n[operator]").into_boxed_str()) as &str);
        let operator = ("00000099000000009000", "00000099000000002000");
        assert_eq!(refused(&[operator]), ["operator-in-roster"]);
        assert_eq!(refused(&[(RULE, "threshold = 1")]), ["names-somebody", "threshold"]);
        assert_eq!(refused(&[("interval_hours = 24", "immediate = true")]), ["immediate"]);
        assert!(refused(&[("interval_hours = 24", "immediate = true"), top("test = true")]).is_empty());
        let nowhere = (sample::CONTACT_POINT, "");
        assert_eq!(refused(&[nowhere]), ["contact-point"]);
        assert!(refused(&[nowhere, top("test = true")]).is_empty());
        assert_eq!(refused(&[("interval_hours = 24", "min_changed = 2")]), ["min-changed"]);
        assert_eq!(refused(&[("interval_hours = 24", "max_wait_days = 6")]), ["max-wait"]);
        assert_eq!(refused(&[("interval_hours = 24", "max_wait_days = 7")]), [""; 0]);
        assert!(refused(&[("interval_hours = 24", "min_changed = 3")]).is_empty());
        assert_eq!(refused(&[(RULE, "threshold = 4\nmin_sources = 3")]), ["min-sources", "names-somebody"]);
        assert_eq!(refused(&[(RULE, "own_flag_required = false")]), ["names-somebody", "own-flag"]);
        let kept = |lines: &str| {
            let text = format!("[retention]\n{lines}\n[[epoch]]");
            (EPOCH, Box::leak(text.into_boxed_str()) as &str)
        };
        assert!(refused(&[kept("max_days = 366\nmax_renewals = 0")]).is_empty());
        assert_eq!(refused(&[kept("max_days = 367\nmax_renewals = 0")]), ["flag-days", "max-days"]);
        assert!(refused(&[kept("max_days = 61\nmax_renewals = 5")]).is_empty());
        assert_eq!(refused(&[kept("max_days = 61\nmax_renewals = 6")]), ["flag-days"]);
        assert_eq!(refused(&[(EPOCH, "[retention]\nlog_days = 367\n[[epoch]]")]), ["log-days"]);
        assert!(refused(&[(EPOCH, "[retention]\nlog_days = 30\n[[epoch]]")]).is_empty());
        let week = (EPOCH, "[retention]\nlog_days = 29\n[[epoch]]");
        assert_eq!(refused(&[week]), ["log-days"]);
        let wgs = top("legal_act = \"wgs\"");
        assert_eq!(refused(&[week, wgs]), ["log-days"]);
        assert!(refused(&[(EPOCH, "[retention]\nlog_days = 1827\n[[epoch]]"), wgs]).is_empty());
        assert_eq!(refused(&[(EPOCH, "[retention]\nlog_days = 1828\n[[epoch]]"), wgs]), ["log-days-wgs"]);
        assert!(refused(&[(EPOCH, "[budgets]\nfirst_set_flags = 9_000\n[[epoch]]")]).is_empty());
        let town = (EPOCH, "[budgets]\nfirst_set_flags = 9_001\n[[epoch]]");
        assert_eq!(refused(&[town]), ["first-set"]);
        assert!(refused(&[town, top("test = true")]).is_empty());
        assert_eq!(refused(&[(EPOCH, "[budgets]\nnew_flags_a_day = 5_001\n[[epoch]]")]), ["first-set"]);
        assert!(refused(&[(EPOCH, "[budgets]\nnew_flags_a_day = 5_001\nflags_held = 10_000\n[[epoch]]")]).is_empty());
        assert!(refused(&[kept("max_days = 203\nmax_renewals = 8"), wgs]).is_empty());
        assert_eq!(refused(&[kept("max_days = 203\nmax_renewals = 9"), wgs]), ["flag-days-wgs"]);
        assert_eq!(refused(&[(EPOCH, "[changes]\ngrace_days = 61\n[[epoch]]")]), ["grace-days"]);
        assert_eq!(refused(&[(EPOCH, "[changes]\nnew_epoch_within_days = 61\n[[epoch]]")]), ["leaver-days"]);
        assert!(refused(&[(EPOCH, "[changes]\nnew_epoch_within_days = 60\n[[epoch]]")]).is_empty());
        assert_eq!(refused(&[(EPOCH, "[changes]\nsignatures = 2\n[[epoch]]")]), ["signatures"]);
        assert!(refused(&[(EPOCH, "[changes]\nsignatures = 3\n[[epoch]]")]).is_empty());
        assert_eq!(refused(&[("closes = 2027-11-30", "closes = 2028-01-05")]), ["epoch-length"]);
        assert!(refused(&[("closes = 2027-11-30", "closes = 2028-01-04")]).is_empty());
        assert_eq!(refused(&[("closes = 2027-11-30", "closes = 2027-01-28")]), ["epoch-length"]);
        assert!(refused(&[("closes = 2027-11-30", "closes = 2027-01-29")]).is_empty());
        let short = ("closes = 2027-11-30", "closes = 2027-01-28");
        assert!(refused(&[short, top("test = true")]).is_empty());
        assert!(refused(&[short, ("opens = 2026-12-01", "opens = 2026-11-30")]).is_empty(), "it began before");
        assert_eq!(refused(&[(RULE, "threshold = 2\ncount_cap = 4")]), ["names-somebody"]);
        let next = |opens| {
            let epoch = format!(
                "number = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = {opens}\ncloses = 2028-11-30\n"
            );
            refused(&[("closes = 2027-11-30\n", &format!("closes = 2027-11-30\n[[epoch]]\n{epoch}"))])
        };
        assert_eq!(next("2027-11-24"), ["epoch-overlap"], "seven days");
        assert!(next("2027-11-23").is_empty(), "eight days");
        assert_eq!(next("2027-12-05"), ["epoch-overlap"], "a gap");
    }

    #[test]
    fn an_operator_with_a_policy_key_is_in_the_roster() {
        let (operator, checkpoint) = (sample::operator_key().verifying_key(), sample::checkpoint_key().verifying_key());
        let police = sample::policy_key("politie").verifying_key();
        for own in [operator, checkpoint] {
            assert_eq!(refused(&[(&own.to_string(), &police.to_string())]), ["operator-in-roster"]);
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
        assert!(noted(&[(EPOCH, "[retention]\nmax_days = 29\n[[epoch]]")]).contains(&"short-flags"));
        assert!(!noted(&[(EPOCH, "[retention]\nmax_days = 30\n[[epoch]]")]).contains(&"short-flags"));
        let numbers = "threshold = 2\nlevels = [\"unit\", \"number\"]";
        assert!(noted(&[(RULE, numbers)]).contains(&"number-level"));
        // Where nobody needs a flag of its own, the level gives nothing more away.
        let no_own_flag = format!("{numbers}\nown_flag_required = false");
        assert!(!noted(&[(RULE, &no_own_flag)]).contains(&"number-level"));
        assert!(noted(&[("[operator]", "max_shrink_percent = 100\n[operator]")]).contains(&"no-shrink-guard"));
        assert!(noted(&[(EPOCH, "[changes]\nsignatures = 3\n[[epoch]]")]).contains(&"fewer-sign"));
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
        let one_user = [("sees = \"presence\"", "sees = \"presence\"\nsign_in = \"one-user\"")];
        assert!(noted(&one_user).contains(&"one-user") && !noted(&[]).contains(&"one-user"));
        assert!(refused(&sweep).is_empty(), "without an own flag, \"stacked\" still leaves 3 + 1 sets of 3 others");
    }

    /// Three flag, and a fourth joins with epoch 2, so that in epoch 1 a count is still one of three.
    #[test]
    fn totals_give_no_answer_that_names_somebody() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 2\ncount_cap = 4\nanswers = \"totals\"")]);
        let check = policy.check();
        assert!(check.reveals.is_empty() && check.is_safe(), "{:?}", check.refusals);
        assert!(!sample::changed(&[("threshold = 2", "threshold = 2\ncount_cap = 4")]).check().is_safe());
    }

    #[test]
    fn what_is_worth_knowing_of_how_they_meet() {
        let noted = |policy: Policy| {
            let notes = policy.check().notes;
            let about = ["coordinates-nothing", "nobody-introduces", "not-introduced"];
            let found = notes.into_iter().filter(|note| about.contains(&note.rule));
            found.map(|note| (note.rule, note.text(Lang::En))).collect::<Vec<_>>()
        };
        assert!(noted(sample::with_meet(&[])).is_empty());
        assert!(noted(sample::policy()).is_empty());
        let without = noted(sample::with_meet(&[("[meet]\ndirect = [[\"politie\", \"belastingdienst\"]]\n", "")]));
        assert_eq!(without[0].0, "coordinates-nothing");
        let alone = noted(sample::changed(&[("[[epoch]]", "[meet]\n[[epoch]]")]));
        assert_eq!(alone[0].0, "nobody-introduces");
        assert!(alone[0].1.contains("for 6 of the pairs"), "{}", alone[0].1);
        let named = noted(sample::with_meet(&[("threshold = 2", "threshold = 2\ncount_cap = 4")]));
        assert_eq!(named[0].0, "not-introduced");
        assert!(named[0].1.contains("in epoch 1, ") && named[0].1.contains("1, 2, 3 and 4"), "{}", named[0].1);
    }

    /// Of four organisations two meet each other directly, and all four others by the coordinator.
    #[test]
    fn too_few_exchanges_for_what_may_be_put_forward_are_noted_with_their_numbers() {
        let noted = |changes: &[(&str, &str)]| {
            let found = sample::with_meet(changes).check().notes.into_iter().find(|note| note.rule == "few-exchanges");
            found.map(|note| [Lang::En, Lang::Nl].map(|lang| note.text(lang)))
        };
        let [en, nl] = noted(&[]).unwrap();
        for text in [&en, &nl] {
            assert!(["4", "20", "80", "320", "16"].iter().all(|number| text.contains(number)), "{text}");
        }
        // Four organisations and one row a day each: four notes of each are the sixteen that four exchanges bring.
        assert_eq!(noted(&[("[meet]", "[meet]\nnew_a_day = 1")]), None);
        assert!(noted(&[("[meet]", "[meet]\nnew_a_day = 1\nexchanges_a_day = 3")]).is_some());
        assert!(noted(&[("[meet]", "[meet]\nnew_a_day = 2\nexchanges_a_day = 7")]).is_some());
        assert_eq!(noted(&[("[meet]", "[meet]\nnew_a_day = 2\nexchanges_a_day = 8")]), None);
        let nobody = sample::changed(&[("[[epoch]]", "[meet]\n[[epoch]]")]);
        assert!(
            nobody.check().notes.iter().all(|note| note.rule != "few-exchanges"),
            "nobody is told to a coordinator"
        );
    }

    #[test]
    fn who_is_never_asked_is_noted_with_the_reason() {
        let noted = |policy: &Policy, lang: Lang| {
            let notes = policy.check().notes.into_iter().filter(|note| note.rule == "not-asked");
            notes.map(|note| note.text(lang)).collect::<Vec<_>>()
        };
        let policy = sample::with_meet(&[]);
        let said = noted(&policy, Lang::En);
        assert_eq!(said.len(), 2);
        assert!(said[1].contains("In epoch 1, politie does not hear"), "{}", said[1]);
        assert!(said[1].contains("only gemeente-zaanstad and zaanwonen can have"), "{}", said[1]);
        assert!(noted(&policy, Lang::Nl)[0].contains("gemeente-zaanstad en zaanwonen"));
        let silent = sample::with_meet(&[("[meet]", "[meet]\ntell_others = false")]);
        assert!(noted(&silent, Lang::En).is_empty(), "nobody is asked");
        // Said once where the next epoch is the same, and again where it is not.
        let next = "closes = 2027-11-30\n[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\n\
                    opens = 2027-11-01\ncloses = 2028-10-31\n";
        let both = sample::with_meet(&[("closes = 2027-11-30\n", next)]);
        assert_eq!(noted(&both, Lang::En), said);
        let joins = [
            ("version = 1", format!("version = 2\nprevious = \"{}\"", policy.digest())),
            ("slug = \"zaanwonen\"", "slug = \"zaanwonen\"\nfirst_epoch = 2".to_owned()),
            ("closes = 2027-11-30\n", next.to_owned()),
        ];
        let joins: Vec<_> = joins.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let said = noted(&sample::with_meet(&joins), Lang::En);
        let first = |text: &String| text.split(" does not").next().unwrap().to_owned();
        assert_eq!(
            said.iter().map(first).collect::<Vec<_>>(),
            [
                "In epoch 1, belastingdienst",
                "In epoch 1, gemeente-zaanstad",
                "In epoch 1, politie",
                "In epoch 2, belastingdienst",
                "In epoch 2, politie",
            ]
        );
    }

    #[test]
    fn who_joins_later_hides_nobody_in_an_older_epoch() {
        let previous = format!("version = 2\nprevious = \"{}\"", sample::policy().digest());
        let joiner = "slug = \"belastingdienst\"\nfirst_epoch = 2";
        let next = "closes = 2027-01-14\n[[epoch]]\nnumber = 2\nkey_id = \"0123456789abcdef0123456789abcdef\"\n\
                    opens = 2026-12-15\ncloses = 2027-06-30";
        let joins = [
            ("version = 1", previous.as_str()),
            ("valid_from = 2026-12-01", "valid_from = 2026-12-02"),
            ("slug = \"belastingdienst\"", joiner),
            ("closes = 2027-11-30", next),
        ];
        let with = |more: &[(&str, &str)]| sample::changed(&[&joins, more].concat());
        let policy = with(&[]);
        let fewest = [0, 1, 2].map(|first| policy.fewest_flagging(first));
        assert_eq!((policy.flagging_organisations(), fewest, policy.counting.count_cap), (4, [3, 3, 4], 2));
        assert_eq!(policy.release.min_changed, 3, "in the newer epoch four may flag");
        let reveals = policy.check().reveals;
        let others = |reveal: &Reveal| if reveal.partners == [2] { 3 } else { 2 };
        assert!(reveals.iter().all(|reveal| reveal.others == others(reveal)), "it asks in epoch 2 alone: {reveals:?}");
        let check = with(&[(RULE, "threshold = 2\ncount_cap = 3")]).check();
        assert!(check.standing().all(|refusal| refusal.rule == "names-somebody") && !check.is_safe());
        assert!(check.notes.iter().any(|note| note.rule == "joins-later"));
        // From the day on which epoch 1 is over, all four hide one another.
        let over =
            with(&[(RULE, "threshold = 2\ncount_cap = 3"), ("valid_from = 2026-12-02", "valid_from = 2027-01-15")]);
        assert_eq!(over.fewest_flagging(0), 4);
        assert!(over.check().is_safe());
        let last_day = with(&[("valid_from = 2026-12-02", "valid_from = 2027-01-14")]);
        assert_eq!(last_day.fewest_flagging(0), 3);
    }

    #[test]
    fn what_the_samples_counts_leave_open() {
        let reveals = sample::policy().check().reveals;
        let seen: Vec<_> =
            reveals.iter().map(|r| (r.partners.as_slice(), r.low, r.high, r.sets, r.sets_of_two)).collect();
        let both: &[u16] = &[1, 4];
        let expected =
            [(&[3][..], 2, None, 7, 3), (&[2], 2, None, 7, 3), (both, 2, Some(2), 3, 1), (both, 3, None, 4, 1)];
        assert_eq!(seen, expected);
        assert_eq!(
            reveals[2].text(Lang::En),
            "Partners 1 and 4, about an address that they flag themselves: the answer \"2\" leaves 3 possible sets of \
             other organisations; to one of them and one other together 1."
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
                    // Of thing 0 it is known whether it is in the set.
                    let fits = |set: &u32| (low..=high).contains(&(set.count_ones() as usize));
                    let known = |bit| (0..1u32 << of).filter(|set| set & 1 == bit && fits(set)).count() as u64;
                    let fewest = [known(0), known(1)].into_iter().filter(|sets| *sets > 0).min().unwrap_or(0);
                    assert_eq!(sets_of_two(of, low..=high), fewest, "{of} {low} {high}");
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
            let shown = counts_shown(&policy.counting, sees);
            assert_eq!(shown[0].0, 3);
            assert_eq!(shown.last().unwrap().1, None);
            assert!(shown.windows(2).all(|pair| pair[0].1 == Some(pair[1].0 - 1)));
        }
    }
}

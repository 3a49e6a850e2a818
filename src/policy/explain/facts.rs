//! What a policy says, as texts that stand in sentences: each value by its name in the policy's file where it has one
//! there.

use super::super::check::{Fact, Finding};
use super::super::model::{Because, ContactPoint, Meet, Organisation, Policy, RosterEntry, Unsigned};
use super::catalogue::{Blank, Catalogue};
use crate::slug::Slug;

/// All that a policy says once, but for the threshold; each has a label (`label.` and its name).
pub(super) fn labelled(policy: &Policy, words: &Catalogue) -> Vec<Blank> {
    let (operator, counting, release) = (&policy.operator, &policy.counting, &policy.release);
    let (budgets, messages, changes) = (&policy.budgets, &policy.messages, &policy.changes);
    let levels: Vec<_> = counting.levels.iter().map(|level| level.as_str()).collect();
    let days = |days: u16| words.counted("days", days);
    vec![
        ("consortium", policy.consortium.to_string()),
        ("test", words.yes(policy.test)),
        ("purpose", policy.purpose.to_string()),
        ("legal_basis", policy.legal_basis.clone()),
        ("legal_act", policy.legal_act.map(|act| act.as_str().to_owned()).unwrap_or_default()),
        ("flag_criterion", policy.flag_criterion.clone()),
        ("after_hit", policy.after_hit.clone()),
        ("coordinator", policy.coordinator.clone()),
        ("contact_point", policy.contact_point.as_ref().map(|one| of_contact(one, words)).unwrap_or_default()),
        ("operator", operator.name.clone()),
        ("operator_oin", operator.oin.to_string()),
        ("reply_key", operator.verifying_key.to_string()),
        ("checkpoint_key", operator.checkpoint_key.to_string()),
        ("log_origin", operator.log_origin.clone()),
        ("addresses", operator.addresses.join(", ")),
        ("min_sources", words.number(counting.min_sources)),
        ("count_cap", words.number(counting.count_cap)),
        ("levels", levels.join(", ")),
        ("own_flag_required", words.yes(counting.own_flag_required)),
        ("register", words.word(&format!("register.{}", counting.register.as_str()))),
        ("interval_hours", words.number(release.interval_hours)),
        ("min_changed", words.number(release.min_changed)),
        ("max_wait_days", days(release.max_wait_days)),
        ("immediate", words.yes(release.immediate)),
        ("max_days", days(policy.retention.max_days)),
        ("max_renewals", words.number(policy.retention.max_renewals)),
        ("log_days", days(policy.retention.log_days)),
        ("new_flags_a_day", words.number(budgets.new_flags_a_day)),
        ("first_set_flags", words.number(budgets.first_set_flags)),
        ("flags_held", words.number(budgets.flags_held)),
        ("asked_a_day", words.number(budgets.asked_a_day)),
        ("asked_an_epoch", words.number(budgets.asked_an_epoch)),
        ("swept_a_day", words.number(budgets.swept_a_day)),
        ("sweep_reasons", budgets.reasons()),
        ("status_a_day", words.number(budgets.status_a_day)),
        ("answers", counting.answers.map(|_| words.word("answers.totals")).unwrap_or_default()),
        ("meet", policy.meet.as_ref().map(|meet| of_meet(meet, words)).unwrap_or_default()),
        ("freshness_days", days(policy.freshness_days)),
        ("max_shrink_percent", words.number(policy.max_shrink_percent)),
        ("max_delay_hours", words.number(messages.max_delay_hours)),
        ("max_ahead_minutes", words.number(messages.max_ahead_minutes)),
        ("signatures", words.number(changes.signatures)),
        ("grace_days", days(changes.grace_days)),
        ("new_epoch_within_days", days(changes.new_epoch_within_days)),
        ("voids", policy.voids.iter().map(|digest| digest.to_string()).collect::<Vec<_>>().join(", ")),
        ("unsigned", policy.unsigned.as_ref().map(|unsigned| of_unsigned(unsigned, words)).unwrap_or_default()),
    ]
}

/// Where a citizen turns to: the name, and each way to reach it.
pub(super) fn of_contact(contact: &ContactPoint, words: &Catalogue) -> String {
    let given = contact.ways().into_iter().filter_map(|(key, way)| Some((key, way.clone()?)));
    let ways = given.map(|(key, way)| words.say(&format!("contact.{key}"), &[("way", way)]));
    std::iter::once(contact.name.clone()).chain(ways).collect::<Vec<_>>().join("; ")
}

/// How those who put an address forward meet, in one text.
fn of_meet(meet: &Meet, words: &Catalogue) -> String {
    let blanks = [
        ("direct", if meet.direct.is_empty() { words.word("meet.nobody") } else { direct(meet) }),
        ("tell_others", words.yes(meet.tell_others)),
        ("answer_days", words.counted("days", meet.answer_days)),
        ("new_a_day", words.number(meet.new_a_day)),
        ("held", words.number(meet.held)),
        ("notes_a_day", words.number(meet.notes_a_day)),
        ("exchanges_a_day", meet.exchanges_a_day.to_string()),
    ];
    words.say("meet.told", &blanks)
}

/// The sets of organisations that meet directly.
fn direct(meet: &Meet) -> String {
    let named = |set: &Vec<Slug>| set.iter().map(Slug::as_str).collect::<Vec<_>>().join(", ");
    meet.direct.iter().map(named).collect::<Vec<_>>().join("; ")
}

/// That a version came into force without a signature.
pub(super) fn of_unsigned(unsigned: &Unsigned, words: &Catalogue) -> String {
    let Unsigned { organisation, because, version, epoch, announced } = unsigned;
    let mut blanks = vec![
        ("organisation", organisation.to_string()),
        ("version", version.to_string()),
        ("epoch", epoch.to_string()),
    ];
    blanks.extend(announced.map(|day| ("announced", day.to_string())));
    let name = match because {
        Because::Leaves => "unsigned_leaves",
        Because::LostKey => "unsigned_lost_key",
    };
    words.say(name, &blanks)
}

/// The OINs in the TLS certificates of an organisation's partners.
pub(super) fn tls_oins(organisation: &Organisation) -> String {
    organisation.tls_oins.iter().map(|oin| oin.to_string()).collect::<Vec<_>>().join(", ")
}

/// What a policy says of one organisation; each has a label. An empty text stands for nothing.
pub(super) fn of_organisation(organisation: &Organisation) -> Vec<Blank> {
    vec![
        ("organisation_name", organisation.name.clone()),
        ("organisation_oin", organisation.oin.to_string()),
        ("organisation_contact", organisation.contact.clone()),
        ("organisation_key", organisation.policy_key.to_string()),
        ("organisation_tls_oins", tls_oins(organisation)),
        ("organisation_first_epoch", organisation.first_epoch.map(|epoch| epoch.to_string()).unwrap_or_default()),
    ]
}

/// What the explanation says of a policy: everything with a label, and more. A name that is there twice gives its first
/// text: the explanation writes some numbers without separators that a label's value has.
pub(super) fn explained(policy: &Policy, words: &Catalogue) -> Vec<Blank> {
    let (counting, release) = (&policy.counting, &policy.release);
    let mut facts = vec![
        ("version", policy.version.to_string()),
        ("valid_from", policy.valid_from.to_string()),
        ("organisations", policy.organisations.len().to_string()),
        ("flagging", policy.flagging_organisations().to_string()),
        ("threshold", counting.threshold.to_string()),
        ("flaggers", words.counted("flaggers", counting.threshold.saturating_sub(1))),
        ("min_sources", counting.min_sources.to_string()),
        ("interval", words.counted("interval", release.interval_hours)),
        ("changed", words.counted("organisations", release.min_changed)),
        ("max_ahead_minutes", policy.messages.max_ahead_minutes.to_string()),
        ("renewals", words.counted("renewals", policy.retention.max_renewals)),
        ("longest_days", words.counted("days", policy.retention.longest_days())),
        ("signatures", policy.changes.signatures.to_string()),
        ("previous", policy.previous.map(|digest| digest.to_string()).unwrap_or_default()),
        ("digest", policy.digest().to_string()),
    ];
    facts.extend(labelled(policy, words));
    if let Some(meet) = &policy.meet {
        let coordinating =
            policy.coordinating_partner().map(|partner| format!("{} ({})", partner.number, partner.name));
        facts.extend([
            ("coordinating", coordinating.unwrap_or_default()),
            ("meet_direct", direct(meet)),
            ("meet_answer_days", words.counted("days", meet.answer_days)),
            ("meet_new_a_day", words.number(meet.new_a_day)),
            ("meet_held", words.number(meet.held)),
            ("meet_notes_a_day", words.number(meet.notes_a_day)),
            ("meet_exchanges_a_day", words.counted("renewals", meet.exchanges_a_day)),
        ]);
    }
    facts
}

/// What a policy says of one partner; each has a label. An empty text stands for nothing.
pub(super) fn of_partner(policy: &Policy, partner: &RosterEntry, words: &Catalogue) -> Vec<Blank> {
    vec![
        ("partner_name", partner.name.clone()),
        ("partner_organisation", partner.organisation.to_string()),
        ("partner_may", words.permissions(partner.may)),
        ("partner_sees", words.seen(&policy.counting, partner.sees)),
        (
            "partner_sign_in",
            partner.sign_in.map(|how| words.word(&format!("sign_in.{}", how.as_str()))).unwrap_or_default(),
        ),
        ("partner_basis_to_flag", partner.legal_basis_flag.clone().unwrap_or_default()),
        ("partner_basis_to_ask", partner.legal_basis_ask.clone().unwrap_or_default()),
        ("partner_basis_to_coordinate", partner.legal_basis_coordinate.clone().unwrap_or_default()),
    ]
}

/// What stands in the sentence on a finding.
pub(super) fn of_finding(finding: &Finding, words: &Catalogue) -> Vec<Blank> {
    let text = |fact: &Fact| match fact {
        Fact::Number(number) => number.to_string(),
        Fact::Rule(rule) => rule.clone(),
        Fact::Partners(partners) => words.listed(partners),
        Fact::Organisations(organisations) => words.listed(organisations),
        Fact::Answer(reveal) => words.answer(reveal),
        Fact::Sets(sets) => words.sets(*sets),
        Fact::Reveal(reveal) => words.reveal(reveal),
    };
    finding.facts.iter().map(|(blank, fact)| (*blank, text(fact))).collect()
}

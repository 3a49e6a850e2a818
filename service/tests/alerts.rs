//! The alert rules: each has its section in docs/operate.md, each fault its rule, and each figure its line.

use std::collections::BTreeSet;

use stapel::broker::BrokerStatus;
use stapel_service::server::schedule::{CERTIFICATE_ENDS, CRL_OUTDATED, LOGBOEK_UNSENT};

const RULES: &str = include_str!("../../packages/broker/stapel.rules.yml");
const PAGE: &str = include_str!("../../docs/operate.md");

/// What follows `mark` in each line that has it.
fn after<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(mark)).collect()
}

/// The part of the page under a heading of the second level.
fn part(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The figures that the page lists.
pub(crate) fn listed() -> BTreeSet<&'static str> {
    after(part("Figures"), "| `").iter().map(|row| row.split('`').next().unwrap()).collect()
}

#[test]
fn every_rule_has_its_section_and_every_section_a_rule() {
    let rules = after(RULES, "- alert: ");
    assert_eq!(after(part("Alerts"), "### "), rules);
    let runbooks = after(RULES, "runbook: docs/operate.md#");
    assert_eq!(runbooks, rules.iter().map(|rule| rule.to_lowercase()).collect::<Vec<_>>());
    for name in rules {
        let (_, section) = part("Alerts").split_once(&format!("\n### {name}\n")).unwrap();
        let words = section.split("\n### ").next().unwrap().split_whitespace().count();
        assert!(words > 25, "{name} says too little");
    }
}

#[test]
fn every_fault_has_a_rule_and_every_rule_for_a_fault_names_one_that_there_is() {
    let expressions = RULES.split("stapel_faults{code").skip(1);
    let mut named = Vec::new();
    for expression in expressions {
        let codes = expression.split('"').nth(1).unwrap();
        named.extend(codes.split('|'));
    }
    named.sort_unstable();
    let mut faults = BrokerStatus::FAULT_CODES.to_vec();
    faults.extend([CERTIFICATE_ENDS, CRL_OUTDATED, LOGBOEK_UNSENT]);
    faults.sort_unstable();
    assert_eq!(named, faults);
}

#[test]
fn every_figure_in_a_rule_is_listed() {
    let letters = |one: char| !(one.is_ascii_lowercase() || one == '_');
    let lines = RULES.lines().filter(|line| !line.trim_start().starts_with('#') && !line.contains("rules.yml"));
    let used: BTreeSet<&str> =
        lines.flat_map(|line| line.split(letters)).filter(|word| word.starts_with("stapel_")).collect();
    let listed = listed();
    assert!(used.len() > 10, "{used:?}");
    assert!(used.is_subset(&listed), "{:?}", used.difference(&listed));
}

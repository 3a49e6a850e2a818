//! The agenda, to be printed for a meeting.

use std::io::Write;

use serde_json::{Value, json};
use stapel::Day;
use stapel::partner::{AgendaItem, Partner};
use stapel::policy::Lang;
use stapel::talk::Outcome;

use super::super::report;
use crate::failure::Failure;
use crate::output::{Output, plain};

/// The words of an agenda in one language.
struct Words {
    title: &'static str,
    none: &'static str,
    conversation: &'static str,
    new: &'static str,
    waits: &'static str,
    joined: &'static str,
    since: &'static str,
    address: &'static str,
    unknown: &'static str,
    differ: &'static str,
    lead: &'static str,
    decision: &'static str,
    next: &'static str,
    outcome: &'static str,
    partner: &'static str,
    nobody: &'static str,
    nothing: &'static str,
}

const NL: Words = Words {
    title: "Agenda",
    none: "Er zijn geen gesprekken.",
    conversation: "Gesprek",
    new: "NIEUW",
    waits: "Wacht sinds",
    joined: "Doen mee",
    since: "sinds",
    address: "Adres",
    unknown: "nog niet genoemd",
    differ: "LET OP: er zijn verschillende adressen genoemd",
    lead: "Trekker",
    decision: "Besluit",
    next: "Opnieuw op",
    outcome: "Afloop",
    partner: "partner",
    nobody: "niemand",
    nothing: "-",
};

const EN: Words = Words {
    title: "Agenda",
    none: "There are no conversations.",
    conversation: "Conversation",
    new: "NEW",
    waits: "Waiting since",
    joined: "Joined",
    since: "since",
    address: "Address",
    unknown: "not said yet",
    differ: "NOTE: different addresses were said",
    lead: "Leads",
    decision: "Decision",
    next: "Next on",
    outcome: "Outcome",
    partner: "partner",
    nobody: "nobody",
    nothing: "-",
};

/// Prints it, one block for each conversation.
pub(super) fn print(
    items: &[AgendaItem],
    partner: &Partner,
    today: Day,
    lang: Lang,
    out: &mut Output,
) -> Result<(), Failure> {
    let words = if lang == Lang::Nl { &NL } else { &EN };
    writeln!(out, "{} {}, {today}", words.title, partner.policy().policy().consortium)?;
    if items.is_empty() {
        writeln!(out, "\n{}", words.none)?;
    }
    items.iter().try_for_each(|item| block(item, partner, words, lang, out))
}

fn block(item: &AgendaItem, partner: &Partner, words: &Words, lang: Lang, out: &mut Output) -> Result<(), Failure> {
    let new = if item.is_new { format!("  {}", words.new) } else { String::new() };
    writeln!(out, "\n{} {}, {} {}{new}", words.conversation, item.conversation, words.since, item.began)?;
    let day = |day: Option<Day>| day.map_or_else(|| words.nothing.to_owned(), |day| day.to_string());
    let named = |number| named(partner, number, words);
    let joined = item.joined.iter().map(|(one, day)| format!("{} {} {day}", named(*one), words.since));
    let addresses = item.addresses.iter().map(|(key, typed)| format!("{}{}", plain(key), report::typed_text(typed)));
    let decision = item.decision.as_deref().unwrap_or(words.nothing);
    let mut lines = vec![
        (words.waits, day(item.waiting_since)),
        (words.joined, several(joined, words.nobody)),
        (words.address, several(addresses, words.unknown)),
    ];
    if item.addresses.len() > 1 {
        lines.push(("", words.differ.to_owned()));
    }
    lines.extend([
        (words.lead, item.lead.map_or_else(|| words.nobody.to_owned(), named)),
        (words.decision, several(decision.lines().map(plain), words.nothing)),
        (words.next, day(item.next)),
    ]);
    if let Some(outcome) = item.outcome {
        lines.push((words.outcome, way(outcome, lang).to_owned()));
    }
    for (label, text) in lines {
        let label = if label.is_empty() { String::new() } else { format!("{label}:") };
        writeln!(out, "  {label:<BESIDE$}{text}")?;
    }
    Ok(())
}

/// The columns before what a label is of.
const BESIDE: usize = 15;

/// Several texts, one beneath the other; or what there is to say where there are none.
fn several(texts: impl Iterator<Item = String>, none: &str) -> String {
    let texts: Vec<_> = texts.collect();
    if texts.is_empty() { none.to_owned() } else { texts.join(&format!("\n  {:BESIDE$}", "")) }
}

/// A partner, by its name and its number.
fn named(partner: &Partner, number: u16, words: &Words) -> String {
    let entry = partner.policy().policy().partner(number);
    let numbered = format!("{} {number}", words.partner);
    entry.map_or(numbered.clone(), |entry| format!("{} ({numbered})", plain(&entry.name)))
}

/// How a conversation ended.
fn way(outcome: Outcome, lang: Lang) -> &'static str {
    match (outcome, lang) {
        (Outcome::Together, Lang::Nl) => "samen opgepakt",
        (Outcome::ByOne, Lang::Nl) => "door één opgepakt",
        (Outcome::NotTakenUp, Lang::Nl) => "niet opgepakt",
        (Outcome::NothingFound, Lang::Nl) => "niets gevonden",
        (Outcome::WrongSignal, Lang::Nl) => "verkeerd signaal",
        _ => report::way(outcome),
    }
}

/// The same as JSON.
pub(super) fn json(item: &AgendaItem, partner: &Partner) -> Value {
    let name = |number: u16| partner.policy().policy().partner(number).map(|entry| &entry.name);
    let joined =
        item.joined.iter().map(|(one, day)| json!({ "partner": one, "name": name(*one), "since": day.to_string() }));
    let addresses =
        item.addresses.iter().map(|(key, typed)| json!({ "address": key, "typed": report::typed_json(typed) }));
    json!({
        "conversation": item.conversation, "began": item.began.to_string(), "new": item.is_new,
        "waiting_since": item.waiting_since.map(|day| day.to_string()), "joined": joined.collect::<Vec<_>>(),
        "addresses": addresses.collect::<Vec<_>>(), "lead": item.lead, "decision": item.decision,
        "next": item.next.map(|day| day.to_string()), "outcome": item.outcome.map(Outcome::as_str),
    })
}

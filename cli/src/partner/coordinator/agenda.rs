//! The agenda, to be printed for a meeting.

use std::collections::HashMap;
use std::io::Write;

use stapel::Day;
use stapel::partner::{AgendaEnd, AgendaItem, Partner, WaitsFor};
use stapel::policy::Lang;
use stapel::talk::Outcome;

use super::super::report;
use crate::failure::Failure;
use crate::output::{Output, counted, plain};

/// The words of an agenda in one language.
struct Words {
    title: &'static str,
    ended_title: &'static str,
    none: &'static str,
    none_ended: &'static str,
    /// One conversation, and several.
    conversations: [&'static str; 2],
    conversation: &'static str,
    new: &'static str,
    of_them_new: &'static str,
    /// Of one that waits, and of several.
    wait: [&'static str; 2],
    waits: &'static str,
    not: &'static str,
    joined: &'static str,
    left: &'static str,
    since: &'static str,
    on: &'static str,
    address: &'static str,
    typed: &'static str,
    unknown: &'static str,
    differ: &'static str,
    lead: &'static str,
    rivals: &'static str,
    decision: &'static str,
    next: &'static str,
    outcome: &'static str,
    ended: &'static str,
    partner: &'static str,
    nobody: &'static str,
    nothing: &'static str,
}

const NL: Words = Words {
    title: "Agenda",
    ended_title: "Afgelopen gesprekken",
    none: "Er zijn geen gesprekken die lopen.",
    none_ended: "Er zijn geen gesprekken afgelopen.",
    conversations: ["gesprek", "gesprekken"],
    conversation: "Gesprek",
    new: "NIEUW",
    of_them_new: "nieuw",
    wait: ["wacht op u", "wachten op u"],
    waits: "Wacht",
    not: "niet op u",
    joined: "Doen mee",
    left: "Vertrokken",
    since: "sinds",
    on: "op",
    address: "Adres",
    typed: "aangedragen als",
    unknown: "nog niet genoemd",
    differ: "LET OP: er zijn verschillende adressen genoemd",
    lead: "Trekker",
    rivals: "LET OP: zij noemden tegelijk een trekker; besluit met --lead wie het is",
    decision: "Besluit",
    next: "Opnieuw op",
    outcome: "Afloop",
    ended: "Afgelopen",
    partner: "partner",
    nobody: "niemand",
    nothing: "-",
};

const EN: Words = Words {
    title: "Agenda",
    ended_title: "Conversations that have ended",
    none: "There are no conversations that go on.",
    none_ended: "No conversations have ended.",
    conversations: ["conversation", "conversations"],
    conversation: "Conversation",
    new: "NEW",
    of_them_new: "new",
    wait: ["waits for you", "wait for you"],
    waits: "Waiting",
    not: "not for you",
    joined: "Joined",
    left: "Left",
    since: "since",
    on: "on",
    address: "Address",
    typed: "put forward as",
    unknown: "not said yet",
    differ: "NOTE: different addresses were said",
    lead: "Leads",
    rivals: "NOTE: these were said to lead at the same time; decide with --lead who does",
    decision: "Decision",
    next: "Next on",
    outcome: "Outcome",
    ended: "Ended",
    partner: "partner",
    nobody: "nobody",
    nothing: "-",
};

/// Prints it, one block for each conversation; or those that have ended.
pub(super) fn print(
    items: &[AgendaItem],
    partner: &Partner,
    today: Day,
    (lang, ended): (Lang, bool),
    out: &mut Output,
) -> Result<(), Failure> {
    let words = if lang == Lang::Nl { &NL } else { &EN };
    let (title, none) = if ended { (words.ended_title, words.none_ended) } else { (words.title, words.none) };
    writeln!(out, "{title} {}, {today}", partner.policy().policy().consortium)?;
    if items.is_empty() {
        writeln!(out, "\n{none}")?;
    } else {
        let new = items.iter().filter(|item| item.is_new && !ended).count();
        let waiting = items.iter().filter(|item| item.waits.is_some()).count();
        let [one, several] = words.conversations;
        let mut summary = vec![counted(items.len() as u64, one, several)];
        summary.extend((new > 0).then(|| format!("{new} {}", words.of_them_new)));
        let [one, several] = words.wait;
        summary.extend((waiting > 0).then(|| counted(waiting as u64, one, several)));
        writeln!(out, "{}", summary.join(", "))?;
    }
    let rivals = rivals(partner);
    let of = |item: &AgendaItem| rivals.get(&item.conversation).map(Vec::as_slice).unwrap_or_default();
    items.iter().try_for_each(|item| block(item, of(item), partner, (words, lang), out))
}

/// Those who were said to lead at the same time, by conversation.
fn rivals(partner: &Partner) -> HashMap<u32, Vec<u16>> {
    partner.conversations().map(|one| (one.number, one.said_to_lead())).collect()
}

fn block(
    item: &AgendaItem,
    rivals: &[u16],
    partner: &Partner,
    (words, lang): (&Words, Lang),
    out: &mut Output,
) -> Result<(), Failure> {
    let new = if item.is_new && item.ended.is_none() { format!("  {}", words.new) } else { String::new() };
    writeln!(out, "\n{} {}, {} {}{new}", words.conversation, item.conversation, words.since, item.began)?;
    let named = |number| named(partner, number, words);
    let dated = |at: &[(u16, Day)], word: &str| {
        at.iter().map(|(one, day)| format!("{} {word} {day}", named(*one))).collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    match (item.ended, item.waits) {
        (Some((day, why)), _) => lines.push((words.ended, format!("{} {day}: {}", words.on, end(why, lang)))),
        (None, Some((day, why))) => lines.push((words.waits, format!("{} {day}: {}", words.since, wait(why, lang)))),
        (None, None) => lines.push((words.waits, words.not.to_owned())),
    }
    lines.push((words.joined, several(dated(&item.joined, words.since), words.nobody)));
    if !item.left.is_empty() {
        lines.push((words.left, several(dated(&item.left, words.on), words.nobody)));
    }
    lines.push((words.address, several(addresses_in(item, words.typed), words.unknown)));
    if item.addresses.len() > 1 {
        lines.push(("", words.differ.to_owned()));
    }
    let decision = item.decision.as_deref().map(|text| text.lines().map(plain).collect()).unwrap_or_default();
    lines.push((words.lead, item.lead.map_or_else(|| words.nobody.to_owned(), named)));
    if !rivals.is_empty() {
        lines.push(("", words.rivals.to_owned()));
        lines.extend(rivals.iter().map(|rival| ("", named(*rival))));
    }
    lines.push((words.decision, several(decision, words.nothing)));
    if item.ended.is_none() {
        lines.push((words.next, item.next.map_or_else(|| words.nothing.to_owned(), |day| day.to_string())));
    }
    if let Some(outcome) = item.outcome {
        lines.push((words.outcome, way(outcome, lang).to_owned()));
    }
    for (label, text) in lines {
        let label = if label.is_empty() { String::new() } else { format!("{label}:") };
        writeln!(out, "  {label:<BESIDE$}{text}")?;
    }
    Ok(())
}

/// The addresses that notes said it is about, each with the ways in which it was typed.
pub(super) fn addresses(item: &AgendaItem) -> Vec<String> {
    addresses_in(item, "")
}

fn addresses_in(item: &AgendaItem, several_ways: &str) -> Vec<String> {
    let of = |(key, typed): &(String, Vec<String>)| {
        let shown = typed.iter().map(|text| plain(text)).collect::<Vec<_>>();
        match (shown.as_slice(), several_ways) {
            ([], _) => plain(key),
            ([one], _) => format!("{}  ({one})", plain(key)),
            (all, "") => format!("{}  ({})", plain(key), all.join("; ")),
            (all, word) => format!("{}  ({word}: {})", plain(key), all.join("; ")),
        }
    };
    item.addresses.iter().map(of).collect()
}

/// Why a conversation waits for the coordinator.
fn wait(why: WaitsFor, lang: Lang) -> &'static str {
    match (why, lang) {
        (WaitsFor::FirstDecision, Lang::Nl) => "er is nog niets besloten",
        (WaitsFor::FirstDecision, _) => "nothing was decided yet",
        (WaitsFor::Joined, Lang::Nl) => "er kwam iemand bij, die het besluit niet heeft",
        (WaitsFor::Joined, _) => "somebody joined, who has not got the decision",
        (WaitsFor::Note, Lang::Nl) => "er kwam een bericht na het besluit",
        (WaitsFor::Note, _) => "a note came after the decision",
        (WaitsFor::NextDay, Lang::Nl) => "de afgesproken dag is gekomen",
        (WaitsFor::NextDay, _) => "the day that was agreed has come",
        (_, Lang::Nl) => "om een reden die deze versie niet kent",
        _ => "for a reason that this version does not know",
    }
}

/// Why a conversation has ended.
fn end(why: AgendaEnd, lang: Lang) -> &'static str {
    match (why, lang) {
        (AgendaEnd::AllSaid, Lang::Nl) => "allen die meedoen gaven de afloop door",
        (AgendaEnd::AllSaid, _) => "all who joined said how it ended",
        (AgendaEnd::Closed, Lang::Nl) => "door de coördinator gesloten",
        (AgendaEnd::Closed, _) => "closed by the coordinator",
        (AgendaEnd::AllLeft, Lang::Nl) => "iedereen is vertrokken",
        (AgendaEnd::AllLeft, _) => "all have left",
        (AgendaEnd::CoordinatorLeft, Lang::Nl) => "de coördinator is vertrokken",
        (AgendaEnd::CoordinatorLeft, _) => "the coordinator left",
        (_, Lang::Nl) => "om een reden die deze versie niet kent",
        _ => "for a reason that this version does not know",
    }
}

/// The columns before what a label is of.
const BESIDE: usize = 15;

/// Several texts, one beneath the other; or what there is to say where there are none.
fn several(texts: Vec<String>, none: &str) -> String {
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

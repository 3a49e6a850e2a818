//! The agenda, to be printed for a meeting.

use std::collections::HashMap;
use std::io::Write;

use stapel::Day;
use stapel::partner::{AgendaItem, Partner};
use stapel::policy::Lang;
use stapel_service::after_hit::{self, AgendaWords};

use crate::failure::Failure;
use crate::output::{Output, counted, plain};

/// Prints it, one block for each conversation; or those that have ended.
pub(super) fn print(
    items: &[AgendaItem],
    partner: &Partner,
    today: Day,
    (lang, ended): (Lang, bool),
    out: &mut Output,
) -> Result<(), Failure> {
    let words = after_hit::agenda(lang);
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
    (words, lang): (&AgendaWords, Lang),
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
        (Some((day, why)), _) => {
            lines.push((words.ended, format!("{} {day}: {}", words.on, after_hit::ended(why, lang))))
        }
        (None, Some((day, why))) => {
            lines.push((words.waits, format!("{} {day}: {}", words.since, after_hit::waits_for(why, lang))));
            lines.extend(item.closed.map(|day| ("", format!("{} {day}", words.closed))));
        }
        (None, None) => lines.push((words.waits, words.not.to_owned())),
    }
    let mut joined = dated(&item.joined, words.since);
    for (line, _) in joined.iter_mut().zip(&item.joined).filter(|(_, (one, _))| item.newcomers.contains(one)) {
        line.push_str(&format!("  {}: {}", words.new, words.not_told));
    }
    lines.push((words.joined, several(joined, words.nobody)));
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
        lines.push((words.outcome, after_hit::outcome(outcome, lang).to_owned()));
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

/// The columns before what a label is of.
const BESIDE: usize = 15;

/// Several texts, one beneath the other; or what there is to say where there are none.
fn several(texts: Vec<String>, none: &str) -> String {
    if texts.is_empty() { none.to_owned() } else { texts.join(&format!("\n  {:BESIDE$}", "")) }
}

/// A partner, by its name and its number.
fn named(partner: &Partner, number: u16, words: &AgendaWords) -> String {
    let entry = partner.policy().policy().partner(number);
    let numbered = format!("{} {number}", words.partner);
    entry.map_or(numbered.clone(), |entry| format!("{} ({numbered})", plain(&entry.name)))
}

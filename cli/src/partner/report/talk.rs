//! What replies and news say of what comes after a hit.

use std::io::Write;

use serde_json::{Value, json};
use stapel::Slug;
use stapel::message::{Kept, Totals};
use stapel::partner::{Case, Conversation, ConversationNote, NoteProgress, Partner, Posted};
use stapel::partner::{ShownNews, TalkNews};
use stapel::policy::Lang;
use stapel::talk::{NoteContent, Outcome};
use stapel_service::after_hit;

use super::{complaint_json, complaint_line, typed_json, typed_text};
use crate::failure::Failure;
use crate::output::{Output, counted, plain};

/// Another partner, by its name and its number.
pub(in crate::partner) fn who(partner: &Partner, number: u16) -> String {
    if number == partner.number() {
        return "this partner".to_owned();
    }
    let name = partner.policy().policy().partner(number).map(|entry| plain(&entry.name));
    name.map_or_else(|| format!("partner {number}"), |name| format!("{name} (partner {number})"))
}

/// That what is put forward is kept, or the report of a year.
pub(super) fn kept(file: &str, said: &Kept, as_json: bool, out: &mut Output) -> Result<(), Failure> {
    let Kept { log, kept, unflagged, new, new_left, held_left } = said;
    if as_json {
        return out.json(&json!({
            "reply": "kept", "file": file, "kept": kept, "unflagged": unflagged, "new": new, "new_left": new_left,
            "held_left": held_left, "log_index": log.index, "log_leaf": log.leaf.to_string(),
        }));
    }
    if (kept, unflagged, new_left, held_left) == (&0, &0, &0, &0) {
        writeln!(out, "kept")?;
        return Ok(());
    }
    let unflagged = match unflagged {
        0 => String::new(),
        number => format!("; {number} not, because the broker has no flag of this partner there"),
    };
    let kept = counted(*kept, "address is", "addresses are");
    writeln!(
        out,
        "{kept} put forward at the broker, {new} of them new{unflagged}; the organisation can put forward {new_left} \
         more today, and {held_left} more in all"
    )?;
    Ok(())
}

/// What waited at the broker. It names no address, since what a service prints is logged.
pub(super) fn posted(file: &str, posted: &Posted, as_json: bool, out: &mut Output) -> Result<(), Failure> {
    let Posted { log, more, news, passed_over, complaint, .. } = posted;
    if as_json {
        return out.json(&json!({
            "reply": "post", "file": file, "news": news.len(), "more": more, "passed_over": passed_over,
            "complaint": complaint.as_ref().map(complaint_json), "log_index": log.index,
            "log_leaf": log.leaf.to_string(),
        }));
    }
    let passed_over = match passed_over {
        0 => String::new(),
        number => format!(", {number} passed over that could not be read or was of no own flag"),
    };
    let more = if *more { "; more waits" } else { "" };
    let news = counted(news.len(), "piece of news", "pieces of news");
    writeln!(out, "{news} after a hit{passed_over}{more}")?;
    if let Some(complaint) = complaint {
        writeln!(out, "  {}", complaint_line(complaint))?;
    }
    Ok(())
}

/// How many of the organisation's flags are stacked.
pub(super) fn totals(file: &str, totals: &Totals, as_json: bool, out: &mut Output) -> Result<(), Failure> {
    let Totals { log, release, as_of, year, quarter, flags, cells } = totals;
    if as_json {
        let cells = cells.iter().map(|cell| {
            let to = Some(cell.to).filter(|to| *to > 0);
            json!({ "from": cell.from, "to": to, "number": cell.number })
        });
        return out.json(&json!({
            "reply": "totals", "file": file, "release": release, "as_of": as_of.to_string(), "year": year,
            "quarter": quarter, "flags": flags, "cells": cells.collect::<Vec<_>>(), "log_index": log.index,
            "log_leaf": log.leaf.to_string(),
        }));
    }
    writeln!(
        out,
        "quarter {quarter} of {year}, as of release {release} ({as_of}): {flags} flags, rounded down to tens"
    )?;
    for cell in cells {
        let range = match (cell.from, cell.to) {
            (from, 0) => format!("{from} organisations or more"),
            (from, to) if from == to => counted(from, "organisation", "organisations"),
            (from, to) => format!("{from} to {to} organisations"),
        };
        writeln!(out, "  {} flagged by {range}", cell.number)?;
    }
    Ok(())
}

/// One piece of news: what it is about, for which case that was put forward, and what was written.
pub(in crate::partner) fn talk_news(
    shown: &ShownNews,
    partner: &Partner,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let typed = shown.address.map_or_else(String::new, |address| partner.typed(&address));
    let note = shown.note.as_ref();
    let row = shown.address.and_then(|address| partner.put_forward_rows().find(|row| row.address == address));
    let more = row.map_or_else(Vec::new, |row| row.more);
    let with = |what: String| note.map_or(what.clone(), |note| format!("{what}: {}", says(note, partner)));
    let (word, other, text) = match &shown.news {
        TalkNews::Asked { .. } => ("put_forward_by_other", None, "somebody else put it forward".to_owned()),
        TalkNews::RowEnded { .. } => {
            ("put_forward_ended", None, "ended with its epoch: put it forward again".to_owned())
        }
        // It was put forward again since, or taken back.
        TalkNews::RowWider { .. } if more.is_empty() => {
            ("put_forward_wider", None, "what the policy lets others know of it changed".to_owned())
        }
        TalkNews::RowWider { .. } => ("put_forward_wider", None, lets_more_know(&more, partner)),
        TalkNews::Introduced { partner: other, .. } => {
            ("introduced", Some(*other), format!("introduced to {}", who(partner, *other)))
        }
        TalkNews::Note { partner: other, .. } => {
            ("note", Some(*other), with(format!("a note from {}", who(partner, *other))))
        }
        TalkNews::Decision { .. } => ("decision", None, with("the coordinator decided".to_owned())),
        TalkNews::Left { partner: other, .. } => ("left", Some(*other), format!("{} left", who(partner, *other))),
        TalkNews::NeverCertified { partner: other } => {
            let text = format!(
                "something of {} was passed over, because for two weeks no certificate of it came: ask its \
                 organisation why",
                who(partner, *other)
            );
            ("never_certified", Some(*other), text)
        }
        TalkNews::Refused { partner: other, .. } => {
            let text = format!("a note of {} was passed over: it says what that one may not say", who(partner, *other));
            ("refused", Some(*other), text)
        }
        _ => ("unknown", None, "something that this version does not know".to_owned()),
    };
    let (conversation, by) = (shown.news.conversation(), shown.put_forward_by.as_ref());
    let answer_by = match &shown.news {
        TalkNews::Asked { answer_by, .. } => Some(answer_by.to_string()),
        _ => None,
    };
    if as_json {
        let name = other.and_then(|other| partner.policy().policy().partner(other)).map(|entry| &entry.name);
        let mut value = json!({
            "news": word, "conversation": conversation, "partner": other, "name": name,
            "address": shown.address.map(|address| address.as_str().to_owned()),
            "level": shown.address.map(|address| address.level().as_str()), "typed": typed_json(&typed),
            "case": by.map(Case::reference), "actor": by.map(Case::actor), "answer_by": answer_by,
        });
        if let TalkNews::RowWider { .. } = &shown.news {
            value["more"] = json!(more);
        }
        if let Some(note) = note {
            value["note"] = content_json(&note.content);
            value["note"]["time"] = note.time.to_string().into();
        }
        return out.json(&value);
    }
    let about = shown.address.map_or(String::new(), |address| format!("{}{}  ", address.as_str(), typed_text(&typed)));
    let conversation = conversation.map_or(String::new(), |number| format!("conversation {number}: "));
    let answer = answer_by.map_or(String::new(), |day| format!("; answer by {day} with stapel partner answer"));
    let case = by.map_or(String::new(), |by| format!("; put forward for case {}", plain(by.reference())));
    writeln!(out, "{about}{conversation}{text}{answer}{case}")?;
    Ok(())
}

/// That the policy lets more organisations know of a row than somebody agreed to.
pub(in crate::partner) fn lets_more_know(more: &[Slug], partner: &Partner) -> String {
    let policy = partner.policy().policy();
    let name = |slug: &Slug| policy.organisation(slug).map_or_else(|| slug.to_string(), |one| plain(&one.name));
    let names: Vec<String> = more.iter().map(name).collect();
    format!("the policy now lets {} know too, who is not told: put it forward again to agree to that", names.join(", "))
}

/// What there is to see of a conversation at a glance.
pub(in crate::partner) fn conversation_line(
    one: &Conversation,
    partner: &Partner,
    out: &mut Output,
) -> Result<(), Failure> {
    let about =
        one.address.map_or(String::new(), |address| format!("  {}{}", address.as_str(), typed_text(&one.typed)));
    let left = one.left.map_or(String::new(), |day| format!(", left on {day}"));
    let notes = counted(one.notes.len(), "note", "notes");
    writeln!(out, "conversation {}{about}  since {}{left}, {notes}", one.number, one.began)?;
    for other in &one.introduced {
        let left = other.left.map_or(String::new(), |day| format!(", left on {day}"));
        let misses = if other.misses_note { "; a note of it is missing" } else { "" };
        writeln!(out, "  with {} since {}{left}{misses}", who(partner, other.partner), other.since)?;
    }
    if let Some(lead) = one.lead {
        writeln!(out, "  {} leads", who(partner, lead))?;
    }
    if let Some(outcome) = one.outcome {
        writeln!(out, "  outcome: {}", after_hit::outcome(outcome, Lang::En))?;
    }
    if let Some(decision) = &one.decision {
        let next = decision.next.map_or(String::new(), |day| format!("; looked at again on {day}"));
        writeln!(out, "  decided on {}: {}{next}", decision.time.day(), one_line(&decision.text))?;
    }
    Ok(())
}

/// A conversation with all that was written in it.
pub(in crate::partner) fn conversation(
    one: &Conversation,
    partner: &Partner,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    if as_json {
        return out.json(&conversation_json(one, partner));
    }
    conversation_line(one, partner, out)?;
    for note in &one.notes {
        let from = note.from.map_or_else(|| "this partner".to_owned(), |from| who(partner, from));
        writeln!(out, "  {}  {from}: {}", note.time, says(note, partner))?;
        for copy in note.copies.iter().filter(|copy| copy.progress != NoteProgress::Read) {
            writeln!(
                out,
                "      to {}: {}",
                who(partner, copy.to),
                after_hit::progress(copy.progress, Lang::En, |day| day.to_string())
            )?;
        }
    }
    Ok(())
}

/// What a note says, on one line.
pub(in crate::partner) fn says(note: &ConversationNote, partner: &Partner) -> String {
    let with = |what: String, text: &str| if text.is_empty() { what } else { format!("{what}: {}", one_line(text)) };
    match &note.content {
        NoteContent::Text(text) => one_line(text),
        NoteContent::Address { key, typed } => format!("the address is {}{}", plain(key), typed_text(typed)),
        NoteContent::Lead { partner: lead, text, .. } => with(format!("{} leads", who(partner, *lead)), text),
        NoteContent::Outcome { outcome, text } => {
            with(format!("outcome: {}", after_hit::outcome(*outcome, Lang::En)), text)
        }
        NoteContent::Decision { lead, next, text, .. } => {
            let lead = lead.map_or(String::new(), |lead| format!("; {} leads", who(partner, lead)));
            let next = next.map_or(String::new(), |day| format!("; looked at again on {day}"));
            format!("decision: {}{lead}{next}", one_line(text))
        }
        _ => "something that this version does not know".to_owned(),
    }
}

fn conversation_json(one: &Conversation, partner: &Partner) -> Value {
    let name = |number: u16| partner.policy().policy().partner(number).map(|entry| entry.name.clone());
    let introduced = one.introduced.iter().map(|other| {
        json!({
            "partner": other.partner, "name": name(other.partner), "since": other.since.to_string(),
            "left": other.left.map(|day| day.to_string()), "misses_note": other.misses_note,
        })
    });
    let notes = one.notes.iter().map(|note| {
        let copies = note.copies.iter().map(|copy| {
            let (day, reason) = match copy.progress {
                NoteProgress::PutOff(day, reason) => (Some(day.to_string()), Some(reason.as_str())),
                _ => (None, None),
            };
            json!({ "to": copy.to, "progress": progress(copy.progress), "day": day, "reason": reason })
        });
        let mut value = json!({
            "from": note.from, "name": note.from.and_then(name), "time": note.time.to_string(),
            "copies": copies.collect::<Vec<_>>(),
        });
        crate::output::merge(&mut value, content_json(&note.content));
        value
    });
    json!({
        "conversation": one.number, "address": one.address.map(|address| address.as_str().to_owned()),
        "typed": typed_json(&one.typed), "epoch": one.epoch, "began": one.began.to_string(),
        "introduced": introduced.collect::<Vec<_>>(), "notes": notes.collect::<Vec<_>>(), "lead": one.lead,
        "outcome": one.outcome.map(Outcome::as_str),
        "decision": one.decision.as_ref().map(|decision| json!({
            "time": decision.time.to_string(), "text": decision.text,
            "next": decision.next.map(|day| day.to_string()),
        })),
        "left": one.left.map(|day| day.to_string()),
    })
}

fn content_json(content: &NoteContent) -> Value {
    match content {
        NoteContent::Text(text) => json!({ "note": "text", "text": text }),
        NoteContent::Address { key, typed } => {
            json!({ "note": "address", "address": key, "typed": typed_json(typed) })
        }
        NoteContent::Lead { partner, text, .. } => json!({ "note": "lead", "lead": partner, "text": text }),
        NoteContent::Outcome { outcome, text } => {
            json!({ "note": "outcome", "outcome": outcome.as_str(), "text": text })
        }
        NoteContent::Decision { lead, next, text, .. } => {
            json!({ "note": "decision", "lead": lead, "next": next.map(|day| day.to_string()), "text": text })
        }
        _ => json!({ "note": "unknown" }),
    }
}

fn progress(progress: NoteProgress) -> &'static str {
    match progress {
        NoteProgress::Waiting => "waiting",
        NoteProgress::PutOff(..) => "put_off",
        NoteProgress::Kept => "kept",
        NoteProgress::Read => "read",
        NoteProgress::NotIntroduced => "not_introduced",
        _ => "unknown",
    }
}

/// A text of several lines on one, for a terminal.
fn one_line(text: &str) -> String {
    plain(&text.lines().collect::<Vec<_>>().join(" / "))
}

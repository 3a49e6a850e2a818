//! What replies and news say of what comes after a hit.

use std::io::Write;

use serde_json::json;
use stapel::Slug;
use stapel::message::{Code, Kept, Totals};
use stapel::partner::{Conversation, ConversationNote, Next, NoteProgress, Partner, Posted};
use stapel::partner::{ShownNews, TalkNews};
use stapel::policy::Lang;
use stapel::talk::NoteContent;
use stapel_service::after_hit;

use super::{complaint_json, complaint_line, typed_text};
use crate::failure::{Failure, note};
use crate::output::{Output, counted, plain};

/// Another partner, by its name and its number.
pub(in crate::partner) fn who(partner: &Partner, number: u16) -> String {
    if number == partner.number() {
        return "this partner".to_owned();
    }
    let name = partner.policy().policy().partner(number).map(|entry| plain(&entry.name));
    name.map_or_else(|| format!("partner {number}"), |name| format!("{name} (partner {number})"))
}

/// Who leads, for a reader who may be that one: by name, so that it is not taken for who wrote it.
fn leader(partner: &Partner, number: u16) -> String {
    let own = partner.policy().policy().partner(number).filter(|_| number == partner.number());
    own.map_or_else(|| who(partner, number), |own| format!("{} (this partner)", plain(&own.name)))
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

/// What to do after a totals request was not accepted.
pub(super) fn next_of_totals(code: Code, next: Next, asks_there: bool) -> &'static str {
    match (code, next) {
        (Code::OtherEpoch, _) if asks_there => {
            "ask again with stapel partner totals: the next request is of the epoch that answers"
        }
        (Code::Recovering, _) => {
            "the broker was put back from a copy: deliver first (stapel partner deliver), and then ask again with \
             stapel partner totals"
        }
        (Code::NotPermitted, _) => PERMITTED,
        (Code::Stale, _) => "ask again with stapel partner totals: what was wrong is put right in the next request",
        _ => super::next_of(code, next, asks_there),
    }
}

/// What to do about what the policy or the roster does not allow, as the broker says.
const PERMITTED: &str = "see with stapel policy explain whether this partner may do that under the policy in force, \
                         and whether the broker and this folder have the same one";

/// What to do after a message of what comes after a hit was not accepted, a totals request apart. `takes_part` is
/// whether the partner can put forward in the epoch that the rejection names.
pub(super) fn next_of(code: Code, next: Next, takes_part: bool) -> &'static str {
    match (code, next) {
        (Code::OtherEpoch, _) if takes_part => {
            "another epoch answers, and in this one no row is kept: go on with stapel partner talk, and put forward \
             again what is to be talked about now; stapel partner forwarded shows in which epoch each address is"
        }
        (Code::OtherEpoch, _) => {
            "an epoch answers still in which this partner has no part, and no row is kept before its own answers: go \
             on with stapel partner talk; the rows are said again on each day"
        }
        (Code::OverBudget, _) => {
            "today's are spent, by this partner or by others of its organisation: nothing is lost, and what is left \
             goes with the messages of the next day (UTC)"
        }
        (Code::Recovering, _) => {
            "the broker was put back from a copy: deliver first (stapel partner deliver), and then go on with stapel \
             partner talk"
        }
        (Code::NotCertified, _) => "go on with stapel partner talk once the broker has a certificate that holds",
        (Code::NotPermitted, _) => PERMITTED,
        (_, Next::Again) => "go on with stapel partner talk: what was wrong is put right in the next message",
        (_, Next::Resend) => "send the same message again later",
        (_, Next::FetchPolicy) => "fetch the policy in force, adopt it, and go on with stapel partner talk",
        (_, Next::SetClock) => {
            "if this side's clock is wrong, set it right; else the message came too late: go on with stapel partner \
             talk, and send it sooner"
        }
        _ => "ask the coordinator: this software, the roster and the broker do not agree",
    }
}

/// What to do after the report of a year was not accepted. It goes with no other run: a person gives it again.
pub(super) fn next_of_year(code: Code, next: Next) -> &'static str {
    match (code, next) {
        (Code::NotPermitted, _) => PERMITTED,
        (_, Next::Resend) => "send the same message again later",
        (_, Next::FetchPolicy) => "fetch the policy in force, adopt it, and give stapel partner year-report again",
        (_, Next::SetClock) => {
            "if this side's clock is wrong, set it right; else the message came too late: give stapel partner \
             year-report again, and send it sooner"
        }
        _ => "the year is not reported: give stapel partner year-report again, if need be on another day",
    }
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
    if as_json {
        return out.json(&after_hit::json::news(shown, partner));
    }
    let more = &shown.more;
    let with = |what: String| {
        shown.note.as_ref().map_or(what.clone(), |written| format!("{what}: {}", says(written, partner)))
    };
    let text = match &shown.news {
        TalkNews::Asked { .. } => "somebody else put it forward".to_owned(),
        TalkNews::RowEnded { .. } => "ended with its epoch: put it forward again".to_owned(),
        // It was put forward again since, or taken back.
        TalkNews::RowWider { .. } if more.is_empty() => "what the policy lets others know of it changed".to_owned(),
        TalkNews::RowWider { .. } => lets_more_know(more, partner),
        TalkNews::Introduced { partner: other, .. } => format!("introduced to {}", who(partner, *other)),
        TalkNews::Note { partner: other, .. } => with(format!("a note from {}", who(partner, *other))),
        TalkNews::Decision { .. } => with("the coordinator decided".to_owned()),
        TalkNews::Left { partner: other, .. } => format!("{} left", who(partner, *other)),
        TalkNews::NeverCertified { partner: other } => format!(
            "something of {} was passed over, because for two weeks no certificate of it came: ask its organisation \
             why",
            who(partner, *other)
        ),
        TalkNews::Unreadable { partner: other } => format!(
            "something of {} could not be read here, and was passed over; it does not know: ask its organisation to \
             write anew, or to put the address forward anew",
            who(partner, *other)
        ),
        TalkNews::Refused { partner: other, .. } => {
            format!("a note of {} was passed over: it says what that one may not say", who(partner, *other))
        }
        _ => "something that this version does not know".to_owned(),
    };
    let (conversation, by) = (shown.news.conversation(), shown.put_forward_by.as_ref());
    let about =
        shown.address.map_or(String::new(), |address| format!("{}{}  ", address.as_str(), typed_text(&shown.typed)));
    let conversation = conversation.map_or(String::new(), |number| format!("conversation {number}: "));
    let answer =
        shown.news.answer_by().map_or(String::new(), |day| format!("; answer by {day} with stapel partner answer"));
    let case = by.map_or(String::new(), |by| format!("; put forward for case {}", plain(by.reference())));
    writeln!(out, "{about}{conversation}{text}{answer}{case}")?;
    Ok(())
}

/// Says on standard error that not all that is new was told at once.
pub(in crate::partner) fn more_news(partner: &Partner) {
    let left = partner.talk_news().len();
    if left > 0 {
        let left = counted(left, "more piece of news waits", "more pieces of news wait");
        note(&format!("{left}: run the same command again"));
    }
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
        writeln!(out, "  {} leads", leader(partner, lead))?;
    }
    let others: Vec<_> = one.said_to_lead().into_iter().filter(|rival| Some(*rival) != one.lead).collect();
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|other| leader(partner, *other)).collect();
        writeln!(out, "  NOTE: at the same time this was said of {} too; the lowest number leads", names.join(", "))?;
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
        return out.json(&after_hit::json::conversation(one, partner));
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
        NoteContent::Lead { partner: lead, text, .. } => with(format!("{} leads", leader(partner, *lead)), text),
        NoteContent::Outcome { outcome, text } => {
            with(format!("outcome: {}", after_hit::outcome(*outcome, Lang::En)), text)
        }
        NoteContent::Decision { lead, next, text, .. } => {
            let lead = lead.map_or(String::new(), |lead| format!("; {} leads", leader(partner, lead)));
            let next = next.map_or(String::new(), |day| format!("; looked at again on {day}"));
            format!("decision: {}{lead}{next}", one_line(text))
        }
        _ => "something that this version does not know".to_owned(),
    }
}

/// A text of several lines on one, for a terminal.
fn one_line(text: &str) -> String {
    plain(&text.lines().collect::<Vec<_>>().join(" / "))
}

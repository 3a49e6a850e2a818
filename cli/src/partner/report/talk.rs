//! What replies and news say of what comes after a hit.

use std::io::Write;

use serde_json::json;
use stapel::message::{Kept, Totals};
use stapel::partner::{Partner, Posted, TalkNews};

use super::{complaint_json, complaint_line, typed_json, typed_text};
use crate::failure::Failure;
use crate::output::{Output, counted, plain};

/// Another partner, by its name and its number.
fn who(partner: &Partner, number: u16) -> String {
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

/// One piece of news.
pub(in crate::partner) fn talk_news(
    news: &TalkNews,
    partner: &Partner,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let conversation = news.conversation();
    let (word, other, text) = match news {
        TalkNews::Asked { address, answer_by } => {
            let typed = partner.typed(address);
            if as_json {
                return out.json(&json!({
                    "news": "put_forward_by_other", "address": address.as_str(), "level": address.level().as_str(),
                    "typed": typed_json(&typed), "answer_by": answer_by.to_string(),
                }));
            }
            writeln!(
                out,
                "{}{}  somebody else put it forward; answer by {answer_by} with stapel partner answer",
                address.as_str(),
                typed_text(&typed)
            )?;
            return Ok(());
        }
        TalkNews::Introduced { partner: other, .. } => {
            ("introduced", Some(*other), format!("introduced to {}", who(partner, *other)))
        }
        TalkNews::Note { partner: other, .. } => {
            ("note", Some(*other), format!("a note from {}", who(partner, *other)))
        }
        TalkNews::Decision { .. } => ("decision", None, "the coordinator decided".to_owned()),
        TalkNews::Left { partner: other, .. } => ("left", Some(*other), format!("{} left", who(partner, *other))),
        _ => ("unknown", None, "something that this version does not know".to_owned()),
    };
    if as_json {
        let name = other.and_then(|other| partner.policy().policy().partner(other)).map(|entry| &entry.name);
        return out.json(&json!({ "news": word, "conversation": conversation, "partner": other, "name": name }));
    }
    let conversation = conversation.map_or(String::new(), |number| format!("conversation {number}: "));
    writeln!(out, "{conversation}{text}")?;
    Ok(())
}

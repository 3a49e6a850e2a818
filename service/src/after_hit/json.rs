//! JSON of what comes after a hit: what the command prints with `--json` and what a shared folder answers have one
//! form, which is here. Each value has all its fields; what there is nothing to say of is null.

use serde_json::{Value, json};
use stapel::partner::{
    AgendaItem, Case, Conversation, ConversationNote, Partner, PutForwardByOther, PutForwardRow, ShownNews, TalkDue,
};
use stapel::talk::{NoteContent, Outcome};
use stapel::{AddressKey, Day};

/// What is put forward, a row of [`Partner::show_put_forward`].
pub fn put_forward(row: &PutForwardRow, partner: &Partner) -> Value {
    json!({
        "address": row.address.as_str(), "level": row.address.level().as_str(),
        "typed": text(&partner.typed(&row.address)), "since": day(Some(row.since)), "epoch": row.epoch,
        "ended": row.ended, "more": row.more, "stands_until": day(row.stands_until),
    })
}

/// What another put forward, of [`Partner::show_asked`].
pub fn asked(one: &PutForwardByOther, partner: &Partner) -> Value {
    json!({
        "address": one.address.as_str(), "level": one.address.level().as_str(),
        "typed": text(&partner.typed(&one.address)), "day": day(Some(one.day)), "answer_by": day(Some(one.answer_by)),
        "answer": one.answer.map(|(answer, _)| answer.as_str()), "answered": day(one.answer.map(|(_, day)| day)),
        "put_forward": one.is_put_forward,
    })
}

/// A piece of news, of [`Partner::show_talk_news`].
pub fn news(shown: &ShownNews, partner: &Partner) -> Value {
    let (news, by) = (&shown.news, shown.put_forward_by.as_ref());
    json!({
        "news": news.as_str(), "conversation": news.conversation(), "partner": news.partner(),
        "name": news.partner().and_then(|number| name(partner, number)),
        "address": shown.address.as_ref().map(AddressKey::as_str),
        "level": shown.address.map(|address| address.level().as_str()), "typed": text(&shown.typed),
        "actor": by.map(Case::actor), "case": by.map(Case::reference), "answer_by": day(news.answer_by()),
        "more": Some(&shown.more).filter(|more| !more.is_empty()),
        "note": shown.note.as_ref().map(|one| note(one, partner)),
    })
}

/// A conversation with all that was written in it, of [`Partner::show_conversations`].
pub fn conversation(one: &Conversation, partner: &Partner) -> Value {
    let introduced = one.introduced.iter().map(|other| {
        json!({
            "partner": other.partner, "name": name(partner, other.partner), "since": day(Some(other.since)),
            "left": day(other.left), "misses_note": other.misses_note,
        })
    });
    json!({
        "conversation": one.number, "address": one.address.as_ref().map(AddressKey::as_str), "typed": text(&one.typed),
        "epoch": one.epoch, "began": day(Some(one.began)), "introduced": introduced.collect::<Vec<_>>(),
        "notes": one.notes.iter().map(|one| note(one, partner)).collect::<Vec<_>>(), "lead": one.lead,
        "said_to_lead": one.said_to_lead(), "outcome": one.outcome.map(Outcome::as_str),
        "decision": one.decision.as_ref().map(|decision| json!({
            "time": decision.time.to_string(), "text": decision.text, "next": day(decision.next),
        })),
        "left": day(one.left),
    })
}

/// A conversation of the coordinator, of [`Partner::show_agenda`].
pub fn agenda_item(item: &AgendaItem, partner: &Partner) -> Value {
    let dated = |all: &[(u16, Day)]| -> Vec<Value> {
        let named = all.iter().map(|(number, on)| (number, name(partner, *number), on.to_string()));
        named.map(|(number, name, day)| json!({ "partner": number, "name": name, "day": day })).collect()
    };
    let addresses = item.addresses.iter().map(|(key, typed)| json!({ "address": key, "typed": typed }));
    json!({
        "conversation": item.conversation, "began": day(Some(item.began)), "is_new": item.is_new,
        "waiting_since": day(item.waits.map(|(since, _)| since)),
        "waits_for": item.waits.map(|(_, why)| why.as_str()), "joined": dated(&item.joined),
        "newcomers": item.newcomers, "closed_on": day(item.closed),
        "left": dated(&item.left), "addresses": addresses.collect::<Vec<_>>(), "lead": item.lead,
        "decision": item.decision, "next": day(item.next), "outcome": item.outcome.map(Outcome::as_str),
        "ended": item.ended.map(|(_, why)| why.as_str()), "ended_on": day(item.ended.map(|(on, _)| on)),
    })
}

/// What waits, of [`Partner::talk_due`]: numbers and days alone.
pub fn due(due: &TalkDue) -> Value {
    json!({
        "unanswered": due.unanswered, "unanswered_since": day(due.unanswered_since), "late": due.late,
        "answer_by": day(due.answer_by), "unread_notes": due.unread, "not_at_broker": due.not_standing,
        "not_at_broker_since": day(due.not_standing_since), "rows_spent": due.rows_spent,
        "notes_waiting": due.not_brought, "notes_waiting_since": day(due.not_brought_since),
        "notes_day_spent": due.put_off - due.too_many_wait, "notes_too_many_wait": due.too_many_wait,
        "undecided": due.undecided, "undecided_since": day(due.undecided_since),
    })
}

/// The same value without its nulls, for JSON in which a field that says nothing is left out.
#[cfg(feature = "desk")]
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let told = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(told.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        value => value,
    }
}

fn note(one: &ConversationNote, partner: &Partner) -> Value {
    let copies = one.copies.iter().map(|copy| {
        let put_off = copy.progress.put_off();
        json!({
            "to": copy.to, "progress": copy.progress.as_str(), "day": day(put_off.map(|(on, _)| on)),
            "reason": put_off.map(|(_, why)| why.as_str()),
        })
    });
    let mut value = json!({
        "kind": one.content.as_str(), "from": one.from, "name": one.from.and_then(|number| name(partner, number)),
        "time": one.time.to_string(), "copies": copies.collect::<Vec<_>>(),
    });
    let says = match &one.content {
        NoteContent::Text(text) => json!({ "text": text }),
        NoteContent::Address { key, typed } => json!({ "address": key, "typed": text(typed) }),
        NoteContent::Lead { partner, text, .. } => json!({ "lead": partner, "text": text }),
        NoteContent::Outcome { outcome, text } => json!({ "outcome": outcome.as_str(), "text": text }),
        NoteContent::Decision { lead, next, text, .. } => json!({ "lead": lead, "next": day(*next), "text": text }),
        _ => json!({}),
    };
    if let (Value::Object(value), Value::Object(says)) = (&mut value, says) {
        value.extend(says);
    }
    value
}

fn day(day: Option<Day>) -> Option<String> {
    day.map(|day| day.to_string())
}

/// A text that may be missing, which is an empty one in the library.
fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The name of a partner in the roster.
fn name(partner: &Partner, number: u16) -> Option<&str> {
    partner.policy().policy().partner(number).map(|entry| entry.name.as_str())
}

//! What comes after a hit: what is put forward, what others put forward, conversations, and the coordinator's agenda.
//! docs/after-a-hit.md says what each of these means for people.

use std::collections::HashSet;
use std::num::{NonZeroU16, NonZeroU32};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stapel::partner::{
    AgendaItem, AskAnswer, Case, Conversation, ConversationNote, NewNote, NoteProgress, Partner, PartnerError,
    PutForwardRow, ShownNews, TalkNews,
};
use stapel::talk::{NoteContent, Outcome};
use stapel::{AddressKey, Day, Timestamp};

use super::Desk;
use super::calls::{Acting, Origin, by, parsed};
use super::problem::Problem;
use super::rows::{self, Row, ToldRow, given};
use super::shown::{SeenRequest, refuse_no_mark};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForwardRequest {
    actor: String,
    case: String,
    #[serde(deserialize_with = "rows::rows")]
    rows: Vec<Row>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerRequest {
    actor: String,
    case: String,
    address: String,
    answer: AskAnswer,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConversationsRequest {
    actor: String,
    case: String,
    #[serde(default, deserialize_with = "given")]
    conversation: Option<NonZeroU32>,
}

/// A note of one kind, for whoever saw so many notes of the conversation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteRequest {
    actor: String,
    case: String,
    conversation: NonZeroU32,
    after: usize,
    kind: NoteKind,
    #[serde(default)]
    text: String,
    #[serde(default, deserialize_with = "given")]
    to: Option<NonZeroU16>,
    #[serde(default, deserialize_with = "given")]
    lead: Option<NonZeroU16>,
    #[serde(default, deserialize_with = "given")]
    outcome: Option<Outcome>,
    #[serde(default, deserialize_with = "parsed")]
    next: Option<Day>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoteKind {
    Text,
    Lead,
    Outcome,
    Decision,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaveRequest {
    actor: String,
    case: String,
    conversation: NonZeroU32,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
pub(super) struct ForwardResult {
    /// How many were not before, or were.
    changed: usize,
    unchanged: usize,
    repeated: usize,
    refused: usize,
    rows: Vec<ToldRow<Nothing>>,
}

/// Of a row there is no more to say than its address.
#[derive(Serialize)]
struct Nothing {}

pub(super) fn forward(desk: &Desk, origin: Origin, request: ForwardRequest) -> Result<ForwardResult, Problem> {
    change(desk, origin, request, |partner, addresses, by, now| match by {
        Some(by) => partner.put_forward(addresses, by, now),
        None => partner.preview_put_forward(addresses, now),
    })
}

pub(super) fn take_back(desk: &Desk, origin: Origin, request: ForwardRequest) -> Result<ForwardResult, Problem> {
    change(desk, origin, request, |partner, addresses, by, now| match by {
        Some(by) => partner.take_back(addresses, by, now),
        None => partner.preview_take_back(addresses, now),
    })
}

/// Does something with rows, or sees what that would do: `act` is given nobody then.
fn change(
    desk: &Desk,
    origin: Origin,
    request: ForwardRequest,
    act: impl Fn(&mut Partner, &[AddressKey], Option<&Case>, Timestamp) -> Result<usize, PartnerError>,
) -> Result<ForwardResult, Problem> {
    let ForwardRequest { actor, case, rows, dry_run } = request;
    let by = by(&actor, &case, origin)?;
    let rows = desk.rows(&rows, false)?;
    let (mut partner, now) = desk.begin();
    rows.refuse_if_none()?;
    let mut seen = HashSet::new();
    let addresses: Vec<_> = rows.found().map(|found| found.key).filter(|key| seen.insert(*key)).collect();
    let changed = act(&mut partner, &addresses, Some(&by).filter(|_| !dry_run), now)?;
    Ok(ForwardResult {
        changed,
        unchanged: addresses.len() - changed,
        repeated: rows.found().count() - addresses.len(),
        refused: rows.refused(),
        rows: rows.told(|_| Nothing {}),
    })
}

pub(super) fn asked(desk: &Desk, origin: Origin, request: Acting) -> Result<Value, Problem> {
    let by = request.by(origin)?;
    let (mut partner, now) = desk.begin();
    let asked = partner.show_asked(&by, now)?;
    let told = asked.iter().map(|one| {
        told(json!({
            "address": one.address.as_str(), "level": one.address.level().as_str(),
            "typed": typed(&partner, &one.address), "day": one.day.to_string(),
            "answer_by": one.answer_by.to_string(), "answer": one.answer.map(|(answer, _)| answer.as_str()),
            "answered": one.answer.map(|(_, day)| day.to_string()), "put_forward": one.is_put_forward,
        }))
    });
    Ok(json!({ "asked": told.collect::<Vec<_>>() }))
}

pub(super) fn answer(desk: &Desk, origin: Origin, request: AnswerRequest) -> Result<Value, Problem> {
    let AnswerRequest { actor, case, address, answer, dry_run } = request;
    let by = by(&actor, &case, origin)?;
    let address = AddressKey::from_canonical(&address)?;
    let (mut partner, now) = desk.begin();
    partner.preview_answer(&address, answer, now)?;
    // Made again after a lost reply it answers nothing twice.
    let is_said =
        partner.asked().any(|one| one.address == address && one.answer.is_some_and(|(said, _)| said == answer));
    let stands = |row: &PutForwardRow| row.address == address && !row.ended && row.more.is_empty();
    let joins_anew = answer == AskAnswer::Join && !partner.put_forward_rows().any(|row| stands(&row));
    if !dry_run && (!is_said || joins_anew) {
        partner.answer(&address, answer, &by, now)?;
    }
    Ok(json!({ "address": address.as_str(), "answer": answer.as_str() }))
}

pub(super) fn conversations(desk: &Desk, origin: Origin, request: ConversationsRequest) -> Result<Value, Problem> {
    let by = by(&request.actor, &request.case, origin)?;
    let (mut partner, now) = desk.begin();
    let shown = partner.show_conversations(request.conversation.map(NonZeroU32::get), &by, now)?;
    let shown: Vec<_> = shown.iter().map(|one| conversation(one, &partner)).collect();
    Ok(json!({ "conversations": shown }))
}

pub(super) fn note(desk: &Desk, origin: Origin, request: NoteRequest) -> Result<Value, Problem> {
    let by = by(&request.actor, &request.case, origin)?;
    let (mut partner, now) = desk.begin();
    let note = request.note(&partner)?;
    let number = request.conversation.get();
    let known = partner.conversations().find(|known| known.number == number);
    let known = known.ok_or(PartnerError::NoConversation { conversation: number })?;
    match known.notes.get(request.after) {
        // Made again after a lost reply, it is there.
        Some(next) if next.from.is_none() && note.says(&next.content) => {}
        None if known.notes.len() == request.after => partner.write_note(number, &note, &by, now)?,
        _ => {
            let detail = "after is not how many notes the conversation has: somebody wrote since, so read it again";
            return Err(Problem::conflict("conversation_changed", detail));
        }
    }
    let known = partner.conversations().find(|known| known.number == number);
    let written = known.as_ref().and_then(|known| known.notes.get(request.after));
    let told = written.into_iter().flat_map(|note| &note.copies).map(|copy| copy.to);
    Ok(json!({ "conversation": number, "told": told.collect::<Vec<_>>() }))
}

pub(super) fn leave(desk: &Desk, origin: Origin, request: LeaveRequest) -> Result<Value, Problem> {
    let by = by(&request.actor, &request.case, origin)?;
    let (mut partner, now) = desk.begin();
    let number = request.conversation.get();
    let known = partner.conversations().find(|known| known.number == number);
    let known = known.ok_or(PartnerError::NoConversation { conversation: number })?;
    if known.left.is_none() {
        match request.dry_run {
            true => partner.preview_leave(number, now)?,
            false => partner.leave(number, &by, now)?,
        }
    }
    let told = known.introduced.iter().filter(|other| other.left.is_none()).map(|other| other.partner);
    Ok(json!({ "conversation": number, "told": told.collect::<Vec<_>>() }))
}

pub(super) fn agenda(desk: &Desk, origin: Origin, request: Acting) -> Result<Value, Problem> {
    let by = request.by(origin)?;
    let (mut partner, now) = desk.begin();
    let items = partner.show_agenda(&by, now)?;
    Ok(json!({ "items": items.iter().map(agenda_item).collect::<Vec<_>>() }))
}

pub(super) fn news(desk: &Desk, origin: Origin, request: Acting) -> Result<Value, Problem> {
    let by = request.by(origin)?;
    let (mut partner, now) = desk.begin();
    let mark = mark(&mut partner)?;
    let news = match &mark {
        Some(mark) if !desk.shown_after_hit().was_shown(mark, &by) => {
            let news = partner.show_talk_news(&by, now)?;
            desk.shown_after_hit().note(mark, by);
            news
        }
        _ => partner.untold_talk_news()?,
    };
    let news: Vec<_> = news.iter().map(|one| told_news(one, &partner)).collect();
    Ok(told(json!({ "mark": mark, "news": news })))
}

pub(super) fn seen(desk: &Desk, origin: Origin, request: SeenRequest) -> Result<Value, Problem> {
    by(&request.actor, &request.case, origin)?;
    refuse_no_mark(&request.mark)?;
    let (mut partner, _) = desk.begin();
    if mark(&mut partner)? != Some(request.mark) {
        let detail = "this is not the news that there is now: read the news again";
        return Err(Problem::conflict("news_changed", detail));
    }
    Ok(json!({ "seen": partner.take_talk_news()?.len() }))
}

impl NoteRequest {
    /// The note, with what goes with its kind and nothing else.
    fn note(&self, partner: &Partner) -> Result<NewNote<'_>, Problem> {
        let NoteRequest { kind, text, to, lead, outcome, next, .. } = self;
        let (to, lead) = (to.map(NonZeroU16::get), lead.map(NonZeroU16::get));
        let (outcome, next, text) = (*outcome, *next, text.as_str());
        Ok(match (kind, to, lead, outcome, next) {
            (NoteKind::Text, to, None, None, None) => NewNote::Text { text, to },
            (NoteKind::Lead, None, lead, None, None) => {
                NewNote::Lead { partner: lead.unwrap_or(partner.number()), text }
            }
            (NoteKind::Outcome, None, None, Some(outcome), None) => NewNote::Outcome { outcome, text },
            (NoteKind::Decision, None, lead, None, next) => NewNote::Decision { lead, next, text },
            _ => {
                let detail = "a text may have to; a lead may have lead; an outcome has outcome; a decision may have \
                              lead and next: give each no more than that";
                return Err(Problem::bad_request(detail));
            }
        })
    }
}

/// Leaves out what there is nothing to say of.
fn told(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

fn typed(partner: &Partner, address: &AddressKey) -> Option<String> {
    Some(partner.typed(address)).filter(|typed| !typed.is_empty())
}

/// What tells one list of news from another; `None` where there is none. Two notes of one partner read the same here:
/// the journal's record, with which it came, tells a later one from one that was seen.
fn mark(partner: &mut Partner) -> Result<Option<String>, PartnerError> {
    let record = partner.talk_news_record()?;
    let news = partner.talk_news();
    let mut context = Context::new(&SHA256);
    context.update(format!("after a hit\n{record}\n").as_bytes());
    for one in news {
        context.update(format!("{one:?}\n").as_bytes());
        if let Some(address) = one.address() {
            context.update(address.as_str().as_bytes());
        }
    }
    let mark = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(mark).filter(|_| !news.is_empty()))
}

fn told_news(shown: &ShownNews, partner: &Partner) -> Value {
    let (kind, other, answer_by) = match &shown.news {
        TalkNews::Asked { answer_by, .. } => ("put_forward_by_other", None, Some(answer_by.to_string())),
        TalkNews::Introduced { partner, .. } => ("introduced", Some(*partner), None),
        TalkNews::Note { partner, .. } => ("note", Some(*partner), None),
        TalkNews::Decision { .. } => ("decision", None, None),
        TalkNews::Left { partner, .. } => ("left", Some(*partner), None),
        TalkNews::RowEnded { .. } => ("put_forward_ended", None, None),
        TalkNews::RowWider { .. } => ("put_forward_wider", None, None),
        TalkNews::NeverCertified { partner } => ("never_certified", Some(*partner), None),
        TalkNews::Unreadable { partner } => ("unreadable", Some(*partner), None),
        TalkNews::Refused { partner, .. } => ("refused", Some(*partner), None),
        _ => ("other", None, None),
    };
    let by = shown.put_forward_by.as_ref();
    let row = shown.address.and_then(|address| partner.put_forward_rows().find(|row| row.address == address));
    let more = row.filter(|_| matches!(shown.news, TalkNews::RowWider { .. })).map(|row| row.more);
    told(json!({
        "news": kind, "conversation": shown.news.conversation(), "partner": other, "answer_by": answer_by,
        "address": shown.address.map(|address| address.as_str().to_owned()),
        "typed": shown.address.and_then(|address| typed(partner, &address)),
        "actor": by.map(Case::actor), "case": by.map(Case::reference), "note": shown.note.as_ref().map(told_note),
        "more": more,
    }))
}

fn conversation(one: &Conversation, partner: &Partner) -> Value {
    let name = |number: u16| partner.policy().policy().partner(number).map(|entry| entry.name.clone());
    let introduced = one.introduced.iter().map(|other| {
        told(json!({
            "partner": other.partner, "name": name(other.partner), "since": other.since.to_string(),
            "left": other.left.map(|day| day.to_string()), "misses_note": other.misses_note,
        }))
    });
    let decision = one.decision.as_ref().map(|decision| {
        told(json!({
            "time": decision.time.to_string(), "text": decision.text,
            "next": decision.next.map(|day| day.to_string()),
        }))
    });
    told(json!({
        "conversation": one.number, "address": one.address.map(|address| address.as_str().to_owned()),
        "typed": Some(&one.typed).filter(|typed| !typed.is_empty()), "began": one.began.to_string(),
        "introduced": introduced.collect::<Vec<_>>(), "notes": one.notes.iter().map(told_note).collect::<Vec<_>>(),
        "lead": one.lead, "outcome": one.outcome.map(Outcome::as_str), "decision": decision,
        "left": one.left.map(|day| day.to_string()),
    }))
}

fn told_note(note: &ConversationNote) -> Value {
    let copies: Vec<_> = note
        .copies
        .iter()
        .map(|copy| {
            let (progress, day, reason) = match copy.progress {
                NoteProgress::Waiting => ("waiting", None, None),
                NoteProgress::PutOff(day, reason) => ("put_off", Some(day.to_string()), Some(reason.as_str())),
                NoteProgress::Kept => ("kept", None, None),
                NoteProgress::Read => ("read", None, None),
                NoteProgress::NotIntroduced => ("not_introduced", None, None),
                _ => ("other", None, None),
            };
            told(json!({ "to": copy.to, "progress": progress, "day": day, "reason": reason }))
        })
        .collect();
    let content = match &note.content {
        NoteContent::Text(text) => json!({ "kind": "text", "text": text }),
        NoteContent::Address { key, typed } => json!({ "kind": "address", "address": key, "typed": typed }),
        NoteContent::Lead { partner, text, .. } => json!({ "kind": "lead", "lead": partner, "text": text }),
        NoteContent::Outcome { outcome, text } => {
            json!({ "kind": "outcome", "outcome": outcome.as_str(), "text": text })
        }
        NoteContent::Decision { lead, next, text, .. } => {
            json!({ "kind": "decision", "lead": lead, "next": next.map(|day| day.to_string()), "text": text })
        }
        _ => json!({ "kind": "other" }),
    };
    let mut value =
        Map::from_iter([("time".to_owned(), json!(note.time.to_string())), ("copies".to_owned(), json!(copies))]);
    if let Value::Object(content) = content {
        value.extend(content);
    }
    value.extend(note.from.map(|from| ("from".to_owned(), json!(from))));
    let says_nothing = |name: &str, value: &Value| value.is_null() || name == "typed" && value == "";
    value.retain(|name, value| !says_nothing(name, value));
    Value::Object(value)
}

fn agenda_item(item: &AgendaItem) -> Value {
    let dated = |at: &[(u16, Day)]| -> Vec<_> {
        at.iter().map(|(partner, day)| json!({ "partner": partner, "day": day.to_string() })).collect()
    };
    let addresses: Vec<_> =
        item.addresses.iter().map(|(key, typed)| json!({ "address": key, "typed": typed })).collect();
    told(json!({
        "conversation": item.conversation, "began": item.began.to_string(), "is_new": item.is_new,
        "waiting_since": item.waits.map(|(day, _)| day.to_string()),
        "waits_for": item.waits.map(|(_, why)| why.as_str()), "joined": dated(&item.joined),
        "left": dated(&item.left), "addresses": addresses, "lead": item.lead, "decision": item.decision,
        "next": item.next.map(|day| day.to_string()), "outcome": item.outcome.map(Outcome::as_str),
        "ended": item.ended.map(|(_, why)| why.as_str()), "ended_on": item.ended.map(|(day, _)| day.to_string()),
    }))
}

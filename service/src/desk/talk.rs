//! What comes after a hit: what is put forward, what others put forward, conversations, and the coordinator's agenda.
//! docs/after-a-hit.md says what each of these means for people.

use std::collections::HashSet;
use std::num::{NonZeroU16, NonZeroU32};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stapel::partner::{AskAnswer, Case, NewNote, Partner, PartnerError, PutForwardRow};
use stapel::talk::Outcome;
use stapel::{AddressKey, Day, Timestamp};

use super::Desk;
use super::calls::{Acting, Origin, by, parsed};
use super::problem::Problem;
use super::rows::{self, Row, ToldRow, given};
use super::shown::{SeenRequest, refuse_no_mark};
use crate::after_hit::{self, json::without_nulls};

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
    let asked: Vec<_> = asked.iter().map(|one| after_hit::json::asked(one, &partner)).collect();
    Ok(without_nulls(json!({ "asked": asked })))
}

pub(super) fn forwarded(desk: &Desk, origin: Origin, request: Acting) -> Result<Value, Problem> {
    let by = request.by(origin)?;
    let (mut partner, now) = desk.begin();
    let rows = partner.show_put_forward(&by, now)?;
    let rows: Vec<_> = rows.iter().map(|row| after_hit::json::put_forward(row, &partner)).collect();
    Ok(without_nulls(json!({ "forwarded": rows })))
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
    let shown: Vec<_> = shown.iter().map(|one| after_hit::json::conversation(one, &partner)).collect();
    Ok(without_nulls(json!({ "conversations": shown })))
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
    let items: Vec<_> = items.iter().map(|item| after_hit::json::agenda_item(item, &partner)).collect();
    Ok(without_nulls(json!({ "items": items })))
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
    let more = partner.talk_news().len() > news.len();
    let news: Vec<_> = news.iter().map(|one| after_hit::json::news(one, &partner)).collect();
    Ok(without_nulls(json!({ "mark": mark, "more": more, "news": news })))
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

//! Conversations, what is written in them, and the coordinator's agenda.

use std::ffi::c_char;

use stapel::partner::{AgendaItem, Conversation, ConversationNote, NewNote, NoteProgress, Partner};
use stapel::talk::{NoteContent, Outcome};
use stapel::{Day, Timestamp};

use crate::bytes::{case, invalid, out, past, stapel_case, stapel_str, text};
use crate::forward::name;
use crate::guard::{self, guard};
use crate::handle::{Handle, Table, add, free, get};
use crate::partner::stapel_partner;
use crate::status::stapel_status;

/// Conversations, oldest first. They never change: any number of threads may look at them at once.
pub struct stapel_conversations(Vec<Shown>);

/// The coordinator's agenda, oldest first, with what has ended. It never changes: any number of threads may look at it
/// at once.
pub struct stapel_agenda(Vec<AgendaRow>);

/// A conversation, with the texts of its days and names.
struct Shown {
    conversation: Conversation,
    began: String,
    left: Option<String>,
    next: Option<String>,
    introduced: Vec<IntroducedRow>,
    notes: Vec<NoteRow>,
}

struct IntroducedRow {
    partner: u16,
    name: Option<String>,
    organisation: Option<String>,
    since: Option<String>,
    left: Option<String>,
    misses_note: bool,
}

struct NoteRow {
    /// Of a decision: when it is looked at next.
    next: Option<String>,
    /// Of each copy: the day on which it was put off.
    put_off: Vec<Option<String>>,
}

struct AgendaRow {
    item: AgendaItem,
    began: String,
    waiting_since: Option<String>,
    next: Option<String>,
    ended_on: Option<String>,
    joined: Vec<IntroducedRow>,
    left: Vec<IntroducedRow>,
    /// Each key, with the ways in which it was typed.
    addresses: Vec<(String, String)>,
}

/// A conversation: all that those who were introduced over one address said to each other. Days are written as in
/// "2027-05-31".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_conversation {
    /// By which it is written in and left. It is this partner's own.
    pub number: u32,
    /// The epoch in which it began.
    pub epoch: u32,
    /// The canonical form of the address. NULL at the coordinator, who has it from a note.
    pub canonical: stapel_str,
    /// As it was written here when it was flagged. NULL where there was no text.
    pub typed: stapel_str,
    /// The day of its first introduction.
    pub began: stapel_str,
    /// Who leads: its number in the roster. 0 where nobody does.
    pub lead: u16,
    /// How it ended, as was said last: "taken_up_together", "taken_up_by_one", "not_taken_up", "nothing_found" or
    /// "wrong_signal". NULL where nobody said.
    pub outcome: stapel_str,
    /// What the coordinator decided last. NULL where it decided nothing.
    pub decision: stapel_str,
    /// When it decided that; 0 where it decided nothing.
    pub decided_at: u64,
    /// The day on which it is looked at next. NULL where the decision names none.
    pub next: stapel_str,
    /// The day on which this partner left. NULL where it did not.
    pub left: stapel_str,
    /// How many partners this one was introduced to, for stapel_conversations_introduced.
    pub introduced: usize,
    /// How many notes were written, for stapel_conversations_note.
    pub notes: usize,
}

/// Somebody that this partner was introduced to. Days are written as in "2027-05-31".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_introduced {
    /// Its number in the roster.
    pub partner: u16,
    /// Its name in the roster. NULL where it is there no longer.
    pub name: stapel_str,
    /// Its organisation, by the short name of the policy. NULL where it is in the roster no longer.
    pub organisation: stapel_str,
    /// The day on which the introduction was decided. Of stapel_agenda_left NULL.
    pub since: stapel_str,
    /// The day on which it left. NULL where it did not.
    pub left: stapel_str,
    /// Not 0 where a note of it is missing: a later one came.
    pub misses_note: i32,
}

/// What a note is.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_note_kind {
    /// One that this version of the library does not know.
    STAPEL_NOTE_OTHER = 0,
    /// A text.
    STAPEL_NOTE_TEXT = 1,
    /// Which address the conversation is about: what the coordinator is told.
    STAPEL_NOTE_ADDRESS = 2,
    /// Who leads from now on.
    STAPEL_NOTE_LEAD = 3,
    /// How it ended.
    STAPEL_NOTE_OUTCOME = 4,
    /// What the coordinator decided.
    STAPEL_NOTE_DECISION = 5,
}

/// A note in a conversation.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_note {
    /// What it is.
    pub kind: stapel_note_kind,
    /// Who wrote it: its number in the roster. 0 for this partner.
    pub from: u16,
    /// STAPEL_NOTE_LEAD: who leads. STAPEL_NOTE_DECISION: who leads, or 0 where that stays as it is. Else 0.
    pub lead: u16,
    /// When it was written, by its writer's clock.
    pub time: u64,
    /// What it says; of an address NULL, and where it says nothing besides.
    pub text: stapel_str,
    /// STAPEL_NOTE_ADDRESS: the canonical form. Else NULL.
    pub canonical: stapel_str,
    /// STAPEL_NOTE_ADDRESS: as it was written. NULL where there was no text.
    pub typed: stapel_str,
    /// STAPEL_NOTE_OUTCOME: how it ended, as in stapel_conversation. Else NULL.
    pub outcome: stapel_str,
    /// STAPEL_NOTE_DECISION: the day on which it is looked at next, written as in "2027-05-31". NULL where there is
    /// none.
    pub next: stapel_str,
    /// Of an own note: to how many it goes, for stapel_conversations_copy. Else 0.
    pub copies: usize,
}

/// How far an own note came.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_note_progress {
    /// In a way that this version of the library does not know.
    STAPEL_PROGRESS_OTHER = 0,
    /// It goes with one of the next exchanges.
    STAPEL_PROGRESS_WAITING = 1,
    /// The broker did not take it on the day `put_off`; `reason` says why. It goes on the next day.
    STAPEL_PROGRESS_PUT_OFF = 2,
    /// The broker has it.
    STAPEL_PROGRESS_KEPT = 3,
    /// The other says that it read it.
    STAPEL_PROGRESS_READ = 4,
    /// The broker did not take it: one of the two left.
    STAPEL_PROGRESS_NOT_INTRODUCED = 5,
}

/// An own note to one partner.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_note_copy {
    /// Whom it is for: its number in the roster.
    pub to: u16,
    /// How far it came.
    pub progress: stapel_note_progress,
    /// STAPEL_PROGRESS_PUT_OFF: the day, written as in "2027-05-31". Else NULL.
    pub put_off: stapel_str,
    /// STAPEL_PROGRESS_PUT_OFF: why: "day_spent", where the organisation's notes of that day were spent, or
    /// "too_many_wait", where as many wait for the other as may, until its own exchanges bring it some. Else NULL.
    pub reason: stapel_str,
}

/// A conversation on the coordinator's agenda, or one that was. Days are written as in "2027-05-31".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_agenda_row {
    /// The number of the conversation: stapel_partner_conversations has what was written in it.
    pub conversation: u32,
    /// Not 0 where the coordinator wrote nothing in it yet.
    pub is_new: i32,
    /// The day of its first introduction.
    pub began: stapel_str,
    /// Since which day it waits for the coordinator. NULL where it does not.
    pub waiting_since: stapel_str,
    /// For what: "first_decision", where nothing was decided yet; or, after the last decision, "joined", where somebody
    /// joined who has not got it, "note", where somebody wrote, "next_day", where the day has come on which it was to
    /// be looked at, or "leader_left", where who leads has left. Of several the earliest. NULL where it does not wait.
    pub waits_for: stapel_str,
    /// Why it is on the agenda no longer: "all_said", where all who joined said how it ended, "closed", where the
    /// coordinator did, "all_left", or "coordinator_left". NULL where it is on the agenda.
    pub ended: stapel_str,
    /// Since which day that is so. NULL where `ended` is.
    pub ended_on: stapel_str,
    /// Who leads: its number in the roster. 0 where nobody does.
    pub lead: u16,
    /// What was decided last. NULL where nothing was.
    pub decision: stapel_str,
    /// When it is looked at next. NULL where the decision names no day.
    pub next: stapel_str,
    /// How it ended, as in stapel_conversation. NULL where nobody said.
    pub outcome: stapel_str,
    /// How many joined, without those who left, for stapel_agenda_joined.
    pub joined: usize,
    /// How many joined and left again, for stapel_agenda_left.
    pub left: usize,
    /// How many addresses notes said that it is about, each once, for stapel_agenda_address: more than one where they
    /// differ.
    pub addresses: usize,
}

/// An address that a note said.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_agenda_place {
    /// The canonical form.
    pub canonical: stapel_str,
    /// As it was written; of different spellings all, with "; " between. NULL where there was no text.
    pub typed: stapel_str,
}

static CONVERSATIONS: Table<stapel_conversations> = Table::new();
static AGENDAS: Table<stapel_agenda> = Table::new();

impl Handle for stapel_conversations {
    const NAME: &'static str = "conversations";

    fn table() -> &'static Table<Self> {
        &CONVERSATIONS
    }
}

impl Handle for stapel_agenda {
    const NAME: &'static str = "an agenda";

    fn table() -> &'static Table<Self> {
        &AGENDAS
    }
}

/// Conversations, for a person to be shown: that of a number, or all where it is 0. To be freed with
/// stapel_conversations_free. Before they are handed out the journal has who is shown them, and for which case.
///
/// Errors: STAPEL_ERROR_NO_CONVERSATION; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_conversations(
    partner: *const stapel_partner,
    conversation: u32,
    by: *const stapel_case,
    now: u64,
    conversations: *mut *mut stapel_conversations,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, conversations) = unsafe { (case(by)?, out(conversations, "conversations")?) };
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let one = (conversation > 0).then_some(conversation);
        let found = partner.show_conversations(one, &by, Timestamp(now))?;
        let shown = found.into_iter().map(|one| Shown::of(one, &partner));
        conversations.write(add(stapel_conversations(shown.collect())));
        Ok(())
    })
}

/// How many conversations there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_conversations_count(
    conversations: *const stapel_conversations,
    count: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(conversations)?.0.len());
        Ok(())
    })
}

/// Conversation `index`, counted from 0. The texts belong to the conversations.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_conversations_get(
    conversations: *const stapel_conversations,
    index: usize,
    conversation: *mut stapel_conversation,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let conversation = unsafe { out(conversation, "conversation") }?;
        conversation.write(get(conversations)?.at(index)?.row());
        Ok(())
    })
}

/// Number `at`, counted from 0, of those that this partner was introduced to in conversation `index`, in that order.
/// The texts belong to the conversations.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_conversations_introduced(
    conversations: *const stapel_conversations,
    index: usize,
    at: usize,
    introduced: *mut stapel_introduced,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let introduced = unsafe { out(introduced, "introduced") }?;
        let conversations = get(conversations)?;
        introduced.write(row(&conversations.at(index)?.introduced, at, "introduction")?.row());
        Ok(())
    })
}

/// Note `at`, counted from 0, of conversation `index`, own notes and others', in the order in which they came. The
/// texts belong to the conversations.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_conversations_note(
    conversations: *const stapel_conversations,
    index: usize,
    at: usize,
    note: *mut stapel_note,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let note = unsafe { out(note, "note") }?;
        let conversations = get(conversations)?;
        let shown = conversations.at(index)?;
        let texts = row(&shown.notes, at, "note")?;
        note.write(stapel_note::of(row(&shown.conversation.notes, at, "note")?, texts));
        Ok(())
    })
}

/// Copy `copy`, counted from 0, of note `at` of conversation `index`: to whom an own note goes, and how far it came.
/// The text belongs to the conversations.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_conversations_copy(
    conversations: *const stapel_conversations,
    index: usize,
    at: usize,
    copy: usize,
    to: *mut stapel_note_copy,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let to = unsafe { out(to, "to") }?;
        let conversations = get(conversations)?;
        let shown = conversations.at(index)?;
        let texts = row(&shown.notes, at, "note")?;
        let found = row(&row(&shown.conversation.notes, at, "note")?.copies, copy, "copy")?;
        to.write(stapel_note_copy {
            to: found.to,
            progress: stapel_note_progress::of(found.progress),
            put_off: stapel_str::optional(row(&texts.put_off, copy, "copy")?.as_deref()),
            reason: stapel_str::optional(found.progress.put_off().map(|(_, why)| why.as_str())),
        });
        Ok(())
    })
}

/// Frees conversations. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_conversations_free(conversations: *mut stapel_conversations) -> stapel_status {
    free(conversations)
}

/// Writes a text in a conversation: to the partner `to`, or where that is 0 to all that this partner was introduced to
/// there and that did not leave. stapel_partner_talk brings it. It has at most 1,020 bytes, in one line or several.
///
/// Errors: STAPEL_ERROR_NO_CONVERSATION where there is no such conversation, nobody in it to write to, or `to` is
/// not in it; _NOTE_TEXT; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_write_text(
    partner: *const stapel_partner,
    conversation: u32,
    to: u16,
    note: *const c_char,
    note_len: usize,
    by: *const stapel_case,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (text, by) = unsafe { (text(note, note_len, "note")?, case(by)?) };
        write(partner, conversation, &NewNote::Text { text, to: number(to) }, &by, now)
    })
}

/// Says who leads a conversation from now on: this partner, where nobody leads yet, or the one that it hands the lead
/// over to. `note` may be empty.
///
/// Errors: those of stapel_partner_write_text; STAPEL_ERROR_NOT_LEADING where another leads; _NOT_PERMITTED for
/// somebody who was not introduced.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_write_lead(
    partner: *const stapel_partner,
    conversation: u32,
    lead: u16,
    note: *const c_char,
    note_len: usize,
    by: *const stapel_case,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (text, by) = unsafe { (text(note, note_len, "note")?, case(by)?) };
        write(partner, conversation, &NewNote::Lead { partner: lead, text }, &by, now)
    })
}

/// Says how a conversation ended, to all of it: `outcome` is "taken_up_together", "taken_up_by_one", "not_taken_up",
/// "nothing_found" or "wrong_signal". `note` may be empty.
///
/// Errors: those of stapel_partner_write_text; STAPEL_ERROR_INVALID_ARGUMENT for what is no outcome.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_write_outcome(
    partner: *const stapel_partner,
    conversation: u32,
    outcome: *const c_char,
    outcome_len: usize,
    note: *const c_char,
    note_len: usize,
    by: *const stapel_case,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (outcome, text, by) =
            unsafe { (text(outcome, outcome_len, "outcome")?, text(note, note_len, "note")?, case(by)?) };
        let found = Outcome::ALL.into_iter().find(|known| known.as_str() == outcome);
        let names = "taken_up_together, taken_up_by_one, not_taken_up, nothing_found or wrong_signal";
        let outcome = found.ok_or_else(|| invalid(format!("outcome is none; give {names}")))?;
        write(partner, conversation, &NewNote::Outcome { outcome, text }, &by, now)
    })
}

/// Writes what the coordinator decides, to all of a conversation. `lead` is who leads, or 0 where that stays as it is;
/// whoever gets it learns who leads. `next` is the day on which it is looked at next, written as in "2027-05-31"; NULL
/// or empty for none.
///
/// Errors: those of stapel_partner_write_text; STAPEL_ERROR_NOT_PERMITTED for another than the coordinator, for a lead
/// of somebody who was not introduced, and for a `next` that is over; _INVALID_ARGUMENT for what is not a day.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_write_decision(
    partner: *const stapel_partner,
    conversation: u32,
    lead: u16,
    next: *const c_char,
    next_len: usize,
    note: *const c_char,
    note_len: usize,
    by: *const stapel_case,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (next, text, by) = unsafe {
            let next = if next.is_null() { "" } else { text(next, next_len, "next")? };
            (next, text(note, note_len, "note")?, case(by)?)
        };
        let day = |text: &str| text.parse::<Day>().map_err(|error| invalid(format!("next is {error}")));
        let next = Some(next).filter(|next| !next.is_empty()).map(day).transpose()?;
        write(partner, conversation, &NewNote::Decision { lead: number(lead), next, text }, &by, now)
    })
}

/// Leaves a conversation: takes back what is put forward there, and has the broker tell the others, with the next
/// exchange. Nobody can write to this partner there any more. What was written stays here.
///
/// Errors: STAPEL_ERROR_NO_CONVERSATION where there is none of that number, or it was left already; _CASE, _CLOCK,
/// _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_leave(
    partner: *const stapel_partner,
    conversation: u32,
    by: *const stapel_case,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let by = unsafe { case(by) }?;
        Ok(get(partner)?.lock()?.leave(conversation, &by, Timestamp(now))?)
    })
}

/// The coordinator's agenda, for a person to be shown: all conversations, oldest first, those that have ended among
/// them (`ended` in stapel_agenda_row). To be freed with stapel_agenda_free. Before it is handed out the journal has
/// who is shown it, and for which case.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED for another than the coordinator; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_agenda(
    partner: *const stapel_partner,
    by: *const stapel_case,
    now: u64,
    agenda: *mut *mut stapel_agenda,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, agenda) = unsafe { (case(by)?, out(agenda, "agenda")?) };
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let items = partner.show_agenda(&by, Timestamp(now))?;
        let rows = items.into_iter().map(|item| AgendaRow::of(item, &partner));
        agenda.write(add(stapel_agenda(rows.collect())));
        Ok(())
    })
}

/// How many conversations are on an agenda.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_agenda_count(agenda: *const stapel_agenda, count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(agenda)?.0.len());
        Ok(())
    })
}

/// Row `index` of an agenda, counted from 0. The texts belong to the agenda.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_agenda_get(
    agenda: *const stapel_agenda,
    index: usize,
    item: *mut stapel_agenda_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let item = unsafe { out(item, "item") }?;
        let agenda = get(agenda)?;
        item.write(row(&agenda.0, index, "row")?.row());
        Ok(())
    })
}

/// Number `at`, counted from 0, of those who joined row `index` of an agenda, in that order: `left` is always NULL and
/// `misses_note` 0. The texts belong to the agenda.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_agenda_joined(
    agenda: *const stapel_agenda,
    index: usize,
    at: usize,
    joined: *mut stapel_introduced,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let joined = unsafe { out(joined, "joined") }?;
        let agenda = get(agenda)?;
        joined.write(row(&row(&agenda.0, index, "row")?.joined, at, "introduction")?.row());
        Ok(())
    })
}

/// Number `at`, counted from 0, of those who joined row `index` of an agenda and left again, in the order in which they
/// joined: `left` is the day on which it left, `since` always NULL and `misses_note` 0. The texts belong to the agenda.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_agenda_left(
    agenda: *const stapel_agenda,
    index: usize,
    at: usize,
    left: *mut stapel_introduced,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let left = unsafe { out(left, "left") }?;
        let agenda = get(agenda)?;
        left.write(row(&row(&agenda.0, index, "row")?.left, at, "introduction")?.row());
        Ok(())
    })
}

/// Address `at`, counted from 0, that notes said row `index` of an agenda is about. The texts belong to the agenda.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_agenda_address(
    agenda: *const stapel_agenda,
    index: usize,
    at: usize,
    address: *mut stapel_agenda_place,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let address = unsafe { out(address, "address") }?;
        let agenda = get(agenda)?;
        let (canonical, typed) = row(&row(&agenda.0, index, "row")?.addresses, at, "address")?;
        address.write(stapel_agenda_place { canonical: stapel_str::of(canonical), typed: stapel_str::shown(typed) });
        Ok(())
    })
}

/// Frees an agenda. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_agenda_free(agenda: *mut stapel_agenda) -> stapel_status {
    free(agenda)
}

fn write(
    partner: *const stapel_partner,
    conversation: u32,
    note: &NewNote<'_>,
    by: &stapel::Case,
    now: u64,
) -> guard::Outcome {
    Ok(get(partner)?.lock()?.write_note(conversation, note, by, Timestamp(now))?)
}

/// A partner's number, of which 0 stands for none.
fn number(partner: u16) -> Option<u16> {
    (partner > 0).then_some(partner)
}

fn row<'a, T>(rows: &'a [T], at: usize, what: &str) -> guard::Outcome<&'a T> {
    rows.get(at).ok_or_else(|| past(what, at, rows.len()))
}

impl stapel_conversations {
    fn at(&self, index: usize) -> guard::Outcome<&Shown> {
        row(&self.0, index, "conversation")
    }
}

impl Shown {
    fn of(conversation: Conversation, partner: &Partner) -> Shown {
        let decision = conversation.decision.as_ref();
        let introduced = conversation.introduced.iter().map(|other| IntroducedRow {
            left: other.left.map(|day| day.to_string()),
            misses_note: other.misses_note,
            since: Some(other.since.to_string()),
            ..IntroducedRow::of(other.partner, partner)
        });
        Shown {
            began: conversation.began.to_string(),
            left: conversation.left.map(|day| day.to_string()),
            next: decision.and_then(|decision| decision.next).map(|day| day.to_string()),
            introduced: introduced.collect(),
            notes: conversation.notes.iter().map(NoteRow::of).collect(),
            conversation,
        }
    }

    fn row(&self) -> stapel_conversation {
        let Conversation { number, epoch, lead, outcome, .. } = self.conversation;
        let decision = self.conversation.decision.as_ref();
        stapel_conversation {
            number,
            epoch,
            canonical: stapel_str::optional(self.conversation.address.as_ref().map(|address| address.as_str())),
            typed: stapel_str::shown(&self.conversation.typed),
            began: stapel_str::of(&self.began),
            lead: lead.unwrap_or(0),
            outcome: stapel_str::optional(outcome.map(Outcome::as_str)),
            decision: stapel_str::optional(decision.map(|decision| decision.text.as_str())),
            decided_at: decision.map_or(0, |decision| decision.time.0),
            next: stapel_str::optional(self.next.as_deref()),
            left: stapel_str::optional(self.left.as_deref()),
            introduced: self.introduced.len(),
            notes: self.notes.len(),
        }
    }
}

impl IntroducedRow {
    /// Who it is, without days.
    fn of(number: u16, partner: &Partner) -> IntroducedRow {
        let entry = partner.policy().policy().partner(number);
        IntroducedRow {
            partner: number,
            name: name(partner, number),
            organisation: entry.map(|entry| entry.organisation.to_string()),
            since: None,
            left: None,
            misses_note: false,
        }
    }

    fn row(&self) -> stapel_introduced {
        stapel_introduced {
            partner: self.partner,
            name: stapel_str::optional(self.name.as_deref()),
            organisation: stapel_str::optional(self.organisation.as_deref()),
            since: stapel_str::optional(self.since.as_deref()),
            left: stapel_str::optional(self.left.as_deref()),
            misses_note: self.misses_note.into(),
        }
    }
}

impl NoteRow {
    fn of(note: &ConversationNote) -> NoteRow {
        let next = match &note.content {
            NoteContent::Decision { next, .. } => *next,
            _ => None,
        };
        let put_off = note.copies.iter().map(|copy| copy.progress.put_off().map(|(day, _)| day.to_string()));
        NoteRow { next: next.map(|day| day.to_string()), put_off: put_off.collect() }
    }
}

impl stapel_note {
    fn of(note: &ConversationNote, texts: &NoteRow) -> stapel_note {
        let nothing = stapel_note {
            kind: stapel_note_kind::STAPEL_NOTE_OTHER,
            from: note.from.unwrap_or(0),
            lead: 0,
            time: note.time.0,
            text: stapel_str::NONE,
            canonical: stapel_str::NONE,
            typed: stapel_str::NONE,
            outcome: stapel_str::NONE,
            next: stapel_str::optional(texts.next.as_deref()),
            copies: note.copies.len(),
        };
        match &note.content {
            NoteContent::Text(text) => {
                stapel_note { kind: stapel_note_kind::STAPEL_NOTE_TEXT, text: stapel_str::of(text), ..nothing }
            }
            NoteContent::Address { key, typed } => stapel_note {
                kind: stapel_note_kind::STAPEL_NOTE_ADDRESS,
                canonical: stapel_str::of(key),
                typed: stapel_str::shown(typed),
                ..nothing
            },
            NoteContent::Lead { partner, text, .. } => stapel_note {
                kind: stapel_note_kind::STAPEL_NOTE_LEAD,
                lead: *partner,
                text: stapel_str::shown(text),
                ..nothing
            },
            NoteContent::Outcome { outcome, text } => stapel_note {
                kind: stapel_note_kind::STAPEL_NOTE_OUTCOME,
                outcome: stapel_str::of(outcome.as_str()),
                text: stapel_str::shown(text),
                ..nothing
            },
            NoteContent::Decision { lead, text, .. } => stapel_note {
                kind: stapel_note_kind::STAPEL_NOTE_DECISION,
                lead: lead.unwrap_or(0),
                text: stapel_str::of(text),
                ..nothing
            },
            _ => nothing,
        }
    }
}

impl stapel_note_progress {
    fn of(progress: NoteProgress) -> stapel_note_progress {
        match progress {
            NoteProgress::Waiting => stapel_note_progress::STAPEL_PROGRESS_WAITING,
            NoteProgress::PutOff(..) => stapel_note_progress::STAPEL_PROGRESS_PUT_OFF,
            NoteProgress::Kept => stapel_note_progress::STAPEL_PROGRESS_KEPT,
            NoteProgress::Read => stapel_note_progress::STAPEL_PROGRESS_READ,
            NoteProgress::NotIntroduced => stapel_note_progress::STAPEL_PROGRESS_NOT_INTRODUCED,
            _ => stapel_note_progress::STAPEL_PROGRESS_OTHER,
        }
    }
}

impl AgendaRow {
    fn of(item: AgendaItem, partner: &Partner) -> AgendaRow {
        let joined = item
            .joined
            .iter()
            .map(|(number, day)| IntroducedRow { since: Some(day.to_string()), ..IntroducedRow::of(*number, partner) });
        let left = item
            .left
            .iter()
            .map(|(number, day)| IntroducedRow { left: Some(day.to_string()), ..IntroducedRow::of(*number, partner) });
        AgendaRow {
            began: item.began.to_string(),
            waiting_since: item.waits.map(|(day, _)| day.to_string()),
            next: item.next.map(|day| day.to_string()),
            ended_on: item.ended.map(|(day, _)| day.to_string()),
            joined: joined.collect(),
            left: left.collect(),
            addresses: item.addresses.iter().map(|(key, typed)| (key.clone(), typed.join("; "))).collect(),
            item,
        }
    }

    fn row(&self) -> stapel_agenda_row {
        stapel_agenda_row {
            conversation: self.item.conversation,
            is_new: self.item.is_new.into(),
            began: stapel_str::of(&self.began),
            waiting_since: stapel_str::optional(self.waiting_since.as_deref()),
            waits_for: stapel_str::optional(self.item.waits.map(|(_, why)| why.as_str())),
            ended: stapel_str::optional(self.item.ended.map(|(_, why)| why.as_str())),
            ended_on: stapel_str::optional(self.ended_on.as_deref()),
            lead: self.item.lead.unwrap_or(0),
            decision: stapel_str::optional(self.item.decision.as_deref()),
            next: stapel_str::optional(self.next.as_deref()),
            outcome: stapel_str::optional(self.item.outcome.map(Outcome::as_str)),
            joined: self.joined.len(),
            left: self.left.len(),
            addresses: self.item.addresses.len(),
        }
    }
}

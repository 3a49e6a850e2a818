//! The journal as records of a Logboek Dataverwerkingen.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::Partner;
use super::error::PartnerError;
use super::journal::JournalPosition;
use super::record::{JournalEvent, JournalRecord, ReplyRecord, Series, StatusRecord};
use super::talk::record::TalkEvent;
use crate::audit::{AttributeValue, ForeignOperation, ProcessingRecord, ProcessingStatus};
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::{Code, Kind, Role, Unverified};
use crate::policy::Oin;
use crate::talk::NoteContent;
use crate::trace_context::TraceContext;

/// How many records of the journal are read in one part: 100 kB of records for a Logboek, at some 400 bytes each.
const MOST_RECORDS: u64 = 256;

/// After how many bytes of the journal a part ends, for records of many addresses: milliseconds of reading.
const MOST_BYTES: u64 = 1 << 20;

/// What a record says of its action.
struct Action {
    name: &'static str,
    status: ProcessingStatus,
    /// Of what was sent: when it was made. Else it began when it was recorded.
    start: Option<Timestamp>,
    /// The message that was sent, whose digest names the sending.
    message: Option<Digest>,
    attributes: Vec<(&'static str, AttributeValue)>,
}

/// When messages that are not replied to yet were made, by their numbers.
#[derive(Debug, Default)]
struct Made {
    state: HashMap<u64, (Timestamp, Kind)>,
    questions: HashMap<u64, Timestamp>,
    put_forward: HashMap<u64, Timestamp>,
}

/// Up to where a journal was read for a Logboek.
///
/// ```no_run
/// # use stapel::partner::{Partner, PartnerError, Processings};
/// # fn send(_: Vec<stapel::audit::ProcessingRecord>) {}
/// # fn note(_: stapel::Digest) {}
/// # fn example(partner: &Partner, noted: stapel::Digest) -> Result<(), PartnerError> {
/// let mut read = Processings::after(noted);
/// while let Some(records) = partner.next_processings("https://register.example.nl/12", &mut read)? {
///     send(records);
///     read.head().map(note);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Processings {
    /// The head after which records are given, until it is found.
    sought: Option<Digest>,
    /// `None` before the first record.
    position: Option<JournalPosition>,
    made: Made,
}

impl Processings {
    /// From a head of the journal's chain on ([`Partner::journal_head`]); of one that the journal does not have,
    /// [`Digest::NONE`] too, from its first record on.
    pub fn after(head: Digest) -> Processings {
        let sought = (head != Digest::NONE).then_some(head);
        Processings { sought, position: None, made: Made::default() }
    }

    /// The head of the chain up to which all records were given, to go on from; `None` before that is known.
    pub fn head(&self) -> Option<Digest> {
        self.position.filter(|_| self.sought.is_none()).map(|position| position.head)
    }
}

impl Partner {
    /// The processings that the journal records after a head of its chain ([`Partner::journal_head`]), oldest first.
    ///
    /// Of a head that the journal does not have, [`Digest::NONE`] too, all are given: each has the ids that it had
    /// before, by which a Logboek sees that it has it already. Those of records that were pruned are gone.
    ///
    /// `activity` is the URI of the processing activity in the organisation's register (Register van
    /// Verwerkingsactiviteiten). The records have no address, no acting user and no case: the number of the journal's
    /// record, `dpl.stapel.record`, leads to those.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn processings(&self, activity: &str, after: Digest) -> Result<Vec<ProcessingRecord>, PartnerError> {
        let (mut read, mut all) = (Processings::after(after), Vec::new());
        while let Some(records) = self.next_processings(activity, &mut read)? {
            all.extend(records);
        }
        Ok(all)
    }

    /// The next of them, so few that whoever else needs the partner does not wait long: perhaps none, where their place
    /// is still looked for. `None` where there are no more.
    ///
    /// The journal may grow between two calls, also while another process has the folder open, and may be pruned: then
    /// it goes on from the first record that is left.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::processings`].
    pub fn next_processings(
        &self,
        activity: &str,
        read: &mut Processings,
    ) -> Result<Option<Vec<ProcessingRecord>>, PartnerError> {
        let journal = self.data.journal();
        let (first, end) = (journal.first(), journal.position());
        let from = read.position.filter(|position| position.bytes >= first.bytes).unwrap_or(first);
        let is_all_sent = read.sought == Some(end.head);
        if is_all_sent || from == end && read.sought.is_none() {
            return Ok(None);
        }
        let (resource, oin) = self.of_processings();
        let mut records = Vec::new();
        let Processings { sought, made, .. } = read;
        let position = journal.read_after(from, |number, record, position| {
            let action = made.action(&record);
            if sought.is_some_and(|head| head == position.head) {
                *sought = None;
            } else if let Some(action) = action.filter(|_| sought.is_none()) {
                let mut attributes =
                    vec![("dpl.core.processing_activity_id", activity.into()), ("dpl.stapel.record", number.into())];
                attributes.extend(action.attributes);
                records.push(ProcessingRecord {
                    action: TraceContext::of(action.message.unwrap_or(position.head)),
                    status: action.status,
                    name: format!("stapel.{}", action.name),
                    start: action.start.unwrap_or(record.time),
                    end: record.time,
                    foreign_operation: caller(&record, oin),
                    resource: resource.clone(),
                    attributes,
                });
            }
            let is_part = position.records - from.records >= MOST_RECORDS || position.bytes - from.bytes >= MOST_BYTES;
            if is_part { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        match position == end && read.sought.is_some() {
            // The journal does not have the head.
            true => *read = Processings::after(Digest::NONE),
            false => read.position = Some(position),
        }
        Ok(Some(records))
    }

    /// Of which system the records are, and the organisation's OIN.
    fn of_processings(&self) -> (Vec<(&'static str, AttributeValue)>, Option<&Oin>) {
        let policy = self.policy().policy();
        let organisation = policy.partner(self.number()).and_then(|entry| policy.organisation(&entry.organisation));
        let resource = vec![
            ("name", "stapel".into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("consortium", policy.consortium.as_str().into()),
            ("purpose", policy.purpose.as_str().into()),
            ("partner", u64::from(self.number()).into()),
        ];
        (resource, organisation.map(|organisation| &organisation.oin))
    }
}

/// The action of the program that had this done, where it said so: of another system of the same organisation.
fn caller(record: &JournalRecord, oin: Option<&Oin>) -> Option<ForeignOperation> {
    Some(ForeignOperation::of_oin(record.by.as_ref()?.trace()?, oin?))
}

impl Action {
    fn done(name: &'static str, attributes: Vec<(&'static str, AttributeValue)>) -> Option<Action> {
        Some(Action { name, status: ProcessingStatus::Ok, start: None, message: None, attributes })
    }

    fn counted(name: &'static str, count: usize) -> Option<Action> {
        Action::done(name, vec![("dpl.stapel.count", (count as u64).into())])
    }

    /// A message was sent, and this reply came.
    fn sent(name: &'static str, start: Option<Timestamp>, reply: &ReplyRecord) -> Option<Action> {
        // It was verified before it was recorded.
        let reply = Unverified::parse(&reply.bytes, Role::Broker).ok()?;
        let header = reply.unverified_header();
        let attributes = vec![("dpl.stapel.epoch", u64::from(header.epoch).into())];
        Some(Action { name, status: ProcessingStatus::Ok, start, message: Some(header.context), attributes })
    }

    fn with(mut self, name: &'static str, value: impl Into<AttributeValue>) -> Action {
        self.attributes.push((name, value.into()));
        self
    }
}

impl Made {
    /// What a record says; `None` where it is of no processing, or of one whose end is recorded later.
    fn action(&mut self, record: &JournalRecord) -> Option<Action> {
        match &record.event {
            JournalEvent::Flagged { renewal: None, flags, .. } => Action::counted("flag", flags.len()),
            JournalEvent::Flagged { renewal: Some(_), flags, .. } => Action::counted("renew", flags.len()),
            JournalEvent::Withdrawn { homes } => Action::counted("withdraw", homes.len()),
            JournalEvent::Replaced { added, withdrawn, .. } => {
                let action = Action::counted("replace", added.len())?;
                Some(action.with("dpl.stapel.withdrawn", withdrawn.len() as u64))
            }
            JournalEvent::Shortened { flags, ended } => {
                let action = Action::counted("shorten", flags.len())?;
                Some(action.with("dpl.stapel.withdrawn", ended.len() as u64))
            }
            JournalEvent::Asking { number, sweep, addresses, .. } => {
                self.questions.insert(*number, record.time);
                let action = Action::counted("ask", addresses.len())?;
                Some(match sweep {
                    Some(reason) => action.with("dpl.stapel.reason", reason.as_str()),
                    None => action,
                })
            }
            JournalEvent::Delivering { messages, .. } => {
                self.state.extend(messages.iter().map(|message| (message.number, (record.time, message.kind))));
                None
            }
            JournalEvent::Accepted { number, reply, .. } => {
                let (name, made) = self.state_message(*number);
                Action::sent(name, made, reply)
            }
            JournalEvent::Answered { asking, answer, standings, reply } => {
                let action = Action::sent("question", self.questions.remove(&answer.number), reply)?;
                Some(action.with("dpl.stapel.count", standings.len() as u64).with("dpl.stapel.asked", *asking))
            }
            JournalEvent::Rejected { series, number, code, reply, .. } => {
                let (name, made) = match series {
                    Series::State => self.state_message(*number),
                    Series::Question => (series_word(*series), self.questions.remove(number)),
                    Series::Status | Series::Talk => (series_word(*series), None),
                };
                let mut action = Action::sent(name, made, reply)?;
                let code = Code::from_byte(*code)?;
                // The broker's own fault is its own: here nothing went wrong.
                action.status = ProcessingStatus::Unset;
                Some(action.with("dpl.stapel.outcome", code.as_str()))
            }
            JournalEvent::Status(StatusRecord { reply, .. }) => Action::sent("status", None, reply),
            JournalEvent::LookedUp { .. } => Action::done("look_up", Vec::new()),
            JournalEvent::Queried(_) => Action::done("query", Vec::new()),
            JournalEvent::RequestNoted { .. } => Action::done("note_request", Vec::new()),
            JournalEvent::NewsShown { addresses } => Action::counted("show_news", addresses.len()),
            JournalEvent::EpochForgotten { epoch, .. } => {
                Action::done("forget_epoch", vec![("dpl.stapel.epoch", u64::from(*epoch).into())])
            }
            JournalEvent::Pruned { records, .. } => {
                Action::done("prune", vec![("dpl.stapel.count", (*records).into())])
            }
            JournalEvent::Talk(event) => self.talk_action(record, event),
            JournalEvent::Late { series, reply, .. } => {
                let mut action = Action::sent(series_word(*series), None, reply)?;
                action.status = ProcessingStatus::Unset;
                Some(action.with("dpl.stapel.outcome", "late"))
            }
            // Nobody knows what became of a message that is given up, and this side no longer has it.
            JournalEvent::GaveUp { .. } | JournalEvent::AnotherOperator { .. } | JournalEvent::ClockAccepted => None,
        }
    }

    /// What a record of what comes after a hit says.
    fn talk_action(&mut self, record: &JournalRecord, event: &TalkEvent) -> Option<Action> {
        match event {
            TalkEvent::PutForward { addresses, .. } => Action::counted("put_forward", addresses.len()),
            TalkEvent::TookBack { addresses } => Action::counted("take_back", addresses.len()),
            TalkEvent::Answered { .. } => Action::done("answer", Vec::new()),
            TalkEvent::NoteWritten { content: NoteContent::Read, .. } => Action::done("tell_read", Vec::new()),
            TalkEvent::NoteWritten { copies, .. } => Action::counted("write_note", copies.len()),
            TalkEvent::Left { .. } => Action::done("leave", Vec::new()),
            TalkEvent::Shown { conversations, .. } => Action::counted("show_conversations", conversations.len()),
            TalkEvent::PuttingForward { said } => {
                self.put_forward.insert(said.number, record.time);
                None
            }
            TalkEvent::Kept { number, kept, reply, .. } => {
                let action = Action::sent("putting_forward", self.put_forward.remove(number), reply)?;
                Some(action.with("dpl.stapel.count", u64::from(*kept)))
            }
            TalkEvent::Posted { post } => {
                let action = Action::sent("exchange", None, &post.reply)?;
                Some(action.with("dpl.stapel.count", post.notes.len() as u64))
            }
            // It tells people what they agreed to, and does nothing.
            TalkEvent::Lapsed { .. } => None,
            TalkEvent::Totals { reply, .. } => Action::sent("totals", None, reply),
            TalkEvent::YearKept { reply, .. } => Action::sent("year", None, reply),
        }
    }

    /// What a state message is called, and when it was made, where that is still there.
    fn state_message(&mut self, number: u64) -> (&'static str, Option<Timestamp>) {
        match self.state.remove(&number) {
            Some((time, kind)) => (kind_word(kind), Some(time)),
            None => (series_word(Series::State), None),
        }
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::FullSet => "full_set",
        Kind::Delta => "delta",
        Kind::Confirm => "confirm",
        _ => "state_message",
    }
}

fn series_word(series: Series) -> &'static str {
    match series {
        Series::State => "state_message",
        Series::Question => "question",
        Series::Status => "status",
        Series::Talk => "talk",
    }
}

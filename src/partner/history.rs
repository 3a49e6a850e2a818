//! What became of own flags, put together from the journal: for whoever looks at all of them at once, and comes back.
//!
//! It is in memory alone, and follows from the journal: the state has what is, and not since when or by whom.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::ControlFlow;

use super::case::Caller;
use super::error::PartnerError;
use super::flags::Flag;
use super::given::Texts;
use super::journal::JournalPosition;
use super::record::{AnswerHead, JournalEvent, JournalRecord, NumberedMessage};
use super::{Case, Partner};
use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::message::{Standing, Told};

/// The days for which it is known that something is no longer stacked.
const GONE_DAYS: u16 = 30;

/// What the journal says became of own flags. [`Partner::follow`] reads it on.
#[derive(Default)]
pub struct FlagHistory {
    /// Up to where the journal was read.
    position: Option<JournalPosition>,
    /// The day of the latest record, on which flags that ended before it were taken out.
    day: Day,
    flags: BTreeMap<AddressKey, FlagPast>,
    stacked: HashMap<AddressKey, Stack>,
    gone: Vec<Gone>,
    /// The record that changed last what is stacked; 0 for none.
    changed: u64,
    /// When the latest release took place that an answer spoke of.
    as_of: Timestamp,
    /// The addresses of questions that are not answered, by their records.
    questions: HashMap<u64, Vec<AddressKey>>,
    /// Flags that are in no message yet.
    unsent: Vec<AddressKey>,
    sent: Vec<Sent>,
    /// By whom it was seen.
    visits: HashMap<(String, Caller), Visits>,
}

/// What the journal has of a flag that stands.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagPast {
    /// Who flagged or renewed it last, and for which case; `None` where nobody did: a policy shortened it.
    pub by: Option<Case>,
    /// When the broker accepted it, and the epoch and release that it spoke of then: a later one shows it.
    pub accepted: Option<(u32, u64, Timestamp)>,
    last_day: Day,
    typed: String,
}

/// Since when an own address, home or house number, is stacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stack {
    /// When that was first read.
    pub since: Timestamp,
    /// When its number was first read.
    pub counted: Timestamp,
    /// The number before, where it was another since then.
    pub before: Option<Told>,
    now: Told,
}

/// An own address, home or house number, that was stacked and is no longer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gone {
    /// The address.
    pub address: AddressKey,
    /// As it was written; empty where no text was given.
    pub typed: String,
    /// When that was read, or the own flag ended.
    pub time: Timestamp,
    /// Why.
    pub why: GoneWhy,
}

/// Why an own address is no longer stacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneWhy {
    /// The own flag was withdrawn, or is over: of others nothing is known then.
    OwnEnded,
    /// Others no longer reach the threshold. Which others, and why, nobody is told.
    OthersBelow,
}

/// Messages that were made together.
struct Sent {
    /// The last number of each epoch.
    last: Vec<(u32, u64)>,
    flags: Vec<AddressKey>,
}

/// When somebody was shown own flags.
struct Visits {
    /// The latest before the day of `latest`.
    before: Option<Timestamp>,
    latest: Timestamp,
    /// The record of the latest.
    record: u64,
}

impl Partner {
    /// Reads on what the journal has on own flags, from where `history` ended; where records were pruned that it has
    /// not seen, from the first that is there.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn follow(&self, history: &mut FlagHistory, now: Timestamp) -> Result<(), PartnerError> {
        let journal = self.data.journal();
        let first = journal.first();
        let from = history.position.filter(|position| position.bytes >= first.bytes);
        let from = from.unwrap_or_else(|| {
            *history = FlagHistory::default();
            first
        });
        if from != journal.position() {
            let end = journal.read_after(from, |number, record, _| {
                history.note(number, record);
                ControlFlow::Continue(())
            });
            // Half of it would be read twice.
            history.position = None;
            history.position = Some(end?);
        }
        history.end_before(now.day());
        Ok(())
    }

    /// Notes in the journal that a person was shown these own addresses, homes or house numbers; none where there was
    /// nothing to show. [`FlagHistory::last_visit`] says it from then on.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io).
    pub fn note_shown(
        &mut self,
        addresses: impl IntoIterator<Item = AddressKey>,
        by: &Case,
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        let mut addresses: Vec<AddressKey> = addresses.into_iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        self.data.at(now)?;
        self.data.record(now, Some(by), JournalEvent::NewsShown { addresses })?;
        Ok(())
    }

    /// The own addresses, homes and house numbers, that are stacked by the latest answer; ascending.
    pub fn stacked(&self) -> impl Iterator<Item = (AddressKey, Told)> {
        let state = self.data.state();
        let own = state.stacked.iter().filter(|stacked| state.flags.covers(&stacked.address));
        own.map(|stacked| (stacked.address, stacked.number))
    }

    /// Whether the broker holds the own flag on an address, home or house number, as far as receipts say.
    pub fn is_delivered(&self, address: &AddressKey) -> bool {
        let state = self.data.state();
        state.epochs.iter().any(|epoch| epoch.delivered && epoch.undelivered.is_held(&state.flags, address))
    }
}

impl FlagHistory {
    /// What the journal has of the flag on an address; `None` where that was pruned.
    pub fn flag(&self, address: &AddressKey) -> Option<&FlagPast> {
        self.flags.get(address)
    }

    /// Since when an own address is stacked; `None` where it is not, or that was pruned.
    pub fn stack(&self, address: &AddressKey) -> Option<&Stack> {
        self.stacked.get(address)
    }

    /// What is no longer stacked since less than 30 days, oldest first.
    pub fn gone(&self) -> &[Gone] {
        &self.gone
    }

    /// When somebody was last shown own flags ([`Partner::note_shown`], [`Partner::show_news`]) before today: so what
    /// is new stays new for the whole of a day.
    pub fn last_visit(&self, by: &Case, today: Day) -> Option<Timestamp> {
        let visits = self.visits.get(&(by.actor().to_owned(), by.caller()))?;
        if visits.latest.day() < today { Some(visits.latest) } else { visits.before }
    }

    /// Whether they were shown own flags today, after what is stacked changed last.
    pub fn has_seen(&self, by: &Case, today: Day) -> bool {
        let visits = self.visits.get(&(by.actor().to_owned(), by.caller()));
        visits.is_some_and(|visits| visits.latest.day() >= today && visits.record >= self.changed)
    }

    fn note(&mut self, number: u64, record: JournalRecord) {
        let JournalRecord { time, by, event } = record;
        self.end_before(time.day());
        match event {
            JournalEvent::Flagged { flags, typed, .. } => self.flagged(&flags, &typed, by.as_ref()),
            JournalEvent::Withdrawn { homes } => self.ended(&homes, time),
            JournalEvent::Replaced { added, withdrawn, typed, .. } => {
                self.flagged(&added, &typed, by.as_ref());
                self.ended(&withdrawn, time);
            }
            JournalEvent::Shortened { flags, ended } => {
                flags.iter().for_each(|flag| self.shortened(flag));
                self.ended(&ended, time);
            }
            JournalEvent::Delivering { messages, waiting } => self.sent(&messages, &waiting),
            JournalEvent::Accepted { epoch, number, release, .. } => self.accepted(epoch, number, release, time),
            JournalEvent::Asking { addresses, .. } => drop(self.questions.insert(number, addresses)),
            JournalEvent::Answered { asking, answer, standings, .. } => {
                let rows = self.questions.remove(&asking).unwrap_or_default();
                self.answered(number, time, &answer, rows.into_iter().zip(standings));
            }
            JournalEvent::NewsShown { .. } => {
                if let Some(by) = by {
                    self.visited(number, time, &by);
                }
            }
            _ => {}
        }
    }

    fn flagged(&mut self, flags: &[Flag], typed: &Texts, by: Option<&Case>) {
        for flag in flags {
            let text = typed.get(&flag.address);
            match self.flags.get_mut(&flag.address) {
                Some(past) => {
                    if past.last_day != flag.last_day {
                        (past.by, past.last_day) = (by.cloned(), flag.last_day);
                    }
                    if !text.is_empty() {
                        text.clone_into(&mut past.typed);
                    }
                }
                None => {
                    let (by, typed) = (by.cloned(), text.to_owned());
                    let past = FlagPast { by, accepted: None, last_day: flag.last_day, typed };
                    self.flags.insert(flag.address, past);
                    self.unsent.push(flag.address);
                }
            }
        }
    }

    fn shortened(&mut self, flag: &Flag) {
        if let Some(past) = self.flags.get_mut(&flag.address) {
            (past.by, past.last_day) = (None, flag.last_day);
        }
    }

    /// Takes out the flags that ended before a day.
    fn end_before(&mut self, today: Day) {
        if self.day >= today {
            return;
        }
        self.day = today;
        let ended = self.flags.iter().filter(|(_, past)| past.last_day < today);
        let ended: Vec<(AddressKey, Day)> = ended.map(|(address, past)| (*address, past.last_day)).collect();
        for (address, last_day) in ended {
            self.ended(&[address], last_day.plus(1).start());
        }
        self.gone.retain(|gone| gone.time.day().plus(GONE_DAYS) >= today);
    }

    fn ended(&mut self, addresses: &[AddressKey], time: Timestamp) {
        for address in addresses {
            let Some(past) = self.flags.remove(address) else { continue };
            self.own_ended(*address, &past.typed, time);
            let number = address.number_key();
            if number != *address && !self.is_flagged_at(&number) {
                self.own_ended(number, &past.typed, time);
            }
        }
    }

    /// Whether anything is flagged at a house number.
    fn is_flagged_at(&self, number: &AddressKey) -> bool {
        let Ok(first) = AddressKey::from_canonical(&format!("{}|", number.as_str())) else { return false };
        let home = self.flags.range(first..).next();
        self.flags.contains_key(number) || home.is_some_and(|(home, _)| home.number_key() == *number)
    }

    fn own_ended(&mut self, address: AddressKey, typed: &str, time: Timestamp) {
        // It is still flagged as a house number, where a home at it is.
        if address.level() == Level::Number && self.is_flagged_at(&address) {
            return;
        }
        if self.stacked.remove(&address).is_some() {
            self.gone.push(Gone { address, typed: typed.to_owned(), time, why: GoneWhy::OwnEnded });
        }
    }

    /// Messages were made, of all flags that were not sent before but those that wait, which ascend.
    fn sent(&mut self, messages: &[NumberedMessage], waiting: &[AddressKey]) {
        let mut last: Vec<(u32, u64)> = Vec::new();
        for message in messages {
            match last.iter_mut().find(|(epoch, _)| *epoch == message.epoch) {
                Some((_, number)) => *number = message.number.max(*number),
                None => last.push((message.epoch, message.number)),
            }
        }
        let is_waiting = |address: &AddressKey| waiting.binary_search(address).is_ok();
        let (unsent, flags) = std::mem::take(&mut self.unsent).into_iter().partition(is_waiting);
        self.unsent = unsent;
        if !flags.is_empty() {
            self.sent.push(Sent { last, flags });
        }
    }

    fn accepted(&mut self, epoch: u32, number: u64, release: u64, time: Timestamp) {
        let is_accepted = |sent: &mut Sent| sent.last.iter().any(|(of, last)| *of == epoch && *last <= number);
        for sent in self.sent.extract_if(.., is_accepted) {
            for address in sent.flags {
                if let Some(past) = self.flags.get_mut(&address) {
                    past.accepted.get_or_insert((epoch, release, time));
                }
            }
        }
    }

    fn answered(
        &mut self,
        record: u64,
        time: Timestamp,
        answer: &AnswerHead,
        rows: impl Iterator<Item = (AddressKey, Standing)>,
    ) {
        // One that came after a later one says nothing of how it is now.
        if answer.as_of < self.as_of {
            return;
        }
        self.as_of = answer.as_of.min(time);
        for (address, standing) in rows {
            let is_own =
                self.flags.contains_key(&address) || (address.level() == Level::Number && self.is_flagged_at(&address));
            let known = self.stacked.get(&address).copied();
            let next = match (standing, known) {
                (Standing::Stacked(now), None) if is_own => {
                    Some(Stack { since: time, counted: time, before: None, now })
                }
                (Standing::Stacked(now), Some(known)) if known.now.at_least() != now.at_least() => {
                    Some(Stack { counted: time, before: Some(known.now), now, ..known })
                }
                (Standing::BelowThreshold | Standing::NoOwnFlag, Some(_)) => None,
                _ => continue,
            };
            self.changed = record;
            match next {
                Some(stack) => drop(self.stacked.insert(address, stack)),
                None => {
                    self.stacked.remove(&address);
                    let typed = self.flags.get(&address).map_or_else(String::new, |past| past.typed.clone());
                    self.gone.push(Gone { address, typed, time, why: GoneWhy::OthersBelow });
                }
            }
        }
    }

    fn visited(&mut self, record: u64, time: Timestamp, by: &Case) {
        let key = (by.actor().to_owned(), by.caller());
        let visits = self.visits.entry(key).or_insert(Visits { before: None, latest: time, record });
        if visits.latest.day() < time.day() {
            visits.before = Some(visits.latest);
        }
        (visits.latest, visits.record) = (time, record);
    }
}

/// Shows no address, no case and no text.
impl fmt::Debug for FlagHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlagHistory({} flags, ..)", self.flags.len())
    }
}

/// Without the case and the text.
impl fmt::Debug for FlagPast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlagPast(until {}, accepted {:?}, ..)", self.last_day, self.accepted)
    }
}

/// Without the address and the text.
impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gone({}, {:?}, ..)", self.time, self.why)
    }
}

//! What a partner knows: numbers, flags, messages in flight, standings.
//!
//! The journal is the truth, and the state file a copy of what it comes to so far: at open, the records that came after the copy are
//! applied to it. So a crash between the two loses nothing, an old copy does no harm, and the numbers of messages, which are in the journal
//! before a message is made, are never used twice. Only the bytes of messages in flight, and what was shown as news, are in
//! the copy alone; a message whose bytes were lost was never handed out. So is what receipts leave of a day's budget, which a
//! rejection tells again.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::case::Case;
use super::flags::{Behind, Flag, Flags};
use super::journal::{Event, Flagging, Mark, Record, Series};
use super::log::Shown;
use super::packed::{Blob, Packed, Row};
use crate::address::AddressKey;
use crate::codec::{self, Malformed, Reader, Writer};
use crate::day::Day;
use crate::digest::Digest;
use crate::message::{Code, Kind, Number, Standing};
use crate::secret::KeyId;

/// The version of the state's form.
const FORM: u16 = 2;

/// The most bytes of a state: a million flags take some 20 million, and as many messages in flight twice that.
const MAX_STATE: u64 = 1 << 33;

/// So many messages that are no longer waited for are remembered, for their late rejections, and for replies that are read again.
const MAX_DROPPED: usize = 256;

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    form: u16,
    /// The partner's number in the roster.
    pub(super) number: u16,
    /// The part of the journal that this is a copy of.
    pub(super) journal: Mark,
    /// The highest number of a state message made.
    pub(super) state_used: u64,
    /// The highest number of a question made.
    pub(super) question_used: u64,
    /// The last state message that the broker accepted; 0 for none.
    pub(super) accepted: u64,
    /// The highest number of a state message that was given up, or whose bytes are not here; 0 for none. The broker may have accepted it.
    lost: u64,
    pub(super) flags: Flags,
    pub(super) epochs: Vec<EpochState>,
    /// Whether the flags of buildings are delivered too.
    buildings: bool,
    /// As in [`Behind`], for epochs in which nothing was delivered yet, but perhaps from a folder that was lost.
    pub(super) shrink: bool,
    /// The same.
    pub(super) renewal: bool,
    /// State messages that were made one after another and not yet settled; each names the one before it as accepted.
    pub(super) chain: Vec<Flight>,
    pub(super) questions: Vec<QuestionFlight>,
    pub(super) status: Option<Flight>,
    /// Messages that are no longer waited for.
    dropped: Vec<Digest>,
    /// Own addresses, homes and buildings, that are stacked by the latest answer; ascending.
    pub(super) stacked: Packed<Stacked>,
    /// What was stacked when the news was read last.
    pub(super) told: Packed<Stacked>,
    /// The policy that the broker said to hold to, if it is not the partner's.
    pub(super) brokers_policy: Option<Digest>,
    /// The latest checkpoint of the broker's log, as it was signed; empty for none.
    pub(super) checkpoint: Blob,
    /// Not in form 1.
    pub(super) new_flags: NewFlags,
}

/// What the broker said that is left of a day's budget of new flags.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct NewFlags {
    day: Day,
    left: u32,
}

/// Where the partner is in one epoch.
#[derive(Serialize, Deserialize)]
pub(super) struct EpochState {
    pub(super) number: u32,
    /// Whether a full set was accepted.
    pub(super) delivered: bool,
    /// The latest release that was seen.
    pub(super) release: u64,
    /// What the broker lacks.
    pub(super) behind: Behind,
    /// What the broker will lack once it accepts what is in flight.
    pub(super) in_flight: Option<Behind>,
}

/// A message that was made and whose reply was not read yet.
#[derive(Serialize, Deserialize)]
pub(super) struct Flight {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
    pub(super) epoch: u32,
    pub(super) key_id: KeyId,
    pub(super) sequence: u64,
    pub(super) previous: u64,
    /// The latest release seen in the epoch when it was made.
    pub(super) release: u64,
    /// Whether the broker is up to date in the epoch once it accepts this: a delta, or the last part of a full set.
    pub(super) settles: bool,
    pub(super) bytes: Blob,
}

/// A question that was made and not answered yet.
#[derive(Serialize, Deserialize)]
pub(super) struct QuestionFlight {
    pub(super) flight: Flight,
    /// The journal's record of it.
    pub(super) record: u64,
    /// What tells one call of `ask` from another; a large call makes several questions.
    pub(super) call: Digest,
    pub(super) by: Case,
    /// The rows in the order in which they were asked.
    pub(super) rows: Packed<AddressKey>,
    /// For each row, where its pseudonym stands in the question.
    pub(super) positions: Packed<u32>,
}

/// An address that is stacked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stacked {
    pub(super) address: AddressKey,
    pub(super) number: Number,
}

impl State {
    /// The state of a partner that did nothing yet. Its number is 0 until the roster has said it.
    pub(super) fn new(number: u16) -> State {
        State {
            form: FORM,
            number,
            journal: Mark::START,
            state_used: 0,
            question_used: 0,
            accepted: 0,
            lost: 0,
            flags: Flags::default(),
            epochs: Vec::new(),
            buildings: false,
            shrink: false,
            renewal: false,
            chain: Vec::new(),
            questions: Vec::new(),
            status: None,
            dropped: Vec::new(),
            stacked: Packed::default(),
            told: Packed::default(),
            brokers_policy: None,
            checkpoint: Blob(Vec::new()),
            new_flags: NewFlags::default(),
        }
    }

    pub(super) fn encode_after(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        codec::encode_after(bytes, self, MAX_STATE)
    }

    /// About so many bytes it takes: all that can be many of, and some.
    pub(super) fn room(&self) -> usize {
        let epochs = self.epochs.iter().flat_map(|epoch| [Some(&epoch.behind), epoch.in_flight.as_ref()]).flatten();
        let questions =
            self.questions.iter().map(|q| q.rows.room() + q.positions.room() + q.flight.bytes.0.len() + 1_024);
        let flights = self.chain.iter().chain(&self.status).map(|flight| flight.bytes.0.len() + 256);
        let rows = self.flags.room() + self.stacked.room() + self.told.room();
        let rest = (self.dropped.len() + self.epochs.len()) * 128 + self.checkpoint.0.len() + 1_024;
        rows + epochs.map(|behind| behind.changes.room()).chain(questions).chain(flights).sum::<usize>() + rest
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<State> {
        if bytes.starts_with(&1u16.to_le_bytes()) {
            let newer = Zeroizing::new(codec::encode_after(bytes.to_vec(), &NewFlags::default(), MAX_STATE)?);
            return codec::decode(&newer, MAX_STATE).ok().map(|state| State { form: FORM, ..state });
        }
        codec::decode(bytes, MAX_STATE).ok().filter(|state: &State| state.form == FORM)
    }

    pub(super) fn epoch(&self, number: u32) -> Option<&EpochState> {
        self.epochs.iter().find(|epoch| epoch.number == number)
    }

    pub(super) fn epoch_mut(&mut self, number: u32) -> &mut EpochState {
        let at = self.epochs.iter().position(|epoch| epoch.number == number).unwrap_or_else(|| {
            let behind = Behind::default();
            self.epochs.push(EpochState { number, delivered: false, release: 0, behind, in_flight: None });
            self.epochs.len() - 1
        });
        &mut self.epochs[at]
    }

    pub(super) fn is_dropped(&self, digest: Digest) -> bool {
        self.dropped.contains(&digest)
    }

    /// Forgets the epochs that are not to be kept, save those that a message in flight is of.
    pub(super) fn keep_epochs(&mut self, keep: impl Fn(u32) -> bool) {
        let questions = self.questions.iter().map(|question| &question.flight);
        let flying: Vec<u32> = self.chain.iter().chain(questions).chain(&self.status).map(|f| f.epoch).collect();
        self.epochs.retain(|epoch| keep(epoch.number) || flying.contains(&epoch.number));
    }

    /// Minds that the policy counts buildings or does so no longer: the broker lacks all of them, or has them all too many.
    pub(super) fn count_buildings(&mut self, buildings: bool) {
        if self.buildings != buildings {
            self.buildings = buildings;
            self.each_behind(|behind| {
                behind.full_set = true;
                behind.shrink |= !buildings;
            });
        }
    }

    /// Forgets messages that were never handed out.
    pub(super) fn forget_chain(&mut self) {
        self.chain.clear();
        for epoch in &mut self.epochs {
            epoch.in_flight = None;
        }
    }

    /// The turn of the day: what ended before `today` is gone, here as at the broker.
    pub(super) fn expire(&mut self, today: Day) {
        if self.flags.expire(today) {
            for epoch in &mut self.epochs {
                epoch.behind.expire(today, &self.flags);
                if let Some(in_flight) = &mut epoch.in_flight {
                    in_flight.expire(today, &self.flags);
                }
            }
        }
    }

    /// Whether the broker may have accepted a message that was lost here. Once it accepts a later one it did not, or it is known: that
    /// one names in `previous` the last it accepted.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.lost > self.accepted
    }

    /// Does what a record says that came after the copy that this is.
    pub(super) fn replay(&mut self, number: u64, record: &Record) {
        self.apply(number, record);
        if let Event::Delivering { messages } = &record.event {
            // The bytes are not in the copy. A crash may have come before they were handed out, or the copy is an old one.
            let highest = messages.iter().map(|message| message.number).max();
            self.lost = self.lost.max(highest.unwrap_or(0));
        }
    }

    /// Does what a record says. All that the journal and the state have in common goes this way, when it happens and when it
    /// is read back.
    pub(super) fn apply(&mut self, number: u64, record: &Record) {
        let today = record.time.day();
        self.expire(today);
        match &record.event {
            Event::Flagged { how, last_day, addresses } => self.flag(*how, today, *last_day, &addresses.0),
            Event::Withdrawn { addresses } => self.set(&addresses.0, |_, _| None),
            Event::Replaced { shrink, last_day, addresses, withdrawn } => {
                let (first_day, last_day) = (today, *last_day);
                self.set(&withdrawn.0, |_, _| None);
                self.set(&addresses.0, |address, _| Some(Flag { address, first_day, last_day }));
                self.shrink |= shrink;
                self.each_behind(|behind| {
                    behind.full_set = true;
                    behind.shrink |= shrink;
                });
            }
            Event::Delivering { messages } => {
                let highest = messages.iter().map(|message| message.number).max();
                self.state_used = self.state_used.max(highest.unwrap_or(0));
            }
            Event::Asking { number, .. } => self.question_used = self.question_used.max(*number),
            Event::Accepted { epoch, number, release, .. } => {
                self.see_release(*epoch, *release);
                if self.chain.iter().any(|flight| flight.sequence == *number) {
                    self.accept_through(*number);
                } else if *number > self.accepted {
                    // Read back into an older copy: what the message said is no longer known.
                    self.accept_unknown(*number);
                    self.epoch_mut(*epoch).delivered = true;
                }
            }
            Event::Answered { asking, answer, standings } => {
                self.see_release(answer.epoch, answer.release);
                if let Some(at) = self.questions.iter().position(|question| question.record == *asking) {
                    let question = self.questions.remove(at);
                    self.learn(&question.rows.0, &standings.0);
                    self.remember(question.flight.digest);
                }
            }
            Event::Rejected { series, epoch, number, code, detail, .. } => {
                let code = Code::ALL.into_iter().find(|known| *known as u8 == *code);
                if (code, *series) == (Some(Code::OverBudget), Series::State) {
                    self.new_flags.lower(today, *detail);
                }
                self.rejected(*series, *epoch, *number, code, *detail);
            }
            Event::GaveUp { series, number } => {
                if let (Series::State, Some(last)) = (series, self.chain.last()) {
                    self.lost = self.lost.max(last.sequence);
                }
                self.drop_flight(*series, *number);
            }
            Event::Status { epoch, release, accepted, highest_state, highest_question, full_set, log } => {
                self.status = None;
                // A reply that is older than the last receipt says nothing new of what was accepted. One of a later release is
                // not older: then the broker is one that forgot what it accepted.
                let forgot = self.epoch(*epoch).is_some_and(|epoch| epoch.release > 0 && *release > epoch.release);
                self.see_release(*epoch, *release);
                if *highest_state >= self.accepted || forgot {
                    self.accepted_is(*accepted);
                    self.forget_held(|number| number == *epoch && *full_set);
                }
                self.state_used = self.state_used.max(*highest_state);
                self.question_used = self.question_used.max(*highest_question);
                if let Shown::Newer(checkpoint) = log {
                    self.checkpoint = checkpoint.clone();
                }
            }
        }
        debug_assert!(self.journal.records <= number);
    }

    fn flag(&mut self, how: Flagging, today: Day, last_day: Day, addresses: &[AddressKey]) {
        self.set(addresses, |address, held| {
            let first_day = match (how, held) {
                (Flagging::New, Some(_)) => return held.copied(),
                (Flagging::Until, Some(flag)) => flag.first_day,
                _ => today,
            };
            Some(Flag { address, first_day, last_day })
        });
        if how == Flagging::Renewal {
            self.renewal = true;
            self.each_behind(|behind| behind.renewal = true);
        }
    }

    fn set(&mut self, addresses: &[AddressKey], to: impl Fn(AddressKey, Option<&Flag>) -> Option<Flag>) {
        // Before its first full set an epoch lacks everything; there is nothing to keep of that.
        let noted = self.epochs.iter().any(|epoch| epoch.delivered || epoch.in_flight.is_some());
        let mut was = Vec::new();
        self.flags.set(addresses, to, |row| {
            if noted {
                was.push(row);
            }
        });
        for epoch in &mut self.epochs {
            if epoch.delivered {
                epoch.behind.note(&was, &self.flags);
            }
            if let Some(in_flight) = &mut epoch.in_flight {
                in_flight.note(&was, &self.flags);
            }
        }
    }

    fn each_behind(&mut self, mut change: impl FnMut(&mut Behind)) {
        for epoch in &mut self.epochs {
            change(&mut epoch.behind);
            epoch.in_flight.as_mut().map(&mut change);
        }
    }

    fn see_release(&mut self, epoch: u32, release: u64) {
        let epoch = self.epoch_mut(epoch);
        epoch.release = epoch.release.max(release);
    }

    /// The broker accepted the messages of the chain up to this number: each is accepted only after the one before it.
    fn accept_through(&mut self, number: u64) {
        self.accepted = number;
        let settled = self.chain.iter().take_while(|flight| flight.sequence <= number).count();
        for flight in self.chain.drain(..settled).collect::<Vec<_>>() {
            if flight.settles {
                (self.shrink, self.renewal) = (false, false);
                let epoch = self.epoch_mut(flight.epoch);
                epoch.delivered = true;
                epoch.behind = epoch.in_flight.take().unwrap_or_default();
            }
            self.remember(flight.digest);
        }
    }

    /// The broker says that the last state message it accepted is this one.
    fn accepted_is(&mut self, number: u64) {
        if self.chain.iter().any(|flight| flight.sequence == number) {
            self.accept_through(number);
        } else if number != self.accepted {
            self.accept_unknown(number);
        }
    }

    /// The broker accepted a message that is not known here: only full sets bring it up to date.
    fn accept_unknown(&mut self, number: u64) {
        self.accepted = number;
        self.state_used = self.state_used.max(number);
        self.forget_held(|_| true);
    }

    /// What the broker holds in these epochs is not known: it gets all flags there, and none waits because it is thought to be new.
    fn forget_held(&mut self, of: impl Fn(u32) -> bool) {
        for epoch in self.epochs.iter_mut().filter(|epoch| of(epoch.number)) {
            epoch.behind.forget(&self.flags, self.buildings);
        }
    }

    /// SPEC.md 7.5.
    fn rejected(&mut self, series: Series, epoch: u32, number: u64, code: Option<Code>, detail: u64) {
        match (code, series) {
            (Some(Code::Unavailable), _) => return,
            (Some(Code::Gap), Series::State) => self.accepted_is(detail),
            // To a question, too: otherwise a partner that only asks would never learn that its full set is waited for.
            (Some(Code::FullSetRequired), Series::State) | (Some(Code::Recovering), _) => {
                self.forget_held(|number| number == epoch);
            }
            (Some(Code::Stale), Series::State) => {
                self.state_used = self.state_used.max(detail.saturating_sub(1));
                // A later message of the chain may have been accepted, and the reply to that one says so.
                if self.chain.last().is_some_and(|last| last.sequence > number) {
                    return;
                }
            }
            (Some(Code::Stale), Series::Question) => {
                self.question_used = self.question_used.max(detail.saturating_sub(1));
            }
            _ => {}
        }
        self.drop_flight(series, number);
    }

    /// No longer waits for a message, nor for those of the chain that come after it. What they said is still to be said.
    fn drop_flight(&mut self, series: Series, number: u64) {
        let dropped = match series {
            Series::State => {
                let from = self.chain.partition_point(|flight| flight.sequence < number);
                self.chain.split_off(from)
            }
            Series::Question => {
                let at = self.questions.iter().position(|question| question.flight.sequence == number);
                at.map(|at| self.questions.remove(at).flight).into_iter().collect()
            }
            Series::Status => self.status.take().into_iter().collect(),
        };
        for flight in dropped {
            if flight.settles {
                self.epoch_mut(flight.epoch).in_flight = None;
            }
            self.remember(flight.digest);
        }
    }

    fn remember(&mut self, digest: Digest) {
        self.dropped.push(digest);
        let over = self.dropped.len().saturating_sub(MAX_DROPPED);
        self.dropped.drain(..over);
    }

    /// Takes the standings of own addresses among `rows` over.
    fn learn(&mut self, rows: &[AddressKey], standings: &[Standing]) {
        let mut learnt: Vec<_> = rows.iter().copied().zip(standings.iter().copied()).collect();
        learnt.sort_unstable_by_key(|(address, _)| *address);
        learnt.dedup_by_key(|(address, _)| *address);
        let mut merged = Vec::with_capacity(self.stacked.0.len());
        let mut known = self.stacked.0.iter().copied().peekable();
        for (address, standing) in learnt {
            while let Some(other) = known.next_if(|stacked| stacked.address < address) {
                merged.push(other);
            }
            known.next_if(|stacked| stacked.address == address);
            if let Standing::Stacked(number) = standing
                && self.flags.covers(&address)
            {
                merged.push(Stacked { address, number });
            }
        }
        merged.extend(known);
        self.stacked.0 = merged;
    }
}

impl NewFlags {
    /// As far as is known; the policy may allow less.
    pub(super) fn left(&self, today: Day) -> u32 {
        if self.day == today { self.left } else { u32::MAX }
    }

    pub(super) fn set(&mut self, today: Day, left: u32) {
        *self = NewFlags { day: today, left };
    }

    /// A rejection names what is left of the budget that did not reach, which may be another.
    fn lower(&mut self, today: Day, left: u64) {
        self.set(today, self.left(today).min(u32::try_from(left).unwrap_or(u32::MAX)));
    }
}

impl Row for Stacked {
    fn length(&self) -> usize {
        self.address.length() + 2
    }

    fn put(&self, writer: &mut Writer) {
        self.address.put(writer);
        Standing::Stacked(self.number).put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Stacked, Malformed> {
        match (Row::take(reader)?, Standing::take(reader)?) {
            (address, Standing::Stacked(number)) => Ok(Stacked { address, number }),
            _ => Err(Malformed("an address that should be stacked is not")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_form_1_is_read() {
        let mut state = State::new(7);
        state.new_flags.set(Day(9), 3);
        let newer = state.encode_after(Vec::new()).unwrap();
        let mut older = newer[..newer.len() - 6].to_vec();
        older[0] = 1;
        let read = State::decode(&older).unwrap();
        assert_eq!((read.form, read.number, read.new_flags.left(Day(9))), (2, 7, u32::MAX));
        assert_eq!(State::decode(&newer).unwrap().new_flags.left(Day(9)), 3);
        older[0] = 3;
        assert!(State::decode(&older).is_none());
        assert!(State::decode(&newer[..newer.len() - 1]).is_none());
    }
}

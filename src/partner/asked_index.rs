//! Which questions were asked in named requests, and where the journal has them and their answers.

use std::collections::HashMap;

use super::case::{Caller, Case};
use super::error::PartnerError;
use super::journal::{Journal, JournalPosition};
use super::record::{JournalEvent, JournalRecord, Series};
use super::state::PartnerState;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::slug::Slug;

/// The days for which a request is known. A program that makes one again does so in minutes; the journal has all of
/// them for longer.
const KNOWN_DAYS: u16 = 30;

/// The named requests of the last days.
#[derive(Default)]
pub(super) struct AskedIndex {
    /// By caller and name, the records of the questions.
    named: HashMap<(Caller, String), Vec<u64>>,
    /// By record.
    questions: HashMap<u64, KnownQuestion>,
    /// The day on which those that are too old went last.
    swept: Day,
}

/// A question of a named request.
pub(super) struct KnownQuestion {
    time: Timestamp,
    /// The journal before its record.
    pub(super) asked: JournalPosition,
    number: u64,
    /// What it was about, as [`about`] says.
    pub(super) about: Digest,
    /// Whether it was about all own flags.
    pub(super) own: bool,
    /// The journal before the record of its answer.
    pub(super) answered: Option<JournalPosition>,
    /// The broker's code, where it did not accept it.
    pub(super) rejected: Option<u8>,
    /// Whether a person gave it up.
    pub(super) is_given_up: bool,
}

impl AskedIndex {
    /// Those that a journal has.
    pub(super) fn read(journal: &Journal, state: &PartnerState) -> Result<AskedIndex, PartnerError> {
        let mut requests = AskedIndex::default();
        let mut before = journal.first();
        journal.read_places(|number, record, after| {
            if !is_old(record.time, state.latest.day()) {
                requests.note(number, before, &record);
            }
            before = after;
        })?;
        requests.sweep(state.latest.day());
        Ok(requests)
    }

    /// The questions of a request, with the numbers of their records; of one that was made again after it was refused,
    /// those of the last time.
    pub(super) fn of(&self, by: &Case) -> Vec<(u64, &KnownQuestion)> {
        let records = self.named.get(&(by.caller(), by.request().to_owned()));
        let known = records.into_iter().flatten().filter_map(|record| Some((*record, self.questions.get(record)?)));
        newest_call(known.collect())
    }

    /// Takes in a record that stands after `before`.
    pub(super) fn note(&mut self, number: u64, before: JournalPosition, record: &JournalRecord) {
        match (&record.event, &record.by) {
            (JournalEvent::Asking { number: question, sweep, own, addresses, .. }, Some(by))
                if !by.request().is_empty() =>
            {
                let known = KnownQuestion {
                    time: record.time,
                    asked: before,
                    number: *question,
                    about: about(addresses, sweep.as_ref()),
                    own: *own,
                    answered: None,
                    rejected: None,
                    is_given_up: false,
                };
                self.questions.insert(number, known);
                self.named.entry((by.caller(), by.request().to_owned())).or_default().push(number);
                self.sweep(record.time.day());
            }
            (JournalEvent::Answered { asking, .. }, _) => {
                if let Some(known) = self.questions.get_mut(asking) {
                    known.answered = Some(before);
                }
            }
            (JournalEvent::Rejected { series: Series::Question, number, code, .. }, _) => {
                self.of_number(*number).for_each(|known| known.rejected = Some(*code));
            }
            (JournalEvent::GaveUp { series: Series::Question, number }, _) => {
                self.of_number(*number).for_each(|known| known.is_given_up = true);
            }
            _ => {}
        }
    }

    fn of_number(&mut self, number: u64) -> impl Iterator<Item = &mut KnownQuestion> {
        self.questions.values_mut().filter(move |known| known.number == number)
    }

    /// Forgets what is too old, once a day.
    fn sweep(&mut self, today: Day) {
        if self.swept == today {
            return;
        }
        self.swept = today;
        let questions = &mut self.questions;
        self.named.retain(|_, records| {
            let is_gone = |record: &u64| questions.get(record).is_none_or(|known| is_old(known.time, today));
            let is_old = records.iter().all(is_gone);
            if is_old {
                for record in records.iter() {
                    questions.remove(record);
                }
            }
            !is_old
        });
    }
}

/// What tells one question's addresses and reason from another's.
pub(super) fn about(addresses: &[AddressKey], sweep: Option<&Slug>) -> Digest {
    let mut text = format!("{}\n", sweep.map_or("", Slug::as_str)).into_bytes();
    for address in addresses {
        text.extend_from_slice(address.as_bytes());
        text.push(b'\n');
    }
    Digest::of(&[&text])
}

/// The questions of the last call among those of a request, which was made again where it was refused.
fn newest_call(known: Vec<(u64, &KnownQuestion)>) -> Vec<(u64, &KnownQuestion)> {
    // The questions of one call have records one after another.
    let mut from = known.len().saturating_sub(1);
    while from > 0 && known[from - 1].0 + 1 == known[from].0 {
        from -= 1;
    }
    known.into_iter().skip(from).collect()
}

fn is_old(time: Timestamp, today: Day) -> bool {
    time.day().0.saturating_add(KNOWN_DAYS) < today.0
}

//! A conversation as a partner knows it: who is in it, its notes, and how far each came.

use crate::address::AddressKey;
use crate::codec::{encode_fields, encode_variants};
use crate::codes::named;
use crate::day::{Day, Timestamp};
use crate::talk::{ConversationId, NoteContent, Subject};

/// The bits of a note's number below the moment at which its sender found that its folder may be an old copy, in
/// seconds.
pub(crate) const NOTE_SERIES: u32 = 32;

/// The days after the one on which somebody left for which what was written before goes first. So leaving is told in
/// any case, also where the broker takes no notes or nobody there can be written to.
pub(super) const LEAVES_WITHIN: u16 = 1;

/// A conversation.
pub(crate) struct KnownConversation {
    /// By which this partner's people call it.
    pub(crate) number: u32,
    pub(crate) subject: Subject,
    pub(crate) epoch: u32,
    /// What the broker calls it; none where another broker took its place.
    pub(crate) id: ConversationId,
    /// The address that was put forward; the coordinator has none.
    pub(crate) address: Option<AddressKey>,
    /// The day of its first introduction.
    pub(crate) began: Day,
    /// In the order in which they were introduced.
    pub(crate) introduced: Vec<KnownPartner>,
    /// Own ones and others', in the order in which they came.
    pub(crate) notes: Vec<KnownNote>,
    /// The day on which this partner left.
    pub(crate) left: Option<Day>,
    /// Where the broker was told that, when it had been restored last: a restore after that makes it forget.
    pub(crate) left_told: Option<Timestamp>,
    /// The time of the latest record that is about it.
    pub(crate) touched: Timestamp,
}

/// Somebody that this partner was introduced to.
pub(crate) struct KnownPartner {
    pub(crate) partner: u16,
    /// The day of the turn at which that was decided; of one that left and came back, the last time.
    pub(crate) since: Day,
    /// The last day of its row; of the coordinator, that of one's own.
    pub(crate) last_day: Day,
    /// The day on which it left.
    pub(crate) left: Option<Day>,
    /// The highest number of a note to it.
    pub(crate) written: u64,
    /// The number up to which all of its notes were read.
    pub(crate) read: u64,
    /// The numbers above of notes that were read, ascending: those between are missing.
    pub(crate) beyond: Vec<u64>,
    /// The highest number of a note of it that says more than that others were read.
    pub(crate) said: u64,
    /// Up to which of its notes it was told that they were read, by a note that the broker took.
    pub(crate) acknowledged: u64,
}

/// A note that was written or read.
pub(crate) struct KnownNote {
    /// Who wrote it; `None` for this partner.
    pub(crate) from: Option<u16>,
    /// When it was written, by its writer's clock.
    pub(crate) time: Timestamp,
    /// The day on which it was written or read here.
    pub(crate) came: Day,
    pub(crate) content: NoteContent,
    /// Of an own note, to whom it goes.
    pub(crate) copies: Vec<KnownCopy>,
}

/// An own note to one partner.
#[derive(Clone, Copy)]
pub(crate) struct KnownCopy {
    pub(crate) to: u16,
    /// Its number there.
    pub(crate) number: u64,
    pub(crate) progress: CopyProgress,
}

named! {
    /// Why the broker took a note on another day.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum PutOffReason {
        /// The organisation's notes of the day were spent: the policy says how many there are (`meet.notes_a_day`).
        DaySpent => "day_spent",
        /// As many notes wait for the other as may: it has to read some first.
        TooManyWait => "too_many_wait",
    }
}

/// How far an own note came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyProgress {
    /// The broker does not have it.
    Waiting,
    /// The broker did not take it on this day, because of a budget or because too many wait.
    PutOff { day: Day, reason: PutOffReason },
    /// The broker has it, sealed with the keys of this epoch; and when it had been restored last.
    Kept { epoch: u32, restored: Timestamp },
    /// The other says that it read it.
    Read,
    /// The broker says that the two are not introduced.
    NotIntroduced,
}

impl KnownConversation {
    /// Somebody that this partner was introduced to here, whether it left or not.
    pub(crate) fn with(&self, partner: u16) -> Option<&KnownPartner> {
        self.introduced.iter().find(|known| known.partner == partner)
    }

    /// Those who can be written to.
    pub(crate) fn present(&self) -> impl Iterator<Item = &KnownPartner> {
        let has_left = self.left.is_some();
        self.introduced.iter().filter(move |known| !has_left && known.left.is_none())
    }

    /// Those whom notes are brought to that wait: those who can be written to; and where this partner left, those who
    /// could be, until the broker heard that it left.
    pub(crate) fn reached(&self) -> impl Iterator<Item = &KnownPartner> {
        let is_over = self.left.is_some() && self.left_told.is_some();
        self.introduced.iter().filter(move |known| !is_over && known.left.is_none())
    }

    /// The copies of own notes that the broker has yet to be brought. Where this partner left, none that say only what
    /// was read.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = (&KnownNote, &KnownCopy)> {
        let has_left = self.left.is_some();
        let notes = self.notes.iter().filter(move |note| !has_left || note.content != NoteContent::Read);
        let copies = notes.flat_map(|note| note.copies.iter().map(move |copy| (note, copy)));
        copies.filter(|(_, copy)| copy.progress.is_unsent() && self.reached().any(|other| other.partner == copy.to))
    }

    /// Whether the broker is to be told on a day that this partner left: once no note waits that was written before,
    /// and in any case from the second day after. `restored` is when it was restored last.
    pub(crate) fn leaves(&self, restored: Timestamp, today: Day) -> bool {
        let is_told = self.left_told.is_some_and(|told| told >= restored);
        let Some(left) = self.left.filter(|_| self.id != ConversationId::NONE && !is_told) else { return false };
        today > left.plus(LEAVES_WITHIN) || self.unsent().next().is_none()
    }

    /// The highest turn of a lead or a decision.
    pub(crate) fn highest_turn(&self) -> u32 {
        let turn = |note: &KnownNote| match note.content {
            NoteContent::Lead { turn, .. } | NoteContent::Decision { turn, .. } => turn,
            _ => 0,
        };
        self.notes.iter().map(turn).max().unwrap_or(0)
    }

    /// Who leads: whoever was named with the highest turn, and of several with that the lowest number.
    pub(crate) fn lead(&self) -> Option<u16> {
        let named = |note: &KnownNote| match note.content {
            NoteContent::Lead { turn, partner, .. } => Some((turn, partner)),
            NoteContent::Decision { turn, lead: Some(partner), .. } => Some((turn, partner)),
            _ => None,
        };
        let named = self.notes.iter().filter_map(named);
        named.max_by_key(|(turn, partner)| (*turn, u16::MAX - partner)).map(|(_, partner)| partner)
    }
}

impl CopyProgress {
    /// Whether the broker does not have it, and is to.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(self, CopyProgress::Waiting | CopyProgress::PutOff { .. })
    }
}

impl KnownPartner {
    /// Whether it waits to hear that its notes were read. That it read others itself needs no such answer.
    pub(crate) fn waits_for_read(&self) -> bool {
        self.said > self.acknowledged && self.read > self.acknowledged
    }

    /// Whether a note of it is missing that came before one that was read.
    pub(crate) fn misses(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// Whether the note of this number was read.
    pub(crate) fn has_read(&self, number: u64) -> bool {
        number <= self.read || self.beyond.binary_search(&number).is_ok()
    }

    /// Notes that the note of this number was read.
    pub(crate) fn take_number(&mut self, number: u64) {
        if self.has_read(number) {
            return;
        }
        let (series, first) = (number >> NOTE_SERIES, number >> NOTE_SERIES << NOTE_SERIES);
        if series > self.read >> NOTE_SERIES {
            // Its folder was put back, and goes on in a series of its own: of those before no more is waited for.
            self.read = first;
            self.beyond.retain(|known| *known > first);
        }
        let at = self.beyond.partition_point(|known| *known < number);
        self.beyond.insert(at, number);
        let follows = |read: u64, beyond: &[u64]| beyond.first() == read.checked_add(1).as_ref();
        while follows(self.read, &self.beyond) {
            self.read = self.beyond.remove(0);
        }
    }
}

encode_fields! {
    KnownConversation {
        number, subject, epoch, id, address, began, introduced, notes, left, left_told, touched
    }
}

encode_fields! {
    KnownPartner { partner, since, last_day, left, written, read, beyond, said, acknowledged }
    where |known| known.beyond.is_sorted_by(|a, b| a < b), else "numbers of notes are not ascending, each once"
}

encode_fields! { KnownNote { from, time, came, content, copies } }

encode_fields! { KnownCopy { to, number, progress } }

encode_variants! {
    PutOffReason { 1 => DaySpent, 2 => TooManyWait }, else "why a note was put off is unknown"
}

encode_variants! {
    CopyProgress {
        1 => Waiting, 2 => PutOff { day, reason }, 3 => Kept { epoch, restored }, 4 => Read, 5 => NotIntroduced
    },
    else "how far a note came is unknown"
}

encode_variants! {
    NoteContent {
        1 => Text(text),
        2 => Address { key, typed },
        3 => Lead { turn, partner, text },
        4 => Outcome { outcome, text },
        5 => Decision { turn, lead, next, text },
        6 => Read,
    },
    else "what a note says is unknown"
}

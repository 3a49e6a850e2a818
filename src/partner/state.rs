//! What a partner knows: numbers, flags, messages in flight, standings, pseudonyms of sources that were asked.
//!
//! The journal is the truth, and the state file a snapshot of what it comes to: at open, the records that came after
//! the snapshot are applied to it. So a crash between the two loses nothing, and an old snapshot does no harm. The
//! numbers of messages are in the journal before a message is made, so none is used twice. In the snapshot alone are
//! the bytes of messages in flight, which news was reported, and what sources of pseudonyms made; a message whose bytes
//! were lost was never handed out. What receipts leave of a day's budget is there alone too, and a rejection tells it
//! again.

use super::case::Case;
use super::flags::{Flag, Flags, Holds, Row, Undelivered};
use super::given::Texts;
use super::journal::JournalPosition;
use super::own_lines::OwnLines;
use super::sent::{End, PastMessage, SignedMessage};
use super::source_state::SourceState;
use super::talk::state::AfterHit;
use crate::address::{AddressKey, Level};
use crate::audit::UnverifiedCheckpoint;
use crate::codec::{self, Encode, Malformed, Reader, Writer, encode_fields};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::label;
use crate::message::{LogEntry, Standing, Told};
use crate::policy::Policy;
use crate::secret::KeyId;

/// The version of the state's form.
const VERSION: u8 = 1;

/// The most by which a number that the broker names raises the partner's own. An honest broker's numbers are the
/// partner's; another's must not lead the partner to where an honest one no longer follows, or to the last number.
const LONGEST_RAISE: u64 = 1 << 24;

/// The highest number that the partner takes over from the broker: from there it counts on its own.
const HIGHEST_RAISED: u64 = 1 << 63;

/// How many messages that are no longer waited for are remembered, so that late replies, and those that are read again,
/// are known.
pub(super) const MAX_PAST: usize = 256;

/// How many runs of own numbers are remembered; a new one begins with each opening of the folder. A broker that names
/// an older number forgot what was said since.
const MAX_MADE: usize = 1_024;

/// What a partner knows. By default what one knows that did nothing yet; its number is 0 until the roster has said it.
#[derive(Default)]
pub(super) struct PartnerState {
    /// The partner's number in the roster.
    pub(super) number: u16,
    /// The part of the journal that this is a copy of.
    pub(super) journal: JournalPosition,
    /// The time of the latest record of the journal; 0 for none.
    pub(super) latest: Timestamp,
    /// The highest number of a state message made.
    pub(super) state_used: u64,
    /// The highest number of a question made.
    pub(super) question_used: u64,
    /// The highest number of a status request made. The journal has that of the last one answered only: where an old
    /// snapshot leads to a number that was used before, the broker says which is free, and nothing else comes of it.
    pub(super) status_used: u64,
    /// The highest number of a message of what comes after a hit.
    pub(super) talk_used: u64,
    /// The epoch that answers questions, as the broker said last, or as follows from its keeping rows there, or from an
    /// entry of the day on which it was told; `None` where it did not say.
    pub(super) answering: Option<u32>,
    /// The last state message that the broker accepted; 0 for none.
    pub(super) accepted: u64,
    /// The last state message that the broker said to have accepted since its last restore, which it cannot take back;
    /// 0 for none.
    pub(super) said_accepted: u64,
    /// The highest number of a state message that was given up, or whose bytes are not here; 0 for none. The broker may
    /// have accepted it.
    pub(super) lost: u64,
    /// The numbers of the state messages that this folder made: the first and the last of each run without a number
    /// left out, ascending.
    pub(super) made: Vec<(u64, u64)>,
    pub(super) flags: Flags,
    /// Flagged addresses as they were written.
    pub(super) typed: Texts,
    /// Flags that ended or were withdrawn and are not forgotten: flagged again, they keep their first days. Their last
    /// days are the last ones on which they stood, here or as far as is known at the broker.
    pub(super) ended: Flags,
    pub(super) epochs: Vec<EpochState>,
    /// Whether the flags of house numbers are delivered too. Where they are not, nothing is noted of the numbers that
    /// are flagged alone: once they are, a full set follows.
    pub(super) house_numbers: bool,
    /// The day on which it turned out that the broker was sent messages which this folder does not know of, because it
    /// is an old copy, or a new one in the place of one that was lost; `None` where no person has to say what is right.
    /// It counts for epochs in which this folder has delivered nothing, see [`Undelivered`] for the others.
    pub(super) unknown_since: Option<Day>,
    /// State messages in flight, in the order of their numbers; each names the one before it as accepted.
    pub(super) chain: Vec<SignedMessage>,
    pub(super) questions: Vec<OpenQuestion>,
    pub(super) status: Option<SignedMessage>,
    /// The message of what comes after a hit; there is one at a time.
    pub(super) talk: Option<SignedMessage>,
    /// The messages that are no longer waited for, the newest last.
    pub(super) past: Vec<PastMessage>,
    /// Own addresses, homes and house numbers, that are stacked by the latest answer; ascending.
    pub(super) stacked: Vec<Stacked>,
    /// The journal's record of the latest answer that changed that; 0 for none.
    pub(super) stacked_record: u64,
    /// When the latest release took place that an answer spoke of which told what is stacked; 0 for none.
    pub(super) stacked_as_of: Timestamp,
    /// What the latest answer said of its release; `None` where none was read.
    pub(super) seen: Option<SeenRelease>,
    /// What was stacked when the news was read last.
    pub(super) reported: Vec<Stacked>,
    /// The policy that the broker said to hold to, if it is not the partner's.
    pub(super) brokers_policy: Option<Digest>,
    /// The latest checkpoint of the broker's log, as it was signed; empty for none.
    pub(super) checkpoint: Vec<u8>,
    /// The lines of the broker's log on the partner's messages.
    pub(super) own_lines: OwnLines,
    /// The latest receipt by its line, as the broker signed it. The broker is shown it, so that it finds out itself
    /// where an older store was put in its place.
    pub(super) receipt: Option<LatestReceipt>,
    /// What is left of a day's budget of new flags.
    pub(super) new_flags: LeftToday,
    /// The sources of pseudonyms that have to be asked, and what they made.
    pub(super) sources: Vec<SourceState>,
    pub(super) after_hit: AfterHit,
}

/// A release of the broker, as the latest answer spoke of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRelease {
    /// When that answer was read.
    pub read: Timestamp,
    /// The epoch.
    pub epoch: u32,
    /// The release's number.
    pub number: u64,
    /// When it took place.
    pub as_of: Timestamp,
    /// The next one takes place then at the earliest, unless a policy is adopted.
    pub until: Timestamp,
    /// How many organisations may flag.
    pub organisations: u16,
    /// How many of them were fresh at it.
    pub fresh: u16,
}

/// A receipt, and the line that it names.
pub(super) struct LatestReceipt {
    pub(super) log: LogEntry,
    pub(super) bytes: Vec<u8>,
}

/// What the broker said that is left on a day. Other partners of the organisation spend of it too, so that it may be
/// less.
#[derive(Clone, Copy, Default)]
pub(super) struct LeftToday {
    day: Day,
    left: u32,
}

/// Where the partner is in one epoch.
#[derive(Default)]
pub(super) struct EpochState {
    pub(super) number: u32,
    /// Whether a full set was accepted.
    pub(super) delivered: bool,
    /// The latest release that was seen.
    pub(super) release: u64,
    /// How many flags a full set may have.
    pub(super) full_set: LeftToday,
    /// What the broker has not been told.
    pub(super) undelivered: Undelivered,
    /// For each message in flight that settles something, in their order: what the broker will not have been told once
    /// it accepts that one.
    pub(super) once_accepted: Vec<Undelivered>,
}

/// A question that was made and not answered yet.
pub(super) struct OpenQuestion {
    pub(super) message: SignedMessage,
    /// The journal's record of it.
    pub(super) record: u64,
    /// What tells one call of `ask` from another; a large call makes several questions.
    pub(super) call: Digest,
    pub(super) by: Case,
    /// The rows in the order in which they were asked.
    pub(super) addresses: Vec<AddressKey>,
    /// The addresses as they were written.
    pub(super) typed: Texts,
    /// For each row, where its pseudonym stands in the question.
    pub(super) positions: Vec<u32>,
}

/// An address that is stacked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stacked {
    pub(super) address: AddressKey,
    pub(super) number: Told,
}

impl PartnerState {
    /// Writes the state after what stands in `bytes`.
    pub(super) fn write(&self, bytes: Vec<u8>) -> Vec<u8> {
        codec::write_record(bytes, VERSION, self)
    }

    /// Reads what [`write`](PartnerState::write) wrote.
    pub(super) fn read(bytes: &[u8]) -> Result<PartnerState, Malformed> {
        codec::read_record(bytes, VERSION)
    }

    pub(super) fn epoch(&self, number: u32) -> Option<&EpochState> {
        self.epochs.iter().find(|epoch| epoch.number == number)
    }

    pub(super) fn epoch_mut(&mut self, number: u32) -> &mut EpochState {
        let at = self.epochs.iter().position(|epoch| epoch.number == number).unwrap_or_else(|| {
            self.epochs.push(EpochState { number, ..EpochState::default() });
            self.epochs.len() - 1
        });
        &mut self.epochs[at]
    }

    /// The size of the log of this origin at the checkpoint that is kept; 0 for none.
    pub(super) fn tree_size(&self, origin: &str) -> u64 {
        let kept = UnverifiedCheckpoint::parse(&self.checkpoint).ok();
        kept.filter(|kept| kept.claimed_origin() == origin).map_or(0, |kept| kept.claimed_size())
    }

    /// How many lines the log of this origin is known to have: the lowest number that a new line can have.
    pub(super) fn first_line(&self, origin: &str) -> u64 {
        self.own_lines.next(origin).max(self.tree_size(origin))
    }

    /// The messages in flight, state messages first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &SignedMessage> {
        let questions = self.questions.iter().map(|question| &question.message);
        self.chain.iter().chain(questions).chain(&self.status).chain(&self.talk)
    }

    /// Forgets the messages in flight, whose bytes may not be on disk.
    pub(super) fn forget_messages(&mut self) {
        self.chain.clear();
        self.questions.clear();
        (self.status, self.talk) = (None, None);
        self.epochs.iter_mut().for_each(|epoch| epoch.once_accepted.clear());
    }

    /// Forgets what is known of the broker: another operator's has nothing of what this one accepted, and takes none of
    /// the messages that were made for it.
    pub(super) fn forget_broker(&mut self) {
        for message in self.messages().map(|message| message.head.clone()).collect::<Vec<_>>() {
            self.remember(message, End::Dropped);
        }
        self.forget_messages();
        self.epochs.clear();
        (self.accepted, self.said_accepted, self.lost) = (0, 0, 0);
        (self.answering, self.brokers_policy, self.receipt) = (None, None, None);
        self.checkpoint.clear();
        self.own_lines = OwnLines::default();
        (self.stacked_as_of, self.seen) = (Timestamp::default(), None);
        self.new_flags = LeftToday::default();
        self.unknown_since = None;
        self.after_hit.forget_broker();
    }

    /// Forgets the epochs of the policy that have closed, but those of messages in flight, and the pseudonyms that
    /// nothing needs any longer. Where the policy has begun to count house numbers, the broker lacks all of them; where
    /// it has ceased to, it has too many.
    pub(super) fn follow(&mut self, policy: &Policy, today: Day) {
        let is_kept = |number| policy.epoch(number).is_some_and(|epoch| epoch.closes >= today);
        let in_flight: Vec<u32> = self.messages().map(|message| message.head.epoch).collect();
        self.epochs.retain(|epoch| is_kept(epoch.number) || in_flight.contains(&epoch.number));
        self.after_hit.drop_ended(today, |number| policy.epoch(number).map(|epoch| epoch.closes));
        self.drop_pseudonyms(is_kept, today, policy.retention.max_days);
        let house_numbers = policy.counting.levels.contains(&Level::Number);
        if self.house_numbers != house_numbers {
            self.house_numbers = house_numbers;
            for undelivered in self.epochs.iter_mut().flat_map(EpochState::each_undelivered) {
                undelivered.full_set = true;
            }
        }
    }

    /// The turn of the day: what ended before `today` is gone, here as at the broker. Whether there was anything.
    pub(super) fn expire(&mut self, today: Day) -> bool {
        let ended = self.flags.expire(today);
        self.typed.drop(ended.iter().map(|flag| &flag.address));
        self.remember_ended(&ended);
        self.stand_where_held(Day(today.0.saturating_sub(1)));
        let remembered = self.ended.len();
        if !self.may_have_lost_accepted() {
            self.ended.forget(today);
        }
        let has_forgotten = self.ended.len() != remembered;
        self.after_hit.expire(today);
        if !ended.is_empty() {
            self.after_hit.keep_flagged(&self.flags);
            for undelivered in self.epochs.iter_mut().flat_map(EpochState::each_undelivered) {
                undelivered.expire(today, &self.flags);
            }
        }
        has_forgotten || !ended.is_empty()
    }

    /// The flag of an address, or the one that it had and that whoever flags it again goes on with.
    pub(super) fn known_flag(&self, address: &AddressKey) -> Option<&Flag> {
        self.flags.get(address).or_else(|| self.ended.get(address))
    }

    /// Remembers flags, ascending by address, that are no longer there.
    pub(super) fn remember_ended(&mut self, ended: &[Flag]) {
        if !ended.is_empty() {
            self.ended.set(ended.iter().map(|flag| (flag.address, Some(*flag))), |_| {});
        }
    }

    /// A flag that ended here stands at the broker until it was told so. It forgets it 30 days after that, so here its
    /// last day is that one too, `yesterday` at the latest. Of a house number the broker keeps no first day (SPEC.md
    /// 5.5), so that of one flagged alone is kept by the days on which it stood here.
    fn stand_where_held(&mut self, yesterday: Day) {
        // In an epoch in which it only asked, nothing of the partner's is held.
        let is_unsure =
            |epoch: &mut EpochState| epoch.has_begun() && epoch.each_undelivered().any(|it| it.holds == Holds::Unsure);
        if self.epochs.iter_mut().any(is_unsure) {
            self.ended.homes_end_no_earlier(yesterday);
        } else if self.ended.len() > 0 {
            for undelivered in self.epochs.iter_mut().flat_map(EpochState::each_undelivered) {
                let homes = undelivered.changed.iter().filter(|changed| changed.is_of_home());
                let held = homes.filter_map(|home| Some((home.address, home.delivered?)));
                held.for_each(|(home, last_day)| self.ended.end_no_earlier(&home, last_day.min(yesterday)));
            }
        }
    }

    /// Whether there is something to withdraw that waits behind messages which the broker said it cannot take now.
    pub(super) fn holds_up_withdrawals(&self) -> bool {
        let withdraws = |epoch: &EpochState| {
            let update = self.flags.update(epoch.latest_undelivered(), self.house_numbers);
            epoch.delivered && !update.withdrawn.is_empty()
        };
        self.chain.iter().any(|message| message.put_off) && self.epochs.iter().any(withdraws)
    }

    /// Notes the first and the last number of a delivery.
    pub(super) fn note_made(&mut self, (first, last): (u64, u64)) {
        match self.made.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
            _ => self.made.push((first, last)),
        }
        let over = self.made.len().saturating_sub(MAX_MADE);
        self.made.drain(..over);
    }

    /// Whether a state message of this number was made in this folder.
    pub(super) fn has_made(&self, number: u64) -> bool {
        self.made.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// Whether the broker may have accepted a message that was lost here. Once it accepts a later one it did not, or it
    /// is known: that one names in `previous` the last it accepted.
    pub(super) fn may_have_lost_accepted(&self) -> bool {
        self.lost > self.accepted
    }
}

impl PartnerState {
    pub(super) fn source(&self, epoch: u32, key_id: KeyId) -> Option<&SourceState> {
        self.sources.iter().find(|source| source.is(epoch, key_id))
    }

    pub(super) fn source_mut(&mut self, epoch: u32, key_id: KeyId) -> &mut SourceState {
        let at = self.sources.iter().position(|source| source.is(epoch, key_id)).unwrap_or_else(|| {
            self.sources.push(SourceState::new(epoch, key_id));
            self.sources.len() - 1
        });
        &mut self.sources[at]
    }

    /// Notes that a question needs the pseudonyms of these addresses, so that they are kept for the next one.
    pub(super) fn note_asked(&mut self, epoch: u32, key_id: KeyId, addresses: &[AddressKey], today: Day) {
        if let Some(source) = self.sources.iter_mut().find(|source| source.is(epoch, key_id)) {
            source.asked(addresses, today);
        }
    }

    /// Drops the pseudonyms that nothing needs any longer: those of epochs that are not kept, and of addresses that are
    /// neither flagged, nor have a change to deliver, nor were asked about within `max_days`.
    pub(super) fn drop_pseudonyms(&mut self, keep_epoch: impl Fn(u32) -> bool, today: Day, max_days: u16) {
        let (epochs, flags) = (&self.epochs, &self.flags);
        self.sources.retain(|source| keep_epoch(source.epoch) && source.profile == label::PROFILE);
        for source in &mut self.sources {
            let undelivered = epochs.iter().find(|epoch| epoch.number == source.epoch).map(|epoch| &epoch.undelivered);
            source.made.retain(|address, made| {
                flags.covers_on(address, today)
                    || undelivered.is_some_and(|undelivered| undelivered.covers(address))
                    || made.asked_on.is_some_and(|day| day.plus(max_days) >= today)
            });
        }
    }
}

impl EpochState {
    /// What the broker has not been told, now and once it accepts what is in flight.
    pub(super) fn each_undelivered(&mut self) -> impl Iterator<Item = &mut Undelivered> {
        [&mut self.undelivered].into_iter().chain(&mut self.once_accepted)
    }

    /// What the broker will not have been told once it accepts all that is in flight.
    pub(super) fn latest_undelivered(&self) -> &Undelivered {
        self.once_accepted.last().unwrap_or(&self.undelivered)
    }

    /// Whether a full set was accepted, or is in flight.
    pub(super) fn has_begun(&self) -> bool {
        self.delivered || !self.once_accepted.is_empty()
    }
}

/// Raises a number of the partner's own to one that the broker named, as far as it may.
pub(super) fn raise(number: &mut u64, named: u64) {
    *number = (*number).max(named.min(number.saturating_add(LONGEST_RAISE)).min(HIGHEST_RAISED));
}

impl LeftToday {
    /// As far as is known; the policy may allow less.
    pub(super) fn left(&self, today: Day) -> u32 {
        if self.day == today { self.left } else { u32::MAX }
    }

    pub(super) fn set(&mut self, today: Day, left: u32) {
        *self = LeftToday { day: today, left };
    }

    /// A rejection says what is left of all budgets.
    pub(super) fn lower(&mut self, today: Day, left: u64) {
        self.set(today, self.left(today).min(u32::try_from(left).unwrap_or(u32::MAX)));
    }
}

encode_fields! {
    PartnerState {
        number, journal, latest, state_used, question_used, status_used, talk_used, answering, accepted, said_accepted,
        lost, made, flags, typed, ended, epochs, house_numbers, unknown_since, chain, questions, status, talk, past,
        stacked, stacked_record, stacked_as_of, seen, reported, brokers_policy, checkpoint, own_lines, receipt,
        new_flags, sources, after_hit
    }
}

encode_fields! { SeenRelease { read, epoch, number, as_of, until, organisations, fresh } }

encode_fields! { LatestReceipt { log, bytes } }

encode_fields! { LeftToday { day, left } }

encode_fields! { EpochState { number, delivered, release, full_set, undelivered, once_accepted } }

encode_fields! {
    OpenQuestion { message, record, call, by, addresses, typed, positions }
    where |question| question.addresses.len() == question.positions.len(),
    else "a question has another number of positions than of addresses"
}

impl Encode for Stacked {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.address).put(&Standing::Stacked(self.number));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Stacked, Malformed> {
        match (reader.get()?, reader.get()?) {
            (address, Standing::Stacked(number)) => Ok(Stacked { address, number }),
            _ => Err(Malformed("an address that should be stacked is not")),
        }
    }
}

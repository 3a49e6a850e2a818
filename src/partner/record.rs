//! The records of the partner's journal and their stored form.

use super::act_query::ActQuery;
use super::case::Case;
use super::flags::{Flag, are_ascending};
use super::given::Texts;
pub(super) use super::reply_record::ReplyRecord;
use super::request_answer::RequestAnswered;
use super::talk::record::TalkEvent;
use crate::address::AddressKey;
use crate::codec::{self, Encode, Malformed, Reader, Writer, encode_fields, encode_variants};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{Kind, LogEntry, RenewalReason, Standing, Told};
use crate::slug::Slug;

/// The version of a record's form.
const VERSION: u8 = 1;

/// One thing that was done.
pub(super) struct JournalRecord {
    pub(super) time: Timestamp,
    /// Who did it and for which case, where a person did.
    pub(super) by: Option<Case>,
    pub(super) event: JournalEvent,
}

/// What was done.
pub(super) enum JournalEvent {
    /// Homes, or house numbers alone, were flagged, or renewed for a reason: their flags now, also of those that stayed
    /// as they were, and the texts of those that were given with one.
    Flagged { renewal: Option<RenewalReason>, flags: Vec<Flag>, typed: Texts },
    /// Homes, or house numbers alone, are no longer flagged.
    Withdrawn { homes: Vec<AddressKey> },
    /// The flags became a given set: `added` are those that were not there before, `withdrawn` the addresses that are
    /// flagged no longer.
    Replaced { shrink: bool, added: Vec<Flag>, withdrawn: Vec<AddressKey>, typed: Texts },
    /// The policy allows fewer days than flags had: their flags now, and the addresses whose flags it ended.
    Shortened { flags: Vec<Flag>, ended: Vec<AddressKey> },
    /// State messages were given their numbers, one after another; `waiting` are the flags that the broker lacks also
    /// once it has these, as their budgets or pseudonyms are for a later day.
    Delivering { messages: Vec<NumberedMessage>, waiting: Vec<AddressKey> },
    /// A question was given its number. `own` where it was about all own flags, whichever those were.
    Asking { epoch: u32, number: u64, sweep: Option<Slug>, own: bool, addresses: Vec<AddressKey>, typed: Texts },
    /// The broker accepted a state message.
    Accepted { epoch: u32, number: u64, release: u64, held: u32, reply: ReplyRecord },
    /// The broker answered the question of record `asking`; the standings are in the order of its addresses.
    Answered { asking: u64, answer: AnswerHead, standings: Vec<Standing>, reply: ReplyRecord },
    /// The broker did not accept a message.
    Rejected { series: Series, epoch: u32, number: u64, code: u8, detail: u64, reply: ReplyRecord },
    /// The broker did not accept a message that was no longer waited for.
    Late { series: Series, number: u64, reply: ReplyRecord },
    /// The partner no longer waits for the reply to a message.
    GaveUp { series: Series, number: u64 },
    /// The broker said where the partner stands.
    Status(StatusRecord),
    /// The policy of this version has another operator, of whose broker nothing is known.
    AnotherOperator { version: u32 },
    /// A person saw that the clock is right.
    ClockAccepted,
    /// A person was shown all that the journal has on an address.
    LookedUp { address: AddressKey },
    /// A person was shown what changed over these own addresses.
    NewsShown { addresses: Vec<AddressKey> },
    /// A person was shown what the journal has on this.
    Queried(ActQuery),
    /// The partner's secrets of an epoch that is over go: its secret, its seal key, as far as they are there.
    EpochForgotten { epoch: u32, secret: bool, seal: bool },
    /// The first records go, which nobody need keep any more: how many, of which times, and the head before the first
    /// one that stays.
    Pruned { records: u64, from: Timestamp, to: Timestamp, head: Digest },
    /// Something of what comes after a hit.
    Talk(TalkEvent),
    /// A request by a data subject came on that day, and was answered so, or not yet. It is known by the record's case.
    RequestNoted { received: Day, answered: Option<RequestAnswered> },
}

/// A state message of which the journal has the number before the message is made.
#[derive(Clone, Copy)]
pub(super) struct NumberedMessage {
    pub(super) epoch: u32,
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) pseudonyms: u32,
}

/// All of an answer but its standings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnswerHead {
    pub(super) epoch: u32,
    pub(super) number: u64,
    pub(super) release: u64,
    pub(super) as_of: Timestamp,
    pub(super) until: Timestamp,
    pub(super) organisations: u16,
    pub(super) fresh: u16,
    pub(super) log: LogEntry,
}

/// Where the broker says that the partner stands.
pub(super) struct StatusRecord {
    pub(super) epoch: u32,
    /// The number of the request.
    pub(super) number: u64,
    pub(super) release: u64,
    pub(super) accepted: u64,
    pub(super) highest_state: u64,
    pub(super) highest_question: u64,
    pub(super) full_set: bool,
    pub(super) checkpoint: CheckpointOutcome,
    /// The numbers of own lines of the log that need not be proven again, ascending.
    pub(super) proven: Vec<u64>,
    pub(super) reply: ReplyRecord,
}

/// What became of the checkpoint in a status reply.
pub(super) enum CheckpointOutcome {
    /// It is the one that is kept already, or there is none and none is kept.
    Unchanged,
    /// It continues the one that was kept, and takes its place.
    Kept(Vec<u8>),
    /// It does not continue the one that is kept, which stays; empty where the broker showed none.
    Refused(Vec<u8>),
}

/// A series of a partner's messages; each numbers its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    State,
    Question,
    Status,
    /// What comes after a hit.
    Talk,
}

impl JournalRecord {
    /// Writes the record after what stands in `bytes`.
    pub(super) fn write(&self, bytes: Vec<u8>) -> Vec<u8> {
        codec::write_record(bytes, VERSION, self)
    }

    /// Reads what [`write`](JournalRecord::write) wrote.
    pub(super) fn read(bytes: &[u8]) -> Result<JournalRecord, Malformed> {
        codec::read_record(bytes, VERSION)
    }
}

impl Series {
    /// The series of a partner's messages of this kind.
    pub(super) fn of(kind: Kind) -> Series {
        match kind {
            Kind::Question => Series::Question,
            Kind::Status => Series::Status,
            kind if kind.is_talk() => Series::Talk,
            _ => Series::State,
        }
    }
}

impl JournalEvent {
    /// The broker's reply that it records.
    pub(super) fn reply(&self) -> Option<&ReplyRecord> {
        match self {
            JournalEvent::Accepted { reply, .. }
            | JournalEvent::Answered { reply, .. }
            | JournalEvent::Rejected { reply, .. }
            | JournalEvent::Late { reply, .. }
            | JournalEvent::Status(StatusRecord { reply, .. }) => Some(reply),
            JournalEvent::Talk(event) => event.reply(),
            _ => None,
        }
    }

    /// Whether its lists of flags, homes and news ascend, each address once: flags are found and merged by that.
    fn lists_ascend(&self) -> bool {
        match self {
            JournalEvent::Flagged { flags, .. } => are_ascending(flags.iter().map(|flag| &flag.address)),
            JournalEvent::Withdrawn { homes } => are_ascending(homes.iter()),
            JournalEvent::NewsShown { addresses } | JournalEvent::Delivering { waiting: addresses, .. } => {
                are_ascending(addresses.iter())
            }
            JournalEvent::Shortened { flags, ended } => {
                are_ascending(flags.iter().map(|flag| &flag.address)) && are_ascending(ended.iter())
            }
            JournalEvent::Replaced { added, withdrawn, .. } => {
                are_ascending(added.iter().map(|flag| &flag.address)) && are_ascending(withdrawn.iter())
            }
            _ => true,
        }
    }
}

encode_fields! {
    JournalRecord { time, by, event }
    where |record| record.event.lists_ascend(),
    else "what was flagged, withdrawn or shown, or waits, is not ascending, each address once"
}

encode_variants! {
    JournalEvent {
        1 => Flagged { renewal, flags, typed },
        2 => Withdrawn { homes },
        3 => Replaced { shrink, added, withdrawn, typed },
        4 => Delivering { messages, waiting },
        5 => Asking { epoch, number, sweep, own, addresses, typed },
        6 => Accepted { epoch, number, release, held, reply },
        7 => Answered { asking, answer, standings, reply },
        8 => Rejected { series, epoch, number, code, detail, reply },
        9 => GaveUp { series, number },
        10 => Status(status),
        11 => Late { series, number, reply },
        12 => AnotherOperator { version },
        13 => ClockAccepted,
        14 => Shortened { flags, ended },
        15 => LookedUp { address },
        16 => EpochForgotten { epoch, secret, seal },
        17 => Pruned { records, from, to, head },
        18 => NewsShown { addresses },
        19 => Queried(query),
        20 => Talk(event),
        21 => RequestNoted { received, answered },
    },
    else "a record's event is unknown"
}

encode_fields! { NumberedMessage { epoch, kind, number, pseudonyms } }

encode_fields! { AnswerHead { epoch, number, release, as_of, until, organisations, fresh, log } }

encode_fields! {
    StatusRecord {
        epoch, number, release, accepted, highest_state, highest_question, full_set, checkpoint, proven, reply
    }
    where |status| status.proven.is_sorted_by(|a, b| a < b),
    else "proven lines are not ascending, each once"
}

encode_variants! {
    CheckpointOutcome { 1 => Unchanged, 2 => Kept(checkpoint), 3 => Refused(shown) },
    else "what became of a checkpoint is unknown"
}

encode_variants! { Series { 1 => State, 2 => Question, 3 => Status, 4 => Talk }, else "a series is unknown" }

/// Two bytes: which standing it is, and the number. An answer's own byte would mean another thing under another policy.
impl Encode for Standing {
    fn encode(&self, writer: &mut Writer) {
        let (which, number) = match *self {
            Standing::BelowThreshold => (0, 0),
            Standing::NoOwnFlag => (1, 0),
            Standing::Stacked(Told::Presence) => (2, 0),
            Standing::Stacked(Told::Band(number)) => (3, number),
            Standing::Stacked(Told::Count(number)) => (4, number),
        };
        writer.u8(which).u8(number);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Standing, Malformed> {
        Ok(match (reader.u8()?, reader.u8()?) {
            (0, 0) => Standing::BelowThreshold,
            (1, 0) => Standing::NoOwnFlag,
            (2, 0) => Standing::Stacked(Told::Presence),
            (3, number) => Standing::Stacked(Told::Band(number)),
            (4, number) => Standing::Stacked(Told::Count(number)),
            _ => return Err(Malformed("a standing is unknown")),
        })
    }
}

impl Encode for Kind {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(*self as u8);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Kind, Malformed> {
        Kind::try_from(reader.u8()?).map_err(|_| Malformed("a message's kind is unknown"))
    }
}

/// Its length in one byte, and its canonical form.
impl Encode for AddressKey {
    fn encode(&self, writer: &mut Writer) {
        let form = self.as_bytes();
        writer.u8(form.len() as u8).bytes(form);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<AddressKey, Malformed> {
        let length = reader.u8()?;
        let form = std::str::from_utf8(reader.take(length.into())?).map_err(|_| Malformed("an address is not text"))?;
        AddressKey::from_canonical(form).map_err(|_| Malformed("an address is not canonical"))
    }
}

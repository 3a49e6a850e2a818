//! The records of the partner's journal and their stored form.

use super::case::Case;
use super::flags::get_homes;
use crate::address::AddressKey;
use crate::codec::{self, Encode, Malformed, Reader, Writer};
use crate::day::{Day, Timestamp};
use crate::message::{Kind, LogEntry, Number, Standing};
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
    /// Homes were flagged.
    Flagged { mode: FlagMode, last_day: Day, homes: Vec<AddressKey> },
    /// Homes are no longer flagged.
    Withdrawn { homes: Vec<AddressKey> },
    /// The flags became a given set: `added` are the homes that were not flagged before, `withdrawn` those that no
    /// longer are.
    Replaced { shrink: bool, last_day: Day, added: Vec<AddressKey>, withdrawn: Vec<AddressKey> },
    /// State messages were given their numbers, one after another.
    Delivering { messages: Vec<NumberedMessage> },
    /// A question was given its number.
    Asking { epoch: u32, number: u64, sweep: Option<Slug>, addresses: Vec<AddressKey> },
    /// The broker accepted a state message.
    Accepted { epoch: u32, number: u64, release: u64, held: u32, log: LogEntry },
    /// The broker answered the question of record `asking`; the standings are in the order of its addresses.
    Answered { asking: u64, answer: AnswerHead, standings: Vec<Standing> },
    /// The broker did not accept a message.
    Rejected { series: Series, epoch: u32, number: u64, code: u8, detail: u64, log: LogEntry },
    /// The partner no longer waits for the reply to a message.
    GaveUp { series: Series, number: u64 },
    /// The broker said where the partner stands.
    Status {
        epoch: u32,
        release: u64,
        accepted: u64,
        highest_state: u64,
        highest_question: u64,
        full_set: bool,
        checkpoint: CheckpointOutcome,
    },
}

/// How homes are flagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlagMode {
    /// Flags that are there already stay as they are.
    New = 1,
    /// All get the last valid day; flags that are there already keep their first day.
    Until = 2,
    /// All begin anew: they were looked at again.
    Renewal = 3,
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

/// What became of the checkpoint in a status reply.
pub(super) enum CheckpointOutcome {
    /// It is the one that is kept already, or there is none and none is kept.
    Unchanged,
    /// It continues the one that was kept, and takes its place.
    Kept(Vec<u8>),
    /// It does not continue the one that is kept, which stays; empty where the broker showed none.
    Refused(Vec<u8>),
}

/// A series of messages; each numbers its own. Status requests have no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    State = 1,
    Question = 2,
    Status = 3,
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

impl Encode for JournalRecord {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.time).put(&self.by).put(&self.event);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<JournalRecord, Malformed> {
        Ok(JournalRecord { time: reader.get()?, by: reader.get()?, event: reader.get()? })
    }
}

impl Encode for JournalEvent {
    fn encode(&self, writer: &mut Writer) {
        match self {
            JournalEvent::Flagged { mode, last_day, homes } => {
                writer.u8(1).put(mode).put(last_day).put(homes);
            }
            JournalEvent::Withdrawn { homes } => {
                writer.u8(2).put(homes);
            }
            JournalEvent::Replaced { shrink, last_day, added, withdrawn } => {
                writer.u8(3).put(shrink).put(last_day).put(added).put(withdrawn);
            }
            JournalEvent::Delivering { messages } => {
                writer.u8(4).put(messages);
            }
            JournalEvent::Asking { epoch, number, sweep, addresses } => {
                writer.u8(5).put(epoch).put(number).put(sweep).put(addresses);
            }
            JournalEvent::Accepted { epoch, number, release, held, log } => {
                writer.u8(6).put(epoch).put(number).put(release).put(held).put(log);
            }
            JournalEvent::Answered { asking, answer, standings } => {
                writer.u8(7).put(asking).put(answer).put(standings);
            }
            JournalEvent::Rejected { series, epoch, number, code, detail, log } => {
                writer.u8(8).put(series).put(epoch).put(number).u8(*code).put(detail).put(log);
            }
            JournalEvent::GaveUp { series, number } => {
                writer.u8(9).put(series).put(number);
            }
            JournalEvent::Status {
                epoch,
                release,
                accepted,
                highest_state,
                highest_question,
                full_set,
                checkpoint,
            } => {
                writer.u8(10).put(epoch).put(release).put(accepted).put(highest_state).put(highest_question);
                writer.put(full_set).put(checkpoint);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<JournalEvent, Malformed> {
        Ok(match reader.u8()? {
            1 => JournalEvent::Flagged {
                mode: reader.get()?,
                last_day: reader.get()?,
                homes: get_homes(reader, |home| *home)?,
            },
            2 => JournalEvent::Withdrawn { homes: get_homes(reader, |home| *home)? },
            3 => JournalEvent::Replaced {
                shrink: reader.get()?,
                last_day: reader.get()?,
                added: get_homes(reader, |home| *home)?,
                withdrawn: get_homes(reader, |home| *home)?,
            },
            4 => JournalEvent::Delivering { messages: reader.get()? },
            5 => JournalEvent::Asking {
                epoch: reader.get()?,
                number: reader.get()?,
                sweep: reader.get()?,
                addresses: reader.get()?,
            },
            6 => JournalEvent::Accepted {
                epoch: reader.get()?,
                number: reader.get()?,
                release: reader.get()?,
                held: reader.get()?,
                log: reader.get()?,
            },
            7 => JournalEvent::Answered { asking: reader.get()?, answer: reader.get()?, standings: reader.get()? },
            8 => JournalEvent::Rejected {
                series: reader.get()?,
                epoch: reader.get()?,
                number: reader.get()?,
                code: reader.u8()?,
                detail: reader.get()?,
                log: reader.get()?,
            },
            9 => JournalEvent::GaveUp { series: reader.get()?, number: reader.get()? },
            10 => JournalEvent::Status {
                epoch: reader.get()?,
                release: reader.get()?,
                accepted: reader.get()?,
                highest_state: reader.get()?,
                highest_question: reader.get()?,
                full_set: reader.get()?,
                checkpoint: reader.get()?,
            },
            _ => return Err(Malformed("a record's event is unknown")),
        })
    }
}

impl Encode for CheckpointOutcome {
    fn encode(&self, writer: &mut Writer) {
        match self {
            CheckpointOutcome::Unchanged => writer.u8(1),
            CheckpointOutcome::Kept(checkpoint) => writer.u8(2).put(checkpoint),
            CheckpointOutcome::Refused(shown) => writer.u8(3).put(shown),
        };
    }

    fn decode(reader: &mut Reader<'_>) -> Result<CheckpointOutcome, Malformed> {
        Ok(match reader.u8()? {
            1 => CheckpointOutcome::Unchanged,
            2 => CheckpointOutcome::Kept(reader.get()?),
            3 => CheckpointOutcome::Refused(reader.get()?),
            _ => return Err(Malformed("what became of a checkpoint is unknown")),
        })
    }
}

impl Encode for FlagMode {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(*self as u8);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<FlagMode, Malformed> {
        let byte = reader.u8()?;
        let all = [FlagMode::New, FlagMode::Until, FlagMode::Renewal];
        all.into_iter().find(|one| *one as u8 == byte).ok_or(Malformed("how homes were flagged is unknown"))
    }
}

impl Encode for Series {
    fn encode(&self, writer: &mut Writer) {
        writer.u8(*self as u8);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Series, Malformed> {
        let byte = reader.u8()?;
        let all = [Series::State, Series::Question, Series::Status];
        all.into_iter().find(|one| *one as u8 == byte).ok_or(Malformed("a series is unknown"))
    }
}

impl Encode for NumberedMessage {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.epoch).put(&self.kind).put(&self.number).put(&self.pseudonyms);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<NumberedMessage, Malformed> {
        Ok(NumberedMessage {
            epoch: reader.get()?,
            kind: reader.get()?,
            number: reader.get()?,
            pseudonyms: reader.get()?,
        })
    }
}

impl Encode for AnswerHead {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.epoch).put(&self.number).put(&self.release).put(&self.as_of).put(&self.until);
        writer.put(&self.organisations).put(&self.fresh).put(&self.log);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<AnswerHead, Malformed> {
        Ok(AnswerHead {
            epoch: reader.get()?,
            number: reader.get()?,
            release: reader.get()?,
            as_of: reader.get()?,
            until: reader.get()?,
            organisations: reader.get()?,
            fresh: reader.get()?,
            log: reader.get()?,
        })
    }
}

impl Encode for LogEntry {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.index).put(&self.leaf);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<LogEntry, Malformed> {
        Ok(LogEntry { index: reader.get()?, leaf: reader.get()? })
    }
}

/// Two bytes: which standing it is, and the number. An answer's own byte would mean another thing under another policy.
impl Encode for Standing {
    fn encode(&self, writer: &mut Writer) {
        let (which, number) = match *self {
            Standing::BelowThreshold => (0, 0),
            Standing::NoOwnFlag => (1, 0),
            Standing::Stacked(Number::Presence) => (2, 0),
            Standing::Stacked(Number::Band(number)) => (3, number),
            Standing::Stacked(Number::Count(number)) => (4, number),
        };
        writer.u8(which).u8(number);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Standing, Malformed> {
        Ok(match (reader.u8()?, reader.u8()?) {
            (0, 0) => Standing::BelowThreshold,
            (1, 0) => Standing::NoOwnFlag,
            (2, 0) => Standing::Stacked(Number::Presence),
            (3, number) => Standing::Stacked(Number::Band(number)),
            (4, number) => Standing::Stacked(Number::Count(number)),
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

impl Encode for Slug {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.as_str().to_owned());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Slug, Malformed> {
        Slug::try_from(reader.get::<String>()?).map_err(|_| Malformed("a name is not a slug"))
    }
}

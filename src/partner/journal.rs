//! The partner's journal: who did what for which case, in a sealed file that only grows.
//!
//! Each record is bound to the one before it, and the head of that chain goes into every message: so the partner commits to its
//! own journal without showing it. The journal is also what the partner's state is made from: see [`state`](super::state).

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::log::Shown;
use super::packed::Packed;
use super::seal::{NONCE, OVERHEAD, Sealer};
use crate::address::AddressKey;
use crate::codec;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::files::{self, crash, io};
use crate::label;
use crate::message::MessageError;
use crate::message::{Kind, Standing};
use crate::secret::Key32;
use crate::slug::Slug;

/// The most bytes of a record before it is sealed.
const MAX_RECORD: u64 = 1 << 31;

/// Length, and its complement.
const FRAME: usize = 8;

/// Something that was done.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) time: Timestamp,
    /// Who did it and for which case, where a person did.
    pub(super) by: Option<Case>,
    pub(super) event: Event,
}

/// What was done.
#[derive(Serialize, Deserialize)]
pub(super) enum Event {
    /// Homes were flagged.
    Flagged { how: Flagging, last_day: Day, addresses: Packed<AddressKey> },
    /// Homes are no longer flagged.
    Withdrawn { addresses: Packed<AddressKey> },
    /// The flags became a given set. `addresses` are those that were not flagged before.
    Replaced { shrink: bool, last_day: Day, addresses: Packed<AddressKey>, withdrawn: Packed<AddressKey> },
    /// State messages were made, one after another.
    Delivering { messages: Vec<Delivering> },
    /// A question was made.
    Asking { epoch: u32, number: u64, sweep: Option<Slug>, addresses: Packed<AddressKey> },
    /// The broker accepted a state message.
    Accepted { epoch: u32, number: u64, release: u64, held: u32, log: (u64, Digest) },
    /// The broker answered the question of record `asking`, its standings in the order there.
    Answered { asking: u64, answer: AnswerHead, standings: Packed<Standing> },
    /// The broker did not accept a message.
    Rejected { series: Series, epoch: u32, number: u64, code: u8, detail: u64, log: (u64, Digest) },
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
        log: Shown,
    },
}

/// How flags are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Flagging {
    /// Those that are flagged already stay as they are.
    New,
    /// All get the last valid day; those that are flagged already keep their first day.
    Until,
    /// They were looked at again.
    Renewal,
}

/// One of the state messages that were made.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Delivering {
    pub(super) epoch: u32,
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) pseudonyms: u32,
}

/// All of an answer but its standings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AnswerHead {
    pub(super) epoch: u32,
    pub(super) number: u64,
    pub(super) release: u64,
    pub(super) as_of: Timestamp,
    pub(super) until: Timestamp,
    pub(super) organisations: u16,
    pub(super) fresh: u16,
    pub(super) log: (u64, Digest),
}

/// A series of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Series {
    State,
    Question,
    Status,
}

/// How far a journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Records.
    pub(super) records: u64,
    /// Bytes of the file.
    pub(super) bytes: u64,
    /// The chain's head: 32 zero bytes for an empty journal.
    pub(super) head: Digest,
}

/// The open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    sealer: Sealer,
    mark: Mark,
}

impl Mark {
    pub(super) const START: Mark = Mark { records: 0, bytes: 0, head: Digest::NONE };
}

impl Record {
    /// About so many bytes it takes: all that can be many of, and some.
    fn room(&self) -> usize {
        let rows = match &self.event {
            Event::Flagged { addresses, .. } | Event::Withdrawn { addresses } | Event::Asking { addresses, .. } => {
                addresses.room()
            }
            Event::Replaced { addresses, withdrawn, .. } => addresses.room() + withdrawn.room(),
            Event::Answered { standings, .. } => standings.room(),
            _ => 0,
        };
        rows + 1_024
    }
}

impl Journal {
    /// Makes an empty journal in a file that does not exist yet.
    pub(super) fn create(path: &Path) -> Result<(), Error> {
        Ok(files::create_private(path, &[])?)
    }

    /// Opens a journal, and hands over each record after `from`, with its number.
    ///
    /// A last record that a crash cut short is cut off; nothing was promised that it says.
    pub(super) fn open(
        path: &Path,
        key: &Key32,
        from: Mark,
        replay: impl FnMut(u64, Record),
    ) -> Result<Journal, Error> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| io("open", path, source))?;
        let sealer = Sealer::new(key, label::JOURNAL_RECORD);
        let mut journal = Journal { path: path.to_owned(), file, sealer, mark: from };
        journal.mark = journal.walk(from, replay)?;
        let length = journal.length()?;
        if length > journal.mark.bytes {
            journal.cut()?;
        }
        Ok(journal)
    }

    /// How far the journal is.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Adds a record, on disk before it returns, and gives its number.
    pub(super) fn append(&mut self, record: &Record) -> Result<u64, Error> {
        let too_large =
            MessageError::TooLarge { finding: "one record of the journal takes at most 2 GiB: do it in several" };
        let mut frame = Vec::with_capacity(FRAME + OVERHEAD + record.room());
        frame.resize(FRAME + NONCE, 0);
        let mut frame = codec::encode_after(frame, record, MAX_RECORD).ok_or(too_large)?;
        self.sealer.seal(&additional(&self.mark), &mut frame, FRAME)?;
        let length = (frame.len() - FRAME) as u32;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        frame[4..FRAME].copy_from_slice(&(!length).to_le_bytes());
        if let Err(source) = self.write(&frame) {
            // What stands after the mark would be taken for a record: the next one is written over it.
            let _ = self.cut();
            return Err(io("write", &self.path, source).into());
        }
        let number = self.mark.records;
        self.mark = after(&self.mark, &frame[FRAME..]);
        Ok(number)
    }

    /// Reads the whole journal from its start, checks every link of it, and hands over each record with its number.
    pub(super) fn read(&self, each: impl FnMut(u64, Record)) -> Result<(), Error> {
        let end = self.walk(Mark::START, each)?;
        if end == self.mark { Ok(()) } else { Err(self.damaged(end.records, "it ends too early, or was replaced")) }
    }

    fn write(&mut self, frame: &[u8]) -> std::io::Result<()> {
        crash::point()?;
        // After a failed write that could not be cut off there may be bytes of it.
        self.file.set_len(self.mark.bytes)?;
        self.file.seek(SeekFrom::Start(self.mark.bytes))?;
        let (first, second) = frame.split_at(frame.len() / 2);
        self.file.write_all(first)?;
        crash::point()?;
        self.file.write_all(second)?;
        crash::point()?;
        self.file.sync_data()?;
        crash::point()
    }

    fn cut(&mut self) -> Result<(), Error> {
        let cut = crash::point().and_then(|()| self.file.set_len(self.mark.bytes)).and_then(|()| self.file.sync_all());
        Ok(cut.map_err(|source| io("write", &self.path, source))?)
    }

    fn length(&self) -> Result<u64, Error> {
        Ok(self.file.metadata().map_err(|source| io("read", &self.path, source))?.len())
    }

    /// Goes through the records after `from`, up to the end or a last record that was cut short.
    fn walk(&self, from: Mark, mut each: impl FnMut(u64, Record)) -> Result<Mark, Error> {
        let length = self.length()?;
        if length < from.bytes {
            return Err(self.damaged(from.records, "it is shorter than it was; put back the newest copy of it"));
        }
        let failed = |source| io("read", &self.path, source);
        let mut reader = BufReader::new(&self.file);
        reader.seek(SeekFrom::Start(from.bytes)).map_err(failed)?;
        let mut mark = from;
        while mark.bytes < length {
            let left = length - mark.bytes;
            if left < FRAME as u64 {
                return Ok(mark);
            }
            let mut word = [0; 4];
            reader.read_exact(&mut word).map_err(failed)?;
            let size = u32::from_le_bytes(word);
            reader.read_exact(&mut word).map_err(failed)?;
            let complement = u32::from_le_bytes(word);
            if size != !complement || (size as usize) < OVERHEAD {
                // A file that was made longer before its bytes were written reads as zeros, and no record is all zeros.
                if rest_is_zero(&mut reader).map_err(failed)? {
                    return Ok(mark);
                }
                return Err(self.damaged(mark.records, "its length is not one; put back a copy of the file"));
            }
            let end = FRAME as u64 + u64::from(size);
            if end > left {
                return Ok(mark);
            }
            let mut sealed = vec![0; size as usize];
            reader.read_exact(&mut sealed).map_err(failed)?;
            let (next, ends_in_zeros) = (after(&mark, &sealed), sealed.ends_with(&[0; 16]));
            let Some(opened) = self.sealer.open(&additional(&mark), sealed) else {
                // The same, of a record of which the beginning was written. No record ends in 16 zero bytes otherwise.
                if end == left && ends_in_zeros {
                    return Ok(mark);
                }
                return Err(self.damaged(mark.records, "it was altered, or another key sealed it; put back a copy"));
            };
            let record = codec::decode(opened.plain(), MAX_RECORD)
                .map_err(|_| self.damaged(mark.records, "it is of a version that is not known here"))?;
            drop(opened);
            each(mark.records, record);
            mark = next;
        }
        Ok(mark)
    }

    fn damaged(&self, record: u64, finding: &'static str) -> Error {
        Error::JournalDamaged { path: self.path.clone(), record, finding }
    }
}

/// What a record is sealed with: its number and the head before it, so that none can be left out, moved or doubled.
fn additional(mark: &Mark) -> Vec<u8> {
    [label::JOURNAL_RECORD.as_slice(), &mark.records.to_le_bytes(), &mark.head.0].concat()
}

fn after(mark: &Mark, sealed: &[u8]) -> Mark {
    Mark {
        records: mark.records + 1,
        bytes: mark.bytes + (FRAME + sealed.len()) as u64,
        head: Digest::of(&[label::JOURNAL, &mark.head.0, sealed]),
    }
}

fn rest_is_zero(reader: &mut impl Read) -> std::io::Result<bool> {
    let mut chunk = [0; 4096];
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(true),
            read if chunk[..read].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64) -> Record {
        let event = Event::GaveUp { series: Series::State, number };
        Record { time: Timestamp(number), by: Case::new("j.jansen", "2026-0117").ok(), event }
    }

    fn opened(path: &Path, from: Mark) -> Result<(Journal, Vec<u64>), Error> {
        let mut times = Vec::new();
        let key = Key32::from_bytes([1; 32]);
        let journal = Journal::open(path, &key, from, |number, record| {
            assert_eq!(record.time.0, number);
            times.push(number);
        })?;
        Ok((journal, times))
    }

    /// A journal of three records, and the marks after each.
    fn written(path: &Path) -> Vec<Mark> {
        Journal::create(path).unwrap();
        let (mut journal, _) = opened(path, Mark::START).unwrap();
        let mut marks = vec![journal.mark()];
        for number in 0..3 {
            assert_eq!(journal.append(&record(number)).unwrap(), number);
            marks.push(journal.mark());
        }
        marks
    }

    #[test]
    fn records_come_back_from_any_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let marks = written(&path);
        for (at, mark) in marks.iter().enumerate() {
            let (journal, numbers) = opened(&path, *mark).unwrap();
            assert_eq!(numbers, (at as u64..3).collect::<Vec<_>>());
            assert_eq!(journal.mark(), marks[3]);
            journal.read(|_, _| {}).unwrap();
        }
    }

    #[test]
    fn a_cut_last_record_is_dropped_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let marks = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        for cut in marks[2].bytes..marks[3].bytes {
            for zeros in [false, true] {
                let mut torn = bytes[..cut as usize].to_vec();
                if zeros && torn.len() + 16 <= bytes.len() {
                    // The file was made as long as it was going to be, and the rest never came.
                    torn.resize(bytes.len(), 0);
                }
                std::fs::write(&path, &torn).unwrap();
                let (mut journal, numbers) = opened(&path, Mark::START).unwrap();
                assert_eq!(numbers, [0, 1], "cut at {cut}");
                assert_eq!(journal.append(&record(2)).unwrap(), 2);
                assert_eq!(opened(&path, Mark::START).unwrap().1, [0, 1, 2]);
            }
        }
    }

    #[test]
    fn any_other_damage_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let marks = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(opened(&path, Mark::START).err().unwrap().code(), "journal_damaged", "byte {at}");
        }
        // Behind a mark damage shows when all is read.
        let mut flipped = bytes.clone();
        flipped[20] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let (journal, _) = opened(&path, marks[2]).unwrap();
        assert_eq!(journal.read(|_, _| {}).unwrap_err().code(), "journal_damaged");
        // Two records in each other's place.
        let (first, second) = (marks[1].bytes as usize, marks[2].bytes as usize);
        let swapped = [&bytes[first..second], &bytes[..first], &bytes[second..]].concat();
        std::fs::write(&path, swapped).unwrap();
        assert_eq!(opened(&path, Mark::START).err().unwrap().code(), "journal_damaged");
        // Cut at a whole record, before a mark.
        std::fs::write(&path, &bytes[..first]).unwrap();
        assert_eq!(opened(&path, marks[2]).err().unwrap().code(), "journal_damaged");
    }
}

//! The file of the partner's journal: sealed records of who did what for which case. It only grows, but for its oldest
//! records, which go once nobody need keep them: a base then stands in their place.
//!
//! Each record is bound to the one before it, and the head of that chain goes into every message: so the partner
//! commits to its own journal without showing it. The partner's state is made from the journal: see
//! [`state`](super::state).

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::error::PartnerError;
use super::record::JournalRecord;
use super::seal::{NONCE, OVERHEAD, Sealer};
use crate::codec::{self, Malformed, encode_fields};
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::files::{self, crash, io};
use crate::label;
use crate::message::MessageError;
use crate::secret::Key32;

/// The most bytes of a record: its length must fit into 32 bits.
const MAX_RECORD: usize = 1 << 31;

/// Bytes before each sealed record: its length in 32 bits, and the complement of that, by which a damaged length is
/// noticed.
const FRAME: usize = 8;

/// Bytes before a sealed base: its label, and the same as before a record.
const BASE_FRAME: usize = label::JOURNAL_BASE.len() + FRAME;

/// The version of a base's form.
const BASE_VERSION: u8 = 1;

/// A place in a journal: the end of one of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalPosition {
    /// How many records stand before it.
    pub(super) records: u64,
    /// How many bytes of records do, those that were pruned among them.
    pub(super) bytes: u64,
    /// The chain's head there: 32 zero bytes at the start.
    pub(super) head: Digest,
}

/// The open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    sealer: Sealer,
    position: JournalPosition,
    /// Where the first record stands that is there.
    first: JournalPosition,
    /// How many bytes of the file are before it.
    base_bytes: u64,
    /// Whether the file's name may not be on disk yet.
    unsynced: bool,
}

/// What stands in the place of records that were pruned.
pub(super) struct JournalBase {
    /// Where the first record stands that is left.
    pub(super) position: JournalPosition,
    /// The time of the first record that ever was.
    pub(super) from: Timestamp,
    /// The time of the last one that was pruned.
    pub(super) to: Timestamp,
    /// The state that all that were pruned come to, as it is written.
    pub(super) state: Vec<u8>,
}

impl JournalPosition {
    pub(super) const START: JournalPosition = JournalPosition { records: 0, bytes: 0, head: Digest::NONE };
}

impl Default for JournalPosition {
    fn default() -> JournalPosition {
        JournalPosition::START
    }
}

encode_fields! { JournalPosition { records, bytes, head } }

encode_fields! { JournalBase { position, from, to, state } }

impl JournalBase {
    /// Writes the base after what stands in `bytes`.
    pub(super) fn write(&self, bytes: Vec<u8>) -> Vec<u8> {
        codec::write_record(bytes, BASE_VERSION, self)
    }

    /// Reads what [`write`](JournalBase::write) wrote.
    pub(super) fn read(bytes: &[u8]) -> Result<JournalBase, Malformed> {
        codec::read_record(bytes, BASE_VERSION)
    }
}

impl Journal {
    /// Makes an empty journal in a file that does not exist yet.
    pub(super) fn create(path: &Path) -> Result<(), PartnerError> {
        Ok(files::create_private(path, &[])?)
    }

    /// Opens a journal, of which [`read_from`](Journal::read_from) is to find the end.
    pub(super) fn open(path: &Path, key: &Key32) -> Result<Journal, PartnerError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| io("open", path, source))?;
        let sealer = Sealer::new(key, label::JOURNAL_RECORD);
        let start = JournalPosition::START;
        let path = path.to_owned();
        let mut journal = Journal { path, file, sealer, position: start, first: start, base_bytes: 0, unsynced: false };
        if let Some((base, bytes)) = journal.read_base()? {
            (journal.first, journal.position, journal.base_bytes) = (base.position, base.position, bytes);
        }
        Ok(journal)
    }

    /// Whether what the journal begins with was sealed with this key; `None` where it has nothing yet.
    pub(super) fn opens_with(path: &Path, key: &Key32) -> Result<Option<bool>, PartnerError> {
        let mut is_opened = None;
        let walked = Journal::open(path, key).and_then(|journal| {
            is_opened = journal.base()?.map(|_| true);
            journal.walk(journal.first, |_, _, _| {
                is_opened = Some(true);
                ControlFlow::Continue(())
            })
        });
        match walked {
            Err(PartnerError::JournalDamaged { .. }) => Ok(Some(is_opened.unwrap_or(false))),
            Err(error) => Err(error),
            Ok(_) => Ok(is_opened),
        }
    }

    /// What stands in the place of records that were pruned; `None` where none were.
    pub(super) fn base(&self) -> Result<Option<JournalBase>, PartnerError> {
        Ok(self.read_base()?.map(|(base, _)| base))
    }

    /// Where the first record stands that is there.
    pub(super) fn first(&self) -> JournalPosition {
        self.first
    }

    /// Finds where the file ends, and hands over each record after `from`, with its number.
    ///
    /// A last record that a crash cut short is cut off; nothing was promised that it says.
    pub(super) fn read_from(
        &mut self,
        from: JournalPosition,
        mut replay: impl FnMut(u64, JournalRecord),
    ) -> Result<(), PartnerError> {
        self.position = self.walk(from, |number, record, _| {
            replay(number, record);
            ControlFlow::Continue(())
        })?;
        if self.length()? > self.place(&self.position) {
            return self.cut();
        }
        // A record that a failed write left in the system's memory would be built on, and must be on disk.
        if self.position != from {
            self.file.sync_all().map_err(|source| io("write", &self.path, source))?;
        }
        Ok(())
    }

    /// Where the journal ends.
    pub(super) fn position(&self) -> JournalPosition {
        self.position
    }

    /// Adds a record, on disk before it returns, and gives its number.
    pub(super) fn append(&mut self, record: &JournalRecord) -> Result<u64, PartnerError> {
        let mut frame = record.write(vec![0; FRAME + NONCE]);
        if frame.len() > MAX_RECORD {
            let finding = "one record of the journal takes at most 2 GiB: do it in several";
            return Err(MessageError::TooLarge { finding }.into());
        }
        self.sealer.seal(&additional(&self.position), &mut frame, FRAME)?;
        let length = frame_of(frame.len() - FRAME);
        frame[..FRAME].copy_from_slice(&length);
        if self.unsynced {
            files::sync_folder(&self.path)?;
            self.unsynced = false;
        }
        if let Err(source) = self.write(&frame) {
            // What stands after the last record would be taken for a record: the next one is written over it.
            let _ = self.cut();
            return Err(io("write", &self.path, source).into());
        }
        let number = self.position.records;
        self.position = after(&self.position, &frame[FRAME..]);
        Ok(number)
    }

    /// Reads all of the journal that is there, checks every link of it, and hands over each record with its number.
    pub(super) fn read(&self, mut each: impl FnMut(u64, JournalRecord)) -> Result<(), PartnerError> {
        self.read_places(|number, record, _| each(number, record))
    }

    /// As [`read`](Journal::read), with where each record ends.
    pub(super) fn read_places(
        &self,
        mut each: impl FnMut(u64, JournalRecord, JournalPosition),
    ) -> Result<(), PartnerError> {
        let all = |number, record, position| {
            each(number, record, position);
            ControlFlow::Continue(())
        };
        self.read_after(self.first, all).map(drop)
    }

    /// The same of what stands after a place, until `each` breaks it off; gives the place up to which it was read.
    pub(super) fn read_after(
        &self,
        from: JournalPosition,
        mut each: impl FnMut(u64, JournalRecord, JournalPosition) -> ControlFlow<()>,
    ) -> Result<JournalPosition, PartnerError> {
        let mut flow = ControlFlow::Continue(());
        let end = self.walk(from, |number, record, position| {
            flow = each(number, record, position);
            flow
        })?;
        if flow.is_continue() && end != self.position {
            return Err(self.damaged(end.records, "it ends too early, or was replaced"));
        }
        Ok(end)
    }

    /// Reads the record that stands after a position.
    pub(super) fn read_at(&self, position: JournalPosition) -> Result<JournalRecord, PartnerError> {
        let failed = |source| io("read", &self.path, source);
        let damaged = || self.damaged(position.records, OTHER_KEY);
        if position.bytes < self.first.bytes {
            return Err(self.damaged(position.records, "it was pruned while it was still read"));
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.place(&position))).map_err(failed)?;
        let mut frame = [0; FRAME];
        file.read_exact(&mut frame).map_err(failed)?;
        let size = frame.first_chunk().map_or(0, |word| u32::from_le_bytes(*word)) as usize;
        let end = self.place(&position) + (FRAME + size) as u64;
        if frame != frame_of(size) || size < OVERHEAD || end > self.length()? {
            return Err(damaged());
        }
        let mut sealed = vec![0; size];
        file.read_exact(&mut sealed).map_err(failed)?;
        let opened = self.sealer.open(&additional(&position), sealed).ok_or_else(damaged)?;
        JournalRecord::read(opened.plain()).map_err(|_| damaged())
    }

    /// Puts a base in the place of the records before it, whole or not at all.
    pub(super) fn prune(&mut self, base: &JournalBase) -> Result<(), PartnerError> {
        let mut bytes = base.write(vec![0; BASE_FRAME + NONCE]);
        if bytes.len() > MAX_RECORD {
            let finding = "what the journal comes to takes at most 2 GiB";
            return Err(MessageError::TooLarge { finding }.into());
        }
        self.sealer.seal(label::JOURNAL_BASE, &mut bytes, BASE_FRAME)?;
        let (name, length) = bytes.split_at_mut(label::JOURNAL_BASE.len());
        name.copy_from_slice(label::JOURNAL_BASE);
        let sealed = length.len() - FRAME;
        length[..FRAME].copy_from_slice(&frame_of(sealed));
        let (mut old, place) = (&self.file, self.place(&base.position));
        let left = self.position.bytes - base.position.bytes;
        let file = files::rename_private(&self.path, |file| {
            file.write_all(&bytes)?;
            crash::point()?;
            old.seek(SeekFrom::Start(place))?;
            std::io::copy(&mut old.take(left), file).map(drop)
        })?;
        // From here on the old file has no name any more, and nothing may be written to it.
        (self.file, self.first, self.base_bytes, self.unsynced) = (file, base.position, bytes.len() as u64, true);
        crash::point().map_err(|source| io("replace", &self.path, source))?;
        files::sync_folder(&self.path)?;
        self.unsynced = false;
        Ok(())
    }

    /// Where a position is in the file.
    fn place(&self, position: &JournalPosition) -> u64 {
        self.base_bytes + (position.bytes - self.first.bytes)
    }

    /// The base that the file begins with, and how many bytes of the file it is.
    fn read_base(&self) -> Result<Option<(JournalBase, u64)>, PartnerError> {
        let failed = |source| io("read", &self.path, source);
        let length = self.length()?;
        if length < BASE_FRAME as u64 {
            return Ok(None);
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut frame = [0; BASE_FRAME];
        file.read_exact(&mut frame).map_err(failed)?;
        let Some(rest) = frame.strip_prefix(label::JOURNAL_BASE.as_slice()) else { return Ok(None) };
        let damaged = || self.damaged(0, "what stands for records that were pruned was altered; put back a copy");
        let size = rest.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        let end = BASE_FRAME as u64 + u64::from(size);
        if rest != frame_of(size as usize) || (size as usize) < OVERHEAD || end > length {
            return Err(damaged());
        }
        let mut sealed = vec![0; size as usize];
        file.read_exact(&mut sealed).map_err(failed)?;
        let opened = self.sealer.open(label::JOURNAL_BASE, sealed).ok_or_else(damaged)?;
        let base = JournalBase::read(opened.plain()).map_err(|_| damaged())?;
        Ok(Some((base, end)))
    }

    fn write(&mut self, frame: &[u8]) -> std::io::Result<()> {
        crash::point()?;
        // After a failed write that could not be cut off there may be bytes of it.
        let end = self.place(&self.position);
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        let (first, second) = frame.split_at(frame.len() / 2);
        self.file.write_all(first)?;
        crash::point()?;
        self.file.write_all(second)?;
        crash::point()?;
        self.file.sync_data()?;
        crash::point()
    }

    fn cut(&mut self) -> Result<(), PartnerError> {
        let end = self.place(&self.position);
        let cut = crash::point().and_then(|()| self.file.set_len(end)).and_then(|()| self.file.sync_all());
        Ok(cut.map_err(|source| io("write", &self.path, source))?)
    }

    fn length(&self) -> Result<u64, PartnerError> {
        Ok(self.file.metadata().map_err(|source| io("read", &self.path, source))?.len())
    }

    /// Goes through the records after `from`, until `each` breaks it off, up to the end or a last record that was cut
    /// short, and hands over each with its number and where it ends.
    fn walk(
        &self,
        from: JournalPosition,
        mut each: impl FnMut(u64, JournalRecord, JournalPosition) -> ControlFlow<()>,
    ) -> Result<JournalPosition, PartnerError> {
        // As if nothing had been pruned.
        let length = self.length()? - self.base_bytes + self.first.bytes;
        if length < from.bytes {
            return Err(self.damaged(from.records, "it is shorter than it was; put back the newest copy of it"));
        }
        let failed = |source| io("read", &self.path, source);
        let mut reader = BufReader::new(&self.file);
        reader.seek(SeekFrom::Start(self.place(&from))).map_err(failed)?;
        let mut position = from;
        while position.bytes < length {
            let left = length - position.bytes;
            if left < FRAME as u64 {
                return Ok(position);
            }
            let mut word = [0; 4];
            reader.read_exact(&mut word).map_err(failed)?;
            let size = u32::from_le_bytes(word);
            reader.read_exact(&mut word).map_err(failed)?;
            let complement = u32::from_le_bytes(word);
            if size != !complement || (size as usize) < OVERHEAD {
                // A file that was made longer before its bytes were written reads as zeros, and no record is all zeros.
                if rest_is_zero(&mut reader).map_err(failed)? {
                    return Ok(position);
                }
                return Err(self.damaged(position.records, "its length is not one; put back a copy of the file"));
            }
            let end = FRAME as u64 + u64::from(size);
            if end > left {
                return Ok(position);
            }
            let mut sealed = vec![0; size as usize];
            reader.read_exact(&mut sealed).map_err(failed)?;
            let (next, ends_in_zeros) = (after(&position, &sealed), sealed.ends_with(&[0; 16]));
            let Some(opened) = self.sealer.open(&additional(&position), sealed) else {
                // The same, of a record of which the beginning was written. No record ends in 16 zero bytes otherwise.
                if end == left && ends_in_zeros {
                    return Ok(position);
                }
                return Err(self.damaged(position.records, OTHER_KEY));
            };
            let record = JournalRecord::read(opened.plain())
                .map_err(|_| self.damaged(position.records, "it is of a version that is not known here"))?;
            drop(opened);
            let flow = each(position.records, record, next);
            position = next;
            if flow.is_break() {
                break;
            }
        }
        Ok(position)
    }

    pub(super) fn damaged(&self, record: u64, finding: &'static str) -> PartnerError {
        PartnerError::JournalDamaged { path: self.path.clone(), record, finding }
    }
}

const OTHER_KEY: &str = "it was altered, or another key sealed it: name the folder that has its keys (--keys, \
                         Place::with_keys), or put back a copy";

/// What a record is sealed with: its number and the head before it, so that none can be left out, moved or doubled.
fn additional(position: &JournalPosition) -> Vec<u8> {
    [label::JOURNAL_RECORD.as_slice(), &position.records.to_le_bytes(), &position.head.0].concat()
}

fn after(position: &JournalPosition, sealed: &[u8]) -> JournalPosition {
    JournalPosition {
        records: position.records + 1,
        bytes: position.bytes + (FRAME + sealed.len()) as u64,
        head: Digest::of(&[label::JOURNAL, &position.head.0, sealed]),
    }
}

/// What stands before so many sealed bytes.
fn frame_of(sealed: usize) -> [u8; FRAME] {
    let length = sealed as u32;
    let mut frame = [0; FRAME];
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[4..].copy_from_slice(&(!length).to_le_bytes());
    frame
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
    use crate::day::Timestamp;
    use crate::partner::case::Case;
    use crate::partner::record::{JournalEvent, Series};

    fn record(number: u64) -> JournalRecord {
        let event = JournalEvent::GaveUp { series: Series::State, number };
        JournalRecord { time: Timestamp(number), by: Case::new("j.jansen", "2026-0117").ok(), event }
    }

    fn opened(path: &Path, from: JournalPosition) -> Result<(Journal, Vec<u64>), PartnerError> {
        let mut times = Vec::new();
        let key = Key32::from_bytes([1; 32]);
        let mut journal = Journal::open(path, &key)?;
        journal.read_from(from, |number, record| {
            assert_eq!(record.time.0, number);
            times.push(number);
        })?;
        Ok((journal, times))
    }

    /// A journal of three records, and the positions after each.
    fn written(path: &Path) -> Vec<JournalPosition> {
        Journal::create(path).unwrap();
        let (mut journal, _) = opened(path, JournalPosition::START).unwrap();
        let mut positions = vec![journal.position()];
        for number in 0..3 {
            assert_eq!(journal.append(&record(number)).unwrap(), number);
            positions.push(journal.position());
        }
        positions
    }

    #[test]
    fn records_come_back_from_any_position() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let positions = written(&path);
        for (at, position) in positions.iter().enumerate() {
            let (journal, numbers) = opened(&path, *position).unwrap();
            assert_eq!(numbers, (at as u64..3).collect::<Vec<_>>());
            assert_eq!(journal.position(), positions[3]);
            journal.read(|_, _| {}).unwrap();
        }
    }

    #[test]
    fn a_cut_last_record_is_dropped_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let positions = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        for cut in positions[2].bytes..positions[3].bytes {
            for zeros in [false, true] {
                let mut torn = bytes[..cut as usize].to_vec();
                if zeros && torn.len() + 16 <= bytes.len() {
                    // The file was made as long as it was going to be, and the rest never came.
                    torn.resize(bytes.len(), 0);
                }
                std::fs::write(&path, &torn).unwrap();
                let (mut journal, numbers) = opened(&path, JournalPosition::START).unwrap();
                assert_eq!(numbers, [0, 1], "cut at {cut}");
                assert_eq!(journal.append(&record(2)).unwrap(), 2);
                assert_eq!(opened(&path, JournalPosition::START).unwrap().1, [0, 1, 2]);
            }
        }
    }

    #[test]
    fn any_other_damage_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let positions = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(opened(&path, JournalPosition::START).err().unwrap().code(), "journal_damaged", "byte {at}");
        }
        // Damage before the position that is given shows when all is read.
        let mut flipped = bytes.clone();
        flipped[20] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let (journal, _) = opened(&path, positions[2]).unwrap();
        assert_eq!(journal.read(|_, _| {}).unwrap_err().code(), "journal_damaged");
        // Two records in each other's place.
        let (first, second) = (positions[1].bytes as usize, positions[2].bytes as usize);
        let swapped = [&bytes[first..second], &bytes[..first], &bytes[second..]].concat();
        std::fs::write(&path, swapped).unwrap();
        assert_eq!(opened(&path, JournalPosition::START).err().unwrap().code(), "journal_damaged");
        // Cut at a whole record, before a position.
        std::fs::write(&path, &bytes[..first]).unwrap();
        assert_eq!(opened(&path, positions[2]).err().unwrap().code(), "journal_damaged");
    }

    /// What stands in the place of the records before a position.
    fn base(position: JournalPosition) -> JournalBase {
        JournalBase { position, from: Timestamp(0), to: Timestamp(1), state: vec![7; 5] }
    }

    /// A prune that is broken off at any step left the journal as it was, or pruned; and so it goes on.
    #[test]
    fn pruned_at_every_step_it_goes_on() {
        for steps in 0..9 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            let positions = written(&path);
            let (mut journal, _) = opened(&path, JournalPosition::START).unwrap();
            let first = base(positions[2]);
            crash::after(Some(steps));
            let pruned = journal.prune(&first);
            crash::after(None);
            assert_eq!(pruned.is_ok(), steps > 3, "step {steps}");
            assert_eq!(journal.append(&record(3)).unwrap(), 3, "step {steps}");
            let again = Journal::open(&path, &Key32::from_bytes([1; 32])).unwrap();
            let from = again.first();
            assert!(from == positions[0] || from == positions[2]);
            let (mut journal, numbers) = opened(&path, from).unwrap();
            assert_eq!(numbers, (from.records..4).collect::<Vec<_>>(), "step {steps}");
            assert_eq!(opened(&path, positions[3]).unwrap().1, [3], "a state from before it finds its place");
            journal.read(|_, _| {}).unwrap();
            journal.prune(&base(positions[3])).unwrap();
            assert_eq!(journal.append(&record(4)).unwrap(), 4);
            assert_eq!(opened(&path, positions[3]).unwrap().1, [3, 4]);
        }
    }

    #[test]
    fn a_damaged_base_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let positions = written(&path);
        let (mut journal, _) = opened(&path, JournalPosition::START).unwrap();
        journal.prune(&base(positions[2])).unwrap();
        assert_eq!(journal.base().unwrap().unwrap().state, [7; 5]);
        let bytes = std::fs::read(&path).unwrap();
        let open = || {
            let mut journal = Journal::open(&path, &Key32::from_bytes([1; 32]))?;
            journal.read_from(journal.first(), |_, _| {})
        };
        open().unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(open().unwrap_err().code(), "journal_damaged", "byte {at}");
        }
    }
}

//! The file: blocks of rows, then the *front*, which says where each block begins, then the end, which says where the
//! front begins.
//!
//! Opening reads the front alone. A look-up reads one block or two of a few hundred bytes; the front has a checksum of
//! each, and the front's digest stands in the end, so a damaged file is an error and never another address. Every block
//! of a table has as many entries as the others, but the last, so the number of a row says in which it is.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::RegisterError;
use super::rows::Place;
use super::streets::Streets;
use super::varint::{Bytes, put};
use crate::codec::Malformed;
use crate::day::Day;
use crate::files::io as io_error;

/// The first bytes of the file and of its end, with the version of its form.
const MAGIC: &[u8; 16] = b"stapel-register1";

/// The magic, where the front begins, how long it is, and its SHA-256.
const END: usize = 16 + 8 + 8 + 32;

/// The most blocks that are read at once.
const MOST_AT_ONCE: usize = 64;

/// The blocks of a table, one after another in the file. A search goes through the keys alone.
pub(super) struct Blocks<K> {
    /// What each begins with.
    firsts: Vec<K>,
    /// Where the first begins.
    start: u64,
    ends: Vec<End>,
}

/// Where a block ends, and its checksum.
struct End {
    at: u64,
    check: u32,
}

impl<K: Key> Blocks<K> {
    /// The places of the blocks in which entries of keys from one to another may be.
    pub(super) fn with(&self, from: K, to: K) -> Range<usize> {
        // They may end the block before the first that begins with one.
        let first = self.firsts.partition_point(|first| *first < from).saturating_sub(1);
        let rest = self.firsts.get(first..).unwrap_or_default();
        first..first + rest.iter().take_while(|first| **first <= to).count()
    }

    /// Where the block at a place begins and ends, and its checksum.
    fn block(&self, place: usize) -> Option<(u64, u64, u32)> {
        let end = self.ends.get(place)?;
        let start = if place == 0 { self.start } else { self.ends.get(place - 1)?.at };
        Some((start, end.at, end.check))
    }

    fn push(&mut self, first: K, length: u64, check: u32) -> Option<()> {
        let start = self.ends.last().map_or(self.start, |end| end.at);
        self.ends.push(End { at: start.checked_add(length)?, check });
        self.firsts.push(first);
        Some(())
    }
}

/// What entries of a table are ordered by.
pub(super) trait Key: Copy + Ord {
    /// How many entries each block has, but the last: so few that all of them are read in a microsecond, and so many
    /// that the keys of all blocks are read at once when a register is opened.
    const ENTRIES: usize;

    fn write(self, before: Option<Self>, bytes: &mut Vec<u8>);
    fn read(before: Option<Self>, bytes: &mut Bytes<'_>) -> Result<Self, Malformed>;
}

impl Key for u64 {
    const ENTRIES: usize = 64;

    fn write(self, before: Option<u64>, bytes: &mut Vec<u8>) {
        put(bytes, self - before.unwrap_or(0));
    }

    fn read(before: Option<u64>, bytes: &mut Bytes<'_>) -> Result<u64, Malformed> {
        before.unwrap_or(0).checked_add(bytes.number()?).ok_or(Malformed("a number is too large"))
    }
}

impl Key for Place {
    const ENTRIES: usize = 16;

    fn write(self, _before: Option<Place>, bytes: &mut Vec<u8>) {
        [self.postcode, self.street, self.number].into_iter().for_each(|part| put(bytes, part.into()));
    }

    fn read(before: Option<Place>, bytes: &mut Bytes<'_>) -> Result<Place, Malformed> {
        let place = Place { postcode: bytes.small()?, street: bytes.small()?, number: bytes.small()? };
        if before.is_some_and(|before| place < before) { Err(Malformed("blocks are out of order")) } else { Ok(place) }
    }
}

/// What is read when a register is opened.
pub(super) struct Front {
    /// The day of the extract that it was built from.
    pub(super) source: Day,
    /// How many addresses, and how many of them are withdrawn.
    pub(super) rows: u32,
    pub(super) withdrawn: u32,
    pub(super) addresses: Blocks<Place>,
    pub(super) ids: Blocks<u64>,
    pub(super) streets: Streets,
}

/// Writes the blocks of a table to a file, one after another.
pub(super) struct BlockWriter<'a, 'f, K> {
    out: &'a mut Output<'f>,
    block: Vec<u8>,
    /// The key of the block's first entry, and how many it has.
    first: Option<K>,
    entries: usize,
    blocks: Blocks<K>,
}

/// A file that is written from its start to its end.
pub(super) struct Output<'f> {
    file: io::BufWriter<&'f mut File>,
    offset: u64,
}

impl<'f> Output<'f> {
    pub(super) fn begin(file: &'f mut File) -> io::Result<Output<'f>> {
        let mut output = Output { file: io::BufWriter::with_capacity(1 << 20, file), offset: 0 };
        output.write(MAGIC)?;
        Ok(output)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    pub(super) fn end(mut self, front: &Front) -> io::Result<()> {
        let bytes = front.write();
        let (offset, length, digest) = (self.offset, bytes.len() as u64, Sha256::digest(&bytes));
        self.write(&bytes)?;
        self.write(MAGIC)?;
        self.write(&offset.to_le_bytes())?;
        self.write(&length.to_le_bytes())?;
        self.write(&digest)?;
        self.file.flush()
    }
}

impl<'a, 'f, K: Key> BlockWriter<'a, 'f, K> {
    pub(super) fn new(out: &'a mut Output<'f>) -> BlockWriter<'a, 'f, K> {
        let blocks = Blocks { firsts: Vec::new(), start: out.offset, ends: Vec::new() };
        BlockWriter { out, block: Vec::new(), first: None, entries: 0, blocks }
    }

    /// Writes an entry; `write` is told whether it is the first of its block.
    pub(super) fn entry(&mut self, key: K, write: impl FnOnce(bool, &mut Vec<u8>)) -> io::Result<()> {
        write(self.first.is_none(), &mut self.block);
        self.first.get_or_insert(key);
        self.entries += 1;
        if self.entries == K::ENTRIES { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> io::Result<()> {
        let Some(first) = self.first.take() else { return Ok(()) };
        self.entries = 0;
        let check = crc32fast::hash(&self.block);
        self.out.write(&self.block)?;
        let fits = self.blocks.push(first, self.block.len() as u64, check);
        self.block.clear();
        fits.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))
    }

    pub(super) fn finish(mut self) -> io::Result<Blocks<K>> {
        self.close()?;
        Ok(self.blocks)
    }
}

impl Front {
    fn write(&self) -> Vec<u8> {
        let mut bytes = self.source.0.to_le_bytes().to_vec();
        put(&mut bytes, self.rows.into());
        put(&mut bytes, self.withdrawn.into());
        write_blocks(&self.addresses, &mut bytes);
        write_blocks(&self.ids, &mut bytes);
        self.streets.write(&mut bytes);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Front, Malformed> {
        let mut rest = Bytes::of(bytes);
        let source = Day(u16::from_le_bytes([rest.byte()?, rest.byte()?]));
        let (rows, withdrawn) = (rest.small()?, rest.small()?);
        let (addresses, ids): (Blocks<Place>, _) = (read_blocks(&mut rest)?, read_blocks(&mut rest)?);
        let streets = Streets::read(&mut rest)?;
        if addresses.ends.len() != (rows as usize).div_ceil(Place::ENTRIES) {
            return Err(Malformed("it has another number of blocks than its addresses need"));
        }
        if !rest.is_empty() {
            return Err(Malformed("there are bytes after its end"));
        }
        Ok(Front { source, rows, withdrawn, addresses, ids, streets })
    }
}

fn write_blocks<K: Key>(blocks: &Blocks<K>, bytes: &mut Vec<u8>) {
    put(bytes, blocks.ends.len() as u64);
    // Blocks stand one after another.
    put(bytes, blocks.start);
    let (mut last, mut start) = (None, blocks.start);
    for (first, end) in blocks.firsts.iter().zip(&blocks.ends) {
        first.write(last, bytes);
        put(bytes, end.at - start);
        bytes.extend_from_slice(&end.check.to_le_bytes());
        (last, start) = (Some(*first), end.at);
    }
}

fn read_blocks<K: Key>(bytes: &mut Bytes<'_>) -> Result<Blocks<K>, Malformed> {
    let count = usize::try_from(bytes.number()?).unwrap_or(usize::MAX);
    let start = bytes.number()?;
    // At first not much more memory than there are bytes, whatever the count says.
    let capacity = count.min(bytes.len() / 4);
    let mut blocks = Blocks { firsts: Vec::with_capacity(capacity), start, ends: Vec::with_capacity(capacity) };
    for _ in 0..count {
        let first = K::read(blocks.firsts.last().copied(), bytes)?;
        let length = bytes.number()?;
        let mut check = [0; 4];
        check.copy_from_slice(bytes.take(4)?);
        let fits = blocks.push(first, length, u32::from_le_bytes(check));
        fits.ok_or(Malformed("a number is too large"))?;
    }
    Ok(blocks)
}

/// A file that is open for look-ups.
pub(super) struct Input {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Input {
    /// Opens a file and reads its front.
    pub(super) fn open(path: &Path) -> Result<(Input, Front), RegisterError> {
        let file = File::open(path).map_err(|source| io_error("open", path, source))?;
        let metadata = file.metadata().map_err(|source| io_error("read", path, source))?;
        let input = Input { path: path.to_owned(), file, size: metadata.len() };
        if !metadata.is_file() || input.size < (MAGIC.len() + END) as u64 {
            return Err(input.unusable("it is too short to be one"));
        }
        let end = input.read(input.size - END as u64, END)?;
        if input.read(0, MAGIC.len())? != MAGIC || end[..16] != *MAGIC {
            return Err(input.unusable("it does not begin and end as one does"));
        }
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| end[at + byte]));
        let (offset, length) = (number(16), number(24));
        if offset.checked_add(length) != Some(input.size - END as u64) {
            return Err(input.unusable("it was cut short, or bytes were added"));
        }
        let bytes = input.read(offset, usize::try_from(length).unwrap_or(usize::MAX))?;
        if Sha256::digest(&bytes)[..] != end[32..] {
            return Err(input.unusable("its front is damaged"));
        }
        let front = Front::read(&bytes).map_err(|Malformed(finding)| input.unusable(finding))?;
        Ok((input, front))
    }

    /// Shows the blocks at these places, each of them checked.
    pub(super) fn blocks<K: Key>(
        &self,
        blocks: &Blocks<K>,
        mut places: Range<usize>,
        mut visit: impl FnMut(&[u8]) -> Result<(), RegisterError>,
    ) -> Result<(), RegisterError> {
        let block = |place: usize| blocks.block(place).ok_or_else(|| self.unusable("it has no such block"));
        while !places.is_empty() {
            let next = places.end.min(places.start + MOST_AT_ONCE);
            let ((from, ..), (_, to, _)) = (block(places.start)?, block(next - 1)?);
            let bytes = self.read(from, (to - from) as usize)?;
            for place in places.start..next {
                let (start, end, check) = block(place)?;
                let block = bytes.get((start - from) as usize..(end - from) as usize).unwrap_or_default();
                if crc32fast::hash(block) != check {
                    return Err(self.unusable("a block of it is damaged"));
                }
                visit(block)?;
            }
            places.start = next;
        }
        Ok(())
    }

    pub(super) fn unusable(&self, finding: &'static str) -> RegisterError {
        RegisterError::Unusable { path: self.path.clone(), finding }
    }

    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, RegisterError> {
        if offset.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(self.unusable("it is shorter than it says"));
        }
        let mut bytes = vec![0; length];
        read_at(&self.file, &mut bytes, offset).map_err(|source| io_error("read", &self.path, source))?;
        Ok(bytes)
    }
}

/// A file's bytes with the checksums that its blocks and its front would need; `None` where its end or its front leads
/// nowhere.
pub(super) fn with_checksums(bytes: &[u8]) -> Option<Vec<u8>> {
    let (body, end) = bytes.split_at_checked(bytes.len().checked_sub(END)?)?;
    let offset = u64::from_le_bytes(end.get(16..24)?.try_into().ok()?);
    let (blocks, front) = body.split_at_checked(usize::try_from(offset).ok()?)?;
    let mut front = Front::read(front).ok()?;
    mend(&mut front.addresses, blocks)?;
    mend(&mut front.ids, blocks)?;
    let front = front.write();
    let (length, digest) = (front.len() as u64, Sha256::digest(&front));
    Some([blocks, &front, MAGIC, &offset.to_le_bytes(), &length.to_le_bytes(), &digest].concat())
}

/// Gives each block of a table the checksum that its bytes have.
fn mend<K: Key>(table: &mut Blocks<K>, bytes: &[u8]) -> Option<()> {
    for place in 0..table.ends.len() {
        let (start, end, _) = table.block(place)?;
        table.ends[place].check = crc32fast::hash(bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?);
    }
    Some(())
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    // One look-up at a time: the place in the file is shared.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE.lock();
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

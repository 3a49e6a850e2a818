//! The file: blocks of rows, then the *front*, which says where each block begins, then the end, which says where the
//! front begins.
//!
//! Opening reads the front alone. A look-up reads one block or two of some thousand bytes; the front has a checksum of
//! each, and the front's digest stands in the end, so a damaged file is an error and never another address.

use std::fs::File;
use std::io::{self, Write};
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

/// A block is closed once it has this many bytes: few enough to be read and checked in a few microseconds.
const BLOCK: usize = 1_024;

/// Where a block is, and what it begins with.
#[derive(Clone, Copy)]
pub(super) struct Block<K> {
    /// The key of its first entry.
    pub(super) first: K,
    /// How many entries come before it.
    pub(super) before: u32,
    offset: u64,
    length: u32,
    check: u32,
}

/// What entries of a table are ordered by.
pub(super) trait Key: Copy + Ord {
    fn write(self, before: Option<Self>, bytes: &mut Vec<u8>);
    fn read(before: Option<Self>, bytes: &mut Bytes<'_>) -> Result<Self, Malformed>;
}

impl Key for u64 {
    fn write(self, before: Option<u64>, bytes: &mut Vec<u8>) {
        put(bytes, self - before.unwrap_or(0));
    }

    fn read(before: Option<u64>, bytes: &mut Bytes<'_>) -> Result<u64, Malformed> {
        before.unwrap_or(0).checked_add(bytes.number()?).ok_or(Malformed("a number is too large"))
    }
}

impl Key for Place {
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
    pub(super) addresses: Vec<Block<Place>>,
    pub(super) ids: Vec<Block<u64>>,
    pub(super) streets: Streets,
}

/// Writes the blocks of a table to a file, one after another.
pub(super) struct BlockWriter<'a, 'f, K> {
    out: &'a mut Output<'f>,
    block: Vec<u8>,
    /// The key of the block's first entry, and how many came before it.
    first: Option<(K, u32)>,
    entries: u32,
    blocks: Vec<Block<K>>,
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
        BlockWriter { out, block: Vec::with_capacity(2 * BLOCK), first: None, entries: 0, blocks: Vec::new() }
    }

    /// Writes an entry; `write` is told whether it is the first of its block.
    pub(super) fn entry(&mut self, key: K, write: impl FnOnce(bool, &mut Vec<u8>)) -> io::Result<()> {
        write(self.first.is_none(), &mut self.block);
        self.first.get_or_insert((key, self.entries));
        self.entries += 1;
        if self.block.len() >= BLOCK { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> io::Result<()> {
        let Some((first, before)) = self.first.take() else { return Ok(()) };
        let (offset, length) = (self.out.offset, self.block.len() as u32);
        self.blocks.push(Block { first, before, offset, length, check: crc32fast::hash(&self.block) });
        self.out.write(&self.block)?;
        self.block.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Vec<Block<K>>> {
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
        let (addresses, ids) = (read_blocks(&mut rest)?, read_blocks(&mut rest)?);
        let streets = Streets::read(&mut rest)?;
        if !rest.is_empty() {
            return Err(Malformed("there are bytes after its end"));
        }
        Ok(Front { source, rows, withdrawn, addresses, ids, streets })
    }
}

fn write_blocks<K: Key>(blocks: &[Block<K>], bytes: &mut Vec<u8>) {
    put(bytes, blocks.len() as u64);
    let mut last: Option<&Block<K>> = None;
    for block in blocks {
        block.first.write(last.map(|last| last.first), bytes);
        put(bytes, (block.before - last.map_or(0, |last| last.before)).into());
        // Blocks stand one after another: the first says where.
        if last.is_none() {
            put(bytes, block.offset);
        }
        put(bytes, block.length.into());
        bytes.extend_from_slice(&block.check.to_le_bytes());
        last = Some(block);
    }
}

fn read_blocks<K: Key>(bytes: &mut Bytes<'_>) -> Result<Vec<Block<K>>, Malformed> {
    let count = usize::try_from(bytes.number()?).unwrap_or(usize::MAX);
    // At first as much memory as there are bytes, whatever the count says.
    let mut blocks: Vec<Block<K>> = Vec::with_capacity(count.min(bytes.len() / 4));
    for _ in 0..count {
        let last = blocks.last();
        let first = K::read(last.map(|last| last.first), bytes)?;
        let too_large = Malformed("a number is too large");
        let before = last.map_or(0, |last| last.before).checked_add(bytes.small()?).ok_or(too_large)?;
        let offset = match last {
            None => bytes.number()?,
            Some(last) => last.offset.checked_add(last.length.into()).ok_or(too_large)?,
        };
        let length = bytes.small()?;
        let mut check = [0; 4];
        check.copy_from_slice(bytes.take(4)?);
        blocks.push(Block { first, before, offset, length, check: u32::from_le_bytes(check) });
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

    /// Reads a block, and checks it.
    pub(super) fn block<K>(&self, block: &Block<K>) -> Result<Vec<u8>, RegisterError> {
        let bytes = self.read(block.offset, block.length as usize)?;
        if crc32fast::hash(&bytes) == block.check { Ok(bytes) } else { Err(self.unusable("a block of it is damaged")) }
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

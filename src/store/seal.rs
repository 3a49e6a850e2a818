//! Seals batches, and the ledger's rows that tell of a pseudonym: without the keys, the store's files show only how
//! large each of them is.
//!
//! A batch is cut into chunks, each sealed with AES-256-GCM under the blob key of its epoch. Its manifest, sealed under
//! the same key, lists the chunks with their authentication tags, so that a chunk that is missing, or is an older one
//! of the same name, is noticed. A sealed value is the nonce (12 bytes), the ciphertext, the authentication tag (16
//! bytes).
//!
//! | what | bytes |
//! |---|---|
//! | chunk | a piece of the batch's bytes (see `batch_form.rs`) |
//! | its additional data | the label of chunks; the batch's name; which chunk, 4; of how many, 4 |
//! | manifest | its version, which is 1, 1; the length of the batch's bytes, 8; how many chunks, 8; the chunks |
//! | of each chunk | its number in the file, 8; its authentication tag, 16 |
//! | its additional data | the label of manifests; the batch's name |
//! | a batch's name | the store's format, 4; epoch, 4; partner, 2; state number, 8 |
//! | row | the row's bytes |
//! | its additional data | the label of rows; the store's format, 4; the row's key, 7 |
//!
//! All integers are little-endian.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};

use super::error::StoreError;
use super::model::{Batch, BatchId, Key};
use super::tables::FORMAT;
use crate::codec::{Malformed, Writer, encode_fields, read_record, write_record};
use crate::label;
use crate::secret::{Key32, random};

/// Where the store finds the key under which it seals what belongs to an epoch.
pub(crate) trait BlobKeys: Send + Sync {
    /// The blob key of `epoch`. It must have been drawn before; another one would open nothing.
    fn blob_key(&self, epoch: u32) -> Result<Arc<Key32>, StoreError>;

    /// Whether the epoch's keys were destroyed, as the epoch was closed: what a copy still has of it opens no more.
    fn is_destroyed(&self, epoch: u32) -> bool {
        let _ = epoch;
        false
    }
}

/// A chunk has a page of the file to itself: of the smallest power of two that holds it, from 4 KiB on.
const SMALLEST_PAGE: usize = 4 << 10;
const LARGEST_PAGE: usize = 64 << 10;

/// The bytes of a page that are not its chunk's.
const PAGE_OVERHEAD: usize = 64;

/// The most bytes of a sealed chunk: what fits one of the largest pages.
pub(super) const CHUNK: usize = LARGEST_PAGE - PAGE_OVERHEAD;

/// The version of a manifest's form.
const MANIFEST_VERSION: u8 = 1;

/// The bytes of a chunk that are not the batch's.
pub(super) const OVERHEAD: usize = NONCE_LEN + MAX_TAG_LEN;

/// A batch whose chunks are on disk, and that counts once its manifest is in the ledger.
pub(crate) struct SealedBatch {
    pub(super) id: BatchId,
    pub(super) manifest: Vec<u8>,
    pub(super) blobs: Vec<u64>,
    /// Where the blobs are named if the batch is let go of.
    garbage: Arc<Garbage>,
    kept: AtomicBool,
}

/// The blobs in the file that count no longer.
#[derive(Default)]
pub(super) struct Garbage(Mutex<Vec<u64>>);

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    /// How many bytes the batch takes in the form of batch_form.rs.
    pub(super) length: u64,
    pub(super) chunks: Vec<Chunk>,
}

/// Where a chunk is, and what it ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) blob: u64,
    pub(super) tag: [u8; MAX_TAG_LEN],
}

encode_fields! { Manifest { length, chunks } }
encode_fields! { Chunk { blob, tag } }

/// Seals and opens what belongs to one epoch.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    pub(super) fn new(key: &Key32) -> Sealer {
        let key = UnboundKey::new(&AES_256_GCM, key.expose_secret()).expect("a key of AES-256-GCM is 32 bytes");
        Sealer(LessSafeKey::new(key))
    }

    /// The sealed chunks of a batch.
    pub(super) fn chunks(&self, batch: &Batch) -> Result<(u64, Vec<Vec<u8>>), StoreError> {
        let bytes = batch.encode();
        let pieces = pieces(&bytes);
        let of = pieces.len() as u32;
        let sealed = pieces.iter().zip(0..).map(|(piece, number)| self.seal(&chunk_data(&batch.id, number, of), piece));
        Ok((bytes.len() as u64, sealed.collect::<Result<_, StoreError>>()?))
    }

    /// Puts the chunks of a batch together again. `chunk` gives the sealed bytes of a blob.
    pub(super) fn batch(
        &self,
        id: BatchId,
        manifest: &Manifest,
        mut chunk: impl FnMut(u64) -> Result<Vec<u8>, StoreError>,
    ) -> Result<Batch, StoreError> {
        let of = manifest.chunks.len();
        // A chunk holds at most so much: no manifest makes this allocate more than its chunks will fill.
        let mut bytes = Vec::with_capacity((manifest.length as usize).min(of * CHUNK));
        for (expected, number) in manifest.chunks.iter().zip(0..) {
            let sealed = chunk(expected.blob)?;
            if tag_of(&sealed) != Some(expected.tag) {
                return Err(StoreError::StoreDamaged {
                    finding: "a chunk in flags.redb is not the one that the ledger names",
                });
            }
            let piece = self.open(&chunk_data(&id, number, of as u32), sealed);
            bytes.extend(piece.ok_or(StoreError::StoreDamaged { finding: "a chunk in flags.redb does not unseal" })?);
        }
        if bytes.len() as u64 != manifest.length {
            return Err(StoreError::StoreDamaged {
                finding: "the chunks of a batch in flags.redb have another length",
            });
        }
        let unreadable = |_: Malformed| StoreError::StoreDamaged { finding: "a batch in flags.redb does not decode" };
        Batch::decode(id, &bytes).map_err(unreadable)
    }

    pub(super) fn seal_manifest(&self, id: &BatchId, manifest: &Manifest) -> Result<Vec<u8>, StoreError> {
        self.seal(&manifest_data(id), &write_record(Vec::new(), MANIFEST_VERSION, manifest))
    }

    pub(super) fn open_manifest(&self, id: &BatchId, sealed: Vec<u8>) -> Result<Manifest, StoreError> {
        let bytes = self.open(&manifest_data(id), sealed);
        let bytes = bytes.ok_or(StoreError::StoreDamaged {
            finding: "a manifest in ledger.redb does not unseal: the keys are of another broker, or it was altered",
        })?;
        read_record(&bytes, MANIFEST_VERSION)
            .map_err(|_| StoreError::StoreDamaged { finding: "a manifest in ledger.redb does not decode" })
    }

    /// Seals a row of the ledger; see [`Key::sealed_in`].
    pub(super) fn seal_row(&self, key: Key, row: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.seal(&row_data(key), row)
    }

    pub(super) fn open_row(&self, key: Key, sealed: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        self.open(&row_data(key), sealed).ok_or(StoreError::StoreDamaged {
            finding: "a row in ledger.redb does not unseal: the keys are of another broker, or it was altered",
        })
    }

    /// Seals under a random nonce.
    ///
    /// A counter would have to survive crashes and restored backups without ever going back; 96 random bits need
    /// nothing. An epoch of 13 million flags, rewritten every day for ten years, seals under 2^25 values; that two of
    /// them share a nonce has a chance under 2^-46.
    fn seal(&self, data: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.extend(nonce);
        sealed.extend(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(data), &mut sealed[NONCE_LEN..])
            .expect("AES-256-GCM seals up to 64 GiB");
        sealed.extend(tag.as_ref());
        Ok(sealed)
    }

    fn open(&self, data: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, Aad::from(data), rest).ok()?.len();
        sealed.truncate(NONCE_LEN + length);
        sealed.drain(..NONCE_LEN);
        Some(sealed)
    }
}

impl SealedBatch {
    pub(super) fn new(id: BatchId, manifest: Vec<u8>, blobs: Vec<u64>, garbage: Arc<Garbage>) -> SealedBatch {
        SealedBatch { id, manifest, blobs, garbage, kept: AtomicBool::new(false) }
    }

    /// Its blobs are the ledger's now, or may be.
    pub(super) fn keep(&self) {
        self.kept.store(true, Ordering::Release);
    }
}

impl Drop for SealedBatch {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            self.garbage.add(mem::take(&mut self.blobs));
        }
    }
}

impl Garbage {
    pub(super) fn add(&self, blobs: impl IntoIterator<Item = u64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(blobs);
    }

    /// Takes all of it.
    pub(super) fn take(&self) -> Vec<u64> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The authentication tag of a sealed value.
pub(super) fn tag_of(sealed: &[u8]) -> Option<[u8; MAX_TAG_LEN]> {
    sealed.last_chunk().copied()
}

/// The pieces of a batch that become its chunks: such that their pages, all together, have little room to spare.
pub(super) fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let room = |page: usize| page - PAGE_OVERHEAD - OVERHEAD;
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let mut page = LARGEST_PAGE;
        while page > SMALLEST_PAGE && rest.len() <= room(page / 2) {
            page /= 2;
        }
        // Of what would leave much of a page free, half that page is filled, and the remainder has a smaller one.
        let least = room(page).saturating_sub(SMALLEST_PAGE.max(page / 8));
        let filled = if rest.len() > least { room(page) } else { room(page / 2) };
        let (piece, others) = rest.split_at(filled.min(rest.len()));
        pieces.push(piece);
        rest = others;
    }
    pieces
}

/// The additional data of a chunk.
fn chunk_data(id: &BatchId, number: u32, of: u32) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(label::STORE_CHUNK).u32(FORMAT).u32(id.epoch).u16(id.partner).u64(id.sequence).u32(number).u32(of);
    writer.finish()
}

/// The additional data of a manifest.
fn manifest_data(id: &BatchId) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(label::STORE_MANIFEST).u32(FORMAT).u32(id.epoch).u16(id.partner).u64(id.sequence);
    writer.finish()
}

/// The additional data of a row.
fn row_data(key: Key) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(label::STORE_ROW).u32(FORMAT).bytes(&key.to_bytes());
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;
    use crate::store::{Row, Span};
    use crate::tag::Tag;

    fn batch(rows: u32) -> Batch {
        let row = |number: u32| {
            let mut tag = [0; 16];
            tag[..4].copy_from_slice(&number.to_be_bytes());
            Row { tag: Tag(tag), span: Span { first: Day(1), last: Day(2) } }
        };
        let rows = (0..rows).map(row).collect();
        Batch { id: BatchId { epoch: 1, partner: 2, sequence: 3 }, part: None, rows }
    }

    fn manifest(length: u64, sealed: &[Vec<u8>]) -> Manifest {
        let chunks = sealed.iter().zip(0..).map(|(chunk, blob)| Chunk { blob, tag: tag_of(chunk).unwrap() });
        Manifest { length, chunks: chunks.collect() }
    }

    #[test]
    fn chunks_fill_their_pages() {
        let bytes = vec![7; 1 << 20];
        for length in (0..2_000).map(|n| n * 131).chain([room(4), room(8), room(16), room(64), room(64) + 1]) {
            let pieces = pieces(&bytes[..length]);
            assert_eq!(pieces.iter().map(|piece| piece.len()).sum::<usize>(), length);
            assert!(pieces.iter().all(|piece| (1..=room(64)).contains(&piece.len())), "{length}");
            let pages = pieces.iter().map(|piece| (piece.len() + 92).next_power_of_two().max(4 << 10)).sum::<usize>();
            // A batch of a few rows takes a page whatever it is.
            assert!(pages <= length + length / 7 + (4 << 10) + 92 * pieces.len(), "{length}: {pages}");
            assert!(pieces.len() <= length / room(64) + 5, "{length}: {}", pieces.len());
        }
    }

    /// What a page of so many KiB has for a piece.
    fn room(page: usize) -> usize {
        (page << 10) - 64 - OVERHEAD
    }

    #[test]
    fn a_batch_comes_back_from_its_chunks_only_under_its_key_and_its_name() {
        let sealer = Sealer::new(&Key32::from_bytes([7; 32]));
        let batch = batch(10_000);
        let (length, sealed) = sealer.chunks(&batch).unwrap();
        assert_eq!((sealed.len(), sealed[0].len()), (3, CHUNK));
        let manifest = manifest(length, &sealed);
        let open = |sealer: &Sealer, id| sealer.batch(id, &manifest, |blob| Ok(sealed[blob as usize].clone()));
        assert!(open(&sealer, batch.id).unwrap() == batch);
        for other in
            [BatchId { epoch: 2, ..batch.id }, BatchId { partner: 1, ..batch.id }, BatchId { sequence: 4, ..batch.id }]
        {
            assert_eq!(open(&sealer, other).err().unwrap().code(), "store_damaged");
        }
        let other = Sealer::new(&Key32::from_bytes([8; 32]));
        assert_eq!(open(&other, batch.id).err().unwrap().code(), "store_damaged");
    }

    #[test]
    fn a_chunk_in_the_place_of_another_is_noticed() {
        let sealer = Sealer::new(&Key32::from_bytes([7; 32]));
        let batch = batch(10_000);
        let (length, sealed) = sealer.chunks(&batch).unwrap();
        let (_, older) = sealer.chunks(&batch).unwrap();
        assert_ne!(sealed, older, "nonces are fresh");
        let mut whole = manifest(length, &sealed);
        let with = |blobs: [&Vec<u8>; 3]| {
            sealer.batch(batch.id, &whole, |blob| Ok(blobs[blob as usize].clone())).map(|_| ()).map_err(|e| e.code())
        };
        assert_eq!(with([&sealed[0], &sealed[1], &sealed[2]]), Ok(()));
        assert_eq!(with([&sealed[1], &sealed[0], &sealed[2]]), Err("store_damaged"));
        assert_eq!(with([&older[0], &sealed[1], &sealed[2]]), Err("store_damaged"), "an older chunk of the same name");
        whole.chunks.pop();
        let short = sealer.batch(batch.id, &whole, |blob| Ok(sealed[blob as usize].clone()));
        assert_eq!(short.err().unwrap().code(), "store_damaged");
    }

    /// Frozen: another order of the fields, or another width, is another format.
    #[test]
    fn manifests_and_additional_data_are_these_bytes() {
        let manifest = Manifest { length: 0x11, chunks: vec![Chunk { blob: 0x12, tag: [0x13; 16] }] };
        let bytes = [
            &[1][..],
            &[0x11, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[0x12, 0, 0, 0, 0, 0, 0, 0],
            &[0x13; 16],
        ]
        .concat();
        let read_manifest = |bytes: &[u8]| read_record::<Manifest>(bytes, MANIFEST_VERSION);
        assert_eq!(write_record(Vec::new(), MANIFEST_VERSION, &manifest), bytes);
        assert_eq!(read_manifest(&bytes), Ok(manifest));
        assert!(read_manifest(&[&[2], &bytes[1..]].concat()).is_err());
        assert!(read_manifest(&[&bytes[..], &[0]].concat()).is_err());
        (0..bytes.len()).for_each(|length| assert!(read_manifest(&bytes[..length]).is_err()));
        let id = BatchId { epoch: 0x21, partner: 0x22, sequence: 0x23 };
        let named = [&[1, 0, 0, 0][..], &[0x21, 0, 0, 0], &[0x22, 0], &[0x23, 0, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(manifest_data(&id), [&label::STORE_MANIFEST[..], &named].concat());
        let chunk = [&label::STORE_CHUNK[..], &named, &[0x24, 0, 0, 0, 0x25, 0, 0, 0]].concat();
        assert_eq!(chunk_data(&id, 0x24, 0x25), chunk);
        let row = [&label::STORE_ROW[..], &[1, 0, 0, 0], &[13, 0, 0, 0, 0x21, 0, 0x22]].concat();
        assert_eq!(row_data(Key::PutForward(0x21, 0x22)), row);
    }

    #[test]
    fn a_row_comes_back_only_under_its_key_and_its_name() {
        let sealer = Sealer::new(&Key32::from_bytes([7; 32]));
        let key = Key::PutForward(1, 2);
        let sealed = sealer.seal_row(key, b"a row").unwrap();
        assert_eq!(sealer.open_row(key, sealed.clone()).unwrap(), b"a row");
        for other in [Key::PutForward(2, 2), Key::PutForward(1, 3), Key::Entries(1, 2)] {
            assert_eq!(sealer.open_row(other, sealed.clone()).unwrap_err().code(), "store_damaged");
        }
        let other = Sealer::new(&Key32::from_bytes([8; 32]));
        assert_eq!(other.open_row(key, sealed.clone()).unwrap_err().code(), "store_damaged");
        assert!(!sealed.windows(5).any(|window| window == b"a row"));
    }

    #[test]
    fn manifests_come_back_whole_or_not_at_all() {
        let sealer = Sealer::new(&Key32::from_bytes([7; 32]));
        let id = batch(0).id;
        let manifest = Manifest { length: 5, chunks: vec![Chunk { blob: 9, tag: [1; 16] }] };
        let sealed = sealer.seal_manifest(&id, &manifest).unwrap();
        assert_eq!(sealer.open_manifest(&id, sealed.clone()).unwrap(), manifest);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(sealer.open_manifest(&id, flipped).unwrap_err().code(), "store_damaged");
            assert_eq!(sealer.open_manifest(&id, sealed[..at].to_vec()).unwrap_err().code(), "store_damaged");
        }
    }
}

//! The store against a model, on disks that crash, fail, and rot.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use redb::{ReadableDatabase, ReadableTable};

use super::disk::Disk;
use super::seal::{CHUNK, pieces};
use super::simulated::{Crash, Left, Random};
use super::tables::{ABOUT, BLOBS, FLAGS, FORMAT, LEDGER};
use super::*;
use crate::day::Day;
use crate::secret::Key32;
use crate::system::SystemError;
use crate::tag::Tag;

/// A key for each epoch, and none for epoch 99.
struct Keys;

impl BlobKeys for Keys {
    fn blob_key(&self, epoch: u32) -> Result<Arc<Key32>, StoreError> {
        if epoch == 99 {
            return Err(SystemError::Random.into());
        }
        Ok(Arc::new(Key32::from_bytes([epoch as u8 + 1; 32])))
    }
}

fn keys() -> Arc<dyn BlobKeys> {
    Arc::new(Keys)
}

/// All that a store shows.
#[derive(PartialEq)]
struct Contents {
    rows: Vec<(Key, Vec<u8>)>,
    batches: Vec<Batch>,
    leaves: Vec<[u8; 32]>,
    lines: Vec<(u64, Vec<u8>)>,
}

fn contents(store: &dyn Store) -> Result<Contents, StoreError> {
    let (mut batches, mut lines) = (Vec::new(), Vec::new());
    store.batches(&mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    loop {
        let from = lines.last().map_or(0, |(last, _): &(u64, Vec<u8>)| last + 1);
        let more = store.lines(from..u64::MAX)?;
        if more.is_empty() {
            break;
        }
        lines.extend(more);
    }
    Ok(Contents { rows: store.rows()?, batches, leaves: store.leaves()?, lines })
}

fn batch(id: BatchId, rows: u64, random: &mut Random) -> Batch {
    let mut tags: Vec<[u8; 16]> =
        (0..rows).map(|_| ((u128::from(random.next()) << 64) | u128::from(random.next())).to_be_bytes()).collect();
    tags.sort_unstable();
    let row = |tag| {
        let span = Span { first: Day(random.below(3) as u16), last: Day(20_000 + random.below(9) as u16) };
        Row { tag: Tag(tag), span }
    };
    Batch { id, part: None, rows: tags.into_iter().map(row).collect() }
}

fn whole(batch: Batch) -> Staged {
    Staged::Whole(Arc::new(batch))
}

/// A change that is a little of everything: rows, log lines, new batches, removals, merged sets.
fn change(model: &Contents, number: u64, random: &mut Random) -> Change {
    let (epoch, partner) = (1 + random.below(2) as u32, 1 + random.below(3) as u16);
    let mut change = Change::default();
    let bytes = |random: &mut Random| (0..random.below(200)).map(|_| random.next() as u8).collect::<Vec<u8>>();
    for _ in 0..random.below(3) {
        let sealed = Key::PutForward(epoch, partner);
        let key = [Key::Policy, Key::Partner(partner), Key::Epoch(epoch), Key::Share(epoch, partner), sealed];
        let value = (random.below(4) > 0).then(|| bytes(random));
        change.rows.push((key[random.below(5) as usize], value));
    }
    for index in 0..random.below(3) {
        let index = model.leaves.len() as u64 + index;
        change.lines.push(Line { index, bytes: bytes(random), leaf: [random.next() as u8; 32] });
    }
    if random.below(8) == 0 {
        change.prune = Some(random.below(model.leaves.len() as u64 / 2 + 1));
    }
    let mine: Vec<BatchId> = model.batches.iter().map(|batch| batch.id).filter(|id| id.epoch == epoch).collect();
    match random.below(4) {
        0 if mine.len() > 2 => {
            // A merged set: the base takes the place and the name of the last.
            change.removed = mine.clone();
            change.added.push(whole(batch(mine[mine.len() - 1], 300, random)));
        }
        1 => change.removed.extend(mine.first()),
        2 => change.added.push(whole(batch(BatchId { epoch, partner, sequence: number }, 9_000, random))),
        _ => {
            let rows = random.below(100);
            change.added.push(whole(batch(BatchId { epoch, partner, sequence: number }, rows, random)));
        }
    }
    change
}

#[test]
fn keys_come_back_in_their_order() {
    let keys = [
        Key::Format,
        Key::Policy,
        Key::Partner(1),
        Key::Partner(300),
        Key::Epoch(1),
        Key::Share(1, 2),
        Key::Share(256, 1),
        Key::LogCounts,
        Key::Checkpoint(Day(1)),
        Key::Restored,
        Key::Unpurged,
        Key::Silence,
        Key::Introduced,
        Key::PutForward(1, 2),
        Key::Asked(1),
        Key::Conversations(1, 2),
        Key::Mailbox(2),
        Key::Entries(1, 2),
        Key::Notes(2, 3),
        Key::LastTalk(1, 2),
        Key::Year(2026, 2),
    ];
    assert!(keys.is_sorted() && keys.map(Key::to_bytes).is_sorted());
    for key in keys {
        assert_eq!(Key::from_bytes(key.to_bytes()), Some(key));
    }
    assert_eq!(Key::from_bytes([0, 0, 0, 0, 1, 0, 0]), None);
    assert_eq!(Key::from_bytes([9; 7]), None);
    for kind in [18, 20] {
        assert_eq!(Key::from_bytes([kind, 0, 1, 0, 0, 0, 1]), None, "three bytes for two");
    }
}

#[test]
fn both_stores_keep_the_same_and_still_do_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(1);
    let model = MemoryStore::default();
    let mut store = DurableStore::create(folder.path(), keys()).unwrap();
    for number in 0..120 {
        let mut change = change(&contents(&model).unwrap(), number, &mut random);
        model.commit(&change).unwrap();
        if number % 3 == 0 {
            for added in &mut change.added {
                let Staged::Whole(batch) = added else { panic!("it is staged already") };
                *added = store.stage(batch).unwrap();
            }
        }
        store.commit(&change).unwrap();
        if number % 20 == 0 {
            drop(store);
            store = DurableStore::open(folder.path(), keys()).unwrap();
        }
        if number % 30 == 0 {
            store.purge().unwrap();
        }
    }
    let model = contents(&model).unwrap();
    let (batches, lines, leaves) = (model.batches.len(), model.lines.len(), model.leaves.len());
    assert!(batches > 2 && lines > 20 && lines < leaves, "{batches} {lines} {leaves}");
    assert!(contents(&store).unwrap() == model);
    let end = model.leaves.len() as u64;
    assert!(store.lines(end - 5..end).unwrap().into_iter().map(|line| line.0).eq(end - 5..end));
}

#[test]
fn what_was_staged_and_let_go_of_leaves_nothing() {
    let disk = SimDisk::default();
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let id = BatchId { epoch: 1, partner: 1, sequence: 1 };
    let batches = [2, 3].map(|seed| batch(id, 9_000, &mut Random(seed)));
    let chunks = batches.each_ref().map(|batch| pieces(&batch.encode()).len());
    assert!(chunks.iter().all(|chunks| *chunks > 2));
    let staged = store.stage(&batches[0]).unwrap();
    let count = |disk: &SimDisk| blobs(disk).len();
    assert_eq!(count(&disk), chunks[0]);
    drop(staged);
    store.purge().unwrap();
    assert_eq!(count(&disk), 0);
    drop(store.stage(&batches[1]).unwrap());
    drop(store);
    assert_eq!(count(&disk), chunks[1], "dropped when it is opened again");
    DurableStore::open_on(Arc::new(disk.clone()), keys()).unwrap();
    assert_eq!(count(&disk), 0);
}

#[test]
fn a_line_that_does_not_follow_is_refused_with_all_that_came_with_it() {
    let disk = SimDisk::default();
    let durable = DurableStore::create_on(Arc::new(disk), keys()).unwrap();
    let line = |index| Line { index, bytes: vec![index as u8], leaf: [index as u8; 32] };
    let lines = |indices: &[u64]| Change {
        lines: indices.iter().map(|index| line(*index)).collect(),
        rows: vec![(Key::Policy, Some(vec![indices.len() as u8]))],
        ..Change::default()
    };
    for store in [&MemoryStore::default() as &dyn Store, &durable] {
        store.commit(&lines(&[0, 1])).unwrap();
        for wrong in [[1, 2].as_slice(), &[3], &[2, 4], &[0]] {
            assert_eq!(store.commit(&lines(wrong)).unwrap_err().code(), "store");
        }
        store.commit(&lines(&[2])).unwrap();
        assert_eq!(store.leaves().unwrap(), [[0; 32], [1; 32], [2; 32]]);
        assert_eq!(store.rows().unwrap(), [(Key::Policy, vec![1])]);
    }
    let (fine, wrong) = (durable.submit(lines(&[3])).unwrap(), durable.submit(lines(&[5])).unwrap());
    assert!(durable.wait(fine).is_err() && durable.wait(wrong).is_err(), "what shares a write shares its fate");
    durable.commit(&lines(&[3])).unwrap();
}

#[test]
fn many_threads_share_writes_and_lose_nothing() {
    let disk = SimDisk::default();
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let sequence = AtomicU64::new(0);
    thread::scope(|scope| {
        for partner in 1..=8 {
            let (store, sequence) = (&store, &sequence);
            scope.spawn(move || {
                let mut random = Random(partner.into());
                for _ in 0..25 {
                    let id = BatchId { epoch: 1, partner, sequence: sequence.fetch_add(1, Ordering::Relaxed) };
                    let added = vec![store.stage(&batch(id, 50, &mut random)).unwrap()];
                    let rows = vec![(Key::Partner(partner), Some(id.sequence.to_le_bytes().to_vec()))];
                    store.commit(&Change { added, rows, ..Change::default() }).unwrap();
                }
            });
        }
        scope.spawn(|| (0..5).for_each(|_| assert!(store.purge().is_ok() && contents(&store).is_ok())));
    });
    let kept = contents(&store).unwrap();
    drop(store);
    let store = DurableStore::open_on(Arc::new(disk), keys()).unwrap();
    assert!(contents(&store).unwrap() == kept);
    assert_eq!(kept.batches.len(), 200);
    for (key, value) in kept.rows {
        let Key::Partner(partner) = key else { panic!("{key:?}") };
        let last = kept.batches.iter().map(|batch| batch.id).filter(|id| id.partner == partner).max().unwrap();
        assert_eq!(value, last.sequence.to_le_bytes());
    }
}

#[test]
fn changes_that_wait_are_kept_with_one_write_in_the_order_they_came() {
    let disk = SimDisk::default();
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let change = |value| Change { rows: vec![(Key::Policy, Some(vec![value]))], ..Change::default() };
    let tickets: Vec<Ticket> = (0..50).map(|value| store.submit(change(value)).unwrap()).collect();
    let before = disk.syncs();
    tickets.into_iter().for_each(|ticket| store.wait(ticket).unwrap());
    assert_eq!(disk.syncs() - before, 2, "two phases of one commit");
    assert_eq!(store.rows().unwrap(), [(Key::Policy, vec![49])]);
}

#[test]
fn after_a_crash_at_any_sync_all_that_was_told_is_there_and_nothing_else() {
    let mut random = Random(11);
    let disk = SimDisk::default();
    let model = MemoryStore::default();
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let mut told = vec![contents(&model).unwrap()];
    disk.record();
    for number in 0..60 {
        if number % 9 == 5 {
            store.purge().unwrap();
        }
        let change = change(&told[told.len() - 1], number, &mut random);
        model.commit(&change).unwrap();
        told.push(contents(&model).unwrap());
        store.commit(&change).unwrap();
        disk.mark(told.len() - 1);
    }
    drop(store);
    let crashes = disk.recorded();
    assert!(crashes.len() > 200, "{}", crashes.len());
    let later = survived(&crashes, &told, &mut random);
    assert!(later > 10, "the last sync of a commit was never the one that crashed");
}

#[test]
fn a_crash_between_the_pieces_of_a_large_batch_leaves_all_or_nothing_of_it() {
    let mut random = Random(12);
    let disk = SimDisk::default();
    let model = MemoryStore::default();
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let mut told = vec![contents(&model).unwrap()];
    disk.record();
    let mut syncs = Vec::new();
    for (sequence, rows) in [(1, 10), (2, 40_000), (3, 40_000), (4, 40_000)] {
        let id = BatchId { epoch: 1, partner: 1, sequence };
        let change = Change { added: vec![whole(batch(id, rows, &mut random))], ..Change::default() };
        model.commit(&change).unwrap();
        told.push(contents(&model).unwrap());
        let before = disk.syncs();
        store.commit(&change).unwrap();
        syncs.push(disk.syncs() - before);
        disk.mark(told.len() - 1);
        if sequence == 3 {
            // Writes all of them again.
            store.purge().unwrap();
        }
    }
    drop(store);
    assert!(syncs[1..].iter().all(|large| *large >= syncs[0] + 2), "{syncs:?}: not written in pieces");
    survived(&disk.recorded(), &told, &mut random);
}

/// Opens what each crash leaves, and gives how often that held what was just being written.
fn survived(crashes: &[Crash], told: &[Contents], random: &mut Random) -> usize {
    let mut later = 0;
    for (at, crash) in crashes.iter().enumerate() {
        for left in [Left::Nothing, Left::Everything, Left::Some, Left::Some, Left::Torn] {
            let left_over = crash.disk(left, random);
            let store = DurableStore::open_on(Arc::new(left_over.clone()), keys());
            let store = store.unwrap_or_else(|error| panic!("{at} {left:?}: {error}"));
            let found = contents(&store).unwrap();
            // What was being written when it crashed may be there, but whole.
            let whole = found == told[crash.mark];
            let next = told.get(crash.mark + 1).is_some_and(|next| found == *next);
            later += usize::from(next && !whole);
            assert!(whole || next, "{at} {left:?}");
            assert!(!left_over.exists("flags.redb.new") && !left_over.exists("ledger.redb.new"));
            store.commit(&Change { rows: vec![(Key::Format, Some(vec![1]))], ..Change::default() }).unwrap();
        }
    }
    later
}

#[test]
fn a_damaged_byte_never_shows_other_contents() {
    let mut random = Random(21);
    let disk = SimDisk::default();
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let model = MemoryStore::default();
    for number in 0..12 {
        let change = change(&contents(&model).unwrap(), number, &mut random);
        model.commit(&change).unwrap();
        store.commit(&change).unwrap();
    }
    // So that what was before the last commit is other contents.
    let rows = vec![(Key::Policy, Some(vec![7; 1_000])), (Key::Partner(9), Some(vec![8; 1_000]))];
    let lines = vec![Line { index: store.leaves().unwrap().len() as u64, bytes: vec![9; 1_000], leaf: [9; 32] }];
    let last = Change { rows, lines, ..Change::default() };
    model.commit(&last).unwrap();
    store.commit(&last).unwrap();
    let model = contents(&model).unwrap();
    // As a crash leaves it, and as it is when it was closed.
    let files = |disk: &SimDisk| [FLAGS, LEDGER].map(|name| (name, disk.bytes(name)));
    let crashed = files(&disk);
    drop(store);
    let closed = files(&disk);
    let mut refused = 0;
    let mut total = 0;
    for (state, sound) in [("closed", closed), ("crashed", crashed)] {
        let up_to = |length: [usize; 2]| (0..2).flat_map(move |file| (0..length[file]).map(move |at| (file, at)));
        let lengths = sound.each_ref().map(|(_, bytes)| bytes.len());
        let every = std::env::var_os("STAPEL_EVERY_BYTE").is_some();
        let mut places: Vec<(usize, usize)> = up_to(if every { lengths } else { [320; 2] }).collect();
        let samples = if every { 0 } else { 2_000 };
        places.extend((0..samples).map(|_| {
            let file = random.below(2) as usize;
            (file, random.below(lengths[file] as u64) as usize)
        }));
        for (file, at) in places {
            let masks: Vec<u8> =
                if at == 9 { (0..8).map(|bit| 1 << bit).collect() } else { vec![1 << random.below(8)] };
            for mask in masks {
                let mut files = sound.clone();
                files[file].1[at] ^= mask;
                let store = DurableStore::open_on(Arc::new(SimDisk::of(&files)), keys());
                total += 1;
                match store.and_then(|store| contents(&store)) {
                    Ok(found) => assert!(found == model, "{state} {file} {at} {mask}"),
                    Err(StoreError::StoreDamaged { .. } | StoreError::StoreFormat { .. }) => refused += 1,
                    Err(other) => panic!("{state} {file} {at} {mask}: {other}"),
                }
            }
        }
    }
    assert!(refused > 500 && refused < total, "{refused} of {total}");
}

#[test]
fn a_file_cut_short_or_emptied_is_refused() {
    let disk = SimDisk::default();
    drop(small_store(&disk));
    let sound = [FLAGS, LEDGER].map(|name| (name, disk.bytes(name)));
    for file in 0..2 {
        for length in [0, 1, 100, 319, 320, 4096, 5000, sound[file].1.len() / 2, sound[file].1.len() - 1] {
            let mut files = sound.clone();
            files[file].1.truncate(length);
            let error = DurableStore::open_on(Arc::new(SimDisk::of(&files)), keys()).err().unwrap();
            assert_eq!(error.code(), "store_damaged", "{file} {length} {error}");
        }
        let mut files = sound.clone();
        files[file].1 = b"not a store at all".repeat(1000);
        let error = DurableStore::open_on(Arc::new(SimDisk::of(&files)), keys()).err().unwrap();
        assert_eq!(error.code(), "store_damaged");
    }
}

#[test]
fn a_disk_that_fails_at_any_write_leaves_the_store_as_it_was_and_readable() {
    for kind in [ErrorKind::StorageFull, ErrorKind::ReadOnlyFilesystem, ErrorKind::Other] {
        let mut random = Random(31);
        let disk = SimDisk::default();
        let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
        let model = MemoryStore::default();
        let (mut failed, mut kept) = (0, 0);
        for number in 0..120 {
            let before = contents(&model).unwrap();
            let change = change(&before, number, &mut random);
            disk.fail(number % 40, kind);
            let committed = store.commit(&change);
            match &committed {
                Ok(()) => {
                    kept += 1;
                    model.commit(&change).unwrap();
                }
                Err(error) => {
                    failed += 1;
                    assert_eq!(error.code(), "store");
                    let sentence = error.to_string();
                    let says = match kind {
                        ErrorKind::StorageFull => "the disk is full; nothing of this was kept: make room",
                        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
                        _ => "the disk failed",
                    };
                    assert!(sentence.contains(says), "{sentence}");
                }
            }
            // While it fails, it can be read.
            assert!(contents(&store).unwrap() == contents(&model).unwrap(), "{kind} {number}");
            disk.heal();
            if number % 10 == 0 {
                disk.fail(random.below(60), kind);
                let purged = store.purge();
                assert!(purged.is_ok() || disk.heal(), "{kind} {number}");
                disk.heal();
            }
            if committed.is_err() {
                assert!(contents(&store).unwrap() == before);
                // The same again, on a disk that works.
                store.commit(&change).unwrap_or_else(|error| panic!("{kind} {number} {error}"));
                model.commit(&change).unwrap();
            }
        }
        assert!(failed > 20 && kept > 20, "{failed} {kept}");
        drop(store);
        let store = DurableStore::open_on(Arc::new(disk), keys()).unwrap();
        assert!(contents(&store).unwrap() == contents(&model).unwrap());
    }
}

#[test]
fn purging_leaves_nothing_of_what_was_removed() {
    let mut there_before = 0;
    let layouts = if std::env::var_os("STAPEL_EVERY_BYTE").is_some() { 300 } else { 30 };
    for layout in 0..layouts {
        let mut random = Random(1000 + u64::from(layout));
        let disk = SimDisk::default();
        let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
        let model = MemoryStore::default();
        let mut sealed: Vec<Vec<u8>> = Vec::new();
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for number in 0..15 + random.below(10) {
            let change = change(&contents(&model).unwrap(), number, &mut random);
            model.commit(&change).unwrap();
            store.commit(&change).unwrap();
            sealed.extend(blobs(&disk).into_iter().map(|blob| blob.1));
            rows.extend(change.rows.into_iter().filter_map(|row| row.1));
            rows.extend(change.lines.into_iter().map(|line| line.bytes));
        }
        let before = [FLAGS, LEDGER].map(|name| disk.bytes(name));
        let purged = store.purge().unwrap();
        let live: Vec<Vec<u8>> = blobs(&disk).into_iter().map(|blob| blob.1).collect();
        let shown = contents(&store).unwrap();
        assert!(shown == contents(&model).unwrap());
        let chunks = |batch: &Batch| pieces(&batch.encode()).len();
        assert_eq!(live.len(), shown.batches.iter().map(chunks).sum::<usize>());
        let after = [FLAGS, LEDGER].map(|name| disk.bytes(name));
        assert_eq!(purged.before, before.iter().map(|file| file.len() as u64).sum::<u64>());
        assert_eq!(purged.after, after.iter().map(|file| file.len() as u64).sum::<u64>());
        // Every piece of 16 bytes of what went, anywhere in the files that are.
        let gone: HashSet<&[u8]> =
            sealed.iter().filter(|blob| !live.contains(blob)).flat_map(|blob| blob.chunks_exact(16)).collect();
        let shows = |files: &[Vec<u8>; 2]| files.iter().any(|file| file.windows(16).any(|piece| gone.contains(piece)));
        there_before += u32::from(shows(&before));
        assert!(!shows(&after), "layout {layout}");
        let mut live_rows: Vec<&Vec<u8>> = shown.rows.iter().map(|row| &row.1).collect();
        live_rows.extend(shown.lines.iter().map(|line| &line.1));
        for row in rows.iter().filter(|row| row.len() >= 16 && !live_rows.contains(row)) {
            assert!(!after[1].windows(row.len()).any(|piece| piece == row.as_slice()), "layout {layout}");
        }
    }
    assert!(there_before * 10 >= layouts * 7, "only {there_before} of {layouts} layouts had anything to purge");
}

#[test]
fn another_format_is_refused_before_anything_is_written() {
    let disk = SimDisk::default();
    drop(small_store(&disk));
    for format in [FORMAT + 1, 0, u32::MAX] {
        let files = [FLAGS, LEDGER].map(|name| (name, disk.bytes(name)));
        let other = SimDisk::of(&files);
        let ledger = file::open(&other, LEDGER, None).unwrap();
        let write = ledger.begin_write().unwrap();
        write.open_table(ABOUT).unwrap().insert("format", format.to_le_bytes().as_slice()).unwrap();
        write.commit().unwrap();
        drop(ledger);
        let before = [FLAGS, LEDGER].map(|name| other.bytes(name));
        let error = DurableStore::open_on(Arc::new(other.clone()), keys()).err().unwrap();
        assert!(matches!(error, StoreError::StoreFormat { found, known: FORMAT } if found == format), "{error}");
        assert!(before == [FLAGS, LEDGER].map(|name| other.bytes(name)));
    }
}

/// A frozen store: until v0.1.0 the commit that changes a stored form makes it anew, as tests/stores.rs says.
const FROZEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/v1");

#[test]
fn a_frozen_store_opens() {
    if std::env::var_os("STAPEL_KEEP_STORE").is_some() {
        let disk = SimDisk::default();
        let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
        write_frozen(&store);
        drop(store);
        for name in [FLAGS, LEDGER] {
            std::fs::write(Path::new(FROZEN).join(name), disk.bytes(name)).unwrap();
        }
    }
    let files = [FLAGS, LEDGER].map(|name| (name, std::fs::read(Path::new(FROZEN).join(name)).unwrap()));
    let store = DurableStore::open_on(Arc::new(SimDisk::of(&files)), keys()).unwrap();
    let model = MemoryStore::default();
    write_frozen(&model);
    let model = contents(&model).unwrap();
    assert_eq!((model.rows.len(), model.batches.len(), model.lines.len(), model.leaves.len()), (6, 3, 5, 8));
    assert!(contents(&store).unwrap() == model);
    store.commit(&Change { rows: vec![(Key::Policy, None)], ..Change::default() }).unwrap();
    store.purge().unwrap();
}

/// What is in the frozen store. It must never change.
fn write_frozen(store: &dyn Store) {
    let batch = |partner: u16, sequence: u64, part, rows: u32| {
        let row = |number: u32| {
            let mut tag = [partner as u8; 16];
            tag[..4].copy_from_slice(&number.to_be_bytes());
            let span = Span { first: Day(20_000 + (number % 5) as u16), last: Day(20_100 + (number % 7) as u16) };
            Row { tag: Tag(tag), span }
        };
        Batch { id: BatchId { epoch: 1, partner, sequence }, part, rows: (0..rows).map(row).collect() }
    };
    let line = |index: u64| Line { index, bytes: format!("line {index}").into_bytes(), leaf: [index as u8; 32] };
    let keys =
        [Key::Format, Key::Policy, Key::Partner(1), Key::Partner(2), Key::Epoch(1), Key::Share(1, 1), Key::Share(1, 2)];
    let rows = keys.iter().zip(1..).map(|(key, value)| (*key, Some(vec![value; 50]))).collect();
    let added = [batch(1, 1, Some((1, 2)), 5_000), batch(1, 2, Some((2, 2)), 1), batch(2, 1, None, 10)];
    let added = added.map(whole).into();
    store.commit(&Change { rows, added, lines: (0..5).map(line).collect(), ..Change::default() }).unwrap();
    let change = Change {
        rows: vec![(Key::Share(1, 2), None), (Key::Policy, Some(vec![9]))],
        removed: vec![batch(1, 2, None, 0).id, batch(2, 1, None, 0).id],
        added: [batch(2, 1, Some((1, 1)), 30), batch(2, 3, None, 0)].map(whole).into(),
        lines: (5..8).map(line).collect(),
        prune: Some(3),
    };
    store.commit(&change).unwrap();
}

#[test]
fn a_store_that_is_missing_or_partly_missing_or_held_or_mixed_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let refused = |path: &Path, says: &str| {
        let error = DurableStore::open(path, keys()).err().unwrap();
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(&path, "there is no store: make one first");
    refused(folder.path(), "there is no store: make one first");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written where there is no store");
    let held = DurableStore::create(&path, keys()).unwrap();
    refused(&path, "is in use");
    let error = DurableStore::create(&path, keys()).err().unwrap();
    assert_eq!(error.code(), "folder_in_use");
    drop(held);
    std::fs::remove_file(path.join("lock")).unwrap();
    drop(DurableStore::open(&path, keys()).expect("a copy made by other means may lack the lock's file"));
    let error = DurableStore::create(&path, keys()).err().unwrap();
    assert!(error.to_string().contains("it exists already; nothing was changed"), "{error}");
    let other = folder.path().join("other");
    drop(DurableStore::create(&other, keys()).unwrap());
    for name in [FLAGS, LEDGER] {
        std::fs::rename(path.join(name), folder.path().join("aside")).unwrap();
        refused(&path, "it is missing: restore the store from a backup");
        refused(&path, name);
        std::fs::copy(other.join(name), path.join(name)).unwrap();
        refused(&path, "flags.redb and ledger.redb are not of one store; compare the keys with their copy: put");
        std::fs::rename(folder.path().join("aside"), path.join(name)).unwrap();
    }
    DurableStore::open(&path, keys()).unwrap();
}

#[test]
fn a_batch_under_a_key_that_is_gone_is_an_error() {
    struct Gone;
    impl BlobKeys for Gone {
        fn blob_key(&self, _: u32) -> Result<Arc<Key32>, StoreError> {
            Err(StoreError::StoreDamaged { finding: "no key" })
        }
    }
    let disk = SimDisk::default();
    let store = small_store(&disk);
    let id = BatchId { epoch: 99, partner: 1, sequence: 1 };
    let added = vec![whole(batch(id, 1, &mut Random(1)))];
    assert_eq!(store.commit(&Change { added, ..Change::default() }).unwrap_err().code(), "random");
    drop(store);
    assert_eq!(DurableStore::open_on(Arc::new(disk), Arc::new(Gone)).err().unwrap().code(), "store_damaged");
}

#[test]
fn what_is_sealed_of_an_epoch_whose_keys_were_destroyed_is_dropped() {
    struct Destroyed;
    impl BlobKeys for Destroyed {
        fn blob_key(&self, epoch: u32) -> Result<Arc<Key32>, StoreError> {
            if epoch == 1 { Err(SystemError::Random.into()) } else { Keys.blob_key(epoch) }
        }

        fn is_destroyed(&self, epoch: u32) -> bool {
            epoch == 1
        }
    }
    let disk = SimDisk::default();
    let store = small_store(&disk);
    let id = |epoch| BatchId { epoch, partner: 1, sequence: 100 };
    let added = [1, 2].map(|epoch| whole(batch(id(epoch), 9_000, &mut Random(epoch.into())))).into();
    let rows = [1, 2].map(|epoch| (Key::PutForward(epoch, 1), Some(b"what is put forward".to_vec()))).into();
    store.commit(&Change { rows, added, ..Change::default() }).unwrap();
    let before = contents(&store).unwrap();
    drop(store);
    assert!(!disk.bytes(LEDGER).windows(19).any(|window| window == b"what is put forward"));
    for keys in [Arc::new(Destroyed) as Arc<dyn BlobKeys>, keys()] {
        let store = DurableStore::open_on(Arc::new(disk.clone()), keys).unwrap();
        let after = contents(&store).unwrap();
        let others: Vec<_> = before.batches.iter().filter(|batch| batch.id.epoch != 1).map(|batch| batch.id).collect();
        assert!(!others.is_empty() && after.batches.iter().map(|batch| batch.id).eq(others));
        let rows: Vec<_> = before.rows.iter().filter(|(key, _)| key.sealed_in() != Some(1)).cloned().collect();
        assert!(
            rows.len() < before.rows.len() && rows.contains(&(Key::PutForward(2, 1), b"what is put forward".into()))
        );
        assert!(after.rows == rows && after.lines == before.lines);
    }
}

#[test]
fn a_backup_of_a_running_store_is_the_store_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = DurableStore::create(&folder.path().join("store"), keys()).unwrap();
    let commit = |number: u64| {
        let id = BatchId { epoch: 1, partner: 1, sequence: number };
        let added = vec![whole(batch(id, 3_000, &mut Random(number)))];
        let removed = number.checked_sub(3).map(|sequence| BatchId { sequence, ..id }).into_iter().collect();
        let rows = vec![(Key::Policy, Some(number.to_le_bytes().to_vec()))];
        let lines = vec![Line { index: number, bytes: vec![7; 100], leaf: [number as u8; 32] }];
        store.commit(&Change { rows, added, removed, lines, ..Change::default() }).unwrap();
    };
    commit(0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| (1..60).for_each(commit));
        for number in 0..6 {
            let to = folder.path().join(format!("backup-{number}"));
            store.backup(&to).unwrap();
            assert_eq!(store.backup(&to).unwrap_err().code(), "store");
            let copy = contents(&DurableStore::open(&to, keys()).unwrap()).unwrap();
            let last = u64::from_le_bytes(copy.rows[0].1.as_slice().try_into().unwrap());
            assert!(copy.batches.iter().map(|batch| batch.id.sequence).eq(last.saturating_sub(2)..=last));
            assert_eq!(copy.leaves.len() as u64, last + 1);
            for batch in copy.batches {
                assert!(batch == tests::batch(batch.id, 3_000, &mut Random(batch.id.sequence)));
            }
        }
        writer.join().unwrap();
    });
    let names: Vec<_> =
        std::fs::read_dir(folder.path().join("backup-0")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "what was not tested is to be seen")]
fn a_small_file_system_that_fills_up_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(folder.path())
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("no small file system could be mounted here; the simulated one stands for it");
        return;
    }
    let unmount = Unmount(folder.path());
    let path = folder.path().join("store");
    let store = DurableStore::create(&path, keys()).unwrap();
    let model = MemoryStore::default();
    let mut random = Random(5);
    let mut full = None;
    for sequence in 0..100 {
        let added = vec![whole(batch(BatchId { epoch: 1, partner: 1, sequence }, 3_000, &mut random))];
        let change = Change { added, rows: vec![(Key::Policy, Some(vec![sequence as u8]))], ..Change::default() };
        match store.commit(&change) {
            Ok(()) => model.commit(&change).unwrap(),
            Err(error) => {
                full = Some((error, change));
                break;
            }
        }
    }
    let (error, change) = full.expect("a megabyte fills up");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(contents(&store).unwrap() == contents(&model).unwrap());
    drop(store);
    remount(folder.path(), "remount,ro");
    let error = DurableStore::open(&path, keys()).err().unwrap();
    assert!(error.to_string().contains("the file system is read-only"), "{error}");
    remount(folder.path(), "remount,rw,size=8m");
    let store = DurableStore::open(&path, keys()).unwrap();
    assert!(contents(&store).unwrap() == contents(&model).unwrap());
    store.commit(&change).unwrap();
    drop(store);
    drop(unmount);
}

/// Ends a mount, also when its test fails.
struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn remount(path: &Path, options: &str) {
    let status = std::process::Command::new("mount").args(["-o", options]).arg(path).status();
    assert!(status.unwrap().success());
}

/// A store of a few changes, always the same.
fn small_store(disk: &SimDisk) -> DurableStore {
    let store = DurableStore::create_on(Arc::new(disk.clone()), keys()).unwrap();
    let model = MemoryStore::default();
    let mut random = Random(41);
    for number in 0..8 {
        let change = change(&contents(&model).unwrap(), number, &mut random);
        model.commit(&change).unwrap();
        store.commit(&change).unwrap();
    }
    store
}

/// The sealed chunks in the file.
fn blobs(disk: &SimDisk) -> Vec<(u64, Vec<u8>)> {
    let database = file::look_into(disk, FLAGS, None).unwrap();
    let read = database.begin_read().unwrap();
    let table = read.open_table(BLOBS).unwrap();
    let blobs: Vec<_> =
        table.iter().unwrap().map(|row| row.unwrap()).map(|(k, v)| (k.value(), v.value().to_vec())).collect();
    assert!(blobs.iter().all(|blob| blob.1.len() <= CHUNK));
    blobs
}

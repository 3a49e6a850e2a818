//! The store on disk, on disks that crash, fail, and rot.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use redb::{ReadableDatabase, ReadableTable};

use super::super::disk::Disk;
use super::super::file;
use super::super::seal::{CHUNK, pieces};
use super::super::simulated::{Crash, Left};
use super::super::tables::{ABOUT, BLOBS, FLAGS, FORMAT, LEDGER};
use super::*;

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

#[test]
fn what_shares_a_write_with_a_line_that_does_not_follow_shares_its_fate() {
    let store = SimDisk::default().create_store(keys()).unwrap();
    let line = |index| Change { lines: vec![Line { index, bytes: vec![7], leaf: [7; 32] }], ..Change::default() };
    let (fine, wrong) = (store.submit(line(0)).unwrap(), store.submit(line(2)).unwrap());
    assert!(store.wait(fine).is_err() && store.wait(wrong).is_err());
    store.commit(&line(0)).unwrap();
}

#[test]
fn a_row_that_tells_of_a_pseudonym_is_not_in_the_file_as_it_is() {
    let disk = SimDisk::default();
    let store = disk.create_store(keys()).unwrap();
    let row = b"what is put forward".to_vec();
    let rows = [Key::PutForward(1, 1), Key::Partner(1)].map(|key| (key, Some(row.clone())));
    let is_shown = |disk: &SimDisk| disk.bytes(LEDGER).windows(row.len()).any(|window| window == row);
    store.commit(&Change { rows: vec![rows[0].clone()], ..Change::default() }).unwrap();
    assert!(!is_shown(&disk));
    store.commit(&Change { rows: vec![rows[1].clone()], ..Change::default() }).unwrap();
    assert!(is_shown(&disk), "one that does not is");
}

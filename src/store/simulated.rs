//! A disk for tests: it loses and tears what was not synced, fails when told, and can be damaged.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

use super::disk::{Backend, Disk};
use super::durable::DurableStore;
use super::error::StoreError;
use super::seal::BlobKeys;

/// A disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Sim>>);

#[derive(Debug, Default)]
struct Sim {
    files: Vec<SimFile>,
    names: BTreeMap<String, usize>,
    names_synced: BTreeMap<String, usize>,
    names_changed: Vec<Naming>,
    /// What is to be told with each crash that is recorded.
    mark: usize,
    recorded: Option<Vec<Crash>>,
    /// After so many more writes and syncs all of them fail.
    failing: Option<(u64, ErrorKind)>,
    syncs: u64,
}

#[derive(Clone, Debug, Default)]
struct SimFile {
    now: Vec<u8>,
    synced: Arc<Vec<u8>>,
    changed: Vec<Op>,
}

#[derive(Clone, Debug)]
enum Op {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Clone, Debug)]
enum Naming {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

/// What a disk holds just before a sync: it may keep any of what was not synced.
#[derive(Clone, Debug)]
pub(super) struct Crash {
    files: Vec<SimFile>,
    names: BTreeMap<String, usize>,
    names_changed: Vec<Naming>,
    pub(super) mark: usize,
}

/// What a crash leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    Nothing,
    Everything,
    /// Some writes, others not.
    Some,
    /// Some writes, and of the last one only a part.
    Torn,
}

/// Random numbers that come again: splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl SimDisk {
    /// Begins to record a crash at every sync, each with the mark of that time.
    pub(super) fn record(&self) {
        self.sim().recorded = Some(Vec::new());
    }

    pub(super) fn mark(&self, mark: usize) {
        self.sim().mark = mark;
    }

    pub(super) fn recorded(&self) -> Vec<Crash> {
        self.sim().recorded.take().unwrap_or_default()
    }

    /// Makes a store on it.
    pub(crate) fn create_store(&self, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        DurableStore::create_on(Arc::new(self.clone()), keys)
    }

    /// Opens the store on it.
    pub(crate) fn open_store(&self, keys: Arc<dyn BlobKeys>) -> Result<DurableStore, StoreError> {
        DurableStore::open_on(Arc::new(self.clone()), keys)
    }

    /// Another disk that holds the same.
    pub(crate) fn copy(&self) -> SimDisk {
        let names: Vec<String> = self.sim().names.keys().cloned().collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), self.bytes(name))).collect();
        SimDisk::of(&files)
    }

    /// The disk after a crash that leaves nothing of what was not synced.
    pub(crate) fn without_what_was_not_synced(&self) -> SimDisk {
        let crash = self.sim().crash();
        crash.disk(Left::Nothing, &mut Random(0))
    }

    /// After `more` writes and syncs all of them fail, until told otherwise.
    pub(crate) fn fail(&self, more: u64, kind: ErrorKind) {
        self.sim().failing = Some((more, kind));
    }

    /// Ends the failing; says whether anything failed.
    pub(crate) fn heal(&self) -> bool {
        self.sim().failing.take().is_some_and(|(more, _)| more == 0)
    }

    pub(super) fn syncs(&self) -> u64 {
        self.sim().syncs
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        let sim = self.sim();
        sim.files[sim.names[name]].now.clone()
    }

    /// A disk with nothing but these files.
    pub(super) fn of(files: &[(&str, Vec<u8>)]) -> SimDisk {
        let disk = SimDisk::default();
        for (name, bytes) in files {
            let mut sim = disk.sim();
            let at = sim.files.len();
            sim.files.push(SimFile { now: bytes.clone(), synced: Arc::new(bytes.clone()), changed: Vec::new() });
            sim.names.insert((*name).into(), at);
            sim.names_synced.insert((*name).into(), at);
        }
        disk
    }

    fn sim(&self) -> MutexGuard<'_, Sim> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn file(&self, name: &str) -> io::Result<Backend> {
        let at = *self.sim().names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Backend::new(Handle { disk: self.clone(), at }))
    }
}

impl Sim {
    fn may_fail(&mut self) -> io::Result<()> {
        match &mut self.failing {
            Some((0, kind)) => Err((*kind).into()),
            Some((more, _)) => {
                *more -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn crash(&self) -> Crash {
        Crash {
            files: self.files.iter().map(|file| SimFile { now: Vec::new(), ..file.clone() }).collect(),
            names: self.names_synced.clone(),
            names_changed: self.names_changed.clone(),
            mark: self.mark,
        }
    }

    fn record(&mut self) {
        self.syncs += 1;
        let crash = self.crash();
        if let Some(recorded) = &mut self.recorded {
            recorded.push(crash);
        }
    }
}

impl Crash {
    /// The disk after the crash.
    pub(super) fn disk(&self, left: Left, random: &mut Random) -> SimDisk {
        let mut names = self.names.clone();
        // Names are kept by a journal: of their changes any first few are left.
        let kept = match left {
            Left::Nothing => 0,
            Left::Everything => self.names_changed.len(),
            Left::Some | Left::Torn => random.below(self.names_changed.len() as u64 + 1) as usize,
        };
        self.names_changed[..kept].iter().for_each(|naming| naming.apply(&mut names));
        let files = self.files.iter().map(|file| file.after(left, random)).collect();
        SimDisk(Arc::new(Mutex::new(Sim { files, names: names.clone(), names_synced: names, ..Sim::default() })))
    }
}

impl SimFile {
    fn after(&self, left: Left, random: &mut Random) -> SimFile {
        let mut bytes = Vec::clone(&self.synced);
        // Lengths are kept by the journal too; what was written past a length that is lost is lost with it.
        let mut lengths = true;
        for (at, op) in self.changed.iter().enumerate() {
            let last = at + 1 == self.changed.len();
            let kept = match left {
                Left::Nothing => false,
                Left::Everything => true,
                Left::Some => random.below(2) == 0,
                Left::Torn => last || random.below(4) > 0,
            };
            match op {
                Op::Length(length) => {
                    lengths &= kept;
                    if lengths {
                        bytes.resize(*length as usize, 0);
                    }
                }
                Op::Write(offset, data) if kept => {
                    let mut end = data.len();
                    if last && matches!(left, Left::Torn) {
                        end = random.below(data.len() as u64 / 512 + 1) as usize * 512;
                    }
                    let start = (*offset as usize).min(bytes.len());
                    let end = (*offset as usize + end.min(data.len())).min(bytes.len()).max(start);
                    bytes[start..end].copy_from_slice(&data[..end - start]);
                }
                Op::Write(..) => {}
            }
        }
        SimFile { synced: Arc::new(bytes.clone()), now: bytes, changed: Vec::new() }
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Naming::Create(name, at) => {
                names.insert(name.clone(), *at);
            }
            Naming::Rename(from, to) => {
                if let Some(at) = names.remove(from) {
                    names.insert(to.clone(), at);
                }
            }
            Naming::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Disk for SimDisk {
    fn create(&self, name: &str) -> io::Result<Backend> {
        let mut sim = self.sim();
        sim.may_fail()?;
        let at = sim.files.len();
        sim.files.push(SimFile::default());
        sim.names.insert(name.into(), at);
        sim.names_changed.push(Naming::Create(name.into(), at));
        drop(sim);
        self.file(name)
    }

    fn open(&self, name: &str) -> io::Result<Backend> {
        if let Some((0, kind @ ErrorKind::ReadOnlyFilesystem)) = self.sim().failing {
            return Err(kind.into());
        }
        self.file(name)
    }

    fn open_to_read(&self, name: &str) -> io::Result<Backend> {
        self.file(name)
    }

    fn exists(&self, name: &str) -> bool {
        self.sim().names.contains_key(name)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.bytes(name).len() as u64)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut sim = self.sim();
        sim.may_fail()?;
        let naming = Naming::Rename(from.into(), to.into());
        naming.apply(&mut sim.names);
        sim.names_changed.push(naming);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut sim = self.sim();
        sim.may_fail()?;
        let naming = Naming::Remove(name.into());
        naming.apply(&mut sim.names);
        sim.names_changed.push(naming);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut sim = self.sim();
        sim.may_fail()?;
        sim.record();
        sim.names_synced = sim.names.clone();
        sim.names_changed.clear();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("simulated").join(name)
    }
}

#[derive(Debug)]
struct Handle {
    disk: SimDisk,
    at: usize,
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.sim().files[self.at].now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let sim = self.disk.sim();
        let bytes = sim.files[self.at].now.get(offset as usize..).and_then(|bytes| bytes.get(..out.len()));
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut sim = self.disk.sim();
        sim.may_fail()?;
        let file = &mut sim.files[self.at];
        file.now.resize(len as usize, 0);
        file.changed.push(Op::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut sim = self.disk.sim();
        sim.may_fail()?;
        sim.record();
        let file = &mut sim.files[self.at];
        file.synced = Arc::new(file.now.clone());
        file.changed.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut sim = self.disk.sim();
        sim.may_fail()?;
        let file = &mut sim.files[self.at];
        let (start, end) = (offset as usize, offset as usize + data.len());
        if file.now.len() < end {
            file.now.resize(end, 0);
            file.changed.push(Op::Length(end as u64));
        }
        file.now[start..end].copy_from_slice(data);
        file.changed.push(Op::Write(offset, data.to_vec()));
        Ok(())
    }
}

//! Files of the command's own: messages, replies, refused rows. What they hold is not for others, so they are private.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::output::Shown;

/// Puts `bytes` in a file that only its owner may read, in the place of one that is there; whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = NewFile::create(path)?;
    file.write_all(bytes).map_err(|source| error("write", path, source))?;
    file.finish()
}

/// The same at a place that a person gave.
pub(crate) fn replace_at(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    refuse_special(path)?;
    refuse_kept(path)?;
    replace(path, bytes)
}

/// What the names end with of files that people are to keep: keys and secrets, what is sealed under them, what was
/// signed, and messages.
const KEPT: [&str; 15] = [
    "key",
    "secret",
    "seal",
    "sealed",
    "pepper",
    "redb",
    "cert",
    "sig",
    "toml",
    "msg",
    "reply",
    "checkpoint",
    "veto",
    "enrolment",
    "register",
];

/// Refuses a place that a person gave and where there is a file that is to be kept: with a name typed wrong, a key
/// would be gone.
fn refuse_kept(path: &Path) -> Result<(), Failure> {
    let is_kept = path.extension().is_some_and(|ending| KEPT.iter().any(|kept| ending == *kept));
    if !is_kept || is_regular(path).is_none() {
        return Ok(());
    }
    let finding = "is there already, and is no table or text to write over: give another name";
    Err(Failure::new("out_file", format!("{} {finding}", path.shown())))
}

/// Refuses a place that a person gave and where there is something else than a file. A device, a pipe or a link such as
/// /dev/stdout is given to be written to; replaced, it would be gone for all others on the machine.
pub(crate) fn refuse_special(path: &Path) -> Result<(), Failure> {
    if is_regular(path) != Some(false) {
        return Ok(());
    }
    let finding = "is no file but a link, a folder, a pipe or a device, and nothing is written there: give the name of \
                   a file";
    Err(Failure::new("not_a_file", format!("{} {finding}", path.shown())))
}

/// A file that only its owner may read, as it is written; it takes the place of one that is there once it is whole.
pub(crate) struct NewFile {
    path: PathBuf,
    new: PathBuf,
    /// `None` once it is in its place.
    file: Option<BufWriter<File>>,
}

/// What names of files begin with that are being written.
const TEMPORARY: &str = ".stapel-";

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<NewFile, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // A name of this process's own that nobody can foresee, and one that is not there: neither another command nor
        // what somebody put there is written over, or stands in the way.
        let chance = RandomState::new();
        let mut tries = (0u32..).map(|number| {
            let name = format!("{TEMPORARY}{}-{}.new", std::process::id(), chance.hash_one(number));
            path.with_file_name(name)
        });
        loop {
            let new = tries.next().unwrap_or_default();
            match options.open(&new) {
                Ok(file) => return Ok(NewFile { path: path.into(), new, file: Some(BufWriter::new(file)) }),
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
                // The name that was given, since nobody knows the other.
                Err(source) => return Err(error("create", path, source)),
            }
        }
    }

    /// Puts it in its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        if let Some(mut file) = self.file.take() {
            let written = file.flush().and_then(|()| file.get_ref().sync_all());
            drop(file);
            let placed = written.and_then(|()| fs::rename(&self.new, &self.path));
            placed.map_err(|source| {
                let _ = fs::remove_file(&self.new);
                error("write", &self.path, source)
            })?;
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It is not whole, and nobody waits for it.
            let _ = fs::remove_file(&self.new);
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

/// Refuses a place where there is anything: it may be a key, or have been handed over already.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if is_regular(path).is_none() {
        return Ok(());
    }
    let finding = "is there already, and nothing was done: give another name, or take it away";
    Err(Failure::new("io", format!("{} {finding}", path.shown())))
}

/// A new file that only its owner may read, made empty before there is anything to write to it: so that nothing is
/// drawn for a file that cannot be written, and nothing that is there is written over. It is gone again where nothing
/// was written.
pub(crate) struct Reserved {
    path: PathBuf,
    /// `None` once it was written.
    file: Option<File>,
}

impl Reserved {
    pub(crate) fn create(path: &Path) -> Result<Reserved, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Nothing that comes in between is written over either.
        refuse_existing(path)?;
        let file = options.open(path).map_err(|source| error("create", path, source))?;
        Ok(Reserved { path: path.into(), file: Some(file) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses another file of the same command that has this one's name, however it is written.
    pub(crate) fn refuse_same(&self, other: &Path) -> Result<(), Failure> {
        if real(other).is_some_and(|other| real(&self.path) == Some(other)) {
            let finding = "is to be written twice, and nothing was done: give two names";
            return Err(Failure::Usage(format!("{} {finding}", self.path.shown())));
        }
        Ok(())
    }

    /// Refuses a folder that this file is in, and that the command fills with files of its own.
    pub(crate) fn refuse_within(&self, folder: &Path) -> Result<(), Failure> {
        let within = real(&self.path).and_then(|path| Some(path.parent()?.to_owned()));
        if within.is_some() && within == real(folder) {
            let finding = "is in the folder that this command fills, and nothing was done: give a place outside it";
            return Err(Failure::Usage(format!("{} {finding}", self.path.shown())));
        }
        Ok(())
    }

    /// Writes it, for good.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|source| error("write", &self.path, source))?;
        self.file = None;
        Ok(())
    }
}

/// The one name of what is there.
fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Reads a file, or the first `limit` bytes of one that is longer.
pub(crate) fn read_up_to(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| error("open", path, source))?;
    file.take(limit as u64).read_to_end(&mut bytes).map_err(|source| error("read", path, source))?;
    Ok(bytes)
}

/// As [`read_up_to`], for a file that was found in a folder. Whoever may write to the folder chose what it is: a pipe
/// would be waited for without end, and a link would lead to another file of this user's.
pub(crate) fn read_found(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    let opened = options.open(path).and_then(|file| file.metadata().map(|there| (file, there)));
    let (file, there) = opened.map_err(|source| match is_regular(path) {
        Some(false) => not_a_file(path),
        _ => error("open", path, source),
    })?;
    if !there.is_file() {
        return Err(not_a_file(path));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64).read_to_end(&mut bytes).map_err(|source| error("read", path, source))?;
    Ok(bytes)
}

/// Whether there is a file, and no link to one; `None` where there is nothing.
pub(crate) fn is_regular(path: &Path) -> Option<bool> {
    fs::symlink_metadata(path).ok().map(|there| there.is_file())
}

/// Reads standard input, or its first `limit` bytes.
pub(crate) fn read_stdin(limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(limit as u64).read_to_end(&mut bytes).map_err(stdin_error)?;
    Ok(bytes)
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(error("remove", path, source)),
        _ => Ok(()),
    }
}

/// Makes a folder that only its owner may enter, if it is not there yet.
pub(crate) fn create_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| error("create", path, source))
}

/// What is in a folder under names that end in `ending`, by name.
pub(crate) fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| error("read", folder, source))? {
        let path = entry.map_err(|source| error("read", folder, source))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(ending) && !name.starts_with(TEMPORARY) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Removes what commands that were killed left in a folder of what they were writing, an hour later: until then they
/// may be writing it still.
pub(crate) fn remove_leftovers(folder: &Path) {
    let is_old = |path: &Path| {
        let there = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
        let age = there.and_then(|there| there.modified().ok()?.elapsed().ok());
        age.is_some_and(|age| age.as_secs() > 3_600)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| is_temporary(&entry.file_name().to_string_lossy())) {
        if is_old(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a name is one that [`NewFile`] gives, or the library a register that it writes: somebody's own file may
/// begin as they do.
fn is_temporary(name: &str) -> bool {
    let numbers = name.strip_prefix(TEMPORARY).and_then(|rest| rest.strip_suffix(".new")?.split_once('-'));
    numbers.is_some_and(|(process, number)| is_digits(process) && is_digits(number))
}

/// The most files of folders that are read in one run: so many that no day's messages are more, and so few that a run
/// ends.
const MOST_FOUND: usize = 10_000;

/// Files that were named, or found in folders that were.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) files: Vec<Input>,
    /// One for each thing of such a name in a folder that is no file.
    pub(crate) failures: Vec<Failure>,
    /// How many files were found beyond those that are read in one run.
    left: usize,
}

/// A file to be read.
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    found: bool,
    /// What was read of it beforehand.
    bytes: Option<Vec<u8>>,
}

impl Inputs {
    /// Every file of `given`, with folders replaced by the files in them whose names end in `ending`. Where these are
    /// more than can be read in one run, those come first of which `is_urgent` is true.
    ///
    /// What was named and is a pipe is read here, up to `limit` bytes, because whoever calls this holds no lock yet,
    /// and nobody knows how long it must be waited for.
    pub(crate) fn of(
        given: &[PathBuf],
        ending: &str,
        limit: usize,
        is_urgent: impl Fn(&Path) -> bool,
    ) -> Result<Inputs, Failure> {
        let mut inputs = Inputs::default();
        let mut found = Vec::new();
        for path in given {
            match fs::metadata(path) {
                Ok(there) if there.is_dir() => {
                    for path in list(path, ending)? {
                        match is_regular(&path) {
                            Some(false) => inputs.failures.push(not_a_file(&path)),
                            _ => found.push(path),
                        }
                    }
                }
                there => {
                    let is_pipe = there.is_ok_and(|there| !there.is_file());
                    let bytes = if is_pipe { Some(read_up_to(path, limit)?) } else { None };
                    inputs.files.push(Input { path: path.clone(), found: false, bytes });
                }
            }
        }
        if found.len() > MOST_FOUND {
            // Else what somebody put there, and is never done with, would keep the others waiting for ever. What has a
            // name that only another program gives comes in some of the runs, since each takes others.
            let chance = RandomState::new();
            found.sort_by_cached_key(|path| (!is_urgent(path), !is_partners(path), chance.hash_one(path)));
            inputs.left = found.split_off(MOST_FOUND).len();
            found.sort();
        }
        inputs.files.extend(found.into_iter().map(|path| Input { path, found: true, bytes: None }));
        Ok(inputs)
    }

    /// That files are left for the next run.
    pub(crate) fn left(&self) -> Option<Failure> {
        let left = self.left;
        let finding = format!(
            "{left} files are left for the next run, since one reads {MOST_FOUND} files of folders: run it again, and \
             take away those that are no messages"
        );
        (left > 0).then(|| Failure::new("files_left", finding))
    }
}

impl Input {
    /// Its bytes, or the first `limit` of one that is longer.
    pub(crate) fn read(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        match self.bytes.take() {
            Some(bytes) => Ok(bytes),
            None if self.found => read_found(&self.path, limit),
            None => read_up_to(&self.path, limit),
        }
    }
}

/// Whether a file is named as a partner's command names messages, or as the reply to one of these.
fn is_partners(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    is_message_name(name.strip_suffix(".reply").unwrap_or(&name))
}

/// Whether a name is one that `stapel partner` gives a message.
pub(crate) fn is_message_name(name: &str) -> bool {
    let number = |rest: &str| rest.strip_suffix(".msg").is_some_and(is_digits);
    name == "status.msg"
        || ["question-", "delivery-", "talk-"].iter().any(|kind| name.strip_prefix(kind).is_some_and(number))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_a_file(path: &Path) -> Failure {
    let finding = "is no file of its own but a link, a folder or a pipe, and was not read: take it away";
    Failure::new("not_a_file", format!("{} {finding}", path.shown()))
}

/// A failure to read standard input.
pub(crate) fn stdin_error(source: io::Error) -> Failure {
    Failure::new("io", format!("cannot read standard input: {source}; give it a file or a pipe, and try again"))
}

/// A failure to do something with a file.
pub(crate) fn error(action: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::Stapel(stapel::SystemError::Io { action, path: path.into(), source }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_empty_files_keeps_a_message_from_being_read() {
        let folder = tempfile::tempdir().unwrap();
        let of_a_partner = ["delivery-0000000003.msg", "status.msg"].map(|name| folder.path().join(name));
        let of_another_program = folder.path().join("zaak.msg");
        let empty = (0..MOST_FOUND + 2_000).map(|number| folder.path().join(format!("a{number}.msg")));
        for path in of_a_partner.iter().chain([&of_another_program]).cloned().chain(empty) {
            File::create(path).unwrap();
        }
        let given = [folder.path().to_owned()];
        let run = || Inputs::of(&given, ".msg", 1, |_| true).ok().unwrap();
        let has = |inputs: &Inputs, path: &Path| inputs.files.iter().any(|input| input.path == path);
        let first = run();
        assert_eq!((first.files.len(), first.left), (MOST_FOUND, 2_003));
        assert!(of_a_partner.iter().all(|path| has(&first, path)));
        assert!(first.files.is_sorted_by_key(|input| &input.path));
        // Five of six runs have it.
        assert!((0..30).any(|_| has(&run(), &of_another_program)));
    }
}

//! Files of the command's own: messages, replies, refused rows. What they hold is not for others, so they are private.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Puts `bytes` in a file that only its owner may read, in the place of one that is there; whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = NewFile::create(path)?;
    file.write_all(bytes).map_err(|source| error("write", path, source))?;
    file.finish()
}

/// A file that only its owner may read, as it is written; it takes the place of one that is there once it is whole.
pub(crate) struct NewFile {
    path: PathBuf,
    new: PathBuf,
    file: BufWriter<File>,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<NewFile, Failure> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        // What was left there goes; a link that somebody put there must not lead the writing elsewhere.
        remove(&new)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&new).map_err(|source| error("create", &new, source))?;
        Ok(NewFile { path: path.into(), new, file: BufWriter::new(file) })
    }

    /// Puts it in its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|source| error("write", &self.new, source))?;
        self.file.get_ref().sync_all().map_err(|source| error("write", &self.new, source))?;
        drop(self.file);
        fs::rename(&self.new, &self.path).map_err(|source| error("replace", &self.path, source))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a file, or the first `limit` bytes of one that is longer.
pub(crate) fn read_up_to(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| error("open", path, source))?;
    file.take(limit as u64).read_to_end(&mut bytes).map_err(|source| error("read", path, source))?;
    Ok(bytes)
}

/// As [`read_up_to`], for a file that was found in a folder: a pipe or a device there would be waited for without end.
pub(crate) fn read_found(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let there = fs::metadata(path).map_err(|source| error("open", path, source))?;
    if there.is_file() { read_up_to(path, limit) } else { Err(not_a_file(path)) }
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

/// The files in a folder whose names end in `ending`, by name.
pub(crate) fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| error("read", folder, source))? {
        let path = entry.map_err(|source| error("read", folder, source))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Every file of `given`, with folders replaced by the files in them whose names end in `ending`; and a failure for
/// each thing of such a name that is no file.
pub(crate) fn expand(given: &[PathBuf], ending: &str) -> Result<(Vec<PathBuf>, Vec<Failure>), Failure> {
    let (mut paths, mut failures) = (Vec::new(), Vec::new());
    for path in given {
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let (files, others): (Vec<_>, Vec<_>) = list(path, ending)?.into_iter().partition(|path| path.is_file());
        paths.extend(files);
        failures.extend(others.iter().map(|path| not_a_file(path)));
    }
    Ok((paths, failures))
}

fn not_a_file(path: &Path) -> Failure {
    let finding = "is not a file, or a link to none, and was not read: take it away";
    Failure::new("not_a_file", format!("{} {finding}", path.display()))
}

/// A failure to read standard input.
pub(crate) fn stdin_error(source: io::Error) -> Failure {
    Failure::new("io", format!("cannot read standard input: {source}"))
}

/// A failure to do something with a file.
pub(crate) fn error(action: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::Stapel(stapel::SystemError::Io { action, path: path.into(), source }.into())
}

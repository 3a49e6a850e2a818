//! What went wrong with the disk, as a sentence with what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::system::SystemError;

/// A failure that several changes share.
#[derive(Clone)]
pub(super) enum Failure {
    Store(PathBuf, String),
    Damaged(&'static str),
}

impl Failure {
    pub(super) fn of(error: Error) -> Failure {
        match error {
            Error::StoreDamaged { finding } => Failure::Damaged(finding),
            Error::Store { path, finding } => Failure::Store(path, finding),
            Error::System(SystemError::Io { path, action, source }) => {
                Failure::Store(path, format!("cannot {action} it: {source}"))
            }
            other => Failure::Store(PathBuf::new(), other.to_string()),
        }
    }

    pub(super) fn error(&self) -> Error {
        match self {
            Failure::Store(path, finding) => store(path, finding.clone()),
            Failure::Damaged(finding) => Error::StoreDamaged { finding },
        }
    }
}

/// An [`Error::Store`].
pub(super) fn store(path: &Path, finding: impl Into<String>) -> Error {
    Error::Store { path: path.into(), finding: finding.into() }
}

/// What redb says of the file `path`. It knows damage from trouble with the disk.
pub(super) fn redb(path: &Path, error: impl Into<redb::Error>) -> Error {
    match error.into() {
        redb::Error::Io(source) => io(path, source),
        redb::Error::DatabaseAlreadyOpen => held(path),
        redb::Error::TransactionInProgress => store(path, "it is being read: try again later"),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
            store(path, "the disk failed before; nothing of this was kept: check the disk, then try again")
        }
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableDoesNotExist(_)
        | redb::Error::TypeDefinitionChanged { .. } => damaged(path),
        other => store(path, format!("{other}; nothing of this was kept")),
    }
}

/// What the operating system says of the file `path`.
pub(super) fn io(path: &Path, source: io::Error) -> Error {
    let finding = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "the disk is full; nothing of this was kept: make room, then try again"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only; nothing of this was kept: mount it for writing (and see why it was not), then try again"
        }
        ErrorKind::PermissionDenied => {
            "it may not be read or written by this user; nothing of this was kept: give it back to the user that the broker runs as"
        }
        ErrorKind::NotFound => "it is not there: give the folder that has it, or restore the store from a backup",
        ErrorKind::AlreadyExists => "it exists already; nothing was changed: give another folder",
        // So redb says that a file is not its own, or is cut short.
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => return damaged(path),
        _ => {
            let finding =
                format!("the disk failed ({source}); nothing of this was kept: check the disk, then try again");
            return store(path, finding);
        }
    };
    store(path, finding)
}

/// Another holds the store.
pub(super) fn held(path: &Path) -> Error {
    SystemError::FolderInUse { path: path.into() }.into()
}

/// A file that fails its checks.
pub(super) fn damaged(path: &Path) -> Error {
    let flags = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"flags"));
    Error::StoreDamaged {
        finding: if flags { "flags.redb fails its integrity check" } else { "ledger.redb fails its integrity check" },
    }
}

/// A line that does not follow the last one.
pub(super) fn out_of_order(path: &Path) -> Error {
    store(path, "a line of the log does not follow the last one that was kept; nothing of this was kept: try again")
}

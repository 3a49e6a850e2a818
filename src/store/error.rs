//! What can be wrong with a store, each with a sentence that says what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::codes::codes;
use crate::hidden::shown_path;
use crate::secret::SecretError;
use crate::system::SystemError;

/// The broker's store, or a key that it is sealed with, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The machine failed, or another process has the store open.
    #[error(transparent)]
    System(#[from] SystemError),

    /// A key file cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),

    /// The broker's store could not be opened, read or written.
    #[error("the store {} cannot be used: {finding}", shown_path(path))]
    Store {
        /// The file.
        path: PathBuf,
        /// What was found.
        finding: String,
    },

    /// The broker's store has a format that this version does not know.
    #[error("the store has format {found}, and this version knows {known}: use the version that wrote it")]
    StoreFormat {
        /// The format found.
        found: u32,
        /// The format that this version knows.
        known: u32,
    },

    /// The broker's store holds what no broker writes.
    #[error(
        "the store is damaged, or these are not its keys: {finding}; compare the keys with their copy: put the right \
         ones back, or, where these are they, restore the store from a backup"
    )]
    StoreDamaged {
        /// What was found.
        finding: &'static str,
    },

    /// A write ended in a way that does not tell whether it was kept. Nobody is told that it was or was not, and
    /// nothing more is written until the store is opened again, and shows which.
    #[error(
        "it is not known whether the store {} kept what was written last, so that no reply was given: open the broker \
         again, as by a restart of its service; it goes on from what the store holds, and partners send the same \
         bytes again",
        shown_path(path)
    )]
    OutcomeUnknown {
        /// The store.
        path: PathBuf,
    },

    /// The folder with the broker's keys lacks what the store needs, or something in it is not as it was written.
    #[error("the broker's keys cannot be used, {}: {finding}", shown_path(path))]
    BrokerKeys {
        /// The file.
        path: PathBuf,
        /// What was found, and what to do.
        finding: String,
    },
}

codes!(StoreError {
    Store => "store",
    StoreFormat => "store_format",
    StoreDamaged => "store_damaged",
    OutcomeUnknown => "outcome_unknown",
    BrokerKeys => "broker_keys",
} wraps System, Secret);

/// A failure of one write, which every change in it is told. A [`StoreError`] cannot be cloned.
#[derive(Clone)]
pub(super) enum SharedFailure {
    Store(PathBuf, String),
    Damaged(&'static str),
    OutcomeUnknown(PathBuf),
}

impl SharedFailure {
    pub(super) fn of(error: StoreError) -> SharedFailure {
        match error {
            StoreError::StoreDamaged { finding } => SharedFailure::Damaged(finding),
            StoreError::Store { path, finding } => SharedFailure::Store(path, finding),
            StoreError::OutcomeUnknown { path } => SharedFailure::OutcomeUnknown(path),
            StoreError::System(SystemError::Io { path, action, source }) => {
                SharedFailure::Store(path, format!("cannot {action} it: {source}"))
            }
            other => SharedFailure::Store(PathBuf::new(), other.to_string()),
        }
    }

    pub(super) fn error(&self) -> StoreError {
        match self {
            SharedFailure::Store(path, finding) => store(path, finding.clone()),
            SharedFailure::Damaged(finding) => StoreError::StoreDamaged { finding },
            SharedFailure::OutcomeUnknown(path) => StoreError::OutcomeUnknown { path: path.clone() },
        }
    }
}

/// A [`StoreError::Store`].
pub(super) fn store(path: &Path, finding: impl Into<String>) -> StoreError {
    StoreError::Store { path: path.into(), finding: finding.into() }
}

/// What redb says of the file `path`: that it is damaged, or that the disk failed.
pub(super) fn redb(path: &Path, error: impl Into<redb::Error>) -> StoreError {
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
pub(super) fn io(path: &Path, source: io::Error) -> StoreError {
    let finding = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "the disk is full; nothing of this was kept: make room, then try again"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only; nothing of this was kept: mount it for writing (and see why it was not), \
             then try again"
        }
        ErrorKind::PermissionDenied => {
            "it may not be read or written by this user; nothing of this was kept: give it back to the user that the \
             broker runs as"
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
pub(super) fn held(path: &Path) -> StoreError {
    SystemError::FolderInUse { path: path.into(), server: None }.into()
}

/// A file that fails its checks.
pub(super) fn damaged(path: &Path) -> StoreError {
    let flags = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"flags"));
    StoreError::StoreDamaged {
        finding: if flags { "flags.redb fails its integrity check" } else { "ledger.redb fails its integrity check" },
    }
}

/// A line that does not follow the last one.
pub(super) fn out_of_order(path: &Path) -> StoreError {
    store(path, "a line of the log does not follow the last one that was kept; nothing of this was kept: try again")
}

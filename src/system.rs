//! What the machine can refuse: files, locks, threads and randomness.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::codes::codes;
use crate::hidden::shown_path;

/// A failure of the machine that the library runs on, or of how its files are set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}; {}", shown_path(path), remedy(source))]
    Io {
        /// What was being done, as a verb: `read`, `write`, `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// A file that holds a secret can be read by others than its owner.
    #[error("{} can be read by others (mode {mode:03o}); run: chmod 600 {}", shown_path(path), shown_path(path))]
    FileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// A folder with keys, a journal or a policy in it can be written in by others than its owner.
    #[error("{} can be written in by others (mode {mode:03o}); run: chmod 700 {}", shown_path(path), shown_path(path))]
    FolderMode {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// A partner's folder or a broker's store is already open, in another process or in this one.
    #[error("{} is in use: {}", shown_path(path), who_has_it(server.as_deref()))]
    FolderInUse {
        /// The folder.
        path: PathBuf,
        /// The Unix socket of the `stapel partner serve` that was given it.
        server: Option<PathBuf>,
    },

    /// A folder belongs to another user than the one that this runs as, who may be root.
    #[error(
        "{} belongs to the user {owner}, and this runs as the user {user}: nothing was done, because the owner could \
         not use what is written here; run it as the owner: runuser -u \"$(id -nu {owner})\" -- stapel ...",
        shown_path(path)
    )]
    OtherUser {
        /// The folder.
        path: PathBuf,
        /// The number of the user that it belongs to.
        owner: u32,
        /// The number of the user that this runs as.
        user: u32,
    },

    /// The partner or the broker was opened by another process, of which this one is a fork.
    #[error(
        "it was opened by another process, of which this one is a fork: nothing was done; open it in the process that \
         uses it, once the other has closed it"
    )]
    OtherProcess,

    /// Work cannot be spread over so many threads.
    #[error("{count} threads cannot be used: {finding}")]
    Threads {
        /// How many were asked for.
        count: usize,
        /// What stands in the way, and what to do.
        finding: String,
    },

    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes; nothing was made; try again once it does")]
    Random,
}

/// Who has a folder open, and what to do.
fn who_has_it(server: Option<&Path>) -> String {
    match server {
        Some(socket) => format!(
            "stapel partner serve has it for all programs of this machine; call it at {}, with Stapel's clients \
             (stapel_client in Python, StapelClient in PHP and C#, stapel.client in Java) or any for HTTP, or stop it \
             first",
            shown_path(socket)
        ),
        None => "another process, or this one, has it open; let that one end first, wait longer for it, or give \
                 another folder; where many programs share a partner's folder, let stapel partner serve own it for them"
            .to_owned(),
    }
}

/// What to do about what the operating system says of a file.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::NotFound => "see whether the path is right, or put it there",
        ErrorKind::PermissionDenied => "let the user that this runs as read and write it, or run it as its owner",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: make room, then try again",
        ErrorKind::ReadOnlyFilesystem => "mount the file system for writing, then try again",
        ErrorKind::AlreadyExists => "give another name, or take away what is there",
        ErrorKind::IsADirectory => "it is a folder: give a file, or take it away",
        ErrorKind::NotADirectory => "a part of the path is no folder: see whether the path is right",
        ErrorKind::DirectoryNotEmpty => "take away what is in it",
        ErrorKind::InvalidInput => "take it away, or give another path",
        _ => "see whether the path and the disk are right, then try again",
    }
}

codes!(SystemError {
    Io => "io",
    FileMode | FolderMode => "file_mode",
    FolderInUse => "folder_in_use",
    OtherUser => "other_user",
    OtherProcess => "other_process",
    Threads => "threads",
    Random => "random",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_of_a_file_names_it_and_a_remedy() {
        for (kind, remedy) in [
            (ErrorKind::NotFound, "see whether the path is right"),
            (ErrorKind::StorageFull, "make room"),
            (ErrorKind::PermissionDenied, "as its owner"),
            (ErrorKind::TimedOut, "try again"),
        ] {
            let error = SystemError::Io { action: "open", path: "folder/file".into(), source: kind.into() };
            let text = error.to_string();
            assert!(text.starts_with("cannot open folder/file: ") && text.contains(remedy), "{text}");
        }
    }
}

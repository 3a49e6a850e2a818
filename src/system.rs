//! What the machine can refuse: files, locks, threads and randomness.

use std::path::PathBuf;

use crate::codes::codes;

/// A failure of the machine that the library runs on, or of how its files are set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: `read`, `write`, `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },

    /// A file that holds a secret can be read by others than its owner.
    #[error("{} can be read by others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    FileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// A partner's folder or a broker's store is already open, in another process or in this one.
    #[error(
        "{} is in use: another process, or this one, has it open; let that one end first, or give another folder",
        path.display()
    )]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },

    /// A folder belongs to another user than the one that this runs as, who may be root.
    #[error(
        "{} belongs to the user {owner}, and this runs as the user {user}: nothing was done, because the owner could \
         not use what is written here; run it as the owner: runuser -u \"$(id -nu {owner})\" -- stapel ...",
        path.display()
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

codes!(SystemError {
    Io => "io",
    FileMode => "file_mode",
    FolderInUse => "folder_in_use",
    OtherUser => "other_user",
    OtherProcess => "other_process",
    Threads => "threads",
    Random => "random",
});

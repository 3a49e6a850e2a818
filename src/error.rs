//! What can go wrong, each with a stable code, a sentence that says what was found, and what to do about it.

use std::path::PathBuf;

use crate::address::AddressError;

/// Any failure of the library. [`Error::code`] is stable across versions and the same in every language binding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address was refused.
    #[error(transparent)]
    Address(#[from] AddressError),

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
}

impl Error {
    /// The stable code of this error, in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Address(error) => error.code(),
            Error::Io { .. } => "io",
        }
    }
}

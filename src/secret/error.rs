//! What can be wrong with the files of secrets and keys.

use std::path::PathBuf;

use crate::codes::codes;
use crate::hidden::shown_path;
use crate::system::SystemError;

/// A secret, a part of one, or a key cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The machine failed, or a file's mode lets others read it.
    #[error(transparent)]
    System(#[from] SystemError),

    /// A secret file, or a part of one, is not as it was written.
    #[error("{} is not a secret file that can be used: {finding}", shown_path(path))]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What was found, and what would help. Nothing of the secret.
        finding: &'static str,
    },

    /// The parts of a secret do not fit together.
    #[error("the parts do not make a secret: {finding}")]
    SecretParts {
        /// What was found, and what would help. Nothing of the secret.
        finding: &'static str,
    },

    /// A key file does not hold the 32 bytes of a key.
    #[error(
        "{} is not a key file: it holds {length} bytes, and a key is 32; put the file back as it was",
        shown_path(path)
    )]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The number of bytes in it.
        length: usize,
    },
}

codes!(SecretError {
    SecretFile => "secret_file",
    SecretParts => "secret_parts",
    KeyFile => "key_file",
} wraps System);

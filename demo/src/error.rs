//! The errors that end a demonstration or a sandbox's making early.

use std::io;
use std::path::{Path, PathBuf};

/// Why a demonstration ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The library refused.
    #[error(transparent)]
    Stapel(stapel::Error),
    /// A file of the demonstration could not be read or written.
    #[error("cannot {action} {}: {source}; see whether the path and the disk are right, and try again", path.display())]
    File {
        /// What was tried: a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The text could not be written to where it goes.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// The broker rejected what it had to take.
    #[error("{sentence}")]
    Rejected {
        /// The rejection's code.
        code: &'static str,
        /// The broker's sentence.
        sentence: String,
    },
    /// Certificates for trying were asked for a policy that is in earnest.
    #[error(
        "the policy is not for tests (test = true), and these certificates are for nothing else: take those of \
         PKIoverheid, as docs/connect.md says"
    )]
    NotForTests,
    /// The demonstration cannot begin, or did not go as it should: the sentence says how.
    #[error("{0}")]
    Failed(String),
}

/// What the parts of a demonstration return.
pub(crate) type Result<T> = std::result::Result<T, DemoError>;

impl DemoError {
    /// Names the file with what the system said of it.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DemoError {
        move |source| DemoError::File { action, path: path.into(), source }
    }
}

/// Lets `?` turn each of the library's errors into `$to::Stapel`.
#[doc(hidden)]
#[macro_export]
macro_rules! from_stapel_errors {
    ($to:ident) => {
        $crate::from_stapel_errors!(
            $to: stapel::Error,
            stapel::AddressError,
            stapel::register::RegisterError,
            stapel::SystemError,
            stapel::BrokerError,
            stapel::secret::SecretError,
            stapel::message::MessageError,
            stapel::policy::PolicyError,
            stapel::partner::PartnerError,
            stapel::audit::AuditError,
        );
    };
    ($to:ident: $($error:ty),+ $(,)?) => {
        $(impl From<$error> for $to {
            fn from(error: $error) -> $to {
                $to::Stapel(error.into())
            }
        })+
    };
}

from_stapel_errors!(DemoError);

impl From<stapel::NotASlug> for DemoError {
    fn from(error: stapel::NotASlug) -> DemoError {
        DemoError::Failed(error.to_string())
    }
}

impl From<String> for DemoError {
    fn from(sentence: String) -> DemoError {
        DemoError::Failed(sentence)
    }
}

impl From<&str> for DemoError {
    fn from(sentence: &str) -> DemoError {
        DemoError::Failed(sentence.to_owned())
    }
}

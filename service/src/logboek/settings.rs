//! Where a Logboek Dataverwerkingen is, and how it is known.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// `[logboek]` of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LogboekSettings {
    /// The URI of the processing activity in the organisation's register (Register van Verwerkingsactiviteiten).
    pub activity: String,
    /// Where records are sent: `https://`, or `http://` on this machine, with the whole path, such as
    /// `https://logboek.example.nl/v1/traces`.
    pub otlp: String,
    /// Files in PEM with the certificates of the authorities by which it is known. No others are trusted.
    #[serde(default)]
    pub ca: Vec<PathBuf>,
    /// A file in PEM with the certificate to connect with, where it asks for one.
    pub certificate: Option<PathBuf>,
    /// A file in PEM with that certificate's private key.
    pub key: Option<PathBuf>,
    /// A file with a token that is sent as `Authorization: Bearer`, where it asks for one.
    pub token: Option<PathBuf>,
}

/// Why records are not in the Logboek. They are sent again with the next ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogboekError {
    /// This program was built without it.
    #[error("this stapel cannot send to a Logboek: build it with --features otlp, or take [logboek] away")]
    NotBuilt,
    /// The settings cannot be used.
    #[error("[logboek]: {finding}")]
    Settings {
        /// What is wrong, and what to do.
        finding: String,
    },
    /// The Logboek is not there, or asks to come again.
    #[error("the Logboek at {at} was not reached: {finding}; it is tried again")]
    Unreachable {
        /// Where.
        at: String,
        /// Why.
        finding: String,
    },
    /// The Logboek does not take the records.
    #[error("the Logboek at {at} did not take what it was sent: {finding}; see to it there, and it is tried again")]
    Refused {
        /// Where.
        at: String,
        /// What it said.
        finding: String,
    },
    /// What was sent could not be noted.
    #[error("cannot note what the Logboek has, in {}: {finding}", stapel::shown_path(.path))]
    Note {
        /// The file.
        path: PathBuf,
        /// Why.
        finding: String,
    },
}

impl LogboekError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            LogboekError::NotBuilt | LogboekError::Settings { .. } => "logboek_settings",
            LogboekError::Unreachable { .. } | LogboekError::Refused { .. } | LogboekError::Note { .. } => {
                "logboek_unsent"
            }
        }
    }
}

impl LogboekSettings {
    /// The same, with paths from a folder on.
    #[must_use]
    pub fn from_folder(mut self, folder: &Path) -> LogboekSettings {
        let all = self.ca.iter_mut().chain(&mut self.certificate).chain(&mut self.key).chain(&mut self.token);
        all.for_each(|path| *path = folder.join(&*path));
        self
    }
}

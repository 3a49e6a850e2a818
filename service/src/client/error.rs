//! What goes wrong between a partner and the broker.

use std::path::PathBuf;

/// Why a message got no reply, or something could not be fetched. Nothing changed at the partner by any of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CarrierError {
    /// The settings do not say how to reach the broker.
    #[error("{finding}")]
    Settings {
        /// What is wrong, and what to write.
        finding: String,
    },
    /// A file that the settings name cannot be used.
    #[error("{}: {finding}", stapel::shown_path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: String,
    },
    /// No address gave a reply in time. The same bytes may be sent again later.
    #[error("no reply from the broker: {finding}; the same bytes are sent again at the next run")]
    Unreachable {
        /// What happened at each address the last time.
        finding: String,
    },
    /// A program was asked to stop while it waited.
    #[error("stopped while waiting for the broker; the same bytes are sent again at the next run")]
    Stopped,
    /// A certificate does not hold, the broker's or the partner's own.
    #[error(
        "{address}: {finding}; see whether the authorities, the address and the certificates in [connect] are right, \
         and this machine's clock"
    )]
    Certificate {
        /// Where.
        address: String,
        /// What is wrong.
        finding: String,
    },
    /// The broker, or something on the way to it, does not take what is sent.
    #[error("{address} does not take it: {said}; {remedy}")]
    Refused {
        /// Where.
        address: String,
        /// The status.
        status: u16,
        /// The problem's code, where it has one.
        problem: Option<String>,
        /// The status, and what the problem says.
        said: String,
        /// What to do.
        remedy: &'static str,
    },
    /// What was fetched is not what it should be.
    #[error("what {address} gave for {what} is wrong: {finding}; nothing of it was taken over: tell the operator")]
    Fetched {
        /// Where.
        address: String,
        /// What was fetched.
        what: String,
        /// What is wrong.
        finding: String,
    },
}

impl CarrierError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CarrierError::Settings { .. } | CarrierError::File { .. } => "connect_settings",
            CarrierError::Unreachable { .. } => "unreachable",
            CarrierError::Stopped => "stopped",
            CarrierError::Certificate { .. } => "connect_certificate",
            CarrierError::Refused { problem: Some(code), .. } if code == "not_admitted" => "not_admitted",
            CarrierError::Refused { .. } => "carrier_refused",
            CarrierError::Fetched { .. } => "fetched",
        }
    }

    /// Whether the same may fare better later with nothing changed.
    pub fn is_temporary(&self) -> bool {
        matches!(self, CarrierError::Unreachable { .. } | CarrierError::Stopped)
    }

    /// Whether the broker has no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, CarrierError::Refused { status: 404, .. })
    }
}

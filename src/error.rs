//! The one error type of the library's front door, which wraps the error of each folder.

use std::collections::BTreeSet;

use crate::address::{ADDRESS_CODES, AddressError};
use crate::audit::AuditError;
#[cfg(feature = "broker")]
use crate::broker::BrokerError;
use crate::message::MessageError;
#[cfg(feature = "partner")]
use crate::partner::PartnerError;
use crate::policy::PolicyError;
use crate::register::RegisterError;
use crate::secret::SecretError;
#[cfg(feature = "broker")]
use crate::store::StoreError;
use crate::system::SystemError;

/// Any failure of the library, sorted by who can mend it.
///
/// Every failure has a code, which is stable across versions and the same in every language binding, and a sentence
/// that says what was found and what to do. One failure always lies at one place here: a file that cannot be read is an
/// [`Error::System`], whichever part of the library met it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address was refused. Whoever typed or exported it corrects it, or it is left out.
    #[error(transparent)]
    Address(#[from] AddressError),

    /// A register cannot be used, or does not know an address. Whoever keeps it builds it again; whoever gave the
    /// address looks it up.
    #[error(transparent)]
    Register(RegisterError),

    /// The machine failed: a file, a lock, threads, randomness. The program's administrator mends it; try again then.
    #[error(transparent)]
    System(#[from] SystemError),

    /// A file with a secret or a key cannot be used. Whoever handed it over gives it again.
    #[error(transparent)]
    Secret(SecretError),

    /// Bytes are not a message that can be used: they came in damaged, or from another than they claim. Ask for them
    /// again.
    #[error(transparent)]
    Message(#[from] MessageError),

    /// A policy or a signature of one was refused. Whoever wrote the policy mends it, or whoever has not signed it
    /// signs.
    #[error(transparent)]
    Policy(PolicyError),

    /// A log, a checkpoint or a proof was refused. Take it from the broker again; if it stays so, keep it as evidence.
    #[error(transparent)]
    Audit(AuditError),

    /// The partner's side: what the caller asked for, its folder, or a reply. The code says which, and who mends it.
    #[cfg(feature = "partner")]
    #[error(transparent)]
    Partner(PartnerError),

    /// The broker's store or its keys cannot be used. The operator mends it, or restores a backup.
    #[cfg(feature = "broker")]
    #[error(transparent)]
    Store(StoreError),

    /// The broker cannot do what its operator asks: clock, keys, policy or log do not fit. The operator mends that.
    #[cfg(feature = "broker")]
    #[error(transparent)]
    Broker(BrokerError),
}

impl Error {
    /// The stable code of this error, in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Address(error) => error.code(),
            Error::Register(error) => error.code(),
            Error::System(error) => error.code(),
            Error::Secret(error) => error.code(),
            Error::Message(error) => error.code(),
            Error::Policy(error) => error.code(),
            Error::Audit(error) => error.code(),
            #[cfg(feature = "partner")]
            Error::Partner(error) => error.code(),
            #[cfg(feature = "broker")]
            Error::Store(error) => error.code(),
            #[cfg(feature = "broker")]
            Error::Broker(error) => error.code(),
        }
    }

    /// Every code that [`Error::code`] can give, each once: a clock's codes are those of a partner and of a broker.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        let folders = [
            SystemError::CODES,
            RegisterError::CODES,
            SecretError::CODES,
            MessageError::CODES,
            PolicyError::CODES,
            AuditError::CODES,
            #[cfg(feature = "partner")]
            PartnerError::CODES,
            #[cfg(feature = "broker")]
            StoreError::CODES,
            #[cfg(feature = "broker")]
            BrokerError::CODES,
        ];
        let codes = folders.into_iter().flatten().copied().chain(ADDRESS_CODES.iter().map(|row| row.code));
        codes.collect::<BTreeSet<_>>().into_iter()
    }
}

/// Sorts a folder's error in: what it wraps goes to that error's own variant of [`Error`], and only the rest to the
/// folder's.
macro_rules! flatten {
    ($error:ident, $variant:ident, wraps $($wrapped:ident),+) => {
        impl From<$error> for Error {
            fn from(error: $error) -> Error {
                match error {
                    $($error::$wrapped(wrapped) => wrapped.into(),)+
                    own => Error::$variant(own),
                }
            }
        }
    };
}

flatten!(RegisterError, Register, wraps System, Address);
flatten!(SecretError, Secret, wraps System);
flatten!(PolicyError, Policy, wraps System);
flatten!(AuditError, Audit, wraps System, Message);
#[cfg(feature = "partner")]
flatten!(PartnerError, Partner, wraps System, Secret, Policy, Message, Audit);
#[cfg(feature = "broker")]
flatten!(StoreError, Store, wraps System, Secret);
#[cfg(feature = "broker")]
flatten!(BrokerError, Broker, wraps System, Secret, Policy, Audit, Store);

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(feature = "partner", feature = "broker"))]
    #[test]
    fn every_code_is_there_once() {
        let distinct: BTreeSet<_> = Error::codes().collect();
        assert_eq!(distinct.len(), Error::codes().count());
        assert!(distinct.contains("random") && distinct.contains("key_file") && distinct.contains("too_long"));
        // What two folders call the same is the same thing to whoever reads it.
        let partner: BTreeSet<_> = PartnerError::CODES.iter().collect();
        let shared: Vec<_> = BrokerError::CODES.iter().filter(|code| partner.contains(code)).collect();
        assert_eq!(shared, [&"clock", &"clock_ahead"]);
    }

    #[test]
    fn a_failure_lies_at_one_place_whoever_met_it() {
        let error = Error::from(SecretError::from(SystemError::Random));
        assert!(matches!(error, Error::System(SystemError::Random)));
        assert_eq!(error.code(), "random");
        let error = Error::from(SecretError::SecretParts { finding: "" });
        assert!(matches!(error, Error::Secret(SecretError::SecretParts { .. })));
    }
}

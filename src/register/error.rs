//! Why a register cannot be used, or does not know an address.

use std::path::PathBuf;

use crate::address::{AddressError, AddressKey};
use crate::codes::codes;
use crate::hidden::shown_path;
use crate::system::SystemError;

/// A failure of a register. What it says of an address goes back to whoever gave it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The machine failed.
    #[error(transparent)]
    System(#[from] SystemError),

    /// The address was refused, and the register has nothing that decides.
    #[error(transparent)]
    Address(#[from] AddressError),

    /// The file is not a register, or not the one that was built.
    #[error("{} cannot be used as a register: {finding}; build it again", shown_path(path))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: &'static str,
    },

    /// A row of what a register is built from cannot be used.
    #[error("the row cannot be used: {finding}")]
    Row {
        /// What was found, and what would help.
        finding: String,
    },

    /// The register has no object with this id.
    #[error("the register has no BAG id {id}: look it up, or build the register from a later extract")]
    IdUnknown {
        /// The id, 16 digits.
        id: String,
    },

    /// The id was withdrawn.
    #[error("the BAG id {id} was withdrawn{}; look the address up", renumbered(now))]
    IdWithdrawn {
        /// The id, 16 digits.
        id: String,
        /// The address that its object has now, where it has one.
        now: Option<AddressKey>,
    },

    /// The register has not the street in that town, or not this number in it.
    #[error("{finding}")]
    NotRegistered {
        /// What it has not, and what would help.
        finding: &'static str,
    },

    /// What was given fits more than one address of the register.
    #[error("{finding}: give the postcode, or the BAG id")]
    Several {
        /// What it fits.
        finding: &'static str,
    },
}

codes! {
    RegisterError {
        Unusable => "register",
        Row => "register_row",
        IdUnknown => "bag_id_unknown",
        IdWithdrawn => "bag_id_withdrawn",
        NotRegistered => "not_in_register",
        Several => "several_in_register",
    } wraps System, Address
}

fn renumbered(now: &Option<AddressKey>) -> String {
    now.map(|key| format!(", and its object has the address {key} now")).unwrap_or_default()
}

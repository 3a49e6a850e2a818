//! Stapel.

#![forbid(unsafe_code)]

pub mod address;
pub mod error;
pub mod label;

pub use address::{AddressError, AddressKey, Level};
pub use error::Error;

//! Stapel over HTTPS: a broker that runs, and how a partner's messages get to it. spec/carrier.md has the bytes.
//!
//! All that decides is in the library; this is a shell around it.

#![forbid(unsafe_code)]

pub mod carrier;
#[cfg(feature = "partner")]
pub mod client;
#[cfg(feature = "broker")]
pub mod server;

//! Stapel over HTTPS: a broker that runs, and how a partner's messages get to it. spec/carrier.md has the bytes.
//!
//! All that decides is in the library; this is a shell around it. So, besides the library's, its public functions have
//! types of rustls, and of http through axum: a new major version of one of those is one of this crate's too.

#![forbid(unsafe_code)]

#[cfg(feature = "partner")]
pub mod after_hit;
pub mod carrier;
#[cfg(feature = "partner")]
pub mod client;
#[cfg(all(unix, any(feature = "broker", feature = "desk")))]
mod connection;
#[cfg(all(unix, feature = "desk"))]
pub mod desk;
#[cfg(all(unix, any(feature = "broker", feature = "desk")))]
mod local;
pub mod logboek;
#[cfg(any(feature = "broker", feature = "desk"))]
mod pace;
#[cfg(all(unix, feature = "desk"))]
pub mod pages;
#[cfg(all(unix, any(feature = "broker", feature = "desk")))]
mod places;
#[cfg(all(unix, any(feature = "broker", feature = "desk")))]
mod pulse;
#[cfg(feature = "broker")]
pub mod server;
#[cfg(all(unix, any(feature = "broker", feature = "desk")))]
mod systemd;
#[cfg(any(feature = "broker", all(unix, feature = "desk")))]
mod words;

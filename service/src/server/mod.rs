//! The broker that runs: `broker.toml` says of which consortia, and where. spec/carrier.md has what it speaks.
//!
//! [`Serving::start`] opens the brokers and listens; [`run`] does that for a process, with its signals. An embedder
//! that has a server of its own gives requests to [`Server::respond`].

mod admission;
mod check;
pub mod clock;
mod config;
mod connections;
pub mod consortium;
mod dates;
mod fetched;
mod figures;
mod identity;
pub mod logboek;
mod monitor;
#[cfg(unix)]
pub mod operator;
mod padding;
mod page;
mod problem;
mod routes;
mod run;
pub mod schedule;
mod tls;
mod upkept;
mod view;

pub use check::{Checked, check};
pub use config::{Bounds, Config, ConfigError, Listen, MonitorAt, Place, Tls};
pub use consortium::Consortium;
pub use dates::TlsDates;
pub use identity::{Peer, oin_of_certificate};
pub use problem::Problem;
pub use routes::{ROUTES, Route, Server};
pub use run::{Environment, ServeError, Serving, run};

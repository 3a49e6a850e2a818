//! The command as a person or a script runs it, as one program: each module is a file beside this one.

mod common;
mod consortium;

mod after_a_hit;
mod after_a_hit_files;
mod broker_account;
mod commands;
mod concentrate;
mod configuration;
mod demo;
mod keys;
mod officer;
#[cfg(unix)]
mod operate;
mod operator;
mod outputs;
#[cfg(unix)]
mod partner_serve;
#[allow(dead_code, reason = "the service's tests need more of it")]
#[cfg(unix)]
#[path = "../../service/tests/serving/pki.rs"]
mod pki;
mod protocol;
mod readme;
mod register;
mod sandbox;
mod serve;
#[cfg(unix)]
mod serve_commands;
#[cfg(unix)]
mod serve_kills;
#[cfg(unix)]
mod served;
mod setup;
mod slips;
mod statuses;
#[path = "../../service/tests/stub.rs"]
mod stub;
mod sync;

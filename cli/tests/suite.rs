//! The command as a person or a script runs it, as one program: each module is a file beside this one.

mod common;
mod consortium;

mod commands;
mod configuration;
mod demo;
mod keys;
mod operator;
mod protocol;
mod readme;
mod register;
mod sandbox;
mod serve;
mod setup;
mod slips;
mod statuses;
#[path = "../../service/tests/stub.rs"]
mod stub;
mod sync;

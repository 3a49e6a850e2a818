//! The tests of the service through what it shows.

mod client;
mod serving;
mod stub;

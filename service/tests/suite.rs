//! The tests of the service through what it shows.

mod alerts;
mod client;
#[cfg(unix)]
mod desk;
mod examples;
mod lengths;
#[cfg(feature = "otlp")]
mod logboek;
mod logged;
#[cfg(unix)]
mod pages;
mod schedule;
mod serving;
mod stub;
mod town;
mod vectors;

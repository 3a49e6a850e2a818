//! The tests of the service through what it shows.

mod serving;

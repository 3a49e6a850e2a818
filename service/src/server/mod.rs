//! The broker that runs.

//! The fuzz target `ledger_row`: hands the fuzzer's bytes to `fuzz/bodies/ledger_row.rs`.

#![no_main]

#[path = "../bodies/ledger_row.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

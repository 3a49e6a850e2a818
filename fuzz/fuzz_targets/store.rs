//! The fuzz target `store`: hands the fuzzer's bytes to `fuzz/bodies/store.rs`.

#![no_main]

#[path = "../bodies/store.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

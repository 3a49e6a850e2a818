//! The fuzz target `address`: hands the fuzzer's bytes to `fuzz/bodies/address.rs`.

#![no_main]

#[path = "../bodies/address.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

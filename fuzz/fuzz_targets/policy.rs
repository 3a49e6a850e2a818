//! The fuzz target `policy`: hands the fuzzer's bytes to `fuzz/bodies/policy.rs`.

#![no_main]

#[path = "../bodies/policy.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

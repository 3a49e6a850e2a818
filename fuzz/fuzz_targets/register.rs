//! The fuzz target `register`: hands the fuzzer's bytes to `fuzz/bodies/register.rs`.

#![no_main]

#[path = "../bodies/register.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

//! The fuzz target `log_line`: hands the fuzzer's bytes to `fuzz/bodies/log_line.rs`.

#![no_main]

#[path = "../bodies/log_line.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

//! The fuzz target `message`: hands the fuzzer's bytes to `fuzz/bodies/message.rs`.

#![no_main]

#[path = "../bodies/message.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

//! The fuzz target `note`: hands the fuzzer's bytes to `fuzz/bodies/note.rs`.

#![no_main]

#[path = "../bodies/note.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

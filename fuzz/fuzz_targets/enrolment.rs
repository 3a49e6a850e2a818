//! The fuzz target `enrolment`: hands the fuzzer's bytes to `fuzz/bodies/enrolment.rs`.

#![no_main]

#[path = "../bodies/enrolment.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

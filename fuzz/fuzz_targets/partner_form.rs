//! The fuzz target `partner_form`: hands the fuzzer's bytes to `fuzz/bodies/partner_form.rs`.

#![no_main]

#[path = "../bodies/partner_form.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

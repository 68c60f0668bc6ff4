//! Feeds libFuzzer's inputs to `readers::metadata`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpo_fuzz::readers;

fuzz_target!(|input: &[u8]| readers::metadata(input));

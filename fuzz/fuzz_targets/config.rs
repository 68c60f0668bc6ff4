//! Feeds libFuzzer's inputs to `readers::config`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpo_fuzz::readers;

fuzz_target!(|input: &[u8]| readers::config(input));

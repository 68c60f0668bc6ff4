//! Feeds libFuzzer's inputs to `readers::events`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpo_fuzz::readers;

fuzz_target!(|input: &[u8]| readers::events(input));

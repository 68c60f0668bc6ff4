//! Feeds libFuzzer's inputs to `checks::arguments`.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use mcpo_fuzz::{checks, mutation};

fuzz_target!(|input: &[u8]| checks::arguments(input));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match mutation::mutate(&data[..size], max_size, seed) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
});

//! The first tier: tests of the real binary that need nothing but Rust. `cargo test` runs them with the unit tests.
//!
//! A test belongs here if it needs no server but the example server. No test sleeps to synchronise: all wait for events.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at that very line")]
#![allow(dead_code, unused_imports, reason = "the full suite uses the rest of `support`")]

mod support;

mod architecture;
mod circles;
mod config_errors;
mod docs;
mod example_server;
mod gateway;
mod secrets;
mod stalls;

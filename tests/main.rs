//! The tests of mcpo: one crate, all through the front door.
//!
//! Each test starts the real binary, puts real MCP servers (or the fake in `fakes/`) behind it and speaks HTTP
//! to it. `tests/run` installs what they need. No test sleeps to synchronise: all wait for events.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at that very line")]

mod support;

mod access;
mod bad_requests;
mod browser;
mod circles;
mod concurrency;
mod config_errors;
mod config_forms;
mod documents;
mod door;
mod env_file;
mod example_server;
mod faults;
mod forwarding;
mod framing;
mod fuzz_seeds;
mod golden;
mod guards;
mod hostile;
mod jwt;
mod logs;
mod metrics;
mod oauth;
mod odd;
mod pages;
mod proxies;
mod real_servers;
mod reload;
mod results;
mod rooms;
mod rounds;
mod shutdown;
mod slashes;
mod status;
mod systemd;
mod texts;
mod trace_context;
mod traces;

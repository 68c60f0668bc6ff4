//! The full suite: tests of the real binary before real MCP servers, authorization servers, proxies and browsers.
//!
//! `tests/run` installs what they need and runs them. A missing part fails its test; no test is ever skipped. No test
//! sleeps to synchronise: all wait for events.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at that very line")]

mod support;

mod access;
mod bad_requests;
mod browser;
mod concurrency;
mod config_forms;
mod connections;
mod documents;
mod env_file;
mod families;
mod faults;
mod floods;
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
mod rounds;
mod sandbox;
mod shutdown;
mod slashes;
mod status;
mod systemd;
mod trace_context;
mod traces;

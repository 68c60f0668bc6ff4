//! mcpo turns any MCP server into a secured OpenAPI HTTP API.
//!
//! The modules, top down: [`app`] builds and runs the gateway, [`http`] serves requests, [`openapi`] writes documents
//! and [`catalogue`] holds servers and tools. [`upstream`] talks to MCP servers, [`oauth`] logs in to them, [`child`] starts
//! their programs, and [`jwt`] verifies callers' tokens; [`net`] makes the HTTP clients of these three. [`config`] loads the configuration, and
//! [`cli`] parses the command line. [`example_server`] is the MCP server that ships with mcpo.
//!
//! ARCHITECTURE.md says which module may import which, and `tests/architecture.rs` checks it.

pub mod access;
pub mod app;
pub mod bounds;
pub mod catalogue;
pub mod child;
pub mod cli;
pub mod config;
pub mod example_server;
mod excerpt;
pub mod held;
pub mod http;
pub mod jwt;
pub mod net;
pub mod oauth;
pub mod openapi;
pub mod registry;
pub mod secret;
#[cfg(test)]
mod stub;
pub mod systemd;
pub mod telemetry;
pub mod upstream;

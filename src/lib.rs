//! mcpo turns any MCP server into a secured OpenAPI HTTP API.
//!
//! The rooms, top down: [`app`] builds and runs; [`http`] serves; [`openapi`] writes documents; [`catalogue`]
//! knows servers and tools; [`upstream`] talks to MCP servers and [`oauth`] logs in to them; [`jwt`] verifies callers'
//! tokens; [`net`] makes the clients of these three; [`config`] is what all of them were told, and
//! [`cli`] how. [`example_server`] is the MCP server that mcpo brings along. Who may know whom is written in
//! ARCHITECTURE.md and held by `tests/rooms.rs`.

pub mod access;
pub mod app;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod example_server;
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

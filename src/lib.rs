//! mcpo turns any MCP server into a secured OpenAPI HTTP API.
//!
//! The rooms, top down: `cli` reads flags, [`config`] parses them and the file into types that cannot be
//! wrong. Who may know whom is written in ARCHITECTURE.md and held by `tests/rooms.rs`.

pub mod app;
pub mod catalogue;
pub mod config;
pub mod http;
pub mod openapi;
pub mod secret;
pub mod telemetry;
pub mod upstream;

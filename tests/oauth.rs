//! OAuth towards upstreams, against a real authorization server in front of a real MCP server.

mod bed;
mod by_hand;
mod commands;
mod forwarded;
mod guarded;
mod inherited;
mod keeping;
mod kill;
mod login;
mod loopback;
mod machine;
mod public;
mod refresh;
mod restart;
mod revoked;
mod secrets;
mod sse;
mod store;

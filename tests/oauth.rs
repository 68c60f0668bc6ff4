//! OAuth towards upstreams, against a real authorization server in front of a real MCP server.

mod abandoned;
mod answers;
mod by_hand;
mod commands;
mod fake;
mod fixture;
mod forms;
mod forwarded;
mod guarded;
mod inherited;
mod keeping;
mod kill;
mod login;
mod loopback;
mod machine;
mod options;
mod public;
mod refresh;
mod refusals;
mod restart;
mod revoked;
mod secrets;
mod sse;
mod store;

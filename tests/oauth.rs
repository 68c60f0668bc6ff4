//! OAuth towards upstreams, against a real authorization server in front of a real MCP server.

mod bed;
mod by_hand;
mod kill;
mod login;
mod refresh;
mod restart;
mod revoked;
mod secrets;
mod store;

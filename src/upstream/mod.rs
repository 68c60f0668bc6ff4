//! MCP servers: one owned session each, over stdio, streamable HTTP or HTTP+SSE.
//!
//! Other rooms hold a [`Session`]: raw JSON arguments go in, the raw result comes out. Behind it one task connects, lists
//! the tools, waits for the connection's end, backs off and connects again. rmcp drives the protocol's lifecycle
//! (discover or initialize, subscriptions) over our own transports. The payload of a call passes beside it and is
//! never parsed, so that nothing of it can be lost.
//!
//! `session/` uses `transport/`, and both use `protocol/`, never the other way round. A call goes through
//! `session/mod.rs`, `session/connection/tool_call.rs`, `session/connection/handle.rs`, `transport/mod.rs` and the file
//! of its transport. [`Session::status`] is the one thing to watch.
//!
//! Invariant: a request that may have reached a tool is not sent again, unless the tool says that a second run does no
//! more than the first. A further round of a call, which the server asks for, is a request of its own.

mod protocol;
mod session;
mod transport;

pub use crate::child::Confinement;
pub use protocol::{
    error::{CallError, ConnectError},
    excerpt::error_words,
    forwarded::Forwarded,
    json_rpc::{
        frame::Frame,
        reply::{RawReply, RawResult, RpcError},
        well_formed::well_formed,
    },
    listing::{Listing, ServerInfo},
    raw_schema::{RawSchema, most_values},
    request::Call,
    tool::ToolDefinition,
    trace_context::TraceContext,
    warnings::Warnings,
};
pub use session::{
    Session, connection::connector::try_connect, connection_stats::ConnectionStats, status::Status,
};
#[doc(hidden)]
pub use transport::fuzzing;

//! MCP servers: one owned session each, over stdio, streamable HTTP or HTTP+SSE.
//!
//! A [`Session`] is the handle that everyone else holds: raw JSON arguments in, the raw result out. Behind it
//! one task connects, lists the tools, waits for the connection's end, backs off and connects again. rmcp
//! drives the protocol's lifecycle (discover or initialize, notifications, pings) over our own transports;
//! the payload of a call passes beside it, never parsed, so that nothing of it can be lost.
//!
//! Invariant: a request that may have reached a tool is not sent again, unless the tool says that a second run does no
//! more than the first. Where a server asks for a further round of a call, that is a request of its own.

mod protocol;
mod session;
mod transport;

pub use protocol::{
    error::{CallError, ConnectError},
    forwarded::Forwarded,
    json_rpc::{
        frame::Frame,
        reply::{RawReply, RpcError},
        well_formed::well_formed,
    },
    listing::{Listing, ServerInfo},
    request::Call,
    tool::ToolDefinition,
    trace_context::TraceContext,
};
pub use session::{
    Session, connection::connector::try_connect, connection_stats::ConnectionStats, status::Status,
};
pub use transport::stdio::process::kill_groups;

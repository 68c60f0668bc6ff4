//! MCP servers: one owned session each, over stdio, streamable HTTP or HTTP+SSE.
//!
//! A [`Session`] is the handle that everyone else holds: raw JSON arguments in, the raw result out. Behind it
//! one task connects, lists the tools, waits for the connection's end, backs off and connects again. rmcp
//! drives the protocol's lifecycle (discover or initialize, notifications, pings) over our own transports;
//! the payload of a call passes beside it, never parsed, so that nothing of it can be lost.
//!
//! Invariant: a request that may have reached a tool is not sent again, unless the tool says that a second run does no
//! more than the first. Where a server asks for a further round of a call, that is a request of its own.

mod command_line;
mod connection;
mod control;
mod dial;
mod doubt;
mod envelope;
mod error;
mod events;
mod excerpt;
mod forwarded;
mod frame;
mod gate;
mod handshake;
mod health;
mod heartbeat;
mod identified;
mod inbox;
mod input_required;
mod lane;
mod last_words;
mod lines;
mod listing;
mod message;
mod pace;
mod param_headers;
mod people;
mod pool;
mod process;
mod remote;
mod renewals;
mod rpc;
mod session;
mod sse;
mod standard_headers;
mod state;
mod status;
mod stdio;
mod streamable_http;
mod supervisor;
mod tally;
mod tidy;
mod tool;
mod tool_call;
mod tool_list;
mod trace_context;
mod well_formed;
mod wire;

pub use dial::try_connect;
pub use error::{CallError, ConnectError};
pub use forwarded::Forwarded;
pub use frame::Frame;
pub use listing::{Listing, ServerInfo};
pub use message::Call;
pub use process::kill_groups;
pub use rpc::{RawReply, RpcError};
pub use session::Session;
pub use status::Status;
pub use tally::Tally;
pub use tool::Tool;
pub use trace_context::TraceContext;
pub use well_formed::well_formed;

//! The three transports: stdio, streamable HTTP, and the HTTP+SSE of MCP 2024-11-05.

pub(super) mod remote;

//! From an MCP server to its authorization server (RFC 9728, RFC 8414, OpenID Connect Discovery 1.0).

pub(super) mod challenge;
pub(super) mod metadata;
pub(super) mod search;

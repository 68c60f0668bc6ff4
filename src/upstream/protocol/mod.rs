//! MCP's messages, as they are written and as they are read. Nothing here sends or waits.

pub(super) mod error;
pub(super) mod excerpt;
pub(super) mod forwarded;
pub(super) mod human_duration;
pub(super) mod input_required;
pub(super) mod json_rpc;
pub(super) mod listing;
pub(super) mod normalize;
pub(super) mod raw_schema;
pub(super) mod request;
pub(super) mod server_request;
pub(super) mod tool;
pub(super) mod trace_context;
pub(super) mod warnings;

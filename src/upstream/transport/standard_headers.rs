//! The headers in which a stateless request repeats what it is, for proxies that route it (MCP 2026-07-28, SEP-2243).

use http::{HeaderMap, HeaderName};
use rmcp::model::{ClientJsonRpcMessage, GetMeta, JsonRpcMessage, ProtocolVersion};

use super::param_headers::header_value;

pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The headers of one of rmcp's own messages; none if the connection has a session.
pub(super) fn control_headers(message: &ClientJsonRpcMessage) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let JsonRpcMessage::Request(request) = message
        && let Some(version) = request.request.get_meta().protocol_version()
    {
        standard_headers(&mut headers, &version, request.request.method(), None);
    }
    headers
}

/// The headers of a request.
pub(super) fn standard_headers(
    headers: &mut HeaderMap,
    version: &ProtocolVersion,
    method: &str,
    tool: Option<&str>,
) {
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = header_value(value) {
            headers.insert(name, value);
        }
    };
    insert(VERSION, version.as_str());
    insert(METHOD, method);
    if let Some(tool) = tool {
        insert(NAME, tool);
    }
}

//! The `client_header_forwarding` block.

use super::{HeaderForwarding, error::ConfigError, json::Node};

/// Reads the block; `{}` takes every default.
pub(super) fn parse(node: &Node<'_>) -> Result<HeaderForwarding, ConfigError> {
    let object = node.object()?;
    object.expect_keys(&["enabled", "whitelist", "blacklist", "debug_headers"]);
    Ok(HeaderForwarding {
        enabled: object.read("enabled", Node::boolean)?.unwrap_or_default(),
        whitelist: object.read("whitelist", patterns)?.unwrap_or_default(),
        blacklist: object.read("blacklist", patterns)?.unwrap_or_default(),
        debug_headers: object.read("debug_headers", Node::boolean)?.unwrap_or_default(),
    })
}

/// Header names in lower case, each with at most one `*`, at its end.
fn patterns(node: &Node<'_>) -> Result<Vec<String>, ConfigError> {
    let pattern = |node: &Node<'_>| {
        let pattern = node.string()?.to_ascii_lowercase();
        let name = pattern.strip_suffix('*').unwrap_or(&pattern);
        // "*" alone stands for every header.
        if pattern == "*" || (!name.contains('*') && name.parse::<http::HeaderName>().is_ok()) {
            Ok(pattern)
        } else {
            Err(node.error(
                "not a header name; write one as in \"x-user\", or with * at its end, as in \"x-user-*\"",
            ))
        }
    };
    node.list()?.iter().map(pattern).collect()
}

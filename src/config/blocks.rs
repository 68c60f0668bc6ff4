//! The blocks inside a server of the config file: `oauth` and `client_header_forwarding`.

use super::{HeaderForwarding, OAuth, TokenStorage, error::ConfigError, json::Node, remote};

/// The `oauth` block; `{}` takes every default.
pub(super) fn oauth(node: &Node<'_>) -> Result<OAuth, ConfigError> {
    let object = node.object()?;
    object.expect_keys(&["server_url", "storage_type", "callback_port", "use_loopback", "client_metadata"]);
    Ok(OAuth {
        server_url: object
            .read("server_url", |node| remote::url(&node.string()?).map_err(|error| node.error(error)))?,
        storage: object.read("storage_type", storage)?.unwrap_or_default(),
        callback_port: object.read("callback_port", port)?,
        use_loopback: object.read("use_loopback", Node::boolean)?,
        client_metadata: object.read("client_metadata", |node| node.object()?.json())?.unwrap_or_default(),
        ..OAuth::default()
    })
}

fn storage(node: &Node<'_>) -> Result<TokenStorage, ConfigError> {
    match node.string()?.as_str() {
        "file" => Ok(TokenStorage::File),
        "memory" => Ok(TokenStorage::Memory),
        other => Err(node.error(format_args!("unknown storage \"{other}\"; use \"file\" or \"memory\""))),
    }
}

/// A port that a redirect URI can name, so not 0.
fn port(node: &Node<'_>) -> Result<u16, ConfigError> {
    let port = node.number()?.as_u64().and_then(|port| u16::try_from(port).ok());
    port.filter(|port| *port != 0).ok_or_else(|| node.error("not a port; use a number from 1 to 65535"))
}

/// The `client_header_forwarding` block.
pub(super) fn forwarding(node: &Node<'_>) -> Result<HeaderForwarding, ConfigError> {
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

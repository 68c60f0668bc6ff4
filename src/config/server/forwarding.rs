//! The `client_header_forwarding` block: which of a caller's headers are forwarded to a server.
//!
//! Invariant: whatever the lists say, headers that belong to the caller's connection with the gateway, to the gateway's
//! connection with the server, or to the gateway itself are not forwarded.

use std::borrow::Cow;

use crate::config::{ConfigError, json::ConfigNode};

/// Never forwarded. A name that ends in `-` stands for all that begin with it.
const NEVER: [&str; 23] = [
    // Of one connection (RFC 9110 section 7.6.1); what `Connection` names is left out of each request.
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // Of one request and its body: upstream both are others.
    "accept",
    "accept-",
    "content-",
    "expect",
    "host",
    "if-",
    "max-forwards",
    "origin",
    "range",
    // Meant for the gateway itself.
    "cookie",
    "set-cookie",
    // Set by the MCP client, which is the gateway, and by trace propagation, which is separate.
    "last-event-id",
    "mcp-",
    "traceparent",
    "tracestate",
];

/// Forwarded only if the list has the whole name, not a pattern: credentials, and headers that describe a program, a
/// connection or a single request rather than a caller.
const BY_NAME: [&str; 14] = [
    "authorization",
    "cache-control",
    "dnt",
    "forwarded",
    "pragma",
    "priority",
    "referer",
    "sec-",
    "user-agent",
    "via",
    "x-correlation-id",
    "x-forwarded-",
    "x-real-ip",
    "x-request-id",
];

/// Which of the caller's headers are forwarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderForwarding {
    /// Empty: all.
    allowed: Vec<Pattern>,
    /// These win over `allowed`.
    denied: Vec<Pattern>,
    /// Headers that mcpo sets itself.
    own: Vec<String>,
    /// Whether the names of forwarded headers are logged.
    pub debug: bool,
}

/// Header names, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exactly(String),
    /// All that begin so.
    Prefix(String),
}

impl Pattern {
    fn parse(node: &ConfigNode<'_>) -> Result<Self, ConfigError> {
        let text = node.string()?.to_ascii_lowercase();
        let (name, pattern) = match text.strip_suffix('*') {
            Some(prefix) => (prefix, Self::Prefix(prefix.to_owned())),
            None => (text.as_str(), Self::Exactly(text.clone())),
        };
        // "*" alone matches every header.
        if text == "*" || (!name.contains('*') && name.parse::<http::HeaderName>().is_ok()) {
            Ok(pattern)
        } else {
            Err(node.error(
                "not a header name; write one as in \"x-user\", or with * at its end, as in \"x-user-*\"",
            ))
        }
    }

    fn canonical(self) -> Self {
        match self {
            Self::Exactly(name) => Self::Exactly(canonical(&name).into_owned()),
            Self::Prefix(prefix) => Self::Prefix(canonical(&prefix).into_owned()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exactly(exact) => exact == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }

    /// Returns why an allowed pattern forwards nothing; `None` if it may forward something.
    fn idle(&self, own: &[String]) -> Option<&'static str> {
        match self {
            Self::Exactly(name) if is_in(&NEVER, &canonical(name)) => Some("is never forwarded"),
            Self::Exactly(name) if own.iter().any(|own| *own == canonical(name)) => {
                Some("is not forwarded: mcpo gives this header a value of its own, or takes it for itself")
            }
            Self::Prefix(prefix) if is_in(&NEVER, prefix) => Some("matches only what is never forwarded"),
            Self::Prefix(prefix) if is_in(&BY_NAME, prefix) => {
                Some("forwards nothing: write the whole names of these headers")
            }
            Self::Exactly(_) | Self::Prefix(_) => None,
        }
    }
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| if known.ends_with('-') { name.starts_with(known) } else { name == *known })
}

impl HeaderForwarding {
    /// Whether a header with this lower-case name is forwarded.
    pub fn forwards(&self, name: &str) -> bool {
        let read_as = canonical(name);
        let named = |pattern: &Pattern| matches!(pattern, Pattern::Exactly(exact) if exact == name);
        let allowed = match is_in(&BY_NAME, &read_as) || read_as != name {
            true => self.allowed.iter().any(named),
            false => self.allowed.is_empty() || self.allowed.iter().any(|pattern| pattern.matches(name)),
        };
        allowed
            && !self.denied.iter().any(|pattern| pattern.matches(&read_as))
            && !is_in(&NEVER, &read_as)
            && !self.own.iter().any(|own| *own == read_as)
    }
}

/// Returns the name as servers may read it: CGI and WSGI take `_`, and some programs `.`, for `-`. A caller could
/// otherwise pass off a header of its own as one that is denied, or that a proxy in front sets (CVE-2025-64484).
fn canonical(name: &str) -> Cow<'_, str> {
    if name.contains(['_', '.']) { name.replace(['_', '.'], "-").into() } else { name.into() }
}

/// Reads the block; `None` if it is not enabled. `own` are the headers that mcpo sets itself.
pub(crate) fn parse(node: &ConfigNode<'_>, own: &[String]) -> Result<Option<HeaderForwarding>, ConfigError> {
    let object = node.object()?;
    object.expect_keys(&["enabled", "whitelist", "blacklist", "debug_headers"]);
    let enabled = object.read("enabled", ConfigNode::boolean)?.unwrap_or_default();
    let whitelist = object.read("whitelist", ConfigNode::list)?.unwrap_or_default();
    let allowed = whitelist.iter().map(Pattern::parse).collect::<Result<Vec<_>, _>>()?;
    let denied = object.read("blacklist", ConfigNode::list)?.unwrap_or_default();
    let denied = denied.iter().map(|node| Ok(Pattern::parse(node)?.canonical()));
    let denied = denied.collect::<Result<_, ConfigError>>()?;
    let own: Vec<String> = own.iter().map(|name| canonical(name).into_owned()).collect();
    let debug = object.read("debug_headers", ConfigNode::boolean)?.unwrap_or_default();
    if !enabled {
        return Ok(None);
    }
    for (pattern, node) in allowed.iter().zip(&whitelist) {
        if let Some(reason) = pattern.idle(&own) {
            node.warn(reason);
        }
    }
    Ok(Some(HeaderForwarding { allowed, denied, own, debug }))
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{parse, server};

    /// Which of `names` are forwarded with this inside the block.
    fn forwarded<'n>(inside: &str, names: &[&'n str]) -> Vec<&'n str> {
        let block = format!(
            r#""url": "http://h", "headers": {{"X-Ours": "1"}}, "client_header_forwarding": {{"enabled": true, {inside}}}"#
        );
        let forwarding = server(&block).forwarding.expect("enabled");
        names.iter().copied().filter(|name| forwarding.forwards(name)).collect()
    }

    #[test]
    fn lists_are_of_names_and_beginnings_and_denial_wins() {
        let names = ["x-user-id", "x-user-email", "x-tenant", "x-user"];
        assert_eq!(forwarded(r#""whitelist": ["X-USER-*", "X-Tenant"]"#, &names), names[..3]);
        assert_eq!(forwarded(r#""whitelist": ["*"], "blacklist": ["X-User*"]"#, &names), ["x-tenant"]);
        assert_eq!(
            forwarded(r#""blacklist": ["x-tenant"]"#, &names),
            ["x-user-id", "x-user-email", "x-user"]
        );
        assert_eq!(forwarded(r#""blacklist": ["*"]"#, &names), [""; 0]);
        assert_eq!(forwarded(r#""whitelist": []"#, &names), names);
    }

    #[test]
    fn some_headers_are_never_forwarded() {
        let never = [
            "connection",
            "keep-alive",
            "proxy-authorization",
            "te",
            "transfer-encoding",
            "upgrade",
            "host",
            "content-length",
            "content-type",
            "accept",
            "accept-language",
            "cookie",
            "expect",
            "range",
            "if-none-match",
            "mcp-session-id",
            "mcp-param-x",
            "last-event-id",
            "traceparent",
            "origin",
            "x-ours",
        ];
        assert_eq!(forwarded(r#""whitelist": ["*"]"#, &never), [""; 0]);
        assert_eq!(forwarded(r#""debug_headers": true"#, &never), [""; 0]);
    }

    #[test]
    fn a_name_that_a_server_may_read_as_another_wants_to_be_named() {
        let names =
            ["x_user", "x.user", "x_ours", "mcp_session_id", "x_forwarded_for", "authorization", "x_role"];
        assert_eq!(forwarded(r#""whitelist": ["*", "x*"]"#, &names), [""; 0]);
        assert_eq!(forwarded(r#""debug_headers": false"#, &names), [""; 0]);
        let all = r#""whitelist": ["x_user", "X.User", "X_Forwarded_For", "x_role"]"#;
        let denied = format!(r#"{all}, "blacklist": ["X-Role"]"#);
        assert_eq!(forwarded(&denied, &names), ["x_user", "x.user", "x_forwarded_for"]);
        assert_eq!(forwarded(r#""blacklist": ["x_role"]"#, &["x-role", "x-other"]), ["x-other"]);
        assert_eq!(forwarded(r#""whitelist": ["x_user"]"#, &["x-user", "x_user"]), ["x_user"]);
    }

    #[test]
    fn some_headers_want_to_be_named() {
        let names =
            ["authorization", "x-forwarded-for", "x-forwarded-user", "user-agent", "x-request-id", "sec-gpc"];
        assert_eq!(forwarded(r#""whitelist": ["*", "x-*", "Auth*"]"#, &names), [""; 0]);
        assert_eq!(forwarded(r#""debug_headers": false"#, &names), [""; 0]);
        let named = r#""whitelist": ["Authorization", "X-Forwarded-User"]"#;
        assert_eq!(forwarded(named, &names), ["authorization", "x-forwarded-user"]);
    }

    #[test]
    fn what_is_allowed_in_vain_is_warned_of() {
        let warnings = |inside: &str, list: &str| {
            let block = format!(r#""client_header_forwarding": {{"enabled": true, "whitelist": [{list}]}}"#);
            let file =
                parse(&format!(r#"{{"mcpServers": {{"a": {{"url": "http://h", {inside}{block}}}}}}}"#));
            file.warnings
        };
        let place = "config.json:1: mcpServers.a.client_header_forwarding.whitelist[0]:";
        let own = "is not forwarded: mcpo gives this header a value of its own, or takes it for itself";
        for (inside, list, warning) in [
            ("", r#""Cookie""#, "is never forwarded"),
            ("", r#""MCP-*""#, "matches only what is never forwarded"),
            ("", r#""X-Forwarded-*""#, "forwards nothing: write the whole names of these headers"),
            ("", r#""mcp_session_id""#, "is never forwarded"),
            (r#""headers": {"X-A": "1"}, "#, r#""x-a""#, own),
            (r#""headers": {"X-A": "1"}, "#, r#""x_a""#, own),
            (r#""headers": {"Authorization": "1"}, "#, r#""authorization""#, own),
            (r#""oauth": {}, "#, r#""Authorization""#, own),
        ] {
            assert_eq!(warnings(inside, list), [format!("{place} {warning}")], "{inside} {list}");
        }
        assert_eq!(warnings("", r#""Authorization", "X-*", "*", "X-Forwarded-User""#), [""; 0]);
    }
}

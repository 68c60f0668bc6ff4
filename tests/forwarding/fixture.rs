//! Servers that are told who calls, and callers who say it.

use reqwest::{Method, header::HeaderName};
use serde_json::{Value, json};

use crate::support::{Answer, Gateway};

/// The block, enabled, with these headers allowed.
pub(super) fn allowing(whitelist: &[&str]) -> Value {
    json!({ "enabled": true, "whitelist": whitelist })
}

/// `server` with the block.
pub(super) fn with(mut server: Value, forwarding: Value) -> Value {
    server["client_header_forwarding"] = forwarding;
    server
}

/// Calls a tool with these headers beside.
pub(super) async fn call(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut call = gateway.request(Method::POST, path).json(&json!({ "region": "eu" }));
    for (name, value) in headers {
        call = call.header(name.parse::<HeaderName>().unwrap(), *value);
    }
    gateway.send(call).await
}

/// What `whoami` tells of such a call.
pub(super) async fn whoami(gateway: &Gateway, headers: &[(&str, &str)]) -> Value {
    let answer = call(gateway, "/server/whoami", headers).await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", gateway.log());
    answer.json()
}

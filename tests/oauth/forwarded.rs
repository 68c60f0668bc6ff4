//! Callers with headers of their own, before a server for which mcpo holds a token.

use reqwest::Method;
use serde_json::json;

use super::fixture::{ECHO, Fixture, echoes};
use crate::support::Gateway;

/// Calls the tool, which must work, with one header beside.
async fn calls(gateway: &Gateway, name: &str, value: &str) {
    let call = gateway.request(Method::POST, ECHO).header(name, value).json(&json!({ "message": value }));
    let answer = gateway.send(call).await;
    assert_eq!((answer.status, answer.json()), (200, json!(format!("Echo: {value}"))), "{}", gateway.log());
}

/// The token is mcpo's for every caller, whatever they send, and is renewed for them where it was revoked.
#[tokio::test]
async fn callers_go_with_the_token_of_mcpo() {
    let forwarding = json!({ "enabled": true, "whitelist": ["X-User", "Authorization"] });
    let fixture = Fixture::of(|authorization| {
        json!({ "type": "streamable-http", "url": authorization.mcp(), "client_header_forwarding": forwarding })
    })
    .await;
    let gateway = fixture.logged_in().await;
    calls(&gateway, "X-User", "ada").await;
    calls(&gateway, "Authorization", "Bearer of-the-caller").await;
    let before = fixture.authorization.count("refresh_token ok").await;
    fixture.authorization.revoke_access().await;
    calls(&gateway, "X-User", "ada").await;
    calls(&gateway, "X-User", "bob").await;
    echoes(&gateway, "all").await;
    assert_eq!(fixture.authorization.count("refresh_token ok").await, before + 1);
    gateway.stop().await;
}

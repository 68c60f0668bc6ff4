//! What was granted outlives the gateway.

use std::fs;

use serde_json::json;

use super::fixture::{Fixture, answered, log_in, needs_login, works};
use crate::support::{authorization::AuthorizationServer, namespace};

#[tokio::test]
async fn a_restart_before_the_expiry_needs_no_login() {
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        fixture.logged_in().await.stop().await;
        let gateway = fixture.launch().ready().await;
        works(&gateway).await;
        gateway.stop().await;
        let counts = fixture.authorization.counts().await;
        assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "{counts:?}");
        assert_eq!(counts["token arrived"], 1, "the old access token serves on: {counts:?}");
    }
}

#[tokio::test]
async fn a_restart_after_the_expiry_needs_no_login() {
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        fixture.authorization.life(2).await;
        fixture.logged_in().await.stop().await;
        fixture.authorization.expired().await;
        fixture.authorization.life(3600).await;
        let before = fixture.authorization.count("token arrived").await;
        let gateway = fixture.launch().ready().await;
        works(&gateway).await;
        gateway.stop().await;
        let counts = fixture.authorization.counts().await;
        assert_eq!((counts["logins granted"], counts["registrations"]), (1, 1), "{counts:?}");
        assert_eq!(counts["token arrived"], before + 1, "{counts:?}");
    }
}

/// Started while there is no authorization server, it works as soon as there is.
#[tokio::test]
async fn a_restart_without_the_authorization_server_waits_for_it() {
    let fixture = Fixture::http().await;
    fixture.logged_in().await.stop().await;
    fixture.authorization.revoke_access().await;
    fixture.authorization.down().await;
    let gateway = fixture.launch().start().await;
    let answer = answered(&gateway).await;
    assert!(matches!(answer.status, 502..=504), "{answer:?}\nlog:\n{}", gateway.log());
    answer.error(answer.status);
    fixture.authorization.up().await;
    works(&gateway).await;
    assert_eq!(fixture.authorization.count("logins granted").await, 1);
    gateway.stop().await;
}

/// What was revoked meanwhile asks for a login.
#[tokio::test]
async fn a_restart_after_a_revocation_asks_for_a_login() {
    let fixture = Fixture::http().await;
    fixture.logged_in().await.stop().await;
    fixture.authorization.revoke_access().await;
    fixture.authorization.revoke_refresh().await;
    let gateway = fixture.launch().start().await;
    needs_login(&gateway).await;
    log_in(&gateway).await;
    gateway.stop().await;
}

/// Servers inside that are known by name: after a restart the token is refreshed although nothing but an answer of the
/// MCP server shows where it is, and nothing but a challenge where its metadata is.
#[tokio::test]
async fn a_restart_inside_a_private_network_needs_no_login() {
    const HOST: &str = "mcp-server.test";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, format!("127.0.0.1 localhost {HOST}\n")).expect("a file");
    let Some(wrapper) = namespace::with_hosts(&hosts) else { return };
    let wrapper: Vec<_> = wrapper.iter().map(String::as_str).collect();
    let server = |it: &AuthorizationServer| json!({ "type": "streamable-http", "url": it.mcp() });
    let fixture = Fixture::before(AuthorizationServer::named(HOST).await, server);
    fixture.authorization.life(2).await;
    let gateway = fixture.launch().inside(&wrapper).start().await;
    log_in(&gateway).await;
    gateway.stop().await;
    fixture.authorization.expired().await;
    fixture.authorization.life(3600).await;
    for _ in 0..2 {
        let gateway = fixture.launch().inside(&wrapper).start().await;
        works(&gateway).await;
        gateway.stop().await;
        // The next one learns of it by a 401.
        fixture.authorization.revoke_access().await;
    }
    assert_eq!(fixture.authorization.count("logins granted").await, 1);
}

//! Logins that nobody brings to an end: they register one client.

use serde_json::json;

use super::{
    commands::Desk,
    fake::{Fake, Reply},
    fixture::{Fixture, log_in, needs_login, works},
};
use crate::support::{Gateway, browser::Browser, upstream::free_port};

/// Begins a login and closes the page.
async fn abandon(gateway: &Gateway) {
    let url = needs_login(gateway).await;
    let left = Browser::new().follow(&url, |url| matches!(url.path(), "/auth" | "/authorize")).await;
    assert!(left.is_err(), "{left:?}");
}

#[tokio::test]
async fn abandoned_logins_register_one_client() {
    let callback = json!({ "callback_port": free_port() });
    let fixture = Fixture::of(
        |authorization| json!({ "type": "streamable-http", "url": authorization.mcp(), "oauth": callback }),
    )
    .await;
    let gateway = fixture.launch().start().await;
    for _ in 0..8 {
        abandon(&gateway).await;
    }
    assert_eq!(fixture.authorization.count("registrations").await, 1);
    gateway.stop().await;
    // After a restart as well.
    let gateway = fixture.launch().start().await;
    abandon(&gateway).await;
    log_in(&gateway).await;
    works(&gateway).await;
    let counts = fixture.authorization.counts().await;
    assert_eq!((counts["registrations"], counts["logins granted"]), (1, 1), "{counts:?}");
    gateway.stop().await;
}

/// A registration is no login.
#[tokio::test]
async fn nobody_is_logged_in_by_a_registration() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    abandon(&gateway).await;
    Desk::new(&fixture).run(&["logout"]).await.well("there are no tokens of guarded");
    log_in(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_is_forgotten_is_registered_once_more() {
    let fixture = Fixture::http().await;
    let gateway = fixture.launch().start().await;
    abandon(&gateway).await;
    fixture.authorization.forget_clients().await;
    for _ in 0..3 {
        abandon(&gateway).await;
    }
    log_in(&gateway).await;
    assert_eq!(fixture.authorization.count("registrations").await, 2);
    gateway.stop().await;
}

/// Whatever the token endpoint says to the question whether it knows the client, in a table of those that do not.
#[tokio::test]
async fn a_server_says_in_its_own_words_that_it_knows_a_client() {
    for (status, body, registrations) in [
        (400, r#"{"error":"invalid_grant"}"#, 1),
        (200, "error=bad_verification_code", 1),
        (400, "no", 1),
        (503, "", 1),
        (404, "", 1),
        (400, r#"{"error":"invalid_client"}"#, 2),
        (401, r#"{"error":"invalid_client","error_description":"who?"}"#, 2),
        (400, r#"{"error":"unauthorized_client"}"#, 2),
        (401, "Unauthorized", 2),
    ] {
        let fake = Fake::start(move |ask, reply| match ask.path.as_str() {
            "/token" => Reply::new(status, body),
            _ => reply,
        })
        .await;
        let gateway = Gateway::config(&json!({ "guarded": fake.config(&json!({})) })).start().await;
        abandon(&gateway).await;
        abandon(&gateway).await;
        assert_eq!(fake.asked("/register").len(), registrations, "{status} {body}");
        gateway.stop().await;
    }
}

/// A client is registered for what logins ask for: one that may ask for less does not do.
#[tokio::test]
async fn more_scopes_need_another_registration() {
    let fake = Fake::plain().await;
    let tokens = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    for (scope, registrations) in [("a b", 1), ("b", 1), ("b c", 2), ("b c", 2)] {
        let oauth = json!({ "callback_port": port, "client_metadata": { "scope": scope } });
        let servers = json!({ "guarded": fake.config(&oauth) });
        let folder = tokens.path().to_str().expect("UTF-8");
        let gateway = Gateway::config(&servers).options(["--token-dir", folder]).start().await;
        abandon(&gateway).await;
        assert_eq!(fake.asked("/register").len(), registrations, "{scope}");
        gateway.stop().await;
    }
}

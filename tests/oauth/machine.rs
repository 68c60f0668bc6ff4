//! Without a person: client credentials, and servers that want a key and know nothing of OAuth.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::fixture::{ECHO, Fixture, answered, works};
use crate::support::{Gateway, eventually};

/// mcpo acts for itself: it has a token from the start, and a new one before each ends.
#[tokio::test]
async fn client_credentials_need_no_login() {
    let fixture = Fixture::of(|authorization| {
        let secret = "a-secret-of-the-client-machine";
        let oauth = json!({
            "grant_type": "client_credentials", "client_id": "machine", "client_secret": secret,
        });
        json!({ "type": "streamable-http", "url": authorization.mcp(), "oauth": oauth })
    })
    .await;
    fixture.authorization.life(2).await;
    let gateway = fixture.launch().ready().await;
    works(&gateway).await;
    fixture.authorization.until("client_credentials ok", 3).await;
    works(&gateway).await;
    gateway.get("/oauth/guarded/login").await.page(502);
    let log = gateway.stop().await;
    assert!(!log.contains("/oauth/guarded/login"), "{log}");
}

/// Answers every request with 401 and nothing else. Ended when dropped.
async fn locked_server() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = stream.read(&mut request).await;
            let answer = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, task)
}

/// A call's message once the gateway has found out that it cannot connect.
async fn refusal(gateway: &Gateway, hint: &str) -> String {
    eventually(&format!("the answer names {hint:?}"), async || {
        let answer = answered(gateway).await;
        assert!(matches!(answer.status, 502 | 503), "{answer:?}");
        let message = answer.error(answer.status);
        message.contains(hint).then_some(message)
    })
    .await
}

#[tokio::test]
async fn a_server_that_wants_a_key_offers_no_login() {
    let (url, _server) = locked_server().await;
    let gateway = Gateway::config(&json!({ "guarded": { "url": url } })).start().await;
    let message = refusal(&gateway, "put it into the server's headers").await;
    assert!(message.contains("401") && !message.contains("/login"), "{message}");
    let state = gateway.get("/status").await.json();
    assert_eq!(state["servers"][0]["state"], "backing off", "{state}");
    assert_eq!(state["servers"][0]["authorization_url"], json!(null), "{state}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_configured_key_that_is_refused_is_told() {
    let fixture = Fixture::of(
        |authorization| json!({ "url": authorization.mcp(), "headers": { "Authorization": "Bearer wrong" } }),
    )
    .await;
    let gateway = fixture.launch().start().await;
    let message = refusal(&gateway, "refuses the configured credentials (HTTP 401)").await;
    assert!(!message.contains("wrong"), "{message}");
    assert_eq!(gateway.get("/oauth/guarded/login").await.status, 404);
    assert_eq!(gateway.get(ECHO).await.status, 503);
    gateway.stop().await;
}

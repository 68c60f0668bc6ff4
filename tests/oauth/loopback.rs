//! `callback_port`: logins at the gateway that come back to a port of their own.

use std::{fs, net::TcpListener};

use serde_json::{Value, json};

use super::fixture::{Fixture, needs_login, works};
use crate::support::{Gateway, browser::Browser, eventually, upstream::free_port};

fn server(url: &str, port: u16) -> Value {
    json!({ "type": "streamable-http", "url": url, "oauth": { "callback_port": port } })
}

async fn free_again(port: u16) {
    eventually("the port is free", async || TcpListener::bind(("127.0.0.1", port)).ok()).await;
}

#[tokio::test]
async fn a_login_comes_back_to_its_port() {
    let port = free_port();
    let fixture = Fixture::of(|authorization| server(&authorization.mcp(), port)).await;
    let gateway = fixture.launch().start().await;
    let url = needs_login(&gateway).await;
    drop(TcpListener::bind(("127.0.0.1", port)).expect("nobody listens as long as nobody logs in"));
    let mut browser = Browser::new();
    let page = browser.open(&url).await;
    assert_eq!(page.status, 200, "{page:?}");
    let back = browser.visited.last().expect("a callback");
    assert_eq!(back.port(), Some(port), "{back}");
    works(&gateway).await;
    free_again(port).await;
    gateway.stop().await;
}

/// A client that mcpo registers may come back to the gateway itself.
#[tokio::test]
async fn a_busy_port_is_evaded() {
    let port = free_port();
    let fixture = Fixture::of(|authorization| server(&authorization.mcp(), port)).await;
    let _busy = TcpListener::bind(("127.0.0.1", port)).expect("a port");
    let gateway = fixture.launch().start().await;
    let url = needs_login(&gateway).await;
    let mut browser = Browser::new();
    browser.open(&url).await.page(200);
    assert_eq!(browser.visited.last().expect("a callback").path(), "/oauth/callback");
    works(&gateway).await;
    gateway.stop().await;
}

/// One that was registered by hand may not, and the page says so.
#[tokio::test]
async fn a_busy_port_is_an_error_for_a_client_of_the_config() {
    let port = free_port();
    let fixture = Fixture::of(|authorization| {
        let oauth = json!({ "callback_port": port, "client_id": "by-hand" });
        json!({ "type": "streamable-http", "url": authorization.mcp(), "oauth": oauth })
    })
    .await;
    let _busy = TcpListener::bind(("127.0.0.1", port)).expect("a port");
    let gateway = fixture.launch().start().await;
    let page = Browser::new().open(&needs_login(&gateway).await).await;
    assert!(page.page(502).contains(&format!("callback port {port}: ")), "{page:?}");
    gateway.stop().await;
}

/// A login that gets no further than its start leaves the port free.
#[tokio::test]
async fn a_login_that_does_not_start_holds_no_port() {
    let port = free_port();
    let nowhere = format!("http://127.0.0.1:{}/mcp", free_port());
    let gateway = Gateway::config(&json!({ "one": server(&nowhere, port) })).start().await;
    for _ in 0..5 {
        gateway.get("/oauth/one/login").await;
        free_again(port).await;
    }
    gateway.stop().await;
}

/// Two servers share a port, and two logins are under way at once.
#[tokio::test]
async fn two_servers_share_a_port() {
    let port = free_port();
    let fixture = Fixture::http().await;
    let url = fixture.authorization.mcp();
    let servers = json!({ "one": server(&url, port), "two": server(&url, port) });
    let folder = fixture.tokens().to_str().expect("UTF-8");
    let gateway = Gateway::config(&servers).options(["--token-dir", folder]).start().await;
    let mut callbacks = Vec::new();
    for name in ["one", "two"] {
        let path = format!("/{name}/echo");
        let url = eventually("a call asks for a login", async || {
            let answer = gateway.call(&path, &json!({ "message": "?" })).await;
            (answer.status == 401).then(|| super::fixture::asks_for_login(&answer))
        })
        .await;
        let mut browser = Browser::new();
        let callback = browser.follow(&url, |url| url.port() == Some(port)).await.expect_err("a callback");
        callbacks.push((browser, callback));
    }
    for (browser, callback) in &mut callbacks {
        browser.open(callback.as_str()).await.page(200);
    }
    for name in ["one", "two"] {
        gateway.document(&format!("/{name}")).await;
    }
    free_again(port).await;
    gateway.stop().await;
}

/// After a reload it is the server in force that is logged in to.
#[tokio::test]
async fn a_login_outlives_a_reload() {
    let port = free_port();
    let fixture = Fixture::http().await;
    let servers = |key: &str| {
        // Tokens in memory are known to one session alone.
        let oauth = json!({ "callback_port": port, "storage_type": "memory" });
        let headers = json!({ "x-key": key });
        let url = fixture.authorization.mcp();
        json!({ "guarded": { "type": "streamable-http", "url": url, "oauth": oauth, "headers": headers } })
    };
    let gateway = Gateway::config(&servers("old")).options(["--hot-reload"]).start().await;
    let url = needs_login(&gateway).await;
    let mut browser = Browser::new();
    let callback = browser.follow(&url, |url| url.port() == Some(port)).await.expect_err("a callback");
    let config = json!({ "mcpServers": servers("new") });
    fs::write(gateway.file("config.json"), config.to_string()).expect("a file");
    eventually("the new session wants a login", async || {
        (gateway.log().matches("needs authorization").count() > 1).then_some(())
    })
    .await;
    browser.open(callback.as_str()).await.page(200);
    works(&gateway).await;
    gateway.stop().await;
}

//! Servers that have moved, or say so: a message is sent again as it is, or the reason names the redirect.

use serde_json::json;

use crate::support::{Gateway, eventually, upstream::Remote};

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_method_and_body() {
    let remote = Remote::fake("", &[]).await;
    let base = remote.url.trim_end_matches('/');
    let mut servers = serde_json::Map::new();
    for status in [301, 302, 307, 308] {
        for (form, location) in [
            ("absolute", format!("{base}/mcp")),
            ("path", "/mcp".to_owned()),
            ("relative", "../mcp".to_owned()),
        ] {
            let url = format!("{base}/redirect/{status}?{location}");
            servers.insert(format!("{status}-{form}"), json!({ "type": "http", "url": url }));
            servers.insert(format!("{status}-{form}-probed"), json!({ "url": url }));
        }
        servers.insert(
            format!("{status}-sse"),
            json!({ "type": "sse", "url": format!("{base}/redirect/{status}?/sse") }),
        );
    }
    // A stream is asked for with GET, which 303 suits.
    servers
        .insert("303-sse".to_owned(), json!({ "type": "sse", "url": format!("{base}/redirect/303?/sse") }));
    let gateway = Gateway::config(&servers.clone().into()).ready().await;
    for name in servers.keys() {
        let told = gateway.result(&format!("/{name}/call"), &json!({ "a": 1 })).await;
        assert!(told.to_string().contains("arguments"), "{name}: {told}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_named() {
    let remote = Remote::fake("", &[]).await;
    let base = remote.url.trim_end_matches('/');
    let port = base.rsplit(':').next().unwrap();
    let secure = format!("https://127.0.0.1:{port}");
    for (status, location, reason) in [
        (
            301,
            "https://example.com/mcp?key=hunter2".to_owned(),
            "it redirects to https://example.com; if that is right".to_owned(),
        ),
        (
            308,
            format!("{secure}/hunter2"),
            format!("it redirects to {secure}; if that is right, configure a URL there"),
        ),
        (307, "//other.test/hunter2".to_owned(), "it redirects to http://other.test; ".to_owned()),
        (302, "mailto:hunter2@example.com".to_owned(), "it redirects to mailto; ".to_owned()),
        (
            303,
            "/hunter2".to_owned(),
            format!("it answers a POST with a redirect (HTTP 303) to a page at {base}"),
        ),
        (301, String::new(), "it redirects (HTTP 301), and does not say where to".to_owned()),
        (
            302,
            "/redirect/302?/redirect/302".to_owned(),
            "it redirects (HTTP 302), and does not say where to".to_owned(),
        ),
        (302, "/circle".to_owned(), "it redirects in a circle".to_owned()),
    ] {
        let url = format!("{base}/redirect/{status}?{location}");
        let gateway = Gateway::config(&json!({ "moved": { "type": "http", "url": url } })).start().await;
        eventually(&format!("{status} {location}: {reason}"), async || {
            let answer = gateway.call("/moved/call", &json!({})).await;
            answer.error(503).contains(&reason).then_some(())
        })
        .await;
        let log = gateway.stop().await;
        assert!(!log.contains("hunter2"), "{log}");
    }
}

//! For which host a request is, where it comes from, and what answers are sent with.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Gateway, launch::Launch, parts, wire::hear};

fn launch() -> Launch {
    Gateway::config(&json!({ "fake": parts::fake(&[]) }))
}

async fn call(gateway: &Gateway, host: &str) -> u16 {
    let request = gateway.request(Method::POST, "/fake/call").header("host", host).json(&json!({}));
    gateway.send(request).await.status
}

/// A page whose name leads to this machine gets nothing, whatever else it sends; a browser's own names do.
#[tokio::test]
async fn a_rebound_name_is_refused() {
    let gateway = launch().ready().await;
    for host in ["localhost", "localhost:8000", "127.0.0.1:8000", "127.0.0.2", "[::1]:8000", "mcpo.localhost"]
    {
        assert_eq!(call(&gateway, host).await, 200, "{host}");
    }
    for host in ["evil.example", "evil.example:8000", "192.168.0.1", "localhost.evil.example"] {
        assert_eq!(call(&gateway, host).await, 421, "{host}");
    }
    for (method, path) in
        [(Method::GET, "/openapi.json"), (Method::OPTIONS, "/fake/call"), (Method::GET, "/")]
    {
        let request = gateway.request(method, path).header("host", "evil.example");
        let request = request.header("origin", "http://evil.example").header("x-forwarded-host", "localhost");
        let answer = gateway.send(request).await;
        assert_eq!(answer.status, 421, "{path}: {answer:?}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("--public-url"), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    gateway.stop().await;
}

/// A reverse proxy on the same machine may pass the client's Host on, where that is the public URL's.
#[tokio::test]
async fn the_public_host_is_ours() {
    let options = ["--public-url", "https://Tools.example/mcp", "--root-path", "/mcp"];
    let gateway = launch().options(options).ready().await;
    for (host, status) in [("tools.example", 200), ("localhost", 200), ("evil.example", 421)] {
        assert_eq!(call(&gateway, host).await, status, "{host}");
    }
    gateway.stop().await;
}

/// The host in an absolute target counts before the header (RFC 9112 section 3.2.2), below a root path, too.
#[tokio::test]
async fn an_absolute_target_names_the_host() {
    let gateway = launch().options(["--root-path", "/mcp"]).ready().await;
    let port = reqwest::Url::parse(gateway.base()).unwrap().port().unwrap();
    for (target, host, status) in [
        (format!("http://evil.example:{port}/mcp/status"), "localhost", 421),
        (format!("http://evil.example:{port}/status"), "localhost", 421),
        (format!("http://localhost:{port}/mcp/status"), "evil.example", 200),
        (format!("http://localhost:{port}/status"), "evil.example", 200),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(hear(gateway.say(request.as_bytes()).await).await.status, status, "{target}, {host}");
    }
    gateway.stop().await;
}

/// Who listens on a network knows not by which names it is reached, and is warned if anybody may call.
#[tokio::test]
async fn a_network_is_open_and_told_so() {
    let warning = "there is no API key, so whoever can reach port";
    let gateway = launch().options(["--host", "0.0.0.0"]).ready().await;
    assert_eq!(call(&gateway, "tools.example").await, 200);
    assert_eq!(gateway.stop().await.matches(warning).count(), 1);
    let gateway = launch().options(["--host", "0.0.0.0", "--api-key", "key"]).ready().await;
    assert!(!gateway.stop().await.contains(warning));
    assert!(!launch().ready().await.stop().await.contains(warning));
}

/// What is said of the caller's address counts only from a trusted proxy.
#[tokio::test]
async fn only_trusted_proxies_are_believed() {
    for (options, client) in [
        (&["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "127.0.0.1"][..], "192.0.2.7"),
        (&["--trusted-proxy", "10.0.0.0/8"], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        let options = options.iter().copied().chain(["--log-level", "debug"]);
        let gateway = launch().options(options).ready().await;
        let request = gateway.request(Method::GET, "/").header("host", "evil.example");
        let request = request.header("x-forwarded-for", "203.0.113.9, 192.0.2.7, 10.1.1.1");
        assert_eq!(gateway.send(request).await.status, 421);
        let log = gateway.stop().await;
        let line = log.lines().find(|line| line.contains("refused a request for another host"));
        assert!(line.is_some_and(|line| line.contains(&format!("client={client}"))), "{client}: {line:?}");
    }
}

/// A proxy may say where it serves the gateway: paths are found with and without that, and documents carry it.
#[tokio::test]
async fn a_proxy_says_the_root_path() {
    let gateway = launch().options(["--trusted-proxy", "127.0.0.1"]).ready().await;
    for path in ["/fake/openapi.json", "/tools/fake/openapi.json"] {
        let request = gateway.request(Method::GET, path).header("x-forwarded-prefix", "/tools");
        let answer = gateway.send(request).await;
        assert_eq!(answer.json()["servers"], json!([{ "url": "/tools/fake" }]), "{path}");
    }
    let request = gateway.request(Method::GET, "/openapi.json").header("x-forwarded-prefix", "/tools");
    let root = gateway.send(request).await.json();
    assert!(root["info"]["description"].as_str().unwrap().contains("[fake](/tools/fake/docs)"), "{root}");
    assert_eq!(root["servers"], json!([{ "url": "/tools" }]));
    for prefix in ["//evil.example", "https://evil.example", "/a/../b"] {
        let request = gateway.request(Method::GET, "/fake/openapi.json").header("x-forwarded-prefix", prefix);
        assert_eq!(gateway.send(request).await.json()["servers"], json!([{ "url": "/fake" }]), "{prefix}");
    }
    assert_eq!(gateway.get("/tools/fake/openapi.json").await.status, 404);
    gateway.stop().await;
}

/// No answer is guessed at or framed, and no page runs a script of strangers.
#[tokio::test]
async fn answers_are_sent_with_security_headers() {
    let gateway = launch().ready().await;
    let mut answers: Vec<(&str, Answer)> = Vec::new();
    for path in
        ["/", "/docs", "/fake/docs", "/openapi.json", "/status", "/metrics", "/nosuch", "/docs/status.js"]
    {
        answers.push((path, gateway.get(path).await));
    }
    answers.push(("/fake/call", gateway.call("/fake/call", &json!({})).await));
    for (path, answer) in answers {
        let header = |name: &str| answer.header(name).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        let policy = header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("script-src 'self' 'unsafe"), "{path}: {policy}");
    }
    gateway.stop().await;
}

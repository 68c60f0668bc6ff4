//! Servers that flood the gateway with what nobody asked for: it costs them their own speed, or their connection.

use serde_json::{Value, json};

use crate::support::{Gateway, eventually, observe, parts, upstream::Remote};

/// How much more memory a flood may take up, in KiB.
const MEMORY: usize = 48 << 10;
/// How many lines it may write into the log.
const LINES: usize = 100;

/// How often a bound was hit.
async fn hits(gateway: &Gateway, bound: &str) -> u64 {
    let metrics = gateway.get("/metrics").await.body;
    let line = format!("mcpo_bounds_hit_total{{bound=\"{bound}\"}} ");
    let count = metrics.lines().find_map(|sample| sample.strip_prefix(line.as_str()));
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no {bound}: {metrics}"))
}

/// Has a server flood the gateway until it hits the bound, and sees that others do not notice.
async fn flood(kind: &str, server: &Value, bound: Option<&str>) {
    let gateway = Gateway::config(&json!({ "good": parts::fake(&[]), "bad": server })).ready().await;
    let before = observe::memory(&gateway);
    if let Some(bound) = bound {
        eventually(&format!("{kind}: {bound} is hit"), async || {
            (hits(&gateway, bound).await > 0).then_some(())
        })
        .await;
    }
    for _ in 0..50 {
        assert_eq!(gateway.result("/good/call", &json!({})).await["tool"], "call", "{kind}");
    }
    let grown = observe::memory(&gateway).saturating_sub(before);
    assert!(grown < MEMORY, "{kind}: {grown} KiB more");
    let log = gateway.stop().await;
    let lines = log.lines().count();
    assert!(lines < LINES, "{kind}: {lines} lines of log: {}", &log[..2000.min(log.len())]);
}

const UNASKED: [&str; 11] = [
    "ping",
    "same-id",
    "ask",
    "notify",
    "progress",
    "changed",
    "cancelled",
    "answers",
    "garbage",
    "batch",
    "large",
];

/// What is no message, in a stream of events.
const EVENTS: [&str; 5] = ["fields", "comments", "comment", "endpoints", "names"];

#[tokio::test]
async fn a_flood_of_messages_over_stdio_is_read_slowly() {
    for kind in UNASKED.into_iter().chain(["blank"]) {
        flood(kind, &parts::hostile(kind), Some("server_messages")).await;
    }
}

/// Every flood over HTTP. Servers read the answers to their own requests there, so few of these exceed the allowance.
async fn floods_over(kind: &str, path: &str) {
    for flooding in UNASKED {
        let remote = Remote::hostile(flooding, path).await;
        let bound = (!["ping", "same-id", "ask"].contains(&flooding)).then_some("server_messages");
        flood(flooding, &json!({ "type": kind, "url": remote.url }), bound).await;
    }
}

#[tokio::test]
async fn a_flood_of_messages_over_http_is_read_slowly() {
    floods_over("http", "mcp").await;
}

#[tokio::test]
async fn a_flood_of_messages_over_sse_is_read_slowly() {
    floods_over("sse", "sse").await;
}

#[tokio::test]
async fn a_flood_of_what_is_no_event_is_read_slowly() {
    for kind in EVENTS {
        let remote = Remote::hostile(kind, "sse").await;
        flood(kind, &json!({ "type": "sse", "url": remote.url }), Some("server_messages")).await;
    }
    let remote = Remote::hostile("names", "mcp").await;
    flood("names", &json!({ "type": "http", "url": remote.url }), Some("server_messages")).await;
}

#[tokio::test]
async fn a_server_that_takes_no_answers_loses_its_connection() {
    flood("deaf", &parts::hostile("deaf"), Some("unanswered_requests")).await;
}

#[tokio::test]
async fn a_stream_that_ends_at_once_is_not_opened_without_end() {
    let remote = Remote::hostile("hasty", "mcp").await;
    flood("hasty", &json!({ "type": "http", "url": remote.url }), None).await;
}

/// What is slowed down goes on: a server that says a lot between its answers keeps its session.
#[tokio::test]
async fn a_burst_costs_no_call() {
    let gateway = Gateway::config(&json!({ "busy": parts::fake(&[]) })).ready().await;
    let line = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "data": "x" } });
    let burst = vec![line.to_string(); 20_000].join("\n");
    for _ in 0..2 {
        let answer = gateway.result("/busy/call", &json!({ "garbage": burst, "a": 1 })).await;
        assert_eq!(answer["tool"], "call");
    }
    assert_eq!(hits(&gateway, "unanswered_requests").await, 0);
    gateway.stop().await;
}

//! How often callers and addresses may come.

use reqwest::Method;
use serde_json::json;

use super::{ask, call};
use crate::support::{Gateway, parts};

#[tokio::test]
async fn each_caller_has_a_rate_and_the_answers_tell_what_is_left() {
    let access = json!({ "keys": {
        "alice": { "key": "k-alice" },
        "bob": { "key": "k-bob" },
        "carol": { "key": "k-carol", "rateLimit": "5/h" },
    } });
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .access(&access, "")
        .options(["--rate-limit", "2/h"])
        .ready()
        .await;
    let first = call(&gateway, "/fake/call", "k-alice").await;
    assert_eq!(first.header("ratelimit-policy").as_deref(), Some("\"caller\";q=2;w=3600"));
    assert_eq!(first.header("ratelimit").as_deref(), Some("\"caller\";r=1;t=1800"));
    assert_eq!(call(&gateway, "/fake/call", "k-alice").await.status, 200);
    let refused = call(&gateway, "/fake/call", "k-alice").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    let wait: u32 = refused.header("retry-after").expect("Retry-After").parse().unwrap();
    assert!((1700..=1800).contains(&wait), "{wait}");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(detail, format!("too many requests; the limit is 2 in 3600 s, come again in {wait} s"));
    // The others have theirs, and pages cost nothing.
    assert_eq!(call(&gateway, "/fake/call", "k-bob").await.status, 200);
    for _ in 0..5 {
        assert_eq!(call(&gateway, "/fake/call", "k-carol").await.status, 200);
    }
    assert_eq!(call(&gateway, "/fake/call", "k-carol").await.status, 429);
    assert_eq!(ask(&gateway, Method::GET, "/fake/openapi.json", "k-alice").await.status, 200);
    gateway.stop().await;
}

/// A wrong key is counted once wherever it is shown, also where nobody asks for one.
#[tokio::test]
async fn a_wrong_key_counts_once() {
    let gateway =
        Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(["--api-key", "right"]).ready().await;
    for (path, status, denied) in [("/fake/openapi.json", 200, 1), ("/status", 403, 2)] {
        assert_eq!(ask(&gateway, Method::GET, path, "wrong").await.status, status, "{path}");
        let metrics = gateway.get("/metrics").await.body;
        assert!(metrics.contains(&format!("mcpo_requests_denied_total {denied}\n")), "{path}: {metrics}");
    }
    gateway.stop().await;
}

/// Who tries keys is slowed down before any is looked at, and who only looks around is not.
#[tokio::test]
async fn an_address_has_a_rate_that_wrong_keys_count_on() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--api-key", "right", "--address-rate-limit", "3/h"])
        .ready()
        .await;
    let before = call(&gateway, "/fake/call", "wrong").await;
    // The wait for the start has shown the key already.
    let left = before.header("ratelimit").expect("RateLimit");
    assert!(left.starts_with("\"address\";r="), "{left}");
    for _ in 0..3 {
        call(&gateway, "/fake/call", "wrong").await;
    }
    let refused = call(&gateway, "/fake/call", "right").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    // Nor can it be tried where documents are open.
    assert_eq!(ask(&gateway, Method::GET, "/status", "right").await.status, 429);
    for path in ["/fake/openapi.json", "/fake/docs", "/healthz", "/readyz"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn without_keys_a_caller_is_an_address() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--rate-limit", "2/min"])
        .ready()
        .await;
    for status in [200, 200, 429] {
        assert_eq!(gateway.call("/fake/call", &json!({})).await.status, status);
    }
    gateway.stop().await;
}

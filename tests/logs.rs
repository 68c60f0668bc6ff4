//! What an operator reads: one line per call, joined to its answer by the request's id.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, eventually, parts};

fn servers() -> Value {
    json!({ "fake": parts::fake(&[]) })
}

/// The only line of the log with this text.
async fn line(gateway: &Gateway, text: &str) -> String {
    let lines = eventually(&format!("a line with {text:?}"), async || {
        let log = gateway.log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect();
        (!lines.is_empty()).then_some(lines)
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.into_iter().next().unwrap()
}

/// A caller's id is in its answer and its line; what is no sane id is replaced.
#[tokio::test]
async fn a_request_has_one_id() {
    let gateway = Gateway::config(&servers()).ready().await;
    let call = |id: &str, arguments: Value| {
        let call = gateway.request(Method::POST, "/fake/call?token=hunter2").json(&arguments);
        gateway.send(call.header("X-Request-Id", id))
    };
    let answer = call("mine-1", json!({ "diary": "a-private-thought" })).await;
    assert_eq!((answer.status, answer.header("x-request-id").as_deref()), (200, Some("mine-1")));
    let told = line(&gateway, "mine-1").await;
    assert!(
        told.contains("INFO") && told.contains(r#"called server="fake" tool="call" status=200 ms="#),
        "{told}"
    );

    let answer = call("mine-2", json!({ "error": { "code": -32603, "message": "no" } })).await;
    assert_eq!((answer.status, answer.header("x-request-id").as_deref()), (500, Some("mine-2")));
    let told = line(&gateway, "mine-2").await;
    assert!(told.contains("WARN") && told.contains("status=500 ms="), "{told}");

    let answer =
        gateway.send(gateway.request(Method::POST, "/nowhere").header("X-Request-Id", "mine-3")).await;
    assert_eq!((answer.status, answer.header("x-request-id").as_deref()), (404, Some("mine-3")));

    for odd in ["two words", &"x".repeat(129), ""] {
        let fresh = call(odd, json!({})).await.header("x-request-id").unwrap();
        assert!(!fresh.is_empty() && fresh != odd, "{fresh}");
        line(&gateway, &fresh).await;
    }
    let log = gateway.stop().await;
    assert!(!log.contains("a-private-thought") && !log.contains("hunter2"), "{log}");
}

/// Each answer has an id of its own, a refusal too, and a web page may read it.
#[tokio::test]
async fn ids_are_fresh_and_pages_may_read_them() {
    let gateway = Gateway::config(&servers()).options(["--api-key", "key"]).ready().await;
    let ask = || {
        gateway.request(Method::POST, "/fake/call").header("Origin", "https://app.example").json(&json!({}))
    };
    let (first, second) = (gateway.send(ask()).await, gateway.send(ask()).await);
    assert_eq!((first.status, second.status), (401, 401));
    assert!(first.header("x-request-id").is_some());
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(first.header("access-control-expose-headers").as_deref(), Some("X-Request-Id"));
    gateway.stop().await;
}

/// With `--log-format json` every line is an object with time, level and message.
#[tokio::test]
async fn json_lines_are_objects() {
    let gateway = Gateway::config(&servers()).options(["--log-format", "json"]).ready().await;
    let call = gateway.request(Method::POST, "/fake/call").header("X-Request-Id", "mine").json(&json!({}));
    assert_eq!(gateway.send(call).await.status, 200);
    let log = gateway.stop().await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        assert!(line["level"].is_string() && line["fields"]["message"].is_string(), "{line}");
    }
    let calls: Vec<_> = lines.iter().filter(|line| line["fields"]["message"] == "called").collect();
    let [call] = calls[..] else { panic!("{log}") };
    assert_eq!((&call["level"], &call["span"]["id"]), (&json!("INFO"), &json!("mine")));
    let fields = &call["fields"];
    assert_eq!(
        (&fields["server"], &fields["tool"], &fields["status"]),
        (&json!("fake"), &json!("call"), &json!(200))
    );
    assert!(fields["ms"].is_u64(), "{call}");
}

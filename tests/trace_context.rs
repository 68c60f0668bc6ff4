//! W3C Trace Context of the caller reaches the server of that call: in `_meta` (SEP-414) and in HTTP headers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, parts, upstream::Remote};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
const STATE: &str = "rojo=00f067aa0ba902b7";

async fn call(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut call = gateway.request(Method::POST, path).json(&json!({ "n": 1, "region": "eu" }));
    for (name, value) in headers {
        call = call.header(*name, *value);
    }
    gateway.send(call).await
}

/// Over stdio, of both generations: what the caller sent, for that call only, and beside what stands in `_meta` anyway.
#[tokio::test]
async fn meta_carries_the_callers_trace() {
    for generation in [&[][..], &["--stateless"]] {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        let fake = parts::fake(&[&["--record", record.to_str().unwrap()], generation].concat());
        let gateway = Gateway::config(&json!({ "fake": fake })).ready().await;
        for headers in [
            &[("traceparent", PARENT), ("tracestate", STATE)][..],
            &[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")],
            &[("traceparent", PARENT), ("tracestate", "no state")],
            &[("traceparent", "00-no-parent-01"), ("tracestate", STATE)],
            &[("traceparent", PARENT), ("traceparent", PARENT)],
            &[("tracestate", STATE)],
            &[],
        ] {
            assert_eq!(call(&gateway, "/fake/call", headers).await.status, 200);
        }
        gateway.stop().await;
        let record = std::fs::read_to_string(record).unwrap();
        let messages = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let calls: Vec<_> = messages.filter(|message| message["method"] == "tools/call").collect();
        let traces: Vec<_> = calls
            .iter()
            .map(|call| &call["params"]["_meta"])
            .map(|meta| [meta["traceparent"].as_str(), meta["tracestate"].as_str()])
            .collect();
        let whole = [Some(PARENT), Some(STATE)];
        let several = [Some(PARENT), Some("a=1,b=2")];
        let none = [None, None];
        assert_eq!(traces, [whole, several, [Some(PARENT), None], none, none, none, none], "{generation:?}");
        let context = calls.iter().all(|call| call["params"]["_meta"].is_object());
        assert_eq!(context, !generation.is_empty(), "{calls:?}");
    }
}

/// Over streamable HTTP the headers carry it too.
#[tokio::test]
async fn headers_carry_the_callers_trace() {
    let remote = Remote::stateless().await;
    let gateway = Gateway::config(&json!({ "remote": { "url": remote.url } })).ready().await;
    let sent = call(&gateway, "/remote/headers", &[("traceparent", PARENT), ("tracestate", STATE)]).await;
    assert_eq!((&sent.json()["traceparent"], &sent.json()["tracestate"]), (&json!(PARENT), &json!(STATE)));
    let bare = call(&gateway, "/remote/headers", &[]).await;
    assert_eq!((&bare.json()["traceparent"], &bare.json()["tracestate"]), (&Value::Null, &Value::Null));
    gateway.stop().await;
}

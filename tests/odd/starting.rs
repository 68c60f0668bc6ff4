//! The first seconds: what is asked of a server during its first attempt to connect waits for it.

use serde_json::{Value, json};

use super::reaches;
use crate::support::{
    Gateway, eventually,
    parts::{self, odd_command},
};

#[tokio::test]
async fn a_call_and_a_document_wait_for_the_first_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let slow = parts::stdio(&odd_command(&["slow", starts.to_str().unwrap()]));
    let gateway = Gateway::config(&json!({ "slow": slow })).start().await;
    let arguments = json!({ "say": "it" });
    let (call, document, ()) =
        tokio::join!(gateway.call("/slow/echo", &arguments), gateway.get("/slow/openapi.json"), async {
            eventually("both have come in", async || gateway.log().contains("starting").then_some(())).await;
            reaches(&gateway, "slow", "connecting").await;
            std::fs::write(&starts, "").unwrap();
        });
    assert_eq!((call.status, call.json()), (200, json!("said it")));
    assert_eq!(document.status, 200, "{document:?}");
    gateway.stop().await;
}

/// The single server's document stands at the root.
#[tokio::test]
async fn the_only_server_is_waited_for_at_the_root() {
    let gateway = Gateway::single(odd_command(&["plain"])).start().await;
    let arguments = json!({ "say": "it" });
    let (call, document) = tokio::join!(gateway.call("/echo", &arguments), gateway.get("/openapi.json"));
    assert_eq!((call.status, call.json()), (200, json!("said it")));
    assert!(document.json()["paths"]["/echo"].is_object(), "{document:?}");
    gateway.stop().await;
}

/// An attempt that has failed is not waited for again.
#[tokio::test]
async fn who_comes_after_a_failed_attempt_is_told_at_once() {
    let gateway = Gateway::config(&json!({ "crash": parts::stdio(&odd_command(&["crash"])) })).start().await;
    let first = gateway.call("/crash/echo", &json!({})).await;
    assert_eq!(first.status, 503, "{first:?}");
    reaches(&gateway, "crash", "backing off").await;
    let later = gateway.call("/crash/echo", &json!({})).await;
    assert_eq!(later.status, 503, "{later:?}");
    assert!(matches!(&later.json()["detail"]["message"], Value::String(_)), "{later:?}");
    gateway.stop().await;
}

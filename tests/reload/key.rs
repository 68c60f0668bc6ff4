//! What holds for all servers and stands in a file: the API key.

use std::fs;

use reqwest::Method;
use serde_json::json;

use super::fixture::named;
use crate::support::Gateway;
use crate::support::observe::{count, hang_up, told};

/// The key file is read again: the old key is refused, the new one opens.
#[tokio::test]
async fn a_key_is_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "first").unwrap();
    let launch = Gateway::config(&json!({ "fake": named("fake") }));
    let gateway = launch.options(["--api-key-file", file.to_str().unwrap()]).ready().await;
    let call = async |key: &str| {
        let request = gateway.request(Method::POST, "/fake/call").bearer_auth(key).json(&json!({}));
        gateway.send(request).await.status
    };
    assert_eq!((call("first").await, call("second").await), (200, 403));
    fs::write(&file, "second\n").unwrap();
    hang_up(&gateway).await;
    told(&gateway, "new access rules; 1 left alone", 0).await;
    crate::support::eventually("the new key opens", async || (call("second").await == 200).then_some(()))
        .await;
    assert_eq!(call("first").await, 403);
    assert_eq!(count(&gateway, "second"), 0, "the key is never logged");
    gateway.stop().await;
}

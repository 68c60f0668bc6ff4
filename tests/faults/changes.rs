//! A server whose tools change under its calls.

use std::{fs, time::Duration};

use serde_json::json;

use super::fixture::{Fixture, REMOTE};
use crate::support::wait::within;

/// The document follows within a second, with another ETag, and a call under way is not disturbed.
#[tokio::test]
async fn changed_tools_disturb_no_call() {
    let (http, _http) = Fixture::remote(REMOTE[0]).await;
    let (sse, _sse) = Fixture::remote(REMOTE[1]).await;
    for fixture in [Fixture::stdio().await, http, sse] {
        let release = fixture.gateway.file("release");
        let former = fixture.gateway.get("/counting/openapi.json").await.header("etag");
        let change = async {
            fixture.ran(1).await;
            assert_eq!(fixture.call_with(json!({ "grow": "leaf" })).await.status, 200);
            within(Duration::from_secs(1), "the document has the new tool", async || {
                let document = fixture.gateway.get("/counting/openapi.json").await;
                document.json()["paths"].get("/leaf")?;
                assert_ne!(document.header("etag"), former);
                Some(())
            })
            .await;
            assert_eq!(fixture.gateway.call("/counting/leaf", &json!({ "key": 1000 })).await.status, 200);
            fs::write(&release, "").unwrap();
        };
        let (slow, ()) = tokio::join!(fixture.call_with(json!({ "until": release })), change);
        assert_eq!(slow.status, 200, "{slow:?}");
        fixture.stop().await;
    }
}

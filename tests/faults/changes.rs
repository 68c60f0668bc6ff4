//! A server whose tools change under its calls.

use std::{fs, time::Duration};

use serde_json::json;

use super::bed::{Bed, REMOTE};
use crate::support::wait::within;

/// The document follows within a second, with another ETag, and a call under way is not disturbed.
#[tokio::test]
async fn changed_tools_disturb_no_call() {
    let (http, _http) = Bed::remote(REMOTE[0]).await;
    let (sse, _sse) = Bed::remote(REMOTE[1]).await;
    for bed in [Bed::stdio().await, http, sse] {
        let release = bed.gateway.file("release");
        let former = bed.gateway.get("/counting/openapi.json").await.header("etag");
        let change = async {
            bed.ran(1).await;
            assert_eq!(bed.call_with(json!({ "grow": "leaf" })).await.status, 200);
            within(Duration::from_secs(1), "the document has the new tool", async || {
                let document = bed.gateway.get("/counting/openapi.json").await;
                document.json()["paths"].get("/leaf")?;
                assert_ne!(document.header("etag"), former);
                Some(())
            })
            .await;
            assert_eq!(bed.gateway.call("/counting/leaf", &json!({ "key": 1000 })).await.status, 200);
            fs::write(&release, "").unwrap();
        };
        let (slow, ()) = tokio::join!(bed.call_with(json!({ "until": release })), change);
        assert_eq!(slow.status, 200, "{slow:?}");
        bed.stop().await;
    }
}

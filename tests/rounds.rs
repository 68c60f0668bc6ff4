//! Tools that ask back (MCP 2026-07-28, Multi Round-Trip Requests): nobody sits behind a gateway to answer them.

use std::{collections::HashSet, fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Gateway, parts};

/// A fake that records what it is sent.
struct Recorded {
    gateway: Gateway,
    folder: TempDir,
}

impl Recorded {
    async fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        let options = [&["--record", record.to_str().unwrap()], options].concat();
        let gateway = Gateway::config(&json!({ "fake": parts::fake(&options) })).ready().await;
        Self { gateway, folder }
    }

    /// Every `tools/call` so far.
    fn calls(&self) -> Vec<Value> {
        let record: PathBuf = self.folder.path().join("record");
        let text = fs::read_to_string(record).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        messages.filter(|message| message["method"] == "tools/call").collect()
    }
}

#[tokio::test]
async fn a_tool_that_asks_back_hears_that_nobody_is_there() {
    let fake = Recorded::start(&["--stateless"]).await;
    let question = json!({
        "method": "elicitation/create",
        "params": { "message": "Who?", "requestedSchema": { "type": "object", "properties": {} } },
    });
    let state = "{\"a\": 1} \u{e9}\u{2028}\u{1f600}/";
    for (asked, brought) in [
        (
            json!({ "inputRequests": { "who": question, "where": { "method": "roots/list" } }, "requestState": state }),
            json!({ "inputResponses": { "who": { "action": "cancel" }, "where": { "roots": [] } }, "requestState": state }),
        ),
        (
            json!({ "inputRequests": { "who": question } }),
            json!({ "inputResponses": { "who": { "action": "cancel" } } }),
        ),
        (json!({ "requestState": "later" }), json!({ "requestState": "later" })),
    ] {
        let before = fake.calls().len();
        assert_eq!(fake.gateway.result("/fake/call", &json!({ "ask": asked })).await, brought, "{asked}");
        assert_eq!(fake.calls().len(), before + 2, "{asked}");
    }
    fake.gateway.result("/fake/call", &json!({})).await;

    let calls = fake.calls();
    let ids: HashSet<_> = calls.iter().map(|call| call["id"].to_string()).collect();
    assert_eq!(ids.len(), calls.len(), "each round has an id of its own: {calls:?}");
    let (rounds, last) = (&calls[..calls.len() - 1], &calls[calls.len() - 1]["params"]);
    for round in rounds.chunks(2) {
        assert_eq!(round[0]["params"]["arguments"], round[1]["params"]["arguments"]);
    }
    assert!(last.get("inputResponses").is_none() && last.get("requestState").is_none(), "{last}");
    fake.gateway.stop().await;
}

#[tokio::test]
async fn a_tool_that_nobody_can_satisfy_fails() {
    let fake = Recorded::start(&["--stateless"]).await;
    let sampling = json!({ "inputRequests": { "a": { "method": "sampling/createMessage", "params": {} } } });
    for (arguments, what, calls) in [
        (json!({ "ask": sampling }), "`sampling/createMessage`", 1),
        (json!({ "ask": {} }), "input and does not say which", 1),
        (json!({ "ask": { "requestState": "s" }, "greedy": true }), "input again after 8 rounds", 9),
    ] {
        let before = fake.calls().len();
        let answer = fake.gateway.call("/fake/call", &arguments).await;
        assert!(answer.error(500).contains(&format!("asks for {what}")), "{answer:?}");
        assert_eq!(fake.calls().len(), before + calls, "{arguments}");
    }
    let unknown = json!({ "result": { "resultType": "task", "content": [] } });
    assert!(fake.gateway.call("/fake/call", &unknown).await.error(502).contains("`task`"));
    fake.gateway.stop().await;
}

/// Only 2026-07-28 knows rounds: for an older server, a call that is sent again is a second call.
#[tokio::test]
async fn an_older_server_has_no_further_round() {
    let fake = Recorded::start(&[]).await;
    let asked = json!({ "ask": { "requestState": "s" } });
    assert!(fake.gateway.call("/fake/call", &asked).await.error(502).contains("`input_required`"));
    assert_eq!(fake.calls().len(), 1);
    fake.gateway.stop().await;
}

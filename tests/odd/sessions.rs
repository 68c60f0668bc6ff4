//! A session is believed, not assumed: whatever a server says to one that it has forgotten, calls go on.

use reqwest::{Client, Url};
use serde_json::{Value, json};

use super::{call, forms, reaches, says};
use crate::support::{Answer, Gateway, eventually, upstream::Remote, wait::DEADLINE};

/// What the fake answers at a path beside its own.
async fn ask(remote: &Remote, path: &str) -> Answer {
    let url = Url::parse(&remote.url).unwrap().join(path).unwrap();
    let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    Answer::read(client.get(url).send().await.unwrap()).await
}

/// What the fake was sent.
async fn seen(remote: &Remote) -> Value {
    ask(remote, "/seen").await.json()
}

async fn forget(remote: &Remote) {
    assert_eq!(ask(remote, "/forget").await.status, 200);
}

fn count(seen: &Value, method: &str) -> usize {
    seen["methods"].as_array().unwrap().iter().filter(|told| *told == method).count()
}

/// Each form of refusal, with the configured credentials of a header and without, over the transport at `path`.
async fn every_refusal_is_healed(path: &str, kind: &str) {
    let forms: Vec<String> =
        forms("refusals").into_iter().filter(|form| path == "mcp" || !form.contains("200")).collect();
    let mut servers = serde_json::Map::new();
    let mut remotes = Vec::new();
    for (index, form) in forms.iter().enumerate() {
        let remote = Remote::odd(form, path).await;
        let headers = if index % 2 == 0 { json!({}) } else { json!({ "Authorization": "Bearer static" }) };
        servers.insert(form.clone(), json!({ "type": kind, "url": remote.url, "headers": headers }));
        remotes.push(remote);
    }
    let gateway = Gateway::config(&Value::Object(servers)).start().await;
    for (form, remote) in forms.iter().zip(&remotes) {
        says(&gateway, form, "said it").await;
        forget(remote).await;
        let before = seen(remote).await;
        if form.starts_with('!') {
            let answer = call(&gateway, form).await;
            assert!(matches!(answer.status, 500 | 502), "{form}: what may have run is told so: {answer:?}");
        }
        says(&gateway, form, "said it").await;
        says(&gateway, form, "said it").await;
        let after = seen(remote).await;
        assert_eq!(
            count(&after, "initialize"),
            count(&before, "initialize") + 1,
            "{form}: one new session: {after}"
        );
        assert_eq!(after["runs"], 3, "{form}: nothing runs twice");
        reaches(&gateway, form, "ready").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_forgotten_session_costs_one_initialize_over_streamable_http() {
    every_refusal_is_healed("mcp", "http").await;
}

#[tokio::test]
async fn a_forgotten_session_costs_one_initialize_over_sse() {
    every_refusal_is_healed("sse", "sse").await;
}

/// It is no call: whatever it answers, calls and sessions go on, and it is asked for again.
#[tokio::test]
async fn the_standing_stream_decides_nothing() {
    for form in forms("streams") {
        let remote = Remote::odd(&form, "mcp").await;
        let gateway = Gateway::config(&json!({ "odd": { "type": "http", "url": remote.url } })).start().await;
        says(&gateway, "odd", "said it").await;
        if form != "get-405" {
            eventually(&format!("{form}: the stream is asked for again"), async || {
                (count(&seen(&remote).await, "GET /mcp") >= 2).then_some(())
            })
            .await;
        }
        says(&gateway, "odd", "said it").await;
        let seen = seen(&remote).await;
        assert_eq!((count(&seen, "initialize"), &seen["runs"]), (1, &json!(2)), "{form}: {seen}");
        gateway.stop().await;
    }
}

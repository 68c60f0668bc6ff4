//! Many callers on one server, and servers that fail beside one that works.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    shutdown::received,
    support::{Gateway, eventually, parts, upstream::free_port},
};

/// 64 callers at once on one stdio server, several times over: every answer belongs to its question.
#[tokio::test]
async fn every_answer_belongs_to_its_question() {
    let gateway = Gateway::config(&json!({ "everything": parts::everything() })).ready().await;
    for round in 0..4 {
        let calls = (0..64).map(async |caller: u32| {
            let message = format!("round {round}, caller {caller}");
            let echo = gateway.result("/everything/echo", &json!({ "message": message })).await;
            assert_eq!(echo, format!("Echo: {message}"));
        });
        join_all(calls).await;
    }
    gateway.stop().await;
}

/// Calls that take long do not hold up those that do not.
#[tokio::test]
async fn a_call_that_never_ends_holds_nothing_up() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    let silent =
        || gateway.request(reqwest::Method::POST, "/fake/call").json(&json!({ "silence": true })).send();
    let silent = join_all((0..32).map(|_| silent()));
    tokio::select! {
        answers = silent => panic!("nothing should answer: {answers:?}"),
        () = async {
            for number in 0..50 {
                let echo = gateway.result("/fake/call", &json!({ "n": number })).await;
                assert_eq!(echo["arguments"], json!({ "n": number }));
            }
        } => {}
    }
    gateway.stop().await;
}

/// Of three servers one names a missing program and one a refused URL; the third works from the first second,
/// and each of the others says why it does not.
#[tokio::test]
async fn broken_servers_leave_the_rest_alone() {
    let refused = format!("http://127.0.0.1:{}/mcp", free_port());
    let servers = json!({
        "missing": { "command": "no-such-program-as-this" },
        "refused": { "type": "streamable-http", "url": refused },
        "works": parts::fake(&[]),
    });
    let gateway = Gateway::config(&servers).start().await;

    // The port answers before any server does; the first 200 comes as soon as the server's own process is up.
    eventually("the working server answers", async || {
        let answer = gateway.call("/works/call", &json!({ "n": 1 })).await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        (answer.status == 200).then_some(())
    })
    .await;

    for (server, reason) in [("missing", "no-such-program-as-this"), ("refused", "refused")] {
        eventually(&format!("{server} says why"), async || {
            let answer = gateway.call(&format!("/{server}/x"), &json!({})).await;
            answer.error(503).contains(reason).then_some(())
        })
        .await;
        let document = gateway.get(&format!("/{server}/openapi.json")).await;
        assert!(document.error(503).contains(reason), "{document:?}");
        let page = gateway.get(&format!("/{server}/docs")).await;
        assert!(page.status == 503 && page.body.contains(reason), "{page:?}");
        let answer = gateway.call(&format!("/{server}/x"), &json!({})).await;
        assert!(answer.header("retry-after").is_some(), "it is tried again, so say when: {answer:?}");
    }

    let root = gateway.document("").await;
    let said = root["info"]["description"].as_str().unwrap();
    let linked: HashSet<_> =
        said.lines().filter_map(|line| line.trim().strip_prefix("- [")?.split(']').next()).collect();
    assert_eq!(linked, HashSet::from(["works"]), "the root document names the connected servers: {said}");
    assert_eq!(gateway.get("/healthz").await.status, 200);

    let log = gateway.stop().await;
    for (server, reason) in [("missing", "no-such-program-as-this"), ("refused", "refused")] {
        let told = log.lines().any(|line| line.contains(server) && line.contains(reason));
        assert!(told, "the log says why {server} is down:\n{log}");
    }
}

/// A server that never answers `initialize` leaves the rest alone and does not hang the gateway's end.
#[tokio::test]
async fn a_mute_server_leaves_the_rest_alone() {
    let mut mute = parts::fake(&["--mute"]);
    mute["timeout"] = json!(1);
    let servers = json!({ "mute": mute, "works": parts::fake(&[]) });
    let gateway = Gateway::config(&servers).start().await;
    gateway.document("/works").await;
    assert_eq!(gateway.result("/works/call", &json!({})).await["tool"], "call");
    gateway.call("/mute/call", &json!({})).await.error(503);
    gateway.stop().await;
}

/// Calls whose time is up while their server does not read: what is not written yet is never written, and what the
/// server has got is cancelled, once it reads again.
#[tokio::test]
async fn a_call_given_up_in_the_queue_never_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (record, release) = (folder.path().join("record"), folder.path().join("release"));
    let mut fake = parts::fake(&["--record", record.to_str().unwrap()]);
    fake["timeout"] = json!(2);
    fake["maxConcurrent"] = json!(200);
    let gateway = Gateway::config(&json!({ "fake": fake })).ready().await;
    // The fake reads nothing more before the file is there. The pipe takes one or two of the others.
    let stall = json!({ "until": release });
    let padded = json!({ "pad": "p".repeat(40_000) });
    let stalled = gateway.call("/fake/call", &stall);
    let others = async {
        received(&record, "tools/call").await;
        join_all(std::iter::repeat_n(&padded, 90).map(|arguments| gateway.call("/fake/call", arguments)))
            .await
    };
    let (stalled, others) = tokio::join!(stalled, others);
    for answer in others.into_iter().chain([stalled]) {
        assert_eq!(answer.status, 504, "{answer:?}");
    }
    std::fs::write(&release, "").unwrap();
    let asked = gateway.result("/fake/call", &json!({ "last": true })).await;
    assert_eq!(asked["arguments"], json!({ "last": true }));

    let record = std::fs::read_to_string(record).unwrap();
    let messages: Vec<Value> = record.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids = |method: &str, id: &str| -> HashSet<u64> {
        let these = messages.iter().filter(|message| {
            message["method"] == method && message["params"]["arguments"]["last"].is_null()
        });
        these.map(|message| message.pointer(id).unwrap().as_u64().unwrap()).collect()
    };
    let given_up = ids("tools/call", "/id");
    assert!(given_up.len() <= 5, "{} of the calls have run", given_up.len());
    assert_eq!(ids("notifications/cancelled", "/params/requestId"), given_up);
    gateway.stop().await;
}

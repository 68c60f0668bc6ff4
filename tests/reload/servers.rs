//! Servers that are added, removed and changed.

use std::collections::BTreeSet;

use serde_json::json;

use super::fixture::{becomes, named, title, under_load, write};
use crate::support::observe::{count, hang_up, told};
use crate::{
    shutdown::received,
    support::{
        Gateway, eventually, parts,
        processes::marked,
        upstream::Remote,
        wire::{hear, post},
    },
};

/// A new server answers; one that was taken out is 404 at once, and its processes end.
#[tokio::test]
async fn servers_come_and_go() {
    let gateway = Gateway::config(&json!({ "stays": named("stays"), "goes": named("goes") })).ready().await;
    let family = || marked(&gateway.mark()).iter().filter(|process| process.command.contains("goes")).count();
    assert_eq!(family(), 1);
    under_load(&gateway, &["stays"], async {
        write(&gateway, &json!({ "stays": named("stays"), "comes": named("comes") }));
        hang_up(&gateway).await;
        eventually("404", async || (gateway.get("/goes/openapi.json").await.status == 404).then_some(()))
            .await;
        gateway.call("/goes/call", &json!({})).await.is(404, &json!({ "detail": "Not Found" }));
        becomes(&gateway, "comes", "comes").await;
        eventually("its process is gone", async || (family() == 0).then_some(())).await;
        let root = gateway.document("").await["info"]["description"].as_str().unwrap().to_owned();
        assert!(root.contains("[comes]") && !root.contains("[goes]"), "{root}");
    })
    .await;
    assert!(gateway.log().contains("added comes; removed goes; 1 left alone"), "{}", gateway.log());
    gateway.stop().await;
}

/// A changed server is replaced with no failed call on it, and the old one's process ends.
#[tokio::test]
async fn a_changed_server_is_swapped_under_load() {
    let gateway = Gateway::config(&json!({ "changes": named("old"), "stays": named("stays") })).ready().await;
    let process = |name: &str| marked(&gateway.mark()).iter().filter(|it| it.runs(name)).count();
    under_load(&gateway, &["changes", "stays"], async {
        write(&gateway, &json!({ "changes": named("new"), "stays": named("stays") }));
        hang_up(&gateway).await;
        becomes(&gateway, "changes", "new").await;
        eventually("the old one has ended", async || (process("old") == 0).then_some(())).await;
    })
    .await;
    assert_eq!((process("new"), process("stays")), (1, 1));
    gateway.stop().await;
}

/// A call that is under way while its server is replaced is answered by the old one.
#[tokio::test]
async fn a_call_in_flight_outlives_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let (record, release) = (folder.path().join("record"), folder.path().join("release"));
    let old = parts::fake(&["--name", "old", "--record", record.to_str().unwrap()]);
    let gateway = Gateway::config(&json!({ "fake": old })).ready().await;
    let body = json!({ "until": release });
    let call = gateway.say(&post("/fake/call", body.to_string().as_bytes())).await;
    received(&record, "tools/call").await;

    write(&gateway, &json!({ "fake": named("new") }));
    hang_up(&gateway).await;
    becomes(&gateway, "fake", "new").await;
    std::fs::write(&release, "").unwrap();
    let answer = hear(call).await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", gateway.log());
    gateway.stop().await;
}

/// A call that takes long keeps its own server, and no other: one that is removed or changed meanwhile ends at once.
#[tokio::test]
async fn a_long_call_keeps_no_other_server() {
    let folder = tempfile::tempdir().unwrap();
    let (record, release) = (folder.path().join("record"), folder.path().join("release"));
    let long = parts::fake(&["--name", "long", "--record", record.to_str().unwrap()]);
    let gateway = Gateway::config(&json!({ "long": long, "goes": named("goes"), "changes": named("old") }))
        .ready()
        .await;
    let process = |name: &str| marked(&gateway.mark()).iter().filter(|it| it.runs(name)).count();
    assert_eq!((process("goes"), process("old")), (1, 1));
    let body = json!({ "until": release });
    let call = gateway.say(&post("/long/call", body.to_string().as_bytes())).await;
    received(&record, "tools/call").await;

    write(&gateway, &json!({ "long": long, "changes": named("new") }));
    hang_up(&gateway).await;
    eventually("the others have ended", async || (process("goes") + process("old") == 0).then_some(())).await;
    write(&gateway, &json!({ "changes": named("new") }));
    hang_up(&gateway).await;
    eventually("404", async || (gateway.get("/long/openapi.json").await.status == 404).then_some(())).await;
    assert_eq!(process("long"), 1, "its own server stays");
    std::fs::write(&release, "").unwrap();
    assert_eq!(hear(call).await.status, 200, "{}", gateway.log());
    eventually("its own server has ended", async || (process("long") == 0).then_some(())).await;
    gateway.stop().await;
}

/// Another order of the same servers takes effect, and touches none of them.
#[tokio::test]
async fn another_order_takes_effect() {
    let gateway = Gateway::config(&json!({ "a": named("a"), "b": named("b") })).ready().await;
    let names = async || -> Vec<String> {
        let status = gateway.get("/status").await.json();
        let servers = status["servers"].as_array().unwrap().clone();
        servers.iter().map(|server| server["name"].as_str().unwrap().to_owned()).collect()
    };
    let pids = || marked(&gateway.mark()).iter().map(|it| it.pid).collect::<BTreeSet<_>>();
    let before = pids();
    assert_eq!(names().await, ["a", "b"]);
    write(&gateway, &json!({ "b": named("b"), "a": named("a") }));
    hang_up(&gateway).await;
    assert!(gateway.log().contains("new order of servers; 2 left alone"), "{}", gateway.log());
    eventually("the new order", async || (names().await == ["b", "a"]).then_some(())).await;
    assert_eq!(pids(), before);
    gateway.stop().await;
}

/// What is served of a server changes, and so does a server over HTTP, with no failed call.
#[tokio::test]
async fn tools_and_urls_change_under_load() {
    let (one, two) = (Remote::http().await, Remote::stateless().await);
    let remote = |url: &str| json!({ "type": "streamable-http", "url": url });
    let gateway =
        Gateway::config(&json!({ "remote": remote(&one.url), "fake": named("fake") })).ready().await;
    let first = title(&gateway, "remote").await;
    let mut quiet = named("fake");
    quiet["disabledTools"] = json!(["call"]);
    under_load(&gateway, &["fake"], async {
        write(&gateway, &json!({ "remote": remote(&two.url), "fake": named("fake") }));
        hang_up(&gateway).await;
        eventually("another server", async || {
            let now = title(&gateway, "remote").await.expect("a document at any time");
            (Some(now) != first).then_some(())
        })
        .await;
    })
    .await;
    write(&gateway, &json!({ "remote": remote(&two.url), "fake": quiet }));
    hang_up(&gateway).await;
    eventually("the tool is gone", async || {
        (gateway.call("/fake/call", &json!({})).await.status == 404).then_some(())
    })
    .await;
    gateway.stop().await;
}

/// A server that cannot connect takes its place all the same, and says why.
#[tokio::test]
async fn a_change_to_a_broken_server_is_told() {
    let gateway = Gateway::config(&json!({ "a": named("a"), "b": named("b") })).ready().await;
    under_load(&gateway, &["b"], async {
        write(&gateway, &json!({ "a": { "command": "no-such-program-as-this" }, "b": named("b") }));
        hang_up(&gateway).await;
        eventually("503", async || {
            let answer = gateway.call("/a/call", &json!({})).await;
            (answer.status == 503).then(|| assert!(answer.error(503).contains("no-such-program-as-this")))
        })
        .await;
    })
    .await;
    gateway.stop().await;
}

/// Calls are counted on across a change, also where a server could not connect in between; `/status` and `/readyz` tell
/// of the new one.
#[tokio::test]
async fn calls_are_counted_on() {
    let gateway = Gateway::config(&json!({ "fake": named("old") })).ready().await;
    let counted = async |calls: u32| {
        let text = gateway.get("/metrics").await.body;
        let line = format!("mcpo_calls_total{{server=\"fake\",tool=\"call\",outcome=\"ok\"}} {calls}\n");
        assert!(text.contains(&line), "{line}{text}");
    };
    let state = async || gateway.get("/status").await.json()["servers"][0]["state"].clone();
    gateway.result("/fake/call", &json!({})).await;
    counted(1).await;
    write(&gateway, &json!({ "fake": named("new") }));
    hang_up(&gateway).await;
    becomes(&gateway, "fake", "new").await;
    gateway.result("/fake/call", &json!({})).await;
    counted(2).await;
    for (server, expected, ready) in [
        (json!({ "command": "no-such-program-as-this" }), "backing off", 503),
        (named("mended"), "ready", 200),
    ] {
        write(&gateway, &json!({ "fake": server }));
        hang_up(&gateway).await;
        eventually(expected, async || (state().await == expected).then_some(())).await;
        assert_eq!(gateway.get("/readyz").await.status, ready);
    }
    gateway.result("/fake/call", &json!({})).await;
    counted(3).await;
    gateway.stop().await;
}

/// For one server without a file SIGHUP is harmless.
#[tokio::test]
async fn one_server_stays() {
    let gateway = Gateway::single(parts::time_command()).ready().await;
    let before = marked(&gateway.mark()).len();
    hang_up(&gateway).await;
    told(&gateway, "configuration read again: 1 left alone", 0).await;
    assert_eq!((marked(&gateway.mark()).len(), count(&gateway, "connecting")), (before, 1));
    assert_eq!(gateway.call("/get_current_time", &json!({ "timezone": "UTC" })).await.status, 200);
    gateway.stop().await;
}

//! The end: calls in flight get an answer, the exit code is 0 (1 after a second signal), and no child or grandchild is
//! left.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    real_servers::{npx, uvx},
    support::{
        Answer, Gateway, eventually, parts,
        processes::marked,
        wait::within,
        wire::{hear, post},
    },
};

/// SIGTERM, and Ctrl-C, while npx and uvx servers work.
#[tokio::test]
async fn a_signal_ends_everything_cleanly() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let servers = json!({ "npx": npx("mcp-server-everything"), "uvx": uvx("mcp-server-time") });
        let mut gateway = Gateway::config(&servers).environment(parts::uv_offline()).ready().await;
        let long = post("/npx/trigger-long-running-operation", br#"{"duration":3,"steps":3}"#);
        let long = gateway.say(&long).await;
        // Said after the long call and answered: the long call is under way.
        assert_eq!(gateway.result("/npx/echo", &json!({ "message": "hi" })).await, "Echo: hi");
        assert!(marked(&gateway.mark()).len() >= 5, "mcpo, npx, a server, uvx, a server");

        gateway.signal(signal);
        finished_or_clean_error(&hear(long).await);
        assert_eq!(gateway.exit().await.code(), Some(0), "{signal}:\n{}", gateway.log());
        nothing_is_left(&gateway).await;
    }
}

/// A call that would never end does not keep the gateway from ending, and its caller is told.
#[tokio::test]
async fn a_call_without_end_gets_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let fake = parts::fake(&["--record", record.to_str().unwrap()]);
    let mut gateway = Gateway::config(&json!({ "fake": fake })).ready().await;
    let call = gateway.say(&post("/fake/call", br#"{"silence":true}"#)).await;
    received(&record, "tools/call").await;
    gateway.signal(Signal::SIGTERM);
    let answer = hear(call).await;
    assert!(answer.status >= 500, "{answer:?}");
    answer.error(answer.status);
    assert_eq!(gateway.exit().await.code(), Some(0), "{}", gateway.log());
    nothing_is_left(&gateway).await;
}

/// A call that needs longer than the default gets the time that `--shutdown-timeout` gives.
#[tokio::test]
async fn calls_have_as_long_as_the_option_says() {
    let servers = json!({ "everything": parts::everything() });
    let mut gateway = Gateway::config(&servers).options(["--shutdown-timeout", "60"]).ready().await;
    let long = post("/everything/trigger-long-running-operation", br#"{"duration":6,"steps":1}"#);
    let long = gateway.say(&long).await;
    assert_eq!(gateway.result("/everything/echo", &json!({ "message": "hi" })).await, "Echo: hi");
    gateway.signal(Signal::SIGTERM);
    assert_eq!(hear(long).await.status, 200, "{}", gateway.log());
    assert_eq!(gateway.exit().await.code(), Some(0), "{}", gateway.log());
}

/// A second signal ends everything at once, with calls in flight and a server that only SIGKILL ends.
#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let fake = parts::fake(&["--stubborn", "--record", record.to_str().unwrap()]);
    // Longer than any test waits.
    let options = ["--shutdown-timeout", "3600"];
    let mut gateway = Gateway::config(&json!({ "fake": fake })).options(options).ready().await;
    let _call = gateway.say(&post("/fake/call", br#"{"silence":true}"#)).await;
    received(&record, "tools/call").await;
    gateway.signal(Signal::SIGTERM);
    logged(&gateway, "calls in flight have 3600 s to finish").await;
    // One that comes at once counts as the same.
    eventually("it ends at once", async || {
        gateway.signal(Signal::SIGINT);
        gateway.log().contains("ended at once").then_some(())
    })
    .await;
    assert_eq!(gateway.exit().await.code(), Some(1), "{}", gateway.log());
    nothing_is_left(&gateway).await;
    assert!(gateway.log().contains("mcpo: ended at once, as told by a second signal"), "{}", gateway.log());
}

/// While calls are still drained no probe finds the gateway ready: not over an open connection, not over a new one.
#[tokio::test]
async fn a_gateway_that_ends_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let fake = parts::fake(&["--record", record.to_str().unwrap()]);
    let gateway =
        Gateway::config(&json!({ "fake": fake })).options(["--shutdown-timeout", "60"]).ready().await;
    let _call = gateway.say(&post("/fake/call", br#"{"silence":true}"#)).await;
    received(&record, "tools/call").await;
    let probe = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut open = gateway.say(probe).await;
    let mut head = [0; 12];
    open.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");

    gateway.signal(Signal::SIGTERM);
    logged(&gateway, "calls in flight have 60 s to finish").await;
    // A connection without a call may be closed at any moment.
    let _ = open.write_all(probe).await;
    let mut rest = Vec::new();
    let _ = open.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1 200"), "{}", gateway.log());
    let address = gateway.base().strip_prefix("http://").unwrap();
    eventually("no new connection", async || {
        tokio::net::TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
}

/// A server that ignores the end of its input and SIGTERM is ended all the same.
#[tokio::test]
async fn a_stubborn_server_is_ended() {
    let mut gateway = Gateway::config(&json!({ "stubborn": parts::fake(&["--stubborn"]) })).ready().await;
    gateway.signal(Signal::SIGTERM);
    assert_eq!(gateway.exit().await.code(), Some(0), "{}", gateway.log());
    nothing_is_left(&gateway).await;
}

/// An end in the middle of the beginning: a server that never answers `initialize`.
#[tokio::test]
async fn a_signal_while_connecting_ends_cleanly() {
    let mut gateway = Gateway::config(&json!({ "mute": parts::fake(&["--mute"]) })).start().await;
    gateway.signal(Signal::SIGTERM);
    assert_eq!(gateway.exit().await.code(), Some(0), "{}", gateway.log());
    nothing_is_left(&gateway).await;
}

/// A client that hangs up cancels its call upstream, and that call only.
#[tokio::test]
async fn a_client_that_hangs_up_cancels_upstream() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let fake = parts::fake(&["--record", record.to_str().unwrap()]);
    let gateway = Gateway::config(&json!({ "fake": fake })).ready().await;

    let stream = gateway.say(&post("/fake/call", br#"{"silence":true}"#)).await;
    let call = received(&record, "tools/call").await;
    drop(stream);
    let cancelled = received(&record, "notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], call["id"], "{cancelled}");

    assert_eq!(gateway.result("/fake/call", &json!({})).await["tool"], "call");
    gateway.stop().await;
}

/// The first message with this method that a fake has recorded.
pub(crate) async fn received(record: &std::path::Path, method: &str) -> serde_json::Value {
    eventually(&format!("the fake receives {method}"), async || {
        let text = std::fs::read_to_string(record).unwrap_or_default();
        // The last line may be half written.
        let messages = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        messages.into_iter().find(|message| message["method"] == method)
    })
    .await
}

/// Waits for a line of the gateway's log.
async fn logged(gateway: &Gateway, text: &str) {
    eventually(&format!("the log says {text:?}"), async || gateway.log().contains(text).then_some(())).await;
}

fn finished_or_clean_error(answer: &Answer) {
    match answer.status {
        200 => assert!(
            answer.json().as_str().unwrap().starts_with("Long running operation completed"),
            "{answer:?}"
        ),
        status => drop(answer.error(status)),
    }
}

/// The kernel may need a moment to bury what was killed; nobody else gets any time.
async fn nothing_is_left(gateway: &Gateway) {
    within(Duration::from_secs(2), "no child or grandchild is left", async || {
        marked(&gateway.mark()).is_empty().then_some(())
    })
    .await;
}

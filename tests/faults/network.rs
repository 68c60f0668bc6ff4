//! Remote servers, and what stands between them and us: refused, forgotten, cut, silent, restarted.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Gateway, eventually,
    faults::{Fault, FaultyProxy},
    upstream::{Remote, free_port},
    wait::within,
};

fn echo() -> Value {
    json!({ "message": "x" })
}

async fn gateway(kind: &str, url: &str) -> Gateway {
    let server = json!({ "type": kind, "url": url, "timeout": 10 });
    Gateway::config(&json!({ "remote": server })).ready().await
}

async fn answers(gateway: &Gateway) {
    assert_eq!(gateway.result("/remote/echo", &echo()).await, "Echo: x");
}

/// The first call after a restart on the same port goes through: whatever was lost, it was not the call.
#[tokio::test]
async fn a_server_that_forgot_the_session_gets_the_call_again() {
    let port = free_port();
    let first = Remote::http_at(port).await;
    let gateway = gateway("http", &first.url).await;
    answers(&gateway).await;
    drop(first);
    let _second = Remote::http_at(port).await;
    answers(&gateway).await;
    gateway.stop().await;
}

/// Nobody listens: calls say so, and go through as soon as somebody does.
#[tokio::test]
async fn a_refused_connection_is_told_and_tried_again() {
    let port = free_port();
    let first = Remote::http_at(port).await;
    let gateway = gateway("http", &first.url).await;
    drop(first);
    eventually("the refusal is told", async || {
        let answer = gateway.call("/remote/echo", &echo()).await;
        // The first may still meet the server's end.
        assert!(matches!(answer.status, 502 | 503), "{answer:?}");
        (answer.status == 503 && answer.body.contains("refused")).then_some(())
    })
    .await;
    let _second = Remote::http_at(port).await;
    answers(&gateway).await;
    gateway.stop().await;
}

/// What a proxy answers for a server is told as it is, may have run, and ends nothing.
#[tokio::test]
async fn a_proxys_error_costs_one_call() {
    let remote = Remote::http().await;
    let (proxy, url) = FaultyProxy::before(&remote.url).await;
    let gateway = gateway("http", &url).await;
    for (status, answer) in [
        ("503", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        ("524", "HTTP/1.1 524 A Timeout Occurred\r\nContent-Length: 0\r\n\r\n"),
    ] {
        proxy.set(Fault::Answer(answer));
        // A call that meets the end of a connection from before is lost with that.
        eventually("the proxy's error is told", async || {
            let message = gateway.call("/remote/echo", &echo()).await.error(502);
            assert!(message.contains("may have run"), "{message}");
            message.contains(status).then_some(())
        })
        .await;
        proxy.set(Fault::None);
        answers(&gateway).await;
    }
    gateway.stop().await;
}

/// A stream that is cut, as idle ones are by proxies, is opened anew. The call that meets the cut is answered all the
/// same: its tool is annotated idempotent, so it goes out once more where it was lost.
#[tokio::test]
async fn a_cut_stream_is_opened_anew() {
    for (kind, remote) in [("sse", Remote::sse().await), ("http", Remote::http().await)] {
        let (proxy, url) = FaultyProxy::before(&remote.url).await;
        let gateway = gateway(kind, &url).await;
        answers(&gateway).await;
        proxy.set(Fault::Cut);
        proxy.set(Fault::None);
        answers(&gateway).await;
        gateway.stop().await;
    }
}

/// A peer that is gone without a word is found out by the first call, which does not hang, and left behind.
#[tokio::test]
async fn a_half_open_connection_is_left_behind() {
    for (kind, remote) in [("sse", Remote::sse().await), ("http", Remote::http().await)] {
        let (proxy, url) = FaultyProxy::before(&remote.url).await;
        let gateway = gateway(kind, &url).await;
        proxy.set(Fault::Silence);
        gateway.call("/remote/echo", &echo()).await.error(504);
        eventually("the silence is noticed", async || {
            gateway.log().contains("the server does not answer").then_some(())
        })
        .await;
        proxy.set(Fault::None);
        eventually("calls go through", async || {
            let answer = gateway.call("/remote/echo", &echo()).await;
            assert!(matches!(answer.status, 200 | 502 | 503), "{kind}: {answer:?}");
            (answer.status == 200).then_some(())
        })
        .await;
        gateway.stop().await;
    }
}

/// A server that was down when we started is found when it is up.
#[tokio::test]
async fn a_server_that_comes_late_is_found() {
    let port = free_port();
    let server = json!({ "type": "http", "url": format!("http://127.0.0.1:{port}/mcp") });
    let gateway = Gateway::config(&json!({ "remote": server })).start().await;
    eventually("it is refused", async || {
        let answer = gateway.call("/remote/echo", &echo()).await;
        answer.error(503).contains("refused").then_some(())
    })
    .await;
    let _remote = Remote::http_at(port).await;
    within(Duration::from_secs(40), "calls go through", async || {
        let answer = gateway.call("/remote/echo", &echo()).await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        (answer.status == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}

/// A name that does not resolve, and a peer that speaks no TLS: told as what they are, and tried again.
#[tokio::test]
async fn failures_of_names_and_tls_are_told() {
    let remote = Remote::http().await;
    let servers = json!({
        "name": { "type": "http", "url": "http://mcp.invalid/mcp" },
        "tls": { "type": "http", "url": remote.url.replace("http://", "https://") },
    });
    let gateway = Gateway::config(&servers).start().await;
    for (server, reason) in [("name", "dns error"), ("tls", "InvalidContentType")] {
        eventually(&format!("{server} says why"), async || {
            let answer = gateway.call(&format!("/{server}/x"), &json!({})).await;
            let retried = answer.header("retry-after").is_some();
            (answer.error(503).contains(reason) && retried).then_some(())
        })
        .await;
    }
    gateway.stop().await;
}

/// The fake over HTTP, which records what it is sent; its tool has no annotations.
struct Recorded {
    remote: Remote,
    folder: TempDir,
}

impl Recorded {
    async fn start(path: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("record");
        let remote = Remote::fake(path, &["--record", record.to_str().unwrap()]).await;
        Self { remote, folder }
    }

    /// How often the tool ran.
    fn runs(&self) -> usize {
        let text = fs::read_to_string(self.folder.path().join("record")).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        messages.filter(|message| message["method"] == "tools/call").count()
    }
}

/// A call that meets a cut goes through or says that it may have run, at once; it never runs twice.
#[tokio::test]
async fn a_call_that_meets_a_cut_runs_once_at_most() {
    for (kind, path) in [("sse", "sse"), ("http", "mcp")] {
        let server = Recorded::start(path).await;
        let (proxy, url) = FaultyProxy::before(&server.remote.url).await;
        let gateway = gateway(kind, &url).await;
        gateway.result("/remote/call", &json!({})).await;
        proxy.set(Fault::Cut);
        proxy.set(Fault::None);
        let answer = gateway.call("/remote/call", &json!({})).await;
        if answer.status != 200 {
            assert!(answer.error(502).contains("may have run"), "{kind}: {answer:?}");
        }
        gateway.result("/remote/call", &json!({})).await;
        let most = 3;
        let least = most - usize::from(answer.status != 200);
        assert!((least..=most).contains(&server.runs()), "{kind}: {} runs, {answer:?}", server.runs());
        gateway.stop().await;
    }
}

/// Nobody waits for the answer to a POST whose stream is gone: some servers never give one.
#[tokio::test]
async fn a_call_is_lost_with_its_stream() {
    let server = Recorded::start("sse").await;
    let gateway = gateway("sse", &server.remote.url).await;
    let message = gateway.call("/remote/call", &json!({ "hang_up": true })).await.error(502);
    assert!(message.contains("may have run: the server ended the stream"), "{message}");
    assert_eq!(server.runs(), 1);
    gateway.result("/remote/call", &json!({})).await;
    assert_eq!(server.runs(), 2);
    gateway.stop().await;
}

/// A session that was forgotten while its stream stands is opened anew by the call that is refused for it.
#[tokio::test]
async fn a_stream_of_a_forgotten_session_is_left() {
    let server = Recorded::start("sse").await;
    let gateway = gateway("sse", &server.remote.url).await;
    gateway.result("/remote/call", &json!({ "forget": true })).await;
    gateway.result("/remote/call", &json!({})).await;
    assert_eq!(server.runs(), 2);
    gateway.stop().await;
}

/// A proxy that goes on saying that it cannot reach the server ends the session, and the state says why.
#[tokio::test]
async fn a_proxys_lasting_error_ends_the_session() {
    let server = Recorded::start("mcp").await;
    let (proxy, url) = FaultyProxy::before(&server.remote.url).await;
    let gateway = gateway("http", &url).await;
    proxy.set(Fault::Answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
    eventually("the proxy's error is told", async || {
        let message = gateway.call("/remote/call", &json!({})).await.error(502);
        message.contains("503").then_some(())
    })
    .await;
    eventually("the state says so", async || {
        let told = gateway.get("/status").await.json()["servers"][0].clone();
        let reason = told["reason"].as_str().unwrap_or_default();
        (told["state"] == "backing off" && reason.contains("HTTP 503")).then_some(())
    })
    .await;
    let message = gateway.call("/remote/call", &json!({})).await.error(503);
    assert!(message.contains("HTTP 503"), "{message}");
    assert_eq!(server.runs(), 0);
    proxy.set(Fault::None);
    gateway.result("/remote/call", &json!({})).await;
    gateway.stop().await;
}

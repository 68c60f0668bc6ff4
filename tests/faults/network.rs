//! Remote servers, and what stands between them and us: refused, forgotten, cut, restarted.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::fixture::{Fixture, REMOTE};
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

/// The first call after a restart on the same port goes through: the server has forgotten the session, and says so with
/// 404. While nobody listens, calls are told.
#[tokio::test]
async fn the_first_call_after_a_restart_goes_through() {
    for transport in REMOTE {
        let (fixture, mut upstream) = Fixture::remote(transport).await;
        fixture.answers().await;
        upstream.kill();
        upstream.start().await;
        fixture.answers().await;
        upstream.kill();
        fixture.refuses("refused").await;
        upstream.start().await;
        fixture.answers().await;
        fixture.stop().await;
    }
}

/// Some servers answer 400 about a session that they have forgotten.
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

/// A 400 about one request costs that request alone; calls under way beside it are answered.
#[tokio::test]
async fn a_refusal_costs_one_call() {
    let (fixture, upstream) = Fixture::remote(REMOTE[0]).await;
    let release = fixture.gateway.file("release");
    let slow = fixture.call_with(json!({ "until": release }));
    let refused = async {
        fixture.ran(1).await;
        for _ in 0..3 {
            let answer = fixture.call_with(json!({ "refuse": "the arguments are too deep" })).await;
            assert!(answer.error(502).contains("the arguments are too deep"), "{answer:?}");
        }
        fs::write(&release, "").unwrap();
    };
    let (slow, ()) = tokio::join!(slow, refused);
    assert_eq!(slow.status, 200, "{slow:?}");
    assert!(!fixture.gateway.log().contains("not connected"), "{}", fixture.gateway.log());
    drop(upstream);
    fixture.stop().await;
}

/// What a proxy answers for a server is told as it is; a call that it was the answer to may have run. Where it lasts, the
/// first call after it goes through all the same.
#[tokio::test]
async fn a_proxys_error_costs_the_calls_that_meet_it() {
    for (status, answer) in [
        ("503", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        ("524", "HTTP/1.1 524 A Timeout Occurred\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let (fixture, _upstream, proxy) = Fixture::proxied(REMOTE[0]).await;
        proxy.set(Fault::Answer(answer));
        // A call that meets the end of a connection from before is lost with that.
        eventually("the proxy's error is told", async || {
            let answer = fixture.call().await;
            // A ping that is lost with such a connection ends the session: then nothing was sent.
            if answer.status != 503 {
                assert!(answer.error(502).contains("may have run"), "{answer:?}");
            }
            answer.body.contains(status).then_some(())
        })
        .await;
        proxy.set(Fault::None);
        fixture.answers().await;
        fixture.stop().await;
    }
    for transport in REMOTE {
        let (fixture, _upstream, proxy) = Fixture::proxied(transport).await;
        proxy.set(Fault::Answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
        fixture.refuses("HTTP 502").await;
        proxy.set(Fault::None);
        fixture.answers().await;
        fixture.stop().await;
    }
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

/// A proxy that goes on saying that it cannot reach the server ends the session, and the state says why. One that says
/// it for a moment does not.
#[tokio::test]
async fn a_proxys_lasting_error_ends_the_session() {
    let server = Recorded::start("mcp").await;
    let gateway = gateway("http", &server.remote.url).await;
    let refuse = async |requests: u32| {
        let message = gateway.call("/remote/call", &json!({ "refuse": requests })).await.error(502);
        assert!(message.contains("may have run: the server answered HTTP 503"), "{message}");
    };
    let recovers = async || {
        eventually("calls go through", async || {
            let answer = gateway.call("/remote/call", &json!({})).await;
            assert!(matches!(answer.status, 200 | 502 | 503), "{answer:?}");
            (answer.status == 200).then_some(())
        })
        .await;
    };
    refuse(3).await;
    recovers().await;
    assert!(!gateway.log().contains("not connected"), "{}", gateway.log());
    refuse(20).await;
    // Sooner than silence alone is asked.
    within(Duration::from_secs(20), "the state says why", async || {
        let told = gateway.get("/status").await.json()["servers"][0].clone();
        let reason = told["reason"].as_str().unwrap_or_default();
        (told["state"] == "backing off" && reason.contains("HTTP 503")).then_some(())
    })
    .await;
    gateway.call("/remote/call", &json!({})).await.error(503);
    recovers().await;
    assert_eq!(server.runs(), 2);
    gateway.stop().await;
}

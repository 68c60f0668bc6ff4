//! Child processes that end, freeze, or say what they should not.

use std::{fs, path::PathBuf, time::Duration};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fixture::child;
use crate::support::{
    Gateway, eventually, parts,
    processes::{marked, signal},
    wait::{DEADLINE, within},
};

/// A gateway before the fake, which records what it is sent and crashes at its start when told.
struct Fixture {
    gateway: Gateway,
    folder: TempDir,
}

impl Fixture {
    async fn start(options: &[&str], bounds: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (record, crash) = (folder.path().join("record"), folder.path().join("crash"));
        let own = ["--record", record.to_str().unwrap(), "--crash", crash.to_str().unwrap()];
        let mut server = parts::fake(&[&own, options].concat());
        server.as_object_mut().unwrap().extend(bounds.as_object().unwrap().clone());
        let gateway = Gateway::config(&json!({ "fake": server })).ready().await;
        Self { gateway, folder }
    }

    fn crashes(&self) -> PathBuf {
        self.folder.path().join("crash")
    }

    /// How often a message of this method came, over all lives of the server.
    fn count(&self, method: &str) -> usize {
        let text = fs::read_to_string(self.folder.path().join("record")).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        messages.filter(|message| message["method"] == method).count()
    }

    fn child(&self) -> u32 {
        child(&self.gateway)
    }

    /// Waits until the gateway has seen that the server is gone.
    async fn down(&self) {
        eventually("the server is down", async || self.gateway.log().contains("not connected").then_some(()))
            .await;
    }
}

/// All callers of a dead server wait for one and the same new start, and every call runs once.
#[tokio::test]
async fn callers_of_a_dead_child_share_its_new_start() {
    let fixture = Fixture::start(&[], &json!({})).await;
    signal(fixture.child(), Signal::SIGKILL);
    fixture.down().await;
    let calls = (0..30).map(async |n: u32| {
        assert_eq!(fixture.gateway.result("/fake/call", &json!({ "n": n })).await["arguments"]["n"], n);
    });
    join_all(calls).await;
    assert_eq!((fixture.count("initialize"), fixture.count("tools/call")), (2, 30));
    fixture.gateway.stop().await;
}

/// A call that meets the server's end says that it may have run, and is not repeated.
#[tokio::test]
async fn a_call_that_may_have_run_is_not_repeated() {
    let fixture = Fixture::start(&[], &json!({})).await;
    let message = fixture.gateway.call("/fake/call", &json!({ "die": true })).await.error(502);
    assert!(message.contains("may have run"), "{message}");
    assert_eq!(fixture.gateway.result("/fake/call", &json!({})).await["tool"], "call");
    assert_eq!(fixture.count("tools/call"), 2);
    fixture.gateway.stop().await;
}

/// One that is annotated so goes out a second time, and not a third.
#[tokio::test]
async fn a_lost_call_of_a_repeatable_tool_goes_out_once_more() {
    for hint in ["idempotentHint", "readOnlyHint"] {
        let tool =
            json!({ "name": "safe", "inputSchema": { "type": "object" }, "annotations": { hint: true } });
        let fixture = Fixture::start(&["--tool", &tool.to_string()], &json!({})).await;
        fixture.gateway.call("/fake/safe", &json!({ "die": true })).await.error(502);
        assert_eq!(fixture.count("tools/call"), 2, "{hint}");
        fixture.gateway.stop().await;
    }
}

/// A server that crashes at every start is tried no more often than allowed, answers its callers at once, and is back
/// by itself.
#[tokio::test]
async fn a_crash_loop_ends_when_the_crashes_do() {
    let fixture = Fixture::start(&[], &json!({})).await;
    fs::write(fixture.crashes(), "").unwrap();
    signal(fixture.child(), Signal::SIGKILL);
    fixture.down().await;
    let answers = join_all((0..10).map(async |_| fixture.gateway.call("/fake/call", &json!({})).await)).await;
    for answer in answers {
        assert!(answer.error(503).contains("ended with exit code 3"), "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    // Each attempt starts the program twice: as for this generation, and as for an older one.
    let starts = fs::read_to_string(fixture.crashes()).unwrap().lines().count();
    assert!(starts <= 4, "{starts} starts for ten callers");
    fs::remove_file(fixture.crashes()).unwrap();
    assert_eq!(fixture.gateway.result("/fake/call", &json!({})).await["tool"], "call");
    fixture.gateway.stop().await;
}

/// Nobody starts a program more often than it is allowed, however many ask.
#[tokio::test]
async fn starts_are_bounded_by_the_minute() {
    let fixture = Fixture::start(&[], &json!({ "restartsPerMinute": 1, "timeout": 2 })).await;
    signal(fixture.child(), Signal::SIGKILL);
    fixture.down().await;
    let answer = fixture.gateway.call("/fake/call", &json!({})).await;
    answer.error(503);
    let retry: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(retry > 30, "{retry}");
    assert_eq!(fixture.count("initialize"), 1);
    fixture.gateway.stop().await;
}

/// A frozen child is found out after the first call that it leaves without an answer, and replaced; also where that call
/// is more than a pipe holds.
#[tokio::test]
async fn a_child_that_stops_is_replaced() {
    join_all([1, 1 << 20].map(replaced)).await;
}

async fn replaced(size: usize) {
    let fixture = Fixture::start(&[], &json!({ "timeout": 1 })).await;
    let frozen = fixture.child();
    signal(frozen, Signal::SIGSTOP);
    fixture.gateway.call("/fake/call", &json!({ "n": "x".repeat(size) })).await.error(504);
    eventually("another child answers", async || {
        let answer = fixture.gateway.call("/fake/call", &json!({})).await;
        assert!(matches!(answer.status, 200 | 502 | 503 | 504), "{answer:?}");
        (answer.status == 200).then_some(())
    })
    .await;
    assert!(fixture.gateway.log().contains("the server does not answer"));
    within(Duration::from_secs(10), "the frozen child is gone", async || {
        marked(&fixture.gateway.mark()).iter().all(|process| process.pid != frozen).then_some(())
    })
    .await;
    fixture.gateway.stop().await;
}

/// What is not JSON costs nothing; what nobody can tell the owner of, and is too long, costs the connection.
#[tokio::test]
async fn output_that_is_no_message_is_survived() {
    let server = parts::fake(&[]);
    let gateway =
        Gateway::config(&json!({ "fake": server })).options(["--max-result-size", "100kB"]).ready().await;
    let answer = gateway.result("/fake/call", &json!({ "garbage": "Listening on port 8000" })).await;
    assert_eq!(answer["tool"], "call");
    let answer = gateway.call("/fake/call", &json!({ "garbage": "x".repeat(150_000) })).await;
    assert!(answer.error(502).contains("a line of more than 100000 bytes"), "{answer:?}");
    assert_eq!(gateway.result("/fake/call", &json!({})).await["tool"], "call");
    gateway.stop().await;
}

/// A child whose own child holds its output is gone all the same.
#[tokio::test]
async fn an_heir_of_the_output_keeps_nobody_waiting() {
    let fixture = Fixture::start(&["--heir"], &json!({})).await;
    fixture.gateway.call("/fake/call", &json!({ "die": true })).await.error(502);
    assert_eq!(fixture.gateway.result("/fake/call", &json!({})).await["tool"], "call");
    fixture.gateway.stop().await;
}

/// Beyond what runs and what waits a call is refused at once.
#[tokio::test]
async fn a_full_queue_refuses() {
    let fixture = Fixture::start(&[], &json!({ "maxConcurrent": 1, "maxQueued": 1, "timeout": 3 })).await;
    let call = async |arguments: Value| fixture.gateway.call("/fake/call", &arguments).await;
    let silent = call(json!({ "silence": true }));
    let others = async {
        eventually("the first call runs", async || (fixture.count("tools/call") == 1).then_some(())).await;
        join_all((0..3).map(|_| call(json!({})))).await
    };
    let (first, others) = tokio::join!(silent, others);
    first.error(504);
    let refused: Vec<_> = others
        .iter()
        .filter(|answer| answer.status == 503 && answer.body.contains("too many calls"))
        .collect();
    assert_eq!(refused.len(), 2, "{others:?}");
    assert!(refused.iter().all(|answer| answer.header("retry-after").is_some()), "{refused:?}");
    fixture.gateway.stop().await;
}

/// A server that says nothing for as long as it may is asked whether it is there.
#[tokio::test]
async fn silence_is_asked_after_the_idle_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let mut fake = parts::fake(&["--record", record.to_str().unwrap()]);
    fake["idleTimeout"] = json!(0.2);
    let gateway = Gateway::config(&json!({ "fake": fake })).ready().await;
    eventually("a ping", async || fs::read_to_string(&record).unwrap().contains("\"ping\"").then_some(()))
        .await;
    gateway.result("/fake/call", &json!({})).await;
    gateway.stop().await;
}

/// A program that was idle is started anew, once for each time that it was used.
#[tokio::test]
async fn an_idle_program_is_started_anew() {
    let mut server = parts::fake(&[]);
    server["maxIdle"] = json!(1);
    let gateway = Gateway::config(&json!({ "fake": server })).ready().await;
    let first = child(&gateway);
    gateway.result("/fake/call", &json!({})).await;
    eventually("another process runs", async || {
        let log = gateway.log();
        (log.matches("starts its program anew: it was idle for maxIdle").count() == 1).then_some(())
    })
    .await;
    gateway.result("/fake/call", &json!({})).await;
    assert_ne!(child(&gateway), first);
    gateway.stop().await;
}

/// Calls without a pause, while the program is started anew again and again: all of them get their answer.
#[tokio::test]
async fn an_old_program_is_started_anew_and_no_call_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("release");
    let mut server = parts::fake(&[]);
    server["maxAge"] = json!(1);
    let gateway = Gateway::config(&json!({ "fake": server })).ready().await;
    let recycled = || gateway.log().matches("starts its program anew: it has reached maxAge").count();
    let until = json!({ "until": release });
    let long = gateway.call("/fake/call", &until);
    let others = async {
        // As long as a call is under way nothing is done, however old the program is.
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            gateway.get("/healthz").await;
        }
        assert_eq!(recycled(), 0);
        fs::write(&release, "").unwrap();
    };
    assert_eq!(tokio::join!(long, others).0.status, 200);
    // Two callers, so that one calls while the other's call is the last.
    let calls = async || {
        let start = std::time::Instant::now();
        while recycled() < 3 {
            gateway.result("/fake/call", &json!({})).await;
            assert!(start.elapsed() < DEADLINE, "{}", gateway.log());
        }
    };
    tokio::join!(calls(), calls());
    gateway.stop().await;
}

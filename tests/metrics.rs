//! `/metrics`, as Prometheus would read it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Gateway, eventually, parts, processes, upstream::Remote, wait::DEADLINE};

const KEY: &str = "open-sesame";
const RECONNECTS: &str = "mcpo_server_reconnects_total{server=\"fake\"}";
const RESTARTS: &str = "mcpo_child_restarts_total{server=\"fake\"}";

/// The value of the sample that is written so.
fn sample(text: &str, series: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap_or_else(|_| panic!("{series} is {value}")))
}

/// Prometheus' own tool finds nothing to complain of.
fn accepted_by_prometheus(text: &str) {
    let mut promtool = Command::new(parts::part("prometheus/usr/bin/promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    promtool.stdin.take().expect("stdin is piped").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
}

#[tokio::test]
async fn calls_are_counted_by_server_tool_and_outcome() {
    let odd = "quote\" back\\slash";
    let servers = json!({ "example": parts::example(), odd: parts::fake(&[]), "dead": { "command": "no-such-program" } });
    let gateway = Gateway::config(&servers).start().await;
    gateway.document("/example").await;
    eventually("the other server is ready", async || {
        let metrics = gateway.get("/metrics").await.body;
        metrics.contains("{server=\"quote\\\" back\\\\slash\",state=\"ready\"} 1").then_some(())
    })
    .await;
    for _ in 0..3 {
        gateway.result("/example/get_current_time", &json!({ "timezone": "Asia/Tokyo" })).await;
    }
    gateway.call("/example/get_current_time", &json!({ "timezone": 7 })).await;
    gateway.call("/example/get_current_time", &json!({ "timezone": "No/Where" })).await;
    gateway.call("/example/a-tool-that-is-none", &json!({})).await;

    let answer = gateway.get("/metrics").await;
    assert_eq!(
        answer.header("content-type").as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8"),
        "{answer:?}"
    );
    let text = answer.body;
    accepted_by_prometheus(&text);
    let tool = "server=\"example\",tool=\"get_current_time\"";
    for (outcome, count) in [("ok", 3.0), ("invalid", 1.0), ("tool_error", 1.0)] {
        let series = format!("mcpo_calls_total{{{tool},outcome=\"{outcome}\"}}");
        assert_eq!(sample(&text, &series), Some(count), "{series}\n{text}");
    }
    for (series, value) in [
        (format!("mcpo_call_duration_seconds_count{{{tool}}}"), 5.0),
        (format!("mcpo_call_duration_seconds_bucket{{{tool},le=\"+Inf\"}}"), 5.0),
        ("mcpo_calls_in_flight{server=\"example\"}".to_owned(), 0.0),
        ("mcpo_server_state{server=\"example\",state=\"ready\"}".to_owned(), 1.0),
        ("mcpo_server_state{server=\"dead\",state=\"ready\"}".to_owned(), 0.0),
        ("mcpo_server_reconnects_total{server=\"example\"}".to_owned(), 0.0),
        (format!("mcpo_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(sample(&text, &series), Some(value), "{series}\n{text}");
    }
    // Whatever callers ask for, only the catalogue's names become labels.
    assert!(!text.contains("a-tool-that-is-none"), "{text}");
    gateway.stop().await;
}

/// A server that comes back keeps its numbers, and its return is counted; so with one that was replaced.
#[tokio::test]
async fn numbers_outlive_a_connection() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    gateway.result("/fake/call", &json!({})).await;
    let server = processes::marked(&gateway.mark()).into_iter().find(|process| process.pid != gateway.pid());
    processes::signal(server.expect("its child").pid, Signal::SIGKILL);
    let text = eventually("it is connected anew", async || {
        let text = gateway.get("/metrics").await.body;
        let again = sample(&text, RECONNECTS) == Some(1.0);
        let ready = sample(&text, "mcpo_server_state{server=\"fake\",state=\"ready\"}") == Some(1.0);
        (again && ready).then_some(text)
    })
    .await;
    let calls = "mcpo_calls_total{server=\"fake\",tool=\"call\",outcome=\"ok\"}";
    assert_eq!(sample(&text, calls), Some(1.0), "{text}");
    gateway.result("/fake/call", &json!({})).await;
    assert_eq!(sample(&gateway.get("/metrics").await.body, calls), Some(2.0));
    assert_eq!(sample(&text, RESTARTS), Some(1.0), "{text}");
    assert_eq!(gateway.get("/status").await.json()["servers"][0]["restarts"], 1);

    // They outlive its session too: the program of the new one is one more that was started.
    let changed = json!({ "mcpServers": { "fake": parts::fake(&["--name", "changed"]) } });
    std::fs::write(gateway.file("config.json"), changed.to_string()).unwrap();
    gateway.signal(Signal::SIGHUP);
    let text = eventually("another session", async || {
        let document = gateway.get("/fake/openapi.json").await.json();
        (document["info"]["title"] == "changed").then_some(())?;
        Some(gateway.get("/metrics").await.body)
    })
    .await;
    assert_eq!((sample(&text, RECONNECTS), sample(&text, RESTARTS)), (Some(2.0), Some(2.0)), "{text}");
    gateway.stop().await;
}

/// Only a program can be started again.
#[tokio::test]
async fn remote_servers_have_no_restarts() {
    let remote = Remote::http().await;
    let gateway = Gateway::config(&json!({ "remote": { "url": remote.url } })).ready().await;
    let text = gateway.get("/metrics").await.body;
    assert!(text.contains("mcpo_server_reconnects_total{server=\"remote\"} "), "{text}");
    assert!(!text.contains("mcpo_child_restarts_total{"), "{text}");
    assert!(gateway.get("/status").await.json()["servers"][0].get("restarts").is_none());
    gateway.stop().await;
}

/// Open as documents are, and closed as they are.
#[tokio::test]
async fn strict_auth_guards_them() {
    for (strict, status) in [(false, 200), (true, 401)] {
        let options = ["--api-key", KEY].into_iter().chain(strict.then_some("--strict-auth"));
        let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).ready().await;
        assert_eq!(gateway.get("/metrics").await.status, status, "strict: {strict}");
        let request = gateway.request(Method::GET, "/metrics").bearer_auth(KEY);
        assert_eq!(gateway.send(request).await.status, 200);
        gateway.stop().await;
    }
}

/// With `--metrics-port` the numbers are on that port, for all who reach it, and nowhere else; nothing else is there.
#[tokio::test]
async fn they_can_have_a_port_of_their_own() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--api-key", KEY, "--strict-auth", "--metrics-port", "0"])
        .ready()
        .await;
    let log = gateway.log();
    let told = log.lines().find_map(|line| line.split_once("metrics at ")).expect(&log).1;
    let base = told.strip_suffix("/metrics").expect(told);
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let ask = async |method: Method, path: &str| {
        Answer::read(client.request(method, format!("{base}{path}")).send().await.unwrap()).await
    };
    let answer = ask(Method::GET, "/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(sample(&answer.body, "mcpo_server_state{server=\"fake\",state=\"ready\"}"), Some(1.0));
    for open in ["/healthz", "/readyz"] {
        assert_eq!(ask(Method::GET, open).await.status, 200, "{open}");
    }
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/status"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/fake/docs"),
        (Method::POST, "/fake/call"),
        (Method::POST, "/metrics"),
    ] {
        let answer = ask(method.clone(), path).await;
        answer.is(404, &json!({ "detail": "Not Found" }));
    }
    for method in [Method::GET, Method::POST] {
        let answer = gateway.send(gateway.request(method, "/metrics").bearer_auth(KEY)).await;
        answer.is(404, &json!({ "detail": "Not Found" }));
    }
    gateway.stop().await;
}

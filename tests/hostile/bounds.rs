//! Servers whose lists, schemas or announcements would take much memory or time, and callers whose arguments would:
//! each costs no more than its bound, and others notice nothing.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Answer, Gateway, eventually,
    observe::{count, peak},
    parts,
};

/// How much one server may take, in KiB.
const MOST: usize = 110 << 10;
/// The longest that anything else may wait meanwhile, on the slowest machine.
const SLOWEST: Duration = Duration::from_secs(1);

/// The server of `fakes/oversized.py`, which documents its arguments.
fn hostile(kind: &str, what: &str) -> Value {
    let script = parts::file("fakes/oversized.py").to_str().unwrap().to_owned();
    parts::stdio(&[parts::part("venv/bin/python"), script, kind.to_owned(), what.to_owned()])
}

/// A gateway before a server with these tools, and one that means well.
async fn with_tools(tools: &Value) -> (Gateway, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), tools.to_string()).unwrap();
    let servers =
        json!({ "hostile": hostile("tools", file.path().to_str().unwrap()), "good": parts::fake(&[]) });
    (Gateway::config(&servers).ready().await, file)
}

fn tool(schema: &Value) -> Value {
    json!([{ "name": "t", "inputSchema": { "type": "object", "properties": { "a": schema } } }])
}

/// How often a bound was hit.
async fn hits(gateway: &Gateway, bound: &str) -> u64 {
    let metrics = gateway.get("/metrics").await.body;
    let start = format!("mcpo_bounds_hit_total{{bound=\"{bound}\"}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    value.parse().unwrap()
}

/// Sends these arguments twice at once. Returns the answers, and how long `/healthz` took at most meanwhile.
async fn call_twice(gateway: &Gateway, arguments: &Value) -> ([Answer; 2], Duration) {
    let done = AtomicBool::new(false);
    let probe = async {
        let mut slowest = Duration::ZERO;
        while !done.load(Ordering::Relaxed) {
            let start = Instant::now();
            assert_eq!(gateway.get("/healthz").await.status, 200);
            slowest = slowest.max(start.elapsed());
        }
        slowest
    };
    let calls = async {
        let call = || gateway.call("/hostile/t", arguments);
        let (one, other) = tokio::join!(call(), call());
        done.store(true, Ordering::Relaxed);
        [one, other]
    };
    tokio::join!(calls, probe)
}

#[tokio::test]
async fn no_list_of_tools_takes_much_memory() {
    let quiet = Gateway::config(&json!({ "good": parts::fake(&[]) })).ready().await;
    let base = peak(&quiet);
    quiet.stop().await;
    for (case, state, bound) in [
        ("enum", "ready", Some("tool_list")),
        ("default", "ready", Some("tool_list")),
        ("annotations", "ready", Some("tool_list")),
        ("description", "ready", Some("tool_list")),
        ("empty", "ready", Some("tool_list")),
        ("long line", "backing off", Some("tool_list")),
        ("many", "ready", Some("tool_list")),
        ("properties", "ready", None),
        ("patterns", "ready", Some("schema")),
        ("copies", "ready", None),
        ("instructions", "ready", Some("handshake")),
        ("handshake", "backing off", Some("handshake")),
        ("error", "backing off", Some("handshake")),
    ] {
        let servers = json!({ "hostile": hostile("list", case), "good": parts::fake(&[]) });
        let gateway = Gateway::config(&servers).start().await;
        let settled = eventually(&format!("{case}: it is served, or not"), async || {
            let status = gateway.get("/status").await.json();
            let servers = status["servers"].as_array().unwrap();
            let server = servers.iter().find(|server| server["name"] == "hostile").unwrap();
            (server["state"] != "connecting").then(|| server.clone())
        })
        .await;
        assert_eq!(settled["state"], state, "{case}: {settled}");
        assert!(settled.to_string().len() < 2_000, "{case}: {settled}");
        if state == "ready" {
            gateway.document("/hostile").await;
        }
        assert_eq!(gateway.result("/good/call", &json!({})).await["tool"], "call");
        let taken = peak(&gateway).saturating_sub(base);
        assert!(taken < MOST, "{case} takes {taken} KiB");
        if let Some(bound) = bound {
            assert!(hits(&gateway, bound).await > 0, "{case}");
        }
        let log = gateway.stop().await;
        assert!(log.len() < 50_000, "{case}: {} bytes of log", log.len());
    }
}

/// Patterns that go back and forth for ordinary arguments.
#[tokio::test]
async fn no_pattern_holds_a_worker() {
    let back = |n: usize| json!({ "not": { "pattern": format!(r"^(.|..)+\1@{n}$") } });
    let patterns: Vec<Value> = (0..60).map(back).collect();
    let (gateway, _file) = with_tools(&tool(&json!({ "type": "string", "allOf": patterns }))).await;
    let arguments = json!({ "a": "Johann Wolfgang von Goethe, Weimar, 1810" });
    let (answers, slowest) = call_twice(&gateway, &arguments).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert!(slowest < SLOWEST, "/healthz took {slowest:?}");
    assert_eq!(hits(&gateway, "check_effort").await, 2);
    let unchecked = "arguments pass unchecked: to check them would take too much work";
    assert_eq!(count(&gateway, unchecked), 1, "once for a tool");
    gateway.stop().await;
}

#[tokio::test]
async fn no_body_holds_a_worker() {
    let many: Vec<usize> = (0..50_000).collect();
    let options: Vec<usize> = (0..15_000).collect();
    let branches: Vec<Value> = (0..500).map(|n| json!({ "type": "string", "minLength": n })).collect();
    let strict = json!({ "additionalProperties": { "type": "array", "items": { "type": "string" } } });
    for (schema, arguments, answers) in [
        (json!({ "items": { "enum": options } }), json!({ "a": vec![99_999; 50_000] }), "{}"),
        (json!({ "items": { "anyOf": branches } }), json!({ "a": many }), "{}"),
        (json!({ "items": { "type": "string" } }), json!({ "a": many[..20_000] }), "string_type"),
        (strict, json!({ "a": { "k".repeat(300_000): vec![0; 200] } }), "Input does not fit"),
    ] {
        let (gateway, _file) = with_tools(&tool(&schema)).await;
        let base = peak(&gateway);
        let (answered, slowest) = call_twice(&gateway, &arguments).await;
        assert!(answered.iter().all(|answer| answer.body.contains(answers)), "{answered:?}");
        assert!(slowest < SLOWEST, "/healthz took {slowest:?}");
        let taken = peak(&gateway) - base;
        assert!(taken < MOST, "{answers} takes {taken} KiB");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_storm_of_changes_is_paced_and_the_last_one_counts() {
    let servers = json!({ "hostile": hostile("storm", "50"), "good": parts::fake(&[]) });
    let gateway = Gateway::config(&servers).ready().await;
    eventually("the last change is served", async || {
        gateway.document("/hostile").await["paths"].get("/last").map(drop)
    })
    .await;
    let lists = count(&gateway, "the server's tools have changed");
    assert!((1..=6).contains(&lists), "{lists} lists for hundreds of changes");
    assert!(hits(&gateway, "tools_changed").await > 0);
    gateway.stop().await;
}

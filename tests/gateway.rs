//! The gateway before the example server: what every change must keep. Needs nothing but the binary.

use std::fs;

use nix::sys::signal::Signal;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Gateway, eventually, launch::Launch, parts};

const NOW: &str = "/example/get_current_time";

fn launch() -> Launch {
    Gateway::config(&json!({ "example": parts::example() }))
}

/// Calls `get_current_time` with this credential.
async fn call_as(gateway: &Gateway, key: &str) -> Answer {
    let call = gateway.request(Method::POST, NOW).bearer_auth(key).json(&json!({ "timezone": "UTC" }));
    gateway.send(call).await
}

#[tokio::test]
async fn a_tool_answers_with_its_result() {
    let gateway = launch().ready().await;
    let now = gateway.result(NOW, &json!({ "timezone": "Asia/Tokyo" })).await;
    assert_eq!(now["timezone"], "Asia/Tokyo", "{now}");
    let image = gateway.result("/example/get_image", &json!({})).await;
    assert!(image.to_string().contains("data:image/"), "{image}");
    gateway.stop().await;
}

#[tokio::test]
async fn one_server_has_its_tools_at_the_root() {
    let gateway = Gateway::single(["mcpo", "example-server"].map(str::to_owned).to_vec()).ready().await;
    assert_eq!(gateway.result("/echo", &json!({ "message": "hi" })).await, "hi");
    gateway.stop().await;
}

#[tokio::test]
async fn a_wrong_call_says_what_is_wrong() {
    let gateway = launch().ready().await;
    let invalid = gateway.call(NOW, &json!({ "timezone": 7 })).await;
    assert_eq!(invalid.status, 422, "{invalid:?}");
    assert_eq!(invalid.json()["detail"][0]["loc"], json!(["body", "timezone"]), "{invalid:?}");
    let malformed = gateway.request(Method::POST, NOW).header(CONTENT_TYPE, "application/json").body("{");
    assert_eq!(gateway.send(malformed).await.status, 422);
    let failed = gateway.call("/example/fail", &json!({ "message": "no luck" })).await;
    assert_eq!((failed.status, failed.json()), (500, json!({ "detail": { "message": "no luck" } })));
    let unknown = gateway.call("/example/get_curent_time", &json!({})).await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert!(
        unknown.json()["hint"].as_str().is_some_and(|hint| hint.contains("get_current_time")),
        "{unknown:?}"
    );
    assert_eq!(gateway.get(NOW).await.status, 405);
    gateway.stop().await;
}

#[tokio::test]
async fn each_tool_is_in_the_document() {
    let gateway = launch().ready().await;
    let document = gateway.document("/example").await;
    assert_eq!(document["openapi"], "3.1.0");
    let operation = &document["paths"]["/get_current_time"]["post"];
    assert!(operation["requestBody"].is_object() && operation["responses"]["200"].is_object(), "{operation}");
    let root = gateway.get("/openapi.json").await.json();
    assert!(root["paths"]["/status"].is_object(), "{root}");
    for page in ["/", "/docs", "/example/docs"] {
        let page = gateway.get(page).await;
        assert_eq!(
            (page.status, page.header("content-type").as_deref()),
            (200, Some("text/html; charset=utf-8"))
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn status_and_metrics_count_calls() {
    let gateway = launch().ready().await;
    gateway.result(NOW, &json!({ "timezone": "UTC" })).await;
    let status = gateway.get("/status").await.json();
    let server = &status["servers"][0];
    assert_eq!((&server["name"], &server["state"]), (&json!("example"), &json!("ready")), "{status}");
    assert_eq!(server["calls"]["total"], 1, "{status}");
    let metrics = gateway.get("/metrics").await.body;
    let counted = r#"mcpo_calls_total{server="example",tool="get_current_time",outcome="ok"} 1"#;
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_key_opens_and_nothing_else_does() {
    let gateway = launch().options(["--api-key", "k3y", "--strict-auth"]).ready().await;
    assert_eq!(gateway.call(NOW, &json!({ "timezone": "UTC" })).await.status, 401);
    assert_eq!(call_as(&gateway, "wrong").await.status, 403);
    assert_eq!(call_as(&gateway, "k3y").await.status, 200);
    for path in ["/docs", "/openapi.json", "/example/openapi.json", "/status", "/metrics"] {
        assert_eq!(gateway.get(path).await.status, 401, "{path}");
    }
    assert_eq!(gateway.get("/healthz").await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_limited_key_reaches_its_tools_alone() {
    let keys = json!({ "all": { "key": "k-all" }, "some": { "key": "k-some", "tools": ["echo"] } });
    let gateway = launch().access(&json!({ "keys": keys }), "k-all").ready().await;
    assert_eq!(call_as(&gateway, "k-all").await.status, 200);
    assert_eq!(call_as(&gateway, "k-some").await.status, 403);
    let document = gateway.request(Method::GET, "/example/openapi.json").bearer_auth("k-some");
    let document = gateway.send(document).await.json();
    let paths: Vec<_> = document["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(paths, ["/echo"]);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_over_a_rate_is_told_when_to_come_back() {
    let gateway = launch().options(["--rate-limit", "1/h"]).ready().await;
    assert_eq!(gateway.call(NOW, &json!({ "timezone": "UTC" })).await.status, 200);
    let refused = gateway.call(NOW, &json!({ "timezone": "UTC" })).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_audit_log_has_a_line_for_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit");
    let gateway = launch().options(["--audit-log", file.to_str().unwrap()]).ready().await;
    gateway.result("/example/echo", &json!({ "message": "a secret" })).await;
    let log = fs::read_to_string(&file).unwrap();
    let line: Value = serde_json::from_str(log.trim()).unwrap_or_else(|error| panic!("{error}: {log}"));
    assert_eq!((&line["server"], &line["tool"]), (&json!("example"), &json!("echo")));
    assert_eq!((&line["outcome"], &line["status"]), (&json!("ok"), &json!(200)));
    assert!(!log.contains("a secret"), "{log}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_edit_takes_effect_and_a_broken_one_changes_nothing() {
    let gateway = launch().ready().await;
    let write = |text: &str| fs::write(gateway.file("config.json"), text).expect("written");
    write("{ broken");
    gateway.signal(Signal::SIGHUP);
    let place = "config.json:1: not valid JSON";
    eventually("the log names the place", async || gateway.log().contains(place).then_some(())).await;
    gateway.result(NOW, &json!({ "timezone": "UTC" })).await;
    write(&json!({ "mcpServers": { "renamed": parts::example() } }).to_string());
    gateway.signal(Signal::SIGHUP);
    gateway.document("/renamed").await;
    assert_eq!(gateway.call(NOW, &json!({ "timezone": "UTC" })).await.status, 404);
    gateway.stop().await;
}

#[tokio::test]
async fn calls_in_flight_finish_before_it_ends() {
    let gateway = launch().ready().await;
    let call = gateway.request(Method::POST, "/example/wait").json(&json!({ "seconds": 1 }));
    let mut calls = JoinSet::new();
    calls.spawn(call.send());
    eventually("the call runs", async || {
        let status = gateway.get("/status").await.json();
        (status["servers"][0]["calls"]["running"] == 1).then_some(())
    })
    .await;
    gateway.stop().await;
    let answer = calls.join_next().await.expect("a call").unwrap().expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_dead_server_leaves_the_others_alone() {
    let servers = json!({ "example": parts::example(), "dead": { "command": "no-such-program" } });
    let gateway = Gateway::config(&servers).start().await;
    gateway.document("/example").await;
    gateway.result(NOW, &json!({ "timezone": "UTC" })).await;
    let dead = gateway.call("/dead/any", &json!({})).await;
    assert_eq!(dead.status, 503, "{dead:?}");
    assert!(dead.body.contains("no-such-program"), "{dead:?}");
    gateway.stop().await;
}

//! A server that fails says why, to those who may see it.

use serde_json::json;

use super::reaches;
use crate::support::{
    Gateway,
    parts::{self, odd_command},
    upstream::{Remote, free_port},
};

#[tokio::test]
async fn the_last_words_of_a_program_are_part_of_the_reason() {
    let gateway = Gateway::config(&json!({ "crash": parts::stdio(&odd_command(&["crash"])) })).start().await;
    let told = reaches(&gateway, "crash", "backing off").await;
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("ended with exit code 3"), "{reason}");
    assert!(reason.contains("ValueError: the DATABASE_URL is not set"), "{reason}");
    assert!(!reason.contains('\u{1b}'), "{reason}");
    let log = gateway.stop().await;
    let line = log.lines().find(|line| line.contains("not connected")).expect("a warning");
    assert!(line.contains("the DATABASE_URL is not set") && line.contains(" ms"), "{line}");
}

#[tokio::test]
async fn the_command_that_is_started_is_logged_without_secrets() {
    let mut server = parts::stdio(&odd_command(&["plain"]));
    server["args"].as_array_mut().unwrap().extend([json!("--api-key"), json!("hunter2-hunter2")]);
    let gateway = Gateway::config(&json!({ "plain": server })).ready().await;
    let log = gateway.stop().await;
    let line = log.lines().find(|line| line.contains("starting")).expect("the start");
    assert!(line.contains("odd.py plain --api-key …") && !log.contains("hunter2"), "{line}");
}

#[tokio::test]
async fn a_refused_connection_names_the_url_without_its_secrets() {
    let port = free_port();
    let url = format!("http://user:hunter2@127.0.0.1:{port}/mcp?key=hunter2");
    let gateway = Gateway::config(&json!({ "gone": { "type": "http", "url": url } })).start().await;
    let told = reaches(&gateway, "gone", "backing off").await;
    let reason = told["reason"].as_str().unwrap();
    assert!(
        reason.contains(&format!("http://127.0.0.1:{port}/mcp")) && !reason.contains("hunter2"),
        "{reason}"
    );
    let log = gateway.stop().await;
    assert!(!log.contains("hunter2"), "{log}");
}

/// A session that stands and whose calls fail one after another is of no use to anybody.
#[tokio::test]
async fn a_session_whose_calls_fail_is_not_ready() {
    let remote = Remote::odd("fails", "mcp").await;
    let gateway = Gateway::config(&json!({ "odd": { "type": "http", "url": remote.url } })).ready().await;
    for _ in 0..3 {
        assert_eq!(gateway.call("/odd/echo", &json!({})).await.status, 502);
    }
    let told = reaches(&gateway, "odd", "failing").await;
    assert!(told["reason"].as_str().unwrap().contains("the disk is full"), "{told}");
    assert_eq!(gateway.get("/readyz").await.status, 503);
    gateway.stop().await;
}

//! The record of calls.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Stdio,
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::call;
use crate::support::{Gateway, eventually, parts};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[tokio::test]
async fn each_call_is_a_line_without_values() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    fs::write(&file, "{\"what\": \"was there before\"}\n").unwrap();
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--named-key", "alice=k-alice", "--audit-log", file.to_str().unwrap()])
        .ready()
        .await;
    let post = |path: &str, key: &str| {
        gateway.request(reqwest::Method::POST, path).bearer_auth(key).header("x-request-id", "id-1")
    };
    let value = "a-value-of-an-argument";
    gateway.send(post("/fake/call", "k-alice").json(&json!({ "note": value }))).await;
    let failure = json!({ "error": { "code": -32000, "message": value } });
    gateway.send(post("/fake/call", "k-alice").json(&failure)).await;
    gateway.send(post("/fake/call?secret=in-a-query", "k-mallory").json(&json!({}))).await;
    gateway.get("/fake/openapi.json").await;
    gateway.stop().await;

    let text = fs::read_to_string(&file).unwrap();
    for secret in [value, "k-alice", "k-mallory", "in-a-query"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let [_, fine, failed, refused] = &lines(&text)[..] else { panic!("{text}") };
    for (line, outcome, status) in [(fine, "ok", 200), (failed, "rpc_error", 500)] {
        let known = ["request_id", "address", "caller", "server", "tool", "outcome"].map(|key| &line[key]);
        assert_eq!(known, ["id-1", "127.0.0.1", "alice", "fake", "call", outcome], "{line}");
        assert_eq!(line["status"], status);
        assert!(line["ms"].is_u64() && line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    }
    let known = ["request_id", "address", "method", "path", "outcome"].map(|key| &refused[key]);
    assert_eq!(known, ["id-1", "127.0.0.1", "POST", "/fake/call", "denied"], "{refused}");
    assert_eq!((&refused["status"], &refused["caller"]), (&json!(403), &Value::Null));
}

/// What gets no further is recorded too: who comes too often, and who wants a server that is not there.
#[tokio::test]
async fn what_does_not_begin_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit");
    let dead = json!({ "command": "/nosuch" });
    let gateway = Gateway::config(&json!({ "dead": dead }))
        .options([
            "--named-key",
            "alice=k-alice",
            "--rate-limit",
            "1/h",
            "--audit-log",
            file.to_str().unwrap(),
        ])
        .start()
        .await;
    assert_eq!(call(&gateway, "/dead/call", "k-alice").await.status, 503);
    assert_eq!(call(&gateway, "/dead/call", "k-alice").await.status, 429);
    let log = gateway.stop().await;
    assert!(log.contains("call failed"), "{log}");
    let text = fs::read_to_string(&file).unwrap();
    let [failed, refused] = &lines(&text)[..] else { panic!("{text}") };
    for (line, outcome, status) in [(failed, "unavailable", 503), (refused, "denied", 429)] {
        let known = ["caller", "path", "outcome"].map(|key| &line[key]);
        assert_eq!(known, ["alice", "/dead/call", outcome], "{line}");
        assert_eq!(line["status"], status);
    }
}

/// logrotate moves the file away and sends SIGHUP.
#[tokio::test]
async fn the_file_is_opened_anew_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let (file, old) = (folder.path().join("audit"), folder.path().join("audit.1"));
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--audit-log", file.to_str().unwrap()])
        .ready()
        .await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    gateway.result("/fake/call", &json!({})).await;
    fs::rename(&file, &old).unwrap();
    gateway.result("/fake/call", &json!({})).await;
    gateway.signal(Signal::SIGHUP);
    eventually("a new file", async || file.exists().then_some(())).await;
    gateway.result("/fake/call", &json!({})).await;
    gateway.stop().await;
    let count = |path| lines(&fs::read_to_string(path).unwrap()).len();
    assert_eq!((count(&old), count(&file)), (2, 1));
}

/// Nobody may read from a pipe, and then to open it would take for ever.
#[test]
fn a_pipe_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcpo"))
        .args(["--port", "0", "--audit-log", pipe.to_str().unwrap(), "--", "mcpo", "example-server"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("it is a pipe or a socket; name a file, or - for standard output"), "{told}");
}

#[test]
fn a_file_that_cannot_be_written_is_told_at_once() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcpo"))
        .args(["--port", "0", "--audit-log", "/nosuch/audit", "--", "mcpo", "example-server"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cannot write the audit log /nosuch/audit: No such file"), "{told}");
}

/// A call that its caller has given up is in it too.
#[tokio::test]
async fn who_hangs_up_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit");
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--api-key", "k", "--audit-log", file.to_str().unwrap()])
        .ready()
        .await;
    let body = r#"{"silence": true}"#;
    let head = format!(
        "POST /fake/call HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer k\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let connection = gateway.say(format!("{head}{body}").as_bytes()).await;
    eventually("the call is under way", async || {
        gateway.get("/metrics").await.body.contains("in_flight{server=\"fake\"} 1").then_some(())
    })
    .await;
    drop(connection);
    let line = eventually("a line", async || lines(&fs::read_to_string(&file).unwrap()).pop()).await;
    assert_eq!(
        (&line["outcome"], &line["status"], &line["caller"]),
        (&json!("cancelled"), &Value::Null, &json!("api-key"))
    );
    assert_eq!(call(&gateway, "/fake/call", "k").await.status, 200);
    gateway.stop().await;
}

/// A file from before, or one that a rotation has made, is closed to others.
#[tokio::test]
async fn a_file_that_others_can_read_is_closed_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit");
    let widen = || fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    fs::write(&file, "").unwrap();
    widen();
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--audit-log", file.to_str().unwrap()])
        .ready()
        .await;
    assert_eq!(mode(), 0o600);
    widen();
    gateway.signal(Signal::SIGHUP);
    eventually("the file is closed to others", async || (mode() == 0o600).then_some(())).await;
    let log = gateway.stop().await;
    assert_eq!(log.matches("was open to others (mode 644)").count(), 2, "{log}");
}

#[test]
fn a_link_in_a_folder_of_all_users_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let link = folder.path().join("audit");
    symlink(folder.path().join("victim"), &link).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcpo"))
        .args(["--port", "0", "--audit-log", link.to_str().unwrap(), "--", "mcpo", "example-server"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!((output.status.code(), folder.path().join("victim").exists()), (Some(2), false));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("is a symbolic link in a folder where every user may make one"), "{told}");
}

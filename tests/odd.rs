//! Servers as they are in the wild: what they write and how they refuse, in the forms of `fakes/odd.py`. What other
//! clients take from a server, mcpo takes.

mod failing;
mod sessions;
mod starting;

use std::process::Command;

use serde_json::{Map, Value, json};

use crate::support::{
    Answer, Gateway, eventually,
    parts::{self, odd_command},
    upstream::Remote,
    wire::encoded,
};

/// The forms of one table of the fake.
fn forms(table: &str) -> Vec<String> {
    let command = odd_command(&["forms"]);
    let output = Command::new(&command[0]).args(&command[1..]).output().expect("the fake runs");
    let mut tables: Value = serde_json::from_slice(&output.stdout).expect("the fake lists its forms");
    serde_json::from_value(tables[table].take()).expect("names")
}

/// Servers by name, one for each form, over stdio.
fn programs(forms: &[String]) -> Map<String, Value> {
    forms.iter().map(|form| (form.clone(), parts::stdio(&odd_command(&[form])))).collect()
}

/// What `/status` says of a server.
async fn status(gateway: &Gateway, server: &str) -> Value {
    let report = gateway.get("/status").await.json();
    let servers = report["servers"].as_array().expect("servers");
    servers.iter().find(|told| told["name"] == server).expect("the server").clone()
}

async fn reaches(gateway: &Gateway, server: &str, state: &str) -> Value {
    eventually(&format!("{server} is {state}"), async || {
        let told = status(gateway, server).await;
        (told["state"] == state).then_some(told)
    })
    .await
}

async fn call(gateway: &Gateway, server: &str) -> Answer {
    gateway.call(&format!("/{}/echo", encoded(server)), &json!({ "say": "it" })).await
}

async fn says(gateway: &Gateway, server: &str, expected: &str) {
    let answer = call(gateway, server).await;
    assert_eq!(answer.status, 200, "{server}: {answer:?}\n{}", gateway.log());
    assert_eq!(answer.json(), expected, "{server}");
}

#[tokio::test]
async fn messages_are_read_in_every_form() {
    let forms = forms("messages");
    let mut servers = programs(&forms);
    let mut remotes = Vec::new();
    for form in &forms {
        for path in ["mcp", "sse"] {
            let remote = Remote::odd(form, path).await;
            let kind = if path == "mcp" { "http" } else { "sse" };
            servers.insert(format!("{form} over {path}"), json!({ "type": kind, "url": remote.url }));
            remotes.push(remote);
        }
    }
    let names: Vec<String> = servers.keys().cloned().collect();
    let gateway = Gateway::config(&Value::Object(servers)).start().await;
    for name in &names {
        let expected = match name.split(' ').next() {
            Some("half-a-pair") => "said \u{fffd}it",
            Some("not-utf-8") => "said \u{fffd}it",
            _ => "said it",
        };
        says(&gateway, name, expected).await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn events_need_no_type() {
    let remote = Remote::odd("untyped", "mcp").await;
    let gateway = Gateway::config(&json!({ "untyped": { "type": "http", "url": remote.url } })).start().await;
    says(&gateway, "untyped", "said it").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_handshake_needs_a_version_alone() {
    let forms = forms("handshakes");
    let gateway = Gateway::config(&Value::Object(programs(&forms))).start().await;
    for form in &forms {
        if form.starts_with('*') {
            let told = reaches(&gateway, form, "backing off").await;
            assert!(told["reason"].as_str().unwrap().contains("`protocolVersion`"), "{form}: {told}");
        } else {
            says(&gateway, form, "said it").await;
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_list_loses_only_what_cannot_be_read() {
    let forms = forms("lists");
    let gateway = Gateway::config(&Value::Object(programs(&forms))).start().await;
    for form in &forms {
        let told = reaches(&gateway, form, "ready").await;
        let tools = match form.as_str() {
            "null-tools" | "no-tools" => 0,
            "no-schema" | "empty-cursor" | "number-cursor" | "object-cursor" => 2,
            _ => 1,
        };
        assert_eq!(told["tools"], tools, "{form}");
        if tools > 0 {
            says(&gateway, form, "said it").await;
        }
    }
    let log = gateway.stop().await;
    for warning in [
        "left out a tool without a name",
        "without the parts of it that cannot be read",
        "annotations, icons, outputSchema",
        "serves the tools of the pages that could be had",
        "the server repeats a page",
    ] {
        assert!(log.contains(warning), "no warning of {warning:?}:\n{log}");
    }
}

#[tokio::test]
async fn a_log_on_stdout_answers_nothing() {
    let gateway = Gateway::config(&Value::Object(programs(&["noise".into()]))).start().await;
    for _ in 0..3 {
        says(&gateway, "noise", "said it").await;
    }
    let log = gateway.stop().await;
    assert!(log.contains("ignored output that is not JSON-RPC") && log.contains("Listening..."), "{log}");
    assert!(!log.contains('\u{1b}'), "no control character reaches the log: {log}");
}

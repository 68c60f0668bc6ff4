//! However a body is written, its call is one message, and answers as the compact body does.

mod echoes;
mod fixture;
mod forms;
mod heard;
mod injection;

use futures_util::future::join_all;
use indexmap::IndexMap;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, parts, upstream::Remote};

/// Whatever a string may hold that some reader takes for the end of a line, and what JSON writes in several ways.
const ODD: &str = "a\u{2028}b\u{2029}c\u{85}d\n\r\te\u{b}\u{c}\u{1c}f\"g'\u{7f}h: {é}, [日本] \u{1f600}";

/// Calls a tool with a body as it is.
async fn post(gateway: &Gateway, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = gateway.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
    gateway.send(request.body(body)).await
}

/// Over every transport, however arguments are checked.
#[tokio::test]
async fn every_form_of_a_body_answers_alike() {
    let (http, sse, stateless) = (Remote::http().await, Remote::sse().await, Remote::stateless().await);
    let folder = tempfile::tempdir().unwrap();
    let odd_file = folder.path().join(ODD);
    std::fs::write(&odd_file, "one\ntwo\n").unwrap();
    let calls = calls(odd_file.to_str().unwrap());
    let texts: Vec<String> = calls.iter().map(|(_, arguments)| arguments.clone()).collect();
    let forms = forms::of(&texts);
    for validation in ["lax", "strict", "off"] {
        let mut servers = json!({
            "time": parts::time(),
            "everything": parts::everything(),
            "memory": parts::memory(&folder.path().join("graph.json")),
            "filesystem": parts::filesystem(folder.path()),
            "example": parts::example(),
            "http": { "type": "streamable-http", "url": http.url },
            "sse": { "type": "sse", "url": sse.url },
            "stateless": { "type": "streamable-http", "url": stateless.url },
        });
        for server in servers.as_object_mut().unwrap().values_mut() {
            server["validation"] = validation.into();
        }
        let gateway = Gateway::config(&servers).ready().await;
        let entity = json!({ "name": ODD, "entityType": "t", "observations": [ODD] });
        gateway.result("/memory/create_entities", &json!({ "entities": [entity] })).await;
        answer_alike(&gateway, &calls, &forms).await;
        gateway.stop().await;
    }
}

/// What is called on each server, with the compact text of its arguments. All of it may be repeated.
fn calls(odd_file: &str) -> Vec<(&'static str, String)> {
    let zones = json!({ "source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo" });
    let echo = json!({ "message": ODD });
    let big = r#"{"a":123456789012345678901234567890,"b":1.50}"#;
    let calls = [
        ("/time/convert_time", zones.clone()),
        ("/example/convert_time", zones),
        ("/example/echo", json!({ "message": ODD, "repeat": 2 })),
        ("/memory/open_nodes", json!({ "names": ["nobody", ODD] })),
        ("/filesystem/read_text_file", json!({ "path": odd_file, "head": 1 })),
        ("/filesystem/read_multiple_files", json!({ "paths": [odd_file, "/etc/hostname"] })),
        ("/stateless/echo", json!({ "message": ODD, "region": ODD })),
        ("/everything/echo", echo.clone()),
        ("/http/echo", echo.clone()),
        ("/sse/echo", echo),
    ];
    let sums = ["/everything/get-sum", "/http/get-sum", "/sse/get-sum"];
    let sums = sums.into_iter().map(|path| (path, big.to_owned()));
    calls.into_iter().map(|(path, arguments)| (path, arguments.to_string())).chain(sums).collect()
}

/// The calls go on at once, the forms of each one after the other.
async fn answer_alike(gateway: &Gateway, calls: &[(&str, String)], forms: &IndexMap<String, Vec<String>>) {
    let calls = calls.iter().enumerate().map(async |(number, (path, compact))| {
        let mut expected = body(gateway, path, compact).await;
        let whole = expected.to_string().contains(json!(ODD).to_string().trim_matches('"'));
        assert!(whole || !path.ends_with("/echo"), "{path}: {expected}");
        for (form, texts) in forms {
            let answer = body(gateway, path, &texts[number]).await;
            if answer != expected {
                // A time of today may have become one of tomorrow.
                expected = body(gateway, path, compact).await;
            }
            assert_eq!(answer, expected, "{path} in the form {form}: {:?}", texts[number]);
        }
    });
    join_all(calls).await;
}

async fn body(gateway: &Gateway, path: &str, text: &str) -> Value {
    let answer = post(gateway, path, text.to_owned()).await;
    assert_eq!(answer.status, 200, "{path} {text:?}: {answer:?}\n{}", gateway.log());
    answer.json()
}

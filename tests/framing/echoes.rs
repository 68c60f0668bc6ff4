//! What mcpo repeats to a server stays in one message: ids, cursors, states and names that the server has chosen
//! itself, and headers of the caller.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    ODD,
    heard::{calls, heard, read},
};
use crate::support::{
    Gateway, eventually, parts,
    upstream::Remote,
    wire::{encoded, hear},
};

/// A fake that writes nothing escaped and keeps all that it hears in `wire`.
fn loose(wire: &Path, options: &[&str]) -> Value {
    parts::fake(&[&["--loose", "--wire", wire.to_str().unwrap()], options].concat())
}

/// The value of a string as it was heard.
fn text(heard: &str) -> String {
    serde_json::from_str(heard).unwrap_or_else(|error| panic!("{error}: {heard:?}"))
}

#[tokio::test]
async fn ids_of_the_servers_requests() {
    let folder = tempfile::tempdir().unwrap();
    let wire = folder.path().join("wire");
    let gateway = Gateway::config(&json!({ "fake": loose(&wire, &[]) })).ready().await;
    let injected = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"call"}}"#;
    for (method, id) in
        [("ping", ODD.to_owned()), ("roots/list", format!("\n{injected}\u{2028}{injected}\u{85}{injected}"))]
    {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method }).to_string();
        gateway.result("/fake/call", &json!({ "garbage": request })).await;
        eventually("the request is answered", async || {
            let messages = heard(&wire);
            let mut answers =
                messages.iter().map(|message| read(message)).filter(|message| message.method.is_empty());
            answers.any(|answer| answer.id.is_some_and(|repeated| text(repeated.get()) == id)).then_some(())
        })
        .await;
    }
    assert_eq!(calls(&wire).len(), 2);
    gateway.stop().await;
}

/// As long as a tool's name is one, it is called by that name.
#[tokio::test]
async fn cursors_and_names_of_tools() {
    let folder = tempfile::tempdir().unwrap();
    let wire = folder.path().join("wire");
    let tools = ["first", "second\u{2028}\u{85}"]
        .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }).to_string());
    let options = ["--tool", &tools[0], "--tool", &tools[1], "--page-size", "1", "--cursor", ODD];
    let gateway = Gateway::config(&json!({ "fake": loose(&wire, &options) })).ready().await;
    let name = "second\u{2028}\u{85}";
    let answer = gateway.result(&format!("/fake/{}", encoded(name)), &json!({})).await;
    assert_eq!(answer["tool"], name);
    let messages = heard(&wire);
    let lists = messages.iter().map(|message| read(message)).filter(|message| message.method == "tools/list");
    let cursors: Vec<_> =
        lists.filter_map(|list| list.params.get("cursor").map(|cursor| text(cursor.get()))).collect();
    assert!(!cursors.is_empty() && cursors.iter().all(|cursor| cursor == ODD), "{cursors:?}");
    gateway.stop().await;
}

/// A further round brings the server its own state and the names of its own questions.
#[tokio::test]
async fn states_of_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let wire = folder.path().join("wire");
    let gateway = Gateway::config(&json!({ "fake": loose(&wire, &["--stateless"]) })).ready().await;
    let asked = json!({
        "inputRequests": { ODD: { "method": "roots/list" } },
        "requestState": { "z": [ODD, { "a": null }], "b": 1.5 },
    });
    gateway.result("/fake/call", &json!({ "ask": asked })).await;
    let rounds = calls(&wire);
    let [first, second] = &rounds[..] else { panic!("{rounds:?}") };
    let [first, second] = [first, second].map(|round| read(round));
    assert_eq!(first.param("arguments"), second.param("arguments"));
    assert_eq!((first.param("requestState"), first.param("inputResponses")), Default::default());
    let [state, responses] = ["requestState", "inputResponses"].map(|name| second.param(name));
    assert_eq!(serde_json::from_str::<Value>(&state).unwrap(), asked["requestState"]);
    assert!(state.starts_with("{\"z\":[") && state.ends_with("],\"b\":1.5}"), "{state}");
    let responses: Value = serde_json::from_str(&responses).unwrap();
    assert_eq!(responses, json!({ ODD: { "roots": [] } }));
    gateway.stop().await;
}

/// A header's value may hold any byte but control characters, and is put into `_meta`.
#[tokio::test]
async fn headers_of_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let wire = folder.path().join("wire");
    let mut server = loose(&wire, &[]);
    server["client_header_forwarding"] = json!({ "enabled": true, "whitelist": ["x-*"] });
    let gateway = Gateway::config(&json!({ "fake": server })).ready().await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let head = format!(
        "POST /fake/call HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\ntraceparent: {parent}\r\n"
    );
    let values: [&[u8]; 3] = [b"a\x85b", "a\u{2028}\u{85}\"}}".as_bytes(), b"a\tb"];
    let [latin, utf8, tab] = values;
    let headers = [
        b"X-Latin: ",
        latin,
        b"\r\nX-Utf8: ",
        utf8,
        b"\r\nX-Tab: ",
        tab,
        b"\r\ntracestate: a=",
        utf8,
        b"\r\n",
    ];
    let request = [head.as_bytes(), &headers.concat(), b"Content-Length: 0\r\n\r\n"].concat();
    let answer = hear(gateway.say(&request).await).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let heard = calls(&wire);
    let [call] = &heard[..] else { panic!("{heard:?}") };
    let meta: Value = serde_json::from_str(&read(call).param("_meta")).unwrap();
    let headers = json!({ "x-latin": "a\u{85}b", "x-utf8": "a\u{2028}\u{85}\"}}", "x-tab": "a\tb" });
    assert_eq!(meta, json!({ "traceparent": parent, "headers": headers }));
    gateway.stop().await;
}

/// An argument that a stateless server wants in a header adds no header of its own.
#[tokio::test]
async fn arguments_in_headers() {
    let remote = Remote::stateless().await;
    let gateway = Gateway::config(&json!({ "remote": { "url": remote.url } })).ready().await;
    for region in ["eu\r\nX-Injected: 1", "eu\nX-Injected: 1", "eu\u{85}X-Injected: 1", " eu\t", ODD] {
        let request = gateway.request(Method::POST, "/remote/headers").json(&json!({ "region": region }));
        let answer = gateway.send(request).await;
        let headers = answer.json();
        let sent = headers["mcp-param-region"].as_str().unwrap();
        assert!(answer.status == 200 && sent.starts_with("=?base64?"), "{region:?}: {answer:?}");
        assert_eq!(headers.get("x-injected"), None, "{region:?}");
    }
    gateway.stop().await;
}

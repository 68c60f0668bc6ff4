//! Servers that are broken, come back changed, or mean harm: each costs itself alone.

mod bounds;

use nix::sys::signal::Signal;
use serde_json::{Map, Value, json};

use crate::support::{
    Gateway, eventually, parts,
    processes::{marked, signal},
    upstream::{Remote, free_port},
};

/// A chain of parts, each nesting ten schemas before it refers to the next: enough to overflow a careless stack.
fn deep_schema() -> Value {
    let part = |number: usize| {
        let next = json!({ "$ref": format!("#/$defs/p{}", number + 1) });
        let nested = (0..10).fold(next, |schema, _| json!({ "not": schema }));
        (format!("p{number}"), nested)
    };
    let mut parts: Map<String, Value> = (0..200).map(part).collect();
    parts.insert("p200".into(), json!({}));
    json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/p0" } }, "$defs": parts })
}

/// Two like branches that both lead back: each level of a value would double the work.
fn doubling_schema() -> Value {
    let branch =
        json!({ "type": "object", "properties": { "x": { "$ref": "#/$defs/n" }, "s": { "const": 1 } } });
    json!({ "type": "object", "properties": { "n": { "$ref": "#/$defs/n" } },
            "$defs": { "n": { "anyOf": [branch, branch] } } })
}

#[tokio::test]
async fn a_schema_cannot_take_the_gateway_down() {
    let tool = |name: &str, schema: Value| json!({ "name": name, "inputSchema": schema }).to_string();
    let (deep, doubling) = (tool("deep", deep_schema()), tool("doubling", doubling_schema()));
    let circle = tool("circle", json!({ "type": "object", "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }));
    let servers = json!({
        "hostile": parts::fake(&["--tool", &deep, "--tool", &doubling, "--tool", &circle]),
        "good": parts::fake(&[]),
    });
    let gateway = Gateway::config(&servers).ready().await;
    let level = (0..40).fold(json!({ "s": 2 }), |value, _| json!({ "x": value }));
    for (tool, arguments) in
        [("deep", json!({ "a": 1 })), ("doubling", json!({ "n": level })), ("circle", json!({ "a": "5" }))]
    {
        let answer = gateway.result(&format!("/hostile/{tool}"), &arguments).await;
        assert_eq!(answer["arguments"], arguments, "what cannot be checked passes as it is");
    }
    assert_eq!(gateway.result("/good/call", &json!({})).await["tool"], "call");
    let log = gateway.stop().await;
    assert!(
        log.contains("it is nested too deeply") && log.contains("it refers to itself without end"),
        "{log}"
    );
}

/// An empty result to `server/discover` is no discovery: the server is of an older generation.
#[tokio::test]
async fn a_server_that_answers_whatever_it_is_asked_is_initialized() {
    let gateway = Gateway::config(&json!({ "affable": parts::fake(&["--affable"]) })).ready().await;
    assert_eq!(gateway.result("/affable/call", &json!({})).await["tool"], "call");
    gateway.stop().await;
}

/// server-everything answers 400, not 404, to a session from before its restart.
#[tokio::test]
async fn a_remote_server_that_restarts_is_found_again() {
    let port = free_port();
    let first = Remote::http_at(port).await;
    let gateway = Gateway::config(&json!({ "http": { "type": "http", "url": first.url } })).ready().await;
    let echo = json!({ "message": "x" });
    assert_eq!(gateway.result("/http/echo", &echo).await, "Echo: x");
    drop(first);
    let _second = Remote::http_at(port).await;
    eventually("the restarted server answers", async || {
        let answer = gateway.call("/http/echo", &echo).await;
        assert!(matches!(answer.status, 200 | 502 | 503), "{answer:?}");
        (answer.status == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_that_dies_comes_back() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&["--name", "phoenix"]) })).ready().await;
    let child =
        marked(&gateway.mark()).into_iter().find(|process| process.command.ends_with("phoenix")).unwrap();
    signal(child.pid, Signal::SIGKILL);
    eventually("the child answers again", async || {
        let answer = gateway.call("/fake/call", &json!({})).await;
        assert!(matches!(answer.status, 200 | 502 | 503), "{answer:?}");
        (answer.status == 200).then_some(())
    })
    .await;
    let again =
        marked(&gateway.mark()).into_iter().find(|process| process.command.ends_with("phoenix")).unwrap();
    assert_ne!(child.pid, again.pid);
    gateway.stop().await;
}

#[tokio::test]
async fn an_odd_error_object_is_an_answer() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    for (error, message) in [
        (
            json!({ "code": -32000, "message": null }),
            "the server answered with an error and did not say which",
        ),
        (json!({ "code": 1.5, "message": ["x"] }), "[\"x\"]"),
    ] {
        let answer = gateway.call("/fake/call", &json!({ "error": error })).await;
        assert_eq!(
            (answer.status, answer.json()["detail"]["message"].as_str()),
            (500, Some(message)),
            "{answer:?}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_gateways_key_is_not_the_childrens() {
    let servers = json!({ "everything": parts::everything() });
    for variable in ["MCPO_API_KEY", "API_KEY"] {
        let launch = Gateway::config(&servers).environment([(variable, "open-sesame"), ("OTHER", "visible")]);
        let gateway = launch.ready().await;
        let request =
            gateway.request(reqwest::Method::POST, "/everything/get-env").bearer_auth("open-sesame");
        let environment = gateway.send(request).await.json();
        assert_eq!((environment.get(variable), &environment["OTHER"]), (None, &json!("visible")));
        gateway.stop().await;
    }
}

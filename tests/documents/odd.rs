//! Tools as no specification has them: each is served as far as it can be, and what cannot be is told.

use reqwest::Method;
use serde_json::{Value, json};

use super::{operations, reached};
use crate::support::{Gateway, parts};

/// A server with these tools.
fn server(tools: impl IntoIterator<Item = Value>) -> Value {
    let tools: Vec<String> = tools.into_iter().map(|tool| tool.to_string()).collect();
    let arguments: Vec<_> = tools.iter().flat_map(|tool| ["--tool", tool]).collect();
    parts::fake(&arguments)
}

/// Arguments are an object, whatever an input schema says of them; where it says something else, a warning names the tool.
#[tokio::test]
async fn input_schemas_that_describe_no_object() {
    let leads_to_a_text =
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "type": "string" } } });
    let schemas = [
        ("string", json!({ "type": "string", "description": "the title" }), true),
        ("array", json!({ "type": "array", "items": { "type": "string" } }), true),
        ("null-type", json!({ "type": ["null", "string"] }), true),
        ("reference", leads_to_a_text, true),
        ("null", json!(null), true),
        ("true", json!(true), true),
        ("false", json!(false), true),
        ("list", json!([]), true),
        ("full-list", json!([{ "type": "object" }]), true),
        ("number", json!(7), true),
        ("text", json!("object"), true),
        ("no-type", json!({ "type": [] }), true),
        ("optional", json!({ "type": ["object", "null"] }), false),
        ("empty", json!({}), false),
        ("circle", json!({ "$ref": "#" }), true),
    ];
    let mut tools: Vec<_> =
        schemas.iter().map(|(name, schema, _)| json!({ "name": name, "inputSchema": schema })).collect();
    tools.push(json!({ "name": "absent" }));
    let validations = ["lax", "strict", "off"];
    let servers: serde_json::Map<_, _> = validations
        .iter()
        .map(|validation| {
            let mut server = server(tools.clone());
            server["validation"] = json!(validation);
            ((*validation).to_owned(), server)
        })
        .collect();
    let gateway = Gateway::config(&servers.into()).ready().await;
    for server in validations {
        let document = gateway.document(&format!("/{server}")).await;
        assert_eq!(operations(&document).count(), tools.len(), "{document}");
        for (path, _) in operations(&document) {
            let path = format!("/{server}{path}");
            for sent in [json!({ "a": [1], "b": null }), json!({})] {
                assert_eq!(gateway.result(&path, &sent).await["arguments"], sent, "{path}");
            }
            let empty = gateway.send(gateway.request(Method::POST, &path)).await;
            assert_eq!(empty.status, 200, "{path}: {empty:?}");
        }
    }
    let log = gateway.stop().await;
    let warned = |name: &str| {
        let name = format!("tool=\"{name}\"");
        log.lines().filter(|line| line.contains("WARN") && line.contains(&name)).count()
    };
    for (name, told) in schemas.iter().map(|(name, _, told)| (*name, *told)).chain([("absent", true)]) {
        assert!((warned(name) > 0) == told, "{name}:\n{log}");
    }
}

/// An output schema that is none promises nothing, and costs nothing else.
#[tokio::test]
async fn output_schemas_that_are_none() {
    let schemas = [
        json!(true),
        json!(false),
        json!([]),
        json!("object"),
        json!(3),
        json!(null),
        json!({ "type": "string" }),
    ];
    let tools = schemas.iter().enumerate().map(|(number, schema)| {
        json!({ "name": format!("t{number}"), "inputSchema": { "type": "object" }, "outputSchema": schema })
    });
    let gateway = Gateway::config(&json!({ "fake": server(tools) })).ready().await;
    let document = gateway.document("/fake").await;
    assert_eq!(reached(&gateway, &document).await.len(), schemas.len(), "{document}");
    gateway.stop().await;
}

/// Any name that a URL can hold is reached; one that none can is left out, which the log and `/status` tell.
#[tokio::test]
async fn names_that_no_url_can_hold() {
    let (long, longer) = ("x".repeat(9_000), "y".repeat(70_000));
    let kept = ["", " ", "   ", "\0", "a\nb\u{7f}", "...", ".a", "a/..", "../a", "%2e%2e", "\u{202e}", &long];
    let left = [".", "..", &longer];
    let tools =
        kept.iter().chain(&left).map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }));
    let gateway = Gateway::config(&json!({ "fake": server(tools) })).ready().await;
    let document = gateway.document("/fake").await;
    let mut found = reached(&gateway, &document).await;
    found.sort_unstable();
    let mut kept = kept.to_vec();
    kept.sort_unstable();
    assert_eq!(found, kept);
    let status = gateway.get("/status").await.json();
    assert_eq!(status["servers"][0]["unreachable"], json!([".", "..", longer[..100]]), "{status}");
    let log = gateway.stop().await;
    let told =
        log.lines().filter(|line| line.contains("WARN") && line.contains("no URL can lead to its name"));
    assert_eq!(told.count(), left.len(), "{log}");
    assert!(log.len() < 50_000, "names are cut");
}

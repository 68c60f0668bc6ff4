//! OpenAPI documents: valid, whole, cacheable, and right for any name.

mod odd;

use std::{collections::HashSet, path::Path, process::Command};

use percent_encoding::percent_decode_str;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, eventually, parts, upstream::Remote, wire::encoded};

/// Names that servers and tools may bear although our own routes, URLs or OpenAPI use them for something else.
const ODD: [&str; 16] = [
    "docs",
    "redoc",
    "openapi.json",
    "healthz",
    "readyz",
    "status",
    "metrics",
    "a b",
    "a/b",
    "a_b",
    "日本",
    "50%",
    "what?",
    "#1",
    "slash/",
    "{id}",
];

/// A tool of this name that takes nothing in particular.
fn tool(name: &str) -> String {
    json!({ "name": name, "inputSchema": { "type": "object" } }).to_string()
}

/// Every server of these tests' documents, each with something that documents often get wrong.
fn servers(remote: &Remote) -> Value {
    let referring = json!({
        "name": "referring",
        "inputSchema": {
            "type": "object",
            "properties": {
                "tree": { "$ref": "#/$defs/tree" },
                "old": { "$ref": "#/definitions/old" },
                "again": { "$ref": "#/properties/old" },
            },
            "$defs": { "tree": {
                "type": "object",
                "properties": { "children": { "type": "array", "items": { "$ref": "#/$defs/tree" } } },
            } },
            "definitions": { "old": { "type": "string", "pattern": "^o", "examples": ["old"] } },
        },
        "outputSchema": {
            "type": "object",
            "properties": { "next": { "$ref": "#" }, "n": { "$ref": "#/$defs/n" } },
            "$defs": { "n": { "type": "integer", "exclusiveMinimum": 0 } },
        },
    });
    let nowhere = json!({ "type": "object", "properties": { "x": { "$ref": "#/nowhere" } } });
    let broken = json!({ "name": "broken", "inputSchema": nowhere });
    let (referring, broken) = (referring.to_string(), broken.to_string());
    json!({
        "time": parts::time(),
        "everything": { "type": "http", "url": remote.url },
        "memory": parts::memory(Path::new("/nonexistent/graph.json")),
        "filesystem": parts::filesystem(Path::new("/")),
        "thinking": parts::sequential_thinking(),
        "fake": parts::fake(&["--tool", &referring, "--tool", &broken]),
    })
}

/// All documents are valid OpenAPI 3.1 to an independent validator, and to what their readers need.
#[tokio::test]
async fn documents_are_valid() {
    let remote = Remote::http().await;
    let servers = servers(&remote);
    let gateway = Gateway::config(&servers).options(["--api-key", "k"]).ready().await;
    let names = servers.as_object().unwrap().keys().map(|name| format!("/{name}"));
    for server in names.chain([String::new()]) {
        let document = gateway.document(&server).await;
        assert_eq!(document["openapi"], "3.1.0", "{server}");
        valid_to_others(&gateway, &document);
        references_resolve(&document, &document);
        let ids: Vec<_> =
            operations(&document).map(|(_, operation)| text(&operation["operationId"])).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "unique: {ids:?}");
        let word = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        let proper = |id: &String| (1..=64).contains(&id.len()) && id.chars().all(word);
        assert!(ids.iter().all(proper), "{ids:?}");
    }
    gateway.stop().await;
}

/// What a reader of a document must find for each tool: its schema whole, all statuses, JSON on both sides.
#[tokio::test]
async fn a_tool_is_described_whole() {
    let remote = Remote::http().await;
    let gateway = Gateway::config(&servers(&remote)).options(["--api-key", "k"]).ready().await;
    let document = gateway.document("/everything").await;
    for (path, operation) in operations(&document) {
        for status in [
            "200", "400", "401", "403", "404", "408", "413", "421", "422", "429", "431", "500", "502", "503",
            "504",
        ] {
            assert!(operation["responses"][status].is_object(), "{path} lacks {status}");
        }
    }
    let schema = |path: &str| {
        resolved(
            &document,
            &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"],
        )
    };
    let message = schema("/get-annotated-message");
    assert_eq!(
        message["properties"]["messageType"]["enum"],
        json!(["error", "success", "debug"]),
        "{message}"
    );
    assert_eq!(message["properties"]["includeImage"]["default"], json!(false), "{message}");
    assert_eq!(message["required"], json!(["messageType"]), "{message}");
    let links = schema("/get-resource-links");
    assert_eq!(links["properties"]["count"]["maximum"], 10, "{links}");
    let ok = &document["paths"]["/get-structured-content"]["post"]["responses"]["200"];
    let ok = resolved(&document, &ok["content"]["application/json"]["schema"]);
    assert!(ok["properties"]["temperature"].is_object(), "the 200 schema is the output schema: {ok}");

    // A reference that leads nowhere costs that property its schema, the tool nothing.
    let document = gateway.document("/fake").await;
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/referring", "/broken"]);
    let call = gateway.request(Method::POST, "/fake/broken").bearer_auth("k").json(&json!({ "x": [1] }));
    assert_eq!(gateway.send(call).await.json()["arguments"], json!({ "x": [1] }));
    gateway.stop().await;
}

/// Any name is reached percent-encoded, and none shadows a route of ours or is shadowed by one.
#[tokio::test]
async fn odd_names_are_reached() {
    let mut servers: serde_json::Map<_, _> =
        ODD.map(|name| (name.to_owned(), parts::fake(&["--tool", &tool(name)]))).into_iter().collect();
    let tools = ODD.map(tool);
    let arguments: Vec<_> = tools.iter().flat_map(|tool| ["--tool", tool]).collect();
    servers.insert("all".to_owned(), parts::fake(&arguments));
    let gateway = Gateway::config(&servers.into()).ready().await;

    for name in ODD {
        let server = format!("/{}", encoded(name));
        let answer = gateway.result(&format!("{server}/{}", encoded(name)), &json!({})).await;
        assert_eq!(answer["tool"], name, "a tool of its own name on the server {name}");
        let answer = gateway.result(&format!("/all/{}", encoded(name)), &json!({ "n": 1 })).await;
        assert_eq!(answer, json!({ "tool": name, "arguments": { "n": 1 } }), "the tool {name}");
        let document = gateway.document(&server).await;
        let url = text(&document["servers"][0]["url"]);
        let segment = url.strip_prefix('/').filter(|segment| !segment.contains('/')).expect("one segment");
        assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), name, "{url}");
        assert_eq!(reached(&gateway, &document).await, [name]);
        let page = gateway.get(&format!("{server}/docs")).await;
        assert!(
            page.status == 200 && page.body.contains("<title>fake - Swagger UI</title>"),
            "{name}: {page:?}"
        );
    }
    let document = gateway.document("/all").await;
    let mut found = reached(&gateway, &document).await;
    found.sort();
    let mut all = ODD.to_vec();
    all.sort_unstable();
    assert_eq!(found, all, "the document's own paths reach every tool");
    valid_to_others(&gateway, &document);

    for path in ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/status", "/metrics"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path} is still ours");
    }
    gateway.stop().await;
}

/// Calls every operation as a client does, `servers[0].url` and path one after the other; gives who answered.
async fn reached(gateway: &Gateway, document: &Value) -> Vec<String> {
    let base = text(&document["servers"][0]["url"]);
    let mut names = Vec::new();
    for (path, _) in operations(document) {
        let answer = gateway.result(&format!("{base}{path}"), &json!({})).await;
        names.push(text(&answer["tool"]));
    }
    names
}

/// All pages of `tools/list` are read, one that repeats its cursor is not read for ever, and a tool that does
/// not parse is left out with a warning.
#[tokio::test]
async fn listings_that_go_wrong() {
    let names: Vec<_> = (0..25).map(|number| format!("tool{number}")).collect();
    let tools: Vec<_> = names.iter().map(|name| tool(name)).collect();
    let paged: Vec<_> = tools.iter().flat_map(|tool| ["--tool", tool]).chain(["--page-size", "2"]).collect();
    let circular: Vec<_> = paged.iter().copied().chain(["--same-cursor"]).collect();
    let good = tool("good");
    let odd = [
        "--tool",
        r#"{"name":"schemaless"}"#,
        "--tool",
        r#"{"nameless":true}"#,
        "--tool",
        "7",
        "--tool",
        &good,
    ];
    let servers =
        json!({ "paged": parts::fake(&paged), "circular": parts::fake(&circular), "odd": parts::fake(&odd) });
    let gateway = Gateway::config(&servers).ready().await;

    let paths = async |server: &str| -> Vec<String> {
        let document = gateway.document(&format!("/{server}")).await;
        operations(&document).map(|(path, _)| path[1..].to_owned()).collect()
    };
    assert_eq!(paths("paged").await, names);
    let seen = paths("circular").await;
    assert!(seen.starts_with(&names[..2]), "the pages before the circle count: {seen:?}");
    let seen = paths("odd").await;
    assert!(seen.contains(&"good".to_owned()), "{seen:?}");
    assert!(!seen.iter().any(|path| path.contains("nameless") || path == "7"), "{seen:?}");
    assert_eq!(gateway.result("/odd/good", &json!({})).await["tool"], "good");
    let log = gateway.stop().await;
    assert!(
        log.lines().any(|line| line.contains("WARN") && line.contains("odd")),
        "it warns of the server:\n{log}"
    );
}

/// A document has an ETag; who has it already gets 304, and HEAD gets the headers alone.
#[tokio::test]
async fn documents_are_cacheable() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    for path in ["/openapi.json", "/fake/openapi.json"] {
        let first = gateway.get(path).await;
        let tag = first.header("etag").unwrap_or_else(|| panic!("no ETag: {first:?}"));
        assert_eq!(gateway.get(path).await.header("etag").as_ref(), Some(&tag), "{path}: the same twice");
        let others = format!("\"other\", {tag}");
        for (condition, status) in [(tag.as_str(), 304), ("*", 304), (&others, 304), ("\"other\"", 200)] {
            let request = gateway.request(Method::GET, path).header("if-none-match", condition);
            let answer = gateway.send(request).await;
            assert_eq!(answer.status, status, "{path} {condition}");
            assert_eq!(answer.body.is_empty(), status == 304, "{path} {condition}");
            assert_eq!(answer.header("etag").as_ref(), Some(&tag), "{path} {condition}");
        }
        let head = gateway.send(gateway.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("etag").as_ref(), Some(&tag), "{path}");
        assert_eq!(head.header("content-length"), Some(first.body.len().to_string()), "{path}");
    }
    gateway.stop().await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Path and operation of every tool; routes of our own are no POSTs.
fn operations(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths.filter_map(|(path, methods)| Some((path, methods.get("post")?)))
}

/// A schema with the reference at its top followed.
fn resolved(document: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            document.pointer(&pointer(reference)).expect("a reference leads somewhere").clone()
        }
        None => schema.clone(),
    }
}

/// The JSON pointer of a reference inside this document.
fn pointer(reference: &str) -> String {
    let inside =
        reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
    percent_decode_str(inside).decode_utf8().expect("UTF-8").into_owned()
}

/// Every `$ref` below `value` leads to something inside the document.
fn references_resolve(document: &Value, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references_resolve(document, item)),
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                assert!(document.pointer(&pointer(reference)).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| references_resolve(document, member));
        }
        _ => {}
    }
}

/// Valid to openapi-spec-validator.
fn valid_to_others(gateway: &Gateway, document: &Value) {
    let file = gateway.file("document.json");
    std::fs::write(&file, document.to_string()).expect("a file");
    let output =
        Command::new(parts::part("venv/bin/openapi-spec-validator")).arg("--errors=all").arg(&file).output();
    let output = output.expect("the validator starts");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}\n{document}", String::from_utf8_lossy(&said));
}

/// Names as the Python mcpo has them, or as models like them.
#[tokio::test]
async fn operation_ids_come_in_three_styles() {
    for (style, id) in [
        ("compatible", "tool_get_current_time_post"),
        ("bare", "get_current_time"),
        ("prefixed", "clock_get_current_time"),
    ] {
        let servers = json!({ "clock": parts::example() });
        let gateway = Gateway::config(&servers).options(["--operation-ids", style]).ready().await;
        let document = gateway.document("/clock").await;
        assert_eq!(document["paths"]["/get_current_time"]["post"]["operationId"], id);
        gateway.stop().await;
    }
}

/// Both generations tell that their tools have changed, each in its own way; the document follows.
#[tokio::test]
async fn a_changed_list_of_tools_is_followed() {
    for generation in [&[][..], &["--stateless"]] {
        let gateway = Gateway::config(&json!({ "fake": parts::fake(generation) })).ready().await;
        let before = gateway.get("/fake/openapi.json").await.header("etag");
        gateway.result("/fake/call", &json!({ "grow": "leaf" })).await;
        eventually("the document has the new tool", async || {
            let document = gateway.document("/fake").await;
            document["paths"].get("/leaf").map(drop)
        })
        .await;
        assert_ne!(gateway.get("/fake/openapi.json").await.header("etag"), before);
        assert_eq!(gateway.result("/fake/leaf", &json!({})).await["tool"], "leaf");
        gateway.stop().await;
    }
}

//! Calls: every kind of content becomes a body, every kind of failure a status; nothing is dropped on the way.

mod odd;
mod python;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{
    Gateway, parts,
    processes::{marked, signal},
    upstream::Remote,
};

const PNG: &str = "iVBORw0KGgo=";

/// What the upstream answers, and the body that becomes of it.
fn bodies() -> Vec<(&'static str, Value, Value)> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    let audio = json!({ "type": "audio", "data": "UklGRg==", "mimeType": "audio/wav" });
    let link = json!({ "type": "resource_link", "uri": "demo://a", "name": "A", "title": "An A", "size": 3 });
    let embedded = |resource: Value| json!({ "type": "resource", "resource": resource });
    let page = embedded(json!({ "uri": "demo://b", "mimeType": "text/markdown", "text": "# B" }));
    let blob = embedded(json!({ "uri": "demo://c", "mimeType": "application/pdf", "blob": "JVBERg==" }));
    let unknown = json!({ "type": "hologram", "depth": 3, "voxels": [1, 2] });
    let png = format!("data:image/png;base64,{PNG}");
    [
        ("no content", json!([]), json!([])),
        ("text", json!([text("plain words")]), json!("plain words")),
        (
            "text that is a JSON object",
            json!([text(r#"{"b":1,"a":[2.5,null]}"#)]),
            json!({ "b": 1, "a": [2.5, null] }),
        ),
        ("text that is a JSON number", json!([text("123")]), json!(123)),
        ("text that is nearly JSON", json!([text("{bad")]), json!("{bad")),
        ("several texts", json!([text("one"), text("2")]), json!(["one", 2])),
        ("an image", json!([image]), json!(png)),
        ("text and image", json!([text("see"), image]), json!(["see", png])),
        ("audio", json!([audio]), json!("data:audio/wav;base64,UklGRg==")),
        ("a resource link", json!([text("see"), link]), json!(["see", link])),
        ("an embedded text", json!([page]), json!("# B")),
        ("an embedded blob", json!([blob]), json!("data:application/pdf;base64,JVBERg==")),
        ("unknown content", json!([text("see"), unknown]), json!(["see", unknown])),
    ]
    .to_vec()
}

#[tokio::test]
async fn every_kind_of_content_becomes_a_body() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    for (what, content, body) in bodies() {
        let answer = gateway.result("/fake/call", &json!({ "result": { "content": content } })).await;
        assert_eq!(answer, body, "{what}");
    }
    gateway.stop().await;
}

/// Structured content is the body where the tool declares an output schema and the rest is text alone.
#[tokio::test]
async fn structured_content_is_the_body_where_it_says_more() {
    let any = json!({ "type": "object" });
    let wrapped = json!({
        "type": "object", "properties": { "result": { "type": "array" } },
        "required": ["result"], "x-fastmcp-wrap-result": true,
    });
    let typed = json!({ "name": "typed", "inputSchema": any, "outputSchema": any }).to_string();
    let wrapped = json!({ "name": "wrapped", "inputSchema": any, "outputSchema": wrapped }).to_string();
    let untyped = json!({ "name": "untyped", "inputSchema": any }).to_string();
    let mut server = parts::fake(&["--tool", &typed, "--tool", &wrapped, "--tool", &untyped]);
    let mut servers = json!({ "auto": server });
    server["results"] = json!("text");
    servers["text"] = server;
    let gateway = Gateway::config(&servers).ready().await;

    let text = json!({ "type": "text", "text": "[1]" });
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    let png = format!("data:image/png;base64,{PNG}");
    let one = json!({ "content": [text], "structuredContent": { "n": 1 } });
    let list = json!({ "content": [text], "structuredContent": { "result": [1] } });
    let mixed = json!({ "content": [text, image], "structuredContent": { "n": 1 } });
    for (path, result, body) in [
        ("/auto/typed", &one, json!({ "n": 1 })),
        ("/auto/wrapped", &list, json!([1])),
        ("/auto/untyped", &one, json!([1])),
        ("/auto/typed", &mixed, json!([[1], png])),
        ("/text/typed", &one, json!([1])),
        ("/text/wrapped", &list, json!([1])),
    ] {
        assert_eq!(gateway.result(path, &json!({ "result": result })).await, body, "{path} {result}");
    }
    gateway.stop().await;
}

/// Numbers beyond 2^53 and the order of keys reach the upstream and come back as they were.
#[tokio::test]
async fn large_integers_and_key_order_survive() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    let body = r#"{"z":12345678901234567890,"a":-9007199254740993,"m":1e2}"#;
    let request =
        gateway.request(reqwest::Method::POST, "/fake/call").header("content-type", "application/json");
    let answer = gateway.send(request.body(body)).await;
    let (z, a) = (answer.body.find("12345678901234567890"), answer.body.find("-9007199254740993"));
    assert!(z.is_some() && z < a, "{answer:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn failures_upstream_become_statuses() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    for (code, status) in
        [(-32602, 422), (-32601, 404), (-32600, 400), (-32700, 400), (-32603, 500), (-1, 500)]
    {
        let error = json!({ "code": code, "message": "no such luck", "data": { "hint": code } });
        let answer = gateway.call("/fake/call", &json!({ "error": error })).await;
        answer.is(status, &json!({ "detail": { "message": "no such luck", "data": { "hint": code } } }));
        let answer =
            gateway.call("/fake/call", &json!({ "error": { "code": code, "message": "bare" } })).await;
        answer.is(status, &json!({ "detail": { "message": "bare" } }));
    }
    let failed = json!({ "content": [{ "type": "text", "text": "it broke" }], "isError": true });
    let answer = gateway.call("/fake/call", &json!({ "result": failed })).await;
    answer.is(500, &json!({ "detail": { "message": "it broke" } }));
    gateway.stop().await;
}

/// An answer over the limit costs its own call alone, on every transport.
#[tokio::test]
async fn large_answers_are_refused_beyond_the_limit() {
    let (sse, http) = (Remote::sse().await, Remote::http().await);
    let servers = json!({
        "stdio": parts::everything(),
        "sse": { "type": "sse", "url": sse.url },
        "http": { "type": "http", "url": http.url },
    });
    let gateway = Gateway::config(&servers).options(["--max-result-size", "300kB"]).ready().await;
    for server in ["stdio", "sse", "http"] {
        let path = format!("/{server}/echo");
        let answer = gateway.call(&path, &json!({ "message": "x".repeat(400_000) })).await;
        let reason = answer.json()["detail"]["message"].to_string();
        assert!(answer.status == 502 && reason.contains("larger than 300000 bytes"), "{server}: {answer:?}");
    }
    for server in ["stdio", "http"] {
        let small = json!({ "message": "x".repeat(100_000) });
        let whole = gateway.result(&format!("/{server}/echo"), &small).await;
        assert_eq!(whole.as_str().map(str::len), Some("Echo: ".len() + 100_000), "{server}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_hundred_megabytes_come_through() {
    let gateway = Gateway::config(&json!({ "example": parts::example() })).ready().await;
    let asked = json!({ "message": "0123456789".repeat(1_000_000), "repeat": 10 });
    let answer = gateway.call("/example/echo", &asked).await;
    // Ten times the text, nine line ends of two characters each, two quotes.
    assert_eq!((answer.status, answer.body.len()), (200, 100_000_000 + 9 * 2 + 2));
    gateway.stop().await;
}

/// A call beyond its server's deadline answers 504 and takes nothing else with it.
#[tokio::test]
async fn a_deadline_answers_504() {
    let mut server = parts::fake(&[]);
    server["timeout"] = json!(2);
    let gateway = Gateway::config(&json!({ "fake": server })).ready().await;
    gateway.call("/fake/call", &json!({ "silence": true })).await.error(504);
    assert_eq!(gateway.result("/fake/call", &json!({})).await["tool"], "call");
    gateway.stop().await;
}

/// A call to a server that has just died is answered, well if it is back already, and its siblings go on.
#[tokio::test]
async fn a_server_that_dies_takes_only_itself_down() {
    let servers = json!({ "doomed": parts::fake(&["--name", "doomed"]), "sibling": parts::fake(&[]) });
    let gateway = Gateway::config(&servers).ready().await;
    let family = marked(&gateway.mark());
    let doomed = family.iter().find(|process| process.command.ends_with("--name doomed")).expect("it runs");
    signal(doomed.pid, Signal::SIGKILL);
    let answer = gateway.call("/doomed/call", &json!({})).await;
    assert!(matches!(answer.status, 200 | 502 | 503), "{answer:?}");
    answer.json();
    assert_eq!(gateway.result("/sibling/call", &json!({})).await["tool"], "call");
    gateway.stop().await;
}

/// Arguments that are not as the schema wants: mended where plain, refused where not, as each server is told.
#[tokio::test]
async fn arguments_are_mended_refused_or_passed_on() {
    let schema = json!({
        "type": "object",
        "properties": {
            "count": { "type": "integer", "minimum": 1, "maximum": 9 },
            "on": { "type": "boolean" },
            "maybe": { "type": "string" },
            "null": { "type": ["string", "null"] },
            "size": { "enum": ["s", "m"] },
        },
    });
    let open = json!({ "name": "open", "inputSchema": schema }).to_string();
    let mut closed = schema.clone();
    closed["additionalProperties"] = json!(false);
    let closed = json!({ "name": "closed", "inputSchema": closed }).to_string();
    let server = |validation: &str| {
        let mut server = parts::fake(&["--tool", &open, "--tool", &closed]);
        server["validation"] = json!(validation);
        server
    };
    let servers = json!({
        "default": parts::fake(&["--tool", &open, "--tool", &closed]),
        "lax": server("lax"), "strict": server("strict"), "off": server("off"),
    });
    let gateway = Gateway::config(&servers).ready().await;

    let passed = |path: &'static str, sent: Value, got: Value| (path, sent, Ok(got));
    let refused = |path: &'static str, sent: Value, name: &'static str| (path, sent, Err(name));
    for (path, sent, expected) in [
        passed("/default/open", json!({ "count": "5" }), json!({ "count": 5 })),
        passed("/lax/open", json!({ "on": "yes" }), json!({ "on": true })),
        passed("/lax/open", json!({ "on": false, "count": 2 }), json!({ "on": false, "count": 2 })),
        passed("/lax/open", json!({ "maybe": null, "null": null }), json!({ "null": null })),
        passed("/lax/open", json!({ "undeclared": [1] }), json!({ "undeclared": [1] })),
        passed("/lax/closed", json!({ "undeclared": [1], "count": 3 }), json!({ "count": 3 })),
        refused("/lax/open", json!({ "count": "x" }), "count"),
        refused("/lax/open", json!({ "count": 0 }), "count"),
        refused("/lax/open", json!({ "count": 10 }), "count"),
        refused("/lax/open", json!({ "size": "l" }), "size"),
        refused("/strict/open", json!({ "count": "5" }), "count"),
        refused("/strict/open", json!({ "maybe": null }), "maybe"),
        passed("/off/open", json!({ "count": "x", "size": "l" }), json!({ "count": "x", "size": "l" })),
        passed("/off/closed", json!({ "undeclared": [1] }), json!({ "undeclared": [1] })),
    ] {
        let answer = gateway.call(path, &sent).await;
        match expected {
            Ok(got) => {
                assert_eq!(answer.status, 200, "{path} {sent}: {answer:?}");
                assert_eq!(answer.json()["arguments"], got, "{path} {sent}");
            }
            Err(name) => {
                assert_eq!(answer.status, 422, "{path} {sent}: {answer:?}");
                let body = answer.json();
                let detail = &body["detail"][0];
                assert_eq!(detail["loc"], json!(["body", name]), "{path} {sent}: {body}");
                assert_eq!(detail["input"], sent[name], "{path} {sent}: {body}");
                assert!(detail["type"].is_string() && detail["msg"].is_string(), "{body}");
            }
        }
    }
    let answer = gateway.call("/strict/closed", &json!({ "undeclared": 1 })).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    gateway.stop().await;
}

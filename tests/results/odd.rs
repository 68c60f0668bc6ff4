//! Results that no specification knows: what a tool said is in the body, or the answer says why it cannot be.

use serde_json::{Value, json};

use crate::support::{Gateway, parts};

/// What the upstream answers, and the body that becomes of it.
fn bodies() -> Vec<(Value, Value)> {
    let text = |text: Value| json!({ "type": "text", "text": text });
    let (unknown, untyped) = (json!({ "type": "json", "json": { "v": 1 } }), json!({ "text": "x" }));
    let both = json!({ "uri": "demo://a", "text": "x", "blob": "eA==" });
    let both = json!({ "type": "resource", "resource": both });
    [
        // Content that is no list.
        (json!({ "content": "x" }), json!("x")),
        (json!({ "content": "{\"a\":1}" }), json!({ "a": 1 })),
        (json!({ "content": text(json!("x")) }), json!("x")),
        (json!({ "content": 3 }), json!(3)),
        // Items that are not as their kind should be, or of none.
        (json!({ "content": ["x", "[1]"] }), json!(["x", [1]])),
        (json!({ "content": [text(json!(4)), text(json!({ "v": 1 }))] }), json!([4, { "v": 1 }])),
        (json!({ "content": [text(json!(null))] }), text(json!(null))),
        (json!({ "content": [unknown, untyped, null] }), json!([unknown, untyped, null])),
        (json!({ "content": [["text", "x", "y"]] }), json!(["text", "x", "y"])),
        (json!({ "content": [both] }), both),
        (json!({ "content": [{ "type": "error", "text": "x" }] }), json!({ "type": "error", "text": "x" })),
        (json!({ "content": [{ "type": 5, "text": "x" }] }), json!({ "type": 5, "text": "x" })),
        // The compatibility form of 2024-10-07.
        (json!({ "toolResult": "x" }), json!("x")),
        (json!({ "toolResult": { "v": [1] } }), json!({ "v": [1] })),
        (json!({ "toolResult": { "content": [text(json!("x"))] } }), json!("x")),
        (json!({ "toolResult": { "content": "x" } , "content": null }), json!("x")),
        // Nothing but something else.
        (json!({ "structuredContent": { "v": 1 } }), json!({ "v": 1 })),
        (json!({ "structuredContent": [1] }), json!([1])),
        (json!({ "data": "x" }), json!({ "data": "x" })),
        (
            json!({ "data": "x", "content": [], "isError": false }),
            json!({ "data": "x", "content": [], "isError": false }),
        ),
        // Nothing at all.
        (json!({}), json!([])),
        (json!({ "content": null, "_meta": { "a": 1 } }), json!([])),
    ]
    .to_vec()
}

#[tokio::test]
async fn nothing_is_dropped_in_silence() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    for (result, body) in bodies() {
        assert_eq!(gateway.result("/fake/call", &json!({ "result": result })).await, body, "{result}");
    }
    gateway.stop().await;
}

/// Structured content in another form than the tool promised is given as it is.
#[tokio::test]
async fn odd_structured_content_is_whole() {
    let result = |schema: Value| {
        json!({
            "type": "object", "properties": { "result": schema },
            "required": ["result"], "x-fastmcp-wrap-result": true,
        })
    };
    let tool = |name: &str, output: Value| {
        json!({ "name": name, "inputSchema": { "type": "object" }, "outputSchema": output }).to_string()
    };
    let tools = [
        tool("object", json!({ "type": "object" })),
        tool("wrapped", result(json!({ "type": "integer" }))),
        tool("text", result(json!({ "type": "string" }))),
    ];
    let arguments: Vec<_> = tools.iter().flat_map(|tool| ["--tool", tool]).collect();
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&arguments) })).ready().await;
    for structured in
        [json!([{ "v": 1 }]), json!([1, 2]), json!("x"), json!({ "result": 1, "more": 2 }), json!({})]
    {
        let result =
            json!({ "content": [{ "type": "text", "text": "see" }], "structuredContent": structured });
        for tool in ["object", "wrapped", "text"] {
            let answer = gateway.result(&format!("/fake/{tool}"), &json!({ "result": result })).await;
            assert_eq!(answer, structured, "{tool}");
        }
    }
    gateway.stop().await;
}

/// What a tool says of its failure is told, in whichever form.
#[tokio::test]
async fn failures_are_told_in_every_form() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    for (result, message) in [
        (json!({ "isError": true, "content": "it broke" }), "it broke"),
        (json!({ "isError": true, "content": ["it", "broke"] }), "it\nbroke"),
        (
            json!({ "isError": true, "toolResult": { "content": [{ "type": "text", "text": "it broke" }] } }),
            "it broke",
        ),
        (json!({ "toolResult": { "content": "it broke", "isError": true } }), "it broke"),
        (json!({ "isError": true, "structuredContent": { "why": "it broke" } }), r#"{"why": "it broke"}"#),
        (json!({ "isError": true, "error": "it broke" }), r#"{"isError": true, "error": "it broke"}"#),
        (
            json!({ "isError": true, "content": [{ "type": "error", "error": 5 }] }),
            r#"{"type": "error", "error": 5}"#,
        ),
        (json!({ "isError": true }), "the tool failed and did not say why"),
    ] {
        let answer = gateway.call("/fake/call", &json!({ "result": result })).await;
        answer.is(500, &json!({ "detail": { "message": message } }));
    }
    for (result, reason) in [
        (json!("it broke"), "no JSON object"),
        (json!(["it broke"]), "no JSON object"),
        (json!(7), "no JSON object"),
        (json!({ "isError": "yes" }), "invalid type: string"),
        (json!({ "resultType": "odd" }), "`odd`"),
    ] {
        let answer = gateway.call("/fake/call", &json!({ "result": result })).await;
        let message = answer.json()["detail"]["message"].to_string();
        assert!(answer.status == 502 && message.contains(reason), "{result}: {answer:?}");
    }
    gateway.stop().await;
}

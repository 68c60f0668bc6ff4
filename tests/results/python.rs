//! Tools of the Python SDK: `return json.dumps(...)` in a tool that is said to return a text gives that JSON.

use serde_json::{Value, json};

use crate::support::{Gateway, parts};

fn server() -> Value {
    let script = parts::file("fakes/returns.py").to_str().unwrap().to_owned();
    parts::stdio(&[parts::part("venv/bin/python"), script])
}

#[tokio::test]
async fn a_text_that_is_an_object_or_a_list_is_given_as_that() {
    let mut text = server();
    text["results"] = json!("text");
    let gateway = Gateway::config(&json!({ "auto": server(), "text": text })).ready().await;
    let object = json!({ "z": 1, "a": [null, "é"] });
    for (said, body) in [
        (r#"{"z":1,"a":[null,"é"]}"#, object.clone()),
        (r#"{"z": 1, "a": [null, "\u00e9"]}"#, object.clone()),
        ("{\r\n\t\"z\": 1,\n  \"a\": [\n    null,\n    \"é\"\n  ]\n}\n", object.clone()),
        ("  [1, {}]", json!([1, {}])),
        ("{}", json!({})),
        (r#"{"half": "\ud83d", "whole": "\ud83d\ude00"}"#, json!({ "half": "\u{fffd}", "whole": "😀" })),
    ] {
        for tool in ["text", "renamed-text", "optional", "either", "plain"] {
            for server in ["auto", "text"] {
                let path = format!("/{server}/{tool}");
                let answer = gateway.result(&path, &json!({ "say": said })).await;
                assert_eq!(answer, body, "{path} {said:?}");
            }
        }
        assert_eq!(gateway.result("/auto/texts", &json!({ "say": said })).await, json!([said]), "{said:?}");
    }
    // To the letter: digits, and the order of keys.
    let said = r#"{"z":12345678901234567890,"a":1.50}"#;
    assert_eq!(gateway.call("/auto/text", &json!({ "say": said })).await.body, said);
    gateway.stop().await;
}

/// Where a tool promises text, what may be no text for JSON's sake alone stays one.
#[tokio::test]
async fn other_text_stays_text() {
    let gateway = Gateway::config(&json!({ "auto": server() })).ready().await;
    for said in
        ["3", "-1.50", "true", "null", r#""quoted""#, "plain", "", " ", "{bad", "[1,]", "{\"n\": NaN}"]
    {
        for tool in ["text", "renamed-text", "optional", "either"] {
            let answer = gateway.result(&format!("/auto/{tool}"), &json!({ "say": said })).await;
            assert_eq!(answer, said, "{tool}");
        }
    }
    assert_eq!(gateway.result("/auto/optional", &json!({ "say": "", "nothing": true })).await, Value::Null);
    assert_eq!(gateway.result("/auto/number", &json!({ "say": "12" })).await, 2);
    assert_eq!(gateway.result("/auto/table", &json!({ "say": r#"{"a":"{}"}"# })).await, json!({ "a": "{}" }));
    gateway.stop().await;
}

/// The document says what may come: the text, or an object or a list in its place.
#[tokio::test]
async fn the_document_says_both() {
    let gateway = Gateway::config(&json!({ "auto": server() })).ready().await;
    let document = gateway.document("/auto").await;
    let schema = |tool: &str| {
        let ok = &document["paths"][format!("/{tool}")]["post"]["responses"]["200"];
        let mut schema = ok["content"]["application/json"]["schema"].clone();
        schema["components"] = document["components"].clone();
        schema
    };
    let fits = |tool: &str, body: &Value| jsonschema::is_valid(&schema(tool), body);
    for tool in ["text", "renamed-text", "optional", "either"] {
        for (body, may) in [
            (json!("x"), true),
            (json!({ "a": 1 }), true),
            (json!([1]), true),
            (json!(1), false),
            (json!(null), tool == "optional"),
        ] {
            assert_eq!(fits(tool, &body), may, "{tool} {body}: {}", schema(tool));
        }
    }
    assert!(fits("number", &json!(1)) && !fits("number", &json!("x")) && !fits("number", &json!({})));
    assert!(fits("texts", &json!(["x"])) && !fits("texts", &json!({})) && !fits("texts", &json!([1])));
    gateway.stop().await;
}

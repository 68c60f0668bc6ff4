//! Bad requests: each gets its exact status and a JSON body in the shape that mcpo's users know.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Gateway, parts,
    wire::{hear, post},
};

/// A gateway with one tool, `/fake/greet`, that wants a `name` and may be told how `many` times.
async fn gateway() -> Gateway {
    let tool = json!({
        "name": "greet",
        "inputSchema": {
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "many": { "type": "integer" },
                "who": { "type": "object", "properties": { "age": { "type": "integer" } }, "required": ["age"] },
            },
            "required": ["name"],
        },
    });
    let servers = json!({ "fake": parts::fake(&["--tool", &tool.to_string()]) });
    Gateway::config(&servers).ready().await
}

/// Nothing is ever plain text, whatever was sent.
fn never_plain(answer: &Answer) {
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(!kind.starts_with("text/plain"), "{answer:?}");
}

#[tokio::test]
async fn malformed_json() {
    let gateway = gateway().await;
    let recorded = json!({
        "type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error", "input": {},
        "ctx": { "error": "Expecting property name enclosed in double quotes" },
    });
    let answer = hear(gateway.say(&post("/fake/greet", b"{bad")).await).await;
    answer.is(422, &json!({ "detail": [recorded] }));

    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 17] = [
        b"{",
        b"}",
        b"[1,2",
        b"nul",
        b"'name'",
        b"   ",
        br#"{"name"}"#,
        br#"{"name":}"#,
        br#"{"name" "x"}"#,
        br#"{"name":"x",}"#,
        br#"{"name":"x" "many":1}"#,
        br#"{"name":"x"#,
        br#"{"name":"\q"}"#,
        b"{\"name\":\"a\nb\"}",
        br#"{"name":"x"} trailing"#,
        b"{\"name\":\"\xff\xfe\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let what = String::from_utf8_lossy(&body[..body.len().min(40)]);
        let answer = hear(gateway.say(&post("/fake/greet", body)).await).await;
        assert_eq!(answer.status, 422, "{what}: {answer:?}");
        let body = answer.json();
        let detail = &body["detail"][0];
        assert_eq!(detail["type"], "json_invalid", "{what}: {body}");
        assert_eq!(detail["msg"], "JSON decode error", "{what}: {body}");
        assert_eq!(detail["loc"][0], "body", "{what}: {body}");
        assert!(detail["loc"][1].is_u64(), "{what}: {body}");
        assert!(detail["ctx"]["error"].is_string(), "{what}: {body}");
    }
    gateway.stop().await;
}

/// One item of a 422 in FastAPI's words.
fn detail(kind: &str, location: &[Value], message: &str, input: &Value) -> Value {
    let mut loc = [json!("body")].to_vec();
    loc.extend_from_slice(location);
    json!({ "detail": [{ "type": kind, "loc": loc, "msg": message, "input": input }] })
}

#[tokio::test]
async fn arguments_of_the_wrong_shape() {
    let gateway = gateway().await;
    let missing = |location: &[Value], input: Value| detail("missing", location, "Field required", &input);
    let no_object = "Input should be a valid dictionary or object to extract fields from";
    let no_object = |input: Value| detail("model_attributes_type", &[], no_object, &input);
    let name = || [json!("name")];
    let no_string = "Input should be a valid string";
    let no_number = "Input should be a valid integer, unable to parse string as an integer";
    for (sent, body) in [
        ("", missing(&[], Value::Null)),
        ("null", missing(&[], Value::Null)),
        ("[1]", no_object(json!([1]))),
        ("[]", no_object(json!([]))),
        ("5", no_object(json!(5))),
        ("true", no_object(json!(true))),
        ("\"text\"", no_object(json!("text"))),
        ("{}", missing(&name(), json!({}))),
        (r#"{"many":1}"#, missing(&name(), json!({ "many": 1 }))),
        (r#"{"name":5}"#, detail("string_type", &name(), no_string, &json!(5))),
        (r#"{"name":null}"#, detail("string_type", &name(), no_string, &Value::Null)),
        (r#"{"name":["x"]}"#, detail("string_type", &name(), no_string, &json!(["x"]))),
        (r#"{"name":"x","many":"y"}"#, detail("int_parsing", &[json!("many")], no_number, &json!("y"))),
        (r#"{"name":"x","who":{}}"#, missing(&[json!("who"), json!("age")], json!({}))),
    ] {
        let answer = hear(gateway.say(&post("/fake/greet", sent.as_bytes())).await).await;
        assert_eq!(answer.status, 422, "{sent}: {answer:?}");
        assert_eq!(answer.json(), body, "{sent}");
    }
    gateway.stop().await;
}

/// A body that does not say it is JSON is taken for text, and text is no object; without any type it is JSON.
#[tokio::test]
async fn content_types() {
    let gateway = gateway().await;
    let sent = r#"{"name":"x"}"#;
    for (kind, status) in [
        (None, 200),
        (Some("application/json"), 200),
        (Some("application/json; charset=utf-8"), 200),
        (Some("application/vnd.api+json"), 200),
        (Some("text/plain"), 422),
        (Some("text/html"), 422),
        (Some("application/x-www-form-urlencoded"), 422),
        (Some("application/xml"), 422),
    ] {
        let request = gateway.request(Method::POST, "/fake/greet").body(sent);
        let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
        let answer = gateway.send(request).await;
        assert_eq!(answer.status, status, "{kind:?}: {answer:?}");
        if status == 422 {
            let body = answer.json();
            assert_eq!(body["detail"][0]["type"], "model_attributes_type", "{kind:?}: {body}");
            assert_eq!(body["detail"][0]["input"], sent, "{kind:?}: {body}");
            let told = body["detail"][0]["msg"].as_str().unwrap_or_default();
            assert!(told.ends_with("the header Content-Type: application/json"), "{kind:?}: {body}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn wrong_methods() {
    let gateway = gateway().await;
    let tool = ("/fake/greet", "POST");
    let page = |path| (path, "GET, HEAD");
    for (method, (path, allow)) in [
        ("GET", tool),
        ("PUT", tool),
        ("PATCH", tool),
        ("DELETE", tool),
        ("OPTIONS", tool),
        ("POST", page("/openapi.json")),
        ("PUT", page("/docs")),
        ("DELETE", page("/fake/openapi.json")),
        ("POST", page("/healthz")),
        ("OPTIONS", page("/openapi.json")),
    ] {
        let answer = gateway.send(gateway.request(method.parse().unwrap(), path)).await;
        let refused = json!({ "detail": "Method Not Allowed" });
        assert_eq!((answer.status, answer.json()), (405, refused), "{method} {path}");
        let mut allowed: Vec<_> =
            answer.header("allow").unwrap().split(',').map(|m| m.trim().to_owned()).collect();
        allowed.sort();
        assert_eq!(allowed.join(", "), allow, "{method} {path}");
    }
    let answer = gateway.send(gateway.request(Method::HEAD, "/fake/greet")).await;
    assert_eq!((answer.status, answer.body.as_str()), (405, ""), "{answer:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn unknown_paths() {
    let gateway = gateway().await;
    for path in [
        "/nosuch",
        "/nosuch/",
        "/nosuch/greet",
        "/nosuch/openapi.json",
        "/fake/nosuch",
        "/fake/greet/more",
        "/fake//greet",
        "//fake/greet",
        "/FAKE/greet",
        "/fake/GREET",
        "/greet",
        "/fake/gr%zzeet",
        "/fake/greet%",
        "/fake/%ff",
        "/fake/%00",
        "/fake/..%2Fgreet",
        "/%66ake%2Fgreet",
    ] {
        for method in ["GET", "POST"] {
            let bytes = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            let answer = hear(gateway.say(bytes.as_bytes()).await).await;
            assert_eq!(
                (answer.status, &answer.json()["detail"]),
                (404, &json!("Not Found")),
                "{method} {path}"
            );
        }
    }
    // A character that needs no encoding may be encoded all the same.
    assert_eq!(gateway.result("/%66ake/gree%74", &json!({ "name": "x" })).await["tool"], "greet");
    gateway.stop().await;
}

/// A name that is near to a known one, or another name of it, is answered with a hint; a strange one with none.
#[tokio::test]
async fn unknown_names_that_are_near() {
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } }).to_string();
    let tools = [tool("get_current_time"), tool("größe")];
    let fake = parts::fake(&["--tool", &tools[0], "--tool", &tools[1]]);
    let gateway = Gateway::config(&json!({ "time": fake, "a b": fake })).ready().await;
    let no_tool = |name: &str, meant: &str| format!("there is no tool \"{name}\"; did you mean \"{meant}\"?");
    let long = format!("/time/get_current_time{}", "e".repeat(9_000));
    for (path, hint) in [
        ("/time/get_curent_time", Some(no_tool("get_curent_time", "get_current_time"))),
        ("/time/get-current-time/", Some(no_tool("get-current-time/", "get_current_time"))),
        ("/time/getCurrentTime", Some(no_tool("getCurrentTime", "get_current_time"))),
        ("/time/tool_get_current_time_post", Some(no_tool("tool_get_current_time_post", "get_current_time"))),
        ("/time/v1/get_current_time", Some(no_tool("v1/get_current_time", "get_current_time"))),
        ("/time/gr%C3%B6sse", Some(no_tool("grösse", "größe"))),
        ("/Time/get_current_time", Some("there is no server \"Time\"; did you mean \"time\"?".into())),
        ("/tyme/openapi.json", Some("there is no server \"tyme\"; did you mean \"time\"?".into())),
        (
            "/get_current_time",
            Some(
                "\"get_current_time\" is a tool of the server \"time\"; did you mean /time/get_current_time?"
                    .into(),
            ),
        ),
        ("/time/weather", None),
        ("/weather/get_current_time", None),
        (&long, None),
    ] {
        let answer = gateway.call(path, &json!({})).await;
        let wanted = match hint {
            Some(hint) => json!({ "detail": "Not Found", "hint": hint }),
            None => json!({ "detail": "Not Found" }),
        };
        assert_eq!(answer.json(), wanted, "{path}");
    }
    gateway.stop().await;

    let gateway = Gateway::single(["mcpo", "example-server"].map(str::to_owned).to_vec()).ready().await;
    let answer = gateway.call("/example/get_current_time", &json!({})).await;
    let hint = no_tool("example/get_current_time", "get_current_time");
    answer.is(404, &json!({ "detail": "Not Found", "hint": hint }));
    gateway.stop().await;
}

/// A body over the limit is refused by its announced length, before any of it is read.
#[tokio::test]
async fn bodies_over_the_limit() {
    let gateway = gateway().await;
    let head = |length: u64| {
        let kind = "Content-Type: application/json";
        format!("POST /fake/greet HTTP/1.1\r\nHost: localhost\r\n{kind}\r\nContent-Length: {length}\r\n\r\n")
    };
    let limit = 64 * 1024 * 1024;
    for length in [limit + 1, 1 << 40] {
        let answer = hear(gateway.say(head(length).as_bytes()).await).await;
        assert_eq!(answer.status, 413, "{answer:?}");
        assert!(
            answer.json()["detail"].is_string() || answer.json()["detail"]["message"].is_string(),
            "{answer:?}"
        );
    }
    gateway.stop().await;
}

/// What is not even HTTP gets a 4xx or a closed connection, and the gateway goes on.
#[tokio::test]
async fn what_is_not_http() {
    let gateway = gateway().await;
    for bytes in [
        "GARBAGE\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /fake/greet HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n",
    ] {
        let answer = hear(gateway.say(bytes.as_bytes()).await).await;
        assert!((400..500).contains(&answer.status), "{bytes:?}: {answer:?}");
        never_plain(&answer);
    }
    assert_eq!(gateway.result("/fake/greet", &json!({ "name": "x" })).await["tool"], "greet");
    gateway.stop().await;
}

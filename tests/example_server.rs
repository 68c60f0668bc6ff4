//! `mcpo example-server` over its real pipes, in both generations of the protocol.

mod client;

use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

use client::{PATIENCE, SESSION, STATELESS, Server};

const BOTH: [&str; 2] = [SESSION, STATELESS];

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[test]
fn the_handshake_agrees_on_the_version_asked_for() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let opened = Server::spawn(version).initialize(version);
        assert_eq!(opened["protocolVersion"], version);
        assert_eq!(opened["serverInfo"]["name"], "mcpo-example");
        assert_eq!(opened["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(opened["instructions"].as_str().unwrap().starts_with("Tools to try mcpo with"));
        for capability in ["tools", "resources", "prompts"] {
            assert!(opened["capabilities"][capability].is_object(), "{capability}");
        }
    }
}

#[test]
fn a_client_that_discovers_learns_of_both_generations() {
    let mut server = Server::open(STATELESS);
    let found = server.request("server/discover", json!({}))["result"].take();
    for version in BOTH {
        assert!(found["supportedVersions"].as_array().unwrap().contains(&version.into()), "{version}");
    }
    assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcpo-example");

    // It may still fall back to a session.
    server.version = SESSION;
    assert_eq!(server.initialize(SESSION)["protocolVersion"], SESSION);
    assert_eq!(text(&server.call("echo", json!({ "message": "hello" }))), "hello");
}

#[test]
fn every_tool_is_listed_with_its_schemas() {
    for version in BOTH {
        let answer = Server::open(version).request("tools/list", json!({}));
        let tools = answer["result"]["tools"].as_array().unwrap();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        let expected =
            ["convert_time", "describe_weather", "echo", "fail", "get_current_time", "get_image", "wait"];
        assert_eq!(names, expected);
        for tool in tools {
            assert!(
                !tool["title"].as_str().unwrap().is_empty()
                    && !tool["description"].as_str().unwrap().is_empty()
            );
            assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
            assert_eq!(tool["annotations"]["idempotentHint"], true, "{tool}");
            for property in tool["inputSchema"]["properties"].as_object().unwrap().values() {
                assert!(property["description"].is_string(), "{tool}");
            }
        }
        let with_output: Vec<_> = tools.iter().filter(|tool| tool["outputSchema"].is_object()).collect();
        assert_eq!(with_output.len(), 3);
    }
}

#[test]
fn schemas_state_what_is_allowed() {
    let mut server = Server::open(STATELESS);
    let cases = [
        (
            "convert_time",
            json!({ "source_timezone": "UTC", "time": "23:59", "target_timezone": "UTC" }),
            true,
        ),
        (
            "convert_time",
            json!({ "source_timezone": "UTC", "time": "24:00", "target_timezone": "UTC" }),
            false,
        ),
        (
            "convert_time",
            json!({ "source_timezone": "UTC", "time": "9:00", "target_timezone": "UTC" }),
            false,
        ),
        ("convert_time", json!({ "source_timezone": "UTC", "time": "09:00" }), false),
        ("describe_weather", json!({ "city": "Nairobi" }), true),
        ("describe_weather", json!({ "city": "Atlantis" }), false),
        ("wait", json!({ "seconds": 0.5 }), true),
        ("wait", json!({ "seconds": 60, "steps": 100 }), true),
        ("wait", json!({ "seconds": 60.5 }), false),
        ("wait", json!({ "seconds": -1 }), false),
        ("wait", json!({ "seconds": 1, "steps": 0 }), false),
        ("wait", json!({ "seconds": 1, "steps": 101 }), false),
        ("echo", json!({ "message": "x" }), true),
        ("echo", json!({ "message": "x", "repeat": 11 }), false),
        ("echo", json!({ "repeat": 1 }), false),
        ("get_image", json!({}), true),
    ];
    for (tool, arguments, valid) in cases {
        let schema = server.tool(tool)["inputSchema"].take();
        assert_eq!(jsonschema::is_valid(&schema, &arguments), valid, "{tool} {arguments}");
    }
}

#[test]
fn structured_results_fit_their_output_schemas() {
    for version in BOTH {
        let mut server = Server::open(version);
        let cases = [
            ("get_current_time", json!({ "timezone": "Asia/Tokyo" })),
            (
                "convert_time",
                json!({ "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Kathmandu" }),
            ),
            ("describe_weather", json!({ "city": "Reykjavik" })),
        ];
        let results = cases.map(|(tool, arguments)| {
            let result = server.call(tool, arguments);
            let structured = &result["structuredContent"];
            let schema = server.tool(tool)["outputSchema"].take();
            assert!(jsonschema::is_valid(&schema, structured), "{tool}: {structured}");
            assert_eq!(&serde_json::from_str::<Value>(text(&result)).unwrap(), structured);
            structured.clone()
        });
        let [now, converted, weather] = results;
        assert_eq!(now["timezone"], "Asia/Tokyo");
        assert_eq!(now["is_dst"], false);
        let shown = now["datetime"].as_str().unwrap();
        assert!(shown.len() == "2026-01-01T00:00:00+09:00".len() && shown.ends_with("+09:00"), "{shown}");
        let age = jiff::Timestamp::now().duration_since(shown.parse().unwrap());
        assert!(age.as_secs() < 60 && !age.is_negative(), "{shown} is {age:?} ago");

        assert_eq!(converted["time_difference"], "+5.75h");
        assert!(converted["source"]["datetime"].as_str().unwrap().ends_with("T12:00:00+00:00"));
        assert!(converted["target"]["datetime"].as_str().unwrap().ends_with("T17:45:00+05:45"));
        let expected =
            json!({ "city": "Reykjavik", "condition": "snow", "temperature": -2.5, "humidity": 81 });
        assert_eq!(weather, expected);
    }
}

#[test]
fn text_and_images_arrive() {
    for version in BOTH {
        let mut server = Server::open(version);
        let echoed = server.call("echo", json!({ "message": "ä\n\"b\"", "repeat": 2 }));
        assert_eq!(echoed["content"], json!([{ "type": "text", "text": "ä\n\"b\"\nä\n\"b\"" }]));

        let result = server.call("get_image", json!({}));
        assert_eq!(result["content"][0]["type"], "text");
        let image = &result["content"][1];
        assert_eq!((&image["type"], &image["mimeType"]), (&json!("image"), &json!("image/png")));
        let png = base64::prelude::BASE64_STANDARD.decode(image["data"].as_str().unwrap()).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x30\0\0\0\x30"), "48 by 48");
        assert!(png.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_eq!(result["content"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn what_goes_wrong_is_said_in_a_tool_error() {
    let cases = [
        ("fail", json!({ "message": "as asked" }), "as asked"),
        ("get_current_time", json!({ "timezone": "Mars/X" }), "unknown time zone \"Mars/X\""),
        (
            "convert_time",
            json!({ "source_timezone": "UTC", "time": "12:00", "target_timezone": "?" }),
            "zone \"?\"",
        ),
        (
            "convert_time",
            json!({ "source_timezone": "UTC", "time": "noon", "target_timezone": "UTC" }),
            "\"noon\"",
        ),
        ("describe_weather", json!({ "city": "Atlantis" }), "Reykjavik"),
        ("wait", json!({ "seconds": 61 }), "seconds must be from 0 to 60, not 61"),
        ("wait", json!({ "seconds": 1, "steps": 0 }), "steps must be from 1 to 100, not 0"),
        ("echo", json!({ "message": "x", "repeat": 11 }), "repeat must be from 1 to 10, not 11"),
        ("echo", json!({}), "message"),
    ];
    for version in BOTH {
        let mut server = Server::open(version);
        for (tool, arguments, expected) in &cases {
            let result = server.call(tool, arguments.clone());
            assert_eq!(result["isError"], true, "{tool} {arguments}");
            assert!(text(&result).contains(expected), "{}", text(&result));
        }
        let unknown = server.request("tools/call", json!({ "name": "nope" }));
        assert_eq!(unknown["error"]["code"], -32602);
    }
}

#[test]
fn progress_goes_to_those_who_ask_for_it() {
    for version in BOTH {
        let mut server = Server::open(version);
        let arguments = json!({ "seconds": 0.03, "steps": 3 });
        assert_eq!(text(&server.call("wait", arguments.clone())), "Waited 0.03 s in 3 steps.");
        assert_eq!(server.notifications, [] as [Value; 0]);

        let params = json!({ "name": "wait", "arguments": arguments, "_meta": { "progressToken": "p" } });
        server.request("tools/call", params);
        let reports: Vec<_> = server.notifications.iter().map(|message| &message["params"]).collect();
        assert_eq!(reports.len(), 3);
        for (step, report) in (1_u8..).zip(reports) {
            let message = format!("step {step} of 3");
            let expected = json!({ "progressToken": "p", "progress": f64::from(step), "total": 3.0, "message": message });
            assert_eq!(report, &expected);
        }
    }
}

#[test]
fn a_cancelled_call_ends_at_once_and_is_not_answered() {
    for version in BOTH {
        let mut server = Server::open(version);
        let arguments = json!({ "seconds": 60, "steps": 100 });
        let params = json!({ "name": "wait", "arguments": arguments, "_meta": { "progressToken": 1 } });
        let id = server.begin("tools/call", params);
        assert_eq!(server.next()["method"], "notifications/progress", "the call runs");
        let cancel = json!({ "requestId": id, "reason": "enough" });
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel }));
        // `request` takes no other answer than that to its own question.
        assert_eq!(text(&server.call("echo", json!({ "message": "still here" }))), "still here");
        // A call that still ran would hold the process for five seconds more.
        let (status, _) = server.close(Duration::from_secs(4));
        assert!(status.success());
    }
}

#[test]
fn the_resource_and_the_prompt_can_be_read() {
    for version in BOTH {
        let mut server = Server::open(version);
        let listed = server.request("resources/list", json!({}));
        let resource = &listed["result"]["resources"][0];
        assert_eq!(resource["uri"], "mcpo://example/readme");
        let read = server.request("resources/read", json!({ "uri": resource["uri"] }));
        let contents = &read["result"]["contents"][0];
        assert_eq!(contents["mimeType"], "text/markdown");
        let markdown = contents["text"].as_str().unwrap();
        assert!(markdown.starts_with("# The example server\n"));
        assert_eq!(resource["size"], markdown.len());

        let missing = server.request("resources/read", json!({ "uri": "mcpo://example/other" }));
        assert_eq!(missing["error"]["code"], if version == STATELESS { -32602 } else { -32002 });

        let prompts = server.request("prompts/list", json!({}));
        assert_eq!(prompts["result"]["prompts"][0]["name"], "plan_meeting");
        let arguments = json!({ "city": "Lisbon", "time": "09:30" });
        let prompt = server.request("prompts/get", json!({ "name": "plan_meeting", "arguments": arguments }));
        let asked = prompt["result"]["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(asked.starts_with("Plan a meeting that begins at 09:30 in Lisbon."), "{asked}");
        let incomplete = server.request("prompts/get", json!({ "name": "plan_meeting" }));
        assert_eq!(incomplete["error"]["code"], -32602);
    }
}

#[test]
fn the_end_of_input_ends_the_process_without_a_word() {
    for version in BOTH {
        let mut used = Server::open(version);
        used.call("echo", json!({ "message": "x" }));
        for server in [Server::spawn(version), used] {
            let (status, stderr) = server.close(PATIENCE);
            assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
        }
    }
}

#[test]
fn a_client_that_begins_wrongly_is_told() {
    let mut server = Server::spawn(SESSION);
    server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let (status, stderr) = server.close(PATIENCE);
    assert!(!status.success() && !stderr.is_empty(), "{status}: {stderr}");
}

//! Whatever a caller sends, a server hears one message for each call, with the arguments to the letter.

use std::fs;

use serde_json::Value;

use super::{
    fixture::Fixture,
    heard::{calls, read},
};

/// What a caller would like to have run: a tool that is served to nobody.
const SECRET: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"secret","arguments":{}}}"#;

/// Bodies, each with its arguments as a server must hear them but for white space.
fn bodies() -> Vec<(String, String)> {
    let inside = |gap: &str| (format!("{{\"a\":{gap}{SECRET}{gap}}}"), format!("{{\"a\":{SECRET}}}"));
    let around = |gap: &str| (format!("{gap}{{{gap}\"a\" : 1 }}{gap}"), "{\"a\":1}".to_owned());
    let text = |c: char| {
        let escaped = format!("\\u{:04x}", u32::from(c));
        let [raw, heard] = [c.to_string(), escaped]
            .map(|c| format!("{{\"{c}\":\"{c}{}{c}\"}}", SECRET.replace('"', "\\\"")));
        (raw, heard)
    };
    let same = |body: &str| (body.to_owned(), body.to_owned());
    let gaps = ["\n", "\r", "\r\n", "\n\r", " \n\t"];
    let mut bodies: Vec<_> = gaps.iter().flat_map(|gap| [inside(gap), around(gap)]).collect();
    bodies.extend(['\u{85}', '\u{2028}', '\u{2029}'].map(text));
    bodies.extend([
        same(r#"{"\u000a\n":"\r\n\u2028\u0085\/"}"#),
        same("{\"é\":\"\u{a0}\u{2027}\u{1f600}\"}"),
        (
            "{\"z\":1.50,\n\"a\":[123456789012345678901234567890,\r-0,1E+2]}".to_owned(),
            "{\"z\":1.50,\"a\":[123456789012345678901234567890,-0,1E+2]}".to_owned(),
        ),
    ]);
    bodies
}

/// What is no JSON text, though a lenient reader, or one of its lines, may take it for one.
fn not_quite_json() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":NaN}",
        "{\"a\":1}}",
        "{\"a\":1",
        "{\"a\":\"line\nbreak\"}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\u{2028}1}",
        "{\"a\":\u{b}1}",
        "{\"a\":1}//",
    ]
    .map(|body| body.as_bytes().to_vec())
    .to_vec();
    bodies.extend(["\n", "\r", "", "\u{2028}"].map(|gap| format!("{{}}{gap}{SECRET}").into_bytes()));
    bodies.extend(["\n", "\r"].map(|gap| format!("{SECRET}{gap}{SECRET}").into_bytes()));
    bodies.push(b"{\"a\":\"\xff\"}".to_vec());
    bodies
}

#[tokio::test]
async fn arguments_make_one_message() {
    let fixture = Fixture::start().await;
    let mut count = 0;
    for (server, wire) in &fixture.servers {
        for (body, arguments) in bodies() {
            let before = calls(wire);
            assert_eq!(fixture.post(server, "call", body.as_bytes()).await, 200, "{server}: {body:?}");
            let after = calls(wire);
            assert_eq!(after.len(), before.len() + 1, "{server}: {body:?} became {after:?}");
            let call = read(after.last().unwrap());
            assert_eq!(
                [call.param("name"), call.param("arguments")],
                ["\"call\"".into(), arguments],
                "{server}"
            );
            count += 1;
        }
        for tool in ["secret", "write"] {
            assert_eq!(fixture.post(server, tool, b"{\n}").await, 403, "{server}");
            count += 1;
        }
    }
    let text = fs::read_to_string(&fixture.audit).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), count, "one line for each call, whatever stands in its arguments");
    let ran = lines.iter().filter(|line| line["outcome"] == "ok");
    assert!(ran.clone().count() > 0 && ran.clone().all(|line| line["tool"] == "call"), "{text}");
    fixture.gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_quite_json_goes_nowhere() {
    let fixture = Fixture::start().await;
    for (server, wire) in &fixture.servers {
        for body in not_quite_json() {
            let text = String::from_utf8_lossy(&body).into_owned();
            assert_eq!(fixture.post(server, "call", &body).await, 422, "{server}: {text:?}");
        }
        assert_eq!(calls(wire), [""; 0], "{server}");
    }
    fixture.gateway.stop().await;
}

//! What an operator reads: one line per call, joined to its answer by the request's id.

use std::{fs, time::Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, eventually, parts};

/// A text that would pass for another line, write to a terminal, turn text around, and hide.
const FORGED: &str = "boom\n2026-11-25T13:35:48Z  INFO request{id=1}: called server=\"bank\" status=200 ms=1\r\u{1b}[2J\
                      \u{9b}31m\u{85}\u{2028}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}";

/// The characters of [`FORGED`] that no reader sees, without the line break that ends a line.
fn hidden(c: char) -> bool {
    c != '\n' && (c.is_control() || FORGED.contains(c) && !c.is_ascii())
}

fn servers() -> Value {
    json!({ "fake": parts::fake(&[]) })
}

/// The only line of the log with this text.
async fn line(gateway: &Gateway, text: &str) -> String {
    let lines = eventually(&format!("a line with {text:?}"), async || {
        let log = gateway.log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect();
        (!lines.is_empty()).then_some(lines)
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.into_iter().next().unwrap()
}

/// A caller's id is in its answer and its line; what is no sane id is replaced.
#[tokio::test]
async fn a_request_has_one_id() {
    let gateway = Gateway::config(&servers()).ready().await;
    let call = |id: &str, arguments: Value| {
        let call = gateway.request(Method::POST, "/fake/call?token=hunter2").json(&arguments);
        gateway.send(call.header("X-Request-Id", id))
    };
    let answer = call("mine-1", json!({ "diary": "a-private-thought" })).await;
    assert_eq!((answer.status, answer.header("x-request-id").as_deref()), (200, Some("mine-1")));
    let told = line(&gateway, "mine-1").await;
    assert!(
        told.contains("INFO") && told.contains(r#"called server="fake" tool="call" status=200 ms="#),
        "{told}"
    );

    let answer = call("mine-2", json!({ "error": { "code": -32603, "message": "no" } })).await;
    assert_eq!((answer.status, answer.header("x-request-id").as_deref()), (500, Some("mine-2")));
    let told = line(&gateway, "mine-2").await;
    assert!(told.contains("WARN") && told.contains("status=500 ms="), "{told}");

    let answer =
        gateway.send(gateway.request(Method::POST, "/nowhere").header("X-Request-Id", "mine-3")).await;
    assert_eq!((answer.status, answer.header("x-request-id").as_deref()), (404, Some("mine-3")));

    for odd in ["two words", &"x".repeat(129), ""] {
        let fresh = call(odd, json!({})).await.header("x-request-id").unwrap();
        assert!(!fresh.is_empty() && fresh != odd, "{fresh}");
        line(&gateway, &fresh).await;
    }
    let log = gateway.stop().await;
    assert!(!log.contains("a-private-thought") && !log.contains("hunter2"), "{log}");
}

/// Each answer has an id of its own, a refusal too, and a web page may read it.
#[tokio::test]
async fn ids_are_fresh_and_pages_may_read_them() {
    let gateway = Gateway::config(&servers()).options(["--api-key", "key"]).ready().await;
    let ask = || {
        gateway.request(Method::POST, "/fake/call").header("Origin", "https://app.example").json(&json!({}))
    };
    let (first, second) = (gateway.send(ask()).await, gateway.send(ask()).await);
    assert_eq!((first.status, second.status), (401, 401));
    assert!(first.header("x-request-id").is_some());
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(first.header("access-control-expose-headers").as_deref(), Some("X-Request-Id"));
    gateway.stop().await;
}

/// With `--log-format json` every line is an object with time, level and message.
#[tokio::test]
async fn json_lines_are_objects() {
    let gateway = Gateway::config(&servers()).options(["--log-format", "json"]).ready().await;
    let call = gateway.request(Method::POST, "/fake/call").header("X-Request-Id", "mine").json(&json!({}));
    assert_eq!(gateway.send(call).await.status, 200);
    let log = gateway.stop().await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        assert!(line["level"].is_string() && line["fields"]["message"].is_string(), "{line}");
    }
    let calls: Vec<_> = lines.iter().filter(|line| line["fields"]["message"] == "called").collect();
    let [call] = calls[..] else { panic!("{log}") };
    assert_eq!((&call["level"], &call["span"]["id"]), (&json!("INFO"), &json!("mine")));
    let fields = &call["fields"];
    assert_eq!(
        (&fields["server"], &fields["tool"], &fields["status"]),
        (&json!("fake"), &json!("call"), &json!(200))
    );
    assert!(fields["ms"].is_u64(), "{call}");
}

/// What a server says, in an error or on its stderr, stays within the line of an event, and within its field.
#[tokio::test]
async fn what_a_server_says_forges_no_line() {
    for format in ["human", "json"] {
        let launch = Gateway::config(&servers()).options(["--log-format", format, "--audit-log", "audit"]);
        let gateway = launch.ready().await;
        let error = json!({ "error": { "code": -32000, "message": FORGED } });
        let answer = gateway.call("/fake/call", &error).await;
        assert_eq!(answer.json()["detail"]["message"], FORGED, "its caller gets it as it is");
        gateway.result("/fake/call", &json!({ "say": FORGED })).await;
        gateway.get("/fake/\u{202e}\u{200b}").await;
        eventually("stderr is logged", async || gateway.log().contains("[2J").then_some(())).await;
        let audit = fs::read_to_string(gateway.file("audit")).unwrap();
        let log = gateway.stop().await;
        for text in [&log, &audit] {
            assert!(!text.contains(hidden), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("2026-11-25")), "{text}");
        }
        // A person sees the quotes around it, or whose words the line quotes.
        let forged = log.lines().filter(|line| line.contains("bank"));
        for line in forged {
            let marked = match format {
                "human" => line.contains("reason=\"boom ") || line.contains(" INFO stderr: "),
                _ => {
                    let line: Value = serde_json::from_str(line).expect(line);
                    line["fields"]["reason"].is_string() || line["stream"] == "stderr"
                }
            };
            assert!(marked, "{line}");
        }
    }
}

/// A huge message costs the log a few lines, not its size, and so do `/status` and pages.
#[tokio::test]
async fn what_a_server_says_is_bounded() {
    let gateway = Gateway::config(&servers()).ready().await;
    let before = gateway.log().len();
    let huge = "E".repeat(8_000_000);
    let error = json!({ "error": { "code": -32000, "message": huge } });
    let told = gateway.call("/fake/call", &error).await.json()["detail"]["message"].clone();
    assert_eq!(told.as_str().map(str::len), Some((1 << 20) + "…".len()), "as much as SECURITY.md says");
    line(&gateway, "EEE").await;
    gateway.result("/fake/call", &json!({ "say": huge })).await;
    let log = gateway.stop().await;
    assert!(log.len() - before < 1_000_000, "{}", log.len() - before);
    assert!(log.lines().all(|line| line.len() <= 8 << 10));
}

/// A server that writes without end to its stderr is logged at a rate, is told of, and harms nobody.
#[tokio::test]
async fn a_server_that_shouts_is_logged_at_a_rate() {
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    let loud = parts::fake(&["--shout", start.to_str().unwrap()]);
    let gateway = Gateway::config(&json!({ "loud": loud, "good": parts::fake(&[]) })).ready().await;
    let began = Instant::now();
    fs::write(&start, "").unwrap();
    let shouted = |log: &str| log.lines().filter(|line| line.contains("INFO stderr: aaah server=")).count();
    let told = "lines of the server are not logged";
    eventually(told, async || gateway.log().contains(told).then_some(())).await;
    gateway.result("/good/call", &json!({})).await;
    assert_eq!(gateway.result("/loud/call", &json!({})).await["tool"], "call", "it is read on");
    let metrics = gateway.get("/metrics").await.body;
    assert!(!metrics.contains("mcpo_bounds_hit_total{bound=\"server_log\"} 0\n"), "{metrics}");
    let log = gateway.stop().await;
    let most = 1000 + 200 * (began.elapsed().as_secs() + 1);
    assert!((1000..=usize::try_from(most).unwrap()).contains(&shouted(&log)), "{}", shouted(&log));
}

/// <https://no-color.org> and <https://bixense.com/clicolors>; the log of a test is no terminal.
#[tokio::test]
async fn colours_are_as_the_environment_asks() {
    for (variables, coloured) in [
        ([("NO_COLOR", ""), ("CLICOLOR_FORCE", "")], false),
        ([("NO_COLOR", ""), ("CLICOLOR_FORCE", "0")], false),
        ([("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], true),
        ([("NO_COLOR", "0"), ("CLICOLOR_FORCE", "1")], false),
    ] {
        let gateway = Gateway::config(&servers()).environment(variables).ready().await;
        let log = gateway.stop().await;
        assert_eq!(log.contains("\u{1b}[32m INFO\u{1b}[0m"), coloured, "{variables:?}: {log:?}");
    }
}

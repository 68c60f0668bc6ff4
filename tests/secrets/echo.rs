//! A remote server that repeats all it was sent, at each stage of a connection and in each encoding.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::wire::encoded;

/// What every echo begins with, whatever else it says.
pub(super) const WORDS: &str = "upstream-words";

/// Where it repeats what it was sent, which the first segment of the URL's path says.
pub(super) const STAGES: [&str; 11] = [
    "status-403",
    "status-404",
    "status-500",
    "status-503",
    "challenge",
    "redirect",
    "initialize",
    "list",
    "described",
    "call",
    "garbage",
];

/// How a call is answered, by its argument `how`.
pub(super) const ANSWERS: [&str; 6] = ["error", "data", "is-error", "stream", "status-500", "not-json"];

/// The server, ended when dropped.
pub(super) struct Echo {
    pub(super) port: u16,
    _task: JoinSet<()>,
}

/// A request: its target, all that it said, and its body.
struct Heard {
    target: String,
    words: String,
    body: Value,
}

struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Echo {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self { port, _task: task }
    }
}

async fn serve(mut stream: TcpStream) {
    if let Some(heard) = hear(&mut stream).await {
        let Reply { status, headers, body } = answer(&heard);
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

async fn hear(stream: &mut TcpStream) -> Option<Heard> {
    let mut lines = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        lines.read_line(&mut head).await.ok()?;
        match head[start..].trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            None if head[start..].trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).await.ok()?;
    let target = head.split(' ').nth(1)?.to_owned();
    let secret = |line: &&str| {
        !line.is_empty() && !["host", "accept", "content-"].iter().any(|public| line.starts_with(public))
    };
    let said: Vec<_> = head.lines().filter(secret).collect();
    Some(Heard { words: said.join(" "), target, body: serde_json::from_slice(&body).unwrap_or_default() })
}

/// The words in one encoding after another, beginning with another one at each stage: what shows a text cuts it.
fn echo(words: &str, turn: usize) -> String {
    let json = |text: &str| json!(text).to_string();
    let base64: Vec<_> = words.split(' ').map(|word| STANDARD.encode(word)).collect();
    let html = words.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let mut forms = vec![
        words.to_owned(),
        json(words),
        encoded(words),
        json(&json(words)),
        encoded(words).to_lowercase(),
        base64.join(" "),
        html,
        words.to_uppercase(),
        STANDARD.encode(words),
    ];
    let length = forms.len();
    forms.rotate_left(turn % length);
    format!("{WORDS} {}", forms.join(" "))
}

fn answer(heard: &Heard) -> Reply {
    let stage = heard.target.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    let turn = STAGES.iter().position(|known| *known == stage).unwrap_or_default();
    let text = echo(&heard.words, turn);
    let plain = |status, body: &str| Reply { status, headers: String::new(), body: body.to_owned() };
    match stage {
        "challenge" => {
            let words = text.replace('"', "'");
            Reply {
                headers: format!(
                    "WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"{words}\"\r\n"
                ),
                ..plain(401, &text)
            }
        }
        "redirect" => {
            let headers = format!("Location: http://127.0.0.1:1/{}\r\n", encoded(&text));
            Reply { headers, ..plain(307, &text) }
        }
        "garbage" => plain(200, &text),
        _ => match stage.strip_prefix("status-") {
            Some(status) => plain(status.parse().expect("a status"), &text),
            None => message(heard, stage, &text, turn),
        },
    }
}

fn message(heard: &Heard, stage: &str, text: &str, turn: usize) -> Reply {
    let reply = |content: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": heard.body["id"] });
        let mut body = body.as_object().expect("an object").clone();
        body.extend(content.as_object().expect("an object").clone());
        let headers = "Content-Type: application/json\r\n".to_owned();
        Reply { status: 200, headers, body: Value::from(body).to_string() }
    };
    let error = |data: Value| reply(json!({ "error": { "code": -32000, "message": text, "data": data } }));
    match (heard.body["method"].as_str().unwrap_or_default(), stage) {
        ("", _) => Reply { status: 405, headers: String::new(), body: String::new() },
        ("server/discover", _) => reply(json!({ "error": { "code": -32601, "message": "unknown" } })),
        ("initialize", "initialize") => error(json!(text)),
        ("initialize", _) => {
            let words = if stage == "described" { text } else { "plain" };
            let info = json!({ "name": words, "version": words });
            reply(
                json!({ "result": { "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": info,
                "instructions": words } }),
            )
        }
        ("tools/list", "list") => error(json!({ "text": text })),
        ("tools/list", _) => {
            let words = if stage == "described" { text } else { "plain" };
            let schema = json!({ "type": "object", "properties": { "how": { "type": "string", "description": words },
                "turn": { "type": "integer" } } });
            let tool =
                json!({ "name": "repeat", "title": words, "description": words, "inputSchema": schema });
            let named = heard.words.split(' ').nth(1).unwrap_or_default();
            let tools = if stage == "described" { json!([tool, { "name": named }]) } else { json!([tool]) };
            reply(json!({ "result": { "tools": tools } }))
        }
        ("tools/call", _) => call(heard, &reply, turn),
        _ => Reply { status: 202, headers: String::new(), body: String::new() },
    }
}

fn call(heard: &Heard, reply: &dyn Fn(Value) -> Reply, turn: usize) -> Reply {
    let arguments = &heard.body["params"]["arguments"];
    let turn = turn + usize::try_from(arguments["turn"].as_u64().unwrap_or_default()).expect("small");
    let text = echo(&heard.words, turn);
    let plain = |status, headers: &str, body: String| Reply { status, headers: headers.to_owned(), body };
    match arguments["how"].as_str().unwrap_or_default() {
        "data" => reply(
            json!({ "error": { "code": 7, "message": "see", "data": { "deep": [text, json!(text).to_string()] } } }),
        ),
        "is-error" => {
            reply(json!({ "result": { "isError": true, "content": [{ "type": "text", "text": text }] } }))
        }
        "stream" => {
            let event = reply(json!({ "error": { "code": 7, "message": text } })).body;
            plain(200, "Content-Type: text/event-stream\r\n", format!("data: {event}\n\n"))
        }
        "status-500" => plain(500, "", text),
        "huge" => {
            let padding = "x".repeat((1 << 20) - text.len() - 1);
            let message = format!("{text} {padding}{}", heard.words);
            reply(json!({ "error": { "code": 7, "message": message, "data": [message, message] } }))
        }
        "not-json" => plain(200, "Content-Type: application/json\r\n", text),
        _ => reply(json!({ "error": { "code": 7, "message": text, "data": text } })),
    }
}

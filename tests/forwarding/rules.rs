//! Which headers travel, and how, on each transport.

use serde_json::{Value, json};

use super::fixture::{allowing, call, whoami, with};
use crate::support::{Gateway, parts, upstream::Remote, wire::hear};

/// What a caller may send, and what it must never be able to say to a server.
const SENT: [(&str, &str); 23] = [
    ("X-User-Id", "7"),
    ("X-User-Secret", "hunter2"),
    ("X-Tenant", "blue"),
    ("Authorization", "Bearer callers-own"),
    ("Cookie", "session=hunter2"),
    ("Proxy-Authorization", "Basic eA=="),
    ("X-Hop", "1"),
    ("Connection", "X-Hop"),
    ("TE", "trailers"),
    ("Origin", "http://localhost:3000"),
    ("If-None-Match", "\"1\""),
    ("Mcp-Session-Id", "made-up"),
    ("Mcp-Name", "made-up"),
    ("Last-Event-Id", "1"),
    ("Accept-Language", "de"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("User-Agent", "a-browser"),
    ("X-Request-Id", "call-1"),
    ("X-Set", "by the caller"),
    // A server may read these as headers that are denied, or not the caller's to send.
    ("X_User_Secret", "hunter2"),
    ("X.Tenant", "blue"),
    ("Mcp_Session_Id", "made-up"),
    ("X_Forwarded_For", "10.0.0.1"),
];

/// The names of `SENT` whose values a server was told.
fn arrived(headers: &Value) -> Vec<&'static str> {
    let told = |(name, value): &(&str, &str)| headers[name.to_ascii_lowercase()].as_str() == Some(value);
    SENT.iter().filter(|header| told(header)).map(|(name, _)| *name).collect()
}

/// Each list, and what of `SENT` it lets through.
fn lists() -> [(Value, &'static [&'static str]); 6] {
    let every = json!({ "enabled": true });
    let but = json!({ "enabled": true, "blacklist": ["x-user-*"] });
    let wins =
        json!({ "enabled": true, "whitelist": ["x-USER-*", "X-Tenant"], "blacklist": ["X-User-Secret"] });
    let named = ["Authorization", "Cookie", "X-Hop", "X-Forwarded-For", "X-Request-Id", "Mcp-Session-Id"];
    [
        (json!({ "whitelist": ["*"] }), &[]),
        (every, &["X-User-Id", "X-User-Secret", "X-Tenant", "X-Set"]),
        (but, &["X-Tenant", "X-Set"]),
        (wins, &["X-User-Id", "X-Tenant"]),
        (allowing(&["*"]), &["X-User-Id", "X-User-Secret", "X-Tenant", "X-Set"]),
        (allowing(&named), &["Authorization", "X-Forwarded-For", "X-Request-Id"]),
    ]
}

/// Over all transports that have headers, of both generations; at a process, in `_meta`.
#[tokio::test]
async fn lists_say_what_travels() {
    let folder = tempfile::tempdir().unwrap();
    let record = |number: usize| folder.path().join(number.to_string());
    let remotes =
        [Remote::identities("mcp").await, Remote::identities("sse").await, Remote::stateless().await];
    let mut servers = json!({});
    for (number, (list, _)) in lists().into_iter().enumerate() {
        for (kind, remote) in remotes.iter().enumerate() {
            servers[format!("{number}-{kind}")] = with(json!({ "url": remote.url }), list.clone());
        }
        let process = parts::fake(&["--record", record(number).to_str().unwrap()]);
        servers[format!("{number}-process")] = with(process, list);
    }
    let gateway = Gateway::config(&servers).ready().await;
    for (number, (list, wanted)) in lists().into_iter().enumerate() {
        for (kind, tool) in ["whoami", "whoami", "headers"].into_iter().enumerate() {
            let answer = call(&gateway, &format!("/{number}-{kind}/{tool}"), &SENT).await;
            assert_eq!(answer.status, 200, "{answer:?}\n{}", gateway.log());
            let told = answer.json();
            let headers = if tool == "whoami" { &told["headers"] } else { &told };
            assert_eq!(arrived(headers), wanted, "{kind} {list}: {told}");
        }
        assert_eq!(call(&gateway, &format!("/{number}-process/call"), &SENT).await.status, 200);
        let messages = std::fs::read_to_string(record(number)).unwrap();
        let last = messages.lines().rfind(|line| line.contains("tools/call")).unwrap();
        let headers = &serde_json::from_str::<Value>(last).unwrap()["params"]["_meta"]["headers"];
        assert_eq!(arrived(headers), wanted, "{list}: {last}");
        assert_eq!(headers.as_object().map_or(0, serde_json::Map::len), wanted.len(), "{last}");
    }
    gateway.stop().await;
}

/// Whatever would shadow the gateway's own headers, key or token stays behind, with a warning.
#[tokio::test]
async fn own_headers_and_keys_stay_behind() {
    let remote = Remote::identities("mcp").await;
    let mut server = with(json!({ "url": remote.url }), allowing(&["X-Set", "Authorization", "X-User-Id"]));
    server["headers"] = json!({ "X-Set": "by the config" });
    let gateway =
        Gateway::config(&json!({ "server": server })).options(["--api-key", "sekret"]).ready().await;
    let key = [("Authorization", "Bearer sekret"), ("X-Set", "by the caller"), ("X-User-Id", "7")];
    let headers = &whoami(&gateway, &key).await["headers"];
    assert_eq!(
        (&headers["x-set"], &headers["x-user-id"]),
        (&json!("by the config"), &json!("7")),
        "{headers}"
    );
    assert_eq!(headers["authorization"], Value::Null);
    let log = gateway.stop().await;
    for entry in ["whitelist[0]", "whitelist[1]"] {
        let warned = format!("mcpServers.server.client_header_forwarding.{entry}: is not forwarded");
        assert!(log.contains(&warned), "{log}");
    }
}

/// Several headers of one name all travel.
#[tokio::test]
async fn headers_of_one_name_stay_several() {
    let remote = Remote::identities("mcp").await;
    let server = with(json!({ "url": remote.url }), allowing(&["X-Group"]));
    let gateway = Gateway::config(&json!({ "server": server })).ready().await;
    let told = whoami(&gateway, &[("X-Group", "a"), ("X-Group", "b")]).await;
    assert_eq!((&told["headers"]["x-group"], &told["opened"]["x-group"]), (&json!("a, b"), &json!("a, b")));
    gateway.stop().await;
}

/// Too much is refused with words that say what; what is no header value never gets that far.
#[tokio::test]
async fn too_much_is_refused() {
    let server = with(parts::fake(&[]), allowing(&["X-*"]));
    let gateway = Gateway::config(&json!({ "server": server })).ready().await;
    let names: Vec<String> = (0..33).map(|number| format!("X-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let large = "v".repeat(8 << 10);
    for (headers, status) in [(&many[..32], 200), (&many, 431), (&[("X-Large", &large)], 431)] {
        let answer = call(&gateway, "/server/call", headers).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.body.contains("32 headers or 8192 bytes"), status == 431, "{answer:?}");
    }
    for bad in ["a\0b", "a\x07b", "a\nb"] {
        let request =
            format!("POST /server/call HTTP/1.1\r\nHost: h\r\nX-User: {bad}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(hear(gateway.say(request.as_bytes()).await).await.status, 400, "{bad:?}");
    }
    gateway.stop().await;
}

/// `debug_headers` tells names; no value is told at the finest level, whatever happens to the call.
#[tokio::test]
async fn values_are_never_logged() {
    let remote = Remote::identities("mcp").await;
    let list = json!({ "enabled": true, "whitelist": ["X-*", "Authorization"], "debug_headers": true });
    let servers = json!({
        "server": with(json!({ "url": remote.url }), list.clone()),
        "process": with(parts::fake(&[]), list),
    });
    let gateway = Gateway::config(&servers).options(["--log-level", "trace"]).ready().await;
    let secret = [("X-Password", "hunter2"), ("Authorization", "Bearer hunter2")];
    for path in ["/server/whoami", "/process/call"] {
        assert_eq!(call(&gateway, path, &secret).await.status, 200);
    }
    let refused = call(&gateway, "/server/whoami", &[secret[0], ("X-User", "mallory")]).await;
    assert_eq!(refused.status, 502);
    let log = gateway.stop().await;
    assert!(log.contains("x-password") && log.contains("authorization"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains("mallory"), "{log}");
}

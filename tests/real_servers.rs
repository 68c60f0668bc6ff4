//! Real MCP servers end to end: each transport, and servers started as people start them, by npx and uvx.

use serde_json::{Value, json};

use crate::support::{
    Gateway, parts,
    processes::{self, marked},
    upstream::{Remote, Site},
};

/// The servers of all three transports under one gateway, each asked something that it alone can answer.
#[tokio::test]
async fn every_reference_server_answers() {
    let (sse, http, site) = (Remote::sse().await, Remote::http().await, Site::start().await);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), "from the disk").unwrap();
    let servers = json!({
        "time": parts::time(),
        "fetch": parts::fetch(),
        "memory": parts::memory(&folder.path().join("graph.json")),
        "filesystem": parts::filesystem(folder.path()),
        "thinking": parts::sequential_thinking(),
        "stdio": parts::everything(),
        "sse": { "type": "sse", "url": sse.url },
        "http": { "type": "streamable-http", "url": http.url },
    });
    let gateway = Gateway::config(&servers).ready().await;

    let now = gateway.result("/time/get_current_time", &json!({ "timezone": "Asia/Tokyo" })).await;
    assert!(now["datetime"].as_str().unwrap().ends_with("+09:00"), "{now}");

    let page = gateway.result("/fetch/fetch", &json!({ "url": format!("{}/index.html", site.origin) })).await;
    assert!(page.as_str().unwrap().contains("para [x](/x)"), "{page}");

    let entity = json!({ "name": "A", "entityType": "t", "observations": ["o"] });
    gateway.result("/memory/create_entities", &json!({ "entities": [entity] })).await;
    let graph = gateway.result("/memory/read_graph", &json!({})).await;
    assert_eq!(graph, json!({ "entities": [entity], "relations": [] }));

    let note = folder.path().join("note.txt");
    let read = gateway.result("/filesystem/read_text_file", &json!({ "path": note })).await;
    assert!(read.to_string().contains("from the disk"), "{read}");
    let outside = gateway.call("/filesystem/read_text_file", &json!({ "path": "/etc/hostname" })).await;
    assert!(outside.error(500).contains("denied"), "{outside:?}");

    let thought =
        json!({ "thought": "t", "nextThoughtNeeded": false, "thoughtNumber": 1, "totalThoughts": 1 });
    let thought = gateway.result("/thinking/sequentialthinking", &thought).await;
    assert_eq!(thought["thoughtNumber"].to_string(), "1", "a number stays as the server wrote it: {thought}");

    for server in ["stdio", "sse", "http"] {
        everything_answers(&gateway, server).await;
    }
    gateway.stop().await;
}

/// The stateless generation: every request names its version, method, tool and chosen arguments in headers.
#[tokio::test]
async fn a_stateless_server_gets_what_it_routes_by() {
    let remote = Remote::stateless().await;
    let gateway =
        Gateway::config(&json!({ "stateless": { "type": "http", "url": remote.url } })).ready().await;
    let sent = gateway.result("/stateless/headers", &json!({ "region": "日本" })).await;
    for (header, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "headers"),
        ("mcp-param-region", "=?base64?5pel5pys?="),
    ] {
        assert_eq!(sent[header], value, "{sent}");
    }
    assert_eq!(sent.get("mcp-session-id"), None);
    gateway.stop().await;
}

async fn everything_answers(gateway: &Gateway, server: &str) {
    let call =
        async |tool: &str, arguments: Value| gateway.result(&format!("/{server}/{tool}"), &arguments).await;
    assert_eq!(call("echo", json!({ "message": server })).await, format!("Echo: {server}"));
    assert_eq!(call("get-sum", json!({ "a": 2, "b": 3 })).await, "The sum of 2 and 3 is 5.");
    let image = call("get-tiny-image", json!({})).await;
    assert!(image[1].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"), "{image}");
    let weather = call("get-structured-content", json!({ "location": "Chicago" })).await;
    assert!(weather["temperature"].is_number() && weather["humidity"].is_number(), "{weather}");
    let resource = call("get-resource-reference", json!({ "resourceType": "Text", "resourceId": 7 })).await;
    assert!(
        resource[1].as_str().unwrap().starts_with("Resource 7: This is a plaintext resource"),
        "{resource}"
    );
    let resource = call("get-resource-reference", json!({ "resourceType": "Blob", "resourceId": 7 })).await;
    assert!(resource[1].as_str().unwrap().starts_with("data:text/plain;base64,"), "{resource}");
    let environment = call("get-env", json!({})).await;
    assert!(environment.as_object().unwrap().contains_key("PATH"), "{environment}");
}

/// A URL without a type is probed: streamable HTTP first, then SSE.
#[tokio::test]
async fn a_url_alone_is_enough() {
    let (sse, http) = (Remote::sse().await, Remote::http().await);
    let servers = json!({ "sse": { "url": sse.url }, "http": { "url": http.url } });
    let gateway = Gateway::config(&servers).ready().await;
    for server in ["sse", "http"] {
        let echo = gateway.result(&format!("/{server}/echo"), &json!({ "message": "hi" })).await;
        assert_eq!(echo, "Echo: hi");
    }
    gateway.stop().await;
}

/// `--type` and a URL after `--` serve one remote server at the root.
#[tokio::test]
async fn one_remote_server_from_the_command_line() {
    let (sse, http) = (Remote::sse().await, Remote::http().await);
    for (kind, url) in [("sse", &sse.url), ("streamable-http", &http.url), ("streamable_http", &http.url)] {
        let gateway = Gateway::single([url.clone()].to_vec()).options(["--type", kind]).ready().await;
        assert_eq!(gateway.result("/echo", &json!({ "message": kind })).await, format!("Echo: {kind}"));
        gateway.stop().await;
    }
}

/// A child's environment is the gateway's with the config's over it; its folder is the config's.
#[tokio::test]
async fn environment_and_folder_reach_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = parts::everything();
    server["env"] = json!({ "FROM_CONFIG": "c", "IN_BOTH": "config" });
    server["cwd"] = json!(folder.path());
    let launch = Gateway::config(&json!({ "everything": server }));
    let gateway = launch.environment([("FROM_PARENT", "p"), ("IN_BOTH", "parent")]).ready().await;
    let environment = gateway.result("/everything/get-env", &json!({})).await;
    for (name, value) in [("FROM_CONFIG", "c"), ("FROM_PARENT", "p"), ("IN_BOTH", "config")] {
        assert_eq!(environment[name], value, "{name}");
    }
    let child = processes::program(&gateway);
    let cwd = std::fs::read_link(format!("/proc/{child}/cwd")).unwrap();
    assert_eq!(cwd, folder.path().canonicalize().unwrap());
    gateway.stop().await;
}

/// npx and uvx start the server as their own child; it answers all the same.
#[tokio::test]
async fn servers_started_by_npx_and_uvx() {
    let servers = json!({ "npx": npx("mcp-server-everything"), "uvx": uvx("mcp-server-time") });
    let gateway = Gateway::config(&servers).environment(parts::uv_offline()).ready().await;
    assert_eq!(gateway.result("/npx/echo", &json!({ "message": "hi" })).await, "Echo: hi");
    let now = gateway.result("/uvx/get_current_time", &json!({ "timezone": "UTC" })).await;
    assert_eq!(now["timezone"], "UTC");
    let family = marked(&gateway.mark());
    for (launcher, server) in [("npx", "mcp-server-everything"), ("uvx", "mcp-server-time")] {
        let is_program = |pid| family.iter().any(|other| other.pid == pid && pid != gateway.pid());
        let below = family.iter().any(|process| process.runs(server) && is_program(process.parent));
        assert!(below, "{launcher} should stand between: {family:?}");
    }
    gateway.stop().await;
}

/// A server of the npm parts, started by npx.
pub(crate) fn npx(program: &str) -> Value {
    json!({ "command": "npx", "args": ["--offline", "--prefix", parts::part("node"), program] })
}

/// A server of the PyPI parts, started by uvx; needs [`parts::uv_offline`].
pub(crate) fn uvx(program: &str) -> Value {
    json!({ "command": "uvx", "args": [program] })
}

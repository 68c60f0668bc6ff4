//! The recorded calls of each server, and the routes beside the servers.

use serde_json::{Map, Value, json};

use super::{
    differences::{
        ANY_ORIGIN, BOTH_SCHEMES, CONSTRAINTS, Difference, HINTS, NO_OAUTH_PAGE, ONE_PAGE,
        OTHER_CONTENT_TYPES, READABLE_IDS, RESOURCES, SERVER_HOME, STATUS_PAGE, STRUCTURED, TOOL_ERRORS,
        TRAILING_SLASH,
    },
    documents,
    recording::{exchanges, play, read},
};
use crate::support::{
    Gateway, parts,
    upstream::{Remote, Site},
};

/// Plays `<name>.calls.json` against this server under this name, and compares its document.
async fn check(name: &str, server: Value, differences: &[Difference]) {
    check_beside(name, server, differences, "").await;
}

async fn check_beside(name: &str, server: Value, differences: &[Difference], site: &str) {
    let mut servers = Map::new();
    servers.insert(name.to_owned(), server);
    let gateway = Gateway::config(&servers.into()).options(["--api-key", "top-secret"]).ready().await;
    play(&gateway, &exchanges(read(&format!("{name}.calls.json"), site)), differences).await;
    documents::compare(
        &read(&format!("{name}.openapi.json"), site),
        &gateway.document(&format!("/{name}")).await,
    );
    gateway.stop().await;
}

#[tokio::test]
async fn time() {
    check("time", parts::time(), &[TOOL_ERRORS]).await;
}

#[tokio::test]
async fn memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = parts::memory(&folder.path().join("graph.json"));
    check("memory", server, &[STRUCTURED, TOOL_ERRORS]).await;
}

/// `"results": "text"` gives mcpo's bodies exactly.
#[tokio::test]
async fn memory_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = parts::memory(&folder.path().join("graph.json"));
    server["results"] = json!("text");
    check("memory", server, &[TOOL_ERRORS]).await;
}

#[tokio::test]
async fn everything() {
    let differences = [
        CONSTRAINTS,
        TOOL_ERRORS,
        RESOURCES,
        ANY_ORIGIN,
        BOTH_SCHEMES,
        TRAILING_SLASH,
        SERVER_HOME,
        ONE_PAGE,
        READABLE_IDS,
        OTHER_CONTENT_TYPES,
    ];
    check("everything", parts::everything(), &differences).await;
}

#[tokio::test]
async fn everything_sse() {
    let remote = Remote::sse().await;
    check("everything-sse", json!({ "type": "sse", "url": remote.url }), &[]).await;
}

#[tokio::test]
async fn everything_http() {
    let remote = Remote::http().await;
    check("everything-http", json!({ "type": "streamable-http", "url": remote.url }), &[]).await;
}

#[tokio::test]
async fn fetch() {
    let site = Site::start().await;
    check_beside("fetch", parts::fetch(), &[CONSTRAINTS, TOOL_ERRORS], &site.origin).await;
}

#[tokio::test]
async fn sequential_thinking() {
    check("sequential-thinking", parts::sequential_thinking(), &[]).await;
}

/// The routes beside the servers name the servers, and it matters not which program is behind a name.
#[tokio::test]
async fn root() {
    let names = [
        "everything",
        "everything-sse",
        "everything-http",
        "memory",
        "filesystem",
        "sequential-thinking",
        "time",
        "fetch",
        "git",
        "sqlite",
        "conformance-server",
    ];
    let servers: Map<_, _> = names.map(|name| (name.to_owned(), parts::fake(&[]))).into_iter().collect();
    let gateway = Gateway::config(&servers.into()).options(["--api-key", "top-secret"]).ready().await;
    play(
        &gateway,
        &exchanges(read("_root.calls.json", "")),
        &[ANY_ORIGIN, ONE_PAGE, NO_OAUTH_PAGE, STATUS_PAGE, READABLE_IDS, HINTS],
    )
    .await;
    documents::compare(&read("_root.openapi.json", ""), &gateway.document("").await);
    gateway.stop().await;
}

//! Names that do not resolve, and then do.

use std::fs;

use serde_json::json;

use super::fixture::Fixture;
use crate::support::{
    Gateway, eventually, namespace,
    upstream::{Remote, free_port},
};

/// A name that never resolves is told as what it is, and tried again.
#[tokio::test]
async fn an_unknown_name_is_told() {
    let servers = json!({ "name": { "type": "http", "url": "http://mcp.invalid/mcp" } });
    let gateway = Gateway::config(&servers).start().await;
    eventually("it says why", async || {
        let answer = gateway.call("/name/x", &json!({})).await;
        let retried = answer.header("retry-after").is_some();
        (answer.error(503).contains("dns error") && retried).then_some(())
    })
    .await;
    gateway.stop().await;
}

/// A name that is lost with the server, and comes back with it, is looked up anew: the first call goes through.
#[tokio::test]
async fn a_name_that_comes_back_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (port, runs, hosts) = (free_port(), folder.path().join("runs"), folder.path().join("hosts"));
    let known = "127.0.0.1 localhost mcp-server.test\n";
    fs::write(&hosts, known).unwrap();
    let Some(wrapper) = namespace::with_hosts(&hosts) else { return };
    let wrapper: Vec<_> = wrapper.iter().map(String::as_str).collect();
    let first = Remote::counting(port, "mcp", &runs, None).await;
    let server = json!({ "type": "http", "url": format!("http://mcp-server.test:{port}/mcp") });
    let fixture = Fixture::launch(folder, server, |launch| launch.inside(&wrapper)).await;
    fixture.answers().await;
    drop(first);
    // Written in place: the bound file is this one.
    fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    fixture.refuses("dns error").await;
    let _second = Remote::counting(port, "mcp", &runs, None).await;
    fs::write(&hosts, known).unwrap();
    fixture.answers().await;
    fixture.stop().await;
}

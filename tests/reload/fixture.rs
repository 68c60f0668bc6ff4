//! A gateway whose config file is edited while it runs, and callers that must not notice.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Gateway, eventually, parts};

/// Writes these servers into the config file.
pub(super) fn write(gateway: &Gateway, servers: &Value) {
    fs::write(gateway.file("config.json"), json!({ "mcpServers": servers }).to_string()).unwrap();
}

/// A fake with this name, which it tells in its document.
pub(super) fn named(name: &str) -> Value {
    parts::fake(&["--name", name])
}

/// The name that a server tells in its document.
pub(super) async fn title(gateway: &Gateway, server: &str) -> Option<String> {
    let answer = gateway.get(&format!("/{server}/openapi.json")).await;
    (answer.status == 200).then(|| answer.json()["info"]["title"].as_str().unwrap().to_owned())
}

/// Waits until this server is the one of this name.
pub(super) async fn becomes(gateway: &Gateway, server: &str, name: &str) {
    eventually(&format!("{server} is {name}"), async || {
        (title(gateway, server).await.as_deref() == Some(name)).then_some(())
    })
    .await;
}

/// Calls these servers again and again while `work` is done; none of the calls may fail.
pub(super) async fn under_load<T>(gateway: &Gateway, servers: &[&str], work: impl Future<Output = T>) -> T {
    let callers = servers.iter().map(async |server| -> u32 {
        let mut number = 0;
        loop {
            let echo = gateway.result(&format!("/{server}/call"), &json!({ "n": number })).await;
            assert_eq!(echo["arguments"]["n"], number, "{server}");
            number += 1;
        }
    });
    tokio::select! {
        _ = futures_util::future::join_all(callers) => unreachable!("callers never end"),
        done = work => done,
    }
}

//! A gateway with a config file that is edited under it, and callers that must not notice.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use nix::sys::signal::Signal;
use reqwest::Url;
use serde_json::{Value, json};

use crate::support::{Gateway, eventually, parts};

/// Waits until the log has told `text` once more than `before`.
pub(crate) async fn told(gateway: &Gateway, text: &str, before: usize) {
    eventually(&format!("the log tells {text:?}"), async || (count(gateway, text) > before).then_some(()))
        .await;
}

pub(crate) fn count(gateway: &Gateway, text: &str) -> usize {
    gateway.log().matches(text).count()
}

/// Writes these servers into the config file.
pub(super) fn write(gateway: &Gateway, servers: &Value) {
    fs::write(gateway.file("config.json"), json!({ "mcpServers": servers }).to_string()).unwrap();
}

/// Has the gateway read its configuration again, and waits until it has.
pub(crate) async fn hang_up(gateway: &Gateway) {
    let before = count(gateway, "configuration read again");
    gateway.signal(Signal::SIGHUP);
    told(gateway, "configuration read again", before).await;
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

/// What a process holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Open ones, without those of clients: the test's own keeps as many connections as it likes.
    pub(super) files: usize,
    pub(super) children: usize,
    pub(super) threads: usize,
}

impl Held {
    pub(super) fn by(gateway: &Gateway) -> Self {
        let pid = gateway.pid();
        let status = status(pid);
        let clients = clients(gateway);
        let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let names = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        Self {
            files: names.filter(|name| !clients.contains(&*name.to_string_lossy())).count(),
            children: crate::support::processes::marked(&gateway.mark()).len(),
            threads: status["Threads"],
        }
    }
}

/// The sockets that clients hold open, as `/proc` names files.
fn clients(gateway: &Gateway) -> HashSet<String> {
    let port = Url::parse(gateway.base()).unwrap().port().unwrap();
    let local = format!("0100007F:{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    // proc(5): local address, remote address, state (01 is established), ..., inode.
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[1] == local && row[3] == "01").map(|row| format!("socket:[{}]", row[9])).collect()
}

/// Resident memory in KiB.
pub(crate) fn memory(gateway: &Gateway) -> usize {
    status(gateway.pid())["VmRSS"]
}

fn status(pid: u32) -> HashMap<String, usize> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.split_whitespace().next()?.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

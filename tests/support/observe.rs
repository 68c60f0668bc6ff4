//! What a running gateway shows from outside: its log, its reloads, its memory, files, threads and children.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use nix::sys::signal::Signal;
use reqwest::Url;

use super::{Gateway, eventually, processes};

/// Waits until the log has told `text` once more than `before`.
pub(crate) async fn told(gateway: &Gateway, text: &str, before: usize) {
    eventually(&format!("the log tells {text:?}"), async || (count(gateway, text) > before).then_some(()))
        .await;
}

pub(crate) fn count(gateway: &Gateway, text: &str) -> usize {
    gateway.log().matches(text).count()
}

/// Has the gateway read its configuration again, and waits until it has.
pub(crate) async fn hang_up(gateway: &Gateway) {
    let before = count(gateway, "configuration read again");
    gateway.signal(Signal::SIGHUP);
    told(gateway, "configuration read again", before).await;
}

/// What a process holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Open ones, without those of clients: the test's own keeps as many connections as it likes.
    pub(crate) files: usize,
    pub(crate) children: usize,
    pub(crate) threads: usize,
}

impl Held {
    pub(crate) fn by(gateway: &Gateway) -> Self {
        let pid = gateway.pid();
        let status = status(pid);
        let clients = clients(gateway);
        let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let names = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        Self {
            files: names.filter(|name| !clients.contains(&*name.to_string_lossy())).count(),
            children: processes::marked(&gateway.mark()).len(),
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

/// The most resident memory so far, in KiB.
pub(crate) fn peak(gateway: &Gateway) -> usize {
    status(gateway.pid())["VmHWM"]
}

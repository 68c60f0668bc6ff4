//! Whatever a program has started ends with it, and with the gateway, however these end and wherever it has gone.

use std::{fs, path::Path, time::Duration};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Gateway, eventually, parts,
    processes::{self, children, is_alive, signal},
    wait::within,
};

/// How long what refuses to end may live: the time to end by itself, after SIGTERM, and to be killed.
const END: Duration = Duration::from_secs(8);
const KINDS: [&str; 3] = ["group", "session", "daemon"];

/// A server whose process and relatives write themselves into the file `pids`.
fn family(pids: &Path, server: &[&str]) -> Value {
    let (python, script) = (parts::part("venv/bin/python"), parts::file("fakes/family.py"));
    let words = [script.to_str().unwrap(), pids.to_str().unwrap()].into_iter().chain(KINDS).chain(["--"]);
    json!({ "command": python, "args": words.chain(server.iter().copied()).collect::<Vec<_>>() })
}

struct Family {
    gateway: Gateway,
    folder: TempDir,
}

impl Family {
    async fn start(server: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = family(&folder.path().join("pids"), server);
        let gateway = Gateway::config(&json!({ "family": server, "other": parts::fake(&[]) })).ready().await;
        Self { gateway, folder }
    }

    /// The program and its relatives, once all of them are there.
    async fn members(&self) -> Vec<u32> {
        eventually("all of the family run", async || {
            let pids = fs::read_to_string(self.folder.path().join("pids")).unwrap_or_default();
            let pids: Vec<u32> = pids.lines().filter_map(|line| line.parse().ok()).collect();
            (pids.len() == KINDS.len() + 1).then_some(pids)
        })
        .await
    }
}

async fn all_end(members: &[u32]) {
    within(END, "all of the family have ended", async || {
        members.iter().all(|pid| !is_alive(*pid)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn relatives_end_with_a_server_that_is_removed() {
    let family = Family::start(&[]).await;
    let members = family.members().await;
    let rest = json!({ "mcpServers": { "other": parts::fake(&[]) } });
    fs::write(family.gateway.file("config.json"), rest.to_string()).unwrap();
    family.gateway.signal(Signal::SIGHUP);
    all_end(&members).await;
    assert_eq!(family.gateway.result("/other/call", &json!({})).await["tool"], "call");
    family.gateway.stop().await;
}

#[tokio::test]
async fn relatives_end_with_a_server_that_crashes() {
    let family = Family::start(&[]).await;
    let members = family.members().await;
    family.gateway.call("/family/call", &json!({ "die": true })).await;
    all_end(&members).await;
    family.gateway.stop().await;
}

#[tokio::test]
async fn relatives_end_with_the_gateway() {
    for server in [&[][..], &["--stubborn"]] {
        let mut family = Family::start(server).await;
        let members = family.members().await;
        family.gateway.signal(Signal::SIGTERM);
        assert_eq!(family.gateway.exit().await.code(), Some(0), "{}", family.gateway.log());
        assert!(members.iter().all(|pid| !is_alive(*pid)), "a clean stop leaves nothing behind");
    }
}

#[tokio::test]
async fn relatives_end_with_a_gateway_that_is_killed() {
    for server in [&[][..], &["--stubborn"]] {
        let mut family = Family::start(server).await;
        let members = family.members().await;
        let shims = children(family.gateway.pid());
        assert_eq!(shims.len(), 2, "one for each program");
        family.gateway.signal(Signal::SIGKILL);
        family.gateway.exit().await;
        // Nobody waits for what they do, so they get less time.
        within(Duration::from_secs(3), "all of the family and the shims have ended", async || {
            members.iter().chain(&shims).all(|pid| !is_alive(*pid)).then_some(())
        })
        .await;
    }
}

/// A program can kill its shim, as it can the gateway, if nothing confines it.
#[tokio::test]
async fn relatives_end_with_a_shim_that_is_killed() {
    let family = Family::start(&["--stubborn"]).await;
    let members = family.members().await;
    let shims = children(family.gateway.pid());
    let shim = shims.into_iter().find(|shim| children(*shim).iter().any(|child| members.contains(child)));
    signal(shim.expect("the family's shim"), Signal::SIGKILL);
    all_end(&members).await;
    eventually("the server is started anew, and no zombie is left", async || {
        let answer = family.gateway.call("/family/call", &json!({})).await;
        let zombies = processes::zombies(family.gateway.pid());
        (answer.status == 200 && zombies == 0).then_some(())
    })
    .await;
    assert_eq!(family.gateway.result("/other/call", &json!({})).await["tool"], "call");
    assert!(family.gateway.log().contains("something has killed its shim"), "{}", family.gateway.log());
    family.gateway.stop().await;
}

/// A shim that does not run is killed at the end, and the gateway ends what it kept.
#[tokio::test]
async fn relatives_end_with_a_shim_that_is_stopped() {
    let mut family = Family::start(&[]).await;
    let members = family.members().await;
    let shims = children(family.gateway.pid());
    for shim in &shims {
        signal(*shim, Signal::SIGSTOP);
    }
    family.gateway.signal(Signal::SIGTERM);
    assert_eq!(family.gateway.exit().await.code(), Some(0), "{}", family.gateway.log());
    within(END, "all of the family and the shims have ended", async || {
        members.iter().chain(&shims).all(|pid| !is_alive(*pid)).then_some(())
    })
    .await;
}

/// The pipes of a shim are its own: no program inherits anything but its three streams.
#[tokio::test]
async fn a_program_inherits_its_streams_alone() {
    let family = Family::start(&[]).await;
    let program = processes::program(&family.gateway);
    let numbers: Vec<_> = fs::read_dir(format!("/proc/{program}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(numbers.len(), 3, "{numbers:?}");
    family.gateway.stop().await;
}

//! A gateway before one server that counts its runs, and a ledger of what callers were told of each.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Answer, Gateway, eventually,
    faults::FaultyProxy,
    launch::Launch,
    parts, processes,
    upstream::{Remote, free_port},
};

/// The longest a call may take, and what a loaded machine may add to it.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
const SLACK: Duration = Duration::from_secs(5);
/// The longest that connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Both remote transports, by the config's `type` and the path.
pub(super) const REMOTE: [(&str, &str); 2] = [("http", "mcp"), ("sse", "sse")];

/// A server that can be started again on its port.
pub(super) struct Upstream {
    pub(super) server: Option<Remote>,
    port: u16,
    path: &'static str,
    runs: PathBuf,
}

impl Upstream {
    pub(super) fn kill(&mut self) {
        self.server = None;
    }

    pub(super) async fn start(&mut self) {
        self.server = Some(Remote::counting(self.port, self.path, &self.runs, None).await);
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.server.as_ref().expect("it runs").signal(signal);
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, self.path)
    }
}

/// The gateway, and what came of each call.
pub(super) struct Fixture {
    pub(super) gateway: Gateway,
    runs: PathBuf,
    next: AtomicU32,
    /// What callers were told, by the call's key.
    told: Mutex<HashMap<u32, Answer>>,
    _folder: TempDir,
}

impl Fixture {
    /// Before a server over stdio.
    pub(super) async fn stdio() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        Self::over(folder, parts::stdio(&parts::counting_command(&runs, None))).await
    }

    /// Before a server over one of the [`REMOTE`] transports.
    pub(super) async fn remote((kind, path): (&str, &'static str)) -> (Self, Upstream) {
        let (folder, upstream) = upstream(path).await;
        let fixture = Self::over(folder, json!({ "type": kind, "url": upstream.url() })).await;
        (fixture, upstream)
    }

    /// The same, with a proxy in between.
    pub(super) async fn proxied((kind, path): (&str, &'static str)) -> (Self, Upstream, FaultyProxy) {
        let (folder, upstream) = upstream(path).await;
        let (proxy, url) = FaultyProxy::before(&upstream.url()).await;
        let fixture = Self::over(folder, json!({ "type": kind, "url": url })).await;
        (fixture, upstream, proxy)
    }

    /// Before `server`, which writes into the file `runs` of `folder`.
    async fn over(folder: TempDir, server: Value) -> Self {
        Self::launch(folder, server, |launch| launch).await
    }

    /// The same, with the gateway launched as `with` says.
    pub(super) async fn launch(
        folder: TempDir,
        mut server: Value,
        with: impl FnOnce(Launch) -> Launch,
    ) -> Self {
        server["timeout"] = DEADLINE.as_secs().into();
        server["initializeTimeout"] = CONNECT.as_secs().into();
        let gateway = with(Gateway::config(&json!({ "counting": server }))).ready().await;
        let runs = folder.path().join("runs");
        fs::write(&runs, "").unwrap();
        Self { gateway, runs, next: AtomicU32::new(0), told: Mutex::default(), _folder: folder }
    }

    /// A call with a key of its own, which must not hang.
    pub(super) async fn call(&self) -> Answer {
        self.call_with(json!({})).await
    }

    pub(super) async fn call_with(&self, mut arguments: Value) -> Answer {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        arguments["key"] = key.into();
        let start = Instant::now();
        let answer = self.gateway.call("/counting/call", &arguments).await;
        assert!(start.elapsed() < DEADLINE + SLACK, "call {key} took {:?}: {answer:?}", start.elapsed());
        self.told.lock().unwrap().insert(key, answer.clone());
        answer
    }

    /// A call that must go through.
    pub(super) async fn answers(&self) {
        let answer = self.call().await;
        assert_eq!(answer.status, 200, "{answer:?}\nlog:\n{}", self.gateway.log());
    }

    /// Calls until one goes through; of the others each must end with one of these statuses.
    pub(super) async fn heals(&self, meanwhile: &[u16]) {
        eventually("calls go through", async || {
            let answer = self.call().await;
            let known = answer.status == 200 || meanwhile.contains(&answer.status);
            assert!(known, "{answer:?}\nlog:\n{}", self.gateway.log());
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Calls until one is told that there is no connection, for this reason.
    pub(super) async fn refuses(&self, reason: &str) {
        eventually(&format!("calls are told {reason:?}"), async || {
            let answer = self.call().await;
            // The first may still meet the server's end.
            assert!(matches!(answer.status, 502 | 503), "{answer:?}");
            (answer.status == 503 && answer.body.contains(reason)).then_some(answer)
        })
        .await
        .header("retry-after")
        .expect("it is tried again, so say when");
    }

    /// Waits until the log tells of a lost connection, for this reason.
    pub(super) async fn loses(&self, reason: &str) {
        eventually(&format!("the connection is lost: {reason}"), async || {
            let log = self.gateway.log();
            log.lines().any(|line| line.contains("not connected") && line.contains(reason)).then_some(())
        })
        .await;
    }

    /// Waits until so many calls have run.
    pub(super) async fn ran(&self, calls: usize) {
        eventually(&format!("{calls} calls have run"), async || {
            let text = fs::read_to_string(&self.runs).unwrap();
            (text.lines().count() >= calls).then_some(())
        })
        .await;
    }

    /// The server's process, where it is a child.
    pub(super) fn child(&self) -> u32 {
        child(&self.gateway)
    }

    /// Ends the gateway and compares what ran with what callers were told.
    pub(super) async fn stop(self) {
        let log = self.gateway.stop().await;
        let text = fs::read_to_string(&self.runs).unwrap();
        let mut runs: HashMap<u32, usize> = HashMap::new();
        for key in text.lines() {
            *runs.entry(key.parse().unwrap()).or_default() += 1;
        }
        let twice: Vec<_> = runs.iter().filter(|(_, runs)| **runs > 1).collect();
        assert!(twice.is_empty(), "some ran more than once: {twice:?}\nlog:\n{log}");
        for (key, answer) in self.told.into_inner().unwrap() {
            let runs = runs.get(&key).copied().unwrap_or_default();
            let honest = match answer.status {
                200 => runs == 1,
                502 if answer.body.contains("may have run") => runs <= 1,
                504 => runs <= 1,
                _ => runs == 0,
            };
            assert!(honest, "call {key} ran {runs} times: {answer:?}\nlog:\n{log}");
        }
    }
}

/// The process of a gateway's only server.
pub(super) fn child(gateway: &Gateway) -> u32 {
    processes::program(gateway)
}

/// A server at this path, and the folder that its runs are written into.
async fn upstream(path: &'static str) -> (TempDir, Upstream) {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let mut upstream = Upstream { server: None, port: free_port(), path, runs };
    upstream.start().await;
    (folder, upstream)
}

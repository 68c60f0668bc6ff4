//! A gateway whose guarded things are marked, and the judgement of what it answers.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    heard::{Heard, Part, answers},
    trick::{KEY, Spelling, Trick},
};
use crate::support::{Gateway, nginx::Nginx, parts, wait::DEADLINE};

/// Stands in the description of the tool that is not for everybody.
const TOOL_MARK: &str = "mark-of-the-tool-pQ7";
/// Stands in the name that its server gives itself.
const SERVER_MARK: &str = "mark-of-the-server-wZ3";
/// Longer than the gateway and nginx wait for a body that does not come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many connections are open at once.
const AT_ONCE: usize = 64;
/// As long as an answer takes on a busy machine, and hardly longer.
const HASTE: Duration = Duration::from_millis(700);

/// What stands between the sender and the gateway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Front {
    None,
    /// nginx that passes the root path on.
    Passing,
    /// nginx that strips it.
    Stripping,
}

/// A gateway's configuration, and who sends it tricks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    pub(super) strict: bool,
    /// Below `--root-path /r` and `--path-prefix p`.
    pub(super) below: bool,
    pub(super) front: Front,
    /// The limited key that is shown.
    pub(super) shown: Option<&'static str>,
}

/// The running gateway.
pub(super) struct Fixture {
    mode: Mode,
    gateway: Gateway,
    nginx: Option<Nginx>,
    folder: TempDir,
    /// The bodies that everybody may read.
    open: Vec<String>,
}

impl Fixture {
    pub(super) async fn start(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut launch = Gateway::config(&servers(&folder.path().join("record")))
            .access(&access(), KEY)
            .options(["--public-url", "https://gateway"]);
        if mode.strict {
            launch = launch.options(["--strict-auth"]);
        }
        if mode.below {
            launch = launch.options(["--root-path", "/r", "--path-prefix", "p"]);
        }
        let gateway = launch.ready().await;
        let mut open = Vec::new();
        for path in ["/healthz", "/readyz", "/client-metadata.json"] {
            open.push(gateway.get(path).await.body);
        }
        let nginx = match mode.front {
            Front::None => None,
            front => Some(Nginx::start(gateway.base(), "/r", front == Front::Stripping).await),
        };
        Self { mode, gateway, nginx, folder, open }
    }

    pub(super) fn spelling(&self, shown: Option<&'static str>) -> Spelling {
        Spelling { home: if self.mode.below { "/r/p" } else { "" }, shown, key: KEY }
    }

    fn address(&self) -> SocketAddr {
        let own = || self.gateway.base().split_once("://").unwrap().1.parse().unwrap();
        self.nginx.as_ref().map_or_else(own, |nginx| nginx.address)
    }

    /// Sends all of them, some at once, and judges what comes back. Each is answered, or its connection closed, in
    /// time; but who is `hasty` hangs up after a moment where a request waits for its rest.
    pub(super) async fn withstands(&self, tricks: &[Trick], hasty: bool) {
        let patience = if hasty { HASTE } else { PATIENCE };
        let sent = stream::iter(tricks)
            .map(|trick| async move { (trick, say(self.address(), &trick.bytes, patience).await) });
        let judged = sent.buffer_unordered(AT_ONCE).filter_map(async |(trick, heard)| {
            let silent = (!hasty && !heard.ended && heard.text.is_empty()).then(|| "no answer".to_owned());
            let fault = self.fault(&heard).or(silent)?;
            let (aim, sent) = (&trick.aim, trick.bytes.escape_ascii());
            Some(format!("{fault}: {aim}\nsent  {sent}\nheard {:?}", heard.text))
        });
        let faults: Vec<_> = judged.collect().await;
        assert!(faults.is_empty(), "{:?}\n{}", self.mode, faults.join("\n\n"));
    }

    /// Sends one with the patience of the corpus.
    pub(super) async fn hear(&self, trick: &Trick) -> Heard {
        say(self.address(), &trick.bytes, PATIENCE).await
    }

    fn fault(&self, heard: &Heard) -> Option<String> {
        let marks: &[&str] = match self.mode.shown {
            _ if !self.mode.strict => &[],
            Some("k-reader" | "k-tools") => &[TOOL_MARK],
            _ => &[TOOL_MARK, SERVER_MARK],
        };
        if let Some(mark) = marks.iter().find(|mark| heard.text.contains(**mark)) {
            return Some(format!("{mark} is shown"));
        }
        if heard.text.contains("tool\": \"call") || heard.text.contains("tool\":\"call") {
            return Some("the tool was called".to_owned());
        }
        let closed = self.mode.strict && self.mode.shown.is_none();
        let telling = |answer: &&Part<'_>| closed && !answer.tells_nothing(&self.open);
        answers(&heard.text).iter().find(telling).map(|answer| format!("{} tells something", answer.status))
    }

    /// The calls of the guarded tool that have reached the server.
    pub(super) fn calls(&self) -> Vec<Value> {
        let record = fs::read_to_string(self.folder.path().join("record")).unwrap();
        let messages = record.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let calls = messages.filter(|message| message["method"] == "tools/call");
        let calls = calls.map(|message| message["params"].clone());
        calls.filter(|params| params["name"] == "call").collect()
    }

    /// The right key opens what nothing else did, over the same way; and nothing else ever reached it.
    pub(super) async fn ends_well(self) {
        let before = self.calls();
        assert!(before.is_empty(), "the tool was called: {before:?}\nin {:?}", self.mode);
        let right = self.spelling(Some(KEY));
        let called = self.hear(&right.request("the right key", "POST", "~/fake/call", "")).await;
        assert!(called.text.contains(" 200 OK"), "{called:?}");
        assert_eq!(self.calls().len(), 1, "{called:?}");
        let page = self.hear(&right.request("the right key", "GET", "~/fake/openapi.json", "")).await;
        assert!(page.text.contains(TOOL_MARK) && page.text.contains(SERVER_MARK), "{page:?}");
        assert_eq!(self.gateway.get("/healthz").await.status, 200);
        self.gateway.stop().await;
    }
}

fn servers(record: &Path) -> Value {
    let call = json!({ "name": "call", "description": TOOL_MARK, "inputSchema": { "type": "object" } });
    let read = json!({
        "name": "read", "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true },
    });
    let (call, read) = (call.to_string(), read.to_string());
    let tools = ["--tool", &call, "--tool", &read, "--name", SERVER_MARK];
    let fake = [&tools[..], &["--record", record.to_str().unwrap()]].concat();
    json!({ "fake": parts::fake(&fake), "open": parts::fake(&["--tool", &read]) })
}

fn access() -> Value {
    json!({ "keys": {
        "all": { "key": KEY },
        "server": { "key": "k-server", "servers": ["open"] },
        "tools": { "key": "k-tools", "tools": ["read"] },
        "reader": { "key": "k-reader", "readOnly": true },
    } })
}

/// Sends bytes, and reads until the connection ends or patience does.
async fn say(address: SocketAddr, bytes: &[u8], patience: Duration) -> Heard {
    let connect = timeout(DEADLINE, TcpStream::connect(address)).await;
    let mut stream = connect.expect("accepted in time").expect("accepted");
    let (mut wire, mut ended) = (Vec::new(), true);
    // Who refuses early may close before it has read everything.
    let talk = async {
        let _ = stream.write_all(bytes).await;
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut part).await {
            wire.extend_from_slice(&part[..count]);
        }
    };
    if timeout(patience, talk).await.is_err() {
        ended = false;
    }
    Heard { text: String::from_utf8_lossy(&wire).into_owned(), ended }
}

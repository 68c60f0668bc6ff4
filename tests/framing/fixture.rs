//! A gateway over every transport and every check of arguments, whose key may only read; each server keeps what it hears.

use std::path::{Path, PathBuf};

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Gateway, parts, upstream::Remote};

pub(super) struct Fixture {
    pub(super) gateway: Gateway,
    /// Each server, and the file with what it hears.
    pub(super) servers: Vec<(String, PathBuf)>,
    pub(super) audit: PathBuf,
    _folder: TempDir,
    _remotes: Vec<Remote>,
}

impl Fixture {
    /// Each server has three tools: `call` only reads, `write` does not say so, and `secret` is disabled.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut config, mut servers, mut remotes) = (json!({}), Vec::new(), Vec::new());
        for kind in ["mcp", "sse", "stdio", "stateless"] {
            for validation in ["lax", "strict", "off"] {
                let name = format!("{kind}-{validation}");
                let wire = folder.path().join(&name);
                let (mut server, remote) = server(kind, &wire).await;
                server["validation"] = validation.into();
                server["disabledTools"] = json!(["secret"]);
                config[&name] = server;
                servers.push((name, wire));
                remotes.extend(remote);
            }
        }
        let audit = folder.path().join("audit");
        let reader = json!({ "key": "k-reader", "readOnly": true });
        let gateway = Gateway::config(&config)
            .options(["--audit-log", audit.to_str().unwrap()])
            .access(&json!({ "keys": { "all": { "key": "k-all" }, "reader": reader } }), "k-all")
            .ready()
            .await;
        Self { gateway, servers, audit, _folder: folder, _remotes: remotes }
    }

    /// The status of a call with the key that may only read.
    pub(super) async fn post(&self, server: &str, tool: &str, body: &[u8]) -> u16 {
        let request =
            self.gateway.request(Method::POST, &format!("/{server}/{tool}")).bearer_auth("k-reader");
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_vec());
        self.gateway.send(request).await.status
    }
}

/// One of the fakes, as the config names it.
async fn server(kind: &str, wire: &Path) -> (Value, Option<Remote>) {
    let tool = |name: &str, annotations: Value| {
        json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": annotations }).to_string()
    };
    let [call, secret] = ["call", "secret"].map(|name| tool(name, json!({ "readOnlyHint": true })));
    let write = tool("write", json!({}));
    let mut options = vec!["--tool", &call, "--tool", &secret, "--tool", &write];
    options.extend(["--loose", "--wire", wire.to_str().unwrap()]);
    match kind {
        "stdio" => (parts::fake(&options), None),
        "stateless" => (parts::fake(&[&options[..], &["--stateless"]].concat()), None),
        path => {
            let remote = Remote::fake(path, &options).await;
            let transport = if path == "sse" { "sse" } else { "streamable-http" };
            (json!({ "type": transport, "url": remote.url }), Some(remote))
        }
    }
}

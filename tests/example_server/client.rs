//! A client that starts the real binary and speaks JSON-RPC lines over its pipes.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Longer than any answer takes on a busy machine; only a defect waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const STATELESS: &str = "2026-07-28";
pub(super) const SESSION: &str = "2025-11-25";

/// A running server and the client's side of its pipes.
pub(super) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    pub(super) version: &'static str,
    last_id: u64,
    pub(super) notifications: Vec<Value>,
}

impl Server {
    pub(super) fn spawn(version: &'static str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcpo"))
            .arg("example-server")
            .env("RUST_LOG", "trace")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, stdout) = channel();
        let pipe = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || pipe.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let stdin = child.stdin.take();
        Self { child, stdin, stdout, version, last_id: 0, notifications: Vec::new() }
    }

    /// Starts a server, with the handshake where the version has one.
    pub(super) fn open(version: &'static str) -> Self {
        let mut server = Self::spawn(version);
        if version != STATELESS {
            assert_eq!(server.initialize(version)["protocolVersion"], version);
            server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        server
    }

    pub(super) fn initialize(&mut self, version: &str) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        self.request("initialize", params)["result"].take()
    }

    pub(super) fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_ref().unwrap(), "{message}").unwrap();
    }

    /// Sends a request and gives its id; stateless ones carry version and capabilities.
    pub(super) fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        if self.version == STATELESS {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = STATELESS.into();
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        self.last_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params }));
        self.last_id
    }

    /// The next message, which is protocol and nothing else.
    pub(super) fn next(&mut self) -> Value {
        let line = self.stdout.recv_timeout(PATIENCE).expect("a message in time");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// Sends a request and gives its answer; notifications on the way are kept.
    pub(super) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        loop {
            let message = self.next();
            if message.get("method").is_some() {
                self.notifications.push(message);
            } else {
                assert_eq!(message["id"], id, "an answer that nobody waits for: {message}");
                return message;
            }
        }
    }

    pub(super) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let mut params = json!({ "name": tool });
        params["arguments"] = arguments;
        self.request("tools/call", params)["result"].take()
    }

    pub(super) fn tool(&mut self, name: &str) -> Value {
        let answer = self.request("tools/list", json!({}));
        let tools = answer["result"]["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap().clone()
    }

    /// Ends stdin and gives the exit status and all of stderr.
    pub(super) fn close(mut self, patience: Duration) -> (ExitStatus, String) {
        drop(self.stdin.take());
        let deadline = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "still running {patience:?} after stdin ended");
            thread::sleep(Duration::from_millis(10));
        };
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status, stderr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

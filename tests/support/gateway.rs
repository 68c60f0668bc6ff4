//! The gateway under test: the real binary on a port of its own, in a folder of its own.
//!
//! A dropped gateway leaves no process behind, however its test ended.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex},
    thread,
};

use nix::sys::signal::Signal;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{Answer, eventually, launch::Launch, processes, wire::encoded};

/// The gateway's log, read as it comes.
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn read(child: &mut Child) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, sink) = (child.stderr.take().expect("stderr is piped"), Arc::clone(&lines));
        // Ends by itself when the last writer of this stderr is gone.
        thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                sink.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self(lines)
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

/// A running gateway.
pub(crate) struct Gateway {
    base: String,
    client: Client,
    child: Child,
    log: Log,
    mark: String,
    folder: TempDir,
}

impl Gateway {
    /// Takes over the process that a [`Launch`] has started, and waits until it listens.
    pub(super) async fn adopt(mut child: Child, client: Client, mark: String, folder: TempDir) -> Self {
        let log = Log::read(&mut child);
        let mut gateway = Self { base: String::new(), client, child, log, mark, folder };
        gateway.base = gateway.address().await;
        gateway
    }

    /// `mcpo --config file` with these servers by name.
    pub(crate) fn config(servers: &Value) -> Launch {
        let names = servers.as_object().expect("servers by name").keys();
        Self::pasted(&json!({ "mcpServers": servers }).to_string(), names.map(String::as_str))
    }

    /// `mcpo --config file` with this text, which has these servers enabled.
    pub(crate) fn pasted<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Launch {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.json");
        std::fs::write(&file, text).expect("a config file");
        let command = ["--config".to_owned(), file.to_str().unwrap().to_owned()].to_vec();
        Launch::new(folder, command, names.into_iter().map(|name| format!("/{}", encoded(name))).collect())
    }

    /// `mcpo -- command`.
    pub(crate) fn single(command: Vec<String>) -> Launch {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Launch::new(folder, ["--".to_owned()].into_iter().chain(command).collect(), [String::new()].to_vec())
    }

    /// Its origin, `http://127.0.0.1:port`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A file in its own folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Its own process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The mark of its process family, for [`processes::marked`] once it is gone.
    pub(crate) fn mark(&self) -> String {
        self.mark.clone()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        match request.send().await {
            Ok(response) => Answer::read(response).await,
            Err(error) => panic!("{error:?}\nlog:\n{}", self.log()),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POSTs JSON: a tool's call.
    pub(crate) async fn call(&self, path: &str, arguments: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(arguments)).await
    }

    /// POSTs a JSON body and expects 200.
    pub(crate) async fn result(&self, path: &str, arguments: &Value) -> Value {
        let answer = self.call(path, arguments).await;
        assert_eq!(answer.status, 200, "POST {path} {arguments}: {answer:?}\nlog:\n{}", self.log());
        answer.json()
    }

    /// Waits until a server has connected, and gives its document.
    pub(crate) async fn document(&self, server: &str) -> Value {
        eventually(&format!("the document of {server:?}"), async || {
            let answer = self.get(&format!("{server}/openapi.json")).await;
            (answer.status == 200).then(|| answer.json())
        })
        .await
    }

    /// Sends bytes as they are and gives the connection, from which [`hear`] reads the answer.
    pub(crate) async fn say(&self, bytes: &[u8]) -> TcpStream {
        let (_, address) = self.base.split_once("://").expect("a scheme");
        let mut stream = TcpStream::connect(address).await.expect("the gateway accepts");
        stream.write_all(bytes).await.expect("the gateway reads");
        stream
    }

    pub(crate) fn signal(&self, signal: Signal) {
        processes::signal(self.child.id(), signal);
    }

    /// Waits for its end.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        eventually("mcpo exits", async || self.child.try_wait().expect("our child")).await
    }

    /// SIGTERM, then exit code 0; gives the whole log.
    pub(crate) async fn stop(mut self) -> String {
        self.signal(Signal::SIGTERM);
        let status = self.exit().await;
        assert_eq!(status.code(), Some(0), "{status:?}\nlog:\n{}", self.log());
        self.log()
    }

    /// The origin that it says it listens on.
    async fn address(&mut self) -> String {
        let (child, log) = (&mut self.child, &self.log);
        eventually("mcpo listens", async || {
            let text = log.text();
            let said = text.lines().find_map(|line| line.split_once("listening on "));
            if let Some((_, address)) = said {
                let url = address.split([' ', ',']).next().and_then(|url| Url::parse(url).ok());
                return Some(url.unwrap_or_else(|| panic!("no URL: {text}")).origin().ascii_serialization());
            }
            let ended = child.try_wait().expect("our child");
            assert!(ended.is_none(), "mcpo ended with {ended:?}:\n{text}");
            None
        })
        .await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for process in processes::marked(&self.mark) {
            processes::signal(process.pid, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

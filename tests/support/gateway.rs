//! The gateway under test: the real binary on a port of its own, in a folder of its own.
//!
//! A dropped gateway leaves no process behind, however its test ended.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use nix::sys::signal::Signal;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Url, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Answer, eventually, parts, processes, wait::DEADLINE};

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A gateway not yet started: its command line and what it needs.
pub(crate) struct Launch {
    /// The gateway's working directory and home.
    folder: TempDir,
    options: Vec<String>,
    /// The rest of its command line.
    servers: Vec<String>,
    /// Where the servers' documents will be, below the path prefix.
    homes: Vec<String>,
    environment: Vec<(String, String)>,
    trusted: Option<reqwest::Certificate>,
}

impl Launch {
    fn new(folder: TempDir, servers: Vec<String>, homes: Vec<String>) -> Self {
        Self { folder, options: Vec::new(), servers, homes, environment: Vec::new(), trusted: None }
    }

    /// Adds options before those that name the servers.
    pub(crate) fn options<S: Into<String>>(mut self, options: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Adds variables to the gateway's environment.
    pub(crate) fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Lets the client trust this certificate.
    pub(crate) fn trust(mut self, certificate: reqwest::Certificate) -> Self {
        self.trusted = Some(certificate);
        self
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> Gateway {
        let mark = format!("{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let mut child = self.spawn(&mark);
        let log = Log::read(&mut child);
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(DEADLINE).no_proxy();
        let client = match self.trusted {
            Some(certificate) => client.add_root_certificate(certificate),
            None => client,
        };
        let mut gateway = Gateway {
            base: String::new(),
            client: client.build().expect("an HTTP client"),
            child,
            log,
            mark,
            folder: self.folder,
        };
        gateway.base = gateway.address().await;
        gateway
    }

    /// Starts it and waits until all its servers are connected.
    pub(crate) async fn ready(self) -> Gateway {
        let key = self.option("--api-key").unwrap_or_default().to_owned();
        let prefix = self.option("--path-prefix").map(|prefix| format!("/{prefix}")).unwrap_or_default();
        let homes = self.homes.clone();
        let gateway = self.start().await;
        for home in homes {
            let path = format!("{prefix}{home}/openapi.json");
            eventually(&format!("GET {path} answers 200"), async || {
                let answer = gateway.send(gateway.request(Method::GET, &path).bearer_auth(&key)).await;
                assert!(matches!(answer.status, 200 | 503), "{path}: {answer:?}");
                (answer.status == 200).then_some(())
            })
            .await;
        }
        assert_eq!(gateway.get("/readyz").await.status, 200);
        gateway
    }

    fn option(&self, name: &str) -> Option<&str> {
        let position = self.options.iter().position(|option| option == name)?;
        self.options.get(position + 1).map(String::as_str)
    }

    fn spawn(&self, mark: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpo"));
        for (name, _) in std::env::vars() {
            if name.starts_with("MCPO_") || matches!(name.as_str(), "API_KEY" | "LOG_LEVEL" | "RUST_LOG") {
                command.env_remove(name);
            }
        }
        command
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(&self.options)
            .args(&self.servers)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("PATH", parts::search_path())
            .env("NO_COLOR", "1")
            .env(processes::MARK, mark)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().expect("the mcpo binary starts")
    }
}

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
    /// `mcpo --config file` with these servers by name.
    pub(crate) fn config(servers: &Value) -> Launch {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.json");
        std::fs::write(&file, json!({ "mcpServers": servers }).to_string()).expect("a config file");
        let command = ["--config".to_owned(), file.to_str().unwrap().to_owned()].to_vec();
        let names = servers.as_object().expect("servers by name").keys();
        Launch::new(folder, command, names.map(|name| format!("/{}", encoded(name))).collect())
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

/// A name as one segment of a path.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// Reads the one answer of a connection that its request told to close, or that an error closes.
pub(crate) async fn hear(mut stream: TcpStream) -> Answer {
    let mut wire = Vec::new();
    // An error after some bytes is the reset of a server that refuses the rest of a body.
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut wire)).await.expect("the answer ends");
    assert!(read.is_ok() || !wire.is_empty(), "no answer: {read:?}");
    Answer::parse(&wire)
}

/// The bytes of a JSON POST that asks to close the connection.
pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for process in processes::marked(&self.mark) {
            processes::signal(process.pid, Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

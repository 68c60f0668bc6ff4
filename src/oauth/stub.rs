//! An HTTP server on loopback for tests: it answers what a closure says and remembers what it was asked.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

pub(super) struct Stub {
    /// With a port of its own.
    pub(super) origin: Url,
    asked: Arc<Mutex<Vec<String>>>,
    _connections: JoinSet<()>,
}

impl Stub {
    /// Serves what `answer` says to a request such as `GET /path`, after the origin. An empty answer breaks the
    /// connection.
    pub(super) async fn serve(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (remembered, url) = (asked.clone(), Url::parse(&origin).unwrap());
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(request) = request(&mut stream).await else { continue };
                remembered.lock().unwrap().push(request.clone());
                let _ = stream.write_all(answer(&origin, &request).as_bytes()).await;
            }
        });
        Self { origin: url, asked, _connections: connections }
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.origin.join(path).unwrap()
    }

    /// The requests so far, `GET /path`.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads a request with its body.
async fn request(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = String::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await?;
        text.push_str(&String::from_utf8_lossy(&part[..read]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            let line = head.lines().next().unwrap();
            return Ok(line.trim_end_matches(" HTTP/1.1").to_owned());
        }
    }
}

/// A response whose body ends with the connection.
pub(super) fn response(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\nconnection: close\r\n\r\n{body}")
}

pub(super) fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 x\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

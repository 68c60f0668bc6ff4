//! HTTP servers on loopback for unit tests.
//!
//! [`Stub`] responds with what a closure returns and records the requests. [`WebServer`] handles one request at a time
//! and returns it whole.
//!
//! Imports no other module of the project, so that the tests of all modules may use it.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::HeaderMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use url::Url;

/// Longer than any request takes to arrive.
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Stub {
    /// The server's origin, with a free port.
    pub(crate) origin: Url,
    asked: Arc<Mutex<Vec<String>>>,
    _connections: JoinSet<()>,
}

impl Stub {
    /// Serves the responses that `answer` returns for the origin and a request such as `GET /path`.
    ///
    /// An empty response closes the connection.
    pub(crate) async fn serve(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (remembered, url) = (asked.clone(), Url::parse(&origin).unwrap());
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(Received { target, .. }) = Received::read(&mut stream).await else { continue };
                remembered.lock().unwrap().push(target.clone());
                let _ = stream.write_all(answer(&origin, &target).as_bytes()).await;
            }
        });
        Self { origin: url, asked, _connections: connections }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.origin.join(path).unwrap()
    }

    /// Returns the requests so far, such as `GET /path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Returns a response whose body ends with the connection.
pub(crate) fn response(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\nconnection: close\r\n\r\n{body}")
}

pub(crate) fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 x\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// A server that handles one request at a time at its URL.
pub(crate) struct WebServer {
    listener: TcpListener,
    pub(crate) url: Url,
}

/// A request that the server received.
pub(crate) struct Received {
    /// Method and path.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl WebServer {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/endpoint", listener.local_addr().unwrap()).parse().unwrap();
        Self { listener, url }
    }

    /// Receives one request and responds to it; join it with the future that sends the request.
    pub(crate) async fn answer(&self, status: u16, body: &str) -> Received {
        timeout(DEADLINE, self.exchange(status, body)).await.expect("nothing was sent")
    }

    async fn exchange(&self, status: u16, body: &str) -> Received {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let received = Received::read(&mut stream).await.unwrap();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        received
    }
}

impl Received {
    /// Reads a request with its body.
    async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let count = stream.read(&mut buffer).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read.extend_from_slice(&buffer[..count]);
            if let Some(received) = Self::parse(&read) {
                return Ok(received);
            }
        }
    }

    /// Returns the request; `None` if it is not complete yet.
    fn parse(read: &[u8]) -> Option<Self> {
        let text = String::from_utf8(read.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let target = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let length =
            headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        (body.len() == length).then(|| Self { target, headers, body: body.to_owned() })
    }
}

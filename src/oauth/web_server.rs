//! A web server on loopback for unit tests.

use std::time::Duration;

use http::HeaderMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};
use url::Url;

/// Longer than any answer takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// Waits for requests at its URL.
pub(super) struct WebServer {
    listener: TcpListener,
    pub(super) url: Url,
}

/// What the server was sent.
pub(super) struct Received {
    /// Method and path.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl WebServer {
    pub(super) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/endpoint", listener.local_addr().unwrap()).parse().unwrap();
        Self { listener, url }
    }

    /// Answers one request; to be joined with what sends it.
    pub(super) async fn answer(&self, status: u16, body: &str) -> Received {
        timeout(DEADLINE, self.exchange(status, body)).await.expect("nothing was sent")
    }

    async fn exchange(&self, status: u16, body: &str) -> Received {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
        let received = loop {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the request ends early");
            read.extend_from_slice(&buffer[..count]);
            if let Some(received) = Received::parse(&read) {
                break received;
            }
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        received
    }
}

impl Received {
    /// Nothing where more is to come.
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

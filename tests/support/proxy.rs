//! A reverse proxy that serves a gateway below a prefix and strips it on the way, as many an ingress does.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A stripping proxy, ended when dropped.
pub(crate) struct StrippingProxy {
    /// Its origin.
    pub(crate) origin: String,
    _task: JoinSet<()>,
}

impl StrippingProxy {
    /// Serves `upstream` (an origin) below `prefix` (`/p`); 404 elsewhere.
    pub(crate) async fn start(upstream: &str, prefix: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let address = upstream.strip_prefix("http://").expect("a plain origin").to_owned();
        let prefix = prefix.to_owned();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(forward(stream, address.clone(), prefix.clone()));
            }
        });
        Self { origin, _task: task }
    }
}

/// One request a connection, so that only one head need be rewritten.
async fn forward(mut client: TcpStream, address: String, prefix: String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let inside =
        |path: &str| path.strip_prefix(&prefix).filter(|rest| rest.starts_with('/')).map(str::to_owned);
    let (line, headers) = head.split_once("\r\n").expect("a request line");
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Some(path) = inside(path) else {
        let _ = client
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await;
        return;
    };
    let kept = headers.split("\r\n").filter(|header| !header.to_lowercase().starts_with("connection:"));
    let headers: Vec<_> = kept.filter(|header| !header.is_empty()).collect();
    let Ok(mut upstream) = TcpStream::connect(&address).await else { return };
    let head = format!("{method} {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", headers.join("\r\n"));
    if upstream.write_all(head.as_bytes()).await.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}

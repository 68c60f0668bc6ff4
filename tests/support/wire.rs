//! Requests and answers as bytes, for what an HTTP client would never send.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::{io::AsyncReadExt, net::TcpStream};

use super::{Answer, wait::DEADLINE};

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
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

//! Clients that take their time, and those that say too much: each is answered, and its connection closed.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{interval, timeout},
};

use crate::support::{
    Answer, Gateway, parts,
    wait::DEADLINE,
    wire::{hear, post},
};

/// Sends one byte after the other, each before any timeout for a single one could pass, until it is answered.
async fn dribble(stream: TcpStream, bytes: &[u8]) -> Answer {
    let (read, mut write) = stream.into_split();
    let sending = async {
        let mut beat = interval(Duration::from_millis(500));
        for byte in bytes {
            beat.tick().await;
            // The connection closes at some time.
            let _ = write.write_all(&[*byte]).await;
        }
        std::future::pending().await
    };
    let answer = async {
        let mut wire = Vec::new();
        let mut read = read;
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut wire).await;
        Answer::parse(&wire)
    };
    let answered = async {
        tokio::select! {
            answer = answer => answer,
            never = sending => never,
        }
    };
    timeout(DEADLINE, answered).await.expect("it is answered")
}

/// Slow heads and slow bodies are cut, while bodies that come at a fair pace are not.
#[tokio::test]
async fn slow_requests_are_cut() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    let start = Instant::now();
    let whole = post("/fake/call", &[b' '; 1000]);
    let split = whole.len() - 1000;
    let head = dribble(gateway.say(b"").await, &whole[..split]);
    let body = async { dribble(gateway.say(&whole[..split]).await, &whole[split..]).await };
    let silent = async { hear(gateway.say(&whole[..whole.len() - 1]).await).await };
    let (head, body, silent) = tokio::join!(head, body, silent);
    assert_eq!(head.status, 408, "{head:?}");
    for slow in [body, silent] {
        slow.is(408, &json!({ "detail": "the request body came too slowly" }));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    gateway.stop().await;
}

/// A head over the limits is refused as such.
#[tokio::test]
async fn heads_over_the_limits() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    let head = |headers: &str| {
        format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
    };
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    let long = |length: usize| format!("X: {}\r\n", "x".repeat(length));
    for (headers, status) in [(many(80), 200), (many(200), 431), (long(60_000), 200), (long(200_000), 431)] {
        let answer = hear(gateway.say(head(&headers).as_bytes()).await).await;
        assert_eq!(answer.status, status, "{} bytes", headers.len());
    }
    gateway.stop().await;
}

//! Crowds at the door: whatever one address opens and leaves idle, others are served.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use futures_util::future::{join_all, select_all};
use reqwest::Client;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    support::observe::memory,
    support::{Gateway, parts, wait::DEADLINE},
};

const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The start of a request that never comes to its end.
const HEAD: &[u8] = b"POST /fake/call HTTP/1.1\r\nHost: localhost\r\nX-Never: ";

/// A crowd from one address.
struct Crowd {
    size: usize,
    /// How long it stays.
    stay: Duration,
    /// How long each one that was sent away waits before it comes back.
    back: Duration,
    /// What it sends at first, and then a byte with each breath.
    says: &'static [u8],
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // Its port keeps no server of another test from listening there.
    socket.set_reuseaddr(true)?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

fn address(gateway: &Gateway) -> SocketAddr {
    gateway.base().split_once("://").unwrap().1.parse().unwrap()
}

/// Stays connected as long as it is let, and comes back, for ever.
async fn besiege(to: SocketAddr, says: &'static [u8], back: Duration) {
    let mut beat = interval(back);
    loop {
        beat.tick().await;
        let Ok(mut stream) = connect(ATTACKER, to).await else { continue };
        let mut alive = stream.write_all(says).await.is_ok();
        while alive {
            let heard = timeout(Duration::from_secs(2), stream.read(&mut [0; 256])).await;
            alive = match heard {
                Ok(_) => false,
                Err(_) => says.is_empty() || stream.write_all(b"x").await.is_ok(),
            };
        }
    }
}

/// Calls from another address, over a new connection each time, while the crowd is there; gives the slowest call.
async fn others_are_served(gateway: &Gateway, crowd: &Crowd, client: &Client) -> Duration {
    let to = address(gateway);
    let mut siege = JoinSet::new();
    for _ in 0..crowd.size {
        siege.spawn(besiege(to, crowd.says, crowd.back));
    }
    let (start, mut slowest) = (Instant::now(), Duration::ZERO);
    // Each connection leaves a port behind that for a minute no server of another test can have.
    let mut beat = interval(Duration::from_millis(100));
    while start.elapsed() < crowd.stay {
        beat.tick().await;
        let call = Instant::now();
        let request = client.post(format!("{}/fake/call", gateway.base())).json(&json!({ "n": 1 }));
        let answer = request.send().await.unwrap_or_else(|error| panic!("{error:?}\n{}", gateway.log()));
        assert_eq!(answer.status(), 200);
        slowest = slowest.max(call.elapsed());
    }
    slowest
}

fn other() -> Client {
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
    let client = Client::builder().no_proxy().timeout(DEADLINE).local_address(from);
    client.pool_max_idle_per_host(0).danger_accept_invalid_certs(true).build().unwrap()
}

fn is_long() -> bool {
    env::var("MCPO_LONG_TESTS").is_ok_and(|value| value == "1")
}

/// 10,000 connections for 60 s with `MCPO_LONG_TESTS=1`, of which some send a head by and by; else some hundred.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_leaves_room_for_others() {
    let crowd = |says| match is_long() {
        true => Crowd { size: 10_000, stay: Duration::from_secs(60), back: Duration::from_secs(10), says },
        false => Crowd { size: 600, stay: Duration::from_secs(3), back: Duration::from_secs(1), says },
    };
    let options: &[&str] = if is_long() { &[] } else { &["--max-connections", "400"] };
    for says in [HEAD, b""] {
        let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options.iter().copied());
        let gateway = gateway.ready().await;
        let before = memory(&gateway);
        let slowest = others_are_served(&gateway, &crowd(says), &other()).await;
        let grown = memory(&gateway).saturating_sub(before);
        println!("slowest call {slowest:?}, {grown} KiB more");
        assert!(slowest < Duration::from_secs(5), "{slowest:?}");
        assert!(grown < 128 << 10, "{grown} KiB more");
        gateway.stop().await;
    }
}

/// The same before the handshake of TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_leaves_room_for_other_handshakes() {
    let (_files, options, _) = crate::guards::certificate();
    // More than actix lets be in the midst of a handshake.
    let options = options.into_iter().chain(["--max-connections".to_owned(), "4000".to_owned()]);
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).start().await;
    let client = other();
    let ready =
        async || client.get(format!("{}/readyz", gateway.base())).send().await.ok()?.error_for_status().ok();
    crate::support::eventually("it is ready", ready).await;
    let crowd =
        Crowd { size: 1200, stay: Duration::from_secs(4), back: Duration::from_millis(500), says: b"" };
    let slowest = others_are_served(&gateway, &crowd, &client).await;
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    gateway.stop().await;
}

/// What is over the share is closed at once, and a place that is left is free for the next.
#[tokio::test]
async fn a_share_is_a_quarter() {
    let launch = Gateway::config(&json!({ "fake": parts::fake(&[]) }));
    let gateway = launch.options(["--max-connections", "40"]).ready().await;
    let to = address(&gateway);
    let mut crowd = join_all((0..11).map(|_| async { connect(ATTACKER, to).await.unwrap() })).await;
    // Which one is over the share depends on the workers.
    let heard = select_all(crowd.iter_mut().map(|stream| Box::pin(async { stream.read(&mut [0; 1]).await })));
    let (heard, over, _) = timeout(DEADLINE, heard).await.expect("one is closed");
    assert!(matches!(heard, Ok(0) | Err(_)), "at once, and without a word: {heard:?}");
    crowd.remove(over);
    let others = gateway.get("/healthz").await;
    assert_eq!(others.status, 200, "others have theirs");
    drop(crowd);
    crate::support::eventually("a place is free again", async || {
        let mut stream = connect(ATTACKER, to).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        timeout(DEADLINE, stream.read_to_end(&mut answer)).await.expect("it ends").ok()?;
        answer.starts_with(b"HTTP/1.1 200").then_some(())
    })
    .await;
    gateway.stop().await;
}

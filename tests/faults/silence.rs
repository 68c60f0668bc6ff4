//! Peers that say nothing more and do not go away: half-open connections, and processes that are stopped.

use std::fs;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;

use super::fixture::{Fixture, REMOTE, Upstream};
use crate::support::{
    eventually,
    faults::{Fault, FaultyProxy},
    long,
    processes::signal,
};

/// Two ways to be silent.
#[derive(Clone, Copy)]
enum Silence {
    /// The network passes nothing on, and what it has swallowed never comes back.
    HalfOpen,
    /// The server's process is stopped.
    Stopped,
}

impl Silence {
    fn begin(self, upstream: &Upstream, proxy: &FaultyProxy) {
        match self {
            Self::HalfOpen => proxy.set(Fault::Silence),
            Self::Stopped => upstream.signal(Signal::SIGSTOP),
        }
    }

    fn end(self, upstream: &Upstream, proxy: &FaultyProxy) {
        match self {
            Self::HalfOpen => proxy.set(Fault::None),
            Self::Stopped => upstream.signal(Signal::SIGCONT),
        }
    }
}

/// Each way over each transport.
fn all() -> impl Iterator<Item = ((&'static str, &'static str), Silence)> {
    REMOTE.into_iter().flat_map(|it| [(it, Silence::HalfOpen), (it, Silence::Stopped)])
}

/// A call finds it out where there is one, else the ping of an idle connection. It is left behind then.
async fn found_out(transport: (&str, &'static str), silence: Silence, called: bool) {
    let (fixture, upstream, proxy) = Fixture::proxied(transport).await;
    silence.begin(&upstream, &proxy);
    if called {
        fixture.call().await.error(504);
    }
    fixture.loses("the server does not answer").await;
    silence.end(&upstream, &proxy);
    // An attempt to connect from before may still be under way.
    fixture.heals(&[503]).await;
    fixture.stop().await;
}

/// The first call, which does not hang, finds out.
#[tokio::test]
async fn a_silent_peer_is_left_behind() {
    join_all(all().map(|(transport, silence)| found_out(transport, silence, true))).await;
}

/// Without any call it takes the 40 s of the ping, over stdio too.
#[tokio::test]
async fn an_idle_silent_peer_is_left_behind() {
    if !long() {
        return;
    }
    let remote = join_all(all().map(|(transport, silence)| found_out(transport, silence, false)));
    let stdio = async {
        let fixture = Fixture::stdio().await;
        signal(fixture.child(), Signal::SIGSTOP);
        fixture.loses("the server does not answer").await;
        // The frozen process gets 4 s to end before another is started.
        fixture.heals(&[503]).await;
        fixture.stop().await;
    };
    tokio::join!(remote, stdio);
}

/// A child that closes its output and lives on is as good as gone: it is ended, and another takes its place.
#[tokio::test]
async fn a_child_without_output_is_replaced() {
    let fixture = Fixture::stdio().await;
    let hushed = fixture.child();
    let message = fixture.call_with(json!({ "hush": true })).await.error(502);
    assert!(message.contains("the server closed its output"), "{message}");
    fixture.answers().await;
    assert_ne!(fixture.child(), hushed);
    fixture.stop().await;
}

/// The kernel asks an idle peer too: on each connection a timer for that is due within 30 s.
#[tokio::test]
async fn the_kernel_asks_idle_peers() {
    for transport in REMOTE {
        let (fixture, upstream) = Fixture::remote(transport).await;
        fixture.answers().await;
        // proc(5): local address, remote address, state (01 is established), queues, timer (02 is keep-alive) and when
        // it is due, in hundredths of a second.
        let peer = format!("0100007F:{:04X}", upstream.port());
        let asks = |timer: &str| {
            timer.strip_prefix("02:").is_some_and(|due| u64::from_str_radix(due, 16).unwrap() <= 3000)
        };
        eventually("each connection has the timer", async || {
            let table = fs::read_to_string("/proc/net/tcp").unwrap();
            let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let rows: Vec<_> = rows.filter(|row| row[2] == peer && row[3] == "01").collect();
            (!rows.is_empty() && rows.iter().all(|row| asks(row[5]))).then_some(())
        })
        .await;
        fixture.stop().await;
    }
}

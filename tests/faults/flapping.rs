//! A server that is killed again and again, beside one that works.

use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::{Instant, interval, interval_at};

use crate::support::{
    Gateway, long, parts,
    processes::{marked, signal},
};

/// Callers of the good server, and how often each calls: together 50 times a second.
const CALLERS: u32 = 10;
const PERIOD: Duration = Duration::from_millis(200);
/// How often the other one is killed.
const FLAP: Duration = Duration::from_secs(2);

/// The good one answers every call, and as soon as when nothing flaps. Quiet and flapping take turns, so that what else
/// the machine does falls on both; only the long form, of three minutes of flapping, judges by the clock.
#[tokio::test]
async fn a_flapping_server_disturbs_no_other() {
    let (turns, span) = if long() { (12, Duration::from_secs(15)) } else { (2, 2 * FLAP) };
    let mut flaps = parts::fake(&[]);
    flaps["restartsPerMinute"] = json!(1000);
    let servers = json!({ "good": parts::example(), "flaps": flaps });
    let gateway = Gateway::config(&servers).ready().await;
    let (mut quiet, mut flapping) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        quiet.extend(measure(&gateway, span, std::future::pending()).await);
        flapping.extend(measure(&gateway, span, flap(&gateway)).await);
    }
    let (calls, quiet, flapping) = (flapping.len(), p99(quiet), p99(flapping));
    let ratio = flapping.as_secs_f64() / quiet.as_secs_f64();
    println!("p99 of {calls} calls: quiet {quiet:?}, flapping {flapping:?}, {ratio:.2} times");
    assert!(!long() || ratio <= 1.5, "quiet {quiet:?}, flapping {flapping:?}");
    gateway.stop().await;
}

/// How long the good server's calls take for this span, from the moment that each was due, while both servers are
/// called and `fault` is done. None may fail.
async fn measure(gateway: &Gateway, span: Duration, fault: impl Future<Output = ()>) -> Vec<Duration> {
    let start = Instant::now();
    let callers = (0..CALLERS).map(async |number| {
        let mut latencies = Vec::new();
        let mut due = interval_at(start + PERIOD * number / CALLERS, PERIOD);
        loop {
            let due = due.tick().await;
            if due >= start + span {
                return latencies;
            }
            gateway.result("/good/get_current_time", &json!({ "timezone": "UTC" })).await;
            latencies.push(due.elapsed());
        }
    });
    tokio::select! {
        latencies = join_all(callers) => latencies.into_iter().flatten().collect(),
        () = fault => unreachable!("it flaps for ever"),
        () = visit(gateway) => unreachable!("it is visited for ever"),
    }
}

/// Calls the other server all the time, whatever comes of it.
async fn visit(gateway: &Gateway) {
    let mut due = interval(PERIOD);
    loop {
        due.tick().await;
        let answer = gateway.call("/flaps/call", &json!({})).await;
        assert!(matches!(answer.status, 200 | 502 | 503), "{answer:?}");
    }
}

/// Kills the other server's process, and that which is started in its place.
async fn flap(gateway: &Gateway) {
    let mut due = interval(FLAP);
    loop {
        due.tick().await;
        for process in marked(&gateway.mark()).iter().filter(|process| process.runs("server.py")) {
            signal(process.pid, Signal::SIGKILL);
        }
    }
}

fn p99(mut latencies: Vec<Duration>) -> Duration {
    latencies.sort_unstable();
    latencies[latencies.len() * 99 / 100]
}

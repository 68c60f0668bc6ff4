//! Callers that go on calling while one fault follows the other.

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;

use super::fixture::{Fixture, REMOTE};
use crate::support::{faults::Fault, processes::signal};

const CALLERS: usize = 8;

/// Calls from many sides while `faults` come and go; each gets an answer in time, and none is of a kind that nobody
/// expects.
async fn under_fire(fixture: &Fixture, faults: impl Future<Output = ()>) {
    let callers = (0..CALLERS).map(async |_| {
        loop {
            // Long enough for a fault to find some under way.
            let answer = fixture.call_with(json!({ "pause": 50 })).await;
            assert!(matches!(answer.status, 200 | 502 | 503 | 504), "{answer:?}");
        }
    });
    tokio::select! {
        _ = join_all(callers) => unreachable!("callers never end"),
        () = faults => {}
    }
}

/// A server over HTTP is killed and started again, and its connections are cut and answered by others; no call runs
/// twice, and whoever was told that it did not run is right.
#[tokio::test]
async fn no_remote_call_runs_twice() {
    for transport in REMOTE {
        let (fixture, mut upstream, proxy) = Fixture::proxied(transport).await;
        under_fire(&fixture, async {
            for _ in 0..3 {
                proxy.set(Fault::Cut);
                proxy.set(Fault::None);
                fixture.heals(&[502, 503, 504]).await;
                proxy.set(Fault::Answer("HTTP/1.1 524 A Timeout Occurred\r\nContent-Length: 0\r\n\r\n"));
                fixture.refuses("").await;
                proxy.set(Fault::None);
                fixture.heals(&[502, 503, 504]).await;
                upstream.kill();
                upstream.start().await;
                fixture.heals(&[502, 503, 504]).await;
            }
        })
        .await;
        fixture.answers().await;
        fixture.stop().await;
    }
}

/// The same for a child that is killed.
#[tokio::test]
async fn no_call_of_a_child_runs_twice() {
    let fixture = Fixture::stdio().await;
    under_fire(&fixture, async {
        for _ in 0..3 {
            signal(fixture.child(), Signal::SIGKILL);
            fixture.heals(&[502, 503]).await;
        }
    })
    .await;
    fixture.answers().await;
    fixture.stop().await;
}

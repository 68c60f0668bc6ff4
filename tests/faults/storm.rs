//! Callers that go on calling while one fault follows the other.

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;

use super::bed::{Bed, REMOTE};
use crate::support::{faults::Fault, processes::signal};

const CALLERS: usize = 8;

/// Calls from many sides while `faults` come and go; each gets an answer in time, and none is of a kind that nobody
/// expects.
async fn under_fire(bed: &Bed, faults: impl Future<Output = ()>) {
    let callers = (0..CALLERS).map(async |_| {
        loop {
            // Long enough for a fault to find some under way.
            let answer = bed.call_with(json!({ "pause": 50 })).await;
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
        let (bed, mut upstream, proxy) = Bed::proxied(transport).await;
        under_fire(&bed, async {
            for _ in 0..3 {
                proxy.set(Fault::Cut);
                proxy.set(Fault::None);
                bed.heals(&[502, 503, 504]).await;
                proxy.set(Fault::Answer("HTTP/1.1 524 A Timeout Occurred\r\nContent-Length: 0\r\n\r\n"));
                bed.refuses("").await;
                proxy.set(Fault::None);
                bed.heals(&[502, 503, 504]).await;
                upstream.kill();
                upstream.start().await;
                bed.heals(&[502, 503, 504]).await;
            }
        })
        .await;
        bed.answers().await;
        bed.stop().await;
    }
}

/// The same for a child that is killed.
#[tokio::test]
async fn no_call_of_a_child_runs_twice() {
    let bed = Bed::stdio().await;
    under_fire(&bed, async {
        for _ in 0..3 {
            signal(bed.child(), Signal::SIGKILL);
            bed.heals(&[502, 503]).await;
        }
    })
    .await;
    bed.answers().await;
    bed.stop().await;
}

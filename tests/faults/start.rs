//! Many servers at the start, of which some are ill.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use crate::support::{Gateway, parts, wait::within};

/// Of 50 servers ten hang and ten are missing: the port is open at once, and the others are ready as soon as they
/// answer.
#[tokio::test]
async fn nobody_waits_for_the_ill() {
    let mut servers = Map::new();
    for number in 0..30 {
        servers.insert(format!("good-{number}"), parts::example());
    }
    for number in 0..10 {
        let hangs = json!({ "command": "sleep", "args": ["1000"], "timeout": 1 });
        servers.insert(format!("hangs-{number}"), hangs);
        servers.insert(format!("missing-{number}"), json!({ "command": "no-such-program-as-this" }));
    }
    let start = Instant::now();
    let gateway = Gateway::config(&Value::Object(servers)).start().await;
    let open = start.elapsed();
    let ready = join_all((0..30).map(async |number: u32| {
        gateway.document(&format!("/good-{number}")).await;
        start.elapsed()
    }))
    .await;
    let all = ready.iter().max().unwrap();
    println!("port open after {open:?}, all that work ready after {all:?}");
    // A release build takes a tenth of a second; this one may be slow, and on a busy machine.
    assert!(open < Duration::from_secs(1), "the port was open after {open:?}");
    assert!(*all < Duration::from_secs(20), "the last was ready after {all:?}");
    for (server, reason) in [("hangs-0", "still connecting"), ("missing-0", "no-such-program-as-this")] {
        within(Duration::from_secs(10), server, async || {
            let answer = gateway.call(&format!("/{server}/x"), &json!({})).await;
            answer.error(503).contains(reason).then_some(())
        })
        .await;
    }
    gateway.stop().await;
}

//! Many reloads: nothing leaks, and nobody notices.

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::fixture::{becomes, named, under_load, write};
use crate::support::observe::{Held, hang_up, memory};
use crate::support::{Gateway, eventually, long, upstream::Remote};

/// Adds, changes and removes servers again and again under load: 20 times, or 500 in the long form, which bounds memory
/// as well; a few rounds say little about that.
#[tokio::test]
async fn many_reloads_leave_nothing_behind() {
    let rounds = if long() { 500 } else { 20 };
    let remote = Remote::http().await;
    let gateway = Gateway::config(&servers(0, &remote)).ready().await;
    churn(&gateway, &remote, 1..=10).await;
    let (held, before) = (steady(&gateway).await, memory(&gateway));
    churn(&gateway, &remote, 11..=rounds).await;
    let (after, grown) = (steady(&gateway).await, memory(&gateway));
    println!("after ten reloads {held:?}, {before} KiB; after {rounds} {after:?}, {grown} KiB");
    assert_eq!(after, held, "after {rounds} rounds, and after ten");
    assert!(!long() || grown * 100 <= before * 105, "{before} KiB after ten rounds, {grown} KiB at the end");
    gateway.stop().await;
}

/// One reload a round, while callers of the servers that stay must not notice.
async fn churn(gateway: &Gateway, remote: &Remote, rounds: RangeInclusive<u32>) {
    under_load(gateway, &["one", "two"], async {
        for round in rounds {
            write(gateway, &servers(round, remote));
            hang_up(gateway).await;
            becomes(gateway, "changes", &format!("changes-{round}")).await;
            becomes(gateway, &format!("guest-{round}"), "guest").await;
            gateway.document(&format!("/remote-{round}")).await;
        }
    })
    .await;
}

/// Two that stay, one that changes, and two that are others every time, one of them over HTTP.
fn servers(round: u32, remote: &Remote) -> Value {
    let mut servers = json!({ "one": named("one"), "two": named("two") });
    servers["changes"] = named(&format!("changes-{round}"));
    servers[format!("guest-{round}")] = named("guest");
    servers[format!("remote-{round}")] = json!({ "type": "http", "url": remote.url });
    servers
}

/// What it holds once that no longer changes.
async fn steady(gateway: &Gateway) -> Held {
    // tokio keeps a thread for 10 s that has nothing to do.
    const STEADY: Duration = Duration::from_secs(12);
    let (mut since, mut last) = (Instant::now(), Held::by(gateway));
    eventually("what it holds is steady", async || {
        let now = Held::by(gateway);
        if now != last {
            (since, last) = (Instant::now(), now);
        }
        (since.elapsed() > STEADY).then_some(())
    })
    .await;
    last
}

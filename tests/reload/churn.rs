//! Many reloads: nothing leaks, and nobody notices.

use std::{
    env,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::bed::{Held, becomes, hang_up, memory, named, under_load, write};
use crate::support::{Gateway, eventually};

/// Adds, changes and removes servers again and again under load: 20 times, or 500 with `MCPO_LONG_TESTS`.
#[tokio::test]
async fn many_reloads_leave_nothing_behind() {
    let long = env::var_os("MCPO_LONG_TESTS").is_some();
    let rounds = if long { 500 } else { 20 };
    let gateway = Gateway::config(&servers(0)).ready().await;
    churn(&gateway, 1..=10).await;
    let (held, before) = (steady(&gateway).await, memory(&gateway));
    churn(&gateway, 11..=rounds).await;
    let after = steady(&gateway).await;
    assert_eq!(after, held, "after {rounds} rounds, and after ten");
    let grown = memory(&gateway);
    // A few rounds say little about memory.
    assert!(!long || grown * 100 <= before * 105, "{before} KiB after ten rounds, {grown} KiB at the end");
    println!("{rounds} reloads: {held:?}, {before} KiB after ten, {grown} KiB at the end");
    gateway.stop().await;
}

/// One reload a round, while callers of the servers that stay must not notice.
async fn churn(gateway: &Gateway, mut rounds: RangeInclusive<u32>) {
    under_load(gateway, &["one", "two"], async {
        for round in &mut rounds {
            write(gateway, &servers(round));
            hang_up(gateway).await;
            becomes(gateway, "changes", &format!("changes-{round}")).await;
            becomes(gateway, &format!("guest-{round}"), "guest").await;
        }
    })
    .await;
}

/// Two that stay, one that changes, and one that is another every time.
fn servers(round: u32) -> Value {
    let mut servers = json!({ "one": named("one"), "two": named("two") });
    servers["changes"] = named(&format!("changes-{round}"));
    servers[format!("guest-{round}")] = named("guest");
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

//! Callers never notice that access tokens expire.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::fixture::{Fixture, echoes};
use crate::support::Gateway;

/// Calls from 8 callers across expiries, over both transports: none fails, and each expiry costs one refresh.
#[tokio::test]
async fn callers_never_see_an_expiry() {
    let (life, seconds) = if crate::support::long() { (5, 60) } else { (3, 12) };
    for fixture in [Fixture::http().await, Fixture::sse().await] {
        fixture.authorization.life(life).await;
        let gateway = fixture.logged_in().await;
        let end = Instant::now() + Duration::from_secs(seconds);
        let calls: u32 = join_all((0..8).map(|caller| calls_until(&gateway, caller, end))).await.iter().sum();

        one_refresh_an_expiry(&fixture, life).await;
        let counts = fixture.authorization.counts().await;
        let refreshes = u64::from(counts["refresh_token ok"]);
        assert!(refreshes >= seconds / u64::from(life), "{counts:?}");
        assert_eq!(counts["logins granted"], 1, "{counts:?}");
        assert!(
            !counts.keys().any(|name| name.starts_with("refresh_token ") && name != "refresh_token ok"),
            "{counts:?}"
        );
        println!("{calls} calls, {refreshes} refreshes");
        gateway.stop().await;
    }
}

/// Calls all the time, as one caller does; every answer must be right.
async fn calls_until(gateway: &Gateway, caller: u32, end: Instant) -> u32 {
    let mut pace = tokio::time::interval(Duration::from_millis(25));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = 0;
    while Instant::now() < end {
        echoes(gateway, &format!("{caller}: {calls}")).await;
        let sum = gateway.result("/guarded/add", &json!({ "a": caller, "b": calls })).await;
        assert_eq!(sum, caller + calls);
        calls += 2;
        pace.tick().await;
    }
    calls
}

/// No two tokens were issued within half a life: two would have been for the same expiry.
pub(super) async fn one_refresh_an_expiry(fixture: &Fixture, life: u32) {
    let issued = fixture.authorization.issued().await;
    let shortest = issued.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    assert!(shortest > f64::from(life) * 500.0, "tokens were issued at {issued:?} ms");
}

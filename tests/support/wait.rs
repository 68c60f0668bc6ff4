//! Waiting for events: poll until something holds, never sleep and hope.

use std::time::{Duration, Instant};

/// How long anything may take on the slowest machine; reached only by a failing test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Whether tests take as long as they should, rather than as short as they may: `MCPO_LONG_TESTS=1`.
pub(crate) fn long() -> bool {
    std::env::var("MCPO_LONG_TESTS").is_ok_and(|value| value == "1")
}

/// Asks `check` again and again until it gives something; fails the test after [`DEADLINE`].
pub(crate) async fn eventually<T>(what: &str, check: impl AsyncFnMut() -> Option<T>) -> T {
    within(DEADLINE, what, check).await
}

/// As [`eventually`], where a shorter time is part of what is promised.
pub(crate) async fn within<T>(
    deadline: Duration,
    what: &str,
    mut check: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

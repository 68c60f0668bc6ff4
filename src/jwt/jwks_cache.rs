//! The keys in use: fetched when mcpo starts, before they are stale, and when a token names one that is not known.
//!
//! One task sends all requests, so that any number of tokens share one, and a caller that hangs up does not end it.
//! Keys are used for a day after they were fetched, even if the issuer fails meanwhile. Invariant: tokens with made-up
//! key ids cause one request in [`GAP`] at most.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, info, warn};

use super::{
    issuer::{LONGEST, Published},
    keys::Keys,
    refusal::Refusal,
};

/// How often tokens may make the task ask, beyond what it does of itself.
const GAP: Duration = Duration::from_secs(10);
/// The longest that the task waits after a failure.
const SLOWEST: Duration = Duration::from_secs(5 * 60);
/// The longest that a token waits for an answer: that of a fetch that began before it, and its own.
const PATIENCE: Duration = Duration::from_secs(21);

/// The keys of one issuer, as they were fetched last.
pub(super) struct JwksCache {
    known: watch::Sender<Known>,
    wanted: Notify,
    /// The last time that a token made the task ask, and which fetch is its answer.
    asked: Mutex<Option<(Instant, u64)>>,
    stop: CancellationToken,
}

/// What is known of the issuer.
#[derive(Clone, Default)]
struct Known {
    /// How many fetches have begun, and how many of them have ended.
    begun: u64,
    ended: u64,
    keys: Option<(Arc<Keys>, Instant)>,
    /// Why the last fetch failed, if it did.
    failure: Option<String>,
}

impl Known {
    /// The keys, if they are not too old.
    fn keys(&self, now: Instant) -> Option<Arc<Keys>> {
        let (keys, fetched) = self.keys.as_ref()?;
        (now.duration_since(*fetched) < LONGEST).then(|| keys.clone())
    }
}

impl JwksCache {
    /// Starts the task, which calls `fetch` for keys of `issuer` until `stop`.
    pub(super) fn start<F>(
        issuer: String,
        tasks: &TaskTracker,
        stop: CancellationToken,
        fetch: impl Fn() -> F + Send + Sync + 'static,
    ) -> Arc<Self>
    where
        F: Future<Output = Result<Published, String>> + Send,
    {
        // The first fetch counts as begun, so that tokens that come before it wait for it and ask for no other.
        let known = watch::Sender::new(Known { begun: 1, ..Known::default() });
        let (wanted, asked) = (Notify::new(), Mutex::new(None));
        let cache = Arc::new(Self { known, wanted, asked, stop: stop.clone() });
        let work = cache.clone();
        tasks.spawn(async move { stop.run_until_cancelled(work.run(&issuer, fetch)).await });
        cache
    }

    /// The keys at hand.
    pub(super) fn at_hand(&self) -> Option<Arc<Keys>> {
        self.known.borrow().keys(Instant::now())
    }

    /// Keys that are newer than those at hand, unless the issuer was asked just now.
    ///
    /// # Errors
    ///
    /// The issuer does not answer, so a token with an unknown key cannot be judged.
    pub(super) async fn renewed(&self) -> Result<Arc<Keys>, Refusal> {
        let unavailable = |reason: &str| Refusal::Unavailable { reason: reason.to_owned(), retry_after: GAP };
        let fetch = self.ask();
        let mut known = self.known.subscribe();
        let answer = timeout(PATIENCE, known.wait_for(|known| known.ended >= fetch));
        match self.stop.run_until_cancelled(answer).await {
            None => Err(unavailable("mcpo is about to stop")),
            Some(Ok(Ok(known))) => match (known.keys(Instant::now()), &known.failure) {
                (_, Some(reason)) => Err(unavailable(reason)),
                (Some(keys), None) => Ok(keys),
                (None, None) => Err(unavailable("its keys are too old")),
            },
            Some(_) => Err(unavailable("no answer")),
        }
    }

    /// Makes the task ask, if that is due; returns the number of the fetch to wait for.
    fn ask(&self) -> u64 {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.known.borrow();
        if known.keys.is_none() && known.ended < known.begun {
            return known.begun;
        }
        match *asked {
            Some((at, fetch)) if at.elapsed() < GAP => fetch,
            _ => {
                // One that has begun already may have missed the key.
                let fetch = known.begun + 1;
                *asked = Some((Instant::now(), fetch));
                self.wanted.notify_one();
                fetch
            }
        }
    }

    async fn run<F>(&self, issuer: &str, fetch: impl Fn() -> F)
    where
        F: Future<Output = Result<Published, String>>,
    {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let pause = match fetch().await {
                Ok(published) => {
                    tell_success(issuer, &published, failures);
                    failures = 0;
                    let pause = published.lifetime / 10 * 9;
                    self.end(|known| {
                        (known.keys, known.failure) = (Some((published.keys.into(), began)), None);
                    });
                    pause
                }
                Err(reason) => {
                    tell_failure(issuer, &reason, failures);
                    failures += 1;
                    self.end(|known| known.failure = Some(reason));
                    pause_after(failures)
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wanted.notified() => {}
            }
            self.known.send_modify(|known| known.begun += 1);
        }
    }

    fn end(&self, change: impl FnOnce(&mut Known)) {
        self.known.send_modify(|known| {
            change(known);
            known.ended = known.begun;
        });
    }
}

/// How long to wait after so many failures in a row.
fn pause_after(failures: u32) -> Duration {
    SLOWEST.min(GAP.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))))
}

fn tell_success(issuer: &str, published: &Published, failures: u32) {
    if published.keys.is_empty() {
        warn!(issuer, "the issuer publishes no key that could verify a token");
    } else if failures > 0 {
        info!(issuer, "the issuer's keys can be had again");
    } else {
        debug!(issuer, fresh = ?published.lifetime, "the issuer's keys were fetched");
    }
}

/// Once, and not at every attempt.
fn tell_failure(issuer: &str, reason: &str, failures: u32) {
    if failures == 0 {
        warn!(issuer, reason, "the issuer's keys cannot be had; mcpo goes on asking");
    } else {
        debug!(issuer, reason, "the issuer's keys cannot be had");
    }
}

#[cfg(test)]
mod tests;

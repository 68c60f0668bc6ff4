//! Rate limits of callers and client addresses, and what is left of them.
//!
//! Invariant: the state of a caller is dropped as soon as its whole allowance is back.

use std::{
    fmt::Write as _,
    hash::Hash,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};

use super::{error::AccessError, network::network};
use crate::config::{self, Rate};

/// How many requests pass between two sweeps.
const SWEEP: u32 = 4096;

/// All rate limits of one configuration.
pub(super) struct RateLimits {
    /// One for each rate that a caller can have.
    callers: Vec<Limiter<Arc<str>>>,
    default: Option<Rate>,
    addresses: Option<Limiter<IpAddr>>,
}

/// What is left of the limits that a request counts against.
#[derive(Default)]
pub struct Allowance {
    policies: String,
    left: String,
}

struct Limiter<K: Hash + Eq + Clone> {
    rate: Rate,
    limiter: RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>,
    asked: AtomicU32,
}

impl RateLimits {
    pub(super) fn new(access_rules: &config::AccessRules) -> Self {
        let mut rates: Vec<Rate> = Vec::new();
        for rate in access_rules.keys.iter().filter_map(|key| key.rate).chain(access_rules.caller_rate) {
            if !rates.contains(&rate) {
                rates.push(rate);
            }
        }
        Self {
            callers: rates.into_iter().map(Limiter::new).collect(),
            default: access_rules.caller_rate,
            addresses: access_rules.address_rate.map(Limiter::new),
        }
    }

    /// Counts a request from `address`.
    pub(super) fn address(&self, address: IpAddr, allowance: &mut Allowance) -> Result<(), AccessError> {
        let Some(limiter) = &self.addresses else { return Ok(()) };
        limiter.count(&network(address), "address", allowance)
    }

    /// Counts a request of the caller of this name, at its `own` rate if it has one.
    pub(super) fn caller(
        &self,
        name: impl FnOnce() -> Arc<str>,
        own: Option<Rate>,
        allowance: &mut Allowance,
    ) -> Result<(), AccessError> {
        let Some(rate) = own.or(self.default) else { return Ok(()) };
        match self.callers.iter().find(|limiter| limiter.rate == rate) {
            Some(limiter) => limiter.count(&name(), "caller", allowance),
            None => Ok(()),
        }
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: Rate) -> Self {
        let burst = rate.count;
        // A period of at least a second, divided by a u32, is never 0.
        let quota = Quota::with_period(rate.per / burst.get()).unwrap_or_else(|| Quota::per_second(burst));
        let limiter = RateLimiter::dashmap(quota.allow_burst(burst)).with_middleware();
        Self { rate, limiter, asked: AtomicU32::new(0) }
    }

    fn count(&self, key: &K, name: &str, allowance: &mut Allowance) -> Result<(), AccessError> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
        }
        let counted = self.limiter.check_key(key);
        let (left, wait) = match &counted {
            Ok(state) => (state.remaining_burst_capacity(), Duration::ZERO),
            Err(refused) => (0, refused.wait_time_from(DefaultClock::default().now())),
        };
        allowance.add(name, self.rate, left);
        counted
            .map(drop)
            .map_err(|_| AccessError::RateLimited { limit: self.rate.to_string(), retry_after: wait })
    }
}

impl Allowance {
    fn add(&mut self, name: &str, Rate { count, per }: Rate, left: u32) {
        let comma = if self.left.is_empty() { "" } else { ", " };
        // When the whole allowance is back, if no request comes meanwhile.
        let missing = (count.get() - left.min(count.get())) as f32 / count.get() as f32;
        let reset = (per.as_secs_f32() * missing).ceil();
        // Writing to a string cannot fail.
        let _ = write!(self.policies, "{comma}\"{name}\";q={count};w={}", per.as_secs());
        let _ = write!(self.left, "{comma}\"{name}\";r={left};t={reset:.0}");
    }

    /// Returns the headers that tell a client (draft-ietf-httpapi-ratelimit-headers-10); their values are empty if no
    /// limit applies.
    pub fn headers(&self) -> [(&'static str, &str); 2] {
        [("ratelimit-policy", &self.policies), ("ratelimit", &self.left)]
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn so_many_pass_at_once_and_the_headers_say_what_is_left() {
        let rate = Rate { count: NonZeroU32::new(2).expect("not zero"), per: Duration::from_secs(3600) };
        let limiter = Limiter::new(rate);
        let count = |name: &'static str| {
            let mut allowance = Allowance::default();
            let counted = limiter.count(&name, "caller", &mut allowance);
            assert_eq!(allowance.policies, "\"caller\";q=2;w=3600");
            (counted, allowance.left)
        };
        assert!(matches!(count("a"), (Ok(()), left) if left == "\"caller\";r=1;t=1800"));
        assert!(matches!(count("a"), (Ok(()), left) if left == "\"caller\";r=0;t=3600"));
        let (refused, _) = count("a");
        let Err(AccessError::RateLimited { retry_after, .. }) = refused else { panic!("{refused:?}") };
        assert!((1790..=1800).contains(&retry_after.as_secs()), "{retry_after:?}");
        assert!(count("b").0.is_ok(), "each has its own");
    }
}

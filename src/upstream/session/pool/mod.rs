//! The connections of callers with an identity: one each, made by the first call and shared by the next ones.
//!
//! A pooled connection is never reopened. When it is lost or has failed, the next call makes another one, so that mcpo
//! does not reconnect for callers that have left. The tool list, the concurrency limit and the authorization are the
//! session's.
//!
//! Invariants: no connection is used for two identities; the pool is bounded; all connections end with the session.

pub(super) mod pooled_connection;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::pooled_connection::{Lease, PooledConnection, PooledState};
use super::connection::Connection;
use crate::upstream::protocol::{error::CallError, forwarded::Identity};

/// How many identities have a connection to one server at once.
const MOST: usize = 256;
/// A connection that was unused for so long is closed.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// One server's connections by identity.
pub(super) struct Pool {
    connections: Mutex<HashMap<Identity, Arc<PooledConnection>>>,
    most: usize,
    patience: Duration,
    pub(super) tasks: TaskTracker,
    stop: CancellationToken,
    /// Callers live on other runtimes; connections belong to the session's own.
    pub(super) runtime: Handle,
}

impl Pool {
    /// An empty pool. Its connections' tasks are `tasks`, and end soon after `stop`.
    pub(super) fn new(tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            connections: Mutex::default(),
            most: MOST,
            patience: IDLE,
            tasks,
            stop,
            runtime: Handle::current(),
        }
    }

    /// Makes the next call of every identity open a new connection.
    pub(super) fn renew(&self) {
        for pooled in self.lock().values() {
            if let PooledState::Open(handle) = &*pooled.state.borrow() {
                handle.inbound.mark_stale("the server's own session is opened anew");
            }
        }
    }

    /// A lease on the connection of `identity`. If there is no usable one, `start` gets a new one; in a full pool the
    /// connection that was idle for the longest time makes room for it.
    pub(super) fn enter(
        &self,
        identity: Identity,
        start: impl FnOnce(Arc<PooledConnection>),
    ) -> Result<Lease, CallError> {
        let mut connections = self.lock();
        if let Some(pooled) = connections.get(&identity).filter(|pooled| pooled.is_usable()) {
            return Ok(pooled.lease());
        }
        if !connections.contains_key(&identity) && connections.len() >= self.most {
            let idle =
                connections.iter().filter_map(|(identity, pooled)| Some((pooled.idle_since()?, *identity)));
            let Some((_, longest)) = idle.min_by_key(|(since, _)| *since) else {
                return Err(pooled_connection::unavailable(format!(
                    "{} other callers use the server",
                    self.most
                )));
            };
            if let Some(pooled) = connections.remove(&longest) {
                pooled.stop.cancel();
            }
        }
        let pooled = Arc::new(PooledConnection::new(self.stop.child_token()));
        connections.insert(identity, pooled.clone());
        start(pooled.clone());
        Ok(pooled.lease())
    }

    /// Keeps a connection until it ends, is idle for long, or has to stop. After `silence` its server is pinged.
    pub(super) async fn serve(
        &self,
        identity: Identity,
        pooled: &Arc<PooledConnection>,
        connection: &Connection,
        silence: Duration,
    ) {
        tokio::select! {
            _ = connection.ended() => {}
            () = connection.handle.inbound.stale() => {}
            () = pooled.stop.cancelled() => {}
            () = self.idle(identity, pooled) => {}
            // It closes the inbound messages, which ends the connection.
            never = connection.handle.keep_watch(silence) => match never {},
        }
    }

    /// Resolves once the connection was unused for long. It is removed from the pool by then.
    async fn idle(&self, identity: Identity, pooled: &Arc<PooledConnection>) {
        loop {
            sleep_until(pooled.idle_since().unwrap_or_else(Instant::now) + self.patience).await;
            // Leases are given under this lock.
            let mut connections = self.lock();
            if pooled.idle_since().is_some_and(|since| since + self.patience <= Instant::now()) {
                remove(&mut connections, identity, pooled);
                return;
            }
        }
    }

    /// Removes the connection, and notifies the calls that wait for it.
    pub(super) fn leave(&self, identity: Identity, pooled: &Arc<PooledConnection>) {
        remove(&mut self.lock(), identity, pooled);
        pooled.state.send_replace(PooledState::Ended);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Arc<PooledConnection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes this very connection, not one that has taken its place.
fn remove(
    connections: &mut HashMap<Identity, Arc<PooledConnection>>,
    identity: Identity,
    pooled: &Arc<PooledConnection>,
) {
    if connections.get(&identity).is_some_and(|there| Arc::ptr_eq(there, pooled)) {
        connections.remove(&identity);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use tokio::time::timeout;

    use super::*;
    use crate::upstream::protocol::forwarded::Forwarded;

    fn pool(most: usize) -> Pool {
        Pool { most, ..Pool::new(TaskTracker::new(), CancellationToken::new()) }
    }

    fn user(name: &'static str) -> Identity {
        let headers = HeaderMap::from_iter([(http::header::FROM, HeaderValue::from_static(name))]);
        Forwarded::new(headers).unwrap().identity().unwrap()
    }

    fn enter(pool: &Pool, name: &'static str) -> Option<Lease> {
        pool.enter(user(name), drop).ok()
    }

    #[tokio::test]
    async fn one_identity_has_one_lane() {
        let pool = pool(2);
        let [ada, again, bob] = ["ada", "ada", "bob"].map(|name| enter(&pool, name).unwrap().0.clone());
        assert!(Arc::ptr_eq(&ada, &again) && !Arc::ptr_eq(&ada, &bob));
        ada.state.send_replace(PooledState::Ended);
        assert!(!Arc::ptr_eq(&ada, &enter(&pool, "ada").unwrap().0), "one that has ended is of no use");
        pool.leave(user("ada"), &ada);
        assert_eq!(pool.lock().len(), 2, "what takes the place of an ended one stays");
    }

    #[tokio::test]
    async fn a_full_pool_closes_what_was_idle_for_the_longest_time() {
        let pool = pool(2);
        let (ada, bob) = (enter(&pool, "ada").unwrap(), enter(&pool, "bob").unwrap());
        assert!(enter(&pool, "eve").is_none(), "both are in use");
        let (first, second) = (bob.0.clone(), ada.0.clone());
        drop(bob);
        drop(ada);
        let eve = enter(&pool, "eve").unwrap();
        assert!(first.stop.is_cancelled() && !second.stop.is_cancelled());
        assert!(enter(&pool, "bob").is_some() && second.stop.is_cancelled());
        assert!(!eve.0.stop.is_cancelled());
    }

    #[tokio::test]
    async fn an_idle_lane_goes_and_a_used_one_stays() {
        const MOMENT: Duration = Duration::from_millis(20);
        for (patience, stays) in [(Duration::ZERO, false), (IDLE, true)] {
            let pool = Pool { patience, ..pool(1) };
            let lease = enter(&pool, "ada").unwrap();
            let pooled = lease.0.clone();
            assert!(timeout(MOMENT, pool.idle(user("ada"), &pooled)).await.is_err(), "it is in use");
            drop(lease);
            let before = pooled.idle_since();
            drop(enter(&pool, "ada").unwrap());
            assert!(pooled.idle_since() > before);
            assert_eq!(timeout(MOMENT, pool.idle(user("ada"), &pooled)).await.is_err(), stays);
            assert_eq!(pool.lock().is_empty(), !stays);
        }
    }

    #[tokio::test]
    async fn lanes_end_with_their_session() {
        let pool = pool(1);
        let lease = enter(&pool, "ada").unwrap();
        pool.stop.cancel();
        assert!(lease.0.stop.is_cancelled());
        pool.leave(user("ada"), &lease.0);
        assert!(matches!(lease.0.settled().await, Err(CallError::Unavailable { .. })));
    }
}

//! The connections of callers with an identity: how a call reaches one, and the task that owns it.

use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout_at};

use super::{
    connection::handle::ConnectionHandle,
    pool::pooled_connection::{self, Lease, PooledConnection, PooledState, RETRY},
    state::SessionState,
};
use crate::upstream::protocol::{
    error::CallError,
    forwarded::{Forwarded, Identity},
};

/// The connection of `identity`, which `forwarded` shows to the server; made if there is none.
pub(super) async fn reach(
    state: &Arc<SessionState>,
    forwarded: &Forwarded,
    identity: Identity,
    deadline: Instant,
) -> Result<(Arc<ConnectionHandle>, Lease), CallError> {
    let pool = &state.pool;
    let lease = pool.enter(identity, |pooled| {
        let life = live(state.clone(), pooled, identity, forwarded.clone());
        pool.tasks.spawn_on(life, &pool.runtime);
    })?;
    let late = |_| Err(pooled_connection::unavailable("the server is still connecting"));
    let handle = timeout_at(deadline, lease.0.settled()).await.unwrap_or_else(late)?;
    Ok((handle, lease))
}

/// Owns one connection from its first attempt to its end.
async fn live(
    state: Arc<SessionState>,
    pooled: Arc<PooledConnection>,
    identity: Identity,
    forwarded: Forwarded,
) {
    let pool = &state.pool;
    let connector = state.connector(Some(&forwarded));
    let attempt = Box::pin(connector.open_for_calls(&pool.tasks));
    match pooled.stop.run_until_cancelled(attempt).await {
        Some(Ok(connection)) => {
            connection.handle.enter_service(state.renewals.fruitless_patience());
            pooled.state.send_replace(PooledState::Open(connection.handle.clone()));
            let silence = state.config.bounds.idle;
            pool.serve(identity, &pooled, &connection, silence).await;
            pool.leave(identity, &pooled);
            if connection.handle.inbound.is_closed() {
                connection.close().await;
            } else {
                connection.retire(state.config.bounds.call, &pooled.stop).await;
            }
        }
        Some(Err(error)) => {
            pooled.state.send_replace(PooledState::Failed(error));
            pooled.stop.run_until_cancelled(sleep(RETRY)).await;
            pool.leave(identity, &pooled);
        }
        None => pool.leave(identity, &pooled),
    }
}

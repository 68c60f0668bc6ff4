//! The connections of callers with an identity: how a call reaches one, and the task that owns it.

use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout_at};

use super::{
    connection::Caller,
    pool::pooled_connection::{self, Lane, Lease, RETRY, State},
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
) -> Result<(Arc<Caller>, Lease), CallError> {
    let pool = &state.pool;
    let lease = pool.enter(identity, |lane| {
        let life = live(state.clone(), lane, identity, forwarded.clone());
        pool.tasks.spawn_on(life, &pool.runtime);
    })?;
    let late = |_| Err(pooled_connection::unavailable("the server is still connecting"));
    let caller = timeout_at(deadline, lease.0.settled()).await.unwrap_or_else(late)?;
    Ok((caller, lease))
}

/// Owns one connection from its first attempt to its end.
async fn live(state: Arc<SessionState>, lane: Arc<Lane>, identity: Identity, forwarded: Forwarded) {
    let pool = &state.pool;
    let dial = state.dial(Some(&forwarded));
    let attempt = Box::pin(dial.open_for_calls(&pool.tasks));
    match lane.stop.run_until_cancelled(attempt).await {
        Some(Ok(connection)) => {
            connection.caller.enter_service(state.renewals.fruitless_patience());
            lane.state.send_replace(State::Open(connection.caller.clone()));
            let silence = state.config.bounds.idle;
            pool.serve(identity, &lane, &connection, silence).await;
            pool.leave(identity, &lane);
            if connection.caller.inbox.is_closed() {
                connection.close().await;
            } else {
                connection.retire(state.config.bounds.call, &lane.stop).await;
            }
        }
        Some(Err(error)) => {
            lane.state.send_replace(State::Failed(error));
            lane.stop.run_until_cancelled(sleep(RETRY)).await;
            pool.leave(identity, &lane);
        }
        None => pool.leave(identity, &lane),
    }
}

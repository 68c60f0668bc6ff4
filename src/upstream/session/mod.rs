//! One server's session: the handle that callers hold. The `supervisor` runs its task.
//!
//! Invariant: a request is sent a second time only if the first never reached the tool, or if a second run does no more
//! than the first. No call outlives its deadline, whatever it waits for.

mod backoff;
mod concurrency_limit;
pub(super) mod connection;
pub(super) mod connection_stats;
mod health;
mod identified;
mod pace;
mod pool;
mod recycler;
mod renewals;
mod state;
pub(super) mod status;
mod supervisor;

use std::sync::Arc;

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    connection::{handle::ConnectionHandle, tool_call},
    connection_stats::ConnectionStats,
    pool::{Pool, pooled_connection::Lease},
    recycler::Recycler,
    state::SessionState,
    status::Status,
};
use super::protocol::{
    error::CallError,
    json_rpc::reply::RawResult,
    request::{Call, Trust},
};
use crate::{child::Confinement, config, oauth::Authorizer};

/// A handle on one server's session; clones share it.
#[derive(Clone)]
pub struct Session {
    state: Arc<SessionState>,
}

impl Session {
    /// Starts the session's task on `tasks`; it ends, with everything it has started, soon after `stop`.
    /// `max_message` bounds what the server may send at once, in bytes; `stats` is counted on.
    pub fn start(
        config: config::Server,
        authorizer: Option<Authorizer>,
        stats: Arc<ConnectionStats>,
        max_message: usize,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let pool = Pool::new(tasks.clone(), stop.clone());
        let state = Arc::new(SessionState::new(config, authorizer, stats, max_message, pool));
        tasks.spawn(supervisor::run(state.clone(), tasks.clone(), stop));
        Self { state }
    }

    /// Whether both are handles on one session.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// The server as configured.
    pub fn config(&self) -> &config::Server {
        &self.state.config
    }

    /// The server's authorization; `None` if it takes no tokens.
    pub fn authorizer(&self) -> Option<&Authorizer> {
        self.state.authorizer.as_ref()
    }

    /// The session's status, now and as it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.state.status.subscribe()
    }

    /// The counts of its server's connections.
    pub fn stats(&self) -> &Arc<ConnectionStats> {
        &self.state.stats
    }

    /// How often its program was started again; `None` if it has none.
    pub fn restarts(&self) -> Option<u64> {
        self.state.is_program().then(|| self.state.stats.restarts())
    }

    /// What the sandbox of its program does; `None` if it has none, or was never started.
    pub fn confinement(&self) -> Option<Arc<Confinement>> {
        self.state.view.confinement.load_full()
    }

    /// The error of a call that needs a connection while there is none.
    pub fn unavailable(&self) -> CallError {
        self.state.unavailable()
    }

    /// How many of its calls run now.
    pub fn running(&self) -> usize {
        self.state.concurrency.running()
    }

    /// How many of its calls wait for their turn now.
    pub fn queued(&self) -> usize {
        self.state.concurrency.queued()
    }

    /// The deadline of a call that begins now.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.state.config.bounds.call
    }

    /// Calls a tool. Waits for a connection and for its turn, but not longer than `deadline`. Dropping the future
    /// cancels the call upstream.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the tool may have run.
    pub async fn call(&self, call: Call<'_>, deadline: Instant) -> Result<RawResult, CallError> {
        let _in_use = self.state.recycler.as_ref().map(Recycler::enter);
        let (handle, lease) = self.reach(call, deadline).await.map_err(CallError::redacted)?;
        let _turn = self.state.concurrency.enter(deadline).await?;
        let outcome = self.run(&handle, call, deadline).await.map_err(CallError::redacted);
        // A refusal of one caller's own headers says nothing about the server.
        if lease.is_none() || outcome.is_ok() {
            self.state.health.note(&outcome);
        }
        outcome
    }

    /// Sends a call, twice at most.
    async fn run(
        &self,
        handle: &Arc<ConnectionHandle>,
        call: Call<'_>,
        deadline: Instant,
    ) -> Result<RawResult, CallError> {
        let error = match self.attempt(handle, call, deadline, handle.trust()).await {
            Err(error) if error.may_go_again(call.repeatable) => error,
            done => return done,
        };
        // A server that still answers keeps its connection: the fault was the request's alone.
        let checked = async {
            handle.check().await;
            self.reach(call, deadline).await
        };
        match (timeout_at(deadline, checked).await, error) {
            (Ok(Ok((again, _lease))), _) => {
                // A refusal by a new session is believed.
                if Arc::ptr_eq(handle, &again) {
                    return self.attempt(&again, call, deadline, again.trust()).await;
                }
                let outcome = self.attempt(&again, call, deadline, Trust::Believe).await;
                self.state.renewals.note(&outcome);
                outcome
            }
            // That it may have run matters more than why it is not sent again.
            (_, lost @ CallError::Lost(_)) => Err(lost),
            (Ok(Err(unavailable)), _) => Err(unavailable),
            (Err(_), error) => Err(error),
        }
    }

    async fn attempt(
        &self,
        handle: &ConnectionHandle,
        call: Call<'_>,
        deadline: Instant,
        trust: Trust,
    ) -> Result<RawResult, CallError> {
        timeout_at(deadline, tool_call::call(handle, call, trust)).await.unwrap_or_else(|_| {
            handle.inbound.suspect();
            Err(CallError::Deadline(self.state.config.bounds.call))
        })
    }

    /// The connection for a call. If its headers identify the caller, that is a connection of the caller's own. A
    /// process gets the headers with each call instead.
    async fn reach(
        &self,
        call: Call<'_>,
        deadline: Instant,
    ) -> Result<(Arc<ConnectionHandle>, Option<Lease>), CallError> {
        let identified = call.forwarded.and_then(|forwarded| Some((forwarded, forwarded.identity()?)));
        match identified.filter(|_| self.state.config.upstream.remote().is_some()) {
            Some((forwarded, identity)) => {
                let (handle, lease) = identified::reach(&self.state, forwarded, identity, deadline).await?;
                Ok((handle, Some(lease)))
            }
            None => Ok((self.state.connection(deadline).await?, None)),
        }
    }
}

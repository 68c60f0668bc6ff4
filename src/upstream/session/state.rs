//! What a session's handles and its task share: the open connection, the status, and the callers that wait.
//!
//! Invariant: callers that find no connection share one attempt to connect, and wait no longer than their deadlines.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};

use super::{
    concurrency_limit::ConcurrencyLimit,
    connection::{
        connector::Connector,
        handle::{ConnectionHandle, ToolHeaders},
    },
    connection_stats::ConnectionStats,
    health::Health,
    pool::Pool,
    recycler::Recycler,
    renewals::Renewals,
    status::Status,
};
use crate::{
    config::{self, Upstream},
    held::Holder,
    oauth::Authorizer,
    upstream::{
        protocol::{error::CallError, forwarded::Forwarded},
        transport::stdio::ProgramView,
    },
};

/// When to ask again while nothing better is known.
const SOON: Duration = Duration::from_millis(500);

/// What the handles and the session's task share.
pub(super) struct SessionState {
    pub(super) config: config::Server,
    /// `None` for servers that take no tokens.
    pub(super) authorizer: Option<Authorizer>,
    /// The largest message the server may send, in bytes.
    max_message: usize,
    /// Counts what its connections hold of messages that have not come whole.
    holder: Arc<Holder>,
    pub(super) status: watch::Sender<Status>,
    pub(super) handle: ArcSwapOption<ConnectionHandle>,
    pub(super) stats: Arc<ConnectionStats>,
    /// Counts the calls of all its connections.
    pub(super) concurrency: ConcurrencyLimit,
    tools: ToolHeaders,
    /// What is seen of its program.
    pub(super) view: ProgramView,
    /// The connections of callers with an identity.
    pub(super) pool: Pool,
    /// Whether it was ever connected. Before that, callers do not wait for it.
    held: AtomicBool,
    /// Notified when an attempt to connect has ended. Its receivers are the callers that wait for it.
    attempts: watch::Sender<()>,
    /// Notified when a caller begins to wait.
    wanted: Notify,
    /// Whether its calls fail one after another.
    pub(super) health: Health,
    /// `None` if its program is never started anew without need.
    pub(super) recycler: Option<Recycler>,
    /// Whether new sessions were of any help.
    pub(super) renewals: Renewals,
}

impl SessionState {
    /// The state of a session that has not connected yet.
    pub(super) fn new(
        config: config::Server,
        authorizer: Option<Authorizer>,
        stats: Arc<ConnectionStats>,
        max_message: usize,
        pool: Pool,
    ) -> Self {
        Self {
            concurrency: ConcurrencyLimit::new(&config.bounds),
            recycler: Recycler::new(&config.upstream),
            tools: ToolHeaders::default(),
            view: ProgramView::default(),
            pool,
            stats,
            config,
            authorizer,
            max_message,
            holder: Arc::default(),
            status: watch::Sender::new(Status::Connecting),
            handle: ArcSwapOption::empty(),
            held: AtomicBool::new(false),
            attempts: watch::Sender::new(()),
            wanted: Notify::new(),
            health: Health::default(),
            renewals: Renewals::default(),
        }
    }

    /// What it takes to connect: for the caller of these headers if there are any, for all callers otherwise.
    pub(super) fn connector<'a>(&'a self, forwarded: Option<&'a Forwarded>) -> Connector<'a> {
        Connector {
            server: &self.config,
            authorizer: self.authorizer.as_ref(),
            forwarded,
            max_message: self.max_message,
            holder: &self.holder,
            tools: &self.tools,
            view: &self.view,
        }
    }

    pub(super) fn is_program(&self) -> bool {
        matches!(self.config.upstream, Upstream::Stdio(_))
    }

    /// Opens a connection to callers.
    pub(super) fn connected(&self, handle: Arc<ConnectionHandle>, renewed: bool) {
        if renewed {
            handle.enter_service(self.renewals.patience());
        } else {
            handle.enter_service(Duration::ZERO);
            self.health.reset();
        }
        self.handle.store(Some(handle));
        self.stats.connected();
        self.held.store(true, Ordering::Release);
        self.tell_waiting();
    }

    /// Ends an attempt that brought no connection.
    pub(super) fn conclude(&self, status: Status) {
        self.status.send_replace(status);
        self.tell_waiting();
    }

    /// Notifies callers that wait that the attempt has ended. They look at its outcome themselves.
    pub(super) fn tell_waiting(&self) {
        self.attempts.send_replace(());
    }

    /// Resolves when a caller waits for a connection.
    pub(super) async fn wanted(&self) {
        while self.attempts.receiver_count() == 0 {
            self.wanted.notified().await;
        }
    }

    fn open_handle(&self) -> Option<Arc<ConnectionHandle>> {
        self.handle.load_full().filter(|handle| handle.inbound.is_open())
    }

    /// The open connection. If it was lost, the caller waits for the one attempt that all such callers share.
    pub(super) async fn connection(&self, deadline: Instant) -> Result<Arc<ConnectionHandle>, CallError> {
        if let Some(handle) = self.open_handle() {
            return Ok(handle);
        }
        if self.hopeless() {
            return Err(self.unavailable());
        }
        let mut attempts = self.attempts.subscribe();
        // It may have connected just before the subscription, or stopped.
        if let Some(handle) = self.open_handle() {
            return Ok(handle);
        }
        if !self.hopeless() {
            self.wanted.notify_one();
            let _ = timeout_at(deadline, attempts.changed()).await;
        }
        self.open_handle().ok_or_else(|| self.unavailable())
    }

    /// Whether waiting is of no use: no attempt has ever succeeded, a person has to act first, or the session has ended.
    fn hopeless(&self) -> bool {
        match &*self.status.borrow() {
            Status::Stopped => true,
            Status::NeedsAuthorization(_) if self.login_needed() => true,
            Status::Connecting => false,
            _ => !self.held.load(Ordering::Acquire),
        }
    }

    fn login_needed(&self) -> bool {
        self.authorizer.as_ref().is_some_and(|authorizer| authorizer.login_needed().is_some())
    }

    /// The error of a call that needs a connection while there is none.
    pub(super) fn unavailable(&self) -> CallError {
        let (reason, retry_after) = match &*self.status.borrow() {
            Status::Down { reason, retry, soonest, .. } => {
                // Once it was connected, a call brings the next attempt forward.
                let next = if self.held.load(Ordering::Acquire) { soonest } else { retry };
                (reason.clone(), next.saturating_duration_since(Instant::now()).max(SOON))
            }
            // After a login the session is about to connect, even if its status does not say so yet.
            Status::NeedsAuthorization(login) if self.login_needed() => {
                return CallError::LoginNeeded(login.clone());
            }
            Status::Stopped => ("the server is being stopped".into(), SOON),
            Status::Connecting | Status::Ready(_) | Status::Failing(..) | Status::NeedsAuthorization(_) => {
                ("the server is still connecting".into(), SOON)
            }
        };
        CallError::Unavailable { reason, retry_after }
    }
}

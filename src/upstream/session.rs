//! One server's session: the handle that callers hold, and the task that keeps it connected.

use std::{
    convert::Infallible,
    future::pending,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use serde_json::value::RawValue;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    connection::{Caller, Connection},
    dial::Dial,
    error::CallError,
    listing::{self, Listing},
    rounds,
    trace_context::TraceContext,
};
use crate::{
    config,
    oauth::{Authorizer, LoginNeeded},
};

/// How long listing the tools anew may take.
const LIST: Duration = Duration::from_secs(30);
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// A connection that held for this long was a good one: the next back-off starts anew.
const SETTLED: Duration = Duration::from_secs(60);

/// What a session is doing.
#[derive(Debug, Clone)]
pub enum Status {
    /// The first attempt is under way.
    Connecting,
    /// Tools can be called.
    Ready(Arc<Listing>),
    /// A person has to log in; it goes on by itself then.
    NeedsAuthorization(Box<LoginNeeded>),
    /// Not connected.
    Down {
        /// Why, in a sentence.
        reason: String,
        /// When the next attempt starts.
        retry: Instant,
    },
    /// Ended for good.
    Stopped,
}

/// A handle on one server's session; clones share it.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    config: config::Server,
    /// Nothing for servers that take no tokens.
    authorizer: Option<Authorizer>,
    /// The largest message the server may send, in bytes.
    max_message: usize,
    status: watch::Sender<Status>,
    caller: ArcSwapOption<Caller>,
    /// How many were made.
    connections: AtomicU64,
}

impl Shared {
    fn dial(&self) -> Dial<'_> {
        Dial { server: &self.config, authorizer: self.authorizer.as_ref(), max_message: self.max_message }
    }
}

impl Session {
    /// Starts the session's task on `tasks`; it ends, with everything it has started, soon after `stop`.
    /// `max_message` bounds what the server may send at once, in bytes.
    pub fn start(
        config: config::Server,
        authorizer: Option<Authorizer>,
        max_message: usize,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let status = watch::Sender::new(Status::Connecting);
        let caller = ArcSwapOption::empty();
        let connections = AtomicU64::new(0);
        let shared = Arc::new(Shared { config, authorizer, max_message, status, caller, connections });
        tasks.spawn(run(shared.clone(), tasks.clone(), stop));
        Self { shared }
    }

    /// The server as configured.
    pub fn config(&self) -> &config::Server {
        &self.shared.config
    }

    /// The server's authorization, where it can have one.
    pub fn authorizer(&self) -> Option<&Authorizer> {
        self.shared.authorizer.as_ref()
    }

    /// The session's status, now and as it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// How many connections it has made so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Relaxed)
    }

    /// Calls a tool with `arguments` as they are, as a part of the caller's `trace`. Dropping the future cancels the call upstream.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the tool may have run.
    pub async fn call(
        &self,
        tool: &str,
        arguments: &RawValue,
        trace: Option<&TraceContext>,
    ) -> Result<Box<RawValue>, CallError> {
        let Some(caller) = self.shared.caller.load_full() else {
            return Err(self.unavailable());
        };
        let limit = self.shared.config.timeout;
        let call = rounds::call(&caller, tool, arguments, trace);
        timeout(limit, call).await.unwrap_or(Err(CallError::Deadline(limit)))
    }

    fn login_needed(&self) -> bool {
        self.shared.authorizer.as_ref().is_some_and(|authorizer| authorizer.login_needed().is_some())
    }

    /// Why there is no connection, for a caller that would need one.
    pub fn unavailable(&self) -> CallError {
        let (reason, retry_after) = match &*self.shared.status.borrow() {
            Status::Down { reason, retry } => {
                (reason.clone(), retry.saturating_duration_since(Instant::now()))
            }
            // Once somebody has logged in, the session is about to connect, even where it has not said so yet.
            Status::NeedsAuthorization(login) if self.login_needed() => {
                return CallError::LoginNeeded(login.clone());
            }
            Status::Stopped => ("the server is being stopped".into(), FIRST_BACK_OFF),
            Status::Connecting | Status::Ready(_) | Status::NeedsAuthorization(_) => {
                ("the server is still connecting".into(), FIRST_BACK_OFF)
            }
        };
        CallError::Unavailable { reason, retry_after }
    }
}

/// The session's task.
async fn run(shared: Arc<Shared>, tasks: TaskTracker, stop: CancellationToken) {
    let server = shared.config.name.as_str();
    let mut back_off = BackOff::default();
    while let Some(attempt) = stop.run_until_cancelled(Box::pin(shared.dial().open(&tasks))).await {
        let since = Instant::now();
        let reason = match attempt {
            Ok((connection, listing)) => match serve(&shared, connection, listing, &stop).await {
                Some(reason) => reason,
                None => break,
            },
            Err(error) => match error.login_needed() {
                Some(login) => {
                    shared.status.send_replace(Status::NeedsAuthorization(Box::new(login.clone())));
                    if stop.run_until_cancelled(authorized(shared.authorizer.as_ref())).await.is_none() {
                        break;
                    }
                    shared.status.send_replace(Status::Connecting);
                    back_off = BackOff::default();
                    continue;
                }
                None => error.to_string(),
            },
        };
        if since.elapsed() >= SETTLED {
            back_off = BackOff::default();
        }
        let wait = back_off.next();
        warn!(server, reason, retry_in = ?wait, "not connected");
        shared.status.send_replace(Status::Down { reason, retry: Instant::now() + wait });
        if stop.run_until_cancelled(sleep(wait)).await.is_none() {
            break;
        }
    }
    shared.status.send_replace(Status::Stopped);
}

/// Serves calls until the connection ends; gives the reason, or nothing when the session was stopped.
async fn serve(
    shared: &Shared,
    connection: Connection,
    listing: Listing,
    stop: &CancellationToken,
) -> Option<String> {
    let server = shared.config.name.as_str();
    let authorizer = shared.authorizer.as_ref();
    let mut fresh = pin!(keep_fresh(authorizer));
    shared.caller.store(Some(connection.caller.clone()));
    shared.connections.fetch_add(1, Relaxed);
    let mut listing = Arc::new(listing);
    let reason = loop {
        // While a login is wanted the connection is kept: calls go on as soon as there is a token.
        let login = authorizer.and_then(Authorizer::login_needed);
        let shown = login.as_ref().map(|login| login.reason.clone());
        shared
            .status
            .send_replace(login.map_or_else(|| Status::Ready(listing.clone()), Status::NeedsAuthorization));
        tokio::select! {
            reason = connection.ended() => break Some(reason),
            () = stop.cancelled() => break None,
            changed = changed_listing(server, &connection) => {
                info!(server, tools = changed.tools.len(), "the server's tools have changed");
                listing = Arc::new(changed);
            }
            () = login_wish_changed(authorizer, shown.clone()) => {}
            () = authorized(authorizer), if shown.is_some() => {}
            never = &mut fresh => match never {},
        }
    };
    shared.caller.store(None);
    connection.close().await;
    reason
}

async fn authorized(authorizer: Option<&Authorizer>) {
    match authorizer {
        Some(authorizer) => authorizer.authorized().await,
        None => pending().await,
    }
}

async fn keep_fresh(authorizer: Option<&Authorizer>) -> Infallible {
    match authorizer {
        Some(authorizer) => authorizer.keep_fresh().await,
        None => pending().await,
    }
}

/// Resolves when the wish for a login is another than the one `shown`.
async fn login_wish_changed(authorizer: Option<&Authorizer>, shown: Option<String>) {
    let Some(authorizer) = authorizer else { return pending().await };
    let mut standing = authorizer.standing();
    // It fails only where the authorizer is gone, and that is held here.
    let _ = standing.wait_for(|now| now.reason() != shown.as_deref()).await;
}

/// Waits for the server to say that its tools have changed, and lists them anew.
async fn changed_listing(server: &str, connection: &Connection) -> Listing {
    loop {
        connection.tools_changed().await;
        match timeout(LIST, listing::tools(server, &connection.caller)).await {
            Ok(Ok(tools)) => return Listing { info: connection.info.clone(), tools },
            Ok(Err(error)) => warn!(server, %error, "kept the former list of tools"),
            Err(_) => warn!(server, "kept the former list of tools: no answer within {} s", LIST.as_secs()),
        }
    }
}

/// Doubling waits, spread so that servers that fell together do not come back together.
struct BackOff(Duration);

impl Default for BackOff {
    fn default() -> Self {
        Self(FIRST_BACK_OFF)
    }
}

impl BackOff {
    fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST_BACK_OFF);
        wait.mul_f64(fastrand::f64().mul_add(0.4, 0.8))
    }
}

//! One server's session: the handle that callers hold, and the task that keeps it connected.

use std::{sync::Arc, time::Duration};

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
    error::{CallError, ConnectError},
    listing::{self, Listing},
    message::{Params, RawReply},
};
use crate::config;

/// How long connecting and listing may take: `npx` and `uvx` may have to fetch a package first.
const CONNECT: Duration = Duration::from_secs(120);
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
    /// The largest message the server may send, in bytes.
    max_message: usize,
    status: watch::Sender<Status>,
    caller: ArcSwapOption<Caller>,
}

impl Session {
    /// Starts the session's task on `tasks`; it ends, with everything it has started, soon after `stop`.
    /// `max_message` bounds what the server may send at once, in bytes.
    pub fn start(
        config: config::Server,
        max_message: usize,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let status = watch::Sender::new(Status::Connecting);
        let shared = Arc::new(Shared { config, max_message, status, caller: ArcSwapOption::empty() });
        tasks.spawn(run(shared.clone(), tasks.clone(), stop));
        Self { shared }
    }

    /// The server as configured.
    pub fn config(&self) -> &config::Server {
        &self.shared.config
    }

    /// The session's status, now and as it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// Calls a tool with `arguments` as they are. Dropping the future cancels the call upstream.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the tool may have run.
    pub async fn call(&self, tool: &str, arguments: &RawValue) -> Result<Box<RawValue>, CallError> {
        let Some(caller) = self.shared.caller.load_full() else {
            return Err(self.unavailable());
        };
        let params = Params { name: Some(tool), arguments: Some(arguments), ..Params::default() };
        let limit = self.shared.config.timeout;
        let reply: RawReply = match timeout(limit, caller.request("tools/call", params)).await {
            Ok(reply) => reply?,
            Err(_) => return Err(CallError::Deadline(limit)),
        };
        reply.map_err(CallError::Rpc)
    }

    /// Why there is no connection, for a caller that would need one.
    pub fn unavailable(&self) -> CallError {
        let (reason, retry_after) = match &*self.shared.status.borrow() {
            Status::Down { reason, retry } => {
                (reason.clone(), retry.saturating_duration_since(Instant::now()))
            }
            Status::Stopped => ("the server is being stopped".into(), FIRST_BACK_OFF),
            Status::Connecting | Status::Ready(_) => {
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
    while let Some(attempt) = stop.run_until_cancelled(Box::pin(connect(&shared, &tasks))).await {
        let since = Instant::now();
        let reason = match attempt {
            Ok((connection, listing)) => match serve(&shared, connection, listing, &stop).await {
                Some(reason) => reason,
                None => break,
            },
            Err(error) => error.to_string(),
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

async fn connect(shared: &Shared, tasks: &TaskTracker) -> Result<(Connection, Listing), ConnectError> {
    let config = &shared.config;
    let attempt = async {
        let connection = Connection::open(config, shared.max_message, tasks).await?;
        match listing::tools(&config.name, &connection.caller).await {
            Ok(tools) => {
                let info = connection.info.clone();
                Ok((connection, Listing { info, tools }))
            }
            Err(error) => {
                connection.close().await;
                Err(error)
            }
        }
    };
    timeout(CONNECT, attempt).await.unwrap_or(Err(ConnectError::Timeout(CONNECT)))
}

/// Serves calls until the connection ends; gives the reason, or nothing when the session was stopped.
async fn serve(
    shared: &Shared,
    connection: Connection,
    listing: Listing,
    stop: &CancellationToken,
) -> Option<String> {
    let server = shared.config.name.as_str();
    shared.caller.store(Some(connection.caller.clone()));
    shared.status.send_replace(Status::Ready(Arc::new(listing)));
    let reason = loop {
        tokio::select! {
            reason = connection.ended() => break Some(reason),
            () = stop.cancelled() => break None,
            listing = changed_listing(server, &connection) => {
                info!(server, tools = listing.tools.len(), "the server's tools have changed");
                shared.status.send_replace(Status::Ready(Arc::new(listing)));
            }
        }
    };
    shared.caller.store(None);
    connection.close().await;
    reason
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

//! The task of one session: it connects, lists the tools, watches the connection to its end, and connects again, for
//! ever.

use std::{convert::Infallible, fmt::Display, future::pending, pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    backoff::Backoff,
    connection::{
        Connection,
        tool_list::{self, Pages},
    },
    pace::Pace,
    recycler::Recycler,
    state::SessionState,
    status::Status,
};
use crate::{
    bounds::Bound,
    excerpt::sentence,
    oauth::Authorizer,
    upstream::protocol::{error::ConnectError, human_duration::HumanDuration, listing::Listing},
};

/// How long listing the tools anew may take.
const LIST: Duration = Duration::from_secs(30);

/// How long failed calls count if no other call follows.
const FORGIVEN: Duration = Duration::from_secs(60);
/// How long an attempt to connect may take before the log says that it still goes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps the session connected until `stop`.
pub(super) async fn run(state: Arc<SessionState>, tasks: TaskTracker, stop: CancellationToken) {
    let counted = state.is_program();
    let mut backoff = Backoff::new(counted.then_some(state.config.bounds.restarts), Instant::now());
    // The connection that the next one replaces; calls are still under way on it.
    let mut former: Option<Connection> = None;
    loop {
        backoff.start(Instant::now());
        let Some(attempt) = stop.run_until_cancelled(Box::pin(connect(&state, &tasks))).await else { break };
        backoff.end(Instant::now());
        if counted && !matches!(attempt, Err(ConnectError::Spawn { .. })) {
            state.stats.started();
        }
        let renewed = former.is_some();
        if let Some(former) = former.take() {
            let (patience, stop) = (state.config.bounds.call, stop.clone());
            tasks.spawn(async move { former.retire(patience, &stop).await });
        }
        match attempt {
            Ok((connection, listing)) => {
                match serve(&state, &connection, listing, renewed, backoff.soonest(), &stop).await {
                    End::Renewal => former = Some(connection),
                    // Nothing of the old one may be left when the new one starts: both may want the same files.
                    End::Recycled => connection.close().await,
                    End::Lost(reason) => {
                        let retry = down(&state, &mut backoff, &reason);
                        connection.close().await;
                        if !rest(&state, retry, backoff.soonest(), &stop).await {
                            break;
                        }
                    }
                    End::Stop => {
                        connection.close().await;
                        break;
                    }
                }
            }
            Err(error) => match error.login_needed() {
                Some(login) => {
                    state.conclude(Status::NeedsAuthorization(Box::new(login.clone())));
                    if stop.run_until_cancelled(authorized(state.authorizer.as_ref())).await.is_none() {
                        break;
                    }
                    state.status.send_replace(Status::Connecting);
                    backoff.reset();
                }
                None => {
                    let retry = down(&state, &mut backoff, &error);
                    state.tell_waiting();
                    if !rest(&state, retry, backoff.soonest(), &stop).await {
                        break;
                    }
                }
            },
        }
    }
    if let Some(former) = former {
        former.close().await;
    }
    state.conclude(Status::Stopped);
}

/// One attempt to connect. If it takes long, the log says so meanwhile.
async fn connect(state: &SessionState, tasks: &TaskTracker) -> Result<(Connection, Listing), ConnectError> {
    let server = state.config.name.as_str();
    let start = Instant::now();
    let connector = state.connector(None);
    let mut attempt = pin!(connector.open(tasks));
    loop {
        match timeout(PATIENCE, &mut attempt).await {
            Ok(done) => return done,
            Err(_) => {
                let download = if state.is_program() { "; its program may be downloading" } else { "" };
                info!(server, "still connecting after {}{download}", HumanDuration(start.elapsed()));
            }
        }
    }
}

/// Reports that there is no connection. Returns when the next attempt starts.
fn down(state: &SessionState, backoff: &mut Backoff, reason: &dyn Display) -> Instant {
    let reason = sentence(reason);
    let stderr_tail = state.view.stderr_tail.text();
    let retry = backoff.next(Instant::now());
    let server = state.config.name.as_str();
    let retry_in = HumanDuration(retry.saturating_duration_since(Instant::now()));
    match &stderr_tail {
        Some(stderr_tail) => warn!(server, reason, stderr = stderr_tail, %retry_in, "not connected"),
        None => warn!(server, reason, %retry_in, "not connected"),
    }
    state.status.send_replace(Status::Down { reason, stderr_tail, retry, soonest: backoff.soonest() });
    retry
}

/// Waits for the next attempt's time, or, from `soonest` on, for a caller that wants it; false when stopped.
async fn rest(state: &SessionState, retry: Instant, soonest: Instant, stop: &CancellationToken) -> bool {
    let wanted = async {
        sleep_until(soonest).await;
        state.wanted().await;
    };
    let wait = async {
        tokio::select! {
            () = sleep_until(retry) => {}
            () = wanted => {}
        }
    };
    stop.run_until_cancelled(wait).await.is_some()
}

/// How a connection's service ends.
enum End {
    /// The session is to be opened anew beside the calls that are under way.
    Renewal,
    /// The program is to be started anew; no call is under way.
    Recycled,
    /// The connection was lost, for this reason.
    Lost(String),
    /// The session is to stop.
    Stop,
}

/// Serves calls until the connection ends.
async fn serve(
    state: &SessionState,
    connection: &Connection,
    listing: Listing,
    renewed: bool,
    soonest: Instant,
    stop: &CancellationToken,
) -> End {
    let server = state.config.name.as_str();
    let authorizer = state.authorizer.as_ref();
    let mut fresh = pin!(keep_fresh(authorizer));
    let mut watch = pin!(connection.handle.keep_watch(state.config.bounds.idle));
    let mut login = pin!(new_login(authorizer));
    let mut worn = pin!(worn(state.recycler.as_ref(), connection, soonest));
    // It lives as long as the loop, so that no change is missed while another event is handled.
    let mut listing = Arc::new(listing);
    let mut changes = pin!(changed_listing(server, connection, listing.clone(), Pace::new()));
    state.connected(connection.handle.clone(), renewed);
    let mut trouble = state.health.trouble();
    let end = loop {
        // While a login is wanted the connection is kept: calls go on as soon as there is a token.
        let login_needed = authorizer.and_then(Authorizer::login_needed);
        let shown = login_needed.as_ref().map(|login| login.reason.clone());
        let status = match (login_needed, trouble.borrow_and_update().clone()) {
            (Some(login), _) => Status::NeedsAuthorization(login),
            (None, Some(reason)) => Status::Failing(listing.clone(), reason),
            (None, None) => Status::Ready(listing.clone()),
        };
        let failing = matches!(status, Status::Failing(..));
        state.status.send_replace(status);
        tokio::select! {
            // Calls that are under way in a doubted session go on.
            biased;
            () = connection.handle.inbound.stale() => break End::Renewal,
            // It closes the connection, which must not count as lost.
            reason = &mut worn => {
                info!(server, "starts its program anew: {reason}");
                break End::Recycled;
            }
            reason = connection.ended() => break End::Lost(reason),
            // The session may belong to another account.
            () = &mut login => break End::Renewal,
            () = stop.cancelled() => break End::Stop,
            (changed, pace) = &mut changes => {
                info!(server, tools = changed.tools.len(), "the server's tools have changed");
                listing = Arc::new(changed);
                changes.set(changed_listing(server, connection, listing.clone(), pace));
            }
            () = needed_login_changed(authorizer, shown.clone()) => {}
            () = authorized(authorizer), if shown.is_some() => break End::Renewal,
            // Without a call to a server that is not ready, no call can show that it is ready again.
            () = sleep(FORGIVEN), if failing => state.health.reset(),
            // Its sender is the session's own.
            _ = trouble.changed() => {}
            never = &mut fresh => match never {},
            // It closes the inbound messages, which ends the connection.
            never = &mut watch => match never {},
        }
    };
    state.handle.store(None);
    if matches!(end, End::Renewal) {
        state.pool.renew();
    }
    end
}

/// Resolves with the reason once the program is to be started anew.
async fn worn(recycler: Option<&Recycler>, connection: &Connection, soonest: Instant) -> &'static str {
    match recycler {
        Some(recycler) => recycler.due(&connection.handle, soonest).await,
        None => pending().await,
    }
}

/// Resolves once a person has logged in.
async fn new_login(authorizer: Option<&Authorizer>) {
    match authorizer {
        Some(authorizer) => authorizer.new_login().await,
        None => pending().await,
    }
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
async fn needed_login_changed(authorizer: Option<&Authorizer>, shown: Option<String>) {
    let Some(authorizer) = authorizer else { return pending().await };
    let mut status = authorizer.status();
    // It fails only if the authorizer is gone, and it is held here.
    let _ = status.wait_for(|now| now.reason() != shown.as_deref()).await;
}

/// Waits for the server to say that its tools have changed, and lists them anew until they are others than those `known`.
async fn changed_listing(
    server: &str,
    connection: &Connection,
    known: Arc<Listing>,
    mut pace: Pace,
) -> (Listing, Pace) {
    loop {
        connection.tools_changed().await;
        let now = Instant::now();
        let next = pace.next(now);
        if next > now {
            Bound::ToolsChanged.hit();
        }
        // What is announced until then is seen by the same list.
        tokio::select! {
            biased;
            () = sleep_until(next) => {}
            never = ignore_changes(connection) => match never {},
        }
        match timeout(LIST, tool_list::tools(server, &connection.handle, Pages::All)).await {
            Ok(Ok(tools)) if tools == known.tools => {}
            Ok(Ok(tools)) => return (Listing { info: connection.info.clone(), tools }, pace),
            Ok(Err(error)) => warn!(server, %error, "kept the former list of tools"),
            Err(_) => {
                warn!(server, "kept the former list of tools: no answer within {}", HumanDuration(LIST));
            }
        }
    }
}

async fn ignore_changes(connection: &Connection) -> Infallible {
    loop {
        connection.tools_changed().await;
    }
}

//! The task of one session: it connects, lists the tools, watches the connection to its end, and connects again, for
//! ever.

use std::{convert::Infallible, future::pending, pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    connection::Connection,
    error::ConnectError,
    listing::{self, Listing},
    pace::Pace,
    session::{Shared, Status},
};
use crate::oauth::Authorizer;

/// How long listing the tools anew may take.
const LIST: Duration = Duration::from_secs(30);

/// Keeps the session connected until `stop`.
pub(super) async fn run(shared: Arc<Shared>, tasks: TaskTracker, stop: CancellationToken) {
    let counted = shared.is_program();
    let mut pace = Pace::new(counted.then_some(shared.config.bounds.restarts), Instant::now());
    loop {
        pace.start(Instant::now());
        let dial = shared.dial(None);
        let Some(attempt) = stop.run_until_cancelled(Box::pin(dial.open(&tasks))).await else { break };
        pace.end(Instant::now());
        if counted && !matches!(attempt, Err(ConnectError::Spawn { .. })) {
            shared.tally.started();
        }
        match attempt {
            Ok((connection, listing)) => {
                let Some(reason) = serve(&shared, &connection, listing, &stop).await else {
                    connection.close().await;
                    break;
                };
                let retry = down(&shared, &mut pace, reason);
                connection.close().await;
                if !rest(&shared, retry, pace.soonest(), &stop).await {
                    break;
                }
            }
            Err(error) => match error.login_needed() {
                Some(login) => {
                    shared.conclude(Status::NeedsAuthorization(Box::new(login.clone())));
                    if stop.run_until_cancelled(authorized(shared.authorizer.as_ref())).await.is_none() {
                        break;
                    }
                    shared.status.send_replace(Status::Connecting);
                    pace.reset();
                }
                None => {
                    let retry = down(&shared, &mut pace, error.to_string());
                    shared.tell_waiting();
                    if !rest(&shared, retry, pace.soonest(), &stop).await {
                        break;
                    }
                }
            },
        }
    }
    shared.conclude(Status::Stopped);
}

/// Says that there is no connection; gives when the next attempt starts.
fn down(shared: &Shared, pace: &mut Pace, reason: String) -> Instant {
    let retry = pace.next(Instant::now());
    let server = shared.config.name.as_str();
    warn!(server, reason, retry_in = ?retry.saturating_duration_since(Instant::now()), "not connected");
    shared.status.send_replace(Status::Down { reason, retry, soonest: pace.soonest() });
    retry
}

/// Waits for the next attempt's time, or, from `soonest` on, for a caller that wants it; false when stopped.
async fn rest(shared: &Shared, retry: Instant, soonest: Instant, stop: &CancellationToken) -> bool {
    let wanted = async {
        sleep_until(soonest).await;
        shared.wanted().await;
    };
    let wait = async {
        tokio::select! {
            () = sleep_until(retry) => {}
            () = wanted => {}
        }
    };
    stop.run_until_cancelled(wait).await.is_some()
}

/// Serves calls until the connection ends; gives the reason, or nothing when the session was stopped.
async fn serve(
    shared: &Shared,
    connection: &Connection,
    listing: Listing,
    stop: &CancellationToken,
) -> Option<String> {
    let server = shared.config.name.as_str();
    let authorizer = shared.authorizer.as_ref();
    let mut fresh = pin!(keep_fresh(authorizer));
    let mut watch = pin!(connection.caller.keep_watch(shared.config.bounds.idle));
    shared.connected(connection.caller.clone());
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
            changed = changed_listing(server, connection) => {
                info!(server, tools = changed.tools.len(), "the server's tools have changed");
                listing = Arc::new(changed);
            }
            () = login_wish_changed(authorizer, shown.clone()) => {}
            () = authorized(authorizer), if shown.is_some() => {}
            never = &mut fresh => match never {},
            // It closes the inbox, which ends the connection.
            never = &mut watch => match never {},
        }
    };
    shared.caller.store(None);
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

//! Whether a server that says nothing is still there (MCP 2025-11-25, Ping).
//!
//! A frozen process and a half-open connection look like silence, which may last for ever. After some silence, and after
//! a call that got no answer in time, the server is pinged. If it sends nothing at all, the connection ends; so it does
//! if a proxy in front cannot reach the server for some time.
//!
//! Invariant: a server that sends anything counts as alive. Its own refusal of the ping is an answer too.

use std::{convert::Infallible, future::pending, sync::atomic::Ordering, time::Duration};

use tokio::time::{sleep, timeout};

use super::handle::ConnectionHandle;
use crate::upstream::protocol::{error::TransportError, request::Params};

/// How long a pinged server may take to send anything.
const ANSWER: Duration = Duration::from_secs(10);
/// How often a ping may get a proxy's answer, one time after another: a short fault of it costs no session.
const MOST_REFUSALS: u32 = 3;
/// The wait after each time.
const RETRY: Duration = Duration::from_secs(1);

impl ConnectionHandle {
    /// Watches the server for as long as it is polled: pings it after a silence of `patience`, and ends the connection
    /// if it is gone.
    pub(crate) async fn keep_watch(&self, patience: Duration) -> Infallible {
        if self.unconnected() {
            return pending().await;
        }
        loop {
            let heard = self.inbound.heard();
            let suspected = tokio::select! {
                () = sleep(patience) => false,
                () = self.inbound.suspected() => true,
            };
            // A server may well be too busy with a call to answer a ping: only a call's deadline bounds that.
            let idle = self.in_flight.load(Ordering::Relaxed) == 0;
            if suspected || (idle && heard == self.inbound.heard()) {
                self.insist().await;
            }
        }
    }

    /// Pings as often as a proxy may answer in the server's place; then the connection ends.
    async fn insist(&self) {
        let heard = self.inbound.heard();
        for refusals in 1..=MOST_REFUSALS {
            let Some(error) = self.check().await.filter(|_| heard == self.inbound.heard()) else { return };
            if refusals == MOST_REFUSALS {
                return self.inbound.close(format!("the server cannot be reached: {error}"));
            }
            sleep(RETRY).await;
        }
    }

    /// Pings the server, and ends the connection if it is gone. Returns the answer of a proxy that cannot reach it.
    pub(crate) async fn check(&self) -> Option<TransportError> {
        if self.unconnected() || !self.inbound.is_open() {
            return None;
        }
        let heard = self.inbound.heard();
        match timeout(ANSWER, self.request("ping", Params::default(), self.trust())).await {
            // The ping was refused, so the server is there, and its session is opened anew.
            Ok(Err(TransportError::NotSent(_))) if !self.inbound.is_open() => {}
            Ok(Err(TransportError::NotSent(reason) | TransportError::Lost(reason))) => {
                self.inbound.close(format!("the server cannot be reached: {reason}"));
            }
            Ok(Err(error)) if error.says_unreachable() => return Some(error),
            Err(_) if heard == self.inbound.heard() => self.inbound.close("the server does not answer"),
            Ok(_) | Err(_) => {}
        }
        None
    }
}

//! `/status`: what each server is doing, and since when, for those who hold the key. Documented through paperclip.

use std::{fmt, iter, time::SystemTime};

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode, web::Data};
use jiff::Timestamp;
use paperclip::actix::{Apiv2Schema, api_v2_errors, api_v2_operation, web::Json};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    error::ApiError,
    guard,
    meter::Outcome,
    state::{Entry, Gateway, Mounting},
};
use crate::{config::Permission, oauth::Authorizer, openapi::encode_segment, upstream::Status};

/// What a server can be doing.
pub(super) const STATES: [&str; 6] =
    ["connecting", "ready", "needs authorization", "backing off", "stopped", "failing"];

/// The gateway and its servers.
#[derive(Debug, Serialize, Apiv2Schema)]
pub(super) struct Report {
    /// mcpo's own version.
    version: &'static str,
    /// How long it runs, in seconds.
    uptime: u64,
    /// Each server, in the config's order.
    servers: Vec<ServerReport>,
}

/// One server.
#[derive(Debug, Serialize, Apiv2Schema)]
struct ServerReport {
    /// Its name.
    name: String,
    /// "connecting", "ready", "needs authorization", "backing off", "stopped" or "failing": connected, but one call
    /// after another fails.
    state: &'static str,
    /// Since when, in the form of RFC 3339.
    since: String,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try: Option<String>,
    /// Where to log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_url: Option<String>,
    /// When the token expires, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires: Option<String>,
    /// Its page, relative to the gateway's root.
    docs: String,
    /// How many tools it had when it was last connected.
    tools: usize,
    /// Names of tools that it has and that no URL can lead to.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreachable: Option<Vec<String>>,
    /// How often its program was started again, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<u64>,
    /// The calls of these tools.
    calls: Calls,
}

/// How many calls there were.
#[derive(Debug, Default, Serialize, Apiv2Schema)]
struct Calls {
    /// Those that have ended.
    total: u64,
    /// Those of them that brought no result.
    failed: u64,
    /// Those under way.
    in_flight: u64,
    /// Those of them that the server works on.
    running: usize,
    /// Those that wait for their turn, since so many run already.
    queued: usize,
}

impl Report {
    fn of(gateway: &Gateway, permission: &Permission) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            uptime: gateway.insight.started.elapsed().as_secs(),
            servers: gateway
                .seen_with(permission)
                .servers()
                .map(|(name, entry)| ServerReport::of(name, entry, gateway, permission))
                .collect(),
        }
    }
}

impl ServerReport {
    fn of(name: &str, entry: &Entry, gateway: &Gateway, permission: &Permission) -> Self {
        let (reason, next_try, login) = match &entry.status {
            Status::NeedsAuthorization(login) => {
                (Some(login.reason.clone()), None, Some(login.url.to_string()))
            }
            Status::Down { reason, last_words, retry, .. } => {
                let last_words = last_words.iter().map(|words| format!("; the last on its stderr: {words}"));
                (Some(iter::once(reason.clone()).chain(last_words).collect()), time_of(*retry), None)
            }
            Status::Failing(_, reason) => (Some(reason.clone()), None, None),
            Status::Connecting | Status::Ready(_) | Status::Stopped => (None, None, None),
        };
        let credential = entry.session.authorizer().and_then(Authorizer::latest);
        let offer = entry.offer.as_deref();
        Self {
            name: name.to_owned(),
            state: state(&entry.status),
            since: rfc3339(entry.since),
            reason,
            next_try,
            authorization_url: login,
            token_expires: credential.and_then(|credential| expiry(credential.expires?)),
            docs: docs(name, gateway),
            tools: offer.map_or(0, |offer| offer.shown(permission).count()),
            unreachable: offer
                .filter(|_| !permission.is_limited())
                .map(|offer| offer.catalogue.unreachable.clone())
                .filter(|names| !names.is_empty()),
            restarts: entry.session.restarts(),
            calls: Calls::of(entry, permission),
        }
    }
}

impl Calls {
    fn of(entry: &Entry, permission: &Permission) -> Self {
        let (running, queued) = (entry.session.running(), entry.session.queued());
        let mut calls = Self { running, queued, ..Self::default() };
        let shown = entry.offer.as_deref().into_iter().flat_map(|offer| offer.shown(permission));
        for (_, meter) in shown {
            let total = meter.total();
            calls.total += total;
            calls.failed += total - meter.ended(Outcome::Ok).min(total);
            calls.in_flight += meter.in_flight();
        }
        calls
    }
}

/// One of [`STATES`].
pub(super) fn state(status: &Status) -> &'static str {
    match status {
        Status::Connecting => STATES[0],
        Status::Ready(_) => STATES[1],
        Status::NeedsAuthorization(_) => STATES[2],
        Status::Down { .. } => STATES[3],
        Status::Stopped => STATES[4],
        Status::Failing(..) => STATES[5],
    }
}

fn docs(name: &str, gateway: &Gateway) -> String {
    let home = match gateway.mounting {
        Mounting::Single => String::new(),
        Mounting::Named => format!("/{}", encode_segment(name)),
    };
    format!("{}{home}/docs", gateway.settings.base.prefix).trim_start_matches('/').to_owned()
}

fn time_of(instant: Instant) -> Option<String> {
    let left = instant.saturating_duration_since(Instant::now());
    Timestamp::now().checked_add(left).ok().map(rfc3339)
}

/// An authorization server may name a time that no calendar has.
fn expiry(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(rfc3339)
}

fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Why the status is not told.
#[api_v2_errors(401, description = "It needs the API key", 403, description = "The API key is wrong")]
#[derive(Debug)]
pub(super) struct Guarded(ApiError);

impl Guarded {
    /// The reason itself.
    pub(super) fn inner(&self) -> &ApiError {
        &self.0
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Guarded {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.0.error_response()
    }
}

#[api_v2_operation(
    summary = "What each server is doing, and since when",
    operation_id = "status",
    tags(gateway)
)]
pub(super) async fn status(request: HttpRequest, gateway: Data<Gateway>) -> Result<Json<Report>, Guarded> {
    let caller = guard::caller(&request).map_err(Guarded)?;
    Ok(Json(Report::of(&gateway, &caller.permission)))
}

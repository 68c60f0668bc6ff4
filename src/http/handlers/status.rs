//! `/status`: the state of each server, for authenticated callers, documented through paperclip.

use std::{iter, time::SystemTime};

use actix_web::{HttpRequest, web::Data};
use jiff::Timestamp;
use paperclip::actix::{Apiv2Schema, api_v2_operation, web::Json};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    config::Permission,
    excerpt::{Excerpt, sentence},
    http::{context::RequestContext, error::ApiError, observability::Observability},
    oauth::Authorizer,
    openapi::encode_segment,
    registry::{CallOutcome, Entry, Mounting, Registry, Snapshot},
    upstream::{Confinement, Status},
};

/// The states that a server can be in.
pub(super) const STATES: [&str; 6] =
    ["connecting", "ready", "needs authorization", "backing off", "stopped", "failing"];

/// The gateway and its servers.
#[derive(Debug, Serialize, Apiv2Schema)]
pub(in crate::http) struct Report {
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
    /// What its program is confined to, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<SandboxReport>,
    /// The calls of these tools.
    calls: Calls,
}

/// The sandbox of a program.
#[derive(Debug, Serialize, Apiv2Schema)]
struct SandboxReport {
    /// The parts that work.
    enforced: Vec<&'static str>,
    /// Those that this system lacks.
    missing: Vec<&'static str>,
}

impl SandboxReport {
    fn of(confinement: &Confinement) -> Self {
        let [enforced, missing] = [&confinement.enforced, &confinement.missing]
            .map(|parts| parts.iter().map(|part| part.name()).collect());
        Self { enforced, missing }
    }
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
    fn of(snapshot: &Snapshot, registry: &Registry, uptime: u64, permission: &Permission) -> Self {
        let servers = snapshot.visible(permission);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            uptime,
            servers: servers.map(|entry| ServerReport::of(entry, registry, permission)).collect(),
        }
    }
}

impl ServerReport {
    fn of(entry: &Entry, registry: &Registry, permission: &Permission) -> Self {
        let (reason, next_try, login) = match &entry.status {
            Status::NeedsAuthorization(login) => {
                (Some(sentence(&login.reason)), None, Some(login.url.to_string()))
            }
            Status::Down { reason, stderr_tail, retry, .. } => {
                let stderr_tail =
                    stderr_tail.iter().map(|words| format!("; the last on its stderr: {words}"));
                (Some(iter::once(reason.clone()).chain(stderr_tail).collect()), time_of(*retry), None)
            }
            Status::Failing(_, reason) => (Some(reason.clone()), None, None),
            Status::Connecting | Status::Ready(_) | Status::Stopped => (None, None, None),
        };
        let credential = entry.session().authorizer().and_then(Authorizer::latest);
        let served = entry.last_served();
        Self {
            name: entry.name().to_owned(),
            state: state(&entry.status),
            since: rfc3339(entry.since),
            reason,
            next_try,
            authorization_url: login,
            token_expires: credential.and_then(|credential| expiry(credential.expires?)),
            docs: docs(entry.name(), registry),
            tools: served.map_or(0, |served| served.visible(permission).count()),
            unreachable: served
                .filter(|_| !permission.is_limited())
                .map(|served| {
                    served.catalogue.unreachable.iter().map(|name| Excerpt(name).to_string()).collect()
                })
                .filter(|names: &Vec<_>| !names.is_empty()),
            restarts: entry.session().restarts(),
            sandbox: entry.session().confinement().as_deref().map(SandboxReport::of),
            calls: Calls::of(entry, permission),
        }
    }
}

impl Calls {
    fn of(entry: &Entry, permission: &Permission) -> Self {
        let (running, queued) = (entry.session().running(), entry.session().queued());
        let mut calls = Self { running, queued, ..Self::default() };
        let tools = entry.last_served().into_iter().flat_map(|served| served.visible(permission));
        for (_, metrics) in tools {
            let total = metrics.total();
            calls.total += total;
            calls.failed += total - metrics.ended(CallOutcome::Ok).min(total);
            calls.in_flight += metrics.in_flight();
        }
        calls
    }
}

/// Returns one of [`STATES`].
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

fn docs(name: &str, registry: &Registry) -> String {
    let home = match registry.mounting() {
        Mounting::Single => String::new(),
        Mounting::Named => format!("/{}", encode_segment(name)),
    };
    format!("{}{home}/docs", registry.settings().base.prefix).trim_start_matches('/').to_owned()
}

fn time_of(instant: Instant) -> Option<String> {
    let left = instant.saturating_duration_since(Instant::now());
    Timestamp::now().checked_add(left).ok().map(rfc3339)
}

/// Formats a token's expiry; `None` if an authorization server named a time out of range.
fn expiry(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(rfc3339)
}

fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[api_v2_operation(
    summary = "What each server is doing, and since when",
    operation_id = "status",
    tags(gateway)
)]
pub(in crate::http) async fn status(
    request: HttpRequest,
    registry: Data<Registry>,
    observability: Data<Observability>,
) -> Result<Json<Report>, ApiError> {
    let context = RequestContext::of(&request);
    let permission = context.require_caller()?;
    let uptime = observability.started.elapsed().as_secs();
    Ok(Json(Report::of(&context.take_snapshot(), &registry, uptime, permission)))
}

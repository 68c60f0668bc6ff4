//! `POST /{server}/{tool}`: the steps of a tool call, and its line in the log.

mod body;
mod check;
mod forwarding;
mod json_error;
mod result;
mod span;

use std::time;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::{
        StatusCode,
        header::{ContentType, HeaderMap},
    },
    web::Payload,
};
use tokio::time::Instant;
use tracing::{info, warn};

use self::span::CallSpan;
use super::{
    audit::{self, Recorded, Target},
    context::RequestContext,
    error::ApiError,
    observability::Observability,
    slices::Slices,
};
use crate::{
    catalogue::Tool,
    config::Limits,
    excerpt::sentence,
    held::Hold,
    registry::{CallOutcome, ToolMetrics},
    upstream::{Call, CallError, Session, TraceContext},
};

/// A request that calls a tool.
#[derive(Clone, Copy)]
pub(super) struct ToolRequest<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) context: &'a RequestContext,
    pub(super) observability: &'a Observability,
    pub(super) limits: &'a Limits,
    /// The time by which the call must have ended.
    pub(super) deadline: Instant,
}

/// Calls `tool` with the arguments in `payload`.
pub(super) async fn call(
    session: &Session,
    tool: &Tool,
    metrics: &ToolMetrics,
    incoming: ToolRequest<'_>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let (server, tracer) = (&session.config().name, &incoming.observability.tracer);
    if let Some(log) = &incoming.observability.audit {
        log.admit()?;
    }
    let start = time::Instant::now();
    let line = CallLine { incoming, server, tool: &tool.name, start, open: true };
    let caller = trace_context(incoming.request.headers());
    let span = tracer.as_ref().map(|tracer| CallSpan::begin(tracer, server, &tool.name, caller.as_ref()));
    let trace = match &span {
        Some(span) => span.context(caller),
        None => caller,
    };
    let timer = metrics.begin();
    let answer = answer(session, tool, incoming, payload, trace.as_ref()).await;
    let outcome = answer.as_ref().err().map_or(CallOutcome::Ok, ApiError::outcome);
    timer.end(outcome);
    if let Some(span) = span {
        span.end(&answer);
    }
    line.write(outcome, answer.as_ref().err()).await?;
    let (body, hold) = answer?;
    let mut response = HttpResponse::Ok();
    response.content_type(ContentType::json());
    Ok(match hold.is_small() {
        true => response.body(body),
        false => response.body(Slices::of_one(body.into(), hold)),
    })
}

/// Returns the response body, and what counts it.
async fn answer(
    session: &Session,
    tool: &Tool,
    incoming: ToolRequest<'_>,
    payload: Payload,
    trace: Option<&TraceContext>,
) -> Result<(String, Hold), ApiError> {
    let guarded = incoming.context.authenticator.config.is_closed();
    let forwarded = forwarding::of(session, incoming.request.headers(), guarded)?;
    let result = {
        let (mut hold, forwarded) = (Hold::default(), forwarded.as_ref());
        // A body counts twice, because its server is sent a copy.
        let take = |bytes| hold.resize_by(|| incoming.context.holder(), 2 * bytes).map_err(ApiError::NoRoom);
        let limit = incoming.limits.body;
        let body = body::read(incoming.request, payload, limit, take, incoming.deadline).await?;
        let arguments = body::parse(incoming.request, &body, &tool.arguments)?;
        let arguments = check::check(&tool.arguments, arguments, session, incoming.deadline).await?;
        let call =
            Call { tool: &tool.name, arguments: &arguments, repeatable: tool.repeatable, trace, forwarded };
        session.call(call, incoming.deadline).await?
    };
    let (raw, held) = result.into_parts();
    let held = held.give_to(|| incoming.context.holder()).map_err(CallError::NoRoom)?;
    Ok((result::body(tool, session.config().results, &raw)?, held))
}

impl ToolRequest<'_> {
    /// Logs and records a call to a server whose tools are not known, and returns its error.
    pub(super) async fn not_begun(self, server: &str, reason: CallError) -> ApiError {
        let error = ApiError::Call(reason);
        let status = error.status_code().as_u16();
        warn!(server, status, reason = sentence(&error), "call failed");
        let Some(log) = &self.observability.audit else { return error };
        let target = Target::Path { method: self.request.method().as_str(), path: self.request.path() };
        let recorded = Recorded { outcome: error.outcome().name(), status: Some(status), ms: 0 };
        let recorded = match log.admit() {
            Ok(()) => audit::written(log.record(self.context, target, &recorded)).await,
            refused => refused,
        };
        recorded.err().unwrap_or(error)
    }
}

/// Returns the caller's trace (W3C Trace Context); `None` if it sent none, or more than one.
fn trace_context(headers: &HeaderMap) -> Option<TraceContext> {
    let all = |name| headers.get_all(name).map(|value| value.to_str().ok()).collect::<Option<Vec<_>>>();
    let parent = all(TraceContext::TRACEPARENT)?;
    let [parent] = parent[..] else { return None };
    // Several headers of this name form one list (RFC 9110 section 5.3).
    let state = all(TraceContext::TRACESTATE).map(|states| states.join(","));
    TraceContext::parse(parent, state.as_deref())
}

/// The line of a call in the log and in the audit log.
///
/// It holds no argument values and no part of the query.
struct CallLine<'a> {
    incoming: ToolRequest<'a>,
    server: &'a str,
    tool: &'a str,
    start: time::Instant,
    open: bool,
}

impl CallLine<'_> {
    /// Writes how the call ended.
    ///
    /// # Errors
    ///
    /// The audit log did not take the line in time.
    async fn write(mut self, outcome: CallOutcome, error: Option<&ApiError>) -> Result<(), ApiError> {
        self.open = false;
        let Self { server, tool, .. } = self;
        let status = error.map_or(StatusCode::OK, ApiError::status_code).as_u16();
        let ms = self.milliseconds();
        match error {
            Some(ApiError::Call(reason)) => {
                warn!(server, tool, status, ms, reason = sentence(reason), "call failed");
            }
            // Errors that only the caller can fix do not need the operator's attention.
            _ => info!(server, tool, status, ms, "called"),
        }
        match self.record(outcome, Some(status), ms) {
            Some(line) => audit::written(line).await,
            None => Ok(()),
        }
    }

    /// Gives the line to the audit log, if there is one.
    fn record(&self, outcome: CallOutcome, status: Option<u16>, ms: u64) -> Option<audit::Written> {
        let ToolRequest { context, observability, .. } = self.incoming;
        let target = Target::Tool { server: self.server, tool: self.tool };
        let recorded = Recorded { outcome: outcome.name(), status, ms };
        observability.audit.as_ref().map(|log| log.record(context, target, &recorded))
    }

    fn milliseconds(&self) -> u64 {
        self.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }
}

impl Drop for CallLine<'_> {
    fn drop(&mut self) {
        if self.open {
            let ms = self.milliseconds();
            // Nobody is left to wait for it.
            drop(self.record(CallOutcome::Cancelled, None, ms));
            info!(server = self.server, tool = self.tool, ms, "the caller hung up");
        }
    }
}

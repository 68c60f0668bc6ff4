//! `POST /{server}/{tool}`: the path of a call, and the one line that the log has of it.

use std::{convert::Infallible, time};

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

use super::{
    audit::{self, Wanted},
    body,
    error::ApiError,
    forwarded,
    meter::{Meter, Outcome},
    result,
    span::CallSpan,
    state::Gateway,
};
use crate::{
    catalogue::Tool,
    upstream::{Call, CallError, Session, TraceContext},
};

/// Calls `tool` with what the request brings.
pub(super) async fn call(
    gateway: &Gateway,
    session: &Session,
    tool: &Tool,
    meter: &Meter,
    request: &HttpRequest,
    payload: Payload,
    deadline: Instant,
) -> Result<HttpResponse, ApiError> {
    let config = session.config();
    let line = Line {
        gateway,
        request,
        server: &config.name,
        tool: &tool.name,
        start: time::Instant::now(),
        open: true,
    };
    let caller = trace_context(request.headers());
    let span = gateway
        .insight
        .tracer
        .as_ref()
        .map(|tracer| CallSpan::begin(tracer, &config.name, &tool.name, caller.as_ref()));
    let trace = match &span {
        Some(span) => span.context(caller),
        None => caller,
    };
    let answer = async {
        let forwarded =
            forwarded::of(session, request.headers(), || gateway.snapshot().guard.config.is_closed())?;
        let body = body::read(request, payload, gateway.max_body).await?;
        let arguments = body::parse(request, &body, &tool.arguments)?;
        let arguments = tool.arguments.check(arguments).map_err(ApiError::Invalid)?;
        let call = Call {
            tool: &tool.name,
            arguments: &arguments,
            repeatable: tool.repeatable,
            trace: trace.as_ref(),
            forwarded: forwarded.as_ref(),
        };
        let raw = session.call(call, deadline).await?;
        result::body(tool, config.results, &raw)
    };
    let running = meter.begin();
    let answer = answer.await;
    let outcome = Outcome::of(&answer);
    running.end(outcome);
    if let Some(span) = span {
        span.end(&answer);
    }
    line.write(outcome, answer.as_ref().err());
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(answer?))
}

/// Writes the line of a call that got no further than its server's name: what its tools are is not known.
pub(super) fn not_begun(
    gateway: &Gateway,
    request: &HttpRequest,
    server: &str,
    reason: CallError,
) -> ApiError {
    let failure: Result<Infallible, _> = Err(ApiError::Call(reason));
    let outcome = Outcome::of(&failure).name();
    let Err(error) = failure;
    let status = error.status_code().as_u16();
    warn!(server, status, reason = %error, "call failed");
    let wanted = Wanted::Path { method: request.method().as_str(), path: request.path() };
    audit::record(gateway, request, wanted, outcome, Some(status), 0);
    error
}

/// The caller's trace (W3C Trace Context); nothing where there is no telling which of several it is.
fn trace_context(headers: &HeaderMap) -> Option<TraceContext> {
    let all = |name| headers.get_all(name).map(|value| value.to_str().ok()).collect::<Option<Vec<_>>>();
    let parent = all(TraceContext::TRACEPARENT)?;
    let [parent] = parent[..] else { return None };
    // Several headers of this name are one list (RFC 9110 section 5.3).
    let state = all(TraceContext::TRACESTATE).map(|states| states.join(","));
    TraceContext::parse(parent, state.as_deref())
}

/// A call's line in the log, and in the record of calls. It holds no value of an argument, and nothing of a query.
struct Line<'a> {
    gateway: &'a Gateway,
    request: &'a HttpRequest,
    server: &'a str,
    tool: &'a str,
    start: time::Instant,
    open: bool,
}

impl Line<'_> {
    /// Writes how the call has ended.
    fn write(mut self, outcome: Outcome, error: Option<&ApiError>) {
        self.open = false;
        let Self { server, tool, .. } = self;
        let status = error.map_or(StatusCode::OK, ApiError::status_code).as_u16();
        let ms = self.milliseconds();
        self.record(outcome, Some(status), ms);
        match error {
            Some(ApiError::Call(reason)) => {
                warn!(server, tool, status, ms, %reason, "call failed");
            }
            // What only the caller can mend is no news to the operator.
            _ => info!(server, tool, status, ms, "called"),
        }
    }

    fn record(&self, outcome: Outcome, status: Option<u16>, ms: u64) {
        let wanted = Wanted::Tool { server: self.server, tool: self.tool };
        audit::record(self.gateway, self.request, wanted, outcome.name(), status, ms);
    }

    fn milliseconds(&self) -> u64 {
        self.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if self.open {
            let ms = self.milliseconds();
            self.record(Outcome::Cancelled, None, ms);
            info!(server = self.server, tool = self.tool, ms, "the caller hung up");
        }
    }
}

//! `POST /{server}/{tool}`: the path of a call, and the one line that the log has of it.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::{
        StatusCode,
        header::{ContentType, HeaderMap},
    },
    web::Payload,
};
use tracing::{info, warn};

use super::{
    body,
    error::ApiError,
    meter::{Meter, Outcome},
    result,
};
use crate::{
    catalogue::Tool,
    upstream::{Session, TraceContext},
};

/// Calls `tool` with what the request brings.
pub(super) async fn call(
    session: &Session,
    tool: &Tool,
    meter: &Meter,
    request: &HttpRequest,
    payload: Payload,
    max_body: usize,
) -> Result<HttpResponse, ApiError> {
    let config = session.config();
    let line = Line { server: &config.name, tool: &tool.name, start: Instant::now(), open: true };
    let answer = async {
        let body = body::read(request, payload, max_body).await?;
        let arguments = body::parse(request, &body, &tool.arguments)?;
        let arguments = tool.arguments.check(arguments).map_err(ApiError::Invalid)?;
        let trace = trace_context(request.headers());
        let raw = session.call(&tool.name, &arguments, tool.repeatable, trace.as_ref()).await?;
        result::body(tool, config.results, &raw)
    };
    let running = meter.begin();
    let answer = answer.await;
    running.end(Outcome::of(&answer));
    line.write(answer.as_ref().err());
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(answer?))
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

/// A call's line in the log. It holds no value of an argument, and nothing of a query.
struct Line<'a> {
    server: &'a str,
    tool: &'a str,
    start: Instant,
    open: bool,
}

impl Line<'_> {
    /// Writes how the call has ended.
    fn write(mut self, error: Option<&ApiError>) {
        self.open = false;
        let Self { server, tool, .. } = self;
        let status = error.map_or(StatusCode::OK, ApiError::status_code).as_u16();
        let ms = self.milliseconds();
        match error {
            Some(ApiError::Call(reason)) => {
                warn!(server, tool, status, ms, %reason, "call failed");
            }
            // What only the caller can mend is no news to the operator.
            _ => info!(server, tool, status, ms, "called"),
        }
    }

    fn milliseconds(&self) -> u64 {
        self.start.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if self.open {
            info!(server = self.server, tool = self.tool, ms = self.milliseconds(), "the caller hung up");
        }
    }
}

//! The span of a call: server, tool and outcome, never an argument value.
//!
//! Its attributes follow the OpenTelemetry semantic conventions for MCP, with `mcpo.*` for what these lack.

use actix_web::ResponseError as _;
use opentelemetry::{
    Context, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceState, Tracer as _},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use crate::{
    excerpt::Excerpt,
    http::error::ApiError,
    registry::CallOutcome,
    upstream::{CallError, TraceContext},
};

/// The span of a call in progress, recorded as cancelled if it is dropped before [`Self::end`].
pub(super) struct CallSpan {
    span: Span,
    /// The conventions' `error.type`; `None` for a success.
    error: Option<String>,
}

impl CallSpan {
    /// Begins the span of a call, as a child of the caller's span if it sent one.
    pub(super) fn begin(tracer: &SdkTracer, server: &str, tool: &str, caller: Option<&TraceContext>) -> Self {
        let tool = Excerpt(tool).to_string();
        let attributes = [
            KeyValue::new("mcp.method.name", "tools/call"),
            KeyValue::new("gen_ai.operation.name", "execute_tool"),
            KeyValue::new("gen_ai.tool.name", tool.clone()),
            KeyValue::new("mcpo.server", server.to_owned()),
        ];
        let parent = caller
            .and_then(remote)
            .map_or_else(Context::new, |caller| Context::new().with_remote_span_context(caller));
        let span = tracer
            .span_builder(format!("tools/call {tool}"))
            .with_kind(SpanKind::Server)
            .with_attributes(attributes)
            .start_with_context(tracer, &parent);
        Self { span, error: Some(CallOutcome::Cancelled.name().to_owned()) }
    }

    /// Returns the trace context to send to the server, whose spans become children of this one, with the caller's
    /// state.
    pub(super) fn context(&self, caller: Option<TraceContext>) -> Option<TraceContext> {
        let own = self.span.span_context();
        if !own.is_valid() {
            return caller;
        }
        let (trace, span, flags) = (own.trace_id(), own.span_id(), own.trace_flags().to_u8());
        let state = caller.as_ref().and_then(TraceContext::state);
        TraceContext::parse(&format!("00-{trace}-{span}-{flags:02x}"), state)
    }

    /// Ends the span with the outcome of the call.
    pub(super) fn end<T>(mut self, answer: &Result<T, ApiError>) {
        let status = answer.as_ref().err().map_or(200, |error| error.status_code().as_u16());
        self.span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        self.error = match answer {
            Ok(_) => None,
            Err(ApiError::Call(CallError::Rpc(error))) => {
                let code = error.code.to_string();
                self.span.set_attribute(KeyValue::new("rpc.response.status_code", code.clone()));
                Some(code)
            }
            Err(error) => Some(error.outcome().name().to_owned()),
        };
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if let Some(error) = self.error.take() {
            self.span.set_attribute(KeyValue::new("error.type", error));
            // The description is empty, because an error's text may repeat an argument.
            self.span.set_status(Status::error(""));
        }
        self.span.end();
    }
}

/// Returns the context of the caller's span; later versions of the header only append to these fields.
fn remote(caller: &TraceContext) -> Option<SpanContext> {
    let mut parts = caller.parent().split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let state = caller.state().and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    Some(SpanContext::new(trace, span, TraceFlags::new(flags), true, state))
}

//! The messages that mcpo writes: requests, their parameters, and cancellations.

use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientCapabilities, Implementation, ProtocolVersion, RequestMetaObject};
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{forwarded::Forwarded, json_rpc::frame::Frame, trace_context::TraceContext};

/// A tool's call, and what goes with it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// Its arguments, which are carried to the letter.
    pub arguments: &'a RawValue,
    /// Whether a second run would do no more than the first.
    pub repeatable: bool,
    /// The caller's place in a trace.
    pub trace: Option<&'a TraceContext>,
    /// The caller's headers that travel on.
    pub forwarded: Option<&'a Forwarded>,
}

/// What a refusal of a request is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It is the server's answer: its session is new.
    Believe,
    /// The server may have lost the session.
    Doubt,
    /// Nothing: no call depends on it.
    Ignore,
}

/// A request of ours, ready for the wire.
pub(crate) struct Request<'a> {
    pub(crate) id: u64,
    pub(crate) method: &'static str,
    /// The tool called, for the `Mcp-Name` header.
    pub(crate) tool: Option<&'a str>,
    /// Of its arguments, for those that ask for it, and of the caller.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Of the caller, for the headers of the same names.
    pub(crate) trace: Option<&'a TraceContext>,
    pub(crate) frame: Frame,
    /// What a refusal of it is taken for.
    pub(crate) trust: Trust,
}

impl Request<'_> {
    /// Whether it calls a tool.
    pub(crate) fn is_call(&self) -> bool {
        self.tool.is_some()
    }
}

/// The parameters of a request of ours; `arguments` are carried to the letter.
#[derive(Serialize, Default)]
pub(crate) struct Params<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<&'a RawValue>,
    #[serde(rename = "inputResponses", skip_serializing_if = "Option::is_none")]
    pub(crate) input_responses: Option<&'a Map<String, Value>>,
    #[serde(rename = "requestState", skip_serializing_if = "Option::is_none")]
    pub(crate) request_state: Option<&'a RawValue>,
    #[serde(rename = "_meta", skip_serializing_if = "Meta::is_empty")]
    pub(crate) meta: Meta<'a>,
}

/// What a request says beside its payload.
#[derive(Serialize, Default)]
pub(crate) struct Meta<'a> {
    /// Set by [`Framing::request`].
    #[serde(flatten)]
    pub(crate) context: Option<&'a RequestMetaObject>,
    #[serde(flatten)]
    pub(crate) trace: Option<&'a TraceContext>,
    /// Set if there are no headers to carry them; the Python mcpo has documented this key.
    #[serde(rename = "headers", skip_serializing_if = "Option::is_none")]
    pub(crate) forwarded: Option<&'a Forwarded>,
}

impl Meta<'_> {
    fn is_empty(&self) -> bool {
        self.context.is_none() && self.trace.is_none() && self.forwarded.is_none()
    }
}

/// How requests are framed on one connection, settled by its handshake.
pub(crate) struct Framing {
    version: ProtocolVersion,
    /// From 2026-07-28 on each request carries its own context.
    meta: Option<RequestMetaObject>,
}

impl Framing {
    pub(crate) fn new(version: ProtocolVersion) -> Self {
        let meta = (!version.has_initialize()).then(|| {
            let capabilities = ClientCapabilities::default();
            RequestMetaObject::with_client_context(version.clone(), client_info(), capabilities)
        });
        Self { version, meta }
    }

    pub(crate) fn version(&self) -> &ProtocolVersion {
        &self.version
    }

    /// Whether each request stands alone: no handshake, no session (2026-07-28 on).
    pub(crate) fn stateless(&self) -> bool {
        self.meta.is_some()
    }

    pub(crate) fn request<'a>(
        &'a self,
        id: u64,
        method: &'static str,
        mut params: Params<'a>,
        trust: Trust,
    ) -> serde_json::Result<Request<'a>> {
        #[derive(Serialize)]
        struct Message<'a> {
            jsonrpc: &'static str,
            id: u64,
            method: &'static str,
            params: Params<'a>,
        }
        params.meta.context = self.meta.as_ref();
        let (tool, trace) = (params.name, params.meta.trace);
        let frame = Frame::new(&Message { jsonrpc: "2.0", id, method, params })?;
        Ok(Request { id, method, tool, headers: vec![], trace, frame, trust })
    }
}

/// `notifications/cancelled` for a request of ours.
pub(crate) fn cancelled(id: u64) -> Option<Frame> {
    let message = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": id, "reason": "the caller is no longer waiting" },
    });
    // A value can always be written.
    Frame::new(&message).ok()
}

/// How mcpo introduces itself to upstreams.
pub(crate) fn client_info() -> Implementation {
    Implementation::new("mcpo", env!("CARGO_PKG_VERSION"))
}

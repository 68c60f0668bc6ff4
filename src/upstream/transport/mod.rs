//! The three transports behind one type: stdio, streamable HTTP, and the HTTP+SSE of MCP 2024-11-05.
//!
//! A transport takes requests and hands what the server sends to the pending requests; it knows no session.

mod event_stream;
#[doc(hidden)]
pub mod fuzzing;
pub(crate) mod inbound;
mod log_budget;
mod message_allowance;
pub(crate) mod param_headers;
mod pending_requests;
pub(crate) mod remote;
mod session_loss;
mod sse;
mod standard_headers;
pub(crate) mod stdio;
mod streamable_http;

use std::sync::Arc;

use rmcp::model::ClientJsonRpcMessage;
use tokio_util::task::TaskTracker;

use self::{
    inbound::Inbound,
    remote::Principal,
    sse::SseTransport,
    stdio::{ProgramView, StdioTransport},
    streamable_http::StreamableHttpTransport,
};
use super::protocol::{
    error::{ConnectError, TransportError},
    json_rpc::{frame::Frame, reply::RawReply},
    request::{Framing, Request},
};
use crate::config;

/// An open transport.
pub(super) enum OpenTransport {
    Stdio(StdioTransport),
    Sse(SseTransport),
    Http(StreamableHttpTransport),
}

impl OpenTransport {
    pub(super) async fn stdio(
        server: &str,
        config: &config::Stdio,
        inbound: Arc<Inbound>,
        view: &ProgramView,
        outlive: &TaskTracker,
    ) -> Result<Self, ConnectError> {
        StdioTransport::spawn(server, config, inbound, view, outlive).await.map(Self::Stdio)
    }

    pub(super) async fn sse(
        config: &config::Remote,
        principal: Principal<'_>,
        inbound: Arc<Inbound>,
    ) -> Result<Self, ConnectError> {
        Ok(Self::Sse(SseTransport::open(config, principal, inbound).await?))
    }

    pub(super) fn http(
        config: &config::Remote,
        principal: Principal<'_>,
        inbound: Arc<Inbound>,
    ) -> Result<Self, ConnectError> {
        Ok(Self::Http(StreamableHttpTransport::new(config, principal, inbound)?))
    }

    /// Whether a request has headers beside its frame.
    pub(super) fn has_headers(&self) -> bool {
        !matches!(self, Self::Stdio(_))
    }

    /// Sends a request of ours and waits for its answer.
    pub(super) async fn request(
        &self,
        request: Request<'_>,
        framing: &Framing,
    ) -> Result<RawReply, TransportError> {
        match self {
            Self::Stdio(stdio) => stdio.request(request).await,
            Self::Sse(sse) => sse.request(request).await,
            Self::Http(http) => http.request(request, framing).await,
        }
    }

    /// Sends one of rmcp's own messages; an answer to it arrives among the inbound messages.
    pub(super) async fn control(&self, message: ClientJsonRpcMessage) -> Result<(), TransportError> {
        let frame = Frame::new(&message).map_err(|error| TransportError::NotSent(error.to_string()))?;
        match self {
            Self::Stdio(stdio) => stdio.send(frame).await,
            Self::Sse(sse) => sse.send(frame).await,
            Self::Http(http) => http.control(message, frame).await,
        }
    }

    /// Sends the answer to a request of the server's.
    pub(super) async fn answer(&self, frame: Frame) -> Result<(), TransportError> {
        match self {
            Self::Stdio(stdio) => stdio.send(frame).await,
            Self::Sse(sse) => sse.send(frame).await,
            Self::Http(http) => http.answer(frame).await,
        }
    }

    /// Cancels the request `id`, whose future was dropped. Never waits.
    pub(super) fn cancel(&self, id: u64, framing: &Framing) {
        match self {
            // A request over stdio does so itself: it may not be written yet.
            Self::Stdio(_) => {}
            Self::Sse(sse) => sse.cancel(id),
            // A stateless request is cancelled by closing its response, which has just happened.
            Self::Http(_) if framing.stateless() => {}
            Self::Http(http) => http.cancel(id),
        }
    }

    /// Ends the connection and everything that belongs to it.
    pub(super) async fn close(&self) {
        match self {
            Self::Stdio(stdio) => stdio.close().await,
            Self::Sse(sse) => sse.close().await,
            Self::Http(http) => http.close().await,
        }
    }
}

//! The streamable HTTP transport, both generations: with a session (2025-03-26 to 2025-11-25) and stateless
//! (2026-07-28), where every request names its version, method and tool in headers.

mod endpoint;
mod streams;

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use reqwest::Response;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, JsonRpcMessage, JsonRpcRequest,
};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::endpoint::{McpEndpoint, NO_ANSWER};
use super::{
    inbound::Inbound,
    remote::Principal,
    session_loss,
    standard_headers::{control_headers, standard_headers},
};
use crate::{
    config,
    upstream::protocol::{
        error::TransportError,
        json_rpc::{
            frame::Frame,
            raw_message::{self, RawMessage},
            reply::RawReply,
        },
        normalize,
        request::{self, Framing, Request, Trust},
    },
};

/// How long the goodbye to a session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// One server behind one URL.
pub(crate) struct StreamableHttpTransport {
    endpoint: Arc<McpEndpoint>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Callers live on other runtimes; what outlives a call belongs to the session's own.
    runtime: Handle,
}

impl StreamableHttpTransport {
    pub(super) fn new(
        config: &config::Remote,
        principal: Principal<'_>,
        inbound: Arc<Inbound>,
    ) -> Result<Self, TransportError> {
        let endpoint = McpEndpoint::new(config, principal, inbound)?;
        Ok(Self {
            endpoint: Arc::new(endpoint),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
        })
    }

    /// Sends a request of ours and follows its answer on the caller's own task.
    pub(super) async fn request(
        &self,
        request: Request<'_>,
        framing: &Framing,
    ) -> Result<RawReply, TransportError> {
        if self.endpoint.inbound.is_closed() {
            return Err(TransportError::NotSent(self.endpoint.inbound.reason()));
        }
        let is_call = request.is_call();
        let mut headers = HeaderMap::from_iter(request.headers);
        if framing.stateless() {
            standard_headers(&mut headers, framing.version(), request.method, request.tool);
        }
        if let Some(trace) = request.trace {
            trace.add_to(&mut headers);
        }
        let exchange = async {
            let (outcome, status) = match self.endpoint.post(request.frame, headers, request.trust).await {
                Ok(response) => (self.endpoint.answer(response, request.id, is_call).await, None),
                Err(error) => refused(error, request.id),
            };
            match request.trust {
                Trust::Believe | Trust::Ignore => outcome,
                Trust::Doubt => session_loss::settle(outcome, status, &self.endpoint.inbound),
            }
        };
        tokio::select! {
            biased;
            reply = exchange => reply,
            () = self.endpoint.inbound.closed() => Err(TransportError::Lost(self.endpoint.inbound.reason())),
        }
    }

    /// Sends one of rmcp's own messages; what it brings back goes to the inbound messages.
    pub(super) async fn control(
        &self,
        message: ClientJsonRpcMessage,
        frame: Frame,
    ) -> Result<(), TransportError> {
        let headers = control_headers(&message);
        let answer = self.endpoint.post(frame, headers, Trust::Believe).await;
        match (answer, message) {
            (Ok(response), JsonRpcMessage::Request(request)) => self.drain(response, request),
            (Ok(_), JsonRpcMessage::Notification(notification)) => {
                if matches!(notification.notification, ClientNotification::InitializedNotification(_)) {
                    self.listen();
                }
            }
            (Ok(_), _) => {}
            (Err(error), JsonRpcMessage::Request(request))
                if matches!(request.request, ClientRequest::DiscoverRequest(_)) =>
            {
                self.endpoint.refused_discovery(error, &request.id)?;
            }
            (Err(error), _) => return Err(error),
        }
        Ok(())
    }

    /// Sends the answer to a request of the server's.
    pub(super) async fn answer(&self, frame: Frame) -> Result<(), TransportError> {
        self.endpoint.post(frame, HeaderMap::new(), Trust::Ignore).await.map(drop)
    }

    /// Cancels the request `id` at the server.
    pub(super) fn cancel(&self, id: u64) {
        let Some(frame) = request::cancelled(id) else { return };
        let endpoint = self.endpoint.clone();
        self.spawn(async move {
            let _ = timeout(GOODBYE, endpoint.post(frame, HeaderMap::new(), Trust::Ignore)).await;
        });
    }

    pub(super) async fn close(&self) {
        self.endpoint.inbound.close("the connection is being closed");
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let _ = timeout(GOODBYE, self.endpoint.end_session()).await;
    }

    /// Follows the answer to one of rmcp's requests. If there is none, rmcp gets an error that says why.
    fn drain(&self, response: Response, request: JsonRpcRequest<ClientRequest>) {
        let endpoint = self.endpoint.clone();
        self.spawn(async move {
            let end = endpoint.follow(response, None, false).await;
            let reason = end.err().map_or_else(|| NO_ANSWER.into(), |error| error.to_string());
            endpoint.inbound.no_answer(&request.id, ErrorData::new(normalize::UNREADABLE, reason, None));
        });
    }

    /// Opens the standing stream that brings what the server says unasked.
    fn listen(&self) {
        let endpoint = self.endpoint.clone();
        self.spawn(async move { endpoint.listen().await });
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let work = async move { stop.run_until_cancelled(work).await.unwrap_or_default() };
        self.tasks.spawn_on(work, &self.runtime);
    }
}

impl Drop for StreamableHttpTransport {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What a refused request means: an answer if the body is one. The status goes with it.
fn refused(error: TransportError, id: u64) -> (Result<RawReply, TransportError>, Option<u16>) {
    let TransportError::Refused { status, body } = &error else {
        return (Err(error), None);
    };
    let text = raw_message::text(body.as_bytes());
    let answer = RawMessage::open(&text).ok().filter(|answer| answer.error.is_some());
    match answer.filter(|answer| answer.number() == i64::try_from(id).ok()) {
        Some(answer) => (Ok(answer.reply()), Some(*status)),
        None => (Err(error), None),
    }
}

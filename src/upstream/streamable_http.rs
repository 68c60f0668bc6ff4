//! The streamable HTTP transport, both generations: with a session (2025-03-26 to 2025-11-25) and stateless
//! (2026-07-28), where every request names its version, method and tool in headers.

mod streams;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Response;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, JsonRpcMessage, JsonRpcRequest,
    RequestId,
};
use serde::Deserialize;
use tokio::{runtime::Handle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::{
    doubt,
    envelope::{self, Envelope},
    error::WireError,
    frame::Frame,
    inbox::Inbox,
    message::{Framing, Request, Trust},
    remote::{self, Endpoint, Principal},
    rpc::RawReply,
    standard_headers::{VERSION, control_headers, standard_headers},
    tidy,
};
use crate::config;

/// Why a request that was taken has no answer.
const NO_ANSWER: &str = "the server took the request and sent no answer";

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// How long the goodbye to a session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// One server behind one URL.
pub(super) struct StreamableHttp {
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Callers live on other runtimes; what outlives a call belongs to the session's own.
    runtime: Handle,
}

struct Shared {
    endpoint: Endpoint,
    url: Url,
    inbox: Arc<Inbox>,
    /// Given by the server with its answer to `initialize`.
    session: OnceLock<HeaderValue>,
    /// Agreed upon by `initialize`; stateless requests name their own.
    version: OnceLock<HeaderValue>,
}

impl StreamableHttp {
    pub(super) fn new(
        config: &config::Remote,
        principal: Principal<'_>,
        inbox: Arc<Inbox>,
    ) -> Result<Self, WireError> {
        let shared = Shared {
            endpoint: Endpoint::new(config, principal)?,
            url: config.url.clone(),
            inbox,
            session: OnceLock::new(),
            version: OnceLock::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
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
    ) -> Result<RawReply, WireError> {
        if self.shared.inbox.is_closed() {
            return Err(WireError::NotSent(self.shared.inbox.reason()));
        }
        let mut headers = HeaderMap::from_iter(request.headers);
        if framing.stateless() {
            standard_headers(&mut headers, framing.version(), request.method, request.tool);
        }
        if let Some(trace) = request.trace {
            trace.add_to(&mut headers);
        }
        let exchange = async {
            let (outcome, status) = match self.shared.post(request.frame, headers, request.trust).await {
                Ok(response) => (self.shared.answer(response, request.id).await, None),
                Err(error) => refused(error, request.id),
            };
            match request.trust {
                Trust::Believe | Trust::Ignore => outcome,
                Trust::Doubt => doubt::settle(outcome, status, &self.shared.inbox),
            }
        };
        tokio::select! {
            biased;
            reply = exchange => reply,
            () = self.shared.inbox.closed() => Err(WireError::Lost(self.shared.inbox.reason())),
        }
    }

    /// Sends one of rmcp's own messages; what it brings back goes to the inbox.
    pub(super) async fn control(&self, message: ClientJsonRpcMessage, frame: Frame) -> Result<(), WireError> {
        let headers = control_headers(&message);
        let answer = self.shared.post(frame, headers, Trust::Believe).await;
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
                self.shared.refused_discovery(error, &request.id)?;
            }
            (Err(error), _) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn notify(&self, frame: Frame) {
        let shared = self.shared.clone();
        self.spawn(async move {
            let _ = timeout(GOODBYE, shared.post(frame, HeaderMap::new(), Trust::Ignore)).await;
        });
    }

    pub(super) async fn close(&self) {
        self.shared.inbox.close("the connection is being closed");
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Some(session) = self.shared.session.get() {
            let headers = HeaderMap::from_iter([(SESSION, session.clone())]);
            let _ = timeout(GOODBYE, self.shared.endpoint.delete(&self.shared.url, headers)).await;
        }
    }

    /// Follows the answer to one of rmcp's requests. Without one, rmcp is told why.
    fn drain(&self, response: Response, request: JsonRpcRequest<ClientRequest>) {
        let shared = self.shared.clone();
        self.spawn(async move {
            let end = shared.follow(response, None).await;
            let reason = end.err().map_or_else(|| NO_ANSWER.into(), |error| error.to_string());
            shared.inbox.no_answer(&request.id, ErrorData::new(tidy::UNREADABLE, reason, None));
        });
    }

    /// Opens the standing stream that brings what the server says unasked.
    fn listen(&self) {
        let shared = self.shared.clone();
        self.spawn(async move { shared.listen().await });
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let work = async move { stop.run_until_cancelled(work).await.unwrap_or_default() };
        self.tasks.spawn_on(work, &self.runtime);
    }
}

impl Drop for StreamableHttp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    async fn post(&self, frame: Frame, mut headers: HeaderMap, trust: Trust) -> Result<Response, WireError> {
        headers.insert(header::CONTENT_TYPE, remote::JSON);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        self.add_session(&mut headers);
        let response = self.endpoint.send(Method::POST, &self.url, headers, frame.into_body(), trust).await?;
        let response = remote::accepted(response).await?;
        if let Some(session) = response.headers().get(SESSION) {
            let _ = self.session.set(session.clone());
        }
        Ok(response)
    }

    fn add_session(&self, headers: &mut HeaderMap) {
        if let Some(session) = self.session.get() {
            headers.insert(SESSION, session.clone());
        }
        if let (Some(version), false) = (self.version.get(), headers.contains_key(VERSION)) {
            headers.insert(VERSION, version.clone());
        }
    }

    /// A server of an older generation refuses `server/discover` in its own way. Told to rmcp as a JSON-RPC error,
    /// that makes it fall back to `initialize` (MCP 2026-07-28, Backward Compatibility).
    fn refused_discovery(&self, error: WireError, id: &RequestId) -> Result<(), WireError> {
        let WireError::Refused { status, body } = error else {
            return Err(error);
        };
        match Envelope::open(&envelope::text(body.as_bytes())).ok().filter(|answer| answer.error.is_some()) {
            Some(answer) => self.inbox.answer_control(id, &answer),
            None => {
                let reason = format!("server/discover was refused with HTTP {status}");
                self.inbox.no_answer(id, ErrorData::invalid_request(reason, None));
            }
        }
        Ok(())
    }

    /// rmcp sends `notifications/initialized` by itself, and that must name the version already.
    fn note_version(&self, message: &str) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Initialized {
            protocol_version: String,
        }
        #[derive(Deserialize)]
        struct Answer {
            result: Initialized,
        }
        if self.version.get().is_none()
            && let Ok(answer) = serde_json::from_str::<Answer>(message)
            && let Ok(version) = answer.result.protocol_version.parse()
        {
            let _ = self.version.set(version);
        }
    }
}

/// What a refused request means: an answer, where the body is one. The status goes with it.
fn refused(error: WireError, id: u64) -> (Result<RawReply, WireError>, Option<u16>) {
    let WireError::Refused { status, body } = &error else {
        return (Err(error), None);
    };
    let text = envelope::text(body.as_bytes());
    let answer = Envelope::open(&text).ok().filter(|answer| answer.error.is_some());
    match answer.filter(|answer| answer.number() == i64::try_from(id).ok()) {
        Some(answer) => (Ok(answer.reply()), Some(*status)),
        None => (Err(error), None),
    }
}

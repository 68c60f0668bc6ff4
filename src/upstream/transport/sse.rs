//! The HTTP+SSE transport of MCP 2024-11-05. A standing stream of events brings everything that the server sends, and
//! names the endpoint that takes our messages.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::{
    inbound::Inbound,
    remote::{self, Endpoint, Events, Principal},
    session_loss,
};
use crate::{
    config,
    held::Hold,
    upstream::protocol::{
        error::TransportError,
        json_rpc::{frame::Frame, reply::RawReply},
        request::{self, Request, Trust},
    },
};

/// How long the server may take to name its endpoint.
const ENDPOINT: Duration = Duration::from_secs(30);

/// How long a notification may take to be sent.
const NOTIFY: Duration = Duration::from_secs(5);

/// An open stream and its endpoint.
pub(crate) struct SseTransport {
    endpoint: Arc<MessageEndpoint>,
    inbound: Arc<Inbound>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Callers live on other runtimes; what outlives a call belongs to the session's own.
    runtime: Handle,
}

/// Where messages go, as the server has named it.
struct MessageEndpoint {
    client: Endpoint,
    url: Url,
}

impl SseTransport {
    /// Opens the stream and waits for the server to name where messages go.
    pub(super) async fn open(
        config: &config::Remote,
        principal: Principal<'_>,
        inbound: Arc<Inbound>,
    ) -> Result<Self, TransportError> {
        let client = Endpoint::new(config, principal)?;
        let headers = HeaderMap::from_iter([(header::ACCEPT, remote::EVENTS)]);
        let response = client.send(Method::GET, &config.url, headers, Bytes::new(), Trust::Believe).await?;
        let response = remote::accepted(response).await?;
        if !remote::is_event_stream(response.headers()) {
            return Err(TransportError::NotSent("the server's answer is not a stream of events".into()));
        }
        let largest = inbound.clone();
        let hold = Hold::by(inbound.holder.clone());
        let mut events = Events::of(response, move || largest.max_message(), hold);
        let url = timeout(ENDPOINT, messages_url(&mut events, &config.url))
            .await
            .map_err(|_| TransportError::NotSent("the server did not name its endpoint".into()))??;

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(read(events, inbound.clone(), stop.clone()));
        let endpoint = Arc::new(MessageEndpoint { client, url });
        Ok(Self { endpoint, inbound, stop, tasks, runtime: Handle::current() })
    }

    pub(super) async fn request(&self, request: Request<'_>) -> Result<RawReply, TransportError> {
        let mut answer = pin!(self.inbound.expect(request.id, request.is_call())?.answer());
        // Some servers never answer a POST whose stream is gone, so the stream's end is waited for meanwhile.
        tokio::select! {
            biased;
            sent = self.endpoint.post(request.frame, HeaderMap::from_iter(request.headers), request.trust) => {
                match (sent, request.trust) {
                    (Ok(()), _) => {}
                    // The server may have forgotten the session while its stream seems to stand.
                    (Err(error), Trust::Doubt) => return session_loss::settle(Err(error), None, &self.inbound),
                    (Err(error), _) => return Err(error),
                }
            }
            reply = &mut answer => return reply,
        }
        answer.await
    }

    pub(super) async fn send(&self, frame: Frame) -> Result<(), TransportError> {
        self.endpoint.post(frame, HeaderMap::new(), Trust::Believe).await
    }

    /// Cancels the request `id` at the server.
    pub(super) fn cancel(&self, id: u64) {
        let Some(frame) = request::cancelled(id) else { return };
        let (stop, endpoint) = (self.stop.clone(), self.endpoint.clone());
        self.tasks.spawn_on(
            async move {
                let post = endpoint.post(frame, HeaderMap::new(), Trust::Ignore);
                drop(stop.run_until_cancelled(timeout(NOTIFY, post)).await);
            },
            &self.runtime,
        );
    }

    pub(super) async fn close(&self) {
        self.inbound.close("the connection is being closed");
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for SseTransport {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl MessageEndpoint {
    async fn post(&self, frame: Frame, mut headers: HeaderMap, trust: Trust) -> Result<(), TransportError> {
        headers.insert(header::CONTENT_TYPE, remote::JSON);
        let response = self.client.send(Method::POST, &self.url, headers, frame.into_body(), trust).await?;
        remote::accepted(response).await.map(drop)
    }
}

/// Reads up to the `endpoint` event. The endpoint gets our headers, so it must share the stream's origin.
async fn messages_url(events: &mut Events, base: &Url) -> Result<Url, TransportError> {
    let broken = |reason: &str| TransportError::NotSent(reason.to_owned());
    while let Some(event) = events.next().await? {
        if event.name.as_deref() != Some("endpoint") {
            continue;
        }
        let endpoint = base
            .join(String::from_utf8_lossy(&event.data).trim())
            .map_err(|_| broken("the server's endpoint is not a URL"))?;
        if endpoint.origin() != base.origin() {
            return Err(broken("the server's endpoint is on another origin"));
        }
        return Ok(endpoint);
    }
    Err(broken("the stream ended before the server named its endpoint"))
}

/// Owns the stream.
async fn read(mut events: Events, inbound: Arc<Inbound>, stop: CancellationToken) {
    let reason = loop {
        tokio::select! {
            event = events.next() => match event {
                Ok(Some(event)) => {
                    match event.name.as_deref() {
                        Some("endpoint") => inbound.charge(event.data.len()),
                        _ => inbound.accept(&event.data),
                    }
                    drop(event);
                    tokio::select! {
                        () = inbound.pace() => {}
                        () = stop.cancelled() => {}
                    }
                }
                Err(error) => break format!("the stream of events broke: {error}"),
                Ok(None) => break "the server ended the stream of events".to_owned(),
            },
            () = stop.cancelled() => break "the connection is being closed".to_owned(),
        }
    };
    inbound.close(reason);
}

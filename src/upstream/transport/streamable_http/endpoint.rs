//! The one URL of a streamable HTTP server, and what every request to it carries: the session and the version.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Response;
use rmcp::model::{ErrorData, RequestId};
use serde::Deserialize;
use url::Url;

use crate::{
    config,
    upstream::{
        protocol::{
            error::TransportError,
            json_rpc::{
                frame::Frame,
                raw_message::{self, RawMessage},
            },
            request::Trust,
        },
        transport::{
            inbound::Inbound,
            remote::{self, Endpoint, Principal},
            standard_headers::VERSION,
        },
    },
};

const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Why a request that was taken has no answer.
pub(super) const NO_ANSWER: &str = "the server took the request and sent no answer";

/// The MCP endpoint of one server, and the session there.
pub(super) struct McpEndpoint {
    client: Endpoint,
    url: Url,
    pub(super) inbound: Arc<Inbound>,
    /// Given by the server with its answer to `initialize`.
    session: OnceLock<HeaderValue>,
    /// Agreed upon by `initialize`; stateless requests name their own.
    version: OnceLock<HeaderValue>,
}

impl McpEndpoint {
    pub(super) fn new(
        config: &config::Remote,
        principal: Principal<'_>,
        inbound: Arc<Inbound>,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            client: Endpoint::new(config, principal)?,
            url: config.url.clone(),
            inbound,
            session: OnceLock::new(),
            version: OnceLock::new(),
        })
    }

    /// Sends a message; the answer is one that was taken.
    pub(super) async fn post(
        &self,
        frame: Frame,
        mut headers: HeaderMap,
        trust: Trust,
    ) -> Result<Response, TransportError> {
        headers.insert(header::CONTENT_TYPE, remote::JSON);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        self.add_session(&mut headers);
        let response = self.client.send(Method::POST, &self.url, headers, frame.into_body(), trust).await?;
        let response = remote::accepted(response).await?;
        if let Some(session) = response.headers().get(SESSION) {
            let _ = self.session.set(session.clone());
        }
        Ok(response)
    }

    /// Opens a stream of what the server has to say, after the event `last` if one is given.
    pub(super) async fn get(&self, last: Option<&HeaderValue>) -> Result<Response, TransportError> {
        let mut headers = HeaderMap::from_iter([(header::ACCEPT, remote::EVENTS)]);
        self.add_session(&mut headers);
        if let Some(last) = last {
            headers.insert(LAST_EVENT, last.clone());
        }
        // Calls and tokens do not depend on its answer.
        let response = self.client.send(Method::GET, &self.url, headers, Bytes::new(), Trust::Ignore).await?;
        remote::accepted(response).await
    }

    /// Ends the session, if the server has given one.
    pub(super) async fn end_session(&self) {
        if let Some(session) = self.session.get() {
            let headers = HeaderMap::from_iter([(SESSION, session.clone())]);
            self.client.delete(&self.url, headers).await;
        }
    }

    fn add_session(&self, headers: &mut HeaderMap) {
        if let Some(session) = self.session.get() {
            headers.insert(SESSION, session.clone());
        }
        if let (Some(version), false) = (self.version.get(), headers.contains_key(VERSION)) {
            headers.insert(VERSION, version.clone());
        }
    }

    /// A server of an older generation refuses `server/discover` in its own way. Handed to rmcp as a JSON-RPC error,
    /// that makes it fall back to `initialize` (MCP 2026-07-28, Backward Compatibility).
    pub(super) fn refused_discovery(
        &self,
        error: TransportError,
        id: &RequestId,
    ) -> Result<(), TransportError> {
        let TransportError::Refused { status, body } = error else {
            return Err(error);
        };
        match RawMessage::open(&raw_message::text(body.as_bytes()))
            .ok()
            .filter(|answer| answer.error.is_some())
        {
            Some(answer) => self.inbound.answer_control(id, &answer),
            None => {
                let reason = format!("server/discover was refused with HTTP {status}");
                self.inbound.no_answer(id, ErrorData::invalid_request(reason, None));
            }
        }
        Ok(())
    }

    /// rmcp sends `notifications/initialized` by itself, and that must name the version already.
    pub(super) fn note_version(&self, message: &str) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Initialized {
            protocol_version: String,
        }
        #[derive(Deserialize)]
        struct InitializeResponse {
            result: Initialized,
        }
        if self.version.get().is_none()
            && let Ok(answer) = serde_json::from_str::<InitializeResponse>(message)
            && let Ok(version) = answer.result.protocol_version.parse()
        {
            let _ = self.version.set(version);
        }
    }
}

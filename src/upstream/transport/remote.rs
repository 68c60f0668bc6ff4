//! What the two HTTP transports share: the client, the reading of statuses, and streams of events.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::{Client, Request, Response};
use tokio::time::sleep;
use url::Url;

use super::{
    event_stream::{Decoder, Event},
    message_allowance::MessageAllowance,
};
use crate::{
    bounds::Bound,
    config,
    held::{Hold, SMALL},
    net::{self, Redirect},
    oauth::{Authorizer, Challenge},
    upstream::protocol::{
        error::TransportError, excerpt::without_secrets, forwarded::Forwarded, request::Trust,
    },
};

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// How often the kernel asks whether an idle peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 5;
/// How often one request may go out: as it is, with a renewed token, and with one that has more scopes.
const MOST_ATTEMPTS: u32 = 4;
/// How much of a refusal's body is read, in bytes.
const KEPT: usize = 16 << 10;

/// For whom a connection is made, and how patiently.
#[derive(Clone, Copy)]
pub(crate) struct Principal<'a> {
    /// The gateway's own authorization; `None` if the config itself names the credentials.
    pub(crate) authorizer: Option<&'a Authorizer>,
    /// A caller's headers, if the connection is that caller's alone.
    pub(crate) forwarded: Option<&'a Forwarded>,
    /// How long one attempt to open a TCP or TLS connection may take.
    pub(crate) connect: Duration,
}

/// One server: its own connections, its headers on every request, and its authorization.
pub(crate) struct Endpoint {
    client: Client,
    /// `None` if the config, or the caller, brings the credentials.
    authorizer: Option<Authorizer>,
    /// The headers of the one caller that this is for; empty if it is for all.
    caller: HeaderMap,
}

impl Endpoint {
    pub(crate) fn new(config: &config::Remote, principal: Principal<'_>) -> Result<Self, TransportError> {
        let client = net::client_without_redirects(&config.proxy)
            .default_headers(config.headers.clone())
            .connect_timeout(principal.connect)
            .tcp_keepalive(KEEP_ALIVE)
            .build()
            .map_err(|error| TransportError::NotSent(explain(&error)))?;
        let Principal { authorizer, forwarded, .. } = principal;
        let authorizer = authorizer.filter(|_| !forwarded.is_some_and(Forwarded::authorizes)).cloned();
        let mut caller = HeaderMap::new();
        caller.extend(forwarded.into_iter().flat_map(Forwarded::of_the_caller));
        Ok(Self { client, authorizer, caller })
    }

    /// Sends a request; an answer comes back whatever its status is, unless it asks for authorization and is believed.
    ///
    /// A request that was refused for its token never reached the tool, so it goes out again with a new one. One
    /// that was refused for its caller's headers is that caller's matter, and costs the gateway no token.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        trust: Trust,
    ) -> Result<Response, TransportError> {
        let headers = self.with_callers(headers);
        let request = self.client.request(method, url.clone()).headers(headers).body(body).build();
        let request = request.map_err(|error| TransportError::NotSent(explain(&error)))?;
        let Some(authorizer) = &self.authorizer else {
            let response = self.execute(request).await?;
            return match response.status() {
                _ if trust != Trust::Believe => Ok(response),
                StatusCode::UNAUTHORIZED if self.caller.is_empty() => Err(TransportError::Unauthorized),
                StatusCode::UNAUTHORIZED => Err(TransportError::CallerUnauthorized),
                _ => Ok(response),
            };
        };
        let mut credential = authorizer.credential().await?;
        for attempt in 0..MOST_ATTEMPTS {
            // A body of bytes can always be had twice.
            let Some(mut outgoing) = request.try_clone() else { break };
            if let Some(credential) = &credential {
                outgoing.headers_mut().insert(header::AUTHORIZATION, credential.header.clone());
            }
            let response = self.execute(outgoing).await?;
            let peer = response.remote_addr().map(|peer| peer.ip());
            let status = response.status();
            let challenge = Challenge::of(response.headers(), response.url(), peer);
            // A 403 with a challenge stands for a 401, unless the token is good and lacks a scope.
            let refused = match &challenge {
                Some(challenge) if status == StatusCode::FORBIDDEN => {
                    !challenge.insufficient_scope() && (credential.is_none() || challenge.invalid_token())
                }
                _ => status == StatusCode::UNAUTHORIZED,
            };
            let ignored = trust == Trust::Ignore && matches!(status.as_u16(), 401 | 403);
            if ignored || (refused && trust == Trust::Doubt) {
                return Ok(response);
            }
            if !self.caller.is_empty() {
                let token = credential.as_ref().map(|credential| &credential.header);
                match status {
                    StatusCode::UNAUTHORIZED if self.refuses_all(url, token).await => {}
                    StatusCode::UNAUTHORIZED => return Err(TransportError::CallerUnauthorized),
                    _ => return Ok(response),
                }
            }
            credential = Some(match (status, challenge) {
                (StatusCode::UNAUTHORIZED, challenge) => {
                    let challenge = challenge.unwrap_or_else(|| Challenge::from_peer(peer));
                    authorizer.refused(credential, challenge, attempt).await?
                }
                (StatusCode::FORBIDDEN, Some(challenge)) if challenge.insufficient_scope() => {
                    authorizer.step_up(credential, challenge).await?
                }
                // A token may be refused for what it may not do: that is the server's answer, and costs no token.
                (StatusCode::FORBIDDEN, Some(challenge))
                    if credential.is_none() || challenge.invalid_token() =>
                {
                    authorizer.refused(credential, challenge, attempt).await?
                }
                _ => return Ok(response),
            });
        }
        Err(TransportError::NotSent("the server refuses one new token after another".into()))
    }

    /// Whether the server refuses the gateway's own credential without a caller's headers, too. What is asked for is no
    /// message, so that it has no effect if it is let in.
    async fn refuses_all(&self, url: &Url, token: Option<&HeaderValue>) -> bool {
        let mut question = self.client.post(url.clone()).header(header::CONTENT_TYPE, JSON).body("{}");
        if let Some(token) = token {
            question = question.header(header::AUTHORIZATION, token.clone());
        }
        let Ok(question) = question.build() else { return false };
        matches!(self.execute(question).await, Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED)
    }

    fn with_callers(&self, headers: HeaderMap) -> HeaderMap {
        let mut all = self.caller.clone();
        all.extend(headers);
        all
    }

    /// Sends a request as it is, and again with its method and its body wherever it is redirected to: as a GET, which
    /// is what 301 and 302 make of a POST elsewhere, it would be another question.
    async fn execute(&self, mut request: Request) -> Result<Response, TransportError> {
        for _ in 0..=MOST_REDIRECTS {
            let again = request.try_clone();
            let (method, url) = (request.method().clone(), request.url().clone());
            let response = self.client.execute(request).await.map_err(|error| {
                let reason = explain(&error);
                if error.is_connect() || error.is_builder() {
                    TransportError::NotSent(reason)
                } else {
                    TransportError::Lost(reason)
                }
            })?;
            match (redirected(&method, &url, &response)?, again) {
                (Some(target), Some(next)) => {
                    request = next;
                    *request.url_mut() = target;
                }
                _ => return Ok(response),
            }
        }
        Err(TransportError::NotSent(
            "it redirects in a circle; configure the URL that it should lead to".into(),
        ))
    }

    /// Sends DELETE with the credential at hand, without waiting for a new one.
    pub(crate) async fn delete(&self, url: &Url, headers: HeaderMap) {
        let mut headers = self.with_callers(headers);
        if let Some(credential) = self.authorizer.as_ref().and_then(Authorizer::latest) {
            headers.insert(header::AUTHORIZATION, credential.header.clone());
        }
        // Its answer is not needed.
        if let Ok(request) = self.client.delete(url.clone()).headers(headers).build() {
            let _ = self.execute(request).await;
        }
    }
}

/// Where the answer to such a request sends it, if it does. Configured headers hold secrets, so redirects are followed
/// within their origin only; what a target's path and query hold may be a secret as well, and is not shown.
fn redirected(method: &Method, url: &Url, response: &Response) -> Result<Option<Url>, TransportError> {
    let status = response.status().as_u16();
    match net::redirect(url, status, response.headers()) {
        Redirect::None => Ok(None),
        Redirect::Nowhere => {
            Err(TransportError::NotSent(format!("it redirects (HTTP {status}), and does not say where to")))
        }
        Redirect::Elsewhere(target) => {
            let origin = target.origin().ascii_serialization();
            let place = if target.has_host() { &origin } else { target.scheme() };
            let advice = "if that is right, configure a URL there";
            Err(TransportError::NotSent(format!("it redirects to {place}; {advice}")))
        }
        // RFC 9110 section 15.4.4: the request has been dealt with, and the target says what came of it.
        Redirect::Within(target) if status == 303 && *method == Method::POST => {
            let origin = target.origin().ascii_serialization();
            Err(TransportError::Lost(format!(
                "it answers a POST with a redirect (HTTP 303) to a page at {origin}; configure the URL of its MCP endpoint"
            )))
        }
        Redirect::Within(target) => Ok(Some(target)),
    }
}

/// Lets a success pass and turns every other status into an error.
pub(crate) async fn accepted(response: Response) -> Result<Response, TransportError> {
    match response.status() {
        status if status.is_success() => Ok(response),
        status => Err(TransportError::Refused { status: status.as_u16(), body: beginning(response).await }),
    }
}

async fn beginning(response: Response) -> String {
    String::from_utf8_lossy(&net::beginning(response, KEPT).await).into_owned()
}

/// Whether the answer is a stream of server-sent events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

/// The whole body, of at most `limit` bytes, which `hold` counts.
pub(crate) async fn body(
    mut response: Response,
    limit: usize,
    hold: &mut Hold,
) -> Result<Vec<u8>, TransportError> {
    let (mut body, mut counted) = (Vec::new(), SMALL);
    while let Some(chunk) = response.chunk().await.map_err(|error| TransportError::Lost(explain(&error)))? {
        let length = body.len() + chunk.len();
        if length > limit {
            return Err(TransportError::TooLarge(limit));
        }
        if length > counted {
            counted = length.next_multiple_of(SMALL);
            hold.resize_soon(counted).await?;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The events of a response.
pub(crate) struct Events {
    response: Response,
    decoder: Decoder,
    /// The largest event that is taken now, in bytes.
    limit: Box<dyn Fn() -> usize + Send + Sync>,
    hold: Hold,
    /// For what is no event: comments, and fields without data.
    allowance: MessageAllowance,
    ended: bool,
}

impl Events {
    /// Those of `response`, each of at most about `limit()` bytes, which `hold` counts.
    pub(crate) fn of(
        response: Response,
        limit: impl Fn() -> usize + Send + Sync + 'static,
        hold: Hold,
    ) -> Self {
        let (decoder, allowance) = (Decoder::new(limit()), MessageAllowance::new());
        Self { response, decoder, limit: Box::new(limit), hold, allowance, ended: false }
    }

    /// Goes on with the events of another response.
    pub(crate) fn resume(&mut self, response: Response) {
        self.decoder.restart();
        (self.response, self.ended) = (response, false);
    }

    /// The next event, or `None` at the end. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, TransportError> {
        // The event before has been dealt with.
        self.hold.resize(self.decoder.len())?;
        while !self.ended {
            self.decoder.limit = (self.limit)();
            if let Some(event) = self.decoder.next()? {
                return Ok(Some(event));
            }
            // Events have names and ids, too, but not much of that.
            if self.decoder.ignored >= 1 << 10 {
                self.allowance.charge(std::mem::take(&mut self.decoder.ignored));
            }
            if let Some(wait) = self.allowance.wait() {
                Bound::ServerMessages.hit();
                sleep(wait).await;
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => {
                    self.hold.resize_soon(self.decoder.len() + bytes.len()).await?;
                    self.decoder.feed(bytes);
                }
                Ok(None) => self.ended = true,
                Err(error) => return Err(TransportError::Lost(explain(&error))),
            }
        }
        Ok(self.decoder.finish())
    }

    /// The id of the last event, if the server gives ids.
    pub(crate) fn last_id(&self) -> Option<&[u8]> {
        self.decoder.last_id.as_deref()
    }

    /// How long the server wants a client to wait before it comes back.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.decoder.retry
    }
}

/// An error and its causes in one line, with the URL if it could not be connected to.
pub(super) fn explain(error: &reqwest::Error) -> String {
    let causes = net::causes(error);
    match error.url().filter(|_| error.is_connect()) {
        Some(url) => format!("{causes} ({})", without_secrets(url.as_str())),
        None => causes,
    }
}

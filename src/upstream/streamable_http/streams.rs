//! The streams of a streamable HTTP connection: answers, resumed where they break off, and the standing stream, which
//! brings what the server says unasked (MCP 2025-11-25, Resumability and Redelivery).

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Response;
use sse_stream::Sse;
use tokio::time::sleep;

use super::Shared;
use crate::upstream::{error::WireError, message::RawReply, remote};

const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// How often the standing stream may fail to open, one time after another, before the server counts as lost.
const MOST_FAILURES: u32 = 3;
/// The wait before a stream is resumed, where the server names none.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

type Events = BoxStream<'static, Result<Sse, WireError>>;

impl Shared {
    /// Reads a response to its end, or up to the answer to `wanted`; resumes a broken stream where the server
    /// allows it.
    pub(super) async fn follow(
        &self,
        response: Response,
        wanted: Option<u64>,
    ) -> Result<Option<RawReply>, WireError> {
        if !remote::is_event_stream(response.headers()) {
            let body = remote::body(response, self.inbox.max_message).await?;
            return Ok(if body.trim_ascii().is_empty() { None } else { self.take(&body, wanted) });
        }
        let mut cursor = Cursor::default();
        let mut events = remote::events(response, self.inbox.max_message);
        loop {
            let end = self.read(&mut events, &mut cursor, wanted).await;
            if matches!(end, Ok(Some(_)) | Err(WireError::TooLarge(_))) {
                return end;
            }
            let (Some(_), Some(last)) = (wanted, cursor.last.clone()) else {
                return end;
            };
            // The caller's deadline bounds how often.
            sleep(cursor.retry).await;
            // Whatever happens now, the request has been sent.
            let resumed = self.get(Some(&last)).await.map_err(|error| WireError::Lost(error.to_string()))?;
            events = remote::events(resumed, self.inbox.max_message);
        }
    }

    /// Reads events until the stream ends or the answer to `wanted` has come.
    async fn read(
        &self,
        events: &mut Events,
        cursor: &mut Cursor,
        wanted: Option<u64>,
    ) -> Result<Option<RawReply>, WireError> {
        while let Some(event) = events.next().await {
            let event = event?;
            cursor.pass(&event);
            let data = event.data.unwrap_or_default();
            if data.trim().is_empty() {
                continue;
            }
            if let Some(reply) = self.take(data.as_bytes(), wanted) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    async fn get(&self, last_event: Option<&HeaderValue>) -> Result<Response, WireError> {
        let mut headers = HeaderMap::from_iter([(header::ACCEPT, remote::EVENTS)]);
        self.add_session(&mut headers);
        if let Some(last) = last_event {
            headers.insert(LAST_EVENT, last.clone());
        }
        let response = self.endpoint.send(Method::GET, &self.url, headers, Bytes::new()).await?;
        remote::accepted(response).await
    }

    /// Keeps the standing stream open for as long as it is polled, or until it is of no use.
    pub(super) async fn listen(&self) {
        let mut cursor = Cursor::default();
        let mut failures = 0;
        loop {
            match self.get(cursor.last.as_ref()).await {
                Ok(response) if remote::is_event_stream(response.headers()) => {
                    failures = 0;
                    let _ = self
                        .read(&mut remote::events(response, self.inbox.max_message), &mut cursor, None)
                        .await;
                    sleep(cursor.retry).await;
                }
                Err(WireError::Refused { status: 404, .. }) if self.session.get().is_some() => {
                    self.inbox.forgotten();
                    return;
                }
                // A server need not offer the stream: it answers 405 then.
                Ok(_)
                | Err(
                    WireError::Refused { status: 400..=499, .. }
                    | WireError::Unauthorized
                    | WireError::CallerUnauthorized,
                ) => return,
                // Calls tell of it; the stream comes back some time after a login.
                Err(WireError::Authorization(_)) => sleep(LONGEST_RETRY).await,
                Err(error) if failures == MOST_FAILURES => {
                    self.inbox.close(format!("the server cannot be reached: {error}"));
                    return;
                }
                Err(_) => {
                    failures += 1;
                    sleep(RETRY).await;
                }
            }
        }
    }
}

/// How far a stream has been read.
struct Cursor {
    last: Option<HeaderValue>,
    retry: Duration,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { last: None, retry: RETRY }
    }
}

impl Cursor {
    fn pass(&mut self, event: &Sse) {
        if let Some(id) = event.id.as_ref().and_then(|id| HeaderValue::from_str(id).ok()) {
            self.last = Some(id);
        }
        if let Some(retry) = event.retry {
            self.retry = Duration::from_millis(retry).min(LONGEST_RETRY);
        }
    }
}

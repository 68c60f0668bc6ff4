//! The streams of a streamable HTTP connection: answers, which are resumed if they break off, and the standing stream,
//! which brings what the server sends unasked (MCP 2025-11-25, Resumability and Redelivery).

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use reqwest::Response;
use tokio::time::{Instant, sleep};

use super::endpoint::{McpEndpoint, NO_ANSWER};
use crate::{
    held::Hold,
    upstream::{
        protocol::{
            error::TransportError,
            excerpt::Excerpt,
            json_rpc::{
                raw_message::{self, Kind, RawMessage},
                reply::{FIRST_ID, RawReply},
            },
        },
        transport::{
            event_stream::Decoder,
            remote::{self, Events},
        },
    },
};

/// The wait before a stream is resumed, if the server names none.
const RETRY: Duration = Duration::from_secs(1);
/// What a server may name.
const SHORTEST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// The waits before the standing stream is opened again double up to this one.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

impl McpEndpoint {
    /// The answer to our request `wanted`.
    pub(super) async fn answer(
        &self,
        response: Response,
        wanted: u64,
        is_call: bool,
    ) -> Result<RawReply, TransportError> {
        let reply = self.follow(response, Some(wanted), is_call).await?;
        reply.ok_or_else(|| TransportError::NoAnswer(NO_ANSWER.into()))
    }

    /// Reads a response to its end, or up to the answer to `wanted`; resumes a broken stream where the server
    /// allows it.
    pub(super) async fn follow(
        &self,
        response: Response,
        wanted: Option<u64>,
        is_call: bool,
    ) -> Result<Option<RawReply>, TransportError> {
        let largest = self.inbound.largest_answer(is_call);
        let mut hold = Hold::by(self.inbound.holder.clone());
        if !remote::is_event_stream(response.headers()) {
            let body = remote::body(response, largest, &mut hold).await?;
            let reply = self.take_body(&body, wanted);
            if !matches!(reply, Ok(Some(_))) {
                self.inbound.pace().await;
            }
            return reply;
        }
        let mut events = Events::of(response, move || largest, hold);
        loop {
            let end = self.read(&mut events, wanted).await;
            if matches!(end, Ok(Some(_)) | Err(TransportError::TooLarge(_) | TransportError::NoRoom(_))) {
                return end;
            }
            let (Some(_), Some(last)) = (wanted, last_event(&events)) else {
                return end;
            };
            // The caller's deadline bounds how often.
            sleep(retry(&events)).await;
            // Whatever happens now, the request has been sent.
            let resumed =
                self.get(Some(&last)).await.map_err(|error| TransportError::Lost(error.to_string()))?;
            events.resume(resumed);
        }
    }

    /// Takes the body of an answer that is no stream.
    fn take_body(&self, body: &[u8], wanted: Option<u64>) -> Result<Option<RawReply>, TransportError> {
        let text = raw_message::text(body);
        if text.is_empty() {
            return Ok(None);
        }
        if ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| text.starts_with(field)) {
            return self.take_events(body, wanted);
        }
        let unreadable = !text.starts_with('[') && RawMessage::open(&text).is_err();
        match self.take(&text, wanted) {
            None if unreadable => {
                Err(TransportError::NoAnswer(format!("its answer is not JSON-RPC: {}", Excerpt(&text))))
            }
            reply => Ok(reply),
        }
    }

    /// Takes a body of events whose type does not say so.
    fn take_events(&self, body: &[u8], wanted: Option<u64>) -> Result<Option<RawReply>, TransportError> {
        let mut decoder = Decoder::new(body.len());
        decoder.feed(Bytes::copy_from_slice(body));
        let mut reply = None;
        while let Some(event) = decoder.next()?.or_else(|| decoder.finish()) {
            reply = self.take(&raw_message::text(&event.data), wanted).or(reply);
        }
        Ok(reply)
    }

    /// Reads events until the stream ends or the answer to `wanted` has come.
    async fn read(
        &self,
        events: &mut Events,
        wanted: Option<u64>,
    ) -> Result<Option<RawReply>, TransportError> {
        while let Some(event) = events.next().await? {
            let text = raw_message::text(&event.data);
            let reply = if text.is_empty() { None } else { self.take(&text, wanted) };
            if reply.is_some() {
                return Ok(reply);
            }
            self.inbound.pace().await;
        }
        Ok(None)
    }

    /// Takes the messages of a text. The answer to `wanted` is returned, and so is an error that names no request of
    /// ours: what comes in answer to a POST can be for no other. All else goes to the inbound messages.
    fn take(&self, text: &str, wanted: Option<u64>) -> Option<RawReply> {
        self.inbound.note_life();
        let mut reply = None;
        raw_message::each(text, |message| {
            let answer = wanted
                .and_then(|wanted| Some((wanted, RawMessage::open(message).ok()?)))
                .filter(|(wanted, answer)| answers(answer, *wanted));
            match answer {
                Some((_, answer)) => reply = Some(answer.reply()),
                None => {
                    self.note_version(message);
                    self.inbound.accept_one(message);
                }
            }
        });
        reply
    }

    /// Keeps the standing stream open for as long as it is polled, unless the server does not offer it.
    pub(super) async fn listen(&self) {
        let (mut last, mut wait) = (None, RETRY);
        loop {
            match self.get(last.as_ref()).await {
                Ok(response) if remote::is_event_stream(response.headers()) => {
                    let largest = self.inbound.largest_answer(false);
                    let hold = Hold::by(self.inbound.holder.clone());
                    let mut events = Events::of(response, move || largest, hold);
                    let opened = Instant::now();
                    let _ = self.read(&mut events, None).await;
                    last = last_event(&events).or(last);
                    if opened.elapsed() > RETRY {
                        wait = retry(&events);
                    }
                    self.inbound.suspect();
                }
                // MCP 2025-11-25, Listening for Messages from the Server.
                Err(TransportError::Refused { status: 405, .. }) => return,
                Err(
                    TransportError::NotSent(_)
                    | TransportError::Lost(_)
                    | TransportError::Refused { status: 404 | 502..=504, .. },
                ) => {
                    self.inbound.suspect();
                }
                Ok(_) | Err(_) => {}
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

/// Whether a message answers our request `wanted`, or is an error for no request that it names.
fn answers(answer: &RawMessage<'_>, wanted: u64) -> bool {
    let id = answer.number().and_then(|id| u64::try_from(id).ok());
    answer.kind() == Kind::Answer
        && (id == Some(wanted) || (answer.error.is_some() && id.is_none_or(|id| id < FIRST_ID)))
}

fn last_event(events: &Events) -> Option<HeaderValue> {
    events.last_id().and_then(|id| HeaderValue::from_bytes(id).ok())
}

/// How long to wait before a stream is opened again.
fn retry(events: &Events) -> Duration {
    events.retry().map_or(RETRY, |told| told.clamp(SHORTEST_RETRY, LONGEST_RETRY))
}

//! The receiving side of a connection. It sorts what a server sends: answers to our requests go to their callers,
//! everything else goes to rmcp.
//!
//! Invariant: only the first reason for an end counts, and everyone who waits learns it.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use rmcp::model::{ErrorData, RequestId, ServerJsonRpcMessage};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::pending_requests::{PendingRequests, Ticket};
use crate::upstream::protocol::{
    error::TransportError,
    excerpt::Excerpt,
    json_rpc::{
        raw_message::{self, Kind, RawMessage},
        reply::FIRST_ID,
    },
    normalize,
};

/// Notifications wait here for rmcp. A server that floods it loses notifications, never answers.
const CONTROL_BUFFER: usize = 1024;

/// The receiving side of one connection.
pub(crate) struct Inbound {
    server: String,
    /// The largest message that is taken, in bytes.
    pub(super) max_message: usize,
    requests: PendingRequests,
    control: mpsc::Sender<ServerJsonRpcMessage>,
    /// How much output was no message.
    ignored: AtomicUsize,
    closed: CancellationToken,
    reason: OnceLock<String>,
    /// Cancelled once the server has refused something as if it did not know the session.
    stale: CancellationToken,
    /// Notified when the server may be gone: a call got no answer in time, or one of its streams broke.
    suspected: Notify,
    /// How many messages have come.
    heard: AtomicU64,
}

impl Inbound {
    /// Open inbound messages, and the end at which rmcp takes out its messages.
    pub(crate) fn new(server: &str, max_message: usize) -> (Self, mpsc::Receiver<ServerJsonRpcMessage>) {
        let (control, messages) = mpsc::channel(CONTROL_BUFFER);
        let inbound = Self {
            server: server.to_owned(),
            max_message,
            requests: PendingRequests::new(),
            control,
            ignored: AtomicUsize::new(0),
            closed: CancellationToken::new(),
            stale: CancellationToken::new(),
            suspected: Notify::new(),
            reason: OnceLock::new(),
            heard: AtomicU64::new(0),
        };
        (inbound, messages)
    }

    /// Begins to wait for the answer to request `id`; to be called before it is sent.
    pub(super) fn expect(&self, id: u64) -> Result<Ticket<'_>, TransportError> {
        self.requests.expect(id).ok_or_else(|| TransportError::NotSent(self.reason()))
    }

    /// Begins to wait for the answer to rmcp's own request `id` of this method; to be called before it is sent.
    pub(crate) fn expect_control(&self, id: &RequestId, method: &str) {
        if let RequestId::Number(id) = id {
            self.requests.expect_rmcp(*id, method);
        }
    }

    /// Waits no longer for the answer to rmcp's request `id`, which was not sent.
    pub(crate) fn forget_control(&self, id: &RequestId) {
        self.take_rmcp(id);
    }

    /// Hands rmcp an error in place of the answer to its request `id`, if none has come.
    pub(super) fn no_answer(&self, id: &RequestId, error: ErrorData) {
        if self.take_rmcp(id).is_some() {
            self.deliver(normalize::failure(id.clone(), error));
        }
    }

    fn take_rmcp(&self, id: &RequestId) -> Option<String> {
        let RequestId::Number(id) = id else { return None };
        self.requests.take_rmcp(*id)
    }

    /// Takes what arrived: one message, or a list of them.
    pub(super) fn accept(&self, bytes: &[u8]) {
        self.note_life();
        raw_message::each(&raw_message::text(bytes), |message| self.accept_one(message));
    }

    /// Takes one message.
    pub(super) fn accept_one(&self, text: &str) {
        let raw_message = match RawMessage::open(text) {
            Ok(raw_message) => raw_message,
            Err(error) => {
                self.ignore(text);
                let (ids, reason) = (raw_message::find_ids(text), format!("the answer is not JSON: {error}"));
                for id in &ids {
                    self.no_answer(
                        &RequestId::Number(*id),
                        ErrorData::new(normalize::UNREADABLE, reason.clone(), None),
                    );
                }
                if let Some(id) = self.requests.find(ids) {
                    self.requests.answer(id, Err(TransportError::Lost(reason)));
                }
                return;
            }
        };
        match (raw_message.kind(), raw_message.number().and_then(|id| u64::try_from(id).ok())) {
            (Kind::Answer, Some(id)) if id >= FIRST_ID => self.requests.answer(id, Ok(raw_message.reply())),
            (Kind::Answer, _) => match self
                .requests
                .find_rmcp(raw_message.number(), raw_message.error.is_some())
            {
                Some(id) => self.answer_control(&id, &raw_message),
                None => debug!(server = self.server, message = %Excerpt(text), "nobody waits for an answer"),
            },
            (Kind::Request | Kind::Notification, _) => match normalize::incoming(&raw_message) {
                Some(message) => self.deliver(message),
                None => self.ignore(text),
            },
            (Kind::Noise, _) => self.ignore(text),
        }
    }

    /// Hands the answer to its request `id` to rmcp.
    pub(super) fn answer_control(&self, id: &RequestId, answer: &RawMessage<'_>) {
        if let Some(method) = self.take_rmcp(id) {
            self.deliver(normalize::answer(id.clone(), &method, answer));
        }
    }

    /// Takes both ends of a message that is too large, and fails the request that it answers. Returns false if none can
    /// be made out.
    ///
    /// How deep the end is nested is not known, so an id in it counts only as the last member of all: any other may be data
    /// that a caller has sent, with the id of another's call.
    pub(super) fn refuse(&self, head: &[u8], tail: &[u8]) -> bool {
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        let ids = raw_message::find_ids(&head).into_iter().chain(raw_message::final_id(&tail));
        let id = self.requests.find(ids);
        if let Some(id) = id {
            self.requests.answer(id, Err(TransportError::TooLarge(self.max_message)));
        }
        id.is_some()
    }

    /// Hands `message` to rmcp.
    pub(super) fn deliver(&self, message: ServerJsonRpcMessage) {
        if self.control.try_send(message).is_err() && !self.closed.is_cancelled() {
            warn!(server = self.server, "dropped a message: the server sends more than can be handled");
        }
    }

    /// Ends the connection for everyone; only the first reason counts.
    pub(crate) fn close(&self, reason: impl Into<String>) {
        let _ = self.reason.set(reason.into());
        self.requests.close(&self.reason());
        self.closed.cancel();
    }

    /// Marks the session as one that the server may no longer know. Calls under way go on; new ones take a new
    /// connection.
    pub(crate) fn mark_stale(&self, reason: &str) {
        if !self.stale.is_cancelled() {
            info!(server = self.server, reason, "opening the session anew");
        }
        self.stale.cancel();
    }

    /// Resolves once the session is stale.
    pub(crate) async fn stale(&self) {
        self.stale.cancelled().await;
    }

    /// Asks for a ping: the server may be gone.
    pub(crate) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// Resolves when the server may be gone.
    pub(crate) async fn suspected(&self) {
        self.suspected.notified().await;
    }

    /// Counts a sign of life, for the heartbeat.
    pub(super) fn note_life(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// A number that grows with everything that the server says.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Whether new calls may take the connection.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed() && !self.stale.is_cancelled()
    }

    /// Resolves once the connection has ended.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Why the connection has ended.
    pub(crate) fn reason(&self) -> String {
        self.reason.get().cloned().unwrap_or_else(|| "the connection was closed".into())
    }

    /// Passes over output that is no message, and shows the first of it.
    fn ignore(&self, text: &str) {
        const SHOWN: usize = 5;
        let (server, line) = (&self.server, Excerpt(text));
        match self.ignored.fetch_add(1, Ordering::Relaxed) {
            SHOWN => warn!(
                server,
                "the server goes on writing what is not JSON-RPC; only --log-level debug shows it"
            ),
            number if number < SHOWN => warn!(server, %line, "ignored output that is not JSON-RPC"),
            _ => debug!(server, %line, "ignored output that is not JSON-RPC"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn batches_are_sorted_and_never_nested() {
        let (inbound, _control) = Inbound::new("test", 1 << 20);
        let ticket = inbound.expect(FIRST_ID).unwrap();
        inbound.accept(format!("{}1{}", "[1,".repeat(50_000), "]".repeat(50_000)).as_bytes());
        let answer = format!(r#"[{{"jsonrpc":"2.0","id":{},"result":{{"a":1}}}}]"#, FIRST_ID);
        inbound.accept(answer.as_bytes());
        assert_eq!(ticket.answer().await.unwrap().unwrap().get(), r#"{"a":1}"#);
    }

    #[tokio::test]
    async fn a_late_answer_is_not_taken_for_another() {
        let (inbound, mut control) = Inbound::new("test", 1 << 20);
        inbound.expect_control(&RequestId::Number(0), "server/discover");
        inbound.expect_control(&RequestId::Number(1), "initialize");
        inbound.accept(br#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"late"}}"#);
        inbound.accept(br#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#);
        let answer = control.recv().await.unwrap();
        assert!(matches!(answer, ServerJsonRpcMessage::Response(_)), "{answer:?}");
        inbound.expect_control(&RequestId::Number(2), "initialize");
        inbound.accept(
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"the server could not read the id"}}"#,
        );
        assert!(matches!(control.recv().await, Some(ServerJsonRpcMessage::Error(_))));
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_finds_its_caller() {
        let (inbound, _control) = Inbound::new("test", 1 << 20);
        let ticket = inbound.expect(FIRST_ID).unwrap();
        let answer = format!(r#"{{"result":{{"id":2345678901}},"oops","id":{}}}"#, FIRST_ID);
        inbound.accept(answer.as_bytes());
        assert!(matches!(ticket.answer().await, Err(TransportError::Lost(_))));
    }

    /// The end of an answer that is too large may hold what a caller has sent, with the id of another's call.
    #[tokio::test]
    async fn an_id_in_data_fails_no_other_call() {
        let (inbound, _control) = Inbound::new("test", 1 << 20);
        let (own, others) = (FIRST_ID, FIRST_ID + 1);
        let (ticket, mut victim) =
            (inbound.expect(own).unwrap(), pin!(inbound.expect(others).unwrap().answer()));
        let tail = format!(r#"x"}}]}},"z":[{{"id":{others}}}]}}]]]]}},{{"id":{others},"#);
        let head = r#"{"result":{"content":[{"text":"x"#;
        assert!(inbound.refuse(head.as_bytes(), format!(r#"{tail}"jsonrpc":"2.0","id":{own}}}"#).as_bytes()));
        let own = ticket.answer().now_or_never();
        assert!(matches!(own, Some(Err(TransportError::TooLarge(_)))), "{own:?}");
        assert!(!inbound.refuse(head.as_bytes(), format!(r#"{tail}"a":1}}"#).as_bytes()), "nobody's");
        assert!(victim.as_mut().now_or_never().is_none(), "the other call goes on");
    }
}

//! Sorts what an upstream sends: answers to our requests to their callers, everything else to rmcp.
//!
//! Invariant: once closed, every caller that waits has been told, and no new one can begin to wait.

use std::{
    collections::HashMap,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rmcp::model::ServerJsonRpcMessage;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    error::WireError,
    message::{self, Envelope, RawReply},
};

/// Notifications wait here for rmcp. A server that floods it loses notifications, never answers.
const CONTROL_BUFFER: usize = 1024;

type Answer = Result<RawReply, WireError>;

/// The receiving side of one connection.
pub(super) struct Inbox {
    server: String,
    /// The largest message that is taken, in bytes.
    pub(super) max_message: usize,
    /// `None` once closed.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>,
    control: mpsc::Sender<ServerJsonRpcMessage>,
    closed: CancellationToken,
    reason: OnceLock<String>,
    /// How many messages have come.
    heard: AtomicU64,
}

impl Inbox {
    /// An open inbox, and the end at which rmcp takes out its messages.
    pub(super) fn new(server: &str, max_message: usize) -> (Self, mpsc::Receiver<ServerJsonRpcMessage>) {
        let (control, messages) = mpsc::channel(CONTROL_BUFFER);
        let inbox = Self {
            server: server.to_owned(),
            max_message,
            waiting: Mutex::new(Some(HashMap::new())),
            control,
            closed: CancellationToken::new(),
            reason: OnceLock::new(),
            heard: AtomicU64::new(0),
        };
        (inbox, messages)
    }

    /// Begins to wait for the answer to request `id`; to be called before it is sent.
    pub(super) fn expect(&self, id: u64) -> Result<Ticket<'_>, WireError> {
        let (sender, answer) = oneshot::channel();
        match self.lock().as_mut() {
            Some(waiting) => waiting.insert(id, sender),
            None => return Err(WireError::NotSent(self.reason())),
        };
        Ok(Ticket { inbox: self, id, answer })
    }

    /// Takes one message, or a batch of them (which only 2025-03-26 knows), as it came over the wire.
    pub(super) fn accept(&self, frame: &[u8]) {
        self.note_life();
        if !frame.trim_ascii_start().starts_with(b"[") {
            return self.accept_one(frame);
        }
        match serde_json::from_slice::<Vec<&RawValue>>(frame) {
            Ok(messages) => messages.iter().for_each(|message| self.accept_one(message.get().as_bytes())),
            Err(error) => self.ignore(&error),
        }
    }

    fn accept_one(&self, frame: &[u8]) {
        match Envelope::parse(frame) {
            Ok(envelope) => match envelope.answers() {
                Some(id) => self.answer(id, Ok(envelope.into_reply())),
                None => self.forward(frame),
            },
            Err(error) => {
                self.ignore(&error);
                if let Some(id) = self.find_waiting(frame) {
                    self.answer(id, Err(WireError::Lost(format!("the answer is not JSON: {error}"))));
                }
            }
        }
    }

    /// Who waits for a message that cannot be read. Its payload may hold something like an id too.
    fn find_waiting(&self, text: &[u8]) -> Option<u64> {
        let ids = message::find_ids(text);
        let waiting = self.lock();
        let waiting = waiting.as_ref()?;
        ids.into_iter().rev().find(|id| waiting.contains_key(id))
    }

    /// Takes both ends of a message that is too large: whoever waits for it is told so. False where nobody can
    /// be made out.
    pub(super) fn refuse(&self, ends: &[u8]) -> bool {
        let id = self.find_waiting(ends);
        if let Some(id) = id {
            self.answer(id, Err(WireError::TooLarge(self.max_message)));
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
    pub(super) fn close(&self, reason: impl Into<String>) {
        let _ = self.reason.set(reason.into());
        self.lock().take();
        self.closed.cancel();
    }

    /// Ends the connection to a server that has forgotten the session; gives what that means for the refused request.
    pub(super) fn forgotten(&self) -> WireError {
        const FORGOTTEN: &str = "the server has forgotten the session";
        self.close(FORGOTTEN);
        WireError::NotSent(FORGOTTEN.into())
    }

    /// Notes that the server has said something, for those that watch whether it still does.
    pub(super) fn note_life(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// A number that grows with everything that the server says.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Resolves once the connection has ended.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Why the connection has ended.
    pub(super) fn reason(&self) -> String {
        self.reason.get().cloned().unwrap_or_else(|| "the connection was closed".into())
    }

    fn answer(&self, id: u64, answer: Answer) {
        // A caller that has left, or whose time was up, leaves no ticket behind: its late answer is nobody's.
        if let Some(sender) = self.lock().as_mut().and_then(|waiting| waiting.remove(&id)) {
            let _ = sender.send(answer);
        }
    }

    fn ignore(&self, error: &serde_json::Error) {
        warn!(server = self.server, %error, "ignored a line that is not JSON-RPC");
    }

    fn forward(&self, frame: &[u8]) {
        match serde_json::from_slice(frame) {
            Ok(message) => self.deliver(message),
            Err(error) => warn!(server = self.server, %error, "ignored a message that is not MCP"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Answer>>>> {
        // No code panics while it holds the lock, so a poisoned one is still whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one answer; dropping it gives the answer up.
pub(super) struct Ticket<'a> {
    inbox: &'a Inbox,
    id: u64,
    answer: oneshot::Receiver<Answer>,
}

impl Ticket<'_> {
    pub(super) async fn answer(mut self) -> Answer {
        (&mut self.answer).await.unwrap_or_else(|_| Err(WireError::Lost(self.inbox.reason())))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.inbox.lock().as_mut() {
            waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn batches_are_sorted_and_never_nested() {
        let (inbox, _control) = Inbox::new("test", 1 << 20);
        let ticket = inbox.expect(message::FIRST_ID).unwrap();
        inbox.accept(format!("{}1{}", "[1,".repeat(50_000), "]".repeat(50_000)).as_bytes());
        let answer = format!(r#"[{{"jsonrpc":"2.0","id":{},"result":{{"a":1}}}}]"#, message::FIRST_ID);
        inbox.accept(answer.as_bytes());
        assert_eq!(ticket.answer().await.unwrap().unwrap().get(), r#"{"a":1}"#);
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_finds_its_caller() {
        let (inbox, _control) = Inbox::new("test", 1 << 20);
        let ticket = inbox.expect(message::FIRST_ID).unwrap();
        let answer = format!(r#"{{"result":{{"id":2345678901}},"oops","id":{}}}"#, message::FIRST_ID);
        inbox.accept(answer.as_bytes());
        assert!(matches!(ticket.answer().await, Err(WireError::Lost(_))));
    }
}

//! The receiving side of a connection. It sorts what a server sends: answers to our requests go to their callers, those
//! to rmcp's to rmcp, and what the server itself asks is answered.
//!
//! Invariants: only the first reason for an end counts, and everyone who waits learns it. What a server sends unasked is
//! held within bounds, if those who read await [`Inbound::pace`] after each message.

use std::{
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rmcp::model::{ErrorData, RequestId, ServerJsonRpcMessage};
use tokio::{
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Level, debug, enabled, info, warn};

use super::{
    log_budget::LogBudget,
    message_allowance::MessageAllowance,
    pending_requests::{PendingRequests, Ticket},
};
use crate::{
    bounds::Bound,
    held::Holder,
    upstream::protocol::{
        error::{LARGEST_WITHOUT_CALL, TransportError},
        excerpt::Excerpt,
        json_rpc::{
            frame::Frame,
            raw_message::{self, Kind, LONGEST_BATCH, RawMessage},
            reply::FIRST_ID,
        },
        normalize, server_request,
    },
};

/// How many messages may wait for rmcp: the answers of a handshake, and notifications of a subscription.
const CONTROL_BUFFER: usize = 64;
/// How many answers to the server's requests may wait for it to take them, beside those to one batch.
const UNTAKEN: usize = 64;
/// How long the server may take to make room for another.
const ROOM: Duration = Duration::from_secs(10);

/// The receiving side of one connection.
pub(crate) struct Inbound {
    pub(super) server: String,
    /// What may be logged of what the server says by itself.
    pub(super) log_budget: LogBudget,
    /// The largest result of a call that is taken, in bytes.
    max_result: usize,
    /// Whose the messages are that have not come whole.
    pub(super) holder: Arc<Holder>,
    requests: PendingRequests,
    control: mpsc::Sender<ServerJsonRpcMessage>,
    /// Our answers to the server's own requests.
    answers: mpsc::Sender<Frame>,
    /// Notified when one of them is taken out.
    answer_taken: Notify,
    allowance: MessageAllowance,
    /// Whether the log has said that the server is read more slowly.
    slowed: AtomicBool,
    /// Notified when the server says that its tools have changed.
    tools_changed: Notify,
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

/// Where those who handle a server's messages take them out.
pub(crate) struct Outlets {
    /// For rmcp.
    pub(crate) messages: mpsc::Receiver<ServerJsonRpcMessage>,
    /// Answers to the server's own requests, to be sent to it.
    pub(crate) answers: mpsc::Receiver<Frame>,
}

impl Inbound {
    /// Open inbound messages, and the ends at which they are taken out.
    pub(crate) fn new(server: &str, max_message: usize, holder: Arc<Holder>) -> (Self, Outlets) {
        let (control, messages) = mpsc::channel(CONTROL_BUFFER);
        let (answers, untaken) = mpsc::channel(UNTAKEN + LONGEST_BATCH);
        let inbound = Self {
            server: server.to_owned(),
            log_budget: LogBudget::new(),
            max_result: max_message,
            holder,
            requests: PendingRequests::new(),
            control,
            answers,
            answer_taken: Notify::new(),
            allowance: MessageAllowance::new(),
            slowed: AtomicBool::new(false),
            tools_changed: Notify::new(),
            ignored: AtomicUsize::new(0),
            closed: CancellationToken::new(),
            stale: CancellationToken::new(),
            suspected: Notify::new(),
            reason: OnceLock::new(),
            heard: AtomicU64::new(0),
        };
        (inbound, Outlets { messages, answers: untaken })
    }

    /// The largest message that is taken now, in bytes: only the result of a call may be as large as configured.
    pub(super) fn max_message(&self) -> usize {
        self.largest_answer(self.requests.calls_wait())
    }

    /// The largest answer that is taken: to a call, or to any other request.
    pub(super) fn largest_answer(&self, to_call: bool) -> usize {
        if to_call { self.max_result } else { self.max_result.min(LARGEST_WITHOUT_CALL) }
    }

    /// Begins to wait for the answer to request `id`; to be called before it is sent.
    pub(super) fn expect(&self, id: u64, is_call: bool) -> Result<Ticket<'_>, TransportError> {
        self.requests.expect(id, is_call).ok_or_else(|| TransportError::NotSent(self.reason()))
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
        let expected = match RawMessage::open(text) {
            Ok(raw_message) => self.sort(text, &raw_message),
            Err(error) => {
                self.fail_unreadable(text, &error);
                false
            }
        };
        if !expected {
            self.allowance.charge(text.len());
        }
    }

    /// Hands a message to its receiver. Returns whether it is an answer that is waited for.
    fn sort(&self, text: &str, raw_message: &RawMessage<'_>) -> bool {
        match (raw_message.kind(), raw_message.number().and_then(|id| u64::try_from(id).ok())) {
            // A late answer, whose caller has left, is dropped.
            (Kind::Answer, Some(id)) if id >= FIRST_ID => {
                return self.requests.answer(id, || Ok(raw_message.reply()));
            }
            (Kind::Answer, _) => {
                match self.requests.find_rmcp(raw_message.number(), raw_message.error.is_some()) {
                    Some(id) => {
                        self.answer_control(&id, raw_message);
                        return true;
                    }
                    None if self.may_debug() => {
                        debug!(server = self.server, text = %Excerpt(text), "nobody waits for an answer");
                    }
                    None => {}
                }
            }
            (Kind::Request, _) => match server_request::answer(raw_message) {
                Some(answer) => self.answer_server(answer),
                None => self.ignore(text),
            },
            (Kind::Notification, _) => {
                let notice = normalize::notice(raw_message);
                if notice.tools_changed {
                    self.tools_changed.notify_one();
                }
                if notice.for_rmcp.is_some_and(|message| self.control.try_send(message).is_err()) {
                    Bound::ServerMessages.hit();
                }
            }
            (Kind::Noise, _) => self.ignore(text),
        }
        false
    }

    /// Fails the requests that a message which cannot be read names, as far as its ids can be made out.
    fn fail_unreadable(&self, text: &str, error: &serde_json::Error) {
        self.ignore(text);
        let (ids, reason) = (raw_message::find_ids(text), format!("the answer is not JSON: {error}"));
        for id in &ids {
            let error = ErrorData::new(normalize::UNREADABLE, reason.clone(), None);
            self.no_answer(&RequestId::Number(*id), error);
        }
        if let Some(id) = self.requests.find(ids) {
            self.requests.answer(id, || Err(TransportError::Lost(reason)));
        }
    }

    /// Waits while the server is beyond what it may send unasked; to be awaited before more of it is read. A server that
    /// does not take the answers to its own requests loses the connection.
    pub(super) async fn pace(&self) {
        if let Some(wait) = self.allowance.wait() {
            Bound::ServerMessages.hit();
            if !self.slowed.swap(true, Ordering::Relaxed) {
                warn!(
                    server = self.server,
                    "reading more slowly: the server sends too much that nobody asked for"
                );
            }
            sleep(wait).await;
        }
        if self.answers.capacity() < LONGEST_BATCH && timeout(ROOM, self.room_for_answers()).await.is_err() {
            Bound::UnansweredRequests.hit();
            self.close("the server asks more than it takes answers for");
        }
    }

    /// Resolves when there is room for the answers to a batch. It takes none of it: other streams of the server go on.
    async fn room_for_answers(&self) {
        loop {
            let mut taken = pin!(self.answer_taken.notified());
            taken.as_mut().enable();
            if self.answers.capacity() >= LONGEST_BATCH {
                return;
            }
            taken.await;
        }
    }

    /// Says that an answer was taken out.
    pub(crate) fn answer_taken(&self) {
        self.answer_taken.notify_waiters();
    }

    /// Charges bytes that make up no message.
    pub(super) fn charge(&self, bytes: usize) {
        self.allowance.charge(bytes);
    }

    /// Resolves when the server says that its tools have changed.
    pub(crate) async fn tools_changed(&self) {
        self.tools_changed.notified().await;
    }

    fn answer_server(&self, answer: Frame) {
        // There is room if all who read keep pace, and nobody takes it out once the connection has ended.
        if self.answers.try_send(answer).is_err() && !self.is_closed() {
            Bound::UnansweredRequests.hit();
            self.close("the server asks more than it takes answers for");
        }
    }

    /// Hands the answer to its request `id` to rmcp.
    pub(super) fn answer_control(&self, id: &RequestId, answer: &RawMessage<'_>) {
        if let Some(method) = self.take_rmcp(id) {
            self.deliver(normalize::answer(id.clone(), &method, answer));
        }
    }

    /// Takes both ends of a message that is too large, and fails the request that it answers, for this reason. Returns
    /// false if none can be made out, of those that wait or have been given up.
    ///
    /// How deep the end is nested is not known, so an id in it counts only as the last member of all: any other may be data
    /// that a caller has sent, with the id of another's call.
    pub(super) fn refuse(&self, head: &[u8], tail: &[u8], reason: TransportError) -> bool {
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        let ids: Vec<i64> =
            raw_message::find_ids(&head).into_iter().chain(raw_message::final_id(&tail)).collect();
        match self.requests.find(ids.iter().copied()) {
            Some(id) => {
                self.requests.answer(id, || Err(reason));
                true
            }
            None => ids.into_iter().any(|id| u64::try_from(id).is_ok_and(|id| id >= FIRST_ID)),
        }
    }

    /// Hands `message` to rmcp.
    pub(super) fn deliver(&self, message: ServerJsonRpcMessage) {
        if self.control.try_send(message).is_err()
            && !self.closed.is_cancelled()
            && self.log_budget.admits(&self.server, 0)
        {
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
            _ if self.may_debug() => debug!(server, %line, "ignored output that is not JSON-RPC"),
            _ => {}
        }
    }

    /// Whether a line of the server may be logged at DEBUG.
    fn may_debug(&self) -> bool {
        enabled!(Level::DEBUG) && self.log_budget.admits(&self.server, 0)
    }
}

#[cfg(test)]
mod tests;

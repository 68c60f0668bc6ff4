//! Requests that wait for their answers: ours, and rmcp's own.
//!
//! Invariant: once closed, every caller that waits has its answer, and no new one can begin to wait.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rmcp::model::RequestId;
use tokio::sync::oneshot;

use crate::upstream::protocol::{error::TransportError, json_rpc::reply::RawReply};

type Reply = Result<RawReply, TransportError>;

/// The requests of one connection that wait.
pub(super) struct PendingRequests {
    /// `None` once closed.
    ours: Mutex<Option<HashMap<u64, oneshot::Sender<Reply>>>>,
    rmcp: Mutex<RmcpRequests>,
    /// How many calls of tools are among ours.
    calls: AtomicUsize,
}

/// rmcp's own requests.
#[derive(Default)]
struct RmcpRequests {
    /// Those that wait, by id, and their methods.
    waiting: HashMap<i64, String>,
    /// The last id: they count up.
    last: Option<i64>,
}

impl PendingRequests {
    pub(super) fn new() -> Self {
        Self { ours: Mutex::new(Some(HashMap::new())), rmcp: Mutex::default(), calls: AtomicUsize::new(0) }
    }

    /// Begins to wait for the answer to request `id`; `None` once closed.
    pub(super) fn expect(&self, id: u64, is_call: bool) -> Option<Ticket<'_>> {
        let (sender, answer) = oneshot::channel();
        self.ours().as_mut()?.insert(id, sender);
        self.calls.fetch_add(usize::from(is_call), Ordering::Relaxed);
        Some(Ticket { requests: self, id, is_call, answer })
    }

    /// Whether the result of a call is waited for.
    pub(super) fn calls_wait(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > 0
    }

    /// Answers request `id`; false if nobody waits: the caller has left, or ran out of time.
    pub(super) fn answer(&self, id: u64, answer: impl FnOnce() -> Reply) -> bool {
        let sender = self.ours().as_mut().and_then(|waiting| waiting.remove(&id));
        sender.is_some_and(|sender| sender.send(answer()).is_ok())
    }

    /// The first of these ids that is waited for.
    pub(super) fn find(&self, ids: impl IntoIterator<Item = i64>) -> Option<u64> {
        let waiting = self.ours();
        let waiting = waiting.as_ref()?;
        ids.into_iter().filter_map(|id| u64::try_from(id).ok()).find(|id| waiting.contains_key(id))
    }

    /// Ends all waiting for answers to our requests.
    pub(super) fn close(&self, reason: &str) {
        for sender in self.ours().take().into_iter().flatten().map(|(_, sender)| sender) {
            let _ = sender.send(Err(TransportError::Lost(reason.to_owned())));
        }
    }

    /// Begins to wait for the answer to rmcp's request `id` of this method.
    pub(super) fn expect_rmcp(&self, id: i64, method: &str) {
        let mut rmcp = self.rmcp();
        if method == "initialize" {
            // rmcp waits no longer for what it asked before: a server may start so slowly that its answer to
            // `server/discover` comes after the time for it.
            rmcp.waiting.clear();
        }
        rmcp.waiting.insert(id, method.to_owned());
        rmcp.last = Some(id);
    }

    /// Waits no longer for the answer to rmcp's request `id`. Returns its method if it was still waiting.
    pub(super) fn take_rmcp(&self, id: i64) -> Option<String> {
        self.rmcp().waiting.remove(&id)
    }

    /// The request of rmcp's that a message with this id answers. An error that names none is for the only one that
    /// waits.
    pub(super) fn find_rmcp(&self, id: Option<i64>, is_error: bool) -> Option<RequestId> {
        let rmcp = self.rmcp();
        let id = match id {
            Some(id) if rmcp.waiting.contains_key(&id) => Some(id),
            // It is late.
            Some(id) if rmcp.last.is_some_and(|last| (0..=last).contains(&id)) => None,
            _ => rmcp.waiting.keys().copied().next().filter(|_| is_error && rmcp.waiting.len() == 1),
        };
        id.map(RequestId::Number)
    }

    fn ours(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Reply>>>> {
        // No code panics while it holds a lock, so a poisoned one is still whole.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rmcp(&self) -> MutexGuard<'_, RmcpRequests> {
        self.rmcp.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one answer; dropping it gives the answer up.
pub(super) struct Ticket<'a> {
    requests: &'a PendingRequests,
    id: u64,
    is_call: bool,
    answer: oneshot::Receiver<Reply>,
}

impl Ticket<'_> {
    pub(super) async fn answer(mut self) -> Reply {
        let lost = |_| Err(TransportError::Lost("the connection was closed".into()));
        (&mut self.answer).await.unwrap_or_else(lost)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.requests.calls.fetch_sub(usize::from(self.is_call), Ordering::Relaxed);
        if let Some(waiting) = self.requests.ours().as_mut() {
            waiting.remove(&self.id);
        }
    }
}

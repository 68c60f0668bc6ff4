//! Messages on their way to a child that may read slowly.
//!
//! Invariants: a call that is given up before the writer takes its message is never written; one that the writer has
//! taken is cancelled, however many messages wait. What waits is bounded: messages by the room, cancellations by the
//! calls that were taken.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore};

use crate::upstream::protocol::{json_rpc::frame::Frame, request};

/// How many messages may wait.
const ROOM: usize = 64;

/// What the child's writer writes next, and after that.
pub(super) struct Outbox {
    waiting: Mutex<Pending>,
    room: Semaphore,
    /// Notified when something begins to wait.
    ready: Notify,
}

#[derive(Default)]
struct Pending {
    messages: VecDeque<Outgoing>,
    /// Cancellations of calls that were given up after the writer had taken them.
    cancelled: VecDeque<Frame>,
}

/// A message, and the id of the call that it is, if it is one.
pub(super) struct Outgoing {
    call: Option<u64>,
    pub(super) frame: Frame,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::default(), room: Semaphore::new(ROOM), ready: Notify::new() }
    }

    /// Puts a message behind the others, once there is room.
    pub(super) async fn put(&self, call: Option<u64>, frame: Frame) -> Queued<'_> {
        // It is never closed.
        if let Ok(place) = self.room.acquire().await {
            place.forget();
        }
        self.lock().messages.push_back(Outgoing { call, frame });
        self.ready.notify_one();
        Queued { outbox: self, call }
    }

    /// Takes what is to be written next: cancellations first.
    pub(super) async fn take(&self) -> Outgoing {
        loop {
            if let Some(next) = self.try_take() {
                return next;
            }
            self.ready.notified().await;
        }
    }

    fn try_take(&self) -> Option<Outgoing> {
        let mut waiting = self.lock();
        if let Some(frame) = waiting.cancelled.pop_front() {
            return Some(Outgoing { call: None, frame });
        }
        let message = waiting.messages.pop_front()?;
        self.room.add_permits(1);
        Some(message)
    }

    /// Takes back a message of which nothing was written.
    pub(super) fn put_back(&self, message: Outgoing) {
        self.lock().messages.push_front(message);
    }

    /// Removes a call's message; false if the writer has taken it.
    fn withdraw(&self, call: u64) -> bool {
        let mut waiting = self.lock();
        let place = waiting.messages.iter().position(|message| message.call == Some(call));
        let withdrawn = place.and_then(|place| waiting.messages.remove(place)).is_some();
        if withdrawn {
            self.room.add_permits(1);
        }
        withdrawn
    }

    fn cancel(&self, call: u64) {
        self.lock().cancelled.extend(request::cancelled(call));
        self.ready.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that was put into the outbox. Dropping it gives its call up.
pub(super) struct Queued<'a> {
    outbox: &'a Outbox,
    call: Option<u64>,
}

impl Queued<'_> {
    /// The call has ended. Returns whether its message was taken; if not, it never is.
    pub(super) fn was_taken(mut self) -> bool {
        self.call.take().is_none_or(|call| !self.outbox.withdraw(call))
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call
            && !self.outbox.withdraw(call)
        {
            self.outbox.cancel(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::timeout;

    use super::*;

    async fn put(outbox: &Outbox, call: u64) -> Queued<'_> {
        outbox.put(Some(call), Frame::new(&json!(call)).unwrap()).await
    }

    async fn next(outbox: &Outbox) -> String {
        String::from_utf8(outbox.take().await.frame.into_body().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_call_given_up_is_withdrawn_or_cancelled() {
        let outbox = Outbox::new();
        let (first, second, third) = (put(&outbox, 1).await, put(&outbox, 2).await, put(&outbox, 3).await);
        assert_eq!(next(&outbox).await, "1");
        drop(second);
        drop(first);
        let cancelled = next(&outbox).await;
        assert!(cancelled.contains("notifications/cancelled") && cancelled.contains(r#""requestId":1,"#));
        assert_eq!(next(&outbox).await, "3");
        assert!(third.was_taken());
        assert!(outbox.try_take().is_none());
    }

    #[tokio::test]
    async fn a_message_of_which_nothing_was_written_can_be_withdrawn() {
        let outbox = Outbox::new();
        let queued = put(&outbox, 1).await;
        let message = outbox.take().await;
        outbox.put_back(message);
        assert!(!queued.was_taken());
        assert!(outbox.try_take().is_none());
    }

    #[tokio::test]
    async fn what_is_withdrawn_makes_room() {
        let outbox = Outbox::new();
        let mut queued = Vec::new();
        for call in 0..ROOM as u64 {
            queued.push(put(&outbox, call).await);
        }
        assert!(timeout(Duration::from_millis(20), put(&outbox, 100)).await.is_err());
        queued.pop();
        assert!(timeout(Duration::from_secs(5), put(&outbox, 101)).await.is_ok());
        assert!(outbox.lock().cancelled.is_empty());
    }
}

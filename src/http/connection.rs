//! What a client's connection and the requests on it tell each other: whether a request is under way, so that the
//! connection reads no further ahead than it must.
//!
//! Invariant: apart from the body of the request under way, a connection has given actix at most [`BURST`] bytes and
//! [`HEADS`] heads more than requests have taken. Pipelined requests wait as bytes, most of them in the kernel.

use std::{
    cell::Cell,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use crate::bounds::Bound;

/// How many bytes are read before what they hold is looked at. Few heads are larger.
const BURST: usize = 4096;
/// How many heads, each of which takes several KiB once it is read.
const HEADS: usize = 8;

/// What a connection reads for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionPhase {
    /// The next head.
    Idle,
    /// Nothing but the end of the connection, which cancels the request under way.
    UnderWay,
    /// The body of the request under way.
    Body,
}

/// A client's connection, on the worker that serves it.
pub struct ClientConnection {
    phase: Cell<ConnectionPhase>,
    /// How much of the burst is left.
    left: Cell<usize>,
    /// Whether what was read is being looked at.
    looking: Cell<bool>,
    /// Who waits to read.
    reader: Cell<Option<Waker>>,
}

impl ClientConnection {
    /// A connection without a request.
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(ConnectionPhase::Idle),
            left: Cell::new(BURST),
            looking: Cell::new(false),
            reader: Cell::new(None),
        })
    }

    /// How many bytes may be read now; pending if none may.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<usize> {
        if self.left.get() > 0 {
            return Poll::Ready(self.left.get());
        }
        if self.phase.get() == ConnectionPhase::UnderWay {
            self.wait(cx);
            return Poll::Pending;
        }
        // What was read is looked at first. It may hold a request, which then is under way.
        if !self.looking.replace(true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.looking.set(false);
        self.left.set(BURST);
        Poll::Ready(BURST)
    }

    /// Returns how many of these bytes are given to actix now, and takes note of it.
    pub(crate) fn admit(&self, bytes: &[u8]) -> usize {
        // A body may hold any number of empty lines.
        let admitted =
            if self.phase.get() == ConnectionPhase::Body { bytes.len() } else { end_of_heads(bytes) };
        if admitted < bytes.len() {
            Bound::Pipelined.hit();
            self.left.set(0);
        } else {
            self.left.set(self.left.get().saturating_sub(admitted));
        }
        admitted
    }

    /// Has the reader wait until [`Self::wake`].
    pub(crate) fn wait(&self, cx: &Context<'_>) {
        self.reader.set(Some(cx.waker().clone()));
    }

    /// Wakes the reader, if it waits.
    pub(crate) fn wake(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Begins a request.
    pub(super) fn begin(self: &Rc<Self>) -> RequestUnderWay {
        self.enter(ConnectionPhase::UnderWay);
        RequestUnderWay(self.clone())
    }

    /// Begins to read the body of the request under way.
    pub(super) fn begin_body(self: &Rc<Self>) -> BodyUnderWay {
        self.enter(ConnectionPhase::Body);
        BodyUnderWay(self.clone())
    }

    fn enter(&self, phase: ConnectionPhase) {
        self.phase.set(phase);
        self.looking.set(false);
        // The end of a connection is seen only by who reads.
        self.left.set(self.left.get().max(1));
        self.wake();
    }
}

/// Returns where the last head ends that may be given at once: an empty line ends each.
fn end_of_heads(bytes: &[u8]) -> usize {
    let lines = memchr::memchr_iter(b'\n', bytes);
    let ends = lines
        .clone()
        .zip(lines.skip(1))
        .filter(|(line, next)| matches!(bytes[line + 1..*next], [] | [b'\r']));
    ends.map(|(_, end)| end + 1).nth(HEADS - 1).unwrap_or(bytes.len())
}

/// A request from its head to the last byte of its response.
pub(super) struct RequestUnderWay(Rc<ClientConnection>);

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.enter(ConnectionPhase::Idle);
    }
}

/// A request's body that is being read.
pub(super) struct BodyUnderWay(Rc<ClientConnection>);

impl Drop for BodyUnderWay {
    fn drop(&mut self) {
        self.0.enter(ConnectionPhase::UnderWay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_under_way_ends_reading_ahead() {
        let connection = ClientConnection::new();
        let cx = Context::from_waker(Waker::noop());
        let read = |most: usize| {
            let mut sum = 0;
            for _ in 0..most {
                if let Poll::Ready(room) = connection.poll_room(&cx) {
                    sum += connection.admit(&vec![b'x'; room]);
                }
            }
            sum
        };
        assert!(read(100) > 40 * BURST, "heads are read whatever their size");
        let request = connection.begin();
        assert!(read(100) <= BURST, "and then nothing more");
        let body = connection.begin_body();
        assert!(read(100) > 40 * BURST, "but its body is");
        drop(body);
        assert!(read(100) <= BURST, "to its end");
        drop(request);
        assert!(read(100) > 40 * BURST, "and the next head");
    }

    #[test]
    fn requests_that_wait_do_not_add_up() {
        let connection = ClientConnection::new();
        let cx = Context::from_waker(Waker::noop());
        connection.admit(&[b'x'; BURST]);
        let mut read = 0;
        // As many requests as fit into a burst, each answered while the next one waits already.
        for _ in 0..200 {
            let request = connection.begin();
            while let Poll::Ready(room) = connection.poll_room(&cx) {
                read += connection.admit(&vec![b'x'; room]);
            }
            drop(request);
        }
        assert!(read <= 2 * 200, "{read} bytes");
    }

    #[test]
    fn heads_are_given_by_and_by() {
        for head in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\n\n", "\n\n"] {
            let connection = ClientConnection::new();
            let cx = Context::from_waker(Waker::noop());
            let few = head.repeat(3) + "{\"a\":\n1}";
            assert_eq!(connection.admit(few.as_bytes()), few.len());
            assert!(connection.poll_room(&cx).is_ready());
            let given = connection.admit(head.repeat(100).as_bytes());
            assert!(given <= head.len() * HEADS, "{given} bytes");
            assert!(head == "\n\n" || given.is_multiple_of(head.len()), "{given} bytes are no whole heads");
            assert!(connection.poll_room(&cx).is_pending(), "and they are looked at first");
        }
    }
}

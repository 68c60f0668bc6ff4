//! The stream of one client's connection, with or without TLS: it gives up on a client that does not take what it asked
//! for, and reads no further ahead than its requests allow.
//!
//! Invariant: what is buffered waits no longer than [`PATIENCE`]. While one waits, nothing is read: a client that does not read
//! cannot ask for more.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};
use tracing::debug;

use crate::{bounds::Bound, http::ClientConnection};

/// How long a client may take for what is buffered for it: some 32 KiB here, and 64 KiB in the kernel. At 4 KiB/s, the
/// pace that is asked of bodies too, it takes less.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client's connection as a stream.
pub(super) struct ClientStream<S> {
    stream: S,
    connection: Rc<ClientConnection>,
    /// What was read and is not given to actix yet.
    ahead: Bytes,
    /// When the client has to have taken what is buffered; `None` if nothing waits to be written.
    deadline: Option<Pin<Box<Sleep>>>,
    patience: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientStream<S> {
    /// Wraps the stream of a connection that was just accepted.
    pub(super) fn new(stream: S) -> Self {
        let connection = ClientConnection::new();
        Self { stream, connection, ahead: Bytes::new(), deadline: None, patience: PATIENCE }
    }

    /// What its requests see of it.
    pub(super) fn connection(&self) -> Rc<ClientConnection> {
        self.connection.clone()
    }

    /// Passes on the outcome of a write, which waits no longer than the deadline.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(deadline.as_mut().poll(cx));
        Bound::UnreadAnswers.hit();
        debug!("closed a connection: its client did not read the answer for {patience:?}");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.deadline.is_some() {
            self.connection.wait(cx);
            return Poll::Pending;
        }
        let room = ready!(self.connection.poll_room(cx)).min(buffer.remaining());
        if !self.ahead.is_empty() {
            let room = room.min(self.ahead.len());
            let admitted = self.connection.admit(&self.ahead[..room]);
            buffer.put_slice(&self.ahead.split_to(admitted));
            return Poll::Ready(Ok(()));
        }
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let admitted = self.connection.admit(part.filled());
        self.ahead = Bytes::copy_from_slice(&part.filled()[admitted..]);
        buffer.advance(admitted);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    /// Actix flushes when all that it had to write is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() && self.deadline.take().is_some() {
            self.connection.wake();
        }
        self.in_time(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(cx, ended)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        time::{Instant, timeout},
    };

    use super::*;

    const BUFFER: usize = 64 << 10;

    /// A client, and the stream of its connection.
    fn pair(patience: Duration) -> (DuplexStream, ClientStream<DuplexStream>) {
        let (client, server) = duplex(1024);
        (client, ClientStream { patience, ..ClientStream::new(server) })
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_given_up() {
        let (_client, mut server) = pair(Duration::from_millis(50));
        let given_up = server.write_all(&[0; BUFFER]).await.unwrap_err();
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn one_byte_now_and_then_is_as_good_as_none() {
        let (mut client, mut server) = pair(Duration::from_millis(200));
        let client = async {
            loop {
                sleep(Duration::from_millis(50)).await;
                drop(client.read_u8().await);
            }
        };
        let given_up = tokio::select! {
            written = server.write_all(&[0; BUFFER]) => written.unwrap_err(),
            never = client => never,
        };
        assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_client_gets_all_that_it_reads() {
        let patience = Duration::from_secs(1);
        let (mut client, mut server) = pair(patience);
        let start = Instant::now();
        let writing = async move {
            let mut written = 0;
            while start.elapsed() < patience * 2 {
                server.write_all(&[0; BUFFER]).await.unwrap();
                server.flush().await.unwrap();
                written += BUFFER;
            }
            written
        };
        let reading = async {
            let (mut sum, mut part) = (0, [0; 4096]);
            loop {
                match client.read(&mut part).await.unwrap() {
                    0 => return sum,
                    read => sum += read,
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        let (written, read) = tokio::join!(writing, reading);
        assert_eq!(written, read);
    }

    #[tokio::test]
    async fn who_does_not_read_is_not_heard() {
        let (mut client, mut server) = pair(PATIENCE);
        client.write_all(b"next").await.unwrap();
        assert!(timeout(Duration::ZERO, server.write_all(&[0; 2048])).await.is_err(), "the write waits");
        let mut next = [0; 4];
        assert!(timeout(Duration::ZERO, server.read_exact(&mut next)).await.is_err(), "so nothing is read");
        client.read_exact(&mut [0; 1024]).await.unwrap();
        server.flush().await.unwrap();
        server.read_exact(&mut next).await.unwrap();
        assert_eq!(&next, b"next");
    }
}

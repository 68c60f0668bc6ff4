//! A child's stderr, logged under its server's name.
//!
//! Invariant: it is read to its end, so that the child never blocks on it for long. What the server's budget of the log
//! does not admit is passed over at a pace that costs nobody else anything; its last lines are kept either way, because
//! a child that crashes says why in them.

use std::{pin::pin, sync::Arc, time::Duration};

use memchr::memchr_iter;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::ChildStderr,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::info;

use super::{
    lines::{self, ReadLine},
    stderr_tail::StderrTail,
};
use crate::{held::Hold, secret::redact, upstream::transport::inbound::Inbound};

/// How long what a child that has exited has said last may still trickle in.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest line that is logged, in bytes.
const LONGEST: usize = 4 << 10;
/// The longest word that is not parted, in bytes.
const LONGEST_WORD: usize = 2 << 10;
/// How much is read at once.
const CHUNK: usize = 32 << 10;
/// The wait after each chunk that is passed over: about 6 MiB a second.
const PACE: Duration = Duration::from_millis(5);

/// Logs until the end of `stderr`, and not much longer than `stop`. Drops `heard_out` at its end.
pub(super) async fn log(
    stderr: ChildStderr,
    inbound: Arc<Inbound>,
    tail: StderrTail,
    stop: CancellationToken,
    heard_out: DropGuard,
) {
    let _heard_out = heard_out;
    {
        let mut drain = pin!(drain(BufReader::with_capacity(CHUNK, stderr), &inbound, &tail));
        tokio::select! {
            () = &mut drain => {}
            // A child that crashes says why in its last lines.
            () = stop.cancelled() => drop(timeout(DRAIN_TIMEOUT, drain).await),
        }
    }
    inbound.log_budget.end(&inbound.server);
}

async fn drain<R: AsyncRead + Unpin>(mut stderr: BufReader<R>, inbound: &Inbound, tail: &StderrTail) {
    let (server, budget) = (&inbound.server, &inbound.log_budget);
    let (mut line, mut rest, mut hold) = (Vec::new(), Vec::new(), Hold::default());
    // An over-long line is logged in parts rather than lost.
    loop {
        let found = lines::read(&mut stderr, &mut line, || LONGEST, &mut hold).await;
        line.splice(0..0, rest.drain(..));
        match found {
            // Parted between words, so that no secret is found in halves.
            Ok(ReadLine::TooLong) => {
                let space = line.iter().rposition(u8::is_ascii_whitespace);
                if let Some(space) = space.filter(|space| line.len() - space <= LONGEST_WORD) {
                    rest = line.split_off(space);
                }
            }
            Ok(ReadLine::Read) => {}
            _ if line.is_empty() => return,
            _ => {}
        }
        let text = String::from_utf8_lossy(&line);
        // The part of an over-long line may end within a secret.
        let text = redact(&text);
        tail.add(&text);
        if budget.admits(server, line.len()) {
            info!(target: "mcpo::stderr", server, "{}", text.trim_end());
        } else {
            rest.clear();
            pass_over(&mut stderr, inbound, tail).await;
        }
    }
}

/// Passes over what comes until the server may have something logged again.
async fn pass_over<R: AsyncRead + Unpin>(stderr: &mut BufReader<R>, inbound: &Inbound, tail: &StderrTail) {
    let Some(end) = inbound.log_budget.muted() else { return };
    // An end of the stream shows on the next read.
    while Instant::now() < end
        && let Ok(Ok(chunk)) = timeout_at(end, stderr.fill_buf()).await
        && !chunk.is_empty()
    {
        inbound.log_budget.drop_lines(memchr_iter(b'\n', chunk).count().max(1) as u64);
        tail.add_last(chunk);
        let read = chunk.len();
        stderr.consume(read);
        sleep(PACE).await;
    }
}

//! The thread that writes the log, so that nobody else waits for its reader.
//!
//! Invariant: what waits to be written is bounded in bytes, and so in lines. What does not fit is dropped and counted,
//! and the log tells how much that was once it flows again.

use std::{
    fs::File,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

use crate::{bounds::Bound, secret::redact};

/// How many bytes may wait. As many more are being written.
const WAITING: usize = 1 << 20;
/// How much room the empty buffers keep.
const KEPT: usize = 64 << 10;
/// The wait before an output that others have made non-blocking is tried again.
const FULL: Duration = Duration::from_millis(5);

/// A handle on the thread; clones share it.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<LogBuffer>,
    changed: Condvar,
}

#[derive(Default)]
struct LogBuffer {
    waiting: Vec<u8>,
    /// How many lines wait.
    lines: u64,
    /// How many were lost since the log last told.
    lost: u64,
    writing: bool,
}

impl LogWriter {
    /// Starts the thread, which lives as long as the process.
    ///
    /// # Errors
    ///
    /// The system cannot create a thread.
    pub(super) fn start(output: File) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || own.run(output))?;
        Ok(Self(shared))
    }

    /// Takes whole lines, which are written later, or dropped if too much waits.
    pub(super) fn put(&self, lines: &[u8]) {
        let mut state = self.0.state();
        if state.waiting.len() + lines.len() > WAITING {
            state.lost += 1;
            drop(state);
            Bound::LogLines.hit();
            return;
        }
        state.waiting.extend_from_slice(lines);
        state.lines += 1;
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits until all is written, but not longer than `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let is_busy = |state: &mut LogBuffer| state.writing || !state.waiting.is_empty();
        drop(self.0.changed.wait_timeout_while(self.0.state(), patience, is_busy));
    }
}

impl Shared {
    /// No code panics while it holds the lock, so the state is whole even if the lock is poisoned.
    fn state(&self) -> MutexGuard<'_, LogBuffer> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut output: File) {
        let mut batch = Vec::new();
        loop {
            let lines = self.next(&mut batch);
            let written = write_all(&mut output, &batch);
            batch.clear();
            batch.shrink_to(KEPT);
            let lost = {
                let mut state = self.state();
                match written {
                    Ok(()) => mem::take(&mut state.lost),
                    // The reader is gone, or the disk is full. Nobody would read it if this was told.
                    Err(_) => {
                        state.lost += lines;
                        Bound::LogLines.hit();
                        0
                    }
                }
            };
            if lost > 0 {
                warn!(lines = lost, "lines of the log are lost: they came faster than they could be written");
            }
        }
    }

    /// Waits for lines, and takes all of them. Returns how many they are.
    fn next(&self, batch: &mut Vec<u8>) -> u64 {
        let mut state = self.state();
        state.writing = false;
        self.changed.notify_all();
        let waits = |state: &mut LogBuffer| state.waiting.is_empty();
        let mut state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.writing = true;
        mem::swap(batch, &mut state.waiting);
        mem::take(&mut state.lines)
    }
}

fn write_all(output: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Write for &LogWriter {
    /// Takes one event, which comes in one write. Secrets are redacted: this is the last place that can.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        match str::from_utf8(event) {
            Ok(text) => self.put(redact(text).as_bytes()),
            Err(_) => self.put(event),
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::fd::OwnedFd};

    use super::*;

    const LINE: &[u8] = &[b'x'; 1024];

    fn pipe() -> (io::PipeReader, LogWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (reader, LogWriter::start(OwnedFd::from(writer).into()).unwrap())
    }

    /// Logging never blocks: if it did, this test would hang.
    #[test]
    fn a_reader_that_stalls_stops_nobody() {
        let (mut reader, log) = pipe();
        let before = Bound::LogLines.hits();
        for _ in 0..10_000 {
            log.put(LINE);
        }
        log.flush(Duration::from_millis(10));
        let lost = log.0.state().lost;
        assert!(lost > 7_000 && log.0.state().waiting.len() <= WAITING, "{lost}");
        assert!(Bound::LogLines.hits() - before >= lost);
        let mut read = vec![0; (10_000 - usize::try_from(lost).unwrap()) * LINE.len()];
        reader.read_exact(&mut read).unwrap();
        log.flush(Duration::from_secs(60));
        assert_eq!(log.0.state().lost, 0, "it was told");
    }

    #[test]
    fn a_reader_that_is_gone_costs_its_lines() {
        let (reader, log) = pipe();
        drop(reader);
        for _ in 0..10 {
            log.put(LINE);
            log.flush(Duration::from_secs(60));
        }
        assert_eq!(log.0.state().lost, 10);
    }
}

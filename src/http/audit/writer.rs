//! The thread that writes the audit log, so that no worker waits for a disk or a reader.
//!
//! Invariant: a line that was taken is written, however long that takes, in order and whole, unless the process ends
//! before. While that is in trouble no call begins, so what waits is bounded: by [`WAITING`], and one line for each
//! call that was under way.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes};
use tokio::sync::oneshot;
use tracing::{error, info};

use super::file;

/// How long a line may take to be written before the log counts as stalled.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How many bytes may wait before the log counts as too slow.
const WAITING: usize = 4 << 20;
/// The wait before a write that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// The wait before an output that others have made non-blocking is tried again.
const FULL: Duration = Duration::from_millis(5);

/// A handle on the thread, which ends when the handle is gone and all is written that can be.
pub(super) struct AuditWriter(Arc<Queue>);

/// Resolves when the line is written.
pub(in crate::http) type Written = oneshot::Receiver<()>;

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    lines: VecDeque<QueuedLine>,
    bytes: usize,
    /// Why the last write failed.
    failure: Option<String>,
    /// The file that is to be opened anew.
    reopen: Option<PathBuf>,
    closing: bool,
}

struct QueuedLine {
    line: Bytes,
    since: Instant,
    written: oneshot::Sender<()>,
}

impl AuditWriter {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system cannot create a thread.
    pub(super) fn start(output: File) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let own = queue.clone();
        thread::Builder::new().name("audit".to_owned()).spawn(move || own.run(output))?;
        Ok(Self(queue))
    }

    /// Why lines cannot be written now; `None` if they can.
    pub(super) fn trouble(&self) -> Option<String> {
        self.0.state().trouble()
    }

    /// Whether lines can be written now, and few wait.
    pub(super) fn is_calm(&self) -> bool {
        let state = self.0.state();
        state.trouble().is_none() && state.bytes <= WAITING / 4
    }

    /// Takes a line, even if there is trouble.
    pub(super) fn put(&self, line: Bytes) -> Written {
        let mut state = self.0.state();
        let (written, receiver) = oneshot::channel();
        state.bytes += line.len();
        state.lines.push_back(QueuedLine { line, since: Instant::now(), written });
        drop(state);
        self.0.changed.notify_all();
        receiver
    }

    /// Has the file at `path` opened anew before the next line.
    pub(super) fn reopen(&self, path: PathBuf) {
        self.0.state().reopen = Some(path);
        self.0.changed.notify_all();
    }

    /// Waits until all is written, but not longer than `patience`. Returns how many lines are left.
    pub(super) fn flush(&self, patience: Duration) -> usize {
        let is_busy = |state: &mut QueueState| !state.lines.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.0.state(), patience, is_busy);
        waited.unwrap_or_else(PoisonError::into_inner).0.lines.len()
    }
}

impl Drop for AuditWriter {
    fn drop(&mut self) {
        self.0.state().closing = true;
        self.0.changed.notify_all();
    }
}

impl QueueState {
    fn trouble(&self) -> Option<String> {
        if let Some(failure) = &self.failure {
            return Some(failure.clone());
        }
        let stalled = self.lines.front().is_some_and(|line| line.since.elapsed() >= PATIENCE);
        (stalled || self.bytes > WAITING).then(|| "nobody takes its lines".to_owned())
    }
}

/// What the thread is to do next.
enum Task {
    Open(PathBuf),
    Write(Bytes),
    End,
}

impl Queue {
    /// No code panics while it holds the lock, so the state is whole even if the lock is poisoned.
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut output: File) {
        // What is left of the first line, if a write broke off within it.
        let mut rest = Bytes::new();
        loop {
            match self.next() {
                Task::Open(path) => match file::append(&path) {
                    Ok(file) => {
                        output = file;
                        // The new file gets the whole line.
                        rest.clear();
                    }
                    Err(error) => {
                        error!("the audit log {} cannot be opened anew: {error}", path.display());
                    }
                },
                Task::Write(line) => {
                    if rest.is_empty() {
                        rest = line;
                    }
                    match write_all(&mut output, &mut rest) {
                        Ok(()) => self.wrote(),
                        Err(error) => self.failed(&error),
                    }
                }
                Task::End => return,
            }
        }
    }

    fn next(&self) -> Task {
        let idle =
            |state: &mut QueueState| state.lines.is_empty() && state.reopen.is_none() && !state.closing;
        let mut state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = state.reopen.take() {
            return Task::Open(path);
        }
        match state.lines.front() {
            Some(first) => Task::Write(first.line.clone()),
            None => Task::End,
        }
    }

    fn wrote(&self) {
        let mut state = self.state();
        let failed = state.failure.take().is_some();
        if let Some(QueuedLine { line, written, .. }) = state.lines.pop_front() {
            state.bytes -= line.len();
            // Its call may be gone.
            let _ = written.send(());
        }
        drop(state);
        self.changed.notify_all();
        if failed {
            info!("the audit log is written again");
        }
    }

    /// Waits before the next attempt.
    fn failed(&self, error: &io::Error) {
        let reason = error.kind().to_string();
        if self.state().failure.replace(reason).is_none() {
            error!("the audit log cannot be written, so calls are refused until it can: {error}");
        }
        let waits = |state: &mut QueueState| state.reopen.is_none() && !state.closing;
        let waited = self.changed.wait_timeout_while(self.state(), RETRY, waits);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if state.closing {
            state.lines.clear();
        }
    }
}

/// Writes the line in one write, if the system takes it so: lines of several processes do not mix. Takes off what is
/// written.
fn write_all(output: &mut File, line: &mut Bytes) -> io::Result<()> {
    while !line.is_empty() {
        match output.write(line) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => line.advance(written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{BufRead as _, BufReader},
        os::fd::OwnedFd,
    };

    use super::*;

    fn line(number: usize) -> Bytes {
        format!("{number:01023}\n").into()
    }

    /// What is taken is never lost, and the trouble shows.
    #[tokio::test]
    async fn a_reader_that_stalls_gets_every_line_later() {
        let (reader, output) = io::pipe().unwrap();
        let writer = AuditWriter::start(OwnedFd::from(output).into()).unwrap();
        writer.put(line(0)).await.unwrap();
        assert_eq!(writer.trouble(), None);
        let count = WAITING / 1024 + 100;
        for number in 1..count - 1 {
            drop(writer.put(line(number)));
        }
        let last = writer.put(line(count - 1));
        assert_eq!(writer.trouble().as_deref(), Some("nobody takes its lines"));
        assert!(writer.flush(Duration::from_millis(1)) > 0);
        let mut lines = BufReader::new(reader).lines();
        for number in 0..count {
            assert_eq!(lines.next().unwrap().unwrap().as_bytes(), line(number).trim_ascii_end());
        }
        last.await.unwrap();
        assert_eq!((writer.trouble(), writer.flush(PATIENCE)), (None, 0));
    }

    #[tokio::test]
    async fn a_disk_that_is_full_is_tried_again_and_another_file_helps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let full = fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
        let writer = AuditWriter::start(full).unwrap();
        let (first, second) = (writer.put(line(1)), writer.put(line(2)));
        while writer.trouble().is_none() {
            tokio::task::yield_now().await;
        }
        writer.reopen(path.clone());
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), [line(1), line(2)].concat());
        assert_eq!(writer.trouble(), None);
    }
}

//! The record of calls: who, which tool, what became of it, how long it took. One JSON object a line, and no value of an
//! argument or a result.
//!
//! Invariant: a line is whole and written before its request is answered, so nothing that was answered is missing.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{HttpMessage as _, HttpRequest};
use jiff::Timestamp;
use serde::Serialize;
use tracing::error;

use super::{
    guard::{self, Caller},
    peer,
    request_id::RequestId,
    state::Gateway,
};
use crate::{config::Audit, upstream::Frame};

/// How much of a path is recorded, in bytes.
const LONGEST_PATH: usize = 512;

/// The record, open for writing.
pub struct AuditLog {
    path: Option<PathBuf>,
    target: Mutex<Target>,
    /// Whether the last line could not be written, which is told once.
    failing: AtomicBool,
}

enum Target {
    Stdout,
    File(File),
}

/// One line.
#[derive(Debug, Serialize)]
struct Record<'a> {
    /// When it ended (RFC 3339).
    time: Timestamp,
    /// The request's id.
    request_id: &'a str,
    /// Where it came from.
    address: String,
    /// By which key, or to whom its token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    /// What was called, or what somebody wanted who was not let in.
    #[serde(flatten)]
    wanted: Wanted<'a>,
    /// What became of it, in a word.
    outcome: &'static str,
    /// The status of the answer; nothing where the caller hung up.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long it took, in milliseconds.
    ms: u64,
}

/// What a request was for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Wanted<'a> {
    /// A tool.
    Tool {
        /// The server's name.
        server: &'a str,
        /// Its own name.
        tool: &'a str,
    },
    /// Something that it did not get to.
    Path {
        /// The method.
        method: &'a str,
        /// The path, without its query.
        path: &'a str,
    },
}

impl Wanted<'_> {
    /// A path is a stranger's, and may be as long as a request's head.
    fn bounded(self) -> Self {
        match self {
            Self::Path { method, path } => {
                Self::Path { method, path: &path[..path.floor_char_boundary(LONGEST_PATH)] }
            }
            tool => tool,
        }
    }
}

/// Writes a line about `request`, where calls are recorded.
pub(super) fn record(
    gateway: &Gateway,
    request: &HttpRequest,
    wanted: Wanted<'_>,
    outcome: &'static str,
    status: Option<u16>,
    ms: u64,
) {
    let Some(log) = &gateway.insight.audit else { return };
    let caller = guard::caller(request).ok();
    let extensions = request.extensions();
    log.write(&Record {
        time: Timestamp::now(),
        request_id: extensions.get::<RequestId>().map_or("", RequestId::as_str),
        address: peer::address(request).to_string(),
        caller: caller.as_ref().and_then(Caller::name),
        wanted: wanted.bounded(),
        outcome,
        status,
        ms,
    });
}

impl AuditLog {
    /// Opens the record.
    ///
    /// # Errors
    ///
    /// The file cannot be written to.
    pub fn open(audit: &Audit) -> io::Result<Self> {
        let (path, target) = match audit {
            Audit::Stdout => (None, Target::Stdout),
            Audit::File(path) => (Some(path.clone()), Target::File(append(path)?)),
        };
        Ok(Self { path, target: Mutex::new(target), failing: AtomicBool::new(false) })
    }

    /// Opens the file anew: another program may have moved the old one away, to begin a new one.
    pub(super) fn reopen(&self) {
        let Some(path) = &self.path else { return };
        match append(path) {
            Ok(file) => *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Target::File(file),
            Err(error) => error!("the audit log {} cannot be opened anew: {error}", path.display()),
        }
    }

    fn write(&self, record: &Record<'_>) {
        let written = Frame::new(record).map_err(io::Error::from).and_then(|frame| {
            let mut line = frame.into_line();
            // What was torn off when the last line failed must not spoil this one.
            if self.failing.load(Ordering::Relaxed) {
                line = [&b"\n"[..], &line].concat().into();
            }
            // One write to the file's end, so that lines of several processes do not mix.
            match &mut *self.target.lock().unwrap_or_else(PoisonError::into_inner) {
                Target::Stdout => io::stdout().write_all(&line).and_then(|()| io::stdout().flush()),
                Target::File(file) => file.write_all(&line),
            }
        });
        let failed = written.is_err();
        if let (Err(error), false) = (written, self.failing.load(Ordering::Relaxed)) {
            error!("the audit log cannot be written: {error}");
        }
        self.failing.store(failed, Ordering::Relaxed);
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    // To open a pipe would wait for a reader, and to write into a full one too.
    if path.metadata().is_ok_and(|found| found.file_type().is_fifo()) {
        return Err(io::Error::other("it is a pipe; name a file, or - for standard output"));
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

//! The audit log: one JSON object a line says which caller called which tool, with what outcome, and how long it took.
//!
//! It holds no argument values and no results.
//!
//! Invariant: each line is written whole and before its request is answered, so no answered request is missing.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::dev::ServiceResponse;
use jiff::Timestamp;
use serde::Serialize;
use tracing::{error, info};

use super::context::RequestContext;
use crate::{config::Audit, upstream::Frame};

/// The longest path that is recorded, in bytes.
const LONGEST_PATH: usize = 512;

/// The audit log, open for writing.
pub struct AuditLog {
    path: Option<PathBuf>,
    output: Mutex<Sink>,
    /// Whether the last write failed, so that a failure is logged only once.
    failing: AtomicBool,
}

enum Sink {
    Stdout,
    File(File),
}

/// One line of the audit log.
#[derive(Debug, Serialize)]
struct AuditRecord<'a> {
    /// The time when the request ended (RFC 3339).
    time: Timestamp,
    request_id: &'a str,
    address: String,
    /// The name of the caller's key, or the subject of its token.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<&'a str>,
    /// The tool that was called, or the path that was refused.
    #[serde(flatten)]
    target: Target<'a>,
    /// The outcome in a word.
    outcome: &'static str,
    /// The status of the response; `None` if the caller hung up.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The duration in milliseconds.
    ms: u64,
}

/// The target of a request.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Target<'a> {
    Tool {
        server: &'a str,
        tool: &'a str,
    },
    /// A path, for a request that reached no tool.
    Path {
        method: &'a str,
        /// The path, without its query.
        path: &'a str,
    },
}

impl Target<'_> {
    /// Truncates a path, which a client may make as long as a request head can be.
    fn bounded(self) -> Self {
        match self {
            Self::Path { method, path } => {
                Self::Path { method, path: &path[..path.floor_char_boundary(LONGEST_PATH)] }
            }
            tool => tool,
        }
    }
}

/// Logs and records a request that was refused.
pub(super) fn refused<B>(
    log: Option<&AuditLog>,
    context: &RequestContext,
    response: &ServiceResponse<B>,
    reason: &impl fmt::Display,
) {
    info!(address = %context.address(), "refused: {reason}");
    if let Some(log) = log {
        let request = response.request();
        let target = Target::Path { method: request.method().as_str(), path: request.path() };
        log.record(context, target, "denied", Some(response.status().as_u16()), 0);
    }
}

impl AuditLog {
    /// Opens the log.
    ///
    /// # Errors
    ///
    /// The file cannot be written to.
    pub fn open(audit: &Audit) -> io::Result<Self> {
        let (path, output) = match audit {
            Audit::Stdout => (None, Sink::Stdout),
            Audit::File(path) => (Some(path.clone()), Sink::File(append(path)?)),
        };
        Ok(Self { path, output: Mutex::new(output), failing: AtomicBool::new(false) })
    }

    /// Reopens the file, because log rotation may have moved the old one away.
    pub(super) fn reopen(&self) {
        let Some(path) = &self.path else { return };
        match append(path) {
            Ok(file) => *self.output.lock().unwrap_or_else(PoisonError::into_inner) = Sink::File(file),
            Err(error) => error!("the audit log {} cannot be opened anew: {error}", path.display()),
        }
    }

    /// Writes a line about a request that took `ms` milliseconds.
    pub(super) fn record(
        &self,
        context: &RequestContext,
        target: Target<'_>,
        outcome: &'static str,
        status: Option<u16>,
        ms: u64,
    ) {
        self.write(&AuditRecord {
            time: Timestamp::now(),
            request_id: context.id(),
            address: context.address().to_string(),
            caller: context.caller_name(),
            target: target.bounded(),
            outcome,
            status,
            ms,
        });
    }

    fn write(&self, record: &AuditRecord<'_>) {
        let written = Frame::new(record).map_err(io::Error::from).and_then(|frame| {
            let mut line = frame.into_line();
            // The failed write may have left part of a line, so this one starts on a new line.
            if self.failing.load(Ordering::Relaxed) {
                line = [&b"\n"[..], &line].concat().into();
            }
            // One appending write for each line, so that lines of several processes do not mix.
            match &mut *self.output.lock().unwrap_or_else(PoisonError::into_inner) {
                Sink::Stdout => io::stdout().write_all(&line).and_then(|()| io::stdout().flush()),
                Sink::File(file) => file.write_all(&line),
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
    // Opening a pipe blocks until there is a reader, and writing to a full one blocks too.
    if path.metadata().is_ok_and(|found| found.file_type().is_fifo()) {
        return Err(io::Error::other("it is a pipe; name a file, or - for standard output"));
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

//! The audit log: one JSON object a line says which caller called which tool, with what outcome, and how long it took.
//!
//! It holds no argument values and no results.
//!
//! Invariant: each line is written whole and before its request is answered, so no answered call is missing. If lines
//! cannot be written, calls are refused; the `writer` says when that is.

mod file;
mod writer;

use std::{
    fmt,
    fs::File,
    io::{self, stdout},
    os::fd::AsFd as _,
    path::PathBuf,
    time::Duration,
};

use actix_web::dev::ServiceResponse;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use tracing::{error, info};

pub(super) use self::writer::Written;
use self::writer::{AuditWriter, PATIENCE};
use super::{context::RequestContext, error::ApiError};
use crate::{
    bounds::Bound,
    config::Audit,
    excerpt::{sentence, visible_json},
    upstream::Frame,
};

/// The longest path, or name of a tool, that is recorded, in bytes.
const LONGEST_PATH: usize = 512;
/// The longest method, which may be any token.
const LONGEST_METHOD: usize = 32;
/// How long the end of the process waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The audit log, open for writing.
pub struct AuditLog {
    path: Option<PathBuf>,
    writer: AuditWriter,
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
    caller: Option<String>,
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
    /// Truncates what a client or a server may make long.
    fn bounded(self) -> Self {
        match self {
            Self::Path { method, path } => {
                Self::Path { method: beginning(method, LONGEST_METHOD), path: beginning(path, LONGEST_PATH) }
            }
            Self::Tool { server, tool } => Self::Tool { server, tool: beginning(tool, LONGEST_PATH) },
        }
    }
}

fn beginning(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}

/// What has come of a request that is recorded.
pub(super) struct Recorded {
    /// The outcome in a word.
    pub(super) outcome: &'static str,
    /// The status of the response; `None` if the caller hung up.
    pub(super) status: Option<u16>,
    /// How long it took, in milliseconds.
    pub(super) ms: u64,
}

/// Logs and records a request that was refused.
pub(super) async fn refused<B>(
    log: Option<&AuditLog>,
    context: &RequestContext,
    response: &ServiceResponse<B>,
    reason: &impl fmt::Display,
) {
    info!(address = %context.address(), "refused: {reason}");
    let Some(log) = log else { return };
    // Strangers could fill the queue with refusals, and a refusal has no effect that has to be known.
    if !log.writer.is_calm() {
        return Bound::AuditLines.hit();
    }
    let request = response.request();
    let target = Target::Path { method: request.method().as_str(), path: request.path() };
    let status = Some(response.status().as_u16());
    let written = log.record(context, target, &Recorded { outcome: "denied", status, ms: 0 });
    let _ = timeout(PATIENCE, written).await;
}

impl AuditLog {
    /// Opens the log.
    ///
    /// # Errors
    ///
    /// The file cannot be written to, or is not ours alone.
    pub fn open(audit: &Audit) -> io::Result<Self> {
        let (path, output) = match audit {
            Audit::Stdout => (None, File::from(stdout().as_fd().try_clone_to_owned()?)),
            Audit::File(path) => (Some(path.clone()), file::append(path)?),
        };
        Ok(Self { path, writer: AuditWriter::start(output)? })
    }

    /// Reopens the file, because log rotation may have moved the old one away.
    pub(super) fn reopen(&self) {
        if let Some(path) = &self.path {
            self.writer.reopen(path.clone());
        }
    }

    /// Lets a call begin only if its line can be written.
    ///
    /// # Errors
    ///
    /// Lines cannot be written now.
    pub(super) fn admit(&self) -> Result<(), ApiError> {
        match self.writer.trouble() {
            None => Ok(()),
            Some(reason) => {
                Bound::AuditLines.hit();
                Err(ApiError::Unrecordable { reason, retry_after: PATIENCE })
            }
        }
    }

    /// Takes the line about a request, to be written even if nobody waits for it.
    pub(super) fn record(&self, context: &RequestContext, target: Target<'_>, what: &Recorded) -> Written {
        let Recorded { outcome, status, ms } = *what;
        self.writer.put(line(&AuditRecord {
            time: Timestamp::now(),
            request_id: context.id(),
            address: context.address().to_string(),
            caller: context.caller_name().map(sentence),
            target: target.bounded(),
            outcome,
            status,
            ms,
        }))
    }

    /// Waits for the last lines, but not for an output that stalls.
    pub(super) fn end(&self) {
        let left = self.writer.flush(LAST_LINES);
        if left > 0 {
            error!(lines = left, "the last lines of the audit log could not be written");
        }
    }
}

/// Waits until the line of a call is written.
///
/// # Errors
///
/// It is not written in time. It will be, if the log can be written again.
pub(super) async fn written(line: Written) -> Result<(), ApiError> {
    match timeout(PATIENCE, line).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => {
            Bound::AuditLines.hit();
            Err(ApiError::Unrecorded)
        }
    }
}

/// A record as a line without hidden characters.
fn line(record: &AuditRecord<'_>) -> Bytes {
    // A record holds nothing that cannot be serialised.
    let line = Frame::new(record).map(Frame::into_body).unwrap_or_default();
    let mut line = visible_json(&String::from_utf8_lossy(&line)).into_owned();
    line.push('\n');
    line.into()
}

//! Telemetry for the operator: log lines on stderr, and spans sent to a trace collector.
//!
//! Invariant: nobody waits for the reader of stderr but the thread that writes to it, not even the end of the process.

mod fields;
mod format;
mod traces;
mod writer;

pub use traces::Traces;

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    fs::File,
    io::{self, IsTerminal, Write as _, stderr},
    os::fd::AsFd as _,
    panic,
    sync::OnceLock,
    time::Duration,
};

use tracing::{error, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use self::{format::EventFormat, writer::LogWriter};
use crate::{
    config::{LogColours, LogFormat, LogLevel},
    excerpt::visible_lines,
};

/// How long the end of the process waits for the last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The writer of the process, as its subscriber is one for all.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// Starts logging mcpo's own events from `level` on, and only warnings and errors of libraries.
///
/// rmcp's warnings contain entire messages with their values, so only its errors are logged.
///
/// # Errors
///
/// The system cannot create a thread, or stderr is closed.
pub fn start(level: LogLevel, format: LogFormat, colours: LogColours) -> io::Result<()> {
    let level = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Critical => LevelFilter::OFF,
    };
    let libraries = level.min(LevelFilter::WARN);
    let filter = Targets::new()
        .with_default(libraries)
        .with_target("rmcp", level.min(LevelFilter::ERROR))
        .with_target("mcpo", level);
    let colours = match colours {
        LogColours::Never => false,
        LogColours::Always => true,
        LogColours::OnTerminal => stderr().is_terminal(),
    };
    let writer = LogWriter::start(File::from(stderr().as_fd().try_clone_to_owned()?))?;
    let format = EventFormat { json: format == LogFormat::Json };
    let lines = fmt::layer()
        .with_writer(WRITER.get_or_init(|| writer).clone())
        .with_ansi(colours && !format.json)
        .fmt_fields(format)
        .event_format(format);
    // Only the first call in a process has an effect, which only matters in tests.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    log_panics();
    Ok(())
}

/// Has panics logged as other events are, rather than written to stderr by the thread that panics.
fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => error!(place, %backtrace, "panicked: {}", words(info.payload())),
            _ => error!(place, "panicked: {}", words(info.payload())),
        }
    }));
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

/// Writes the last words of the process to stderr, after all that was logged before.
///
/// If they cannot be written, only the exit code is left to report a failure.
pub fn say(text: &str) {
    let text = visible_lines(text);
    match WRITER.get() {
        Some(writer) => writer.put(format!("{text}\n").as_bytes()),
        None => drop(writeln!(stderr(), "{text}")),
    }
}

/// Waits until all is written, but not for a reader that stalls.
pub fn end() {
    if let Some(writer) = WRITER.get() {
        writer.flush(LAST_LINES);
    }
}

//! Telemetry for the operator: log lines on stderr, and spans sent to a trace collector.

mod line;
mod traces;

pub use traces::Traces;

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use self::line::Lines;
use crate::config::{LogFormat, LogLevel};

/// Starts logging mcpo's own events from `level` on, and only warnings and errors of libraries.
///
/// rmcp's warnings contain entire messages with their values, so only its errors are logged.
pub fn start(level: LogLevel, format: LogFormat) {
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
    let colours = stderr().is_terminal();
    let lines = fmt::layer().with_writer(Lines { colours }).with_ansi(colours).with_target(false);
    let lines = match format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().with_span_list(false).boxed(),
    };
    // Only the first call in a process has an effect, which only matters in tests.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}

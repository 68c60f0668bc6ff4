//! What the operator sees on stderr.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{EnvFilter, filter::Directive, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging: mcpo's own events from `level` on, those of libraries only where they are worth a look.
///
/// rmcp logs every message in full at INFO and below, values included, so it never gets to say more than
/// warnings.
pub fn start(level: LevelFilter) {
    let libraries = level.min(LevelFilter::WARN);
    let own = Directive::from(level);
    let filter = EnvFilter::builder()
        .with_default_directive(libraries.into())
        .parse_lossy("")
        .add_directive(format!("mcpo={own}").parse().unwrap_or(own));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    // Only the first call in a process counts, which matters to nobody but tests.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

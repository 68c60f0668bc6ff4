//! Errors of building and running the application.

use std::io;

/// The reason why the application could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {reason}")]
    Bind {
        /// Host and port as configured.
        address: String,
        /// The reason, and a remedy if there is an obvious one.
        reason: String,
    },
    /// The audit log cannot be opened.
    #[error("cannot write the audit log {path}: {reason}")]
    Audit {
        /// The file as configured.
        path: String,
        /// The reason.
        reason: io::Error,
    },
    /// Spans cannot be exported.
    #[error("spans cannot be exported: {0}; check the variables OTEL_EXPORTER_OTLP_*")]
    Traces(String),
    /// TLS cannot be served.
    #[error("cannot serve HTTPS: {0}")]
    Tls(#[from] rustls::Error),
    /// SIGHUP cannot be caught.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

/// The reason why the application did not shut down cleanly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The HTTP server failed.
    #[error("the HTTP server broke down: {0}")]
    Server(#[from] io::Error),
    /// A second signal cut the shutdown short.
    #[error("ended at once, as told by a second signal")]
    Cut,
}

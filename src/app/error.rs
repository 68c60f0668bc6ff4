//! Why the application could not be built, or did not end as it should.

use std::io;

/// Why the application could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Bind {
        /// Host and port as configured.
        address: String,
        /// The reason, and what to do where that is plain.
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

/// Why the application did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The HTTP server broke down.
    #[error("the HTTP server broke down: {0}")]
    Server(#[from] io::Error),
    /// It was told to stop a second time.
    #[error("ended at once, as told by a second signal")]
    Cut,
}

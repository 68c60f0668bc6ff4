//! How the gateway can be watched.

use std::time::Instant;

use opentelemetry_sdk::trace::SdkTracer;

use super::audit::AuditLog;

/// What watching takes, beside what is counted of each tool.
pub struct Insight {
    /// Since when the gateway runs.
    pub(super) started: Instant,
    /// Whether numbers are served on a port of their own, and not beside the tools.
    pub(super) metrics_apart: bool,
    /// What makes spans of calls, where they are exported.
    pub(super) tracer: Option<SdkTracer>,
    /// Where calls are recorded, if they are.
    pub(super) audit: Option<AuditLog>,
}

impl Insight {
    /// Into a gateway that starts now.
    pub fn new(metrics_apart: bool, tracer: Option<SdkTracer>, audit: Option<AuditLog>) -> Self {
        Self { started: Instant::now(), metrics_apart, tracer, audit }
    }

    /// Follows an audit log that was moved away.
    pub fn reopen_audit_log(&self) {
        if let Some(log) = &self.audit {
            log.reopen();
        }
    }
}
